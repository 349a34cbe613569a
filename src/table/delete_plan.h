/* Which delete files are of no use any more, and which small ones are worth joining: a plan.
 *
 * Source: Iceberg table specification, "Scan Planning" (which deletes apply to which data file),
 * "Deletion Vectors". A delete file dangles if it applies to no live data file: by path, by
 * partition and by sequence number. Position delete files of one partition (or, where the table
 * says write.delete.granularity = file, of one data file) that are below 75 % of the target size
 * are joined. A table of version 3 takes no position delete files: those that it has from before
 * become deletion vectors, a partition at a time, since a vector hides all of them from its file.
 */
#ifndef TARN_TABLE_DELETE_PLAN_H
#define TARN_TABLE_DELETE_PLAN_H

#include "table/rewrite_plan.h"
#include "table/snapshot_producer.h"

/* A position delete file is about so many data files at most. */
#define TARN_DELETE_FILE_TARGETS_MAX 1024

typedef struct TarnDeletePlanOptions {
    int64_t target_bytes;        /* of a delete file; > 0 */
    int64_t input_files_min;     /* fewer are not joined; at least 2 */
    bool by_data_file;           /* delete files of one data file are joined, of several not */
    bool to_vectors;             /* format version 3 */
    const TarnRewritePlan *gone; /* data files that will be gone: of the same scan; NULL */
} TarnDeletePlanOptions;

/* Delete files that become one (or one for each TARN_DELETE_FILE_TARGETS_MAX data files). */
typedef struct TarnDeleteGroup {
    const TarnScanDelete **items;
    size_t count;
    size_t capacity;
    int64_t bytes;
    int64_t targets; /* data files that they may be about */
} TarnDeleteGroup;

typedef struct TarnDeletePlan {
    TarnRemovedDelete *dangling;
    size_t dangling_count;
    TarnDeleteGroup *groups;
    size_t group_count;
    int64_t files; /* of the groups */
    int64_t bytes; /* of all that goes; of a Puffin file the vector's own */
    int64_t added; /* written in their place, at most */
} TarnDeletePlan;

/* Over a scan of all files of a snapshot, planned with all_deletes; it must outlive the result. */
bool tarn_table_delete_plan(const TarnScanPlan *scan, const TarnDeletePlanOptions *options,
                            TarnArena *arena, TarnDeletePlan *plan, TarnError *error) TARN_CHECKED;

/* The data files that groups are about, as tasks that have those deletes alone. *sequence_number:
 * the greatest of the groups' files, which the files in their place are to have. */
bool tarn_table_delete_plan_tasks(const TarnScanPlan *scan, const TarnDeleteGroup *groups,
                                  size_t count, TarnArena *arena, TarnScanTask **tasks,
                                  size_t *task_count, int64_t *sequence_number,
                                  TarnError *error) TARN_CHECKED;

#endif
