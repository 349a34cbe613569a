/* Merging small manifests, so that planning does not open one file per commit.
 *
 * Per kind and partition spec, manifests are packed from the oldest to the newest into bins of the
 * target size (commit.manifest.target-size-bytes). A bin of several is written as one manifest;
 * only the bin with the newest waits until it has commit.manifest.min-count-to-merge of them, so
 * that not each commit rewrites the last ones. Existing entries keep their sequence numbers,
 * which they then must carry, and their row ids; entries of this snapshot stay ADDED and go on
 * inheriting theirs.
 */
#include "base/limits.h"
#include "table/snapshot_producer_private.h"

typedef struct Merger {
    TarnSnapshotProducer *producer;
    const TarnRowList *rows;
    int64_t target;
    size_t fewest;
    bool *done;               /* per row: dealt with */
    TarnManifestFile *result; /* per row: what stands in its place; path data NULL = nothing */
} Merger;

typedef struct Bin {
    size_t *items; /* indexes of rows, descending: the oldest first */
    size_t count;
    int64_t bytes;
} Bin;

static bool read_properties(Merger *merger) {
    const TarnTableMetadata *base = merger->producer->base;
    const char *enabled = tarn_table_metadata_property(base, "commit.manifest-merge.enabled");
    if (enabled != NULL && strcmp(enabled, "false") == 0) return false;
    merger->target = tarn_table_metadata_property_int64(base, "commit.manifest.target-size-bytes",
                                                        (int64_t)(8 * TARN_MIB));
    int64_t fewest = tarn_table_metadata_property_int64(base, "commit.manifest.min-count-to-merge",
                                                        100);
    merger->fewest = fewest > 2 ? (size_t)fewest : 2;
    return merger->target > 0;
}

/* --- one bin --- */

typedef struct EntryList {
    TarnManifestEntry *items;
    size_t count;
    size_t capacity;
} EntryList;

static bool append_entries(Merger *merger, const TarnManifestFile *file, TarnArena *arena,
                           EntryList *entries, TarnError *error) {
    TarnSnapshotProducer *producer = merger->producer;
    TarnManifest *manifest = NULL;
    if (!tarn_table__produce_read(producer, file, arena, &manifest, error)) return false;
    bool own = file->added_snapshot_id == producer->snapshot_id;
    /* A manifest of this attempt has no sequence number yet: its entries go on without. */
    if (!own && !tarn_table_manifest_inherit(manifest, file, error)) return false;
    for (size_t i = 0; i < manifest->entry_count; i++) {
        TarnManifestEntry *entry = &manifest->entries[i];
        bool ours = entry->snapshot_id == producer->snapshot_id;
        if (entry->status == TARN_ENTRY_DELETED && !ours) continue;
        if (entry->status == TARN_ENTRY_ADDED && !ours) entry->status = TARN_ENTRY_EXISTING;
        TarnManifestEntry *copy = TARN_PUSH(arena, entries);
        if (copy == NULL) return tarn_base_arena_check(arena, error);
        *copy = *entry;
    }
    return true;
}

static bool write_bin(Merger *merger, const Bin *bin, TarnManifestFile *row, TarnError *error) {
    TarnSnapshotProducer *producer = merger->producer;
    const TarnManifestFile *first = &merger->rows->items[bin->items[0]];
    const TarnPartitionSpec *spec = tarn_table_metadata_spec(producer->base, first->spec_id);
    TarnArena arena;
    EntryList entries = {0};
    tarn_base_arena_init(&arena, producer->options.memory);
    bool done = true;
    /* Newest first, as in the list. */
    for (size_t i = bin->count; done && i-- > 0;) {
        done = append_entries(merger, &merger->rows->items[bin->items[i]], &arena, &entries, error);
    }
    done = done && tarn_table__produce_manifest(producer, entries.items, entries.count, spec,
                                                first->is_deletes, row, error);
    tarn_base_arena_dispose(&arena);
    return done;
}

