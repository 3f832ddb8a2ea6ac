#include "include/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_CERTIFICATES = 64,
    // Records of a peer's that may follow one another without bytes for us. OpenSSL reads on as long as there are any: a
    // peer that sends key updates (RFC 8446, section 4.6.3) or asks for renegotiation without end would keep its thread for
    // itself. No client sends more than one or two of them in a row.
    MAX_RECORDS_WITHOUT_BYTES = 32,
    // And those of a handshake; a long chain of certificates has ten.
    MAX_HANDSHAKE_RECORDS = 256,
};

struct postern_tls_context {
    // Counts the owner and every session.
    atomic_int references;
    int minimum_version;
    int client_mode;
    X509_STORE *authorities;
    STACK_OF(X509_NAME) *authority_names;
    int count;
    SSL_CTX *certificates[MAX_CERTIFICATES];
};

struct postern_tls_session {
    SSL *ssl;
    postern_tls_context *context;
    // An error that the protocol does not come back from: nothing more may be asked of it.
    int is_broken;
    // Records since the last that brought bytes, and how many there may be.
    int records;
    int max_records;
};

// ---- contexts

static int fail(char *error, size_t size, const char *path, const char *what) {
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    snprintf(error, size, "%s: %s%s%s", path, what, reason ? ": " : "", reason ? reason : "");
    ERR_clear_error();
    return -1;
}

postern_tls_context *postern_tls_context_create(int minimum_version) {
    postern_tls_context *context = calloc(1, sizeof *context);
    if (!context) return NULL;
    atomic_init(&context->references, 1);
    context->minimum_version = minimum_version == 13 ? TLS1_3_VERSION : TLS1_2_VERSION;
    return context;
}

