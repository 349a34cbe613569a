/* Scan planning: which files of a snapshot must be read for a predicate, and which deletes apply.
 *
 * Source: Iceberg table specification, "Scan Planning", "Sequence Number Inheritance", "Delete
 * Formats". Manifests are pruned by their partition summaries under their own spec, files by
 * their partition values (judged once per distinct tuple) and then by column metrics.
 *
 *   tarn_table_predicate_bind(predicate, schema, arena, &bound, error)
 *   tarn_table_scan_plan(&options, snapshot, bound, arena, &plan, error)
 *   ... plan->tasks ...
 *   tarn_table_scan_plan_dispose(plan)
 */
#ifndef TARN_TABLE_SCAN_H
#define TARN_TABLE_SCAN_H

#include "store/store.h"
#include "table/manifest_cache.h"
#include "table/predicate.h"

typedef enum TarnScanEntries {
    TARN_SCAN_LIVE,    /* the files of the snapshot, with their deletes */
    TARN_SCAN_ADDED,   /* data files that the snapshot itself added; no deletes are looked for */
    TARN_SCAN_REMOVED, /* that it removed; a first row id is known only if the entry says it */
} TarnScanEntries;

struct TarnScanTask;

typedef struct TarnScanOptions {
    TarnStore *store;
    TarnManifestCache *cache; /* NULL = none */
    const TarnTableMetadata *metadata;
    const int32_t *field_ids; /* columns whose metrics the tasks' files shall carry, beyond the
                                 predicate's; any order */
    size_t field_id_count;
    bool all_metrics; /* of all columns */
    bool all_deletes; /* plan->all_deletes is wanted */
    /* If set: asked of each task; those it refuses are not in the plan, nor in its numbers. Data
     * manifests are then read a few at a time, past the cache, and released, and the files of tasks
     * are copied without their metrics: a plan of few files of a very large table is small. The
     * task's texts live during the call. */
    bool (*select)(void *state, const struct TarnScanTask *task);
    void *select_state;
    TarnScanEntries entries;
    uint32_t threads; /* to decode manifests with; 0 = as many as there are processors */
} TarnScanOptions;

/* A delete file that applies to a data file. */
typedef struct TarnScanDelete {
    const TarnDataFile *file;
    int64_t sequence_number;
} TarnScanDelete;

/* One data file to read. Files, specs and texts live until the plan is disposed. */
typedef struct TarnScanTask {
    const TarnDataFile *file;      /* its first_row_id is as stored: see below */
    const TarnPartitionSpec *spec; /* of the table; the partition values' order */
    int64_t snapshot_id;           /* that added the file */
    int64_t sequence_number;       /* inherited where the manifest leaves it out */
    int64_t file_sequence_number;
    int64_t first_row_id; /* v3, inherited; TARN_ABSENT */
    /* What the partition values leave of the predicate: TRUE = no row needs to be tested. */
    const TarnPredicate *residual;
    TarnMatch match; /* SOME, or ALL: each row is kept */
    /* Position deletes, deletion vectors (format PUFFIN) and equality deletes that must be applied,
     * by ascending sequence number. */
    const TarnScanDelete *deletes;
    size_t delete_count;
} TarnScanTask;

typedef struct TarnScanPlan {
    int64_t snapshot_id; /* TARN_ABSENT: the table has no snapshot */
    TarnScanTask *tasks; /* in the order of the manifest list, then of the manifest */
    size_t task_count;
    size_t manifests_total; /* of data */
    size_t manifests_read;
    size_t delete_manifests_total;
    size_t delete_manifests_read;
    int64_t files_total; /* live data files of the snapshot; TARN_ABSENT if v1 does not tell */
    int64_t rows_total;  /* likewise, before deletes */
    int64_t rows;        /* of the tasks, before deletes */
    int64_t bytes;       /* of the tasks' files */
    bool has_deletes;    /* some task has */
    bool has_equality_deletes;
    /* Each live delete file of the manifests read once, whether it applies to a task or not; with
     * options.all_deletes. */
    const TarnScanDelete *all_deletes;
    size_t all_delete_count;
    struct TarnScanPins *pins; /* private */
} TarnScanPlan;

/* `predicate` is bound to a schema of the table (tarn_table_predicate_constant is always bound)
 * and must outlive the plan, as must everything in options. `snapshot` NULL: an empty plan.
 * Everything but the manifests is in `arena`. Errors: TARN_E_METADATA_INVALID (a file that is
 * live twice, an unknown spec, an old v1 snapshot without a manifest list), the store's and the
 * codec's. On failure there is nothing to dispose. */
bool tarn_table_scan_plan(const TarnScanOptions *options, const TarnSnapshot *snapshot,
                          const TarnPredicate *predicate, TarnArena *arena, TarnScanPlan **plan,
                          TarnError *error) TARN_CHECKED;
/* Releases the manifests; NULL is fine. */
void tarn_table_scan_plan_dispose(TarnScanPlan *plan);
/* Whether deletes of the spec are about all partitions: it has no fields but void ones. */
bool tarn_table_spec_is_unpartitioned(const TarnPartitionSpec *spec);
/* Appends the bytes of a file's spec and partition values, equal for equal partitions: a key in
 * memory, not a format. int and long of one value are equal, as are float and double. */
bool tarn_table_partition_key(int32_t spec_id, const TarnLiteral *values, size_t count,
                              TarnBuffer *key, TarnError *error) TARN_CHECKED;

#endif
