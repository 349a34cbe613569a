/* Constants of a plan as literals: DuckDB's serialised values, and casts of them that are exact.
 *
 * Anything else is "not known", which costs pruning and never correctness.
 */
#include <string.h>

#include "query/bound_plan_private.h"

static TarnText member_text(const TarnJson *object, const char *key) {
    TarnText text = {NULL, 0};
    return tarn_base_json_text(tarn_base_json_member(object, key), &text) ? text
                                                                        : (TarnText){NULL, 0};
}

/* The Iceberg type of equal values; integers narrower than int are ints. */
static bool read_type(const TarnJson *type, TarnPrimitive *out) {
    static const struct {
        const char *name;
        TarnTypeKind kind;
    } names[] = {{"BOOLEAN", TARN_TYPE_BOOLEAN},
                 {"TINYINT", TARN_TYPE_INT},
                 {"SMALLINT", TARN_TYPE_INT},
                 {"INTEGER", TARN_TYPE_INT},
                 {"UTINYINT", TARN_TYPE_INT},
                 {"USMALLINT", TARN_TYPE_INT},
                 {"UINTEGER", TARN_TYPE_LONG},
                 {"BIGINT", TARN_TYPE_LONG},
                 {"FLOAT", TARN_TYPE_FLOAT},
                 {"DOUBLE", TARN_TYPE_DOUBLE},
                 {"DATE", TARN_TYPE_DATE},
                 {"TIME", TARN_TYPE_TIME},
                 {"TIMESTAMP", TARN_TYPE_TIMESTAMP},
                 {"TIMESTAMP WITH TIME ZONE", TARN_TYPE_TIMESTAMPTZ},
                 {"VARCHAR", TARN_TYPE_STRING},
                 {"UUID", TARN_TYPE_UUID},
                 {"DECIMAL", TARN_TYPE_DECIMAL}};
    TarnText id = member_text(type, "id");
    *out = (TarnPrimitive){0};
    for (size_t i = 0; id.data != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        if (!tarn_base_text_is(id, names[i].name)) continue;
        out->kind = names[i].kind;
        if (out->kind != TARN_TYPE_DECIMAL) return true;
        const TarnJson *info = tarn_base_json_member(type, "type_info");
        int64_t width;
        int64_t scale;
        if (!tarn_base_json_int64(tarn_base_json_member(info, "width"), &width) ||
            !tarn_base_json_int64(tarn_base_json_member(info, "scale"), &scale) || width < 1 ||
            width > 38 || scale < 0 || scale > width) {
            return false;
        }
        out->precision = (int32_t)width;
        out->scale = (int32_t)scale;
        return true;
    }
    return false;
}

/* The value as the engine serialises it: numbers for everything fixed, text for strings. */
static bool read_value(const TarnJson *value, TarnPrimitive type, TarnLiteral *literal) {
    const TarnJson *inner = tarn_base_json_member(value, "value");
    int64_t integer;
    switch (type.kind) {
    case TARN_TYPE_BOOLEAN: return tarn_base_json_bool(inner, &literal->as.boolean);
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE: return tarn_base_json_double(inner, &literal->as.real);
    case TARN_TYPE_STRING: return tarn_base_json_text(inner, &literal->as.bytes);
    case TARN_TYPE_DECIMAL:
        if (!tarn_base_json_int64(inner, &integer)) return false; /* beyond int64: two halves */
        literal->as.decimal = integer;
        return true;
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG: return tarn_base_json_int64(inner, &literal->as.integer);
    default: return false; /* dates and times come as casts of text; others are not needed */
    }
}

static bool read_constant(const TarnJson *expression, TarnPrimitive *type, TarnLiteral *literal) {
    const TarnJson *value = tarn_base_json_member(expression, "value");
    bool is_null = false;
    if (!read_type(tarn_base_json_member(value, "type"), type)) return false;
    if (!tarn_base_json_bool(tarn_base_json_member(value, "is_null"), &is_null)) return false;
    *literal = (TarnLiteral){.kind = type->kind, .is_null = is_null};
    return is_null || read_value(value, *type, literal);
}

