/* Avro types -> column types.
 *
 * Timestamps are those of Iceberg: with a zone unless local (or adjust-to-utc is false). What has
 * no column type (unions of several types, recursive records, records without fields, decimals of
 * more than 38 digits, durations) becomes JSON text when a data file has it, and is refused when
 * a schema file asks for it.
 */
#include "source/avro_private.h"

#include "base/limits.h"

typedef struct Mapping {
    const TarnAvroMapping *options;
    TarnArena *arena;
    TarnError *error;
    uint32_t depth;
} Mapping;

static bool map_type(Mapping *mapping, const TarnAvroSchema *schema, TarnColumn *column);

static bool as_text(Mapping *mapping, const TarnAvroSchema *schema, const char *what,
                    TarnColumn *column) {
    column->type.kind = TARN_TYPE_STRING;
    if (mapping->options->file == NULL) return true;
    tarn_base_error_set(mapping->error, TARN_E_SCHEMA_FILE_INVALID,
                        "\"%s\" cannot be a column: %s has no column type", column->name, what);
    if (schema->json != NULL) {
        tarn_base_error_place(mapping->error, mapping->options->file, schema->json->line,
                              schema->json->column);
    }
    return false;
}

static void map_logical(const TarnAvroSchema *schema, TarnPrimitive *type) {
    bool zoned = schema->adjust_to_utc != 0;
    switch (schema->logical) {
    case TARN_AVRO_LOGICAL_DECIMAL:
        *type = (TarnPrimitive){.kind = TARN_TYPE_DECIMAL,
                                .precision = schema->precision,
                                .scale = schema->scale};
        break;
    case TARN_AVRO_LOGICAL_UUID: type->kind = TARN_TYPE_UUID; break;
    case TARN_AVRO_LOGICAL_DATE: type->kind = TARN_TYPE_DATE; break;
    case TARN_AVRO_LOGICAL_TIME_MILLIS:
    case TARN_AVRO_LOGICAL_TIME_MICROS: type->kind = TARN_TYPE_TIME; break;
    case TARN_AVRO_LOGICAL_TIMESTAMP_MILLIS:
    case TARN_AVRO_LOGICAL_TIMESTAMP_MICROS:
        type->kind = zoned ? TARN_TYPE_TIMESTAMPTZ : TARN_TYPE_TIMESTAMP;
        break;
    case TARN_AVRO_LOGICAL_TIMESTAMP_NANOS:
        type->kind = zoned ? TARN_TYPE_TIMESTAMPTZ_NS : TARN_TYPE_TIMESTAMP_NS;
        break;
    case TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_MILLIS:
    case TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_MICROS: type->kind = TARN_TYPE_TIMESTAMP; break;
    case TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_NANOS: type->kind = TARN_TYPE_TIMESTAMP_NS; break;
    default: break;
    }
}

static bool map_children(Mapping *mapping, const TarnAvroSchema *const *types,
                         const char *const *names, size_t count, TarnColumn *column) {
    column->child_count = count;
    column->children = TARN_NEW_ARRAY(mapping->arena, count + 1, TarnColumn);
    if (column->children == NULL) return tarn_base_arena_check(mapping->arena, mapping->error);
    for (size_t i = 0; i < count; i++) {
        column->children[i].name = names[i];
        if (!map_type(mapping, types[i], &column->children[i])) return false;
    }
    return true;
}

static bool map_record(Mapping *mapping, const TarnAvroSchema *schema, TarnColumn *column) {
    size_t count = schema->field_count;
    const TarnAvroSchema **types = TARN_NEW_ARRAY(mapping->arena, count + 1,
                                                  const TarnAvroSchema *);
    const char **names = TARN_NEW_ARRAY(mapping->arena, count + 1, const char *);
    for (size_t i = 0; types != NULL && names != NULL && i < count; i++) {
        types[i] = schema->fields[i].type;
        names[i] = tarn_base_text_string(mapping->arena, schema->fields[i].name);
    }
    if (!tarn_base_arena_check(mapping->arena, mapping->error)) return false;
    column->type.kind = TARN_TYPE_STRUCT;
    if (!map_children(mapping, types, names, count, column)) return false;
    for (size_t i = 0; i < count; i++) {
        TarnText doc = schema->fields[i].doc;
        if (doc.size > 0) column->children[i].doc = tarn_base_text_string(mapping->arena, doc);
    }
    return tarn_base_arena_check(mapping->arena, mapping->error);
}

static bool map_map(Mapping *mapping, const TarnAvroSchema *key, const TarnAvroSchema *value,
                    TarnColumn *column) {
    static const char *const names[] = {"key", "value"};
    const TarnAvroSchema *types[] = {key, value};
    column->type.kind = TARN_TYPE_MAP;
    if (!map_children(mapping, types, names, 2, column)) return false;
    column->children[0].required = true;
    return true;
}

