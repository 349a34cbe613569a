/* Manifests and manifest lists: data files, their statistics, and entries.
 *
 * Source: Iceberg table specification, "Manifests", "Manifest Entry Fields", "Manifest Lists",
 * "Sequence Number Inheritance". Read leniently by the file's own header and by field id; written
 * strictly: version 2 or 3, names and header keys as the reference implementation writes them, one
 * Avro block per about 64 KB, deflate.
 */
#ifndef TARN_TABLE_MANIFEST_H
#define TARN_TABLE_MANIFEST_H

#include "table/metadata.h"

/* Reserved field ids: of position delete files, and of the columns that keep the lineage of rows
 * moved into a file. */
#define TARN_FIELD_DELETE_FILE_PATH 2147483546
#define TARN_FIELD_DELETE_POS 2147483545
#define TARN_FIELD_ROW_ID 2147483540
#define TARN_FIELD_LAST_UPDATED 2147483539

typedef enum TarnFileContent {
    TARN_CONTENT_DATA = 0,
    TARN_CONTENT_POSITION_DELETES = 1,
    TARN_CONTENT_EQUALITY_DELETES = 2
} TarnFileContent;

typedef enum TarnEntryStatus {
    TARN_ENTRY_EXISTING = 0,
    TARN_ENTRY_ADDED = 1,
    TARN_ENTRY_DELETED = 2
} TarnEntryStatus;

/* One column's statistics in one file; counts are TARN_ABSENT when unknown (never zero). */
typedef struct TarnColumnMetrics {
    int32_t field_id;
    int64_t column_size;
    int64_t value_count; /* nulls and NaNs included */
    int64_t null_count;
    int64_t nan_count;
    TarnText lower; /* Appendix D binary; data NULL = absent */
    TarnText upper;
} TarnColumnMetrics;

typedef struct TarnDataFile {
    TarnFileContent content;
    TarnText path;   /* opaque: compared byte for byte, never re-derived */
    TarnText format; /* "PARQUET", case as read */
    int32_t spec_id;
    TarnLiteral *partition; /* one per field of the spec, in its order; NULL if unpartitioned */
    size_t partition_count;
    int64_t record_count;
    int64_t file_size;
    TarnColumnMetrics *columns; /* sorted by field id */
    size_t column_count;
    TarnText key_metadata;
    int64_t *split_offsets;
    size_t split_offset_count;
    int32_t *equality_ids;
    size_t equality_id_count;
    int32_t sort_order_id;         /* -1 = absent */
    int64_t first_row_id;          /* v3, of data files; TARN_ABSENT */
    TarnText referenced_data_file; /* data NULL = absent */
    int64_t content_offset;        /* of a deletion vector; TARN_ABSENT */
    int64_t content_size;          /* likewise */
} TarnDataFile;

/* A deletion vector: position deletes in a Puffin file. */
bool tarn_table_file_is_deletion_vector(const TarnDataFile *file);

typedef struct TarnManifestEntry {
    TarnEntryStatus status;
    int64_t snapshot_id;          /* TARN_ABSENT = inherit from the manifest */
    int64_t sequence_number;      /* TARN_ABSENT = inherit (ADDED only) */
    int64_t file_sequence_number; /* likewise */
    TarnDataFile file;
} TarnManifestEntry;

typedef struct TarnPartitionSummary {
    bool contains_null;
    int contains_nan; /* -1 unknown, 0, 1 */
    TarnText lower;   /* data NULL = absent */
    TarnText upper;
} TarnPartitionSummary;

