#ifndef CSYSTEMD_H
#define CSYSTEMD_H

/// Tells the service manager `state` (sd_notify(3), e.g. "READY=1"). libsystemd is loaded only where a service
/// manager asked to be told, so that a container without it needs nothing and starts no slower.
/// Returns 1 when told, 0 when nobody asked, -1 when libsystemd cannot be loaded or the message cannot be sent.
int postern_notify_service_manager(const char *state);

#endif
