/* What survives a power cut, on the simulated disk; and every call failing once. */
#include <errno.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "fake_os.h"
#include "fault_os.h"
#include "store/store.h"
#include "tap.h"

static TarnArena arena;

static TarnStore *open_store(const TarnOs *os, TarnStoreSync sync) {
    TarnError error;
    TarnStore *store;
    TarnStoreOptions options = {.sync = sync, .create_root = true};
    if (!tarn_store_open(os, "/lake", &options, &store, &error)) {
        printf("Bail out! %s\n", error.message);
        abort();
    }
    return store;
}

static const char *content_of(const TarnOs *os, const char *path) {
    TarnText content;
    if (!tarn_os_file_read_all(os, path, 1000, &arena, &content, NULL)) return NULL;
    return content.data;
}

/* As DuckDB does: folders and files, nothing synced. */
static bool write_as_engine(const TarnOs *os, const char *folder, const char *path,
                            TarnError *error) {
    TarnOsFile *file;
    if (!tarn_os_directory_create_all(os, folder, false, error)) return false;
    if (!os->file_open(os, path, TARN_OS_CREATE, &file, error)) return false;
    bool ok = tarn_os_file_write_all(os, file, "rows", 4, error);
    tarn_os_file_discard(os, file);
    return ok;
}

/* One commit's files: two by the engine in new folders, two by us. */
static bool write_commit(TarnStore *store, const TarnOs *engine_os, TarnStoreBatch *batch,
                         TarnError *error) {
    return write_as_engine(engine_os, "/lake/t/data/day=1", "/lake/t/data/day=1/a.parquet",
                           error) &&
           write_as_engine(engine_os, "/lake/t/data/day=2", "/lake/t/data/day=2/b.parquet",
                           error) &&
           tarn_store_batch_add(batch, "/lake/t/data/day=1/a.parquet", error) &&
           tarn_store_batch_add(batch, "file:///lake/t/data/day=2/b.parquet", error) &&
           tarn_store_put(store, "/lake/t/metadata/m.avro", TARN_TEXT("manifest"),
                          TARN_STORE_IF_ABSENT, batch, error) &&
           tarn_store_put(store, "/lake/t/metadata/v1.json", TARN_TEXT("metadata"),
                          TARN_STORE_IF_ABSENT, batch, error);
}

static bool commit_is_there(const TarnOs *os) {
    const char *a = content_of(os, "/lake/t/data/day=1/a.parquet");
    const char *b = content_of(os, "/lake/t/data/day=2/b.parquet");
    const char *manifest = content_of(os, "/lake/t/metadata/m.avro");
    const char *metadata = content_of(os, "/lake/t/metadata/v1.json");
    return a != NULL && b != NULL && manifest != NULL && metadata != NULL &&
           strcmp(a, "rows") == 0 && strcmp(b, "rows") == 0 && strcmp(manifest, "manifest") == 0 &&
           strcmp(metadata, "metadata") == 0;
}

static void a_synced_batch_survives_every_power_cut(void) {
    TarnError error;
    for (uint64_t seed = 0; seed < 100; seed++) {
        FakeOs *fake = fake_os_new(&(FakeOsOptions){.seed = seed, .no_unnamed = seed % 2 == 0});
        const TarnOs *os = fake_os(fake);
        TarnStore *store = open_store(os, TARN_STORE_SYNC_FULL);
        TarnStoreBatch batch;
        tarn_store_batch_init(&batch, store);
        CHECK_OK(write_commit(store, os, &batch, &error), &error);
        CHECK_OK(tarn_store_batch_sync(&batch, &error), &error);
        CHECK_INT(batch.count, 0);
        fake_os_crash(fake, seed);
        CHECK(commit_is_there(os));
        tarn_store_batch_dispose(&batch);
        tarn_store_close(store);
        fake_os_free(fake);
    }
}

