/* JSON Schema (draft 2020-12) -> columns.
 *
 * Read are types, properties, required, items, the formats of dates, times and uuids, and
 * base64 content. Keywords that would restrict values further are refused by name: to take them in
 * silence would be to promise a check that is not made. A property's description is kept with its
 * column; other annotations are passed over.
 */
#include "source/avro_private.h"

#include <string.h>

#include "base/limits.h"

typedef struct SchemaReader {
    TarnText text;
    const char *file;
    TarnArena *arena;
    TarnError *error;
    uint32_t depth;
} SchemaReader;

static bool refuse_at(SchemaReader *reader, uint32_t line, uint32_t column) {
    tarn_base_error_place(reader->error, reader->file, line, column);
    return tarn_base_error_excerpt(reader->error, reader->text.data, reader->text.size);
}

static bool refuse(SchemaReader *reader, const TarnJson *at, const char *message) {
    tarn_base_error_set(reader->error, TARN_E_SCHEMA_FILE_INVALID, "%s", message);
    return refuse_at(reader, at->line, at->column);
}

static bool is_one_of(TarnText text, const char *const *words) {
    for (; *words != NULL; words++) {
        if (tarn_base_text_is(text, *words)) return true;
    }
    return false;
}

static bool check_keywords(SchemaReader *reader, const TarnJson *schema) {
    static const char *const read[] = {"type", "properties", "required", "items", "format",
                                       "contentEncoding", "additionalProperties", NULL};
    static const char *const annotations[] = {
        "$schema", "$id", "$comment", "$anchor", "$vocabulary", "$defs", "definitions", "title",
        "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
        "contentMediaType", NULL};
    TARN_JSON_EACH(member, schema) {
        if (is_one_of(member->key, read) || is_one_of(member->key, annotations)) continue;
        tarn_base_error_set(reader->error, TARN_E_SCHEMA_FILE_INVALID,
                            "the keyword \"%.*s\" is not supported", TARN_TEXT_ARG(member->key));
        tarn_base_error_hint(reader->error, "remove it here and state the rule as a check");
        return refuse_at(reader, member->key_line, member->key_column);
    }
    return true;
}

/* "type": one name, or a list of one name and "null". */
static bool read_type(SchemaReader *reader, const TarnJson *schema, TarnText *type,
                      bool *nullable) {
    const TarnJson *value = tarn_base_json_member(schema, "type");
    *nullable = false;
    *type = TARN_TEXT("");
    if (value == NULL) {
        if (tarn_base_json_member(schema, "properties") == NULL) {
            return refuse(reader, schema, "a type is missing");
        }
        *type = TARN_TEXT("object");
        return true;
    }
    if (value->kind == TARN_JSON_STRING) {
        *type = value->text;
        *nullable = tarn_base_text_is(value->text, "null");
        return true;
    }
    if (value->kind != TARN_JSON_ARRAY) return refuse(reader, value, "\"type\" must be a text");
    TARN_JSON_EACH(item, value) {
        if (item->kind != TARN_JSON_STRING) return refuse(reader, item, "a type must be a text");
        if (tarn_base_text_is(item->text, "null")) {
            *nullable = true;
        } else if (type->size > 0) {
            return refuse(reader, item, "a column can have one type, and null");
        } else {
            *type = item->text;
        }
    }
    if (type->size == 0) *type = TARN_TEXT("null");
    return true;
}

static bool read_schema(SchemaReader *reader, const TarnJson *schema, TarnColumn *column,
                        bool *nullable);

