/* query: statements against a lake in a temporary folder, from text to rows and commits. */
#include "query_test.h"

static void tables_are_made_filled_and_read(void) {
    RUN("create table sandbox.t (id bigint not null, name varchar comment 'who', d date, "
        "price decimal(9,2), s struct(a int, b varchar), l int[], m map(varchar, double)) "
        "partitioned by (month(d), bucket(4, id))",
        "created table sandbox.t");
    RUN("insert into sandbox.t values (1, 'a', '2026-11-21', 1.50, {'a': 1, 'b': 'x'}, [1, 2], "
        "map {'k': 1.5}), (2, NULL, '2026-12-01', NULL, NULL, NULL, NULL)",
        "inserted 2 rows into sandbox.t");
    RUN("insert into sandbox.t (d, id) select date '1969-12-31', 3",
        "inserted 1 row into sandbox.t");
    RUN("select id, name, d, price, s.b, l, m from sandbox.t order by id",
        "1|a|2026-11-21|1.50|x|[1, 2]|{k=1.5};2|NULL|2026-12-01|NULL|NULL|NULL|NULL;"
        "3|NULL|1969-12-31|NULL|NULL|NULL|NULL");
    RUN("select count(*) from sandbox.t where d = '2026-12-01'", "1");
    RUN("select \"rows\", files, files_total from (select 1) where false", "error: SQL_BIND 1:8 "
        "referenced column \"rows\" not found in FROM clause");
    RUN("describe sandbox.t",
        "id|BIGINT|NO|NULL;name|VARCHAR|YES|who;d|DATE|YES|NULL;price|DECIMAL(9,2)|YES|NULL;"
        "s|STRUCT(\"a\" INTEGER, \"b\" VARCHAR)|YES|NULL;l|INTEGER[]|YES|NULL;"
        "m|MAP(VARCHAR, DOUBLE)|YES|NULL");
}

static void files_are_pruned(void) {
    TarnStatement *statement = NULL;
    RUN("create table sandbox.p (id bigint, d date) partitioned by (month(d))",
        "created table sandbox.p");
    RUN("insert into sandbox.p select i, date '2026-01-01' + cast(i as int) from range(365) t(i)",
        "inserted 365 rows into sandbox.p");
    REQUIRE_OK(tarn_query_run(query, TARN_TEXT("select sum(id) from sandbox.p where d between "
                                               "'2026-03-05' and '2026-03-07'"),
                              NULL, &statement, &error),
               &error);
    CHECK_INT(statement->scan_count, 1);
    CHECK_INT(statement->scans[0].files_total, 12);
    CHECK_INT(statement->scans[0].files, 1);
    tarn_query_statement_free(statement);
    RUN("select sum(id) from sandbox.p where d between '2026-03-05' and '2026-03-07'", "192");
}

/* Folder names are text, and these bytes are none. */
static void bytes_are_partition_values(void) {
    RUN("create table sandbox.bytes (b blob) partitioned by (b)", "created table sandbox.bytes");
    RUN("insert into sandbox.bytes values ('\\x00\\xFF'::blob), ('a\\x5C/'::blob), (''::blob), "
        "(NULL)",
        "inserted 4 rows into sandbox.bytes");
    RUN("select b from sandbox.bytes where b = '\\x00\\xFF'::blob", "\\x00\\xFF");
    RUN("select b from sandbox.bytes where b = 'a\\x5C/'::blob", "a\\x5C/");
    RUN("select count(*) from sandbox.bytes where b is null or b = ''::blob", "2");
}

