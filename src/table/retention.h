/* Which snapshots and refs a table no longer needs: snapshot expiry, as a plan over its metadata.
 *
 * Source: Iceberg table specification, "Snapshot Retention Policy"; the properties
 * history.expire.max-snapshot-age-ms (5 days), history.expire.min-snapshots-to-keep (1) and
 * history.expire.max-ref-age-ms (for ever), which a ref's own settings replace.
 *
 * Kept are: the head of every ref that is not itself too old (main never is); of branches, the
 * ancestors that are young enough or among the last so many; of snapshots that no ref leads to,
 * the young ones. Nothing is written here, and no file is looked at.
 */
#ifndef TARN_TABLE_RETENTION_H
#define TARN_TABLE_RETENTION_H

#include "table/metadata.h"

typedef struct TarnRetention {
    int64_t now_ms;
    int64_t older_than_ms; /* a time; instead of the property. TARN_ABSENT = the property */
    int64_t retain_last;   /* instead of the property; TARN_ABSENT */
    /* If given, exactly these expire and ages do not matter; heads of refs are refused. */
    const int64_t *snapshot_ids;
    size_t snapshot_id_count;
} TarnRetention;

typedef struct TarnExpiry {
    const TarnSnapshot **expired; /* in the order of the metadata */
    size_t expired_count;
    const TarnSnapshot **kept;
    size_t kept_count;
    const char **refs; /* that are removed */
    size_t ref_count;
} TarnExpiry;

/* TARN_E_SNAPSHOT_NOT_FOUND: an id that is given and is none, or one that a ref points to. */
bool tarn_table_retention_plan(const TarnTableMetadata *metadata, const TarnRetention *retention,
                               TarnArena *arena, TarnExpiry *expiry, TarnError *error) TARN_CHECKED;

/* Schemas and partition specs that nothing refers to any more, given the specs of the manifests
 * that remain. With deletes among these, schemas stay: an equality delete may be about a column
 * that only an old one has. So they do if a spec's source column is in none of those kept. */
typedef struct TarnUnusedLayout {
    int64_t *schema_ids;
    size_t schema_count;
    int64_t *spec_ids;
    size_t spec_count;
} TarnUnusedLayout;
bool tarn_table_retention_unused(const TarnTableMetadata *metadata, const TarnExpiry *expiry,
                                 const int32_t *live_spec_ids, size_t live_spec_count,
                                 bool has_deletes, TarnArena *arena, TarnUnusedLayout *unused,
                                 TarnError *error) TARN_CHECKED;

/* The updates and requirements of the commit. Every ref must be as it was when this was planned;
 * plan again for each attempt. */
bool tarn_table_retention_updates(const TarnTableMetadata *metadata, const TarnExpiry *expiry,
                                  const TarnUnusedLayout *unused, TarnArena *arena,
                                  const TarnTableUpdate **updates, size_t *update_count,
                                  TarnError *error) TARN_CHECKED;

#endif
