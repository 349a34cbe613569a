/* A recursive-descent parser over tokens, one function a clause: CREATE, DROP, INSERT, and what
 * looks. ALTER is in a file of its own.
 */
#include "query/parse_cursor_private.h"

#include <string.h>

/* --- columns --- */

bool tarn_query__stop_column_option(const TarnToken *token) {
    return tarn_query__stop_comma(token) || tarn_query__token_symbol(token, ";") ||
           tarn_query__token_is(token, "NOT") || tarn_query__token_is(token, "NULL") ||
           tarn_query__token_is(token, "DEFAULT") || tarn_query__token_is(token, "COMMENT") ||
           tarn_query__token_is(token, "FIRST") || tarn_query__token_is(token, "AFTER") ||
           tarn_query__token_is(token, "BEFORE") || tarn_query__token_is(token, "PRIMARY") ||
           tarn_query__token_is(token, "UNIQUE") || tarn_query__token_is(token, "CHECK") ||
           tarn_query__token_is(token, "REFERENCES") || tarn_query__token_is(token, "USING");
}

static bool refuse_constraint(TarnParser *parser) {
    static const char *const words[] = {"PRIMARY",    "UNIQUE",  "CHECK",
                                        "REFERENCES", "FOREIGN", "CONSTRAINT"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!tarn_query__token_is(tarn_query__peek(parser), words[i])) continue;
        tarn_query__error_at(parser->tokens->source, tarn_query__offset_here(parser),
                             TARN_E_SQL_UNSUPPORTED, parser->error,
                             "%s constraints are not kept by tables of a lake", words[i]);
        return tarn_base_error_hint(parser->error,
                                    "state it as a check of a pipeline (unique, relationships)");
    }
    return true;
}

bool tarn_query__take_column_options(TarnParser *parser, TarnColumnDefinition *column) {
    for (;;) {
        if (tarn_query__accept(parser, "NOT")) {
            if (!tarn_query__expect(parser, "NULL")) return false;
            column->required = true;
        } else if (tarn_query__accept(parser, "NULL")) {
            column->required = false;
        } else if (tarn_query__accept(parser, "DEFAULT")) {
            if (!tarn_query__take_until(parser, "a default value", tarn_query__stop_column_option,
                                        &column->initial)) {
                return false;
            }
        } else if (tarn_query__accept(parser, "COMMENT")) {
            if (tarn_query__peek(parser)->kind != TARN_TOKEN_STRING) {
                return tarn_query__fail_expected(parser, "a string");
            }
            column->comment = tarn_base_text_string(parser->arena, tarn_query__peek(parser)->value);
            parser->at++;
        } else {
            return refuse_constraint(parser);
        }
    }
}

static bool take_column(TarnParser *parser, TarnColumnDefinition *column) {
    column->offset = tarn_query__offset_here(parser);
    return refuse_constraint(parser) &&
           tarn_query__take_string(parser, "a column name", &column->name) &&
           tarn_query__take_until(parser, "a type", tarn_query__stop_column_option,
                                  &column->type) &&
           tarn_query__take_column_options(parser, column);
}

static bool take_columns(TarnParser *parser) {
    if (!tarn_query__expect_symbol(parser, "(")) return false;
    do {
        TarnColumnDefinition *column = TARN_PUSH(parser->arena, &parser->out->columns);
        if (column == NULL) return tarn_base_arena_check(parser->arena, parser->error);
        if (!take_column(parser, column)) return false;
    } while (tarn_query__accept_symbol(parser, ","));
    return tarn_query__expect_symbol(parser, ")");
}

/* --- CREATE --- */

static bool take_layout(TarnParser *parser) {
    for (;;) {
        if (tarn_query__accept(parser, "PARTITIONED")) {
            if (!tarn_query__expect(parser, "BY") ||
                !tarn_query__take_texts(parser, "a partition expression",
                                        &parser->out->partitions)) {
                return false;
            }
        } else if (tarn_query__accept(parser, "SORTED") || tarn_query__accept(parser, "ORDER")) {
            if (!tarn_query__expect(parser, "BY") ||
                !tarn_query__take_texts(parser, "a sort expression", &parser->out->sort)) {
                return false;
            }
        } else if (tarn_query__accept(parser, "WITH") ||
                   tarn_query__accept(parser, "TBLPROPERTIES")) {
            if (!tarn_query__take_settings(parser, true)) return false;
        } else {
            return true;
        }
    }
}

