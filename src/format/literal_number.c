/* Numbers and UUIDs as text, both ways, without loss.
 *
 * Decimals are 128-bit integers and a scale; reading takes plain and scientific notation and is
 * exact: what would need rounding is refused. Floats are written with the fewest digits that read
 * back as the same bits, found by trying, and read by the C library's correctly rounding parser;
 * a float is read as a float, since rounding to double first may round twice. Hexadecimal floats,
 * digit separators and locales are not understood.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/literal_private.h"

#define DECIMAL_DIGITS_MAX 38 /* 10^38 - 1 is the largest decimal and fits 127 bits */

/* ---- decimals ---- */

static TarnInt128 power_of_ten(int32_t exponent) {
    TarnInt128 power = 1;
    while (exponent-- > 0) power *= 10;
    return power;
}

bool tarn_format__decimal_fits(TarnInt128 unscaled, int32_t precision) {
    TarnInt128 limit = power_of_ten(precision < DECIMAL_DIGITS_MAX ? precision
                                                                   : DECIMAL_DIGITS_MAX);
    return unscaled < limit && unscaled > -limit;
}

void tarn_format__decimal_write(TarnInt128 unscaled, int32_t scale, TarnBuffer *out) {
    char digits[64]; /* 39 digits of 128 bits, or scale + 1 */
    size_t at = sizeof(digits);
    __extension__ unsigned __int128 rest = (unsigned __int128)unscaled;
    if (unscaled < 0) rest = 0 - rest;
    for (int32_t i = 0; rest > 0 || i <= scale; i++) {
        if (i == scale && scale > 0) digits[--at] = '.';
        digits[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    }
    if (unscaled < 0) digits[--at] = '-';
    tarn_base_buffer_append(out, digits + at, sizeof(digits) - at);
}

typedef struct DecimalText {
    TarnText digits;  /* from the first to the last digit that is not zero, maybe with a point */
    int64_t exponent; /* of the last of them */
    bool negative;
} DecimalText;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Splits "-12.50e3"; digits is empty for zero. */
static bool scan_decimal(TarnText text, DecimalText *number) {
    size_t at = 0;
    size_t first = SIZE_MAX;
    size_t last = 0;
    size_t seen = 0;
    bool point = false;
    int64_t after_last = 0; /* digits that follow the last one that is not zero.. */
    int64_t fraction = 0;   /* ..and all digits after the point */
    number->negative = text.size > 0 && text.data[0] == '-';
    if (text.size > 0 && (text.data[0] == '-' || text.data[0] == '+')) at++;
    for (; at < text.size && (is_digit(text.data[at]) || (text.data[at] == '.' && !point)); at++) {
        if (text.data[at] == '.') {
            point = true;
            continue;
        }
        seen++;
        fraction += point;
        after_last++;
        if (text.data[at] == '0') continue;
        if (first == SIZE_MAX) first = at;
        last = at;
        after_last = 0;
    }
    if (seen == 0) return false;
    int64_t exponent = 0;
    if (at < text.size && (text.data[at] == 'e' || text.data[at] == 'E')) {
        at++;
        if (at + 1 < text.size && text.data[at] == '+' && is_digit(text.data[at + 1])) at++;
        if (!tarn_base_text_to_int64((TarnText){text.data + at, text.size - at}, &exponent)) {
            return false;
        }
        if (exponent > INT32_MAX || exponent < INT32_MIN) return false;
        at = text.size;
    }
    number->digits = first == SIZE_MAX ? (TarnText){text.data, 0}
                                       : (TarnText){text.data + first, last + 1 - first};
    number->exponent = exponent + after_last - fraction;
    return at == text.size;
}

bool tarn_format__decimal_parse(TarnText text, int32_t precision, int32_t scale,
                                TarnInt128 *unscaled) {
    DecimalText number;
    text = tarn_base_text_trim(text);
    if (!scan_decimal(text, &number)) return false;
    *unscaled = 0;
    if (number.digits.size == 0) return true;
    int64_t shift = number.exponent + scale;
    if (shift < 0 || shift > DECIMAL_DIGITS_MAX) return false;
    TarnInt128 value = 0;
    int64_t count = shift;
    for (size_t i = 0; i < number.digits.size; i++) {
        if (number.digits.data[i] == '.') continue;
        if (++count > DECIMAL_DIGITS_MAX) return false;
        value = value * 10 + (number.digits.data[i] - '0');
    }
    value *= power_of_ten((int32_t)shift);
    *unscaled = number.negative ? -value : value;
    return tarn_format__decimal_fits(*unscaled, precision);
}

/* ---- floats ---- */

static bool reads_back(TarnTypeKind kind, const char *text, double value) {
    return kind == TARN_TYPE_FLOAT ? (double)strtof(text, NULL) == value
                                   : strtod(text, NULL) == value;
}

void tarn_format__real_write(TarnTypeKind kind, double value, TarnBuffer *out) {
    if (isnan(value) || isinf(value)) {
        tarn_base_buffer_string(out, signbit(value) ? "-" : "");
        tarn_base_buffer_string(out, isnan(value) ? "nan" : "inf");
        return;
    }
    char text[40];
    bool single = kind == TARN_TYPE_FLOAT;
    int most = single ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG;
    /* Any number of that many digits survives a normal float, so fewer need not be tried. */
    bool normal = fabs(value) >= (single ? (double)FLT_MIN : DBL_MIN);
    int digits = normal ? (single ? FLT_DIG : DBL_DIG) : 1;
    do {
        snprintf(text, sizeof(text), "%.*g", digits, value);
    } while (digits++ < most && !reads_back(kind, text, value));
    tarn_base_buffer_string(out, text);
    if (strpbrk(text, ".e") == NULL) tarn_base_buffer_string(out, ".0");
}

static bool parse_special(TarnText text, double *value) {
    bool negative = text.size > 0 && text.data[0] == '-';
    if (negative || (text.size > 0 && text.data[0] == '+')) {
        text.data++;
        text.size--;
    }
    bool infinite = (text.size == 3 && strncasecmp(text.data, "inf", 3) == 0) ||
                    (text.size == 8 && strncasecmp(text.data, "infinity", 8) == 0);
    bool nan = text.size == 3 && strncasecmp(text.data, "nan", 3) == 0;
    if (!infinite && !nan) return false;
    *value = copysign(infinite ? (double)INFINITY : (double)NAN, negative ? -1.0 : 1.0);
    return true;
}

bool tarn_format__real_parse(TarnTypeKind kind, TarnText text, double *value) {
    char copy[512];
    DecimalText number;
    text = tarn_base_text_trim(text);
    if (parse_special(text, value)) return true;
    if (text.size >= sizeof(copy) || !scan_decimal(text, &number)) return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    *value = kind == TARN_TYPE_FLOAT ? (double)strtof(copy, NULL) : strtod(copy, NULL);
    return isfinite(*value);
}

/* ---- UUIDs ---- */

int tarn_format__hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

void tarn_format__uuid_write(TarnText bytes, TarnBuffer *out) {
    char hex[33] = "";
    if (bytes.size == 16) tarn_base_text_hex(bytes.data, 16, hex);
    tarn_base_buffer_printf(out, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                            hex + 20);
}

bool tarn_format__uuid_parse(TarnText text, unsigned char *out) {
    text = tarn_base_text_trim(text);
    bool hyphens = text.size == 36;
    if (!hyphens && text.size != 32) return false;
    size_t digits = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (hyphens && (i == 8 || i == 13 || i == 18 || i == 23)) {
            if (text.data[i] != '-') return false;
            continue;
        }
        int digit = tarn_format__hex_digit(text.data[i]);
        if (digit < 0) return false;
        out[digits / 2] = (unsigned char)(digits % 2 == 0 ? digit << 4 : out[digits / 2] | digit);
        digits++;
    }
    return true;
}
