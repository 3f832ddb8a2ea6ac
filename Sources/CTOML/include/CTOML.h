#ifndef CTOML_H
#define CTOML_H

// TOML 1.0, read by toml++ (Debian: libtomlplusplus-dev) and laid out flat: one entry for each key that has a value.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct postern_toml postern_toml;

// Bytes that belong to the document.
typedef struct {
    const char *bytes;
    size_t count;
} postern_toml_text;

typedef enum {
    POSTERN_TOML_STRING,
    POSTERN_TOML_INTEGER,
    POSTERN_TOML_BOOLEAN,
    // An array of the three above.
    POSTERN_TOML_LIST,
    // A table without entries; others are told by their entries.
    POSTERN_TOML_EMPTY_TABLE,
    // Whatever else TOML has; its text says what it is.
    POSTERN_TOML_OTHER,
} postern_toml_kind;

typedef struct {
    // The keys from the outermost table on, joined by dots.
    postern_toml_text key;
    postern_toml_kind kind;
    // One text, as TOML writes integers and truth values; as many as a list has.
    const postern_toml_text *texts;
    size_t text_count;
    // Where the key stands, from 1.
    uint32_t line;
} postern_toml_entry;

// Reads `bytes`, which are copied. The caller frees what is returned. NULL where there is no memory.
postern_toml *postern_toml_read(const char *bytes, size_t count);
void postern_toml_free(postern_toml *document);

// What is wrong with it and where; an empty text where nothing is.
postern_toml_text postern_toml_error(const postern_toml *document, uint32_t *line, uint32_t *column);

// Its entries, as long as the document lives, in the order of their lines.
size_t postern_toml_count(const postern_toml *document);
postern_toml_entry postern_toml_at(const postern_toml *document, size_t index);

#ifdef __cplusplus
}
#endif

#endif
