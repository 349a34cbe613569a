/* The rows of metadata tables. Everything is read through the cache, one manifest at a time, in
 * the order of the manifest list; aggregation by partition is the only thing computed.
 */
#include "table/scan_inspect.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "table/scan_private.h"
#include "table/snapshot_producer.h"

struct TarnEntryCursor {
    TarnInspectOptions options;
    TarnEntriesKind kind;
    const TarnManifestListPin *list; /* NULL = no snapshot */
    size_t manifest;                 /* the next of the list */
    const TarnManifestPin *pin;
    size_t entry; /* the next of the manifest */
    int64_t next_row_id;
    TarnEntryRow row;
};

bool tarn_table_entries_open(const TarnInspectOptions *options, const TarnSnapshot *snapshot,
                             TarnEntriesKind kind, TarnEntryCursor **result, TarnError *error) {
    TarnEntryCursor *cursor = calloc(1, sizeof(*cursor));
    if (cursor == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory for a cursor");
    }
    cursor->options = *options;
    cursor->kind = kind;
    if (snapshot != NULL && !tarn_table__snapshot_has_list(snapshot, error)) {
        free(cursor);
        return false;
    }
    if (snapshot != NULL &&
        !tarn_table_manifest_list_acquire(options->cache, options->store, snapshot->manifest_list,
                                          &cursor->list, error)) {
        free(cursor);
        return false;
    }
    *result = cursor;
    return true;
}

void tarn_table_entries_close(TarnEntryCursor *cursor) {
    if (cursor == NULL) return;
    tarn_table_manifest_release(cursor->pin);
    tarn_table_manifest_list_release(cursor->list);
    free(cursor);
}

static bool open_manifest(TarnEntryCursor *cursor, TarnError *error) {
    const TarnManifestFile *file = &cursor->list->manifests[cursor->manifest++];
    const TarnTableMetadata *metadata = cursor->options.metadata;
    tarn_table_manifest_release(cursor->pin);
    cursor->pin = NULL;
    cursor->entry = 0;
    cursor->next_row_id = file->is_deletes ? TARN_ABSENT : file->first_row_id;
    cursor->row.manifest = file;
    cursor->row.spec = tarn_table_metadata_spec(metadata, file->spec_id);
    if (cursor->row.spec == NULL) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "manifest \"%.*s\" is of partition spec %" PRId32
                                   ", which the table does not have",
                                   TARN_TEXT_ARG(file->path), file->spec_id);
    }
    return tarn_table_manifest_acquire(cursor->options.cache, cursor->options.store, file, metadata,
                                       NULL, &cursor->pin, error);
}

static void fill_row(TarnEntryCursor *cursor, const TarnManifestEntry *entry) {
    const TarnManifestFile *file = cursor->row.manifest;
    TarnManifestEntry *out = &cursor->row.entry;
    *out = *entry;
    out->sequence_number = tarn_table__entry_sequence(entry, cursor->pin->manifest, file);
    if (entry->snapshot_id == TARN_ABSENT) out->snapshot_id = file->added_snapshot_id;
    if (entry->file_sequence_number == TARN_ABSENT && entry->status == TARN_ENTRY_ADDED) {
        out->file_sequence_number = file->sequence_number;
    }
    if (cursor->next_row_id == TARN_ABSENT || entry->status == TARN_ENTRY_DELETED ||
        entry->file.first_row_id != TARN_ABSENT) {
        return;
    }
    out->file.first_row_id = cursor->next_row_id;
    if (__builtin_add_overflow(cursor->next_row_id, entry->file.record_count,
                               &cursor->next_row_id)) {
        cursor->next_row_id = INT64_MAX;
    }
}

bool tarn_table_entries_next(TarnEntryCursor *cursor, const TarnEntryRow **row, TarnError *error) {
    *row = NULL;
    if (cursor->list == NULL) return true;
    for (;;) {
        while (cursor->pin == NULL || cursor->entry == cursor->pin->manifest->entry_count) {
            if (cursor->manifest == cursor->list->count) return true;
            if (!open_manifest(cursor, error)) return false;
        }
        const TarnManifestEntry *entry = &cursor->pin->manifest->entries[cursor->entry++];
        if (entry->status == TARN_ENTRY_DELETED && cursor->kind == TARN_ENTRIES_FILES) continue;
        fill_row(cursor, entry);
        *row = &cursor->row;
        return true;
    }
}

/* --- partitions --- */

typedef struct PartitionList {
    TarnArena *arena;
    const TarnTableMetadata *metadata;
    TarnMap by_key; /* -> place in items, plus one, as a pointer */
    TarnPartitionRow *items;
    size_t count;
    size_t capacity;
} PartitionList;

static void add_to(int64_t *sum, int64_t value) {
    if (__builtin_add_overflow(*sum, value, sum)) *sum = INT64_MAX;
}

