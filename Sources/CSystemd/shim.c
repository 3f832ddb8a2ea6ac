#include "CSystemd.h"

#include <dlfcn.h>
#include <stdlib.h>

typedef int (*notify_function)(int unset_environment, const char *state);

int postern_notify_service_manager(const char *state) {
    if (getenv("NOTIFY_SOCKET") == NULL) return 0;
    static void *library;
    if (library == NULL) library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return -1;
    notify_function notify = (notify_function)dlsym(library, "sd_notify");
    if (notify == NULL) return -1;
    return notify(0, state) > 0 ? 1 : -1;
}
