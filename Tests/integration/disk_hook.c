// Preloaded into a server: holds or fails what it asks of its disk, and remembers what a loss of power would undo.
//
// The test maps the same file. In it stand a few switches, and behind them a journal: what each pwrite wrote over, until
// an fdatasync of that file has come back. Names, sizes and directories are not in it; they are taken to be on disk.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct control {
    _Atomic uint32_t hold;          // fdatasync waits while this is not 0
    _Atomic uint32_t fail_sync;     // errno of fdatasync; 0 for none
    _Atomic uint32_t fail_write;    // errno of pwrite
    _Atomic uint32_t held;          // how many calls wait
    _Atomic uint64_t synchronized;  // calls of fdatasync that came back
    _Atomic uint64_t end;           // bytes of the journal
    _Atomic uint32_t lock;
    _Atomic uint32_t overrun;       // the journal was too small
    _Atomic uint64_t writes;        // calls of pwrite in the journal, all told
    _Atomic uint32_t delay;         // microseconds that fdatasync takes
};

struct entry {
    uint64_t file; // inode
    uint64_t offset;
    uint64_t number; // of the write
    uint32_t count;
    uint32_t is_synchronized;
    // `count` bytes follow, padded to 8.
};

enum { JOURNAL = 4096 };

static struct control early;
static struct control *control = &early;
static char *memory;
static uint64_t capacity;
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fdatasync)(int);

__attribute__((constructor)) static void start(void) {
    real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    const char *path = getenv("DISK_HOOK_FILE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    struct stat status;
    fstat(file, &status);
    memory = mmap(NULL, status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED) abort();
    capacity = status.st_size - JOURNAL;
    control = (struct control *)memory;
}

static void lock(void) {
    while (atomic_exchange(&control->lock, 1)) usleep(10);
}

static void unlock(void) { atomic_store(&control->lock, 0); }

static struct entry *at(uint64_t offset) { return (struct entry *)(memory + JOURNAL + offset); }

static uint64_t bytes(uint64_t count) { return sizeof(struct entry) + ((count + 7) & ~7ull); }

static uint64_t inode(int file) {
    struct stat status;
    return fstat(file, &status) == 0 ? status.st_ino : 0;
}

static void remember(int file, size_t count, off_t offset) {
    lock();
    uint64_t end = atomic_load(&control->end);
    if (end + bytes(count) > capacity) {
        atomic_store(&control->overrun, 1);
    } else {
        struct entry *entry = at(end);
        *entry = (struct entry){
            .file = inode(file), .offset = offset, .count = count, .number = atomic_fetch_add(&control->writes, 1)};
        memset(entry + 1, 0, count);
        ssize_t old = pread(file, entry + 1, count, offset);
        (void)old;
        atomic_store(&control->end, end + bytes(count));
    }
    unlock();
}

// What was written before the call is on disk; the journal begins anew once nothing else is left in it.
static void forget(int file, uint64_t before) {
    lock();
    uint64_t number = inode(file), end = atomic_load(&control->end), left = 0;
    for (uint64_t offset = 0; offset < end;) {
        struct entry *entry = at(offset);
        if (entry->file == number && entry->number < before) entry->is_synchronized = 1;
        left += !entry->is_synchronized;
        offset += bytes(entry->count);
    }
    if (!left) atomic_store(&control->end, 0);
    unlock();
}

ssize_t pwrite(int file, const void *from, size_t count, off_t offset) {
    uint32_t number = atomic_load(&control->fail_write);
    if (number) {
        errno = number;
        return -1;
    }
    if (memory && capacity) remember(file, count, offset);
    return real_pwrite(file, from, count, offset);
}

int fdatasync(int file) {
    uint64_t before = atomic_load(&control->writes);
    atomic_fetch_add(&control->held, 1);
    usleep(atomic_load(&control->delay));
    while (atomic_load(&control->hold)) usleep(200);
    atomic_fetch_sub(&control->held, 1);
    uint32_t number = atomic_load(&control->fail_sync);
    if (number) {
        errno = number;
        return -1;
    }
    // The system outlives the process: what it is given it keeps, and the disk itself has nothing to do with the test.
    int result = memory && capacity ? 0 : real_fdatasync(file);
    if (memory && capacity) forget(file, before);
    atomic_fetch_add(&control->synchronized, 1);
    return result;
}
