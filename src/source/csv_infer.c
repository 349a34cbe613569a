/* Guessing at a CSV file: dialect, header, null markers and column types, from a sample.
 *
 * Types are judged by the very parsers that will read the file, so what was inferred reads. A
 * column is the narrowest of boolean, long, double, date, timestamp, timestamptz, time that every
 * sampled value fits; numbers with leading zeros (post codes) and numbers a double would change
 * stay text. A marker such as "NA" is a null only in columns that are otherwise not text, since
 * it may be a country among names.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "source/csv_private.h"
#include "source/text_value_private.h"

/* The whole file up to this size is looked at, and that much of a larger one. */
#define SAMPLE_BYTES (16 * TARN_MIB)
#define DIALECT_RECORDS 500

enum {
    FITS_BOOL = 1 << 0,
    FITS_LONG = 1 << 1,
    FITS_DOUBLE = 1 << 2,
    FITS_DATE = 1 << 3,
    FITS_TIMESTAMP = 1 << 4,
    FITS_TIMESTAMPTZ = 1 << 5,
    FITS_TIME = 1 << 6,
    FITS_ALL = (1 << 7) - 1
};

static const char *const markers[] = {"NA", "N/A", "NULL", "null", "\\N", "None", "NaN", "nan",
                                      "-"};
#define MARKER_COUNT (sizeof(markers) / sizeof(markers[0]))

typedef struct ColumnGuess {
    unsigned fits;
    uint64_t values;
    unsigned markers_seen; /* bit per marker */
} ColumnGuess;

static bool same_word(TarnText text, const char *word) { return tarn_base_text_is(text, word); }

static bool is_bool_word(TarnText text) {
    return same_word(text, "true") || same_word(text, "false") || same_word(text, "TRUE") ||
           same_word(text, "FALSE") || same_word(text, "True") || same_word(text, "False");
}

static bool has_leading_zero(TarnText text) {
    size_t i = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+');
    return text.size > i + 1 && text.data[i] == '0' && text.data[i + 1] >= '0' &&
           text.data[i + 1] <= '9';
}

/* More digits than a double holds: reading it as one would change it. */
static bool too_precise(TarnText text) {
    size_t digits = 0;
    bool leading = true;
    for (size_t i = 0; i < text.size && text.data[i] != 'e' && text.data[i] != 'E'; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') continue;
        if (leading && text.data[i] == '0') continue;
        leading = false;
        digits++;
    }
    return digits > 17;
}

static unsigned judge_number(TarnText text) {
    int64_t whole;
    double real;
    unsigned fits = 0;
    if (has_leading_zero(text)) return 0;
    if (tarn_source__text_int64(text, &whole) == TARN_TEXT_FITS) fits |= FITS_LONG;
    bool word = memchr("nNiI", text.data[text.data[0] == '-' && text.size > 1], 4) != NULL;
    if (!word && !too_precise(text) && tarn_source__text_double(text, &real) == TARN_TEXT_FITS) {
        fits |= FITS_DOUBLE;
    }
    return fits;
}

static unsigned judge(const TarnCsvDialect *dialect, TarnText text, unsigned possible) {
    unsigned fits = 0;
    int32_t days;
    int64_t us;
    bool has_zone;
    text = tarn_base_text_trim(text);
    if (text.size == 0) return possible;
    if ((possible & FITS_BOOL) && is_bool_word(text)) fits |= FITS_BOOL;
    if (possible & (FITS_LONG | FITS_DOUBLE)) fits |= judge_number(text);
    if ((possible & FITS_DATE) &&
        tarn_source__text_date(text, dialect->date_format, &days) == TARN_TEXT_FITS) {
        fits |= FITS_DATE;
    }
    if ((possible & (FITS_TIMESTAMP | FITS_TIMESTAMPTZ)) &&
        tarn_source__text_timestamp(text, dialect->timestamp_format, &us, &has_zone) ==
            TARN_TEXT_FITS) {
        fits |= has_zone ? FITS_TIMESTAMPTZ : FITS_TIMESTAMP;
    }
    if ((possible & FITS_TIME) && tarn_source__text_time(text, &us) == TARN_TEXT_FITS) {
        fits |= FITS_TIME;
    }
    return fits & possible;
}

