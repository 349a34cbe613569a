/* Which files hold the rows that came and went between two snapshots.
 *
 * Source: Iceberg table specification, "Snapshots" (operation), "Manifests" (status and snapshot
 * id of an entry), "Scan Planning". Each snapshot after `from`, up to `to`, is compared with its
 * parent; snapshots of the operation "replace" change files and no row, and are passed over.
 *
 * Only manifests that the snapshot itself added are read, unless it changed deletes or removed
 * files that deletes may apply to: then both snapshots are planned in full and compared. No data
 * file is opened.
 */
#ifndef TARN_TABLE_CHANGELOG_H
#define TARN_TABLE_CHANGELOG_H

#include "table/scan.h"

typedef enum TarnChangelogKind {
    TARN_CHANGELOG_ADDED,   /* the file is new: its live rows came */
    TARN_CHANGELOG_REMOVED, /* the file is gone: the rows that lived in it went */
    TARN_CHANGELOG_DELETES  /* the file stays and other deletes apply to it */
} TarnChangelogKind;

typedef struct TarnChangelogFile {
    TarnChangelogKind kind;
    /* As tasks of a scan of the parent and of the snapshot, with the deletes that apply there;
     * without metrics, `residual` is NULL. Of a kind that has none, file is NULL. */
    TarnScanTask before;
    TarnScanTask after;
} TarnChangelogFile;

/* One snapshot. */
typedef struct TarnChangelogStep {
    const TarnSnapshot *snapshot;
    const TarnSnapshot *parent; /* NULL = it is the table's first */
    int32_t ordinal;            /* counts the steps, from 0 on */
    TarnChangelogFile *files;
    size_t file_count;
} TarnChangelogStep;

typedef struct TarnChangelogRange {
    const TarnSnapshot *from; /* whose rows are the base; NULL = as far back as is known */
    const TarnSnapshot *to;   /* NULL = the table is empty: no steps */
    bool from_beginning;      /* with from NULL: the first snapshot must still be known */
} TarnChangelogRange;

typedef struct TarnChangelog {
    const TarnSnapshot *from; /* found: NULL = the empty table */
    TarnChangelogStep *steps; /* oldest first */
    size_t step_count;
    int64_t files_total; /* live data files of `to`; TARN_ABSENT if unknown */
} TarnChangelog;

/* `predicate`: bound to a schema of the table; files without a row it keeps are left out, except
 * where a row that it keeps may belong to a row of another file: version 3, where a step has rows
 * that came and rows that went. Everything in `arena`. TARN_E_SNAPSHOT_NOT_FOUND: `from` is no
 * ancestor of `to`, or the beginning is gone; else the errors of planning. */
bool tarn_table_changelog_plan(const TarnScanOptions *options, const TarnChangelogRange *range,
                               const TarnPredicate *predicate, TarnArena *arena,
                               TarnChangelog **changelog, TarnError *error) TARN_CHECKED;

#endif
