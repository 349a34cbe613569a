/* Branches from the files to the rows: statements, loads, builds and checks on a branch, and what
 * is published from it; processes that make or move the same branch. */
#include <sys/wait.h>

#include "catalog/ref.h"
#include "lake_test.h"

static void on(const char *branch) { tarn_query_branch_set(lake.query, branch); }

/* "3 loaded, 1 skipped", or the error's name. */
static const char *load(const char *file, const char *branch) {
    static char text[256];
    const char *path = tarn_base_arena_string(&lake.arena, scratch_at(&lake.scratch, file));
    TarnLoadResult result;
    TarnLoadOptions options = {.os = tarn_os_posix(),
                               .catalog = lake.catalog,
                               .paths = &path,
                               .path_count = 1,
                               .branch = branch,
                               .max_error_rate = 1,
                               .on_error = TARN_ON_ERROR_QUARANTINE,
                               .scratch = lake.scratch.path};
    CHECK_OK(tarn_catalog_name_parse(TARN_TEXT("raw.t"), &lake.arena, &options.table, &error),
             &error);
    if (!tarn_flow_load(&options, &lake.arena, &result, &error)) {
        return tarn_base_error_name(error.code);
    }
    snprintf(text, sizeof(text), "%d loaded, %d skipped", (int)result.rows_loaded,
             (int)result.files_skipped);
    return text;
}

/* The hook of a fast-forward, as the command line has it. */
static bool record_loads(void *state, TarnDb *db, TarnError *why) {
    return tarn_flow_load_published(db, *(TarnTableName *)state, "b", NULL, why);
}

static bool publish(const char *table) {
    TarnTableName name;
    TarnForward forward = {0};
    TarnForwardOptions options = {.source = "b", .hook = record_loads, .hook_state = &name};
    if (!tarn_catalog_name_parse(tarn_base_text(table), &lake.arena, &name, &error) ||
        !tarn_catalog_table_load(lake.catalog, name, &forward.table, &error)) {
        return false;
    }
    bool ok = tarn_catalog_fast_forward(lake.catalog, &forward, 1, &options, &error);
    tarn_catalog_table_release(forward.table);
    return ok;
}

static void statements_see_their_branch_only(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table sandbox.t as select 1 as id", "created table sandbox.t");
    SQL("create view sandbox.v as select count(*) as n from sandbox.t", "created view sandbox.v");
    on("b");
    SQL("insert into sandbox.t select id + 1 from sandbox.t", "inserted 1 row into sandbox.t");
    SQL("insert into sandbox.t select id + 2 from sandbox.t", "inserted 2 rows into sandbox.t");
    SQL("select n from sandbox.v", "4"); /* through a view too */
    SQL("select count(*) from sandbox.\"t$files\"", "3");
    SQL("select count(*) from sandbox.t for version as of 'main'", "1");
    SQL("explain select * from sandbox.t", lake_sql("explain select * from sandbox.t"));
    on(NULL);
    SQL("select n from sandbox.v", "1");
    SQL("select count(*) from sandbox.t for version as of 'b'", "4");
    SQL("alter table sandbox.t create tag mark", "created tag mark of sandbox.t");
    on("mark");
    CHECK(strstr(lake_sql("select * from sandbox.t"), "REF_REFUSED") != NULL);
    CHECK(strstr(lake_sql("insert into sandbox.t values (1)"), "SNAPSHOT_NOT_FOUND") != NULL);
    on("a\nb");
    CHECK(strstr(lake_sql("insert into sandbox.t values (1)"), "NAME_INVALID") != NULL);
    lake_end();
}

static void a_file_is_loaded_once_on_each_line_of_history(void) {
    REQUIRE_OK(lake_begin(), &error);
    lake_file("a.csv", "id,v\n1,x\n2,y\n");
    lake_file("b.csv", "id,v\n3,z\n");
    CHECK_STRING(load("a.csv", NULL), "2 loaded, 0 skipped");
    CHECK_STRING(load("b.csv", "b"), "1 loaded, 0 skipped");
    CHECK_STRING(load("b.csv", "b"), "0 loaded, 1 skipped");
    CHECK_STRING(load("a.csv", "b"), "0 loaded, 1 skipped"); /* main had it */
    SQL("select count(*) from raw.t", "2");
    SQL("select count(*) from raw.t for version as of 'b'", "3");
    CHECK_STRING(load("b.csv", "c"), "1 loaded, 0 skipped"); /* another branch does not */
    REQUIRE_OK(publish("raw.t"), &error);
    CHECK_STRING(load("b.csv", NULL), "0 loaded, 1 skipped");
    SQL("select count(*) from raw.t", "3");
    lake_end();
}