static bool read_text_type(SchemaReader *reader, const TarnJson *schema, TarnColumn *column) {
    static const struct {
        const char *format;
        TarnTypeKind kind;
    } formats[] = {{"date", TARN_TYPE_DATE},         {"date-time", TARN_TYPE_TIMESTAMPTZ},
                   {"time", TARN_TYPE_TIME},         {"uuid", TARN_TYPE_UUID}};
    const TarnJson *format = tarn_base_json_member(schema, "format");
    const TarnJson *encoding = tarn_base_json_member(schema, "contentEncoding");
    column->type.kind = TARN_TYPE_STRING;
    if (encoding != NULL) {
        bool known = encoding->kind == TARN_JSON_STRING &&
                     tarn_base_text_is(encoding->text, "base64");
        if (!known) return refuse(reader, encoding, "the only content encoding known is base64");
        column->type.kind = TARN_TYPE_BINARY;
        return true;
    }
    if (format == NULL) return true;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (format->kind != TARN_JSON_STRING) break;
        if (!tarn_base_text_is(format->text, formats[i].format)) continue;
        column->type.kind = formats[i].kind;
        return true;
    }
    (void)refuse(reader, format, "the format is not known");
    return tarn_base_error_hint(reader->error, "known are date, date-time, time and uuid");
}

static bool is_required(const TarnJson *schema, TarnText name) {
    TARN_JSON_EACH(item, tarn_base_json_member(schema, "required")) {
        if (item->kind == TARN_JSON_STRING && tarn_base_text_equal(item->text, name)) return true;
    }
    return false;
}

/* Names in "required" that are no properties are mistakes. */
static bool check_required(SchemaReader *reader, const TarnJson *schema,
                           const TarnJson *properties) {
    const TarnJson *required = tarn_base_json_member(schema, "required");
    if (required != NULL && required->kind != TARN_JSON_ARRAY) {
        return refuse(reader, required, "\"required\" must be a list of names");
    }
    TARN_JSON_EACH(item, required) {
        const char *name = tarn_base_json_string(item, reader->arena);
        if (name == NULL || tarn_base_json_member(properties, name) == NULL) {
            return refuse(reader, item, "a required property is not among the properties");
        }
    }
    return true;
}

/* An empty description says nothing. */
static bool read_description(SchemaReader *reader, const TarnJson *schema, TarnColumn *column) {
    const TarnJson *value = tarn_base_json_member(schema, "description");
    if (value == NULL) return true;
    const char *text = tarn_base_json_string(value, reader->arena);
    if (text == NULL) return refuse(reader, value, "a description must be a text");
    if (text[0] != '\0') column->doc = text;
    return true;
}

static bool read_properties(SchemaReader *reader, const TarnJson *schema,
                            const TarnJson *properties, TarnColumn *column) {
    if (properties->kind != TARN_JSON_OBJECT || properties->count == 0) {
        return refuse(reader, properties, "\"properties\" must be an object that has some");
    }
    if (properties->count > TARN_LIMIT_COLUMNS) {
        return refuse(reader, properties, "there are too many properties");
    }
    if (!check_required(reader, schema, properties)) return false;
    column->type.kind = TARN_TYPE_STRUCT;
    column->children = TARN_NEW_ARRAY(reader->arena, properties->count + 1, TarnColumn);
    if (column->children == NULL) return tarn_base_arena_check(reader->arena, reader->error);
    TARN_JSON_EACH(member, properties) {
        TarnColumn *child = &column->children[column->child_count++];
        bool nullable = false;
        child->name = tarn_base_text_string(reader->arena, member->key);
        if (child->name == NULL) return tarn_base_arena_check(reader->arena, reader->error);
        if (member->key.size == 0 || strlen(child->name) != member->key.size ||
            member->key.size > TARN_LIMIT_IDENTIFIER_BYTES) {
            return refuse(reader, member, "a property cannot be named like that");
        }
        if (!read_schema(reader, member, child, &nullable) ||
            !read_description(reader, member, child)) {
            return false;
        }
        child->required = !nullable && is_required(schema, member->key);
    }
    return true;
}

static bool read_inner(SchemaReader *reader, const TarnJson *schema, const char *name,
                       TarnColumn *column) {
    bool nullable;
    column->name = name;
    if (!read_schema(reader, schema, column, &nullable)) return false;
    column->required = !nullable;
    return true;
}

