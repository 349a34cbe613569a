/* YAML -> the tree of base/json.h, for configuration files. See yaml.h for what is accepted.
 *
 * libyaml's event parser does the notation; this file gives the events types and places and
 * refuses what makes YAML dangerous or surprising. Bytes are judged before libyaml sees them, so
 * that a bad byte has an exact place and lines end only where an editor shows an end. References
 * such as ${secret:name} get their braces replaced by two noncharacters, one code point each so
 * that columns stay, and back when the value is copied: in { } and [ ] a bare brace would end the
 * value.
 *
 * It does not expand references, merge or include anything.
 */
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/json_private.h"
#include "base/limits.h"

/* U+10FFFE and U+10FFFF in UTF-8: code points that are never characters. */
#define SHIELD_OPEN "\xF4\x8F\xBF\xBE"
#define SHIELD_CLOSE "\xF4\x8F\xBF\xBF"
#define SHIELD_BYTES 4

typedef struct Loader {
    yaml_parser_t parser;
    TarnText source;
    const char *name;
    TarnArena *arena;
    TarnError *error;
    bool shielded; /* scalars may hold shields */
    TarnJson *root;
    TarnJson *open[TARN_LIMIT_NESTING];
    uint32_t depth;
    bool has_key; /* the innermost mapping waits for the value of: */
    TarnText key;
    uint32_t key_line;
    uint32_t key_column;
    TarnJsonNames names;
} Loader;

/* ---- refusals ---- */

static bool refuse_place(Loader *loader, uint32_t line, uint32_t column, const char *message) {
    tarn_base_error_set(loader->error, TARN_E_YAML_SYNTAX, "%s", message);
    tarn_base_error_place(loader->error, loader->name, line, column);
    if (loader->name != NULL) {
        tarn_base_error_excerpt(loader->error, loader->source.data, loader->source.size);
    }
    return false;
}

static uint32_t mark_line(yaml_mark_t mark) { return (uint32_t)mark.line + 1; }
static uint32_t mark_column(yaml_mark_t mark) { return (uint32_t)mark.column + 1; }

static bool refuse(Loader *loader, yaml_mark_t mark, const char *message) {
    return refuse_place(loader, mark_line(mark), mark_column(mark), message);
}

static bool refuse_memory(Loader *loader) {
    loader->arena->failed = true;
    return tarn_base_arena_check(loader->arena, loader->error);
}

typedef struct Explanation {
    const char *problem; /* as libyaml words it */
    const char *message;
    const char *hint;
} Explanation;

static const Explanation explanations[] = {
    {"mapping values are not allowed in this context", "a \": \" where no key can stand",
     "put the value in quotes if the colon belongs to it, or check the indentation of this line "
     "and the one above"},
    {"found character that cannot start any token", "no YAML value begins with this character",
     "put the value in quotes; indent with spaces, never with tabs"},
    {"found a tab character that violates indentation", "a tab in the indentation",
     "indent with spaces"},
    {"did not find expected key", "a key must stand here",
     "check the indentation: keys of one mapping begin in the same column"},
    {"did not find expected '-' indicator", "an item of the list must begin here, with \"- \"",
     "check the indentation: items of one list begin in the same column"},
    {"could not find expected ':'", "a key without its \": \"",
     "write \"key: value\"; put a text over several lines in quotes"},
    {"did not find expected ',' or '}'", "expected \",\" or \"}\"",
     "put the value in quotes if it holds one of , [ ] { }"},
    {"did not find expected ',' or ']'", "expected \",\" or \"]\"",
     "put the value in quotes if it holds one of , [ ] { }"},
    {"found unexpected end of stream", "this text is never closed", "add the closing quote"},
    {"did not find expected <document start>", "text behind the end of the document",
     "check the indentation of this line, and that no quote closes too early"},
    {"did not find expected node content", "a value must stand here",
     "put the value in quotes if it holds one of , [ ] { }"},
    {"found unknown escape character", "no such escape in YAML",
     "in double quotes a backslash is written \\\\; single quotes take it as it is"},
};

/* libyaml's own refusal. What is never closed is shown where it was opened, not where the file
 * ends. */
