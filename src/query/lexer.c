/* The tokenizer. It never judges SQL; it finds where words, names, strings and symbols are.
 */
#include "query/lexer_private.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

void tarn_query__place(TarnText source, size_t offset, uint32_t *line, uint32_t *column) {
    size_t start = 0;
    *line = 1;
    for (size_t i = 0; i < offset && i < source.size; i++) {
        if (source.data[i] != '\n') continue;
        start = i + 1;
        ++*line;
    }
    size_t end = offset < source.size ? offset : source.size;
    *column = (uint32_t)tarn_base_text_utf8_count((TarnText){source.data + start, end - start}) + 1;
}

size_t tarn_query__place_offset(TarnText text, uint32_t line, uint32_t column) {
    size_t at = 0;
    for (uint32_t i = 1; i < line && at < text.size; i++) {
        const char *newline = memchr(text.data + at, '\n', text.size - at);
        at = newline != NULL ? (size_t)(newline - text.data) + 1 : text.size;
    }
    for (uint32_t i = 1; i < column && at < text.size; i++) {
        at++;
        while (at < text.size && ((unsigned char)text.data[at] & 0xC0) == 0x80) at++;
    }
    return at;
}

bool tarn_query__error_at(TarnText source, size_t offset, TarnErrorCode code, TarnError *error,
                          const char *format, ...) {
    char text[512];
    uint32_t line;
    uint32_t column;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    tarn_base_error_set(error, code, "%s", text);
    tarn_query__place(source, offset, &line, &column);
    tarn_base_error_place(error, "", line, column);
    tarn_base_error_excerpt(error, source.data, source.size);
    return false;
}

static bool is_word_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool is_word_part(char c) {
    return is_word_start(c) || (c >= '0' && c <= '9') || c == '$';
}

/* Past white space and comments; block comments nest. */
static bool skip_space(TarnText source, size_t *at, TarnError *error) {
    for (;;) {
        while (*at < source.size && strchr(" \t\r\n\f\v", source.data[*at]) != NULL &&
               source.data[*at] != '\0') {
            ++*at;
        }
        TarnText rest = {source.data + *at, source.size - *at};
        if (tarn_base_text_starts(rest, "--")) {
            const char *end = memchr(rest.data, '\n', rest.size);
            *at = end != NULL ? (size_t)(end - source.data) : source.size;
        } else if (tarn_base_text_starts(rest, "/*")) {
            size_t start = *at;
            int depth = 0;
            do {
                rest = (TarnText){source.data + *at, source.size - *at};
                if (rest.size == 0) {
                    return tarn_query__error_at(source, start, TARN_E_SQL_SYNTAX, error,
                                                "a comment is never closed");
                }
                int step = tarn_base_text_starts(rest, "/*")   ? 1
                           : tarn_base_text_starts(rest, "*/") ? -1
                                                               : 0;
                depth += step;
                *at += step != 0 ? 2 : 1;
            } while (depth > 0);
        } else {
            return true;
        }
    }
}

/* From the opening quote on: where the closing one is. */
static bool find_close(TarnText source, size_t start, char quote, bool backslash, size_t *close,
                       bool *doubled, TarnError *error) {
    *doubled = false;
    for (size_t i = start + 1; i < source.size; i++) {
        if (backslash && source.data[i] == '\\') {
            i++;
        } else if (source.data[i] == quote) {
            if (i + 1 == source.size || source.data[i + 1] != quote) {
                *close = i;
                return true;
            }
            *doubled = true;
            i++;
        }
    }
    return tarn_query__error_at(source, start, TARN_E_SQL_SYNTAX, error,
                                quote == '"' ? "a quoted name is never closed"
                                             : "a string is never closed");
}

static TarnText undouble(TarnText text, char quote, TarnArena *arena) {
    char *out = tarn_base_arena_alloc(arena, text.size + 1);
    size_t size = 0;
    for (size_t i = 0; out != NULL && i < text.size; i++) {
        out[size++] = text.data[i];
        if (text.data[i] == quote) i++;
    }
    return (TarnText){out, size};
}

static bool take_quoted(TarnText source, size_t start, size_t quote_at, bool backslash,
                        TarnArena *arena, TarnToken *token, TarnError *error) {
    char quote = source.data[quote_at];
    size_t close = 0;
    bool doubled = false;
    if (!find_close(source, quote_at, quote, backslash, &close, &doubled, error)) return false;
    token->kind = quote == '"' ? TARN_TOKEN_QUOTED : TARN_TOKEN_STRING;
    token->text = (TarnText){source.data + start, close + 1 - start};
    token->value = (TarnText){source.data + quote_at + 1, close - quote_at - 1};
    if (doubled) token->value = undouble(token->value, quote, arena);
    return true;
}

