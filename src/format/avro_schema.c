/* Avro schemas: JSON to a tree of types with names resolved.
 *
 * One pass over the JSON. A named type is registered before its fields are read, so a reference
 * to it from inside makes the tree a graph; every type on the way from the reference up to it is
 * then marked recursive. When a type is complete, the least bytes a value takes are known from
 * its parts: the reader checks every count against them. A reference to a type that is still
 * open counts as no bytes, which keeps this a lower bound.
 *
 * Lenient where files in the wild are: characters of names, attributes of the wrong type (then
 * absent), unknown logical types (then none). It does not compare schemas or compute canonical
 * forms.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/map.h"
#include "format/avro_private.h"

/* A named type under its full name; `open` while its fields are being read. */
typedef struct Named {
    TarnAvroSchema *schema;
    struct Named *outer; /* the open record around it */
    bool open;
} Named;

typedef struct Parser {
    TarnArena *arena;
    const char *name; /* the user's file; NULL = a container's header */
    TarnError *error;
    TarnMap types;
    Named *innermost;
    unsigned depth;
} Parser;

static const TarnAvroSchema *parse_type(Parser *parser, const TarnJson *json, TarnText space);

#define PRIMITIVE(kind_value, constant, bytes)                                                     \
    {                                                                                              \
        .kind = (kind_value), .is_constant = (constant), .minimum_bytes = (bytes),                 \
        .element_id = TARN_AVRO_NO_ID, .key_id = TARN_AVRO_NO_ID, .value_id = TARN_AVRO_NO_ID,     \
        .adjust_to_utc = -1                                                                        \
    }

static const TarnAvroSchema primitives[] = {
    PRIMITIVE(TARN_AVRO_NULL, true, 0),   PRIMITIVE(TARN_AVRO_BOOLEAN, true, 1),
    PRIMITIVE(TARN_AVRO_INT, false, 1),   PRIMITIVE(TARN_AVRO_LONG, false, 1),
    PRIMITIVE(TARN_AVRO_FLOAT, true, 4),  PRIMITIVE(TARN_AVRO_DOUBLE, true, 8),
    PRIMITIVE(TARN_AVRO_BYTES, false, 1), PRIMITIVE(TARN_AVRO_STRING, false, 1),
};
#define PRIMITIVE_COUNT (sizeof(primitives) / sizeof(primitives[0]))

static const char *const kind_names[] = {"null",   "boolean", "int",    "long",  "float",
                                         "double", "bytes",   "string", "fixed", "enum",
                                         "record", "array",   "map",    "union"};

const char *tarn_format_avro_kind_name(TarnAvroKind kind) { return kind_names[kind]; }

static const void *refuse(Parser *parser, const TarnJson *json, const char *format, ...)
    TARN_PRINTF(3, 4);
static const void *refuse(Parser *parser, const TarnJson *json, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (parser->name != NULL) {
        tarn_base_error_set(parser->error, TARN_E_SCHEMA_FILE_INVALID, "%s", text);
        tarn_base_error_place(parser->error, parser->name, json->line, json->column);
    } else {
        tarn_base_error_set(parser->error, TARN_E_FORMAT_CORRUPT,
                            "%s, at line %u, column %u of the Avro schema", text, json->line,
                            json->column);
    }
    return NULL;
}

static const void *refuse_limit(Parser *parser, const TarnJson *json, const char *what,
                                size_t limit) {
    refuse(parser, json, "%s, more than %zu", what, limit);
    if (parser->error != NULL) parser->error->code = TARN_E_LIMIT_EXCEEDED;
    return NULL;
}

/* An arena that failed is told of once, at the end; NULL ends the parsing. */
static TarnAvroSchema *new_schema(Parser *parser, TarnAvroKind kind, const TarnJson *json) {
    TarnAvroSchema *schema = TARN_NEW(parser->arena, TarnAvroSchema);
    if (schema == NULL) return NULL;
    schema->kind = kind;
    schema->json = json;
    schema->element_id = schema->key_id = schema->value_id = TARN_AVRO_NO_ID;
    schema->adjust_to_utc = -1;
    return schema;
}

static int32_t read_id(const TarnJson *json, const char *key) {
    int64_t id = 0;
    if (!tarn_base_json_int64(tarn_base_json_member(json, key), &id)) return TARN_AVRO_NO_ID;
    return id < 0 || id > INT32_MAX ? TARN_AVRO_NO_ID : (int32_t)id;
}

