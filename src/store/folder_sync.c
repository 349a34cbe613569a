/* Making written files durable, many at once.
 *
 * Idea: the device works best on all of them together, so writing back is started for every file
 * before the first one is waited for; then each file is synced, then each folder once, from the
 * files' own up to the root (any of them may be new, made by us, by DuckDB or by another process
 * that has not synced it yet).
 *
 * A folder above costs a flush of the device even if nothing in it has changed, so a folder that
 * was synced at a certain mtime is not synced again while it still has that mtime. That is trusted
 * only if the mtime was some seconds old at the sync: within one tick of the file system's clock a
 * later change would not show.
 *
 * Files are opened again to be synced, since DuckDB has written and closed them. Linux reports an
 * error of writing back to the first sync through any descriptor.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"
#include "store/folder_private.h"

/* FAT keeps two seconds; everything else keeps milliseconds. */
#define SETTLED_NS ((int64_t)3 * 1000000000)

typedef struct SyncJob {
    TarnStoreFolder *folder;
    const TarnOs *os;
    TarnArena arena;
    TarnMap files;   /* path -> anything */
    TarnMap leaves;  /* folders that hold one of the files: always synced */
    TarnMap parents; /* folders above, up to the root: synced if changed */
} SyncJob;

static void init_job(SyncJob *job, TarnStore *store) {
    job->folder = (TarnStoreFolder *)store;
    job->os = store->os;
    tarn_base_arena_init(&job->arena, 2 * TARN_LIMIT_STORE_BATCH_BYTES);
    tarn_base_map_init(&job->files, &job->arena);
    tarn_base_map_init(&job->leaves, &job->arena);
    tarn_base_map_init(&job->parents, &job->arena);
}

static void put(TarnMap *map, const char *path) {
    tarn_base_map_put(map, tarn_base_text(path), (void *)(uintptr_t)1);
}

/* Without trailing and doubled slashes and "." segments, so that a folder is counted once. */
static char *clean_path(TarnArena *arena, const char *path) {
    char *out = tarn_base_arena_alloc(arena, strlen(path) + 2);
    if (out == NULL) return NULL;
    size_t size = 0;
    for (const char *at = path; *at != '\0';) {
        at += strspn(at, "/");
        size_t length = strcspn(at, "/");
        if (length > 0 && !(length == 1 && at[0] == '.')) {
            out[size++] = '/';
            memcpy(out + size, at, length);
            size += length;
        }
        at += length;
    }
    if (size == 0) out[size++] = '/';
    return out;
}

static bool add_folders(SyncJob *job, const char *path, TarnError *error) {
    const char *root = clean_path(&job->arena, tarn_store__folder_path(job->folder->store.root));
    char *current = clean_path(&job->arena, path);
    TarnMap *map = &job->leaves;
    while (root != NULL && current != NULL && strcmp(current, root) != 0) {
        TarnText parent = tarn_os_parent(current);
        current = tarn_base_text_string(&job->arena, parent);
        if (current == NULL || tarn_base_map_has(map, parent)) break; /* those above are in, too */
        put(map, current);
        map = &job->parents;
    }
    return tarn_base_arena_check(&job->arena, error);
}

static bool add_location(SyncJob *job, const char *location, TarnError *error) {
    const char *path = tarn_store__folder_path(location);
    put(&job->files, path);
    return add_folders(job, path, error);
}

typedef bool (*FileCall)(const TarnOs *os, TarnOsFile *file, TarnError *error);

static bool call_on_file(const TarnOs *os, const char *path, FileCall call, TarnError *error) {
    TarnOsFile *file;
    if (!os->file_open(os, path, TARN_OS_READ, &file, error)) return false;
    if (!call(os, file, error)) {
        tarn_os_file_discard(os, file);
        return false;
    }
    return os->file_close(os, file, error);
}

static bool sync_files(SyncJob *job, TarnError *error) {
    const TarnMap *files = &job->files;
    for (size_t i = 0; files->count > 1 && i < files->count; i++) {
        if (!call_on_file(job->os, files->items[i].key.data, job->os->file_writeback, error)) {
            return false;
        }
    }
    for (size_t i = 0; i < files->count; i++) {
        if (!call_on_file(job->os, files->items[i].key.data, job->os->file_sync, error)) {
            return false;
        }
    }
    return true;
}

static TarnStoreFolderSlot *find_slot(TarnStoreFolder *folder, uint64_t hash) {
    return &folder->slots[hash % TARN_STORE_FOLDER_SLOTS];
}

static bool is_known_durable(TarnStoreFolder *folder, uint64_t hash, const TarnOsStat *stat) {
    pthread_mutex_lock(&folder->lock);
    const TarnStoreFolderSlot *slot = find_slot(folder, hash);
    bool known = slot->path_hash == hash && slot->inode == stat->inode &&
                 slot->mtime_ns == stat->mtime_ns;
    pthread_mutex_unlock(&folder->lock);
    return known;
}

static void remember_durable(TarnStoreFolder *folder, uint64_t hash, const TarnOsStat *stat,
                             int64_t now_ns) {
    pthread_mutex_lock(&folder->lock);
    if (now_ns - stat->mtime_ns > SETTLED_NS) {
        *find_slot(folder, hash) = (TarnStoreFolderSlot){hash, stat->inode, stat->mtime_ns};
    }
    pthread_mutex_unlock(&folder->lock);
}

static bool sync_parent(SyncJob *job, const char *path, TarnError *error) {
    TarnOsStat stat;
    uint64_t hash = tarn_base_hash64(path, strlen(path), 0);
    int64_t now_ns = job->os->clock_us(job->os) * 1000;
    if (!job->os->stat(job->os, path, true, &stat, error)) return false;
    if (is_known_durable(job->folder, hash, &stat)) return true;
    if (!job->os->directory_sync(job->os, path, error)) return false;
    remember_durable(job->folder, hash, &stat, now_ns);
    return true;
}

static bool sync_folders(SyncJob *job, TarnError *error) {
    const TarnMap *leaves = &job->leaves;
    for (size_t i = 0; i < leaves->count; i++) {
        if (!job->os->directory_sync(job->os, leaves->items[i].key.data, error)) return false;
    }
    const TarnMap *parents = &job->parents;
    for (size_t i = 0; i < parents->count; i++) {
        if (tarn_base_map_has(leaves, parents->items[i].key)) continue;
        if (!sync_parent(job, parents->items[i].key.data, error)) return false;
    }
    return true;
}

bool tarn_store__folder_sync(TarnStore *store, const char *const *locations, size_t count,
                             TarnError *error) {
    SyncJob job;
    init_job(&job, store);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) ok = add_location(&job, locations[i], error);
    ok = ok && sync_files(&job, error) && sync_folders(&job, error);
    tarn_base_arena_dispose(&job.arena);
    return ok;
}

bool tarn_store__folder_sync_names(TarnStore *store, const char *location, TarnError *error) {
    SyncJob job;
    init_job(&job, store);
    bool ok = add_folders(&job, tarn_store__folder_path(location), error) &&
              sync_folders(&job, error);
    tarn_base_arena_dispose(&job.arena);
    return ok;
}
