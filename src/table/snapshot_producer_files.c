/* The files a snapshot producer writes and reads whole: names, manifests of added files.
 *
 * Each written path is on record before its file is: what a failed put may have left behind is
 * then garbage like the rest.
 */
#include <inttypes.h>

#include "base/fault.h"
#include "base/limits.h"
#include "table/manifest_private.h"
#include "table/snapshot_producer_private.h"

const char *tarn_table__produce_path(TarnSnapshotProducer *producer, const char *name) {
    const char *folder = tarn_table_metadata_property(producer->base, "write.metadata.path");
    if (folder == NULL || folder[0] == '\0') {
        return tarn_base_arena_printf(&producer->arena, "%s/metadata/%s", producer->base->location,
                                      name);
    }
    size_t size = strlen(folder);
    while (size > 1 && folder[size - 1] == '/') size--;
    return tarn_base_arena_printf(&producer->arena, "%.*s/%s", (int)size, folder, name);
}

static bool record_written(TarnSnapshotProducer *producer, const char *path, TarnError *error) {
    size_t room = producer->written.capacity;
    TarnWrittenFile *file = TARN_PUSH(&producer->arena, &producer->written);
    if (file == NULL) return tarn_base_arena_check(&producer->arena, error);
    file->path = path;
    if (producer->written.capacity == room) return true;
    /* Room for the list of garbage, which must not fail when it is asked for. */
    const char **garbage = TARN_NEW_ARRAY(&producer->arena, producer->written.capacity,
                                          const char *);
    if (garbage == NULL) {
        producer->written.count--;
        return tarn_base_arena_check(&producer->arena, error);
    }
    producer->garbage = garbage;
    return true;
}

bool tarn_table__produce_put(TarnSnapshotProducer *producer, const char *path,
                             const TarnBuffer *bytes, TarnError *error) {
    return record_written(producer, path, error) &&
           tarn_store_put(producer->options.store, path, tarn_base_buffer_view(bytes),
                          TARN_STORE_IF_ABSENT, producer->batch, error);
}

/* Types from the table's schemas; where none knows the column any more, from the values. */
static bool partition_types(TarnSnapshotProducer *producer, const TarnManifestEntry *entries,
                            size_t count, const TarnPartitionSpec *spec, TarnPrimitive *types,
                            TarnError *error) {
    tarn_table__partition_types(spec, producer->base, NULL, types);
    for (size_t i = 0; i < spec->field_count; i++) {
        if (types[i].kind != TARN_TYPE_UNKNOWN) continue;
        if (tarn_table__partition_type_of(entries, count, i, &types[i])) continue;
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "cannot write a manifest: no schema of the table has the "
                                   "source column of partition field \"%s\"",
                                   spec->fields[i].name);
    }
    return true;
}

/* Values of files written before a widening carry the narrower type. */
static bool widen_partitions(TarnManifestEntry *entries, size_t count,
                             const TarnPartitionSpec *spec, const TarnPrimitive *types,
                             TarnArena *arena, TarnError *error) {
    for (size_t i = 0; i < count; i++) {
        TarnDataFile *file = &entries[i].file;
        bool own = false;
        for (size_t j = 0; j < spec->field_count && j < file->partition_count; j++) {
            if (file->partition[j].is_null || file->partition[j].kind == types[j].kind) continue;
            if (!own) {
                file->partition = tarn_base_arena_copy(arena, file->partition,
                                                       file->partition_count * sizeof(TarnLiteral));
                if (file->partition == NULL) return tarn_base_arena_check(arena, error);
                own = true;
            }
            TarnLiteral wide;
            if (tarn_format_literal_promote(types[j], &file->partition[j], &wide)) {
                file->partition[j] = wide;
            }
        }
    }
    return true;
}

static bool encode_manifest(TarnSnapshotProducer *producer, const TarnManifestEntry *entries,
                            size_t count, const TarnPartitionSpec *spec, bool is_deletes,
                            TarnBuffer *bytes, TarnArena *arena, TarnManifestFile *row,
                            TarnError *error) {
    TarnManifestWriteOptions options = {.format_version = producer->base->format_version,
                                        .is_deletes = is_deletes,
                                        .snapshot_id = producer->snapshot_id};
    const TarnOs *os = producer->options.os;
    const TarnSchema *schema = tarn_table_metadata_current_schema(producer->base);
    TarnPrimitive *types = TARN_NEW_ARRAY(arena, spec->field_count, TarnPrimitive);
    TarnManifestEntry *own = tarn_base_arena_copy(arena, entries, count * sizeof(*entries));
    if (!tarn_base_arena_check(arena, error)) return false;
    if (schema == NULL) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "the table has no current schema");
    }
    return os->random(os, options.sync_marker, sizeof(options.sync_marker), error) &&
           partition_types(producer, own, count, spec, types, error) &&
           widen_partitions(own, count, spec, types, arena, error) &&
           tarn_table__manifest_write(own, count, schema, spec, types, &options, bytes,
                                      &producer->arena, row, error);
}