static void an_unsynced_batch_is_gone(void) {
    TarnError error;
    for (int mode = 0; mode < 2; mode++) {
        FakeOs *fake = fake_os_new(NULL);
        const TarnOs *os = fake_os(fake);
        TarnStore *store =
            open_store(os, mode == 0 ? TARN_STORE_SYNC_FULL : TARN_STORE_SYNC_CATALOG);
        TarnStoreBatch batch;
        tarn_store_batch_init(&batch, store);
        fake_os_reset_counts(fake);
        CHECK_OK(write_commit(store, os, &batch, &error), &error);
        if (mode == 1) CHECK_OK(tarn_store_batch_sync(&batch, &error), &error);
        CHECK_INT(fake_os_counts(fake).file_syncs, 0);
        CHECK_INT(fake_os_counts(fake).directory_syncs, 0);
        CHECK(commit_is_there(os));
        fake_os_crash(fake, 0);
        CHECK_STRING(content_of(os, "/lake/t/data/day=1/a.parquet"), NULL);
        CHECK_STRING(content_of(os, "/lake/t/metadata/v1.json"), NULL);
        tarn_store_batch_dispose(&batch);
        tarn_store_close(store);
        fake_os_free(fake);
    }
}

static void without_a_batch_a_put_is_durable_at_once(void) {
    TarnError error;
    for (uint64_t seed = 0; seed < 60; seed++) {
        FakeOs *fake = fake_os_new(NULL);
        const TarnOs *os = fake_os(fake);
        TarnStore *store = open_store(os, TARN_STORE_SYNC_FULL);
        TarnStorePut how = seed % 2 == 0 ? TARN_STORE_IF_ABSENT : TARN_STORE_REPLACE;
        CHECK_OK(tarn_store_put(store, "/lake/a/b/x", TARN_TEXT("x"), how, NULL, &error), &error);
        CHECK_OK(tarn_store_put_file(store, "/lake/c/y", "/lake/a/b/x", how, NULL, &error),
                 &error);
        fake_os_crash(fake, seed);
        CHECK_STRING(content_of(os, "/lake/a/b/x"), "x");
        CHECK_STRING(content_of(os, "/lake/c/y"), "x");
        tarn_store_close(store);
        fake_os_free(fake);
    }
}

/* All writes are started before the first one is waited for, and no folder is synced twice. */
static void writes_start_together_and_folders_sync_once(void) {
    TarnError error;
    FakeOs *fake = fake_os_new(NULL);
    const TarnOs *os = fake_os(fake);
    TarnStore *store = open_store(os, TARN_STORE_SYNC_FULL);
    TarnStoreBatch batch;
    tarn_store_batch_init(&batch, store);
    CHECK_OK(write_commit(store, os, &batch, &error), &error);
    CHECK_OK(tarn_store_batch_add(&batch, "/lake//t/./metadata/m.avro", &error), &error);
    fake_os_reset_counts(fake);
    CHECK_OK(tarn_store_batch_sync(&batch, &error), &error);
    FakeOsCounts counts = fake_os_counts(fake);
    CHECK(counts.writebacks >= 4);
    CHECK_INT(counts.writebacks_after_sync, 0);
    CHECK(counts.file_syncs >= 4 && counts.file_syncs <= 5);
    CHECK_INT(counts.directory_syncs, 6); /* day=1 day=2 metadata data t lake */
    CHECK_OK(tarn_store_batch_sync(&batch, &error), &error);
    CHECK_INT(fake_os_counts(fake).directory_syncs, 6); /* nothing was left to do */
    tarn_store_batch_dispose(&batch);
    tarn_store_close(store);
    fake_os_free(fake);
}

static size_t folder_syncs_of_a_put(FakeOs *fake, TarnStore *store, const char *location) {
    TarnError error;
    fake_os_reset_counts(fake);
    CHECK_OK(tarn_store_put(store, location, TARN_TEXT("x"), TARN_STORE_IF_ABSENT, NULL, &error),
             &error);
    return fake_os_counts(fake).directory_syncs;
}

