/* Rows of a model: written, looked at, and taken aside where checks say so.
 *
 * A table, an append and overwritten partitions write what the SELECT yields. Merge and
 * replace_where stage the new rows in the engine first, since they are read more than once, then
 * write the whole table anew from the old rows that stay and the new ones: copy on write. Checks
 * read the files as the table's readers would. Rows for the quarantine are found in the files too,
 * so that what is checked, put aside and published are the same rows, whatever the SELECT would
 * yield a second time.
 */
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "flow/build_private.h"

/* Beyond this the engine may write several files at once. */
#define LARGE_BYTES (64 * TARN_MIB)

static TarnEngineSession *session_of(const TarnModelRun *run) {
    return tarn_query_session(run->build->options->query);
}

static const TarnModelConfig *config_of(const TarnModelRun *run) { return &run->model->config; }

/* --- intent --- */

static bool has_quarantine(const TarnModelRun *run) {
    for (size_t i = 0; i < run->model->checks.count; i++) {
        if (run->model->checks.items[i].severity == TARN_CHECK_QUARANTINE) return true;
    }
    return false;
}

static bool begin_intent(TarnModelRun *run) {
    const char *locations[2] = {run->target.metadata->location, NULL};
    size_t count = 1;
    if (!tarn_flow__build_quarantine_target(run, has_quarantine(run))) return false;
    if (run->quarantine.metadata != NULL) locations[count++] = run->quarantine.metadata->location;
    run->intent_open = tarn_catalog_intent_begin(run->build->catalog, locations, count,
                                                 &run->intent, run->error);
    return run->intent_open;
}

/* --- writing --- */

bool tarn_flow__build_write_files(TarnModelRun *run, TarnBuildTarget *target, uint32_t sequence,
                                  TarnText select, bool large, TarnWrittenFiles *files) {
    TarnWriteOptions write = {.session = session_of(run),
                              .store = target->base != NULL
                                           ? target->base->store
                                           : tarn_catalog_store(run->build->catalog),
                              .metadata = target->metadata,
                              .commit_id = run->intent.id,
                              .sequence = sequence,
                              .select_sql = select,
                              .large = large};
    const TarnZone *zone =
        tarn_catalog_zone(run->build->catalog, tarn_catalog_name_zone(target->name));
    if (zone != NULL) write.file_size = zone->file_size;
    if (tarn_query_write_files(&write, &run->arena, files, run->error)) return true;
    run->error->line = 0; /* of the statement around the user's */
    return false;
}

static int64_t input_bytes(const TarnModelRun *run) {
    int64_t bytes = 0;
    for (size_t i = 0; i < run->info.scan_count; i++) bytes += run->info.scans[i].bytes;
    return bytes;
}

/* --- staging --- */

static bool ask_int64(TarnModelRun *run, const TarnBuffer *sql, int64_t *value) {
    TarnText text;
    *value = 0;
    return tarn_base_buffer_check(sql, run->error) &&
           tarn_engine_query_text(session_of(run), tarn_base_buffer_view(sql), NULL, 0,
                                  &run->arena, &text, run->error) &&
           (text.data == NULL || tarn_base_text_to_int64(text, value) ||
            tarn_base_error_set(run->error, TARN_E_INTERNAL, "a count is no number"));
}

static void put_keys(const TarnModelRun *run, TarnBuffer *sql) {
    for (size_t i = 0; i < config_of(run)->unique_key.count; i++) {
        if (i > 0) tarn_base_buffer_string(sql, ", ");
        tarn_base_buffer_identifier(sql, tarn_base_text(config_of(run)->unique_key.items[i]));
    }
}

/* The model's SELECT with one row a key, if config(dedupe) says which. */
static void put_select(const TarnModelRun *run, TarnBuffer *sql) {
    if (config_of(run)->dedupe == NULL) {
        tarn_base_buffer_text(sql, run->info.sql);
        tarn_base_buffer_byte(sql, '\n'); /* ends a comment of the last line */
        return;
    }
    tarn_base_buffer_string(sql, "SELECT * FROM (\n");
    tarn_base_buffer_text(sql, run->info.sql);
    tarn_base_buffer_string(sql, "\n) QUALIFY row_number() OVER (PARTITION BY ");
    put_keys(run, sql);
    tarn_base_buffer_printf(sql, " ORDER BY %s\n) = 1", config_of(run)->dedupe);
}

