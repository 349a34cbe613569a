/* Avro plans: each target, each skip, and each refusal. */
#include "avro_test.h"

static TarnArena arena;
static TarnError error;

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"r\",\"fields\":[" fields "]}"
#define KEY "{\"name\":\"key\",\"type\":\"int\"}"
#define LONG_VALUE "{\"name\":\"value\",\"type\":\"long\"}"

static const TarnAvroMerge columns = {.count_offset = 8, .item_size = 16};

/* ---- Targets ------------------------------------------------------------------------------- */

typedef struct Item {
    TarnText key;
    int64_t number;
    double real;
} Item;

typedef struct All {
    bool truth;
    int32_t narrow;
    int64_t wide;
    int64_t widened;
    float single;
    double precise;
    double of_float;
    TarnText text;
    TarnText bytes;
    TarnText fixed;
    TarnText symbol;
    TarnText any;
    Item *items;
    size_t item_count;
    Item *map;
    size_t map_count;
    TarnText *names;
    size_t name_count;
    bool *flags;
    size_t flag_count;
} All;

static const Item blank_item = {.number = -5};
static const TarnAvroWant item_wants[] = {
    {.field_id = 11,
     .name = "number",
     .target = TARN_AVRO_TO_INT64,
     .offset = offsetof(Item, number)},
    {.field_id = 12, .name = "real", .target = TARN_AVRO_TO_DOUBLE, .offset = offsetof(Item, real)},
};
static const TarnAvroShape item_shape = {
    .wants = item_wants, .count = 2, .size = sizeof(Item), .blank = &blank_item};
static const TarnAvroWant map_wants[] = {
    {.field_id = 21, .name = "key", .target = TARN_AVRO_TO_TEXT, .offset = offsetof(Item, key)},
    {.field_id = 22,
     .name = "value",
     .target = TARN_AVRO_TO_INT64,
     .offset = offsetof(Item, number)},
};
static const TarnAvroShape map_shape = {
    .wants = map_wants, .count = 2, .size = sizeof(Item), .blank = &blank_item};

#define ALL_FIELD(id, to, member)                                                                  \
    { .field_id = (id), .name = #member, .target = (to), .offset = offsetof(All, member) }
#define ALL_LIST(id, of, member, counter, its_shape)                                               \
    {                                                                                              \
        .field_id = (id), .name = #member, .target = TARN_AVRO_TO_LIST, .item = (of),              \
        .offset = offsetof(All, member), .count_offset = offsetof(All, counter),                   \
        .shape = (its_shape)                                                                       \
    }

static const TarnAvroWant all_wants[] = {
    ALL_FIELD(1, TARN_AVRO_TO_BOOL, truth),
    ALL_FIELD(2, TARN_AVRO_TO_INT32, narrow),
    ALL_FIELD(3, TARN_AVRO_TO_INT64, wide),
    ALL_FIELD(4, TARN_AVRO_TO_INT64, widened),
    ALL_FIELD(5, TARN_AVRO_TO_FLOAT, single),
    ALL_FIELD(6, TARN_AVRO_TO_DOUBLE, precise),
    ALL_FIELD(7, TARN_AVRO_TO_DOUBLE, of_float),
    ALL_FIELD(8, TARN_AVRO_TO_TEXT, text),
    ALL_FIELD(9, TARN_AVRO_TO_TEXT, bytes),
    ALL_FIELD(10, TARN_AVRO_TO_TEXT, fixed),
    ALL_FIELD(13, TARN_AVRO_TO_TEXT, symbol),
    ALL_FIELD(14, TARN_AVRO_TO_TEXT, any),
    ALL_LIST(15, TARN_AVRO_TO_RECORD, items, item_count, &item_shape),
    ALL_LIST(16, TARN_AVRO_TO_RECORD, map, map_count, &map_shape),
    ALL_LIST(17, TARN_AVRO_TO_TEXT, names, name_count, NULL),
    ALL_LIST(18, TARN_AVRO_TO_BOOL, flags, flag_count, NULL),
};
static const TarnAvroShape all_shape = {.wants = all_wants, .count = 16};

static const char all_schema[] =
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":["
    "{\"name\":\"skip0\",\"type\":\"double\"},"
    "{\"name\":\"a\",\"type\":\"boolean\",\"field-id\":1},"
    "{\"name\":\"b\",\"type\":{\"type\":\"int\",\"logicalType\":\"date\"},\"field-id\":2},"
    "{\"name\":\"c\",\"type\":\"long\",\"field-id\":3},"
    "{\"name\":\"d\",\"type\":[\"int\"],\"field-id\":4},"
    "{\"name\":\"skip1\",\"type\":{\"type\":\"array\",\"items\":\"float\"}},"
    "{\"name\":\"e\",\"type\":\"float\",\"field-id\":5},"
    "{\"name\":\"f\",\"type\":[\"double\",\"null\"],\"field-id\":6},"
    "{\"name\":\"g\",\"type\":\"float\",\"field-id\":7},"
    "{\"name\":\"h\",\"type\":\"string\",\"field-id\":8},"
    "{\"name\":\"i\",\"type\":\"bytes\",\"field-id\":9},"
    "{\"name\":\"j\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":3},\"field-id\":10},"
    "{\"name\":\"skip2\",\"type\":[\"null\",{\"type\":\"map\",\"values\":\"F\"},\"F\"]},"
    "{\"name\":\"k\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"ONE\",\"TWO\"]},"
    "\"field-id\":13},"
    "{\"name\":\"l\",\"type\":[\"E\",\"string\",\"null\",\"F\"],\"field-id\":14},"
    "{\"name\":\"m\",\"type\":{\"type\":\"array\",\"items\":[\"null\",{\"type\":\"record\","
    "\"name\":\"I\",\"fields\":[{\"name\":\"z\",\"type\":\"int\",\"field-id\":99},"
    "{\"name\":\"y\",\"type\":\"float\",\"field-id\":12},"
    "{\"name\":\"x\",\"type\":[\"null\",\"long\"],\"field-id\":11}]}]},\"field-id\":15},"
    "{\"name\":\"n\",\"type\":{\"type\":\"map\",\"values\":\"int\",\"key-id\":21,"
    "\"value-id\":22},\"field-id\":16},"
    "{\"name\":\"o\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"field-id\":17},"
    "{\"name\":\"p\",\"type\":{\"type\":\"array\",\"items\":\"boolean\"},\"field-id\":18},"
    "{\"name\":\"skip3\",\"type\":\"string\"}]}";