static size_t add_bytes(size_t a, size_t b) {
    return a + b < TARN_AVRO_ENDLESS ? a + b : TARN_AVRO_ENDLESS;
}

/* ---- Names --------------------------------------------------------------------------------- */

static TarnText namespace_of(TarnText full_name) {
    size_t dot = full_name.size;
    while (dot > 0 && full_name.data[dot - 1] != '.') dot--;
    return (TarnText){full_name.data, dot > 0 ? dot - 1 : 0};
}

static TarnText join_name(Parser *parser, TarnText space, TarnText name) {
    if (space.size == 0 || memchr(name.data, '.', name.size) != NULL) return name;
    char *full = tarn_base_arena_alloc(parser->arena, space.size + 1 + name.size);
    if (full == NULL) return (TarnText){NULL, 0};
    memcpy(full, space.data, space.size);
    full[space.size] = '.';
    memcpy(full + space.size + 1, name.data, name.size);
    return (TarnText){full, space.size + 1 + name.size};
}

/* Gives `schema` its full name and makes it known; NULL after an error. */
static Named *register_name(Parser *parser, TarnAvroSchema *schema, TarnText space) {
    TarnText name;
    const TarnJson *json = schema->json;
    if (!tarn_base_json_text(tarn_base_json_member(json, "name"), &name) || name.size == 0) {
        refuse(parser, json, "a type of kind %s has no name", kind_names[schema->kind]);
        return NULL;
    }
    TarnText own_space;
    if (tarn_base_json_text(tarn_base_json_member(json, "namespace"), &own_space)) {
        space = own_space;
    }
    schema->full_name = join_name(parser, space, name);
    Named *named = TARN_NEW(parser->arena, Named);
    if (named == NULL || schema->full_name.data == NULL) return NULL;
    if (tarn_base_map_has(&parser->types, schema->full_name)) {
        refuse(parser, json, "the type \"%.*s\" is declared twice",
               TARN_TEXT_ARG(schema->full_name));
        return NULL;
    }
    named->schema = schema;
    tarn_base_map_put(&parser->types, schema->full_name, named);
    if (!tarn_base_json_text(tarn_base_json_member(json, "doc"), &schema->doc)) {
        schema->doc = (TarnText){NULL, 0};
    }
    return named;
}

static const TarnAvroSchema *parse_reference(Parser *parser, const TarnJson *json, TarnText space) {
    for (size_t i = 0; i < PRIMITIVE_COUNT; i++) {
        if (tarn_base_text_is(json->text, kind_names[i])) return &primitives[i];
    }
    TarnText full_name = join_name(parser, space, json->text);
    if (full_name.data == NULL) return NULL;
    Named *named = tarn_base_map_get(&parser->types, full_name);
    /* The specification is silent on a name of no namespace used within one; files have it. */
    if (named == NULL) named = tarn_base_map_get(&parser->types, json->text);
    if (named == NULL) {
        return refuse(parser, json, "the type \"%.*s\" is not declared before it is used",
                      TARN_TEXT_ARG(json->text));
    }
    if (named->open) {
        Named *on_the_way = parser->innermost;
        for (; on_the_way != named; on_the_way = on_the_way->outer) {
            on_the_way->schema->is_recursive = true;
        }
        named->schema->is_recursive = true;
    }
    return named->schema;
}

/* ---- Logical types ------------------------------------------------------------------------- */

#define ON(kind) (1u << (kind))

static const struct {
    const char *name;
    TarnAvroLogical logical;
    unsigned kinds;
} logicals[] = {
    {"decimal", TARN_AVRO_LOGICAL_DECIMAL, ON(TARN_AVRO_BYTES) | ON(TARN_AVRO_FIXED)},
    {"uuid", TARN_AVRO_LOGICAL_UUID, ON(TARN_AVRO_STRING) | ON(TARN_AVRO_FIXED)},
    {"date", TARN_AVRO_LOGICAL_DATE, ON(TARN_AVRO_INT)},
    {"time-millis", TARN_AVRO_LOGICAL_TIME_MILLIS, ON(TARN_AVRO_INT)},
    {"time-micros", TARN_AVRO_LOGICAL_TIME_MICROS, ON(TARN_AVRO_LONG)},
    {"timestamp-millis", TARN_AVRO_LOGICAL_TIMESTAMP_MILLIS, ON(TARN_AVRO_LONG)},
    {"timestamp-micros", TARN_AVRO_LOGICAL_TIMESTAMP_MICROS, ON(TARN_AVRO_LONG)},
    {"timestamp-nanos", TARN_AVRO_LOGICAL_TIMESTAMP_NANOS, ON(TARN_AVRO_LONG)},
    {"local-timestamp-millis", TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_MILLIS, ON(TARN_AVRO_LONG)},
    {"local-timestamp-micros", TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_MICROS, ON(TARN_AVRO_LONG)},
    {"local-timestamp-nanos", TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_NANOS, ON(TARN_AVRO_LONG)},
    {"duration", TARN_AVRO_LOGICAL_DURATION, ON(TARN_AVRO_FIXED)},
    {"map", TARN_AVRO_LOGICAL_MAP, ON(TARN_AVRO_ARRAY)},
};

