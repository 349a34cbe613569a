/* flow/build: models into tables, again and again, with gates, from the files to the rows. */
#include "lake_test.h"

static int parquet_files;

static int count_parquet(const char *path, const struct stat *stat, int kind, struct FTW *walk) {
    (void)stat;
    (void)walk;
    size_t size = strlen(path);
    parquet_files += kind == FTW_F && size > 8 && strcmp(path + size - 8, ".parquet") == 0;
    return 0;
}

/* Data files on disk below a folder of the lake: those of failed attempts must not stay. */
static int files_below(const char *folder) {
    parquet_files = 0;
    nftw(scratch_at(&lake.scratch, folder), count_parquet, 16, FTW_PHYS);
    return parquet_files;
}

static void a_table_is_built_once_and_then_only_when_something_changed(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table raw.trips (id bigint, carrier varchar, delay double)",
        "created table raw.trips");
    SQL("insert into raw.trips values (1, 'AA', 5), (2, 'BB', NULL), (3, 'AA', -1)",
        "inserted 3 rows into raw.trips");
    lake_file("pipelines/cleansed/trips.sql",
              "select id, carrier, coalesce(delay, 0) as delay from {{ source('trips', 'trips') }}"
              " -- all of them\n;\n");
    lake_file("pipelines/sandbox/by_carrier.sql",
              "select carrier, count(*) as n, sum(delay) as total from {{ ref('trips') }}\n"
              "group by carrier");
    BUILD(NULL, "cleansed.trips success; sandbox.by_carrier success");
    SQL("select * from sandbox.by_carrier order by 1", "AA|2|4.0;BB|1|0.0");
    CHECK_STRING(lake_model("cleansed.trips")->why, "new");
    CHECK_INT(lake_model("cleansed.trips")->rows, 3);
    CHECK(lake_model("cleansed.trips")->snapshot_id != TARN_ABSENT);
    BUILD(NULL, "cleansed.trips unchanged; sandbox.by_carrier unchanged");
    SQL("select count(*) from cleansed.\"trips$snapshots\"", "1");
    SQL("insert into raw.trips values (4, 'CC', 1)", "inserted 1 row into raw.trips");
    BUILD(NULL, "cleansed.trips success; sandbox.by_carrier success");
    CHECK_STRING(lake_model("cleansed.trips")->why, "input raw.trips changed");
    SQL("select * from sandbox.by_carrier order by 1", "AA|2|4.0;BB|1|0.0;CC|1|1.0");
    lake_file("pipelines/sandbox/by_carrier.sql",
              "select carrier, count(*) as n from cleansed.trips group by carrier having n > 1");
    BUILD(NULL, "cleansed.trips unchanged; sandbox.by_carrier failed: SCHEMA_CHANGE_REFUSED the"
                " SELECT no longer yields the column \"total\" of \"sandbox.by_carrier\"");
    SQL("select count(*) from sandbox.by_carrier", "3");
    TarnBuildOptions refresh = {.full_refresh = true};
    BUILD(&refresh, "cleansed.trips success; sandbox.by_carrier success");
    SQL("select * from sandbox.by_carrier order by 1", "AA|2");
    SQL("insert into sandbox.by_carrier values ('x', 1)", "inserted 1 row into sandbox.by_carrier");
    BUILD(NULL, "cleansed.trips unchanged; sandbox.by_carrier success");
    CHECK_STRING(lake_model("sandbox.by_carrier")->why, "the table was changed by others");
    SQL("select * from sandbox.by_carrier order by 1", "AA|2");
    lake_end();
}

static void errors_point_into_the_template(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table raw.trips (id bigint)", "created table raw.trips");
    lake_file("pipelines/sandbox/a.sql", "{{ config(materialized = 'table') }}\n"
                                         "select idd from {{ source('raw', 'trips') }}\n");
    lake_file("pipelines/sandbox/b.sql", "select * from {{ ref('a') }}");
    lake_build(NULL);
    const TarnModelResult *a = lake_model("sandbox.a");
    REQUIRE(a->status == TARN_MODEL_FAILED && a->error != NULL);
    CHECK_INT(a->error->code, TARN_E_SQL_BIND);
    CHECK_STRING(a->error->file, "pipelines/sandbox/a.sql");
    CHECK_INT(a->error->line, 2);
    CHECK_INT(a->error->column, 8);
    CHECK(strstr(a->error->detail, "select idd from {{ source") != NULL);
    CHECK_INT(lake_model("sandbox.b")->status, TARN_MODEL_SKIPPED);
    CHECK(!tarn_flow_build_verdict(&lake.result, &error));
    CHECK_INT(error.code, TARN_E_RUN_FAILED);
    CHECK_STRING(error.file, "pipelines/sandbox/a.sql");
    lake_file("pipelines/sandbox/a.sql", "select id\nfrom {{ rf('trips') }}");
    BUILD(NULL, "error: TEMPLATE unknown name \"rf\" in a template");
    CHECK_INT(error.line, 2);
    CHECK_INT(error.column, 9);
    CHECK_STRING(error.hint, "did you mean \"ref\"?");
    lake_file("pipelines/sandbox/a.sql", "select id from raw.trip");
    BUILD(NULL, "sandbox.a failed: TABLE_NOT_FOUND table \"raw.trip\" does not exist; sandbox.b"
                " skipped");
    CHECK_INT(lake_model("sandbox.a")->error->column, 16);
    lake_file("pipelines/sandbox/a.sql", "select id frm raw.trips");
    lake_build(NULL);
    CHECK_INT(error.code, TARN_E_SQL_SYNTAX);
    CHECK_STRING(error.file, "pipelines/sandbox/a.sql");
    lake_end();
}

