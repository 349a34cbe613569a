/* Scalar functions written in C.
 *
 * Purpose: what SQL needs and DuckDB has not (is this row deleted, hash of a partition) as a
 * function over vectors, seen from outside without DuckDB's types.
 * DuckDB flattens the arguments before the call and calls from several threads; the wrapper
 * makes the views on the stack of that call. DuckDB's own null handling only looks at constants,
 * so rows with a null argument are made null here afterwards.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/engine_private.h"

#define ARGUMENTS_MAX 16

typedef struct ScalarFunction {
    TarnEngineScalarCall call;
    void *state;
    void (*state_free)(void *state);
    bool sees_nulls;
    TarnEngineType result;
    uint32_t argument_count;
    TarnEngineType arguments[ARGUMENTS_MAX];
} ScalarFunction;

static duckdb_type duck_type(TarnEngineKind kind) {
    switch (kind) {
    case TARN_ENGINE_BOOLEAN: return DUCKDB_TYPE_BOOLEAN;
    case TARN_ENGINE_TINYINT: return DUCKDB_TYPE_TINYINT;
    case TARN_ENGINE_SMALLINT: return DUCKDB_TYPE_SMALLINT;
    case TARN_ENGINE_INTEGER: return DUCKDB_TYPE_INTEGER;
    case TARN_ENGINE_BIGINT: return DUCKDB_TYPE_BIGINT;
    case TARN_ENGINE_HUGEINT: return DUCKDB_TYPE_HUGEINT;
    case TARN_ENGINE_UTINYINT: return DUCKDB_TYPE_UTINYINT;
    case TARN_ENGINE_USMALLINT: return DUCKDB_TYPE_USMALLINT;
    case TARN_ENGINE_UINTEGER: return DUCKDB_TYPE_UINTEGER;
    case TARN_ENGINE_UBIGINT: return DUCKDB_TYPE_UBIGINT;
    case TARN_ENGINE_UHUGEINT: return DUCKDB_TYPE_UHUGEINT;
    case TARN_ENGINE_FLOAT: return DUCKDB_TYPE_FLOAT;
    case TARN_ENGINE_DOUBLE: return DUCKDB_TYPE_DOUBLE;
    case TARN_ENGINE_DATE: return DUCKDB_TYPE_DATE;
    case TARN_ENGINE_TIME: return DUCKDB_TYPE_TIME;
    case TARN_ENGINE_TIME_NS: return DUCKDB_TYPE_TIME_NS;
    case TARN_ENGINE_TIME_TZ: return DUCKDB_TYPE_TIME_TZ;
    case TARN_ENGINE_TIMESTAMP: return DUCKDB_TYPE_TIMESTAMP;
    case TARN_ENGINE_TIMESTAMP_S: return DUCKDB_TYPE_TIMESTAMP_S;
    case TARN_ENGINE_TIMESTAMP_MS: return DUCKDB_TYPE_TIMESTAMP_MS;
    case TARN_ENGINE_TIMESTAMP_NS: return DUCKDB_TYPE_TIMESTAMP_NS;
    case TARN_ENGINE_TIMESTAMP_TZ: return DUCKDB_TYPE_TIMESTAMP_TZ;
    case TARN_ENGINE_INTERVAL: return DUCKDB_TYPE_INTERVAL;
    case TARN_ENGINE_VARCHAR: return DUCKDB_TYPE_VARCHAR;
    case TARN_ENGINE_BLOB: return DUCKDB_TYPE_BLOB;
    case TARN_ENGINE_UUID: return DUCKDB_TYPE_UUID;
    default: return DUCKDB_TYPE_INVALID;
    }
}

void tarn_engine_output_null(TarnEngineOutput *output, uint64_t row) {
    duckdb_vector vector = output->vector;
    tarn_engine__duck.vector_ensure_validity_writable(vector);
    uint64_t *validity = tarn_engine__duck.vector_get_validity(vector);
    validity[row / 64] &= ~(UINT64_C(1) << row % 64);
}

/* DuckDB makes a text that is not UTF-8 null by itself. */
void tarn_engine_output_text(TarnEngineOutput *output, uint64_t row, TarnText text) {
    tarn_engine__duck.vector_assign_string_element_len(
        output->vector, row, text.data != NULL ? text.data : "", text.size);
}

