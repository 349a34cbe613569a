/* Schema evolution: a builder that owns a copy of the field tree and changes it step by step.
 *
 * Each operation checks everything before it touches the tree, so a refused one leaves the schema
 * as it was. Field ids are the identity of a column: renaming and moving keep them, adding always
 * takes fresh ones, so a column dropped and added again by name does not revive old data. Whether
 * data would be lost by a change is decided by the specification's rules alone; no file is read.
 * The by-name union with incoming data is in schema_union.c.
 */
#include <inttypes.h>
#include <string.h>

#include "table/schema_update_private.h"

void tarn_table_schema_update_init(TarnSchemaUpdate *update, const TarnSchema *base,
                                   int32_t last_column_id, int32_t format_version,
                                   TarnArena *arena) {
    *update = (TarnSchemaUpdate){.arena = arena,
                                 .schema = *base,
                                 .last_column_id = last_column_id,
                                 .format_version = format_version};
    TarnSchema *schema = &update->schema;
    schema->source = (TarnText){NULL, 0};
    schema->fields = tarn_table__fields_copy(base->fields, base->field_count, arena);
    if (schema->fields == NULL) schema->field_count = 0;
    int32_t highest = tarn_table_schema_highest_id(base);
    if (update->last_column_id < highest) update->last_column_id = highest;
}

/* ---- checks that several changes share ---- */

static bool refuse(TarnError *error, const char *path, const char *why) {
    return tarn_base_error_set(error, TARN_E_SCHEMA_CHANGE_REFUSED, "column \"%.300s\" %s", path,
                               why);
}

static bool find_column(const TarnSchemaUpdate *update, const char *path, TarnFieldPlace *place,
                        TarnError *error) {
    if (!tarn_base_arena_check(update->arena, error)) return false;
    *place = tarn_table__field_by_name(&update->schema, tarn_base_text(path));
    if (place->field == NULL) {
        return tarn_table__refuse_column(&update->schema, tarn_base_text(path), error);
    }
    if (!place->in_map_key) return true;
    return refuse(error, path, "is a map's key or in one, and keys cannot be changed");
}

static bool is_identifier(const TarnSchema *schema, int32_t id) {
    for (size_t i = 0; i < schema->identifier_count; i++) {
        if (schema->identifier_ids[i] == id) return true;
    }
    return false;
}

/* Elements, keys and values have fixed names and places. */
static bool in_struct(const TarnFieldPlace *place) {
    return place->parent == NULL || place->parent->type.primitive.kind == TARN_TYPE_STRUCT;
}

static TarnFieldList siblings_of(TarnSchemaUpdate *update, TarnField *parent) {
    if (parent == NULL) return (TarnFieldList){&update->schema.fields, &update->schema.field_count};
    return (TarnFieldList){&parent->type.fields, &parent->type.field_count};
}

static bool check_name(TarnSchemaUpdate *update, TarnField *parent, const char *name,
                       const TarnField *except, TarnError *error) {
    TarnFieldList list = siblings_of(update, parent);
    if (!tarn_table__name_check(name, error)) return false;
    const TarnField *other = tarn_table__field_named(*list.items, *list.count, name, except);
    if (other == NULL) return true;
    tarn_base_error_set(error, TARN_E_SCHEMA_CHANGE_REFUSED, "column \"%s\" exists already",
                        other->name);
    if (strcmp(other->name, name) == 0) return false;
    return tarn_base_error_hint(error, "\"%s\" differs from it in case only, which SQL ignores",
                                name);
}

/* ---- add ---- */

/* The struct that new fields of `path` go into; NULL for the top level. */
static bool find_parent(const TarnSchemaUpdate *update, const char *path, TarnField **parent,
                        TarnError *error) {
    *parent = NULL;
    if (!tarn_base_arena_check(update->arena, error)) return false;
    if (path == NULL || path[0] == '\0') return true;
    TarnFieldPlace place;
    if (!find_column(update, path, &place, error)) return false;
    TarnField *field = place.field;
    if (field->type.primitive.kind == TARN_TYPE_LIST) field = &field->type.fields[0];
    if (field->type.primitive.kind == TARN_TYPE_MAP) field = &field->type.fields[1];
    *parent = field;
    if (field->type.primitive.kind == TARN_TYPE_STRUCT) return true;
    return refuse(error, path, "is not a struct, so nothing can be added to it");
}

static bool check_required(const TarnSchemaUpdate *update, const TarnField *field,
                           TarnError *error) {
    if (!field->required || update->table_is_empty || field->initial_default != NULL) return true;
    refuse(error, field->name, "cannot be added as required: existing rows have no value for it");
    return tarn_base_error_hint(error, update->format_version < 3
                                           ? "add it as optional, fill it with UPDATE, and check "
                                             "it with a quality rule"
                                           : "give it a default");
}

