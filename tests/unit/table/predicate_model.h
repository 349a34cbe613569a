/* A model for property tests of predicates: columns of all types, random values with the awkward
 * ones among them, random predicates, and their truth for a row by plain three-valued logic,
 * written without a look at how the program does it. */
#ifndef TARN_TESTS_PREDICATE_MODEL_H
#define TARN_TESTS_PREDICATE_MODEL_H

#include <float.h>
#include <math.h>

#include "table/predicate.h"
#include "tap.h"

#define UNUSED __attribute__((unused))

/* --- chance --- */

static uint64_t model_state = 1;

UNUSED static uint32_t chance(uint32_t below) {
    model_state = model_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t mixed = model_state ^ (model_state >> 29);
    mixed *= UINT64_C(0xBF58476D1CE4E5B9);
    return (uint32_t)((mixed >> 32) % below);
}
UNUSED static bool percent(uint32_t share) { return chance(100) < share; }

/* --- columns --- */

#define MODEL_COLUMNS 17

static const char MODEL_SCHEMA[] =
    "{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
    "{\"id\":1,\"name\":\"flag\",\"required\":false,\"type\":\"boolean\"},"
    "{\"id\":2,\"name\":\"i\",\"required\":false,\"type\":\"int\"},"
    "{\"id\":3,\"name\":\"l\",\"required\":false,\"type\":\"long\"},"
    "{\"id\":4,\"name\":\"f\",\"required\":false,\"type\":\"float\"},"
    "{\"id\":5,\"name\":\"d\",\"required\":false,\"type\":\"double\"},"
    "{\"id\":6,\"name\":\"dec\",\"required\":false,\"type\":\"decimal(9,2)\"},"
    "{\"id\":7,\"name\":\"day\",\"required\":false,\"type\":\"date\"},"
    "{\"id\":8,\"name\":\"t\",\"required\":false,\"type\":\"time\"},"
    "{\"id\":9,\"name\":\"ts\",\"required\":false,\"type\":\"timestamp\"},"
    "{\"id\":10,\"name\":\"tz\",\"required\":false,\"type\":\"timestamptz\"},"
    "{\"id\":11,\"name\":\"ns\",\"required\":false,\"type\":\"timestamp_ns\"},"
    "{\"id\":12,\"name\":\"s\",\"required\":false,\"type\":\"string\"},"
    "{\"id\":13,\"name\":\"u\",\"required\":false,\"type\":\"uuid\"},"
    "{\"id\":14,\"name\":\"fx\",\"required\":false,\"type\":\"fixed[4]\"},"
    "{\"id\":15,\"name\":\"b\",\"required\":false,\"type\":\"binary\"},"
    "{\"id\":16,\"name\":\"st\",\"required\":false,\"type\":{\"type\":\"struct\",\"fields\":["
    "{\"id\":17,\"name\":\"x\",\"required\":false,\"type\":\"int\"}]}},"
    "{\"id\":18,\"name\":\"list\",\"required\":false,\"type\":{\"type\":\"list\","
    "\"element-id\":19,\"element\":\"int\",\"element-required\":false}}]}";

/* Ids 1..15 and 17; a row is an array by id. */
typedef struct ModelRow {
    TarnLiteral values[MODEL_COLUMNS + 1];
} ModelRow;

UNUSED static const TarnSchema *model_schema(TarnArena *arena) {
    TarnJson *json = NULL;
    TarnError error = {0};
    TarnSchema *schema = TARN_NEW(arena, TarnSchema);
    if (!tarn_base_json_parse(TARN_TEXT(MODEL_SCHEMA), "schema", arena, &json, &error) ||
        !tarn_table_schema_from_json(json, arena, schema, &error)) {
        printf("# %s\n", error.message);
        exit(1);
    }
    return schema;
}

UNUSED static int32_t model_column(void) {
    int32_t id = (int32_t)chance(18) + 1;
    if (id > 16) return id == 17 ? 12 : 5; /* text and doubles have the most traps */
    return id == 16 ? 17 : id;
}

