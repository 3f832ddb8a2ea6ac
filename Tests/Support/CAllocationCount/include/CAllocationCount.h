#ifndef CALLOCATIONCOUNT_H
#define CALLOCATIONCOUNT_H

// Linked into a test, counts what each thread takes from the heap.

#include <stdbool.h>
#include <stdint.h>

// Times the calling thread asked the heap for memory, since it began.
uint64_t postern_thread_allocations(void);
// Whether allocations are counted: not under a sanitizer, which brings a heap of its own.
bool postern_counts_allocations(void);

#endif