/* A type may come from memory that does not live as long as the table's schema. */
static void own_texts(TarnField *field, TarnArena *arena) {
    field->name = tarn_base_arena_string(arena, field->name);
    field->doc = tarn_base_arena_string(arena, field->doc);
    TarnText *text = &field->type.text;
    if (text->size > 0) text->data = tarn_base_text_string(arena, *text);
    for (size_t i = 0; i < field->type.field_count; i++) {
        own_texts(&field->type.fields[i], arena);
    }
}

bool tarn_table__update_append(TarnSchemaUpdate *update, TarnField *parent, const TarnField *field,
                               TarnError *error) {
    TarnArena *arena = update->arena;
    TarnField *copy = tarn_table__fields_copy(field, 1, arena);
    if (copy != NULL) own_texts(copy, arena);
    if (!tarn_base_arena_check(arena, error)) return false;
    if (copy->write_default == NULL) copy->write_default = copy->initial_default;
    if (!check_name(update, parent, field->name, NULL, error) ||
        !tarn_table__fields_check(copy, 1, update->format_version, error) ||
        !tarn_table__variant_check(copy, parent != NULL, error) ||
        !check_required(update, copy, error)) {
        return false;
    }
    TarnFieldList list = siblings_of(update, parent);
    if (*list.count >= TARN_LIMIT_COLUMNS) {
        return tarn_base_error_set(
            error, TARN_E_LIMIT_EXCEEDED,
            "no column can be added: %d in one table or struct are the limit", TARN_LIMIT_COLUMNS);
    }
    int32_t last_id = update->last_column_id;
    if (!tarn_table__fields_renumber(copy, 1, &last_id, NULL, NULL)) {
        return tarn_base_error_set(
            error, TARN_E_LIMIT_EXCEEDED,
            "no column can be added: the field ids of this table are used up");
    }
    if (*list.count == 0 || *list.count == tarn_table__field_capacity(*list.count)) {
        TarnField *grown = TARN_NEW_ARRAY(arena, tarn_table__field_capacity(*list.count + 1),
                                          TarnField);
        if (!tarn_base_arena_check(arena, error)) return false;
        if (*list.count > 0) memcpy(grown, *list.items, *list.count * sizeof(*grown));
        *list.items = grown;
    }
    (*list.items)[(*list.count)++] = *copy;
    for (size_t i = 0; i < update->schema.field_count; i++) {
        int levels = tarn_table__type_levels(&update->schema.fields[i].type);
        if (levels + TARN_TABLE_STRUCT_LEVELS <= TARN_TABLE_TYPE_LEVELS_MAX) continue;
        (*list.count)--;
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "column \"%s\" would be nested too deeply", field->name);
    }
    update->last_column_id = last_id;
    return true;
}

bool tarn_table_schema_update_add(TarnSchemaUpdate *update, const char *parent, const char *name,
                                  const TarnType *type, bool required, const char *doc,
                                  const TarnJson *initial, const TarnJson *write,
                                  TarnError *error) {
    TarnField *into;
    if (name == NULL) name = "";
    if (!find_parent(update, parent, &into, error)) return false;
    TarnField field = {.name = name, .type = *type, .required = required, .doc = doc};
    if (initial != NULL && initial->kind != TARN_JSON_NULL) field.initial_default = initial;
    if (write != NULL && write->kind != TARN_JSON_NULL) field.write_default = write;
    /* A name with a dot must not take the path of a nested column. */
    const char *path = into == NULL ? name
                                    : tarn_base_arena_printf(update->arena, "%s.%s", parent, name);
    if (path == NULL) return tarn_base_arena_check(update->arena, error);
    if (tarn_table__field_by_name(&update->schema, tarn_base_text(path)).field != NULL) {
        return refuse(error, path, "exists already");
    }
    return tarn_table__update_append(update, into, &field, error);
}

/* ---- drop ---- */

static bool contains_id(const TarnField *field, const int32_t *ids, size_t count, int32_t *id) {
    for (size_t i = 0; i < count; i++) {
        if (field->id != ids[i]) continue;
        *id = field->id;
        return true;
    }
    for (size_t i = 0; i < field->type.field_count; i++) {
        if (contains_id(&field->type.fields[i], ids, count, id)) return true;
    }
    return false;
}

