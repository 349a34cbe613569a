/* RETURNING. The statement's rows are kept in a temporary table, and the clause is a SELECT over
 * it.
 *
 * The clause is the user's text, so it is read like any: functions that reach beyond it are refused
 * by the footprint, and its bound plan must be projections over the rows and nothing else, which
 * leaves out subqueries, aggregates, windows and whatever else could be written behind SELECT.
 * It is evaluated before the commit, since what fails in it fails the statement, and the result is
 * opened before it too: after the commit there is nothing left that could go wrong but reading.
 *
 * MERGE has a column more, "merge_action", which * leaves out, as DuckDB does; PostgreSQL's
 * merge_action() is the same.
 */
#include "query/returning_private.h"

#include <string.h>

#include "base/limits.h"
#include "query/dml_private.h"

#define SHOWN "temp.main.__tarn_shown"
#define ACTION "merge_action"

/* --- the clause as a SELECT --- */

typedef struct Clause {
    TarnReturning *returning;
    TarnDmlSql sql; /* with where the user's text went */
    TarnBuffer text;
    bool has_action; /* no column of the table is called so */
    TarnError *error;
} Clause;

static bool put_piece(Clause *clause, const char *from, const char *end) {
    const TarnParsed *parsed = clause->returning->parsed;
    TarnPiece *piece = TARN_PUSH(clause->returning->arena, &clause->sql.pieces);
    if (piece == NULL) return tarn_base_arena_check(clause->returning->arena, clause->error);
    piece->start = clause->text.size;
    tarn_base_buffer_append(&clause->text, from, (size_t)(end - from));
    piece->end = clause->text.size;
    piece->user = (size_t)(from - parsed->tokens.source.data);
    return true;
}

static bool is_star(const TarnToken *token, const TarnToken *before, bool first) {
    return tarn_query__token_symbol(token, "*") &&
           (first || tarn_query__token_symbol(before, ",") ||
            tarn_query__token_symbol(before, "."));
}

static bool names_columns(const TarnToken *token) {
    return tarn_query__token_is(token, "EXCLUDE") || tarn_query__token_is(token, "REPLACE") ||
           tarn_query__token_is(token, "RENAME");
}

/* The user's text, * without the column of the action, and merge_action() as that column. */
static bool put_clause(Clause *clause) {
    const TarnParsed *parsed = clause->returning->parsed;
    const TarnTokens *tokens = &parsed->tokens;
    TarnText text = parsed->returning;
    const char *done = text.data;
    for (size_t i = 0; clause->has_action && i + 1 < tokens->count; i++) {
        const TarnToken *token = &tokens->items[i];
        if (token->text.data < text.data || token->text.data >= text.data + text.size) continue;
        const char *end = token->text.data + token->text.size;
        if (is_star(token, token - 1, token->text.data == text.data)) {
            if (names_columns(token + 1)) {
                return tarn_query__error_at(tokens->source, tarn_query__token_offset(tokens, i),
                                            TARN_E_SQL_UNSUPPORTED, clause->error,
                                            "write out the columns that MERGE is to return");
            }
            if (!put_piece(clause, done, end)) return false;
            tarn_base_buffer_string(&clause->text, " EXCLUDE (\"" ACTION "\") ");
            done = end;
        } else if (tarn_query__token_is(token, ACTION) &&
                   tarn_query__token_symbol(token + 1, "(") && i + 2 < tokens->count &&
                   tarn_query__token_symbol(token + 2, ")")) {
            if (!put_piece(clause, done, end)) return false;
            done = token[2].text.data + 1;
        }
    }
    if (!put_piece(clause, done, text.data + text.size)) return false;
    /* what is wrong just behind the clause is wrong at its end */
    static const char NEXT[] = "\nFROM";
    TarnPiece *next = TARN_PUSH(clause->returning->arena, &clause->sql.pieces);
    if (next == NULL) return tarn_base_arena_check(clause->returning->arena, clause->error);
    next->start = clause->text.size + 1;
    next->end = clause->text.size + sizeof(NEXT) - 1;
    next->user = (size_t)(text.data + text.size - tokens->source.data);
    tarn_base_buffer_string(&clause->text, NEXT);
    return true;
}

