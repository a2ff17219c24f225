#include "Document.hpp"

#include "KeyDots.hpp"

#include <algorithm>
#include <new>
#include <sstream>

#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 1
#include <toml++/toml.h>

namespace ctoml {
namespace {

ctoml_position position_of(const toml::source_region& region) noexcept {
    return {static_cast<uint32_t>(region.begin.line), static_cast<uint32_t>(region.begin.column)};
}

int32_t kind_of(const toml::node& node) noexcept {
    switch (node.type()) {
    case toml::node_type::table: return CTOML_KIND_TABLE;
    case toml::node_type::array: return CTOML_KIND_ARRAY;
    case toml::node_type::string: return CTOML_KIND_STRING;
    case toml::node_type::integer: return CTOML_KIND_INTEGER;
    case toml::node_type::floating_point: return CTOML_KIND_FLOAT;
    case toml::node_type::boolean: return CTOML_KIND_BOOLEAN;
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time: return CTOML_KIND_OTHER;
    case toml::node_type::none: break;
    }
    return CTOML_KIND_NONE;
}

std::string value_of(const toml::node& node) {
    if (const auto* string = node.as_string()) return string->get();
    if (const auto* integer = node.as_integer()) return std::to_string(integer->get());
    if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
    if (const auto* floating = node.as_floating_point()) {
        std::ostringstream text;
        text << *floating;
        return text.str();
    }
    return {};
}

bool is_bare(std::string_view key) noexcept {
    return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

std::string path_to(const std::string& table, std::string_view key) {
    std::string path = table;
    if (!path.empty()) path += '.';
    if (is_bare(key)) return path += key;
    path += '"';
    for (const char c : key) {
        if (c == '"' || c == '\\') path += '\\';
        path += c;
    }
    return path += '"';
}

/// Bytes that all paths of a document may have together. A path repeats the names of the tables above it, so without
/// a bound a text of long names and many keys would cost the product of the two.
constexpr size_t path_bytes_max = 16 * CTOML_TEXT_BYTES_MAX;

bool list(const toml::table& table, const std::string& path, int32_t parent, size_t& path_bytes,
          std::vector<Entry>& entries);

/// Adds an entry and what is in it, tables before their entries and arrays before their elements. How deep it goes is bounded by the parser's limit on nested values times the dots
/// in a key.
bool add(const toml::node& node, const std::string& path, std::string_view key, ctoml_position key_position,
         int32_t parent, size_t& path_bytes, std::vector<Entry>& entries) {
    path_bytes += path.size();
    if (path_bytes > path_bytes_max) return false;
    const auto index = static_cast<int32_t>(entries.size());
    entries.push_back({{kind_of(node), parent, key_position, position_of(node.source())},
                       path, std::string(key), value_of(node)});
    if (const auto* table = node.as_table()) return list(*table, path, index, path_bytes, entries);
    if (const auto* array = node.as_array()) {
        for (const toml::node& element : *array) {
            if (!add(element, path, {}, position_of(element.source()), index, path_bytes, entries)) return false;
        }
    }
    return true;
}

bool list(const toml::table& table, const std::string& path, int32_t parent, size_t& path_bytes,
          std::vector<Entry>& entries) {
    for (const auto& [key, node] : table) {
        const std::string own = path_to(path, key.str());
        if (!add(node, own, key.str(), position_of(key.source()), parent, path_bytes, entries)) return false;
    }
    return true;
}

} // namespace

bool Document::append(uint8_t byte) {
    if (text_.size() >= CTOML_TEXT_BYTES_MAX) return false;
    text_.push_back(static_cast<char>(byte));
    return true;
}

void Document::fail(ctoml_position position, std::string sentence) {
    entries_.clear();
    error_position_ = position;
    error_ = std::move(sentence);
}

bool Document::parse() {
    this->fail({0, 0}, {});
    if (const auto deep = key_with_too_many_dots(text_, CTOML_KEY_DOTS_MAX)) {
        this->fail({deep->line, deep->column}, "a key has more than " + std::to_string(CTOML_KEY_DOTS_MAX) + " dots");
        return false;
    }
    try {
        const toml::table root = toml::parse(std::string_view(text_));
        size_t path_bytes = 0;
        if (!list(root, {}, -1, path_bytes, entries_)) {
            this->fail({1, 1}, "the tables' names are too long for the number of keys in them");
            return false;
        }
        return true;
    } catch (const toml::parse_error& error) {
        this->fail(position_of(error.source()), std::string(error.description()));
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& error) {
        this->fail({1, 1}, error.what());
    }
    return false;
}

} // namespace ctoml
