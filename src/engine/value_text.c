/* A value as DuckDB's CAST(.. AS VARCHAR) writes it.
 *
 * Purpose: tables, CSV and Markdown show values the way SQL would, without a second statement to
 * cast every column. The rules are DuckDB 1.5's, and the unit test compares them with its own
 * casts over generated values of every type.
 * Idea: a value is appended to the buffer; inside a list, struct or map a text that could be
 * misread is then quoted where it stands. Elements of fixed-size arrays and of lists of JSON are
 * never quoted, nor are nested values: that is how DuckDB has it.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "engine/engine_private.h"

static bool kind_is_nested(TarnEngineKind kind) {
    return kind == TARN_ENGINE_LIST || kind == TARN_ENGINE_ARRAY || kind == TARN_ENGINE_MAP ||
           kind == TARN_ENGINE_STRUCT || kind == TARN_ENGINE_UNION;
}

static void write_blob(TarnText bytes, TarnBuffer *out) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        if (byte >= 32 && byte <= 126 && byte != '\\' && byte != '\'' && byte != '"') {
            tarn_base_buffer_byte(out, byte);
        } else {
            char escape[4] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
            tarn_base_buffer_append(out, escape, sizeof(escape));
        }
    }
}

/* The first byte tells how many of the bits that follow are padding. */
static void write_bits(TarnText bytes, TarnBuffer *out) {
    if (bytes.size < 2) return;
    size_t padding = (unsigned char)bytes.data[0];
    size_t bits = (bytes.size - 1) * 8;
    for (size_t i = padding; i < bits; i++) {
        unsigned char byte = (unsigned char)bytes.data[1 + i / 8];
        tarn_base_buffer_byte(out, byte >> (7 - i % 8) & 1 ? '1' : '0');
    }
}

static void write_uuid(const TarnEngineInt128 *value, TarnBuffer *out) {
    uint64_t upper = (uint64_t)value->upper ^ UINT64_C(1) << 63;
    tarn_base_buffer_printf(out, "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64
                                 "-%012" PRIx64,
                            upper >> 32, upper >> 16 & 0xFFFF, upper & 0xFFFF,
                            value->lower >> 48, value->lower & UINT64_C(0xFFFFFFFFFFFF));
}

static void write_int64(int64_t value, TarnBuffer *out) {
    tarn_base_buffer_printf(out, "%" PRId64, value);
}

static void write_number(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out) {
    char text[TARN_ENGINE_NUMBER_BYTES];
    size_t size = 0;
    int64_t integer;
    switch (vector->type->kind) {
    case TARN_ENGINE_FLOAT:
        size = tarn_engine__float_write(((const float *)vector->data)[row], text);
        break;
    case TARN_ENGINE_DOUBLE:
        size = tarn_engine__double_write(((const double *)vector->data)[row], text);
        break;
    case TARN_ENGINE_HUGEINT:
    case TARN_ENGINE_UHUGEINT:
        size = tarn_engine__int128_write(((const TarnEngineInt128 *)vector->data)[row],
                                         vector->type->kind == TARN_ENGINE_UHUGEINT, text);
        break;
    case TARN_ENGINE_UBIGINT:
        tarn_base_buffer_printf(out, "%" PRIu64, ((const uint64_t *)vector->data)[row]);
        return;
    default:
        if (tarn_engine_vector_int64(vector, row, &integer)) write_int64(integer, out);
        return;
    }
    tarn_base_buffer_append(out, text, size);
}

void tarn_engine__scalar_write(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out) {
    const TarnEngineType *type = vector->type;
    switch (type->kind) {
    case TARN_ENGINE_BOOLEAN:
        tarn_base_buffer_string(out, ((const uint8_t *)vector->data)[row] ? "true" : "false");
        break;
    case TARN_ENGINE_VARCHAR:
    case TARN_ENGINE_ENUM:
        tarn_base_buffer_text(out, tarn_engine_vector_text(vector, row));
        break;
    case TARN_ENGINE_BLOB: write_blob(tarn_engine_vector_text(vector, row), out); break;
    case TARN_ENGINE_BIT: write_bits(tarn_engine_vector_text(vector, row), out); break;
    case TARN_ENGINE_BIGNUM:
        tarn_engine__bignum_write(tarn_engine_vector_text(vector, row), out);
        break;
    case TARN_ENGINE_GEOMETRY:
        tarn_engine__geometry_write(tarn_engine_vector_text(vector, row), out);
        break;
    case TARN_ENGINE_UUID: write_uuid(&((const TarnEngineInt128 *)vector->data)[row], out); break;
    case TARN_ENGINE_DECIMAL:
        tarn_engine__decimal_write(vector, row, type->width > type->scale, out);
        break;
    case TARN_ENGINE_DATE:
    case TARN_ENGINE_TIME:
    case TARN_ENGINE_TIME_NS:
    case TARN_ENGINE_TIME_TZ:
    case TARN_ENGINE_TIMESTAMP:
    case TARN_ENGINE_TIMESTAMP_S:
    case TARN_ENGINE_TIMESTAMP_MS:
    case TARN_ENGINE_TIMESTAMP_NS:
    case TARN_ENGINE_TIMESTAMP_TZ:
    case TARN_ENGINE_INTERVAL: tarn_engine__time_write(vector, row, false, out); break;
    case TARN_ENGINE_VARIANT:
    case TARN_ENGINE_INVALID:
        tarn_base_buffer_string(out, "(value of a type not supported)");
        break;
    default: write_number(vector, row, out); break;
    }
}

