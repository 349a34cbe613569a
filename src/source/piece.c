/* Cutting a text file into pieces of whole records. See the header for the idea.
 *
 * State kept between pieces is the tail: bytes read that were not given out. A record that finds
 * no end within TARN_LIMIT_FIELD_BYTES or before the end of the file has lost its closing quote:
 * its first line alone is cut off, so that the rest of the file is read and that line can be
 * refused. If it has no newline either, it is given out as too long and passed over.
 */
#include "source/piece_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "source/json_private.h"
#include "source/scan_private.h"

/* A buffer grown for one huge record is given back when it is this many times a piece. */
#define OVERSIZED 8

struct TarnPieces {
    TarnInput *input;
    TarnRecordShape shape;
    size_t piece_bytes;
    pthread_mutex_t mutex;
    uint8_t *tail; /* read, not yet given out: from tail_at on */
    size_t tail_at;
    size_t tail_size;
    size_t tail_capacity;
    bool ended;    /* the input has no more bytes; the tail may have */
    bool failed;   /* an error was returned: no more pieces */
    bool fresh;    /* the piece being cut has bytes that were never in the tail */
    bool stopped;  /* what is left of the input is not read */
    bool skipping; /* inside a record that was given out as too long */
    bool in_array; /* JSON: at `offset` */
    uint64_t offset;
    uint64_t line;
    uint64_t row;
    uint64_t number;
};

