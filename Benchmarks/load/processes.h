/* Processor time and memory of the server, the client and the machine, from /proc. Part of fanload.c. */
#pragma once

#include "options.h"

static int all_pids(int *out, int cap) { /* given pids and their descendants */
    int n = 0;
    for (unsigned i = 0; i < n_srv && n < cap; i++) out[n++] = srv_pids[i];
    static int pid[4096], ppid[4096];
    int np = 0;
    DIR *d = opendir("/proc");
    struct dirent *e;
    while (d && (e = readdir(d)) && np < 4096)
        if (isdigit((unsigned char)e->d_name[0])) {
            char f[300], b[512];
            snprintf(f, sizeof f, "/proc/%s/stat", e->d_name);
            FILE *fp = fopen(f, "r");
            if (!fp) continue;
            if (fgets(b, sizeof b, fp)) {
                char *q = strrchr(b, ')');
                char s;
                int pp;
                if (q && sscanf(q + 1, " %c %d", &s, &pp) == 2) {
                    pid[np] = atoi(e->d_name);
                    ppid[np++] = pp;
                }
            }
            fclose(fp);
        }
    if (d) closedir(d);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < np; j++)
            if (ppid[j] == out[i]) {
                bool have = false;
                for (int k = 0; k < n; k++) have |= out[k] == pid[j];
                if (!have && n < cap) out[n++] = pid[j];
            }
    return n;
}

static double srv_cpu(void) {
    int p[256], n = n_srv ? all_pids(p, 256) : 0;
    double s = 0;
    for (int i = 0; i < n; i++) {
        char f[64], b[1024];
        snprintf(f, sizeof f, "/proc/%d/stat", p[i]);
        FILE *fp = fopen(f, "r");
        if (!fp) continue;
        if (fgets(b, sizeof b, fp)) {
            char *q = strrchr(b, ')');
            unsigned long u = 0, k = 0;
            if (q && sscanf(q + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &k) == 2)
                s += (double)(u + k) / (double)sysconf(_SC_CLK_TCK);
        }
        fclose(fp);
    }
    return s;
}

static void srv_mem(uint64_t *rss_kb, uint64_t *pss_kb) {
    int p[256], n = n_srv ? all_pids(p, 256) : 0;
    *rss_kb = *pss_kb = 0;
    for (int i = 0; i < n; i++) {
        char f[64], b[256];
        snprintf(f, sizeof f, "/proc/%d/smaps_rollup", p[i]);
        FILE *fp = fopen(f, "r");
        if (!fp) continue;
        unsigned long v;
        while (fgets(b, sizeof b, fp)) {
            if (sscanf(b, "Rss: %lu", &v) == 1)
                *rss_kb += v;
            else if (sscanf(b, "Pss: %lu", &v) == 1)
                *pss_kb += v;
        }
        fclose(fp);
    }
}

static void host_cpu(double *busy, double *steal) { /* seconds, all cores */
    FILE *fp = fopen("/proc/stat", "r");
    unsigned long long u, n, s, id, io, irq, sirq, st = 0;
    double hz = (double)sysconf(_SC_CLK_TCK);
    *busy = *steal = 0;
    if (fp) {
        if (fscanf(fp, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &u, &n, &s, &id, &io, &irq, &sirq, &st) == 8) {
            *busy = (double)(u + n + s + irq + sirq) / hz;
            *steal = (double)st / hz;
        }
        fclose(fp);
    }
}

static double self_cpu(void) {
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}