static void folders_above_are_synced_again_only_when_they_changed(void) {
    TarnError error;
    FakeOs *fake = fake_os_new(NULL);
    const TarnOs *os = fake_os(fake);
    int64_t now = os->clock_us(os);
    TarnStore *store = open_store(os, TARN_STORE_SYNC_FULL);
    CHECK_INT(folder_syncs_of_a_put(fake, store, "/lake/t/data/1"), 3);
    /* the folders are new: the same tick of the clock could still hide a change */
    CHECK_INT(folder_syncs_of_a_put(fake, store, "/lake/t/data/2"), 3);
    fake_os_set_clock_us(fake, now + 10000000);
    CHECK_INT(folder_syncs_of_a_put(fake, store, "/lake/t/data/3"), 3);
    CHECK_INT(folder_syncs_of_a_put(fake, store, "/lake/t/data/4"), 1);
    /* another process makes a table and does not sync it */
    CHECK_OK(tarn_os_directory_create_all(os, "/lake/u/data", false, &error), &error);
    CHECK_INT(folder_syncs_of_a_put(fake, store, "/lake/u/data/1"), 3);
    CHECK_INT(folder_syncs_of_a_put(fake, store, "/lake/t/data/5"), 2); /* lake has changed */
    fake_os_crash(fake, 0);
    CHECK_STRING(content_of(os, "/lake/u/data/1"), "x");
    CHECK_STRING(content_of(os, "/lake/t/data/5"), "x");
    tarn_store_close(store);
    fake_os_free(fake);
}

static void a_batch_that_failed_never_becomes_durable(void) {
    TarnError error;
    FakeOs *fake = fake_os_new(NULL);
    const TarnOs *os = fake_os(fake);
    TarnStore *store = open_store(os, TARN_STORE_SYNC_FULL);
    TarnStoreBatch batch;
    tarn_store_batch_init(&batch, store);
    CHECK_OK(write_commit(store, os, &batch, &error), &error);
    CHECK_OK(os->unlink(os, "/lake/t/data/day=1/a.parquet", NULL, &error), &error);
    CHECK(!tarn_store_batch_sync(&batch, &error));
    CHECK_INT(error.code, TARN_E_OBJECT_NOT_FOUND);
    CHECK_OK(write_as_engine(os, "/lake/t/data/day=1", "/lake/t/data/day=1/a.parquet", &error),
             &error);
    CHECK(!tarn_store_batch_sync(&batch, &error)); /* although everything is there now */
    CHECK_INT(error.code, TARN_E_IO);
    tarn_store_batch_dispose(&batch);
    tarn_store_batch_init(&batch, store);
    CHECK_OK(tarn_store_batch_add(&batch, "/lake/t/metadata/m.avro", &error), &error);
    tarn_base_fault_init("store.batch.before_sync=error");
    CHECK(!tarn_store_batch_sync(&batch, &error));
    tarn_base_fault_init(NULL);
    CHECK_INT(error.code, TARN_E_FAULT_INJECTED);
    CHECK(!tarn_store_batch_sync(&batch, &error));
    tarn_store_batch_dispose(&batch);
    tarn_store_close(store);
    fake_os_free(fake);
}

static void a_put_that_failed_is_not_in_the_batch(void) {
    TarnError error;
    FakeOs *fake = fake_os_new(NULL);
    TarnStore *store = open_store(fake_os(fake), TARN_STORE_SYNC_FULL);
    TarnStoreBatch batch;
    tarn_store_batch_init(&batch, store);
    tarn_base_fault_init("store.put.after_write=error");
    CHECK(!tarn_store_put(store, "/lake/x", TARN_TEXT("x"), TARN_STORE_IF_ABSENT, &batch, &error));
    CHECK(!tarn_store_put_file(store, "/lake/y", "/lake/none", TARN_STORE_REPLACE, &batch, &error));
    tarn_base_fault_init(NULL);
    CHECK_INT(batch.count, 0);
    CHECK_OK(tarn_store_batch_sync(&batch, &error), &error);
    tarn_store_batch_dispose(&batch);
    tarn_store_close(store);
    fake_os_free(fake);
}

static const FakeOsOptions disks[] = {
    {.seed = 1, .short_transfers = true},
    {.seed = 2, .no_unnamed = true},
    {.seed = 3, .no_unnamed = true, .no_links = true},
};

