#include "KeyDots.hpp"

namespace ctoml {
namespace {

/// Walks over the text and keeps the position as the parser counts it: in code points.
class Cursor {
public:
    explicit Cursor(std::string_view text) noexcept : text_(text) {}

    bool at_end() const noexcept { return offset_ >= text_.size(); }
    char now() const noexcept { return text_[offset_]; }
    Position position() const noexcept { return position_; }

    bool at(std::string_view expected) const noexcept {
        return text_.compare(offset_, expected.size(), expected) == 0;
    }

    void skip(std::size_t count) noexcept {
        for (; count > 0 && !at_end(); count--) {
            const auto byte = static_cast<unsigned char>(text_[offset_++]);
            if (byte == '\n') {
                position_.line++;
                position_.column = 1;
            } else if ((byte & 0xC0) != 0x80) {
                position_.column++;
            }
        }
    }

private:
    std::string_view text_;
    std::size_t offset_ = 0;
    Position position_;
};

void skip_comment(Cursor& cursor) noexcept {
    while (!cursor.at_end() && cursor.now() != '\n') cursor.skip(1);
}

/// Goes past a string that opens here, whichever of the four kinds it is.
void skip_string(Cursor& cursor) noexcept {
    const char quote = cursor.now();
    const bool escapes = quote == '"';
    const std::string_view triple = escapes ? "\"\"\"" : "'''";
    const bool multi_line = cursor.at(triple);
    const std::string_view end = multi_line ? triple : triple.substr(0, 1);
    cursor.skip(end.size());
    while (!cursor.at_end() && !cursor.at(end)) {
        if (!multi_line && cursor.now() == '\n') return; // not TOML: the parser stops here
        cursor.skip(escapes && cursor.now() == '\\' ? 2 : 1);
    }
    cursor.skip(end.size());
    // Up to two quotes may stand directly before the closing three, as content.
    for (int extra = 0; multi_line && extra < 2 && !cursor.at_end() && cursor.now() == quote; extra++) cursor.skip(1);
}

} // namespace

std::optional<Position> key_with_too_many_dots(std::string_view text, std::size_t dots_max) noexcept {
    Cursor cursor(text);
    std::size_t dots = 0;
    while (!cursor.at_end()) {
        switch (cursor.now()) {
        case '#':
            skip_comment(cursor);
            break;
        case '"':
        case '\'':
            skip_string(cursor);
            break;
        case '.':
            if (++dots > dots_max) return cursor.position();
            cursor.skip(1);
            break;
        case '\n':
        case '=':
        case ',':
        case '[':
        case ']':
        case '{':
        case '}':
            dots = 0;
            cursor.skip(1);
            break;
        default:
            cursor.skip(1);
        }
    }
    return std::nullopt;
}

} // namespace ctoml
