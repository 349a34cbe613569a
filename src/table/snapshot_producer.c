/* Producing a snapshot: one attempt after another over a base that moves.
 *
 * An attempt goes: existing manifests of the branch's head, less the files removed (their
 * manifests rewritten), plus the manifests of added files, small ones merged, all named in a new
 * manifest list. Rewrites and merges are remembered by the manifests they came from, so a lost
 * race costs a manifest list and little else. An append reads the manifest list and nothing more,
 * but for a merge now and then.
 *
 * Every file has the commit's id in its name; whatever an attempt wrote is on record here and is
 * called garbage only once the outcome is known.
 */
#include "table/snapshot_producer.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "table/snapshot_producer_private.h"

bool tarn_table_snapshot_producer_new(const TarnProducerOptions *options,
                                      const TarnSnapshotChange *change,
                                      TarnSnapshotProducer **result, TarnError *error) {
    TarnSnapshotProducer *producer = calloc(1, sizeof(*producer));
    if (producer == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory for a snapshot");
    }
    producer->options = *options;
    producer->change = change;
    if (producer->options.memory == 0) {
        producer->options.memory = TARN_LIMIT_STATEMENT_ARENA_BYTES;
    }
    tarn_base_arena_init(&producer->arena, producer->options.memory);
    tarn_base_arena_init(&producer->attempt_arena, producer->options.memory);
    tarn_base_map_init(&producer->rewrites, &producer->arena);
    tarn_base_map_init(&producer->merges, &producer->arena);
    int64_t start = change->starting_snapshot_id;
    bool has_id = start != 0 && start != TARN_ABSENT;
    producer->has_start = has_id || change->starts_empty;
    producer->starting_snapshot_id = has_id ? start : TARN_ABSENT;
    if (!tarn_os_random_id(options->os, &producer->snapshot_id, error) ||
        !tarn_table__produce_index_removed(producer, error) ||
        !tarn_table__produce_index_deletes(producer, error)) {
        tarn_table_snapshot_producer_free(producer);
        return false;
    }
    *result = producer;
    return true;
}

void tarn_table_snapshot_producer_free(TarnSnapshotProducer *producer) {
    if (producer == NULL) return;
    tarn_base_arena_dispose(&producer->attempt_arena);
    tarn_base_arena_dispose(&producer->arena);
    free(producer);
}

int64_t tarn_table_snapshot_producer_id(const TarnSnapshotProducer *producer) {
    return producer->snapshot_id;
}

/* --- the base --- */

static const char *ref_name(const TarnSnapshotProducer *producer) {
    return producer->change->ref != NULL ? producer->change->ref : "main";
}

static bool check_version(const TarnTableMetadata *base, TarnError *error) {
    if (base->format_version == 2 || base->format_version == 3) return true;
    tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                        "a table of format version %" PRId32 " cannot be written",
                        base->format_version);
    if (base->format_version > 3) return false;
    return tarn_base_error_hint(error, "upgrade the table to format version 2 first");
}

static bool find_parent(TarnSnapshotProducer *producer, TarnError *error) {
    const TarnTableMetadata *base = producer->base;
    const char *name = ref_name(producer);
    const TarnSnapshotRef *ref = tarn_table_metadata_ref(base, name);
    int64_t parent = TARN_ABSENT;
    if (ref != NULL && ref->is_tag) {
        return tarn_base_error_set(error, TARN_E_SNAPSHOT_NOT_FOUND,
                                   "\"%s\" is a tag: only branches can be written to", name);
    }
    if (ref != NULL) {
        parent = ref->snapshot_id;
    } else if (strcmp(name, "main") == 0 || producer->change->create_ref) {
        parent = base->current_snapshot_id;
    } else {
        return tarn_base_error_set(error, TARN_E_SNAPSHOT_NOT_FOUND, "no branch \"%s\"", name);
    }
    producer->parent = NULL;
    if (parent == TARN_ABSENT) return true;
    producer->parent = tarn_table_metadata_snapshot(base, parent);
    if (producer->parent == NULL) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "branch \"%s\" points to snapshot %" PRId64
                                   ", which the table does not have",
                                   name, parent);
    }
    return tarn_table__snapshot_has_list(producer->parent, error);
}

