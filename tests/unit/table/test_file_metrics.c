/* Metrics and schemas from Parquet footers: real files against values taken from their data, and
 * built footers for what no writer here makes. */
#include "../format/parquet_build.h"
#include "base/log.h"
#include "metrics_test.h"

static TarnArena arena;
static TarnError error;

static void begin(void) {
    tarn_base_arena_dispose(&arena);
    tarn_base_arena_init(&arena, 64u << 20);
    tarn_base_error_clear(&error);
}

static TarnText read_test_file(const char *name) {
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", TARN_TEST_DATA, name);
    FILE *file = fopen(path, "rb");
    char *data = tarn_base_arena_alloc(&arena, 64u << 10);
    if (file == NULL || data == NULL) {
        printf("# cannot read %s\n", path);
        exit(1);
    }
    size_t size = fread(data, 1, 64u << 10, file);
    fclose(file);
    return (TarnText){data, size};
}

static TarnParquetFooter *parse_bytes(TarnText file) {
    TarnParquetFooter *footer = NULL;
    CHECK_OK(tarn_format_parquet_footer_parse(file, file.size, "f", &arena, &footer, &error),
             &error);
    if (footer == NULL) exit(1);
    return footer;
}

static TarnParquetFooter *parse_file(const char *name) { return parse_bytes(read_test_file(name)); }

#define DUCKDB "../format/parquet_footer/duckdb.parquet"
#define PYARROW "../format/parquet_footer/pyarrow.parquet"

static TarnSchema *parse_schema(const char *json) {
    TarnJson *root = NULL;
    TarnSchema *schema = TARN_NEW(&arena, TarnSchema);
    CHECK_OK(tarn_base_json_parse(tarn_base_text(json), "schema", &arena, &root, &error), &error);
    CHECK_OK(tarn_table_schema_from_json(root, &arena, schema, &error), &error);
    return schema;
}

/* "1 id long; 2 at timestamp": fields of the top level. */
static TarnSchema *columns(const char *list) {
    TarnBuffer json;
    tarn_base_buffer_init(&json, 1u << 20);
    tarn_base_buffer_string(&json, "{\"type\":\"struct\",\"fields\":[");
    TarnText rest = tarn_base_text(list);
    for (bool first = true; rest.data != NULL; first = false) {
        TarnText one = tarn_base_text_trim(tarn_base_text_split(rest, ';', &rest));
        TarnText after;
        TarnText id = tarn_base_text_split(one, ' ', &after);
        TarnText type;
        TarnText name = tarn_base_text_split(after, ' ', &type);
        tarn_base_buffer_printf(&json,
                                "%s{\"id\":%.*s,\"name\":\"%.*s\",\"required\":false,"
                                "\"type\":\"%.*s\"}",
                                first ? "" : ",", TARN_TEXT_ARG(id), TARN_TEXT_ARG(name),
                                TARN_TEXT_ARG(type));
    }
    tarn_base_buffer_string(&json, "]}");
    TarnSchema *schema = parse_schema(tarn_base_arena_string(&arena, json.data));
    tarn_base_buffer_dispose(&json);
    return schema;
}

static TarnDataFile fill(const TarnParquetFooter *footer, const TarnFileMetricsOptions *options) {
    TarnDataFile file = {.path = {NULL, 0}};
    CHECK_OK(tarn_table_file_metrics_fill(footer, "f", options, &arena, &file, &error), &error);
    return file;
}

static const TarnColumnMetrics *column(const TarnDataFile *file, int32_t id) {
    for (size_t i = 0; i < file->column_count; i++) {
        if (file->columns[i].field_id == id) return &file->columns[i];
    }
    return NULL;
}

static const char *line_of(const TarnDataFile *file, int32_t id) {
    TarnBuffer out;
    const TarnColumnMetrics *metrics = column(file, id);
    if (metrics == NULL) return "none";
    tarn_base_buffer_init(&out, 1u << 16);
    put_bytes(&out, "lower", metrics->lower);
    put_bytes(&out, "upper", metrics->upper);
    const char *line = tarn_base_arena_string(&arena, out.data);
    tarn_base_buffer_dispose(&out);
    return line;
}

/* ---- real files ---- */