static TarnInt128 power_of_ten(int32_t exponent) {
    TarnInt128 power = 1;
    for (int32_t i = 0; i < exponent; i++) power *= 10;
    return power;
}

static bool is_integer(TarnTypeKind kind) {
    return kind == TARN_TYPE_INT || kind == TARN_TYPE_LONG;
}

/* A number as a double, only if it is exactly that double. */
static bool exact_double(TarnPrimitive from, const TarnLiteral *value, double *out) {
    TarnInt128 number = is_integer(from.kind) ? value->as.integer : value->as.decimal;
    const TarnInt128 exact = (TarnInt128)1 << 53;
    if (number > exact || number < -exact) return false;
    *out = (double)number;
    if (from.kind == TARN_TYPE_DECIMAL && from.scale > 0) {
        if (from.scale > 22) return false;
        /* One correctly rounded division: what the engine's cast yields too. */
        *out /= (double)power_of_ten(from.scale);
    }
    return true;
}

static bool cast_to_decimal(TarnPrimitive from, const TarnLiteral *value, TarnPrimitive to,
                            TarnLiteral *out) {
    int32_t scale = from.kind == TARN_TYPE_DECIMAL ? from.scale : 0;
    TarnInt128 number = is_integer(from.kind) ? value->as.integer : value->as.decimal;
    if (to.scale < scale || to.scale - scale > 20) return false;
    TarnInt128 limit = power_of_ten(to.precision);
    for (int32_t i = scale; i < to.scale; i++) {
        number *= 10;
        if (number >= limit || number <= -limit) return false;
    }
    out->as.decimal = number;
    return number < limit && number > -limit;
}

static bool cast_literal(TarnPrimitive from, const TarnLiteral *value, TarnPrimitive to,
                         TarnArena *arena, TarnLiteral *out) {
    TarnError ignored;
    *out = *value;
    out->kind = to.kind;
    if (value->is_null || tarn_format_primitive_equal(from, to)) return true;
    if (from.kind == TARN_TYPE_STRING) {
        return tarn_format_literal_from_text(to, value->as.bytes, arena, out, &ignored);
    }
    bool from_number = is_integer(from.kind) || from.kind == TARN_TYPE_DECIMAL;
    if (is_integer(from.kind) && to.kind == TARN_TYPE_LONG) return true;
    if (from.kind == TARN_TYPE_LONG && to.kind == TARN_TYPE_INT) {
        return value->as.integer >= INT32_MIN && value->as.integer <= INT32_MAX;
    }
    if (from_number && to.kind == TARN_TYPE_DOUBLE) return exact_double(from, value, &out->as.real);
    if (from_number && to.kind == TARN_TYPE_DECIMAL) return cast_to_decimal(from, value, to, out);
    if (from.kind == TARN_TYPE_FLOAT && to.kind == TARN_TYPE_DOUBLE) return true;
    bool to_timestamp = to.kind == TARN_TYPE_TIMESTAMP || to.kind == TARN_TYPE_TIMESTAMPTZ;
    if (from.kind == TARN_TYPE_DATE && to_timestamp) {
        return !__builtin_mul_overflow(value->as.integer, INT64_C(86400000000), &out->as.integer);
    }
    /* The engine's time zone is UTC. */
    return from.kind == TARN_TYPE_TIMESTAMP && to_timestamp;
}

bool tarn_query__constant(const TarnJson *expression, TarnArena *arena, TarnPrimitive *type,
                          TarnLiteral *literal) {
    TarnText class = member_text(expression, "expression_class");
    if (tarn_base_text_is(class, "BOUND_CONSTANT")) {
        return read_constant(expression, type, literal);
    }
    if (!tarn_base_text_is(class, "BOUND_CAST")) return false;
    TarnPrimitive from;
    TarnLiteral value;
    return tarn_query__constant(tarn_base_json_member(expression, "child"), arena, &from,
                                &value) &&
           read_type(tarn_base_json_member(expression, "return_type"), type) &&
           cast_literal(from, &value, *type, arena, literal);
}
