/* CSV (RFC 4180 with the usual liberties) -> typed batches and refused rows.
 *
 * A piece of whole records is walked once: delimiters, newlines and quotes are found by bit masks,
 * and each field goes straight from its bytes into its column's buffer. A field that does not fit
 * its type takes its whole row back out of the columns and makes it a reject with the row's
 * original bytes. A quote opens a quoted field only at the field's start; elsewhere it is data.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/map.h"
#include "source/column_text_private.h"
#include "source/csv_private.h"
#include "source/piece_private.h"
#include "source/reader_private.h"
#include "source/scan_private.h"

/* Of a row that is longer than a field may be. */
#define LONG_BYTES_KEPT TARN_MIB

typedef struct CsvSlot {
    TarnPiece piece;
    size_t at;     /* what of the piece was parsed */
    uint64_t line; /* there */
    uint64_t row;
    TarnColumnBuilder *builders;
    TarnColumnBuilder *rows;
    TarnRejects rejects;
    TarnDrops drops;
    TarnBuffer unquoted; /* a quoted field with its escapes taken out */
    bool plain;          /* the piece is ASCII without NUL: its strings need no look */
} CsvSlot;

typedef struct CsvReader {
    TarnPieces *pieces;
    TarnCsvDialect dialect;
    TarnTextFormats formats;
    TarnRecordShape shape;
    const TarnColumn *columns;
    size_t column_count;
    int32_t *targets; /* field of the file -> column, -1 = not wanted */
    char **unwanted;  /* field of the file -> its name, if it is not wanted */
    size_t field_count;
    size_t *missing; /* columns the file does not have */
    size_t missing_count;
    bool refuse_extra_fields;
    CsvSlot *slots;
    uint32_t slot_count;
} CsvReader;

/* --- one field --- */

typedef struct Field {
    TarnText text;
    bool quoted;
} Field;

static bool is_one_of(const char *const *texts, size_t count, TarnText text) {
    for (size_t i = 0; i < count; i++) {
        if (tarn_base_text_is(text, texts[i])) return true;
    }
    return false;
}

static bool is_null(const TarnCsvDialect *dialect, const TarnColumn *column, Field field) {
    if (column->type.kind != TARN_TYPE_STRING) {
        if (field.text.size == 0) return true;
        if (is_one_of(dialect->typed_null_texts, dialect->typed_null_text_count, field.text)) {
            return true;
        }
    }
    if (field.quoted) return false;
    if (dialect->null_text_count == 0) return field.text.size == 0;
    return is_one_of(dialect->null_texts, dialect->null_text_count, field.text);
}

/* The frequent types here, at the cost of one call less each. */
static TarnTextProblem put_value(const CsvReader *reader, TarnColumnBuilder *builder,
                                 TarnText text, bool plain) {
    TarnTextProblem problem;
    TarnPrimitive type = builder->column->type;
    int64_t wide;
    int32_t narrow;
    TarnInt128 decimal;
    switch (type.kind) {
    case TARN_TYPE_STRING:
        problem = plain ? TARN_TEXT_FITS : tarn_source__text_string(text);
        if (problem == TARN_TEXT_FITS) tarn_source__builder_text(builder, text.data, text.size);
        return problem;
    case TARN_TYPE_INT:
        problem = tarn_source__text_int32(text, &narrow);
        if (problem == TARN_TEXT_FITS) tarn_source__builder_fixed(builder, &narrow, 4);
        return problem;
    case TARN_TYPE_LONG:
        problem = tarn_source__text_int64(text, &wide);
        if (problem == TARN_TEXT_FITS) tarn_source__builder_fixed(builder, &wide, 8);
        return problem;
    case TARN_TYPE_DECIMAL:
        problem = tarn_source__text_decimal(text, type.precision, type.scale, &decimal);
        if (problem == TARN_TEXT_FITS) tarn_source__builder_fixed(builder, &decimal, 16);
        return problem;
    case TARN_TYPE_DATE:
        problem = tarn_source__text_date(text, reader->formats.date, &narrow);
        if (problem == TARN_TEXT_FITS) tarn_source__builder_fixed(builder, &narrow, 4);
        return problem;
    default: return tarn_source__put_text(builder, text, &reader->formats);
    }
}

