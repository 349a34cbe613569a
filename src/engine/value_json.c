/* A value as JSON.
 *
 * Purpose: -o json, NDJSON and the REST interface. Exactness first: integers and decimals are
 * written as their digits, so a reader that keeps numbers as text loses nothing; what JSON has no
 * number for (NaN, infinity) is a string; times are ISO 8601, bytes base64.
 * What it does not do: DuckDB's own to_json(), which writes decimals as doubles and timestamps
 * without a zone.
 */
#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "engine/engine_private.h"

static void write_base64(TarnText bytes, TarnBuffer *out) {
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    tarn_base_buffer_byte(out, '"');
    for (size_t i = 0; i < bytes.size && !out->failed; i += 3) {
        size_t left = bytes.size - i;
        uint32_t group = (uint32_t)(unsigned char)bytes.data[i] << 16;
        if (left > 1) group |= (uint32_t)(unsigned char)bytes.data[i + 1] << 8;
        if (left > 2) group |= (uint32_t)(unsigned char)bytes.data[i + 2];
        char text[4] = {digits[group >> 18], digits[group >> 12 & 63],
                        left > 1 ? digits[group >> 6 & 63] : '=',
                        left > 2 ? digits[group & 63] : '='};
        tarn_base_buffer_append(out, text, sizeof(text));
    }
    tarn_base_buffer_byte(out, '"');
}

static void write_real(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out) {
    double value = 0;
    (void)tarn_engine_vector_double(vector, row, &value);
    if (isnan(value)) {
        tarn_base_buffer_string(out, "\"NaN\"");
    } else if (isinf(value)) {
        tarn_base_buffer_string(out, value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
    } else {
        tarn_engine__scalar_write(vector, row, out);
    }
}

/* DuckDB's JSON type lets through what RFC 8259 does not (NaN, comments, duplicate keys): such a
 * value is a string. */
static void write_embedded(TarnText text, TarnBuffer *out) {
    TarnArena arena;
    TarnJson *root;
    TarnError ignored;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    if (tarn_base_json_parse(text, NULL, &arena, &root, &ignored)) {
        tarn_base_json_write(root, 0, out);
    } else {
        tarn_base_json_quote(out, text);
    }
    tarn_base_arena_dispose(&arena);
}

static void write_list(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out) {
    uint64_t offset, length;
    tarn_engine_vector_list(vector, row, &offset, &length);
    tarn_base_buffer_byte(out, '[');
    for (uint64_t i = 0; i < length && !out->failed; i++) {
        if (i > 0) tarn_base_buffer_byte(out, ',');
        tarn_engine_value_json(&vector->children[0], offset + i, out);
    }
    tarn_base_buffer_byte(out, ']');
}

static void write_map(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out) {
    uint64_t offset, length;
    const TarnEngineVector *keys = &vector->children[0].children[0];
    const TarnEngineVector *values = &vector->children[0].children[1];
    bool as_object = keys->type->kind == TARN_ENGINE_VARCHAR ||
                     keys->type->kind == TARN_ENGINE_ENUM;
    tarn_engine_vector_list(vector, row, &offset, &length);
    tarn_base_buffer_byte(out, as_object ? '{' : '[');
    for (uint64_t i = offset; i < offset + length && !out->failed; i++) {
        if (i > offset) tarn_base_buffer_byte(out, ',');
        if (as_object) {
            tarn_base_json_quote(out, tarn_engine_vector_text(keys, i));
            tarn_base_buffer_byte(out, ':');
            tarn_engine_value_json(values, i, out);
        } else {
            tarn_base_buffer_string(out, "{\"key\":");
            tarn_engine_value_json(keys, i, out);
            tarn_base_buffer_string(out, ",\"value\":");
            tarn_engine_value_json(values, i, out);
            tarn_base_buffer_byte(out, '}');
        }
    }
    tarn_base_buffer_byte(out, as_object ? '}' : ']');
}

/* A struct without names (ROW(..)) is an array. */
static void write_struct(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out) {
    const TarnEngineType *type = vector->type;
    bool named = type->child_count > 0 && type->names[0][0] != '\0';
    tarn_base_buffer_byte(out, named ? '{' : '[');
    for (uint32_t i = 0; i < type->child_count; i++) {
        if (i > 0) tarn_base_buffer_byte(out, ',');
        if (named) {
            tarn_base_json_quote(out, tarn_base_text(type->names[i]));
            tarn_base_buffer_byte(out, ':');
        }
        tarn_engine_value_json(&vector->children[i], row, out);
    }
    tarn_base_buffer_byte(out, named ? '}' : ']');
}

static void write_union(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out) {
    uint8_t tag = ((const uint8_t *)vector->children[0].data)[row];
    if (tag + 1U < vector->child_count) {
        tarn_engine_value_json(&vector->children[tag + 1U], row, out);
    } else {
        tarn_base_buffer_string(out, "null");
    }
}

static void write_text(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out) {
    TarnText text = tarn_engine_vector_text(vector, row);
    if (vector->type->alias != NULL && strcmp(vector->type->alias, "JSON") == 0) {
        write_embedded(text, out);
    } else {
        tarn_base_json_quote(out, text);
    }
}

/* What needs quotes but no escapes. */
static void write_quoted(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out) {
    tarn_base_buffer_byte(out, '"');
    switch (vector->type->kind) {
    case TARN_ENGINE_UUID:
    case TARN_ENGINE_BIT:
    case TARN_ENGINE_GEOMETRY:
    case TARN_ENGINE_VARIANT:
    case TARN_ENGINE_INVALID: tarn_engine__scalar_write(vector, row, out); break;
    default: tarn_engine__time_write(vector, row, true, out); break;
    }
    tarn_base_buffer_byte(out, '"');
}

void tarn_engine_value_json(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out) {
    if (tarn_engine_vector_null(vector, row)) {
        tarn_base_buffer_string(out, "null");
        return;
    }
    switch (vector->type->kind) {
    case TARN_ENGINE_NULL: tarn_base_buffer_string(out, "null"); break;
    case TARN_ENGINE_FLOAT:
    case TARN_ENGINE_DOUBLE: write_real(vector, row, out); break;
    case TARN_ENGINE_DECIMAL: tarn_engine__decimal_write(vector, row, true, out); break;
    case TARN_ENGINE_VARCHAR:
    case TARN_ENGINE_ENUM: write_text(vector, row, out); break;
    case TARN_ENGINE_BLOB: write_base64(tarn_engine_vector_text(vector, row), out); break;
    case TARN_ENGINE_LIST:
    case TARN_ENGINE_ARRAY: write_list(vector, row, out); break;
    case TARN_ENGINE_MAP: write_map(vector, row, out); break;
    case TARN_ENGINE_STRUCT: write_struct(vector, row, out); break;
    case TARN_ENGINE_UNION: write_union(vector, row, out); break;
    case TARN_ENGINE_BOOLEAN:
    case TARN_ENGINE_TINYINT:
    case TARN_ENGINE_SMALLINT:
    case TARN_ENGINE_INTEGER:
    case TARN_ENGINE_BIGINT:
    case TARN_ENGINE_HUGEINT:
    case TARN_ENGINE_UTINYINT:
    case TARN_ENGINE_USMALLINT:
    case TARN_ENGINE_UINTEGER:
    case TARN_ENGINE_UBIGINT:
    case TARN_ENGINE_UHUGEINT:
    case TARN_ENGINE_BIGNUM: tarn_engine__scalar_write(vector, row, out); break;
    default: write_quoted(vector, row, out); break;
    }
}
