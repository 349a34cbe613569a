/* What is checked of an Arrow batch before DuckDB reads it.
 *
 * Purpose: batches come from connectors in this process, so their buffers' sizes cannot be and
 * need not be checked; but shape errors are easy to make and DuckDB would follow them into
 * foreign memory, and text that is not UTF-8 would end up in Parquet files that say it is. So
 * the tree of arrays must match its schema, counts must be sane, list and text offsets must not
 * run backwards, and every text column is UTF-8.
 * What is refused: dictionaries, run-end encoding and unions. No connector makes them, and a
 * wrong index in one could not be noticed.
 */
#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "engine/arrow_private.h"

static bool format_is(const struct ArrowSchema *schema, const char *format) {
    return strcmp(schema->format, format) == 0;
}

static bool format_starts(const struct ArrowSchema *schema, const char *prefix) {
    return strncmp(schema->format, prefix, strlen(prefix)) == 0;
}

static const char *name_of(const struct ArrowSchema *schema) {
    return schema->name != NULL ? schema->name : "";
}

static bool refuse(const struct ArrowSchema *schema, TarnErrorCode code, const char *reason,
                   TarnError *error) {
    return tarn_base_error_set(error, code, "Arrow column \"%s\" (format \"%s\"): %s",
                               name_of(schema), schema->format != NULL ? schema->format : "",
                               reason);
}

static bool check_schema(const struct ArrowSchema *schema, unsigned depth, TarnError *error) {
    if (schema->format == NULL) {
        return refuse(schema, TARN_E_FORMAT_CORRUPT, "has no format", error);
    }
    if (depth > TARN_LIMIT_NESTING) {
        return refuse(schema, TARN_E_LIMIT_EXCEEDED, "is nested too deeply", error);
    }
    if (schema->dictionary != NULL || format_is(schema, "+r") || format_starts(schema, "+u")) {
        return refuse(schema, TARN_E_FORMAT_UNSUPPORTED,
                      "dictionaries, run-end encoding and unions are not read", error);
    }
    if (schema->n_children < 0 || (schema->n_children > 0 && schema->children == NULL)) {
        return refuse(schema, TARN_E_FORMAT_CORRUPT, "has a wrong number of children", error);
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i] == NULL) {
            return refuse(schema, TARN_E_FORMAT_CORRUPT, "misses a child", error);
        }
        if (!check_schema(schema->children[i], depth + 1, error)) return false;
    }
    return true;
}

bool tarn_engine__arrow_check_schema(const struct ArrowSchema *schema, TarnError *error) {
    if (!check_schema(schema, 0, error)) return false;
    if (!format_is(schema, "+s") || schema->n_children == 0) {
        return refuse(schema, TARN_E_FORMAT_CORRUPT, "a batch must be a struct of columns", error);
    }
    if (schema->n_children > TARN_LIMIT_COLUMNS) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "an Arrow batch of %" PRId64 " columns: the limit is %d",
                                   schema->n_children, TARN_LIMIT_COLUMNS);
    }
    return true;
}

/* Validity, then what the layout has; -1 = any (string and binary views have variadic buffers). */
static int64_t buffers_of(const struct ArrowSchema *schema) {
    if (format_is(schema, "n")) return 0;
    if (format_is(schema, "+s") || format_starts(schema, "+w:")) return 1;
    if (format_is(schema, "u") || format_is(schema, "U") || format_is(schema, "z") ||
        format_is(schema, "Z") || format_is(schema, "+vl") || format_is(schema, "+vL")) {
        return 3;
    }
    if (format_is(schema, "vu") || format_is(schema, "vz")) return -1;
    return 2;
}

typedef struct Range {
    int64_t start;
    int64_t end;
} Range;

/* Offsets of a list or text array for the rows it shows: must not decrease. */
static bool read_offsets(const struct ArrowArray *array, bool wide, int64_t row, int64_t *value) {
    const void *offsets = array->buffers[1];
    *value = wide ? ((const int64_t *)offsets)[row] : ((const int32_t *)offsets)[row];
    return *value >= 0;
}

static bool check_offsets(const struct ArrowSchema *schema, const struct ArrowArray *array,
                          bool wide, Range *range, TarnError *error) {
    *range = (Range){0, 0};
    if (array->length == 0) return true;
    if (array->buffers[1] == NULL) {
        return refuse(schema, TARN_E_FORMAT_CORRUPT, "has no offsets", error);
    }
    int64_t before = 0;
    for (int64_t row = 0; row <= array->length; row++) {
        int64_t offset;
        if (!read_offsets(array, wide, array->offset + row, &offset) ||
            (row > 0 && offset < before)) {
            return refuse(schema, TARN_E_FORMAT_CORRUPT, "has offsets that run backwards", error);
        }
        if (row == 0) range->start = offset;
        before = range->end = offset;
    }
    return true;
}

