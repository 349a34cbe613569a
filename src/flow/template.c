/* Rendering a pipeline's template: text is copied, tags are replaced, branches are taken or not.
 *
 * One pass over the source. Every piece of the result is noted with the place it comes from, so
 * that what the engine says about the SQL can be said about the file. There are no loops, macros
 * or assignments, on purpose: a pipeline is one SELECT that can be read as it stands.
 */
#include "flow/template_private.h"

#include <string.h>

#include "base/limits.h"
#include "flow/template_parse_private.h"

typedef struct Branch {
    size_t offset;      /* of its {% if */
    bool outer_active;
    bool taken; /* one of its branches was */
    bool in_else;
} Branch;

typedef struct Render {
    TarnTemplateParser parser;
    TarnBuffer sql;
    TarnJson *config;
    Branch branches[TARN_TEMPLATE_NESTING_MAX];
    size_t depth;
} Render;

/* --- output --- */

static bool begin_span(Render *render, size_t in, bool generated) {
    TarnTemplateSpan *span = TARN_PUSH(render->parser.arena, &render->parser.out->spans);
    if (span == NULL) return tarn_base_arena_check(render->parser.arena, render->parser.error);
    *span = (TarnTemplateSpan){.out = render->sql.size, .in = in, .generated = generated};
    return true;
}

static bool put_text(Render *render, size_t from, size_t to) {
    if (!render->parser.active || to <= from) return true;
    if (!begin_span(render, from, false)) return false;
    tarn_base_buffer_append(&render->sql, render->parser.text.data + from, to - from);
    return true;
}

void tarn_flow__sql_name(TarnTableName name, TarnBuffer *out) {
    TarnText deeper;
    TarnText rest;
    TarnText zone = tarn_base_text_split(tarn_base_text(name.ns), '.', &rest);
    if (rest.data != NULL) tarn_base_text_split(rest, '.', &deeper);
    if (rest.data == NULL || deeper.data == NULL) {
        tarn_catalog_name_write(name, out);
        return;
    }
    tarn_base_buffer_identifier(out, zone);
    tarn_base_buffer_byte(out, '.');
    tarn_base_buffer_identifier(out, rest); /* one schema of the engine */
    tarn_base_buffer_byte(out, '.');
    tarn_base_buffer_identifier(out, tarn_base_text(name.name));
}

static bool put_name(Render *render, TarnTableName name) {
    TarnTemplateParser *parser = &render->parser;
    if (!begin_span(render, parser->tag, true)) return false;
    tarn_flow__sql_name(name, &render->sql);
    for (size_t i = 0; i < parser->out->references.count; i++) {
        if (tarn_catalog_name_equal(parser->out->references.items[i], name)) return true;
    }
    TarnTableName *slot = TARN_PUSH(parser->arena, &parser->out->references);
    if (slot != NULL) *slot = name;
    return tarn_base_arena_check(parser->arena, parser->error);
}

/* --- {{ }} --- */

static bool take_names(TarnTemplateParser *parser, const char *call, size_t least,
                       const char *names[2], size_t *count) {
    *count = 0;
    if (!tarn_flow__template_next(parser) || !tarn_flow__template_expect(parser, "(")) return false;
    while (!tarn_flow__template_is(parser, ")")) {
        if (parser->token.kind != TARN_TEMPLATE_STRING || *count == 2) {
            return tarn_flow__template_refuse(parser, parser->token.offset,
                                              "%s takes %s in quotes", call,
                                              least == 2 ? "two names" : "one or two names");
        }
        names[(*count)++] = tarn_base_text_string(parser->arena, parser->token.text);
        if (!tarn_flow__template_next(parser)) return false;
        if (tarn_flow__template_is(parser, ")")) break;
        if (!tarn_flow__template_expect(parser, ",")) return false;
    }
    if (*count < least) {
        return tarn_flow__template_refuse(parser, parser->token.offset, "%s takes %s in quotes",
                                          call, least == 2 ? "two names" : "one or two names");
    }
    return tarn_flow__template_next(parser) && tarn_base_arena_check(parser->arena, parser->error);
}

