/* What the tests of file metrics share: a data file's metrics as lines of text. */
#ifndef TARN_TESTS_METRICS_TEST_H
#define TARN_TESTS_METRICS_TEST_H

#include <inttypes.h>

#include "table/file_metrics.h"
#include "tap.h"

__attribute__((unused)) static void put_count(TarnBuffer *out, const char *name, int64_t count) {
    if (count == TARN_ABSENT) {
        tarn_base_buffer_printf(out, " %s -", name);
    } else {
        tarn_base_buffer_printf(out, " %s %" PRId64, name, count);
    }
}

__attribute__((unused)) static void put_bytes(TarnBuffer *out, const char *name, TarnText bytes) {
    tarn_base_buffer_printf(out, " %s ", name);
    if (bytes.data == NULL) tarn_base_buffer_byte(out, '-');
    if (bytes.data != NULL && bytes.size == 0) tarn_base_buffer_string(out, "empty");
    for (size_t i = 0; i < bytes.size; i++) {
        tarn_base_buffer_printf(out, "%02x", (unsigned char)bytes.data[i]);
    }
}

/* "7 values 40 nulls 0 nans - lower 00 upper 01", one column a line, after the file's line. */
__attribute__((unused)) static void put_metrics(const TarnDataFile *file, TarnBuffer *out) {
    tarn_base_buffer_printf(out, "rows %" PRId64 " bytes %" PRId64 " splits", file->record_count,
                            file->file_size);
    for (size_t i = 0; i < file->split_offset_count; i++) {
        tarn_base_buffer_printf(out, " %" PRId64, file->split_offsets[i]);
    }
    tarn_base_buffer_byte(out, '\n');
    for (size_t i = 0; i < file->column_count; i++) {
        const TarnColumnMetrics *column = &file->columns[i];
        tarn_base_buffer_printf(out, "%" PRId32, column->field_id);
        put_count(out, "size", column->column_size);
        put_count(out, "values", column->value_count);
        put_count(out, "nulls", column->null_count);
        put_count(out, "nans", column->nan_count);
        put_bytes(out, "lower", column->lower);
        put_bytes(out, "upper", column->upper);
        tarn_base_buffer_byte(out, '\n');
    }
}

#endif
