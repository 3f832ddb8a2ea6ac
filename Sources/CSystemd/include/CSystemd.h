#ifndef CSYSTEMD_H
#define CSYSTEMD_H

// The datagrams by which a service speaks with systemd. They are simple enough to need no library, so that a container
// without libsystemd is the same, and nothing is loaded.

#include <stddef.h>

// Tells the service manager `state` (sd_notify(3), e.g. "READY=1"). Never waits.
// Returns 1 when told, 0 when nobody asked ($NOTIFY_SOCKET), or a negated errno.
int postern_notify_service_manager(const char *state);

// A socket for datagrams, which waits for a reader that is behind for a second at most; or a negated errno.
int postern_datagram_socket(void);
// Sends one datagram to the Unix socket at `path`; '@' first is the abstract namespace. 0, or a negated errno.
int postern_send_datagram(int descriptor, const char *path, const void *bytes, size_t count, int waits);

// How many sockets systemd opened for this process (sd_listen_fds(3)); the first is POSTERN_FIRST_SOCKET. The variables
// that tell of them are taken out of the environment, as they mean nothing to those that this process starts. To be
// called once, before there are threads. 0 where there are none, or they are another process's.
enum { POSTERN_FIRST_SOCKET = 3 };
int postern_inherited_sockets(void);

// Whether a descriptor is what systemd connected to the journal, by $JOURNAL_STREAM (systemd.exec(5)).
int postern_is_journal(int descriptor);

#endif