static void a_dropped_branch_takes_its_loads_with_it(void) {
    REQUIRE_OK(lake_begin(), &error);
    lake_file("a.csv", "id,v\n1,x\n");
    lake_file("b.csv", "id,v\n3,z\n");
    CHECK_STRING(load("a.csv", NULL), "1 loaded, 0 skipped");
    CHECK_STRING(load("b.csv", "b"), "1 loaded, 0 skipped");
    SQL("alter table raw.t drop branch b", "dropped branch b of raw.t");
    CHECK_STRING(load("b.csv", NULL), "1 loaded, 0 skipped");
    SQL("select count(*) from raw.t", "2");
    lake_end();
}

/* By another program, which knows nothing of our records. */
static void a_branch_published_elsewhere_has_its_loads(void) {
    REQUIRE_OK(lake_begin(), &error);
    lake_file("a.csv", "id,v\n1,x\n");
    lake_file("b.csv", "id,v\n3,z\n");
    CHECK_STRING(load("a.csv", NULL), "1 loaded, 0 skipped");
    CHECK_STRING(load("b.csv", "b"), "1 loaded, 0 skipped");
    TarnTableName name = {"raw", "t"};
    TarnForward forward = {0};
    TarnForwardOptions options = {.source = "b"};
    REQUIRE_OK(tarn_catalog_table_load(lake.catalog, name, &forward.table, &error), &error);
    REQUIRE_OK(tarn_catalog_fast_forward(lake.catalog, &forward, 1, &options, &error), &error);
    tarn_catalog_table_release(forward.table);
    CHECK_STRING(load("b.csv", NULL), "0 loaded, 1 skipped");
    lake_end();
}

static void a_picked_load_is_known(void) {
    REQUIRE_OK(lake_begin(), &error);
    lake_file("a.csv", "id,v\n1,x\n");
    lake_file("b.csv", "id,v\n3,z\n");
    lake_file("c.csv", "id,v\n4,w\n");
    CHECK_STRING(load("a.csv", NULL), "1 loaded, 0 skipped");
    CHECK_STRING(load("b.csv", "b"), "1 loaded, 0 skipped");
    CHECK_STRING(load("c.csv", NULL), "1 loaded, 0 skipped"); /* the branches part */
    TarnTableName name = {"raw", "t"};
    const TarnTable *table = NULL;
    TarnPicked picked;
    REQUIRE_OK(tarn_catalog_table_load(lake.catalog, name, &table, &error), &error);
    int64_t id = tarn_table_metadata_ref(table->metadata, "b")->snapshot_id;
    tarn_catalog_table_release(table);
    CHECK(!publish("raw.t"));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    REQUIRE_OK(tarn_catalog_cherry_pick(lake.catalog, name, NULL, id, &picked, &error), &error);
    CHECK_STRING(load("b.csv", NULL), "0 loaded, 1 skipped");
    SQL("select count(*) from raw.t", "3");
    lake_end();
}

static void pipelines_publish_on_the_branch(void) {
    REQUIRE_OK(lake_begin(), &error);
    TarnBuildOptions aside = {.branch = "b"};
    SQL("create table raw.t as select 1 as id, 'a' as v", "created table raw.t");
    lake_file("pipelines/sandbox/all.sql", "select id, v from raw.t");
    lake_file("pipelines/sandbox/inc.sql",
              "{{ config(materialized='incremental', unique_key='id') }} select id, v from "
              "sandbox.all");
    BUILD(NULL, "sandbox.all success; sandbox.inc success");
    BUILD(&aside, "sandbox.all unchanged; sandbox.inc unchanged"); /* there is nothing to add */
    on("b");
    SQL("insert into raw.t values (1, 'new'), (2, 'b')", "inserted 2 rows into raw.t");
    lake_file("pipelines/sandbox/all.sql", "select id, max(v) as v from raw.t group by id");
    BUILD(&aside, "sandbox.all success; sandbox.inc success");
    SQL("select * from sandbox.inc order by id", "1|new;2|b");
    BUILD(&aside, "sandbox.all unchanged; sandbox.inc unchanged");
    on(NULL);
    SQL("select * from sandbox.inc order by id", "1|a");
    SQL("select * from sandbox.all order by id", "1|a");
    REQUIRE_OK(publish("raw.t") && publish("sandbox.all") && publish("sandbox.inc"), &error);
    SQL("select * from sandbox.inc order by id", "1|new;2|b");
    BUILD(NULL, "sandbox.all unchanged; sandbox.inc unchanged"); /* what was published is it */
    lake_end();
}

