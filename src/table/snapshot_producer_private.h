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
    int64_t deletion_vectors;
    int64_t equality_delete_files;
    int64_t records;
    int64_t position_deletes;
    int64_t equality_deletes;
    int64_t bytes;
} TarnFileCounts;

/* A file taken out of a manifest. Texts and values are the producer's. */
typedef struct TarnRemovedFile {
    TarnDataFile file; /* without metrics, split offsets and equality ids */
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
    TarnMap rewrites;  /* tarn_table__produce_row_key of a manifest -> TarnRewrite */
    TarnMap merges;    /* the keys of manifests, joined -> TarnManifestFile */
    struct {
        TarnWrittenFile *items;
        size_t count;
        size_t capacity;
    } written;
    const char **garbage;
    size_t *removed_slots; /* hash table over change->removed: index + 1 */
    size_t removed_slot_count;
    const TarnRemovedDelete **removed_deletes; /* the change's, sorted by path and offset */
    TarnMap vectors;                           /* paths of data files that get a deletion vector */
    TarnMap referenced;                        /* paths of data files that must be live */

    /* One attempt; all of it in attempt_arena. */
    TarnArena attempt_arena;
    const TarnTableMetadata *base;
    const TarnSnapshot *parent; /* NULL = none */
    TarnStoreBatch *batch;
    TarnRemovedList removed;
    bool *found;         /* per change->removed */
    bool *found_deletes; /* per change->removed_deletes */
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

/* What tells a manifest of one base from that of another: its path, and the first row id that
 * its entries inherit. To `key`, which grows. */
void tarn_table__produce_row_key(const TarnManifestFile *row, TarnBuffer *key);

/* --- delete files (snapshot_producer_deletes.c) --- */

/* Prepares the lookups of removed and added delete files; once. */
bool tarn_table__produce_index_deletes(TarnSnapshotProducer *producer, TarnError *error)
    TARN_CHECKED;
/* Are the added delete files such as the base's version allows? */
bool tarn_table__produce_check_deletes(const TarnSnapshotProducer *producer, TarnError *error)
    TARN_CHECKED;
/* The place in change->removed_deletes, or removed_delete_count. */
size_t tarn_table__produce_find_delete(const TarnSnapshotProducer *producer,
                                       const TarnDataFile *file);
/* Is a live delete file about one data file alone that is among `gone` (paths)? */
bool tarn_table__produce_is_dangling(const TarnMap *gone, const TarnDataFile *file);
/* A live deletion vector that stays beside one of the same data file that is added. */
bool tarn_table__produce_check_vector(TarnSnapshotProducer *producer,
                                      const TarnManifestEntry *entry, const TarnManifestFile *file,
                                      TarnError *error) TARN_CHECKED;
/* The data files that deletes of the change are about are live. */
bool tarn_table__produce_validate_referenced(TarnSnapshotProducer *producer,
                                             const TarnManifestFile *manifests, size_t count,
                                             TarnError *error) TARN_CHECKED;

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

/* --- clustering (snapshot_producer_cluster.c) --- */

/* For change->rewrite_manifests, in place of merging. */
bool tarn_table__produce_cluster(TarnSnapshotProducer *producer, TarnRowList *rows,
                                 TarnError *error) TARN_CHECKED;

/* --- conflicts (snapshot_producer_conflict.c) --- */

typedef struct TarnProducerHistory {
    const TarnSnapshot **items; /* from the head back, without the start */
    size_t count;
    int64_t start_sequence; /* manifests up to this one are older */
    bool complete;          /* the start was reached */
} TarnProducerHistory;

/* What was committed since the start. _complete: TARN_E_COMMIT_CONFLICT if the start is not in the
 * head's history. */
bool tarn_table__produce_history(TarnSnapshotProducer *producer, TarnProducerHistory *history,
                                 TarnError *error) TARN_CHECKED;
bool tarn_table__produce_history_complete(TarnSnapshotProducer *producer,
                                          TarnProducerHistory *history, TarnError *error)
    TARN_CHECKED;
const TarnSnapshot *tarn_table__produce_history_find(const TarnProducerHistory *history,
                                                     int64_t id);

bool tarn_table__produce_validate(TarnSnapshotProducer *producer, const TarnManifestFile *manifests,
                                  size_t count, TarnError *error) TARN_CHECKED;
/* TARN_E_COMMIT_CONFLICT for a path that is not live, naming the snapshot that removed it if one
 * since the start did. */
bool tarn_table__produce_missing_file(TarnSnapshotProducer *producer, TarnText path,
                                      TarnError *error);
/* The same of a delete file; content_offset TARN_ABSENT: not a deletion vector. */
bool tarn_table__produce_missing_delete(TarnSnapshotProducer *producer,
                                        const TarnRemovedDelete *missing, TarnError *error);
/* Deletes that came since the start for data files this change removes in favour of copies. */
bool tarn_table__produce_validate_removed(TarnSnapshotProducer *producer,
                                          const TarnManifestFile *manifests, size_t count,
                                          TarnError *error) TARN_CHECKED;

/* --- summary (snapshot_producer_summary.c) --- */

bool tarn_table__produce_summary(TarnSnapshotProducer *producer, TarnSnapshot *snapshot,
                                 TarnPreparedSnapshot *prepared, TarnError *error) TARN_CHECKED;

#endif
