/* Latencies: a log-linear histogram, 128 linear steps to a power of two (error below 0.8 %). Part of fanload.c. */
#pragma once

#include "common.h"

#define HSUB 128
#define HBUCKETS (HSUB * 40)
typedef struct {
    uint64_t c[HBUCKETS];
    uint64_t n, max;
    double sum;
} hist;
static void h_add(hist *h, uint64_t v) {
    unsigned i;
    if (v < HSUB)
        i = (unsigned)v;
    else {
        unsigned e = 63u - (unsigned)__builtin_clzll(v) - 7u;
        i = e * HSUB + HSUB + (unsigned)((v >> e) - HSUB);
        if (i >= HBUCKETS) i = HBUCKETS - 1;
    }
    h->c[i]++;
    h->n++;
    h->sum += (double)v;
    if (v > h->max) h->max = v;
}

static double h_pct(const hist *h, double p) { /* microseconds */
    if (!h->n) return 0;
    uint64_t want = (uint64_t)(p / 100.0 * (double)h->n + 0.5), acc = 0;
    if (want < 1) want = 1;
    for (unsigned i = 0; i < HBUCKETS; i++) {
        acc += h->c[i];
        if (acc >= want) {
            double v;
            if (i < HSUB)
                v = i;
            else {
                unsigned e = (i - HSUB) / HSUB;
                v = (double)((((uint64_t)(i - HSUB) % HSUB + HSUB) << e) + ((1ull << e) >> 1));
            }
            if (v > (double)h->max) v = (double)h->max;
            return v / 1000.0;
        }
    }
    return (double)h->max / 1000.0;
}
