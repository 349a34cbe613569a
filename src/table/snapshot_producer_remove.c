/* Removing files: by path, by predicate, by partition; and deletes with the data they are about.
 *
 * Each manifest that may hold such a file is looked through (decoded without metrics where paths
 * or partitions decide). A manifest with hits is written anew: the files removed as DELETED, the
 * live rest as EXISTING with explicit sequence numbers and row ids, older DELETED entries dropped.
 * Others stay as they are. The rewritten form depends on the manifest, as its base lists it, and
 * the change alone, so later attempts use it again. Data manifests come first: which delete files
 * go depends on which data files do.
 *
 * Whole files only. A file of which a predicate may keep some rows is an error that names it.
 */
#include <inttypes.h>

#include "base/limits.h"
#include "table/manifest_cache_private.h"
#include "table/manifest_private.h"
#include "table/snapshot_producer_private.h"

typedef struct Remover {
    TarnSnapshotProducer *producer;
    const TarnManifestFile *manifests;
    size_t count;
    TarnRowList *rows;
    TarnSpecFilters filters; /* of remove_where */
    TarnMap replaced;        /* keys of the partitions that `added` has files in */
    size_t missing;          /* paths not found yet */
    size_t missing_deletes;
    TarnMap gone; /* paths of the data files removed, once all of them are known */
} Remover;

/* --- removed paths --- */

bool tarn_table__produce_index_removed(TarnSnapshotProducer *producer, TarnError *error) {
    const TarnSnapshotChange *change = producer->change;
    size_t slot_count = 16;
    while (slot_count < change->removed_count * 2) slot_count *= 2;
    producer->removed_slots = TARN_NEW_ARRAY(&producer->arena, slot_count, size_t);
    producer->removed_slot_count = slot_count;
    if (producer->removed_slots == NULL) return tarn_base_arena_check(&producer->arena, error);
    for (size_t i = 0; i < change->removed_count; i++) {
        TarnText path = change->removed[i];
        size_t at = tarn_table__path_hash(path) & (slot_count - 1);
        while (producer->removed_slots[at] != 0) {
            if (tarn_base_text_equal(change->removed[producer->removed_slots[at] - 1], path)) {
                return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                           "file \"%.*s\" would be removed twice",
                                           TARN_TEXT_ARG(path));
            }
            at = (at + 1) & (slot_count - 1);
        }
        producer->removed_slots[at] = i + 1;
    }
    return true;
}

/* The place of a path in change->removed, or removed_count. */
static size_t find_removed(const TarnSnapshotProducer *producer, TarnText path, uint64_t hash) {
    const TarnSnapshotChange *change = producer->change;
    size_t mask = producer->removed_slot_count - 1;
    for (size_t at = hash & mask; producer->removed_slots[at] != 0; at = (at + 1) & mask) {
        size_t i = producer->removed_slots[at] - 1;
        if (tarn_base_text_equal(change->removed[i], path)) return i;
    }
    return change->removed_count;
}

/* --- replaced partitions --- */

static bool collect_replaced(Remover *remover, TarnError *error) {
    TarnSnapshotProducer *producer = remover->producer;
    const TarnSnapshotChange *change = producer->change;
    TarnArena *arena = &producer->attempt_arena;
    TarnBuffer key;
    tarn_base_map_init(&remover->replaced, arena);
    tarn_base_buffer_init(&key, TARN_LIMIT_FIELD_BYTES);
    bool done = true;
    for (size_t i = 0; done && i < change->added_count; i++) {
        const TarnDataFile *file = &change->added[i];
        if (file->content != TARN_CONTENT_DATA) continue;
        tarn_base_buffer_clear(&key);
        done = tarn_table_partition_key(file->spec_id, file->partition, file->partition_count,
                                         &key, error);
        if (!done || tarn_base_map_has(&remover->replaced, tarn_base_buffer_view(&key))) continue;
        TarnText copy = {tarn_base_arena_copy(arena, key.data, key.size), key.size};
        TarnDataFile *sample = tarn_base_arena_copy(arena, file, sizeof(*file));
        done = tarn_base_arena_check(arena, error);
        if (done) tarn_base_map_put(&remover->replaced, copy, sample);
    }
    tarn_base_buffer_dispose(&key);
    return done && tarn_base_arena_check(arena, error);
}

