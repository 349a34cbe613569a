/* A build: the project read, models chosen, then one after another in dependency order.
 *
 * A model whose input failed or was skipped in this run is skipped; the others go on. The run and
 * all its models are on record before the first one starts, so that after a kill the next run
 * with from_failure knows what is left.
 */
#include "flow/build.h"

#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "flow/build_private.h"
#include "flow/selector_private.h"
#include "table/snapshot_ref.h"

/* --- choosing --- */

static bool split_backfill(const TarnBuildOptions *options, TarnArena *arena, TarnBuildVar *vars,
                           size_t *count, TarnError *error) {
    if (options->backfill == NULL) return true;
    const char *dots = strstr(options->backfill, "..");
    if (dots == NULL || dots == options->backfill || dots[2] == '\0') {
        tarn_base_error_set(error, TARN_E_USAGE, "the range \"%.100s\" is not of the form A..B",
                            options->backfill);
        return tarn_base_error_hint(error, "for example: --backfill 2026-01-01..2026-02-01");
    }
    vars[(*count)++] = (TarnBuildVar){
        "start", tarn_base_arena_string_n(arena, options->backfill,
                                          (size_t)(dots - options->backfill))};
    vars[(*count)++] = (TarnBuildVar){"end", dots + 2};
    return tarn_base_arena_check(arena, error);
}

static bool read_vars(const TarnBuildOptions *options, TarnArena *arena, const TarnJson **object,
                      TarnError *error) {
    TarnBuildVar *vars = TARN_NEW_ARRAY(arena, options->var_count + 2, TarnBuildVar);
    size_t count = 0;
    if (vars == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < options->var_count; i++) vars[count++] = options->vars[i];
    return split_backfill(options, arena, vars, &count, error) &&
           tarn_flow__project_vars(vars, count, arena, object, error);
}

/* Backfilling is for models that replace a range; others would add it twice. */
static bool check_backfill(const TarnBuild *build, const bool *chosen, TarnError *error) {
    for (size_t i = 0; build->options->backfill != NULL && i < build->project->models.count; i++) {
        const TarnModel *model = &build->project->models.items[i];
        int strategy = model->config.strategy;
        if (!chosen[i] || strategy == TARN_STRATEGY_OVERWRITE_PARTITIONS ||
            strategy == TARN_STRATEGY_REPLACE_WHERE) {
            continue;
        }
        tarn_base_error_set(error, TARN_E_USAGE, "\"%s\" cannot be backfilled", model->full);
        return tarn_base_error_hint(error, "only incremental models with the strategies "
                                           "overwrite_partitions and replace_where can; select "
                                           "those");
    }
    return true;
}

static bool keep_unfinished(const TarnBuild *build, bool *chosen, TarnError *error) {
    const char **names = NULL;
    size_t count = 0;
    bool found = false;
    if (!tarn_flow__run_unfinished(build->db, build->arena, &names, &count, &found, error)) {
        return false;
    }
    if (!found) {
        return tarn_base_error_set(error, TARN_E_PIPELINE_NOT_FOUND,
                                   "there is no earlier build to go on from");
    }
    for (size_t i = 0; i < build->project->models.count; i++) {
        bool left = false;
        for (size_t n = 0; n < count; n++) {
            left = left || strcmp(names[n], build->project->models.items[i].full) == 0;
        }
        chosen[i] = chosen[i] && left;
    }
    return true;
}

static bool choose(const TarnBuild *build, bool *chosen, TarnError *error) {
    const TarnBuildOptions *options = build->options;
    return tarn_flow__selector_apply(build->project, build->db, options->select,
                                     options->select_count, options->exclude,
                                     options->exclude_count, chosen, error) &&
           (!options->from_failure || keep_unfinished(build, chosen, error)) &&
           check_backfill(build, chosen, error);
}

/* --- running --- */

static bool make_results(TarnBuild *build, const bool *chosen, TarnBuildResult *result,
                         size_t *model_of, TarnError *error) {
    size_t total = build->project->models.count;
    result->models = TARN_NEW_ARRAY(build->arena, total + 1, TarnModelResult);
    if (result->models == NULL) return tarn_base_arena_check(build->arena, error);
    for (size_t i = 0; i < total; i++) {
        size_t index = build->project->order[i];
        const TarnModel *model = &build->project->models.items[index];
        if (!chosen[index]) continue;
        model_of[result->model_count] = index;
        result->models[result->model_count++] = (TarnModelResult){
            .name = model->full,
            .materialized = tarn_flow__materialized_name(model->config.materialized),
            .file = model->file,
            .rows = -1,
            .snapshot_id = TARN_ABSENT};
    }
    return true;
}

