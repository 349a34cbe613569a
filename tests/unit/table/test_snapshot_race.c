/* Snapshots in a race: tried again on a newer base, in conflict with others, cut off by a failing
 * call or a power cut, and against a model of what is live. */
#include <errno.h>

#include "base/fault.h"
#include "fault_os.h"
#include "table_model.h"

/* --- races --- */

static TarnDataFile delete_file(int64_t bucket, TarnFileContent content, TarnText about) {
    static const int32_t IDS[] = {3};
    TarnDataFile file = bucket_file(bucket);
    file.content = content;
    if (content == TARN_CONTENT_POSITION_DELETES) file.referenced_data_file = about;
    if (content == TARN_CONTENT_EQUALITY_DELETES) {
        file.equality_ids = tarn_base_arena_copy(&arena, IDS, sizeof(IDS));
        file.equality_id_count = 1;
    }
    return file;
}

static bool row_delete(const TarnDataFile *file) {
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_DELETE, .added = file, .added_count = 1};
    return commit(&change);
}

static void lost_races_cost_a_list(void) {
    begin_table(1, "");
    TarnDataFile base = bucket_file(0);
    REQUIRE_OK(append(&base, 1), &error);
    TarnDataFile files[2] = {bucket_file(0), bucket_file(1)};
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_APPEND, .added = files, .added_count = 2};
    Racer racer;
    start(&racer, &change);
    REQUIRE_OK(attempt(&racer), &error);
    CHECK_INT(racer.prepared.manifests_written, 1);
    const char *lost_list = tarn_base_arena_string(&arena, racer.prepared.snapshot->manifest_list);
    TarnDataFile theirs = bucket_file(2);
    REQUIRE_OK(append(&theirs, 1), &error);
    REQUIRE_OK(attempt(&racer), &error);
    CHECK_INT(racer.prepared.manifests_written, 0);
    CHECK_INT(racer.prepared.snapshot->id, tarn_table_snapshot_producer_id(racer.producer));
    CHECK_INT(racer.prepared.snapshot->sequence_number, 3);
    CHECK_INT(racer.prepared.snapshot->parent_id, head()->id);
    win(&racer);
    const char *const *garbage = NULL;
    size_t count = 0;
    tarn_table_snapshot_producer_garbage(racer.producer, true, &garbage, &count);
    REQUIRE(count == 1);
    CHECK_STRING(garbage[0], lost_list);
    tarn_table_snapshot_producer_garbage(racer.producer, false, &garbage, &count);
    CHECK_INT(count, 3); /* had it failed: the manifest and both lists */
    stop(&racer);
    CHECK_INT(live_count(), 4);
    CHECK_SUMMARY("total-data-files", "4");
}

static void rewritten_manifests_are_used_again(void) {
    begin_table(1, "\"commit.manifest.min-count-to-merge\":\"50\"");
    TarnDataFile files[2] = {bucket_file(0), bucket_file(1)};
    REQUIRE_OK(append(files, 2), &error);
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_DELETE, .removed = &files[0].path, .removed_count = 1};
    Racer racer;
    start(&racer, &change);
    REQUIRE_OK(attempt(&racer), &error);
    CHECK_INT(racer.prepared.manifests_written, 1);
    TarnDataFile theirs = bucket_file(2);
    REQUIRE_OK(append(&theirs, 1), &error);
    REQUIRE_OK(attempt(&racer), &error);
    CHECK_INT(racer.prepared.manifests_written, 0);
    CHECK_INT(racer.prepared.removed_files, 1);
    win(&racer);
    stop(&racer);
    CHECK_INT(live_count(), 2);
    CHECK_SUMMARY("total-data-files", "2");
}