static void the_graph_is_found_and_circles_are_told(void) {
    REQUIRE_OK(lake_begin(), &error);
    lake_file("pipelines/sandbox/a.sql", "select * from sandbox.c");
    lake_file("pipelines/sandbox/b.sql", "select 1 as x");
    lake_file("pipelines/sandbox/c.sql",
              "with b as (select * from sandbox.b) select x + 1 as y from b");
    BUILD(NULL, "sandbox.b success; sandbox.c success; sandbox.a success");
    SQL("select * from sandbox.a", "2");
    lake_file("pipelines/sandbox/b.sql", "select y as x from {{ ref('sandbox', 'a') }}");
    lake_build(NULL);
    CHECK_INT(error.code, TARN_E_PIPELINE_CYCLE);
    CHECK_STRING(error.message, "pipelines depend on each other in a circle: sandbox.b -> sandbox.c"
                                " -> sandbox.a -> sandbox.b");
    lake_file("pipelines/sandbox/b.sql", "select * from {{ this }}");
    BUILD(NULL, "error: PIPELINE_CYCLE \"sandbox.b\" reads itself");
    lake_file("pipelines/sandbox/b.sql", "select 1 as x");
    lake_file("pipelines/nowhere/d.sql", "select 1 as x");
    BUILD(NULL, "error: ZONE_NOT_FOUND the folder \"nowhere\" is not named after a zone");
    CHECK_STRING(error.file, "pipelines/nowhere/d.sql");
    lake_end();
}

static void gates_keep_the_last_good_table(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table raw.trips (id bigint, d bigint)", "created table raw.trips");
    SQL("insert into raw.trips values (1, 1), (2, 2)", "inserted 2 rows into raw.trips");
    lake_file("pipelines/curated/t.sql", "select * from raw.trips");
    BUILD(NULL, "curated.t failed: ZONE_POLICY the zone \"curated\" requires checks, and this write"
                " to \"curated.t\" passed none");
    CHECK_STRING(lake_model("curated.t")->error->hint,
                 "declare checks for \"curated.t\" in pipelines/curated/t.yaml");
    lake_file("pipelines/curated/t.yaml",
              "description: trips\ncolumns:\n  - name: id\n    description: who\n"
              "    checks: [unique, not_null]\n");
    lake_file("pipelines/curated/u.sql", "select id from curated.t");
    lake_file("pipelines/curated/u.yaml", "checks: [{row_count: {min: 1}}]\n");
    BUILD(NULL, "curated.t success; curated.u success");
    CHECK_STRING(lake_checks(&lake_model("curated.t")->checks),
                 "not_null(id) pass 0; unique(id) pass 0");
    SQL("insert into raw.trips values (2, 3), (NULL, 4)", "inserted 2 rows into raw.trips");
    lake_build(NULL);
    CHECK_INT(lake_model("curated.t")->status, TARN_MODEL_FAILED);
    CHECK_INT(lake_model("curated.t")->error->code, TARN_E_CHECK_FAILED);
    CHECK_STRING(lake_model("curated.t")->error->file, "pipelines/curated/t.yaml");
    CHECK_INT(lake_model("curated.t")->error->line, 5);
    CHECK_INT(lake_model("curated.u")->status, TARN_MODEL_SKIPPED);
    CHECK_STRING(lake_checks(&lake_model("curated.t")->checks),
                 "not_null(id) fail 1; unique(id) fail 2");
    SQL("select count(*) from curated.t", "2");
    CHECK_INT(files_below(".tarn/warehouse/curated"), 2);
    CHECK(!tarn_flow_build_verdict(&lake.result, &error));
    CHECK_INT(error.code, TARN_E_CHECK_FAILED);
    int64_t count = 0;
    bool found = false;
    REQUIRE_OK(tarn_db_query_int64(lake.db, "select count(*) from tarn_check_result where status ="
                                            " 'fail'",
                                   NULL, 0, &count, &found, &error),
               &error);
    CHECK_INT(count, 2);
    REQUIRE_OK(tarn_db_query_int64(lake.db, "select count(*) from tarn_intent where location like"
                                            " '%curated%'",
                                   NULL, 0, &count, &found, &error),
               &error);
    CHECK_INT(count, 0);
    lake_end();
}