static bool begin_attempt(TarnSnapshotProducer *producer, const TarnTableMetadata *base,
                          TarnStoreBatch *batch, TarnError *error) {
    tarn_base_arena_reset(&producer->attempt_arena);
    producer->base = base;
    producer->batch = batch;
    producer->manifests_written = 0;
    producer->removed = (TarnRemovedList){0};
    producer->attempt++;
    for (size_t i = 0; i < producer->written.count; i++) {
        producer->written.items[i].referenced = false;
    }
    if (!check_version(base, error) || !tarn_table__produce_check_deletes(producer, error) ||
        !find_parent(producer, error)) {
        return false;
    }
    if (tarn_table_metadata_snapshot(base, producer->snapshot_id) != NULL) {
        return tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT,
                                   "snapshot %" PRId64 " is part of the table already",
                                   producer->snapshot_id);
    }
    if (!producer->has_start) {
        producer->has_start = true;
        producer->starting_snapshot_id = producer->parent != NULL ? producer->parent->id
                                                                  : TARN_ABSENT;
    }
    producer->found = TARN_NEW_ARRAY(&producer->attempt_arena, producer->change->removed_count,
                                     bool);
    producer->found_deletes = TARN_NEW_ARRAY(&producer->attempt_arena,
                                             producer->change->removed_delete_count, bool);
    return tarn_base_arena_check(&producer->attempt_arena, error);
}

/* --- the manifest list --- */

/* Version 2 wants counts of each manifest; rows that version 1 wrote may lack them. */
static bool complete_row(TarnSnapshotProducer *producer, TarnManifestFile *row, TarnError *error) {
    static const TarnManifestReadOptions WITHOUT = {.without_metrics = true};
    if (row->added_snapshot_id == TARN_ABSENT) {
        row->added_snapshot_id = producer->parent != NULL ? producer->parent->id : 0;
    }
    if (row->added_files != TARN_ABSENT && row->existing_files != TARN_ABSENT &&
        row->deleted_files != TARN_ABSENT && row->added_rows != TARN_ABSENT &&
        row->existing_rows != TARN_ABSENT && row->deleted_rows != TARN_ABSENT) {
        return true;
    }
    const TarnManifestPin *pin = NULL;
    if (!tarn_table_manifest_acquire(producer->options.cache, producer->options.store, row,
                                     producer->base, &WITHOUT, &pin, error)) {
        return false;
    }
    int64_t files[3] = {0};
    int64_t rows[3] = {0};
    bool fits = true;
    for (size_t i = 0; i < pin->manifest->entry_count; i++) {
        const TarnManifestEntry *entry = &pin->manifest->entries[i];
        files[entry->status]++;
        fits &= !__builtin_add_overflow(rows[entry->status], entry->file.record_count,
                                        &rows[entry->status]);
    }
    tarn_table_manifest_release(pin);
    row->existing_files = files[TARN_ENTRY_EXISTING];
    row->added_files = files[TARN_ENTRY_ADDED];
    row->deleted_files = files[TARN_ENTRY_DELETED];
    row->existing_rows = rows[TARN_ENTRY_EXISTING];
    row->added_rows = rows[TARN_ENTRY_ADDED];
    row->deleted_rows = rows[TARN_ENTRY_DELETED];
    return fits || tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                       "manifest \"%.*s\": its record counts overflow",
                                       TARN_TEXT_ARG(row->path));
}

/* Live files, or what this very snapshot did. */
static bool belongs_in_list(const TarnSnapshotProducer *producer, const TarnManifestFile *row) {
    return tarn_table__manifest_has_live(row) || row->added_snapshot_id == producer->snapshot_id;
}

/* A branch without snapshots has no files at all. */
static bool check_empty(TarnSnapshotProducer *producer, TarnError *error) {
    const TarnSnapshotChange *change = producer->change;
    if (change->removed_count > 0) {
        return tarn_table__produce_missing_file(producer, change->removed[0], error);
    }
    if (change->removed_delete_count > 0) {
        return tarn_table__produce_missing_delete(producer, &change->removed_deletes[0], error);
    }
    return producer->referenced.count == 0 ||
           tarn_table__produce_missing_file(producer, producer->referenced.items[0].key, error);
}

