/* Drafts: complete or not at all, on the real disk and on the simulated one, with every call
 * failing once. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>

#include "base/limits.h"
#include "base/log.h"
#include "fake_os.h"
#include "fault_os.h"
#include "os/os.h"
#include "scratch.h"
#include "tap.h"

static const TarnOs *real;
static Scratch scratch;
static TarnArena arena;

static bool write_draft(const TarnOs *os, const char *path, bool replace, const char *content,
                        TarnError *error) {
    TarnOsDraft draft;
    if (!tarn_os_draft_begin(os, path, replace, &draft, error)) return false;
    if (!tarn_os_draft_write(&draft, content, strlen(content), error) ||
        !tarn_os_draft_sync(&draft, error)) {
        tarn_os_draft_abort(&draft);
        return false;
    }
    bool ok = tarn_os_draft_publish(&draft, error);
    tarn_os_draft_abort(&draft); /* has nothing left to do */
    return ok;
}

static const char *content_of(const TarnOs *os, const char *path) {
    TarnText content;
    if (!tarn_os_file_read_all(os, path, 1000, &arena, &content, NULL)) return NULL;
    return content.data;
}

static size_t count_entries(const char *folder) {
    DIR *directory = opendir(folder);
    size_t count = 0;
    while (directory != NULL && readdir(directory) != NULL) count++;
    if (directory != NULL) closedir(directory);
    return count - 2;
}

static void a_name_is_given_once(void) {
    TarnError error;
    const char *folder = scratch_at(&scratch, "once");
    const char *path = scratch_at(&scratch, "once/x");
    REQUIRE(mkdir(folder, 0700) == 0);
    CHECK_OK(write_draft(real, path, false, "first", &error), &error);
    CHECK(!write_draft(real, path, false, "second", &error));
    CHECK_INT(error.code, TARN_E_OBJECT_EXISTS);
    CHECK_STRING(content_of(real, path), "first");
    CHECK_OK(write_draft(real, path, true, "third", &error), &error);
    CHECK_STRING(content_of(real, path), "third");
    CHECK_INT(count_entries(folder), 1);
    CHECK(!write_draft(real, scratch_at(&scratch, "no/x"), false, "", &error));
    CHECK_INT(error.code, TARN_E_OBJECT_NOT_FOUND);
}

static void an_abandoned_draft_leaves_nothing(void) {
    TarnError error;
    TarnOsDraft draft;
    const char *folder = scratch_at(&scratch, "abandoned");
    const char *path = scratch_at(&scratch, "abandoned/x");
    REQUIRE(mkdir(folder, 0700) == 0);
    for (int replace = 0; replace < 2; replace++) {
        REQUIRE_OK(tarn_os_draft_begin(real, path, replace == 1, &draft, &error), &error);
        CHECK_OK(tarn_os_draft_write(&draft, "x", 1, &error), &error);
        CHECK_STRING(content_of(real, path), NULL);
        tarn_os_draft_abort(&draft);
        CHECK_INT(count_entries(folder), 0);
    }
    tarn_os_draft_abort(&(TarnOsDraft){0});
}

static void replacing_a_link_leaves_its_target_alone(void) {
    TarnError error;
    const char *target = scratch_at(&scratch, "replace-target");
    const char *link = scratch_at(&scratch, "replace-link");
    scratch_write(target, "precious");
    REQUIRE(symlink(target, link) == 0);
    CHECK_OK(tarn_os_file_replace(real, link, TARN_TEXT("new"), true, &error), &error);
    CHECK_STRING(content_of(real, target), "precious");
    CHECK_STRING(content_of(real, link), "new");
}

static const FakeOsOptions disks[] = {
    {.seed = 1},
    {.seed = 2, .no_unnamed = true},
    {.seed = 3, .no_unnamed = true, .no_links = true},
};