static void a_file_removed_meanwhile_is_a_conflict_that_names_the_snapshot(void) {
    begin_table(1, "");
    TarnDataFile files[2] = {bucket_file(0), bucket_file(1)};
    REQUIRE_OK(append(files, 2), &error);
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_DELETE, .removed = &files[0].path, .removed_count = 1};
    Racer racer;
    start(&racer, &change);
    REQUIRE_OK(attempt(&racer), &error);
    REQUIRE_OK(remove_paths(&files[0].path, 1, NULL, 0), &error);
    int64_t culprit = head()->id;
    TarnDataFile more = bucket_file(2);
    REQUIRE_OK(append(&more, 1), &error);
    CHECK(!attempt(&racer));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    CHECK(strstr(error.message, tarn_base_arena_printf(&arena, "%" PRId64, culprit)) != NULL);
    stop(&racer);
}

static void new_rows_conflict_when_asked(void) {
    begin_table(1, "");
    TarnDataFile files[2] = {bucket_file(0), bucket_file(1)};
    REQUIRE_OK(append(files, 2), &error);
    TarnDataFile fresh = bucket_file(0);
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_OVERWRITE,
        .added = &fresh,
        .added_count = 1,
        .removed = &files[0].path,
        .removed_count = 1,
        .refuse_new_data = true,
        /* hash of 34 modulo 3 is 1 */
        .conflict_filter = compare(TARN_PREDICATE_EQ, 3, integer(TARN_TYPE_LONG, 34))};
    Racer racer;
    start(&racer, &change);
    REQUIRE_OK(attempt(&racer), &error);
    TarnDataFile apart = bucket_file(0);
    REQUIRE_OK(append(&apart, 1), &error);
    REQUIRE_OK(attempt(&racer), &error); /* another bucket: no conflict */
    /* A compaction brings no new rows. */
    TarnDataFile compacted = bucket_file(2017239379 % 3);
    TarnSnapshotChange compaction = {.operation = TARN_OPERATION_REPLACE,
                                     .added = &compacted,
                                     .added_count = 1,
                                     .removed = &files[1].path,
                                     .removed_count = 1};
    REQUIRE_OK(commit(&compaction), &error);
    REQUIRE_OK(attempt(&racer), &error);
    TarnDataFile same = bucket_file(2017239379 % 3);
    REQUIRE_OK(append(&same, 1), &error);
    int64_t culprit = head()->id;
    TarnDataFile later = bucket_file(0);
    REQUIRE_OK(append(&later, 1), &error);
    CHECK(!attempt(&racer));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    CHECK(strstr(error.message, tarn_base_arena_printf(&arena, "%" PRId64, culprit)) != NULL);
    stop(&racer);
}

static void new_deletes_conflict_with_copies(void) {
    begin_table(1, "");
    TarnDataFile files[2] = {bucket_file(0), bucket_file(1)};
    REQUIRE_OK(append(files, 2), &error);
    int64_t start_sequence = head()->sequence_number;
    TarnDataFile copy = bucket_file(0);
    TarnSnapshotChange change = {.operation = TARN_OPERATION_REPLACE,
                                 .added = &copy,
                                 .added_count = 1,
                                 .removed = &files[0].path,
                                 .removed_count = 1,
                                 .added_sequence_number = start_sequence};
    Racer racer;
    start(&racer, &change);
    REQUIRE_OK(attempt(&racer), &error);
    TarnDataFile elsewhere = delete_file(1, TARN_CONTENT_POSITION_DELETES, files[1].path);
    REQUIRE_OK(row_delete(&elsewhere), &error);
    REQUIRE_OK(attempt(&racer), &error);
    /* An equality delete goes on to apply to the copy, which keeps the old number. */
    TarnDataFile equality = delete_file(0, TARN_CONTENT_EQUALITY_DELETES, (TarnText){0});
    REQUIRE_OK(row_delete(&equality), &error);
    REQUIRE_OK(attempt(&racer), &error);
    TarnDataFile position = delete_file(0, TARN_CONTENT_POSITION_DELETES, files[0].path);
    const TarnTableMetadata *before = table;
    REQUIRE_OK(row_delete(&position), &error);
    CHECK(!attempt(&racer));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    CHECK(strstr(error.message, "f0.parquet") != NULL);
    table = before;
    REQUIRE_OK(attempt(&racer), &error);
    win(&racer);
    stop(&racer);
    TarnScanPlan *plan = plan_all();
    REQUIRE(plan->task_count == 2);
    CHECK(tarn_base_text_equal(plan->tasks[0].file->path, copy.path));
    CHECK_INT(plan->tasks[0].sequence_number, start_sequence);
    CHECK_INT(plan->tasks[0].delete_count, 1); /* the equality delete */
    tarn_table_scan_plan_dispose(plan);
    /* Without the old number even the equality delete would be lost. */
    change.added_sequence_number = 0;
    change.removed = &copy.path;
    TarnDataFile again = bucket_file(0);
    change.added = &again;
    start(&racer, &change);
    REQUIRE_OK(attempt(&racer), &error);
    equality = delete_file(0, TARN_CONTENT_EQUALITY_DELETES, (TarnText){0});
    REQUIRE_OK(row_delete(&equality), &error);
    CHECK(!attempt(&racer));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    stop(&racer);
}

