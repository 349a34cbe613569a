/* Conflicts with what others committed since a change was begun.
 *
 * "Since" is the history between the snapshot the change started from and the branch's head now;
 * if the start is not in that history any more (a rollback), nothing can be shown and the change
 * is refused. What was added since is found in the head's manifests by the snapshot id of the
 * entries: the manifests newer than the start are the only ones that can hold any. Compactions
 * (operation replace) bring no new rows and no new deletes.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "table/snapshot_producer_private.h"

static bool is_own(const TarnSnapshotProducer *producer, int64_t id) {
    const TarnSnapshotChange *change = producer->change;
    for (size_t i = 0; i < change->own_snapshot_count; i++) {
        if (change->own_snapshots[i] == id) return true;
    }
    return false;
}

bool tarn_table__produce_history(TarnSnapshotProducer *producer, TarnProducerHistory *history,
                                 TarnError *error) {
    const TarnTableMetadata *base = producer->base;
    TarnArena *arena = &producer->attempt_arena;
    int64_t start = producer->starting_snapshot_id;
    *history = (TarnProducerHistory){.start_sequence = -1};
    history->items = TARN_NEW_ARRAY(arena, base->snapshot_count, const TarnSnapshot *);
    if (!tarn_base_arena_check(arena, error)) return false;
    const TarnSnapshot *at = producer->parent;
    /* The bound ends a circle in hostile metadata. */
    for (size_t i = 0; at != NULL && at->id != start && i < base->snapshot_count; i++) {
        if (!is_own(producer, at->id)) history->items[history->count++] = at;
        at = at->parent_id != TARN_ABSENT ? tarn_table_metadata_snapshot(base, at->parent_id)
                                          : NULL;
    }
    history->complete = start == TARN_ABSENT ? at == NULL : at != NULL && at->id == start;
    if (at != NULL && at->id == start) history->start_sequence = at->sequence_number;
    return true;
}

const TarnSnapshot *tarn_table__produce_history_find(const TarnProducerHistory *history,
                                                     int64_t id) {
    for (size_t i = 0; i < history->count; i++) {
        if (history->items[i]->id == id) return history->items[i];
    }
    return NULL;
}

bool tarn_table__produce_history_complete(TarnSnapshotProducer *producer,
                                          TarnProducerHistory *history, TarnError *error) {
    if (!tarn_table__produce_history(producer, history, error)) return false;
    if (history->complete) return true;
    tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT,
                        "snapshot %" PRId64 ", which this change started from, is no longer in "
                        "the history of the branch, whose head is snapshot %" PRId64,
                        producer->starting_snapshot_id,
                        producer->parent != NULL ? producer->parent->id : -1);
    return tarn_base_error_hint(error, "run the statement again on the table as it is now");
}

static bool is_operation(const TarnSnapshot *snapshot, const char *operation) {
    return snapshot->operation != NULL && strcmp(snapshot->operation, operation) == 0;
}

static bool replaces_files(const TarnSnapshotProducer *producer) {
    const TarnSnapshotChange *change = producer->change;
    return change->removed_count > 0 && (change->operation == TARN_OPERATION_OVERWRITE ||
                                         change->operation == TARN_OPERATION_REPLACE);
}

/* Deletes that are of no use, or that others take the place of: in a history that was rolled back
 * meanwhile they may be of use again. */
static bool replaces_deletes(const TarnSnapshotProducer *producer) {
    const TarnSnapshotChange *change = producer->change;
    return change->removed_delete_count > 0 && change->operation == TARN_OPERATION_REPLACE;
}

/* The snapshot an entry came with, if that is one in question. */
static const TarnSnapshot *new_since(const TarnProducerHistory *history,
                                     const TarnManifestEntry *entry, const TarnManifestFile *file) {
    if (entry->status == TARN_ENTRY_DELETED) return NULL;
    int64_t id = entry->snapshot_id != TARN_ABSENT ? entry->snapshot_id : file->added_snapshot_id;
    const TarnSnapshot *snapshot = tarn_table__produce_history_find(history, id);
    if (snapshot == NULL || is_operation(snapshot, "replace")) return NULL;
    return snapshot;
}

/* --- new files that the filter may match --- */

