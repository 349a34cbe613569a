/* JSON text -> tree, and reading and making trees. See json.h for the contract.
 *
 * One pass over the bytes, recursion bounded by TARN_LIMIT_NESTING. Speed comes from three
 * things: strings are scanned eight bytes at a time and stay views unless they hold an escape;
 * nodes are cut from slabs instead of asked from the arena one by one; and a column costs one
 * subtraction, because `line_start` is moved on by each UTF-8 continuation byte that passes (they
 * occur inside strings only, line ends outside only). Member names are compared through a 64-bit
 * filter, and through a seeded hash table in large objects, so that no object is quadratic.
 *
 * It does not guess: what RFC 8259 does not allow is refused with its place. It does not turn
 * numbers into doubles; their text is the value.
 */
#include "base/json.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/hash.h"
#include "base/json_private.h"
#include "base/limits.h"

/* 96 bytes a node times this: the last slab of a small tree must not waste much. */
#define FIRST_SLAB_NODES 4
#define LARGEST_SLAB_NODES 128
/* Above this many members a table is cheaper than looking at the earlier ones. */
#define FILTERED_MEMBERS 32

typedef struct Parser {
    const char *at;
    const char *end;
    const char *line_start; /* column = at - line_start + 1 */
    uint32_t line;
    uint32_t depth;
    uint32_t depth_max;
    TarnJson *slab;
    size_t slab_left;
    size_t slab_nodes; /* size of the next slab */
    TarnArena *arena;
    TarnJsonNames names;
    TarnText source;
    const char *name;
    TarnError *error;
} Parser;

static bool parse_value(Parser *parser, TarnJson *value);

/* ---- refusals ---- */

/* Line and column from the beginning: only errors pay for it. A byte order mark has no width. */
static void find_place(const Parser *parser, const char *at, uint32_t *line, uint32_t *column) {
    const char *start = parser->source.data;
    if (tarn_base_text_starts(parser->source, "\xEF\xBB\xBF")) start += 3;
    *line = 1;
    for (const char *c = start; c < at; c++) {
        if (*c != '\n') continue;
        start = c + 1;
        ++*line;
    }
    TarnText before = {start, (size_t)(at - start)};
    *column = (uint32_t)tarn_base_text_utf8_count(before) + 1;
}

static bool refuse_at(Parser *parser, const char *at, const char *message) {
    uint32_t line;
    uint32_t column;
    find_place(parser, at, &line, &column);
    tarn_base_error_set(parser->error, TARN_E_JSON_SYNTAX, "%s", message);
    tarn_base_error_place(parser->error, parser->name, line, column);
    if (parser->name != NULL) {
        tarn_base_error_excerpt(parser->error, parser->source.data, parser->source.size);
    }
    return false;
}

static bool refuse(Parser *parser, const char *message) {
    return refuse_at(parser, parser->at, message);
}

static bool refuse_memory(Parser *parser) {
    parser->arena->failed = true;
    return tarn_base_arena_check(parser->arena, parser->error);
}

static bool looks_like(const Parser *parser, const char *word) {
    TarnText rest = {parser->at, (size_t)(parser->end - parser->at)};
    return tarn_base_text_starts(rest, word);
}

/* A value was expected: name the common habits of other notations. */
static bool refuse_value(Parser *parser) {
    if (parser->at == parser->end) return refuse(parser, "the text ends where a value must be");
    refuse(parser, "no JSON value begins here");
    if (*parser->at == '\'') {
        tarn_base_error_hint(parser->error, "JSON texts stand in double quotes");
    } else if (looks_like(parser, "NaN") || looks_like(parser, "Infinity")) {
        tarn_base_error_hint(parser->error, "JSON has no NaN or Infinity: write null or a text");
    } else if (looks_like(parser, "True") || looks_like(parser, "False") ||
               looks_like(parser, "None")) {
        tarn_base_error_hint(parser->error, "JSON spells it true, false and null");
    } else if (*parser->at == '/' || *parser->at == '#') {
        tarn_base_error_hint(parser->error, "JSON has no comments");
    } else if (*parser->at == ']' || *parser->at == '}') {
        tarn_base_error_hint(parser->error, "remove the comma before it, or add the value");
    } else if (*parser->at == '+' || *parser->at == '.') {
        tarn_base_error_hint(parser->error, "JSON numbers begin with a digit or a minus sign");
    }
    return false;
}