static void compare_golden(const char *parquet, const char *schema, const char *expected_name) {
    TarnBuffer out;
    begin();
    TarnText json = read_test_file(schema);
    TarnFileMetricsOptions options = {.schema = parse_schema(tarn_base_text_string(&arena, json))};
    TarnDataFile file = fill(parse_file(parquet), &options);
    TarnText expected = read_test_file(expected_name);
    tarn_base_buffer_init(&out, 1u << 20);
    put_metrics(&file, &out);
    CHECK_STRING(out.data, tarn_base_text_string(&arena, expected));
    CHECK_INT(file.content, TARN_CONTENT_DATA);
    CHECK(tarn_base_text_is(file.format, "PARQUET"));
    tarn_base_buffer_dispose(&out);
}

static void metrics_of_duckdb(void) {
    compare_golden(DUCKDB, "file_metrics/duckdb.json", "file_metrics/duckdb.txt");
}

static void metrics_of_pyarrow(void) {
    compare_golden(PYARROW, "file_metrics/pyarrow.json", "file_metrics/pyarrow.txt");
}

/* ---- modes ---- */

static const char *mode_lines(const TarnProperty *properties, size_t count,
                              const TarnSortOrder *order) {
    TarnFileMetricsOptions options = {.schema = columns("5 s string; 6 lng string; 1 i32 int"),
                                      .properties = properties,
                                      .property_count = count,
                                      .sort_order = order};
    TarnDataFile file = fill(parse_file(DUCKDB), &options);
    const TarnColumnMetrics *s = column(&file, 5);
    return tarn_base_arena_printf(&arena, "%s|%s|%s|%s", s != NULL ? "counted" : "none",
                                  line_of(&file, 5), line_of(&file, 6), line_of(&file, 1));
}

static void modes_follow_the_properties(void) {
    begin();
    const TarnProperty none[] = {{"write.metadata.metrics.default", "none"}};
    CHECK_STRING(mode_lines(none, 1, NULL), "none|none|none|none");
    const TarnProperty counts[] = {{"write.metadata.metrics.default", "Counts"}};
    CHECK_STRING(mode_lines(counts, 1, NULL),
                 "counted| lower - upper -| lower - upper -| lower - upper -");
    const TarnProperty three[] = {{"write.metadata.metrics.default", "truncate(3)"}};
    CHECK_STRING(mode_lines(three, 1, NULL), "counted| lower 726f77 upper 726f78| lower 787878 "
                                             "upper 787879| lower 00000000 upper 27000000");
    const TarnProperty mixed[] = {{"write.metadata.metrics.default", "none"},
                                  {"write.metadata.metrics.column.s", "truncate(1)"},
                                  {"write.metadata.metrics.column.nowhere", "full"}};
    CHECK_STRING(mode_lines(mixed, 3, NULL), "counted| lower 72 upper 73|none|none");
    /* what is no mode falls back on the default, with a warning */
    tarn_base_log_level(TARN_LOG_ERROR);
    const TarnProperty broken[] = {{"write.metadata.metrics.default", "counts"},
                                   {"write.metadata.metrics.column.s", "truncate(0)"},
                                   {"write.metadata.metrics.column.lng", "all of it"}};
    CHECK_STRING(mode_lines(broken, 3, NULL),
                 "counted| lower - upper -| lower - upper -| lower - upper -");
    /* a sorted column has bounds whatever the default, unless its own property says otherwise */
    TarnSortField sorted[] = {
        {.source_id = 1},
        {.source_id = 5, .transform = {.kind = TARN_TRANSFORM_BUCKET, .width = 4}}};
    const TarnSortOrder order = {.id = 1, .fields = sorted, .field_count = 2};
    CHECK_STRING(mode_lines(none, 1, &order), "none|none|none| lower 00000000 upper 27000000");
    const TarnProperty denied[] = {{"write.metadata.metrics.default", "none"},
                                   {"write.metadata.metrics.column.i32", "counts"}};
    CHECK_STRING(mode_lines(denied, 2, &order), "none|none|none| lower - upper -");
}

