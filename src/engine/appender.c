/* Rows one by one into a table of the instance.
 *
 * Purpose: small tables that SQL joins with (position lists, parameters, test data) without
 * building SQL text. For bulk data an Arrow stream is several times faster.
 * Idea: a failed value spoils its row, so it is remembered and reported at end_row; what was
 * buffered before stays until close.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/engine_private.h"

struct TarnEngineAppender {
    TarnEngineSession *session;
    duckdb_appender appender;
    idx_t column_count;
    idx_t filled; /* values of the current row */
    bool failed;
    TarnError error;
};

static bool fail_appender(TarnEngineAppender *appender, TarnError *error) {
    const char *reason = tarn_engine__duck.appender_error(appender->appender);
    return tarn_base_error_set(error, TARN_E_SQL_EXECUTION, "could not append a row: %s",
                               reason != NULL ? reason : "no reason given");
}

bool tarn_engine_appender_open(TarnEngineSession *session, const char *schema, const char *table,
                               TarnEngineAppender **appender, TarnError *error) {
    *appender = NULL;
    if (!tarn_engine__failure_alive(session->engine, error)) return false;
    tarn_engine__result_detach(session);
    TarnEngineAppender *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for an appender");
    }
    made->session = session;
    if (tarn_engine__duck.appender_create_ext(session->connection, NULL, schema, table,
                                              &made->appender) != DuckDBSuccess) {
        const char *reason = tarn_engine__duck.appender_error(made->appender);
        tarn_base_error_set(error, TARN_E_SQL_BIND, "cannot append to \"%s\": %s", table,
                            reason != NULL ? reason : "no reason given");
        (void)tarn_engine__duck.appender_destroy(&made->appender);
        free(made);
        return false;
    }
    made->column_count = tarn_engine__duck.appender_column_count(made->appender);
    *appender = made;
    return true;
}

static duckdb_state append_value(duckdb_appender appender, const TarnEngineParam *value) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    const char *data = value->text.data != NULL ? value->text.data : "";
    switch (value->kind) {
    case TARN_ENGINE_PARAM_NULL: return duck->append_null(appender);
    case TARN_ENGINE_PARAM_BOOL: return duck->append_bool(appender, value->boolean);
    case TARN_ENGINE_PARAM_INT64: return duck->append_int64(appender, value->int64);
    case TARN_ENGINE_PARAM_DOUBLE: return duck->append_double(appender, value->real);
    case TARN_ENGINE_PARAM_TEXT:
        return duck->append_varchar_length(appender, data, value->text.size);
    case TARN_ENGINE_PARAM_BLOB: return duck->append_blob(appender, data, value->text.size);
    }
    return DuckDBError;
}

/* DuckDB checks neither: a wrong text would be stored, a surplus value reach past the row. */
static bool value_fits(TarnEngineAppender *appender, const TarnEngineParam *value) {
    if (appender->filled >= appender->column_count) {
        return tarn_base_error_set(&appender->error, TARN_E_SQL_EXECUTION,
                                   "a row has more values than the table's %" PRIu64 " columns",
                                   appender->column_count);
    }
    if (value->kind == TARN_ENGINE_PARAM_TEXT &&
        tarn_base_text_utf8_valid(value->text) != value->text.size) {
        return tarn_base_error_set(&appender->error, TARN_E_SQL_EXECUTION,
                                   "the value of column %" PRIu64 " is not UTF-8",
                                   appender->filled + 1);
    }
    if (value->text.size > UINT32_MAX) {
        return tarn_base_error_set(&appender->error, TARN_E_LIMIT_EXCEEDED,
                                   "a value of %zu bytes", value->text.size);
    }
    return true;
}

void tarn_engine_appender_put(TarnEngineAppender *appender, const TarnEngineParam *value) {
    if (appender->failed) return;
    appender->failed = !value_fits(appender, value);
    if (appender->failed) return;
    if (append_value(appender->appender, value) != DuckDBSuccess) {
        appender->failed = true;
        fail_appender(appender, &appender->error);
    }
    appender->filled++;
}

bool tarn_engine_appender_end_row(TarnEngineAppender *appender, TarnError *error) {
    if (!appender->failed && appender->filled != appender->column_count) {
        appender->failed = true;
        tarn_base_error_set(&appender->error, TARN_E_SQL_EXECUTION,
                            "a row has %" PRIu64 " values, but the table %" PRIu64 " columns",
                            appender->filled, appender->column_count);
    }
    if (!appender->failed &&
        tarn_engine__duck.appender_end_row(appender->appender) != DuckDBSuccess) {
        appender->failed = true;
        fail_appender(appender, &appender->error);
    }
    appender->filled = 0;
    if (!appender->failed) return true;
    *error = appender->error;
    return false;
}

bool tarn_engine_appender_close(TarnEngineAppender *appender, TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    if (appender == NULL) return true;
    bool done = !appender->failed;
    if (!done) {
        *error = appender->error;
        (void)duck->appender_clear(appender->appender);
    } else if (duck->appender_close(appender->appender) != DuckDBSuccess) {
        done = fail_appender(appender, error);
        (void)duck->appender_clear(appender->appender);
    }
    (void)duck->appender_destroy(&appender->appender);
    free(appender);
    return done;
}
