/* Decoding into objects that the cache keeps. */
#ifndef TARN_TABLE_MANIFEST_CACHE_PRIVATE_H
#define TARN_TABLE_MANIFEST_CACHE_PRIVATE_H

#include "table/manifest_cache.h"

uint64_t tarn_table__path_hash(TarnText path);

/* Which columns' metrics were decoded. */
typedef struct TarnMetricsSet {
    bool all;
    const int32_t *ids; /* sorted, unique */
    size_t count;
} TarnMetricsSet;

typedef struct TarnCacheObject TarnCacheObject;
struct TarnCacheObject {
    /* Guarded by the cache's mutex once inserted: */
    TarnManifestCache *cache; /* NULL = belongs to none */
    TarnCacheObject *newer;   /* the list by last use */
    TarnCacheObject *older;
    TarnCacheObject *chain; /* of the hash bucket */
    uint32_t pins;
    bool is_linked; /* findable */
    /* Constant once filled: */
    bool is_list;
    uint64_t hash; /* of the path */
    const char *path;
    size_t bytes;
    TarnMetricsSet metrics;
    TarnArena arena;
    TarnManifest manifest;
    TarnManifestEntry *entries; /* heap */
    uint32_t *tuple_of_entry;   /* heap */
    uint64_t *path_hashes;      /* heap */
    TarnLiteral **tuples;       /* heap */
    size_t tuple_count;
    const struct TarnManifestStretch *stretches;
    TarnManifestPin manifest_pin;
    TarnManifestListPin list_pin;
};

/* Fill a zeroed object; on failure dispose it all the same. */
bool tarn_table__cache_load_manifest(TarnCacheObject *object, TarnStore *store,
                                     const TarnManifestFile *file, const TarnTableMetadata *table,
                                     const TarnManifestReadOptions *options, TarnError *error)
    TARN_CHECKED;
bool tarn_table__cache_load_list(TarnCacheObject *object, TarnStore *store, const char *path,
                                 TarnError *error) TARN_CHECKED;
/* As tarn_table_manifest_acquire, but only what is there: else NULL, and nothing is counted. */
const TarnManifestPin *tarn_table__manifest_find(TarnManifestCache *cache,
                                                 const TarnManifestFile *file,
                                                 const TarnManifestReadOptions *options);
void tarn_table__cache_object_free(TarnCacheObject *object); /* NULL is fine */

#endif
