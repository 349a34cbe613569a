/* Columns being filled: typed buffers that become Arrow arrays without a copy.
 *
 * One builder a column, flat or nested. Values are appended row by row; a row that turns out bad
 * is taken back with truncate. A builder that ran out of memory is `failed` and ignores appends;
 * export reports it.
 */
#ifndef TARN_SOURCE_COLUMN_BUILDER_PRIVATE_H
#define TARN_SOURCE_COLUMN_BUILDER_PRIVATE_H

#include <string.h>

#include "source/source.h"

typedef struct TarnColumnBuilder TarnColumnBuilder;
struct TarnColumnBuilder {
    const TarnColumn *column;
    size_t length;
    size_t capacity; /* rows there is room for */
    size_t expected; /* rows to make room for at first: what the last batch had */
    size_t width;    /* bytes a value; 0 = bits, offsets or no values */
    uint8_t *validity;
    uint8_t *values;  /* fixed width, or bits for booleans */
    int32_t *offsets; /* strings, binary, lists, maps: length + 1 */
    uint8_t *data;    /* strings, binary */
    size_t data_capacity;
    size_t data_expected;
    TarnColumnBuilder *children; /* STRUCT fields; LIST element; MAP key, value */
    size_t child_count;
    bool failed;
};

/* Builders for the columns, from the heap; NULL = no memory. */
TarnColumnBuilder *tarn_source__builders_new(const TarnColumn *columns, size_t count);
void tarn_source__builders_free(TarnColumnBuilder *builders, size_t count);

void tarn_source__builder_grow(TarnColumnBuilder *builder);
void tarn_source__builder_truncate(TarnColumnBuilder *builder, size_t length);
void tarn_source__builder_null(TarnColumnBuilder *builder);
void tarn_source__builder_bool(TarnColumnBuilder *builder, bool value);
void tarn_source__builder_bytes(TarnColumnBuilder *builder, const void *data, size_t size);
/* Lists and maps: call after the row's elements were appended to the children. */
void tarn_source__builder_end_list(TarnColumnBuilder *builder);
/* Structs: call after each child got its value. */
void tarn_source__builder_end_struct(TarnColumnBuilder *builder);

/* Fixed-width values: int32, int64, float, double, decimal128. */
static inline void tarn_source__builder_fixed(TarnColumnBuilder *builder, const void *value,
                                              size_t width) {
    if (__builtin_expect(builder->length == builder->capacity, 0)) {
        tarn_source__builder_grow(builder);
    }
    if (__builtin_expect(builder->failed, 0)) return;
    memcpy(builder->values + builder->length * width, value, width);
    builder->validity[builder->length >> 3] |= (uint8_t)(1U << (builder->length & 7));
    builder->length++;
}

/* builder_bytes without a call where there is room. */
static inline void tarn_source__builder_text(TarnColumnBuilder *builder, const void *data,
                                             size_t size) {
    size_t row = builder->length;
    size_t at = row < builder->capacity ? (size_t)builder->offsets[row] : 0;
    if (__builtin_expect(row == builder->capacity || at + size > builder->data_capacity ||
                             size == 0 || builder->failed, 0)) {
        tarn_source__builder_bytes(builder, data, size);
        return;
    }
    memcpy(builder->data + at, data, size);
    builder->offsets[row + 1] = (int32_t)(at + size);
    builder->validity[row >> 3] |= (uint8_t)(1U << (row & 7));
    builder->length = row + 1;
}

/* Moves the content of `count` builders into a struct array of `rows` rows and empties them. An
 * extra int64 child with the row numbers comes last. */
bool tarn_source__builders_export(TarnColumnBuilder *builders, size_t count,
                                  TarnColumnBuilder *rows, struct ArrowArray *array,
                                  TarnError *error) TARN_CHECKED;
bool tarn_source__columns_schema(const TarnColumn *columns, size_t count,
                                 struct ArrowSchema *schema, TarnError *error) TARN_CHECKED;

/* The int64 column of row numbers each batch ends with. */
extern const TarnColumn tarn_source__row_column;

#endif
