/* A load from its files to its commit.
 *
 * The order: which files and are they new; what columns; what table (made or evolved in the same
 * commit); an intent; rows into data files, refused rows into those of the quarantine, originals
 * copied; then one commit of both tables whose hook records the files. A load that finds nothing
 * new commits nothing.
 */
#include "flow/load.h"

#include <string.h>
#include <strings.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/time.h"
#include "flow/load_private.h"
#include "govern/lineage.h"
#include "table/snapshot_ref.h"

/* --- files --- */

static bool choose_format(TarnLoad *load, TarnLoadFile *file) {
    const TarnLoadOptions *options = load->options;
    if (!tarn_source_detect(options->os, file->path, &file->format, &file->compression,
                            load->error)) {
        return false;
    }
    if (options->format != TARN_FILE_UNKNOWN) file->format = options->format;
    return true;
}

static bool find_files(TarnLoad *load) {
    const TarnLoadOptions *options = load->options;
    if (!tarn_flow__load_expand(options->os, options->paths, options->path_count, load->arena,
                                &load->files, load->error)) {
        return false;
    }
    for (size_t i = 0; i < load->files.count; i++) {
        TarnLoadFile *file = &load->files.items[i];
        if (!tarn_flow__load_hash(options->os, file, load->error) ||
            (!options->again && !tarn_flow__load_known(load, file))) {
            return false;
        }
        for (size_t j = 0; j < i && !file->done_before; j++) {
            file->done_before = strcmp(load->files.items[j].sha256, file->sha256) == 0;
        }
        if (file->done_before) {
            load->result->files_skipped++;
            continue;
        }
        if (!choose_format(load, file)) return false;
        load->bytes_total += file->size;
        load->result->files++;
    }
    load->result->bytes = load->bytes_total;
    return true;
}

const TarnLoadFile *tarn_flow__load_first(const TarnLoad *load, TarnFileFormat format) {
    for (size_t i = 0; i < load->files.count; i++) {
        const TarnLoadFile *file = &load->files.items[i];
        if (!file->done_before && (format == TARN_FILE_UNKNOWN || file->format == format)) {
            return file;
        }
    }
    return NULL;
}

/* --- counting --- */

static bool count_rows(TarnLoad *load) {
    TarnLoadResult *result = load->result;
    uint64_t rejects = 0;
    for (size_t i = 0; i < load->files.count; i++) {
        result->rows_in += load->files.items[i].rows;
        rejects += load->files.items[i].rejects;
        result->files_refused += load->files.items[i].refused != NULL;
    }
    result->rows_loaded = (uint64_t)load->target.files.rows;
    bool aside = load->options->on_error == TARN_ON_ERROR_QUARANTINE;
    result->rows_quarantined = aside ? rejects : 0;
    result->rows_skipped = aside ? 0 : rejects;
    if (result->rows_loaded + rejects != result->rows_in) {
        return tarn_base_error_set(load->error, TARN_E_INTERNAL,
                                   "a load does not add up: %llu rows read, %llu written, %llu "
                                   "refused; nothing was committed",
                                   (unsigned long long)result->rows_in,
                                   (unsigned long long)result->rows_loaded,
                                   (unsigned long long)rejects);
    }
    if ((double)rejects <= load->options->max_error_rate * (double)result->rows_in) return true;
    tarn_base_error_set(load->error, TARN_E_TOO_MANY_BAD_ROWS,
                        "%llu of %llu rows were refused, more than the max_error_rate of %g %% "
                        "allows; nothing was loaded",
                        (unsigned long long)rejects, (unsigned long long)result->rows_in,
                        load->options->max_error_rate * 100);
    return tarn_base_error_hint(load->error, "see why with --on-error fail, or raise "
                                             "--max-error-rate");
}

/* --- originals --- */

static bool keep_originals(TarnLoad *load, TarnStoreBatch *batch) {
    const TarnLoadOptions *options = load->options;
    const TarnZone *zone = tarn_catalog_zone(options->catalog,
                                             tarn_catalog_name_zone(options->table));
    char date[TARN_TIME_TEXT_BYTES];
    if (zone == NULL || !zone->keep_originals) return true;
    tarn_base_time_format_date(load->started_us / 86400000000, date);
    const char *source = options->source != NULL ? options->source : options->table.name;
    for (size_t i = 0; i < load->files.count; i++) {
        TarnLoadFile *file = &load->files.items[i];
        if (file->done_before) continue;
        const char *slash = strrchr(file->path, '/');
        file->original = tarn_base_arena_printf(
            load->arena, "%s/%s/_originals/%s/%s/%s/%zu-%s",
            tarn_catalog_options(options->catalog)->warehouse, zone->name, source, date,
            load->intent.id, i, slash != NULL ? slash + 1 : file->path);
        if (!tarn_base_arena_check(load->arena, load->error) ||
            !tarn_store_put_file(tarn_catalog_store(options->catalog), file->original, file->path,
                                 TARN_STORE_IF_ABSENT, batch, load->error)) {
            return false;
        }
    }
    return true;
}