static void wide_tables_are_limited(void) {
    begin();
    const TarnProperty one[] = {{"write.metadata.metrics.max-inferred-column-defaults", "1"}};
    CHECK_STRING(mode_lines(one, 1, NULL), "counted| lower 726f772030 upper 726f772039|none|none");
    const TarnProperty none[] = {{"write.metadata.metrics.max-inferred-column-defaults", "0"}};
    CHECK_STRING(mode_lines(none, 1, NULL), "none|none|none|none");
    /* a stated default is for all columns */
    const TarnProperty both[] = {{"write.metadata.metrics.max-inferred-column-defaults", "1"},
                                 {"write.metadata.metrics.default", "counts"}};
    CHECK_STRING(mode_lines(both, 2, NULL),
                 "counted| lower - upper -| lower - upper -| lower - upper -");
    /* the fields of a struct come after those beside it, a hundred in all */
    TarnBuffer list;
    tarn_base_buffer_init(&list, 1u << 16);
    tarn_base_buffer_string(&list, "{\"type\":\"struct\",\"fields\":[{\"id\":22,\"name\":\"st\","
                                   "\"required\":false,\"type\":{\"type\":\"struct\",\"fields\":["
                                   "{\"id\":23,\"name\":\"a\",\"required\":false,\"type\":"
                                   "\"long\"}]}},{\"id\":1,\"name\":\"i32\",\"required\":false,"
                                   "\"type\":\"int\"}");
    for (int i = 100; i < 199; i++) {
        tarn_base_buffer_printf(&list,
                                ",{\"id\":%d,\"name\":\"c%d\",\"required\":false,"
                                "\"type\":\"int\"}",
                                i, i);
    }
    tarn_base_buffer_string(&list, "]}");
    TarnFileMetricsOptions options = {
        .schema = parse_schema(tarn_base_arena_string(&arena, list.data))};
    tarn_base_buffer_dispose(&list);
    TarnDataFile file = fill(parse_file(DUCKDB), &options);
    CHECK(column(&file, 1) != NULL);
    CHECK(column(&file, 23) == NULL);
}

/* ---- which column is which ---- */

static void files_without_ids_are_mapped_by_name(void) {
    begin();
    TarnParquetFooter *footer = parse_file(PYARROW);
    const TarnSchema *schema = parse_schema(
        "{\"type\":\"struct\",\"fields\":[{\"id\":7,\"name\":\"i16\",\"required\":false,\"type\":"
        "\"int\"},{\"id\":1,\"name\":\"St\",\"required\":false,\"type\":\"string\"},{\"id\":8,"
        "\"name\":\"st\",\"required\":false,\"type\":{\"type\":\"struct\",\"fields\":[{\"id\":9,"
        "\"name\":\"x\",\"required\":false,\"type\":\"long\"}]}},{\"id\":10,\"name\":\"l\","
        "\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":11,\"element\":\"long\","
        "\"element-required\":false}},{\"id\":12,\"name\":\"m\",\"required\":false,\"type\":"
        "{\"type\":\"map\",\"key-id\":13,\"key\":\"string\",\"value-id\":14,\"value\":\"int\","
        "\"value-required\":false}}]}");
    TarnFileMetricsOptions options = {.schema = schema};
    TarnDataFile file = fill(footer, &options);
    CHECK_INT(file.column_count, 5); /* i16, st.x, l.element, m.key, m.value; "St" is not "st" */
    CHECK_STRING(line_of(&file, 7), " lower fbffffff upper 18000000");
    CHECK_STRING(line_of(&file, 9), " lower 0000000000000000 upper 1d00000000000000");
    CHECK_STRING(line_of(&file, 11), " lower - upper -"); /* in a list */
    CHECK_INT(column(&file, 11)->value_count, 45);
    CHECK_STRING(line_of(&file, 13), " lower - upper -");
    /* a mapping names other columns, and the parts of lists and maps in Iceberg's words */
    TarnJson *mapping = NULL;
    REQUIRE_OK(tarn_base_json_parse(
                   TARN_TEXT("[{\"field-id\":7,\"names\":[\"gone\",\"ms\"]},{\"field-id\":10,"
                             "\"names\":[\"l\"],\"fields\":[{\"field-id\":11,\"names\":"
                             "[\"element\"]}]},{\"field-id\":12,\"names\":[\"m\"],\"fields\":["
                             "{\"field-id\":14,\"names\":[\"value\"]}]},{\"names\":[\"i16\"]}]"),
                   "m", &arena, &mapping, &error),
               &error);
    options.name_mapping = mapping;
    options.schema = columns("7 at timestamp; 11 e long; 14 v int");
    file = fill(footer, &options);
    CHECK_INT(file.column_count, 3);
    CHECK_STRING(line_of(&file, 7), " lower 78ecffffffffffff upper b86dba0100000000"); /* millis */
    /* a file with ids is not mapped */
    options.schema = columns("1 other int");
    file = fill(parse_file(DUCKDB), &options);
    CHECK_INT(file.column_count, 1);
    TarnDataFile broken = {.path = {NULL, 0}};
    static const char *const bad[] = {"{}", "[{\"field-id\":0,\"names\":[\"ms\"]}]",
                                      "[{\"field-id\":\"7\",\"names\":[\"ms\"]}]"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        REQUIRE_OK(tarn_base_json_parse(tarn_base_text(bad[i]), "m", &arena, &mapping, &error),
                   &error);
        options.name_mapping = mapping;
        CHECK(!tarn_table_file_metrics_fill(footer, "f", &options, &arena, &broken, &error));
        CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    }
}

