/* RETURNING: the rows that a statement inserted, changed or deleted, shown once it has succeeded.
 *
 *   tarn_query__returning_begin    what the clause asks for is understood, before anything is done
 *   tarn_query__returning_keep     the statement's rows go into a temporary table of the engine,
 *                                  the clause is evaluated over them: failing, it fails all
 *   .. the files are written from that table ..
 *   tarn_query__returning_open     the clause's rows become the statement's
 *   .. the commit: without it the statement, and its rows, are thrown away ..
 *
 * A statement that runs again after a conflict begins anew. The tables are in the engine's memory
 * and in its temporary files, until the next statement. */
#ifndef TARN_QUERY_RETURNING_PRIVATE_H
#define TARN_QUERY_RETURNING_PRIVATE_H

#include "query/query_private.h"

/* The engine's name of the table of rows. Its columns: __tarn_action (TarnMarkAction), __tarn_id
 * (the row's, or NULL), then __tarn_c0 .. as the table's. */
#define TARN_RETURNING_ROWS "temp.main.__tarn_rows"

typedef struct TarnReturning {
    TarnStatement *statement;
    const TarnParsed *parsed;
    const TarnSchema *schema; /* of the table */
    TarnArena *arena;
    TarnText select;    /* what the clause asks for, over the rows; set by begin */
    const char **names; /* of its columns; set by keep */
    size_t count;
} TarnReturning;

/* Does nothing if the statement has no such clause. */
bool tarn_query__returning_begin(TarnReturning *returning, TarnError *error) TARN_CHECKED;
/* `select` yields the columns of the table of rows, in order. */
bool tarn_query__returning_keep(TarnReturning *returning, TarnText select,
                                TarnError *error) TARN_CHECKED;
/* The table of rows is gone afterwards. */
bool tarn_query__returning_open(TarnReturning *returning, TarnError *error) TARN_CHECKED;
/* Before the next statement. */
bool tarn_query__returning_forget(TarnQuery *query, TarnError *error) TARN_CHECKED;

#endif
