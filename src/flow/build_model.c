/* One model: is there anything to do, then its rows, its gate, its commit.
 *
 * What makes a model run again is told to people as it is found: its text, an input's snapshot, the
 * table itself changed by someone else. Views are put into the catalog after their checks; seeds
 * are loads that look at the checks before they publish. Errors in SQL point into the template.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "flow/build_private.h"
#include "flow/load.h"

/* --- branches --- */

const TarnSnapshot *tarn_flow__build_head(const TarnBuild *build,
                                          const TarnTableMetadata *metadata) {
    const char *branch = build->options->branch;
    const TarnSnapshotRef *ref = branch != NULL ? tarn_table_metadata_ref(metadata, branch) : NULL;
    return ref != NULL ? tarn_table_metadata_snapshot(metadata, ref->snapshot_id)
                       : tarn_table_metadata_current_snapshot(metadata);
}

int64_t tarn_flow__build_head_id(const TarnBuild *build, const TarnTableMetadata *metadata) {
    const TarnSnapshot *head = tarn_flow__build_head(build, metadata);
    return head != NULL ? head->id : TARN_ABSENT;
}

/* --- inputs --- */

static int compare_scans(const void *a, const void *b) {
    const TarnScanStats *const *x = a;
    const TarnScanStats *const *y = b;
    int order = strcmp((*x)->table.ns, (*y)->table.ns);
    return order != 0 ? order : strcmp((*x)->table.name, (*y)->table.name);
}

/* {"raw.flights":"<snapshot id>"}: ids are beyond what a JSON number carries. */
static bool describe_inputs(TarnModelRun *run) {
    const TarnSelectInfo *info = &run->info;
    const TarnScanStats **sorted =
        TARN_NEW_ARRAY(&run->arena, info->scan_count + 1, const TarnScanStats *);
    TarnBuffer text;
    TarnJsonWriter writer;
    if (sorted == NULL) return tarn_base_arena_check(&run->arena, run->error);
    for (size_t i = 0; i < info->scan_count; i++) sorted[i] = &info->scans[i];
    qsort(sorted, info->scan_count, sizeof(*sorted), compare_scans);
    tarn_base_buffer_init(&text, TARN_LIMIT_CONFIG_BYTES);
    tarn_base_json_writer_init(&writer, &text, 0);
    tarn_base_json_object_begin(&writer);
    for (size_t i = 0; i < info->scan_count; i++) {
        const TarnScanStats *scan = sorted[i];
        if (tarn_catalog_name_equal(scan->table, run->model->name)) continue;
        if (i > 0 && compare_scans(&sorted[i - 1], &sorted[i]) == 0) continue;
        char id[32] = "";
        if (scan->snapshot_id != TARN_ABSENT) {
            snprintf(id, sizeof(id), "%lld", (long long)scan->snapshot_id);
        }
        tarn_base_json_key(&writer, tarn_catalog_name_text(scan->table, &run->arena));
        tarn_base_json_put_string(&writer, id);
        run->result->input_files += scan->files;
        run->result->input_bytes += scan->bytes;
    }
    tarn_base_json_object_end(&writer);
    run->inputs = tarn_base_buffer_keep(&text, &run->arena);
    bool ok = tarn_base_buffer_check(&text, run->error);
    tarn_base_buffer_dispose(&text);
    return ok && tarn_base_arena_check(&run->arena, run->error);
}

/* The first input that is not as it was, for the reason told. */
static const char *changed_input(TarnModelRun *run, const char *before) {
    TarnJson *old = NULL;
    TarnJson *now = NULL;
    TarnError ignored = {0};
    if (before == NULL ||
        !tarn_base_json_parse(tarn_base_text(before), NULL, &run->arena, &old, &ignored) ||
        !tarn_base_json_parse(tarn_base_text(run->inputs), NULL, &run->arena, &now, &ignored)) {
        return "the inputs changed";
    }
    TARN_JSON_EACH(member, now) {
        const char *key = tarn_base_text_string(&run->arena, member->key);
        const TarnJson *other = key != NULL ? tarn_base_json_member(old, key) : NULL;
        if (other != NULL && tarn_base_text_equal(other->text, member->text)) continue;
        return tarn_base_arena_printf(run->build->arena, "input %s changed", key);
    }
    return "the inputs changed";
}

