/* query: statements that change rows, and reading what they leave. */
#include "base/fault.h"
#include "query_test.h"

static void rows_are_deleted_and_changed(void) {
    RUN("create table sandbox.t as select i as id, 'x' || i as s from range(6) r(i)",
        "created table sandbox.t");
    RUN("delete from sandbox.t where id = 1", "deleted 1 row from sandbox.t");
    RUN("delete from sandbox.t where id = 1", "deleted 0 rows from sandbox.t");
    RUN("update sandbox.t set s = s || '!' where id < 3", "updated 2 rows of sandbox.t");
    RUN("select id, s from sandbox.t order by id", "0|x0!;2|x2!;3|x3;4|x4;5|x5");
    /* what is deleted twice, or in a file that deletes already apply to */
    RUN("delete from sandbox.t where id in (2, 3)", "deleted 2 rows from sandbox.t");
    RUN("select count(*), sum(id) from sandbox.t", "3|9");
}

/* A condition that fails on a row that is no longer there must not be evaluated for it. */
static void deleted_rows_raise_no_errors(void) {
    RUN("create table sandbox.e as select i as id, case i when 3 then 'three' else i::varchar end "
        "as s from range(5) r(i)",
        "created table sandbox.e");
    RUN("delete from sandbox.e where s = 'three'", "deleted 1 row from sandbox.e");
    RUN("select id from sandbox.e where s::int > 2", "4");
    RUN("select count(*) from sandbox.e where 10 / (id - 3) < 100", "4");
    RUN("update sandbox.e set s = (s::int + 1)::varchar where s::int >= 0",
        "updated 4 rows of sandbox.e");
    RUN("select s from sandbox.e order by id", "1;2;3;5");
}

/* A condition decides before a row is taken for changed, whatever the engine makes of it. */
static void only_rows_of_the_condition_change(void) {
    RUN("create table sandbox.c as select i as id, i % 7 as k from range(1000) r(i)",
        "created table sandbox.c");
    RUN("update sandbox.c set k = -1 where id % 10 = 0", "updated 100 rows of sandbox.c");
    RUN("delete from sandbox.c where (id + k) % 3 = 1 and k >= 0 and sqrt(id) > 2",
        "deleted 299 rows from sandbox.c");
    RUN("select count(*), count(*) filter (k = -1), sum(id) from sandbox.c",
        "701|100|349523");
}

static void a_failed_statement_leaves_nothing(void) {
    static const char *const points[] = {"query.dml.after_delete_files=error",
                                         "query.write.after_copy=error",
                                         "catalog.commit.before_swap=error"};
    RUN("create table sandbox.f as select i as id from range(5) r(i)",
        "created table sandbox.f");
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        tarn_base_fault_init(points[i]);
        CHECK(strncmp(run("update sandbox.f set id = id + 10 where id < 2"), "error:", 6) == 0);
        tarn_base_fault_init(NULL);
        RUN("select sum(id) from sandbox.f", "10");
    }
    RUN("update sandbox.f set id = id + 10 where id < 2", "updated 2 rows of sandbox.f");
    RUN("select sum(id) from sandbox.f", "30");
}

static void columns_may_be_called_anything(void) {
    RUN("create table sandbox.n (file_index int, filename varchar, file_row_number int)",
        "created table sandbox.n");
    RUN("insert into sandbox.n select i, 'f' || i, i * 2 from range(4) r(i)",
        "inserted 4 rows into sandbox.n");
    RUN("delete from sandbox.n where file_row_number = 2", "deleted 1 row from sandbox.n");
    RUN("select * from sandbox.n order by 1", "0|f0|0;2|f2|4;3|f3|6");
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    if (!open_lake()) return 1;
    TAP_TEST(rows_are_deleted_and_changed);
    TAP_TEST(deleted_rows_raise_no_errors);
    TAP_TEST(only_rows_of_the_condition_change);
    TAP_TEST(a_failed_statement_leaves_nothing);
    TAP_TEST(columns_may_be_called_anything);
    close_lake();
    return tap_end();
}