/* Compares a live file under one spec with a replaced partition under another, field by field id
 * (equal transforms of one column share it). NONE: some common field differs, so no row is in the
 * partition. ALL: each field of the replaced partition's spec is there and equal. */
static TarnMatch compare_specs(const TarnPartitionSpec *spec, const TarnDataFile *file,
                               const TarnPartitionSpec *replaced_spec,
                               const TarnDataFile *replaced) {
    size_t equal = 0;
    size_t wanted = 0;
    for (size_t i = 0; i < replaced_spec->field_count; i++) {
        if (replaced_spec->fields[i].transform.kind == TARN_TRANSFORM_VOID) continue;
        wanted++;
        for (size_t j = 0; j < spec->field_count && j < file->partition_count; j++) {
            if (spec->fields[j].field_id != replaced_spec->fields[i].field_id ||
                spec->fields[j].transform.kind == TARN_TRANSFORM_VOID) {
                continue;
            }
            TarnLiteral value = file->partition[j];
            if (!value.is_null && !replaced->partition[i].is_null) {
                value.kind = replaced->partition[i].kind; /* int and long compare alike */
            }
            if (!tarn_format_literal_equal(&value, &replaced->partition[i])) {
                return TARN_MATCH_NONE;
            }
            equal++;
        }
    }
    return equal == wanted ? TARN_MATCH_ALL : TARN_MATCH_SOME;
}

static bool judge_replaced(Remover *remover, const TarnPartitionSpec *spec,
                           const TarnDataFile *file, TarnMatch *match, TarnError *error) {
    *match = TARN_MATCH_NONE;
    for (size_t i = 0; i < remover->replaced.count; i++) {
        const TarnDataFile *replaced = remover->replaced.items[i].value;
        const TarnPartitionSpec *replaced_spec = tarn_table_metadata_spec(remover->producer->base,
                                                                          replaced->spec_id);
        if (replaced_spec == NULL) continue; /* refused when the file was added */
        TarnMatch one = compare_specs(spec, file, replaced_spec, replaced);
        if (one == TARN_MATCH_ALL) {
            *match = one;
            return true;
        }
        if (one == TARN_MATCH_SOME) *match = one;
    }
    if (*match == TARN_MATCH_NONE) return true;
    tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                        "cannot replace partitions: file \"%.*s\" of the older partition spec "
                        "%" PRId32 " may hold rows of them and of others",
                        TARN_TEXT_ARG(file->path), spec->id);
    return tarn_base_error_hint(error, "compact the table so that its files follow the current "
                                       "partition spec");
}

/* --- looking through manifests --- */

typedef struct Look {
    Remover *remover;
    const TarnManifestFile *file;
    const TarnManifestPin *pin;
    const TarnPartitionSpec *spec;
    const TarnPartitionFilter *filter;
    const TarnPredicate **residuals; /* per tuple, NULL = not asked for */
    TarnMatch *replaced;             /* per tuple */
    bool *replaced_known;
} Look;

static bool refuse_partial(const Look *look, const TarnDataFile *file, TarnError *error) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, 512);
    tarn_table_predicate_to_text(look->remover->producer->change->remove_where,
                                 tarn_table_metadata_current_schema(look->remover->producer->base),
                                 &text);
    tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                        "file \"%.*s\" may hold both rows where %s and others: only whole files "
                        "can be removed",
                        TARN_TEXT_ARG(file->path),
                        text.failed ? "the condition holds" : tarn_base_buffer_view(&text).data);
    tarn_base_buffer_dispose(&text);
    return tarn_base_error_hint(error, "choose a condition on partition columns");
}