static bool render_reference(Render *render, TarnTemplateCall call) {
    TarnTemplateParser *parser = &render->parser;
    const TarnTemplateOptions *options = parser->options;
    const char *names[2] = {NULL, NULL};
    size_t count = 0;
    TarnTableName name;
    size_t start = parser->token.offset;
    bool source = call == TARN_TEMPLATE_SOURCE;
    if (!take_names(parser, source ? "source" : "ref", source ? 2 : 1, names, &count)) return false;
    if (!parser->active) return true;
    const char *first = count == 2 ? names[0] : NULL;
    const char *second = count == 2 ? names[1] : names[0];
    if (!options->resolve(options->state, call, first, second, &name, parser->error)) {
        uint32_t line;
        uint32_t column;
        tarn_flow__text_place(parser->text, start, &line, &column);
        tarn_base_error_place(parser->error, options->file, line, column);
        return tarn_base_error_excerpt(parser->error, parser->text.data, parser->text.size);
    }
    return put_name(render, name);
}

static bool render_var(Render *render) {
    TarnTemplateParser *parser = &render->parser;
    const TarnJson *value = NULL;
    size_t start = parser->token.offset;
    if (!tarn_flow__template_var(parser, 0, &value)) return false;
    if (!parser->active) return true;
    if (value->kind == TARN_JSON_ARRAY || value->kind == TARN_JSON_OBJECT) {
        return tarn_flow__template_refuse(parser, start,
                                          "the variable is a list or a mapping: only texts, "
                                          "numbers and booleans can be put into SQL");
    }
    if (!begin_span(render, parser->tag, true)) return false;
    if (value->kind == TARN_JSON_BOOL) {
        tarn_base_buffer_string(&render->sql, value->boolean ? "true" : "false");
    } else if (value->kind == TARN_JSON_NULL) {
        tarn_base_buffer_string(&render->sql, "null");
    } else {
        tarn_base_buffer_text(&render->sql, value->text);
    }
    return true;
}

static bool render_config(Render *render) {
    TarnTemplateParser *parser = &render->parser;
    if (!tarn_flow__template_next(parser) || !tarn_flow__template_expect(parser, "(")) return false;
    while (!tarn_flow__template_is(parser, ")")) {
        TarnTemplateToken key = parser->token;
        const TarnJson *value = NULL;
        if (key.kind != TARN_TEMPLATE_WORD) {
            return tarn_flow__template_refuse(parser, key.offset,
                                              "config takes key = value, .. here");
        }
        const char *name = tarn_base_text_string(parser->arena, key.text);
        if (!tarn_base_arena_check(parser->arena, parser->error)) return false;
        if (!tarn_flow__template_next(parser) || !tarn_flow__template_expect(parser, "=") ||
            !tarn_flow__template_value(parser, 0, &value)) {
            return false;
        }
        if (parser->active) {
            if (tarn_base_json_member(render->config, name) != NULL) {
                return tarn_flow__template_refuse(parser, key.offset,
                                                  "the setting \"%.100s\" is given twice", name);
            }
            TarnJson *member = (TarnJson *)(uintptr_t)value;
            tarn_base_json_set(parser->arena, render->config, name, member);
            tarn_flow__text_place(parser->text, key.offset, &member->key_line,
                                  &member->key_column);
        }
        if (tarn_flow__template_is(parser, ")")) break;
        if (!tarn_flow__template_expect(parser, ",")) return false;
    }
    return tarn_flow__template_next(parser) && tarn_base_arena_check(parser->arena, parser->error);
}

static bool render_expression(Render *render) {
    TarnTemplateParser *parser = &render->parser;
    if (tarn_flow__template_is_word(parser, "ref")) {
        return render_reference(render, TARN_TEMPLATE_REF);
    }
    if (tarn_flow__template_is_word(parser, "source")) {
        return render_reference(render, TARN_TEMPLATE_SOURCE);
    }
    if (tarn_flow__template_is_word(parser, "var")) return render_var(render);
    if (tarn_flow__template_is_word(parser, "config")) return render_config(render);
    if (tarn_flow__template_is_word(parser, "this")) {
        parser->out->this_used = true;
        if (!tarn_flow__template_next(parser)) return false;
        if (!parser->active) return true;
        if (!begin_span(render, parser->tag, true)) return false;
        tarn_flow__sql_name(parser->options->self, &render->sql);
        return true;
    }
    if (tarn_flow__template_is_word(parser, "is_incremental")) {
        return tarn_flow__template_refuse(parser, parser->token.offset,
                                          "is_incremental() stands in {%% if is_incremental() %%}");
    }
    if (parser->token.kind == TARN_TEMPLATE_WORD) {
        return tarn_flow__template_unknown(parser, "name");
    }
    return tarn_flow__template_refuse(parser, parser->token.offset,
                                      "ref, source, this, var or config is expected here");
}

/* --- {% %} --- */