/* --- committing --- */

/* Each column of the table comes from the source of the same name. */
static bool record_lineage(TarnLoad *load, TarnDb *db, TarnError *error) {
    const TarnSchema *schema = tarn_table_metadata_current_schema(load->target.metadata);
    TarnLineageEdge *edges = TARN_NEW_ARRAY(load->arena, load->column_count + 1, TarnLineageEdge);
    const char *name = load->options->source != NULL ? load->options->source
                                                     : load->options->table.name;
    const char *source = tarn_base_arena_printf(load->arena, "source:%s", name);
    size_t count = 0;
    if (!tarn_base_arena_check(load->arena, error)) return false;
    for (size_t i = 0; i < load->column_count; i++) {
        const TarnColumn *column = &load->columns[i];
        if (tarn_table_schema_find_name(schema, column->name) == NULL) continue;
        edges[count++] = (TarnLineageEdge){
            .from = source,
            .from_column = column->origin != NULL ? column->origin : column->name,
            .to_column = column->name};
    }
    return tarn_govern_lineage_replace(db, load->options->table, edges, count, load->intent.id,
                                       load->started_us / 1000, error);
}

static bool record_load(void *state, TarnDb *db, TarnError *error) {
    TarnLoad *load = state;
    const TarnLoadGate *gate = load->options->gate;
    if (load->options->again && !tarn_flow__load_forget(load, db, error)) return false;
    for (size_t i = 0; i < load->files.count; i++) {
        const TarnLoadFile *file = &load->files.items[i];
        if (file->done_before || file->refused != NULL) continue;
        if (!tarn_flow__load_record(load, db, file, error)) return false;
    }
    if (load->csv_found &&
        !tarn_flow__dialect_write(db, load->options->table, &load->csv, error)) {
        return false;
    }
    return record_lineage(load, db, error) &&
           (gate == NULL ||
            gate->record(gate->state, db, tarn_table_snapshot_producer_id(load->target.producer),
                         error));
}

static bool make_producer(TarnLoad *load, TarnLoadTarget *target, TarnSnapshotOperation operation) {
    const TarnLoadOptions *options = load->options;
    target->change = (TarnSnapshotChange){.operation = operation,
                                          .ref = options->branch,
                                          .create_ref = options->branch != NULL,
                                          .added = target->files.items,
                                          .added_count = target->files.count,
                                          .added_sequence_number = TARN_ABSENT,
                                          .starting_snapshot_id = TARN_ABSENT};
    if (operation == TARN_OPERATION_OVERWRITE) {
        target->change.remove_where = tarn_table_predicate_constant(TARN_PREDICATE_TRUE);
    }
    TarnProperty *summary = TARN_NEW_ARRAY(load->arena, 2, TarnProperty);
    if (summary == NULL) return tarn_base_arena_check(load->arena, load->error);
    summary[0] = (TarnProperty){"tarn.batch", load->intent.id};
    summary[1] = (TarnProperty){"tarn.source", options->source != NULL ? options->source
                                                                       : options->table.name};
    target->change.summary = summary;
    target->change.summary_count = 2;
    target->producer_options =
        (TarnProducerOptions){.os = options->os,
                              .store = target->base != NULL ? target->base->store
                                                            : tarn_catalog_store(options->catalog),
                              .cache = tarn_catalog_manifest_cache(options->catalog),
                              .commit_id = load->intent.id};
    return tarn_table_snapshot_producer_new(&target->producer_options, &target->change,
                                            &target->producer, load->error);
}

static TarnCommitTable commit_table(const TarnLoadTarget *target, bool checked) {
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
                             .evidence = {.schema_checked = true, .checks_passed = checked}};
}

static bool commit_load(TarnLoad *load) {
    TarnCommitTable tables[2];
    bool quarantined = load->quarantine.files.count > 0;
    TarnSnapshotOperation operation = load->options->mode == TARN_LOAD_OVERWRITE &&
                                              load->target.base != NULL
                                          ? TARN_OPERATION_OVERWRITE
                                          : TARN_OPERATION_APPEND;
    if (!make_producer(load, &load->target, operation) ||
        (quarantined && !make_producer(load, &load->quarantine, TARN_OPERATION_APPEND))) {
        return false;
    }
    tables[0] = commit_table(&load->target, load->checked);
    if (quarantined) tables[1] = commit_table(&load->quarantine, false);
    TarnCommit commit = {.tables = tables,
                         .table_count = quarantined ? 2 : 1,
                         .intent = &load->intent,
                         .hook = record_load,
                         .hook_state = load};
    if (!tarn_catalog_commit(load->options->catalog, &commit, load->error)) return false;
    load->intent_open = false;
    load->result->snapshot_id = tarn_table_snapshot_producer_id(load->target.producer);
    for (size_t i = 0; i < commit.table_count; i++) {
        tarn_catalog_table_release(tables[i].committed);
    }
    return true;
}