static void put_scalars(TarnBuffer *out) {
    tarn_format_avro_put_double(out, 9.5);
    tarn_format_avro_put_boolean(out, true);
    tarn_format_avro_put_long(out, INT32_MIN);
    tarn_format_avro_put_long(out, INT64_MIN);
    tarn_format_avro_put_branch(out, 0);
    tarn_format_avro_put_long(out, INT32_MAX);
    tarn_format_avro_put_items_begin(out, 2);
    tarn_format_avro_put_float(out, 1.0f);
    tarn_format_avro_put_float(out, 2.0f);
    tarn_format_avro_put_items_end(out);
    tarn_format_avro_put_float(out, 0.5f);
    tarn_format_avro_put_branch(out, 0);
    tarn_format_avro_put_double(out, -0.25);
    tarn_format_avro_put_float(out, 0.75f);
    tarn_format_avro_put_bytes(out, TARN_TEXT("text"));
    tarn_format_avro_put_bytes(out, TARN_TEXT(""));
    tarn_format_avro_put_fixed(out, TARN_TEXT("abc"));
    tarn_format_avro_put_branch(out, 1);
    tarn_format_avro_put_items_begin(out, 1);
    tarn_format_avro_put_bytes(out, TARN_TEXT("k"));
    tarn_format_avro_put_fixed(out, TARN_TEXT("xyz"));
    tarn_format_avro_put_items_end(out);
    tarn_format_avro_put_long(out, 1);
    tarn_format_avro_put_branch(out, 3);
    tarn_format_avro_put_fixed(out, TARN_TEXT("any"));
}

/* `sized`: arrays in runs of one item that tell their bytes */
static void put_run(TarnBuffer *out, bool sized, const TarnBuffer *item) {
    if (sized) {
        tarn_format_avro_put_long(out, -1);
        tarn_format_avro_put_long(out, (int64_t)item->size);
    } else {
        tarn_format_avro_put_items_begin(out, 1);
    }
    tarn_base_buffer_text(out, tarn_base_buffer_view(item));
}

