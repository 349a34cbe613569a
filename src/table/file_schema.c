/* The schema of a Parquet file as a table's schema.
 *
 * Walks the tree of nodes; names come from the file, lists and maps get the names Iceberg gives
 * their parts. Types widen where Iceberg has no equal, and are refused by the column's name where
 * widening would lose values. The depth of the result is the file's, which the footer's parser
 * has limited.
 */
#include <stdio.h>

#include "base/limits.h"
#include "table/file_metrics_private.h"
#include "table/metadata_private.h"
#include "table/schema_private.h"

typedef struct Builder {
    const TarnParquetFooter *footer;
    const char *name;
    TarnFileSchemaUse use;
    TarnArena *arena;
    TarnError *error;
    bool has_ids; /* every field so far had one */
} Builder;

static bool refuse(const Builder *builder, uint32_t node, const char *what, const char *hint) {
    const char *path = tarn_format_parquet_footer_path(builder->footer, node, builder->arena);
    if (!tarn_base_arena_check(builder->arena, builder->error)) return false;
    tarn_base_error_set(builder->error, TARN_E_SCHEMA_CHANGE_REFUSED,
                        "the column \"%s\" of \"%s\" %s", path, builder->name, what);
    return hint == NULL ? false : tarn_base_error_hint(builder->error, "%s", hint);
}

static bool refuse_type(const Builder *builder, uint32_t node, const char *hint) {
    char type[TARN_FILE_TYPE_BYTES];
    char what[TARN_FILE_TYPE_BYTES + 48];
    snprintf(what, sizeof(what), "is %s, which Iceberg has no equal for",
             tarn_table__file_type_name(&builder->footer->nodes[node], type));
    return refuse(builder, node, what, hint);
}

/* ---- primitive types ---- */

static bool integer_type(const Builder *builder, uint32_t node, TarnTypeKind plain,
                         TarnPrimitive *type) {
    const TarnParquetLogical *logical = &builder->footer->nodes[node].logical;
    type->kind = plain;
    if (logical->kind != TARN_PARQUET_LOGICAL_INTEGER || logical->is_signed) return true;
    if (logical->bit_width == 64) {
        return refuse_type(builder, node, "write it as DECIMAL(20, 0)");
    }
    if (logical->bit_width == 32) type->kind = TARN_TYPE_LONG;
    return true;
}

static bool decimal_type(const Builder *builder, uint32_t node, TarnPrimitive *type) {
    const TarnParquetLogical *logical = &builder->footer->nodes[node].logical;
    if (logical->precision > 38) {
        return refuse_type(builder, node, "decimals have 38 digits at most");
    }
    *type = (TarnPrimitive){
        .kind = TARN_TYPE_DECIMAL, .precision = logical->precision, .scale = logical->scale};
    return true;
}

static bool timestamp_type(const TarnParquetLogical *logical, TarnPrimitive *type) {
    bool nanos = logical->unit == TARN_PARQUET_NANOS;
    if (logical->adjusted_to_utc) {
        type->kind = nanos ? TARN_TYPE_TIMESTAMPTZ_NS : TARN_TYPE_TIMESTAMPTZ;
    } else {
        type->kind = nanos ? TARN_TYPE_TIMESTAMP_NS : TARN_TYPE_TIMESTAMP;
    }
    return true;
}

static bool number_type(const Builder *builder, uint32_t node, TarnPrimitive *type) {
    const TarnParquetNode *self = &builder->footer->nodes[node];
    bool is_long = self->physical == TARN_PARQUET_INT64;
    switch (self->logical.kind) {
    case TARN_PARQUET_LOGICAL_NONE:
    case TARN_PARQUET_LOGICAL_INTEGER:
        return integer_type(builder, node, is_long ? TARN_TYPE_LONG : TARN_TYPE_INT, type);
    case TARN_PARQUET_LOGICAL_DECIMAL: return decimal_type(builder, node, type);
    case TARN_PARQUET_LOGICAL_DATE:
        type->kind = TARN_TYPE_DATE;
        return !is_long || refuse_type(builder, node, NULL);
    case TARN_PARQUET_LOGICAL_TIME: type->kind = TARN_TYPE_TIME; return true;
    case TARN_PARQUET_LOGICAL_TIMESTAMP:
        return is_long ? timestamp_type(&self->logical, type) : refuse_type(builder, node, NULL);
    default: return refuse_type(builder, node, NULL);
    }
}

