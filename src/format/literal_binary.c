/* Binary single values (Iceberg specification, appendix D) and truncated bounds.
 *
 * Numbers are little-endian, decimals and UUIDs big-endian. A bound does not say its type and is
 * never rewritten when a column is widened, so reading infers from the length what the column was
 * when the bound was written. Bytes come from files of strangers: each length and range is
 * checked, and a value that could not have been written is refused. Bounds of geometry and
 * variant are not single values and not read here.
 */
#include <inttypes.h>
#include <string.h>

#include "format/literal.h"
#include "format/literal_private.h"

/* ---- writing ---- */

static void put_little_endian(TarnBuffer *out, uint64_t value, size_t size) {
    unsigned char bytes[8];
    for (size_t i = 0; i < size; i++) bytes[i] = (unsigned char)(value >> 8 * i);
    tarn_base_buffer_append(out, bytes, size);
}

size_t tarn_format_decimal_bytes(TarnInt128 unscaled, unsigned char out[16]) {
    size_t size = 16;
    /* A leading byte is needless if it only repeats the sign bit of the next. */
    while (size > 1) {
        TarnInt128 top = unscaled >> (8 * (size - 1) - 1);
        if (top != 0 && top != -1) break;
        size--;
    }
    for (size_t i = 0; i < size; i++) {
        out[i] = (unsigned char)(uint64_t)(unscaled >> 8 * (size - 1 - i));
    }
    return size;
}

void tarn_format_literal_to_bytes(const TarnLiteral *literal, TarnBuffer *out) {
    if (literal->is_null) return;
    switch (literal->kind) {
    case TARN_TYPE_BOOLEAN: tarn_base_buffer_byte(out, literal->as.boolean ? 1 : 0); return;
    case TARN_TYPE_INT:
    case TARN_TYPE_DATE: put_little_endian(out, (uint64_t)literal->as.integer, 4); return;
    case TARN_TYPE_LONG:
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS: put_little_endian(out, (uint64_t)literal->as.integer, 8); return;
    case TARN_TYPE_FLOAT: {
        float value = (float)literal->as.real;
        uint32_t bits;
        memcpy(&bits, &value, sizeof(bits));
        put_little_endian(out, bits, 4);
        return;
    }
    case TARN_TYPE_DOUBLE: {
        uint64_t bits;
        memcpy(&bits, &literal->as.real, sizeof(bits));
        put_little_endian(out, bits, 8);
        return;
    }
    case TARN_TYPE_DECIMAL: {
        unsigned char bytes[16];
        tarn_base_buffer_append(out, bytes, tarn_format_decimal_bytes(literal->as.decimal, bytes));
        return;
    }
    case TARN_TYPE_STRING:
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY: tarn_base_buffer_text(out, literal->as.bytes); return;
    default: return; /* no other kind has a binary form */
    }
}

/* ---- reading ---- */

static uint64_t take_little_endian(TarnText bytes) {
    uint64_t value = 0;
    for (size_t i = bytes.size; i > 0; i--) value = value << 8 | (unsigned char)bytes.data[i - 1];
    return value;
}

static bool refuse_bytes(TarnPrimitive type, TarnText bytes, const char *why, TarnError *error) {
    char shown[2 * 16 + 1];
    tarn_base_text_hex(bytes.data, bytes.size < 16 ? bytes.size : 16, shown);
    char name[TARN_FORMAT_TYPE_NAME_BYTES];
    return tarn_base_error_set(
        error, TARN_E_FORMAT_CORRUPT, "%zu bytes %s%s are not a value of type %s: %s", bytes.size,
        shown, bytes.size > 16 ? ".." : "", tarn_format__type_name(type, name), why);
}

static bool read_real(TarnPrimitive type, TarnText bytes, TarnLiteral *literal) {
    if (bytes.size == 4) {
        uint32_t bits = (uint32_t)take_little_endian(bytes);
        float value;
        memcpy(&value, &bits, sizeof(value));
        literal->as.real = (double)value;
        return true;
    }
    if (bytes.size != 8 || type.kind != TARN_TYPE_DOUBLE) return false;
    uint64_t bits = take_little_endian(bytes);
    memcpy(&literal->as.real, &bits, sizeof(bits));
    return true;
}

__extension__ typedef unsigned __int128 Wide;

static bool read_decimal(TarnPrimitive type, TarnText bytes, TarnLiteral *literal) {
    if (bytes.size < 1 || bytes.size > 16) return false;
    unsigned char first = (unsigned char)bytes.data[0];
    TarnInt128 value = first >= 0x80 ? -1 : 0;
    for (size_t i = 0; i < bytes.size; i++) {
        value = (TarnInt128)((Wide)value << 8 | (unsigned char)bytes.data[i]);
    }
    literal->as.decimal = value;
    return tarn_format__decimal_fits(value, type.precision);
}