UNUSED static TarnPrimitive model_type(const TarnSchema *schema, int32_t id) {
    return tarn_table_schema_find(schema, id)->type.primitive;
}

/* --- values: few different ones, so that predicates hit --- */

static const int64_t MODEL_INTEGERS[] = {0,
                                         1,
                                         -1,
                                         2,
                                         3,
                                         -2,
                                         -3,
                                         9,
                                         10,
                                         11,
                                         19,
                                         20,
                                         99,
                                         100,
                                         -10,
                                         INT32_MAX,
                                         INT32_MIN,
                                         7,
                                         INT32_MAX - 1,
                                         INT32_MIN + 1};
static const double MODEL_REALS[] = {0.0,  -0.0,  1.5, -1.5, 3,        3.25,      -7,
                                     1e10, -1e10, NAN, NAN,  INFINITY, -INFINITY, 2};
static const char *const MODEL_STRINGS[] = {"",
                                            "a",
                                            "ab",
                                            "abc",
                                            "abd",
                                            "b",
                                            "ba",
                                            "\xc3\xa9",
                                            "\xc3\xa9t\xc3\xa9",
                                            "z",
                                            "\xf0\x9f\x98\x80x",
                                            "\xf4\x8f\xbf\xbf",
                                            "abcdefghijklmnop",
                                            "abcdefghijklmnopq",
                                            "abcdefghijklmnopzz",
                                            "abcdefghijklmnoq",
                                            "\xed\x9f\xbf",
                                            "\xee\x80\x80",
                                            "\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf"};
/* equal in their first 16 characters, where bounds are cut */
UNUSED static const char *const MODEL_LONG_STRINGS[] = {"abcdefghijklmnopa", "abcdefghijklmnop",
                                                        "abcdefghijklmnopqr", "abcdefghijklmnopq"};
#define PICK(array) ((array)[chance((uint32_t)(sizeof(array) / sizeof((array)[0])))])

#define US_PER_HOUR INT64_C(3600000000)

UNUSED static int64_t model_micros(void) {
    static const int64_t HOURS[] = {0,       1,        -1,       23,        24,       -24,      -25,
                                    24 * 31, -24 * 31, 24 * 365, -24 * 365, 24 * 366, -24 * 730};
    static const int64_t OFFSETS[] = {0, 1, -1, 1000, 1800000000};
    return PICK(HOURS) * US_PER_HOUR + PICK(OFFSETS);
}

UNUSED static TarnText model_bytes(size_t size, TarnArena *arena) {
    char *data = tarn_base_arena_alloc(arena, size + 1);
    static const unsigned char BYTES[] = {0, 1, 0x7f, 0x80, 0xff, 'a'};
    for (size_t i = 0; i < size; i++) data[i] = (char)PICK(BYTES);
    return (TarnText){data, size};
}

UNUSED static TarnLiteral model_value(TarnPrimitive type, TarnArena *arena) {
    TarnLiteral value = {.kind = type.kind};
    switch (type.kind) {
    case TARN_TYPE_BOOLEAN: value.as.boolean = percent(50); break;
    case TARN_TYPE_INT: value.as.integer = PICK(MODEL_INTEGERS); break;
    case TARN_TYPE_LONG:
        value.as.integer = PICK(MODEL_INTEGERS);
        if (percent(10)) value.as.integer = percent(50) ? INT64_MAX : INT64_MIN;
        break;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE: value.as.real = PICK(MODEL_REALS); break;
    case TARN_TYPE_DECIMAL: value.as.decimal = (TarnInt128)PICK(MODEL_INTEGERS) % 1000000000; break;
    case TARN_TYPE_DATE: value.as.integer = model_micros() / (24 * US_PER_HOUR); break;
    case TARN_TYPE_TIME: value.as.integer = chance(5) * US_PER_HOUR; break;
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ: value.as.integer = model_micros(); break;
    case TARN_TYPE_TIMESTAMP_NS: value.as.integer = model_micros() * 1000 + chance(2); break;
    case TARN_TYPE_STRING:
        value.as.bytes = tarn_base_text(percent(25) ? PICK(MODEL_LONG_STRINGS)
                                                    : PICK(MODEL_STRINGS));
        break;
    case TARN_TYPE_UUID: value.as.bytes = model_bytes(16, arena); break;
    case TARN_TYPE_FIXED: value.as.bytes = model_bytes((size_t)type.length, arena); break;
    default: value.as.bytes = model_bytes(chance(20), arena); break;
    }
    return value;
}