static void put_lists(TarnBuffer *out, bool sized) {
    TarnBuffer item;
    tarn_base_buffer_init(&item, 1000);
    for (int i = 0; i < 12; i++) {
        tarn_base_buffer_clear(&item);
        tarn_format_avro_put_branch(&item, i == 1 ? 0 : 1);
        if (i != 1) {
            tarn_format_avro_put_long(&item, 4711);
            tarn_format_avro_put_float(&item, (float)i / 2);
            tarn_format_avro_put_branch(&item, i == 2 ? 0 : 1);
            if (i != 2) tarn_format_avro_put_long(&item, i);
        }
        put_run(out, sized, &item);
    }
    tarn_format_avro_put_items_end(out);
    for (int i = 0; i < 2; i++) {
        tarn_base_buffer_clear(&item);
        tarn_format_avro_put_bytes(&item, i == 0 ? TARN_TEXT("first") : TARN_TEXT("second"));
        tarn_format_avro_put_long(&item, 70 + i);
        put_run(out, sized, &item);
    }
    tarn_format_avro_put_items_end(out);
    tarn_base_buffer_clear(&item);
    tarn_format_avro_put_bytes(&item, TARN_TEXT("name"));
    put_run(out, sized, &item);
    tarn_format_avro_put_items_end(out);
    tarn_format_avro_put_items_end(out); /* no flags */
    tarn_format_avro_put_bytes(out, TARN_TEXT("the end"));
    tarn_base_buffer_dispose(&item);
}

static void check_all(const All *all) {
    CHECK(all->truth);
    CHECK_INT(all->narrow, INT32_MIN);
    CHECK_INT(all->wide, INT64_MIN);
    CHECK_INT(all->widened, INT32_MAX);
    CHECK(all->single == 0.5f && all->precise == -0.25 && all->of_float == 0.75);
    CHECK(tarn_base_text_is(all->text, "text"));
    CHECK(all->bytes.data != NULL && all->bytes.size == 0);
    CHECK(tarn_base_text_is(all->fixed, "abc"));
    CHECK(tarn_base_text_is(all->symbol, "TWO"));
    CHECK(tarn_base_text_is(all->any, "any"));
    REQUIRE(all->item_count == 12);
    for (int i = 0; i < 12; i++) {
        CHECK_INT(all->items[i].number, i == 1 || i == 2 ? -5 : i);
        CHECK(all->items[i].real == (i == 1 ? 0 : i / 2.0));
    }
    REQUIRE(all->map_count == 2);
    CHECK(tarn_base_text_is(all->map[0].key, "first"));
    CHECK(tarn_base_text_is(all->map[1].key, "second"));
    CHECK_INT(all->map[1].number, 71);
    REQUIRE(all->name_count == 1);
    CHECK(tarn_base_text_is(all->names[0], "name"));
    CHECK(all->flags != NULL && all->flag_count == 0);
}

static const TarnAvroSchema *parse(const char *json, TarnArena *own) {
    const TarnAvroSchema *schema = NULL;
    CHECK_OK(tarn_format_avro_schema_parse(tarn_base_text(json), NULL, own, &schema, &error),
             &error);
    return schema;
}

static void every_target_is_filled(void) {
    for (int sized = 0; sized < 2; sized++) {
        TarnBuffer datum;
        TarnAvroPlan *plan = NULL;
        All all = {.truth = false};
        tarn_base_buffer_init(&datum, TARN_MIB);
        put_scalars(&datum);
        put_lists(&datum, sized == 1);
        const TarnAvroSchema *schema = parse(all_schema, &arena);
        REQUIRE_OK(tarn_format_avro_plan_compile(schema, &all_shape, NULL, &arena, &plan, &error),
                   &error);
        TarnAvroCursor cursor = tarn_format_avro_cursor(tarn_base_buffer_view(&datum), "datum");
        TarnAvroCursor skipper = cursor;
        REQUIRE_OK(tarn_format_avro_plan_decode(plan, &cursor, &all, &arena, &error), &error);
        CHECK(cursor.at == cursor.end);
        CHECK_OK(tarn_format_avro_cursor_skip(&skipper, schema, &error), &error);
        CHECK(skipper.at == skipper.end);
        check_all(&all);
        /* nothing wanted: everything skipped */
        const TarnAvroShape nothing = {.count = 0};
        REQUIRE_OK(tarn_format_avro_plan_compile(schema, &nothing, NULL, &arena, &plan, &error),
                   &error);
        cursor = tarn_format_avro_cursor(tarn_base_buffer_view(&datum), "datum");
        CHECK_OK(tarn_format_avro_plan_decode(plan, &cursor, &all, &arena, &error), &error);
        CHECK(cursor.at == cursor.end);
        tarn_base_buffer_dispose(&datum);
    }
}

