/* Single values: the vectors of the Iceberg specification's appendices B and D, DuckDB's spellings,
 * and what must be refused. Random values are in test_literal_random.c. */
#include "format/literal.h"

#include <math.h>

#include "base/limits.h"
#include "tap.h"

static TarnArena arena;
static TarnBuffer out;

static void fresh(void) {
    tarn_base_arena_dispose(&arena);
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    tarn_base_buffer_dispose(&out);
    tarn_base_buffer_init(&out, 16 * TARN_MIB);
}

static TarnPrimitive type_of(const char *name) {
    TarnPrimitive type = {0};
    if (!tarn_format_primitive_parse(tarn_base_text(name), &type)) {
        tap_fail(__FILE__, __LINE__, name);
    }
    return type;
}

static TarnLiteral text_value(const char *type, const char *text) {
    TarnLiteral literal = {0};
    TarnError error = {0};
    CHECK_OK(tarn_format_literal_from_text(type_of(type), tarn_base_text(text), &arena, &literal,
                                           &error),
             &error);
    return literal;
}

static const char *hex_of(const char *type, const char *text) {
    TarnLiteral literal = text_value(type, text);
    tarn_base_buffer_clear(&out);
    tarn_format_literal_to_bytes(&literal, &out);
    char *hex = tarn_base_arena_alloc(&arena, out.size * 2 + 1);
    tarn_base_text_hex(out.data, out.size, hex);
    return hex;
}

static const char *json_of(const char *type, const char *text) {
    TarnLiteral literal = text_value(type, text);
    TarnJsonWriter writer;
    tarn_base_buffer_clear(&out);
    tarn_base_json_writer_init(&writer, &out, 0);
    tarn_format_literal_to_json(type_of(type), &literal, &writer);
    return out.data;
}

static const char *sql_of(const char *type, const char *text) {
    TarnLiteral literal = text_value(type, text);
    tarn_base_buffer_clear(&out);
    tarn_format_literal_to_sql(type_of(type), &literal, &out);
    return out.data;
}

static const char *human_of(const char *type, const char *text) {
    TarnLiteral literal = text_value(type, text);
    tarn_base_buffer_clear(&out);
    tarn_format_literal_to_text(type_of(type), &literal, &out);
    return out.data;
}

