/* Delete files in a change: what may be added, what goes with what.
 *
 * A data file has at most one deletion vector. A change that adds one must remove the one that
 * stands, and if another came since the change was begun, its rows are not in the new one: a
 * conflict. What deletes are about must be live when they are committed. A data file that goes
 * takes its vector with it, and position delete files that are about it alone, as far as the
 * manifests tell: they name it, or their path column has it as both bounds.
 *
 * Several vectors lie in one Puffin file, so a delete file is told by its path and, for a vector,
 * by its place in the file. Whether a vector holds the positions it must is the writer's to know.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "table/snapshot_producer_private.h"

/* --- lookups --- */

static int compare_removed(TarnText path, int64_t offset, const TarnRemovedDelete *removed) {
    size_t common = path.size < removed->path.size ? path.size : removed->path.size;
    int order = common > 0 ? memcmp(path.data, removed->path.data, common) : 0;
    if (order != 0) return order;
    if (path.size != removed->path.size) return path.size < removed->path.size ? -1 : 1;
    return (offset > removed->content_offset) - (offset < removed->content_offset);
}

static int compare_pointers(const void *a, const void *b) {
    const TarnRemovedDelete *x = *(const TarnRemovedDelete *const *)a;
    const TarnRemovedDelete *y = *(const TarnRemovedDelete *const *)b;
    return compare_removed(x->path, x->content_offset, y);
}

static bool index_removed(TarnSnapshotProducer *producer, TarnError *error) {
    const TarnSnapshotChange *change = producer->change;
    size_t count = change->removed_delete_count;
    const TarnRemovedDelete **sorted = TARN_NEW_ARRAY(&producer->arena, count,
                                                      const TarnRemovedDelete *);
    if (sorted == NULL) return tarn_base_arena_check(&producer->arena, error);
    for (size_t i = 0; i < count; i++) sorted[i] = &change->removed_deletes[i];
    if (count > 1) qsort(sorted, count, sizeof(*sorted), compare_pointers);
    for (size_t i = 1; i < count; i++) {
        if (compare_pointers(&sorted[i - 1], &sorted[i]) != 0) continue;
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "delete file \"%.*s\" would be removed twice",
                                   TARN_TEXT_ARG(sorted[i]->path));
    }
    producer->removed_deletes = sorted;
    return true;
}

size_t tarn_table__produce_find_delete(const TarnSnapshotProducer *producer,
                                       const TarnDataFile *file) {
    const TarnSnapshotChange *change = producer->change;
    int64_t offset = tarn_table_file_is_deletion_vector(file) ? file->content_offset : TARN_ABSENT;
    size_t low = 0;
    size_t high = change->removed_delete_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_removed(file->path, offset, producer->removed_deletes[middle]);
        if (order == 0)
            return (size_t)(producer->removed_deletes[middle] - change->removed_deletes);
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return change->removed_delete_count;
}

static bool index_vector(TarnSnapshotProducer *producer, const TarnDataFile *file,
                         TarnError *error) {
    if (file->referenced_data_file.data == NULL || file->content_offset < 0 ||
        file->content_size <= 0) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "a deletion vector in \"%.*s\" does not say of which data file "
                                   "it is, or where it begins and how long it is",
                                   TARN_TEXT_ARG(file->path));
    }
    if (tarn_base_map_has(&producer->vectors, file->referenced_data_file)) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "data file \"%.*s\" would get two deletion vectors",
                                   TARN_TEXT_ARG(file->referenced_data_file));
    }
    tarn_base_map_put(&producer->vectors, file->referenced_data_file, (void *)(uintptr_t)file);
    return true;
}

static bool index_added(TarnSnapshotProducer *producer, TarnError *error) {
    const TarnSnapshotChange *change = producer->change;
    TarnMap *referenced = &producer->referenced;
    for (size_t i = 0; i < change->referenced_count; i++) {
        tarn_base_map_put(referenced, change->referenced[i], referenced);
    }
    TarnMap own;
    tarn_base_map_init(&own, &producer->arena);
    for (size_t i = 0; i < change->added_count; i++) {
        if (change->added[i].content != TARN_CONTENT_DATA) continue;
        tarn_base_map_put(&own, change->added[i].path, &own);
    }
    for (size_t i = 0; i < change->added_count; i++) {
        const TarnDataFile *file = &change->added[i];
        if (file->content != TARN_CONTENT_POSITION_DELETES) continue;
        if (tarn_table_file_is_deletion_vector(file) && !index_vector(producer, file, error)) {
            return false;
        }
        if (file->referenced_data_file.data == NULL ||
            tarn_base_map_has(&own, file->referenced_data_file)) {
            continue;
        }
        tarn_base_map_put(referenced, file->referenced_data_file, referenced);
    }
    for (size_t i = 0; i < change->removed_count && producer->vectors.count > 0; i++) {
        if (!tarn_base_map_has(&producer->vectors, change->removed[i])) continue;
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "data file \"%.*s\" would be removed and get a deletion vector",
                                   TARN_TEXT_ARG(change->removed[i]));
    }
    return tarn_base_arena_check(&producer->arena, error);
}

bool tarn_table__produce_index_deletes(TarnSnapshotProducer *producer, TarnError *error) {
    tarn_base_map_init(&producer->vectors, &producer->arena);
    tarn_base_map_init(&producer->referenced, &producer->arena);
    return index_removed(producer, error) && index_added(producer, error);
}

/* --- what a version allows --- */

