/* One door to all formats: which reader a file gets, and what kind of file it is.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "source/csv_private.h"
#include "source/reader_private.h"

bool tarn_source_reader_open(const TarnOs *os, const char *path, const TarnSourceOptions *options,
                             TarnSourceReader **reader, TarnError *error) {
    *reader = calloc(1, sizeof(**reader));
    if (*reader == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    (*reader)->columns = options->columns;
    (*reader)->column_count = options->column_count;
    bool ok = false;
    switch (options->format) {
    case TARN_FILE_CSV: ok = tarn_source__csv_open(os, path, options, *reader, error); break;
    case TARN_FILE_JSON:
    case TARN_FILE_NDJSON: ok = tarn_source__json_open(os, path, options, *reader, error); break;
    case TARN_FILE_AVRO: ok = tarn_source__avro_open(os, path, options, *reader, error); break;
    default:
        tarn_base_error_set(error, TARN_E_SOURCE_UNREADABLE,
                            "\"%s\" is read by the engine, not row by row", path);
        break;
    }
    if (ok) return true;
    free(*reader);
    *reader = NULL;
    return false;
}

bool tarn_source_reader_next(TarnSourceReader *reader, uint32_t slot, TarnBatch *batch, bool *more,
                             TarnError *error) {
    return reader->vtable->next(reader->state, slot, batch, more, error);
}

bool tarn_source_reader_schema(TarnSourceReader *reader, struct ArrowSchema *schema,
                               TarnError *error) {
    return tarn_source__columns_schema(reader->columns, reader->column_count, schema, error);
}

void tarn_source_reader_close(TarnSourceReader *reader) {
    if (reader == NULL) return;
    reader->vtable->close(reader->state);
    free(reader);
}

/* --- what readers share --- */

void tarn_source__rejects_clear(TarnRejects *rejects) {
    tarn_base_arena_reset(&rejects->arena);
    rejects->items = NULL;
    rejects->count = rejects->capacity = 0;
}

TarnReject *tarn_source__reject_add(TarnRejects *rejects, const char *column, TarnText bytes) {
    TarnReject *reject = TARN_PUSH(&rejects->arena, rejects);
    if (reject == NULL) return NULL;
    reject->column = column;
    reject->bytes.data = tarn_base_arena_copy(&rejects->arena, bytes.data, bytes.size);
    reject->bytes.size = bytes.size;
    return reject;
}

const char *tarn_source__shown(TarnArena *arena, TarnText text, size_t most) {
    TarnText cut = {text.data, text.size < most ? text.size : most};
    cut.size = tarn_base_text_utf8_valid(cut);
    char *copy = tarn_base_text_string(arena, cut);
    for (size_t i = 0; copy != NULL && i < cut.size; i++) {
        if ((unsigned char)copy[i] < 0x20 || copy[i] == 0x7F) copy[i] = ' ';
    }
    return copy != NULL ? copy : "";
}

TarnText tarn_source__folded(TarnText name, TarnArena *arena) {
    char *key = tarn_base_arena_string_n(arena, name.data, name.size);
    for (size_t i = 0; key != NULL && i < name.size; i++) {
        if (key[i] >= 'A' && key[i] <= 'Z') key[i] = (char)(key[i] - 'A' + 'a');
    }
    return (TarnText){key != NULL ? key : "", key != NULL ? name.size : 0};
}

/* --- detection --- */

typedef struct Suffix {
    const char *text;
    TarnFileFormat format;
} Suffix;

static const Suffix suffixes[] = {
    {".csv", TARN_FILE_CSV},       {".tsv", TARN_FILE_CSV},         {".txt", TARN_FILE_CSV},
    {".json", TARN_FILE_JSON},     {".ndjson", TARN_FILE_NDJSON},   {".jsonl", TARN_FILE_NDJSON},
    {".avro", TARN_FILE_AVRO},     {".parquet", TARN_FILE_PARQUET}, {".pq", TARN_FILE_PARQUET},
    {".parq", TARN_FILE_PARQUET},
};

static bool ends_with(TarnText name, const char *suffix) {
    size_t size = strlen(suffix);
    return name.size > size && strncasecmp(name.data + name.size - size, suffix, size) == 0;
}

