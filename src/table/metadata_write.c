/* TarnTableMetadata -> metadata.json.
 *
 * The root's members go out in the order they were read, new ones after them in the order of the
 * table below; members this program does not know are copied. Whatever kept its source text is
 * copied too, so that a commit to a table of a thousand snapshots formats one snapshot, not a
 * thousand.
 *
 * Each version gets its own members: v1 the single schema and the bare partition fields that old
 * readers want, v3 the next row id. It validates nothing: metadata comes from metadata_read.c or
 * metadata_apply.c, which do.
 */
#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "table/metadata_private.h"

/* ---- snapshots ---- */

static void put_optional(TarnJsonWriter *out, const char *key, int64_t value) {
    if (value == TARN_ABSENT) return;
    tarn_base_json_key(out, key);
    tarn_base_json_put_int64(out, value);
}

static void put_summary(const TarnSnapshot *snapshot, TarnJsonWriter *out) {
    tarn_base_json_key(out, "summary");
    tarn_base_json_object_begin(out);
    if (snapshot->operation != NULL) {
        tarn_base_json_key(out, "operation");
        tarn_base_json_put_string(out, snapshot->operation);
    }
    for (size_t i = 0; i < snapshot->summary_count; i++) {
        tarn_base_json_key(out, snapshot->summary[i].key);
        tarn_base_json_put_string(out, snapshot->summary[i].value);
    }
    tarn_base_json_object_end(out);
}

void tarn_table__metadata_snapshot_put(const TarnSnapshot *snapshot, int32_t format_version,
                                       TarnJsonWriter *out) {
    tarn_base_json_object_begin(out);
    if (format_version > 1) put_optional(out, "sequence-number", snapshot->sequence_number);
    put_optional(out, "snapshot-id", snapshot->id);
    put_optional(out, "parent-snapshot-id", snapshot->parent_id);
    put_optional(out, "timestamp-ms", snapshot->timestamp_ms);
    put_summary(snapshot, out);
    if (snapshot->manifest_list != NULL) {
        tarn_base_json_key(out, "manifest-list");
        tarn_base_json_put_string(out, snapshot->manifest_list);
    }
    if (snapshot->schema_id >= 0) put_optional(out, "schema-id", snapshot->schema_id);
    if (format_version > 2) {
        put_optional(out, "first-row-id", snapshot->first_row_id);
        put_optional(out, "added-rows", snapshot->added_rows);
    }
    tarn_base_json_object_end(out);
}

static void put_snapshots(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_array_begin(out);
    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        const TarnSnapshot *snapshot = &metadata->snapshots[i];
        if (snapshot->source.size > 0) {
            tarn_base_json_put_raw(out, snapshot->source);
        } else {
            tarn_table__metadata_snapshot_put(snapshot, metadata->format_version, out);
        }
    }
    tarn_base_json_array_end(out);
}

/* ---- schemas, specs, orders ---- */

static void put_schema(const TarnSchema *schema, TarnJsonWriter *out) {
    if (schema->source.size > 0) {
        tarn_base_json_put_raw(out, schema->source);
    } else {
        tarn_table_schema_to_json(schema, out);
    }
}

static void put_schemas(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_array_begin(out);
    for (size_t i = 0; i < metadata->schema_count; i++) put_schema(&metadata->schemas[i], out);
    tarn_base_json_array_end(out);
}

static void put_v1_schema(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    put_schema(tarn_table_metadata_current_schema(metadata), out);
}

static void put_specs(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_array_begin(out);
    for (size_t i = 0; i < metadata->spec_count; i++) {
        if (metadata->specs[i].source.size > 0) {
            tarn_base_json_put_raw(out, metadata->specs[i].source);
        } else {
            tarn_table_partition_spec_to_json(&metadata->specs[i], out);
        }
    }
    tarn_base_json_array_end(out);
}

static void put_v1_spec(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_table_partition_fields_to_json(tarn_table_metadata_default_spec(metadata), out);
}

static void put_sort_orders(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_array_begin(out);
    for (size_t i = 0; i < metadata->sort_order_count; i++) {
        if (metadata->sort_orders[i].source.size > 0) {
            tarn_base_json_put_raw(out, metadata->sort_orders[i].source);
        } else {
            tarn_table_sort_order_to_json(&metadata->sort_orders[i], out);
        }
    }
    tarn_base_json_array_end(out);
}

/* ---- refs ---- */

