/* Branches and tags: changes of a table's refs, checked against the table as it is, as updates and
 * requirements that a catalog commits.
 *
 * Source: Iceberg table specification, "Snapshot References"; the rules of cherry-picking and the
 * summary's keys wap.id, published-wap-id and source-snapshot-id are the reference
 * implementation's. Every change asserts the refs it was made for, so a commit in between is a
 * conflict (TARN_E_COMMIT_CONFLICT) and never lost. `base` and the arena must outlive what is
 * filled. Branches have no schema of their own: a table's schema is that of all its branches.
 *
 *   tarn_table_ref_set(base, &wish, arena, &prepared, error)
 *   ... commit prepared.updates under prepared.requirements ...
 */
#ifndef TARN_TABLE_SNAPSHOT_REF_H
#define TARN_TABLE_SNAPSHOT_REF_H

#include "table/snapshot_producer.h"

#define TARN_TABLE_MAIN_BRANCH "main"

/* NULL for main and for NULL, else the name. */
const char *tarn_table_branch_beside_main(const char *branch);

typedef enum TarnRefWhen {
    TARN_REF_CREATE,  /* must not be there: TARN_E_REF_EXISTS */
    TARN_REF_REPLACE, /* must be there, of the same kind; keeps the retention that is not given */
    TARN_REF_CREATE_OR_REPLACE
} TarnRefWhen;

typedef struct TarnRefWish {
    const char *name;
    bool is_tag;
    TarnRefWhen when;
    int64_t snapshot_id;           /* TARN_ABSENT = main's head */
    int64_t max_ref_age_ms;        /* TARN_ABSENT = not given, likewise below */
    int64_t min_snapshots_to_keep; /* of branches only */
    int64_t max_snapshot_age_ms;   /* of branches only */
} TarnRefWish;

/* 1 to TARN_LIMIT_IDENTIFIER_BYTES bytes of UTF-8 without control characters:
 * TARN_E_NAME_INVALID. */
bool tarn_table_ref_name_check(TarnText name, TarnError *error) TARN_CHECKED;

/* Creates or replaces a branch or a tag. main can be given a retention but neither moved nor made
 * a tag here: TARN_E_REF_REFUSED, as for a ref of the other kind. TARN_E_SNAPSHOT_NOT_FOUND for a
 * snapshot that is not there, a table without any, or a ref to be replaced. */
bool tarn_table_ref_set(const TarnTableMetadata *base, const TarnRefWish *wish, TarnArena *arena,
                        TarnPreparedSnapshot *prepared, TarnError *error) TARN_CHECKED;
/* TARN_E_SNAPSHOT_NOT_FOUND if it is not there, TARN_E_REF_REFUSED for main or the other kind. */
bool tarn_table_ref_drop(const TarnTableMetadata *base, const char *name, bool is_tag,
                         TarnArena *arena, TarnPreparedSnapshot *prepared,
                         TarnError *error) TARN_CHECKED;

/* Moves the branch `target` to where `source` (a branch or tag) is. What target has must be in
 * source's history: else TARN_E_COMMIT_CONFLICT naming the snapshot that is not. *steps = snapshots
 * that target gains; 0 = it is there already and prepared has no updates. A target that has no
 * snapshot (main of an empty table) gains all. */
bool tarn_table_ref_fast_forward(const TarnTableMetadata *base, const char *target,
                                 const char *source, TarnArena *arena,
                                 TarnPreparedSnapshot *prepared, size_t *steps,
                                 TarnError *error) TARN_CHECKED;

/* Was the snapshot ever a branch's own: in its history, or for main in the snapshot log? */
bool tarn_table_ref_had(const TarnTableMetadata *metadata, const char *branch,
                        int64_t snapshot_id);

/* What bringing one snapshot's change onto a branch takes. */
typedef struct TarnCherryPick {
    bool moves; /* the branch only moves: `move` is filled. Else `change` is to be produced, under
                   `move`'s requirements */
    TarnPreparedSnapshot move;
    TarnSnapshotChange change; /* everything in the arena */
} TarnCherryPick;

/* Appends are replayed; a dynamic overwrite (summary replace-partitions) if its parent is in the
 * branch's history and the partitions it replaced have had no new files since; any snapshot if the
 * branch's head is its parent, by moving the branch. All else is TARN_E_REF_REFUSED. A snapshot
 * that the branch has, was picked before, or whose wap.id was published: TARN_E_COMMIT_CONFLICT. */
bool tarn_table_cherry_pick(const TarnTableMetadata *base, TarnStore *store, const char *branch,
                            int64_t snapshot_id, TarnArena *arena, TarnCherryPick *pick,
                            TarnError *error) TARN_CHECKED;

#endif