bool tarn_table__produce_manifest(TarnSnapshotProducer *producer, const TarnManifestEntry *entries,
                                  size_t count, const TarnPartitionSpec *spec, bool is_deletes,
                                  TarnManifestFile *row, TarnError *error) {
    TarnArena arena;
    TarnBuffer bytes;
    tarn_base_arena_init(&arena, producer->options.memory);
    tarn_base_buffer_init(&bytes, TARN_LIMIT_MANIFEST_BYTES);
    const char *name = tarn_base_arena_printf(
        &arena, "%s-m%" PRIu32 ".avro", producer->options.commit_id, producer->manifest_number++);
    const char *path = name != NULL ? tarn_table__produce_path(producer, name) : NULL;
    bool done = tarn_base_arena_check(&arena, error) &&
                tarn_base_arena_check(&producer->arena, error);
    if (done) {
        *row = (TarnManifestFile){.path = tarn_base_text(path)};
        done = encode_manifest(producer, entries, count, spec, is_deletes, &bytes, &arena, row,
                               error) &&
               tarn_table__produce_put(producer, path, &bytes, error);
    }
    tarn_base_buffer_dispose(&bytes);
    tarn_base_arena_dispose(&arena);
    if (!done) return false;
    producer->manifests_written++;
    return !TARN_FAULT("table.produce.after_manifest", error);
}

bool tarn_table__produce_read(TarnSnapshotProducer *producer, const TarnManifestFile *file,
                              TarnArena *arena, TarnManifest **manifest, TarnError *error) {
    TarnText bytes;
    TarnManifestReadOptions options = {
        .spec = tarn_table_metadata_spec(producer->base, file->spec_id)};
    const char *path = tarn_base_text_string(arena, file->path);
    if (!tarn_base_arena_check(arena, error)) return false;
    if (options.spec == NULL) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "manifest \"%s\" is of partition spec %" PRId32
                                   ", which the table does not have",
                                   path, file->spec_id);
    }
    return tarn_store_get(producer->options.store, path, TARN_STORE_WHOLE,
                          TARN_LIMIT_MANIFEST_BYTES, arena, &bytes, NULL, error) &&
           tarn_table_manifest_read(bytes, path, producer->base, &options, arena, manifest, error);
}

void tarn_table__produce_row_key(const TarnManifestFile *row, TarnBuffer *key) {
    tarn_base_buffer_text(key, row->path);
    tarn_base_buffer_byte(key, 0);
    tarn_base_buffer_append(key, &row->first_row_id, sizeof(row->first_row_id));
}

static TarnText copy_text(TarnArena *arena, TarnText text) {
    if (text.data == NULL) return text;
    return (TarnText){tarn_base_arena_string_n(arena, text.data, text.size), text.size};
}

bool tarn_table__produce_copy_row(const TarnManifestFile *from, TarnArena *arena,
                                  TarnManifestFile *row, TarnError *error) {
    *row = *from;
    row->path = copy_text(arena, from->path);
    row->key_metadata = copy_text(arena, from->key_metadata);
    if (from->partitions == NULL) return tarn_base_arena_check(arena, error);
    row->partitions = tarn_base_arena_copy(arena, from->partitions,
                                           from->partition_count * sizeof(*from->partitions));
    if (row->partitions == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < from->partition_count; i++) {
        row->partitions[i].lower = copy_text(arena, from->partitions[i].lower);
        row->partitions[i].upper = copy_text(arena, from->partitions[i].upper);
    }
    return tarn_base_arena_check(arena, error);
}

/* --- added files --- */

/* About what an entry takes in a manifest before compression. */
static size_t entry_bytes(const TarnDataFile *file) {
    size_t bytes = 64 + file->path.size + 8 * file->split_offset_count;
    for (size_t i = 0; i < file->column_count; i++) {
        bytes += 24 + file->columns[i].lower.size + file->columns[i].upper.size;
    }
    return bytes;
}

/* Deflate takes entries down to a quarter or less: paths and bounds are much alike. */
#define COMPRESSION 4

