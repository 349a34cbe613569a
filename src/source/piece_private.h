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
    bool last;       /* nothing follows: the final record may lack its newline */
} TarnPiece;

/* How records are told apart. quote '\0': each line is a record. */
typedef struct TarnRecordShape {
    uint8_t newline;
    uint8_t delimiter;
    uint8_t quote;
    uint8_t escape; /* '\0' or == quote: quotes are doubled */
} TarnRecordShape;

/* `input` is the pieces' from here on. The first `skip` bytes and lines were read already. */
bool tarn_source__pieces_new(TarnInput *input, TarnRecordShape shape, TarnPieces **pieces,
                             TarnError *error) TARN_CHECKED;
void tarn_source__pieces_free(TarnPieces *pieces);
/* A better known shape, before the first piece is cut. */
void tarn_source__pieces_shape(TarnPieces *pieces, TarnRecordShape shape);
/* Thread-safe. The piece's memory is reused from call to call (start with a zeroed struct, end
 * with tarn_source__piece_dispose). *more = false at the end. */
bool tarn_source__pieces_next(TarnPieces *pieces, TarnPiece *piece, bool *more,
                              TarnError *error) TARN_CHECKED;
void tarn_source__piece_dispose(TarnPiece *piece);
/* Takes whole records from the front (a header) before the first piece is cut; `size` bytes and
 * `lines` lines are dropped and do not count as rows. Only before the first next. */
bool tarn_source__pieces_peek(TarnPieces *pieces, TarnText *start, TarnError *error) TARN_CHECKED;
void tarn_source__pieces_drop(TarnPieces *pieces, size_t size, uint64_t lines);

/* Where the record that starts at `at` ends (one past its newline), its lines counted. False if
 * the data ends first. An opening quote that is never closed does not end. */
bool tarn_source__record_end(const uint8_t *data, size_t size, size_t at, TarnRecordShape shape,
                             size_t *end, uint64_t *lines);

#endif
