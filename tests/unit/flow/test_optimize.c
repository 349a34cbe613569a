/* Compaction planned part by part, as it is for tables of very many files. */
#include "flow/maintain.h"
#include "lake_test.h"

static TarnMaintainResult optimize(int64_t plan_files_max, bool dry_run) {
    TarnMaintainResult result = {0};
    TarnMaintenance run = {.os = tarn_os_posix(),
                           .catalog = lake.catalog,
                           .state = lake.scratch.path,
                           .table = {"sandbox", "t"},
                           .dry_run = dry_run};
    TarnOptimizeOptions options = {
        .query = lake.query, .input_files_min = 2, .plan_files_max = plan_files_max};
    CHECK_OK(tarn_flow_optimize(&run, &options, &lake.arena, &result, &error), &error);
    return result;
}

static void insert(int first, int count) {
    char sql[128];
    for (int i = first; i < first + count; i++) {
        snprintf(sql, sizeof(sql), "insert into sandbox.t values (%d, %d)", i, i % 2);
        SQL(sql, "inserted 1 row into sandbox.t");
    }
}

static void parts_are_planned_one_after_the_other(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table sandbox.t (id bigint, p int)", "created table sandbox.t");
    insert(0, 11);
    TarnMaintainResult plan = optimize(4, true);
    TarnMaintainResult done = optimize(4, false);
    CHECK_INT(plan.files_before, 11);
    CHECK_INT(plan.groups, 3); /* of four, four and three */
    CHECK_INT(plan.deleted, 11);
    CHECK_INT(plan.files_after, 3);
    CHECK_INT(done.groups, 3);
    CHECK_INT(done.deleted, 11);
    CHECK_INT(done.rows, 11);
    CHECK_INT(done.commits, 3);
    CHECK_INT(done.files_after, 3);
    SQL("select count(*), sum(id) from sandbox.t", "11|55");
    CHECK_INT(optimize(0, false).added, 1);
    SQL("select count(*) from sandbox.\"t$files\"", "1");
    SQL("select count(*), sum(id) from sandbox.t", "11|55");
    lake_end();
}

/* A file in another part than those it would be joined with is left for the next run. */
static void partitions_and_deletes_in_parts(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table sandbox.t (id bigint, p int) partitioned by (p)", "created table sandbox.t");
    insert(0, 9);
    SQL("insert into sandbox.t select range + 100, 1 from range(20)",
        "inserted 20 rows into sandbox.t");
    SQL("delete from sandbox.t where id = 105", "deleted 1 row from sandbox.t");
    TarnMaintainResult plan = optimize(3, true);
    TarnMaintainResult done = optimize(3, false);
    CHECK_INT(plan.deleted, done.deleted);
    CHECK_INT(plan.rows, 20 + done.deleted - 1);
    CHECK_INT(plan.deletes_removed, 1);
    CHECK_INT(done.deletes_removed, 1);
    SQL("select count(*), sum(id) from sandbox.t", "28|2121");
    done = optimize(0, false);
    SQL("select count(*) from sandbox.\"t$files\"", "2");
    SQL("select count(*), sum(id) from sandbox.t", "28|2121");
    lake_end();
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(parts_are_planned_one_after_the_other);
    TAP_TEST(partitions_and_deletes_in_parts);
    return tap_end();
}
