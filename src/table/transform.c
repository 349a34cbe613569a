/* Partition transforms on single values: parsing, result types, application, text.
 *
 * One switch per question, over the kinds of partition.h. All divisions floor, so that days,
 * months and widths before the epoch and below zero fall into the right slot. Results that their
 * type cannot hold are refused instead of wrapped: a wrapped partition value would hide rows from
 * every filter. The same transforms as SQL are in transform_sql.c, and must stay equal to these.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "base/time.h"
#include "table/partition.h"

#define US_PER_HOUR INT64_C(3600000000)
#define US_PER_DAY (24 * US_PER_HOUR)

/* ---- names ---- */

static const char *const transform_names[] = {
    [TARN_TRANSFORM_IDENTITY] = "identity", [TARN_TRANSFORM_BUCKET] = "bucket",
    [TARN_TRANSFORM_TRUNCATE] = "truncate", [TARN_TRANSFORM_YEAR] = "year",
    [TARN_TRANSFORM_MONTH] = "month",       [TARN_TRANSFORM_DAY] = "day",
    [TARN_TRANSFORM_HOUR] = "hour",         [TARN_TRANSFORM_VOID] = "void"};

static bool has_width(TarnTransformKind kind) {
    return kind == TARN_TRANSFORM_BUCKET || kind == TARN_TRANSFORM_TRUNCATE;
}

bool tarn_table_transform_parse(TarnText text, TarnTransform *transform) {
    *transform = (TarnTransform){.kind = TARN_TRANSFORM_UNKNOWN, .text = text};
    size_t size = 0;
    while (size < text.size && text.data[size] != '[') size++;
    for (size_t i = 0; i < TARN_TRANSFORM_UNKNOWN; i++) {
        const char *name = transform_names[i];
        if (strlen(name) != size || strncasecmp(name, text.data, size) != 0) continue;
        TarnTransform known = {.kind = (TarnTransformKind)i};
        *transform = known;
        if (!has_width(known.kind)) return size == text.size;
        int64_t width;
        if (text.size < size + 3 || text.data[text.size - 1] != ']') return false;
        TarnText digits = {text.data + size + 1, text.size - size - 2};
        if (!tarn_base_text_to_int64(digits, &width) || width < 1 || width > INT32_MAX)
            return false;
        transform->width = (int32_t)width;
        return true;
    }
    return text.size > 0;
}

void tarn_table_transform_write(TarnTransform transform, TarnBuffer *out) {
    if (transform.kind == TARN_TRANSFORM_UNKNOWN) {
        tarn_base_buffer_text(out, transform.text);
        return;
    }
    tarn_base_buffer_string(out, transform_names[transform.kind]);
    if (has_width(transform.kind)) tarn_base_buffer_printf(out, "[%d]", transform.width);
}

bool tarn_table_transform_equal(TarnTransform a, TarnTransform b) {
    if (a.kind != b.kind) return false;
    if (a.kind == TARN_TRANSFORM_UNKNOWN) return tarn_base_text_equal(a.text, b.text);
    return !has_width(a.kind) || a.width == b.width;
}

/* ---- result types ---- */

static bool is_timestamp(TarnTypeKind kind) {
    return kind >= TARN_TYPE_TIMESTAMP && kind <= TARN_TYPE_TIMESTAMPTZ_NS;
}

static bool can_bucket(TarnTypeKind kind) {
    switch (kind) {
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
    case TARN_TYPE_DECIMAL:
    case TARN_TYPE_DATE:
    case TARN_TYPE_TIME:
    case TARN_TYPE_STRING:
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY: return true;
    default: return is_timestamp(kind);
    }
}

static bool can_truncate(TarnTypeKind kind) {
    return kind == TARN_TYPE_INT || kind == TARN_TYPE_LONG || kind == TARN_TYPE_DECIMAL ||
           kind == TARN_TYPE_STRING || kind == TARN_TYPE_BINARY;
}

