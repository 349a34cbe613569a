/* Running checks over a table, or over rows that are to become it.
 *
 * Check SQL names the table like any statement does. For rows not published yet the engine's view
 * of that name is put over the new files instead, so that a user's own query, a relationship or a
 * {{ this }} sees them without being rewritten. All row-level checks share one scan; if that
 * cannot run, each is asked alone to find the one to blame.
 */
#include <string.h>

#include "base/limits.h"
#include "flow/check_private.h"
#include "flow/template_private.h"

typedef struct Running {
    TarnQuery *query;
    const TarnCheckContent *content;
    const char *table;
    TarnArena *arena;
    TarnCheckResults *results;
    TarnError *error;
} Running;

/* --- what the statement may see --- */

static void put_engine_name(TarnTableName name, TarnBuffer *out) {
    TarnText schema;
    TarnText zone = tarn_base_text_split(tarn_base_text(name.ns), '.', &schema);
    tarn_base_buffer_identifier(out, zone);
    tarn_base_buffer_byte(out, '.');
    tarn_base_buffer_identifier(out, schema.data != NULL ? schema : TARN_TEXT("main"));
}

static bool run_script(TarnQuery *query, TarnBuffer *sql, TarnError *error) {
    bool ok = tarn_base_buffer_check(sql, error) &&
              tarn_engine_run(tarn_query_session(query), tarn_base_buffer_view(sql), NULL, error);
    tarn_base_buffer_dispose(sql);
    return ok;
}

static bool place_content(TarnQuery *query, const TarnCheckContent *content, TarnError *error) {
    static const char *const kinds[] = {"VIEW", "TABLE"};
    TarnBuffer sql;
    for (size_t i = 0; i < 2; i++) {
        /* IF EXISTS is an error for an object of the other kind: one of the two is right. */
        TarnError ignored = {0};
        tarn_base_buffer_init(&sql, TARN_MIB);
        tarn_base_buffer_printf(&sql, "DROP %s IF EXISTS ", kinds[i]);
        put_engine_name(content->table, &sql);
        tarn_base_buffer_byte(&sql, '.');
        tarn_base_buffer_identifier(&sql, tarn_base_text(content->table.name));
        if (!run_script(query, &sql, &ignored) && ignored.code == TARN_E_INTERRUPTED) {
            *error = ignored;
            return false;
        }
    }
    tarn_base_buffer_init(&sql, 16 * TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "CREATE SCHEMA IF NOT EXISTS ");
    put_engine_name(content->table, &sql);
    tarn_base_buffer_string(&sql, "; CREATE VIEW ");
    put_engine_name(content->table, &sql);
    tarn_base_buffer_byte(&sql, '.');
    tarn_base_buffer_identifier(&sql, tarn_base_text(content->table.name));
    tarn_base_buffer_printf(&sql, " AS %s", content->sql);
    return run_script(query, &sql, error);
}

bool tarn_flow__check_prepare(TarnQuery *query, const TarnCheckContent *content, TarnText sql,
                              TarnArena *arena, TarnError *error) {
    TarnTableName *names = NULL;
    size_t count = 0;
    size_t others = 0;
    TarnSelectInfo info;
    TarnBuffer probe;
    if (!tarn_query_references(query, sql, arena, &names, &count, error)) return false;
    tarn_base_buffer_init(&probe, TARN_LIMIT_SQL_BYTES);
    for (size_t i = 0; i < count; i++) {
        if (content->sql != NULL && tarn_catalog_name_equal(names[i], content->table)) continue;
        tarn_base_buffer_string(&probe, others++ > 0 ? " UNION ALL SELECT 1 FROM "
                                                     : "SELECT 1 FROM ");
        tarn_flow__sql_name(names[i], &probe);
    }
    if (content->lake != NULL) {
        tarn_base_buffer_printf(&probe, "%sSELECT 1 FROM (\n%s\n)",
                                others++ > 0 ? " UNION ALL " : "", content->lake);
    }
    bool ok = tarn_base_buffer_check(&probe, error) &&
              (others == 0 || tarn_query_prepare_select(query, tarn_base_buffer_view(&probe), NULL,
                                                        arena, &info, error));
    tarn_base_buffer_dispose(&probe);
    if (!ok) error->line = 0; /* of the probe, which nobody wrote */
    return ok && (content->sql == NULL || place_content(query, content, error));
}

/* --- asking --- */

/* One row of BIGINTs. */
static bool ask(Running *running, const TarnBuffer *sql, int64_t *values, bool *there,
                size_t count, TarnError *error) {
    TarnEngineResult *rows = NULL;
    const TarnEngineChunk *chunk = NULL;
    tarn_base_error_clear(error);
    if (!tarn_base_buffer_check(sql, error) ||
        !tarn_flow__check_prepare(running->query, running->content, tarn_base_buffer_view(sql),
                                  running->arena, error) ||
        !tarn_engine_query(tarn_query_session(running->query), tarn_base_buffer_view(sql), NULL, 0,
                           &rows, error)) {
        return false;
    }
    bool ok = tarn_engine_result_next(rows, &chunk, error);
    if (ok && (chunk == NULL || chunk->rows != 1 || chunk->column_count != count)) {
        ok = tarn_base_error_set(error, TARN_E_INTERNAL, "a check gave no row");
    }
    for (size_t i = 0; ok && i < count; i++) {
        values[i] = 0;
        there[i] = tarn_engine_vector_int64(&chunk->columns[i], 0, &values[i]);
    }
    tarn_engine_result_free(rows);
    return ok;
}