static bool make_select(Clause *clause) {
    TarnReturning *returning = clause->returning;
    const TarnSchema *schema = returning->schema;
    TarnBuffer *out = &clause->text;
    tarn_base_buffer_string(out, "SELECT ");
    if (!put_clause(clause)) return false;
    tarn_base_buffer_string(out, " (SELECT ");
    for (size_t i = 0; i < schema->field_count; i++) {
        tarn_base_buffer_printf(out, "%s__tarn_c%zu AS ", i > 0 ? ", " : "", i);
        tarn_base_buffer_identifier(out, tarn_base_text(schema->fields[i].name));
    }
    if (clause->has_action) {
        tarn_base_buffer_printf(out,
                                ", CASE __tarn_action WHEN %d THEN 'DELETE' WHEN %d THEN 'UPDATE' "
                                "ELSE 'INSERT' END AS \"" ACTION "\"",
                                TARN_MARK_DELETE, TARN_MARK_UPDATE);
    }
    tarn_base_buffer_string(out, " FROM " TARN_RETURNING_ROWS ") AS ");
    tarn_base_buffer_identifier(out, tarn_base_text(returning->parsed->alias));
    const char *copy = tarn_base_buffer_keep(out, returning->arena);
    clause->sql.sql = returning->select = (TarnText){copy, out->size};
    return tarn_base_buffer_check(out, clause->error) &&
           tarn_base_arena_check(returning->arena, clause->error);
}

/* --- what it may be --- */

static bool is_projection(const TarnJson *operator) {
    TarnText type = {"", 0};
    (void)tarn_base_json_text(tarn_base_json_member(operator, "type"), &type);
    if (tarn_base_text_is(type, "LOGICAL_GET")) return true;
    const TarnJson *children = tarn_base_json_member(operator, "children");
    return tarn_base_text_is(type, "LOGICAL_PROJECTION") && children != NULL &&
           children->count == 1 && is_projection(tarn_base_json_at(children, 0));
}

static bool refuse_shape(const Clause *clause) {
    const TarnParsed *parsed = clause->returning->parsed;
    tarn_query__error_at(parsed->tokens.source,
                         (size_t)(parsed->returning.data - parsed->tokens.source.data),
                         TARN_E_SQL_UNSUPPORTED, clause->error,
                         "RETURNING gives a row for each row that was changed: no subqueries, "
                         "aggregates or windows");
    return tarn_base_error_hint(clause->error, "SELECT them after the statement");
}

static bool check(Clause *clause) {
    TarnReturning *returning = clause->returning;
    TarnEngineSession *session = returning->statement->query->session;
    TarnReferences references;
    TarnJson *tree = NULL;
    TarnJson *plan = NULL;
    bool ok = tarn_engine_parse(session, returning->select, returning->arena, &tree,
                                clause->error) &&
              tarn_query__footprint(returning->select, tree, returning->arena, &references,
                                    clause->error);
    if (ok && references.count != 1) return refuse_shape(clause);
    ok = ok && tarn_engine_plan(session, returning->select, returning->arena, &plan, clause->error);
    if (!ok) {
        tarn_query__dml_error_back(&clause->sql, returning->parsed->tokens.source, clause->error);
        if (strstr(clause->error->hint, "__tarn_") != NULL) clause->error->hint[0] = '\0';
        return false;
    }
    const TarnJson *plans = tarn_base_json_member(plan, "plans");
    return (plans != NULL && plans->count == 1 && is_projection(tarn_base_json_at(plans, 0))) ||
           refuse_shape(clause);
}

/* --- its steps --- */

static bool run_sql(const TarnReturning *returning, TarnBuffer *sql, TarnError *error) {
    bool ok = tarn_query__run_script(returning->statement->query, sql, error);
    if (!ok) {
        error->line = 0; /* the place is in SQL that no user wrote */
        error->detail[0] = '\0';
    }
    tarn_base_buffer_dispose(sql);
    return ok;
}

