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

/* The rows of RETURNING, whatever the columns are called, with the message behind them. */
static void returned_rows_have_the_tables_columns(void) {
    RUN("create table sandbox.\"r\"\"x\" (merge_action int, __t int, \"a \"\"b\" varchar)",
        "created table sandbox.r\"x");
    RUN("insert into sandbox.\"r\"\"x\" values (1, 2, '%s; --') returning *, \"r\"\"x\".__t",
        "1|2|%s; --|2inserted 1 row into sandbox.r\"x");
    RUN("merge into sandbox.\"r\"\"x\" t using (select 1 as k) s on t.merge_action = s.k "
        "when matched then update set __t = 5 returning *, merge_action",
        "1|5|%s; --|1merged 1 row into sandbox.\"r\"\"x\"");
    RUN("delete from sandbox.\"r\"\"x\" returning \"a \"\"b\" -- all of them",
        "%s; --deleted 1 row from sandbox.\"r\"\"x\"");
    CHECK(strncmp(run("delete from sandbox.\"r\"\"x\" returning __tarn_action"), "error: SQL_BIND",
                  15) == 0);
    CHECK(strncmp(run("select * from temp.__tarn_shown"), "error: ZONE_NOT_FOUND", 21) == 0);
    CHECK(strncmp(run("delete from sandbox.\"r\"\"x\" returning "
                      "(select __tarn_action from temp.main.__tarn_rows)"),
                  "error: SQL_UNSUPPORTED", 22) == 0);
}

/* Another connection to the same lake. */
static TarnDb *other_db;
static TarnCatalog *other_catalog;
static TarnQuery *other_query;

static bool open_other(void) {
    TarnDbOptions db_options = {.how = TARN_DB_OPEN};
    TarnCatalogOptions options = *tarn_catalog_options(catalog);
    if (!tarn_db_open(options.os, url, &db_options, &other_db, &error)) return false;
    options.db = other_db;
    if (!tarn_catalog_open(&options, &other_catalog, &error)) return false;
    TarnQueryOptions query_options = {.catalog = other_catalog};
    return tarn_query_open(&query_options, &other_query, &error);
}

static void close_other(void) {
    tarn_query_close(other_query);
    tarn_catalog_close(other_catalog);
    tarn_db_close(other_db);
}

static const char *run_other(const char *sql) {
    TarnQuery *own = query;
    query = other_query;
    const char *answer = run(sql);
    query = own;
    return answer;
}

#define OTHER(sql, expected) tap_string(__FILE__, __LINE__, sql, run_other(sql), expected)

static void transactions_see_one_state(void) {
    RUN("create table sandbox.ta as select i as id, 0 as v from range(4) r(i)",
        "created table sandbox.ta");
    RUN("create table sandbox.tb as select i as id, 0 as v from range(4) r(i)",
        "created table sandbox.tb");
    REQUIRE_OK(open_other(), &error);
    RUN("begin", "began a transaction");
    OTHER("insert into sandbox.tb values (9, 9)", "inserted 1 row into sandbox.tb");
    RUN("select count(*) from sandbox.tb", "4");
    RUN("update sandbox.ta set v = 1 where id = 1", "updated 1 row of sandbox.ta");
    RUN("insert into sandbox.tb values (5, 5)", "inserted 1 row into sandbox.tb");
    OTHER("select sum(v) from sandbox.ta", "0");
    tarn_base_fault_init("query.transaction.before_commit=error");
    CHECK(strncmp(run("commit"), "error: FAULT_INJECTED", 21) == 0);
    tarn_base_fault_init(NULL);
    RUN("select sum(v) from sandbox.ta", "0");
    RUN("begin", "began a transaction");
    RUN("update sandbox.ta set v = 1 where id = 1", "updated 1 row of sandbox.ta");
    RUN("insert into sandbox.tb values (5, 5)", "inserted 1 row into sandbox.tb");
    RUN("commit", "committed 2 tables");
    OTHER("select sum(v) from sandbox.ta", "1");
    RUN("select count(*) from sandbox.tb", "6");
    close_other();
}

