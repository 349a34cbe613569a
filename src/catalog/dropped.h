/* Dropped tables: kept on record with their files until they are purged, so that a DROP can be
 * taken back.
 *
 * A drop moves the pointer from the Iceberg catalog's table into tarn_dropped, and what other
 * rooms keep by the table's name (lineage, loaded files) to a name of its own there, in one
 * transaction; an undrop moves all of it back. A purge deletes files: those that the table's
 * metadata names and that lie in the table's own folder, data first and the metadata file last,
 * so that a purge that was interrupted goes on where it stopped.
 *
 *   tarn_catalog_drop(catalog, name, TARN_RELATION_TABLE, error)
 *   tarn_catalog_undrop(catalog, name, NULL, arena, &restored, error)
 *   tarn_catalog_dropped_purge(catalog, before_ms, false, &purged, error)      maintenance
 */
#ifndef TARN_CATALOG_DROPPED_H
#define TARN_CATALOG_DROPPED_H

#include "catalog/catalog.h"

/* How long files of dropped tables stay, where nothing else is said. */
#define TARN_CATALOG_DROP_RETENTION_MS INT64_C(604800000)

typedef struct TarnDropped {
    const char *id; /* of the drop; sorts by time */
    TarnTableName name;
    const char *metadata_location;
    const char *uuid; /* of the table; "" = not known */
    int64_t dropped_at_ms;
    const char *by; /* NULL = not known */
    bool purging;   /* some of its files are gone */
} TarnDropped;

/* Newest first. `prefix` as for tarn_catalog_list. */
bool tarn_catalog_dropped_list(TarnCatalog *catalog, const char *prefix, TarnArena *arena,
                               TarnDropped **dropped, size_t *count,
                               TarnError *error) TARN_CHECKED;

/* Brings back the table that was dropped last under this name, as `as` (NULL = its old name). All
 * of *restored in the arena. TARN_E_TABLE_NOT_FOUND, TARN_E_TABLE_EXISTS (the name is taken, or the
 * same table has another name now), TARN_E_OBJECT_NOT_FOUND (its files are gone). */
bool tarn_catalog_undrop(TarnCatalog *catalog, TarnTableName name, const TarnTableName *as,
                         TarnArena *arena, TarnDropped *restored, TarnError *error) TARN_CHECKED;

typedef struct TarnPurged {
    int64_t tables;
    int64_t left;  /* tables outside the warehouse: forgotten, their files stay */
    int64_t files; /* deleted, or in a dry run to be deleted */
    int64_t bytes; /* of them, as far as the metadata tells */
    int64_t kept;  /* files that lie outside their table's folder: never deleted */
} TarnPurged;

/* Deletes the files of tables that were dropped before `before_ms` (Unix milliseconds), and
 * forgets them; goes on with purges that were interrupted. A table whose metadata is gone is only
 * forgotten; one that is brought back meanwhile stays whole. After an error of one table (of the
 * store, of damaged metadata) the others are gone on with, and the first error is the result;
 * what was purged is counted. */
bool tarn_catalog_dropped_purge(TarnCatalog *catalog, int64_t before_ms, bool dry_run,
                                TarnPurged *purged, TarnError *error) TARN_CHECKED;

/* DROP TABLE .. PURGE: no way back. Before anything is changed it is refused (TARN_E_PURGE_REFUSED)
 * for a table outside the warehouse unless `force`, and for one in
 * whose folder another table, present or dropped, has its metadata. */
bool tarn_catalog_drop_purge(TarnCatalog *catalog, TarnTableName name, bool force,
                             TarnPurged *purged, TarnError *error) TARN_CHECKED;

/* The name that other rooms' records of a dropped table have meanwhile? */
bool tarn_catalog_name_is_dropped(TarnTableName name);

#endif
