/* Identifiers, owners, threads, signals. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "fake_os.h"
#include "fault_os.h"
#include "os/os.h"
#include "tap.h"

static const TarnOs *os;
static TarnArena arena;
static const char *program;

static void uuids_have_their_form(void) {
    TarnError error;
    char a[TARN_OS_UUID_BYTES];
    char b[TARN_OS_UUID_BYTES];
    for (int version = 4; version <= 7; version += 3) {
        bool (*make)(const TarnOs *, char[TARN_OS_UUID_BYTES], TarnError *) =
            version == 4 ? tarn_os_uuid4 : tarn_os_uuid7;
        REQUIRE_OK(make(os, a, &error), &error);
        REQUIRE_OK(make(os, b, &error), &error);
        CHECK_INT(strlen(a), 36);
        CHECK_INT(strspn(a, "0123456789abcdef-"), 36);
        CHECK(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
        CHECK_INT(a[14], '0' + version);
        CHECK(strchr("89ab", a[19]) != NULL);
        CHECK(strcmp(a, b) != 0);
    }
}

static void version_7_sorts_by_time(void) {
    TarnError error;
    char before[TARN_OS_UUID_BYTES] = "";
    char now[TARN_OS_UUID_BYTES];
    FakeOs *fake = fake_os_new(&(FakeOsOptions){.seed = 5});
    for (int64_t us = 1767225600000000; us < 1767225600000000 + 3000; us += 7) {
        fake_os_set_clock_us(fake, us);
        REQUIRE_OK(tarn_os_uuid7(fake_os(fake), now, &error), &error);
        CHECK(strcmp(before, now) < 0);
        memcpy(before, now, sizeof(now));
    }
    fake_os_set_clock_us(fake, 0x0123456789ABLL * 1000);
    CHECK_OK(tarn_os_uuid7(fake_os(fake), now, &error), &error);
    CHECK(strncmp(now, "01234567-89ab-7000-", 19) == 0); /* RFC 9562, section 5.7 */
    fake_os_free(fake);
}

static void no_randomness_is_an_error(void) {
    TarnError error;
    FaultOs fault;
    char uuid[TARN_OS_UUID_BYTES];
    int64_t id;
    fault_os_init(&fault, os, 1, FAULT_OS_FROM_NOW_ON, EIO);
    CHECK(!tarn_os_uuid4(&fault.os, uuid, &error));
    CHECK(!tarn_os_uuid7(&fault.os, uuid, &error));
    CHECK_STRING(uuid, "");
    CHECK(!tarn_os_random_id(&fault.os, &id, &error));
    CHECK_OK(tarn_os_random_id(os, &id, &error), &error);
    CHECK(id > 0);
}

static void an_owner_is_alive_while_its_process_is(void) {
    TarnError error;
    TarnOsOwner state;
    const char *mine;
    REQUIRE_OK(tarn_os_owner(os, &arena, &mine, &error), &error);
    CHECK_OK(tarn_os_owner_state(os, mine, &state, &error), &error);
    CHECK_INT(state, TARN_OS_OWNER_ALIVE);
    int pipes[2];
    REQUIRE(pipe(pipes) == 0);
    pid_t child = fork();
    if (child == 0) {
        char c;
        close(pipes[1]);
        _exit(read(pipes[0], &c, 1) == 0 ? 0 : 1);
    }
    const char *space;
    REQUIRE_OK(os->process_space(os, &arena, &space, &error), &error);
    const char *childs = tarn_base_arena_printf(&arena, "%s.%d.%lld", space, (int)child,
                                                (long long)os->process_started(os, child));
    CHECK_OK(tarn_os_owner_state(os, childs, &state, &error), &error);
    CHECK_INT(state, TARN_OS_OWNER_ALIVE);
    close(pipes[0]);
    close(pipes[1]);
    siginfo_t info;
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT); /* a zombie now */
    CHECK_OK(tarn_os_owner_state(os, childs, &state, &error), &error);
    CHECK_INT(state, TARN_OS_OWNER_DEAD);
    waitpid(child, NULL, 0);
    CHECK_OK(tarn_os_owner_state(os, childs, &state, &error), &error);
    CHECK_INT(state, TARN_OS_OWNER_DEAD);
    /* the same id, started at another time: a later process */
    const char *reused = tarn_base_arena_printf(&arena, "%s.%d.1", space, (int)getpid());
    CHECK_OK(tarn_os_owner_state(os, reused, &state, &error), &error);
    CHECK_INT(state, TARN_OS_OWNER_DEAD);
}