UNUSED static void model_row(const TarnSchema *schema, uint32_t nulls, TarnArena *arena,
                             ModelRow *row) {
    for (int32_t id = 1; id <= MODEL_COLUMNS; id++) {
        if (id == 16) continue;
        TarnPrimitive type = model_type(schema, id);
        row->values[id] = model_value(type, arena);
        row->values[id].is_null = percent(nulls);
    }
}

/* --- predicates --- */

/* A literal to compare the column with: mostly of its type, sometimes of another. */
UNUSED static TarnLiteral model_literal(TarnPrimitive column, TarnPrimitive *type,
                                        TarnArena *arena) {
    *type = column;
    if (percent(75)) return model_value(column, arena);
    switch (column.kind) {
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
        if (percent(30)) type->kind = TARN_TYPE_LONG;
        else if (percent(50)) *type = (TarnPrimitive){.kind = TARN_TYPE_DOUBLE};
        else *type = (TarnPrimitive){.kind = TARN_TYPE_DECIMAL, .precision = 12, .scale = 1};
        break;
    case TARN_TYPE_DECIMAL:
        if (percent(50)) *type = (TarnPrimitive){.kind = TARN_TYPE_LONG};
        else
            *type = (TarnPrimitive){
                .kind = TARN_TYPE_DECIMAL, .precision = 20, .scale = (int32_t)chance(5)};
        break;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE: *type = (TarnPrimitive){.kind = TARN_TYPE_INT}; break;
    case TARN_TYPE_DATE: type->kind = TARN_TYPE_TIMESTAMP; break;
    case TARN_TYPE_TIMESTAMP:
        type->kind = percent(50) ? TARN_TYPE_DATE : TARN_TYPE_TIMESTAMP_NS;
        break;
    case TARN_TYPE_TIMESTAMP_NS: type->kind = TARN_TYPE_TIMESTAMP; break;
    default: break;
    }
    return model_value(*type, arena);
}

static const TarnPredicateKind MODEL_COMPARISONS[] = {TARN_PREDICATE_LT, TARN_PREDICATE_LE,
                                                      TARN_PREDICATE_GT, TARN_PREDICATE_GE,
                                                      TARN_PREDICATE_EQ, TARN_PREDICATE_NE};

UNUSED static const TarnPredicate *model_leaf(const TarnSchema *schema, int32_t id,
                                              TarnArena *arena) {
    TarnPrimitive column = model_type(schema, id);
    TarnPrimitive type;
    uint32_t what = chance(20);
    if (what == 0) {
        return tarn_table_predicate_unary(
            percent(50) ? TARN_PREDICATE_IS_NULL : TARN_PREDICATE_NOT_NULL, id, arena);
    }
    if (what == 1) {
        return tarn_table_predicate_unary(
            percent(50) ? TARN_PREDICATE_IS_NAN : TARN_PREDICATE_NOT_NAN, id, arena);
    }
    if (what <= 5) {
        TarnLiteral literals[6];
        size_t count = chance(5);
        for (size_t i = 0; i < count; i++) {
            literals[i] = model_value(column, arena);
            literals[i].is_null = percent(4);
        }
        return tarn_table_predicate_set(percent(50) ? TARN_PREDICATE_IN : TARN_PREDICATE_NOT_IN, id,
                                        column, literals, count, arena);
    }
    TarnLiteral literal = model_literal(column, &type, arena);
    literal.is_null = percent(2);
    TarnPredicateKind kind = PICK(MODEL_COMPARISONS);
    if (column.kind == TARN_TYPE_STRING && percent(30)) {
        kind = percent(50) ? TARN_PREDICATE_STARTS_WITH : TARN_PREDICATE_NOT_STARTS_WITH;
    }
    return tarn_table_predicate_compare(kind, id, type, &literal, arena);
}

