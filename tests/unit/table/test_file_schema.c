/* Schemas of tables from Parquet files: real ones, and the old forms of lists and maps. */
#include "../format/parquet_build.h"
#include "table/file_metrics.h"

static TarnArena arena;
static TarnError error;

static void begin(void) {
    tarn_base_arena_dispose(&arena);
    tarn_base_arena_init(&arena, 64u << 20);
    tarn_base_error_clear(&error);
}

static const char *schema_text(const TarnSchema *schema) {
    TarnBuffer out;
    TarnJsonWriter writer;
    tarn_base_buffer_init(&out, 1u << 20);
    tarn_base_json_writer_init(&writer, &out, 0);
    tarn_table_schema_to_json(schema, &writer);
    const char *text = tarn_base_arena_string(&arena, out.data);
    tarn_base_buffer_dispose(&out);
    return text;
}

/* ---- real files ---- */

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

static bool make_schema(TarnText file, TarnFileSchemaUse use, TarnSchema *schema, int32_t *last,
                        bool *has_ids) {
    TarnParquetFooter *footer = NULL;
    CHECK_OK(tarn_format_parquet_footer_parse(file, file.size, "f", &arena, &footer, &error),
             &error);
    if (footer == NULL) exit(1);
    return tarn_table_schema_from_footer(footer, "f", use, &arena, schema, last, has_ids, &error);
}

static void keeps_the_ids_of_a_file(void) {
    TarnSchema schema;
    int32_t last = 0;
    bool has_ids = false;
    begin();
    TarnText file = read_test_file("../format/parquet_footer/duckdb.parquet");
    REQUIRE_OK(make_schema(file, TARN_FILE_SCHEMA_REGISTER, &schema, &last, &has_ids), &error);
    CHECK(has_ids);
    CHECK_INT(last, 25);
    TarnText json = tarn_base_text_trim(read_test_file("file_metrics/duckdb.json"));
    CHECK_STRING(schema_text(&schema), tarn_base_text_string(&arena, json));
}

static void gives_ids_to_a_file_without(void) {
    TarnSchema schema;
    int32_t last = 0;
    bool has_ids = true;
    begin();
    TarnText file = read_test_file("../format/parquet_footer/empty.parquet");
    REQUIRE_OK(make_schema(file, TARN_FILE_SCHEMA_LOAD, &schema, &last, &has_ids), &error);
    CHECK(!has_ids);
    CHECK_INT(last, 2);
    CHECK_STRING(schema_text(&schema),
                 "{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"i16\","
                 "\"required\":false,\"type\":\"int\"},{\"id\":2,\"name\":\"str\",\"required\":"
                 "false,\"type\":\"string\"}]}");
    file = read_test_file("../format/parquet_footer/pyarrow.parquet");
    CHECK(!make_schema(file, TARN_FILE_SCHEMA_LOAD, &schema, &last, &has_ids));
    CHECK_INT(error.code, TARN_E_SCHEMA_CHANGE_REFUSED);
    CHECK(strstr(error.message, "\"u64\"") != NULL);
    CHECK(strstr(error.hint, "DECIMAL(20, 0)") != NULL);
}

/* ---- built schemas: one line a node, in the notation of Parquet's documents ---- */

typedef struct Node {
    const char *name;
    int repetition; /* 0 required, 1 optional, 2 repeated */
    int type;       /* parquet.thrift's; -1 = group */
    int children;
    int converted; /* -1 = none */
    int logical;   /* 0 = none, else the union's field */
    int argument;  /* TIMESTAMP, TIME: 1 millis, 2 micros, 3 nanos, plus 10 if of UTC;
                      INTEGER: bits, below 0 = unsigned; DECIMAL: precision; FIXED: length */
    int field_id;
} Node;

static void build_logical(Build *build, const Node *node) {
    build_struct(build, 10);
    build_struct(build, node->logical);
    if (node->logical == 5) {
        build_i32(build, 1, 2);
        build_i32(build, 2, node->argument);
    } else if (node->logical == 7 || node->logical == 8) {
        build_bool(build, 1, node->argument > 10);
        build_struct(build, 2);
        build_struct(build, node->argument % 10);
        build_end(build);
        build_end(build);
    } else if (node->logical == 10) {
        int bits = node->argument < 0 ? -node->argument : node->argument;
        build_field(build, 1, 3);
        tarn_base_buffer_byte(&build->bytes, (uint8_t)bits);
        build_bool(build, 2, node->argument > 0);
    } else if (node->logical == 18 && node->argument > 0) {
        build_text(build, 1, "srid:4326");
        build_i32(build, 2, node->argument);
    }
    build_end(build);
    build_end(build);
}

