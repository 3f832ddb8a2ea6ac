#include "CHTTPParser.h"

#include <http_parser.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    char *text;
    size_t capacity;
    size_t count;
    int is_head_complete;
    int messages;
} State;

static int append(State *state, const char *bytes, size_t count) {
    if (count > state->capacity - state->count) return 1;
    memcpy(state->text + state->count, bytes, count);
    state->count += count;
    return 0;
}

static int append_text(State *state, const char *text) { return append(state, text, strlen(text)); }

static int on_status(http_parser *parser, const char *bytes, size_t count) {
    (void)bytes;
    (void)count;
    char line[16];
    snprintf(line, sizeof line, "status %d", (int)parser->status_code);
    return append_text(parser->data, line);
}

// The parser is given all bytes at once, so that each piece of text comes whole.

static int on_url(http_parser *parser, const char *bytes, size_t count) {
    return append_text(parser->data, "url ") || append(parser->data, bytes, count);
}

static int on_header_field(http_parser *parser, const char *bytes, size_t count) {
    State *state = parser->data;
    // Trailers come as fields behind the body.
    if (state->is_head_complete) return 0;
    return append_text(state, "\nfield ") || append(state, bytes, count) || append_text(state, "=");
}

static int on_header_value(http_parser *parser, const char *bytes, size_t count) {
    State *state = parser->data;
    return state->is_head_complete ? 0 : append(state, bytes, count);
}

static int on_headers_complete(http_parser *parser) {
    State *state = parser->data;
    state->is_head_complete = 1;
    int failed = 0;
    if (parser->type == HTTP_REQUEST) {
        failed = append_text(state, "\nmethod ") || append_text(state, http_method_str(parser->method))
            || append_text(state, http_should_keep_alive(parser) ? "\nkeep 1" : "\nkeep 0");
    }
    // What is returned here would be taken for an answer about the body.
    state->messages -= failed || append_text(state, "\nbody ");
    return 0;
}

static int on_body(http_parser *parser, const char *bytes, size_t count) {
    return append(parser->data, bytes, count);
}

static int on_message_complete(http_parser *parser) {
    ((State *)parser->data)->messages++;
    return 0;
}

static long parse(enum http_parser_type type, const uint8_t *bytes, size_t count, uint8_t *text, size_t capacity) {
    State state = {.text = (char *)text, .capacity = capacity};
    http_parser_settings settings = {
        .on_url = on_url,
        .on_status = on_status,
        .on_header_field = on_header_field,
        .on_header_value = on_header_value,
        .on_headers_complete = on_headers_complete,
        .on_body = on_body,
        .on_message_complete = on_message_complete,
    };
    http_parser parser;
    http_parser_init(&parser, type);
    parser.data = &state;
    size_t parsed = http_parser_execute(&parser, &settings, (const char *)bytes, count);
    if (parsed != count || HTTP_PARSER_ERRNO(&parser) != HPE_OK || state.messages != 1) return -1;
    return (long)state.count;
}

long postern_reference_parse(const uint8_t *bytes, size_t count, uint8_t *text, size_t capacity) {
    return parse(HTTP_REQUEST, bytes, count, text, capacity);
}

long postern_reference_parse_response(const uint8_t *bytes, size_t count, uint8_t *text, size_t capacity) {
    return parse(HTTP_RESPONSE, bytes, count, text, capacity);
}