static bool judge_where(Look *look, size_t number, bool *hit, TarnError *error) {
    const TarnDataFile *file = &look->pin->manifest->entries[number].file;
    uint32_t tuple = look->pin->tuple_of_entry[number];
    TarnArena *arena = &look->remover->producer->attempt_arena;
    if (look->residuals[tuple] == NULL) {
        look->residuals[tuple] = tarn_table_partition_filter_residual(look->filter, file->partition,
                                                                      file->partition_count, arena);
        if (look->residuals[tuple] == NULL) return tarn_base_arena_check(arena, error);
    }
    TarnMatch match = tarn_table_predicate_on_metrics(look->residuals[tuple], file);
    *hit |= match == TARN_MATCH_ALL;
    return match != TARN_MATCH_SOME || refuse_partial(look, file, error);
}

static bool judge_partition(Look *look, size_t number, bool *hit, TarnError *error) {
    uint32_t tuple = look->pin->tuple_of_entry[number];
    if (!look->replaced_known[tuple]) {
        if (!judge_replaced(look->remover, look->spec, &look->pin->manifest->entries[number].file,
                            &look->replaced[tuple], error)) {
            return false;
        }
        look->replaced_known[tuple] = true;
    }
    *hit |= look->replaced[tuple] == TARN_MATCH_ALL;
    return true;
}

static bool judge_delete(Look *look, size_t number, bool *hit, TarnError *error) {
    Remover *remover = look->remover;
    TarnSnapshotProducer *producer = remover->producer;
    const TarnManifestEntry *entry = &look->pin->manifest->entries[number];
    size_t at = tarn_table__produce_find_delete(producer, &entry->file);
    if (at < producer->change->removed_delete_count) {
        *hit = true;
        if (!producer->found_deletes[at]) remover->missing_deletes--;
        producer->found_deletes[at] = true;
    }
    *hit |= tarn_table__produce_is_dangling(&remover->gone, &entry->file);
    return *hit || tarn_table__produce_check_vector(producer, entry, look->file, error);
}

static bool judge_entry(Look *look, size_t number, bool *hit, TarnError *error) {
    TarnSnapshotProducer *producer = look->remover->producer;
    const TarnSnapshotChange *change = producer->change;
    const TarnManifestEntry *entry = &look->pin->manifest->entries[number];
    *hit = false;
    if (entry->status == TARN_ENTRY_DELETED) return true;
    if (look->file->is_deletes) return judge_delete(look, number, hit, error);
    if (change->removed_count > 0) {
        size_t at = find_removed(producer, entry->file.path, look->pin->path_hashes[number]);
        if (at < change->removed_count) {
            *hit = true;
            if (!producer->found[at]) look->remover->missing--;
            producer->found[at] = true;
        }
    }
    if (entry->file.content != TARN_CONTENT_DATA) return true;
    if (look->residuals != NULL && !judge_where(look, number, hit, error)) return false;
    return look->replaced == NULL || judge_partition(look, number, hit, error);
}

static bool find_hits(Look *look, bool *hits, size_t *count, TarnError *error) {
    const TarnSnapshotChange *change = look->remover->producer->change;
    TarnArena *arena = &look->remover->producer->attempt_arena;
    size_t tuples = look->pin->tuple_count;
    *count = 0;
    if (change->remove_where != NULL && !look->file->is_deletes) {
        look->residuals = TARN_NEW_ARRAY(arena, tuples, const TarnPredicate *);
    }
    if (change->replace_partitions && !look->file->is_deletes) {
        look->replaced = TARN_NEW_ARRAY(arena, tuples, TarnMatch);
        look->replaced_known = TARN_NEW_ARRAY(arena, tuples, bool);
    }
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < look->pin->manifest->entry_count; i++) {
        if (!judge_entry(look, i, &hits[i], error)) return false;
        *count += hits[i];
    }
    return true;
}

/* --- writing a manifest anew --- */

static TarnText copy_text(TarnText text, TarnArena *arena) {
    if (text.data == NULL) return text;
    return (TarnText){tarn_base_arena_string_n(arena, text.data, text.size), text.size};
}

