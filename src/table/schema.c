/* The schema as a tree of fields: finding, comparing, numbering, and what is derived from it.
 *
 * A schema is small (columns of one table) and immutable once built, so lookups walk the tree and
 * nothing is indexed. Paths are dotted, but names may hold dots themselves: a path is matched
 * against whole names first and then taken apart at each place where a name fits, so "a.b" finds
 * a column "a.b" as well as b in a. Reading JSON is in schema_json.c, checks for new schemas in
 * schema_check.c, evolution in schema_update.c. Recursion is bounded by the levels a type may have.
 */
#include "table/schema.h"

#include <string.h>
#include <strings.h>

#include "table/schema_private.h"

/* ---- finding ---- */

static bool is_collection(TarnTypeKind kind) {
    return kind == TARN_TYPE_LIST || kind == TARN_TYPE_MAP;
}

/* The place of parent's field `index`, given the parent's own place. */
static TarnFieldPlace child_place(const TarnFieldPlace *parent, TarnField *fields, size_t index) {
    TarnFieldPlace place = {.field = &fields[index], .parent = parent->field, .index = index};
    if (parent->field == NULL) return place;
    TarnTypeKind kind = parent->field->type.primitive.kind;
    place.in_collection = parent->in_collection || is_collection(kind);
    place.in_map_key = parent->in_map_key || (kind == TARN_TYPE_MAP && index == 0);
    place.in_optional = parent->in_optional || !parent->field->required;
    return place;
}

static bool find_id(const TarnFieldPlace *parent, TarnField *fields, size_t count, int32_t id,
                    TarnFieldPlace *found) {
    for (size_t i = 0; i < count; i++) {
        TarnFieldPlace place = child_place(parent, fields, i);
        if (fields[i].id == id) {
            *found = place;
            return true;
        }
        const TarnType *type = &fields[i].type;
        if (type->field_count > 0 && find_id(&place, type->fields, type->field_count, id, found)) {
            return true;
        }
    }
    return false;
}

TarnFieldPlace tarn_table__field_by_id(const TarnSchema *schema, int32_t id) {
    TarnFieldPlace top = {0};
    TarnFieldPlace found = {0};
    find_id(&top, schema->fields, schema->field_count, id, &found);
    return found;
}

typedef struct NameSearch {
    TarnFieldPlace found; /* the first one */
    size_t matches;
    bool fold; /* without regard to case */
} NameSearch;

static bool name_starts(TarnText path, TarnText name, bool fold) {
    if (path.size < name.size) return false;
    if (name.size == 0) return true;
    return fold ? strncasecmp(path.data, name.data, name.size) == 0
                : memcmp(path.data, name.data, name.size) == 0;
}

static void find_path(const TarnFieldPlace *parent, TarnField *fields, size_t count, TarnText path,
                      NameSearch *search) {
    for (size_t i = 0; i < count; i++) {
        TarnText name = tarn_base_text(fields[i].name);
        if (name.size != path.size || !name_starts(path, name, search->fold)) continue;
        if (search->matches++ == 0) search->found = child_place(parent, fields, i);
    }
    for (size_t i = 0; i < count; i++) {
        TarnText name = tarn_base_text(fields[i].name);
        const TarnType *type = &fields[i].type;
        if (type->field_count == 0 || path.size <= name.size || path.data[name.size] != '.' ||
            !name_starts(path, name, search->fold)) {
            continue;
        }
        TarnFieldPlace place = child_place(parent, fields, i);
        TarnText rest = {path.data + name.size + 1, path.size - name.size - 1};
        find_path(&place, type->fields, type->field_count, rest, search);
    }
}

TarnFieldPlace tarn_table__field_by_name(const TarnSchema *schema, TarnText path) {
    TarnFieldPlace top = {0};
    NameSearch exact = {.fold = false};
    find_path(&top, schema->fields, schema->field_count, path, &exact);
    if (exact.matches > 0) return exact.found;
    NameSearch folded = {.fold = true};
    find_path(&top, schema->fields, schema->field_count, path, &folded);
    return folded.matches == 1 ? folded.found : (TarnFieldPlace){0};
}

