/* Migrations: recorded, repeatable, raced for by several processes, refused when not ours. */
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "base/limits.h"
#include "db/db.h"
#include "scratch.h"
#include "tap.h"

static Scratch scratch;
static TarnArena arena;
static const TarnOs *os;

static const TarnDbMigration steps[] = {
    {1, "first", "create table a (x bigint); insert into a values (1)"},
    {2, "second", "create table b (y bigint); update a set x = x + 1"},
    {3, "third", "alter table a add column z text"},
};

static TarnDb *open_db(const char *name, TarnDbOpen how) {
    TarnError error;
    TarnDb *db;
    TarnDbOptions options = {.how = how, .busy_timeout_ms = 60000};
    const char *url = tarn_base_arena_printf(&arena, "sqlite:%s", scratch_at(&scratch, name));
    if (tarn_db_open(os, url, &options, &db, &error)) return db;
    printf("# could not open: %s\n", error.message);
    fflush(stdout);
    _exit(9);
}

static int64_t number(TarnDb *db, const char *sql) {
    TarnError error;
    int64_t value;
    bool found;
    return tarn_db_query_int64(db, sql, NULL, 0, &value, &found, &error) && found ? value : -1;
}

static void steps_are_taken_once_and_recorded(void) {
    TarnError error;
    TarnDb *db = open_db("once", TARN_DB_CREATE);
    CHECK_OK(tarn_db_migrate(db, steps, 2, &error), &error);
    CHECK_OK(tarn_db_migrate(db, steps, 2, &error), &error);
    CHECK_INT(number(db, "select x from a"), 2);
    CHECK_INT(number(db, "select count(*) from tarn_migrations"), 2);
    CHECK_INT(number(db, "select count(*) from tarn_migrations where version = 2 and "
                         "name = 'second' and applied_at like '20%Z'"), 1);
    CHECK_OK(tarn_db_migrate(db, steps, 3, &error), &error);
    CHECK_INT(number(db, "select count(*) from a where z is null"), 1);
    tarn_db_close(db);
}

static void a_newer_catalog_is_refused(void) {
    TarnError error;
    TarnDb *db = open_db("newer", TARN_DB_CREATE);
    CHECK_OK(tarn_db_migrate(db, steps, 3, &error), &error);
    CHECK(!tarn_db_migrate(db, steps, 2, &error));
    CHECK_INT(error.code, TARN_E_CATALOG_TOO_NEW);
    CHECK(strstr(error.message, "third") != NULL && error.hint[0] != '\0');
    CHECK(!tarn_db_in_transaction(db));
    tarn_db_close(db);
    db = open_db("newer", TARN_DB_READ_ONLY);
    CHECK(!tarn_db_migrate(db, steps, 2, &error));
    CHECK_INT(error.code, TARN_E_CATALOG_TOO_NEW);
    CHECK_OK(tarn_db_migrate(db, steps, 3, &error), &error);
    tarn_db_close(db);
}

static void reading_does_not_migrate(void) {
    TarnError error;
    TarnDb *db = open_db("older", TARN_DB_CREATE);
    CHECK_OK(tarn_db_migrate(db, steps, 1, &error), &error);
    tarn_db_close(db);
    db = open_db("older", TARN_DB_READ_ONLY);
    CHECK(!tarn_db_migrate(db, steps, 3, &error));
    CHECK_INT(error.code, TARN_E_DATABASE);
    CHECK(strstr(error.message, "version 1") != NULL && error.hint[0] != '\0');
    CHECK_INT(number(db, "select count(*) from tarn_migrations"), 1);
    tarn_db_close(db);
}

static void what_is_not_ours_is_left_alone(void) {
    static const TarnDbMigration others[] = {{1, "other", "create table o (x bigint)"}};
    static const TarnDbMigration gaps[] = {{1, "first", "select 1"}, {3, "third", "select 1"}};
    TarnError error;
    TarnDb *db = open_db("foreign", TARN_DB_CREATE);
    CHECK_OK(tarn_db_script(db, "create table photos (x bigint)", &error), &error);
    CHECK(!tarn_db_migrate(db, steps, 3, &error));
    CHECK_INT(error.code, TARN_E_DATABASE);
    CHECK_INT(number(db, "select count(*) from sqlite_schema"), 1);
    tarn_db_close(db);
    db = open_db("renamed", TARN_DB_CREATE);
    CHECK_OK(tarn_db_migrate(db, steps, 3, &error), &error);
    CHECK(!tarn_db_migrate(db, others, 1, &error));
    CHECK(strstr(error.message, "\"first\"") != NULL && strstr(error.message, "\"other\"") != NULL);
    CHECK(!tarn_db_migrate(db, gaps, 2, &error));
    CHECK_INT(error.code, TARN_E_INTERNAL);
    tarn_db_close(db);
}

