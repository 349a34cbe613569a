/* ANALYZE: what it writes and registers for one snapshot. */
#ifndef TARN_QUERY_STATISTICS_PRIVATE_H
#define TARN_QUERY_STATISTICS_PRIVATE_H

#include "query/query_private.h"

/* A file of statistics on its way into a table's metadata. */
typedef struct TarnNewStatistics {
    const char *location; /* NULL = there is none */
    const char *json;     /* its entry in `statistics` or `partition-statistics` */
} TarnNewStatistics;

/* The partition statistics file of a snapshot, <metadata>/partition-stats-<snapshot>-<id>.parquet;
 * none for tables that are not partitioned. Source: Iceberg table specification, "Partition
 * Statistics". TARN_E_PARTITION_INVALID if the type of a partition value is no longer known. */
bool tarn_query__partition_statistics_write(TarnQuery *query, const TarnTable *table,
                                            const TarnSnapshot *snapshot, const char *id,
                                            TarnArena *arena, TarnNewStatistics *statistics,
                                            TarnError *error) TARN_CHECKED;

/* Rows of "t$statistics", one a blob; see metadata_tables.c. */
typedef struct TarnStatisticsRow {
    int64_t snapshot_id;
    TarnText type;
    int64_t field_id; /* TARN_ABSENT: not of one column */
    const char *column;
    int64_t ndv; /* TARN_ABSENT: not told */
    TarnText path;
} TarnStatisticsRow;
bool tarn_query__statistics_rows(const TarnTableMetadata *metadata, TarnArena *arena,
                                 TarnStatisticsRow **rows, size_t *count,
                                 TarnError *error) TARN_CHECKED;

#endif
