/* Shared by the files that read Parquet footers for the table core. Private to table/. */
#ifndef TARN_TABLE_FILE_METRICS_PRIVATE_H
#define TARN_TABLE_FILE_METRICS_PRIVATE_H

#include "table/file_metrics.h"

/* ---- file_shape.c: what a group of a Parquet schema stands for ---- */

typedef enum TarnFileShapeKind {
    TARN_FILE_SHAPE_PRIMITIVE,
    TARN_FILE_SHAPE_STRUCT,
    TARN_FILE_SHAPE_LIST,
    TARN_FILE_SHAPE_MAP,
    TARN_FILE_SHAPE_VARIANT,
    TARN_FILE_SHAPE_BROKEN /* annotated as a list or map, but not of that shape */
} TarnFileShapeKind;

/* Nodes of the footer's schema. */
typedef struct TarnFileShape {
    TarnFileShapeKind kind;
    uint32_t element; /* LIST */
    uint32_t key;     /* MAP */
    uint32_t value;   /* MAP */
    /* LIST: not the three levels of today: the repeated node is itself the element. */
    bool is_legacy;
} TarnFileShape;

/* Of a node other than the root. `as_element`: the node is a legacy list's repeated node, so its
 * repetition is used up. */
TarnFileShape tarn_table__file_shape(const TarnParquetFooter *footer, uint32_t node,
                                     bool as_element);
/* "INT64 TIMESTAMP" for messages. */
#define TARN_FILE_TYPE_BYTES 64
char *tarn_table__file_type_name(const TarnParquetNode *node, char out[TARN_FILE_TYPE_BYTES]);

/* ---- file_mapping.c: which field of the table a column is ---- */

/* The schema's field id of each leaf column, 0 = none. */
bool tarn_table__file_map(const TarnParquetFooter *footer, const TarnSchema *schema,
                          const TarnJson *name_mapping, TarnArena *arena, int32_t **field_ids,
                          TarnError *error) TARN_CHECKED;

/* ---- file_metrics_mode.c: how much is kept of each column ---- */

typedef enum TarnMetricsModeKind {
    TARN_METRICS_NONE,
    TARN_METRICS_COUNTS,
    TARN_METRICS_TRUNCATE,
    TARN_METRICS_FULL
} TarnMetricsModeKind;

typedef struct TarnMetricsMode {
    TarnMetricsModeKind kind;
    int32_t width; /* TRUNCATE: code points or bytes */
} TarnMetricsMode;

/* A leaf of the table's schema. */
typedef struct TarnMetricsField {
    int32_t id;
    bool in_collection;
    TarnMetricsMode mode;
    const TarnField *field;
} TarnMetricsField;

typedef struct TarnMetricsFields {
    TarnMetricsField *items; /* ascending ids */
    size_t count;
    size_t capacity;
} TarnMetricsFields;

bool tarn_table__metrics_fields(const TarnFileMetricsOptions *options, TarnArena *arena,
                                TarnMetricsFields *fields, TarnError *error) TARN_CHECKED;
TarnMetricsField *tarn_table__metrics_field(const TarnMetricsFields *fields, int32_t id);

/* ---- file_metrics_bounds.c: Parquet's values as Iceberg's ---- */

/* Whether values of a column can be read as the type at all. */
bool tarn_table__file_can_read(const TarnParquetNode *node, TarnPrimitive type);
/* A bound in PLAIN encoding as a value of the type that still bounds: rounded away from the
 * column's values where the type is coarser. False: no usable bound. */
bool tarn_table__file_bound(const TarnParquetNode *node, TarnPrimitive type, TarnText bytes,
                            bool is_upper, bool is_inexact, TarnArena *arena, TarnLiteral *literal);

#endif