static TarnText build_schema(const Node *nodes, size_t count, int top) {
    Build build;
    build_init(&build);
    build_begin(&build);
    build_i32(&build, 1, 2);
    build_list(&build, 2, 12, count + 1);
    build_group(&build, "schema", -1, top);
    for (size_t i = 0; i < count; i++) {
        const Node *node = &nodes[i];
        build_begin(&build);
        if (node->type >= 0) build_i32(&build, 1, node->type);
        if (node->type == 7) build_i32(&build, 2, node->argument);
        build_i32(&build, 3, node->repetition);
        build_text(&build, 4, node->name);
        if (node->type < 0) build_i32(&build, 5, node->children);
        if (node->converted >= 0) build_i32(&build, 6, node->converted);
        if (node->field_id != 0) build_i32(&build, 9, node->field_id);
        if (node->logical > 0) build_logical(&build, node);
        build_end(&build);
    }
    build_i64(&build, 3, 0);
    build_list(&build, 4, 12, 0);
    build_end(&build);
    size_t size = 0;
    char *file = build_file(&build, &size);
    TarnText kept = {tarn_base_arena_copy(&arena, file, size), size};
    free(file);
    tarn_base_buffer_dispose(&build.bytes);
    return kept;
}

/* Types of the top-level columns as SQL, "; " between; or the refusal. */
static const char *types_of(const Node *nodes, size_t count, int top, TarnFileSchemaUse use) {
    TarnSchema schema;
    int32_t last = 0;
    bool has_ids = false;
    TarnBuffer out;
    if (!make_schema(build_schema(nodes, count, top), use, &schema, &last, &has_ids)) {
        CHECK_INT(error.code, TARN_E_SCHEMA_CHANGE_REFUSED);
        return error.message;
    }
    tarn_base_buffer_init(&out, 1u << 16);
    TarnJsonWriter writer;
    for (size_t i = 0; i < schema.field_count; i++) {
        CHECK(!schema.fields[i].required);
        tarn_base_json_writer_init(&writer, &out, 0);
        if (i > 0) tarn_base_buffer_string(&out, "; ");
        tarn_table_type_to_json(&schema.fields[i].type, &writer);
    }
    const char *text = tarn_base_arena_string(&arena, out.data);
    tarn_base_buffer_dispose(&out);
    return text;
}

