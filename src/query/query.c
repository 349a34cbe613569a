/* Opening, and the first and last steps of a statement's life: what kind it is, and handing its
 * rows over.
 */
#include "query/query.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "query/functions.h"
#include "query/query_private.h"
#include "query/returning_private.h"
#include "query/storage.h"
#include "query/transaction_private.h"

/* --- opening --- */

static bool attach_zones(TarnQuery *query, TarnError *error) {
    const TarnCatalogOptions *options = tarn_catalog_options(query->catalog);
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_MIB);
    for (size_t i = 0; i < options->zone_count; i++) {
        tarn_base_buffer_string(&sql, "ATTACH ':memory:' AS ");
        tarn_base_buffer_identifier(&sql, tarn_base_text(options->zones[i].name));
        tarn_base_buffer_string(&sql, "; ");
    }
    bool ok = options->zone_count == 0 || tarn_query__run_script(query, &sql, error);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

bool tarn_query_open(const TarnQueryOptions *options, TarnQuery **query, TarnError *error) {
    *query = calloc(1, sizeof(**query));
    if (*query == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    (*query)->options = *options;
    (*query)->catalog = options->catalog;
    if (tarn_engine_open(&options->engine, &(*query)->engine, error) &&
        tarn_engine_session_open((*query)->engine, &(*query)->session, error) &&
        tarn_query_functions_register((*query)->session, error) &&
        tarn_query__file_lists_open((*query)->session, &(*query)->file_lists, error) &&
        tarn_query__marks_open((*query)->session, &(*query)->marks, error) &&
        attach_zones(*query, error) &&
        tarn_query_storage_attach((*query)->engine, options->catalog, &(*query)->keys_expire_us,
                                  error) &&
        tarn_query_storage_lock((*query)->engine, options->catalog,
                                &options->engine.temp_directory, 1, error)) {
        return true;
    }
    tarn_query_close(*query);
    *query = NULL;
    return false;
}

void tarn_query_close(TarnQuery *query) {
    if (query == NULL) return;
    tarn_query__transaction_end(query);
    if (query->intent_location != NULL) {
        tarn_catalog_intent_abandon(query->catalog, &query->intent);
        free(query->intent_location);
    }
    tarn_engine_session_close(query->session);
    tarn_engine_close(query->engine);
    free(query);
}

TarnEngineSession *tarn_query_session(TarnQuery *query) { return query->session; }
TarnCatalog *tarn_query_catalog(TarnQuery *query) { return query->catalog; }
void tarn_query_branch_set(TarnQuery *query, const char *branch) { query->branch = branch; }

static TarnRunOptions options_of(const TarnQuery *query, const TarnRunOptions *options) {
    TarnRunOptions run = options != NULL ? *options : (TarnRunOptions){0};
    if (run.branch == NULL) run.branch = query->branch;
    return run;
}

/* --- scripts --- */

bool tarn_query_split(TarnText script, TarnArena *arena, TarnScriptPart **parts, size_t *count,
                      TarnError *error) {
    struct {
        TarnScriptPart *items;
        size_t count;
        size_t capacity;
    } list = {0};
    TarnTokens tokens;
    if (!tarn_query__lex(script, arena, &tokens, error)) return false;
    size_t first = 0;
    for (size_t i = 0; i < tokens.count; i++) {
        const TarnToken *token = &tokens.items[i];
        bool end = token->kind == TARN_TOKEN_END;
        if (!end && !tarn_query__token_symbol(token, ";")) continue;
        if (i > first) {
            size_t start = tarn_query__token_offset(&tokens, first);
            const TarnToken *last = &tokens.items[i - 1];
            size_t stop = (size_t)(last->text.data - script.data) + last->text.size;
            TarnScriptPart *part = TARN_PUSH(arena, &list);
            if (part == NULL) break;
            part->text = (TarnText){script.data + start, stop - start};
            tarn_query__place(script, start, &part->line, &part->column);
        }
        first = i + 1;
    }
    *parts = list.items;
    *count = list.count;
    return tarn_base_arena_check(arena, error);
}

/* --- running --- */

void tarn_query__statement_reads(TarnStatement *statement, const TarnPrepared *prepared) {
    statement->plan = prepared->plan;
    statement->scans = prepared->scans;
    statement->scan_count = prepared->scan_count;
}

bool tarn_query__prepare_inner(TarnStatement *statement, const TarnParsed *parsed,
                               const TarnRunOptions *run, TarnPrepared *prepared,
                               TarnError *error) {
    uint32_t line;
    uint32_t column;
    if (tarn_query__prepare(statement->query, parsed->select, run, &statement->arena, prepared,
                            error)) {
        tarn_query__statement_reads(statement, prepared);
        return true;
    }
    TarnText whole = parsed->tokens.source;
    if (error->line == 0 || parsed->select.data == whole.data) return false;
    tarn_query__place(whole, (size_t)(parsed->select.data - whole.data), &line, &column);
    if (error->line == 1) error->column += column - 1;
    error->line += line - 1;
    tarn_base_error_excerpt(error, whole.data, whole.size);
    return false;
}

bool tarn_query__select(TarnStatement *statement, const TarnParsed *parsed,
                        const TarnRunOptions *run, TarnError *error) {
    TarnQuery *query = statement->query;
    TarnPrepared prepared;
    if (!tarn_query__prepare_inner(statement, parsed, run, &prepared, error)) return false;
    TarnText sql;
    bool ok = tarn_query__readable(&prepared, &sql, error) &&
              tarn_engine_query(query->session, sql, NULL, 0, &statement->rows, error);
    if (!ok && sql.data != prepared.rewritten.sql.data && error->line > 1) error->line--;
    if (!ok) tarn_query__error_back(&prepared.rewritten, error);
    tarn_query__prepared_release(&prepared);
    return ok;
}

bool tarn_query_in_transaction(const TarnQuery *query) { return query->transaction != NULL; }

/* Tables are made, altered and dropped with the rest of a transaction; names of other things, and
 * what cannot be undone, are not. */
static bool refuse_definition(const TarnStatement *statement, const TarnParsed *parsed,
                              TarnError *error) {
    const char *what = NULL;
    switch (parsed->kind) {
    case TARN_STATEMENT_CREATE_VIEW:
    case TARN_STATEMENT_ALTER_VIEW:
    case TARN_STATEMENT_CREATE_SCHEMA: what = "views and schemas are not defined"; break;
    case TARN_STATEMENT_UNDROP: what = "dropped tables are not brought back"; break;
    case TARN_STATEMENT_DROP:
        if (parsed->object != TARN_OBJECT_TABLE) what = "views and schemas are not dropped";
        if (parsed->purge) what = "files are not purged";
        break;
    case TARN_STATEMENT_ALTER_TABLE:
        if (parsed->alter == TARN_ALTER_RENAME_TABLE) what = "tables are not renamed";
        break;
    default: break;
    }
    if (what == NULL || statement->query->transaction == NULL) return true;
    tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED, "%s inside a transaction", what);
    return tarn_base_error_hint(error, "COMMIT first: this is committed by itself");
}

