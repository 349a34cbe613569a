/* The folder store: what its files share. */
#ifndef TARN_STORE_FOLDER_PRIVATE_H
#define TARN_STORE_FOLDER_PRIVATE_H

#include <pthread.h>

#include "store/store.h"

#define TARN_STORE_FOLDER_SLOTS 256

/* A folder whose names were all on the device when its mtime was this. */
typedef struct TarnStoreFolderSlot {
    uint64_t path_hash;
    uint64_t inode;
    int64_t mtime_ns;
} TarnStoreFolderSlot;

typedef struct TarnStoreFolder {
    TarnStore store;
    pthread_mutex_t lock; /* guards `slots` */
    TarnStoreFolderSlot slots[TARN_STORE_FOLDER_SLOTS];
} TarnStoreFolder;

/* NULL and the error set on failure. `root` as in TarnStore. */
bool tarn_store__folder_open(const TarnOs *os, const char *root, const TarnStoreOptions *options,
                             TarnStore **store, TarnError *error);

/* The path inside a location that was checked. */
const char *tarn_store__folder_path(const char *location);

/* folder_sync.c */
bool tarn_store__folder_sync(TarnStore *store, const char *const *locations, size_t count,
                             TarnError *error);
/* The folders from the object's own up to the root, without the object itself. */
bool tarn_store__folder_sync_names(TarnStore *store, const char *location, TarnError *error);

/* folder_list.c */
bool tarn_store__folder_list(TarnStore *store, const char *prefix, TarnStoreVisit visit,
                             void *state, TarnError *error);
void tarn_store__folder_describe(const TarnOsStat *stat, const char *location,
                                 TarnStoreObject *object);

#endif