static void add_value(const TarnCsvDialect *dialect, TarnText text, bool quoted,
                      ColumnGuess *guess) {
    if (text.size == 0) return;
    for (size_t i = 0; i < MARKER_COUNT && !quoted; i++) {
        if (same_word(text, markers[i])) {
            guess->markers_seen |= 1U << i;
            return;
        }
    }
    for (size_t i = 0; i < dialect->null_text_count; i++) {
        if (same_word(text, dialect->null_texts[i])) return;
    }
    guess->values++;
    if (guess->fits != 0) guess->fits = judge(dialect, text, guess->fits);
}

static TarnTypeKind narrowest(const ColumnGuess *guess) {
    if (guess->values == 0) return TARN_TYPE_STRING;
    if (guess->fits & FITS_BOOL) return TARN_TYPE_BOOLEAN;
    if (guess->fits & FITS_LONG) return TARN_TYPE_LONG;
    if (guess->fits & FITS_DOUBLE) return TARN_TYPE_DOUBLE;
    if (guess->fits & FITS_DATE) return TARN_TYPE_DATE;
    if (guess->fits & FITS_TIMESTAMP) return TARN_TYPE_TIMESTAMP;
    if (guess->fits & FITS_TIMESTAMPTZ) return TARN_TYPE_TIMESTAMPTZ;
    if (guess->fits & FITS_TIME) return TARN_TYPE_TIME;
    return TARN_TYPE_STRING;
}

/* --- dialect --- */

static size_t skip_lines(TarnText data, size_t at, uint8_t newline, uint32_t count) {
    for (; count > 0 && at < data.size; count--) {
        const char *found = memchr(data.data + at, newline, data.size - at);
        at = found != NULL ? (size_t)(found - data.data) + 1 : data.size;
    }
    return at;
}

typedef struct Score {
    size_t width;    /* the most frequent number of fields */
    double agreeing; /* share of records with it */
} Score;

static Score score_delimiter(TarnText data, size_t at, TarnRecordShape shape) {
    size_t widths[64] = {0};
    size_t records = 0;
    TarnArena arena;
    TarnCsvFields fields = {0};
    uint64_t lines;
    tarn_base_arena_init(&arena, 256 * TARN_MIB);
    while (records < DIALECT_RECORDS &&
           tarn_source__csv_record(data, at, shape, &arena, &fields, &at, &lines)) {
        if (fields.count == 1 && fields.items[0].size == 0) continue;
        widths[fields.count < 64 ? fields.count : 63]++;
        records++;
    }
    Score score = {.width = 1};
    for (size_t i = 1; i < 64; i++) {
        if (widths[i] > widths[score.width]) score.width = i;
    }
    score.agreeing = records > 0 ? (double)widths[score.width] / (double)records : 0;
    tarn_base_arena_dispose(&arena);
    return score;
}

static char find_delimiter(TarnText data, size_t at, TarnRecordShape shape) {
    static const char candidates[] = {',', ';', '\t', '|'};
    char best = ',';
    double best_value = 0;
    for (size_t i = 0; i < sizeof(candidates); i++) {
        shape.delimiter = (uint8_t)candidates[i];
        Score score = score_delimiter(data, at, shape);
        if (score.width < 2 || score.agreeing < 0.5) continue;
        double value = score.agreeing * 1000 + (double)score.width;
        if (value > best_value) {
            best_value = value;
            best = candidates[i];
        }
    }
    return best;
}

/* A first record that has a number or a date is data. Empty fields prove nothing: an index column
 * is often written without a name. */
