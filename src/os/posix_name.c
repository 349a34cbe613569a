/* Names and directories of the real TarnOs.
 *
 * A missing file is an answer, not an error, where callers ask whether it is there (stat, unlink).
 * Listings are read whole and sorted, since the order the file system gives is no order; their
 * memory is the caller's arena, whose limit bounds a directory of hostile size.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "os/posix_private.h"

static TarnOsKind kind_of_mode(mode_t mode) {
    if (S_ISREG(mode)) return TARN_OS_FILE;
    if (S_ISDIR(mode)) return TARN_OS_DIRECTORY;
    if (S_ISLNK(mode)) return TARN_OS_SYMLINK;
    return TARN_OS_OTHER;
}

void tarn_os__posix_stat(const struct stat *stat, TarnOsStat *out) {
    *out = (TarnOsStat){
        .kind = kind_of_mode(stat->st_mode),
        .size = stat->st_size > 0 ? (uint64_t)stat->st_size : 0,
        .mtime_ns = (int64_t)stat->st_mtim.tv_sec * 1000000000 + stat->st_mtim.tv_nsec,
        .inode = (uint64_t)stat->st_ino,
        .device = (uint64_t)stat->st_dev,
        .links = (uint64_t)stat->st_nlink,
    };
}

static bool posix_stat(const TarnOs *os, const char *path, bool follow_links, TarnOsStat *out,
                       TarnError *error) {
    (void)os;
    *out = (TarnOsStat){.kind = TARN_OS_ABSENT};
    struct stat stat;
    if (fstatat(AT_FDCWD, path, &stat, follow_links ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return true;
        return tarn_os__posix_fail(error, errno, "examine", path);
    }
    tarn_os__posix_stat(&stat, out);
    return true;
}

static bool fail_unsupported(TarnError *error, int errno_value, const char *verb,
                             const char *path) {
    tarn_os__posix_fail(error, errno_value, verb, path);
    if (error != NULL) error->code = TARN_E_FORMAT_UNSUPPORTED;
    return false;
}

static bool posix_link(const TarnOs *os, const char *from, const char *to, TarnError *error) {
    (void)os;
    if (linkat(AT_FDCWD, from, AT_FDCWD, to, 0) == 0) return true;
    if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS || errno == EMLINK) {
        return fail_unsupported(error, errno, "link", to);
    }
    return tarn_os__posix_fail(error, errno, "create", to);
}

static bool posix_rename(const TarnOs *os, const char *from, const char *to, bool replace,
                         TarnError *error) {
    (void)os;
    unsigned flags = replace ? 0 : RENAME_NOREPLACE;
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, flags) == 0) return true;
    if (!replace && (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
        return fail_unsupported(error, errno, "rename without replacing to", to);
    }
    return tarn_os__posix_fail(error, errno, "rename to", to);
}

static bool posix_unlink(const TarnOs *os, const char *path, bool *existed, TarnError *error) {
    (void)os;
    bool done = unlink(path) == 0;
    if (existed != NULL) *existed = done;
    if (done || errno == ENOENT || errno == ENOTDIR) return true;
    return tarn_os__posix_fail(error, errno, "delete", path);
}

static bool posix_directory_create(const TarnOs *os, const char *path, bool *created,
                                   TarnError *error) {
    bool done = mkdir(path, 0777) == 0;
    if (created != NULL) *created = done;
    if (done) return true;
    int reason = errno;
    TarnOsStat stat;
    if (reason == EEXIST && posix_stat(os, path, true, &stat, NULL) &&
        stat.kind == TARN_OS_DIRECTORY) {
        return true;
    }
    return tarn_os__posix_fail(error, reason, "create the folder", path);
}

static bool posix_directory_remove(const TarnOs *os, const char *path, bool *existed,
                                   TarnError *error) {
    (void)os;
    bool done = rmdir(path) == 0;
    if (existed != NULL) *existed = done;
    if (done || errno == ENOENT) return true;
    return tarn_os__posix_fail(error, errno, "remove the folder", path);
}

static int open_directory(const char *path) {
    int fd;
    do {
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

static bool posix_directory_sync(const TarnOs *os, const char *path, TarnError *error) {
    (void)os;
    int fd = open_directory(path);
    if (fd < 0) return tarn_os__posix_fail(error, errno, "open the folder", path);
    int result;
    do {
        result = fsync(fd);
    } while (result != 0 && errno == EINTR);
    int reason = errno;
    close(fd);
    /* A file system that cannot sync a directory keeps its names by itself or not at all. */
    if (result == 0 || reason == EINVAL) return true;
    return tarn_os__posix_fail(error, reason, "make durable the folder", path);
}