static void touch(const char *folder, const char *name, int days_old) {
    struct timespec times[2] = {{time(NULL) - days_old * 86400, 0}, {time(NULL), 0}};
    times[1] = times[0];
    const char *path = tarn_base_arena_printf(&arena, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL && fclose(file) == 0);
    CHECK(utimensat(AT_FDCWD, path, times, 0) == 0);
    CHECK(utimensat(AT_FDCWD, folder, times, 0) == 0);
}

static bool is_there(const char *path) { return access(path, F_OK) == 0; }

/* Folders of the dead go with all that is in them, never through a link; those of who may live
 * stay. */
static void scratch_folders_of_the_dead_are_swept(void) {
    TarnError error;
    const char *space;
    const char *mine;
    char root[] = "/tmp/tarn-scratch-XXXXXX";
    REQUIRE(mkdtemp(root) != NULL);
    REQUIRE_OK(os->process_space(os, &arena, &space, &error), &error);
    REQUIRE_OK(tarn_os_scratch_path(os, root, &arena, &mine, &error), &error);
    CHECK(!is_there(mine)); /* who needs it makes it */
    const char *dead = tarn_base_arena_printf(&arena, "%s/%s.%d.1", root, space, (int)getpid());
    const char *old = tarn_base_arena_printf(&arena, "%s/elsewhere.7.7", root);
    const char *young = tarn_base_arena_printf(&arena, "%s/elsewhere.8.8", root);
    const char *inner = tarn_base_arena_printf(&arena, "%s/buckets", dead);
    const char *link = tarn_base_arena_printf(&arena, "%s/link", dead);
    const char *const folders[] = {mine, dead, old, young, inner};
    for (size_t i = 0; i < 5; i++) REQUIRE(mkdir(folders[i], 0700) == 0);
    touch(mine, "a", 30);
    touch(inner, "b", 0);
    touch(old, "c", 8);
    touch(young, "d", 6);
    touch(root, "e", 8);
    REQUIRE(symlink(mine, link) == 0);
    tarn_os_scratch_sweep(os, root);
    CHECK(!is_there(dead) && !is_there(old) && is_there(young));
    CHECK(is_there(tarn_base_arena_printf(&arena, "%s/a", mine)));
    CHECK(!is_there(tarn_base_arena_printf(&arena, "%s/e", root)));
    tarn_os_scratch_end(os, mine);
    CHECK(is_there(mine)); /* something is in it */
    CHECK(unlink(tarn_base_arena_printf(&arena, "%s/a", mine)) == 0);
    tarn_os_scratch_end(os, mine);
    CHECK(!is_there(mine));
    CHECK(unlink(tarn_base_arena_printf(&arena, "%s/d", young)) == 0 && rmdir(young) == 0);
    CHECK(rmdir(root) == 0);
}

static void an_owner_elsewhere_is_never_called_dead(void) {
    static const char *const texts[] = {"", "x", "x.1", "other.1.1", "unknown.999999.5",
                                        "other.abc.def", ".1.1", "a.b.c.d"};
    TarnError error;
    TarnOsOwner state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        CHECK_OK(tarn_os_owner_state(os, texts[i], &state, &error), &error);
        CHECK_INT(state, TARN_OS_OWNER_ELSEWHERE);
    }
}

static void the_process_knows_itself(void) {
    TarnError error;
    const char *path;
    CHECK_OK(os->executable_path(os, &arena, &path, &error), &error);
    char *own = realpath(program, NULL);
    CHECK_STRING(path, own);
    free(own);
    CHECK(os->processors(os) >= 1);
    CHECK_INT(os->process_id(os), getpid());
    CHECK(os->process_started(os, getpid()) > 0);
    CHECK_INT(os->process_started(os, 0), 0);
    CHECK_INT(os->process_started(os, INT64_MAX), 0);
    setenv("TARN_TEST_VARIABLE", "yes", 1);
    CHECK_STRING(os->environment(os, "TARN_TEST_VARIABLE"), "yes");
    CHECK_STRING(os->environment(os, "TARN_TEST_NO_VARIABLE"), NULL);
    TarnOsTerminal terminal = os->terminal(os, TARN_OS_STDOUT);
    CHECK_INT(terminal.is_terminal, isatty(STDOUT_FILENO));
}

typedef struct Tally {
    atomic_int runs[1000];
    atomic_int total;
    size_t fail_at;
    size_t fail_at_too;
} Tally;

