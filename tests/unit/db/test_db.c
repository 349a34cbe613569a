/* Connections, statements, transactions and waiting, on a real SQLite file. */
#include <pthread.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "base/limits.h"
#include "db/db.h"
#include "scratch.h"
#include "tap.h"

static Scratch scratch;
static TarnArena arena;
static const TarnOs *os;

static const char *url_of(const char *name) {
    return tarn_base_arena_printf(&arena, "sqlite:%s", scratch_at(&scratch, name));
}

static TarnDb *open_db(const char *name, TarnDbOpen how, int64_t busy_timeout_ms) {
    TarnError error;
    TarnDb *db;
    TarnDbOptions options = {.how = how, .busy_timeout_ms = busy_timeout_ms};
    if (tarn_db_open(os, url_of(name), &options, &db, &error)) return db;
    printf("Bail out! %s\n", error.message);
    abort();
}

static TarnDb *new_db(const char *name) {
    TarnError error;
    TarnDb *db = open_db(name, TARN_DB_CREATE, 0);
    if (tarn_db_script(db, "create table t (k text primary key, v bigint)", &error)) return db;
    printf("Bail out! %s\n", error.message);
    abort();
}

static bool put(TarnDb *db, const char *key, int64_t value, TarnError *error) {
    return tarn_db_execute(db, "insert into t values ($1, $2)",
                           TARN_DB_VALUES(tarn_db_string(key), tarn_db_int64(value)), NULL, error);
}

static int64_t count(TarnDb *db) {
    TarnError error;
    int64_t value;
    bool found;
    if (tarn_db_query_int64(db, "select count(*) from t", NULL, 0, &value, &found, &error)) {
        return value;
    }
    printf("# %s\n", error.message);
    return -1;
}

static void values_come_back_as_they_were(void) {
    TarnError error;
    TarnDb *db = open_db("values", TARN_DB_CREATE, 0);
    TarnDbRows *rows;
    bool more;
    REQUIRE_OK(tarn_db_script(db, "create table v (a bigint, b text, c double precision, d blob, "
                                  "e text, f text, g blob)", &error), &error);
    REQUIRE_OK(tarn_db_execute(db, "insert into v values ($1, $2, $3, $4, $5, $6, $7)",
                               TARN_DB_VALUES(tarn_db_int64(INT64_MIN), tarn_db_string("h\xC3\xA9"),
                                              tarn_db_double(0.1), tarn_db_blob("a\0b", 3),
                                              tarn_db_null(), tarn_db_string(""),
                                              tarn_db_blob(NULL, 0)),
                               NULL, &error), &error);
    REQUIRE_OK(tarn_db_query(db, "select * from v", NULL, 0, &rows, &error), &error);
    CHECK_INT(tarn_db_columns(rows), 0); /* no row yet */
    REQUIRE_OK(tarn_db_next(rows, &more, &error), &error);
    REQUIRE(more);
    CHECK_INT(tarn_db_columns(rows), 7);
    CHECK_INT(tarn_db_column_int64(rows, 0), INT64_MIN);
    CHECK_STRING(tarn_db_column_string(rows, 1, &arena), "h\xC3\xA9");
    CHECK(tarn_db_column_double(rows, 2) == 0.1);
    TarnText blob = tarn_db_column_text(rows, 3);
    CHECK(blob.size == 3 && memcmp(blob.data, "a\0b", 3) == 0);
    static const TarnDbKind kinds[] = {TARN_DB_INT64, TARN_DB_TEXT, TARN_DB_DOUBLE, TARN_DB_BLOB,
                                       TARN_DB_NULL,  TARN_DB_TEXT, TARN_DB_BLOB,   TARN_DB_NULL};
    for (size_t i = 0; i < 8; i++) CHECK_INT(tarn_db_column_kind(rows, i), kinds[i]);
    CHECK(tarn_db_column_text(rows, 4).data == NULL);
    CHECK_STRING(tarn_db_column_string(rows, 4, &arena), NULL);
    CHECK_STRING(tarn_db_column_string(rows, 5, &arena), "");
    CHECK(tarn_db_column_text(rows, 6).data != NULL && tarn_db_column_text(rows, 6).size == 0);
    /* nothing is converted behind the caller's back */
    CHECK_INT(tarn_db_column_int64(rows, 1), 0);
    CHECK(tarn_db_column_text(rows, 0).data == NULL);
    CHECK(tarn_db_column_double(rows, 0) == (double)INT64_MIN);
    CHECK_INT(tarn_db_column_int64(rows, 99), 0);
    CHECK_OK(tarn_db_next(rows, &more, &error), &error);
    CHECK(!more);
    tarn_db_rows_close(rows);
    tarn_db_close(db);
}