static void rows_go_to_quarantine(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table raw.trips (id bigint, name varchar)", "created table raw.trips");
    SQL("insert into raw.trips values (1, 'a'), (2, NULL), (3, 'x'), (3, 'y'), (4, 'toolong')",
        "inserted 5 rows into raw.trips");
    lake_file("pipelines/curated/t.sql", "select * from raw.trips");
    lake_file("pipelines/curated/t.yaml",
              "columns:\n  - name: id\n    checks: [{unique: {severity: quarantine}}]\n"
              "  - name: name\n    checks:\n      - not_null: {severity: quarantine}\n"
              "      - length: {max: 3, severity: warn}\n"
              "checks: [{row_count: {min: 1}}]\n");
    BUILD(NULL, "curated.t success");
    CHECK_STRING(lake_checks(&lake_model("curated.t")->checks),
                 "not_null(name) quarantine 1; length(name) warn 1; row_count pass -1; unique(id)"
                 " quarantine 2");
    CHECK_INT(lake_model("curated.t")->quarantined, 3);
    CHECK_INT(lake_model("curated.t")->rows, 2);
    SQL("select * from curated.t order by 1", "1|a;4|toolong");
    SQL("select reason, \"column\", decode(original) from curated.\"t$quarantine\" order by 3",
        "not_null(name)|name|{\"id\":2,\"name\":null};unique(id)|id|{\"id\":3,\"name\":\"x\"};"
        "unique(id)|id|{\"id\":3,\"name\":\"y\"}");
    CHECK_INT(files_below(".tarn/warehouse/curated"), 2);
    BUILD(NULL, "curated.t unchanged");
    TarnBuildOptions refresh = {.full_refresh = true};
    BUILD(&refresh, "curated.t success");
    SQL("select * from curated.t order by 1", "1|a;4|toolong");
    lake_file("pipelines/curated/t.sql",
              "{{ config(materialized='view') }} select * from raw.trips");
    BUILD(NULL, "error: CONFIG the check \"unique(id)\" cannot quarantine rows of a view");
    CHECK_STRING(error.file, "pipelines/curated/t.yaml");
    lake_end();
}

/* A file whose row does not fit. */
static void load_bad_row(TarnTableName table) {
    const char *path = scratch_at(&lake.scratch, "bad.csv");
    TarnLoadResult result;
    TarnLoadOptions options = {.os = tarn_os_posix(),
                               .catalog = lake.catalog,
                               .paths = &path,
                               .path_count = 1,
                               .table = table,
                               .on_error = TARN_ON_ERROR_QUARANTINE,
                               .max_error_rate = 1,
                               .scratch = lake.scratch.path};
    lake_file("bad.csv", "id\n5\nx\n");
    REQUIRE_OK(tarn_flow_load(&options, &lake.arena, &result, &error), &error);
    CHECK_INT(result.rows_quarantined, 1);
}

static void a_table_made_anew_has_its_bad_rows_once(void) {
    static const char rows[] = "select reason, \"row\", decode(original), source = 'sandbox.t'"
                               " from sandbox.\"t$quarantine\" order by 3";
    TarnBuildOptions refresh = {.full_refresh = true};
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table raw.trips (id bigint)", "created table raw.trips");
    SQL("insert into raw.trips values (1), (-1), (-2)", "inserted 3 rows into raw.trips");
    lake_file("pipelines/sandbox/t.sql", "select id from raw.trips");
    lake_file("pipelines/sandbox/t.yaml",
              "columns: [{name: id, checks: [{range: {min: 0, severity: quarantine}}]}]\n");
    BUILD(NULL, "sandbox.t success");
    SQL(rows, "range(id)|NULL|{\"id\":-1}|true;range(id)|NULL|{\"id\":-2}|true");
    BUILD(&refresh, "sandbox.t success");
    SQL(rows, "range(id)|NULL|{\"id\":-1}|true;range(id)|NULL|{\"id\":-2}|true");
    load_bad_row((TarnTableName){"sandbox", "t"});
    SQL("insert into raw.trips values (-3)", "inserted 1 row into raw.trips");
    SQL("select count(*) from sandbox.\"t$quarantine\"", "3");
    BUILD(NULL, "sandbox.t success");
    CHECK_INT(lake_model("sandbox.t")->quarantined, 3);
    SQL("select count(*), count(file) from sandbox.\"t$quarantine\"", "4|1");
    SQL("select operation from sandbox.\"t$quarantine$snapshots\" order by committed_at",
        "append;overwrite;append;overwrite");
    /* One file with rows of a build and of a load, as a program that joins files leaves it. */
    SQL("insert into sandbox.\"t$quarantine\" (reason, file, source) values"
        " ('old', NULL, 'sandbox.t'), ('load', 'a.csv', 'sandbox.t'), ('other', NULL, 't'),"
        " ('none', NULL, NULL)",
        "inserted 4 rows into sandbox.t$quarantine");
    lake_file("pipelines/sandbox/t.sql", "select abs(id) as id from raw.trips");
    BUILD(NULL, "sandbox.t success");
    CHECK_INT(lake_model("sandbox.t")->quarantined, 0);
    SQL("select reason = 'old', file is null from sandbox.\"t$quarantine\" where original is null"
        " order by reason",
        "false|false;false|true;false|true");
    SQL("select count(*), count(original) from sandbox.\"t$quarantine\"", "4|1");
    BUILD(&refresh, "sandbox.t success");
    SQL("select count(*) from sandbox.\"t$quarantine$snapshots\"", "6");
    lake_file("pipelines/sandbox/t.sql", "select id from raw.trips");
    BUILD(NULL, "sandbox.t success");
    SQL("select count(*), count(original) from sandbox.\"t$quarantine\"", "7|4");
    lake_file("pipelines/sandbox/t.yaml", "description: no checks any more\n");
    BUILD(NULL, "sandbox.t success");
    SQL("select count(*), count(original) from sandbox.\"t$quarantine\"", "4|1");
    SQL("select operation from sandbox.\"t$quarantine$snapshots\" order by committed_at"
        " desc limit 1",
        "delete");
    lake_end();
}

