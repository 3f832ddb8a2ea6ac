/* Requests prepared once for each topic, and the marker that tells one message from another. Part of fanload.c. */
#pragma once

#include "state.h"

static unsigned seq_topic(uint64_t s) {
    return (unsigned)((s / batch) % topics);
}

static uint64_t seq_index(uint64_t s) {
    return (s / ((uint64_t)batch * topics)) * batch + s % batch;
}

static unsigned topic_subs(unsigned t) {
    return n_subs / topics + (t < n_subs % topics ? 1 : 0);
}

static void topic_name(char *o, size_t n, unsigned t) {
    if (topics == 1)
        snprintf(o, n, "%s", topic);
    else
        snprintf(o, n, "%s%u", topic, t);
}

static void replace_all(char *dst, size_t cap, const char *src, const char *key, const char *val) {
    size_t o = 0, kl = strlen(key), vl = strlen(val);
    while (*src && o + 1 < cap) {
        if (!strncmp(src, key, kl)) {
            if (o + vl + 1 >= cap) die("template too long");
            memcpy(dst + o, val, vl);
            o += vl;
            src += kl;
        } else
            dst[o++] = *src++;
    }
    dst[o] = 0;
}

static void build_templates(void) {
    tpls = xcalloc(topics, sizeof *tpls);
    if (msg_size < MARK_LEN) msg_size = MARK_LEN;
    size_t il = strlen(item_tpl), cap = strlen(body_tpl) + batch * (il + msg_size + strlen(item_sep) + 256) + 8192;
    for (unsigned t = 0; t < topics; t++) {
        char tn[160];
        topic_name(tn, sizeof tn, t);
        char path[2048];
        replace_all(path, sizeof path, pub_path, "{t}", tn);
        char *body = xcalloc(cap, 1), *bt = xcalloc(cap, 1), *it = xcalloc(il + 512, 1);
        size_t bl = 0;
        replace_all(bt, cap, body_tpl, "{t}", tn);
        replace_all(it, il + 512, item_tpl, "{t}", tn);
        size_t *moff = xcalloc(batch, sizeof *moff);
        const char *b = strstr(bt, "%B");
        if (!b) die("--body needs %%B");
        memcpy(body, bt, (size_t)(b - bt));
        bl = (size_t)(b - bt);
        const char *m = strstr(it, "%M");
        if (!m) die("--item needs %%M");
        for (unsigned i = 0; i < batch; i++) {
            if (i) {
                memcpy(body + bl, item_sep, strlen(item_sep));
                bl += strlen(item_sep);
            }
            memcpy(body + bl, it, (size_t)(m - it));
            bl += (size_t)(m - it);
            moff[i] = bl;
            memset(body + bl, 'x', msg_size);
            bl += msg_size;
            strcpy(body + bl, m + 2);
            bl += strlen(m + 2);
        }
        strcpy(body + bl, b + 2);
        bl += strlen(b + 2);
        char *req = xcalloc(bl + 8192, 1);
        int hl;
        if (proto == P_HTTP)
            hl = snprintf(req, 8192, "%s %s HTTP/1.1\r\nHost: %s:%d\r\n%sContent-Length: %zu\r\n\r\n", pub_method, path,
                          host, port, pub_hdrs, bl);
        else if (proto == P_NATS)
            hl = snprintf(req, 8192, "PUB %s %zu\r\n", tn, bl);
        else
            hl = snprintf(req, 8192, "PUB %s _INBOX.p0000 %zu\r\n", tn, bl);
        memcpy(req + hl, body, bl);
        size_t tl = (size_t)hl + bl;
        if (proto != P_HTTP) {
            memcpy(req + tl, "\r\n", 2);
            tl += 2;
        }
        for (unsigned i = 0; i < batch; i++) moff[i] += (size_t)hl;
        tpls[t] = (struct tpl){req, tl, moff};
        free(body);
        free(bt);
        free(it);
    }
}

static void put_dec(char *p, unsigned w, uint64_t v) {
    while (w--) {
        p[w] = (char)('0' + v % 10);
        v /= 10;
    }
}

static void put_marker(char *p, unsigned pub, uint64_t seq, uint64_t ts) {
    p[0] = p[1] = '@';
    for (int i = 0; i < 8; i++) p[2 + i] = "0123456789abcdef"[(run_id >> (28 - 4 * i)) & 15];
    p[10] = '.';
    put_dec(p + 11, 4, pub);
    p[15] = ':';
    put_dec(p + 16, 10, seq);
    p[26] = ':';
    put_dec(p + 27, 16, ts);
    p[43] = p[44] = '@';
}
