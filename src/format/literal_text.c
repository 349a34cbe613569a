/* Values as text for people and paths, as SQL for DuckDB, and back from text.
 *
 * SQL must give the value and the type exactly, whatever the session's settings are: every literal
 * is a typed one or a CAST of text, never a bare constant whose type DuckDB would choose. Text
 * without NUL bytes goes between quotes; NUL cannot be in SQL text, so such strings are decoded
 * from a blob. Reading text is the inverse of DuckDB's CAST(x AS VARCHAR) and of what people type.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "format/literal.h"
#include "format/literal_private.h"

/* ---- for people ---- */

static void write_base64(TarnText bytes, TarnBuffer *out) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.size; i += 3) {
        uint32_t group = 0;
        for (size_t j = 0; j < 3; j++) {
            group = group << 8 | (i + j < bytes.size ? (unsigned char)bytes.data[i + j] : 0u);
        }
        char four[4];
        for (size_t j = 0; j < 4; j++) four[j] = letters[group >> (18 - 6 * j) & 63];
        if (i + 2 >= bytes.size) four[3] = '=';
        if (i + 1 >= bytes.size) four[2] = '=';
        tarn_base_buffer_append(out, four, sizeof(four));
    }
}

static void write_real_text(TarnTypeKind kind, double value, TarnBuffer *out) {
    if (isnan(value)) {
        tarn_base_buffer_string(out, "NaN");
    } else if (isinf(value)) {
        tarn_base_buffer_string(out, value < 0 ? "-Infinity" : "Infinity");
    } else {
        tarn_format__real_write(kind, value, out);
    }
}

void tarn_format_literal_to_text(TarnPrimitive type, const TarnLiteral *literal, TarnBuffer *out) {
    if (literal->is_null) {
        tarn_base_buffer_string(out, "null");
        return;
    }
    switch (type.kind) {
    case TARN_TYPE_BOOLEAN:
        tarn_base_buffer_string(out, literal->as.boolean ? "true" : "false");
        return;
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG: tarn_base_buffer_printf(out, "%" PRId64, literal->as.integer); return;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE: write_real_text(type.kind, literal->as.real, out); return;
    case TARN_TYPE_DECIMAL:
        tarn_format__decimal_write(literal->as.decimal, type.scale, out);
        return;
    case TARN_TYPE_DATE: tarn_format__date_write(literal->as.integer, TARN_TIME_ISO, out); return;
    case TARN_TYPE_TIME: tarn_format__time_write(literal->as.integer, out); return;
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS:
        tarn_format__timestamp_write(type.kind, literal->as.integer, TARN_TIME_ISO,
                                     tarn_format__kind_has_zone(type.kind) ? "Z" : "", out);
        return;
    case TARN_TYPE_STRING: tarn_base_buffer_text(out, literal->as.bytes); return;
    case TARN_TYPE_UUID: tarn_format__uuid_write(literal->as.bytes, out); return;
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY: write_base64(literal->as.bytes, out); return;
    default:
        tarn_base_buffer_string(out, "null"); /* kinds without single values */
        return;
    }
}

/* ---- SQL ---- */

/* 'ab\x00' : printable ASCII as it is, except what would end the quotes or start an escape. */
static void write_blob_text(TarnText bytes, TarnBuffer *out) {
    tarn_base_buffer_byte(out, '\'');
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char c = (unsigned char)bytes.data[i];
        if (c < 0x20 || c >= 0x7F || c == '\'' || c == '"' || c == '\\') {
            tarn_base_buffer_printf(out, "\\x%02X", c);
        } else {
            tarn_base_buffer_byte(out, c);
        }
    }
    tarn_base_buffer_byte(out, '\'');
}

static void write_quoted_time(TarnTypeKind kind, int64_t value, TarnBuffer *out) {
    int64_t largest = kind == TARN_TYPE_DATE ? INT32_MAX : INT64_MAX;
    tarn_base_buffer_byte(out, '\'');
    if (kind == TARN_TYPE_TIME) {
        tarn_format__time_write(value, out);
    } else if (value == largest || value == -largest) {
        tarn_base_buffer_string(out, value < 0 ? "-infinity" : "infinity");
    } else if (kind == TARN_TYPE_DATE) {
        tarn_format__date_write(value, TARN_TIME_SQL, out);
    } else if (kind == TARN_TYPE_TIMESTAMPTZ_NS) {
        tarn_format__timestamp_write(TARN_TYPE_TIMESTAMPTZ, value / 1000, TARN_TIME_SQL, "+00",
                                     out);
    } else {
        tarn_format__timestamp_write(kind, value, TARN_TIME_SQL,
                                     tarn_format__kind_has_zone(kind) ? "+00" : "", out);
    }
    tarn_base_buffer_byte(out, '\'');
}

static void write_string_sql(TarnText text, TarnBuffer *out) {
    if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL) {
        tarn_base_buffer_string(out, "decode(CAST(");
        write_blob_text(text, out);
        tarn_base_buffer_string(out, " AS BLOB))");
        return;
    }
    tarn_base_buffer_string(out, "CAST(");
    tarn_base_buffer_literal(out, text);
    tarn_base_buffer_string(out, " AS VARCHAR)");
}

