/* The XML that S3 answers with.
 *
 * Idea: no tree. An element is cut out of its parent's text by name and content, and its content is
 * cut in the same way; answers of S3 are two or three levels deep. What XML can do beyond that is
 * refused: document types (and with them entities of one's own), CDATA. Attributes are skipped,
 * prefixes of names are part of them. Bytes come from a server and are hostile.
 */
#include <string.h>

#include "base/limits.h"
#include "store/s3_private.h"

static bool refuse(TarnError *error, const char *why) {
    return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                               "the object store's answer is not XML that S3 sends: %s", why);
}

static bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-' || c == '.' || c == ':';
}

typedef enum TagKind { TAG_START, TAG_END, TAG_EMPTY, TAG_OTHER } TagKind;

typedef struct Tag {
    TagKind kind;
    TarnText name;
    size_t start; /* of '<' in the text */
    size_t end;   /* behind '>' */
} Tag;

static bool find_text(TarnText text, size_t from, const char *what, size_t *at) {
    const char *found = memmem(text.data + from, text.size - from, what, strlen(what));
    if (found != NULL) *at = (size_t)(found - text.data);
    return found != NULL;
}

/* Behind the '>' that ends a tag; quoted attributes may hold one. */
static bool find_tag_end(TarnText text, size_t from, size_t *end) {
    char quote = '\0';
    for (size_t i = from; i < text.size; i++) {
        char c = text.data[i];
        if (quote != '\0') {
            if (c == quote) quote = '\0';
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '<') {
            return false;
        } else if (c == '>') {
            *end = i + 1;
            return true;
        }
    }
    return false;
}

/* A comment or a processing instruction. */
static bool read_other(TarnText text, Tag *tag, TarnError *error) {
    TarnText rest = {text.data + tag->start, text.size - tag->start};
    bool comment = tarn_base_text_starts(rest, "<!--");
    if (!comment && rest.data[1] == '!') {
        return refuse(error, "it has a document type or a CDATA section");
    }
    const char *closing = comment ? "-->" : "?>";
    size_t at;
    if (!find_text(text, tag->start + 2, closing, &at)) return refuse(error, "it ends early");
    tag->kind = TAG_OTHER;
    tag->end = at + strlen(closing);
    return true;
}

static bool read_tag(TarnText text, size_t from, Tag *tag, bool *found, TarnError *error) {
    *found = false;
    const char *open = from < text.size ? memchr(text.data + from, '<', text.size - from) : NULL;
    if (open == NULL) return true;
    *tag = (Tag){.start = (size_t)(open - text.data)};
    *found = true;
    if (tag->start + 1 >= text.size) return refuse(error, "it ends early");
    char next = text.data[tag->start + 1];
    if (next == '!' || next == '?') return read_other(text, tag, error);
    bool closing = next == '/';
    size_t at = tag->start + (closing ? 2 : 1);
    size_t begin = at;
    while (at < text.size && is_name_byte(text.data[at])) at++;
    tag->name = (TarnText){text.data + begin, at - begin};
    if (tag->name.size == 0) return refuse(error, "it has a tag without a name");
    if (!find_tag_end(text, at, &tag->end)) return refuse(error, "it has a tag without an end");
    bool empty = !closing && text.data[tag->end - 2] == '/';
    tag->kind = closing ? TAG_END : empty ? TAG_EMPTY : TAG_START;
    return true;
}

/* `start` is a start tag: finds the end tag that belongs to it. */
static bool match_end(TarnText text, const Tag *start, Tag *end, TarnError *error) {
    TarnText open[TARN_LIMIT_STORE_XML_DEPTH];
    size_t depth = 0;
    size_t at = start->end;
    open[depth++] = start->name;
    while (depth > 0) {
        bool found;
        if (!read_tag(text, at, end, &found, error)) return false;
        if (!found) return refuse(error, "an element has no end");
        at = end->end;
        if (end->kind == TAG_START) {
            if (depth == TARN_LIMIT_STORE_XML_DEPTH) return refuse(error, "it is nested deeply");
            open[depth++] = end->name;
        } else if (end->kind == TAG_END) {
            if (!tarn_base_text_equal(open[--depth], end->name)) {
                return refuse(error, "its tags do not match");
            }
        }
    }
    return true;
}

