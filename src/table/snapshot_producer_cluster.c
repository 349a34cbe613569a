/* Manifests written anew, so that each is of as few partitions as can be and of the target size
 * (commit.manifest.target-size-bytes): a filter on partitions then skips most of them unread.
 *
 * Per kind and partition spec the manifests are taken in pieces that fit the memory; the live
 * entries of a piece are sorted by partition and written to new manifests as EXISTING, with the
 * sequence numbers and row ids that they have or inherit. No file comes or goes. Manifests that
 * came after the start stay as they are, so that a lost race costs a manifest list.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "table/snapshot_producer_private.h"

/* Manifests read at a time, as stored: ten times that in memory. */
#define PIECE_BYTES ((int64_t)(32 * TARN_MIB))

typedef struct EntryList {
    TarnManifestEntry *items;
    size_t count;
    size_t capacity;
} EntryList;

typedef struct Cluster {
    TarnSnapshotProducer *producer;
    int64_t target;
    int64_t newest; /* sequence number up to which manifests are rewritten */
    const TarnRowList *rows;
    size_t *piece; /* indexes of rows */
    size_t piece_count;
    int64_t piece_bytes;
    TarnRowList result;
} Cluster;

static bool is_same_kind(const TarnManifestFile *a, const TarnManifestFile *b) {
    return a->spec_id == b->spec_id && a->is_deletes == b->is_deletes;
}

static bool keep_row(Cluster *cluster, const TarnManifestFile *row, TarnError *error) {
    TarnManifestFile *copy = TARN_PUSH(&cluster->producer->attempt_arena, &cluster->result);
    if (copy == NULL) return tarn_base_arena_check(&cluster->producer->attempt_arena, error);
    *copy = *row;
    return true;
}

/* --- one piece --- */

static bool read_entries(Cluster *cluster, TarnArena *arena, EntryList *entries,
                         TarnError *error) {
    TarnSnapshotProducer *producer = cluster->producer;
    for (size_t i = 0; i < cluster->piece_count; i++) {
        const TarnManifestFile *row = &cluster->rows->items[cluster->piece[i]];
        TarnManifest *manifest = NULL;
        if (!tarn_table__produce_read(producer, row, arena, &manifest, error) ||
            !tarn_table_manifest_inherit(manifest, row, error)) {
            return false;
        }
        for (size_t e = 0; e < manifest->entry_count; e++) {
            if (manifest->entries[e].status == TARN_ENTRY_DELETED) continue;
            TarnManifestEntry *entry = TARN_PUSH(arena, entries);
            if (entry == NULL) return tarn_base_arena_check(arena, error);
            *entry = manifest->entries[e];
            entry->status = TARN_ENTRY_EXISTING;
        }
    }
    return true;
}

static int compare_partitions(const void *left, const void *right) {
    const TarnDataFile *a = &((const TarnManifestEntry *)left)->file;
    const TarnDataFile *b = &((const TarnManifestEntry *)right)->file;
    for (size_t i = 0; i < a->partition_count && i < b->partition_count; i++) {
        const TarnLiteral *x = &a->partition[i];
        const TarnLiteral *y = &b->partition[i];
        if (x->is_null || y->is_null) {
            if (x->is_null != y->is_null) return x->is_null ? -1 : 1;
            continue;
        }
        if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1; /* before a widening */
        int order = tarn_format_literal_compare(x, y);
        if (order != 0) return order;
    }
    TarnText m = a->path;
    TarnText n = b->path;
    size_t shared = m.size < n.size ? m.size : n.size;
    int order = memcmp(m.data, n.data, shared);
    return order != 0 ? order : (m.size > n.size) - (m.size < n.size);
}

