/* Files, names and folders of the real TarnOs, and the helpers built on its members. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "fake_os.h"
#include "os/os.h"
#include "scratch.h"
#include "tap.h"

static const TarnOs *os;
static Scratch scratch;
static TarnArena arena;

static void reads_what_was_written(void) {
    TarnError error;
    TarnOsFile *file;
    const char *path = scratch_at(&scratch, "written");
    REQUIRE_OK(os->file_open(os, path, TARN_OS_CREATE, &file, &error), &error);
    CHECK_OK(tarn_os_file_write_all(os, file, "hello ", 6, &error), &error);
    CHECK_OK(tarn_os_file_write_all(os, file, "world", 5, &error), &error);
    CHECK_OK(os->file_writeback(os, file, &error), &error);
    CHECK_OK(os->file_sync(os, file, &error), &error);
    TarnOsStat stat;
    CHECK_OK(os->file_stat(os, file, &stat, &error), &error);
    CHECK_INT(stat.size, 11);
    CHECK_INT(stat.kind, TARN_OS_FILE);
    CHECK_INT(stat.links, 1);
    CHECK(stat.mtime_ns / 1000000000 - os->clock_us(os) / 1000000 < 5);
    char part[5];
    CHECK_OK(tarn_os_file_read_exact(os, file, 6, part, 5, &error), &error);
    CHECK(memcmp(part, "world", 5) == 0);
    CHECK(!tarn_os_file_read_exact(os, file, 8, part, 5, &error));
    CHECK_INT(error.code, TARN_E_FORMAT_CORRUPT);
    CHECK_OK(os->file_close(os, file, &error), &error);
    TarnText content;
    CHECK_OK(tarn_os_file_read_all(os, path, 11, &arena, &content, &error), &error);
    CHECK_STRING(content.data, "hello world");
    CHECK_OK(os->file_close(os, NULL, &error), &error);
}

static void appends(void) {
    TarnError error;
    TarnOsFile *file;
    TarnText content;
    const char *path = scratch_at(&scratch, "log");
    for (int i = 0; i < 2; i++) {
        REQUIRE_OK(os->file_open(os, path, TARN_OS_APPEND, &file, &error), &error);
        CHECK_OK(tarn_os_file_write_all(os, file, "line\n", 5, &error), &error);
        CHECK_OK(os->file_close(os, file, &error), &error);
    }
    CHECK_OK(tarn_os_file_read_all(os, path, 100, &arena, &content, &error), &error);
    CHECK_STRING(content.data, "line\nline\n");
}

static void refuses_what_is_larger_than_the_limit(void) {
    TarnError error;
    TarnText content;
    const char *path = scratch_at(&scratch, "large");
    scratch_write(path, "0123456789");
    CHECK(!tarn_os_file_read_all(os, path, 9, &arena, &content, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    CHECK(strstr(error.message, path) != NULL);
    CHECK_OK(tarn_os_file_read_all(os, path, 10, &arena, &content, &error), &error);
    TarnArena small;
    tarn_base_arena_init(&small, 4);
    CHECK(!tarn_os_file_read_all(os, path, 10, &small, &content, &error));
    CHECK_INT(error.code, TARN_E_OUT_OF_MEMORY);
    tarn_base_arena_dispose(&small);
}

/* Every refusal has its code and names the path. */
static void check_open(const char *path, TarnOsOpen how, TarnErrorCode code, int line) {
    TarnError error;
    TarnOsFile *file;
    tarn_base_error_clear(&error);
    bool opened = os->file_open(os, path, how, &file, &error);
    tap_int(__FILE__, line, path, opened, false);
    tap_int(__FILE__, line, path, error.code, code);
    if (strstr(error.message, path) == NULL) tap_fail(__FILE__, line, error.message);
    if (opened) os->file_close(os, file, NULL);
}

static void open_tells_why(void) {
    const char *missing = scratch_at(&scratch, "missing");
    check_open(missing, TARN_OS_READ, TARN_E_OBJECT_NOT_FOUND, __LINE__);
    check_open(scratch_at(&scratch, "missing/x"), TARN_OS_CREATE, TARN_E_OBJECT_NOT_FOUND,
               __LINE__);
    const char *there = scratch_at(&scratch, "there");
    scratch_write(there, "x");
    check_open(there, TARN_OS_CREATE, TARN_E_OBJECT_EXISTS, __LINE__);
    check_open(scratch_at(&scratch, "there/x"), TARN_OS_READ, TARN_E_OBJECT_NOT_FOUND, __LINE__);
    check_open(scratch.path, TARN_OS_READ, TARN_E_IO, __LINE__);
    check_open("/dev/null", TARN_OS_READ, TARN_E_IO, __LINE__);
    const char *pipe_path = scratch_at(&scratch, "pipe");
    REQUIRE(mkfifo(pipe_path, 0600) == 0);
    check_open(pipe_path, TARN_OS_READ, TARN_E_IO, __LINE__); /* and does not wait for a writer */
    char *long_name = tarn_base_arena_alloc(&arena, 5000);
    memset(long_name, 'a', 4990);
    TarnError error;
    TarnOsFile *file;
    CHECK(!os->file_open(os, long_name, TARN_OS_READ, &file, &error));
    CHECK_INT(error.code, TARN_E_NAME_INVALID);
}

