/* Numbers as text, exactly as DuckDB's casts write them.
 *
 * Purpose: shortest floating point text, 128-bit integers, decimals and big numbers, for
 * value_text.c and value_json.c.
 * Idea of the shortest text: 15 digits always survive the way through a double, so if 15 recover
 * the value, those without their zeros are the shortest; else 16 and 17 are tried. With 16 the
 * correctly rounded digits may fail where a neighbour succeeds (the interval around a power of
 * two is lopsided), so both neighbours are tried before going on. Floats likewise with 6 to 9
 * digits. Subnormal numbers have fewer bits: for them all counts from 1 on are tried.
 * DuckDB itself goes astray now and then: its fallback writes some floats with the digits of a
 * double, and a few powers of two wrongly (2^91 as 4.951760157141521e+27). Here they are right.
 * What it does not do: depend on the locale; the program never sets one.
 */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine_private.h"

__extension__ typedef unsigned __int128 Wide;

/* Decimal digits and the exponent of the first: 0.00123 is "123" with exponent -3. */
typedef struct Digits {
    char text[24];
    int count;
    int exponent;
} Digits;

static bool same_number(const Digits *digits, double value, bool is_float) {
    char text[48];
    (void)snprintf(text, sizeof(text), "%c.%se%d", digits->text[0], digits->text + 1,
                   digits->exponent);
    if (is_float) return strtof(text, NULL) == (float)value;
    return strtod(text, NULL) == value;
}

static void round_to(double value, int count, Digits *digits) {
    char text[48];
    (void)snprintf(text, sizeof(text), "%.*e", count - 1, value);
    size_t at = 0;
    for (char *from = text; *from != 'e'; from++) {
        if (*from != '.') digits->text[at++] = *from;
    }
    digits->text[at] = '\0';
    digits->count = (int)at;
    digits->exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
}

/* One unit more or less in the last digit; false if that would change the exponent. */
static bool step_digits(const Digits *from, int step, Digits *to) {
    *to = *from;
    for (int i = to->count - 1; i >= 0; i--) {
        int digit = to->text[i] - '0' + step;
        if (digit >= 0 && digit <= 9) {
            to->text[i] = (char)('0' + digit);
            return to->text[0] != '0';
        }
        to->text[i] = step > 0 ? '0' : '9';
    }
    return false;
}

static bool try_digits(double value, bool is_float, int count, bool neighbours, Digits *digits) {
    round_to(value, count, digits);
    if (same_number(digits, value, is_float)) return true;
    if (!neighbours) return false;
    Digits rounded = *digits;
    for (int step = -1; step <= 1; step += 2) {
        if (step_digits(&rounded, step, digits) && same_number(digits, value, is_float)) {
            return true;
        }
    }
    return false;
}

/* value is finite and positive */
static void find_shortest(double value, bool is_float, Digits *digits) {
    bool is_subnormal = value < (is_float ? (double)FLT_MIN : DBL_MIN);
    int sure = is_float ? FLT_DIG : DBL_DIG;
    int enough = is_float ? 9 : 17;
    for (int count = is_subnormal ? 1 : sure; count <= enough; count++) {
        bool neighbours = count < enough && (is_subnormal || count > sure);
        if (try_digits(value, is_float, count, neighbours, digits)) break;
    }
    while (digits->count > 1 && digits->text[digits->count - 1] == '0') digits->count--;
    digits->text[digits->count] = '\0';
}

static size_t lay_out(const Digits *digits, char *out, size_t size) {
    int count = digits->count;
    int exponent = digits->exponent;
    int written;
    if (exponent < -4 || exponent >= 16) {
        written = snprintf(out, size, "%c%s%se%c%02d", digits->text[0], count > 1 ? "." : "",
                           digits->text + 1, exponent < 0 ? '-' : '+', abs(exponent));
    } else if (exponent < 0) {
        written = snprintf(out, size, "0.%.*s%s", -exponent - 1, "0000", digits->text);
    } else if (count <= exponent + 1) {
        written = snprintf(out, size, "%s%.*s.0", digits->text, exponent + 1 - count,
                           "0000000000000000");
    } else {
        written = snprintf(out, size, "%.*s.%s", exponent + 1, digits->text,
                           digits->text + exponent + 1);
    }
    return (size_t)written;
}