static void an_incremental_run_adds_its_bad_rows(void) {
    TarnBuildOptions refresh = {.full_refresh = true};
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table raw.trips (id bigint, v bigint)", "created table raw.trips");
    SQL("insert into raw.trips values (1, 1), (2, -1), (3, 1)", "inserted 3 rows into raw.trips");
    lake_file("pipelines/sandbox/t.sql",
              "{{ config(materialized='incremental') }} select id, v from raw.trips\n"
              "{% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}");
    lake_file("pipelines/sandbox/t.yaml",
              "columns: [{name: v, checks: [{range: {min: 0, severity: quarantine}}]}]\n");
    BUILD(NULL, "sandbox.t success");
    SQL("insert into raw.trips values (4, -1), (5, 1)", "inserted 2 rows into raw.trips");
    BUILD(NULL, "sandbox.t success");
    SQL("select decode(original) from sandbox.\"t$quarantine\" order by 1",
        "{\"id\":2,\"v\":-1};{\"id\":4,\"v\":-1}");
    BUILD(&refresh, "sandbox.t success");
    SQL("select decode(original) from sandbox.\"t$quarantine\" order by 1",
        "{\"id\":2,\"v\":-1};{\"id\":4,\"v\":-1}");
    lake_end();
}

/* The lake opened anew with a line more in its tarn.yaml. */
static bool begin_again(const char *setting) {
    char yaml[4096];
    snprintf(yaml, sizeof(yaml), "%s%s\n", lake_yaml, setting);
    lake_close();
    lake_file("tarn.yaml", yaml);
    return lake_open();
}

static void checks_without_a_severity_do_what_the_lake_says(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table raw.trips (id bigint, name varchar)", "created table raw.trips");
    SQL("insert into raw.trips values (1, 'a'), (2, NULL), (NULL, 'b')",
        "inserted 3 rows into raw.trips");
    lake_file("pipelines/curated/t.sql", "select * from raw.trips");
    lake_file("pipelines/curated/t.yaml",
              "columns:\n  - {name: id, checks: [not_null]}\n"
              "  - {name: name, checks: [{not_null: {severity: warn}}]}\n"
              "checks: [{row_count: {min: 1}}]\n");
    lake_build(NULL);
    CHECK_STRING(lake_checks(&lake_model("curated.t")->checks),
                 "not_null(id) fail 1; not_null(name) warn 1; row_count pass -1");
    REQUIRE_OK(begin_again("quality: { default_action: quarantine }"), &error);
    BUILD(NULL, "curated.t success");
    CHECK_STRING(lake_checks(&lake_model("curated.t")->checks),
                 "not_null(id) quarantine 1; not_null(name) warn 1; row_count pass -1");
    SQL("select * from curated.t order by 1", "1|a;2|NULL");
    SQL("select reason from curated.\"t$quarantine\"", "not_null(id)");
    BUILD(NULL, "curated.t unchanged");
    lake_file("pipelines/sandbox/v.sql",
              "{{ config(materialized='view') }} select * from raw.trips");
    lake_file("pipelines/sandbox/v.yaml", "columns: [{name: id, checks: [not_null]}]\n");
    lake_file("pipelines/sandbox/w.sql", "select * from raw.trips");
    lake_file("checks/w.yaml", "table: sandbox.w\nchecks: [{row_count: {min: 9}}, {not_null: "
                               "{column: id, config: {severity: error}}}]\n");
    lake_build(NULL);
    CHECK_STRING(lake_checks(&lake_model("sandbox.v")->checks), "not_null(id) fail 1");
    CHECK_STRING(lake_checks(&lake_model("sandbox.w")->checks),
                 "row_count fail -1; not_null(id) fail 1");
    static const char *const strict[] = {"quality: { default_action: fail }",
                                         "quality: { default_action: skip }"};
    for (size_t i = 0; i < 2; i++) {
        REQUIRE_OK(begin_again(strict[i]), &error);
        lake_build(NULL);
        CHECK_STRING(lake_model("curated.t")->why, "the pipeline changed");
        CHECK_STRING(lake_checks(&lake_model("curated.t")->checks),
                     "not_null(id) fail 1; not_null(name) warn 1; row_count pass -1");
        SQL("select * from curated.t order by 1", "1|a;2|NULL");
    }
    lake_end();
}

static void incremental_appends(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table raw.trips (id bigint, d date)", "created table raw.trips");
    SQL("insert into raw.trips values (1, '2026-01-01'), (2, '2026-01-02')",
        "inserted 2 rows into raw.trips");
    lake_file("pipelines/sandbox/t.sql",
              "{{ config(materialized='incremental', partition_by=['month(d)']) }}\n"
              "select id, d from raw.trips\n"
              "{% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}");
    BUILD(NULL, "sandbox.t success");
    BUILD(NULL, "sandbox.t unchanged");
    SQL("insert into raw.trips values (3, '2026-02-02')", "inserted 1 row into raw.trips");
    BUILD(NULL, "sandbox.t success");
    CHECK_INT(lake_model("sandbox.t")->rows, 1);
    SQL("select * from sandbox.t order by 1", "1|2026-01-01;2|2026-01-02;3|2026-02-02");
    SQL("select operation from sandbox.\"t$snapshots\" order by committed_at", "append;append");
    BUILD(NULL, "sandbox.t unchanged");
    SQL("insert into raw.trips values (0, '2026-02-02')", "inserted 1 row into raw.trips");
    BUILD(NULL, "sandbox.t success");
    CHECK_INT(lake_model("sandbox.t")->rows, 0);
    SQL("select count(*) from sandbox.\"t$snapshots\"", "2");
    TarnBuildOptions refresh = {.full_refresh = true};
    BUILD(&refresh, "sandbox.t success");
    SQL("select count(*) from sandbox.t", "4");
    lake_end();
}

