/* fanload - one-thread epoll load client for HTTP/1.1 publish/subscribe servers.
 *
 *   publish   N keep-alive connections POST bodies of S bytes; req/s and latency
 *   fanout    M streaming subscribers (SSE, NDJSON, any chunked/close-delimited body) + publisher(s)
 *   longpoll  M subscribers looping long-poll GETs that follow a cursor + publisher(s)
 *   idle      K idle streaming subscribers; server RSS/PSS per connection, then a probe publish
 *
 * Each message body starts with a fixed-width marker  @@run.pub:seq:ts@@  (45 bytes: run id, publisher
 * connection, sequence number, CLOCK_MONOTONIC ns) and is padded with 'x' to --size.  Subscribers look
 * for markers in the decoded response body, wherever the server embeds them (raw, JSON string, SSE data).
 * Everything is bounded by --count, --duration, --drain and --max-seconds.
 * Build: gcc -O2 -Wall -Wextra -o fanload fanload.c        Usage: ./fanload --help
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MARK_LEN 45
#define NS 1000000000ull

static void die(const char *fmt, ...) {
    va_list ap; va_start(ap, fmt); fprintf(stderr, "fanload: "); vfprintf(stderr, fmt, ap); fputc('\n', stderr); va_end(ap); exit(1);
}
static void *xcalloc(size_t n, size_t s) { void *p = calloc(n ? n : 1, s); if (!p) die("out of memory"); return p; }
static void *xrealloc(void *o, size_t n) { void *p = realloc(o, n); if (!p) die("out of memory"); return p; }
static uint64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec; }

/* ---------- log-linear histogram: 128 linear steps per power of two (error < 0.8 %) ---------- */
#define HSUB 128
#define HBUCKETS (HSUB * 40)
typedef struct { uint64_t c[HBUCKETS]; uint64_t n, max; double sum; } hist;
static void h_add(hist *h, uint64_t v) {
    unsigned i;
    if (v < HSUB) i = (unsigned)v;
    else { unsigned e = 63u - (unsigned)__builtin_clzll(v) - 7u; i = e * HSUB + HSUB + (unsigned)((v >> e) - HSUB); if (i >= HBUCKETS) i = HBUCKETS - 1; }
    h->c[i]++; h->n++; h->sum += (double)v; if (v > h->max) h->max = v;
}
static double h_pct(const hist *h, double p) { /* microseconds */
    if (!h->n) return 0;
    uint64_t want = (uint64_t)(p / 100.0 * (double)h->n + 0.5), acc = 0; if (want < 1) want = 1;
    for (unsigned i = 0; i < HBUCKETS; i++) {
        acc += h->c[i];
        if (acc >= want) {
            double v;
            if (i < HSUB) v = i; else { unsigned e = (i - HSUB) / HSUB; v = (double)((((uint64_t)(i - HSUB) % HSUB + HSUB) << e) + ((1ull << e) >> 1)); }
            if (v > (double)h->max) v = (double)h->max;
            return v / 1000.0;
        }
    }
    return (double)h->max / 1000.0;
}

/* ---------- options ---------- */
enum { M_PUBLISH, M_FANOUT, M_LONGPOLL, M_IDLE };
enum { P_HTTP, P_NATS, P_NATSJS };
static int mode, proto = P_HTTP;
static const char *host = "127.0.0.1"; static int port = 0, sub_port = 0;
static const char *pub_path = "/pub/{t}", *sub_path = "/sub/{t}", *sub_first_path = NULL, *pub_method = "POST", *sub_method = "GET";
static const char *body_tpl = "%B", *item_tpl = "%M", *item_sep = ",", *sub_body = NULL;
static char topic[128] = ""; static unsigned topics = 1;
static char pub_hdrs[4096] = "", sub_hdrs[4096] = "";
static unsigned n_subs = 0, n_pubs = 1, msg_size = 100, batch = 1, window_ = 0, connect_inflight = 128;
static double rate = 0, duration = 5, warmup = 1, drain = 5, max_seconds = 0, settle = 0.5, stall = 2, ready_timeout = 30;
static uint64_t count_max = 0; static bool ready_on_headers = true, quiet = false, strict = false;
static struct { char from[64], to[64]; } copyh[8]; static unsigned n_copyh = 0;
static const char *cursor_header = NULL, *cursor_json = NULL, *cursor_init = "";
static int srv_pids[16]; static unsigned n_srv = 0;
static const char *label = "";

/* ---------- state ---------- */
enum { S_STATUS, S_HDR, S_LEN, S_CHSIZE, S_CHDATA, S_CHEND, S_TRAIL, S_CLOSE };
enum { K_SUB, K_PUB };
enum { ST_OFF, ST_CONNECTING, ST_WAIT, ST_STREAM, ST_IDLE, ST_DEAD };
struct conn {
    int fd; uint8_t kind, st, ps, mk; bool chunked, conn_close, want_out, ready, first_ok; uint8_t mlen;
    unsigned idx; int status; int64_t left;
    char line[256]; unsigned llen; char mbuf[48];
    char *out; size_t ocap, olen, ooff;
    uint64_t t_send, retry_at, seq0; unsigned nitems; bool warm;
    char (*hv)[160]; char *bodyacc; size_t blen, bcap; char cursor[160];
};
struct sub { uint64_t *bits; uint64_t nwords; uint32_t last1, *last; uint64_t uniq; };
static struct conn *subs, *pubs; static struct sub *sd;
static int ep; static uint32_t run_id;
static hist h_pub, h_del, h_lag;
static uint64_t sent, acked_n, failed_n, status_cnt[6], io_err, requests, req_meas, msg_meas;
static uint64_t del_total, del_meas, del_dup, del_reord, del_foreign, sub_drops, sub_bytes, polls, poll_empty, poll_err, reconnects;
static uint64_t t0, warm_end, pub_end, last_ack, last_del, next_due, interval, done_n, expire_below, last_progress;
static bool publishing = false, measuring = false;
static uint64_t *ackbits; static uint64_t ackwords; static uint32_t *dcount; static uint64_t dcap;
static unsigned *idle_stack, n_idle; static unsigned n_ready, n_open, n_connecting;
static char rbuf[262144];
struct tpl { char *buf; size_t len; size_t *moff; }; static struct tpl *tpls;

static unsigned seq_topic(uint64_t s) { return (unsigned)((s / batch) % topics); }
static uint64_t seq_index(uint64_t s) { return (s / ((uint64_t)batch * topics)) * batch + s % batch; }
static unsigned topic_subs(unsigned t) { return n_subs / topics + (t < n_subs % topics ? 1 : 0); }

