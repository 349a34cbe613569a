/* A session: one connection to the instance.
 *
 * Purpose: the life of a connection and what is set on it alone. Progress is counted by DuckDB
 * only when its progress bar is on, so a session that wants to be told turns the bar on and its
 * printing off.
 * What it does not do: pool connections; a session is cheap (tens of microseconds).
 */
#include <stdlib.h>

#include "base/limits.h"
#include "engine/engine_private.h"

bool tarn_engine_session_open(TarnEngine *engine, TarnEngineSession **session, TarnError *error) {
    *session = NULL;
    if (!tarn_engine__failure_alive(engine, error)) return false;
    TarnEngineSession *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for a session");
    }
    made->engine = engine;
    if (tarn_engine__duck.connect(engine->database, &made->connection) != DuckDBSuccess) {
        free(made);
        return tarn_base_error_set(error, TARN_E_ENGINE, "could not open an engine session");
    }
    *session = made;
    return true;
}

void tarn_engine_session_close(TarnEngineSession *session) {
    if (session == NULL) return;
    tarn_engine__result_detach(session);
    tarn_engine__scan_leave(session);
    (void)tarn_engine__watch_end(session);
    tarn_engine__duck.destroy_prepare(&session->kept_parse);
    tarn_engine__duck.destroy_prepare(&session->kept_plan);
    tarn_engine__duck.disconnect(&session->connection);
    free(session);
}

/* Failure is no error: the statements run as well without their percentage. */
static void turn_progress_on(TarnEngineSession *session) {
    static const char *const statements[] = {"SET enable_progress_bar_print = false",
                                             "SET enable_progress_bar = true"};
    session->progress_ready = true;
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        TarnBuffer sql;
        TarnError ignored;
        tarn_base_buffer_init(&sql, TARN_KIB);
        tarn_base_buffer_string(&sql, statements[i]);
        bool done = tarn_engine__run_own(session, &sql, &ignored);
        tarn_base_buffer_dispose(&sql);
        if (!done) return;
    }
}

void tarn_engine_session_watch(TarnEngineSession *session, const TarnEngineWatch *watch) {
    if (watch->progress != NULL && !session->progress_ready) turn_progress_on(session);
    TarnEngineWatcher *watcher = &session->engine->watcher;
    pthread_mutex_lock(&watcher->lock);
    session->watch = *watch;
    pthread_mutex_unlock(&watcher->lock);
}

void tarn_engine_session_watch_as(TarnEngineSession *session, const TarnEngineSession *other) {
    tarn_engine_session_watch(session, &other->watch);
}

bool tarn_engine_session_set(TarnEngineSession *session, const char *name, const char *value,
                             TarnError *error) {
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, 64 * TARN_KIB);
    tarn_base_buffer_string(&sql, "SET SESSION ");
    tarn_base_buffer_identifier(&sql, tarn_base_text(name));
    tarn_base_buffer_string(&sql, " = ");
    tarn_base_buffer_literal(&sql, tarn_base_text(value));
    bool done = tarn_engine__run_own(session, &sql, error);
    tarn_base_buffer_dispose(&sql);
    return done;
}
