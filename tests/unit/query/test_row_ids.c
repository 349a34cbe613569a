/* query: the hidden columns of version 3 tables, and the names that mean them. */
#include "query_test.h"

static void make_tables(void) {
    RUN("create table sandbox.t with ('format-version' = 3) as select i as id, i * 10 as v "
        "from range(4) r(i)",
        "created table sandbox.t");
    RUN("create table sandbox.o as select i as id from range(3) r(i)", "created table sandbox.o");
    RUN("update sandbox.t set v = 5 where id = 2", "updated 1 row of sandbox.t");
}

/* The moved row keeps its id and has a new sequence number; the others inherit both. */
static void rows_have_their_ids(void) {
    RUN("select id, _row_id, _last_updated_sequence_number from sandbox.t order by id",
        "0|0|1;1|1|1;2|2|2;3|3|1");
    RUN("select id from sandbox.t where _ROW_ID = 2", "2");
    RUN("select count(*) from sandbox.t where \"_row_id\" is null", "0");
    RUN("select max(t._row_id), min(x._last_updated_sequence_number) from sandbox.t, sandbox.t x",
        "3|1");
}

static void stars_do_not_show_them(void) {
    RUN("select * from sandbox.t where _row_id = 1", "1|10");
    RUN("from sandbox.t where _row_id = 1", "1|10");
    RUN("select id from (from sandbox.t where _row_id = 1)", "1");
    RUN("select * from (from (sandbox.t join sandbox.o using (id)) where _row_id = 1)", "1|10");
    RUN("with c as (from sandbox.t where _row_id = 1) from c", "1|10");
    RUN("select v from sandbox.t group by v, _row_id having _row_id < 2 order by all", "0;10");
    RUN("select *, _row_id from sandbox.t where id = 1", "1|10|1");
    RUN("select t.*, _row_id from sandbox.t join sandbox.o using (id) where id = 1", "1|10|1");
    RUN("select * exclude v, _row_id from sandbox.t where id = 1", "1|1");
    RUN("select * exclude (v), _row_id from sandbox.t where id = 1", "1|1");
    RUN("select * replace (v + 1 as v), _row_id from sandbox.t where id = 1", "1|11|1");
    RUN("select columns(*), _row_id from sandbox.t where id = 1", "1|10|1");
    RUN("select * like 'v%', _row_id from sandbox.t where id = 1", "10|1");
    RUN("select a.*, b._row_id from sandbox.t a join sandbox.t b on b.id = a.id + 1 "
        "where a.id = 1", "1|10|2");
    /* but a column that a subquery made is one like others */
    RUN("select * from (select _row_id, id from sandbox.t) where id = 1", "1|1");
    RUN("with c as (select *, _row_id from sandbox.t) select * from c where id = 1", "1|10|1");
}

static void names_mean_the_nearest_table(void) {
    RUN("select sandbox.t.id, sandbox.t._row_id from sandbox.t where sandbox.t.id = 3", "3|3");
    RUN("select id from sandbox.o where exists (select 1 from sandbox.t where t._row_id = o.id) "
        "order by 1", "0;1;2");
    RUN("select (select count(*) from sandbox.o where id < _row_id) from sandbox.t order by id",
        "0;1;2;3");
    RUN("select _row_id from (select 7 as _row_id) s, sandbox.t where t.id = 1", "7");
    RUN("select id as _row_id from sandbox.o order by _row_id", "0;1;2");
    CHECK(strstr(run("select _row_id from sandbox.t a, sandbox.t b"), "ambiguous") != NULL);
    CHECK(strstr(run("with c as (select * from sandbox.t) select _row_id from c"),
                 "not found") != NULL);
}

static void tables_without_ids_say_so(void) {
    const char *expected = "error: SQL_UNSUPPORTED 1:8 the rows of \"sandbox.o\" have no ids: the "
                           "table is of a format version before 3";
    RUN("select _row_id from sandbox.o", expected);
    RUN("select o._last_updated_sequence_number from sandbox.o", expected);
    CHECK(strstr(error.hint, "tarn table upgrade sandbox.o") != NULL);
}

