/* Producing a snapshot: a change of files becomes manifests, a manifest list, and the updates and
 * requirements a catalog commits.
 *
 * Source: Iceberg table specification, "Snapshots", "Manifest Lists", "Sequence Numbers",
 * "Commit Conflict Resolution and Retry"; the summary's keys are the reference implementation's.
 *
 *   tarn_table_snapshot_producer_new(&options, &change, &producer, error)
 *   for (;;) {                                     again after each lost race, on a newer base
 *       tarn_table_snapshot_producer_prepare(producer, base, &batch, &prepared, error)
 *       tarn_store_batch_sync(&batch, error)
 *       swap: check prepared.requirements, apply prepared.updates
 *   }
 *   tarn_table_snapshot_producer_garbage(producer, committed, &paths, &count)   delete these
 *   tarn_table_snapshot_producer_free(producer)
 *
 * What is written is never edited: an attempt reuses the manifests of earlier ones where they are
 * still right (those of the added files always are) and writes a new manifest list. While the
 * outcome of a swap is not known, nothing may be deleted.
 */
#ifndef TARN_TABLE_SNAPSHOT_PRODUCER_H
#define TARN_TABLE_SNAPSHOT_PRODUCER_H

#include "os/os.h"
#include "store/store.h"
#include "table/manifest_cache.h"
#include "table/metadata.h"
#include "table/predicate.h"

typedef enum TarnSnapshotOperation {
    TARN_OPERATION_APPEND,    /* files are added, nothing else */
    TARN_OPERATION_OVERWRITE, /* added and removed */
    TARN_OPERATION_DELETE,    /* removed; or delete files added */
    TARN_OPERATION_REPLACE    /* other files with the same rows: compaction */
} TarnSnapshotOperation;

/* A delete file that goes. Several deletion vectors may lie in one file: each is told by where in
 * it it begins. */
typedef struct TarnRemovedDelete {
    TarnText path;
    int64_t content_offset; /* of a deletion vector; TARN_ABSENT = a file of deletes */
} TarnRemovedDelete;

/* All zero is a change that adds and removes nothing. */
typedef struct TarnSnapshotChange {
    TarnSnapshotOperation operation;
    const char *ref; /* a branch; NULL = "main" */
    bool create_ref; /* a branch that is not there is made, at main's head */
    /* Each with spec_id of a spec of the table and one partition value per field. Delete files
     * (content) go to delete manifests. A first_row_id is not taken over: row ids are assigned when
     * the snapshot is. Deletion vectors (tarn_table_file_is_deletion_vector) need a table of
     * version 3, which in turn takes no position delete files; each says its referenced_data_file,
     * content_offset and content_size, and no data file may have two: a vector that stands goes
     * with removed_deletes (else TARN_E_METADATA_INVALID); one that came since the start is a
     * conflict. Data files that added deletes refer to must be live, as those of `referenced`. */
    const TarnDataFile *added;
    size_t added_count;
    /* Data sequence number of the added data files; 0 or TARN_ABSENT = the new snapshot's. A
     * compaction gives the sequence number of the snapshot it read, so that equality deletes
     * committed since still apply. */
    int64_t added_sequence_number;
    /* The same of added position delete files, which take the place of others: the greatest of
     * theirs. 0 or TARN_ABSENT = the new snapshot's, as deletes of a statement have. */
    int64_t added_deletes_sequence_number;
    /* Paths of data files, which must be live. With OVERWRITE and REPLACE, no delete may have come
     * since the start for one among them: rows would come back. With each data file that goes, by
     * whatever rule, go its deletion vector and the position delete files of it alone. */
    const TarnText *removed;
    size_t removed_count;
    const TarnRemovedDelete *removed_deletes; /* must be live */
    size_t removed_delete_count;
    /* Paths of data files that the change's deletes are about and that must still be live: one
     * removed since the start is a conflict that names the snapshot. Files that added deletes name
     * themselves (referenced_data_file) need not be here. */
    const TarnText *referenced;
    size_t referenced_count;
    /* Bound. Removes each data file whose rows all match; a file of which some may match and some
     * not is TARN_E_SQL_UNSUPPORTED, naming it: rows in a file are not deleted here. NULL = none.
     */
    const TarnPredicate *remove_where;
    /* Removes the data files in each partition that `added` has a file in (dynamic overwrite).
     * Under an unpartitioned spec that is all files. Files of an older, coarser spec that may hold
     * such rows are refused, naming one. */
    bool replace_partitions;
    /* With REPLACE and nothing added or removed: the manifests that the start has are written anew,
     * clustered by partition, where that makes them fewer or more selective. */
    bool rewrite_manifests;
    const TarnProperty *summary; /* beside what is counted here; counted keys are not replaced */
    size_t summary_count;

    /* Conflicts with snapshots between `starting_snapshot_id` and the base. Appends need none.
     * TARN_E_COMMIT_CONFLICT naming the snapshot. */
    int64_t starting_snapshot_id; /* 0 or TARN_ABSENT = the base of the first prepare */
    bool starts_empty;            /* the branch had no snapshot: none since is older */
    /* Snapshots since the start that are no conflict: of the transaction this change is part of. */
    const int64_t *own_snapshots;
    size_t own_snapshot_count;
    bool refuse_new_data;         /* that `conflict_filter` may match */
    bool refuse_new_deletes;      /* delete files added since, of partitions the filter may match */
    const TarnPredicate *conflict_filter; /* bound; NULL = everything */
} TarnSnapshotChange;

