/* Statements, loads and builds with the engine, again and again, each time with another call of
 * tarn's failing: of TarnOs, of SQLite's VFS, of the allocator. The engine's own are not failed.
 *
 *   test_torture_engine [NAME]
 *   TARN_TORTURE=N          at most N runs for each scenario and way, evenly spread; 0 = all
 *
 * One lake in a scratch folder lives through all runs. A scenario's probe is a query whose answer
 * is a number: after a failure it is what it was before, unless the outcome was not known; then
 * the same is done without a fault, and the number is one step further. In the end the lake is
 * opened again: it says the same, and no file of a failed run is left in a table's folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "base/log.h"
#include "fault_alloc.h"
#include "fault_os.h"
#include "fault_vfs.h"
#include "flow/build.h"
#include "flow/load.h"
#include "scratch.h"
#include "tap.h"

typedef enum Way { WAY_ONCE, WAY_MEMORY, WAY_NO_MEMORY, WAY_COUNT } Way;
static const char *const way_names[] = {"call fails", "allocation fails", "memory runs out"};

static atomic_bool armed;
static atomic_long calls;
static atomic_bool fired;
static long fail_at;
static const char *_Atomic failed_call;

/* Called by the engine's threads, too. */
static FaultVerdict decide(void *state, const char *name) {
    (void)state;
    if (!atomic_load(&armed)) return FAULT_PASS;
    if (atomic_fetch_add(&calls, 1) + 1 != fail_at) return FAULT_PASS;
    atomic_store(&fired, true);
    atomic_store(&failed_call, name);
    return FAULT_REFUSE;
}

static void arm(Way way, long n) {
    fail_at = n;
    atomic_store(&calls, 0);
    atomic_store(&fired, false);
    atomic_store(&failed_call, "");
    if (way == WAY_ONCE) {
        atomic_store(&armed, true);
    } else {
        fault_alloc_arm(n, way == WAY_NO_MEMORY);
    }
}

static void disarm(Way way) {
    atomic_store(&armed, false);
    fault_alloc_disarm();
    if (way == WAY_ONCE) return;
    atomic_store(&fired, fault_alloc_fired());
    atomic_store(&calls, fault_alloc_calls());
}

/* ---- the lake ---------------------------------------------------------------------------- */

static struct {
    Scratch scratch;
    FaultOs os;
    TarnArena arena;
    TarnLakeConfig *config;
    TarnDb *db;
    TarnCatalog *catalog;
    TarnQuery *query;
    int64_t opened; /* how often */
    int turn; /* of the scenario's runs: for names and numbers that differ */
} lake;
static TarnError error;

static const char lake_yaml[] =
    "version: 1\nname: t\nsync: full\nzones:\n  raw: {}\n  sandbox: {}\n";

static void write_file(const char *name, const char *content) {
    scratch_write(scratch_at(&lake.scratch, name), content);
}

/* Each time the lake is opened by another process, as far as the sweep can tell. */
static int64_t process_started(const TarnOs *os, int64_t process_id) {
    const TarnOs *posix = tarn_os_posix();
    (void)os;
    return posix->process_started(posix, process_id) + lake.opened;
}