/* "0a ff" -> bytes */
static TarnText unhex(const char *hex) {
    size_t size = strlen(hex) / 2;
    char *bytes = tarn_base_arena_alloc(&arena, size + 1);
    for (size_t i = 0; i < size; i++) {
        unsigned value = 0;
        for (size_t j = 0; j < 2; j++) {
            char c = hex[2 * i + j];
            value = value * 16 + (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        bytes[i] = (char)value;
    }
    return (TarnText){bytes, size};
}

static bool reads_bytes(const char *type, const char *hex, TarnLiteral *literal) {
    TarnError error = {0};
    bool done = tarn_format_literal_from_bytes(type_of(type), unhex(hex), literal, &error);
    CHECK(done || error.code == TARN_E_FORMAT_CORRUPT);
    CHECK(done || strlen(error.message) > 20);
    return done;
}

static void types_have_names(void) {
    fresh();
    static const char *const names[] = {
        "boolean", "int",       "long",      "float",          "double",  "decimal(9,2)",
        "date",    "time",      "timestamp", "timestamptz",    "string",  "timestamp_ns",
        "uuid",    "fixed[16]", "binary",    "timestamptz_ns", "unknown", "decimal(38,38)",
        "variant", "geometry",  "geography"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        tarn_base_buffer_clear(&out);
        tarn_format_primitive_write(type_of(names[i]), &out);
        CHECK_STRING(out.data, names[i]);
        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
            CHECK(tarn_format_primitive_equal(type_of(names[i]), type_of(names[j])) == (i == j));
        }
    }
    TarnPrimitive spaced = type_of(" Decimal ( 9 , 2 ) ");
    CHECK_INT(spaced.precision, 9);
    CHECK_INT(spaced.scale, 2);
    CHECK_INT(type_of("fixed[ 7 ]").length, 7);
    CHECK_INT(type_of("geometry(srid:4326)").kind, TARN_TYPE_GEOMETRY);
    CHECK_INT(tarn_format_kind_version(TARN_TYPE_VARIANT), 3);
    CHECK_INT(tarn_format_kind_version(TARN_TYPE_UUID), 1);
    CHECK(tarn_format_kind_is_nested(TARN_TYPE_LIST));
    CHECK(!tarn_format_kind_is_nested(TARN_TYPE_GEOGRAPHY));
}

static void malformed_types_are_refused(void) {
    static const char *const names[] = {"",
                                        "integer",
                                        "struct",
                                        "list",
                                        "map",
                                        "decimal",
                                        "decimal(0,0)",
                                        "decimal(39,2)",
                                        "decimal(9,10)",
                                        "decimal(9,-1)",
                                        "decimal(9)",
                                        "decimal(9,2,1)",
                                        "decimal(9,2",
                                        "decimal(9.5,2)",
                                        "decimal(99999999999,2)",
                                        "fixed",
                                        "fixed[0]",
                                        "fixed[-1]",
                                        "fixed[2147483648]",
                                        "fixed(16)",
                                        "int(4)",
                                        "int[]",
                                        "long ) ",
                                        "geometry(",
                                        "string\t(x)"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        TarnPrimitive type;
        if (tarn_format_primitive_parse(tarn_base_text(names[i]), &type)) {
            tap_fail(__FILE__, __LINE__, names[i]);
        }
    }
}

static void bytes_are_the_specifications(void) {
    fresh();
    CHECK_STRING(hex_of("boolean", "false"), "00");
    CHECK_STRING(hex_of("boolean", "true"), "01");
    CHECK_STRING(hex_of("int", "1234"), "d2040000");
    CHECK_STRING(hex_of("int", "-1"), "ffffffff");
    CHECK_STRING(hex_of("long", "1234"), "d204000000000000");
    CHECK_STRING(hex_of("float", "-4.5"), "000090c0");
    CHECK_STRING(hex_of("double", "6"), "0000000000001840");
    CHECK_STRING(hex_of("date", "1970-01-02"), "01000000");
    CHECK_STRING(hex_of("time", "00:00:00.000010"), "0a00000000000000");
    CHECK_STRING(hex_of("timestamp", "1970-01-01 00:00:00.4"), "801a060000000000");
    CHECK_STRING(hex_of("timestamptz", "1969-12-31 23:59:59.999999+00"), "ffffffffffffffff");
    CHECK_STRING(hex_of("timestamp_ns", "1970-01-01T00:00:00.000000001"), "0100000000000000");
    CHECK_STRING(hex_of("string", "ABC"), "414243");
    CHECK_STRING(hex_of("uuid", "f79c3e09-677c-4bbd-a479-3f349cb785e7"),
                 "f79c3e09677c4bbda4793f349cb785e7");
    CHECK_STRING(hex_of("fixed[2]", "\\x01\\xFF"), "01ff");
    CHECK_STRING(hex_of("binary", ""), "");
}

/* Java's BigInteger.toByteArray of the unscaled value: no padding, no sign byte too many */
static void decimals_take_the_fewest_bytes(void) {
    fresh();
    CHECK_STRING(hex_of("decimal(9,2)", "0"), "00");
    CHECK_STRING(hex_of("decimal(9,2)", "0.01"), "01");
    CHECK_STRING(hex_of("decimal(9,2)", "1.27"), "7f");
    CHECK_STRING(hex_of("decimal(9,2)", "1.28"), "0080");
    CHECK_STRING(hex_of("decimal(9,2)", "2.55"), "00ff");
    CHECK_STRING(hex_of("decimal(9,2)", "-0.01"), "ff");
    CHECK_STRING(hex_of("decimal(9,2)", "-1.28"), "80");
    CHECK_STRING(hex_of("decimal(9,2)", "-1.29"), "ff7f");
    CHECK_STRING(hex_of("decimal(9,2)", "14.20"), "058c");
    CHECK_STRING(hex_of("decimal(38,0)", "99999999999999999999999999999999999999"),
                 "4b3b4ca85a86c47a098a223fffffffff");
    CHECK_STRING(hex_of("decimal(38,0)", "-99999999999999999999999999999999999999"),
                 "b4c4b357a5793b85f675ddc000000001");
    unsigned char bytes[16];
    CHECK_INT(tarn_format_decimal_bytes(32767, bytes), 2);
    CHECK_INT(tarn_format_decimal_bytes(32768, bytes), 3);
    CHECK_INT(tarn_format_decimal_bytes(-32768, bytes), 2);
    CHECK_INT(tarn_format_decimal_bytes(-32769, bytes), 3);
}

static void bounds_of_promoted_columns_are_read(void) {
    fresh();
    TarnLiteral literal;
    CHECK(reads_bytes("long", "feffffff", &literal));
    CHECK_INT(literal.as.integer, -2);
    CHECK_INT(literal.kind, TARN_TYPE_LONG);
    CHECK(reads_bytes("double", "000090c0", &literal));
    CHECK(literal.as.real == -4.5 && literal.kind == TARN_TYPE_DOUBLE);
    CHECK(reads_bytes("timestamp", "ffffffff", &literal));
    CHECK_INT(literal.as.integer, INT64_C(-86400000000));
    CHECK_INT(literal.kind, TARN_TYPE_TIMESTAMP);
    CHECK(reads_bytes("timestamp_ns", "01000000", &literal));
    CHECK_INT(literal.as.integer, INT64_C(86400000000000));
    CHECK(reads_bytes("decimal(20,2)", "000000000000058c", &literal));
    CHECK_INT(literal.as.decimal, 1420);
    CHECK(reads_bytes("decimal(20,2)", "ffffffffffffffffffffffffffffff7f", &literal));
    CHECK_INT(literal.as.decimal, -129);
    CHECK(reads_bytes("boolean", "07", &literal) && literal.as.boolean);
    CHECK(reads_bytes("fixed[4]", "0102", &literal)); /* truncated as binary bounds are */
}

static void bytes_that_are_no_values_are_refused(void) {
    fresh();
    static const char *const cases[][2] = {{"boolean", ""},
                                           {"boolean", "0000"},
                                           {"int", ""},
                                           {"int", "000000"},
                                           {"int", "0000000000000000"},
                                           {"date", "0000000000000000"},
                                           {"long", "00"},
                                           {"long", "000000000000000000"},
                                           {"time", "00000000"},
                                           {"float", "0000000000000000"},
                                           {"double", "000000"},
                                           {"timestamptz", "00000000"},
                                           {"timestamptz_ns", "00000000"},
                                           {"time", "ffffffffffffffff"},
                                           {"time", "0160d71d14000000"},
                                           {"uuid", "00"},
                                           {"uuid", "0000000000000000000000000000000000"},
                                           {"fixed[1]", "0000"},
                                           {"decimal(9,2)", ""},
                                           {"decimal(9,2)", "0000000000000000000000000000000001"},
                                           {"decimal(2,0)", "64"},
                                           {"decimal(2,0)", "9c"},
                                           {"string", "ff"},
                                           {"string", "c3"},
                                           {"string", "eda080"},
                                           {"timestamp", "ffffff7f"},
                                           {"timestamp_ns", "00000040"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnLiteral literal;
        if (reads_bytes(cases[i][0], cases[i][1], &literal)) {
            tap_fail(__FILE__, __LINE__, cases[i][0]);
            printf("#   read %s\n", cases[i][1]);
        }
    }
    TarnError error;
    TarnLiteral literal;
    CHECK(!tarn_format_literal_from_bytes(type_of("geometry"), unhex("00"), &literal, &error));
    CHECK_INT(error.code, TARN_E_FORMAT_UNSUPPORTED);
}

static void order_is_total(void) {
    fresh();
    static const double ascending[] = {-INFINITY, -1e300, -1.0, -5e-324, -0.0,
                                       0.0,       5e-324, 1.0,  1e300,   INFINITY};
    size_t count = sizeof(ascending) / sizeof(ascending[0]);
    TarnLiteral values[16] = {{.kind = TARN_TYPE_DOUBLE, .is_null = true},
                              {.kind = TARN_TYPE_DOUBLE, .as.real = copysign(NAN, -1.0)}};
    for (size_t i = 0; i < count; i++) {
        values[i + 2] = (TarnLiteral){.kind = TARN_TYPE_DOUBLE, .as.real = ascending[i]};
    }
    values[count + 2] = (TarnLiteral){.kind = TARN_TYPE_DOUBLE, .as.real = (double)NAN};
    for (int i = 0; i < (int)count + 3; i++) {
        for (int j = 0; j < (int)count + 3; j++) {
            int order = tarn_format_literal_compare(&values[i], &values[j]);
            CHECK_INT(order, (i > j) - (i < j));
        }
    }
    CHECK(tarn_format_literal_equal(&values[1], &values[count + 2])); /* any NaN */
    CHECK(!tarn_format_literal_equal(&values[6], &values[7]));        /* -0.0, 0.0 */
    CHECK(!tarn_format_literal_equal(&values[0], &values[1]));
    CHECK(tarn_format_literal_equal(&values[0], &values[0]));
    TarnLiteral low = text_value("string", "a");
    TarnLiteral high = text_value("string", "\xC3\xA4");
    CHECK_INT(tarn_format_literal_compare(&low, &high), -1); /* bytes are unsigned */
    TarnLiteral longer = text_value("string", "aa");
    CHECK_INT(tarn_format_literal_compare(&longer, &low), 1);
    TarnLiteral small = text_value("decimal(38,0)", "-99999999999999999999999999999999999999");
    TarnLiteral zero = text_value("decimal(38,0)", "0");
    CHECK_INT(tarn_format_literal_compare(&small, &zero), -1);
    TarnLiteral no = text_value("boolean", "false");
    TarnLiteral yes = text_value("boolean", "true");
    CHECK_INT(tarn_format_literal_compare(&yes, &no), 1);
}

static void hashes_are_the_specifications(void) {
    fresh();
    static const struct {
        const char *type;
        const char *text;
        int32_t hash;
    } vectors[] = {{"int", "34", 2017239379},
                   {"long", "34", 2017239379},
                   {"decimal(9,2)", "14.20", -500754589},
                   {"decimal(38,2)", "14.20", -500754589},
                   {"date", "2017-11-16", -653330422},
                   {"time", "22:31:08", -662762989},
                   {"timestamp", "2017-11-16T22:31:08", -2047944441},
                   {"timestamp", "2017-11-16T22:31:08.000001", -1207196810},
                   {"timestamptz", "2017-11-16T14:31:08-08:00", -2047944441},
                   {"timestamptz", "2017-11-16T14:31:08.000001-08:00", -1207196810},
                   {"timestamp_ns", "2017-11-16T22:31:08", -2047944441},
                   {"timestamp_ns", "2017-11-16T22:31:08.000001001", -1207196810},
                   {"timestamptz_ns", "2017-11-16T14:31:08.000001001-08:00", -1207196810},
                   {"string", "iceberg", 1210000089},
                   {"uuid", "f79c3e09-677c-4bbd-a479-3f349cb785e7", 1488055340},
                   {"fixed[4]", "\\x00\\x01\\x02\\x03", -188683207},
                   {"binary", "\\x00\\x01\\x02\\x03", -188683207}};
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        TarnLiteral literal = text_value(vectors[i].type, vectors[i].text);
        uint32_t hash = 0;
        CHECK(tarn_format_literal_hash(type_of(vectors[i].type), &literal, &hash));
        CHECK_INT((int32_t)hash, vectors[i].hash);
    }
    uint32_t hash;
    static const char *const without[] = {"boolean", "float", "double"};
    for (size_t i = 0; i < 3; i++) {
        TarnLiteral literal = text_value(without[i], "1");
        CHECK(!tarn_format_literal_hash(type_of(without[i]), &literal, &hash));
    }
    TarnLiteral null = {.kind = TARN_TYPE_INT, .is_null = true};
    CHECK(!tarn_format_literal_hash(type_of("int"), &null, &hash));
    /* before the epoch nanoseconds floor to microseconds */
    TarnLiteral ns = {.kind = TARN_TYPE_TIMESTAMP_NS, .as.integer = -1};
    TarnLiteral us = {.kind = TARN_TYPE_TIMESTAMP, .as.integer = -1};
    uint32_t other;
    CHECK(tarn_format_literal_hash(type_of("timestamp_ns"), &ns, &hash));
    CHECK(tarn_format_literal_hash(type_of("timestamp"), &us, &other));
    CHECK_INT(hash, other);
}

static void json_is_the_specifications(void) {
    fresh();
    CHECK_STRING(json_of("boolean", "true"), "true");
    CHECK_STRING(json_of("int", "34"), "34");
    CHECK_STRING(json_of("long", "-9223372036854775808"), "-9223372036854775808");
    CHECK_STRING(json_of("float", "1"), "1.0");
    CHECK_STRING(json_of("float", "0.1"), "0.1");
    CHECK_STRING(json_of("double", "-0.0"), "-0.0");
    CHECK_STRING(json_of("double", "nan"), "\"NaN\"");
    CHECK_STRING(json_of("double", "-inf"), "\"-Infinity\"");
    CHECK_STRING(json_of("decimal(9,2)", "14.2"), "\"14.20\"");
    CHECK_STRING(json_of("date", "2017-11-16"), "\"2017-11-16\"");
    CHECK_STRING(json_of("time", "22:31:08.123456"), "\"22:31:08.123456\"");
    CHECK_STRING(json_of("timestamp", "2017-11-16 22:31:08.123456"),
                 "\"2017-11-16T22:31:08.123456\"");
    CHECK_STRING(json_of("timestamptz", "2017-11-16 14:31:08.123456-08"),
                 "\"2017-11-16T22:31:08.123456+00:00\"");
    CHECK_STRING(json_of("timestamp_ns", "2017-11-16T22:31:08.123456789"),
                 "\"2017-11-16T22:31:08.123456789\"");
    CHECK_STRING(json_of("timestamptz_ns", "2017-11-16T22:31:08.123456789Z"),
                 "\"2017-11-16T22:31:08.123456789+00:00\"");
    CHECK_STRING(json_of("string", "ice\"berg"), "\"ice\\\"berg\"");
    CHECK_STRING(json_of("uuid", "F79C3E09-677C-4BBD-A479-3F349CB785E7"),
                 "\"f79c3e09-677c-4bbd-a479-3f349cb785e7\"");
    CHECK_STRING(json_of("fixed[4]", "\\x00\\x01\\x02\\xFF"), "\"000102ff\"");
    CHECK_STRING(json_of("date", "0044-03-15 (BC)"), "\"-0043-03-15\"");
    CHECK_STRING(json_of("date", "10000-01-01"), "\"+10000-01-01\"");
}

static bool reads_json(const char *type, const char *json, TarnLiteral *literal) {
    TarnJson *tree;
    TarnError error = {0};
    if (!tarn_base_json_parse(tarn_base_text(json), NULL, &arena, &tree, &error)) {
        tap_fail(__FILE__, __LINE__, json);
        return false;
    }
    bool done = tarn_format_literal_from_json(type_of(type), tree, &arena, literal, &error);
    CHECK(done || error.code == TARN_E_METADATA_INVALID);
    return done;
}

static void json_is_read_strictly(void) {
    fresh();
    TarnLiteral literal;
    CHECK(reads_json("int", "null", &literal) && literal.is_null);
    CHECK(reads_json("int", "17", &literal) && literal.as.integer == 17);
    CHECK(reads_json("decimal(9,2)", "\"1.5\"", &literal) && literal.as.decimal == 150);
    CHECK(reads_json("decimal(9,2)", "1.5", &literal) && literal.as.decimal == 150);
    CHECK(reads_json("decimal(9,2)", "\"2E+3\"", &literal) && literal.as.decimal == 200000);
    CHECK(reads_json("binary", "\"00FFab\"", &literal) && literal.as.bytes.size == 3);
    CHECK(reads_json("double", "\"NaN\"", &literal) && isnan(literal.as.real));
    CHECK(reads_json("float", "0.1", &literal) && literal.as.real == (double)0.1F);
    CHECK(reads_json("timestamptz", "\"1970-01-01T00:00:00Z\"", &literal));
    static const char *const refused[][2] = {{"boolean", "1"},
                                             {"boolean", "\"true\""},
                                             {"int", "\"1\""},
                                             {"int", "1.5"},
                                             {"int", "2147483648"},
                                             {"long", "9223372036854775808"},
                                             {"int", "true"},
                                             {"int", "[]"},
                                             {"double", "\"1.5\""},
                                             {"double", "1e400"},
                                             {"float", "1e39"},
                                             {"decimal(9,2)", "1.005"},
                                             {"decimal(9,2)", "\"12345678.00\""},
                                             {"date", "17"},
                                             {"date", "\"2017-02-29\""},
                                             {"date", "\"2017-11-16T00:00:00\""},
                                             {"time", "\"24:00:00.000001\""},
                                             {"timestamp", "\"2017-11-16T22:31:08+00:00\""},
                                             {"timestamp", "\"2017-11-16T24:00:00\""},
                                             {"timestamp", "\"2017-11-16T22:31:08.1234567\""},
                                             {"timestamptz", "\"2017-11-16T22:31:08\""},
                                             {"timestamptz", "\"2017-11-16T22:31:08+01:00\""},
                                             {"string", "5"},
                                             {"uuid", "\"f79c3e09-677c-4bbd-a479-3f349cb785e\""},
                                             {"uuid", "\"g79c3e09-677c-4bbd-a479-3f349cb785e7\""},
                                             {"fixed[2]", "\"00\""},
                                             {"binary", "\"0\""},
                                             {"binary", "\"0x\""},
                                             {"variant", "{}"},
                                             {"unknown", "1"},
                                             {"geometry", "\"POINT (30 10)\""}};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (!reads_json(refused[i][0], refused[i][1], &literal)) continue;
        tap_fail(__FILE__, __LINE__, refused[i][1]);
    }
}