/* --- the whole --- */

static bool pass_gate(TarnLoad *load) {
    const TarnLoadGate *gate = load->options->gate;
    return gate == NULL || gate->look(gate->state, load->target.metadata, &load->target.files,
                                      &load->checked, load->error);
}

static bool begin_intent(TarnLoad *load) {
    const char *locations[3] = {load->target.metadata->location,
                                load->quarantine.metadata->location};
    size_t count = 2;
    const TarnZone *zone = tarn_catalog_zone(load->options->catalog,
                                             tarn_catalog_name_zone(load->options->table));
    if (zone != NULL && zone->keep_originals) {
        locations[count++] = tarn_base_arena_printf(
            load->arena, "%s/%s/_originals/%s",
            tarn_catalog_options(load->options->catalog)->warehouse, zone->name,
            load->options->source != NULL ? load->options->source : load->options->table.name);
    }
    if (!tarn_base_arena_check(load->arena, load->error)) return false;
    load->intent_open = tarn_catalog_intent_begin(load->options->catalog, locations, count,
                                                  &load->intent, load->error);
    return load->intent_open;
}

static bool check_unchanged(TarnLoad *load) {
    for (size_t i = 0; i < load->files.count; i++) {
        const TarnLoadFile *file = &load->files.items[i];
        if (!file->done_before &&
            !tarn_flow__load_unchanged(load->options->os, file, load->error)) {
            return false;
        }
    }
    return true;
}

static bool run_load(TarnLoad *load) {
    const TarnLoadOptions *options = load->options;
    if (!find_files(load)) return false;
    if (load->result->files == 0) return true;
    if (!tarn_flow__load_targets(load) || !begin_intent(load) ||
        !tarn_flow__spool_new(options->os, options->scratch, &load->spool, load->error) ||
        !tarn_flow__load_rows(load) || !count_rows(load) || !tarn_flow__load_rejects(load) ||
        !pass_gate(load)) {
        return false;
    }
    TarnStoreBatch batch;
    tarn_store_batch_init(&batch, tarn_catalog_store(options->catalog));
    bool ok = keep_originals(load, &batch) && check_unchanged(load) &&
              tarn_store_batch_sync(&batch, load->error) &&
              !TARN_FAULT("flow.load.before_commit", load->error) && commit_load(load);
    tarn_store_batch_dispose(&batch);
    return ok;
}

static void free_target(TarnLoadTarget *target) {
    tarn_table_snapshot_producer_free(target->producer);
    tarn_catalog_table_release(target->base);
}

bool tarn_flow_load(const TarnLoadOptions *options, TarnArena *arena, TarnLoadResult *result,
                    TarnError *error) {
    TarnLoadOptions own = *options;
    TarnLoad load = {.options = &own, .arena = arena, .error = error, .result = result};
    own.branch = tarn_table_branch_beside_main(options->branch);
    *result = (TarnLoadResult){.table = tarn_catalog_name_text(options->table, arena),
                               .snapshot_id = TARN_ABSENT};
    tarn_base_error_clear(error);
    if (options->mode == TARN_LOAD_MERGE) {
        tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                            "loading with merge by key comes with a later version");
        return tarn_base_error_hint(error, "load with append and merge in a pipeline: "
                                           "config(materialized = incremental, strategy = merge)");
    }
    if (options->branch != NULL &&
        !tarn_table_ref_name_check(tarn_base_text(options->branch), error)) {
        return false;
    }
    load.started_us = options->os->clock_us(options->os);
    int64_t started = options->os->monotonic_us(options->os);
    bool ok = run_load(&load);
    if (!ok && load.intent_open && !error->outcome_unknown) {
        tarn_catalog_intent_abandon(options->catalog, &load.intent);
    }
    tarn_engine_session_close(load.session);
    tarn_engine_close(load.engine);
    tarn_flow__spool_free(load.spool);
    free_target(&load.target);
    free_target(&load.quarantine);
    result->batch = tarn_base_arena_string(arena, load.intent.id);
    result->seconds = (double)(options->os->monotonic_us(options->os) - started) / 1e6;
    return ok;
}
