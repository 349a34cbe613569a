/* Open files of the real TarnOs.
 *
 * Two decisions: reading opens without blocking and then insists on a regular file, so that a
 * pipe planted where an object should be cannot hang the program; writing never goes through a
 * final symbolic link, so that a planted link cannot redirect it. Close errors after a failed or
 * absent sync are reported, since some network file systems tell of a lost write only there.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/posix_private.h"

/* What read() and write() move at most in one call on Linux is a little below 2 GiB. */
#define TRANSFER_BYTES_MAX ((size_t)1 << 30)

struct TarnOsFile {
    int fd;
    bool seekable;
    char path[]; /* for messages */
};

static int open_flags(TarnOsOpen how) {
    switch (how) {
    case TARN_OS_READ: return O_RDONLY | O_NONBLOCK;
    case TARN_OS_READ_STREAM: return O_RDONLY;
    case TARN_OS_CREATE:
    case TARN_OS_CREATE_SECRET: return O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
    case TARN_OS_APPEND: return O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW;
    case TARN_OS_LOCK: return O_RDWR | O_CREAT | O_NOFOLLOW;
    }
    return O_RDONLY;
}

static TarnOsFile *new_file(const char *path, TarnError *error) {
    size_t size = strlen(path) + 1;
    TarnOsFile *file = malloc(sizeof(TarnOsFile) + size);
    if (file == NULL) {
        tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory to open \"%s\"", path);
        return NULL;
    }
    file->fd = -1;
    file->seekable = true;
    memcpy(file->path, path, size);
    return file;
}

static bool check_kind(TarnOsFile *file, TarnOsOpen how, TarnError *error) {
    struct stat stat;
    if (fstat(file->fd, &stat) != 0) {
        return tarn_os__posix_fail(error, errno, "examine", file->path);
    }
    file->seekable = S_ISREG(stat.st_mode);
    if (file->seekable || how == TARN_OS_READ_STREAM) return true;
    return tarn_base_error_set(error, TARN_E_IO, "cannot use \"%s\": it is %s, not a regular file",
                               file->path,
                               S_ISDIR(stat.st_mode)    ? "a folder"
                               : S_ISFIFO(stat.st_mode) ? "a pipe"
                                                        : "a device or socket");
}

static bool posix_file_open(const TarnOs *os, const char *path, TarnOsOpen how, TarnOsFile **out,
                            TarnError *error) {
    (void)os;
    *out = NULL;
    TarnOsFile *file = new_file(path, error);
    if (file == NULL) return false;
    mode_t mode = how == TARN_OS_CREATE_SECRET ? 0600 : 0666;
    do {
        file->fd = open(path, open_flags(how) | O_CLOEXEC | O_NOCTTY, mode);
    } while (file->fd < 0 && errno == EINTR);
    if (file->fd < 0) {
        bool create = how == TARN_OS_CREATE || how == TARN_OS_CREATE_SECRET;
        tarn_os__posix_fail(error, errno, create ? "create" : "open", path);
        free(file);
        return false;
    }
    if (!check_kind(file, how, error)) {
        close(file->fd);
        free(file);
        return false;
    }
    *out = file;
    return true;
}

static bool posix_file_open_unnamed(const TarnOs *os, const char *directory, TarnOsFile **out,
                                    TarnError *error) {
    (void)os;
    *out = NULL;
    TarnOsFile *file = new_file(directory, error);
    if (file == NULL) return false;
    do {
        file->fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    } while (file->fd < 0 && errno == EINTR);
    if (file->fd < 0) {
        int reason = errno;
        free(file);
        /* EISDIR is what kernels and file systems that do not know the flag answer. */
        if (reason == EOPNOTSUPP || reason == EISDIR || reason == EINVAL || reason == ENOSYS) {
            return true;
        }
        return tarn_os__posix_fail(error, reason, "create a file in", directory);
    }
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", file->fd);
    if (faccessat(AT_FDCWD, link, F_OK, AT_SYMLINK_NOFOLLOW) != 0) { /* no /proc: cannot name it */
        close(file->fd);
        free(file);
        return true;
    }
    *out = file;
    return true;
}