static bool bin_key(const Merger *merger, const Bin *bin, TarnBuffer *key, TarnError *error) {
    for (size_t i = 0; i < bin->count; i++) {
        tarn_table__produce_row_key(&merger->rows->items[bin->items[i]], key);
    }
    return tarn_base_buffer_check(key, error);
}

static bool merge_bin(Merger *merger, const Bin *bin, TarnManifestFile *row, TarnError *error) {
    TarnSnapshotProducer *producer = merger->producer;
    TarnBuffer key;
    tarn_base_buffer_init(&key, TARN_LIMIT_METADATA_BYTES);
    bool done = bin_key(merger, bin, &key, error);
    TarnManifestFile *known = done ? tarn_base_map_get(&producer->merges,
                                                       tarn_base_buffer_view(&key))
                                   : NULL;
    if (known != NULL) {
        *row = *known;
    } else if (done && write_bin(merger, bin, row, error)) {
        TarnText copy = {tarn_base_arena_copy(&producer->arena, key.data, key.size), key.size};
        TarnManifestFile *kept = tarn_base_arena_copy(&producer->arena, row, sizeof(*row));
        if (copy.data != NULL && kept != NULL) tarn_base_map_put(&producer->merges, copy, kept);
        done = tarn_base_arena_check(&producer->arena, error);
    } else {
        done = false;
    }
    tarn_base_buffer_dispose(&key);
    return done;
}

/* The merged manifest stands where the newest of the bin was. */
static bool close_bin(Merger *merger, Bin *bin, size_t newest, TarnError *error) {
    bool has_newest = false;
    for (size_t i = 0; i < bin->count; i++) has_newest |= bin->items[i] == newest;
    size_t fewest = has_newest ? merger->fewest : 2;
    bool merge = bin->count >= fewest;
    for (size_t i = 0; i < bin->count; i++) {
        size_t row = bin->items[i];
        merger->result[row] = merge ? (TarnManifestFile){0} : merger->rows->items[row];
    }
    bool done = true;
    if (merge) {
        done = merge_bin(merger, bin, &merger->result[bin->items[bin->count - 1]], error);
    }
    bin->count = 0;
    bin->bytes = 0;
    return done;
}

/* --- packing --- */

static bool same_group(const TarnManifestFile *a, const TarnManifestFile *b) {
    return a->spec_id == b->spec_id && a->is_deletes == b->is_deletes;
}

static bool pack_group(Merger *merger, size_t newest, Bin *bin, TarnError *error) {
    const TarnRowList *rows = merger->rows;
    for (size_t i = rows->count; i-- > newest;) {
        const TarnManifestFile *row = &rows->items[i];
        if (!same_group(row, &rows->items[newest])) continue;
        merger->done[i] = true;
        if (bin->count > 0 && row->length > merger->target - bin->bytes &&
            !close_bin(merger, bin, newest, error)) {
            return false;
        }
        bin->items[bin->count++] = i;
        if (__builtin_add_overflow(bin->bytes, row->length, &bin->bytes)) bin->bytes = INT64_MAX;
    }
    return close_bin(merger, bin, newest, error);
}

bool tarn_table__produce_merge(TarnSnapshotProducer *producer, TarnRowList *rows,
                               TarnError *error) {
    Merger merger = {.producer = producer, .rows = rows};
    if (!read_properties(&merger) || rows->count < 2) return true;
    TarnArena *arena = &producer->attempt_arena;
    Bin bin = {.items = TARN_NEW_ARRAY(arena, rows->count, size_t)};
    merger.done = TARN_NEW_ARRAY(arena, rows->count, bool);
    merger.result = TARN_NEW_ARRAY(arena, rows->count, TarnManifestFile);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < rows->count; i++) {
        if (merger.done[i]) continue;
        if (!pack_group(&merger, i, &bin, error)) return false;
    }
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        if (merger.result[i].path.data != NULL) rows->items[kept++] = merger.result[i];
    }
    rows->count = kept;
    return true;
}
