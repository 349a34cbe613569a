/* Dates, times, timestamps and intervals as text.
 *
 * Purpose: both writers of values (DuckDB's casts, ISO 8601 for JSON) need the same calendar
 * with small differences, so both are here. All arithmetic is on 64-bit counts of the type's own
 * unit; no value overflows because nothing is converted to a finer unit.
 * What it does not do: time zones. TIMESTAMP WITH TIME ZONE is written in UTC, which is what
 * DuckDB does under the engine's TimeZone setting.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/time.h"
#include "engine/engine_private.h"

/* Whole units of a day for each unit of time. */
#define DAY_SECONDS INT64_C(86400)

static int64_t floor_divide(int64_t value, int64_t by, int64_t *rest) {
    int64_t quotient = value / by;
    *rest = value % by;
    if (*rest < 0) {
        *rest += by;
        quotient--;
    }
    return quotient;
}

static void write_days(int64_t days, bool iso, TarnBuffer *out) {
    int64_t year;
    unsigned month, day;
    tarn_base_time_civil_from_days(days, &year, &month, &day);
    if (iso && (year < 0 || year > 9999)) {
        tarn_base_buffer_printf(out, "%c%06" PRId64 "-%02u-%02u", year < 0 ? '-' : '+',
                                year < 0 ? -year : year, month, day);
        return;
    }
    bool before_christ = !iso && year <= 0;
    tarn_base_buffer_printf(out, "%04" PRId64 "-%02u-%02u%s", before_christ ? 1 - year : year,
                            month, day, before_christ ? " (BC)" : "");
}

/* units_per_second is 1, 1000, 1000000 or 1000000000; zeros at the end of the fraction are cut. */
static void write_clock(int64_t units, int64_t units_per_second, TarnBuffer *out) {
    int64_t fraction;
    int64_t seconds = floor_divide(units, units_per_second, &fraction);
    tarn_base_buffer_printf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, seconds / 3600,
                            seconds / 60 % 60, seconds % 60);
    if (fraction == 0) return;
    int digits = 0;
    for (int64_t unit = units_per_second; unit > 1; unit /= 10) digits++;
    while (fraction % 10 == 0) {
        fraction /= 10;
        digits--;
    }
    tarn_base_buffer_printf(out, ".%0*" PRId64, digits, fraction);
}

static void write_timestamp(int64_t value, int64_t units_per_second, bool iso, TarnBuffer *out) {
    int64_t of_day;
    int64_t days = floor_divide(value, DAY_SECONDS * units_per_second, &of_day);
    write_days(days, iso, out);
    tarn_base_buffer_byte(out, iso ? 'T' : ' ');
    write_clock(of_day, units_per_second, out);
}

static void write_offset(int32_t seconds, bool iso, TarnBuffer *out) {
    int32_t size = abs(seconds);
    tarn_base_buffer_printf(out, "%c%02d", seconds < 0 ? '-' : '+', size / 3600);
    if (iso || size / 60 % 60 != 0) tarn_base_buffer_printf(out, ":%02d", size / 60 % 60);
    if (size % 60 != 0) tarn_base_buffer_printf(out, ":%02d", size % 60);
}

static void write_time_tz(uint64_t bits, bool iso, TarnBuffer *out) {
    const int32_t offset_max = 16 * 60 * 60 - 1;
    write_clock((int64_t)(bits >> 24), 1000000, out);
    write_offset(offset_max - (int32_t)(bits & 0xFFFFFF), iso, out);
}

static void write_unit(int64_t count, const char *unit, size_t start, TarnBuffer *out) {
    if (count == 0) return;
    tarn_base_buffer_printf(out, "%s%" PRId64 " %s%s", out->size > start ? " " : "", count, unit,
                            count == 1 || count == -1 ? "" : "s");
}

static uint64_t magnitude_of(int64_t value) {
    return value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
}

static void write_fraction(uint64_t micros, TarnBuffer *out) {
    if (micros == 0) return;
    int digits = 6;
    while (micros % 10 == 0) {
        micros /= 10;
        digits--;
    }
    tarn_base_buffer_printf(out, ".%0*" PRIu64, digits, micros);
}

