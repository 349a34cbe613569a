/* Parsing field texts. Each parser walks the text once; the common shapes (plain digits, ISO
 * dates) take the first branches, since a load spends a large part of its time here.
 */
#include "source/text_value_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/time.h"

#define US_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY INT64_C(86400)

__extension__ typedef unsigned __int128 Uint128;

const char *tarn_source__problem_text(TarnTextProblem problem) {
    switch (problem) {
    case TARN_TEXT_FITS: return "";
    case TARN_TEXT_WRONG: return "is not of that type";
    case TARN_TEXT_RANGE: return "is out of range";
    case TARN_TEXT_INEXACT: return "has more digits than the type keeps";
    case TARN_TEXT_HAS_ZONE: return "has a time zone and the type has none";
    case TARN_TEXT_BAD_UTF8: return "is not valid UTF-8";
    case TARN_TEXT_NUL: return "holds a NUL byte";
    case TARN_TEXT_LENGTH: return "has another length";
    }
    return "";
}

static TarnText trim(TarnText text) {
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t')) {
        text.size--;
    }
    return text;
}

TarnTextProblem tarn_source__text_int64(TarnText text, int64_t *value) {
    text = trim(text);
    size_t i = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+');
    bool negative = i == 1 && text.data[0] == '-';
    if (i == text.size) return TARN_TEXT_WRONG;
    uint64_t number = 0;
    size_t end = text.size;
    size_t safe = end - i <= 18 ? end : i + 18; /* 18 digits cannot overflow */
    for (; i < safe; i++) {
        unsigned digit = (unsigned)(unsigned char)text.data[i] - '0';
        if (digit > 9) return TARN_TEXT_WRONG;
        number = number * 10 + digit;
    }
    bool overflow = false;
    for (; i < end; i++) {
        unsigned digit = (unsigned)(unsigned char)text.data[i] - '0';
        if (digit > 9) return TARN_TEXT_WRONG;
        overflow |= __builtin_mul_overflow(number, UINT64_C(10), &number);
        overflow |= __builtin_add_overflow(number, (uint64_t)digit, &number);
    }
    if (overflow || number > (uint64_t)INT64_MAX + negative) return TARN_TEXT_RANGE;
    *value = negative ? (int64_t)(0 - number) : (int64_t)number;
    return TARN_TEXT_FITS;
}

TarnTextProblem tarn_source__text_int32(TarnText text, int32_t *value) {
    int64_t wide = 0;
    TarnTextProblem problem = tarn_source__text_int64(text, &wide);
    if (problem != TARN_TEXT_FITS) return problem;
    if (wide < INT32_MIN || wide > INT32_MAX) return TARN_TEXT_RANGE;
    *value = (int32_t)wide;
    return TARN_TEXT_FITS;
}

static bool is_word(TarnText text, const char *word) {
    return strlen(word) == text.size && strncasecmp(text.data, word, text.size) == 0;
}

/* Mantissas up to 2^53 with powers of ten up to 22 are exact in one operation (Clinger). */
static bool simple_double(TarnText text, double *value) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    size_t i = text.size > 0 && text.data[0] == '-';
    bool negative = i == 1;
    uint64_t mantissa = 0;
    size_t digits = 0;
    size_t fraction = 0;
    bool dot = false;
    for (; i < text.size; i++) {
        char c = text.data[i];
        if (c >= '0' && c <= '9') {
            mantissa = mantissa * 10 + (uint64_t)(c - '0');
            if (++digits > 18) return false;
            fraction += dot;
        } else if (c == '.' && !dot) {
            dot = true;
        } else {
            return false;
        }
    }
    if (digits == 0 || mantissa > (UINT64_C(1) << 53) || fraction > 22) return false;
    double number = (double)mantissa / powers[fraction];
    *value = negative ? -number : number;
    return true;
}

