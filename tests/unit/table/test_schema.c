/* Schemas: JSON both ways, what is refused and what is tolerated, finding fields, ids, derived
 * texts, and random schemas that survive the round trip. */
#include "table/schema.h"

#include "base/hash.h"
#include "base/limits.h"
#include "tap.h"

#define SEED UINT64_C(0x5EED0003)

static TarnArena arena;
static TarnBuffer out;

static void fresh(void) {
    tarn_base_arena_dispose(&arena);
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    tarn_base_buffer_dispose(&out);
    tarn_base_buffer_init(&out, 4 * TARN_MIB);
}

static TarnJson *json_of(const char *text) {
    TarnJson *tree = NULL;
    TarnError error = {0};
    CHECK_OK(tarn_base_json_parse(tarn_base_text(text), NULL, &arena, &tree, &error), &error);
    return tree;
}

static TarnSchema schema_of(const char *text) {
    TarnSchema schema = {0};
    TarnError error = {0};
    CHECK_OK(tarn_table_schema_from_json(json_of(text), &arena, &schema, &error), &error);
    return schema;
}

static const char *text_of(const TarnSchema *schema) {
    TarnJsonWriter writer;
    tarn_base_buffer_clear(&out);
    tarn_base_json_writer_init(&writer, &out, 0);
    tarn_table_schema_to_json(schema, &writer);
    return out.data;
}

/* All kinds of nesting, defaults and docs; "a.b" and a -> b differ. */
static const char everything[] =
    "{\"type\":\"struct\",\"schema-id\":7,\"identifier-field-ids\":[1,12],\"fields\":["
    "{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"uuid\",\"doc\":\"the key\","
    "\"initial-default\":\"0db3e2a8-9d1d-42b9-aa7b-74ebe558dceb\","
    "\"write-default\":\"ec5911be-b0a7-458c-8438-c9a3e53cffae\"},"
    "{\"id\":2,\"name\":\"items\",\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":3,"
    "\"element\":{\"type\":\"struct\",\"fields\":[{\"id\":4,\"name\":\"price\",\"required\":true,"
    "\"type\":\"decimal(9,2)\"}]},\"element-required\":true}},"
    "{\"id\":5,\"name\":\"m\",\"required\":false,\"type\":{\"type\":\"map\",\"key-id\":6,\"key\":"
    "\"string\",\"value-id\":7,\"value\":{\"type\":\"struct\",\"fields\":[{\"id\":8,\"name\":\"x\","
    "\"required\":false,\"type\":\"geometry(srid:4326)\"}]},\"value-required\":false}},"
    "{\"id\":9,\"name\":\"a.b\",\"required\":false,\"type\":\"int\"},"
    "{\"id\":10,\"name\":\"a\",\"required\":false,\"type\":{\"type\":\"struct\",\"fields\":["
    "{\"id\":11,\"name\":\"B\",\"required\":false,\"type\":\"fixed[3]\"}]},\"initial-default\":{}},"
    "{\"id\":13,\"name\":\"deep\",\"required\":true,\"type\":{\"type\":\"struct\",\"fields\":["
    "{\"id\":12,\"name\":\"key\",\"required\":true,\"type\":\"long\",\"write-default\":5}]}}]}";

static void schemas_are_read_and_written(void) {
    fresh();
    TarnSchema schema = schema_of(everything);
    CHECK_INT(schema.id, 7);
    CHECK_INT(schema.field_count, 6);
    CHECK_INT(schema.identifier_count, 2);
    CHECK_STRING(schema.fields[0].doc, "the key");
    CHECK(schema.fields[0].required && !schema.fields[1].required);
    CHECK_INT(schema.fields[1].type.fields[0].id, 3);
    CHECK(schema.fields[1].type.fields[0].required);
    CHECK(schema.fields[2].type.fields[0].required && !schema.fields[2].type.fields[1].required);
    CHECK_STRING(text_of(&schema), everything);
    schema.source = (TarnText){NULL, 0};
    CHECK_STRING(text_of(&schema), everything); /* from the model, too */
    TarnSchema again = schema_of(text_of(&schema));
    CHECK(tarn_table_schema_same(&schema, &again));
}

