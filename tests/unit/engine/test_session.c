/* The library, sessions, errors, streaming, interrupts and the lock. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "engine_test.h"
#include "os/os.h"

/* Private to the room; errors of DuckDB that cannot be provoked at will go in here. */
bool tarn_engine__failure_set(TarnEngineSession *session, const char *message, TarnText sql,
                              TarnError *error);

/* ---- the library ------------------------------------------------------------------------- */

/* In a child, before anything is loaded. */
static int load_in_child(const char *library, bool expect_missing) {
    pid_t child = fork();
    if (child == 0) {
        TarnError error;
        setenv("TARN_DUCKDB_LIBRARY", library, 1);
        bool loaded = tarn_engine_library_load(&error);
        bool good = expect_missing
                        ? !loaded && error.code == TARN_E_ENGINE_MISSING &&
                              strstr(error.detail, library) != NULL && error.hint[0] != '\0' &&
                              !tarn_engine_library_loaded()
                        : loaded;
        _exit(good ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void missing_library_is_told_with_its_place(void) {
    CHECK(!tarn_engine_library_loaded());
    CHECK(tarn_engine_library_version() == NULL && tarn_engine_library_path() == NULL);
    CHECK_INT(load_in_child("/nonexistent/libduckdb.so", true), 0);
    CHECK_INT(load_in_child("/dev/null", true), 0);
    CHECK_INT(load_in_child("libm.so.6", true), 0); /* a library, but not DuckDB */
}

static void library_is_the_pinned_version(void) {
    CHECK_STRING(tarn_engine_library_version(), "v1.5.5");
    CHECK(tarn_engine_library_path() != NULL);
    CHECK_OK(tarn_engine_library_load(&failure), &failure);
}

/* ---- queries ----------------------------------------------------------------------------- */

static void settings_are_the_engines_own(void) {
    CHECK_STRING(value("SELECT current_setting('TimeZone')"), "UTC");
    CHECK_STRING(value("SELECT current_setting('Calendar')"), "gregorian");
    CHECK_STRING(value("SELECT current_setting('autoinstall_known_extensions')"), "false");
    CHECK_STRING(value("SELECT current_setting('autoload_known_extensions')"), "false");
    CHECK_STRING(value("SELECT current_setting('allow_persistent_secrets')"), "false");
    CHECK_STRING(value("SELECT TIMESTAMPTZ '2024-07-01 00:00:00+02'"), "2024-06-30 22:00:00+00");
    CHECK_CODE(code_of("INSTALL spatial"), TARN_E_IO);
    CHECK_OK(tarn_engine_session_set(session, "pivot_limit", "77", &failure), &failure);
    CHECK_STRING(value("SELECT current_setting('pivot_limit')"), "77");
    CHECK(!tarn_engine_session_set(session, "no_such_setting", "1", &failure));
}

static void parameters_reach_the_statement(void) {
    TarnEngineResult *result;
    const TarnEngineChunk *chunk;
    TarnEngineParam params[] = {
        tarn_engine_param_int64(INT64_MIN),
        tarn_engine_param_double(0.5),
        tarn_engine_param_text(TARN_TEXT("it's")),
        tarn_engine_param_blob((TarnText){"\0\xFF", 2}),
        tarn_engine_param_bool(true),
        tarn_engine_param_null(),
    };
    REQUIRE_OK(tarn_engine_query(session, TARN_TEXT("SELECT $1, $2, $3, $4, $5, $6 IS NULL"),
                                 params, 6, &result, &failure),
               &failure);
    REQUIRE_OK(tarn_engine_result_next(result, &chunk, &failure), &failure);
    int64_t integer = 0;
    double real = 0;
    CHECK(tarn_engine_vector_int64(&chunk->columns[0], 0, &integer) && integer == INT64_MIN);
    CHECK(tarn_engine_vector_double(&chunk->columns[1], 0, &real) && real == 0.5);
    CHECK(tarn_base_text_is(tarn_engine_vector_text(&chunk->columns[2], 0), "it's"));
    TarnText blob = tarn_engine_vector_text(&chunk->columns[3], 0);
    CHECK(blob.size == 2 && memcmp(blob.data, "\0\xFF", 2) == 0);
    CHECK(tarn_engine_vector_int64(&chunk->columns[4], 0, &integer) && integer == 1);
    CHECK(tarn_engine_vector_int64(&chunk->columns[5], 0, &integer) && integer == 1);
    tarn_engine_result_free(result);

    CHECK(!tarn_engine_query(session, TARN_TEXT("SELECT $1"), params, 2, &result, &failure));
    CHECK_CODE(failure.code, TARN_E_SQL_BIND);
    params[0] = tarn_engine_param_text(TARN_TEXT("\xFF"));
    CHECK(!tarn_engine_query(session, TARN_TEXT("SELECT $1"), params, 1, &result, &failure));
    CHECK_CODE(failure.code, TARN_E_SQL_BIND);
}

static void rows_changed_are_counted(void) {
    int64_t changed = 0;
    REQUIRE(run("CREATE OR REPLACE TABLE counted (a INTEGER)"));
    CHECK_OK(tarn_engine_run(session, TARN_TEXT("INSERT INTO counted FROM range(10)"), &changed,
                             &failure),
             &failure);
    CHECK_INT(changed, 10);
    CHECK_OK(tarn_engine_run(session, TARN_TEXT("DELETE FROM counted WHERE a < 4;;"), &changed,
                             &failure),
             &failure);
    CHECK_INT(changed, 4);
    CHECK_OK(tarn_engine_run(session, TARN_TEXT("SELECT 1"), &changed, &failure), &failure);
    CHECK_INT(changed, -1);
    CHECK_OK(tarn_engine_run(session, TARN_TEXT(" -- nothing\n"), &changed, &failure), &failure);
}

static void scripts_run_to_their_end(void) {
    CHECK(run("CREATE OR REPLACE TABLE s (t VARCHAR);\n"
              "INSERT INTO s VALUES ('a;b'), ($$c;d$$), (E'e\\';f'); -- ; not here\n"
              "/* ; /* ; */ ; */ INSERT INTO s VALUES ('\"');"));
    CHECK_STRING(value("SELECT string_agg(t, '|' ORDER BY t) FROM s"), "\"|a;b|c;d|e';f");
    CHECK(!run("SELECT 1;\nSELECT 'ü',\n  nope;\nCREATE TABLE never (a INTEGER)"));
    CHECK_CODE(failure.code, TARN_E_SQL_BIND);
    CHECK_INT(failure.line, 3);
    CHECK_INT(failure.column, 3);
    CHECK(strstr(failure.detail, "3 |   nope") != NULL);
    CHECK_CODE(code_of("FROM never"), TARN_E_SQL_BIND);
}

static void dynamic_pivot_is_one_statement(void) {
    CHECK_STRING(value("PIVOT (SELECT 'x' AS k, 1 AS v UNION ALL SELECT 'y', 2) ON k USING sum(v)"),
                 "1");
    TarnEngineResult *result;
    CHECK(!tarn_engine_query(session, TARN_TEXT("SELECT 1; SELECT 2"), NULL, 0, &result,
                             &failure));
    CHECK_CODE(failure.code, TARN_E_SQL_UNSUPPORTED);
    CHECK_INT(failure.column, 11);
    CHECK(!tarn_engine_query(session, TARN_TEXT("-- only a comment"), NULL, 0, &result, &failure));
    CHECK_CODE(failure.code, TARN_E_SQL_SYNTAX);
}

/* ---- errors ------------------------------------------------------------------------------ */

typedef struct ErrorCase {
    const char *sql;
    TarnErrorCode code;
    uint32_t line;
    uint32_t column;
    const char *message; /* part of it, or NULL */
    const char *hint;    /* part of it, or NULL */
} ErrorCase;

static void errors_have_code_place_and_hint(void) {
    static const ErrorCase cases[] = {
        {"selec 1", TARN_E_SQL_SYNTAX, 1, 1, "syntax error at or near \"selec\"", NULL},
        {"SELECT 1 +", TARN_E_SQL_SYNTAX, 1, 11, "syntax error at end of input", NULL},
        {"SELECT\n  'ä' || nme\nFROM (SELECT 1 AS name)", TARN_E_SQL_BIND, 2, 10,
         "\"nme\" not found", "name"},
        {"SELECT * FROM nowhere", TARN_E_SQL_BIND, 1, 15, "nowhere does not exist", "did you mean"},
        {"SELECT 'ü', fooo(1)", TARN_E_SQL_BIND, 1, 13, "fooo does not exist", "did you mean"},
        {"SELECT 'a'::INTEGER", TARN_E_SQL_EXECUTION, 1, 11, "could not convert", NULL},
        {"SELECT CAST(i AS TINYINT) FROM range(100000) t(i)", TARN_E_SQL_EXECUTION, 1, 8, NULL,
         NULL},
        {"SELECT error('my own')", TARN_E_SQL_EXECUTION, 0, 0, "my own", NULL},
        {"SELECT * FROM read_csv('/nonexistent/x.csv')", TARN_E_SOURCE_NOT_FOUND, 1, 15, NULL,
         NULL},
        {"COPY (SELECT 1) TO '/nonexistent/dir/x.parquet'", TARN_E_IO, 0, 0, NULL, NULL},
        {"SELECT\xC2\xA0" "1, \xE2\x80\x83 nope", TARN_E_SQL_BIND, 1, 13, "nope", NULL},
        {"SELECT 1 \xFF", TARN_E_SQL_SYNTAX, 1, 10, "not UTF-8", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const ErrorCase *c = &cases[i];
        printf("# %s\n", c->sql);
        CHECK_CODE(code_of(c->sql), c->code);
        CHECK_INT(failure.line, c->line);
        CHECK_INT(failure.column, c->column);
        if (c->message != NULL && strstr(failure.message, c->message) == NULL) {
            CHECK_STRING(failure.message, c->message);
        }
        if (c->hint != NULL && strstr(failure.hint, c->hint) == NULL) {
            CHECK_STRING(failure.hint, c->hint);
        }
        if (c->line > 0) CHECK(strchr(failure.detail, '^') != NULL);
    }
    char sql[512];
    write_file(path_of("no.parquet"), "this is text, not Parquet");
    snprintf(sql, sizeof(sql), "FROM read_parquet('%s')", path_of("no.parquet"));
    CHECK_CODE(code_of(sql), TARN_E_SQL_EXECUTION);
    TarnText zero = {"SELECT 1\0, 2", 12};
    CHECK(!tarn_engine_run(session, zero, NULL, &failure));
    CHECK_CODE(failure.code, TARN_E_SQL_SYNTAX);
    CHECK_INT(failure.column, 9);
}

static void errors_keep_their_class_without_json(void) {
    TarnEngineSession *other;
    REQUIRE_OK(tarn_engine_session_open(engine, &other, &failure), &failure);
    CHECK(run_in(other, "SET errors_as_json = false"));
    CHECK_CODE(code_in(other, "SELECT nope"), TARN_E_SQL_BIND);
    CHECK(strstr(failure.message, "LINE") == NULL);
    CHECK_CODE(code_in(other, "SELECT 'x'::INTEGER"), TARN_E_SQL_EXECUTION);
    tarn_engine_session_close(other);
}

static void too_much_memory_is_an_error(void) {
    TarnEngineOptions options = {.memory_limit_bytes = 40 * TARN_MIB, .threads = 1};
    TarnEngine *small;
    TarnEngineSession *in;
    REQUIRE_OK(tarn_engine_open(&options, &small, &failure), &failure);
    REQUIRE_OK(tarn_engine_session_open(small, &in, &failure), &failure);
    CHECK_CODE(code_in(in, "CREATE TABLE big AS SELECT i, md5(i::VARCHAR) AS m "
                           "FROM range(2000000) t(i) ORDER BY m"),
               TARN_E_OUT_OF_MEMORY);
    CHECK(failure.hint[0] != '\0');
    CHECK_STRING(value_in(in, "SELECT 'still here'"), "still here");
    tarn_engine_session_close(in);
    tarn_engine_close(small);
}

static void full_spill_folder_is_a_full_disk(void) {
    TarnEngineOptions options = {.memory_limit_bytes = 30 * TARN_MIB,
                                 .threads = 1,
                                 .temp_directory = path_of("spill"),
                                 .temp_directory_bytes_max = 10 * TARN_MIB};
    TarnEngine *small;
    TarnEngineSession *in;
    REQUIRE_OK(tarn_engine_open(&options, &small, &failure), &failure);
    REQUIRE_OK(tarn_engine_session_open(small, &in, &failure), &failure);
    CHECK_CODE(code_in(in, "CREATE TABLE big AS SELECT i, md5(i::VARCHAR) AS m "
                           "FROM range(2000000) t(i) ORDER BY m"),
               TARN_E_DISK_FULL);
    tarn_engine_session_close(in);
    tarn_engine_close(small);
}

static void fatal_error_makes_the_engine_dead(void) {
    TarnEngine *other;
    TarnEngineSession *in, *late;
    REQUIRE_OK(tarn_engine_open(NULL, &other, &failure), &failure);
    REQUIRE_OK(tarn_engine_session_open(other, &in, &failure), &failure);
    CHECK(!tarn_engine_dead(other));
    CHECK(!tarn_engine__failure_set(in, "{\"exception_type\":\"FATAL\",\"exception_message\":"
                                        "\"Failed: broken\"}", TARN_TEXT(""), &failure));
    CHECK_CODE(failure.code, TARN_E_ENGINE);
    CHECK(failure.hint[0] != '\0');
    CHECK(tarn_engine_dead(other));
    CHECK_CODE(code_in(in, "SELECT 1"), TARN_E_ENGINE);
    CHECK(!tarn_engine_session_open(other, &late, &failure) && late == NULL);
    tarn_engine_session_close(in);
    tarn_engine_close(other);
    CHECK_STRING(value("SELECT 1"), "1");
}

/* ---- results ----------------------------------------------------------------------------- */

static void later_statement_ends_an_open_result(void) {
    TarnEngineResult *first;
    const TarnEngineChunk *chunk;
    REQUIRE_OK(tarn_engine_query(session, TARN_TEXT("FROM range(1000000)"), NULL, 0, &first,
                                 &failure),
               &failure);
    CHECK_OK(tarn_engine_result_next(first, &chunk, &failure), &failure);
    CHECK(chunk != NULL && chunk->rows > 0);
    CHECK_STRING(value("SELECT 42"), "42");
    CHECK(!tarn_engine_result_next(first, &chunk, &failure));
    CHECK(strstr(failure.message, "later statement") != NULL);
    CHECK_STRING(tarn_engine_result_column_name(first, 0), "range");
    tarn_engine_result_free(first);
}

static void error_in_the_middle_of_a_result(void) {
    TarnEngineResult *result;
    const TarnEngineChunk *chunk;
    TarnText sql = TARN_TEXT("SELECT CASE WHEN i = 3000000 THEN error('late') ELSE i END "
                             "FROM range(4000000) t(i)");
    REQUIRE_OK(tarn_engine_query(session, sql, NULL, 0, &result, &failure), &failure);
    uint64_t rows = 0;
    bool good;
    while ((good = tarn_engine_result_next(result, &chunk, &failure)) && chunk != NULL) {
        rows += chunk->rows;
    }
    CHECK(!good && rows > 0);
    CHECK_CODE(failure.code, TARN_E_SQL_EXECUTION);
    CHECK(strstr(failure.message, "late") != NULL);
    tarn_engine_result_free(result);
    CHECK_STRING(value("SELECT 1"), "1");
}

/* DuckDB stops the other threads of a failed statement by interrupting them; that is not what the
 * user is to hear. */
static void error_of_one_thread_is_told_by_all(void) {
    for (int i = 0; i < 40; i++) {
        if (code_of("SELECT CASE WHEN range = 500000 THEN error('late') ELSE range END "
                    "FROM range(800000)") == TARN_E_SQL_EXECUTION &&
            strcmp(failure.message, "late") == 0) {
            continue;
        }
        CHECK_STRING(failure.message, "late");
        return;
    }
}

static void large_result_streams_in_little_memory(void) {
    TarnEngineResult *result;
    const TarnEngineChunk *chunk;
    TarnText sql = TARN_TEXT("SELECT i, md5(i::VARCHAR) || sha256(i::VARCHAR) AS t "
                             "FROM range(1200000) x(i)");
    (void)value("SELECT count(md5(i::VARCHAR)) FROM range(10000) t(i)"); /* warm up */
    int64_t before = resident_kib("VmRSS:");
    uint64_t rows = 0, bytes = 0;
    int64_t peak = before;
    REQUIRE_OK(tarn_engine_query(session, sql, NULL, 0, &result, &failure), &failure);
    for (unsigned turn = 0;; turn++) {
        REQUIRE_OK(tarn_engine_result_next(result, &chunk, &failure), &failure);
        if (chunk == NULL) break;
        rows += chunk->rows;
        for (uint64_t row = 0; row < chunk->rows; row++) {
            bytes += 8 + tarn_engine_vector_text(&chunk->columns[1], row).size;
        }
        int64_t now = turn % 50 == 0 ? resident_kib("VmRSS:") : 0;
        if (now > peak) peak = now;
    }
    tarn_engine_result_free(result);
    CHECK_INT(rows, 1200000);
    CHECK(bytes > 100000000);
    printf("# %" PRIu64 " MB streamed, memory grew by %" PRId64 " KiB\n", bytes / 1000000,
           peak - before);
    CHECK(sanitized() || peak - before < 24 * 1024);
}

/* ---- who stops a statement --------------------------------------------------------------- */

#define ENDLESS "SELECT sum(sqrt(a.i * b.i)) FROM range(1000000) a(i), range(10000000) b(i)"
/* Its first row comes at once, its second never. */
#define RARE "SELECT i FROM range(10000000000000) t(i) WHERE i % 9999999999999 = 0"

typedef struct Interrupter {
    int after_ms;
    int64_t at_ms;
    int signal;
} Interrupter;

static void *interrupt_later(void *state) {
    Interrupter *interrupter = state;
    usleep((useconds_t)interrupter->after_ms * 1000);
    interrupter->at_ms = now_ms();
    if (interrupter->signal != 0) {
        kill(getpid(), interrupter->signal);
    } else {
        tarn_engine_session_interrupt(session);
    }
    return NULL;
}

static void check_latency(int64_t since_ms) {
    int64_t latency = now_ms() - since_ms;
    printf("# stopped after %" PRId64 " ms\n", latency);
    CHECK(latency < (sanitized() ? 1000 : 100));
}

static void check_stops(const char *sql, int signal_number) {
    Interrupter interrupter = {.after_ms = 250, .signal = signal_number};
    pthread_t thread;
    pthread_create(&thread, NULL, interrupt_later, &interrupter);
    CHECK_CODE(code_of(sql), TARN_E_INTERRUPTED);
    pthread_join(thread, NULL);
    check_latency(interrupter.at_ms);
}

static void interrupt_stops_a_computation(void) {
    tarn_engine_session_interrupt(session); /* nothing runs: nothing happens */
    CHECK_STRING(value("SELECT 1"), "1");
    check_stops(ENDLESS, 0);
    CHECK_STRING(value("SELECT 2"), "2");
}

static void interrupt_stops_between_two_rows(void) {
    check_stops(RARE, 0);
    check_stops("SELECT count(*) FROM (SELECT i FROM range(100000000) t(i) ORDER BY hash(i))", 0);
    CHECK_STRING(value("SELECT 3"), "3");
}

static void ctrl_c_stops_a_statement(void) {
    REQUIRE_OK(tarn_os_signals_install(&failure), &failure);
    check_stops(ENDLESS, SIGINT);
    tarn_os_interrupt_clear(); /* a second signal would end the process */
    check_stops(RARE, SIGINT);
    tarn_os_interrupt_clear();
    CHECK_STRING(value("SELECT 4"), "4");
}

static bool asks_to_stop(void *state) {
    int64_t *at_ms = state;
    if (now_ms() < *at_ms) return false;
    return true;
}

static void watch_may_stop_and_time_out(void) {
    TarnEngineWatch none = {0};
    int64_t at_ms = now_ms() + 200;
    TarnEngineWatch watch = {.interrupted = asks_to_stop, .state = &at_ms};
    tarn_engine_session_watch(session, &watch);
    CHECK_CODE(code_of(ENDLESS), TARN_E_INTERRUPTED);
    check_latency(at_ms);
    watch = (TarnEngineWatch){.timeout_ms = 200};
    tarn_engine_session_watch(session, &watch);
    int64_t start_ms = now_ms();
    CHECK_CODE(code_of(ENDLESS), TARN_E_TIMEOUT);
    check_latency(start_ms + 200);
    CHECK_STRING(value("SELECT 5"), "5");
    tarn_engine_session_watch(session, &none);
}

typedef struct ProgressSeen {
    int calls;
    double last;
    bool backwards;
    uint64_t total;
} ProgressSeen;

static void see_progress(void *state, double percent, uint64_t done, uint64_t total) {
    ProgressSeen *seen = state;
    (void)done;
    seen->calls++;
    if (percent < seen->last) seen->backwards = true;
    if (percent >= 0) seen->last = percent;
    seen->total = total;
}

static void progress_is_told(void) {
    ProgressSeen seen = {.last = -1};
    TarnEngineWatch watch = {.progress = see_progress, .state = &seen}, none = {0};
    REQUIRE(run("CREATE OR REPLACE TABLE p AS SELECT i, hash(i) AS h FROM range(3000000) t(i)"));
    tarn_engine_session_watch(session, &watch);
    CHECK(run("SELECT count(DISTINCT sha256(h::VARCHAR)) FROM p"));
    tarn_engine_session_watch(session, &none);
    printf("# %d calls, last %.1f %%, %" PRIu64 " rows\n", seen.calls, seen.last, seen.total);
    CHECK(seen.calls >= 1 && seen.last > 0 && seen.last <= 100 && !seen.backwards);
    CHECK(run("DROP TABLE p"));
    int calls = seen.calls;
    CHECK_STRING(value("SELECT 6"), "6");
    CHECK_INT(seen.calls, calls);
}

/* ---- the lock ---------------------------------------------------------------------------- */

static void check_refused(TarnEngineSession *in, const char *format, const char *path) {
    char sql[1024];
    snprintf(sql, sizeof(sql), format, path);
    TarnErrorCode code = code_in(in, sql);
    if (code == TARN_E_STATEMENT_REFUSED) return;
    printf("# %s: %s (%s)\n", sql, tarn_base_error_name(code), failure.message);
    tap_fail(__FILE__, __LINE__, "was not refused");
}

static const char *const refused_with_path[] = {
    "SELECT * FROM read_csv('%s')",
    "SELECT * FROM '%s'",
    "SELECT * FROM read_text('%s')",
    "SELECT * FROM read_blob('%s')",
    "SELECT * FROM glob('%s*')",
    "SELECT * FROM read_json('%s')",
    "SELECT * FROM read_parquet('%s')",
    "SELECT * FROM sniff_csv('%s')",
    "SELECT * FROM parquet_metadata('%s')",
    "ATTACH '%s' AS other",
    "COPY (SELECT 1) TO '%s.out'",
    "COPY allowed FROM '%s'",
    "EXPORT DATABASE '%s.dir'",
    "LOAD '%s'",
    "SET allowed_directories = ['%s']",
    "SET temp_directory = '%s'",
    "CREATE TABLE t2 AS FROM '%s'",
};

static const char *const refused_settings[] = {
    "SET enable_external_access = true",
    "SET GLOBAL enable_external_access = true",
    "RESET enable_external_access",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "SET memory_limit = '100GB'",
    "SET threads = 64",
    "SET allowed_configs = ['threads']",
    "PRAGMA memory_limit = '100GB'",
    "SET TimeZone = 'Europe/Berlin'",
    "SET errors_as_json = false",
    "SET log_query_path = 'x'",
    "SET file_search_path = 'x'",
    "INSTALL spatial",
    "LOAD spatial",
};

static void check_locked(TarnEngineSession *in, const char *inside, const char *outside) {
    char sql[1024];
    for (size_t i = 0; i < sizeof(refused_with_path) / sizeof(refused_with_path[0]); i++) {
        check_refused(in, refused_with_path[i], outside);
    }
    for (size_t i = 0; i < sizeof(refused_settings) / sizeof(refused_settings[0]); i++) {
        check_refused(in, "%s", refused_settings[i]);
    }
    snprintf(sql, sizeof(sql), "SELECT sum(a) FROM '%s/in.csv'", inside);
    CHECK_STRING(value_in(in, sql), "3");
    CHECK_STRING(value_in(in, "SELECT a FROM seen"), "1");
    snprintf(sql, sizeof(sql), "COPY (SELECT 7 AS a) TO '%s/out.parquet'", inside);
    CHECK(run_in(in, sql));
    snprintf(sql, sizeof(sql), "%s/../outside/secret.csv", inside);
    check_refused(in, "SELECT * FROM '%s'", sql);
    snprintf(sql, sizeof(sql), "%s/link.csv", inside); /* a symbolic link to the secret */
    check_refused(in, "SELECT * FROM '%s'", sql);
    snprintf(sql, sizeof(sql), "%s/linked/secret.csv", inside);
    check_refused(in, "SELECT * FROM '%s'", sql);
    snprintf(sql, sizeof(sql), "%s2/secret.csv", inside); /* the name goes on behind the folder */
    check_refused(in, "SELECT * FROM '%s'", sql);
}

static void lock_refuses_everything_else(void) {
    TarnEngine *locked;
    TarnEngineSession *in, *later;
    char inside[256], outside[256], secret[512], sql[1024];
    snprintf(inside, sizeof(inside), "%s/inside", folder);
    snprintf(outside, sizeof(outside), "%s/outside", folder);
    REQUIRE(mkdir(inside, 0700) == 0 && mkdir(outside, 0700) == 0);
    snprintf(secret, sizeof(secret), "%s2", inside);
    REQUIRE(mkdir(secret, 0700) == 0);
    snprintf(sql, sizeof(sql), "%s/secret.csv", secret);
    write_file(sql, "a\n1\n");
    snprintf(secret, sizeof(secret), "%s/secret.csv", outside);
    write_file(secret, "a\n1\n");
    snprintf(sql, sizeof(sql), "%s/in.csv", inside);
    write_file(sql, "a\n1\n2\n");
    REQUIRE(symlink(secret, path_of("inside/link.csv")) == 0);
    REQUIRE(symlink(outside, path_of("inside/linked")) == 0);

    TarnEngineOptions options = {.memory_limit_bytes = 100 * TARN_MIB,
                                 .threads = 1,
                                 .temp_directory = path_of("locked_spill")};
    REQUIRE_OK(tarn_engine_open(&options, &locked, &failure), &failure);
    REQUIRE_OK(tarn_engine_session_open(locked, &in, &failure), &failure);
    snprintf(sql, sizeof(sql), "CREATE VIEW seen AS FROM '%s/in.csv' LIMIT 1; "
                               "CREATE TABLE allowed (a INTEGER)", inside);
    REQUIRE(run_in(in, sql));
    const char *directories[] = {inside};
    REQUIRE_OK(tarn_engine_lock(locked, directories, 1, &failure), &failure);
    check_locked(in, inside, secret);
    REQUIRE_OK(tarn_engine_session_open(locked, &later, &failure), &failure);
    check_locked(later, inside, secret);

    /* What a locked engine must still do: spill, tell progress, be locked only once. */
    ProgressSeen seen = {.last = -1};
    TarnEngineWatch watch = {.progress = see_progress, .state = &seen};
    tarn_engine_session_watch(later, &watch);
    CHECK_OK(tarn_engine_run(later, TARN_TEXT("CREATE TABLE spilled AS SELECT i, md5(i::VARCHAR) "
                                              "m FROM range(2000000) t(i) ORDER BY m"),
                             NULL, &failure),
             &failure);
    CHECK(access(path_of("locked_spill"), F_OK) == 0); /* it did spill */
    CHECK(run_in(later, "SELECT count(DISTINCT sha256(m)) FROM spilled"));
    CHECK(seen.calls > 0 && seen.last > 0);
    CHECK(!tarn_engine_lock(locked, directories, 1, &failure));
    CHECK_CODE(failure.code, TARN_E_STATEMENT_REFUSED);
    tarn_engine_session_close(later);
    tarn_engine_session_close(in);
    tarn_engine_close(locked);
}

static void lock_without_folders_allows_no_file(void) {
    TarnEngine *locked;
    TarnEngineSession *in;
    REQUIRE_OK(tarn_engine_open(NULL, &locked, &failure), &failure);
    REQUIRE_OK(tarn_engine_session_open(locked, &in, &failure), &failure);
    REQUIRE_OK(tarn_engine_lock(locked, NULL, 0, &failure), &failure);
    check_refused(in, "SELECT * FROM '%s'", path_of("inside/in.csv"));
    CHECK_STRING(value_in(in, "SELECT sum(i) FROM range(10) t(i)"), "45");
    tarn_engine_session_close(in);
    tarn_engine_close(locked);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(missing_library_is_told_with_its_place);
    if (!start_engine(NULL)) return 0;
    TAP_TEST(library_is_the_pinned_version);
    TAP_TEST(settings_are_the_engines_own);
    TAP_TEST(parameters_reach_the_statement);
    TAP_TEST(rows_changed_are_counted);
    TAP_TEST(scripts_run_to_their_end);
    TAP_TEST(dynamic_pivot_is_one_statement);
    TAP_TEST(errors_have_code_place_and_hint);
    TAP_TEST(errors_keep_their_class_without_json);
    TAP_TEST(too_much_memory_is_an_error);
    TAP_TEST(full_spill_folder_is_a_full_disk);
    TAP_TEST(fatal_error_makes_the_engine_dead);
    TAP_TEST(later_statement_ends_an_open_result);
    TAP_TEST(error_in_the_middle_of_a_result);
    TAP_TEST(error_of_one_thread_is_told_by_all);
    TAP_TEST(large_result_streams_in_little_memory);
    TAP_TEST(interrupt_stops_a_computation);
    TAP_TEST(interrupt_stops_between_two_rows);
    TAP_TEST(ctrl_c_stops_a_statement);
    TAP_TEST(watch_may_stop_and_time_out);
    TAP_TEST(progress_is_told);
    TAP_TEST(lock_refuses_everything_else);
    TAP_TEST(lock_without_folders_allows_no_file);
    return end_engine();
}
