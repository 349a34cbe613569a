/* Making batches by hand: rows put together in code become Arrow arrays of the same shape as a
 * reader's, with the row number as the last column. */
#ifndef TARN_SOURCE_BATCH_BUILDER_H
#define TARN_SOURCE_BATCH_BUILDER_H

#include "source/source.h"

typedef struct TarnBatchBuilder TarnBatchBuilder;

/* `columns` must outlive the builder; flat types only. */
bool tarn_source_builder_new(const TarnColumn *columns, size_t count, TarnBatchBuilder **builder,
                             TarnError *error) TARN_CHECKED;
void tarn_source_builder_free(TarnBatchBuilder *builder); /* NULL is fine */
void tarn_source_builder_put_null(TarnBatchBuilder *builder, size_t column);
void tarn_source_builder_put_bool(TarnBatchBuilder *builder, size_t column, bool value);
void tarn_source_builder_put_int32(TarnBatchBuilder *builder, size_t column, int32_t value);
void tarn_source_builder_put_int64(TarnBatchBuilder *builder, size_t column, int64_t value);
void tarn_source_builder_put_double(TarnBatchBuilder *builder, size_t column, double value);
void tarn_source_builder_put_bytes(TarnBatchBuilder *builder, size_t column, TarnText value);
/* After each column got its value. */
void tarn_source_builder_end_row(TarnBatchBuilder *builder, int64_t row);
/* Moves the rows out; the builder is empty again. Reports a failure of any put. */
bool tarn_source_builder_finish(TarnBatchBuilder *builder, struct ArrowArray *array,
                                TarnError *error) TARN_CHECKED;
bool tarn_source_builder_schema(const TarnColumn *columns, size_t count,
                                struct ArrowSchema *schema, TarnError *error) TARN_CHECKED;

#endif