static bool refuse_problem(Loader *loader) {
    const yaml_parser_t *parser = &loader->parser;
    if (parser->error == YAML_MEMORY_ERROR) return refuse_memory(loader);
    yaml_mark_t mark = parser->problem_mark;
    bool at_end = mark.index >= tarn_base_text_utf8_count(loader->source);
    if (at_end && parser->context != NULL) mark = parser->context_mark;
    const char *problem = parser->problem != NULL ? parser->problem : "text that is not YAML";
    for (size_t i = 0; i < sizeof(explanations) / sizeof(explanations[0]); i++) {
        if (strcmp(explanations[i].problem, problem) != 0) continue;
        refuse(loader, mark, explanations[i].message);
        return tarn_base_error_hint(loader->error, "%s", explanations[i].hint);
    }
    return refuse(loader, mark, problem);
}

/* ---- the bytes before libyaml ---- */

static const char *judge_code_point(int32_t c) {
    if (c < 0) return "a byte that is not UTF-8";
    if (c == '\r') return "a carriage return without a line feed";
    if ((c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7F && c < 0xA0)) {
        return "a control character";
    }
    if (c == 0x2028 || c == 0x2029) return "a Unicode line separator, which looks like a space";
    if (c == 0xFEFF) return "a byte order mark inside the text";
    if (c == 0xFFFE || c == 0xFFFF || c >= 0x10FFFE) return "a code point that is no character";
    return NULL;
}

/* The escape of a shield would be taken for one: refused like the code point itself. */
static bool is_shield_escape(TarnText text) {
    return tarn_base_text_starts(text, "\\U0010") && text.size >= 10 &&
           (strncasecmp(text.data + 6, "fffe", 4) == 0 ||
            strncasecmp(text.data + 6, "ffff", 4) == 0);
}

static bool check_bytes(Loader *loader) {
    TarnText source = loader->source;
    uint32_t line = 1;
    uint32_t column = 1;
    for (size_t at = 0; at < source.size; column++) {
        unsigned char c = (unsigned char)source.data[at];
        if (c >= 0x20 && c < 0x7F && c != '\\') {
            at++;
            continue;
        }
        TarnText rest = {source.data + at, source.size - at};
        if (tarn_base_text_starts(rest, "\r\n")) at++;
        int32_t code_point = tarn_base_text_utf8_next(source, &at);
        const char *fault = judge_code_point(is_shield_escape(rest) ? 0x10FFFE : code_point);
        if (fault != NULL) {
            const char *hint = code_point < 0 ? "save the file as UTF-8"
                                              : "remove it, or write it as an escape in quotes";
            refuse_place(loader, line, column, fault);
            return tarn_base_error_hint(loader->error, "%s", hint);
        }
        if (code_point == '\n') {
            line++;
            column = 0;
        }
    }
    return true;
}

/* Bytes of the reference "${name}" or "${kind:name}" that the text starts with; 0 if none. */
static size_t reference_size(TarnText text) {
    if (!tarn_base_text_starts(text, "${")) return 0;
    size_t at = 2;
    while (at < text.size) {
        char c = text.data[at];
        bool named = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '_' || c == '-' || c == '.' || c == ':';
        if (!named) break;
        at++;
    }
    return at > 2 && at < text.size && text.data[at] == '}' ? at + 1 : 0;
}

/* Copies the source with the braces of references replaced; leaves `out` empty if it has none. */
static bool shield_references(Loader *loader, TarnBuffer *out) {
    const char *at = loader->source.data;
    const char *end = at + loader->source.size;
    const char *dollar = at;
    while (dollar != end) {
        dollar = memchr(dollar, '$', (size_t)(end - dollar));
        if (dollar == NULL) break;
        size_t size = reference_size((TarnText){dollar, (size_t)(end - dollar)});
        if (size == 0) {
            dollar++;
            continue;
        }
        tarn_base_buffer_append(out, at, (size_t)(dollar + 1 - at));
        tarn_base_buffer_append(out, SHIELD_OPEN, SHIELD_BYTES);
        tarn_base_buffer_append(out, dollar + 2, size - 3);
        tarn_base_buffer_append(out, SHIELD_CLOSE, SHIELD_BYTES);
        dollar += size;
        at = dollar;
        loader->shielded = true;
    }
    if (loader->shielded) tarn_base_buffer_append(out, at, (size_t)(end - at));
    return !out->failed || refuse_memory(loader);
}

/* ---- scalars ---- */