static void nested_fields_are_read_by_id(void) {
    RUN("create table sandbox.n (s struct(a int, b varchar), l struct(x int)[], "
        "m map(varchar, struct(v int)))",
        "created table sandbox.n");
    RUN("insert into sandbox.n values ({'a': 1, 'b': 'old'}, [{'x': 7}], map {'k': {'v': 9}})",
        "inserted 1 row into sandbox.n");
    RUN("alter table sandbox.n rename column s.b to c", "altered table sandbox.n");
    RUN("alter table sandbox.n rename column l.element.x to y", "altered table sandbox.n");
    RUN("alter table sandbox.n rename column m.value.v to w", "altered table sandbox.n");
    RUN("alter table sandbox.n add column s.b double", "altered table sandbox.n");
    RUN("alter table sandbox.n alter column s.a type bigint", "altered table sandbox.n");
    RUN("insert into sandbox.n values ({'a': 5000000000, 'c': 'new', 'b': 0.5}, [{'y': 8}], "
        "map {'k': {'w': 10}})",
        "inserted 1 row into sandbox.n");
    RUN("select s.a, s.c, s.b, l[1].y, m['k'].w from sandbox.n order by 1",
        "1|old|NULL|7|9;5000000000|new|0.5|8|10");
    RUN("select typeof(s) from sandbox.n limit 1", "STRUCT(a BIGINT, c VARCHAR, b DOUBLE)");
}

static void flat_columns_evolve_by_id(void) {
    RUN("create table sandbox.e (a int, b varchar)", "created table sandbox.e");
    RUN("insert into sandbox.e values (1, 'x')", "inserted 1 row into sandbox.e");
    RUN("alter table sandbox.e rename column b to c", "altered table sandbox.e");
    RUN("alter table sandbox.e add column b double first", "altered table sandbox.e");
    RUN("alter table sandbox.e alter column a type bigint", "altered table sandbox.e");
    RUN("insert into sandbox.e by name select 9000000000 as a, 'y' as c, 2.5 as b",
        "inserted 1 row into sandbox.e");
    RUN("select * from sandbox.e order by a", "NULL|1|x;2.5|9000000000|y");
    RUN("alter table sandbox.e drop column c", "altered table sandbox.e");
    RUN("select * from sandbox.e order by a", "NULL|1;2.5|9000000000");
    RUN("alter table sandbox.e set partitioned by (truncate(10, a))", "altered table sandbox.e");
    RUN("insert into sandbox.e values (1.0, 42)", "inserted 1 row into sandbox.e");
    RUN("select a from sandbox.e where a > 5 and a < 100", "42");
    RUN("alter table sandbox.e alter column a type int",
        "error: SCHEMA_CHANGE_REFUSED 0:0 column \"a\" cannot change its type from long to int");
}

/* Few files are read by their own schemas, many by ids: the answers are the same. */
static void many_files_are_read_as_few_are(void) {
    RUN("create table sandbox.w (a int, b varchar) partitioned by (a)", "created table sandbox.w");
    RUN("insert into sandbox.w select i, 'b' || i from range(40) t(i)",
        "inserted 40 rows into sandbox.w");
    RUN("alter table sandbox.w rename column b to c", "altered table sandbox.w");
    RUN("alter table sandbox.w add column b double first", "altered table sandbox.w");
    RUN("alter table sandbox.w alter column a type bigint", "altered table sandbox.w");
    RUN("insert into sandbox.w values (0.5, 9000000000, 'x')", "inserted 1 row into sandbox.w");
    RUN("select count(*), sum(a), count(b), min(c), max(c) from sandbox.w",
        "41|9000000780|1|b0|x");
    RUN("select count(*), sum(a), count(b), min(c), max(c) from sandbox.w where a >= 20",
        "21|9000000590|1|b20|x");
    RUN("select typeof(a), typeof(b), typeof(c) from sandbox.w where a = 3",
        "BIGINT|DOUBLE|VARCHAR");
}