/* --- one record --- */

typedef struct Record {
    const char *reason; /* NULL = good so far */
    const char *column;
    bool broken; /* its fields cannot be told apart */
    bool empty_end; /* its last field has not even quotes */
    size_t fields;
    uint64_t lines;
    size_t end; /* one past the newline */
} Record;

static void refuse(Record *record, const char *column, const char *reason) {
    if (record->reason != NULL) return; /* the first reason is the one told */
    record->reason = reason != NULL ? reason : "out of memory";
    record->column = column;
}

static void refuse_value(CsvSlot *slot, Record *record, const TarnColumn *column, TarnText text,
                         TarnTextProblem problem) {
    if (record->reason != NULL) return;
    refuse(record, column->name,
           tarn_source__value_reason(&slot->rejects.arena, column->name, column->type, text,
                                     problem));
}

/* A field of no column whose row would lose a value with it. */
static bool has_value(const TarnCsvDialect *dialect, Field field) {
    if (field.text.size == 0) return false;
    return field.quoted || !is_one_of(dialect->null_texts, dialect->null_text_count, field.text);
}

static void drop_field(const CsvReader *reader, CsvSlot *slot, Record *record, size_t index,
                       Field field) {
    if (!has_value(&reader->dialect, field)) return;
    if (reader->refuse_extra_fields) {
        refuse(record, NULL,
               tarn_base_arena_printf(&slot->rejects.arena,
                                      "field %zu is not a column of the table", index + 1));
    } else {
        tarn_source__drops_note(&slot->drops, NULL, tarn_base_text(reader->unwanted[index]));
    }
}

static void put_field(CsvReader *reader, CsvSlot *slot, Record *record, Field field) {
    size_t index = record->fields++;
    record->empty_end = field.text.size == 0 && !field.quoted;
    if (index >= reader->field_count || record->reason != NULL) return;
    int32_t target = reader->targets[index];
    if (target < 0) {
        drop_field(reader, slot, record, index, field);
        return;
    }
    TarnColumnBuilder *builder = &slot->builders[target];
    const TarnColumn *column = builder->column;
    if (is_null(&reader->dialect, column, field)) {
        if (!column->required) {
            tarn_source__builder_null(builder);
            return;
        }
        refuse(record, column->name,
               tarn_base_arena_printf(&slot->rejects.arena,
                                      "column \"%s\" is required and has no value", column->name));
    } else {
        TarnTextProblem problem = put_value(reader, builder, field.text, slot->plain);
        if (problem != TARN_TEXT_FITS) refuse_value(slot, record, column, field.text, problem);
    }
}

/* Reads a quoted field whose opening quote is at `at`. Returns the position after the closing
 * quote, or the data's size if it never closes. */
static size_t read_quoted(const CsvReader *reader, CsvSlot *slot, size_t at, Field *field,
                          Record *record) {
    const uint8_t *data = slot->piece.data;
    size_t size = slot->piece.size;
    uint8_t quote = reader->shape.quote;
    uint8_t escape = reader->shape.escape != '\0' ? reader->shape.escape : quote;
    size_t start = at + 1;
    bool copied = false;
    tarn_base_buffer_clear(&slot->unquoted);
    field->quoted = true;
    for (size_t i = start;;) {
        while (i < size && data[i] != quote && data[i] != escape) {
            record->lines += data[i] == reader->shape.newline;
            i++;
        }
        if (i >= size) return size;
        bool doubled = i + 1 < size && (escape == quote ? data[i + 1] == quote
                                                        : data[i] == escape);
        if (!doubled && data[i] != quote) return size; /* the data ends in an escape */
        if (!doubled) {
            if (copied) {
                tarn_base_buffer_append(&slot->unquoted, data + start, i - start);
                field->text = tarn_base_buffer_view(&slot->unquoted);
            } else {
                field->text = (TarnText){(const char *)data + start, i - start};
            }
            return i + 1;
        }
        copied = true;
        tarn_base_buffer_append(&slot->unquoted, data + start, i - start);
        record->lines += data[i + 1] == reader->shape.newline;
        tarn_base_buffer_byte(&slot->unquoted, data[i + 1]);
        start = i + 2;
        i = start;
    }
}