static bool copy_scalar(Loader *loader, const yaml_event_t *event, TarnText *text) {
    const char *value = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    char *copy = tarn_base_arena_string_n(loader->arena, value, size);
    if (copy == NULL) return refuse_memory(loader);
    *text = (TarnText){copy, size};
    if (!loader->shielded) return true;
    size_t used = 0;
    for (size_t at = 0; at < size;) {
        bool opens = size - at >= SHIELD_BYTES && memcmp(value + at, SHIELD_OPEN, 4) == 0;
        bool closes = size - at >= SHIELD_BYTES && memcmp(value + at, SHIELD_CLOSE, 4) == 0;
        copy[used++] = opens ? '{' : closes ? '}' : value[at];
        at += opens || closes ? SHIELD_BYTES : 1;
    }
    copy[used] = '\0';
    text->size = used;
    return true;
}

static void give_type(TarnJson *node, bool plain) {
    TarnText text = node->text;
    node->kind = TARN_JSON_STRING;
    if (!plain) return;
    if (text.size == 0 || tarn_base_text_is(text, "~") || tarn_base_text_is(text, "null")) {
        node->kind = TARN_JSON_NULL;
    } else if (tarn_base_text_is(text, "true") || tarn_base_text_is(text, "false")) {
        node->kind = TARN_JSON_BOOL;
        node->boolean = text.data[0] == 't';
    } else if (tarn_base__json_number_size(text) == text.size) {
        node->kind = TARN_JSON_NUMBER;
    }
    if (node->kind == TARN_JSON_NULL || node->kind == TARN_JSON_BOOL) node->text = TARN_TEXT("");
}

static bool take_key(Loader *loader, const yaml_event_t *event) {
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (event->data.scalar.length == 0) {
        return refuse(loader, event->start_mark, "a value without a key before its \":\"");
    }
    if (!copy_scalar(loader, event, &loader->key)) return false;
    if (plain && tarn_base_text_is(loader->key, "<<")) {
        refuse(loader, event->start_mark, "merge keys (\"<<\") are not accepted");
        return tarn_base_error_hint(loader->error, "write the keys out");
    }
    loader->has_key = true;
    loader->key_line = mark_line(event->start_mark);
    loader->key_column = mark_column(event->start_mark);
    return true;
}

/* ---- the tree ---- */

static TarnJson *innermost(Loader *loader) {
    return loader->depth > 0 ? loader->open[loader->depth - 1] : NULL;
}

static bool expects_key(Loader *loader) {
    const TarnJson *parent = innermost(loader);
    return parent != NULL && parent->kind == TARN_JSON_OBJECT && !loader->has_key;
}

static TarnJson *add_node(Loader *loader, const yaml_event_t *event, TarnJsonKind kind) {
    TarnJson *node = tarn_base_json_new(loader->arena, kind);
    if (node == NULL) {
        refuse_memory(loader);
        return NULL;
    }
    node->line = mark_line(event->start_mark);
    node->column = mark_column(event->start_mark);
    TarnJson *parent = innermost(loader);
    if (parent == NULL) {
        loader->root = node;
        return node;
    }
    if (loader->has_key) {
        node->key = loader->key;
        node->key_line = loader->key_line;
        node->key_column = loader->key_column;
        loader->has_key = false;
    }
    tarn_base_json_append(parent, node);
    return node;
}

static bool open_collection(Loader *loader, const yaml_event_t *event, TarnJsonKind kind) {
    if (expects_key(loader)) {
        return refuse(loader, event->start_mark, "a key must be a text, not a list or mapping");
    }
    if (loader->depth == TARN_LIMIT_NESTING) {
        tarn_base_error_set(loader->error, TARN_E_LIMIT_EXCEEDED,
                            "YAML nested more than %d levels deep", TARN_LIMIT_NESTING);
        return tarn_base_error_place(loader->error, loader->name, mark_line(event->start_mark),
                                     mark_column(event->start_mark));
    }
    TarnJson *node = add_node(loader, event, kind);
    if (node == NULL) return false;
    loader->open[loader->depth++] = node;
    return true;
}

static bool close_mapping(Loader *loader) {
    const TarnJson *mapping = loader->open[--loader->depth];
    const TarnJson *earlier = NULL;
    const TarnJson *twice =
        tarn_base__json_duplicate(mapping, loader->arena, &loader->names, &earlier);
    if (twice == NULL) return !loader->arena->failed || refuse_memory(loader);
    char shown[TARN_JSON_SHOWN_BYTES];
    char message[TARN_JSON_SHOWN_BYTES + 80];
    snprintf(message, sizeof(message), "the key \"%s\" is given twice, first at line %u",
             tarn_base__json_show(twice->key, shown), earlier->key_line);
    return refuse_place(loader, twice->key_line, twice->key_column, message);
}

