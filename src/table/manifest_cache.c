/* The cache of decoded manifests and manifest lists: a hash table by path, a list by last use, one
 * mutex around both.
 *
 * Files are read and decoded outside the mutex: two threads may decode the same manifest at the
 * same time, and the second then takes what the first has inserted. An object that is pinned while
 * it is evicted or replaced (by one with more columns' metrics) just leaves the table and is freed
 * by its last release.
 */
#include "table/manifest_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "table/manifest_cache_private.h"

#define FIRST_BUCKETS 256

struct TarnManifestCache {
    pthread_mutex_t mutex;
    TarnCacheObject **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
    TarnCacheObject *newest;
    TarnCacheObject *oldest;
    size_t bytes;
    size_t limit;
    uint64_t hits;
    uint64_t misses;
};

uint64_t tarn_table__path_hash(TarnText path) {
    /* Address-space randomisation seeds it: colliding paths cannot be prepared in a file. */
    static const char seed = 0;
    return tarn_base_hash64(path.data, path.size, (uint64_t)(uintptr_t)&seed);
}

bool tarn_table_manifest_cache_new(size_t limit, TarnManifestCache **result, TarnError *error) {
    TarnManifestCache *cache = calloc(1, sizeof(*cache));
    TarnCacheObject **buckets = calloc(FIRST_BUCKETS, sizeof(TarnCacheObject *));
    if (cache == NULL || buckets == NULL || pthread_mutex_init(&cache->mutex, NULL) != 0) {
        free(cache);
        free(buckets);
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "out of memory while making the manifest cache");
    }
    cache->buckets = buckets;
    cache->bucket_count = FIRST_BUCKETS;
    cache->limit = limit;
    *result = cache;
    return true;
}

