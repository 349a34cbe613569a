/* DELETE, UPDATE, MERGE, TRUNCATE: names are taken apart, conditions and values stay text.
 *
 * Spellings are PostgreSQL's and DuckDB's, with Spark's UPDATE SET * and INSERT *.
 */
#include <string.h>
#include <strings.h>

#include "query/parse_cursor_private.h"

/* --- shared clauses --- */

static bool is_one_of(const TarnToken *token, const char *const *words) {
    for (size_t i = 0; words[i] != NULL; i++) {
        if (tarn_query__token_is(token, words[i])) return true;
    }
    return tarn_query__token_symbol(token, ";");
}

/* [AS] alias; without one the table goes by its own name. */
static bool take_alias(TarnParser *parser, const char *const *not_alias) {
    TarnParsed *out = parser->out;
    bool said = tarn_query__accept(parser, "AS");
    const TarnToken *next = tarn_query__peek(parser);
    if (said || (tarn_query__is_name(next) && !is_one_of(next, not_alias))) {
        return tarn_query__take_string(parser, "an alias", &out->alias);
    }
    out->alias = out->name.name;
    return true;
}

bool tarn_query__take_returning(TarnParser *parser) {
    if (!tarn_query__accept(parser, "RETURNING")) return tarn_query__expect_end(parser);
    parser->out->returning = tarn_query__rest_of(parser);
    return parser->out->returning.size > 0 ||
           tarn_query__fail_expected(parser, "what is to be returned");
}

static bool stop_tail(const TarnToken *token) {
    static const char *const words[] = {"RETURNING", NULL};
    return is_one_of(token, words);
}

static bool stop_from(const TarnToken *token) {
    static const char *const words[] = {"WHERE", "RETURNING", NULL};
    return is_one_of(token, words);
}

/* [WHERE condition] to the end */
static bool take_where(TarnParser *parser) {
    if (tarn_query__accept(parser, "WHERE") &&
        !tarn_query__take_until(parser, "a condition", stop_tail, &parser->out->condition)) {
        return false;
    }
    return tarn_query__take_returning(parser);
}

static bool stop_value(const TarnToken *token) {
    static const char *const words[] = {"FROM", "WHERE", "RETURNING", "WHEN", NULL};
    return tarn_query__stop_comma(token) || is_one_of(token, words);
}

static bool take_assignment(TarnParser *parser, TarnAssignments *assignments) {
    TarnAssignment *item = TARN_PUSH(parser->arena, assignments);
    if (item == NULL) return tarn_base_arena_check(parser->arena, parser->error);
    if (!tarn_query__take_name(parser, "a column name", &item->column)) return false;
    /* the target may stand before its column */
    while (tarn_query__accept_symbol(parser, ".")) {
        TarnText target = item->column;
        const char *alias = parser->out->alias;
        size_t size = strlen(alias);
        bool is_target = target.size == size && strncasecmp(target.data, alias, size) == 0;
        if (!is_target) {
            return tarn_query__error_at(parser->tokens->source, tarn_query__offset_here(parser),
                                        TARN_E_SQL_UNSUPPORTED, parser->error,
                                        "a field within a column cannot be set: set the whole "
                                        "column, as SET s = struct_update(s, field := value)");
        }
        if (!tarn_query__take_name(parser, "a column name", &item->column)) return false;
    }
    return tarn_query__expect_symbol(parser, "=") &&
           tarn_query__take_until(parser, "a value", stop_value, &item->value);
}

static bool take_assignments(TarnParser *parser, TarnAssignments *assignments) {
    if (tarn_query__token_symbol(tarn_query__peek(parser), "(")) {
        return tarn_query__fail_expected(parser, "column = value");
    }
    do {
        if (!take_assignment(parser, assignments)) return false;
    } while (tarn_query__accept_symbol(parser, ","));
    return true;
}

/* --- DELETE, UPDATE, TRUNCATE --- */

bool tarn_query__parse_delete(TarnParser *parser) {
    static const char *const words[] = {"USING", "WHERE", "RETURNING", NULL};
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_DELETE;
    if (!tarn_query__expect(parser, "FROM") || !tarn_query__take_table(parser, &out->name) ||
        !take_alias(parser, words)) {
        return false;
    }
    if (tarn_query__accept(parser, "USING") &&
        !tarn_query__take_until(parser, "tables", stop_from, &out->from)) {
        return false;
    }
    return take_where(parser);
}