typedef struct TarnProducerOptions {
    const TarnOs *os; /* clock and random numbers */
    TarnStore *store;
    TarnManifestCache *cache; /* NULL = none */
    const char *commit_id;    /* in the name of each file written: the catalog's intent; a UUID */
    size_t memory; /* that each of its arenas may take; 0 = TARN_LIMIT_STATEMENT_ARENA_BYTES */
} TarnProducerOptions;

typedef struct TarnPreparedSnapshot {
    const TarnSnapshot *snapshot;
    const TarnTableUpdate *updates;
    size_t update_count;
    const TarnTableRequirement *requirements;
    size_t requirement_count;
    int64_t added_files; /* data files and delete files */
    int64_t removed_files;
    int64_t added_rows;
    int64_t removed_rows;
    size_t manifests_written; /* by this attempt; 0 = all reused */
} TarnPreparedSnapshot;

typedef struct TarnSnapshotProducer TarnSnapshotProducer;

/* `options`, `change` and what they point to must outlive the producer. */
bool tarn_table_snapshot_producer_new(const TarnProducerOptions *options,
                                      const TarnSnapshotChange *change,
                                      TarnSnapshotProducer **producer, TarnError *error)
    TARN_CHECKED;
void tarn_table_snapshot_producer_free(TarnSnapshotProducer *producer); /* NULL is fine */
/* The same for all attempts: to look for in a table's snapshots when an answer was lost. */
int64_t tarn_table_snapshot_producer_id(const TarnSnapshotProducer *producer);

/* Writes what is missing and registers all that the snapshot refers to and this producer wrote in
 * `batch`, also what earlier attempts wrote. *prepared is valid until the next prepare or free and
 * while `base` lives. A change that removes nothing and adds nothing still makes a snapshot.
 * Errors: TARN_E_COMMIT_CONFLICT; TARN_E_SNAPSHOT_NOT_FOUND (no such branch);
 * TARN_E_FORMAT_UNSUPPORTED (format version 1 tables, and delete files that the table's version
 * does not allow); TARN_E_METADATA_INVALID; the store's. In version 3 the snapshot's row ids are
 * assigned anew by each attempt, from the base's next_row_id on. */
bool tarn_table_snapshot_producer_prepare(TarnSnapshotProducer *producer,
                                          const TarnTableMetadata *base, TarnStoreBatch *batch,
                                          TarnPreparedSnapshot *prepared, TarnError *error)
    TARN_CHECKED;
/* What this producer wrote and nothing refers to: after a commit the leavings of lost attempts;
 * after a sure failure all of it. Data files are not in it. Views into the producer. */
void tarn_table_snapshot_producer_garbage(TarnSnapshotProducer *producer, bool committed,
                                          const char *const **paths, size_t *count);

/* Whether rewrite_manifests would write a snapshot's manifest anew, given all of its manifests. */
bool tarn_table_snapshot_rewrites_manifest(const TarnTableMetadata *metadata,
                                           const TarnManifestFile *manifests, size_t count,
                                           size_t index);

/* Moves a branch to another snapshot. `must_be_ancestor`: a rollback, which refuses snapshots that
 * are not in the branch's own history; else any snapshot (set current). Fills updates and
 * requirements for the catalog. Errors: TARN_E_SNAPSHOT_NOT_FOUND. */
bool tarn_table_snapshot_move_ref(const TarnTableMetadata *base, const char *ref,
                                  int64_t snapshot_id, bool must_be_ancestor, TarnArena *arena,
                                  TarnPreparedSnapshot *prepared, TarnError *error) TARN_CHECKED;
/* Is `ancestor` in the history of `snapshot_id` (or the same)? */
bool tarn_table_snapshot_is_ancestor(const TarnTableMetadata *metadata, int64_t snapshot_id,
                                     int64_t ancestor);

#endif
