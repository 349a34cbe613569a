/* Branches and tags of tables in a catalog: what table/snapshot_ref.h prepares, committed.
 *
 * A ref that moved meanwhile is TARN_E_COMMIT_CONFLICT naming the snapshot it is at; commits to
 * other branches of the table are not in the way. Several tables go forward in one commit or not
 * at all: what one run wrote on a branch of many tables becomes visible at once.
 */
#ifndef TARN_CATALOG_REF_H
#define TARN_CATALOG_REF_H

#include "catalog/catalog.h"
#include "table/snapshot_ref.h"

/* Commits a change prepared from table->metadata. *committed, unless the pointer is NULL, is the
 * new table, to be released. A change without updates commits nothing. */
bool tarn_catalog_ref_commit(TarnCatalog *catalog, const TarnTable *table,
                             const TarnPreparedSnapshot *prepared, const TarnTable **committed,
                             TarnError *error) TARN_CHECKED;

/* One table that goes forward. */
typedef struct TarnForward {
    const TarnTable *table; /* in; stays the caller's */
    int64_t from;           /* out: where `target` was; TARN_ABSENT = nowhere */
    int64_t to;             /* out: where it is now */
    size_t steps;           /* out: snapshots it gained; 0 = it was there already */
} TarnForward;

typedef struct TarnForwardOptions {
    const char *target; /* the branch that moves; NULL = main */
    const char *source; /* the branch or tag it moves to */
    bool dry_run;       /* checks and fills the forwards only */
    /* Runs inside the commit's transaction, if anything moves; NULL = none. */
    bool (*hook)(void *state, TarnDb *db, TarnError *error);
    void *hook_state;
} TarnForwardOptions;

/* Errors as tarn_table_ref_fast_forward, with the table's name; TARN_E_ZONE_POLICY where a table
 * of an append-only zone would get snapshots that change rows. */
bool tarn_catalog_fast_forward(TarnCatalog *catalog, TarnForward *forwards, size_t count,
                               const TarnForwardOptions *options, TarnError *error) TARN_CHECKED;

typedef struct TarnPicked {
    int64_t previous;    /* head of the branch before; TARN_ABSENT = none */
    int64_t snapshot_id; /* its head now */
    bool moved;          /* the branch moved to the picked snapshot: none was made */
    int64_t added_files;
    int64_t removed_files;
} TarnPicked;

/* Brings one snapshot's change onto a branch (NULL = main); see tarn_table_cherry_pick. A branch
 * that moves meanwhile is looked at again. */
bool tarn_catalog_cherry_pick(TarnCatalog *catalog, TarnTableName name, const char *branch,
                              int64_t snapshot_id, TarnPicked *picked,
                              TarnError *error) TARN_CHECKED;

#endif
