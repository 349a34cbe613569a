/* A recursive-descent parser over tokens: one function a clause, errors say what was expected and
 * what was found, at its place.
 */
#include "query/parse_private.h"

#include <string.h>

typedef struct Parser {
    TarnTokens *tokens;
    size_t at;
    TarnArena *arena;
    TarnParsed *out;
    TarnError *error;
} Parser;

/* --- the cursor --- */

static const TarnToken *peek(const Parser *parser) { return &parser->tokens->items[parser->at]; }

static size_t offset_here(const Parser *parser) {
    return tarn_query__token_offset(parser->tokens, parser->at);
}

static bool fail_expected(Parser *parser, const char *what) {
    const TarnToken *found = peek(parser);
    bool end = found->kind == TARN_TOKEN_END;
    return tarn_query__error_at(parser->tokens->source, offset_here(parser), TARN_E_SQL_SYNTAX,
                                parser->error, "expected %s, found %s%.*s%s", what,
                                end ? "the end of the statement" : "\"",
                                end ? 0 : (int)(found->text.size < 60 ? found->text.size : 60),
                                found->text.data, end ? "" : "\"");
}

static bool accept(Parser *parser, const char *keyword) {
    if (!tarn_query__token_is(peek(parser), keyword)) return false;
    parser->at++;
    return true;
}

static bool accept_symbol(Parser *parser, const char *symbol) {
    if (!tarn_query__token_symbol(peek(parser), symbol)) return false;
    parser->at++;
    return true;
}

static bool expect(Parser *parser, const char *keyword) {
    return accept(parser, keyword) || fail_expected(parser, keyword);
}

static bool expect_symbol(Parser *parser, const char *symbol) {
    return accept_symbol(parser, symbol) || fail_expected(parser, symbol);
}

static bool expect_end(Parser *parser) {
    accept_symbol(parser, ";");
    return peek(parser)->kind == TARN_TOKEN_END || fail_expected(parser, "the end");
}

/* The text from a token's start to the end of the statement, a last semicolon left out. */
static TarnText rest_of(const Parser *parser) {
    TarnText source = parser->tokens->source;
    size_t start = offset_here(parser);
    size_t last = parser->tokens->count - 1;
    size_t end = tarn_query__token_offset(parser->tokens, last);
    if (last > parser->at && tarn_query__token_symbol(&parser->tokens->items[last - 1], ";")) {
        end = tarn_query__token_offset(parser->tokens, last - 1);
    }
    return tarn_base_text_trim((TarnText){source.data + start, end - start});
}

/* --- names --- */

static bool is_name(const TarnToken *token) {
    return token->kind == TARN_TOKEN_WORD || token->kind == TARN_TOKEN_QUOTED;
}

static bool take_name(Parser *parser, const char *what, TarnText *name) {
    if (!is_name(peek(parser))) return fail_expected(parser, what);
    *name = peek(parser)->value;
    parser->at++;
    return true;
}

static bool take_string(Parser *parser, const char *what, const char **out) {
    TarnText name;
    if (!take_name(parser, what, &name)) return false;
    *out = tarn_base_text_string(parser->arena, name);
    return tarn_base_arena_check(parser->arena, parser->error);
}

static bool take_table(Parser *parser, TarnTableName *name) {
    TarnText levels[16];
    size_t count = 0;
    size_t offset = offset_here(parser);
    parser->out->name_offset = offset;
    do {
        if (count == 16 || !take_name(parser, "a table name", &levels[count++])) {
            return count <= 16 && parser->error->code != TARN_OK
                       ? false
                       : fail_expected(parser, "a shorter name");
        }
    } while (accept_symbol(parser, "."));
    if (tarn_catalog_name_from_levels(levels, count, parser->arena, name, parser->error)) {
        return true;
    }
    TarnError told = *parser->error;
    tarn_query__error_at(parser->tokens->source, offset, told.code, parser->error, "%s",
                         told.message);
    return tarn_base_error_hint(parser->error, "%s", told.hint);
}

