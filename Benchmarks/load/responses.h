/* Answers: HTTP/1.1 (and NATS) as far as a load client must understand them. Part of fanload.c. */
#pragma once

#include "connections.h"

static void take_header(struct conn *c, char *l) {
    char *v = strchr(l, ':');
    if (!v) return;
    *v++ = 0;
    while (*v == ' ') v++;
    if (!strcasecmp(l, "content-length"))
        c->left = strtoll(v, NULL, 10);
    else if (!strcasecmp(l, "transfer-encoding")) {
        if (strcasestr(v, "chunked")) c->chunked = true;
    } else if (!strcasecmp(l, "connection")) {
        if (strcasestr(v, "close")) c->conn_close = true;
    }
    if (c->kind == K_SUB && mode == M_LONGPOLL && c->status == 200) {
        for (unsigned i = 0; i < n_copyh; i++)
            if (!strcasecmp(l, copyh[i].from)) {
                if (!c->hv) c->hv = xcalloc(n_copyh, sizeof *c->hv);
                snprintf(c->hv[i], 160, "%s", v);
            }
        if (cursor_header && !strcasecmp(l, cursor_header)) snprintf(c->cursor, sizeof c->cursor, "%s", v);
    }
}

static void json_cursor(struct conn *c) {
    if (!c->bodyacc || !c->blen) return;
    c->bodyacc[c->blen] = 0;
    char key[96];
    snprintf(key, sizeof key, "\"%s\"", cursor_json);
    char *p = c->bodyacc, *f = NULL;
    while ((p = strstr(p, key))) {
        f = p;
        p++;
    }
    if (!f) return;
    f += strlen(key);
    while (*f == ' ' || *f == ':') f++;
    char end = 0;
    if (*f == '"') {
        end = '"';
        f++;
    }
    size_t n = 0;
    while (f[n] && n < sizeof c->cursor - 1 &&
           (end ? f[n] != end : (isalnum((unsigned char)f[n]) || strchr("-_.", f[n]))))
        n++;
    memcpy(c->cursor, f, n);
    c->cursor[n] = 0;
}
/* returns false when the connection was closed or re-used and the caller must stop feeding it */
static bool on_complete(struct conn *c, uint64_t now) {
    if (c->kind == K_PUB) {
        pub_acked(c, c->status, now);
        if (c->conn_close) {
            reconnects++;
            close(c->fd);
            c->fd = -1;
            if (!open_conn(c)) {
                c->st = ST_DEAD;
                c->retry_at = now + NS / 10;
            }
            return false;
        }
        pub_idle(c);
        pump(now_ns());
        return false;
    }
    if (mode != M_LONGPOLL) {
        on_closed(c, now);
        return false;
    }
    bool empty = c->status == 204 || c->status == 304 || c->status == 408, ok = c->status == 200;
    if (empty)
        poll_empty++;
    else if (!ok)
        poll_err++;
    if (ok && cursor_json) json_cursor(c);
    if (!ok && !empty) {
        close(c->fd);
        c->fd = -1;
        c->st = ST_DEAD;
        c->retry_at = now + NS / 10;
        return false;
    }
    if (c->conn_close) {
        reconnects++;
        close(c->fd);
        c->fd = -1;
        if (!open_conn(c)) {
            c->st = ST_DEAD;
            c->retry_at = now + NS / 10;
        }
        return false;
    }
    sub_request(c);
    return false;
}

static bool end_headers(struct conn *c, uint64_t now) {
    if (c->status >= 100 && c->status < 200) {
        int s = c->status;
        parser_reset(c);
        (void)s;
        return true;
    }
    if (c->kind == K_SUB && mode != M_LONGPOLL) {
        if (c->status != 200) {
            io_err++;
            status_cnt[c->status / 100 <= 5 ? c->status / 100 : 0]++;
            if (io_err < 4) fprintf(stderr, "fanload: subscriber %u got status %d\n", c->idx, c->status);
            on_closed(c, now);
            return false;
        }
        c->st = ST_STREAM;
        if (!c->ready) {
            c->ready = true;
            n_ready++;
        }
    }
    if (c->status == 204 || c->status == 304 || (!c->chunked && c->left == 0)) return on_complete(c, now);
    c->ps = c->chunked ? S_CHSIZE : c->left > 0 ? S_LEN : S_CLOSE;
    c->llen = 0;
    return true;
}