static void new_deletes_conflict_when_asked(void) {
    begin_table(1, "");
    TarnDataFile files[2] = {bucket_file(0), bucket_file(1)};
    REQUIRE_OK(append(files, 2), &error);
    TarnSnapshotChange change = {.operation = TARN_OPERATION_DELETE,
                                 .removed = &files[1].path,
                                 .removed_count = 1,
                                 .refuse_new_deletes = true};
    Racer racer;
    start(&racer, &change);
    REQUIRE_OK(attempt(&racer), &error);
    TarnDataFile deletes = delete_file(0, TARN_CONTENT_EQUALITY_DELETES, (TarnText){0});
    REQUIRE_OK(row_delete(&deletes), &error);
    CHECK(!attempt(&racer));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    CHECK(strstr(error.message, "deletes") != NULL);
    stop(&racer);
}

static void a_rolled_back_start_is_a_conflict(void) {
    begin_table(1, "");
    TarnDataFile files[3] = {bucket_file(0), bucket_file(1), bucket_file(2)};
    REQUIRE_OK(append(&files[0], 1), &error);
    int64_t first = head()->id;
    REQUIRE_OK(append(&files[1], 1), &error);
    TarnSnapshotChange change = {.operation = TARN_OPERATION_OVERWRITE,
                                 .removed = &files[0].path,
                                 .removed_count = 1,
                                 .added = &files[2],
                                 .added_count = 1};
    Racer racer;
    start(&racer, &change);
    REQUIRE_OK(attempt(&racer), &error);
    REQUIRE_OK(roll_back(first, true), &error);
    CHECK(!attempt(&racer));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    CHECK(strstr(error.message, "no longer in the history") != NULL);
    stop(&racer);
}

/* --- durability and faults --- */

static void what_a_snapshot_names_survives_a_power_cut(void) {
    begin_table(1, "\"commit.manifest.min-count-to-merge\":\"3\"");
    for (int i = 0; i < 5; i++) {
        TarnDataFile file = bucket_file(i % 3);
        REQUIRE_OK(append(&file, 1), &error);
    }
    fake_os_crash(disk, 0);
    open_store(fake_os(disk));
    tarn_table_manifest_cache_free(cache);
    REQUIRE_OK(tarn_table_manifest_cache_new(1u << 20, &cache, &error), &error);
    CHECK_INT(live_count(), 5);
}