/* "a.b.c" of a nested column. */
static bool take_path(Parser *parser, const char **path) {
    TarnBuffer text;
    TarnText part;
    tarn_base_buffer_init(&text, 65536);
    bool ok = true;
    do {
        ok = take_name(parser, "a column name", &part);
        if (ok && text.size > 0) tarn_base_buffer_byte(&text, '.');
        if (ok) tarn_base_buffer_text(&text, part);
    } while (ok && accept_symbol(parser, "."));
    *path = tarn_base_text_string(parser->arena, tarn_base_buffer_view(&text));
    tarn_base_buffer_dispose(&text);
    return ok && tarn_base_arena_check(parser->arena, parser->error);
}

/* --- stretches of text --- */

/* Moves over tokens, brackets balanced, until one of the stops at depth 0; gives the text. */
static bool take_until(Parser *parser, const char *what, bool (*stop)(const TarnToken *),
                       TarnText *text) {
    size_t start = offset_here(parser);
    size_t end = start;
    int depth = 0;
    for (; peek(parser)->kind != TARN_TOKEN_END; parser->at++) {
        const TarnToken *token = peek(parser);
        bool open = tarn_query__token_symbol(token, "(") || tarn_query__token_symbol(token, "[") ||
                    tarn_query__token_symbol(token, "{");
        bool close = tarn_query__token_symbol(token, ")") ||
                     tarn_query__token_symbol(token, "]") || tarn_query__token_symbol(token, "}");
        if (depth == 0 && (close || stop(token))) break;
        depth += open - close;
        end = offset_here(parser) + token->text.size;
    }
    *text = (TarnText){parser->tokens->source.data + start, end - start};
    return end > start || fail_expected(parser, what);
}

static bool stop_comma(const TarnToken *token) { return tarn_query__token_symbol(token, ","); }

static bool stop_column_option(const TarnToken *token) {
    return stop_comma(token) || tarn_query__token_symbol(token, ";") ||
           tarn_query__token_is(token, "NOT") || tarn_query__token_is(token, "NULL") ||
           tarn_query__token_is(token, "DEFAULT") || tarn_query__token_is(token, "COMMENT") ||
           tarn_query__token_is(token, "FIRST") || tarn_query__token_is(token, "AFTER") ||
           tarn_query__token_is(token, "BEFORE") || tarn_query__token_is(token, "PRIMARY") ||
           tarn_query__token_is(token, "UNIQUE") || tarn_query__token_is(token, "CHECK") ||
           tarn_query__token_is(token, "REFERENCES") || tarn_query__token_is(token, "USING");
}

static bool take_texts(Parser *parser, const char *what, TarnTexts *texts) {
    if (!expect_symbol(parser, "(")) return false;
    do {
        TarnText *text = TARN_PUSH(parser->arena, texts);
        if (text == NULL) return tarn_base_arena_check(parser->arena, parser->error);
        if (!take_until(parser, what, stop_comma, text)) return false;
    } while (accept_symbol(parser, ","));
    return expect_symbol(parser, ")");
}

/* --- columns --- */

static bool refuse_constraint(Parser *parser) {
    static const char *const words[] = {"PRIMARY", "UNIQUE", "CHECK", "REFERENCES", "FOREIGN",
                                        "CONSTRAINT"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!tarn_query__token_is(peek(parser), words[i])) continue;
        tarn_query__error_at(parser->tokens->source, offset_here(parser), TARN_E_SQL_UNSUPPORTED,
                             parser->error, "%s constraints are not kept by tables of a lake",
                             words[i]);
        return tarn_base_error_hint(parser->error,
                                    "state it as a check of a pipeline (unique, relationships)");
    }
    return true;
}