static void sql_is_exact(void) {
    fresh();
    CHECK_STRING(sql_of("boolean", "true"), "CAST(true AS BOOLEAN)");
    CHECK_STRING(sql_of("int", "-2147483648"), "CAST(-2147483648 AS INTEGER)");
    CHECK_STRING(sql_of("long", "5"), "CAST(5 AS BIGINT)");
    CHECK_STRING(sql_of("float", "0.1"), "CAST('0.1' AS FLOAT)");
    CHECK_STRING(sql_of("double", "-0.0"), "CAST('-0.0' AS DOUBLE)");
    CHECK_STRING(sql_of("double", "5e-324"), "CAST('5e-324' AS DOUBLE)");
    CHECK_STRING(sql_of("double", "nan"), "CAST('nan' AS DOUBLE)");
    CHECK_STRING(sql_of("double", "-infinity"), "CAST('-inf' AS DOUBLE)");
    CHECK_STRING(sql_of("decimal(9,2)", "1.5"), "CAST('1.50' AS DECIMAL(9,2))");
    CHECK_STRING(sql_of("decimal(2,2)", "-.05"), "CAST('-0.05' AS DECIMAL(2,2))");
    CHECK_STRING(sql_of("date", "2026-11-21"), "DATE '2026-11-21'");
    CHECK_STRING(sql_of("date", "-0043-03-15"), "DATE '0044-03-15 (BC)'");
    CHECK_STRING(sql_of("date", "0000-12-31"), "DATE '0001-12-31 (BC)'");
    CHECK_STRING(sql_of("date", "infinity"), "DATE 'infinity'");
    CHECK_STRING(sql_of("time", "24:00:00"), "TIME '24:00:00'");
    CHECK_STRING(sql_of("timestamp", "1969-12-31 23:59:59.999999"),
                 "TIMESTAMP '1969-12-31 23:59:59.999999'");
    CHECK_STRING(sql_of("timestamp", "0044-03-15 (BC) 10:00:00.5"),
                 "TIMESTAMP '0044-03-15 (BC) 10:00:00.500'");
    CHECK_STRING(sql_of("timestamp", "294247-01-10 04:00:54.775806"),
                 "TIMESTAMP '294247-01-10 04:00:54.775806'");
    CHECK_STRING(sql_of("timestamp", "-infinity"), "TIMESTAMP '-infinity'");
    CHECK_STRING(sql_of("timestamptz", "2017-11-16 14:31:08-08"),
                 "TIMESTAMPTZ '2017-11-16 22:31:08+00'");
    CHECK_STRING(sql_of("timestamp_ns", "1969-12-31 23:59:59.999999999"),
                 "TIMESTAMP_NS '1969-12-31 23:59:59.999999999'");
    CHECK_STRING(sql_of("timestamptz_ns", "1969-12-31 23:59:59.999999999+00"),
                 "TIMESTAMPTZ '1970-01-01 00:00:00+00'"); /* what DuckDB reads for it */
    CHECK_STRING(sql_of("string", "it's"), "CAST('it''s' AS VARCHAR)");
    CHECK_STRING(sql_of("uuid", "f79c3e09677c4bbda4793f349cb785e7"),
                 "CAST('f79c3e09-677c-4bbd-a479-3f349cb785e7' AS UUID)");
    CHECK_STRING(sql_of("binary", "a\\x00\\x27\\x5C~"), "CAST('a\\x00\\x27\\x5C~' AS BLOB)");
    TarnLiteral zero = {.kind = TARN_TYPE_STRING, .as.bytes = {"a\0b", 3}};
    tarn_base_buffer_clear(&out);
    tarn_format_literal_to_sql(type_of("string"), &zero, &out);
    CHECK_STRING(out.data, "decode(CAST('a\\x00b' AS BLOB))");
    TarnLiteral null = {.kind = TARN_TYPE_DECIMAL, .is_null = true};
    tarn_base_buffer_clear(&out);
    tarn_format_literal_to_sql(type_of("decimal(9,2)"), &null, &out);
    CHECK_STRING(out.data, "CAST(NULL AS DECIMAL(9,2))");
    null.kind = TARN_TYPE_UNKNOWN;
    tarn_base_buffer_clear(&out);
    tarn_format_literal_to_sql(type_of("unknown"), &null, &out);
    CHECK_STRING(out.data, "CAST(NULL AS \"NULL\")");
}

