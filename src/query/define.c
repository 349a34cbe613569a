/* DROP, CREATE SCHEMA; CREATE VIEW is in view.c.
 */
#include "query/transaction_private.h"

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
        statement->message = tarn_base_arena_printf(&statement->arena, "dropped %s %s.%s", noun,
                                                    parsed->name.ns, parsed->name.name);
        ok = parsed->purge ? tarn_query__drop_purge(statement, parsed, error)
             : statement->query->transaction != NULL
                 ? tarn_query__transaction_drop(statement->query, parsed->name, error)
                 : tarn_catalog_drop(catalog, parsed->name, kind, error);
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

bool tarn_query__define(TarnStatement *statement, const TarnParsed *parsed,
                        const TarnRunOptions *run, TarnError *error) {
    if (parsed->kind == TARN_STATEMENT_DROP) return drop_object(statement, parsed, error);
    if (parsed->kind == TARN_STATEMENT_CREATE_VIEW) {
        return tarn_query__create_view(statement, parsed, run, error);
    }
    statement->message =
        tarn_base_arena_printf(&statement->arena, "created schema %s", parsed->path);
    return tarn_catalog_namespace_create(statement->query->catalog, parsed->path,
                                         parsed->if_not_exists, error);
}
