/* tarn_bucket(n, value) for integers, unscaled decimals and bytes: Iceberg's bucket transform as
 * the table core computes it, so that rows land where readers look for them.
 */
#include "query/functions.h"

#include "table/partition.h"

static bool read_count(const TarnEngineVector *vector, uint64_t row, int32_t *count) {
    int64_t value;
    if (!tarn_engine_vector_int64(vector, row, &value) || value < 1 || value > INT32_MAX) {
        return false;
    }
    *count = (int32_t)value;
    return true;
}

static bool bucket_rows(const TarnEngineVector *arguments, TarnEngineOutput *output) {
    int32_t *out = output->data;
    const TarnEngineVector *values = &arguments[1];
    for (uint64_t row = 0; row < output->rows; row++) {
        int32_t count;
        out[row] = 0;
        if (tarn_engine_vector_null(values, row) || !read_count(&arguments[0], row, &count)) {
            tarn_engine_output_null(output, row);
        } else if (values->type->kind == TARN_ENGINE_BIGINT) {
            out[row] = tarn_table_bucket_long(count, ((const int64_t *)values->data)[row]);
        } else if (values->type->kind == TARN_ENGINE_HUGEINT) {
            TarnEngineInt128 wide = ((const TarnEngineInt128 *)values->data)[row];
            TarnInt128 value = wide.upper * ((TarnInt128)1 << 64) + wide.lower;
            out[row] = tarn_table_bucket_decimal(count, value);
        } else {
            out[row] = tarn_table_bucket_bytes(count, tarn_engine_vector_text(values, row));
        }
    }
    return true;
}

static bool call_bucket(void *state, const TarnEngineVector *arguments, uint32_t argument_count,
                        TarnEngineOutput *output, TarnError *error) {
    (void)state;
    (void)argument_count;
    (void)error;
    return bucket_rows(arguments, output);
}

bool tarn_query_functions_register(TarnEngineSession *session, TarnError *error) {
    static const TarnEngineKind kinds[][2] = {{TARN_ENGINE_INTEGER, TARN_ENGINE_BIGINT},
                                              {TARN_ENGINE_INTEGER, TARN_ENGINE_HUGEINT},
                                              {TARN_ENGINE_INTEGER, TARN_ENGINE_BLOB}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        TarnEngineScalar scalar = {.name = "tarn_bucket",
                                   .arguments = kinds[i],
                                   .argument_count = 2,
                                   .result = TARN_ENGINE_INTEGER,
                                   .sees_nulls = true,
                                   .call = call_bucket};
        if (!tarn_engine_scalar_register(session, &scalar, error)) return false;
    }
    return true;
}