/* A commit in which the n-th call fails. True was said only if it survives a power cut. */
static bool fail_nth_of_commit(const FakeOsOptions *disk, FaultOsWhen when, long n) {
    TarnError error;
    tarn_base_error_clear(&error);
    FakeOs *fake = fake_os_new(disk);
    TarnStore *first = open_store(fake_os(fake), TARN_STORE_SYNC_FULL);
    tarn_store_close(first);
    FaultOs fault;
    fault_os_init(&fault, fake_os(fake), 0, when, EIO);
    TarnStore *store = open_store(&fault.os, TARN_STORE_SYNC_FULL);
    fault.fail_at = n;
    TarnStoreBatch batch;
    tarn_store_batch_init(&batch, store);
    bool ok = write_commit(store, fake_os(fake), &batch, &error) &&
              tarn_store_batch_sync(&batch, &error);
    if (!ok) CHECK(strstr(error.message, "injected") != NULL && error.code != TARN_OK);
    if (!fault.fired) CHECK(ok);
    bool may_stay = when == FAULT_OS_FROM_NOW_ON ||
                    (fault.fired && strcmp(fault.failed_call, "unlink") == 0);
    CHECK(may_stay || fake_os_count_names(fake, TARN_OS_DRAFT_PREFIX) == 0);
    CHECK_INT(fake_os_counts(fake).open_files, 0);
    fake_os_crash(fake, (uint64_t)n);
    if (ok) CHECK(commit_is_there(fake_os(fake)));
    tarn_store_batch_dispose(&batch);
    tarn_store_close(store);
    fake_os_free(fake);
    return fault.fired;
}

static void every_call_of_a_commit_may_fail(void) {
    static const FaultOsWhen whens[] = {FAULT_OS_BEFORE, FAULT_OS_AFTER, FAULT_OS_FROM_NOW_ON};
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            long n = 1;
            while (fail_nth_of_commit(&disks[i], whens[k], n)) n++;
            CHECK(n > 30);
        }
    }
}

/* A single durable write in which the n-th call fails: if it said no, a new name is not there. */
static bool fail_nth_of_put(const FakeOsOptions *disk, TarnStorePut how, FaultOsWhen when, long n) {
    TarnError error;
    FakeOs *fake = fake_os_new(disk);
    TarnStore *first = open_store(fake_os(fake), TARN_STORE_SYNC_FULL);
    CHECK_OK(tarn_store_put(first, "/lake/old", TARN_TEXT("old"), how, NULL, &error), &error);
    tarn_store_close(first);
    FaultOs fault;
    fault_os_init(&fault, fake_os(fake), 0, when, ENOSPC);
    TarnStore *store = open_store(&fault.os, TARN_STORE_SYNC_FULL);
    fault.fail_at = n;
    tarn_base_error_clear(&error);
    const char *location = how == TARN_STORE_REPLACE ? "/lake/old" : "/lake/a/new";
    bool ok = tarn_store_put(store, location, TARN_TEXT("new"), how, NULL, &error);
    const char *content = content_of(fake_os(fake), location);
    bool is_new = content != NULL && strcmp(content, "new") == 0;
    bool dead = when == FAULT_OS_FROM_NOW_ON; /* then nothing could be cleaned up */
    bool renamed = fault.fired && strcmp(fault.failed_call, "rename") == 0;
    if (ok) CHECK(is_new);
    if (!ok) CHECK_INT(error.code, TARN_E_DISK_FULL);
    if (!ok && !dead && !error.outcome_unknown && !(renamed && when == FAULT_OS_AFTER)) {
        CHECK_STRING(content, how == TARN_STORE_REPLACE ? "old" : NULL);
    }
    if (!fault.fired) CHECK(ok);
    CHECK_INT(fake_os_counts(fake).open_files, 0);
    fake_os_crash(fake, (uint64_t)n);
    if (ok) CHECK_STRING(content_of(fake_os(fake), location), "new");
    tarn_store_close(store);
    fake_os_free(fake);
    return fault.fired;
}

static void every_call_of_a_put_may_fail(void) {
    static const FaultOsWhen whens[] = {FAULT_OS_BEFORE, FAULT_OS_AFTER, FAULT_OS_FROM_NOW_ON};
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            for (int how = 0; how < 2; how++) {
                TarnStorePut put = how == 0 ? TARN_STORE_IF_ABSENT : TARN_STORE_REPLACE;
                long n = 1;
                while (fail_nth_of_put(&disks[i], put, whens[k], n)) n++;
                CHECK(n > 6);
            }
        }
    }
}

static bool see(void *state, const TarnStoreObject *object, TarnError *error) {
    (void)error;
    (void)object;
    ++*(size_t *)state;
    return true;
}