/* Ends a field at `at`: a trailing '\r' before the newline is not part of it. */
static Field plain_field(const CsvReader *reader, const uint8_t *data, size_t start, size_t at,
                         bool at_newline) {
    size_t end = at;
    if (at_newline && reader->shape.newline == '\n' && end > start && data[end - 1] == '\r') end--;
    return (Field){.text = {(const char *)data + start, end - start}};
}

/* The next special byte at or after `from`. */
static size_t scan_from(TarnScan *scan, size_t from) {
    size_t at = tarn_source__scan_next(scan);
    while (at < from) at = tarn_source__scan_next(scan);
    return at;
}

/* The record's first line alone is refused: see tarn_source__record_end. */
static void give_up_line(const CsvReader *reader, const CsvSlot *slot, TarnScan *scan, size_t at,
                         Record *record) {
    const uint8_t *data = slot->piece.data;
    const uint8_t *newline = memchr(data + at, reader->shape.newline, slot->piece.size - at);
    record->end = newline != NULL ? (size_t)(newline - data) + 1 : slot->piece.size;
    record->lines = newline != NULL;
    record->reason = "a quoted field is never closed";
    record->column = NULL;
    record->broken = true;
    tarn_source__scan_seek(scan, record->end);
}

static void break_record(Record *record, const char *reason) {
    if (record->broken) return;
    record->reason = reason;
    record->column = NULL;
    record->broken = true;
}

/* Parses the record at `at`; its values are in the builders if it is good. */
static void read_record(CsvReader *reader, CsvSlot *slot, TarnScan *scan, size_t at,
                        Record *record) {
    const uint8_t *data = slot->piece.data;
    size_t size = slot->piece.size;
    TarnRecordShape shape = reader->shape;
    size_t start = at;
    for (;;) {
        size_t next = start;
        Field field = {0};
        if (start < size && data[start] == shape.quote && shape.quote != '\0') {
            next = read_quoted(reader, slot, start, &field, record);
            if (next == size && field.text.data == NULL) {
                give_up_line(reader, slot, scan, at, record);
                return;
            }
            if (!tarn_source__quote_closes(data, size, next, shape)) {
                if (record->lines > 0) {
                    give_up_line(reader, slot, scan, at, record);
                    return;
                }
                break_record(record, "text follows a closing quote");
            }
        }
        next = scan_from(scan, next);
        while (next < size && data[next] != shape.delimiter && data[next] != shape.newline) {
            next = tarn_source__scan_next(scan); /* a quote inside a field is data */
        }
        bool at_newline = next == size || data[next] == shape.newline;
        if (!field.quoted) field = plain_field(reader, data, start, next, at_newline);
        put_field(reader, slot, record, field);
        if (at_newline) {
            record->lines += next < size;
            record->end = next < size ? next + 1 : size;
            return;
        }
        start = next + 1;
    }
}

/* --- one piece --- */

static void check_width(const CsvReader *reader, CsvSlot *slot, Record *record) {
    if (record->fields == reader->field_count || record->broken) return;
    /* Many writers end each row with a delimiter. */
    if (record->fields == reader->field_count + 1 && record->empty_end) return;
    /* A wrong number of fields explains wrong values in them, so it is the better reason. */
    record->reason = tarn_base_arena_printf(&slot->rejects.arena,
                                            "the row has %zu fields, the header has %zu",
                                            record->fields, reader->field_count);
    if (record->reason == NULL) record->reason = "the row has a wrong number of fields";
    record->column = NULL;
}

