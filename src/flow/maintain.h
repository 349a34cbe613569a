/* Maintenance of tables: snapshot expiry, the sweep of orphan files, rewriting files and manifests.
 *
 * Each first plans, and with `dry_run` that is all: the table and its files are not touched. What
 * is deleted is written to a log before it is deleted, a line a file with its reason, in
 * <state>/logs; the plan of a dry run likewise. A commit comes first and files go after it; before
 * each batch of deletions the table's pointer is read again, and what others have committed since
 * is kept. Whoever writes meanwhile loses nothing and waits for nobody.
 *
 * A plan that would delete suspiciously much is TARN_E_MAINTENANCE_REFUSED unless `force` is set.
 * Memory is bounded by the number of files, at 50 bytes each or so, whatever their metadata.
 */
#ifndef TARN_FLOW_MAINTAIN_H
#define TARN_FLOW_MAINTAIN_H

#include "catalog/catalog.h"
#include "query/rewrite.h"
#include "table/reachable.h"
#include "table/retention.h"

typedef struct TarnMaintenance {
    const TarnOs *os;
    TarnCatalog *catalog; /* for a dry run, one that is opened for reading will do */
    const char *state;    /* the lake's .tarn folder: logs/ and maintenance/ are made there */
    TarnTableName table;
    bool dry_run;
    bool force;
    double ratio_max; /* of the files looked at that a run may delete; 0 = the default */
} TarnMaintenance;

typedef struct TarnMaintainResult {
    const char *table;
    int64_t files_before;
    int64_t files_after;
    int64_t bytes_before;
    int64_t bytes_after;
    int64_t deleted; /* files; in a dry run: that would be */
    int64_t deleted_bytes;
    int64_t deleted_of_kind[TARN_TABLE_FILE_KIND_COUNT];
    int64_t kept_outside; /* files not needed that lie outside the table's folder: not deleted */
    int64_t resumed;      /* files that an earlier, interrupted run had left to delete */
    int64_t snapshots_before;
    int64_t snapshots_expired;
    int64_t refs_removed;
    int64_t schemas_removed;
    int64_t specs_removed;
    int64_t snapshot_id; /* current afterwards; TARN_ABSENT */
    const char *log;     /* the file of deletions; NULL = there was nothing to write */
    int64_t groups;      /* optimize: rewritten, or to be rewritten */
    int64_t commits;
    int64_t conflicts; /* commits that others were faster than: planned again */
    int64_t added;     /* files written in place of the deleted */
    int64_t rows;      /* rewritten */
    int64_t deletes_removed; /* optimize: delete files, with their data or alone */
    int64_t deletes_added;   /* in their place */
} TarnMaintainResult;

typedef struct TarnExpireOptions {
    int64_t older_than_ms; /* a time; TARN_ABSENT = the table's properties */
    int64_t retain_last;   /* TARN_ABSENT = likewise */
    const int64_t *snapshot_ids; /* exactly these */
    size_t snapshot_id_count;
    bool clean_schemas; /* also remove schemas and partition specs that nothing refers to */
} TarnExpireOptions;

/* Snapshots and refs beyond their retention go, and then the files that only they named.
 * Interrupted deletions of earlier runs are finished first. */
bool tarn_flow_expire(const TarnMaintenance *run, const TarnExpireOptions *options,
                      TarnArena *arena, TarnMaintainResult *result, TarnError *error) TARN_CHECKED;

/* Files below the table's folder that nothing names: not the current metadata with all its
 * snapshots, not its log of former metadata, no intent on record. `age_ms`: of the youngest file
 * that may go; below a day only with force. */
#define TARN_SWEEP_AGE_MS_DEFAULT INT64_C(259200000) /* 3 days */
bool tarn_flow_sweep(const TarnMaintenance *run, int64_t age_ms, TarnArena *arena,
                     TarnMaintainResult *result, TarnError *error) TARN_CHECKED;

typedef struct TarnOptimizeOptions {
    TarnQuery *query;  /* opened for this: with a limit of memory, and in order of insertion */
    const char *where; /* SQL: only files that may hold such rows; NULL = all */
    TarnClustering clustering;
    const char *const *columns; /* to cluster by */
    size_t column_count;
    int64_t target_bytes;    /* 0 = write.target-file-size-bytes, or 512 MB */
    int64_t input_files_min; /* 0 = 5 */
    int64_t group_bytes_max; /* of the files that are rewritten between two commits; 0 = 2 GB */
    bool deletes;            /* also all files that deletes apply to */
    int64_t plan_files_max;  /* planned at a time; 0 = TARN_LIMIT_REWRITE_PLAN_FILES */
} TarnOptimizeOptions;

/* Files that are too small, too large or have many deleted rows are rewritten, a commit (operation
 * replace) for each few groups. Then, if all files were looked at, delete files that apply to no
 * data file go and small position delete files are joined. A group that others changed meanwhile
 * is planned again, and given up for this run after several times: what is committed stays. The
 * files replaced belong to earlier snapshots until these expire. */
bool tarn_flow_optimize(const TarnMaintenance *run, const TarnOptimizeOptions *options,
                        TarnArena *arena, TarnMaintainResult *result,
                        TarnError *error) TARN_CHECKED;

/* Manifests are written anew, by partition and of the target size, where that makes them fewer or
 * more selective. Files of the result are manifests; no data file is read or written. */
bool tarn_flow_optimize_manifests(const TarnMaintenance *run, TarnArena *arena,
                                  TarnMaintainResult *result, TarnError *error) TARN_CHECKED;

#endif
