/* query: "t$changes", what came and went between two snapshots. */
#include "query_test.h"

static char ids[8][24]; /* of the snapshots of sandbox.t, oldest first */

/* Snapshot ids by sequence number. */
static void read_ids(const char *table) {
    char sql[256];
    snprintf(sql, sizeof(sql), "select snapshot_id from sandbox.\"%s$snapshots\" order by "
             "sequence_number", table);
    TarnText rest = tarn_base_text(run(sql));
    for (size_t i = 0; rest.data != NULL && i < 8; i++) {
        TarnText id = tarn_base_text_split(rest, ';', &rest);
        snprintf(ids[i], sizeof(ids[0]), "%.*s", TARN_TEXT_ARG(id));
    }
}

/* The changes of sandbox.<table> in a range, in order, without snapshot ids. */
static const char *changes(const char *table, const char *range) {
    static char sql[512];
    snprintf(sql, sizeof(sql),
             "select id, v, _change_type, _change_ordinal from sandbox.\"%s$changes\" %s order by "
             "_change_ordinal, id, _change_type desc",
             table, range);
    return run(sql);
}

static const char *range_of(const char *from, const char *to) {
    static char text[128];
    snprintf(text, sizeof(text), "for version from %s%s%s", from, to != NULL ? " to " : "",
             to != NULL ? to : "");
    return text;
}

static void make_table(const char *name, const char *version, const char *mode) {
    char sql[512];
    snprintf(sql, sizeof(sql),
             "create table sandbox.%s (id int, v varchar) with ('format-version' = '%s', "
             "'write.update.mode' = '%s', 'write.delete.mode' = '%s')",
             name, version, mode, mode);
    run(sql);
    static const char *const then[] = {"insert into sandbox.%s values (1, 'a'), (2, 'b'), (3, 'c')",
                                       "update sandbox.%s set v = 'new' where id = 2",
                                       "delete from sandbox.%s where id = 3",
                                       "insert into sandbox.%s values (4, 'd'), (4, 'd')"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(sql, sizeof(sql), then[i], name);
        run(sql);
    }
}

static void rows_that_came_and_went(void) {
    static const char with_ids[] =
        "1|a|INSERT|0;2|b|INSERT|0;3|c|INSERT|0;2|b|UPDATE_BEFORE|1;2|new|UPDATE_AFTER|1;"
        "3|c|DELETE|2;4|d|INSERT|3;4|d|INSERT|3";
    static const char without[] = "1|a|INSERT|0;2|b|INSERT|0;3|c|INSERT|0;2|new|INSERT|1;"
                                  "2|b|DELETE|1;3|c|DELETE|2;4|d|INSERT|3;4|d|INSERT|3";
    make_table("m2", "2", "merge-on-read");
    make_table("c2", "2", "copy-on-write");
    make_table("m3", "3", "merge-on-read");
    make_table("t", "3", "copy-on-write");
    CHECK_STRING(changes("m2", ""), without);
    CHECK_STRING(changes("c2", ""), without);
    CHECK_STRING(changes("m3", ""), with_ids);
    CHECK_STRING(changes("t", ""), with_ids);
}

/* The start is excluded, the end included; without an end it is the newest. */
static void ranges_have_two_ends(void) {
    read_ids("t");
    CHECK_STRING(changes("t", range_of(ids[1], ids[2])), "3|c|DELETE|0");
    CHECK_STRING(changes("t", range_of(ids[2], NULL)), "4|d|INSERT|0;4|d|INSERT|0");
    CHECK_STRING(changes("t", range_of(ids[3], "'main'")), "");
    CHECK_STRING(changes("t", range_of("'main'", "'main'")), "");
    char sql[256];
    snprintf(sql, sizeof(sql), "select c.id, _commit_snapshot_id = %s from "
             "sandbox.\"t$changes\" for version from %s to %s as c join sandbox.t using (id) "
             "where c._change_type = 'UPDATE_AFTER'", ids[1], ids[0], ids[3]);
    RUN(sql, "2|true");
    snprintf(sql, sizeof(sql), "for version as of %s", ids[0]);
    CHECK_STRING(changes("t", sql), "1|a|INSERT|0;2|b|INSERT|0;3|c|INSERT|0");
    snprintf(sql, sizeof(sql), "at (version => %s)", ids[0]);
    CHECK_STRING(changes("t", sql), "1|a|INSERT|0;2|b|INSERT|0;3|c|INSERT|0");
    CHECK_STRING(changes("t", "for timestamp from '2020-01-01' to '2120-01-01'"), changes("t", ""));
    CHECK_STRING(changes("t", "for system_time from '2120-01-01'"), "");
}

