/* A new table's metadata.
 *
 * The caller's schema may carry any ids: fields are numbered anew from 1 on, and the spec and the
 * order follow their columns through the change. The rest is the fold of the updates that a
 * catalog's staged create would send, so that both ways give the same table.
 */
#include <inttypes.h>
#include <string.h>

#include "table/metadata_private.h"
#include "table/schema_private.h"

typedef struct Renamed {
    int32_t old_id;
    int32_t new_id;
} Renamed;

typedef struct Renumbering {
    TarnArena *arena;
    Renamed *items;
    size_t count;
    size_t capacity;
} Renumbering;

static void note_change(void *state, int32_t old_id, int32_t new_id) {
    Renumbering *changes = state;
    Renamed *change = TARN_PUSH(changes->arena, changes);
    if (change != NULL) *change = (Renamed){.old_id = old_id, .new_id = new_id};
}

static bool renumber(const Renumbering *changes, const char *what, int32_t *id, TarnError *error) {
    for (size_t i = 0; i < changes->count; i++) {
        if (changes->items[i].old_id != *id) continue;
        *id = changes->items[i].new_id;
        return true;
    }
    return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                               "%s needs the column with id %" PRId32
                               ", which the new table's schema does not have",
                               what, *id);
}

static bool fresh_schema(const TarnSchema *schema, Renumbering *changes, TarnSchema *fresh,
                         int32_t *last_column_id, TarnError *error) {
    TarnArena *arena = changes->arena;
    *fresh = (TarnSchema){
        .fields = tarn_table__fields_copy(schema->fields, schema->field_count, arena),
        .field_count = schema->field_count,
        .identifier_count = schema->identifier_count};
    fresh->identifier_ids = tarn_base_arena_copy(arena, schema->identifier_ids,
                                                 schema->identifier_count * sizeof(int32_t));
    if (!tarn_base_arena_check(arena, error)) return false;
    if (!tarn_table__fields_renumber(fresh->fields, fresh->field_count, last_column_id, note_change,
                                     changes)) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "the schema has more fields than there are ids");
    }
    if (!tarn_base_arena_check(arena, error)) return false; /* the changes are not complete */
    for (size_t i = 0; i < fresh->identifier_count; i++) {
        if (!renumber(changes, "an identifier field", &fresh->identifier_ids[i], error)) {
            return false;
        }
    }
    return true;
}

static bool fresh_spec(const TarnPartitionSpec *spec, const Renumbering *changes,
                       TarnPartitionSpec *fresh, TarnError *error) {
    *fresh = (TarnPartitionSpec){.id = 0};
    if (spec == NULL) return true;
    fresh->field_count = spec->field_count;
    fresh->fields = tarn_base_arena_copy(changes->arena, spec->fields,
                                         spec->field_count * sizeof(spec->fields[0]));
    if (!tarn_base_arena_check(changes->arena, error)) return false;
    for (size_t i = 0; i < fresh->field_count; i++) {
        fresh->fields[i].field_id = TARN_PARTITION_FIRST_FIELD_ID + (int32_t)i;
        if (!renumber(changes, "the partition spec", &fresh->fields[i].source_id, error)) {
            return false;
        }
    }
    return true;
}

static bool fresh_order(const TarnSortOrder *order, const Renumbering *changes,
                        TarnSortOrder *fresh, TarnError *error) {
    *fresh = (TarnSortOrder){.id = 0};
    if (order == NULL) return true;
    fresh->field_count = order->field_count;
    fresh->fields = tarn_base_arena_copy(changes->arena, order->fields,
                                         order->field_count * sizeof(order->fields[0]));
    if (!tarn_base_arena_check(changes->arena, error)) return false;
    for (size_t i = 0; i < fresh->field_count; i++) {
        if (!renumber(changes, "the sort order", &fresh->fields[i].source_id, error)) return false;
    }
    return true;
}

bool tarn_table_metadata_create(const char *uuid, const char *location, const TarnSchema *schema,
                                const TarnPartitionSpec *spec, const TarnSortOrder *sort_order,
                                const TarnProperty *properties, size_t property_count,
                                int32_t format_version, int64_t now_ms, TarnArena *arena,
                                TarnTableMetadata **metadata, TarnError *error) {
    Renumbering changes = {.arena = arena};
    TarnSchema *new_schema = TARN_NEW(arena, TarnSchema);
    TarnPartitionSpec *new_spec = TARN_NEW(arena, TarnPartitionSpec);
    TarnSortOrder *new_order = TARN_NEW(arena, TarnSortOrder);
    int32_t last_column_id = 0;
    *metadata = NULL;
    if (!tarn_base_arena_check(arena, error) ||
        !fresh_schema(schema, &changes, new_schema, &last_column_id, error) ||
        !fresh_spec(spec, &changes, new_spec, error) ||
        !fresh_order(sort_order, &changes, new_order, error)) {
        return false;
    }
    const TarnTableUpdate updates[] = {
        {.kind = TARN_UPDATE_UPGRADE_FORMAT, .integer = format_version},
        {.kind = TARN_UPDATE_ASSIGN_UUID, .text = uuid},
        {.kind = TARN_UPDATE_SET_LOCATION, .text = location},
        {.kind = TARN_UPDATE_ADD_SCHEMA, .schema = new_schema, .last_column_id = last_column_id},
        {.kind = TARN_UPDATE_SET_CURRENT_SCHEMA, .integer = -1},
        {.kind = TARN_UPDATE_ADD_SPEC, .spec = new_spec},
        {.kind = TARN_UPDATE_SET_DEFAULT_SPEC, .integer = -1},
        {.kind = TARN_UPDATE_ADD_SORT_ORDER, .sort_order = new_order},
        {.kind = TARN_UPDATE_SET_DEFAULT_SORT_ORDER, .integer = -1},
        {.kind = TARN_UPDATE_SET_PROPERTIES, .properties = properties, .count = property_count},
    };
    return tarn_table_metadata_apply(NULL, NULL, updates, sizeof(updates) / sizeof(updates[0]),
                                     now_ms, arena, metadata, error);
}
