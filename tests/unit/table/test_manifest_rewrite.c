/* Manifests written anew: the same files with the same numbers, in order of partition. */
#include "table_model.h"

static bool rewrite(void) {
    TarnSnapshotChange change = {.operation = TARN_OPERATION_REPLACE, .rewrite_manifests = true};
    return commit(&change);
}

/* "path sequence;" of each live file, in order of the path. */
static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *live_files(void) {
    TarnScanPlan *plan = plan_all();
    const char **lines = TARN_NEW_ARRAY(&arena, plan->task_count + 1, const char *);
    TarnBuffer text;
    tarn_base_buffer_init(&text, 1u << 20);
    for (size_t i = 0; i < plan->task_count; i++) {
        const TarnScanTask *task = &plan->tasks[i];
        lines[i] = tarn_base_arena_printf(&arena, "%.*s %" PRId64 " %" PRId64 " %" PRId64 ";",
                                          TARN_TEXT_ARG(task->file->path), task->sequence_number,
                                          task->file_sequence_number, task->snapshot_id);
    }
    qsort(lines, plan->task_count, sizeof(*lines), compare_texts);
    for (size_t i = 0; i < plan->task_count; i++) tarn_base_buffer_string(&text, lines[i]);
    tarn_table_scan_plan_dispose(plan);
    const char *copy = tarn_base_text_string(&arena, tarn_base_buffer_view(&text));
    tarn_base_buffer_dispose(&text);
    return copy;
}

static size_t worth_it(void) {
    const TarnManifestListPin *pin = list_of(head());
    size_t count = 0;
    for (size_t i = 0; i < pin->count; i++) {
        count += tarn_table_snapshot_rewrites_manifest(table, pin->manifests, pin->count, i);
    }
    tarn_table_manifest_list_release(pin);
    return count;
}

static void append_buckets(size_t commits) {
    for (size_t i = 0; i < commits; i++) {
        TarnDataFile files[] = {bucket_file(0), bucket_file(2), bucket_file(1)};
        CHECK_OK(append(files, 3), &error);
    }
}

static void manifests_are_joined_and_files_stay(void) {
    begin_table(1, "\"commit.manifest-merge.enabled\":\"false\"");
    append_buckets(6);
    const char *before = live_files();
    CHECK_INT(manifest_count(), 6);
    CHECK_INT(worth_it(), 6);
    REQUIRE_OK(rewrite(), &error);
    CHECK_INT(manifest_count(), 1);
    CHECK_STRING(live_files(), before);
    CHECK_STRING(head()->operation, "replace");
    CHECK_SUMMARY("total-data-files", "18");
    CHECK(summary_of(head(), "added-data-files") == NULL);
    CHECK_INT(worth_it(), 0);
    append_buckets(1);
    before = live_files();
    CHECK_INT(worth_it(), 2);
    REQUIRE_OK(rewrite(), &error);
    CHECK_INT(manifest_count(), 1);
    CHECK_STRING(live_files(), before);
}

static void each_manifest_is_of_few_partitions(void) {
    begin_table(1, "\"commit.manifest-merge.enabled\":\"false\","
                   "\"commit.manifest.target-size-bytes\":\"9000\"");
    append_buckets(6);
    const char *before = live_files();
    REQUIRE_OK(rewrite(), &error);
    CHECK_STRING(live_files(), before);
    const TarnManifestListPin *pin = list_of(head());
    CHECK(pin->count > 1 && pin->count < 6);
    size_t of_all = 0;
    for (size_t i = 0; i < pin->count; i++) {
        const TarnPartitionSummary *summary = &pin->manifests[i].partitions[0];
        CHECK_INT(pin->manifests[i].added_files, 0);
        of_all += summary->lower.data[0] == 0 && summary->upper.data[0] == 2;
    }
    CHECK_INT(of_all, 0);
    tarn_table_manifest_list_release(pin);
}

static void what_came_meanwhile_stays(void) {
    begin_table(1, "\"commit.manifest-merge.enabled\":\"false\"");
    append_buckets(4);
    TarnSnapshotChange change = {.operation = TARN_OPERATION_REPLACE,
                                 .rewrite_manifests = true,
                                 .starting_snapshot_id = head()->id};
    TarnProducerOptions options = producer_options();
    TarnSnapshotProducer *producer = NULL;
    TarnPreparedSnapshot prepared;
    TarnStoreBatch batch;
    tarn_store_batch_init(&batch, store);
    REQUIRE_OK(tarn_table_snapshot_producer_new(&options, &change, &producer, &error), &error);
    CHECK_OK(tarn_table_snapshot_producer_prepare(producer, table, &batch, &prepared, &error),
             &error);
    CHECK_INT(prepared.manifests_written, 1);
    append_buckets(1); /* somebody else was first */
    const char *before = live_files();
    CHECK_OK(tarn_table_snapshot_producer_prepare(producer, table, &batch, &prepared, &error),
             &error);
    CHECK_INT(prepared.manifests_written, 0);
    CHECK_OK(tarn_store_batch_sync(&batch, &error), &error);
    table = apply_to(table, &prepared);
    CHECK_INT(manifest_count(), 2);
    CHECK_STRING(live_files(), before);
    tarn_store_batch_dispose(&batch);
    tarn_table_snapshot_producer_free(producer);
}

static void removed_files_do_not_come_back(void) {
    begin_table(1, "\"commit.manifest-merge.enabled\":\"false\"");
    append_buckets(3);
    TarnScanPlan *plan = plan_all();
    TarnText gone = {tarn_base_text_string(&arena, plan->tasks[0].file->path),
                     plan->tasks[0].file->path.size};
    tarn_table_scan_plan_dispose(plan);
    REQUIRE_OK(remove_paths(&gone, 1, NULL, 0), &error);
    const char *before = live_files();
    REQUIRE_OK(rewrite(), &error);
    CHECK_STRING(live_files(), before);
    CHECK(!is_live(gone));
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(manifests_are_joined_and_files_stay);
    TAP_TEST(each_manifest_is_of_few_partitions);
    TAP_TEST(what_came_meanwhile_stays);
    TAP_TEST(removed_files_do_not_come_back);
    close_table();
    return tap_end();
}
