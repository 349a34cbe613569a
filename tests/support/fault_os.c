/* The failing TarnOs: one wrapper per member that can fail, made by a macro, since they differ in
 * their arguments only. Closing always closes, whatever it then says, as os.h demands.
 */
#include "fault_os.h"

#include <errno.h>
#include <string.h>

static bool ask_hook(FaultOs *fault, const char *name, FaultOsWhen side) {
    if (side == FAULT_OS_AFTER) return fault->lose_answer;
    FaultVerdict verdict = fault->hook(fault->hook_state, name);
    fault->lose_answer = verdict == FAULT_LOSE_ANSWER;
    return verdict == FAULT_REFUSE;
}

static bool should_fail(FaultOs *fault, const char *name, FaultOsWhen side) {
    if (fault->hook != NULL) return ask_hook(fault, name, side);
    if (fault->fail_at <= 0) return false;
    long call = side == FAULT_OS_BEFORE ? atomic_fetch_add(&fault->calls, 1) + 1
                                        : atomic_load(&fault->calls);
    bool now = fault->when == FAULT_OS_FROM_NOW_ON
                   ? call >= fault->fail_at && side == FAULT_OS_BEFORE
                   : call == fault->fail_at && side == fault->when;
    if (now && !fault->fired) {
        fault->fired = true;
        fault->failed_call = name;
    }
    return now;
}

static bool report(const FaultOs *fault, const char *name, TarnError *error) {
    TarnErrorCode code = fault->errno_value == EEXIST   ? TARN_E_OBJECT_EXISTS
                         : fault->errno_value == ENOENT ? TARN_E_OBJECT_NOT_FOUND
                         : fault->errno_value == ENOSPC ? TARN_E_DISK_FULL
                         : fault->errno_value == EACCES ? TARN_E_DENIED_BY_SYSTEM
                                                        : TARN_E_IO;
    return tarn_base_error_set_errno(error, code, fault->errno_value, "injected into %s", name);
}