static void retried_files_are_in_the_last_batch_too(void) {
    begin_table(1, "");
    TarnDataFile base = bucket_file(0);
    REQUIRE_OK(append(&base, 1), &error);
    TarnDataFile file = bucket_file(1);
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_APPEND, .added = &file, .added_count = 1};
    Racer racer;
    start(&racer, &change);
    REQUIRE_OK(attempt(&racer), &error);
    tarn_store_batch_dispose(&racer.batch); /* never synced */
    tarn_store_batch_init(&racer.batch, store);
    TarnDataFile theirs = bucket_file(2);
    REQUIRE_OK(append(&theirs, 1), &error);
    REQUIRE_OK(attempt(&racer), &error);
    win(&racer);
    stop(&racer);
    fake_os_crash(disk, 0);
    open_store(fake_os(disk));
    tarn_table_manifest_cache_free(cache);
    REQUIRE_OK(tarn_table_manifest_cache_new(1u << 20, &cache, &error), &error);
    CHECK_INT(live_count(), 3);
}

/* A change that goes through everything: reads, rewrites, merges, writes. */
static const char *const BUSY = "\"commit.manifest.min-count-to-merge\":\"3\"";
static TarnDataFile busy_files[4];
static TarnRemovedDelete busy_vector;
static bool busy_version_3; /* with deletion vectors: one goes with its file, one is replaced */

static void begin_busy(void) {
    begin_table(1, BUSY);
    for (int i = 0; i < 2; i++) {
        busy_files[i] = bucket_file(i);
        REQUIRE_OK(append(&busy_files[i], 1), &error);
    }
    if (busy_version_3) {
        TarnDataFile vectors[2] = {vector_of(&busy_files[0], TABLE "/data/v1.puffin", 4),
                                   vector_of(&busy_files[1], TABLE "/data/v1.puffin", 50)};
        TarnSnapshotChange deletes = {
            .operation = TARN_OPERATION_DELETE, .added = vectors, .added_count = 2};
        upgrade();
        REQUIRE_OK(commit(&deletes), &error);
        busy_files[3] = vector_of(&busy_files[1], TABLE "/data/v2.puffin", 4);
        busy_vector = removed_vector(&vectors[1]);
    }
    tarn_table_manifest_cache_free(cache); /* so that each run reads */
    cache = NULL;
    busy_files[2] = bucket_file(2);
}

static TarnSnapshotChange busy_change(void) {
    return (TarnSnapshotChange){.operation = TARN_OPERATION_OVERWRITE,
                                .added = &busy_files[2],
                                .added_count = busy_version_3 ? 2 : 1,
                                .removed = &busy_files[0].path,
                                .removed_count = 1,
                                .removed_deletes = &busy_vector,
                                .removed_delete_count = busy_version_3 ? 1 : 0,
                                .refuse_new_data = true};
}

static bool run_busy(const TarnOs *os, size_t memory, size_t *left) {
    TarnSnapshotChange change = busy_change();
    TarnProducerOptions options = producer_options();
    TarnSnapshotProducer *producer = NULL;
    TarnPreparedSnapshot prepared;
    TarnStoreBatch batch;
    options.os = os;
    options.memory = memory;
    tarn_store_batch_init(&batch, store);
    bool done = tarn_table_snapshot_producer_new(&options, &change, &producer, &error) &&
                tarn_table_snapshot_producer_prepare(producer, table, &batch, &prepared, &error) &&
                tarn_store_batch_sync(&batch, &error);
    tarn_store_batch_dispose(&batch);
    if (!done && producer != NULL) { /* as a catalog does after a sure failure */
        const char *const *garbage = NULL;
        size_t count = 0;
        TarnError ignored;
        tarn_table_snapshot_producer_garbage(producer, false, &garbage, &count);
        open_store(fake_os(disk));
        for (size_t i = 0; i < count; i++) {
            CHECK_OK(tarn_store_delete(store, garbage[i], NULL, &ignored), &ignored);
        }
    }
    *left = fake_os_count_names(disk, TABLE "/metadata/");
    tarn_table_snapshot_producer_free(producer);
    return done;
}

