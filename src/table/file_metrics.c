/* Metrics of a data file from its Parquet footer.
 *
 * Sums and extremes over the row groups, column by column. Each number is kept only if every row
 * group has it: a missing count is unknown, never zero, and a missing bound would make pruning
 * drop rows. In lists and maps there are counts but no bounds, as the reference implementation
 * does.
 *
 * It reads no data pages: distinct values, and NaN counts of writers that do not state them, stay
 * unknown.
 */
#include "table/file_metrics.h"

#include <stdlib.h>

#include "base/limits.h"
#include "table/file_metrics_private.h"

/* The file's columns of one writer: what it is known to do. */
#define DUCKDB "DuckDB"

typedef struct Context {
    const TarnParquetFooter *footer;
    const char *name;
    TarnArena *arena;
    TarnError *error;
    /* A float chunk of DuckDB has no bounds if it holds a NaN; others just leave NaNs out. */
    bool bounds_deny_nan;
} Context;

/* ---- counts ---- */

/* Adds a count that may be unknown to a sum that may be. */
static void add_count(int64_t *sum, int64_t count) {
    if (*sum == TARN_ABSENT) return;
    if (count == TARN_PARQUET_ABSENT || __builtin_add_overflow(*sum, count, sum)) {
        *sum = TARN_ABSENT;
    }
}

static bool is_real(TarnTypeKind kind) {
    return kind == TARN_TYPE_FLOAT || kind == TARN_TYPE_DOUBLE;
}

static bool is_all_null(const TarnParquetChunk *chunk) {
    return chunk->statistics.null_count == chunk->num_values;
}

static bool has_real_bounds(const Context *context, const TarnParquetNode *node, TarnPrimitive type,
                            const TarnParquetStatistics *statistics) {
    TarnLiteral bound;
    return statistics->min.data != NULL && statistics->max.data != NULL &&
           tarn_table__file_bound(node, type, statistics->min, false, false, context->arena,
                                  &bound) &&
           tarn_table__file_bound(node, type, statistics->max, true, false, context->arena, &bound);
}

static int64_t nan_count(const Context *context, const TarnParquetNode *node, TarnPrimitive type,
                         const TarnParquetChunk *chunk) {
    const TarnParquetStatistics *statistics = &chunk->statistics;
    if (statistics->nan_count != TARN_PARQUET_ABSENT) return statistics->nan_count;
    if (is_all_null(chunk)) return 0;
    bool none = context->bounds_deny_nan && has_real_bounds(context, node, type, statistics);
    return none ? 0 : TARN_PARQUET_ABSENT;
}

static void sum_counts(const Context *context, const TarnParquetNode *node, TarnPrimitive type,
                       TarnColumnMetrics *metrics) {
    metrics->column_size = metrics->value_count = metrics->null_count = 0;
    metrics->nan_count = is_real(type.kind) ? 0 : TARN_ABSENT;
    for (size_t i = 0; i < context->footer->row_group_count; i++) {
        const TarnParquetChunk *chunk = &context->footer->row_groups[i].chunks[node->column];
        int64_t nulls = node->definition_max == 0 ? 0 : chunk->statistics.null_count;
        add_count(&metrics->column_size, chunk->total_compressed_size);
        if (chunk->num_values == 0) continue; /* writers state nothing about nothing */
        add_count(&metrics->value_count, chunk->num_values);
        add_count(&metrics->null_count, nulls);
        if (metrics->nan_count == TARN_ABSENT) continue;
        add_count(&metrics->nan_count, nan_count(context, node, type, chunk));
    }
}

/* ---- bounds ---- */

/* Nulls and NaNs have no bounds and need none. */
static bool needs_bounds(const TarnParquetChunk *chunk) {
    int64_t left = chunk->num_values;
    const TarnParquetStatistics *statistics = &chunk->statistics;
    if (statistics->null_count != TARN_PARQUET_ABSENT) left -= statistics->null_count;
    if (statistics->nan_count != TARN_PARQUET_ABSENT) left -= statistics->nan_count;
    return left > 0;
}

/* The outermost bound of all row groups; false if one of them has none. */
static bool find_bound(const Context *context, const TarnParquetNode *node, TarnPrimitive type,
                       bool is_upper, TarnLiteral *outermost) {
    bool found = false;
    for (size_t i = 0; i < context->footer->row_group_count; i++) {
        const TarnParquetChunk *chunk = &context->footer->row_groups[i].chunks[node->column];
        const TarnParquetStatistics *statistics = &chunk->statistics;
        TarnText bytes = is_upper ? statistics->max : statistics->min;
        bool inexact = is_upper ? statistics->max_inexact : statistics->min_inexact;
        TarnLiteral bound;
        if (!needs_bounds(chunk)) continue;
        if (bytes.data == NULL ||
            !tarn_table__file_bound(node, type, bytes, is_upper, inexact, context->arena, &bound)) {
            return false;
        }
        int order = found ? tarn_format_literal_compare(&bound, outermost) : 0;
        if (!found || (is_upper ? order > 0 : order < 0)) *outermost = bound;
        found = true;
    }
    return found;
}