static void text_is_for_people(void) {
    fresh();
    CHECK_STRING(human_of("binary", "\\x01\\x02\\x03"), "AQID");
    CHECK_STRING(human_of("binary", "\\x01\\x02"), "AQI=");
    CHECK_STRING(human_of("fixed[1]", "\\xFF"), "/w==");
    CHECK_STRING(human_of("binary", ""), "");
    CHECK_STRING(human_of("timestamptz", "2017-11-16 22:31:08+00"), "2017-11-16T22:31:08Z");
    CHECK_STRING(human_of("timestamp", "2017-11-16 22:31:08.120"), "2017-11-16T22:31:08.120");
    CHECK_STRING(human_of("decimal(38,38)", "-1e-38"), "-0.00000000000000000000000000000000000001");
    CHECK_STRING(human_of("double", "1e300"), "1e+300");
    CHECK_STRING(human_of("double", "nan"), "NaN");
    CHECK_STRING(human_of("boolean", "t"), "true");
    TarnLiteral null = {.kind = TARN_TYPE_DATE, .is_null = true};
    tarn_base_buffer_clear(&out);
    tarn_format_literal_to_text(type_of("date"), &null, &out);
    CHECK_STRING(out.data, "null");
}

static const char *const no_values[][2] = {{"boolean", ""},
                                           {"boolean", "2"},
                                           {"int", ""},
                                           {"int", "1.0"},
                                           {"int", "+1"},
                                           {"int", "2147483648"},
                                           {"long", "9223372036854775808"},
                                           {"float", "0x1p3"},
                                           {"float", "1e39"},
                                           {"double", "1e309"},
                                           {"double", "1.2.3"},
                                           {"double", "."},
                                           {"double", "1e"},
                                           {"double", "infinite"},
                                           {"decimal(9,2)", ""},
                                           {"decimal(9,2)", "."},
                                           {"decimal(9,2)", "1.005"},
                                           {"decimal(9,2)", "10000000"},
                                           {"decimal(9,2)", "1e8"},
                                           {"decimal(9,2)", "nan"},
                                           {"decimal(9,2)", "1 2"},
                                           {"decimal(9,2)", "1e99999999999"},
                                           {"decimal(9,2)", "1e-3"},
                                           {"date", "2026-1-5"},
                                           {"date", "2026-13-01"},
                                           {"date", "2026-02-29"},
                                           {"date", "1900-02-29"},
                                           {"date", "2026-00-10"},
                                           {"date", "9999999-01-01"},
                                           {"date", "0000-01-01 (BC)"},
                                           {"date", "-0001-01-01 (BC)"},
                                           {"date", "2026-11-21 10:00"},
                                           {"time", "24:00:01"},
                                           {"time", "12:60:00"},
                                           {"time", "12:00:60"},
                                           {"time", "infinity"},
                                           {"time", "12"},
                                           {"time", "12:00:00+00"},
                                           {"timestamp", "2026-11-21 10:00:00Z"},
                                           {"timestamp", "2026-11-21 10:00:00.1234567"},
                                           {"timestamp", "294247-01-11"},
                                           {"timestamp_ns", "2300-01-01"},
                                           {"timestamptz", "2026-11-21 10:00:00+16"},
                                           {"timestamptz", "2026-11-21 10:00:00 UTC"},
                                           {"uuid", ""},
                                           {"uuid", "f79c3e09-677c-4bbd-a4793f34-9cb785e7"},
                                           {"fixed[2]", "a"},
                                           {"fixed[2]", "abc"},
                                           {"binary", "\\x0"},
                                           {"binary", "\\y00"},
                                           {"binary", "\\"},
                                           {"binary", "\xC3\xA4"},
                                           {"string", "\xFF"},
                                           {"variant", "x"},
                                           {"unknown", ""}};