static bool begin_if(Render *render) {
    TarnTemplateParser *parser = &render->parser;
    bool holds = false;
    if (render->depth == TARN_TEMPLATE_NESTING_MAX) {
        return tarn_flow__template_refuse(parser, parser->tag, "ifs are nested more than %d deep",
                                          TARN_TEMPLATE_NESTING_MAX);
    }
    if (!tarn_flow__template_next(parser) || !tarn_flow__template_condition(parser, 0, &holds)) {
        return false;
    }
    render->branches[render->depth++] = (Branch){
        .offset = parser->tag, .outer_active = parser->active, .taken = parser->active && holds};
    parser->active = parser->active && holds;
    return true;
}

static bool next_branch(Render *render, bool is_else) {
    TarnTemplateParser *parser = &render->parser;
    const char *word = is_else ? "else" : "elif";
    if (render->depth == 0) {
        return tarn_flow__template_refuse(parser, parser->tag, "%s without an if", word);
    }
    Branch *branch = &render->branches[render->depth - 1];
    if (branch->in_else) {
        return tarn_flow__template_refuse(parser, parser->tag, "%s after else", word);
    }
    bool holds = true;
    /* A later branch is judged as if it might be taken only when it might be. */
    parser->active = branch->outer_active && !branch->taken;
    if (!tarn_flow__template_next(parser)) return false;
    if (!is_else && !tarn_flow__template_condition(parser, 0, &holds)) return false;
    parser->active = parser->active && holds;
    branch->taken = branch->taken || parser->active;
    branch->in_else = is_else;
    return true;
}

static bool end_if(Render *render) {
    TarnTemplateParser *parser = &render->parser;
    if (render->depth == 0) {
        return tarn_flow__template_refuse(parser, parser->tag, "endif without an if");
    }
    parser->active = render->branches[--render->depth].outer_active;
    return tarn_flow__template_next(parser);
}

static bool render_statement(Render *render) {
    static const char *const known[] = {"if", "elif", "else", "endif"};
    TarnTemplateParser *parser = &render->parser;
    if (tarn_flow__template_is_word(parser, "if")) return begin_if(render);
    if (tarn_flow__template_is_word(parser, "elif")) return next_branch(render, false);
    if (tarn_flow__template_is_word(parser, "else")) return next_branch(render, true);
    if (tarn_flow__template_is_word(parser, "endif")) return end_if(render);
    TarnText text = parser->token.text;
    const char *word = parser->token.kind == TARN_TEMPLATE_WORD && text.size < 64
                           ? tarn_base_text_string(parser->arena, text)
                           : "";
    tarn_flow__template_refuse(parser, parser->token.offset,
                               "unknown statement \"%s\" in a template", word != NULL ? word : "");
    const char *near = word != NULL ? tarn_base_text_nearest(word, known, 4) : NULL;
    if (near != NULL) return tarn_base_error_hint(parser->error, "did you mean \"%s\"?", near);
    return tarn_base_error_hint(parser->error, "only if, elif, else and endif are known; loops and "
                                               "macros are not");
}

/* --- the pass --- */

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static size_t skip_space(TarnText text, size_t at) {
    while (at < text.size && is_space(text.data[at])) at++;
    return at;
}

static bool render_comment(Render *render, size_t tag, size_t *next) {
    TarnTemplateParser *parser = &render->parser;
    TarnText text = parser->text;
    for (size_t i = tag + 2; i + 1 < text.size; i++) {
        if (text.data[i] != '#' || text.data[i + 1] != '}') continue;
        bool dash = i > tag + 2 && text.data[i - 1] == '-';
        *next = dash ? skip_space(text, i + 2) : i + 2;
        return true;
    }
    return tarn_flow__template_refuse(parser, tag, "a {# comment is not closed");
}

static bool render_tag(Render *render, size_t tag, size_t *next) {
    TarnTemplateParser *parser = &render->parser;
    TarnText text = parser->text;
    bool dash = tag + 2 < text.size && text.data[tag + 2] == '-';
    parser->tag = tag;
    parser->block = text.data[tag + 1] == '%';
    parser->at = tag + 2 + dash;
    if (!tarn_flow__template_next(parser)) return false;
    bool ok = parser->block ? render_statement(render) : render_expression(render);
    if (!ok) return false;
    if (parser->token.kind != TARN_TEMPLATE_END) {
        return tarn_flow__template_refuse(parser, parser->token.offset,
                                          "expected the end of the tag, \"%s\", here",
                                          parser->block ? "%}" : "}}");
    }
    bool trim = parser->token.text.data[0] == '-';
    *next = trim ? skip_space(text, parser->token.after) : parser->token.after;
    return true;
}