/* ---- quoting inside nested values -------------------------------------------------------- */

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f' || c == '\r';
}

static bool needs_quotes(TarnText text) {
    if (text.size == 0 || is_space(text.data[0]) || is_space(text.data[text.size - 1])) {
        return true;
    }
    if (text.size == 4 && strncasecmp(text.data, "null", 4) == 0) return true;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '\0' && strchr("\"'(),:=[]{}", text.data[i]) != NULL) return true;
    }
    return false;
}

/* Quotes what stands in the buffer from `start` on: the quoted form is built behind it and moved
 * to its place. */
static void quote_from(TarnBuffer *out, size_t start) {
    size_t end = out->size;
    if (out->failed) return;
    tarn_base_buffer_byte(out, '\'');
    for (size_t i = start; i < end && !out->failed; i++) {
        char c = out->data[i];
        if (c == '\'' || c == '\\') tarn_base_buffer_byte(out, '\\');
        tarn_base_buffer_byte(out, (uint8_t)c);
    }
    tarn_base_buffer_byte(out, '\'');
    if (out->failed) return;
    size_t size = out->size - end;
    memmove(out->data + start, out->data + end, size);
    out->size = start + size;
    out->data[out->size] = '\0';
}

static void write_value(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out);

static void write_element(const TarnEngineVector *vector, uint64_t row, bool may_quote,
                          TarnBuffer *out) {
    if (tarn_engine_vector_null(vector, row) || vector->type->kind == TARN_ENGINE_NULL) {
        tarn_base_buffer_string(out, "NULL");
        return;
    }
    size_t start = out->size;
    write_value(vector, row, out);
    if (!may_quote || out->failed || kind_is_nested(vector->type->kind)) return;
    TarnText text = {out->data != NULL ? out->data + start : "", out->size - start};
    if (needs_quotes(text)) quote_from(out, start);
}

static void write_list(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out) {
    uint64_t offset, length;
    const char *alias = vector->children[0].type->alias;
    bool is_json = alias != NULL && strcmp(alias, "JSON") == 0;
    bool may_quote = vector->type->kind == TARN_ENGINE_LIST && !is_json;
    tarn_engine_vector_list(vector, row, &offset, &length);
    tarn_base_buffer_byte(out, '[');
    for (uint64_t i = 0; i < length && !out->failed; i++) {
        if (i > 0) tarn_base_buffer_string(out, ", ");
        write_element(&vector->children[0], offset + i, may_quote, out);
    }
    tarn_base_buffer_byte(out, ']');
}

static void write_map(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out) {
    uint64_t offset, length;
    const TarnEngineVector *entries = &vector->children[0];
    tarn_engine_vector_list(vector, row, &offset, &length);
    tarn_base_buffer_byte(out, '{');
    for (uint64_t i = 0; i < length && !out->failed; i++) {
        if (i > 0) tarn_base_buffer_string(out, ", ");
        write_element(&entries->children[0], offset + i, true, out);
        tarn_base_buffer_byte(out, '=');
        write_element(&entries->children[1], offset + i, true, out);
    }
    tarn_base_buffer_byte(out, '}');
}

static void write_struct(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out) {
    const TarnEngineType *type = vector->type;
    bool named = type->child_count > 0 && type->names[0][0] != '\0';
    tarn_base_buffer_byte(out, named ? '{' : '(');
    for (uint32_t i = 0; i < type->child_count; i++) {
        if (i > 0) tarn_base_buffer_string(out, ", ");
        if (named) {
            size_t start = out->size;
            tarn_base_buffer_string(out, type->names[i]);
            quote_from(out, start);
            tarn_base_buffer_string(out, ": ");
        }
        write_element(&vector->children[i], row, true, out);
    }
    tarn_base_buffer_byte(out, named ? '}' : ')');
}

static void write_value(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out) {
    switch (vector->type->kind) {
    case TARN_ENGINE_LIST:
    case TARN_ENGINE_ARRAY: write_list(vector, row, out); break;
    case TARN_ENGINE_MAP: write_map(vector, row, out); break;
    case TARN_ENGINE_STRUCT: write_struct(vector, row, out); break;
    case TARN_ENGINE_UNION: {
        uint8_t tag = ((const uint8_t *)vector->children[0].data)[row];
        if (tag + 1U < vector->child_count) {
            write_element(&vector->children[tag + 1U], row, false, out);
        }
        break;
    }
    default: tarn_engine__scalar_write(vector, row, out); break;
    }
}

bool tarn_engine_value_text(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out) {
    if (tarn_engine_vector_null(vector, row) || vector->type->kind == TARN_ENGINE_NULL) {
        return false;
    }
    write_value(vector, row, out);
    return true;
}