static void the_past_can_be_read(void) {
    char sql[512];
    RUN("create table sandbox.h as select 1 as v", "created table sandbox.h");
    char first[32];
    snprintf(first, sizeof(first), "%s", run("select snapshot_id from sandbox.\"h$snapshots\""));
    RUN("insert into sandbox.h values (2)", "inserted 1 row into sandbox.h");
    snprintf(sql, sizeof(sql), "select count(*) from sandbox.h at (version => %s)", first);
    RUN(sql, "1");
    snprintf(sql, sizeof(sql), "select h.v, n.v from sandbox.h for version as of %s join "
             "sandbox.h as n on n.v > h.v", first);
    RUN(sql, "1|2");
    CHECK_STRING(run_as_of("select count(*) from sandbox.h", first), "1");
    RUN("select count(*) from sandbox.h for system_time as of '2000-01-01'",
        "error: SNAPSHOT_NOT_FOUND 1:22 the table had no current snapshot at \"2000-01-01\"");
    RUN("select count(*) from sandbox.\"h$history\"", "2");
    RUN("select operation from sandbox.\"h$snapshots\" order by sequence_number", "append;append");
    RUN("select sum(record_count) from sandbox.\"h$files\"", "2");
}

static void the_newest_snapshot_is_the_past_too(void) {
    char sql[512];
    RUN("create table sandbox.hn as select 1 as a", "created table sandbox.hn");
    char first[32];
    snprintf(first, sizeof(first), "%s", run("select snapshot_id from sandbox.\"hn$snapshots\""));
    RUN("alter table sandbox.hn rename column a to b", "altered table sandbox.hn");
    snprintf(sql, sizeof(sql), "select a from sandbox.hn at (version => %s)", first);
    RUN(sql, "1");
    RUN("insert into sandbox.hn values (2)", "inserted 1 row into sandbox.hn");
    RUN(sql, "1");
    RUN("select b from sandbox.hn order by b", "1;2");
}

static const char *edges_into(const char *table) {
    char sql[512];
    static char text[4096];
    TarnArena arena;
    TarnLineageGraph graph;
    tarn_base_arena_init(&arena, TARN_MIB);
    text[0] = '\0';
    if (!tarn_govern_lineage_read(db, table, NULL, 1, 0, &arena, &graph, &error)) return "failed";
    for (size_t i = 0; i < graph.edge_count; i++) {
        const TarnLineageEdge *edge = &graph.edges[i];
        snprintf(sql, sizeof(sql), "%s%s.%s%s%s", i > 0 ? ";" : "", edge->from,
                 edge->from_column != NULL ? edge->from_column : "",
                 edge->indirect ? "?>" : ">", edge->to_column != NULL ? edge->to_column : "");
        strncat(text, sql, sizeof(text) - strlen(text) - 1);
    }
    tarn_base_arena_dispose(&arena);
    return text;
}

/* CREATE TABLE AS begins a table's lineage, INSERT adds to it. */
static void writes_record_their_lineage(void) {
    RUN("create table sandbox.la as select v as a from sandbox.h", "created table sandbox.la");
    CHECK_STRING(edges_into("sandbox.la"), "sandbox.h.v>a");
    RUN("insert into sandbox.la values (7)", "inserted 1 row into sandbox.la");
    CHECK_STRING(edges_into("sandbox.la"), "sandbox.h.v>a");
    RUN("insert into sandbox.la (a) select id from sandbox.p where d < '2026-01-02'",
        "inserted 1 row into sandbox.la");
    CHECK_STRING(edges_into("sandbox.la"), "sandbox.h.v>a;sandbox.p.id>a;sandbox.p.d?>a");
    RUN("insert overwrite sandbox.la select v + 1 from sandbox.h",
        "inserted 2 rows into sandbox.la");
    CHECK_STRING(edges_into("sandbox.la"), "sandbox.h.v>a");
    RUN("drop table sandbox.la", "dropped table sandbox.la");
    RUN("create table sandbox.la (a int)", "created table sandbox.la");
    CHECK_STRING(edges_into("sandbox.la"), "");
}

/* Columns that are given a value have edges from what it was made of and what it depended on; those
 * that are not, and what a column or the table has of itself, have none. */