static void refuses_columns_of_another_type(void) {
    static const struct {
        const char *columns;
        const char *words;
    } cases[] = {
        {"1 i32 string", "the column \"i32\" of \"f\" is INT32 INTEGER(32), the table has string"},
        {"2 i64 int", "is INT64 INTEGER(64), the table has int"},
        {"4 fl long", "is FLOAT, the table has long"},
        {"3 d float", "is DOUBLE, the table has float"},
        {"7 d7 decimal(6,2)", "DECIMAL(7,2), the table has decimal(6,2)"},
        {"7 d7 decimal(7,3)", "DECIMAL(7,2), the table has decimal(7,3)"},
        {"9 d30 fixed[16]", "the table has fixed[16]"},
        {"12 ts timestamptz", "INT64 TIMESTAMP, the table has timestamptz"},
        {"13 tz timestamp", "the table has timestamp"},
        {"14 tm long", "INT64 TIME, the table has long"},
        {"11 dt int", "INT32 DATE, the table has int"},
        {"15 u fixed[15]", "the table has fixed[15]"},
        {"10 bo int", "BOOLEAN, the table has int"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnDataFile file = {.path = {NULL, 0}};
        begin();
        TarnFileMetricsOptions options = {.schema = columns(cases[i].columns)};
        CHECK(!tarn_table_file_metrics_fill(parse_file(DUCKDB), "f", &options, &arena, &file,
                                            &error));
        CHECK_INT(error.code, TARN_E_SCHEMA_CHANGE_REFUSED);
        if (strstr(error.message, cases[i].words) == NULL) {
            CHECK_STRING(error.message, cases[i].words);
        }
    }
    static const char *const fine[] = {"1 a long",       "4 a double",    "7 a decimal(38,2)",
                                       "11 a date",      "5 a binary",    "16 a string",
                                       "15 a fixed[16]", "11 a timestamp"};
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        begin();
        TarnFileMetricsOptions options = {.schema = columns(fine[i])};
        TarnDataFile file = fill(parse_file(DUCKDB), &options);
        CHECK_INT(file.column_count, 1);
    }
    /* a leaf under the id of a struct */
    begin();
    TarnDataFile file = {.path = {NULL, 0}};
    TarnFileMetricsOptions options = {
        .schema = parse_schema("{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"s\","
                               "\"required\":false,\"type\":{\"type\":\"struct\",\"fields\":["
                               "{\"id\":50,\"name\":\"x\",\"required\":false,\"type\":\"int\"}]}}"
                               "]}")};
    CHECK(!tarn_table_file_metrics_fill(parse_file(DUCKDB), "f", &options, &arena, &file, &error));
    CHECK(strstr(error.message, "a struct, list or map") != NULL);
}

/* ---- one built column: bounds of two row groups ---- */

typedef struct Bounds {
    const char *min; /* NULL = none */
    const char *max;
    size_t size;
    int64_t nulls; /* -1 = not stated */
    int64_t nans;  /* -1 = not stated */
    int inexact;   /* bit 0: min, bit 1: max */
} Bounds;

typedef struct Built {
    int type; /* parquet.thrift's */
    int length;
    int converted; /* -1 = none */
    int logical;   /* 0 = none, else the union's field, an empty struct */
    const char *created_by;
    int64_t field_id; /* 0 = none */
} Built;

