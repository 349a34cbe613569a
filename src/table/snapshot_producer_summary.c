/* The snapshot's summary, key by key as the reference implementation writes it: what was added and
 * removed (left out where zero), how many partitions changed, and the totals, which are the
 * parent's totals plus and minus; a total the parent does not have cannot be known and is left
 * out.
 */
#include <inttypes.h>

#include "base/limits.h"
#include "table/snapshot_producer_private.h"

typedef struct PropertyList {
    TarnProperty *items;
    size_t count;
    size_t capacity;
} PropertyList;

typedef struct SummaryWriter {
    TarnSnapshotProducer *producer;
    TarnArena *arena;
    PropertyList list;
    TarnFileCounts added;
    TarnFileCounts removed;
} SummaryWriter;

/* Sums of what a hostile manifest may claim: held at the limit, never wrapped. */
static void add_to(int64_t *sum, int64_t value) {
    if (__builtin_add_overflow(*sum, value, sum)) *sum = INT64_MAX;
}

static void count_file(TarnFileCounts *counts, const TarnDataFile *file) {
    bool is_vector = tarn_table_file_is_deletion_vector(file);
    add_to(&counts->bytes, is_vector ? file->content_size : file->file_size);
    if (file->content == TARN_CONTENT_DATA) {
        counts->data_files++;
        add_to(&counts->records, file->record_count);
        return;
    }
    counts->delete_files++;
    if (file->content == TARN_CONTENT_POSITION_DELETES) {
        counts->position_delete_files += !is_vector;
        counts->deletion_vectors += is_vector;
        add_to(&counts->position_deletes, file->record_count);
    } else {
        counts->equality_delete_files++;
        add_to(&counts->equality_deletes, file->record_count);
    }
}

static bool has_key(const SummaryWriter *writer, const char *key) {
    for (size_t i = 0; i < writer->list.count; i++) {
        if (strcmp(writer->list.items[i].key, key) == 0) return true;
    }
    return false;
}

static void put(SummaryWriter *writer, const char *key, const char *value) {
    if (key == NULL || value == NULL || has_key(writer, key)) return; /* the arena tells */
    TarnProperty *property = TARN_PUSH(writer->arena, &writer->list);
    if (property != NULL) *property = (TarnProperty){.key = key, .value = value};
}

static void put_number(SummaryWriter *writer, const char *key, int64_t value) {
    put(writer, key, tarn_base_arena_printf(writer->arena, "%" PRId64, value));
}

static void put_nonzero(SummaryWriter *writer, const char *key, int64_t value) {
    if (value > 0) put_number(writer, key, value);
}

static bool parent_total(const SummaryWriter *writer, const char *key, int64_t *total) {
    const TarnSnapshot *parent = writer->producer->parent;
    *total = 0;
    if (parent == NULL) return true;
    for (size_t i = 0; i < parent->summary_count; i++) {
        if (strcmp(parent->summary[i].key, key) != 0) continue;
        return tarn_base_text_to_int64(tarn_base_text(parent->summary[i].value), total) &&
               *total >= 0;
    }
    return false;
}

static void put_total(SummaryWriter *writer, const char *key, int64_t added, int64_t removed) {
    int64_t total;
    if (!parent_total(writer, key, &total)) return;
    add_to(&total, added);
    total -= removed;
    if (total >= 0) put_number(writer, key, total);
}

static bool add_partition(TarnMap *partitions, TarnArena *arena, const TarnDataFile *file,
                          TarnBuffer *key, TarnError *error) {
    tarn_base_buffer_clear(key);
    if (!tarn_table_partition_key(file->spec_id, file->partition, file->partition_count, key,
                                   error)) {
        return false;
    }
    if (tarn_base_map_has(partitions, tarn_base_buffer_view(key))) return true;
    TarnText copy = {tarn_base_arena_copy(arena, key->data, key->size), key->size};
    if (copy.data != NULL) tarn_base_map_put(partitions, copy, partitions);
    return tarn_base_arena_check(arena, error);
}