/* What stands between "CAST(" and " AS type)". */
static void write_cast_source(TarnPrimitive type, const TarnLiteral *literal, TarnBuffer *out) {
    switch (type.kind) {
    case TARN_TYPE_BOOLEAN:
        tarn_base_buffer_string(out, literal->as.boolean ? "true" : "false");
        return;
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG: tarn_base_buffer_printf(out, "%" PRId64, literal->as.integer); return;
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY: write_blob_text(literal->as.bytes, out); return;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
        tarn_base_buffer_byte(out, '\'');
        tarn_format__real_write(type.kind, literal->as.real, out);
        break;
    case TARN_TYPE_DECIMAL:
        tarn_base_buffer_byte(out, '\'');
        tarn_format__decimal_write(literal->as.decimal, type.scale, out);
        break;
    case TARN_TYPE_UUID:
        tarn_base_buffer_byte(out, '\'');
        tarn_format__uuid_write(literal->as.bytes, out);
        break;
    default:
        tarn_base_buffer_string(out, "NULL"); /* kinds without single values */
        return;
    }
    tarn_base_buffer_byte(out, '\'');
}

void tarn_format_literal_to_sql(TarnPrimitive type, const TarnLiteral *literal, TarnBuffer *out) {
    bool time = type.kind >= TARN_TYPE_DATE && type.kind <= TARN_TYPE_TIMESTAMPTZ_NS;
    if (!literal->is_null && time) {
        if (tarn_format__kind_has_zone(type.kind)) {
            tarn_base_buffer_string(out, "TIMESTAMPTZ");
        } else {
            tarn_format_primitive_to_sql(type, out);
        }
        tarn_base_buffer_byte(out, ' ');
        write_quoted_time(type.kind, literal->as.integer, out);
        return;
    }
    if (!literal->is_null && type.kind == TARN_TYPE_STRING) {
        write_string_sql(literal->as.bytes, out);
        return;
    }
    tarn_base_buffer_string(out, "CAST(");
    if (literal->is_null) {
        tarn_base_buffer_string(out, "NULL");
    } else {
        write_cast_source(type, literal, out);
    }
    tarn_base_buffer_string(out, " AS ");
    tarn_format_primitive_to_sql(type, out);
    tarn_base_buffer_byte(out, ')');
}

/* ---- from text ---- */

static bool parse_boolean(TarnText text, bool *value) {
    static const char *const words[] = {"false", "true", "f", "t", "0", "1", "no", "yes", "n", "y"};
    text = tarn_base_text_trim(text);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i]) != text.size || strncasecmp(words[i], text.data, text.size) != 0) {
            continue;
        }
        *value = i % 2 == 1;
        return true;
    }
    return false;
}

/* DuckDB's BLOB text: ASCII as it is, any byte as \xAB. */
static bool parse_blob(TarnText text, TarnArena *arena, TarnText *bytes) {
    char *copy = tarn_base_arena_alloc(arena, text.size + 1);
    if (copy == NULL) return false;
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] >= 0x80) return false;
        if (text.data[i] != '\\') {
            copy[size++] = text.data[i];
            continue;
        }
        if (text.size - i < 4 || text.data[i + 1] != 'x') return false;
        int high = tarn_format__hex_digit(text.data[i + 2]);
        int low = tarn_format__hex_digit(text.data[i + 3]);
        if (high < 0 || low < 0) return false;
        copy[size++] = (char)(high << 4 | low);
        i += 3;
    }
    *bytes = (TarnText){copy, size};
    return true;
}

static bool parse_bytes(TarnPrimitive type, TarnText text, TarnArena *arena, TarnText *bytes) {
    if (type.kind == TARN_TYPE_STRING) {
        char *copy = tarn_base_text_string(arena, text);
        *bytes = (TarnText){copy, text.size};
        return copy != NULL && tarn_base_text_utf8_valid(text) == text.size;
    }
    if (type.kind == TARN_TYPE_UUID) {
        unsigned char *copy = tarn_base_arena_alloc(arena, 16);
        *bytes = (TarnText){(const char *)copy, 16};
        return copy != NULL && tarn_format__uuid_parse(text, copy);
    }
    if (!parse_blob(text, arena, bytes)) return false;
    return type.kind != TARN_TYPE_FIXED || bytes->size == (size_t)type.length;
}

static bool parse_value(TarnPrimitive type, TarnText text, TarnArena *arena, TarnLiteral *literal) {
    switch (type.kind) {
    case TARN_TYPE_BOOLEAN: return parse_boolean(text, &literal->as.boolean);
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG: {
        int64_t *value = &literal->as.integer;
        if (!tarn_base_text_to_int64(tarn_base_text_trim(text), value)) return false;
        return type.kind == TARN_TYPE_LONG || (*value >= INT32_MIN && *value <= INT32_MAX);
    }
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE: return tarn_format__real_parse(type.kind, text, &literal->as.real);
    case TARN_TYPE_DECIMAL:
        return tarn_format__decimal_parse(text, type.precision, type.scale, &literal->as.decimal);
    case TARN_TYPE_DATE:
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS:
        return tarn_format__time_parse(type.kind, text, &literal->as.integer);
    case TARN_TYPE_STRING:
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY: return parse_bytes(type, text, arena, &literal->as.bytes);
    default: return false;
    }
}

bool tarn_format__refuse_text(TarnErrorCode code, TarnPrimitive type, TarnText text,
                              TarnError *error) {
    char name[TARN_FORMAT_TYPE_NAME_BYTES];
    TarnText shown = tarn_format_bound_lower((TarnPrimitive){.kind = TARN_TYPE_STRING}, text, 60);
    return tarn_base_error_set(error, code, "\"%.*s%s\" is not a value of type %s",
                               TARN_TEXT_ARG(shown), shown.size < text.size ? ".." : "",
                               tarn_format__type_name(type, name));
}

bool tarn_format_literal_from_text(TarnPrimitive type, TarnText text, TarnArena *arena,
                                   TarnLiteral *literal, TarnError *error) {
    *literal = (TarnLiteral){.kind = type.kind};
    if (parse_value(type, text, arena, literal)) return true;
    if (!tarn_base_arena_check(arena, error)) return false;
    return tarn_format__refuse_text(TARN_E_FORMAT_CORRUPT, type, text, error);
}