static bool collect_rows(TarnSnapshotProducer *producer, TarnRowList *rows, TarnError *error) {
    TarnArena *arena = &producer->attempt_arena;
    for (size_t i = 0; i < producer->added.count; i++) {
        TarnManifestFile *row = TARN_PUSH(arena, rows);
        if (row != NULL) *row = producer->added.items[i];
    }
    if (producer->parent == NULL) {
        return tarn_base_arena_check(arena, error) && check_empty(producer, error);
    }
    const TarnManifestListPin *list = NULL;
    if (!tarn_table_manifest_list_acquire(producer->options.cache, producer->options.store,
                                          producer->parent->manifest_list, &list, error)) {
        return false;
    }
    /* The pin goes at the end of this function; rows must outlive it. */
    TarnRowList existing = {0};
    bool done = tarn_table__produce_validate(producer, list->manifests, list->count, error);
    for (size_t i = 0; done && i < list->count; i++) {
        if (!belongs_in_list(producer, &list->manifests[i])) continue;
        TarnManifestFile *row = TARN_PUSH(arena, &existing);
        done = row != NULL ? tarn_table__produce_copy_row(&list->manifests[i], arena, row, error) &&
                                 complete_row(producer, row, error)
                           : tarn_base_arena_check(arena, error);
    }
    tarn_table_manifest_list_release(list);
    return done &&
           tarn_table__produce_validate_referenced(producer, existing.items, existing.count,
                                                   error) &&
           tarn_table__produce_remove(producer, existing.items, existing.count, rows, error) &&
           tarn_table__produce_validate_removed(producer, existing.items, existing.count, error);
}

static void mark_referenced(TarnSnapshotProducer *producer, TarnText path) {
    for (size_t i = 0; i < producer->written.count; i++) {
        if (!tarn_base_text_is(path, producer->written.items[i].path)) continue;
        producer->written.items[i].referenced = true;
    }
}

/* What earlier attempts wrote may have been registered in another batch. */
static bool register_files(TarnSnapshotProducer *producer, const TarnRowList *rows,
                           TarnError *error) {
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->items[i].added_snapshot_id == producer->snapshot_id) {
            mark_referenced(producer, rows->items[i].path);
        }
    }
    if (producer->attempt == 1) return true; /* each put has registered its file */
    for (size_t i = 0; i < producer->written.count; i++) {
        const TarnWrittenFile *file = &producer->written.items[i];
        if (file->referenced && !tarn_store_batch_add(producer->batch, file->path, error)) {
            return false;
        }
    }
    return true;
}

static bool write_list(TarnSnapshotProducer *producer, const TarnRowList *rows,
                       TarnSnapshot *snapshot, TarnError *error) {
    const char *name = tarn_base_arena_printf(
        &producer->attempt_arena, "snap-%" PRId64 "-%" PRIu32 "-%s.avro", producer->snapshot_id,
        producer->attempt, producer->options.commit_id);
    if (name == NULL) return tarn_base_arena_check(&producer->attempt_arena, error);
    const char *path = tarn_table__produce_path(producer, name);
    const TarnOs *os = producer->options.os;
    TarnManifestListWriteOptions options = {.format_version = producer->base->format_version,
                                            .snapshot_id = snapshot->id,
                                            .parent_id = snapshot->parent_id,
                                            .sequence_number = snapshot->sequence_number,
                                            .first_row_id = snapshot->first_row_id};
    if (path == NULL) return tarn_base_arena_check(&producer->arena, error);
    if (!os->random(os, options.sync_marker, sizeof(options.sync_marker), error)) return false;
    TarnBuffer bytes;
    tarn_base_buffer_init(&bytes, TARN_LIMIT_MANIFEST_BYTES);
    bool done = tarn_table_manifest_list_write(rows->items, rows->count, &options, &bytes, error) &&
                tarn_table__produce_put(producer, path, &bytes, error);
    tarn_base_buffer_dispose(&bytes);
    if (!done) return false;
    mark_referenced(producer, tarn_base_text(path));
    snapshot->manifest_list = path;
    return !TARN_FAULT("table.produce.after_manifest_list", error);
}

/* --- the snapshot --- */