#define WRAP(name, parameters, arguments)                                                          \
    static bool fault_##name parameters {                                                          \
        FaultOs *fault = os->state;                                                                \
        os = fault->inner;                                                                         \
        if (should_fail(fault, #name, FAULT_OS_BEFORE)) return report(fault, #name, error);       \
        bool ok = fault->inner->name arguments; /* may fail on its own */                          \
        if (!should_fail(fault, #name, FAULT_OS_AFTER)) return ok;                                 \
        return ok && report(fault, #name, error);                                                  \
    }

WRAP(file_link, (const TarnOs *os, TarnOsFile *file, const char *path, TarnError *error),
     (os, file, path, error))
WRAP(file_read,
     (const TarnOs *os, TarnOsFile *file, uint64_t offset, void *data, size_t size, size_t *got,
      TarnError *error),
     (os, file, offset, data, size, got, error))
WRAP(file_write,
     (const TarnOs *os, TarnOsFile *file, const void *data, size_t size, size_t *written,
      TarnError *error),
     (os, file, data, size, written, error))
WRAP(file_writeback, (const TarnOs *os, TarnOsFile *file, TarnError *error), (os, file, error))
WRAP(file_sync, (const TarnOs *os, TarnOsFile *file, TarnError *error), (os, file, error))
WRAP(file_stat, (const TarnOs *os, TarnOsFile *file, TarnOsStat *stat, TarnError *error),
     (os, file, stat, error))
WRAP(file_try_lock,
     (const TarnOs *os, TarnOsFile *file, bool exclusive, bool *locked, TarnError *error),
     (os, file, exclusive, locked, error))
WRAP(stat,
     (const TarnOs *os, const char *path, bool follow, TarnOsStat *stat, TarnError *error),
     (os, path, follow, stat, error))
WRAP(link, (const TarnOs *os, const char *from, const char *to, TarnError *error),
     (os, from, to, error))
WRAP(rename, (const TarnOs *os, const char *from, const char *to, bool replace, TarnError *error),
     (os, from, to, replace, error))
WRAP(unlink, (const TarnOs *os, const char *path, bool *existed, TarnError *error),
     (os, path, existed, error))
WRAP(directory_create, (const TarnOs *os, const char *path, bool *created, TarnError *error),
     (os, path, created, error))
WRAP(directory_remove, (const TarnOs *os, const char *path, bool *existed, TarnError *error),
     (os, path, existed, error))
WRAP(directory_sync, (const TarnOs *os, const char *path, TarnError *error), (os, path, error))
WRAP(directory_list,
     (const TarnOs *os, const char *path, TarnArena *arena, TarnOsListing *listing,
      TarnError *error),
     (os, path, arena, listing, error))
WRAP(real_path,
     (const TarnOs *os, const char *path, TarnArena *arena, const char **real, TarnError *error),
     (os, path, arena, real, error))
WRAP(volume, (const TarnOs *os, const char *path, TarnOsVolume *volume, TarnError *error),
     (os, path, volume, error))
WRAP(sleep_us, (const TarnOs *os, int64_t us, TarnError *error), (os, us, error))
WRAP(random, (const TarnOs *os, void *data, size_t size, TarnError *error),
     (os, data, size, error))

static bool fault_file_open(const TarnOs *os, const char *path, TarnOsOpen how, TarnOsFile **file,
                            TarnError *error) {
    FaultOs *fault = os->state;
    *file = NULL;
    if (should_fail(fault, "file_open", FAULT_OS_BEFORE)) {
        return report(fault, "file_open", error);
    }
    bool ok = fault->inner->file_open(fault->inner, path, how, file, error);
    if (!should_fail(fault, "file_open", FAULT_OS_AFTER) || !ok) return ok;
    fault->inner->file_close(fault->inner, *file, NULL);
    /* A file that was made and then could not be reported is not there: open is one call. */
    if (how == TARN_OS_CREATE || how == TARN_OS_CREATE_SECRET) {
        fault->inner->unlink(fault->inner, path, NULL, NULL);
    }
    *file = NULL;
    return report(fault, "file_open", error);
}

static bool fault_file_open_unnamed(const TarnOs *os, const char *directory, TarnOsFile **file,
                                    TarnError *error) {
    FaultOs *fault = os->state;
    *file = NULL;
    if (should_fail(fault, "file_open_unnamed", FAULT_OS_BEFORE)) {
        return report(fault, "file_open_unnamed", error);
    }
    bool ok = fault->inner->file_open_unnamed(fault->inner, directory, file, error);
    if (!should_fail(fault, "file_open_unnamed", FAULT_OS_AFTER) || !ok) return ok;
    fault->inner->file_close(fault->inner, *file, NULL);
    *file = NULL;
    return report(fault, "file_open_unnamed", error);
}

static bool fault_file_close(const TarnOs *os, TarnOsFile *file, TarnError *error) {
    FaultOs *fault = os->state;
    if (file == NULL) return true;
    bool fail = should_fail(fault, "file_close", FAULT_OS_BEFORE) ||
                should_fail(fault, "file_close", FAULT_OS_AFTER);
    if (!fault->inner->file_close(fault->inner, file, error)) return false;
    return !fail || report(fault, "file_close", error);
}

/* The members that cannot fail look at the inner one's state. */
#define FORWARD(type, name, parameters, arguments)                                                 \
    static type fault_##name parameters {                                                          \
        os = ((FaultOs *)os->state)->inner;                                                        \
        return os->name arguments;                                                                 \
    }
FORWARD(int64_t, clock_us, (const TarnOs *os), (os))
FORWARD(int64_t, monotonic_us, (const TarnOs *os), (os))
FORWARD(const char *, environment, (const TarnOs *os, const char *name), (os, name))
FORWARD(bool, current_directory,
        (const TarnOs *os, TarnArena *arena, const char **path, TarnError *error),
        (os, arena, path, error))
FORWARD(bool, executable_path,
        (const TarnOs *os, TarnArena *arena, const char **path, TarnError *error),
        (os, arena, path, error))
FORWARD(TarnOsTerminal, terminal, (const TarnOs *os, TarnOsStream stream), (os, stream))
FORWARD(uint32_t, processors, (const TarnOs *os), (os))
FORWARD(int64_t, process_id, (const TarnOs *os), (os))
FORWARD(int64_t, process_started, (const TarnOs *os, int64_t process_id), (os, process_id))
FORWARD(bool, process_space,
        (const TarnOs *os, TarnArena *arena, const char **space, TarnError *error),
        (os, arena, space, error))

void fault_os_init(FaultOs *fault, const TarnOs *inner, long fail_at, FaultOsWhen when,
                   int errno_value) {
    memset(fault, 0, sizeof(*fault));
    fault->inner = inner;
    fault->fail_at = fail_at;
    fault->when = when;
    fault->errno_value = errno_value;
#define TAKE(name) .name = fault_##name
    fault->os = (TarnOs){
        .state = fault, TAKE(file_open), TAKE(file_open_unnamed), TAKE(file_link),
        TAKE(file_read), TAKE(file_write), TAKE(file_writeback), TAKE(file_sync),
        TAKE(file_stat), TAKE(file_try_lock), TAKE(file_close), TAKE(stat), TAKE(link),
        TAKE(rename), TAKE(unlink), TAKE(directory_create), TAKE(directory_remove),
        TAKE(directory_sync), TAKE(directory_list), TAKE(real_path), TAKE(volume),
        TAKE(clock_us), TAKE(monotonic_us), TAKE(sleep_us), TAKE(random), TAKE(environment),
        TAKE(current_directory), TAKE(executable_path), TAKE(terminal), TAKE(processors),
        TAKE(process_id), TAKE(process_started), TAKE(process_space)};
}
