/* Bounds of Parquet columns as Iceberg values.
 *
 * Parquet states them in the physical type; Iceberg wants the table's type. Where the table is
 * coarser (nanoseconds in a column of microseconds) a lower bound is rounded down and an upper
 * bound up. An upper bound that the writer calls inexact is moved up once more: some writers cut
 * long texts without incrementing the rest. Whatever does not fit gives no bound, which costs
 * pruning and never a row.
 */
#include <math.h>
#include <string.h>

#include "table/file_metrics_private.h"

#define MICROS_PER_DAY INT64_C(86400000000)
#define UUID_BYTES 16

/* ---- what can be read as what ---- */

static bool is_integer_of(const TarnParquetNode *node, int32_t bits_max) {
    const TarnParquetLogical *logical = &node->logical;
    if (logical->kind == TARN_PARQUET_LOGICAL_NONE) return true;
    if (logical->kind != TARN_PARQUET_LOGICAL_INTEGER) return false;
    return logical->bit_width + (logical->is_signed ? 0 : 1) <= bits_max;
}

static bool can_read_decimal(const TarnParquetNode *node, TarnPrimitive type) {
    const TarnParquetLogical *logical = &node->logical;
    return logical->kind == TARN_PARQUET_LOGICAL_DECIMAL && logical->scale == type.scale &&
           logical->precision <= type.precision && node->physical != TARN_PARQUET_BOOLEAN &&
           node->physical != TARN_PARQUET_INT96 && node->physical != TARN_PARQUET_FLOAT &&
           node->physical != TARN_PARQUET_DOUBLE;
}

/* A zone cannot be guessed: only a converted type, which could not say it, leaves it open. */
static bool can_read_timestamp(const TarnParquetNode *node, bool with_zone) {
    const TarnParquetLogical *logical = &node->logical;
    if (node->physical == TARN_PARQUET_INT96) return true;
    if (logical->kind == TARN_PARQUET_LOGICAL_DATE) {
        return node->physical == TARN_PARQUET_INT32 && !with_zone;
    }
    return node->physical == TARN_PARQUET_INT64 &&
           logical->kind == TARN_PARQUET_LOGICAL_TIMESTAMP &&
           (logical->adjusted_to_utc == with_zone || logical->from_converted);
}

/* Bytes compared as bytes: not numbers in disguise, whose bounds have another order. */
static bool is_plain_bytes(const TarnParquetNode *node) {
    switch (node->logical.kind) {
    case TARN_PARQUET_LOGICAL_DECIMAL:
    case TARN_PARQUET_LOGICAL_FLOAT16:
    case TARN_PARQUET_LOGICAL_INTERVAL: return false;
    default: return true;
    }
}

static bool is_half(const TarnParquetNode *node) {
    return node->physical == TARN_PARQUET_FIXED && node->type_length == 2 &&
           node->logical.kind == TARN_PARQUET_LOGICAL_FLOAT16;
}

static bool is_number(const TarnParquetNode *node, TarnParquetPhysical physical) {
    return node->physical == physical && node->logical.kind == TARN_PARQUET_LOGICAL_NONE;
}