static void topic_name(char *o, size_t n, unsigned t) { if (topics == 1) snprintf(o, n, "%s", topic); else snprintf(o, n, "%s%u", topic, t); }
static void replace_all(char *dst, size_t cap, const char *src, const char *key, const char *val) {
    size_t o = 0, kl = strlen(key), vl = strlen(val);
    while (*src && o + 1 < cap) {
        if (!strncmp(src, key, kl)) { if (o + vl + 1 >= cap) die("template too long"); memcpy(dst + o, val, vl); o += vl; src += kl; }
        else dst[o++] = *src++;
    }
    dst[o] = 0;
}
static void build_templates(void) {
    tpls = xcalloc(topics, sizeof *tpls);
    if (msg_size < MARK_LEN) msg_size = MARK_LEN;
    size_t il = strlen(item_tpl), cap = strlen(body_tpl) + batch * (il + msg_size + strlen(item_sep) + 256) + 8192;
    for (unsigned t = 0; t < topics; t++) {
        char tn[160]; topic_name(tn, sizeof tn, t);
        char path[2048]; replace_all(path, sizeof path, pub_path, "{t}", tn);
        char *body = xcalloc(cap, 1), *bt = xcalloc(cap, 1), *it = xcalloc(il + 512, 1); size_t bl = 0;
        replace_all(bt, cap, body_tpl, "{t}", tn); replace_all(it, il + 512, item_tpl, "{t}", tn);
        size_t *moff = xcalloc(batch, sizeof *moff);
        const char *b = strstr(bt, "%B"); if (!b) die("--body needs %%B");
        memcpy(body, bt, (size_t)(b - bt)); bl = (size_t)(b - bt);
        const char *m = strstr(it, "%M"); if (!m) die("--item needs %%M");
        for (unsigned i = 0; i < batch; i++) {
            if (i) { memcpy(body + bl, item_sep, strlen(item_sep)); bl += strlen(item_sep); }
            memcpy(body + bl, it, (size_t)(m - it)); bl += (size_t)(m - it);
            moff[i] = bl; memset(body + bl, 'x', msg_size); bl += msg_size;
            strcpy(body + bl, m + 2); bl += strlen(m + 2);
        }
        strcpy(body + bl, b + 2); bl += strlen(b + 2);
        char *req = xcalloc(bl + 8192, 1); int hl;
        if (proto == P_HTTP)
            hl = snprintf(req, 8192, "%s %s HTTP/1.1\r\nHost: %s:%d\r\n%sContent-Length: %zu\r\n\r\n", pub_method, path, host, port, pub_hdrs, bl);
        else if (proto == P_NATS) hl = snprintf(req, 8192, "PUB %s %zu\r\n", tn, bl);
        else hl = snprintf(req, 8192, "PUB %s _INBOX.p0000 %zu\r\n", tn, bl);
        memcpy(req + hl, body, bl); size_t tl = (size_t)hl + bl;
        if (proto != P_HTTP) { memcpy(req + tl, "\r\n", 2); tl += 2; }
        for (unsigned i = 0; i < batch; i++) moff[i] += (size_t)hl;
        tpls[t] = (struct tpl){ req, tl, moff }; free(body); free(bt); free(it);
    }
}
static void put_dec(char *p, unsigned w, uint64_t v) { while (w--) { p[w] = (char)('0' + v % 10); v /= 10; } }
static void put_marker(char *p, unsigned pub, uint64_t seq, uint64_t ts) {
    p[0] = p[1] = '@'; for (int i = 0; i < 8; i++) p[2 + i] = "0123456789abcdef"[(run_id >> (28 - 4 * i)) & 15];
    p[10] = '.'; put_dec(p + 11, 4, pub); p[15] = ':'; put_dec(p + 16, 10, seq); p[26] = ':'; put_dec(p + 27, 16, ts); p[43] = p[44] = '@';
}

/* ---------- process accounting ---------- */
static int all_pids(int *out, int cap) { /* given pids and their descendants */
    int n = 0; for (unsigned i = 0; i < n_srv && n < cap; i++) out[n++] = srv_pids[i];
    static int pid[4096], ppid[4096]; int np = 0; DIR *d = opendir("/proc"); struct dirent *e;
    while (d && (e = readdir(d)) && np < 4096) if (isdigit((unsigned char)e->d_name[0])) {
        char f[300], b[512]; snprintf(f, sizeof f, "/proc/%s/stat", e->d_name); FILE *fp = fopen(f, "r"); if (!fp) continue;
        if (fgets(b, sizeof b, fp)) { char *q = strrchr(b, ')'); char s; int pp; if (q && sscanf(q + 1, " %c %d", &s, &pp) == 2) { pid[np] = atoi(e->d_name); ppid[np++] = pp; } }
        fclose(fp);
    }
    if (d) closedir(d);
    for (int i = 0; i < n; i++) for (int j = 0; j < np; j++) if (ppid[j] == out[i]) { bool have = false; for (int k = 0; k < n; k++) have |= out[k] == pid[j]; if (!have && n < cap) out[n++] = pid[j]; }
    return n;
}
static double srv_cpu(void) {
    int p[256], n = n_srv ? all_pids(p, 256) : 0; double s = 0;
    for (int i = 0; i < n; i++) {
        char f[64], b[1024]; snprintf(f, sizeof f, "/proc/%d/stat", p[i]); FILE *fp = fopen(f, "r"); if (!fp) continue;
        if (fgets(b, sizeof b, fp)) { char *q = strrchr(b, ')'); unsigned long u = 0, k = 0; if (q && sscanf(q + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &k) == 2) s += (double)(u + k) / (double)sysconf(_SC_CLK_TCK); }
        fclose(fp);
    }
    return s;
}
static void srv_mem(uint64_t *rss_kb, uint64_t *pss_kb) {
    int p[256], n = n_srv ? all_pids(p, 256) : 0; *rss_kb = *pss_kb = 0;
    for (int i = 0; i < n; i++) {
        char f[64], b[256]; snprintf(f, sizeof f, "/proc/%d/smaps_rollup", p[i]); FILE *fp = fopen(f, "r"); if (!fp) continue; unsigned long v;
        while (fgets(b, sizeof b, fp)) { if (sscanf(b, "Rss: %lu", &v) == 1) *rss_kb += v; else if (sscanf(b, "Pss: %lu", &v) == 1) *pss_kb += v; }
        fclose(fp);
    }
}
static void host_cpu(double *busy, double *steal) { /* seconds, all cores */
    FILE *fp = fopen("/proc/stat", "r"); unsigned long long u, n, s, id, io, irq, sirq, st = 0; double hz = (double)sysconf(_SC_CLK_TCK); *busy = *steal = 0;
    if (fp) { if (fscanf(fp, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &u, &n, &s, &id, &io, &irq, &sirq, &st) == 8) { *busy = (double)(u + n + s + irq + sirq) / hz; *steal = (double)st / hz; } fclose(fp); }
}
static double self_cpu(void) { struct rusage r; getrusage(RUSAGE_SELF, &r); return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6; }