static bool is_ref_member(TarnText key) {
    static const char *const known[] = {"snapshot-id", "type", "min-snapshots-to-keep",
                                        "max-snapshot-age-ms", "max-ref-age-ms"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (tarn_base_text_is(key, known[i])) return true;
    }
    return false;
}

static void put_ref(const TarnSnapshotRef *ref, TarnJsonWriter *out) {
    tarn_base_json_object_begin(out);
    put_optional(out, "snapshot-id", ref->snapshot_id);
    tarn_base_json_key(out, "type");
    tarn_base_json_put_string(out, ref->is_tag ? "tag" : "branch");
    put_optional(out, "min-snapshots-to-keep", ref->min_snapshots_to_keep);
    put_optional(out, "max-snapshot-age-ms", ref->max_snapshot_age_ms);
    put_optional(out, "max-ref-age-ms", ref->max_ref_age_ms);
    TARN_JSON_EACH(member, ref->source) {
        if (is_ref_member(member->key)) continue;
        tarn_base_json_key_text(out, member->key);
        tarn_base_json_put_raw(out, member->source);
    }
    tarn_base_json_object_end(out);
}

static void put_refs(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_object_begin(out);
    for (size_t i = 0; i < metadata->ref_count; i++) {
        tarn_base_json_key(out, metadata->refs[i].name);
        put_ref(&metadata->refs[i], out);
    }
    tarn_base_json_object_end(out);
}

/* ---- logs and statistics ---- */

static void put_snapshot_log(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_array_begin(out);
    for (size_t i = 0; i < metadata->snapshot_log_count; i++) {
        const TarnSnapshotLogEntry *entry = &metadata->snapshot_log[i];
        if (entry->source.size > 0) {
            tarn_base_json_put_raw(out, entry->source);
            continue;
        }
        tarn_base_json_object_begin(out);
        put_optional(out, "timestamp-ms", entry->timestamp_ms);
        put_optional(out, "snapshot-id", entry->snapshot_id);
        tarn_base_json_object_end(out);
    }
    tarn_base_json_array_end(out);
}

static void put_metadata_log(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_array_begin(out);
    for (size_t i = 0; i < metadata->metadata_log_count; i++) {
        const TarnMetadataLogEntry *entry = &metadata->metadata_log[i];
        if (entry->source.size > 0) {
            tarn_base_json_put_raw(out, entry->source);
            continue;
        }
        tarn_base_json_object_begin(out);
        put_optional(out, "timestamp-ms", entry->timestamp_ms);
        tarn_base_json_key(out, "metadata-file");
        tarn_base_json_put_string(out, entry->metadata_file);
        tarn_base_json_object_end(out);
    }
    tarn_base_json_array_end(out);
}

static void put_files(const TarnStatisticsFile *files, size_t count, TarnJsonWriter *out) {
    tarn_base_json_array_begin(out);
    for (size_t i = 0; i < count; i++) tarn_base_json_put_raw(out, files[i].source);
    tarn_base_json_array_end(out);
}

static void put_statistics(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    put_files(metadata->statistics, metadata->statistics_count, out);
}

static void put_partition_statistics(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    put_files(metadata->partition_statistics, metadata->partition_statistics_count, out);
}

/* ---- scalars ---- */

static void put_format_version(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_put_int64(out, metadata->format_version);
}

static void put_uuid(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_put_string(out, metadata->uuid);
}

static void put_location(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_put_string(out, metadata->location);
}

static void put_sequence_number(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_put_int64(out, metadata->last_sequence_number);
}

static void put_updated(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_put_int64(out, metadata->last_updated_ms);
}

static void put_column_id(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_put_int64(out, metadata->last_column_id);
}

static void put_schema_id(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_put_int64(out, metadata->current_schema_id);
}

static void put_spec_id(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_put_int64(out, metadata->default_spec_id);
}

static void put_partition_id(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_put_int64(out, metadata->last_partition_id);
}

static void put_order_id(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_put_int64(out, metadata->default_sort_order_id);
}

static void put_row_id(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_put_int64(out, metadata->next_row_id);
}

static void put_properties(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_object_begin(out);
    for (size_t i = 0; i < metadata->property_count; i++) {
        tarn_base_json_key(out, metadata->properties[i].key);
        tarn_base_json_put_string(out, metadata->properties[i].value);
    }
    tarn_base_json_object_end(out);
}

