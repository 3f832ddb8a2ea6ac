#ifndef CSIMDJSON_H
#define CSIMDJSON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What simdjson's DOM parser makes of a document.
typedef enum {
    CSimdjsonAccepted = 0,
    CSimdjsonRefused = 1,
    /// Grammatical, perhaps, but a number in it fits neither 64 bits nor a finite double.
    CSimdjsonNumberOutOfRange = 2,
} CSimdjsonVerdict;

/// Parses the document at `bytes` and writes what it says to `tokens`, in the document's order:
/// `{` `}` `[` `]` `t` `f` `n`; `s`, a 64-bit count and so many bytes for a key or a string; `i`, `u` or `d`
/// and eight bytes for a signed or unsigned integer or a double. All in the machine's byte order.
/// `tokens` has room for `capacity` bytes; 16 a byte of the document and 64 more always suffice.
CSimdjsonVerdict csimdjson_parse(
    const uint8_t *bytes, size_t count, uint8_t *tokens, size_t capacity, size_t *written);

#ifdef __cplusplus
}
#endif
#endif