static bool run_parsed(TarnStatement *statement, const TarnParsed *parsed,
                       const TarnRunOptions *run, TarnError *error) {
    if (!refuse_definition(statement, parsed, error)) return false;
    switch (parsed->kind) {
    case TARN_STATEMENT_SELECT: return tarn_query__select(statement, parsed, run, error);
    case TARN_STATEMENT_INSERT: return tarn_query__insert(statement, parsed, run, error);
    case TARN_STATEMENT_DELETE:
    case TARN_STATEMENT_UPDATE:
    case TARN_STATEMENT_MERGE:
    case TARN_STATEMENT_TRUNCATE: return tarn_query__dml(statement, parsed, run, error);
    case TARN_STATEMENT_COPY_FROM: return tarn_query__copy_from(statement, parsed, run, error);
    case TARN_STATEMENT_COPY_TO: return tarn_query__copy_to(statement, parsed, run, error);
    case TARN_STATEMENT_ANALYZE: return tarn_query__analyze(statement, parsed, run, error);
    case TARN_STATEMENT_BEGIN:
    case TARN_STATEMENT_COMMIT:
    case TARN_STATEMENT_ROLLBACK: return tarn_query__transaction_run(statement, parsed, error);
    case TARN_STATEMENT_CREATE_TABLE:
    case TARN_STATEMENT_CREATE_TABLE_AS:
        return tarn_query__create_table(statement, parsed, run, error);
    case TARN_STATEMENT_ALTER_TABLE: return tarn_query__alter(statement, parsed, error);
    case TARN_STATEMENT_ALTER_VIEW: return tarn_query__alter_view(statement, parsed, run, error);
    case TARN_STATEMENT_UNDROP: return tarn_query__undrop(statement, parsed, error);
    case TARN_STATEMENT_DROP:
    case TARN_STATEMENT_CREATE_VIEW:
    case TARN_STATEMENT_CREATE_SCHEMA: return tarn_query__define(statement, parsed, run, error);
    case TARN_STATEMENT_DESCRIBE:
    case TARN_STATEMENT_SHOW:
    case TARN_STATEMENT_EXPLAIN: return tarn_query__look(statement, parsed, run, error);
    }
    return tarn_base_error_set(error, TARN_E_INTERNAL, "a statement of no kind");
}

