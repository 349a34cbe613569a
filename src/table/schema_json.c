/* Schemas in the JSON of Appendix C, both ways.
 *
 * Reading is a list of refusals: each member is checked when it is met and an error names the
 * field by its path, so that a broken metadata file can be understood. What tarn would not create
 * but others do (names that differ in case only, empty structs) is accepted. A schema that was
 * read is written back from its source span, so nothing is lost that tarn does not know; members
 * unknown to it do not survive a change of the schema.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "table/schema_private.h"

/* ---- reading ---- */

typedef struct IdList {
    int32_t *items;
    size_t count;
    size_t capacity;
} IdList;

typedef struct Reader {
    TarnArena *arena;
    TarnError *error;
    IdList ids;
    const char *names[TARN_TABLE_TYPE_LEVELS_MAX + 1]; /* the fields above the current place */
    size_t depth;
    int levels;
} Reader;

/* Fills the error with the current field's path in front. */
static bool refuse(Reader *reader, const char *what, TarnText shown) {
    char path[400] = "";
    size_t size = 0;
    for (size_t i = 0; i < reader->depth && size < sizeof(path) - 1; i++) {
        int more = snprintf(path + size, sizeof(path) - size, "%s%s", i > 0 ? "." : "",
                            reader->names[i]);
        size += more > 0 ? (size_t)more : 0;
    }
    TarnText cut = tarn_format_bound_lower((TarnPrimitive){.kind = TARN_TYPE_STRING}, shown, 80);
    const char *of = reader->depth > 0 ? "schema field \"" : "schema";
    return tarn_base_error_set(reader->error, TARN_E_METADATA_INVALID, "%s%s%s: %s%s%.*s%s", of,
                               path, reader->depth > 0 ? "\"" : "", what,
                               shown.size > 0 ? " \"" : "", TARN_TEXT_ARG(cut),
                               shown.size > 0 ? "\"" : "");
}

static const TarnText nothing = {NULL, 0};

static bool read_type(Reader *reader, const TarnJson *json, TarnType *type);

static bool read_id(Reader *reader, const TarnJson *object, const char *member, int32_t *id) {
    int64_t value;
    if (!tarn_base_json_int64(tarn_base_json_member(object, member), &value)) {
        return refuse(reader, "no integer", tarn_base_text(member));
    }
    if (value < 0 || value > TARN_TABLE_FIELD_ID_MAX) {
        return refuse(reader, "an id out of range in", tarn_base_text(member));
    }
    int32_t *slot = TARN_PUSH(reader->arena, &reader->ids);
    if (slot == NULL) return tarn_base_arena_check(reader->arena, reader->error);
    *id = *slot = (int32_t)value;
    return true;
}

static bool read_required(Reader *reader, const TarnJson *object, const char *member, bool *value) {
    return tarn_base_json_bool(tarn_base_json_member(object, member), value) ||
           refuse(reader, "neither true nor false is", tarn_base_text(member));
}

static bool enter(Reader *reader, const char *name, int levels) {
    reader->names[reader->depth++] = name;
    reader->levels += levels;
    if (reader->levels <= TARN_TABLE_TYPE_LEVELS_MAX) return true;
    return refuse(reader, "types are nested too deeply", nothing);
}

static void leave(Reader *reader, int levels) {
    reader->depth--;
    reader->levels -= levels;
}

static bool read_default(Reader *reader, const TarnJson *object, const char *member,
                         const TarnField *field, const TarnJson **value) {
    const TarnJson *json = tarn_base_json_member(object, member);
    if (json == NULL || json->kind == TARN_JSON_NULL) return true;
    *value = json;
    return tarn_table__default_check(&field->type, json, TARN_E_METADATA_INVALID, field->name,
                                     reader->error);
}

