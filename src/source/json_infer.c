/* Guessing at JSON: the columns that the objects of a sample have.
 *
 * Each sampled object is parsed into a tree and folded into a tree of guesses. A field is the
 * narrowest type that reads all of its values: whole numbers and fractions are double, unless a
 * whole number would lose digits; texts are dates or timestamps if the parsers that will read
 * them say so; objects are structs, however much their names vary; what is mixed, and what is
 * always null, is text (JSON text where it is not text itself).
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "source/json_private.h"
#include "source/piece_private.h"

/* How much of a file is looked at. */
#define SAMPLE_BYTES (16 * TARN_MIB)

enum {
    SAW_BOOL = 1 << 0,
    SAW_LONG = 1 << 1,
    SAW_REAL = 1 << 2,
    SAW_WIDE = 1 << 3, /* a whole number that a double would change */
    SAW_HUGE = 1 << 4, /* a number that nothing but text keeps */
    SAW_TEXT = 1 << 5,
    SAW_LIST = 1 << 6,
    SAW_OBJECT = 1 << 7
};

enum {
    FITS_DATE = 1 << 0,
    FITS_TIMESTAMP = 1 << 1,
    FITS_TIMESTAMPTZ = 1 << 2,
    FITS_TIME = 1 << 3,
    FITS_ALL = (1 << 4) - 1
};

typedef struct Guess Guess;
struct Guess {
    const char *name; /* as in the file */
    unsigned saw;
    unsigned text_fits;
    Guess *element; /* SAW_LIST; NULL = all were empty */
    Guess **items;  /* SAW_OBJECT: fields in the order they were first seen */
    size_t count;
    size_t capacity;
    TarnMap fields;
};

typedef struct Inference {
    TarnArena *arena;   /* of the caller */
    TarnArena guesses;
    TarnArena scratch;  /* one object's tree */
    size_t field_count; /* in all */
    Guess root;
    uint64_t rows;
} Inference;

static unsigned judge_text(TarnText text, unsigned possible) {
    unsigned fits = 0;
    int32_t days;
    int64_t us;
    bool has_zone;
    if ((possible & FITS_DATE) && tarn_source__text_date(text, NULL, &days) == TARN_TEXT_FITS) {
        fits |= FITS_DATE;
    }
    if ((possible & (FITS_TIMESTAMP | FITS_TIMESTAMPTZ)) &&
        tarn_source__text_timestamp(text, NULL, &us, &has_zone) == TARN_TEXT_FITS) {
        fits |= has_zone ? FITS_TIMESTAMPTZ : FITS_TIMESTAMP;
    }
    if ((possible & FITS_TIME) && tarn_source__text_time(text, &us) == TARN_TEXT_FITS) {
        fits |= FITS_TIME;
    }
    return fits & possible;
}

static unsigned judge_number(const TarnJson *value) {
    int64_t whole;
    double real;
    bool fraction = false;
    size_t digits = 0;
    for (size_t i = 0; i < value->text.size; i++) {
        char c = value->text.data[i];
        fraction = fraction || c == '.' || c == 'e' || c == 'E';
        digits += c >= '0' && c <= '9';
    }
    if (!fraction && tarn_base_json_int64(value, &whole)) {
        bool kept = whole <= INT64_C(9007199254740992) && whole >= -INT64_C(9007199254740992);
        return kept ? SAW_LONG : SAW_LONG | SAW_WIDE;
    }
    if (fraction && digits <= 17 && tarn_base_json_double(value, &real)) return SAW_REAL;
    return SAW_HUGE;
}

static void init_guess(Guess *guess, const char *name, TarnArena *arena) {
    guess->name = name;
    guess->text_fits = FITS_ALL;
    tarn_base_map_init(&guess->fields, arena);
}

static void add_value(Inference *inference, Guess *guess, const TarnJson *value);

static Guess *field_of(Inference *inference, Guess *guess, TarnText name) {
    Guess *field = tarn_base_map_get(&guess->fields, name);
    if (field != NULL) return field;
    TarnArena *arena = &inference->guesses;
    char *kept = tarn_base_text_string(arena, name);
    field = TARN_NEW(arena, Guess);
    Guess **item = TARN_PUSH(arena, guess);
    if (kept == NULL || field == NULL || item == NULL) return NULL;
    init_guess(field, kept, arena);
    *item = field;
    inference->field_count++;
    tarn_base_map_put(&guess->fields, (TarnText){kept, name.size}, field);
    return field;
}