static void ranges_that_are_none(void) {
    char wanted[128];
    read_ids("t");
    snprintf(wanted, sizeof(wanted), "snapshot %s is not an ancestor of snapshot %s", ids[3],
             ids[1]);
    CHECK(strstr(changes("t", range_of(ids[3], ids[1])), wanted) != NULL);
    CHECK(strstr(changes("t", range_of("12", NULL)), "SNAPSHOT_NOT_FOUND") != NULL);
    CHECK(strstr(changes("t", range_of("", NULL)), "SQL_SYNTAX") != NULL);
    CHECK(strstr(changes("nothing", ""), "TABLE_NOT_FOUND") != NULL);
    snprintf(wanted, sizeof(wanted), "select * from sandbox.t for version from %s", ids[0]);
    CHECK(strstr(run(wanted), "t$changes") != NULL);
    run("create table sandbox.taken (_change_type int)");
    CHECK(strstr(run("select * from sandbox.\"taken$changes\""), "SQL_UNSUPPORTED") != NULL);
}

/* Of an empty table nothing has changed. */
static void nothing_is_no_change(void) {
    run("create table sandbox.e (id int, v varchar)");
    CHECK_STRING(changes("e", ""), "");
    RUN("select typeof(id), typeof(_change_type), typeof(_change_ordinal), "
        "typeof(_commit_snapshot_id) from (select 1) left join sandbox.\"e$changes\" on true",
        "INTEGER|VARCHAR|INTEGER|BIGINT");
}

/* Columns are those of the range's end, found by id. */
static void columns_are_those_of_the_end(void) {
    make_table("s", "3", "copy-on-write");
    run("alter table sandbox.s rename column v to w");
    run("alter table sandbox.s add column n int");
    run("update sandbox.s set n = 7 where id = 1");
    run("alter table sandbox.s drop column w");
    RUN("select id, n, _change_type from sandbox.\"s$changes\" where _change_ordinal = 4 order by "
        "n nulls first", "1|NULL|UPDATE_BEFORE;1|7|UPDATE_AFTER");
    /* what only the dropped column tells apart is no change */
    RUN("select count(*) from sandbox.\"s$changes\" where _change_ordinal = 1", "0");
    read_ids("s");
    CHECK_STRING(changes("s", range_of(ids[0], ids[1])),
                 "2|b|UPDATE_BEFORE|0;2|new|UPDATE_AFTER|0");
}

/* The last number of EXPLAIN's files. */
static const char *files_of(const char *rest) {
    static char sql[512];
    snprintf(sql, sizeof(sql), "explain select * from sandbox.\"f$changes\" %s", rest);
    const char *told = run(sql);
    const char *bar = strchr(told, '|');
    bar = bar != NULL ? strchr(bar + 1, '|') : NULL;
    return bar != NULL ? bar + 1 : told;
}

static void only_changed_files_are_read(void) {
    char range[96];
    run("create table sandbox.f (id int, v varchar) partitioned by (id)");
    run("insert into sandbox.f select i, 'x' from range(20) r(i)");
    run("insert into sandbox.f values (3, 'y')");
    run("delete from sandbox.f where id = 5");
    read_ids("f");
    CHECK(strncmp(files_of(""), "21|20|", 6) == 0);
    snprintf(range, sizeof(range), "for version from %s", ids[0]);
    CHECK(strncmp(files_of(range), "2|20|", 5) == 0);
    snprintf(range, sizeof(range), "for version from %s where id = 5", ids[0]);
    CHECK(strncmp(files_of(range), "1|20|", 5) == 0);
    snprintf(range, sizeof(range), "for version from %s where id > 99", ids[0]);
    CHECK(strncmp(files_of(range), "0|20|", 5) == 0);
}

static void whole_tables_come_and_go(void) {
    run("create table sandbox.w (id int, v varchar) with ('format-version' = '3')");
    run("insert into sandbox.w values (1, 'a'), (2, 'b')");
    run("insert overwrite sandbox.w values (2, 'b'), (3, 'c')");
    run("truncate table sandbox.w");
    RUN("select id, _change_type, _change_ordinal from sandbox.\"w$changes\" order by 3, 1, 2",
        "1|INSERT|0;2|INSERT|0;1|DELETE|1;2|DELETE|1;2|INSERT|1;3|INSERT|1;2|DELETE|2;3|DELETE|2");
    /* a filter prunes files that are gone by their own metrics, whatever lives beside them */
    RUN("select id, _change_type, _change_ordinal from sandbox.\"w$changes\" where id = 3 "
        "order by 3",
        "3|INSERT|1;3|DELETE|2");
}