bool tarn_table_transform_result(TarnTransform transform, TarnPrimitive source,
                                 TarnPrimitive *result) {
    TarnTypeKind kind = source.kind;
    *result = source;
    if (tarn_format_kind_is_nested(kind)) return false;
    switch (transform.kind) {
    case TARN_TRANSFORM_IDENTITY:
        return kind != TARN_TYPE_GEOMETRY && kind != TARN_TYPE_GEOGRAPHY &&
               kind != TARN_TYPE_VARIANT;
    case TARN_TRANSFORM_TRUNCATE: return can_truncate(kind);
    case TARN_TRANSFORM_VOID: return true;
    case TARN_TRANSFORM_BUCKET:
        *result = (TarnPrimitive){.kind = TARN_TYPE_INT};
        return can_bucket(kind);
    case TARN_TRANSFORM_YEAR:
    case TARN_TRANSFORM_MONTH:
        *result = (TarnPrimitive){.kind = TARN_TYPE_INT};
        return kind == TARN_TYPE_DATE || is_timestamp(kind);
    case TARN_TRANSFORM_DAY:
        *result = (TarnPrimitive){.kind = TARN_TYPE_DATE};
        return kind == TARN_TYPE_DATE || is_timestamp(kind);
    case TARN_TRANSFORM_HOUR:
        *result = (TarnPrimitive){.kind = TARN_TYPE_INT};
        return is_timestamp(kind);
    case TARN_TRANSFORM_UNKNOWN: break;
    }
    return false;
}

/* ---- bucket ---- */

static int32_t bucket_of(uint32_t hash, int32_t count) {
    return count < 1 ? -1 : (int32_t)((hash & 0x7FFFFFFF) % (uint32_t)count);
}

static int32_t bucket_literal(TarnTypeKind kind, const TarnLiteral *value, int32_t count) {
    uint32_t hash = 0;
    if (!tarn_format_literal_hash((TarnPrimitive){.kind = kind}, value, &hash)) return -1;
    return bucket_of(hash, count);
}

int32_t tarn_table_bucket_long(int32_t count, int64_t value) {
    return bucket_literal(TARN_TYPE_LONG, &(TarnLiteral){.as.integer = value}, count);
}

int32_t tarn_table_bucket_decimal(int32_t count, TarnInt128 unscaled) {
    return bucket_literal(TARN_TYPE_DECIMAL, &(TarnLiteral){.as.decimal = unscaled}, count);
}

int32_t tarn_table_bucket_bytes(int32_t count, TarnText bytes) {
    return bucket_of(tarn_base_murmur3_32(bytes.data, bytes.size, 0), count);
}

/* ---- application ---- */

static int64_t floor_divide(int64_t value, int64_t by) { return value / by - (value % by < 0); }

/* Days since the epoch of a date or timestamp. */
static int64_t day_of(TarnTypeKind kind, int64_t value) {
    if (kind == TARN_TYPE_DATE) return value;
    bool nanoseconds = kind == TARN_TYPE_TIMESTAMP_NS || kind == TARN_TYPE_TIMESTAMPTZ_NS;
    return floor_divide(value, nanoseconds ? US_PER_DAY * 1000 : US_PER_DAY);
}

static int64_t hour_of(TarnTypeKind kind, int64_t value) {
    bool nanoseconds = kind == TARN_TYPE_TIMESTAMP_NS || kind == TARN_TYPE_TIMESTAMPTZ_NS;
    return floor_divide(value, nanoseconds ? US_PER_HOUR * 1000 : US_PER_HOUR);
}

static bool set_int(int64_t value, TarnLiteral *result) {
    result->as.integer = value;
    return value >= INT32_MIN && value <= INT32_MAX;
}

static bool apply_year_or_month(TarnTransformKind transform, TarnTypeKind kind, int64_t value,
                                TarnLiteral *result) {
    int64_t year;
    unsigned month;
    unsigned day;
    tarn_base_time_civil_from_days(day_of(kind, value), &year, &month, &day);
    year -= 1970;
    return set_int(transform == TARN_TRANSFORM_YEAR ? year : year * 12 + (int64_t)month - 1,
                   result);
}

