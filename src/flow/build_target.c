/* The table a model writes: made, evolved or given new columns, and the one commit that publishes.
 *
 * Columns that are new or wider evolve the schema in the commit itself. Columns that are gone or of
 * another type would change what readers rely on: they are refused, except in a full refresh,
 * where they go and come with fresh ids. Partitioning and order follow config(..) for files from
 * now on.
 */
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/fault.h"
#include "base/limits.h"
#include "flow/build_private.h"
#include "flow/load.h"
#include "query/scan_sql.h"

static const TarnOs *os_of(const TarnModelRun *run) { return run->build->options->os; }

/* --- partitioning and order --- */

static bool build_spec(TarnModelRun *run, const TarnSchema *schema, const TarnTableMetadata *base,
                       TarnPartitionSpec *spec) {
    const TarnConfigTexts *wanted = &run->model->config.partition_by;
    int32_t last_id = base != NULL ? base->last_partition_id : TARN_PARTITION_FIRST_FIELD_ID - 1;
    TarnPartitionField *fields =
        TARN_NEW_ARRAY(&run->arena, wanted->count + 1, TarnPartitionField);
    if (fields == NULL) return tarn_base_arena_check(&run->arena, run->error);
    for (size_t i = 0; i < wanted->count; i++) {
        if (!tarn_table_partition_parse(schema, tarn_base_text(wanted->items[i]), &run->arena,
                                        &fields[i], run->error)) {
            return false;
        }
    }
    return tarn_table_partition_spec_build(schema, fields, wanted->count,
                                           base != NULL ? base->specs : NULL,
                                           base != NULL ? base->spec_count : 0, &last_id,
                                           &run->arena, spec, run->error);
}

/* Takes a last word off if it is `word`. */
static bool take_word(TarnText *text, const char *word) {
    TarnText trimmed = tarn_base_text_trim(*text);
    size_t size = strlen(word);
    if (trimmed.size <= size || trimmed.data[trimmed.size - size - 1] > ' ') return false;
    if (strncasecmp(trimmed.data + trimmed.size - size, word, size) != 0) return false;
    *text = tarn_base_text_trim((TarnText){trimmed.data, trimmed.size - size});
    return true;
}

/* "expression [asc|desc] [nulls first|last]" */
static bool build_order(TarnModelRun *run, const TarnSchema *schema, TarnSortOrder *order) {
    const TarnConfigTexts *wanted = &run->model->config.sort_by;
    *order = (TarnSortOrder){.id = 1, .field_count = wanted->count};
    order->fields = TARN_NEW_ARRAY(&run->arena, wanted->count + 1, TarnSortField);
    if (order->fields == NULL) return tarn_base_arena_check(&run->arena, run->error);
    for (size_t i = 0; i < wanted->count; i++) {
        TarnSortField *field = &order->fields[i];
        TarnPartitionField parsed;
        TarnText text = tarn_base_text(wanted->items[i]);
        bool last = take_word(&text, "last");
        bool first = !last && take_word(&text, "first");
        if ((last || first) && !take_word(&text, "nulls")) {
            return tarn_base_error_set(run->error, TARN_E_CONFIG,
                                       "sort_by \"%s\": write nulls first or nulls last",
                                       wanted->items[i]);
        }
        field->descending = take_word(&text, "desc");
        if (!field->descending) take_word(&text, "asc");
        field->nulls_last = last || (!first && field->descending);
        if (!tarn_table_partition_parse(schema, text, &run->arena, &parsed, run->error)) {
            return false;
        }
        field->source_id = parsed.source_id;
        field->transform = parsed.transform;
    }
    return true;
}

/* --- a new table --- */

static bool describe_columns(TarnModelRun *run, TarnSchema *schema) {
    for (size_t i = 0; i < run->model->column_count; i++) {
        const TarnField *wanted = &run->model->columns[i];
        TarnField *found = NULL;
        for (size_t f = 0; f < schema->field_count; f++) {
            if (strcasecmp(schema->fields[f].name, wanted->name) == 0) found = &schema->fields[f];
        }
        if (found == NULL) {
            return tarn_base_error_set(run->error, TARN_E_COLUMN_NOT_FOUND,
                                       "the YAML beside \"%s\" describes a column \"%s\" that the "
                                       "SELECT does not yield",
                                       run->model->file, wanted->name);
        }
        found->doc = wanted->doc;
    }
    return true;
}