// RFC 7301, section 3.2: who speaks none of our protocols is refused, so that no other protocol's server can be played
// by this one.
static int select_protocol(
    SSL *ssl, const unsigned char **out, unsigned char *out_length, const unsigned char *in, unsigned int in_length,
    void *argument) {
    (void)ssl;
    (void)argument;
    static const unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_length, ours, sizeof ours, in, in_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

// RFC 6066, section 3: the certificate that has the name the client asks for.
static int select_certificate(SSL *ssl, int *alert, void *argument) {
    (void)alert;
    postern_tls_context *context = argument;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (!name) return SSL_TLSEXT_ERR_NOACK;
    for (int index = 0; index < context->count; index++) {
        X509 *certificate = SSL_CTX_get0_certificate(context->certificates[index]);
        if (X509_check_host(certificate, name, 0, 0, NULL) != 1) continue;
        if (index > 0) SSL_set_SSL_CTX(ssl, context->certificates[index]);
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

static SSL_CTX *make(postern_tls_context *context) {
    SSL_CTX *made = SSL_CTX_new(TLS_server_method());
    if (!made) return NULL;
    SSL_CTX_set_min_proto_version(made, context->minimum_version);
    // Mozilla's intermediate list without the finite-field suites.
    SSL_CTX_set_cipher_list(
        made,
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
        "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305");
    SSL_CTX_set1_groups_list(made, "X25519:P-256:P-384");
    SSL_CTX_set_options(
        made, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_PRIORITIZE_CHACHA |
                  SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(
        made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    // One system call takes what is there; records are then cut out of it.
    SSL_CTX_set_read_ahead(made, 1);
    // Sessions are resumed by tickets, which the client keeps; nothing of them stays here.
    SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(made, (const unsigned char *)"postern", 7);
    SSL_CTX_set_num_tickets(made, 1);
    SSL_CTX_set_alpn_select_cb(made, select_protocol, NULL);
    SSL_CTX_set_tlsext_servername_callback(made, select_certificate);
    SSL_CTX_set_tlsext_servername_arg(made, context);
    if (context->client_mode != POSTERN_TLS_CLIENT_NONE) {
        SSL_CTX_set1_cert_store(made, context->authorities);
        SSL_CTX_set_client_CA_list(made, SSL_dup_CA_list(context->authority_names));
        SSL_CTX_set_verify(
            made,
            SSL_VERIFY_PEER |
                (context->client_mode == POSTERN_TLS_CLIENT_REQUIRED ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
            NULL);
    }
    return made;
}

// A key that asks for a passphrase is refused rather than asked for on a terminal.
static int no_passphrase(char *buffer, int size, int writing, void *argument) {
    (void)buffer;
    (void)size;
    (void)writing;
    (void)argument;
    return -1;
}

int postern_tls_context_add(
    postern_tls_context *context, const char *chain_path, const char *key_path, char *error, size_t error_size) {
    ERR_clear_error();
    if (context->count == MAX_CERTIFICATES) return fail(error, error_size, chain_path, "64 certificates at most");
    SSL_CTX *made = make(context);
    if (!made) return fail(error, error_size, chain_path, "OpenSSL makes no context");
    SSL_CTX_set_default_passwd_cb(made, no_passphrase);
    int result = 0;
    if (SSL_CTX_use_certificate_chain_file(made, chain_path) != 1)
        result = fail(error, error_size, chain_path, "no certificate can be read from it");
    else if (SSL_CTX_use_PrivateKey_file(made, key_path, SSL_FILETYPE_PEM) != 1)
        result = fail(error, error_size, key_path, "no private key for the certificate can be read from it");
    else if (SSL_CTX_check_private_key(made) != 1)
        result = fail(error, error_size, key_path, "the key is not the certificate's");
    if (result != 0) {
        SSL_CTX_free(made);
        return result;
    }
    context->certificates[context->count++] = made;
    return 0;
}

int postern_tls_context_verify_clients(
    postern_tls_context *context, const char *authorities_path, int mode, char *error, size_t error_size) {
    ERR_clear_error();
    context->authorities = X509_STORE_new();
    context->authority_names = SSL_load_client_CA_file(authorities_path);
    if (!context->authorities || !context->authority_names ||
        X509_STORE_load_file(context->authorities, authorities_path) != 1)
        return fail(error, error_size, authorities_path, "no certificate authorities can be read from it");
    context->client_mode = mode;
    return 0;
}

void postern_tls_context_release(postern_tls_context *context) {
    if (!context || atomic_fetch_sub(&context->references, 1) != 1) return;
    for (int index = 0; index < context->count; index++) SSL_CTX_free(context->certificates[index]);
    X509_STORE_free(context->authorities);
    sk_X509_NAME_pop_free(context->authority_names, X509_NAME_free);
    free(context);
}

int64_t postern_tls_context_expires(const postern_tls_context *context) {
    int64_t earliest = INT64_MAX;
    for (int index = 0; index < context->count; index++) {
        struct tm parts;
        const ASN1_TIME *end = X509_get0_notAfter(SSL_CTX_get0_certificate(context->certificates[index]));
        if (ASN1_TIME_to_tm(end, &parts) != 1) continue;
        int64_t seconds = timegm(&parts);
        if (seconds < earliest) earliest = seconds;
    }
    return earliest;
}

// ---- sessions

// Looks at the head of each record. A callback cannot end a session; one that has nowhere to read from ends by itself,
// once it is through with what was read already.
static void count_record(
    int is_written, int version, int content_type, const void *bytes, size_t count, SSL *ssl, void *argument) {
    (void)version, (void)bytes, (void)count;
    postern_tls_session *session = argument;
    if (is_written || content_type != SSL3_RT_HEADER || ++session->records <= session->max_records) return;
    session->is_broken = 1;
    SSL_set0_rbio(ssl, NULL);
}

postern_tls_session *postern_tls_session_create(postern_tls_context *context, int descriptor) {
    if (context->count == 0) return NULL;
    postern_tls_session *session = calloc(1, sizeof *session);
    if (!session) return NULL;
    session->ssl = SSL_new(context->certificates[0]);
    if (!session->ssl || SSL_set_fd(session->ssl, descriptor) != 1) {
        SSL_free(session->ssl);
        free(session);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_accept_state(session->ssl);
    session->max_records = MAX_HANDSHAKE_RECORDS;
    SSL_set_msg_callback(session->ssl, count_record);
    SSL_set_msg_callback_arg(session->ssl, session);
    session->context = context;
    atomic_fetch_add(&context->references, 1);
    return session;
}

void postern_tls_session_free(postern_tls_session *session) {
    if (!session) return;
    SSL_free(session->ssl);
    postern_tls_context_release(session->context);
    free(session);
}

int postern_tls_session_handshake(postern_tls_session *session) {
    ERR_clear_error();
    int result = SSL_do_handshake(session->ssl);
    if (result == 1 && !session->is_broken) {
        session->records = 0;
        session->max_records = MAX_RECORDS_WITHOUT_BYTES;
        return POSTERN_TLS_ESTABLISHED;
    }
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ: return POSTERN_TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE: return POSTERN_TLS_WANTS_WRITE;
    case SSL_ERROR_SSL: {
        int reason = ERR_GET_REASON(ERR_peek_error());
        session->is_broken = 1;
        ERR_clear_error();
        return reason == SSL_R_HTTP_REQUEST ? POSTERN_TLS_PLAIN_HTTP : POSTERN_TLS_REFUSED;
    }
    default:
        session->is_broken = 1;
        ERR_clear_error();
        return POSTERN_TLS_ENDED;
    }
}

int postern_tls_session_is_resumed(const postern_tls_session *session) { return SSL_session_reused(session->ssl); }

// What a read or write that moved nothing means.
static int64_t failure(postern_tls_session *session, int result) {
    int number = errno;
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_SYSCALL:
        session->is_broken = 1;
        ERR_clear_error();
        return number > 0 && number != EAGAIN ? -number : -ECONNRESET;
    default:
        session->is_broken = 1;
        ERR_clear_error();
        return -EPROTO;
    }
}

int64_t postern_tls_session_read(postern_tls_session *session, void *buffer, size_t count) {
    if (session->is_broken) return -EPROTO;
    size_t moved = 0;
    ERR_clear_error();
    errno = 0;
    int result = SSL_read_ex(session->ssl, buffer, count, &moved);
    if (result != 1 || session->is_broken) return failure(session, result);
    session->records = 0;
    return (int64_t)moved;
}

int64_t postern_tls_session_write(postern_tls_session *session, const void *buffer, size_t count) {
    if (session->is_broken) return -EPROTO;
    size_t moved = 0;
    ERR_clear_error();
    errno = 0;
    int result = SSL_write_ex(session->ssl, buffer, count, &moved);
    if (result == 1) return (int64_t)moved;
    int64_t why = failure(session, result);
    // The peer's end is no reason not to write.
    return why == 0 ? -EPROTO : why;
}

int postern_tls_session_has_pending(const postern_tls_session *session) {
    return !session->is_broken && SSL_has_pending(session->ssl);
}

void postern_tls_session_shutdown(postern_tls_session *session) {
    if (session->is_broken || SSL_in_init(session->ssl)) return;
    ERR_clear_error();
    SSL_shutdown(session->ssl);
    ERR_clear_error();
}
