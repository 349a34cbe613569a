/* Tables dropped, brought back and purged, with what is theirs: rows, lineage, loaded files. */
#include <sys/wait.h>

#include "catalog/dropped.h"
#include "lake_test.h"

static int files;

static int count_file(const char *path, const struct stat *stat, int kind, struct FTW *walk) {
    (void)path;
    (void)stat;
    (void)walk;
    files += kind == FTW_F;
    return 0;
}

static int files_below(const char *folder) {
    files = 0;
    nftw(scratch_at(&lake.scratch, folder), count_file, 16, FTW_PHYS);
    return files;
}

/* By the shell: false if it could not be done. */
static bool run_shell(const char *command) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static const char *load(const char *file, const char *table) {
    static char text[256];
    const char *path = tarn_base_arena_string(&lake.arena, scratch_at(&lake.scratch, file));
    TarnLoadResult result;
    TarnLoadOptions options = {.os = tarn_os_posix(),
                               .catalog = lake.catalog,
                               .paths = &path,
                               .path_count = 1,
                               .max_error_rate = 1,
                               .on_error = TARN_ON_ERROR_QUARANTINE,
                               .scratch = lake.scratch.path};
    CHECK_OK(tarn_catalog_name_parse(tarn_base_text(table), &lake.arena, &options.table, &error),
             &error);
    if (!tarn_flow_load(&options, &lake.arena, &result, &error)) return error.message;
    snprintf(text, sizeof(text), "%d loaded, %d skipped", (int)result.rows_loaded,
             (int)result.files_skipped);
    return text;
}

/* "raw.a.id source:t.id;..": what leads into a table. */
static const char *lineage(const char *table) {
    static char text[1024];
    TarnLineageGraph graph;
    size_t used = 0;
    text[0] = '\0';
    if (!tarn_govern_lineage_read(lake.db, table, NULL, 1, 0, &lake.arena, &graph, &error)) {
        return error.message;
    }
    for (size_t i = 0; i < graph.edge_count; i++) {
        const TarnLineageEdge *edge = &graph.edges[i];
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s.%s<-%s.%s",
                                 i > 0 ? ";" : "", edge->to, edge->to_column, edge->from,
                                 edge->from_column);
    }
    return text;
}

static int64_t number(const char *sql) {
    int64_t value = -1;
    bool found = false;
    CHECK_OK(tarn_db_query_int64(lake.db, sql, NULL, 0, &value, &found, &error), &error);
    return value;
}

static void a_dropped_table_comes_back_with_all_that_is_its(void) {
    REQUIRE_OK(lake_begin(), &error);
    lake_file("a.csv", "id\n1\n2\n");
    CHECK_STRING(load("a.csv", "sandbox.t"), "2 loaded, 0 skipped");
    SQL("create table sandbox.u as select id from sandbox.t", "created table sandbox.u");
    CHECK_STRING(lineage("sandbox.t"), "sandbox.t.id<-source:t.id");
    SQL("drop table sandbox.t", "dropped table sandbox.t");
    CHECK(strstr(lake_sql("show dropped tables"), "sandbox|t|") != NULL);
    CHECK(strstr(lake_sql("show dropped tables from sandbox"), "|tester|") != NULL);
    SQL("show dropped tables from raw", "");
    CHECK_STRING(lineage("sandbox.t"), "");
    CHECK_STRING(lineage("sandbox.u"), "sandbox.u.id<-sandbox.t.id"); /* it did come from there */
    /* A new table of the name is a new one: its files are loaded, its lineage is its own. */
    CHECK_STRING(load("a.csv", "sandbox.t"), "2 loaded, 0 skipped");
    CHECK(strstr(lake_sql("undrop table sandbox.t"), "TABLE_EXISTS") != NULL);
    CHECK(strncmp(lake_sql("undrop table sandbox.t as sandbox.old"),
                  "brought back table sandbox.old", 30) == 0);
    CHECK_STRING(lineage("sandbox.old"), "sandbox.old.id<-source:t.id");
    CHECK_STRING(lineage("sandbox.t"), "sandbox.t.id<-source:t.id");
    CHECK_STRING(load("a.csv", "sandbox.old"), "0 loaded, 1 skipped");
    CHECK_STRING(load("a.csv", "sandbox.t"), "0 loaded, 1 skipped");
    SQL("select count(*) from sandbox.old", "2");
    SQL("insert into sandbox.old (id) values (3)", "inserted 1 row into sandbox.old");
    SQL("undrop table sandbox.t",
        "error: TABLE_NOT_FOUND no dropped table \"sandbox.t\" is on record");
    lake_end();
}

