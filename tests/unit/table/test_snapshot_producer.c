/* Snapshots: what a change writes, removes and merges, what it refuses, how branches move. */
#include "table_model.h"

/* --- appends --- */

static void an_append_makes_a_snapshot(void) {
    begin_table(1, "");
    TarnDataFile files[3] = {bucket_file(0), bucket_file(1), bucket_file(1)};
    const TarnProperty own[] = {{"tarn.position", "17"}, {"added-records", "999"}};
    TarnSnapshotChange change = {.operation = TARN_OPERATION_APPEND,
                                 .added = files,
                                 .added_count = 3,
                                 .summary = own,
                                 .summary_count = 2};
    REQUIRE_OK(commit(&change), &error);
    CHECK_STRING(head()->operation, "append");
    CHECK_INT(head()->sequence_number, 1);
    CHECK_INT(head()->parent_id, TARN_ABSENT);
    CHECK_INT(head()->schema_id, 0);
    CHECK_INT(head()->timestamp_ms, 1700000000000);
    CHECK_SUMMARY("added-data-files", "3");
    CHECK_SUMMARY("added-records", "30"); /* what is counted is not the caller's to say */
    CHECK_SUMMARY("added-files-size", "3000");
    CHECK_SUMMARY("changed-partition-count", "2");
    CHECK_SUMMARY("total-data-files", "3");
    CHECK_SUMMARY("total-records", "30");
    CHECK_SUMMARY("total-files-size", "3000");
    CHECK_SUMMARY("total-delete-files", "0");
    CHECK_SUMMARY("total-equality-deletes", "0");
    CHECK_SUMMARY("deleted-data-files", NULL);
    CHECK_SUMMARY("tarn.position", "17");
    const char *list_name = strrchr(head()->manifest_list, '/');
    char *wanted = tarn_base_arena_printf(
        &arena, "/snap-%" PRId64 "-1-00000001-0000-4000-8000-000000000000.avro", head()->id);
    CHECK_STRING(list_name, wanted);
    const TarnManifestListPin *list = list_of(head());
    REQUIRE(list->count == 1);
    CHECK_STRING(tarn_base_text_string(&arena, list->manifests[0].path),
                 TABLE "/metadata/00000001-0000-4000-8000-000000000000-m0.avro");
    CHECK_INT(list->manifests[0].sequence_number, 1);
    CHECK_INT(list->manifests[0].min_sequence_number, 1);
    CHECK_INT(list->manifests[0].added_snapshot_id, head()->id);
    TarnStoreObject object;
    REQUIRE_OK(tarn_store_stat(store, tarn_base_text_string(&arena, list->manifests[0].path),
                               &object, &error),
               &error);
    CHECK_INT(object.size, list->manifests[0].length);
    tarn_table_manifest_list_release(list);
}

static void appends_add_one_manifest_each(void) {
    begin_table(0, "");
    for (int i = 0; i < 5; i++) {
        TarnDataFile file = plain_file();
        REQUIRE_OK(append(&file, 1), &error);
        CHECK_INT(head()->sequence_number, i + 1);
    }
    CHECK_INT(manifest_count(), 5);
    CHECK_INT(live_count(), 5);
    CHECK_SUMMARY("total-data-files", "5");
    const TarnManifestListPin *list = list_of(head());
    CHECK_INT(list->manifests[0].sequence_number, 5); /* the newest first */
    CHECK_INT(list->manifests[4].sequence_number, 1);
    tarn_table_manifest_list_release(list);
    TarnScanPlan *plan = plan_all();
    CHECK_INT(plan->tasks[0].sequence_number, 5);
    CHECK_INT(plan->tasks[4].sequence_number, 1);
    tarn_table_scan_plan_dispose(plan);
}

static void an_append_reads_nothing_but_the_list(void) {
    begin_table(0, "");
    for (int i = 0; i < 3; i++) {
        TarnDataFile file = plain_file();
        REQUIRE_OK(append(&file, 1), &error);
    }
    const TarnManifestListPin *list = list_of(head());
    for (size_t i = 0; i < list->count; i++) { /* gone: an append would notice */
        REQUIRE_OK(tarn_store_delete(store, tarn_base_text_string(&arena, list->manifests[i].path),
                                     NULL, &error),
                   &error);
    }
    tarn_table_manifest_list_release(list);
    TarnDataFile file = plain_file();
    REQUIRE_OK(append(&file, 1), &error);
    CHECK_INT(manifest_count(), 4);
}

