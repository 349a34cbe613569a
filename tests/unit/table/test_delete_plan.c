/* Which delete files dangle and which are joined: by path, partition and sequence number. */
#include "table/delete_plan.h"
#include "table_model.h"

static TarnDataFile position_deletes(TarnDataFile file, const TarnDataFile *of) {
    file.content = TARN_CONTENT_POSITION_DELETES;
    file.sort_order_id = -1;
    file.record_count = 1;
    if (of != NULL) file.referenced_data_file = of->path;
    return file;
}

static TarnDataFile equality_deletes(TarnDataFile file) {
    static int32_t IDS[] = {3};
    file.content = TARN_CONTENT_EQUALITY_DELETES;
    file.record_count = 1;
    file.equality_ids = IDS;
    file.equality_id_count = 1;
    return file;
}

static void add(const TarnDataFile *files, size_t count) {
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_DELETE, .added = files, .added_count = count};
    REQUIRE_OK(commit(&change), &error);
}

static void drop(const TarnDataFile *file) {
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_DELETE, .removed = &file->path, .removed_count = 1};
    REQUIRE_OK(commit(&change), &error);
}

static TarnScanPlan *plan_with_deletes(void) {
    TarnScanOptions options = scan_options();
    TarnScanPlan *scan = NULL;
    options.all_deletes = true;
    CHECK_OK(tarn_table_scan_plan(&options, head(),
                                  tarn_table_predicate_constant(TARN_PREDICATE_TRUE), &arena,
                                  &scan, &error),
             &error);
    return scan;
}

/* "1 of 3, 5>1": one dangles of three, five become one. */
static const char *planned(TarnDeletePlanOptions options) {
    static char text[512];
    TarnDeletePlan plan;
    TarnScanPlan *scan = plan_with_deletes();
    CHECK_OK(tarn_table_delete_plan(scan, &options, &arena, &plan, &error), &error);
    int used = snprintf(text, sizeof(text), "%zu of %zu", plan.dangling_count,
                        scan->all_delete_count);
    for (size_t i = 0; i < plan.group_count; i++) {
        TarnScanTask *tasks = NULL;
        size_t count = 0;
        int64_t sequence = 0;
        CHECK_OK(tarn_table_delete_plan_tasks(scan, &plan.groups[i], 1, &arena, &tasks, &count,
                                              &sequence, &error),
                 &error);
        used += snprintf(text + used, sizeof(text) - (size_t)used, ", %zu about %zu at %lld",
                         plan.groups[i].count, count, (long long)sequence);
    }
    tarn_table_scan_plan_dispose(scan);
    return text;
}

static TarnDeletePlanOptions joining(int64_t least) {
    return (TarnDeletePlanOptions){.target_bytes = 1 << 20, .input_files_min = least};
}

static void what_applies_to_nothing_dangles(void) {
    begin_table(1, "");
    TarnDataFile data[] = {bucket_file(0), bucket_file(1)};
    TarnDataFile deletes[] = {equality_deletes(bucket_file(0)), equality_deletes(bucket_file(2)),
                              equality_deletes(plain_file()), position_deletes(bucket_file(2), 0)};
    REQUIRE_OK(append(data, 2), &error);
    add(deletes, 4);
    CHECK_STRING(planned(joining(5)), "2 of 4"); /* there is nothing in bucket 2 */
    TarnDataFile later[] = {bucket_file(0), bucket_file(2)};
    REQUIRE_OK(append(later, 2), &error);
    CHECK_STRING(planned(joining(5)), "2 of 4"); /* what comes later is not meant */
    drop(&data[0]);
    CHECK_STRING(planned(joining(5)), "3 of 4"); /* the one of all partitions stays */
    drop(&data[1]);
    CHECK_STRING(planned(joining(5)), "4 of 4");
}