static void parameters_are_numbered(void) {
    TarnError error;
    TarnDb *db = open_db("parameters", TARN_DB_CREATE, 0);
    int64_t value;
    bool found;
    CHECK_OK(tarn_db_query_int64(db, "select $2 * 100 + $1 * 10 + $2",
                                 TARN_DB_VALUES(tarn_db_int64(3), tarn_db_int64(7)), &value,
                                 &found, &error), &error);
    CHECK(found);
    CHECK_INT(value, 737);
    CHECK_OK(tarn_db_query_int64(db, "select $12", (TarnDbValue[12]){[11] = tarn_db_int64(5)}, 12,
                                 &value, &found, &error), &error);
    CHECK_INT(value, 5);
    static const char *const wrong[] = {"select ?", "select :name", "select @x", "select $x",
                                        "select $0", "select $01", "select $1001"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK(!tarn_db_query_int64(db, wrong[i], TARN_DB_VALUES(tarn_db_int64(3)), &value, &found,
                                   &error));
        CHECK_INT(error.code, TARN_E_INTERNAL);
    }
    CHECK(!tarn_db_query_int64(db, "select $1", NULL, 0, &value, &found, &error));
    CHECK_INT(error.code, TARN_E_INTERNAL);
    CHECK(!tarn_db_query_int64(db, "select 1", TARN_DB_VALUES(tarn_db_null()), &value, &found,
                               &error));
    CHECK_OK(tarn_db_query_int64(db, "select null", NULL, 0, &value, &found, &error), &error);
    CHECK(!found);
    CHECK_OK(tarn_db_query_int64(db, "select 1 where 1 = 0", NULL, 0, &value, &found, &error),
             &error);
    CHECK(!found);
    tarn_db_close(db);
}

static void what_is_no_text_or_no_statement_is_refused(void) {
    TarnError error;
    TarnDb *db = new_db("refused");
    CHECK(!tarn_db_execute(db, "insert into t values ($1, 1)",
                           TARN_DB_VALUES(tarn_db_text(TARN_TEXT("a\0b"))), NULL, &error));
    CHECK_INT(error.code, TARN_E_NAME_INVALID);
    CHECK(!put(db, "\xFF", 1, &error));
    CHECK_INT(error.code, TARN_E_NAME_INVALID);
    static const char *const wrong[] = {"", "  ;", "select 1; select 2", "selec 1",
                                        "select * from none", "select \"no such\""};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK(!tarn_db_execute(db, wrong[i], NULL, 0, NULL, &error));
        CHECK(error.code == TARN_E_INTERNAL || error.code == TARN_E_DATABASE);
        CHECK_STRING(error.detail, wrong[i]);
    }
    CHECK(!tarn_db_execute(db, "select 1", NULL, 0, NULL, &error)); /* rows nobody would read */
    CHECK_INT(error.code, TARN_E_INTERNAL);
    CHECK(!tarn_db_script(db, "insert into t values ('a', 1); nonsense", &error));
    CHECK_INT(error.code, TARN_E_DATABASE);
    CHECK(!tarn_db_script(db, "attach 'other.db' as other", &error));
    CHECK(!tarn_db_script(db, "select load_extension('x')", &error));
    tarn_db_close(db);
}