static void a_renamed_table_keeps_what_is_its(void) {
    REQUIRE_OK(lake_begin(), &error);
    lake_file("a.csv", "id\n1\n");
    CHECK_STRING(load("a.csv", "sandbox.t"), "1 loaded, 0 skipped");
    SQL("create table sandbox.u as select id from sandbox.t", "created table sandbox.u");
    SQL("alter table sandbox.t rename to sandbox.r", "altered table sandbox.t");
    CHECK_STRING(lineage("sandbox.r"), "sandbox.r.id<-source:t.id");
    CHECK_STRING(lineage("sandbox.u"), "sandbox.u.id<-sandbox.r.id");
    CHECK_STRING(load("a.csv", "sandbox.r"), "0 loaded, 1 skipped");
    CHECK_STRING(load("a.csv", "sandbox.t"), "1 loaded, 0 skipped"); /* another table by now */
    lake_end();
}

static void the_last_drop_comes_back_first(void) {
    REQUIRE_OK(lake_begin(), &error);
    for (int i = 1; i <= 3; i++) {
        char sql[128];
        snprintf(sql, sizeof(sql), "create table sandbox.t as select %d as id", i);
        SQL(sql, "created table sandbox.t");
        SQL("drop table sandbox.t", "dropped table sandbox.t");
    }
    lake_sql("undrop table sandbox.T as sandbox.c");
    lake_sql("undrop table sandbox.t as sandbox.b");
    lake_sql("undrop table sandbox.t as sandbox.new.a");
    SQL("select a.id, b.id, c.id from sandbox.new.a a, sandbox.b b, sandbox.c c", "1|2|3");
    lake_end();
}

static void one_table_gets_no_second_name(void) {
    REQUIRE_OK(lake_begin(), &error);
    const TarnTable *table = NULL;
    TarnTableName name = {"sandbox", "t"};
    TarnTableName other = {"sandbox", "other"};
    SQL("create table sandbox.t as select 1 as id", "created table sandbox.t");
    REQUIRE_OK(tarn_catalog_table_load(lake.catalog, name, &table, &error), &error);
    SQL("drop table sandbox.t", "dropped table sandbox.t");
    REQUIRE_OK(tarn_catalog_register(lake.catalog, other, table->metadata_location, &error),
               &error);
    tarn_catalog_table_release(table);
    CHECK(strstr(lake_sql("undrop table sandbox.t"), "by the name \"sandbox.other\"") != NULL);
    CHECK(strstr(lake_sql("drop table sandbox.other purge"), "PURGE_REFUSED") != NULL);
    SQL("select * from sandbox.other", "1");
    SQL("drop table sandbox.other", "dropped table sandbox.other"); /* the same metadata twice */
    CHECK(strncmp(lake_sql("undrop table sandbox.other"), "brought back", 12) == 0);
    lake_end();
}

static void what_is_gone_does_not_come_back(void) {
    REQUIRE_OK(lake_begin(), &error);
    const TarnTable *table = NULL;
    TarnTableName name = {"sandbox", "t"};
    SQL("create table sandbox.t as select 1 as id", "created table sandbox.t");
    REQUIRE_OK(tarn_catalog_table_load(lake.catalog, name, &table, &error), &error);
    const char *list = tarn_table_metadata_current_snapshot(table->metadata)->manifest_list;
    REQUIRE(unlink(list) == 0);
    tarn_catalog_table_release(table);
    SQL("drop table sandbox.t", "dropped table sandbox.t");
    CHECK(strstr(lake_sql("undrop table sandbox.t"), "OBJECT_NOT_FOUND") != NULL);
    CHECK_INT(number("select count(*) from tarn_dropped"), 1); /* still on record */
    lake_end();
}

/* --- purge --- */

static void a_purge_deletes_the_tables_own_files(void) {
    REQUIRE_OK(lake_begin(), &error);
    lake_file("a.csv", "id\n1\n");
    SQL("create table sandbox.keep as select 1 as id", "created table sandbox.keep");
    int others = files_below(".tarn/warehouse");
    CHECK_STRING(load("a.csv", "sandbox.t"), "1 loaded, 0 skipped");
    SQL("insert into sandbox.t (id) values (2)", "inserted 1 row into sandbox.t");
    SQL("alter table sandbox.t create branch b", "created branch b of sandbox.t");
    CHECK(files_below(".tarn/warehouse") > others + 6);
    CHECK(strncmp(lake_sql("drop table sandbox.t purge"), "dropped table sandbox.t and deleted",
                  35) == 0);
    CHECK_INT(files_below(".tarn/warehouse"), others);
    CHECK_INT(number("select count(*) from tarn_dropped"), 0);
    CHECK_INT(number("select count(*) from tarn_loaded_file"), 0);
    CHECK_STRING(load("a.csv", "sandbox.t"), "1 loaded, 0 skipped");
    SQL("select * from sandbox.keep", "1");
    lake_end();
}