static void unknown_members_are_kept(void) {
    fresh();
    const char *text = "{ \"fields\": [ { \"id\":1, \"name\":\"a\", \"required\":true, \"x\":1.50, "
                       "\"type\":\"int\" } ], \"new\": [ ] }";
    TarnSchema schema = schema_of(text);
    CHECK_INT(schema.id, 0); /* version 1 has none */
    CHECK_STRING(text_of(&schema), text);
}

static void names_that_differ_in_case_are_read(void) {
    fresh();
    TarnSchema schema = schema_of(
        "{\"fields\":[{\"id\":1,\"name\":\"a\",\"required\":false,\"type\":\"int\"},"
        "{\"id\":2,\"name\":\"A\",\"required\":false,\"type\":\"int\"},"
        "{\"id\":3,\"name\":\"s\",\"required\":false,\"type\":{\"type\":\"struct\","
        "\"fields\":[]}}]}");
    TarnError error;
    CHECK_INT(schema.field_count, 3);
    CHECK_INT(tarn_table_schema_find_name(&schema, "A")->id, 2);
    CHECK(!tarn_table_schema_check_new(&schema, 2, &error)); /* but not created */
    CHECK_INT(error.code, TARN_E_NAME_INVALID);
    CHECK(strstr(error.message, "differ in case") != NULL);
}

#define FIELD(id, name, type)                                                                      \
    "{\"id\":" id ",\"name\":\"" name "\",\"required\":false,\"type\":" type "}"
#define SCHEMA(fields) "{\"fields\":[" fields "]}"

static const char *const broken[][2] = {
    {"[]", "not an object"},
    {"{}", "\"fields\""},
    {"{\"fields\":{}}", "\"fields\""},
    {"{\"type\":\"list\",\"fields\":[]}", "struct"},
    {"{\"schema-id\":-1,\"fields\":[]}", "schema-id"},
    {"{\"schema-id\":\"1\",\"fields\":[]}", "schema-id"},
    {SCHEMA("1"), "not an object"},
    {SCHEMA("{\"id\":1,\"required\":true,\"type\":\"int\"}"), "no name"},
    {SCHEMA("{\"id\":1,\"name\":5,\"required\":true,\"type\":\"int\"}"), "no name"},
    {SCHEMA("{\"id\":1,\"name\":\"a\\u0000b\",\"required\":true,\"type\":\"int\"}"), "no name"},
    {SCHEMA("{\"id\":1,\"name\":\"a\",\"type\":\"int\"}"), "\"a\": neither true nor false"},
    {SCHEMA("{\"id\":1,\"name\":\"a\",\"required\":1,\"type\":\"int\"}"), "\"required\""},
    {SCHEMA("{\"id\":1,\"name\":\"a\",\"required\":true}"), "\"a\": a type is missing"},
    {SCHEMA("{\"name\":\"a\",\"required\":true,\"type\":\"int\"}"), "\"id\""},
    {SCHEMA(FIELD("1.5", "a", "\"int\"")), "\"id\""},
    {SCHEMA(FIELD("-1", "a", "\"int\"")), "out of range"},
    {SCHEMA(FIELD("2147483448", "a", "\"int\"")), "out of range"},
    {SCHEMA(FIELD("1", "a", "\"integer\"")), "\"a\": unknown type \"integer\""},
    {SCHEMA(FIELD("1", "a", "\"decimal(39,2)\"")), "unknown type"},
    {SCHEMA(FIELD("1", "a", "5")), "neither a name nor an object"},
    {SCHEMA(FIELD("1", "a", "{\"type\":\"set\"}")), "unknown type \"set\""},
    {SCHEMA(FIELD("1", "a", "\"int\"") "," FIELD("1", "b", "\"int\"")), "id 1 occurs twice"},
    {SCHEMA(FIELD("1", "a", "\"int\"") "," FIELD("2", "a", "\"int\"")), "the name \"a\""},
    {SCHEMA(FIELD("1", "a",
                  "{\"type\":\"list\",\"element-id\":1,\"element-required\":true,"
                  "\"element\":\"int\"}")),
     "occurs twice"},
    {SCHEMA(FIELD("1", "a",
                  "{\"type\":\"list\",\"element-required\":true,"
                  "\"element\":\"int\"}")),
     "\"a.element\": no integer \"element-id\""},
    {SCHEMA(FIELD("1", "a", "{\"type\":\"list\",\"element-id\":2,\"element\":\"int\"}")),
     "element-required"},
    {SCHEMA(FIELD("1", "a",
                  "{\"type\":\"map\",\"key-id\":2,\"key\":\"int\",\"value-id\":3,"
                  "\"value-required\":true}")),
     "\"a.value\": a type is missing"},
    {SCHEMA(FIELD("1", "a", "{\"type\":\"struct\",\"fields\":[" FIELD("2", "b", "\"no\"") "]}")),
     "\"a.b\": unknown type \"no\""},
    {"{\"identifier-field-ids\":[9],\"fields\":[" FIELD("1", "a", "\"int\"") "]}", "no field's"},
    {"{\"identifier-field-ids\":[1],\"fields\":[" FIELD("1", "a", "\"int\"") "]}", "may be null"},
    {"{\"identifier-field-ids\":{},\"fields\":[" FIELD("1", "a", "\"int\"") "]}",
     "identifier-field-ids"},
    {"{\"identifier-field-ids\":[\"1\"],\"fields\":[]}", "identifier-field-ids"},
    {"{\"identifier-field-ids\":[1],\"fields\":[{\"id\":1,\"name\":\"a\",\"required\":true,"
     "\"type\":\"double\"}]}",
     "floating"},
    {"{\"identifier-field-ids\":[2],\"fields\":[{\"id\":1,\"name\":\"a\",\"required\":true,"
     "\"type\":{\"type\":\"list\",\"element-id\":2,\"element-required\":true,\"element\":"
     "\"int\"}}]}",
     "list or map"},
    {"{\"identifier-field-ids\":[2],\"fields\":[{\"id\":1,\"name\":\"a\",\"required\":false,"
     "\"type\":{\"type\":\"struct\",\"fields\":[{\"id\":2,\"name\":\"b\",\"required\":true,"
     "\"type\":\"int\"}]}}]}",
     "may be null"}};