static bool record_removed(TarnSnapshotProducer *producer, const TarnManifestEntry *entry,
                           TarnRewrite *rewrite, TarnError *error) {
    TarnArena *arena = &producer->arena;
    TarnRemovedFile *removed = TARN_PUSH(arena, &rewrite->removed);
    if (removed == NULL) return tarn_base_arena_check(arena, error);
    TarnDataFile *file = &removed->file;
    removed->sequence_number = entry->sequence_number;
    *file = (TarnDataFile){.content = entry->file.content,
                           .spec_id = entry->file.spec_id,
                           .partition_count = entry->file.partition_count,
                           .record_count = entry->file.record_count,
                           .file_size = entry->file.file_size,
                           .sort_order_id = entry->file.sort_order_id,
                           .first_row_id = entry->file.first_row_id,
                           .content_offset = entry->file.content_offset,
                           .content_size = entry->file.content_size};
    file->path = copy_text(entry->file.path, arena);
    file->format = copy_text(entry->file.format, arena);
    file->referenced_data_file = copy_text(entry->file.referenced_data_file, arena);
    file->partition = tarn_base_arena_copy(arena, entry->file.partition,
                                           file->partition_count * sizeof(TarnLiteral));
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < file->partition_count; i++) {
        TarnLiteral *value = &file->partition[i];
        bool bytes = value->kind == TARN_TYPE_STRING || value->kind == TARN_TYPE_UUID ||
                     value->kind == TARN_TYPE_FIXED || value->kind == TARN_TYPE_BINARY;
        if (value->is_null || !bytes) continue;
        value->as.bytes.data = tarn_base_arena_string_n(arena, value->as.bytes.data,
                                                        value->as.bytes.size);
    }
    return tarn_base_arena_check(arena, error);
}

/* Same file, same order: the n-th entry here is the n-th that was judged. */
static bool rewrite_entries(TarnSnapshotProducer *producer, TarnManifest *manifest,
                            const bool *hits, TarnRewrite *rewrite, TarnError *error) {
    size_t kept = 0;
    for (size_t i = 0; i < manifest->entry_count; i++) {
        TarnManifestEntry *entry = &manifest->entries[i];
        if (entry->status == TARN_ENTRY_DELETED) continue;
        if (hits[i]) {
            if (!record_removed(producer, entry, rewrite, error)) return false;
            entry->status = TARN_ENTRY_DELETED;
            entry->snapshot_id = producer->snapshot_id;
        } else {
            entry->status = TARN_ENTRY_EXISTING;
        }
        manifest->entries[kept++] = *entry;
    }
    manifest->entry_count = kept;
    return true;
}

static bool keep_rewrite(TarnSnapshotProducer *producer, const TarnManifestFile *file,
                         TarnRewrite *rewrite, TarnError *error) {
    TarnBuffer key;
    tarn_base_buffer_init(&key, TARN_LIMIT_METADATA_BYTES);
    tarn_table__produce_row_key(file, &key);
    bool done = tarn_base_buffer_check(&key, error);
    if (done) {
        TarnText copy = {tarn_base_arena_copy(&producer->arena, key.data, key.size), key.size};
        if (copy.data != NULL) tarn_base_map_put(&producer->rewrites, copy, rewrite);
        done = tarn_base_arena_check(&producer->arena, error);
    }
    tarn_base_buffer_dispose(&key);
    return done;
}

/* NULL: the manifest was not rewritten by an earlier attempt. */
static bool find_rewrite(TarnSnapshotProducer *producer, const TarnManifestFile *file,
                         const TarnRewrite **rewrite, TarnError *error) {
    TarnBuffer key;
    *rewrite = NULL;
    if (producer->rewrites.count == 0) return true;
    tarn_base_buffer_init(&key, TARN_LIMIT_METADATA_BYTES);
    tarn_table__produce_row_key(file, &key);
    bool done = tarn_base_buffer_check(&key, error);
    if (done) *rewrite = tarn_base_map_get(&producer->rewrites, tarn_base_buffer_view(&key));
    tarn_base_buffer_dispose(&key);
    return done;
}

