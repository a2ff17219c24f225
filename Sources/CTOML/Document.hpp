#pragma once

#include "CTOML.h"

#include <string>
#include <vector>

namespace ctoml {

struct Entry {
    ctoml_entry shape;
    std::string path;
    std::string key;
    std::string value;
};

/// A text, and after `parse` either what is in it or why it is not TOML.
class Document {
public:
    /// False when the text has its maximal length already.
    bool append(uint8_t byte);

    /// True exactly when the text is TOML. Throws `std::bad_alloc` only.
    bool parse();

    const std::vector<Entry>& entries() const noexcept { return entries_; }
    ctoml_position error_position() const noexcept { return error_position_; }
    const std::string& error() const noexcept { return error_; }

private:
    void fail(ctoml_position position, std::string sentence);

    std::string text_;
    std::vector<Entry> entries_;
    ctoml_position error_position_ = {0, 0};
    std::string error_;
};

} // namespace ctoml