static bool take_column_options(Parser *parser, TarnColumnDefinition *column) {
    for (;;) {
        if (accept(parser, "NOT")) {
            if (!expect(parser, "NULL")) return false;
            column->required = true;
        } else if (accept(parser, "NULL")) {
            column->required = false;
        } else if (accept(parser, "DEFAULT")) {
            if (!take_until(parser, "a default value", stop_column_option, &column->initial)) {
                return false;
            }
        } else if (accept(parser, "COMMENT")) {
            if (peek(parser)->kind != TARN_TOKEN_STRING) {
                return fail_expected(parser, "a string");
            }
            column->comment = tarn_base_text_string(parser->arena, peek(parser)->value);
            parser->at++;
        } else {
            return refuse_constraint(parser);
        }
    }
}

static bool take_column(Parser *parser, TarnColumnDefinition *column) {
    column->offset = offset_here(parser);
    return refuse_constraint(parser) && take_string(parser, "a column name", &column->name) &&
           take_until(parser, "a type", stop_column_option, &column->type) &&
           take_column_options(parser, column);
}

static bool take_columns(Parser *parser) {
    if (!expect_symbol(parser, "(")) return false;
    do {
        TarnColumnDefinition *column = TARN_PUSH(parser->arena, &parser->out->columns);
        if (column == NULL) return tarn_base_arena_check(parser->arena, parser->error);
        if (!take_column(parser, column)) return false;
    } while (accept_symbol(parser, ","));
    return expect_symbol(parser, ")");
}

/* --- settings: (key = value, ..) --- */

static bool take_setting_key(Parser *parser, const char **key) {
    if (peek(parser)->kind == TARN_TOKEN_STRING) {
        *key = tarn_base_text_string(parser->arena, peek(parser)->value);
        parser->at++;
        return tarn_base_arena_check(parser->arena, parser->error);
    }
    TarnBuffer text;
    TarnText part;
    tarn_base_buffer_init(&text, 4096);
    bool ok = true;
    do {
        ok = take_name(parser, "a property", &part);
        if (ok && text.size > 0 && text.data[text.size - 1] != '-') {
            tarn_base_buffer_byte(&text, '.');
        }
        if (ok) tarn_base_buffer_text(&text, part);
        if (ok && accept_symbol(parser, "-")) {
            tarn_base_buffer_byte(&text, '-');
            continue;
        }
        if (!ok || !accept_symbol(parser, ".")) break;
    } while (true);
    *key = tarn_base_text_string(parser->arena, tarn_base_buffer_view(&text));
    tarn_base_buffer_dispose(&text);
    return ok && tarn_base_arena_check(parser->arena, parser->error);
}

static bool take_settings(Parser *parser, bool with_values) {
    if (!expect_symbol(parser, "(")) return false;
    do {
        TarnSetting *setting = TARN_PUSH(parser->arena, &parser->out->settings);
        if (setting == NULL) return tarn_base_arena_check(parser->arena, parser->error);
        if (!take_setting_key(parser, &setting->key)) return false;
        if (!with_values) continue;
        if (!expect_symbol(parser, "=")) return false;
        const TarnToken *value = peek(parser);
        if (value->kind == TARN_TOKEN_END || value->kind == TARN_TOKEN_SYMBOL) {
            return fail_expected(parser, "a value");
        }
        setting->value = tarn_base_text_string(parser->arena, value->value);
        parser->at++;
    } while (accept_symbol(parser, ","));
    return expect_symbol(parser, ")") && tarn_base_arena_check(parser->arena, parser->error);
}

/* --- CREATE --- */

static bool take_exists(Parser *parser, bool negated, bool *flag) {
    if (!accept(parser, "IF")) return true;
    if (negated && !expect(parser, "NOT")) return false;
    *flag = true;
    return expect(parser, "EXISTS");
}