static void broken_schemas_are_refused(void) {
    fresh();
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        TarnSchema schema;
        TarnError error = {0};
        if (tarn_table_schema_from_json(json_of(broken[i][0]), &arena, &schema, &error)) {
            tap_fail(__FILE__, __LINE__, broken[i][0]);
        }
        CHECK_INT(error.code, TARN_E_METADATA_INVALID);
        if (strstr(error.message, broken[i][1]) == NULL) {
            tap_fail(__FILE__, __LINE__, error.message);
        }
    }
}

static void broken_defaults_are_refused(void) {
    fresh();
    static const struct {
        const char *type;
        const char *value;
        bool valid;
    } cases[] = {
        {"\"int\"", "5", true},
        {"\"int\"", "null", true},
        {"\"int\"", "\"5\"", false},
        {"\"int\"", "2147483648", false},
        {"\"decimal(9,2)\"", "\"14.20\"", true},
        {"\"decimal(9,2)\"", "\"14.205\"", false},
        {"\"date\"", "\"2026-02-30\"", false},
        {"\"fixed[2]\"", "\"00\"", false},
        {"\"variant\"", "null", true},
        {"\"variant\"", "5", false},
        {"\"geometry\"", "\"POINT (1 2)\"", false},
        {"\"unknown\"", "5", false},
        {"{\"type\":\"struct\",\"fields\":[]}", "{}", true},
        {"{\"type\":\"struct\",\"fields\":[]}", "{\"1\":5}", false},
        {"{\"type\":\"struct\",\"fields\":[]}", "5", false},
        {"{\"type\":\"list\",\"element-id\":2,\"element-required\":true,\"element\":\"int\"}",
         "[1,2]", true},
        {"{\"type\":\"list\",\"element-id\":2,\"element-required\":true,\"element\":\"int\"}",
         "[1,\"2\"]", false},
        {"{\"type\":\"map\",\"key-id\":2,\"key\":\"string\",\"value-id\":3,\"value\":\"int\","
         "\"value-required\":true}",
         "{\"keys\":[\"a\"],\"values\":[1]}", true},
        {"{\"type\":\"map\",\"key-id\":2,\"key\":\"string\",\"value-id\":3,\"value\":\"int\","
         "\"value-required\":true}",
         "{\"keys\":[\"a\"],\"values\":[]}", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        static const char *const members[] = {"initial-default", "write-default"};
        for (size_t j = 0; j < 2; j++) {
            char text[600];
            snprintf(text, sizeof(text),
                     "{\"fields\":[{\"id\":1,\"name\":\"col\",\"required\":false,\"type\":%s,"
                     "\"%s\":%s}]}",
                     cases[i].type, members[j], cases[i].value);
            TarnSchema schema;
            TarnError error = {0};
            bool done = tarn_table_schema_from_json(json_of(text), &arena, &schema, &error);
            if (done != cases[i].valid) tap_fail(__FILE__, __LINE__, text);
            CHECK(done || (error.code == TARN_E_METADATA_INVALID &&
                           strstr(error.message, "\"col\"") != NULL));
        }
    }
}

static void nesting_has_a_limit(void) {
    fresh();
    /* made by hand: the JSON parser's own limit would stop deeper text */
    for (int levels = 100; levels < 125; levels++) {
        TarnJson *type = tarn_base_json_new_string(&arena, TARN_TEXT("int"));
        for (int i = 0; i < levels; i++) {
            TarnJson *list = tarn_base_json_new(&arena, TARN_JSON_OBJECT);
            tarn_base_json_set(&arena, list, "type",
                               tarn_base_json_new_string(&arena, TARN_TEXT("list")));
            tarn_base_json_set(&arena, list, "element-id", tarn_base_json_new_int64(&arena, i + 2));
            tarn_base_json_set(&arena, list, "element-required",
                               tarn_base_json_new_bool(&arena, true));
            tarn_base_json_set(&arena, list, "element", type);
            type = list;
        }
        TarnJson *root = json_of("{\"fields\":[{\"id\":1,\"name\":\"a\",\"required\":true}]}");
        TarnJson *field = root->first->first;
        tarn_base_json_set(&arena, field, "type", type);
        TarnSchema schema;
        TarnError error = {0};
        bool done = tarn_table_schema_from_json(root, &arena, &schema, &error);
        CHECK(done == (levels <= 117));
        CHECK(done || error.code == TARN_E_METADATA_INVALID);
        if (!done) continue;
        schema.source = (TarnText){NULL, 0};
        text_of(&schema);
        CHECK(!out.failed);
    }
}

static void many_columns_are_refused(void) {
    fresh();
    TarnBuffer text;
    tarn_base_buffer_init(&text, 4 * TARN_MIB);
    for (int count = TARN_LIMIT_COLUMNS; count <= TARN_LIMIT_COLUMNS + 1; count++) {
        tarn_base_buffer_clear(&text);
        tarn_base_buffer_string(&text, "{\"fields\":[");
        for (int i = 0; i < count; i++) {
            tarn_base_buffer_printf(&text, "%s" FIELD("%d", "c%d", "\"int\""), i > 0 ? "," : "",
                                    i + 1, i);
        }
        tarn_base_buffer_string(&text, "]}");
        TarnSchema schema;
        TarnError error = {0};
        bool done = tarn_table_schema_from_json(json_of(text.data), &arena, &schema, &error);
        CHECK(done == (count == TARN_LIMIT_COLUMNS));
        CHECK(done || error.code == TARN_E_LIMIT_EXCEEDED);
        if (done) CHECK_OK(tarn_table_schema_check_new(&schema, 2, &error), &error);
    }
    tarn_base_buffer_dispose(&text);
}

static void fields_are_found(void) {
    fresh();
    TarnSchema schema = schema_of(everything);
    static const struct {
        const char *path;
        int id;
    } cases[] = {{"id", 1},        {"items.element", 3},      {"items.element.price", 4},
                 {"m.key", 6},     {"m.value.x", 8},          {"a.b", 9},
                 {"a.B", 11},      {"deep.key", 12},          {"ID", 1},
                 {"M.VALUE.X", 8}, {"Items.Element.Price", 4}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const TarnField *field = tarn_table_schema_find_name(&schema, cases[i].path);
        CHECK(field != NULL && field->id == cases[i].id);
        CHECK(tarn_table_schema_find(&schema, cases[i].id) == field);
    }
    static const char *const missing[] = {"",    ".",        "a.", "items.price",
                                          "A.b", "m.value.", "x",  "id.id"}; /* A.b is ambiguous */
    for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
        CHECK(tarn_table_schema_find_name(&schema, missing[i]) == NULL);
    }
    CHECK(tarn_table_schema_find(&schema, 99) == NULL);
    CHECK_STRING(tarn_table_schema_path(&schema, 8, &arena), "m.value.x");
    CHECK_STRING(tarn_table_schema_path(&schema, 9, &arena), "a.b");
    CHECK_STRING(tarn_table_schema_path(&schema, 99, &arena), NULL);
    CHECK_INT(tarn_table_schema_highest_id(&schema), 13);
}