static void files_of_several_specs_and_contents_go_apart(void) {
    begin_table(1, "");
    TarnLiteral pair[2] = {integer(TARN_TYPE_DATE, 3), {.kind = TARN_TYPE_STRING}};
    pair[1].as.bytes = TARN_TEXT("x");
    TarnDataFile files[5] = {bucket_file(0), plain_file(), new_file(2, pair), bucket_file(2),
                             bucket_file(2)};
    files[4].content = TARN_CONTENT_POSITION_DELETES;
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_OVERWRITE, .added = files, .added_count = 5};
    REQUIRE_OK(commit(&change), &error);
    CHECK_INT(manifest_count(), 4);
    CHECK_INT(live_count(), 4);
    CHECK_SUMMARY("added-data-files", "4");
    CHECK_SUMMARY("added-delete-files", "1");
    CHECK_SUMMARY("added-position-delete-files", "1");
    CHECK_SUMMARY("added-position-deletes", "10");
    CHECK_SUMMARY("total-position-deletes", "10");
    CHECK_SUMMARY("total-delete-files", "1");
    CHECK_SUMMARY("changed-partition-count", "4");
}

static void large_changes_are_split_by_size(void) {
    begin_table(0, "\"commit.manifest.target-size-bytes\":\"4096\"");
    TarnDataFile *files = TARN_NEW_ARRAY(&arena, 1000, TarnDataFile);
    for (size_t i = 0; i < 1000; i++) files[i] = plain_file();
    REQUIRE_OK(append(files, 1000), &error);
    CHECK(manifest_count() > 3);
    CHECK_INT(live_count(), 1000);
}

static void refuses_what_is_wrong_with_added_files(void) {
    begin_table(1, "");
    TarnDataFile twice[2] = {bucket_file(0), bucket_file(0)};
    twice[1].path = twice[0].path;
    CHECK(!append(twice, 2));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    CHECK(strstr(error.message, "added twice") != NULL);
    TarnDataFile stray = bucket_file(0);
    stray.spec_id = 77;
    CHECK(!append(&stray, 1));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    TarnDataFile file = bucket_file(0);
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_APPEND, .added = &file, .added_count = 1, .ref = "nobranch"};
    CHECK(!commit(&change));
    CHECK_INT(error.code, TARN_E_SNAPSHOT_NOT_FOUND);
    table = parse_table("1", 1, "");
    change.ref = NULL;
    CHECK(!commit(&change));
    CHECK_INT(error.code, TARN_E_FORMAT_UNSUPPORTED);
    CHECK(error.hint[0] != '\0');
}

/* --- merging --- */

static void small_manifests_are_merged_with_explicit_sequence_numbers(void) {
    begin_table(1, "\"commit.manifest.min-count-to-merge\":\"4\"");
    TarnDataFile files[9];
    for (int i = 0; i < 3; i++) {
        files[i] = bucket_file(i);
        REQUIRE_OK(append(&files[i], 1), &error);
    }
    CHECK_INT(manifest_count(), 3);
    files[3] = bucket_file(0);
    REQUIRE_OK(append(&files[3], 1), &error);
    CHECK_INT(manifest_count(), 1);
    TarnScanPlan *plan = plan_all();
    REQUIRE(plan->task_count == 4);
    for (size_t i = 0; i < 4; i++) { /* newest first, each with its own number */
        CHECK_INT(plan->tasks[i].sequence_number, 4 - (int64_t)i);
        CHECK_INT(plan->tasks[i].file_sequence_number, 4 - (int64_t)i);
        CHECK(tarn_base_text_equal(plan->tasks[i].file->path, files[3 - i].path));
    }
    CHECK(plan->tasks[0].snapshot_id == head()->id && plan->tasks[1].snapshot_id != head()->id);
    tarn_table_scan_plan_dispose(plan);
    const TarnManifestListPin *list = list_of(head());
    CHECK_INT(list->manifests[0].added_files, 1);
    CHECK_INT(list->manifests[0].existing_files, 3);
    CHECK_INT(list->manifests[0].min_sequence_number, 1);
    tarn_table_manifest_list_release(list);
    CHECK_SUMMARY("added-data-files", "1");
    for (int i = 4; i < 7; i++) {
        files[i] = bucket_file(1);
        REQUIRE_OK(append(&files[i], 1), &error);
    }
    CHECK_INT(manifest_count(), 1); /* 1 + 3 */
    CHECK_INT(live_count(), 7);
    /* What an earlier snapshot removed is not carried on. */
    REQUIRE_OK(remove_paths(&files[0].path, 1, NULL, 0), &error);
    list = list_of(head());
    CHECK_INT(list->manifests[0].deleted_files, 1);
    tarn_table_manifest_list_release(list);
    for (int i = 0; i < 3; i++) {
        files[7] = bucket_file(1);
        REQUIRE_OK(append(&files[7], 1), &error);
    }
    list = list_of(head());
    REQUIRE(list->count == 1);
    CHECK_INT(list->manifests[0].deleted_files, 0);
    CHECK_INT(list->manifests[0].existing_files, 8);
    tarn_table_manifest_list_release(list);
}