static bool rewrite_manifest(const Look *look, const bool *hits, TarnRewrite **result,
                             TarnError *error) {
    TarnSnapshotProducer *producer = look->remover->producer;
    TarnArena arena;
    TarnManifest *manifest = NULL;
    tarn_base_arena_init(&arena, producer->options.memory);
    TarnRewrite *rewrite = TARN_NEW(&producer->arena, TarnRewrite);
    bool done = tarn_base_arena_check(&producer->arena, error) &&
                tarn_table__produce_read(producer, look->file, &arena, &manifest, error) &&
                tarn_table_manifest_inherit(manifest, look->file, error);
    if (done && manifest->entry_count != look->pin->manifest->entry_count) {
        done = tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                                   "manifest \"%.*s\" changed while it was read",
                                   TARN_TEXT_ARG(look->file->path));
    }
    done = done && rewrite_entries(producer, manifest, hits, rewrite, error) &&
           tarn_table__produce_manifest(producer, manifest->entries, manifest->entry_count,
                                        look->spec, look->file->is_deletes, &rewrite->row, error);
    tarn_base_arena_dispose(&arena);
    if (!done) return false;
    *result = rewrite;
    return keep_rewrite(producer, look->file, rewrite, error);
}

/* --- all manifests --- */

static bool push_row(Remover *remover, const TarnManifestFile *file, TarnError *error) {
    TarnArena *arena = &remover->producer->attempt_arena;
    TarnManifestFile *row = TARN_PUSH(arena, remover->rows);
    if (row == NULL) return tarn_base_arena_check(arena, error);
    *row = *file;
    return true;
}

static bool use_rewrite(Remover *remover, const TarnRewrite *rewrite, TarnError *error) {
    TarnSnapshotProducer *producer = remover->producer;
    for (size_t i = 0; i < rewrite->removed.count; i++) {
        const TarnRemovedFile *removed = &rewrite->removed.items[i];
        TarnRemovedFile *copy = TARN_PUSH(&producer->attempt_arena, &producer->removed);
        if (copy == NULL) return tarn_base_arena_check(&producer->attempt_arena, error);
        *copy = *removed;
        if (removed->file.content != TARN_CONTENT_DATA) {
            size_t place = tarn_table__produce_find_delete(producer, &removed->file);
            if (place >= producer->change->removed_delete_count || producer->found_deletes[place]) {
                continue;
            }
            producer->found_deletes[place] = true;
            remover->missing_deletes--;
            continue;
        }
        uint64_t hash = tarn_table__path_hash(removed->file.path);
        size_t at = find_removed(producer, removed->file.path, hash);
        if (at >= producer->change->removed_count || producer->found[at]) continue;
        producer->found[at] = true;
        remover->missing--;
    }
    return push_row(remover, &rewrite->row, error);
}

static bool may_hold_removed(Remover *remover, const TarnManifestFile *file,
                             const TarnPartitionFilter *filter) {
    const TarnSnapshotChange *change = remover->producer->change;
    if (!tarn_table__manifest_has_live(file)) return false;
    if (file->is_deletes) {
        return remover->missing_deletes > 0 || remover->gone.count > 0 ||
               remover->producer->vectors.count > 0;
    }
    if (remover->missing > 0) return true;
    if (change->replace_partitions && remover->replaced.count > 0) return true;
    return change->remove_where != NULL &&
           tarn_table_partition_filter_manifest(filter, file->partitions, file->partition_count);
}

/* Which metrics remove_where needs; none for paths and partitions. */
static bool choose_options(Remover *remover, TarnManifestReadOptions *options, TarnError *error) {
    const TarnPredicate *where = remover->producer->change->remove_where;
    *options = (TarnManifestReadOptions){.without_metrics = true};
    if (where == NULL) return true;
    int32_t *ids = NULL;
    size_t count = 0;
    if (!tarn_table_predicate_fields(where, &remover->producer->attempt_arena, &ids, &count,
                                     error)) {
        return false;
    }
    if (count > 0) *options = (TarnManifestReadOptions){.field_ids = ids, .field_id_count = count};
    return true;
}

