/* Compaction and clustering: rounds of a plan, its groups rewritten, a commit for each few.
 *
 * A round plans from the table as it is. Its groups are rewritten in batches of bounded size; each
 * batch has an intent of its own and one commit, which names the snapshot the round started from.
 * If that commit conflicts, since somebody removed one of the files or deleted rows of one, the
 * batch's files are thrown away and the next round plans again; work that is committed stays. So
 * others' commits are never in the way of nor undone by it.
 *
 * New files have the sequence number of the round's snapshot, so that equality deletes that come
 * meanwhile go on to apply to them. Where files move to another partition spec such deletes would
 * not find them; there the files get the new number, and any delete meanwhile is a conflict.
 */
#include <inttypes.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "flow/maintain_private.h"

#define TARGET_BYTES ((int64_t)(512 * TARN_MIB))
#define GROUP_BYTES ((int64_t)(2 * TARN_GIB))
#define INPUT_FILES 5
#define ROUNDS_MAX 6
#define BACKOFF_US 20000

typedef struct Optimize {
    const TarnMaintenance *run;
    const TarnOptimizeOptions *options;
    TarnArena *arena;
    TarnMaintainResult *result;
    TarnRewriteOptions rewrite;
    struct {
        int64_t *items; /* snapshots that this run made */
        size_t count;
        size_t capacity;
    } made;
    uint64_t jitter;
} Optimize;

/* One round: a table, and part by part a scan of it and what to rewrite. */
typedef struct Round {
    Optimize *optimize;
    TarnArena arena;
    const TarnTable *table;
    const TarnPredicate *where;
    TarnArena part; /* of what follows */
    TarnScanPlan *scan;
    TarnRewritePlan plan;
    int64_t files; /* looked at, and their bytes */
    int64_t bytes;
    int64_t wanted; /* of them, to be rewritten perhaps */
    int64_t passed; /* of these, in parts before */
    bool conflicted;
} Round;

/* --- planning --- */

static int64_t part_size(const Round *round) {
    int64_t most = round->optimize->options->plan_files_max;
    return most > 0 ? most : TARN_LIMIT_REWRITE_PLAN_FILES;
}

static bool select_task(void *state, const TarnScanTask *task) {
    Round *round = state;
    round->files++;
    if (__builtin_add_overflow(round->bytes, task->file->file_size, &round->bytes)) {
        round->bytes = INT64_MAX;
    }
    if (!tarn_table_rewrite_wants(&round->optimize->rewrite, task)) return false;
    int64_t number = round->wanted++;
    return number >= round->passed && number - round->passed < part_size(round);
}

/* The next part of the files that may be rewritten. */
static bool plan_part(Round *round, TarnError *error) {
    Optimize *optimize = round->optimize;
    const TarnTable *table = round->table;
    TarnScanOptions options = {.store = table->store,
                               .cache = tarn_catalog_manifest_cache(optimize->run->catalog),
                               .metadata = table->metadata,
                               .select = select_task,
                               .select_state = round};
    tarn_table_scan_plan_dispose(round->scan);
    round->scan = NULL;
    tarn_base_arena_reset(&round->part);
    round->files = round->bytes = round->wanted = 0;
    return tarn_table_scan_plan(&options, tarn_table_metadata_current_snapshot(table->metadata),
                                round->where, &round->part, &round->scan, error) &&
           tarn_table_rewrite_plan(round->scan, &optimize->rewrite, &round->part, &round->plan,
                                   error);
}

static void set_sizes(Optimize *optimize, const TarnTable *table) {
    const TarnOptimizeOptions *options = optimize->options;
    int64_t target = options->target_bytes;
    if (target <= 0) {
        target = tarn_table_metadata_property_int64(table->metadata,
                                                    "write.target-file-size-bytes", TARGET_BYTES);
    }
    bool clusters = options->clustering != TARN_CLUSTER_NONE;
    int64_t most = options->group_bytes_max > 0 ? options->group_bytes_max : GROUP_BYTES;
    optimize->rewrite = (TarnRewriteOptions){
        .target_bytes = target > 0 ? target : TARGET_BYTES,
        .input_files_min = options->input_files_min > 0 ? options->input_files_min : INPUT_FILES,
        .any_deletes = options->deletes,
        .all = clusters,
        .skip_snapshots = optimize->made.items,
        .skip_count = optimize->made.count};
    optimize->rewrite.group_bytes = clusters ? most : optimize->rewrite.target_bytes;
}