static bool open_lake(void) {
    static const TarnDbMigration migrations[] = {{1, "catalog", tarn_catalog_schema_sql},
                                                 {2, "flow", tarn_flow_schema_sql},
                                                 {3, "govern", tarn_govern_schema_sql},
                                                 {4, "branches", tarn_flow_branch_schema_sql}};
    static char url[PATH_MAX + 64];
    static char temporary[PATH_MAX + 64];
    const TarnOs *os = &lake.os.os;
    lake.opened++;
    TarnDbOptions db_options = {.how = TARN_DB_CREATE};
    tarn_base_arena_init(&lake.arena, TARN_GIB);
    snprintf(url, sizeof(url), "sqlite:%s/.tarn/catalog.db", lake.scratch.path);
    if (!tarn_flow_lake_config_read(os, lake.scratch.path, &lake.arena, &lake.config, &error) ||
        !tarn_db_open(os, url, &db_options, &lake.db, &error) ||
        !tarn_db_migrate(lake.db, migrations, 4, &error)) {
        return false;
    }
    TarnCatalogOptions options = {.os = os,
                                  .db = lake.db,
                                  .warehouse = lake.config->warehouse,
                                  .sync = TARN_STORE_SYNC_FULL,
                                  .zones = lake.config->zones,
                                  .zone_count = lake.config->zone_count};
    if (!tarn_catalog_open(&options, &lake.catalog, &error)) return false;
    snprintf(temporary, sizeof(temporary), "%s/tmp", lake.scratch.path);
    TarnQueryOptions query = {
        .catalog = lake.catalog,
        .engine = {.threads = 1, .temp_directory = temporary},
        .local_files = true};
    return tarn_query_open(&query, &lake.query, &error);
}

static void close_lake(void) {
    tarn_query_close(lake.query);
    tarn_catalog_close(lake.catalog);
    if (lake.db != NULL) tarn_db_close(lake.db);
    tarn_base_arena_dispose(&lake.arena);
    lake.query = NULL;
    lake.catalog = NULL;
    lake.db = NULL;
}

/* Runs a statement and reads all it gives; *value = its first number, if it gives one. */
static bool run_sql(const char *sql, long *value) {
    TarnStatement *statement = NULL;
    const TarnEngineChunk *chunk = NULL;
    if (!tarn_query_run(lake.query, tarn_base_text(sql), NULL, &statement, &error)) return false;
    bool ok = true;
    bool first = true;
    while (statement->rows != NULL &&
           (ok = tarn_engine_result_next(statement->rows, &chunk, &error)) && chunk != NULL) {
        TarnBuffer text;
        tarn_base_buffer_init(&text, TARN_MIB);
        if (first && value != NULL && chunk->rows > 0 &&
            tarn_engine_value_text(&chunk->columns[0], 0, &text)) {
            *value = strtol(text.data != NULL ? text.data : "-1", NULL, 10);
        }
        first = false;
        ok = tarn_base_buffer_check(&text, &error);
        tarn_base_buffer_dispose(&text);
        if (!ok) break;
    }
    tarn_query_statement_free(statement);
    return ok;
}

/* ---- data files below a table's folder ---- */

static char counted_folder[PATH_MAX + 256];
static long counted;

static int count_one(const char *path, const struct stat *stat, int kind, struct FTW *walk) {
    (void)stat;
    (void)walk;
    size_t size = strlen(path);
    bool inside = strncmp(path, counted_folder, strlen(counted_folder)) == 0;
    counted += kind == FTW_F && inside && size > 8 && strcmp(path + size - 8, ".parquet") == 0;
    return 0;
}

/* `table` is "zone.name"; its folder is the name with some digits behind. */
static long count_data_files(const char *table) {
    const char *dot = strchr(table, '.');
    snprintf(counted_folder, sizeof(counted_folder), "%s/.tarn/warehouse/%.*s/%s-",
             lake.scratch.path, (int)(dot - table), table, dot + 1);
    counted = 0;
    nftw(lake.scratch.path, count_one, 16, FTW_PHYS);
    return counted;
}

static const char *text_of(const char *format, int number) {
    static char text[512];
    snprintf(text, sizeof(text), format, number, number);
    return text;
}

/* ---- the scenarios ----------------------------------------------------------------------- */