static void conflicts_end_transactions(void) {
    REQUIRE_OK(open_other(), &error);
    RUN("begin", "began a transaction");
    RUN("insert into sandbox.tb values (100, 100)", "inserted 1 row into sandbox.tb");
    RUN("update sandbox.ta set v = 2 where id = 2", "updated 1 row of sandbox.ta");
    OTHER("update sandbox.ta set v = 3 where id = 2", "updated 1 row of sandbox.ta");
    CHECK(strncmp(run("commit"), "error: COMMIT_CONFLICT", 22) == 0);
    CHECK(strstr(error.message, "snapshot") != NULL);
    CHECK(!tarn_query_in_transaction(query));
    RUN("select v from sandbox.ta where id = 2", "3");
    RUN("select count(*) from sandbox.tb where id = 100", "0");
    /* Rows of others that the condition holds for: the statement would have changed them too. */
    RUN("begin", "began a transaction");
    RUN("delete from sandbox.ta where v = 50", "deleted 0 rows from sandbox.ta");
    RUN("delete from sandbox.ta where v = 3", "deleted 1 row from sandbox.ta");
    OTHER("insert into sandbox.ta values (7, 3)", "inserted 1 row into sandbox.ta");
    CHECK(strncmp(run("commit"), "error: COMMIT_CONFLICT", 22) == 0);
    /* Outside of a transaction the statement is run again. */
    OTHER("insert into sandbox.ta values (8, 3)", "inserted 1 row into sandbox.ta");
    RUN("delete from sandbox.ta where v = 3", "deleted 3 rows from sandbox.ta");
    close_other();
}

/* What a transaction defines goes with the rest of it, onto tables that others write meanwhile. */
static void definitions_meet_other_commits(void) {
    RUN("create table sandbox.da as select 1 as id", "created table sandbox.da");
    REQUIRE_OK(open_other(), &error);
    RUN("begin", "began a transaction");
    RUN("alter table sandbox.da add column v int", "altered table sandbox.da");
    RUN("update sandbox.da set v = 7", "updated 1 row of sandbox.da");
    RUN("alter table sandbox.da set ('write.delete.isolation-level' = 'snapshot')",
        "altered table sandbox.da");
    RUN("create table sandbox.db as select id + v as s from sandbox.da",
        "created table sandbox.db");
    OTHER("select * from sandbox.da", "1");
    CHECK(strncmp(run_other("select * from sandbox.db"), "error: TABLE_NOT_FOUND", 22) == 0);
    RUN("commit", "committed 2 tables");
    OTHER("select * from sandbox.da", "1|7");
    OTHER("select * from sandbox.db", "8");
    /* appends of others are no conflict for a column that is added */
    RUN("begin", "began a transaction");
    RUN("alter table sandbox.da add column w int", "altered table sandbox.da");
    OTHER("insert into sandbox.da values (2, 8)", "inserted 1 row into sandbox.da");
    RUN("insert into sandbox.da values (3, 9, 10)", "inserted 1 row into sandbox.da");
    RUN("commit", "committed 1 table");
    OTHER("select * from sandbox.da order by id", "1|7|NULL;2|8|NULL;3|9|10");
    /* another's column is, and so is another's row in a table that goes, or a name that is taken */
    RUN("begin", "began a transaction");
    RUN("alter table sandbox.da add column x int", "altered table sandbox.da");
    OTHER("alter table sandbox.da add column y int", "altered table sandbox.da");
    CHECK(strncmp(run("commit"), "error: COMMIT_CONFLICT", 22) == 0);
    RUN("begin", "began a transaction");
    RUN("insert into sandbox.da (id) values (4)", "inserted 1 row into sandbox.da");
    RUN("drop table sandbox.db", "dropped table sandbox.db");
    OTHER("insert into sandbox.db values (9)", "inserted 1 row into sandbox.db");
    CHECK(strncmp(run("commit"), "error: COMMIT_CONFLICT", 22) == 0);
    RUN("begin", "began a transaction");
    RUN("insert into sandbox.da (id) values (4)", "inserted 1 row into sandbox.da");
    RUN("create table sandbox.dc as select 1 as mine", "created table sandbox.dc");
    OTHER("create table sandbox.dc as select 2 as yours", "created table sandbox.dc");
    CHECK(strncmp(run("commit"), "error: TABLE_EXISTS", 19) == 0);
    RUN("select yours from sandbox.dc", "2");
    RUN("select count(*), sum(s) from sandbox.db", "2|17");
    RUN("select id, y from sandbox.da order by id", "1|NULL;2|NULL;3|NULL");
    close_other();
}