static void writing_does_not_follow_a_planted_link(void) {
    const char *target = scratch_at(&scratch, "target");
    const char *link = scratch_at(&scratch, "link");
    scratch_write(target, "precious");
    REQUIRE(symlink(target, link) == 0);
    check_open(link, TARN_OS_CREATE, TARN_E_OBJECT_EXISTS, __LINE__);
    check_open(link, TARN_OS_APPEND, TARN_E_IO, __LINE__);
    check_open(link, TARN_OS_LOCK, TARN_E_IO, __LINE__);
    const char *dangling = scratch_at(&scratch, "dangling");
    REQUIRE(symlink(scratch_at(&scratch, "nowhere"), dangling) == 0);
    check_open(dangling, TARN_OS_CREATE, TARN_E_OBJECT_EXISTS, __LINE__);
    CHECK(access(scratch_at(&scratch, "nowhere"), F_OK) != 0);
    TarnError error;
    TarnOsFile *file;
    CHECK_OK(os->file_open(os, link, TARN_OS_READ, &file, &error), &error);
    tarn_os_file_discard(os, file);
}

static void secrets_are_for_the_owner_only(void) {
    TarnError error;
    TarnOsFile *file;
    const char *path = scratch_at(&scratch, "secret");
    mode_t before = umask(0);
    bool ok = os->file_open(os, path, TARN_OS_CREATE_SECRET, &file, &error);
    umask(before);
    REQUIRE_OK(ok, &error);
    tarn_os_file_discard(os, file);
    struct stat stat_;
    REQUIRE(stat(path, &stat_) == 0);
    CHECK_INT(stat_.st_mode & 0777, 0600);
}

static void on_alarm(int signal_number) { (void)signal_number; }

static pid_t start_slow_writer(const char *path) {
    pid_t child = fork();
    if (child != 0) return child;
    int fd = open(path, O_WRONLY);
    for (int i = 0; i < 3; i++) {
        if (write(fd, "abc", 3) != 3) _exit(1);
        usleep(10000);
    }
    _exit(0);
}

/* Signals come every half millisecond while open, read and sleep wait: none may notice. */
static void signals_do_not_disturb_waiting_calls(void) {
    TarnError error;
    TarnOsFile *file;
    const char *path = scratch_at(&scratch, "stream");
    REQUIRE(mkfifo(path, 0600) == 0);
    pid_t child = start_slow_writer(path);
    struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART */
    sigaction(SIGALRM, &action, NULL);
    ualarm(500, 500);
    bool opened = os->file_open(os, path, TARN_OS_READ_STREAM, &file, &error);
    char data[16] = {0};
    size_t total = 0;
    size_t got = opened ? 1 : 0;
    bool ok = opened;
    while (ok && got > 0 && total < sizeof(data)) {
        ok = os->file_read(os, file, 999, data + total, sizeof(data) - total, &got, &error);
        total += got;
    }
    int64_t start = os->monotonic_us(os);
    bool slept = os->sleep_us(os, 20000, NULL);
    int64_t slept_us = os->monotonic_us(os) - start;
    ualarm(0, 0);
    CHECK_OK(ok, &error);
    CHECK_STRING(data, "abcabcabc");
    CHECK(slept && slept_us >= 20000);
    if (opened) tarn_os_file_discard(os, file);
    waitpid(child, NULL, 0);
}

