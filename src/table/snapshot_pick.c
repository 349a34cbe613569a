/* Cherry-picking: one snapshot's change, made again on another branch.
 *
 * An append can be replayed on anything, since it says nothing about other files. A dynamic
 * overwrite can if the partitions it replaced are still as it found them. What else a snapshot did
 * was decided by looking at the rows of its own parent, so it is only right behind that parent:
 * then the branch moves to the snapshot itself, and no new one is made.
 *
 * Files are read from the picked snapshot's own manifests; no data file is read or written.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "table/scan_private.h"
#include "table/snapshot_ref_private.h"

typedef struct Pick {
    const TarnTableMetadata *base;
    TarnStore *store;
    const TarnSnapshot *picked;
    const char *branch;
    int64_t head; /* of the branch; TARN_ABSENT = none */
    TarnArena *arena;
    struct {
        TarnDataFile *items;
        size_t count;
        size_t capacity;
    } added;
    struct {
        TarnText *items;
        size_t count;
        size_t capacity;
    } removed;
    TarnMap partitions; /* of what was added and removed */
    TarnError *error;
} Pick;

static const char *summary_text(const TarnSnapshot *snapshot, const char *key) {
    for (size_t i = 0; i < snapshot->summary_count; i++) {
        if (strcmp(snapshot->summary[i].key, key) == 0) return snapshot->summary[i].value;
    }
    return NULL;
}

static bool is_value(const char *text, const char *wanted) {
    return text != NULL && strcmp(text, wanted) == 0;
}

/* --- what was published before --- */

static bool refuse_twice(const Pick *pick, const TarnSnapshot *by, const char *what) {
    return tarn_base_error_set(pick->error, TARN_E_COMMIT_CONFLICT,
                               "snapshot %" PRId64 " cannot be picked onto \"%s\": %s by snapshot "
                               "%" PRId64,
                               pick->picked->id, pick->branch, what, by->id);
}

static bool check_history(const Pick *pick) {
    char id[32];
    const char *wap = summary_text(pick->picked, "wap.id");
    int64_t at = pick->head;
    (void)snprintf(id, sizeof(id), "%" PRId64, pick->picked->id);
    for (size_t i = 0; i <= pick->base->snapshot_count && at != TARN_ABSENT; i++) {
        const TarnSnapshot *snapshot = tarn_table_metadata_snapshot(pick->base, at);
        if (snapshot == NULL) break;
        if (snapshot == pick->picked) {
            return tarn_base_error_set(pick->error, TARN_E_COMMIT_CONFLICT,
                                       "\"%s\" has snapshot %" PRId64 " in its history already",
                                       pick->branch, pick->picked->id);
        }
        if (is_value(summary_text(snapshot, "source-snapshot-id"), id)) {
            return refuse_twice(pick, snapshot, "it was picked before");
        }
        if (wap != NULL && (is_value(summary_text(snapshot, "published-wap-id"), wap) ||
                            is_value(summary_text(snapshot, "wap.id"), wap))) {
            return refuse_twice(pick, snapshot, "its wap.id was published before");
        }
        at = snapshot->parent_id;
    }
    return true;
}

/* --- the picked snapshot's files --- */

static bool partition_key(const Pick *pick, const TarnDataFile *file, TarnText *key) {
    TarnBuffer bytes;
    tarn_base_buffer_init(&bytes, TARN_LIMIT_FIELD_BYTES);
    bool ok = tarn_table_partition_key(file->spec_id, file->partition, file->partition_count,
                                        &bytes, pick->error);
    key->size = bytes.size;
    key->data = ok ? tarn_base_arena_copy(pick->arena, bytes.data, bytes.size) : NULL;
    tarn_base_buffer_dispose(&bytes);
    return ok && tarn_base_arena_check(pick->arena, pick->error);
}

static bool take_entry(Pick *pick, const TarnManifestEntry *entry) {
    TarnText key;
    if (!partition_key(pick, &entry->file, &key)) return false;
    if (key.size > 0) tarn_base_map_put(&pick->partitions, key, pick);
    if (entry->status == TARN_ENTRY_DELETED) {
        TarnText *path = TARN_PUSH(pick->arena, &pick->removed);
        if (path != NULL) *path = entry->file.path;
    } else {
        TarnDataFile *file = TARN_PUSH(pick->arena, &pick->added);
        if (file != NULL) {
            *file = entry->file;
            file->first_row_id = TARN_ABSENT; /* the new snapshot assigns its own */
        }
    }
    return tarn_base_arena_check(pick->arena, pick->error);
}

