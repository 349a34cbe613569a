/* Running SQL and fetching rows.
 *
 * Purpose: the life of one statement: checked, extracted by DuckDB's parser, prepared, bound,
 * started, fetched chunk by chunk, ended. Results stream: DuckDB computes ahead only as far as
 * its small buffer, so memory does not grow with the result.
 * Idea: one statement of a user may be several of DuckDB's (PIVOT without a list of values first
 * creates a type): all but the last are run to their end here. What the user wrote as several
 * statements is refused: tarn_engine_run() splits scripts itself, so that each place in an error
 * is a place in the script.
 * What it does not do: decide whether a statement may run (query/), or keep results.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "engine/engine_private.h"

bool tarn_engine__sql_check(TarnText sql, TarnError *error) {
    if (sql.size > TARN_LIMIT_SQL_BYTES) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "SQL text of %zu bytes: the limit is %zu", sql.size,
                                   (size_t)TARN_LIMIT_SQL_BYTES);
    }
    size_t valid = tarn_base_text_utf8_valid(sql);
    const char *zero = sql.size > 0 ? memchr(sql.data, 0, sql.size) : NULL;
    if (valid == sql.size && zero == NULL) return true;
    size_t offset = zero != NULL ? (size_t)(zero - sql.data) : sql.size;
    bool is_zero = offset < valid;
    tarn_base_error_set(error, TARN_E_SQL_SYNTAX, "%s in SQL text",
                        is_zero ? "a zero byte" : "bytes that are not UTF-8");
    tarn_engine__failure_place(error, sql, is_zero ? offset : valid);
    return false;
}

/* ---- the end of a statement -------------------------------------------------------------- */

/* Turns a failure into an error, taking into account who asked the statement to stop. An interrupt
 * nobody asked for is how DuckDB stops the other threads of a statement that failed in one. Returns
 * whether the cause was told. */
static bool fail_statement(TarnEngineSession *session, const char *message, TarnText sql,
                           TarnError *error) {
    TarnEngineStop stop = tarn_engine__watch_end(session);
    tarn_engine__failure_set(session, message, sql, error);
    if (error->code != TARN_E_INTERRUPTED) return true;
    if (stop == TARN_ENGINE_STOP_TIMEOUT) {
        tarn_base_error_set(error, TARN_E_TIMEOUT,
                            "the statement ran longer than its %" PRId64 " ms",
                            session->watch.timeout_ms);
    } else if (stop == TARN_ENGINE_STOP_NONE) {
        tarn_base_error_set(error, TARN_E_SQL_EXECUTION,
                            "the statement failed, and DuckDB did not tell why");
    } else {
        tarn_base_error_set(error, TARN_E_INTERRUPTED, "the statement was interrupted");
    }
    return stop != TARN_ENGINE_STOP_NONE;
}

/* A stream that was not read to its end leaves its statement active: its tasks go on, and what
 * is not a statement (registering a function, flushing an appender) would run inside its
 * transaction and be rolled back with it. Preparing nothing makes DuckDB end it. */
static void end_stream(TarnEngineSession *session) {
    duckdb_prepared_statement nothing = NULL;
    (void)tarn_engine__duck.prepare(session->connection, "", &nothing);
    tarn_engine__duck.destroy_prepare(&nothing);
}

/* Ends the DuckDB side of a result; the types and names stay. */
static void end_rows(TarnEngineResult *result) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    bool is_open = result->has_result && !result->finished && result->session != NULL &&
                   duck->result_is_streaming(result->result);
    duck->destroy_data_chunk(&result->raw);
    if (result->has_result) duck->destroy_result(&result->result);
    result->has_result = false;
    result->finished = true;
    if (result->session == NULL) return;
    if (is_open) end_stream(result->session);
    if (result->session->open_result == result) {
        (void)tarn_engine__watch_end(result->session);
        result->session->open_result = NULL;
    }
}