static bool fixed_type(const Builder *builder, uint32_t node, TarnPrimitive *type) {
    const TarnParquetNode *self = &builder->footer->nodes[node];
    switch (self->logical.kind) {
    case TARN_PARQUET_LOGICAL_DECIMAL: return decimal_type(builder, node, type);
    case TARN_PARQUET_LOGICAL_UUID:
        type->kind = TARN_TYPE_UUID;
        return self->type_length == 16 || refuse_type(builder, node, NULL);
    case TARN_PARQUET_LOGICAL_INTERVAL:
        return refuse_type(builder, node, "write it as a text or as a number of seconds");
    case TARN_PARQUET_LOGICAL_FLOAT16:
        type->kind = TARN_TYPE_FLOAT;
        return builder->use == TARN_FILE_SCHEMA_LOAD || refuse_type(builder, node, NULL);
    default:
        *type = (TarnPrimitive){.kind = TARN_TYPE_FIXED, .length = self->type_length};
        return true;
    }
}

/* "geometry(srid:3857)": the parameters are carried as Iceberg's own text of the type. */
static bool geo_type(const Builder *builder, const TarnParquetLogical *logical, TarnType *type) {
    static const char *const algorithms[] = {"spherical", "vincenty", "thomas", "andoyer",
                                             "karney"};
    bool geography = logical->kind == TARN_PARQUET_LOGICAL_GEOGRAPHY;
    const char *name = geography ? "geography" : "geometry";
    TarnText crs = logical->crs.data != NULL ? logical->crs : TARN_TEXT("OGC:CRS84");
    int32_t edge = logical->edge_algorithm;
    bool has_edge = geography && edge >= 0 && edge < 5;
    type->primitive.kind = geography ? TARN_TYPE_GEOGRAPHY : TARN_TYPE_GEOMETRY;
    if (logical->crs.data == NULL && !has_edge) {
        type->text = tarn_base_text(name);
        return true;
    }
    char *text = tarn_base_arena_printf(builder->arena, "%s(%.*s%s%s)", name, TARN_TEXT_ARG(crs),
                                        has_edge ? ", " : "", has_edge ? algorithms[edge] : "");
    type->text = tarn_base_text(text);
    return tarn_base_arena_check(builder->arena, builder->error);
}

static bool bytes_type(const Builder *builder, uint32_t node, TarnType *type) {
    const TarnParquetLogical *logical = &builder->footer->nodes[node].logical;
    switch (logical->kind) {
    case TARN_PARQUET_LOGICAL_STRING:
    case TARN_PARQUET_LOGICAL_ENUM:
    case TARN_PARQUET_LOGICAL_JSON: type->primitive.kind = TARN_TYPE_STRING; return true;
    case TARN_PARQUET_LOGICAL_DECIMAL: return decimal_type(builder, node, &type->primitive);
    case TARN_PARQUET_LOGICAL_GEOMETRY:
    case TARN_PARQUET_LOGICAL_GEOGRAPHY: return geo_type(builder, logical, type);
    default: type->primitive.kind = TARN_TYPE_BINARY; return true;
    }
}

static bool primitive_type(const Builder *builder, uint32_t node, TarnType *type) {
    const TarnParquetNode *self = &builder->footer->nodes[node];
    if (self->logical.kind == TARN_PARQUET_LOGICAL_NULL) {
        type->primitive.kind = TARN_TYPE_UNKNOWN;
        return true;
    }
    switch (self->physical) {
    case TARN_PARQUET_BOOLEAN: type->primitive.kind = TARN_TYPE_BOOLEAN; return true;
    case TARN_PARQUET_FLOAT: type->primitive.kind = TARN_TYPE_FLOAT; return true;
    case TARN_PARQUET_DOUBLE: type->primitive.kind = TARN_TYPE_DOUBLE; return true;
    case TARN_PARQUET_INT96:
        type->primitive.kind = TARN_TYPE_TIMESTAMPTZ;
        return builder->use == TARN_FILE_SCHEMA_LOAD ||
               refuse(builder, node, "is INT96, which a table's files must not have",
                      "load the file instead");
    case TARN_PARQUET_INT32:
    case TARN_PARQUET_INT64: return number_type(builder, node, &type->primitive);
    case TARN_PARQUET_FIXED: return fixed_type(builder, node, &type->primitive);
    case TARN_PARQUET_BYTE_ARRAY: return bytes_type(builder, node, type);
    case TARN_PARQUET_GROUP:
    default: return refuse_type(builder, node, NULL);
    }
}

/* ---- nested types ---- */

static bool build_type(Builder *builder, uint32_t node, bool as_element, TarnType *type);

static bool build_field(Builder *builder, uint32_t node, bool as_element, const char *name,
                        TarnField *field) {
    int64_t id = builder->footer->nodes[node].field_id;
    bool usable = id > 0 && id <= TARN_TABLE_FIELD_ID_MAX;
    field->id = usable ? (int32_t)id : 0;
    builder->has_ids = builder->has_ids && usable;
    field->name = name;
    return build_type(builder, node, as_element, &field->type);
}