static bool read_field(Reader *reader, const TarnJson *json, TarnField *field) {
    if (json->kind != TARN_JSON_OBJECT) return refuse(reader, "a field is not an object", nothing);
    field->name = tarn_base_json_string(tarn_base_json_member(json, "name"), reader->arena);
    if (field->name == NULL) {
        if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
        return refuse(reader, "a field has no name", nothing);
    }
    if (!enter(reader, field->name, TARN_TABLE_STRUCT_LEVELS)) return false;
    if (!read_id(reader, json, "id", &field->id) ||
        !read_required(reader, json, "required", &field->required) ||
        !read_type(reader, tarn_base_json_member(json, "type"), &field->type)) {
        return false;
    }
    const TarnJson *doc = tarn_base_json_member(json, "doc");
    if (doc != NULL && doc->kind != TARN_JSON_NULL) {
        field->doc = tarn_base_json_string(doc, reader->arena);
        if (field->doc == NULL) {
            if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
            return refuse(reader, "the doc is not a text", nothing);
        }
    }
    if (!read_default(reader, json, "initial-default", field, &field->initial_default) ||
        !read_default(reader, json, "write-default", field, &field->write_default)) {
        return false;
    }
    leave(reader, TARN_TABLE_STRUCT_LEVELS);
    return true;
}

static bool read_fields(Reader *reader, const TarnJson *object, TarnField **fields, size_t *count) {
    const TarnJson *array = tarn_base_json_member(object, "fields");
    if (array == NULL || array->kind != TARN_JSON_ARRAY) {
        return refuse(reader, "a struct has no list", TARN_TEXT("fields"));
    }
    if (array->count > TARN_LIMIT_COLUMNS) {
        return tarn_base_error_set(reader->error, TARN_E_LIMIT_EXCEEDED,
                                   "a schema has %" PRIu32 " fields in one struct, and %d is the "
                                   "limit",
                                   array->count, TARN_LIMIT_COLUMNS);
    }
    *fields = TARN_NEW_ARRAY(reader->arena, array->count, TarnField);
    TarnMap names;
    tarn_base_map_init(&names, reader->arena);
    size_t read = 0;
    TARN_JSON_EACH(child, array) {
        if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
        TarnField *field = &(*fields)[read++];
        if (!read_field(reader, child, field)) return false;
        if (tarn_base_map_put(&names, tarn_base_text(field->name), field) != NULL) {
            return refuse(reader, "two fields have the name", tarn_base_text(field->name));
        }
    }
    *count = read;
    return tarn_base_arena_check(reader->arena, reader->error);
}

typedef struct ChildMembers {
    const char *name; /* of the field, and of the member with its type */
    const char *id;
    const char *required; /* NULL: always */
} ChildMembers;

static bool read_children(Reader *reader, const TarnJson *json, const ChildMembers *members,
                          size_t count, TarnType *type) {
    type->fields = TARN_NEW_ARRAY(reader->arena, count, TarnField);
    if (type->fields == NULL) return tarn_base_arena_check(reader->arena, reader->error);
    type->field_count = count;
    for (size_t i = 0; i < count; i++) {
        TarnField *field = &type->fields[i];
        field->name = members[i].name;
        field->required = true;
        if (!enter(reader, field->name, 1) || !read_id(reader, json, members[i].id, &field->id) ||
            (members[i].required != NULL &&
             !read_required(reader, json, members[i].required, &field->required)) ||
            !read_type(reader, tarn_base_json_member(json, members[i].name), &field->type)) {
            return false;
        }
        leave(reader, 1);
    }
    return true;
}

static const ChildMembers list_members[] = {{"element", "element-id", "element-required"}};
static const ChildMembers map_members[] = {{"key", "key-id", NULL},
                                           {"value", "value-id", "value-required"}};

static bool read_named_type(Reader *reader, TarnText name, TarnType *type) {
    if (!tarn_format_primitive_parse(name, &type->primitive)) {
        return refuse(reader, "unknown type", name);
    }
    TarnTypeKind kind = type->primitive.kind;
    bool carries_text = kind == TARN_TYPE_GEOMETRY || kind == TARN_TYPE_GEOGRAPHY;
    if (carries_text && memchr(name.data, '(', name.size) != NULL) {
        const char *copy = tarn_base_text_string(reader->arena, name);
        if (copy == NULL) return tarn_base_arena_check(reader->arena, reader->error);
        type->text = (TarnText){copy, name.size};
    }
    return true;
}