static void changes_record_their_lineage(void) {
    RUN("create table sandbox.lt (id int, a int, b int, c int)", "created table sandbox.lt");
    RUN("create table sandbox.ls (id int, a int, x int)", "created table sandbox.ls");
    RUN("insert into sandbox.ls values (1, 2, 3), (2, 3, 4)", "inserted 2 rows into sandbox.ls");
    RUN("insert into sandbox.lt values (1, 1, 1, 1)", "inserted 1 row into sandbox.lt");
    RUN("update sandbox.lt set a = a + 1", "updated 1 row of sandbox.lt");
    RUN("update sandbox.lt set a = 5 where a > 0", "updated 1 row of sandbox.lt");
    CHECK_STRING(edges_into("sandbox.lt"), "");
    RUN("update sandbox.lt set a = a + b where id = 1", "updated 1 row of sandbox.lt");
    CHECK_STRING(edges_into("sandbox.lt"), "sandbox.lt.b>a;sandbox.lt.id?>a");
    RUN("insert overwrite sandbox.lt values (1, 1, 1, 1)", "inserted 1 row into sandbox.lt");
    CHECK_STRING(edges_into("sandbox.lt"), "");
    RUN("update sandbox.lt set c = s.x from sandbox.ls s where s.id = 2",
        "updated 1 row of sandbox.lt");
    CHECK_STRING(edges_into("sandbox.lt"), "sandbox.ls.x>c;sandbox.ls.id?>c");
    RUN("insert overwrite sandbox.lt values (1, 1, 1, 1)", "inserted 1 row into sandbox.lt");
    RUN("delete from sandbox.lt where b = 9", "deleted 0 rows from sandbox.lt");
    RUN("delete from sandbox.lt using sandbox.ls s where lt.id = s.id and s.x > 1",
        "deleted 1 row from sandbox.lt");
    CHECK_STRING(edges_into("sandbox.lt"), "sandbox.ls.id?>;sandbox.ls.x?>");
    RUN("insert overwrite sandbox.lt values (1, 1, 1, 1)", "inserted 1 row into sandbox.lt");
    RUN("merge into sandbox.lt t using sandbox.ls s on t.id = s.id "
        "when matched then update set a = s.x when not matched then insert (id) values (s.id)",
        "merged 2 rows into sandbox.lt");
    CHECK_STRING(edges_into("sandbox.lt"),
                 "sandbox.ls.x>a;sandbox.ls.id?>a;sandbox.lt.id?>a;sandbox.ls.id>id");
    RUN("insert overwrite sandbox.lt values (1, 1, 1, 1)", "inserted 1 row into sandbox.lt");
    RUN("merge into sandbox.lt t using (select id, x as b from sandbox.ls) s on t.id = s.id "
        "when not matched then insert *", "merged 1 row into sandbox.lt");
    CHECK_STRING(edges_into("sandbox.lt"),
                 "sandbox.ls.x>b;sandbox.ls.id?>b;sandbox.lt.id?>b;sandbox.ls.id>id");
    RUN("begin", "began a transaction");
    RUN("update sandbox.lt set c = b", "updated 2 rows of sandbox.lt");
    RUN("rollback", "rolled back");
    RUN("begin", "began a transaction");
    RUN("update sandbox.lt set a = c", "updated 2 rows of sandbox.lt");
    RUN("commit", "committed 1 table");
    CHECK_STRING(edges_into("sandbox.lt"), "sandbox.lt.c>a;sandbox.ls.x>b;sandbox.ls.id?>b;"
                                           "sandbox.lt.id?>b;sandbox.ls.id>id");
}

static void views_are_selects(void) {
    RUN("create view sandbox.v as select v * 2 as twice from sandbox.h where v > 1",
        "created view sandbox.v");
    RUN("select twice from sandbox.v", "4");
    RUN("create or replace view sandbox.v as select 1 as one", "created view sandbox.v");
    RUN("select * from sandbox.v", "1");
    RUN("drop view sandbox.v", "dropped view sandbox.v");
    RUN("drop view if exists sandbox.v", "no such view");
}