static void feed(struct conn *c, const char *p, size_t n, uint64_t now) {
    const char *e = p + n;
    while (p < e) switch (c->ps) {
        case S_STATUS:
        case S_HDR:
        case S_CHSIZE:
        case S_CHEND:
        case S_TRAIL: {
            const char *nl = memchr(p, '\n', (size_t)(e - p));
            size_t k = nl ? (size_t)(nl - p) : (size_t)(e - p);
            size_t room = sizeof c->line - 1 - c->llen, cp = k < room ? k : room;
            memcpy(c->line + c->llen, p, cp);
            c->llen += (unsigned)cp;
            p += k;
            if (!nl) return;
            p++;
            if (c->llen && c->line[c->llen - 1] == '\r') c->llen--;
            c->line[c->llen] = 0;
            unsigned ll = c->llen;
            c->llen = 0;
            if (c->ps == S_STATUS) {
                if (ll < 12) {
                    if (!ll) break;
                    io_err++;
                    on_closed(c, now);
                    return;
                }
                c->status = atoi(c->line + 9);
                c->ps = S_HDR;
            } else if (c->ps == S_HDR) {
                if (ll)
                    take_header(c, c->line);
                else if (!end_headers(c, now))
                    return;
            } else if (c->ps == S_CHSIZE) {
                c->left = (int64_t)strtoull(c->line, NULL, 16);
                c->ps = c->left ? S_CHDATA : S_TRAIL;
            } else if (c->ps == S_CHEND)
                c->ps = S_CHSIZE;
            else if (!ll) {
                if (!on_complete(c, now)) return;
            }
            break;
        }
        case S_LEN:
        case S_CHDATA: {
            size_t k = (size_t)(e - p) < (size_t)c->left ? (size_t)(e - p) : (size_t)c->left;
            body_bytes(c, p, k, now);
            p += k;
            c->left -= (int64_t)k;
            if (!c->left) {
                if (c->ps == S_CHDATA) {
                    c->ps = S_CHEND;
                    c->llen = 0;
                } else if (!on_complete(c, now))
                    return;
            }
            break;
        }
        default:
            body_bytes(c, p, (size_t)(e - p), now);
            return;
        }
}

static void feed_nats(struct conn *c, const char *p, size_t n, uint64_t now) {
    if (c->kind == K_SUB && c->ready) {
        scan(c, p, n, now);
        return;
    }
    const char *e = p + n;
    while (p < e) {
        const char *nl = memchr(p, '\n', (size_t)(e - p));
        size_t k = nl ? (size_t)(nl - p) : (size_t)(e - p);
        size_t room = sizeof c->line - 1 - c->llen, cp = k < room ? k : room;
        memcpy(c->line + c->llen, p, cp);
        c->llen += (unsigned)cp;
        p += k;
        if (!nl) return;
        p++;
        c->line[c->llen] = 0;
        c->llen = 0;
        const char *l = c->line;
        if (!strncmp(l, "PONG", 4)) {
            if (!c->ready) {
                c->ready = true;
                if (c->kind == K_SUB) {
                    n_ready++;
                    c->st = ST_STREAM;
                    if (p < e) scan(c, p, (size_t)(e - p), now);
                    return;
                } else
                    pub_idle(c);
            }
        } else if (!strncmp(l, "PING", 4)) {
            ssize_t r = send(c->fd, "PONG\r\n", 6, MSG_NOSIGNAL);
            (void)r;
        } else if (c->kind == K_PUB && c->ready && c->st == ST_WAIT &&
                   ((proto == P_NATS && !strncmp(l, "+OK", 3)) || (proto == P_NATSJS && l[0] == '{'))) {
            pub_acked(c, strstr(l, "error") ? 500 : 200, now);
            pub_idle(c);
            pump(now_ns());
        } else if (!strncmp(l, "-ERR", 4)) {
            io_err++;
            fprintf(stderr, "fanload: %s\n", l);
        }
    }
}