const TarnField *tarn_table_schema_find(const TarnSchema *schema, int32_t id) {
    return tarn_table__field_by_id(schema, id).field;
}

const TarnField *tarn_table_schema_find_name(const TarnSchema *schema, const char *path) {
    return tarn_table__field_by_name(schema, tarn_base_text(path)).field;
}

const TarnField *tarn_table__field_named(const TarnField *fields, size_t count, const char *name,
                                         const TarnField *except) {
    for (size_t i = 0; i < count; i++) {
        if (&fields[i] != except && strcasecmp(fields[i].name, name) == 0) return &fields[i];
    }
    return NULL;
}

static const char *build_path(const char *prefix, const TarnField *fields, size_t count, int32_t id,
                              TarnArena *arena) {
    for (size_t i = 0; i < count; i++) {
        bool found = fields[i].id == id;
        const TarnType *type = &fields[i].type;
        TarnFieldPlace top = {0};
        TarnFieldPlace below;
        if (!found && !find_id(&top, type->fields, type->field_count, id, &below)) continue;
        const char *path = prefix != NULL
                               ? tarn_base_arena_printf(arena, "%s.%s", prefix, fields[i].name)
                               : fields[i].name;
        if (found || path == NULL) return path;
        return build_path(path, type->fields, type->field_count, id, arena);
    }
    return NULL;
}

const char *tarn_table_schema_path(const TarnSchema *schema, int32_t id, TarnArena *arena) {
    return build_path(NULL, schema->fields, schema->field_count, id, arena);
}

/* ---- the nearest name ---- */

#define CANDIDATES_MAX 2000 /* enough for a hint; a wider table gets none for its last columns */

typedef struct PathList {
    const char **items;
    size_t count;
    size_t capacity;
} PathList;

static void collect_paths(const char *prefix, const TarnField *fields, size_t count,
                          TarnArena *arena, PathList *paths) {
    for (size_t i = 0; i < count && paths->count < CANDIDATES_MAX; i++) {
        const char *path = prefix != NULL
                               ? tarn_base_arena_printf(arena, "%s.%s", prefix, fields[i].name)
                               : fields[i].name;
        const char **slot = path != NULL ? TARN_PUSH(arena, paths) : NULL;
        if (slot == NULL) return;
        *slot = path;
        collect_paths(path, fields[i].type.fields, fields[i].type.field_count, arena, paths);
    }
}

bool tarn_table__refuse_column(const TarnSchema *schema, TarnText path, TarnError *error) {
    TarnArena scratch;
    tarn_base_arena_init(&scratch, TARN_MIB);
    PathList paths = {0};
    collect_paths(NULL, schema->fields, schema->field_count, &scratch, &paths);
    const char *wanted = tarn_base_text_string(&scratch, path);
    const char *nearest = wanted != NULL ? tarn_base_text_nearest(wanted, paths.items, paths.count)
                                         : NULL;
    tarn_base_error_set(error, TARN_E_COLUMN_NOT_FOUND, "column \"%.*s\" does not exist",
                        (int)(path.size < 300 ? path.size : 300), path.data);
    if (nearest != NULL) tarn_base_error_hint(error, "did you mean \"%s\"?", nearest);
    tarn_base_arena_dispose(&scratch);
    return false;
}

/* ---- ids ---- */

static int32_t highest_of(const TarnField *fields, size_t count) {
    int32_t highest = 0;
    for (size_t i = 0; i < count; i++) {
        if (fields[i].id > highest) highest = fields[i].id;
        int32_t below = highest_of(fields[i].type.fields, fields[i].type.field_count);
        if (below > highest) highest = below;
    }
    return highest;
}

int32_t tarn_table_schema_highest_id(const TarnSchema *schema) {
    return highest_of(schema->fields, schema->field_count);
}

