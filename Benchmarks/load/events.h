/* The event loop. Part of fanload.c. */
#pragma once

#include "responses.h"

static void on_closed(struct conn *c, uint64_t now) {
    if (c->fd >= 0) {
        close(c->fd);
        c->fd = -1;
    }
    if (c->st == ST_CONNECTING && n_connecting) n_connecting--;
    if (c->kind == K_SUB) {
        if (mode == M_LONGPOLL) {
            if (c->st != ST_DEAD) {
                if (c->ps == S_CLOSE && c->status == 200)
                    reconnects++;
                else
                    io_err++;
            }
            c->st = ST_DEAD;
            c->retry_at = now + NS / 20;
            return;
        }
        if (c->ready || c->st != ST_CONNECTING)
            sub_drops++;
        else
            io_err++;
        c->st = ST_DEAD;
        c->retry_at = UINT64_MAX;
    } else {
        if (c->st == ST_WAIT) {
            failed_n += c->nitems;
            if (window_) done_n += c->nitems;
            io_err++;
        } else if (c->st == ST_IDLE) {
            for (unsigned i = 0; i < n_idle; i++)
                if (idle_stack[i] == c->idx) {
                    idle_stack[i] = idle_stack[--n_idle];
                    break;
                }
            reconnects++;
        } else
            io_err++;
        c->st = ST_DEAD;
        c->retry_at = now + NS / 20;
        c->ready = false;
    }
}

static void on_event(struct conn *c, uint32_t evs) {
    if (c->fd < 0) return;
    if (c->st == ST_CONNECTING) {
        if (!(evs & (EPOLLOUT | EPOLLERR | EPOLLHUP))) return;
        int err = 0;
        socklen_t l = sizeof err;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &l);
        if (err) {
            on_closed(c, now_ns());
            return;
        }
        n_connecting--;
        want(c, false);
        if (c->kind == K_SUB)
            sub_request(c);
        else if (proto == P_HTTP) {
            c->ready = true;
            pub_idle(c);
            pump(now_ns());
        } else {
            out_reserve(c, 512);
            char inbox[48] = "";
            if (proto == P_NATSJS) snprintf(inbox, sizeof inbox, "SUB _INBOX.p%04u 1\r\n", c->idx);
            c->olen = (size_t)snprintf(c->out, 512, "CONNECT {\"verbose\":%s,\"pedantic\":false}\r\n%sPING\r\n",
                                       proto == P_NATS ? "true" : "false", inbox);
            c->st = ST_IDLE;
            flush_out(c);
        }
        return;
    }
    if (evs & EPOLLOUT) {
        if (!flush_out(c)) {
            on_closed(c, now_ns());
            return;
        }
    }
    if (evs & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        for (int rounds = 0; rounds < 4; rounds++) {
            ssize_t k = recv(c->fd, rbuf, sizeof rbuf, 0);
            if (k == 0) {
                if (c->ps == S_CLOSE && c->status && mode == M_LONGPOLL) {
                    c->conn_close = true;
                    on_complete(c, now_ns());
                } else
                    on_closed(c, now_ns());
                return;
            }
            if (k < 0) {
                if (errno == EINTR) continue;
                if (errno != EAGAIN) on_closed(c, now_ns());
                return;
            }
            uint64_t now = now_ns();
            int fd = c->fd;
            if (proto == P_HTTP)
                feed(c, rbuf, (size_t)k, now);
            else
                feed_nats(c, rbuf, (size_t)k, now);
            if (c->fd != fd || (size_t)k < sizeof rbuf) return;
        }
    }
}

static uint64_t t_hard;
static void loop_once(uint64_t wake) {
    struct epoll_event ev[256];
    uint64_t now = now_ns();
    if (now > t_hard) die("stopped: --max-seconds reached (%s)", label);
    uint64_t w = wake > now ? wake - now : 0;
    if (w > NS / 50) w = NS / 50;
    struct timespec ts = {0, (long)w};
    int n = epoll_pwait2(ep, ev, 256, &ts, NULL);
    for (int i = 0; i < n; i++) on_event(ev[i].data.ptr, ev[i].events);
}

static void housekeeping(uint64_t now) {
    static uint64_t last;
    if (now - last < NS / 50) return;
    last = now;
    if (mode == M_LONGPOLL)
        for (unsigned i = 0; i < n_open; i++)
            if (subs[i].st == ST_DEAD && subs[i].retry_at <= now) {
                reconnects++;
                if (!open_conn(&subs[i])) subs[i].retry_at = now + NS / 10;
            }
    for (unsigned i = 0; pubs && i < n_pubs; i++)
        if (pubs[i].st == ST_DEAD && pubs[i].retry_at <= now) {
            if (!open_conn(&pubs[i])) pubs[i].retry_at = now + NS / 10;
        }
    if (window_ && publishing && n_subs && sent - done_n >= window_ && now - last_progress > (uint64_t)(stall * 1e9)) {
        done_n = sent;
        expire_below = sent;
        last_progress = now;
    }
}