static bool looks_like_header(const TarnCsvDialect *dialect, const TarnCsvFields *first) {
    size_t named = 0;
    for (size_t i = 0; i < first->count; i++) {
        if (tarn_base_text_trim(first->items[i]).size == 0) continue;
        if (judge(dialect, first->items[i], FITS_ALL) != 0) return false;
        named++;
    }
    return named > 0;
}

/* --- columns --- */

typedef struct Inference {
    const TarnOs *os;
    const char *path;
    TarnFileCompression compression;
    bool is_cut; /* the sample is not the whole file */
    TarnText sample;
    TarnRecordShape shape;
    TarnArena *arena;   /* for what is returned */
    TarnArena scratch;  /* for fields of samples */
    TarnSourceGuess *guess;
    ColumnGuess *columns;
} Inference;

static void sample_rows(Inference *inference, size_t at) {
    TarnCsvFields fields = {0};
    uint64_t lines;
    size_t width = inference->guess->column_count;
    while (tarn_source__csv_record(inference->sample, at, inference->shape, &inference->scratch,
                                   &fields, &at, &lines)) {
        if (fields.count != width) continue;
        for (size_t i = 0; i < width; i++) {
            add_value(&inference->guess->csv, fields.items[i], fields.quoted[i],
                      &inference->columns[i]);
        }
        inference->guess->sampled_rows++;
    }
}

/* Lines of a later part of the file. */
static void sample_window(void *state, TarnText lines) {
    Inference *inference = state;
    TarnText first = inference->sample;
    inference->sample = lines;
    sample_rows(inference, 0);
    inference->sample = first;
}

static bool sample_later(Inference *inference, TarnError *error) {
    if (!inference->is_cut || inference->compression != TARN_COMPRESSION_NONE) return true;
    return tarn_source__input_windows(inference->os, inference->path, inference->sample.size,
                                      inference->shape.newline, sample_window, inference, error);
}

static void adopt_markers(Inference *inference) {
    unsigned seen = 0;
    TarnSourceGuess *guess = inference->guess;
    for (size_t i = 0; i < guess->column_count; i++) {
        if (narrowest(&inference->columns[i]) != TARN_TYPE_STRING) {
            seen |= inference->columns[i].markers_seen;
        }
    }
    const char **texts = TARN_NEW_ARRAY(inference->arena, MARKER_COUNT + 1, const char *);
    size_t count = 0;
    for (size_t i = 0; texts != NULL && i < MARKER_COUNT; i++) {
        if (seen & (1U << i)) texts[count++] = markers[i];
    }
    guess->csv.typed_null_texts = texts;
    guess->csv.typed_null_text_count = count;
}

static bool name_columns(Inference *inference, const TarnCsvFields *first, TarnError *error) {
    TarnSourceGuess *guess = inference->guess;
    TarnArena *arena = inference->arena;
    const char **origins = TARN_NEW_ARRAY(arena, first->count + 1, const char *);
    for (size_t i = 0; origins != NULL && i < first->count; i++) {
        TarnText name = guess->csv.header ? tarn_base_text_trim(first->items[i]) : TARN_TEXT("");
        origins[i] = tarn_base_text_string(arena, name);
    }
    const char **names = origins != NULL
                             ? tarn_source__unique_names(origins, first->count, arena)
                             : NULL;
    for (size_t i = 0; names != NULL && i < first->count; i++) {
        guess->columns[i].name = names[i];
        guess->columns[i].origin = guess->csv.header ? origins[i] : names[i];
    }
    return tarn_base_arena_check(arena, error);
}

