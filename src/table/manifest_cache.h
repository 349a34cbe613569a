/* Decoded manifests and manifest lists in memory, shared by all scans of a process.
 *
 * Both kinds of file are immutable, so the path is the key and nothing is ever invalidated; the
 * least recently used go when the limit is reached. What is handed out is pinned: it stays until
 * released, whatever the cache does meanwhile.
 *
 * Threads: every function may be called by several threads at once; what is pinned is read-only.
 */
#ifndef TARN_TABLE_MANIFEST_CACHE_H
#define TARN_TABLE_MANIFEST_CACHE_H

#include "store/store.h"
#include "table/manifest.h"

typedef struct TarnManifestCache TarnManifestCache;

/* A manifest, compact: partition tuples and texts of its own, blocks not kept. */
typedef struct TarnManifestPin {
    const TarnManifest *manifest;     /* as stored: nothing inherited */
    const TarnLiteral *const *tuples; /* the distinct partition tuples */
    size_t tuple_count;
    const uint32_t *tuple_of_entry; /* per entry, an index into tuples */
    const uint64_t *path_hashes;    /* per entry; equal for equal paths, in this process */
    const struct TarnManifestStretch *stretches; /* private; NULL = not made */
    struct TarnCacheObject *object; /* private */
} TarnManifestPin;

typedef struct TarnManifestListPin {
    const TarnManifestFile *manifests;
    size_t count;
    struct TarnCacheObject *object; /* private */
} TarnManifestListPin;

typedef struct TarnManifestCacheStats {
    size_t bytes;
    size_t limit;
    uint64_t hits;
    uint64_t misses;
} TarnManifestCacheStats;

/* limit 0: nothing is kept beyond its pins. */
bool tarn_table_manifest_cache_new(size_t limit, TarnManifestCache **cache, TarnError *error)
    TARN_CHECKED;
/* All pins must have been released. NULL is fine. */
void tarn_table_manifest_cache_free(TarnManifestCache *cache);
void tarn_table_manifest_cache_stats(TarnManifestCache *cache, TarnManifestCacheStats *stats);

/* Reads and decodes through the store, or finds. `cache` NULL: no sharing, still to be released.
 * The options say which metrics are needed; more may be there, since scans share. The spec of
 * `file` decides, if the table has it. */
bool tarn_table_manifest_acquire(TarnManifestCache *cache, TarnStore *store,
                                 const TarnManifestFile *file, const TarnTableMetadata *table,
                                 const TarnManifestReadOptions *options,
                                 const TarnManifestPin **pin, TarnError *error) TARN_CHECKED;
void tarn_table_manifest_release(const TarnManifestPin *pin); /* NULL is fine */

bool tarn_table_manifest_list_acquire(TarnManifestCache *cache, TarnStore *store, const char *path,
                                      const TarnManifestListPin **pin, TarnError *error)
    TARN_CHECKED;
void tarn_table_manifest_list_release(const TarnManifestListPin *pin);

#endif