char *tarn_base__json_show(TarnText text, char out[TARN_JSON_SHOWN_BYTES]) {
    size_t at = 0;
    size_t used = 0;
    for (int shown = 0; at < text.size; shown++) {
        if (shown == 60) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        int32_t c = tarn_base_text_utf8_next(text, &at);
        if (c < 0) at++;
        bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
        used += tarn_base_text_utf8_put(control ? '?' : c, out + used);
    }
    out[used] = '\0';
    return out;
}

/* ---- unique member names ---- */

static unsigned name_bit(TarnText key) {
    if (key.size == 0) return 0;
    unsigned first = (unsigned char)key.data[0];
    unsigned last = (unsigned char)key.data[key.size - 1];
    unsigned middle = (unsigned char)key.data[key.size / 2];
    return (unsigned)(first * 5 + middle * 3 + last * 11 + key.size * 7) & 63;
}

/* Most objects have few members and all of them differ: one bit a name says so. */
static const TarnJson *find_duplicate_filtered(const TarnJson *object, const TarnJson **earlier) {
    uint64_t seen = 0;
    for (const TarnJson *child = object->first; child != NULL; child = child->next) {
        uint64_t bit = UINT64_C(1) << name_bit(child->key);
        if ((seen & bit) == 0) {
            seen |= bit;
            continue;
        }
        for (const TarnJson *other = object->first; other != child; other = other->next) {
            if (!tarn_base_text_equal(other->key, child->key)) continue;
            *earlier = other;
            return child;
        }
    }
    return NULL;
}

const TarnJson *tarn_base__json_duplicate(const TarnJson *object, TarnArena *arena,
                                          TarnJsonNames *names, const TarnJson **earlier) {
    if (object->count <= FILTERED_MEMBERS) return find_duplicate_filtered(object, earlier);
    size_t wanted = 2 * FILTERED_MEMBERS;
    while (wanted < (size_t)object->count * 2) wanted *= 2;
    if (names->capacity < wanted) {
        names->slots = TARN_NEW_ARRAY(arena, wanted, const TarnJson *);
        names->capacity = names->slots != NULL ? wanted : 0;
        if (names->slots == NULL) return NULL;
    } else {
        memset(names->slots, 0, wanted * sizeof(names->slots[0]));
    }
    /* The address is the seed: colliding names cannot be prepared without knowing it. */
    uint64_t seed = (uint64_t)(uintptr_t)names->slots * UINT64_C(0x9E3779B97F4A7C15);
    for (const TarnJson *child = object->first; child != NULL; child = child->next) {
        size_t i = tarn_base_hash64(child->key.data, child->key.size, seed) & (wanted - 1);
        for (; names->slots[i] != NULL; i = (i + 1) & (wanted - 1)) {
            if (!tarn_base_text_equal(names->slots[i]->key, child->key)) continue;
            *earlier = names->slots[i];
            return child;
        }
        names->slots[i] = child;
    }
    return NULL;
}

static bool check_names(Parser *parser, const TarnJson *object) {
    const TarnJson *earlier = NULL;
    const TarnJson *twice =
        tarn_base__json_duplicate(object, parser->arena, &parser->names, &earlier);
    if (twice == NULL) return !parser->arena->failed || refuse_memory(parser);
    char shown[TARN_JSON_SHOWN_BYTES];
    tarn_base_error_set(parser->error, TARN_E_JSON_SYNTAX,
                        "the member \"%s\" is given twice, first at line %u column %u",
                        tarn_base__json_show(twice->key, shown), earlier->key_line,
                        earlier->key_column);
    tarn_base_error_place(parser->error, parser->name, twice->key_line, twice->key_column);
    if (parser->name != NULL) {
        tarn_base_error_excerpt(parser->error, parser->source.data, parser->source.size);
    }
    return false;
}