static void constraints_have_their_codes(void) {
    TarnError error;
    int64_t changed;
    TarnDb *db = new_db("constraints");
    CHECK_OK(tarn_db_script(db, "create table child (k text not null references t (k), "
                                "n bigint unique check (n > 0))", &error), &error);
    CHECK_OK(put(db, "a", 1, &error), &error);
    CHECK(!put(db, "a", 2, &error));
    CHECK_INT(error.code, TARN_E_OBJECT_EXISTS);
    CHECK(strstr(error.message, "t.k") != NULL);
    CHECK(!tarn_db_execute(db, "insert into child values ('none', 1)", NULL, 0, NULL, &error));
    CHECK_INT(error.code, TARN_E_DATABASE);
    CHECK(strstr(error.message, "FOREIGN KEY") != NULL);
    CHECK(!tarn_db_execute(db, "insert into child values ('a', 0)", NULL, 0, NULL, &error));
    CHECK(!tarn_db_execute(db, "insert into child values (null, 1)", NULL, 0, NULL, &error));
    CHECK_OK(tarn_db_execute(db, "insert into child values ('a', 1), ('a', 2)", NULL, 0, &changed,
                             &error), &error);
    CHECK_INT(changed, 2);
    CHECK(!tarn_db_execute(db, "update child set n = 1", NULL, 0, &changed, &error));
    CHECK_INT(error.code, TARN_E_OBJECT_EXISTS);
    CHECK_OK(tarn_db_execute(db, "delete from child where n > 5", NULL, 0, &changed, &error),
             &error);
    CHECK_INT(changed, 0);
    tarn_db_close(db);
}

static void the_same_query_may_be_open_twice(void) {
    TarnError error;
    TarnDb *db = new_db("twice");
    static const char sql[] = "select v from t where v >= $1 order by v";
    for (int64_t i = 0; i < 3; i++) {
        char key[2] = {(char)('a' + i), '\0'};
        CHECK_OK(put(db, key, i, &error), &error);
    }
    TarnDbRows *rows[3];
    bool more;
    for (int64_t i = 0; i < 3; i++) {
        REQUIRE_OK(tarn_db_query(db, sql, TARN_DB_VALUES(tarn_db_int64(i)), &rows[i], &error),
                   &error);
    }
    for (int64_t i = 0; i < 3; i++) {
        for (int64_t k = i; k < 3; k++) {
            CHECK_OK(tarn_db_next(rows[i], &more, &error), &error);
            CHECK(more);
            CHECK_INT(tarn_db_column_int64(rows[i], 0), k);
        }
        CHECK_OK(tarn_db_next(rows[i], &more, &error), &error);
        CHECK(!more);
    }
    tarn_db_rows_close(rows[1]);
    tarn_db_rows_close(rows[2]);
    tarn_db_rows_close(NULL);
    tarn_db_close(db); /* ends rows[0] */
}

static void many_statements_are_kept_and_thrown_away(void) {
    TarnError error;
    TarnDb *db = new_db("many");
    TarnDbRows *open[140];
    int64_t value;
    bool found;
    bool more;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 300; i++) {
            const char *sql = tarn_base_arena_printf(&arena, "select %d", i);
            REQUIRE_OK(tarn_db_query_int64(db, sql, NULL, 0, &value, &found, &error), &error);
            CHECK_INT(value, i);
        }
    }
    for (int i = 0; i < 140; i++) { /* more open at once than are kept */
        const char *sql = tarn_base_arena_printf(&arena, "select %d", i);
        REQUIRE_OK(tarn_db_query(db, sql, NULL, 0, &open[i], &error), &error);
    }
    for (int i = 0; i < 140; i++) {
        CHECK_OK(tarn_db_next(open[i], &more, &error), &error);
        CHECK_INT(tarn_db_column_int64(open[i], 0), i);
        tarn_db_rows_close(open[i]);
    }
    tarn_db_close(db);
}