static void small_ones_of_a_partition_are_joined(void) {
    begin_table(1, "");
    TarnDataFile data[] = {bucket_file(0), bucket_file(0), bucket_file(1)};
    TarnDataFile deletes[8];
    REQUIRE_OK(append(data, 3), &error);
    for (size_t i = 0; i < 8; i++) {
        deletes[i] = position_deletes(bucket_file(i < 6 ? 0 : 1), &data[i < 6 ? i % 2 : 2]);
        add(&deletes[i], 1);
    }
    CHECK_STRING(planned(joining(7)), "0 of 8");
    CHECK_STRING(planned(joining(5)), "0 of 8, 6 about 2 at 7");
    CHECK_STRING(planned(joining(2)), "0 of 8, 2 about 1 at 9, 6 about 2 at 7");
    TarnDeletePlanOptions options = joining(3);
    options.by_data_file = true;
    CHECK_STRING(planned(options), "0 of 8, 3 about 1 at 7, 3 about 1 at 6");
    options = joining(2);
    options.target_bytes = 3000; /* they have 1000 bytes each */
    CHECK_STRING(planned(options), "0 of 8, 2 about 1 at 9, 3 about 2 at 4, 3 about 2 at 7");
    options.target_bytes = 1300;
    CHECK_STRING(planned(options), "0 of 8");
    options.to_vectors = true;
    CHECK_STRING(planned(options), "0 of 8, 2 about 1 at 9, 6 about 2 at 7");
}

static void data_files_that_will_be_gone_need_none(void) {
    begin_table(0, "");
    TarnDataFile data[] = {plain_file(), plain_file()};
    REQUIRE_OK(append(data, 2), &error);
    TarnDataFile deletes[] = {position_deletes(plain_file(), &data[0]),
                              position_deletes(plain_file(), &data[1]),
                              equality_deletes(plain_file())};
    add(deletes, 3);
    TarnDeletePlan plan;
    TarnScanPlan *scan = plan_with_deletes();
    const TarnScanTask *items[] = {&scan->tasks[0], &scan->tasks[1]};
    TarnRewriteGroup group = {.items = items, .count = 1};
    TarnRewritePlan gone = {.groups = &group, .count = 1};
    TarnDeletePlanOptions options = joining(5);
    options.gone = &gone;
    CHECK_OK(tarn_table_delete_plan(scan, &options, &arena, &plan, &error), &error);
    REQUIRE(plan.dangling_count == 1);
    CHECK(tarn_base_text_equal(plan.dangling[0].path, deletes[0].path));
    group.count = 2;
    CHECK_OK(tarn_table_delete_plan(scan, &options, &arena, &plan, &error), &error);
    CHECK_INT(plan.dangling_count, 3);
    tarn_table_scan_plan_dispose(scan);
}

/* A rollback may make deletes useful that were not. */
static void a_history_that_was_rolled_back_is_a_conflict(void) {
    begin_table(0, "");
    TarnDataFile data = plain_file();
    REQUIRE_OK(append(&data, 1), &error);
    TarnDataFile deletes = equality_deletes(plain_file());
    add(&deletes, 1);
    int64_t before = head()->id;
    drop(&data);
    CHECK_STRING(planned(joining(5)), "1 of 1");
    TarnRemovedDelete removed = {.path = deletes.path, .content_offset = TARN_ABSENT};
    TarnSnapshotChange change = {.operation = TARN_OPERATION_REPLACE,
                                 .removed_deletes = &removed,
                                 .removed_delete_count = 1,
                                 .starting_snapshot_id = head()->id};
    TarnPreparedSnapshot prepared;
    CHECK_OK(tarn_table_snapshot_move_ref(table, NULL, before, true, &arena, &prepared, &error),
             &error);
    table = apply_to(table, &prepared);
    CHECK(!commit(&change));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(what_applies_to_nothing_dangles);
    TAP_TEST(small_ones_of_a_partition_are_joined);
    TAP_TEST(data_files_that_will_be_gone_need_none);
    TAP_TEST(a_history_that_was_rolled_back_is_a_conflict);
    close_table();
    return tap_end();
}