static bool build_fields(Builder *builder, uint32_t node, TarnField **fields, size_t *count) {
    const TarnParquetNode *nodes = builder->footer->nodes;
    *fields = TARN_NEW_ARRAY(builder->arena, nodes[node].child_count, TarnField);
    if (!tarn_base_arena_check(builder->arena, builder->error)) return false;
    for (uint32_t child = node + 1; child < nodes[node].end; child = nodes[child].end) {
        const char *name = tarn_base_text_string(builder->arena, nodes[child].name);
        if (!tarn_base_arena_check(builder->arena, builder->error)) return false;
        if (!build_field(builder, child, false, name, &(*fields)[(*count)++])) return false;
    }
    return true;
}

static bool build_parts(Builder *builder, const TarnFileShape *shape, uint32_t node,
                        TarnType *type) {
    bool is_list = shape->kind == TARN_FILE_SHAPE_LIST;
    if (is_list && shape->is_legacy && builder->use == TARN_FILE_SCHEMA_REGISTER) {
        return refuse(builder, node,
                      "is a list of the old two-level form, which a table's files "
                      "must not have",
                      "load the file instead");
    }
    type->primitive.kind = is_list ? TARN_TYPE_LIST : TARN_TYPE_MAP;
    type->field_count = is_list ? 1 : 2;
    type->fields = TARN_NEW_ARRAY(builder->arena, type->field_count, TarnField);
    if (!tarn_base_arena_check(builder->arena, builder->error)) return false;
    if (is_list) {
        return build_field(builder, shape->element, shape->is_legacy, "element", &type->fields[0]);
    }
    type->fields[0].required = true; /* keys are */
    return build_field(builder, shape->key, false, "key", &type->fields[0]) &&
           build_field(builder, shape->value, false, "value", &type->fields[1]);
}

static bool build_type(Builder *builder, uint32_t node, bool as_element, TarnType *type) {
    TarnFileShape shape = tarn_table__file_shape(builder->footer, node, as_element);
    switch (shape.kind) {
    case TARN_FILE_SHAPE_PRIMITIVE: return primitive_type(builder, node, type);
    case TARN_FILE_SHAPE_STRUCT:
        type->primitive.kind = TARN_TYPE_STRUCT;
        if (builder->footer->nodes[node].child_count == 0) {
            return refuse(builder, node, "is a group without fields", NULL);
        }
        return build_fields(builder, node, &type->fields, &type->field_count);
    case TARN_FILE_SHAPE_LIST:
    case TARN_FILE_SHAPE_MAP: return build_parts(builder, &shape, node, type);
    case TARN_FILE_SHAPE_VARIANT: type->primitive.kind = TARN_TYPE_VARIANT; return true;
    case TARN_FILE_SHAPE_BROKEN:
    default:
        return refuse(builder, node, "is marked as a list or map but does not have its form", NULL);
    }
}

/* ---- the schema ---- */

static void note_ids(const TarnField *fields, size_t count, int64_t *ids, size_t *used) {
    for (size_t i = 0; i < count; i++) {
        ids[(*used)++] = fields[i].id;
        note_ids(fields[i].type.fields, fields[i].type.field_count, ids, used);
    }
}

static bool ids_differ(const TarnField *fields, size_t count, int64_t *ids, int32_t *highest) {
    size_t used = 0;
    int64_t twice;
    note_ids(fields, count, ids, &used);
    TarnIdSet set = tarn_table__id_set(ids, used);
    *highest = used > 0 ? (int32_t)set.ids[used - 1] : 0;
    return !tarn_table__id_set_duplicate(&set, &twice);
}

bool tarn_table_schema_from_footer(const TarnParquetFooter *footer, const char *name,
                                   TarnFileSchemaUse use, TarnArena *arena, TarnSchema *schema,
                                   int32_t *last_column_id, bool *has_ids, TarnError *error) {
    Builder builder = {.footer = footer,
                       .name = name,
                       .use = use,
                       .arena = arena,
                       .error = error,
                       .has_ids = true};
    *schema = (TarnSchema){.id = 0};
    *last_column_id = 0;
    *has_ids = false;
    if (footer->column_count > TARN_LIMIT_COLUMNS) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "\"%s\" has %zu columns, the limit is %d", name,
                                   footer->column_count, TARN_LIMIT_COLUMNS);
    }
    if (!build_fields(&builder, 0, &schema->fields, &schema->field_count)) return false;
    /* A bare repeated node is two fields, a list and its element; every other is one at most. */
    int64_t *ids = TARN_NEW_ARRAY(arena, footer->node_count * 2, int64_t);
    if (!tarn_base_arena_check(arena, error)) return false;
    *has_ids = builder.has_ids && schema->field_count > 0 &&
               ids_differ(schema->fields, schema->field_count, ids, last_column_id);
    if (!*has_ids) tarn_table_schema_assign_ids(schema, last_column_id);
    return true;
}