void tarn_engine__result_detach(TarnEngineSession *session) {
    TarnEngineResult *result = session->open_result;
    if (result == NULL) return;
    bool was_finished = result->finished;
    end_rows(result);
    result->finished = was_finished;
    result->session = NULL;
}

void tarn_engine_result_free(TarnEngineResult *result) {
    if (result == NULL) return;
    end_rows(result);
    tarn_base_arena_dispose(&result->arena);
    free(result);
}

/* ---- starting ---------------------------------------------------------------------------- */

static bool bind_parameter(duckdb_prepared_statement statement, idx_t index,
                           const TarnEngineParam *param) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    const char *data = param->text.data != NULL ? param->text.data : "";
    duckdb_state state = DuckDBError;
    switch (param->kind) {
    case TARN_ENGINE_PARAM_NULL: state = duck->bind_null(statement, index); break;
    case TARN_ENGINE_PARAM_BOOL:
        state = duck->bind_boolean(statement, index, param->boolean);
        break;
    case TARN_ENGINE_PARAM_INT64: state = duck->bind_int64(statement, index, param->int64); break;
    case TARN_ENGINE_PARAM_DOUBLE: state = duck->bind_double(statement, index, param->real); break;
    case TARN_ENGINE_PARAM_TEXT:
        state = duck->bind_varchar_length(statement, index, data, param->text.size);
        break;
    case TARN_ENGINE_PARAM_BLOB:
        state = duck->bind_blob(statement, index, data, param->text.size);
        break;
    }
    return state == DuckDBSuccess;
}

static bool bind_parameters(duckdb_prepared_statement statement, const TarnEngineParam *params,
                            size_t count, TarnError *error) {
    idx_t wanted = tarn_engine__duck.nparams(statement);
    if (wanted != count) {
        return tarn_base_error_set(error, TARN_E_SQL_BIND,
                                   "the statement has %" PRIu64 " parameters, but %zu values are "
                                   "given",
                                   wanted, count);
    }
    for (size_t i = 0; i < count; i++) {
        if (params[i].kind == TARN_ENGINE_PARAM_TEXT &&
            tarn_base_text_utf8_valid(params[i].text) != params[i].text.size) {
            return tarn_base_error_set(error, TARN_E_SQL_BIND,
                                       "the value of parameter %zu is not UTF-8", i + 1);
        }
        if (!bind_parameter(statement, i + 1, &params[i])) {
            return tarn_base_error_set(error, TARN_E_SQL_BIND, "cannot bind parameter %zu",
                                       i + 1);
        }
    }
    return true;
}

/* Runs a prepared statement until its first rows are there. */
static bool start_prepared(TarnEngineSession *session, duckdb_prepared_statement statement,
                           TarnText sql, duckdb_result *result, TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    duckdb_pending_result pending = NULL;
    memset(result, 0, sizeof(*result));
    if (duck->pending_prepared_streaming(statement, &pending) != DuckDBSuccess) {
        (void)fail_statement(session, pending != NULL ? duck->pending_error(pending) : NULL, sql,
                             error);
        duck->destroy_pending(&pending);
        return false;
    }
    bool done = duck->execute_pending(pending, result) == DuckDBSuccess;
    if (!done) {
        (void)fail_statement(session, duck->result_error(result), sql, error);
        duck->destroy_result(result);
    }
    duck->destroy_pending(&pending);
    return done;
}

/* What is to become of a statement's last part. */
typedef struct Start {
    TarnEngineSession *session;
    TarnText sql;
    const TarnEngineParam *params;
    size_t param_count;
    TarnEngineResult *result;
    bool describe; /* only its columns are wanted */
} Start;

static bool describe_prepared(TarnEngineResult *result, duckdb_prepared_statement statement,
                              TarnError *error);

static bool prepare_part(const Start *start, duckdb_extracted_statements extracted, idx_t index,
                         duckdb_prepared_statement *statement, TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    if (duck->prepare_extracted_statement(start->session->connection, extracted, index,
                                          statement) == DuckDBSuccess) {
        return true;
    }
    (void)fail_statement(start->session,
                         *statement != NULL ? duck->prepare_error(*statement) : NULL, start->sql,
                         error);
    return false;
}

