/* Files of random rows with the metrics writers give them, the usual faults included: for property
 * tests of pruning. */
#ifndef TARN_TESTS_PREDICATE_FILES_H
#define TARN_TESTS_PREDICATE_FILES_H

#include "predicate_model.h"

static TarnArena arena;
static TarnError error;
static const TarnSchema *schema;

typedef struct ModelFile {
    ModelRow rows[48];
    size_t row_count;
    TarnLiteral tuple[4];
    TarnDataFile file;
} ModelFile;

UNUSED static TarnText bytes_of(const TarnLiteral *literal) {
    TarnBuffer out;
    tarn_base_buffer_init(&out, 64u << 10);
    tarn_format_literal_to_bytes(literal, &out);
    TarnText bytes = {tarn_base_arena_string_n(&arena, out.data, out.size), out.size};
    tarn_base_buffer_dispose(&out);
    return bytes;
}

UNUSED static TarnColumnMetrics unknown_metrics(int32_t id) {
    return (TarnColumnMetrics){.field_id = id,
                               .column_size = TARN_ABSENT,
                               .value_count = TARN_ABSENT,
                               .null_count = TARN_ABSENT,
                               .nan_count = TARN_ABSENT};
}

UNUSED static bool is_time_transform(TarnTransformKind kind) {
    return kind == TARN_TRANSFORM_YEAR || kind == TARN_TRANSFORM_MONTH ||
           kind == TARN_TRANSFORM_DAY || kind == TARN_TRANSFORM_HOUR;
}

/* What a writer puts into the manifest; `faulty` ones round times before 1970 toward zero and wrap
 * around when they truncate the lowest integers. */
UNUSED static bool written_value(const TarnPartitionField *field, const TarnLiteral *value,
                                 bool faulty, TarnLiteral *result) {
    TarnPrimitive type = model_type(schema, field->source_id);
    TarnTransform transform = field->transform;
    *result = (TarnLiteral){.is_null = true};
    if (transform.kind == TARN_TRANSFORM_UNKNOWN || value->is_null) return true;
    if (!tarn_table_transform_apply(transform, type, value, &arena, result)) {
        if (!faulty || transform.kind != TARN_TRANSFORM_TRUNCATE) return false;
        int64_t rest = value->as.integer % transform.width;
        if (rest < 0) rest += transform.width;
        *result = *value;
        result->as.integer = type.kind == TARN_TYPE_INT
                                 ? (int32_t)((uint32_t)value->as.integer - (uint32_t)rest)
                                 : (int64_t)((uint64_t)value->as.integer - (uint64_t)rest);
        return type.kind == TARN_TYPE_INT || type.kind == TARN_TYPE_LONG;
    }
    bool exact = type.kind == TARN_TYPE_DATE && transform.kind == TARN_TRANSFORM_DAY;
    if (!faulty || exact || !is_time_transform(transform.kind) || result->as.integer >= 0) {
        return true;
    }
    TarnLiteral before = *value;
    TarnLiteral result_before;
    before.as.integer--;
    if (tarn_table_transform_apply(transform, type, &before, &arena, &result_before) &&
        result_before.as.integer == result->as.integer) {
        result->as.integer++; /* not on the boundary */
    }
    return true;
}

UNUSED static bool tuple_of(const TarnPartitionSpec *spec, const ModelRow *row, bool faulty,
                            TarnLiteral *tuple) {
    for (size_t i = 0; i < spec->field_count; i++) {
        if (!written_value(&spec->fields[i], &row->values[spec->fields[i].source_id], faulty,
                           &tuple[i])) {
            return false;
        }
    }
    return true;
}

UNUSED static bool same_tuple(const TarnLiteral *a, const TarnLiteral *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!tarn_format_literal_equal(&a[i], &b[i])) return false;
    }
    return true;
}