static bool begin_record(TarnBuild *build, TarnBuildResult *result, TarnError *error) {
    int64_t now = tarn_os_clock_ms(build->options->os);
    if (!tarn_db_begin(build->db, TARN_DB_WRITE, error)) return false;
    bool ok = tarn_flow__run_begin(build->db, build->options->os, "build", build->options->user,
                                   build->arena, &build->run_id, error);
    for (size_t i = 0; ok && i < result->model_count; i++) {
        TarnRunModel record = {.run_id = build->run_id,
                               .name = result->models[i].name,
                               .status = tarn_flow_model_status_name(TARN_MODEL_PENDING),
                               .rows = -1,
                               .snapshot_id = TARN_ABSENT};
        ok = tarn_flow__run_put_model(build->db, &record, now, error);
    }
    ok = ok && tarn_db_commit(build->db, error);
    if (!ok) tarn_db_rollback(build->db);
    result->run_id = build->run_id;
    return ok;
}

/* Something the model reads failed or was skipped in this run. */
static const char *failed_parent(const TarnBuild *build, const TarnBuildResult *result,
                                 const size_t *model_of, size_t index) {
    const TarnModel *model = &build->project->models.items[model_of[index]];
    for (size_t p = 0; p < model->parent_count; p++) {
        for (size_t i = 0; i < index; i++) {
            TarnModelStatus status = result->models[i].status;
            bool failed = status == TARN_MODEL_FAILED || status == TARN_MODEL_SKIPPED;
            if (model_of[i] == model->parents[p] && failed) return result->models[i].name;
        }
    }
    return NULL;
}

static void tell(const TarnBuild *build, const TarnBuildResult *result, size_t index) {
    if (build->options->progress == NULL) return;
    build->options->progress(build->options->progress_state, &result->models[index], index,
                             result->model_count);
}

static bool skip_model(TarnBuild *build, const TarnModel *model, TarnModelResult *result,
                       const char *parent, TarnError *error) {
    result->status = TARN_MODEL_SKIPPED;
    result->why = tarn_base_arena_printf(build->arena, "%s failed", parent);
    TarnRunModel record = {.run_id = build->run_id,
                           .name = model->full,
                           .status = tarn_flow_model_status_name(TARN_MODEL_SKIPPED),
                           .rows = -1,
                           .snapshot_id = TARN_ABSENT,
                           .error = result->why};
    return tarn_base_arena_check(build->arena, error) &&
           tarn_flow__run_put_model(build->db, &record, tarn_os_clock_ms(build->options->os),
                                    error);
}

static bool run_models(TarnBuild *build, TarnBuildResult *result, const size_t *model_of,
                       TarnError *error) {
    for (size_t i = 0; i < result->model_count; i++) {
        const TarnModel *model = &build->project->models.items[model_of[i]];
        const char *parent = failed_parent(build, result, model_of, i);
        bool ok = true;
        tell(build, result, i);
        if (!tarn_os_interrupt_check(error)) return false;
        if (build->options->dry_run) {
            ok = tarn_flow__build_plan(build, model, &result->models[i], error);
        } else if (parent != NULL) {
            ok = skip_model(build, model, &result->models[i], parent, error);
        } else {
            ok = tarn_flow__build_model(build, model, &result->models[i], error);
        }
        if (!ok) return false;
        bool bad = result->models[i].status == TARN_MODEL_FAILED ||
                   result->models[i].status == TARN_MODEL_SKIPPED;
        result->ok = result->ok && !bad;
        tell(build, result, i);
    }
    return true;
}

bool tarn_flow_build(const TarnBuildOptions *options, TarnArena *arena, TarnBuildResult *result,
                     TarnError *error) {
    TarnCatalog *catalog = tarn_query_catalog(options->query);
    TarnBuildOptions own = *options;
    TarnBuild build = {.options = &own,
                       .catalog = catalog,
                       .db = tarn_catalog_options(catalog)->db,
                       .arena = arena};
    const TarnJson *vars = NULL;
    int64_t started = options->os->monotonic_us(options->os);
    *result = (TarnBuildResult){.ok = true};
    tarn_base_error_clear(error);
    own.branch = tarn_table_branch_beside_main(options->branch);
    tarn_query_branch_set(options->query, own.branch);
    if (!read_vars(options, arena, &vars, error) ||
        !tarn_flow__project_read(options->config, options->os, options->query, vars, arena,
                                 &build.project, error)) {
        return false;
    }
    bool *chosen = TARN_NEW_ARRAY(arena, build.project->models.count + 1, bool);
    size_t *model_of = TARN_NEW_ARRAY(arena, build.project->models.count + 1, size_t);
    if (!tarn_base_arena_check(arena, error) || !choose(&build, chosen, error) ||
        !make_results(&build, chosen, result, model_of, error)) {
        return false;
    }
    if (result->model_count == 0) return true; /* a run of nothing is no run */
    if (!options->dry_run && !begin_record(&build, result, error)) return false;
    bool ok = run_models(&build, result, model_of, error);
    result->seconds = (double)(options->os->monotonic_us(options->os) - started) / 1e6;
    if (options->dry_run) return ok;
    TarnError ignored = {0};
    const char *status = !ok          ? (error->code == TARN_E_INTERRUPTED ? "cancelled" : "failed")
                         : result->ok ? "success"
                                      : "failed";
    bool ended = tarn_flow__run_end(build.db, options->os, build.run_id, status,
                                    ok ? error : &ignored);
    return ok && ended;
}