bool tarn_source__pieces_new(TarnInput *input, TarnRecordShape shape, size_t piece_bytes,
                             TarnPieces **pieces, TarnError *error) {
    *pieces = calloc(1, sizeof(**pieces));
    if (*pieces == NULL) {
        tarn_source__input_close(input);
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    }
    (*pieces)->input = input;
    (*pieces)->shape = shape;
    (*pieces)->piece_bytes = piece_bytes > 0 ? piece_bytes : TARN_SOURCE_PIECE_BYTES;
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

/* Puts `more` further bytes, fewer at the end of the file, behind what `piece` holds. */
static bool append(TarnPieces *pieces, TarnPiece *piece, size_t more, TarnError *error) {
    size_t kept = pieces->tail_size - pieces->tail_at;
    size_t got = 0;
    if (!reserve(&piece->data, &piece->capacity, piece->size + more, error)) return false;
    if (kept > more) kept = more;
    if (kept > 0) memcpy(piece->data + piece->size, pieces->tail + pieces->tail_at, kept);
    pieces->tail_at += kept;
    piece->size += kept;
    more -= kept;
    if (more > 0 && !pieces->ended) {
        if (!tarn_source__input_read(pieces->input, piece->data + piece->size, more, &got,
                                     error)) {
            return false;
        }
        pieces->ended = got < more;
        pieces->fresh = true;
        piece->size += got;
    }
    memset(piece->data + piece->size, 0, TARN_SCAN_PADDING);
    return true;
}

/* Takes the bytes of `piece` behind `size` back into the tail. */
static bool put_back(TarnPieces *pieces, TarnPiece *piece, size_t size, TarnError *error) {
    size_t left = piece->size - size;
    if (!pieces->fresh) {
        pieces->tail_at -= left; /* they are still there */
    } else {
        if (!reserve(&pieces->tail, &pieces->tail_capacity, left, error)) return false;
        if (left > 0) memcpy(pieces->tail, piece->data + size, left);
        pieces->tail_at = 0;
        pieces->tail_size = left;
    }
    piece->size = size;
    memset(piece->data + size, 0, TARN_SCAN_PADDING);
    return true;
}

static bool at_end(const TarnPieces *pieces) {
    return pieces->ended && pieces->tail_at == pieces->tail_size;
}

/* --- finding ends --- */

bool tarn_source__quote_closes(const uint8_t *data, size_t size, size_t at,
                               TarnRecordShape shape) {
    return at >= size || data[at] == shape.delimiter || data[at] == shape.newline ||
           (data[at] == '\r' && (at + 1 == size || data[at + 1] == shape.newline));
}

bool tarn_source__record_end(const uint8_t *data, size_t size, size_t at, TarnRecordShape shape,
                             size_t *end, uint64_t *lines) {
    uint8_t escape = shape.escape != '\0' ? shape.escape : shape.quote;
    bool field_start = true;
    bool in_quotes = false;
    size_t first_line_end = 0;
    *end = at;
    *lines = 0;
    for (; at < size; at++) {
        bool escaped = in_quotes && at + 1 < size && data[at] == escape &&
                       (escape != shape.quote || data[at + 1] == shape.quote);
        if (escaped) at++;
        uint8_t byte = data[at];
        if (byte == shape.newline && ++*lines == 1) first_line_end = at + 1;
        if (escaped) continue;
        if (in_quotes) {
            if (byte != shape.quote) continue;
            in_quotes = false;
            if (*lines > 0 && !tarn_source__quote_closes(data, size, at + 1, shape)) {
                *end = first_line_end;
                *lines = 1;
                return true;
            }
        } else if (byte == shape.newline) {
            *end = at + 1;
            return true;
        } else if (shape.quote != '\0' && byte == shape.quote && field_start) {
            in_quotes = true;
        }
        field_start = byte == shape.delimiter;
    }
    return false;
}

/* --- where pieces end --- */

typedef struct Cut {
    size_t size; /* bytes of whole records */
    uint64_t lines;
    uint64_t rows;
    bool in_array; /* JSON: behind `size` */
} Cut;

static bool is_blank(const uint8_t *data, size_t start, size_t end) {
    size_t size = end - start;
    return size == 1 || (size == 2 && data[start] == '\r');
}

/* Record by record, for escapes that are not doubled quotes. */
static void cut_escaped(const TarnPiece *piece, size_t enough, TarnRecordShape shape, Cut *cut) {
    size_t end = 0;
    uint64_t lines = 0;
    while (cut->size < enough &&
           tarn_source__record_end(piece->data, piece->size, cut->size, shape, &end, &lines)) {
        cut->rows += !is_blank(piece->data, cut->size, end);
        cut->lines += lines;
        cut->size = end;
    }
}

/* Quote by quote and newline by newline: agrees with record_end for doubled quotes. */
static void cut_quoted(const TarnPiece *piece, size_t enough, TarnRecordShape shape, Cut *cut) {
    const uint8_t *data = piece->data;
    size_t size = piece->size;
    TarnScan scan;
    bool in_quotes = false;
    uint64_t lines = 0;
    tarn_source__scan_init(&scan, data, size, shape.newline, shape.quote, shape.quote);
    for (size_t at = tarn_source__scan_next(&scan); at < size && cut->size < enough;
         at = tarn_source__scan_next(&scan)) {
        bool is_quote = data[at] == shape.quote;
        lines += !is_quote;
        if (in_quotes && is_quote) {
            if (at + 1 < size && data[at + 1] == shape.quote) {
                tarn_source__scan_next(&scan);
                continue;
            }
            in_quotes = false;
            if (lines == 0 || tarn_source__quote_closes(data, size, at + 1, shape)) continue;
            const uint8_t *newline = memchr(data + cut->size, shape.newline, size - cut->size);
            cut->size = (size_t)(newline - data) + 1;
            cut->lines++;
            cut->rows++;
            lines = 0;
            tarn_source__scan_seek(&scan, cut->size);
        } else if (!in_quotes && is_quote) {
            in_quotes = at == cut->size || data[at - 1] == shape.delimiter;
        } else if (!in_quotes) {
            cut->rows += !is_blank(data, cut->size, at + 1);
            cut->lines += lines;
            cut->size = at + 1;
            lines = 0;
        }
    }
}

/* One past the last newline of the first `enough` bytes, or of the first record if that is
 * longer; 0 if there is none. */
static size_t last_end(const TarnPiece *piece, size_t enough, uint8_t newline) {
    size_t last = piece->size < enough ? piece->size : enough;
    const uint8_t *found = memrchr(piece->data, newline, last);
    if (found == NULL) found = memchr(piece->data + last, newline, piece->size - last);
    return found != NULL ? (size_t)(found - piece->data) + 1 : 0;
}

/* No quotes: newlines are ends. Counts them, and those of blank lines, 64 bytes at a time. */
static void cut_counting(const TarnPiece *piece, size_t enough, uint8_t newline, Cut *cut) {
    uint64_t lines = 0;
    uint64_t blank = 0;
    uint64_t newline_before = 1; /* bit 0: the byte before the block was a newline */
    uint64_t pair_before = 0;    /* the two before were newline, carriage return */
    const uint8_t *data = piece->data;
    size_t last = last_end(piece, enough, newline);
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

/* Element by element of a JSON document. */
static void cut_elements(const TarnPieces *pieces, const TarnPiece *piece, Cut *cut) {
    const uint8_t *data = piece->data;
    bool in_array = pieces->in_array;
    for (size_t at = 0; cut->size < pieces->piece_bytes;) {
        at = tarn_source__json_separators(data, piece->size, at, &in_array);
        size_t end = at;
        if (at < piece->size && tarn_source__json_element(data, piece->size, at, &end) ==
                                    TARN_ELEMENT_CUT) {
            break;
        }
        cut->rows += at < piece->size;
        cut->size = end;
        cut->in_array = in_array;
        if (at == piece->size) break;
        at = end;
    }
    for (size_t i = 0; i < cut->size; i += 64) {
        size_t left = cut->size - i;
        uint64_t valid = left >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << left) - 1;
        cut->lines += (uint64_t)__builtin_popcountll(tarn_source__scan_mask(data + i, '\n') &
                                                     valid);
    }
}

static void cut_records(const TarnPieces *pieces, const TarnPiece *piece, Cut *cut) {
    TarnRecordShape shape = pieces->shape;
    *cut = (Cut){0};
    if (shape.json) {
        cut_elements(pieces, piece, cut);
    } else if (!has_quote(piece, shape)) {
        cut_counting(piece, pieces->piece_bytes, shape.newline, cut);
    } else if (shape.escape != '\0' && shape.escape != shape.quote) {
        cut_escaped(piece, pieces->piece_bytes, shape, cut);
    } else {
        cut_quoted(piece, pieces->piece_bytes, shape, cut);
    }
}

/* The next line, or all there is if no newline follows. */
static void cut_line(const TarnPiece *piece, TarnRecordShape shape, Cut *cut) {
    size_t left = piece->size - cut->size;
    if (left == 0) return;
    const uint8_t *start = piece->data + cut->size;
    const uint8_t *newline = memchr(start, shape.newline, left);
    size_t end = newline != NULL ? cut->size + (size_t)(newline - start) + 1 : piece->size;
    cut->rows += newline == NULL || !is_blank(piece->data, cut->size, end);
    cut->lines += newline != NULL;
    cut->size = end;
}

/* The file's last record needs no newline. One that is not whole gives up its first line. */
static void cut_last(const TarnPiece *piece, TarnRecordShape shape, Cut *cut) {
    size_t end = 0;
    uint64_t lines = 0;
    piece->data[piece->size] = shape.newline; /* into the padding */
    bool whole = tarn_source__record_end(piece->data, piece->size + 1, cut->size, shape, &end,
                                         &lines);
    piece->data[piece->size] = 0;
    if (!whole) cut_line(piece, shape, cut);
    if (!whole || end <= piece->size) return; /* more than one is left: for the next piece */
    cut->rows++;
    cut->lines += lines - 1;
    cut->size = piece->size;
}

/* A JSON element without end is all that is left of the file. */
static void cut_endless(TarnPieces *pieces, TarnPiece *piece, Cut *cut) {
    piece->too_long = !at_end(pieces);
    *cut = (Cut){.size = piece->size, .rows = 1};
    if (piece->too_long) pieces->ended = pieces->stopped = true;
}

/* Finds the whole records in `piece`, reading on until there is at least one. */
static bool find_cut(TarnPieces *pieces, TarnPiece *piece, Cut *cut, TarnError *error) {
    for (;;) {
        cut_records(pieces, piece, cut);
        if (cut->size > 0) break;
        bool no_more = at_end(pieces) || piece->size >= TARN_LIMIT_FIELD_BYTES;
        if (no_more && pieces->shape.json) {
            cut_endless(pieces, piece, cut);
            return true;
        }
        if (at_end(pieces)) break;
        if (piece->size >= TARN_LIMIT_FIELD_BYTES) {
            cut_line(piece, pieces->shape, cut);
            piece->too_long = cut->lines == 0;
            pieces->skipping = piece->too_long;
            return true;
        }
        size_t more = piece->size < pieces->piece_bytes ? pieces->piece_bytes : piece->size;
        size_t most = TARN_LIMIT_FIELD_BYTES - piece->size;
        if (!append(pieces, piece, more < most ? more : most, error)) return false;
    }
    bool lines = !pieces->shape.json;
    if (lines && at_end(pieces) && cut->size < piece->size) cut_last(piece, pieces->shape, cut);
    return true;
}

/* Drops the rest of a record that was given out as too long. */
static bool skip_line(TarnPieces *pieces, TarnPiece *piece, TarnError *error) {
    while (pieces->skipping && !at_end(pieces)) {
        piece->size = 0;
        pieces->fresh = false;
        if (!append(pieces, piece, pieces->piece_bytes, error)) return false;
        const uint8_t *newline = memchr(piece->data, pieces->shape.newline, piece->size);
        size_t dropped = newline != NULL ? (size_t)(newline - piece->data) + 1 : piece->size;
        pieces->offset += dropped;
        pieces->line += newline != NULL;
        pieces->skipping = newline == NULL;
        if (!put_back(pieces, piece, dropped, error)) return false;
    }
    return true;
}

static void shrink(uint8_t **data, size_t *capacity, size_t piece_bytes) {
    if (*capacity / OVERSIZED <= piece_bytes) return;
    free(*data);
    *data = NULL;
    *capacity = 0;
}

static bool cut_piece(TarnPieces *pieces, TarnPiece *piece, bool *more, TarnError *error) {
    Cut cut = {0};
    size_t floor = pieces->piece_bytes + TARN_MIB;
    shrink(&piece->data, &piece->capacity, floor);
    if (pieces->tail_at == pieces->tail_size) {
        shrink(&pieces->tail, &pieces->tail_capacity, floor);
        pieces->tail_at = pieces->tail_size = 0;
    }
    if (!skip_line(pieces, piece, error)) return false;
    if (pieces->stopped) return true;
    piece->size = 0;
    piece->too_long = false;
    pieces->fresh = false;
    piece->unclosed = false;
    piece->in_array = pieces->in_array;
    if (!append(pieces, piece, pieces->piece_bytes, error)) return false;
    if (piece->size > 0) {
        if (!find_cut(pieces, piece, &cut, error)) return false;
    } else if (pieces->in_array) {
        piece->unclosed = true;
        cut.rows = 1;
    }
    *more = cut.rows > 0 || cut.size > 0;
    if (!put_back(pieces, piece, cut.size, error)) return false;
    piece->number = pieces->number++;
    piece->offset = pieces->offset;
    piece->line = pieces->line;
    piece->row = pieces->row;
    pieces->offset += cut.size;
    pieces->line += cut.lines;
    pieces->row += cut.rows;
    pieces->in_array = cut.in_array;
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

bool tarn_source__pieces_peek(TarnPieces *pieces, size_t size, TarnText *start, bool *whole,
                              TarnError *error) {
    TarnPiece piece = {0};
    pieces->fresh = false;
    bool ok = append(pieces, &piece, size, error) && put_back(pieces, &piece, 0, error);
    tarn_source__piece_dispose(&piece);
    const char *data = pieces->tail != NULL ? (const char *)pieces->tail + pieces->tail_at : "";
    *start = (TarnText){data, pieces->tail_size - pieces->tail_at};
    *whole = pieces->ended;
    return ok;
}

size_t tarn_source__pieces_start(const TarnPieces *pieces) {
    size_t least = 64 * TARN_KIB; /* pieces of a few bytes are for tests */
    return pieces->piece_bytes > least ? pieces->piece_bytes : least;
}

void tarn_source__pieces_drop(TarnPieces *pieces, size_t size, uint64_t lines) {
    pieces->tail_at += size;
    pieces->offset += size;
    pieces->line += lines;
}