static bool take_layout(Parser *parser) {
    for (;;) {
        if (accept(parser, "PARTITIONED")) {
            if (!expect(parser, "BY") ||
                !take_texts(parser, "a partition expression", &parser->out->partitions)) {
                return false;
            }
        } else if (accept(parser, "SORTED") || accept(parser, "ORDER")) {
            if (!expect(parser, "BY") ||
                !take_texts(parser, "a sort expression", &parser->out->sort)) {
                return false;
            }
        } else if (accept(parser, "WITH") || accept(parser, "TBLPROPERTIES")) {
            if (!take_settings(parser, true)) return false;
        } else {
            return true;
        }
    }
}

static bool parse_create_table(Parser *parser) {
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_CREATE_TABLE;
    if (out->or_replace) {
        tarn_query__error_at(parser->tokens->source, 0, TARN_E_SQL_UNSUPPORTED, parser->error,
                             "CREATE OR REPLACE TABLE would lose the table's history");
        return tarn_base_error_hint(parser->error, "DROP TABLE first, or use a pipeline "
                                                   "(materialized = table)");
    }
    if (!take_exists(parser, true, &out->if_not_exists) || !take_table(parser, &out->name)) {
        return false;
    }
    if (tarn_query__token_symbol(peek(parser), "(") && !take_columns(parser)) return false;
    if (!take_layout(parser)) return false;
    if (accept(parser, "AS")) {
        out->kind = TARN_STATEMENT_CREATE_TABLE_AS;
        out->select = rest_of(parser);
        if (out->columns.count > 0) return fail_expected(parser, "columns or AS, not both");
        return out->select.size > 0 || fail_expected(parser, "a SELECT");
    }
    if (out->columns.count == 0) return fail_expected(parser, "columns in brackets, or AS");
    return expect_end(parser);
}

static bool parse_create(Parser *parser) {
    TarnParsed *out = parser->out;
    if (accept(parser, "OR")) {
        if (!expect(parser, "REPLACE")) return false;
        out->or_replace = true;
    }
    if (accept(parser, "TABLE")) return parse_create_table(parser);
    if (accept(parser, "VIEW")) {
        out->kind = TARN_STATEMENT_CREATE_VIEW;
        if (!take_exists(parser, true, &out->if_not_exists) || !take_table(parser, &out->name) ||
            !expect(parser, "AS")) {
            return false;
        }
        out->select = rest_of(parser);
        return out->select.size > 0 || fail_expected(parser, "a SELECT");
    }
    if (accept(parser, "SCHEMA") || accept(parser, "NAMESPACE")) {
        out->kind = TARN_STATEMENT_CREATE_SCHEMA;
        return take_exists(parser, true, &out->if_not_exists) && take_path(parser, &out->path) &&
               expect_end(parser);
    }
    return fail_expected(parser, "TABLE, VIEW or SCHEMA");
}

static bool parse_drop(Parser *parser) {
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_DROP;
    if (accept(parser, "SCHEMA") || accept(parser, "NAMESPACE")) {
        out->object = TARN_OBJECT_SCHEMA;
        return take_exists(parser, false, &out->if_exists) && take_path(parser, &out->path) &&
               expect_end(parser);
    }
    if (accept(parser, "VIEW")) {
        out->object = TARN_OBJECT_VIEW;
    } else if (!accept(parser, "TABLE")) {
        return fail_expected(parser, "TABLE, VIEW or SCHEMA");
    }
    return take_exists(parser, false, &out->if_exists) && take_table(parser, &out->name) &&
           expect_end(parser);
}

/* --- INSERT --- */

