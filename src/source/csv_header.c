/* The start of a CSV file: byte order mark, lines to skip, header; and a plain record reader for
 * headers and samples, where speed does not matter.
 */
#include <string.h>

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
        *end = text.size;
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

static bool names_of_columns(const TarnColumn *columns, size_t count, TarnArena *arena,
                             TarnCsvHeader *header, TarnError *error) {
    header->names = TARN_NEW_ARRAY(arena, count + 1, const char *);
    if (header->names == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < count; i++) {
        header->names[i] = columns[i].origin != NULL ? columns[i].origin : columns[i].name;
    }
    header->count = count;
    return true;
}

bool tarn_source__csv_header(TarnPieces *pieces, const char *path, const TarnCsvDialect *dialect,
                             TarnRecordShape *shape, const TarnColumn *columns,
                             size_t column_count, TarnArena *arena, TarnCsvHeader *header,
                             TarnError *error) {
    TarnText start;
    size_t at;
    uint64_t lines = 0;
    if (!tarn_source__pieces_peek(pieces, &start, error) ||
        !tarn_source__csv_start(start, path, &at, &shape->newline, error)) {
        return false;
    }
    tarn_source__pieces_shape(pieces, *shape);
    for (uint32_t i = 0; i < dialect->skip_lines; i++) {
        const char *newline = at < start.size ? memchr(start.data + at, shape->newline,
                                                       start.size - at)
                                              : NULL;
        at = newline != NULL ? (size_t)(newline - start.data) + 1 : start.size;
        lines++;
    }
    TarnCsvFields fields = {0};
    uint64_t header_lines = 0;
    size_t end = at;
    bool has_header = dialect->header && at < start.size;
    if (has_header && tarn_source__csv_record(start, at, *shape, arena, &fields, &end,
                                              &header_lines)) {
        header->names = TARN_NEW_ARRAY(arena, fields.count + 1, const char *);
        for (size_t i = 0; header->names != NULL && i < fields.count; i++) {
            TarnText name = tarn_base_text_trim(fields.items[i]);
            header->names[i] = tarn_base_text_string(arena, name);
        }
        header->count = fields.count;
        at = end;
    } else if (!names_of_columns(columns, column_count, arena, header, error)) {
        return false;
    }
    tarn_source__pieces_drop(pieces, at, lines + header_lines);
    return tarn_base_arena_check(arena, error);
}