typedef struct Validation {
    TarnSnapshotProducer *producer;
    const TarnProducerHistory *history;
    const TarnPredicate *filter;
    TarnSpecFilters filters;
    TarnManifestReadOptions options;
} Validation;

static bool conflict(const TarnSnapshot *snapshot, const TarnDataFile *file, const char *what,
                     TarnError *error) {
    tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT,
                        "snapshot %" PRId64 " (%s) added %s \"%.*s\" meanwhile", snapshot->id,
                        snapshot->operation != NULL ? snapshot->operation : "unknown operation",
                        what, TARN_TEXT_ARG(file->path));
    return tarn_base_error_hint(error, "run the statement again on the table as it is now");
}

static bool check_manifest(Validation *validation, const TarnManifestFile *file, TarnError *error) {
    TarnSnapshotProducer *producer = validation->producer;
    TarnArena *arena = &producer->attempt_arena;
    const TarnPartitionFilter *filter = NULL;
    const TarnPartitionSpec *spec = NULL;
    const TarnManifestPin *pin = NULL;
    if (!tarn_table__spec_filters_get(&validation->filters, file, &filter, &spec, error)) {
        return false;
    }
    if (!tarn_table_partition_filter_manifest(filter, file->partitions, file->partition_count)) {
        return true;
    }
    if (!tarn_table_manifest_acquire(producer->options.cache, producer->options.store, file,
                                     producer->base, &validation->options, &pin, error)) {
        return false;
    }
    bool done = true;
    for (size_t i = 0; done && i < pin->manifest->entry_count; i++) {
        const TarnManifestEntry *entry = &pin->manifest->entries[i];
        const TarnSnapshot *snapshot = new_since(validation->history, entry, file);
        if (snapshot == NULL) continue;
        const TarnPredicate *residual = tarn_table_partition_filter_residual(
            filter, entry->file.partition, entry->file.partition_count, arena);
        if (residual == NULL) {
            done = tarn_base_arena_check(arena, error);
        } else if (file->is_deletes) {
            /* Their metrics are of other columns: only the partition tells. */
            if (residual->kind == TARN_PREDICATE_FALSE) continue;
            done = conflict(snapshot, &entry->file, "deletes", error);
        } else if (tarn_table_predicate_on_metrics(residual, &entry->file) != TARN_MATCH_NONE) {
            done = conflict(snapshot, &entry->file, "data file", error);
        }
    }
    tarn_table_manifest_release(pin);
    return done;
}

static bool check_manifests(TarnSnapshotProducer *producer, const TarnProducerHistory *history,
                            const TarnManifestFile *manifests, size_t count, TarnError *error) {
    const TarnSnapshotChange *change = producer->change;
    TarnArena *arena = &producer->attempt_arena;
    Validation validation = {
        .producer = producer, .history = history, .filter = change->conflict_filter};
    if (validation.filter == NULL) {
        validation.filter = tarn_table_predicate_constant(TARN_PREDICATE_TRUE);
    }
    int32_t *ids = NULL;
    size_t id_count = 0;
    if (!tarn_table__spec_filters_init(&validation.filters, producer->base, validation.filter,
                                       arena, error) ||
        !tarn_table_predicate_fields(validation.filter, arena, &ids, &id_count, error)) {
        return false;
    }
    validation.options = (TarnManifestReadOptions){
        .field_ids = ids, .field_id_count = id_count, .without_metrics = id_count == 0};
    for (size_t i = 0; i < count; i++) {
        const TarnManifestFile *file = &manifests[i];
        bool asked = file->is_deletes ? change->refuse_new_deletes : change->refuse_new_data;
        if (!asked || file->sequence_number <= history->start_sequence) continue;
        if (!check_manifest(&validation, file, error)) return false;
    }
    return true;
}

bool tarn_table__produce_validate(TarnSnapshotProducer *producer, const TarnManifestFile *manifests,
                                  size_t count, TarnError *error) {
    const TarnSnapshotChange *change = producer->change;
    bool asked = change->refuse_new_data || change->refuse_new_deletes;
    TarnProducerHistory history;
    if (!asked && !replaces_files(producer) && !replaces_deletes(producer)) return true;
    if (!tarn_table__produce_history_complete(producer, &history, error)) return false;
    if (!asked || history.count == 0) return true;
    return check_manifests(producer, &history, manifests, count, error);
}

