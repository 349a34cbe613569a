/* The cursor over a statement's tokens: what every clause is taken with. Errors say what was
 * expected and what was found, at its place.
 */
#include "query/parse_cursor_private.h"

#include <string.h>

/* --- the cursor --- */

const TarnToken *tarn_query__peek(const TarnParser *parser) {
    return &parser->tokens->items[parser->at];
}

size_t tarn_query__offset_here(const TarnParser *parser) {
    return tarn_query__token_offset(parser->tokens, parser->at);
}

bool tarn_query__fail_expected(TarnParser *parser, const char *what) {
    const TarnToken *found = tarn_query__peek(parser);
    bool end = found->kind == TARN_TOKEN_END;
    return tarn_query__error_at(parser->tokens->source, tarn_query__offset_here(parser),
                                TARN_E_SQL_SYNTAX, parser->error, "expected %s, found %s%.*s%s",
                                what, end ? "the end of the statement" : "\"",
                                end ? 0 : (int)(found->text.size < 60 ? found->text.size : 60),
                                found->text.data, end ? "" : "\"");
}

bool tarn_query__accept(TarnParser *parser, const char *keyword) {
    if (!tarn_query__token_is(tarn_query__peek(parser), keyword)) return false;
    parser->at++;
    return true;
}

bool tarn_query__accept_symbol(TarnParser *parser, const char *symbol) {
    if (!tarn_query__token_symbol(tarn_query__peek(parser), symbol)) return false;
    parser->at++;
    return true;
}

bool tarn_query__expect(TarnParser *parser, const char *keyword) {
    return tarn_query__accept(parser, keyword) || tarn_query__fail_expected(parser, keyword);
}

bool tarn_query__expect_symbol(TarnParser *parser, const char *symbol) {
    return tarn_query__accept_symbol(parser, symbol) || tarn_query__fail_expected(parser, symbol);
}

bool tarn_query__expect_end(TarnParser *parser) {
    tarn_query__accept_symbol(parser, ";");
    return tarn_query__peek(parser)->kind == TARN_TOKEN_END ||
           tarn_query__fail_expected(parser, "the end");
}

/* The text from a token's start to the end of the statement, a last semicolon left out. */
TarnText tarn_query__rest_of(const TarnParser *parser) {
    TarnText source = parser->tokens->source;
    size_t start = tarn_query__offset_here(parser);
    size_t last = parser->tokens->count - 1;
    size_t end = tarn_query__token_offset(parser->tokens, last);
    if (last > parser->at && tarn_query__token_symbol(&parser->tokens->items[last - 1], ";")) {
        end = tarn_query__token_offset(parser->tokens, last - 1);
    }
    return tarn_base_text_trim((TarnText){source.data + start, end - start});
}

/* --- names --- */

bool tarn_query__is_name(const TarnToken *token) {
    return token->kind == TARN_TOKEN_WORD || token->kind == TARN_TOKEN_QUOTED;
}

bool tarn_query__take_name(TarnParser *parser, const char *what, TarnText *name) {
    if (!tarn_query__is_name(tarn_query__peek(parser)))
        return tarn_query__fail_expected(parser, what);
    *name = tarn_query__peek(parser)->value;
    parser->at++;
    return true;
}

bool tarn_query__take_string(TarnParser *parser, const char *what, const char **out) {
    TarnText name;
    if (!tarn_query__take_name(parser, what, &name)) return false;
    *out = tarn_base_text_string(parser->arena, name);
    return tarn_base_arena_check(parser->arena, parser->error);
}

bool tarn_query__take_table(TarnParser *parser, TarnTableName *name) {
    TarnText levels[16];
    size_t count = 0;
    size_t offset = tarn_query__offset_here(parser);
    parser->out->name_offset = offset;
    do {
        if (count == 16 || !tarn_query__take_name(parser, "a table name", &levels[count++])) {
            return count <= 16 && parser->error->code != TARN_OK
                       ? false
                       : tarn_query__fail_expected(parser, "a shorter name");
        }
    } while (tarn_query__accept_symbol(parser, "."));
    if (tarn_catalog_name_from_levels(levels, count, parser->arena, name, parser->error)) {
        return true;
    }
    TarnError told = *parser->error;
    tarn_query__error_at(parser->tokens->source, offset, told.code, parser->error, "%s",
                         told.message);
    return tarn_base_error_hint(parser->error, "%s", told.hint);
}

/* "a.b.c" of a nested column. */
bool tarn_query__take_path(TarnParser *parser, const char **path) {
    TarnBuffer text;
    TarnText part;
    tarn_base_buffer_init(&text, 65536);
    bool ok = true;
    do {
        ok = tarn_query__take_name(parser, "a column name", &part);
        if (ok && text.size > 0) tarn_base_buffer_byte(&text, '.');
        if (ok) tarn_base_buffer_text(&text, part);
    } while (ok && tarn_query__accept_symbol(parser, "."));
    *path = tarn_base_buffer_keep(&text, parser->arena);
    tarn_base_buffer_dispose(&text);
    return ok && tarn_base_arena_check(parser->arena, parser->error);
}

/* --- stretches of text --- */

