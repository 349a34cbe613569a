/* The front of all stores: checks locations, hands on to the implementation, and keeps batches.
 *
 * Idea: what must hold for every implementation (nothing outside the root, a batch that failed once
 * never becomes durable, exclusive means exclusive) is decided here once, so that an
 * implementation only moves bytes.
 */
#include "store/store.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "store/folder_private.h"
#include "store/s3_private.h"

bool tarn_store_open(const TarnOs *os, const char *location, const TarnStoreOptions *options,
                     TarnStore **store, TarnError *error) {
    static const TarnStoreOptions defaults = {.sync = TARN_STORE_SYNC_FULL};
    *store = NULL;
    TarnText path;
    if (!tarn_store_resolve(tarn_base_text(location), &path, error)) return false;
    if (options == NULL) options = &defaults;
    return tarn_store_is_s3(path) ? tarn_store__s3_open(os, location, options, store, error)
                                  : tarn_store__folder_open(os, location, options, store, error);
}

void tarn_store_close(TarnStore *store) {
    if (store != NULL) store->class->close(store);
}

static bool check(const TarnStore *store, const char *location, TarnError *error) {
    return store->class->check(store, location, error);
}

bool tarn_store_get(TarnStore *store, const char *location, TarnStoreRange range, size_t limit,
                    TarnArena *arena, TarnText *content, TarnStoreObject *object,
                    TarnError *error) {
    TarnStoreObject ignored;
    *content = (TarnText){"", 0};
    if (object == NULL) object = &ignored;
    *object = (TarnStoreObject){.location = location};
    return check(store, location, error) &&
           store->class->get(store, location, range, limit, arena, content, object, error);
}

bool tarn_store_stat(TarnStore *store, const char *location, TarnStoreObject *object,
                     TarnError *error) {
    *object = (TarnStoreObject){.location = location};
    return check(store, location, error) &&
           store->class->stat(store, location, object, error);
}

/* The place in the batch is taken before the write, so that a write which was done cannot fail to
 * be remembered. */
static bool enter_batch(TarnStore *store, const char *location, TarnStoreBatch *batch,
                        TarnError *error) {
    if (batch == NULL) return true;
    if (batch->store != store) {
        return tarn_base_error_set(error, TARN_E_INTERNAL, "a batch of another store was given for "
                                   "\"%s\"", location);
    }
    return tarn_store_batch_add(batch, location, error);
}

static bool leave_batch(TarnStoreBatch *batch) {
    if (batch != NULL) batch->count--;
    return false;
}

static bool is_durable_alone(const TarnStore *store, const TarnStoreBatch *batch) {
    return batch == NULL && store->sync == TARN_STORE_SYNC_FULL;
}

bool tarn_store_put(TarnStore *store, const char *location, TarnText content, TarnStorePut how,
                    TarnStoreBatch *batch, TarnError *error) {
    return check(store, location, error) && enter_batch(store, location, batch, error) &&
           (store->class->put(store, location, content, how, is_durable_alone(store, batch),
                              error) ||
            leave_batch(batch));
}

bool tarn_store_put_file(TarnStore *store, const char *location, const char *local_file,
                         TarnStorePut how, TarnStoreBatch *batch, TarnError *error) {
    return check(store, location, error) && enter_batch(store, location, batch, error) &&
           (store->class->put_file(store, location, local_file, how,
                                   is_durable_alone(store, batch), error) ||
            leave_batch(batch));
}

bool tarn_store_delete(TarnStore *store, const char *location, bool *existed, TarnError *error) {
    if (existed != NULL) *existed = false;
    return check(store, location, error) &&
           store->class->remove(store, location, existed, error);
}

bool tarn_store_delete_many(TarnStore *store, const char *const *locations, size_t count,
                            bool *removed, TarnError *error) {
    for (size_t i = 0; removed != NULL && i < count; i++) removed[i] = false;
    for (size_t i = 0; i < count; i++) {
        if (!check(store, locations[i], error)) return false;
    }
    return count == 0 || store->class->remove_many(store, locations, count, removed, error);
}

bool tarn_store_list(TarnStore *store, const char *prefix, TarnStoreVisit visit, void *state,
                     TarnError *error) {
    return check(store, prefix, error) && store->class->list(store, prefix, visit, state, error);
}

bool tarn_store_contains(TarnStore *store, const char *location, TarnError *error) {
    return check(store, location, error) && store->class->contains(store, location, error);
}

bool tarn_store_prepare_directory(TarnStore *store, const char *directory, TarnError *error) {
    return check(store, directory, error) && store->class->prepare(store, directory, error);
}

