#define _GNU_SOURCE
#include "CCurl.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

// The codes that Swift sees are libcurl's.
_Static_assert((int)POSTERN_CURL_UNKNOWN_PROXY == (int)CURLE_COULDNT_RESOLVE_PROXY, "");
_Static_assert((int)POSTERN_CURL_UNKNOWN_HOST == (int)CURLE_COULDNT_RESOLVE_HOST, "");
_Static_assert((int)POSTERN_CURL_NO_CONNECTION == (int)CURLE_COULDNT_CONNECT, "");
_Static_assert((int)POSTERN_CURL_OUT_OF_MEMORY == (int)CURLE_OUT_OF_MEMORY, "");
_Static_assert((int)POSTERN_CURL_TIMEOUT == (int)CURLE_OPERATION_TIMEDOUT, "");
_Static_assert((int)POSTERN_CURL_WRITE_ERROR == (int)CURLE_WRITE_ERROR, "");
_Static_assert((int)POSTERN_CURL_TLS_CONNECT == (int)CURLE_SSL_CONNECT_ERROR, "");
_Static_assert((int)POSTERN_CURL_ABORTED == (int)CURLE_ABORTED_BY_CALLBACK, "");
_Static_assert((int)POSTERN_CURL_TLS_CERTIFICATE == (int)CURLE_SSL_CERTPROBLEM, "");
_Static_assert((int)POSTERN_CURL_TLS_CIPHER == (int)CURLE_SSL_CIPHER, "");
_Static_assert((int)POSTERN_CURL_TLS_PEER == (int)CURLE_PEER_FAILED_VERIFICATION, "");
_Static_assert((int)POSTERN_CURL_TLS_AUTHORITIES == (int)CURLE_SSL_CACERT_BADFILE, "");

// The functions' types are those of libcurl's header; its macros that check arguments are in the way.
#undef curl_easy_setopt
#undef curl_easy_getinfo

static struct {
    __typeof__(&curl_global_init) global_init;
    __typeof__(&curl_easy_init) init;
    __typeof__(&curl_easy_setopt) set;
    __typeof__(&curl_easy_perform) perform;
    __typeof__(&curl_easy_getinfo) get;
    __typeof__(&curl_easy_cleanup) cleanup;
    __typeof__(&curl_easy_strerror) error;
    __typeof__(&curl_slist_append) append;
    __typeof__(&curl_slist_free_all) free_all;
} curl;

struct postern_transfer {
    CURL *handle;
    struct curl_slist *fields;
    char error[CURL_ERROR_SIZE];
    void *context;
    postern_receive head, body;
    postern_ask is_over;
};

int postern_curl_load(void) {
    static int is_loaded;
    if (is_loaded) return 1;
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return 0;
#define FIND(member, name) \
    if ((curl.member = (__typeof__(curl.member))dlsym(library, name)) == NULL) return 0
    FIND(global_init, "curl_global_init");
    FIND(init, "curl_easy_init");
    FIND(set, "curl_easy_setopt");
    FIND(perform, "curl_easy_perform");
    FIND(get, "curl_easy_getinfo");
    FIND(cleanup, "curl_easy_cleanup");
    FIND(error, "curl_easy_strerror");
    FIND(append, "curl_slist_append");
    FIND(free_all, "curl_slist_free_all");
#undef FIND
    is_loaded = curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    return is_loaded;
}

static size_t take_head(char *bytes, size_t size, size_t count, void *context) {
    postern_transfer *transfer = context;
    return transfer->head(transfer->context, bytes, size * count) == 0 ? size * count : 0;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context) {
    postern_transfer *transfer = context;
    // 0 bytes taken would mean success where 0 came.
    return transfer->body(transfer->context, bytes, size * count) == 0 ? size * count : (size_t)-1;
}

static int ask(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    (void)a, (void)b, (void)c, (void)d;
    postern_transfer *transfer = context;
    return transfer->is_over(transfer->context);
}