bool tarn_query__parse_update(TarnParser *parser) {
    static const char *const words[] = {"SET", NULL};
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_UPDATE;
    if (!tarn_query__take_table(parser, &out->name) || !take_alias(parser, words) ||
        !tarn_query__expect(parser, "SET") || !take_assignments(parser, &out->assignments)) {
        return false;
    }
    if (tarn_query__accept(parser, "FROM") &&
        !tarn_query__take_until(parser, "tables", stop_from, &out->from)) {
        return false;
    }
    return take_where(parser);
}

bool tarn_query__parse_truncate(TarnParser *parser) {
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_TRUNCATE;
    tarn_query__accept(parser, "TABLE");
    return tarn_query__take_table(parser, &out->name) && tarn_query__expect_end(parser);
}

/* --- MERGE --- */

static bool stop_source(const TarnToken *token) {
    static const char *const words[] = {"ON", "USING", NULL};
    return is_one_of(token, words);
}

static bool stop_when(const TarnToken *token) {
    static const char *const words[] = {"WHEN", "RETURNING", NULL};
    return is_one_of(token, words);
}

static bool stop_then(const TarnToken *token) {
    static const char *const words[] = {"THEN", NULL};
    return is_one_of(token, words);
}

/* "t", "z.t", "t AS s", "t s", "(SELECT ..) AS s": the last name is what it goes by. */
static bool take_source(TarnParser *parser) {
    TarnParsed *out = parser->out;
    size_t offset = tarn_query__offset_here(parser);
    if (!tarn_query__take_until(parser, "a table or a query in brackets", stop_source,
                                &out->from)) {
        return false;
    }
    const TarnToken *last = tarn_query__peek(parser) - 1;
    if (!tarn_query__is_name(last)) {
        tarn_query__error_at(parser->tokens->source, offset, TARN_E_SQL_SYNTAX, parser->error,
                             "what is merged in needs a name");
        return tarn_base_error_hint(parser->error, "write USING (..) AS name");
    }
    out->source = tarn_base_text_string(parser->arena, last->value);
    return tarn_base_arena_check(parser->arena, parser->error);
}

/* THEN INSERT [(columns)] VALUES (values), INSERT *, INSERT BY NAME */
static bool take_merge_insert(TarnParser *parser, TarnMergeClause *clause) {
    TarnTexts columns = {0};
    TarnTexts values = {0};
    clause->action = TARN_MERGE_INSERT;
    if (tarn_query__accept_symbol(parser, "*")) {
        clause->by_name = true;
        return true;
    }
    if (tarn_query__accept(parser, "BY")) {
        clause->by_name = true;
        if (!tarn_query__expect(parser, "NAME")) return false;
        return tarn_query__accept_symbol(parser, "*") || true;
    }
    if (tarn_query__token_symbol(tarn_query__peek(parser), "(") &&
        !tarn_query__take_texts(parser, "a column name", &columns)) {
        return false;
    }
    if (!tarn_query__accept(parser, "VALUES")) {
        bool end = columns.count == 0 && stop_when(tarn_query__peek(parser));
        clause->by_name = end || tarn_query__peek(parser)->kind == TARN_TOKEN_END;
        return (clause->by_name && columns.count == 0) ||
               tarn_query__fail_expected(parser, "VALUES");
    }
    size_t offset = tarn_query__offset_here(parser);
    if (!tarn_query__take_texts(parser, "a value", &values)) return false;
    if (columns.count > 0 && columns.count != values.count) {
        return tarn_query__error_at(parser->tokens->source, offset, TARN_E_SQL_SYNTAX,
                                    parser->error, "%zu columns are to be filled with %zu values",
                                    columns.count, values.count);
    }
    for (size_t i = 0; i < values.count; i++) {
        TarnAssignment *item = TARN_PUSH(parser->arena, &clause->assignments);
        if (item == NULL) return tarn_base_arena_check(parser->arena, parser->error);
        item->value = values.items[i];
        if (i < columns.count) item->column = columns.items[i];
    }
    return true;
}

static bool take_merge_update(TarnParser *parser, TarnMergeClause *clause) {
    clause->action = TARN_MERGE_UPDATE;
    if (!tarn_query__accept(parser, "SET")) {
        clause->by_name = true; /* DuckDB: UPDATE [BY NAME] */
        if (tarn_query__accept(parser, "BY")) return tarn_query__expect(parser, "NAME");
        const TarnToken *next = tarn_query__peek(parser);
        return next->kind == TARN_TOKEN_END || stop_when(next) ||
               tarn_query__fail_expected(parser, "SET");
    }
    if (tarn_query__accept_symbol(parser, "*")) {
        clause->by_name = true;
        return true;
    }
    return take_assignments(parser, &clause->assignments);
}