static bool is_view(const TarnModelRun *run) {
    return run->model->config.materialized == TARN_MATERIALIZED_VIEW;
}

static bool target_as_recorded(TarnModelRun *run, const TarnRunModel *last, bool *same) {
    if (is_view(run)) {
        TarnView *view = NULL;
        if (!tarn_catalog_view_find(run->build->catalog, run->model->name, &run->arena, &view,
                                    run->error)) {
            return false;
        }
        *same = view != NULL &&
                tarn_base_text_equal(tarn_base_text(view->sql), run->rendered->sql);
        return true;
    }
    const TarnTable *base = run->target.base;
    *same = base != NULL &&
            tarn_flow__build_head_id(run->build, base->metadata) == last->snapshot_id;
    return true;
}

/* Why the model must run; NULL = it need not. */
static bool find_reason(TarnModelRun *run, const char **why) {
    const TarnBuildOptions *options = run->build->options;
    TarnRunModel last = {0};
    bool found = false;
    bool same = false;
    *why = NULL;
    if (!tarn_flow__run_last_success(run->build->db, run->model->full, &run->arena, &last, &found,
                                     run->error)) {
        return false;
    }
    if (options->full_refresh) {
        *why = "full refresh";
    } else if (options->backfill != NULL) {
        *why = "backfill";
    } else if (!found) {
        *why = "new";
    } else if (last.hash == NULL || strcmp(last.hash, run->model->hash) != 0) {
        *why = "the pipeline changed";
    } else if (last.inputs == NULL || strcmp(last.inputs, run->inputs) != 0) {
        *why = changed_input(run, last.inputs);
    } else if (!target_as_recorded(run, &last, &same)) {
        return false;
    } else if (!same) {
        *why = "the table was changed by others";
    }
    if (*why == NULL) {
        run->result->snapshot_id = last.snapshot_id;
        run->result->rows = last.rows;
    }
    return true;
}

/* --- preparing --- */

static bool is_incremental(const TarnModelRun *run) {
    return run->model->config.materialized == TARN_MATERIALIZED_INCREMENTAL &&
           run->target.base != NULL &&
           tarn_flow__build_head(run->build, run->target.base->metadata) != NULL &&
           !run->build->options->full_refresh;
}

static bool prepare(TarnModelRun *run) {
    const TarnModel *model = run->model;
    run->target.name = model->name;
    if (!tarn_catalog_table_find(run->build->catalog, model->name, &run->target.base,
                                 run->error)) {
        return false;
    }
    run->incremental = is_incremental(run);
    run->rendered = run->incremental ? &model->incremental_sql : &model->full_sql;
    if (!tarn_query_prepare_select(run->build->options->query, run->rendered->sql, NULL,
                                   &run->arena, &run->info, run->error)) {
        return tarn_flow__template_place(run->rendered, run->error);
    }
    return tarn_query_lineage_edges(run->info.plan, run->info.scans, run->info.scan_count,
                                    &run->arena, &run->edges, &run->edge_count, run->error) &&
           describe_inputs(run);
}

/* --- views --- */