static void write_interval(const TarnEngineInterval *interval, TarnBuffer *out) {
    size_t start = out->size;
    write_unit(interval->months / 12, "year", start, out);
    write_unit(interval->months % 12, "month", start, out);
    write_unit(interval->days, "day", start, out);
    if (interval->micros == 0) {
        if (out->size == start) tarn_base_buffer_string(out, "00:00:00");
        return;
    }
    uint64_t micros = magnitude_of(interval->micros);
    uint64_t seconds = micros / 1000000;
    tarn_base_buffer_printf(out, "%s%s%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64,
                            out->size > start ? " " : "", interval->micros < 0 ? "-" : "",
                            seconds / 3600, seconds / 60 % 60, seconds % 60);
    write_fraction(micros % 1000000, out);
}

static void write_part(int64_t count, char unit, TarnBuffer *out) {
    if (count != 0) tarn_base_buffer_printf(out, "%" PRId64 "%c", count, unit);
}

/* ISO 8601 duration; a negative part carries its own sign, as PostgreSQL writes it. */
static void write_duration(const TarnEngineInterval *interval, TarnBuffer *out) {
    if (interval->months == 0 && interval->days == 0 && interval->micros == 0) {
        tarn_base_buffer_string(out, "PT0S");
        return;
    }
    tarn_base_buffer_byte(out, 'P');
    write_part(interval->months / 12, 'Y', out);
    write_part(interval->months % 12, 'M', out);
    write_part(interval->days, 'D', out);
    if (interval->micros == 0) return;
    tarn_base_buffer_byte(out, 'T');
    uint64_t micros = magnitude_of(interval->micros);
    uint64_t seconds = micros / 1000000;
    const char *sign = interval->micros < 0 ? "-" : "";
    if (seconds / 3600 > 0) tarn_base_buffer_printf(out, "%s%" PRIu64 "H", sign, seconds / 3600);
    if (seconds / 60 % 60 > 0) {
        tarn_base_buffer_printf(out, "%s%" PRIu64 "M", sign, seconds / 60 % 60);
    }
    if (seconds % 60 == 0 && micros % 1000000 == 0) return;
    tarn_base_buffer_printf(out, "%s%" PRIu64, sign, seconds % 60);
    write_fraction(micros % 1000000, out);
    tarn_base_buffer_byte(out, 'S');
}

/* The largest value and its negative stand for infinity. */
static bool write_infinity(int64_t value, int64_t infinity, TarnBuffer *out) {
    if (value != infinity && value != -infinity) return false;
    tarn_base_buffer_string(out, value < 0 ? "-infinity" : "infinity");
    return true;
}

static void write_instant(int64_t value, TarnEngineKind kind, bool iso, TarnBuffer *out) {
    if (write_infinity(value, INT64_MAX, out)) return;
    switch (kind) {
    case TARN_ENGINE_TIMESTAMP_S: write_timestamp(value, 1, iso, out); break;
    case TARN_ENGINE_TIMESTAMP_MS: write_timestamp(value, 1000, iso, out); break;
    case TARN_ENGINE_TIMESTAMP_NS: write_timestamp(value, 1000000000, iso, out); break;
    default: write_timestamp(value, 1000000, iso, out); break;
    }
    if (kind == TARN_ENGINE_TIMESTAMP_TZ) tarn_base_buffer_string(out, iso ? "Z" : "+00");
}

void tarn_engine__time_write(const TarnEngineVector *vector, uint64_t row, bool iso,
                             TarnBuffer *out) {
    TarnEngineKind kind = vector->type->kind;
    int64_t value = 0;
    switch (kind) {
    case TARN_ENGINE_TIME_TZ:
        write_time_tz(((const uint64_t *)vector->data)[row], iso, out);
        return;
    case TARN_ENGINE_INTERVAL: {
        const TarnEngineInterval *interval = &((const TarnEngineInterval *)vector->data)[row];
        if (iso) {
            write_duration(interval, out);
        } else {
            write_interval(interval, out);
        }
        return;
    }
    default: break;
    }
    if (!tarn_engine_vector_int64(vector, row, &value)) return;
    switch (kind) {
    case TARN_ENGINE_DATE:
        if (!write_infinity(value, INT32_MAX, out)) write_days(value, iso, out);
        break;
    case TARN_ENGINE_TIME: write_clock(value, 1000000, out); break;
    case TARN_ENGINE_TIME_NS: write_clock(value, 1000000000, out); break;
    default: write_instant(value, kind, iso, out); break;
    }
}
