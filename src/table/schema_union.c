/* The by-name union of a table's schema with the schema of incoming data.
 *
 * Names are matched as SQL does: the exact one first, else without case. The result can hold what
 * the table holds and what the data brings, and nothing is lost on either side: a column the data
 * lacks stays, a wider type is kept, a narrower one widened by the specification's promotions. If
 * neither type can hold the other's values exactly the union is refused and nothing has changed.
 */
#include <string.h>

#include "table/schema_update_private.h"

typedef struct Union {
    TarnSchemaUpdate *update;
    TarnError *error;
    bool changed;
} Union;

static bool unite_fields(Union *u, TarnField *parent, const TarnField *incoming, size_t count,
                         const char *path);
static bool unite_field(Union *u, TarnField *field, const TarnField *incoming, const char *path);

/* Do all values of `from` fit `to` exactly, so that the column can stay as it is? */
static bool fits(TarnPrimitive from, TarnPrimitive to) {
    if (tarn_format_primitive_equal(from, to) || tarn_format_primitive_promotes(from, to, 3)) {
        return true;
    }
    bool integer = from.kind == TARN_TYPE_INT || from.kind == TARN_TYPE_LONG;
    if (integer && to.kind == TARN_TYPE_DECIMAL) {
        return to.precision - to.scale >= (from.kind == TARN_TYPE_INT ? 10 : 19);
    }
    if (from.kind == TARN_TYPE_INT && to.kind == TARN_TYPE_DOUBLE) return true;
    if (from.kind == TARN_TYPE_DECIMAL && to.kind == TARN_TYPE_DECIMAL) {
        return to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale;
    }
    /* What the engine cannot tell apart comes back from it under the commoner name. */
    return (from.kind == TARN_TYPE_BINARY &&
            (to.kind == TARN_TYPE_FIXED || to.kind == TARN_TYPE_GEOGRAPHY)) ||
           (from.kind == TARN_TYPE_TIMESTAMPTZ && to.kind == TARN_TYPE_TIMESTAMPTZ_NS);
}

static bool refuse_types(Union *u, const TarnType *have, const TarnType *bring, const char *path) {
    char have_name[TARN_TABLE_TYPE_NAME_BYTES];
    char bring_name[TARN_TABLE_TYPE_NAME_BYTES];
    tarn_base_error_set(u->error, TARN_E_SCHEMA_CHANGE_REFUSED,
                        "column \"%.300s\" is of type %s, and the new data brings %s", path,
                        tarn_table__type_name(have, have_name),
                        tarn_table__type_name(bring, bring_name));
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, 300);
    tarn_table_type_to_sql(have, &sql);
    if (!sql.failed) tarn_base_error_hint(u->error, "cast the new data to %s", sql.data);
    tarn_base_buffer_dispose(&sql);
    return false;
}

static bool unite_primitive(Union *u, TarnField *field, const TarnField *incoming,
                            const char *path) {
    TarnPrimitive have = field->type.primitive;
    TarnPrimitive bring = incoming->type.primitive;
    if (fits(bring, have)) return true;
    TarnPrimitive wider = bring;
    if (have.kind == TARN_TYPE_DECIMAL && bring.kind == TARN_TYPE_DECIMAL &&
        bring.scale <= have.scale && bring.precision - bring.scale + have.scale <= 38) {
        wider.scale = have.scale; /* the scale is fixed; digits before the point are added */
        wider.precision = bring.precision - bring.scale + have.scale;
    }
    if (!tarn_format_primitive_promotes(have, wider, u->update->format_version)) {
        return refuse_types(u, &field->type, &incoming->type, path);
    }
    u->changed = true;
    return tarn_table__update_promote(u->update, field, path, wider, u->error);
}