/* What equals what was there but for its id is another row; an update to the same is none. */
static void updates_to_the_same_are_none(void) {
    run("create table sandbox.u (id int, v varchar) with ('format-version' = '3')");
    run("insert into sandbox.u values (1, 'a'), (1, 'a'), (2, null)");
    run("update sandbox.u set v = v where id < 3");
    RUN("select count(*) from sandbox.\"u$changes\" where _change_ordinal = 1", "0");
    run("update sandbox.u set v = 'b'");
    RUN("select _change_type, v, count(*) from sandbox.\"u$changes\" where _change_ordinal = 2 "
        "group by all order by all",
        "UPDATE_AFTER|b|3;UPDATE_BEFORE|a|2;UPDATE_BEFORE|NULL|1");
}

static void transactions_and_branches(void) {
    make_table("b", "3", "merge-on-read");
    RUN("begin", "began a transaction");
    run("update sandbox.b set v = 'in' where id = 1");
    run("delete from sandbox.b where id = 2");
    RUN("select id, v, _change_type from sandbox.\"b$changes\" where _change_ordinal > 3 order by "
        "_change_ordinal, v", "1|a|DELETE;1|in|INSERT;2|new|DELETE");
    RUN("rollback", "rolled back");
    RUN("select count(*) from sandbox.\"b$changes\" where _change_ordinal > 3", "0");
    run("alter table sandbox.b create branch side");
    tarn_query_branch_set(query, "side");
    run("insert into sandbox.b values (9, 'side')");
    RUN("select id from sandbox.\"b$changes\" where _change_ordinal > 3", "9");
    tarn_query_branch_set(query, NULL);
    RUN("select count(*) from sandbox.\"b$changes\" where _change_ordinal > 3", "0");
    RUN("select id from sandbox.\"b$changes\" for version from 'main' to 'side'", "9");
    CHECK(strstr(changes("b", range_of("'side'", "'main'")), "not an ancestor") != NULL);
}

/* A view over them moves with the table; it has no range, as it has no time. */
static void views_have_all_of_them(void) {
    run("create view sandbox.cv as select _change_type, count(*) n from sandbox.\"t$changes\" "
        "group by all");
    RUN("select * from sandbox.cv order by all",
        "DELETE|1;INSERT|5;UPDATE_AFTER|1;UPDATE_BEFORE|1");
    CHECK(strstr(run("create view sandbox.cw as select * from sandbox.\"t$changes\" for version "
                     "from 'main'"), "travel in time") != NULL);
}

/* Values that equal themselves only by the rules of grouping; nested ones; ones without order. */
static void values_of_all_kinds_cancel_out(void) {
    RUN("create table sandbox.k (id int, g double, l int[], m map(varchar, int), s struct(a int, "
        "b varchar), j variant) with ('format-version' = '3', "
        "'write.update.mode' = 'copy-on-write')",
        "created table sandbox.k");
    RUN("insert into sandbox.k values (1, 'NaN'::double, [1, null], map {'a': 1}, "
        "{'a': null, 'b': 'x'}, {'q': 1}::variant), (2, null, null, null, null, null), "
        "(3, 0, [], map {}, null, 7::variant)",
        "inserted 3 rows into sandbox.k");
    RUN("update sandbox.k set g = 1 where id = 2", "updated 1 row of sandbox.k");
    RUN("select id, g, _change_type from sandbox.\"k$changes\" where _change_ordinal = 1 order by "
        "g nulls first", "2|NULL|UPDATE_BEFORE;2|1.0|UPDATE_AFTER");
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    if (!open_lake()) return 1;
    TAP_TEST(rows_that_came_and_went);
    TAP_TEST(ranges_have_two_ends);
    TAP_TEST(ranges_that_are_none);
    TAP_TEST(nothing_is_no_change);
    TAP_TEST(columns_are_those_of_the_end);
    TAP_TEST(only_changed_files_are_read);
    TAP_TEST(whole_tables_come_and_go);
    TAP_TEST(updates_to_the_same_are_none);
    TAP_TEST(transactions_and_branches);
    TAP_TEST(views_have_all_of_them);
    TAP_TEST(values_of_all_kinds_cancel_out);
    close_lake();
    return tap_end();
}
