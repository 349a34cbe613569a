/* Avro schemas: what is understood, and what is refused where. */
#include "avro_test.h"

static TarnArena arena;
static TarnError error;

static const TarnAvroSchema *parse(const char *json) {
    const TarnAvroSchema *schema = NULL;
    CHECK_OK(tarn_format_avro_schema_parse(tarn_base_text(json), NULL, &arena, &schema, &error),
             &error);
    return schema;
}

static const TarnAvroSchema *type_of(const TarnAvroSchema *record, const char *name) {
    const TarnAvroField *field = tarn_format_avro_schema_field(record, tarn_base_text(name));
    return field != NULL ? field->type : NULL;
}

static void primitive_types(void) {
    static const struct {
        const char *json;
        TarnAvroKind kind;
        bool is_constant;
        size_t minimum;
    } cases[] = {
        {"\"null\"", TARN_AVRO_NULL, true, 0},
        {"\"boolean\"", TARN_AVRO_BOOLEAN, true, 1},
        {"\"int\"", TARN_AVRO_INT, false, 1},
        {"\"long\"", TARN_AVRO_LONG, false, 1},
        {"\"float\"", TARN_AVRO_FLOAT, true, 4},
        {"\"double\"", TARN_AVRO_DOUBLE, true, 8},
        {"\"bytes\"", TARN_AVRO_BYTES, false, 1},
        {"\"string\"", TARN_AVRO_STRING, false, 1},
        {"{\"type\":\"int\"}", TARN_AVRO_INT, false, 1},
        {"{\"type\":{\"type\":\"double\"}}", TARN_AVRO_DOUBLE, true, 8},
        {"{\"type\":\"fixed\",\"name\":\"f\",\"size\":3}", TARN_AVRO_FIXED, true, 3},
        {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"]}", TARN_AVRO_ENUM, false, 1},
        {"{\"type\":\"array\",\"items\":\"null\"}", TARN_AVRO_ARRAY, false, 1},
        {"{\"type\":\"map\",\"values\":\"double\"}", TARN_AVRO_MAP, false, 1},
        {"[\"null\",\"double\"]", TARN_AVRO_UNION, false, 1},
        {"[\"float\",\"double\"]", TARN_AVRO_UNION, false, 5},
        {"{\"type\":\"record\",\"name\":\"r\",\"fields\":[]}", TARN_AVRO_RECORD, true, 0},
        {"{\"type\":\"error\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":\"float\"},"
         "{\"name\":\"b\",\"type\":\"boolean\"}]}",
         TARN_AVRO_RECORD, true, 5},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const TarnAvroSchema *schema = parse(cases[i].json);
        REQUIRE(schema != NULL);
        CHECK_INT(schema->kind, cases[i].kind);
        CHECK_INT(schema->is_constant, cases[i].is_constant);
        CHECK_INT(schema->minimum_bytes, cases[i].minimum);
    }
}

static void attributes_are_kept(void) {
    const TarnAvroSchema *schema = parse(
        "{\"type\":\"record\",\"name\":\"r\",\"doc\":\"all\",\"fields\":["
        "{\"name\":\"a\",\"type\":\"int\",\"field-id\":134,\"doc\":\"d\",\"default\":null},"
        "{\"name\":\"b\",\"type\":[\"null\",{\"type\":\"array\",\"items\":\"long\","
        "\"element-id\":133}],\"field-id\":132,\"x\":[1]},"
        "{\"name\":\"c\",\"type\":{\"type\":\"map\",\"values\":\"bytes\",\"key-id\":5,"
        "\"value-id\":6}},"
        "{\"name\":\"d\",\"type\":\"int\",\"field-id\":\"7\"},"
        "{\"name\":\"e\",\"type\":\"int\",\"field-id\":-3},"
        "{\"name\":\"f\",\"type\":\"int\",\"field-id\":2147483648}]}");
    REQUIRE(schema != NULL);
    CHECK(tarn_base_text_is(schema->doc, "all"));
    const TarnAvroField *a = tarn_format_avro_schema_field_by_id(schema, 134);
    REQUIRE(a != NULL);
    CHECK(tarn_base_text_is(a->name, "a"));
    CHECK(tarn_base_text_is(a->doc, "d"));
    REQUIRE(a->default_value != NULL);
    CHECK_INT(a->default_value->kind, TARN_JSON_NULL);
    const TarnAvroField *b = tarn_format_avro_schema_field_by_id(schema, 132);
    REQUIRE(b != NULL);
    CHECK(b->default_value == NULL);
    CHECK(b->doc.data == NULL);
    CHECK(tarn_base_json_member(b->json, "x") != NULL);
    CHECK_INT(tarn_format_avro_schema_required(b->type)->element_id, 133);
    CHECK(tarn_format_avro_schema_is_nullable(b->type));
    const TarnAvroSchema *c = type_of(schema, "c");
    CHECK_INT(c->key_id, 5);
    CHECK_INT(c->value_id, 6);
    CHECK_INT(c->fields[0].type->kind, TARN_AVRO_STRING);
    CHECK(!tarn_format_avro_schema_is_nullable(c));
    for (const char *name = "def"; *name != '\0'; name++) {
        TarnText text = {name, 1};
        CHECK_INT(tarn_format_avro_schema_field(schema, text)->field_id, TARN_AVRO_NO_ID);
    }
    CHECK(tarn_format_avro_schema_field_by_id(schema, TARN_AVRO_NO_ID) == NULL);
    CHECK(tarn_format_avro_schema_field(schema, TARN_TEXT("z")) == NULL);
}

