/* A result as an Arrow C stream.
 *
 * Purpose: batches leave the engine in the form other rooms and foreign programs read. Each
 * DuckDB chunk becomes one struct array of at most 2048 rows that owns its memory.
 * The stream owns the result; the session must outlive the stream, as DuckDB's Arrow options
 * refer to its connection.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine_private.h"

typedef struct ResultStream {
    TarnEngineResult *result;
    duckdb_arrow_options options;
    duckdb_logical_type *types; /* kept: get_schema may be asked again at the end */
    TarnError error;
} ResultStream;

static int fail_stream(ResultStream *stream, duckdb_error_data data) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    tarn_base_error_set(&stream->error, TARN_E_SQL_UNSUPPORTED, "cannot make Arrow data: %s",
                        duck->error_data_message(data));
    duck->destroy_error_data(&data);
    return EINVAL;
}

static int errno_of(const TarnError *error) {
    switch (error->code) {
    case TARN_E_OUT_OF_MEMORY: return ENOMEM;
    case TARN_E_INTERRUPTED: return ECANCELED;
    case TARN_E_TIMEOUT: return ETIMEDOUT;
    case TARN_E_DISK_FULL: return ENOSPC;
    case TARN_E_IO: return EIO;
    default: return EINVAL;
    }
}

static int stream_schema(struct ArrowArrayStream *self, struct ArrowSchema *out) {
    ResultStream *stream = self->private_data;
    memset(out, 0, sizeof(*out));
    duckdb_error_data data = tarn_engine__duck.to_arrow_schema(
        stream->options, stream->types, stream->result->names, stream->result->column_count, out);
    return data == NULL ? 0 : fail_stream(stream, data);
}

static int stream_next(struct ArrowArrayStream *self, struct ArrowArray *out) {
    ResultStream *stream = self->private_data;
    const TarnEngineChunk *chunk;
    memset(out, 0, sizeof(*out));
    if (!tarn_engine_result_next(stream->result, &chunk, &stream->error)) {
        return errno_of(&stream->error);
    }
    if (chunk == NULL) return 0;
    duckdb_error_data data = tarn_engine__duck.data_chunk_to_arrow(stream->options,
                                                                   stream->result->raw, out);
    return data == NULL ? 0 : fail_stream(stream, data);
}

static const char *stream_error(struct ArrowArrayStream *self) {
    ResultStream *stream = self->private_data;
    return stream->error.code != TARN_OK ? stream->error.message : NULL;
}

static void free_stream(ResultStream *stream) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    if (stream->types != NULL) {
        for (uint32_t i = 0; i < stream->result->column_count; i++) {
            duck->destroy_logical_type(&stream->types[i]);
        }
    }
    free(stream->types);
    duck->destroy_arrow_options(&stream->options);
    tarn_engine_result_free(stream->result);
    free(stream);
}

static void stream_release(struct ArrowArrayStream *self) {
    free_stream(self->private_data);
    self->release = NULL;
    self->private_data = NULL;
}

static bool take_types(ResultStream *stream, TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    TarnEngineResult *result = stream->result;
    if (!result->has_result) {
        return tarn_base_error_set(error, TARN_E_INTERNAL, "the result was read already");
    }
    stream->types = calloc((size_t)result->column_count + 1, sizeof(*stream->types));
    if (stream->types == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for an Arrow stream");
    }
    for (uint32_t i = 0; i < result->column_count; i++) {
        stream->types[i] = duck->column_logical_type(&result->result, i);
    }
    stream->options = duck->result_get_arrow_options(&result->result);
    return true;
}

bool tarn_engine_result_arrow_stream(TarnEngineResult *result, struct ArrowArrayStream *stream,
                                     TarnError *error) {
    memset(stream, 0, sizeof(*stream));
    ResultStream *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        tarn_engine_result_free(result);
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for an Arrow stream");
    }
    made->result = result;
    if (!take_types(made, error)) {
        free_stream(made);
        return false;
    }
    stream->get_schema = stream_schema;
    stream->get_next = stream_next;
    stream->get_last_error = stream_error;
    stream->release = stream_release;
    stream->private_data = made;
    return true;
}
