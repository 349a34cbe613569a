/* Looking into a table: what the metadata tables show.
 *
 *   $files, $entries   tarn_table_entries_open / next / close
 *   $manifests         tarn_table_manifest_list_acquire (manifest_cache.h): its rows as they are
 *   $partitions        tarn_table_partitions
 *   $history           tarn_table_history
 *   $snapshots, $refs  metadata->snapshots, metadata->refs: as they are
 */
#ifndef TARN_TABLE_SCAN_INSPECT_H
#define TARN_TABLE_SCAN_INSPECT_H

#include "store/store.h"
#include "table/manifest_cache.h"

typedef struct TarnInspectOptions {
    TarnStore *store;
    TarnManifestCache *cache; /* NULL = none */
    const TarnTableMetadata *metadata;
} TarnInspectOptions;

typedef enum TarnEntriesKind {
    TARN_ENTRIES_FILES, /* live ones, of data and of deletes */
    TARN_ENTRIES_ALL    /* also what the snapshot's manifests mark as deleted */
} TarnEntriesKind;

typedef struct TarnEntryRow {
    TarnManifestEntry entry; /* with all metrics; snapshot id, sequence numbers, row id inherited */
    const TarnPartitionSpec *spec;    /* of the table */
    const TarnManifestFile *manifest; /* that it is in */
} TarnEntryRow;

/* One manifest at a time is in memory. Everything in options must outlive the cursor. */
typedef struct TarnEntryCursor TarnEntryCursor;
bool tarn_table_entries_open(const TarnInspectOptions *options, const TarnSnapshot *snapshot,
                             TarnEntriesKind kind, TarnEntryCursor **cursor, TarnError *error)
    TARN_CHECKED;
/* *row NULL = the end; else valid until the next call. */
bool tarn_table_entries_next(TarnEntryCursor *cursor, const TarnEntryRow **row, TarnError *error)
    TARN_CHECKED;
void tarn_table_entries_close(TarnEntryCursor *cursor); /* NULL is fine */

typedef struct TarnPartitionRow {
    const TarnPartitionSpec *spec; /* of the table */
    TarnLiteral *values;           /* one per field of the spec */
    size_t value_count;
    int64_t record_count; /* of data files, before deletes */
    int64_t file_count;
    int64_t bytes; /* of data files */
    int64_t position_delete_records;
    int64_t position_delete_files;
    int64_t deletion_vectors; /* not among the files */
    int64_t equality_delete_records;
    int64_t equality_delete_files;
    int64_t last_snapshot_id;   /* that added a file; TARN_ABSENT if it is gone from the metadata */
    int64_t last_updated_at_ms; /* likewise */
} TarnPartitionRow;

/* In order of first appearance; all in `arena`. An unpartitioned table has one row, or none if it
 * is empty. */
bool tarn_table_partitions(const TarnInspectOptions *options, const TarnSnapshot *snapshot,
                           TarnArena *arena, TarnPartitionRow **rows, size_t *count,
                           TarnError *error) TARN_CHECKED;

typedef struct TarnHistoryRow {
    int64_t made_current_at_ms;
    int64_t snapshot_id;
    int64_t parent_id; /* TARN_ABSENT = none, or the snapshot is gone */
    bool is_current_ancestor;
} TarnHistoryRow;

/* The snapshot log, in order of time. */
bool tarn_table_history(const TarnTableMetadata *metadata, TarnArena *arena, TarnHistoryRow **rows,
                        size_t *count, TarnError *error) TARN_CHECKED;

#endif
