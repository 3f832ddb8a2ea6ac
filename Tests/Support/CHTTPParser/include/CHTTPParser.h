#ifndef CHTTPPARSER_H
#define CHTTPPARSER_H

#include <stddef.h>
#include <stdint.h>

/// Parses one request with http_parser and writes what it says to `text`, which has room for `capacity` bytes: a line
/// `url TARGET`, a line `field NAME=VALUE` for each field of the head, `method NAME`, `keep 1` or `keep 0`, and
/// `body ` with the body, without its chunks' frames, up to the end.
/// Returns how many bytes that is; -1 where the request is malformed, incomplete, or not all there is.
long postern_reference_parse(const uint8_t *bytes, size_t count, uint8_t *text, size_t capacity);

/// The same of one response, which begins with a line `status CODE` and has neither method nor keep.
long postern_reference_parse_response(const uint8_t *bytes, size_t count, uint8_t *text, size_t capacity);

#endif
