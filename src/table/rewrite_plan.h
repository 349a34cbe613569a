/* Which data files are worth rewriting, and which of them together: compaction as a plan.
 *
 * Source: Iceberg table specification, "Snapshots" (operation replace); the rules are those of the
 * reference implementation's bin-packing rewrite. Candidates are files below 75 % or above 180 % of
 * the target size, and those of whose rows many are deleted. Candidates of one partition under one
 * spec are packed, the largest first, each into the first group that has room.
 */
#ifndef TARN_TABLE_REWRITE_PLAN_H
#define TARN_TABLE_REWRITE_PLAN_H

#include "table/scan.h"

typedef struct TarnRewriteOptions {
    int64_t target_bytes;    /* of a file; > 0 */
    int64_t group_bytes;     /* of the files of a group: the target, or for clustering more */
    int64_t input_files_min; /* a group of fewer is worth it only if it fills a file */
    double delete_ratio;     /* of deleted rows from which a file is a candidate; 0 = 0.3 */
    bool any_deletes;        /* files with any deletes are candidates */
    bool all;                /* all files are, and every group is worth it: clustering */
    const int64_t *skip_snapshots; /* files that these snapshots added are left alone */
    size_t skip_count;
} TarnRewriteOptions;

typedef struct TarnRewriteGroup {
    const TarnScanTask **items;
    size_t count;
    size_t capacity;
    int64_t bytes;
    int64_t rows; /* before deletes */
    bool forced;  /* worth it whatever its size: a file is too large, or has deletes */
    int32_t spec_id;
    const TarnLiteral *partition; /* one per field of the spec */
    size_t partition_count;
} TarnRewriteGroup;

typedef struct TarnRewritePlan {
    TarnRewriteGroup *groups; /* in the order of the scan's partitions */
    size_t count;
    int64_t files;
    int64_t bytes;
} TarnRewritePlan;

/* Whether a file is one that may be rewritten: for TarnScanOptions.select, so that a plan over a
 * large table needs memory for these alone. */
bool tarn_table_rewrite_wants(const TarnRewriteOptions *options, const TarnScanTask *task);

/* Over the tasks of a scan, which must outlive the result. */
bool tarn_table_rewrite_plan(const TarnScanPlan *scan, const TarnRewriteOptions *options,
                             TarnArena *arena, TarnRewritePlan *plan, TarnError *error)
    TARN_CHECKED;

#endif
