/* What the files of the Avro codec share: reading primitives, problems, compression.
 *
 * Decoding primitives return false and leave a problem in the cursor; the public function around
 * them turns it into the one error message with tarn_format__avro_fail. So hot loops carry no
 * error text.
 */
#ifndef TARN_FORMAT_AVRO_PRIVATE_H
#define TARN_FORMAT_AVRO_PRIVATE_H

#include <string.h>

#include "base/limits.h"
#include "format/avro.h"

/* Bytes no single value can have: sums of sizes are cut here so that they cannot overflow. */
#define TARN_AVRO_ENDLESS ((size_t)UINT32_MAX)
#define TARN_AVRO_VARINT_BYTES 10

typedef enum TarnAvroProblem {
    TARN_AVRO_PROBLEM_NONE,
    TARN_AVRO_PROBLEM_TRUNCATED,
    TARN_AVRO_PROBLEM_VARINT,
    TARN_AVRO_PROBLEM_INT,
    TARN_AVRO_PROBLEM_SIZE,
    TARN_AVRO_PROBLEM_BOOLEAN,
    TARN_AVRO_PROBLEM_SYMBOL,
    TARN_AVRO_PROBLEM_BRANCH,
    TARN_AVRO_PROBLEM_COUNT,
    TARN_AVRO_PROBLEM_RUN_SIZE,
    TARN_AVRO_PROBLEM_NULL,
    TARN_AVRO_PROBLEM_LEFT_OVER,
    TARN_AVRO_PROBLEM_DEPTH,
    TARN_AVRO_PROBLEM_EMPTIES,
    TARN_AVRO_PROBLEM_MEMORY,
    TARN_AVRO_PROBLEM_DEFLATE,
    TARN_AVRO_PROBLEM_SNAPPY,
    TARN_AVRO_PROBLEM_SNAPPY_CRC,
    TARN_AVRO_PROBLEM_ZSTANDARD,
    TARN_AVRO_PROBLEM_BLOCK_BYTES,
    TARN_AVRO_PROBLEM_COUNT_OF
} TarnAvroProblem;

/* Fills *error from cursor->problem; `field` may be NULL. Returns false. */
bool tarn_format__avro_fail(const TarnAvroCursor *cursor, const TarnText *field, TarnError *error);
TarnErrorCode tarn_format__avro_problem_code(TarnAvroProblem problem);
const char *tarn_format__avro_problem_text(TarnAvroProblem problem);

static inline bool tarn_format__avro_problem(TarnAvroCursor *cursor, TarnAvroProblem problem) {
    cursor->problem = problem;
    return false;
}

static inline size_t tarn_format__avro_left(const TarnAvroCursor *cursor) {
    return (size_t)(cursor->end - cursor->at);
}

/* A varint of any length up to ten bytes; NULL if it does not end before `end` or is too long. */
const unsigned char *tarn_format__avro_varint_slow(const unsigned char *at,
                                                   const unsigned char *end, uint64_t *value);

/* Behind the varint, or NULL. One to three bytes are what nearly all of them have. */
static inline const unsigned char *tarn_format__avro_varint(const unsigned char *at,
                                                            const unsigned char *end,
                                                            uint64_t *value) {
    if (end - at >= 3) {
        if (at[0] < 0x80) {
            *value = at[0];
            return at + 1;
        }
        if (at[1] < 0x80) {
            *value = (uint64_t)(at[0] & 0x7f) | (uint64_t)at[1] << 7;
            return at + 2;
        }
        if (at[2] < 0x80) {
            *value = (uint64_t)(at[0] & 0x7f) | (uint64_t)(at[1] & 0x7f) << 7 |
                     (uint64_t)at[2] << 14;
            return at + 3;
        }
    }
    return tarn_format__avro_varint_slow(at, end, value);
}

static inline int64_t tarn_format__avro_unzigzag(uint64_t value) {
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* The problem of a varint that could not be read at `at`. */
static inline bool tarn_format__avro_varint_problem(TarnAvroCursor *cursor) {
    bool is_cut = tarn_format__avro_left(cursor) < TARN_AVRO_VARINT_BYTES;
    for (const unsigned char *at = cursor->at; is_cut && at < cursor->end; at++) {
        if (*at < 0x80) is_cut = false;
    }
    return tarn_format__avro_problem(cursor, is_cut ? TARN_AVRO_PROBLEM_TRUNCATED
                                                    : TARN_AVRO_PROBLEM_VARINT);
}

static inline bool tarn_format__avro_take_long(TarnAvroCursor *cursor, int64_t *value) {
    uint64_t raw = 0;
    const unsigned char *next = tarn_format__avro_varint(cursor->at, cursor->end, &raw);
    if (next == NULL) return tarn_format__avro_varint_problem(cursor);
    *value = tarn_format__avro_unzigzag(raw);
    cursor->at = next;
    return true;
}

static inline bool tarn_format__avro_take_int(TarnAvroCursor *cursor, int32_t *value) {
    uint64_t raw = 0;
    const unsigned char *next = tarn_format__avro_varint(cursor->at, cursor->end, &raw);
    if (next == NULL) return tarn_format__avro_varint_problem(cursor);
    if (raw > UINT32_MAX) return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_INT);
    *value = (int32_t)tarn_format__avro_unzigzag(raw);
    cursor->at = next;
    return true;
}