static void derived_texts_hold_the_whole_tree(void) {
    fresh();
    TarnSchema schema = schema_of(everything);
    tarn_table_schema_to_field_ids(&schema, &out);
    CHECK_STRING(out.data,
                 "{\"id\": 1, \"items\": {__duckdb_field_id: 2, \"element\": {__duckdb_field_id: "
                 "3, \"price\": 4}}, \"m\": {__duckdb_field_id: 5, \"key\": 6, \"value\": "
                 "{__duckdb_field_id: 7, \"x\": 8}}, \"a.b\": 9, \"a\": {__duckdb_field_id: 10, "
                 "\"B\": 11}, \"deep\": {__duckdb_field_id: 13, \"key\": 12}}");
    tarn_base_buffer_clear(&out);
    CHECK(tarn_table_schema_to_name_mapping(&schema, &out));
    CHECK_STRING(out.data,
                 "[{\"field-id\":1,\"names\":[\"id\"]},{\"field-id\":2,\"names\":[\"items\"],"
                 "\"fields\":[{\"field-id\":3,\"names\":[\"element\"],\"fields\":[{\"field-id\":4,"
                 "\"names\":[\"price\"]}]}]},{\"field-id\":5,\"names\":[\"m\"],\"fields\":["
                 "{\"field-id\":6,\"names\":[\"key\"]},{\"field-id\":7,\"names\":[\"value\"],"
                 "\"fields\":[{\"field-id\":8,\"names\":[\"x\"]}]}]},{\"field-id\":9,\"names\":["
                 "\"a.b\"]},{\"field-id\":10,\"names\":[\"a\"],\"fields\":[{\"field-id\":11,"
                 "\"names\":[\"B\"]}]},{\"field-id\":13,\"names\":[\"deep\"],\"fields\":["
                 "{\"field-id\":12,\"names\":[\"key\"]}]}]");
    schema = schema_of(SCHEMA(FIELD("1", "a", "\"unknown\"") "," FIELD("2", "b", "\"int\"")));
    tarn_base_buffer_clear(&out);
    tarn_table_schema_to_field_ids(&schema, &out);
    CHECK_STRING(out.data, "{\"b\": 2}"); /* unknown is not stored */
    TarnBuffer small;
    tarn_base_buffer_init(&small, 10);
    CHECK(!tarn_table_schema_to_name_mapping(&schema, &small));
    tarn_base_buffer_dispose(&small);
}