static bool run_part(const Start *start, duckdb_extracted_statements extracted, idx_t index,
                     TarnError *error) {
    duckdb_prepared_statement statement = NULL;
    duckdb_result result;
    bool done = prepare_part(start, extracted, index, &statement, error) &&
                bind_parameters(statement, NULL, 0, error) &&
                start_prepared(start->session, statement, start->sql, &result, error);
    if (done) tarn_engine__duck.destroy_result(&result);
    tarn_engine__duck.destroy_prepare(&statement);
    return done;
}

/* The last of the statements DuckDB made of the user's is the one that yields the rows. */
static bool start_last(const Start *start, duckdb_extracted_statements extracted, idx_t index,
                       TarnError *error) {
    duckdb_prepared_statement statement = NULL;
    TarnEngineResult *result = start->result;
    bool done = prepare_part(start, extracted, index, &statement, error);
    if (done && start->describe) {
        done = describe_prepared(result, statement, error);
    } else if (done) {
        done = bind_parameters(statement, start->params, start->param_count, error) &&
               start_prepared(start->session, statement, start->sql, &result->result, error);
        result->has_result = done;
    }
    tarn_engine__duck.destroy_prepare(&statement);
    return done;
}

static bool start_all(const Start *start, duckdb_extracted_statements extracted, idx_t count,
                      TarnError *error) {
    for (idx_t i = 0; i + 1 < count; i++) {
        if (!run_part(start, extracted, i, error)) return false;
    }
    return start_last(start, extracted, count - 1, error);
}

static bool refuse_several(TarnText sql, TarnError *error) {
    TarnEnginePiece piece;
    size_t position = 0;
    if (!tarn_engine__piece_next(sql, &position, &piece)) {
        return tarn_base_error_set(error, TARN_E_SQL_SYNTAX, "there is no statement to run");
    }
    if (!tarn_engine__piece_next(sql, &position, &piece)) return true;
    tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                        "more than one statement where one is expected");
    tarn_engine__failure_place(error, sql, piece.offset);
    return false;
}

/* `text` is what DuckDB reads: sql with its Unicode spaces blanked, zero-terminated. */
static bool start_statement(const Start *start, const char *text, TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    TarnEngineSession *session = start->session;
    TarnText sql = start->sql;
    if (!refuse_several(sql, error)) return false;
    if (!tarn_engine__watch_begin(session, error)) return false;
    tarn_engine__watch_enter(session);
    duckdb_extracted_statements extracted = NULL;
    idx_t count = duck->extract_statements(session->connection, text, &extracted);
    bool done = count > 0;
    if (count > 1 && memchr(sql.data, ';', sql.size) != NULL) {
        /* Should this room's splitting ever miss a boundary, nothing may hide behind it. */
        done = tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                                   "cannot tell where the statement ends");
    } else if (done) {
        done = start_all(start, extracted, count, error);
    } else {
        const char *message = duck->extract_statements_error(extracted);
        (void)fail_statement(session, message != NULL ? message : "Parser Error: no statement",
                             sql, error);
    }
    duck->destroy_extracted(&extracted);
    tarn_engine__watch_leave(session);
    if (!done || start->describe) (void)tarn_engine__watch_end(session);
    return done;
}

/* ---- the result -------------------------------------------------------------------------- */

static bool make_columns(TarnEngineResult *result, idx_t count, TarnError *error) {
    TarnArena *arena = &result->arena;
    if (count > UINT32_MAX / sizeof(TarnEngineVector)) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED, "a result of %" PRIu64 " columns",
                                   count);
    }
    result->column_count = (uint32_t)count;
    result->names = TARN_NEW_ARRAY(arena, count, const char *);
    result->types = TARN_NEW_ARRAY(arena, count, TarnEngineType);
    result->vectors = TARN_NEW_ARRAY(arena, count, TarnEngineVector);
    return tarn_base_arena_check(arena, error);
}