static bool publish_view(TarnModelRun *run) {
    TarnBuffer json;
    TarnJsonWriter writer;
    TarnView view = {.name = run->model->name};
    TarnCheckContent content = {.table = run->model->name};
    content.sql = tarn_base_text_string(&run->arena, run->info.sql);
    content.lake = tarn_base_text_string(&run->arena, run->rendered->sql);
    view.sql = content.lake;
    if (!tarn_base_arena_check(&run->arena, run->error)) return false;
    if (run->build->options->branch != NULL) {
        tarn_base_error_set(run->error, TARN_E_SQL_UNSUPPORTED,
                            "the view \"%s\" has no branches: all would see it at once",
                            run->model->full);
        return tarn_base_error_hint(run->error, "build it without --branch, once the branch is "
                                                "published");
    }
    if (!tarn_base_text_equal(run->info.sql, run->rendered->sql)) {
        return tarn_base_error_set(run->error, TARN_E_SQL_UNSUPPORTED,
                                   "a view cannot travel in time; make \"%s\" a table",
                                   run->model->full);
    }
    if (run->target.base != NULL) {
        tarn_base_error_set(run->error, TARN_E_TABLE_EXISTS,
                            "\"%s\" is a table and cannot become a view", run->model->full);
        return tarn_base_error_hint(run->error, "drop the table first: DROP TABLE %s",
                                    run->model->full);
    }
    if (!tarn_flow__check_run(run->build->options->query, &content, &run->model->checks,
                              run->build->arena, &run->result->checks, run->error) ||
        !tarn_flow_check_verdict(&run->result->checks, run->error)) {
        return false;
    }
    tarn_base_buffer_init(&json, TARN_LIMIT_SQL_BYTES);
    tarn_base_json_writer_init(&writer, &json, 0);
    tarn_table_schema_to_json(&run->info.schema, &writer);
    view.schema_json = tarn_base_buffer_keep(&json, &run->arena);
    bool ok = tarn_base_buffer_check(&json, run->error) &&
              tarn_base_arena_check(&run->arena, run->error) &&
              tarn_catalog_view_put(run->build->catalog, &view, true, run->error);
    tarn_base_buffer_dispose(&json);
    run->result->rows = -1;
    return ok && tarn_flow__build_record(run);
}

/* --- seeds --- */

/* The load's files take the place of a SELECT's: they are checked as those would be. */
static bool check_seed(void *state, const TarnTableMetadata *metadata,
                       const TarnWrittenFiles *files, bool *checked, TarnError *error) {
    TarnModelRun *run = state;
    TarnCheckContent content = {.table = run->model->name};
    TarnCheckResults *results = &run->result->checks;
    run->target.metadata = metadata;
    run->target.files = *files;
    run->result->rows = files->rows;
    *checked = false;
    if (run->model->checks.count == 0) return true;
    bool ok = tarn_flow__build_content(run, true, &content.sql) &&
              tarn_flow__check_run(run->build->options->query, &content, &run->model->checks,
                                   run->build->arena, results, run->error) &&
              tarn_flow_check_verdict(results, run->error);
    if (!ok && error != run->error) *error = *run->error;
    *checked = ok;
    return ok;
}

static bool record_seed(void *state, TarnDb *db, int64_t snapshot_id, TarnError *error) {
    TarnModelRun *run = state;
    run->result->snapshot_id = snapshot_id;
    return tarn_flow__build_put_record(run, db, error);
}

static bool load_seed(TarnModelRun *run) {
    const TarnBuildOptions *options = run->build->options;
    const char *path = run->model->path;
    TarnLoadResult loaded;
    TarnLoadGate gate = {.look = check_seed, .record = record_seed, .state = run};
    TarnLoadOptions load = {.os = options->os,
                            .catalog = run->build->catalog,
                            .paths = &path,
                            .path_count = 1,
                            .table = run->model->name,
                            .mode = TARN_LOAD_OVERWRITE,
                            .branch = options->branch,
                            .again = true,
                            .gate = &gate,
                            .on_error = TARN_ON_ERROR_FAIL,
                            .drift = TARN_DRIFT_EVOLVE,
                            .scratch = options->scratch};
    TarnLineageEdge *edge = TARN_NEW(&run->arena, TarnLineageEdge);
    if (edge == NULL) return tarn_base_arena_check(&run->arena, run->error);
    edge->from = tarn_base_arena_printf(&run->arena, "source:%s", run->model->file);
    run->edges = edge;
    run->edge_count = 1;
    return tarn_base_arena_check(&run->arena, run->error) &&
           tarn_flow_load(&load, &run->arena, &loaded, run->error);
}

