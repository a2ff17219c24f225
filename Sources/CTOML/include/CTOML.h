#ifndef CTOML_H
#define CTOML_H

// TOML 1.0 for Swift: toml++ behind a C surface that is as small as it can be.
//
// Only numbers cross this boundary: a document is a number, and text goes in and comes out byte by byte. The caller
// therefore needs no unsafe pointer, and a wrong number is answered with "nothing there", never with a wild read.
// Configuration files are small (CTOML_TEXT_BYTES_MAX), so the price of a call per byte is some milliseconds at worst.
// No C++ exception leaves a function. Every function may be called from any thread.

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Longest text that a document takes.
#define CTOML_TEXT_BYTES_MAX 1048576

/// Most dots in one key, as in `a.b.c`. toml++ bounds how deep values nest but not how deep dotted keys do, and its
/// tables are destroyed recursively: a text of a million dots would end in a stack overflow.
#define CTOML_KEY_DOTS_MAX 16

/// Names an open document; 0 names none.
typedef uint32_t ctoml_document;

enum {
    CTOML_KIND_NONE = 0,
    CTOML_KIND_TABLE = 1,
    CTOML_KIND_ARRAY = 2,
    CTOML_KIND_STRING = 3,
    CTOML_KIND_INTEGER = 4,
    CTOML_KIND_FLOAT = 5,
    CTOML_KIND_BOOLEAN = 6,
    CTOML_KIND_OTHER = 7, // date, time, date-time
};

enum {
    /// Where the entry is: key segments joined by dots, a segment quoted exactly when it is no bare key.
    CTOML_TEXT_PATH = 0,
    /// The last segment of the path, neither quoted nor escaped.
    CTOML_TEXT_KEY = 1,
    /// A string's content; an integer, float or boolean as TOML writes it; empty for the other kinds.
    CTOML_TEXT_VALUE = 2,
};

/// Both count from 1; a column counts code points. 0 where nothing is known.
typedef struct {
    uint32_t line;
    uint32_t column;
} ctoml_position;

/// One key of the document, or one element of an array: that has the path of its array and an empty key. Tables and
/// arrays are listed before what is in them.
typedef struct {
    int32_t kind;
    /// Index of the table or array that holds it, or -1 for the root.
    int32_t parent;
    ctoml_position key;
    ctoml_position value;
} ctoml_entry;

/// An empty document, or 0 when there is no memory for one. To be closed with `ctoml_close`.
ctoml_document ctoml_open(void);

/// Appends a byte of text. 0, or -EFBIG beyond the maximum, -ENOMEM, -EBADF for no such document.
int32_t ctoml_append(ctoml_document document, uint8_t byte);

/// Parses the appended text: 1 when it is TOML, 0 when it is not (see `ctoml_error_*`), -ENOMEM, -EBADF.
int32_t ctoml_parse(ctoml_document document);

/// How many entries a parsed document has.
uint32_t ctoml_entry_count(ctoml_document document);

/// An entry; of kind CTOML_KIND_NONE beyond the last one.
ctoml_entry ctoml_entry_at(ctoml_document document, uint32_t index);

/// A byte (0…255) of one of an entry's texts, or -1 beyond its end.
int32_t ctoml_entry_byte(ctoml_document document, uint32_t index, int32_t text, uint32_t offset);

/// Where the text stopped being TOML.
ctoml_position ctoml_error_position(ctoml_document document);

/// A byte (0…255) of the sentence that says why, or -1 beyond its end.
int32_t ctoml_error_byte(ctoml_document document, uint32_t offset);

/// Forgets the document. Closing 0 or a closed one does nothing.
void ctoml_close(ctoml_document document);

#ifdef __cplusplus
}
#endif

#endif
