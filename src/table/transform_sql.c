/* Partition transforms as DuckDB expressions.
 *
 * Every expression goes through plain integers (days, microseconds, nanoseconds), because DuckDB's
 * own date functions depend on the session's time zone (timestamps with zone), cut nanoseconds
 * towards zero instead of flooring, and turn infinities into NULL, which would file such rows
 * under the null partition. DuckDB's // and % cut towards zero too; the corrections below floor.
 * Arithmetic that leaves its type is an error in DuckDB, never a wrapped value.
 */
#include <inttypes.h>

#include "base/time.h"
#include "table/partition.h"

#define US_PER_HOUR INT64_C(3600000000)
#define EPOCH_DATE "DATE '1970-01-01'"

/* The raw integer Iceberg stores: days, micro- or nanoseconds; a BIGINT. */
static void write_integer(TarnPrimitive source, TarnText column, TarnBuffer *out) {
    switch (source.kind) {
    case TARN_TYPE_DATE: /* exact for infinities too */
        tarn_base_buffer_printf(out, "(%.*s - " EPOCH_DATE ")", TARN_TEXT_ARG(column));
        return;
    case TARN_TYPE_TIME:
        tarn_base_buffer_printf(out, "epoch_us(%.*s)", TARN_TEXT_ARG(column));
        return;
    case TARN_TYPE_TIMESTAMP_NS:
        tarn_base_buffer_printf(out, "epoch_ns(%.*s)", TARN_TEXT_ARG(column));
        return;
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ: { /* epoch_us is null for infinities */
        const char *epoch = source.kind == TARN_TYPE_TIMESTAMP
                                ? "TIMESTAMP '1970-01-01 00:00:00'"
                                : "TIMESTAMPTZ '1970-01-01 00:00:00+00'";
        tarn_base_buffer_printf(out,
                                "coalesce(epoch_us(%.*s), CASE WHEN %.*s > %s THEN %" PRId64
                                " WHEN %.*s < %s THEN %" PRId64 " END)",
                                TARN_TEXT_ARG(column), TARN_TEXT_ARG(column), epoch, INT64_MAX,
                                TARN_TEXT_ARG(column), epoch, -INT64_MAX);
        return;
    }
    default: tarn_base_buffer_printf(out, "CAST(%.*s AS BIGINT)", TARN_TEXT_ARG(column)); return;
    }
}

static void write_floor_divide(TarnText value, int64_t by, TarnBuffer *out) {
    tarn_base_buffer_printf(out,
                            "((%.*s // %" PRId64 ") - CAST((%.*s %% %" PRId64 ") < 0 AS BIGINT))",
                            TARN_TEXT_ARG(value), by, TARN_TEXT_ARG(value), by);
}

/* Timestamps floored to units of so many microseconds. */
static void write_time_units(TarnPrimitive source, TarnText column, int64_t us, TarnBuffer *out) {
    TarnBuffer integer;
    tarn_base_buffer_init(&integer, out->limit);
    write_integer(source, column, &integer);
    int64_t by = source.kind == TARN_TYPE_TIMESTAMP_NS ? us * 1000 : us;
    write_floor_divide(tarn_base_buffer_view(&integer), by, out);
    tarn_base_buffer_inherit(out, &integer);
    tarn_base_buffer_dispose(&integer);
}

static void write_day(TarnPrimitive source, TarnText column, TarnBuffer *out) {
    if (source.kind == TARN_TYPE_DATE) {
        tarn_base_buffer_text(out, column);
        return;
    }
    tarn_base_buffer_string(out, "(" EPOCH_DATE " + CAST(");
    write_time_units(source, column, 24 * US_PER_HOUR, out);
    tarn_base_buffer_string(out, " AS INTEGER))");
}

/* What date_diff would give for an infinite date if it counted on. */
static int64_t infinite_units(bool months, int64_t days) {
    int64_t year;
    unsigned month;
    unsigned day;
    tarn_base_time_civil_from_days(days, &year, &month, &day);
    return months ? (year - 1970) * 12 + (int64_t)month - 1 : year - 1970;
}

static void write_years_or_months(bool months, TarnPrimitive source, TarnText column,
                                  TarnBuffer *out) {
    const char *unit = months ? "month" : "year";
    bool date = source.kind == TARN_TYPE_DATE;
    tarn_base_buffer_string(out, "CAST(");
    if (date) tarn_base_buffer_string(out, "coalesce(");
    tarn_base_buffer_printf(out, "date_diff('%s', " EPOCH_DATE ", ", unit);
    write_day(source, column, out);
    tarn_base_buffer_byte(out, ')');
    if (date) {
        tarn_base_buffer_printf(out,
                                ", CASE WHEN %.*s > " EPOCH_DATE " THEN %" PRId64
                                " WHEN %.*s < " EPOCH_DATE " THEN %" PRId64 " END)",
                                TARN_TEXT_ARG(column), infinite_units(months, INT32_MAX),
                                TARN_TEXT_ARG(column), infinite_units(months, -INT32_MAX));
    }
    tarn_base_buffer_string(out, " AS INTEGER)");
}

static void write_hour(TarnPrimitive source, TarnText column, TarnBuffer *out) {
    tarn_base_buffer_string(out, "CAST(");
    write_time_units(source, column, US_PER_HOUR, out);
    tarn_base_buffer_string(out, " AS INTEGER)");
}

