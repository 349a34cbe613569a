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
#include "source/csv_private.h"
#include "source/piece_private.h"
#include "source/reader_private.h"
#include "source/scan_private.h"
#include "source/text_value_private.h"

/* Bytes of a value shown in a reason. */
#define SHOWN_BYTES 60

typedef struct CsvSlot {
    TarnPiece piece;
    TarnColumnBuilder *builders;
    TarnColumnBuilder *rows;
    TarnRejects rejects;
    TarnBuffer unquoted; /* a quoted field with its escapes taken out */
    bool plain;          /* the piece is ASCII without NUL: its strings need no look */
} CsvSlot;

typedef struct CsvReader {
    TarnPieces *pieces;
    TarnCsvDialect dialect;
    TarnRecordShape shape;
    const TarnColumn *columns;
    size_t column_count;
    int32_t *targets; /* field of the file -> column, -1 = not wanted */
    size_t field_count;
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

static TarnTextProblem put_timestamp(const TarnCsvDialect *dialect, TarnColumnBuilder *builder,
                                     TarnText text) {
    int64_t us;
    bool has_zone;
    bool zoned = builder->column->type.kind == TARN_TYPE_TIMESTAMPTZ;
    TarnTextProblem problem =
        tarn_source__text_timestamp(text, dialect->timestamp_format, &us, &has_zone);
    if (problem == TARN_TEXT_FITS && has_zone && !zoned) problem = TARN_TEXT_HAS_ZONE;
    if (problem == TARN_TEXT_FITS) tarn_source__builder_fixed(builder, &us, 8);
    return problem;
}

static TarnTextProblem put_double(TarnColumnBuilder *builder, TarnText text) {
    double number;
    TarnTextProblem problem = tarn_source__text_double(text, &number);
    if (problem != TARN_TEXT_FITS) return problem;
    if (builder->column->type.kind == TARN_TYPE_FLOAT) {
        float narrow = (float)number;
        if (__builtin_isinf(narrow) && !__builtin_isinf(number)) return TARN_TEXT_RANGE;
        tarn_source__builder_fixed(builder, &narrow, 4);
    } else {
        tarn_source__builder_fixed(builder, &number, 8);
    }
    return TARN_TEXT_FITS;
}

/* The less frequent types. */
static TarnTextProblem put_other(const TarnCsvDialect *dialect, TarnColumnBuilder *builder,
                                 TarnText text) {
    TarnTextProblem problem;
    int64_t wide;
    bool flag;
    switch (builder->column->type.kind) {
    case TARN_TYPE_BOOLEAN:
        problem = tarn_source__text_bool(text, &flag);
        if (problem == TARN_TEXT_FITS) tarn_source__builder_bool(builder, flag);
        return problem;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE: return put_double(builder, text);
    case TARN_TYPE_TIME:
        problem = tarn_source__text_time(text, &wide);
        if (problem == TARN_TEXT_FITS) tarn_source__builder_fixed(builder, &wide, 8);
        return problem;
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ: return put_timestamp(dialect, builder, text);
    case TARN_TYPE_UUID:
        problem = tarn_source__text_uuid(text);
        if (problem == TARN_TEXT_FITS) {
            text = tarn_base_text_trim(text);
            tarn_source__builder_bytes(builder, text.data, text.size);
        }
        return problem;
    case TARN_TYPE_FIXED:
        if (text.size != (size_t)builder->column->type.length) return TARN_TEXT_WRONG;
        tarn_source__builder_bytes(builder, text.data, text.size);
        return TARN_TEXT_FITS;
    case TARN_TYPE_BINARY:
        tarn_source__builder_bytes(builder, text.data, text.size);
        return TARN_TEXT_FITS;
    default: return TARN_TEXT_WRONG;
    }
}

static TarnTextProblem put_value(const TarnCsvDialect *dialect, TarnColumnBuilder *builder,
                                 TarnText text, bool plain) {
    TarnTextProblem problem;
    TarnPrimitive type = builder->column->type;
    int64_t wide;
    int32_t narrow;
    TarnInt128 decimal;
    switch (type.kind) {
    case TARN_TYPE_STRING:
        problem = plain ? TARN_TEXT_FITS : tarn_source__text_string(text);
        if (problem == TARN_TEXT_FITS) tarn_source__builder_bytes(builder, text.data, text.size);
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
        problem = tarn_source__text_date(text, dialect->date_format, &narrow);
        if (problem == TARN_TEXT_FITS) tarn_source__builder_fixed(builder, &narrow, 4);
        return problem;
    default: return put_other(dialect, builder, text);
    }
}

/* --- one record --- */

typedef struct Record {
    const char *reason; /* NULL = good so far */
    const char *column;
    size_t fields;
    uint64_t lines;
    size_t end; /* one past the newline */
} Record;

TarnReject *tarn_source__reject_add(TarnRejects *rejects, const char *column, TarnText bytes) {
    TarnReject *reject = TARN_PUSH(&rejects->arena, rejects);
    if (reject == NULL) return NULL;
    reject->column = column;
    reject->bytes.data = tarn_base_arena_copy(&rejects->arena, bytes.data, bytes.size);
    reject->bytes.size = bytes.size;
    return reject;
}

static void refuse(Record *record, const char *column, const char *reason) {
    if (record->reason != NULL) return; /* the first reason is the one told */
    record->reason = reason != NULL ? reason : "out of memory";
    record->column = column;
}

/* A value's printable start, for a reason; the original bytes are kept whole beside it. */
static const char *shown(TarnArena *arena, TarnText text) {
    TarnText cut = {text.data, text.size < SHOWN_BYTES ? text.size : SHOWN_BYTES};
    cut.size = tarn_base_text_utf8_valid(cut);
    char *copy = tarn_base_text_string(arena, cut);
    for (size_t i = 0; copy != NULL && i < cut.size; i++) {
        if ((unsigned char)copy[i] < 0x20 || copy[i] == 0x7F) copy[i] = ' ';
    }
    return copy != NULL ? copy : "";
}

static void refuse_value(CsvSlot *slot, Record *record, const TarnColumn *column, TarnText text,
                         TarnTextProblem problem) {
    if (record->reason != NULL) return;
    TarnArena *arena = &slot->rejects.arena;
    TarnBuffer type;
    tarn_base_buffer_init(&type, 256);
    tarn_format_primitive_write(column->type, &type);
    refuse(record, column->name,
           tarn_base_arena_printf(arena, "column \"%s\": \"%s\"%s %s (%s)", column->name,
                                  shown(arena, text), text.size > SHOWN_BYTES ? "..." : "",
                                  tarn_source__problem_text(problem),
                                  type.data != NULL ? type.data : ""));
    tarn_base_buffer_dispose(&type);
}

static void put_field(CsvReader *reader, CsvSlot *slot, Record *record, Field field) {
    size_t index = record->fields++;
    if (index >= reader->field_count || record->reason != NULL) return;
    int32_t target = reader->targets[index];
    if (target < 0) return;
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
        TarnTextProblem problem = put_value(&reader->dialect, builder, field.text, slot->plain);
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

/* After a quoted field only a delimiter or the record's end may come. Returns the position of
 * that; anything else refuses the row and is passed over. */
static size_t close_quoted(const CsvReader *reader, const CsvSlot *slot, TarnScan *scan,
                           size_t at, Record *record) {
    const uint8_t *data = slot->piece.data;
    size_t size = slot->piece.size;
    size_t next = at;
    if (at < size && data[at] != reader->shape.delimiter && data[at] != reader->shape.newline) {
        bool carriage_return = data[at] == '\r' && (at + 1 == size ||
                                                    data[at + 1] == reader->shape.newline);
        if (!carriage_return) refuse(record, NULL, "text follows a closing quote");
    }
    do {
        next = scan_from(scan, next);
        if (next >= size || data[next] == reader->shape.delimiter ||
            data[next] == reader->shape.newline) {
            return next;
        }
        next++;
    } while (true);
}

/* Parses the record at `at`; its values are in the builders if it is good. */
static void read_record(CsvReader *reader, CsvSlot *slot, TarnScan *scan, size_t at,
                        Record *record) {
    const uint8_t *data = slot->piece.data;
    size_t size = slot->piece.size;
    size_t start = at;
    for (;;) {
        size_t next;
        Field field = {0};
        if (start < size && data[start] == reader->shape.quote && reader->shape.quote != '\0') {
            size_t close = read_quoted(reader, slot, start, &field, record);
            if (close == size && field.text.data == NULL) {
                refuse(record, NULL, "a quoted field is never closed");
                record->end = size;
                return;
            }
            next = close_quoted(reader, slot, scan, close, record);
        } else {
            next = scan_from(scan, start);
            while (next < size && data[next] == reader->shape.quote &&
                   data[next] != reader->shape.delimiter) {
                next = scan_from(scan, next + 1); /* a quote inside a field is data */
            }
            field = plain_field(reader, data, start, next,
                                next == size || data[next] == reader->shape.newline);
        }
        put_field(reader, slot, record, field);
        if (next >= size || data[next] == reader->shape.newline) {
            record->lines += next < size;
            record->end = next < size ? next + 1 : size;
            return;
        }
        start = next + 1;
    }
}

/* --- one piece --- */

static void check_width(const CsvReader *reader, CsvSlot *slot, Record *record) {
    if (record->fields == reader->field_count) return;
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
static void fill_missing(CsvReader *reader, CsvSlot *slot, size_t length) {
    for (size_t i = 0; i < reader->column_count; i++) {
        TarnColumnBuilder *builder = &slot->builders[i];
        if (builder->length < length) tarn_source__builder_null(builder);
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

static void parse_piece(CsvReader *reader, CsvSlot *slot) {
    TarnPiece *piece = &slot->piece;
    slot->plain = is_plain(piece);
    TarnScan scan;
    uint8_t quote = reader->shape.quote != '\0' ? reader->shape.quote : reader->shape.newline;
    tarn_source__scan_init(&scan, piece->data, piece->size, reader->shape.delimiter,
                           reader->shape.newline, quote);
    uint64_t line = piece->line;
    uint64_t row = piece->row;
    size_t length = 0;
    for (size_t at = 0; at < piece->size;) {
        size_t blank_end;
        if (blank_line(reader, piece, at, &blank_end)) {
            at = blank_end;
            line++;
            continue;
        }
        Record record = {0};
        read_record(reader, slot, &scan, at, &record);
        check_width(reader, slot, &record);
        if (record.reason != NULL) {
            take_back(reader, slot, length);
            add_reject(slot, &record, at, line, row);
        } else {
            length++;
            int64_t number = (int64_t)row;
            tarn_source__builder_fixed(slot->rows, &number, 8);
            if (reader->field_count < reader->column_count) fill_missing(reader, slot, length);
        }
        row++;
        line += record.lines;
        at = record.end;
    }
}

static bool csv_next(void *state, uint32_t slot_index, TarnBatch *batch, bool *more,
                     TarnError *error) {
    CsvReader *reader = state;
    CsvSlot *slot = &reader->slots[slot_index];
    tarn_base_arena_reset(&slot->rejects.arena);
    slot->rejects.items = NULL;
    slot->rejects.count = slot->rejects.capacity = 0;
    if (!tarn_os_interrupt_check(error)) return false;
    if (!tarn_source__pieces_next(reader->pieces, &slot->piece, more, error)) return false;
    if (!*more) return true;
    parse_piece(reader, slot);
    if (slot->unquoted.failed || !tarn_base_arena_check(&slot->rejects.arena, error)) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory while reading CSV");
    }
    batch->piece = slot->piece.number;
    batch->bytes = slot->piece.size;
    batch->rejects = slot->rejects.items;
    batch->reject_count = slot->rejects.count;
    return tarn_source__builders_export(slot->builders, reader->column_count, slot->rows,
                                        &batch->array, error);
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
    free(reader->slots);
    free(reader->targets);
    free(reader);
}

static const TarnReaderVtable csv_vtable = {.next = csv_next, .close = csv_close};

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
        tarn_base_buffer_printf(out, "%s%s", i > 0 ? ", " : "", header->names[i]);
    }
    if (header->count > 20) tarn_base_buffer_string(out, ", ...");
}

static bool refuse_header(const char *path, const TarnColumn *column,
                          const TarnCsvHeader *header, TarnError *error) {
    TarnBuffer fields;
    tarn_base_buffer_init(&fields, 400);
    list_fields(header, &fields);
    tarn_base_error_set(error, TARN_E_SOURCE_UNREADABLE,
                        "\"%s\": wrong header: the column \"%s\" is missing", path,
                        origin(column));
    tarn_base_error_place(error, path, 1, 1);
    tarn_base_error_detail(error, "the file has: %s", fields.data != NULL ? fields.data : "");
    tarn_base_buffer_dispose(&fields);
    const char *near = tarn_base_text_nearest(origin(column), header->names, header->count);
    if (near != NULL) tarn_base_error_hint(error, "is \"%s\" meant?", near);
    return false;
}

static bool match_header(CsvReader *reader, const char *path, const TarnCsvHeader *header,
                         const TarnSourceOptions *options, TarnError *error) {
    reader->field_count = header->count;
    reader->targets = malloc((header->count + 1) * sizeof(*reader->targets));
    if (reader->targets == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < header->count; i++) reader->targets[i] = -1;
    size_t matched = 0;
    for (size_t c = 0; c < reader->column_count; c++) {
        size_t field = 0;
        while (field < header->count &&
               strcasecmp(header->names[field], origin(&reader->columns[c])) != 0) {
            field++;
        }
        if (field < header->count && reader->targets[field] < 0) {
            reader->targets[field] = (int32_t)c;
            matched++;
        } else if (!options->missing_as_null || reader->columns[c].required) {
            return refuse_header(path, &reader->columns[c], header, error);
        }
    }
    if (matched > 0 || reader->column_count == 0) return true;
    return refuse_header(path, &reader->columns[0], header, error);
}

static bool start_reading(CsvReader *reader, const TarnOs *os, const char *path,
                          const TarnSourceOptions *options, TarnError *error) {
    TarnArena arena;
    TarnCsvHeader header;
    TarnInput *input = NULL;
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    bool ok = tarn_source__input_open(os, path, options->compression, &input, error) &&
              tarn_source__pieces_new(input, reader->shape, &reader->pieces, error) &&
              tarn_source__csv_header(reader->pieces, path, &reader->dialect, &reader->shape,
                                      options->columns, options->column_count, &arena, &header,
                                      error) &&
              match_header(reader, path, &header, options, error) &&
              open_slots(reader, options->slots > 0 ? options->slots : 1, error);
    tarn_base_arena_dispose(&arena);
    return ok;
}

bool tarn_source__csv_open(const TarnOs *os, const char *path, const TarnSourceOptions *options,
                           TarnSourceReader *out, TarnError *error) {
    CsvReader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    reader->dialect = options->csv;
    reader->columns = options->columns;
    reader->column_count = options->column_count;
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