bool tarn_table__fields_renumber(TarnField *fields, size_t count, int32_t *last_id,
                                 TarnIdChange change, void *state) {
    for (size_t i = 0; i < count; i++) {
        if (*last_id >= TARN_TABLE_FIELD_ID_MAX) return false;
        int32_t id = ++*last_id;
        if (change != NULL) change(state, fields[i].id, id);
        fields[i].id = id;
    }
    for (size_t i = 0; i < count; i++) {
        if (!tarn_table__type_renumber(&fields[i].type, last_id, change, state)) return false;
    }
    return true;
}

bool tarn_table__type_renumber(TarnType *type, int32_t *last_id, TarnIdChange change, void *state) {
    return tarn_table__fields_renumber(type->fields, type->field_count, last_id, change, state);
}

static void change_identifier(void *state, int32_t old_id, int32_t new_id) {
    const TarnSchema *schema = state;
    for (size_t i = 0; i < schema->identifier_count; i++) {
        /* Marked by its sign until all are known: an old id may equal another's new one. */
        if (schema->identifier_ids[i] == old_id) schema->identifier_ids[i] = -new_id;
    }
}

void tarn_table_schema_assign_ids(TarnSchema *schema, int32_t *last_column_id) {
    *last_column_id = 0;
    tarn_table__fields_renumber(schema->fields, schema->field_count, last_column_id,
                                change_identifier, schema);
    for (size_t i = 0; i < schema->identifier_count; i++) {
        if (schema->identifier_ids[i] < 0) schema->identifier_ids[i] = -schema->identifier_ids[i];
    }
    schema->source = (TarnText){NULL, 0};
}

/* ---- comparing and copying ---- */

static bool same_text(const char *a, const char *b) {
    if (a == NULL || b == NULL) return a == b;
    return strcmp(a, b) == 0;
}

bool tarn_table__json_equal(const TarnJson *a, const TarnJson *b) {
    if (a == NULL || b == NULL) return a == b;
    if (a->kind != b->kind || a->count != b->count) return false;
    switch (a->kind) {
    case TARN_JSON_NULL: return true;
    case TARN_JSON_BOOL: return a->boolean == b->boolean;
    case TARN_JSON_NUMBER:
    case TARN_JSON_STRING: return tarn_base_text_equal(a->text, b->text);
    case TARN_JSON_ARRAY: {
        const TarnJson *other = b->first;
        TARN_JSON_EACH(child, a) {
            if (!tarn_table__json_equal(child, other)) return false;
            other = other->next;
        }
        return true;
    }
    case TARN_JSON_OBJECT: break;
    }
    TARN_JSON_EACH(child, a) {
        const TarnJson *other = b->first;
        while (other != NULL && !tarn_base_text_equal(other->key, child->key)) other = other->next;
        if (other == NULL || !tarn_table__json_equal(child, other)) return false;
    }
    return true;
}

static bool same_fields(const TarnField *a, const TarnField *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (a[i].id != b[i].id || a[i].required != b[i].required ||
            !same_text(a[i].name, b[i].name) || !same_text(a[i].doc, b[i].doc) ||
            !tarn_table__json_equal(a[i].initial_default, b[i].initial_default) ||
            !tarn_table__json_equal(a[i].write_default, b[i].write_default) ||
            !tarn_table_type_equal(&a[i].type, &b[i].type)) {
            return false;
        }
    }
    return true;
}

bool tarn_table_type_equal(const TarnType *a, const TarnType *b) {
    return tarn_format_primitive_equal(a->primitive, b->primitive) &&
           tarn_base_text_equal(a->text, b->text) && a->field_count == b->field_count &&
           same_fields(a->fields, b->fields, a->field_count);
}

static bool has_identifier(const TarnSchema *schema, int32_t id) {
    for (size_t i = 0; i < schema->identifier_count; i++) {
        if (schema->identifier_ids[i] == id) return true;
    }
    return false;
}