static void merging_can_be_switched_off_and_keeps_specs_apart(void) {
    begin_table(1, "\"commit.manifest-merge.enabled\":\"false\","
                   "\"commit.manifest.min-count-to-merge\":\"2\"");
    for (int i = 0; i < 4; i++) {
        TarnDataFile file = bucket_file(0);
        REQUIRE_OK(append(&file, 1), &error);
    }
    CHECK_INT(manifest_count(), 4);
    begin_table(1, "\"commit.manifest.min-count-to-merge\":\"2\"");
    for (int i = 0; i < 4; i++) {
        TarnDataFile file = i % 2 ? bucket_file(0) : plain_file();
        REQUIRE_OK(append(&file, 1), &error);
    }
    CHECK_INT(manifest_count(), 2);
    CHECK_INT(live_count(), 4);
}

/* --- removing --- */

static void removes_files_by_path(void) {
    begin_table(1, "");
    TarnDataFile files[4] = {bucket_file(0), bucket_file(1), bucket_file(2), bucket_file(0)};
    REQUIRE_OK(append(files, 3), &error);
    REQUIRE_OK(append(&files[3], 1), &error);
    int64_t first = head()->parent_id;
    TarnText gone[2] = {files[1].path, files[3].path};
    TarnDataFile copy = bucket_file(1);
    REQUIRE_OK(remove_paths(gone, 2, &copy, 1), &error);
    CHECK_STRING(head()->operation, "overwrite");
    CHECK_SUMMARY("added-data-files", "1");
    CHECK_SUMMARY("deleted-data-files", "2");
    CHECK_SUMMARY("deleted-records", "20");
    CHECK_SUMMARY("removed-files-size", "2000");
    CHECK_SUMMARY("total-data-files", "3");
    CHECK_SUMMARY("total-records", "30");
    CHECK_SUMMARY("changed-partition-count", "2");
    CHECK(!is_live(gone[0]) && !is_live(gone[1]));
    CHECK(is_live(files[0].path) && is_live(files[2].path) && is_live(copy.path));
    /* The manifest that lost a file keeps the others with their own numbers and snapshot. */
    TarnScanPlan *plan = plan_all();
    for (size_t i = 0; i < plan->task_count; i++) {
        if (!tarn_base_text_equal(plan->tasks[i].file->path, files[0].path)) continue;
        CHECK_INT(plan->tasks[i].sequence_number, 1);
        CHECK_INT(plan->tasks[i].snapshot_id, first);
    }
    tarn_table_scan_plan_dispose(plan);
    /* A manifest all of whose files are gone stays for this one snapshot, to tell what it did. */
    CHECK_INT(manifest_count(), 3);
    TarnDataFile more = bucket_file(0);
    REQUIRE_OK(append(&more, 1), &error);
    CHECK_INT(manifest_count(), 3);
    CHECK_SUMMARY("deleted-data-files", NULL);
}

static void refuses_to_remove_what_is_not_live(void) {
    begin_table(1, "");
    TarnDataFile file = bucket_file(0);
    TarnText path = TARN_TEXT(TABLE "/data/nowhere.parquet");
    CHECK(!remove_paths(&path, 1, NULL, 0)); /* an empty table */
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    REQUIRE_OK(append(&file, 1), &error);
    CHECK(!remove_paths(&path, 1, NULL, 0));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    CHECK(strstr(error.message, "nowhere.parquet") != NULL);
    TarnText twice[2] = {file.path, file.path};
    CHECK(!remove_paths(twice, 2, NULL, 0));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    REQUIRE_OK(remove_paths(&file.path, 1, NULL, 0), &error);
    CHECK_INT(live_count(), 0);
    CHECK_SUMMARY("total-data-files", "0");
    CHECK(!remove_paths(&file.path, 1, NULL, 0)); /* it is there, as deleted */
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
}

static TarnText long_bytes(int64_t value) {
    return (TarnText){tarn_base_arena_copy(&arena, &value, sizeof(value)), sizeof(value)};
}