static void names(void) {
    TarnError error;
    const char *a = scratch_at(&scratch, "name-a");
    const char *b = scratch_at(&scratch, "name-b");
    const char *c = scratch_at(&scratch, "name-c");
    TarnOsStat stat;
    bool existed;
    scratch_write(a, "a");
    CHECK_OK(os->link(os, a, b, &error), &error);
    CHECK(!os->link(os, a, b, &error));
    CHECK_INT(error.code, TARN_E_OBJECT_EXISTS);
    CHECK_OK(os->stat(os, a, false, &stat, &error), &error);
    CHECK_INT(stat.links, 2);
    scratch_write(c, "c");
    CHECK(!os->rename(os, a, c, false, &error));
    CHECK_INT(error.code, TARN_E_OBJECT_EXISTS);
    CHECK_OK(os->rename(os, a, c, true, &error), &error);
    CHECK_OK(os->stat(os, a, false, &stat, &error), &error);
    CHECK_INT(stat.kind, TARN_OS_ABSENT);
    CHECK(!os->rename(os, a, c, true, &error));
    CHECK_INT(error.code, TARN_E_OBJECT_NOT_FOUND);
    CHECK_OK(os->unlink(os, c, &existed, &error), &error);
    CHECK(existed);
    CHECK_OK(os->unlink(os, c, &existed, &error), &error);
    CHECK(!existed);
    CHECK(!os->unlink(os, scratch.path, &existed, &error));
    CHECK(!existed);
    CHECK_OK(os->stat(os, scratch_at(&scratch, "name-b/x"), true, &stat, &error), &error);
    CHECK_INT(stat.kind, TARN_OS_ABSENT);
    REQUIRE(symlink("name-b", c) == 0);
    CHECK_OK(os->stat(os, c, false, &stat, &error), &error);
    CHECK_INT(stat.kind, TARN_OS_SYMLINK);
    CHECK_OK(os->stat(os, c, true, &stat, &error), &error);
    CHECK_INT(stat.kind, TARN_OS_FILE);
    const char *real;
    CHECK_OK(os->real_path(os, c, &arena, &real, &error), &error);
    CHECK_STRING(real, b);
}

static void folders(void) {
    TarnError error;
    bool created;
    const char *deep = scratch_at(&scratch, "f/o//l/der/");
    CHECK_OK(tarn_os_directory_create_all(os, deep, true, &error), &error);
    CHECK_OK(tarn_os_directory_create_all(os, deep, true, &error), &error);
    CHECK_OK(os->directory_create(os, scratch_at(&scratch, "f/o"), &created, &error), &error);
    CHECK(!created);
    CHECK_OK(os->directory_sync(os, scratch_at(&scratch, "f"), &error), &error);
    scratch_write(scratch_at(&scratch, "f/file"), "");
    CHECK(!os->directory_create(os, scratch_at(&scratch, "f/file"), &created, &error));
    CHECK_INT(error.code, TARN_E_OBJECT_EXISTS);
    CHECK(!tarn_os_directory_create_all(os, scratch_at(&scratch, "f/file/x"), true, &error));
    CHECK_INT(error.code, TARN_E_OBJECT_NOT_FOUND);
    CHECK(!tarn_os_directory_create_all(os, scratch_at(&scratch, "f/file"), true, &error));
    CHECK(!tarn_os_directory_create_all(os, "", true, &error));
    CHECK(!os->directory_remove(os, scratch_at(&scratch, "f"), NULL, &error));
    bool existed;
    CHECK_OK(os->directory_remove(os, deep, &existed, &error), &error);
    CHECK(existed);
    CHECK_OK(os->directory_remove(os, deep, &existed, &error), &error);
    CHECK(!existed);
    CHECK(!os->directory_sync(os, deep, &error));
    CHECK_INT(error.code, TARN_E_OBJECT_NOT_FOUND);
    /* relative paths work as well */
    REQUIRE(chdir(scratch.path) == 0);
    CHECK_OK(tarn_os_directory_create_all(os, "rel/a/t", true, &error), &error);
    CHECK(access(scratch_at(&scratch, "rel/a/t"), F_OK) == 0);
    const char *here;
    CHECK_OK(os->current_directory(os, &arena, &here, &error), &error);
    CHECK_STRING(here, scratch.path);
    REQUIRE(chdir("..") == 0);
}