static void build_statistics(Build *build, const Bounds *bounds) {
    build_struct(build, 12);
    if (bounds->nulls >= 0) build_i64(build, 3, bounds->nulls);
    if (bounds->max != NULL) build_bytes(build, 5, bounds->max, bounds->size);
    if (bounds->min != NULL) build_bytes(build, 6, bounds->min, bounds->size);
    build_bool(build, 7, (bounds->inexact & 2) == 0);
    build_bool(build, 8, (bounds->inexact & 1) == 0);
    if (bounds->nans >= 0) build_i64(build, 9, bounds->nans);
    build_end(build);
}

static void build_row_group(Build *build, const Built *built, const Bounds *bounds) {
    build_begin(build);
    build_list(build, 1, 12, 1);
    build_begin(build);
    build_i64(build, 2, 0);
    build_struct(build, 3);
    build_i32(build, 1, built->type);
    build_list(build, 3, 8, 1);
    build_varint(build, 1);
    tarn_base_buffer_byte(&build->bytes, 'a');
    build_i32(build, 4, 0);
    build_i64(build, 5, 10);
    build_i64(build, 6, 20);
    build_i64(build, 7, 20);
    build_i64(build, 9, 4);
    build_statistics(build, bounds);
    build_end(build);
    build_end(build);
    build_i64(build, 2, 20);
    build_i64(build, 3, 10);
    build_end(build);
}

static TarnParquetFooter *build_column(const Built *built, const Bounds *bounds, size_t count) {
    Build build;
    build_init(&build);
    build_begin(&build);
    build_i32(&build, 1, 2);
    build_list(&build, 2, 12, 2);
    build_group(&build, "schema", -1, 1);
    build_begin(&build);
    build_i32(&build, 1, built->type);
    if (built->type == 7) build_i32(&build, 2, built->length);
    build_i32(&build, 3, 1);
    build_text(&build, 4, "a");
    if (built->converted >= 0) build_i32(&build, 6, built->converted);
    if (built->converted == 5) {
        build_i32(&build, 7, 2);
        build_i32(&build, 8, 30);
    }
    if (built->field_id != 0) build_i32(&build, 9, built->field_id);
    if (built->logical > 0) {
        build_struct(&build, 10);
        build_struct(&build, built->logical);
        build_end(&build);
        build_end(&build);
    }
    build_end(&build);
    build_i64(&build, 3, (int64_t)count * 10);
    build_list(&build, 4, 12, count);
    for (size_t i = 0; i < count; i++) build_row_group(&build, built, &bounds[i]);
    build_text(&build, 6, built->created_by != NULL ? built->created_by : "another writer");
    build_list(&build, 7, 12, 1);
    build_begin(&build);
    build_struct(&build, 1);
    build_end(&build);
    build_end(&build);
    build_end(&build);
    size_t size = 0;
    char *file = build_file(&build, &size);
    TarnText kept = {tarn_base_arena_copy(&arena, file, size), size};
    free(file);
    tarn_base_buffer_dispose(&build.bytes);
    return parse_bytes(kept);
}

static TarnDataFile built_metrics(const Built *built, const Bounds *bounds, size_t count,
                                  const char *type) {
    const char *list = tarn_base_arena_printf(&arena, "1 a %s", type);
    TarnFileMetricsOptions options = {.schema = columns(list)};
    return fill(build_column(built, bounds, count), &options);
}

static void missing_numbers_stay_unknown(void) {
    static const Built built = {.type = 1, .converted = -1};
    begin();
    const Bounds both[] = {{"\1\0\0\0", "\2\0\0\0", 4, 3, -1, 0}, {NULL, NULL, 0, -1, -1, 0}};
    TarnDataFile file = built_metrics(&built, both, 1, "int");
    CHECK_INT(column(&file, 1)->null_count, 3);
    CHECK_STRING(line_of(&file, 1), " lower 01000000 upper 02000000");
    file = built_metrics(&built, both, 2, "int"); /* the second row group says nothing */
    CHECK_INT(column(&file, 1)->null_count, TARN_ABSENT);
    CHECK_INT(column(&file, 1)->value_count, 20);
    CHECK_INT(column(&file, 1)->column_size, 40);
    CHECK_STRING(line_of(&file, 1), " lower - upper -");
    /* only nulls: nothing to bound */
    const Bounds nulls[] = {{"\1\0\0\0", "\2\0\0\0", 4, 3, -1, 0}, {NULL, NULL, 0, 10, -1, 0}};
    file = built_metrics(&built, nulls, 2, "int");
    CHECK_INT(column(&file, 1)->null_count, 13);
    CHECK_STRING(line_of(&file, 1), " lower 01000000 upper 02000000");
    /* signed order over both, and bounds of a wrong size are none */
    const Bounds order[] = {{"\1\0\0\0", "\2\0\0\0", 4, 0, -1, 0},
                            {"\xfe\xff\xff\xff", "\xff\xff\xff\xff", 4, 0, -1, 0}};
    file = built_metrics(&built, order, 2, "long");
    CHECK_STRING(line_of(&file, 1), " lower feffffffffffffff upper 0200000000000000");
    const Bounds wrong[] = {{"\1\0\0\0", "\2\0\0\0", 3, 0, -1, 0}};
    file = built_metrics(&built, wrong, 1, "int");
    CHECK_STRING(line_of(&file, 1), " lower - upper -");
}

