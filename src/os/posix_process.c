/* Clocks, chance, environment and processes of the real TarnOs.
 *
 * A process is known by its id and the tick it started at: ids come back after a while, pairs do
 * not before the next boot. Ids mean something only within one boot and one process namespace, so
 * those two make the "space"; a container on the same host is another space.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "os/posix_private.h"

/* A longer wait is cut into these, so that a signal between two of them is seen soon. */
#define SLEEP_SLICE_US 100000

static int64_t read_clock(clockid_t clock) {
    struct timespec now;
    if (clock_gettime(clock, &now) != 0) return 0; /* cannot be with these clocks */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t posix_clock_us(const TarnOs *os) {
    (void)os;
    return read_clock(CLOCK_REALTIME);
}

static int64_t posix_monotonic_us(const TarnOs *os) {
    (void)os;
    return read_clock(CLOCK_MONOTONIC);
}

static bool posix_sleep_us(const TarnOs *os, int64_t us, TarnError *error) {
    int64_t end = posix_monotonic_us(os);
    if (__builtin_add_overflow(end, us, &end)) end = INT64_MAX;
    for (;;) {
        if (!tarn_os_interrupt_check(error)) return false;
        int64_t left = end - posix_monotonic_us(os);
        if (left <= 0) return true;
        if (left > SLEEP_SLICE_US) left = SLEEP_SLICE_US;
        struct timespec wait = {.tv_sec = 0, .tv_nsec = (long)left * 1000};
        nanosleep(&wait, NULL);
    }
}

static bool posix_random(const TarnOs *os, void *data, size_t size, TarnError *error) {
    (void)os;
    char *at = data;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            return tarn_base_error_set_errno(error, TARN_E_IO, errno,
                                             "the system gave no random bytes");
        }
        at += got;
        size -= (size_t)got;
    }
    return true;
}

static const char *posix_environment(const TarnOs *os, const char *name) {
    (void)os;
    return getenv(name);
}

static bool posix_current_directory(const TarnOs *os, TarnArena *arena, const char **path,
                                    TarnError *error) {
    (void)os;
    *path = NULL;
    char *directory = getcwd(NULL, 0);
    if (directory == NULL) {
        return tarn_base_error_set_errno(error, TARN_E_IO, errno,
                                         "could not find the current folder");
    }
    *path = tarn_base_arena_string(arena, directory);
    free(directory);
    return tarn_base_arena_check(arena, error);
}

static bool posix_executable_path(const TarnOs *os, TarnArena *arena, const char **path,
                                  TarnError *error) {
    return os->real_path(os, "/proc/self/exe", arena, path, error);
}

static TarnOsTerminal posix_terminal(const TarnOs *os, TarnOsStream stream) {
    (void)os;
    TarnOsTerminal terminal = {0};
    int fd = stream == TARN_OS_STDIN    ? STDIN_FILENO
             : stream == TARN_OS_STDOUT ? STDOUT_FILENO
                                        : STDERR_FILENO;
    terminal.is_terminal = isatty(fd) == 1;
    struct winsize size;
    if (terminal.is_terminal && ioctl(fd, TIOCGWINSZ, &size) == 0) {
        terminal.columns = size.ws_col;
        terminal.rows = size.ws_row;
    }
    return terminal;
}

static uint32_t posix_processors(const TarnOs *os) {
    (void)os;
    cpu_set_t set;
    int count = 0;
    if (sched_getaffinity(0, sizeof(set), &set) == 0) count = CPU_COUNT(&set);
    /* More processors than the set has room for. */
    if (count < 1) count = (int)sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (uint32_t)count : 1;
}

static int64_t posix_process_id(const TarnOs *os) {
    (void)os;
    return (int64_t)getpid();
}

/* Reads a small file of /proc; false if it is not there. */
static bool read_small(const char *path, char *out, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t got;
    do {
        got = read(fd, out, size - 1);
    } while (got < 0 && errno == EINTR);
    close(fd);
    if (got <= 0) return false;
    out[got] = '\0';
    return true;
}

static int64_t posix_process_started(const TarnOs *os, int64_t process_id) {
    (void)os;
    if (process_id < 1 || process_id > INT32_MAX) return 0;
    if (kill((pid_t)process_id, 0) != 0 && errno == ESRCH) return 0;
    char path[64];
    char content[1024];
    snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)process_id);
    if (!read_small(path, content, sizeof(content))) return -1; /* hidden, but there */
    /* The second field is the program's name in brackets, which may hold anything, brackets too;
     * the state is the third and the start the twenty-second. */
    const char *field = strrchr(content, ')');
    if (field == NULL || field[1] != ' ') return -1;
    field += 2;
    if (*field == 'Z' || *field == 'X') return 0; /* dead, only not yet collected */
    for (int i = 3; i < 22; i++) {
        field = strchr(field, ' ');
        if (field == NULL) return -1;
        field++;
    }
    int64_t started;
    TarnText text = {field, strcspn(field, " \n")};
    return tarn_base_text_to_int64(text, &started) && started > 0 ? started : -1;
}

static bool posix_process_space(const TarnOs *os, TarnArena *arena, const char **space,
                                TarnError *error) {
    (void)os;
    *space = "unknown";
    char boot[64];
    char namespace[64];
    ssize_t size = readlink("/proc/self/ns/pid", namespace, sizeof(namespace) - 1);
    if (size <= 0 || !read_small("/proc/sys/kernel/random/boot_id", boot, sizeof(boot))) {
        return true;
    }
    namespace[size] = '\0';
    boot[strcspn(boot, "\n")] = '\0';
    const char *number = strchr(namespace, '[');
    if (number == NULL) return true;
    *space = tarn_base_arena_printf(arena, "%s_%.*s", boot, (int)strcspn(number + 1, "]"),
                                    number + 1);
    return tarn_base_arena_check(arena, error);
}

void tarn_os__posix_process(TarnOs *os) {
    os->clock_us = posix_clock_us;
    os->monotonic_us = posix_monotonic_us;
    os->sleep_us = posix_sleep_us;
    os->random = posix_random;
    os->environment = posix_environment;
    os->current_directory = posix_current_directory;
    os->executable_path = posix_executable_path;
    os->terminal = posix_terminal;
    os->processors = posix_processors;
    os->process_id = posix_process_id;
    os->process_started = posix_process_started;
    os->process_space = posix_process_space;
}