static void take_back(CsvReader *reader, CsvSlot *slot, size_t length) {
    for (size_t i = 0; i < reader->column_count; i++) {
        tarn_source__builder_truncate(&slot->builders[i], length);
    }
}

static void add_reject(CsvSlot *slot, const Record *record, size_t at, uint64_t line,
                       uint64_t row) {
    const uint8_t *data = slot->piece.data;
    TarnText bytes = {(const char *)data + at, record->end - at};
    TarnReject *reject = tarn_source__reject_add(&slot->rejects, record->column, bytes);
    if (reject == NULL) return;
    reject->reason = record->reason;
    reject->line = line;
    reject->row = row;
    reject->offset = slot->piece.offset + at;
}

static bool blank_line(const CsvReader *reader, const TarnPiece *piece, size_t at, size_t *end) {
    if (piece->data[at] == '\r' && at + 1 < piece->size &&
        piece->data[at + 1] == reader->shape.newline) {
        at++;
    }
    *end = at + 1;
    return piece->data[at] == reader->shape.newline;
}

/* Columns the file does not have are null in each row. */
static void fill_missing(CsvReader *reader, CsvSlot *slot) {
    for (size_t i = 0; i < reader->missing_count; i++) {
        tarn_source__builder_null(&slot->builders[reader->missing[i]]);
    }
}

static bool is_plain(const TarnPiece *piece) {
    uint64_t high = 0;
    for (size_t i = 0; i + 8 <= piece->size; i += 8) {
        uint64_t word;
        memcpy(&word, piece->data + i, 8);
        high |= word;
    }
    for (size_t i = piece->size & ~(size_t)7; i < piece->size; i++) high |= piece->data[i];
    return (high & UINT64_C(0x8080808080808080)) == 0 &&
           memchr(piece->data, '\0', piece->size) == NULL;
}

static void refuse_too_long(CsvSlot *slot) {
    TarnPiece *piece = &slot->piece;
    size_t kept = piece->size < LONG_BYTES_KEPT ? piece->size : LONG_BYTES_KEPT;
    Record record = {.end = kept};
    record.reason = tarn_base_arena_printf(&slot->rejects.arena,
                                           "the row is longer than %zu MB; its first %zu bytes "
                                           "are kept",
                                           TARN_LIMIT_FIELD_BYTES / TARN_MIB, kept);
    if (record.reason == NULL) record.reason = "the row is too long";
    add_reject(slot, &record, 0, piece->line, piece->row);
    slot->at = piece->size;
}

/* Parses until the piece or the room for rejects is used up. */
static void parse_piece(CsvReader *reader, CsvSlot *slot) {
    TarnPiece *piece = &slot->piece;
    TarnScan scan;
    uint8_t quote = reader->shape.quote != '\0' ? reader->shape.quote : reader->shape.newline;
    tarn_source__scan_init(&scan, piece->data, piece->size, reader->shape.delimiter,
                           reader->shape.newline, quote);
    if (slot->at > 0) tarn_source__scan_seek(&scan, slot->at);
    size_t length = 0;
    size_t at = slot->at;
    while (at < piece->size && slot->rejects.count < TARN_SOURCE_REJECTS_MAX) {
        size_t blank_end;
        if (blank_line(reader, piece, at, &blank_end)) {
            at = blank_end;
            slot->line++;
            continue;
        }
        Record record = {0};
        read_record(reader, slot, &scan, at, &record);
        check_width(reader, slot, &record);
        if (record.reason != NULL) {
            take_back(reader, slot, length);
            add_reject(slot, &record, at, slot->line, slot->row);
            tarn_source__drops_forget(&slot->drops);
        } else {
            tarn_source__drops_keep(&slot->drops);
            length++;
            int64_t number = (int64_t)slot->row;
            tarn_source__builder_fixed(slot->rows, &number, 8);
            fill_missing(reader, slot);
        }
        slot->row++;
        slot->line += record.lines;
        at = record.end;
    }
    slot->at = at;
}

