/* The catalog: names -> current metadata, atomic commits over one or many tables, views, file
 * intents, zones.
 *
 * Storage: the tables of the Iceberg SQL (JDBC) catalog, iceberg_tables and
 * iceberg_namespace_properties, under the catalog name "tarn"; so every client of that catalog
 * (pyiceberg's SqlCatalog and others) opens a lake's catalog.db directly. tarn's own tables lie
 * beside them: numbers for listings, views, intents.
 *
 * Commit protocol: 1. an intent is on record before the first file is written; 2. files are
 * written and made durable; 3. ONE database transaction checks every pointer, moves it, forgets
 * the intent and runs the caller's hook (source positions, run records); 4. nothing after it may
 * fail. An intent whose owner is gone marks files that were never committed: the sweep removes
 * them. A COMMIT whose answer is lost is settled by reading the pointer.
 *
 *   tarn_catalog_open(..., &catalog)
 *   tarn_catalog_table_load(catalog, name, &table)         acquire
 *   tarn_catalog_intent_begin(catalog, location, &intent)
 *   ... write data files named with intent.id ...
 *   tarn_catalog_commit(catalog, &commit)                  swap, intent forgotten
 *   tarn_catalog_table_release(table)
 *
 * Threads: a catalog belongs to one thread; tables loaded are immutable and may be read by many.
 */
#ifndef TARN_CATALOG_CATALOG_H
#define TARN_CATALOG_CATALOG_H

#include "catalog/name.h"
#include "catalog/zone.h"
#include "db/db.h"
#include "os/os.h"
#include "store/store.h"
#include "table/metadata.h"
#include "table/snapshot_producer.h"
#include "table/view_metadata.h"

#define TARN_CATALOG_NAME "tarn"

typedef struct TarnCatalog TarnCatalog;

/* What another room keeps by a table's name in the same database: told inside the transaction
 * that renames, drops or brings back the table, or forgets it for good. A dropped table's name is
 * one of its own, see tarn_catalog_name_is_dropped. Whatever stood under `to` is replaced. */
typedef struct TarnCatalogFollower {
    bool (*move)(TarnDb *db, TarnTableName from, TarnTableName to, TarnError *error);
    bool (*forget)(TarnDb *db, TarnTableName name, TarnError *error);
} TarnCatalogFollower;

typedef struct TarnCatalogOptions {
    const TarnOs *os;
    TarnDb *db;            /* migrated: see tarn_catalog_schema_sql */
    const char *warehouse; /* absolute location, no trailing slash */
    TarnStoreSync sync;
    const struct TarnStoreS3Options *s3; /* for a warehouse or roots on S3; NULL = look it up */
    const TarnZone *zones;
    size_t zone_count;
    bool read_only;
    uint32_t commit_retries_max; /* 0 = the default */
    const char *user;            /* recorded with drops; NULL = not known */
    const TarnCatalogFollower *followers;
    size_t follower_count;
} TarnCatalogOptions;

/* The catalog's own tables: the SQL of its migration, which the wiring room numbers. */
extern const char tarn_catalog_schema_sql[];
/* And of a later one: dropped tables with who dropped them. */
extern const char tarn_catalog_drop_schema_sql[];

/* Opens the warehouse's store, makes the zones' namespaces and sweeps intents of dead owners (not
 * when read-only). Everything in options must outlive the catalog. */
bool tarn_catalog_open(const TarnCatalogOptions *options, TarnCatalog **catalog,
                       TarnError *error) TARN_CHECKED;
void tarn_catalog_close(TarnCatalog *catalog);

const TarnCatalogOptions *tarn_catalog_options(const TarnCatalog *catalog);
const TarnZone *tarn_catalog_zone(const TarnCatalog *catalog, TarnText zone); /* or NULL */
TarnStore *tarn_catalog_store(TarnCatalog *catalog); /* of the warehouse */
TarnManifestCache *tarn_catalog_manifest_cache(TarnCatalog *catalog);

/* --- tables --- */

/* A table as of one metadata file: immutable, reference-counted. */
typedef struct TarnTable {
    TarnTableName name;
    const char *metadata_location;
    const TarnTableMetadata *metadata;
    const TarnZone *zone; /* NULL for a namespace that is no zone */
    TarnStore *store;     /* the warehouse's, or that of a registered table's own root */
} TarnTable;

