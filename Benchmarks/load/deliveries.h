/* Finds markers in what subscribers receive and counts what is lost, repeated or out of order. Part of fanload.c. */
#pragma once

#include "messages.h"

static void progress_done(void) {
    done_n++;
    last_progress = now_ns();
}

static void deliver(struct conn *c, const char *m, uint64_t now) { /* m: text between the @@ pairs, 41 bytes */
    uint32_t run = 0;
    for (int i = 0; i < 8; i++) {
        int ch = m[i];
        run = run << 4 | (uint32_t)(ch <= '9' ? ch - '0' : (ch | 32) - 'a' + 10);
    }
    if (run != run_id || m[8] != '.' || m[13] != ':' || m[24] != ':') {
        del_foreign++;
        return;
    }
    uint64_t pub = 0, seq = 0, ts = 0;
    int i;
    for (i = 9; i < 13; i++) pub = pub * 10 + (uint64_t)(m[i] - '0');
    for (i = 14; i < 24; i++) seq = seq * 10 + (uint64_t)(m[i] - '0');
    for (i = 25; i < 41; i++) ts = ts * 10 + (uint64_t)(m[i] - '0');
    if (seq >= sent || pub >= n_pubs) {
        del_foreign++;
        return;
    }
    unsigned t = seq_topic(seq);
    if (t != c->idx % topics) {
        del_foreign++;
        return;
    }
    struct sub *s = &sd[c->idx];
    uint64_t ix = seq_index(seq), w = ix >> 6;
    if (w >= s->nwords) {
        uint64_t nw = s->nwords ? s->nwords * 2 : 16;
        while (nw <= w) nw *= 2;
        s->bits = xrealloc(s->bits, nw * 8);
        memset(s->bits + s->nwords, 0, (nw - s->nwords) * 8);
        s->nwords = nw;
    }
    if (s->bits[w] >> (ix & 63) & 1) {
        del_dup++;
        return;
    }
    s->bits[w] |= 1ull << (ix & 63);
    s->uniq++;
    del_total++;
    last_del = now;
    uint32_t *l = n_pubs == 1 ? &s->last1 : &s->last[pub];
    if ((uint32_t)seq + 1 < *l)
        del_reord++;
    else
        *l = (uint32_t)seq + 1;
    if (ts >= warm_end) h_add(&h_del, now > ts ? now - ts : 0);
    if (measuring && now >= warm_end) del_meas++;
    if (++dcount[seq] == topic_subs(t) && seq >= expire_below) progress_done();
}

static void scan(struct conn *c, const char *p, size_t n, uint64_t now) {
    const char *e = p + n;
    sub_bytes += n;
    while (p < e) {
        if (c->mk == 0) {
            p = memchr(p, '@', (size_t)(e - p));
            if (!p) return;
            p++;
            c->mk = 1;
        } else if (c->mk == 1) {
            if (*p == '@') {
                c->mk = 2;
                c->mlen = 0;
                p++;
            } else
                c->mk = 0;
        } else if (c->mk == 2) {
            if (*p == '@') {
                c->mk = c->mlen == MARK_LEN - 4 ? 3 : (c->mlen == 0 ? 2 : 1);
                p++;
            } else if (c->mlen >= MARK_LEN - 4) {
                c->mk = 0;
            } else
                c->mbuf[c->mlen++] = *p++;
        } else {
            if (*p == '@') {
                c->mbuf[c->mlen] = 0;
                deliver(c, c->mbuf, now);
                p++;
            }
            c->mk = 0;
        }
    }
}

static void body_bytes(struct conn *c, const char *p, size_t n, uint64_t now) {
    if (c->kind != K_SUB) return;
    scan(c, p, n, now);
    if (cursor_json && mode == M_LONGPOLL) {
        if (c->blen + n + 1 > c->bcap && c->bcap < (1u << 22)) {
            c->bcap = (c->blen + n + 1) * 2;
            c->bodyacc = xrealloc(c->bodyacc, c->bcap);
        }
        if (c->blen + n + 1 <= c->bcap) {
            memcpy(c->bodyacc + c->blen, p, n);
            c->blen += n;
        }
    }
}

static void set_bit(uint64_t **b, uint64_t *nw, uint64_t i) {
    uint64_t w = i >> 6;
    if (w >= *nw) {
        uint64_t n = *nw ? *nw * 2 : 1024;
        while (n <= w) n *= 2;
        *b = xrealloc(*b, n * 8);
        memset(*b + *nw, 0, (n - *nw) * 8);
        *nw = n;
    }
    (*b)[w] |= 1ull << (i & 63);
}

static uint64_t lost_first = UINT64_MAX, lost_last;
static uint64_t expected_missing(void) { /* acknowledged messages not seen, summed over subscribers */
    uint64_t lost = 0;
    if (!n_subs || mode == M_PUBLISH) return 0;
    for (unsigned t = 0; t < topics; t++) {
        uint64_t nw = sent / 64 + 2, *a = xcalloc(nw, 8);
        for (uint64_t s = 0; s < sent; s++)
            if (seq_topic(s) == t && (s >> 6) < ackwords && (ackbits[s >> 6] >> (s & 63) & 1)) {
                uint64_t ix = seq_index(s);
                a[ix >> 6] |= 1ull << (ix & 63);
            }
        for (unsigned i = t; i < n_subs; i += topics)
            for (uint64_t w = 0; w < nw; w++)
                if (a[w]) lost += (uint64_t)__builtin_popcountll(a[w] & ~(w < sd[i].nwords ? sd[i].bits[w] : 0));
        if (lost)
            for (uint64_t s = 0; s < sent; s++)
                if (seq_topic(s) == t && (s >> 6) < ackwords && (ackbits[s >> 6] >> (s & 63) & 1) &&
                    dcount[s] < topic_subs(t)) {
                    if (s < lost_first) lost_first = s;
                    if (s > lost_last) lost_last = s;
                }
        free(a);
    }
    return lost;
}
