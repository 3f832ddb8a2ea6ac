#include "CSimdjson.h"

#include <cstdlib>
#include <cstring>
#include <simdjson.h>

namespace {

struct Tokens {
    uint8_t *start;
    size_t capacity;
    size_t count;

    void put(const void *bytes, size_t size) {
        if (size > capacity - count) abort();
        memcpy(start + count, bytes, size);
        count += size;
    }
    void tag(char letter) { put(&letter, 1); }
    template <typename Word> void word(char letter, Word value) {
        static_assert(sizeof(Word) == 8, "every number takes eight bytes");
        tag(letter);
        put(&value, sizeof value);
    }
    void text(std::string_view text) {
        word('s', uint64_t(text.size()));
        put(text.data(), text.size());
    }
};

void walk(simdjson::dom::element value, Tokens &tokens) {
    using simdjson::dom::element_type;
    switch (value.type()) {
    case element_type::OBJECT:
        tokens.tag('{');
        for (auto member : simdjson::dom::object(value)) {
            tokens.text(member.key);
            walk(member.value, tokens);
        }
        tokens.tag('}');
        break;
    case element_type::ARRAY:
        tokens.tag('[');
        for (auto element : simdjson::dom::array(value)) walk(element, tokens);
        tokens.tag(']');
        break;
    case element_type::STRING: tokens.text(std::string_view(value)); break;
    case element_type::INT64: tokens.word('i', int64_t(value)); break;
    case element_type::UINT64: tokens.word('u', uint64_t(value)); break;
    case element_type::DOUBLE: tokens.word('d', double(value)); break;
    case element_type::BOOL: tokens.tag(bool(value) ? 't' : 'f'); break;
    default: tokens.tag('n'); break;
    }
}

}  // namespace

CSimdjsonVerdict csimdjson_parse(
    const uint8_t *bytes, size_t count, uint8_t *out, size_t capacity, size_t *written) {
    static thread_local simdjson::dom::parser parser;
    *written = 0;
    simdjson::padded_string document(reinterpret_cast<const char *>(bytes), count);
    simdjson::dom::element root;
    auto error = parser.parse(document).get(root);
    if (error == simdjson::NUMBER_ERROR) return CSimdjsonNumberOutOfRange;
    if (error != simdjson::SUCCESS) return CSimdjsonRefused;
    Tokens tokens{out, capacity, 0};
    walk(root, tokens);
    *written = tokens.count;
    return CSimdjsonAccepted;
}
