/* Which files are rewritten together: sizes, partitions, deletes, and nothing when all is well. */
#include "table/rewrite_plan.h"
#include "table_model.h"

static TarnRewriteOptions sizes(int64_t target) {
    return (TarnRewriteOptions){
        .target_bytes = target, .group_bytes = target, .input_files_min = 5};
}

static TarnDataFile sized(TarnDataFile file, int64_t bytes) {
    file.file_size = bytes;
    return file;
}

/* "2:300 1:2000!": files and bytes of each group, "!" where one alone is reason enough. */
static const char *planned(TarnRewriteOptions options) {
    static char text[2048];
    TarnRewritePlan plan;
    size_t used = 0;
    TarnScanPlan *scan = plan_all();
    text[0] = '\0';
    CHECK_OK(tarn_table_rewrite_plan(scan, &options, &arena, &plan, &error), &error);
    int64_t files = 0;
    for (size_t i = 0; i < plan.count; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%zu:%lld%s",
                                 i > 0 ? " " : "", plan.groups[i].count,
                                 (long long)plan.groups[i].bytes,
                                 plan.groups[i].forced ? "!" : "");
        files += (int64_t)plan.groups[i].count;
        for (size_t t = 1; t < plan.groups[i].count; t++) {
            const TarnDataFile *first = plan.groups[i].items[0]->file;
            const TarnDataFile *other = plan.groups[i].items[t]->file;
            CHECK_INT(first->spec_id, other->spec_id);
            for (size_t p = 0; p < first->partition_count; p++) {
                CHECK(tarn_format_literal_equal(&first->partition[p], &other->partition[p]));
            }
        }
    }
    CHECK_INT(files, plan.files);
    tarn_table_scan_plan_dispose(scan);
    return text;
}

static void small_files_are_joined_up_to_the_target(void) {
    begin_table(0, "");
    TarnDataFile files[12];
    for (size_t i = 0; i < 12; i++) files[i] = sized(plain_file(), 100);
    REQUIRE_OK(append(files, 4), &error);
    CHECK_STRING(planned(sizes(1000)), ""); /* four are too few, and fill nothing */
    TarnRewriteOptions eager = sizes(1000);
    eager.input_files_min = 2;
    CHECK_STRING(planned(eager), "4:400");
    REQUIRE_OK(append(files + 4, 8), &error);
    CHECK_STRING(planned(sizes(1000)), "10:1000"); /* two stay: not worth it yet */
    CHECK_STRING(planned(sizes(400)), "4:400 4:400 4:400");
    CHECK_STRING(planned(sizes(130)), ""); /* 100 is three quarters of it */
    CHECK_STRING(planned(sizes(50)), "1:100! 1:100! 1:100! 1:100! 1:100! 1:100! 1:100! 1:100! "
                                     "1:100! 1:100! 1:100! 1:100!");
}

static void the_largest_are_packed_first(void) {
    begin_table(0, "");
    static const int64_t bytes[] = {600, 500, 400, 300, 200, 1000, 740};
    TarnDataFile files[7];
    for (size_t i = 0; i < 7; i++) files[i] = sized(plain_file(), bytes[i]);
    REQUIRE_OK(append(files, 7), &error);
    CHECK_STRING(planned(sizes(1000)), "2:940 2:1000 2:800");
}

static void partitions_and_specs_stay_apart(void) {
    begin_table(1, "");
    TarnDataFile files[20];
    for (size_t i = 0; i < 18; i++) files[i] = sized(bucket_file((int64_t)(i % 3)), 100);
    files[18] = sized(plain_file(), 100);
    files[19] = sized(plain_file(), 100);
    REQUIRE_OK(append(files, 20), &error);
    CHECK_STRING(planned(sizes(1000)), "6:600 6:600 6:600");
    TarnRewriteOptions all = sizes(1000);
    all.all = true;
    all.group_bytes = 1 << 20;
    CHECK_STRING(planned(all), "6:600 6:600 6:600 2:200");
}

static void own_work_is_left_alone(void) {
    begin_table(0, "");
    TarnDataFile files[10];
    for (size_t i = 0; i < 10; i++) files[i] = sized(plain_file(), 100);
    REQUIRE_OK(append(files, 5), &error);
    int64_t made = head()->id;
    REQUIRE_OK(append(files + 5, 5), &error);
    TarnRewriteOptions options = sizes(1000);
    options.skip_snapshots = &made;
    options.skip_count = 1;
    CHECK_STRING(planned(options), "5:500");
}

static void files_of_many_deleted_rows_are_rewritten(void) {
    begin_table(0, "");
    TarnDataFile files[] = {sized(plain_file(), 1000), sized(plain_file(), 1000)};
    REQUIRE_OK(append(files, 2), &error);
    TarnDataFile deletes[] = {plain_file(), plain_file()};
    for (size_t i = 0; i < 2; i++) {
        deletes[i].content = TARN_CONTENT_POSITION_DELETES;
        deletes[i].referenced_data_file = files[i].path;
        deletes[i].record_count = i == 0 ? 2 : 3; /* of ten */
    }
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_DELETE, .added = deletes, .added_count = 2};
    REQUIRE_OK(commit(&change), &error);
    CHECK_STRING(planned(sizes(1000)), "1:1000!");
    TarnRewriteOptions any = sizes(1000);
    any.any_deletes = true;
    CHECK_STRING(planned(any), "1:1000! 1:1000!");
    any.any_deletes = false;
    any.delete_ratio = 0.5;
    CHECK_STRING(planned(any), "");
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(small_files_are_joined_up_to_the_target);
    TAP_TEST(the_largest_are_packed_first);
    TAP_TEST(partitions_and_specs_stay_apart);
    TAP_TEST(own_work_is_left_alone);
    TAP_TEST(files_of_many_deleted_rows_are_rewritten);
    close_table();
    return tap_end();
}