static void judge_name(TarnText name, TarnFileFormat *format, TarnFileCompression *compression) {
    if (ends_with(name, ".gz")) {
        *compression = TARN_COMPRESSION_GZIP;
        name.size -= 3;
    } else if (ends_with(name, ".zst")) {
        *compression = TARN_COMPRESSION_ZSTD;
        name.size -= 4;
    }
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (ends_with(name, suffixes[i].text)) *format = suffixes[i].format;
    }
}

static TarnFileFormat judge_text(TarnText start) {
    if (tarn_base_text_starts(start, "\xEF\xBB\xBF")) {
        start = (TarnText){start.data + 3, start.size - 3};
    }
    start = tarn_base_text_trim(start);
    if (start.size == 0) return TARN_FILE_CSV;
    if (start.data[0] == '[') return TARN_FILE_JSON;
    if (start.data[0] != '{') return TARN_FILE_CSV;
    /* A line that holds a whole object, followed by another, is NDJSON. */
    const char *newline = memchr(start.data, '\n', start.size);
    if (newline == NULL) return TARN_FILE_JSON;
    TarnText line = tarn_base_text_trim((TarnText){start.data, (size_t)(newline - start.data)});
    return tarn_base_text_ends(line, "}") ? TARN_FILE_NDJSON : TARN_FILE_JSON;
}

static TarnFileCompression judge_magic(TarnText start) {
    if (tarn_base_text_starts(start, "\x1F\x8B")) return TARN_COMPRESSION_GZIP;
    if (tarn_base_text_starts(start, "\x28\xB5\x2F\xFD")) return TARN_COMPRESSION_ZSTD;
    return TARN_COMPRESSION_NONE;
}

static bool read_start(const TarnOs *os, const char *path, TarnFileCompression compression,
                       char *data, size_t size, TarnText *start, TarnError *error) {
    TarnInput *input;
    if (!tarn_source__input_open(os, path, compression, &input, error)) return false;
    bool ok = tarn_source__input_read(input, data, size, &start->size, error);
    tarn_source__input_close(input);
    start->data = data;
    return ok;
}

bool tarn_source_detect(const TarnOs *os, const char *path, TarnFileFormat *format,
                        TarnFileCompression *compression, TarnError *error) {
    char data[4096];
    TarnText start;
    const char *slash = strrchr(path, '/');
    *format = TARN_FILE_UNKNOWN;
    *compression = TARN_COMPRESSION_NONE;
    judge_name(tarn_base_text(slash != NULL ? slash + 1 : path), format, compression);
    if (!read_start(os, path, TARN_COMPRESSION_NONE, data, sizeof(data), &start, error)) {
        return false;
    }
    /* The bytes decide about compression: a name may lie ("x.csv" that is gzip). */
    if (start.size > 0) *compression = judge_magic(start);
    if (tarn_base_text_starts(start, "PAR1")) *format = TARN_FILE_PARQUET;
    if (tarn_base_text_starts(start, "Obj\x01")) *format = TARN_FILE_AVRO;
    bool object_of_lines = *format == TARN_FILE_JSON;
    if (*format != TARN_FILE_UNKNOWN && !object_of_lines) return true;
    if (*compression != TARN_COMPRESSION_NONE &&
        !read_start(os, path, *compression, data, sizeof(data), &start, error)) {
        return false;
    }
    TarnFileFormat judged = judge_text(start);
    if (!object_of_lines || judged == TARN_FILE_NDJSON) *format = judged;
    return true;
}

bool tarn_source_infer(const TarnOs *os, const char *path, TarnFileFormat format,
                       TarnFileCompression compression, const TarnCsvDialect *fixed,
                       TarnArena *arena, TarnSourceGuess *guess, TarnError *error) {
    memset(guess, 0, sizeof(*guess));
    switch (format) {
    case TARN_FILE_CSV:
        return tarn_source__csv_infer(os, path, compression, fixed, arena, guess, error);
    case TARN_FILE_JSON:
    case TARN_FILE_NDJSON:
        return tarn_source__json_infer(os, path, format, compression, arena, guess, error);
    case TARN_FILE_AVRO: return tarn_source__avro_infer(os, path, arena, guess, error);
    default:
        return tarn_base_error_set(error, TARN_E_SOURCE_UNREADABLE,
                                   "\"%s\" says what its columns are itself", path);
    }
}