static void ids_are_assigned_by_level(void) {
    fresh();
    TarnSchema schema = schema_of(everything);
    int32_t last_id = 0;
    tarn_table_schema_assign_ids(&schema, &last_id);
    CHECK_INT(last_id, 13);
    CHECK_INT(schema.source.size, 0);
    static const char *const in_order[] = {"id",
                                           "items",
                                           "m",
                                           "a.b",
                                           "a",
                                           "deep",
                                           "items.element",
                                           "items.element.price",
                                           "m.key",
                                           "m.value",
                                           "m.value.x",
                                           "a.B",
                                           "deep.key"};
    for (int i = 0; i < 13; i++) {
        CHECK_STRING(tarn_table_schema_path(&schema, i + 1, &arena), in_order[i]);
    }
    CHECK_INT(schema.identifier_ids[0], 1);
    CHECK_INT(schema.identifier_ids[1], 13); /* follows deep.key */
}

static void new_schemas_are_checked(void) {
    fresh();
    static const struct {
        const char *fields;
        int version;
        TarnErrorCode code;
    } cases[] = {
        {FIELD("1", "a", "\"int\""), 1, TARN_OK},
        {FIELD("1", "a", "\"variant\""), 2, TARN_E_SCHEMA_CHANGE_REFUSED},
        {FIELD("1", "a", "\"variant\""), 3, TARN_OK},
        {FIELD("1", "a", "\"timestamp_ns\""), 2, TARN_E_SCHEMA_CHANGE_REFUSED},
        {"", 2, TARN_E_SCHEMA_CHANGE_REFUSED},
        {FIELD("0", "a", "\"int\""), 2, TARN_E_SCHEMA_CHANGE_REFUSED},
        {FIELD("1", "", "\"int\""), 2, TARN_E_NAME_INVALID},
        {FIELD("1", "a\\nb", "\"int\""), 2, TARN_E_NAME_INVALID},
        {FIELD("1", "__duckdb_field_id", "\"int\""), 2, TARN_E_NAME_INVALID},
        {FIELD("1", "x", "\"int\"") "," FIELD("2", "X", "\"int\""), 2, TARN_E_NAME_INVALID},
        {FIELD("1", "x", "{\"type\":\"struct\",\"fields\":[]}"), 2, TARN_E_SCHEMA_CHANGE_REFUSED},
        {FIELD("1", "x",
               "{\"type\":\"list\",\"element-id\":2,\"element-required\":true,"
               "\"element\":{\"type\":\"struct\",\"fields\":[" FIELD("3", "y", "\"int\"") "," FIELD(
                   "4", "Y", "\"int\"") "]}}"),
         2, TARN_E_NAME_INVALID},
        {"{\"id\":1,\"name\":\"a\",\"required\":false,\"type\":\"int\",\"write-default\":5}", 2,
         TARN_E_SCHEMA_CHANGE_REFUSED},
        {"{\"id\":1,\"name\":\"a\",\"required\":false,\"type\":\"int\",\"write-default\":5}", 3,
         TARN_OK},
        {"{\"id\":1,\"name\":\"a\",\"required\":true,\"type\":\"unknown\"}", 3,
         TARN_E_SCHEMA_CHANGE_REFUSED}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[600];
        snprintf(text, sizeof(text), "{\"fields\":[%s]}", cases[i].fields);
        TarnSchema schema = schema_of(text);
        TarnError error = {0};
        bool done = tarn_table_schema_check_new(&schema, cases[i].version, &error);
        CHECK(done == (cases[i].code == TARN_OK));
        if (!done) CHECK_INT(error.code, cases[i].code);
    }
    char name[TARN_LIMIT_IDENTIFIER_BYTES + 2];
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    TarnField field = {.id = 1, .name = name, .type.primitive.kind = TARN_TYPE_INT};
    TarnSchema schema = {.fields = &field, .field_count = 1};
    TarnError error;
    CHECK(!tarn_table_schema_check_new(&schema, 2, &error));
    CHECK_INT(error.code, TARN_E_NAME_INVALID);
    name[sizeof(name) - 2] = '\0';
    CHECK_OK(tarn_table_schema_check_new(&schema, 2, &error), &error);
}