/* --- what came of it --- */

const char *tarn_flow_model_status_name(TarnModelStatus status) {
    static const char *const names[] = {"pending",   "planned", "success",
                                        "unchanged", "failed",  "skipped"};
    return names[status];
}

bool tarn_flow_build_verdict(const TarnBuildResult *result, TarnError *error) {
    const TarnModelResult *first = NULL;
    size_t failed = 0;
    if (result->ok) return true;
    for (size_t i = 0; i < result->model_count; i++) {
        if (result->models[i].status != TARN_MODEL_FAILED) continue;
        if (first == NULL) first = &result->models[i];
        failed++;
    }
    if (first == NULL || first->error == NULL) {
        return tarn_base_error_set(error, TARN_E_RUN_FAILED, "the run failed");
    }
    *error = *first->error;
    bool check = error->code == TARN_E_CHECK_FAILED;
    TarnError told = *error;
    tarn_base_error_set(error, check ? TARN_E_CHECK_FAILED : TARN_E_RUN_FAILED,
                        "%zu of %zu models failed, first \"%s\": %s", failed, result->model_count,
                        first->name, told.message);
    tarn_base_error_place(error, told.file, told.line, told.column);
    if (told.detail[0] != '\0') tarn_base_error_detail(error, "%s", told.detail);
    if (told.hint[0] != '\0') tarn_base_error_hint(error, "%s", told.hint);
    return false;
}

static void put_optional(TarnJsonWriter *out, const char *key, int64_t value, int64_t absent) {
    tarn_base_json_key(out, key);
    if (value == absent) {
        tarn_base_json_put_null(out);
    } else {
        tarn_base_json_put_int64(out, value);
    }
}

static void put_model(const TarnModelResult *model, TarnJsonWriter *out) {
    tarn_base_json_object_begin(out);
    tarn_base_json_key(out, "name");
    tarn_base_json_put_string(out, model->name);
    tarn_base_json_key(out, "status");
    tarn_base_json_put_string(out, tarn_flow_model_status_name(model->status));
    tarn_base_json_key(out, "materialized");
    tarn_base_json_put_string(out, model->materialized);
    put_optional(out, "rows", model->rows, -1);
    tarn_base_json_key(out, "rows_quarantined");
    tarn_base_json_put_int64(out, model->quarantined);
    tarn_base_json_key(out, "seconds");
    tarn_base_json_put_double(out, model->seconds);
    put_optional(out, "snapshot_id", model->snapshot_id, TARN_ABSENT);
    tarn_base_json_key(out, "why");
    tarn_base_json_put_string(out, model->why);
    tarn_base_json_key(out, "input_files");
    tarn_base_json_put_int64(out, model->input_files);
    tarn_base_json_key(out, "input_bytes");
    tarn_base_json_put_int64(out, model->input_bytes);
    tarn_base_json_key(out, "checks");
    tarn_flow_check_to_json(&model->checks, out);
    if (model->sql != NULL) {
        tarn_base_json_key(out, "sql");
        tarn_base_json_put_string(out, model->sql);
        tarn_base_json_key(out, "explanation");
        tarn_base_json_put_string(out, model->explanation);
    }
    tarn_base_json_key(out, "error");
    if (model->error == NULL) {
        tarn_base_json_put_null(out);
    } else {
        tarn_base_json_object_begin(out);
        tarn_base_json_key(out, "code");
        tarn_base_json_put_string(out, tarn_base_error_name(model->error->code));
        tarn_base_json_key(out, "message");
        tarn_base_json_put_string(out, model->error->message);
        tarn_base_json_key(out, "file");
        tarn_base_json_put_string(out, model->error->file);
        tarn_base_json_key(out, "line");
        tarn_base_json_put_int64(out, model->error->line);
        tarn_base_json_key(out, "column");
        tarn_base_json_put_int64(out, model->error->column);
        tarn_base_json_object_end(out);
    }
    tarn_base_json_object_end(out);
}

void tarn_flow_build_to_json(const TarnBuildResult *result, TarnJsonWriter *out) {
    tarn_base_json_object_begin(out);
    tarn_base_json_key(out, "run_id");
    tarn_base_json_put_string(out, result->run_id);
    tarn_base_json_key(out, "status");
    tarn_base_json_put_string(out, result->ok ? "success" : "failed");
    tarn_base_json_key(out, "seconds");
    tarn_base_json_put_double(out, result->seconds);
    tarn_base_json_key(out, "models");
    tarn_base_json_array_begin(out);
    for (size_t i = 0; i < result->model_count; i++) put_model(&result->models[i], out);
    tarn_base_json_array_end(out);
    tarn_base_json_object_end(out);
}
