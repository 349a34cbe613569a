/* The simulated disk keeps its own promises: it forgets what was not synced, and only that. */
#include <errno.h>

#include "base/limits.h"
#include "fake_os.h"
#include "fault_os.h"
#include "os/os.h"
#include "tap.h"

static TarnArena arena;

static void make_file(const TarnOs *os, const char *path, const char *content, bool sync) {
    TarnError error;
    TarnOsFile *file;
    REQUIRE_OK(os->file_open(os, path, TARN_OS_CREATE, &file, &error), &error);
    CHECK_OK(tarn_os_file_write_all(os, file, content, strlen(content), &error), &error);
    CHECK_OK(os->file_writeback(os, file, &error), &error);
    if (sync) CHECK_OK(os->file_sync(os, file, &error), &error);
    tarn_os_file_discard(os, file);
}

static const char *content_of(const TarnOs *os, const char *path) {
    TarnText content;
    if (!tarn_os_file_read_all(os, path, 1000, &arena, &content, NULL)) return NULL;
    return content.data;
}

static void forgets_names_and_bytes_that_were_not_synced(void) {
    TarnError error;
    FakeOs *fake = fake_os_new(NULL);
    const TarnOs *os = fake_os(fake);
    make_file(os, "/both", "both", true);
    make_file(os, "/name-only", "bytes", false);
    CHECK_OK(os->directory_sync(os, "/", &error), &error);
    make_file(os, "/bytes-only", "bytes", true);
    make_file(os, "/nothing", "bytes", false);
    fake_os_crash(fake, 0);
    CHECK_STRING(content_of(os, "/both"), "both");
    CHECK_STRING(content_of(os, "/name-only"), "");
    CHECK_STRING(content_of(os, "/bytes-only"), NULL);
    CHECK_STRING(content_of(os, "/nothing"), NULL);
    fake_os_free(fake);
}

static void forgets_renames_links_deletions_and_folders(void) {
    TarnError error;
    FakeOs *fake = fake_os_new(NULL);
    const TarnOs *os = fake_os(fake);
    make_file(os, "/a", "a", true);
    make_file(os, "/b", "b", true);
    make_file(os, "/c", "c", true);
    CHECK_OK(os->directory_sync(os, "/", &error), &error);
    CHECK_OK(os->rename(os, "/a", "/renamed", false, &error), &error);
    CHECK_OK(os->link(os, "/b", "/linked", &error), &error);
    CHECK_OK(os->unlink(os, "/c", NULL, &error), &error);
    CHECK_OK(os->directory_create(os, "/d", NULL, &error), &error);
    make_file(os, "/d/x", "x", true);
    CHECK_OK(os->directory_sync(os, "/d", &error), &error);
    fake_os_crash(fake, 0);
    CHECK_STRING(content_of(os, "/a"), "a");
    CHECK_STRING(content_of(os, "/renamed"), NULL);
    CHECK_STRING(content_of(os, "/linked"), NULL);
    CHECK_STRING(content_of(os, "/c"), "c");
    CHECK_STRING(content_of(os, "/d/x"), NULL); /* the folder's own name was not synced */
    fake_os_free(fake);
}

static void keeps_by_chance_what_the_seed_says(void) {
    size_t lost = 0;
    size_t whole = 0;
    size_t parts = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        const char *results[2];
        for (int run = 0; run < 2; run++) {
            FakeOs *fake = fake_os_new(NULL);
            make_file(fake_os(fake), "/x", "0123456789", false);
            fake_os_crash(fake, seed);
            results[run] = content_of(fake_os(fake), "/x");
            fake_os_free(fake);
        }
        CHECK_STRING(results[0], results[1]); /* a seed is one world */
        if (results[0] == NULL) {
            lost++;
        } else if (strcmp(results[0], "0123456789") == 0) {
            whole++;
        } else {
            parts++;
            CHECK(strncmp("0123456789", results[0], strlen(results[0])) == 0);
        }
    }
    CHECK(lost > 30 && whole > 30 && parts > 30);
}

