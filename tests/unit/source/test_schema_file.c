/* Declared schemas: .avsc files and JSON Schemas become columns, or are refused with a place. */
#include "source_test.h"

static const char *read_schema(const char *name, const char *content) {
    TarnColumn *columns;
    size_t count;
    const char *path = write_file(name, content, strlen(content));
    tarn_base_error_clear(&failure);
    if (tarn_source_schema_file(tarn_os_posix(), path, &test_arena, &columns, &count, &failure)) {
        return text_of_columns(columns, count);
    }
    return tarn_base_arena_printf(&test_arena, "%u:%u %s", failure.line, failure.column,
                                  failure.message);
}
#define CHECK_SCHEMA(name, content, wanted) CHECK_STRING(read_schema(name, content), wanted)

static void avro_schemas(void) {
    CHECK_SCHEMA("a.avsc",
                 "{\"type\":\"record\",\"name\":\"r\",\"fields\":["
                 "{\"name\":\"a\",\"type\":\"int\",\"doc\":\"x\",\"default\":1},"
                 "{\"name\":\"b\",\"type\":[\"null\",\"string\"]},"
                 "{\"name\":\"c\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\","
                 "\"precision\":9,\"scale\":2}},"
                 "{\"name\":\"d\",\"type\":{\"type\":\"long\","
                 "\"logicalType\":\"timestamp-millis\"}},"
                 "{\"name\":\"e\",\"type\":{\"type\":\"long\","
                 "\"logicalType\":\"local-timestamp-micros\"}},"
                 "{\"name\":\"f\",\"type\":{\"type\":\"array\",\"items\":[\"null\",\"double\"]}},"
                 "{\"name\":\"g\",\"type\":[{\"type\":\"map\",\"values\":\"float\"},\"null\"]},"
                 "{\"name\":\"h\",\"type\":{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"X\"]}},"
                 "{\"name\":\"i\",\"type\":{\"type\":\"fixed\",\"name\":\"f\",\"size\":4}},"
                 "{\"name\":\"j\",\"type\":{\"type\":\"string\",\"logicalType\":\"uuid\"}},"
                 "{\"name\":\"k\",\"type\":[\"null\",{\"type\":\"record\","
                 "\"name\":\"q\",\"fields\":["
                 "{\"name\":\"x\",\"type\":\"boolean\"}]}]},"
                 "{\"name\":\"l\",\"type\":{\"type\":\"int\",\"logicalType\":\"date\"}}]}",
                 "a int! 'x', b string, c decimal(9,2)!, d timestamptz!, e timestamp!, "
                 "f list<double>!, g map<string!, float!>, h string!, i fixed[4]!, j uuid!, "
                 "k struct<x boolean!>, l date!");
    CHECK_SCHEMA("a.avsc",
                 "{\"type\":\"record\",\"name\":\"r\",\"doc\":\"all\",\"fields\":["
                 "{\"name\":\"a\",\"doc\":\"out\",\"type\":{\"type\":\"record\","
                 "\"name\":\"q\",\"fields\":["
                 "{\"name\":\"x\",\"type\":\"int\",\"doc\":\"in\"}]}},"
                 "{\"name\":\"b\",\"type\":\"int\",\"doc\":\"\"}]}",
                 "a struct<x int! 'in'>! 'out', b int!");
    CHECK_SCHEMA("a.avsc",
                 "{\"type\":\"record\",\"name\":\"r\",\n\"fields\":[\n"
                 " {\"name\":\"a\",\"type\":[\"int\",\"string\"]}]}",
                 "3:21 \"a\" cannot be a column: a union of several types has no column type");
    CHECK_INT(failure.code, TARN_E_SCHEMA_FILE_INVALID);
    CHECK(strstr(failure.file, "a.avsc") != NULL);
    (void)read_schema("a.avsc", "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":1}]}");
    CHECK_INT(failure.code, TARN_E_SCHEMA_FILE_INVALID);
    (void)read_schema("a.avsc", "\"int\"");
    CHECK_INT(failure.code, TARN_E_SCHEMA_FILE_INVALID);
    (void)read_schema("a.avsc", "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"r\","
                                "\"type\":[\"null\",\"r\"]}]}");
    CHECK_INT(failure.code, TARN_E_SCHEMA_FILE_INVALID);
    (void)read_schema("a.avsc", "{");
    CHECK(failure.line == 1 && failure.column > 0);
}