static void a_failing_step_leaves_the_version_before(void) {
    TarnDbMigration broken[3] = {steps[0], steps[1], {3, "broken", "create table c (x bigint); "
                                                                  "insert into none values (1)"}};
    TarnError error;
    TarnDb *db = open_db("failing", TARN_DB_CREATE);
    CHECK(!tarn_db_migrate(db, broken, 3, &error));
    CHECK_INT(error.code, TARN_E_DATABASE);
    CHECK(strstr(error.message, "broken") != NULL && strstr(error.message, "none") != NULL);
    CHECK(!tarn_db_in_transaction(db));
    CHECK_INT(number(db, "select count(*) from tarn_migrations"), 2);
    CHECK_INT(number(db, "select count(*) from sqlite_schema where name = 'c'"), 0);
    tarn_base_fault_init("db.migrate.before_commit=error");
    CHECK(!tarn_db_migrate(db, steps, 3, &error));
    tarn_base_fault_init(NULL);
    CHECK_INT(error.code, TARN_E_FAULT_INJECTED);
    CHECK_INT(number(db, "select count(*) from tarn_migrations"), 2);
    CHECK_OK(tarn_db_migrate(db, steps, 3, &error), &error);
    tarn_db_close(db);
}

/* Several processes open a database that does not exist, at once, and all bring it up to date. */
static void race_to_create(const char *name, int processes, const char *plan, int killed) {
    pid_t children[8];
    int gate[2];
    REQUIRE(pipe(gate) == 0);
    for (int i = 0; i < processes; i++) {
        children[i] = fork();
        if (children[i] != 0) continue;
        TarnError error;
        char byte;
        close(gate[1]);
        if (read(gate[0], &byte, 1) != 0) _exit(8); /* the gate opens for all by its closing */
        if (i < killed) tarn_base_fault_init(plan);
        TarnDb *db = open_db(name, TARN_DB_CREATE);
        bool ok = tarn_db_migrate(db, steps, 3, &error);
        if (!ok) printf("# process %d: %s\n", i, error.message);
        ok = ok && number(db, "select x from a") == 2;
        fflush(stdout);
        tarn_db_close(db);
        _exit(ok ? 0 : 1);
    }
    close(gate[0]);
    close(gate[1]);
    for (int i = 0; i < processes; i++) {
        int status;
        waitpid(children[i], &status, 0);
        bool died = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0) || (died && i < killed));
    }
    TarnDb *db = open_db(name, TARN_DB_OPEN);
    CHECK_INT(number(db, "select count(*) from tarn_migrations"), 3);
    CHECK_INT(number(db, "select x from a"), 2);
    tarn_db_close(db);
}

static void processes_race_to_create_a_database(void) {
    for (int round = 0; round < 10; round++) {
        char name[32];
        snprintf(name, sizeof(name), "race-%d", round);
        race_to_create(name, round < 5 ? 2 : 6, NULL, 0);
    }
}

/* What is seen while another process makes the database is one state of it, not two halves. */
static void looking_while_another_process_creates(void) {
    TarnError error;
    TarnDb *db = open_db("looking", TARN_DB_CREATE);
    pid_t child = fork();
    if (child == 0) {
        TarnDb *own = open_db("looking", TARN_DB_CREATE);
        usleep(30000);
        bool ok = tarn_db_migrate(own, steps, 3, &error);
        tarn_db_close(own);
        _exit(ok ? 0 : 1);
    }
    tarn_base_fault_init("db.migrate.look=sleep:200@1");
    CHECK_OK(tarn_db_migrate(db, steps, 3, &error), &error);
    tarn_base_fault_init(NULL);
    int status;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_INT(number(db, "select x from a"), 2);
    tarn_db_close(db);
}

/* An older SQLite file that is being read cannot get its log at once: opening waits. */
static void opening_waits_for_readers_of_a_database_without_log(void) {
    TarnError error;
    sqlite3 *reader;
    int ready[2];
    const char *path = scratch_at(&scratch, "no-log");
    REQUIRE(pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        bool ok = sqlite3_open(path, &reader) == SQLITE_OK &&
                  sqlite3_exec(reader, "create table a (x); begin; select * from a", NULL, NULL,
                               NULL) == SQLITE_OK &&
                  write(ready[1], "x", 1) == 1;
        usleep(150000);
        sqlite3_close(reader);
        _exit(ok ? 0 : 1);
    }
    char byte;
    REQUIRE(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    close(ready[1]);
    int64_t start = os->monotonic_us(os);
    TarnDb *db = open_db("no-log", TARN_DB_OPEN);
    CHECK(os->monotonic_us(os) - start > 50000);
    int status;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(!tarn_db_migrate(db, steps, 3, &error)); /* and it is another program's */
    tarn_db_close(db);
}

static void a_killed_process_does_not_stop_the_others(void) {
    for (int round = 0; round < 4; round++) {
        char name[32];
        snprintf(name, sizeof(name), "killed-%d", round);
        race_to_create(name, 4,
                       round % 2 == 0 ? "db.migrate.before_commit=kill" : "db.commit.after=kill",
                       2);
    }
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    os = tarn_os_posix();
    scratch_make(&scratch);
    tarn_base_arena_init(&arena, TARN_MIB);
    TAP_TEST(steps_are_taken_once_and_recorded);
    TAP_TEST(a_newer_catalog_is_refused);
    TAP_TEST(reading_does_not_migrate);
    TAP_TEST(what_is_not_ours_is_left_alone);
    TAP_TEST(a_failing_step_leaves_the_version_before);
    TAP_TEST(processes_race_to_create_a_database);
    TAP_TEST(looking_while_another_process_creates);
    TAP_TEST(opening_waits_for_readers_of_a_database_without_log);
    TAP_TEST(a_killed_process_does_not_stop_the_others);
    tarn_base_arena_dispose(&arena);
    scratch_remove(&scratch);
    return tap_end();
}
