/* metadata.json -> TarnTableMetadata: a list of refusals.
 *
 * The JSON tree is walked once. Each wrong member is refused with its path and its line and
 * column; rules between members (ids that must exist, ids that must differ) come after. What has
 * a list of its own (schemas, specs, orders, snapshots, log entries) keeps its source text, so
 * that writing back what did not change is copying; the root keeps the members nobody knows.
 *
 * Tolerated, because writers in use do it: a current-snapshot-id of -1 or null, refs without
 * main, an order 0 that is not listed, v1's single schema and bare partition fields.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "table/metadata_read_private.h"

static TarnMetadataPlace root_place(const TarnMetadataReader *reader) {
    return (TarnMetadataPlace){.object = reader->root};
}

/* ---- refusals ---- */

static void format_place(const TarnMetadataPlace *place, const char *member, char *out,
                         size_t size) {
    const char *dot = member != NULL ? "." : "";
    const char *name = member != NULL ? member : "";
    if (place->list == NULL) {
        snprintf(out, size, "%s", name);
    } else if (place->key.data != NULL) {
        int shown = place->key.size < 60 ? (int)place->key.size : 60;
        snprintf(out, size, "%s.%.*s%s%s", place->list, shown, place->key.data, dot, name);
    } else {
        snprintf(out, size, "%s[%zu]%s%s", place->list, place->index, dot, name);
    }
}

bool tarn_table__metadata_refuse(const TarnMetadataReader *reader, const TarnMetadataPlace *place,
                                 const char *member, const char *format, ...) {
    char path[160];
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    format_place(place, member, path, sizeof(path));
    const TarnJson *at = member != NULL ? tarn_base_json_member(place->object, member) : NULL;
    if (at == NULL) at = place->object;
    if (path[0] != '\0') {
        tarn_base_error_set(reader->error, TARN_E_METADATA_INVALID, "\"%s\" %s", path, what);
    } else {
        tarn_base_error_set(reader->error, TARN_E_METADATA_INVALID, "the metadata %s", what);
    }
    if (at == NULL) return false;
    return tarn_base_error_place(reader->error, reader->name, at->line, at->column);
}

/* ---- typed members ---- */

/* NULL if missing or null; *ok false (and refused) if it is required. */
static const TarnJson *find_member(const TarnMetadataReader *reader, const TarnMetadataPlace *place,
                                   const char *member, bool required, bool *ok) {
    const TarnJson *value = tarn_base_json_member(place->object, member);
    if (value != NULL && value->kind == TARN_JSON_NULL) value = NULL;
    *ok = value != NULL || !required ||
          tarn_table__metadata_refuse(reader, place, member, "is missing");
    return value;
}

bool tarn_table__metadata_int64(const TarnMetadataReader *reader, const TarnMetadataPlace *place,
                                const char *member, bool required, int64_t *value) {
    bool ok;
    int64_t number;
    const TarnJson *json = find_member(reader, place, member, required, &ok);
    if (json == NULL) return ok;
    if (!tarn_base_json_int64(json, &number) || number == TARN_ABSENT) {
        return tarn_table__metadata_refuse(reader, place, member, "is not a 64-bit integer");
    }
    *value = number;
    return true;
}

bool tarn_table__metadata_int32(const TarnMetadataReader *reader, const TarnMetadataPlace *place,
                                const char *member, bool required, int32_t *value) {
    bool ok;
    int64_t number;
    const TarnJson *json = find_member(reader, place, member, required, &ok);
    if (json == NULL) return ok;
    if (!tarn_base_json_int64(json, &number) || number < INT32_MIN || number > INT32_MAX) {
        return tarn_table__metadata_refuse(reader, place, member, "is not a 32-bit integer");
    }
    *value = (int32_t)number;
    return true;
}

bool tarn_table__metadata_string(const TarnMetadataReader *reader, const TarnMetadataPlace *place,
                                 const char *member, bool required, const char **value) {
    bool ok;
    const TarnJson *json = find_member(reader, place, member, required, &ok);
    if (json == NULL) return ok;
    const char *string = tarn_base_json_string(json, reader->arena);
    if (string == NULL) {
        if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
        return tarn_table__metadata_refuse(reader, place, member,
                                           "is not a text, or holds a zero byte");
    }
    *value = string;
    return true;
}

static const char *copy_text(char **room, TarnText text) {
    char *copy = *room;
    if (text.size > 0) memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    *room += text.size + 1;
    return copy;
}