static bool parse_create_table(TarnParser *parser) {
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_CREATE_TABLE;
    if (out->or_replace) {
        tarn_query__error_at(parser->tokens->source, 0, TARN_E_SQL_UNSUPPORTED, parser->error,
                             "CREATE OR REPLACE TABLE would lose the table's history");
        return tarn_base_error_hint(parser->error, "DROP TABLE first, or use a pipeline "
                                                   "(materialized = table)");
    }
    if (!tarn_query__take_exists(parser, true, &out->if_not_exists) ||
        !tarn_query__take_table(parser, &out->name)) {
        return false;
    }
    if (tarn_query__token_symbol(tarn_query__peek(parser), "(") && !take_columns(parser))
        return false;
    if (!take_layout(parser)) return false;
    if (tarn_query__accept(parser, "AS")) {
        out->kind = TARN_STATEMENT_CREATE_TABLE_AS;
        out->select = tarn_query__rest_of(parser);
        if (out->columns.count > 0)
            return tarn_query__fail_expected(parser, "columns or AS, not both");
        return out->select.size > 0 || tarn_query__fail_expected(parser, "a SELECT");
    }
    if (out->columns.count == 0)
        return tarn_query__fail_expected(parser, "columns in brackets, or AS");
    return tarn_query__expect_end(parser);
}

static bool parse_create(TarnParser *parser) {
    TarnParsed *out = parser->out;
    if (tarn_query__accept(parser, "OR")) {
        if (!tarn_query__expect(parser, "REPLACE")) return false;
        out->or_replace = true;
    }
    if (tarn_query__accept(parser, "TABLE")) return parse_create_table(parser);
    if (tarn_query__accept(parser, "VIEW")) {
        out->kind = TARN_STATEMENT_CREATE_VIEW;
        if (!tarn_query__take_exists(parser, true, &out->if_not_exists) ||
            !tarn_query__take_table(parser, &out->name) || !tarn_query__expect(parser, "AS")) {
            return false;
        }
        out->select = tarn_query__rest_of(parser);
        return out->select.size > 0 || tarn_query__fail_expected(parser, "a SELECT");
    }
    if (tarn_query__accept(parser, "SCHEMA") || tarn_query__accept(parser, "NAMESPACE")) {
        out->kind = TARN_STATEMENT_CREATE_SCHEMA;
        return tarn_query__take_exists(parser, true, &out->if_not_exists) &&
               tarn_query__take_path(parser, &out->path) && tarn_query__expect_end(parser);
    }
    return tarn_query__fail_expected(parser, "TABLE, VIEW or SCHEMA");
}

static bool parse_drop(TarnParser *parser) {
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_DROP;
    if (tarn_query__accept(parser, "SCHEMA") || tarn_query__accept(parser, "NAMESPACE")) {
        out->object = TARN_OBJECT_SCHEMA;
        return tarn_query__take_exists(parser, false, &out->if_exists) &&
               tarn_query__take_path(parser, &out->path) && tarn_query__expect_end(parser);
    }
    if (tarn_query__accept(parser, "VIEW")) {
        out->object = TARN_OBJECT_VIEW;
    } else if (!tarn_query__accept(parser, "TABLE")) {
        return tarn_query__fail_expected(parser, "TABLE, VIEW or SCHEMA");
    }
    if (!tarn_query__take_exists(parser, false, &out->if_exists) ||
        !tarn_query__take_table(parser, &out->name)) {
        return false;
    }
    if (out->object == TARN_OBJECT_TABLE) tarn_query__take_purge(parser);
    return tarn_query__expect_end(parser);
}

/* --- INSERT --- */