/* One row of a manifest list. */
typedef struct TarnManifestFile {
    TarnText path;
    int64_t length;
    int32_t spec_id;
    bool is_deletes;
    int64_t sequence_number;     /* 0 in v1 */
    int64_t min_sequence_number; /* 0 in v1 */
    int64_t added_snapshot_id;
    int64_t added_files; /* TARN_ABSENT = unknown (v1): treat as not zero */
    int64_t existing_files;
    int64_t deleted_files;
    int64_t added_rows;
    int64_t existing_rows;
    int64_t deleted_rows;
    TarnPartitionSummary *partitions; /* one per field of the spec; NULL = absent */
    size_t partition_count;
    TarnText key_metadata;
    int64_t first_row_id; /* v3; TARN_ABSENT */
} TarnManifestFile;

typedef struct TarnManifest {
    int32_t format_version;
    bool is_deletes;
    TarnPartitionSpec spec;
    TarnManifestEntry *entries; /* as stored: not inherited */
    size_t entry_count;
} TarnManifest;

/* What a reader needs of column statistics. All other maps are walked, not kept. */
typedef struct TarnManifestReadOptions {
    const int32_t *field_ids; /* NULL = all columns; else sorted ids whose metrics are wanted */
    size_t field_id_count;
    bool without_metrics;          /* none at all */
    const TarnPartitionSpec *spec; /* that of the manifest list's row; NULL = the header's */
} TarnManifestReadOptions;

/* `bytes` must outlive the result unless the codec inflates (then views are in the arena).
 * `schema` is the table's (for partition types when the header's own schema lacks the source).
 * Errors: TARN_E_FORMAT_CORRUPT, TARN_E_METADATA_INVALID with path, entry number and field. */
bool tarn_table_manifest_read(TarnText bytes, const char *path, const TarnTableMetadata *table,
                              const TarnManifestReadOptions *options, TarnArena *arena,
                              TarnManifest **manifest, TarnError *error) TARN_CHECKED;
bool tarn_table_manifest_list_read(TarnText bytes, const char *path, TarnArena *arena,
                                   TarnManifestFile **manifests, size_t *count, TarnError *error)
    TARN_CHECKED;
/* Fills null snapshot id, sequence numbers (and v3 first_row_ids) from the manifest list's row. */
bool tarn_table_manifest_inherit(TarnManifest *manifest, const TarnManifestFile *file,
                                 TarnError *error) TARN_CHECKED;

/* Writing. The manifest's entries must all be of `spec`; the summary row (counts, partition
 * summaries, min sequence number) is filled in *file except path and length... length is set. */
typedef struct TarnManifestWriteOptions {
    int32_t format_version; /* 2 or 3 */
    bool is_deletes;
    int64_t snapshot_id;
    uint8_t sync_marker[16];
} TarnManifestWriteOptions;

bool tarn_table_manifest_write(const TarnManifestEntry *entries, size_t count,
                               const TarnSchema *schema, const TarnPartitionSpec *spec,
                               const TarnManifestWriteOptions *options, TarnBuffer *out,
                               TarnArena *arena, TarnManifestFile *file, TarnError *error)
    TARN_CHECKED;
typedef struct TarnManifestListWriteOptions {
    int32_t format_version; /* 2 or 3 */
    int64_t snapshot_id;
    int64_t parent_id;       /* TARN_ABSENT = none */
    int64_t sequence_number; /* of rows that have none, as their min */
    int64_t first_row_id;    /* v3: the snapshot's, for the header */
    uint8_t sync_marker[16];
} TarnManifestListWriteOptions;

/* Version 3: each row of a data manifest must have its first_row_id (see
 * tarn_table_manifests_assign_row_ids). */
bool tarn_table_manifest_list_write(const TarnManifestFile *manifests, size_t count,
                                    const TarnManifestListWriteOptions *options, TarnBuffer *out,
                                    TarnError *error) TARN_CHECKED;
/* "First Row ID Assignment": data manifests without a first_row_id get one, from `next` on, in
 * their order; each leaves room for all its live rows. *assigned is the room taken. The counts must
 * be known. */
bool tarn_table_manifests_assign_row_ids(TarnManifestFile *manifests, size_t count, int64_t next,
                                         int64_t *assigned, TarnError *error) TARN_CHECKED;

#endif
