/* A table's metadata with updates folded over it: the semantics of the REST catalog's updates.
 *
 * Pure: the base is copied once, shallowly, into lists with room for every update, and each
 * update changes the copy. Rules that speak of the whole (main has its snapshot, the default spec
 * fits the current schema) are checked when all updates are in, so that their order within one
 * commit matters only where one refers to another ("-1 = last added").
 *
 * Schemas, specs and orders are in metadata_apply_layout.c, snapshots and refs in
 * metadata_apply_history.c. Whether the base is the right one is metadata_require.c's question.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "table/metadata_apply_private.h"

#define PREVIOUS_VERSIONS_MAX "write.metadata.previous-versions-max"
#define PREVIOUS_VERSIONS_MAX_DEFAULT 100

bool tarn_table__fold_refuse(TarnMetadataFold *fold, const char *format, ...) {
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    return tarn_base_error_set(fold->error, TARN_E_METADATA_INVALID, "%s", what);
}

/* ---- updates of single values ---- */

static bool assign_uuid(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    if (update->text == NULL || update->text[0] == '\0') {
        return tarn_table__fold_refuse(fold, "an empty table uuid");
    }
    const char *known = fold->out->uuid;
    if (known != NULL && strcmp(known, update->text) != 0) {
        tarn_table__fold_refuse(fold, "the table has the uuid \"%s\", it cannot become \"%s\"",
                                known, update->text);
        return tarn_base_error_hint(fold->error, "a table with another uuid is another table");
    }
    fold->out->uuid = update->text;
    return true;
}

/* Version 2 asks for what version 1 could leave out; what was read is written back as it was, so
 * the missing members go into its text. */
static bool leave_version_1(TarnMetadataFold *fold) {
    TarnTableMetadata *out = fold->out;
    for (size_t i = 0; i < out->snapshot_count; i++) {
        TarnSnapshot *snapshot = &out->snapshots[i];
        if (snapshot->manifest_list == NULL) {
            tarn_base_error_set(fold->error, TARN_E_FORMAT_UNSUPPORTED,
                                "snapshot %" PRId64 " has no manifest list, as very old writers of "
                                "version 1 made them: version 2 cannot have such a snapshot",
                                snapshot->id);
            return tarn_base_error_hint(fold->error, "expire that snapshot with the engine that "
                                                     "wrote the table");
        }
        snapshot->sequence_number = 0;
        if (!tarn_table__metadata_source_with_id(snapshot->source, "sequence-number", 0,
                                                 fold->arena, &snapshot->source, fold->error)) {
            return false;
        }
    }
    for (size_t i = 0; i < out->schema_count; i++) {
        TarnSchema *schema = &out->schemas[i];
        if (schema->source.size == 0) continue;
        if (!tarn_table__metadata_source_with_id(schema->source, "schema-id", schema->id,
                                                 fold->arena, &schema->source, fold->error)) {
            return false;
        }
    }
    /* Fields without ids have got theirs when they were read. */
    for (size_t i = 0; i < out->spec_count; i++) out->specs[i].source = (TarnText){NULL, 0};
    return true;
}

static bool upgrade_format(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    int32_t known = fold->out->format_version;
    if (update->integer > TARN_METADATA_VERSION_MAX) {
        return tarn_base_error_set(fold->error, TARN_E_FORMAT_UNSUPPORTED,
                                   "format version %" PRId64 ": tarn knows 1 to %d",
                                   update->integer, TARN_METADATA_VERSION_MAX);
    }
    bool is_choice = fold->base == NULL && fold->out->schema_count == 0;
    if (update->integer < 1 || (update->integer < known && !is_choice)) {
        return tarn_table__fold_refuse(
            fold, "a table of format version %" PRId32 " cannot become version %" PRId64, known,
            update->integer);
    }
    if (known == 1 && update->integer > 1 && !is_choice && !leave_version_1(fold)) {
        return false;
    }
    const TarnSchema *schema = is_choice ? NULL : tarn_table_metadata_current_schema(fold->out);
    if (schema != NULL && known < 3 &&
        !tarn_table__metadata_check_lineage(schema, (int32_t)update->integer, fold->error)) {
        return false;
    }
    fold->out->format_version = (int32_t)update->integer;
    return true;
}

static bool set_location(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    size_t size = update->text != NULL ? strlen(update->text) : 0;
    while (size > 1 && update->text[size - 1] == '/') size--;
    if (size == 0) return tarn_table__fold_refuse(fold, "an empty table location");
    fold->out->location = tarn_base_arena_string_n(fold->arena, update->text, size);
    return true;
}

/* ---- properties ---- */