static void works_without_unnamed_files_and_without_links(void) {
    TarnError error;
    for (size_t i = 0; i < 3; i++) {
        FakeOs *fake = fake_os_new(&disks[i]);
        const TarnOs *os = fake_os(fake);
        CHECK_OK(write_draft(os, "/x", false, "first", &error), &error);
        CHECK(!write_draft(os, "/x", false, "second", &error));
        CHECK_INT(error.code, TARN_E_OBJECT_EXISTS);
        CHECK_STRING(content_of(os, "/x"), "first");
        CHECK_INT(fake_os_count_names(fake, ""), 1);
        CHECK_INT(fake_os_counts(fake).open_files, 0);
        fake_os_free(fake);
    }
}

/* One run with the n-th call failing; false once n is beyond the last call. */
static bool fail_nth(const FakeOsOptions *disk, bool replace, FaultOsWhen when, long n) {
    TarnError error;
    tarn_base_error_clear(&error);
    FakeOs *fake = fake_os_new(disk);
    CHECK_OK(tarn_os_file_replace(fake_os(fake), "/old", TARN_TEXT("old"), true, &error), &error);
    FaultOs fault;
    fault_os_init(&fault, fake_os(fake), n, when, EIO);
    const char *path = replace ? "/old" : "/new";
    bool ok = write_draft(&fault.os, path, replace, "new", &error);
    const char *content = content_of(fake_os(fake), path);
    const char *before = replace ? "old" : NULL;
    bool unlink_failed = fault.fired && strcmp(fault.failed_call, "unlink") == 0;
    bool ambiguous = when == FAULT_OS_AFTER && fault.fired && !ok &&
                     strcmp(fault.failed_call, "rename") == 0;
    if (ok || ambiguous) CHECK_STRING(content, "new");
    if (!ok && !ambiguous) CHECK_STRING(content, before);
    if (!ok) CHECK(strstr(error.message, "injected") != NULL);
    if (!fault.fired) CHECK(ok);
    /* Only a draft whose removal itself failed may stay, under the name a sweeper knows. */
    bool may_stay = unlink_failed || when == FAULT_OS_FROM_NOW_ON;
    size_t drafts = fake_os_count_names(fake, TARN_OS_DRAFT_PREFIX);
    CHECK(drafts == 0 || (may_stay && drafts == 1));
    CHECK_INT(fake_os_counts(fake).open_files, 0);
    fake_os_free(fake);
    return fault.fired;
}

static void every_call_may_fail(void) {
    static const FaultOsWhen whens[] = {FAULT_OS_BEFORE, FAULT_OS_AFTER, FAULT_OS_FROM_NOW_ON};
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            for (int replace = 0; replace < 2; replace++) {
                long n = 1;
                while (fail_nth(&disks[i], replace == 1, whens[k], n)) n++;
                CHECK(n >= 5); /* there were calls that failed */
            }
        }
    }
}

/* After a power cut the name holds the old content, the new one, or (if it was new) is not there;
 * never a part. */
static void replace_is_atomic_across_power_cuts(void) {
    TarnError error;
    size_t olds = 0;
    size_t news = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        FakeOs *fake = fake_os_new(&(FakeOsOptions){.seed = seed});
        const TarnOs *os = fake_os(fake);
        CHECK_OK(tarn_os_file_replace(os, "/x", TARN_TEXT("the old content"), true, &error),
                 &error);
        CHECK_OK(write_draft(os, "/x", true, "the new content", &error), &error);
        fake_os_crash(fake, seed);
        const char *content = content_of(os, "/x");
        REQUIRE(content != NULL);
        olds += strcmp(content, "the old content") == 0;
        news += strcmp(content, "the new content") == 0;
        fake_os_free(fake);
    }
    CHECK_INT(olds + news, 200);
    CHECK(olds > 50 && news > 50); /* the cut did fall on both sides */
}