bool tarn_table_schema_same(const TarnSchema *a, const TarnSchema *b) {
    if (a->field_count != b->field_count) return false;
    for (size_t i = 0; i < a->identifier_count; i++) {
        if (!has_identifier(b, a->identifier_ids[i])) return false;
    }
    for (size_t i = 0; i < b->identifier_count; i++) {
        if (!has_identifier(a, b->identifier_ids[i])) return false;
    }
    return same_fields(a->fields, b->fields, a->field_count);
}

size_t tarn_table__field_capacity(size_t count) {
    size_t capacity = 1;
    while (capacity < count) capacity *= 2;
    return capacity;
}

TarnField *tarn_table__fields_copy(const TarnField *fields, size_t count, TarnArena *arena) {
    if (count == 0) return NULL;
    TarnField *copy = TARN_NEW_ARRAY(arena, tarn_table__field_capacity(count), TarnField);
    if (copy == NULL) return NULL;
    memcpy(copy, fields, count * sizeof(*fields));
    for (size_t i = 0; i < count; i++) {
        TarnType *type = &copy[i].type;
        type->fields = tarn_table__fields_copy(type->fields, type->field_count, arena);
        if (type->fields == NULL) type->field_count = 0; /* an exhausted arena shows itself */
    }
    return copy;
}

int tarn_table__type_levels(const TarnType *type) {
    if (!tarn_format_kind_is_nested(type->primitive.kind)) return 0;
    int deepest = 0;
    for (size_t i = 0; i < type->field_count && deepest <= TARN_TABLE_TYPE_LEVELS_MAX; i++) {
        int levels = tarn_table__type_levels(&type->fields[i].type);
        if (levels > deepest) deepest = levels;
    }
    return deepest + (type->primitive.kind == TARN_TYPE_STRUCT ? TARN_TABLE_STRUCT_LEVELS : 1);
}

/* ---- derived texts ---- */

static void write_field_ids(const TarnField *fields, size_t count, bool follows, TarnBuffer *out) {
    for (size_t i = 0; i < count; i++) {
        const TarnType *type = &fields[i].type;
        if (type->primitive.kind == TARN_TYPE_UNKNOWN) continue;
        if (follows) tarn_base_buffer_string(out, ", ");
        follows = true;
        tarn_base_buffer_identifier(out, tarn_base_text(fields[i].name));
        if (type->field_count == 0) {
            tarn_base_buffer_printf(out, ": %d", fields[i].id);
            continue;
        }
        tarn_base_buffer_printf(out, ": {__duckdb_field_id: %d", fields[i].id);
        write_field_ids(type->fields, type->field_count, true, out);
        tarn_base_buffer_byte(out, '}');
    }
}

void tarn_table_schema_to_field_ids(const TarnSchema *schema, TarnBuffer *out) {
    tarn_base_buffer_byte(out, '{');
    write_field_ids(schema->fields, schema->field_count, false, out);
    tarn_base_buffer_byte(out, '}');
}

static void write_name_mapping(const TarnField *fields, size_t count, TarnJsonWriter *writer) {
    tarn_base_json_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        tarn_base_json_object_begin(writer);
        tarn_base_json_key(writer, "field-id");
        tarn_base_json_put_int64(writer, fields[i].id);
        tarn_base_json_key(writer, "names");
        tarn_base_json_array_begin(writer);
        tarn_base_json_put_string(writer, fields[i].name);
        tarn_base_json_array_end(writer);
        if (fields[i].type.field_count > 0) {
            tarn_base_json_key(writer, "fields");
            write_name_mapping(fields[i].type.fields, fields[i].type.field_count, writer);
        }
        tarn_base_json_object_end(writer);
    }
    tarn_base_json_array_end(writer);
}

bool tarn_table_schema_to_name_mapping(const TarnSchema *schema, TarnBuffer *out) {
    TarnJsonWriter writer;
    tarn_base_json_writer_init(&writer, out, 0);
    write_name_mapping(schema->fields, schema->field_count, &writer);
    return !out->failed;
}