static void incremental_merges(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table raw.trips (id bigint, v varchar, ts bigint)", "created table raw.trips");
    SQL("insert into raw.trips values (1, 'a', 1), (2, 'b', 1), (NULL, 'n', 1)",
        "inserted 3 rows into raw.trips");
    lake_file("pipelines/sandbox/t.sql",
              "{{ config(materialized='incremental', unique_key='id') }}\n"
              "select id, v, ts from raw.trips\n"
              "{% if is_incremental() %} where ts > (select max(ts) from {{ this }}) {% endif %}");
    BUILD(NULL, "sandbox.t success");
    SQL("insert into raw.trips values (2, 'B', 2), (3, 'c', 2), (NULL, 'N', 2)",
        "inserted 3 rows into raw.trips");
    BUILD(NULL, "sandbox.t success");
    SQL("select id, v from sandbox.t order by 1", "1|a;2|B;3|c;NULL|N");
    BUILD(NULL, "sandbox.t unchanged");
    SQL("insert into raw.trips values (3, 'd', 3), (3, 'e', 4)", "inserted 2 rows into raw.trips");
    BUILD(NULL, "sandbox.t failed: CHECK_FAILED two rows of \"sandbox.t\" have the same unique_key:"
                " id = 3");
    SQL("select id, v from sandbox.t order by 1", "1|a;2|B;3|c;NULL|N");
    lake_file("pipelines/sandbox/t.sql",
              "{{ config(materialized='incremental', unique_key='id', dedupe='ts desc') }}\n"
              "select id, v, ts from raw.trips\n"
              "{% if is_incremental() %} where ts > (select max(ts) from {{ this }}) {% endif %}");
    BUILD(NULL, "sandbox.t success");
    SQL("select id, v from sandbox.t order by 1", "1|a;2|B;3|e;NULL|N");
    TarnBuildOptions refresh = {.full_refresh = true};
    BUILD(&refresh, "sandbox.t success");
    SQL("select id, v from sandbox.t order by 1", "1|a;2|B;3|e;NULL|N");
    lake_end();
}

static void incremental_overwrites_partitions_and_ranges(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table raw.trips (id bigint, d date)", "created table raw.trips");
    SQL("insert into raw.trips values (1, '2026-01-01'), (2, '2026-02-01'), (3, '2026-03-01')",
        "inserted 3 rows into raw.trips");
    lake_file("pipelines/sandbox/p.sql",
              "{{ config(materialized='incremental', strategy='overwrite_partitions',\n"
              "   partition_by='month(d)') }} select id, d from raw.trips\n"
              "{% if is_incremental() %} where d >= '2026-02-01' {% endif %}");
    lake_file("pipelines/sandbox/p.yaml", "checks: [{row_count: {min: 3, max: 4}}]\n");
    lake_file("pipelines/sandbox/r.sql",
              "{{ config(materialized='incremental', replace_where=\"d >= date '2026-02-01'\") }}"
              " select id, d from raw.trips\n"
              "{% if is_incremental() %} where d >= '{{ var('start', '2026-02-01') }}'"
              " {% endif %}");
    BUILD(NULL, "sandbox.p success; sandbox.r success");
    SQL("insert into raw.trips values (20, '2026-02-02')", "inserted 1 row into raw.trips");
    BUILD(NULL, "sandbox.p success; sandbox.r success");
    CHECK_STRING(lake_checks(&lake_model("sandbox.p")->checks), "row_count pass -1");
    SQL("select id from sandbox.p order by 1", "1;2;3;20");
    SQL("select id from sandbox.r order by 1", "1;2;3;20");
    TarnBuildOptions backfill = {.backfill = "2026-01-01..2026-02-01",
                                 .select = (const char *const[]){"r"},
                                 .select_count = 1};
    BUILD(&backfill, "sandbox.r failed: CHECK_FAILED 1 new row of \"sandbox.r\" is outside"
                     " replace_where (d >= date '2026-02-01')");
    SQL("select id from sandbox.r order by 1", "1;2;3;20");
    BUILD(NULL, "sandbox.p unchanged; sandbox.r unchanged");
    lake_end();
}