bool tarn_table_schema_update_drop(TarnSchemaUpdate *update, const char *path,
                                   const int32_t *ids_in_use, size_t id_count, TarnError *error) {
    TarnFieldPlace place;
    int32_t id;
    if (!find_column(update, path, &place, error)) return false;
    TarnSchema *schema = &update->schema;
    if (!in_struct(&place)) {
        return refuse(error, path, "is a list's element or a map's value and cannot be dropped");
    }
    if (contains_id(place.field, schema->identifier_ids, schema->identifier_count, &id)) {
        refuse(error, path, "cannot be dropped: it identifies the rows");
        return tarn_base_error_hint(error, "change the identifier fields first");
    }
    if (contains_id(place.field, ids_in_use, id_count, &id)) {
        refuse(error, path, "cannot be dropped: the table is partitioned or sorted by it");
        return tarn_base_error_hint(error, "change the partitioning or sort order first");
    }
    TarnFieldList list = siblings_of(update, place.parent);
    if (*list.count == 1) {
        refuse(error, path, "cannot be dropped: it is the only one");
        return tarn_base_error_hint(error, place.parent != NULL ? "drop the struct it is in"
                                                                : "drop the table");
    }
    memmove(&(*list.items)[place.index], &(*list.items)[place.index + 1],
            (*list.count - place.index - 1) * sizeof(TarnField));
    (*list.count)--;
    return true;
}

/* ---- rename, doc, optional ---- */

bool tarn_table_schema_update_rename(TarnSchemaUpdate *update, const char *path,
                                     const char *new_name, TarnError *error) {
    TarnFieldPlace place;
    if (!find_column(update, path, &place, error)) return false;
    if (!in_struct(&place)) {
        return refuse(error, path, "is a list's element or a map's value and cannot be renamed");
    }
    if (!check_name(update, place.parent, new_name, place.field, error)) return false;
    const char *copy = tarn_base_arena_string(update->arena, new_name);
    if (copy == NULL) return tarn_base_arena_check(update->arena, error);
    place.field->name = copy;
    return true;
}

bool tarn_table_schema_update_optional(TarnSchemaUpdate *update, const char *path,
                                       TarnError *error) {
    TarnFieldPlace place;
    if (!find_column(update, path, &place, error)) return false;
    int32_t id;
    const TarnSchema *schema = &update->schema;
    bool identifies = is_identifier(schema, place.field->id) ||
                      (place.field->type.primitive.kind == TARN_TYPE_STRUCT &&
                       contains_id(place.field, schema->identifier_ids, schema->identifier_count,
                                   &id));
    if (identifies) {
        refuse(error, path, "cannot become optional: it identifies the rows");
        return tarn_base_error_hint(error, "change the identifier fields first");
    }
    place.field->required = false;
    return true;
}

bool tarn_table_schema_update_default(TarnSchemaUpdate *update, const char *path,
                                      const TarnJson *write, TarnError *error) {
    TarnFieldPlace place;
    if (!find_column(update, path, &place, error)) return false;
    if (!in_struct(&place)) {
        return refuse(error, path, "is a list's element or a map's value and has no default");
    }
    TarnField changed = *place.field;
    changed.write_default = write != NULL && write->kind != TARN_JSON_NULL ? write : NULL;
    if (!tarn_table__version_check(&changed, update->format_version, error) ||
        !tarn_table__default_check(&changed.type, changed.write_default,
                                   TARN_E_SCHEMA_CHANGE_REFUSED, path, error)) {
        return false;
    }
    *place.field = changed;
    return true;
}

bool tarn_table_schema_update_doc(TarnSchemaUpdate *update, const char *path, const char *doc,
                                  TarnError *error) {
    TarnFieldPlace place;
    if (!find_column(update, path, &place, error)) return false;
    if (!in_struct(&place)) {
        return refuse(error, path, "is a list's element or a map's value and has no description");
    }
    TarnText text = tarn_base_text(doc);
    if (tarn_base_text_utf8_valid(text) != text.size) {
        return refuse(error, path, "cannot have a description that is not UTF-8");
    }
    place.field->doc = tarn_base_arena_string(update->arena, doc);
    return tarn_base_arena_check(update->arena, error);
}

/* ---- type ---- */

/* A date's default is text that does not suit a timestamp; other promotions keep the JSON. */
static bool promote_default(TarnSchemaUpdate *update, TarnPrimitive from, TarnPrimitive to,
                            const TarnJson **value, TarnError *error) {
    if (*value == NULL || from.kind != TARN_TYPE_DATE) return true;
    TarnLiteral literal;
    if (!tarn_format_literal_from_json(from, *value, update->arena, &literal, error)) return false;
    if (!tarn_format_literal_promote(to, &literal, &literal)) {
        return tarn_base_error_set(error, TARN_E_SCHEMA_CHANGE_REFUSED,
                                   "the column's default is beyond the range of the new type");
    }
    TarnBuffer text;
    tarn_base_buffer_init(&text, 64);
    tarn_format_literal_to_text(to, &literal, &text); /* without a zone the same as in JSON */
    *value = text.failed ? NULL
                         : tarn_base_json_new_string(update->arena, tarn_base_buffer_view(&text));
    bool done = tarn_base_buffer_check(&text, error);
    tarn_base_buffer_dispose(&text);
    return done && tarn_base_arena_check(update->arena, error);
}

