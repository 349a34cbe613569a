/* A store in a folder: objects are files, exclusive writing is a draft that gets its name by a hard
 * link.
 *
 * Missing folders are made only when a write has failed for want of them, so that the usual write
 * costs no look at the path. Durability is in folder_sync.c, listing in folder_list.c.
 */
#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "store/folder_private.h"

#define COPY_BYTES ((size_t)1024 * 1024)

const char *tarn_store__folder_path(const char *location) {
    TarnText path;
    return tarn_store_resolve(tarn_base_text(location), &path, NULL) ? path.data : location;
}

static bool folder_check(const TarnStore *store, const char *location, TarnError *error) {
    TarnText path;
    if (!tarn_store_resolve(tarn_base_text(location), &path, error)) return false;
    if (tarn_store_inside(tarn_base_text(store->root), path)) return true;
    return tarn_base_error_set(error, TARN_E_LOCATION_REFUSED,
                               "cannot use \"%s\": it lies outside \"%s\"", location, store->root);
}

/* ---- reading ----------------------------------------------------------------------------- */

static void place_range(TarnStoreRange range, uint64_t object_size, uint64_t *start,
                        uint64_t *size) {
    uint64_t back = range.offset < 0 ? 0 - (uint64_t)range.offset : 0;
    if (range.offset >= 0) {
        *start = (uint64_t)range.offset < object_size ? (uint64_t)range.offset : object_size;
    } else {
        *start = back < object_size ? object_size - back : 0;
    }
    *size = object_size - *start < range.size ? object_size - *start : range.size;
}

static bool read_range(TarnStore *store, TarnOsFile *file, TarnStoreRange range, size_t limit,
                       TarnArena *arena, TarnText *content, TarnStoreObject *object,
                       TarnError *error) {
    TarnOsStat stat;
    uint64_t start;
    uint64_t size;
    if (!store->os->file_stat(store->os, file, &stat, error)) return false;
    tarn_store__folder_describe(&stat, object->location, object);
    place_range(range, stat.size, &start, &size);
    if (size > limit) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "cannot read \"%s\": %llu bytes, the limit is %zu",
                                   object->location, (unsigned long long)size, limit);
    }
    char *data = tarn_base_arena_alloc(arena, (size_t)size + 1);
    if (data == NULL) return tarn_base_arena_check(arena, error);
    if (!tarn_os_file_read_exact(store->os, file, start, data, (size_t)size, error)) {
        return tarn_base_error_context(error, "reading \"%s\"", object->location);
    }
    *content = (TarnText){data, (size_t)size};
    return true;
}

static bool folder_get(TarnStore *store, const char *location, TarnStoreRange range, size_t limit,
                       TarnArena *arena, TarnText *content, TarnStoreObject *object,
                       TarnError *error) {
    TarnOsFile *file;
    const char *path = tarn_store__folder_path(location);
    if (!store->os->file_open(store->os, path, TARN_OS_READ, &file, error)) return false;
    bool ok = read_range(store, file, range, limit, arena, content, object, error);
    tarn_os_file_discard(store->os, file);
    return ok;
}

static bool folder_stat(TarnStore *store, const char *location, TarnStoreObject *object,
                        TarnError *error) {
    TarnOsStat stat;
    const char *path = tarn_store__folder_path(location);
    if (!store->os->stat(store->os, path, true, &stat, error)) return false;
    if (stat.kind == TARN_OS_FILE) tarn_store__folder_describe(&stat, location, object);
    return true;
}

/* ---- writing ----------------------------------------------------------------------------- */

/* Where the bytes come from: memory, or a file if it is not NULL. */
typedef struct PutSource {
    TarnText content;
    TarnOsFile *file;
    const char *path;
} PutSource;

