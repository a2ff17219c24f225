#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ctoml {

struct Position {
    uint32_t line = 1;
    uint32_t column = 1;
};

/// Where the first key with more than `dots_max` dots exceeds them, if one does.
///
/// It knows strings and comments and nothing else of TOML. That is enough: the parser stops at the first mistake, and
/// up to there its idea of what is a string and what is a comment is the same as this one.
std::optional<Position> key_with_too_many_dots(std::string_view text, std::size_t dots_max) noexcept;

} // namespace ctoml
