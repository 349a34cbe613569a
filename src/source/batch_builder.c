/* Batches made row by row: a thin door to the column builders for other rooms.
 */
#include "source/batch_builder.h"

#include <stdlib.h>

#include "source/column_builder_private.h"

struct TarnBatchBuilder {
    TarnColumnBuilder *columns;
    TarnColumnBuilder *rows;
    size_t count;
};

bool tarn_source_builder_new(const TarnColumn *columns, size_t count, TarnBatchBuilder **builder,
                             TarnError *error) {
    *builder = calloc(1, sizeof(**builder));
    if (*builder != NULL) {
        (*builder)->count = count;
        (*builder)->columns = tarn_source__builders_new(columns, count);
        (*builder)->rows = tarn_source__builders_new(&tarn_source__row_column, 1);
        if ((*builder)->columns != NULL && (*builder)->rows != NULL) return true;
    }
    tarn_source_builder_free(*builder);
    *builder = NULL;
    return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
}

void tarn_source_builder_free(TarnBatchBuilder *builder) {
    if (builder == NULL) return;
    tarn_source__builders_free(builder->columns, builder->count);
    tarn_source__builders_free(builder->rows, 1);
    free(builder);
}

void tarn_source_builder_put_null(TarnBatchBuilder *builder, size_t column) {
    tarn_source__builder_null(&builder->columns[column]);
}

void tarn_source_builder_put_bool(TarnBatchBuilder *builder, size_t column, bool value) {
    tarn_source__builder_bool(&builder->columns[column], value);
}

void tarn_source_builder_put_int32(TarnBatchBuilder *builder, size_t column, int32_t value) {
    tarn_source__builder_fixed(&builder->columns[column], &value, sizeof(value));
}

void tarn_source_builder_put_int64(TarnBatchBuilder *builder, size_t column, int64_t value) {
    tarn_source__builder_fixed(&builder->columns[column], &value, sizeof(value));
}

void tarn_source_builder_put_double(TarnBatchBuilder *builder, size_t column, double value) {
    tarn_source__builder_fixed(&builder->columns[column], &value, sizeof(value));
}

void tarn_source_builder_put_bytes(TarnBatchBuilder *builder, size_t column, TarnText value) {
    tarn_source__builder_bytes(&builder->columns[column], value.data, value.size);
}

void tarn_source_builder_end_row(TarnBatchBuilder *builder, int64_t row) {
    tarn_source__builder_fixed(builder->rows, &row, sizeof(row));
}

bool tarn_source_builder_finish(TarnBatchBuilder *builder, struct ArrowArray *array,
                                TarnError *error) {
    return tarn_source__builders_export(builder->columns, builder->count, builder->rows, array,
                                        error);
}

bool tarn_source_builder_schema(const TarnColumn *columns, size_t count,
                                struct ArrowSchema *schema, TarnError *error) {
    return tarn_source__columns_schema(columns, count, schema, error);
}