static void sameness_ignores_only_the_id(void) {
    fresh();
    TarnSchema a = schema_of(everything);
    TarnSchema b = schema_of(everything);
    b.id = 99;
    CHECK(tarn_table_schema_same(&a, &b));
    b.fields[0].doc = "another";
    CHECK(!tarn_table_schema_same(&a, &b));
    b = schema_of(everything);
    b.fields[5].type.fields[0].required = false;
    CHECK(!tarn_table_schema_same(&a, &b));
    b = schema_of(everything);
    b.identifier_ids[1] = b.identifier_ids[0];
    CHECK(!tarn_table_schema_same(&a, &b));
    b = schema_of(everything);
    b.fields[0].write_default = NULL;
    CHECK(!tarn_table_schema_same(&a, &b));
    b = schema_of(everything);
    b.fields[2].type.fields[1].type.fields[0].type.text = TARN_TEXT("geometry(srid:1)");
    CHECK(!tarn_table_schema_same(&a, &b));
}

/* ---- random schemas ---- */

static uint64_t state;

static uint64_t below(uint64_t limit) {
    state += UINT64_C(0x9E3779B97F4A7C15);
    return tarn_base_hash64(&state, sizeof(state), SEED) % limit;
}

static TarnType random_type(int depth, int32_t *id);

static TarnField random_field(const char *name, int depth, int32_t *id) {
    static const char *const docs[] = {NULL, "", "some \"words\"", "\xC3\xA4"};
    TarnField field = {.id = (*id)++, .name = name, .required = below(2) == 0};
    field.type = random_type(depth, id);
    if (strncmp(name, "f", 1) == 0) field.doc = docs[below(4)];
    return field;
}