static void nan_counts_depend_on_the_writer(void) {
    static const Built duckdb = {.type = 4, .converted = -1, .created_by = "DuckDB version v1.5.5"};
    static const Built other = {.type = 4, .converted = -1, .created_by = "parquet-cpp-arrow 26"};
    static const Bounds one[] = {{"\0\0\x80\x3f", "\0\0\0\x40", 4, 2, -1, 0}}; /* 1, 2 */
    static const Bounds zero[] = {{"\0\0\0\0", "\0\0\0\x80", 4, 0, -1, 0}};    /* 0.0, -0.0 */
    static const Bounds nan_bound[] = {{"\0\0\x80\x3f", "\0\0\xc0\x7f", 4, 0, -1, 0}};
    static const Bounds counted[] = {{"\0\0\x80\x3f", "\0\0\0\x40", 4, 2, 3, 0},
                                     {NULL, NULL, 0, 4, 6, 0}}; /* all null or NaN */
    static const Bounds none[] = {{NULL, NULL, 0, 0, -1, 0}};
    static const Bounds nulls[] = {{NULL, NULL, 0, 10, -1, 0}};
    begin();
    TarnDataFile file = built_metrics(&duckdb, one, 1, "float");
    CHECK_INT(column(&file, 1)->nan_count, 0);
    file = built_metrics(&other, one, 1, "float"); /* it just leaves NaNs out of the bounds */
    CHECK_INT(column(&file, 1)->nan_count, TARN_ABSENT);
    CHECK_STRING(line_of(&file, 1), " lower 0000803f upper 00000040");
    file = built_metrics(&duckdb, none, 1, "double");
    CHECK_INT(column(&file, 1)->nan_count, TARN_ABSENT);
    file = built_metrics(&other, nulls, 1, "float");
    CHECK_INT(column(&file, 1)->nan_count, 0);
    file = built_metrics(&other, counted, 2, "double");
    CHECK_INT(column(&file, 1)->nan_count, 9);
    CHECK_STRING(line_of(&file, 1), " lower 000000000000f03f upper 0000000000000040");
    file = built_metrics(&duckdb, nan_bound, 1, "float");
    CHECK_INT(column(&file, 1)->nan_count, TARN_ABSENT);
    CHECK_STRING(line_of(&file, 1), " lower 0000803f upper -");
    file = built_metrics(&duckdb, zero, 1, "float");
    CHECK_STRING(line_of(&file, 1), " lower 00000080 upper 00000000");
}