/* ---- tokens ---- */

static void skip_space_slow(Parser *parser) {
    const char *at = parser->at;
    const char *end = parser->end;
    while (at != end) {
        if (*at == '\n') {
            parser->line++;
            parser->line_start = ++at;
            while (end - at >= 8 && tarn_base__json_word(at) == TARN_JSON_EACH_BYTE * ' ') at += 8;
        } else if (*at == ' ' || *at == '\t' || *at == '\r') {
            at++;
        } else {
            break;
        }
    }
    parser->at = at;
}

static inline void skip_space(Parser *parser) {
    if (parser->at != parser->end && (unsigned char)*parser->at <= ' ') skip_space_slow(parser);
}

static inline uint32_t column_of(const Parser *parser, const char *at) {
    return (uint32_t)(at - parser->line_start) + 1;
}

static TarnJson *new_node(Parser *parser) {
    if (parser->slab_left == 0) {
        parser->slab = TARN_NEW_ARRAY(parser->arena, parser->slab_nodes, TarnJson);
        if (parser->slab == NULL) return NULL;
        parser->slab_left = parser->slab_nodes;
        if (parser->slab_nodes < LARGEST_SLAB_NODES) parser->slab_nodes *= 2;
    }
    parser->slab_left--;
    return parser->slab++;
}

/* ---- strings ---- */

static bool take_hex4(const char **at, const char *end, uint32_t *value) {
    if (end - *at < 4) return false;
    *value = 0;
    for (int i = 0; i < 4; i++, ++*at) {
        char c = **at;
        uint32_t digit;
        if (c >= '0' && c <= '9') {
            digit = (uint32_t)(c - '0');
        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            digit = (uint32_t)((c | 0x20) - 'a' + 10);
        } else {
            return false;
        }
        *value = *value << 4 | digit;
    }
    return true;
}