/* Leaves prefer the columns given, so that partitions matter. */
UNUSED static const TarnPredicate *model_predicate(const TarnSchema *schema, const int32_t *likely,
                                                   size_t likely_count, unsigned depth,
                                                   TarnArena *arena) {
    if (depth == 0 || percent(40)) {
        bool prefer = likely_count > 0 && percent(75);
        int32_t id = prefer ? likely[chance((uint32_t)likely_count)] : model_column();
        return model_leaf(schema, id, arena);
    }
    if (percent(2)) {
        return tarn_table_predicate_constant((TarnPredicateKind)chance(3));
    }
    const TarnPredicate *children[3];
    size_t count = 1 + chance(3);
    for (size_t i = 0; i < count; i++) {
        children[i] = model_predicate(schema, likely, likely_count, depth - 1, arena);
    }
    switch (chance(3)) {
    case 0: return tarn_table_predicate_not(children[0], arena);
    case 1: return tarn_table_predicate_and(children, count, arena);
    default: return tarn_table_predicate_or(children, count, arena);
    }
}

/* --- truth --- */

typedef enum Truth {
    TRUTH_FALSE,
    TRUTH_NULL,
    TRUTH_TRUE
} Truth;

static bool model_is_real(TarnTypeKind kind) {
    return kind == TARN_TYPE_FLOAT || kind == TARN_TYPE_DOUBLE;
}

static TarnInt128 model_nanos(const TarnLiteral *value) {
    switch (value->kind) {
    case TARN_TYPE_DATE: return (TarnInt128)value->as.integer * 24 * US_PER_HOUR * 1000;
    case TARN_TYPE_TIMESTAMP_NS: return value->as.integer;
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ: return (TarnInt128)value->as.integer * 1000;
    default: return 0;
    }
}

static TarnInt128 model_hundredths_of(const TarnLiteral *value, int32_t scale) {
    /* Everything exact in units of 10^-4: scales are at most 4. */
    TarnInt128 unscaled = value->kind == TARN_TYPE_DECIMAL ? value->as.decimal : value->as.integer;
    int32_t from = value->kind == TARN_TYPE_DECIMAL ? scale : 0;
    for (; from < 4; from++) unscaled *= 10;
    return unscaled;
}

/* -1, 0, 1; NaN greatest. */
static int model_compare(const TarnLiteral *a, int32_t a_scale, const TarnLiteral *b,
                         int32_t b_scale) {
    if (model_is_real(a->kind) || model_is_real(b->kind)) {
        long double x = model_is_real(a->kind) ? (long double)a->as.real
                                               : (long double)a->as.integer;
        long double y = model_is_real(b->kind) ? (long double)b->as.real
                                               : (long double)b->as.integer;
        if (isnan(x)) return isnan(y) ? 0 : 1;
        if (isnan(y)) return -1;
        return x < y ? -1 : x > y;
    }
    switch (a->kind) {
    case TARN_TYPE_BOOLEAN: return a->as.boolean - b->as.boolean;
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
    case TARN_TYPE_DECIMAL: {
        TarnInt128 x = model_hundredths_of(a, a_scale);
        TarnInt128 y = model_hundredths_of(b, b_scale);
        return x < y ? -1 : x > y;
    }
    case TARN_TYPE_STRING:
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY: {
        for (size_t i = 0;; i++) {
            if (i == a->as.bytes.size) return i == b->as.bytes.size ? 0 : -1;
            if (i == b->as.bytes.size) return 1;
            unsigned char x = (unsigned char)a->as.bytes.data[i];
            unsigned char y = (unsigned char)b->as.bytes.data[i];
            if (x != y) return x < y ? -1 : 1;
        }
    }
    default: {
        TarnInt128 x = model_nanos(a);
        TarnInt128 y = model_nanos(b);
        return x < y ? -1 : x > y;
    }
    }
}

static Truth model_negate(Truth truth) { return (Truth)(2 - (int)truth); }