static void a_cut_datum_fails_at_every_byte(void) {
    TarnBuffer datum;
    TarnAvroPlan *plan = NULL;
    tarn_base_buffer_init(&datum, TARN_MIB);
    put_scalars(&datum);
    put_lists(&datum, false);
    const TarnAvroSchema *schema = parse(all_schema, &arena);
    REQUIRE_OK(tarn_format_avro_plan_compile(schema, &all_shape, NULL, &arena, &plan, &error),
               &error);
    for (size_t size = 0; size < datum.size; size++) {
        char *copy = malloc(size > 0 ? size : 1);
        REQUIRE(copy != NULL);
        memcpy(copy, datum.data, size);
        All all = {.truth = false};
        TarnAvroCursor cursor = tarn_format_avro_cursor((TarnText){copy, size}, "datum");
        CHECK_REFUSED(tarn_format_avro_plan_decode(plan, &cursor, &all, &arena, &error),
                      TARN_E_FORMAT_CORRUPT, "\"datum\"");
        free(copy);
    }
    tarn_base_buffer_dispose(&datum);
}

/* ---- Refusals ------------------------------------------------------------------------------ */

static void schemas_that_do_not_fit(void) {
    static const TarnAvroWant number = {
        .field_id = 7, .name = "n", .target = TARN_AVRO_TO_INT32, .required = true};
    static const TarnAvroWant number_list = {.field_id = 7,
                                             .name = "n",
                                             .target = TARN_AVRO_TO_LIST,
                                             .item = TARN_AVRO_TO_INT32,
                                             .count_offset = 8};
    static const TarnAvroWant values = {
        .field_id = 7, .name = "n", .target = TARN_AVRO_TO_VALUES, .count_offset = 8};
    static const TarnAvroWant merged = {.field_id = 7,
                                        .name = "n",
                                        .target = TARN_AVRO_TO_MERGED,
                                        .item = TARN_AVRO_TO_INT64,
                                        .merge = &columns};
    const struct {
        const TarnAvroWant *want;
        const char *schema;
        const char *message;
    } cases[] = {
        {&number, "\"int\"", "of the type int, not a record"},
        {&number, RECORD(""), "\"n\" (field id 7) is absent"},
        {&number, RECORD("{\"name\":\"n\",\"type\":\"int\",\"field-id\":8}"), "is absent"},
        {&number, RECORD("{\"name\":\"n\",\"type\":\"long\"}"), "has the type long"},
        {&number, RECORD("{\"name\":\"x\",\"type\":\"string\",\"field-id\":7}"),
         "has the type string"},
        {&number, RECORD("{\"name\":\"n\",\"type\":[\"null\",\"string\"]}"), "has the type string"},
        {&number, RECORD("{\"name\":\"n\",\"type\":[\"int\",\"string\"]}"), "has the type string"},
        {&number,
         RECORD("{\"name\":\"x\",\"type\":\"int\",\"field-id\":7},"
                "{\"name\":\"y\",\"type\":\"int\",\"field-id\":7}"),
         "field id 7 is there 2 times"},
        {&number_list, RECORD("{\"name\":\"n\",\"type\":\"int\"}"), "has the type int"},
        {&number_list, RECORD("{\"name\":\"n\",\"type\":{\"type\":\"map\",\"values\":\"int\"}}"),
         "has the type map"},
        {&number_list, RECORD("{\"name\":\"n\",\"type\":{\"type\":\"array\",\"items\":\"long\"}}"),
         "has the type long"},
        {&values, RECORD("{\"name\":\"n\",\"type\":\"int\"}"), "has the type int"},
        {&values,
         RECORD(
             "{\"name\":\"n\",\"type\":{\"type\":\"record\",\"name\":\"p\",\"fields\":["
             "{\"name\":\"deep\",\"type\":[\"null\",{\"type\":\"array\",\"items\":\"int\"}]}]}}"),
         "\"deep\" of \"n\" is not a single value"},
        {&merged, RECORD("{\"name\":\"n\",\"type\":{\"type\":\"map\",\"values\":\"long\"}}"),
         "has the type map"},
        {&merged, RECORD("{\"name\":\"n\",\"type\":{\"type\":\"array\",\"items\":\"long\"}}"),
         "has the type array"},
        {&merged,
         RECORD("{\"name\":\"n\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\","
                "\"name\":\"kv\",\"fields\":[" KEY "]}}}"),
         "\"value\" (field id 0) is absent"},
        {&merged,
         RECORD("{\"name\":\"n\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\","
                "\"name\":\"kv\",\"fields\":[{\"name\":\"key\",\"type\":\"string\"}," LONG_VALUE
                "]}}}"),
         "has the type string"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnAvroPlan *plan = NULL;
        TarnAvroShape shape = {.wants = cases[i].want, .count = 1};
        CHECK_REFUSED(tarn_format_avro_plan_compile(parse(cases[i].schema, &arena), &shape, NULL,
                                                    &arena, &plan, &error),
                      TARN_E_FORMAT_CORRUPT, cases[i].message);
        CHECK(plan == NULL);
    }
}

/* Decodes one datum by one wanted field into a 64-byte struct. */
static bool decode_one(const char *schema, const TarnAvroWant *want, TarnText datum) {
    TarnAvroPlan *plan = NULL;
    TarnAvroShape shape = {.wants = want, .count = 1};
    unsigned char object[64] = {0};
    if (!tarn_format_avro_plan_compile(parse(schema, &arena), &shape, NULL, &arena, &plan,
                                       &error)) {
        return false;
    }
    TarnAvroCursor cursor = tarn_format_avro_cursor(datum, "datum");
    return tarn_format_avro_plan_decode(plan, &cursor, object, &arena, &error);
}

static const TarnAvroWant number = {
    .field_id = 7, .name = "n", .target = TARN_AVRO_TO_INT32, .required = true};
static const TarnAvroWant text = {.field_id = 7, .name = "n", .target = TARN_AVRO_TO_TEXT};
static const TarnAvroWant truth = {.field_id = 7, .name = "n", .target = TARN_AVRO_TO_BOOL};
static const TarnAvroWant numbers = {.field_id = 7,
                                     .name = "n",
                                     .target = TARN_AVRO_TO_LIST,
                                     .item = TARN_AVRO_TO_INT64,
                                     .count_offset = 8};
static const TarnAvroWant absent = {.field_id = 8, .name = "m", .target = TARN_AVRO_TO_TEXT};
static const struct {
    const TarnAvroWant *want;
    const char *type;
    TarnText datum;
    const char *message;
} bad_data[] = {
    {&number, "[\"null\",\"int\"]", {"\x00", 1}, "a required value is null"},
    {&number, "[\"int\",\"null\"]", {"\x02", 1}, "a required value is null"},
    {&number, "\"null\"", {"", 0}, "a required value is null"},
    {&number, "[\"int\",\"null\"]", {"\x04\x02", 2}, "no branch"},
    {&number, "[\"int\",\"null\"]", {"\x01\x02", 2}, "no branch"},
    {&number, "\"int\"", {"\x80\x80\x80\x80\x10", 5}, "an int is out of its range"},
    {&number, "\"int\"", {"\x80\x80", 2}, "end within a value"},
    {&number, "\"int\"", {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10}, "64 bits"},
    {&number, "\"int\"", {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11}, "64 bits"},
    {&text, "\"string\"", {"\x01", 1}, "a size is negative"},
    {&text,
     "\"string\"",
     {"\x06"
      "ab",
      3},
     "end within a value"},
    {&text, "\"bytes\"", {"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10}, "end within a value"},
    {&text, "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"]}", {"\x02", 1}, "no symbol"},
    {&text, "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"]}", {"\x01", 1}, "no symbol"},
    {&truth, "\"boolean\"", {"\x02", 1}, "neither 0 nor 1"},
    {&numbers,
     "{\"type\":\"array\",\"items\":\"long\"}",
     {"\x08\x02\x02", 3},
     "larger than the bytes left"},
    {&numbers,
     "{\"type\":\"array\",\"items\":\"long\"}",
     {"\x01\x06\x02\x02\x00", 5},
     "do not take the bytes"},
    {&numbers,
     "{\"type\":\"array\",\"items\":\"long\"}",
     {"\x01\x01\x02\x00", 4},
     "a size is negative"},
    {&numbers,
     "{\"type\":\"array\",\"items\":\"long\"}",
     {"\x01\x20\x02\x00", 4},
     "end within a value"},
    {&numbers,
     "{\"type\":\"array\",\"items\":\"long\"}",
     {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x04\x02\x02\x00", 14},
     "larger than the bytes left"},
    {&numbers,
     "{\"type\":\"array\",\"items\":[\"null\",\"long\"]}",
     {"\x02\x00\x00", 3},
     "a required value is null"},
    {&absent, "[\"null\",\"int\",\"string\"]", {"\x06", 1}, "no branch"},
    {&absent,
     "{\"type\":\"map\",\"values\":\"string\"}",
     {"\x08\x02\x02", 3},
     "larger than the bytes left"},
};

static void data_that_is_refused(void) {
    for (size_t i = 0; i < sizeof(bad_data) / sizeof(bad_data[0]); i++) {
        char schema[512];
        snprintf(schema, sizeof(schema),
                 RECORD("{\"name\":\"first\",\"type\":\"null\",\"field-id\":1},"
                        "{\"name\":\"n\",\"type\":%s,\"field-id\":7}"),
                 bad_data[i].type);
        /* an exact copy on the heap: a read beyond it is seen */
        char *copy = malloc(bad_data[i].datum.size + 1);
        REQUIRE(copy != NULL);
        memcpy(copy, bad_data[i].datum.data, bad_data[i].datum.size);
        char *exact = realloc(copy, bad_data[i].datum.size > 0 ? bad_data[i].datum.size : 1);
        REQUIRE(exact != NULL);
        CHECK_REFUSED(
            decode_one(schema, bad_data[i].want, (TarnText){exact, bad_data[i].datum.size}),
            TARN_E_FORMAT_CORRUPT, bad_data[i].message);
        if (strstr(error.detail, "in the field \"n\"") == NULL) CHECK_STRING(error.detail, "n");
        free(exact);
    }
}

static void recursive_and_vast_types_are_skipped(void) {
    static const TarnAvroWant last = {.field_id = TARN_AVRO_NO_ID,
                                      .name = "last",
                                      .target = TARN_AVRO_TO_INT32,
                                      .required = true};
    static const char list[] = RECORD(
        "{\"name\":\"list\",\"type\":{\"type\":\"record\",\"name\":\"L\",\"fields\":["
        "{\"name\":\"v\",\"type\":\"int\"},{\"name\":\"next\",\"type\":[\"null\",\"L\"]}]}},"
        "{\"name\":\"last\",\"type\":\"int\"}");
    TarnBuffer datum;
    tarn_base_buffer_init(&datum, TARN_MIB);
    for (int depth = 1; depth <= 1000; depth *= 10) {
        tarn_base_buffer_clear(&datum);
        for (int i = 0; i < depth; i++) {
            tarn_format_avro_put_long(&datum, i);
            tarn_format_avro_put_branch(&datum, i + 1 < depth);
        }
        tarn_format_avro_put_long(&datum, 5);
        bool done = decode_one(list, &last, tarn_base_buffer_view(&datum));
        CHECK(done == (depth <= TARN_LIMIT_NESTING));
        if (!done) CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    }
    /* Records that hold the one before twice: 2^40 ints, which must not become steps. */
    TarnBuffer json;
    tarn_base_buffer_init(&json, TARN_MIB);
    tarn_base_buffer_string(&json, "{\"type\":\"record\",\"name\":\"top\",\"fields\":["
                                   "{\"name\":\"f0\",\"type\":[\"null\",{\"type\":\"record\","
                                   "\"name\":\"r0\",\"fields\":[{\"name\":\"v\",\"type\":\"int\"}"
                                   "]}]}");
    for (int i = 1; i <= 40; i++) {
        tarn_base_buffer_printf(&json,
                                ",{\"name\":\"f%d\",\"type\":[\"null\",{\"type\":\"record\","
                                "\"name\":\"r%d\",\"fields\":[{\"name\":\"a\",\"type\":\"r%d\"},"
                                "{\"name\":\"b\",\"type\":\"r%d\"}]}]}",
                                i, i, i - 1, i - 1);
    }
    tarn_base_buffer_string(&json, ",{\"name\":\"last\",\"type\":\"int\"}]}");
    tarn_base_buffer_clear(&datum);
    for (int i = 0; i <= 40; i++) {
        tarn_format_avro_put_branch(&datum, i == 5);
        for (int k = 0; i == 5 && k < 32; k++) tarn_format_avro_put_long(&datum, k);
    }
    tarn_format_avro_put_long(&datum, 5);
    CHECK_OK(decode_one(json.data, &last, tarn_base_buffer_view(&datum)), &error);
    tarn_base_buffer_dispose(&json);
    tarn_base_buffer_dispose(&datum);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    tarn_base_arena_init(&arena, 256 * TARN_MIB);
    TAP_TEST(every_target_is_filled);
    TAP_TEST(a_cut_datum_fails_at_every_byte);
    TAP_TEST(schemas_that_do_not_fit);
    TAP_TEST(data_that_is_refused);
    TAP_TEST(recursive_and_vast_types_are_skipped);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
