/* DROP, CREATE VIEW, CREATE SCHEMA.
 */
#include "base/limits.h"
#include "query/query_private.h"

static bool drop_object(TarnStatement *statement, const TarnParsed *parsed, TarnError *error) {
    static const char *const nouns[] = {"table", "view", "schema"};
    TarnCatalog *catalog = statement->query->catalog;
    const char *noun = nouns[parsed->object];
    bool ok = false;
    if (parsed->object == TARN_OBJECT_SCHEMA) {
        ok = tarn_catalog_namespace_drop(catalog, parsed->path, error);
        statement->message =
            tarn_base_arena_printf(&statement->arena, "dropped schema %s", parsed->path);
    } else {
        TarnRelationKind kind = parsed->object == TARN_OBJECT_VIEW ? TARN_RELATION_VIEW
                                                                   : TARN_RELATION_TABLE;
        ok = tarn_catalog_drop(catalog, parsed->name, kind, error);
        statement->message = tarn_base_arena_printf(&statement->arena, "dropped %s %s.%s", noun,
                                                    parsed->name.ns, parsed->name.name);
    }
    bool absent =
        error->code == TARN_E_TABLE_NOT_FOUND || error->code == TARN_E_NAMESPACE_NOT_FOUND;
    if (ok || !absent) return ok;
    if (parsed->if_exists) {
        tarn_base_error_clear(error);
        statement->message = tarn_base_arena_printf(&statement->arena, "no such %s", noun);
        return true;
    }
    TarnError told = *error;
    tarn_query__error_at(parsed->tokens.source, parsed->name_offset, told.code, error, "%s",
                         told.message);
    return tarn_base_error_hint(error, "%s", told.hint);
}

static bool create_view(TarnStatement *statement, const TarnParsed *parsed,
                        const TarnRunOptions *run, TarnError *error) {
    TarnPrepared prepared;
    TarnSchema schema;
    TarnBuffer json;
    TarnJsonWriter writer;
    TarnQuery *query = statement->query;
    TarnArena *arena = &statement->arena;
    if (!tarn_query__prepare_inner(statement, parsed, run, &prepared, error)) return false;
    if (prepared.rewritten.travels.count > 0) {
        tarn_query__prepared_release(&prepared);
        return tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                                   "a view cannot travel in time; the statement that reads it can");
    }
    bool ok = tarn_query__prepared_schema(&prepared, &schema, error);
    statement->plan = prepared.plan;
    tarn_query__prepared_release(&prepared);
    if (!ok) return false;
    tarn_base_buffer_init(&json, TARN_LIMIT_SQL_BYTES);
    tarn_base_json_writer_init(&writer, &json, 0);
    tarn_table_schema_to_json(&schema, &writer);
    TarnView view = {.name = parsed->name,
                     .sql = tarn_base_text_string(arena, parsed->select),
                     .schema_json = tarn_base_buffer_keep(&json, arena)};
    ok = tarn_base_buffer_check(&json, error) && tarn_base_arena_check(arena, error) &&
         tarn_catalog_view_put(query->catalog, &view, parsed->or_replace, error);
    tarn_base_buffer_dispose(&json);
    if (!ok && error->code == TARN_E_TABLE_EXISTS && parsed->if_not_exists) {
        tarn_base_error_clear(error);
        ok = true;
    }
    statement->message = tarn_base_arena_printf(arena, "created view %s.%s", parsed->name.ns,
                                                parsed->name.name);
    return ok;
}

bool tarn_query__define(TarnStatement *statement, const TarnParsed *parsed,
                        const TarnRunOptions *run, TarnError *error) {
    if (parsed->kind == TARN_STATEMENT_DROP) return drop_object(statement, parsed, error);
    if (parsed->kind == TARN_STATEMENT_CREATE_VIEW) {
        return create_view(statement, parsed, run, error);
    }
    statement->message =
        tarn_base_arena_printf(&statement->arena, "created schema %s", parsed->path);
    return tarn_catalog_namespace_create(statement->query->catalog, parsed->path,
                                         parsed->if_not_exists, error);
}