/* TARN_E_TABLE_NOT_FOUND with the nearest name as a hint. Parsed metadata is cached by location. */
bool tarn_catalog_table_load(TarnCatalog *catalog, TarnTableName name, const TarnTable **table,
                             TarnError *error) TARN_CHECKED;
/* *table = NULL if there is none */
bool tarn_catalog_table_find(TarnCatalog *catalog, TarnTableName name, const TarnTable **table,
                             TarnError *error) TARN_CHECKED;
void tarn_catalog_table_release(const TarnTable *table);
const TarnTable *tarn_catalog_table_acquire(const TarnTable *table);

typedef enum TarnRelationKind { TARN_RELATION_TABLE, TARN_RELATION_VIEW } TarnRelationKind;

typedef struct TarnRelation {
    TarnTableName name;
    TarnRelationKind kind;
    int64_t rows; /* -1 = unknown (view, or changed by a foreign writer since) */
    int64_t bytes;
    int64_t files;
    int64_t updated_at_ms;
} TarnRelation;

/* Sorted by name; `prefix` NULL = all, else a zone or namespace ("raw", "raw.crm"). */
bool tarn_catalog_list(TarnCatalog *catalog, const char *prefix, TarnArena *arena,
                       TarnRelation **relations, size_t *count, TarnError *error) TARN_CHECKED;

bool tarn_catalog_drop(TarnCatalog *catalog, TarnTableName name, TarnRelationKind kind,
                       TarnError *error) TARN_CHECKED; /* of a table: see catalog/dropped.h */
bool tarn_catalog_rename(TarnCatalog *catalog, TarnTableName from, TarnTableName to,
                         TarnError *error) TARN_CHECKED;
/* An existing metadata file becomes a table of this catalog; nothing is copied. Its location, if
 * outside the warehouse, becomes a root that may be read from then on. */
bool tarn_catalog_register(TarnCatalog *catalog, TarnTableName name, const char *metadata_location,
                           TarnError *error) TARN_CHECKED;
/* <warehouse>/<zone>/<ns>/<table>-<8 hex of uuid>: a table dropped and made again never shares a
 * folder with its predecessor. */
const char *tarn_catalog_table_location(TarnCatalog *catalog, TarnTableName name,
                                        const char *uuid, TarnArena *arena);

#define TARN_CATALOG_FORMAT_VERSION 2 /* of new tables, unless another is asked for */

/* The metadata of a table that tarn makes: a uuid and a location of its own, and the properties
 * every such table has unless others are given. The property "format-version" (2 or 3) chooses the
 * format version: TARN_E_FORMAT_UNSUPPORTED for others. */
typedef struct TarnNewTable {
    TarnTableName name;
    const TarnSchema *schema;
    const TarnPartitionSpec *spec;  /* NULL = none */
    const TarnSortOrder *order;     /* NULL or without fields = none */
    const TarnProperty *properties; /* beside or instead of the usual ones */
    size_t property_count;
} TarnNewTable;
bool tarn_catalog_table_new(TarnCatalog *catalog, const TarnNewTable *wanted, TarnArena *arena,
                            TarnTableMetadata **metadata, TarnError *error) TARN_CHECKED;

/* Roots outside the warehouse that registered tables live under. */
bool tarn_catalog_roots(TarnCatalog *catalog, TarnArena *arena, const char ***roots,
                        size_t *count, TarnError *error) TARN_CHECKED;

/* The store of one of them. */
bool tarn_catalog_root_store(TarnCatalog *catalog, const char *root, TarnStore **store,
                             TarnError *error) TARN_CHECKED;

/* --- namespaces --- */
bool tarn_catalog_namespace_create(TarnCatalog *catalog, const char *ns, bool if_not_exists,
                                   TarnError *error) TARN_CHECKED;
bool tarn_catalog_namespace_drop(TarnCatalog *catalog, const char *ns, TarnError *error)
    TARN_CHECKED; /* must be empty; zones of tarn.yaml cannot be dropped */
bool tarn_catalog_namespace_list(TarnCatalog *catalog, TarnArena *arena, const char ***names,
                                 size_t *count, TarnError *error) TARN_CHECKED;

