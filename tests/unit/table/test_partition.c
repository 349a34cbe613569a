/* Partition specs, transforms and sort orders: the specification's vectors, values before 1970 and
 * below zero, what foreign metadata holds, what people write, and what must be refused. */
#include "table/partition.h"

#include "base/hash.h"
#include "base/limits.h"
#include "base/time.h"
#include "tap.h"

#define SEED UINT64_C(0x5EED0002)

static TarnArena arena;
static TarnBuffer out;

static void fresh(void) {
    tarn_base_arena_dispose(&arena);
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    tarn_base_buffer_dispose(&out);
    tarn_base_buffer_init(&out, 4 * TARN_MIB);
}

static TarnPrimitive type_of(const char *name) {
    TarnPrimitive type = {0};
    if (!tarn_format_primitive_parse(tarn_base_text(name), &type)) {
        tap_fail(__FILE__, __LINE__, name);
    }
    return type;
}

static TarnTransform transform_of(const char *name) {
    TarnTransform transform;
    if (!tarn_table_transform_parse(tarn_base_text(name), &transform)) {
        tap_fail(__FILE__, __LINE__, name);
    }
    return transform;
}

static TarnJson *json_of(const char *text) {
    TarnJson *tree = NULL;
    TarnError error = {0};
    CHECK_OK(tarn_base_json_parse(tarn_base_text(text), NULL, &arena, &tree, &error), &error);
    return tree;
}

/* id 1, ts 2, name 3, price 4, day 5, place 6 {city 7, seen 8}, tags 9 [element 10], raw 11,
 * weight 12, "a b" 13 */
static TarnSchema schema_of_flights(void) {
    static const char json[] =
        "{\"type\":\"struct\",\"schema-id\":1,\"fields\":["
        "{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"long\"},"
        "{\"id\":2,\"name\":\"ts\",\"required\":false,\"type\":\"timestamptz\"},"
        "{\"id\":3,\"name\":\"name\",\"required\":false,\"type\":\"string\"},"
        "{\"id\":4,\"name\":\"price\",\"required\":false,\"type\":\"decimal(9,2)\"},"
        "{\"id\":5,\"name\":\"day\",\"required\":false,\"type\":\"date\"},"
        "{\"id\":6,\"name\":\"place\",\"required\":false,\"type\":{\"type\":\"struct\",\"fields\":["
        "{\"id\":7,\"name\":\"city\",\"required\":false,\"type\":\"string\"},"
        "{\"id\":8,\"name\":\"seen\",\"required\":false,\"type\":\"timestamp\"}]}},"
        "{\"id\":9,\"name\":\"tags\",\"required\":false,\"type\":{\"type\":\"list\","
        "\"element-id\":10,\"element-required\":false,\"element\":\"string\"}},"
        "{\"id\":11,\"name\":\"raw\",\"required\":false,\"type\":\"binary\"},"
        "{\"id\":12,\"name\":\"weight\",\"required\":false,\"type\":\"double\"},"
        "{\"id\":13,\"name\":\"a b\",\"required\":false,\"type\":\"int\"}]}";
    TarnSchema schema = {0};
    TarnError error = {0};
    CHECK_OK(tarn_table_schema_from_json(json_of(json), &arena, &schema, &error), &error);
    return schema;
}

/* ---- transforms ---- */

static void transforms_have_names(void) {
    fresh();
    static const char *const names[] = {"identity", "bucket[16]", "truncate[2147483647]",
                                        "year",     "month",      "day",
                                        "hour",     "void",       "zorder(a,b)"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        TarnTransform transform = transform_of(names[i]);
        CHECK_INT(transform.kind, i);
        tarn_base_buffer_clear(&out);
        tarn_table_transform_write(transform, &out);
        CHECK_STRING(out.data, names[i]);
        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
            CHECK(tarn_table_transform_equal(transform, transform_of(names[j])) == (i == j));
        }
    }
    CHECK_INT(transform_of("BUCKET[4]").width, 4);
    CHECK(!tarn_table_transform_equal(transform_of("bucket[4]"), transform_of("bucket[5]")));
    static const char *const malformed[] = {"",
                                            "bucket",
                                            "bucket[]",
                                            "bucket[0]",
                                            "bucket[-1]",
                                            "bucket[x]",
                                            "bucket[4",
                                            "bucket[4]x",
                                            "truncate",
                                            "truncate[2147483648]",
                                            "year[1]",
                                            "bucket[4][4]",
                                            "truncate[99999999999999999999]",
                                            "identity[1]"};
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        TarnTransform transform;
        if (!tarn_table_transform_parse(tarn_base_text(malformed[i]), &transform)) continue;
        tap_fail(__FILE__, __LINE__, malformed[i]);
    }
}