static bool read_object(SchemaReader *reader, const TarnJson *schema, TarnColumn *column) {
    const TarnJson *properties = tarn_base_json_member(schema, "properties");
    const TarnJson *others = tarn_base_json_member(schema, "additionalProperties");
    if (properties != NULL) {
        if (others != NULL && others->kind != TARN_JSON_BOOL) {
            return refuse(reader, others, "an object is a struct or a map, not both");
        }
        return read_properties(reader, schema, properties, column);
    }
    if (others == NULL || others->kind != TARN_JSON_OBJECT) {
        return refuse(reader, schema,
                      "an object needs \"properties\", or \"additionalProperties\" with a type");
    }
    column->type.kind = TARN_TYPE_MAP;
    column->child_count = 2;
    column->children = TARN_NEW_ARRAY(reader->arena, 2, TarnColumn);
    if (column->children == NULL) return tarn_base_arena_check(reader->arena, reader->error);
    column->children[0] = (TarnColumn){.name = "key", .type = {.kind = TARN_TYPE_STRING},
                                       .required = true};
    return read_inner(reader, others, "value", &column->children[1]);
}

static bool read_array(SchemaReader *reader, const TarnJson *schema, TarnColumn *column) {
    const TarnJson *items = tarn_base_json_member(schema, "items");
    if (items == NULL) return refuse(reader, schema, "an array needs \"items\"");
    column->type.kind = TARN_TYPE_LIST;
    column->child_count = 1;
    column->children = TARN_NEW_ARRAY(reader->arena, 1, TarnColumn);
    if (column->children == NULL) return tarn_base_arena_check(reader->arena, reader->error);
    return read_inner(reader, items, "element", &column->children[0]);
}

static bool read_kind(SchemaReader *reader, const TarnJson *schema, TarnText type,
                      TarnColumn *column) {
    if (tarn_base_text_is(type, "object")) return read_object(reader, schema, column);
    if (tarn_base_text_is(type, "array")) return read_array(reader, schema, column);
    if (tarn_base_text_is(type, "string")) return read_text_type(reader, schema, column);
    if (tarn_base_text_is(type, "integer")) {
        column->type.kind = TARN_TYPE_LONG;
    } else if (tarn_base_text_is(type, "number")) {
        column->type.kind = TARN_TYPE_DOUBLE;
    } else if (tarn_base_text_is(type, "boolean")) {
        column->type.kind = TARN_TYPE_BOOLEAN;
    } else if (tarn_base_text_is(type, "null")) {
        column->type.kind = TARN_TYPE_STRING;
    } else {
        return refuse(reader, tarn_base_json_member(schema, "type"), "there is no such type");
    }
    const TarnJson *format = tarn_base_json_member(schema, "format");
    return format == NULL || refuse(reader, format, "a format is for strings");
}

static bool read_schema(SchemaReader *reader, const TarnJson *schema, TarnColumn *column,
                        bool *nullable) {
    TarnText type;
    if (schema->kind != TARN_JSON_OBJECT) return refuse(reader, schema, "a schema is an object");
    if (reader->depth >= TARN_LIMIT_NESTING) return refuse(reader, schema, "it nests too deeply");
    reader->depth++;
    bool ok = check_keywords(reader, schema) && read_type(reader, schema, &type, nullable) &&
              read_kind(reader, schema, type, column);
    reader->depth--;
    return ok;
}

bool tarn_source__json_schema(const TarnJson *root, TarnText text, const char *file,
                              TarnArena *arena, TarnColumn **columns, size_t *count,
                              TarnError *error) {
    SchemaReader reader = {.text = text, .file = file, .arena = arena, .error = error};
    TarnColumn row = {.name = "row"};
    bool nullable;
    if (!read_schema(&reader, root, &row, &nullable)) return false;
    /* The schema of a whole document: an array of rows. */
    if (row.type.kind == TARN_TYPE_LIST) row = row.children[0];
    if (row.type.kind != TARN_TYPE_STRUCT) {
        return refuse(&reader, root, "the schema of a row is an object with \"properties\"");
    }
    *columns = row.children;
    *count = row.child_count;
    return tarn_base_arena_check(arena, error);
}