static bool make_parent(TarnStore *store, const char *path, TarnError *error) {
    TarnText parent = tarn_os_parent(path);
    char *copy = strndup(parent.data, parent.size);
    if (copy == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory");
    bool ok = tarn_os_directory_create_all(store->os, copy, false, error);
    free(copy);
    return ok;
}

static bool begin_draft(TarnStore *store, const char *path, TarnStorePut how, TarnOsDraft *draft,
                        TarnError *error) {
    bool replace = how == TARN_STORE_REPLACE;
    TarnError reason;
    tarn_base_error_clear(&reason);
    if (tarn_os_draft_begin(store->os, path, replace, draft, &reason)) return true;
    if (reason.code != TARN_E_OBJECT_NOT_FOUND) {
        if (error != NULL) *error = reason;
        return false;
    }
    return make_parent(store, path, error) &&
           tarn_os_draft_begin(store->os, path, replace, draft, error);
}

static bool copy_file(TarnStore *store, const PutSource *source, TarnOsDraft *draft,
                      TarnError *error) {
    char *buffer = malloc(COPY_BYTES);
    if (buffer == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory to copy \"%s\"",
                                   source->path);
    }
    uint64_t offset = 0;
    size_t got = 1;
    bool ok = true;
    while (ok && got > 0) {
        ok = tarn_os_interrupt_check(error) &&
             store->os->file_read(store->os, source->file, offset, buffer, COPY_BYTES, &got,
                                  error) &&
             tarn_os_draft_write(draft, buffer, got, error);
        offset += got;
    }
    free(buffer);
    return ok;
}

static bool fill_draft(TarnStore *store, const PutSource *source, bool durable,
                       TarnOsDraft *draft, TarnError *error) {
    bool ok = source->file != NULL
                  ? copy_file(store, source, draft, error)
                  : tarn_os_draft_write(draft, source->content.data, source->content.size, error);
    return ok && !TARN_FAULT("store.put.after_write", error) &&
           (!durable || tarn_os_draft_sync(draft, error)) &&
           !TARN_FAULT("store.put.before_link", error);
}

/* The object has its name, but the name is not durable: nobody refers to a new object yet, so it
 * goes; an old one that was replaced cannot come back. */
static bool undo_put(TarnStore *store, const char *path, TarnStorePut how, TarnError *error) {
    if (how == TARN_STORE_IF_ABSENT) {
        store->os->unlink(store->os, path, NULL, NULL);
    } else if (error != NULL) {
        error->outcome_unknown = true;
    }
    return false;
}

static bool write_object(TarnStore *store, const char *location, const PutSource *source,
                         TarnStorePut how, bool durable, TarnError *error) {
    const char *path = tarn_store__folder_path(location);
    TarnOsStat stat;
    if (how == TARN_STORE_IF_ABSENT) { /* do not write much to learn that it is in vain */
        if (!store->os->stat(store->os, path, false, &stat, error)) return false;
        if (stat.kind != TARN_OS_ABSENT) {
            return tarn_base_error_set(error, TARN_E_OBJECT_EXISTS, "\"%s\" exists already",
                                       location);
        }
    }
    TarnOsDraft draft;
    if (!begin_draft(store, path, how, &draft, error)) return false;
    if (!fill_draft(store, source, durable, &draft, error)) {
        tarn_os_draft_abort(&draft);
        return false;
    }
    if (!tarn_os_draft_publish(&draft, error)) return false;
    return !durable || tarn_store__folder_sync_names(store, location, error) ||
           undo_put(store, path, how, error);
}

static bool folder_put(TarnStore *store, const char *location, TarnText content, TarnStorePut how,
                       bool durable, TarnError *error) {
    PutSource source = {.content = content};
    return write_object(store, location, &source, how, durable, error);
}

static bool folder_put_file(TarnStore *store, const char *location, const char *local_file,
                            TarnStorePut how, bool durable, TarnError *error) {
    PutSource source = {.path = local_file};
    if (!store->os->file_open(store->os, local_file, TARN_OS_READ, &source.file, error)) {
        return false;
    }
    bool ok = write_object(store, location, &source, how, durable, error);
    tarn_os_file_discard(store->os, source.file);
    return ok;
}

static bool folder_remove(TarnStore *store, const char *location, bool *existed,
                          TarnError *error) {
    return store->os->unlink(store->os, tarn_store__folder_path(location), existed, error);
}

static bool folder_remove_many(TarnStore *store, const char *const *locations, size_t count,
                               bool *removed, TarnError *error) {
    for (size_t i = 0; i < count; i++) {
        if (!folder_remove(store, locations[i], removed != NULL ? &removed[i] : NULL, error) ||
            TARN_FAULT("store.folder.after_remove", error)) {
            return false;
        }
    }
    return true;
}

