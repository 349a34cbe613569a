/* Types in DuckDB's words: what it prints, what people write, what has no equal in Iceberg, and
 * that writing is the inverse of reading. */
#include "base/limits.h"
#include "table/schema.h"
#include "tap.h"

static TarnArena arena;
static TarnBuffer out;

static void fresh(void) {
    tarn_base_arena_dispose(&arena);
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    tarn_base_buffer_dispose(&out);
    tarn_base_buffer_init(&out, 4 * TARN_MIB);
}

static const char *json_of(const TarnType *type) {
    TarnJsonWriter writer;
    tarn_base_buffer_clear(&out);
    tarn_base_json_writer_init(&writer, &out, 0);
    tarn_table_type_to_json(type, &writer);
    return out.data;
}

static const char *sql_of(const TarnType *type) {
    tarn_base_buffer_clear(&out);
    tarn_table_type_to_sql(type, &out);
    return out.data;
}

static void simple_types_are_read(void) {
    fresh();
    static const char *const cases[][3] = {
        /* DuckDB's text, Iceberg's, what tarn writes */
        {"BOOLEAN", "boolean", "BOOLEAN"},
        {"TINYINT", "int", "INTEGER"},
        {"SMALLINT", "int", "INTEGER"},
        {"UTINYINT", "int", "INTEGER"},
        {"USMALLINT", "int", "INTEGER"},
        {"INTEGER", "int", "INTEGER"},
        {"UINTEGER", "long", "BIGINT"},
        {"BIGINT", "long", "BIGINT"},
        {"FLOAT", "float", "FLOAT"},
        {"DOUBLE", "double", "DOUBLE"},
        {"DECIMAL(18,3)", "decimal(18,3)", "DECIMAL(18,3)"},
        {"DECIMAL(38,38)", "decimal(38,38)", "DECIMAL(38,38)"},
        {"DATE", "date", "DATE"},
        {"TIME", "time", "TIME"},
        {"TIMESTAMP", "timestamp", "TIMESTAMP"},
        {"TIMESTAMP_S", "timestamp", "TIMESTAMP"},
        {"TIMESTAMP_MS", "timestamp", "TIMESTAMP"},
        {"TIMESTAMP_NS", "timestamp_ns", "TIMESTAMP_NS"},
        {"TIMESTAMP WITH TIME ZONE", "timestamptz", "TIMESTAMP WITH TIME ZONE"},
        {"VARCHAR", "string", "VARCHAR"},
        {"JSON", "string", "VARCHAR"},
        {"ENUM('a', 'b''c', ')')", "string", "VARCHAR"},
        {"UUID", "uuid", "UUID"},
        {"BLOB", "binary", "BLOB"},
        {"\"NULL\"", "unknown", "\"NULL\""},
        {"VARIANT", "variant", "VARIANT"},
        {"GEOMETRY", "geometry", "GEOMETRY"},
        {"GEOMETRY('OGC:CRS84')", "geometry(OGC:CRS84)", "GEOMETRY"},
        /* what people write */
        {" decimal ", "decimal(18,3)", "DECIMAL(18,3)"},
        {"Numeric( 10 )", "decimal(10,0)", "DECIMAL(10,0)"},
        {"timestamp  with\ttime zone", "timestamptz", "TIMESTAMP WITH TIME ZONE"},
        {"timestamptz", "timestamptz", "TIMESTAMP WITH TIME ZONE"},
        {"timestamp without time zone", "timestamp", "TIMESTAMP"},
        {"timestamp(3)", "timestamp", "TIMESTAMP"},
        {"timestamp(9)", "timestamp_ns", "TIMESTAMP_NS"},
        {"double precision", "double", "DOUBLE"},
        {"character varying(20)", "string", "VARCHAR"},
        {"varchar(10)", "string", "VARCHAR"},
        {"text", "string", "VARCHAR"},
        {"int8", "long", "BIGINT"},
        {"bytea", "binary", "BLOB"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnType type;
        TarnError error = {0};
        int32_t next_id = 5;
        TarnText sql = tarn_base_text(cases[i][0]);
        CHECK_OK(tarn_table_type_from_sql(sql, &next_id, &arena, &type, &error), &error);
        char want[64];
        snprintf(want, sizeof(want), "\"%s\"", cases[i][1]);
        CHECK_STRING(json_of(&type), want);
        CHECK_STRING(sql_of(&type), cases[i][2]);
        CHECK_INT(next_id, 5);
    }
}

static void nested_types_get_ids_by_level(void) {
    fresh();
    TarnType type;
    TarnError error = {0};
    int32_t next_id = 10;
    TarnText sql = TARN_TEXT(
        "STRUCT(a INTEGER, \"b c\" VARCHAR[], m MAP(VARCHAR, STRUCT(x DATE, \"q\"\"q\" "
        "DECIMAL(9,2))), \"select\" INTEGER[3][])");
    REQUIRE_OK(tarn_table_type_from_sql(sql, &next_id, &arena, &type, &error), &error);
    CHECK_STRING(
        json_of(&type),
        "{\"type\":\"struct\",\"fields\":[{\"id\":10,\"name\":\"a\",\"required\":false,\"type\":"
        "\"int\"},{\"id\":11,\"name\":\"b c\",\"required\":false,\"type\":{\"type\":\"list\","
        "\"element-id\":14,\"element\":\"string\",\"element-required\":false}},{\"id\":12,\"name\":"
        "\"m\",\"required\":false,\"type\":{\"type\":\"map\",\"key-id\":15,\"key\":\"string\","
        "\"value-id\":16,\"value\":{\"type\":\"struct\",\"fields\":[{\"id\":17,\"name\":\"x\","
        "\"required\":false,\"type\":\"date\"},{\"id\":18,\"name\":\"q\\\"q\",\"required\":false,"
        "\"type\":\"decimal(9,2)\"}]},\"value-required\":false}},{\"id\":13,\"name\":\"select\","
        "\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":19,\"element\":{\"type\":"
        "\"list\",\"element-id\":20,\"element\":\"int\",\"element-required\":false},"
        "\"element-required\":false}}]}");
    CHECK_INT(next_id, 21);
    CHECK_STRING(sql_of(&type),
                 "STRUCT(\"a\" INTEGER, \"b c\" VARCHAR[], \"m\" MAP(VARCHAR, STRUCT(\"x\" DATE, "
                 "\"q\"\"q\" DECIMAL(9,2))), \"select\" INTEGER[][])");
    TarnType again;
    next_id = 10;
    REQUIRE_OK(
        tarn_table_type_from_sql(tarn_base_buffer_view(&out), &next_id, &arena, &again, &error),
        &error);
    CHECK(tarn_table_type_equal(&type, &again));
    next_id = 1;
    REQUIRE_OK(tarn_table_type_from_sql(TARN_TEXT("row(a int array, b text ARRAY[3])"), &next_id,
                                        &arena, &type, &error),
               &error);
    CHECK_STRING(sql_of(&type), "STRUCT(\"a\" INTEGER[], \"b\" VARCHAR[])");
}

static void types_without_an_equal_are_refused(void) {
    fresh();
    static const char *const cases[][2] = {{"HUGEINT", "DECIMAL(38,0)"},
                                           {"UHUGEINT", "DECIMAL(38,0)"},
                                           {"UBIGINT", "DECIMAL(20,0)"},
                                           {"INTERVAL", "VARCHAR"},
                                           {"BIT", "BLOB"},
                                           {"BIGNUM", "DECIMAL(38,0)"},
                                           {"TIME WITH TIME ZONE", "TIME"},
                                           {"TIME_NS", "TIME"},
                                           {"UNION(a INTEGER, b VARCHAR)", "STRUCT"},
                                           {"STRUCT(a HUGEINT)", "DECIMAL(38,0)"},
                                           {"MAP(VARCHAR, INTERVAL[])[]", "VARCHAR"},
                                           {"STRUCT(INTEGER, VARCHAR)", "struct_pack"},
                                           {"STRUCT(DECIMAL(9,2))", "struct_pack"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnType type;
        TarnError error = {0};
        int32_t next_id = 1;
        TarnText sql = tarn_base_text(cases[i][0]);
        CHECK(!tarn_table_type_from_sql(sql, &next_id, &arena, &type, &error));
        CHECK_INT(error.code, TARN_E_SCHEMA_CHANGE_REFUSED);
        if (strstr(error.hint, cases[i][1]) == NULL) tap_fail(__FILE__, __LINE__, error.hint);
    }
}

static void text_that_is_no_type_is_refused(void) {
    fresh();
    static const char *const cases[] = {"",
                                        " ",
                                        "(",
                                        "INTEGR",
                                        "INTEGER INTEGER",
                                        "INTEGER)",
                                        "INTEGER[",
                                        "INTEGER[x]",
                                        "INTEGER[-1]",
                                        "DECIMAL(",
                                        "DECIMAL(0,0)",
                                        "DECIMAL(39,1)",
                                        "DECIMAL(4,5)",
                                        "DECIMAL(4,",
                                        "DECIMAL(a)",
                                        "STRUCT",
                                        "STRUCT(",
                                        "STRUCT()",
                                        "STRUCT(a)",
                                        "STRUCT(a INTEGER",
                                        "STRUCT(a INTEGER,)",
                                        "STRUCT(\"a INTEGER)",
                                        "MAP",
                                        "MAP(INTEGER)",
                                        "MAP(INTEGER, )",
                                        "MAP(INTEGER, INTEGER, INTEGER)",
                                        "ENUM",
                                        "ENUM(a)",
                                        "ENUM('a",
                                        "LIST(INTEGER)",
                                        "VARCHAR(x)",
                                        "TIMESTAMP(10)",
                                        "GEOMETRY(4326)",
                                        "[]",
                                        "INTEGER[]]",
                                        "mood",
                                        "DOUBLE PRECISION PRECISION",
                                        "\"INTEGER"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnType type;
        TarnError error = {0};
        int32_t next_id = 1;
        if (tarn_table_type_from_sql(tarn_base_text(cases[i]), &next_id, &arena, &type, &error)) {
            tap_fail(__FILE__, __LINE__, cases[i]);
        }
        bool unnamed = strcmp(cases[i], "STRUCT(a)") == 0;
        CHECK_INT(error.code, unnamed ? TARN_E_SCHEMA_CHANGE_REFUSED : TARN_E_SQL_SYNTAX);
    }
    TarnType type;
    TarnError error = {0};
    int32_t next_id = 1;
    CHECK(!tarn_table_type_from_sql(TARN_TEXT("BIGNIT"), &next_id, &arena, &type, &error));
    CHECK_STRING(error.hint, "did you mean BIGINT?");
    CHECK(!tarn_table_type_from_sql(TARN_TEXT("INTEGER\0"), &next_id, &arena, &type, &error));
    CHECK(!tarn_table_type_from_sql(TARN_TEXT("STRUCT(\"a\0b\" INTEGER)"), &next_id, &arena, &type,
                                    &error));
    CHECK(!tarn_table_type_from_sql(TARN_TEXT("STRUCT(a INTEGER, A INTEGER)"), &next_id, &arena,
                                    &type, &error));
    CHECK_INT(error.code, TARN_E_NAME_INVALID);
}

static bool nest(const char *before, const char *after, int levels, TarnError *error) {
    TarnType type;
    int32_t next_id = 1;
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, 4 * TARN_MIB);
    for (int i = 0; i < levels; i++) tarn_base_buffer_string(&sql, before);
    tarn_base_buffer_string(&sql, "INTEGER");
    for (int i = 0; i < levels; i++) tarn_base_buffer_string(&sql, after);
    bool done = tarn_table_type_from_sql(tarn_base_buffer_view(&sql), &next_id, &arena, &type,
                                         error);
    if (done) { /* then it can be written, too */
        sql_of(&type);
        CHECK(!out.failed && out.size > 0);
        json_of(&type);
        CHECK(!out.failed && out.size > 0);
    }
    tarn_base_buffer_dispose(&sql);
    return done;
}

static void nesting_has_a_limit(void) {
    fresh();
    TarnError error = {0};
    CHECK_OK(nest("", "[]", 117, &error), &error);
    CHECK(!nest("", "[]", 118, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    CHECK_OK(nest("STRUCT(a ", ")", 39, &error), &error);
    CHECK(!nest("STRUCT(a ", ")", 40, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    CHECK(!nest("MAP(INTEGER, ", ")", 5000, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    CHECK(!nest("", "[]", 100000, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
}

static void schemas_come_from_columns(void) {
    fresh();
    TarnSchema schema;
    TarnError error = {0};
    int32_t last_id;
    const char *names[] = {"id", "place"};
    TarnText types[] = {TARN_TEXT("BIGINT"), TARN_TEXT("STRUCT(lat DOUBLE, lon DOUBLE)[]")};
    REQUIRE_OK(tarn_table_schema_from_sql(names, types, 2, 2, &arena, &schema, &last_id, &error),
               &error);
    CHECK_INT(last_id, 5);
    CHECK_INT(schema.fields[1].id, 2);
    CHECK_INT(schema.fields[1].type.fields[0].id, 3);
    CHECK_INT(schema.fields[1].type.fields[0].type.fields[1].id, 5);
    tarn_base_buffer_clear(&out);
    tarn_table_schema_to_field_ids(&schema, &out);
    CHECK_STRING(out.data, "{\"id\": 1, \"place\": {__duckdb_field_id: 2, \"element\": "
                           "{__duckdb_field_id: 3, \"lat\": 4, \"lon\": 5}}}");
    types[0] = TARN_TEXT("TIMESTAMP_NS");
    CHECK(!tarn_table_schema_from_sql(names, types, 2, 2, &arena, &schema, &last_id, &error));
    CHECK_INT(error.code, TARN_E_SCHEMA_CHANGE_REFUSED);
    CHECK(strstr(error.hint, "(microseconds), or use format version 3") != NULL);
    CHECK_OK(tarn_table_schema_from_sql(names, types, 2, 3, &arena, &schema, &last_id, &error),
             &error);
    types[0] = TARN_TEXT("HUGEINT");
    CHECK(!tarn_table_schema_from_sql(names, types, 2, 3, &arena, &schema, &last_id, &error));
    CHECK(strstr(error.message, "\"id\"") != NULL);
    names[1] = "ID";
    types[0] = TARN_TEXT("INTEGER");
    CHECK(!tarn_table_schema_from_sql(names, types, 2, 3, &arena, &schema, &last_id, &error));
    CHECK_INT(error.code, TARN_E_NAME_INVALID);
    CHECK(!tarn_table_schema_from_sql(names, types, 0, 3, &arena, &schema, &last_id, &error));
    CHECK_INT(error.code, TARN_E_SCHEMA_CHANGE_REFUSED);
}

static void exhausted_memory_is_an_error(void) {
    int done_count = 0;
    const char *names[] = {"a", "b"};
    TarnText types[] = {TARN_TEXT("STRUCT(\"x\" MAP(VARCHAR, INTEGER[]), y ENUM('a','b'))"),
                        TARN_TEXT("GEOMETRY('OGC:CRS84')[]")};
    for (size_t limit = 0; limit < 9000; limit += 16) {
        TarnArena small;
        TarnSchema schema;
        TarnError error = {0};
        int32_t last_id;
        tarn_base_arena_init(&small, limit);
        bool done = tarn_table_schema_from_sql(names, types, 2, 3, &small, &schema, &last_id,
                                               &error);
        CHECK(done || error.code == TARN_E_OUT_OF_MEMORY);
        done_count += done;
        tarn_base_arena_dispose(&small);
    }
    CHECK(done_count > 0 && done_count < 560);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(simple_types_are_read);
    TAP_TEST(nested_types_get_ids_by_level);
    TAP_TEST(types_without_an_equal_are_refused);
    TAP_TEST(text_that_is_no_type_is_refused);
    TAP_TEST(nesting_has_a_limit);
    TAP_TEST(schemas_come_from_columns);
    TAP_TEST(exhausted_memory_is_an_error);
    tarn_base_arena_dispose(&arena);
    tarn_base_buffer_dispose(&out);
    return tap_end();
}