static bool set_properties(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    TarnTableMetadata *out = fold->out;
    TarnMap places;
    tarn_base_map_init(&places, fold->arena);
    for (size_t i = 0; i < out->property_count; i++) {
        tarn_base_map_put(&places, tarn_base_text(out->properties[i].key), &out->properties[i]);
    }
    for (size_t i = 0; i < update->count; i++) {
        const TarnProperty *property = &update->properties[i];
        if (property->key == NULL || property->value == NULL) {
            return tarn_table__fold_refuse(fold, "a property without a name or a value");
        }
        if (tarn_table__metadata_is_reserved(property->key)) continue;
        TarnText key = tarn_base_text(property->key);
        TarnProperty *place = tarn_base_map_get(&places, key);
        if (place == NULL) {
            place = &out->properties[out->property_count++];
            tarn_base_map_put(&places, key, place);
        }
        *place = *property;
    }
    return true;
}

static bool remove_properties(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    TarnTableMetadata *out = fold->out;
    TarnMap removed;
    tarn_base_map_init(&removed, fold->arena);
    for (size_t i = 0; i < update->count; i++) {
        if (update->properties[i].key == NULL) {
            return tarn_table__fold_refuse(fold, "a property without a name");
        }
        tarn_base_map_put(&removed, tarn_base_text(update->properties[i].key), out);
    }
    size_t kept = 0;
    for (size_t i = 0; i < out->property_count; i++) {
        if (tarn_base_map_has(&removed, tarn_base_text(out->properties[i].key))) continue;
        out->properties[kept++] = out->properties[i];
    }
    out->property_count = kept;
    return true;
}

/* ---- the fold ---- */

typedef struct Update {
    const char *name; /* the REST catalog's word for it */
    TarnUpdateApply apply;
} Update;

static const Update updates_known[] = {
    [TARN_UPDATE_ASSIGN_UUID] = {"assign-uuid", assign_uuid},
    [TARN_UPDATE_UPGRADE_FORMAT] = {"upgrade-format-version", upgrade_format},
    [TARN_UPDATE_ADD_SCHEMA] = {"add-schema", tarn_table__fold_add_schema},
    [TARN_UPDATE_SET_CURRENT_SCHEMA] = {"set-current-schema", tarn_table__fold_set_schema},
    [TARN_UPDATE_ADD_SPEC] = {"add-spec", tarn_table__fold_add_spec},
    [TARN_UPDATE_SET_DEFAULT_SPEC] = {"set-default-spec", tarn_table__fold_set_spec},
    [TARN_UPDATE_ADD_SORT_ORDER] = {"add-sort-order", tarn_table__fold_add_order},
    [TARN_UPDATE_SET_DEFAULT_SORT_ORDER] = {"set-default-sort-order", tarn_table__fold_set_order},
    [TARN_UPDATE_ADD_SNAPSHOT] = {"add-snapshot", tarn_table__fold_add_snapshot},
    [TARN_UPDATE_SET_SNAPSHOT_REF] = {"set-snapshot-ref", tarn_table__fold_set_ref},
    [TARN_UPDATE_REMOVE_SNAPSHOTS] = {"remove-snapshots", tarn_table__fold_remove_snapshots},
    [TARN_UPDATE_REMOVE_SNAPSHOT_REF] = {"remove-snapshot-ref", tarn_table__fold_remove_ref},
    [TARN_UPDATE_SET_LOCATION] = {"set-location", set_location},
    [TARN_UPDATE_SET_PROPERTIES] = {"set-properties", set_properties},
    [TARN_UPDATE_REMOVE_PROPERTIES] = {"remove-properties", remove_properties},
    [TARN_UPDATE_SET_STATISTICS] = {"set-statistics", tarn_table__fold_set_statistics},
    [TARN_UPDATE_REMOVE_STATISTICS] = {"remove-statistics", tarn_table__fold_remove_statistics},
    [TARN_UPDATE_SET_PARTITION_STATISTICS] = {"set-partition-statistics",
                                              tarn_table__fold_set_statistics},
    [TARN_UPDATE_REMOVE_PARTITION_STATISTICS] = {"remove-partition-statistics",
                                                 tarn_table__fold_remove_statistics},
    [TARN_UPDATE_REMOVE_SPECS] = {"remove-partition-specs", tarn_table__fold_remove_specs},
    [TARN_UPDATE_REMOVE_SCHEMAS] = {"remove-schemas", tarn_table__fold_remove_schemas},
};

static bool apply_update(TarnMetadataFold *fold, const TarnTableUpdate *update, size_t index) {
    size_t kind = (size_t)update->kind;
    if (kind >= sizeof(updates_known) / sizeof(updates_known[0])) {
        return tarn_table__fold_refuse(fold, "update %zu is of the unknown kind %zu", index, kind);
    }
    const Update *known = &updates_known[kind];
    if (known->apply(fold, update) && tarn_base_arena_check(fold->arena, fold->error)) return true;
    return tarn_base_error_context(fold->error, "applying update %zu, %s", index, known->name);
}

static void *copy_with_room(TarnArena *arena, const void *items, size_t count, size_t extra,
                            size_t size) {
    size_t room = count > SIZE_MAX - extra ? SIZE_MAX : count + extra; /* SIZE_MAX: none */
    void *copy = tarn_base_arena_array(arena, room, size);
    if (copy != NULL && count > 0) memcpy(copy, items, count * size);
    return copy;
}

