#define _GNU_SOURCE
#include "CSystemd.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

int postern_datagram_socket(void) {
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    struct timeval patience = {.tv_sec = 1};
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return descriptor;
}

int postern_send_datagram(int descriptor, const char *path, const void *bytes, size_t count, int waits) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address.sun_path) return -EINVAL;
    memcpy(address.sun_path, path, length);
    // A path ends with a NUL; an abstract name begins with one, and its length is all that ends it (unix(7)).
    if (path[0] == '@') address.sun_path[0] = 0;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] == '@' ? 0 : 1));
    ssize_t sent;
    do sent = sendto(descriptor, bytes, count, MSG_NOSIGNAL | (waits ? 0 : MSG_DONTWAIT), (struct sockaddr *)&address, size);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

int postern_notify_service_manager(const char *state) {
    const char *path = getenv("NOTIFY_SOCKET");
    if (path == NULL) return 0;
    int descriptor = postern_datagram_socket();
    if (descriptor < 0) return descriptor;
    int result = postern_send_datagram(descriptor, path, state, strlen(state), 0);
    close(descriptor);
    return result < 0 ? result : 1;
}

int postern_inherited_sockets(void) {
    const char *process = getenv("LISTEN_PID");
    const char *number = getenv("LISTEN_FDS");
    int count = 0;
    if (process != NULL && number != NULL && strtol(process, NULL, 10) == (long)getpid())
        count = (int)strtol(number, NULL, 10);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return count < 0 ? 0 : count;
}

int postern_is_journal(int descriptor) {
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat status;
    if (stream == NULL || sscanf(stream, "%llu:%llu", &device, &inode) != 2) return 0;
    return fstat(descriptor, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}