/* Places count from the statement; the caller's file counts from where the statement begins. */
static void move_place(const TarnRunOptions *run, TarnError *error) {
    bool elsewhere = error->file[0] != '\0'; /* in a file that was read */
    if (run == NULL || error->line == 0 || elsewhere) return;
    if (error->line == 1 && run->column > 1) error->column += run->column - 1;
    if (run->line > 1) error->line += run->line - 1;
    if (run->file != NULL) tarn_base_error_place(error, run->file, error->line, error->column);
}

bool tarn_query_run(TarnQuery *query, TarnText text, const TarnRunOptions *options,
                    TarnStatement **statement, TarnError *error) {
    tarn_base_error_clear(error);
    *statement = NULL;
    TarnStatement *made = calloc(1, sizeof(*made));
    if (made == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    *made = (TarnStatement){.query = query, .rows_changed = -1, .snapshot_id = TARN_ABSENT};
    tarn_base_arena_init(&made->arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    made->started_us = tarn_catalog_options(query->catalog)->os->clock_us(
        tarn_catalog_options(query->catalog)->os);
    const char *copy = tarn_base_text_string(&made->arena, text);
    made->text = (TarnText){copy, text.size};
    TarnParsed parsed;
    bool ok = tarn_base_arena_check(&made->arena, error);
    const TarnRunOptions run = options_of(query, options);
    ok = ok && tarn_query_storage_renew(query->engine, query->catalog, &query->keys_expire_us,
                                        error) &&
         tarn_query__returning_forget(query, error) &&
         tarn_query__parse(made->text, &made->arena, &parsed, error) &&
         run_parsed(made, &parsed, &run, error);
    if (ok) {
        made->kind = parsed.kind;
        if (query->options.record != NULL) query->options.record(query->options.record_state, made);
        *statement = made;
        return true;
    }
    tarn_query_failure(query, error);
    move_place(options, error);
    tarn_query_statement_free(made);
    return false;
}

void tarn_query_statement_free(TarnStatement *statement) {
    if (statement == NULL) return;
    tarn_engine_result_free(statement->rows);
    tarn_base_arena_dispose(&statement->arena);
    free(statement);
}

/* --- for pipelines --- */

bool tarn_query_prepare_select(TarnQuery *query, TarnText select_sql,
                               const TarnRunOptions *options, TarnArena *arena,
                               TarnSelectInfo *info, TarnError *error) {
    TarnPrepared prepared;
    tarn_base_error_clear(error);
    const TarnRunOptions run = options_of(query, options);
    if (!tarn_query__prepare(query, select_sql, &run, arena, &prepared, error) ||
        !tarn_query__prepared_schema(&prepared, &info->schema, error)) {
        move_place(options, error);
        return false;
    }
    info->plan = prepared.plan;
    info->scans = prepared.scans;
    info->scan_count = prepared.scan_count;
    info->sql = prepared.rewritten.sql;
    tarn_query__prepared_release(&prepared);
    /* The plan names outputs by alias only where there is one; the result names all. */
    for (size_t i = 0; i < info->plan->output_count && i < info->schema.field_count; i++) {
        info->plan->outputs[i].name = info->schema.fields[i].name;
    }
    return true;
}

bool tarn_query_references(TarnQuery *query, TarnText select_sql, TarnArena *arena,
                           TarnTableName **names, size_t *count, TarnError *error) {
    TarnRewritten rewritten;
    TarnReferences references;
    TarnJson *tree = NULL;
    tarn_base_error_clear(error);
    if (!tarn_query__rewrite(select_sql, arena, &rewritten, error) ||
        !tarn_engine_parse(query->session, rewritten.sql, arena, &tree, error) ||
        !tarn_query__footprint(rewritten.sql, tree, arena, &references, error)) {
        tarn_query__error_back(&rewritten, error);
        return false;
    }
    *names = TARN_NEW_ARRAY(arena, references.count + 1, TarnTableName);
    *count = references.count;
    for (size_t i = 0; *names != NULL && i < references.count; i++) {
        (*names)[i] = references.items[i].name;
        for (size_t t = 0; t < rewritten.travels.count; t++) {
            const TarnTravel *travel = &rewritten.travels.items[t];
            if (strcmp(travel->alias, references.items[i].table) == 0) (*names)[i] = travel->name;
        }
    }
    return tarn_base_arena_check(arena, error);
}