postern_transfer *postern_transfer_new(void) {
    postern_transfer *transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL) return NULL;
    transfer->handle = curl.init();
    if (transfer->handle == NULL) {
        free(transfer);
        return NULL;
    }
    CURL *handle = transfer->handle;
    curl.set(handle, CURLOPT_NOSIGNAL, 1L);
    curl.set(handle, CURLOPT_ERRORBUFFER, transfer->error);
    // A token is not to be sent to where a redirect points, nor a file to be read by a URL.
    curl.set(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl.set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl.set(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl.set(handle, CURLOPT_TCP_NODELAY, 1L);
    curl.set(handle, CURLOPT_TCP_KEEPALIVE, 1L);
    curl.set(handle, CURLOPT_HEADERFUNCTION, take_head);
    curl.set(handle, CURLOPT_HEADERDATA, transfer);
    curl.set(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl.set(handle, CURLOPT_WRITEDATA, transfer);
    curl.set(handle, CURLOPT_XFERINFOFUNCTION, ask);
    curl.set(handle, CURLOPT_XFERINFODATA, transfer);
    curl.set(handle, CURLOPT_NOPROGRESS, 0L);
    return transfer;
}

void postern_transfer_free(postern_transfer *transfer) {
    curl.cleanup(transfer->handle);
    curl.free_all(transfer->fields);
    free(transfer);
}

void postern_transfer_url(postern_transfer *transfer, const char *url) {
    curl.set(transfer->handle, CURLOPT_URL, url);
}

void postern_transfer_get(postern_transfer *transfer) {
    curl.set(transfer->handle, CURLOPT_CUSTOMREQUEST, NULL);
    curl.set(transfer->handle, CURLOPT_HTTPGET, 1L);
}

void postern_transfer_delete(postern_transfer *transfer) {
    curl.set(transfer->handle, CURLOPT_HTTPGET, 1L);
    curl.set(transfer->handle, CURLOPT_CUSTOMREQUEST, "DELETE");
}

void postern_transfer_post(postern_transfer *transfer, const void *bytes, size_t count) {
    curl.set(transfer->handle, CURLOPT_CUSTOMREQUEST, NULL);
    curl.set(transfer->handle, CURLOPT_POST, 1L);
    // NULL would have libcurl read standard input.
    curl.set(transfer->handle, CURLOPT_POSTFIELDS, count == 0 ? "" : bytes);
    curl.set(transfer->handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
}

void postern_transfer_clear_fields(postern_transfer *transfer) {
    curl.free_all(transfer->fields);
    transfer->fields = NULL;
    curl.set(transfer->handle, CURLOPT_HTTPHEADER, NULL);
}

void postern_transfer_add_field(postern_transfer *transfer, const char *line) {
    struct curl_slist *fields = curl.append(transfer->fields, line);
    if (fields == NULL) return;
    transfer->fields = fields;
    curl.set(transfer->handle, CURLOPT_HTTPHEADER, fields);
}

void postern_transfer_tls(
    postern_transfer *transfer, const char *authorities, const char *certificate, const char *key,
    int trusts_anybody) {
    if (authorities != NULL) curl.set(transfer->handle, CURLOPT_CAINFO, authorities);
    if (certificate != NULL) curl.set(transfer->handle, CURLOPT_SSLCERT, certificate);
    if (key != NULL) curl.set(transfer->handle, CURLOPT_SSLKEY, key);
    if (trusts_anybody) {
        curl.set(transfer->handle, CURLOPT_SSL_VERIFYPEER, 0L);
        curl.set(transfer->handle, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

void postern_transfer_no_proxy(postern_transfer *transfer, const char *hosts) {
    curl.set(transfer->handle, CURLOPT_NOPROXY, hosts);
}

void postern_transfer_times(postern_transfer *transfer, int64_t connect_milliseconds, int64_t total_milliseconds) {
    curl.set(transfer->handle, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_milliseconds);
    curl.set(transfer->handle, CURLOPT_TIMEOUT_MS, (long)total_milliseconds);
}

void postern_transfer_receive(
    postern_transfer *transfer, void *context, postern_receive head, postern_receive body, postern_ask is_over) {
    transfer->context = context;
    transfer->head = head;
    transfer->body = body;
    transfer->is_over = is_over;
}

int postern_transfer_perform(postern_transfer *transfer) {
    transfer->error[0] = 0;
    return curl.perform(transfer->handle);
}

long postern_transfer_status(const postern_transfer *transfer) {
    long status = 0;
    curl.get(transfer->handle, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

const char *postern_transfer_error(const postern_transfer *transfer, int code) {
    return transfer->error[0] != 0 ? transfer->error : curl.error((CURLcode)code);
}

static volatile sig_atomic_t interrupted;

static void note(int signal) { interrupted = signal; }

void postern_note_interrupts(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note;
    action.sa_flags = SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int postern_interrupted(void) { return interrupted; }
