/* Delete files, after the data files have been rewritten: those that apply to no data file go,
 * small ones become few.
 *
 * Rounds of a plan and its commits, as those of data files in optimize.c: a commit that meets
 * somebody else's is thrown away and planned again. Most tables have no delete files, which their
 * manifest list tells.
 */
#include <inttypes.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "flow/maintain_private.h"

#define TARGET_BYTES ((int64_t)(64 * TARN_MIB))
/* Of delete files read for one commit: their positions are in memory meanwhile. */
#define BATCH_BYTES ((int64_t)(128 * TARN_MIB))
#define ROUNDS_MAX 6

typedef struct Round {
    const TarnMaintenance *run;
    const TarnOptimizeOptions *options;
    TarnMaintainResult *result;
    TarnArena arena;
    const TarnTable *table;
    TarnScanPlan *scan;
    TarnDeletePlan plan;
    bool conflicted;
} Round;

bool tarn_flow__optimize_plan_deletes(const TarnTable *table, const TarnScanPlan *scan,
                                      const TarnRewritePlan *gone, int64_t input_files_min,
                                      TarnArena *arena, TarnDeletePlan *plan, TarnError *error) {
    const TarnTableMetadata *metadata = table->metadata;
    const char *granularity = tarn_table_metadata_property(metadata, "write.delete.granularity");
    int64_t target = tarn_table_metadata_property_int64(
        metadata, "write.delete.target-file-size-bytes", TARGET_BYTES);
    TarnDeletePlanOptions options = {
        .target_bytes = target > 0 ? target : TARGET_BYTES,
        .input_files_min = input_files_min,
        .by_data_file = granularity != NULL && strcmp(granularity, "file") == 0,
        .to_vectors = metadata->format_version >= 3,
        .gone = gone};
    return tarn_table_delete_plan(scan, &options, arena, plan, error);
}

/* --- planning --- */

bool tarn_flow__optimize_has_deletes(const TarnMaintenance *run, const TarnTable *table, bool *has,
                                     TarnError *error) {
    const TarnSnapshot *snapshot = tarn_table_metadata_current_snapshot(table->metadata);
    const TarnManifestListPin *list = NULL;
    *has = false;
    if (snapshot == NULL || snapshot->manifest_list == NULL) return true;
    if (!tarn_table_manifest_list_acquire(tarn_catalog_manifest_cache(run->catalog), table->store,
                                          snapshot->manifest_list, &list, error)) {
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        const TarnManifestFile *file = &list->manifests[i];
        *has = *has || (file->is_deletes && (file->added_files != 0 || file->existing_files != 0));
    }
    tarn_table_manifest_list_release(list);
    return true;
}

/* What no delete applies to does not matter. */
static bool has_any(void *state, const TarnScanTask *task) {
    (void)state;
    return task->delete_count > 0;
}