/* --- new deletes for files that are replaced by copies --- */

typedef struct DeleteCheck {
    TarnSnapshotProducer *producer;
    const TarnProducerHistory *history;
    TarnDeleteIndex index;
    const TarnManifestPin **pins;
    size_t pin_count;
} DeleteCheck;

static bool index_manifest(DeleteCheck *check, const TarnManifestFile *file, TarnError *error) {
    static const int32_t IDS[] = {TARN_FIELD_DELETE_FILE_PATH};
    static const TarnManifestReadOptions OPTIONS = {.field_ids = IDS, .field_id_count = 1};
    TarnSnapshotProducer *producer = check->producer;
    const TarnManifestPin *pin = NULL;
    if (!tarn_table_manifest_acquire(producer->options.cache, producer->options.store, file,
                                     producer->base, &OPTIONS, &pin, error)) {
        return false;
    }
    check->pins[check->pin_count++] = pin;
    for (size_t i = 0; i < pin->manifest->entry_count; i++) {
        const TarnManifestEntry *entry = &pin->manifest->entries[i];
        if (new_since(check->history, entry, file) == NULL) continue;
        int64_t sequence = tarn_table__entry_sequence(entry, pin->manifest, file);
        if (sequence == TARN_ABSENT) sequence = INT64_MAX;
        if (!tarn_table__delete_index_add(&check->index, &entry->file, sequence,
                                          &pin->manifest->spec, error)) {
            return false;
        }
    }
    return true;
}

static bool check_removed(DeleteCheck *check, const TarnRemovedFile *removed, TarnError *error) {
    const TarnSnapshotChange *change = check->producer->change;
    const TarnDataFile *file = &removed->file;
    TarnDeleteList *partition = NULL;
    const TarnScanDelete *deletes = NULL;
    size_t count = 0;
    bool old_sequence = change->added_sequence_number != 0 &&
                        change->added_sequence_number != TARN_ABSENT;
    if (!tarn_table__delete_index_partition(&check->index, file->spec_id, file->partition,
                                            file->partition_count, &partition, error) ||
        !tarn_table__delete_index_find(&check->index, partition, file, removed->sequence_number,
                                       &deletes, &count, error)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        /* An equality delete newer than the copies' own number goes on to apply to them. */
        if (deletes[i].file->content == TARN_CONTENT_EQUALITY_DELETES && old_sequence &&
            change->added_sequence_number < deletes[i].sequence_number) {
            continue;
        }
        tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT,
                            "deletes for data file \"%.*s\" were committed meanwhile (\"%.*s\", "
                            "sequence number %" PRId64 "): replacing it would bring rows back",
                            TARN_TEXT_ARG(file->path), TARN_TEXT_ARG(deletes[i].file->path),
                            deletes[i].sequence_number);
        return tarn_base_error_hint(error, "run the statement again on the table as it is now");
    }
    return true;
}

bool tarn_table__produce_validate_removed(TarnSnapshotProducer *producer,
                                          const TarnManifestFile *manifests, size_t count,
                                          TarnError *error) {
    TarnProducerHistory history;
    if (!replaces_files(producer)) return true;
    if (!tarn_table__produce_history_complete(producer, &history, error)) return false;
    if (history.count == 0) return true;
    DeleteCheck check = {.producer = producer, .history = &history};
    check.pins = TARN_NEW_ARRAY(&producer->attempt_arena, count, const TarnManifestPin *);
    if (check.pins == NULL) return tarn_base_arena_check(&producer->attempt_arena, error);
    tarn_table__delete_index_init(&check.index, &producer->attempt_arena);
    bool done = true;
    for (size_t i = 0; done && i < count; i++) {
        if (!manifests[i].is_deletes || !tarn_table__manifest_has_live(&manifests[i]) ||
            manifests[i].sequence_number <= history.start_sequence) {
            continue;
        }
        done = index_manifest(&check, &manifests[i], error);
    }
    for (size_t i = 0; done && check.index.count > 0 && i < producer->removed.count; i++) {
        if (producer->removed.items[i].file.content != TARN_CONTENT_DATA) continue;
        done = check_removed(&check, &producer->removed.items[i], error);
    }
    tarn_table__manifests_release(check.pins, check.pin_count);
    return done;
}