/* Ends DuckDB's type. */
static bool describe_column(TarnEngineResult *result, uint32_t column, const char *name,
                            duckdb_logical_type type, TarnError *error) {
    TarnArena *arena = &result->arena;
    result->names[column] = tarn_base_arena_string(arena, name);
    bool done = tarn_engine__type_read(type, arena, &result->types[column], error);
    tarn_engine__duck.destroy_logical_type(&type);
    if (done) tarn_engine__vector_init(&result->vectors[column], &result->types[column], arena);
    return done && tarn_base_arena_check(arena, error);
}

static bool describe_result(TarnEngineResult *result, TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    duckdb_result_type returns = duck->result_return_type(result->result);
    result->rows_changed = -1;
    if (returns == DUCKDB_RESULT_TYPE_CHANGED_ROWS &&
        !duck->result_is_streaming(result->result)) {
        result->rows_changed = (int64_t)duck->rows_changed(&result->result);
    }
    idx_t count = returns == DUCKDB_RESULT_TYPE_NOTHING ? 0 : duck->column_count(&result->result);
    if (!make_columns(result, count, error)) return false;
    for (uint32_t i = 0; i < result->column_count; i++) {
        if (!describe_column(result, i, duck->column_name(&result->result, i),
                             duck->column_logical_type(&result->result, i), error)) {
            return false;
        }
    }
    return true;
}

static bool describe_prepared(TarnEngineResult *result, duckdb_prepared_statement statement,
                              TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    result->rows_changed = -1;
    result->finished = true;
    if (!make_columns(result, duck->prepared_statement_column_count(statement), error)) {
        return false;
    }
    for (uint32_t i = 0; i < result->column_count; i++) {
        const char *name = duck->prepared_statement_column_name(statement, i);
        bool done = describe_column(result, i, name != NULL ? name : "",
                                    duck->prepared_statement_column_logical_type(statement, i),
                                    error);
        duck->free((void *)(uintptr_t)name); /* DuckDB's copy */
        if (!done) return false;
    }
    return true;
}

/* A result that has not begun; it ends the one before. */
static TarnEngineResult *new_result(TarnEngineSession *session, TarnText sql, TarnError *error) {
    tarn_engine__result_detach(session);
    TarnEngineResult *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for a result");
        return NULL;
    }
    tarn_base_arena_init(&made->arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    made->session = session;
    made->sql = (TarnText){tarn_base_text_string(&made->arena, sql), sql.size};
    return made;
}

/* Hands over a result that has begun, or frees it. */
static bool finish_start(TarnEngineResult *made, bool done, TarnEngineResult **result,
                         TarnError *error) {
    if (done && made->has_result) {
        made->session->open_result = made;
        done = describe_result(made, error);
    }
    if (done) {
        *result = made;
    } else {
        tarn_engine_result_free(made);
    }
    return done;
}

static bool start_text(Start *start, TarnEngineResult **result, TarnError *error) {
    *result = NULL;
    if (!tarn_engine__failure_alive(start->session->engine, error)) return false;
    if (!tarn_engine__sql_check(start->sql, error)) return false;
    TarnEngineResult *made = new_result(start->session, start->sql, error);
    if (made == NULL) return false;
    made->repeatable = start->param_count == 0 && start->session->scans == NULL;
    char *text = tarn_base_text_string(&made->arena, start->sql);
    bool done = tarn_base_arena_check(&made->arena, error);
    if (done) {
        start->sql = made->sql;
        start->result = made;
        tarn_engine__sql_blank(text, start->sql.size);
        done = start_statement(start, text, error);
    }
    return finish_start(made, done, result, error);
}

bool tarn_engine_query(TarnEngineSession *session, TarnText sql, const TarnEngineParam *params,
                       size_t param_count, TarnEngineResult **result, TarnError *error) {
    Start start = {
        .session = session, .sql = sql, .params = params, .param_count = param_count};
    return start_text(&start, result, error);
}