static bool make_metadata(TarnModelRun *run, TarnBuildTarget *target, const TarnSchema *schema,
                          const TarnPartitionSpec *spec, const TarnSortOrder *order) {
    TarnProperty properties[2];
    TarnTableMetadata *metadata = NULL;
    TarnNewTable wanted = {.name = target->name,
                           .schema = schema,
                           .spec = spec,
                           .order = order,
                           .properties = properties};
    if (run->model->description != NULL) {
        properties[wanted.property_count++] = (TarnProperty){"comment", run->model->description};
    }
    if (run->model->owner != NULL) {
        properties[wanted.property_count++] = (TarnProperty){"owner", run->model->owner};
    }
    if (!tarn_catalog_table_new(run->build->catalog, &wanted, &run->arena, &metadata,
                                run->error)) {
        return false;
    }
    target->metadata = metadata;
    return true;
}

static bool create_target(TarnModelRun *run) {
    TarnPartitionSpec *spec = TARN_NEW(&run->arena, TarnPartitionSpec);
    TarnSortOrder *order = TARN_NEW(&run->arena, TarnSortOrder);
    if (!tarn_base_arena_check(&run->arena, run->error)) return false;
    return describe_columns(run, &run->info.schema) &&
           tarn_table_schema_check_new(&run->info.schema, 2, run->error) &&
           build_spec(run, &run->info.schema, NULL, spec) &&
           build_order(run, &run->info.schema, order) &&
           make_metadata(run, &run->target, &run->info.schema, spec, order);
}

/* --- an existing one --- */

static bool yields(const TarnSchema *schema, const char *name) {
    for (size_t i = 0; i < schema->field_count; i++) {
        if (strcasecmp(schema->fields[i].name, name) == 0) return true;
    }
    return false;
}

static bool refuse_missing(TarnModelRun *run, const char *column) {
    tarn_base_error_set(run->error, TARN_E_SCHEMA_CHANGE_REFUSED,
                        "the SELECT no longer yields the column \"%s\" of \"%s\"", column,
                        run->model->full);
    return tarn_base_error_hint(run->error, "give the column again, or rebuild the table without "
                                            "it: tarn build %s --full-refresh",
                                run->model->full);
}

/* In a full refresh a column of another type goes and comes again, with a fresh id. */
static bool replace_columns(TarnModelRun *run, TarnSchemaUpdate *update,
                            const TarnSchema *current) {
    const TarnSchema *incoming = &run->info.schema;
    TarnSchema fresh = {.fields = TARN_NEW_ARRAY(&run->arena, incoming->field_count, TarnField)};
    bool changed = false;
    if (fresh.fields == NULL) return tarn_base_arena_check(&run->arena, run->error);
    /* names that are new first, so that the table never has no column at all */
    for (size_t i = 0; i < incoming->field_count; i++) {
        if (!yields(current, incoming->fields[i].name)) {
            fresh.fields[fresh.field_count++] = incoming->fields[i];
        }
    }
    if (fresh.field_count > 0 &&
        !tarn_table_schema_update_union(update, &fresh, &changed, run->error)) {
        return false;
    }
    for (size_t i = 0; i < current->field_count; i++) {
        const char *name = current->fields[i].name;
        if (!yields(incoming, name) &&
            !tarn_table_schema_update_drop(update, name, NULL, 0, run->error)) {
            return false;
        }
    }
    for (size_t i = 0; i < incoming->field_count; i++) {
        TarnSchema one = {.fields = &incoming->fields[i], .field_count = 1};
        TarnError why = {0};
        if (tarn_table_schema_update_union(update, &one, &changed, &why)) continue;
        const char *name = incoming->fields[i].name;
        if (why.code != TARN_E_SCHEMA_CHANGE_REFUSED ||
            !tarn_table_schema_update_add(update, NULL, "__tarn_swap", &one.fields[0].type, false,
                                          NULL, NULL, NULL, run->error) ||
            !tarn_table_schema_update_drop(update, name, NULL, 0, run->error) ||
            !tarn_table_schema_update_rename(update, "__tarn_swap", name, run->error)) {
            if (why.code != TARN_E_SCHEMA_CHANGE_REFUSED) *run->error = why;
            return false;
        }
    }
    return true;
}