static bool process_manifest(Remover *remover, const TarnManifestFile *file,
                             const TarnManifestReadOptions *options, TarnError *error) {
    TarnSnapshotProducer *producer = remover->producer;
    const TarnRewrite *known = NULL;
    if (!find_rewrite(producer, file, &known, error)) return false;
    if (known != NULL) return use_rewrite(remover, known, error);
    Look look = {.remover = remover, .file = file};
    if (!tarn_table__spec_filters_get(&remover->filters, file, &look.filter, &look.spec, error)) {
        return false;
    }
    if (!may_hold_removed(remover, file, look.filter)) return push_row(remover, file, error);
    static const int32_t PATH_ID[] = {TARN_FIELD_DELETE_FILE_PATH};
    static const TarnManifestReadOptions PATHS = {.field_ids = PATH_ID, .field_id_count = 1};
    if (!tarn_table_manifest_acquire(producer->options.cache, producer->options.store, file,
                                     producer->base, file->is_deletes ? &PATHS : options, &look.pin,
                                     error)) {
        return false;
    }
    size_t count = 0;
    TarnRewrite *rewrite = NULL;
    bool *hits = TARN_NEW_ARRAY(&producer->attempt_arena, look.pin->manifest->entry_count, bool);
    bool done = tarn_base_arena_check(&producer->attempt_arena, error) &&
                find_hits(&look, hits, &count, error) &&
                (count == 0 || rewrite_manifest(&look, hits, &rewrite, error));
    tarn_table_manifest_release(look.pin);
    if (!done) return false;
    return rewrite != NULL ? use_rewrite(remover, rewrite, error) : push_row(remover, file, error);
}

static bool process_kind(Remover *remover, bool is_deletes, const TarnManifestReadOptions *options,
                         TarnError *error) {
    for (size_t i = 0; i < remover->count; i++) {
        if (remover->manifests[i].is_deletes != is_deletes) continue;
        if (!process_manifest(remover, &remover->manifests[i], options, error)) return false;
    }
    return true;
}

static bool collect_gone(Remover *remover, TarnError *error) {
    TarnSnapshotProducer *producer = remover->producer;
    tarn_base_map_init(&remover->gone, &producer->attempt_arena);
    for (size_t i = 0; i < producer->removed.count; i++) {
        tarn_base_map_put(&remover->gone, producer->removed.items[i].file.path, remover);
    }
    return tarn_base_arena_check(&producer->attempt_arena, error);
}

static bool check_found(TarnSnapshotProducer *producer, TarnError *error) {
    const TarnSnapshotChange *change = producer->change;
    for (size_t i = 0; i < change->removed_count; i++) {
        if (producer->found[i]) continue;
        return tarn_table__produce_missing_file(producer, change->removed[i], error);
    }
    for (size_t i = 0; i < change->removed_delete_count; i++) {
        if (producer->found_deletes[i]) continue;
        return tarn_table__produce_missing_delete(producer, &change->removed_deletes[i], error);
    }
    return true;
}

bool tarn_table__produce_remove(TarnSnapshotProducer *producer, const TarnManifestFile *manifests,
                                size_t count, TarnRowList *rows, TarnError *error) {
    const TarnSnapshotChange *change = producer->change;
    TarnArena *arena = &producer->attempt_arena;
    const TarnPredicate *where = change->remove_where;
    Remover remover = {.producer = producer,
                       .manifests = manifests,
                       .count = count,
                       .rows = rows,
                       .missing = change->removed_count,
                       .missing_deletes = change->removed_delete_count};
    if (change->removed_count == 0 && change->removed_delete_count == 0 && where == NULL &&
        !change->replace_partitions && producer->vectors.count == 0) {
        for (size_t i = 0; i < count; i++) {
            if (!push_row(&remover, &manifests[i], error)) return false;
        }
        return true;
    }
    TarnManifestReadOptions options;
    if (where == NULL) where = tarn_table_predicate_constant(TARN_PREDICATE_FALSE);
    if (!tarn_table__spec_filters_init(&remover.filters, producer->base, where, arena, error) ||
        !choose_options(&remover, &options, error) ||
        (change->replace_partitions && !collect_replaced(&remover, error)) ||
        !process_kind(&remover, false, &options, error) || !collect_gone(&remover, error) ||
        !process_kind(&remover, true, &options, error)) {
        return false;
    }
    return check_found(producer, error);
}
