/* Avro values one by one: the pull interface, and skipping.
 *
 * The schema drives: the caller walks its own structure (columns, JSON) beside the schema and
 * pulls each value. Skipping walks the schema here; whatever has a constant size is skipped in
 * one step, and arrays whose writer gave the size of a run are skipped by it. What could loop
 * without consuming bytes (arrays of null) draws on an allowance per object.
 *
 * It does not resolve schemas: values come as the writer's schema says.
 */
#include <inttypes.h>

#include "format/avro_private.h"

static const struct {
    TarnErrorCode code;
    const char *text;
} problems[TARN_AVRO_PROBLEM_COUNT_OF] = {
    [TARN_AVRO_PROBLEM_NONE] = {TARN_E_INTERNAL, "no problem"},
    [TARN_AVRO_PROBLEM_TRUNCATED] = {TARN_E_FORMAT_CORRUPT, "the bytes end within a value"},
    [TARN_AVRO_PROBLEM_VARINT] = {TARN_E_FORMAT_CORRUPT, "a number is longer than 64 bits"},
    [TARN_AVRO_PROBLEM_INT] = {TARN_E_FORMAT_CORRUPT, "an int is out of its range"},
    [TARN_AVRO_PROBLEM_SIZE] = {TARN_E_FORMAT_CORRUPT, "a size is negative"},
    [TARN_AVRO_PROBLEM_BOOLEAN] = {TARN_E_FORMAT_CORRUPT, "a boolean is neither 0 nor 1"},
    [TARN_AVRO_PROBLEM_SYMBOL] = {TARN_E_FORMAT_CORRUPT, "an enum has no symbol of this number"},
    [TARN_AVRO_PROBLEM_BRANCH] = {TARN_E_FORMAT_CORRUPT, "a union has no branch of this number"},
    [TARN_AVRO_PROBLEM_COUNT] = {TARN_E_FORMAT_CORRUPT,
                                 "a number of items is larger than the bytes left could hold"},
    [TARN_AVRO_PROBLEM_RUN_SIZE] = {TARN_E_FORMAT_CORRUPT,
                                    "items do not take the bytes that are given for them"},
    [TARN_AVRO_PROBLEM_NULL] = {TARN_E_FORMAT_CORRUPT, "a required value is null"},
    [TARN_AVRO_PROBLEM_LEFT_OVER] = {TARN_E_FORMAT_CORRUPT,
                                     "bytes are left over behind the last object"},
    [TARN_AVRO_PROBLEM_DEPTH] = {TARN_E_LIMIT_EXCEEDED, "values are nested too deeply"},
    [TARN_AVRO_PROBLEM_EMPTIES] = {TARN_E_LIMIT_EXCEEDED, "too many values take no bytes at all"},
    [TARN_AVRO_PROBLEM_MEMORY] = {TARN_E_OUT_OF_MEMORY, "out of memory"},
    [TARN_AVRO_PROBLEM_DEFLATE] = {TARN_E_FORMAT_CORRUPT, "its deflate data is damaged"},
    [TARN_AVRO_PROBLEM_SNAPPY] = {TARN_E_FORMAT_CORRUPT, "its snappy data is damaged"},
    [TARN_AVRO_PROBLEM_SNAPPY_CRC] = {TARN_E_FORMAT_CORRUPT,
                                      "its data does not have the stored CRC-32"},
    [TARN_AVRO_PROBLEM_ZSTANDARD] = {TARN_E_FORMAT_CORRUPT, "its zstandard data is damaged"},
    [TARN_AVRO_PROBLEM_BLOCK_BYTES] = {TARN_E_LIMIT_EXCEEDED,
                                       "it is larger than a block may be once decompressed"},
};

TarnErrorCode tarn_format__avro_problem_code(TarnAvroProblem problem) {
    return problems[problem].code;
}

const char *tarn_format__avro_problem_text(TarnAvroProblem problem) {
    return problems[problem].text;
}