static bool read_decimal(TarnAvroSchema *schema) {
    int64_t precision = 0;
    int64_t scale = 0;
    const TarnJson *given = tarn_base_json_member(schema->json, "scale");
    if (!tarn_base_json_int64(tarn_base_json_member(schema->json, "precision"), &precision) ||
        (given != NULL && !tarn_base_json_int64(given, &scale)) || precision < 1 ||
        precision > INT32_MAX || scale < 0 || scale > precision) {
        return false;
    }
    schema->precision = (int32_t)precision;
    schema->scale = (int32_t)scale;
    return true;
}

static bool is_entry_list(const TarnAvroSchema *schema) {
    return schema->item->kind == TARN_AVRO_RECORD && schema->item->field_count == 2;
}

static void read_logical(TarnAvroSchema *schema) {
    TarnText name;
    bool adjust;
    if (!tarn_base_json_text(tarn_base_json_member(schema->json, "logicalType"), &name)) return;
    for (size_t i = 0; i < sizeof(logicals) / sizeof(logicals[0]); i++) {
        if (!tarn_base_text_is(name, logicals[i].name)) continue;
        if ((logicals[i].kinds & ON(schema->kind)) == 0) return;
        schema->logical = logicals[i].logical;
    }
    bool is_fixed = schema->kind == TARN_AVRO_FIXED;
    bool fits = true;
    if (schema->logical == TARN_AVRO_LOGICAL_DECIMAL) fits = read_decimal(schema);
    if (schema->logical == TARN_AVRO_LOGICAL_UUID) fits = !is_fixed || schema->size == 16;
    if (schema->logical == TARN_AVRO_LOGICAL_DURATION) fits = schema->size == 12;
    if (schema->logical == TARN_AVRO_LOGICAL_MAP) fits = is_entry_list(schema);
    if (!fits) schema->logical = TARN_AVRO_LOGICAL_NONE;
    if (tarn_base_json_bool(tarn_base_json_member(schema->json, "adjust-to-utc"), &adjust)) {
        schema->adjust_to_utc = adjust ? 1 : 0;
    }
}

/* ---- Types --------------------------------------------------------------------------------- */

static const TarnAvroSchema *parse_primitive(Parser *parser, const TarnJson *json,
                                             const TarnAvroSchema *primitive) {
    /* Without attributes the shared one will do. */
    if (json->count == 1) return primitive;
    TarnAvroSchema *schema = tarn_base_arena_copy(parser->arena, primitive, sizeof(*primitive));
    if (schema == NULL) return NULL;
    schema->json = json;
    read_logical(schema);
    return schema;
}

static const TarnAvroSchema *parse_fixed(Parser *parser, const TarnJson *json, TarnText space) {
    int64_t size = 0;
    TarnAvroSchema *schema = new_schema(parser, TARN_AVRO_FIXED, json);
    if (schema == NULL || register_name(parser, schema, space) == NULL) return NULL;
    if (!tarn_base_json_int64(tarn_base_json_member(json, "size"), &size) || size < 0) {
        return refuse(parser, json, "the fixed type \"%.*s\" has no size",
                      TARN_TEXT_ARG(schema->full_name));
    }
    if ((uint64_t)size > TARN_LIMIT_AVRO_BLOCK_BYTES) {
        return refuse_limit(parser, json, "a fixed type is larger than a block may be",
                            TARN_LIMIT_AVRO_BLOCK_BYTES);
    }
    schema->size = schema->minimum_bytes = (size_t)size;
    schema->is_constant = true;
    read_logical(schema);
    return schema;
}