static void transactions_are_all_or_nothing(void) {
    TarnError error;
    TarnDb *db = new_db("transactions");
    CHECK_OK(tarn_db_begin(db, TARN_DB_WRITE, &error), &error);
    CHECK(tarn_db_in_transaction(db));
    CHECK(!tarn_db_begin(db, TARN_DB_READ, &error));
    CHECK_INT(error.code, TARN_E_INTERNAL);
    CHECK(!tarn_db_settle(db, &error));
    CHECK_OK(put(db, "a", 1, &error), &error);
    tarn_db_rollback(db);
    tarn_db_rollback(db);
    CHECK(!tarn_db_in_transaction(db));
    CHECK_INT(count(db), 0);
    CHECK(!tarn_db_commit(db, &error));
    CHECK_INT(error.code, TARN_E_INTERNAL);
    CHECK_OK(tarn_db_begin(db, TARN_DB_WRITE, &error), &error);
    CHECK_OK(put(db, "a", 1, &error), &error);
    CHECK(!put(db, "a", 1, &error)); /* a failed statement leaves the transaction as it was */
    CHECK_OK(put(db, "b", 1, &error), &error);
    CHECK_OK(tarn_db_commit(db, &error), &error);
    CHECK_INT(count(db), 2);
    CHECK_OK(tarn_db_begin(db, TARN_DB_WRITE, &error), &error);
    CHECK_OK(put(db, "c", 1, &error), &error);
    tarn_db_close(db); /* rolls back */
    db = open_db("transactions", TARN_DB_OPEN, 0);
    CHECK_INT(count(db), 2);
    tarn_db_close(db);
    tarn_db_close(NULL);
}

static void a_deferred_constraint_fails_the_commit_and_undoes_it(void) {
    TarnError error;
    TarnDb *db = new_db("deferred");
    CHECK_OK(tarn_db_script(db, "create table child (k text references t (k) deferrable initially "
                                "deferred)", &error), &error);
    CHECK_OK(tarn_db_begin(db, TARN_DB_WRITE, &error), &error);
    CHECK_OK(put(db, "a", 1, &error), &error);
    CHECK_OK(tarn_db_execute(db, "insert into child values ('none')", NULL, 0, NULL, &error),
             &error);
    CHECK(!tarn_db_commit(db, &error));
    CHECK(!error.outcome_unknown);
    CHECK(!tarn_db_in_transaction(db));
    CHECK_INT(count(db), 0);
    CHECK_OK(put(db, "a", 1, &error), &error);
    tarn_db_close(db);
}

static void a_read_transaction_sees_one_state(void) {
    TarnError error;
    TarnDb *writer = new_db("snapshot");
    TarnDb *reader = open_db("snapshot", TARN_DB_READ_ONLY, 0);
    CHECK_OK(tarn_db_begin(reader, TARN_DB_READ, &error), &error);
    CHECK_INT(count(reader), 0);
    CHECK_OK(put(writer, "a", 1, &error), &error);
    CHECK_INT(count(reader), 0);
    CHECK_OK(tarn_db_commit(reader, &error), &error);
    CHECK_INT(count(reader), 1);
    tarn_db_close(reader);
    tarn_db_close(writer);
}

static void a_reader_never_waits_for_a_writer(void) {
    TarnError error;
    TarnDb *writer = new_db("reader");
    CHECK_OK(put(writer, "a", 1, &error), &error);
    CHECK_OK(tarn_db_begin(writer, TARN_DB_WRITE, &error), &error);
    CHECK_OK(put(writer, "b", 1, &error), &error);
    int64_t start = os->monotonic_us(os);
    TarnDb *reader = open_db("reader", TARN_DB_READ_ONLY, 5000);
    CHECK_INT(count(reader), 1);
    CHECK(!put(reader, "c", 1, &error));
    CHECK_INT(error.code, TARN_E_DENIED_BY_SYSTEM);
    CHECK(os->monotonic_us(os) - start < 1000000);
    tarn_db_close(reader);
    CHECK_OK(tarn_db_commit(writer, &error), &error);
    tarn_db_close(writer);
}