static const char *operation_name(TarnSnapshotOperation operation) {
    switch (operation) {
    case TARN_OPERATION_APPEND: return "append";
    case TARN_OPERATION_OVERWRITE: return "overwrite";
    case TARN_OPERATION_DELETE: return "delete";
    default: return "replace";
    }
}

static int64_t snapshot_time(const TarnSnapshotProducer *producer) {
    int64_t now = tarn_os_clock_ms(producer->options.os);
    /* Time travel goes by these: they must not go back because a clock did. */
    if (now < producer->base->last_updated_ms) now = producer->base->last_updated_ms;
    if (producer->parent != NULL && now < producer->parent->timestamp_ms) {
        now = producer->parent->timestamp_ms;
    }
    return now;
}

static bool fill_updates(TarnArena *arena, const TarnTableMetadata *base, const char *name,
                         const TarnSnapshot *added, int64_t parent_id, int64_t snapshot_id,
                         TarnPreparedSnapshot *prepared, TarnError *error) {
    TarnTableUpdate *updates = TARN_NEW_ARRAY(arena, 2, TarnTableUpdate);
    TarnTableRequirement *requirements = TARN_NEW_ARRAY(arena, 2, TarnTableRequirement);
    TarnSnapshotRef *ref = TARN_NEW(arena, TarnSnapshotRef);
    const char *name_copy = tarn_base_arena_string(arena, name);
    if (!tarn_base_arena_check(arena, error)) return false;
    const TarnSnapshotRef *known = tarn_table_metadata_ref(base, name);
    *ref = known != NULL ? *known
                         : (TarnSnapshotRef){.min_snapshots_to_keep = TARN_ABSENT,
                                             .max_snapshot_age_ms = TARN_ABSENT,
                                             .max_ref_age_ms = TARN_ABSENT};
    ref->name = name_copy;
    ref->snapshot_id = snapshot_id;
    size_t count = 0;
    if (added != NULL) {
        updates[count++] = (TarnTableUpdate){.kind = TARN_UPDATE_ADD_SNAPSHOT, .snapshot = added};
    }
    updates[count++] = (TarnTableUpdate){.kind = TARN_UPDATE_SET_SNAPSHOT_REF, .ref = ref};
    requirements[0] = (TarnTableRequirement){.kind = TARN_REQUIRE_UUID, .text = base->uuid};
    /* A branch that is made here must not be there; main is, if the table has a snapshot. */
    bool is_new = known == NULL && strcmp(name, "main") != 0;
    requirements[1] = (TarnTableRequirement){.kind = TARN_REQUIRE_REF_SNAPSHOT_ID,
                                             .text = name_copy,
                                             .integer = is_new ? TARN_ABSENT : parent_id};
    prepared->updates = updates;
    prepared->update_count = count;
    prepared->requirements = requirements;
    prepared->requirement_count = 2;
    return true;
}

/* Version 3. The rows are this attempt's own: the next one assigns again. */
static bool assign_row_ids(const TarnSnapshotProducer *producer, TarnRowList *rows,
                           TarnSnapshot *snapshot, TarnError *error) {
    if (producer->base->format_version < 3) return true;
    snapshot->first_row_id = producer->base->next_row_id;
    return tarn_table_manifests_assign_row_ids(rows->items, rows->count, snapshot->first_row_id,
                                               &snapshot->added_rows, error);
}

