/* Literals of one type compared with a column of another, without rounding.
 *
 * A comparison `column < literal` in SQL may bring a literal of a wider or finer type than the
 * column. The column's values are a subset of the literal's type, so the comparison is equal to
 * one against the nearest column value at or below the literal; which of "equal", "between two
 * values", "beyond the type's range" holds is all that binding needs. Where the engine compares in
 * floating point and would round, only literals small enough to be exact are taken.
 *
 * Not done: text to anything, timestamps with zone against those without (that depends on the
 * session's time zone). The caller keeps such files.
 */
#include "table/predicate_convert_private.h"

#include <math.h>

#define US_PER_DAY INT64_C(86400000000)
#define NS_PER_US 1000
/* Beyond these a float or a double no longer holds each integer. */
#define FLOAT_EXACT (INT64_C(1) << 23)
#define DOUBLE_EXACT (INT64_C(1) << 52)

static TarnConversion same_value(const TarnLiteral *literal, TarnTypeKind kind,
                                 TarnLiteral *result) {
    *result = *literal;
    result->kind = kind;
    return TARN_CONVERTED;
}

static TarnInt128 power_of_ten(int32_t exponent) {
    TarnInt128 power = 1;
    for (int32_t i = 0; i < exponent; i++) power *= 10;
    return power;
}

/* Splits value = quotient * divisor + rest with 0 <= rest < divisor. */
static TarnInt128 divide_floor(TarnInt128 value, TarnInt128 divisor, bool *exact) {
    TarnInt128 quotient = value / divisor;
    TarnInt128 rest = value % divisor;
    if (rest < 0) quotient -= 1;
    *exact = rest == 0;
    return quotient;
}

/* unscaled * 10^-from_scale as a number of 10^-to_scale steps, floored. */
static TarnConversion rescale(TarnInt128 unscaled, int32_t from_scale, int32_t to_scale,
                              TarnInt128 *result) {
    if (from_scale < 0 || from_scale > 38 || to_scale < 0 || to_scale > 38) {
        return TARN_NOT_CONVERTIBLE;
    }
    if (to_scale >= from_scale) {
        TarnInt128 factor = power_of_ten(to_scale - from_scale);
        if (__builtin_mul_overflow(unscaled, factor, result)) {
            return unscaled > 0 ? TARN_CONVERTED_ABOVE : TARN_CONVERTED_BELOW;
        }
        return TARN_CONVERTED;
    }
    bool exact = false;
    *result = divide_floor(unscaled, power_of_ten(from_scale - to_scale), &exact);
    return exact ? TARN_CONVERTED : TARN_CONVERTED_BETWEEN;
}

/* A value between the largest and "the next one" lies above all, so the upper test is >= there. */
static TarnConversion check_range(TarnConversion conversion, TarnInt128 value, TarnInt128 lowest,
                                  TarnInt128 highest) {
    if (conversion != TARN_CONVERTED && conversion != TARN_CONVERTED_BETWEEN) return conversion;
    if (value < lowest) return TARN_CONVERTED_BELOW;
    if (value > highest) return TARN_CONVERTED_ABOVE;
    if (conversion == TARN_CONVERTED_BETWEEN && value == highest) return TARN_CONVERTED_ABOVE;
    return conversion;
}

static bool is_integer(TarnTypeKind kind) {
    return kind == TARN_TYPE_INT || kind == TARN_TYPE_LONG;
}

static TarnConversion real_to_integer(const TarnLiteral *literal, TarnPrimitive to,
                                      TarnLiteral *result) {
    double value = literal->as.real;
    if (isnan(value)) return TARN_CONVERTED_NAN;
    double exact_limit = (double)(literal->kind == TARN_TYPE_FLOAT ? FLOAT_EXACT : DOUBLE_EXACT);
    if (isinf(value)) return value > 0 ? TARN_CONVERTED_ABOVE : TARN_CONVERTED_BELOW;
    if (fabs(value) >= exact_limit) return TARN_NOT_CONVERTIBLE;
    double whole = floor(value);
    *result = (TarnLiteral){.kind = to.kind};
    result->as.integer = (int64_t)whole;
    TarnConversion conversion = whole == value ? TARN_CONVERTED : TARN_CONVERTED_BETWEEN;
    if (to.kind == TARN_TYPE_LONG) return conversion;
    return check_range(conversion, result->as.integer, INT32_MIN, INT32_MAX);
}

static TarnConversion to_integer(TarnPrimitive from, const TarnLiteral *literal, TarnPrimitive to,
                                 TarnLiteral *result) {
    if (literal->kind == TARN_TYPE_FLOAT || literal->kind == TARN_TYPE_DOUBLE) {
        return real_to_integer(literal, to, result);
    }
    TarnInt128 value = 0;
    TarnConversion conversion = TARN_CONVERTED;
    if (literal->kind == TARN_TYPE_DECIMAL) {
        conversion = rescale(literal->as.decimal, from.scale, 0, &value);
    } else if (is_integer(literal->kind)) {
        value = literal->as.integer;
    } else {
        return TARN_NOT_CONVERTIBLE;
    }
    bool is_int = to.kind == TARN_TYPE_INT;
    conversion = check_range(conversion, value, is_int ? INT32_MIN : INT64_MIN,
                             is_int ? INT32_MAX : INT64_MAX);
    *result = (TarnLiteral){.kind = to.kind};
    if (conversion == TARN_CONVERTED || conversion == TARN_CONVERTED_BETWEEN) {
        result->as.integer = (int64_t)value;
    }
    return conversion;
}