/* $tag$ .. $tag$; false without error if this is no dollar quote. */
static bool take_dollar(TarnText source, size_t start, TarnToken *token) {
    size_t tag_end = start + 1;
    while (tag_end < source.size && is_word_part(source.data[tag_end]) &&
           source.data[tag_end] != '$') {
        tag_end++;
    }
    if (tag_end >= source.size || source.data[tag_end] != '$') return false;
    size_t tag_size = tag_end + 1 - start;
    TarnText rest = {source.data + tag_end + 1, source.size - tag_end - 1};
    const char *close = memmem(rest.data, rest.size, source.data + start, tag_size);
    if (close == NULL) return false;
    token->kind = TARN_TOKEN_STRING;
    token->value = (TarnText){rest.data, (size_t)(close - rest.data)};
    token->text = (TarnText){source.data + start, token->value.size + 2 * tag_size};
    return true;
}

static size_t number_size(TarnText rest) {
    size_t i = 0;
    while (i < rest.size) {
        char c = rest.data[i];
        bool exponent_sign = (c == '+' || c == '-') && i > 0 && (rest.data[i - 1] | 32) == 'e';
        if (!(c >= '0' && c <= '9') && c != '.' && c != '_' && !is_word_start(c) &&
            !exponent_sign) {
            break;
        }
        i++;
    }
    return i;
}

static size_t symbol_size(TarnText rest) {
    static const char *const long_symbols[] = {"=>", "::", "->>", "->", "<=", ">=",
                                               "<>", "!=", "||",  ":=", "**", "//"};
    for (size_t i = 0; i < sizeof(long_symbols) / sizeof(long_symbols[0]); i++) {
        if (tarn_base_text_starts(rest, long_symbols[i])) return strlen(long_symbols[i]);
    }
    return 1;
}

static bool take_token(TarnText source, size_t at, TarnArena *arena, TarnToken *token,
                       TarnError *error) {
    TarnText rest = {source.data + at, source.size - at};
    char c = rest.data[0];
    bool escaped = (c == 'e' || c == 'E') && rest.size > 1 && rest.data[1] == '\'';
    if (c == '\'' || c == '"') return take_quoted(source, at, at, false, arena, token, error);
    if (escaped) return take_quoted(source, at, at + 1, true, arena, token, error);
    if (c == '$' && take_dollar(source, at, token)) return true;
    size_t size = 1;
    if (is_word_start(c)) {
        token->kind = TARN_TOKEN_WORD;
        while (size < rest.size && is_word_part(rest.data[size])) size++;
    } else if ((c >= '0' && c <= '9') ||
               (c == '.' && rest.size > 1 && rest.data[1] >= '0' && rest.data[1] <= '9')) {
        token->kind = TARN_TOKEN_NUMBER;
        size = number_size(rest);
    } else {
        token->kind = TARN_TOKEN_SYMBOL;
        size = symbol_size(rest);
    }
    token->text = token->value = (TarnText){rest.data, size};
    return true;
}

bool tarn_query__lex(TarnText source, TarnArena *arena, TarnTokens *tokens, TarnError *error) {
    size_t at = 0;
    *tokens = (TarnTokens){.source = source};
    for (;;) {
        if (!skip_space(source, &at, error)) return false;
        TarnToken *token = TARN_PUSH(arena, tokens);
        if (token == NULL) return tarn_base_arena_check(arena, error);
        if (at >= source.size) {
            token->text = token->value = (TarnText){source.data + source.size, 0};
            return tarn_base_arena_check(arena, error);
        }
        if (!take_token(source, at, arena, token, error)) return false;
        at += token->text.size;
    }
}

bool tarn_query__token_is(const TarnToken *token, const char *keyword) {
    return token->kind == TARN_TOKEN_WORD && token->text.size == strlen(keyword) &&
           strncasecmp(token->text.data, keyword, token->text.size) == 0;
}

bool tarn_query__token_symbol(const TarnToken *token, const char *symbol) {
    return token->kind == TARN_TOKEN_SYMBOL && tarn_base_text_is(token->text, symbol);
}

size_t tarn_query__token_offset(const TarnTokens *tokens, size_t index) {
    return (size_t)(tokens->items[index].text.data - tokens->source.data);
}