static void what_cannot_hide_them_is_refused(void) {
    CHECK(strstr(run("table sandbox.t order by _row_id"), "write SELECT") != NULL);
    CHECK(strstr(run("select t, _row_id from sandbox.t"), "as structs") != NULL);
    CHECK(strstr(run("select columns('v.*'), _row_id from sandbox.t"), "pattern") != NULL);
    CHECK(strstr(run("select a._row_id, b._row_id from sandbox.t a natural join sandbox.t b"),
                 "NATURAL") != NULL);
}

static void errors_keep_their_places(void) {
    run("select _row_id,\n nope from sandbox.t as x");
    CHECK_INT(error.line, 2);
    CHECK_INT(error.column, 2);
    run("select *, _row_id from sandbox.t where nope = 1");
    CHECK_INT(error.line, 1);
    CHECK_INT(error.column, 40);
}

static void views_keep_what_they_select(void) {
    RUN("create view sandbox.w as select *, _row_id as rid from sandbox.t",
        "created view sandbox.w");
    RUN("select * from sandbox.w where id = 2", "2|5|2");
    RUN("select rid, _row_id from sandbox.w join sandbox.t using (id) where id = 3", "3|3");
    CHECK(strstr(run("select _row_id from sandbox.w"), "not found") != NULL);
}

static void the_past_has_its_own(void) {
    static char sql[256];
    const char *first = run("select snapshot_id from sandbox.\"t$snapshots\" order by "
                            "sequence_number limit 1");
    snprintf(sql, sizeof(sql), "select _last_updated_sequence_number, * from sandbox.t for "
             "version as of %s where id = 2", first);
    RUN(sql, "1|2|20");
}

/* Rows of the running transaction get their ids with its COMMIT. */
static void transactions_see_them(void) {
    RUN("begin", "began a transaction");
    RUN("insert into sandbox.t values (9, 9)", "inserted 1 row into sandbox.t");
    RUN("select id, _row_id from sandbox.t where id in (3, 9) order by id", "3|3;9|NULL");
    RUN("rollback", "rolled back");
}

static void branches_have_their_own(void) {
    run("alter table sandbox.t create branch side");
    tarn_query_branch_set(query, "side");
    RUN("insert into sandbox.t values (8, 80)", "inserted 1 row into sandbox.t");
    RUN("select count(_row_id), count(*), max(id) from sandbox.t where _row_id > 2", "2|2|8");
    tarn_query_branch_set(query, NULL);
    RUN("select count(_row_id), max(id) from sandbox.t where _row_id > 2", "1|3");
    RUN("select *, _row_id is null from sandbox.t for version as of 'side' where id = 8",
        "8|80|false");
}

/* Rows of before the upgrade have ids from the first commit after it on. */
static void an_upgrade_gives_ids(void) {
    RUN("create table sandbox.up as select i as id from range(2) r(i)",
        "created table sandbox.up");
    run("alter table sandbox.up set ('format-version' = '3')");
    RUN("select id, _row_id from sandbox.up order by id", "0|NULL;1|NULL");
    RUN("insert into sandbox.up values (2)", "inserted 1 row into sandbox.up");
    RUN("select count(_row_id), count(distinct _row_id), count(*) from sandbox.up", "3|3|3");
}

static void a_column_of_that_name_wins(void) {
    RUN("create table sandbox.own (_row_id varchar, x int)", "created table sandbox.own");
    RUN("insert into sandbox.own values ('mine', 1)", "inserted 1 row into sandbox.own");
    RUN("select *, _row_id from sandbox.own", "mine|1|mine");
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    if (!open_lake()) return 1;
    make_tables();
    TAP_TEST(rows_have_their_ids);
    TAP_TEST(stars_do_not_show_them);
    TAP_TEST(names_mean_the_nearest_table);
    TAP_TEST(tables_without_ids_say_so);
    TAP_TEST(what_cannot_hide_them_is_refused);
    TAP_TEST(errors_keep_their_places);
    TAP_TEST(views_keep_what_they_select);
    TAP_TEST(the_past_has_its_own);
    TAP_TEST(transactions_see_them);
    TAP_TEST(branches_have_their_own);
    TAP_TEST(an_upgrade_gives_ids);
    TAP_TEST(a_column_of_that_name_wins);
    close_lake();
    return tap_end();
}
