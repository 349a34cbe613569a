/* The start of a CSV file: byte order mark, lines to skip, header; and a plain record reader for
 * headers and samples, where speed does not matter.
 *
 * Column names are made from the header in one place, so that a table made by inference finds its
 * columns again: the second "id" is "id_1" in both.
 */
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "source/csv_private.h"

bool tarn_source__csv_start(TarnText data, const char *path, size_t *bom_size, uint8_t *newline,
                            TarnError *error) {
    bool utf16 = data.size >= 2 && (memcmp(data.data, "\xFF\xFE", 2) == 0 ||
                                    memcmp(data.data, "\xFE\xFF", 2) == 0);
    if (utf16) {
        tarn_base_error_set(error, TARN_E_SOURCE_UNREADABLE,
                            "\"%s\" is UTF-16 or UTF-32 text, which is not read", path);
        return tarn_base_error_hint(error, "convert it first: iconv -f UTF-16 -t UTF-8");
    }
    *bom_size = tarn_base_text_starts(data, "\xEF\xBB\xBF") ? 3 : 0;
    bool has_newline = data.size > 0 && memchr(data.data, '\n', data.size) != NULL;
    bool has_return = data.size > 0 && memchr(data.data, '\r', data.size) != NULL;
    *newline = !has_newline && has_return ? '\r' : '\n';
    return true;
}

static bool push_field(TarnArena *arena, TarnCsvFields *fields, TarnText text, bool quoted) {
    if (fields->count == fields->capacity) {
        size_t capacity = fields->capacity;
        if (!tarn_base_arena_push_room(arena, (void **)&fields->items, fields->count, &capacity,
                                       sizeof(TarnText)) ||
            !tarn_base_arena_push_room(arena, (void **)&fields->quoted, fields->count,
                                       &fields->quoted_capacity, sizeof(bool))) {
            return false;
        }
        fields->capacity = capacity;
    }
    fields->items[fields->count] = text;
    fields->quoted[fields->count++] = quoted;
    return true;
}

/* The content of a quoted field, escapes taken out. */
static TarnText unquote(TarnText raw, TarnRecordShape shape, TarnArena *arena) {
    uint8_t escape = shape.escape != '\0' ? shape.escape : shape.quote;
    if (raw.size == 0 || memchr(raw.data, escape, raw.size) == NULL) return raw;
    char *out = tarn_base_arena_alloc(arena, raw.size);
    size_t size = 0;
    for (size_t i = 0; out != NULL && i < raw.size; i++) {
        if ((uint8_t)raw.data[i] == escape && i + 1 < raw.size) i++;
        out[size++] = raw.data[i];
    }
    return (TarnText){out, out != NULL ? size : 0};
}

/* Where the field at `at` ends: at a delimiter, or at `end`. */
static size_t field_end(const uint8_t *data, size_t at, size_t end, TarnRecordShape shape,
                        bool quoted) {
    uint8_t escape = shape.escape != '\0' ? shape.escape : shape.quote;
    size_t i = at;
    if (quoted) {
        for (i = at + 1; i < end; i++) {
            bool escaped = data[i] == escape && i + 1 < end &&
                           (escape != shape.quote || data[i + 1] == shape.quote);
            if (escaped) {
                i++;
            } else if (data[i] == shape.quote) {
                break;
            }
        }
    }
    while (i < end && data[i] != shape.delimiter) i++;
    return i;
}

bool tarn_source__csv_record(TarnText text, size_t at, TarnRecordShape shape, TarnArena *arena,
                             TarnCsvFields *fields, size_t *end, uint64_t *lines) {
    const uint8_t *data = (const uint8_t *)text.data;
    fields->count = 0;
    if (at >= text.size) return false;
    size_t stop = text.size;
    if (tarn_source__record_end(data, text.size, at, shape, end, lines)) {
        stop = *end - 1;
        if (shape.newline == '\n' && stop > at && data[stop - 1] == '\r') stop--;
    } else {
        /* The last record, or a quote that never closes: then its first line alone. */
        const char *newline = memchr(text.data + at, shape.newline, text.size - at);
        *end = newline != NULL ? (size_t)(newline - text.data) + 1 : text.size;
        stop = newline != NULL ? *end - 1 : *end;
        *lines = newline != NULL;
    }
    for (size_t start = at;; start++) {
        bool quoted = start < stop && shape.quote != '\0' && data[start] == shape.quote;
        size_t next = field_end(data, start, stop, shape, quoted);
        TarnText field = {text.data + start, next - start};
        if (quoted) {
            field = (TarnText){field.data + 1, field.size - 1};
            if (tarn_base_text_ends(field, (char[]){(char)shape.quote, '\0'})) field.size--;
            field = unquote(field, shape, arena);
        }
        if (!push_field(arena, fields, field, quoted)) return false;
        if (next >= stop) return true;
        start = next;
    }
}

/* --- names --- */