TarnTextProblem tarn_source__text_double(TarnText text, double *value) {
    text = trim(text);
    if (simple_double(text, value)) return TARN_TEXT_FITS;
    if (text.size > 0 && text.data[0] == '+') {
        text.data++;
        text.size--;
    }
    bool negative = text.size > 0 && text.data[0] == '-';
    TarnText bare = {text.data + negative, text.size - negative};
    if (is_word(bare, "inf") || is_word(bare, "infinity")) {
        *value = negative ? -__builtin_inf() : __builtin_inf();
        return TARN_TEXT_FITS;
    }
    if (is_word(bare, "nan")) {
        *value = __builtin_nan("");
        return TARN_TEXT_FITS;
    }
    for (size_t i = 0; i < bare.size; i++) {
        if (strchr("0123456789.eE+-", bare.data[i]) == NULL || bare.data[i] == '\0') {
            return TARN_TEXT_WRONG;
        }
    }
    if (!tarn_base_text_to_double(text, value)) return TARN_TEXT_WRONG;
    return __builtin_isinf(*value) ? TARN_TEXT_RANGE : TARN_TEXT_FITS;
}

TarnTextProblem tarn_source__text_decimal(TarnText text, int32_t precision, int32_t scale,
                                          TarnInt128 *value) {
    text = trim(text);
    size_t i = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+');
    bool negative = i == 1 && text.data[0] == '-';
    Uint128 wide = 0;
    uint64_t number = 0;
    int32_t digits = 0;   /* significant ones */
    int32_t fraction = 0; /* digits after the dot that were kept */
    bool dot = false;
    bool any = false;
    for (; i < text.size; i++) {
        char c = text.data[i];
        if (c == '.' && !dot) {
            dot = true;
            continue;
        }
        if (c < '0' || c > '9') return TARN_TEXT_WRONG;
        any = true;
        if (dot && fraction == scale) {
            if (c != '0') return TARN_TEXT_INEXACT;
            continue;
        }
        fraction += dot;
        if (digits > 0 || c != '0') digits++;
        if (digits > 38) return TARN_TEXT_RANGE;
        if (digits <= 18) {
            number = number * 10 + (uint64_t)(c - '0');
            wide = number;
        } else {
            wide = wide * 10 + (unsigned)(c - '0');
        }
    }
    if (!any) return TARN_TEXT_WRONG;
    for (; fraction < scale; fraction++) {
        if (digits > 0) digits++;
        if (digits > 38) return TARN_TEXT_RANGE;
        wide *= 10;
    }
    if (digits > precision) return TARN_TEXT_RANGE;
    *value = negative ? -(TarnInt128)wide : (TarnInt128)wide;
    return TARN_TEXT_FITS;
}

TarnTextProblem tarn_source__text_bool(TarnText text, bool *value) {
    static const char *const yes[] = {"true", "t", "1", "yes", "y"};
    static const char *const no[] = {"false", "f", "0", "no", "n"};
    text = trim(text);
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (is_word(text, yes[i]) || is_word(text, no[i])) {
            *value = is_word(text, yes[i]);
            return TARN_TEXT_FITS;
        }
    }
    return TARN_TEXT_WRONG;
}

/* --- dates and times --- */

typedef struct Moment {
    int64_t year;
    int month;
    int day;
    int hour;
    int minute;
    int second;
    int64_t ns;
    bool inexact; /* digits below a nanosecond that are not zero */
    bool has_zone;
    int64_t offset_s;
    bool half; /* %I seen */
    int pm;    /* -1 unknown */
} Moment;

typedef struct Cursor {
    const char *at;
    const char *end;
} Cursor;

static bool take_number(Cursor *cursor, int min, int max, int64_t *value) {
    int count = 0;
    *value = 0;
    while (cursor->at < cursor->end && count < max && *cursor->at >= '0' && *cursor->at <= '9') {
        *value = *value * 10 + (*cursor->at++ - '0');
        count++;
    }
    return count >= min;
}