/* All bytes at once, then no value may begin inside a character. */
static bool check_text(const struct ArrowSchema *schema, const struct ArrowArray *array,
                       bool wide, const Range *range, TarnError *error) {
    size_t size = (size_t)(range->end - range->start);
    if (size == 0) return true;
    const char *data = array->buffers[2];
    if (data == NULL) return refuse(schema, TARN_E_FORMAT_CORRUPT, "has no text bytes", error);
    bool valid = tarn_base_text_utf8_valid((TarnText){data + range->start, size}) == size;
    for (int64_t row = 0; valid && row < array->length; row++) {
        int64_t offset;
        (void)read_offsets(array, wide, array->offset + row, &offset);
        valid = offset == range->end || ((unsigned char)data[offset] & 0xC0) != 0x80;
    }
    return valid || refuse(schema, TARN_E_FORMAT_CORRUPT, "holds text that is not UTF-8", error);
}

static bool check_array(const struct ArrowSchema *schema, const struct ArrowArray *array,
                        TarnError *error);

static bool check_children(const struct ArrowSchema *schema, const struct ArrowArray *array,
                           int64_t rows, TarnError *error) {
    for (int64_t i = 0; i < schema->n_children; i++) {
        const struct ArrowArray *child = array->children[i];
        if (child == NULL || child->length < rows) {
            return refuse(schema, TARN_E_FORMAT_CORRUPT, "has a child with too few rows", error);
        }
        if (!check_array(schema->children[i], child, error)) return false;
        if (format_is(schema->children[i], "+s") && !format_is(schema, "+s") &&
            child->offset != 0) {
            return refuse(schema, TARN_E_FORMAT_UNSUPPORTED,
                          "structs with an offset inside a list are not read", error);
        }
    }
    return true;
}

static bool check_layout(const struct ArrowSchema *schema, const struct ArrowArray *array,
                         TarnError *error) {
    bool is_text = format_is(schema, "u") || format_is(schema, "U");
    bool is_bytes = format_is(schema, "z") || format_is(schema, "Z");
    bool wide = format_is(schema, "U") || format_is(schema, "Z") || format_is(schema, "+L");
    bool is_list = format_is(schema, "+l") || format_is(schema, "+L") || format_is(schema, "+m");
    Range range = {0, 0};
    if ((is_text || is_bytes || is_list) &&
        !check_offsets(schema, array, wide, &range, error)) {
        return false;
    }
    if (is_text && !check_text(schema, array, wide, &range, error)) return false;
    int64_t rows = is_list ? range.end : 0;
    if (format_is(schema, "+s")) rows = array->offset + array->length;
    if (format_starts(schema, "+w:")) {
        int64_t size = 0;
        if (!tarn_base_text_to_int64(tarn_base_text(schema->format + 3), &size) || size < 0 ||
            size > INT32_MAX / 2) {
            return refuse(schema, TARN_E_FORMAT_CORRUPT, "has a wrong list size", error);
        }
        rows = (array->offset + array->length) * size;
    }
    return check_children(schema, array, rows, error);
}

static bool check_array(const struct ArrowSchema *schema, const struct ArrowArray *array,
                        TarnError *error) {
    const int64_t rows_max = INT64_C(1) << 32; /* times a list size it fits into 64 bits */
    int64_t buffers = buffers_of(schema);
    if (array->length < 0 || array->offset < 0 || array->length > rows_max ||
        array->offset > rows_max) {
        return refuse(schema, TARN_E_FORMAT_CORRUPT, "has a wrong length or offset", error);
    }
    if (array->n_children != schema->n_children ||
        (array->n_children > 0 && array->children == NULL)) {
        return refuse(schema, TARN_E_FORMAT_CORRUPT, "has a wrong number of children", error);
    }
    if ((buffers >= 0 && array->n_buffers != buffers) || array->n_buffers < 0 ||
        (array->n_buffers > 0 && array->buffers == NULL)) {
        return refuse(schema, TARN_E_FORMAT_CORRUPT, "has a wrong number of buffers", error);
    }
    if (buffers == 2 && array->length > 0 && array->buffers[1] == NULL) {
        return refuse(schema, TARN_E_FORMAT_CORRUPT, "has no values", error);
    }
    return check_layout(schema, array, error);
}

bool tarn_engine__arrow_check_array(const struct ArrowSchema *schema,
                                    const struct ArrowArray *array, TarnError *error) {
    if (array->offset != 0) {
        return refuse(schema, TARN_E_FORMAT_UNSUPPORTED, "a batch with an offset is not read",
                      error);
    }
    return check_array(schema, array, error);
}