static bool insert_rows(void) {
    return run_sql(text_of("insert into sandbox.t values (%d, 'x')", lake.turn), NULL);
}
static bool insert_returning(void) {
    long shown = -1;
    bool ok = run_sql(text_of("insert into sandbox.r values (%d) returning n", lake.turn), &shown);
    if (ok) CHECK_INT(shown, lake.turn);
    return ok;
}
static bool insert_partitioned(void) {
    return run_sql(text_of("insert into sandbox.p select %d, i %% 3 from range(6) r(i)",
                           lake.turn), NULL);
}
static bool create_as(void) {
    return run_sql(text_of("create table sandbox.made%d as select * from sandbox.t", lake.turn),
                   NULL);
}
static bool create_table(void) {
    return run_sql(text_of("create table sandbox.empty%d (a int, b text)", lake.turn),
                   NULL);
}
static bool add_column(void) {
    return run_sql(text_of("alter table sandbox.wide add column c%d int", lake.turn), NULL);
}
/* Made, filled, and another one dropped, in one commit. */
static bool define_together(void) {
    bool ok = run_sql("begin", NULL) &&
              run_sql(text_of("create table sandbox.pair%d (a int)", lake.turn), NULL) &&
              run_sql(text_of("insert into sandbox.pair%d values (1)", lake.turn), NULL) &&
              run_sql(text_of("alter table sandbox.wide add column d%d int", lake.turn), NULL) &&
              run_sql(text_of("insert into sandbox.pairs values (%d)", lake.turn), NULL) &&
              run_sql("drop table if exists sandbox.none", NULL) && run_sql("commit", NULL);
    if (ok || !tarn_query_in_transaction(lake.query)) return ok;
    TarnError why = error;
    atomic_store(&armed, false);
    fault_alloc_disarm();
    CHECK_OK(run_sql("rollback", NULL), &error);
    error = why;
    return false;
}
static bool put_view(void) {
    return run_sql(text_of("create view sandbox.v%d as select n from sandbox.t", lake.turn), NULL);
}
static bool read_rows(void) {
    return run_sql("select sum(n) from sandbox.p where b = 1", NULL) &&
           run_sql("select count(*) from sandbox.\"t$files\"", NULL);
}

/* One insert, update and delete; a number that is not theirs would be an answer that is wrong. */
static const char *const changed[] = {
    "create table sandbox.c (n int, s text) with ('format-version' = 3)",
    "insert into sandbox.c select i, 'x' from range(5) r(i)",
    "update sandbox.c set s = 'y' where n < 2", "delete from sandbox.c where n = 4"};

static bool read_changes(void) {
    long changes = -1;
    long ids = -1;
    bool ok = run_sql("select count(*) from sandbox.\"c$changes\" where s >= 'x'", &changes) &&
              run_sql("select count(_row_id) from sandbox.c", &ids);
    if (ok) CHECK_INT(changes, 5 + 2 * 2 + 1);
    if (ok) CHECK_INT(ids, 4);
    return ok;
}

static bool load_path(const char *path, const char *table) {
    TarnLoadResult result;
    TarnArena arena;
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    TarnLoadOptions options = {.os = &lake.os.os,
                               .catalog = lake.catalog,
                               .paths = &path,
                               .path_count = 1,
                               .table = {"raw", table},
                               .again = true,
                               .on_error = TARN_ON_ERROR_QUARANTINE,
                               .max_error_rate = 1,
                               .scratch = lake.scratch.path,
                               .threads = 1};
    bool ok = tarn_flow_load(&options, &arena, &result, &error);
    tarn_base_arena_dispose(&arena);
    return ok;
}

static bool load(const char *name, const char *table, const char *content) {
    write_file(name, content);
    return load_path(scratch_at(&lake.scratch, name), table);
}

static bool load_avro(void) { return load_path(TARN_TEST_CORPUS "/avro/small_deflate", "avro"); }

static bool read_settings(void) {
    TarnLakeConfig *config = NULL;
    TarnArena arena;
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    bool ok = tarn_flow_lake_config_read(&lake.os.os, lake.scratch.path, &arena, &config, &error);
    tarn_base_arena_dispose(&arena);
    return ok;
}

static bool load_csv(void) {
    return load("load.csv", "csv", text_of("id,day\n%d,2026-01-02\n%d,no day\n", lake.turn));
}
static bool load_json(void) {
    return load("load.ndjson", "json",
                text_of("{\"id\":%d,\"in\":{\"a\":[1,2]}}\n{\"id\":%d,\n", lake.turn));
}