static void listing_is_sorted_and_bounded(void) {
    TarnError error;
    TarnOsListing listing;
    const char *folder = tarn_base_arena_string(&arena, scratch_at(&scratch, "listing"));
    REQUIRE(mkdir(folder, 0700) == 0);
    for (int i = 0; i < 300; i++) {
        char name[64];
        snprintf(name, sizeof(name), "listing/%d", (i * 7919) % 1000);
        scratch_write(scratch_at(&scratch, name), "");
    }
    REQUIRE(mkdir(scratch_at(&scratch, "listing/\xC3\xA9"), 0700) == 0);
    REQUIRE(symlink("x", scratch_at(&scratch, "listing/link")) == 0);
    REQUIRE_OK(os->directory_list(os, folder, &arena, &listing, &error), &error);
    CHECK_INT(listing.count, 302);
    for (size_t i = 1; i < listing.count; i++) {
        CHECK(strcmp(listing.items[i - 1].name, listing.items[i].name) < 0);
    }
    CHECK_INT(listing.items[300].kind, TARN_OS_SYMLINK);
    CHECK_INT(listing.items[301].kind, TARN_OS_DIRECTORY);
    TarnArena small;
    tarn_base_arena_init(&small, 4096);
    CHECK(!os->directory_list(os, folder, &small, &listing, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    tarn_base_arena_dispose(&small);
    CHECK(!os->directory_list(os, scratch_at(&scratch, "listing/1/"), &arena, &listing, &error));
}

static void locks_exclude_and_time_out(void) {
    TarnError error;
    TarnOsFile *mine;
    TarnOsFile *yours;
    const char *path = scratch_at(&scratch, "lock");
    REQUIRE_OK(os->file_open(os, path, TARN_OS_LOCK, &mine, &error), &error);
    REQUIRE_OK(os->file_open(os, path, TARN_OS_LOCK, &yours, &error), &error);
    CHECK_OK(tarn_os_file_lock(os, mine, true, 0, path, &error), &error);
    int64_t start = os->monotonic_us(os);
    CHECK(!tarn_os_file_lock(os, yours, false, 50, path, &error));
    int64_t waited_ms = (os->monotonic_us(os) - start) / 1000;
    CHECK(waited_ms >= 50 && waited_ms < 2000);
    CHECK_INT(error.code, TARN_E_DATABASE_BUSY);
    CHECK(error.retryable);
    tarn_os_interrupt();
    CHECK(!tarn_os_file_lock(os, yours, false, 10000, path, &error));
    CHECK_INT(error.code, TARN_E_INTERRUPTED);
    tarn_os_interrupt_clear();
    tarn_os_file_discard(os, mine);
    CHECK_OK(tarn_os_file_lock(os, yours, false, 0, path, &error), &error);
    tarn_os_file_discard(os, yours);
}

static void parents(void) {
    static const char *const cases[][2] = {{"/a/b", "/a"}, {"/a", "/"},       {"/", "/"},
                                           {"a", "."},     {"a/b/", "a"},     {"/a//b//", "/a"},
                                           {"", "."},      {"//a", "/"},      {"a/b/c", "a/b"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *parent = tarn_base_text_string(&arena, tarn_os_parent(cases[i][0]));
        CHECK_STRING(parent, cases[i][1]);
    }
}

static void volumes_have_space(void) {
    TarnError error;
    TarnOsVolume volume;
    CHECK_OK(os->volume(os, scratch.path, &volume, &error), &error);
    CHECK(volume.total_bytes > 0 && volume.free_bytes <= volume.total_bytes);
    CHECK(!volume.read_only);
    CHECK(!os->volume(os, scratch_at(&scratch, "missing"), &volume, &error));
    CHECK_INT(error.code, TARN_E_OBJECT_NOT_FOUND);
}

static void the_loops_survive_short_transfers(void) {
    FakeOs *fake = fake_os_new(&(FakeOsOptions){.seed = 7, .short_transfers = true});
    const TarnOs *short_os = fake_os(fake);
    TarnError error;
    TarnOsFile *file;
    TarnText content;
    char data[5000];
    for (size_t i = 0; i < sizeof(data); i++) data[i] = (char)(i * 31);
    CHECK_OK(short_os->file_open(short_os, "/x", TARN_OS_CREATE, &file, &error), &error);
    CHECK_OK(tarn_os_file_write_all(short_os, file, data, sizeof(data), &error), &error);
    tarn_os_file_discard(short_os, file);
    CHECK_OK(tarn_os_file_read_all(short_os, "/x", sizeof(data), &arena, &content, &error),
             &error);
    CHECK(content.size == sizeof(data) && memcmp(content.data, data, sizeof(data)) == 0);
    fake_os_free(fake);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    os = tarn_os_posix();
    scratch_make(&scratch);
    tarn_base_arena_init(&arena, TARN_MIB);
    TAP_TEST(reads_what_was_written);
    TAP_TEST(appends);
    TAP_TEST(refuses_what_is_larger_than_the_limit);
    TAP_TEST(open_tells_why);
    TAP_TEST(writing_does_not_follow_a_planted_link);
    TAP_TEST(secrets_are_for_the_owner_only);
    TAP_TEST(signals_do_not_disturb_waiting_calls);
    TAP_TEST(names);
    TAP_TEST(folders);
    TAP_TEST(listing_is_sorted_and_bounded);
    TAP_TEST(locks_exclude_and_time_out);
    TAP_TEST(parents);
    TAP_TEST(volumes_have_space);
    TAP_TEST(the_loops_survive_short_transfers);
    tarn_base_arena_dispose(&arena);
    scratch_remove(&scratch);
    return tap_end();
}
