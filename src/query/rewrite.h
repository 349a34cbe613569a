/* Rewriting files of a table: the rows of a group of files into new files, for compaction and
 * clustering. Nothing is committed here; the plan comes from table/rewrite_plan.h.
 */
#ifndef TARN_QUERY_REWRITE_H
#define TARN_QUERY_REWRITE_H

#include "query/query.h"
#include "query/write.h"
#include "table/rewrite_plan.h"

typedef enum TarnClustering {
    TARN_CLUSTER_NONE, /* rows as they come, in the table's own sort order if it has one */
    TARN_CLUSTER_SORT, /* by columns, one after the other */
    TARN_CLUSTER_ZORDER,
    TARN_CLUSTER_HILBERT
} TarnClustering;

typedef struct TarnRewriteWork {
    TarnQuery *query; /* its session: opened with a limit of memory and a folder to spill to */
    const TarnTable *table;
    const TarnScanPlan *scan; /* that the group is of */
    const TarnRewriteGroup *group;
    const char *commit_id; /* the intent's */
    uint32_t sequence;     /* of this group among those of the commit */
    int64_t target_bytes;
    TarnClustering clustering;
    const char *const *columns; /* to cluster by: "name", for SORT also "name desc" */
    size_t column_count;
} TarnRewriteWork;

/* Files with the live rows of the group, under the table's current schema and default spec. That
 * no row was lost or doubled is checked by the counts where no delete applies. Columns must be of
 * the schema's outermost and of primitive types: TARN_E_COLUMN_NOT_FOUND. */
bool tarn_query_rewrite(const TarnRewriteWork *work, TarnArena *arena, TarnWrittenFiles *files,
                        TarnError *error) TARN_CHECKED;
/* TARN_E_COLUMN_NOT_FOUND, TARN_E_SQL_UNSUPPORTED: before anything is written. */
bool tarn_query_rewrite_check(const TarnTable *table, TarnClustering clustering,
                              const char *const *columns, size_t column_count,
                              TarnError *error) TARN_CHECKED;

/* Deletes of data files in fewer files: position delete files for each partition, or deletion
 * vectors where the table is of version 3. Tasks have the deletes that are joined and no others
 * (table/delete_plan.h); those about rows of other data files are left out. */
typedef struct TarnRewriteDeletesWork {
    TarnQuery *query;
    const TarnTable *table;
    TarnScanTask *tasks;
    size_t task_count;
    const char *commit_id;
} TarnRewriteDeletesWork;

typedef struct TarnRewrittenDeletes {
    TarnDataFile *items;
    size_t count;
    const char **locations; /* of the files written: a Puffin file holds many vectors */
    size_t location_count;
    int64_t rows; /* deleted */
    int64_t bytes;
} TarnRewrittenDeletes;

bool tarn_query_rewrite_deletes(const TarnRewriteDeletesWork *work, TarnArena *arena,
                                TarnRewrittenDeletes *files, TarnError *error) TARN_CHECKED;

/* A condition on a table's columns, as SQL, as a predicate bound to its current schema; it judges
 * files: what cannot be judged of a file keeps it. */
bool tarn_query_predicate(TarnQuery *query, const TarnTable *table, const char *where,
                          TarnArena *arena, const TarnPredicate **bound,
                          TarnError *error) TARN_CHECKED;

#endif