const char **tarn_source__unique_names(const char *const *origins, size_t count,
                                       TarnArena *arena) {
    TarnMap taken;
    tarn_base_map_init(&taken, arena);
    const char **names = TARN_NEW_ARRAY(arena, count + 1, const char *);
    for (size_t i = 0; names != NULL && i < count; i++) {
        TarnText text = tarn_base_text_trim(tarn_base_text(origins[i]));
        size_t most = TARN_LIMIT_IDENTIFIER_BYTES - 8; /* room for a number */
        if (text.size > most) text.size = most;
        text.size = tarn_base_text_utf8_valid(text);
        const char *name = text.size > 0 ? tarn_base_text_string(arena, text)
                                         : tarn_base_arena_printf(arena, "column%zu", i);
        if (name == NULL) return NULL;
        const char *wanted = name;
        TarnText key = tarn_source__folded(tarn_base_text(name), arena);
        uint64_t *next = key.data != NULL ? tarn_base_map_get(&taken, key) : NULL;
        for (uint64_t *first = next; first != NULL && next != NULL && name != NULL;) {
            name = tarn_base_arena_printf(arena, "%s_%llu", wanted, (unsigned long long)++*first);
            key = name != NULL ? tarn_source__folded(tarn_base_text(name), arena) : key;
            next = tarn_base_map_get(&taken, key);
        }
        names[i] = name;
        tarn_base_map_put(&taken, key, TARN_NEW(arena, uint64_t));
        if (tarn_base_arena_failed(arena)) return NULL;
    }
    return names;
}

static bool names_of_columns(const TarnColumn *columns, size_t count, TarnArena *arena,
                             TarnCsvHeader *header) {
    header->origins = TARN_NEW_ARRAY(arena, count + 1, const char *);
    header->count = count;
    for (size_t i = 0; header->origins != NULL && i < count; i++) {
        header->origins[i] = columns[i].origin != NULL ? columns[i].origin : columns[i].name;
    }
    return header->origins != NULL;
}

/* --- the file's start --- */

/* Where the first of what is not skipped begins; false if that needs more of the file. */
static bool pass_lines(TarnText start, uint8_t newline, uint32_t count, size_t *at) {
    for (; count > 0 && *at < start.size; count--) {
        const char *found = memchr(start.data + *at, newline, start.size - *at);
        *at = found != NULL ? (size_t)(found - start.data) + 1 : start.size;
    }
    return *at < start.size;
}

static void take_names(const TarnCsvFields *fields, TarnArena *arena, TarnCsvHeader *header) {
    header->origins = TARN_NEW_ARRAY(arena, fields->count + 1, const char *);
    header->count = fields->count;
    for (size_t i = 0; header->origins != NULL && i < fields->count; i++) {
        header->origins[i] = tarn_base_text_string(arena, tarn_base_text_trim(fields->items[i]));
    }
}

typedef struct Start {
    size_t at; /* of the first record */
    uint64_t lines;
    bool has_header;
} Start;

/* Reads as much of the file as its header takes. */
static bool find_start(TarnPieces *pieces, const char *path, const TarnCsvDialect *dialect,
                       TarnRecordShape *shape, TarnText *text, Start *found, TarnError *error) {
    bool whole = false;
    for (size_t size = tarn_source__pieces_start(pieces); !whole; size *= 4) {
        uint64_t lines = 0;
        size_t end = 0;
        *found = (Start){0};
        if (!tarn_source__pieces_peek(pieces, size, text, &whole, error) ||
            !tarn_source__csv_start(*text, path, &found->at, &shape->newline, error)) {
            return false;
        }
        bool enough = pass_lines(*text, shape->newline, dialect->skip_lines, &found->at);
        found->lines = dialect->skip_lines;
        found->has_header = dialect->header && enough;
        if (enough && !found->has_header) return true;
        if (enough && tarn_source__record_end((const uint8_t *)text->data, text->size, found->at,
                                              *shape, &end, &lines)) {
            return true;
        }
        if (size >= TARN_LIMIT_FIELD_BYTES) {
            tarn_base_error_set(error, TARN_E_SOURCE_UNREADABLE,
                                "\"%s\": no end of the header within %zu MB", path,
                                size / TARN_MIB);
            tarn_base_error_place(error, path, dialect->skip_lines + 1, 1);
            return tarn_base_error_hint(error, "is a quote in it never closed?");
        }
    }
    return true;
}

bool tarn_source__csv_header(TarnPieces *pieces, const char *path, const TarnCsvDialect *dialect,
                             TarnRecordShape *shape, const TarnColumn *columns,
                             size_t column_count, TarnArena *arena, TarnCsvHeader *header,
                             TarnError *error) {
    TarnText text;
    Start start;
    uint64_t lines = 0;
    size_t at;
    if (!find_start(pieces, path, dialect, shape, &text, &start, error)) return false;
    tarn_source__pieces_shape(pieces, *shape);
    at = start.at;
    TarnCsvFields fields = {0};
    bool named = start.has_header && tarn_source__csv_record(text, start.at, *shape, arena,
                                                             &fields, &at, &lines);
    if (named) {
        take_names(&fields, arena, header);
    } else {
        named = names_of_columns(columns, column_count, arena, header);
    }
    header->names = header->origins != NULL
                        ? tarn_source__unique_names(header->origins, header->count, arena)
                        : NULL;
    tarn_source__pieces_drop(pieces, at, start.lines + lines);
    return tarn_base_arena_check(arena, error);
}