static Truth model_in(const TarnPredicate *leaf, const TarnLiteral *value, int32_t scale) {
    Truth result = TRUTH_FALSE;
    for (size_t i = 0; i < leaf->literal_count; i++) {
        const TarnLiteral *literal = &leaf->literals[i];
        if (value->is_null || literal->is_null) {
            if (result == TRUTH_FALSE) result = TRUTH_NULL;
        } else if (model_compare(value, scale, literal, leaf->type.scale) == 0) {
            result = TRUTH_TRUE;
        }
    }
    return result;
}

static Truth model_leaf_truth(const TarnSchema *schema, const TarnPredicate *leaf,
                              const ModelRow *row) {
    const TarnLiteral *value = &row->values[leaf->field_id];
    int32_t scale = model_type(schema, leaf->field_id).scale;
    if (leaf->kind == TARN_PREDICATE_IS_NULL) return value->is_null ? TRUTH_TRUE : TRUTH_FALSE;
    if (leaf->kind == TARN_PREDICATE_NOT_NULL) return value->is_null ? TRUTH_FALSE : TRUTH_TRUE;
    if (leaf->kind == TARN_PREDICATE_IN) return model_in(leaf, value, scale);
    if (leaf->kind == TARN_PREDICATE_NOT_IN) return model_negate(model_in(leaf, value, scale));
    if (value->is_null) return TRUTH_NULL;
    bool is_nan = model_is_real(value->kind) && isnan(value->as.real);
    if (leaf->kind == TARN_PREDICATE_IS_NAN) return is_nan ? TRUTH_TRUE : TRUTH_FALSE;
    if (leaf->kind == TARN_PREDICATE_NOT_NAN) return is_nan ? TRUTH_FALSE : TRUTH_TRUE;
    const TarnLiteral *literal = leaf->literals;
    if (literal->is_null) return TRUTH_NULL;
    bool holds = false;
    if (leaf->kind == TARN_PREDICATE_STARTS_WITH || leaf->kind == TARN_PREDICATE_NOT_STARTS_WITH) {
        bool starts = value->as.bytes.size >= literal->as.bytes.size &&
                      memcmp(value->as.bytes.data, literal->as.bytes.data,
                             literal->as.bytes.size) == 0;
        holds = starts == (leaf->kind == TARN_PREDICATE_STARTS_WITH);
    } else {
        int order = model_compare(value, scale, literal, leaf->type.scale);
        switch (leaf->kind) {
        case TARN_PREDICATE_LT: holds = order < 0; break;
        case TARN_PREDICATE_LE: holds = order <= 0; break;
        case TARN_PREDICATE_GT: holds = order > 0; break;
        case TARN_PREDICATE_GE: holds = order >= 0; break;
        case TARN_PREDICATE_EQ: holds = order == 0; break;
        default: holds = order != 0; break;
        }
    }
    return holds ? TRUTH_TRUE : TRUTH_FALSE;
}

/* `unknown` stands for what UNKNOWN leaves may be. */
UNUSED static Truth model_truth(const TarnSchema *schema, const TarnPredicate *predicate,
                                const ModelRow *row, Truth unknown) {
    switch (predicate->kind) {
    case TARN_PREDICATE_TRUE: return TRUTH_TRUE;
    case TARN_PREDICATE_FALSE: return TRUTH_FALSE;
    case TARN_PREDICATE_UNKNOWN: return unknown;
    case TARN_PREDICATE_NOT:
        return model_negate(model_truth(schema, predicate->children[0], row, unknown));
    case TARN_PREDICATE_AND:
    case TARN_PREDICATE_OR: {
        bool is_and = predicate->kind == TARN_PREDICATE_AND;
        Truth result = is_and ? TRUTH_TRUE : TRUTH_FALSE;
        for (size_t i = 0; i < predicate->child_count; i++) {
            Truth child = model_truth(schema, predicate->children[i], row, unknown);
            if (is_and ? child < result : child > result) result = child;
        }
        return result;
    }
    default: return model_leaf_truth(schema, predicate, row);
    }
}

UNUSED static const TarnLiteral *model_row_value(void *state, int32_t field_id) {
    ModelRow *row = state;
    return &row->values[field_id];
}

#endif
