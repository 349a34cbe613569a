/* Writing Parquet: one record per file, and what is inside the files. */
#include "engine_test.h"

static TarnArena arena;

static bool copy(const char *select, const TarnEngineCopyOptions *options, TarnEngineFile **files,
                 size_t *count) {
    tarn_base_error_clear(&failure);
    return tarn_engine_copy_to_parquet(session, sql_text(select), options, &arena, files, count,
                                       &failure);
}

static int64_t size_of(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 ? (int64_t)status.st_size : -1;
}

/* The first value of a query with one path in it. */
static const char *ask(const char *format, const char *path) {
    char sql[2048];
    snprintf(sql, sizeof(sql), format, path);
    return value(sql);
}

static void one_file_with_field_ids(void) {
    TarnEngineFile *files;
    size_t count;
    TarnText metadata[] = {TARN_TEXT("iceberg.schema"), TARN_TEXT("{\"it's\": 1}"),
                           TARN_TEXT("other key"), TARN_TEXT("")};
    TarnEngineCopyOptions options = {
        .path = path_of("it's one.parquet"),
        .field_ids = "{id: 1, st: {__duckdb_field_id: 3, a: 10}, l: {__duckdb_field_id: 4, "
                     "element: 12}, m: {__duckdb_field_id: 5, key: 13, value: 14}}",
        .compression_level = 3,
        .row_group_rows = 4096,
        .metadata = metadata,
        .metadata_count = 2,
    };
    REQUIRE_OK(copy("SELECT i AS id, {'a': i} AS st, [i] AS l, MAP {'k': i} AS m "
                    "FROM range(10000) t(i) -- a comment at the end",
                    &options, &files, &count),
               &failure);
    REQUIRE(count == 1);
    CHECK_STRING(files[0].path, options.path);
    CHECK_INT(files[0].row_count, 10000);
    CHECK_INT(files[0].file_size_bytes, size_of(options.path));
    CHECK(files[0].footer_size_bytes > 0 && files[0].footer_size_bytes < files[0].file_size_bytes);
    CHECK_INT(files[0].partition_count, 0);
    char path[512];
    snprintf(path, sizeof(path), "%s/it''s one.parquet", folder);
    CHECK_STRING(ask("SELECT string_agg(name || '=' || field_id, ',') FROM parquet_schema('%s') "
                     "WHERE field_id IS NOT NULL", path),
                 "id=1,st=3,a=10,l=4,element=12,m=5,key=13,value=14");
    CHECK_STRING(ask("SELECT DISTINCT compression FROM parquet_metadata('%s')", path), "ZSTD");
    CHECK_STRING(ask("SELECT count(DISTINCT row_group_id) > 1 FROM parquet_metadata('%s')", path),
                 "true");
    CHECK_STRING(ask("SELECT decode(value) FROM parquet_kv_metadata('%s') WHERE decode(key) = "
                     "'iceberg.schema'", path),
                 "{\"it's\": 1}");
    CHECK_STRING(ask("SELECT sum(id) FROM '%s'", path), "49995000");
}

