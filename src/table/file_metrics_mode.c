/* How much is kept of each column's statistics: the table properties of metrics.
 *
 * As the reference implementation has it: a default for all columns; without one, truncate(16)
 * for the first hundred (those of a struct before those inside them) and nothing for the rest of
 * a very wide table; sorted columns get bounds in any case, since they are what pruning lives on;
 * a column's own property wins. A mode nobody knows is reported and the default taken: a typing
 * error in a property must not stop a load.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "table/file_metrics_private.h"

#define PROPERTY_DEFAULT "write.metadata.metrics.default"
#define PROPERTY_COLUMN "write.metadata.metrics.column."
#define PROPERTY_MAX_COLUMNS "write.metadata.metrics.max-inferred-column-defaults"
#define MAX_COLUMNS_DEFAULT 100
#define WIDTH_DEFAULT 16

static const TarnMetricsMode mode_none = {.kind = TARN_METRICS_NONE};
static const TarnMetricsMode mode_default = {.kind = TARN_METRICS_TRUNCATE, .width = WIDTH_DEFAULT};

static const char *find_property(const TarnFileMetricsOptions *options, const char *key) {
    for (size_t i = 0; i < options->property_count; i++) {
        if (strcmp(options->properties[i].key, key) == 0) return options->properties[i].value;
    }
    return NULL;
}

/* "truncate(N)" with N above zero. */
static bool parse_width(TarnText text, int32_t *width) {
    static const char word[] = "truncate(";
    int64_t number;
    size_t size = sizeof(word) - 1;
    if (text.size <= size || strncasecmp(text.data, word, size) != 0) return false;
    if (text.data[text.size - 1] != ')') return false;
    TarnText digits = {text.data + size, text.size - size - 1};
    if (!tarn_base_text_to_int64(digits, &number) || number < 1 || number > INT32_MAX) return false;
    *width = (int32_t)number;
    return true;
}

static TarnMetricsMode parse_mode(const char *key, const char *value, TarnMetricsMode otherwise) {
    TarnText text = tarn_base_text_trim(tarn_base_text(value));
    TarnMetricsMode mode = {.kind = TARN_METRICS_TRUNCATE};
    if (parse_width(text, &mode.width)) return mode;
    if (text.size == 4 && strncasecmp(text.data, "none", 4) == 0) return mode_none;
    if (text.size == 4 && strncasecmp(text.data, "full", 4) == 0) {
        return (TarnMetricsMode){.kind = TARN_METRICS_FULL};
    }
    if (text.size == 6 && strncasecmp(text.data, "counts", 6) == 0) {
        return (TarnMetricsMode){.kind = TARN_METRICS_COUNTS};
    }
    tarn_base_log(TARN_LOG_WARN, "the table property %s is no mode of metrics: \"%s\"", key, value);
    return otherwise;
}

/* ---- the leaves of the schema ---- */

typedef struct Collector {
    TarnArena *arena;
    TarnMetricsFields *fields;
    size_t with_default; /* how many more may have the default mode */
    TarnMetricsMode mode;
} Collector;

static void add_leaf(Collector *collector, const TarnField *field, bool in_collection) {
    TarnMetricsField *leaf = TARN_PUSH(collector->arena, collector->fields);
    if (leaf == NULL) return;
    *leaf = (TarnMetricsField){.id = field->id,
                               .in_collection = in_collection,
                               .field = field,
                               .mode = collector->with_default > 0 ? collector->mode : mode_none};
    if (collector->with_default > 0) collector->with_default--;
}

/* Leaves of this level first: of a wide table the top-level columns matter most. Recursion ends
 * with the schema's nesting, which is limited. */
static void collect(Collector *collector, const TarnField *fields, size_t count,
                    bool in_collection) {
    for (size_t i = 0; i < count; i++) {
        if (!tarn_format_kind_is_nested(fields[i].type.primitive.kind)) {
            add_leaf(collector, &fields[i], in_collection);
        }
    }
    for (size_t i = 0; i < count; i++) {
        const TarnType *type = &fields[i].type;
        if (!tarn_format_kind_is_nested(type->primitive.kind)) continue;
        collect(collector, type->fields, type->field_count,
                in_collection || type->primitive.kind != TARN_TYPE_STRUCT);
    }
}