static void views_are_not_published_by_a_branch(void) {
    REQUIRE_OK(lake_begin(), &error);
    TarnBuildOptions aside = {.branch = "b"};
    SQL("create table raw.t as select 1 as id", "created table raw.t");
    lake_file("pipelines/sandbox/v.sql", "{{ config(materialized='view') }} select id from raw.t");
    BUILD(&aside, "sandbox.v failed: SQL_UNSUPPORTED the view \"sandbox.v\" has no branches: all"
                  " would see it at once");
    BUILD(NULL, "sandbox.v success");
    lake_end();
}

static void a_refresh_on_a_branch_takes_no_column_away(void) {
    REQUIRE_OK(lake_begin(), &error);
    TarnBuildOptions aside = {.branch = "b", .full_refresh = true};
    SQL("create table raw.t as select 1 as id, 2 as n", "created table raw.t");
    lake_file("pipelines/sandbox/all.sql", "select id, n from raw.t");
    BUILD(NULL, "sandbox.all success");
    lake_file("pipelines/sandbox/all.sql", "select id from raw.t");
    CHECK(strstr(lake_build(&aside), "SCHEMA_CHANGE_REFUSED") != NULL);
    SQL("select * from sandbox.all", "1|2");
    lake_end();
}

/* --- processes --- */

/* How many of the children ended well. */
static int race(bool (*work)(int)) {
    pid_t children[4];
    int won = 0;
    lake_close();
    fflush(stdout);
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            bool ok = lake_open() && work(i);
            bool fair = ok || error.code == TARN_E_COMMIT_CONFLICT ||
                        error.code == TARN_E_REF_EXISTS;
            if (!fair) fprintf(stderr, "# %s\n", error.message);
            _exit(ok ? 0 : fair ? 1 : 2);
        }
    }
    for (int i = 0; i < 4; i++) {
        int status = 0;
        waitpid(children[i], &status, 0);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        won += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    CHECK(lake_open());
    return won;
}

static bool make_branch(int number) {
    (void)number;
    return strncmp(lake_sql("alter table sandbox.t create branch b"), "created", 7) == 0;
}

static bool write_branch(int number) {
    char sql[64];
    on("b");
    snprintf(sql, sizeof(sql), "insert into sandbox.t values (%d)", number);
    for (int i = 0; i < 5; i++) {
        if (strncmp(lake_sql(sql), "inserted", 8) != 0) return false;
    }
    return true;
}

static bool publish_branch(int number) {
    (void)number;
    return publish("sandbox.t");
}

static void one_of_four_makes_a_branch(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table sandbox.t as select 1 as id", "created table sandbox.t");
    CHECK_INT(race(make_branch), 1);
    lake_end();
}

/* Appends lose no race, whoever makes the branch. */
static void four_write_to_a_branch_that_is_not_there(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table sandbox.t as select 100 as id", "created table sandbox.t");
    CHECK_INT(race(write_branch), 4);
    SQL("select count(*) from sandbox.t", "1");
    SQL("select count(*) from sandbox.t for version as of 'b'", "21");
    CHECK(race(publish_branch) >= 1); /* the others find it done, or main moved under them */
    SQL("select count(*) from sandbox.t", "21");
    lake_end();
}

static bool pick_branch(int number) {
    TarnTableName name = {"sandbox", "t"};
    const TarnTable *table = NULL;
    TarnPicked picked;
    (void)number;
    if (!tarn_catalog_table_load(lake.catalog, name, &table, &error)) return false;
    int64_t id = tarn_table_metadata_ref(table->metadata, "b")->snapshot_id;
    tarn_catalog_table_release(table);
    return tarn_catalog_cherry_pick(lake.catalog, name, NULL, id, &picked, &error);
}

static void a_snapshot_is_picked_by_one_of_four(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table sandbox.t as select 1 as id", "created table sandbox.t");
    on("b");
    SQL("insert into sandbox.t values (2)", "inserted 1 row into sandbox.t");
    on(NULL);
    SQL("insert into sandbox.t values (3)", "inserted 1 row into sandbox.t");
    CHECK_INT(race(pick_branch), 1);
    SQL("select * from sandbox.t order by id", "1;2;3");
    lake_end();
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(statements_see_their_branch_only);
    TAP_TEST(a_file_is_loaded_once_on_each_line_of_history);
    TAP_TEST(a_dropped_branch_takes_its_loads_with_it);
    TAP_TEST(a_branch_published_elsewhere_has_its_loads);
    TAP_TEST(a_picked_load_is_known);
    TAP_TEST(pipelines_publish_on_the_branch);
    TAP_TEST(views_are_not_published_by_a_branch);
    TAP_TEST(a_refresh_on_a_branch_takes_no_column_away);
    TAP_TEST(one_of_four_makes_a_branch);
    TAP_TEST(four_write_to_a_branch_that_is_not_there);
    TAP_TEST(a_snapshot_is_picked_by_one_of_four);
    return tap_end();
}