static bool take_piece(CsvReader *reader, CsvSlot *slot, bool *more, TarnError *error) {
    *more = true;
    if (slot->at < slot->piece.size) return true;
    if (!tarn_source__pieces_next(reader->pieces, &slot->piece, more, error)) return false;
    slot->at = 0;
    slot->line = slot->piece.line;
    slot->row = slot->piece.row;
    slot->plain = is_plain(&slot->piece);
    return true;
}

static bool csv_next(void *state, uint32_t slot_index, TarnBatch *batch, bool *more,
                     TarnError *error) {
    CsvReader *reader = state;
    CsvSlot *slot = &reader->slots[slot_index];
    tarn_source__rejects_clear(&slot->rejects);
    if (!tarn_os_interrupt_check(error)) return false;
    if (!take_piece(reader, slot, more, error)) return false;
    if (!*more) {
        slot->piece.size = slot->at = 0;
        return true;
    }
    size_t start = slot->at;
    if (slot->piece.too_long) {
        refuse_too_long(slot);
    } else {
        parse_piece(reader, slot);
    }
    if (slot->unquoted.failed || tarn_base_arena_failed(&slot->rejects.arena)) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory while reading CSV");
    }
    batch->piece = slot->piece.number;
    batch->bytes = slot->at - start;
    batch->rejects = slot->rejects.items;
    batch->reject_count = slot->rejects.count;
    return tarn_source__builders_export(slot->builders, reader->column_count, slot->rows,
                                        &batch->array, error);
}

static const TarnDrops *csv_drops(void *state, uint32_t slot) {
    CsvReader *reader = state;
    return slot < reader->slot_count ? &reader->slots[slot].drops : NULL;
}

static void csv_close(void *state) {
    CsvReader *reader = state;
    for (uint32_t i = 0; reader->slots != NULL && i < reader->slot_count; i++) {
        CsvSlot *slot = &reader->slots[i];
        tarn_source__piece_dispose(&slot->piece);
        tarn_source__builders_free(slot->builders, reader->column_count);
        tarn_source__builders_free(slot->rows, 1);
        tarn_base_arena_dispose(&slot->rejects.arena);
        tarn_base_buffer_dispose(&slot->unquoted);
    }
    tarn_source__pieces_free(reader->pieces);
    for (size_t i = 0; reader->unwanted != NULL && i < reader->field_count; i++) {
        free(reader->unwanted[i]);
    }
    free(reader->slots);
    free(reader->unwanted);
    free(reader->targets);
    free(reader->missing);
    free(reader);
}

static const TarnReaderVtable csv_vtable = {
    .next = csv_next, .drops = csv_drops, .close = csv_close};

/* --- opening --- */