static void text_that_is_no_value_is_refused(void) {
    fresh();
    for (size_t i = 0; i < sizeof(no_values) / sizeof(no_values[0]); i++) {
        TarnLiteral literal;
        TarnError error = {0};
        TarnText text = tarn_base_text(no_values[i][1]);
        if (tarn_format_literal_from_text(type_of(no_values[i][0]), text, &arena, &literal,
                                          &error)) {
            tap_fail(__FILE__, __LINE__, no_values[i][1]);
        }
        CHECK_INT(error.code, TARN_E_FORMAT_CORRUPT);
        CHECK(strstr(error.message, no_values[i][0]) != NULL);
    }
    TarnLiteral many = text_value("decimal(9,2)",
                                  "0001.500000000000000000000000000000000000000000");
    CHECK_INT(many.as.decimal, 150);
    CHECK_INT(text_value("decimal(9,2)", "-0e999999").as.decimal, 0);
    CHECK_INT(text_value("date", "5881580-07-11").as.integer, INT32_MAX);
    CHECK_INT(text_value("date", "5877642-06-23 (BC)").as.integer, INT32_MIN);
}

static const char *bound_of(const char *type, TarnText value, int width, bool upper) {
    TarnText bound;
    if (!upper) {
        bound = tarn_format_bound_lower(type_of(type), value, width);
    } else if (!tarn_format_bound_upper(type_of(type), value, width, &arena, &bound)) {
        return NULL;
    }
    return tarn_base_text_string(&arena, bound);
}