static void ranges_are_filled_again(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table raw.trips (id bigint, d date)", "created table raw.trips");
    SQL("insert into raw.trips values (1, '2026-01-01'), (2, '2026-02-01'), (3, '2026-03-01')",
        "inserted 3 rows into raw.trips");
    lake_file("pipelines/sandbox/p.sql",
              "{{ config(materialized='incremental', strategy='overwrite_partitions',\n"
              "   partition_by='month(d)') }} select id * {{ var('factor', 1) }} as id, d\n"
              "from raw.trips {% if is_incremental() %}\n"
              "where d >= '{{ var('start') }}' and d < '{{ var('end') }}' {% endif %}");
    BUILD(NULL, "error: TEMPLATE the variable \"start\" is not set");
    CHECK_INT(error.line, 4);
    TarnBuildOptions backfill = {.backfill = "2026-02-01..2026-03-01",
                                 .vars = (const TarnBuildVar[]){{"factor", "10"}},
                                 .var_count = 1};
    BUILD(&backfill, "sandbox.p success"); /* the first run: everything */
    SQL("select id from sandbox.p order by 1", "10;20;30");
    backfill.vars = (const TarnBuildVar[]){{"factor", "7"}};
    BUILD(&backfill, "sandbox.p success");
    SQL("select id from sandbox.p order by 1", "10;14;30");
    BUILD(&backfill, "sandbox.p success");
    SQL("select id from sandbox.p order by 1", "10;14;30");
    CHECK_STRING(lake_model("sandbox.p")->why, "backfill");
    backfill.backfill = "2026-02-01";
    BUILD(&backfill, "error: USAGE the range \"2026-02-01\" is not of the form A..B");
    lake_file("pipelines/sandbox/q.sql", "select 1 as a");
    backfill.backfill = "2026-02-01..2026-03-01";
    BUILD(&backfill, "error: USAGE \"sandbox.q\" cannot be backfilled");
    lake_end();
}

static void a_failure_at_any_point_leaves_no_files(void) {
    static const char *const plans[] = {"flow.build.after_write=error",
                                        "query.write.after_copy=error",
                                        "flow.build.before_commit=error",
                                        "catalog.commit.after_metadata=error",
                                        "catalog.commit.before_swap=error"};
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table raw.trips (id bigint)", "created table raw.trips");
    SQL("insert into raw.trips values (1), (NULL)", "inserted 2 rows into raw.trips");
    lake_file("pipelines/sandbox/t.sql", "select id from raw.trips");
    lake_file("pipelines/sandbox/t.yaml",
              "columns: [{name: id, checks: [{not_null: {severity: quarantine}}]}]\n");
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        tarn_base_fault_init(plans[i]);
        lake_build(NULL);
        tarn_base_fault_init(NULL);
        CHECK_INT(lake_model("sandbox.t")->status, TARN_MODEL_FAILED);
        CHECK_INT(files_below(".tarn/warehouse/sandbox"), 0);
    }
    BUILD(NULL, "sandbox.t success");
    CHECK_INT(files_below(".tarn/warehouse/sandbox"), 2);
    lake_end();
}

static void rows_of_others_survive_a_merge(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table raw.trips (id bigint)", "created table raw.trips");
    SQL("insert into raw.trips values (1)", "inserted 1 row into raw.trips");
    lake_file("pipelines/sandbox/t.sql", "{{ config(materialized='incremental', unique_key='id') }}"
                                         " select id from raw.trips");
    BUILD(NULL, "sandbox.t success");
    SQL("insert into sandbox.t values (9)", "inserted 1 row into sandbox.t");
    SQL("insert into raw.trips values (2)", "inserted 1 row into raw.trips");
    BUILD(NULL, "sandbox.t success");
    SQL("select id from sandbox.t order by 1", "1;2;9");
    lake_end();
}

static void views_and_seeds(void) {
    REQUIRE_OK(lake_begin(), &error);
    lake_file("seeds/carriers.csv", "code,name\nAA,American\nBB,Blue\n");
    lake_file("pipelines/sandbox/v.sql",
              "{{ config(materialized='view') }} select code, upper(name) as n from"
              " {{ ref('carriers') }} -- end");
    lake_file("pipelines/sandbox/v.yaml", "columns: [{name: code, checks: [unique, not_null]}]\n");
    BUILD(NULL, "sandbox.carriers success; sandbox.v success");
    SQL("select * from sandbox.v order by 1", "AA|AMERICAN;BB|BLUE");
    CHECK_STRING(lake_checks(&lake_model("sandbox.v")->checks),
                 "not_null(code) pass 0; unique(code) pass 0");
    BUILD(NULL, "sandbox.carriers unchanged; sandbox.v unchanged");
    lake_file("seeds/carriers.csv", "code,name\nAA,American\nAA,Again\n");
    lake_build(NULL);
    CHECK_INT(lake_model("sandbox.carriers")->status, TARN_MODEL_SUCCESS);
    CHECK_INT(lake_model("sandbox.v")->status, TARN_MODEL_FAILED);
    lake_file("seeds/carriers.csv", "code,name\nAA,American\nBB,Blue\n");
    BUILD(NULL, "sandbox.carriers success; sandbox.v success");
    SQL("select * from sandbox.v order by 1", "AA|AMERICAN;BB|BLUE");
    lake_end();
}

