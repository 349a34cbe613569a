/* The VFS: bytes in fake_os, locks and shared memory in nodes here, one a file.
 *
 * Source: sqlite.org, "SQLite File Locking And Concurrency", "WAL-mode File Format" (2.3, locks),
 * and the comments of sqlite3.h at sqlite3_vfs and sqlite3_io_methods. The first connection of a
 * write-ahead log finds empty shared memory and recovers the log, as after a start of the machine;
 * a log or journal that was made is given its name durably with its first sync, as on Unix.
 */
#include "fake_vfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NODES 64
#define MAX_REGIONS 16
#define PATH_BYTES 512

typedef struct FakeFile FakeFile;

/* What the connections to one file share. */
typedef struct Node {
    FakeOs *disk;
    size_t inode;
    int references;
    int shared; /* holders of SHARED and more */
    FakeFile *reserved;
    FakeFile *pending;
    int shm_references;
    char *regions[MAX_REGIONS];
    int shm_shared[SQLITE_SHM_NLOCK];
    FakeFile *shm_exclusive[SQLITE_SHM_NLOCK];
} Node;

struct FakeFile {
    sqlite3_file base;
    Node *node;
    char folder[PATH_BYTES];
    bool name_is_volatile; /* a log or journal that was not synced through this connection */
    int level;             /* SQLITE_LOCK_... */
    bool has_shm;
    unsigned shm_shared; /* bits of the locks held */
    unsigned shm_exclusive;
};

static sqlite3_vfs vfs;
static FakeOs *mounted;
static Node nodes[MAX_NODES];

static Node *enter_node(FakeOs *disk, size_t inode) {
    Node *free_node = NULL;
    for (size_t i = 0; i < MAX_NODES; i++) {
        Node *node = &nodes[i];
        if (node->references == 0 && free_node == NULL) free_node = node;
        if (node->references == 0 || node->disk != disk || node->inode != inode) continue;
        node->references++;
        return node;
    }
    if (free_node == NULL) abort();
    *free_node = (Node){.disk = disk, .inode = inode, .references = 1};
    return free_node;
}

/* ---- bytes ------------------------------------------------------------------------------- */

static int fake_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset) {
    Node *node = ((FakeFile *)file)->node;
    size_t got = fake_os_file_get(node->disk, node->inode, (uint64_t)offset, data, (size_t)size);
    if (got == (size_t)size) return SQLITE_OK;
    memset((char *)data + got, 0, (size_t)size - got);
    return SQLITE_IOERR_SHORT_READ;
}

static int fake_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset) {
    Node *node = ((FakeFile *)file)->node;
    return fake_os_file_put(node->disk, node->inode, (uint64_t)offset, data, (size_t)size)
               ? SQLITE_OK
               : SQLITE_FULL;
}

static int fake_truncate(sqlite3_file *file, sqlite3_int64 size) {
    Node *node = ((FakeFile *)file)->node;
    fake_os_file_cut(node->disk, node->inode, (uint64_t)size);
    return SQLITE_OK;
}

static int fake_sync(sqlite3_file *file, int flags) {
    FakeFile *own = (FakeFile *)file;
    (void)flags;
    if (!fake_os_file_flush(own->node->disk, own->node->inode)) return SQLITE_IOERR_FSYNC;
    if (own->name_is_volatile) {
        const TarnOs *os = fake_os(own->node->disk);
        if (!os->directory_sync(os, own->folder, NULL)) return SQLITE_IOERR_DIR_FSYNC;
        own->name_is_volatile = false;
    }
    return SQLITE_OK;
}

static int fake_size(sqlite3_file *file, sqlite3_int64 *size) {
    Node *node = ((FakeFile *)file)->node;
    *size = (sqlite3_int64)fake_os_file_size(node->disk, node->inode);
    return SQLITE_OK;
}

/* ---- locks of the database file ---------------------------------------------------------- */

static int fake_lock(sqlite3_file *file, int level) {
    FakeFile *own = (FakeFile *)file;
    Node *node = own->node;
    if (own->level >= level) return SQLITE_OK;
    bool other_pending = node->pending != NULL && node->pending != own;
    if (level == SQLITE_LOCK_SHARED) {
        if (other_pending) return SQLITE_BUSY;
        node->shared++;
        own->level = SQLITE_LOCK_SHARED;
        return SQLITE_OK;
    }
    if (other_pending || (node->reserved != NULL && node->reserved != own)) return SQLITE_BUSY;
    node->reserved = own;
    if (level == SQLITE_LOCK_RESERVED) {
        own->level = level;
        return SQLITE_OK;
    }
    node->pending = own;
    own->level = SQLITE_LOCK_PENDING;
    if (node->shared > 1) return SQLITE_BUSY;
    own->level = SQLITE_LOCK_EXCLUSIVE;
    return SQLITE_OK;
}