#define COPY_LIST(list, count, extra)                                                              \
    (out->list = copy_with_room(arena, out->list, out->count, (extra), sizeof(*out->list)))

static void copy_lists(TarnTableMetadata *out, const TarnTableUpdate *updates, size_t count,
                       TarnArena *arena) {
    size_t properties = 0;
    for (size_t i = 0; i < count; i++) {
        if (updates[i].kind != TARN_UPDATE_SET_PROPERTIES) continue;
        properties = properties > SIZE_MAX - updates[i].count ? SIZE_MAX
                                                              : properties + updates[i].count;
    }
    COPY_LIST(schemas, schema_count, count);
    COPY_LIST(specs, spec_count, count);
    COPY_LIST(sort_orders, sort_order_count, count);
    COPY_LIST(properties, property_count, properties);
    COPY_LIST(snapshots, snapshot_count, count);
    COPY_LIST(refs, ref_count, count);
    COPY_LIST(snapshot_log, snapshot_log_count, count);
    COPY_LIST(metadata_log, metadata_log_count, 1);
    COPY_LIST(statistics, statistics_count, count);
    COPY_LIST(partition_statistics, partition_statistics_count, count);
}

static bool begin(TarnMetadataFold *fold, const TarnTableUpdate *updates, size_t count) {
    fold->out = TARN_NEW(fold->arena, TarnTableMetadata);
    fold->added_ids = TARN_NEW_ARRAY(fold->arena, count, int64_t);
    fold->heads = TARN_NEW_ARRAY(fold->arena, count, int64_t);
    if (!tarn_base_arena_check(fold->arena, fold->error)) return false;
    if (fold->base != NULL) {
        *fold->out = *fold->base;
    } else {
        fold->out->format_version = 2;
        fold->out->last_partition_id = TARN_METADATA_NO_PARTITION_ID;
        fold->out->current_snapshot_id = TARN_ABSENT;
        fold->out->current_schema_id = TARN_METADATA_NONE_ADDED;
        fold->out->default_spec_id = TARN_METADATA_NONE_ADDED;
    }
    copy_lists(fold->out, updates, count, fold->arena);
    return tarn_base_arena_check(fold->arena, fold->error);
}

static void append_metadata_log(TarnMetadataFold *fold, const char *base_location) {
    TarnTableMetadata *out = fold->out;
    if (base_location == NULL || fold->base == NULL) return;
    int64_t most = tarn_table_metadata_property_int64(out, PREVIOUS_VERSIONS_MAX,
                                                      PREVIOUS_VERSIONS_MAX_DEFAULT);
    size_t kept = most < 1 ? 1 : (size_t)most;
    out->metadata_log[out->metadata_log_count++] = (TarnMetadataLogEntry){
        .timestamp_ms = fold->base->last_updated_ms,
        .metadata_file = tarn_base_arena_string(fold->arena, base_location)};
    if (out->metadata_log_count <= kept) return;
    out->metadata_log += out->metadata_log_count - kept;
    out->metadata_log_count = kept;
}

static bool finish(TarnMetadataFold *fold, const char *base_location) {
    TarnTableMetadata *out = fold->out;
    if (out->uuid == NULL && out->format_version > 1) {
        return tarn_table__fold_refuse(fold, "the table has no uuid");
    }
    if (out->location == NULL) return tarn_table__fold_refuse(fold, "the table has no location");
    if (!tarn_table__fold_check_layout(fold) || !tarn_table__fold_finish_history(fold)) {
        return false;
    }
    append_metadata_log(fold, base_location);
    out->last_updated_ms = fold->now_ms;
    if (fold->base != NULL && out->last_updated_ms < fold->base->last_updated_ms) {
        out->last_updated_ms = fold->base->last_updated_ms; /* a clock that was set back */
    }
    return tarn_base_arena_check(fold->arena, fold->error);
}

bool tarn_table_metadata_apply(const TarnTableMetadata *base, const char *base_location,
                               const TarnTableUpdate *updates, size_t count, int64_t now_ms,
                               TarnArena *arena, TarnTableMetadata **metadata, TarnError *error) {
    TarnMetadataFold fold = {.base = base,
                             .arena = arena,
                             .error = error,
                             .now_ms = now_ms,
                             .last_schema_id = TARN_METADATA_NONE_ADDED,
                             .last_spec_id = TARN_METADATA_NONE_ADDED,
                             .last_order_id = TARN_METADATA_NONE_ADDED};
    *metadata = NULL;
    if (!begin(&fold, updates, count)) return false;
    for (size_t i = 0; i < count; i++) {
        if (!apply_update(&fold, &updates[i], i)) return false;
    }
    if (!finish(&fold, base_location)) return false;
    *metadata = fold.out;
    return true;
}