static void json_schemas(void) {
    CHECK_SCHEMA("a.json",
                 "{\"$schema\":\"x\",\"title\":\"t\",\"type\":\"object\","
                 "\"required\":[\"a\",\"e\"],"
                 "\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"number\"},"
                 "\"c\":{\"type\":\"string\",\"format\":\"date\"},"
                 "\"d\":{\"type\":\"string\",\"format\":\"date-time\"},"
                 "\"e\":{\"type\":[\"string\",\"null\"]},"
                 "\"f\":{\"type\":\"array\",\"items\":{\"type\":\"boolean\"}},"
                 "\"g\":{\"properties\":{\"x\":{\"type\":\"string\",\"format\":\"uuid\"}},"
                 "\"required\":[\"x\"],\"additionalProperties\":false},"
                 "\"h\":{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"integer\","
                 "\"null\"]}},\"i\":{\"type\":\"string\",\"contentEncoding\":\"base64\"}}}",
                 "a long!, b double, c date, d timestamptz, e string, f list<boolean!>, "
                 "g struct<x uuid!>, h map<string!, long>, i binary");
    CHECK_SCHEMA("a.json", "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":"
                           "{\"a\":{\"type\":\"null\"}}}}",
                 "a string");
    CHECK_SCHEMA("a.json", "{\"description\":\"all\",\"properties\":{"
                           "\"a\":{\"description\":\"out\",\"properties\":{"
                           "\"x\":{\"type\":\"number\",\"description\":\"in\"}}},"
                           "\"b\":{\"type\":\"number\",\"description\":\"\"}}}",
                 "a struct<x double 'in'> 'out', b double");
}

static void json_schemas_that_are_refused(void) {
    static const char *const bad[][2] = {
        {"{\"type\":\"object\",\n\"properties\":{\"a\":{\"type\":\"string\",\n \"enum\":[\"x\"]}}}",
         "3:2 the keyword \"enum\" is not supported"},
        {"{\"properties\":{\"a\":{\"type\":\"string\",\"pattern\":\"x\"}}}",
         "1:37 the keyword \"pattern\" is not supported"},
        {"{\"properties\":{\"a\":{\"type\":\"text\"}}}", "1:28 there is no such type"},
        {"{\"properties\":{\"a\":{\"type\":[\"string\",\"integer\"]}}}",
         "1:38 a column can have one type, and null"},
        {"{\"properties\":{\"a\":{\"type\":\"string\",\"format\":\"email\"}}}",
         "1:46 the format is not known"},
        {"{\"properties\":{\"a\":{\"type\":\"integer\",\"format\":\"date\"}}}",
         "1:47 a format is for strings"},
        {"{\"properties\":{\"a\":{\"type\":\"integer\"}},\"required\":[\"b\"]}",
         "1:52 a required property is not among the properties"},
        {"{\"properties\":{\"a\":{}}}", "1:20 a type is missing"},
        {"{\"properties\":{\"a\":{\"type\":\"array\"}}}", "1:20 an array needs \"items\""},
        {"{\"properties\":{\"a\":{\"type\":\"object\"}}}",
         "1:20 an object needs \"properties\", or \"additionalProperties\" with a type"},
        {"{\"properties\":{\"a\":true}}", "1:20 a schema is an object"},
        {"{\"properties\":{\"a\":{\"type\":\"null\",\"description\":1}}}",
         "1:49 a description must be a text"},
        {"{\"properties\":{}}", "1:15 \"properties\" must be an object that has some"},
        {"{\"type\":\"string\"}", "1:1 the schema of a row is an object with \"properties\""},
        {"[]", "1:1 a schema is an object"},
        {"{\"properties\":{\"a\":{\"type\":\"null\"},\"A\":{\"type\":\"null\"}}}",
         "1:1 two columns are named \"A\" but for the case of their letters"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_SCHEMA("a.json", bad[i][0], bad[i][1]);
        CHECK_INT(failure.code, TARN_E_SCHEMA_FILE_INVALID);
    }
    TarnBuffer deep;
    tarn_base_buffer_init(&deep, TARN_MIB);
    for (int i = 0; i < 40; i++) tarn_base_buffer_string(&deep, "{\"properties\":{\"a\":");
    tarn_base_buffer_string(&deep, "{\"type\":\"null\"}");
    for (int i = 0; i < 40; i++) tarn_base_buffer_string(&deep, "}}");
    CHECK(strncmp(read_schema("a.json", deep.data), "a struct<a struct<", 18) == 0);
    tarn_base_buffer_dispose(&deep);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    start_source();
    TAP_TEST(avro_schemas);
    TAP_TEST(json_schemas);
    TAP_TEST(json_schemas_that_are_refused);
    return end_source();
}
