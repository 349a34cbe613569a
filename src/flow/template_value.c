/* The inside of a template's tags: tokens, values, conditions.
 *
 * A recursive descent with a depth limit. Values become nodes of base/json.h with the places of
 * the file, so that config(..) is read by the same tables of keys as YAML. Conditions have
 * Jinja's meaning of truth: none, false, 0, an empty text and an empty list are false.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "flow/template_parse_private.h"

/* --- errors --- */

void tarn_flow__text_place(TarnText text, size_t offset, uint32_t *line, uint32_t *column) {
    size_t start = 0;
    if (offset > text.size) offset = text.size;
    *line = 1;
    for (size_t i = 0; i < offset; i++) {
        if (text.data[i] != '\n') continue;
        (*line)++;
        start = i + 1;
    }
    TarnText before = {text.data + start, offset - start};
    size_t valid = tarn_base_text_utf8_valid(before);
    before.size = valid;
    *column = (uint32_t)(tarn_base_text_utf8_count(before) + (offset - start - valid)) + 1;
}

bool tarn_flow__template_refuse(TarnTemplateParser *parser, size_t offset, const char *format,
                                ...) {
    char message[512];
    uint32_t line;
    uint32_t column;
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    tarn_base_error_set(parser->error, TARN_E_TEMPLATE, "%s", message);
    tarn_flow__text_place(parser->text, offset, &line, &column);
    tarn_base_error_place(parser->error, parser->options->file, line, column);
    return tarn_base_error_excerpt(parser->error, parser->text.data, parser->text.size);
}

bool tarn_flow__template_unknown(TarnTemplateParser *parser, const char *what) {
    static const char *const known[] = {"ref",    "source",         "this",
                                        "var",    "is_incremental", "config"};
    const TarnTemplateToken *token = &parser->token;
    char name[64];
    snprintf(name, sizeof(name), "%.*s", (int)(token->text.size < 60 ? token->text.size : 60),
             token->text.data);
    tarn_flow__template_refuse(parser, token->offset, "unknown %s \"%s\" in a template", what,
                               name);
    const char *near = tarn_base_text_nearest(name, known, sizeof(known) / sizeof(known[0]));
    if (near != NULL) return tarn_base_error_hint(parser->error, "did you mean \"%s\"?", near);
    return tarn_base_error_hint(parser->error, "known here: ref, source, this, var, config, "
                                               "is_incremental, {%% if %%} and {# comments #}");
}

/* --- tokens --- */

