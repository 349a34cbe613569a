/* VARIANT columns of a result, as JSON.
 *
 * A value of type VARIANT has no form of its own that a terminal, JSON or CSV could show, and the
 * engine hands its inner columns out in a layout of its own. So a SELECT that yields such a column
 * is put into another one, which casts it: alone to JSON, inside of structs, lists and maps to the
 * same type with JSON in its place. The order of the rows stays.
 *
 * Whether there is such a column is asked of the engine, and only of statements that read a table
 * with a variant or say the word.
 */
#include <strings.h>

#include "base/limits.h"
#include "query/query_private.h"

static const char WORD[] = "variant";

static bool says_variant(TarnText sql) {
    for (size_t i = 0; i + strlen(WORD) <= sql.size; i++) {
        if (strncasecmp(sql.data + i, WORD, strlen(WORD)) == 0) return true;
    }
    return false;
}

static bool fields_have_variant(const TarnField *fields, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (fields[i].type.primitive.kind == TARN_TYPE_VARIANT ||
            fields_have_variant(fields[i].type.fields, fields[i].type.field_count)) {
            return true;
        }
    }
    return false;
}

static bool may_yield_variant(const TarnPrepared *prepared) {
    for (size_t i = 0; i < prepared->bindings.count; i++) {
        const TarnSchema *schema = prepared->bindings.items[i].schema;
        if (schema != NULL && fields_have_variant(schema->fields, schema->field_count)) return true;
    }
    return says_variant(prepared->rewritten.sql);
}

static bool has_variant(const TarnEngineType *type) {
    if (type->kind == TARN_ENGINE_VARIANT) return true;
    for (uint32_t i = 0; i < type->child_count; i++) {
        if (has_variant(&type->children[i])) return true;
    }
    return false;
}

/* The type with JSON where VARIANT was. */
static void write_type(const TarnEngineType *type, TarnBuffer *out) {
    if (!has_variant(type)) {
        tarn_engine_type_write(type, out);
        return;
    }
    switch (type->kind) {
    case TARN_ENGINE_LIST:
        write_type(&type->children[0], out);
        tarn_base_buffer_string(out, "[]");
        return;
    case TARN_ENGINE_ARRAY:
        write_type(&type->children[0], out);
        tarn_base_buffer_printf(out, "[%u]", type->array_size);
        return;
    case TARN_ENGINE_MAP:
        tarn_base_buffer_string(out, "MAP(");
        write_type(&type->children[0], out);
        tarn_base_buffer_string(out, ", ");
        write_type(&type->children[1], out);
        tarn_base_buffer_byte(out, ')');
        return;
    case TARN_ENGINE_STRUCT:
        tarn_base_buffer_string(out, "STRUCT(");
        for (uint32_t i = 0; i < type->child_count; i++) {
            if (i > 0) tarn_base_buffer_string(out, ", ");
            tarn_base_buffer_identifier(out, tarn_base_text(type->names[i]));
            tarn_base_buffer_byte(out, ' ');
            write_type(&type->children[i], out);
        }
        tarn_base_buffer_byte(out, ')');
        return;
    default: tarn_base_buffer_string(out, "JSON"); return; /* a VARIANT, or a union of them */
    }
}

/* The engine makes "null" of an absent variant, which is not the same. */
static void write_column(const TarnEngineType *type, uint32_t column, TarnBuffer *out) {
    if (!has_variant(type)) {
        tarn_base_buffer_printf(out, "\"__c%u\"", column);
        return;
    }
    tarn_base_buffer_printf(out, "CASE WHEN \"__c%u\" IS NULL THEN NULL ELSE CAST(\"__c%u\" AS ",
                            column, column);
    write_type(type, out);
    tarn_base_buffer_string(out, ") END");
}

static bool wrap(const TarnEngineResult *rows, TarnText *sql, TarnArena *arena,
                 TarnError *error) {
    TarnBuffer out;
    uint32_t count = tarn_engine_result_column_count(rows);
    tarn_base_buffer_init(&out, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&out, "SELECT ");
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) tarn_base_buffer_string(&out, ", ");
        write_column(tarn_engine_result_column_type(rows, i), i, &out);
        tarn_base_buffer_string(&out, " AS ");
        tarn_base_buffer_identifier(&out, tarn_base_text(tarn_engine_result_column_name(rows, i)));
    }
    tarn_base_buffer_string(&out, " FROM (\n");
    tarn_base_buffer_text(&out, *sql);
    tarn_base_buffer_string(&out, "\n) AS \"__rows\"(");
    for (uint32_t i = 0; i < count; i++) {
        tarn_base_buffer_printf(&out, "%s\"__c%u\"", i > 0 ? ", " : "", i);
    }
    tarn_base_buffer_byte(&out, ')');
    bool done = tarn_base_buffer_check(&out, error);
    if (done) {
        *sql = (TarnText){tarn_base_text_string(arena, tarn_base_buffer_view(&out)), out.size};
        done = tarn_base_arena_check(arena, error);
    }
    tarn_base_buffer_dispose(&out);
    return done;
}

bool tarn_query__readable_sql(TarnEngineSession *session, TarnText *sql, TarnArena *arena,
                              TarnError *error) {
    TarnEngineResult *rows = NULL;
    if (!tarn_engine_describe(session, *sql, &rows, error)) return false;
    bool found = false;
    for (uint32_t i = 0; i < tarn_engine_result_column_count(rows); i++) {
        found = found || has_variant(tarn_engine_result_column_type(rows, i));
    }
    bool done = !found || wrap(rows, sql, arena, error);
    tarn_engine_result_free(rows);
    return done;
}

bool tarn_query__readable(const TarnPrepared *prepared, TarnText *sql, TarnError *error) {
    *sql = prepared->rewritten.sql;
    return !may_yield_variant(prepared) ||
           tarn_query__readable_sql(prepared->query->session, sql, prepared->arena, error);
}