bool tarn_store__xml_next(TarnText *rest, TarnText *name, TarnText *content, bool *found,
                          TarnError *error) {
    Tag start = {.kind = TAG_OTHER};
    size_t at = 0;
    *name = *content = (TarnText){"", 0};
    while (start.kind == TAG_OTHER) {
        if (!read_tag(*rest, at, &start, found, error)) return false;
        if (!*found) return true;
        at = start.end;
    }
    if (start.kind == TAG_END) return refuse(error, "it has an end tag without a start");
    *name = start.name;
    if (start.kind == TAG_START) {
        Tag end = {.kind = TAG_OTHER};
        if (!match_end(*rest, &start, &end, error)) return false;
        *content = (TarnText){rest->data + start.end, end.start - start.end};
        at = end.end;
    }
    *rest = (TarnText){rest->data + at, rest->size - at};
    return true;
}

bool tarn_store__xml_root(TarnText document, const char *name, TarnText *content,
                          TarnError *error) {
    TarnText root;
    bool found;
    *content = (TarnText){"", 0};
    if (!tarn_store__xml_next(&document, &root, content, &found, error)) return false;
    if (!found) return refuse(error, "it has no element");
    if (name == NULL || tarn_base_text_is(root, name)) return true;
    return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                               "the object store answered with <%.*s> instead of <%s>",
                               (int)(root.size < 40 ? root.size : 40), root.data, name);
}

/* ---- text -------------------------------------------------------------------------------- */

static bool read_number(TarnText digits, int32_t *code_point) {
    bool hex = digits.size > 1 && (digits.data[0] == 'x' || digits.data[0] == 'X');
    int32_t value = 0;
    size_t i = hex ? 1 : 0;
    if (i == digits.size) return false;
    for (; i < digits.size; i++) {
        char c = digits.data[i];
        int digit = c >= '0' && c <= '9'                   ? c - '0'
                    : hex && (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                           : -1;
        if (digit < 0) return false;
        value = value * (hex ? 16 : 10) + digit;
        if (value > 0x10ffff) return false;
    }
    *code_point = value;
    return value > 0 && !(value >= 0xd800 && value < 0xe000);
}

static bool read_entity(TarnText name, int32_t *code_point) {
    static const struct {
        const char *name;
        char c;
    } named[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (!tarn_base_text_is(name, named[i].name)) continue;
        *code_point = named[i].c;
        return true;
    }
    return name.size > 1 && name.data[0] == '#' &&
           read_number((TarnText){name.data + 1, name.size - 1}, code_point);
}

bool tarn_store__xml_decode(TarnText raw, TarnArena *arena, const char **text, TarnError *error) {
    char *out = tarn_base_arena_alloc(arena, raw.size + 1);
    size_t used = 0;
    *text = out;
    if (out == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < raw.size; i++) {
        char c = raw.data[i];
        if (c == '\0' || c == '<') return refuse(error, "a text has a byte it cannot have");
        if (c != '&') {
            out[used++] = c;
            continue;
        }
        const char *end = memchr(raw.data + i, ';', raw.size - i);
        TarnText name = {raw.data + i + 1,
                         end != NULL ? (size_t)(end - raw.data) - i - 1 : 0};
        int32_t code_point;
        char bytes[4];
        if (end == NULL || !read_entity(name, &code_point)) {
            return refuse(error, "it has an entity that is not XML's own");
        }
        /* The shortest reference of a character is as long as its UTF-8: "&#9;", "&#x80;". */
        size_t size = tarn_base_text_utf8_put(code_point, bytes);
        memcpy(out + used, bytes, size);
        used += size;
        i = (size_t)(end - raw.data);
    }
    out[used] = '\0';
    if (tarn_base_text_utf8_valid((TarnText){out, used}) != used) {
        return refuse(error, "a text is not UTF-8");
    }
    return true;
}

bool tarn_store__xml_text(TarnText content, const char *name, TarnArena *arena, const char **text,
                          TarnError *error) {
    TarnText child;
    TarnText inner;
    bool found = true;
    *text = "";
    while (found) {
        if (!tarn_store__xml_next(&content, &child, &inner, &found, error)) return false;
        if (found && tarn_base_text_is(child, name)) {
            return tarn_store__xml_decode(inner, arena, text, error);
        }
    }
    return true;
}

void tarn_store__xml_escape(TarnBuffer *out, const char *text) {
    for (const char *c = text; *c != '\0'; c++) {
        switch (*c) {
        case '&': tarn_base_buffer_string(out, "&amp;"); break;
        case '<': tarn_base_buffer_string(out, "&lt;"); break;
        case '>': tarn_base_buffer_string(out, "&gt;"); break;
        default: tarn_base_buffer_byte(out, (uint8_t)*c);
        }
    }
}
