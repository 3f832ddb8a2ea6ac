#ifndef CCHECKSUM_H
#define CCHECKSUM_H

// CRC-32C (Castagnoli; RFC 3720, appendix B.4), by the processor's own instruction where it has one.

#include <stddef.h>
#include <stdint.h>

// The checksum of `count` bytes that follow those `crc` is of; 0 begins one.
uint32_t postern_crc32c(uint32_t crc, const void *bytes, size_t count);

// The same without the instruction, for tests and for processors that lack it.
uint32_t postern_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

#endif