static size_t write_real(double value, bool is_float, char out[TARN_ENGINE_NUMBER_BYTES]) {
    size_t sign = signbit(value) && !isnan(value) ? 1 : 0;
    if (sign == 1) out[0] = '-';
    char *at = out + sign;
    size_t room = TARN_ENGINE_NUMBER_BYTES - sign;
    if (isnan(value)) return (size_t)snprintf(out, TARN_ENGINE_NUMBER_BYTES, "nan");
    if (isinf(value)) return sign + (size_t)snprintf(at, room, "inf");
    if (value == 0) return sign + (size_t)snprintf(at, room, "0.0");
    Digits digits;
    find_shortest(fabs(value), is_float, &digits);
    return sign + lay_out(&digits, at, room);
}

size_t tarn_engine__double_write(double value, char out[TARN_ENGINE_NUMBER_BYTES]) {
    return write_real(value, false, out);
}

size_t tarn_engine__float_write(float value, char out[TARN_ENGINE_NUMBER_BYTES]) {
    return write_real((double)value, true, out);
}

/* Digits backwards from `end`; returns where they begin. */
static char *write_wide(Wide value, char *end) {
    do {
        *--end = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value != 0);
    return end;
}

static Wide magnitude_of(TarnEngineInt128 value, bool is_unsigned, bool *negative) {
    Wide wide = (Wide)(uint64_t)value.upper << 64 | value.lower;
    *negative = !is_unsigned && value.upper < 0;
    return *negative ? (Wide)0 - wide : wide;
}

size_t tarn_engine__int128_write(TarnEngineInt128 value, bool is_unsigned,
                                 char out[TARN_ENGINE_NUMBER_BYTES]) {
    bool negative;
    Wide magnitude = magnitude_of(value, is_unsigned, &negative);
    char text[TARN_ENGINE_NUMBER_BYTES];
    char *end = text + sizeof(text);
    char *start = write_wide(magnitude, end);
    if (negative) *--start = '-';
    size_t size = (size_t)(end - start);
    memcpy(out, start, size);
    out[size] = '\0';
    return size;
}

void tarn_engine__decimal_write(const TarnEngineVector *vector, uint64_t row, bool leading_zero,
                                TarnBuffer *out) {
    const TarnEngineType *type = vector->type;
    TarnEngineInt128 value;
    if (type->width > 18) {
        value = ((const TarnEngineInt128 *)vector->data)[row];
    } else {
        int64_t narrow = 0;
        (void)tarn_engine_vector_int64(vector, row, &narrow);
        value = (TarnEngineInt128){(uint64_t)narrow, narrow < 0 ? -1 : 0};
    }
    bool negative;
    Wide magnitude = magnitude_of(value, false, &negative);
    char text[TARN_ENGINE_NUMBER_BYTES];
    char *end = text + sizeof(text);
    char *start = write_wide(magnitude, end);
    size_t least = (size_t)type->scale + (leading_zero || type->scale == 0 ? 1 : 0);
    while ((size_t)(end - start) < least) *--start = '0';
    if (!leading_zero && magnitude == 0 && type->scale > 0) start = end - type->scale;
    if (negative) tarn_base_buffer_byte(out, '-');
    tarn_base_buffer_append(out, start, (size_t)(end - start) - type->scale);
    if (type->scale == 0) return;
    tarn_base_buffer_byte(out, '.');
    tarn_base_buffer_append(out, end - type->scale, type->scale);
}

/* DuckDB's BIGNUM: three bytes of header, whose top bit tells a positive number, then the
 * magnitude, most significant byte first; all bits are flipped for a negative number. The limbs
 * hold nine decimal digits each. */
void tarn_engine__bignum_write(TarnText bytes, TarnBuffer *out) {
    const size_t header = 3;
    const uint32_t limb_base = 1000000000U;
    if (bytes.size <= header) return;
    bool negative = ((unsigned char)bytes.data[0] & 0x80) == 0;
    size_t limb_room = (bytes.size - header) / 3 + 2; /* 3 bytes need fewer than 9 digits */
    uint32_t *limbs = calloc(limb_room, sizeof(*limbs));
    if (limbs == NULL) {
        out->failed = out->out_of_memory = true;
        return;
    }
    size_t count = 1;
    for (size_t i = header; i < bytes.size; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        uint64_t carry = negative ? (unsigned char)~byte : byte;
        for (size_t j = 0; j < count; j++) {
            uint64_t product = (uint64_t)limbs[j] * 256 + carry;
            limbs[j] = (uint32_t)(product % limb_base);
            carry = product / limb_base;
        }
        if (carry > 0) limbs[count++] = (uint32_t)carry;
    }
    if (negative) tarn_base_buffer_byte(out, '-');
    tarn_base_buffer_printf(out, "%" PRIu32, limbs[count - 1]);
    for (size_t j = count - 1; j > 0; j--) {
        tarn_base_buffer_printf(out, "%09" PRIu32, limbs[j - 1]);
    }
    free(limbs);
}
