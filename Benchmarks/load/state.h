/* Connections, subscribers and counters of a run. Part of fanload.c. */
#pragma once

#include "histogram.h"
#include "options.h"

enum { S_STATUS, S_HDR, S_LEN, S_CHSIZE, S_CHDATA, S_CHEND, S_TRAIL, S_CLOSE };
enum { K_SUB, K_PUB };
enum { ST_OFF, ST_CONNECTING, ST_WAIT, ST_STREAM, ST_IDLE, ST_DEAD };
struct conn {
    int fd;
    uint8_t kind, st, ps, mk;
    bool chunked, conn_close, want_out, ready, first_ok;
    uint8_t mlen;
    unsigned idx;
    int status;
    int64_t left;
    char line[256];
    unsigned llen;
    char mbuf[48];
    char *out;
    size_t ocap, olen, ooff;
    uint64_t t_send, retry_at, seq0;
    unsigned nitems;
    bool warm;
    char (*hv)[160];
    char *bodyacc;
    size_t blen, bcap;
    char cursor[160];
};
struct sub {
    uint64_t *bits;
    uint64_t nwords;
    uint32_t last1, *last;
    uint64_t uniq;
};
static struct conn *subs, *pubs;
static struct sub *sd;
static int ep;
static uint32_t run_id;
static hist h_pub, h_del, h_lag;
static uint64_t sent, acked_n, failed_n, status_cnt[6], io_err, requests, req_meas, msg_meas;
static uint64_t del_total, del_meas, del_dup, del_reord, del_foreign, sub_drops, sub_bytes, polls, poll_empty, poll_err,
    reconnects;
static uint64_t t0, warm_end, pub_end, last_ack, last_del, next_due, interval, done_n, expire_below, last_progress;
static bool publishing = false, measuring = false;
static uint64_t *ackbits;
static uint64_t ackwords;
static uint32_t *dcount;
static uint64_t dcap;
static unsigned *idle_stack, n_idle;
static unsigned n_ready, n_open, n_connecting;
static char rbuf[262144];
struct tpl {
    char *buf;
    size_t len;
    size_t *moff;
};
static struct tpl *tpls;