/* ---------- deliveries ---------- */
static void progress_done(void) { done_n++; last_progress = now_ns(); }
static void deliver(struct conn *c, const char *m, uint64_t now) { /* m: text between the @@ pairs, 41 bytes */
    uint32_t run = 0; for (int i = 0; i < 8; i++) { int ch = m[i]; run = run << 4 | (uint32_t)(ch <= '9' ? ch - '0' : (ch | 32) - 'a' + 10); }
    if (run != run_id || m[8] != '.' || m[13] != ':' || m[24] != ':') { del_foreign++; return; }
    uint64_t pub = 0, seq = 0, ts = 0; int i;
    for (i = 9; i < 13; i++) pub = pub * 10 + (uint64_t)(m[i] - '0');
    for (i = 14; i < 24; i++) seq = seq * 10 + (uint64_t)(m[i] - '0');
    for (i = 25; i < 41; i++) ts = ts * 10 + (uint64_t)(m[i] - '0');
    if (seq >= sent || pub >= n_pubs) { del_foreign++; return; }
    unsigned t = seq_topic(seq); if (t != c->idx % topics) { del_foreign++; return; }
    struct sub *s = &sd[c->idx]; uint64_t ix = seq_index(seq), w = ix >> 6;
    if (w >= s->nwords) { uint64_t nw = s->nwords ? s->nwords * 2 : 16; while (nw <= w) nw *= 2; s->bits = xrealloc(s->bits, nw * 8); memset(s->bits + s->nwords, 0, (nw - s->nwords) * 8); s->nwords = nw; }
    if (s->bits[w] >> (ix & 63) & 1) { del_dup++; return; }
    s->bits[w] |= 1ull << (ix & 63); s->uniq++; del_total++; last_del = now;
    uint32_t *l = n_pubs == 1 ? &s->last1 : &s->last[pub];
    if ((uint32_t)seq + 1 < *l) del_reord++; else *l = (uint32_t)seq + 1;
    if (ts >= warm_end) h_add(&h_del, now > ts ? now - ts : 0);
    if (measuring && now >= warm_end) del_meas++;
    if (++dcount[seq] == topic_subs(t) && seq >= expire_below) progress_done();
}
static void scan(struct conn *c, const char *p, size_t n, uint64_t now) {
    const char *e = p + n; sub_bytes += n;
    while (p < e) {
        if (c->mk == 0) { p = memchr(p, '@', (size_t)(e - p)); if (!p) return; p++; c->mk = 1; }
        else if (c->mk == 1) { if (*p == '@') { c->mk = 2; c->mlen = 0; p++; } else c->mk = 0; }
        else if (c->mk == 2) { if (*p == '@') { c->mk = c->mlen == MARK_LEN - 4 ? 3 : (c->mlen == 0 ? 2 : 1); p++; } else if (c->mlen >= MARK_LEN - 4) { c->mk = 0; } else c->mbuf[c->mlen++] = *p++; }
        else { if (*p == '@') { c->mbuf[c->mlen] = 0; deliver(c, c->mbuf, now); p++; } c->mk = 0; }
    }
}
static void body_bytes(struct conn *c, const char *p, size_t n, uint64_t now) {
    if (c->kind != K_SUB) return;
    scan(c, p, n, now);
    if (cursor_json && mode == M_LONGPOLL) {
        if (c->blen + n + 1 > c->bcap && c->bcap < (1u << 22)) { c->bcap = (c->blen + n + 1) * 2; c->bodyacc = xrealloc(c->bodyacc, c->bcap); }
        if (c->blen + n + 1 <= c->bcap) { memcpy(c->bodyacc + c->blen, p, n); c->blen += n; }
    }
}