static bool is_string(TarnText text) {
    return text.size == 0 || memchr(text.data, '\0', text.size) == NULL;
}

/* One block for all texts of the object: snapshots have a dozen each. */
bool tarn_table__metadata_strings(const TarnMetadataReader *reader, const TarnMetadataPlace *place,
                                  const char *member, const char *without, const char **taken,
                                  TarnProperty **pairs, size_t *count) {
    bool ok;
    const TarnJson *object = find_member(reader, place, member, false, &ok);
    if (object == NULL) return true;
    if (object->kind != TARN_JSON_OBJECT) {
        return tarn_table__metadata_refuse(reader, place, member, "is not an object");
    }
    size_t bytes = 0;
    TARN_JSON_EACH(child, object) {
        if (child->kind != TARN_JSON_STRING || !is_string(child->text) || !is_string(child->key)) {
            int shown = child->key.size < 60 ? (int)child->key.size : 60;
            tarn_table__metadata_refuse(reader, place, member,
                                        "has a value that is not a text: \"%.*s\"", shown,
                                        child->key.data);
            return tarn_base_error_place(reader->error, reader->name, child->line, child->column);
        }
        bytes += child->key.size + child->text.size + 2;
    }
    TarnProperty *list = TARN_NEW_ARRAY(reader->arena, object->count, TarnProperty);
    char *room = tarn_base_arena_alloc(reader->arena, bytes);
    if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
    size_t used = 0;
    TARN_JSON_EACH(child, object) {
        const char *key = copy_text(&room, child->key);
        const char *value = copy_text(&room, child->text);
        if (without != NULL && strcmp(key, without) == 0) {
            *taken = value;
        } else {
            list[used++] = (TarnProperty){.key = key, .value = value};
        }
    }
    *pairs = list;
    *count = used;
    return true;
}

bool tarn_table__metadata_children(const TarnMetadataReader *reader, const char *member,
                                   TarnJsonKind kind, bool required, const TarnJson **children) {
    bool ok;
    TarnMetadataPlace root = root_place(reader);
    const TarnJson *value = find_member(reader, &root, member, required, &ok);
    *children = value;
    if (value == NULL) return ok;
    if (value->kind != kind) {
        return tarn_table__metadata_refuse(reader, &root, member, "is not %s",
                                           kind == TARN_JSON_ARRAY ? "a list" : "an object");
    }
    size_t index = 0;
    TARN_JSON_EACH(child, value) {
        TarnMetadataPlace place = {.object = child, .list = member, .index = index++};
        if (kind == TARN_JSON_OBJECT) place.key = child->key;
        if (child->kind == TARN_JSON_OBJECT) continue;
        return tarn_table__metadata_refuse(reader, &place, NULL, "is not an object");
    }
    return true;
}

/* A refusal from another part of the table core: says where in this file it was met. */
static bool add_place(const TarnMetadataReader *reader, const TarnJson *at, const char *list,
                      size_t index) {
    if (reader->error->code == TARN_E_OUT_OF_MEMORY) return false;
    if (reader->error->line == 0 || reader->error->file[0] == '\0') {
        uint32_t line = reader->error->line != 0 ? reader->error->line : at->line;
        uint32_t column = reader->error->line != 0 ? reader->error->column : at->column;
        tarn_base_error_place(reader->error, reader->name, line, column);
    }
    return tarn_base_error_context(reader->error, "reading \"%s[%zu]\"", list, index);
}

/* ---- schemas ---- */

/* v1 knew no schema ids: the text gets one, so that it can be written back as v2. */
static bool keep_schema_source(const TarnMetadataReader *reader, const TarnJson *json,
                               TarnSchema *schema) {
    schema->source = json->source;
    if (tarn_base_json_member(json, "schema-id") != NULL) return true;
    return tarn_table__metadata_source_with_id(json->source, "schema-id", schema->id, reader->arena,
                                               &schema->source, reader->error);
}

static bool read_schema(const TarnMetadataReader *reader, const TarnJson *json, size_t index,
                        TarnSchema *schema) {
    const char *list = index == SIZE_MAX ? "schema" : "schemas";
    if (!tarn_table_schema_from_json(json, reader->arena, schema, reader->error)) {
        return add_place(reader, json, list, index == SIZE_MAX ? 0 : index);
    }
    return keep_schema_source(reader, json, schema);
}

