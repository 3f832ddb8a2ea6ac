/* malloccount - counts heap allocations of a process it is preloaded into.
 *
 * LD_PRELOAD=malloccount.so MALLOC_COUNT_FILE=counts program ...
 *
 * The file holds four native 64-bit counters: allocations, reallocations, frees, bytes asked for. It is shared
 * memory, so that another process reads it while this one runs: the counts before and after a stretch of load,
 * divided by its requests, are the allocations a request costs. Without the variable nothing is counted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* glibc's own entry points: no dlsym, which would allocate before we are ready */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

struct counts {
    _Atomic uint64_t allocations, reallocations, frees, bytes;
};
static struct counts none;
static struct counts *counts = &none;

__attribute__((constructor)) static void share(void) {
    const char *path = getenv("MALLOC_COUNT_FILE");
    int file = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (file < 0) return;
    if (ftruncate(file, sizeof none) == 0) {
        void *shared = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (shared != MAP_FAILED) counts = shared;
    }
    close(file);
}

static void count(_Atomic uint64_t *which, size_t bytes) {
    atomic_fetch_add_explicit(which, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counts->bytes, bytes, memory_order_relaxed);
}

void *malloc(size_t size) {
    count(&counts->allocations, size);
    return __libc_malloc(size);
}
void *calloc(size_t many, size_t size) {
    count(&counts->allocations, many * size);
    return __libc_calloc(many, size);
}
void *realloc(void *old, size_t size) {
    count(&counts->reallocations, size);
    return __libc_realloc(old, size);
}
void *memalign(size_t alignment, size_t size) {
    count(&counts->allocations, size);
    return __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void **out, size_t alignment, size_t size) {
    void *block = memalign(alignment, size);
    if (!block) return ENOMEM;
    *out = block;
    return 0;
}
void free(void *old) {
    if (old) count(&counts->frees, 0);
    __libc_free(old);
}
