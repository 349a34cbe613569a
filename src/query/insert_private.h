/* Rows on their way into one table: what INSERT, CREATE TABLE AS and COPY .. FROM share. */
#ifndef TARN_QUERY_INSERT_PRIVATE_H
#define TARN_QUERY_INSERT_PRIVATE_H

#include "query/query_private.h"

typedef struct TarnInsert {
    TarnStatement *statement;
    const TarnParsed *parsed;
    TarnTableName name;
    const TarnTable *base;             /* NULL = made here */
    const TarnTableMetadata *metadata; /* of the base, or new */
    TarnEngineSession *session;        /* that runs `select`; NULL = the query's */
    TarnText select;                   /* NULL data: no rows */
    const TarnLineageEdge *edges;
    size_t edge_count;
    struct TarnReturning *returning; /* whose rows are shown; NULL = none */
    const char *ref; /* the branch written to; NULL = main */
    TarnError *error;
} TarnInsert;

/* The table of a statement, and the branch: sets base, which the caller releases, metadata and
 * ref. Errors point at the table's name. */
bool tarn_query__insert_open(TarnInsert *write, const TarnRunOptions *run) TARN_CHECKED;
/* Runs `select`, which yields the table's columns by name, writes files and commits them. Sets
 * rows_changed and snapshot_id of the statement. */
bool tarn_query__insert_rows(TarnInsert *write) TARN_CHECKED;

#endif