static int compare_fields(const void *left, const void *right) {
    const TarnMetricsField *a = left;
    const TarnMetricsField *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

TarnMetricsField *tarn_table__metrics_field(const TarnMetricsFields *fields, int32_t id) {
    TarnMetricsField wanted = {.id = id};
    if (fields->count == 0) return NULL;
    return bsearch(&wanted, fields->items, fields->count, sizeof(wanted), compare_fields);
}

/* ---- exceptions from the default ---- */

/* Transforms that keep the order of their column. */
static bool keeps_order(TarnTransform transform) {
    switch (transform.kind) {
    case TARN_TRANSFORM_BUCKET:
    case TARN_TRANSFORM_VOID:
    case TARN_TRANSFORM_UNKNOWN: return false;
    default: return true;
    }
}

static void promote_sorted(const TarnSortOrder *order, TarnMetricsMode otherwise,
                           TarnMetricsFields *fields) {
    bool keeps_bounds = otherwise.kind == TARN_METRICS_TRUNCATE ||
                        otherwise.kind == TARN_METRICS_FULL;
    for (size_t i = 0; order != NULL && i < order->field_count; i++) {
        if (!keeps_order(order->fields[i].transform)) continue;
        TarnMetricsField *leaf = tarn_table__metrics_field(fields, order->fields[i].source_id);
        if (leaf != NULL) leaf->mode = keeps_bounds ? otherwise : mode_default;
    }
}

static void apply_column_properties(const TarnFileMetricsOptions *options,
                                    TarnMetricsMode otherwise, TarnMetricsFields *fields) {
    for (size_t i = 0; i < options->property_count; i++) {
        const TarnProperty *property = &options->properties[i];
        if (strncmp(property->key, PROPERTY_COLUMN, sizeof(PROPERTY_COLUMN) - 1) != 0) continue;
        const char *path = property->key + sizeof(PROPERTY_COLUMN) - 1;
        const TarnField *field = tarn_table_schema_find_name(options->schema, path);
        TarnMetricsField *leaf = field != NULL ? tarn_table__metrics_field(fields, field->id)
                                               : NULL;
        if (leaf != NULL) leaf->mode = parse_mode(property->key, property->value, otherwise);
    }
}

bool tarn_table__metrics_fields(const TarnFileMetricsOptions *options, TarnArena *arena,
                                TarnMetricsFields *fields, TarnError *error) {
    const char *stated = find_property(options, PROPERTY_DEFAULT);
    const char *most = find_property(options, PROPERTY_MAX_COLUMNS);
    int64_t limit = MAX_COLUMNS_DEFAULT;
    *fields = (TarnMetricsFields){.items = NULL};
    Collector collector = {.arena = arena, .fields = fields, .mode = mode_default};
    if (stated != NULL) {
        collector.mode = parse_mode(PROPERTY_DEFAULT, stated, mode_default);
        collector.with_default = SIZE_MAX;
    } else {
        int64_t number;
        if (most != NULL && tarn_base_text_to_int64(tarn_base_text(most), &number) && number >= 0) {
            limit = number;
        }
        collector.with_default = (size_t)limit;
    }
    collect(&collector, options->schema->fields, options->schema->field_count, false);
    if (!tarn_base_arena_check(arena, error)) return false;
    /* Beyond the limit the default for a column is nothing, for its own property's sake too. */
    bool cut = collector.with_default == 0 && stated == NULL && fields->count > (size_t)limit;
    TarnMetricsMode otherwise = cut ? mode_none : collector.mode;
    if (fields->count > 1) {
        qsort(fields->items, fields->count, sizeof(fields->items[0]), compare_fields);
    }
    promote_sorted(options->sort_order, otherwise, fields);
    apply_column_properties(options, otherwise, fields);
    return true;
}