bool tarn_table__file_can_read(const TarnParquetNode *node, TarnPrimitive type) {
    TarnParquetPhysical physical = node->physical;
    TarnParquetLogicalKind logical = node->logical.kind;
    switch (type.kind) {
    case TARN_TYPE_BOOLEAN: return is_number(node, TARN_PARQUET_BOOLEAN);
    case TARN_TYPE_INT: return physical == TARN_PARQUET_INT32 && is_integer_of(node, 32);
    case TARN_TYPE_LONG:
        return (physical == TARN_PARQUET_INT32 || physical == TARN_PARQUET_INT64) &&
               is_integer_of(node, 64);
    case TARN_TYPE_FLOAT: return is_number(node, TARN_PARQUET_FLOAT) || is_half(node);
    case TARN_TYPE_DOUBLE:
        return is_number(node, TARN_PARQUET_FLOAT) || is_number(node, TARN_PARQUET_DOUBLE) ||
               is_half(node);
    case TARN_TYPE_DECIMAL: return can_read_decimal(node, type);
    case TARN_TYPE_DATE:
        return physical == TARN_PARQUET_INT32 && logical == TARN_PARQUET_LOGICAL_DATE;
    case TARN_TYPE_TIME:
        return logical == TARN_PARQUET_LOGICAL_TIME &&
               (physical == TARN_PARQUET_INT32 || physical == TARN_PARQUET_INT64);
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMP_NS: return can_read_timestamp(node, false);
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMPTZ_NS: return can_read_timestamp(node, true);
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
        return physical == TARN_PARQUET_FIXED && is_plain_bytes(node) &&
               node->type_length == (type.kind == TARN_TYPE_UUID ? UUID_BYTES : type.length);
    case TARN_TYPE_STRING:
    case TARN_TYPE_BINARY:
    case TARN_TYPE_GEOMETRY:
    case TARN_TYPE_GEOGRAPHY: return physical == TARN_PARQUET_BYTE_ARRAY && is_plain_bytes(node);
    case TARN_TYPE_UNKNOWN: return physical != TARN_PARQUET_GROUP;
    case TARN_TYPE_VARIANT: /* a group */
    case TARN_TYPE_STRUCT:
    case TARN_TYPE_LIST:
    case TARN_TYPE_MAP:
    default: return false;
    }
}

/* ---- numbers ---- */

static uint64_t little_endian(TarnText bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size; i++) value |= (uint64_t)(uint8_t)bytes.data[i] << (8 * i);
    return value;
}

/* An INT32 or INT64 as a signed number; false if an unsigned one is beyond it. */
static bool read_integer(const TarnParquetNode *node, TarnText bytes, int64_t *value) {
    size_t size = node->physical == TARN_PARQUET_INT32 ? 4 : 8;
    if (bytes.size != size) return false;
    uint64_t raw = little_endian(bytes);
    bool is_unsigned = node->logical.kind == TARN_PARQUET_LOGICAL_INTEGER &&
                       !node->logical.is_signed;
    if (is_unsigned) {
        *value = (int64_t)raw;
        return raw <= INT64_MAX;
    }
    *value = size == 4 ? (int32_t)(uint32_t)raw : (int64_t)raw;
    return true;
}

/* Division that rounds to the side the bound is on. */
static int64_t divide_outward(int64_t value, int64_t divisor, bool is_upper) {
    int64_t quotient = value / divisor;
    int64_t rest = value % divisor;
    if (rest > 0 && is_upper) return quotient + 1;
    if (rest < 0 && !is_upper) return quotient - 1;
    return quotient;
}

/* From the unit of the file to the unit of the table, both as thousands: millis 1, nanos 3. */
static bool convert_unit(int64_t value, int from, int to, bool is_upper, int64_t *result) {
    int64_t factor = 1;
    for (int i = from < to ? to - from : from - to; i > 0; i--) factor *= 1000;
    if (from > to) {
        *result = divide_outward(value, factor, is_upper);
        return true;
    }
    return !__builtin_mul_overflow(value, factor, result);
}

static bool read_time(const TarnParquetNode *node, TarnText bytes, int unit, bool is_upper,
                      int64_t *value) {
    int64_t raw;
    if (node->physical == TARN_PARQUET_INT96 || !read_integer(node, bytes, &raw)) return false;
    if (node->logical.kind == TARN_PARQUET_LOGICAL_DATE) { /* of a column that was a date once */
        return !__builtin_mul_overflow(raw, MICROS_PER_DAY, &raw) &&
               convert_unit(raw, TARN_PARQUET_MICROS, unit, is_upper, value);
    }
    return convert_unit(raw, (int)node->logical.unit, unit, is_upper, value);
}

static double half_to_double(uint16_t half) {
    int exponent = (half >> 10) & 0x1F;
    int fraction = half & 0x3FF;
    double value;
    if (exponent == 0x1F) {
        value = fraction != 0 ? NAN : INFINITY;
    } else if (exponent == 0) {
        value = ldexp(fraction, -24);
    } else {
        value = ldexp(fraction + 0x400, exponent - 25);
    }
    return (half & 0x8000) != 0 ? -value : value;
}

