/* JSON and NDJSON files as a source.
 *
 * Both are cut into pieces of whole objects, lines of NDJSON and elements of a JSON document, and
 * each object goes straight into the columns (json_value.c). An object that does not fit is
 * refused alone, with the path of what was wrong in it. How the elements of a document are told
 * apart when some are broken is json_split.c's.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "source/json_private.h"
#include "source/piece_private.h"

/* Of a row that is too long. */
#define LONG_BYTES_KEPT TARN_MIB

typedef struct JsonSlot {
    TarnPiece piece;
    size_t at; /* what of the piece was parsed */
    bool in_array;
    bool valid_utf8;
    uint64_t row;
    size_t line_at; /* up to where lines were counted */
    uint64_t line;
    TarnColumnBuilder *builders;
    TarnColumnBuilder *rows;
    TarnRejects rejects;
    TarnDrops drops;
    TarnBuffer unescaped;
} JsonSlot;

typedef struct JsonReader {
    TarnPieces *pieces;
    TarnArena arena; /* the plan */
    TarnJsonPlan *plan;
    bool lines; /* NDJSON */
    bool refuse_extra_fields;
    size_t column_count;
    JsonSlot *slots;
    uint32_t slot_count;
} JsonReader;

/* --- one object --- */

static uint64_t line_of(JsonSlot *slot, size_t at) {
    const uint8_t *data = slot->piece.data;
    while (slot->line_at < at) {
        const uint8_t *newline = memchr(data + slot->line_at, '\n', at - slot->line_at);
        slot->line += newline != NULL;
        slot->line_at = newline != NULL ? (size_t)(newline - data) + 1 : at;
    }
    return slot->line;
}

static void add_reject(JsonSlot *slot, const char *column, const char *reason, size_t at,
                       size_t end) {
    TarnText bytes = {(const char *)slot->piece.data + at, end - at};
    TarnReject *reject = tarn_source__reject_add(&slot->rejects, column, bytes);
    if (reject == NULL) return;
    reject->reason = reason;
    reject->row = slot->row;
    reject->line = line_of(slot, at);
    reject->offset = slot->piece.offset + at;
}

/* What is left of a line, or between the end of an object and that of its element, must be
 * nothing. */
static bool ends_there(TarnJsonRow *row, size_t end) {
    const uint8_t *stop = row->start + end;
    tarn_source__json_spaces(row);
    if (row->at >= stop) return true;
    row->reason = "text follows the object";
    return false;
}

/* One row from `at` to `end`, both in the piece. */
static void read_object(JsonReader *reader, JsonSlot *slot, size_t at, size_t end,
                        size_t *length) {
    const uint8_t *data = slot->piece.data;
    TarnJsonRow row = {.at = data + at,
                       .start = data + at,
                       .end = data + end,
                       .arena = &slot->rejects.arena,
                       .unescaped = &slot->unescaped,
                       .valid_utf8 = slot->valid_utf8,
                       .refuse_extra_fields = reader->refuse_extra_fields,
                       .drops = &slot->drops};
    tarn_source__json_spaces(&row);
    bool good = tarn_source__json_read_row(&row, reader->plan, slot->builders) &&
                ends_there(&row, end - at);
    if (good) {
        int64_t number = (int64_t)slot->row;
        tarn_source__builder_fixed(slot->rows, &number, 8);
        tarn_source__drops_keep(&slot->drops);
        ++*length;
    } else {
        tarn_source__drops_forget(&slot->drops);
        for (size_t i = 0; i < reader->column_count; i++) {
            tarn_source__builder_truncate(&slot->builders[i], *length);
        }
        add_reject(slot, row.column, tarn_source__json_reason(&row), at, end);
    }
    slot->row++;
}

/* --- one piece --- */

static void read_lines(JsonReader *reader, JsonSlot *slot) {
    const TarnPiece *piece = &slot->piece;
    size_t length = 0;
    while (slot->at < piece->size && slot->rejects.count < TARN_SOURCE_REJECTS_MAX) {
        size_t at = slot->at;
        const uint8_t *newline = memchr(piece->data + at, '\n', piece->size - at);
        size_t end = newline != NULL ? (size_t)(newline - piece->data) + 1 : piece->size;
        size_t size = end - at;
        bool blank = newline != NULL && (size == 1 || (size == 2 && piece->data[at] == '\r'));
        if (!blank) read_object(reader, slot, at, end, &length);
        slot->at = end;
    }
}

static void read_elements(JsonReader *reader, JsonSlot *slot) {
    const TarnPiece *piece = &slot->piece;
    size_t length = 0;
    while (slot->rejects.count < TARN_SOURCE_REJECTS_MAX) {
        size_t at = tarn_source__json_separators(piece->data, piece->size, slot->at,
                                                 &slot->in_array);
        size_t end = piece->size;
        slot->at = at;
        if (at == piece->size) return;
        if (tarn_source__json_element(piece->data, piece->size, at, &end) == TARN_ELEMENT_CUT) {
            end = piece->size;
        }
        read_object(reader, slot, at, end, &length);
        slot->at = end;
    }
}

static void refuse_too_long(JsonReader *reader, JsonSlot *slot) {
    size_t kept = slot->piece.size < LONG_BYTES_KEPT ? slot->piece.size : LONG_BYTES_KEPT;
    add_reject(slot, NULL,
               reader->lines ? "the row is longer than 64 MB; its first MB is kept"
                             : "the element has no end within 64 MB; its first MB is kept, and "
                               "the rest of the file is not read",
               0, kept);
    slot->at = slot->piece.size;
}

_Static_assert(TARN_LIMIT_FIELD_BYTES == 64 * 1024 * 1024, "the texts above say 64 MB");