static int compare_entries(const void *a, const void *b) {
    return strcmp(((const TarnOsEntry *)a)->name, ((const TarnOsEntry *)b)->name);
}

static TarnOsKind kind_of_entry(int directory_fd, const struct dirent *entry) {
    switch (entry->d_type) {
    case DT_REG: return TARN_OS_FILE;
    case DT_DIR: return TARN_OS_DIRECTORY;
    case DT_LNK: return TARN_OS_SYMLINK;
    case DT_UNKNOWN: break;
    default: return TARN_OS_OTHER;
    }
    struct stat stat;
    if (fstatat(directory_fd, entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0) {
        return TARN_OS_ABSENT; /* gone since */
    }
    return kind_of_mode(stat.st_mode);
}

static bool read_entries(DIR *directory, const char *path, TarnArena *arena,
                         TarnOsListing *listing, TarnError *error) {
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (entry == NULL && errno != 0) {
            return tarn_os__posix_fail(error, errno, "list the folder", path);
        }
        if (entry == NULL) break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        TarnOsKind kind = kind_of_entry(dirfd(directory), entry);
        if (kind == TARN_OS_ABSENT) continue;
        const char *name = tarn_base_arena_string(arena, entry->d_name);
        TarnOsEntry *item = TARN_PUSH(arena, listing);
        if (name == NULL || item == NULL) break;
        *item = (TarnOsEntry){name, kind};
    }
    if (tarn_base_arena_failed(arena)) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "cannot list the folder \"%s\": it holds more than %zu names",
                                   path, listing->count);
    }
    if (listing->count > 1) {
        qsort(listing->items, listing->count, sizeof(*listing->items), compare_entries);
    }
    return true;
}

static bool posix_directory_list(const TarnOs *os, const char *path, TarnArena *arena,
                                 TarnOsListing *listing, TarnError *error) {
    (void)os;
    *listing = (TarnOsListing){0};
    int fd = open_directory(path);
    if (fd < 0) return tarn_os__posix_fail(error, errno, "open the folder", path);
    DIR *directory = fdopendir(fd);
    if (directory == NULL) {
        int reason = errno;
        close(fd);
        return tarn_os__posix_fail(error, reason, "open the folder", path);
    }
    bool ok = read_entries(directory, path, arena, listing, error);
    closedir(directory);
    return ok;
}

static bool posix_real_path(const TarnOs *os, const char *path, TarnArena *arena,
                            const char **real, TarnError *error) {
    (void)os;
    *real = NULL;
    char *resolved = realpath(path, NULL);
    if (resolved == NULL) return tarn_os__posix_fail(error, errno, "resolve", path);
    *real = tarn_base_arena_string(arena, resolved);
    free(resolved);
    return tarn_base_arena_check(arena, error);
}

static bool posix_volume(const TarnOs *os, const char *path, TarnOsVolume *volume,
                         TarnError *error) {
    (void)os;
    *volume = (TarnOsVolume){0};
    struct statvfs stat;
    int result;
    do {
        result = statvfs(path, &stat);
    } while (result != 0 && errno == EINTR);
    if (result != 0) return tarn_os__posix_fail(error, errno, "examine the volume of", path);
    uint64_t unit = stat.f_frsize > 0 ? (uint64_t)stat.f_frsize : (uint64_t)stat.f_bsize;
    if (__builtin_mul_overflow((uint64_t)stat.f_bavail, unit, &volume->free_bytes)) {
        volume->free_bytes = UINT64_MAX;
    }
    if (__builtin_mul_overflow((uint64_t)stat.f_blocks, unit, &volume->total_bytes)) {
        volume->total_bytes = UINT64_MAX;
    }
    volume->read_only = (stat.f_flag & ST_RDONLY) != 0;
    return true;
}

void tarn_os__posix_name(TarnOs *os) {
    os->stat = posix_stat;
    os->link = posix_link;
    os->rename = posix_rename;
    os->unlink = posix_unlink;
    os->directory_create = posix_directory_create;
    os->directory_remove = posix_directory_remove;
    os->directory_sync = posix_directory_sync;
    os->directory_list = posix_directory_list;
    os->real_path = posix_real_path;
    os->volume = posix_volume;
}