static TarnDataFile file_with_range(int64_t low, int64_t high) {
    TarnDataFile file = plain_file();
    file.columns = TARN_NEW(&arena, TarnColumnMetrics);
    *file.columns = (TarnColumnMetrics){.field_id = 3,
                                        .column_size = 1,
                                        .value_count = 10,
                                        .null_count = 0,
                                        .nan_count = TARN_ABSENT,
                                        .lower = long_bytes(low),
                                        .upper = long_bytes(high)};
    file.column_count = 1;
    return file;
}

static void removes_whole_files_by_predicate(void) {
    begin_table(0, "");
    TarnDataFile files[3] = {file_with_range(0, 9), file_with_range(10, 19),
                             file_with_range(20, 29)};
    REQUIRE_OK(append(files, 3), &error);
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_DELETE,
        .remove_where = compare(TARN_PREDICATE_LT, 3, integer(TARN_TYPE_LONG, 20))};
    REQUIRE_OK(commit(&change), &error);
    CHECK_INT(live_count(), 1);
    CHECK(is_live(files[2].path));
    CHECK_SUMMARY("deleted-data-files", "2");
    change.remove_where = compare(TARN_PREDICATE_LT, 3, integer(TARN_TYPE_LONG, 25));
    CHECK(!commit(&change));
    CHECK_INT(error.code, TARN_E_SQL_UNSUPPORTED);
    CHECK(strstr(error.message, "f2.parquet") != NULL);
    CHECK(strstr(error.message, "l < 25") != NULL);
    /* Metrics of the files that stay are carried over whole. */
    change.remove_where = compare(TARN_PREDICATE_GT, 3, integer(TARN_TYPE_LONG, 100));
    REQUIRE_OK(commit(&change), &error);
    CHECK_SUMMARY("deleted-data-files", NULL);
    TarnScanPlan *plan = plan_scan(compare(TARN_PREDICATE_LT, 3, integer(TARN_TYPE_LONG, 20)));
    REQUIRE(plan != NULL);
    CHECK_INT(plan->task_count, 0);
    tarn_table_scan_plan_dispose(plan);
}

static void overwrites_partitions_dynamically(void) {
    begin_table(1, "");
    TarnDataFile files[4] = {bucket_file(0), bucket_file(1), bucket_file(1), bucket_file(2)};
    REQUIRE_OK(append(files, 4), &error);
    TarnDataFile fresh = bucket_file(1);
    TarnSnapshotChange change = {.operation = TARN_OPERATION_OVERWRITE,
                                 .added = &fresh,
                                 .added_count = 1,
                                 .replace_partitions = true};
    REQUIRE_OK(commit(&change), &error);
    CHECK_INT(live_count(), 3);
    CHECK(is_live(files[0].path) && is_live(files[3].path) && is_live(fresh.path));
    CHECK_SUMMARY("deleted-data-files", "2");
    /* No files at all: nothing is replaced. */
    TarnSnapshotChange nothing = {.operation = TARN_OPERATION_OVERWRITE,
                                  .replace_partitions = true};
    REQUIRE_OK(commit(&nothing), &error);
    CHECK_INT(live_count(), 3);
    begin_table(0, "");
    TarnDataFile plain[2] = {plain_file(), plain_file()};
    REQUIRE_OK(append(plain, 2), &error);
    fresh = plain_file();
    REQUIRE_OK(commit(&change), &error);
    CHECK_INT(live_count(), 1);
}

/* After the spec has changed, partitions are compared by field id. */
static void dynamic_overwrite_sees_older_specs(void) {
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_OVERWRITE, .added_count = 1, .replace_partitions = true};
    begin_table(1, "");
    TarnLiteral fine[2] = {integer(TARN_TYPE_INT, 1), integer(TARN_TYPE_INT, 5)};
    TarnLiteral other[2] = {integer(TARN_TYPE_INT, 2), integer(TARN_TYPE_INT, 5)};
    TarnDataFile finer[2] = {new_file(3, fine), new_file(3, other)}; /* bucket and i */
    REQUIRE_OK(append(finer, 2), &error);
    TarnDataFile fresh = bucket_file(1); /* bucket alone: a finer file lies within */
    change.added = &fresh;
    REQUIRE_OK(commit(&change), &error);
    CHECK(!is_live(finer[0].path) && is_live(finer[1].path) && is_live(fresh.path));

    begin_table(1, "");
    TarnDataFile coarse[2] = {bucket_file(0), bucket_file(1)};
    REQUIRE_OK(append(coarse, 1), &error);
    TarnDataFile one = new_file(3, fine); /* bucket 1, i 5: the file of bucket 0 is apart */
    change.added = &one;
    REQUIRE_OK(commit(&change), &error);
    CHECK_INT(live_count(), 2);
    REQUIRE_OK(append(&coarse[1], 1), &error); /* this one may hold such rows and others */
    one = new_file(3, fine);
    CHECK(!commit(&change));
    CHECK_INT(error.code, TARN_E_SQL_UNSUPPORTED);
    CHECK(strstr(error.message, "f1.parquet") != NULL);
}