static bool map_required(Mapping *mapping, const TarnAvroSchema *schema, TarnColumn *column) {
    static const TarnTypeKind kinds[] = {
        [TARN_AVRO_NULL] = TARN_TYPE_STRING,    [TARN_AVRO_BOOLEAN] = TARN_TYPE_BOOLEAN,
        [TARN_AVRO_INT] = TARN_TYPE_INT,        [TARN_AVRO_LONG] = TARN_TYPE_LONG,
        [TARN_AVRO_FLOAT] = TARN_TYPE_FLOAT,    [TARN_AVRO_DOUBLE] = TARN_TYPE_DOUBLE,
        [TARN_AVRO_BYTES] = TARN_TYPE_BINARY,   [TARN_AVRO_STRING] = TARN_TYPE_STRING,
        [TARN_AVRO_FIXED] = TARN_TYPE_FIXED,    [TARN_AVRO_ENUM] = TARN_TYPE_STRING};
    static const char *const element[] = {"element"};
    switch (schema->kind) {
    case TARN_AVRO_RECORD:
        if (schema->is_recursive) return as_text(mapping, schema, "a recursive record", column);
        if (schema->field_count == 0) {
            return as_text(mapping, schema, "a record without fields", column);
        }
        return map_record(mapping, schema, column);
    case TARN_AVRO_ARRAY:
        if (schema->logical == TARN_AVRO_LOGICAL_MAP) {
            return map_map(mapping, schema->item->fields[0].type, schema->item->fields[1].type,
                           column);
        }
        column->type.kind = TARN_TYPE_LIST;
        return map_children(mapping, (const TarnAvroSchema *const[]){schema->item}, element, 1,
                            column);
    case TARN_AVRO_MAP:
        return map_map(mapping, schema->fields[0].type, schema->fields[1].type, column);
    case TARN_AVRO_UNION: return as_text(mapping, schema, "a union of several types", column);
    default: break;
    }
    bool too_precise = schema->logical == TARN_AVRO_LOGICAL_DECIMAL && schema->precision > 38;
    if (too_precise) return as_text(mapping, schema, "a decimal of more than 38 digits", column);
    if (schema->logical == TARN_AVRO_LOGICAL_DURATION) {
        return as_text(mapping, schema, "a duration", column);
    }
    column->type = (TarnPrimitive){.kind = kinds[schema->kind]};
    if (schema->kind == TARN_AVRO_FIXED) {
        if (schema->size == 0 || schema->size > INT32_MAX) {
            return as_text(mapping, schema, "a fixed of that size", column);
        }
        column->type.length = (int32_t)schema->size;
    }
    map_logical(schema, &column->type);
    return true;
}

static bool map_type(Mapping *mapping, const TarnAvroSchema *schema, TarnColumn *column) {
    if (mapping->depth >= TARN_LIMIT_NESTING) {
        return tarn_base_error_set(mapping->error, TARN_E_LIMIT_EXCEEDED,
                                   "the Avro schema nests deeper than %d levels",
                                   TARN_LIMIT_NESTING);
    }
    const TarnAvroSchema *inner = tarn_format_avro_schema_required(schema);
    bool nullable = tarn_format_avro_schema_is_nullable(schema) ||
                    schema->kind == TARN_AVRO_NULL;
    column->required = mapping->options->as_required && !nullable;
    mapping->depth++;
    bool ok = map_required(mapping, inner != NULL ? inner : schema, column);
    mapping->depth--;
    return ok;
}

bool tarn_source__avro_columns(const TarnAvroSchema *record, const TarnAvroMapping *options,
                               TarnArena *arena, TarnColumn **columns, size_t *count,
                               TarnError *error) {
    Mapping mapping = {.options = options, .arena = arena, .error = error};
    TarnColumn root = {.name = "record"};
    if (record->kind != TARN_AVRO_RECORD || record->is_recursive || record->field_count == 0 ||
        record->field_count > TARN_LIMIT_COLUMNS) {
        TarnErrorCode code = options->file != NULL ? TARN_E_SCHEMA_FILE_INVALID
                                                   : TARN_E_FORMAT_UNSUPPORTED;
        tarn_base_error_set(error, code,
                            "the Avro schema is not a record of 1 to %d fields that does not "
                            "contain itself", TARN_LIMIT_COLUMNS);
        if (options->file != NULL) tarn_base_error_place(error, options->file, 1, 1);
        return false;
    }
    if (!map_record(&mapping, record, &root)) return false;
    *columns = root.children;
    *count = root.child_count;
    return true;
}