static void inexact_bounds_still_bound(void) {
    static const Built text = {.type = 6, .converted = 0};
    static const Built bytes = {.type = 6, .converted = -1};
    static const struct {
        const char *bounds; /* min and max alike */
        size_t size;
        int inexact;
        bool is_text;
        const char *line;
    } cases[] = {
        {"abc", 3, 0, true, " lower 616263 upper 616263"},
        {"abc", 3, 3, true, " lower 616263 upper 616264"}, /* may be the head of something */
        {"abcdefghijklmnopqrst", 20, 0, true,
         " lower 6162636465666768696a6b6c6d6e6f70 upper 6162636465666768696a6b6c6d6e6f71"},
        {"ab\xC3", 3, 0, true, " lower 6162 upper 6163"},            /* cut inside a code point */
        {"\xF4\x8F\xBF\xBF", 4, 2, true, " lower f48fbfbf upper -"}, /* nothing is above */
        {"\xED\x9F\xBF", 3, 2, true, " lower ed9fbf upper ee8080"},  /* over the surrogates */
        {"", 0, 0, true, " lower empty upper empty"},
        {"", 0, 2, true, " lower empty upper -"},
        {"a\xff", 2, 2, false, " lower 61ff upper 62"},
        {"\xff\xff", 2, 2, false, " lower ffff upper -"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin();
        Bounds bounds = {cases[i].bounds, cases[i].bounds, cases[i].size, 0, -1, cases[i].inexact};
        TarnDataFile file = built_metrics(cases[i].is_text ? &text : &bytes, &bounds, 1,
                                          cases[i].is_text ? "string" : "binary");
        CHECK_STRING(line_of(&file, 1), cases[i].line);
    }
}

static const struct {
    Built built;
    const char *bounds;
    size_t size;
    const char *type;
    const char *line;
} forms[] = {
    /* DECIMAL(30,2) in 16 bytes, in 20, in bytes of any length; -1 and 256 */
    {{.type = 7, .length = 16, .converted = 5},
     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
     16,
     "decimal(30,2)",
     " lower ff upper ff"},
    {{.type = 7, .length = 20, .converted = 5},
     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0",
     20,
     "decimal(30,2)",
     " lower 0100 upper 0100"},
    {{.type = 7, .length = 20, .converted = 5},
     "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0",
     20,
     "decimal(30,2)",
     " lower - upper -"},
    {{.type = 6, .converted = 5}, "\0\x80", 2, "decimal(30,2)", " lower 0080 upper 0080"},
    {{.type = 6, .converted = 5}, "", 0, "decimal(30,2)", " lower - upper -"},
    /* outside of the type: 2^127 - 1 has 39 digits, and no day 2^31 milliseconds */
    {{.type = 7, .length = 16, .converted = 5},
     "\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
     16,
     "decimal(30,2)",
     " lower - upper -"},
    {{.type = 1, .converted = 7}, "\xff\xff\xff\x7f", 4, "time", " lower - upper -"},
    {{.type = 2, .converted = 5},
     "\xff\xff\xff\xff\xff\xff\xff\xff",
     8,
     "decimal(30,2)",
     " lower ff upper ff"},
    /* UINT_32 as long, UINT_64 beyond long */
    {{.type = 1, .converted = 13},
     "\xff\xff\xff\xff",
     4,
     "long",
     " lower ffffffff00000000 upper ffffffff00000000"},
    /* milliseconds to microseconds, and out of range */
    {{.type = 2, .converted = 9},
     "\xff\xff\xff\xff\xff\xff\xff\xff",
     8,
     "timestamp",
     " lower 18fcffffffffffff upper 18fcffffffffffff"},
    {{.type = 2, .converted = 9}, "\0\0\0\0\0\0\0\x40", 8, "timestamptz", " lower - upper -"},
    {{.type = 1, .converted = 7},
     "\1\0\0\0",
     4,
     "time",
     " lower e803000000000000 upper e803000000000000"},
    /* a date that became a timestamp */
    {{.type = 1, .converted = 6},
     "\1\0\0\0",
     4,
     "timestamp",
     " lower 0060d71d14000000 upper 0060d71d14000000"},
    /* INT96 has no bounds */
    {{.type = 3, .converted = -1}, "abcdefghijkl", 12, "timestamp", " lower - upper -"},
    /* FLOAT16: -1.5, the smallest subnormal */
    {{.type = 7, .length = 2, .converted = -1, .logical = 15},
     "\x00\xbe",
     2,
     "float",
     " lower 0000c0bf upper 0000c0bf"},
    {{.type = 7, .length = 2, .converted = -1, .logical = 15},
     "\x01\x00",
     2,
     "double",
     " lower 000000000000703e upper 000000000000703e"},
    {{.type = 7, .length = 2, .converted = -1, .logical = 15},
     "\x00\x7e",
     2,
     "float",
     " lower - upper -"},
    {{.type = 0, .converted = -1}, "\1", 1, "boolean", " lower 01 upper 01"},
    {{.type = 7, .length = 3, .converted = -1}, "abc", 3, "fixed[3]", " lower 616263 upper 616263"},
    {{.type = 7, .length = 3, .converted = -1}, "ab", 2, "fixed[3]", " lower - upper -"},
};

static void values_change_their_form(void) {
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        begin();
        Bounds bounds = {forms[i].bounds, forms[i].bounds, forms[i].size, 0, -1, 0};
        TarnDataFile file = built_metrics(&forms[i].built, &bounds, 1, forms[i].type);
        CHECK_STRING(line_of(&file, 1), forms[i].line);
    }
}