/* Moves over tokens, brackets balanced, until one of the stops at depth 0; gives the text. */
bool tarn_query__take_until(TarnParser *parser, const char *what, bool (*stop)(const TarnToken *),
                            TarnText *text) {
    size_t start = tarn_query__offset_here(parser);
    size_t end = start;
    int depth = 0;
    for (; tarn_query__peek(parser)->kind != TARN_TOKEN_END; parser->at++) {
        const TarnToken *token = tarn_query__peek(parser);
        bool open = tarn_query__token_symbol(token, "(") || tarn_query__token_symbol(token, "[") ||
                    tarn_query__token_symbol(token, "{");
        bool close = tarn_query__token_symbol(token, ")") || tarn_query__token_symbol(token, "]") ||
                     tarn_query__token_symbol(token, "}");
        /* CASE has WHENs and an END of its own */
        open = open || tarn_query__token_is(token, "CASE");
        close = close || (depth > 0 && tarn_query__token_is(token, "END"));
        if (depth == 0 && (close || stop(token))) break;
        depth += open - close;
        end = tarn_query__offset_here(parser) + token->text.size;
    }
    *text = (TarnText){parser->tokens->source.data + start, end - start};
    return end > start || tarn_query__fail_expected(parser, what);
}

bool tarn_query__stop_comma(const TarnToken *token) { return tarn_query__token_symbol(token, ","); }

bool tarn_query__take_texts(TarnParser *parser, const char *what, TarnTexts *texts) {
    if (!tarn_query__expect_symbol(parser, "(")) return false;
    do {
        TarnText *text = TARN_PUSH(parser->arena, texts);
        if (text == NULL) return tarn_base_arena_check(parser->arena, parser->error);
        if (!tarn_query__take_until(parser, what, tarn_query__stop_comma, text)) return false;
    } while (tarn_query__accept_symbol(parser, ","));
    return tarn_query__expect_symbol(parser, ")");
}

bool tarn_query__take_columns(TarnParser *parser) {
    if (!tarn_query__accept_symbol(parser, "(")) return true;
    do {
        TarnText *name = TARN_PUSH(parser->arena, &parser->out->insert_columns);
        if (name == NULL) return tarn_base_arena_check(parser->arena, parser->error);
        if (!tarn_query__take_name(parser, "a column name", name)) return false;
    } while (tarn_query__accept_symbol(parser, ","));
    return tarn_query__expect_symbol(parser, ")");
}

bool tarn_query__is_query_word(const TarnToken *token) {
    static const char *const words[] = {"SELECT",    "WITH",  "FROM",    "VALUES",
                                        "SUMMARIZE", "PIVOT", "UNPIVOT", "TABLE"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (tarn_query__token_is(token, words[i])) return true;
    }
    return tarn_query__token_symbol(token, "(");
}

/* --- settings: (key = value, ..) --- */

static bool take_setting_key(TarnParser *parser, const char **key) {
    if (tarn_query__peek(parser)->kind == TARN_TOKEN_STRING) {
        *key = tarn_base_text_string(parser->arena, tarn_query__peek(parser)->value);
        parser->at++;
        return tarn_base_arena_check(parser->arena, parser->error);
    }
    TarnBuffer text;
    TarnText part;
    tarn_base_buffer_init(&text, 4096);
    bool ok = true;
    do {
        ok = tarn_query__take_name(parser, "a property", &part);
        if (ok && text.size > 0 && text.data[text.size - 1] != '-') {
            tarn_base_buffer_byte(&text, '.');
        }
        if (ok) tarn_base_buffer_text(&text, part);
        if (ok && tarn_query__accept_symbol(parser, "-")) {
            tarn_base_buffer_byte(&text, '-');
            continue;
        }
        if (!ok || !tarn_query__accept_symbol(parser, ".")) break;
    } while (true);
    *key = tarn_base_buffer_keep(&text, parser->arena);
    tarn_base_buffer_dispose(&text);
    return ok && tarn_base_arena_check(parser->arena, parser->error);
}

bool tarn_query__take_settings(TarnParser *parser, bool with_values) {
    if (!tarn_query__expect_symbol(parser, "(")) return false;
    do {
        TarnSetting *setting = TARN_PUSH(parser->arena, &parser->out->settings);
        if (setting == NULL) return tarn_base_arena_check(parser->arena, parser->error);
        if (!take_setting_key(parser, &setting->key)) return false;
        if (!with_values) continue;
        if (!tarn_query__expect_symbol(parser, "=")) return false;
        const TarnToken *value = tarn_query__peek(parser);
        if (value->kind == TARN_TOKEN_END || value->kind == TARN_TOKEN_SYMBOL) {
            return tarn_query__fail_expected(parser, "a value");
        }
        setting->value = tarn_base_text_string(parser->arena, value->value);
        parser->at++;
    } while (tarn_query__accept_symbol(parser, ","));
    return tarn_query__expect_symbol(parser, ")") &&
           tarn_base_arena_check(parser->arena, parser->error);
}

/* --- IF EXISTS --- */

bool tarn_query__take_exists(TarnParser *parser, bool negated, bool *flag) {
    if (!tarn_query__accept(parser, "IF")) return true;
    if (negated && !tarn_query__expect(parser, "NOT")) return false;
    *flag = true;
    return tarn_query__expect(parser, "EXISTS");
}