static void names_and_namespaces(void) {
    const TarnAvroSchema *schema = parse(
        "{\"type\":\"record\",\"name\":\"Outer\",\"namespace\":\"a.b\",\"fields\":["
        "{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}},"
        "{\"name\":\"g\",\"type\":{\"type\":\"fixed\",\"name\":\"c.F\",\"size\":3}},"
        "{\"name\":\"h\",\"type\":{\"type\":\"record\",\"name\":\"x.y.In\",\"namespace\":\"no\","
        "\"fields\":[{\"name\":\"i\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}},"
        "{\"name\":\"j\",\"type\":\"F\"},{\"name\":\"k\",\"type\":\"a.b.F\"}]}},"
        "{\"name\":\"l\",\"type\":\"F\"},{\"name\":\"m\",\"type\":\"c.F\"},"
        "{\"name\":\"n\",\"type\":{\"type\":\"x.y.F\"}},"
        "{\"name\":\"o\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"namespace\":\"\","
        "\"size\":5}},"
        "{\"name\":\"p\",\"type\":{\"type\":\"enum\",\"name\":\"Bare\",\"namespace\":\"\","
        "\"symbols\":[\"S\"]}},"
        "{\"name\":\"q\",\"type\":\"Bare\"}]}");
    REQUIRE(schema != NULL);
    CHECK(tarn_base_text_is(schema->full_name, "a.b.Outer"));
    CHECK_INT(type_of(schema, "l")->size, 2);
    CHECK_INT(type_of(schema, "m")->size, 3);
    CHECK_INT(type_of(schema, "n")->size, 4);
    CHECK_INT(type_of(schema, "o")->size, 5);
    const TarnAvroSchema *inner = type_of(schema, "h");
    CHECK(tarn_base_text_is(inner->full_name, "x.y.In"));
    CHECK_INT(type_of(inner, "j")->size, 4);
    CHECK_INT(type_of(inner, "k")->size, 2);
    CHECK_INT(type_of(schema, "q")->kind, TARN_AVRO_ENUM);
}

static void recursive_types(void) {
    const TarnAvroSchema *schema = parse(
        "{\"type\":\"record\",\"name\":\"Top\",\"fields\":["
        "{\"name\":\"tree\",\"type\":{\"type\":\"record\",\"name\":\"Tree\",\"fields\":["
        "{\"name\":\"leaf\",\"type\":{\"type\":\"record\",\"name\":\"Leaf\",\"fields\":["
        "{\"name\":\"up\",\"type\":[\"null\",\"Tree\"]}]}},"
        "{\"name\":\"more\",\"type\":{\"type\":\"array\",\"items\":\"Tree\"}}]}}]}");
    REQUIRE(schema != NULL);
    CHECK(!schema->is_recursive);
    const TarnAvroSchema *tree = type_of(schema, "tree");
    CHECK(tree->is_recursive);
    CHECK(type_of(tree, "leaf")->is_recursive);
    CHECK(type_of(tree, "more")->item == tree);
    CHECK_INT(tree->minimum_bytes, 2);
    CHECK(!tree->is_constant);
    /* A value of this type cannot exist; the schema can. */
    schema = parse("{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"a\","
                   "\"type\":\"A\"}]}");
    REQUIRE(schema != NULL);
    CHECK(schema->is_recursive && !schema->is_constant);
}

