/* What a schema must fulfil: names, defaults, identifier fields, types of the format version.
 *
 * Two kinds of rules live here. Those of the specification hold for every schema, read or made
 * (defaults are values of the type, identifiers cannot be null). Tarn's own hold for what tarn
 * creates: names that DuckDB, which ignores their case, can tell apart and a person can read.
 * Foreign tables that break the latter are read all the same.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "table/schema_private.h"

char *tarn_table__type_name(const TarnType *type, char out[TARN_TABLE_TYPE_NAME_BYTES]) {
    /* In the caller's memory, which never has to grow: a name must not fail. */
    TarnBuffer name = {.data = out,
                       .capacity = TARN_TABLE_TYPE_NAME_BYTES,
                       .limit = TARN_TABLE_TYPE_NAME_BYTES - 1};
    out[0] = '\0';
    tarn_format_primitive_write(type->primitive, &name);
    return out;
}

/* ---- names ---- */

bool tarn_table__name_check(const char *name, TarnError *error) {
    TarnText text = tarn_base_text(name);
    if (text.size == 0) {
        return tarn_base_error_set(error, TARN_E_NAME_INVALID, "a column needs a name");
    }
    if (text.size > TARN_LIMIT_IDENTIFIER_BYTES) {
        return tarn_base_error_set(error, TARN_E_NAME_INVALID,
                                   "the column name \"%.40s..\" has %zu bytes, and %d is the limit",
                                   name, text.size, TARN_LIMIT_IDENTIFIER_BYTES);
    }
    if (tarn_base_text_utf8_valid(text) != text.size) {
        return tarn_base_error_set(error, TARN_E_NAME_INVALID, "a column name is not UTF-8");
    }
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)name[i] >= 0x20 && name[i] != 0x7F) continue;
        return tarn_base_error_set(error, TARN_E_NAME_INVALID,
                                   "a column name has the control character U+%04X at byte %zu",
                                   (unsigned)(unsigned char)name[i], i + 1);
    }
    if (strcmp(name, "__duckdb_field_id") == 0) {
        return tarn_base_error_set(error, TARN_E_NAME_INVALID,
                                   "the column name \"%s\" is taken by the engine", name);
    }
    return true;
}

/* ---- defaults ---- */

static bool check_list_default(const TarnType *type, const TarnJson *array, TarnErrorCode code,
                               const char *column, TarnError *error) {
    TARN_JSON_EACH(child, array) {
        if (!tarn_table__default_check(type, child, code, column, error)) return false;
    }
    return true;
}

static bool refuse_default(const TarnType *type, const char *why, TarnErrorCode code,
                           const char *column, TarnError *error) {
    char name[TARN_TABLE_TYPE_NAME_BYTES];
    return tarn_base_error_set(error, code, "the default of column \"%s\" of type %s %s", column,
                               tarn_table__type_name(type, name), why);
}

static bool check_nested_default(const TarnType *type, const TarnJson *json, TarnErrorCode code,
                                 const char *column, TarnError *error) {
    switch (type->primitive.kind) {
    case TARN_TYPE_STRUCT: /* the values are the defaults of its own fields */
        if (json->kind == TARN_JSON_OBJECT && json->count == 0) return true;
        return refuse_default(type, "must be null or {}", code, column, error);
    case TARN_TYPE_LIST:
        if (json->kind != TARN_JSON_ARRAY) break;
        return check_list_default(&type->fields[0].type, json, code, column, error);
    case TARN_TYPE_MAP: {
        const TarnJson *keys = tarn_base_json_member(json, "keys");
        const TarnJson *values = tarn_base_json_member(json, "values");
        if (keys == NULL || values == NULL || keys->kind != TARN_JSON_ARRAY ||
            values->kind != TARN_JSON_ARRAY || keys->count != values->count) {
            break;
        }
        return check_list_default(&type->fields[0].type, keys, code, column, error) &&
               check_list_default(&type->fields[1].type, values, code, column, error);
    }
    default: break;
    }
    return refuse_default(type, "is not a value of it", code, column, error);
}

bool tarn_table__default_check(const TarnType *type, const TarnJson *json, TarnErrorCode code,
                               const char *column, TarnError *error) {
    if (json == NULL || json->kind == TARN_JSON_NULL) return true;
    TarnTypeKind kind = type->primitive.kind;
    if (tarn_format_kind_is_nested(kind)) {
        return check_nested_default(type, json, code, column, error);
    }
    if (kind >= TARN_TYPE_UNKNOWN) return refuse_default(type, "must be null", code, column, error);
    TarnArena scratch;
    TarnLiteral literal;
    TarnError ignored;
    tarn_base_arena_init(&scratch, TARN_LIMIT_FIELD_BYTES);
    bool valid = tarn_format_literal_from_json(type->primitive, json, &scratch, &literal, &ignored);
    tarn_base_arena_dispose(&scratch);
    if (valid) return true;
    if (ignored.code == TARN_E_OUT_OF_MEMORY) {
        *error = ignored;
        return false;
    }
    refuse_default(type, "is not a value of it", code, column, error);
    return tarn_base_error_detail(error, "%s", ignored.message);
}

