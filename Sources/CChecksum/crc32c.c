#include "CChecksum.h"

#include <pthread.h>
#include <string.h>

// Eight tables, so that eight bytes are taken at a time ("slicing by 8", Kounavis and Berry, 2005).
static uint32_t tables[8][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill_tables(void) {
    for (uint32_t n = 0; n < 256; n++) {
        uint32_t crc = n;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82F63B78u : crc >> 1;
        tables[0][n] = crc;
    }
    for (uint32_t n = 0; n < 256; n++)
        for (int k = 1; k < 8; k++) tables[k][n] = tables[k - 1][n] >> 8 ^ tables[0][tables[k - 1][n] & 0xFF];
}

uint32_t postern_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
    pthread_once(&once, fill_tables);
    const unsigned char *next = bytes;
    crc = ~crc;
    for (; count >= 8; count -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        word ^= crc;
        crc = tables[7][word & 0xFF] ^ tables[6][word >> 8 & 0xFF] ^ tables[5][word >> 16 & 0xFF] ^
              tables[4][word >> 24 & 0xFF] ^ tables[3][word >> 32 & 0xFF] ^ tables[2][word >> 40 & 0xFF] ^
              tables[1][word >> 48 & 0xFF] ^ tables[0][word >> 56];
    }
    for (; count > 0; count--, next++) crc = crc >> 8 ^ tables[0][(crc ^ *next) & 0xFF];
    return ~crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t crc32c_hardware(uint32_t crc, const void *bytes, size_t count) {
    const unsigned char *next = bytes;
    uint64_t wide = ~crc;
    for (; count >= 8; count -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    uint32_t narrow = (uint32_t)wide;
    for (; count > 0; count--, next++) narrow = _mm_crc32_u8(narrow, *next);
    return ~narrow;
}

static int has_hardware(void) { return __builtin_cpu_supports("sse4.2"); }
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>

#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1 << 7)
#endif

__attribute__((target("crc"))) static uint32_t crc32c_hardware(uint32_t crc, const void *bytes, size_t count) {
    const unsigned char *next = bytes;
    crc = ~crc;
    for (; count >= 8; count -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        crc = __crc32cd(crc, word);
    }
    for (; count > 0; count--, next++) crc = __crc32cb(crc, *next);
    return ~crc;
}

static int has_hardware(void) { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
#else
static uint32_t crc32c_hardware(uint32_t crc, const void *bytes, size_t count) {
    return postern_crc32c_portable(crc, bytes, count);
}

static int has_hardware(void) { return 0; }
#endif

uint32_t postern_crc32c(uint32_t crc, const void *bytes, size_t count) {
    // Asked each time: a load and a test, and no lock.
    static int known;
    int hardware = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (hardware == 0) {
        hardware = has_hardware() ? 1 : -1;
        __atomic_store_n(&known, hardware, __ATOMIC_RELAXED);
    }
    return hardware > 0 ? crc32c_hardware(crc, bytes, count) : postern_crc32c_portable(crc, bytes, count);
}