static int fake_unlock(sqlite3_file *file, int level) {
    FakeFile *own = (FakeFile *)file;
    Node *node = own->node;
    if (own->level <= level) return SQLITE_OK;
    if (node->reserved == own) node->reserved = NULL;
    if (node->pending == own) node->pending = NULL;
    if (level == SQLITE_LOCK_NONE) node->shared--;
    own->level = level;
    return SQLITE_OK;
}

static int fake_check_reserved(sqlite3_file *file, int *result) {
    *result = ((FakeFile *)file)->node->reserved != NULL;
    return SQLITE_OK;
}

static int fake_control(sqlite3_file *file, int operation, void *argument) {
    (void)file;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int fake_sector(sqlite3_file *file) {
    (void)file;
    return 4096;
}

static int fake_traits(sqlite3_file *file) {
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ---- the shared memory of the log -------------------------------------------------------- */

static int fake_shm_map(sqlite3_file *file, int region, int size, int extend,
                        void volatile **at) {
    FakeFile *own = (FakeFile *)file;
    Node *node = own->node;
    *at = NULL;
    if (!own->has_shm) {
        own->has_shm = true;
        node->shm_references++;
    }
    if (region >= MAX_REGIONS) return SQLITE_FULL;
    if (node->regions[region] == NULL && extend != 0) {
        node->regions[region] = calloc(1, (size_t)size);
        if (node->regions[region] == NULL) return SQLITE_NOMEM;
    }
    *at = node->regions[region];
    return SQLITE_OK;
}

static void shm_release(FakeFile *own, int lock) {
    Node *node = own->node;
    unsigned bit = 1u << lock;
    if ((own->shm_shared & bit) != 0) node->shm_shared[lock]--;
    if ((own->shm_exclusive & bit) != 0) node->shm_exclusive[lock] = NULL;
    own->shm_shared &= ~bit;
    own->shm_exclusive &= ~bit;
}

static bool shm_is_free(const FakeFile *own, int lock, bool exclusive) {
    const Node *node = own->node;
    if (node->shm_exclusive[lock] != NULL && node->shm_exclusive[lock] != own) return false;
    int mine = (own->shm_shared & (1u << lock)) != 0;
    return !exclusive || node->shm_shared[lock] == mine;
}

static int fake_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    FakeFile *own = (FakeFile *)file;
    bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    for (int i = offset; i < offset + count; i++) {
        if ((flags & SQLITE_SHM_UNLOCK) != 0) {
            shm_release(own, i);
        } else if (!shm_is_free(own, i, exclusive)) {
            return SQLITE_BUSY;
        }
    }
    for (int i = offset; (flags & SQLITE_SHM_LOCK) != 0 && i < offset + count; i++) {
        unsigned bit = 1u << i;
        if (exclusive && (own->shm_exclusive & bit) == 0) {
            own->node->shm_exclusive[i] = own;
            own->shm_exclusive |= bit;
        } else if (!exclusive && (own->shm_shared & bit) == 0) {
            own->node->shm_shared[i]++;
            own->shm_shared |= bit;
        }
    }
    return SQLITE_OK;
}

static void fake_shm_barrier(sqlite3_file *file) { (void)file; }

static int fake_shm_unmap(sqlite3_file *file, int delete) {
    FakeFile *own = (FakeFile *)file;
    Node *node = own->node;
    (void)delete;
    if (!own->has_shm) return SQLITE_OK;
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++) shm_release(own, i);
    own->has_shm = false;
    if (--node->shm_references > 0) return SQLITE_OK;
    for (int i = 0; i < MAX_REGIONS; i++) {
        free(node->regions[i]);
        node->regions[i] = NULL;
    }
    return SQLITE_OK;
}

static int fake_close(sqlite3_file *file) {
    FakeFile *own = (FakeFile *)file;
    fake_unlock(file, SQLITE_LOCK_NONE);
    fake_shm_unmap(file, 0);
    own->node->references--;
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = fake_close,
    .xRead = fake_read,
    .xWrite = fake_write,
    .xTruncate = fake_truncate,
    .xSync = fake_sync,
    .xFileSize = fake_size,
    .xLock = fake_lock,
    .xUnlock = fake_unlock,
    .xCheckReservedLock = fake_check_reserved,
    .xFileControl = fake_control,
    .xSectorSize = fake_sector,
    .xDeviceCharacteristics = fake_traits,
    .xShmMap = fake_shm_map,
    .xShmLock = fake_shm_lock,
    .xShmBarrier = fake_shm_barrier,
    .xShmUnmap = fake_shm_unmap,
};