static bool is_cut(TarnTypeKind kind) {
    return kind == TARN_TYPE_STRING || kind == TARN_TYPE_BINARY;
}

/* A value outside its type (a time of 30 hours, a decimal of too many digits) can stand in a
 * broken file's statistics; readers of the manifest would refuse it, so it is no bound. */
static bool is_readable(TarnPrimitive type, const TarnBuffer *bytes) {
    TarnLiteral again;
    TarnError ignored;
    return tarn_format_literal_from_bytes(type, tarn_base_buffer_view(bytes), &again, &ignored);
}

static bool keep_bound(const Context *context, TarnPrimitive type, const TarnLiteral *bound,
                       TarnText *out) {
    TarnBuffer bytes;
    tarn_base_buffer_init(&bytes, TARN_LIMIT_PARQUET_FOOTER_BYTES);
    tarn_format_literal_to_bytes(bound, &bytes);
    bool done = tarn_base_buffer_check(&bytes, context->error);
    if (done && is_readable(type, &bytes)) {
        *out = (TarnText){tarn_base_arena_string_n(context->arena, bytes.data, bytes.size),
                          bytes.size};
        done = tarn_base_arena_check(context->arena, context->error);
    }
    tarn_base_buffer_dispose(&bytes);
    return done;
}

static bool fill_bounds(const Context *context, const TarnParquetNode *node,
                        const TarnMetricsField *field, TarnColumnMetrics *metrics) {
    TarnPrimitive type = field->field->type.primitive;
    bool cut = field->mode.kind == TARN_METRICS_TRUNCATE && is_cut(type.kind);
    TarnLiteral bound;
    if (find_bound(context, node, type, false, &bound)) {
        if (cut) {
            bound.as.bytes = tarn_format_bound_lower(type, bound.as.bytes, field->mode.width);
        }
        if (!keep_bound(context, type, &bound, &metrics->lower)) return false;
    }
    if (!find_bound(context, node, type, true, &bound)) return true;
    if (cut && !tarn_format_bound_upper(type, bound.as.bytes, field->mode.width, context->arena,
                                        &bound.as.bytes)) {
        return tarn_base_arena_check(context->arena, context->error); /* nothing is above it */
    }
    return keep_bound(context, type, &bound, &metrics->upper);
}

/* ---- columns ---- */

static bool refuse_type(const Context *context, const TarnParquetNode *node,
                        const TarnField *field) {
    char found[TARN_FILE_TYPE_BYTES];
    char wanted[64] = "a struct, list or map";
    TarnBuffer name;
    tarn_base_buffer_init(&name, sizeof(wanted) - 1);
    if (!tarn_format_kind_is_nested(field->type.primitive.kind)) {
        tarn_format_primitive_write(field->type.primitive, &name);
        if (!name.failed && name.size > 0) memcpy(wanted, name.data, name.size + 1);
    }
    tarn_base_buffer_dispose(&name);
    return tarn_base_error_set(context->error, TARN_E_SCHEMA_CHANGE_REFUSED,
                               "the column \"%s\" of \"%s\" is %s, the table has %s", field->name,
                               context->name, tarn_table__file_type_name(node, found), wanted);
}

/* The parts of a variant column carry no ids of their own, so a leaf is never one. */
static bool fill_column(const Context *context, const TarnParquetNode *node,
                        const TarnMetricsField *field, TarnColumnMetrics *metrics) {
    TarnPrimitive type = field->field->type.primitive;
    if (!tarn_table__file_can_read(node, type)) return refuse_type(context, node, field->field);
    metrics->field_id = field->id;
    sum_counts(context, node, type, metrics);
    bool in_collection = field->in_collection || node->repetition_max > 0;
    if (in_collection || field->mode.kind == TARN_METRICS_COUNTS) return true;
    return fill_bounds(context, node, field, metrics);
}

static int compare_metrics(const void *left, const void *right) {
    const TarnColumnMetrics *a = left;
    const TarnColumnMetrics *b = right;
    return (a->field_id > b->field_id) - (a->field_id < b->field_id);
}