/* RETURNING is a reserved word: outside of brackets it can only end the SELECT. */
static bool cut_returning(TarnParser *parser) {
    TarnParsed *out = parser->out;
    int depth = 0;
    size_t start = parser->at;
    for (; tarn_query__peek(parser)->kind != TARN_TOKEN_END; parser->at++) {
        const TarnToken *token = tarn_query__peek(parser);
        depth += tarn_query__token_symbol(token, "(") || tarn_query__token_symbol(token, "[") ||
                 tarn_query__token_symbol(token, "{");
        depth -= tarn_query__token_symbol(token, ")") || tarn_query__token_symbol(token, "]") ||
                 tarn_query__token_symbol(token, "}");
        if (depth != 0 || !tarn_query__token_is(token, "RETURNING")) continue;
        out->select.size = (size_t)(token->text.data - out->select.data);
        out->select = tarn_base_text_trim(out->select);
        return tarn_query__take_returning(parser);
    }
    parser->at = start;
    return true;
}

static bool parse_insert(TarnParser *parser) {
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_INSERT;
    out->overwrite = tarn_query__accept(parser, "OVERWRITE");
    bool into = tarn_query__accept(parser, "INTO");
    if (out->overwrite) tarn_query__accept(parser, "TABLE");
    if ((!into && !out->overwrite && !tarn_query__expect(parser, "INTO")) ||
        !tarn_query__take_table(parser, &out->name))
        return false;
    if (tarn_query__accept(parser, "BY")) {
        if (!tarn_query__expect(parser, "NAME")) return false;
        out->by_name = true;
    } else if (tarn_query__token_symbol(tarn_query__peek(parser), "(") &&
               !tarn_query__token_is(tarn_query__peek(parser) + 1, "SELECT") &&
               !tarn_query__token_is(tarn_query__peek(parser) + 1, "VALUES") &&
               !tarn_query__token_is(tarn_query__peek(parser) + 1, "WITH") &&
               !tarn_query__token_is(tarn_query__peek(parser) + 1, "FROM")) {
        if (!tarn_query__take_columns(parser)) return false;
    }
    out->alias = out->name.name;
    out->select = tarn_query__rest_of(parser);
    const TarnToken *next = tarn_query__peek(parser);
    if (!cut_returning(parser)) return false;
    bool good = tarn_query__token_is(next, "SELECT") || tarn_query__token_is(next, "VALUES") ||
                tarn_query__token_is(next, "WITH") || tarn_query__token_is(next, "FROM") ||
                tarn_query__token_symbol(next, "(") ||
                (tarn_query__token_is(next, "DEFAULT") &&
                 tarn_query__token_is(next + 1, "VALUES"));
    return good || tarn_query__fail_expected(parser, "SELECT or VALUES");
}

/* PostgreSQL's: ANALYZE [VERBOSE] t [(column, ..)] */
static bool parse_analyze(TarnParser *parser) {
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_ANALYZE;
    (void)tarn_query__accept(parser, "VERBOSE");
    return tarn_query__take_table(parser, &out->name) && tarn_query__take_columns(parser) &&
           tarn_query__expect_end(parser);
}

/* --- looking --- */

static bool parse_describe(TarnParser *parser) {
    TarnParsed *out = parser->out;
    const TarnToken *next = tarn_query__peek(parser);
    if (tarn_query__token_is(next, "SELECT") || tarn_query__token_is(next, "FROM") ||
        tarn_query__token_is(next, "WITH") || tarn_query__token_symbol(next, "(")) {
        out->kind = TARN_STATEMENT_SELECT; /* of a query: the engine answers */
        return true;
    }
    out->kind = TARN_STATEMENT_DESCRIBE;
    tarn_query__accept(parser, "TABLE");
    return tarn_query__take_table(parser, &out->name) && tarn_query__expect_end(parser);
}

static bool parse_show(TarnParser *parser) {
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_SHOW;
    if (tarn_query__accept(parser, "DROPPED")) return tarn_query__parse_show_dropped(parser);
    tarn_query__accept(parser, "ALL");
    if (tarn_query__accept(parser, "TABLES")) {
        out->show = TARN_SHOW_TABLES;
        if (tarn_query__accept(parser, "FROM") || tarn_query__accept(parser, "IN")) {
            return tarn_query__take_path(parser, &out->show_from) && tarn_query__expect_end(parser);
        }
        return tarn_query__expect_end(parser);
    }
    if (tarn_query__accept(parser, "SCHEMAS") || tarn_query__accept(parser, "NAMESPACES") ||
        tarn_query__accept(parser, "DATABASES")) {
        out->show = TARN_SHOW_SCHEMAS;
        return tarn_query__expect_end(parser);
    }
    if (tarn_query__accept(parser, "COLUMNS")) {
        out->kind = TARN_STATEMENT_DESCRIBE;
        return (tarn_query__accept(parser, "FROM") || tarn_query__expect(parser, "IN")) &&
               tarn_query__take_table(parser, &out->name) && tarn_query__expect_end(parser);
    }
    return tarn_query__fail_expected(parser, "TABLES, SCHEMAS, COLUMNS or DROPPED");
}