/* At the 'u' of an escape; moves past it, and past the second half of a pair. */
static bool decode_unicode(Parser *parser, const char **at, const char *end, int32_t *code) {
    const char *escape = *at - 1;
    uint32_t high;
    uint32_t low = 0;
    ++*at;
    if (!take_hex4(at, end, &high)) {
        return refuse_at(parser, escape, "\\u must be followed by four hexadecimal digits");
    }
    *code = (int32_t)high;
    if (high < 0xD800 || high > 0xDFFF) return true;
    bool paired = high < 0xDC00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u';
    if (paired) {
        *at += 2;
        paired = take_hex4(at, end, &low) && low >= 0xDC00 && low <= 0xDFFF;
    }
    if (!paired) return refuse_at(parser, escape, "half of a surrogate pair stands alone");
    *code = (int32_t)(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
    return true;
}

/* raw: what stands between the quotes, already scanned. Decoding never makes it longer. */
static bool decode_escapes(Parser *parser, TarnText raw, TarnText *text) {
    char *out = tarn_base_arena_alloc(parser->arena, raw.size);
    if (out == NULL) return refuse_memory(parser);
    const char *at = raw.data;
    const char *end = raw.data + raw.size;
    size_t size = 0;
    while (at != end) {
        const char *slash = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((slash != NULL ? slash : end) - at);
        memcpy(out + size, at, plain);
        size += plain;
        at += plain;
        if (slash == NULL) break;
        at++;
        switch (*at) { /* there is a byte: scan_string() took both */
        case '"':
        case '\\':
        case '/': out[size++] = *at++; break;
        case 'b': out[size++] = '\b', at++; break;
        case 'f': out[size++] = '\f', at++; break;
        case 'n': out[size++] = '\n', at++; break;
        case 'r': out[size++] = '\r', at++; break;
        case 't': out[size++] = '\t', at++; break;
        case 'u': {
            int32_t code = 0;
            if (!decode_unicode(parser, &at, end, &code)) return false;
            size += tarn_base_text_utf8_put(code, out + size);
            break;
        }
        default: return refuse_at(parser, at - 1, "no such escape in JSON");
        }
    }
    *text = (TarnText){out, size};
    return true;
}

/* The bytes that stop the fast scan. Leaves *at behind them; *escaped says if it was one. */
static bool scan_special(Parser *parser, const char *opening, const char **at, bool *escaped) {
    const char *end = parser->end;
    if (*at == end) return refuse_at(parser, opening, "this text is never closed");
    unsigned char c = (unsigned char)**at;
    if (c == '\\') {
        *escaped = true;
        if (end - *at < 2) return refuse_at(parser, opening, "this text is never closed");
        /* An escaped byte beyond ASCII or a control byte is left for the scan to judge. */
        *at += (unsigned char)(*at)[1] >= 0x20 && (unsigned char)(*at)[1] < 0x80 ? 2 : 1;
        return true;
    }
    if (c < 0x20) {
        refuse_at(parser, *at, "a text holds a control character");
        return tarn_base_error_hint(parser->error,
                                    c == '\n' ? "close the quote on its line, or write \\n"
                                              : "write it as an escape, such as \\t or \\u0000");
    }
    size_t offset = 0;
    TarnText rest = {*at, (size_t)(end - *at)};
    if (tarn_base_text_utf8_next(rest, &offset) < 0) {
        return refuse_at(parser, *at, "a byte that is not UTF-8");
    }
    parser->line_start += offset - 1;
    *at += offset;
    return true;
}

/* At the opening quote. */
static bool parse_string(Parser *parser, TarnText *text) {
    const char *opening = parser->at;
    const char *at = opening + 1;
    bool escaped = false;
    for (;;) {
        at = tarn_base__json_skip_ordinary(at, parser->end);
        if (at != parser->end && *at == '"') break;
        if (!scan_special(parser, opening, &at, &escaped)) return false;
    }
    parser->at = at + 1;
    *text = (TarnText){opening + 1, (size_t)(at - opening - 1)};
    return !escaped || decode_escapes(parser, *text, text);
}

/* ---- numbers and words ---- */

static inline bool is_digit(const char *at, const char *end) {
    return at != end && *at >= '0' && *at <= '9';
}

size_t tarn_base__json_number_size(TarnText text) {
    const char *at = text.data;
    const char *end = text.data + text.size;
    if (at != end && *at == '-') at++;
    if (!is_digit(at, end)) return 0;
    if (*at == '0') {
        at++;
    } else {
        while (is_digit(at, end)) at++;
    }
    if (at != end && *at == '.') {
        if (!is_digit(++at, end)) return 0;
        while (is_digit(at, end)) at++;
    }
    if (at != end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at != end && (*at == '+' || *at == '-')) at++;
        if (!is_digit(at, end)) return 0;
        while (is_digit(at, end)) at++;
    }
    return (size_t)(at - text.data);
}

static bool parse_number(Parser *parser, TarnJson *value) {
    TarnText rest = {parser->at, (size_t)(parser->end - parser->at)};
    size_t size = tarn_base__json_number_size(rest);
    if (size == 0) return refuse(parser, "a minus sign, point or exponent without its digits");
    if (is_digit(parser->at + size, parser->end)) { /* the grammar ends after a leading zero only */
        return refuse(parser, "a number with a leading zero");
    }
    value->kind = TARN_JSON_NUMBER;
    value->text = (TarnText){parser->at, size};
    parser->at += size;
    return true;
}

static bool parse_word(Parser *parser, TarnJson *value) {
    if (looks_like(parser, "true")) {
        value->kind = TARN_JSON_BOOL;
        value->boolean = true;
        parser->at += 4;
    } else if (looks_like(parser, "false")) {
        value->kind = TARN_JSON_BOOL;
        parser->at += 5;
    } else if (looks_like(parser, "null")) {
        parser->at += 4;
    } else {
        return refuse_value(parser);
    }
    return true;
}

/* ---- arrays and objects ---- */

static void link_child(TarnJson *parent, TarnJson *child) {
    if (parent->last != NULL) {
        parent->last->next = child;
    } else {
        parent->first = child;
    }
    parent->last = child;
    parent->count++;
}