static bool take_int(Cursor *cursor, int min, int max, int *value) {
    int64_t wide;
    bool ok = take_number(cursor, min, max, &wide);
    *value = (int)wide;
    return ok;
}

static bool take_char(Cursor *cursor, char c) {
    if (cursor->at == cursor->end || *cursor->at != c) return false;
    cursor->at++;
    return true;
}

static bool take_fraction(Cursor *cursor, Moment *moment) {
    int64_t scale = US_PER_SECOND * 1000 / 10;
    const char *start = cursor->at;
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
        if (scale == 0 && *cursor->at != '0') moment->inexact = true;
        moment->ns += (*cursor->at - '0') * scale;
        scale /= 10;
    }
    return cursor->at > start;
}

static bool take_zone(Cursor *cursor, Moment *moment) {
    int hour;
    int minute = 0;
    moment->has_zone = true;
    if (take_char(cursor, 'Z') || take_char(cursor, 'z')) return true;
    if (cursor->end - cursor->at >= 3 && strncasecmp(cursor->at, "UTC", 3) == 0) {
        cursor->at += 3;
        return true;
    }
    int64_t sign = take_char(cursor, '-') ? -1 : 1;
    if (sign == 1 && !take_char(cursor, '+')) return false;
    if (!take_int(cursor, 2, 2, &hour)) return false;
    take_char(cursor, ':');
    if (cursor->at < cursor->end && !take_int(cursor, 2, 2, &minute)) return false;
    moment->offset_s = sign * (hour * 60 + minute) * 60;
    return hour <= 15 && minute <= 59;
}

static bool take_iso_date(Cursor *cursor, Moment *moment) {
    return take_number(cursor, 4, 4, &moment->year) && take_char(cursor, '-') &&
           take_int(cursor, 2, 2, &moment->month) && take_char(cursor, '-') &&
           take_int(cursor, 2, 2, &moment->day);
}

static bool take_iso_clock(Cursor *cursor, Moment *moment) {
    if (!take_int(cursor, 1, 2, &moment->hour) || !take_char(cursor, ':') ||
        !take_int(cursor, 2, 2, &moment->minute)) {
        return false;
    }
    if (!take_char(cursor, ':')) return true;
    if (!take_int(cursor, 2, 2, &moment->second)) return false;
    return !take_char(cursor, '.') || take_fraction(cursor, moment);
}

static bool take_month_name(Cursor *cursor, int *month) {
    static const char *const names[] = {"january", "february", "march",     "april",
                                        "may",     "june",     "july",      "august",
                                        "september", "october", "november", "december"};
    size_t left = (size_t)(cursor->end - cursor->at);
    for (int i = 0; i < 12; i++) {
        size_t size = strlen(names[i]);
        bool full = left >= size && strncasecmp(cursor->at, names[i], size) == 0;
        if (!full && !(left >= 3 && strncasecmp(cursor->at, names[i], 3) == 0)) continue;
        cursor->at += full ? size : 3;
        *month = i + 1;
        return true;
    }
    return false;
}

static bool take_specifier(Cursor *cursor, char specifier, Moment *moment) {
    int64_t number;
    switch (specifier) {
    case 'Y': return take_number(cursor, 4, 4, &moment->year);
    case 'y':
        if (!take_number(cursor, 2, 2, &number)) return false;
        moment->year = number + (number < 69 ? 2000 : 1900); /* POSIX's pivot */
        return true;
    case 'm': return take_int(cursor, 1, 2, &moment->month);
    case 'd': return take_int(cursor, 1, 2, &moment->day);
    case 'b':
    case 'B': return take_month_name(cursor, &moment->month);
    case 'H': return take_int(cursor, 1, 2, &moment->hour);
    case 'I': moment->half = true; return take_int(cursor, 1, 2, &moment->hour);
    case 'M': return take_int(cursor, 1, 2, &moment->minute);
    case 'S': return take_int(cursor, 1, 2, &moment->second);
    case 'f': return take_fraction(cursor, moment);
    case 'z': return take_zone(cursor, moment);
    case 'p':
        if (cursor->end - cursor->at < 2) return false;
        moment->pm = tolower((unsigned char)cursor->at[0]) == 'p';
        cursor->at += 2;
        return tolower((unsigned char)cursor->at[-1]) == 'm';
    case '%': return take_char(cursor, '%');
    default: return false;
    }
}