static void a_durable_replace_survives(void) {
    TarnError error;
    for (uint64_t seed = 0; seed < 50; seed++) {
        FakeOs *fake = fake_os_new(NULL);
        const TarnOs *os = fake_os(fake);
        CHECK_OK(tarn_os_directory_create_all(os, "/a/b", true, &error), &error);
        CHECK_OK(tarn_os_file_replace(os, "/a/b/x", TARN_TEXT("1"), true, &error), &error);
        CHECK_OK(tarn_os_file_replace(os, "/a/b/x", TARN_TEXT("2"), true, &error), &error);
        fake_os_crash(fake, seed);
        CHECK_STRING(content_of(os, "/a/b/x"), "2");
        fake_os_free(fake);
    }
    FakeOs *fake = fake_os_new(NULL);
    CHECK_OK(tarn_os_file_replace(fake_os(fake), "/x", TARN_TEXT("1"), false, &error), &error);
    fake_os_crash(fake, 0);
    CHECK_STRING(content_of(fake_os(fake), "/x"), NULL); /* nobody asked for durable */
    fake_os_free(fake);
}

static void a_full_disk_is_told_and_leaves_nothing(void) {
    TarnError error;
    FakeOs *fake = fake_os_new(&(FakeOsOptions){.capacity_bytes = 10});
    const TarnOs *os = fake_os(fake);
    CHECK_OK(write_draft(os, "/x", false, "123456", &error), &error);
    for (int replace = 0; replace < 2; replace++) {
        CHECK(!write_draft(os, replace == 1 ? "/x" : "/y", replace == 1, "12345", &error));
        CHECK_INT(error.code, TARN_E_DISK_FULL);
        CHECK_INT(fake_os_count_names(fake, ""), 1);
    }
    CHECK_OK(os->unlink(os, "/x", NULL, &error), &error);
    CHECK_OK(write_draft(os, "/y", false, "1234567890", &error), &error);
    fake_os_free(fake);
}

typedef struct Race {
    const char *path;
    pthread_barrier_t barrier;
    int wins[8];
} Race;

static bool race(void *state, size_t index, TarnError *error) {
    Race *shared = state;
    char content[8];
    snprintf(content, sizeof(content), "%zu", index);
    pthread_barrier_wait(&shared->barrier);
    if (write_draft(real, shared->path, false, content, error)) {
        shared->wins[index] = 1;
        return true;
    }
    return error->code == TARN_E_OBJECT_EXISTS;
}

static void eight_threads_race_for_one_name(void) {
    TarnError error;
    for (int round = 0; round < 20; round++) {
        char name[32];
        snprintf(name, sizeof(name), "race-%d", round);
        Race shared = {.path = scratch_at(&scratch, name)};
        pthread_barrier_init(&shared.barrier, NULL, 8);
        CHECK_OK(tarn_os_parallel(8, 8, race, &shared, &error), &error);
        pthread_barrier_destroy(&shared.barrier);
        int winner = -1;
        int wins = 0;
        for (int i = 0; i < 8; i++) {
            wins += shared.wins[i];
            if (shared.wins[i] == 1) winner = i;
        }
        CHECK_INT(wins, 1);
        const char *content = content_of(real, shared.path);
        CHECK(content != NULL && content[0] == "01234567"[winner < 0 ? 0 : winner]);
    }
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    real = tarn_os_posix();
    tarn_base_log_level(TARN_LOG_ERROR); /* the warnings about drafts left over are expected */
    scratch_make(&scratch);
    tarn_base_arena_init(&arena, 16 * TARN_MIB);
    TAP_TEST(a_name_is_given_once);
    TAP_TEST(an_abandoned_draft_leaves_nothing);
    TAP_TEST(replacing_a_link_leaves_its_target_alone);
    TAP_TEST(works_without_unnamed_files_and_without_links);
    TAP_TEST(every_call_may_fail);
    TAP_TEST(replace_is_atomic_across_power_cuts);
    TAP_TEST(a_durable_replace_survives);
    TAP_TEST(a_full_disk_is_told_and_leaves_nothing);
    TAP_TEST(eight_threads_race_for_one_name);
    tarn_base_arena_dispose(&arena);
    scratch_remove(&scratch);
    return tap_end();
}