static bool refuse_promotion(const char *path, const TarnType *from, TarnPrimitive to,
                             TarnError *error) {
    char old_name[TARN_TABLE_TYPE_NAME_BYTES];
    char new_name[TARN_TABLE_TYPE_NAME_BYTES];
    TarnType target = {.primitive = to};
    tarn_base_error_set(error, TARN_E_SCHEMA_CHANGE_REFUSED,
                        "column \"%.300s\" cannot change its type from %s to %s", path,
                        tarn_table__type_name(from, old_name),
                        tarn_table__type_name(&target, new_name));
    return tarn_base_error_hint(error,
                                "types can only widen: int to long, float to double, decimal "
                                "to more digits before the point; else add a column and "
                                "fill it");
}

bool tarn_table__update_promote(TarnSchemaUpdate *update, TarnField *field, const char *path,
                                TarnPrimitive to, TarnError *error) {
    TarnPrimitive from = field->type.primitive;
    if (tarn_format_primitive_equal(from, to) && !tarn_format_kind_is_nested(to.kind)) return true;
    if (!tarn_format_primitive_promotes(from, to, update->format_version)) {
        return refuse_promotion(path, &field->type, to, error);
    }
    TarnField widened = *field;
    widened.type = (TarnType){.primitive = to};
    if (!tarn_table__version_check(&widened, update->format_version, error)) return false;
    for (size_t i = 0; from.kind == TARN_TYPE_DATE && i < update->partition_source_count; i++) {
        if (update->partition_source_ids[i] != field->id) continue;
        return refuse(error, path, "cannot become a timestamp: partitions are made from its date");
    }
    if (!promote_default(update, from, to, &widened.initial_default, error) ||
        !promote_default(update, from, to, &widened.write_default, error)) {
        return false;
    }
    *field = widened;
    return true;
}

bool tarn_table_schema_update_type(TarnSchemaUpdate *update, const char *path, TarnPrimitive type,
                                   TarnError *error) {
    TarnFieldPlace place;
    return find_column(update, path, &place, error) &&
           tarn_table__update_promote(update, place.field, path, type, error);
}

/* ---- move ---- */

static void rotate(TarnField *fields, size_t from, size_t to) {
    TarnField moved = fields[from];
    if (from < to) {
        memmove(&fields[from], &fields[from + 1], (to - from) * sizeof(*fields));
    } else {
        memmove(&fields[to + 1], &fields[to], (from - to) * sizeof(*fields));
    }
    fields[to] = moved;
}

static bool find_anchor(TarnSchemaUpdate *update, const TarnFieldPlace *place, const char *anchor,
                        size_t *index, TarnError *error) {
    TarnFieldList list = siblings_of(update, place->parent);
    TarnText path = tarn_base_text(anchor);
    TarnFieldPlace other = tarn_table__field_by_name(&update->schema, path);
    if (other.field != NULL && other.parent == place->parent) {
        *index = other.index;
        return true;
    }
    const TarnField *sibling = tarn_table__field_named(*list.items, *list.count,
                                                       anchor != NULL ? anchor : "", NULL);
    if (sibling != NULL) {
        *index = (size_t)(sibling - *list.items);
        return true;
    }
    if (other.field == NULL) return tarn_table__refuse_column(&update->schema, path, error);
    return refuse(error, anchor, "is in another struct than the column to be moved");
}

bool tarn_table_schema_update_move(TarnSchemaUpdate *update, const char *path, TarnColumnMove where,
                                   const char *anchor, TarnError *error) {
    TarnFieldPlace place;
    size_t index = 0;
    if (!find_column(update, path, &place, error)) return false;
    if (!in_struct(&place)) {
        return refuse(error, path, "is a list's element or a map's value and cannot be moved");
    }
    if (where != TARN_MOVE_FIRST && !find_anchor(update, &place, anchor, &index, error)) {
        return false;
    }
    if (where != TARN_MOVE_FIRST && index == place.index) return true;
    /* The anchor's place once the column is taken out. */
    if (where != TARN_MOVE_FIRST && place.index < index) index--;
    if (where == TARN_MOVE_AFTER) index++;
    rotate(*siblings_of(update, place.parent).items, place.index, index);
    return true;
}
