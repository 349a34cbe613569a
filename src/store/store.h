/* Objects: whole files of bytes under one root, read by range, written once, never edited.
 *
 * A store is opened on a location, its root, and reaches nothing outside it. Two implementations
 * behind one table of functions: a folder, and S3 (store/s3.h). No handle stays open between
 * calls, reads are ranged, writes are whole.
 *
 * Locations are opaque absolute text as Iceberg metadata holds them: "/lake/t/data/a.parquet",
 * "file:///lake/..", "file:/lake/..", "s3://bucket/lake/.." (s3a, s3n). They are never
 * percent-decoded, and never rewritten: the bytes that go into metadata are the bytes that open
 * the object. Every function takes any of the forms. Refused with TARN_E_LOCATION_INVALID:
 * relative ones, a ".." segment, a NUL, other schemes, on S3 also "." segments and control
 * characters; with TARN_E_LOCATION_REFUSED: outside the root. This check is by text and costs
 * nothing; tarn_store_contains() also looks through symbolic links.
 *
 * On S3 a name is the object's bytes: "a//b" and "a/b" are two objects. Writes there are durable
 * when they return. Codes of S3 beside those below: TARN_E_DENIED_BY_STORE, TARN_E_UNAVAILABLE,
 * TARN_E_TIMEOUT. error->outcome_unknown: an object may be there although its write failed.
 *
 * Durability: a write given a batch is durable once tarn_store_batch_sync() has returned true;
 * given NULL, when the write returns. With TARN_STORE_SYNC_CATALOG nothing is synced at all.
 *
 *   tarn_store_batch_init(&batch, store);
 *   tarn_store_put(store, location, bytes, TARN_STORE_IF_ABSENT, &batch, error)
 *   tarn_store_batch_add(&batch, location, error)        a file that DuckDB wrote
 *   tarn_store_batch_sync(&batch, error)                 before the catalog points at any of them
 *   tarn_store_batch_dispose(&batch);
 *
 * Threads: a store may be shared by threads; a batch belongs to one at a time.
 */
#ifndef TARN_STORE_STORE_H
#define TARN_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "os/os.h"

typedef struct TarnStore TarnStore;

typedef enum TarnStoreSync {
    TARN_STORE_SYNC_FULL,   /* what a commit refers to survives a power cut */
    TARN_STORE_SYNC_CATALOG /* only the metadata database syncs: as other lakehouse writers do */
} TarnStoreSync;

typedef struct TarnStoreOptions {
    TarnStoreSync sync;
    bool create_root; /* make the root folder if it is missing */
    const struct TarnStoreS3Options *s3; /* store/s3.h; NULL = all is looked up; copied */
} TarnStoreOptions;

#define TARN_STORE_ETAG_BYTES 72

typedef struct TarnStoreObject {
    const char *location; /* list: valid during the callback; else what the caller passed */
    bool exists;
    uint64_t size;
    int64_t mtime_us;
    char etag[TARN_STORE_ETAG_BYTES]; /* differs when the content may differ; "" if not known */
} TarnStoreObject;

/* Which bytes: from `offset`, or the last -offset bytes if it is negative (an object that is
 * shorter is read whole); at most `size` bytes, UINT64_MAX = to the end. */
typedef struct TarnStoreRange {
    int64_t offset;
    uint64_t size;
} TarnStoreRange;
#define TARN_STORE_WHOLE ((TarnStoreRange){0, UINT64_MAX})

typedef enum TarnStorePut {
    TARN_STORE_IF_ABSENT, /* exactly one of all writers wins; the others: TARN_E_OBJECT_EXISTS */
    TARN_STORE_REPLACE    /* readers see the old or the new content, never a mixture */
} TarnStorePut;

/* Paths whose writes become durable together: first the system is asked to start writing all of
 * them, then each file is synced, then each directory once, up to the store's root. */
typedef struct TarnStoreBatch {
    TarnStore *store;
    TarnArena arena;
    const char **items; /* locations, in the order added */
    size_t count;
    size_t capacity;
    bool failed; /* a sync failed: the batch can never be called durable */
} TarnStoreBatch;

/* Return false with the error set to stop the listing. */
typedef bool (*TarnStoreVisit)(void *state, const TarnStoreObject *object, TarnError *error);

/* What an implementation fills; callers use the functions below, which pass on only locations
 * that `check` has accepted. */
typedef struct TarnStoreClass {
    const char *name; /* "folder" */
    void (*close)(TarnStore *store);
    bool (*check)(const TarnStore *store, const char *location, TarnError *error);
    bool (*get)(TarnStore *store, const char *location, TarnStoreRange range, size_t limit,
                TarnArena *arena, TarnText *content, TarnStoreObject *object, TarnError *error);
    bool (*stat)(TarnStore *store, const char *location, TarnStoreObject *object,
                 TarnError *error);
    bool (*put)(TarnStore *store, const char *location, TarnText content, TarnStorePut how,
                bool durable, TarnError *error);
    bool (*put_file)(TarnStore *store, const char *location, const char *local_file,
                     TarnStorePut how, bool durable, TarnError *error);
    bool (*remove)(TarnStore *store, const char *location, bool *existed, TarnError *error);
    bool (*remove_many)(TarnStore *store, const char *const *locations, size_t count,
                        bool *removed, TarnError *error);
    bool (*list)(TarnStore *store, const char *prefix, TarnStoreVisit visit, void *state,
                 TarnError *error);
    bool (*contains)(TarnStore *store, const char *location, TarnError *error);
    bool (*prepare)(TarnStore *store, const char *directory, TarnError *error);
    bool (*sync)(TarnStore *store, const char *const *locations, size_t count, TarnError *error);
    const char *(*local_path)(TarnStore *store, const char *location);
} TarnStoreClass;