static bool folder_prepare(TarnStore *store, const char *directory, TarnError *error) {
    return tarn_os_directory_create_all(store->os, tarn_store__folder_path(directory), false,
                                        error);
}

static const char *folder_local_path(TarnStore *store, const char *location) {
    (void)store;
    return tarn_store__folder_path(location);
}

/* ---- links out of the root --------------------------------------------------------------- */

/* The real path of `path`, or of the nearest folder above it that exists. */
static bool find_real_path(const TarnOs *os, const char *path, TarnArena *arena, const char **real,
                           TarnError *error) {
    for (;;) {
        TarnOsStat stat;
        if (!os->stat(os, path, false, &stat, error)) return false;
        /* A dangling link is there and must be followed: what it names may come later. */
        if (stat.kind != TARN_OS_ABSENT) return os->real_path(os, path, arena, real, error);
        TarnText parent = tarn_os_parent(path);
        path = tarn_base_text_string(arena, parent);
        if (path == NULL) return tarn_base_arena_check(arena, error);
    }
}

static bool folder_contains(TarnStore *store, const char *location, TarnError *error) {
    TarnArena arena;
    const char *root;
    const char *real;
    tarn_base_arena_init(&arena, TARN_MIB);
    bool ok = store->os->real_path(store->os, tarn_store__folder_path(store->root), &arena, &root,
                                   error) &&
              find_real_path(store->os, tarn_store__folder_path(location), &arena, &real, error);
    if (ok && !tarn_store_inside(tarn_base_text(root), tarn_base_text(real))) {
        ok = tarn_base_error_set(error, TARN_E_LOCATION_REFUSED,
                                 "cannot use \"%s\": through a symbolic link it leads to \"%s\", "
                                 "outside \"%s\"", location, real, root);
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

/* ---- opening ----------------------------------------------------------------------------- */

static void folder_close(TarnStore *store) {
    TarnStoreFolder *folder = (TarnStoreFolder *)store;
    pthread_mutex_destroy(&folder->lock);
    free(folder);
}

static const TarnStoreClass folder_class = {
    .name = "folder",
    .close = folder_close,
    .check = folder_check,
    .get = folder_get,
    .stat = folder_stat,
    .put = folder_put,
    .put_file = folder_put_file,
    .remove = folder_remove,
    .remove_many = folder_remove_many,
    .list = tarn_store__folder_list,
    .contains = folder_contains,
    .prepare = folder_prepare,
    .sync = tarn_store__folder_sync,
    .local_path = folder_local_path,
};

static bool check_root(const TarnOs *os, const char *root, const TarnStoreOptions *options,
                       TarnError *error) {
    const char *path = tarn_store__folder_path(root);
    TarnOsStat stat;
    if (options->create_root) {
        return tarn_os_directory_create_all(os, path, options->sync == TARN_STORE_SYNC_FULL, error);
    }
    if (!os->stat(os, path, true, &stat, error)) return false;
    if (stat.kind == TARN_OS_DIRECTORY) return true;
    return tarn_base_error_set(error, TARN_E_OBJECT_NOT_FOUND, "the store's folder \"%s\" %s", root,
                               stat.kind == TARN_OS_ABSENT ? "does not exist" : "is not a folder");
}

bool tarn_store__folder_open(const TarnOs *os, const char *root, const TarnStoreOptions *options,
                             TarnStore **store, TarnError *error) {
    size_t size = strlen(root);
    TarnStoreFolder *folder = calloc(1, sizeof(TarnStoreFolder) + size + 1);
    if (folder == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for a store");
    }
    char *copy = (char *)(folder + 1);
    memcpy(copy, root, size);
    const char *path = tarn_store__folder_path(copy);
    while (size > 0 && copy[size - 1] == '/' && copy + size - 1 > path) copy[--size] = '\0';
    folder->store = (TarnStore){
        .class = &folder_class, .os = os, .root = copy, .sync = options->sync};
    if (!check_root(os, copy, options, error)) {
        free(folder);
        return false;
    }
    pthread_mutex_init(&folder->lock, NULL);
    *store = &folder->store;
    return true;
}