/* A piece of SQL out of config(..) may refer to nothing but the table's own columns. */
static bool vet_piece(TarnModelRun *run, const char *before, const char *piece) {
    TarnTableName *names = NULL;
    size_t count = 0;
    TarnBuffer sql;
    if (piece == NULL) return true;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT 1 FROM ");
    tarn_flow__sql_name(run->model->name, &sql);
    tarn_base_buffer_printf(&sql, " %s %s\n", before, piece);
    bool ok = tarn_base_buffer_check(&sql, run->error) &&
              tarn_query_references(run->build->options->query, tarn_base_buffer_view(&sql),
                                    &run->arena, &names, &count, run->error);
    tarn_base_buffer_dispose(&sql);
    if (!ok) {
        run->error->line = 0;
        return tarn_base_error_context(run->error, "in the setting \"%.200s\"", piece);
    }
    if (count == 1) return true;
    return tarn_base_error_set(run->error, TARN_E_CONFIG,
                               "the setting \"%.200s\" reads other tables", piece);
}

static bool refuse_twins(TarnModelRun *run, const char *from) {
    TarnText key;
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT concat_ws(', '");
    for (size_t i = 0; i < config_of(run)->unique_key.count; i++) {
        const char *name = config_of(run)->unique_key.items[i];
        tarn_base_buffer_string(&sql, ", concat(");
        tarn_base_buffer_literal(&sql, tarn_base_text(name));
        tarn_base_buffer_string(&sql, ", ' = ', coalesce(CAST(");
        tarn_base_buffer_identifier(&sql, tarn_base_text(name));
        tarn_base_buffer_string(&sql, " AS VARCHAR), 'null'))");
    }
    tarn_base_buffer_printf(&sql, ") FROM %s GROUP BY ", from);
    put_keys(run, &sql);
    tarn_base_buffer_string(&sql, " HAVING count(*) > 1 LIMIT 1");
    bool ok = tarn_base_buffer_check(&sql, run->error) &&
              tarn_engine_query_text(session_of(run), tarn_base_buffer_view(&sql), NULL, 0,
                                     &run->arena, &key, run->error);
    tarn_base_buffer_dispose(&sql);
    if (!ok) run->error->line = 0;
    if (!ok || key.data == NULL) return ok;
    tarn_base_error_set(run->error, TARN_E_CHECK_FAILED,
                        "two rows of \"%s\" have the same unique_key: %.400s", run->model->full,
                        key.data);
    return tarn_base_error_hint(run->error, "keep one of them in the SELECT, or say which: "
                                            "config(dedupe = 'updated_at desc')");
}

static bool refuse_outside(TarnModelRun *run) {
    TarnBuffer sql;
    int64_t outside = 0;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_printf(&sql,
                            "SELECT count(*) FROM " TARN_BUILD_STAGE " WHERE (\n%s\n) IS NOT TRUE",
                            config_of(run)->replace_where);
    bool ok = ask_int64(run, &sql, &outside);
    tarn_base_buffer_dispose(&sql);
    if (!ok) run->error->line = 0;
    if (!ok || outside == 0) return ok;
    return tarn_base_error_set(run->error, TARN_E_CHECK_FAILED,
                               "%lld new row%s of \"%s\" %s outside replace_where (%.200s)",
                               (long long)outside, outside == 1 ? "" : "s", run->model->full,
                               outside == 1 ? "is" : "are", config_of(run)->replace_where);
}

static bool stage_rows(TarnModelRun *run, int64_t *rows) {
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "CREATE OR REPLACE TEMP TABLE \"__tarn_new\" AS ");
    put_select(run, &sql);
    bool ok = tarn_base_buffer_check(&sql, run->error) &&
              tarn_engine_run(session_of(run), tarn_base_buffer_view(&sql), NULL, run->error);
    tarn_base_buffer_clear(&sql);
    run->staged = ok;
    tarn_base_buffer_string(&sql, "SELECT count(*) FROM " TARN_BUILD_STAGE);
    ok = ok && ask_int64(run, &sql, rows);
    tarn_base_buffer_dispose(&sql);
    if (!ok) run->error->line = 0;
    return ok;
}