static bool new_partition(PartitionList *list, const TarnEntryRow *row, TarnText key,
                          TarnError *error) {
    TarnArena *arena = list->arena;
    const TarnDataFile *file = &row->entry.file;
    TarnPartitionRow *partition = TARN_PUSH(arena, list);
    TarnText copy = {tarn_base_arena_copy(arena, key.data, key.size), key.size};
    TarnLiteral *values = tarn_base_arena_copy(arena, file->partition,
                                               file->partition_count * sizeof(*values));
    if (partition == NULL || !tarn_base_arena_check(arena, error)) {
        return tarn_base_arena_check(arena, error);
    }
    for (size_t i = 0; i < file->partition_count; i++) {
        TarnTypeKind kind = values[i].kind;
        if (values[i].is_null || (kind != TARN_TYPE_STRING && kind != TARN_TYPE_UUID &&
                                  kind != TARN_TYPE_FIXED && kind != TARN_TYPE_BINARY)) {
            continue;
        }
        values[i].as.bytes.data = tarn_base_arena_string_n(arena, values[i].as.bytes.data,
                                                           values[i].as.bytes.size);
    }
    *partition = (TarnPartitionRow){.spec = row->spec,
                                    .values = values,
                                    .value_count = file->partition_count,
                                    .last_snapshot_id = TARN_ABSENT,
                                    .last_updated_at_ms = TARN_ABSENT};
    /* Rows move while the list grows: the map holds their places. */
    tarn_base_map_put(&list->by_key, copy, (void *)(uintptr_t)list->count);
    return tarn_base_arena_check(arena, error);
}

static void count_row(PartitionList *list, TarnPartitionRow *partition, const TarnEntryRow *row) {
    const TarnDataFile *file = &row->entry.file;
    if (file->content == TARN_CONTENT_DATA) {
        partition->file_count++;
        add_to(&partition->record_count, file->record_count);
        add_to(&partition->bytes, file->file_size);
    } else if (file->content == TARN_CONTENT_POSITION_DELETES) {
        bool vector = tarn_table_file_is_deletion_vector(file);
        partition->deletion_vectors += vector;
        partition->position_delete_files += !vector;
        add_to(&partition->position_delete_records, file->record_count);
    } else {
        partition->equality_delete_files++;
        add_to(&partition->equality_delete_records, file->record_count);
    }
    const TarnSnapshot *snapshot = tarn_table_metadata_snapshot(list->metadata,
                                                                row->entry.snapshot_id);
    if (snapshot == NULL || (partition->last_updated_at_ms != TARN_ABSENT &&
                             partition->last_updated_at_ms >= snapshot->timestamp_ms)) {
        return;
    }
    partition->last_updated_at_ms = snapshot->timestamp_ms;
    partition->last_snapshot_id = snapshot->id;
}

static bool add_row(PartitionList *list, const TarnEntryRow *row, TarnBuffer *key,
                    TarnError *error) {
    const TarnDataFile *file = &row->entry.file;
    tarn_base_buffer_clear(key);
    if (!tarn_table_partition_key(file->spec_id, file->partition, file->partition_count, key,
                                   error)) {
        return false;
    }
    TarnText text = tarn_base_buffer_view(key);
    if (!tarn_base_map_has(&list->by_key, text) && !new_partition(list, row, text, error)) {
        return false;
    }
    size_t place = (size_t)(uintptr_t)tarn_base_map_get(&list->by_key, text);
    count_row(list, &list->items[place - 1], row);
    return true;
}

bool tarn_table_partitions(const TarnInspectOptions *options, const TarnSnapshot *snapshot,
                           TarnArena *arena, TarnPartitionRow **rows, size_t *count,
                           TarnError *error) {
    PartitionList list = {.arena = arena, .metadata = options->metadata};
    TarnEntryCursor *cursor = NULL;
    TarnBuffer key;
    if (!tarn_table_entries_open(options, snapshot, TARN_ENTRIES_FILES, &cursor, error)) {
        return false;
    }
    tarn_base_map_init(&list.by_key, arena);
    tarn_base_buffer_init(&key, TARN_LIMIT_FIELD_BYTES);
    bool done = true;
    for (;;) {
        const TarnEntryRow *row = NULL;
        done = tarn_table_entries_next(cursor, &row, error);
        if (!done || row == NULL) break;
        done = add_row(&list, row, &key, error);
        if (!done) break;
    }
    tarn_base_buffer_dispose(&key);
    tarn_table_entries_close(cursor);
    *rows = list.items;
    *count = list.count;
    return done;
}

/* --- history --- */

bool tarn_table_history(const TarnTableMetadata *metadata, TarnArena *arena, TarnHistoryRow **rows,
                        size_t *count, TarnError *error) {
    TarnMap ancestors;
    size_t total = metadata->snapshot_log_count;
    TarnHistoryRow *list = TARN_NEW_ARRAY(arena, total, TarnHistoryRow);
    int64_t *ids = TARN_NEW_ARRAY(arena, metadata->snapshot_count + 1, int64_t);
    tarn_base_map_init(&ancestors, arena);
    if (!tarn_base_arena_check(arena, error)) return false;
    int64_t at = metadata->current_snapshot_id;
    for (size_t i = 0; i <= metadata->snapshot_count && at != TARN_ABSENT; i++) {
        const TarnSnapshot *snapshot = tarn_table_metadata_snapshot(metadata, at);
        ids[i] = at;
        tarn_base_map_put(&ancestors, (TarnText){(const char *)&ids[i], sizeof(ids[i])}, ids);
        at = snapshot != NULL ? snapshot->parent_id : TARN_ABSENT;
    }
    for (size_t i = 0; i < total; i++) {
        const TarnSnapshotLogEntry *entry = &metadata->snapshot_log[i];
        const TarnSnapshot *snapshot = tarn_table_metadata_snapshot(metadata, entry->snapshot_id);
        list[i] = (TarnHistoryRow){
            .made_current_at_ms = entry->timestamp_ms,
            .snapshot_id = entry->snapshot_id,
            .parent_id = snapshot != NULL ? snapshot->parent_id : TARN_ABSENT,
            .is_current_ancestor = tarn_base_map_has(
                &ancestors, (TarnText){(const char *)&entry->snapshot_id, sizeof(int64_t)})};
    }
    *rows = list;
    *count = total;
    return tarn_base_arena_check(arena, error);
}