static bool infer_columns(Inference *inference, size_t at, TarnError *error) {
    TarnSourceGuess *guess = inference->guess;
    TarnCsvFields first = {0};
    size_t data_at = at;
    uint64_t lines;
    if (!tarn_source__csv_record(inference->sample, at, inference->shape, inference->arena, &first,
                                 &data_at, &lines)) {
        return tarn_base_error_set(error, TARN_E_SOURCE_UNREADABLE,
                                   "cannot infer columns: the file is empty");
    }
    if (first.count > TARN_LIMIT_COLUMNS) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "the file has %zu columns, more than %d", first.count,
                                   TARN_LIMIT_COLUMNS);
    }
    guess->column_count = first.count;
    guess->columns = TARN_NEW_ARRAY(inference->arena, first.count + 1, TarnColumn);
    inference->columns = TARN_NEW_ARRAY(inference->arena, first.count + 1, ColumnGuess);
    if (!tarn_base_arena_check(inference->arena, error)) return false;
    for (size_t i = 0; i < first.count; i++) inference->columns[i].fits = FITS_ALL;
    sample_rows(inference, guess->csv.header ? data_at : at);
    if (!sample_later(inference, error)) return false;
    if (!name_columns(inference, &first, error)) return false;
    for (size_t i = 0; i < first.count; i++) {
        guess->columns[i].type.kind = narrowest(&inference->columns[i]);
    }
    adopt_markers(inference);
    return tarn_base_arena_check(inference->arena, error) &&
           tarn_base_arena_check(&inference->scratch, error);
}

static bool infer_sample(Inference *inference, const char *path, const TarnCsvDialect *fixed,
                         TarnError *error) {
    size_t at;
    TarnCsvDialect *dialect = &inference->guess->csv;
    if (!tarn_source__csv_start(inference->sample, path, &at, &inference->shape.newline, error)) {
        return false;
    }
    *dialect = fixed != NULL ? *fixed : (TarnCsvDialect){.quote = '"', .header = true};
    at = skip_lines(inference->sample, at, inference->shape.newline, dialect->skip_lines);
    inference->shape.quote = (uint8_t)dialect->quote;
    inference->shape.escape = (uint8_t)dialect->escape;
    if (dialect->delimiter == '\0') {
        dialect->delimiter = find_delimiter(inference->sample, at, inference->shape);
    }
    inference->shape.delimiter = (uint8_t)dialect->delimiter;
    if (fixed == NULL) {
        TarnCsvFields first = {0};
        size_t end;
        uint64_t lines;
        dialect->header = tarn_source__csv_record(inference->sample, at, inference->shape,
                                                  &inference->scratch, &first, &end, &lines) &&
                          looks_like_header(dialect, &first);
    }
    return infer_columns(inference, at, error);
}

/* Room for the sample: no more than the file is long, where that is known. */
static size_t sample_size(const TarnOs *os, const char *path, TarnFileCompression compression) {
    TarnOsStat stat;
    bool known = compression == TARN_COMPRESSION_NONE && os->stat(os, path, true, &stat, NULL);
    return known && stat.kind == TARN_OS_FILE && stat.size < SAMPLE_BYTES ? (size_t)stat.size + 1
                                                                          : SAMPLE_BYTES;
}

bool tarn_source__csv_infer(const TarnOs *os, const char *path, TarnFileCompression compression,
                            const TarnCsvDialect *fixed, TarnArena *arena, TarnSourceGuess *guess,
                            TarnError *error) {
    TarnInput *input = NULL;
    size_t size = 0;
    size_t room = sample_size(os, path, compression);
    char *sample = malloc(room);
    if (sample == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    Inference inference = {.os = os, .path = path, .compression = compression,
                           .arena = arena, .guess = guess};
    tarn_base_arena_init(&inference.scratch, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok = tarn_source__input_open(os, path, compression, &input, error) &&
              tarn_source__input_read(input, sample, room, &size, error);
    if (ok) {
        /* What is kept of the sample (names) is copied; fields die with it. A cut
         * last record has a wrong width or a wrong value: the last newline ends the sample. */
        inference.sample = (TarnText){sample, size};
        const char *last = size == room ? memrchr(sample, '\n', size) : NULL;
        inference.is_cut = last != NULL;
        if (last != NULL) inference.sample.size = (size_t)(last - sample) + 1;
        ok = infer_sample(&inference, path, fixed, error);
    }
    tarn_source__input_close(input);
    tarn_base_arena_dispose(&inference.scratch);
    free(sample);
    return ok;
}