static bool read_everything(TarnStore *store, TarnError *error) {
    TarnText content;
    TarnStoreObject object;
    size_t count = 0;
    bool ok = tarn_store_get(store, "/lake/a/x", TARN_STORE_WHOLE, 10, &arena, &content, &object,
                             error) &&
              tarn_store_stat(store, "/lake/a/x", &object, error) &&
              tarn_store_list(store, "/lake", see, &count, error) &&
              tarn_store_contains(store, "/lake/a/x", error);
    if (ok) CHECK(object.exists && count == 2 && tarn_base_text_is(content, "x"));
    return ok;
}

static void every_call_of_reading_may_fail(void) {
    TarnError error;
    FakeOs *fake = fake_os_new(NULL);
    FaultOs fault;
    fault_os_init(&fault, fake_os(fake), 0, FAULT_OS_BEFORE, EIO);
    TarnStore *store = open_store(&fault.os, TARN_STORE_SYNC_FULL);
    CHECK_OK(tarn_store_put(store, "/lake/a/x", TARN_TEXT("x"), TARN_STORE_IF_ABSENT, NULL,
                            &error), &error);
    CHECK_OK(tarn_store_put(store, "/lake/y", TARN_TEXT("y"), TARN_STORE_IF_ABSENT, NULL, &error),
             &error);
    long n = 1;
    do {
        fault_os_init(&fault, fake_os(fake), n++, FAULT_OS_BEFORE, EIO);
        bool ok = read_everything(store, &error);
        bool closed = fault.fired && strcmp(fault.failed_call, "file_close") == 0;
        CHECK(ok == (!fault.fired || closed)); /* closing what was read cannot lose anything */
        CHECK_INT(fake_os_counts(fake).open_files, 0);
    } while (fault.fired);
    CHECK(n > 8);
    tarn_store_close(store);
    fake_os_free(fake);
}

/* A link() that always says yes, as a store without conditional writes does. */
static bool lying_link(const TarnOs *os, TarnOsFile *file, const char *path, TarnError *error) {
    FaultOs *fault = os->state;
    TarnError ignored;
    (void)error;
    if (!fault->inner->file_link(fault->inner, file, path, &ignored)) return true;
    return true;
}

static bool lying_stat(const TarnOs *os, const char *path, bool follow, TarnOsStat *stat,
                       TarnError *error) {
    FaultOs *fault = os->state;
    bool ok = fault->inner->stat(fault->inner, path, follow, stat, error);
    if (strstr(path, ".tarn-probe") != NULL) stat->kind = TARN_OS_ABSENT;
    return ok;
}

static void the_probe_finds_a_disk_that_lies(void) {
    TarnError error;
    FakeOs *fake = fake_os_new(NULL);
    FaultOs fault;
    fault_os_init(&fault, fake_os(fake), 0, FAULT_OS_BEFORE, EIO);
    TarnStore *store = open_store(&fault.os, TARN_STORE_SYNC_FULL);
    CHECK_OK(tarn_store_probe(store, &error), &error);
    fault.os.file_link = lying_link;
    fault.os.stat = lying_stat;
    CHECK(!tarn_store_probe(store, &error));
    CHECK_INT(error.code, TARN_E_FORMAT_UNSUPPORTED);
    CHECK(strstr(error.message, "8 were told") != NULL);
    CHECK_INT(fake_os_count_names(fake, ".tarn-probe"), 0);
    tarn_store_close(store);
    fake_os_free(fake);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    tarn_base_log_level(TARN_LOG_ERROR); /* the warnings about drafts left over are expected */
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    TAP_TEST(a_synced_batch_survives_every_power_cut);
    TAP_TEST(an_unsynced_batch_is_gone);
    TAP_TEST(without_a_batch_a_put_is_durable_at_once);
    TAP_TEST(writes_start_together_and_folders_sync_once);
    TAP_TEST(folders_above_are_synced_again_only_when_they_changed);
    TAP_TEST(a_batch_that_failed_never_becomes_durable);
    TAP_TEST(a_put_that_failed_is_not_in_the_batch);
    TAP_TEST(every_call_of_a_commit_may_fail);
    TAP_TEST(every_call_of_a_put_may_fail);
    TAP_TEST(every_call_of_reading_may_fail);
    TAP_TEST(the_probe_finds_a_disk_that_lies);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
