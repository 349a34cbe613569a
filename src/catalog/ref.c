/* Refs committed: one change of one table, one branch of many tables going forward together, and
 * cherry-picks, which are prepared again while their branch moves.
 *
 * What is refused was decided by the table core; here only the zones' policy is added, since a
 * snapshot that another program wrote on a branch has never met it.
 */
#include "catalog/ref.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/* How often a cherry-pick looks again at a branch that others keep moving. */
#define PICKS_MAX 50

static const char *or_main(const char *branch) {
    return branch != NULL ? branch : TARN_TABLE_MAIN_BRANCH;
}

/* --- policy --- */

static bool check_snapshot(const TarnTable *table, const TarnSnapshot *snapshot,
                           TarnError *error) {
    const char *operation = snapshot->operation != NULL ? snapshot->operation : "unknown";
    if (strcmp(operation, "append") == 0 || strcmp(operation, "replace") == 0) return true;
    return tarn_base_error_set(error, TARN_E_ZONE_POLICY,
                               "the zone \"%s\" is append-only, and snapshot %" PRId64
                               " (%s) changes rows of \"%s.%s\"",
                               table->zone->name, snapshot->id, operation, table->name.ns,
                               table->name.name);
}

/* Every snapshot that a branch would gain. */
static bool check_zone(const TarnTable *table, int64_t from, int64_t to, TarnError *error) {
    if (table->zone == NULL || !table->zone->append_only) return true;
    for (size_t i = 0; i < table->metadata->snapshot_count && to != from; i++) {
        const TarnSnapshot *snapshot = tarn_table_metadata_snapshot(table->metadata, to);
        if (snapshot == NULL) break;
        if (!check_snapshot(table, snapshot, error)) return false;
        to = snapshot->parent_id;
    }
    return true;
}

/* --- one change --- */

static TarnCommitTable commit_table(const TarnTable *table, const TarnPreparedSnapshot *prepared) {
    return (TarnCommitTable){
        .name = table->name,
        .base = table,
        .requirements = prepared->requirements,
        .requirement_count = prepared->requirement_count,
        .updates = prepared->updates,
        .update_count = prepared->update_count,
        /* Only snapshots that exist are named: they had their evidence when they were made. */
        .evidence = {.schema_checked = true, .checks_passed = true}};
}

bool tarn_catalog_ref_commit(TarnCatalog *catalog, const TarnTable *table,
                             const TarnPreparedSnapshot *prepared, const TarnTable **committed,
                             TarnError *error) {
    if (prepared->update_count == 0) {
        if (committed != NULL) *committed = tarn_catalog_table_acquire(table);
        return true;
    }
    TarnCommitTable change = commit_table(table, prepared);
    TarnCommit commit = {.tables = &change, .table_count = 1};
    if (!tarn_catalog_commit(catalog, &commit, error)) return false;
    if (committed != NULL) {
        *committed = change.committed;
    } else {
        tarn_catalog_table_release(change.committed);
    }
    return true;
}

/* --- fast-forward --- */

static bool name_table(const TarnTable *table, TarnError *error) {
    return tarn_base_error_context(error, "for the table \"%s.%s\"", table->name.ns,
                                   table->name.name);
}

static bool prepare_forward(TarnForward *forward, const TarnForwardOptions *options,
                            TarnArena *arena, TarnPreparedSnapshot *prepared, TarnError *error) {
    const TarnTableMetadata *metadata = forward->table->metadata;
    const char *target = or_main(options->target);
    const TarnSnapshotRef *ref = tarn_table_metadata_ref(metadata, target);
    if (!tarn_table_ref_fast_forward(metadata, target, options->source, arena, prepared,
                                     &forward->steps, error)) {
        return name_table(forward->table, error);
    }
    forward->from = ref != NULL ? ref->snapshot_id : TARN_ABSENT;
    forward->to = prepared->snapshot->id;
    return check_zone(forward->table, forward->from, forward->to, error);
}