static bool make_table(const TarnReturning *returning, TarnError *error) {
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "CREATE OR REPLACE TEMP TABLE " TARN_RETURNING_ROWS
                                  " (__tarn_action BIGINT, __tarn_id BIGINT");
    for (size_t i = 0; i < returning->schema->field_count; i++) {
        tarn_base_buffer_printf(&sql, ", __tarn_c%zu ", i);
        tarn_table_type_to_sql(&returning->schema->fields[i].type, &sql);
    }
    tarn_base_buffer_byte(&sql, ')');
    return run_sql(returning, &sql, error);
}

bool tarn_query__returning_begin(TarnReturning *returning, TarnError *error) {
    Clause clause = {.returning = returning, .error = error};
    if (returning->parsed->returning.data == NULL) return true;
    tarn_engine_result_free(returning->statement->rows); /* of an attempt before */
    returning->statement->rows = NULL;
    returning->statement->query->has_returned = true;
    clause.has_action = returning->parsed->kind == TARN_STATEMENT_MERGE &&
                        tarn_query__find_field(returning->schema, TARN_TEXT(ACTION)) == NULL;
    if (!make_table(returning, error)) return false;
    tarn_base_buffer_init(&clause.text, TARN_LIMIT_SQL_BYTES);
    bool ok = make_select(&clause) && check(&clause);
    tarn_base_buffer_dispose(&clause.text);
    return ok;
}

bool tarn_query__returning_keep(TarnReturning *returning, TarnText select, TarnError *error) {
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "INSERT INTO " TARN_RETURNING_ROWS "\n");
    tarn_base_buffer_text(&sql, select);
    if (!run_sql(returning, &sql, error)) return false;
    uint32_t count = 0;
    TarnEngineResult *columns = NULL;
    if (!tarn_engine_describe(returning->statement->query->session, returning->select, &columns,
                              error)) {
        return false;
    }
    count = tarn_engine_result_column_count(columns);
    returning->names = TARN_NEW_ARRAY(returning->arena, count + 1U, const char *);
    for (uint32_t i = 0; returning->names != NULL && i < count; i++) {
        returning->names[i] =
            tarn_base_arena_string(returning->arena, tarn_engine_result_column_name(columns, i));
    }
    returning->count = count;
    tarn_engine_result_free(columns);
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "CREATE OR REPLACE TEMP TABLE " SHOWN " AS SELECT * FROM (\n");
    tarn_base_buffer_text(&sql, returning->select);
    tarn_base_buffer_string(&sql, "\n) AS __tarn_returned(");
    for (uint32_t i = 0; i < count; i++) {
        tarn_base_buffer_printf(&sql, "%s__tarn_r%u", i > 0 ? ", " : "", i);
    }
    tarn_base_buffer_byte(&sql, ')');
    return tarn_base_arena_check(returning->arena, error) && run_sql(returning, &sql, error);
}

bool tarn_query__returning_open(TarnReturning *returning, TarnError *error) {
    TarnStatement *statement = returning->statement;
    TarnEngineSession *session = statement->query->session;
    TarnBuffer sql;
    TarnText text;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "DROP TABLE IF EXISTS " TARN_RETURNING_ROWS);
    if (!run_sql(returning, &sql, error)) return false;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    for (size_t i = 0; i < returning->count; i++) {
        tarn_base_buffer_printf(&sql, "%s__tarn_r%zu AS ", i > 0 ? ", " : "SELECT ", i);
        tarn_base_buffer_identifier(&sql, tarn_base_text(returning->names[i]));
    }
    tarn_base_buffer_string(&sql, " FROM " SHOWN);
    const char *copy = tarn_base_buffer_keep(&sql, returning->arena);
    text = (TarnText){copy, sql.size};
    bool ok = tarn_base_buffer_check(&sql, error) &&
              tarn_base_arena_check(returning->arena, error) &&
              tarn_query__readable_sql(session, &text, returning->arena, error) &&
              tarn_engine_query(session, text, NULL, 0, &statement->rows, error);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

bool tarn_query__returning_forget(TarnQuery *query, TarnError *error) {
    if (!query->has_returned) return true;
    query->has_returned = false;
    return tarn_engine_run(query->session,
                           TARN_TEXT("DROP TABLE IF EXISTS " TARN_RETURNING_ROWS
                                     "; DROP TABLE IF EXISTS " SHOWN),
                           NULL, error);
}