static bool read_type(Reader *reader, const TarnJson *json, TarnType *type) {
    TarnText name;
    if (json == NULL) return refuse(reader, "a type is missing", nothing);
    if (tarn_base_json_text(json, &name)) return read_named_type(reader, name, type);
    if (!tarn_base_json_text(tarn_base_json_member(json, "type"), &name)) {
        return refuse(reader, "a type is neither a name nor an object with one", nothing);
    }
    if (tarn_base_text_is(name, "struct")) {
        type->primitive.kind = TARN_TYPE_STRUCT;
        return read_fields(reader, json, &type->fields, &type->field_count);
    }
    if (tarn_base_text_is(name, "list")) {
        type->primitive.kind = TARN_TYPE_LIST;
        return read_children(reader, json, list_members, 1, type);
    }
    if (tarn_base_text_is(name, "map")) {
        type->primitive.kind = TARN_TYPE_MAP;
        return read_children(reader, json, map_members, 2, type);
    }
    return refuse(reader, "unknown type", name);
}

static int compare_ids(const void *a, const void *b) {
    const int32_t *left = a;
    const int32_t *right = b;
    return (*left > *right) - (*left < *right);
}

static bool check_ids(Reader *reader) {
    if (reader->ids.count == 0) return true;
    qsort(reader->ids.items, reader->ids.count, sizeof(*reader->ids.items), compare_ids);
    for (size_t i = 1; i < reader->ids.count; i++) {
        if (reader->ids.items[i] != reader->ids.items[i - 1]) continue;
        return tarn_base_error_set(reader->error, TARN_E_METADATA_INVALID,
                                   "schema: the field id %" PRId32 " occurs twice",
                                   reader->ids.items[i]);
    }
    return true;
}

static bool read_identifiers(Reader *reader, const TarnJson *json, TarnSchema *schema) {
    const TarnJson *array = tarn_base_json_member(json, "identifier-field-ids");
    if (array == NULL || array->kind == TARN_JSON_NULL) return true;
    if (array->kind != TARN_JSON_ARRAY) {
        return refuse(reader, "no list is", TARN_TEXT("identifier-field-ids"));
    }
    schema->identifier_ids = TARN_NEW_ARRAY(reader->arena, array->count, int32_t);
    if (!tarn_base_arena_check(reader->arena, reader->error)) return false;
    TARN_JSON_EACH(child, array) {
        int64_t id;
        if (!tarn_base_json_int64(child, &id) || id < 0 || id > TARN_TABLE_FIELD_ID_MAX) {
            return refuse(reader, "an id that is none in", TARN_TEXT("identifier-field-ids"));
        }
        schema->identifier_ids[schema->identifier_count++] = (int32_t)id;
    }
    return tarn_table__identifiers_check(schema, TARN_E_METADATA_INVALID, reader->error);
}

bool tarn_table_schema_from_json(const TarnJson *json, TarnArena *arena, TarnSchema *schema,
                                 TarnError *error) {
    *schema = (TarnSchema){0};
    Reader reader = {.arena = arena, .error = error};
    if (json == NULL || json->kind != TARN_JSON_OBJECT) {
        return refuse(&reader, "it is not an object", nothing);
    }
    TarnText name;
    const TarnJson *type = tarn_base_json_member(json, "type");
    if (type != NULL && (!tarn_base_json_text(type, &name) || !tarn_base_text_is(name, "struct"))) {
        return refuse(&reader, "its type is not \"struct\"", nothing);
    }
    int64_t id = 0; /* format version 1 may leave it out */
    const TarnJson *member = tarn_base_json_member(json, "schema-id");
    if (member != NULL && (!tarn_base_json_int64(member, &id) || id < 0 || id > INT32_MAX)) {
        return refuse(&reader, "out of range is", TARN_TEXT("schema-id"));
    }
    schema->id = (int32_t)id;
    if (!read_fields(&reader, json, &schema->fields, &schema->field_count) || !check_ids(&reader) ||
        !read_identifiers(&reader, json, schema)) {
        return false;
    }
    schema->source = json->source;
    return tarn_base_arena_check(arena, error);
}