static bool run_seed(TarnModelRun *run) {
    const char *why = NULL;
    run->inputs = "{}";
    run->target.name = run->model->name;
    if (!tarn_catalog_table_find(run->build->catalog, run->model->name, &run->target.base,
                                 run->error) ||
        !find_reason(run, &why)) {
        return false;
    }
    run->result->why = why;
    run->result->status = why == NULL ? TARN_MODEL_UNCHANGED : TARN_MODEL_SUCCESS;
    return why == NULL || load_seed(run);
}

/* --- tables --- */

static bool publish_table(TarnModelRun *run) {
    if (!tarn_flow__build_target(run) || !tarn_flow__build_write(run)) return false;
    if (run->nothing_new && run->target.update_count == 0) {
        run->result->rows = 0;
        run->result->snapshot_id =
            tarn_flow__build_head_id(run->build, run->target.base->metadata);
        return tarn_flow__build_record(run);
    }
    return tarn_flow__build_gate(run) && tarn_flow__build_quarantine_clean(run) &&
           tarn_flow__build_commit(run);
}

static bool run_select(TarnModelRun *run) {
    const char *why = NULL;
    if (!prepare(run) || !find_reason(run, &why)) return false;
    run->result->why = why;
    if (why == NULL) {
        run->result->status = TARN_MODEL_UNCHANGED;
        return true;
    }
    run->result->status = TARN_MODEL_SUCCESS;
    return is_view(run) ? publish_view(run) : publish_table(run);
}

/* --- the whole --- */