static bool take_piece(JsonReader *reader, JsonSlot *slot, bool *more, TarnError *error) {
    *more = true;
    if (slot->at < slot->piece.size) return true;
    if (!tarn_source__pieces_next(reader->pieces, &slot->piece, more, error)) return false;
    slot->at = slot->line_at = 0;
    if (!*more) slot->piece.size = 0;
    slot->in_array = slot->piece.in_array;
    slot->row = slot->piece.row;
    slot->line = slot->piece.line;
    TarnText text = {(const char *)slot->piece.data, slot->piece.size};
    slot->valid_utf8 = *more && tarn_base_text_utf8_valid(text) == text.size;
    return true;
}

static bool json_next(void *state, uint32_t slot_index, TarnBatch *batch, bool *more,
                      TarnError *error) {
    JsonReader *reader = state;
    JsonSlot *slot = &reader->slots[slot_index];
    tarn_source__rejects_clear(&slot->rejects);
    if (!tarn_os_interrupt_check(error)) return false;
    if (!take_piece(reader, slot, more, error)) return false;
    if (!*more) return true;
    size_t start = slot->at;
    if (slot->piece.unclosed) {
        add_reject(slot, NULL, "the file ends inside of its array: it may have been cut off", 0,
                   0);
    } else if (slot->piece.too_long) {
        refuse_too_long(reader, slot);
    } else if (reader->lines) {
        read_lines(reader, slot);
    } else {
        read_elements(reader, slot);
    }
    if (slot->unescaped.failed || tarn_base_arena_failed(&slot->rejects.arena)) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "out of memory while reading JSON");
    }
    batch->piece = slot->piece.number;
    batch->bytes = slot->at - start;
    batch->rejects = slot->rejects.items;
    batch->reject_count = slot->rejects.count;
    return tarn_source__builders_export(slot->builders, reader->column_count, slot->rows,
                                        &batch->array, error);
}

static const TarnDrops *json_drops(void *state, uint32_t slot) {
    JsonReader *reader = state;
    return slot < reader->slot_count ? &reader->slots[slot].drops : NULL;
}

static void json_close(void *state) {
    JsonReader *reader = state;
    for (uint32_t i = 0; reader->slots != NULL && i < reader->slot_count; i++) {
        JsonSlot *slot = &reader->slots[i];
        tarn_source__piece_dispose(&slot->piece);
        tarn_source__builders_free(slot->builders, reader->column_count);
        tarn_source__builders_free(slot->rows, 1);
        tarn_base_arena_dispose(&slot->rejects.arena);
        tarn_base_buffer_dispose(&slot->unescaped);
    }
    tarn_source__pieces_free(reader->pieces);
    tarn_base_arena_dispose(&reader->arena);
    free(reader->slots);
    free(reader);
}

static const TarnReaderVtable json_vtable = {
    .next = json_next, .drops = json_drops, .close = json_close};

/* --- opening --- */

static bool open_slots(JsonReader *reader, const TarnSourceOptions *options, TarnError *error) {
    uint32_t count = options->slots > 0 ? options->slots : 1;
    reader->slots = calloc(count, sizeof(*reader->slots));
    reader->plan = tarn_source__json_plan(options->columns, options->column_count,
                                          &reader->arena);
    bool ok = reader->slots != NULL && !tarn_base_arena_failed(&reader->arena);
    reader->slot_count = reader->slots != NULL ? count : 0;
    for (uint32_t i = 0; ok && i < count; i++) {
        JsonSlot *slot = &reader->slots[i];
        tarn_base_arena_init(&slot->rejects.arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
        tarn_base_buffer_init(&slot->unescaped, TARN_LIMIT_FIELD_BYTES);
        slot->builders = tarn_source__builders_new(options->columns, options->column_count);
        slot->rows = tarn_source__builders_new(&tarn_source__row_column, 1);
        ok = slot->builders != NULL && slot->rows != NULL;
    }
    return ok || tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
}

bool tarn_source__json_pieces(const TarnOs *os, const char *path, TarnFileFormat format,
                              TarnFileCompression compression, size_t piece_bytes,
                              TarnPieces **pieces, TarnError *error) {
    TarnInput *input = NULL;
    TarnRecordShape shape = {.newline = '\n', .json = format == TARN_FILE_JSON};
    TarnText start;
    bool whole;
    size_t bom = 0;
    uint8_t newline;
    if (!tarn_source__input_open(os, path, compression, &input, error) ||
        !tarn_source__pieces_new(input, shape, piece_bytes, pieces, error)) {
        return false;
    }
    bool ok = tarn_source__pieces_peek(*pieces, 4, &start, &whole, error) &&
              tarn_source__csv_start(start, path, &bom, &newline, error);
    if (ok) {
        tarn_source__pieces_drop(*pieces, bom, 0);
        return true;
    }
    tarn_source__pieces_free(*pieces);
    *pieces = NULL;
    return false;
}

bool tarn_source__json_open(const TarnOs *os, const char *path, const TarnSourceOptions *options,
                            TarnSourceReader *out, TarnError *error) {
    JsonReader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    reader->lines = options->format == TARN_FILE_NDJSON;
    reader->refuse_extra_fields = options->refuse_extra_fields;
    reader->column_count = options->column_count;
    tarn_base_arena_init(&reader->arena, 64 * TARN_MIB);
    if (!tarn_source__json_pieces(os, path, options->format, options->compression,
                                  options->piece_bytes, &reader->pieces, error) ||
        !open_slots(reader, options, error)) {
        json_close(reader);
        return false;
    }
    out->vtable = &json_vtable;
    out->state = reader;
    return true;
}