static bool count_files(SummaryWriter *writer, size_t *partitions, TarnError *error) {
    const TarnSnapshotChange *change = writer->producer->change;
    const TarnRemovedList *removed = &writer->producer->removed;
    TarnMap changed;
    TarnBuffer key;
    bool done = true;
    tarn_base_map_init(&changed, writer->arena);
    tarn_base_buffer_init(&key, TARN_LIMIT_FIELD_BYTES);
    for (size_t i = 0; done && i < change->added_count; i++) {
        count_file(&writer->added, &change->added[i]);
        done = add_partition(&changed, writer->arena, &change->added[i], &key, error);
    }
    for (size_t i = 0; done && i < removed->count; i++) {
        count_file(&writer->removed, &removed->items[i].file);
        done = add_partition(&changed, writer->arena, &removed->items[i].file, &key, error);
    }
    *partitions = changed.count;
    tarn_base_buffer_dispose(&key);
    return done;
}

bool tarn_table__produce_summary(TarnSnapshotProducer *producer, TarnSnapshot *snapshot,
                                 TarnPreparedSnapshot *prepared, TarnError *error) {
    SummaryWriter writer = {.producer = producer, .arena = &producer->attempt_arena};
    TarnFileCounts *added = &writer.added;
    TarnFileCounts *removed = &writer.removed;
    size_t partitions = 0;
    if (!count_files(&writer, &partitions, error)) return false;
    put_nonzero(&writer, "added-data-files", added->data_files);
    put_nonzero(&writer, "deleted-data-files", removed->data_files);
    put_nonzero(&writer, "added-delete-files", added->delete_files);
    put_nonzero(&writer, "removed-delete-files", removed->delete_files);
    put_nonzero(&writer, "added-position-delete-files", added->position_delete_files);
    put_nonzero(&writer, "removed-position-delete-files", removed->position_delete_files);
    put_nonzero(&writer, "added-dvs", added->deletion_vectors);
    put_nonzero(&writer, "removed-dvs", removed->deletion_vectors);
    put_nonzero(&writer, "added-equality-delete-files", added->equality_delete_files);
    put_nonzero(&writer, "removed-equality-delete-files", removed->equality_delete_files);
    put_nonzero(&writer, "added-records", added->records);
    put_nonzero(&writer, "deleted-records", removed->records);
    put_nonzero(&writer, "added-files-size", added->bytes);
    put_nonzero(&writer, "removed-files-size", removed->bytes);
    put_nonzero(&writer, "added-position-deletes", added->position_deletes);
    put_nonzero(&writer, "removed-position-deletes", removed->position_deletes);
    put_nonzero(&writer, "added-equality-deletes", added->equality_deletes);
    put_nonzero(&writer, "removed-equality-deletes", removed->equality_deletes);
    put_number(&writer, "changed-partition-count", (int64_t)partitions);
    put_total(&writer, "total-records", added->records, removed->records);
    put_total(&writer, "total-files-size", added->bytes, removed->bytes);
    put_total(&writer, "total-data-files", added->data_files, removed->data_files);
    put_total(&writer, "total-delete-files", added->delete_files, removed->delete_files);
    put_total(&writer, "total-position-deletes", added->position_deletes,
              removed->position_deletes);
    put_total(&writer, "total-equality-deletes", added->equality_deletes,
              removed->equality_deletes);
    for (size_t i = 0; i < producer->change->summary_count; i++) {
        const TarnProperty *own = &producer->change->summary[i];
        put(&writer, tarn_base_arena_string(writer.arena, own->key),
            tarn_base_arena_string(writer.arena, own->value));
    }
    if (!tarn_base_arena_check(writer.arena, error)) return false;
    snapshot->summary = writer.list.items;
    snapshot->summary_count = writer.list.count;
    prepared->added_files = added->data_files + added->delete_files;
    prepared->removed_files = removed->data_files + removed->delete_files;
    prepared->added_rows = added->records;
    prepared->removed_rows = removed->records;
    return true;
}