/* --- views: Iceberg view metadata, with pointers among the tables' --- */
typedef struct TarnView {
    TarnTableName name;
    const char *sql;         /* the SELECT in the engine's dialect; NULL = it has none of that */
    const char *schema_json; /* Iceberg JSON of the columns it had when created */
    int64_t created_at_ms;
    const char *metadata_location;    /* NULL = as an older version kept it, likewise below */
    const TarnViewMetadata *metadata; /* all versions and dialects */
} TarnView;
/* Reads name, sql and schema_json. A view that is there already becomes a new version of itself,
 * unless nothing differs; refused (TARN_E_SCHEMA_CHANGE_REFUSED) if it has SQL of other dialects,
 * which would go on to say the old, unless its property replace.drop-dialect.allowed is true. */
bool tarn_catalog_view_put(TarnCatalog *catalog, const TarnView *view, bool or_replace,
                           TarnError *error) TARN_CHECKED;
/* Sets the SQL of one dialect, or with NULL takes it away; the others stay. A new version. */
bool tarn_catalog_view_dialect(TarnCatalog *catalog, TarnTableName name, const char *dialect,
                               const char *sql, TarnError *error) TARN_CHECKED;
bool tarn_catalog_view_rename(TarnCatalog *catalog, TarnTableName from, TarnTableName to,
                              TarnError *error) TARN_CHECKED;
bool tarn_catalog_view_find(TarnCatalog *catalog, TarnTableName name, TarnArena *arena,
                            TarnView **view, TarnError *error) TARN_CHECKED; /* NULL = none */

/* --- intents --- */
typedef struct TarnIntent {
    char id[37]; /* UUID; every file written under it has the id in its name */
} TarnIntent;
/* Files will be written below these locations. Durable when it returns. */
bool tarn_catalog_intent_begin(TarnCatalog *catalog, const char *const *locations, size_t count,
                               TarnIntent *intent, TarnError *error) TARN_CHECKED;
/* Gives up: removes the files that carry the id and forgets it. Best effort, never fails: what
 * could not be removed stays on record for the sweep. */
void tarn_catalog_intent_abandon(TarnCatalog *catalog, const TarnIntent *intent);
/* Removes the files of intents whose owner is dead. *removed counts files. */
bool tarn_catalog_intent_sweep(TarnCatalog *catalog, int64_t *removed, TarnError *error)
    TARN_CHECKED;

/* The ids of all intents on record, of whatever owner and place: files that carry one may become
 * part of a table at any moment. */
bool tarn_catalog_intent_ids(TarnCatalog *catalog, TarnArena *arena, const char ***ids,
                             size_t *count, TarnError *error) TARN_CHECKED;
/* Another table, present or dropped, whose metadata file lies inside `location`; *other NULL =
 * none. Its files must not be taken for leftovers of the table that has the location. */
bool tarn_catalog_location_shared(TarnCatalog *catalog, TarnTableName name, const char *location,
                                  TarnArena *arena, const char **other,
                                  TarnError *error) TARN_CHECKED;

/* --- commits --- */
/* A snapshot, or a change of metadata that is checked against `requirements`. */
typedef struct TarnCommitStep {
    TarnSnapshotProducer *producer; /* NULL = the others */
    const TarnTableRequirement *requirements;
    size_t requirement_count;
    const TarnTableUpdate *updates;
    size_t update_count;
} TarnCommitStep;

/* A table that goes with the commit, as tarn_catalog_drop lets it go, if it is still the same:
 * else TARN_E_COMMIT_CONFLICT. Before the hook and the tables: one of its name may be made. */
typedef struct TarnCommitDrop {
    TarnTableName name;
    const char *metadata_location;
} TarnCommitDrop;