static bool render_all(Render *render) {
    TarnTemplateParser *parser = &render->parser;
    TarnText text = parser->text;
    size_t at = 0;
    while (at < text.size) {
        size_t tag = at;
        while (tag + 1 < text.size &&
               !(text.data[tag] == '{' && memchr("{%#", text.data[tag + 1], 3) != NULL)) {
            tag++;
        }
        if (tag + 1 >= text.size) return put_text(render, at, text.size);
        size_t end = tag;
        if (tag + 2 < text.size && text.data[tag + 2] == '-') {
            while (end > at && is_space(text.data[end - 1])) end--;
        }
        if (!put_text(render, at, end)) return false;
        bool ok = text.data[tag + 1] == '#' ? render_comment(render, tag, &at)
                                            : render_tag(render, tag, &at);
        if (!ok) return false;
    }
    return true;
}

static bool check_source(TarnTemplateParser *parser) {
    TarnText text = parser->text;
    if (text.size > TARN_LIMIT_CONFIG_BYTES) {
        return tarn_base_error_set(parser->error, TARN_E_LIMIT_EXCEEDED,
                                   "\"%s\" is larger than a pipeline may be (%zu bytes)",
                                   parser->options->file, TARN_LIMIT_CONFIG_BYTES);
    }
    size_t valid = tarn_base_text_utf8_valid(text);
    if (valid != text.size) {
        return tarn_flow__template_refuse(parser, valid, "the file is not valid UTF-8");
    }
    const char *nul = text.size > 0 ? memchr(text.data, '\0', text.size) : NULL;
    if (nul == NULL) return true;
    return tarn_flow__template_refuse(parser, (size_t)(nul - text.data),
                                      "the file holds a NUL byte");
}

bool tarn_flow__template_render(TarnText source, const TarnTemplateOptions *options,
                                TarnArena *arena, TarnTemplate *rendered, TarnError *error) {
    Render render = {.parser = {.options = options,
                                .arena = arena,
                                .out = rendered,
                                .error = error,
                                .text = source,
                                .active = true}};
    *rendered = (TarnTemplate){.file = options->file, .source = source};
    tarn_base_error_clear(error);
    render.config = tarn_base_json_new(arena, TARN_JSON_OBJECT);
    if (render.config == NULL) return tarn_base_arena_check(arena, error);
    render.config->line = render.config->column = 1;
    rendered->config = render.config;
    if (!check_source(&render.parser)) return false;
    tarn_base_buffer_init(&render.sql, TARN_LIMIT_SQL_BYTES);
    bool ok = render_all(&render);
    if (ok && render.depth > 0) {
        ok = tarn_flow__template_refuse(&render.parser, render.branches[render.depth - 1].offset,
                                        "an if has no endif");
    }
    ok = ok && tarn_base_buffer_check(&render.sql, error);
    if (ok) {
        const char *copy = tarn_base_buffer_keep(&render.sql, arena);
        rendered->sql = (TarnText){copy, render.sql.size};
        ok = tarn_base_arena_check(arena, error);
    }
    tarn_base_buffer_dispose(&render.sql);
    return ok;
}

/* --- the way back --- */

size_t tarn_flow__template_origin(const TarnTemplate *rendered, size_t offset) {
    const TarnTemplateSpan *found = NULL;
    size_t low = 0;
    size_t high = rendered->spans.count;
    while (low < high) { /* the last span that begins at or before the offset */
        size_t middle = low + (high - low) / 2;
        if (rendered->spans.items[middle].out <= offset) {
            found = &rendered->spans.items[middle];
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (found == NULL) return 0;
    size_t in = found->generated ? found->in : found->in + (offset - found->out);
    return in < rendered->source.size ? in : rendered->source.size;
}

bool tarn_flow__template_place(const TarnTemplate *rendered, TarnError *error) {
    TarnText sql = rendered->sql;
    uint32_t line = 1;
    size_t offset = 0;
    if (error->file[0] != '\0') return false; /* it points at a file already */
    if (error->line == 0) return tarn_base_error_place(error, rendered->file, 0, 0);
    while (line < error->line && offset < sql.size) line += sql.data[offset++] == '\n';
    for (uint32_t column = 1; column < error->column && offset < sql.size; column++) {
        if (sql.data[offset] == '\n' || tarn_base_text_utf8_next(sql, &offset) < 0) break;
    }
    size_t origin = tarn_flow__template_origin(rendered, offset);
    tarn_flow__text_place(rendered->source, origin, &line, &error->column);
    tarn_base_error_place(error, rendered->file, line, error->column);
    return tarn_base_error_excerpt(error, rendered->source.data, rendered->source.size);
}
