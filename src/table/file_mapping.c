/* Which field of the table each column of a Parquet file is.
 *
 * A file with field ids speaks for itself. One without is walked level by level beside the
 * table's name mapping (a tree of names and ids), or, if the table has none, beside the schema by
 * exact names. Columns that neither knows are nobody's.
 */
#include "base/map.h"
#include "table/file_metrics_private.h"

typedef struct Mapper {
    const TarnParquetFooter *footer;
    TarnArena *arena;
    int32_t *field_ids; /* by column */
    TarnError *error;
} Mapper;

static void map_by_id(Mapper *mapper) {
    const TarnParquetFooter *footer = mapper->footer;
    for (size_t i = 0; i < footer->column_count; i++) {
        int64_t id = footer->nodes[footer->columns[i]].field_id;
        if (id > 0) mapper->field_ids[i] = (int32_t)id; /* absent is far below zero */
    }
}

/* ---- by the schema's names ---- */

static void map_field(Mapper *mapper, uint32_t node, bool as_element, const TarnField *field);

/* Names through a map: a file may have many more columns than the table. */
static void map_struct(Mapper *mapper, uint32_t node, TarnField *fields, size_t count) {
    const TarnParquetNode *nodes = mapper->footer->nodes;
    TarnMap names;
    tarn_base_map_init(&names, mapper->arena);
    for (size_t i = 0; i < count; i++) {
        tarn_base_map_put(&names, tarn_base_text(fields[i].name), &fields[i]);
    }
    for (uint32_t child = node + 1; child < nodes[node].end; child = nodes[child].end) {
        const TarnField *field = tarn_base_map_get(&names, nodes[child].name);
        if (field != NULL) map_field(mapper, child, false, field);
    }
}

/* Both sides must be of one shape. Recursion ends with the file's nesting, which is limited. */
static void map_field(Mapper *mapper, uint32_t node, bool as_element, const TarnField *field) {
    const TarnType *type = &field->type;
    TarnFileShape shape = tarn_table__file_shape(mapper->footer, node, as_element);
    switch (shape.kind) {
    case TARN_FILE_SHAPE_PRIMITIVE:
        mapper->field_ids[mapper->footer->nodes[node].column] = field->id;
        break;
    case TARN_FILE_SHAPE_STRUCT:
        if (type->primitive.kind == TARN_TYPE_STRUCT) {
            map_struct(mapper, node, type->fields, type->field_count);
        }
        break;
    case TARN_FILE_SHAPE_LIST:
        if (type->primitive.kind == TARN_TYPE_LIST) {
            map_field(mapper, shape.element, shape.is_legacy, &type->fields[0]);
        }
        break;
    case TARN_FILE_SHAPE_MAP:
        if (type->primitive.kind == TARN_TYPE_MAP) {
            map_field(mapper, shape.key, false, &type->fields[0]);
            map_field(mapper, shape.value, false, &type->fields[1]);
        }
        break;
    case TARN_FILE_SHAPE_VARIANT: /* its parts are no fields */
    case TARN_FILE_SHAPE_BROKEN:
    default: break;
    }
}

/* ---- by the table's name mapping ---- */

static bool refuse_mapping(const Mapper *mapper, const char *what) {
    return tarn_base_error_set(mapper->error, TARN_E_METADATA_INVALID,
                               "the property schema.name-mapping.default is broken: %s", what);
}

/* Each entry under each of its names; the first entry of a name wins. */
static void index_entries(Mapper *mapper, const TarnJson *mapping, TarnMap *entries) {
    tarn_base_map_init(entries, mapper->arena);
    if (mapping == NULL) return;
    for (TarnJson *entry = mapping->first; entry != NULL; entry = entry->next) {
        TARN_JSON_EACH(name, tarn_base_json_member(entry, "names")) {
            TarnText text;
            if (!tarn_base_json_text(name, &text) || tarn_base_map_has(entries, text)) continue;
            tarn_base_map_put(entries, text, entry);
        }
    }
}

static bool map_entry(Mapper *mapper, uint32_t node, bool as_element, const TarnJson *entry);

static bool map_entries(Mapper *mapper, uint32_t node, const TarnJson *mapping) {
    const TarnParquetNode *nodes = mapper->footer->nodes;
    TarnMap entries;
    index_entries(mapper, mapping, &entries);
    for (uint32_t child = node + 1; child < nodes[node].end; child = nodes[child].end) {
        const TarnJson *entry = tarn_base_map_get(&entries, nodes[child].name);
        if (entry != NULL && !map_entry(mapper, child, false, entry)) return false;
    }
    return true;
}

static bool map_named(Mapper *mapper, uint32_t node, bool as_element, const TarnJson *mapping,
                      TarnText name) {
    TarnMap entries;
    index_entries(mapper, mapping, &entries);
    const TarnJson *entry = tarn_base_map_get(&entries, name);
    return entry == NULL || map_entry(mapper, node, as_element, entry);
}

static bool map_entry(Mapper *mapper, uint32_t node, bool as_element, const TarnJson *entry) {
    const TarnJson *fields = tarn_base_json_member(entry, "fields");
    const TarnJson *id = tarn_base_json_member(entry, "field-id");
    TarnFileShape shape = tarn_table__file_shape(mapper->footer, node, as_element);
    int64_t number = 0;
    switch (shape.kind) {
    case TARN_FILE_SHAPE_PRIMITIVE:
        if (id == NULL || id->kind == TARN_JSON_NULL) return true; /* not in the table */
        if (!tarn_base_json_int64(id, &number) || number < 1 || number > INT32_MAX) {
            return refuse_mapping(mapper, "a field-id that is no id");
        }
        mapper->field_ids[mapper->footer->nodes[node].column] = (int32_t)number;
        return true;
    case TARN_FILE_SHAPE_STRUCT: return map_entries(mapper, node, fields);
    case TARN_FILE_SHAPE_LIST:
        return map_named(mapper, shape.element, shape.is_legacy, fields, TARN_TEXT("element"));
    case TARN_FILE_SHAPE_MAP:
        return map_named(mapper, shape.key, false, fields, TARN_TEXT("key")) &&
               map_named(mapper, shape.value, false, fields, TARN_TEXT("value"));
    case TARN_FILE_SHAPE_VARIANT:
    case TARN_FILE_SHAPE_BROKEN:
    default: return true;
    }
}

bool tarn_table__file_map(const TarnParquetFooter *footer, const TarnSchema *schema,
                          const TarnJson *name_mapping, TarnArena *arena, int32_t **field_ids,
                          TarnError *error) {
    Mapper mapper = {.footer = footer, .arena = arena, .error = error};
    mapper.field_ids = TARN_NEW_ARRAY(arena, footer->column_count, int32_t);
    *field_ids = mapper.field_ids;
    if (!tarn_base_arena_check(arena, error)) return false;
    if (tarn_format_parquet_footer_has_ids(footer)) {
        map_by_id(&mapper);
    } else if (name_mapping != NULL) {
        if (name_mapping->kind != TARN_JSON_ARRAY) {
            return refuse_mapping(&mapper, "it is not a list");
        }
        if (!map_entries(&mapper, 0, name_mapping)) return false;
    } else {
        map_struct(&mapper, 0, schema->fields, schema->field_count);
    }
    return tarn_base_arena_check(arena, error);
}