static void write_bucket(int32_t count, TarnPrimitive source, TarnText column, TarnBuffer *out) {
    tarn_base_buffer_printf(out, "tarn_bucket(CAST(%d AS INTEGER), ", count);
    switch (source.kind) {
    case TARN_TYPE_STRING:
        tarn_base_buffer_printf(out, "encode(%.*s)", TARN_TEXT_ARG(column));
        break;
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY: tarn_base_buffer_text(out, column); break;
    case TARN_TYPE_UUID:
        tarn_base_buffer_printf(out, "unhex(replace(CAST(%.*s AS VARCHAR), '-', ''))",
                                TARN_TEXT_ARG(column));
        break;
    case TARN_TYPE_DECIMAL: /* the digits without the point are the unscaled value */
        tarn_base_buffer_printf(out, "CAST(replace(CAST(%.*s AS VARCHAR), '.', '') AS HUGEINT)",
                                TARN_TEXT_ARG(column));
        break;
    case TARN_TYPE_TIMESTAMP_NS: /* hashed as microseconds */
        write_time_units(source, column, 1, out);
        break;
    default: write_integer(source, column, out); break;
    }
    tarn_base_buffer_byte(out, ')');
}

/* v - (((v % w) + w) % w) in a type where neither the sum nor the difference overflows before
 * the result does. */
static void write_truncate_number(TarnText value, TarnText width, TarnText type, TarnBuffer *out) {
    tarn_base_buffer_printf(out, "CAST(%.*s - (((%.*s %% %.*s) + %.*s) %% %.*s) AS %.*s)",
                            TARN_TEXT_ARG(value), TARN_TEXT_ARG(value), TARN_TEXT_ARG(width),
                            TARN_TEXT_ARG(width), TARN_TEXT_ARG(width), TARN_TEXT_ARG(type));
}

static void write_truncate(int32_t width, TarnPrimitive source, TarnText column, TarnBuffer *out) {
    if (source.kind == TARN_TYPE_STRING) {
        tarn_base_buffer_printf(out, "left(%.*s, %d)", TARN_TEXT_ARG(column), width);
        return;
    }
    if (source.kind == TARN_TYPE_BINARY) {
        tarn_base_buffer_printf(out, "array_slice(%.*s, 1, %d)", TARN_TEXT_ARG(column), width);
        return;
    }
    TarnBuffer parts[3]; /* value, width, type */
    for (size_t i = 0; i < 3; i++) tarn_base_buffer_init(&parts[i], out->limit);
    tarn_format_primitive_to_sql(source, &parts[2]);
    if (source.kind == TARN_TYPE_DECIMAL) {
        TarnPrimitive wide = {.kind = TARN_TYPE_DECIMAL, .scale = source.scale};
        wide.precision = source.precision < 18 ? 18 : 38; /* 18 is the widest 64-bit decimal */
        TarnLiteral unscaled = {.kind = TARN_TYPE_DECIMAL, .as.decimal = width};
        tarn_base_buffer_printf(&parts[0], "CAST(%.*s AS DECIMAL(%d,%d))", TARN_TEXT_ARG(column),
                                wide.precision, wide.scale);
        tarn_format_literal_to_sql(wide, &unscaled, &parts[1]);
    } else {
        write_integer(source, column, &parts[0]);
        tarn_base_buffer_printf(&parts[1], "CAST(%d AS BIGINT)", width);
    }
    write_truncate_number(tarn_base_buffer_view(&parts[0]), tarn_base_buffer_view(&parts[1]),
                          tarn_base_buffer_view(&parts[2]), out);
    for (size_t i = 0; i < 3; i++) {
        tarn_base_buffer_inherit(out, &parts[i]);
        tarn_base_buffer_dispose(&parts[i]);
    }
}

bool tarn_table_transform_to_sql(TarnTransform transform, TarnPrimitive source, TarnText column_sql,
                                 TarnBuffer *out) {
    TarnPrimitive result;
    if (!tarn_table_transform_result(transform, source, &result)) return false;
    if (transform.kind == TARN_TRANSFORM_VOID) {
        TarnLiteral null = {.kind = result.kind, .is_null = true};
        tarn_format_literal_to_sql(result, &null, out);
        return true;
    }
    if (source.kind == TARN_TYPE_TIMESTAMPTZ_NS) return false;
    bool wide = transform.kind == TARN_TRANSFORM_BUCKET ||
                transform.kind == TARN_TRANSFORM_TRUNCATE;
    if (wide && transform.width < 1) return false;
    TarnBuffer column;
    tarn_base_buffer_init(&column, out->limit);
    tarn_base_buffer_printf(&column, "(%.*s)", TARN_TEXT_ARG(column_sql));
    TarnText view = tarn_base_buffer_view(&column);
    switch (transform.kind) {
    case TARN_TRANSFORM_BUCKET: write_bucket(transform.width, source, view, out); break;
    case TARN_TRANSFORM_TRUNCATE: write_truncate(transform.width, source, view, out); break;
    case TARN_TRANSFORM_YEAR:
    case TARN_TRANSFORM_MONTH:
        write_years_or_months(transform.kind == TARN_TRANSFORM_MONTH, source, view, out);
        break;
    case TARN_TRANSFORM_DAY: write_day(source, view, out); break;
    case TARN_TRANSFORM_HOUR: write_hour(source, view, out); break;
    default: tarn_base_buffer_text(out, view); break;
    }
    tarn_base_buffer_inherit(out, &column);
    tarn_base_buffer_dispose(&column);
    return true;
}
