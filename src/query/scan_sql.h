/* Reading a table through the engine: a planned scan as the SQL of a SELECT.
 *
 * Columns are found by field id, at every depth. Flat columns, and nested ones whose inner names
 * never changed, go through read_parquet's own field-id schema. Where a nested field was renamed,
 * added or reordered, the engine would match by name and silently yield NULL; there, and for files
 * without ids (name mapping), the files' footers are read, files of equal shape are grouped, and
 * each group gets expressions that rebuild the current type field by field.
 *
 * Source: Iceberg table specification, "Column Projection", "Name Mapping".
 */
#ifndef TARN_QUERY_SCAN_SQL_H
#define TARN_QUERY_SCAN_SQL_H

#include "catalog/catalog.h"
#include "table/scan.h"

/* Writes "SELECT <columns of schema> FROM ..." that yields the plan's rows, in the schema's types;
 * no files: a SELECT of no rows. `schema` is one of the table's (a snapshot's own for time
 * travel). Deletes that apply are refused with TARN_E_SQL_UNSUPPORTED until they can be read. */
bool tarn_query_scan_sql(const TarnTable *table, const TarnScanPlan *plan,
                         const TarnSchema *schema, TarnBuffer *out, TarnError *error) TARN_CHECKED;

#endif