static bool open_slots(CsvReader *reader, uint32_t count, TarnError *error) {
    reader->slots = calloc(count, sizeof(*reader->slots));
    if (reader->slots == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    }
    reader->slot_count = count;
    for (uint32_t i = 0; i < count; i++) {
        CsvSlot *slot = &reader->slots[i];
        tarn_base_arena_init(&slot->rejects.arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
        tarn_base_buffer_init(&slot->unquoted, TARN_LIMIT_FIELD_BYTES);
        slot->builders = tarn_source__builders_new(reader->columns, reader->column_count);
        slot->rows = tarn_source__builders_new(&tarn_source__row_column, 1);
        if (slot->builders == NULL || slot->rows == NULL) {
            return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
        }
    }
    return true;
}

static const char *origin(const TarnColumn *column) {
    return column->origin != NULL ? column->origin : column->name;
}

static void list_fields(const TarnCsvHeader *header, TarnBuffer *out) {
    for (size_t i = 0; i < header->count && i < 20; i++) {
        tarn_base_buffer_printf(out, "%s%s", i > 0 ? ", " : "", header->origins[i]);
    }
    if (header->count > 20) tarn_base_buffer_string(out, ", ...");
}

static bool refuse_header(const char *path, const TarnColumn *column,
                          const TarnCsvHeader *header, TarnError *error) {
    TarnBuffer fields;
    tarn_base_buffer_init(&fields, 4000);
    list_fields(header, &fields);
    tarn_base_error_set(error, TARN_E_SOURCE_UNREADABLE,
                        "\"%s\": wrong header: the column \"%s\" is missing", path,
                        origin(column));
    tarn_base_error_place(error, path, 1, 1);
    tarn_base_error_detail(error, "the file has: %s", fields.data != NULL ? fields.data : "");
    tarn_base_buffer_dispose(&fields);
    const char *near = tarn_base_text_nearest(origin(column), header->origins, header->count);
    if (near != NULL) tarn_base_error_hint(error, "is \"%s\" meant?", near);
    return false;
}

/* Where fields are found by name. */
typedef struct FieldIndex {
    const TarnCsvHeader *header;
    TarnMap names;   /* lower case unique name -> field + 1 */
    TarnMap origins; /* lower case name in the file -> first such field + 1 */
    TarnArena *arena;
} FieldIndex;

static size_t look_up(const FieldIndex *index, const TarnMap *map, const char *name) {
    TarnText key = tarn_source__folded(tarn_base_text(name), index->arena);
    return (size_t)(uintptr_t)tarn_base_map_get(map, key);
}

static void index_fields(FieldIndex *index) {
    tarn_base_map_init(&index->names, index->arena);
    tarn_base_map_init(&index->origins, index->arena);
    for (size_t i = 0; i < index->header->count; i++) {
        void *place = (void *)(uintptr_t)(i + 1);
        TarnText name = tarn_base_text(index->header->names[i]);
        TarnText from = tarn_source__folded(tarn_base_text(index->header->origins[i]),
                                            index->arena);
        tarn_base_map_put(&index->names, tarn_source__folded(name, index->arena), place);
        if (!tarn_base_map_has(&index->origins, from)) {
            tarn_base_map_put(&index->origins, from, place);
        }
    }
}

/* The field of a column, or the number of fields. By the name inference gave it if the file's
 * own fits too; by the file's own; by the name inference would give it. */
static size_t find_field(const CsvReader *reader, const FieldIndex *index,
                         const TarnColumn *column) {
    size_t named = look_up(index, &index->names, column->name);
    if (named > 0 && strcasecmp(index->header->origins[named - 1], origin(column)) == 0) {
        return named - 1;
    }
    size_t from = look_up(index, &index->origins, origin(column));
    if (from > 0 && reader->targets[from - 1] < 0) return from - 1;
    named = look_up(index, &index->names, origin(column));
    if (named > 0 && reader->targets[named - 1] < 0) return named - 1;
    return index->header->count;
}

/* Columns without a name in the file have the one that inference would give them. */
static bool keep_unwanted(CsvReader *reader, const TarnCsvHeader *header, TarnError *error) {
    for (size_t i = 0; i < header->count; i++) {
        if (reader->targets[i] >= 0) continue;
        const char *name = header->origins[i][0] != '\0' ? header->origins[i] : header->names[i];
        reader->unwanted[i] = strdup(name);
        if (reader->unwanted[i] == NULL) {
            return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
        }
    }
    return true;
}

static bool match_header(CsvReader *reader, const char *path, const TarnCsvHeader *header,
                         const TarnSourceOptions *options, TarnArena *arena, TarnError *error) {
    FieldIndex index = {.header = header, .arena = arena};
    index_fields(&index);
    reader->field_count = header->count;
    reader->targets = malloc((header->count + 1) * sizeof(*reader->targets));
    reader->missing = malloc((reader->column_count + 1) * sizeof(*reader->missing));
    reader->unwanted = calloc(header->count + 1, sizeof(*reader->unwanted));
    if (reader->targets == NULL || reader->missing == NULL || reader->unwanted == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < header->count; i++) reader->targets[i] = -1;
    for (size_t c = 0; c < reader->column_count; c++) {
        size_t field = find_field(reader, &index, &reader->columns[c]);
        if (field < header->count) {
            reader->targets[field] = (int32_t)c;
        } else if (!options->missing_as_null || reader->columns[c].required) {
            return refuse_header(path, &reader->columns[c], header, error);
        } else {
            reader->missing[reader->missing_count++] = c;
        }
    }
    if (!tarn_base_arena_check(arena, error)) return false;
    bool any = reader->missing_count < reader->column_count || reader->column_count == 0;
    if (!any) return refuse_header(path, &reader->columns[0], header, error);
    return keep_unwanted(reader, header, error);
}

static bool check_dialect(const CsvReader *reader, const char *path, TarnError *error) {
    TarnRecordShape shape = reader->shape;
    const char special[] = {'\n', '\r', '\0'};
    bool same = shape.delimiter == shape.quote || (shape.escape != '\0' &&
                                                  shape.escape == shape.delimiter);
    for (size_t i = 0; i < sizeof(special); i++) {
        same = same || shape.delimiter == (uint8_t)special[i] ||
               (i < 2 && (shape.quote == (uint8_t)special[i] ||
                          shape.escape == (uint8_t)special[i]));
    }
    if (same) {
        tarn_base_error_set(error, TARN_E_CONFIG,
                            "\"%s\": the CSV delimiter, quote and escape must be different "
                            "characters, none of them a line's end", path);
        return false;
    }
    const char *formats[] = {reader->dialect.date_format, reader->dialect.timestamp_format};
    for (size_t i = 0; i < 2; i++) {
        const char *unknown = tarn_source__text_format_check(formats[i]);
        if (unknown == NULL) continue;
        tarn_base_error_set(error, TARN_E_CONFIG, "\"%s\": the date format \"%s\" cannot be "
                            "used: \"%s\" is not known", path, formats[i], unknown);
        return tarn_base_error_hint(error, "known are %%Y %%y %%m %%d %%b %%B %%H %%I %%p %%M "
                                           "%%S %%f %%z %%%%");
    }
    return true;
}

static bool start_reading(CsvReader *reader, const TarnOs *os, const char *path,
                          const TarnSourceOptions *options, TarnError *error) {
    TarnArena arena;
    TarnCsvHeader header;
    TarnInput *input = NULL;
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    bool ok = check_dialect(reader, path, error) &&
              tarn_source__input_open(os, path, options->compression, &input, error) &&
              tarn_source__pieces_new(input, reader->shape, options->piece_bytes,
                                      &reader->pieces, error) &&
              tarn_source__csv_header(reader->pieces, path, &reader->dialect, &reader->shape,
                                      options->columns, options->column_count, &arena, &header,
                                      error) &&
              match_header(reader, path, &header, options, &arena, error) &&
              open_slots(reader, options->slots > 0 ? options->slots : 1, error);
    tarn_base_arena_dispose(&arena);
    return ok;
}

bool tarn_source__csv_open(const TarnOs *os, const char *path, const TarnSourceOptions *options,
                           TarnSourceReader *out, TarnError *error) {
    CsvReader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    reader->dialect = options->csv;
    reader->formats = (TarnTextFormats){options->csv.date_format, options->csv.timestamp_format};
    reader->columns = options->columns;
    reader->column_count = options->column_count;
    reader->refuse_extra_fields = options->refuse_extra_fields;
    reader->shape = (TarnRecordShape){.newline = '\n',
                                      .delimiter = (uint8_t)options->csv.delimiter,
                                      .quote = (uint8_t)options->csv.quote,
                                      .escape = (uint8_t)options->csv.escape};
    if (!start_reading(reader, os, path, options, error)) {
        csv_close(reader);
        return false;
    }
    out->vtable = &csv_vtable;
    out->state = reader;
    return true;
}