static bool read_integer(TarnPrimitive type, TarnText bytes, TarnLiteral *literal,
                         const char **why) {
    bool narrow = type.kind == TARN_TYPE_INT || type.kind == TARN_TYPE_DATE;
    if (bytes.size == 8 && !narrow) {
        literal->as.integer = (int64_t)take_little_endian(bytes);
        *why = "a time is from 0 to 24 hours";
        return type.kind != TARN_TYPE_TIME ||
               (literal->as.integer >= 0 && literal->as.integer <= TARN_US_PER_DAY);
    }
    *why = "the length is wrong";
    if (bytes.size != 4) return false;
    literal->as.integer = (int32_t)(uint32_t)take_little_endian(bytes);
    if (narrow || type.kind == TARN_TYPE_LONG) return true;
    if (type.kind != TARN_TYPE_TIMESTAMP && type.kind != TARN_TYPE_TIMESTAMP_NS) return false;
    *why = "the date is beyond the timestamp's range";
    TarnLiteral date = *literal;
    date.kind = TARN_TYPE_DATE;
    return tarn_format_literal_promote(type, &date, literal);
}

bool tarn_format_literal_from_bytes(TarnPrimitive type, TarnText bytes, TarnLiteral *literal,
                                    TarnError *error) {
    *literal = (TarnLiteral){.kind = type.kind};
    const char *why = "the length is wrong";
    bool valid = false;
    switch (type.kind) {
    case TARN_TYPE_BOOLEAN:
        valid = bytes.size == 1;
        literal->as.boolean = valid && bytes.data[0] != 0;
        break;
    case TARN_TYPE_INT:
    case TARN_TYPE_DATE:
    case TARN_TYPE_LONG:
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS: valid = read_integer(type, bytes, literal, &why); break;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE: valid = read_real(type, bytes, literal); break;
    case TARN_TYPE_DECIMAL:
        why = "1 to 16 bytes within the precision are";
        valid = read_decimal(type, bytes, literal);
        break;
    case TARN_TYPE_STRING:
        why = "it is not UTF-8";
        valid = tarn_base_text_utf8_valid(bytes) == bytes.size;
        literal->as.bytes = bytes;
        break;
    case TARN_TYPE_UUID:
        valid = bytes.size == 16;
        literal->as.bytes = bytes;
        break;
    case TARN_TYPE_FIXED: /* shorter: a bound that was cut as binary is */
        valid = bytes.size <= (size_t)type.length;
        literal->as.bytes = bytes;
        break;
    case TARN_TYPE_BINARY:
        valid = true;
        literal->as.bytes = bytes;
        break;
    default:
        return tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                                   "cannot read a single value of a type without binary form");
    }
    return valid || refuse_bytes(type, bytes, why, error);
}

/* ---- truncated bounds ---- */

/* Bytes of the first `width` code points; text.size if there are no more. */
static size_t prefix_size(TarnText text, int32_t width) {
    size_t seen = 0;
    size_t i = 0;
    for (; i < text.size; i++) {
        bool starts = ((unsigned char)text.data[i] & 0xC0) != 0x80;
        if (starts && seen++ == (size_t)width) break;
    }
    return i;
}

static TarnText cut(TarnPrimitive type, TarnText value, int32_t width) {
    size_t size = value.size;
    if (type.kind == TARN_TYPE_STRING) {
        size = prefix_size(value, width);
    } else if (type.kind == TARN_TYPE_BINARY || type.kind == TARN_TYPE_FIXED) {
        size = value.size < (size_t)width ? value.size : (size_t)width;
    }
    return (TarnText){value.data, size};
}

TarnText tarn_format_bound_lower(TarnPrimitive type, TarnText value, int32_t width) {
    return cut(type, value, width);
}

static bool increment_bytes(TarnText prefix, TarnArena *arena, TarnText *bound) {
    size_t size = prefix.size;
    while (size > 0 && (unsigned char)prefix.data[size - 1] == 0xFF) size--;
    if (size == 0) return false;
    char *copy = tarn_base_arena_copy(arena, prefix.data, size);
    if (copy == NULL) return false;
    copy[size - 1] = (char)((unsigned char)copy[size - 1] + 1);
    *bound = (TarnText){copy, size};
    return true;
}

static bool increment_code_points(TarnText prefix, TarnArena *arena, TarnText *bound) {
    if (tarn_base_text_utf8_valid(prefix) != prefix.size) return false;
    size_t size = prefix.size;
    while (size > 0) {
        size_t last = size - 1;
        while (((unsigned char)prefix.data[last] & 0xC0) == 0x80) last--;
        size_t offset = last;
        int32_t code_point = tarn_base_text_utf8_next(prefix, &offset);
        if (code_point == 0x10FFFF) { /* nothing above it: carry to the left */
            size = last;
            continue;
        }
        code_point = code_point == 0xD7FF ? 0xE000 : code_point + 1;
        char *copy = tarn_base_arena_alloc(arena, last + 4);
        if (copy == NULL) return false;
        if (last > 0) memcpy(copy, prefix.data, last);
        *bound = (TarnText){copy, last + tarn_base_text_utf8_put(code_point, copy + last)};
        return true;
    }
    return false;
}

bool tarn_format_bound_upper(TarnPrimitive type, TarnText value, int32_t width, TarnArena *arena,
                             TarnText *bound) {
    TarnText prefix = cut(type, value, width);
    if (prefix.size == value.size) {
        *bound = value;
        return true;
    }
    return type.kind == TARN_TYPE_STRING ? increment_code_points(prefix, arena, bound)
                                         : increment_bytes(prefix, arena, bound);
}