static void a_second_writer_waits_and_gives_up(void) {
    TarnError error;
    TarnDb *first = new_db("busy");
    TarnDb *second = open_db("busy", TARN_DB_OPEN, 60);
    CHECK_OK(tarn_db_begin(first, TARN_DB_WRITE, &error), &error);
    int64_t start = os->monotonic_us(os);
    CHECK(!tarn_db_begin(second, TARN_DB_WRITE, &error));
    int64_t waited_ms = (os->monotonic_us(os) - start) / 1000;
    CHECK(waited_ms >= 60 && waited_ms < 3000);
    CHECK_INT(error.code, TARN_E_DATABASE_BUSY);
    CHECK(error.retryable && !error.outcome_unknown && error.hint[0] != '\0');
    CHECK(!tarn_db_in_transaction(second));
    CHECK(!put(second, "x", 1, &error)); /* without a transaction as well */
    CHECK_INT(error.code, TARN_E_DATABASE_BUSY);
    tarn_os_interrupt();
    CHECK(!tarn_db_begin(second, TARN_DB_WRITE, &error));
    CHECK_INT(error.code, TARN_E_INTERRUPTED);
    tarn_os_interrupt_clear();
    tarn_db_rollback(first);
    CHECK_OK(tarn_db_begin(second, TARN_DB_WRITE, &error), &error);
    tarn_db_close(second);
    tarn_db_close(first);
}

/* Four processes add one each to the same number: no update is lost, none gives up. */
static void writers_take_turns(void) {
    TarnError error;
    TarnDb *db = new_db("turns");
    CHECK_OK(put(db, "n", 0, &error), &error);
    pid_t children[4];
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] != 0) continue;
        TarnDb *own = open_db("turns", TARN_DB_OPEN, 60000);
        for (int k = 0; k < 25; k++) {
            int64_t value;
            bool found;
            if (!tarn_db_begin(own, TARN_DB_WRITE, &error) ||
                !tarn_db_query_int64(own, "select v from t where k = 'n'", NULL, 0, &value, &found,
                                     &error) ||
                !tarn_db_execute(own, "update t set v = $1",
                                 TARN_DB_VALUES(tarn_db_int64(value + 1)), NULL, &error) ||
                !tarn_db_commit(own, &error)) {
                _exit(1);
            }
        }
        tarn_db_close(own);
        _exit(0);
    }
    for (int i = 0; i < 4; i++) {
        int status;
        waitpid(children[i], &status, 0);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    int64_t value;
    bool found;
    CHECK_OK(tarn_db_query_int64(db, "select v from t", NULL, 0, &value, &found, &error), &error);
    CHECK_INT(value, 100);
    tarn_db_close(db);
}

static void opening_tells_why(void) {
    TarnError error;
    TarnDb *db;
    struct stat stat_;
    CHECK(!tarn_db_open(os, url_of("none"), NULL, &db, &error));
    CHECK_INT(error.code, TARN_E_OBJECT_NOT_FOUND);
    CHECK(db == NULL);
    TarnDbOptions read_only = {.how = TARN_DB_READ_ONLY};
    CHECK(!tarn_db_open(os, url_of("none"), &read_only, &db, &error));
    CHECK_INT(error.code, TARN_E_OBJECT_NOT_FOUND);
    CHECK(access(scratch_at(&scratch, "none"), F_OK) != 0);
    TarnDbOptions create = {.how = TARN_DB_CREATE};
    CHECK(!tarn_db_open(os, url_of("no/folder"), &create, &db, &error));
    CHECK_INT(error.code, TARN_E_OBJECT_NOT_FOUND);
    CHECK(!tarn_db_open(os, url_of(""), &create, &db, &error)); /* a folder */
    CHECK_INT(error.code, TARN_E_DATABASE);
    scratch_write(scratch_at(&scratch, "text"),
                  "this is not a database, but it is long enough to be taken for one if only its "
                  "first bytes were the right ones, which they are not");
    CHECK(!tarn_db_open(os, url_of("text"), &create, &db, &error));
    CHECK_INT(error.code, TARN_E_DATABASE);
    CHECK(strstr(error.message, "not a database") != NULL && error.hint[0] != '\0');
    db = open_db("mode", TARN_DB_CREATE, 0);
    REQUIRE(stat(scratch_at(&scratch, "mode"), &stat_) == 0);
    CHECK_INT(stat_.st_mode & 0777, 0600);
    CHECK(strncmp(tarn_db_version(db), "SQLite 3", 8) == 0);
    tarn_db_close(db);
}

