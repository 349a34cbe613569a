/* Reading a table through the engine: a planned scan as the SQL of a SELECT.
 *
 * Columns are found by field id, at every depth. Flat columns, and nested ones whose inner names
 * never changed, go through read_parquet's own field-id schema. Where a nested field was renamed,
 * added or reordered, the engine would match by name and silently yield NULL; there, and for files
 * without ids (name mapping), the files' footers are read, files of equal shape are grouped, and
 * each group gets expressions that rebuild the current type field by field.
 *
 * Rows deleted by position are left out by a function that looks into bitmaps; rows deleted by
 * equality by a join with the delete files.
 *
 * Source: Iceberg table specification, "Column Projection", "Name Mapping", "Delete Formats",
 * "Scan Planning", "Row Lineage".
 */
#ifndef TARN_QUERY_SCAN_SQL_H
#define TARN_QUERY_SCAN_SQL_H

#include "catalog/catalog.h"
#include "query/query.h"
#include "table/scan.h"

/* Row lineage of format version 3, as columns of a scan; null where a file has no row ids. */
#define TARN_SCAN_ROW_ID "_row_id"
#define TARN_SCAN_LAST_UPDATED "_last_updated_sequence_number"

typedef struct TarnScanSqlOptions {
    const TarnSchema *schema; /* one of the table's (a snapshot's own for time travel) */
    bool places;  /* also "__tarn_file", the task's number in the plan, and "__tarn_position" */
    bool lineage; /* also TARN_SCAN_ROW_ID and TARN_SCAN_LAST_UPDATED */
    /* Positions to leave out too, per task; NULL = none. They must live while the SQL runs. */
    const struct TarnRoaring *const *also_deleted;
    const bool *only; /* per task: yield those positions and no others; NULL = of none */
    /* Out, if not NULL: per task what is deleted by position, `also_deleted` included, in `arena`;
     * *deleted NULL = nothing. The bitmaps live as long as the SQL may be run. */
    const struct TarnRoaring ***deleted;
    TarnArena *arena;
} TarnScanSqlOptions;

/* Writes "SELECT <columns of schema> FROM ..." that yields the plan's live rows, in the schema's
 * types; no files: a SELECT of no rows. It can be run until the next statement is prepared, which
 * forgets what the SQL refers to. Errors: those of reading delete files, footers and defaults. */
bool tarn_query_scan_sql(TarnQuery *query, const TarnTable *table, const TarnScanPlan *plan,
                         const TarnScanSqlOptions *options, TarnBuffer *out,
                         TarnError *error) TARN_CHECKED;

#endif