bool tarn_store_local_path(TarnStore *store, const char *location, const char **path,
                           TarnError *error) {
    *path = NULL;
    if (!check(store, location, error)) return false;
    const char *local = store->class->local_path(store, location);
    if (strpbrk(local, "*?[") != NULL) {
        return tarn_base_error_set(error, TARN_E_LOCATION_REFUSED,
                                   "cannot open \"%s\": it has glob characters (* ? [), which the "
                                   "engine would expand", location);
    }
    *path = local;
    return true;
}

/* ---- batches ----------------------------------------------------------------------------- */

void tarn_store_batch_init(TarnStoreBatch *batch, TarnStore *store) {
    *batch = (TarnStoreBatch){.store = store};
    tarn_base_arena_init(&batch->arena, TARN_LIMIT_STORE_BATCH_BYTES);
}

void tarn_store_batch_dispose(TarnStoreBatch *batch) {
    tarn_base_arena_dispose(&batch->arena);
    *batch = (TarnStoreBatch){0};
}

bool tarn_store_batch_add(TarnStoreBatch *batch, const char *location, TarnError *error) {
    if (!check(batch->store, location, error)) return false;
    const char *copy = tarn_base_arena_string(&batch->arena, location);
    const char **item = copy != NULL ? TARN_PUSH(&batch->arena, batch) : NULL;
    if (item == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "no memory for one more file in a commit of %zu files",
                                   batch->count);
    }
    *item = copy;
    return true;
}

bool tarn_store_batch_sync(TarnStoreBatch *batch, TarnError *error) {
    if (batch->failed) {
        return tarn_base_error_set(error, TARN_E_IO, "the files of this commit could not be made "
                                   "durable before; write them anew");
    }
    TarnStore *store = batch->store;
    if (store->sync == TARN_STORE_SYNC_FULL && batch->count > 0) {
        batch->failed = TARN_FAULT("store.batch.before_sync", error) ||
                        !store->class->sync(store, batch->items, batch->count, error);
        if (batch->failed) return false;
    }
    tarn_base_arena_reset(&batch->arena);
    batch->items = NULL;
    batch->count = 0;
    batch->capacity = 0;
    return true;
}

/* ---- probe ------------------------------------------------------------------------------- */

#define PROBE_WRITERS 8

typedef struct Probe {
    TarnStore *store;
    const char *location;
    atomic_uint wins;
    atomic_size_t winner;
} Probe;

static bool probe_once(void *state, size_t index, TarnError *error) {
    Probe *probe = state;
    char content[PROBE_WRITERS];
    memset(content, 'a' + (int)index, sizeof(content));
    if (tarn_store_put(probe->store, probe->location, (TarnText){content, sizeof(content)},
                       TARN_STORE_IF_ABSENT, NULL, error)) {
        atomic_fetch_add(&probe->wins, 1);
        atomic_store(&probe->winner, index);
        return true;
    }
    return error->code == TARN_E_OBJECT_EXISTS;
}

static bool judge_probe(Probe *probe, TarnArena *arena, TarnError *error) {
    TarnText content;
    TarnStoreRange tail = {-3, UINT64_MAX};
    if (!tarn_store_get(probe->store, probe->location, tail, TARN_KIB, arena, &content, NULL,
                        error)) {
        return false;
    }
    char want = (char)('a' + (int)atomic_load(&probe->winner));
    if (atomic_load(&probe->wins) == 1 && content.size == 3 && content.data[0] == want) return true;
    tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                        "cannot keep a lake in \"%s\": of %d writers of one new file %u were told "
                        "that they made it", probe->store->root, PROBE_WRITERS,
                        atomic_load(&probe->wins));
    return tarn_base_error_hint(error, tarn_store_is_s3(tarn_base_text(probe->store->root))
                                           ? "use a store whose put honours If-None-Match: *"
                                           : "use a file system on which exclusive creation "
                                             "works");
}

bool tarn_store_probe(TarnStore *store, TarnError *error) {
    TarnArena arena;
    char uuid[TARN_OS_UUID_BYTES];
    if (!tarn_os_uuid4(store->os, uuid, error)) return false;
    tarn_base_arena_init(&arena, 64 * TARN_KIB);
    Probe probe = {.store = store};
    probe.location = tarn_base_arena_printf(&arena, "%s/.tarn-probe-%s", store->root, uuid);
    bool ok = tarn_base_arena_check(&arena, error);
    if (ok) {
        ok = tarn_os_parallel(PROBE_WRITERS, PROBE_WRITERS, probe_once, &probe, error) &&
             judge_probe(&probe, &arena, error);
        ok = tarn_store_delete(store, probe.location, NULL, ok ? error : NULL) && ok;
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}
