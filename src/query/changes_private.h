/* "t$changes": what came and went between two snapshots (changes.c). */
#ifndef TARN_QUERY_CHANGES_PRIVATE_H
#define TARN_QUERY_CHANGES_PRIVATE_H

#include "query/query_private.h"
#include "table/changelog.h"

/* The columns beside the table's, named as in the other implementations. */
#define TARN_CHANGE_TYPE "_change_type"       /* INSERT, DELETE, UPDATE_BEFORE, UPDATE_AFTER */
#define TARN_CHANGE_ORDINAL "_change_ordinal" /* of the snapshot among those of the range */
#define TARN_CHANGE_COMMIT "_commit_snapshot_id"

typedef struct TarnChangesInput {
    const TarnTable *table;
    TarnChangelogRange range;
    const TarnSchema *columns;      /* the table's, as of the range's end */
    const TarnPredicate *predicate; /* bound: no other row is asked for */
    bool row_ids;                   /* rows may have ids to be paired by */
} TarnChangesInput;

/* The table's columns with those three. TARN_E_SQL_UNSUPPORTED if it has one of such a name. */
bool tarn_query__changes_columns(const TarnTable *table, const TarnSchema *columns,
                                 TarnArena *arena, TarnSchema *wider,
                                 TarnError *error) TARN_CHECKED;
/* Writes a SELECT of these columns that yields the changes; it can be run as long as that of
 * tarn_query_scan_sql(). *stats: the files it opens. */
bool tarn_query__changes_sql(TarnQuery *query, const TarnChangesInput *input, TarnArena *arena,
                             TarnBuffer *out, TarnScanStats *stats, TarnError *error) TARN_CHECKED;

#endif
