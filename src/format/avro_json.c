/* One Avro value as JSON text, for quarantine, tests and people.
 *
 * A walk over schema and bytes together into the streaming JSON writer. Logical types become text
 * only when asked, and only where the text says the same: a timestamp beyond what the calendar
 * functions print stays its number, a decimal too long to be one stays its bytes. Values of no
 * bytes draw on the cursor's allowance, so that a schema cannot make much text out of nothing.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "format/avro_private.h"

#define DECIMAL_BYTES_MAX 64
#define DECIMAL_WORDS (DECIMAL_BYTES_MAX / 4)
/* 64 bytes have 155 digits; with sign, point and leading zero. */
#define DECIMAL_DIGITS_MAX 160

typedef struct Printer {
    TarnAvroCursor *cursor;
    TarnAvroJsonOptions options;
    TarnBuffer *out;
    TarnJsonWriter writer;
    unsigned depth;
} Printer;

static bool print_value(Printer *printer, const TarnAvroSchema *schema);

static void print_hex(TarnBuffer *out, TarnText bytes) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        const char pair[2] = {digits[byte >> 4], digits[byte & 15]};
        tarn_base_buffer_append(out, pair, 2);
    }
}

static void print_base64(TarnBuffer *out, TarnText bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *data = (const unsigned char *)bytes.data;
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t group = (uint32_t)data[i] << 16;
        if (left > 1) group |= (uint32_t)data[i + 1] << 8;
        if (left > 2) group |= data[i + 2];
        const char four[4] = {digits[group >> 18], digits[group >> 12 & 63],
                              left > 1 ? digits[group >> 6 & 63] : '=',
                              left > 2 ? digits[group & 63] : '='};
        tarn_base_buffer_append(out, four, 4);
    }
}

/* Neither alphabet needs escapes. The writer still keeps commas: it is given an empty text that
 * is already JSON, behind which the literal follows. */
static void print_bytes(Printer *printer, TarnText bytes) {
    tarn_base_json_put_raw(&printer->writer, TARN_TEXT("\""));
    if (printer->options.hex) {
        print_hex(printer->out, bytes);
    } else {
        print_base64(printer->out, bytes);
    }
    tarn_base_buffer_byte(printer->out, '"');
}

/* ---- Numbers ------------------------------------------------------------------------------- */

static void print_special(Printer *printer, double value) {
    const char *text = isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    tarn_base_json_put_string(&printer->writer, text);
}

/* The shortest digits that read back as the same float. */
static void print_float(Printer *printer, float value) {
    char text[32];
    if (!isfinite(value)) {
        print_special(printer, (double)value);
        return;
    }
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) break;
    }
    tarn_base_json_put_raw(&printer->writer, tarn_base_text(text));
}

static void print_double(Printer *printer, double value) {
    if (isfinite(value)) {
        tarn_base_json_put_double(&printer->writer, value);
    } else {
        print_special(printer, value);
    }
}

/* Divides the number, most significant word first, by ten; the remainder. */
static uint32_t divide_by_ten(uint32_t words[DECIMAL_WORDS]) {
    uint64_t rest = 0;
    for (size_t i = 0; i < DECIMAL_WORDS; i++) {
        uint64_t part = rest << 32 | words[i];
        words[i] = (uint32_t)(part / 10);
        rest = part % 10;
    }
    return (uint32_t)rest;
}

static bool is_zero(const uint32_t words[DECIMAL_WORDS]) {
    uint32_t any = 0;
    for (size_t i = 0; i < DECIMAL_WORDS; i++) any |= words[i];
    return any == 0;
}

/* The magnitude of a two's complement number, big endian; true if it is negative. */
static bool load_magnitude(TarnText bytes, uint32_t words[DECIMAL_WORDS]) {
    bool negative = bytes.size > 0 && ((unsigned char)bytes.data[0] & 0x80) != 0;
    uint64_t carry = negative ? 1 : 0;
    for (size_t i = 0; i < DECIMAL_BYTES_MAX; i++) {
        unsigned char byte = negative ? 0xff : 0;
        if (i < bytes.size) byte = (unsigned char)bytes.data[bytes.size - 1 - i];
        if (negative) byte = (unsigned char)~byte;
        carry += byte;
        words[DECIMAL_WORDS - 1 - i / 4] |= (uint32_t)(carry & 0xff) << i % 4 * 8;
        carry >>= 8;
    }
    return negative;
}

/* false: it is left to print_bytes. */
static bool print_decimal(Printer *printer, const TarnAvroSchema *schema, TarnText bytes) {
    char text[DECIMAL_DIGITS_MAX * 2];
    size_t at = sizeof(text);
    size_t scale = (size_t)schema->scale;
    uint32_t words[DECIMAL_WORDS] = {0};
    if (bytes.size > DECIMAL_BYTES_MAX || scale > DECIMAL_DIGITS_MAX) return false;
    bool negative = load_magnitude(bytes, words);
    for (size_t digits = 0; digits <= scale || !is_zero(words); digits++) {
        if (digits == scale && scale > 0) text[--at] = '.';
        text[--at] = (char)('0' + divide_by_ten(words));
    }
    if (negative) text[--at] = '-';
    tarn_base_json_put_text(&printer->writer, (TarnText){text + at, sizeof(text) - at});
    return true;
}