static bool truncate_decimal(TarnPrimitive source, TarnInt128 value, int32_t width,
                             TarnLiteral *result) {
    TarnInt128 rest = value % width;
    TarnInt128 truncated = value - (rest < 0 ? rest + width : rest);
    TarnInt128 limit = 1;
    for (int32_t i = 0; i < source.precision; i++) limit *= 10;
    result->as.decimal = truncated;
    return truncated > -limit;
}

static bool apply_truncate(TarnPrimitive source, const TarnLiteral *value, int32_t width,
                           TarnLiteral *result) {
    switch (source.kind) {
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG: {
        int64_t rest = value->as.integer % width;
        if (rest < 0) rest += width;
        int64_t truncated;
        if (__builtin_sub_overflow(value->as.integer, rest, &truncated)) return false;
        result->as.integer = truncated;
        return source.kind == TARN_TYPE_LONG || set_int(truncated, result);
    }
    case TARN_TYPE_DECIMAL: return truncate_decimal(source, value->as.decimal, width, result);
    default:
        result->as.bytes = tarn_format_bound_lower(source, value->as.bytes, width);
        return true;
    }
}

bool tarn_table_transform_apply(TarnTransform transform, TarnPrimitive source,
                                const TarnLiteral *value, TarnArena *arena, TarnLiteral *result) {
    (void)arena; /* no transform of today makes bytes that are not part of the value's */
    TarnPrimitive type;
    if (!tarn_table_transform_result(transform, source, &type)) return false;
    if (has_width(transform.kind) && transform.width < 1) return false;
    *result = (TarnLiteral){.kind = type.kind, .is_null = true};
    if (value->is_null || transform.kind == TARN_TRANSFORM_VOID) return true;
    if (value->kind != source.kind) return false;
    result->is_null = false;
    switch (transform.kind) {
    case TARN_TRANSFORM_IDENTITY: *result = *value; return true;
    case TARN_TRANSFORM_BUCKET:
        result->as.integer = bucket_literal(source.kind, value, transform.width);
        return result->as.integer >= 0;
    case TARN_TRANSFORM_TRUNCATE: return apply_truncate(source, value, transform.width, result);
    case TARN_TRANSFORM_YEAR:
    case TARN_TRANSFORM_MONTH:
        return apply_year_or_month(transform.kind, source.kind, value->as.integer, result);
    case TARN_TRANSFORM_DAY: return set_int(day_of(source.kind, value->as.integer), result);
    case TARN_TRANSFORM_HOUR: return set_int(hour_of(source.kind, value->as.integer), result);
    default: return false;
    }
}

/* ---- text ---- */

void tarn_table_transform_value_text(TarnTransform transform, TarnPrimitive source,
                                     const TarnLiteral *value, TarnBuffer *out) {
    int64_t number = value->is_null ? 0 : value->as.integer;
    TarnPrimitive type;
    if (value->is_null) {
        tarn_base_buffer_string(out, "null");
        return;
    }
    switch (transform.kind) {
    case TARN_TRANSFORM_YEAR: tarn_base_buffer_printf(out, "%04" PRId64, 1970 + number); return;
    case TARN_TRANSFORM_MONTH:
        tarn_base_buffer_printf(out, "%04" PRId64 "-%02" PRId64, 1970 + floor_divide(number, 12),
                                number - 12 * floor_divide(number, 12) + 1);
        return;
    case TARN_TRANSFORM_HOUR: {
        TarnLiteral day = {.kind = TARN_TYPE_DATE, .as.integer = floor_divide(number, 24)};
        tarn_format_literal_to_text((TarnPrimitive){.kind = TARN_TYPE_DATE}, &day, out);
        tarn_base_buffer_printf(out, "-%02" PRId64, number - 24 * day.as.integer);
        return;
    }
    default:
        if (!tarn_table_transform_result(transform, source, &type)) type.kind = value->kind;
        tarn_format_literal_to_text(type, value, out);
        return;
    }
}