/* ---------- I/O ---------- */
static void want(struct conn *c, bool out) {
    if (c->want_out == out) return;
    c->want_out = out; struct epoll_event ev = { .events = EPOLLIN | (out ? EPOLLOUT : 0u), .data.ptr = c }; epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev);
}
static void on_closed(struct conn *c, uint64_t now);
static bool flush_out(struct conn *c) {
    while (c->ooff < c->olen) {
        ssize_t k = send(c->fd, c->out + c->ooff, c->olen - c->ooff, MSG_NOSIGNAL);
        if (k < 0) { if (errno == EAGAIN) { want(c, true); return true; } if (errno == EINTR) continue; return false; }
        c->ooff += (size_t)k;
    }
    want(c, false); return true;
}
static void out_reserve(struct conn *c, size_t n) { if (c->ocap < n) { c->ocap = n + 256; c->out = xrealloc(c->out, c->ocap); } c->olen = c->ooff = 0; }
static void parser_reset(struct conn *c) { c->ps = S_STATUS; c->llen = 0; c->status = 0; c->chunked = c->conn_close = false; c->left = -1; c->mk = 0; c->blen = 0; }
static bool open_conn(struct conn *c) {
    int p = c->kind == K_SUB && sub_port ? sub_port : port;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); if (c->fd < 0) { if (errno == EMFILE) die("out of descriptors (ulimit -n)"); return false; }
    int one = 1; setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)p) }; inet_pton(AF_INET, host, &a.sin_addr);
    if (connect(c->fd, (void *)&a, sizeof a) < 0 && errno != EINPROGRESS) { close(c->fd); c->fd = -1; return false; }
    c->st = ST_CONNECTING; c->want_out = true; n_connecting++;
    struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c }; epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev); return true;
}
static void sub_request(struct conn *c) {
    char tn[160], p1[2048], p2[2048], si[16], hdr[1600] = ""; size_t h = 0;
    topic_name(tn, sizeof tn, c->idx % topics);
    if (proto != P_HTTP) { out_reserve(c, 512); c->olen = (size_t)snprintf(c->out, 512, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB %s 1\r\nPING\r\n", tn); }
    else {
        snprintf(si, sizeof si, "%u", c->idx);
        /* before the first cursor is known there may be a path of its own */
        replace_all(p1, sizeof p1, sub_first_path && !c->cursor[0] ? sub_first_path : sub_path, "{t}", tn); replace_all(p2, sizeof p2, p1, "{s}", si); replace_all(p1, sizeof p1, p2, "{cursor}", c->cursor);
        for (unsigned i = 0; i < n_copyh; i++) if (c->hv && c->hv[i][0]) h += (size_t)snprintf(hdr + h, sizeof hdr - h, "%s: %s\r\n", copyh[i].to, c->hv[i]);
        size_t bl = sub_body ? strlen(sub_body) : 0; out_reserve(c, 8192 + bl);
        c->olen = (size_t)snprintf(c->out, 8192, "%s %s HTTP/1.1\r\nHost: %s:%d\r\n%s%s", sub_method, p1, host, sub_port ? sub_port : port, sub_hdrs, hdr);
        if (sub_body) c->olen += (size_t)snprintf(c->out + c->olen, 64, "Content-Length: %zu\r\n\r\n", bl); else { memcpy(c->out + c->olen, "\r\n", 2); c->olen += 2; }
        if (bl) { memcpy(c->out + c->olen, sub_body, bl); c->olen += bl; }
    }
    parser_reset(c); c->st = ST_WAIT;
    if (mode == M_LONGPOLL) { polls++; if (!c->ready && !c->first_ok) { c->ready = c->first_ok = true; n_ready++; } }
    if (!flush_out(c)) on_closed(c, now_ns());
}
static void set_bit(uint64_t **b, uint64_t *nw, uint64_t i) {
    uint64_t w = i >> 6; if (w >= *nw) { uint64_t n = *nw ? *nw * 2 : 1024; while (n <= w) n *= 2; *b = xrealloc(*b, n * 8); memset(*b + *nw, 0, (n - *nw) * 8); *nw = n; }
    (*b)[w] |= 1ull << (i & 63);
}
static bool may_send(uint64_t now) {
    if (!publishing || (count_max && sent >= count_max)) return false;
    if (now >= warm_end + (uint64_t)(duration * 1e9)) return false;
    if (window_ && n_subs && mode != M_PUBLISH && sent - done_n >= (uint64_t)window_) return false;
    return true;
}
static void pub_send(struct conn *c, uint64_t now, uint64_t intended) {
    unsigned t = seq_topic(sent); struct tpl *tp = &tpls[t];
    out_reserve(c, tp->len); memcpy(c->out, tp->buf, tp->len); c->olen = tp->len;
    c->seq0 = sent; c->nitems = batch;
    if (sent + batch > dcap) { uint64_t nc = dcap ? dcap * 2 : 65536; while (nc < sent + batch) nc *= 2; dcount = xrealloc(dcount, nc * 4); memset(dcount + dcap, 0, (nc - dcap) * 4); dcap = nc; }
    if (proto == P_NATSJS) put_dec(strstr(c->out, "_INBOX.p") + 8, 4, c->idx); /* one reply subject per connection */
    for (unsigned i = 0; i < batch; i++) put_marker(c->out + tp->moff[i], c->idx, sent + i, intended);
    sent += batch; requests++; c->t_send = intended; c->warm = intended < warm_end;
    if (rate > 0 && !c->warm) h_add(&h_lag, now - intended);
    parser_reset(c); c->st = ST_WAIT;
    if (!flush_out(c)) on_closed(c, now);
}
static void pump(uint64_t now) {
    if (!publishing) return;
    if (rate > 0) { while (n_idle && next_due <= now && may_send(now)) { uint64_t d = next_due; next_due += interval; pub_send(&pubs[idle_stack[--n_idle]], now, d); } }
    else while (n_idle && may_send(now)) { pub_send(&pubs[idle_stack[--n_idle]], now, now); }
}
static void pub_idle(struct conn *c) { c->st = ST_IDLE; idle_stack[n_idle++] = c->idx; }
static void pub_acked(struct conn *c, int status, uint64_t now) {
    status_cnt[status / 100 <= 5 ? status / 100 : 0]++; last_ack = now;
    if (status >= 200 && status < 300) { acked_n += c->nitems; if (n_subs) for (unsigned i = 0; i < c->nitems; i++) set_bit(&ackbits, &ackwords, c->seq0 + i); }
    else { failed_n += c->nitems; done_n += window_ ? c->nitems : 0; }
    if (measuring && now >= warm_end) { req_meas++; msg_meas += c->nitems; }
    if (!c->warm) h_add(&h_pub, now - c->t_send);
}
static void take_header(struct conn *c, char *l) {
    char *v = strchr(l, ':'); if (!v) return;
    *v++ = 0; while (*v == ' ') v++;
    if (!strcasecmp(l, "content-length")) c->left = strtoll(v, NULL, 10);
    else if (!strcasecmp(l, "transfer-encoding")) { if (strcasestr(v, "chunked")) c->chunked = true; }
    else if (!strcasecmp(l, "connection")) { if (strcasestr(v, "close")) c->conn_close = true; }
    if (c->kind == K_SUB && mode == M_LONGPOLL && c->status == 200) {
        for (unsigned i = 0; i < n_copyh; i++) if (!strcasecmp(l, copyh[i].from)) { if (!c->hv) c->hv = xcalloc(n_copyh, sizeof *c->hv); snprintf(c->hv[i], 160, "%s", v); }
        if (cursor_header && !strcasecmp(l, cursor_header)) snprintf(c->cursor, sizeof c->cursor, "%s", v);
    }
}
static void json_cursor(struct conn *c) {
    if (!c->bodyacc || !c->blen) return;
    c->bodyacc[c->blen] = 0; char key[96]; snprintf(key, sizeof key, "\"%s\"", cursor_json);
    char *p = c->bodyacc, *f = NULL; while ((p = strstr(p, key))) { f = p; p++; }
    if (!f) return;
    f += strlen(key); while (*f == ' ' || *f == ':') f++;
    char end = 0; if (*f == '"') { end = '"'; f++; }
    size_t n = 0; while (f[n] && n < sizeof c->cursor - 1 && (end ? f[n] != end : (isalnum((unsigned char)f[n]) || strchr("-_.", f[n])))) n++;
    memcpy(c->cursor, f, n); c->cursor[n] = 0;
}
/* returns false when the connection was closed or re-used and the caller must stop feeding it */
static bool on_complete(struct conn *c, uint64_t now) {
    if (c->kind == K_PUB) {
        pub_acked(c, c->status, now);
        if (c->conn_close) { reconnects++; close(c->fd); c->fd = -1; if (!open_conn(c)) { c->st = ST_DEAD; c->retry_at = now + NS / 10; } return false; }
        pub_idle(c); pump(now_ns()); return false;
    }
    if (mode != M_LONGPOLL) { on_closed(c, now); return false; }
    bool empty = c->status == 204 || c->status == 304 || c->status == 408, ok = c->status == 200;
    if (empty) poll_empty++; else if (!ok) poll_err++;
    if (ok && cursor_json) json_cursor(c);
    if (!ok && !empty) { close(c->fd); c->fd = -1; c->st = ST_DEAD; c->retry_at = now + NS / 10; return false; }
    if (c->conn_close) { reconnects++; close(c->fd); c->fd = -1; if (!open_conn(c)) { c->st = ST_DEAD; c->retry_at = now + NS / 10; } return false; }
    sub_request(c); return false;
}
static bool end_headers(struct conn *c, uint64_t now) {
    if (c->status >= 100 && c->status < 200) { int s = c->status; parser_reset(c); (void)s; return true; }
    if (c->kind == K_SUB && mode != M_LONGPOLL) {
        if (c->status != 200) { io_err++; status_cnt[c->status / 100 <= 5 ? c->status / 100 : 0]++; if (io_err < 4) fprintf(stderr, "fanload: subscriber %u got status %d\n", c->idx, c->status); on_closed(c, now); return false; }
        c->st = ST_STREAM; if (!c->ready) { c->ready = true; n_ready++; }
    }
    if (c->status == 204 || c->status == 304 || (!c->chunked && c->left == 0)) return on_complete(c, now);
    c->ps = c->chunked ? S_CHSIZE : c->left > 0 ? S_LEN : S_CLOSE; c->llen = 0; return true;
}
static void feed(struct conn *c, const char *p, size_t n, uint64_t now) {
    const char *e = p + n;
    while (p < e) switch (c->ps) {
        case S_STATUS: case S_HDR: case S_CHSIZE: case S_CHEND: case S_TRAIL: {
            const char *nl = memchr(p, '\n', (size_t)(e - p)); size_t k = nl ? (size_t)(nl - p) : (size_t)(e - p);
            size_t room = sizeof c->line - 1 - c->llen, cp = k < room ? k : room; memcpy(c->line + c->llen, p, cp); c->llen += (unsigned)cp; p += k;
            if (!nl) return;
            p++; if (c->llen && c->line[c->llen - 1] == '\r') c->llen--;
            c->line[c->llen] = 0; unsigned ll = c->llen; c->llen = 0;
            if (c->ps == S_STATUS) { if (ll < 12) { if (!ll) break; io_err++; on_closed(c, now); return; } c->status = atoi(c->line + 9); c->ps = S_HDR; }
            else if (c->ps == S_HDR) { if (ll) take_header(c, c->line); else if (!end_headers(c, now)) return; }
            else if (c->ps == S_CHSIZE) { c->left = (int64_t)strtoull(c->line, NULL, 16); c->ps = c->left ? S_CHDATA : S_TRAIL; }
            else if (c->ps == S_CHEND) c->ps = S_CHSIZE;
            else if (!ll) { if (!on_complete(c, now)) return; }
            break; }
        case S_LEN: case S_CHDATA: {
            size_t k = (size_t)(e - p) < (size_t)c->left ? (size_t)(e - p) : (size_t)c->left;
            body_bytes(c, p, k, now); p += k; c->left -= (int64_t)k;
            if (!c->left) { if (c->ps == S_CHDATA) { c->ps = S_CHEND; c->llen = 0; } else if (!on_complete(c, now)) return; }
            break; }
        default: body_bytes(c, p, (size_t)(e - p), now); return;
    }
}
static void feed_nats(struct conn *c, const char *p, size_t n, uint64_t now) {
    if (c->kind == K_SUB && c->ready) { scan(c, p, n, now); return; }
    const char *e = p + n;
    while (p < e) {
        const char *nl = memchr(p, '\n', (size_t)(e - p)); size_t k = nl ? (size_t)(nl - p) : (size_t)(e - p);
        size_t room = sizeof c->line - 1 - c->llen, cp = k < room ? k : room; memcpy(c->line + c->llen, p, cp); c->llen += (unsigned)cp; p += k; if (!nl) return;
        p++; c->line[c->llen] = 0; c->llen = 0; const char *l = c->line;
        if (!strncmp(l, "PONG", 4)) { if (!c->ready) { c->ready = true; if (c->kind == K_SUB) { n_ready++; c->st = ST_STREAM; if (p < e) scan(c, p, (size_t)(e - p), now); return; } else pub_idle(c); } }
        else if (!strncmp(l, "PING", 4)) { ssize_t r = send(c->fd, "PONG\r\n", 6, MSG_NOSIGNAL); (void)r; }
        else if (c->kind == K_PUB && c->ready && c->st == ST_WAIT && ((proto == P_NATS && !strncmp(l, "+OK", 3)) || (proto == P_NATSJS && l[0] == '{'))) {
            pub_acked(c, strstr(l, "error") ? 500 : 200, now); pub_idle(c); pump(now_ns()); }
        else if (!strncmp(l, "-ERR", 4)) { io_err++; fprintf(stderr, "fanload: %s\n", l); }
    }
}
static void on_closed(struct conn *c, uint64_t now) {
    if (c->fd >= 0) { close(c->fd); c->fd = -1; }
    if (c->st == ST_CONNECTING && n_connecting) n_connecting--;
    if (c->kind == K_SUB) {
        if (mode == M_LONGPOLL) { if (c->st != ST_DEAD) { if (c->ps == S_CLOSE && c->status == 200) reconnects++; else io_err++; } c->st = ST_DEAD; c->retry_at = now + NS / 20; return; }
        if (c->ready || c->st != ST_CONNECTING) sub_drops++; else io_err++;
        c->st = ST_DEAD; c->retry_at = UINT64_MAX;
    } else {
        if (c->st == ST_WAIT) { failed_n += c->nitems; if (window_) done_n += c->nitems; io_err++; }
        else if (c->st == ST_IDLE) { for (unsigned i = 0; i < n_idle; i++) if (idle_stack[i] == c->idx) { idle_stack[i] = idle_stack[--n_idle]; break; } reconnects++; }
        else io_err++;
        c->st = ST_DEAD; c->retry_at = now + NS / 20; c->ready = false;
    }
}
static void on_event(struct conn *c, uint32_t evs) {
    if (c->fd < 0) return;
    if (c->st == ST_CONNECTING) {
        if (!(evs & (EPOLLOUT | EPOLLERR | EPOLLHUP))) return;
        int err = 0; socklen_t l = sizeof err; getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &l);
        if (err) { on_closed(c, now_ns()); return; }
        n_connecting--; want(c, false);
        if (c->kind == K_SUB) sub_request(c);
        else if (proto == P_HTTP) { c->ready = true; pub_idle(c); pump(now_ns()); }
        else { out_reserve(c, 512); char inbox[48] = ""; if (proto == P_NATSJS) snprintf(inbox, sizeof inbox, "SUB _INBOX.p%04u 1\r\n", c->idx); c->olen = (size_t)snprintf(c->out, 512, "CONNECT {\"verbose\":%s,\"pedantic\":false}\r\n%sPING\r\n", proto == P_NATS ? "true" : "false", inbox); c->st = ST_IDLE; flush_out(c); }
        return;
    }
    if (evs & EPOLLOUT) { if (!flush_out(c)) { on_closed(c, now_ns()); return; } }
    if (evs & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        for (int rounds = 0; rounds < 4; rounds++) {
            ssize_t k = recv(c->fd, rbuf, sizeof rbuf, 0);
            if (k == 0) { if (c->ps == S_CLOSE && c->status && mode == M_LONGPOLL) { c->conn_close = true; on_complete(c, now_ns()); } else on_closed(c, now_ns()); return; }
            if (k < 0) { if (errno == EINTR) continue; if (errno != EAGAIN) on_closed(c, now_ns()); return; }
            uint64_t now = now_ns(); int fd = c->fd;
            if (proto == P_HTTP) feed(c, rbuf, (size_t)k, now); else feed_nats(c, rbuf, (size_t)k, now);
            if (c->fd != fd || (size_t)k < sizeof rbuf) return;
        }
    }
}
static uint64_t t_hard;
static void loop_once(uint64_t wake) {
    struct epoll_event ev[256]; uint64_t now = now_ns();
    if (now > t_hard) die("stopped: --max-seconds reached (%s)", label);
    uint64_t w = wake > now ? wake - now : 0; if (w > NS / 50) w = NS / 50;
    struct timespec ts = { 0, (long)w };
    int n = epoll_pwait2(ep, ev, 256, &ts, NULL);
    for (int i = 0; i < n; i++) on_event(ev[i].data.ptr, ev[i].events);
}
static void housekeeping(uint64_t now) {
    static uint64_t last; if (now - last < NS / 50) return;
    last = now;
    if (mode == M_LONGPOLL) for (unsigned i = 0; i < n_open; i++) if (subs[i].st == ST_DEAD && subs[i].retry_at <= now) { reconnects++; if (!open_conn(&subs[i])) subs[i].retry_at = now + NS / 10; }
    for (unsigned i = 0; pubs && i < n_pubs; i++) if (pubs[i].st == ST_DEAD && pubs[i].retry_at <= now) { if (!open_conn(&pubs[i])) pubs[i].retry_at = now + NS / 10; }
    if (window_ && publishing && n_subs && sent - done_n >= window_ && now - last_progress > (uint64_t)(stall * 1e9)) { done_n = sent; expire_below = sent; last_progress = now; }
}
static uint64_t lost_first = UINT64_MAX, lost_last;
static uint64_t expected_missing(void) { /* acknowledged messages not seen, summed over subscribers */
    uint64_t lost = 0; if (!n_subs || mode == M_PUBLISH) return 0;
    for (unsigned t = 0; t < topics; t++) {
        uint64_t nw = sent / 64 + 2, *a = xcalloc(nw, 8);
        for (uint64_t s = 0; s < sent; s++) if (seq_topic(s) == t && (s >> 6) < ackwords && (ackbits[s >> 6] >> (s & 63) & 1)) { uint64_t ix = seq_index(s); a[ix >> 6] |= 1ull << (ix & 63); }
        for (unsigned i = t; i < n_subs; i += topics) for (uint64_t w = 0; w < nw; w++) if (a[w]) lost += (uint64_t)__builtin_popcountll(a[w] & ~(w < sd[i].nwords ? sd[i].bits[w] : 0));
        if (lost) for (uint64_t s = 0; s < sent; s++) if (seq_topic(s) == t && (s >> 6) < ackwords && (ackbits[s >> 6] >> (s & 63) & 1) && dcount[s] < topic_subs(t)) { if (s < lost_first) lost_first = s; if (s > lost_last) lost_last = s; }
        free(a);
    }
    return lost;
}
static void add_hdr(char *dst, size_t cap, const char *h) { size_t n = strlen(dst); if (n + strlen(h) + 3 > cap) die("too many headers"); sprintf(dst + n, "%s\r\n", h); }
static void usage(void) {
    puts("usage: fanload publish|fanout|longpoll|idle --port P [options]\n"
    "target    --host 127.0.0.1 --port P --sub-port P2   --topic NAME --topics T  ({t} in paths/bodies; default a fresh name)\n"
    "publisher --pub-path /pub/{t} --pub-method POST --pub-header 'K: V' --pubs N --size S --rate R (msg/s, 0 = closed loop)\n"
    "          --body '%B' (request body) --item '%M' (one message) --batch B --sep ,   --window W (at most W undelivered messages)\n"
    "subs      --subs M --sub-path /sub/{t} --sub-method GET --sub-header 'K: V' --sub-body TEXT  ({s} = subscriber number)\n"
    "          --ready headers|sent (fanout/idle: when a subscriber counts as subscribed)\n"
    "          --sub-first-path PATH (used instead of --sub-path while a subscriber has no cursor yet)\n"
    "cursor    --copy-header 'Last-Modified=If-Modified-Since' (repeatable)   {cursor} in --sub-path with --cursor-init V and\n"
    "          --cursor-header NAME (value from response header) or --cursor-json KEY (last \"KEY\": value in the body)\n"
    "bounds    --duration 5 --warmup 1 --count N --drain 5 --settle 0.5 --stall 2 --ready-timeout 30 --max-seconds (auto)\n"
    "server    --server-pid P[,P..] (CPU and memory, descendants included)\n"
    "protocol  --proto http|nats|natsjs    output: one JSON line on stdout, summary on stderr; --quiet --label L --strict (exit 3 on loss)");
    exit(1);
}
int main(int argc, char **argv) {
    if (argc < 2) usage();
    if (!strcmp(argv[1], "publish")) mode = M_PUBLISH; else if (!strcmp(argv[1], "fanout")) mode = M_FANOUT;
    else if (!strcmp(argv[1], "longpoll")) mode = M_LONGPOLL; else if (!strcmp(argv[1], "idle")) mode = M_IDLE; else usage();
    n_subs = mode == M_PUBLISH ? 0 : mode == M_IDLE ? 1000 : 100; if (mode == M_PUBLISH) n_pubs = 64;
    if (mode == M_IDLE) { count_max = 1; warmup = 0; rate = 5; }
    enum { O_HOST = 256, O_PORT, O_SPORT, O_TOPIC, O_TOPICS, O_PPATH, O_PMETH, O_PHDR, O_PUBS, O_SIZE, O_RATE, O_BODY, O_ITEM, O_BATCH, O_SEP, O_WINDOW, O_SUBS, O_SPATH, O_SMETH, O_SHDR, O_SBODY, O_READY, O_COPY, O_CINIT, O_CHDR, O_CJSON, O_DUR, O_WARM, O_COUNT, O_DRAIN, O_SETTLE, O_STALL, O_RTO, O_MAX, O_PID, O_PROTO, O_QUIET, O_LABEL, O_STRICT, O_INFL, O_SFIRST };
    static const struct option lo[] = { {"host",1,0,O_HOST},{"port",1,0,O_PORT},{"sub-port",1,0,O_SPORT},{"topic",1,0,O_TOPIC},{"topics",1,0,O_TOPICS},{"pub-path",1,0,O_PPATH},{"pub-method",1,0,O_PMETH},{"pub-header",1,0,O_PHDR},{"pubs",1,0,O_PUBS},{"size",1,0,O_SIZE},{"rate",1,0,O_RATE},{"body",1,0,O_BODY},{"item",1,0,O_ITEM},{"batch",1,0,O_BATCH},{"sep",1,0,O_SEP},{"window",1,0,O_WINDOW},{"subs",1,0,O_SUBS},{"sub-path",1,0,O_SPATH},{"sub-first-path",1,0,O_SFIRST},{"sub-method",1,0,O_SMETH},{"sub-header",1,0,O_SHDR},{"sub-body",1,0,O_SBODY},{"ready",1,0,O_READY},{"copy-header",1,0,O_COPY},{"cursor-init",1,0,O_CINIT},{"cursor-header",1,0,O_CHDR},{"cursor-json",1,0,O_CJSON},{"duration",1,0,O_DUR},{"warmup",1,0,O_WARM},{"count",1,0,O_COUNT},{"drain",1,0,O_DRAIN},{"settle",1,0,O_SETTLE},{"stall",1,0,O_STALL},{"ready-timeout",1,0,O_RTO},{"max-seconds",1,0,O_MAX},{"server-pid",1,0,O_PID},{"proto",1,0,O_PROTO},{"quiet",0,0,O_QUIET},{"label",1,0,O_LABEL},{"strict",0,0,O_STRICT},{"connect-inflight",1,0,O_INFL},{0,0,0,0} };
    int o; optind = 2;
    while ((o = getopt_long(argc, argv, "", lo, NULL)) != -1) switch (o) {
        case O_HOST: host = optarg; break; case O_PORT: port = atoi(optarg); break; case O_SPORT: sub_port = atoi(optarg); break;
        case O_TOPIC: snprintf(topic, sizeof topic, "%s", optarg); break; case O_TOPICS: topics = (unsigned)atoi(optarg); break;
        case O_PPATH: pub_path = optarg; break; case O_PMETH: pub_method = optarg; break; case O_PHDR: add_hdr(pub_hdrs, sizeof pub_hdrs, optarg); break;
        case O_PUBS: n_pubs = (unsigned)atoi(optarg); break; case O_SIZE: msg_size = (unsigned)atoi(optarg); break; case O_RATE: rate = atof(optarg); break;
        case O_BODY: body_tpl = optarg; break; case O_ITEM: item_tpl = optarg; break; case O_BATCH: batch = (unsigned)atoi(optarg); break; case O_SEP: item_sep = optarg; break; case O_WINDOW: window_ = (unsigned)atoi(optarg); break;
        case O_SUBS: n_subs = (unsigned)atoi(optarg); break; case O_SPATH: sub_path = optarg; break; case O_SFIRST: sub_first_path = optarg; break; case O_SMETH: sub_method = optarg; break; case O_SHDR: add_hdr(sub_hdrs, sizeof sub_hdrs, optarg); break; case O_SBODY: sub_body = optarg; break;
        case O_READY: ready_on_headers = strcmp(optarg, "sent") != 0; break;
        case O_COPY: { char *q = strchr(optarg, '='); if (!q || n_copyh >= 8) die("--copy-header FROM=TO"); snprintf(copyh[n_copyh].from, 64, "%.*s", (int)(q - optarg), optarg); snprintf(copyh[n_copyh++].to, 64, "%s", q + 1); break; }
        case O_CINIT: cursor_init = optarg; break; case O_CHDR: cursor_header = optarg; break; case O_CJSON: cursor_json = optarg; break;
        case O_DUR: duration = atof(optarg); break; case O_WARM: warmup = atof(optarg); break; case O_COUNT: count_max = strtoull(optarg, NULL, 10); break; case O_DRAIN: drain = atof(optarg); break;
        case O_SETTLE: settle = atof(optarg); break; case O_STALL: stall = atof(optarg); break; case O_RTO: ready_timeout = atof(optarg); break; case O_MAX: max_seconds = atof(optarg); break;
        case O_PID: { char *q = optarg, *tok; while ((tok = strsep(&q, ",")) && n_srv < 16) if (*tok) srv_pids[n_srv++] = atoi(tok); break; }
        case O_PROTO: proto = !strcmp(optarg, "nats") ? P_NATS : !strcmp(optarg, "natsjs") ? P_NATSJS : P_HTTP; break;
        case O_QUIET: quiet = true; break; case O_LABEL: label = optarg; break; case O_STRICT: strict = true; break; case O_INFL: connect_inflight = (unsigned)atoi(optarg); break;
        default: usage();
    }
    if (!port) die("--port is required");
    if (!topics || !n_pubs || n_pubs > 9999 || !batch || !connect_inflight) die("bad --topics/--pubs/--batch");
    if (mode == M_IDLE) { duration = (double)count_max / (rate > 0 ? rate : 5) + 1; }
    struct rlimit rl; getrlimit(RLIMIT_NOFILE, &rl); rl.rlim_cur = rl.rlim_max; setrlimit(RLIMIT_NOFILE, &rl);
    if (n_subs + n_pubs + 16 > rl.rlim_cur) die("needs %u descriptors, hard limit is %lu", n_subs + n_pubs + 16, (unsigned long)rl.rlim_cur);
    signal(SIGPIPE, SIG_IGN); prctl(PR_SET_TIMERSLACK, 1000UL);
    struct timespec tr; clock_gettime(CLOCK_REALTIME, &tr); run_id = (uint32_t)tr.tv_nsec * 2654435761u ^ (uint32_t)tr.tv_sec ^ (uint32_t)getpid() << 16;
    if (!topic[0]) snprintf(topic, sizeof topic, "b%08x", run_id);
    build_templates(); ep = epoll_create1(EPOLL_CLOEXEC);
    uint64_t start = now_ns(); t_hard = start + (uint64_t)((max_seconds > 0 ? max_seconds : ready_timeout + settle + warmup + duration + drain + 15) * 1e9);
    idle_stack = xcalloc(n_pubs, sizeof *idle_stack); subs = xcalloc(n_subs, sizeof *subs); sd = xcalloc(n_subs, sizeof *sd);
    interval = rate > 0 ? (uint64_t)(1e9 * batch / rate) : 0;
    uint64_t rss0, pss0, rss1 = 0, pss1 = 0, rss2 = 0, pss2 = 0; srv_mem(&rss0, &pss0);

    /* 1. subscribers, connecting at most connect_inflight at a time */
    uint64_t tc = now_ns(), deadline = tc + (uint64_t)(ready_timeout * 1e9);
    while (n_open < n_subs || (n_ready < n_subs && ready_on_headers)) {
        while (n_open < n_subs && n_connecting < connect_inflight && (!ready_on_headers || mode == M_LONGPOLL || n_open < n_ready + sub_drops + io_err + connect_inflight)) {
            struct conn *c = &subs[n_open]; c->kind = K_SUB; c->idx = n_open; snprintf(c->cursor, sizeof c->cursor, "%s", cursor_init);
            if (n_pubs > 1) sd[n_open].last = xcalloc(n_pubs, sizeof(uint32_t));
            if (!open_conn(c)) io_err++;
            n_open++;
        }
        if (n_ready + sub_drops + io_err >= n_subs && n_open >= n_subs) break;
        uint64_t now = now_ns(); if (now > deadline) { fprintf(stderr, "fanload: only %u of %u subscribers ready\n", n_ready, n_subs); break; }
        loop_once(now + NS / 100);
    }
    double connect_s = (double)(now_ns() - tc) / 1e9;
    uint64_t until = now_ns() + (uint64_t)((n_subs ? settle : 0) * 1e9); while (now_ns() < until) loop_once(until);
    srv_mem(&rss1, &pss1); if (proto == P_HTTP && !ready_on_headers) n_ready = n_ready ? n_ready : n_open;
    uint64_t drops_before = sub_drops;

    /* 2. publishers */
    pubs = xcalloc(n_pubs, sizeof *pubs);
    for (unsigned i = 0; i < n_pubs; i++) { pubs[i].kind = K_PUB; pubs[i].idx = i; pubs[i].fd = -1; if (!open_conn(&pubs[i])) die("connect: %s", strerror(errno)); }
    deadline = now_ns() + 5 * NS; while (n_idle < n_pubs && now_ns() < deadline) loop_once(now_ns() + NS / 100);
    if (!n_idle) die("no publisher connection to port %d", port);

    /* 3. measure */
    t0 = now_ns(); warm_end = t0 + (uint64_t)(warmup * 1e9); next_due = t0; last_progress = t0; publishing = measuring = true;
    uint64_t end = warm_end + (uint64_t)(duration * 1e9); double cpu0 = 0, scpu0 = 0, hb0 = 0, hs0 = 0, hb1, hs1; bool sampled = false; pump(now_ns());
    for (;;) {
        uint64_t now = now_ns();
        if (!sampled && now >= warm_end) { cpu0 = self_cpu(); scpu0 = srv_cpu(); host_cpu(&hb0, &hs0); sampled = true; }
        if (now >= end || (count_max && sent >= count_max && acked_n + failed_n >= sent)) break;
        housekeeping(now); pump(now);
        uint64_t wake = now + NS / 100; if (rate > 0 && n_idle && next_due < wake) wake = next_due;
        if (end < wake) wake = end;
        loop_once(wake);
    }
    pub_end = now_ns(); publishing = false;
    if (count_max && mode != M_PUBLISH) measuring = true; else measuring = false;
    double cpu1 = self_cpu(), scpu1 = srv_cpu(); host_cpu(&hb1, &hs1);
    /* 4. drain: outstanding acknowledgements and deliveries */
    deadline = pub_end + (uint64_t)(drain * 1e9);
    for (;;) {
        uint64_t now = now_ns(); if (now >= deadline) break;
        bool busy = acked_n + failed_n < sent;
        if (!busy && (mode == M_PUBLISH || !n_subs)) break;
        if (!busy) { uint64_t exp = 0; for (unsigned t = 0; t < topics; t++) { uint64_t per = sent / ((uint64_t)batch * topics) * batch + ((sent / batch) % topics > t ? batch : 0); exp += per * topic_subs(t); } if (del_total >= exp) break; }
        housekeeping(now); loop_once(now + NS / 100);
    }
    srv_mem(&rss2, &pss2);
    uint64_t lost = expected_missing();
    double meas = (double)(pub_end - warm_end) / 1e9; if (meas <= 0) meas = 1e-9;
    double tot = (double)((last_del > last_ack ? last_del : last_ack) - t0) / 1e9; if (tot <= 0) tot = 1e-9;
    if (count_max && mode != M_PUBLISH && last_del > warm_end) meas = (double)((last_del > pub_end ? last_del : pub_end) - warm_end) / 1e9;
    double cpu_t = (double)(pub_end - warm_end) / 1e9; if (cpu_t <= 0) cpu_t = 1e-9;
    static const char *mn[] = { "publish", "fanout", "longpoll", "idle" };
    printf("{\"mode\":\"%s\",\"label\":\"%s\",\"pubs\":%u,\"subs\":%u,\"subs_ready\":%u,\"topics\":%u,\"size\":%u,\"batch\":%u,\"rate\":%g,\"window\":%u,\"measured_s\":%.3f,", mn[mode], label, n_pubs, n_subs, n_ready, topics, msg_size, batch, rate, window_, meas);
    printf("\"sent\":%" PRIu64 ",\"acked\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"non2xx\":%" PRIu64 ",\"io_errors\":%" PRIu64 ",\"reconnects\":%" PRIu64 ",", sent, acked_n, failed_n, status_cnt[0] + status_cnt[1] + status_cnt[3] + status_cnt[4] + status_cnt[5], io_err, reconnects);
    printf("\"req_per_s\":%.1f,\"msg_per_s\":%.1f,\"pub_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},\"sched_lag_us_p99\":%.1f,", (double)req_meas / meas, (double)msg_meas / meas, h_pct(&h_pub, 50), h_pct(&h_pub, 90), h_pct(&h_pub, 99), h_pct(&h_pub, 99.9), (double)h_pub.max / 1e3, h_pct(&h_lag, 99));
    if (mode != M_PUBLISH) {
        printf("\"deliveries\":%" PRIu64 ",\"deliveries_per_s\":%.1f,\"deliveries_per_s_total\":%.1f,\"delivery_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},", del_total, (double)del_meas / meas, (double)del_total / tot, h_pct(&h_del, 50), h_pct(&h_del, 90), h_pct(&h_del, 99), h_pct(&h_del, 99.9), (double)h_del.max / 1e3);
        printf("\"lost\":%" PRIu64 ",\"duplicate\":%" PRIu64 ",\"reordered\":%" PRIu64 ",\"foreign\":%" PRIu64 ",\"sub_disconnects\":%" PRIu64 ",\"sub_bytes\":%" PRIu64 ",", lost, del_dup, del_reord, del_foreign, sub_drops, sub_bytes);
        if (lost) printf("\"lost_first_seq\":%" PRIu64 ",\"lost_last_seq\":%" PRIu64 ",", lost_first, lost_last);
        if (mode == M_LONGPOLL) printf("\"polls\":%" PRIu64 ",\"poll_empty\":%" PRIu64 ",\"poll_err\":%" PRIu64 ",", polls, poll_empty, poll_err);
        printf("\"connect_s\":%.3f,\"connects_per_s\":%.0f,", connect_s, n_subs / (connect_s > 0 ? connect_s : 1));
    }
    double per = n_ready ? 1024.0 / n_ready : 0;
    if (n_srv) printf("\"server_rss_kb\":{\"before\":%" PRIu64 ",\"idle\":%" PRIu64 ",\"end\":%" PRIu64 "},\"server_pss_kb\":{\"before\":%" PRIu64 ",\"idle\":%" PRIu64 ",\"end\":%" PRIu64 "},\"rss_per_conn_bytes\":%.0f,\"pss_per_conn_bytes\":%.0f,\"pss_per_conn_after_msg_bytes\":%.0f,", rss0, rss1, rss2, pss0, pss1, pss2, ((double)rss1 - (double)rss0) * per, ((double)pss1 - (double)pss0) * per, ((double)pss2 - (double)pss0) * per);
    double cc = sampled ? (cpu1 - cpu0) / cpu_t : 0, sc = n_srv && sampled ? (scpu1 - scpu0) / cpu_t : 0; /* cores used */
    printf("\"requests\":%" PRIu64 ",\"client_cpu\":%.4f,\"server_cpu\":%.4f,\"other_cpu\":%.2f,\"steal\":%.2f}\n", requests, cc, sc, sampled ? (hb1 - hb0) / cpu_t - cc - sc : 0, sampled ? (hs1 - hs0) / cpu_t : 0);
    if (!quiet) {
        fprintf(stderr, "%s %s: %.0f req/s, publish p50 %.0f p99 %.0f p999 %.0f us", label, mn[mode], (double)req_meas / meas, h_pct(&h_pub, 50), h_pct(&h_pub, 99), h_pct(&h_pub, 99.9));
        if (mode != M_PUBLISH) fprintf(stderr, "; %.0f deliveries/s, p50 %.0f p99 %.0f p999 %.0f us, lost %" PRIu64 " dup %" PRIu64 " reord %" PRIu64 " drops %" PRIu64, (double)del_meas / meas, h_pct(&h_del, 50), h_pct(&h_del, 99), h_pct(&h_del, 99.9), lost, del_dup, del_reord, sub_drops - drops_before);
        fputc('\n', stderr);
    }
    return strict && (lost || del_dup || del_reord || failed_n || sub_drops) ? 3 : 0;
}