static bool is_word_byte(char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool take_string(TarnTemplateParser *parser, char quote) {
    TarnTemplateToken *token = &parser->token;
    size_t start = token->offset + 1;
    size_t end = start;
    bool escaped = false;
    while (end < parser->text.size && parser->text.data[end] != quote) {
        escaped = escaped || parser->text.data[end] == '\\';
        end += parser->text.data[end] == '\\' && end + 1 < parser->text.size ? 2 : 1;
    }
    if (end >= parser->text.size) {
        return tarn_flow__template_refuse(parser, token->offset, "a text is not closed");
    }
    token->kind = TARN_TEMPLATE_STRING;
    token->text = (TarnText){parser->text.data + start, end - start};
    token->after = end + 1;
    if (!escaped) return true;
    char *copy = tarn_base_arena_alloc(parser->arena, end - start + 1);
    if (copy == NULL) return tarn_base_arena_check(parser->arena, parser->error);
    size_t size = 0;
    for (size_t i = start; i < end; i++) {
        char c = parser->text.data[i];
        if (c == '\\' && i + 1 < end) {
            c = parser->text.data[++i];
            if (c == 'n') c = '\n';
            if (c == 't') c = '\t';
        }
        copy[size++] = c;
    }
    token->text = (TarnText){copy, size};
    return true;
}

/* "}}", "%}", and either with a dash before it. */
static bool at_tag_end(const TarnTemplateParser *parser, size_t at, size_t *size) {
    const char *close = parser->block ? "%}" : "}}";
    size_t dash = at < parser->text.size && parser->text.data[at] == '-' ? 1 : 0;
    if (at + dash + 2 > parser->text.size) return false;
    if (memcmp(parser->text.data + at + dash, close, 2) != 0) return false;
    *size = dash + 2;
    return true;
}

static void take_number(TarnTemplateParser *parser) {
    TarnText text = parser->text;
    TarnTemplateToken *token = &parser->token;
    size_t end = token->offset + 1;
    while (end < text.size && is_digit(text.data[end])) end++;
    if (end + 1 < text.size && text.data[end] == '.' && is_digit(text.data[end + 1])) {
        end++;
        while (end < text.size && is_digit(text.data[end])) end++;
    }
    token->kind = TARN_TEMPLATE_NUMBER;
    token->text = (TarnText){text.data + token->offset, end - token->offset};
    token->after = end;
}

/* `}` of a dict and the tag's `}}` look alike: the caller that has a dict open asks for its symbol
 * first (tarn_flow__template_value), so the end is only found where a tag may end. */
bool tarn_flow__template_next(TarnTemplateParser *parser) {
    TarnText text = parser->text;
    TarnTemplateToken *token = &parser->token;
    size_t at = parser->at;
    while (at < text.size && memchr(" \t\r\n", text.data[at], 4) != NULL) at++;
    *token = (TarnTemplateToken){.offset = at, .after = at};
    if (at >= text.size) {
        return tarn_flow__template_refuse(parser, parser->tag, "a %s is not closed",
                                          parser->block ? "{%" : "{{");
    }
    char c = text.data[at];
    size_t size = 1;
    if (at_tag_end(parser, at, &size)) {
        token->kind = TARN_TEMPLATE_END;
        token->after = at + size;
        token->text = (TarnText){text.data + at, size};
        return true; /* not consumed: the renderer reads the dash */
    }
    if (c == '\'' || c == '"') {
        if (!take_string(parser, c)) return false;
    } else if (is_digit(c) || (c == '-' && at + 1 < text.size && is_digit(text.data[at + 1]))) {
        take_number(parser);
    } else if (is_word_byte(c, true)) {
        size_t end = at + 1;
        while (end < text.size && is_word_byte(text.data[end], false)) end++;
        token->kind = TARN_TEMPLATE_WORD;
        token->text = (TarnText){text.data + at, end - at};
        token->after = end;
    } else {
        bool two = at + 1 < text.size && text.data[at + 1] == '=' && (c == '=' || c == '!');
        token->kind = TARN_TEMPLATE_SYMBOL;
        token->text = (TarnText){text.data + at, two ? 2 : 1};
        token->after = at + token->text.size;
    }
    parser->at = token->after;
    return true;
}

bool tarn_flow__template_is(const TarnTemplateParser *parser, const char *symbol) {
    return parser->token.kind == TARN_TEMPLATE_SYMBOL &&
           tarn_base_text_is(parser->token.text, symbol);
}

bool tarn_flow__template_is_word(const TarnTemplateParser *parser, const char *word) {
    return parser->token.kind == TARN_TEMPLATE_WORD && tarn_base_text_is(parser->token.text, word);
}

bool tarn_flow__template_expect(TarnTemplateParser *parser, const char *symbol) {
    if (tarn_flow__template_is(parser, symbol)) return tarn_flow__template_next(parser);
    return tarn_flow__template_refuse(parser, parser->token.offset, "expected \"%s\" here", symbol);
}

/* --- values --- */

static TarnJson *new_node(TarnTemplateParser *parser, TarnJsonKind kind, size_t offset) {
    TarnJson *node = tarn_base_json_new(parser->arena, kind);
    if (node != NULL) tarn_flow__text_place(parser->text, offset, &node->line, &node->column);
    return node;
}

bool tarn_flow__template_var(TarnTemplateParser *parser, int depth, const TarnJson **value) {
    size_t start = parser->token.offset;
    const TarnJson *given = NULL;
    *value = NULL;
    if (!tarn_flow__template_next(parser) || !tarn_flow__template_expect(parser, "(")) return false;
    if (parser->token.kind != TARN_TEMPLATE_STRING) {
        return tarn_flow__template_refuse(parser, parser->token.offset,
                                          "var takes a name in quotes");
    }
    const char *name = tarn_base_text_string(parser->arena, parser->token.text);
    if (!tarn_base_arena_check(parser->arena, parser->error)) return false;
    if (!tarn_flow__template_next(parser)) return false;
    if (tarn_flow__template_is(parser, ",")) {
        if (!tarn_flow__template_next(parser) ||
            !tarn_flow__template_value(parser, depth + 1, value)) {
            return false;
        }
    }
    if (!tarn_flow__template_expect(parser, ")")) return false;
    given = tarn_base_json_member(parser->options->vars, name);
    if (given == NULL && *value == NULL && parser->active) {
        tarn_flow__template_refuse(parser, start, "the variable \"%.100s\" is not set", name);
        return tarn_base_error_hint(parser->error, "give it with --var %.100s=.., or a default: "
                                                   "var('%.100s', ..)",
                                    name, name);
    }
    TarnJson *copy = given != NULL    ? tarn_base_json_copy(parser->arena, given)
                     : *value != NULL ? tarn_base_json_copy(parser->arena, *value)
                                      : tarn_base_json_new(parser->arena, TARN_JSON_NULL);
    if (copy != NULL) {
        copy->next = NULL;
        copy->key = (TarnText){NULL, 0};
        tarn_flow__text_place(parser->text, start, &copy->line, &copy->column);
    }
    *value = copy;
    return tarn_base_arena_check(parser->arena, parser->error);
}

static bool take_list(TarnTemplateParser *parser, int depth, TarnJson *list) {
    const char *close = "]";
    if (!tarn_flow__template_next(parser)) return false;
    while (!tarn_flow__template_is(parser, close)) {
        const TarnJson *item = NULL;
        if (!tarn_flow__template_value(parser, depth + 1, &item)) return false;
        tarn_base_json_append(list, (TarnJson *)(uintptr_t)item);
        if (tarn_flow__template_is(parser, close)) break;
        if (!tarn_flow__template_expect(parser, ",")) return false;
    }
    return tarn_flow__template_next(parser);
}

/* A dict's closing brace may stand right before the tag's end, where two braces look like it. */
static void split_brace(TarnTemplateParser *parser) {
    TarnTemplateToken *token = &parser->token;
    bool brace = token->kind == TARN_TEMPLATE_END && token->text.size == 2 && !parser->block;
    if (!brace) return;
    token->kind = TARN_TEMPLATE_SYMBOL;
    token->text.size = 1;
    token->after = token->offset + 1;
    parser->at = token->after;
}

static bool take_dict(TarnTemplateParser *parser, int depth, TarnJson *dict) {
    if (!tarn_flow__template_next(parser)) return false;
    split_brace(parser);
    while (!tarn_flow__template_is(parser, "}")) {
        const TarnJson *item = NULL;
        if (parser->token.kind != TARN_TEMPLATE_STRING) {
            return tarn_flow__template_refuse(parser, parser->token.offset,
                                              "a key in quotes is expected here");
        }
        const char *key = tarn_base_text_string(parser->arena, parser->token.text);
        if (!tarn_base_arena_check(parser->arena, parser->error)) return false;
        if (tarn_base_json_member(dict, key) != NULL) {
            return tarn_flow__template_refuse(parser, parser->token.offset,
                                              "the key \"%.100s\" is given twice", key);
        }
        if (!tarn_flow__template_next(parser) || !tarn_flow__template_expect(parser, ":") ||
            !tarn_flow__template_value(parser, depth + 1, &item)) {
            return false;
        }
        tarn_base_json_set(parser->arena, dict, key, (TarnJson *)(uintptr_t)item);
        split_brace(parser);
        if (tarn_flow__template_is(parser, "}")) break;
        if (!tarn_flow__template_expect(parser, ",")) return false;
        split_brace(parser);
    }
    return tarn_flow__template_next(parser);
}

static bool take_scalar(TarnTemplateParser *parser, const TarnJson **value) {
    static const char *const words[] = {"true", "True", "false", "False", "none", "None"};
    TarnTemplateToken token = parser->token;
    TarnJson *node = NULL;
    if (token.kind == TARN_TEMPLATE_STRING || token.kind == TARN_TEMPLATE_NUMBER) {
        bool text = token.kind == TARN_TEMPLATE_STRING;
        node = new_node(parser, text ? TARN_JSON_STRING : TARN_JSON_NUMBER, token.offset);
        const char *copy = tarn_base_text_string(parser->arena, token.text);
        if (node != NULL) node->text = (TarnText){copy, token.text.size};
    }
    for (size_t i = 0; node == NULL && i < 6 && token.kind == TARN_TEMPLATE_WORD; i++) {
        if (!tarn_base_text_is(token.text, words[i])) continue;
        node = new_node(parser, i < 4 ? TARN_JSON_BOOL : TARN_JSON_NULL, token.offset);
        if (node != NULL) node->boolean = i < 2;
    }
    if (!tarn_base_arena_check(parser->arena, parser->error)) return false;
    if (node == NULL) {
        if (token.kind == TARN_TEMPLATE_WORD) return tarn_flow__template_unknown(parser, "value");
        return tarn_flow__template_refuse(parser, token.offset, "a value is expected here");
    }
    *value = node;
    return tarn_flow__template_next(parser);
}

bool tarn_flow__template_value(TarnTemplateParser *parser, int depth, const TarnJson **value) {
    if (depth > TARN_TEMPLATE_NESTING_MAX) {
        return tarn_flow__template_refuse(parser, parser->token.offset,
                                          "values are nested more than %d deep",
                                          TARN_TEMPLATE_NESTING_MAX);
    }
    bool list = tarn_flow__template_is(parser, "[");
    if (list || tarn_flow__template_is(parser, "{")) {
        TarnJson *node =
            new_node(parser, list ? TARN_JSON_ARRAY : TARN_JSON_OBJECT, parser->token.offset);
        if (node == NULL) return tarn_base_arena_check(parser->arena, parser->error);
        *value = node;
        return list ? take_list(parser, depth, node) : take_dict(parser, depth, node);
    }
    if (tarn_flow__template_is_word(parser, "var")) {
        return tarn_flow__template_var(parser, depth, value);
    }
    return take_scalar(parser, value);
}

/* --- conditions --- */

static bool is_true(const TarnJson *value) {
    double number = 0;
    switch (value->kind) {
    case TARN_JSON_NULL: return false;
    case TARN_JSON_BOOL: return value->boolean;
    case TARN_JSON_NUMBER: return tarn_base_json_double(value, &number) && number != 0;
    case TARN_JSON_STRING: return value->text.size > 0;
    case TARN_JSON_ARRAY:
    case TARN_JSON_OBJECT: return value->count > 0;
    }
    return false;
}

static bool is_equal(const TarnJson *a, const TarnJson *b) {
    int64_t x;
    int64_t y;
    double p;
    double q;
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case TARN_JSON_NULL: return true;
    case TARN_JSON_BOOL: return a->boolean == b->boolean;
    case TARN_JSON_STRING: return tarn_base_text_equal(a->text, b->text);
    case TARN_JSON_NUMBER:
        if (tarn_base_json_int64(a, &x) && tarn_base_json_int64(b, &y)) return x == y;
        return tarn_base_json_double(a, &p) && tarn_base_json_double(b, &q) && p >= q && p <= q;
    case TARN_JSON_ARRAY:
    case TARN_JSON_OBJECT: return false;
    }
    return false;
}

