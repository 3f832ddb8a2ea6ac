#ifndef POSTERN_TLS_H
#define POSTERN_TLS_H

// Server-side TLS over OpenSSL, for sockets that do not block. What a connection is and when it is served is not known
// here. Calls that move bytes return how many, 0 at the end of the peer's bytes, or a negated errno: -EAGAIN where the
// socket has or takes nothing now, -EPROTO where the protocol was broken.

#include <stddef.h>
#include <stdint.h>

// One certificate with its key, or several of them: the first serves where no name fits.
typedef struct postern_tls_context postern_tls_context;
typedef struct postern_tls_session postern_tls_session;

enum postern_tls_client_certificates {
    POSTERN_TLS_CLIENT_NONE = 0,
    POSTERN_TLS_CLIENT_OPTIONAL = 1,
    POSTERN_TLS_CLIENT_REQUIRED = 2,
};

// What a handshake that is not over wants of the socket; every other state is `POSTERN_TLS_ESTABLISHED`.
enum postern_tls_progress {
    POSTERN_TLS_ESTABLISHED = 0,
    POSTERN_TLS_WANTS_READ = 1,
    POSTERN_TLS_WANTS_WRITE = 2,
    // The peer broke the protocol, or none of its offers will do.
    POSTERN_TLS_REFUSED = 3,
    // The peer speaks HTTP without TLS.
    POSTERN_TLS_PLAIN_HTTP = 4,
    // The connection ended.
    POSTERN_TLS_ENDED = 5,
};

// A context without certificates. `minimum_version` is 12 or 13. NULL where memory is short.
postern_tls_context *postern_tls_context_create(int minimum_version);
// Adds a certificate chain and its key, both PEM files. 0; where it fails -1, with one line in `error`.
int postern_tls_context_add(
    postern_tls_context *context, const char *chain_path, const char *key_path, char *error, size_t error_size);
// Asks clients for certificates of these authorities (a PEM file). 0 or -1 as above. Before any certificate is added.
int postern_tls_context_verify_clients(
    postern_tls_context *context, const char *authorities_path, int mode, char *error, size_t error_size);
// Frees it once the last session that was begun with it is freed.
void postern_tls_context_release(postern_tls_context *context);
// When the first of its certificates ends to be valid, in seconds since 1970.
int64_t postern_tls_context_expires(const postern_tls_context *context);

// A session on a connected socket, which stays the caller's. NULL where memory is short.
postern_tls_session *postern_tls_session_create(postern_tls_context *context, int descriptor);
void postern_tls_session_free(postern_tls_session *session);
// Goes on with the handshake: a `postern_tls_progress`.
int postern_tls_session_handshake(postern_tls_session *session);
// Whether the handshake took up an earlier session.
int postern_tls_session_is_resumed(const postern_tls_session *session);
int64_t postern_tls_session_read(postern_tls_session *session, void *buffer, size_t count);
// Writes one TLS record at most (16 KiB). After -EAGAIN the same bytes are to be written again, from wherever they stand
// by then; more may follow them.
int64_t postern_tls_session_write(postern_tls_session *session, const void *buffer, size_t count);
// Whether bytes that were read from the socket wait in the session.
int postern_tls_session_has_pending(const postern_tls_session *session);
// Tells the peer that nothing more is sent; never waits.
void postern_tls_session_shutdown(postern_tls_session *session);

#endif