bool tarn_table__produce_check_deletes(const TarnSnapshotProducer *producer, TarnError *error) {
    int32_t version = producer->base->format_version;
    for (size_t i = 0; i < producer->change->added_count; i++) {
        const TarnDataFile *file = &producer->change->added[i];
        if (file->content != TARN_CONTENT_POSITION_DELETES) continue;
        bool is_vector = tarn_table_file_is_deletion_vector(file);
        if (is_vector == (version > 2)) continue;
        if (is_vector) {
            tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                                "\"%.*s\" is a deletion vector, which a table of format version "
                                "%" PRId32 " cannot have",
                                TARN_TEXT_ARG(file->path), version);
        } else {
            tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                                "position delete file \"%.*s\" cannot be added to a table of "
                                "format version %" PRId32 ", which has deletion vectors instead",
                                TARN_TEXT_ARG(file->path), version);
        }
        return tarn_base_error_hint(error, "if the table was upgraded meanwhile, run the statement "
                                           "again");
    }
    return true;
}

/* --- deletes that go with their data file --- */

static const TarnText *only_path(const TarnDataFile *file) {
    if (file->referenced_data_file.data != NULL) return &file->referenced_data_file;
    for (size_t i = 0; i < file->column_count; i++) {
        const TarnColumnMetrics *metrics = &file->columns[i];
        if (metrics->field_id != TARN_FIELD_DELETE_FILE_PATH) continue;
        if (metrics->lower.data == NULL || metrics->upper.data == NULL) return NULL;
        /* Bounds that were cut are no path of a data file that goes. */
        return tarn_base_text_equal(metrics->lower, metrics->upper) ? &metrics->lower : NULL;
    }
    return NULL;
}

bool tarn_table__produce_is_dangling(const TarnMap *gone, const TarnDataFile *file) {
    if (gone->count == 0 || file->content != TARN_CONTENT_POSITION_DELETES) return false;
    const TarnText *path = only_path(file);
    return path != NULL && tarn_base_map_has(gone, *path);
}

/* --- one vector per data file --- */

bool tarn_table__produce_check_vector(TarnSnapshotProducer *producer,
                                      const TarnManifestEntry *entry, const TarnManifestFile *file,
                                      TarnError *error) {
    const TarnDataFile *vector = &entry->file;
    if (producer->vectors.count == 0 || !tarn_table_file_is_deletion_vector(vector) ||
        !tarn_base_map_has(&producer->vectors, vector->referenced_data_file)) {
        return true;
    }
    TarnProducerHistory history;
    if (!tarn_table__produce_history_complete(producer, &history, error)) return false;
    int64_t id = entry->snapshot_id != TARN_ABSENT ? entry->snapshot_id : file->added_snapshot_id;
    const TarnSnapshot *snapshot = tarn_table__produce_history_find(&history, id);
    if (snapshot == NULL) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "data file \"%.*s\" has a deletion vector, which the change "
                                   "does not remove: it would get a second one",
                                   TARN_TEXT_ARG(vector->referenced_data_file));
    }
    tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT,
                        "snapshot %" PRId64 " (%s) added a deletion vector for data file \"%.*s\" "
                        "meanwhile",
                        snapshot->id,
                        snapshot->operation != NULL ? snapshot->operation : "unknown operation",
                        TARN_TEXT_ARG(vector->referenced_data_file));
    return tarn_base_error_hint(error, "run the statement again on the table as it is now");
}

/* --- data files that must be live --- */

static bool find_referenced(TarnSnapshotProducer *producer, const TarnManifestFile *file,
                            TarnMap *found, TarnError *error) {
    static const TarnManifestReadOptions WITHOUT = {.without_metrics = true};
    const TarnManifestPin *pin = NULL;
    if (!tarn_table_manifest_acquire(producer->options.cache, producer->options.store, file,
                                     producer->base, &WITHOUT, &pin, error)) {
        return false;
    }
    for (size_t i = 0; i < pin->manifest->entry_count; i++) {
        const TarnManifestEntry *entry = &pin->manifest->entries[i];
        if (entry->status == TARN_ENTRY_DELETED ||
            !tarn_base_map_has(&producer->referenced, entry->file.path)) {
            continue;
        }
        /* The key must outlive the pin. */
        TarnText copy = {tarn_base_arena_string_n(&producer->attempt_arena, entry->file.path.data,
                                                  entry->file.path.size),
                         entry->file.path.size};
        if (copy.data != NULL) tarn_base_map_put(found, copy, found);
    }
    tarn_table_manifest_release(pin);
    return tarn_base_arena_check(&producer->attempt_arena, error);
}

/* Appends remove nothing: if there was nothing else, what was live is. */
static bool may_have_removed(const TarnProducerHistory *history) {
    for (size_t i = 0; i < history->count; i++) {
        const char *operation = history->items[i]->operation;
        if (operation == NULL || strcmp(operation, "append") != 0) return true;
    }
    return false;
}

bool tarn_table__produce_validate_referenced(TarnSnapshotProducer *producer,
                                             const TarnManifestFile *manifests, size_t count,
                                             TarnError *error) {
    const TarnMap *referenced = &producer->referenced;
    TarnProducerHistory history;
    if (referenced->count == 0) return true;
    if (!tarn_table__produce_history_complete(producer, &history, error)) return false;
    if (!may_have_removed(&history)) return true;
    TarnMap found;
    tarn_base_map_init(&found, &producer->attempt_arena);
    for (size_t i = 0; i < count && found.count < referenced->count; i++) {
        if (manifests[i].is_deletes || !tarn_table__manifest_has_live(&manifests[i])) continue;
        if (!find_referenced(producer, &manifests[i], &found, error)) return false;
    }
    for (size_t i = 0; i < referenced->count && found.count < referenced->count; i++) {
        TarnText path = referenced->items[i].key;
        if (tarn_base_map_has(&found, path)) continue;
        return tarn_table__produce_missing_file(producer, path, error);
    }
    return true;
}