static void add_update(TarnBuildTarget *target, TarnTableUpdate update) {
    target->updates[target->update_count++] = update;
}

static bool evolve_schema(TarnModelRun *run, const TarnTableMetadata *base, TarnSchema **schema,
                          int32_t *last_id) {
    const TarnSchema *current = tarn_table_metadata_current_schema(base);
    TarnSchemaUpdate update;
    bool changed = false;
    tarn_table_schema_update_init(&update, current, base->last_column_id, base->format_version,
                                  &run->arena);
    /* On a branch columns are not taken away: they would be gone on main at once. */
    if (run->build->options->full_refresh && run->build->options->branch == NULL) {
        if (!replace_columns(run, &update, current)) return false;
    } else {
        for (size_t i = 0; i < current->field_count; i++) {
            if (!yields(&run->info.schema, current->fields[i].name)) {
                return refuse_missing(run, current->fields[i].name);
            }
        }
        if (!tarn_table_schema_update_union(&update, &run->info.schema, &changed, run->error)) {
            return tarn_base_error_hint(run->error,
                                        "cast it back, or rebuild the table: tarn build %s "
                                        "--full-refresh",
                                        run->model->full);
        }
    }
    *schema = tarn_base_arena_copy(&run->arena, &update.schema, sizeof(TarnSchema));
    *last_id = update.last_column_id;
    return tarn_base_arena_check(&run->arena, run->error);
}

static bool evolve_layout(TarnModelRun *run, const TarnTableMetadata *base,
                          const TarnSchema *schema) {
    TarnBuildTarget *target = &run->target;
    const TarnPartitionSpec *default_spec = tarn_table_metadata_default_spec(base);
    TarnPartitionSpec *spec = TARN_NEW(&run->arena, TarnPartitionSpec);
    TarnSortOrder *order = TARN_NEW(&run->arena, TarnSortOrder);
    if (!tarn_base_arena_check(&run->arena, run->error)) return false;
    if (!build_spec(run, schema, base, spec) || !build_order(run, schema, order)) return false;
    if (spec->id != default_spec->id) {
        bool known = tarn_table_metadata_spec(base, spec->id) != NULL;
        if (!known) {
            add_update(target, (TarnTableUpdate){.kind = TARN_UPDATE_ADD_SPEC, .spec = spec});
        }
        add_update(target, (TarnTableUpdate){.kind = TARN_UPDATE_SET_DEFAULT_SPEC,
                                             .integer = known ? spec->id : -1});
        target->requirements[target->requirement_count++] = (TarnTableRequirement){
            .kind = TARN_REQUIRE_DEFAULT_SPEC_ID, .integer = base->default_spec_id};
    }
    if (tarn_table_sort_order_same(order, tarn_table_metadata_default_sort_order(base))) {
        return true;
    }
    if (order->field_count == 0) {
        add_update(target, (TarnTableUpdate){.kind = TARN_UPDATE_SET_DEFAULT_SORT_ORDER});
        return true;
    }
    for (size_t i = 0; i < base->sort_order_count; i++) {
        if (base->sort_orders[i].id >= order->id) order->id = base->sort_orders[i].id + 1;
    }
    add_update(target, (TarnTableUpdate){.kind = TARN_UPDATE_ADD_SORT_ORDER, .sort_order = order});
    add_update(target,
               (TarnTableUpdate){.kind = TARN_UPDATE_SET_DEFAULT_SORT_ORDER, .integer = -1});
    return true;
}

static bool evolve_target(TarnModelRun *run) {
    TarnBuildTarget *target = &run->target;
    const TarnTableMetadata *base = target->base->metadata;
    TarnSchema *schema = NULL;
    int32_t last_id = 0;
    if (!evolve_schema(run, base, &schema, &last_id)) return false;
    if (!tarn_table_schema_same(schema, tarn_table_metadata_current_schema(base))) {
        add_update(target, (TarnTableUpdate){.kind = TARN_UPDATE_ADD_SCHEMA,
                                             .schema = schema,
                                             .last_column_id = last_id});
        add_update(target,
                   (TarnTableUpdate){.kind = TARN_UPDATE_SET_CURRENT_SCHEMA, .integer = -1});
        target->requirements[0] = (TarnTableRequirement){.kind = TARN_REQUIRE_CURRENT_SCHEMA_ID,
                                                         .integer = base->current_schema_id};
        target->requirements[1] = (TarnTableRequirement){.kind = TARN_REQUIRE_LAST_COLUMN_ID,
                                                         .integer = base->last_column_id};
        target->requirement_count = 2;
    }
    if (!evolve_layout(run, base, schema)) return false;
    target->metadata = base;
    if (target->update_count == 0) return true;
    TarnTableMetadata *evolved = NULL;
    if (!tarn_table_metadata_apply(base, target->base->metadata_location, target->updates,
                                   target->update_count, tarn_os_clock_ms(os_of(run)),
                                   &run->arena, &evolved, run->error)) {
        return false;
    }
    target->metadata = evolved;
    return true;
}