static bool parse_insert(Parser *parser) {
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_INSERT;
    if (!expect(parser, "INTO") || !take_table(parser, &out->name)) return false;
    if (accept(parser, "BY")) {
        if (!expect(parser, "NAME")) return false;
        out->by_name = true;
    } else if (tarn_query__token_symbol(peek(parser), "(") &&
               !tarn_query__token_is(peek(parser) + 1, "SELECT") &&
               !tarn_query__token_is(peek(parser) + 1, "VALUES") &&
               !tarn_query__token_is(peek(parser) + 1, "WITH") &&
               !tarn_query__token_is(peek(parser) + 1, "FROM")) {
        parser->at++;
        do {
            TarnText *name = TARN_PUSH(parser->arena, &out->insert_columns);
            if (name == NULL) return tarn_base_arena_check(parser->arena, parser->error);
            if (!take_name(parser, "a column name", name)) return false;
        } while (accept_symbol(parser, ","));
        if (!expect_symbol(parser, ")")) return false;
    }
    out->select = rest_of(parser);
    const TarnToken *next = peek(parser);
    bool good = tarn_query__token_is(next, "SELECT") || tarn_query__token_is(next, "VALUES") ||
                tarn_query__token_is(next, "WITH") || tarn_query__token_is(next, "FROM") ||
                tarn_query__token_symbol(next, "(");
    return good || fail_expected(parser, "SELECT or VALUES");
}

/* --- ALTER --- */

static bool parse_alter_add(Parser *parser) {
    TarnParsed *out = parser->out;
    if (accept(parser, "PARTITION")) {
        out->alter = TARN_ALTER_ADD_PARTITION;
        TarnText *text = TARN_PUSH(parser->arena, &out->partitions);
        if (text == NULL || !expect(parser, "FIELD")) return false;
        *text = rest_of(parser);
        return text->size > 0 || fail_expected(parser, "a partition expression");
    }
    out->alter = TARN_ALTER_ADD_COLUMN;
    accept(parser, "COLUMN");
    out->column.offset = offset_here(parser);
    if (!take_exists(parser, true, &out->if_not_exists) || !take_path(parser, &out->path) ||
        !take_until(parser, "a type", stop_column_option, &out->column.type) ||
        !take_column_options(parser, &out->column)) {
        return false;
    }
    if (accept(parser, "FIRST")) {
        out->where = TARN_WHERE_FIRST;
    } else if (accept(parser, "AFTER")) {
        out->where = TARN_WHERE_AFTER;
        return take_string(parser, "a column name", &out->target) && expect_end(parser);
    }
    return expect_end(parser);
}

static bool parse_alter_column(Parser *parser) {
    TarnParsed *out = parser->out;
    accept(parser, "COLUMN");
    if (!take_path(parser, &out->path)) return false;
    if (accept(parser, "FIRST")) {
        out->alter = TARN_ALTER_MOVE;
        out->where = TARN_WHERE_FIRST;
        return expect_end(parser);
    }
    if (accept(parser, "AFTER") || accept(parser, "BEFORE")) {
        out->alter = TARN_ALTER_MOVE;
        out->where = tarn_query__token_is(peek(parser) - 1, "AFTER") ? TARN_WHERE_AFTER
                                                                     : TARN_WHERE_BEFORE;
        return take_string(parser, "a column name", &out->target) && expect_end(parser);
    }
    if (accept(parser, "DROP")) {
        out->alter = TARN_ALTER_DROP_NOT_NULL;
        return expect(parser, "NOT") && expect(parser, "NULL") && expect_end(parser);
    }
    if (accept(parser, "COMMENT")) {
        out->alter = TARN_ALTER_COMMENT;
        if (peek(parser)->kind != TARN_TOKEN_STRING) return fail_expected(parser, "a string");
        out->target = tarn_base_text_string(parser->arena, peek(parser)->value);
        parser->at++;
        return expect_end(parser);
    }
    if (accept(parser, "SET") && !expect(parser, "DATA")) return false;
    out->alter = TARN_ALTER_COLUMN_TYPE;
    return expect(parser, "TYPE") &&
           take_until(parser, "a type", stop_column_option, &out->column.type) &&
           expect_end(parser);
}