static bool read_schemas(TarnMetadataReader *reader) {
    TarnTableMetadata *metadata = reader->metadata;
    TarnMetadataPlace root = root_place(reader);
    const TarnJson *list;
    bool required = metadata->format_version > 1;
    if (!tarn_table__metadata_children(reader, "schemas", TARN_JSON_ARRAY, required, &list)) {
        return false;
    }
    if (list == NULL) { /* v1 */
        const TarnJson *only = tarn_base_json_member(reader->root, "schema");
        metadata->schemas = TARN_NEW(reader->arena, TarnSchema);
        metadata->schema_count = 1;
        if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
        if (only == NULL || only->kind != TARN_JSON_OBJECT) {
            return tarn_table__metadata_refuse(reader, &root, "schema",
                                               only == NULL ? "is missing" : "is not an object");
        }
        if (!read_schema(reader, only, SIZE_MAX, &metadata->schemas[0])) return false;
        metadata->current_schema_id = metadata->schemas[0].id;
        return true;
    }
    metadata->schemas = TARN_NEW_ARRAY(reader->arena, list->count, TarnSchema);
    if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
    TARN_JSON_EACH(child, list) {
        size_t index = metadata->schema_count++;
        if (!read_schema(reader, child, index, &metadata->schemas[index])) return false;
    }
    return tarn_table__metadata_int32(reader, &root, "current-schema-id", true,
                                      &metadata->current_schema_id);
}

static bool check_schemas(TarnMetadataReader *reader) {
    const TarnTableMetadata *metadata = reader->metadata;
    TarnMetadataPlace root = root_place(reader);
    int64_t *ids = TARN_NEW_ARRAY(reader->arena, metadata->schema_count, int64_t);
    if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
    int32_t highest = 0;
    for (size_t i = 0; i < metadata->schema_count; i++) {
        int32_t highest_here = tarn_table_schema_highest_id(&metadata->schemas[i]);
        if (highest_here > highest) highest = highest_here;
        ids[i] = metadata->schemas[i].id;
    }
    TarnIdSet set = tarn_table__id_set(ids, metadata->schema_count);
    int64_t twice;
    if (tarn_table__id_set_duplicate(&set, &twice)) {
        return tarn_table__metadata_refuse(reader, &root, "schemas",
                                           "has two schemas with the id %" PRId64, twice);
    }
    if (!tarn_table__id_set_has(&set, metadata->current_schema_id)) {
        return tarn_table__metadata_refuse(reader, &root, "current-schema-id",
                                           "is %" PRId32 ", which no schema has",
                                           metadata->current_schema_id);
    }
    if (metadata->last_column_id < highest) {
        return tarn_table__metadata_refuse(reader, &root, "last-column-id",
                                           "is %" PRId32 ", but a column has the id %" PRId32,
                                           metadata->last_column_id, highest);
    }
    return true;
}

/* ---- partition specs ---- */

static bool read_v1_spec(TarnMetadataReader *reader) {
    TarnTableMetadata *metadata = reader->metadata;
    TarnMetadataPlace root = root_place(reader);
    const TarnJson *fields = tarn_base_json_member(reader->root, "partition-spec");
    if (fields == NULL) {
        return tarn_table__metadata_refuse(reader, &root, "partition-spec", "is missing");
    }
    metadata->specs = TARN_NEW(reader->arena, TarnPartitionSpec);
    metadata->spec_count = 1;
    if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
    if (!tarn_table_partition_fields_from_json(fields, 0, reader->arena, &metadata->specs[0],
                                               reader->error)) {
        return add_place(reader, fields, "partition-spec", 0);
    }
    metadata->specs[0].source = (TarnText){NULL, 0}; /* the bare list is not a spec object */
    metadata->default_spec_id = 0;
    return true;
}

static bool read_specs(TarnMetadataReader *reader) {
    TarnTableMetadata *metadata = reader->metadata;
    TarnMetadataPlace root = root_place(reader);
    const TarnJson *list;
    if (!tarn_table__metadata_children(reader, "partition-specs", TARN_JSON_ARRAY,
                                       metadata->format_version > 1, &list)) {
        return false;
    }
    if (list == NULL) return read_v1_spec(reader);
    metadata->specs = TARN_NEW_ARRAY(reader->arena, list->count, TarnPartitionSpec);
    if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
    TARN_JSON_EACH(child, list) {
        size_t index = metadata->spec_count++;
        TarnPartitionSpec *spec = &metadata->specs[index];
        if (!tarn_table_partition_spec_from_json(child, reader->arena, spec, reader->error)) {
            return add_place(reader, child, "partition-specs", index);
        }
        spec->source = child->source;
    }
    return tarn_table__metadata_int32(reader, &root, "default-spec-id", true,
                                      &metadata->default_spec_id);
}

