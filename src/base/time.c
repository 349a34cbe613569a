/* Civil dates and ISO 8601 text. The day arithmetic is Howard Hinnant's published algorithm
 * ("chrono-Compatible Low-Level Date Algorithms"): eras of 400 years, years that start in March.
 */
#include "base/time.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY (86400 * US_PER_SECOND)

int64_t tarn_base_time_days_from_civil(int64_t year, unsigned month, unsigned day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t shifted_month = month > 2 ? (int64_t)month - 3 : (int64_t)month + 9;
    int64_t day_of_year = (153 * shifted_month + 2) / 5 + (int64_t)day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void tarn_base_time_civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    *month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

static int64_t floor_divide(int64_t value, int64_t by) {
    return value / by - (value % by < 0);
}

/* Digits and the character before them (0 = none). */
static char *put_part(char *at, char mark, int64_t value, size_t width) {
    if (mark != 0) *at++ = mark;
    return at + tarn_base_text_put_uint64((uint64_t)value, width, at);
}

static char *put_date(char *at, int64_t days) {
    int64_t year = 0;
    unsigned month = 0;
    unsigned day = 0;
    tarn_base_time_civil_from_days(days, &year, &month, &day);
    at = year < 0 ? put_part(at, '-', -year, 4) : put_part(at, 0, year, 4);
    at = put_part(at, '-', month, 2);
    return put_part(at, '-', day, 2);
}

char *tarn_base_time_format_date(int64_t days, char out[TARN_TIME_TEXT_BYTES]) {
    *put_date(out, days) = '\0';
    return out;
}

char *tarn_base_time_format_us(int64_t us, char out[TARN_TIME_TEXT_BYTES]) {
    int64_t rest = us % US_PER_DAY + (us % US_PER_DAY < 0 ? US_PER_DAY : 0);
    int64_t second = rest / US_PER_SECOND;
    int64_t fraction = rest % US_PER_SECOND;
    char *at = put_date(out, floor_divide(us, US_PER_DAY));
    at = put_part(at, 'T', second / 3600, 2);
    at = put_part(at, ':', second / 60 % 60, 2);
    at = put_part(at, ':', second % 60, 2);
    if (fraction % 1000 != 0) {
        at = put_part(at, '.', fraction, 6);
    } else if (fraction != 0) {
        at = put_part(at, '.', fraction / 1000, 3);
    }
    *at++ = 'Z';
    *at = '\0';
    return out;
}

char *tarn_base_time_format_ms(int64_t ms, char out[TARN_TIME_TEXT_BYTES]) {
    if (ms > INT64_MAX / 1000 || ms < INT64_MIN / 1000) {
        snprintf(out, TARN_TIME_TEXT_BYTES, "%" PRId64 "ms", ms);
        return out;
    }
    return tarn_base_time_format_us(ms * 1000, out);
}

typedef struct Cursor {
    const char *at;
    const char *end;
} Cursor;

static bool take_digits(Cursor *cursor, int count, int64_t *value) {
    *value = 0;
    for (int i = 0; i < count; i++, cursor->at++) {
        if (cursor->at == cursor->end || *cursor->at < '0' || *cursor->at > '9') return false;
        *value = *value * 10 + (*cursor->at - '0');
    }
    return true;
}

static bool take_char(Cursor *cursor, char c) {
    if (cursor->at == cursor->end || *cursor->at != c) return false;
    cursor->at++;
    return true;
}

static bool take_date(Cursor *cursor, int64_t *days) {
    static const unsigned char lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year;
    int64_t month;
    int64_t day;
    if (!take_digits(cursor, 4, &year) || !take_char(cursor, '-') ||
        !take_digits(cursor, 2, &month) || !take_char(cursor, '-') ||
        !take_digits(cursor, 2, &day)) {
        return false;
    }
    if (month < 1 || month > 12 || day < 1 || day > lengths[month - 1]) return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month == 2 && day == 29 && !leap) return false;
    *days = tarn_base_time_days_from_civil(year, (unsigned)month, (unsigned)day);
    return true;
}

static bool take_clock(Cursor *cursor, int64_t *us) {
    int64_t hour;
    int64_t minute;
    int64_t second = 0;
    if (!take_digits(cursor, 2, &hour) || !take_char(cursor, ':') ||
        !take_digits(cursor, 2, &minute)) {
        return false;
    }
    if (take_char(cursor, ':') && !take_digits(cursor, 2, &second)) return false;
    if (hour > 23 || minute > 59 || second > 59) return false;
    *us = ((hour * 60 + minute) * 60 + second) * US_PER_SECOND;
    if (!take_char(cursor, '.')) return true;
    int64_t scale = US_PER_SECOND / 10;
    const char *start = cursor->at;
    for (; cursor->at != cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
        *us += (*cursor->at - '0') * scale;
        scale /= 10;
    }
    return cursor->at != start && cursor->at - start <= 9;
}

static bool take_zone(Cursor *cursor, int64_t *offset_us) {
    *offset_us = 0;
    if (cursor->at == cursor->end || take_char(cursor, 'Z')) return true;
    int64_t sign = take_char(cursor, '-') ? -1 : 1;
    if (sign == 1 && !take_char(cursor, '+')) return false;
    int64_t hour;
    int64_t minute = 0;
    if (!take_digits(cursor, 2, &hour)) return false;
    take_char(cursor, ':');
    if (cursor->at != cursor->end && !take_digits(cursor, 2, &minute)) return false;
    if (hour > 15 || minute > 59) return false;
    *offset_us = sign * (hour * 60 + minute) * 60 * US_PER_SECOND;
    return true;
}

bool tarn_base_time_parse_us(TarnText text, int64_t *us) {
    Cursor cursor = {text.data, text.data + text.size};
    int64_t days;
    int64_t clock = 0;
    int64_t offset = 0;
    if (text.size == 0 || !take_date(&cursor, &days)) return false;
    if (take_char(&cursor, 'T') || take_char(&cursor, ' ')) {
        if (!take_clock(&cursor, &clock) || !take_zone(&cursor, &offset)) return false;
    }
    if (cursor.at != cursor.end) return false;
    *us = days * US_PER_DAY + clock - offset;
    return true;
}
