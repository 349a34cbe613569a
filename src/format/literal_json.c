/* JSON single values (Iceberg specification, appendix D): defaults in schemas, bounds in REST
 * plans.
 *
 * Most types are JSON strings; the text forms are those of literal_number.c and literal_time.c.
 * Reading is stricter about types than about spelling: decimals may come as numbers, offsets as
 * "Z" or "+00:00", hexadecimal digits in either case, but a number where a date belongs is an
 * error. Values of nested types are the table room's.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "format/literal.h"
#include "format/literal_private.h"

/* ---- writing ---- */

static void write_number(TarnPrimitive type, const TarnLiteral *literal, TarnJsonWriter *out) {
    double value = literal->as.real;
    if (isnan(value)) {
        tarn_base_json_put_string(out, "NaN");
    } else if (isinf(value)) {
        tarn_base_json_put_string(out, value < 0 ? "-Infinity" : "Infinity");
    } else {
        TarnBuffer text;
        tarn_base_buffer_init(&text, 64);
        tarn_format__real_write(type.kind, value, &text);
        tarn_base_json_put_raw(out, tarn_base_buffer_view(&text));
        tarn_base_buffer_inherit(out->out, &text);
        tarn_base_buffer_dispose(&text);
    }
}

static void write_hex(TarnText bytes, TarnBuffer *text) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char c = (unsigned char)bytes.data[i];
        tarn_base_buffer_byte(text, (uint8_t)digits[c >> 4]);
        tarn_base_buffer_byte(text, (uint8_t)digits[c & 15]);
    }
}

static void write_text(TarnPrimitive type, const TarnLiteral *literal, TarnBuffer *text) {
    if (tarn_format__kind_is_timestamp(type.kind)) {
        tarn_format__timestamp_write(type.kind, literal->as.integer, TARN_TIME_ISO,
                                     tarn_format__kind_has_zone(type.kind) ? "+00:00" : "", text);
    } else if (type.kind == TARN_TYPE_FIXED || type.kind == TARN_TYPE_BINARY) {
        write_hex(literal->as.bytes, text);
    } else {
        tarn_format_literal_to_text(type, literal, text);
    }
}

void tarn_format_literal_to_json(TarnPrimitive type, const TarnLiteral *literal,
                                 TarnJsonWriter *out) {
    if (literal->is_null) {
        tarn_base_json_put_null(out);
        return;
    }
    switch (type.kind) {
    case TARN_TYPE_BOOLEAN: tarn_base_json_put_bool(out, literal->as.boolean); return;
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG: tarn_base_json_put_int64(out, literal->as.integer); return;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE: write_number(type, literal, out); return;
    case TARN_TYPE_STRING: tarn_base_json_put_text(out, literal->as.bytes); return;
    case TARN_TYPE_DECIMAL:
    case TARN_TYPE_DATE:
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS:
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY: {
        TarnBuffer text;
        tarn_base_buffer_init(&text, out->out->limit);
        write_text(type, literal, &text);
        tarn_base_json_put_text(out, tarn_base_buffer_view(&text));
        tarn_base_buffer_inherit(out->out, &text);
        tarn_base_buffer_dispose(&text);
        return;
    }
    default:
        tarn_base_json_put_null(out); /* these kinds have no values but null */
        return;
    }
}

/* ---- reading ---- */

static bool read_hex(TarnText text, TarnArena *arena, TarnText *bytes) {
    if (text.size % 2 != 0) return false;
    char *copy = tarn_base_arena_alloc(arena, text.size / 2 + 1);
    if (copy == NULL) return false;
    for (size_t i = 0; i < text.size; i += 2) {
        int high = tarn_format__hex_digit(text.data[i]);
        int low = tarn_format__hex_digit(text.data[i + 1]);
        if (high < 0 || low < 0) return false;
        copy[i / 2] = (char)(high << 4 | low);
    }
    *bytes = (TarnText){copy, text.size / 2};
    return true;
}

/* The specification demands the offset +00:00; DuckDB's and Java's "Z" is the same instant. */
static bool has_utc_offset(TarnText text) {
    return tarn_base_text_ends(text, "+00:00") || tarn_base_text_ends(text, "Z");
}

static bool read_string(TarnPrimitive type, TarnText text, TarnArena *arena, TarnLiteral *literal,
                        TarnError *error) {
    switch (type.kind) {
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
        return tarn_format__real_parse(type.kind, text, &literal->as.real) &&
               !isfinite(literal->as.real);
    case TARN_TYPE_STRING: /* the tree's memory, not the text's source, is what lives on */
        literal->as.bytes = (TarnText){tarn_base_text_string(arena, text), text.size};
        return literal->as.bytes.data != NULL;
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY:
        return read_hex(text, arena, &literal->as.bytes) &&
               (type.kind == TARN_TYPE_BINARY || literal->as.bytes.size == (size_t)type.length);
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMPTZ_NS:
        return has_utc_offset(text) &&
               tarn_format__time_parse(type.kind, text, &literal->as.integer);
    case TARN_TYPE_DECIMAL:
    case TARN_TYPE_DATE:
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_UUID: return tarn_format_literal_from_text(type, text, arena, literal, error);
    default: return false;
    }
}

static bool read_number(TarnPrimitive type, const TarnJson *json, TarnLiteral *literal) {
    switch (type.kind) {
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG: {
        int64_t *value = &literal->as.integer;
        if (!tarn_base_json_int64(json, value)) return false;
        return type.kind == TARN_TYPE_LONG || (*value >= INT32_MIN && *value <= INT32_MAX);
    }
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE: return tarn_format__real_parse(type.kind, json->text, &literal->as.real);
    case TARN_TYPE_DECIMAL:
        return tarn_format__decimal_parse(json->text, type.precision, type.scale,
                                          &literal->as.decimal);
    default: return false;
    }
}

bool tarn_format_literal_from_json(TarnPrimitive type, const TarnJson *json, TarnArena *arena,
                                   TarnLiteral *literal, TarnError *error) {
    *literal = (TarnLiteral){.kind = type.kind};
    if (json == NULL || json->kind == TARN_JSON_NULL) {
        literal->is_null = true;
        return true;
    }
    TarnText shown = json->kind == TARN_JSON_STRING || json->kind == TARN_JSON_NUMBER
                         ? json->text
                         : json->source;
    bool valid = false;
    if (json->kind == TARN_JSON_BOOL) {
        valid = type.kind == TARN_TYPE_BOOLEAN;
        literal->as.boolean = json->boolean;
    } else if (json->kind == TARN_JSON_NUMBER) {
        valid = read_number(type, json, literal);
    } else if (json->kind == TARN_JSON_STRING) {
        valid = read_string(type, json->text, arena, literal, error);
    }
    if (valid) return true;
    if (!tarn_base_arena_check(arena, error)) return false;
    return tarn_format__refuse_text(TARN_E_METADATA_INVALID, type, shown, error);
}