static bool check_properties(Loader *loader, const yaml_event_t *event, const yaml_char_t *anchor,
                             const yaml_char_t *tag) {
    if (anchor != NULL) {
        refuse(loader, event->start_mark, "anchors (\"&name\") are not accepted");
        return tarn_base_error_hint(loader->error, "write the value out where it is needed");
    }
    if (tag != NULL) {
        refuse(loader, event->start_mark, "tags (\"!name\") are not accepted");
        return tarn_base_error_hint(loader->error, "put a text that begins with ! in quotes");
    }
    return true;
}

static bool take_scalar(Loader *loader, const yaml_event_t *event) {
    if (!check_properties(loader, event, event->data.scalar.anchor, event->data.scalar.tag)) {
        return false;
    }
    if (expects_key(loader)) return take_key(loader, event);
    TarnJson *node = add_node(loader, event, TARN_JSON_STRING);
    if (node == NULL || !copy_scalar(loader, event, &node->text)) return false;
    give_type(node, event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE);
    return true;
}

static bool take_document(Loader *loader, const yaml_event_t *event) {
    const yaml_tag_directive_t *tags = event->data.document_start.tag_directives.start;
    if (tags != event->data.document_start.tag_directives.end) {
        return refuse(loader, event->start_mark, "tags (\"%TAG\") are not accepted");
    }
    if (loader->root == NULL) return true;
    return refuse(loader, event->start_mark, "a second document begins here; one is accepted");
}

static bool take_event(Loader *loader, const yaml_event_t *event) {
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT: return take_document(loader, event);
    case YAML_ALIAS_EVENT:
        refuse(loader, event->start_mark, "aliases (\"*name\") are not accepted");
        return tarn_base_error_hint(loader->error, "put a text that begins with * in quotes");
    case YAML_SCALAR_EVENT: return take_scalar(loader, event);
    case YAML_SEQUENCE_START_EVENT:
        return check_properties(loader, event, event->data.sequence_start.anchor,
                                event->data.sequence_start.tag) &&
               open_collection(loader, event, TARN_JSON_ARRAY);
    case YAML_MAPPING_START_EVENT:
        return check_properties(loader, event, event->data.mapping_start.anchor,
                                event->data.mapping_start.tag) &&
               open_collection(loader, event, TARN_JSON_OBJECT);
    case YAML_SEQUENCE_END_EVENT: loader->depth--; return true;
    case YAML_MAPPING_END_EVENT: return close_mapping(loader);
    case YAML_STREAM_END_EVENT:
        return loader->root != NULL || add_node(loader, event, TARN_JSON_NULL) != NULL;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT: return true;
    }
    return true;
}

static bool load_events(Loader *loader) {
    for (bool ended = false; !ended;) {
        yaml_event_t event;
        if (yaml_parser_parse(&loader->parser, &event) == 0) return refuse_problem(loader);
        bool taken = take_event(loader, &event);
        ended = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (!taken) return false;
    }
    return true;
}

bool tarn_base_yaml_parse(TarnText source, const char *name, TarnArena *arena, TarnJson **root,
                          TarnError *error) {
    *root = NULL;
    if (source.data == NULL) source = TARN_TEXT("");
    if (source.size > TARN_LIMIT_CONFIG_BYTES) {
        tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                            "a YAML file of %zu bytes is larger than the %zu accepted",
                            source.size, TARN_LIMIT_CONFIG_BYTES);
        return tarn_base_error_place(error, name, 0, 0);
    }
    if (tarn_base_text_starts(source, "\xEF\xBB\xBF")) {
        source = (TarnText){source.data + 3, source.size - 3};
    }
    Loader loader = {.source = source, .name = name, .arena = arena, .error = error};
    if (!check_bytes(&loader)) return false;
    TarnBuffer shielded;
    tarn_base_buffer_init(&shielded, source.size * 3); /* "${a}" is the densest reference */
    bool done = shield_references(&loader, &shielded);
    if (done && yaml_parser_initialize(&loader.parser) == 0) done = refuse_memory(&loader);
    if (done) {
        TarnText input = loader.shielded ? tarn_base_buffer_view(&shielded) : source;
        yaml_parser_set_encoding(&loader.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&loader.parser, (const unsigned char *)input.data,
                                     input.size);
        done = load_events(&loader);
    }
    yaml_parser_delete(&loader.parser);
    tarn_base_buffer_dispose(&shielded);
    if (done) *root = loader.root;
    return done;
}