static void bounds_are_truncated(void) {
    fresh();
    CHECK_STRING(bound_of("string", TARN_TEXT("iceberg"), 3, false), "ice");
    CHECK_STRING(bound_of("string", TARN_TEXT("iceberg"), 3, true), "icf");
    CHECK_STRING(bound_of("string", TARN_TEXT("ice"), 3, true), "ice");
    CHECK_STRING(bound_of("string", TARN_TEXT("\xC3\xA4\xC3\xA4x"), 2, false), "\xC3\xA4\xC3\xA4");
    CHECK_STRING(bound_of("string", TARN_TEXT("\xC3\xA4\xC3\xA4x"), 2, true), "\xC3\xA4\xC3\xA5");
    /* 7F -> 80 grows by a byte, D7FF skips the surrogates, FFFF -> 10000 */
    CHECK_STRING(bound_of("string", TARN_TEXT("a\x7Fz"), 2, true), "a\xC2\x80");
    CHECK_STRING(bound_of("string", TARN_TEXT("a\xED\x9F\xBFz"), 2, true), "a\xEE\x80\x80");
    CHECK_STRING(bound_of("string", TARN_TEXT("a\xEF\xBF\xBFz"), 2, true), "a\xF0\x90\x80\x80");
    /* 10FFFF carries to the left, or there is no bound */
    CHECK_STRING(bound_of("string", TARN_TEXT("a\xF4\x8F\xBF\xBFz"), 2, true), "b");
    CHECK_STRING(bound_of("string", TARN_TEXT("\xF4\x8F\xBF\xBF\xF4\x8F\xBF\xBFz"), 2, true), NULL);
    CHECK_STRING(bound_of("string", TARN_TEXT("ab\xFFzz"), 3, true), NULL); /* not UTF-8 */
    CHECK_STRING(bound_of("binary", TARN_TEXT("ab\xFFzz"), 3, true), "ac");
    CHECK_STRING(bound_of("binary", TARN_TEXT("abc"), 2, true), "ac");
    CHECK_STRING(bound_of("fixed[3]", TARN_TEXT("abc"), 2, true), "ac");
    CHECK_STRING(bound_of("binary", TARN_TEXT("\xFF\xFF\xFF"), 2, true), NULL);
    CHECK_STRING(bound_of("uuid", TARN_TEXT("0123456789abcdef"), 2, true), "0123456789abcdef");
    CHECK_STRING(bound_of("string", TARN_TEXT(""), 1, true), "");
}