static bool copy_in(void) {
    char sql[PATH_MAX + 64];
    write_file("copy.csv", text_of("n,s\n%d,x\n", lake.turn));
    snprintf(sql, sizeof(sql), "copy sandbox.copied from '%s'",
             scratch_at(&lake.scratch, "copy.csv"));
    return run_sql(sql, NULL);
}
/* What is there afterwards is the old file or the new one; nothing else is. */
static bool copy_out(void) {
    char sql[PATH_MAX + 64];
    snprintf(sql, sizeof(sql), "copy (select %d as i from range(3)) to '%s'", lake.turn,
             scratch_at(&lake.scratch, "out.csv"));
    bool ok = run_sql(sql, NULL);
    char text[1000] = "i\n0\n0\n0\n";
    int file = open(scratch_at(&lake.scratch, "out.csv"), O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        ssize_t got = read(file, text, sizeof(text) - 1);
        CHECK(got >= 0);
        text[got > 0 ? got : 0] = '\0';
        close(file);
    }
    int of = 0;
    int rows = 0;
    CHECK(sscanf(text, "i\n%d\n", &of) == 1);
    for (size_t i = 0; text[i] != '\0'; i++) rows += text[i] == '\n';
    CHECK(rows == 4);
    CHECK(!ok || of == lake.turn);
    return ok;
}

typedef struct Scenario {
    const char *name;
    bool (*run)(void);
    const char *probe; /* a number that goes up with each run; NULL = nothing changes */
    const char *table; /* whose files are judged in the end; NULL = none */
} Scenario;

static const Scenario scenarios[] = {
    {"select", read_rows, NULL, NULL},
    {"select changes", read_changes, NULL, NULL},
    {"insert", insert_rows, "select count(*) from sandbox.t", "sandbox.t"},
    {"insert returning", insert_returning, "select count(*) from sandbox.r", "sandbox.r"},
    {"insert into partitions", insert_partitioned, "select count(distinct n) from sandbox.p",
     "sandbox.p"},
    {"create table", create_table, NULL, NULL},
    {"create table as", create_as, NULL, NULL},
    {"add a column", add_column, NULL, NULL},
    {"define in a transaction", define_together, "select count(*) from sandbox.pairs",
     "sandbox.pairs"},
    {"create a view", put_view, NULL, NULL},
    {"load csv", load_csv, "select count(distinct id) from raw.csv", "raw.csv"},
    {"load avro", load_avro, "select count(distinct _ingest_batch) from raw.avro", "raw.avro"},
    {"copy from csv", copy_in, "select count(*) from sandbox.copied", "sandbox.copied"},
    {"copy to csv", copy_out, NULL, NULL},
    {"read tarn.yaml", read_settings, NULL, NULL},
    {"load json", load_json, "select count(distinct id) from raw.json", "raw.json"},
};

/* ---- runs -------------------------------------------------------------------------------- */

static const Scenario *current;
static long runs_max;
static long runs;
static long other_codes; /* out of memory that the engine told as something else */

static long probe(void) {
    long value = -1;
    TarnError kept = error;
    if (current->probe == NULL) return 0;
    if (!run_sql(current->probe, &value)) {
        tap_fail(__FILE__, __LINE__, error.message);
        value = -1;
    }
    error = kept;
    return value;
}

static void run_faulty(Way way, long n) {
    int failures = tap_current_failures;
    long before = probe();
    lake.turn++;
    tarn_base_error_clear(&error);
    arm(way, n);
    bool done = current->run();
    disarm(way);
    runs++;
    bool unknown = !done && error.outcome_unknown;
    TarnError why = error;
    if (!done) {
        CHECK(why.code != TARN_OK && why.message[0] != '\0');
        CHECK(why.code != TARN_E_INTERNAL);
        other_codes += way != WAY_ONCE && why.code != TARN_E_OUT_OF_MEMORY;
    }
    long after = probe();
    long wanted = before + (current->probe != NULL);
    if (done) CHECK_INT(after, wanted);
    if (!done && !unknown) CHECK_INT(after, before);
    if (unknown) CHECK(after == before || after == wanted);
    if (!done && after == before) {
        CHECK_OK(current->run(), &error); /* the same goes through */
        CHECK_INT(probe(), wanted);
    }
    if (tap_current_failures > failures) {
        printf("# %s: %s at %ld (%s): %s %s\n", current->name, way_names[way], n,
               atomic_load(&failed_call), done ? "done" : tarn_base_error_name(why.code),
               done ? "" : why.message);
    }
}