static void fail_each_call(void) {
    long calls = 0;
    for (long n = 1; n < 10000; n++) {
        FaultOs fault;
        size_t left = 0;
        begin_busy();
        size_t before = fake_os_count_names(disk, TABLE "/metadata/");
        fault_os_init(&fault, fake_os(disk), n, FAULT_OS_BEFORE, EIO);
        store->os = &fault.os; /* opening the store is not what is tested */
        tarn_base_error_clear(&error);
        bool done = run_busy(&fault.os, 0, &left);
        store->os = fake_os(disk);
        if (!fault.fired) {
            CHECK(done);
            calls = n;
            break;
        }
        if (!done) {
            CHECK(error.code != TARN_OK && error.message[0] != '\0');
            CHECK_INT(left, before);
        }
        if (tap_current_failures > 0) {
            printf("# call %ld: %s: %s\n", n, fault.failed_call, error.message);
            return;
        }
    }
    printf("# %ld calls\n", calls);
    CHECK(calls > 20);
}

static void each_system_call_may_fail(void) {
    for (int i = 0; i < 2; i++) {
        busy_version_3 = i == 1;
        fail_each_call();
    }
    busy_version_3 = false;
}

static void fail_each_limit(void) {
    begin_busy();
    size_t before = fake_os_count_names(disk, TABLE "/metadata/");
    size_t refused = 0;
    for (size_t memory = 1; memory < (16u << 20); memory += memory < 4096 ? 256 : 4096) {
        size_t left = 0;
        tarn_base_error_clear(&error);
        if (run_busy(store->os, memory, &left)) {
            CHECK(refused > 10);
            return;
        }
        refused++;
        CHECK_INT(error.code, TARN_E_OUT_OF_MEMORY);
        CHECK_INT(left, before);
        if (tap_current_failures > 0) return;
    }
    tap_fail(__FILE__, __LINE__, "it never had enough memory");
}

static void each_limit_of_memory_fails_cleanly(void) {
    for (int i = 0; i < 2; i++) {
        busy_version_3 = i == 1;
        fail_each_limit();
    }
    busy_version_3 = false;
}

static void fault_points_fire(void) {
    static const char *const POINTS[] = {"table.produce.after_manifest",
                                         "table.produce.after_manifest_list"};
    for (size_t i = 0; i < 2; i++) {
        size_t left = 0;
        begin_busy();
        size_t before = fake_os_count_names(disk, TABLE "/metadata/");
        tarn_base_fault_init(tarn_base_arena_printf(&arena, "%s=error", POINTS[i]));
        CHECK(!run_busy(store->os, 0, &left));
        tarn_base_fault_init(NULL);
        CHECK_INT(error.code, TARN_E_FAULT_INJECTED);
        CHECK_INT(left, before);
        CHECK(run_busy(store->os, 0, &left));
    }
}

/* --- a model: random changes, some of them raced, against a list of what is live --- */

typedef struct LiveFile {
    TarnText path;
    int64_t bucket;
    int64_t sequence;
} LiveFile;

static LiveFile live[4000];
static size_t live_files;

static void model_remove(size_t at) { live[at] = live[--live_files]; }

static void model_add(const TarnDataFile *file) {
    live[live_files++] = (LiveFile){file->path, file->partition[0].as.integer,
                                    head()->sequence_number};
}

static void check_model(void) {
    TarnScanPlan *plan = plan_all();
    CHECK_INT(plan->task_count, live_files);
    CHECK_INT(plan->files_total, live_files);
    for (size_t i = 0; i < live_files && tap_current_failures == 0; i++) {
        size_t at = 0;
        while (at < plan->task_count &&
               !tarn_base_text_equal(plan->tasks[at].file->path, live[i].path)) {
            at++;
        }
        REQUIRE(at < plan->task_count);
        CHECK_INT(plan->tasks[at].sequence_number, live[i].sequence);
        CHECK_INT(plan->tasks[at].file->partition[0].as.integer, live[i].bucket);
    }
    CHECK_SUMMARY("total-data-files", tarn_base_arena_printf(&arena, "%zu", live_files));
    tarn_table_scan_plan_dispose(plan);
}