static void promotions_keep_the_value(void) {
    fresh();
    TarnLiteral from = {.kind = TARN_TYPE_INT, .as.integer = -7};
    TarnLiteral to;
    CHECK(tarn_format_literal_promote(type_of("long"), &from, &to));
    CHECK(to.kind == TARN_TYPE_LONG && to.as.integer == -7);
    CHECK(!tarn_format_literal_promote(type_of("double"), &from, &to));
    CHECK(tarn_format_literal_promote(type_of("int"), &from, &to));
    from = (TarnLiteral){.kind = TARN_TYPE_FLOAT, .as.real = 0.5};
    CHECK(tarn_format_literal_promote(type_of("double"), &from, &to) && to.as.real == 0.5);
    from = (TarnLiteral){.kind = TARN_TYPE_DATE, .as.integer = -1};
    CHECK(tarn_format_literal_promote(type_of("timestamp"), &from, &to));
    CHECK_INT(to.as.integer, INT64_C(-86400000000));
    CHECK(!tarn_format_literal_promote(type_of("timestamptz"), &from, &to));
    from.as.integer = INT32_MAX;
    CHECK(!tarn_format_literal_promote(type_of("timestamp_ns"), &from, &to));
    from = (TarnLiteral){.kind = TARN_TYPE_UNKNOWN, .is_null = true};
    CHECK(tarn_format_literal_promote(type_of("string"), &from, &to) && to.is_null);
    CHECK(tarn_format_primitive_promotes(type_of("decimal(9,2)"), type_of("decimal(10,2)"), 2));
    CHECK(!tarn_format_primitive_promotes(type_of("decimal(9,2)"), type_of("decimal(10,3)"), 2));
    CHECK(!tarn_format_primitive_promotes(type_of("date"), type_of("timestamp"), 2));
    CHECK(tarn_format_primitive_promotes(type_of("date"), type_of("timestamp"), 3));
    CHECK(!tarn_format_primitive_promotes(type_of("long"), type_of("int"), 3));
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(types_have_names);
    TAP_TEST(malformed_types_are_refused);
    TAP_TEST(bytes_are_the_specifications);
    TAP_TEST(decimals_take_the_fewest_bytes);
    TAP_TEST(bounds_of_promoted_columns_are_read);
    TAP_TEST(bytes_that_are_no_values_are_refused);
    TAP_TEST(order_is_total);
    TAP_TEST(hashes_are_the_specifications);
    TAP_TEST(json_is_the_specifications);
    TAP_TEST(json_is_read_strictly);
    TAP_TEST(sql_is_exact);
    TAP_TEST(text_is_for_people);
    TAP_TEST(text_that_is_no_value_is_refused);
    TAP_TEST(bounds_are_truncated);
    TAP_TEST(promotions_keep_the_value);
    tarn_base_arena_dispose(&arena);
    tarn_base_buffer_dispose(&out);
    return tap_end();
}
