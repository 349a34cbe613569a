/* Partition specs, transforms and sort orders.
 *
 * Source: Iceberg table specification, "Partitioning", "Partition Transforms", "Partition
 * Evolution", "Sorting". Division floors (year/month/day/hour before 1970), bucket is
 * murmur3 & 0x7fffffff % N, truncate floors negatives and cuts strings by code points.
 */
#ifndef TARN_TABLE_PARTITION_H
#define TARN_TABLE_PARTITION_H

#include "table/schema.h"

#define TARN_PARTITION_FIRST_FIELD_ID 1000

typedef enum TarnTransformKind {
    TARN_TRANSFORM_IDENTITY,
    TARN_TRANSFORM_BUCKET,
    TARN_TRANSFORM_TRUNCATE,
    TARN_TRANSFORM_YEAR,
    TARN_TRANSFORM_MONTH,
    TARN_TRANSFORM_DAY,
    TARN_TRANSFORM_HOUR,
    TARN_TRANSFORM_VOID,
    TARN_TRANSFORM_UNKNOWN /* read, ignored for filters, never written with */
} TarnTransformKind;

typedef struct TarnTransform {
    TarnTransformKind kind;
    int32_t width; /* BUCKET: N, TRUNCATE: W; > 0 */
    TarnText text; /* UNKNOWN: as read */
} TarnTransform;

typedef struct TarnPartitionField {
    int32_t source_id;
    int32_t field_id; /* 1000 and up, unique over all specs of a table */
    const char *name;
    TarnTransform transform;
} TarnPartitionField;

typedef struct TarnPartitionSpec {
    int32_t id;
    TarnPartitionField *fields;
    size_t field_count;
    TarnText source; /* JSON as read; empty = made here */
} TarnPartitionSpec;

typedef struct TarnSortField {
    int32_t source_id;
    TarnTransform transform;
    bool descending;
    bool nulls_last;
} TarnSortField;

typedef struct TarnSortOrder {
    int32_t id; /* 0 = unsorted */
    TarnSortField *fields;
    size_t field_count;
    TarnText source;
} TarnSortOrder;

bool tarn_table_transform_parse(TarnText text, TarnTransform *transform); /* "bucket[16]" */
void tarn_table_transform_write(TarnTransform transform, TarnBuffer *out);
/* The type a transform yields from a source type; false if it does not apply to it. */
bool tarn_table_transform_result(TarnTransform transform, TarnPrimitive source,
                                 TarnPrimitive *result);
/* Applies it to one value (null -> null). False only for UNKNOWN or a kind it does not fit. */
bool tarn_table_transform_apply(TarnTransform transform, TarnPrimitive source,
                                const TarnLiteral *value, TarnArena *arena, TarnLiteral *result);
/* A DuckDB expression over `column_sql` that yields the transform's value for each row, equal to
 * transform_apply bit for bit (bucket through the registered scalar function tarn_bucket). */
bool tarn_table_transform_to_sql(TarnTransform transform, TarnPrimitive source,
                                 TarnText column_sql, TarnBuffer *out);
/* "2026-11", "2026-11-21-07" for people and paths. */
void tarn_table_transform_value_text(TarnTransform transform, TarnPrimitive source,
                                     const TarnLiteral *value, TarnBuffer *out);

bool tarn_table_partition_spec_from_json(const TarnJson *json, TarnArena *arena,
                                         TarnPartitionSpec *spec, TarnError *error) TARN_CHECKED;
void tarn_table_partition_spec_to_json(const TarnPartitionSpec *spec, TarnJsonWriter *out);
/* The bare array of fields, as a manifest's header carries it (read: object form accepted too). */
void tarn_table_partition_fields_to_json(const TarnPartitionSpec *spec, TarnJsonWriter *out);
bool tarn_table_partition_fields_from_json(const TarnJson *json, int32_t spec_id,
                                           TarnArena *arena, TarnPartitionSpec *spec,
                                           TarnError *error) TARN_CHECKED;
bool tarn_table_sort_order_from_json(const TarnJson *json, TarnArena *arena, TarnSortOrder *order,
                                     TarnError *error) TARN_CHECKED;
void tarn_table_sort_order_to_json(const TarnSortOrder *order, TarnJsonWriter *out);

/* User expressions: "month(flight_date)", "bucket(16, id)", "truncate(10, name)", "region" (=
 * identity), Spark's "days(ts)" spellings too. Errors: TARN_E_PARTITION_INVALID. */
bool tarn_table_partition_parse(const TarnSchema *schema, TarnText expression, TarnArena *arena,
                                TarnPartitionField *field, TarnError *error) TARN_CHECKED;
/* A spec from such expressions; field ids reused from `known` specs where source and transform
 * are equal, else taken from *last_partition_id + 1 on. Spec id = that of an equal known spec,
 * else the highest + 1. */
bool tarn_table_partition_spec_build(const TarnSchema *schema, const TarnPartitionField *fields,
                                     size_t count, const TarnPartitionSpec *known,
                                     size_t known_count, int32_t *last_partition_id,
                                     TarnArena *arena, TarnPartitionSpec *spec, TarnError *error)
    TARN_CHECKED;
/* The type of each partition field, in the spec's order; STRING-typed unknowns are possible when
 * a source column was dropped. */
bool tarn_table_partition_types(const TarnPartitionSpec *spec, const TarnSchema *schema,
                                TarnArena *arena, TarnPrimitive **types, TarnError *error)
    TARN_CHECKED;
/* "month=2026-11/carrier=AA" with names and values percent-encoded. */
void tarn_table_partition_path(const TarnPartitionSpec *spec, const TarnSchema *schema,
                               const TarnLiteral *values, TarnBuffer *out);

#endif