static bool any_null(const TarnEngineVector *arguments, uint32_t count, uint64_t row) {
    for (uint32_t i = 0; i < count; i++) {
        if (tarn_engine_vector_null(&arguments[i], row)) return true;
    }
    return false;
}

static void spread_nulls(const TarnEngineVector *arguments, uint32_t count,
                         TarnEngineOutput *output) {
    bool some = false;
    for (uint32_t i = 0; i < count; i++) some = some || arguments[i].validity != NULL;
    for (uint64_t row = 0; some && row < output->rows; row++) {
        if (any_null(arguments, count, row)) tarn_engine_output_null(output, row);
    }
}

static void call_scalar(duckdb_function_info info, duckdb_data_chunk input,
                        duckdb_vector vector) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    const ScalarFunction *function = duck->scalar_function_get_extra_info(info);
    TarnEngineVector arguments[ARGUMENTS_MAX];
    uint64_t rows = duck->data_chunk_get_size(input);
    for (uint32_t i = 0; i < function->argument_count; i++) {
        arguments[i] = (TarnEngineVector){.type = &function->arguments[i]};
        tarn_engine__vector_fill(&arguments[i], duck->data_chunk_get_vector(input, i), rows);
    }
    TarnEngineOutput output = {function->result.kind, rows, duck->vector_get_data(vector), vector};
    TarnError error;
    tarn_base_error_clear(&error);
    if (!function->call(function->state, arguments, function->argument_count, &output, &error)) {
        duck->scalar_function_set_error(info, error.message);
        return;
    }
    if (!function->sees_nulls) spread_nulls(arguments, function->argument_count, &output);
}

static void free_function(void *state) {
    ScalarFunction *function = state;
    if (function->state_free != NULL) function->state_free(function->state);
    free(function);
}

static bool fill_function(ScalarFunction *function, const TarnEngineScalar *scalar,
                          TarnError *error) {
    function->call = scalar->call;
    function->sees_nulls = scalar->sees_nulls;
    function->result.kind = scalar->result;
    if (scalar->argument_count > ARGUMENTS_MAX) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "the function \"%s\" has more than %d arguments", scalar->name,
                                   ARGUMENTS_MAX);
    }
    function->argument_count = scalar->argument_count;
    bool known = duck_type(scalar->result) != DUCKDB_TYPE_INVALID;
    for (uint32_t i = 0; i < scalar->argument_count; i++) {
        function->arguments[i].kind = scalar->arguments[i];
        known = known && duck_type(scalar->arguments[i]) != DUCKDB_TYPE_INVALID;
    }
    if (known) return true;
    return tarn_base_error_set(error, TARN_E_INTERNAL,
                               "the function \"%s\" uses a type that is not for functions",
                               scalar->name);
}

static void add_types(duckdb_scalar_function target, const ScalarFunction *function) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    for (uint32_t i = 0; i < function->argument_count; i++) {
        duckdb_logical_type type = duck->create_logical_type(
            duck_type(function->arguments[i].kind));
        duck->scalar_function_add_parameter(target, type);
        duck->destroy_logical_type(&type);
    }
    duckdb_logical_type type = duck->create_logical_type(duck_type(function->result.kind));
    duck->scalar_function_set_return_type(target, type);
    duck->destroy_logical_type(&type);
}

bool tarn_engine_scalar_register(TarnEngineSession *session, const TarnEngineScalar *scalar,
                                 TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    tarn_engine__result_detach(session);
    ScalarFunction *function = calloc(1, sizeof(*function));
    if (function == NULL) {
        if (scalar->state_free != NULL) scalar->state_free(scalar->state);
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for a function");
    }
    function->state = scalar->state;
    function->state_free = scalar->state_free;
    if (!fill_function(function, scalar, error)) {
        free_function(function);
        return false;
    }
    duckdb_scalar_function target = duck->create_scalar_function();
    duck->scalar_function_set_name(target, scalar->name);
    add_types(target, function);
    if (scalar->sees_nulls) duck->scalar_function_set_special_handling(target);
    if (scalar->is_volatile) duck->scalar_function_set_volatile(target);
    duck->scalar_function_set_extra_info(target, function, free_function);
    duck->scalar_function_set_function(target, call_scalar);
    bool done = duck->register_scalar_function(session->connection, target) == DuckDBSuccess;
    duck->destroy_scalar_function(&target);
    return done || tarn_base_error_set(error, TARN_E_ENGINE,
                                       "DuckDB refused the function \"%s\"", scalar->name);
}
