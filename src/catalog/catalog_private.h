/* What the files of the catalog share. */
#ifndef TARN_CATALOG_CATALOG_PRIVATE_H
#define TARN_CATALOG_CATALOG_PRIVATE_H

#include <stdatomic.h>

#include "catalog/catalog.h"
#include "table/manifest_cache.h"

/* Tables whose parsed metadata is kept: enough for the statements of a session. */
#define TARN_CATALOG_CACHED_TABLES 64

typedef struct TarnLoadedTable TarnLoadedTable;
struct TarnLoadedTable {
    TarnTable table; /* first: a TarnTable pointer is this one's address */
    atomic_int references;
    TarnArena arena;
    TarnLoadedTable *base; /* whose memory this one's metadata shares; NULL = none */
    int chain;             /* bases below */
};

typedef struct TarnRoot {
    const char *location;
    TarnStore *store;
} TarnRoot;

struct TarnCatalog {
    TarnCatalogOptions options;
    TarnArena arena; /* as long as the catalog */
    TarnStore *store;
    TarnManifestCache *manifests;
    const char *owner;
    TarnLoadedTable *cached[TARN_CATALOG_CACHED_TABLES]; /* most recent first */
    TarnRoot *roots;
    size_t root_count;
    uint64_t jitter;
    unsigned readers; /* of tarn_catalog_read_begin */
};

/* The pointer as the database has it; *location NULL = no such table. The name is corrected to
 * the case in which it is stored. */
bool tarn_catalog__pointer_read(TarnCatalog *catalog, TarnTableName *name, TarnArena *arena,
                                const char **location, TarnError *error) TARN_CHECKED;
bool tarn_catalog__refuse_missing(TarnCatalog *catalog, TarnTableName name, TarnError *error);
/* The store that holds a location: the warehouse's or a registered root's. */
bool tarn_catalog__store_of(TarnCatalog *catalog, const char *location, TarnStore **store,
                            TarnError *error) TARN_CHECKED;
/* Opens the store of a root outside the warehouse and remembers it. */
bool tarn_catalog_root_store(TarnCatalog *catalog, const char *location, TarnStore **store,
                             TarnError *error) TARN_CHECKED;
/* Loads the metadata at a location as a table, cached. */
bool tarn_catalog__table_at(TarnCatalog *catalog, TarnTableName name, const char *location,
                            const TarnTable **table, TarnError *error) TARN_CHECKED;
/* Wraps metadata just committed; shares memory with `base` (NULL = none) and `arena`, which moves
 * into the table. */
bool tarn_catalog__table_adopt(TarnCatalog *catalog, TarnTableName name, const char *location,
                               const TarnTableMetadata *metadata, const TarnTable *base,
                               TarnArena *arena, TarnStore *store, const TarnTable **table,
                               TarnError *error) TARN_CHECKED;
void tarn_catalog__cache_clear(TarnCatalog *catalog);

/* Rows of tarn_table, kept beside the pointer for listings; inside the caller's transaction. */
bool tarn_catalog__numbers_write(TarnCatalog *catalog, TarnTableName name, const char *location,
                                 const TarnTableMetadata *metadata, TarnError *error) TARN_CHECKED;

/* Prepares a snapshot on *metadata and folds it in; `base_location` enters the metadata log (NULL =
 * it is there already). commit.c */
bool tarn_catalog__snapshot_add(TarnCatalog *catalog, TarnTableName name,
                                TarnSnapshotProducer *producer, const char *base_location,
                                TarnStoreBatch *batch, TarnArena *arena,
                                TarnTableMetadata **metadata, TarnError *error) TARN_CHECKED;
/* As tarn_catalog__table_adopt, of a state that has no metadata file: not cached. */
bool tarn_catalog__table_wrap(TarnCatalog *catalog, TarnTableName name, const char *location,
                              const TarnTableMetadata *metadata, const TarnTable *base,
                              TarnArena *arena, TarnStore *store, const TarnTable **table,
                              TarnError *error) TARN_CHECKED;

/* TARN_E_TABLE_EXISTS if a table or view has the name. */
bool tarn_catalog__check_free(TarnCatalog *catalog, TarnTableName name,
                              TarnError *error) TARN_CHECKED;

/* By the pointer alone: its metadata is not read. */
bool tarn_catalog__view_exists(TarnCatalog *catalog, TarnTableName name, bool *exists,
                               TarnError *error) TARN_CHECKED;
/* Inside the caller's transaction. */
bool tarn_catalog__view_drop(TarnCatalog *catalog, TarnTableName name,
                             TarnError *error) TARN_CHECKED;
/* Views that an older version kept get metadata files. Best effort: they can be read before. */
void tarn_catalog__views_adopt(TarnCatalog *catalog);
/* The rows of a table or view, and what follows them; inside the caller's transaction. */
bool tarn_catalog__rename_rows(TarnCatalog *catalog, TarnTableName from, TarnTableName to,
                               TarnError *error) TARN_CHECKED;

/* --- dropped tables (dropped.c); inside the caller's transaction --- */

/* Under which other rooms keep what belongs to a dropped table. */
TarnTableName tarn_catalog__dropped_name(const char *id);
/* Moves a pointer to the record of dropped tables; `id` becomes the drop's. */
bool tarn_catalog__drop_table(TarnCatalog *catalog, TarnTableName name, const char *location,
                              char id[TARN_OS_UUID_BYTES], TarnError *error) TARN_CHECKED;
bool tarn_catalog__followers_move(TarnCatalog *catalog, TarnTableName from, TarnTableName to,
                                  TarnError *error) TARN_CHECKED;
bool tarn_catalog__followers_forget(TarnCatalog *catalog, TarnTableName name,
                                    TarnError *error) TARN_CHECKED;

bool tarn_catalog__intent_write(TarnCatalog *catalog, const char *const *locations, size_t count,
                                TarnIntent *intent, TarnError *error) TARN_CHECKED;
bool tarn_catalog__intent_forget(TarnCatalog *catalog, const TarnIntent *intent,
                                 TarnError *error) TARN_CHECKED;

/* The first column of a query's rows. */
bool tarn_catalog__texts(TarnCatalog *catalog, const char *sql, const TarnDbValue *values,
                         size_t value_count, TarnArena *arena, const char ***texts, size_t *count,
                         TarnError *error) TARN_CHECKED;

/* SQL LIKE pattern characters in a namespace must not match: prefix test by ranges. */
static inline TarnDbValue tarn_catalog__name(void) { return tarn_db_string(TARN_CATALOG_NAME); }

#endif