static bool take_format(Cursor *cursor, const char *format, Moment *moment) {
    for (; *format != '\0'; format++) {
        if (*format == '%' && format[1] != '\0') {
            if (!take_specifier(cursor, *++format, moment)) return false;
        } else if (!take_char(cursor, *format)) {
            return false;
        }
    }
    return true;
}

/* *clock_s may be outside of the day, by the zone; the fraction stays in moment->ns. */
static TarnTextProblem finish_moment(Moment *moment, int64_t *days, int64_t *clock_s) {
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (moment->half) {
        if (moment->hour < 1 || moment->hour > 12 || moment->pm < 0) return TARN_TEXT_WRONG;
        moment->hour = moment->hour % 12 + (moment->pm == 1 ? 12 : 0);
    }
    bool leap = moment->year % 4 == 0 && (moment->year % 100 != 0 || moment->year % 400 == 0);
    if (moment->month < 1 || moment->month > 12 || moment->day < 1 ||
        moment->day > lengths[moment->month - 1] ||
        (moment->month == 2 && moment->day == 29 && !leap) || moment->hour > 23 ||
        moment->minute > 59 || moment->second > 59) {
        return TARN_TEXT_RANGE;
    }
    if (moment->inexact) return TARN_TEXT_INEXACT;
    *days = tarn_base_time_days_from_civil(moment->year, (unsigned)moment->month,
                                           (unsigned)moment->day);
    *clock_s = (moment->hour * INT64_C(60) + moment->minute) * 60 + moment->second -
               moment->offset_s;
    return TARN_TEXT_FITS;
}

static const Moment unset_moment = {.year = 1970, .month = 1, .day = 1, .pm = -1};

/* "2026-11-21", by far the most frequent shape: two digits at a time. */
static bool iso_date(TarnText text, int32_t *days) {
    static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const unsigned char *at = (const unsigned char *)text.data;
    unsigned d[8];
    static const unsigned char places[] = {0, 1, 2, 3, 5, 6, 8, 9};
    if (text.size != 10 || at[4] != '-' || at[7] != '-') return false;
    for (int i = 0; i < 8; i++) {
        d[i] = (unsigned)at[places[i]] - '0';
        if (d[i] > 9) return false;
    }
    unsigned year = d[0] * 1000 + d[1] * 100 + d[2] * 10 + d[3];
    unsigned month = d[4] * 10 + d[5];
    unsigned day = d[6] * 10 + d[7];
    if (month - 1 > 11 || day == 0 || day > lengths[month - 1]) return false;
    *days = (int32_t)tarn_base_time_days_from_civil(year, month, day);
    return true;
}

TarnTextProblem tarn_source__text_date(TarnText text, const char *format, int32_t *days) {
    if (format == NULL && iso_date(text, days)) return TARN_TEXT_FITS;
    text = trim(text);
    Cursor cursor = {text.data, text.data + text.size};
    Moment moment = unset_moment;
    bool ok = format != NULL ? take_format(&cursor, format, &moment)
                             : take_iso_date(&cursor, &moment);
    if (!ok || cursor.at != cursor.end) return TARN_TEXT_WRONG;
    int64_t wide = 0;
    int64_t clock = 0;
    TarnTextProblem problem = finish_moment(&moment, &wide, &clock);
    *days = (int32_t)wide;
    return problem;
}