/* A map's key may not change: it must be able to hold what comes. */
static bool check_key(Union *u, const TarnField *key, const TarnField *incoming, const char *path) {
    bool nested = tarn_format_kind_is_nested(key->type.primitive.kind) ||
                  tarn_format_kind_is_nested(incoming->type.primitive.kind);
    if (!nested && fits(incoming->type.primitive, key->type.primitive)) return true;
    if (nested && key->type.primitive.kind == incoming->type.primitive.kind &&
        key->type.field_count == incoming->type.field_count) {
        for (size_t i = 0; i < key->type.field_count; i++) {
            const TarnField *have = &key->type.fields[i];
            const TarnField *bring = &incoming->type.fields[i];
            if (tarn_table__field_named(bring, 1, have->name, NULL) == NULL) {
                return refuse_types(u, &key->type, &incoming->type, path);
            }
            if (!check_key(u, have, bring, path)) return false;
        }
        return true;
    }
    return refuse_types(u, &key->type, &incoming->type, path);
}

static bool unite_field(Union *u, TarnField *field, const TarnField *incoming, const char *path) {
    TarnTypeKind have = field->type.primitive.kind;
    TarnTypeKind bring = incoming->type.primitive.kind;
    if (bring == TARN_TYPE_UNKNOWN) return true; /* nothing but nulls */
    if (!tarn_format_kind_is_nested(have) && !tarn_format_kind_is_nested(bring)) {
        return unite_primitive(u, field, incoming, path);
    }
    if (have != bring) return refuse_types(u, &field->type, &incoming->type, path);
    if (have == TARN_TYPE_STRUCT) {
        return unite_fields(u, field, incoming->type.fields, incoming->type.field_count, path);
    }
    if (have == TARN_TYPE_MAP &&
        !check_key(u, &field->type.fields[0], &incoming->type.fields[0], path)) {
        return false;
    }
    size_t last = have == TARN_TYPE_MAP ? 1 : 0;
    const char *below = tarn_base_arena_printf(u->update->arena, "%s.%s", path,
                                               field->type.fields[last].name);
    if (below == NULL) return tarn_base_arena_check(u->update->arena, u->error);
    return unite_field(u, &field->type.fields[last], &incoming->type.fields[last], below);
}

/* The table's field that an incoming name means. */
static TarnField *match(TarnField *fields, size_t count, const char *name) {
    TarnField *folded = NULL;
    size_t matches = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0) return &fields[i];
        if (tarn_table__field_named(&fields[i], 1, name, NULL) == NULL) continue;
        folded = &fields[i];
        matches++;
    }
    return matches == 1 ? folded : NULL;
}

static bool unite_fields(Union *u, TarnField *parent, const TarnField *incoming, size_t count,
                         const char *path) {
    TarnSchema *schema = &u->update->schema;
    for (size_t i = 0; i < count; i++) {
        /* Read anew each time: adding a field moves its siblings. */
        TarnField *fields = parent != NULL ? parent->type.fields : schema->fields;
        size_t have = parent != NULL ? parent->type.field_count : schema->field_count;
        TarnField *field = match(fields, have, incoming[i].name);
        if (field == NULL) {
            TarnField fresh = incoming[i];
            fresh.required = false;
            fresh.initial_default = fresh.write_default = NULL;
            if (!tarn_table__update_append(u->update, parent, &fresh, u->error)) return false;
            u->changed = true;
            continue;
        }
        const char *below = path != NULL ? tarn_base_arena_printf(u->update->arena, "%s.%s", path,
                                                                  field->name)
                                         : field->name;
        if (below == NULL) return tarn_base_arena_check(u->update->arena, u->error);
        if (!unite_field(u, field, &incoming[i], below)) return false;
    }
    return true;
}

bool tarn_table_schema_update_union(TarnSchemaUpdate *update, const TarnSchema *incoming,
                                    bool *changed, TarnError *error) {
    if (!tarn_base_arena_check(update->arena, error)) return false;
    TarnSchemaUpdate before = *update;
    update->schema.fields = tarn_table__fields_copy(before.schema.fields, before.schema.field_count,
                                                    update->arena);
    Union u = {.update = update, .error = error};
    bool done = tarn_base_arena_check(update->arena, error) &&
                unite_fields(&u, NULL, incoming->fields, incoming->field_count, NULL);
    if (!done) *update = before;
    *changed = done && u.changed;
    return done;
}