static TarnConversion to_decimal(TarnPrimitive from, const TarnLiteral *literal, TarnPrimitive to,
                                 TarnLiteral *result) {
    TarnInt128 value = 0;
    TarnConversion conversion;
    if (literal->kind == TARN_TYPE_DECIMAL) {
        conversion = rescale(literal->as.decimal, from.scale, to.scale, &value);
    } else if (is_integer(literal->kind)) {
        conversion = rescale(literal->as.integer, 0, to.scale, &value);
    } else {
        return TARN_NOT_CONVERTIBLE;
    }
    if (to.precision < 1 || to.precision > 38) return TARN_NOT_CONVERTIBLE;
    TarnInt128 highest = power_of_ten(to.precision) - 1;
    *result = (TarnLiteral){.kind = TARN_TYPE_DECIMAL};
    result->as.decimal = value;
    return check_range(conversion, value, -highest, highest);
}

static TarnConversion to_real(const TarnLiteral *literal, TarnPrimitive to, TarnLiteral *result) {
    if (literal->kind == TARN_TYPE_FLOAT || literal->kind == TARN_TYPE_DOUBLE) {
        if (isnan(literal->as.real)) return TARN_CONVERTED_NAN;
        return same_value(literal, to.kind, result);
    }
    if (!is_integer(literal->kind)) return TARN_NOT_CONVERTIBLE;
    int64_t limit = to.kind == TARN_TYPE_FLOAT ? FLOAT_EXACT : DOUBLE_EXACT;
    if (literal->as.integer > limit || literal->as.integer < -limit) return TARN_NOT_CONVERTIBLE;
    *result = (TarnLiteral){.kind = to.kind};
    result->as.real = (double)literal->as.integer;
    return TARN_CONVERTED;
}

/* Nanoseconds in one unit of the kind; 0 = not a kind of that zone family. DATE is in the family
 * without zone. */
static int64_t unit_ns(TarnTypeKind kind, bool zoned) {
    switch (kind) {
    case TARN_TYPE_DATE: return zoned ? 0 : US_PER_DAY * NS_PER_US;
    case TARN_TYPE_TIMESTAMP: return zoned ? 0 : NS_PER_US;
    case TARN_TYPE_TIMESTAMP_NS: return zoned ? 0 : 1;
    case TARN_TYPE_TIMESTAMPTZ: return zoned ? NS_PER_US : 0;
    case TARN_TYPE_TIMESTAMPTZ_NS: return zoned ? 1 : 0;
    default: return 0;
    }
}

static TarnConversion to_time_point(const TarnLiteral *literal, TarnPrimitive to,
                                    TarnLiteral *result) {
    bool zoned = to.kind == TARN_TYPE_TIMESTAMPTZ || to.kind == TARN_TYPE_TIMESTAMPTZ_NS;
    int64_t from_unit = unit_ns(literal->kind, zoned);
    int64_t to_unit = unit_ns(to.kind, zoned);
    if (from_unit == 0 || to_unit == 0) return TARN_NOT_CONVERTIBLE;
    *result = (TarnLiteral){.kind = to.kind};
    if (from_unit >= to_unit) {
        /* Overflow here may be the engine's infinity, which has a meaning of its own. */
        return __builtin_mul_overflow(literal->as.integer, from_unit / to_unit, &result->as.integer)
                   ? TARN_NOT_CONVERTIBLE
                   : TARN_CONVERTED;
    }
    bool exact = false;
    TarnInt128 value = divide_floor(literal->as.integer, to_unit / from_unit, &exact);
    result->as.integer = (int64_t)value;
    TarnConversion conversion = exact ? TARN_CONVERTED : TARN_CONVERTED_BETWEEN;
    if (to.kind != TARN_TYPE_DATE) return conversion;
    return check_range(conversion, value, INT32_MIN, INT32_MAX);
}

TarnConversion tarn_table__literal_convert(TarnPrimitive from, const TarnLiteral *literal,
                                           TarnPrimitive to, TarnLiteral *result) {
    TarnTypeKind kind = literal->kind;
    switch (to.kind) {
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG: return to_integer(from, literal, to, result);
    case TARN_TYPE_DECIMAL: return to_decimal(from, literal, to, result);
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE: return to_real(literal, to, result);
    case TARN_TYPE_DATE:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS: return to_time_point(literal, to, result);
    case TARN_TYPE_BOOLEAN:
    case TARN_TYPE_TIME:
    case TARN_TYPE_STRING:
        return kind == to.kind ? same_value(literal, to.kind, result) : TARN_NOT_CONVERTIBLE;
    case TARN_TYPE_UUID:
        if (kind != to.kind || literal->as.bytes.size != 16) return TARN_NOT_CONVERTIBLE;
        return same_value(literal, to.kind, result);
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY:
        if (kind != TARN_TYPE_FIXED && kind != TARN_TYPE_BINARY) return TARN_NOT_CONVERTIBLE;
        return same_value(literal, to.kind, result);
    default: return TARN_NOT_CONVERTIBLE;
    }
}