static const TarnAvroSchema *parse_enum(Parser *parser, const TarnJson *json, TarnText space) {
    TarnAvroSchema *schema = new_schema(parser, TARN_AVRO_ENUM, json);
    if (schema == NULL || register_name(parser, schema, space) == NULL) return NULL;
    const TarnJson *symbols = tarn_base_json_member(json, "symbols");
    if (symbols == NULL || symbols->kind != TARN_JSON_ARRAY || symbols->count == 0) {
        return refuse(parser, json, "the enum \"%.*s\" has no symbols",
                      TARN_TEXT_ARG(schema->full_name));
    }
    schema->symbols = TARN_NEW_ARRAY(parser->arena, symbols->count, TarnText);
    TarnMap seen;
    tarn_base_map_init(&seen, parser->arena);
    if (schema->symbols == NULL) return NULL;
    TARN_JSON_EACH(symbol, symbols) {
        TarnText text;
        if (!tarn_base_json_text(symbol, &text)) {
            return refuse(parser, symbol, "a symbol of the enum \"%.*s\" is not a string",
                          TARN_TEXT_ARG(schema->full_name));
        }
        if (tarn_base_map_has(&seen, text)) {
            return refuse(parser, symbol, "the enum \"%.*s\" has the symbol \"%.*s\" twice",
                          TARN_TEXT_ARG(schema->full_name), TARN_TEXT_ARG(text));
        }
        tarn_base_map_put(&seen, text, schema);
        schema->symbols[schema->symbol_count++] = text;
    }
    schema->minimum_bytes = 1;
    return schema;
}

static bool parse_field(Parser *parser, const TarnJson *json, TarnText space,
                        const TarnAvroSchema *record, TarnMap *seen, TarnAvroField *field) {
    const TarnJson *type = tarn_base_json_member(json, "type");
    if (!tarn_base_json_text(tarn_base_json_member(json, "name"), &field->name) ||
        field->name.size == 0) {
        refuse(parser, json, "a field of the record \"%.*s\" has no name",
               TARN_TEXT_ARG(record->full_name));
        return false;
    }
    if (tarn_base_map_has(seen, field->name)) {
        refuse(parser, json, "the record \"%.*s\" has the field \"%.*s\" twice",
               TARN_TEXT_ARG(record->full_name), TARN_TEXT_ARG(field->name));
        return false;
    }
    if (type == NULL) {
        refuse(parser, json, "the field \"%.*s\" of the record \"%.*s\" has no type",
               TARN_TEXT_ARG(field->name), TARN_TEXT_ARG(record->full_name));
        return false;
    }
    tarn_base_map_put(seen, field->name, field);
    field->json = json;
    field->field_id = read_id(json, "field-id");
    field->default_value = tarn_base_json_member(json, "default");
    if (!tarn_base_json_text(tarn_base_json_member(json, "doc"), &field->doc)) {
        field->doc = (TarnText){NULL, 0};
    }
    field->type = parse_type(parser, type, space);
    return field->type != NULL;
}

static const TarnAvroSchema *parse_record(Parser *parser, const TarnJson *json, TarnText space) {
    TarnAvroSchema *schema = new_schema(parser, TARN_AVRO_RECORD, json);
    Named *named = schema != NULL ? register_name(parser, schema, space) : NULL;
    if (named == NULL) return NULL;
    const TarnJson *fields = tarn_base_json_member(json, "fields");
    if (fields == NULL || fields->kind != TARN_JSON_ARRAY) {
        return refuse(parser, json, "the record \"%.*s\" has no fields",
                      TARN_TEXT_ARG(schema->full_name));
    }
    if (fields->count > TARN_LIMIT_COLUMNS) {
        return refuse_limit(parser, fields, "a record has too many fields", TARN_LIMIT_COLUMNS);
    }
    schema->fields = TARN_NEW_ARRAY(parser->arena, fields->count, TarnAvroField);
    TarnMap seen;
    tarn_base_map_init(&seen, parser->arena);
    if (schema->fields == NULL) return NULL;
    named->open = true;
    named->outer = parser->innermost;
    parser->innermost = named;
    bool is_constant = true;
    size_t minimum = 0;
    TarnText inner_space = namespace_of(schema->full_name);
    TARN_JSON_EACH(child, fields) {
        TarnAvroField *field = &schema->fields[schema->field_count++];
        if (!parse_field(parser, child, inner_space, schema, &seen, field)) return NULL;
        is_constant = is_constant && field->type->is_constant;
        minimum = add_bytes(minimum, field->type->minimum_bytes);
    }
    parser->innermost = named->outer;
    named->open = false;
    schema->is_constant = is_constant && minimum < TARN_AVRO_ENDLESS;
    schema->minimum_bytes = minimum;
    return schema;
}