UNUSED static void random_rows(const TarnPartitionSpec *spec, ModelFile *out) {
    bool faulty = percent(30);
    static const uint32_t NULLS[] = {0, 0, 10, 60, 100};
    uint32_t nulls = PICK(NULLS);
    size_t wanted = 1 + chance(12);
    bool long_strings = percent(25);
    out->row_count = 0;
    for (int tries = 0; tries < 60 && out->row_count < wanted; tries++) {
        ModelRow *row = &out->rows[out->row_count];
        TarnLiteral tuple[4];
        model_row(schema, nulls, &arena, row);
        if (long_strings) row->values[12].as.bytes = tarn_base_text(PICK(MODEL_LONG_STRINGS));
        /* Rows of one file share the partition: the first one's columns, now and then shifted. */
        for (size_t i = 0; out->row_count > 0 && i < spec->field_count; i++) {
            int32_t id = spec->fields[i].source_id;
            if (percent(70)) row->values[id] = out->rows[0].values[id];
        }
        if (!tuple_of(spec, row, faulty, tuple)) continue;
        if (out->row_count == 0) memcpy(out->tuple, tuple, sizeof(tuple));
        if (same_tuple(out->tuple, tuple, spec->field_count)) out->row_count++;
    }
}

UNUSED static TarnText bound_bytes(TarnPrimitive type, const TarnLiteral *value, bool upper) {
    TarnLiteral copy = *value;
    TarnText none = {0};
    if ((type.kind == TARN_TYPE_STRING || type.kind == TARN_TYPE_BINARY) && percent(60)) {
        static const int32_t WIDTHS[] = {1, 2, 16};
        int32_t width = PICK(WIDTHS);
        if (!upper) {
            copy.as.bytes = tarn_format_bound_lower(type, copy.as.bytes, width);
        } else if (width == 16 && percent(40)) {
            copy.as.bytes = tarn_format_bound_lower(type, copy.as.bytes, 16); /* the fault */
        } else if (!tarn_format_bound_upper(type, value->as.bytes, width, &arena, &copy.as.bytes)) {
            return none;
        }
    }
    if (type.kind == TARN_TYPE_LONG && copy.as.integer == (int32_t)copy.as.integer && percent(40)) {
        copy.kind = TARN_TYPE_INT;
    }
    if (model_is_real(type.kind) && copy.as.real == 0 && percent(50)) copy.as.real = 0.0;
    return bytes_of(&copy);
}

UNUSED static void column_metrics(const ModelFile *in, int32_t id, TarnColumnMetrics *metrics) {
    const TarnLiteral *lowest = NULL;
    const TarnLiteral *highest = NULL;
    int64_t nulls = 0;
    int64_t nans = 0;
    TarnPrimitive type = model_type(schema, id);
    for (size_t i = 0; i < in->row_count; i++) {
        const TarnLiteral *value = &in->rows[i].values[id];
        if (value->is_null) {
            nulls++;
        } else if (model_is_real(type.kind) && isnan(value->as.real)) {
            nans++;
        } else {
            if (lowest == NULL || model_compare(value, 0, lowest, 0) < 0) lowest = value;
            if (highest == NULL || model_compare(value, 0, highest, 0) > 0) highest = value;
        }
    }
    *metrics = unknown_metrics(id);
    if (percent(85)) metrics->value_count = (int64_t)in->row_count;
    if (percent(85)) metrics->null_count = nulls;
    if (percent(85) && model_is_real(type.kind)) metrics->nan_count = nans;
    if (lowest != NULL && percent(90)) metrics->lower = bound_bytes(type, lowest, false);
    if (highest != NULL && percent(90)) metrics->upper = bound_bytes(type, highest, true);
}

UNUSED static void random_file(const TarnPartitionSpec *spec, ModelFile *out) {
    random_rows(spec, out);
    TarnColumnMetrics *columns = TARN_NEW_ARRAY(&arena, MODEL_COLUMNS, TarnColumnMetrics);
    size_t count = 0;
    for (int32_t id = 1; id <= MODEL_COLUMNS; id++) {
        if (id != 16 && percent(85)) column_metrics(out, id, &columns[count++]);
    }
    out->file = (TarnDataFile){.record_count = (int64_t)out->row_count,
                               .columns = columns,
                               .column_count = count,
                               .partition = out->tuple,
                               .partition_count = spec->field_count};
}

#endif