/* ---- Dates and times ----------------------------------------------------------------------- */

static int64_t floor_divide(int64_t value, int64_t by) { return value / by - (value % by < 0); }

static void print_date(Printer *printer, int64_t days) {
    char text[TARN_TIME_TEXT_BYTES];
    tarn_base_json_put_string(&printer->writer, tarn_base_time_format_date(days, text));
}

/* Time of day, of `per_second` units; false if it is none. */
static bool print_time(Printer *printer, int64_t value, int64_t per_second, int digits) {
    char text[TARN_TIME_TEXT_BYTES];
    if (value < 0 || value >= 86400 * per_second) return false;
    int64_t second = value / per_second;
    snprintf(text, sizeof(text), "%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%0*" PRId64,
             second / 3600, second / 60 % 60, second % 60, digits, value % per_second);
    tarn_base_json_put_string(&printer->writer, text);
    return true;
}

static void print_timestamp(Printer *printer, int64_t value, int64_t per_second, int digits,
                            bool is_local) {
    char date[TARN_TIME_TEXT_BYTES];
    char text[2 * TARN_TIME_TEXT_BYTES];
    int64_t second = floor_divide(value, per_second);
    int64_t day = floor_divide(second, 86400);
    int64_t clock = second - day * 86400;
    int64_t fraction = value % per_second + (value % per_second < 0 ? per_second : 0);
    snprintf(text, sizeof(text), "%sT%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%0*" PRId64 "%s",
             tarn_base_time_format_date(day, date), clock / 3600, clock / 60 % 60, clock % 60,
             digits, fraction, is_local ? "" : "Z");
    tarn_base_json_put_string(&printer->writer, text);
}

/* false: it is left to its number. */
static bool print_logical_number(Printer *printer, const TarnAvroSchema *schema, int64_t value) {
    const int64_t milli = 1000;
    const int64_t micro = 1000000;
    const int64_t nano = 1000000000;
    /* Iceberg's timestamps without zone are Avro's with this attribute. */
    bool is_local = schema->adjust_to_utc == 0;
    if (!printer->options.logical) return false;
    switch (schema->logical) {
    case TARN_AVRO_LOGICAL_DATE: print_date(printer, value); return true;
    case TARN_AVRO_LOGICAL_TIME_MILLIS: return print_time(printer, value, milli, 3);
    case TARN_AVRO_LOGICAL_TIME_MICROS: return print_time(printer, value, micro, 6);
    case TARN_AVRO_LOGICAL_TIMESTAMP_MILLIS:
        print_timestamp(printer, value, milli, 3, is_local);
        return true;
    case TARN_AVRO_LOGICAL_TIMESTAMP_MICROS:
        print_timestamp(printer, value, micro, 6, is_local);
        return true;
    case TARN_AVRO_LOGICAL_TIMESTAMP_NANOS:
        print_timestamp(printer, value, nano, 9, is_local);
        return true;
    case TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_MILLIS:
        print_timestamp(printer, value, milli, 3, true);
        return true;
    case TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_MICROS:
        print_timestamp(printer, value, micro, 6, true);
        return true;
    case TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_NANOS:
        print_timestamp(printer, value, nano, 9, true);
        return true;
    default: return false;
    }
}