bool tarn_catalog_fast_forward(TarnCatalog *catalog, TarnForward *forwards, size_t count,
                               const TarnForwardOptions *options, TarnError *error) {
    TarnArena arena;
    size_t moved = 0;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    TarnCommitTable *tables = TARN_NEW_ARRAY(&arena, count + 1, TarnCommitTable);
    bool ok = tarn_base_arena_check(&arena, error);
    for (size_t i = 0; ok && i < count; i++) {
        TarnPreparedSnapshot prepared;
        ok = prepare_forward(&forwards[i], options, &arena, &prepared, error);
        if (ok && prepared.update_count > 0) {
            tables[moved++] = commit_table(forwards[i].table, &prepared);
        }
    }
    TarnCommit commit = {.tables = tables,
                         .table_count = moved,
                         .hook = options->hook,
                         .hook_state = options->hook_state};
    if (ok && moved > 0 && !options->dry_run) {
        ok = tarn_catalog_commit(catalog, &commit, error);
        for (size_t i = 0; ok && i < moved; i++) tarn_catalog_table_release(tables[i].committed);
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

/* --- cherry-pick --- */

static bool commit_pick(TarnCatalog *catalog, const TarnTable *table, const TarnCherryPick *pick,
                        TarnPicked *picked, TarnError *error) {
    TarnIntent intent;
    const char *location = table->metadata->location;
    if (!tarn_catalog_intent_begin(catalog, &location, 1, &intent, error)) return false;
    TarnProducerOptions options = {.os = tarn_catalog_options(catalog)->os,
                                   .store = table->store,
                                   .cache = tarn_catalog_manifest_cache(catalog),
                                   .commit_id = intent.id};
    TarnSnapshotProducer *producer = NULL;
    TarnCommitTable change = commit_table(table, &pick->move);
    TarnCommit commit = {.tables = &change, .table_count = 1, .intent = &intent};
    bool ok = tarn_table_snapshot_producer_new(&options, &pick->change, &producer, error);
    change.producer = producer;
    ok = ok && tarn_catalog_commit(catalog, &commit, error);
    if (ok) {
        picked->snapshot_id = tarn_table_snapshot_producer_id(producer);
        picked->added_files = (int64_t)pick->change.added_count;
        picked->removed_files = (int64_t)pick->change.removed_count;
        tarn_catalog_table_release(change.committed);
    } else if (!error->outcome_unknown) {
        tarn_catalog_intent_abandon(catalog, &intent);
    }
    tarn_table_snapshot_producer_free(producer);
    return ok;
}

/* *again: the branch moved while the pick was on its way. */
static bool try_pick(TarnCatalog *catalog, const TarnTable *table, const char *branch,
                     int64_t snapshot_id, TarnPicked *picked, bool *again, TarnError *error) {
    TarnArena arena;
    TarnCherryPick pick;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    const TarnSnapshotRef *ref = tarn_table_metadata_ref(table->metadata, branch);
    *picked = (TarnPicked){.previous = ref != NULL ? ref->snapshot_id : TARN_ABSENT,
                           .snapshot_id = snapshot_id};
    bool ok = tarn_table_cherry_pick(table->metadata, table->store, branch, snapshot_id, &arena,
                                     &pick, error) &&
              (!pick.moves || check_zone(table, picked->previous, snapshot_id, error));
    if (ok) {
        picked->moved = pick.moves;
        ok = pick.moves ? tarn_catalog_ref_commit(catalog, table, &pick.move, NULL, error)
                        : commit_pick(catalog, table, &pick, picked, error);
        *again = !ok && error->code == TARN_E_COMMIT_CONFLICT && !error->outcome_unknown;
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

bool tarn_catalog_cherry_pick(TarnCatalog *catalog, TarnTableName name, const char *branch,
                              int64_t snapshot_id, TarnPicked *picked, TarnError *error) {
    for (int i = 0;; i++) {
        const TarnTable *table = NULL;
        bool again = false;
        if (!tarn_catalog_table_load(catalog, name, &table, error)) return false;
        bool ok = try_pick(catalog, table, or_main(branch), snapshot_id, picked, &again, error);
        tarn_catalog_table_release(table);
        if (ok || !again || i >= PICKS_MAX) return ok;
        tarn_base_error_clear(error);
    }
}
