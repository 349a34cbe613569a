/* Cutting a text file into pieces of whole records. See the header for the idea.
 *
 * State kept between pieces is the tail that did not make a whole record. A record that grows
 * beyond TARN_LIMIT_FIELD_BYTES has lost its closing quote: its first line alone is cut off, so
 * that the rest of the file is read and that line can be refused.
 */
#include "source/piece_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "source/scan_private.h"

struct TarnPieces {
    TarnInput *input;
    TarnRecordShape shape;
    pthread_mutex_t mutex;
    uint8_t *tail; /* read, not yet given out */
    size_t tail_at;
    size_t tail_size;
    size_t tail_capacity;
    bool ended;  /* the input has no more bytes */
    bool failed; /* an error was returned: no more pieces */
    uint64_t offset;
    uint64_t line;
    uint64_t row;
    uint64_t number;
};

bool tarn_source__pieces_new(TarnInput *input, TarnRecordShape shape, TarnPieces **pieces,
                             TarnError *error) {
    *pieces = calloc(1, sizeof(**pieces));
    if (*pieces == NULL) {
        tarn_source__input_close(input);
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    }
    (*pieces)->input = input;
    (*pieces)->shape = shape;
    (*pieces)->line = 1;
    (*pieces)->row = 1;
    pthread_mutex_init(&(*pieces)->mutex, NULL);
    return true;
}

void tarn_source__pieces_shape(TarnPieces *pieces, TarnRecordShape shape) {
    pieces->shape = shape;
}

void tarn_source__pieces_free(TarnPieces *pieces) {
    if (pieces == NULL) return;
    tarn_source__input_close(pieces->input);
    pthread_mutex_destroy(&pieces->mutex);
    free(pieces->tail);
    free(pieces);
}

void tarn_source__piece_dispose(TarnPiece *piece) {
    free(piece->data);
    memset(piece, 0, sizeof(*piece));
}

static bool reserve(uint8_t **data, size_t *capacity, size_t size, TarnError *error) {
    if (size + TARN_SCAN_PADDING <= *capacity) return true;
    size_t wanted = size + size / 4 + TARN_SCAN_PADDING;
    uint8_t *grown = realloc(*data, wanted);
    if (grown == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "out of memory while reading a record of %zu MB",
                                   size / TARN_MIB);
    }
    *data = grown;
    *capacity = wanted;
    return true;
}

/* Reads `more` bytes behind what `piece` holds. */
static bool append_input(TarnPieces *pieces, TarnPiece *piece, size_t more, TarnError *error) {
    size_t got = 0;
    if (!reserve(&piece->data, &piece->capacity, piece->size + more, error)) return false;
    if (!tarn_source__input_read(pieces->input, piece->data + piece->size, more, &got, error)) {
        return false;
    }
    pieces->ended = got < more;
    piece->size += got;
    memset(piece->data + piece->size, 0, TARN_SCAN_PADDING);
    return true;
}

/* --- finding ends --- */

typedef struct QuoteState {
    bool field_start;
    bool in_quotes;
} QuoteState;

bool tarn_source__record_end(const uint8_t *data, size_t size, size_t at, TarnRecordShape shape,
                             size_t *end, uint64_t *lines) {
    QuoteState state = {.field_start = true};
    size_t start = at;
    uint8_t escape = shape.escape != '\0' ? shape.escape : shape.quote;
    *lines = 0;
    for (; at < size; at++) {
        uint8_t byte = data[at];
        if (byte == shape.newline) ++*lines;
        if (state.in_quotes) {
            if (byte == escape && escape != shape.quote && at + 1 < size) {
                at++;
                if (data[at] == shape.newline) ++*lines;
            } else if (byte == shape.quote) {
                if (at + 1 < size && data[at + 1] == shape.quote && escape == shape.quote) {
                    at++;
                } else {
                    state.in_quotes = false;
                }
            }
            continue;
        }
        if (byte == shape.newline) {
            *end = at + 1;
            return true;
        }
        if (shape.quote != '\0' && byte == shape.quote && state.field_start) {
            state.in_quotes = true;
        }
        state.field_start = byte == shape.delimiter;
    }
    *end = start;
    return false;
}

typedef struct Cut {
    size_t size; /* bytes of whole records */
    uint64_t lines;
    uint64_t rows;
} Cut;

static bool is_blank(const uint8_t *data, size_t start, size_t end) {
    size_t size = end - start;
    return size == 1 || (size == 2 && data[start] == '\r');
}