static void transforms_apply_to_their_types(void) {
    fresh();
    /* transform, types it takes with what they become; "=" for the same */
    static const struct {
        const char *transform;
        const char *takes; /* one letter a type, see `letters` */
        const char *result;
    } rules[] = {{"identity", "bilfdeDtTzNZsuxYn", "="},
                 {"bucket[4]", "ileDtTzNZsuxY", "int"},
                 {"truncate[4]", "ilesY", "="},
                 {"year", "DTzNZ", "int"},
                 {"month", "DTzNZ", "int"},
                 {"day", "DTzNZ", "date"},
                 {"hour", "TzNZ", "int"},
                 {"void", "bilfdeDtTzNZsuxYnvgG", "="},
                 {"zorder", "", "="}};
    static const char letters[] = "bilfdeDtTzNZsuxYnvgG";
    static const char *const types[] = {
        "boolean",  "int",      "long",      "float",       "double",       "decimal(9,2)",
        "date",     "time",     "timestamp", "timestamptz", "timestamp_ns", "timestamptz_ns",
        "string",   "uuid",     "fixed[3]",  "binary",      "unknown",      "variant",
        "geometry", "geography"};
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        TarnTransform transform = transform_of(rules[i].transform);
        for (size_t j = 0; j < strlen(letters); j++) {
            TarnPrimitive source = type_of(types[j]);
            TarnPrimitive result;
            bool takes = strchr(rules[i].takes, letters[j]) != NULL;
            CHECK(tarn_table_transform_result(transform, source, &result) == takes);
            if (!takes) continue;
            TarnPrimitive want = rules[i].result[0] == '=' ? source : type_of(rules[i].result);
            CHECK(tarn_format_primitive_equal(result, want));
            TarnLiteral null = {.kind = source.kind, .is_null = true};
            TarnLiteral value;
            CHECK(tarn_table_transform_apply(transform, source, &null, &arena, &value));
            CHECK(value.is_null && value.kind == want.kind);
        }
    }
    TarnPrimitive result;
    TarnPrimitive list = {.kind = TARN_TYPE_LIST};
    CHECK(!tarn_table_transform_result(transform_of("void"), list, &result));
}

static const struct {
    const char *transform;
    const char *type;
    const char *value;
    const char *result; /* in the result's text; NULL: cannot be held */
    const char *shown;  /* for people; NULL = result */
} vectors[] = {{"identity", "string", "x", "x", NULL},
               {"void", "long", "5", "null", NULL},
               {"truncate[10]", "int", "1", "0", NULL},
               {"truncate[10]", "int", "-1", "-10", NULL},
               {"truncate[10]", "int", "-10", "-10", NULL},
               {"truncate[10]", "long", "-11", "-20", NULL},
               {"truncate[10]", "int", "-2147483648", NULL, NULL},
               {"truncate[2147483647]", "int", "2147483647", "2147483647", NULL},
               {"truncate[10]", "long", "-9223372036854775808", NULL, NULL},
               {"truncate[10]", "long", "-9223372036854775800", "-9223372036854775800", NULL},
               {"truncate[50]", "decimal(9,2)", "10.65", "10.50", NULL},
               {"truncate[50]", "decimal(9,2)", "-10.65", "-11.00", NULL},
               {"truncate[50]", "decimal(9,2)", "0.01", "0.00", NULL},
               {"truncate[1000]", "decimal(2,1)", "-0.1", NULL, NULL},
               {"truncate[3]", "string", "iceberg", "ice", NULL},
               {"truncate[3]", "string", "ic", "ic", NULL},
               {"truncate[1]", "string", "\xF0\x9F\x98\x80x", "\xF0\x9F\x98\x80", NULL},
               {"truncate[3]", "binary", "\\x01\\x02\\x03\\x04\\x05", "AQID", NULL},
               {"bucket[16]", "int", "34", "3", NULL},
               {"bucket[16]", "long", "34", "3", NULL},
               {"bucket[100]", "decimal(9,2)", "14.20", "59", NULL},
               {"bucket[100]", "date", "2017-11-16", "26", NULL},
               {"bucket[100]", "time", "22:31:08", "59", NULL},
               {"bucket[100]", "timestamp", "2017-11-16 22:31:08", "7", NULL},
               {"bucket[100]", "timestamptz", "2017-11-16 14:31:08-08", "7", NULL},
               {"bucket[100]", "timestamp_ns", "2017-11-16 22:31:08.000000999", "7", NULL},
               {"bucket[100]", "string", "iceberg", "89", NULL},
               {"bucket[100]", "uuid", "f79c3e09-677c-4bbd-a479-3f349cb785e7", "40", NULL},
               {"bucket[128]", "fixed[4]", "\\x00\\x01\\x02\\x03", "57", NULL},
               {"bucket[128]", "binary", "\\x00\\x01\\x02\\x03", "57", NULL},
               {"year", "date", "1970-01-01", "0", "1970"},
               {"year", "date", "1969-12-31", "-1", "1969"},
               {"year", "date", "0044-03-15 (BC)", "-2013", "-043"},
               {"year", "timestamp", "2017-12-01 10:12:55.038194", "47", "2017"},
               {"month", "date", "1969-12-31", "-1", "1969-12"},
               {"month", "date", "1970-02-01", "1", "1970-02"},
               {"month", "timestamptz", "1969-12-31 23:59:59.999999+00", "-1", "1969-12"},
               {"month", "timestamptz", "1970-01-01 05:00:00+06", "-1", "1969-12"},
               {"month", "timestamp_ns", "1969-11-30 23:59:59.999999999", "-2", "1969-11"},
               {"day", "date", "1969-12-31", "1969-12-31", NULL},
               {"day", "timestamp", "1969-12-31 23:59:59.999999", "1969-12-31", NULL},
               {"day", "timestamp_ns", "1969-12-31 23:59:59.999999999", "1969-12-31", NULL},
               {"day", "timestamp", "0044-03-15 (BC) 23:59:59", "-0043-03-15", NULL},
               {"day", "timestamp", "infinity", "+294247-01-10", NULL},
               {"hour", "timestamp", "1969-12-31 23:59:59.999999", "-1", "1969-12-31-23"},
               {"hour", "timestamp", "1970-01-01 00:59:59", "0", "1970-01-01-00"},
               {"hour", "timestamptz", "2017-12-01 10:12:55.038194+00", "420034", "2017-12-01-10"},
               {"hour", "timestamp_ns", "1969-12-31 22:59:59.999999999", "-2", "1969-12-31-22"},
               {"hour", "timestamp", "infinity", NULL, NULL},
               {"hour", "timestamp", "246953-10-09 07:00:00", "2147483647", "+246953-10-09-07"},
               {"hour", "timestamp", "246953-10-09 08:00:00", NULL, NULL}};