static bool read_manifest(Pick *pick, const TarnManifestFile *row, TarnManifest **manifest) {
    TarnText bytes;
    TarnManifestReadOptions options = {.spec = tarn_table_metadata_spec(pick->base, row->spec_id)};
    const char *path = tarn_base_text_string(pick->arena, row->path);
    if (!tarn_base_arena_check(pick->arena, pick->error)) return false;
    return tarn_store_get(pick->store, path, TARN_STORE_WHOLE, TARN_LIMIT_MANIFEST_BYTES,
                          pick->arena, &bytes, NULL, pick->error) &&
           tarn_table_manifest_read(bytes, path, pick->base, &options, pick->arena, manifest,
                                    pick->error) &&
           tarn_table_manifest_inherit(*manifest, row, pick->error);
}

static bool take_manifest(Pick *pick, const TarnManifestFile *row) {
    TarnManifest *manifest = NULL;
    if (!read_manifest(pick, row, &manifest)) return false;
    for (size_t i = 0; i < manifest->entry_count; i++) {
        TarnManifestEntry *entry = &manifest->entries[i];
        if (entry->snapshot_id != pick->picked->id || entry->status == TARN_ENTRY_EXISTING) {
            continue;
        }
        if (row->is_deletes) {
            return tarn_base_error_set(pick->error, TARN_E_REF_REFUSED,
                                       "snapshot %" PRId64 " cannot be picked: it has delete files",
                                       pick->picked->id);
        }
        entry->file.spec_id = row->spec_id;
        if (!take_entry(pick, entry)) return false;
    }
    return true;
}

/* The rows of a snapshot's manifest list, whose texts live as long as the arena. */
static bool read_list(Pick *pick, const TarnSnapshot *snapshot, TarnManifestFile **rows,
                      size_t *count) {
    TarnText bytes;
    if (snapshot->manifest_list == NULL) {
        return tarn_base_error_set(pick->error, TARN_E_REF_REFUSED,
                                   "snapshot %" PRId64 " has no manifest list", snapshot->id);
    }
    return tarn_store_get(pick->store, snapshot->manifest_list, TARN_STORE_WHOLE,
                          TARN_LIMIT_MANIFEST_BYTES, pick->arena, &bytes, NULL, pick->error) &&
           tarn_table_manifest_list_read(bytes, snapshot->manifest_list, pick->arena, rows, count,
                                         pick->error);
}

static bool take_files(Pick *pick) {
    TarnManifestFile *rows = NULL;
    size_t count = 0;
    if (!read_list(pick, pick->picked, &rows, &count)) return false;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].added_snapshot_id != pick->picked->id) continue;
        if (!take_manifest(pick, &rows[i])) return false;
    }
    return true;
}

/* --- dynamic overwrites --- */

/* Is the snapshot in the branch's history and newer than the picked one's parent? */
static bool is_since(const Pick *pick, int64_t id) {
    int64_t at = pick->head;
    for (size_t i = 0; i <= pick->base->snapshot_count; i++) {
        if (at == TARN_ABSENT || at == pick->picked->parent_id) return false;
        if (at == id) return true;
        const TarnSnapshot *snapshot = tarn_table_metadata_snapshot(pick->base, at);
        at = snapshot != NULL ? snapshot->parent_id : TARN_ABSENT;
    }
    return false;
}

static bool check_entry(Pick *pick, const TarnManifestEntry *entry, const TarnDataFile *file) {
    TarnText key;
    if (entry->status == TARN_ENTRY_DELETED || !is_since(pick, entry->snapshot_id)) return true;
    if (!partition_key(pick, file, &key)) return false;
    if (key.size > 0 && !tarn_base_map_has(&pick->partitions, key)) return true;
    return tarn_base_error_set(pick->error, TARN_E_COMMIT_CONFLICT,
                               "snapshot %" PRId64 " cannot be picked onto \"%s\": snapshot "
                               "%" PRId64 " has added files to a partition that it replaces",
                               pick->picked->id, pick->branch, entry->snapshot_id);
}

/* Nothing new may be in the partitions that the picked snapshot replaced. */
static bool check_partitions(Pick *pick) {
    TarnManifestFile *rows = NULL;
    size_t count = 0;
    const TarnSnapshot *head = tarn_table_metadata_snapshot(pick->base, pick->head);
    if (head == NULL || !read_list(pick, head, &rows, &count)) return head == NULL;
    for (size_t i = 0; i < count; i++) {
        TarnManifest *manifest = NULL;
        if (!is_since(pick, rows[i].added_snapshot_id)) continue;
        if (!read_manifest(pick, &rows[i], &manifest)) return false;
        for (size_t e = 0; e < manifest->entry_count; e++) {
            TarnDataFile file = manifest->entries[e].file;
            file.spec_id = rows[i].spec_id;
            if (!check_entry(pick, &manifest->entries[e], &file)) return false;
        }
    }
    return true;
}