bool tarn_table_type_from_json(const TarnJson *json, TarnArena *arena, TarnType *type,
                               TarnError *error) {
    *type = (TarnType){0};
    Reader reader = {.arena = arena, .error = error};
    return read_type(&reader, json, type) && check_ids(&reader);
}

/* ---- writing ---- */

static void write_fields(const TarnField *fields, size_t count, TarnJsonWriter *out) {
    tarn_base_json_key(out, "fields");
    tarn_base_json_array_begin(out);
    for (size_t i = 0; i < count; i++) {
        const TarnField *field = &fields[i];
        tarn_base_json_object_begin(out);
        tarn_base_json_key(out, "id");
        tarn_base_json_put_int64(out, field->id);
        tarn_base_json_key(out, "name");
        tarn_base_json_put_string(out, field->name);
        tarn_base_json_key(out, "required");
        tarn_base_json_put_bool(out, field->required);
        tarn_base_json_key(out, "type");
        tarn_table_type_to_json(&field->type, out);
        if (field->doc != NULL) {
            tarn_base_json_key(out, "doc");
            tarn_base_json_put_string(out, field->doc);
        }
        if (field->initial_default != NULL) {
            tarn_base_json_key(out, "initial-default");
            tarn_base_json_put_tree(out, field->initial_default);
        }
        if (field->write_default != NULL) {
            tarn_base_json_key(out, "write-default");
            tarn_base_json_put_tree(out, field->write_default);
        }
        tarn_base_json_object_end(out);
    }
    tarn_base_json_array_end(out);
}

static void write_children(const TarnType *type, const ChildMembers *members, size_t count,
                           TarnJsonWriter *out) {
    for (size_t i = 0; i < count; i++) {
        tarn_base_json_key(out, members[i].id);
        tarn_base_json_put_int64(out, type->fields[i].id);
        tarn_base_json_key(out, members[i].name);
        tarn_table_type_to_json(&type->fields[i].type, out);
        if (members[i].required == NULL) continue;
        tarn_base_json_key(out, members[i].required);
        tarn_base_json_put_bool(out, type->fields[i].required);
    }
}

static void write_primitive(const TarnType *type, TarnJsonWriter *out) {
    char name[TARN_TABLE_TYPE_NAME_BYTES];
    if (type->text.size > 0) {
        tarn_base_json_put_text(out, type->text);
    } else {
        tarn_base_json_put_string(out, tarn_table__type_name(type, name));
    }
}

void tarn_table_type_to_json(const TarnType *type, TarnJsonWriter *out) {
    TarnTypeKind kind = type->primitive.kind;
    if (!tarn_format_kind_is_nested(kind)) {
        write_primitive(type, out);
        return;
    }
    char name[TARN_TABLE_TYPE_NAME_BYTES];
    tarn_base_json_object_begin(out);
    tarn_base_json_key(out, "type");
    tarn_base_json_put_string(out, tarn_table__type_name(type, name));
    if (kind == TARN_TYPE_STRUCT) {
        write_fields(type->fields, type->field_count, out);
    } else {
        bool map = kind == TARN_TYPE_MAP;
        write_children(type, map ? map_members : list_members, map ? 2 : 1, out);
    }
    tarn_base_json_object_end(out);
}

void tarn_table_schema_to_json(const TarnSchema *schema, TarnJsonWriter *out) {
    if (schema->source.size > 0) {
        tarn_base_json_put_raw(out, schema->source);
        return;
    }
    tarn_base_json_object_begin(out);
    tarn_base_json_key(out, "type");
    tarn_base_json_put_string(out, "struct");
    tarn_base_json_key(out, "schema-id");
    tarn_base_json_put_int64(out, schema->id);
    if (schema->identifier_count > 0) {
        tarn_base_json_key(out, "identifier-field-ids");
        tarn_base_json_array_begin(out);
        for (size_t i = 0; i < schema->identifier_count; i++) {
            tarn_base_json_put_int64(out, schema->identifier_ids[i]);
        }
        tarn_base_json_array_end(out);
    }
    write_fields(schema->fields, schema->field_count, out);
    tarn_base_json_object_end(out);
}