static void definitions_are_undone(void) {
    static const char *const points[] = {"query.transaction.before_commit=error",
                                         "catalog.commit.after_metadata=error@2",
                                         "catalog.commit.before_swap=error"};
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        RUN("begin", "began a transaction");
        RUN("create table sandbox.dd as select 1 as id", "created table sandbox.dd");
        RUN("drop table sandbox.db", "dropped table sandbox.db");
        RUN("alter table sandbox.da drop column y", "altered table sandbox.da");
        RUN("alter table sandbox.da create tag t", "created tag t of sandbox.da");
        tarn_base_fault_init(points[i]);
        CHECK(strncmp(run("commit"), "error: FAULT_INJECTED", 21) == 0);
        tarn_base_fault_init(NULL);
        CHECK(strncmp(run("select * from sandbox.dd"), "error: TABLE_NOT_FOUND", 22) == 0);
        RUN("select count(*), sum(s) from sandbox.db", "2|17");
        RUN("select count(y), count(*) from sandbox.da", "0|3");
    }
    RUN("begin", "began a transaction");
    RUN("drop table sandbox.db", "dropped table sandbox.db");
    RUN("commit", "committed 1 table");
    CHECK(strncmp(run("select * from sandbox.db"), "error: TABLE_NOT_FOUND", 22) == 0);
}

/* Ids that rows get in a transaction are final with its commit, which may come after others. */
static void row_ids_stay_unique_over_a_rebase(void) {
    RUN("create table sandbox.l (id int, v int) with ('format-version' = 3)",
        "created table sandbox.l");
    RUN("insert into sandbox.l select i, 0 from range(3) r(i)",
        "inserted 3 rows into sandbox.l");
    REQUIRE_OK(open_other(), &error);
    RUN("begin", "began a transaction");
    RUN("insert into sandbox.l values (10, 0), (11, 0)", "inserted 2 rows into sandbox.l");
    RUN("update sandbox.l set v = 1 where id in (1, 11)", "updated 2 rows of sandbox.l");
    OTHER("insert into sandbox.l values (20, 0)", "inserted 1 row into sandbox.l");
    RUN("commit", "committed 1 table");
    RUN("select count(*), sum(v) from sandbox.l", "6|2");
    /* The table's row keeps its id in the new file; that of the transaction gets one there. */
    char sql[512];
    TarnText ids = {0};
    TarnArena arena;
    tarn_base_arena_init(&arena, TARN_MIB);
    snprintf(sql, sizeof(sql),
             "select string_agg(id || ':' || coalesce(_row_id::varchar, 'none'), ',' order by id) "
             "from read_parquet('%s/sandbox/l-*/data/*.parquet', union_by_name = true) where v = 1",
             warehouse);
    REQUIRE_OK(tarn_engine_query_text(tarn_query_session(query), tarn_base_text(sql), NULL, 0,
                                      &arena, &ids, &error),
               &error);
    CHECK(tarn_base_text_is(ids, "1:1,11:none"));
    tarn_base_arena_dispose(&arena);
    close_other();
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    if (!open_lake()) return 1;
    TAP_TEST(rows_are_deleted_and_changed);
    TAP_TEST(deleted_rows_raise_no_errors);
    TAP_TEST(only_rows_of_the_condition_change);
    TAP_TEST(a_failed_statement_leaves_nothing);
    TAP_TEST(columns_may_be_called_anything);
    TAP_TEST(returned_rows_have_the_tables_columns);
    TAP_TEST(transactions_see_one_state);
    TAP_TEST(conflicts_end_transactions);
    TAP_TEST(definitions_meet_other_commits);
    TAP_TEST(definitions_are_undone);
    TAP_TEST(row_ids_stay_unique_over_a_rebase);
    close_lake();
    return tap_end();
}