/* --- the change --- */

static bool refuse_operation(const Pick *pick) {
    tarn_base_error_set(pick->error, TARN_E_REF_REFUSED,
                        "snapshot %" PRId64 " (%s) cannot be picked onto \"%s\": only appends and "
                        "overwrites of whole partitions can be made again elsewhere",
                        pick->picked->id,
                        pick->picked->operation != NULL ? pick->picked->operation
                                                        : "unknown operation",
                        pick->branch);
    return tarn_base_error_hint(pick->error, "a branch whose head is the snapshot's parent takes "
                                             "any; else run the statement again");
}

static bool build_summary(Pick *pick, TarnSnapshotChange *change) {
    TarnProperty *summary = TARN_NEW_ARRAY(pick->arena, 3, TarnProperty);
    const char *wap = summary_text(pick->picked, "wap.id");
    char *id = tarn_base_arena_printf(pick->arena, "%" PRId64, pick->picked->id);
    if (!tarn_base_arena_check(pick->arena, pick->error)) return false;
    size_t count = 0;
    summary[count++] = (TarnProperty){"source-snapshot-id", id};
    if (wap != NULL) summary[count++] = (TarnProperty){"published-wap-id", wap};
    if (change->operation == TARN_OPERATION_OVERWRITE) {
        summary[count++] = (TarnProperty){"replace-partitions", "true"};
    }
    change->summary = summary;
    change->summary_count = count;
    return true;
}

static bool build_change(Pick *pick, TarnSnapshotChange *change) {
    const TarnSnapshot *picked = pick->picked;
    bool append = is_value(picked->operation, "append");
    bool dynamic = is_value(picked->operation, "overwrite") &&
                   is_value(summary_text(picked, "replace-partitions"), "true");
    if (!append && !dynamic) return refuse_operation(pick);
    if (!take_files(pick)) return false;
    if (append && pick->removed.count > 0) return refuse_operation(pick);
    if (dynamic && picked->parent_id != TARN_ABSENT &&
        !tarn_table_snapshot_is_ancestor(pick->base, pick->head, picked->parent_id)) {
        return tarn_base_error_set(pick->error, TARN_E_REF_REFUSED,
                                   "snapshot %" PRId64 " (overwrite) cannot be picked onto \"%s\", "
                                   "which does not have its parent %" PRId64,
                                   picked->id, pick->branch, picked->parent_id);
    }
    if (dynamic && !check_partitions(pick)) return false;
    *change = (TarnSnapshotChange){
        .operation = append ? TARN_OPERATION_APPEND : TARN_OPERATION_OVERWRITE,
        .ref = pick->branch,
        .added = pick->added.items,
        .added_count = pick->added.count,
        .added_sequence_number = TARN_ABSENT,
        .removed = pick->removed.items,
        .removed_count = pick->removed.count,
        .starting_snapshot_id = TARN_ABSENT};
    return build_summary(pick, change);
}

bool tarn_table_cherry_pick(const TarnTableMetadata *base, TarnStore *store, const char *branch,
                            int64_t snapshot_id, TarnArena *arena, TarnCherryPick *result,
                            TarnError *error) {
    const TarnSnapshotRef *ref = tarn_table_metadata_ref(base, branch);
    Pick pick = {.base = base,
                 .store = store,
                 .picked = tarn_table_metadata_snapshot(base, snapshot_id),
                 .branch = tarn_base_arena_string(arena, branch),
                 .head = tarn_table__branch_head(base, branch),
                 .arena = arena,
                 .error = error};
    *result = (TarnCherryPick){0};
    if (!tarn_base_arena_check(arena, error)) return false;
    if (ref != NULL && ref->is_tag) {
        return tarn_base_error_set(error, TARN_E_REF_REFUSED, "\"%s\" is a tag, not a branch",
                                   branch);
    }
    if (ref == NULL && strcmp(branch, TARN_TABLE_MAIN_BRANCH) != 0) {
        return tarn_table__ref_missing(base, branch, false, error);
    }
    if (pick.picked == NULL) {
        return tarn_base_error_set(error, TARN_E_SNAPSHOT_NOT_FOUND,
                                   "no snapshot %" PRId64 " in this table", snapshot_id);
    }
    tarn_base_map_init(&pick.partitions, arena);
    result->moves = pick.picked->parent_id == pick.head;
    return check_history(&pick) &&
           tarn_table__ref_move(base, branch, NULL, result->moves ? snapshot_id : pick.head, arena,
                                &result->move, error) &&
           (result->moves || build_change(&pick, &result->change));
}