static void finer_times_are_rounded_outward(void) {
    begin();
    TarnFileMetricsOptions options = {
        .schema = columns("1 ns timestamp; 2 t64n time; 3 ns2 timestamp")};
    TarnDataFile file = fill(parse_file(PYARROW), &options); /* -5 .. 24 and 0 .. 29 nanoseconds */
    CHECK_STRING(line_of(&file, 1), " lower ffffffffffffffff upper 0100000000000000");
    CHECK_STRING(line_of(&file, 2), " lower 0000000000000000 upper 0100000000000000");
}

static void one_id_for_two_columns_is_refused(void) {
    begin();
    Build build;
    build_init(&build);
    build_begin(&build);
    build_i32(&build, 1, 2);
    build_list(&build, 2, 12, 4);
    build_group(&build, "schema", -1, 3);
    for (int i = 0; i < 3; i++) {
        build_begin(&build);
        build_i32(&build, 1, 1);
        build_i32(&build, 3, 1);
        build_text(&build, 4, i == 0 ? "a" : i == 1 ? "b" : "c");
        build_i32(&build, 9, 1);
        build_end(&build);
    }
    build_i64(&build, 3, 0);
    build_list(&build, 4, 12, 0);
    build_end(&build);
    size_t size = 0;
    char *bytes = build_file(&build, &size);
    TarnDataFile file = {.path = {NULL, 0}};
    TarnFileMetricsOptions options = {.schema = columns("1 a int")};
    CHECK(!tarn_table_file_metrics_fill(parse_bytes((TarnText){bytes, size}), "f", &options, &arena,
                                        &file, &error));
    CHECK_INT(error.code, TARN_E_FORMAT_CORRUPT);
    CHECK(strstr(error.message, "field id 1") != NULL);
    free(bytes);
    tarn_base_buffer_dispose(&build.bytes);
}

static void memory_may_run_out_anywhere(void) {
    begin();
    TarnText json = read_test_file("file_metrics/duckdb.json");
    TarnFileMetricsOptions options = {.schema = parse_schema(tarn_base_text_string(&arena, json))};
    const TarnParquetFooter *footer = parse_file(DUCKDB);
    bool done = false;
    for (size_t limit = 0; limit < (1u << 20) && !done; limit += 64) {
        TarnArena small;
        TarnDataFile file = {.path = {NULL, 0}};
        tarn_base_arena_init(&small, limit);
        done = tarn_table_file_metrics_fill(footer, "f", &options, &small, &file, &error);
        if (!done) CHECK_INT(error.code, TARN_E_OUT_OF_MEMORY);
        tarn_base_arena_dispose(&small);
    }
    CHECK(done);
    done = false;
    for (size_t limit = 0; limit < (1u << 20) && !done; limit += 64) {
        TarnArena small;
        TarnSchema schema;
        int32_t last;
        bool has_ids;
        tarn_base_arena_init(&small, limit);
        done = tarn_table_schema_from_footer(footer, "f", TARN_FILE_SCHEMA_LOAD, &small, &schema,
                                             &last, &has_ids, &error);
        if (!done) CHECK_INT(error.code, TARN_E_OUT_OF_MEMORY);
        tarn_base_arena_dispose(&small);
    }
    CHECK(done);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(metrics_of_duckdb);
    TAP_TEST(metrics_of_pyarrow);
    TAP_TEST(modes_follow_the_properties);
    TAP_TEST(wide_tables_are_limited);
    TAP_TEST(files_without_ids_are_mapped_by_name);
    TAP_TEST(refuses_columns_of_another_type);
    TAP_TEST(missing_numbers_stay_unknown);
    TAP_TEST(nan_counts_depend_on_the_writer);
    TAP_TEST(inexact_bounds_still_bound);
    TAP_TEST(values_change_their_form);
    TAP_TEST(finer_times_are_rounded_outward);
    TAP_TEST(one_id_for_two_columns_is_refused);
    TAP_TEST(memory_may_run_out_anywhere);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