static void seeds_are_checked_before_they_are_published(void) {
    static const char good[] = "code,name\nAA,American\nBB,Blue\n";
    REQUIRE_OK(lake_begin(), &error);
    lake_file("seeds/curated/carriers.csv", good);
    BUILD(NULL, "curated.carriers failed: ZONE_POLICY the zone \"curated\" requires checks, and"
                " this write to \"curated.carriers\" passed none");
    lake_file("seeds/curated/carriers.yaml",
              "columns:\n  - {name: code, checks: [unique]}\n"
              "  - name: name\n    checks:\n"
              "      - relationships: {to: sandbox.names, field: name, severity: warn}\n");
    lake_file("seeds/names.csv", "name,rank\nAmerican,1\n");
    lake_file("pipelines/sandbox/n.sql", "select count(*) as n from curated.carriers");
    BUILD(NULL, "sandbox.names success; curated.carriers success; sandbox.n success");
    CHECK_STRING(lake_checks(&lake_model("curated.carriers")->checks),
                 "relationships(name) warn 1; unique(code) pass 0");
    CHECK_INT(lake_model("curated.carriers")->rows, 2);
    SQL("select code, name from curated.carriers order by 1", "AA|American;BB|Blue");
    BUILD(NULL, "sandbox.names unchanged; curated.carriers unchanged; sandbox.n unchanged");
    lake_file("seeds/curated/carriers.csv", "code,name\nAA,American\nAA,Again\n");
    lake_build(NULL);
    CHECK_INT(lake_model("curated.carriers")->status, TARN_MODEL_FAILED);
    CHECK_INT(lake_model("curated.carriers")->error->code, TARN_E_CHECK_FAILED);
    CHECK_STRING(lake_model("curated.carriers")->error->file, "seeds/curated/carriers.yaml");
    CHECK_INT(lake_model("sandbox.n")->status, TARN_MODEL_SKIPPED);
    SQL("select code, name from curated.carriers order by 1", "AA|American;BB|Blue");
    SQL("select count(*) from curated.\"carriers$snapshots\"", "1");
    CHECK_INT(files_below(".tarn/warehouse/curated"), 1);
    lake_file("seeds/curated/carriers.csv", good);
    BUILD(NULL, "sandbox.names unchanged; curated.carriers unchanged; sandbox.n unchanged");
    TarnBuildOptions refresh = {.full_refresh = true};
    BUILD(&refresh, "sandbox.names success; curated.carriers success; sandbox.n success");
    SQL("select count(*) from curated.carriers", "2");
    lake_file("seeds/curated/carriers.csv", "code,name\nCC,Clear\n");
    BUILD(NULL, "sandbox.names unchanged; curated.carriers success; sandbox.n success");
    SQL("select code, name from curated.carriers order by 1", "CC|Clear");
    lake_file("seeds/curated/carriers.yaml",
              "columns: [{name: code, checks: [{unique: {severity: quarantine}}]}]\n");
    BUILD(NULL, "error: CONFIG the check \"unique(code)\" cannot quarantine rows of a seed");
    lake_end();
}

static void schemas_evolve(void) {
    REQUIRE_OK(lake_begin(), &error);
    lake_file("pipelines/sandbox/t.sql", "select 1::integer as a, 'x' as b");
    BUILD(NULL, "sandbox.t success");
    lake_file("pipelines/sandbox/t.sql", "select 'y' as b, 2::bigint as a, 3.5::double as c");
    BUILD(NULL, "sandbox.t success");
    SQL("select * from sandbox.t", "2|y|3.5");
    lake_file("pipelines/sandbox/t.sql", "select 'y' as b, 'two' as a, 3.5::double as c");
    lake_build(NULL);
    CHECK_INT(lake_model("sandbox.t")->error->code, TARN_E_SCHEMA_CHANGE_REFUSED);
    SQL("select * from sandbox.t", "2|y|3.5");
    TarnBuildOptions refresh = {.full_refresh = true};
    BUILD(&refresh, "sandbox.t success");
    SQL("select a, b, c from sandbox.t", "two|y|3.5");
    lake_file("pipelines/sandbox/t.sql", "{{ config(partition_by='a', sort_by=['c desc']) }}"
                                         "select 'y' as b, 'two' as a, 3.5::double as c");
    BUILD(NULL, "sandbox.t success");
    SQL("select a, b, c from sandbox.t", "two|y|3.5");
    BUILD(NULL, "sandbox.t unchanged");
    lake_end();
}

static void layouts_follow_the_config(void) {
    TarnBuildOptions refresh = {.full_refresh = true};
    REQUIRE_OK(lake_begin(), &error);
    lake_file("pipelines/sandbox/crm/t.sql", "{{ config(partition_by=['a', 'bucket(4, b)']) }}"
                                             "select 1 as a, 'x' as b, 2 as c");
    BUILD(NULL, "sandbox.crm.t success");
    lake_file("pipelines/sandbox/crm/t.sql", "{{ config(partition_by='truncate(1, b)') }}"
                                             "select 'x' as b, 2 as c union all select 'yy', 3");
    lake_build(NULL);
    CHECK_INT(lake_model("sandbox.crm.t")->error->code, TARN_E_SCHEMA_CHANGE_REFUSED);
    BUILD(&refresh, "sandbox.crm.t success");
    SQL("select b, c from sandbox.crm.t order by 1", "x|2;yy|3");
    SQL("select count(*) from sandbox.crm.\"t$files\"", "2");
    lake_file("pipelines/sandbox/crm/t.sql", "{{ config(partition_by='truncate(1, z)') }}"
                                             "select 'x' as b, 2 as c");
    lake_build(NULL);
    CHECK_INT(lake_model("sandbox.crm.t")->status, TARN_MODEL_FAILED);
    SQL("select count(*) from sandbox.crm.t", "2");
    lake_end();
}