bool tarn_format__avro_fail(const TarnAvroCursor *cursor, const TarnText *field, TarnError *error) {
    TarnAvroProblem problem = (TarnAvroProblem)cursor->problem;
    const char *name = cursor->name != NULL ? cursor->name : "Avro data";
    size_t at = (size_t)(cursor->at - cursor->begin);
    tarn_base_error_set(error, problems[problem].code, "cannot read \"%s\": %s, at byte %zu", name,
                        problems[problem].text, at);
    if (cursor->offset > 0) {
        tarn_base_error_context(error, "reading object %" PRIu64 " of the block at byte %" PRIu64,
                                cursor->object, cursor->offset);
    }
    if (field != NULL) {
        tarn_base_error_detail(error, "in the field \"%.*s\"", TARN_TEXT_ARG(*field));
    }
    return false;
}

const unsigned char *tarn_format__avro_varint_slow(const unsigned char *at,
                                                   const unsigned char *end, uint64_t *value) {
    uint64_t sum = 0;
    for (unsigned shift = 0; shift < 64 && at < end; shift += 7, at++) {
        uint64_t bits = *at & 0x7f;
        if (shift == 63 && bits > 1) return NULL;
        sum |= bits << shift;
        if (*at < 0x80) {
            *value = sum;
            return at + 1;
        }
    }
    return NULL;
}

TarnAvroCursor tarn_format_avro_cursor(TarnText bytes, const char *name) {
    static const unsigned char nothing[1];
    const unsigned char *begin = bytes.data != NULL ? (const unsigned char *)bytes.data : nothing;
    return (TarnAvroCursor){.at = begin,
                            .begin = begin,
                            .end = begin + bytes.size,
                            .name = name,
                            .empties = TARN_LIMIT_AVRO_EMPTY_VALUES};
}

bool tarn_format_avro_cursor_boolean(TarnAvroCursor *cursor, bool *value, TarnError *error) {
    return tarn_format__avro_take_boolean(cursor, value) ||
           tarn_format__avro_fail(cursor, NULL, error);
}

bool tarn_format_avro_cursor_int(TarnAvroCursor *cursor, int32_t *value, TarnError *error) {
    return tarn_format__avro_take_int(cursor, value) || tarn_format__avro_fail(cursor, NULL, error);
}

bool tarn_format_avro_cursor_long(TarnAvroCursor *cursor, int64_t *value, TarnError *error) {
    return tarn_format__avro_take_long(cursor, value) ||
           tarn_format__avro_fail(cursor, NULL, error);
}

bool tarn_format_avro_cursor_float(TarnAvroCursor *cursor, float *value, TarnError *error) {
    return tarn_format__avro_take_float(cursor, value) ||
           tarn_format__avro_fail(cursor, NULL, error);
}

bool tarn_format_avro_cursor_double(TarnAvroCursor *cursor, double *value, TarnError *error) {
    return tarn_format__avro_take_double(cursor, value) ||
           tarn_format__avro_fail(cursor, NULL, error);
}

bool tarn_format_avro_cursor_bytes(TarnAvroCursor *cursor, TarnText *value, TarnError *error) {
    return tarn_format__avro_take_bytes(cursor, value) ||
           tarn_format__avro_fail(cursor, NULL, error);
}

bool tarn_format_avro_cursor_fixed(TarnAvroCursor *cursor, size_t size, TarnText *value,
                                   TarnError *error) {
    return tarn_format__avro_take_fixed(cursor, size, value) ||
           tarn_format__avro_fail(cursor, NULL, error);
}

bool tarn_format_avro_cursor_symbol(TarnAvroCursor *cursor, const TarnAvroSchema *schema,
                                    size_t *index, TarnError *error) {
    return tarn_format__avro_take_index(cursor, schema->symbol_count, TARN_AVRO_PROBLEM_SYMBOL,
                                        index) ||
           tarn_format__avro_fail(cursor, NULL, error);
}