static bool take_operand(TarnTemplateParser *parser, int depth, const TarnJson **value) {
    if (!tarn_flow__template_is_word(parser, "is_incremental")) {
        return tarn_flow__template_value(parser, depth, value);
    }
    TarnJson *node = new_node(parser, TARN_JSON_BOOL, parser->token.offset);
    if (node == NULL) return tarn_base_arena_check(parser->arena, parser->error);
    node->boolean = parser->options->incremental;
    parser->out->incremental_used = true;
    *value = node;
    return tarn_flow__template_next(parser) && tarn_flow__template_expect(parser, "(") &&
           tarn_flow__template_expect(parser, ")");
}

static bool take_comparison(TarnTemplateParser *parser, int depth, bool *holds) {
    const TarnJson *left = NULL;
    const TarnJson *right = NULL;
    if (!take_operand(parser, depth, &left)) return false;
    bool same = tarn_flow__template_is(parser, "==");
    if (!same && !tarn_flow__template_is(parser, "!=")) {
        *holds = is_true(left);
        return true;
    }
    if (!tarn_flow__template_next(parser) || !take_operand(parser, depth, &right)) return false;
    *holds = is_equal(left, right) == same;
    return true;
}

static bool take_not(TarnTemplateParser *parser, int depth, bool *holds) {
    if (depth > TARN_TEMPLATE_NESTING_MAX) {
        return tarn_flow__template_refuse(parser, parser->token.offset,
                                          "conditions are nested more than %d deep",
                                          TARN_TEMPLATE_NESTING_MAX);
    }
    if (tarn_flow__template_is_word(parser, "not")) {
        if (!tarn_flow__template_next(parser) || !take_not(parser, depth + 1, holds)) return false;
        *holds = !*holds;
        return true;
    }
    if (!tarn_flow__template_is(parser, "(")) return take_comparison(parser, depth, holds);
    return tarn_flow__template_next(parser) &&
           tarn_flow__template_condition(parser, depth + 1, holds) &&
           tarn_flow__template_expect(parser, ")");
}

static bool take_and(TarnTemplateParser *parser, int depth, bool *holds) {
    if (!take_not(parser, depth, holds)) return false;
    while (tarn_flow__template_is_word(parser, "and")) {
        bool right;
        if (!tarn_flow__template_next(parser) || !take_not(parser, depth, &right)) return false;
        *holds = *holds && right;
    }
    return true;
}

bool tarn_flow__template_condition(TarnTemplateParser *parser, int depth, bool *holds) {
    if (!take_and(parser, depth, holds)) return false;
    while (tarn_flow__template_is_word(parser, "or")) {
        bool right;
        if (!tarn_flow__template_next(parser) || !take_and(parser, depth, &right)) return false;
        *holds = *holds || right;
    }
    return true;
}