struct TarnStore {
    const TarnStoreClass *class;
    const TarnOs *os;
    const char *root; /* as given, without trailing slashes */
    TarnStoreSync sync;
};

/* Chooses the implementation by the scheme of `location`. `os` must outlive the store. A root
 * that is missing is TARN_E_OBJECT_NOT_FOUND unless options->create_root. */
bool tarn_store_open(const TarnOs *os, const char *location, const TarnStoreOptions *options,
                     TarnStore **store, TarnError *error) TARN_CHECKED;
void tarn_store_close(TarnStore *store); /* NULL is fine */

/* Reads a range. *content is zero-terminated one past its size and lives in the arena; more than
 * `limit` bytes is TARN_E_LIMIT_EXCEEDED; a start beyond the end reads nothing. `object` (may be
 * NULL) describes the object the bytes came from. Missing: TARN_E_OBJECT_NOT_FOUND. */
bool tarn_store_get(TarnStore *store, const char *location, TarnStoreRange range, size_t limit,
                    TarnArena *arena, TarnText *content, TarnStoreObject *object,
                    TarnError *error) TARN_CHECKED;
/* A missing object is no error: object->exists is false. */
bool tarn_store_stat(TarnStore *store, const char *location, TarnStoreObject *object,
                     TarnError *error) TARN_CHECKED;
/* Writes a whole object; missing folders are made. After a failure nothing is left, neither
 * under the name nor beside it; only where an old object was replaced and the new name could not
 * be made durable, error->outcome_unknown tells that either may be found. */
bool tarn_store_put(TarnStore *store, const char *location, TarnText content, TarnStorePut how,
                    TarnStoreBatch *batch, TarnError *error) TARN_CHECKED;
/* The same with the content of a regular file of this machine, any path, in bounded memory. */
bool tarn_store_put_file(TarnStore *store, const char *location, const char *local_file,
                         TarnStorePut how, TarnStoreBatch *batch, TarnError *error) TARN_CHECKED;
/* Missing is fine; *existed may be NULL. Folders stay. */
bool tarn_store_delete(TarnStore *store, const char *location, bool *existed,
                       TarnError *error) TARN_CHECKED;
/* All of them, in as few requests as the store allows; missing ones are fine. After a failure some
 * may be gone. `removed` (may be NULL) has `count` values, set also after a failure: true = it was
 * there and is gone. S3 does not tell whether there was anything: true = it did not refuse. */
bool tarn_store_delete_many(TarnStore *store, const char *const *locations, size_t count,
                            bool *removed, TarnError *error) TARN_CHECKED;
/* Every object below the folder `prefix` (a trailing slash makes no difference), in byte order
 * of the location; a missing folder has none. Memory: the names of one folder per level. Symbolic
 * links and devices are no objects. Objects that come or go meanwhile may or may not be seen. */
bool tarn_store_list(TarnStore *store, const char *prefix, TarnStoreVisit visit, void *state,
                     TarnError *error) TARN_CHECKED;
/* TARN_E_LOCATION_REFUSED if the object, through whatever symbolic links, lies outside the root.
 * For locations out of metadata that this lake did not write itself. */
bool tarn_store_contains(TarnStore *store, const char *location, TarnError *error) TARN_CHECKED;
/* Makes a folder for others to write into (DuckDB's COPY); nothing to do on an object store. */
bool tarn_store_prepare_directory(TarnStore *store, const char *directory,
                                  TarnError *error) TARN_CHECKED;
/* The path that DuckDB may open for this location, a part of `location` itself. Refuses glob
 * characters (* ? [), since DuckDB would open whatever they match instead. */
bool tarn_store_local_path(TarnStore *store, const char *location, const char **path,
                           TarnError *error) TARN_CHECKED;
/* Proves that exclusive writing is exclusive here: a race of several threads for one name, which
 * exactly one must win. Leaves nothing. For init and doctor. */
bool tarn_store_probe(TarnStore *store, TarnError *error) TARN_CHECKED;

/* Files that were being written when a process died, where the file system cannot hide them
 * until they are complete. A sweeper may delete them when they are old. */
bool tarn_store_is_temporary(const char *location);

void tarn_store_batch_init(TarnStoreBatch *batch, TarnStore *store);
void tarn_store_batch_dispose(TarnStoreBatch *batch);
bool tarn_store_batch_add(TarnStoreBatch *batch, const char *location,
                          TarnError *error) TARN_CHECKED;
/* On success the batch is empty again. After a failure each later call fails too, since the
 * system may have dropped what it could not write: write new objects in a new batch. */
bool tarn_store_batch_sync(TarnStoreBatch *batch, TarnError *error) TARN_CHECKED;

/* ---- locations (store/location.c): pure text --------------------------------------------- */

/* Checks a location and gives what opens it, a part of `location` itself: its path on this machine,
 * or all of it on S3. */
bool tarn_store_resolve(TarnText location, TarnText *path, TarnError *error) TARN_CHECKED;
/* Both valid; true if `location` is `prefix` or below it, whatever their forms. "/a/bc" is not
 * inside "/a/b". In paths doubled slashes and "." segments do not matter; on S3 they do. */
bool tarn_store_inside(TarnText prefix, TarnText location);

#endif
