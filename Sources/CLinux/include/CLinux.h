#ifndef CLINUX_H
#define CLINUX_H

// Linux calls that Swift's Glibc module does not show: epoll, eventfd, accept4, signalfd. No logic here. Calls that
// fail return the negated errno, so that no thread-local has to be read afterwards.

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

// What one epoll_wait reported. `token` is what the descriptor was registered with.
struct postern_event {
    uint64_t token;
    uint32_t events;
};

enum { POSTERN_EVENTS_MAX = 256 };

enum postern_interest {
    POSTERN_READ = EPOLLIN,
    POSTERN_WRITE = EPOLLOUT,
    POSTERN_PEER_CLOSED = EPOLLRDHUP,
    POSTERN_ERROR = EPOLLERR,
    POSTERN_HANG_UP = EPOLLHUP,
    // Of several that wait for one socket, not all are woken.
    POSTERN_EXCLUSIVE = EPOLLEXCLUSIVE,
};

int postern_epoll_create(void);
int postern_epoll_add(int epoll, int descriptor, uint32_t interest, uint64_t token);
int postern_epoll_modify(int epoll, int descriptor, uint32_t interest, uint64_t token);
int postern_epoll_remove(int epoll, int descriptor);
// Waits; at most POSTERN_EVENTS_MAX events are reported.
int postern_epoll_wait(int epoll, struct postern_event *events, int timeout_milliseconds);

int postern_eventfd(void);
int postern_eventfd_signal(int descriptor);
// How often it was signalled since the last call.
int64_t postern_eventfd_clear(int descriptor);

// A listening, non-blocking TCP socket; several may share a port where all were opened as `shared` (SO_REUSEPORT).
// `host` is a numeric address or a name.
int postern_listen(const char *host, uint16_t port, int backlog, int shared);
// The port a socket is bound to; a negated errno on failure.
int postern_bound_port(int descriptor);
// Takes over a socket that somebody else opened: it must be a listening TCP socket, and is made non-blocking and
// close-on-exec, with TCP_NODELAY. 0; -ENOTSOCK, -EPROTONOSUPPORT where it is none of TCP, -EINVAL where it does not listen.
int postern_adopt_listener(int descriptor);
// Writes the numeric address a socket is bound to, at most `count` bytes with the NUL (46 are enough); 0 or a negated errno.
int postern_bound_host(int descriptor, char *text, size_t count);
// Who is at the other end: an IPv6 address, or an IPv4 one mapped into IPv6 (RFC 4291, section 2.5.5.2), big-endian.
struct postern_address {
    uint64_t high;
    uint64_t low;
};

// A non-blocking connection with TCP_NODELAY, and its peer.
int postern_accept(int listener, struct postern_address *peer);
int64_t postern_receive(int descriptor, void *buffer, size_t count);
int64_t postern_send(int descriptor, const void *buffer, size_t count);
int postern_shutdown_sending(int descriptor);
int postern_close(int descriptor);

// Blocks SIGTERM, SIGINT and SIGHUP in this thread and those it starts, and reports them on a descriptor.
int postern_signals_open(void);
// Undoes it, in this thread.
void postern_signals_close(int descriptor);
// The next signal's number; 0 when there is none.
int postern_signals_read(int descriptor);
void postern_ignore_broken_pipes(void);

// Raises the soft limit of open files to the hard one; the resulting soft limit, or a negated errno.
int64_t postern_raise_open_files(void);

// Has all descriptors from `first` on closed in programs that this one starts. Linux 5.11; before that nothing happens.
void postern_close_on_exec_from(int first);

// An entry of the environment, NAME=VALUE; NULL behind the last, which may be asked for only behind those before it.
const char *postern_environment_entry(int64_t index);

// Sleeps while `*word` is `expected`, at most so long (negative: without end); others wake it with `postern_futex_wake`.
void postern_futex_wait(const uint32_t *word, uint32_t expected, int64_t timeout_nanoseconds);
void postern_futex_wake(const uint32_t *word);

uint64_t postern_monotonic_nanoseconds(void);
int64_t postern_realtime_microseconds(void);
void postern_sleep_microseconds(uint32_t microseconds);

#endif