static void an_address_shows_no_password(void) {
    static const char *const urls[] = {"postgresql://user:secret@host/db", "secret", "sqlite:",
                                       "mysql://secret", ""};
    TarnError error;
    TarnDb *db;
    for (size_t i = 0; i < 5; i++) {
        CHECK(!tarn_db_open(os, urls[i], NULL, &db, &error));
        CHECK_INT(error.code, TARN_E_CONFIG);
        CHECK(strstr(error.message, "secret") == NULL);
    }
}

static void relative_paths_are_paths(void) {
    TarnError error;
    static const char *const urls[] = {"sqlite:file:x?mode=memory", "sqlite::memory:",
                                       "sqlite:plain"};
    TarnDbOptions create = {.how = TARN_DB_CREATE};
    REQUIRE(chdir(scratch.path) == 0);
    for (size_t i = 0; i < 3; i++) {
        TarnDb *db;
        CHECK_OK(tarn_db_open(os, urls[i], &create, &db, &error), &error);
        tarn_db_close(db);
        CHECK(access(urls[i] + 7, F_OK) == 0);
    }
    REQUIRE(chdir("..") == 0);
}

static bool note_problem(void *state, const char *problem, TarnError *error) {
    (void)error;
    printf("# found, as it should be: %s\n", problem);
    ++*(int *)state;
    return true;
}

static void the_check_finds_damage(void) {
    TarnError error;
    int problems = 0;
    TarnDb *db = new_db("damage");
    CHECK_OK(tarn_db_script(db, "create table child (k text references t (k))", &error), &error);
    CHECK_OK(tarn_db_begin(db, TARN_DB_WRITE, &error), &error);
    for (int i = 0; i < 2000; i++) {
        char key[32];
        snprintf(key, sizeof(key), "key %d", i);
        CHECK_OK(put(db, key, i, &error), &error);
    }
    CHECK_OK(tarn_db_commit(db, &error), &error);
    CHECK_OK(tarn_db_check(db, note_problem, &problems, &error), &error);
    CHECK_INT(problems, 0);
    CHECK_OK(tarn_db_script(db, "pragma foreign_keys = off; insert into child values ('none')",
                            &error), &error);
    CHECK_OK(tarn_db_check(db, note_problem, &problems, &error), &error);
    CHECK_INT(problems, 1);
    tarn_db_close(db);
    FILE *file = fopen(scratch_at(&scratch, "damage"), "r+b");
    REQUIRE(file != NULL);
    fseek(file, 3 * 4096, SEEK_SET);
    for (int i = 0; i < 8192; i++) fputc(i * 37, file);
    fclose(file);
    problems = 0;
    db = open_db("damage", TARN_DB_OPEN, 0);
    CHECK_OK(tarn_db_check(db, note_problem, &problems, &error), &error);
    CHECK(problems > 0);
    tarn_db_close(db);
}

static void the_fault_points_of_a_commit(void) {
    TarnError error;
    TarnDb *db = new_db("points");
    static const char *const plans[] = {"db.commit.before=error", "db.commit.after=error"};
    for (int i = 0; i < 2; i++) {
        CHECK_OK(tarn_db_begin(db, TARN_DB_WRITE, &error), &error);
        CHECK_OK(put(db, i == 0 ? "a" : "b", 1, &error), &error);
        tarn_base_fault_init(plans[i]);
        CHECK(!tarn_db_commit(db, &error));
        tarn_base_fault_init(NULL);
        CHECK_INT(error.code, TARN_E_FAULT_INJECTED);
        CHECK_INT(error.outcome_unknown, i == 1);
        CHECK(!tarn_db_in_transaction(db));
        CHECK_OK(tarn_db_settle(db, &error), &error);
        CHECK_INT(count(db), i); /* the first is undone, the second is done */
    }
    tarn_db_close(db);
}