static bool write_group(TarnSnapshotProducer *producer, const TarnPartitionSpec *spec,
                        bool is_deletes, const TarnManifestEntry *entries, size_t count,
                        TarnError *error) {
    int64_t target = tarn_table_metadata_property_int64(
        producer->base, "commit.manifest.target-size-bytes", (int64_t)(8 * TARN_MIB));
    size_t most = target > 0 ? (size_t)target * COMPRESSION : SIZE_MAX;
    size_t start = 0;
    while (start < count) {
        size_t end = start;
        size_t bytes = 0;
        while (end < count && (end == start || bytes < most)) {
            bytes += entry_bytes(&entries[end++].file);
        }
        TarnManifestFile *row = TARN_PUSH(&producer->arena, &producer->added);
        if (row == NULL) return tarn_base_arena_check(&producer->arena, error);
        if (!tarn_table__produce_manifest(producer, entries + start, end - start, spec, is_deletes,
                                          row, error)) {
            producer->added.count = 0;
            return false;
        }
        start = end;
    }
    return true;
}

static bool is_delete_file(const TarnDataFile *file) { return file->content != TARN_CONTENT_DATA; }

/* TARN_ABSENT: that of the new snapshot is inherited. */
static int64_t given_sequence(const TarnSnapshotChange *change, const TarnDataFile *file) {
    int64_t number = is_delete_file(file) ? change->added_deletes_sequence_number
                                          : change->added_sequence_number;
    return number != 0 ? number : TARN_ABSENT;
}

static bool write_groups(TarnSnapshotProducer *producer, TarnArena *arena, TarnError *error) {
    const TarnSnapshotChange *change = producer->change;
    bool *taken = TARN_NEW_ARRAY(arena, change->added_count, bool);
    TarnManifestEntry *group = TARN_NEW_ARRAY(arena, change->added_count, TarnManifestEntry);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < change->added_count; i++) {
        if (taken[i]) continue;
        const TarnDataFile *first = &change->added[i];
        const TarnPartitionSpec *spec = tarn_table_metadata_spec(producer->base, first->spec_id);
        if (spec == NULL) {
            return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                       "file \"%.*s\" is of partition spec %" PRId32
                                       ", which the table does not have",
                                       TARN_TEXT_ARG(first->path), first->spec_id);
        }
        size_t count = 0;
        for (size_t j = i; j < change->added_count; j++) {
            const TarnDataFile *file = &change->added[j];
            if (file->spec_id != first->spec_id || is_delete_file(file) != is_delete_file(first)) {
                continue;
            }
            taken[j] = true;
            group[count++] = (TarnManifestEntry){
                .status = TARN_ENTRY_ADDED,
                .snapshot_id = producer->snapshot_id,
                .sequence_number = given_sequence(change, file),
                .file_sequence_number = TARN_ABSENT,
                .file = *file};
            group[count - 1].file.first_row_id = TARN_ABSENT; /* inherited, once assigned */
        }
        if (!write_group(producer, spec, is_delete_file(first), group, count, error)) {
            return false;
        }
    }
    return true;
}

static bool check_added(const TarnSnapshotProducer *producer, TarnArena *arena, TarnError *error) {
    const TarnSnapshotChange *change = producer->change;
    TarnMap seen;
    tarn_base_map_init(&seen, arena);
    for (size_t i = 0; i < change->added_count; i++) {
        TarnText path = change->added[i].path;
        if (tarn_table_file_is_deletion_vector(&change->added[i])) continue;
        if (tarn_base_map_has(&seen, path)) {
            return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                       "file \"%.*s\" would be added twice", TARN_TEXT_ARG(path));
        }
        tarn_base_map_put(&seen, path, seen.items);
    }
    for (size_t i = 0; i < change->removed_count; i++) {
        if (!tarn_base_map_has(&seen, change->removed[i])) continue;
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "file \"%.*s\" would be added and removed at once",
                                   TARN_TEXT_ARG(change->removed[i]));
    }
    return tarn_base_arena_check(arena, error);
}

bool tarn_table__produce_added(TarnSnapshotProducer *producer, TarnError *error) {
    if (producer->added_written) return true;
    TarnArena arena;
    tarn_base_arena_init(&arena, producer->options.memory);
    bool done = check_added(producer, &arena, error) && write_groups(producer, &arena, error);
    tarn_base_arena_dispose(&arena);
    if (!done) producer->added.count = 0; /* a part of them is garbage; the next attempt rewrites */
    producer->added_written = done;
    return done;
}
