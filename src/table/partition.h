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

/* "bucket[16]", any case. A name not known here is UNKNOWN with its text; false if a known one is
 * malformed ("bucket[0]") or the text is empty. */
bool tarn_table_transform_parse(TarnText text, TarnTransform *transform);
void tarn_table_transform_write(TarnTransform transform, TarnBuffer *out);
bool tarn_table_transform_equal(TarnTransform a, TarnTransform b);
/* The type a transform yields from a source type; false if it does not apply to it or is
 * UNKNOWN. */
bool tarn_table_transform_result(TarnTransform transform, TarnPrimitive source,
                                 TarnPrimitive *result);
/* Applies it to one value (null -> null). False for UNKNOWN, a kind it does not fit, a result
 * beyond its type (truncate below the smallest int, decimal or long, hours beyond year 246953), or
 * when the arena failed. The result may view the value's bytes. */
bool tarn_table_transform_apply(TarnTransform transform, TarnPrimitive source,
                                const TarnLiteral *value, TarnArena *arena, TarnLiteral *result);
/* A DuckDB expression over `column_sql` (a column of the source type, or an expression without
 * side effects: it occurs several times) that yields the transform's value for each row, equal to
 * transform_apply bit for bit in any session time zone; a result beyond its type is an error when
 * run. False for UNKNOWN, kinds it does not fit, and TIMESTAMPTZ_NS, which DuckDB cannot hold.
 *
 * Bucket calls the scalar function tarn_bucket, which the engine's host registers as three
 * overloads that return INTEGER and give null for a null value:
 *   tarn_bucket(INTEGER n, BIGINT)   integers, dates, times, timestamps: tarn_table_bucket_long
 *   tarn_bucket(INTEGER n, HUGEINT)  unscaled decimals: tarn_table_bucket_decimal
 *   tarn_bucket(INTEGER n, BLOB)     UTF-8, bytes, UUIDs as 16 bytes: tarn_table_bucket_bytes */
bool tarn_table_transform_to_sql(TarnTransform transform, TarnPrimitive source, TarnText column_sql,
                                 TarnBuffer *out);
/* Bucket 0 .. count - 1; -1 if count < 1. */
int32_t tarn_table_bucket_long(int32_t count, int64_t value);
int32_t tarn_table_bucket_decimal(int32_t count, TarnInt128 unscaled);
int32_t tarn_table_bucket_bytes(int32_t count, TarnText bytes);
/* "2026-11", "2026-11-21-07" for people and paths. */
void tarn_table_transform_value_text(TarnTransform transform, TarnPrimitive source,
                                     const TarnLiteral *value, TarnBuffer *out);

bool tarn_table_partition_spec_from_json(const TarnJson *json, TarnArena *arena,
                                         TarnPartitionSpec *spec, TarnError *error) TARN_CHECKED;
void tarn_table_partition_spec_to_json(const TarnPartitionSpec *spec, TarnJsonWriter *out);
/* The bare array of fields, as a manifest's header carries it (read: object form accepted too). */
void tarn_table_partition_fields_to_json(const TarnPartitionSpec *spec, TarnJsonWriter *out);
bool tarn_table_partition_fields_from_json(const TarnJson *json, int32_t spec_id, TarnArena *arena,
                                           TarnPartitionSpec *spec, TarnError *error) TARN_CHECKED;
bool tarn_table_sort_order_from_json(const TarnJson *json, TarnArena *arena, TarnSortOrder *order,
                                     TarnError *error) TARN_CHECKED;
void tarn_table_sort_order_to_json(const TarnSortOrder *order, TarnJsonWriter *out);
/* But for the id. */
bool tarn_table_sort_order_same(const TarnSortOrder *a, const TarnSortOrder *b);

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