static bool parse_alter_set(Parser *parser) {
    TarnParsed *out = parser->out;
    if (accept(parser, "PARTITIONED")) {
        out->alter = TARN_ALTER_SET_PARTITIONS;
        if (!expect(parser, "BY")) return false;
        if (tarn_query__token_symbol(peek(parser), "(") &&
            tarn_query__token_symbol(peek(parser) + 1, ")")) {
            parser->at += 2;
            return expect_end(parser);
        }
        return take_texts(parser, "a partition expression", &out->partitions) &&
               expect_end(parser);
    }
    if (accept(parser, "SORTED")) {
        out->alter = TARN_ALTER_SET_SORT;
        if (!expect(parser, "BY")) return false;
        if (tarn_query__token_symbol(peek(parser), "(") &&
            tarn_query__token_symbol(peek(parser) + 1, ")")) {
            parser->at += 2;
            return expect_end(parser);
        }
        return take_texts(parser, "a sort expression", &out->sort) && expect_end(parser);
    }
    accept(parser, "TBLPROPERTIES");
    out->alter = TARN_ALTER_SET_PROPERTIES;
    return take_settings(parser, true) && expect_end(parser);
}

static bool parse_alter_rename(Parser *parser) {
    TarnParsed *out = parser->out;
    if (accept(parser, "TO")) {
        out->alter = TARN_ALTER_RENAME_TABLE;
        size_t offset = out->name_offset;
        bool ok = take_table(parser, &out->new_name) && expect_end(parser);
        out->name_offset = offset;
        return ok;
    }
    out->alter = TARN_ALTER_RENAME_COLUMN;
    accept(parser, "COLUMN");
    return take_path(parser, &out->path) && expect(parser, "TO") &&
           take_string(parser, "a new name", &out->target) && expect_end(parser);
}

static bool parse_alter(Parser *parser) {
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_ALTER_TABLE;
    if (!expect(parser, "TABLE") || !take_exists(parser, false, &out->if_exists) ||
        !take_table(parser, &out->name)) {
        return false;
    }
    if (accept(parser, "ADD")) return parse_alter_add(parser);
    if (accept(parser, "RENAME")) return parse_alter_rename(parser);
    if (accept(parser, "ALTER")) return parse_alter_column(parser);
    if (accept(parser, "SET")) return parse_alter_set(parser);
    if (accept(parser, "RESET")) {
        out->alter = TARN_ALTER_RESET_PROPERTIES;
        return take_settings(parser, false) && expect_end(parser);
    }
    if (!accept(parser, "DROP")) {
        return fail_expected(parser, "ADD, DROP, RENAME, ALTER, SET or RESET");
    }
    if (accept(parser, "PARTITION")) {
        out->alter = TARN_ALTER_DROP_PARTITION;
        TarnText *text = TARN_PUSH(parser->arena, &out->partitions);
        if (text == NULL || !expect(parser, "FIELD")) return false;
        *text = rest_of(parser);
        return text->size > 0 || fail_expected(parser, "a partition expression or field");
    }
    out->alter = TARN_ALTER_DROP_COLUMN;
    accept(parser, "COLUMN");
    return take_exists(parser, false, &out->if_exists) && take_path(parser, &out->path) &&
           expect_end(parser);
}

/* --- looking --- */

static bool parse_describe(Parser *parser) {
    TarnParsed *out = parser->out;
    const TarnToken *next = peek(parser);
    if (tarn_query__token_is(next, "SELECT") || tarn_query__token_is(next, "FROM") ||
        tarn_query__token_is(next, "WITH") || tarn_query__token_symbol(next, "(")) {
        out->kind = TARN_STATEMENT_SELECT; /* of a query: the engine answers */
        return true;
    }
    out->kind = TARN_STATEMENT_DESCRIBE;
    accept(parser, "TABLE");
    return take_table(parser, &out->name) && expect_end(parser);
}