static void logical_types(void) {
    static const struct {
        const char *json;
        TarnAvroLogical logical;
    } cases[] = {
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":2}",
         TARN_AVRO_LOGICAL_DECIMAL},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9}",
         TARN_AVRO_LOGICAL_DECIMAL},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\"}", TARN_AVRO_LOGICAL_NONE},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":2,\"scale\":3}",
         TARN_AVRO_LOGICAL_NONE},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":0,\"scale\":0}",
         TARN_AVRO_LOGICAL_NONE},
        {"{\"type\":\"int\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":2}",
         TARN_AVRO_LOGICAL_NONE},
        {"{\"type\":\"int\",\"logicalType\":\"date\"}", TARN_AVRO_LOGICAL_DATE},
        {"{\"type\":\"long\",\"logicalType\":\"date\"}", TARN_AVRO_LOGICAL_NONE},
        {"{\"type\":\"int\",\"logicalType\":\"time-millis\"}", TARN_AVRO_LOGICAL_TIME_MILLIS},
        {"{\"type\":\"long\",\"logicalType\":\"time-micros\"}", TARN_AVRO_LOGICAL_TIME_MICROS},
        {"{\"type\":\"long\",\"logicalType\":\"timestamp-nanos\"}",
         TARN_AVRO_LOGICAL_TIMESTAMP_NANOS},
        {"{\"type\":\"long\",\"logicalType\":\"local-timestamp-millis\"}",
         TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_MILLIS},
        {"{\"type\":\"string\",\"logicalType\":\"uuid\"}", TARN_AVRO_LOGICAL_UUID},
        {"{\"type\":\"fixed\",\"name\":\"u\",\"size\":16,\"logicalType\":\"uuid\"}",
         TARN_AVRO_LOGICAL_UUID},
        {"{\"type\":\"fixed\",\"name\":\"u\",\"size\":15,\"logicalType\":\"uuid\"}",
         TARN_AVRO_LOGICAL_NONE},
        {"{\"type\":\"fixed\",\"name\":\"u\",\"size\":12,\"logicalType\":\"duration\"}",
         TARN_AVRO_LOGICAL_DURATION},
        {"{\"type\":\"fixed\",\"name\":\"u\",\"size\":11,\"logicalType\":\"duration\"}",
         TARN_AVRO_LOGICAL_NONE},
        {"{\"type\":\"array\",\"logicalType\":\"map\",\"items\":{\"type\":\"record\",\"name\":"
         "\"kv\",\"fields\":[{\"name\":\"key\",\"type\":\"int\"},{\"name\":\"value\",\"type\":"
         "\"long\"}]}}",
         TARN_AVRO_LOGICAL_MAP},
        {"{\"type\":\"array\",\"logicalType\":\"map\",\"items\":\"int\"}", TARN_AVRO_LOGICAL_NONE},
        {"{\"type\":\"int\",\"logicalType\":\"colour\"}", TARN_AVRO_LOGICAL_NONE},
        {"{\"type\":\"int\",\"logicalType\":7}", TARN_AVRO_LOGICAL_NONE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const TarnAvroSchema *schema = parse(cases[i].json);
        REQUIRE(schema != NULL);
        if (schema->logical != cases[i].logical) CHECK_STRING("", cases[i].json);
    }
    const TarnAvroSchema *decimal = parse(cases[0].json);
    CHECK_INT(decimal->precision, 9);
    CHECK_INT(decimal->scale, 2);
    const char *utc = "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\","
                      "\"adjust-to-utc\":false}";
    CHECK_INT(parse(utc)->adjust_to_utc, 0);
    CHECK_INT(decimal->adjust_to_utc, -1);
}

