/* Several statements that become visible together or not at all.
 *
 * A transaction reads all tables as they were when it began, with what its own statements did. Each
 * statement is staged: its files and manifests are written, its snapshot is on no record. COMMIT
 * prepares the snapshots again on the tables as they are then, checks them for conflicts with what
 * others committed, and moves all pointers in one database transaction. What defines tables goes
 * the same way: a table that is made has metadata and no pointer, one that is altered has staged
 * metadata, one that is dropped is not found any more. */
#ifndef TARN_QUERY_TRANSACTION_PRIVATE_H
#define TARN_QUERY_TRANSACTION_PRIVATE_H

#include "query/commit_private.h"

typedef struct TarnTransaction TarnTransaction; /* query->transaction; NULL = none */

/* BEGIN, COMMIT, ROLLBACK. */
bool tarn_query__transaction_run(TarnStatement *statement, const TarnParsed *parsed,
                                 TarnError *error) TARN_CHECKED;
/* Gives up; for closing. Nothing happens without a transaction. */
void tarn_query__transaction_end(TarnQuery *query);
/* Takes over the memory in write->arena, which is empty afterwards. */
bool tarn_query__transaction_stage(TarnQuery *query, TarnTableWrite *write,
                                   TarnError *error) TARN_CHECKED;
/* A change of metadata of a table that the transaction knows; takes over the memory in `arena` too,
 * which the updates are in. */
bool tarn_query__transaction_update(TarnQuery *query, TarnTableName name,
                                    const TarnCommitStep *updates, TarnArena *arena,
                                    TarnError *error) TARN_CHECKED;
/* TARN_E_TABLE_NOT_FOUND. What the transaction did to the table before is for nothing. */
bool tarn_query__transaction_drop(TarnQuery *query, TarnTableName name,
                                  TarnError *error) TARN_CHECKED;
/* A table as the statement that runs sees it: *table NULL = none. The caller releases it. */
bool tarn_query__table_find(TarnQuery *query, TarnTableName name, const TarnTable **table,
                            TarnError *error) TARN_CHECKED;
/* The same; none is TARN_E_TABLE_NOT_FOUND with what is near. */
bool tarn_query__table_load(TarnQuery *query, TarnTableName name, const TarnTable **table,
                            TarnError *error) TARN_CHECKED;
/* Whether a snapshot is of the running transaction: what it gave to rows is not final. */
bool tarn_query__transaction_made(const TarnQuery *query, int64_t snapshot_id);

#endif