static void maps_every_primitive_type(void) {
    static const struct {
        Node node;
        const char *type; /* or words of the refusal */
    } cases[] = {
        {{"a", 1, 0, 0, -1, 0, 0, 0}, "\"boolean\""},
        {{"a", 1, 1, 0, -1, 0, 0, 0}, "\"int\""},
        {{"a", 1, 2, 0, -1, 0, 0, 0}, "\"long\""},
        {{"a", 1, 3, 0, -1, 0, 0, 0}, "\"timestamptz\""},
        {{"a", 1, 4, 0, -1, 0, 0, 0}, "\"float\""},
        {{"a", 1, 5, 0, -1, 0, 0, 0}, "\"double\""},
        {{"a", 1, 6, 0, -1, 0, 0, 0}, "\"binary\""},
        {{"a", 1, 7, 0, -1, 0, 9, 0}, "\"fixed[9]\""},
        {{"a", 1, 6, 0, 0, 0, 0, 0}, "\"string\""},
        {{"a", 1, 6, 0, 4, 0, 0, 0}, "\"string\""},
        {{"a", 1, 6, 0, 19, 0, 0, 0}, "\"string\""},
        {{"a", 1, 6, 0, 20, 0, 0, 0}, "\"binary\""},
        {{"a", 1, 1, 0, 6, 0, 0, 0}, "\"date\""},
        {{"a", 1, 1, 0, 7, 0, 0, 0}, "\"time\""},
        {{"a", 1, 2, 0, 8, 0, 0, 0}, "\"time\""},
        {{"a", 1, 2, 0, 9, 0, 0, 0}, "\"timestamptz\""}, /* a converted type means UTC */
        {{"a", 1, 2, 0, 10, 0, 0, 0}, "\"timestamptz\""},
        {{"a", 1, 1, 0, 11, 0, 0, 0}, "\"int\""},
        {{"a", 1, 1, 0, 12, 0, 0, 0}, "\"int\""},
        {{"a", 1, 1, 0, 13, 0, 0, 0}, "\"long\""},
        {{"a", 1, 2, 0, 14, 0, 0, 0}, "is INT64 INTEGER(U64), which Iceberg has no equal for"},
        {{"a", 1, 1, 0, 15, 0, 0, 0}, "\"int\""},
        {{"a", 1, 7, 0, 21, 0, 12, 0}, "INTERVAL, which Iceberg has no equal for"},
        {{"a", 1, 2, 0, -1, 8, 1, 0}, "\"timestamp\""},
        {{"a", 1, 2, 0, -1, 8, 12, 0}, "\"timestamptz\""},
        {{"a", 1, 2, 0, -1, 8, 3, 0}, "\"timestamp_ns\""},
        {{"a", 1, 2, 0, -1, 8, 13, 0}, "\"timestamptz_ns\""},
        {{"a", 1, 1, 0, -1, 8, 1, 0}, "is INT32 TIMESTAMP"},
        {{"a", 1, 2, 0, -1, 7, 3, 0}, "\"time\""},
        {{"a", 1, 2, 0, -1, 6, 0, 0}, "is INT64 DATE"},
        {{"a", 1, 2, 0, -1, 10, -64, 0}, "INTEGER(U64)"},
        {{"a", 1, 1, 0, -1, 10, -32, 0}, "\"long\""},
        {{"a", 1, 2, 0, -1, 5, 18, 0}, "\"decimal(18,2)\""},
        {{"a", 1, 6, 0, -1, 5, 38, 0}, "\"decimal(38,2)\""},
        {{"a", 1, 6, 0, -1, 5, 39, 0}, "DECIMAL(39,2)"},
        {{"a", 1, 7, 0, -1, 14, 16, 0}, "\"uuid\""},
        {{"a", 1, 7, 0, -1, 14, 15, 0}, "UUID, which Iceberg has no equal for"},
        {{"a", 1, 7, 0, -1, 15, 2, 0}, "\"float\""},
        {{"a", 1, 1, 0, -1, 11, 0, 0}, "\"unknown\""},
        {{"a", 1, 6, 0, -1, 17, 0, 0}, "\"geometry\""},
        {{"a", 1, 6, 0, -1, 18, 4, 0}, "\"geography(srid:4326, karney)\""},
        {{"a", 1, 6, 0, -1, 99, 0, 0}, "\"binary\""}, /* a kind from the future */
        {{"a", 1, 1, 0, -1, 99, 0, 0}, "is INT32 of an unknown kind"},
        {{"a", 1, -1, 0, -1, 0, 0, 0}, "is a group without fields"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin();
        const char *found = types_of(&cases[i].node, 1, 1, TARN_FILE_SCHEMA_LOAD);
        if (cases[i].type[0] == '"') {
            CHECK_STRING(found, cases[i].type);
        } else if (strstr(found, cases[i].type) == NULL) {
            CHECK_STRING(found, cases[i].type);
        }
    }
}

#define LIST_OF(element)                                                                           \
    "{\"type\":\"list\",\"element-id\":2,\"element\":" element ",\"element-required\":false}"

static const struct {
    Node nodes[5];
    size_t count;
    bool is_legacy;
    const char *type;
} list_forms[] = {
    /* three levels, whatever they are called */
    {{{"l", 1, -1, 1, 3, 0, 0, 0},
      {"list", 2, -1, 1, -1, 0, 0, 0},
      {"element", 1, 6, 0, 0, 0, 0, 0}},
     3,
     false,
     LIST_OF("\"string\"")},
    {{{"l", 1, -1, 1, -1, 3, 0, 0},
      {"bag", 2, -1, 1, -1, 0, 0, 0},
      {"array_element", 0, 1, 0, -1, 0, 0, 0}},
     3,
     false,
     LIST_OF("\"int\"")},
    /* rule 1: a repeated column */
    {{{"l", 1, -1, 1, 3, 0, 0, 0}, {"element", 2, 1, 0, -1, 0, 0, 0}}, 2, true, LIST_OF("\"int\"")},
    /* rule 2: a repeated group of two fields */
    {{{"l", 1, -1, 1, 3, 0, 0, 0},
      {"element", 2, -1, 2, -1, 0, 0, 0},
      {"s", 0, 6, 0, 0, 0, 0, 0},
      {"n", 0, 1, 0, -1, 0, 0, 0}},
     4,
     true,
     LIST_OF("{\"type\":\"struct\",\"fields\":[{\"id\":3,\"name\":\"s\",\"required\":false,"
             "\"type\":\"string\"},{\"id\":4,\"name\":\"n\",\"required\":false,\"type\":"
             "\"int\"}]}")},
    /* rule 3: a repeated list */
    {{{"l", 1, -1, 1, 3, 0, 0, 0},
      {"array", 2, -1, 1, 3, 0, 0, 0},
      {"array", 2, 1, 0, -1, 0, 0, 0}},
     3,
     true,
     LIST_OF("{\"type\":\"list\",\"element-id\":3,\"element\":\"int\",\"element-required\":"
             "false}")},
    /* rule 4: "array" and "<list>_tuple" are the element itself */
    {{{"l", 1, -1, 1, 3, 0, 0, 0}, {"array", 2, -1, 1, -1, 0, 0, 0}, {"s", 0, 6, 0, 0, 0, 0, 0}},
     3,
     true,
     LIST_OF("{\"type\":\"struct\",\"fields\":[{\"id\":3,\"name\":\"s\",\"required\":false,"
             "\"type\":\"string\"}]}")},
    {{{"my_list", 1, -1, 1, 3, 0, 0, 0},
      {"my_list_tuple", 2, -1, 1, -1, 0, 0, 0},
      {"s", 0, 6, 0, 0, 0, 0, 0}},
     3,
     true,
     LIST_OF("{\"type\":\"struct\",\"fields\":[{\"id\":3,\"name\":\"s\",\"required\":false,"
             "\"type\":\"string\"}]}")},
    {{{"l", 1, -1, 1, 3, 0, 0, 0},
      {"my_list_tuple", 2, -1, 1, -1, 0, 0, 0},
      {"s", 0, 6, 0, 0, 0, 0, 0}},
     3,
     false,
     LIST_OF("\"string\"")},
    /* a repeated column of its own */
    {{{"l", 2, 1, 0, -1, 0, 0, 0}}, 1, true, LIST_OF("\"int\"")},
    {{{"l", 2, -1, 1, -1, 0, 0, 0}, {"x", 1, 2, 0, -1, 0, 0, 0}},
     2,
     true,
     LIST_OF("{\"type\":\"struct\",\"fields\":[{\"id\":3,\"name\":\"x\",\"required\":false,"
             "\"type\":\"long\"}]}")},
};

static void reads_every_form_of_lists(void) {
    for (size_t i = 0; i < sizeof(list_forms) / sizeof(list_forms[0]); i++) {
        begin();
        CHECK_STRING(types_of(list_forms[i].nodes, list_forms[i].count, 1, TARN_FILE_SCHEMA_LOAD),
                     list_forms[i].type);
        const char *found = types_of(list_forms[i].nodes, list_forms[i].count, 1,
                                     TARN_FILE_SCHEMA_REGISTER);
        if (list_forms[i].is_legacy) {
            CHECK(strstr(found, "old two-level form") != NULL);
        } else {
            CHECK_STRING(found, list_forms[i].type);
        }
    }
}

static void reads_maps_structs_and_variants(void) {
    static const struct {
        Node nodes[5];
        size_t count;
        const char *type;
    } cases[] = {
        {{{"m", 1, -1, 1, 1, 0, 0, 0},
          {"map", 2, -1, 2, 2, 0, 0, 0},
          {"str", 0, 6, 0, 0, 0, 0, 0},
          {"num", 1, 1, 0, -1, 0, 0, 0}},
         4,
         "{\"type\":\"map\",\"key-id\":2,\"key\":\"string\",\"value-id\":3,\"value\":\"int\","
         "\"value-required\":false}"},
        {{{"m", 1, -1, 1, 2, 0, 0, 0},
          {"map", 2, -1, 2, -1, 0, 0, 0},
          {"key", 0, 1, 0, -1, 0, 0, 0},
          {"value", 1, 5, 0, -1, 0, 0, 0}},
         4,
         "{\"type\":\"map\",\"key-id\":2,\"key\":\"int\",\"value-id\":3,\"value\":\"double\","
         "\"value-required\":false}"},
        {{{"v", 1, -1, 2, -1, 16, 0, 0},
          {"metadata", 0, 6, 0, -1, 0, 0, 0},
          {"value", 1, 6, 0, -1, 0, 0, 0}},
         3,
         "\"variant\""},
        {{{"m", 1, -1, 1, 1, 0, 0, 0}, {"map", 2, -1, 1, -1, 0, 0, 0}, {"k", 0, 6, 0, 0, 0, 0, 0}},
         3,
         "does not have its form"},
        {{{"m", 1, -1, 2, 1, 0, 0, 0}, {"k", 0, 1, 0, -1, 0, 0, 0}, {"v", 0, 1, 0, -1, 0, 0, 0}},
         3,
         "does not have its form"},
        {{{"l", 1, -1, 1, 3, 0, 0, 0},
          {"list", 1, -1, 1, -1, 0, 0, 0},
          {"x", 1, 1, 0, -1, 0, 0, 0}},
         3,
         "does not have its form"},
        {{{"l", 1, -1, 0, 3, 0, 0, 0}}, 1, "does not have its form"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin();
        const char *found = types_of(cases[i].nodes, cases[i].count, 1, TARN_FILE_SCHEMA_LOAD);
        if (strstr(found, cases[i].type) == NULL) CHECK_STRING(found, cases[i].type);
    }
}

static void ids_must_be_whole_and_unique(void) {
    static const struct {
        Node nodes[2];
        bool has_ids;
        int32_t last;
    } cases[] = {
        {{{"a", 1, 1, 0, -1, 0, 0, 7}, {"b", 1, 1, 0, -1, 0, 0, 3}}, true, 7},
        {{{"a", 1, 1, 0, -1, 0, 0, 7}, {"b", 1, 1, 0, -1, 0, 0, 7}}, false, 2},
        {{{"a", 1, 1, 0, -1, 0, 0, 7}, {"b", 1, 1, 0, -1, 0, 0, 0}}, false, 2},
        {{{"a", 1, 1, 0, -1, 0, 0, 7}, {"b", 1, 1, 0, -1, 0, 0, -1}}, false, 2},
        {{{"a", 1, 1, 0, -1, 0, 0, 7}, {"b", 1, 1, 0, -1, 0, 0, INT32_MAX}}, false, 2},
        {{{"a", 2, 1, 0, -1, 0, 0, 7}, {"b", 2, 1, 0, -1, 0, 0, 8}}, false, 4},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnSchema schema;
        int32_t last = 0;
        bool has_ids = false;
        begin();
        REQUIRE_OK(make_schema(build_schema(cases[i].nodes, 2, 2), TARN_FILE_SCHEMA_LOAD, &schema,
                               &last, &has_ids),
                   &error);
        CHECK_INT(has_ids, cases[i].has_ids);
        CHECK_INT(last, cases[i].last);
    }
    static const Node refused[] = {{"a", 1, 3, 0, -1, 0, 0, 0}, {"h", 1, 7, 0, -1, 15, 2, 0}};
    begin();
    CHECK(strstr(types_of(refused, 1, 1, TARN_FILE_SCHEMA_REGISTER), "INT96") != NULL);
    CHECK(strstr(types_of(refused + 1, 1, 1, TARN_FILE_SCHEMA_REGISTER), "FLOAT16") != NULL);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(keeps_the_ids_of_a_file);
    TAP_TEST(gives_ids_to_a_file_without);
    TAP_TEST(maps_every_primitive_type);
    TAP_TEST(reads_every_form_of_lists);
    TAP_TEST(reads_maps_structs_and_variants);
    TAP_TEST(ids_must_be_whole_and_unique);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
