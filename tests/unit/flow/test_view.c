/* Views in a lake: those that an older version kept, writers that are killed or race. */
#include <sys/wait.h>

#include "lake_test.h"

static int64_t number(const char *sql) {
    int64_t value = -1;
    bool found = false;
    CHECK_OK(tarn_db_query_int64(lake.db, sql, NULL, 0, &value, &found, &error), &error);
    return value;
}

static TarnView *view_of(const char *text) {
    TarnTableName name;
    TarnView *view = NULL;
    CHECK_OK(tarn_catalog_name_parse(tarn_base_text(text), &lake.arena, &name, &error) &&
                 tarn_catalog_view_find(lake.catalog, name, &lake.arena, &view, &error),
             &error);
    return view;
}

static void views_of_older_lakes_move_over(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table sandbox.t as select 1 as id", "created table sandbox.t");
    REQUIRE_OK(tarn_db_script(lake.db,
                              "insert into tarn_view values ('sandbox', 'Old', 'select id from"
                              " sandbox.t', '{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{"
                              "\"id\":1,\"name\":\"id\",\"required\":false,\"type\":\"int\"}]}',"
                              " 1700000000000)",
                              &error),
               &error);
    SQL("select * from sandbox.old", "1"); /* as it is */
    SQL("describe sandbox.old", "id|INTEGER|YES|NULL");
    CHECK(strstr(lake_sql("create table sandbox.OLD (id int)"), "TABLE_EXISTS") != NULL);
    CHECK(view_of("sandbox.old")->metadata == NULL);
    lake_close();
    REQUIRE_OK(lake_open(), &error);
    CHECK_INT(number("select count(*) from tarn_view"), 0);
    CHECK_INT(number("select count(*) from iceberg_tables where iceberg_type = 'VIEW'"), 1);
    TarnView *view = view_of("sandbox.old");
    REQUIRE(view != NULL && view->metadata != NULL);
    CHECK_STRING(view->name.name, "Old");
    CHECK_INT(view->created_at_ms, INT64_C(1700000000000));
    SQL("select * from sandbox.old", "1");
    SQL("drop view sandbox.old", "dropped view sandbox.old");
    CHECK(strstr(lake_sql("select * from sandbox.old"), "TABLE_NOT_FOUND") != NULL);
    lake_end();
}

static void an_old_view_is_replaced_or_dropped_as_it_is(void) {
    static const char insert[] =
        "insert into tarn_view values ('sandbox', 'v', 'select 1 as a', '{\"type\":\"struct\","
        "\"schema-id\":0,\"fields\":[]}', 1)";
    REQUIRE_OK(lake_begin(), &error);
    REQUIRE_OK(tarn_db_script(lake.db, insert, &error), &error);
    SQL("create or replace view sandbox.v as select 2 as b", "created view sandbox.v");
    SQL("select b from sandbox.v", "2");
    CHECK_INT(number("select count(*) from tarn_view"), 0);
    SQL("drop view sandbox.v", "dropped view sandbox.v");
    REQUIRE_OK(tarn_db_script(lake.db, insert, &error), &error);
    SQL("drop view sandbox.v", "dropped view sandbox.v");
    CHECK_INT(number("select count(*) from tarn_view"), 0);
    lake_end();
}

/* Killed before the pointer moves: the view is as it was, and the next open removes the file. */
static void a_killed_change_leaves_nothing(void) {
    static const char *const plans[] = {"catalog.view.after_metadata=kill",
                                        "db.commit.before=kill@2", "db.commit.after=kill@2"};
    for (size_t i = 0; i < 3; i++) {
        REQUIRE_OK(lake_begin(), &error);
        SQL("create view sandbox.v as select 1 as a", "created view sandbox.v");
        lake_close();
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            bool ok = lake_open();
            tarn_base_fault_init(plans[i]);
            ok = ok && strncmp(lake_sql("create or replace view sandbox.v as select 2 as a"),
                               "created", 7) == 0;
            _exit(ok ? 0 : 1);
        }
        int status = 0;
        waitpid(child, &status, 0);
        CHECK(WIFSIGNALED(status));
        REQUIRE_OK(lake_open(), &error);
        SQL("select a from sandbox.v", i == 2 ? "2" : "1");
        CHECK_INT(number("select count(*) from tarn_intent"), 0);
        CHECK_INT(view_of("sandbox.v")->metadata->version_count, i == 2 ? 2 : 1);
        lake_end();
    }
}

static void raced_changes_all_become_versions(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create view sandbox.v as select 100 as a", "created view sandbox.v");
    lake_close();
    fflush(stdout);
    pid_t children[3];
    for (int c = 0; c < 3; c++) {
        children[c] = fork();
        if (children[c] == 0) {
            char sql[96];
            bool ok = lake_open();
            snprintf(sql, sizeof(sql), "create or replace view sandbox.v as select %d as a", c);
            ok = ok && strncmp(lake_sql(sql), "created", 7) == 0;
            if (!ok) fprintf(stderr, "# %s\n", error.message);
            _exit(ok ? 0 : 1);
        }
    }
    for (int c = 0; c < 3; c++) {
        int status = 0;
        waitpid(children[c], &status, 0);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    REQUIRE_OK(lake_open(), &error);
    CHECK_INT(view_of("sandbox.v")->metadata->version_count, 4);
    lake_end();
}

static void hostile_view_metadata_is_an_error(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create view sandbox.v as select 1 as a", "created view sandbox.v");
    scratch_write(view_of("sandbox.v")->metadata_location, "{\"format-version\":1}");
    CHECK(strstr(lake_sql("select * from sandbox.v"), "METADATA_INVALID") != NULL);
    SQL("drop view sandbox.v", "dropped view sandbox.v"); /* without reading it */
    REQUIRE_OK(tarn_db_script(lake.db,
                              "insert into iceberg_tables (catalog_name, table_namespace,"
                              " table_name, metadata_location, iceberg_type) values ('tarn',"
                              " 'sandbox', 'out', '/etc/passwd', 'VIEW')",
                              &error),
               &error);
    CHECK(strstr(lake_sql("select * from sandbox.out"), "LOCATION_REFUSED") != NULL);
    lake_end();
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(views_of_older_lakes_move_over);
    TAP_TEST(an_old_view_is_replaced_or_dropped_as_it_is);
    TAP_TEST(a_killed_change_leaves_nothing);
    TAP_TEST(raced_changes_all_become_versions);
    TAP_TEST(hostile_view_metadata_is_an_error);
    return tap_end();
}