/* Record by record, for escapes that are not doubled quotes. */
static void cut_escaped(const TarnPiece *piece, TarnRecordShape shape, Cut *cut) {
    size_t end = 0;
    uint64_t lines = 0;
    while (tarn_source__record_end(piece->data, piece->size, cut->size, shape, &end, &lines)) {
        cut->rows += !is_blank(piece->data, cut->size, end);
        cut->lines += lines;
        cut->size = end;
        if (cut->size >= TARN_SOURCE_PIECE_BYTES) break; /* a long tail is cut up later */
    }
}

/* Quote by quote and newline by newline: agrees with record_end for doubled quotes. */
static void cut_quoted(const TarnPiece *piece, TarnRecordShape shape, Cut *cut) {
    const uint8_t *data = piece->data;
    TarnScan scan;
    bool in_quotes = false;
    uint64_t lines = 0;
    tarn_source__scan_init(&scan, data, piece->size, shape.newline, shape.quote, shape.quote);
    for (size_t at = tarn_source__scan_next(&scan); at < piece->size;
         at = tarn_source__scan_next(&scan)) {
        bool is_quote = data[at] == shape.quote;
        lines += !is_quote;
        if (in_quotes && is_quote) {
            bool doubled = at + 1 < piece->size && data[at + 1] == shape.quote;
            if (doubled) {
                tarn_source__scan_next(&scan);
            } else {
                in_quotes = false;
            }
        } else if (!in_quotes && is_quote) {
            in_quotes = at == cut->size || data[at - 1] == shape.delimiter;
        } else if (!in_quotes) {
            cut->rows += !is_blank(data, cut->size, at + 1);
            cut->lines += lines;
            cut->size = at + 1;
            lines = 0;
            if (cut->size >= TARN_SOURCE_PIECE_BYTES) break; /* a long tail is cut up later */
        }
    }
}

/* One past the last newline of the first piece's worth of bytes, or of the first record if that
 * is longer; 0 if there is none. */
static size_t last_end(const TarnPiece *piece, uint8_t newline) {
    size_t last = piece->size < TARN_SOURCE_PIECE_BYTES ? piece->size : TARN_SOURCE_PIECE_BYTES;
    const uint8_t *found = memrchr(piece->data, newline, last);
    if (found == NULL) found = memchr(piece->data + last, newline, piece->size - last);
    return found != NULL ? (size_t)(found - piece->data) + 1 : 0;
}

/* No quotes: newlines are ends. Counts them, and those of blank lines, 64 bytes at a time. */
static void cut_counting(const TarnPiece *piece, uint8_t newline, Cut *cut) {
    uint64_t lines = 0;
    uint64_t blank = 0;
    uint64_t newline_before = 1; /* bit 0: the byte before the block was a newline */
    uint64_t pair_before = 0;    /* the two before were newline, carriage return */
    const uint8_t *data = piece->data;
    size_t last = last_end(piece, newline);
    for (size_t i = 0; i < last; i += 64) {
        uint64_t valid = last - i >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << (last - i)) - 1;
        uint64_t ends = tarn_source__scan_mask(data + i, newline) & valid;
        uint64_t returns = tarn_source__scan_mask(data + i, '\r') & valid & ~ends;
        uint64_t after_end = ends << 1 | newline_before;
        uint64_t pairs = returns & after_end;
        uint64_t after_pair = pairs << 1 | pair_before;
        lines += (uint64_t)__builtin_popcountll(ends);
        blank += (uint64_t)__builtin_popcountll(ends & (after_end | after_pair));
        newline_before = ends >> 63;
        pair_before = pairs >> 63;
    }
    *cut = (Cut){.size = last, .lines = lines, .rows = lines - blank};
}

static bool has_quote(const TarnPiece *piece, TarnRecordShape shape) {
    return shape.quote != '\0' && memchr(piece->data, shape.quote, piece->size) != NULL;
}

/* What is left at the end of the file, with or without a newline. A record whose quote never
 * closes gives up its first line only. */
static void cut_rest(const TarnPiece *piece, TarnRecordShape shape, Cut *cut) {
    size_t left = piece->size - cut->size;
    if (left == 0) return;
    const uint8_t *start = piece->data + cut->size;
    const uint8_t *newline = memchr(start, shape.newline, left);
    cut->size += newline != NULL ? (size_t)(newline - start) + 1 : left;
    cut->lines += newline != NULL;
    cut->rows++;
}

