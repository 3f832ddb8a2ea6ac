// Preloaded into a server: counts every call that takes memory, in a file that the test maps too, and of those on the heap
// the ones that OpenSSL made for itself: where a call comes from says its return address.
//
// While `reports` is above zero, each call that is not OpenSSL's also writes where it came from to standard error, and
// lowers it by one; `openssl_reports` is the same for OpenSSL's.

#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct counters {
    _Atomic uint64_t heap;     // malloc and its kin
    _Atomic uint64_t mappings; // mmap
    _Atomic uint64_t frees;
    _Atomic int64_t reports;
    _Atomic uint64_t openssl; // of `heap`
    _Atomic int64_t openssl_reports;
};

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

// What is counted before the file is there.
static struct counters early;
static struct counters *counters = &early;
static __thread __attribute__((tls_model("initial-exec"))) int is_reporting;

static void *map(void *address, size_t size, int protection, int flags, int file, off_t offset) {
    return (void *)syscall(SYS_mmap, address, size, protection, flags, file, offset);
}

// Where the code of libcrypto and libssl stands.
static struct code {
    const char *name;
    uintptr_t start, end;
} openssl[] = {{"/libcrypto.so", 0, 0}, {"/libssl.so", 0, 0}};

static int find_openssl(struct dl_phdr_info *object, size_t size, void *argument) {
    (void)size, (void)argument;
    for (int which = 0; which < 2; which++) {
        if (strstr(object->dlpi_name, openssl[which].name) == NULL) continue;
        for (int index = 0; index < object->dlpi_phnum; index++) {
            const ElfW(Phdr) *segment = &object->dlpi_phdr[index];
            if (segment->p_type != PT_LOAD || (segment->p_flags & PF_X) == 0) continue;
            openssl[which].start = object->dlpi_addr + segment->p_vaddr;
            openssl[which].end = openssl[which].start + segment->p_memsz;
        }
    }
    return 0;
}

static int is_openssl(void *caller) {
    uintptr_t address = (uintptr_t)caller;
    for (int which = 0; which < 2; which++) {
        if (address >= openssl[which].start && address < openssl[which].end) return 1;
    }
    return 0;
}

__attribute__((constructor)) static void start(void) {
    dl_iterate_phdr(find_openssl, NULL);
    const char *path = getenv("MALLOC_COUNT_FILE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *memory = map(NULL, sizeof(struct counters), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    // The first stack takes memory of its own.
    void *frames[1];
    backtrace(frames, 1);
    if (memory != MAP_FAILED) counters = memory;
}

static void report(_Atomic int64_t *reports) {
    if (atomic_load(reports) <= 0 || atomic_fetch_sub(reports, 1) <= 0) return;
    is_reporting = 1;
    void *frames[24];
    int depth = backtrace(frames, 24);
    static const char title[] = "memory was taken by:\n";
    if (write(STDERR_FILENO, title, sizeof title - 1) > 0) backtrace_symbols_fd(frames, depth, STDERR_FILENO);
    is_reporting = 0;
}

static void count_mapping(void) {
    if (is_reporting) return;
    atomic_fetch_add(&counters->mappings, 1);
    report(&counters->reports);
}

// `caller`: an address in the function that asks for memory.
static void count(void *caller) {
    if (is_reporting) return;
    atomic_fetch_add(&counters->heap, 1);
    int is_theirs = is_openssl(caller);
    if (is_theirs) atomic_fetch_add(&counters->openssl, 1);
    report(is_theirs ? &counters->openssl_reports : &counters->reports);
}

void *malloc(size_t size) {
    count(__builtin_return_address(0));
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count(__builtin_return_address(0));
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
    count(__builtin_return_address(0));
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
    count(__builtin_return_address(0));
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count(__builtin_return_address(0));
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    count(__builtin_return_address(0));
    void *memory = __libc_memalign(alignment, size);
    if (memory == NULL) return ENOMEM;
    *result = memory;
    return 0;
}

void free(void *memory) {
    if (memory != NULL) atomic_fetch_add(&counters->frees, 1);
    __libc_free(memory);
}

void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset) {
    count_mapping();
    return map(address, size, protection, flags, file, offset);
}

void *mmap64(void *address, size_t size, int protection, int flags, int file, off_t offset) {
    return mmap(address, size, protection, flags, file, offset);
}