static void partitions_come_with_their_values(void) {
    TarnEngineFile *files;
    size_t count;
    const char *columns[] = {"d", "k"};
    TarnEngineCopyOptions options = {.path = path_of("partitioned"),
                                     .partition_columns = columns,
                                     .partition_count = 2,
                                     .filename_pattern = "data_{uuidv7}"};
    REQUIRE_OK(copy("SELECT i, DATE '2024-01-01' + (i % 3)::INTEGER AS d, "
                    "[NULL, 'a/b =c', 'ü', ''][1 + i % 4] AS k FROM range(12000) t(i)",
                    &options, &files, &count),
               &failure);
    CHECK_INT(count, 12);
    int64_t rows = 0;
    int nulls = 0, odd = 0, empty = 0;
    for (size_t i = 0; i < count; i++) {
        rows += files[i].row_count;
        CHECK_INT(files[i].file_size_bytes, size_of(files[i].path));
        CHECK(strstr(files[i].path, "/data_") != NULL);
        REQUIRE(files[i].partition_count == 2);
        bool date_first = strcmp(files[i].partition_names[0], "d") == 0;
        TarnText date = files[i].partition_values[date_first ? 0 : 1];
        TarnText key = files[i].partition_values[date_first ? 1 : 0];
        CHECK(tarn_base_text_starts(date, "2024-01-0"));
        nulls += key.data == NULL;
        odd += key.data != NULL && tarn_base_text_is(key, "a/b =c");
        empty += key.data != NULL && key.size == 0;
    }
    CHECK_INT(rows, 12000);
    CHECK_INT(nulls, 3);
    CHECK_INT(odd, 3);
    CHECK_INT(empty, 3);
    /* the partition columns are inside the files as well */
    CHECK_STRING(ask("SELECT count(*) FROM (DESCRIBE FROM read_parquet('%s/**/*.parquet', "
                     "hive_partitioning = false)) WHERE column_name IN ('d', 'k')",
                     options.path),
                 "2");
    CHECK_STRING(ask("SELECT count(k) FROM read_parquet('%s/**/*.parquet', hive_partitioning = "
                     "false)", options.path),
                 "9000");
    /* and a second copy adds files, never replaces any */
    TarnEngineFile *more;
    size_t more_count;
    REQUIRE_OK(copy("SELECT 1::BIGINT AS i, DATE '2024-01-01' AS d, 'ü' AS k", &options, &more,
                    &more_count),
               &failure);
    CHECK_INT(more_count, 1);
    CHECK_STRING(ask("SELECT count(*) FROM read_parquet('%s/**/*.parquet')", options.path),
                 "12001");
}

static void large_data_is_cut_into_files(void) {
    TarnEngineFile *files;
    size_t count;
    TarnEngineCopyOptions options = {.path = path_of("cut"),
                                     .file_size_bytes = 1 * TARN_MIB,
                                     .row_group_rows = 20000};
    REQUIRE_OK(copy("SELECT i, md5(i::VARCHAR) AS m FROM range(300000) t(i)", &options, &files,
                    &count),
               &failure);
    CHECK(count > 2);
    int64_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        rows += files[i].row_count;
        CHECK_INT(files[i].file_size_bytes, size_of(files[i].path));
        CHECK(files[i].file_size_bytes < 4 * (int64_t)TARN_MIB);
    }
    CHECK_INT(rows, 300000);
}

static void empty_selects(void) {
    TarnEngineFile *files;
    size_t count;
    const char *columns[] = {"b"};
    TarnEngineCopyOptions options = {.path = path_of("empty.parquet")};
    REQUIRE_OK(copy("SELECT 1 AS a, 2 AS b WHERE false", &options, &files, &count), &failure);
    CHECK_INT(count, 1);
    CHECK_INT(files[0].row_count, 0);
    options.path = path_of("empty_partitioned");
    options.partition_columns = columns;
    options.partition_count = 1;
    REQUIRE_OK(copy("SELECT 1 AS a, 2 AS b WHERE false", &options, &files, &count), &failure);
    CHECK_INT(count, 0);
}

static void errors_point_into_the_select(void) {
    TarnEngineFile *files;
    size_t count;
    TarnEngineCopyOptions options = {.path = path_of("never.parquet")};
    CHECK(!copy("SELECT 'ü' AS a,\n  nope\nFROM range(3)", &options, &files, &count));
    CHECK_CODE(failure.code, TARN_E_SQL_BIND);
    CHECK_INT(failure.line, 2);
    CHECK_INT(failure.column, 3);
    CHECK(strstr(failure.detail, "2 |   nope") != NULL);
    CHECK(!copy("SELECT 'x'::INTEGER AS a", &options, &files, &count));
    CHECK_CODE(failure.code, TARN_E_SQL_EXECUTION);
    options.compression = "no such codec";
    CHECK(!copy("SELECT 1 AS a", &options, &files, &count));
    CHECK_INT(failure.line, 0);
    options = (TarnEngineCopyOptions){.path = path_of("missing/dir/x.parquet")};
    CHECK(!copy("SELECT 1 AS a", &options, &files, &count));
    CHECK_CODE(failure.code, TARN_E_IO);
    CHECK(!copy("SELECT 1) TO 'x'; DROP TABLE t; --", &options, &files, &count));
}

