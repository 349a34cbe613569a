/* The JSON writer: a small state machine per nesting level that puts commas, colons, line ends
 * and indentation, so that no caller ever formats JSON by hand. Trees are written through it.
 *
 * What it writes, base/json.h reads back as the same tree: numbers go out as their text, strings
 * with the fewest escapes RFC 8259 allows, doubles with the fewest digits that read back as the
 * same double. Bytes that are not UTF-8 become U+FFFD, so that the output is always valid.
 * Running out of memory or nesting shows in the buffer; from then on the writer does nothing.
 */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_private.h"
#include "base/limits.h"

#define STATE_HAS_ITEMS 1
#define STATE_OBJECT 2

static_assert(sizeof(((TarnJsonWriter *)0)->state) > TARN_LIMIT_NESTING + 1,
              "the writer holds a state for each level and one for the root");

/* ---- strings ---- */

static void put_escape(TarnBuffer *out, unsigned char c) {
    static const char letters[] = "btn\vfr"; /* U+0008 to U+000D; \v has no letter */
    if (c == '"' || c == '\\') {
        char escape[2] = {'\\', (char)c};
        tarn_base_buffer_append(out, escape, 2);
    } else if (c >= 0x08 && c <= 0x0D && c != 0x0B) {
        char escape[2] = {'\\', letters[c - 0x08]};
        tarn_base_buffer_append(out, escape, 2);
    } else {
        tarn_base_buffer_printf(out, "\\u%04x", c);
    }
}

void tarn_base_json_quote(TarnBuffer *out, TarnText text) {
    if (!tarn_base_buffer_reserve(out, text.size < SIZE_MAX - 2 ? text.size + 2 : SIZE_MAX)) return;
    tarn_base_buffer_byte(out, '"');
    const char *at = text.data;
    const char *end = text.size > 0 ? text.data + text.size : at;
    while (at != end) {
        const char *stop = tarn_base__json_skip_ordinary(at, end);
        /* Valid UTF-8 beyond ASCII joins the run: one append for most of a text. */
        while (stop != end && (unsigned char)*stop >= 0x80) {
            size_t offset = 0;
            TarnText rest = {stop, (size_t)(end - stop)};
            if (tarn_base_text_utf8_next(rest, &offset) < 0) break;
            stop = tarn_base__json_skip_ordinary(stop + offset, end);
        }
        tarn_base_buffer_append(out, at, (size_t)(stop - at));
        if (stop == end) break;
        if ((unsigned char)*stop >= 0x80) {
            tarn_base_buffer_string(out, "\xEF\xBF\xBD");
        } else {
            put_escape(out, (unsigned char)*stop);
        }
        at = stop + 1;
    }
    tarn_base_buffer_byte(out, '"');
}

/* ---- commas, lines and nesting ---- */

static void put_line(TarnJsonWriter *writer) {
    if (writer->indent <= 0) return;
    static const char spaces[] = "                                ";
    size_t left = (size_t)writer->indent * writer->depth;
    tarn_base_buffer_byte(writer->out, '\n');
    while (left > 0) {
        size_t some = left < sizeof(spaces) - 1 ? left : sizeof(spaces) - 1;
        tarn_base_buffer_append(writer->out, spaces, some);
        left -= some;
    }
}

static void begin_item(TarnJsonWriter *writer) {
    uint8_t *state = &writer->state[writer->depth];
    assert(writer->depth > 0 || *state == 0); /* one root */
    if ((*state & STATE_HAS_ITEMS) != 0) tarn_base_buffer_byte(writer->out, ',');
    if (writer->depth > 0) put_line(writer);
    *state |= STATE_HAS_ITEMS;
}

/* False if the writer has failed and must stay silent. */
static bool begin_value(TarnJsonWriter *writer) {
    if (writer->out->failed) return false;
    bool in_object = (writer->state[writer->depth] & STATE_OBJECT) != 0;
    assert(in_object == writer->after_key);
    if (!in_object) begin_item(writer);
    writer->after_key = false;
    return true;
}

static void begin_container(TarnJsonWriter *writer, char opening, uint8_t state) {
    if (!begin_value(writer)) return;
    if (writer->depth == TARN_LIMIT_NESTING) {
        writer->out->failed = true;
        return;
    }
    tarn_base_buffer_byte(writer->out, (uint8_t)opening);
    writer->state[++writer->depth] = state;
}

static void end_container(TarnJsonWriter *writer, char closing, uint8_t state) {
    if (writer->out->failed) return;
    assert(writer->depth > 0 && !writer->after_key);
    uint8_t ended = writer->state[writer->depth--];
    assert((ended & STATE_OBJECT) == state);
    (void)state;
    if ((ended & STATE_HAS_ITEMS) != 0) put_line(writer);
    tarn_base_buffer_byte(writer->out, (uint8_t)closing);
}