static bool check_unique(const Context *context, const TarnDataFile *file) {
    for (size_t i = 1; i < file->column_count; i++) {
        if (file->columns[i].field_id != file->columns[i - 1].field_id) continue;
        return tarn_base_error_set(context->error, TARN_E_FORMAT_CORRUPT,
                                   "two columns of \"%s\" have the field id %d", context->name,
                                   file->columns[i].field_id);
    }
    return true;
}

/* A leaf whose id is that of a struct, list or map of the table. */
static bool check_unknown(const Context *context, const TarnSchema *schema,
                          const TarnParquetNode *node, int32_t id) {
    const TarnField *field = tarn_table_schema_find(schema, id);
    return field == NULL || refuse_type(context, node, field);
}

static bool fill_columns(const Context *context, const TarnFileMetricsOptions *options,
                         TarnDataFile *file) {
    const TarnParquetFooter *footer = context->footer;
    TarnMetricsFields fields;
    int32_t *field_ids = NULL;
    if (!tarn_table__metrics_fields(options, context->arena, &fields, context->error) ||
        !tarn_table__file_map(footer, options->schema, options->name_mapping, context->arena,
                              &field_ids, context->error)) {
        return false;
    }
    size_t room = footer->column_count < fields.count ? footer->column_count : fields.count;
    file->columns = TARN_NEW_ARRAY(context->arena, room + 1, TarnColumnMetrics);
    if (!tarn_base_arena_check(context->arena, context->error)) return false;
    for (size_t i = 0; i < footer->column_count; i++) {
        const TarnParquetNode *node = &footer->nodes[footer->columns[i]];
        if (field_ids[i] == 0) continue;
        const TarnMetricsField *field = tarn_table__metrics_field(&fields, field_ids[i]);
        if (field == NULL) {
            if (!check_unknown(context, options->schema, node, field_ids[i])) return false;
            continue;
        }
        if (field->mode.kind == TARN_METRICS_NONE) continue;
        /* More columns than fields: some id occurs twice; one too many is enough to see it. */
        if (file->column_count > room) break;
        if (!fill_column(context, node, field, &file->columns[file->column_count++])) return false;
    }
    if (file->column_count > 1) {
        qsort(file->columns, file->column_count, sizeof(file->columns[0]), compare_metrics);
    }
    return check_unique(context, file);
}

/* ---- the file ---- */

static int compare_offsets(const void *left, const void *right) {
    const int64_t *a = left;
    const int64_t *b = right;
    return (*a > *b) - (*a < *b);
}

/* Where a reader may begin: the first byte of each row group, ascending. */
static void fill_split_offsets(const Context *context, TarnDataFile *file) {
    const TarnParquetFooter *footer = context->footer;
    int64_t *offsets = TARN_NEW_ARRAY(context->arena, footer->row_group_count, int64_t);
    size_t count = 0;
    file->split_offsets = offsets;
    file->split_offset_count = 0;
    if (offsets == NULL) return;
    for (size_t g = 0; g < footer->row_group_count; g++) {
        int64_t first = INT64_MAX;
        for (size_t c = 0; c < footer->column_count; c++) {
            const TarnParquetChunk *chunk = &footer->row_groups[g].chunks[c];
            int64_t start = chunk->data_page_offset;
            if (chunk->dictionary_page_offset > 0 && chunk->dictionary_page_offset < start) {
                start = chunk->dictionary_page_offset;
            }
            if (start > 0 && start < first) first = start;
        }
        if (first < INT64_MAX) offsets[count++] = first;
    }
    if (count > 1) qsort(offsets, count, sizeof(offsets[0]), compare_offsets);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || offsets[i] != offsets[i - 1]) {
            offsets[file->split_offset_count++] = offsets[i];
        }
    }
}

bool tarn_table_file_metrics_fill(const TarnParquetFooter *footer, const char *name,
                                  const TarnFileMetricsOptions *options, TarnArena *arena,
                                  TarnDataFile *file, TarnError *error) {
    Context context = {.footer = footer, .name = name, .arena = arena, .error = error};
    context.bounds_deny_nan = footer->created_by.data != NULL &&
                              tarn_base_text_starts(footer->created_by, DUCKDB);
    if (footer->file_size > INT64_MAX) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED, "\"%s\" is too large", name);
    }
    file->content = TARN_CONTENT_DATA;
    file->format = TARN_TEXT("PARQUET");
    file->record_count = footer->num_rows;
    file->file_size = (int64_t)footer->file_size;
    file->columns = NULL;
    file->column_count = 0;
    fill_split_offsets(&context, file);
    return fill_columns(&context, options, file) && tarn_base_arena_check(arena, error);
}