static TarnType random_type(int depth, int32_t *id) {
    TarnType type = {.primitive.kind = (TarnTypeKind)below(TARN_TYPE_MAP + 1)};
    if (depth > 4 && type.primitive.kind >= TARN_TYPE_STRUCT) {
        type.primitive.kind = TARN_TYPE_LONG;
    }
    switch (type.primitive.kind) {
    case TARN_TYPE_DECIMAL:
        type.primitive.precision = 1 + (int32_t)below(38);
        type.primitive.scale = (int32_t)below((uint64_t)type.primitive.precision + 1);
        return type;
    case TARN_TYPE_FIXED: type.primitive.length = 1 + (int32_t)below(INT32_MAX); return type;
    case TARN_TYPE_GEOMETRY:
        if (below(2) == 0) type.text = TARN_TEXT("geometry(srid:4326)");
        return type;
    case TARN_TYPE_GEOGRAPHY: type.text = TARN_TEXT("geography(srid:4326, karney)"); return type;
    case TARN_TYPE_STRUCT: type.field_count = below(5); break;
    case TARN_TYPE_LIST: type.field_count = 1; break;
    case TARN_TYPE_MAP: type.field_count = 2; break;
    default: return type;
    }
    type.fields = TARN_NEW_ARRAY(&arena, type.field_count, TarnField);
    static const char *const names[] = {"key", "value", "element"};
    for (size_t i = 0; i < type.field_count; i++) {
        const char *name = names[type.primitive.kind == TARN_TYPE_MAP ? i : 2];
        if (type.primitive.kind == TARN_TYPE_STRUCT) {
            name = tarn_base_arena_printf(&arena, "f.%zu \"\xE2\x82\xAC\"", i);
        }
        type.fields[i] = random_field(name, depth + 1, id);
    }
    if (type.primitive.kind == TARN_TYPE_MAP) type.fields[0].required = true;
    return type;
}

static void random_schemas_survive(void) {
    state = SEED;
    for (int round = 0; round < 1000; round++) {
        fresh();
        int32_t id = (int32_t)below(1000);
        TarnSchema schema = {.id = round, .field_count = below(6)};
        schema.fields = TARN_NEW_ARRAY(&arena, schema.field_count, TarnField);
        for (size_t i = 0; i < schema.field_count; i++) {
            schema.fields[i] = random_field(tarn_base_arena_printf(&arena, "f%zu", i), 0, &id);
        }
        TarnError error = {0};
        TarnSchema again;
        TarnJson *tree;
        text_of(&schema);
        bool done = tarn_base_json_parse(tarn_base_buffer_view(&out), NULL, &arena, &tree,
                                         &error) &&
                    tarn_table_schema_from_json(tree, &arena, &again, &error) &&
                    again.id == schema.id && tarn_table_schema_same(&schema, &again);
        if (done) continue;
        printf("# seed %" PRIu64 " round %d: %s\n#   %s\n", SEED, round, error.message, out.data);
        tap_fail(__FILE__, __LINE__, "a schema changed");
    }
}

static void exhausted_memory_is_an_error(void) {
    fresh();
    TarnJson *tree = json_of(everything);
    int done_count = 0;
    for (size_t limit = 0; limit < 12000; limit += 16) {
        TarnArena small;
        TarnSchema schema;
        TarnError error = {0};
        tarn_base_arena_init(&small, limit);
        bool done = tarn_table_schema_from_json(tree, &small, &schema, &error);
        CHECK(done || error.code == TARN_E_OUT_OF_MEMORY);
        done_count += done;
        tarn_base_arena_dispose(&small);
    }
    CHECK(done_count > 0 && done_count < 740);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(schemas_are_read_and_written);
    TAP_TEST(unknown_members_are_kept);
    TAP_TEST(names_that_differ_in_case_are_read);
    TAP_TEST(broken_schemas_are_refused);
    TAP_TEST(broken_defaults_are_refused);
    TAP_TEST(nesting_has_a_limit);
    TAP_TEST(many_columns_are_refused);
    TAP_TEST(fields_are_found);
    TAP_TEST(derived_texts_hold_the_whole_tree);
    TAP_TEST(ids_are_assigned_by_level);
    TAP_TEST(new_schemas_are_checked);
    TAP_TEST(sameness_ignores_only_the_id);
    TAP_TEST(random_schemas_survive);
    TAP_TEST(exhausted_memory_is_an_error);
    tarn_base_arena_dispose(&arena);
    tarn_base_buffer_dispose(&out);
    return tap_end();
}