/* --- a file that is not live any more --- */

/* What is looked for among the files that snapshots removed. */
typedef struct Missing {
    TarnText path;
    bool is_delete;
    int64_t content_offset; /* of a deletion vector */
} Missing;

static bool is_missing(const Missing *missing, const TarnDataFile *file) {
    if ((file->content != TARN_CONTENT_DATA) != missing->is_delete) return false;
    if (missing->is_delete &&
        tarn_table_file_is_deletion_vector(file) != (missing->content_offset != TARN_ABSENT)) {
        return false;
    }
    if (missing->content_offset != TARN_ABSENT && missing->content_offset != file->content_offset) {
        return false;
    }
    return tarn_base_text_equal(file->path, missing->path);
}

static bool manifest_deleted(TarnSnapshotProducer *producer, const TarnManifestFile *file,
                             const Missing *missing) {
    static const TarnManifestReadOptions WITHOUT = {.without_metrics = true};
    const TarnManifestPin *pin = NULL;
    TarnError ignored; /* only a better message is at stake */
    if (!tarn_table_manifest_acquire(producer->options.cache, producer->options.store, file,
                                     producer->base, &WITHOUT, &pin, &ignored)) {
        return false;
    }
    bool found = false;
    for (size_t i = 0; !found && i < pin->manifest->entry_count; i++) {
        const TarnManifestEntry *entry = &pin->manifest->entries[i];
        found = entry->status == TARN_ENTRY_DELETED && is_missing(missing, &entry->file);
    }
    tarn_table_manifest_release(pin);
    return found;
}

static bool snapshot_deleted(TarnSnapshotProducer *producer, const TarnSnapshot *snapshot,
                             const Missing *missing) {
    const TarnManifestListPin *list = NULL;
    TarnError ignored;
    if (snapshot->manifest_list == NULL ||
        !tarn_table_manifest_list_acquire(producer->options.cache, producer->options.store,
                                          snapshot->manifest_list, &list, &ignored)) {
        return false;
    }
    bool found = false;
    for (size_t i = 0; !found && i < list->count; i++) {
        const TarnManifestFile *file = &list->manifests[i];
        found = file->added_snapshot_id == snapshot->id && file->deleted_files != 0 &&
                file->is_deletes == missing->is_delete && manifest_deleted(producer, file, missing);
    }
    tarn_table_manifest_list_release(list);
    return found;
}

static bool refuse_missing(TarnSnapshotProducer *producer, const Missing *missing,
                           TarnError *error) {
    const char *what = missing->content_offset != TARN_ABSENT ? "a deletion vector in file"
                                                              : "file";
    TarnProducerHistory history;
    if (!tarn_table__produce_history(producer, &history, error)) return false;
    for (size_t i = 0; i < history.count; i++) {
        if (!snapshot_deleted(producer, history.items[i], missing)) continue;
        tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT,
                            "%s \"%.*s\" was removed meanwhile by snapshot %" PRId64 " (%s)", what,
                            TARN_TEXT_ARG(missing->path), history.items[i]->id,
                            history.items[i]->operation != NULL ? history.items[i]->operation
                                                                : "unknown operation");
        return tarn_base_error_hint(error, "run the statement again on the table as it is now");
    }
    return tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT,
                               "the change needs %s \"%.*s\", which is not live in the table", what,
                               TARN_TEXT_ARG(missing->path));
}

bool tarn_table__produce_missing_file(TarnSnapshotProducer *producer, TarnText path,
                                      TarnError *error) {
    Missing missing = {.path = path, .content_offset = TARN_ABSENT};
    return refuse_missing(producer, &missing, error);
}

bool tarn_table__produce_missing_delete(TarnSnapshotProducer *producer,
                                        const TarnRemovedDelete *removed, TarnError *error) {
    Missing missing = {
        .path = removed->path, .is_delete = true, .content_offset = removed->content_offset};
    return refuse_missing(producer, &missing, error);
}