static bool prepare_attempt(TarnSnapshotProducer *producer, TarnPreparedSnapshot *prepared,
                            TarnError *error) {
    TarnArena *arena = &producer->attempt_arena;
    TarnSnapshot *snapshot = TARN_NEW(arena, TarnSnapshot);
    TarnRowList rows = {0};
    if (!tarn_base_arena_check(arena, error) || !tarn_table__produce_added(producer, error) ||
        !collect_rows(producer, &rows, error) ||
        !(producer->change->rewrite_manifests
              ? tarn_table__produce_cluster(producer, &rows, error)
              : tarn_table__produce_merge(producer, &rows, error))) {
        return false;
    }
    *snapshot = (TarnSnapshot){.id = producer->snapshot_id,
                               .parent_id = producer->parent != NULL ? producer->parent->id
                                                                     : TARN_ABSENT,
                               .sequence_number = producer->base->last_sequence_number + 1,
                               .timestamp_ms = snapshot_time(producer),
                               .operation = operation_name(producer->change->operation),
                               .schema_id = producer->base->current_schema_id,
                               .first_row_id = TARN_ABSENT,
                               .added_rows = TARN_ABSENT};
    *prepared = (TarnPreparedSnapshot){.snapshot = snapshot};
    if (!assign_row_ids(producer, &rows, snapshot, error) ||
        !write_list(producer, &rows, snapshot, error) || !register_files(producer, &rows, error) ||
        !tarn_table__produce_summary(producer, snapshot, prepared, error) ||
        !fill_updates(arena, producer->base, ref_name(producer), snapshot, snapshot->parent_id,
                      snapshot->id, prepared, error)) {
        return false;
    }
    prepared->manifests_written = producer->manifests_written;
    return true;
}

bool tarn_table_snapshot_producer_prepare(TarnSnapshotProducer *producer,
                                          const TarnTableMetadata *base, TarnStoreBatch *batch,
                                          TarnPreparedSnapshot *prepared, TarnError *error) {
    return begin_attempt(producer, base, batch, error) &&
           prepare_attempt(producer, prepared, error);
}

void tarn_table_snapshot_producer_garbage(TarnSnapshotProducer *producer, bool committed,
                                          const char *const **paths, size_t *count) {
    /* Room for it was made when the files were written: here nothing may fail. */
    *count = 0;
    for (size_t i = 0; i < producer->written.count; i++) {
        if (committed && producer->written.items[i].referenced) continue;
        producer->garbage[(*count)++] = producer->written.items[i].path;
    }
    *paths = producer->garbage;
}

/* --- moving a branch --- */

bool tarn_table_snapshot_is_ancestor(const TarnTableMetadata *metadata, int64_t snapshot_id,
                                     int64_t ancestor) {
    /* The bound ends a circle in hostile metadata. */
    for (size_t i = 0; i <= metadata->snapshot_count && snapshot_id != TARN_ABSENT; i++) {
        if (snapshot_id == ancestor) return true;
        const TarnSnapshot *snapshot = tarn_table_metadata_snapshot(metadata, snapshot_id);
        snapshot_id = snapshot != NULL ? snapshot->parent_id : TARN_ABSENT;
    }
    return false;
}

bool tarn_table_snapshot_move_ref(const TarnTableMetadata *base, const char *ref,
                                  int64_t snapshot_id, bool must_be_ancestor, TarnArena *arena,
                                  TarnPreparedSnapshot *prepared, TarnError *error) {
    const char *name = ref != NULL ? ref : "main";
    const TarnSnapshot *target = tarn_table_metadata_snapshot(base, snapshot_id);
    const TarnSnapshotRef *known = tarn_table_metadata_ref(base, name);
    int64_t head = known != NULL ? known->snapshot_id : TARN_ABSENT;
    if (known == NULL && strcmp(name, "main") == 0) head = base->current_snapshot_id;
    if (known == NULL && strcmp(name, "main") != 0) {
        return tarn_base_error_set(error, TARN_E_SNAPSHOT_NOT_FOUND, "no branch \"%s\"", name);
    }
    if (known != NULL && known->is_tag) {
        return tarn_base_error_set(error, TARN_E_SNAPSHOT_NOT_FOUND,
                                   "\"%s\" is a tag: only branches can be moved", name);
    }
    if (target == NULL) {
        return tarn_base_error_set(error, TARN_E_SNAPSHOT_NOT_FOUND,
                                   "no snapshot %" PRId64 " in this table", snapshot_id);
    }
    if (must_be_ancestor && !tarn_table_snapshot_is_ancestor(base, head, snapshot_id)) {
        tarn_base_error_set(error, TARN_E_SNAPSHOT_NOT_FOUND,
                            "snapshot %" PRId64 " is not in the history of branch \"%s\"",
                            snapshot_id, name);
        return tarn_base_error_hint(error, "set it as the current one instead of rolling back");
    }
    *prepared = (TarnPreparedSnapshot){.snapshot = target};
    return fill_updates(arena, base, name, NULL, head, snapshot_id, prepared, error);
}