bool tarn_format_avro_cursor_branch(TarnAvroCursor *cursor, const TarnAvroSchema *schema,
                                    const TarnAvroSchema **branch, TarnError *error) {
    size_t index = 0;
    if (!tarn_format__avro_take_index(cursor, schema->branch_count, TARN_AVRO_PROBLEM_BRANCH,
                                      &index)) {
        return tarn_format__avro_fail(cursor, NULL, error);
    }
    *branch = schema->branches[index];
    return true;
}

bool tarn_format__avro_take_scalar(TarnAvroCursor *cursor, const TarnAvroSchema *schema,
                                   TarnAvroValue *value) {
    size_t index = 0;
    if (schema->kind == TARN_AVRO_UNION) {
        if (!tarn_format__avro_take_index(cursor, schema->branch_count, TARN_AVRO_PROBLEM_BRANCH,
                                          &index)) {
            return false;
        }
        schema = schema->branches[index];
    }
    value->type = schema;
    int32_t narrow = 0;
    float real = 0;
    switch (schema->kind) {
    case TARN_AVRO_NULL: return true;
    case TARN_AVRO_BOOLEAN: return tarn_format__avro_take_boolean(cursor, &value->as.boolean);
    case TARN_AVRO_INT:
        if (!tarn_format__avro_take_int(cursor, &narrow)) return false;
        value->as.integer = narrow;
        return true;
    case TARN_AVRO_LONG: return tarn_format__avro_take_long(cursor, &value->as.integer);
    case TARN_AVRO_FLOAT:
        if (!tarn_format__avro_take_float(cursor, &real)) return false;
        value->as.real = (double)real;
        return true;
    case TARN_AVRO_DOUBLE: return tarn_format__avro_take_double(cursor, &value->as.real);
    case TARN_AVRO_BYTES:
    case TARN_AVRO_STRING: return tarn_format__avro_take_bytes(cursor, &value->as.bytes);
    case TARN_AVRO_FIXED:
        return tarn_format__avro_take_fixed(cursor, schema->size, &value->as.bytes);
    case TARN_AVRO_ENUM:
        if (!tarn_format__avro_take_index(cursor, schema->symbol_count, TARN_AVRO_PROBLEM_SYMBOL,
                                          &index)) {
            return false;
        }
        value->as.integer = (int64_t)index;
        return true;
    case TARN_AVRO_RECORD:
    case TARN_AVRO_ARRAY:
    case TARN_AVRO_MAP:
    case TARN_AVRO_UNION: break;
    }
    return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_NONE);
}

bool tarn_format_avro_cursor_scalar(TarnAvroCursor *cursor, const TarnAvroSchema *schema,
                                    TarnAvroValue *value, TarnError *error) {
    *value = (TarnAvroValue){.field_id = TARN_AVRO_NO_ID};
    if (tarn_format__avro_take_scalar(cursor, schema, value)) return true;
    if (cursor->problem == TARN_AVRO_PROBLEM_NONE) {
        return tarn_base_error_set(error, TARN_E_INTERNAL,
                                   "a value of kind %s was read as a single value",
                                   tarn_format_avro_kind_name(value->type->kind));
    }
    return tarn_format__avro_fail(cursor, NULL, error);
}

bool tarn_format__avro_take_run(TarnAvroCursor *cursor, size_t item_minimum, uint64_t *count,
                                const unsigned char **run_end) {
    int64_t items = 0;
    *run_end = NULL;
    if (!tarn_format__avro_take_long(cursor, &items)) return false;
    *count = (uint64_t)items;
    if (items < 0) {
        int64_t bytes = 0;
        *count = 0 - (uint64_t)items;
        if (!tarn_format__avro_take_long(cursor, &bytes)) return false;
        if (bytes < 0) return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_SIZE);
        if ((uint64_t)bytes > tarn_format__avro_left(cursor)) {
            return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_TRUNCATED);
        }
        *run_end = cursor->at + bytes;
    }
    if (item_minimum > 0) {
        if (*count > tarn_format__avro_left(cursor) / item_minimum) {
            return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_COUNT);
        }
        return true;
    }
    if (*count > cursor->empties) {
        return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_EMPTIES);
    }
    cursor->empties -= (uint32_t)*count;
    return true;
}