static void files_of_before_the_crash_are_dead(void) {
    TarnError error;
    FakeOs *fake = fake_os_new(NULL);
    const TarnOs *os = fake_os(fake);
    TarnOsFile *file;
    const char *owner;
    TarnOsOwner state;
    CHECK_OK(tarn_os_owner(os, &arena, &owner, &error), &error);
    CHECK_OK(os->file_open(os, "/x", TARN_OS_CREATE, &file, &error), &error);
    fake_os_crash(fake, 0);
    CHECK(!tarn_os_file_write_all(os, file, "x", 1, &error));
    CHECK(!os->file_sync(os, file, &error));
    tarn_os_file_discard(os, file);
    CHECK_OK(tarn_os_owner_state(os, owner, &state, &error), &error);
    CHECK_INT(state, TARN_OS_OWNER_DEAD);
    CHECK_INT(fake_os_counts(fake).open_files, 0);
    fake_os_free(fake);
}

static void the_failing_one_fails_the_nth_call_only(void) {
    TarnError error;
    FakeOs *fake = fake_os_new(NULL);
    FaultOs fault;
    fault_os_init(&fault, fake_os(fake), 2, FAULT_OS_BEFORE, ENOSPC);
    CHECK_OK(fault.os.directory_create(&fault.os, "/a", NULL, &error), &error);
    CHECK(!fault.os.directory_create(&fault.os, "/b", NULL, &error));
    CHECK_INT(error.code, TARN_E_DISK_FULL);
    CHECK_STRING(fault.failed_call, "directory_create");
    CHECK_OK(fault.os.directory_create(&fault.os, "/b", NULL, &error), &error);
    fault_os_init(&fault, fake_os(fake), 1, FAULT_OS_AFTER, EIO);
    CHECK(!fault.os.directory_create(&fault.os, "/c", NULL, &error));
    TarnOsStat stat;
    CHECK_OK(fault.os.stat(&fault.os, "/c", true, &stat, &error), &error);
    CHECK_INT(stat.kind, TARN_OS_DIRECTORY); /* done, and denied */
    fault_os_init(&fault, fake_os(fake), 1, FAULT_OS_FROM_NOW_ON, EIO);
    CHECK(!fault.os.directory_create(&fault.os, "/d", NULL, &error));
    CHECK(!fault.os.directory_create(&fault.os, "/e", NULL, &error));
    fake_os_free(fake);
}

static void locks_of_the_fake_exclude(void) {
    TarnError error;
    FakeOs *fake = fake_os_new(NULL);
    const TarnOs *os = fake_os(fake);
    TarnOsFile *files[3];
    for (int i = 0; i < 3; i++) {
        REQUIRE_OK(os->file_open(os, "/lock", TARN_OS_LOCK, &files[i], &error), &error);
    }
    CHECK_OK(tarn_os_file_lock(os, files[0], false, 0, "/lock", &error), &error);
    CHECK_OK(tarn_os_file_lock(os, files[1], false, 0, "/lock", &error), &error);
    CHECK(!tarn_os_file_lock(os, files[2], true, 100, "/lock", &error)); /* on the fake's clock */
    tarn_os_file_discard(os, files[0]);
    tarn_os_file_discard(os, files[1]);
    CHECK_OK(tarn_os_file_lock(os, files[2], true, 0, "/lock", &error), &error);
    tarn_os_file_discard(os, files[2]);
    fake_os_free(fake);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    tarn_base_arena_init(&arena, 16 * TARN_MIB);
    TAP_TEST(forgets_names_and_bytes_that_were_not_synced);
    TAP_TEST(forgets_renames_links_deletions_and_folders);
    TAP_TEST(keeps_by_chance_what_the_seed_says);
    TAP_TEST(files_of_before_the_crash_are_dead);
    TAP_TEST(the_failing_one_fails_the_nth_call_only);
    TAP_TEST(locks_of_the_fake_exclude);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