static bool enter(Parser *parser) {
    if (parser->depth == parser->depth_max) {
        tarn_base_error_set(parser->error, TARN_E_LIMIT_EXCEEDED,
                            "JSON nested more than %u levels deep", parser->depth_max);
        return tarn_base_error_place(parser->error, parser->name, parser->line,
                                     column_of(parser, parser->at));
    }
    parser->depth++;
    parser->at++;
    skip_space(parser);
    return true;
}

/* After a child: true if another follows, *closed if the parent ended, neither on refusal. */
static bool take_comma(Parser *parser, char closing, const char *opening, bool *closed) {
    skip_space(parser);
    if (parser->at == parser->end) {
        return refuse_at(parser, opening, closing == ']' ? "this array is never closed"
                                                         : "this object is never closed");
    }
    char c = *parser->at;
    if (c == ',') {
        parser->at++;
        skip_space(parser);
        return true;
    }
    if (c != closing) {
        return refuse(parser, closing == ']' ? "expected \",\" or \"]\" after a value"
                                             : "expected \",\" or \"}\" after a member");
    }
    parser->at++;
    *closed = true;
    return false;
}

static bool parse_array(Parser *parser, TarnJson *array) {
    const char *opening = parser->at;
    array->kind = TARN_JSON_ARRAY;
    if (!enter(parser)) return false;
    bool closed = parser->at != parser->end && *parser->at == ']';
    if (closed) parser->at++;
    while (!closed) {
        if (parser->at == parser->end) {
            return refuse_at(parser, opening, "this array is never closed");
        }
        TarnJson *child = new_node(parser);
        if (child == NULL) return refuse_memory(parser);
        if (!parse_value(parser, child)) return false;
        link_child(array, child);
        if (!take_comma(parser, ']', opening, &closed) && !closed) return false;
    }
    parser->depth--;
    return true;
}

static bool parse_member_name(Parser *parser, TarnJson *member, const char *opening) {
    if (parser->at == parser->end) {
        return refuse_at(parser, opening, "this object is never closed");
    }
    if (*parser->at != '"') {
        refuse(parser, "a member's name must stand here, in double quotes");
        if (*parser->at == '}') tarn_base_error_hint(parser->error, "remove the comma before it");
        return false;
    }
    member->key_line = parser->line;
    member->key_column = column_of(parser, parser->at);
    if (!parse_string(parser, &member->key)) return false;
    skip_space(parser);
    if (parser->at == parser->end || *parser->at != ':') {
        return refuse(parser, "expected \":\" after a member's name");
    }
    parser->at++;
    skip_space(parser);
    return true;
}

static bool parse_object(Parser *parser, TarnJson *object) {
    const char *opening = parser->at;
    object->kind = TARN_JSON_OBJECT;
    if (!enter(parser)) return false;
    bool closed = parser->at != parser->end && *parser->at == '}';
    if (closed) parser->at++;
    while (!closed) {
        TarnJson *child = new_node(parser);
        if (child == NULL) return refuse_memory(parser);
        if (!parse_member_name(parser, child, opening)) return false;
        if (!parse_value(parser, child)) return false;
        link_child(object, child);
        if (!take_comma(parser, '}', opening, &closed) && !closed) return false;
    }
    parser->depth--;
    return object->count < 2 || check_names(parser, object);
}

/* White space before it is skipped already. */
static bool parse_value(Parser *parser, TarnJson *value) {
    const char *start = parser->at;
    if (start == parser->end) return refuse_value(parser);
    value->line = parser->line;
    value->column = column_of(parser, start);
    bool done;
    switch (*start) {
    case '"':
        value->kind = TARN_JSON_STRING;
        done = parse_string(parser, &value->text);
        break;
    case '{': done = parse_object(parser, value); break;
    case '[': done = parse_array(parser, value); break;
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9': done = parse_number(parser, value); break;
    default: done = parse_word(parser, value); break;
    }
    value->source = (TarnText){start, (size_t)(parser->at - start)};
    return done;
}