void tarn_base_json_writer_init(TarnJsonWriter *writer, TarnBuffer *out, int indent) {
    *writer = (TarnJsonWriter){.out = out, .indent = indent};
}

void tarn_base_json_object_begin(TarnJsonWriter *writer) {
    begin_container(writer, '{', STATE_OBJECT);
}

void tarn_base_json_object_end(TarnJsonWriter *writer) { end_container(writer, '}', STATE_OBJECT); }

void tarn_base_json_array_begin(TarnJsonWriter *writer) { begin_container(writer, '[', 0); }

void tarn_base_json_array_end(TarnJsonWriter *writer) { end_container(writer, ']', 0); }

void tarn_base_json_key_text(TarnJsonWriter *writer, TarnText key) {
    if (writer->out->failed) return;
    assert((writer->state[writer->depth] & STATE_OBJECT) != 0 && !writer->after_key);
    begin_item(writer);
    tarn_base_json_quote(writer->out, key);
    tarn_base_buffer_append(writer->out, ": ", writer->indent > 0 ? 2 : 1);
    writer->after_key = true;
}

void tarn_base_json_key(TarnJsonWriter *writer, const char *key) {
    tarn_base_json_key_text(writer, tarn_base_text(key));
}

/* ---- values ---- */

void tarn_base_json_put_raw(TarnJsonWriter *writer, TarnText json) {
    if (begin_value(writer)) tarn_base_buffer_text(writer->out, json);
}

void tarn_base_json_put_null(TarnJsonWriter *writer) {
    tarn_base_json_put_raw(writer, TARN_TEXT("null"));
}

void tarn_base_json_put_bool(TarnJsonWriter *writer, bool value) {
    tarn_base_json_put_raw(writer, value ? TARN_TEXT("true") : TARN_TEXT("false"));
}

void tarn_base_json_put_int64(TarnJsonWriter *writer, int64_t value) {
    char digits[24];
    int size = snprintf(digits, sizeof(digits), "%" PRId64, value);
    tarn_base_json_put_raw(writer, (TarnText){digits, (size_t)size});
}

void tarn_base_json_put_double(TarnJsonWriter *writer, double value) {
    if (!isfinite(value)) {
        tarn_base_json_put_null(writer);
        return;
    }
    char digits[40];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, value);
        if (strtod(digits, NULL) == value) break;
    }
    /* A whole number keeps a point, so that a reader with types sees a double. */
    size_t size = strspn(digits, "-0123456789");
    if (digits[size] == '\0') {
        memcpy(digits + size, ".0", 3);
    } else if (digits[size] != 'e') {
        digits[size] = '.'; /* a host program's locale may write a comma */
    }
    tarn_base_json_put_raw(writer, tarn_base_text(digits));
}

void tarn_base_json_put_text(TarnJsonWriter *writer, TarnText value) {
    if (begin_value(writer)) tarn_base_json_quote(writer->out, value);
}

void tarn_base_json_put_string(TarnJsonWriter *writer, const char *value) {
    if (value == NULL) {
        tarn_base_json_put_null(writer);
    } else {
        tarn_base_json_put_text(writer, tarn_base_text(value));
    }
}

/* Recursion ends with the nesting: begin_container() fails the buffer, which ends the loops. */
void tarn_base_json_put_tree(TarnJsonWriter *writer, const TarnJson *value) {
    if (value == NULL) {
        tarn_base_json_put_null(writer);
        return;
    }
    const TarnJson *child = value->first;
    switch (value->kind) {
    case TARN_JSON_NULL: tarn_base_json_put_null(writer); break;
    case TARN_JSON_BOOL: tarn_base_json_put_bool(writer, value->boolean); break;
    case TARN_JSON_NUMBER:
        assert(value->text.size > 0);
        tarn_base_json_put_raw(writer, value->text);
        break;
    case TARN_JSON_STRING: tarn_base_json_put_text(writer, value->text); break;
    case TARN_JSON_ARRAY:
        tarn_base_json_array_begin(writer);
        for (; child != NULL && !writer->out->failed; child = child->next) {
            tarn_base_json_put_tree(writer, child);
        }
        tarn_base_json_array_end(writer);
        break;
    case TARN_JSON_OBJECT:
        tarn_base_json_object_begin(writer);
        for (; child != NULL && !writer->out->failed; child = child->next) {
            tarn_base_json_key_text(writer, child->key);
            tarn_base_json_put_tree(writer, child);
        }
        tarn_base_json_object_end(writer);
        break;
    }
}

void tarn_base_json_write(const TarnJson *value, int indent, TarnBuffer *out) {
    TarnJsonWriter writer;
    tarn_base_json_writer_init(&writer, out, indent);
    tarn_base_json_put_tree(&writer, value);
}