static void values_are_the_specifications(void) {
    fresh();
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        TarnPrimitive type = type_of(vectors[i].type);
        TarnTransform transform = transform_of(vectors[i].transform);
        TarnPrimitive result;
        TarnLiteral value;
        TarnLiteral got;
        TarnError error = {0};
        TarnText text = tarn_base_text(vectors[i].value);
        CHECK_OK(tarn_format_literal_from_text(type, text, &arena, &value, &error), &error);
        CHECK(tarn_table_transform_result(transform, type, &result));
        bool done = tarn_table_transform_apply(transform, type, &value, &arena, &got);
        if (done != (vectors[i].result != NULL)) tap_fail(__FILE__, __LINE__, vectors[i].value);
        if (!done) continue;
        tarn_base_buffer_clear(&out);
        tarn_format_literal_to_text(result, &got, &out);
        CHECK_STRING(out.data, vectors[i].result);
        tarn_base_buffer_clear(&out);
        tarn_table_transform_value_text(transform, type, &got, &out);
        CHECK_STRING(out.data, vectors[i].shown != NULL ? vectors[i].shown : vectors[i].result);
    }
    CHECK_INT(tarn_table_bucket_long(16, 34), 3);
    CHECK_INT(tarn_table_bucket_decimal(100, 1420), 59);
    CHECK_INT(tarn_table_bucket_bytes(100, TARN_TEXT("iceberg")), 89);
    CHECK_INT(tarn_table_bucket_long(0, 34), -1);
    CHECK_INT(tarn_table_bucket_bytes(-1, TARN_TEXT("")), -1);
}

static uint64_t state;

static uint64_t next_random(void) {
    state += UINT64_C(0x9E3779B97F4A7C15);
    return tarn_base_hash64(&state, sizeof(state), SEED);
}

static int64_t apply_integer(const char *transform, const char *type, int64_t value) {
    TarnPrimitive source = type_of(type);
    TarnLiteral literal = {.kind = source.kind, .as.integer = value};
    TarnLiteral result = {0};
    CHECK(tarn_table_transform_apply(transform_of(transform), source, &literal, &arena, &result));
    return result.as.integer;
}

/* Years, months, days and hours of one instant agree with the calendar, on both sides of 1970. */
static void random_times_agree_with_the_calendar(void) {
    fresh();
    state = SEED;
    for (int round = 0; round < 5000; round++) {
        int64_t us = (int64_t)next_random() >> (3 + next_random() % 40);
        int64_t days = us / INT64_C(86400000000) - (us % INT64_C(86400000000) < 0);
        int64_t year;
        unsigned month;
        unsigned day;
        tarn_base_time_civil_from_days(days, &year, &month, &day);
        CHECK_INT(apply_integer("year", "timestamp", us), year - 1970);
        CHECK_INT(apply_integer("month", "timestamptz", us), (year - 1970) * 12 + month - 1);
        CHECK_INT(apply_integer("day", "timestamp", us), days);
        CHECK_INT(apply_integer("year", "date", days), year - 1970);
        CHECK_INT(apply_integer("month", "date", days), (year - 1970) * 12 + month - 1);
        int64_t hour = apply_integer("hour", "timestamp", us);
        CHECK(hour * INT64_C(3600000000) <= us && us - hour * INT64_C(3600000000) < 3600000000);
        if (us > INT64_MAX / 1000 || us < INT64_MIN / 1000) continue;
        int64_t ns = us * 1000 + (int64_t)(next_random() % 1000);
        CHECK_INT(apply_integer("day", "timestamp_ns", ns), days);
        CHECK_INT(apply_integer("hour", "timestamptz_ns", ns), hour);
        CHECK_INT(apply_integer("bucket[7]", "timestamp_ns", ns),
                  apply_integer("bucket[7]", "timestamp", us));
    }
}

/* Pruning relies on it: a < b means t(a) <= t(b), and t(a) <= a. */
static void random_truncations_keep_the_order(void) {
    fresh();
    state = SEED + 1;
    for (int round = 0; round < 5000; round++) {
        char transform[32];
        uint64_t width = 1 + next_random() % (round % 2 == 0 ? 50 : INT32_MAX);
        snprintf(transform, sizeof(transform), "truncate[%" PRIu64 "]", width);
        int64_t a = (int64_t)next_random() >> (1 + next_random() % 60);
        int64_t b = (int64_t)next_random() >> (1 + next_random() % 60);
        int64_t of_a = apply_integer(transform, "long", a);
        int64_t of_b = apply_integer(transform, "long", b);
        CHECK(of_a <= a && a - of_a < (int64_t)width && of_a % (int64_t)width == 0);
        CHECK(a < b ? of_a <= of_b : of_a >= of_b);
    }
}

/* ---- SQL: texts that were run in DuckDB against the C transforms over random values ---- */

