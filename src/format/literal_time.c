/* Dates, times and timestamps as text, both ways, for any year an integer of days or
 * microseconds can reach.
 *
 * base/time.h covers the years people log in; this covers what tables may hold: years before 1
 * (ISO 8601 "-0043", DuckDB "0044-.. (BC)"), years beyond 9999, nanoseconds, and DuckDB's
 * "infinity", which is the largest integer of the kind. Parsing is exact: a fraction finer than
 * the kind's unit is refused, not rounded. Zones other than fixed offsets are not understood.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/time.h"
#include "format/literal_private.h"

bool tarn_format__kind_is_timestamp(TarnTypeKind kind) {
    return kind >= TARN_TYPE_TIMESTAMP && kind <= TARN_TYPE_TIMESTAMPTZ_NS;
}

bool tarn_format__kind_has_zone(TarnTypeKind kind) {
    return kind == TARN_TYPE_TIMESTAMPTZ || kind == TARN_TYPE_TIMESTAMPTZ_NS;
}

int64_t tarn_format__time_units_per_day(TarnTypeKind kind) {
    bool nanoseconds = kind == TARN_TYPE_TIMESTAMP_NS || kind == TARN_TYPE_TIMESTAMPTZ_NS;
    return nanoseconds ? TARN_NS_PER_DAY : TARN_US_PER_DAY;
}

/* ---- writing ---- */

/* The day without its era; true if " (BC)" has to follow. */
static bool write_day(int64_t days, TarnTimeStyle style, TarnBuffer *out) {
    int64_t year;
    unsigned month;
    unsigned day;
    tarn_base_time_civil_from_days(days, &year, &month, &day);
    bool before = style == TARN_TIME_SQL && year < 1;
    const char *sign = "";
    if (before) {
        year = 1 - year;
    } else if (style == TARN_TIME_ISO && (year < 0 || year > 9999)) {
        sign = year < 0 ? "-" : "+";
        year = year < 0 ? -year : year;
    }
    tarn_base_buffer_printf(out, "%s%04" PRId64 "-%02u-%02u", sign, year, month, day);
    return before;
}

void tarn_format__date_write(int64_t days, TarnTimeStyle style, TarnBuffer *out) {
    if (write_day(days, style, out)) tarn_base_buffer_string(out, " (BC)");
}

/* `rest` is within one day, in units of which there are `per_second`. */
static void write_clock(int64_t rest, int64_t per_second, TarnBuffer *out) {
    int64_t second = rest / per_second;
    int64_t fraction = rest % per_second;
    tarn_base_buffer_printf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, second / 3600,
                            second / 60 % 60, second % 60);
    if (fraction == 0) return;
    int digits = per_second == 1000000 ? 6 : 9;
    while (digits > 3 && fraction % 1000 == 0) {
        fraction /= 1000;
        digits -= 3;
    }
    tarn_base_buffer_printf(out, ".%0*" PRId64, digits, fraction);
}

void tarn_format__time_write(int64_t us, TarnBuffer *out) { write_clock(us, 1000000, out); }

void tarn_format__timestamp_write(TarnTypeKind kind, int64_t value, TarnTimeStyle style,
                                  const char *zone, TarnBuffer *out) {
    int64_t per_day = tarn_format__time_units_per_day(kind);
    int64_t days = value / per_day - (value % per_day < 0);
    int64_t rest = value % per_day + (value % per_day < 0 ? per_day : 0);
    bool before = write_day(days, style, out);
    if (before) tarn_base_buffer_string(out, " (BC)");
    tarn_base_buffer_byte(out, style == TARN_TIME_ISO ? 'T' : ' ');
    write_clock(rest, per_day / 86400, out);
    tarn_base_buffer_string(out, zone);
}

/* ---- parsing ---- */

typedef struct Cursor {
    const char *at;
    const char *end;
} Cursor;

static bool take_char(Cursor *cursor, char c) {
    if (cursor->at == cursor->end || *cursor->at != c) return false;
    cursor->at++;
    return true;
}

static bool take_word(Cursor *cursor, const char *word) {
    size_t size = strlen(word);
    if ((size_t)(cursor->end - cursor->at) < size) return false;
    if (strncasecmp(cursor->at, word, size) != 0) return false;
    cursor->at += size;
    return true;
}

/* Between `least` and `most` digits; how many there were, or 0. */
static int take_digits(Cursor *cursor, int least, int most, int64_t *value) {
    *value = 0;
    int count = 0;
    while (count < most && cursor->at != cursor->end && *cursor->at >= '0' && *cursor->at <= '9') {
        *value = *value * 10 + (*cursor->at++ - '0');
        count++;
    }
    return count >= least ? count : 0;
}

static bool days_of(int64_t year, int64_t month, int64_t day, int64_t *days) {
    static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1) return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > lengths[month - 1] + (month == 2 && leap)) return false;
    *days = tarn_base_time_days_from_civil(year, (unsigned)month, (unsigned)day);
    return true;
}

