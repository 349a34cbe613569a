/* JSON (RFC 8259): a tree in an arena, lossless, with places, and a writer.
 *
 * Lossless: numbers keep their text, members their order, and each value its span in the source,
 * so that a reader of table metadata can write back what it does not know. The same tree is what
 * base/yaml.h yields, so configuration code has one shape to walk.
 * Refused, with line and column: duplicate keys, invalid UTF-8, control characters in strings,
 * lone surrogates, nesting beyond TARN_LIMIT_NESTING, trailing bytes.
 */
#ifndef TARN_BASE_JSON_H
#define TARN_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

/* One byte, so that a node fits in 96: metadata of a large table is 100,000 of them. */
typedef enum __attribute__((packed)) TarnJsonKind {
    TARN_JSON_NULL,
    TARN_JSON_BOOL,
    TARN_JSON_NUMBER,
    TARN_JSON_STRING,
    TARN_JSON_ARRAY,
    TARN_JSON_OBJECT
} TarnJsonKind;

typedef struct TarnJson TarnJson;
struct TarnJson {
    TarnText key;    /* decoded member name when the parent is an object */
    TarnText text;   /* STRING: decoded, may hold U+0000; NUMBER: the source text */
    TarnText source; /* the value's span in the parsed text (JSON only; empty from YAML) */
    TarnJson *first; /* ARRAY, OBJECT: children in order */
    TarnJson *last;
    TarnJson *next;
    uint32_t line;       /* 1-based place of the value's first byte; 0 if made by hand */
    uint32_t column;     /* 1-based, in code points */
    uint32_t key_line;   /* place of the member's name */
    uint32_t key_column;
    uint32_t count;      /* children */
    TarnJsonKind kind;
    bool boolean;
};

/* `name` is the user's file named in errors, which then quote the line; NULL: bytes that are not
 * the user's to see (a server's answer), so errors give only the place. The source bytes must
 * outlive the tree: texts without escapes are views into them. A leading byte order mark is
 * skipped. On failure *root is NULL. */
bool tarn_base_json_parse(TarnText source, const char *name, TarnArena *arena, TarnJson **root,
                          TarnError *error) TARN_CHECKED;

/* The same for a text without a name whose nesting may be deeper than TARN_LIMIT_NESTING: whoever
 * walks the tree recursively has to have the stack for it. */
bool tarn_base_json_parse_deep(TarnText source, uint32_t depth_max, TarnArena *arena,
                               TarnJson **root, TarnError *error) TARN_CHECKED;

/* Lookup: NULL if absent or `object` is NULL or not an object. */
const TarnJson *tarn_base_json_member(const TarnJson *object, const char *key);
const TarnJson *tarn_base_json_at(const TarnJson *array, size_t index); /* O(index) */
#define TARN_JSON_EACH(child, parent)                                                              \
    for (const TarnJson *child = (parent) != NULL ? (parent)->first : NULL; child != NULL;         \
         child = child->next)

/* Typed reads: false if NULL, of another kind, out of range or not integral (1.0 and 17e2 are
 * integral). No error text: the caller knows what it wanted and where. */
bool tarn_base_json_int64(const TarnJson *value, int64_t *out);
bool tarn_base_json_double(const TarnJson *value, double *out);
bool tarn_base_json_bool(const TarnJson *value, bool *out);
bool tarn_base_json_text(const TarnJson *value, TarnText *out);
/* The text of a member; "" if there is none or it is no text. */
TarnText tarn_base_json_member_text(const TarnJson *object, const char *key);
/* Arena copy, zero-terminated; NULL if not a string or it holds U+0000. */
const char *tarn_base_json_string(const TarnJson *value, TarnArena *arena);

/* Making trees by hand (arena failure shows in the arena; NULL parents and children are
 * tolerated). Texts and names are copied into the arena. A child belongs to one parent: to put a
 * node of another tree into this one, copy it. */
TarnJson *tarn_base_json_new(TarnArena *arena, TarnJsonKind kind);
TarnJson *tarn_base_json_new_string(TarnArena *arena, TarnText text);
TarnJson *tarn_base_json_new_int64(TarnArena *arena, int64_t value);
TarnJson *tarn_base_json_new_bool(TarnArena *arena, bool value);
/* A node of its own that shares the children of `value` (which may not be changed any more). */
TarnJson *tarn_base_json_copy(TarnArena *arena, const TarnJson *value);
void tarn_base_json_append(TarnJson *array, TarnJson *child);
/* Replaces a member of the same name in place, or appends it. */
void tarn_base_json_set(TarnArena *arena, TarnJson *object, const char *key, TarnJson *child);

/* Writes a tree; numbers as their text. indent 0 = compact, else that many spaces. Nesting
 * beyond TARN_LIMIT_NESTING fails the buffer. */
void tarn_base_json_write(const TarnJson *value, int indent, TarnBuffer *out);

/* Streaming writer: commas and nesting kept by the writer. A call that would not be JSON (a
 * value without its key, a key in an array, an end without its begin, a second root) is a defect
 * of the caller and asserts; nesting beyond TARN_LIMIT_NESTING fails the buffer. */
typedef struct TarnJsonWriter {
    TarnBuffer *out;
    int indent;
    uint32_t depth;     /* open arrays and objects */
    bool after_key;
    uint8_t state[130]; /* by depth, private to the writer */
} TarnJsonWriter;

void tarn_base_json_writer_init(TarnJsonWriter *writer, TarnBuffer *out, int indent);
void tarn_base_json_object_begin(TarnJsonWriter *writer);
void tarn_base_json_object_end(TarnJsonWriter *writer);
void tarn_base_json_array_begin(TarnJsonWriter *writer);
void tarn_base_json_array_end(TarnJsonWriter *writer);
void tarn_base_json_key(TarnJsonWriter *writer, const char *key);
void tarn_base_json_key_text(TarnJsonWriter *writer, TarnText key);
void tarn_base_json_put_null(TarnJsonWriter *writer);
void tarn_base_json_put_bool(TarnJsonWriter *writer, bool value);
void tarn_base_json_put_int64(TarnJsonWriter *writer, int64_t value);
void tarn_base_json_put_double(TarnJsonWriter *writer, double value); /* NaN, Inf: null */
void tarn_base_json_put_string(TarnJsonWriter *writer, const char *value); /* NULL: null */
void tarn_base_json_put_text(TarnJsonWriter *writer, TarnText value);
void tarn_base_json_put_raw(TarnJsonWriter *writer, TarnText json); /* already JSON, not checked */
void tarn_base_json_put_tree(TarnJsonWriter *writer, const TarnJson *value);

/* A string as a JSON literal with quotes; invalid UTF-8 becomes U+FFFD. */
void tarn_base_json_quote(TarnBuffer *out, TarnText text);

#endif
