/* The history of a table in its metadata: snapshots, refs, logs, statistics.
 *
 * Read member by member like the rest, but in one pass over each snapshot's members, for there
 * may be 100,000 of them. The rules between them: unique ids, refs and the current snapshot that
 * exist, main equal to the current snapshot, no sequence number above the table's last.
 *
 * A snapshot whose parent or schema is gone is not refused: expiry and remove-schemas do that.
 */
#include <inttypes.h>
#include <string.h>

#include "table/metadata_read_private.h"

/* ---- snapshots ---- */

static bool check_snapshot(const TarnMetadataReader *reader, const TarnMetadataPlace *place,
                           TarnSnapshot *snapshot) {
    const TarnTableMetadata *metadata = reader->metadata;
    if (snapshot->manifest_list == NULL &&
        tarn_base_json_member(place->object, "manifests") == NULL) {
        return tarn_table__metadata_refuse(reader, place, "manifest-list", "is missing");
    }
    if (snapshot->parent_id == -1) snapshot->parent_id = TARN_ABSENT;
    if (snapshot->sequence_number < 0) {
        return tarn_table__metadata_refuse(reader, place, "sequence-number", "is negative");
    }
    if (metadata->format_version > 1 &&
        snapshot->sequence_number > metadata->last_sequence_number) {
        return tarn_table__metadata_refuse(
            reader, place, "sequence-number",
            "is %" PRId64 ", above the table's last-sequence-number %" PRId64,
            snapshot->sequence_number, metadata->last_sequence_number);
    }
    return true;
}

static bool read_snapshot(const TarnMetadataReader *reader, const TarnMetadataPlace *place,
                          TarnSnapshot *snapshot) {
    *snapshot = (TarnSnapshot){.parent_id = TARN_ABSENT,
                               .schema_id = -1,
                               .first_row_id = TARN_ABSENT,
                               .added_rows = TARN_ABSENT,
                               .source = place->object->source};
    return tarn_table__metadata_int64(reader, place, "snapshot-id", true, &snapshot->id) &&
           tarn_table__metadata_int64(reader, place, "parent-snapshot-id", false,
                                      &snapshot->parent_id) &&
           tarn_table__metadata_int64(reader, place, "sequence-number", false,
                                      &snapshot->sequence_number) &&
           tarn_table__metadata_int64(reader, place, "timestamp-ms", true,
                                      &snapshot->timestamp_ms) &&
           tarn_table__metadata_string(reader, place, "manifest-list", false,
                                       &snapshot->manifest_list) &&
           tarn_table__metadata_int32(reader, place, "schema-id", false, &snapshot->schema_id) &&
           tarn_table__metadata_int64(reader, place, "first-row-id", false,
                                      &snapshot->first_row_id) &&
           tarn_table__metadata_int64(reader, place, "added-rows", false, &snapshot->added_rows) &&
           tarn_table__metadata_strings(reader, place, "summary", "operation", &snapshot->operation,
                                        &snapshot->summary, &snapshot->summary_count) &&
           check_snapshot(reader, place, snapshot);
}

static bool read_snapshots(TarnMetadataReader *reader) {
    TarnTableMetadata *metadata = reader->metadata;
    const TarnJson *list;
    if (!tarn_table__metadata_children(reader, "snapshots", TARN_JSON_ARRAY, false, &list)) {
        return false;
    }
    metadata->snapshots = TARN_NEW_ARRAY(reader->arena, list != NULL ? list->count : 0,
                                         TarnSnapshot);
    if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
    TARN_JSON_EACH(child, list) {
        size_t index = metadata->snapshot_count++;
        TarnMetadataPlace place = {.object = child, .list = "snapshots", .index = index};
        if (!read_snapshot(reader, &place, &metadata->snapshots[index])) return false;
    }
    return true;
}

/* ---- refs ---- */

static bool check_positive(const TarnMetadataReader *reader, const TarnMetadataPlace *place,
                           const char *member, int64_t value) {
    if (value == TARN_ABSENT || value > 0) return true;
    return tarn_table__metadata_refuse(reader, place, member, "is not above zero");
}