static bool round_begin(Round *round, int64_t input_files_min, TarnError *error) {
    bool has = false;
    tarn_base_arena_init(&round->arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    if (!tarn_catalog_table_load(round->run->catalog, round->run->table, &round->table, error) ||
        !tarn_flow__optimize_has_deletes(round->run, round->table, &has, error)) {
        return false;
    }
    if (!has) return true;
    TarnScanOptions options = {.store = round->table->store,
                               .cache = tarn_catalog_manifest_cache(round->run->catalog),
                               .metadata = round->table->metadata,
                               .all_deletes = true,
                               .select = has_any};
    return tarn_table_scan_plan(&options,
                                tarn_table_metadata_current_snapshot(round->table->metadata),
                                tarn_table_predicate_constant(TARN_PREDICATE_TRUE), &round->arena,
                                &round->scan, error) &&
           tarn_flow__optimize_plan_deletes(round->table, round->scan, NULL, input_files_min,
                                            &round->arena, &round->plan, error);
}

static void round_end(Round *round) {
    tarn_table_scan_plan_dispose(round->scan);
    tarn_catalog_table_release(round->table);
    tarn_base_arena_dispose(&round->arena);
}

/* --- one batch --- */

typedef struct Batch {
    Round *round;
    const TarnDeleteGroup *groups;
    size_t count;
    bool with_dangling;
    TarnIntent intent;
    TarnArena arena;
    TarnRewrittenDeletes written;
    int64_t sequence_number;
    TarnRemovedDelete *removed;
    size_t removed_count;
} Batch;

static bool collect_removed(Batch *batch, TarnError *error) {
    const TarnDeletePlan *plan = &batch->round->plan;
    size_t most = batch->with_dangling ? plan->dangling_count : 0;
    for (size_t i = 0; i < batch->count; i++) most += batch->groups[i].count;
    batch->removed = TARN_NEW_ARRAY(&batch->arena, most + 1, TarnRemovedDelete);
    if (batch->removed == NULL) return tarn_base_arena_check(&batch->arena, error);
    for (size_t i = 0; batch->with_dangling && i < plan->dangling_count; i++) {
        batch->removed[batch->removed_count++] = plan->dangling[i];
    }
    for (size_t i = 0; i < batch->count; i++) {
        for (size_t j = 0; j < batch->groups[i].count; j++) {
            batch->removed[batch->removed_count++] = (TarnRemovedDelete){
                .path = batch->groups[i].items[j]->file->path, .content_offset = TARN_ABSENT};
        }
    }
    return true;
}

static bool write_batch(Batch *batch, TarnError *error) {
    const Round *round = batch->round;
    TarnRewriteDeletesWork work = {.query = round->options->query,
                                   .table = round->table,
                                   .commit_id = batch->intent.id};
    if (!collect_removed(batch, error)) return false;
    if (batch->count == 0) return true;
    return tarn_table_delete_plan_tasks(round->scan, batch->groups, batch->count, &batch->arena,
                                        &work.tasks, &work.task_count, &batch->sequence_number,
                                        error) &&
           tarn_query_rewrite_deletes(&work, &batch->arena, &batch->written, error);
}

static bool commit_batch(Batch *batch, TarnError *error) {
    const Round *round = batch->round;
    const TarnTable *table = round->table;
    /* A vector is newer than what it takes the place of: readers go by its being there. */
    bool vectors = table->metadata->format_version >= 3;
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_REPLACE,
        .added = batch->written.items,
        .added_count = batch->written.count,
        .added_sequence_number = TARN_ABSENT,
        .added_deletes_sequence_number = vectors ? TARN_ABSENT : batch->sequence_number,
        .removed_deletes = batch->removed,
        .removed_delete_count = batch->removed_count,
        .starting_snapshot_id = table->metadata->current_snapshot_id};
    const TarnTable *committed = NULL;
    int64_t id = TARN_ABSENT;
    if (TARN_FAULT("flow.optimize.before_commit_deletes", error) ||
        !tarn_flow__optimize_commit(round->run, table, &change, &batch->intent,
                                    batch->written.locations, batch->written.location_count,
                                    &committed, &id, error)) {
        return false;
    }
    tarn_flow__optimize_count_deletes(committed, id, round->result);
    tarn_catalog_table_release(committed);
    round->result->commits++;
    return true;
}

static bool run_batch(Round *round, const TarnDeleteGroup *groups, size_t count,
                      bool with_dangling, TarnError *error) {
    TarnCatalog *catalog = round->run->catalog;
    const char *location = round->table->metadata->location;
    Batch batch = {
        .round = round, .groups = groups, .count = count, .with_dangling = with_dangling};
    if (!tarn_catalog_intent_begin(catalog, &location, 1, &batch.intent, error)) return false;
    tarn_base_arena_init(&batch.arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool written = tarn_os_interrupt_check(error) && write_batch(&batch, error);
    bool ok = written && commit_batch(&batch, error);
    if (!ok && !error->outcome_unknown) tarn_catalog_intent_abandon(catalog, &batch.intent);
    tarn_base_arena_dispose(&batch.arena);
    if (ok || !written || error->code != TARN_E_COMMIT_CONFLICT || error->outcome_unknown) {
        return ok;
    }
    tarn_base_log(TARN_LOG_INFO, "planned again: %s", error->message);
    tarn_base_error_clear(error);
    round->conflicted = true;
    round->result->conflicts++;
    return true;
}

/* --- rounds --- */

static bool run_round(Round *round, TarnError *error) {
    const TarnDeletePlan *plan = &round->plan;
    bool dangling = plan->dangling_count > 0;
    for (size_t i = 0; dangling || i < plan->group_count;) {
        size_t count = 0;
        int64_t bytes = 0;
        while (i + count < plan->group_count &&
               (count == 0 || plan->groups[i + count].bytes <= BATCH_BYTES - bytes)) {
            bytes += plan->groups[i + count].bytes;
            count++;
        }
        if (!run_batch(round, plan->groups + i, count, dangling, error)) return false;
        dangling = false;
        i += count;
    }
    return true;
}

bool tarn_flow__optimize_deletes(const TarnMaintenance *run, const TarnOptimizeOptions *options,
                                 int64_t input_files_min, TarnMaintainResult *result,
                                 TarnError *error) {
    for (uint32_t i = 0; i < ROUNDS_MAX; i++) {
        Round round = {.run = run, .options = options, .result = result};
        bool ok = round_begin(&round, input_files_min, error) && run_round(&round, error);
        bool again = round.conflicted;
        round_end(&round);
        if (!ok || !again) return ok;
        if (!tarn_flow__optimize_back_off(run->os, i, error)) return false;
    }
    tarn_base_log(TARN_LOG_WARN, "some delete files of \"%s.%s\" are left as they are: others "
                                 "changed the table each time",
                  run->table.ns, run->table.name);
    return true;
}