bool tarn_engine_describe(TarnEngineSession *session, TarnText sql, TarnEngineResult **result,
                          TarnError *error) {
    Start start = {.session = session, .sql = sql, .describe = true};
    return start_text(&start, result, error);
}

bool tarn_engine__query_kept(TarnEngineSession *session, duckdb_prepared_statement *kept,
                             const char *sql, const TarnEngineParam *param,
                             TarnEngineResult **result, TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    *result = NULL;
    if (!tarn_engine__failure_alive(session->engine, error)) return false;
    TarnEngineResult *made = new_result(session, tarn_base_text(sql), error);
    if (made == NULL) return false;
    bool done = tarn_base_arena_check(&made->arena, error) &&
                tarn_engine__watch_begin(session, error);
    if (done && *kept == NULL &&
        duck->prepare(session->connection, sql, kept) != DuckDBSuccess) {
        done = false;
        (void)fail_statement(session, duck->prepare_error(*kept), made->sql, error);
        duck->destroy_prepare(kept);
    }
    tarn_engine__watch_enter(session);
    done = done && bind_parameters(*kept, param, 1, error) &&
           start_prepared(session, *kept, made->sql, &made->result, error);
    tarn_engine__watch_leave(session);
    made->has_result = done;
    if (!done) (void)tarn_engine__watch_end(session);
    return finish_start(made, done, result, error);
}

static bool drain(TarnEngineResult *result, TarnError *error);

/* A stream at times hands out the interrupt of its own threads instead of the failure that caused
 * it. Running the statement once more, without looking at its rows, tells what failed. */
static void find_cause(TarnEngineSession *session, TarnText sql, TarnError *error) {
    TarnEngineResult *again;
    TarnError told = {0};
    bool done = tarn_engine_query(session, sql, NULL, 0, &again, &told);
    if (done) {
        again->repeatable = false;
        done = drain(again, &told);
        tarn_engine_result_free(again);
    }
    if (!done) *error = told;
}

bool tarn_engine_result_next(TarnEngineResult *result, const TarnEngineChunk **chunk,
                             TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    *chunk = NULL;
    if (result->finished) return true;
    TarnEngineSession *session = result->session;
    if (session == NULL) {
        return tarn_base_error_set(error, TARN_E_INTERNAL,
                                   "a later statement of the session ended this result");
    }
    duck->destroy_data_chunk(&result->raw);
    tarn_engine__watch_enter(session);
    result->raw = duck->fetch_chunk(result->result);
    tarn_engine__watch_leave(session);
    if (result->raw == NULL) {
        const char *message = duck->result_error(&result->result);
        bool told = message == NULL || fail_statement(session, message, result->sql, error);
        bool done = message == NULL;
        result->finished = true;
        end_rows(result);
        if (!told && result->repeatable) find_cause(session, result->sql, error);
        return done;
    }
    uint64_t rows = duck->data_chunk_get_size(result->raw);
    for (uint32_t i = 0; i < result->column_count; i++) {
        tarn_engine__vector_fill(&result->vectors[i],
                                 duck->data_chunk_get_vector(result->raw, i), rows);
    }
    result->chunk = (TarnEngineChunk){rows, result->column_count, result->vectors};
    *chunk = &result->chunk;
    return true;
}

uint32_t tarn_engine_result_column_count(const TarnEngineResult *result) {
    return result->column_count;
}

const char *tarn_engine_result_column_name(const TarnEngineResult *result, uint32_t column) {
    return column < result->column_count ? result->names[column] : NULL;
}

const TarnEngineType *tarn_engine_result_column_type(const TarnEngineResult *result,
                                                     uint32_t column) {
    return column < result->column_count ? &result->types[column] : NULL;
}

int64_t tarn_engine_result_rows_changed(const TarnEngineResult *result) {
    return result->rows_changed;
}

/* ---- conveniences ------------------------------------------------------------------------ */

static bool drain(TarnEngineResult *result, TarnError *error) {
    const TarnEngineChunk *chunk;
    do {
        if (!tarn_engine_result_next(result, &chunk, error)) return false;
    } while (chunk != NULL);
    return true;
}