static bool read_ref(const TarnMetadataReader *reader, const TarnMetadataPlace *place,
                     TarnSnapshotRef *ref) {
    const char *type = NULL;
    *ref = (TarnSnapshotRef){.min_snapshots_to_keep = TARN_ABSENT,
                             .max_snapshot_age_ms = TARN_ABSENT,
                             .max_ref_age_ms = TARN_ABSENT,
                             .source = place->object};
    if (place->key.size == 0 || memchr(place->key.data, '\0', place->key.size) != NULL) {
        return tarn_table__metadata_refuse(reader, place, NULL, "is no name for a ref");
    }
    ref->name = tarn_base_text_string(reader->arena, place->key);
    if (!tarn_base_arena_check(reader->arena, reader->error) ||
        !tarn_table__metadata_int64(reader, place, "snapshot-id", true, &ref->snapshot_id) ||
        !tarn_table__metadata_string(reader, place, "type", true, &type) ||
        !tarn_table__metadata_int64(reader, place, "min-snapshots-to-keep", false,
                                    &ref->min_snapshots_to_keep) ||
        !tarn_table__metadata_int64(reader, place, "max-snapshot-age-ms", false,
                                    &ref->max_snapshot_age_ms) ||
        !tarn_table__metadata_int64(reader, place, "max-ref-age-ms", false, &ref->max_ref_age_ms) ||
        !check_positive(reader, place, "min-snapshots-to-keep", ref->min_snapshots_to_keep) ||
        !check_positive(reader, place, "max-snapshot-age-ms", ref->max_snapshot_age_ms) ||
        !check_positive(reader, place, "max-ref-age-ms", ref->max_ref_age_ms)) {
        return false;
    }
    ref->is_tag = strcmp(type, "tag") == 0;
    if (ref->is_tag || strcmp(type, "branch") == 0) return true;
    return tarn_table__metadata_refuse(reader, place, "type", "is neither branch nor tag");
}

static bool read_refs(TarnMetadataReader *reader) {
    TarnTableMetadata *metadata = reader->metadata;
    const TarnJson *object;
    if (!tarn_table__metadata_children(reader, "refs", TARN_JSON_OBJECT, false, &object)) {
        return false;
    }
    size_t count = object != NULL ? object->count : 0;
    metadata->refs = TARN_NEW_ARRAY(reader->arena, count + 1, TarnSnapshotRef); /* main, below */
    if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
    TARN_JSON_EACH(child, object) {
        TarnMetadataPlace place = {.object = child, .list = "refs", .key = child->key};
        if (!read_ref(reader, &place, &metadata->refs[metadata->ref_count++])) return false;
    }
    return true;
}

/* ---- logs and statistics ---- */

static bool read_snapshot_log(TarnMetadataReader *reader) {
    TarnTableMetadata *metadata = reader->metadata;
    const TarnJson *list;
    if (!tarn_table__metadata_children(reader, "snapshot-log", TARN_JSON_ARRAY, false, &list)) {
        return false;
    }
    metadata->snapshot_log = TARN_NEW_ARRAY(reader->arena, list != NULL ? list->count : 0,
                                            TarnSnapshotLogEntry);
    if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
    TARN_JSON_EACH(child, list) {
        size_t index = metadata->snapshot_log_count++;
        TarnMetadataPlace place = {.object = child, .list = "snapshot-log", .index = index};
        TarnSnapshotLogEntry *entry = &metadata->snapshot_log[index];
        entry->source = child->source;
        if (!tarn_table__metadata_int64(reader, &place, "timestamp-ms", true,
                                        &entry->timestamp_ms) ||
            !tarn_table__metadata_int64(reader, &place, "snapshot-id", true, &entry->snapshot_id)) {
            return false;
        }
    }
    return true;
}

static bool read_metadata_log(TarnMetadataReader *reader) {
    TarnTableMetadata *metadata = reader->metadata;
    const TarnJson *list;
    if (!tarn_table__metadata_children(reader, "metadata-log", TARN_JSON_ARRAY, false, &list)) {
        return false;
    }
    metadata->metadata_log = TARN_NEW_ARRAY(reader->arena, list != NULL ? list->count : 0,
                                            TarnMetadataLogEntry);
    if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
    TARN_JSON_EACH(child, list) {
        size_t index = metadata->metadata_log_count++;
        TarnMetadataPlace place = {.object = child, .list = "metadata-log", .index = index};
        TarnMetadataLogEntry *entry = &metadata->metadata_log[index];
        entry->source = child->source;
        if (!tarn_table__metadata_int64(reader, &place, "timestamp-ms", true,
                                        &entry->timestamp_ms) ||
            !tarn_table__metadata_string(reader, &place, "metadata-file", true,
                                         &entry->metadata_file)) {
            return false;
        }
    }
    return true;
}