static void add_object(Inference *inference, Guess *guess, const TarnJson *object) {
    TARN_JSON_EACH(member, object) {
        if (inference->field_count > TARN_LIMIT_COLUMNS) return;
        Guess *field = field_of(inference, guess, member->key);
        if (field != NULL) add_value(inference, field, member);
    }
}

static void add_value(Inference *inference, Guess *guess, const TarnJson *value) {
    switch (value->kind) {
    case TARN_JSON_NULL: return;
    case TARN_JSON_BOOL: guess->saw |= SAW_BOOL; return;
    case TARN_JSON_NUMBER: guess->saw |= judge_number(value); return;
    case TARN_JSON_STRING:
        guess->saw |= SAW_TEXT;
        guess->text_fits = judge_text(value->text, guess->text_fits);
        return;
    case TARN_JSON_ARRAY:
        guess->saw |= SAW_LIST;
        if (guess->element == NULL && value->count > 0) {
            guess->element = TARN_NEW(&inference->guesses, Guess);
            if (guess->element == NULL) return;
            init_guess(guess->element, "element", &inference->guesses);
        }
        TARN_JSON_EACH(item, value) add_value(inference, guess->element, item);
        return;
    case TARN_JSON_OBJECT:
        guess->saw |= SAW_OBJECT;
        add_object(inference, guess, value);
        return;
    }
}

/* --- guesses -> columns --- */

static TarnTypeKind text_kind(unsigned fits) {
    if (fits & FITS_DATE) return TARN_TYPE_DATE;
    if (fits & FITS_TIMESTAMP) return TARN_TYPE_TIMESTAMP;
    if (fits & FITS_TIMESTAMPTZ) return TARN_TYPE_TIMESTAMPTZ;
    return fits & FITS_TIME ? TARN_TYPE_TIME : TARN_TYPE_STRING;
}

static TarnTypeKind kind_of(const Guess *guess) {
    switch (guess->saw) {
    case SAW_BOOL: return TARN_TYPE_BOOLEAN;
    case SAW_LONG:
    case SAW_LONG | SAW_WIDE: return TARN_TYPE_LONG;
    case SAW_REAL:
    case SAW_REAL | SAW_LONG: return TARN_TYPE_DOUBLE;
    case SAW_TEXT: return text_kind(guess->text_fits);
    case SAW_LIST: return TARN_TYPE_LIST;
    case SAW_OBJECT: return guess->count > 0 ? TARN_TYPE_STRUCT : TARN_TYPE_STRING;
    default: return TARN_TYPE_STRING;
    }
}

static void make_column(const Guess *guess, TarnColumn *column, TarnArena *arena);

static TarnColumn *make_fields(const Guess *guess, TarnArena *arena) {
    TarnColumn *columns = TARN_NEW_ARRAY(arena, guess->count + 1, TarnColumn);
    const char **origins = TARN_NEW_ARRAY(arena, guess->count + 1, const char *);
    for (size_t i = 0; origins != NULL && i < guess->count; i++) {
        origins[i] = tarn_base_arena_string(arena, guess->items[i]->name);
    }
    const char **names = origins != NULL && !tarn_base_arena_failed(arena)
                             ? tarn_source__unique_names(origins, guess->count, arena)
                             : NULL;
    for (size_t i = 0; columns != NULL && names != NULL && i < guess->count; i++) {
        make_column(guess->items[i], &columns[i], arena);
        columns[i].name = names[i];
        columns[i].origin = origins[i];
    }
    return columns;
}

static void make_column(const Guess *guess, TarnColumn *column, TarnArena *arena) {
    column->type.kind = kind_of(guess);
    if (column->type.kind == TARN_TYPE_STRUCT) {
        column->children = make_fields(guess, arena);
        column->child_count = guess->count;
    } else if (column->type.kind == TARN_TYPE_LIST) {
        column->children = TARN_NEW_ARRAY(arena, 1, TarnColumn);
        if (column->children == NULL) return;
        column->child_count = 1;
        column->children[0].name = "element";
        column->children[0].type.kind = TARN_TYPE_STRING;
        if (guess->element != NULL) make_column(guess->element, &column->children[0], arena);
    }
}