static bool check_specs(TarnMetadataReader *reader) {
    TarnTableMetadata *metadata = reader->metadata;
    TarnMetadataPlace root = root_place(reader);
    int64_t *ids = TARN_NEW_ARRAY(reader->arena, metadata->spec_count, int64_t);
    if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
    int32_t highest = TARN_METADATA_NO_PARTITION_ID;
    for (size_t i = 0; i < metadata->spec_count; i++) {
        const TarnPartitionSpec *spec = &metadata->specs[i];
        ids[i] = spec->id;
        for (size_t k = 0; k < spec->field_count; k++) {
            if (spec->fields[k].field_id > highest) highest = spec->fields[k].field_id;
        }
    }
    TarnIdSet set = tarn_table__id_set(ids, metadata->spec_count);
    int64_t twice;
    if (tarn_table__id_set_duplicate(&set, &twice)) {
        return tarn_table__metadata_refuse(reader, &root, "partition-specs",
                                           "has two specs with the id %" PRId64, twice);
    }
    if (!tarn_table__id_set_has(&set, metadata->default_spec_id)) {
        return tarn_table__metadata_refuse(reader, &root, "default-spec-id",
                                           "is %" PRId32 ", which no partition spec has",
                                           metadata->default_spec_id);
    }
    metadata->last_partition_id = highest;
    if (!tarn_table__metadata_int32(reader, &root, "last-partition-id",
                                    metadata->format_version > 1, &metadata->last_partition_id)) {
        return false;
    }
    /* Some writers count only the default spec's fields: never hand out an id in use. */
    if (metadata->last_partition_id < highest) metadata->last_partition_id = highest;
    return true;
}

/* ---- sort orders ---- */

static bool read_sort_orders(TarnMetadataReader *reader) {
    TarnTableMetadata *metadata = reader->metadata;
    TarnMetadataPlace root = root_place(reader);
    const TarnJson *list;
    bool required = metadata->format_version > 1;
    if (!tarn_table__metadata_children(reader, "sort-orders", TARN_JSON_ARRAY, required, &list)) {
        return false;
    }
    size_t count = list != NULL ? list->count : 1;
    metadata->sort_orders = TARN_NEW_ARRAY(reader->arena, count, TarnSortOrder);
    if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
    if (list == NULL) { /* v1: zeroed memory is the unsorted order 0 */
        metadata->sort_order_count = 1;
        return true;
    }
    TARN_JSON_EACH(child, list) {
        size_t index = metadata->sort_order_count++;
        TarnSortOrder *order = &metadata->sort_orders[index];
        if (!tarn_table_sort_order_from_json(child, reader->arena, order, reader->error)) {
            return add_place(reader, child, "sort-orders", index);
        }
        order->source = child->source;
    }
    return tarn_table__metadata_int32(reader, &root, "default-sort-order-id", true,
                                      &metadata->default_sort_order_id);
}

static bool check_sort_orders(TarnMetadataReader *reader) {
    const TarnTableMetadata *metadata = reader->metadata;
    TarnMetadataPlace root = root_place(reader);
    int64_t *ids = TARN_NEW_ARRAY(reader->arena, metadata->sort_order_count, int64_t);
    if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
    for (size_t i = 0; i < metadata->sort_order_count; i++) ids[i] = metadata->sort_orders[i].id;
    TarnIdSet set = tarn_table__id_set(ids, metadata->sort_order_count);
    int64_t twice;
    if (tarn_table__id_set_duplicate(&set, &twice)) {
        return tarn_table__metadata_refuse(reader, &root, "sort-orders",
                                           "has two orders with the id %" PRId64, twice);
    }
    int32_t wanted = metadata->default_sort_order_id;
    if (wanted == 0 || tarn_table__id_set_has(&set, wanted)) return true;
    return tarn_table__metadata_refuse(reader, &root, "default-sort-order-id",
                                       "is %" PRId32 ", which no sort order has", wanted);
}

/* ---- the root ---- */

