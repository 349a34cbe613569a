/* The layer: one wrapper per call, made by a macro as in fault_os.c. A connection keeps the hook
 * it was opened with, so that several of them can stand for several processes.
 */
#include "fault_vfs.h"

#include <sqlite3.h>

typedef struct LayerFile {
    sqlite3_file base;
    sqlite3_file *inner; /* right behind this struct */
    FaultHook hook;
    void *hook_state;
} LayerFile;

static sqlite3_vfs layer;
static sqlite3_vfs *inner_vfs;
static FaultHook current_hook;
static void *current_state;
static bool refuses_as_full;

static FaultVerdict ask(sqlite3_file *file, const char *name) {
    LayerFile *own = (LayerFile *)file;
    return own->hook != NULL ? own->hook(own->hook_state, name) : FAULT_PASS;
}

static sqlite3_file *inner_of(sqlite3_file *file) { return ((LayerFile *)file)->inner; }

#define WRAP(method, name, code, parameters, arguments)                                            \
    static int layer_##name parameters {                                                           \
        FaultVerdict verdict = ask(file, "sqlite_" #name);                                         \
        if (verdict == FAULT_REFUSE) return code;                                                  \
        file = inner_of(file);                                                                     \
        int result = file->pMethods->method arguments;                                             \
        return verdict == FAULT_LOSE_ANSWER && result == SQLITE_OK ? code : result;                \
    }

#define WRITE_CODE (refuses_as_full ? SQLITE_FULL : SQLITE_IOERR_WRITE)

WRAP(xRead, read, SQLITE_IOERR_READ,
     (sqlite3_file *file, void *data, int size, sqlite3_int64 offset), (file, data, size, offset))
WRAP(xWrite, write, WRITE_CODE,
     (sqlite3_file *file, const void *data, int size, sqlite3_int64 offset),
     (file, data, size, offset))
WRAP(xTruncate, truncate, SQLITE_IOERR_TRUNCATE, (sqlite3_file *file, sqlite3_int64 size),
     (file, size))
WRAP(xSync, sync, SQLITE_IOERR_FSYNC, (sqlite3_file *file, int flags), (file, flags))
WRAP(xFileSize, size, SQLITE_IOERR_FSTAT, (sqlite3_file *file, sqlite3_int64 *size), (file, size))
WRAP(xShmMap, shm_map, SQLITE_IOERR_SHMMAP,
     (sqlite3_file *file, int page, int size, int extend, void volatile **at),
     (file, page, size, extend, at))

/* A lock that was taken and then denied would stay: SQLite does not give back what it was not
 * given. So these fail before, or not at all. */
static int layer_lock(sqlite3_file *file, int level) {
    if (ask(file, "sqlite_lock") == FAULT_REFUSE) return SQLITE_IOERR_LOCK;
    return inner_of(file)->pMethods->xLock(inner_of(file), level);
}
static int layer_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    FaultVerdict verdict = ask(file, "sqlite_shm_lock");
    bool takes = (flags & SQLITE_SHM_LOCK) != 0;
    if (takes && verdict == FAULT_REFUSE) return SQLITE_IOERR_SHMLOCK;
    return inner_of(file)->pMethods->xShmLock(inner_of(file), offset, count, flags);
}

static int layer_close(sqlite3_file *file) {
    return inner_of(file)->pMethods->xClose(inner_of(file));
}
static int layer_unlock(sqlite3_file *file, int level) {
    return inner_of(file)->pMethods->xUnlock(inner_of(file), level);
}
static int layer_reserved(sqlite3_file *file, int *result) {
    return inner_of(file)->pMethods->xCheckReservedLock(inner_of(file), result);
}
static int layer_control(sqlite3_file *file, int operation, void *argument) {
    return inner_of(file)->pMethods->xFileControl(inner_of(file), operation, argument);
}
static int layer_sector(sqlite3_file *file) {
    return inner_of(file)->pMethods->xSectorSize(inner_of(file));
}
static int layer_traits(sqlite3_file *file) {
    return inner_of(file)->pMethods->xDeviceCharacteristics(inner_of(file));
}
static void layer_shm_barrier(sqlite3_file *file) {
    inner_of(file)->pMethods->xShmBarrier(inner_of(file));
}
static int layer_shm_unmap(sqlite3_file *file, int delete) {
    return inner_of(file)->pMethods->xShmUnmap(inner_of(file), delete);
}

static const sqlite3_io_methods layer_methods = {
    .iVersion = 2,
    .xClose = layer_close,
    .xRead = layer_read,
    .xWrite = layer_write,
    .xTruncate = layer_truncate,
    .xSync = layer_sync,
    .xFileSize = layer_size,
    .xLock = layer_lock,
    .xUnlock = layer_unlock,
    .xCheckReservedLock = layer_reserved,
    .xFileControl = layer_control,
    .xSectorSize = layer_sector,
    .xDeviceCharacteristics = layer_traits,
    .xShmMap = layer_shm_map,
    .xShmLock = layer_shm_lock,
    .xShmBarrier = layer_shm_barrier,
    .xShmUnmap = layer_shm_unmap,
};

/* ---- names: the process that is running asks, whichever connection it is for -------------- */

static FaultVerdict ask_current(const char *name) {
    return current_hook != NULL ? current_hook(current_state, name) : FAULT_PASS;
}

static int layer_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                      int *out_flags) {
    LayerFile *own = (LayerFile *)file;
    (void)vfs;
    *own = (LayerFile){.inner = (sqlite3_file *)(own + 1), .hook = current_hook,
                       .hook_state = current_state};
    if (ask_current("sqlite_open") == FAULT_REFUSE) return SQLITE_CANTOPEN;
    int result = inner_vfs->xOpen(inner_vfs, name, own->inner, flags, out_flags);
    if (own->inner->pMethods != NULL) own->base.pMethods = &layer_methods;
    return result;
}

static int layer_delete(sqlite3_vfs *vfs, const char *name, int sync_folder) {
    (void)vfs;
    FaultVerdict verdict = ask_current("sqlite_delete");
    if (verdict == FAULT_REFUSE) return SQLITE_IOERR_DELETE;
    int result = inner_vfs->xDelete(inner_vfs, name, sync_folder);
    return verdict == FAULT_LOSE_ANSWER ? SQLITE_IOERR_DELETE : result;
}

static int layer_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
    (void)vfs;
    if (ask_current("sqlite_access") != FAULT_PASS) return SQLITE_IOERR_ACCESS;
    return inner_vfs->xAccess(inner_vfs, name, flags, out);
}

void fault_vfs_use(FaultHook hook, void *state) {
    current_hook = hook;
    current_state = state;
}

void fault_vfs_full(bool full) { refuses_as_full = full; }

void fault_vfs_register(void) {
    inner_vfs = sqlite3_vfs_find(NULL);
    layer = *inner_vfs;
    layer.zName = "failing";
    layer.szOsFile = (int)sizeof(LayerFile) + inner_vfs->szOsFile;
    layer.xOpen = layer_open;
    layer.xDelete = layer_delete;
    layer.xAccess = layer_access;
    sqlite3_vfs_register(&layer, 1);
}
