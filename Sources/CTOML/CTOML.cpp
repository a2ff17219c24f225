#include "CTOML.h"

#include "Document.hpp"

#include <cerrno>
#include <map>
#include <memory>
#include <mutex>

namespace {

/// Every open document by its number. A number is not used again before 2^32 others were.
struct Registry {
    std::mutex mutex;
    std::map<ctoml_document, std::unique_ptr<ctoml::Document>> documents;
    ctoml_document last = 0;
};

Registry& registry() noexcept {
    static Registry shared;
    return shared;
}

/// Runs `body` on the document, or answers `nothing` when there is none or `body` throws.
template <typename Answer, typename Body>
Answer with(ctoml_document number, Answer nothing, Answer exhausted, Body body) noexcept {
    try {
        Registry& shared = registry();
        const std::lock_guard<std::mutex> lock(shared.mutex);
        const auto found = shared.documents.find(number);
        return found == shared.documents.end() ? nothing : body(*found->second);
    } catch (...) {
        return exhausted;
    }
}

int32_t byte_at(const std::string& text, uint32_t offset) noexcept {
    return offset < text.size() ? static_cast<unsigned char>(text[offset]) : -1;
}

} // namespace

ctoml_document ctoml_open(void) {
    try {
        Registry& shared = registry();
        const std::lock_guard<std::mutex> lock(shared.mutex);
        do {
            shared.last++;
        } while (shared.last == 0 || shared.documents.count(shared.last) > 0);
        shared.documents[shared.last] = std::make_unique<ctoml::Document>();
        return shared.last;
    } catch (...) {
        return 0;
    }
}

int32_t ctoml_append(ctoml_document document, uint8_t byte) {
    return with<int32_t>(document, -EBADF, -ENOMEM, [&](ctoml::Document& found) {
        return found.append(byte) ? 0 : -EFBIG;
    });
}

int32_t ctoml_parse(ctoml_document document) {
    return with<int32_t>(document, -EBADF, -ENOMEM, [](ctoml::Document& found) { return found.parse() ? 1 : 0; });
}

uint32_t ctoml_entry_count(ctoml_document document) {
    return with<uint32_t>(document, 0, 0, [](ctoml::Document& found) {
        return static_cast<uint32_t>(found.entries().size());
    });
}

ctoml_entry ctoml_entry_at(ctoml_document document, uint32_t index) {
    const ctoml_entry none = {CTOML_KIND_NONE, -1, {0, 0}, {0, 0}};
    return with<ctoml_entry>(document, none, none, [&](ctoml::Document& found) {
        return index < found.entries().size() ? found.entries()[index].shape : none;
    });
}

int32_t ctoml_entry_byte(ctoml_document document, uint32_t index, int32_t text, uint32_t offset) {
    return with<int32_t>(document, -1, -1, [&](ctoml::Document& found) {
        if (index >= found.entries().size()) return -1;
        const ctoml::Entry& entry = found.entries()[index];
        switch (text) {
        case CTOML_TEXT_PATH: return byte_at(entry.path, offset);
        case CTOML_TEXT_KEY: return byte_at(entry.key, offset);
        case CTOML_TEXT_VALUE: return byte_at(entry.value, offset);
        default: return -1;
        }
    });
}

ctoml_position ctoml_error_position(ctoml_document document) {
    const ctoml_position none = {0, 0};
    return with<ctoml_position>(document, none, none, [](ctoml::Document& found) { return found.error_position(); });
}

int32_t ctoml_error_byte(ctoml_document document, uint32_t offset) {
    return with<int32_t>(document, -1, -1, [&](ctoml::Document& found) { return byte_at(found.error(), offset); });
}

void ctoml_close(ctoml_document document) {
    with<int32_t>(document, 0, 0, [&](ctoml::Document&) {
        registry().documents.erase(document);
        return 0;
    });
}