/* Seconds since 1970; the fraction stays in moment->ns. */
static TarnTextProblem read_timestamp(TarnText text, const char *format, Moment *moment,
                                      int64_t *seconds) {
    text = trim(text);
    Cursor cursor = {text.data, text.data + text.size};
    bool ok = true;
    *moment = unset_moment;
    if (format != NULL) {
        ok = take_format(&cursor, format, moment);
    } else {
        ok = take_iso_date(&cursor, moment);
        if (ok && cursor.at < cursor.end) {
            ok = (take_char(&cursor, 'T') || take_char(&cursor, ' ') ||
                  take_char(&cursor, 't')) &&
                 take_iso_clock(&cursor, moment);
            if (ok && cursor.at < cursor.end) {
                take_char(&cursor, ' ');
                ok = take_zone(&cursor, moment);
            }
        }
    }
    if (!ok || cursor.at != cursor.end) return TARN_TEXT_WRONG;
    int64_t days = 0;
    int64_t clock = 0;
    TarnTextProblem problem = finish_moment(moment, &days, &clock);
    *seconds = days * SECONDS_PER_DAY + clock;
    return problem;
}

TarnTextProblem tarn_source__text_timestamp(TarnText text, const char *format, int64_t *us,
                                            bool *has_zone) {
    Moment moment;
    int64_t seconds = 0;
    TarnTextProblem problem = read_timestamp(text, format, &moment, &seconds);
    *has_zone = moment.has_zone;
    if (problem != TARN_TEXT_FITS) return problem;
    *us = seconds * US_PER_SECOND + moment.ns / 1000;
    return moment.ns % 1000 == 0 ? TARN_TEXT_FITS : TARN_TEXT_INEXACT;
}

TarnTextProblem tarn_source__text_timestamp_ns(TarnText text, const char *format, int64_t *ns,
                                               bool *has_zone) {
    Moment moment;
    int64_t seconds = 0;
    TarnTextProblem problem = read_timestamp(text, format, &moment, &seconds);
    *has_zone = moment.has_zone;
    if (problem != TARN_TEXT_FITS) return problem;
    bool beyond = __builtin_mul_overflow(seconds, US_PER_SECOND * 1000, ns) ||
                  __builtin_add_overflow(*ns, moment.ns, ns);
    return beyond ? TARN_TEXT_RANGE : TARN_TEXT_FITS;
}

const char *tarn_source__text_format_check(const char *format) {
    for (; format != NULL && *format != '\0'; format++) {
        if (*format != '%') continue;
        if (format[1] == '\0' || strchr("YymdbBHIMSfzp%", format[1]) == NULL) return format;
        format++;
    }
    return NULL;
}

TarnTextProblem tarn_source__text_time(TarnText text, int64_t *us) {
    text = trim(text);
    Cursor cursor = {text.data, text.data + text.size};
    Moment moment = unset_moment;
    if (!take_iso_clock(&cursor, &moment) || cursor.at != cursor.end) return TARN_TEXT_WRONG;
    int64_t days = 0;
    int64_t seconds = 0;
    TarnTextProblem problem = finish_moment(&moment, &days, &seconds);
    *us = seconds * US_PER_SECOND + moment.ns / 1000;
    if (problem == TARN_TEXT_FITS && moment.ns % 1000 != 0) problem = TARN_TEXT_INEXACT;
    return problem;
}

TarnTextProblem tarn_source__text_uuid(TarnText text) {
    text = trim(text);
    if (text.size != 36) return TARN_TEXT_WRONG;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.data[i] != '-' : !isxdigit((unsigned char)text.data[i])) {
            return TARN_TEXT_WRONG;
        }
    }
    return TARN_TEXT_FITS;
}

TarnTextProblem tarn_source__text_string(TarnText text) {
    if (tarn_base_text_utf8_valid(text) != text.size) return TARN_TEXT_BAD_UTF8;
    return text.size > 0 && memchr(text.data, '\0', text.size) != NULL ? TARN_TEXT_NUL
                                                                      : TARN_TEXT_FITS;
}