/* More partitions than files may be open: sorted rows or a higher bound keep the files few. */
static void more_partitions_than_open_files(void) {
    TarnEngineFile *files;
    size_t few, flood;
    const char *columns[] = {"p"};
    TarnEngineCopyOptions options = {.path = path_of("flood"),
                                     .partition_columns = columns,
                                     .partition_count = 1,
                                     .partition_rows = 20000};
    const char *select = "SELECT i, hash(i) % 150 AS p FROM range(100000) t(i)";
    REQUIRE_OK(copy(select, &options, &files, &flood), &failure);
    options.path = path_of("bounded");
    options.open_files_max = 200;
    REQUIRE_OK(copy(select, &options, &files, &few), &failure);
    printf("# %zu files, with a higher bound %zu\n", flood, few);
    CHECK(flood > 300 && few == 150);
    CHECK_STRING(value("SELECT current_setting('partitioned_write_max_open_files')"), "100");
    CHECK_STRING(value("SELECT current_setting('partitioned_write_flush_threshold')"), "524288");
    options.path = path_of("sorted");
    options.open_files_max = 0;
    REQUIRE_OK(copy("SELECT i, hash(i) % 150 AS p FROM range(100000) t(i) ORDER BY p", &options,
                    &files, &few),
               &failure);
    CHECK(few >= 150 && few <= 170);
}

/* Many partitions at once: files are opened as they are needed and memory has a bound. */
static void hundred_partitions_in_little_memory(void) {
    TarnEngine *small;
    TarnEngineSession *in;
    TarnEngineFile *files;
    size_t count;
    const char *columns[] = {"p"};
    TarnEngineOptions engine_options = {.memory_limit_bytes = 200 * TARN_MIB,
                                        .threads = 2,
                                        .temp_directory = path_of("copy_spill"),
                                        .any_insertion_order = true};
    TarnEngineCopyOptions options = {.path = path_of("hundred"),
                                     .partition_columns = columns,
                                     .partition_count = 1};
    REQUIRE_OK(tarn_engine_open(&engine_options, &small, &failure), &failure);
    REQUIRE_OK(tarn_engine_session_open(small, &in, &failure), &failure);
    REQUIRE_OK(tarn_engine_copy_to_parquet(
                   in, TARN_TEXT("SELECT i, md5(i::VARCHAR) AS m, hash(i) % 100 AS p "
                                 "FROM range(1000000) t(i)"),
                   &options, &arena, &files, &count, &failure),
               &failure);
    int64_t rows = 0;
    for (size_t i = 0; i < count; i++) rows += files[i].row_count;
    printf("# %zu files, peak %" PRId64 " KiB\n", count, resident_kib("VmHWM:"));
    CHECK(count >= 100);
    CHECK_INT(rows, 1000000);
    CHECK(sanitized() || resident_kib("VmHWM:") < 400 * 1024);
    tarn_engine_session_close(in);
    tarn_engine_close(small);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    if (!start_engine(NULL)) return 0;
    tarn_base_arena_init(&arena, TARN_GIB);
    TAP_TEST(one_file_with_field_ids);
    TAP_TEST(partitions_come_with_their_values);
    TAP_TEST(large_data_is_cut_into_files);
    TAP_TEST(empty_selects);
    TAP_TEST(errors_point_into_the_select);
    TAP_TEST(more_partitions_than_open_files);
    TAP_TEST(hundred_partitions_in_little_memory);
    tarn_base_arena_dispose(&arena);
    return end_engine();
}