static void sql_is_what_was_verified(void) {
    static const char days[] =
        "(DATE '1970-01-01' + CAST(((epoch_ns((c)) // 86400000000000) - CAST((epoch_ns((c)) % "
        "86400000000000) < 0 AS BIGINT)) AS INTEGER))";
    static const char micros[] =
        "coalesce(epoch_us((c)), CASE WHEN (c) > TIMESTAMPTZ '1970-01-01 00:00:00+00' THEN "
        "9223372036854775807 WHEN (c) < TIMESTAMPTZ '1970-01-01 00:00:00+00' THEN "
        "-9223372036854775807 END)";
    static const struct {
        const char *transform;
        const char *type;
        const char *sql; /* @ stands for `micros`, # for `days` */
    } cases[] = {
        {"identity", "string", "(c)"},
        {"void", "decimal(9,2)", "CAST(NULL AS DECIMAL(9,2))"},
        {"bucket[16]", "string", "tarn_bucket(CAST(16 AS INTEGER), encode((c)))"},
        {"bucket[16]", "binary", "tarn_bucket(CAST(16 AS INTEGER), (c))"},
        {"bucket[16]", "int", "tarn_bucket(CAST(16 AS INTEGER), CAST((c) AS BIGINT))"},
        {"bucket[16]", "date", "tarn_bucket(CAST(16 AS INTEGER), ((c) - DATE '1970-01-01'))"},
        {"bucket[16]", "time", "tarn_bucket(CAST(16 AS INTEGER), epoch_us((c)))"},
        {"bucket[16]", "timestamptz", "tarn_bucket(CAST(16 AS INTEGER), @)"},
        {"bucket[16]", "timestamp_ns",
         "tarn_bucket(CAST(16 AS INTEGER), ((epoch_ns((c)) // 1000) - CAST((epoch_ns((c)) % 1000) "
         "< 0 AS BIGINT)))"},
        {"bucket[16]", "uuid",
         "tarn_bucket(CAST(16 AS INTEGER), unhex(replace(CAST((c) AS VARCHAR), '-', '')))"},
        {"bucket[16]", "decimal(9,2)",
         "tarn_bucket(CAST(16 AS INTEGER), CAST(replace(CAST((c) AS VARCHAR), '.', '') AS "
         "HUGEINT))"},
        {"truncate[10]", "string", "left((c), 10)"},
        {"truncate[10]", "binary", "array_slice((c), 1, 10)"},
        {"truncate[10]", "int",
         "CAST(CAST((c) AS BIGINT) - (((CAST((c) AS BIGINT) % CAST(10 AS BIGINT)) + CAST(10 AS "
         "BIGINT)) % CAST(10 AS BIGINT)) AS INTEGER)"},
        {"truncate[10]", "decimal(9,2)",
         "CAST(CAST((c) AS DECIMAL(18,2)) - (((CAST((c) AS DECIMAL(18,2)) % CAST('0.10' AS "
         "DECIMAL(18,2))) + CAST('0.10' AS DECIMAL(18,2))) % CAST('0.10' AS DECIMAL(18,2))) AS "
         "DECIMAL(9,2))"},
        {"year", "date",
         "CAST(coalesce(date_diff('year', DATE '1970-01-01', (c)), CASE WHEN (c) > DATE "
         "'1970-01-01' THEN 5879610 WHEN (c) < DATE '1970-01-01' THEN -5879611 END) AS INTEGER)"},
        {"day", "date", "(c)"},
        {"day", "timestamp_ns", "#"},
        {"month", "timestamp_ns", "CAST(date_diff('month', DATE '1970-01-01', #) AS INTEGER)"},
        {"hour", "timestamptz",
         "CAST(((@ // 3600000000) - CAST((@ % 3600000000) < 0 AS BIGINT)) AS INTEGER)"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fresh();
        TarnBuffer want;
        tarn_base_buffer_init(&want, TARN_MIB);
        for (const char *c = cases[i].sql; *c != '\0'; c++) {
            if (*c == '@') {
                tarn_base_buffer_string(&want, micros);
            } else if (*c == '#') {
                tarn_base_buffer_string(&want, days);
            } else {
                tarn_base_buffer_byte(&want, (uint8_t)*c);
            }
        }
        CHECK(tarn_table_transform_to_sql(transform_of(cases[i].transform), type_of(cases[i].type),
                                          TARN_TEXT("c"), &out));
        CHECK_STRING(out.data, want.data);
        tarn_base_buffer_dispose(&want);
    }
    CHECK(!tarn_table_transform_to_sql(transform_of("day"), type_of("timestamptz_ns"),
                                       TARN_TEXT("c"), &out));
    CHECK(!tarn_table_transform_to_sql(transform_of("day"), type_of("int"), TARN_TEXT("c"), &out));
    CHECK(
        !tarn_table_transform_to_sql(transform_of("zorder"), type_of("int"), TARN_TEXT("c"), &out));
}

/* ---- JSON ---- */

static const char *spec_text(const TarnPartitionSpec *spec) {
    TarnJsonWriter writer;
    tarn_base_buffer_clear(&out);
    tarn_base_json_writer_init(&writer, &out, 0);
    tarn_table_partition_spec_to_json(spec, &writer);
    return out.data;
}

static void specs_are_read_and_written(void) {
    fresh();
    TarnPartitionSpec spec;
    TarnError error = {0};
    const char *text = "{\"spec-id\": 3, \"fields\": [{\"source-id\":4,\"field-id\":1000,"
                       "\"name\":\"ts_day\",\"transform\":\"day\",\"extra\":1},{\"source-id\":1,"
                       "\"field-id\":1001,\"name\":\"id_bucket\",\"transform\":\"bucket[16]\"}]}";
    REQUIRE_OK(tarn_table_partition_spec_from_json(json_of(text), &arena, &spec, &error), &error);
    CHECK_INT(spec.id, 3);
    CHECK_INT(spec.field_count, 2);
    CHECK_INT(spec.fields[1].field_id, 1001);
    CHECK_INT(spec.fields[1].source_id, 1);
    CHECK_INT(spec.fields[1].transform.width, 16);
    CHECK_STRING(spec_text(&spec), text); /* as it was, unknown members too */
    spec.source = (TarnText){NULL, 0};
    CHECK_STRING(spec_text(&spec),
                 "{\"spec-id\":3,\"fields\":[{\"name\":\"ts_day\",\"transform\":\"day\","
                 "\"source-id\":4,\"field-id\":1000},{\"name\":\"id_bucket\",\"transform\":"
                 "\"bucket[16]\",\"source-id\":1,\"field-id\":1001}]}");
    TarnPartitionSpec again;
    REQUIRE_OK(
        tarn_table_partition_spec_from_json(json_of(spec_text(&spec)), &arena, &again, &error),
        &error);
    CHECK_INT(again.field_count, 2);
    CHECK_STRING(again.fields[0].name, "ts_day");
}

static void foreign_specs_are_read(void) {
    fresh();
    TarnPartitionSpec spec;
    TarnError error = {0};
    /* version 1: a bare list, no field ids */
    const char *bare = "[{\"source-id\":1,\"name\":\"a\",\"transform\":\"identity\"},"
                       "{\"source-id\":2,\"name\":\"b\",\"transform\":\"void\"}]";
    REQUIRE_OK(tarn_table_partition_fields_from_json(json_of(bare), 7, &arena, &spec, &error),
               &error);
    CHECK_INT(spec.id, 7);
    CHECK_INT(spec.fields[0].field_id, 1000);
    CHECK_INT(spec.fields[1].field_id, 1001);
    const char *object = "{\"spec-id\":1,\"fields\":[]}";
    REQUIRE_OK(tarn_table_partition_fields_from_json(json_of(object), 9, &arena, &spec, &error),
               &error);
    CHECK_INT(spec.field_count, 0);
    /* version 3: several sources, and a transform of tomorrow */
    const char *later =
        "[{\"source-ids\":[5],\"name\":\"a\",\"transform\":\"day\",\"field-id\":1000},"
        "{\"source-ids\":[1,2],\"name\":\"b\",\"transform\":\"bucket[4]\",\"field-id\":1001},"
        "{\"source-id\":3,\"name\":\"c\",\"transform\":\"zorder[8]\",\"field-id\":1002}]";
    REQUIRE_OK(tarn_table_partition_fields_from_json(json_of(later), 0, &arena, &spec, &error),
               &error);
    CHECK_INT(spec.fields[0].transform.kind, TARN_TRANSFORM_DAY);
    CHECK_INT(spec.fields[1].transform.kind, TARN_TRANSFORM_UNKNOWN);
    CHECK_INT(spec.fields[1].source_id, 1);
    CHECK_INT(spec.fields[2].transform.kind, TARN_TRANSFORM_UNKNOWN);
    CHECK(tarn_base_text_is(spec.fields[2].transform.text, "zorder[8]"));
}

static void broken_specs_are_refused(void) {
    fresh();
    static const char *const broken[] = {
        "[]",
        "{}",
        "{\"spec-id\":1}",
        "{\"spec-id\":\"1\",\"fields\":[]}",
        "{\"spec-id\":-1,\"fields\":[]}",
        "{\"spec-id\":1,\"fields\":{}}",
        "{\"spec-id\":1,\"fields\":[1]}",
        "{\"spec-id\":1,\"fields\":[{\"source-id\":1,\"transform\":\"day\"}]}",
        "{\"spec-id\":1,\"fields\":[{\"source-id\":1,\"name\":\"\",\"transform\":\"day\"}]}",
        "{\"spec-id\":1,\"fields\":[{\"source-id\":1,\"name\":\"a\"}]}",
        "{\"spec-id\":1,\"fields\":[{\"source-id\":1,\"name\":\"a\",\"transform\":\"bucket[0]\"}]}",
        "{\"spec-id\":1,\"fields\":[{\"name\":\"a\",\"transform\":\"day\"}]}",
        "{\"spec-id\":1,\"fields\":[{\"source-ids\":[],\"name\":\"a\",\"transform\":\"day\"}]}",
        "{\"spec-id\":1,\"fields\":[{\"source-id\":1,\"field-id\":2147483648,\"name\":\"a\","
        "\"transform\":\"day\"}]}",
        "{\"spec-id\":1,\"fields\":[{\"source-id\":1,\"field-id\":1000,\"name\":\"a\","
        "\"transform\":\"day\"},{\"source-id\":2,\"field-id\":1000,\"name\":\"b\","
        "\"transform\":\"day\"}]}",
        "{\"spec-id\":1,\"fields\":[{\"source-id\":1,\"name\":\"a\",\"transform\":\"day\"},"
        "{\"source-id\":2,\"name\":\"a\",\"transform\":\"day\"}]}"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        TarnPartitionSpec spec;
        TarnError error = {0};
        if (tarn_table_partition_spec_from_json(json_of(broken[i]), &arena, &spec, &error)) {
            tap_fail(__FILE__, __LINE__, broken[i]);
        }
        CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    }
}

static void sort_orders_are_read_and_written(void) {
    fresh();
    TarnSortOrder order;
    TarnError error = {0};
    const char *text = "{\"order-id\":1,\"fields\":[{\"transform\":\"identity\",\"source-id\":2,"
                       "\"direction\":\"asc\",\"null-order\":\"nulls-first\"},{\"transform\":"
                       "\"bucket[4]\",\"source-id\":3,\"direction\":\"desc\",\"null-order\":"
                       "\"nulls-last\"}]}";
    REQUIRE_OK(tarn_table_sort_order_from_json(json_of(text), &arena, &order, &error), &error);
    CHECK_INT(order.id, 1);
    CHECK(!order.fields[0].descending && !order.fields[0].nulls_last);
    CHECK(order.fields[1].descending && order.fields[1].nulls_last);
    CHECK_INT(order.fields[1].source_id, 3);
    for (int i = 0; i < 2; i++) {
        TarnJsonWriter writer;
        tarn_base_buffer_clear(&out);
        tarn_base_json_writer_init(&writer, &out, 0);
        tarn_table_sort_order_to_json(&order, &writer);
        CHECK_STRING(out.data, text);
        order.source = (TarnText){NULL, 0};
    }
    REQUIRE_OK(tarn_table_sort_order_from_json(json_of("{\"order-id\":0,\"fields\":[]}"), &arena,
                                               &order, &error),
               &error);
    CHECK_INT(order.field_count, 0);
    static const char *const broken[] = {
        "[]",
        "{\"fields\":[]}",
        "{\"order-id\":1}",
        "{\"order-id\":1,\"fields\":[{\"transform\":\"identity\",\"source-id\":2,"
        "\"direction\":\"up\",\"null-order\":\"nulls-first\"}]}",
        "{\"order-id\":1,\"fields\":[{\"transform\":\"identity\",\"source-id\":2,"
        "\"direction\":\"asc\"}]}",
        "{\"order-id\":0,\"fields\":[{\"transform\":\"identity\",\"source-id\":2,"
        "\"direction\":\"asc\",\"null-order\":\"nulls-first\"}]}"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        if (tarn_table_sort_order_from_json(json_of(broken[i]), &arena, &order, &error)) {
            tap_fail(__FILE__, __LINE__, broken[i]);
        }
        CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    }
}

/* ---- what people write ---- */

static void expressions_are_understood(void) {
    fresh();
    TarnSchema schema = schema_of_flights();
    static const struct {
        const char *expression;
        int source;
        const char *transform;
        const char *name;
    } cases[] = {{"name", 3, "identity", "name"},
                 {" identity ( name ) ", 3, "identity", "name"},
                 {"NAME", 3, "identity", "name"},
                 {"month(ts)", 2, "month", "ts_month"},
                 {"months(ts)", 2, "month", "ts_month"},
                 {"Days(ts)", 2, "day", "ts_day"},
                 {"date(ts)", 2, "day", "ts_day"},
                 {"hours(ts)", 2, "hour", "ts_hour"},
                 {"date_hour(ts)", 2, "hour", "ts_hour"},
                 {"year(day)", 5, "year", "day_year"},
                 {"bucket(16, id)", 1, "bucket[16]", "id_bucket"},
                 {"bucket(id, 16)", 1, "bucket[16]", "id_bucket"},
                 {"truncate(10,price)", 4, "truncate[10]", "price_trunc"},
                 {"place.city", 7, "identity", "place.city"},
                 {"day(place.seen)", 8, "day", "place.seen_day"},
                 {"\"a b\"", 13, "identity", "a b"},
                 {"bucket(4, \"a b\") AS ab", 13, "bucket[4]", "ab"},
                 {"day(ts) as \"on day\"", 2, "day", "on day"},
                 {"\"place\".\"city\"", 7, "identity", "place.city"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnPartitionField field;
        TarnError error = {0};
        TarnText text = tarn_base_text(cases[i].expression);
        CHECK_OK(tarn_table_partition_parse(&schema, text, &arena, &field, &error), &error);
        CHECK_INT(field.source_id, cases[i].source);
        CHECK(tarn_table_transform_equal(field.transform, transform_of(cases[i].transform)));
        CHECK_STRING(field.name, cases[i].name);
    }
}

static void wrong_expressions_are_explained(void) {
    fresh();
    TarnSchema schema = schema_of_flights();
    static const struct {
        const char *expression;
        TarnErrorCode code;
        const char *said; /* in message or hint */
    } cases[] = {{"", TARN_E_PARTITION_INVALID, "name is missing"},
                 {"nam", TARN_E_COLUMN_NOT_FOUND, "did you mean \"name\""},
                 {"place.citi", TARN_E_COLUMN_NOT_FOUND, "did you mean \"place.city\""},
                 {"moth(ts)", TARN_E_PARTITION_INVALID, "did you mean month"},
                 {"weekday(ts)", TARN_E_PARTITION_INVALID, "unknown partition transform"},
                 {"month(name)", TARN_E_PARTITION_INVALID, "year, month and day take"},
                 {"hour(day)", TARN_E_PARTITION_INVALID, "hour takes timestamps"},
                 {"bucket(4, weight)", TARN_E_PARTITION_INVALID, "bucket takes"},
                 {"truncate(4, ts)", TARN_E_PARTITION_INVALID, "truncate takes"},
                 {"bucket(id)", TARN_E_PARTITION_INVALID, "a width and a column"},
                 {"bucket(0, id)", TARN_E_PARTITION_INVALID, "the width must be"},
                 {"bucket(-1, id)", TARN_E_PARTITION_INVALID, "the width must be"},
                 {"bucket(x, id)", TARN_E_PARTITION_INVALID, "not a whole number"},
                 {"bucket(4294967296, id)", TARN_E_PARTITION_INVALID, "the width must be"},
                 {"bucket(4, id", TARN_E_PARTITION_INVALID, "is missing"},
                 {"month(ts, 4)", TARN_E_PARTITION_INVALID, "is missing"},
                 {"ts desc", TARN_E_PARTITION_INVALID, "text behind it"},
                 {"month(ts) month(ts)", TARN_E_PARTITION_INVALID, "text behind it"},
                 {"\"name", TARN_E_PARTITION_INVALID, "does not end"},
                 {"\"\"", TARN_E_PARTITION_INVALID, "is empty"},
                 {"place", TARN_E_PARTITION_INVALID, "single values"},
                 {"tags", TARN_E_PARTITION_INVALID, "single values"},
                 {"tags.element", TARN_E_PARTITION_INVALID, "in a list or map"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnPartitionField field;
        TarnError error = {0};
        TarnText text = tarn_base_text(cases[i].expression);
        CHECK(!tarn_table_partition_parse(&schema, text, &arena, &field, &error));
        CHECK_INT(error.code, cases[i].code);
        if (strstr(error.message, cases[i].said) == NULL &&
            strstr(error.hint, cases[i].said) == NULL) {
            tap_fail(__FILE__, __LINE__, cases[i].expression);
            printf("#   said: %s; %s\n", error.message, error.hint);
        }
    }
}

/* ---- building ---- */

static TarnPartitionField parsed(const TarnSchema *schema, const char *expression) {
    TarnPartitionField field = {0};
    TarnError error = {0};
    CHECK_OK(tarn_table_partition_parse(schema, tarn_base_text(expression), &arena, &field, &error),
             &error);
    return field;
}

static void specs_reuse_what_is_known(void) {
    fresh();
    TarnSchema schema = schema_of_flights();
    TarnPartitionSpec specs[4];
    TarnError error = {0};
    int32_t last_id = 0;
    TarnPartitionField by_day = parsed(&schema, "day(ts)");
    TarnPartitionField by_bucket = parsed(&schema, "bucket(16, id)");
    TarnPartitionField by_name = parsed(&schema, "name");
    REQUIRE_OK(tarn_table_partition_spec_build(&schema, NULL, 0, NULL, 0, &last_id, &arena,
                                               &specs[0], &error),
               &error);
    CHECK_INT(specs[0].id, 0);
    CHECK_INT(last_id, 999); /* as the reference implementation has it for no fields */
    REQUIRE_OK(tarn_table_partition_spec_build(&schema, (TarnPartitionField[]){by_day, by_bucket},
                                               2, specs, 1, &last_id, &arena, &specs[1], &error),
               &error);
    CHECK_INT(specs[1].id, 1);
    CHECK_INT(specs[1].fields[0].field_id, 1000);
    CHECK_INT(specs[1].fields[1].field_id, 1001);
    CHECK_INT(last_id, 1001);
    REQUIRE_OK(tarn_table_partition_spec_build(&schema, (TarnPartitionField[]){by_name, by_bucket},
                                               2, specs, 2, &last_id, &arena, &specs[2], &error),
               &error);
    CHECK_INT(specs[2].id, 2);
    CHECK_INT(specs[2].fields[0].field_id, 1002);
    CHECK_INT(specs[2].fields[1].field_id, 1001); /* known */
    CHECK_INT(last_id, 1002);
    /* an equal spec is that spec */
    REQUIRE_OK(tarn_table_partition_spec_build(&schema, (TarnPartitionField[]){by_day, by_bucket},
                                               2, specs, 3, &last_id, &arena, &specs[3], &error),
               &error);
    CHECK_INT(specs[3].id, 1);
    CHECK_INT(last_id, 1002);
    /* another name is another spec with the same field id */
    by_day.name = "on_day";
    REQUIRE_OK(tarn_table_partition_spec_build(&schema, &by_day, 1, specs, 3, &last_id, &arena,
                                               &specs[3], &error),
               &error);
    CHECK_INT(specs[3].id, 3);
    CHECK_INT(specs[3].fields[0].field_id, 1000);
}

static void wrong_specs_are_refused(void) {
    fresh();
    TarnSchema schema = schema_of_flights();
    TarnPartitionField day = parsed(&schema, "day(ts)");
    TarnPartitionField month = parsed(&schema, "month(ts)");
    TarnPartitionField again = parsed(&schema, "day(ts) AS other");
    TarnPartitionField same_name = parsed(&schema, "name AS ts_day");
    TarnPartitionField column = parsed(&schema, "bucket(4, id) AS NAME");
    TarnPartitionField missing = day;
    missing.source_id = 99;
    TarnPartitionField unfit = day;
    unfit.source_id = 3;
    TarnPartitionField listed = day;
    listed.source_id = 10;
    TarnPartitionField unknown = day;
    unknown.transform = transform_of("zorder");
    const TarnPartitionField pairs[][2] = {{day, month},  {day, again},   {day, same_name},
                                           {day, column}, {day, missing}, {day, unfit},
                                           {day, listed}, {day, unknown}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        TarnPartitionSpec spec;
        TarnError error = {0};
        int32_t last_id = 1005;
        CHECK(!tarn_table_partition_spec_build(&schema, pairs[i], 2, NULL, 0, &last_id, &arena,
                                               &spec, &error));
        CHECK_INT(error.code, TARN_E_PARTITION_INVALID);
        CHECK_INT(last_id, 1005);
    }
    /* buckets of several widths of one column are fine */
    TarnPartitionField two[] = {parsed(&schema, "bucket(4, id)"),
                                parsed(&schema, "bucket(8, id) AS id8")};
    TarnPartitionSpec spec;
    TarnError error = {0};
    int32_t last_id = 0;
    CHECK_OK(
        tarn_table_partition_spec_build(&schema, two, 2, NULL, 0, &last_id, &arena, &spec, &error),
        &error);
}

static void types_and_paths_follow_the_spec(void) {
    fresh();
    TarnSchema schema = schema_of_flights();
    TarnPartitionSpec spec;
    TarnError error = {0};
    TarnPrimitive *types;
    const char *json = "[{\"source-id\":2,\"name\":\"ts_month\",\"transform\":\"month\"},"
                       "{\"source-id\":3,\"name\":\"na/me\",\"transform\":\"identity\"},"
                       "{\"source-id\":77,\"name\":\"gone\",\"transform\":\"day\"},"
                       "{\"source-id\":78,\"name\":\"lost\",\"transform\":\"identity\"},"
                       "{\"source-id\":4,\"name\":\"odd\",\"transform\":\"zorder\"}]";
    REQUIRE_OK(tarn_table_partition_fields_from_json(json_of(json), 0, &arena, &spec, &error),
               &error);
    REQUIRE_OK(tarn_table_partition_types(&spec, &schema, &arena, &types, &error), &error);
    CHECK_INT(types[0].kind, TARN_TYPE_INT);
    CHECK_INT(types[1].kind, TARN_TYPE_STRING);
    CHECK_INT(types[2].kind, TARN_TYPE_DATE);
    CHECK_INT(types[3].kind, TARN_TYPE_STRING);
    CHECK_INT(types[4].kind, TARN_TYPE_STRING);
    TarnLiteral values[5] = {{.kind = TARN_TYPE_INT, .as.integer = 682},
                             {.kind = TARN_TYPE_STRING, .as.bytes = TARN_TEXT("a b=c/\xC3\xA4%")},
                             {.kind = TARN_TYPE_DATE, .as.integer = -1},
                             {.kind = TARN_TYPE_STRING, .is_null = true},
                             {.kind = TARN_TYPE_STRING, .as.bytes = TARN_TEXT("..")}};
    tarn_table_partition_path(&spec, &schema, values, &out);
    CHECK_STRING(out.data, "ts_month=2026-11/na%2Fme=a%20b%3Dc%2F%C3%A4%25/gone=1969-12-31/"
                           "lost=null/odd=..");
    spec.fields[0].source_id = 3;
    CHECK(!tarn_table_partition_types(&spec, &schema, &arena, &types, &error));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
}

static void long_values_still_make_folder_names(void) {
    TarnSchema schema;
    char text[400];
    for (size_t size = 60; size < sizeof(text); size++) {
        fresh();
        schema = schema_of_flights();
        TarnPartitionField field = parsed(&schema, "name");
        TarnPartitionSpec spec = {.fields = &field, .field_count = 1};
        memset(text, size % 2 == 0 ? 'x' : '/', sizeof(text));
        TarnLiteral value = {.kind = TARN_TYPE_STRING, .as.bytes = {text, size}};
        tarn_table_partition_path(&spec, &schema, &value, &out);
        CHECK(out.size <= TARN_LIMIT_IDENTIFIER_BYTES);
        const char *cut = strchr(out.data, '~');
        bool fits = size % 2 == 0 ? size + 5 <= 255 : size * 3 + 5 <= 255;
        CHECK(fits == (cut == NULL));
        if (cut == NULL) continue;
        CHECK(cut[9] == '\0');                                 /* eight digits of the hash */
        CHECK(size % 2 == 0 || (cut - out.data - 5) % 3 == 0); /* no half of an escape */
    }
}

static void exhausted_memory_is_an_error(void) {
    fresh();
    TarnSchema schema = schema_of_flights();
    TarnJson *json = json_of("{\"spec-id\":3,\"fields\":[{\"source-id\":4,\"name\":\"ts_day\","
                             "\"transform\":\"zorder\"}]}");
    int done_count = 0;
    for (size_t limit = 0; limit < 3000; limit += 16) {
        TarnArena small;
        TarnPartitionSpec spec;
        TarnPartitionField field;
        TarnError error = {0};
        int32_t last_id = 0;
        tarn_base_arena_init(&small, limit);
        bool done = tarn_table_partition_spec_from_json(json, &small, &spec, &error) &&
                    tarn_table_partition_parse(&schema, TARN_TEXT("bucket(4, place.city)"), &small,
                                               &field, &error) &&
                    tarn_table_partition_spec_build(&schema, &field, 1, NULL, 0, &last_id, &small,
                                                    &spec, &error);
        CHECK(done || error.code == TARN_E_OUT_OF_MEMORY);
        done_count += done;
        tarn_base_arena_dispose(&small);
    }
    CHECK(done_count > 0 && done_count < 185);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(transforms_have_names);
    TAP_TEST(transforms_apply_to_their_types);
    TAP_TEST(values_are_the_specifications);
    TAP_TEST(random_times_agree_with_the_calendar);
    TAP_TEST(random_truncations_keep_the_order);
    TAP_TEST(sql_is_what_was_verified);
    TAP_TEST(specs_are_read_and_written);
    TAP_TEST(foreign_specs_are_read);
    TAP_TEST(broken_specs_are_refused);
    TAP_TEST(sort_orders_are_read_and_written);
    TAP_TEST(expressions_are_understood);
    TAP_TEST(wrong_expressions_are_explained);
    TAP_TEST(specs_reuse_what_is_known);
    TAP_TEST(wrong_specs_are_refused);
    TAP_TEST(types_and_paths_follow_the_spec);
    TAP_TEST(long_values_still_make_folder_names);
    TAP_TEST(exhausted_memory_is_an_error);
    tarn_base_arena_dispose(&arena);
    tarn_base_buffer_dispose(&out);
    return tap_end();
}