static void a_killed_writer_leaves_all_or_nothing(void) {
    TarnError error;
    static const char *const plans[] = {"db.commit.before=kill", "db.commit.after=kill"};
    for (int i = 0; i < 2; i++) {
        const char *name = i == 0 ? "killed-before" : "killed-after";
        TarnDb *db = new_db(name);
        tarn_db_close(db);
        pid_t child = fork();
        if (child == 0) {
            db = open_db(name, TARN_DB_OPEN, 0);
            bool ok = tarn_db_begin(db, TARN_DB_WRITE, &error) && put(db, "a", 1, &error) &&
                      put(db, "b", 1, &error);
            tarn_base_fault_init(plans[i]);
            ok = ok && tarn_db_commit(db, &error);
            _exit(ok ? 0 : 1);
        }
        int status;
        REQUIRE(waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        db = open_db(name, TARN_DB_OPEN, 0);
        CHECK_INT(count(db), i == 0 ? 0 : 2);
        tarn_db_close(db);
    }
}

static bool write_until_full(TarnDb *db, TarnError *error) {
    char *data = tarn_base_arena_alloc(&arena, 4 * TARN_MIB);
    CHECK_OK(put(db, "before", 1, error), error);
    bool ok = tarn_db_begin(db, TARN_DB_WRITE, error) &&
              tarn_db_execute(db, "insert into t values ($1, 1)",
                              TARN_DB_VALUES(tarn_db_blob(data, 4 * TARN_MIB)), NULL, error) &&
              tarn_db_commit(db, error);
    tarn_db_rollback(db);
    return ok;
}

static void a_full_disk_is_told_and_undone(void) {
    TarnError error;
    const char *folder = tarn_base_arena_string(&arena, scratch_at(&scratch, "small"));
    REQUIRE(mkdir(folder, 0700) == 0);
    if (mount("tmpfs", folder, "tmpfs", 0, "size=1m") != 0) {
        TAP_SKIP("a small file system cannot be mounted without being root");
    }
    TarnDb *db = new_db("small/db");
    CHECK(!write_until_full(db, &error));
    CHECK_INT(error.code, TARN_E_DISK_FULL);
    CHECK(!error.outcome_unknown);
    CHECK_INT(count(db), 1);
    CHECK_OK(put(db, "after", 1, &error), &error); /* no repair was needed */
    tarn_db_close(db);
    umount(folder);
}

static void a_read_only_volume_can_be_read(void) {
    TarnError error;
    const char *folder = tarn_base_arena_string(&arena, scratch_at(&scratch, "frozen % ?#"));
    REQUIRE(mkdir(folder, 0700) == 0);
    if (mount("tmpfs", folder, "tmpfs", 0, "size=1m") != 0) {
        TAP_SKIP("a file system cannot be mounted without being root");
    }
    TarnDb *db = new_db("frozen % ?#/a db");
    CHECK_OK(put(db, "a", 1, &error), &error);
    tarn_db_close(db);
    CHECK(mount("tmpfs", folder, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1m") == 0);
    db = open_db("frozen % ?#/a db", TARN_DB_READ_ONLY, 0);
    CHECK_INT(count(db), 1);
    tarn_db_close(db);
    umount(folder);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    os = tarn_os_posix();
    scratch_make(&scratch);
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    TAP_TEST(values_come_back_as_they_were);
    TAP_TEST(parameters_are_numbered);
    TAP_TEST(what_is_no_text_or_no_statement_is_refused);
    TAP_TEST(constraints_have_their_codes);
    TAP_TEST(the_same_query_may_be_open_twice);
    TAP_TEST(many_statements_are_kept_and_thrown_away);
    TAP_TEST(transactions_are_all_or_nothing);
    TAP_TEST(a_deferred_constraint_fails_the_commit_and_undoes_it);
    TAP_TEST(a_read_transaction_sees_one_state);
    TAP_TEST(a_reader_never_waits_for_a_writer);
    TAP_TEST(a_second_writer_waits_and_gives_up);
    TAP_TEST(writers_take_turns);
    TAP_TEST(opening_tells_why);
    TAP_TEST(an_address_shows_no_password);
    TAP_TEST(relative_paths_are_paths);
    TAP_TEST(the_check_finds_damage);
    TAP_TEST(the_fault_points_of_a_commit);
    TAP_TEST(a_killed_writer_leaves_all_or_nothing);
    TAP_TEST(a_full_disk_is_told_and_undone);
    TAP_TEST(a_read_only_volume_can_be_read);
    tarn_base_arena_dispose(&arena);
    scratch_remove(&scratch);
    return tap_end();
}