static void refusals(void) {
    static const struct {
        const char *json;
        const char *message;
    } cases[] = {
        {"", "reading an Avro schema"},
        {"{", "reading an Avro schema"},
        {"7", "neither a string"},
        {"null", "neither a string"},
        {"\"nope\"", "\"nope\" is not declared"},
        {"\"record\"", "\"record\" is not declared"},
        {"{}", "no \"type\""},
        {"{\"type\":[]}", "no branches"},
        {"[]", "no branches"},
        {"[\"null\",[\"int\"]]", "directly within"},
        {"[\"int\",\"int\"]", "two branches of the type int"},
        {"[{\"type\":\"array\",\"items\":\"int\"},{\"type\":\"array\",\"items\":\"long\"}]",
         "two branches of the type array"},
        {"[{\"type\":\"fixed\",\"name\":\"a\",\"size\":1},\"a\"]", "two branches"},
        {"{\"type\":\"array\"}", "no \"items\""},
        {"{\"type\":\"map\"}", "no \"values\""},
        {"{\"type\":\"fixed\",\"size\":1}", "no name"},
        {"{\"type\":\"fixed\",\"name\":\"\",\"size\":1}", "no name"},
        {"{\"type\":\"fixed\",\"name\":\"f\"}", "no size"},
        {"{\"type\":\"fixed\",\"name\":\"f\",\"size\":-1}", "no size"},
        {"{\"type\":\"enum\",\"name\":\"e\"}", "no symbols"},
        {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[]}", "no symbols"},
        {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[1]}", "not a string"},
        {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"A\"]}", "\"A\" twice"},
        {"{\"type\":\"record\",\"name\":\"r\"}", "no fields"},
        {"{\"type\":\"record\",\"name\":\"r\",\"fields\":[1]}", "no name"},
        {"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\"}]}", "no type"},
        {"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"},"
         "{\"name\":\"a\",\"type\":\"int\"}]}",
         "\"a\" twice"},
        {"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":{\"type\":"
         "\"fixed\",\"name\":\"r\",\"size\":1}}]}",
         "declared twice"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const TarnAvroSchema *schema = NULL;
        CHECK_REFUSED(tarn_format_avro_schema_parse(tarn_base_text(cases[i].json), NULL, &arena,
                                                    &schema, &error),
                      TARN_E_FORMAT_CORRUPT, cases[i].message);
        CHECK(schema == NULL);
    }
}

static void a_users_file_is_named_with_the_place(void) {
    const TarnAvroSchema *schema = NULL;
    TarnText json = TARN_TEXT("{\"type\": \"array\",\n \"items\": \"nope\"}");
    CHECK_REFUSED(tarn_format_avro_schema_parse(json, "my.avsc", &arena, &schema, &error),
                  TARN_E_SCHEMA_FILE_INVALID, "nope");
    CHECK_STRING(error.file, "my.avsc");
    CHECK_INT(error.line, 2);
    CHECK_INT(error.column, 11);
    CHECK(strstr(error.detail, "\"items\": \"nope\"") != NULL);
    CHECK_REFUSED(
        tarn_format_avro_schema_parse(TARN_TEXT("[1,"), "my.avsc", &arena, &schema, &error),
        TARN_E_SCHEMA_FILE_INVALID, "");
    CHECK_STRING(error.file, "my.avsc");
}

static void nesting_and_width_are_limited(void) {
    TarnBuffer json;
    const TarnAvroSchema *schema = NULL;
    tarn_base_buffer_init(&json, 4 * TARN_MIB);
    for (int i = 0; i < 1000; i++) {
        tarn_base_buffer_string(&json, "{\"type\":\"array\",\"items\":");
    }
    CHECK_REFUSED(
        tarn_format_avro_schema_parse(tarn_base_buffer_view(&json), NULL, &arena, &schema, &error),
        TARN_E_LIMIT_EXCEEDED, "");
    tarn_base_buffer_clear(&json);
    tarn_base_buffer_string(&json, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[");
    for (int i = 0; i <= TARN_LIMIT_COLUMNS; i++) {
        tarn_base_buffer_printf(&json, "%s{\"name\":\"f%d\",\"type\":\"int\"}", i ? "," : "", i);
    }
    tarn_base_buffer_string(&json, "]}");
    CHECK_REFUSED(
        tarn_format_avro_schema_parse(tarn_base_buffer_view(&json), NULL, &arena, &schema, &error),
        TARN_E_LIMIT_EXCEEDED, "too many fields, more than 10000");
    TarnText fixed = TARN_TEXT("{\"type\":\"fixed\",\"name\":\"f\",\"size\":99999999999}");
    CHECK_REFUSED(tarn_format_avro_schema_parse(fixed, NULL, &arena, &schema, &error),
                  TARN_E_LIMIT_EXCEEDED, "larger than a block");
    tarn_base_buffer_clear(&json);
    for (int i = 0; i <= TARN_LIMIT_COLUMNS; i++) {
        tarn_base_buffer_string(&json, i > 0 ? ",\"int\"" : "[\"int\"");
    }
    tarn_base_buffer_string(&json, "]");
    CHECK_REFUSED(
        tarn_format_avro_schema_parse(tarn_base_buffer_view(&json), NULL, &arena, &schema, &error),
        TARN_E_LIMIT_EXCEEDED, "too many branches");
    tarn_base_buffer_dispose(&json);
    /* a tree made by hand can be deeper than parsed JSON */
    TarnJson *inner = tarn_base_json_new_string(&arena, TARN_TEXT("int"));
    for (int i = 0; i < 200; i++) {
        TarnJson *outer = tarn_base_json_new(&arena, TARN_JSON_OBJECT);
        tarn_base_json_set(&arena, outer, "type",
                           tarn_base_json_new_string(&arena, TARN_TEXT("array")));
        tarn_base_json_set(&arena, outer, "items", inner);
        inner = outer;
    }
    CHECK_REFUSED(tarn_format_avro_schema_from_json(inner, NULL, &arena, &schema, &error),
                  TARN_E_LIMIT_EXCEEDED, "nested too deeply");
}

static void what_a_union_requires(void) {
    const struct {
        const char *json;
        int kind; /* of the required type; -1 = there is none */
        bool nullable;
    } cases[] = {
        {"\"int\"", TARN_AVRO_INT, false},           {"\"null\"", TARN_AVRO_NULL, true},
        {"[\"int\"]", TARN_AVRO_INT, false},         {"[\"null\",\"int\"]", TARN_AVRO_INT, true},
        {"[\"int\",\"null\"]", TARN_AVRO_INT, true}, {"[\"int\",\"string\"]", -1, false},
        {"[\"int\",\"string\",\"null\"]", -1, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const TarnAvroSchema *schema = parse(cases[i].json);
        REQUIRE(schema != NULL);
        const TarnAvroSchema *required = tarn_format_avro_schema_required(schema);
        CHECK_INT(required != NULL ? (int)required->kind : -1, cases[i].kind);
        CHECK_INT(tarn_format_avro_schema_is_nullable(schema), cases[i].nullable);
    }
}

static void doubling_types_stay_bounded(void) {
    /* Each record holds the one before twice: 2^60 ints, whose least size is cut. */
    TarnBuffer json;
    const TarnAvroSchema *schema = NULL;
    tarn_base_buffer_init(&json, TARN_MIB);
    tarn_base_buffer_string(&json, "{\"type\":\"record\",\"name\":\"top\",\"fields\":["
                                   "{\"name\":\"f0\",\"type\":{\"type\":\"record\",\"name\":"
                                   "\"r0\",\"fields\":[{\"name\":\"v\",\"type\":\"double\"}]}}");
    for (int i = 1; i <= 60; i++) {
        tarn_base_buffer_printf(&json,
                                ",{\"name\":\"f%d\",\"type\":{\"type\":\"record\",\"name\":"
                                "\"r%d\",\"fields\":[{\"name\":\"a\",\"type\":\"r%d\"},"
                                "{\"name\":\"b\",\"type\":\"r%d\"}]}}",
                                i, i, i - 1, i - 1);
    }
    tarn_base_buffer_string(&json, "]}");
    CHECK_OK(
        tarn_format_avro_schema_parse(tarn_base_buffer_view(&json), NULL, &arena, &schema, &error),
        &error);
    REQUIRE(schema != NULL);
    CHECK_INT(schema->minimum_bytes, UINT32_MAX);
    CHECK(!schema->is_constant);
    tarn_base_buffer_dispose(&json);
}

static void every_arena_limit_fails_cleanly(void) {
    static const char json[] =
        "{\"type\":\"record\",\"name\":\"r\",\"namespace\":\"n\",\"fields\":["
        "{\"name\":\"a\",\"type\":[\"null\",{\"type\":\"map\",\"values\":\"r\"}]},"
        "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}},"
        "{\"name\":\"d\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"bytes\","
        "\"logicalType\":\"decimal\",\"precision\":4}}}]}";
    bool done = false;
    size_t limit = 0;
    for (; !done && limit < TARN_MIB; limit += 16) {
        TarnArena small;
        const TarnAvroSchema *schema = NULL;
        tarn_base_arena_init(&small, limit);
        done = tarn_format_avro_schema_parse(TARN_TEXT(json), NULL, &small, &schema, &error);
        if (!done) CHECK_INT(error.code, TARN_E_OUT_OF_MEMORY);
        if (!done) CHECK(schema == NULL);
        tarn_base_arena_dispose(&small);
    }
    CHECK(done);
    CHECK(limit > 256);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    tarn_base_arena_init(&arena, 256 * TARN_MIB);
    TAP_TEST(primitive_types);
    TAP_TEST(attributes_are_kept);
    TAP_TEST(names_and_namespaces);
    TAP_TEST(recursive_types);
    TAP_TEST(logical_types);
    TAP_TEST(refusals);
    TAP_TEST(a_users_file_is_named_with_the_place);
    TAP_TEST(nesting_and_width_are_limited);
    TAP_TEST(what_a_union_requires);
    TAP_TEST(doubling_types_stay_bounded);
    TAP_TEST(every_arena_limit_fails_cleanly);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