/* ---- names ------------------------------------------------------------------------------- */

static int fake_open(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags,
                     int *out_flags) {
    FakeFile *own = (FakeFile *)file;
    (void)self;
    *own = (FakeFile){0};
    if (mounted == NULL || name == NULL) return SQLITE_CANTOPEN;
    size_t inode = fake_os_file_at(mounted, name, (flags & SQLITE_OPEN_CREATE) != 0);
    if (inode == FAKE_OS_NO_FILE) return SQLITE_CANTOPEN;
    TarnText folder = tarn_os_parent(name);
    snprintf(own->folder, sizeof(own->folder), "%.*s", TARN_TEXT_ARG(folder));
    /* Whoever made it: this connection cannot know whether the name is durable. */
    own->name_is_volatile = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
    own->node = enter_node(mounted, inode);
    own->base.pMethods = &methods;
    if (out_flags != NULL) *out_flags = flags;
    return SQLITE_OK;
}

static int fake_delete(sqlite3_vfs *self, const char *name, int sync_folder) {
    const TarnOs *os = fake_os(mounted);
    char folder[PATH_BYTES];
    bool existed = false;
    (void)self;
    if (!os->unlink(os, name, &existed, NULL)) return SQLITE_IOERR_DELETE;
    if (!existed) return SQLITE_IOERR_DELETE_NOENT;
    snprintf(folder, sizeof(folder), "%.*s", TARN_TEXT_ARG(tarn_os_parent(name)));
    return sync_folder == 0 || os->directory_sync(os, folder, NULL) ? SQLITE_OK
                                                                    : SQLITE_IOERR_DIR_FSYNC;
}

static int fake_access(sqlite3_vfs *self, const char *name, int flags, int *result) {
    size_t inode = fake_os_file_at(mounted, name, false);
    (void)self;
    *result = inode != FAKE_OS_NO_FILE;
    if (flags == SQLITE_ACCESS_EXISTS && *result != 0) {
        *result = fake_os_file_size(mounted, inode) > 0; /* an empty file is none, as on Unix */
    }
    return SQLITE_OK;
}

static int fake_full_path(sqlite3_vfs *self, const char *name, int size, char *out) {
    (void)self;
    return snprintf(out, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int fake_randomness(sqlite3_vfs *self, int size, char *out) {
    const TarnOs *os = fake_os(mounted);
    (void)self;
    return os->random(os, out, (size_t)size, NULL) ? size : 0;
}

static int fake_sleep(sqlite3_vfs *self, int us) {
    const TarnOs *os = fake_os(mounted);
    (void)self;
    return os->sleep_us(os, us, NULL) ? us : 0;
}

/* Milliseconds since the noon that began the Julian period. */
static int fake_time_ms(sqlite3_vfs *self, sqlite3_int64 *ms) {
    const TarnOs *os = fake_os(mounted);
    (void)self;
    *ms = INT64_C(210866760000000) + os->clock_us(os) / 1000;
    return SQLITE_OK;
}

static int fake_time(sqlite3_vfs *self, double *days) {
    sqlite3_int64 ms;
    fake_time_ms(self, &ms);
    *days = (double)ms / 86400000.0;
    return SQLITE_OK;
}

static int fake_last_error(sqlite3_vfs *self, int size, char *out) {
    (void)self;
    (void)size;
    (void)out;
    return 0;
}

void fake_vfs_mount(FakeOs *disk) { mounted = disk; }

void fake_vfs_register(void) {
    vfs = (sqlite3_vfs){.iVersion = 2,
                        .szOsFile = (int)sizeof(FakeFile),
                        .mxPathname = PATH_BYTES - 1,
                        .zName = "fake",
                        .xOpen = fake_open,
                        .xDelete = fake_delete,
                        .xAccess = fake_access,
                        .xFullPathname = fake_full_path,
                        .xRandomness = fake_randomness,
                        .xSleep = fake_sleep,
                        .xCurrentTime = fake_time,
                        .xCurrentTimeInt64 = fake_time_ms,
                        .xGetLastError = fake_last_error};
    sqlite3_vfs_register(&vfs, 1);
}