static bool posix_file_link(const TarnOs *os, TarnOsFile *file, const char *path,
                            TarnError *error) {
    (void)os;
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", file->fd);
    if (linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0) return true;
    return tarn_os__posix_fail(error, errno, "create", path);
}

static bool posix_file_read(const TarnOs *os, TarnOsFile *file, uint64_t offset, void *data,
                            size_t size, size_t *got, TarnError *error) {
    (void)os;
    *got = 0;
    if (size > TRANSFER_BYTES_MAX) size = TRANSFER_BYTES_MAX;
    if (offset > INT64_MAX) {
        return tarn_base_error_set(error, TARN_E_IO, "cannot read \"%s\": offset out of range",
                                   file->path);
    }
    ssize_t result;
    do {
        result = file->seekable ? pread(file->fd, data, size, (off_t)offset)
                                : read(file->fd, data, size);
    } while (result < 0 && errno == EINTR);
    if (result < 0) return tarn_os__posix_fail(error, errno, "read", file->path);
    *got = (size_t)result;
    return true;
}

static bool posix_file_write(const TarnOs *os, TarnOsFile *file, const void *data, size_t size,
                             size_t *written, TarnError *error) {
    (void)os;
    *written = 0;
    if (size > TRANSFER_BYTES_MAX) size = TRANSFER_BYTES_MAX;
    ssize_t result;
    do {
        result = write(file->fd, data, size);
    } while (result < 0 && errno == EINTR);
    if (result == 0 && size > 0) {
        return tarn_base_error_set(error, TARN_E_IO, "could not write \"%s\": the system took "
                                   "nothing", file->path);
    }
    if (result < 0) return tarn_os__posix_fail(error, errno, "write", file->path);
    *written = (size_t)result;
    return true;
}

static bool posix_file_writeback(const TarnOs *os, TarnOsFile *file, TarnError *error) {
    (void)os;
    if (sync_file_range(file->fd, 0, 0, SYNC_FILE_RANGE_WRITE) == 0) return true;
    /* Only a wish: a file system that cannot do it will do the work in file_sync. */
    if (errno == ENOSYS || errno == EINVAL || errno == ESPIPE || errno == EOPNOTSUPP) return true;
    return tarn_os__posix_fail(error, errno, "write back", file->path);
}

static bool posix_file_sync(const TarnOs *os, TarnOsFile *file, TarnError *error) {
    (void)os;
    int result;
    do {
        result = fsync(file->fd);
    } while (result != 0 && errno == EINTR);
    if (result == 0) return true;
    return tarn_os__posix_fail(error, errno, "make durable", file->path);
}

static bool posix_file_stat(const TarnOs *os, TarnOsFile *file, TarnOsStat *out,
                            TarnError *error) {
    (void)os;
    struct stat stat;
    if (fstat(file->fd, &stat) != 0) {
        return tarn_os__posix_fail(error, errno, "examine", file->path);
    }
    tarn_os__posix_stat(&stat, out);
    return true;
}

static bool posix_file_try_lock(const TarnOs *os, TarnOsFile *file, bool exclusive, bool *locked,
                                TarnError *error) {
    (void)os;
    *locked = false;
    int result;
    do {
        result = flock(file->fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    if (result != 0 && errno != EWOULDBLOCK) {
        return tarn_os__posix_fail(error, errno, "lock", file->path);
    }
    *locked = result == 0;
    return true;
}

static bool posix_file_close(const TarnOs *os, TarnOsFile *file, TarnError *error) {
    (void)os;
    if (file == NULL) return true;
    bool ok = true;
    /* On Linux the descriptor is gone whatever close() says, so it is never repeated. */
    if (close(file->fd) != 0 && errno != EINTR) {
        ok = tarn_os__posix_fail(error, errno, "close", file->path);
    }
    free(file);
    return ok;
}

void tarn_os__posix_file(TarnOs *os) {
    os->file_open = posix_file_open;
    os->file_open_unnamed = posix_file_open_unnamed;
    os->file_link = posix_file_link;
    os->file_read = posix_file_read;
    os->file_write = posix_file_write;
    os->file_writeback = posix_file_writeback;
    os->file_sync = posix_file_sync;
    os->file_stat = posix_file_stat;
    os->file_try_lock = posix_file_try_lock;
    os->file_close = posix_file_close;
}