static bool parse_source(TarnText source, const char *name, uint32_t depth_max, TarnArena *arena,
                         TarnJson **root, TarnError *error) {
    *root = NULL;
    if (source.data == NULL) source = TARN_TEXT("");
    if (source.size > UINT32_MAX) { /* places and counts are 32 bits wide */
        tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                            "a JSON text of %zu bytes is larger than 4 GB", source.size);
        return tarn_base_error_place(error, name, 0, 0);
    }
    Parser parser = {.at = source.data,
                     .end = source.data + source.size,
                     .line_start = source.data,
                     .line = 1,
                     .slab_nodes = FIRST_SLAB_NODES,
                     .depth_max = depth_max,
                     .arena = arena,
                     .source = source,
                     .name = name,
                     .error = error};
    if (looks_like(&parser, "\xEF\xBB\xBF")) { /* RFC 8259 section 8.1 lets a parser ignore it */
        parser.at += 3;
        parser.line_start += 3;
    }
    TarnJson *value = new_node(&parser);
    if (value == NULL) return refuse_memory(&parser);
    skip_space(&parser);
    if (!parse_value(&parser, value)) return false;
    skip_space(&parser);
    if (parser.at != parser.end) {
        return refuse(&parser, "the JSON value has ended and more text follows");
    }
    *root = value;
    return true;
}

bool tarn_base_json_parse(TarnText source, const char *name, TarnArena *arena, TarnJson **root,
                          TarnError *error) {
    return parse_source(source, name, TARN_LIMIT_NESTING, arena, root, error);
}

bool tarn_base_json_parse_deep(TarnText source, uint32_t depth_max, TarnArena *arena,
                               TarnJson **root, TarnError *error) {
    return parse_source(source, NULL, depth_max, arena, root, error);
}

/* ---- reading ---- */

const TarnJson *tarn_base_json_member(const TarnJson *object, const char *key) {
    if (object == NULL || object->kind != TARN_JSON_OBJECT) return NULL;
    TarnText wanted = tarn_base_text(key);
    for (const TarnJson *child = object->first; child != NULL; child = child->next) {
        if (tarn_base_text_equal(child->key, wanted)) return child;
    }
    return NULL;
}

const TarnJson *tarn_base_json_at(const TarnJson *array, size_t index) {
    if (array == NULL || array->kind != TARN_JSON_ARRAY || index >= array->count) return NULL;
    const TarnJson *child = array->first;
    while (index-- > 0) child = child->next;
    return child;
}

/* 1.0 and 17e2 are integers that some writers (Lua, Go) spell so. Exact, without doubles: the
 * digits before the shifted point make the value, those behind it must be zeros. */
static bool read_integral(TarnText text, int64_t *out) {
    size_t at = text.data[0] == '-' ? 1 : 0;
    size_t point = text.size;
    size_t mantissa_end = text.size;
    int64_t exponent = 0;
    for (size_t i = at; i < text.size; i++) {
        if (text.data[i] == '.') point = i;
        if ((text.data[i] | 0x20) != 'e') continue;
        mantissa_end = i;
        size_t sign = text.data[i + 1] == '+' ? 2 : 1;
        TarnText digits = {text.data + i + sign, text.size - i - sign};
        if (!tarn_base_text_to_int64(digits, &exponent)) return false;
        break;
    }
    if (point > mantissa_end) point = mantissa_end;
    if (exponent > 400 || exponent < -400) return false; /* beyond a double as well */
    int64_t whole_left = (int64_t)(point - at) + exponent; /* digits before the shifted point */
    int64_t value = 0; /* kept negative: the range below zero is the wider one */
    for (; at < mantissa_end || whole_left > 0; at++) {
        if (at == point && at < mantissa_end) continue;
        int digit = at < mantissa_end ? text.data[at] - '0' : 0;
        if (whole_left <= 0 && digit != 0) return false;
        if (whole_left-- <= 0) continue;
        if (__builtin_mul_overflow(value, 10, &value)) return false;
        if (__builtin_sub_overflow(value, digit, &value)) return false;
    }
    if (text.data[0] != '-' && value == INT64_MIN) return false;
    *out = text.data[0] == '-' ? value : -value;
    return true;
}