static bool round_begin(Optimize *optimize, Round *round, TarnError *error) {
    const TarnOptimizeOptions *options = optimize->options;
    *round = (Round){.optimize = optimize};
    tarn_base_arena_init(&round->arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    tarn_base_arena_init(&round->part, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    if (!tarn_catalog_table_load(optimize->run->catalog, optimize->run->table, &round->table,
                                 error)) {
        return false;
    }
    set_sizes(optimize, round->table);
    round->where = tarn_table_predicate_constant(TARN_PREDICATE_TRUE);
    return tarn_query_rewrite_check(round->table, options->clustering, options->columns,
                                    options->column_count, error) &&
           (options->where == NULL ||
            tarn_query_predicate(options->query, round->table, options->where, &round->arena,
                                 &round->where, error));
}

static void round_end(Round *round) {
    tarn_table_scan_plan_dispose(round->scan);
    tarn_catalog_table_release(round->table);
    tarn_base_arena_dispose(&round->part);
    tarn_base_arena_dispose(&round->arena);
}

/* --- one batch --- */

typedef struct Batch {
    Round *round;
    const TarnRewriteGroup *groups;
    size_t count;
    bool same_spec;
    TarnIntent intent;
    TarnArena arena;
    struct {
        TarnDataFile *items;
        size_t count;
        size_t capacity;
    } added;
    struct {
        const char **items;
        size_t count;
        size_t capacity;
    } locations;
    struct {
        TarnText *items;
        size_t count;
        size_t capacity;
    } removed;
    int64_t added_bytes;
    int64_t rows;
} Batch;

static bool rewrite_group(Batch *batch, size_t index, TarnError *error) {
    const Round *round = batch->round;
    const TarnOptimizeOptions *options = round->optimize->options;
    const TarnRewriteGroup *group = &batch->groups[index];
    TarnWrittenFiles files = {0};
    TarnRewriteWork work = {.query = options->query,
                            .table = round->table,
                            .scan = round->scan,
                            .group = group,
                            .commit_id = batch->intent.id,
                            .sequence = (uint32_t)index,
                            .target_bytes = round->optimize->rewrite.target_bytes,
                            .clustering = options->clustering,
                            .columns = options->columns,
                            .column_count = options->column_count};
    if (!tarn_query_rewrite(&work, &batch->arena, &files, error)) return false;
    for (size_t i = 0; i < files.count; i++) {
        TarnDataFile *file = TARN_PUSH(&batch->arena, &batch->added);
        const char **location = TARN_PUSH(&batch->arena, &batch->locations);
        if (file == NULL || location == NULL) return tarn_base_arena_check(&batch->arena, error);
        *file = files.items[i];
        *location = files.locations[i];
    }
    for (size_t i = 0; i < group->count; i++) {
        TarnText *path = TARN_PUSH(&batch->arena, &batch->removed);
        if (path == NULL) return tarn_base_arena_check(&batch->arena, error);
        *path = group->items[i]->file->path;
    }
    batch->added_bytes += files.bytes;
    batch->rows += files.rows;
    return !TARN_FAULT("flow.optimize.after_group", error);
}

static bool commit_batch(Batch *batch, TarnError *error) {
    const Round *round = batch->round;
    const TarnMaintenance *run = round->optimize->run;
    const TarnTable *table = round->table;
    const TarnSnapshot *start = tarn_table_metadata_current_snapshot(table->metadata);
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_REPLACE,
        .added = batch->added.items,
        .added_count = batch->added.count,
        .added_sequence_number = batch->same_spec ? start->sequence_number : TARN_ABSENT,
        .removed = batch->removed.items,
        .removed_count = batch->removed.count,
        .starting_snapshot_id = start->id};
    const TarnTable *committed = NULL;
    int64_t id = TARN_ABSENT;
    if (TARN_FAULT("flow.optimize.before_commit", error) ||
        !tarn_flow__optimize_commit(run, table, &change, &batch->intent, batch->locations.items,
                                    batch->locations.count, &committed, &id, error)) {
        return false;
    }
    tarn_flow__optimize_count_deletes(committed, id, round->optimize->result);
    tarn_catalog_table_release(committed);
    int64_t *made = TARN_PUSH(round->optimize->arena, &round->optimize->made);
    if (made != NULL) *made = id;
    return tarn_base_arena_check(round->optimize->arena, error) &&
           !TARN_FAULT("flow.optimize.after_commit", error);
}

static void count_batch(const Batch *batch) {
    TarnMaintainResult *result = batch->round->optimize->result;
    for (size_t i = 0; i < batch->count; i++) {
        result->deleted += (int64_t)batch->groups[i].count;
        result->deleted_bytes += batch->groups[i].bytes;
    }
    result->groups += (int64_t)batch->count;
    result->commits++;
    result->added += (int64_t)batch->added.count;
    result->rows += batch->rows;
    result->files_after += (int64_t)batch->added.count - (int64_t)batch->removed.count;
    result->bytes_after += batch->added_bytes;
    for (size_t i = 0; i < batch->count; i++) result->bytes_after -= batch->groups[i].bytes;
}

static bool run_batch(Round *round, const TarnRewriteGroup *groups, size_t count,
                      TarnError *error) {
    TarnCatalog *catalog = round->optimize->run->catalog;
    const TarnTableMetadata *metadata = round->table->metadata;
    Batch batch = {.round = round,
                   .groups = groups,
                   .count = count,
                   .same_spec = groups[0].spec_id == metadata->default_spec_id};
    if (!tarn_catalog_intent_begin(catalog, (const char *const *)&metadata->location, 1,
                                   &batch.intent, error)) {
        return false;
    }
    tarn_base_arena_init(&batch.arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        ok = tarn_os_interrupt_check(error) && rewrite_group(&batch, i, error);
    }
    bool written = ok;
    ok = ok && commit_batch(&batch, error);
    if (ok) count_batch(&batch);
    if (!ok && !error->outcome_unknown) tarn_catalog_intent_abandon(catalog, &batch.intent);
    tarn_base_arena_dispose(&batch.arena);
    if (ok || !written || error->code != TARN_E_COMMIT_CONFLICT || error->outcome_unknown) {
        return ok;
    }
    tarn_base_log(TARN_LOG_INFO, "planned again: %s", error->message);
    tarn_base_error_clear(error);
    round->conflicted = true;
    round->optimize->result->conflicts++;
    return true;
}

/* --- rounds --- */

/* Groups of the same kind up to the bound; at least one. */
static size_t batch_size(const Round *round, size_t first) {
    const TarnOptimizeOptions *options = round->optimize->options;
    int64_t most = options->group_bytes_max > 0 ? options->group_bytes_max : GROUP_BYTES;
    int32_t current = round->table->metadata->default_spec_id;
    const TarnRewriteGroup *groups = round->plan.groups;
    int64_t bytes = 0;
    size_t count = 0;
    while (first + count < round->plan.count) {
        const TarnRewriteGroup *group = &groups[first + count];
        bool same = (group->spec_id == current) == (groups[first].spec_id == current);
        if (count > 0 && (!same || group->bytes > most - bytes)) break;
        bytes += group->bytes;
        count++;
    }
    return count;
}

static bool run_part(Round *round, TarnError *error) {
    for (size_t i = 0; i < round->plan.count;) {
        size_t count = batch_size(round, i);
        if (!run_batch(round, round->plan.groups + i, count, error)) return false;
        i += count;
    }
    return true;
}

bool tarn_flow__optimize_back_off(const TarnOs *os, uint32_t round, TarnError *error) {
    uint64_t chance = 0;
    if (!os->random(os, &chance, sizeof(chance), error)) return false;
    int64_t most = BACKOFF_US << round;
    return os->sleep_us(os, most / 2 + (int64_t)(chance % (uint64_t)most), error);
}

bool tarn_flow__optimize_commit(const TarnMaintenance *run, const TarnTable *table,
                                const TarnSnapshotChange *change, TarnIntent *intent,
                                const char *const *files, size_t file_count,
                                const TarnTable **committed, int64_t *snapshot_id,
                                TarnError *error) {
    TarnSnapshotProducer *producer = NULL;
    TarnProducerOptions options = {.os = run->os,
                                   .store = table->store,
                                   .cache = tarn_catalog_manifest_cache(run->catalog),
                                   .commit_id = intent->id};
    if (!tarn_table_snapshot_producer_new(&options, change, &producer, error)) return false;
    TarnCommitTable commit_table = {.name = table->name,
                                    .base = table,
                                    .producer = producer,
                                    .files = files,
                                    .file_count = file_count,
                                    /* the rows were published once: they had it then */
                                    .evidence = {.schema_checked = true, .checks_passed = true}};
    TarnCommit commit = {.tables = &commit_table, .table_count = 1, .intent = intent};
    bool ok = tarn_catalog_commit(run->catalog, &commit, error);
    *snapshot_id = tarn_table_snapshot_producer_id(producer);
    *committed = ok ? commit_table.committed : NULL;
    tarn_table_snapshot_producer_free(producer);
    return ok;
}

void tarn_flow__optimize_count_deletes(const TarnTable *table, int64_t snapshot_id,
                                       TarnMaintainResult *result) {
    const TarnSnapshot *snapshot = tarn_table_metadata_snapshot(table->metadata, snapshot_id);
    for (size_t i = 0; snapshot != NULL && i < snapshot->summary_count; i++) {
        const TarnProperty *property = &snapshot->summary[i];
        int64_t number = 0;
        if (!tarn_base_text_to_int64(tarn_base_text(property->value), &number)) continue;
        if (strcmp(property->key, "removed-delete-files") == 0) result->deletes_removed += number;
        if (strcmp(property->key, "added-delete-files") == 0) result->deletes_added += number;
    }
}

/* What would become of delete files once the planned data files are gone: all files, in memory,
 * since a delete file may be about any. */
static bool count_planned_deletes(Optimize *optimize, Round *round, TarnError *error) {
    const TarnTable *table = round->table;
    bool has = false;
    TarnDeletePlan plan;
    if (optimize->options->where != NULL) return true;
    if (!tarn_flow__optimize_has_deletes(optimize->run, table, &has, error)) return false;
    if (!has) return true;
    TarnScanOptions options = {.store = table->store,
                               .cache = tarn_catalog_manifest_cache(optimize->run->catalog),
                               .metadata = table->metadata,
                               .all_deletes = true};
    tarn_table_scan_plan_dispose(round->scan);
    round->scan = NULL;
    tarn_base_arena_reset(&round->part);
    if (!tarn_table_scan_plan(&options, tarn_table_metadata_current_snapshot(table->metadata),
                              round->where, &round->part, &round->scan, error) ||
        !tarn_table_rewrite_plan(round->scan, &optimize->rewrite, &round->part, &round->plan,
                                 error) ||
        !tarn_flow__optimize_plan_deletes(table, round->scan, &round->plan,
                                          optimize->rewrite.input_files_min, &round->part, &plan,
                                          error)) {
        return false;
    }
    optimize->result->deletes_removed = (int64_t)plan.dangling_count + plan.files;
    optimize->result->deletes_added = plan.added;
    return true;
}

static void count_before(Optimize *optimize, const Round *round) {
    TarnMaintainResult *result = optimize->result;
    result->files_before = result->files_after = round->files;
    result->bytes_before = result->bytes_after = round->bytes;
}

static void count_part(Optimize *optimize, const Round *round) {
    TarnMaintainResult *result = optimize->result;
    result->groups += (int64_t)round->plan.count;
    result->deleted += round->plan.files;
    result->deleted_bytes += round->plan.bytes;
    result->files_after -= round->plan.files;
    for (size_t i = 0; i < round->plan.count; i++) {
        const TarnRewriteGroup *group = &round->plan.groups[i];
        int64_t added = (group->bytes + optimize->rewrite.target_bytes - 1) /
                        optimize->rewrite.target_bytes;
        result->rows += group->rows;
        result->added += added;
        result->files_after += added;
    }
}

static bool run_round(Optimize *optimize, Round *round, bool first, TarnError *error) {
    bool dry_run = optimize->run->dry_run;
    do {
        if (!plan_part(round, error)) return false;
        if (first && round->passed == 0) count_before(optimize, round);
        if (dry_run) {
            count_part(optimize, round);
        } else if (!run_part(round, error)) {
            return false;
        }
        round->passed += part_size(round);
    } while (round->passed < round->wanted);
    return !dry_run || count_planned_deletes(optimize, round, error);
}

static bool run_rounds(Optimize *optimize, TarnError *error) {
    for (uint32_t i = 0; i < ROUNDS_MAX; i++) {
        Round round;
        bool ok = round_begin(optimize, &round, error) &&
                  run_round(optimize, &round, i == 0, error);
        bool again = round.conflicted;
        round_end(&round);
        if (!ok || !again) return ok;
        if (!tarn_flow__optimize_back_off(optimize->run->os, i, error)) return false;
    }
    tarn_base_log(TARN_LOG_WARN, "some files of \"%s.%s\" are left as they are: others changed "
                                 "them each time",
                  optimize->run->table.ns, optimize->run->table.name);
    return true;
}

bool tarn_flow_optimize(const TarnMaintenance *run, const TarnOptimizeOptions *options,
                        TarnArena *arena, TarnMaintainResult *result, TarnError *error) {
    Optimize optimize = {.run = run, .options = options, .arena = arena, .result = result};
    const TarnTable *table = NULL;
    *result = (TarnMaintainResult){.snapshot_id = TARN_ABSENT,
                                   .table = tarn_catalog_name_text(run->table, arena)};
    if (!run_rounds(&optimize, error) ||
        (!run->dry_run && options->where == NULL &&
         !tarn_flow__optimize_deletes(run, options, optimize.rewrite.input_files_min, result,
                                      error)) ||
        !tarn_catalog_table_load(run->catalog, run->table, &table, error)) {
        return false;
    }
    result->snapshot_id = table->metadata->current_snapshot_id;
    result->snapshots_before = (int64_t)table->metadata->snapshot_count;
    tarn_catalog_table_release(table);
    return true;
}