/* NaN never bounds. Zeros are taken for the zero that is further out: writers mix them up. */
static bool read_real(const TarnParquetNode *node, TarnText bytes, bool is_upper, double *value) {
    if (is_half(node)) {
        if (bytes.size != 2) return false;
        *value = half_to_double((uint16_t)little_endian(bytes));
    } else if (node->physical == TARN_PARQUET_FLOAT) {
        float single;
        if (bytes.size != sizeof(single)) return false;
        uint32_t bits = (uint32_t)little_endian(bytes);
        memcpy(&single, &bits, sizeof(single));
        *value = single;
    } else {
        if (bytes.size != sizeof(*value)) return false;
        uint64_t bits = little_endian(bytes);
        memcpy(value, &bits, sizeof(*value));
    }
    if (isnan(*value)) return false;
    if (*value == 0) *value = is_upper ? 0.0 : -0.0;
    return true;
}

/* Big endian, of any length whose value fits. */
static bool read_decimal(const TarnParquetNode *node, TarnText bytes, TarnInt128 *value) {
    int64_t small;
    if (node->physical == TARN_PARQUET_INT32 || node->physical == TARN_PARQUET_INT64) {
        if (!read_integer(node, bytes, &small)) return false;
        *value = small;
        return true;
    }
    if (bytes.size == 0) return false;
    if (node->physical == TARN_PARQUET_FIXED && bytes.size != (size_t)node->type_length) {
        return false;
    }
    bool negative = (bytes.data[0] & 0x80) != 0;
    uint8_t sign = negative ? 0xFF : 0x00;
    while (bytes.size > 16) {
        if ((uint8_t)bytes.data[0] != sign) return false;
        bytes.data++;
        bytes.size--;
    }
    if (((bytes.data[0] & 0x80) != 0) != negative) return false;
    TarnInt128 sum = negative ? -1 : 0;
    for (size_t i = 0; i < bytes.size; i++) sum = sum * 256 + (uint8_t)bytes.data[i];
    *value = sum;
    return true;
}

/* ---- texts and bytes ---- */

/* The next value above all that begin with `value`; false if there is none. */
static bool increment(TarnPrimitive type, TarnText value, TarnArena *arena, TarnText *result) {
    size_t units = type.kind == TARN_TYPE_STRING ? tarn_base_text_utf8_count(value) : value.size;
    if (units == 0 || units > INT32_MAX) return false;
    char *longer = tarn_base_arena_string_n(arena, value.data, value.size);
    if (longer == NULL) return false;
    longer[value.size] = 'x'; /* one unit more, so that cutting to `units` increments */
    return tarn_format_bound_upper(type, (TarnText){longer, value.size + 1}, (int32_t)units, arena,
                                   result);
}

static bool read_bytes(TarnPrimitive type, TarnText bytes, bool is_upper, bool is_inexact,
                       TarnArena *arena, TarnText *value) {
    TarnText text = bytes;
    if (type.kind == TARN_TYPE_STRING) {
        text.size = tarn_base_text_utf8_valid(bytes);
        is_inexact = is_inexact || text.size < bytes.size;
    }
    if (is_upper && is_inexact) return increment(type, text, arena, value);
    *value = text;
    return true;
}

/* ---- all ---- */

bool tarn_table__file_bound(const TarnParquetNode *node, TarnPrimitive type, TarnText bytes,
                            bool is_upper, bool is_inexact, TarnArena *arena,
                            TarnLiteral *literal) {
    *literal = (TarnLiteral){.kind = type.kind};
    switch (type.kind) {
    case TARN_TYPE_BOOLEAN:
        literal->as.boolean = bytes.size == 1 && bytes.data[0] != 0;
        return bytes.size == 1;
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
    case TARN_TYPE_DATE: return read_integer(node, bytes, &literal->as.integer);
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
        return read_time(node, bytes, TARN_PARQUET_MICROS, is_upper, &literal->as.integer);
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS:
        return read_time(node, bytes, TARN_PARQUET_NANOS, is_upper, &literal->as.integer);
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE: return read_real(node, bytes, is_upper, &literal->as.real);
    case TARN_TYPE_DECIMAL: return read_decimal(node, bytes, &literal->as.decimal);
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED: literal->as.bytes = bytes; return bytes.size == (size_t)node->type_length;
    case TARN_TYPE_STRING:
    case TARN_TYPE_BINARY:
        return read_bytes(type, bytes, is_upper, is_inexact, arena, &literal->as.bytes);
    default: return false;
    }
}
