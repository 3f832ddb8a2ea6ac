#include "CTOML.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_UNRELEASED_FEATURES 0
#include <toml++/toml.h>

#include <algorithm>
#include <deque>
#include <new>
#include <string>
#include <vector>

namespace {

struct Entry {
    std::string key;
    postern_toml_kind kind;
    std::vector<std::string> values;
    std::vector<postern_toml_text> texts;
    uint32_t line;
};

postern_toml_text slice(const std::string &text) { return {text.data(), text.size()}; }

const char *name(const toml::node &node) {
    switch (node.type()) {
    case toml::node_type::floating_point: return "a number with a point";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time: return "a date or time";
    case toml::node_type::array: return "a list of more than texts and numbers";
    default: return "a table";
    }
}

// The text of a string, an integer or a truth value.
bool scalar(const toml::node &node, postern_toml_kind &kind, std::string &text) {
    if (const auto *string = node.as_string()) {
        kind = POSTERN_TOML_STRING;
        text = string->get();
        return true;
    }
    if (const auto *integer = node.as_integer()) {
        kind = POSTERN_TOML_INTEGER;
        text = std::to_string(integer->get());
        return true;
    }
    if (const auto *boolean = node.as_boolean()) {
        kind = POSTERN_TOML_BOOLEAN;
        text = boolean->get() ? "true" : "false";
        return true;
    }
    return false;
}

} // namespace

struct postern_toml {
    std::deque<Entry> entries;
    std::string error;
    uint32_t line = 0, column = 0;

    void add(const std::string &prefix, const toml::table &table) {
        for (const auto &[key, node] : table) {
            const std::string path = prefix + std::string(key.str());
            const uint32_t line = key.source().begin.line;
            if (const auto *inner = node.as_table(); inner && !inner->empty()) {
                add(path + ".", *inner);
            } else {
                entries.push_back(entry(path, node, line));
            }
        }
    }

    static Entry entry(const std::string &path, const toml::node &node, uint32_t line) {
        Entry entry{path, POSTERN_TOML_OTHER, {}, {}, line};
        std::string text;
        if (scalar(node, entry.kind, text)) {
            entry.values.push_back(text);
        } else if (const auto *list = node.as_array()) {
            postern_toml_kind kind;
            for (const auto &element : *list) {
                if (!scalar(element, kind, text)) return {path, POSTERN_TOML_OTHER, {name(node)}, {}, line};
                entry.values.push_back(text);
            }
            entry.kind = POSTERN_TOML_LIST;
        } else {
            entry.kind = node.is_table() ? POSTERN_TOML_EMPTY_TABLE : POSTERN_TOML_OTHER;
            entry.values.push_back(name(node));
        }
        return entry;
    }

    // Tables come in the order of their keys' names; people read a file from its top.
    void finish() {
        std::stable_sort(
            entries.begin(), entries.end(), [](const Entry &a, const Entry &b) { return a.line < b.line; });
        for (auto &entry : entries) {
            for (const auto &value : entry.values) entry.texts.push_back(slice(value));
        }
    }
};

extern "C" postern_toml *postern_toml_read(const char *bytes, size_t count) {
    postern_toml *document = new (std::nothrow) postern_toml;
    if (document == nullptr) return nullptr;
    const toml::parse_result result = toml::parse(std::string_view(bytes, count));
    if (result) {
        document->add("", result.table());
        document->finish();
    } else {
        document->error = std::string(result.error().description());
        document->line = result.error().source().begin.line;
        document->column = result.error().source().begin.column;
    }
    return document;
}

extern "C" void postern_toml_free(postern_toml *document) { delete document; }

extern "C" postern_toml_text postern_toml_error(const postern_toml *document, uint32_t *line, uint32_t *column) {
    *line = document->line;
    *column = document->column;
    return slice(document->error);
}

extern "C" size_t postern_toml_count(const postern_toml *document) { return document->entries.size(); }

extern "C" postern_toml_entry postern_toml_at(const postern_toml *document, size_t index) {
    const Entry &entry = document->entries[index];
    return {slice(entry.key), entry.kind, entry.texts.data(), entry.texts.size(), entry.line};
}