static TarnDataFile added[8];
static TarnText removed[8];

static TarnSnapshotChange random_change(void) {
    TarnSnapshotChange change = {.operation = TARN_OPERATION_APPEND, .added = added};
    change.added_count = 1 + chance(4);
    for (size_t i = 0; i < change.added_count; i++) added[i] = bucket_file(chance(3));
    uint32_t what = chance(10);
    if (what >= 7 && live_files > 3) {
        change.operation = percent(50) ? TARN_OPERATION_OVERWRITE : TARN_OPERATION_DELETE;
        if (change.operation == TARN_OPERATION_DELETE) change.added_count = 0;
        change.removed = removed;
        size_t first = chance((uint32_t)live_files);
        change.removed_count = 1 + chance(3);
        for (size_t i = 0; i < change.removed_count; i++) {
            removed[i] = live[(first + i) % live_files].path;
        }
    } else if (what == 6) {
        change.operation = TARN_OPERATION_OVERWRITE;
        change.replace_partitions = true;
    } else if (what == 5) {
        change.operation = TARN_OPERATION_DELETE;
        change.added_count = 0;
        change.remove_where = tarn_table_predicate_constant(percent(3) ? TARN_PREDICATE_TRUE
                                                                       : TARN_PREDICATE_FALSE);
    }
    return change;
}

static void follow_change(const TarnSnapshotChange *change) {
    for (size_t i = live_files; i-- > 0;) {
        bool gone = change->remove_where != NULL &&
                    change->remove_where->kind == TARN_PREDICATE_TRUE;
        for (size_t j = 0; j < change->removed_count; j++) {
            gone |= tarn_base_text_equal(change->removed[j], live[i].path);
        }
        for (size_t j = 0; change->replace_partitions && j < change->added_count; j++) {
            gone |= change->added[j].partition[0].as.integer == live[i].bucket;
        }
        if (gone) model_remove(i);
    }
    for (size_t i = 0; i < change->added_count; i++) model_add(&change->added[i]);
}

static void random_changes_follow_a_model(void) {
    printf("# seed 99\n");
    model_state = 99;
    begin_table(1, "\"commit.manifest.min-count-to-merge\":\"5\","
                   "\"commit.manifest.target-size-bytes\":\"16384\"");
    live_files = 0;
    for (int round = 0; round < 250 && tap_current_failures == 0; round++) {
        TarnSnapshotChange change = random_change();
        Racer racer;
        start(&racer, &change);
        CHECK_OK(attempt(&racer), &error);
        for (uint32_t lost = chance(3); lost > 0; lost--) { /* others come first */
            TarnDataFile theirs = bucket_file(chance(3));
            CHECK_OK(append(&theirs, 1), &error);
            model_add(&theirs);
            CHECK_OK(attempt(&racer), &error);
        }
        if (tap_current_failures == 0) {
            win(&racer);
            follow_change(&change);
            check_model();
        }
        stop(&racer);
    }
    CHECK(manifest_count() < 60);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(lost_races_cost_a_list);
    TAP_TEST(rewritten_manifests_are_used_again);
    TAP_TEST(a_file_removed_meanwhile_is_a_conflict_that_names_the_snapshot);
    TAP_TEST(new_rows_conflict_when_asked);
    TAP_TEST(new_deletes_conflict_with_copies);
    TAP_TEST(new_deletes_conflict_when_asked);
    TAP_TEST(a_rolled_back_start_is_a_conflict);
    TAP_TEST(what_a_snapshot_names_survives_a_power_cut);
    TAP_TEST(retried_files_are_in_the_last_batch_too);
    TAP_TEST(each_system_call_may_fail);
    TAP_TEST(each_limit_of_memory_fails_cleanly);
    TAP_TEST(fault_points_fire);
    TAP_TEST(random_changes_follow_a_model);
    close_table();
    return tap_end();
}