static bool write_piece(Cluster *cluster, TarnRowList *written, TarnError *error) {
    TarnSnapshotProducer *producer = cluster->producer;
    const TarnManifestFile *first = &cluster->rows->items[cluster->piece[0]];
    const TarnPartitionSpec *spec = tarn_table_metadata_spec(producer->base, first->spec_id);
    EntryList entries = {0};
    TarnArena arena;
    tarn_base_arena_init(&arena, producer->options.memory);
    bool ok = read_entries(cluster, &arena, &entries, error);
    if (ok && entries.count > 0) {
        qsort(entries.items, entries.count, sizeof(*entries.items), compare_partitions);
    }
    int64_t manifests = (cluster->piece_bytes + cluster->target - 1) / cluster->target;
    if (manifests < 1) manifests = 1;
    size_t each = entries.count / (size_t)manifests + 1;
    for (size_t i = 0; ok && i < entries.count; i += each) {
        size_t count = entries.count - i < each ? entries.count - i : each;
        TarnManifestFile *row = TARN_PUSH(&producer->arena, written);
        ok = row != NULL ? tarn_table__produce_manifest(producer, entries.items + i, count, spec,
                                                        first->is_deletes, row, error)
                         : tarn_base_arena_check(&producer->arena, error);
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

/* A piece of the same manifests as in an earlier attempt is written already. */
static bool close_piece(Cluster *cluster, TarnError *error) {
    TarnSnapshotProducer *producer = cluster->producer;
    TarnBuffer key;
    tarn_base_buffer_init(&key, TARN_LIMIT_METADATA_BYTES);
    tarn_base_buffer_string(&key, "cluster");
    for (size_t i = 0; i < cluster->piece_count; i++) {
        tarn_table__produce_row_key(&cluster->rows->items[cluster->piece[i]], &key);
    }
    bool ok = tarn_base_buffer_check(&key, error);
    TarnRowList *written = ok ? tarn_base_map_get(&producer->merges, tarn_base_buffer_view(&key))
                              : NULL;
    if (ok && written == NULL) {
        TarnText copy = {tarn_base_arena_copy(&producer->arena, key.data, key.size), key.size};
        written = TARN_NEW(&producer->arena, TarnRowList);
        ok = tarn_base_arena_check(&producer->arena, error) &&
             write_piece(cluster, written, error);
        if (ok) tarn_base_map_put(&producer->merges, copy, written);
        ok = ok && tarn_base_arena_check(&producer->arena, error);
    }
    tarn_base_buffer_dispose(&key);
    for (size_t i = 0; ok && i < written->count; i++) {
        ok = keep_row(cluster, &written->items[i], error);
    }
    cluster->piece_count = 0;
    cluster->piece_bytes = 0;
    return ok;
}

/* --- all manifests --- */

/* More of them than it takes, or of a partitioned spec and with files added since they were last
 * written: then they are not in order. */
static bool is_worth_it(const TarnManifestFile *rows, size_t row_count,
                        const TarnManifestFile *kind, int64_t target, int64_t newest) {
    int64_t bytes = 0;
    int64_t count = 0;
    bool unordered = false;
    for (size_t i = 0; i < row_count; i++) {
        const TarnManifestFile *row = &rows[i];
        if (!is_same_kind(row, kind) || row->sequence_number > newest) continue;
        count++;
        unordered = unordered || (row->partition_count > 0 && row->added_files != 0);
        if (__builtin_add_overflow(bytes, row->length, &bytes)) bytes = INT64_MAX;
    }
    int64_t wanted = bytes / target + 1;
    return count > 1 && (unordered || count > wanted + wanted / 4);
}

static int64_t target_of(const TarnTableMetadata *metadata) {
    int64_t target = tarn_table_metadata_property_int64(
        metadata, "commit.manifest.target-size-bytes", (int64_t)(8 * TARN_MIB));
    return target > 0 ? target : (int64_t)(8 * TARN_MIB);
}

bool tarn_table_snapshot_rewrites_manifest(const TarnTableMetadata *metadata,
                                           const TarnManifestFile *manifests, size_t count,
                                           size_t index) {
    return is_worth_it(manifests, count, &manifests[index], target_of(metadata), INT64_MAX);
}

static bool cluster_kind(Cluster *cluster, size_t first, bool *done, TarnError *error) {
    const TarnManifestFile *kind = &cluster->rows->items[first];
    bool worth_it = is_worth_it(cluster->rows->items, cluster->rows->count, kind, cluster->target,
                                cluster->newest);
    for (size_t i = first; i < cluster->rows->count; i++) {
        const TarnManifestFile *row = &cluster->rows->items[i];
        if (!is_same_kind(row, kind)) continue;
        done[i] = true;
        if (!worth_it || row->sequence_number > cluster->newest) {
            if (!keep_row(cluster, row, error)) return false;
            continue;
        }
        if (cluster->piece_count > 0 && row->length > PIECE_BYTES - cluster->piece_bytes &&
            !close_piece(cluster, error)) {
            return false;
        }
        cluster->piece[cluster->piece_count++] = i;
        cluster->piece_bytes += row->length;
    }
    return cluster->piece_count == 0 || close_piece(cluster, error);
}

bool tarn_table__produce_cluster(TarnSnapshotProducer *producer, TarnRowList *rows,
                                 TarnError *error) {
    TarnArena *arena = &producer->attempt_arena;
    const TarnSnapshot *start = producer->starting_snapshot_id != TARN_ABSENT
                                    ? tarn_table_metadata_snapshot(producer->base,
                                                                   producer->starting_snapshot_id)
                                    : NULL;
    Cluster cluster = {.producer = producer,
                       .rows = rows,
                       .newest = start != NULL ? start->sequence_number : INT64_MAX};
    cluster.target = target_of(producer->base);
    bool *done = TARN_NEW_ARRAY(arena, rows->count + 1, bool);
    cluster.piece = TARN_NEW_ARRAY(arena, rows->count + 1, size_t);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < rows->count; i++) {
        if (!done[i] && !cluster_kind(&cluster, i, done, error)) return false;
    }
    *rows = cluster.result;
    return true;
}
