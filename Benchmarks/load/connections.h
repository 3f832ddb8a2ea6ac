/* Sockets: connecting, sending requests, pacing publishers. Part of fanload.c. */
#pragma once

#include "deliveries.h"

static void want(struct conn *c, bool out) {
    if (c->want_out == out) return;
    c->want_out = out;
    struct epoll_event ev = {.events = EPOLLIN | (out ? EPOLLOUT : 0u), .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev);
}

static void on_closed(struct conn *c, uint64_t now);
static bool flush_out(struct conn *c) {
    while (c->ooff < c->olen) {
        ssize_t k = send(c->fd, c->out + c->ooff, c->olen - c->ooff, MSG_NOSIGNAL);
        if (k < 0) {
            if (errno == EAGAIN) {
                want(c, true);
                return true;
            }
            if (errno == EINTR) continue;
            return false;
        }
        c->ooff += (size_t)k;
    }
    want(c, false);
    return true;
}

static void out_reserve(struct conn *c, size_t n) {
    if (c->ocap < n) {
        c->ocap = n + 256;
        c->out = xrealloc(c->out, c->ocap);
    }
    c->olen = c->ooff = 0;
}

static void parser_reset(struct conn *c) {
    c->ps = S_STATUS;
    c->llen = 0;
    c->status = 0;
    c->chunked = c->conn_close = false;
    c->left = -1;
    c->mk = 0;
    c->blen = 0;
}

static bool open_conn(struct conn *c) {
    int p = c->kind == K_SUB && sub_port ? sub_port : port;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        if (errno == EMFILE) die("out of descriptors (ulimit -n)");
        return false;
    }
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)p)};
    inet_pton(AF_INET, host, &a.sin_addr);
    if (connect(c->fd, (void *)&a, sizeof a) < 0 && errno != EINPROGRESS) {
        close(c->fd);
        c->fd = -1;
        return false;
    }
    c->st = ST_CONNECTING;
    c->want_out = true;
    n_connecting++;
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev);
    return true;
}

static void sub_request(struct conn *c) {
    char tn[160], p1[2048], p2[2048], si[16], hdr[1600] = "";
    size_t h = 0;
    topic_name(tn, sizeof tn, c->idx % topics);
    if (proto != P_HTTP) {
        out_reserve(c, 512);
        c->olen =
            (size_t)snprintf(c->out, 512, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB %s 1\r\nPING\r\n", tn);
    } else {
        snprintf(si, sizeof si, "%u", c->idx);
        /* before the first cursor is known there may be a path of its own */
        replace_all(p1, sizeof p1, sub_first_path && !c->cursor[0] ? sub_first_path : sub_path, "{t}", tn);
        replace_all(p2, sizeof p2, p1, "{s}", si);
        replace_all(p1, sizeof p1, p2, "{cursor}", c->cursor);
        for (unsigned i = 0; i < n_copyh; i++)
            if (c->hv && c->hv[i][0])
                h += (size_t)snprintf(hdr + h, sizeof hdr - h, "%s: %s\r\n", copyh[i].to, c->hv[i]);
        size_t bl = sub_body ? strlen(sub_body) : 0;
        out_reserve(c, 8192 + bl);
        c->olen = (size_t)snprintf(c->out, 8192, "%s %s HTTP/1.1\r\nHost: %s:%d\r\n%s%s", sub_method, p1, host,
                                   sub_port ? sub_port : port, sub_hdrs, hdr);
        if (sub_body)
            c->olen += (size_t)snprintf(c->out + c->olen, 64, "Content-Length: %zu\r\n\r\n", bl);
        else {
            memcpy(c->out + c->olen, "\r\n", 2);
            c->olen += 2;
        }
        if (bl) {
            memcpy(c->out + c->olen, sub_body, bl);
            c->olen += bl;
        }
    }
    parser_reset(c);
    c->st = ST_WAIT;
    if (mode == M_LONGPOLL) {
        polls++;
        if (!c->ready && !c->first_ok) {
            c->ready = c->first_ok = true;
            n_ready++;
        }
    }
    if (!flush_out(c)) on_closed(c, now_ns());
}

static bool may_send(uint64_t now) {
    if (!publishing || (count_max && sent >= count_max)) return false;
    if (now >= warm_end + (uint64_t)(duration * 1e9)) return false;
    if (window_ && n_subs && mode != M_PUBLISH && sent - done_n >= (uint64_t)window_) return false;
    return true;
}

static void pub_send(struct conn *c, uint64_t now, uint64_t intended) {
    unsigned t = seq_topic(sent);
    struct tpl *tp = &tpls[t];
    out_reserve(c, tp->len);
    memcpy(c->out, tp->buf, tp->len);
    c->olen = tp->len;
    c->seq0 = sent;
    c->nitems = batch;
    if (sent + batch > dcap) {
        uint64_t nc = dcap ? dcap * 2 : 65536;
        while (nc < sent + batch) nc *= 2;
        dcount = xrealloc(dcount, nc * 4);
        memset(dcount + dcap, 0, (nc - dcap) * 4);
        dcap = nc;
    }
    if (proto == P_NATSJS) put_dec(strstr(c->out, "_INBOX.p") + 8, 4, c->idx); /* one reply subject per connection */
    for (unsigned i = 0; i < batch; i++) put_marker(c->out + tp->moff[i], c->idx, sent + i, intended);
    sent += batch;
    requests++;
    c->t_send = intended;
    c->warm = intended < warm_end;
    if (rate > 0 && !c->warm) h_add(&h_lag, now - intended);
    parser_reset(c);
    c->st = ST_WAIT;
    if (!flush_out(c)) on_closed(c, now);
}

static void pump(uint64_t now) {
    if (!publishing) return;
    if (rate > 0) {
        while (n_idle && next_due <= now && may_send(now)) {
            uint64_t d = next_due;
            next_due += interval;
            pub_send(&pubs[idle_stack[--n_idle]], now, d);
        }
    } else
        while (n_idle && may_send(now)) {
            pub_send(&pubs[idle_stack[--n_idle]], now, now);
        }
}

static void pub_idle(struct conn *c) {
    c->st = ST_IDLE;
    idle_stack[n_idle++] = c->idx;
}

static void pub_acked(struct conn *c, int status, uint64_t now) {
    status_cnt[status / 100 <= 5 ? status / 100 : 0]++;
    last_ack = now;
    if (status >= 200 && status < 300) {
        acked_n += c->nitems;
        if (n_subs)
            for (unsigned i = 0; i < c->nitems; i++) set_bit(&ackbits, &ackwords, c->seq0 + i);
    } else {
        failed_n += c->nitems;
        done_n += window_ ? c->nitems : 0;
    }
    if (measuring && now >= warm_end) {
        req_meas++;
        msg_meas += c->nitems;
    }
    if (!c->warm) h_add(&h_pub, now - c->t_send);
}