static const TarnAvroSchema *parse_array(Parser *parser, const TarnJson *json, TarnText space) {
    const TarnJson *items = tarn_base_json_member(json, "items");
    TarnAvroSchema *schema = new_schema(parser, TARN_AVRO_ARRAY, json);
    if (schema == NULL) return NULL;
    if (items == NULL) return refuse(parser, json, "an array type has no \"items\"");
    schema->item = parse_type(parser, items, space);
    if (schema->item == NULL) return NULL;
    schema->element_id = read_id(json, "element-id");
    schema->minimum_bytes = 1;
    read_logical(schema);
    return schema;
}

static const TarnAvroSchema *parse_map(Parser *parser, const TarnJson *json, TarnText space) {
    const TarnJson *values = tarn_base_json_member(json, "values");
    TarnAvroSchema *schema = new_schema(parser, TARN_AVRO_MAP, json);
    TarnAvroField *fields = TARN_NEW_ARRAY(parser->arena, 2, TarnAvroField);
    if (schema == NULL || fields == NULL) return NULL;
    if (values == NULL) return refuse(parser, json, "a map type has no \"values\"");
    schema->item = parse_type(parser, values, space);
    if (schema->item == NULL) return NULL;
    schema->key_id = read_id(json, "key-id");
    schema->value_id = read_id(json, "value-id");
    fields[0] = (TarnAvroField){.name = TARN_TEXT("key"),
                                .type = &primitives[TARN_AVRO_STRING],
                                .field_id = schema->key_id};
    fields[1] = (TarnAvroField){
        .name = TARN_TEXT("value"), .type = schema->item, .field_id = schema->value_id};
    schema->fields = fields;
    schema->field_count = 2;
    schema->minimum_bytes = 1;
    return schema;
}

/* A union may hold each unnamed kind once, and each named type once. */
static bool check_branch(Parser *parser, const TarnJson *json, const TarnAvroSchema *branch,
                         unsigned *kinds, TarnMap *names) {
    if (branch->kind == TARN_AVRO_UNION) {
        refuse(parser, json, "a union is directly within a union");
        return false;
    }
    bool is_named = branch->full_name.data != NULL;
    bool twice = is_named ? tarn_base_map_has(names, branch->full_name)
                          : (*kinds & ON(branch->kind)) != 0;
    if (twice) {
        refuse(parser, json, "a union has two branches of the type %s", kind_names[branch->kind]);
        return false;
    }
    if (is_named) {
        tarn_base_map_put(names, branch->full_name, names);
    } else {
        *kinds |= ON(branch->kind);
    }
    return true;
}

static const TarnAvroSchema *parse_union(Parser *parser, const TarnJson *json, TarnText space) {
    if (json->count == 0) return refuse(parser, json, "a union has no branches");
    if (json->count > TARN_LIMIT_COLUMNS) {
        return refuse_limit(parser, json, "a union has too many branches", TARN_LIMIT_COLUMNS);
    }
    TarnAvroSchema *schema = new_schema(parser, TARN_AVRO_UNION, json);
    if (schema == NULL) return NULL;
    schema->branches = tarn_base_arena_array(parser->arena, json->count, sizeof(schema));
    TarnMap names;
    tarn_base_map_init(&names, parser->arena);
    if (schema->branches == NULL) return NULL;
    unsigned kinds = 0;
    size_t minimum = TARN_AVRO_ENDLESS;
    TARN_JSON_EACH(child, json) {
        const TarnAvroSchema *branch = parse_type(parser, child, space);
        if (branch == NULL || !check_branch(parser, child, branch, &kinds, &names)) return NULL;
        schema->branches[schema->branch_count++] = branch;
        if (branch->minimum_bytes < minimum) minimum = branch->minimum_bytes;
    }
    schema->minimum_bytes = add_bytes(1, minimum);
    return schema;
}