static void what_is_not_understood_is_refused(void) {
    static const char *const refused[] = {
        "select * from read_csv('/etc/passwd')",  "select * from read_text('/etc/passwd')",
        "select * from glob('/etc/*')",           "select * from query('select 1')",
        "select * from query_table('sandbox.h')", "select * from '/etc/passwd'",
        "attach ':memory:' as x",                 "pragma database_list",
        "set threads = 1",                        "copy sandbox.h to '/tmp/x.csv'",
        "install httpfs",                         "vacuum",
        "select tarn_mark(1, 1, 1, 1)",           "commit",
        "select 1; drop table sandbox.h",         "select current_setting('threads')",
        "call pragma_version()",                  "select * from duckdb_settings()",
        "select * from h",                        "select * from information_schema.tables"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        const char *answer = run(refused[i]);
        if (strncmp(answer, "error: ", 7) != 0) tap_fail(__FILE__, __LINE__, refused[i]);
    }
    RUN("select count(*) from sandbox.h", "2");
}

static void errors_point_at_the_place(void) {
    RUN("select v from sandbox.hh",
        "error: TABLE_NOT_FOUND 1:15 table \"sandbox.hh\" does not exist");
    CHECK_STRING(error.hint, "did you mean \"sandbox.h\"? (tarn ls sandbox)");
    RUN("select w from sandbox.h for version as of main where w = 1",
        "error: SQL_SYNTAX 1:43 expected a snapshot id, a name or a time in quotes");
    RUN("insert into sandbox.h\n  select w from sandbox.h",
        "error: SQL_BIND 2:10 referenced column \"w\" not found in FROM clause");
    RUN("create table sandbox.x (a hugeint)",
        "error: SCHEMA_CHANGE_REFUSED 1:25 the type HUGEINT has no equal in Iceberg");
    RUN("selec 1", "error: SQL_UNSUPPORTED 1:1 a statement that begins with \"selec\" is not run "
                   "here");
    RUN("create table sandbox.h (a int)",
        "error: TABLE_EXISTS 1:14 table \"sandbox.h\" exists already");
    RUN("insert into curated.x values (1)",
        "error: TABLE_NOT_FOUND 1:13 table \"curated.x\" does not exist");
}

static void zones_have_their_say(void) {
    RUN("create table curated.c (a int)", "created table curated.c");
    CHECK(strncmp(run("insert into curated.c values (1)"), "error: ZONE_POLICY", 18) == 0);
    RUN("select count(*) from curated.c", "0");
    RUN("create table nowhere.c (a int)",
        "error: ZONE_NOT_FOUND 0:0 zone \"nowhere\" does not exist");
    RUN("create schema sandbox.sub", "created schema sandbox.sub");
    RUN("create table sandbox.sub.t as select 5 as five", "created table sandbox.sub.t");
    RUN("select five from sandbox.sub.t", "5");
}

static void explain_tells_without_running(void) {
    RUN("select files, files_total, filter from (values (1, 1, '')) t(files, files_total, filter)",
        "1|1|");
    TarnStatement *statement = NULL;
    REQUIRE_OK(tarn_query_run(query, TARN_TEXT("explain select * from sandbox.p where d < "
                                               "'2026-02-01'"),
                              NULL, &statement, &error),
               &error);
    CHECK_INT(statement->scans[0].files, 1);
    CHECK_INT(statement->scans[0].files_total, 12);
    CHECK_INT(statement->scans[0].rows, 31);
    tarn_query_statement_free(statement);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    if (!open_lake()) return 1;
    TAP_TEST(tables_are_made_filled_and_read);
    TAP_TEST(files_are_pruned);
    TAP_TEST(bytes_are_partition_values);
    TAP_TEST(nested_fields_are_read_by_id);
    TAP_TEST(flat_columns_evolve_by_id);
    TAP_TEST(many_files_are_read_as_few_are);
    TAP_TEST(the_past_can_be_read);
    TAP_TEST(the_newest_snapshot_is_the_past_too);
    TAP_TEST(writes_record_their_lineage);
    TAP_TEST(changes_record_their_lineage);
    TAP_TEST(views_are_selects);
    TAP_TEST(what_is_not_understood_is_refused);
    TAP_TEST(errors_point_at_the_place);
    TAP_TEST(zones_have_their_say);
    TAP_TEST(explain_tells_without_running);
    close_lake();
    return tap_end();
}