bool tarn_base_json_int64(const TarnJson *value, int64_t *out) {
    if (value == NULL || value->kind != TARN_JSON_NUMBER || value->text.size == 0) return false;
    return tarn_base_text_to_int64(value->text, out) || read_integral(value->text, out);
}

bool tarn_base_json_double(const TarnJson *value, double *out) {
    double number;
    if (value == NULL || value->kind != TARN_JSON_NUMBER) return false;
    if (!tarn_base_text_to_double(value->text, &number) || !isfinite(number)) return false;
    *out = number;
    return true;
}

bool tarn_base_json_bool(const TarnJson *value, bool *out) {
    if (value == NULL || value->kind != TARN_JSON_BOOL) return false;
    *out = value->boolean;
    return true;
}

bool tarn_base_json_text(const TarnJson *value, TarnText *out) {
    if (value == NULL || value->kind != TARN_JSON_STRING) return false;
    *out = value->text;
    return true;
}

TarnText tarn_base_json_member_text(const TarnJson *object, const char *key) {
    TarnText text;
    bool known = tarn_base_json_text(tarn_base_json_member(object, key), &text);
    return known ? text : TARN_TEXT("");
}

const char *tarn_base_json_string(const TarnJson *value, TarnArena *arena) {
    TarnText text;
    if (!tarn_base_json_text(value, &text)) return NULL;
    if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL) return NULL;
    return tarn_base_text_string(arena, text);
}

/* ---- making ---- */

TarnJson *tarn_base_json_new(TarnArena *arena, TarnJsonKind kind) {
    TarnJson *value = TARN_NEW(arena, TarnJson);
    if (value != NULL) value->kind = kind;
    return value;
}

TarnJson *tarn_base_json_new_string(TarnArena *arena, TarnText text) {
    TarnJson *value = tarn_base_json_new(arena, TARN_JSON_STRING);
    char *copy = tarn_base_text_string(arena, text);
    if (value == NULL || copy == NULL) return NULL;
    value->text = (TarnText){copy, text.size};
    return value;
}

TarnJson *tarn_base_json_new_int64(TarnArena *arena, int64_t value) {
    TarnJson *number = tarn_base_json_new(arena, TARN_JSON_NUMBER);
    const char *digits = tarn_base_arena_printf(arena, "%lld", (long long)value);
    if (number == NULL || digits == NULL) return NULL;
    number->text = tarn_base_text(digits);
    return number;
}

TarnJson *tarn_base_json_new_bool(TarnArena *arena, bool value) {
    TarnJson *boolean = tarn_base_json_new(arena, TARN_JSON_BOOL);
    if (boolean != NULL) boolean->boolean = value;
    return boolean;
}

TarnJson *tarn_base_json_copy(TarnArena *arena, const TarnJson *value) {
    if (value == NULL) return NULL;
    TarnJson *copy = TARN_NEW(arena, TarnJson);
    if (copy == NULL) return NULL;
    *copy = *value;
    copy->next = NULL;
    return copy;
}

void tarn_base_json_append(TarnJson *array, TarnJson *child) {
    if (array != NULL && child != NULL) link_child(array, child);
}

void tarn_base_json_set(TarnArena *arena, TarnJson *object, const char *key, TarnJson *child) {
    if (object == NULL || child == NULL) return;
    const char *copy = tarn_base_arena_string(arena, key);
    if (copy == NULL) return;
    child->key = tarn_base_text(copy);
    TarnJson *before = NULL;
    for (TarnJson *old = object->first; old != NULL; before = old, old = old->next) {
        if (!tarn_base_text_equal(old->key, child->key)) continue;
        child->next = old->next;
        if (before != NULL) {
            before->next = child;
        } else {
            object->first = child;
        }
        if (object->last == old) object->last = child;
        old->next = NULL;
        return;
    }
    link_child(object, child);
}
