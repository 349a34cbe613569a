/* Runs in the metadata database. A model's row is written when a run begins (pending) and replaced
 * when it ends; a success goes into the transaction that publishes its rows, so that after a kill
 * at any point the record and the table agree. A run whose process died stays "running".
 */
#include "flow/run_private.h"

#include <string.h>

bool tarn_flow__run_begin(TarnDb *db, const TarnOs *os, const char *kind, const char *user,
                          TarnArena *arena, const char **run_id, TarnError *error) {
    char id[TARN_OS_UUID_BYTES];
    if (!tarn_os_uuid7(os, id, error)) return false;
    *run_id = tarn_base_arena_string(arena, id);
    return tarn_base_arena_check(arena, error) &&
           tarn_db_execute(db,
                           "insert into tarn_run (id, kind, status, user_name, started_at_ms)"
                           " values ($1, $2, 'running', $3, $4)",
                           TARN_DB_VALUES(tarn_db_string(id), tarn_db_string(kind),
                                          tarn_db_string(user),
                                          tarn_db_int64(tarn_os_clock_ms(os))),
                           NULL, error);
}

bool tarn_flow__run_end(TarnDb *db, const TarnOs *os, const char *run_id, const char *status,
                        TarnError *error) {
    return tarn_db_execute(db, "update tarn_run set status = $2, ended_at_ms = $3 where id = $1",
                           TARN_DB_VALUES(tarn_db_string(run_id), tarn_db_string(status),
                                          tarn_db_int64(tarn_os_clock_ms(os))),
                           NULL, error);
}

static TarnDbValue optional_int64(int64_t value, int64_t absent) {
    return value == absent ? tarn_db_null() : tarn_db_int64(value);
}

bool tarn_flow__run_put_model(TarnDb *db, const TarnRunModel *model, int64_t now_ms,
                              TarnError *error) {
    return tarn_db_execute(
        db,
        "insert into tarn_run_model (run_id, name, status, rows, seconds, snapshot_id, inputs,"
        " hash, error, updated_at_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " on conflict (run_id, name) do update set status = $3, rows = $4, seconds = $5,"
        " snapshot_id = $6, inputs = $7, hash = $8, error = $9, updated_at_ms = $10",
        TARN_DB_VALUES(tarn_db_string(model->run_id), tarn_db_string(model->name),
                       tarn_db_string(model->status), optional_int64(model->rows, -1),
                       tarn_db_double(model->seconds),
                       optional_int64(model->snapshot_id, TARN_ABSENT),
                       tarn_db_string(model->inputs), tarn_db_string(model->hash),
                       tarn_db_string(model->error), tarn_db_int64(now_ms)),
        NULL, error);
}

bool tarn_flow__run_put_checks(TarnDb *db, const char *run_id, const TarnCheckResults *results,
                               int64_t now_ms, TarnError *error) {
    for (size_t i = 0; i < results->count; i++) {
        const TarnCheckResult *result = &results->items[i];
        if (!tarn_db_execute(
                db,
                "insert into tarn_check_result (run_id, table_name, position, name, status,"
                " severity, value, expected, failing_rows, error, checked_at_ms)"
                " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
                " on conflict (run_id, table_name, position) do update set name = $4, status = $5,"
                " severity = $6, value = $7, expected = $8, failing_rows = $9, error = $10,"
                " checked_at_ms = $11",
                TARN_DB_VALUES(
                    tarn_db_string(run_id), tarn_db_string(result->table),
                    tarn_db_int64((int64_t)i), tarn_db_string(result->name),
                    tarn_db_string(tarn_flow_check_status_name(result->status)),
                    tarn_db_string(tarn_flow_check_severity_name(result->severity)),
                    tarn_db_string(result->value), tarn_db_string(result->expected),
                    optional_int64(result->failing_rows, -1), tarn_db_string(result->error_text),
                    tarn_db_int64(now_ms)),
                NULL, error)) {
            return false;
        }
    }
    return true;
}

bool tarn_flow__run_last_success(TarnDb *db, const char *name, TarnArena *arena,
                                 TarnRunModel *model, bool *found, TarnError *error) {
    TarnDbRows *rows = NULL;
    *found = false;
    bool ok = tarn_db_query(db,
                            "select run_id, snapshot_id, inputs, hash, rows from tarn_run_model"
                            " where name = $1 and status = 'success' order by run_id desc limit 1",
                            TARN_DB_VALUES(tarn_db_string(name)), &rows, error) &&
              tarn_db_next(rows, found, error);
    if (ok && *found) {
        bool absent = tarn_db_column_kind(rows, 1) == TARN_DB_NULL;
        *model = (TarnRunModel){.run_id = tarn_db_column_string(rows, 0, arena),
                                .name = name,
                                .status = "success",
                                .rows = tarn_db_column_int64(rows, 4),
                                .snapshot_id = absent ? TARN_ABSENT : tarn_db_column_int64(rows, 1),
                                .inputs = tarn_db_column_string(rows, 2, arena),
                                .hash = tarn_db_column_string(rows, 3, arena)};
    }
    tarn_db_rows_close(rows);
    return ok && tarn_base_arena_check(arena, error);
}

bool tarn_flow__run_unfinished(TarnDb *db, TarnArena *arena, const char ***names, size_t *count,
                               bool *found, TarnError *error) {
    struct {
        const char **items;
        size_t count;
        size_t capacity;
    } list = {0};
    TarnDbRows *rows = NULL;
    bool more = false;
    *found = false;
    bool ok = tarn_db_query(db,
                            "select name, status from tarn_run_model where run_id = (select id"
                            " from tarn_run where kind = 'build' order by id desc limit 1)"
                            " order by name",
                            NULL, 0, &rows, error);
    while (ok && (ok = tarn_db_next(rows, &more, error)) && more) {
        TarnText status = tarn_db_column_text(rows, 1);
        *found = true;
        if (tarn_base_text_is(status, "success") || tarn_base_text_is(status, "unchanged")) {
            continue;
        }
        const char **slot = TARN_PUSH(arena, &list);
        if (slot != NULL) *slot = tarn_db_column_string(rows, 0, arena);
    }
    tarn_db_rows_close(rows);
    *names = list.items;
    *count = list.count;
    return ok && tarn_base_arena_check(arena, error);
}
