/* Rewriting manifests: one commit that changes no file of the table but these.
 *
 * The snapshot producer decides which and writes them; here is counted, before and after.
 */
#include "flow/maintain_private.h"

typedef struct Manifests {
    int64_t count;
    int64_t bytes;
    int64_t worth_it; /* that would be written anew */
} Manifests;

static bool count_manifests(const TarnMaintenance *run, const TarnTable *table,
                            Manifests *manifests, TarnError *error) {
    const TarnSnapshot *snapshot = tarn_table_metadata_current_snapshot(table->metadata);
    const TarnManifestListPin *list = NULL;
    *manifests = (Manifests){0};
    if (snapshot == NULL || snapshot->manifest_list == NULL) return true;
    if (!tarn_table_manifest_list_acquire(tarn_catalog_manifest_cache(run->catalog), table->store,
                                          snapshot->manifest_list, &list, error)) {
        return false;
    }
    manifests->count = (int64_t)list->count;
    for (size_t i = 0; i < list->count; i++) {
        manifests->bytes += list->manifests[i].length;
        manifests->worth_it += tarn_table_snapshot_rewrites_manifest(
            table->metadata, list->manifests, list->count, i);
    }
    tarn_table_manifest_list_release(list);
    return true;
}

static bool commit_rewrite(const TarnMaintenance *run, const TarnTable **table, TarnError *error) {
    const char *location = (*table)->metadata->location;
    TarnIntent intent;
    const TarnTable *committed = NULL;
    int64_t id = TARN_ABSENT;
    TarnSnapshotChange change = {.operation = TARN_OPERATION_REPLACE,
                                 .rewrite_manifests = true,
                                 .added_sequence_number = TARN_ABSENT,
                                 .starting_snapshot_id = (*table)->metadata->current_snapshot_id};
    if (!tarn_catalog_intent_begin(run->catalog, &location, 1, &intent, error)) return false;
    if (!tarn_flow__optimize_commit(run, *table, &change, &intent, NULL, 0, &committed, &id,
                                    error)) {
        if (!error->outcome_unknown) tarn_catalog_intent_abandon(run->catalog, &intent);
        return false;
    }
    if (committed == NULL) return true;
    tarn_catalog_table_release(*table);
    *table = committed;
    return true;
}

static bool rewrite(const TarnMaintenance *run, const TarnTable **table,
                    TarnMaintainResult *result, TarnError *error) {
    Manifests before;
    Manifests after;
    if (!count_manifests(run, *table, &before, error)) return false;
    result->files_before = result->files_after = before.count;
    result->bytes_before = result->bytes_after = before.bytes;
    result->deleted = before.worth_it;
    if (run->dry_run || before.worth_it == 0) return true;
    if (!commit_rewrite(run, table, error) || !count_manifests(run, *table, &after, error)) {
        return false;
    }
    result->commits = 1;
    result->files_after = after.count;
    result->bytes_after = after.bytes;
    result->added = after.count - (before.count - before.worth_it);
    if (result->added < 0) result->added = 0;
    return true;
}

bool tarn_flow_optimize_manifests(const TarnMaintenance *run, TarnArena *arena,
                                  TarnMaintainResult *result, TarnError *error) {
    const TarnTable *table = NULL;
    *result = (TarnMaintainResult){.snapshot_id = TARN_ABSENT,
                                   .table = tarn_catalog_name_text(run->table, arena)};
    if (!tarn_catalog_table_load(run->catalog, run->table, &table, error)) return false;
    bool ok = rewrite(run, &table, result, error);
    result->snapshot_id = table->metadata->current_snapshot_id;
    result->snapshots_before = (int64_t)table->metadata->snapshot_count;
    tarn_catalog_table_release(table);
    return ok && tarn_base_arena_check(arena, error);
}
