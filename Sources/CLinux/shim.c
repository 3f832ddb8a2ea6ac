#define _GNU_SOURCE
#include "CLinux.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int checked(int result) { return result < 0 ? -errno : result; }

int postern_epoll_create(void) { return checked(epoll_create1(EPOLL_CLOEXEC)); }

static int control(int epoll, int operation, int descriptor, uint32_t interest, uint64_t token) {
    struct epoll_event event = {.events = interest, .data.u64 = token};
    return checked(epoll_ctl(epoll, operation, descriptor, &event));
}

int postern_epoll_add(int epoll, int descriptor, uint32_t interest, uint64_t token) {
    return control(epoll, EPOLL_CTL_ADD, descriptor, interest, token);
}

int postern_epoll_modify(int epoll, int descriptor, uint32_t interest, uint64_t token) {
    return control(epoll, EPOLL_CTL_MOD, descriptor, interest, token);
}

int postern_epoll_remove(int epoll, int descriptor) { return control(epoll, EPOLL_CTL_DEL, descriptor, 0, 0); }

int postern_epoll_wait(int epoll, struct postern_event *events, int timeout_milliseconds) {
    struct epoll_event reported[POSTERN_EVENTS_MAX];
    int count = checked(epoll_wait(epoll, reported, POSTERN_EVENTS_MAX, timeout_milliseconds));
    for (int i = 0; i < count; i++) {
        events[i].token = reported[i].data.u64;
        events[i].events = reported[i].events;
    }
    return count;
}

int postern_eventfd(void) { return checked(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }

int postern_eventfd_signal(int descriptor) {
    uint64_t one = 1;
    return checked((int)write(descriptor, &one, sizeof one));
}

int64_t postern_eventfd_clear(int descriptor) {
    uint64_t count;
    return read(descriptor, &count, sizeof count) < 0 ? -errno : (int64_t)count;
}

static int open_listener(const struct addrinfo *address, int backlog, int shared) {
    int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    int one = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    // What is accepted inherits it: replies go out at once.
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if ((!shared || setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0) &&
        bind(descriptor, address->ai_addr, address->ai_addrlen) == 0 && listen(descriptor, backlog) == 0)
        return descriptor;
    int error = errno;
    close(descriptor);
    return -error;
}

int postern_listen(const char *host, uint16_t port, int backlog, int shared) {
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, service, &hints, &found) != 0) return -EADDRNOTAVAIL;
    int result = open_listener(found, backlog, shared);
    freeaddrinfo(found);
    return result;
}

int postern_bound_port(int descriptor) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(descriptor, (struct sockaddr *)&address, &length) < 0) return -errno;
    if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static int socket_option(int descriptor, int option) {
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(descriptor, SOL_SOCKET, option, &value, &length) < 0 ? -errno : value;
}

int postern_adopt_listener(int descriptor) {
    int domain = socket_option(descriptor, SO_DOMAIN);
    if (domain < 0) return domain;
    if (domain != AF_INET && domain != AF_INET6) return -EPROTONOSUPPORT;
    if (socket_option(descriptor, SO_PROTOCOL) != IPPROTO_TCP) return -EPROTONOSUPPORT;
    if (socket_option(descriptor, SO_ACCEPTCONN) != 1) return -EINVAL;
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0) return -errno;
    if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0) return -errno;
    int one = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return 0;
}

int postern_bound_host(int descriptor, char *text, size_t count) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(descriptor, (struct sockaddr *)&address, &length) < 0) return -errno;
    const void *bytes = address.ss_family == AF_INET6 ? (const void *)&((struct sockaddr_in6 *)&address)->sin6_addr
                                                      : (const void *)&((struct sockaddr_in *)&address)->sin_addr;
    return inet_ntop(address.ss_family, bytes, text, (socklen_t)count) == NULL ? -errno : 0;
}

static void store(const struct sockaddr_storage *from, struct postern_address *to) {
    uint64_t words[2] = {0, 0};
    if (from->ss_family == AF_INET6) {
        memcpy(words, &((const struct sockaddr_in6 *)from)->sin6_addr, sizeof words);
        *to = (struct postern_address){be64toh(words[0]), be64toh(words[1])};
    } else {
        *to = (struct postern_address){0, 0xFFFF00000000 | ntohl(((const struct sockaddr_in *)from)->sin_addr.s_addr)};
    }
}

int postern_accept(int listener, struct postern_address *peer) {
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    int descriptor = accept4(listener, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return -errno;
    store(&address, peer);
    return descriptor;
}

int64_t postern_receive(int descriptor, void *buffer, size_t count) {
    ssize_t result = recv(descriptor, buffer, count, 0);
    return result < 0 ? -errno : result;
}

int64_t postern_send(int descriptor, const void *buffer, size_t count) {
    ssize_t result = send(descriptor, buffer, count, MSG_NOSIGNAL);
    return result < 0 ? -errno : result;
}

int postern_shutdown_sending(int descriptor) { return checked(shutdown(descriptor, SHUT_WR)); }
int postern_close(int descriptor) { return checked(close(descriptor)); }

static sigset_t handled_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

int postern_signals_open(void) {
    sigset_t set = handled_signals();
    // Blocked only once somebody listens: a process that blocks them and has no descriptor could not be ended.
    int descriptor = checked(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    if (descriptor < 0) return descriptor;
    int error = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (error == 0) return descriptor;
    close(descriptor);
    return -error;
}

void postern_signals_close(int descriptor) {
    sigset_t set = handled_signals();
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    close(descriptor);
}

int postern_signals_read(int descriptor) {
    struct signalfd_siginfo info;
    if (read(descriptor, &info, sizeof info) != sizeof info) return 0;
    return (int)info.ssi_signo;
}

void postern_ignore_broken_pipes(void) { signal(SIGPIPE, SIG_IGN); }

int64_t postern_raise_open_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    }
    return limit.rlim_cur > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_cur;
}

uint64_t postern_monotonic_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t postern_realtime_microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void postern_futex_wait(const uint32_t *word, uint32_t expected, int64_t timeout_nanoseconds) {
    struct timespec timeout = {
        .tv_sec = timeout_nanoseconds / 1000000000, .tv_nsec = timeout_nanoseconds % 1000000000};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout_nanoseconds < 0 ? NULL : &timeout, NULL, 0);
}

void postern_futex_wake(const uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }

void postern_sleep_microseconds(uint32_t microseconds) {
    struct timespec pause = {.tv_sec = microseconds / 1000000, .tv_nsec = microseconds % 1000000 * 1000L};
    nanosleep(&pause, NULL);
}

extern char **environ;

void postern_close_on_exec_from(int first) { (void)close_range((unsigned)first, ~0U, CLOSE_RANGE_CLOEXEC); }

const char *postern_environment_entry(int64_t index) { return environ == NULL ? NULL : environ[index]; }
