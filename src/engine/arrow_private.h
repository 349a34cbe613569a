/* Arrow batches on their way into DuckDB: checked (arrow_check.c), cut into slices of a chunk's
 * rows (arrow_slice.c), read by a table function (arrow_scan.c). */
#ifndef TARN_ENGINE_ARROW_PRIVATE_H
#define TARN_ENGINE_ARROW_PRIVATE_H

#include <stdatomic.h>

#include "engine/engine_private.h"

/* A struct of at least one and at most TARN_LIMIT_COLUMNS columns of types that are read. */
bool tarn_engine__arrow_check_schema(const struct ArrowSchema *schema,
                                     TarnError *error) TARN_CHECKED;
/* The array fits its schema; its offset is 0. */
bool tarn_engine__arrow_check_array(const struct ArrowSchema *schema,
                                    const struct ArrowArray *array, TarnError *error) TARN_CHECKED;

/* A batch shared by its slices; released with the last of them. */
typedef struct TarnEngineBatch {
    struct ArrowArray array;
    atomic_uint_fast32_t references;
} TarnEngineBatch;

/* NULL if memory ends (the array then stays the caller's). Starts with one reference. */
TarnEngineBatch *tarn_engine__batch_new(struct ArrowArray *array);
void tarn_engine__batch_release(TarnEngineBatch *batch); /* NULL is fine */

/* `rows` rows of one column of the batch from `start` on, as a struct array with that one child.
 * Its release callback gives back its reference to the batch. Struct offsets are moved down to
 * the children, because DuckDB applies the offset of a struct inside a struct only once.
 * false: no memory. */
bool tarn_engine__batch_slice(TarnEngineBatch *batch, const struct ArrowSchema *schema,
                              int64_t column, int64_t start, int64_t rows,
                              struct ArrowArray *out) TARN_CHECKED;

#endif