static void torture_one(void) {
    long before = runs;
    long counts[WAY_COUNT] = {0};
    lake.turn++;
    CHECK_OK(current->run(), &error); /* what is loaded and made once is not counted */
    for (int way = 0; way < WAY_COUNT; way++) {
        lake.turn++;
        arm((Way)way, 0);
        CHECK_OK(current->run(), &error);
        disarm((Way)way);
        long last = counts[way] = atomic_load(&calls);
        long step = runs_max > 0 && last > runs_max ? (last + runs_max - 1) / runs_max : 1;
        int failures = tap_current_failures;
        for (long n = 1 + way % step; n <= last; n += step) {
            if (tap_current_failures < failures + 10) run_faulty((Way)way, n);
        }
    }
    printf("# %ld calls, %ld allocations, %ld runs\n", counts[WAY_ONCE], counts[WAY_MEMORY],
           runs - before);
}

/* Data files on disk and in the table: as many, so no failed run has left one. */
static void files_are_all_referred_to(void) {
    close_lake();
    REQUIRE_OK(open_lake(), &error);
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        char sql[256];
        long referred = -1;
        const char *table = scenarios[i].table;
        if (table == NULL) continue;
        const char *dot = strchr(table, '.');
        snprintf(sql, sizeof(sql), "select count(*) from %.*s.\"%s$files\"", (int)(dot - table),
                 table, dot + 1);
        CHECK_OK(run_sql(sql, &referred), &error);
        CHECK_INT(count_data_files(table), referred);
    }
}

static void discard_line(void *state, TarnLogLevel level, const char *line) {
    (void)state;
    (void)level;
    (void)line;
}

static bool begin(void) {
    scratch_make(&lake.scratch);
    write_file("tarn.yaml", lake_yaml);
    mkdir(scratch_at(&lake.scratch, ".tarn"), 0700);
    mkdir(scratch_at(&lake.scratch, ".tarn/warehouse"), 0700);
    fault_os_init(&lake.os, tarn_os_posix(), 0, FAULT_OS_BEFORE, EIO);
    lake.os.hook = decide;
    lake.os.os.process_started = process_started;
    fault_vfs_register();
    fault_vfs_use(decide, NULL);
    if (!open_lake()) return false;
    for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
        if (!run_sql(changed[i], NULL)) return false;
    }
    return run_sql("create table sandbox.t (n int, s text)", NULL) &&
           run_sql("create table sandbox.wide (n int)", NULL) &&
           run_sql("create table sandbox.r (n int)", NULL) &&
           run_sql("create table sandbox.pairs (n int)", NULL) &&
           run_sql("create table sandbox.copied (n int, s text)", NULL) &&
           run_sql("create table sandbox.p (n int, b int) partitioned by (b)", NULL);
}

int main(int argc, char **argv) {
    const char *limit = getenv("TARN_TORTURE");
    TAP_START(argc, argv);
    tarn_base_log_sink(discard_line, NULL);
    runs_max = limit != NULL ? strtol(limit, NULL, 10) : TORTURE_RUNS;
    if (!begin()) {
        printf("Bail out! %s\n", error.message);
        return 1;
    }
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        current = &scenarios[i];
        tap_run(current->name, torture_one);
    }
    TAP_TEST(files_are_all_referred_to);
    printf("# %ld runs, %ld times out of memory had another name\n", runs, other_codes);
    close_lake();
    scratch_remove(&lake.scratch);
    return tap_end();
}
