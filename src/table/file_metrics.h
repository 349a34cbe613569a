/* What a table needs to know of a Parquet file: metrics of its columns, and its schema.
 *
 * Source: Iceberg table specification, "Data File Fields", "Column Projection", "Appendix A:
 * Parquet"; the modes of metrics are the reference implementation's table properties:
 * write.metadata.metrics.default and .column.<path> = none | counts | truncate(N) | full (without
 * either: truncate(16)), write.metadata.metrics.max-inferred-column-defaults.
 */
#ifndef TARN_TABLE_FILE_METRICS_H
#define TARN_TABLE_FILE_METRICS_H

#include "format/parquet_footer.h"
#include "table/manifest.h"

typedef struct TarnFileMetricsOptions {
    const TarnSchema *schema; /* the table's, at the time of writing */
    const TarnProperty *properties;
    size_t property_count;
    const TarnSortOrder *sort_order; /* NULL = none: sorted columns get bounds in any case */
    /* schema.name-mapping.default, for files without field ids. NULL: their columns are found by
     * exact names. */
    const TarnJson *name_mapping;
} TarnFileMetricsOptions;

/* Fills content, format, record_count, file_size, split_offsets and columns of *file; the rest is
 * the caller's. Texts are in the arena or views into the footer's bytes.
 *
 * Columns of the file that the schema does not have are left out. A column has its size and its
 * counts as far as the file states them; nan_count only where the writer is known to count, or
 * to leave out bounds when there are NaNs. Bounds hold for every value: they are left out if one
 * row group lacks them, in lists and maps, and for types without an order. Errors:
 * TARN_E_SCHEMA_CHANGE_REFUSED if a column cannot be read as the schema's type,
 * TARN_E_FORMAT_CORRUPT if two columns have one field id, TARN_E_METADATA_INVALID for a broken
 * name mapping. `name` is the file named in errors. */
bool tarn_table_file_metrics_fill(const TarnParquetFooter *footer, const char *name,
                                  const TarnFileMetricsOptions *options, TarnArena *arena,
                                  TarnDataFile *file, TarnError *error) TARN_CHECKED;

/* What the schema of a file is wanted for. */
typedef enum TarnFileSchemaUse {
    TARN_FILE_SCHEMA_LOAD,    /* its rows are read and written anew */
    TARN_FILE_SCHEMA_REGISTER /* the file itself becomes part of a table */
} TarnFileSchemaUse;

/* The schema of a table that can hold the file. All columns are optional but map keys, for the
 * next file may have nulls. Field ids are the file's if it has one for every field, which
 * *has_ids tells; else they are given from 1 on. *last_column_id is the highest.
 *
 * Unsigned integers become the next wider type, INT96 timestamptz, JSON and ENUM string, FLOAT16
 * float, timestamps of nanoseconds timestamp_ns (format version 3). Old two-level lists and bare
 * repeated columns become lists for LOAD. TARN_E_SCHEMA_CHANGE_REFUSED, naming the column, for
 * what has no equal (UINT64, INTERVAL, decimals beyond 38 digits, groups without fields), and for
 * REGISTER what a table's files must not have: those lists, FLOAT16, and INT96. */
bool tarn_table_schema_from_footer(const TarnParquetFooter *footer, const char *name,
                                   TarnFileSchemaUse use, TarnArena *arena, TarnSchema *schema,
                                   int32_t *last_column_id, bool *has_ids, TarnError *error)
    TARN_CHECKED;

#endif
