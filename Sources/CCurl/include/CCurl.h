#ifndef CCURL_H
#define CCURL_H

// HTTP requests by libcurl, which is loaded when the first is made and not linked: a server that never makes one starts
// no slower, and is installed without it.

#include <stddef.h>
#include <stdint.h>

// One connection's requests, one after the other. Not for two threads at a time.
typedef struct postern_transfer postern_transfer;

// What libcurl calls what became of a request (libcurl-errors(3)).
typedef enum {
    POSTERN_CURL_OK = 0,
    POSTERN_CURL_UNKNOWN_PROXY = 5,
    POSTERN_CURL_UNKNOWN_HOST = 6,
    POSTERN_CURL_NO_CONNECTION = 7,
    POSTERN_CURL_OUT_OF_MEMORY = 27,
    POSTERN_CURL_TIMEOUT = 28,
    POSTERN_CURL_WRITE_ERROR = 23,
    POSTERN_CURL_TLS_CONNECT = 35,
    POSTERN_CURL_ABORTED = 42,
    POSTERN_CURL_TLS_CERTIFICATE = 58,
    POSTERN_CURL_TLS_CIPHER = 59,
    POSTERN_CURL_TLS_PEER = 60,
    POSTERN_CURL_TLS_AUTHORITIES = 77,
} postern_curl_code;

// Loads libcurl, once. Returns 0 where it is not there. Call it before threads are started.
int postern_curl_load(void);

// NULL where there is no memory.
postern_transfer *postern_transfer_new(void);
void postern_transfer_free(postern_transfer *transfer);

// What is sent. Texts are copied; `bytes` are the caller's, and live until the request is over.
void postern_transfer_url(postern_transfer *transfer, const char *url);
void postern_transfer_get(postern_transfer *transfer);
void postern_transfer_delete(postern_transfer *transfer);
void postern_transfer_post(postern_transfer *transfer, const void *bytes, size_t count);
void postern_transfer_clear_fields(postern_transfer *transfer);
void postern_transfer_add_field(postern_transfer *transfer, const char *line);

// Whom to trust, what to show: PEM files. NULL for what there is not.
void postern_transfer_tls(
    postern_transfer *transfer, const char *authorities, const char *certificate, const char *key, int trusts_anybody);

// 0 for no bound.
void postern_transfer_times(postern_transfer *transfer, int64_t connect_milliseconds, int64_t total_milliseconds);

// Hosts that are asked without a proxy, as `no_proxy` has them; `*` for all.
void postern_transfer_no_proxy(postern_transfer *transfer, const char *hosts);

// What is called with the lines of the reply's head, with its body, and about once a second; each returns 0 to go on, and
// what else gives the request up.
typedef int (*postern_receive)(void *context, const char *bytes, size_t count);
typedef int (*postern_ask)(void *context);
void postern_transfer_receive(
    postern_transfer *transfer, void *context, postern_receive head, postern_receive body, postern_ask is_over);

// Makes the request and waits until it is over. Returns one of libcurl's codes.
int postern_transfer_perform(postern_transfer *transfer);

// The reply's status; 0 where there is none. What went wrong, in libcurl's words.
long postern_transfer_status(const postern_transfer *transfer);
const char *postern_transfer_error(const postern_transfer *transfer, int code);

// Has SIGINT and SIGTERM noted, the second of a kind end the process, and SIGPIPE ignored.
void postern_note_interrupts(void);
// The first signal that was noted; 0 for none.
int postern_interrupted(void);

#endif