/* --- branches --- */

static void branches_move_only_where_they_may(void) {
    begin_table(1, "");
    TarnDataFile files[3] = {bucket_file(0), bucket_file(1), bucket_file(2)};
    int64_t ids[3];
    for (int i = 0; i < 3; i++) {
        REQUIRE_OK(append(&files[i], 1), &error);
        ids[i] = head()->id;
    }
    REQUIRE_OK(roll_back(ids[1], true), &error);
    CHECK_INT(head()->id, ids[1]);
    CHECK_INT(live_count(), 2);
    CHECK(!roll_back(ids[2], true)); /* not an ancestor */
    CHECK_INT(error.code, TARN_E_SNAPSHOT_NOT_FOUND);
    REQUIRE_OK(roll_back(ids[2], false), &error);
    CHECK_INT(live_count(), 3);
    CHECK(!roll_back(12345, false));
    CHECK_INT(error.code, TARN_E_SNAPSHOT_NOT_FOUND);
    CHECK(tarn_table_snapshot_is_ancestor(table, ids[2], ids[0]));
    CHECK(!tarn_table_snapshot_is_ancestor(table, ids[0], ids[2]));
    TarnHistoryRow *history = NULL;
    size_t count = 0;
    REQUIRE_OK(tarn_table_history(table, &arena, &history, &count, &error), &error);
    REQUIRE(count == 5);
    CHECK_INT(history[3].snapshot_id, ids[1]);
    CHECK(history[4].is_current_ancestor && history[0].is_current_ancestor);
    CHECK_INT(history[1].parent_id, ids[0]);
}

static void writes_to_a_branch_leave_main_alone(void) {
    begin_table(1, "");
    TarnDataFile files[2] = {bucket_file(0), bucket_file(1)};
    REQUIRE_OK(append(&files[0], 1), &error);
    int64_t base = head()->id;
    TarnSnapshotRef ref = {.name = "audit",
                           .snapshot_id = base,
                           .min_snapshots_to_keep = 7,
                           .max_snapshot_age_ms = TARN_ABSENT,
                           .max_ref_age_ms = TARN_ABSENT};
    TarnSnapshotRef tag = ref;
    tag.name = "v1";
    tag.is_tag = true;
    tag.min_snapshots_to_keep = TARN_ABSENT;
    TarnTableUpdate updates[2] = {{.kind = TARN_UPDATE_SET_SNAPSHOT_REF, .ref = &ref},
                                  {.kind = TARN_UPDATE_SET_SNAPSHOT_REF, .ref = &tag}};
    TarnPreparedSnapshot setup = {.updates = updates, .update_count = 2};
    table = apply_to(table, &setup);
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_APPEND, .ref = "audit", .added = &files[1], .added_count = 1};
    REQUIRE_OK(commit(&change), &error);
    CHECK_INT(head()->id, base);
    const TarnSnapshotRef *moved = tarn_table_metadata_ref(table, "audit");
    REQUIRE(moved != NULL && moved->snapshot_id != base);
    CHECK_INT(moved->min_snapshots_to_keep, 7);
    change.ref = "v1";
    CHECK(!commit(&change));
    CHECK_INT(error.code, TARN_E_SNAPSHOT_NOT_FOUND);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(an_append_makes_a_snapshot);
    TAP_TEST(appends_add_one_manifest_each);
    TAP_TEST(an_append_reads_nothing_but_the_list);
    TAP_TEST(files_of_several_specs_and_contents_go_apart);
    TAP_TEST(large_changes_are_split_by_size);
    TAP_TEST(refuses_what_is_wrong_with_added_files);
    TAP_TEST(small_manifests_are_merged_with_explicit_sequence_numbers);
    TAP_TEST(merging_can_be_switched_off_and_keeps_specs_apart);
    TAP_TEST(removes_files_by_path);
    TAP_TEST(refuses_to_remove_what_is_not_live);
    TAP_TEST(removes_whole_files_by_predicate);
    TAP_TEST(overwrites_partitions_dynamically);
    TAP_TEST(dynamic_overwrite_sees_older_specs);
    TAP_TEST(branches_move_only_where_they_may);
    TAP_TEST(writes_to_a_branch_leave_main_alone);
    close_table();
    return tap_end();
}
