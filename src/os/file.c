/* Whole-file helpers over the members of TarnOs: read all, write all, lock with a wait, make the
 * folders above a path.
 *
 * Idea: the members move what the system moves in one call; the loops are here, so that every
 * TarnOs (the real one, the simulated disk, the failing one) runs through the same loops.
 */
#include <stdlib.h>
#include <string.h>

#include "os/os.h"

#define LOCK_WAIT_US_MIN 500
#define LOCK_WAIT_US_MAX 20000
#define PATH_BYTES_MAX ((size_t)64 * 1024) /* far above what any system opens */

bool tarn_os_file_read_exact(const TarnOs *os, TarnOsFile *file, uint64_t offset, void *data,
                             size_t size, TarnError *error) {
    char *at = data;
    while (size > 0) {
        size_t got;
        if (!os->file_read(os, file, offset, at, size, &got, error)) return false;
        if (got == 0) {
            return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                                       "the file ends %zu bytes early", size);
        }
        at += got;
        offset += got;
        size -= got;
    }
    return true;
}

static bool read_content(const TarnOs *os, TarnOsFile *file, const char *path, size_t limit,
                         TarnArena *arena, TarnText *content, TarnError *error) {
    TarnOsStat stat;
    if (!os->file_stat(os, file, &stat, error)) return false;
    if (stat.size > limit) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "cannot read \"%s\": it has %llu bytes, the limit is %zu", path,
                                   (unsigned long long)stat.size, limit);
    }
    size_t size = (size_t)stat.size;
    char *data = tarn_base_arena_alloc(arena, size + 1);
    if (data == NULL) return tarn_base_arena_check(arena, error);
    if (!tarn_os_file_read_exact(os, file, 0, data, size, error)) {
        return tarn_base_error_context(error, "reading \"%s\"", path);
    }
    *content = (TarnText){data, size};
    return true;
}

bool tarn_os_file_read_all(const TarnOs *os, const char *path, size_t limit, TarnArena *arena,
                           TarnText *content, TarnError *error) {
    *content = (TarnText){"", 0};
    TarnOsFile *file;
    if (!os->file_open(os, path, TARN_OS_READ, &file, error)) return false;
    bool ok = read_content(os, file, path, limit, arena, content, error);
    tarn_os_file_discard(os, file);
    return ok;
}

bool tarn_os_file_write_all(const TarnOs *os, TarnOsFile *file, const void *data, size_t size,
                            TarnError *error) {
    const char *at = data;
    while (size > 0) {
        size_t written;
        if (!os->file_write(os, file, at, size, &written, error)) return false;
        at += written;
        size -= written;
    }
    return true;
}

void tarn_os_file_discard(const TarnOs *os, TarnOsFile *file) { os->file_close(os, file, NULL); }

/* Between 500 us and 20 ms, growing, with a random half so that waiters do not march in step. */
static bool wait_for_lock(const TarnOs *os, unsigned attempt, TarnError *error) {
    int64_t wait = (int64_t)LOCK_WAIT_US_MIN << (attempt < 6 ? attempt : 6);
    if (wait > LOCK_WAIT_US_MAX) wait = LOCK_WAIT_US_MAX;
    uint16_t chance = 0;
    if (!os->random(os, &chance, sizeof(chance), error)) return false;
    return os->sleep_us(os, wait / 2 + wait * chance / 131072, error);
}

bool tarn_os_file_lock(const TarnOs *os, TarnOsFile *file, bool exclusive, int64_t timeout_ms,
                       const char *path, TarnError *error) {
    int64_t start = os->monotonic_us(os);
    for (unsigned attempt = 0;; attempt++) {
        bool locked;
        if (!os->file_try_lock(os, file, exclusive, &locked, error)) return false;
        if (locked) return true;
        if ((os->monotonic_us(os) - start) / 1000 >= timeout_ms) {
            tarn_base_error_set(error, TARN_E_DATABASE_BUSY,
                                "\"%s\" is still locked by another process after %lld ms", path,
                                (long long)timeout_ms);
            return tarn_base_error_hint(error, "wait for the other process to end, then run the "
                                               "command again");
        }
        if (!wait_for_lock(os, attempt, error)) return false;
    }
}

TarnText tarn_os_parent(const char *path) {
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/') size--;
    while (size > 0 && path[size - 1] != '/') size--;
    if (size == 0) return TARN_TEXT(".");
    while (size > 1 && path[size - 1] == '/') size--;
    return (TarnText){path, size};
}

static bool sync_parent(const TarnOs *os, const char *path, TarnError *error) {
    TarnText parent = tarn_os_parent(path);
    char *copy = strndup(parent.data, parent.size);
    if (copy == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory");
    bool ok = os->directory_sync(os, copy, error);
    free(copy);
    return ok;
}

/* How much of `path` names a folder that exists, or the length of its first name. */
static bool find_existing(const TarnOs *os, char *path, size_t *existing, TarnError *error) {
    size_t end = strlen(path);
    for (;;) {
        char kept = path[end];
        path[end] = '\0';
        TarnOsStat stat;
        bool ok = os->stat(os, path, true, &stat, error);
        TarnText parent = tarn_os_parent(path);
        bool top = parent.data != path || parent.size >= end;
        path[end] = kept;
        if (!ok) return false;
        if (stat.kind != TARN_OS_ABSENT) break;
        if (top) {
            *existing = 0;
            return true;
        }
        end = parent.size;
    }
    *existing = end;
    return true;
}

static bool create_missing(const TarnOs *os, char *path, bool durable, TarnError *error) {
    size_t size = strlen(path);
    size_t end;
    if (!find_existing(os, path, &end, error)) return false;
    if (end == size) return os->directory_create(os, path, NULL, error); /* must be a folder */
    while (end < size) {
        while (end < size && path[end] == '/') end++;
        while (end < size && path[end] != '/') end++;
        char kept = path[end];
        path[end] = '\0';
        bool created;
        bool ok = os->directory_create(os, path, &created, error);
        if (ok && created && durable) ok = sync_parent(os, path, error);
        path[end] = kept;
        if (!ok) return false;
    }
    return true;
}

bool tarn_os_directory_create_all(const TarnOs *os, const char *path, bool durable,
                                  TarnError *error) {
    size_t size = strlen(path);
    if (size == 0 || size > PATH_BYTES_MAX) {
        return tarn_base_error_set(error, TARN_E_NAME_INVALID,
                                   "cannot create a folder: its path has %zu bytes", size);
    }
    char *copy = strdup(path);
    if (copy == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory");
    while (size > 1 && copy[size - 1] == '/') copy[--size] = '\0';
    bool ok = create_missing(os, copy, durable, error);
    free(copy);
    return ok;
}