static void put_current_snapshot(const TarnTableMetadata *metadata, TarnJsonWriter *out) {
    tarn_base_json_put_int64(out, metadata->current_snapshot_id);
}

/* ---- the root ---- */

static bool has_uuid(const TarnTableMetadata *metadata) { return metadata->uuid != NULL; }

static bool has_snapshot(const TarnTableMetadata *metadata) {
    return metadata->current_snapshot_id != TARN_ABSENT;
}

static bool was_there(const TarnTableMetadata *metadata, const char *key) {
    return tarn_base_json_member(metadata->root, key) != NULL;
}

static bool has_statistics(const TarnTableMetadata *metadata) {
    return metadata->statistics_count > 0 || was_there(metadata, "statistics");
}

static bool has_partition_statistics(const TarnTableMetadata *metadata) {
    return metadata->partition_statistics_count > 0 || was_there(metadata, "partition-statistics");
}

typedef struct Member {
    const char *key;
    int32_t version_min;
    int32_t version_max;
    bool (*is_there)(const TarnTableMetadata *metadata); /* NULL = always */
    void (*put)(const TarnTableMetadata *metadata, TarnJsonWriter *out);
} Member;

#define V3 TARN_METADATA_VERSION_MAX

static const Member members[] = {
    {"format-version", 1, V3, NULL, put_format_version},
    {"table-uuid", 1, V3, has_uuid, put_uuid},
    {"location", 1, V3, NULL, put_location},
    {"last-sequence-number", 2, V3, NULL, put_sequence_number},
    {"last-updated-ms", 1, V3, NULL, put_updated},
    {"last-column-id", 1, V3, NULL, put_column_id},
    {"schema", 1, 1, NULL, put_v1_schema},
    {"current-schema-id", 1, V3, NULL, put_schema_id},
    {"schemas", 1, V3, NULL, put_schemas},
    {"partition-spec", 1, 1, NULL, put_v1_spec},
    {"default-spec-id", 1, V3, NULL, put_spec_id},
    {"partition-specs", 1, V3, NULL, put_specs},
    {"last-partition-id", 1, V3, NULL, put_partition_id},
    {"default-sort-order-id", 1, V3, NULL, put_order_id},
    {"sort-orders", 1, V3, NULL, put_sort_orders},
    {"properties", 1, V3, NULL, put_properties},
    /* Left out rather than -1 or null when there is none: every reader knows that form. */
    {"current-snapshot-id", 1, V3, has_snapshot, put_current_snapshot},
    {"next-row-id", 3, V3, NULL, put_row_id},
    {"refs", 1, V3, NULL, put_refs},
    {"snapshots", 1, V3, NULL, put_snapshots},
    {"statistics", 1, V3, has_statistics, put_statistics},
    {"partition-statistics", 1, V3, has_partition_statistics, put_partition_statistics},
    {"snapshot-log", 1, V3, NULL, put_snapshot_log},
    {"metadata-log", 1, V3, NULL, put_metadata_log},
};

#define MEMBER_COUNT (sizeof(members) / sizeof(members[0]))

static void put_member(const TarnTableMetadata *metadata, size_t index, TarnJsonWriter *out) {
    const Member *member = &members[index];
    if (metadata->format_version < member->version_min ||
        metadata->format_version > member->version_max ||
        (member->is_there != NULL && !member->is_there(metadata))) {
        return;
    }
    tarn_base_json_key(out, member->key);
    member->put(metadata, out);
}

static size_t find_member(TarnText key) {
    size_t index = 0;
    while (index < MEMBER_COUNT && !tarn_base_text_is(key, members[index].key)) index++;
    return index;
}

bool tarn_table_metadata_write(const TarnTableMetadata *metadata, TarnBuffer *out,
                               TarnError *error) {
    TarnJsonWriter writer;
    bool written[MEMBER_COUNT] = {false};
    tarn_base_json_writer_init(&writer, out, 0);
    tarn_base_json_object_begin(&writer);
    TARN_JSON_EACH(child, metadata->root) {
        size_t index = find_member(child->key);
        if (index < MEMBER_COUNT) {
            written[index] = true;
            put_member(metadata, index, &writer);
        } else {
            tarn_base_json_key_text(&writer, child->key);
            tarn_base_json_put_raw(&writer, child->source);
        }
    }
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        if (!written[i]) put_member(metadata, i, &writer);
    }
    tarn_base_json_object_end(&writer);
    return tarn_base_buffer_check(out, error);
}