static bool refuse_kind(TarnParser *parser) {
    const TarnToken *first = tarn_query__peek(parser);
    tarn_query__error_at(parser->tokens->source, tarn_query__offset_here(parser),
                         TARN_E_SQL_UNSUPPORTED, parser->error,
                         "a statement that begins with \"%.*s\" is not run here",
                         (int)(first->text.size < 40 ? first->text.size : 40), first->text.data);
    return tarn_base_error_hint(parser->error,
                                "use SELECT, INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY, "
                                "CREATE, ALTER, DROP, DESCRIBE, SHOW or EXPLAIN");
}

bool tarn_query__parse(TarnText text, TarnArena *arena, TarnParsed *parsed, TarnError *error) {
    *parsed = (TarnParsed){.kind = TARN_STATEMENT_SELECT};
    if (!tarn_query__lex(text, arena, &parsed->tokens, error)) return false;
    TarnParser parser = {.tokens = &parsed->tokens, .arena = arena, .out = parsed, .error = error};
    if (tarn_query__peek(&parser)->kind == TARN_TOKEN_END) {
        return tarn_base_error_set(error, TARN_E_SQL_SYNTAX, "the statement is empty");
    }
    if (tarn_query__is_query_word(tarn_query__peek(&parser))) {
        parsed->select = tarn_query__rest_of(&parser);
        return true;
    }
    if (tarn_query__accept(&parser, "EXPLAIN")) {
        parsed->kind = TARN_STATEMENT_EXPLAIN;
        parsed->analyze = tarn_query__accept(&parser, "ANALYZE") ||
                          tarn_query__accept(&parser, "ANALYSE");
        parsed->select = tarn_query__rest_of(&parser);
        return tarn_query__is_query_word(tarn_query__peek(&parser)) ||
               tarn_query__fail_expected(&parser, "a SELECT");
    }
    if (tarn_query__accept(&parser, "CREATE")) return parse_create(&parser);
    if (tarn_query__accept(&parser, "DROP")) return parse_drop(&parser);
    if (tarn_query__accept(&parser, "UNDROP")) return tarn_query__parse_undrop(&parser);
    if (tarn_query__accept(&parser, "INSERT")) return parse_insert(&parser);
    if (tarn_query__accept(&parser, "DELETE")) return tarn_query__parse_delete(&parser);
    if (tarn_query__accept(&parser, "UPDATE")) return tarn_query__parse_update(&parser);
    if (tarn_query__accept(&parser, "MERGE")) return tarn_query__parse_merge(&parser);
    if (tarn_query__accept(&parser, "COPY")) return tarn_query__parse_copy(&parser);
    if (tarn_query__accept(&parser, "ANALYZE") || tarn_query__accept(&parser, "ANALYSE")) {
        return parse_analyze(&parser);
    }
    if (tarn_query__accept(&parser, "TRUNCATE")) return tarn_query__parse_truncate(&parser);
    if (tarn_query__parse_is_transaction(&parser)) {
        return tarn_query__parse_transaction(&parser);
    }
    if (tarn_query__accept(&parser, "ALTER")) return tarn_query__parse_alter(&parser);
    if (tarn_query__accept(&parser, "SHOW")) return parse_show(&parser);
    if (tarn_query__accept(&parser, "DESCRIBE") || tarn_query__accept(&parser, "DESC")) {
        size_t start = parser.at;
        bool ok = parse_describe(&parser);
        if (ok && parsed->kind == TARN_STATEMENT_SELECT) {
            parser.at = start - 1;
            parsed->select = tarn_query__rest_of(&parser);
        }
        return ok;
    }
    return refuse_kind(&parser);
}