bool tarn_flow__build_target(TarnModelRun *run) {
    return run->target.base != NULL ? evolve_target(run) : create_target(run);
}

/* --- the quarantine --- */

bool tarn_flow__build_quarantine_target(TarnModelRun *run, bool make) {
    TarnBuildTarget *target = &run->quarantine;
    TarnSchema schema;
    if (!tarn_flow_quarantine_name(run->model->name, &run->arena, &target->name, run->error) ||
        !tarn_catalog_table_find(run->build->catalog, target->name, &target->base, run->error)) {
        return false;
    }
    target->checks_passed = true; /* it holds what failed them: no gate of a zone applies */
    if (target->base != NULL) {
        target->metadata = target->base->metadata;
        return true;
    }
    if (!make) return true;
    return tarn_flow_quarantine_schema(&run->arena, &schema, run->error) &&
           make_metadata(run, target, &schema, NULL, NULL);
}

/* --- what would be published --- */

static bool same_literal(const TarnLiteral *a, const TarnLiteral *b, TarnPrimitive type) {
    TarnBuffer x;
    TarnBuffer y;
    if (a->is_null || b->is_null) return a->is_null == b->is_null;
    tarn_base_buffer_init(&x, TARN_MIB);
    tarn_base_buffer_init(&y, TARN_MIB);
    tarn_format_literal_to_sql(type, a, &x);
    tarn_format_literal_to_sql(type, b, &y);
    bool same = !x.failed && !y.failed &&
                tarn_base_text_equal(tarn_base_buffer_view(&x), tarn_base_buffer_view(&y));
    tarn_base_buffer_dispose(&x);
    tarn_base_buffer_dispose(&y);
    return same;
}

/* Is the file in a partition that the new files replace? Files of another spec: yes if the new one
 * is unpartitioned; else the producer refuses them, and nothing is published. */
static bool is_replaced(const TarnModelRun *run, const TarnDataFile *file,
                        const TarnPrimitive *types) {
    const TarnWrittenFiles *files = &run->target.files;
    const TarnPartitionSpec *spec = tarn_table_metadata_default_spec(run->target.metadata);
    if (spec->field_count == 0) return true;
    if (file->spec_id != spec->id || file->partition_count != spec->field_count) return false;
    for (size_t i = 0; i < files->count; i++) {
        bool same = true;
        for (size_t p = 0; same && p < spec->field_count; p++) {
            same = same_literal(&file->partition[p], &files->items[i].partition[p], types[p]);
        }
        if (same) return true;
    }
    return false;
}

static bool keeps_old(const TarnModelRun *run) {
    int strategy = run->model->config.strategy;
    return run->incremental && (strategy == TARN_STRATEGY_APPEND ||
                                strategy == TARN_STRATEGY_OVERWRITE_PARTITIONS);
}

