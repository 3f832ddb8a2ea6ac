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
#include "events.h"
#include "processes.h"

int main(int argc, char **argv) {
    parse_options(argc, argv);
    if (mode == M_IDLE) {
        duration = (double)count_max / (rate > 0 ? rate : 5) + 1;
    }
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);
    if (n_subs + n_pubs + 16 > rl.rlim_cur)
        die("needs %u descriptors, hard limit is %lu", n_subs + n_pubs + 16, (unsigned long)rl.rlim_cur);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1000UL);
    struct timespec tr;
    clock_gettime(CLOCK_REALTIME, &tr);
    run_id = (uint32_t)tr.tv_nsec * 2654435761u ^ (uint32_t)tr.tv_sec ^ (uint32_t)getpid() << 16;
    if (!topic[0]) snprintf(topic, sizeof topic, "b%08x", run_id);
    build_templates();
    ep = epoll_create1(EPOLL_CLOEXEC);
    uint64_t start = now_ns();
    t_hard =
        start +
        (uint64_t)((max_seconds > 0 ? max_seconds : ready_timeout + settle + warmup + duration + drain + 15) * 1e9);
    idle_stack = xcalloc(n_pubs, sizeof *idle_stack);
    subs = xcalloc(n_subs, sizeof *subs);
    sd = xcalloc(n_subs, sizeof *sd);
    interval = rate > 0 ? (uint64_t)(1e9 * batch / rate) : 0;
    uint64_t rss0, pss0, rss1 = 0, pss1 = 0, rss2 = 0, pss2 = 0;
    srv_mem(&rss0, &pss0);

    /* 1. subscribers, connecting at most connect_inflight at a time */
    uint64_t tc = now_ns(), deadline = tc + (uint64_t)(ready_timeout * 1e9);
    while (n_open < n_subs || (n_ready < n_subs && ready_on_headers)) {
        while (n_open < n_subs && n_connecting < connect_inflight &&
               (!ready_on_headers || mode == M_LONGPOLL || n_open < n_ready + sub_drops + io_err + connect_inflight)) {
            struct conn *c = &subs[n_open];
            c->kind = K_SUB;
            c->idx = n_open;
            snprintf(c->cursor, sizeof c->cursor, "%s", cursor_init);
            if (n_pubs > 1) sd[n_open].last = xcalloc(n_pubs, sizeof(uint32_t));
            if (!open_conn(c)) io_err++;
            n_open++;
        }
        if (n_ready + sub_drops + io_err >= n_subs && n_open >= n_subs) break;
        uint64_t now = now_ns();
        if (now > deadline) {
            fprintf(stderr, "fanload: only %u of %u subscribers ready\n", n_ready, n_subs);
            break;
        }
        loop_once(now + NS / 100);
    }
    double connect_s = (double)(now_ns() - tc) / 1e9;
    uint64_t until = now_ns() + (uint64_t)((n_subs ? settle : 0) * 1e9);
    while (now_ns() < until) loop_once(until);
    srv_mem(&rss1, &pss1);
    if (proto == P_HTTP && !ready_on_headers) n_ready = n_ready ? n_ready : n_open;
    uint64_t drops_before = sub_drops;

    /* 2. publishers */
    pubs = xcalloc(n_pubs, sizeof *pubs);
    for (unsigned i = 0; i < n_pubs; i++) {
        pubs[i].kind = K_PUB;
        pubs[i].idx = i;
        pubs[i].fd = -1;
        if (!open_conn(&pubs[i])) die("connect: %s", strerror(errno));
    }
    deadline = now_ns() + 5 * NS;
    while (n_idle < n_pubs && now_ns() < deadline) loop_once(now_ns() + NS / 100);
    if (!n_idle) die("no publisher connection to port %d", port);

    /* 3. measure */
    t0 = now_ns();
    warm_end = t0 + (uint64_t)(warmup * 1e9);
    next_due = t0;
    last_progress = t0;
    publishing = measuring = true;
    uint64_t end = warm_end + (uint64_t)(duration * 1e9);
    double cpu0 = 0, scpu0 = 0, hb0 = 0, hs0 = 0, hb1, hs1;
    bool sampled = false;
    pump(now_ns());
    for (;;) {
        uint64_t now = now_ns();
        if (!sampled && now >= warm_end) {
            cpu0 = self_cpu();
            scpu0 = srv_cpu();
            host_cpu(&hb0, &hs0);
            sampled = true;
        }
        if (now >= end || (count_max && sent >= count_max && acked_n + failed_n >= sent)) break;
        housekeeping(now);
        pump(now);
        uint64_t wake = now + NS / 100;
        if (rate > 0 && n_idle && next_due < wake) wake = next_due;
        if (end < wake) wake = end;
        loop_once(wake);
    }
    pub_end = now_ns();
    publishing = false;
    if (count_max && mode != M_PUBLISH)
        measuring = true;
    else
        measuring = false;
    double cpu1 = self_cpu(), scpu1 = srv_cpu();
    host_cpu(&hb1, &hs1);
    /* 4. drain: outstanding acknowledgements and deliveries */
    deadline = pub_end + (uint64_t)(drain * 1e9);
    for (;;) {
        uint64_t now = now_ns();
        if (now >= deadline) break;
        bool busy = acked_n + failed_n < sent;
        if (!busy && (mode == M_PUBLISH || !n_subs)) break;
        if (!busy) {
            uint64_t exp = 0;
            for (unsigned t = 0; t < topics; t++) {
                uint64_t per = sent / ((uint64_t)batch * topics) * batch + ((sent / batch) % topics > t ? batch : 0);
                exp += per * topic_subs(t);
            }
            if (del_total >= exp) break;
        }
        housekeeping(now);
        loop_once(now + NS / 100);
    }
    srv_mem(&rss2, &pss2);
    uint64_t lost = expected_missing();
    double meas = (double)(pub_end - warm_end) / 1e9;
    if (meas <= 0) meas = 1e-9;
    double tot = (double)((last_del > last_ack ? last_del : last_ack) - t0) / 1e9;
    if (tot <= 0) tot = 1e-9;
    if (count_max && mode != M_PUBLISH && last_del > warm_end)
        meas = (double)((last_del > pub_end ? last_del : pub_end) - warm_end) / 1e9;
    double cpu_t = (double)(pub_end - warm_end) / 1e9;
    if (cpu_t <= 0) cpu_t = 1e-9;
    static const char *mn[] = {"publish", "fanout", "longpoll", "idle"};
    printf("{\"mode\":\"%s\",\"label\":\"%s\",\"pubs\":%u,\"subs\":%u,\"subs_ready\":%u,\"topics\":%u,\"size\":%u,"
           "\"batch\":%u,\"rate\":%g,\"window\":%u,\"measured_s\":%.3f,",
           mn[mode], label, n_pubs, n_subs, n_ready, topics, msg_size, batch, rate, window_, meas);
    printf("\"sent\":%" PRIu64 ",\"acked\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"non2xx\":%" PRIu64
           ",\"io_errors\":%" PRIu64 ",\"reconnects\":%" PRIu64 ",",
           sent, acked_n, failed_n, status_cnt[0] + status_cnt[1] + status_cnt[3] + status_cnt[4] + status_cnt[5],
           io_err, reconnects);
    printf("\"req_per_s\":%.1f,\"msg_per_s\":%.1f,\"pub_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,"
           "\"max\":%.1f},\"sched_lag_us_p99\":%.1f,",
           (double)req_meas / meas, (double)msg_meas / meas, h_pct(&h_pub, 50), h_pct(&h_pub, 90), h_pct(&h_pub, 99),
           h_pct(&h_pub, 99.9), (double)h_pub.max / 1e3, h_pct(&h_lag, 99));
    if (mode != M_PUBLISH) {
        printf("\"deliveries\":%" PRIu64 ",\"deliveries_per_s\":%.1f,\"deliveries_per_s_total\":%.1f,\"delivery_us\":{"
                                         "\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},",
               del_total, (double)del_meas / meas, (double)del_total / tot, h_pct(&h_del, 50), h_pct(&h_del, 90),
               h_pct(&h_del, 99), h_pct(&h_del, 99.9), (double)h_del.max / 1e3);
        printf("\"lost\":%" PRIu64 ",\"duplicate\":%" PRIu64 ",\"reordered\":%" PRIu64 ",\"foreign\":%" PRIu64
               ",\"sub_disconnects\":%" PRIu64 ",\"sub_bytes\":%" PRIu64 ",",
               lost, del_dup, del_reord, del_foreign, sub_drops, sub_bytes);
        if (lost) printf("\"lost_first_seq\":%" PRIu64 ",\"lost_last_seq\":%" PRIu64 ",", lost_first, lost_last);
        if (mode == M_LONGPOLL)
            printf("\"polls\":%" PRIu64 ",\"poll_empty\":%" PRIu64 ",\"poll_err\":%" PRIu64 ",", polls, poll_empty,
                   poll_err);
        printf("\"connect_s\":%.3f,\"connects_per_s\":%.0f,", connect_s, n_subs / (connect_s > 0 ? connect_s : 1));
    }
    double per = n_ready ? 1024.0 / n_ready : 0;
    if (n_srv)
        printf("\"server_rss_kb\":{\"before\":%" PRIu64 ",\"idle\":%" PRIu64 ",\"end\":%" PRIu64
               "},\"server_pss_kb\":{\"before\":%" PRIu64 ",\"idle\":%" PRIu64 ",\"end\":%" PRIu64
               "},\"rss_per_conn_bytes\":%.0f,\"pss_per_conn_bytes\":%.0f,\"pss_per_conn_after_msg_bytes\":%.0f,",
               rss0, rss1, rss2, pss0, pss1, pss2, ((double)rss1 - (double)rss0) * per,
               ((double)pss1 - (double)pss0) * per, ((double)pss2 - (double)pss0) * per);
    double cc = sampled ? (cpu1 - cpu0) / cpu_t : 0,
           sc = n_srv && sampled ? (scpu1 - scpu0) / cpu_t : 0; /* cores used */
    printf("\"requests\":%" PRIu64 ",\"client_cpu\":%.4f,\"server_cpu\":%.4f,\"other_cpu\":%.2f,\"steal\":%.2f}\n",
           requests, cc, sc, sampled ? (hb1 - hb0) / cpu_t - cc - sc : 0, sampled ? (hs1 - hs0) / cpu_t : 0);
    if (!quiet) {
        fprintf(stderr, "%s %s: %.0f req/s, publish p50 %.0f p99 %.0f p999 %.0f us", label, mn[mode],
                (double)req_meas / meas, h_pct(&h_pub, 50), h_pct(&h_pub, 99), h_pct(&h_pub, 99.9));
        if (mode != M_PUBLISH)
            fprintf(stderr,
                    "; %.0f deliveries/s, p50 %.0f p99 %.0f p999 %.0f us, lost %" PRIu64 " dup %" PRIu64
                    " reord %" PRIu64 " drops %" PRIu64,
                    (double)del_meas / meas, h_pct(&h_del, 50), h_pct(&h_del, 99), h_pct(&h_del, 99.9), lost, del_dup,
                    del_reord, sub_drops - drops_before);
        fputc('\n', stderr);
    }
    return strict && (lost || del_dup || del_reord || failed_n || sub_drops) ? 3 : 0;
}