static const TarnAvroSchema *parse_object(Parser *parser, const TarnJson *json, TarnText space) {
    const TarnJson *type = tarn_base_json_member(json, "type");
    if (type == NULL) return refuse(parser, json, "a type has no \"type\"");
    /* {"type": {"type": "array", ...}}: the outer object says nothing of its own. */
    if (type->kind != TARN_JSON_STRING) return parse_type(parser, type, space);
    for (size_t i = 0; i < PRIMITIVE_COUNT; i++) {
        if (tarn_base_text_is(type->text, kind_names[i])) {
            return parse_primitive(parser, json, &primitives[i]);
        }
    }
    if (tarn_base_text_is(type->text, "record") || tarn_base_text_is(type->text, "error")) {
        return parse_record(parser, json, space);
    }
    if (tarn_base_text_is(type->text, "enum")) return parse_enum(parser, json, space);
    if (tarn_base_text_is(type->text, "fixed")) return parse_fixed(parser, json, space);
    if (tarn_base_text_is(type->text, "array")) return parse_array(parser, json, space);
    if (tarn_base_text_is(type->text, "map")) return parse_map(parser, json, space);
    return parse_reference(parser, type, space);
}

/* `space` is the enclosing namespace. NULL after an error or when the arena failed. */
static const TarnAvroSchema *parse_type(Parser *parser, const TarnJson *json, TarnText space) {
    if (parser->depth >= TARN_LIMIT_NESTING) {
        return refuse_limit(parser, json, "types are nested too deeply", TARN_LIMIT_NESTING);
    }
    parser->depth++;
    const TarnAvroSchema *schema = NULL;
    switch (json->kind) {
    case TARN_JSON_STRING: schema = parse_reference(parser, json, space); break;
    case TARN_JSON_ARRAY: schema = parse_union(parser, json, space); break;
    case TARN_JSON_OBJECT: schema = parse_object(parser, json, space); break;
    case TARN_JSON_NULL:
    case TARN_JSON_BOOL:
    case TARN_JSON_NUMBER:
        refuse(parser, json, "a type is neither a string, an array nor an object");
        break;
    }
    parser->depth--;
    return schema;
}

bool tarn_format_avro_schema_from_json(const TarnJson *json, const char *name, TarnArena *arena,
                                       const TarnAvroSchema **schema, TarnError *error) {
    Parser parser = {.arena = arena, .name = name, .error = error};
    tarn_base_map_init(&parser.types, arena);
    *schema = parse_type(&parser, json, (TarnText){"", 0});
    if (!tarn_base_arena_check(arena, error)) *schema = NULL;
    return *schema != NULL;
}

bool tarn_format_avro_schema_parse(TarnText json, const char *name, TarnArena *arena,
                                   const TarnAvroSchema **schema, TarnError *error) {
    TarnJson *root = NULL;
    *schema = NULL;
    if (!tarn_base_json_parse(json, name, arena, &root, error)) {
        if (error == NULL || error->code != TARN_E_JSON_SYNTAX) return false;
        error->code = name != NULL ? TARN_E_SCHEMA_FILE_INVALID : TARN_E_FORMAT_CORRUPT;
        return tarn_base_error_context(error, "reading an Avro schema");
    }
    if (tarn_format_avro_schema_from_json(root, name, arena, schema, error)) return true;
    if (error != NULL && error->line > 0) tarn_base_error_excerpt(error, json.data, json.size);
    return false;
}

/* ---- Questions ----------------------------------------------------------------------------- */

const TarnAvroField *tarn_format_avro_schema_field(const TarnAvroSchema *record, TarnText name) {
    for (size_t i = 0; record->kind == TARN_AVRO_RECORD && i < record->field_count; i++) {
        if (tarn_base_text_equal(record->fields[i].name, name)) return &record->fields[i];
    }
    return NULL;
}

const TarnAvroField *tarn_format_avro_schema_field_by_id(const TarnAvroSchema *record, int32_t id) {
    for (size_t i = 0; record->kind == TARN_AVRO_RECORD && i < record->field_count; i++) {
        if (id >= 0 && record->fields[i].field_id == id) return &record->fields[i];
    }
    return NULL;
}

const TarnAvroSchema *tarn_format_avro_schema_required(const TarnAvroSchema *schema) {
    if (schema->kind != TARN_AVRO_UNION) return schema;
    if (schema->branch_count == 1) return schema->branches[0];
    if (schema->branch_count != 2) return NULL;
    if (schema->branches[0]->kind == TARN_AVRO_NULL) return schema->branches[1];
    if (schema->branches[1]->kind == TARN_AVRO_NULL) return schema->branches[0];
    return NULL;
}

bool tarn_format_avro_schema_is_nullable(const TarnAvroSchema *schema) {
    if (schema->kind == TARN_AVRO_NULL) return true;
    for (size_t i = 0; schema->kind == TARN_AVRO_UNION && i < schema->branch_count; i++) {
        if (schema->branches[i]->kind == TARN_AVRO_NULL) return true;
    }
    return false;
}