static bool write_content(TarnModelRun *run, const TarnScanPlan *old, const char **sql) {
    const TarnBuildTarget *target = &run->target;
    size_t old_count = old != NULL ? old->task_count : 0;
    TarnScanPlan all = {.has_equality_deletes = old != NULL && old->has_equality_deletes};
    TarnTable table = {.name = target->name,
                       .metadata = target->metadata,
                       .store = target->base != NULL ? target->base->store
                                                     : tarn_catalog_store(run->build->catalog)};
    const TarnSchema *schema = tarn_table_metadata_current_schema(target->metadata);
    TarnPrimitive *types = NULL;
    TarnBuffer text;
    bool replaces = run->model->config.strategy == TARN_STRATEGY_OVERWRITE_PARTITIONS;
    all.tasks = TARN_NEW_ARRAY(&run->arena, old_count + target->files.count + 1, TarnScanTask);
    if (!tarn_base_arena_check(&run->arena, run->error) ||
        !tarn_table_partition_types(tarn_table_metadata_default_spec(target->metadata), schema,
                                    &run->arena, &types, run->error)) {
        return false;
    }
    for (size_t i = 0; i < old_count; i++) {
        if (replaces && is_replaced(run, old->tasks[i].file, types)) continue;
        all.has_deletes |= old->tasks[i].delete_count > 0;
        all.tasks[all.task_count++] = old->tasks[i];
    }
    for (size_t i = 0; i < target->files.count; i++) {
        all.tasks[all.task_count++] = (TarnScanTask){
            .file = &target->files.items[i],
            .spec = tarn_table_metadata_default_spec(target->metadata),
            .residual = tarn_table_predicate_constant(TARN_PREDICATE_TRUE),
            .match = TARN_MATCH_ALL};
    }
    tarn_base_buffer_init(&text, 16 * TARN_LIMIT_SQL_BYTES);
    TarnScanSqlOptions options = {.schema = schema};
    bool ok = tarn_query_scan_sql(run->build->options->query, &table, &all, &options, &text,
                                  run->error) &&
              tarn_base_buffer_check(&text, run->error);
    *sql = ok ? tarn_base_buffer_keep(&text, &run->arena) : NULL;
    tarn_base_buffer_dispose(&text);
    return ok && tarn_base_arena_check(&run->arena, run->error);
}

bool tarn_flow__build_content(TarnModelRun *run, bool new_files_only, const char **sql) {
    const TarnTable *base = run->target.base;
    if (new_files_only || !keeps_old(run) || base == NULL) return write_content(run, NULL, sql);
    TarnScanPlan *old = NULL;
    TarnScanOptions options = {.store = base->store,
                               .cache = tarn_catalog_manifest_cache(run->build->catalog),
                               .metadata = base->metadata};
    if (!tarn_table_scan_plan(&options, tarn_flow__build_head(run->build, base->metadata),
                              tarn_table_predicate_constant(TARN_PREDICATE_TRUE), &run->arena,
                              &old, run->error)) {
        return false;
    }
    bool ok = write_content(run, old, sql);
    tarn_table_scan_plan_dispose(old);
    return ok;
}

/* --- committing --- */

/* Rows put aside are added; those of earlier builds may go. */
static void change_quarantine(const TarnModelRun *run, TarnBuildTarget *target) {
    if (target->removed_count == 0) return;
    target->change.operation = target->files.count > 0 ? TARN_OPERATION_OVERWRITE
                                                       : TARN_OPERATION_DELETE;
    target->change.removed = target->removed;
    target->change.removed_count = target->removed_count;
    target->change.starting_snapshot_id =
        tarn_flow__build_head_id(run->build, target->base->metadata);
}

static void change_table(const TarnModelRun *run, TarnBuildTarget *target) {
    const TarnModelConfig *config = &run->model->config;
    bool adds = target->base == NULL ||
                (run->incremental && config->strategy == TARN_STRATEGY_APPEND);
    if (adds) return;
    target->change.operation = TARN_OPERATION_OVERWRITE;
    if (run->incremental && config->strategy == TARN_STRATEGY_OVERWRITE_PARTITIONS) {
        target->change.replace_partitions = true;
    } else {
        target->change.remove_where = tarn_table_predicate_constant(TARN_PREDICATE_TRUE);
    }
    if (run->incremental) {
        /* what was read to make the new files must still be all there is */
        target->change.starting_snapshot_id =
            tarn_flow__build_head_id(run->build, target->base->metadata);
        target->change.refuse_new_data = true;
        target->change.refuse_new_deletes = true;
    }
}