/* --- the sample --- */

static void add_row(Inference *inference, TarnText text) {
    TarnJson *root = NULL;
    TarnError ignored; /* a row that cannot be read says nothing about those that can */
    tarn_base_arena_reset(&inference->scratch);
    if (!tarn_base_json_parse(text, NULL, &inference->scratch, &root, &ignored) ||
        root->kind != TARN_JSON_OBJECT) {
        return;
    }
    inference->rows++;
    add_object(inference, &inference->root, root);
}

static void add_piece(Inference *inference, const TarnPiece *piece, bool lines) {
    const uint8_t *data = piece->data;
    bool in_array = piece->in_array;
    for (size_t at = 0; at < piece->size;) {
        size_t end = piece->size;
        if (lines) {
            const uint8_t *newline = memchr(data + at, '\n', piece->size - at);
            if (newline != NULL) end = (size_t)(newline - data) + 1;
        } else {
            at = tarn_source__json_separators(data, piece->size, at, &in_array);
            if (at == piece->size) return;
            if (tarn_source__json_element(data, piece->size, at, &end) == TARN_ELEMENT_CUT) return;
        }
        add_row(inference, (TarnText){(const char *)data + at, end - at});
        at = end;
    }
}

static bool read_sample(Inference *inference, TarnPieces *pieces, bool lines, TarnError *error) {
    TarnPiece piece = {0};
    bool more = true;
    bool ok = true;
    size_t seen = 0;
    while (ok && seen < SAMPLE_BYTES) {
        ok = tarn_os_interrupt_check(error) &&
             tarn_source__pieces_next(pieces, &piece, &more, error);
        if (!ok || !more) break;
        if (!piece.too_long) add_piece(inference, &piece, lines);
        seen += piece.size;
    }
    tarn_source__piece_dispose(&piece);
    return ok && tarn_base_arena_check(&inference->guesses, error);
}

/* Lines of a later part of the file. */
static void sample_window(void *state, TarnText lines) {
    while (lines.data != NULL && lines.size > 0) {
        TarnText rest;
        add_row(state, tarn_base_text_split(lines, '\n', &rest));
        lines = rest;
    }
}

static bool finish(Inference *inference, const char *path, TarnSourceGuess *guess,
                   TarnError *error) {
    if (inference->rows == 0) {
        return tarn_base_error_set(error, TARN_E_SOURCE_UNREADABLE,
                                   "cannot infer columns: \"%s\" has no JSON object at its start",
                                   path);
    }
    if (inference->field_count > TARN_LIMIT_COLUMNS) {
        tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                            "the objects of \"%s\" have more than %d different fields", path,
                            TARN_LIMIT_COLUMNS);
        return tarn_base_error_hint(error, "give a schema in which they are a map");
    }
    guess->columns = make_fields(&inference->root, inference->arena);
    guess->column_count = inference->root.count;
    guess->sampled_rows = inference->rows;
    return tarn_base_arena_check(inference->arena, error);
}

bool tarn_source__json_infer(const TarnOs *os, const char *path, TarnFileFormat format,
                             TarnFileCompression compression, TarnArena *arena,
                             TarnSourceGuess *guess, TarnError *error) {
    TarnPieces *pieces;
    Inference inference = {.arena = arena};
    if (!tarn_source__json_pieces(os, path, format, compression, 0, &pieces, error)) return false;
    tarn_base_arena_init(&inference.guesses, 256 * TARN_MIB);
    tarn_base_arena_init(&inference.scratch, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    init_guess(&inference.root, "", &inference.guesses);
    bool lines = format == TARN_FILE_NDJSON;
    bool ok = read_sample(&inference, pieces, lines, error);
    if (ok && lines && compression == TARN_COMPRESSION_NONE) {
        ok = tarn_source__input_windows(os, path, SAMPLE_BYTES, '\n', sample_window, &inference,
                                        error);
    }
    ok = ok && tarn_base_arena_check(&inference.guesses, error) &&
         finish(&inference, path, guess, error);
    tarn_base_arena_dispose(&inference.scratch);
    tarn_base_arena_dispose(&inference.guesses);
    tarn_source__pieces_free(pieces);
    return ok;
}