static bool take_action(TarnParser *parser, TarnMergeClause *clause) {
    size_t offset = tarn_query__offset_here(parser);
    if (tarn_query__accept(parser, "DELETE")) {
        clause->action = TARN_MERGE_DELETE;
    } else if (tarn_query__accept(parser, "DO")) {
        clause->action = TARN_MERGE_NOTHING;
        if (!tarn_query__expect(parser, "NOTHING")) return false;
    } else if (tarn_query__accept(parser, "INSERT")) {
        if (!take_merge_insert(parser, clause)) return false;
    } else if (tarn_query__accept(parser, "UPDATE")) {
        if (!take_merge_update(parser, clause)) return false;
    } else {
        return tarn_query__fail_expected(parser, "UPDATE, DELETE, INSERT or DO NOTHING");
    }
    bool inserts = clause->action == TARN_MERGE_INSERT;
    bool fits = clause->action == TARN_MERGE_NOTHING ||
                inserts == (clause->match == TARN_MERGE_NOT_MATCHED);
    bool sets_nothing = clause->action == TARN_MERGE_UPDATE && clause->by_name &&
                        clause->match == TARN_MERGE_NOT_MATCHED_BY_SOURCE;
    if (fits && !sets_nothing) return true;
    return tarn_query__error_at(parser->tokens->source, offset, TARN_E_SQL_SYNTAX, parser->error,
                                inserts ? "only rows of the source that match nothing can be "
                                          "inserted"
                                        : "there is no row that this could be done to");
}

static bool take_match(TarnParser *parser, TarnMergeClause *clause) {
    if (!tarn_query__accept(parser, "NOT")) {
        clause->match = TARN_MERGE_MATCHED;
        return tarn_query__expect(parser, "MATCHED");
    }
    clause->match = TARN_MERGE_NOT_MATCHED;
    if (!tarn_query__expect(parser, "MATCHED")) return false;
    if (!tarn_query__accept(parser, "BY")) return true;
    if (tarn_query__accept(parser, "TARGET")) return true;
    clause->match = TARN_MERGE_NOT_MATCHED_BY_SOURCE;
    return tarn_query__expect(parser, "SOURCE");
}

static bool take_clause(TarnParser *parser) {
    TarnMergeClause *clause = TARN_PUSH(parser->arena, &parser->out->clauses);
    if (clause == NULL) return tarn_base_arena_check(parser->arena, parser->error);
    if (!tarn_query__expect(parser, "WHEN") || !take_match(parser, clause)) return false;
    if (tarn_query__accept(parser, "AND") &&
        !tarn_query__take_until(parser, "a condition", stop_then, &clause->condition)) {
        return false;
    }
    return tarn_query__expect(parser, "THEN") && take_action(parser, clause);
}

bool tarn_query__parse_merge(TarnParser *parser) {
    static const char *const words[] = {"USING", NULL};
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_MERGE;
    if (!tarn_query__expect(parser, "INTO") || !tarn_query__take_table(parser, &out->name) ||
        !take_alias(parser, words) || !tarn_query__expect(parser, "USING") ||
        !take_source(parser)) {
        return false;
    }
    if (tarn_query__accept(parser, "USING")) {
        if (!tarn_query__take_texts(parser, "a column name", &out->using_columns)) return false;
    } else if (!tarn_query__expect(parser, "ON") ||
               !tarn_query__take_until(parser, "a condition", stop_when, &out->condition)) {
        return false;
    }
    do {
        if (!take_clause(parser)) return false;
    } while (tarn_query__token_is(tarn_query__peek(parser), "WHEN"));
    return tarn_query__take_returning(parser);
}

/* --- transactions --- */

bool tarn_query__parse_is_transaction(const TarnParser *parser) {
    static const char *const words[] = {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (tarn_query__token_is(tarn_query__peek(parser), words[i])) return true;
    }
    return false;
}

bool tarn_query__parse_transaction(TarnParser *parser) {
    TarnParsed *out = parser->out;
    if (tarn_query__accept(parser, "START")) {
        out->kind = TARN_STATEMENT_BEGIN;
        return tarn_query__expect(parser, "TRANSACTION") && tarn_query__expect_end(parser);
    }
    if (tarn_query__accept(parser, "BEGIN")) {
        out->kind = TARN_STATEMENT_BEGIN;
    } else if (tarn_query__accept(parser, "COMMIT") || tarn_query__accept(parser, "END")) {
        out->kind = TARN_STATEMENT_COMMIT;
    } else {
        parser->at++;
        out->kind = TARN_STATEMENT_ROLLBACK;
    }
    if (!tarn_query__accept(parser, "TRANSACTION")) tarn_query__accept(parser, "WORK");
    return tarn_query__expect_end(parser);
}