static bool make_producer(TarnModelRun *run, TarnBuildTarget *target) {
    TarnProperty *summary = TARN_NEW_ARRAY(&run->arena, 2, TarnProperty);
    if (summary == NULL) return tarn_base_arena_check(&run->arena, run->error);
    summary[0] = (TarnProperty){"tarn.run", run->build->run_id};
    summary[1] = (TarnProperty){"tarn.model", run->model->full};
    target->change = (TarnSnapshotChange){
        .operation = TARN_OPERATION_APPEND,
        .ref = run->build->options->branch,
        .create_ref = run->build->options->branch != NULL,
        .added = target->files.items,
        .added_count = target->files.count,
        .added_sequence_number = TARN_ABSENT,
        .summary = summary,
        .summary_count = 2,
        .starting_snapshot_id = TARN_ABSENT};
    if (target == &run->quarantine) {
        change_quarantine(run, target);
    } else {
        change_table(run, target);
    }
    target->producer_options = (TarnProducerOptions){
        .os = os_of(run),
        .store = target->base != NULL ? target->base->store
                                      : tarn_catalog_store(run->build->catalog),
        .cache = tarn_catalog_manifest_cache(run->build->catalog),
        .commit_id = run->intent.id};
    return tarn_table_snapshot_producer_new(&target->producer_options, &target->change,
                                            &target->producer, run->error);
}

static double seconds_since(const TarnModelRun *run) {
    return (double)(os_of(run)->monotonic_us(os_of(run)) - run->started_us) / 1e6;
}

bool tarn_flow__build_put_record(TarnModelRun *run, TarnDb *db, TarnError *error) {
    int64_t now = tarn_os_clock_ms(os_of(run));
    TarnRunModel record = {.run_id = run->build->run_id,
                           .name = run->model->full,
                           .status = tarn_flow_model_status_name(TARN_MODEL_SUCCESS),
                           .rows = run->result->rows,
                           .seconds = seconds_since(run),
                           .snapshot_id = run->result->snapshot_id,
                           .inputs = run->inputs,
                           .hash = run->model->hash};
    return tarn_flow__run_put_model(db, &record, now, error) &&
           tarn_flow__run_put_checks(db, run->build->run_id, &run->result->checks, now, error) &&
           tarn_govern_lineage_replace(db, run->model->name, run->edges, run->edge_count,
                                       run->build->run_id, now, error);
}

static bool record_commit(void *state, TarnDb *db, TarnError *error) {
    return tarn_flow__build_put_record(state, db, error);
}

bool tarn_flow__build_record(TarnModelRun *run) {
    TarnDb *db = run->build->db;
    bool ok = tarn_db_begin(db, TARN_DB_WRITE, run->error) &&
              tarn_flow__build_put_record(run, db, run->error) && tarn_db_commit(db, run->error);
    if (!ok) tarn_db_rollback(db);
    return ok;
}

static TarnCommitTable commit_table(const TarnBuildTarget *target) {
    return (TarnCommitTable){.name = target->name,
                             .base = target->base,
                             .create = target->base == NULL ? target->metadata : NULL,
                             .requirements = target->requirements,
                             .requirement_count = target->requirement_count,
                             .updates = target->updates,
                             .update_count = target->update_count,
                             .producer = target->producer,
                             .files = target->files.locations,
                             .file_count = target->files.count,
                             .evidence = {.schema_checked = true,
                                          .checks_passed = target->checks_passed}};
}

bool tarn_flow__build_commit(TarnModelRun *run) {
    TarnCommitTable tables[2];
    bool aside = run->quarantine.files.count + run->quarantine.removed_count > 0;
    if (!make_producer(run, &run->target) || (aside && !make_producer(run, &run->quarantine))) {
        return false;
    }
    run->result->snapshot_id = tarn_table_snapshot_producer_id(run->target.producer);
    tables[0] = commit_table(&run->target);
    if (aside) tables[1] = commit_table(&run->quarantine);
    TarnCommit commit = {.tables = tables,
                         .table_count = aside ? 2 : 1,
                         .intent = &run->intent,
                         .hook = record_commit,
                         .hook_state = run};
    if (TARN_FAULT("flow.build.before_commit", run->error) ||
        !tarn_catalog_commit(run->build->catalog, &commit, run->error)) {
        run->result->snapshot_id = TARN_ABSENT;
        if (run->error->code == TARN_E_ZONE_POLICY && run->model->checks.count == 0) {
            tarn_base_error_hint(run->error, "declare checks for \"%s\" in %.*s.yaml",
                                 run->model->full, (int)strlen(run->model->file) - 4,
                                 run->model->file);
        }
        return false;
    }
    run->intent_open = false;
    for (size_t i = 0; i < commit.table_count; i++) {
        tarn_catalog_table_release(tables[i].committed);
    }
    return !TARN_FAULT("flow.build.after_commit", run->error);
}
