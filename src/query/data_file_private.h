/* Data files that are not what the table's metadata says. */
#ifndef TARN_QUERY_DATA_FILE_PRIVATE_H
#define TARN_QUERY_DATA_FILE_PRIVATE_H

#include "query/scan_private.h"
#include "store/store.h"

/* What the store says of a task's file: TARN_E_OBJECT_NOT_FOUND, or TARN_E_FORMAT_CORRUPT for
 * another size than the table's metadata has. Names file, table and the snapshot that added it. */
bool tarn_query__data_file_judge(TarnTableName name, const TarnScanTask *task,
                                 const TarnStoreObject *object, TarnError *error) TARN_CHECKED;
/* Asks for all of them: one look each on this machine, one request each, many at a time, on S3. */
bool tarn_query__data_files_check(const TarnScanWriter *scan, const size_t *tasks,
                                  size_t count) TARN_CHECKED;
/* After a failed read of one: the scan's error becomes what has happened to the file, or names the
 * table. Returns false. */
bool tarn_query__data_file_explain(const TarnScanWriter *scan, const TarnScanTask *task,
                                   const char *location);
/* tarn_query_failure() where a file was to be written to this store; all names of such files have
 * `written` in them. */
void tarn_query__failure_below(TarnStore *store, const char *written, TarnError *error);

#endif