static void settings_are_refused_with_their_place(void) {
    REQUIRE_OK(lake_begin(), &error);
    lake_file("pipelines/sandbox/t.sql", "{{ config(\n  materialised = 'table') }}select 1 as a");
    BUILD(NULL, "error: CONFIG unknown key \"materialised\" in config");
    CHECK_STRING(error.file, "pipelines/sandbox/t.sql");
    CHECK_INT(error.line, 2);
    CHECK_INT(error.column, 3);
    CHECK_STRING(error.hint, "did you mean \"materialized\"?");
    lake_file("pipelines/sandbox/t.sql", "{{ config(engine = 'spark') }}select 1 as a");
    BUILD(NULL, "error: CONFIG the engine \"spark\" comes with a later version");
    lake_file("pipelines/sandbox/t.sql", "{{ config(unique_key = 'a') }}select 1 as a");
    BUILD(NULL, "error: CONFIG \"unique_key\" has no effect without strategy = 'merge'");
    lake_file("pipelines/sandbox/t.sql", "{{ config(materialized = 'incremental', strategy ="
                                         " 'merge') }}select 1 as a");
    BUILD(NULL, "error: CONFIG the strategy \"merge\" needs unique_key");
    lake_file("pipelines/sandbox/t.sql", "{{ config(materialized = 'incremental', replace_where ="
                                         " 'a in (select 1 from raw.x)') }}select 1 as a");
    BUILD(NULL, "sandbox.t failed: CONFIG the setting \"a in (select 1 from raw.x)\" reads other"
                " tables");
    lake_file("pipelines/sandbox/t.sql", "select 1 as a");
    lake_file("pipelines/sandbox/t.yaml", "tags: [x]\nacess: all\n");
    BUILD(NULL, "error: CONFIG unknown key \"acess\" in a pipeline");
    CHECK_STRING(error.file, "pipelines/sandbox/t.yaml");
    lake_file("pipelines/sandbox/t.yaml", "config: { materialized: view, tags: [x] }\n");
    lake_file("pipelines/sandbox/u.yaml", "tags: [x]\n");
    BUILD(NULL, "error: CONFIG no pipeline stands beside \"pipelines/sandbox/u.yaml\"");
    lake_file("pipelines/sandbox/u.sql", "select * from sandbox.t");
    BUILD(NULL, "sandbox.t success; sandbox.u success");
    CHECK_STRING(lake_model("sandbox.t")->materialized, "view");
    lake_file("pipelines/sandbox/t.sql", "select 1 as a; select 2 as b");
    BUILD(NULL, "error: SQL_SYNTAX a pipeline is one SELECT, and this has 2 statements");
    CHECK_STRING(error.file, "pipelines/sandbox/t.sql");
    CHECK_INT(error.column, 16);
    lake_end();
}

static void dry_runs_and_going_on(void) {
    REQUIRE_OK(lake_begin(), &error);
    SQL("create table raw.trips (id bigint)", "created table raw.trips");
    SQL("insert into raw.trips values (1)", "inserted 1 row into raw.trips");
    lake_file("pipelines/sandbox/a.sql", "select id from raw.trips");
    lake_file("pipelines/sandbox/b.sql", "select id from sandbox.a");
    lake_file("pipelines/sandbox/c.sql", "select cast(id || 'x' as integer) as x from sandbox.b");
    TarnBuildOptions dry = {.dry_run = true, .explain = true};
    BUILD(&dry, "sandbox.a planned; sandbox.b planned; sandbox.c planned");
    CHECK_INT(lake_model("sandbox.a")->input_files, 1);
    CHECK(lake_model("sandbox.a")->explanation != NULL);
    CHECK_STRING(lake_model("sandbox.b")->why, "new");
    SQL("select * from sandbox.a", "error: TABLE_NOT_FOUND table \"sandbox.a\" does not exist");
    lake_build(NULL);
    CHECK_INT(lake_model("sandbox.c")->status, TARN_MODEL_FAILED);
    TarnBuildOptions rest = {.from_failure = true};
    lake_file("pipelines/sandbox/c.sql", "select 2 as x from sandbox.b");
    BUILD(&rest, "sandbox.c success");
    BUILD(&rest, "");
    lake_end();
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(a_table_is_built_once_and_then_only_when_something_changed);
    TAP_TEST(errors_point_into_the_template);
    TAP_TEST(the_graph_is_found_and_circles_are_told);
    TAP_TEST(gates_keep_the_last_good_table);
    TAP_TEST(rows_go_to_quarantine);
    TAP_TEST(a_table_made_anew_has_its_bad_rows_once);
    TAP_TEST(an_incremental_run_adds_its_bad_rows);
    TAP_TEST(checks_without_a_severity_do_what_the_lake_says);
    TAP_TEST(incremental_appends);
    TAP_TEST(incremental_merges);
    TAP_TEST(incremental_overwrites_partitions_and_ranges);
    TAP_TEST(ranges_are_filled_again);
    TAP_TEST(a_failure_at_any_point_leaves_no_files);
    TAP_TEST(rows_of_others_survive_a_merge);
    TAP_TEST(views_and_seeds);
    TAP_TEST(seeds_are_checked_before_they_are_published);
    TAP_TEST(schemas_evolve);
    TAP_TEST(layouts_follow_the_config);
    TAP_TEST(settings_are_refused_with_their_place);
    TAP_TEST(dry_runs_and_going_on);
    return tap_end();
}