static void old_drops_are_purged_and_young_ones_stay(void) {
    REQUIRE_OK(lake_begin(), &error);
    TarnPurged purged;
    SQL("create table sandbox.a as select 1 as id", "created table sandbox.a");
    SQL("create table sandbox.b as select 1 as id", "created table sandbox.b");
    SQL("drop table sandbox.a", "dropped table sandbox.a");
    usleep(5000);
    int64_t now = tarn_os_clock_ms(tarn_os_posix());
    SQL("drop table sandbox.b", "dropped table sandbox.b");
    int before = files_below(".tarn/warehouse");
    REQUIRE_OK(tarn_catalog_dropped_purge(lake.catalog, now, true, &purged, &error), &error);
    CHECK_INT(purged.tables, 1);
    CHECK_INT(purged.files, 4); /* a data file, a manifest, its list, the metadata */
    CHECK(purged.bytes > 0);
    CHECK_INT(files_below(".tarn/warehouse"), before);
    REQUIRE_OK(tarn_catalog_dropped_purge(lake.catalog, now, false, &purged, &error), &error);
    CHECK_INT(purged.files, 4);
    CHECK_INT(files_below(".tarn/warehouse"), before - 4);
    CHECK(strstr(lake_sql("undrop table sandbox.a"), "TABLE_NOT_FOUND") != NULL);
    CHECK(strncmp(lake_sql("undrop table sandbox.b"), "brought back", 12) == 0);
    SQL("select * from sandbox.b", "1");
    lake_end();
}

/* Killed after each file and after each batch in turn: the next purge finds the rest, and nothing
 * comes back in part. */
static void an_interrupted_purge_goes_on(void) {
    for (int at = 1; at <= 12; at++) {
        char plan[64];
        TarnPurged purged;
        REQUIRE_OK(lake_begin(), &error);
        SQL("create table sandbox.keep as select 1 as id", "created table sandbox.keep");
        int others = files_below(".tarn/warehouse");
        SQL("create table sandbox.t as select 1 as id", "created table sandbox.t");
        SQL("insert into sandbox.t values (2)", "inserted 1 row into sandbox.t");
        lake_close();
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            snprintf(plan, sizeof(plan), "%s=kill@%d",
                     at <= 8 ? "store.folder.after_remove" : "catalog.purge.after_batch",
                     at <= 8 ? at : at - 8);
            bool ok = lake_open();
            tarn_base_fault_init(plan);
            ok = ok && strncmp(lake_sql("drop table sandbox.t purge"), "dropped", 7) == 0;
            _exit(ok ? 0 : 1);
        }
        int status = 0;
        waitpid(child, &status, 0);
        CHECK(WIFSIGNALED(status));
        REQUIRE_OK(lake_open(), &error);
        CHECK(strstr(lake_sql("undrop table sandbox.t"), "is being purged") != NULL);
        REQUIRE_OK(tarn_catalog_dropped_purge(lake.catalog, 0, false, &purged, &error), &error);
        CHECK_INT(files_below(".tarn/warehouse"), others);
        CHECK_INT(number("select count(*) from tarn_dropped"), 0);
        lake_end();
    }
}

/* Between the purge's look at the record and its first deletion. */
static void a_table_that_comes_back_meanwhile_stays_whole(void) {
    TarnPurged purged;
    int status = 0;
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table sandbox.t as select 1 as id", "created table sandbox.t");
    SQL("drop table sandbox.t", "dropped table sandbox.t");
    int before = files_below(".tarn/warehouse");
    lake_close();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        bool ok = lake_open();
        tarn_base_fault_init("catalog.purge.before_begin=sleep:1500");
        ok = ok && tarn_catalog_dropped_purge(lake.catalog, INT64_MAX, false, &purged, &error);
        _exit(ok && purged.files == 0 && purged.tables == 0 ? 0 : 1);
    }
    usleep(500000);
    REQUIRE_OK(lake_open(), &error);
    CHECK(strncmp(lake_sql("undrop table sandbox.t"), "brought back", 12) == 0);
    waitpid(child, &status, 0);
    CHECK_INT(status, 0);
    CHECK_INT(files_below(".tarn/warehouse"), before);
    SQL("select * from sandbox.t", "1");
    lake_end();
}

/* One whose metadata is damaged does not keep the others. */
static void after_an_error_the_others_are_purged(void) {
    TarnPurged purged;
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table sandbox.a as select 1 as id", "created table sandbox.a");
    SQL("create table sandbox.b as select 1 as id", "created table sandbox.b");
    REQUIRE_OK(tarn_db_script(lake.db, "update iceberg_tables set metadata_location = '/etc/passwd'"
                                       " where table_name = 'a'",
                              &error),
               &error);
    SQL("drop table sandbox.a", "dropped table sandbox.a");
    SQL("drop table sandbox.b", "dropped table sandbox.b");
    CHECK(!tarn_catalog_dropped_purge(lake.catalog, INT64_MAX, false, &purged, &error));
    CHECK(error.message[0] != '\0');
    CHECK_INT(purged.tables, 1);
    CHECK_INT(purged.files, 4);
    CHECK_INT(number("select count(*) from tarn_dropped"), 1);
    lake_end();
}