static bool next_item(TarnAvroCursor *cursor, const TarnAvroSchema *schema, TarnAvroItems *items,
                      bool *more) {
    if (items->left == 0) {
        if (!tarn_format__avro_end_run(cursor, items->run_end) ||
            !tarn_format__avro_take_run(cursor, tarn_format__avro_item_minimum(schema),
                                        &items->left, &items->run_end)) {
            return false;
        }
    }
    *more = items->left > 0;
    if (*more) items->left--;
    return true;
}

bool tarn_format_avro_cursor_items(TarnAvroCursor *cursor, const TarnAvroSchema *schema,
                                   TarnAvroItems *items, bool *more, TarnError *error) {
    return next_item(cursor, schema, items, more) || tarn_format__avro_fail(cursor, NULL, error);
}

static bool skip_items(TarnAvroCursor *cursor, const TarnAvroSchema *schema, unsigned depth) {
    const TarnAvroSchema *item = schema->item;
    bool is_map = schema->kind == TARN_AVRO_MAP;
    uint64_t count = 0;
    const unsigned char *run_end = NULL;
    for (;;) {
        if (!tarn_format__avro_take_run(cursor, tarn_format__avro_item_minimum(schema), &count,
                                        &run_end)) {
            return false;
        }
        if (count == 0) return true;
        if (run_end != NULL) {
            cursor->at = run_end;
            continue;
        }
        if (!is_map && item->is_constant) {
            /* take_run has checked the product against the bytes left */
            cursor->at += count * item->minimum_bytes;
            continue;
        }
        for (; count > 0; count--) {
            TarnText key;
            if (is_map && !tarn_format__avro_take_bytes(cursor, &key)) return false;
            if (!tarn_format__avro_skip(cursor, item, depth)) return false;
        }
    }
}

bool tarn_format__avro_skip(TarnAvroCursor *cursor, const TarnAvroSchema *schema, unsigned depth) {
    TarnText text;
    int64_t number;
    size_t index = 0;
    if (schema->is_constant) {
        return tarn_format__avro_take_fixed(cursor, schema->minimum_bytes, &text);
    }
    if (depth >= TARN_LIMIT_NESTING) {
        return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_DEPTH);
    }
    switch (schema->kind) {
    case TARN_AVRO_INT:
    case TARN_AVRO_LONG:
    case TARN_AVRO_ENUM: return tarn_format__avro_take_long(cursor, &number);
    case TARN_AVRO_BYTES:
    case TARN_AVRO_STRING: return tarn_format__avro_take_bytes(cursor, &text);
    case TARN_AVRO_RECORD:
        for (size_t i = 0; i < schema->field_count; i++) {
            if (!tarn_format__avro_skip(cursor, schema->fields[i].type, depth + 1)) return false;
        }
        return true;
    case TARN_AVRO_ARRAY:
    case TARN_AVRO_MAP: return skip_items(cursor, schema, depth + 1);
    case TARN_AVRO_UNION:
        return tarn_format__avro_take_index(cursor, schema->branch_count, TARN_AVRO_PROBLEM_BRANCH,
                                            &index) &&
               tarn_format__avro_skip(cursor, schema->branches[index], depth);
    case TARN_AVRO_NULL:
    case TARN_AVRO_BOOLEAN:
    case TARN_AVRO_FLOAT:
    case TARN_AVRO_DOUBLE:
    case TARN_AVRO_FIXED: break; /* constant: done above */
    }
    return true;
}

bool tarn_format_avro_cursor_skip(TarnAvroCursor *cursor, const TarnAvroSchema *schema,
                                  TarnError *error) {
    return tarn_format__avro_skip(cursor, schema, 0) || tarn_format__avro_fail(cursor, NULL, error);
}
