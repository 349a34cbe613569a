/* Telling the elements of a JSON document apart, without understanding them.
 *
 * The elements of an array, or objects one after another, are found by matching brackets outside
 * of strings. What is broken is kept to itself where that is possible: a closing bracket closes
 * the nearest opening one of its kind, the array's own end ends any element, and a line's end
 * inside a string (which JSON does not allow) ends the element if an object begins there. Commas
 * between elements are passed over like white space: that there is one too many or too few
 * changes no row.
 */
#include "source/json_private.h"

#include <string.h>

#include "base/limits.h"

static bool is_space(uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/* Open brackets of one element: a bit each, set = '['. */
typedef struct Brackets {
    uint64_t bits[TARN_LIMIT_NESTING / 64];
    size_t depth;
    size_t beyond; /* brackets deeper than is kept: refused when parsed, so only counted */
} Brackets;

static bool is_list(const Brackets *brackets, size_t level) {
    return (brackets->bits[level / 64] >> (level % 64) & 1) != 0;
}

static void open_bracket(Brackets *brackets, bool list) {
    if (brackets->depth == TARN_LIMIT_NESTING) {
        brackets->beyond++;
        return;
    }
    uint64_t bit = UINT64_C(1) << (brackets->depth % 64);
    uint64_t *word = &brackets->bits[brackets->depth / 64];
    *word = list ? *word | bit : *word & ~bit;
    brackets->depth++;
}

/* false: it closes nothing of the element. */
static bool close_bracket(Brackets *brackets, bool list) {
    if (brackets->beyond > 0) {
        brackets->beyond--;
        return true;
    }
    size_t depth = brackets->depth;
    while (depth > 0 && is_list(brackets, depth - 1) != list) depth--;
    if (depth == 0) return false;
    brackets->depth = depth - 1;
    return true;
}

/* One past the string's closing quote; *broken at the line's end inside of one. size = no end. */
static size_t string_end(const uint8_t *data, size_t size, size_t at, bool *broken) {
    *broken = false;
    for (at++; at < size; at++) {
        if (data[at] == '\\') {
            at++;
        } else if (data[at] == '"') {
            return at + 1;
        } else if (data[at] == '\n') {
            *broken = true;
            return at + 1;
        }
    }
    return size + 1;
}

static bool object_follows(const uint8_t *data, size_t size, size_t at) {
    while (at < size && (is_space(data[at]) || data[at] == ',')) at++;
    return at < size && data[at] == '{';
}

static TarnElement match_brackets(const uint8_t *data, size_t size, size_t at, size_t *end) {
    Brackets brackets = {.depth = 0};
    bool broken;
    while (at < size) {
        uint8_t c = data[at];
        switch (c) {
        case '"':
            at = string_end(data, size, at, &broken);
            if (at > size) return TARN_ELEMENT_CUT;
            if (broken && object_follows(data, size, at)) {
                *end = at;
                return TARN_ELEMENT_FOUND;
            }
            continue;
        case '{':
        case '[': open_bracket(&brackets, c == '['); break;
        case '}':
        case ']':
            if (!close_bracket(&brackets, c == ']')) {
                if (c == '}') break; /* closes nothing at all */
                *end = at;           /* the array's own end */
                return TARN_ELEMENT_FOUND;
            }
            if (brackets.depth == 0) {
                *end = at + 1;
                return TARN_ELEMENT_FOUND;
            }
            break;
        default: break;
        }
        at++;
    }
    return TARN_ELEMENT_CUT;
}

static TarnElement match_scalar(const uint8_t *data, size_t size, size_t at, size_t *end) {
    bool broken;
    if (data[at] == '"') {
        *end = string_end(data, size, at, &broken);
        return *end > size ? TARN_ELEMENT_CUT : TARN_ELEMENT_FOUND;
    }
    for (*end = at + 1; *end < size; ++*end) {
        if (is_space(data[*end]) || strchr(",[]{}\"", data[*end]) != NULL) {
            return TARN_ELEMENT_FOUND;
        }
    }
    return TARN_ELEMENT_CUT;
}

size_t tarn_source__json_separators(const uint8_t *data, size_t size, size_t at, bool *in_array) {
    for (; at < size; at++) {
        uint8_t c = data[at];
        if (c == '[' && !*in_array) {
            *in_array = true;
        } else if (c == ']' && *in_array) {
            *in_array = false;
        } else if (!is_space(c) && c != ',') {
            break;
        }
    }
    return at;
}

TarnElement tarn_source__json_element(const uint8_t *data, size_t size, size_t at, size_t *end) {
    if (data[at] == '{' || data[at] == '[') return match_brackets(data, size, at, end);
    return match_scalar(data, size, at, end);
}