/* A table of another warehouse, registered here. */
static void tables_outside_the_warehouse_are_left_unless_forced(void) {
    REQUIRE_OK(lake_begin(), &error);
    const TarnTable *table = NULL;
    TarnTableName name = {"sandbox", "t"};
    TarnPurged purged;
    char yaml[2048];
    snprintf(yaml, sizeof(yaml), "%swarehouse: out\n", lake_yaml);
    lake_file("tarn.yaml", yaml);
    lake_close();
    REQUIRE_OK(lake_open(), &error);
    SQL("create table sandbox.t as select 1 as id", "created table sandbox.t");
    REQUIRE_OK(tarn_catalog_table_load(lake.catalog, name, &table, &error), &error);
    char metadata[PATH_MAX];
    snprintf(metadata, sizeof(metadata), "%s", table->metadata_location);
    tarn_catalog_table_release(table);
    REQUIRE_OK(tarn_db_script(lake.db, "delete from iceberg_tables; delete from tarn_table",
                              &error),
               &error);
    lake_file("tarn.yaml", lake_yaml);
    lake_close();
    REQUIRE_OK(lake_open(), &error);
    int before = files_below("out");
    REQUIRE_OK(tarn_catalog_register(lake.catalog, name, metadata, &error), &error);
    CHECK(strstr(lake_sql("drop table sandbox.t purge"), "PURGE_REFUSED") != NULL);
    CHECK(strstr(lake_sql("describe sandbox.t"), "id|") != NULL); /* nothing has changed */
    CHECK_INT(number("select count(*) from tarn_dropped"), 0);
    SQL("drop table sandbox.t", "dropped table sandbox.t");
    REQUIRE_OK(tarn_catalog_dropped_purge(lake.catalog, INT64_MAX, false, &purged, &error),
               &error);
    CHECK_INT(purged.left, 1);
    CHECK_INT(purged.files, 0);
    CHECK_INT(files_below("out"), before);
    REQUIRE_OK(tarn_catalog_register(lake.catalog, name, metadata, &error), &error);
    CHECK(strncmp(lake_sql("drop table sandbox.t purge force"), "dropped table", 13) == 0);
    CHECK_INT(files_below("out"), before - 4);
    lake_end();
}

/* Metadata that names the files of others: only what lies in its own folder goes. */
static void files_of_others_are_not_purged(void) {
    REQUIRE_OK(lake_begin(), &error);
    const TarnTable *table = NULL;
    TarnTableName name = {"sandbox", "bad"};
    char command[PATH_MAX * 3];
    SQL("create table sandbox.good as select 1 as id", "created table sandbox.good");
    SQL("create table sandbox.bad as select 1 as id", "created table sandbox.bad");
    REQUIRE_OK(tarn_catalog_table_load(lake.catalog, name, &table, &error), &error);
    TarnTableName good = {"sandbox", "good"};
    const TarnTable *victim = NULL;
    REQUIRE_OK(tarn_catalog_table_load(lake.catalog, good, &victim, &error), &error);
    const char *list = tarn_table_metadata_current_snapshot(table->metadata)->manifest_list;
    const char *other = tarn_table_metadata_current_snapshot(victim->metadata)->manifest_list;
    snprintf(command, sizeof(command), "sed -i 's|%s|%s|g' '%s'", list, other,
             table->metadata_location);
    tarn_catalog_table_release(table);
    tarn_catalog_table_release(victim);
    REQUIRE(run_shell(command));
    lake_close();
    REQUIRE_OK(lake_open(), &error);
    CHECK(strstr(lake_sql("drop table sandbox.bad purge"), "outside its folder stay") != NULL);
    SQL("select * from sandbox.good", "1");
    lake_end();
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(a_dropped_table_comes_back_with_all_that_is_its);
    TAP_TEST(a_renamed_table_keeps_what_is_its);
    TAP_TEST(the_last_drop_comes_back_first);
    TAP_TEST(one_table_gets_no_second_name);
    TAP_TEST(what_is_gone_does_not_come_back);
    TAP_TEST(a_purge_deletes_the_tables_own_files);
    TAP_TEST(old_drops_are_purged_and_young_ones_stay);
    TAP_TEST(an_interrupted_purge_goes_on);
    TAP_TEST(a_table_that_comes_back_meanwhile_stays_whole);
    TAP_TEST(after_an_error_the_others_are_purged);
    TAP_TEST(tables_outside_the_warehouse_are_left_unless_forced);
    TAP_TEST(files_of_others_are_not_purged);
    return tap_end();
}