static inline bool tarn_format__avro_take_fixed(TarnAvroCursor *cursor, size_t size,
                                                TarnText *value) {
    if (size > tarn_format__avro_left(cursor)) {
        return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_TRUNCATED);
    }
    *value = (TarnText){(const char *)cursor->at, size};
    cursor->at += size;
    return true;
}

static inline bool tarn_format__avro_take_bytes(TarnAvroCursor *cursor, TarnText *value) {
    uint64_t raw = 0;
    const unsigned char *next = tarn_format__avro_varint(cursor->at, cursor->end, &raw);
    if (next == NULL) return tarn_format__avro_varint_problem(cursor);
    if ((raw & 1) != 0) return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_SIZE);
    if (raw >> 1 > (uint64_t)(cursor->end - next)) {
        return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_TRUNCATED);
    }
    *value = (TarnText){(const char *)next, (size_t)(raw >> 1)};
    cursor->at = next + value->size;
    return true;
}

static inline bool tarn_format__avro_take_boolean(TarnAvroCursor *cursor, bool *value) {
    if (cursor->at == cursor->end) {
        return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_TRUNCATED);
    }
    if (*cursor->at > 1) return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_BOOLEAN);
    *value = *cursor->at++ == 1;
    return true;
}

static inline uint32_t tarn_format__avro_le32(const unsigned char *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t tarn_format__avro_le64(const unsigned char *at) {
    return (uint64_t)tarn_format__avro_le32(at) | (uint64_t)tarn_format__avro_le32(at + 4) << 32;
}

static inline bool tarn_format__avro_take_float(TarnAvroCursor *cursor, float *value) {
    if (tarn_format__avro_left(cursor) < 4) {
        return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_TRUNCATED);
    }
    uint32_t bits = tarn_format__avro_le32(cursor->at);
    memcpy(value, &bits, sizeof(*value));
    cursor->at += 4;
    return true;
}

static inline bool tarn_format__avro_take_double(TarnAvroCursor *cursor, double *value) {
    if (tarn_format__avro_left(cursor) < 8) {
        return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_TRUNCATED);
    }
    uint64_t bits = tarn_format__avro_le64(cursor->at);
    memcpy(value, &bits, sizeof(*value));
    cursor->at += 8;
    return true;
}

/* An index below `count`, of an enum's symbol or a union's branch. */
static inline bool tarn_format__avro_take_index(TarnAvroCursor *cursor, size_t count,
                                                TarnAvroProblem problem, size_t *index) {
    const unsigned char *start = cursor->at;
    int64_t value = 0;
    if (!tarn_format__avro_take_long(cursor, &value)) return false;
    if (value < 0 || (uint64_t)value >= count) {
        cursor->at = start;
        return tarn_format__avro_problem(cursor, problem);
    }
    *index = (size_t)value;
    return true;
}

/* One run of an array or map: *count items follow, 0 = the end. *run_end is where the file says
 * they end, NULL if it does not say. The count is checked against the bytes left (or, of items
 * without bytes, against the object's allowance). */
bool tarn_format__avro_take_run(TarnAvroCursor *cursor, size_t item_minimum, uint64_t *count,
                                const unsigned char **run_end);
/* Behind the last item of a run: refuses one that did not end where the file said. */
static inline bool tarn_format__avro_end_run(TarnAvroCursor *cursor, const unsigned char *run_end) {
    if (run_end == NULL || run_end == cursor->at) return true;
    return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_RUN_SIZE);
}
/* Skips a value of any type; `depth` counts the levels above. */
bool tarn_format__avro_skip(TarnAvroCursor *cursor, const TarnAvroSchema *schema, unsigned depth);
bool tarn_format__avro_take_scalar(TarnAvroCursor *cursor, const TarnAvroSchema *schema,
                                   TarnAvroValue *value);
/* The bytes every item of an array or map takes at least. */
static inline size_t tarn_format__avro_item_minimum(const TarnAvroSchema *schema) {
    /* A map's item is a string key, at least its one byte of length, and a value. */
    return schema->item->minimum_bytes + (schema->kind == TARN_AVRO_MAP ? 1 : 0);
}

/* ---- Compression (avro_codec.c) ------------------------------------------------------------ */

typedef struct TarnAvroInflater TarnAvroInflater;
/* NULL: no memory */
TarnAvroInflater *tarn_format__avro_inflater_new(void);
void tarn_format__avro_inflater_free(TarnAvroInflater *inflater);
/* *raw is valid until the next call; of the null codec it is `stored` itself. */
TarnAvroProblem tarn_format__avro_inflate(TarnAvroInflater *inflater, TarnAvroCodec codec,
                                          TarnText stored, TarnText *raw);

typedef struct TarnAvroDeflater TarnAvroDeflater;
TarnAvroDeflater *tarn_format__avro_deflater_new(void);
void tarn_format__avro_deflater_free(TarnAvroDeflater *deflater);
/* Replaces what is in `stored`. false: no memory (or the buffer's limit). */
bool tarn_format__avro_deflate(TarnAvroDeflater *deflater, TarnAvroCodec codec, TarnText raw,
                               TarnBuffer *stored);

#endif
