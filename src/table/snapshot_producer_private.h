/* What the files of snapshot_producer*.c share. */
#ifndef TARN_TABLE_SNAPSHOT_PRODUCER_PRIVATE_H
#define TARN_TABLE_SNAPSHOT_PRODUCER_PRIVATE_H

#include "table/scan_private.h"
#include "table/snapshot_producer.h"

/* What the summary counts, for one direction. */
typedef struct TarnFileCounts {
    int64_t data_files;
    int64_t delete_files;
    int64_t position_delete_files;
    int64_t equality_delete_files;
    int64_t records;
    int64_t position_deletes;
    int64_t equality_deletes;
    int64_t bytes;
} TarnFileCounts;

/* A file taken out of a manifest. Texts and values are the producer's. */
typedef struct TarnRemovedFile {
    TarnDataFile file; /* without metrics */
    int64_t sequence_number;
} TarnRemovedFile;

typedef struct TarnRemovedList {
    TarnRemovedFile *items;
    size_t count;
    size_t capacity;
} TarnRemovedList;

typedef struct TarnRowList {
    TarnManifestFile *items;
    size_t count;
    size_t capacity;
} TarnRowList;

/* A manifest without the files this change removes; kept for later attempts. */
typedef struct TarnRewrite {
    TarnManifestFile row;
    TarnRemovedList removed;
} TarnRewrite;

typedef struct TarnWrittenFile {
    const char *path;
    bool referenced; /* by the last attempt's snapshot */
} TarnWrittenFile;

struct TarnSnapshotProducer {
    TarnProducerOptions options;
    const TarnSnapshotChange *change;
    TarnArena arena; /* lives as long as the producer */
    int64_t snapshot_id;
    bool has_start;
    int64_t starting_snapshot_id; /* TARN_ABSENT: the branch was empty */
    uint32_t attempt;
    uint32_t manifest_number;
    bool added_written;
    TarnRowList added; /* manifests of the added files */
    TarnMap rewrites;  /* path of a manifest -> TarnRewrite */
    TarnMap merges;    /* paths of manifests, joined -> TarnManifestFile */
    struct {
        TarnWrittenFile *items;
        size_t count;
        size_t capacity;
    } written;
    const char **garbage;
    size_t *removed_slots; /* hash table over change->removed: index + 1 */
    size_t removed_slot_count;

    /* One attempt; all of it in attempt_arena. */
    TarnArena attempt_arena;
    const TarnTableMetadata *base;
    const TarnSnapshot *parent; /* NULL = none */
    TarnStoreBatch *batch;
    TarnRemovedList removed;
    bool *found; /* per change->removed */
    size_t manifests_written;
};

/* --- files (snapshot_producer_files.c) --- */

/* <metadata folder>/<name> of the base. */
const char *tarn_table__produce_path(TarnSnapshotProducer *producer, const char *name);
bool tarn_table__produce_put(TarnSnapshotProducer *producer, const char *path,
                             const TarnBuffer *bytes, TarnError *error) TARN_CHECKED;
/* Writes one manifest under the next name and fills its row; texts are the producer's. */
bool tarn_table__produce_manifest(TarnSnapshotProducer *producer, const TarnManifestEntry *entries,
                                  size_t count, const TarnPartitionSpec *spec, bool is_deletes,
                                  TarnManifestFile *row, TarnError *error) TARN_CHECKED;
/* Manifests of change->added, by content, spec and size. */
bool tarn_table__produce_added(TarnSnapshotProducer *producer, TarnError *error) TARN_CHECKED;
/* A whole manifest with everything in it, inherited; in `arena`. */
bool tarn_table__produce_read(TarnSnapshotProducer *producer, const TarnManifestFile *file,
                              TarnArena *arena, TarnManifest **manifest, TarnError *error)
    TARN_CHECKED;
/* Copies a row with its texts. */
bool tarn_table__produce_copy_row(const TarnManifestFile *from, TarnArena *arena,
                                  TarnManifestFile *row, TarnError *error) TARN_CHECKED;

/* --- removing (snapshot_producer_remove.c) --- */

/* `rows` without what the change removes; removed files are added to producer->removed. */
bool tarn_table__produce_remove(TarnSnapshotProducer *producer, const TarnManifestFile *manifests,
                                size_t count, TarnRowList *rows, TarnError *error) TARN_CHECKED;
/* Prepares the lookup of change->removed; once. */
bool tarn_table__produce_index_removed(TarnSnapshotProducer *producer, TarnError *error)
    TARN_CHECKED;

/* --- merging (snapshot_producer_merge.c) --- */

bool tarn_table__produce_merge(TarnSnapshotProducer *producer, TarnRowList *rows, TarnError *error)
    TARN_CHECKED;

/* --- conflicts (snapshot_producer_conflict.c) --- */

bool tarn_table__produce_validate(TarnSnapshotProducer *producer, const TarnManifestFile *manifests,
                                  size_t count, TarnError *error) TARN_CHECKED;
/* TARN_E_COMMIT_CONFLICT for a path that is not live, naming the snapshot that removed it if one
 * since the start did. */
bool tarn_table__produce_missing_file(TarnSnapshotProducer *producer, TarnText path,
                                      TarnError *error);
/* Deletes that came since the start for data files this change removes in favour of copies. */
bool tarn_table__produce_validate_removed(TarnSnapshotProducer *producer,
                                          const TarnManifestFile *manifests, size_t count,
                                          TarnError *error) TARN_CHECKED;

/* --- summary (snapshot_producer_summary.c) --- */

bool tarn_table__produce_summary(TarnSnapshotProducer *producer, TarnSnapshot *snapshot,
                                 TarnPreparedSnapshot *prepared, TarnError *error) TARN_CHECKED;

#endif