static void print_uuid(Printer *printer, TarnText bytes) {
    char hex[33];
    char text[37];
    tarn_base_text_hex(bytes.data, 16, hex);
    snprintf(text, sizeof(text), "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
    tarn_base_json_put_string(&printer->writer, text);
}

static void print_duration(Printer *printer, TarnText bytes) {
    char text[64];
    const unsigned char *data = (const unsigned char *)bytes.data;
    uint32_t ms = tarn_format__avro_le32(data + 8);
    snprintf(text, sizeof(text), "P%" PRIu32 "M%" PRIu32 "DT%" PRIu32 ".%03" PRIu32 "S",
             tarn_format__avro_le32(data), tarn_format__avro_le32(data + 4), ms / 1000, ms % 1000);
    tarn_base_json_put_string(&printer->writer, text);
}

static bool print_logical_bytes(Printer *printer, const TarnAvroSchema *schema, TarnText bytes) {
    if (!printer->options.logical) return false;
    switch (schema->logical) {
    case TARN_AVRO_LOGICAL_DECIMAL: return print_decimal(printer, schema, bytes);
    case TARN_AVRO_LOGICAL_UUID: print_uuid(printer, bytes); return true;
    case TARN_AVRO_LOGICAL_DURATION: print_duration(printer, bytes); return true;
    default: return false;
    }
}

/* ---- The walk ------------------------------------------------------------------------------ */

static bool print_scalar(Printer *printer, const TarnAvroSchema *schema) {
    TarnAvroValue value;
    if (!tarn_format__avro_take_scalar(printer->cursor, schema, &value)) return false;
    TarnJsonWriter *writer = &printer->writer;
    switch (schema->kind) {
    case TARN_AVRO_NULL: tarn_base_json_put_null(writer); break;
    case TARN_AVRO_BOOLEAN: tarn_base_json_put_bool(writer, value.as.boolean); break;
    case TARN_AVRO_INT:
    case TARN_AVRO_LONG:
        if (!print_logical_number(printer, schema, value.as.integer)) {
            tarn_base_json_put_int64(writer, value.as.integer);
        }
        break;
    case TARN_AVRO_FLOAT: print_float(printer, (float)value.as.real); break;
    case TARN_AVRO_DOUBLE: print_double(printer, value.as.real); break;
    case TARN_AVRO_STRING: tarn_base_json_put_text(writer, value.as.bytes); break;
    case TARN_AVRO_ENUM: tarn_base_json_put_text(writer, schema->symbols[value.as.integer]); break;
    default:
        if (!print_logical_bytes(printer, schema, value.as.bytes)) {
            print_bytes(printer, value.as.bytes);
        }
        break;
    }
    return true;
}

static bool print_record(Printer *printer, const TarnAvroSchema *schema) {
    tarn_base_json_object_begin(&printer->writer);
    for (size_t i = 0; i < schema->field_count; i++) {
        tarn_base_json_key_text(&printer->writer, schema->fields[i].name);
        if (!print_value(printer, schema->fields[i].type)) return false;
    }
    tarn_base_json_object_end(&printer->writer);
    return true;
}

static bool print_item(Printer *printer, const TarnAvroSchema *schema) {
    TarnText key;
    if (schema->kind == TARN_AVRO_MAP) {
        if (!tarn_format__avro_take_bytes(printer->cursor, &key)) return false;
        tarn_base_json_key_text(&printer->writer, key);
    }
    return print_value(printer, schema->item);
}

static bool print_items(Printer *printer, const TarnAvroSchema *schema) {
    TarnAvroCursor *cursor = printer->cursor;
    bool is_map = schema->kind == TARN_AVRO_MAP;
    uint64_t count = 0;
    const unsigned char *run_end = NULL;
    if (is_map) {
        tarn_base_json_object_begin(&printer->writer);
    } else {
        tarn_base_json_array_begin(&printer->writer);
    }
    for (;;) {
        if (!tarn_format__avro_take_run(cursor, tarn_format__avro_item_minimum(schema), &count,
                                        &run_end)) {
            return false;
        }
        if (count == 0) break;
        for (; count > 0; count--) {
            if (!print_item(printer, schema)) return false;
        }
        if (!tarn_format__avro_end_run(cursor, run_end)) return false;
    }
    if (is_map) {
        tarn_base_json_object_end(&printer->writer);
    } else {
        tarn_base_json_array_end(&printer->writer);
    }
    return true;
}

static bool print_union(Printer *printer, const TarnAvroSchema *schema) {
    size_t index = 0;
    return tarn_format__avro_take_index(printer->cursor, schema->branch_count,
                                        TARN_AVRO_PROBLEM_BRANCH, &index) &&
           print_value(printer, schema->branches[index]);
}

/* false with a problem in the cursor, or with none when the buffer is full. */
static bool print_value(Printer *printer, const TarnAvroSchema *schema) {
    TarnAvroCursor *cursor = printer->cursor;
    if (printer->out->failed) return false;
    /* A union does not count: what it holds is not one. */
    if (schema->kind == TARN_AVRO_UNION) return print_union(printer, schema);
    if (printer->depth >= TARN_LIMIT_NESTING) {
        return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_DEPTH);
    }
    if (schema->minimum_bytes == 0) {
        if (cursor->empties == 0) {
            return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_EMPTIES);
        }
        cursor->empties--;
    }
    bool is_done = false;
    printer->depth++;
    switch (schema->kind) {
    case TARN_AVRO_RECORD: is_done = print_record(printer, schema); break;
    case TARN_AVRO_ARRAY:
    case TARN_AVRO_MAP: is_done = print_items(printer, schema); break;
    default: is_done = print_scalar(printer, schema); break;
    }
    printer->depth--;
    return is_done;
}

bool tarn_format_avro_value_to_json(TarnAvroCursor *cursor, const TarnAvroSchema *schema,
                                    const TarnAvroJsonOptions *options, TarnBuffer *out,
                                    TarnError *error) {
    Printer printer = {.cursor = cursor, .out = out};
    if (options != NULL) printer.options = *options;
    tarn_base_json_writer_init(&printer.writer, out, printer.options.indent);
    cursor->problem = TARN_AVRO_PROBLEM_NONE;
    size_t size_before = out->size;
    if (print_value(&printer, schema)) return tarn_base_buffer_check(out, error);
    if (out->size > size_before) out->size = size_before;
    if (out->failed) return tarn_base_buffer_check(out, error);
    return tarn_format__avro_fail(cursor, NULL, error);
}