/* ---- format versions ---- */

bool tarn_table__version_check(const TarnField *field, int32_t format_version, TarnError *error) {
    char name[TARN_TABLE_TYPE_NAME_BYTES];
    TarnTypeKind kind = field->type.primitive.kind;
    if (tarn_format_kind_version(kind) > format_version) {
        tarn_base_error_set(error, TARN_E_SCHEMA_CHANGE_REFUSED,
                            "column \"%s\" has the type %s, which tables of format version %d "
                            "cannot have",
                            field->name, tarn_table__type_name(&field->type, name), format_version);
        const char *instead = "cast it to VARCHAR or BLOB";
        if (kind == TARN_TYPE_TIMESTAMP_NS || kind == TARN_TYPE_TIMESTAMPTZ_NS) {
            instead = "cast it to TIMESTAMP (microseconds)";
        }
        if (kind == TARN_TYPE_UNKNOWN) instead = "give the NULL a type: CAST(NULL AS VARCHAR)";
        return tarn_base_error_hint(error,
                                    "%s, or use format version %" PRId32
                                    ": 'format-version' = '%" PRId32 "'",
                                    instead, tarn_format_kind_version(kind),
                                    tarn_format_kind_version(kind));
    }
    bool has_default = field->initial_default != NULL || field->write_default != NULL;
    if (has_default && format_version < 3) {
        tarn_base_error_set(error, TARN_E_SCHEMA_CHANGE_REFUSED,
                            "column \"%s\" has a default, which tables of format version %d cannot "
                            "have",
                            field->name, format_version);
        return tarn_base_error_hint(error, "leave the default out and fill the column with UPDATE, "
                                           "or upgrade the table: 'format-version' = '3'");
    }
    if (kind == TARN_TYPE_UNKNOWN && field->required) {
        return tarn_base_error_set(error, TARN_E_SCHEMA_CHANGE_REFUSED,
                                   "column \"%s\" of type unknown cannot be required: it is always "
                                   "null",
                                   field->name);
    }
    return true;
}

/* ---- whole levels ---- */

static TarnText fold_name(const char *name, TarnArena *scratch) {
    TarnText folded = tarn_base_text(name);
    char *copy = tarn_base_text_string(scratch, folded);
    if (copy == NULL) return folded;
    for (size_t i = 0; i < folded.size; i++) {
        if (copy[i] >= 'A' && copy[i] <= 'Z') copy[i] = (char)(copy[i] - 'A' + 'a');
    }
    folded.data = copy;
    return folded;
}

static bool check_distinct(const TarnField *fields, size_t count, TarnError *error) {
    TarnArena scratch;
    TarnMap names;
    tarn_base_arena_init(&scratch, 64 * TARN_MIB);
    tarn_base_map_init(&names, &scratch);
    const TarnField *first = NULL;
    const TarnField *second = NULL;
    static char present;
    for (size_t i = 0; i < count && second == NULL; i++) {
        TarnText name = fold_name(fields[i].name, &scratch);
        if (tarn_base_map_put(&names, name, &present) == NULL) continue;
        second = &fields[i];
        first = tarn_table__field_named(fields, i, second->name, NULL);
    }
    bool done = tarn_base_arena_check(&scratch, error);
    if (done && second != NULL) {
        done = tarn_base_error_set(error, TARN_E_NAME_INVALID,
                                   "the column names \"%s\" and \"%s\" differ in case only",
                                   first != NULL ? first->name : second->name, second->name);
        if (first != NULL && strcmp(first->name, second->name) == 0) {
            tarn_base_error_set(error, TARN_E_NAME_INVALID, "two columns are named \"%s\"",
                                second->name);
        }
        tarn_base_error_hint(error, "rename one of them; SQL names ignore case");
    }
    tarn_base_arena_dispose(&scratch);
    return done;
}

static bool check_field(const TarnField *field, int32_t format_version, TarnError *error) {
    const TarnType *type = &field->type;
    if (!tarn_table__version_check(field, format_version, error) ||
        !tarn_table__default_check(type, field->initial_default, TARN_E_SCHEMA_CHANGE_REFUSED,
                                   field->name, error) ||
        !tarn_table__default_check(type, field->write_default, TARN_E_SCHEMA_CHANGE_REFUSED,
                                   field->name, error)) {
        return false;
    }
    if (type->primitive.kind == TARN_TYPE_STRUCT) {
        return tarn_table__fields_check(type->fields, type->field_count, format_version, error);
    }
    for (size_t i = 0; i < type->field_count; i++) {
        if (!check_field(&type->fields[i], format_version, error)) return false;
    }
    return true;
}

static bool has_variant(const TarnType *type) {
    if (type->primitive.kind == TARN_TYPE_VARIANT) return true;
    for (size_t i = 0; i < type->field_count; i++) {
        if (has_variant(&type->fields[i].type)) return true;
    }
    return false;
}