static bool parse_show(Parser *parser) {
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_SHOW;
    accept(parser, "ALL");
    if (accept(parser, "TABLES")) {
        out->show = TARN_SHOW_TABLES;
        if (accept(parser, "FROM") || accept(parser, "IN")) {
            return take_path(parser, &out->show_from) && expect_end(parser);
        }
        return expect_end(parser);
    }
    if (accept(parser, "SCHEMAS") || accept(parser, "NAMESPACES") || accept(parser, "DATABASES")) {
        out->show = TARN_SHOW_SCHEMAS;
        return expect_end(parser);
    }
    if (accept(parser, "COLUMNS")) {
        out->kind = TARN_STATEMENT_DESCRIBE;
        return (accept(parser, "FROM") || expect(parser, "IN")) && take_table(parser, &out->name) &&
               expect_end(parser);
    }
    return fail_expected(parser, "TABLES, SCHEMAS or COLUMNS");
}

static bool refuse_kind(Parser *parser) {
    static const char *const later[] = {"UPDATE", "DELETE",   "MERGE",  "TRUNCATE", "COPY",
                                        "BEGIN",  "START",    "COMMIT", "ROLLBACK", "UNDROP",
                                        "END",    "ABORT"};
    const TarnToken *first = peek(parser);
    for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
        if (!tarn_query__token_is(first, later[i])) continue;
        return tarn_query__error_at(parser->tokens->source, offset_here(parser),
                                    TARN_E_SQL_UNSUPPORTED, parser->error,
                                    "%s comes with a later version", later[i]);
    }
    tarn_query__error_at(parser->tokens->source, offset_here(parser), TARN_E_SQL_UNSUPPORTED,
                         parser->error, "a statement that begins with \"%.*s\" is not run here",
                         (int)(first->text.size < 40 ? first->text.size : 40), first->text.data);
    return tarn_base_error_hint(parser->error,
                                "use SELECT, INSERT, CREATE, ALTER, DROP, DESCRIBE, SHOW or "
                                "EXPLAIN");
}

static bool is_query_word(const TarnToken *token) {
    static const char *const words[] = {"SELECT", "WITH",    "FROM",    "VALUES", "SUMMARIZE",
                                        "PIVOT",  "UNPIVOT", "TABLE"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (tarn_query__token_is(token, words[i])) return true;
    }
    return tarn_query__token_symbol(token, "(");
}

bool tarn_query__parse(TarnText text, TarnArena *arena, TarnParsed *parsed, TarnError *error) {
    *parsed = (TarnParsed){.kind = TARN_STATEMENT_SELECT};
    if (!tarn_query__lex(text, arena, &parsed->tokens, error)) return false;
    Parser parser = {.tokens = &parsed->tokens, .arena = arena, .out = parsed, .error = error};
    if (peek(&parser)->kind == TARN_TOKEN_END) {
        return tarn_base_error_set(error, TARN_E_SQL_SYNTAX, "the statement is empty");
    }
    if (is_query_word(peek(&parser))) {
        parsed->select = rest_of(&parser);
        return true;
    }
    if (accept(&parser, "EXPLAIN")) {
        parsed->kind = TARN_STATEMENT_EXPLAIN;
        parsed->select = rest_of(&parser);
        return is_query_word(peek(&parser)) || fail_expected(&parser, "a SELECT");
    }
    if (accept(&parser, "CREATE")) return parse_create(&parser);
    if (accept(&parser, "DROP")) return parse_drop(&parser);
    if (accept(&parser, "INSERT")) return parse_insert(&parser);
    if (accept(&parser, "ALTER")) return parse_alter(&parser);
    if (accept(&parser, "SHOW")) return parse_show(&parser);
    if (accept(&parser, "DESCRIBE") || accept(&parser, "DESC")) {
        size_t start = parser.at;
        bool ok = parse_describe(&parser);
        if (ok && parsed->kind == TARN_STATEMENT_SELECT) {
            parser.at = start - 1;
            parsed->select = rest_of(&parser);
        }
        return ok;
    }
    return refuse_kind(&parser);
}