void tarn_table_manifest_cache_free(TarnManifestCache *cache) {
    if (cache == NULL) return;
    while (cache->newest != NULL) {
        TarnCacheObject *object = cache->newest;
        cache->newest = object->older;
        tarn_table__cache_object_free(object);
    }
    free(cache->buckets);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

void tarn_table_manifest_cache_stats(TarnManifestCache *cache, TarnManifestCacheStats *stats) {
    pthread_mutex_lock(&cache->mutex);
    *stats = (TarnManifestCacheStats){
        .bytes = cache->bytes, .limit = cache->limit, .hits = cache->hits, .misses = cache->misses};
    pthread_mutex_unlock(&cache->mutex);
}

/* --- under the mutex --- */

static TarnCacheObject **bucket_of(TarnManifestCache *cache, uint64_t hash) {
    return &cache->buckets[hash & (cache->bucket_count - 1)];
}

static TarnCacheObject *find_object(TarnManifestCache *cache, uint64_t hash, TarnText path,
                                    bool is_list) {
    TarnCacheObject *object = *bucket_of(cache, hash);
    while (object != NULL && (object->hash != hash || object->is_list != is_list ||
                              !tarn_base_text_is(path, object->path))) {
        object = object->chain;
    }
    return object;
}

static void use_list_remove(TarnManifestCache *cache, TarnCacheObject *object) {
    if (object->newer != NULL) object->newer->older = object->older;
    else cache->newest = object->older;
    if (object->older != NULL) object->older->newer = object->newer;
    else cache->oldest = object->newer;
    object->newer = NULL;
    object->older = NULL;
}

static void use_list_push(TarnManifestCache *cache, TarnCacheObject *object) {
    object->older = cache->newest;
    if (cache->newest != NULL) cache->newest->newer = object;
    cache->newest = object;
    if (cache->oldest == NULL) cache->oldest = object;
}

/* Takes it out of the table; frees it unless it is pinned. */
static void unlink_object(TarnManifestCache *cache, TarnCacheObject *object) {
    TarnCacheObject **at = bucket_of(cache, object->hash);
    while (*at != object) at = &(*at)->chain;
    *at = object->chain;
    object->chain = NULL;
    use_list_remove(cache, object);
    cache->count--;
    cache->bytes -= object->bytes;
    object->is_linked = false;
    if (object->pins == 0) tarn_table__cache_object_free(object);
}

static void grow_buckets(TarnManifestCache *cache) {
    size_t wanted = cache->bucket_count * 2;
    TarnCacheObject **buckets = calloc(wanted, sizeof(TarnCacheObject *));
    if (buckets == NULL) return; /* longer chains are no failure */
    free(cache->buckets);
    cache->buckets = buckets;
    cache->bucket_count = wanted;
    for (TarnCacheObject *object = cache->newest; object != NULL; object = object->older) {
        TarnCacheObject **bucket = bucket_of(cache, object->hash);
        object->chain = *bucket;
        *bucket = object;
    }
}

static void link_object(TarnManifestCache *cache, TarnCacheObject *object) {
    if (cache->count >= cache->bucket_count) grow_buckets(cache);
    TarnCacheObject **bucket = bucket_of(cache, object->hash);
    object->chain = *bucket;
    *bucket = object;
    object->is_linked = true;
    use_list_push(cache, object);
    cache->count++;
    cache->bytes += object->bytes;
    while (cache->bytes > cache->limit && cache->oldest != NULL) {
        unlink_object(cache, cache->oldest);
    }
}

/* --- sets of columns --- */

static bool covers(const TarnMetricsSet *have, const TarnManifestReadOptions *wanted) {
    if (have->all || wanted->without_metrics) return true;
    if (wanted->field_ids == NULL) return false;
    size_t at = 0;
    for (size_t i = 0; i < wanted->field_id_count; i++) {
        while (at < have->count && have->ids[at] < wanted->field_ids[i]) at++;
        if (at == have->count || have->ids[at] != wanted->field_ids[i]) return false;
    }
    return true;
}

/* The wanted columns and those another scan wanted before, so that two scans in turn do not keep
 * replacing each other's. `ids` has room for both. */
static void merge_sets(const TarnMetricsSet *have, const TarnManifestReadOptions *wanted,
                       int32_t *ids, TarnManifestReadOptions *merged) {
    *merged = *wanted;
    if (wanted->field_ids == NULL || wanted->without_metrics) return;
    size_t count = 0;
    size_t i = 0;
    size_t j = 0;
    while (i < have->count || j < wanted->field_id_count) {
        bool take_have = j == wanted->field_id_count ||
                         (i < have->count && have->ids[i] <= wanted->field_ids[j]);
        int32_t id = take_have ? have->ids[i++] : wanted->field_ids[j++];
        if (count == 0 || ids[count - 1] != id) ids[count++] = id;
    }
    merged->field_ids = ids;
    merged->field_id_count = count;
}

/* --- acquire and release --- */

static void pin_object(TarnManifestCache *cache, TarnCacheObject *object) {
    object->pins++;
    if (object->is_linked) {
        use_list_remove(cache, object);
        use_list_push(cache, object);
    }
}

static const TarnManifestReadOptions EVERYTHING = {0};

/* Hands out `object` or an equal one that came first. `wanted`: not for lists. */
static TarnCacheObject *insert_object(TarnManifestCache *cache, TarnCacheObject *object,
                                      const TarnManifestReadOptions *wanted) {
    if (cache == NULL) {
        object->pins = 1;
        return object;
    }
    pthread_mutex_lock(&cache->mutex);
    TarnCacheObject *known = find_object(cache, object->hash, tarn_base_text(object->path),
                                         object->is_list);
    if (known != NULL && (object->is_list || covers(&known->metrics, wanted))) {
        tarn_table__cache_object_free(object);
        object = known;
        pin_object(cache, object);
    } else {
        if (known != NULL) unlink_object(cache, known);
        object->cache = cache;
        object->pins = 1; /* before linking, which may evict */
        link_object(cache, object);
    }
    pthread_mutex_unlock(&cache->mutex);
    return object;
}

static void release_object(TarnCacheObject *object) {
    TarnManifestCache *cache = object->cache;
    if (cache == NULL) {
        tarn_table__cache_object_free(object);
        return;
    }
    pthread_mutex_lock(&cache->mutex);
    object->pins--;
    if (object->pins == 0 && !object->is_linked) tarn_table__cache_object_free(object);
    pthread_mutex_unlock(&cache->mutex);
}

/* *found: pinned, or NULL; `merged` is then what to read. False: no memory. */
static bool look_up(TarnManifestCache *cache, uint64_t hash, TarnText path,
                    const TarnManifestReadOptions *wanted, TarnCacheObject **found, int32_t **ids,
                    TarnManifestReadOptions *merged) {
    bool done = true;
    *found = NULL;
    pthread_mutex_lock(&cache->mutex);
    TarnCacheObject *known = find_object(cache, hash, path, false);
    if (known != NULL && covers(&known->metrics, wanted)) {
        pin_object(cache, known);
        cache->hits++;
        *found = known;
    } else {
        cache->misses++;
        if (known != NULL && known->metrics.count > 0) {
            size_t room = known->metrics.count + wanted->field_id_count;
            *ids = calloc(room, sizeof(int32_t));
            done = *ids != NULL;
            if (done) merge_sets(&known->metrics, wanted, *ids, merged);
        }
    }
    pthread_mutex_unlock(&cache->mutex);
    return done;
}

const TarnManifestPin *tarn_table__manifest_find(TarnManifestCache *cache,
                                                 const TarnManifestFile *file,
                                                 const TarnManifestReadOptions *options) {
    if (cache == NULL) return NULL;
    pthread_mutex_lock(&cache->mutex);
    uint64_t hash = tarn_table__path_hash(file->path);
    TarnCacheObject *known = find_object(cache, hash, file->path, false);
    bool found = known != NULL && covers(&known->metrics, options);
    if (found) {
        pin_object(cache, known);
        cache->hits++;
    }
    pthread_mutex_unlock(&cache->mutex);
    return found ? &known->manifest_pin : NULL;
}

static bool out_of_memory(TarnError *error) {
    return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory for a manifest");
}

bool tarn_table_manifest_acquire(TarnManifestCache *cache, TarnStore *store,
                                 const TarnManifestFile *file, const TarnTableMetadata *table,
                                 const TarnManifestReadOptions *options,
                                 const TarnManifestPin **pin, TarnError *error) {
    const TarnManifestReadOptions *wanted = options != NULL ? options : &EVERYTHING;
    TarnManifestReadOptions merged = *wanted;
    int32_t *ids = NULL;
    TarnCacheObject *object = NULL;
    if (cache != NULL) {
        uint64_t hash = tarn_table__path_hash(file->path);
        if (!look_up(cache, hash, file->path, wanted, &object, &ids, &merged)) {
            return out_of_memory(error);
        }
        if (object != NULL) {
            *pin = &object->manifest_pin;
            return true;
        }
    }
    object = calloc(1, sizeof(*object));
    bool done = object != NULL
                    ? tarn_table__cache_load_manifest(object, store, file, table, &merged, error)
                    : out_of_memory(error);
    free(ids);
    if (!done) {
        tarn_table__cache_object_free(object);
        return false;
    }
    *pin = &insert_object(cache, object, wanted)->manifest_pin;
    return true;
}

void tarn_table_manifest_release(const TarnManifestPin *pin) {
    if (pin != NULL) release_object(pin->object);
}

bool tarn_table_manifest_list_acquire(TarnManifestCache *cache, TarnStore *store, const char *path,
                                      const TarnManifestListPin **pin, TarnError *error) {
    TarnCacheObject *object = NULL;
    if (cache != NULL) {
        pthread_mutex_lock(&cache->mutex);
        object = find_object(cache, tarn_table__path_hash(tarn_base_text(path)),
                             tarn_base_text(path), true);
        if (object != NULL) {
            pin_object(cache, object);
            cache->hits++;
        } else {
            cache->misses++;
        }
        pthread_mutex_unlock(&cache->mutex);
    }
    if (object == NULL) {
        object = calloc(1, sizeof(*object));
        bool done = object != NULL ? tarn_table__cache_load_list(object, store, path, error)
                                   : out_of_memory(error);
        if (!done) {
            tarn_table__cache_object_free(object);
            return false;
        }
        object = insert_object(cache, object, &EVERYTHING);
    }
    *pin = &object->list_pin;
    return true;
}

void tarn_table_manifest_list_release(const TarnManifestListPin *pin) {
    if (pin != NULL) release_object(pin->object);
}
