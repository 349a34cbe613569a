/* The real TarnOs: Linux and POSIX calls behind the functions of os.h.
 *
 * Idea: each member is one system call with its traps removed (signals, short transfers, errno)
 * and nothing else; what takes several calls is built on the members in file.c and draft.c, so
 * that a simulated disk needs only the members. The parts are in posix_file.c (open files),
 * posix_name.c (paths) and posix_process.c (clocks, chance, processes).
 */
#include <errno.h>
#include <pthread.h>

#include "os/posix_private.h"

static TarnOs posix_os;
static pthread_once_t posix_once = PTHREAD_ONCE_INIT;

static void fill_posix_os(void) {
    tarn_os__posix_file(&posix_os);
    tarn_os__posix_name(&posix_os);
    tarn_os__posix_process(&posix_os);
}

const TarnOs *tarn_os_posix(void) {
    pthread_once(&posix_once, fill_posix_os);
    return &posix_os;
}

static TarnErrorCode code_of_errno(int errno_value) {
    switch (errno_value) {
    case ENOENT:
    case ENOTDIR: return TARN_E_OBJECT_NOT_FOUND;
    case EEXIST: return TARN_E_OBJECT_EXISTS;
    case ENAMETOOLONG: return TARN_E_NAME_INVALID;
    default: return TARN_E_IO;
    }
}

bool tarn_os__posix_fail(TarnError *error, int errno_value, const char *verb, const char *path) {
    tarn_base_error_set_errno(error, code_of_errno(errno_value), errno_value,
                              "could not %s \"%s\"", verb, path);
    if (errno_value == ELOOP) {
        tarn_base_error_hint(error, "the path leads through a symbolic link that tarn does not "
                                    "follow here; give the real path");
    } else if (errno_value == EMFILE || errno_value == ENFILE) {
        tarn_base_error_hint(error, "too many files are open; raise the limit with ulimit -n");
    }
    return false;
}