typedef struct TarnCommitTable TarnCommitTable;
struct TarnCommitTable {
    TarnTableName name;
    const TarnTable *base; /* NULL = the table must not exist: a create */
    /* Create: the first metadata, without snapshot (tarn_table_metadata_create). */
    const TarnTableMetadata *create;
    /* Metadata-only changes, checked against `requirements` on whatever is current then. */
    const TarnTableRequirement *requirements;
    size_t requirement_count;
    const TarnTableUpdate *updates;
    size_t update_count;
    /* If set: called on each attempt, before the requirements are looked at, with the base of that
     * attempt; it may set requirements and updates anew. For changes that depend on all of the
     * metadata, such as expiry on all refs. False ends the commit. */
    bool (*plan)(void *state, const TarnTableMetadata *base, TarnCommitTable *change,
                 TarnError *error);
    void *plan_state;
    /* A snapshot to add; prepared again on each attempt. NULL = none. */
    TarnSnapshotProducer *producer;
    /* Further changes, each on the one before: the statements of a transaction. */
    const TarnCommitStep *steps;
    size_t step_count;
    const TarnIntent *intent; /* names this table's metadata file; NULL = the commit's does */
    /* Data files written for this commit: made durable together with its metadata. */
    const char *const *files;
    size_t file_count;
    TarnZoneEvidence evidence;
    const TarnTable *committed; /* out */
};

typedef struct TarnCommit {
    TarnCommitTable *tables;
    size_t table_count;
    const TarnCommitDrop *drops; /* with an intent, which tells whether they have happened */
    size_t drop_count;
    const TarnIntent *intent; /* forgotten by the swap; NULL only for metadata-only commits */
    const TarnIntent *more_intents; /* likewise */
    size_t more_intent_count;
    /* Runs inside the swap's transaction, before the pointers move; false aborts everything. */
    bool (*hook)(void *state, TarnDb *db, TarnError *error);
    void *hook_state;
    /* If set, the swap records a fresh intent for the next commit, saving it a transaction. */
    TarnIntent *next_intent;
    const char *const *next_locations;
    size_t next_location_count;
} TarnCommit;

/* All or nothing. On success each tables[i].committed is the new table, which the caller releases
 * (base stays the caller's). Appends lose no race: they are retried on the newer base, up to
 * the limit and with jitter. Conflicts that cannot be reconciled: TARN_E_COMMIT_CONFLICT, exit 5,
 * naming the other snapshot. Policy: TARN_E_ZONE_POLICY. */
bool tarn_catalog_commit(TarnCatalog *catalog, TarnCommit *commit, TarnError *error) TARN_CHECKED;

/* --- statements that read several tables --- */

/* Until the end all names lead to what they led to at the first of them, whoever commits meanwhile:
 * no statement sees half of a commit over several tables. Nothing is written in between. May be
 * nested; each that began must end. */
bool tarn_catalog_read_begin(TarnCatalog *catalog, TarnError *error) TARN_CHECKED;
void tarn_catalog_read_end(TarnCatalog *catalog);

/* --- transactions over several statements --- */

/* Where all tables are now, in one look: a consistent state of the whole catalog. */
typedef struct TarnPointer {
    TarnTableName name;
    const char *metadata_location;
} TarnPointer;
bool tarn_catalog_pointers(TarnCatalog *catalog, TarnArena *arena, TarnPointer **pointers,
                           size_t *count, TarnError *error) TARN_CHECKED;
/* The table as it is at one of them, whatever was committed since. */
bool tarn_catalog_table_at(TarnCatalog *catalog, const TarnPointer *pointer,
                           const TarnTable **table, TarnError *error) TARN_CHECKED;
/* The table as a change will leave it, seen by nobody else: its manifests are written, the pointer
 * is not moved and nothing is made durable. The commit prepares the producer once more. The
 * zone's policy is checked. */
bool tarn_catalog_table_stage(TarnCatalog *catalog, const TarnTable *base,
                              TarnSnapshotProducer *producer, const TarnTable **staged,
                              TarnError *error) TARN_CHECKED;
/* The same for a change of metadata alone; the updates must outlive it. Requirements that do not
 * hold are TARN_E_COMMIT_CONFLICT. */
bool tarn_catalog_table_stage_updates(TarnCatalog *catalog, const TarnTable *base,
                                      const TarnCommitStep *step, const TarnTable **staged,
                                      TarnError *error) TARN_CHECKED;
/* A table that is to be made: its metadata must outlive it, and it has no location yet (""). */
bool tarn_catalog_table_stage_create(TarnCatalog *catalog, TarnTableName name,
                                     const TarnTableMetadata *metadata, const TarnTable **staged,
                                     TarnError *error) TARN_CHECKED;

#endif