bool tarn_engine__run_own(TarnEngineSession *session, const TarnBuffer *sql, TarnError *error) {
    if (!tarn_base_buffer_check(sql, error)) return false;
    TarnEngineResult *result;
    if (!tarn_engine_query(session, tarn_base_buffer_view(sql), NULL, 0, &result, error)) {
        return false;
    }
    bool done = drain(result, error);
    tarn_engine_result_free(result);
    return done;
}

void tarn_engine__place_shift(TarnText sql, size_t piece_offset, TarnError *error) {
    if (error->line == 0) return;
    size_t line_start = piece_offset;
    for (uint32_t i = 1; i < error->line; i++) {
        const char *end = memchr(sql.data + line_start, '\n', sql.size - line_start);
        if (end == NULL) return;
        line_start = (size_t)(end - sql.data) + 1;
    }
    TarnText line = {sql.data + line_start, sql.size - line_start};
    size_t offset = 0;
    for (uint32_t i = 1; i < error->column && offset < line.size; i++) {
        if (tarn_base_text_utf8_next(line, &offset) < 0) offset++;
    }
    tarn_engine__failure_place(error, sql, line_start + offset);
}

bool tarn_engine_run(TarnEngineSession *session, TarnText sql, int64_t *rows_changed,
                     TarnError *error) {
    if (rows_changed != NULL) *rows_changed = -1;
    if (!tarn_engine__sql_check(sql, error)) return false;
    TarnEnginePiece piece;
    size_t position = 0;
    while (tarn_engine__piece_next(sql, &position, &piece)) {
        TarnText text = {sql.data + piece.offset, piece.size};
        TarnEngineResult *result;
        bool done = tarn_engine_query(session, text, NULL, 0, &result, error);
        if (done) {
            done = drain(result, error);
            if (rows_changed != NULL) *rows_changed = result->rows_changed;
            tarn_engine_result_free(result);
        }
        if (!done) {
            tarn_engine__place_shift(sql, piece.offset, error);
            return false;
        }
    }
    return true;
}

static bool copy_first(TarnEngineResult *result, TarnArena *arena, TarnText *text,
                       TarnError *error) {
    const TarnEngineChunk *chunk;
    if (!tarn_engine_result_next(result, &chunk, error)) return false;
    if (chunk == NULL || chunk->rows == 0 || chunk->column_count == 0) return true;
    if (chunk->columns[0].type->kind == TARN_ENGINE_VARCHAR) { /* the common case: one copy */
        if (tarn_engine_vector_null(&chunk->columns[0], 0)) return true;
        *text = tarn_engine_vector_text(&chunk->columns[0], 0);
        text->data = tarn_base_text_string(arena, *text);
        return tarn_base_arena_check(arena, error);
    }
    TarnBuffer buffer;
    tarn_base_buffer_init(&buffer, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool there = tarn_engine_value_text(&chunk->columns[0], 0, &buffer);
    bool done = tarn_base_buffer_check(&buffer, error);
    if (done && there) {
        *text = tarn_base_buffer_view(&buffer);
        text->data = tarn_base_text_string(arena, *text);
        done = tarn_base_arena_check(arena, error);
    }
    tarn_base_buffer_dispose(&buffer);
    return done;
}

bool tarn_engine__first_text(TarnEngineResult *result, TarnArena *arena, TarnText *text,
                             TarnError *error) {
    *text = (TarnText){NULL, 0};
    bool done = copy_first(result, arena, text, error);
    tarn_engine_result_free(result);
    return done;
}

bool tarn_engine_query_text(TarnEngineSession *session, TarnText sql,
                            const TarnEngineParam *params, size_t param_count, TarnArena *arena,
                            TarnText *text, TarnError *error) {
    *text = (TarnText){NULL, 0};
    TarnEngineResult *result;
    if (!tarn_engine_query(session, sql, params, param_count, &result, error)) return false;
    return tarn_engine__first_text(result, arena, text, error);
}
