/* How a statement's change of a table reaches the catalog. */
#ifndef TARN_QUERY_COMMIT_PRIVATE_H
#define TARN_QUERY_COMMIT_PRIVATE_H

#include "query/query_private.h"

/* Files that were written under an intent, and what they change. */
typedef struct TarnTableWrite {
    TarnTableName name;
    const TarnTable *base;           /* NULL = a new table */
    const TarnTableMetadata *create; /* of a new table */
    const TarnSnapshotChange *change; /* NULL = no snapshot: a table made without rows */
    const char *const *files;         /* locations of what was written */
    size_t file_count;
    const TarnLineageEdge *edges;
    size_t edge_count;
    bool replaces; /* all rows there were: the edges are the table's only ones then */
    const TarnIntent *intent;
    TarnArena *arena;    /* that all of this is in; a transaction takes its memory over */
    TarnScanPlan *plan;  /* whose manifests it points into; likewise, and sets this NULL */
    int64_t snapshot_id; /* out; TARN_ABSENT = none */
} TarnTableWrite;

/* An intent for files below the location: one that an earlier commit recorded for the same table,
 * or a new one. Who does not commit it abandons it. */
bool tarn_query__intent_take(TarnQuery *query, const char *location, TarnIntent *intent,
                             TarnError *error) TARN_CHECKED;
/* Commits it, or makes it a part of the running transaction. Errors as of tarn_catalog_commit. */
bool tarn_query__write_commit(TarnQuery *query, TarnTableWrite *write,
                              TarnError *error) TARN_CHECKED;
bool tarn_query__write_producer(TarnQuery *query, const TarnTableWrite *write,
                                TarnSnapshotProducer **producer, TarnError *error) TARN_CHECKED;
/* What goes on record with it, in the swap's database transaction: its lineage. */
bool tarn_query__write_record(TarnQuery *query, const TarnTableWrite *write, TarnDb *db,
                              TarnError *error) TARN_CHECKED;

#endif