static void begin_run(TarnModelRun *run) {
    const TarnOs *os = run->build->options->os;
    tarn_base_arena_init(&run->arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    run->started_us = os->monotonic_us(os);
}

static void end_run(TarnModelRun *run) {
    TarnError ignored = {0};
    const TarnOs *os = run->build->options->os;
    if (run->intent_open && !run->error->outcome_unknown) {
        tarn_catalog_intent_abandon(run->build->catalog, &run->intent);
    }
    if (run->staged &&
        !tarn_engine_run(tarn_query_session(run->build->options->query),
                         TARN_TEXT("DROP TABLE IF EXISTS " TARN_BUILD_STAGE), NULL, &ignored)) {
        tarn_base_error_clear(&ignored); /* the next model replaces it, or the session's end does */
    }
    tarn_table_snapshot_producer_free(run->target.producer);
    tarn_table_snapshot_producer_free(run->quarantine.producer);
    tarn_catalog_table_release(run->target.base);
    tarn_catalog_table_release(run->quarantine.base);
    run->result->seconds = (double)(os->monotonic_us(os) - run->started_us) / 1e6;
    tarn_base_arena_dispose(&run->arena);
}

/* Results outlive the model's own memory. */
static bool keep_failure(TarnModelRun *run, const TarnError *why) {
    TarnModelResult *result = run->result;
    result->status = TARN_MODEL_FAILED;
    result->error = tarn_base_arena_copy(run->build->arena, why, sizeof(*why));
    result->snapshot_id = TARN_ABSENT;
    return result->error != NULL;
}

static bool ends_everything(const TarnError *error) {
    return error->code == TARN_E_INTERRUPTED || error->code == TARN_E_DATABASE ||
           error->code == TARN_E_OUT_OF_MEMORY || error->code == TARN_E_COMMIT_UNKNOWN;
}

static bool record_failure(TarnBuild *build, const TarnModel *model,
                           const TarnModelResult *result, TarnError *error) {
    int64_t now = tarn_os_clock_ms(build->options->os);
    TarnRunModel record = {.run_id = build->run_id,
                           .name = model->full,
                           .status = tarn_flow_model_status_name(result->status),
                           .rows = -1,
                           .seconds = result->seconds,
                           .snapshot_id = TARN_ABSENT,
                           .hash = model->hash,
                           .error = result->error != NULL ? result->error->message : NULL};
    return tarn_flow__run_put_model(build->db, &record, now, error) &&
           tarn_flow__run_put_checks(build->db, build->run_id, &result->checks, now, error);
}

bool tarn_flow__build_model(TarnBuild *build, const TarnModel *model, TarnModelResult *result,
                            TarnError *error) {
    TarnError why = {0};
    TarnModelRun run = {.build = build, .model = model, .result = result, .error = &why};
    begin_run(&run);
    bool seed = model->config.materialized == TARN_MATERIALIZED_SEED;
    bool ok = seed ? run_seed(&run) : run_select(&run);
    bool unchanged = ok && result->status == TARN_MODEL_UNCHANGED;
    if (!ok && why.file[0] == '\0') tarn_base_error_place(&why, model->file, 0, 0);
    if (!ok && !keep_failure(&run, &why)) ok = true; /* no memory: told below */
    end_run(&run);
    if (!tarn_base_arena_check(build->arena, error)) return false;
    if (ok && !unchanged) return true; /* recorded with its commit */
    if (!record_failure(build, model, result, error)) return false;
    if (!ok && ends_everything(&why)) {
        *error = why;
        return false;
    }
    return true;
}

static bool explain(TarnModelRun *run) {
    TarnModelResult *result = run->result;
    TarnEngineResult *rows = NULL;
    const TarnEngineChunk *chunk = NULL;
    TarnBuffer sql;
    TarnArena *arena = run->build->arena;
    result->sql = tarn_base_text_string(arena, run->rendered->sql);
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "EXPLAIN ");
    tarn_base_buffer_text(&sql, run->info.sql);
    bool ok = tarn_base_buffer_check(&sql, run->error) &&
              tarn_engine_query(tarn_query_session(run->build->options->query),
                                tarn_base_buffer_view(&sql), NULL, 0, &rows, run->error) &&
              tarn_engine_result_next(rows, &chunk, run->error);
    if (ok && chunk != NULL && chunk->rows > 0 && chunk->column_count > 0) {
        TarnText text = tarn_engine_vector_text(&chunk->columns[chunk->column_count - 1], 0);
        result->explanation = tarn_base_text_string(arena, text);
    }
    tarn_engine_result_free(rows);
    tarn_base_buffer_dispose(&sql);
    return ok && tarn_base_arena_check(arena, run->error);
}

bool tarn_flow__build_plan(TarnBuild *build, const TarnModel *model, TarnModelResult *result,
                           TarnError *error) {
    TarnError why = {0};
    TarnModelRun run = {.build = build, .model = model, .result = result, .error = &why};
    const char *reason = NULL;
    bool seed = model->config.materialized == TARN_MATERIALIZED_SEED;
    begin_run(&run);
    run.inputs = "{}";
    run.target.name = model->name;
    bool ok = seed ? tarn_catalog_table_find(build->catalog, model->name, &run.target.base, &why)
                   : prepare(&run);
    ok = ok && find_reason(&run, &reason) && (seed || !build->options->explain || explain(&run));
    result->status = ok && reason == NULL ? TARN_MODEL_UNCHANGED : TARN_MODEL_PLANNED;
    result->why = reason;
    if (!ok && why.code == TARN_E_TABLE_NOT_FOUND && model->parent_count > 0) {
        /* an input that this very run would make */
        result->why = "new";
    } else if (!ok && !keep_failure(&run, &why)) {
        tarn_base_error_clear(&why);
    }
    end_run(&run);
    if (!tarn_base_arena_check(build->arena, error)) return false;
    if (ok || !ends_everything(&why)) return true;
    *error = why;
    return false;
}
