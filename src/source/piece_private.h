/* Text files cut into pieces of whole records.
 *
 * Cutting is done by one thread at a time, in file order, so that each piece knows its place
 * (byte, line, row); parsing the pieces is not, so it runs in as many threads as there are slots.
 * Where a piece ends must be found exactly: a newline inside quotes is not an end. Pieces without
 * any quote (by far the most) are cut at their last newline by counting alone; others are walked
 * record by record.
 */
#ifndef TARN_SOURCE_PIECE_PRIVATE_H
#define TARN_SOURCE_PIECE_PRIVATE_H

#include <pthread.h>

#include "source/input_private.h"

typedef struct TarnPieces TarnPieces;

/* A stretch of whole records. */
typedef struct TarnPiece {
    uint8_t *data; /* TARN_SCAN_PADDING readable bytes follow */
    size_t size;
    size_t capacity;
    uint64_t number; /* 0, 1, 2 ... */
    uint64_t offset; /* of data in the (uncompressed) file */
    uint64_t line;   /* of the first byte, 1-based */
    uint64_t row;    /* of the first record, 1-based */
    bool in_array;   /* JSON: the first byte is inside the outermost array */
    bool unclosed;   /* JSON: no bytes; the file ended inside that array */
    bool too_long;   /* the start of one record longer than TARN_LIMIT_FIELD_BYTES */
} TarnPiece;

/* How records are told apart. quote '\0': each line is a record. */
typedef struct TarnRecordShape {
    bool json; /* elements of a document; the rest does not matter */
    uint8_t newline;
    uint8_t delimiter;
    uint8_t quote;
    uint8_t escape; /* '\0' or == quote: quotes are doubled */
} TarnRecordShape;

/* `input` is the pieces' from here on, also when this fails. piece_bytes 0 = the usual. */
bool tarn_source__pieces_new(TarnInput *input, TarnRecordShape shape, size_t piece_bytes,
                             TarnPieces **pieces, TarnError *error) TARN_CHECKED;
void tarn_source__pieces_free(TarnPieces *pieces); /* NULL is fine */
/* A better known shape, before the first piece is cut. */
void tarn_source__pieces_shape(TarnPieces *pieces, TarnRecordShape shape);
/* Thread-safe. The piece's memory is reused from call to call (start with a zeroed struct, end
 * with tarn_source__piece_dispose). *more = false at the end. */
bool tarn_source__pieces_next(TarnPieces *pieces, TarnPiece *piece, bool *more,
                              TarnError *error) TARN_CHECKED;
void tarn_source__piece_dispose(TarnPiece *piece);
/* The first `size` bytes of what was not dropped, or fewer at the end of the file (*whole).
 * Valid until the next call. Only before the first next. */
bool tarn_source__pieces_peek(TarnPieces *pieces, size_t size, TarnText *start, bool *whole,
                              TarnError *error) TARN_CHECKED;
/* A good size to begin with: what the first piece will read anyway. */
size_t tarn_source__pieces_start(const TarnPieces *pieces);
/* Takes bytes that were peeked at from the front (a header): they do not count as rows. */
void tarn_source__pieces_drop(TarnPieces *pieces, size_t size, uint64_t lines);

/* Where the record that starts at `at` ends (one past its newline), its lines counted. False if
 * the data ends first. A quoted field that runs over a newline and whose closing quote is followed
 * by text was never meant to: the record is then its first line alone. */
bool tarn_source__record_end(const uint8_t *data, size_t size, size_t at, TarnRecordShape shape,
                             size_t *end, uint64_t *lines);
/* Whether what is at `at`, behind a closing quote, may follow one. */
bool tarn_source__quote_closes(const uint8_t *data, size_t size, size_t at, TarnRecordShape shape);

#endif