static bool read_version(TarnMetadataReader *reader) {
    TarnMetadataPlace root = root_place(reader);
    int32_t version = 0;
    if (reader->root->kind != TARN_JSON_OBJECT) {
        return tarn_table__metadata_refuse(reader, &root, NULL, "is not a JSON object");
    }
    if (!tarn_table__metadata_int32(reader, &root, "format-version", true, &version)) return false;
    if (version < 1) {
        return tarn_table__metadata_refuse(reader, &root, "format-version",
                                           "is %" PRId32 ": no such version", version);
    }
    if (version > TARN_METADATA_VERSION_MAX) {
        tarn_table__metadata_refuse(reader, &root, "format-version",
                                    "is %" PRId32 ", tarn reads versions 1 to %d", version,
                                    TARN_METADATA_VERSION_MAX);
        reader->error->code = TARN_E_FORMAT_UNSUPPORTED;
        return false;
    }
    reader->metadata->format_version = version;
    return true;
}

static bool read_location(TarnMetadataReader *reader) {
    TarnMetadataPlace root = root_place(reader);
    const char *location = NULL;
    if (!tarn_table__metadata_string(reader, &root, "location", true, &location)) return false;
    size_t size = strlen(location);
    size_t kept = size;
    while (kept > 1 && location[kept - 1] == '/') kept--;
    if (kept == 0) return tarn_table__metadata_refuse(reader, &root, "location", "is empty");
    reader->metadata->location = kept == size
                                     ? location
                                     : tarn_base_arena_string_n(reader->arena, location, kept);
    return tarn_base_arena_check(reader->arena, reader->error);
}

static bool read_scalars(TarnMetadataReader *reader) {
    TarnTableMetadata *metadata = reader->metadata;
    TarnMetadataPlace root = root_place(reader);
    bool v2 = metadata->format_version > 1;
    bool v3 = metadata->format_version > 2;
    if (!tarn_table__metadata_string(reader, &root, "table-uuid", v2, &metadata->uuid) ||
        !read_location(reader) ||
        !tarn_table__metadata_int64(reader, &root, "last-sequence-number", v2,
                                    &metadata->last_sequence_number) ||
        !tarn_table__metadata_int64(reader, &root, "last-updated-ms", true,
                                    &metadata->last_updated_ms) ||
        !tarn_table__metadata_int32(reader, &root, "last-column-id", true,
                                    &metadata->last_column_id) ||
        !tarn_table__metadata_int64(reader, &root, "next-row-id", v3, &metadata->next_row_id) ||
        !tarn_table__metadata_strings(reader, &root, "properties", NULL, NULL,
                                      &metadata->properties, &metadata->property_count)) {
        return false;
    }
    if (metadata->uuid != NULL && metadata->uuid[0] == '\0') {
        return tarn_table__metadata_refuse(reader, &root, "table-uuid", "is empty");
    }
    if (metadata->last_sequence_number < 0) {
        return tarn_table__metadata_refuse(reader, &root, "last-sequence-number", "is negative");
    }
    if (metadata->next_row_id < 0) {
        return tarn_table__metadata_refuse(reader, &root, "next-row-id", "is negative");
    }
    return true;
}

bool tarn_table_metadata_parse(TarnText text, const char *name, TarnArena *arena,
                               TarnTableMetadata **metadata, TarnError *error) {
    TarnJson *root = NULL;
    *metadata = NULL;
    if (text.size > TARN_LIMIT_METADATA_BYTES) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "\"%s\" has %zu bytes, the limit for metadata is %zu", name,
                                   text.size, TARN_LIMIT_METADATA_BYTES);
    }
    if (!tarn_base_json_parse(text, name, arena, &root, error)) return false;
    TarnTableMetadata *result = TARN_NEW(arena, TarnTableMetadata);
    if (!tarn_base_arena_check(arena, error)) return false;
    result->root = root;
    result->current_snapshot_id = TARN_ABSENT;
    TarnMetadataReader reader = {
        .name = name, .arena = arena, .root = root, .metadata = result, .error = error};
    if (!read_version(&reader) || !read_scalars(&reader)) return false;
    if (!read_schemas(&reader) || !check_schemas(&reader)) return false;
    if (!read_specs(&reader) || !check_specs(&reader)) return false;
    if (!read_sort_orders(&reader) || !check_sort_orders(&reader)) return false;
    if (!tarn_table__metadata_read_history(&reader)) return false;
    if (!tarn_table__metadata_check_history(&reader)) return false;
    *metadata = result;
    return true;
}