/* "2026-11-21", "+10000-01-01", "-0043-03-15", "0044-03-15 (BC)" */
static bool take_date(Cursor *cursor, int64_t *days) {
    int64_t sign = take_char(cursor, '-') ? -1 : 1;
    if (sign == 1) take_char(cursor, '+');
    int64_t year;
    int64_t month;
    int64_t day;
    if (take_digits(cursor, 4, 7, &year) == 0 || !take_char(cursor, '-') ||
        take_digits(cursor, 2, 2, &month) == 0 || !take_char(cursor, '-') ||
        take_digits(cursor, 2, 2, &day) == 0) {
        return false;
    }
    if (take_word(cursor, " (BC)")) {
        if (sign < 0 || year < 1) return false;
        year = 1 - year;
    }
    return days_of(sign * year, month, day, days);
}

/* "07:15", "07:15:00", "07:15:00.5" -> units within the day; 24:00:00 is let through. */
static bool take_clock(Cursor *cursor, int64_t per_second, int64_t *rest) {
    int64_t hour;
    int64_t minute;
    int64_t second = 0;
    if (take_digits(cursor, 2, 2, &hour) == 0 || !take_char(cursor, ':') ||
        take_digits(cursor, 2, 2, &minute) == 0) {
        return false;
    }
    bool seconds = take_char(cursor, ':');
    if (seconds && take_digits(cursor, 2, 2, &second) == 0) return false;
    if (hour > 24 || minute > 59 || second > 59) return false;
    *rest = ((hour * 60 + minute) * 60 + second) * per_second;
    if (!seconds || !take_char(cursor, '.')) return true;
    int64_t fraction;
    int digits = take_digits(cursor, 1, 9, &fraction);
    if (digits == 0) return false;
    for (; digits < 9; digits++) fraction *= 10;
    int64_t unit_ns = 1000000000 / per_second;
    *rest += fraction / unit_ns;
    return fraction % unit_ns == 0;
}

/* "Z", "+02", "-08:00", "+05:30:15"; nothing at all is UTC. *found tells which. */
static bool take_zone(Cursor *cursor, int64_t *offset_s, bool *found) {
    *offset_s = 0;
    *found = cursor->at != cursor->end;
    if (!*found || take_char(cursor, 'Z')) return true;
    int64_t sign = take_char(cursor, '-') ? -1 : 1;
    if (sign == 1 && !take_char(cursor, '+')) return false;
    int64_t hour;
    int64_t minute = 0;
    int64_t second = 0;
    if (take_digits(cursor, 2, 2, &hour) == 0) return false;
    bool colon = take_char(cursor, ':');
    if (take_digits(cursor, 2, 2, &minute) == 0 && colon) return false;
    if (colon && take_char(cursor, ':') && take_digits(cursor, 2, 2, &second) == 0) return false;
    if (hour > 15 || minute > 59 || second > 59) return false;
    *offset_s = sign * ((hour * 60 + minute) * 60 + second);
    return true;
}

static bool parse_timestamp(TarnTypeKind kind, Cursor *cursor, int64_t *value) {
    int64_t per_day = tarn_format__time_units_per_day(kind);
    int64_t days;
    int64_t rest = 0;
    int64_t offset_s = 0;
    bool zone = false;
    if (!take_date(cursor, &days)) return false;
    if (take_char(cursor, 'T') || take_char(cursor, ' ')) {
        if (!take_clock(cursor, per_day / 86400, &rest) || rest >= per_day) return false;
        if (!take_zone(cursor, &offset_s, &zone)) return false;
    }
    if (cursor->at != cursor->end || (zone && !tarn_format__kind_has_zone(kind))) return false;
    TarnInt128 wide = (TarnInt128)days * per_day + rest - (TarnInt128)offset_s * (per_day / 86400);
    *value = (int64_t)wide;
    return wide == *value;
}

static bool parse_infinity(TarnTypeKind kind, Cursor *cursor, int64_t *value) {
    int64_t sign = take_char(cursor, '-') ? -1 : 1;
    if (kind == TARN_TYPE_TIME || !take_word(cursor, "infinity")) return false;
    *value = sign * (kind == TARN_TYPE_DATE ? INT32_MAX : INT64_MAX);
    return cursor->at == cursor->end;
}

bool tarn_format__time_parse(TarnTypeKind kind, TarnText text, int64_t *value) {
    text = tarn_base_text_trim(text);
    if (text.size == 0) return false;
    Cursor cursor = {text.data, text.data + text.size};
    Cursor again = cursor;
    if (parse_infinity(kind, &again, value)) return true;
    if (kind == TARN_TYPE_TIME) {
        if (!take_clock(&cursor, 1000000, value) || *value > TARN_US_PER_DAY) return false;
    } else if (kind == TARN_TYPE_DATE) {
        if (!take_date(&cursor, value) || *value < INT32_MIN || *value > INT32_MAX) return false;
    } else {
        return parse_timestamp(kind, &cursor, value);
    }
    return cursor.at == cursor.end;
}