static bool read_statistics(TarnMetadataReader *reader, const char *member,
                            TarnStatisticsFile **files, size_t *count) {
    const TarnJson *list;
    if (!tarn_table__metadata_children(reader, member, TARN_JSON_ARRAY, false, &list)) {
        return false;
    }
    *files = TARN_NEW_ARRAY(reader->arena, list != NULL ? list->count : 0, TarnStatisticsFile);
    if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
    TARN_JSON_EACH(child, list) {
        TarnMetadataPlace place = {.object = child, .list = member, .index = *count};
        TarnStatisticsFile *file = &(*files)[(*count)++];
        file->source = child->source;
        if (!tarn_table__metadata_int64(reader, &place, "snapshot-id", true, &file->snapshot_id)) {
            return false;
        }
    }
    return true;
}

bool tarn_table__metadata_read_history(TarnMetadataReader *reader) {
    TarnTableMetadata *metadata = reader->metadata;
    TarnMetadataPlace root = {.object = reader->root};
    int64_t current = -1;
    if (!tarn_table__metadata_int64(reader, &root, "current-snapshot-id", false, &current) ||
        !read_snapshots(reader) || !read_refs(reader) || !read_snapshot_log(reader) ||
        !read_metadata_log(reader) ||
        !read_statistics(reader, "statistics", &metadata->statistics,
                         &metadata->statistics_count) ||
        !read_statistics(reader, "partition-statistics", &metadata->partition_statistics,
                         &metadata->partition_statistics_count)) {
        return false;
    }
    if (current != -1) metadata->current_snapshot_id = current;
    return true;
}

/* ---- the rules between them ---- */

/* main and current-snapshot-id say the same; either may be left out. */
static bool settle_main(TarnMetadataReader *reader) {
    TarnTableMetadata *metadata = reader->metadata;
    TarnMetadataPlace root = {.object = reader->root};
    const TarnSnapshotRef *main_ref = tarn_table_metadata_ref(metadata, TARN_METADATA_MAIN);
    if (main_ref == NULL) {
        if (metadata->current_snapshot_id == TARN_ABSENT) return true;
        metadata->refs[metadata->ref_count++] = (TarnSnapshotRef){
            .name = TARN_METADATA_MAIN,
            .snapshot_id = metadata->current_snapshot_id,
            .min_snapshots_to_keep = TARN_ABSENT,
            .max_snapshot_age_ms = TARN_ABSENT,
            .max_ref_age_ms = TARN_ABSENT};
        return true;
    }
    if (main_ref->is_tag) {
        return tarn_table__metadata_refuse(reader, &root, "refs", "has a tag named main");
    }
    if (metadata->current_snapshot_id == TARN_ABSENT) {
        metadata->current_snapshot_id = main_ref->snapshot_id;
    }
    if (metadata->current_snapshot_id == main_ref->snapshot_id) return true;
    return tarn_table__metadata_refuse(reader, &root, "current-snapshot-id",
                                       "is %" PRId64 ", the ref main says %" PRId64,
                                       metadata->current_snapshot_id, main_ref->snapshot_id);
}

bool tarn_table__metadata_check_history(TarnMetadataReader *reader) {
    TarnTableMetadata *metadata = reader->metadata;
    TarnMetadataPlace root = {.object = reader->root};
    TarnIdSet ids = tarn_table__metadata_snapshot_ids(metadata->snapshots, metadata->snapshot_count,
                                                      reader->arena);
    if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
    int64_t twice;
    if (tarn_table__id_set_duplicate(&ids, &twice)) {
        return tarn_table__metadata_refuse(reader, &root, "snapshots",
                                           "has two snapshots with the id %" PRId64, twice);
    }
    for (size_t i = 0; i < metadata->ref_count; i++) {
        const TarnSnapshotRef *ref = &metadata->refs[i];
        if (tarn_table__id_set_has(&ids, ref->snapshot_id)) continue;
        TarnMetadataPlace place = {
            .object = ref->source, .list = "refs", .key = tarn_base_text(ref->name)};
        return tarn_table__metadata_refuse(reader, &place, "snapshot-id",
                                           "is %" PRId64 ", which no snapshot has",
                                           ref->snapshot_id);
    }
    if (!settle_main(reader)) return false;
    if (metadata->current_snapshot_id == TARN_ABSENT ||
        tarn_table__id_set_has(&ids, metadata->current_snapshot_id)) {
        return true;
    }
    return tarn_table__metadata_refuse(reader, &root, "current-snapshot-id",
                                       "is %" PRId64 ", which no snapshot has",
                                       metadata->current_snapshot_id);
}