/* Old rows that stay, and the new ones; the engine then has a view of the table as it is. */
static bool write_staged(TarnModelRun *run) {
    bool merge = config_of(run)->strategy == TARN_STRATEGY_MERGE;
    int64_t rows = 0;
    TarnSelectInfo old;
    TarnBuffer sql;
    if (!stage_rows(run, &rows)) return false;
    run->result->rows = rows;
    run->nothing_new = merge && rows == 0;
    if (run->nothing_new) return true;
    if (!(merge ? refuse_twins(run, TARN_BUILD_STAGE) : refuse_outside(run))) return false;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT * FROM ");
    tarn_flow__sql_name(run->model->name, &sql);
    bool ok = tarn_base_buffer_check(&sql, run->error) &&
              tarn_query_prepare_select(run->build->options->query, tarn_base_buffer_view(&sql),
                                        NULL, &run->arena, &old, run->error);
    if (ok && merge) {
        tarn_base_buffer_string(&sql, " AS \"__old\" WHERE NOT EXISTS (SELECT 1 FROM "
                                      TARN_BUILD_STAGE " AS \"__new\" WHERE ");
        for (size_t i = 0; i < config_of(run)->unique_key.count; i++) {
            TarnText key = tarn_base_text(config_of(run)->unique_key.items[i]);
            tarn_base_buffer_string(&sql, i > 0 ? " AND \"__new\"." : "\"__new\".");
            tarn_base_buffer_identifier(&sql, key);
            tarn_base_buffer_string(&sql, " IS NOT DISTINCT FROM \"__old\".");
            tarn_base_buffer_identifier(&sql, key);
        }
        tarn_base_buffer_byte(&sql, ')');
    } else if (ok) {
        tarn_base_buffer_printf(&sql, " WHERE (\n%s\n) IS NOT TRUE",
                                config_of(run)->replace_where);
    }
    tarn_base_buffer_string(&sql, " UNION ALL BY NAME SELECT * FROM " TARN_BUILD_STAGE);
    int64_t bytes = 0;
    for (size_t i = 0; ok && i < old.scan_count; i++) bytes += old.scans[i].bytes;
    ok = ok && tarn_base_buffer_check(&sql, run->error) &&
         tarn_flow__build_write_files(run, &run->target, 0, tarn_base_buffer_view(&sql),
                                      bytes + input_bytes(run) > (int64_t)LARGE_BYTES,
                                      &run->target.files);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

static bool write_selected(TarnModelRun *run) {
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    put_select(run, &sql);
    bool ok = tarn_base_buffer_check(&sql, run->error) &&
              tarn_flow__build_write_files(run, &run->target, 0, tarn_base_buffer_view(&sql),
                                           input_bytes(run) > (int64_t)LARGE_BYTES,
                                           &run->target.files);
    tarn_base_buffer_dispose(&sql);
    if (!ok) return false;
    run->result->rows = run->target.files.rows;
    run->nothing_new = run->incremental && run->target.files.count == 0;
    return true;
}

bool tarn_flow__build_write(TarnModelRun *run) {
    int strategy = config_of(run)->strategy;
    bool stages = run->incremental &&
                  (strategy == TARN_STRATEGY_MERGE || strategy == TARN_STRATEGY_REPLACE_WHERE);
    return vet_piece(run, "ORDER BY", config_of(run)->dedupe) &&
           vet_piece(run, "WHERE", config_of(run)->replace_where) && begin_intent(run) &&
           (stages ? write_staged(run) : write_selected(run)) &&
           !TARN_FAULT("flow.build.after_write", run->error);
}

/* --- the gate --- */

/* "<columns>, <reason> AS __reason" over the new files: the first check that a row fails. */
static void put_judged(const TarnModelRun *run, TarnBuffer *sql) {
    tarn_base_buffer_string(sql, "(SELECT *, CASE");
    for (size_t i = 0; i < run->model->checks.count; i++) {
        const TarnCheck *check = &run->model->checks.items[i];
        if (check->severity != TARN_CHECK_QUARANTINE) continue;
        tarn_base_buffer_string(sql, " WHEN ");
        tarn_flow__check_failure_sql(check, sql);
        tarn_base_buffer_printf(sql, " THEN %zu", i);
    }
    tarn_base_buffer_string(sql, " END AS \"__reason\" FROM ");
    tarn_flow__sql_name(run->model->name, sql);
    tarn_base_buffer_byte(sql, ')');
}

static void put_case(const TarnModelRun *run, bool column, TarnBuffer *sql) {
    tarn_base_buffer_string(sql, "CASE \"__reason\"");
    for (size_t i = 0; i < run->model->checks.count; i++) {
        const TarnCheck *check = &run->model->checks.items[i];
        if (check->severity != TARN_CHECK_QUARANTINE) continue;
        tarn_base_buffer_printf(sql, " WHEN %zu THEN ", i);
        if (column && check->columns.count == 0) {
            tarn_base_buffer_string(sql, "NULL");
        } else {
            tarn_base_buffer_literal(sql, tarn_base_text(column ? check->columns.items[0]
                                                                : check->name));
        }
    }
    tarn_base_buffer_string(sql, " END");
}

/* Rows as the columns of a load's quarantine; the row itself as JSON. */
static void put_quarantined(const TarnModelRun *run, TarnBuffer *sql) {
    const TarnSchema *schema = tarn_table_metadata_current_schema(run->target.metadata);
    tarn_base_buffer_string(sql, "SELECT ");
    put_case(run, false, sql);
    tarn_base_buffer_string(sql, " AS reason, ");
    put_case(run, true, sql);
    tarn_base_buffer_string(sql, " AS \"column\", CAST(NULL AS VARCHAR) AS file, NULL AS line, "
                                 "NULL AS \"row\", NULL AS byte_offset, "
                                 "encode(CAST(to_json(struct_pack(");
    for (size_t i = 0; i < schema->field_count; i++) {
        TarnText name = tarn_base_text(schema->fields[i].name);
        if (i > 0) tarn_base_buffer_string(sql, ", ");
        tarn_base_buffer_identifier(sql, name);
        tarn_base_buffer_string(sql, " := ");
        tarn_base_buffer_identifier(sql, name);
    }
    tarn_base_buffer_string(sql, ")) AS VARCHAR)) AS original, ");
    tarn_base_buffer_literal(sql, tarn_base_text(run->model->full));
    tarn_base_buffer_printf(sql, " AS source, '%s' AS batch, ", run->build->run_id);
    const TarnOs *os = run->build->options->os;
    tarn_base_buffer_printf(sql, "make_timestamptz(%lld) AS time FROM ",
                            (long long)os->clock_us(os));
    put_judged(run, sql);
    tarn_base_buffer_string(sql, " WHERE \"__reason\" IS NOT NULL");
}

static void put_kept(const TarnModelRun *run, TarnBuffer *sql) {
    tarn_base_buffer_string(sql, "SELECT * EXCLUDE (\"__reason\") FROM ");
    put_judged(run, sql);
    tarn_base_buffer_string(sql, " WHERE \"__reason\" IS NULL");
}

static bool delete_files(TarnModelRun *run, const TarnWrittenFiles *files) {
    TarnStore *store = run->target.base != NULL ? run->target.base->store
                                                : tarn_catalog_store(run->build->catalog);
    return tarn_store_delete_many(store, files->locations, files->count, NULL, run->error);
}

/* Splits the new files into rows to publish and rows for the quarantine. */
static bool split_rows(TarnModelRun *run) {
    TarnWrittenFiles before = run->target.files;
    TarnWrittenFiles kept;
    TarnCheckContent content = {.table = run->model->name};
    bool large = before.bytes > (int64_t)LARGE_BYTES;
    TarnBuffer sql;
    if (!tarn_flow__build_content(run, true, &content.sql)) return false;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    put_kept(run, &sql);
    bool ok = tarn_base_buffer_check(&sql, run->error) &&
              tarn_flow__check_prepare(run->build->options->query, &content,
                                       tarn_base_buffer_view(&sql), &run->arena, run->error) &&
              tarn_flow__build_write_files(run, &run->target, 1, tarn_base_buffer_view(&sql), large,
                                           &kept);
    tarn_base_buffer_clear(&sql);
    put_quarantined(run, &sql);
    ok = ok && tarn_base_buffer_check(&sql, run->error) &&
         tarn_flow__build_write_files(run, &run->quarantine, 2, tarn_base_buffer_view(&sql), large,
                                      &run->quarantine.files);
    tarn_base_buffer_dispose(&sql);
    if (!ok || !delete_files(run, &before)) return false;
    if (kept.rows + run->quarantine.files.rows != before.rows) {
        return tarn_base_error_set(run->error, TARN_E_INTERNAL,
                                   "a quarantine does not add up: %lld rows, %lld kept, %lld put "
                                   "aside; nothing was published",
                                   (long long)before.rows, (long long)kept.rows,
                                   (long long)run->quarantine.files.rows);
    }
    run->target.files = kept;
    run->result->quarantined = run->quarantine.files.rows;
    run->result->rows -= run->quarantine.files.rows;
    return true;
}

static bool run_checks(TarnModelRun *run, TarnCheckResults *results) {
    TarnCheckContent content = {.table = run->model->name};
    *results = (TarnCheckResults){0};
    return tarn_flow__build_content(run, false, &content.sql) &&
           tarn_flow__check_run(run->build->options->query, &content, &run->model->checks,
                                run->build->arena, results, run->error);
}

/* After rows were put aside: what was quarantined must now pass, and keeps its count. */
static bool check_again(TarnModelRun *run) {
    TarnCheckResults again;
    TarnCheckResults *first = &run->result->checks;
    if (!run_checks(run, &again)) return false;
    for (size_t i = 0; i < first->count && i < again.count; i++) {
        bool was = first->items[i].status == TARN_CHECK_QUARANTINED;
        bool still = again.items[i].status == TARN_CHECK_QUARANTINED;
        if (!was) {
            first->items[i] = again.items[i];
        } else if (still || again.items[i].status == TARN_CHECK_BROKEN) {
            first->items[i] = again.items[i];
            first->items[i].status = TARN_CHECK_FAILED;
        }
        if (first->items[i].status == TARN_CHECK_QUARANTINED && !was) {
            first->items[i].status = TARN_CHECK_FAILED;
        }
    }
    return true;
}

static bool refuse_published_twins(TarnModelRun *run) {
    TarnCheckContent content = {.table = run->model->name};
    TarnBuffer name;
    TarnBuffer sql;
    tarn_base_buffer_init(&name, TARN_MIB);
    tarn_base_buffer_init(&sql, TARN_MIB);
    tarn_flow__sql_name(run->model->name, &name);
    tarn_base_buffer_printf(&sql, "SELECT 1 FROM %s", name.data != NULL ? name.data : "");
    bool ok = tarn_base_buffer_check(&name, run->error) &&
              tarn_flow__build_content(run, false, &content.sql) &&
              tarn_flow__check_prepare(run->build->options->query, &content,
                                       tarn_base_buffer_view(&sql), &run->arena, run->error) &&
              refuse_twins(run, name.data);
    tarn_base_buffer_dispose(&name);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

bool tarn_flow__build_gate(TarnModelRun *run) {
    TarnCheckResults *results = &run->result->checks;
    bool keyed = config_of(run)->strategy == TARN_STRATEGY_MERGE && !run->incremental;
    if (keyed && !refuse_published_twins(run)) return false;
    if (run->model->checks.count == 0) return true;
    if (!run_checks(run, results)) return false;
    bool aside = false;
    for (size_t i = 0; i < results->count; i++) {
        aside = aside || results->items[i].status == TARN_CHECK_QUARANTINED;
    }
    if (aside && (!split_rows(run) || !check_again(run))) return false;
    if (!tarn_flow_check_verdict(results, run->error)) return false;
    run->target.checks_passed = true;
    return true;
}
