/* CREATE VIEW and ALTER VIEW: the SELECT is bound before it is kept, so that a view that is made
 * can be read; SQL of other dialects is kept as it is given.
 */
#include <strings.h>

#include "base/limits.h"
#include "query/query_private.h"

/* Binds the SELECT; `schema` NULL = only to see that it can be. */
static bool bind_select(TarnStatement *statement, const TarnParsed *parsed,
                        const TarnRunOptions *run, TarnSchema *schema, TarnError *error) {
    TarnPrepared prepared;
    if (!tarn_query__prepare_inner(statement, parsed, run, &prepared, error)) return false;
    bool ok = true;
    for (size_t i = 0; ok && i < prepared.rewritten.travels.count; i++) {
        const TarnTravel *travel = &prepared.rewritten.travels.items[i];
        ok = travel->version.data == NULL && travel->time.data == NULL &&
             travel->from.data == NULL;
    }
    if (!ok) {
        tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                            "a view cannot travel in time; the statement that reads it can");
    }
    ok = ok && (schema == NULL || tarn_query__prepared_schema(&prepared, schema, error));
    statement->plan = prepared.plan;
    tarn_query__prepared_release(&prepared);
    return ok;
}

static bool put_view(TarnStatement *statement, const TarnParsed *parsed, const TarnSchema *schema,
                     TarnError *error) {
    TarnBuffer json;
    TarnJsonWriter writer;
    TarnArena *arena = &statement->arena;
    tarn_base_buffer_init(&json, TARN_LIMIT_SQL_BYTES);
    tarn_base_json_writer_init(&writer, &json, 0);
    tarn_table_schema_to_json(schema, &writer);
    TarnView view = {.name = parsed->name,
                     .sql = tarn_base_text_string(arena, parsed->select),
                     .schema_json = tarn_base_buffer_keep(&json, arena)};
    bool ok = tarn_base_buffer_check(&json, error) && tarn_base_arena_check(arena, error) &&
              tarn_catalog_view_put(statement->query->catalog, &view, parsed->or_replace, error);
    tarn_base_buffer_dispose(&json);
    return ok;
}

bool tarn_query__create_view(TarnStatement *statement, const TarnParsed *parsed,
                             const TarnRunOptions *run, TarnError *error) {
    TarnSchema schema;
    if (!bind_select(statement, parsed, run, &schema, error)) return false;
    bool ok = put_view(statement, parsed, &schema, error);
    if (!ok && error->code == TARN_E_TABLE_EXISTS && parsed->if_not_exists) {
        tarn_base_error_clear(error);
        ok = true;
    }
    statement->message = tarn_base_arena_printf(&statement->arena, "created view %s.%s",
                                                parsed->name.ns, parsed->name.name);
    return ok;
}

static bool place_missing(const TarnParsed *parsed, TarnError *error) {
    TarnError told = *error;
    if (told.code != TARN_E_TABLE_NOT_FOUND || told.line > 0) return false;
    return tarn_query__error_at(parsed->tokens.source, parsed->name_offset, told.code, error, "%s",
                                told.message);
}

static bool replace_select(TarnStatement *statement, const TarnParsed *parsed,
                           const TarnRunOptions *run, TarnError *error) {
    TarnView *view = NULL;
    TarnSchema schema;
    if (!tarn_catalog_view_find(statement->query->catalog, parsed->name, &statement->arena, &view,
                                error)) {
        return false;
    }
    if (view == NULL) {
        return tarn_base_error_set(error, TARN_E_TABLE_NOT_FOUND, "view \"%s.%s\" does not exist",
                                   parsed->name.ns, parsed->name.name);
    }
    return bind_select(statement, parsed, run, &schema, error) &&
           put_view(statement, parsed, &schema, error);
}

static bool set_dialect(TarnStatement *statement, const TarnParsed *parsed,
                        const TarnRunOptions *run, TarnError *error) {
    const char *sql = NULL;
    if (parsed->view == TARN_VIEW_ADD_DIALECT) {
        bool own = strcasecmp(parsed->target, TARN_VIEW_DIALECT) == 0;
        if (own && !bind_select(statement, parsed, run, NULL, error)) return false;
        sql = tarn_base_text_string(&statement->arena, parsed->select);
        if (!tarn_base_arena_check(&statement->arena, error)) return false;
    }
    return tarn_catalog_view_dialect(statement->query->catalog, parsed->name, parsed->target, sql,
                                     error);
}

bool tarn_query__alter_view(TarnStatement *statement, const TarnParsed *parsed,
                            const TarnRunOptions *run, TarnError *error) {
    bool ok = false;
    switch (parsed->view) {
    case TARN_VIEW_AS: ok = replace_select(statement, parsed, run, error); break;
    case TARN_VIEW_ADD_DIALECT:
    case TARN_VIEW_DROP_DIALECT: ok = set_dialect(statement, parsed, run, error); break;
    case TARN_VIEW_RENAME:
        ok = tarn_catalog_view_rename(statement->query->catalog, parsed->name, parsed->new_name,
                                      error);
        break;
    }
    statement->message = tarn_base_arena_printf(&statement->arena, "altered view %s.%s",
                                                parsed->name.ns, parsed->name.name);
    return ok || place_missing(parsed, error);
}