/* Finds the whole records in `piece`, reading on until there is at least one. */
static bool find_cut(TarnPieces *pieces, TarnPiece *piece, Cut *cut, TarnError *error) {
    for (;;) {
        *cut = (Cut){0};
        TarnRecordShape shape = pieces->shape;
        if (!has_quote(piece, shape)) {
            cut_counting(piece, shape.newline, cut);
        } else if (shape.escape != '\0' && shape.escape != shape.quote) {
            cut_escaped(piece, shape, cut);
        } else {
            cut_quoted(piece, shape, cut);
        }
        if (cut->size > 0) break;
        if (pieces->ended || piece->size > TARN_LIMIT_FIELD_BYTES) {
            cut_rest(piece, pieces->shape, cut);
            return true;
        }
        size_t more = piece->size < TARN_SOURCE_PIECE_BYTES ? TARN_SOURCE_PIECE_BYTES
                                                            : piece->size;
        if (!append_input(pieces, piece, more, error)) return false;
    }
    bool no_newline = pieces->ended && cut->size < piece->size &&
                      piece->size <= TARN_SOURCE_PIECE_BYTES &&
                      memchr(piece->data + cut->size, pieces->shape.newline,
                             piece->size - cut->size) == NULL;
    if (no_newline) cut_rest(piece, pieces->shape, cut);
    return true;
}

static bool keep_tail(TarnPieces *pieces, const TarnPiece *piece, size_t from, TarnError *error) {
    size_t left = piece->size - from;
    if (!reserve(&pieces->tail, &pieces->tail_capacity, left, error)) return false;
    if (left > 0) memcpy(pieces->tail, piece->data + from, left);
    pieces->tail_at = 0;
    pieces->tail_size = left;
    return true;
}

static bool take_tail(TarnPieces *pieces, TarnPiece *piece, TarnError *error) {
    size_t left = pieces->tail_size - pieces->tail_at;
    piece->size = 0;
    if (!reserve(&piece->data, &piece->capacity, left, error)) return false;
    if (left > 0) memcpy(piece->data, pieces->tail + pieces->tail_at, left);
    memset(piece->data + left, 0, TARN_SCAN_PADDING);
    piece->size = left;
    pieces->tail_at = pieces->tail_size = 0;
    return true;
}

static bool cut_piece(TarnPieces *pieces, TarnPiece *piece, bool *more, TarnError *error) {
    Cut cut = {0};
    if (!take_tail(pieces, piece, error)) return false;
    size_t room = piece->size < TARN_SOURCE_PIECE_BYTES ? TARN_SOURCE_PIECE_BYTES - piece->size
                                                        : 0;
    if (!pieces->ended && room > 0 && !append_input(pieces, piece, room, error)) return false;
    *more = piece->size > 0;
    if (!*more) return true;
    if (!find_cut(pieces, piece, &cut, error)) return false;
    if (!keep_tail(pieces, piece, cut.size, error)) return false;
    piece->size = cut.size;
    memset(piece->data + piece->size, 0, TARN_SCAN_PADDING);
    piece->number = pieces->number++;
    piece->offset = pieces->offset;
    piece->line = pieces->line;
    piece->row = pieces->row;
    piece->last = pieces->ended && pieces->tail_size == 0;
    pieces->offset += cut.size;
    pieces->line += cut.lines;
    pieces->row += cut.rows;
    return true;
}

bool tarn_source__pieces_next(TarnPieces *pieces, TarnPiece *piece, bool *more, TarnError *error) {
    pthread_mutex_lock(&pieces->mutex);
    *more = false;
    bool ok = pieces->failed || cut_piece(pieces, piece, more, error);
    if (!ok) pieces->failed = true;
    pthread_mutex_unlock(&pieces->mutex);
    return ok;
}

bool tarn_source__pieces_peek(TarnPieces *pieces, TarnText *start, TarnError *error) {
    TarnPiece piece = {0};
    bool ok = take_tail(pieces, &piece, error);
    if (ok && !pieces->ended && piece.size < TARN_SOURCE_PIECE_BYTES) {
        ok = append_input(pieces, &piece, TARN_SOURCE_PIECE_BYTES - piece.size, error);
    }
    ok = ok && keep_tail(pieces, &piece, 0, error);
    tarn_source__piece_dispose(&piece);
    *start = (TarnText){(const char *)pieces->tail, pieces->tail_size};
    return ok;
}

void tarn_source__pieces_drop(TarnPieces *pieces, size_t size, uint64_t lines) {
    pieces->tail_at += size;
    pieces->offset += size;
    pieces->line += lines;
}