static TarnCheckResult *add_result(Running *running, const TarnCheck *check) {
    TarnCheckResult *result = TARN_PUSH(running->arena, running->results);
    if (result == NULL) return NULL;
    *result = (TarnCheckResult){.table = running->table,
                                .name = check->name,
                                .severity = check->severity,
                                .expected = tarn_flow__check_expected(check, running->arena),
                                .failing_rows = -1,
                                .file = check->file,
                                .line = check->line};
    return result;
}

static bool add_broken(Running *running, const TarnCheck *check, const TarnError *why) {
    TarnCheckResult *result = add_result(running, check);
    if (result != NULL) {
        result->status = TARN_CHECK_BROKEN;
        result->error_text = tarn_base_arena_string(running->arena, why->message);
    }
    return tarn_base_arena_check(running->arena, running->error);
}

static TarnCheckStatus failed_status(const TarnCheck *check) {
    switch (check->severity) {
    case TARN_CHECK_WARN: return TARN_CHECK_WARNED;
    case TARN_CHECK_QUARANTINE: return TARN_CHECK_QUARANTINED;
    case TARN_CHECK_ERROR: break;
    }
    return TARN_CHECK_FAILED;
}

static bool within(const TarnCheck *check, int64_t value) {
    int64_t bound;
    if (check->min != NULL && tarn_base_json_int64(check->min, &bound) && value < bound) {
        return false;
    }
    return check->max == NULL || !tarn_base_json_int64(check->max, &bound) || value <= bound;
}

static bool add_value(Running *running, const TarnCheck *check, int64_t value, bool there) {
    TarnArena *arena = running->arena;
    TarnCheckResult *result = add_result(running, check);
    bool passed;
    if (result == NULL) return tarn_base_arena_check(arena, running->error);
    if (check->kind == TARN_CHECK_FRESHNESS) {
        const TarnOs *os = tarn_catalog_options(tarn_query_catalog(running->query))->os;
        int64_t age_ms = (os->clock_us(os) - value) / 1000;
        passed = there && age_ms <= check->max_age_ms;
        result->value = there ? tarn_base_arena_printf(arena, "%lld s old",
                                                       (long long)(age_ms / 1000))
                              : "no rows";
    } else if (check->kind == TARN_CHECK_ROW_COUNT) {
        passed = within(check, value);
        result->value = tarn_base_arena_printf(arena, "%lld rows", (long long)value);
    } else {
        passed = value == 0;
        result->failing_rows = value;
        result->value = tarn_base_arena_printf(arena, "%lld failing row%s", (long long)value,
                                               value == 1 ? "" : "s");
    }
    result->status = passed ? TARN_CHECK_PASSED : failed_status(check);
    return tarn_base_arena_check(arena, running->error);
}

/* Errors that are no check's fault end the run. */
static bool is_fatal(const TarnError *error) {
    return error->code == TARN_E_INTERRUPTED || error->code == TARN_E_TIMEOUT ||
           error->code == TARN_E_OUT_OF_MEMORY || error->code == TARN_E_DISK_FULL ||
           error->code == TARN_E_ENGINE;
}

static bool run_alone(Running *running, const TarnCheck *check) {
    TarnBuffer sql;
    TarnError why = {0};
    int64_t value = 0;
    bool there = false;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    if (!tarn_flow__check_own_sql(check, running->content->table, running->arena, &sql)) {
        tarn_flow__check_scan_sql(&check, 1, running->content->table, &sql);
    }
    bool ok = ask(running, &sql, &value, &there, 1, &why);
    tarn_base_buffer_dispose(&sql);
    if (ok) return add_value(running, check, value, there);
    if (is_fatal(&why)) {
        *running->error = why;
        return false;
    }
    return add_broken(running, check, &why);
}

static bool run_scan(Running *running, const TarnCheck *const *scanned, size_t count) {
    TarnBuffer sql;
    TarnError why = {0};
    int64_t *values = TARN_NEW_ARRAY(running->arena, count, int64_t);
    bool *there = TARN_NEW_ARRAY(running->arena, count, bool);
    if (!tarn_base_arena_check(running->arena, running->error)) return false;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_flow__check_scan_sql(scanned, count, running->content->table, &sql);
    bool ok = ask(running, &sql, values, there, count, &why);
    tarn_base_buffer_dispose(&sql);
    if (!ok && is_fatal(&why)) {
        *running->error = why;
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        bool done = ok ? add_value(running, scanned[i], values[i], there[i])
                       : run_alone(running, scanned[i]);
        if (!done) return false;
    }
    return true;
}

bool tarn_flow__check_run(TarnQuery *query, const TarnCheckContent *content,
                          const TarnCheckList *checks, TarnArena *arena,
                          TarnCheckResults *results, TarnError *error) {
    Running running = {.query = query,
                       .content = content,
                       .table = tarn_catalog_name_text(content->table, arena),
                       .arena = arena,
                       .results = results,
                       .error = error};
    const TarnCheck **scanned = TARN_NEW_ARRAY(arena, checks->count + 1, const TarnCheck *);
    size_t count = 0;
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < checks->count; i++) {
        const TarnCheck *check = &checks->items[i];
        if (check->kind != TARN_CHECK_UNIQUE && check->kind != TARN_CHECK_SQL) {
            scanned[count++] = check;
        }
    }
    if (count > 0 && !run_scan(&running, scanned, count)) return false;
    for (size_t i = 0; i < checks->count; i++) {
        const TarnCheck *check = &checks->items[i];
        bool alone = check->kind == TARN_CHECK_UNIQUE || check->kind == TARN_CHECK_SQL;
        if (alone && !run_alone(&running, check)) return false;
    }
    return true;
}