bool tarn_table__variant_check(const TarnField *field, bool is_nested, TarnError *error) {
    if (!is_nested && field->type.primitive.kind == TARN_TYPE_VARIANT) return true;
    if (!has_variant(&field->type)) return true;
    tarn_base_error_set(error, TARN_E_SCHEMA_CHANGE_REFUSED,
                        "column \"%s\": a variant inside of another type cannot be written",
                        field->name);
    return tarn_base_error_hint(error, "make it a column of its own: a variant can hold objects "
                                       "and lists itself");
}

bool tarn_table__fields_check(const TarnField *fields, size_t count, int32_t format_version,
                              TarnError *error) {
    if (count == 0) {
        tarn_base_error_set(error, TARN_E_SCHEMA_CHANGE_REFUSED,
                            "a table or struct without columns cannot be stored");
        return tarn_base_error_hint(error, "give it at least one column");
    }
    if (count > TARN_LIMIT_COLUMNS) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "%zu columns in one table or struct, and %d is the limit", count,
                                   TARN_LIMIT_COLUMNS);
    }
    for (size_t i = 0; i < count; i++) {
        if (!tarn_table__name_check(fields[i].name, error)) return false;
    }
    if (!check_distinct(fields, count, error)) return false;
    for (size_t i = 0; i < count; i++) {
        if (tarn_table__type_levels(&fields[i].type) + TARN_TABLE_STRUCT_LEVELS >
            TARN_TABLE_TYPE_LEVELS_MAX) {
            return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                       "the type of column \"%s\" is nested too deeply",
                                       fields[i].name);
        }
        if (!check_field(&fields[i], format_version, error)) return false;
    }
    return true;
}

/* ---- identifiers ---- */

bool tarn_table__identifiers_check(const TarnSchema *schema, TarnErrorCode code, TarnError *error) {
    for (size_t i = 0; i < schema->identifier_count; i++) {
        TarnFieldPlace place = tarn_table__field_by_id(schema, schema->identifier_ids[i]);
        if (place.field == NULL) {
            return tarn_base_error_set(error, code,
                                       "schema: the identifier field id %" PRId32 " is no field's",
                                       schema->identifier_ids[i]);
        }
        TarnTypeKind kind = place.field->type.primitive.kind;
        const char *why = NULL;
        if (kind >= TARN_TYPE_UNKNOWN) why = "is not of a primitive type";
        if (kind == TARN_TYPE_FLOAT || kind == TARN_TYPE_DOUBLE) why = "is a floating point number";
        if (!place.field->required || place.in_optional) why = "may be null";
        if (place.in_collection) why = "is in a list or map";
        if (why == NULL) continue;
        return tarn_base_error_set(error, code,
                                   "schema: \"%s\" cannot be an identifier field: it "
                                   "%s",
                                   place.field->name, why);
    }
    return true;
}

/* ---- all of it ---- */

typedef struct IdList {
    int32_t *items;
    size_t count;
    size_t capacity;
} IdList;

static void collect_ids(const TarnField *fields, size_t count, TarnArena *arena, IdList *ids) {
    for (size_t i = 0; i < count; i++) {
        int32_t *slot = TARN_PUSH(arena, ids);
        if (slot != NULL) *slot = fields[i].id;
        collect_ids(fields[i].type.fields, fields[i].type.field_count, arena, ids);
    }
}

static int compare_ids(const void *a, const void *b) {
    const int32_t *left = a;
    const int32_t *right = b;
    return (*left > *right) - (*left < *right);
}

static bool check_ids(const TarnSchema *schema, TarnError *error) {
    TarnArena scratch;
    IdList ids = {0};
    tarn_base_arena_init(&scratch, 64 * TARN_MIB);
    collect_ids(schema->fields, schema->field_count, &scratch, &ids);
    bool done = tarn_base_arena_check(&scratch, error);
    if (done && ids.count > 0) qsort(ids.items, ids.count, sizeof(*ids.items), compare_ids);
    for (size_t i = 0; done && i < ids.count; i++) {
        bool twice = i > 0 && ids.items[i] == ids.items[i - 1];
        if (!twice && ids.items[i] >= 1 && ids.items[i] <= TARN_TABLE_FIELD_ID_MAX) continue;
        done = tarn_base_error_set(error, TARN_E_SCHEMA_CHANGE_REFUSED,
                                   "the field id %" PRId32 " %s", ids.items[i],
                                   twice ? "is given twice" : "is out of range");
    }
    tarn_base_arena_dispose(&scratch);
    return done;
}

bool tarn_table_schema_check_new(const TarnSchema *schema, int32_t format_version,
                                 TarnError *error) {
    for (size_t i = 0; i < schema->field_count; i++) {
        if (!tarn_table__variant_check(&schema->fields[i], false, error)) return false;
    }
    return tarn_table__fields_check(schema->fields, schema->field_count, format_version, error) &&
           check_ids(schema, error) &&
           tarn_table__identifiers_check(schema, TARN_E_SCHEMA_CHANGE_REFUSED, error);
}