static bool count_task(void *state, size_t index, TarnError *error) {
    Tally *tally = state;
    atomic_fetch_add(&tally->runs[index], 1);
    atomic_fetch_add(&tally->total, 1);
    if (index == tally->fail_at || index == tally->fail_at_too) {
        return tarn_base_error_set(error, TARN_E_IO, "task %zu", index);
    }
    return true;
}

static void parallel_runs_each_task_once(void) {
    TarnError error;
    for (uint32_t threads = 0; threads <= 100; threads += 20) {
        static Tally tally;
        memset(&tally, 0, sizeof(tally));
        tally.fail_at = tally.fail_at_too = SIZE_MAX;
        CHECK_OK(tarn_os_parallel(threads, 1000, count_task, &tally, &error), &error);
        for (size_t i = 0; i < 1000; i++) CHECK_INT(tally.runs[i], 1);
        CHECK_OK(tarn_os_parallel(threads, 0, count_task, &tally, &error), &error);
    }
}

static void parallel_stops_at_a_failure(void) {
    TarnError error;
    for (uint32_t threads = 1; threads <= 8; threads++) {
        static Tally tally;
        memset(&tally, 0, sizeof(tally));
        tally.fail_at = 3;
        tally.fail_at_too = 500;
        CHECK(!tarn_os_parallel(threads, 1000, count_task, &tally, &error));
        CHECK_STRING(error.message, "task 3");
        CHECK(tally.runs[3] == 1 && tally.total < 1000);
        if (threads == 1) CHECK_INT(tally.total, 4);
        CHECK(!tarn_os_parallel(threads, 1000, count_task, &tally, NULL));
    }
}

/* The error that is told does not depend on which thread was faster. */
static bool fail_late(void *state, size_t index, TarnError *error) {
    atomic_bool *second_failed = state;
    if (index == 0) {
        while (!atomic_load(second_failed)) usleep(100);
        usleep(2000);
    }
    atomic_store(second_failed, true);
    return tarn_base_error_set(error, TARN_E_IO, "task %zu", index);
}

static void parallel_tells_the_error_of_the_lowest_index(void) {
    TarnError error;
    atomic_bool second_failed = false;
    CHECK(!tarn_os_parallel(2, 2, fail_late, &second_failed, &error));
    CHECK_STRING(error.message, "task 0");
}

static void a_signal_sets_the_flag_and_ends_a_wait(void) {
    TarnError error;
    REQUIRE_OK(tarn_os_signals_install(&error), &error);
    CHECK(!tarn_os_interrupted());
    CHECK_OK(tarn_os_interrupt_check(&error), &error);
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        usleep(30000);
        kill(parent, SIGINT);
        _exit(0);
    }
    int64_t start = os->monotonic_us(os);
    CHECK(!os->sleep_us(os, 60000000, &error));
    CHECK_INT(error.code, TARN_E_INTERRUPTED);
    CHECK(os->monotonic_us(os) - start < 5000000);
    CHECK(tarn_os_interrupted());
    CHECK(!tarn_os_interrupt_check(&error));
    tarn_os_interrupt_clear();
    CHECK(!tarn_os_interrupted());
    waitpid(child, NULL, 0);
}

static void the_second_signal_ends_the_process(void) {
    pid_t child = fork();
    if (child == 0) {
        tarn_os_interrupt_clear();
        raise(SIGTERM);
        if (!tarn_os_interrupted()) _exit(1);
        raise(SIGTERM);
        _exit(2);
    }
    int status;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 128 + SIGTERM);
}

static void a_closed_pipe_does_not_kill(void) {
    int pipes[2];
    REQUIRE(pipe(pipes) == 0);
    close(pipes[0]);
    CHECK(write(pipes[1], "x", 1) == -1 && errno == EPIPE);
    close(pipes[1]);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    os = tarn_os_posix();
    program = argv[0];
    tarn_base_arena_init(&arena, TARN_MIB);
    TAP_TEST(uuids_have_their_form);
    TAP_TEST(version_7_sorts_by_time);
    TAP_TEST(no_randomness_is_an_error);
    TAP_TEST(an_owner_is_alive_while_its_process_is);
    TAP_TEST(scratch_folders_of_the_dead_are_swept);
    TAP_TEST(an_owner_elsewhere_is_never_called_dead);
    TAP_TEST(the_process_knows_itself);
    TAP_TEST(parallel_runs_each_task_once);
    TAP_TEST(parallel_stops_at_a_failure);
    TAP_TEST(parallel_tells_the_error_of_the_lowest_index);
    TAP_TEST(a_signal_sets_the_flag_and_ends_a_wait);
    TAP_TEST(the_second_signal_ends_the_process);
    TAP_TEST(a_closed_pipe_does_not_kill);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
