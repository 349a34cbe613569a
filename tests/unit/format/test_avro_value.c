/* Avro values one by one and as JSON: golden files of another writer, random schemas and data,
 * the limits. */
#include <math.h>

#include "avro_test.h"

static TarnArena arena;
static TarnError error;

static const TarnAvroSchema *parse(const char *json, TarnArena *own) {
    const TarnAvroSchema *schema = NULL;
    CHECK_OK(tarn_format_avro_schema_parse(tarn_base_text(json), NULL, own, &schema, &error),
             &error);
    return schema;
}

/* ---- Golden files -------------------------------------------------------------------------- */

static void check_golden(const char *avro, const char *json, TarnAvroJsonOptions options,
                         size_t count) {
    TarnArena own;
    TarnAvroReader *reader = NULL;
    TarnAvroCursor *cursor = NULL;
    TarnBuffer text;
    size_t read = 0;
    tarn_base_arena_init(&own, 64 * TARN_MIB);
    tarn_base_buffer_init(&text, TARN_MIB);
    TarnText wanted = avro_golden(json, &own);
    bool done = tarn_format_avro_reader_open(avro_golden(avro, &own), avro, &own, &reader, &error);
    CHECK_OK(done, &error);
    while (done) {
        done = tarn_format_avro_reader_object(reader, &own, &cursor, &error);
        CHECK_OK(done, &error);
        if (!done || cursor == NULL) break;
        tarn_base_buffer_clear(&text);
        CHECK_OK(tarn_format_avro_value_to_json(cursor, tarn_format_avro_reader_schema(reader),
                                                &options, &text, &error),
                 &error);
        TarnText line = tarn_base_text_split(wanted, '\n', &wanted);
        if (!avro_json_text_alike(tarn_base_buffer_view(&text), line)) {
            CHECK_STRING(text.data, tarn_base_text_string(&own, line));
        }
        read++;
    }
    CHECK_INT(read, count);
    tarn_format_avro_reader_close(reader);
    tarn_base_buffer_dispose(&text);
    tarn_base_arena_dispose(&own);
}

static void golden_files_read_as_expected(void) {
    static const char *const names[] = {"all_types.null.avro", "all_types.deflate.avro",
                                        "all_types.snappy.avro", "all_types.zstandard.avro"};
    for (size_t i = 0; i < 4; i++) {
        check_golden(names[i], "all_types.raw.json", (TarnAvroJsonOptions){.hex = true}, 24);
        check_golden(names[i], "all_types.logical.json",
                     (TarnAvroJsonOptions){.logical = true, .indent = 2}, 24);
    }
    check_golden("manifest.null.avro", "manifest.json", (TarnAvroJsonOptions){.hex = false}, 12);
    check_golden("manifest.deflate.avro", "manifest.json", (TarnAvroJsonOptions){.hex = false}, 12);
}

/* ---- Random schemas and data --------------------------------------------------------------- */

/* Writes a random type, and later data of it beside the JSON it must become, from one seed: the
 * second walk makes the same choices of type as the first. */
typedef struct Maker {
    uint64_t types; /* the seed of the types */
    uint64_t data;  /* the seed of the data */
    TarnBuffer *schema;
    TarnBuffer *datum;
    TarnJsonWriter *json;
    int names;
} Maker;

static uint64_t draw(uint64_t *seed, uint64_t below) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (*seed >> 33) % below;
}

static int64_t draw_long(uint64_t *seed, unsigned bits) {
    uint64_t high = draw(seed, UINT32_MAX);
    uint64_t value = high << 32 | draw(seed, UINT32_MAX);
    return (int64_t)value >> (64 - bits + draw(seed, bits));
}

/* Each of these writes its part of the schema, if there is one, and of the data, if there is. */
static void make_type(Maker *maker, int depth);

static void put_text(Maker *maker, const char *text) {
    if (maker->schema != NULL) tarn_base_buffer_string(maker->schema, text);
}

static void make_number(Maker *maker, bool wide) {
    put_text(maker, wide ? "\"long\"" : "{\"type\":\"int\",\"x\":1}");
    if (maker->datum == NULL) return;
    int64_t value = draw_long(&maker->data, wide ? 64 : 32);
    tarn_format_avro_put_long(maker->datum, value);
    tarn_base_json_put_int64(maker->json, value);
}

static void make_real(Maker *maker, bool wide) {
    put_text(maker, wide ? "\"double\"" : "\"float\"");
    if (maker->datum == NULL) return;
    double value = (double)draw_long(&maker->data, 40) / 1024;
    if (wide) {
        tarn_format_avro_put_double(maker->datum, value);
        tarn_base_json_put_double(maker->json, value);
    } else {
        tarn_format_avro_put_float(maker->datum, (float)value);
        tarn_base_json_put_double(maker->json, (double)(float)value);
    }
}

static void make_string(Maker *maker) {
    static const char *const texts[] = {"", "a", "Straße", "\"\\/\n", "0123456789 0123456789"};
    put_text(maker, "\"string\"");
    if (maker->datum == NULL) return;
    TarnText text = tarn_base_text(texts[draw(&maker->data, 5)]);
    tarn_format_avro_put_bytes(maker->datum, text);
    tarn_base_json_put_text(maker->json, text);
}

static void make_bytes(Maker *maker, bool fixed) {
    unsigned char bytes[8];
    char hex[17];
    int name = maker->names++;
    size_t size = fixed ? draw(&maker->types, 8) : 0;
    if (maker->schema != NULL && fixed) {
        tarn_base_buffer_printf(maker->schema, "{\"type\":\"fixed\",\"name\":\"n%d\",\"size\":%zu}",
                                name, size);
    } else {
        put_text(maker, "\"bytes\"");
    }
    if (maker->datum == NULL) return;
    if (!fixed) size = draw(&maker->data, 8);
    for (size_t i = 0; i < size; i++) bytes[i] = (unsigned char)draw(&maker->data, 256);
    TarnText text = {(const char *)bytes, size};
    if (fixed) {
        tarn_format_avro_put_fixed(maker->datum, text);
    } else {
        tarn_format_avro_put_bytes(maker->datum, text);
    }
    tarn_base_text_hex(bytes, size, hex);
    tarn_base_json_put_string(maker->json, hex);
}

static void make_enum(Maker *maker) {
    static const char *const symbols[] = {"RED", "GREEN", "BLUE"};
    int name = maker->names++;
    if (maker->schema != NULL) {
        tarn_base_buffer_printf(maker->schema,
                                "{\"type\":\"enum\",\"name\":\"n%d\",\"symbols\":"
                                "[\"RED\",\"GREEN\",\"BLUE\"]}",
                                name);
    }
    if (maker->datum == NULL) return;
    uint64_t index = draw(&maker->data, 3);
    tarn_format_avro_put_long(maker->datum, (int64_t)index);
    tarn_base_json_put_string(maker->json, symbols[index]);
}

static void make_record(Maker *maker, int depth) {
    uint64_t fields = draw(&maker->types, 5);
    int record = maker->names++;
    if (maker->schema != NULL) {
        tarn_base_buffer_printf(maker->schema, "{\"type\":\"record\",\"name\":\"n%d\",\"fields\":[",
                                record);
    }
    if (maker->datum != NULL) tarn_base_json_object_begin(maker->json);
    for (uint64_t i = 0; i < fields; i++) {
        char name[8];
        snprintf(name, sizeof(name), "f%d", (int)i);
        put_text(maker, i > 0 ? ",{\"name\":\"" : "{\"name\":\"");
        put_text(maker, name);
        put_text(maker, "\",\"type\":");
        if (maker->datum != NULL) tarn_base_json_key(maker->json, name);
        make_type(maker, depth + 1);
        put_text(maker, "}");
    }
    if (maker->datum != NULL) tarn_base_json_object_end(maker->json);
    put_text(maker, "]}");
}

/* One item of a list, map or union, of a type drawn anew from the same seed each time. */
static void make_items(Maker *maker, int depth, bool is_map) {
    put_text(maker, is_map ? "{\"type\":\"map\",\"values\":" : "{\"type\":\"array\",\"items\":");
    uint64_t types = maker->types;
    int names = maker->names;
    /* The walk that only counts names and moves the seed on. */
    Maker quiet = *maker;
    quiet.datum = NULL;
    make_type(&quiet, depth + 1);
    put_text(maker, "}");
    if (maker->datum != NULL) {
        uint64_t runs = draw(&maker->data, 3);
        if (is_map) tarn_base_json_object_begin(maker->json);
        if (!is_map) tarn_base_json_array_begin(maker->json);
        for (uint64_t item = 0; item < runs * 3; item++) {
            if (item % 3 == 0) tarn_format_avro_put_items_begin(maker->datum, 3);
            char key[16];
            snprintf(key, sizeof(key), "k%d", (int)item);
            if (is_map) tarn_format_avro_put_bytes(maker->datum, tarn_base_text(key));
            if (is_map) tarn_base_json_key(maker->json, key);
            Maker one = *maker;
            one.schema = NULL;
            one.types = types;
            one.names = names;
            make_type(&one, depth + 1);
            maker->data = one.data;
        }
        tarn_format_avro_put_items_end(maker->datum);
        if (is_map) tarn_base_json_object_end(maker->json);
        if (!is_map) tarn_base_json_array_end(maker->json);
    }
    maker->types = quiet.types;
    maker->names = quiet.names;
}

static void make_union(Maker *maker, int depth) {
    bool null_first = draw(&maker->types, 2) == 0;
    bool is_null = maker->datum != NULL && draw(&maker->data, 2) == 0;
    Maker branch = *maker;
    if (is_null) {
        branch.datum = NULL;
        tarn_format_avro_put_branch(maker->datum, null_first ? 0 : 1);
        tarn_base_json_put_null(maker->json);
    } else if (maker->datum != NULL) {
        tarn_format_avro_put_branch(maker->datum, null_first ? 1 : 0);
    }
    put_text(maker, null_first ? "[\"null\"," : "[");
    make_record(&branch, depth + 1);
    put_text(maker, null_first ? "]" : ",\"null\"]");
    branch.datum = maker->datum;
    *maker = branch;
}

static void make_type(Maker *maker, int depth) {
    switch (draw(&maker->types, depth > 4 ? 8 : 13)) {
    case 0:
        put_text(maker, "\"boolean\"");
        if (maker->datum != NULL) {
            bool value = draw(&maker->data, 2) == 1;
            tarn_format_avro_put_boolean(maker->datum, value);
            tarn_base_json_put_bool(maker->json, value);
        }
        break;
    case 1: make_number(maker, false); break;
    case 2: make_number(maker, true); break;
    case 3: make_real(maker, draw(&maker->types, 2) == 0); break;
    case 4: make_string(maker); break;
    case 5: make_bytes(maker, false); break;
    case 6: make_bytes(maker, true); break;
    case 7: make_enum(maker); break;
    case 8:
    case 9: make_record(maker, depth); break;
    case 10: make_items(maker, depth, false); break;
    case 11: make_items(maker, depth, true); break;
    default: make_union(maker, depth); break;
    }
}

/* Reads `count` objects back: by value, by skipping, and by a plan that wants nothing. */
static void check_objects(const TarnBuffer *file, const TarnBuffer *lines, size_t count,
                          uint64_t seed) {
    TarnArena own;
    TarnAvroReader *reader = NULL;
    TarnAvroPlan *plan = NULL;
    TarnBuffer text;
    TarnText wanted = tarn_base_buffer_view(lines);
    const TarnAvroShape nothing = {.count = 0};
    const TarnAvroJsonOptions options = {.hex = true};
    tarn_base_arena_init(&own, 256 * TARN_MIB);
    tarn_base_buffer_init(&text, 16 * TARN_MIB);
    bool done = tarn_format_avro_reader_open(tarn_base_buffer_view(file), "random", &own, &reader,
                                             &error) &&
                tarn_format_avro_plan_compile(tarn_format_avro_reader_schema(reader), &nothing,
                                              NULL, &own, &plan, &error);
    for (size_t i = 0; i <= count && done; i++) {
        TarnAvroCursor *cursor = NULL;
        done = tarn_format_avro_reader_object(reader, &own, &cursor, &error);
        if (!done || cursor == NULL) {
            done = done && i == count;
            break;
        }
        TarnAvroCursor skipper = *cursor;
        TarnAvroCursor planner = *cursor;
        tarn_base_buffer_clear(&text);
        done = tarn_format_avro_value_to_json(cursor, tarn_format_avro_reader_schema(reader),
                                              &options, &text, &error) &&
               tarn_format_avro_cursor_skip(&skipper, tarn_format_avro_reader_schema(reader),
                                            &error) &&
               tarn_format_avro_plan_decode(plan, &planner, NULL, &own, &error);
        TarnText line = tarn_base_text_split(wanted, '\n', &wanted);
        done = done && skipper.at == cursor->at && planner.at == cursor->at &&
               avro_json_text_alike(tarn_base_buffer_view(&text), line);
    }
    if (!done) {
        printf("# seed %" PRIu64 ": %s\n", seed, error.message);
        CHECK(done);
    }
    tarn_format_avro_reader_close(reader);
    tarn_base_buffer_dispose(&text);
    tarn_base_arena_dispose(&own);
}

static void random_data_round_trips(void) {
    for (uint64_t seed = 1; seed <= 400; seed++) {
        TarnBuffer schema;
        TarnBuffer file;
        TarnBuffer lines;
        TarnAvroWriter writer;
        size_t count = seed % 7;
        tarn_base_buffer_init(&schema, TARN_MIB);
        tarn_base_buffer_init(&file, 16 * TARN_MIB);
        tarn_base_buffer_init(&lines, 16 * TARN_MIB);
        Maker maker = {.types = seed, .schema = &schema};
        make_record(&maker, 0);
        TarnAvroWriterOptions options = {.schema = tarn_base_buffer_view(&schema),
                                         .codec = (TarnAvroCodec)(seed % 4),
                                         .block_bytes = 1 + seed % 500};
        REQUIRE_OK(tarn_format_avro_writer_begin(&writer, &options, &file, &error), &error);
        for (size_t i = 0; i < count; i++) {
            TarnJsonWriter json;
            tarn_base_json_writer_init(&json, &lines, 0);
            Maker data = {
                .types = seed, .data = seed * 31 + i, .json = &json, .datum = &writer.block};
            make_record(&data, 0);
            tarn_base_buffer_byte(&lines, '\n');
            REQUIRE_OK(tarn_format_avro_writer_object_end(&writer, &error), &error);
        }
        REQUIRE_OK(tarn_format_avro_writer_finish(&writer, &error), &error);
        tarn_format_avro_writer_dispose(&writer);
        REQUIRE(!schema.failed && !lines.failed);
        check_objects(&file, &lines, count, seed);
        tarn_base_buffer_dispose(&schema);
        tarn_base_buffer_dispose(&file);
        tarn_base_buffer_dispose(&lines);
    }
}

/* ---- Single calls -------------------------------------------------------------------------- */

static void integers_round_trip_at_their_edges(void) {
    TarnBuffer datum;
    tarn_base_buffer_init(&datum, 1000);
    for (int bit = 0; bit < 64; bit++) {
        for (int64_t near = -2; near <= 2; near++) {
            for (int sign = 0; sign < 2; sign++) {
                uint64_t magnitude = ((uint64_t)1 << bit) + (uint64_t)near;
                int64_t value = (int64_t)(sign ? 0 - magnitude : magnitude);
                int64_t read = 0;
                int32_t narrow = 0;
                tarn_base_buffer_clear(&datum);
                tarn_format_avro_put_long(&datum, value);
                TarnAvroCursor cursor = tarn_format_avro_cursor(tarn_base_buffer_view(&datum),
                                                                NULL);
                TarnAvroCursor again = cursor;
                CHECK_OK(tarn_format_avro_cursor_long(&cursor, &read, &error), &error);
                CHECK_INT(read, value);
                CHECK(cursor.at == cursor.end);
                bool fits = value >= INT32_MIN && value <= INT32_MAX;
                CHECK(tarn_format_avro_cursor_int(&again, &narrow, &error) == fits);
                if (fits) CHECK_INT(narrow, value);
            }
        }
    }
    tarn_base_buffer_dispose(&datum);
}

static void values_are_pulled_by_the_schema(void) {
    TarnBuffer datum;
    tarn_base_buffer_init(&datum, 1000);
    tarn_format_avro_put_boolean(&datum, true);
    tarn_format_avro_put_float(&datum, -0.5f);
    tarn_format_avro_put_double(&datum, 1e100);
    tarn_format_avro_put_bytes(&datum, TARN_TEXT("x"));
    tarn_format_avro_put_fixed(&datum, TARN_TEXT("yz"));
    tarn_format_avro_put_long(&datum, 1);
    tarn_format_avro_put_branch(&datum, 1);
    tarn_format_avro_put_long(&datum, 77);
    tarn_format_avro_put_branch(&datum, 0);
    TarnAvroCursor cursor = tarn_format_avro_cursor(tarn_base_buffer_view(&datum), "pull");
    const TarnAvroSchema *letters = parse(
        "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]}", &arena);
    const TarnAvroSchema *maybe = parse("[\"null\",\"int\"]", &arena);
    const TarnAvroSchema *branch = NULL;
    bool truth = false;
    float single = 0;
    double real = 0;
    TarnText text;
    size_t index = 0;
    TarnAvroValue value;
    CHECK_OK(tarn_format_avro_cursor_boolean(&cursor, &truth, &error), &error);
    CHECK(truth);
    CHECK_OK(tarn_format_avro_cursor_float(&cursor, &single, &error), &error);
    CHECK(single == -0.5f);
    CHECK_OK(tarn_format_avro_cursor_double(&cursor, &real, &error), &error);
    CHECK(real == 1e100);
    CHECK_OK(tarn_format_avro_cursor_bytes(&cursor, &text, &error), &error);
    CHECK(tarn_base_text_is(text, "x"));
    CHECK_OK(tarn_format_avro_cursor_fixed(&cursor, 2, &text, &error), &error);
    CHECK(tarn_base_text_is(text, "yz"));
    CHECK_OK(tarn_format_avro_cursor_symbol(&cursor, letters, &index, &error), &error);
    CHECK_INT(index, 1);
    CHECK_OK(tarn_format_avro_cursor_scalar(&cursor, maybe, &value, &error), &error);
    CHECK(value.type->kind == TARN_AVRO_INT && value.as.integer == 77);
    CHECK_OK(tarn_format_avro_cursor_branch(&cursor, maybe, &branch, &error), &error);
    CHECK_INT(branch->kind, TARN_AVRO_NULL);
    CHECK_REFUSED(tarn_format_avro_cursor_boolean(&cursor, &truth, &error), TARN_E_FORMAT_CORRUPT,
                  "cannot read \"pull\"");
    CHECK_REFUSED(tarn_format_avro_cursor_float(&cursor, &single, &error), TARN_E_FORMAT_CORRUPT,
                  "end within");
    CHECK_REFUSED(tarn_format_avro_cursor_double(&cursor, &real, &error), TARN_E_FORMAT_CORRUPT,
                  "end within");
    CHECK_REFUSED(tarn_format_avro_cursor_fixed(&cursor, 1, &text, &error), TARN_E_FORMAT_CORRUPT,
                  "end within");
    const TarnAvroSchema *list = parse("{\"type\":\"array\",\"items\":\"int\"}", &arena);
    CHECK_REFUSED(tarn_format_avro_cursor_scalar(&cursor, list, &value, &error), TARN_E_INTERNAL,
                  "kind array");
    tarn_base_buffer_dispose(&datum);
}

static void items_are_pulled_run_by_run(void) {
    static const unsigned char bytes[] = {4, 2, 4, 1, 2, 6, 2, 8, 0, 99};
    const TarnAvroSchema *list = parse("{\"type\":\"array\",\"items\":\"long\"}", &arena);
    for (int broken = 0; broken < 2; broken++) {
        unsigned char copy[sizeof(bytes)];
        memcpy(copy, bytes, sizeof(bytes));
        if (broken) copy[4] = 4; /* the second run says two bytes, and has one */
        TarnAvroCursor cursor = tarn_format_avro_cursor(
            (TarnText){(const char *)copy, sizeof(copy)}, NULL);
        TarnAvroItems items = {0};
        bool more = false;
        bool done = false;
        int64_t count = 0;
        while ((done = tarn_format_avro_cursor_items(&cursor, list, &items, &more, &error)) &&
               more) {
            int64_t value = 0;
            CHECK_OK(tarn_format_avro_cursor_long(&cursor, &value, &error), &error);
            CHECK_INT(value, ++count);
        }
        CHECK(done == !broken);
        CHECK_INT(count, broken ? 3 : 4);
        if (done) CHECK_INT(*cursor.at, 99);
        if (!done) CHECK(strstr(error.message, "do not take the bytes") != NULL);
    }
}

static bool to_json(const char *schema, TarnText datum, TarnAvroJsonOptions options,
                    TarnBuffer *out) {
    TarnAvroCursor cursor = tarn_format_avro_cursor(datum, "datum");
    tarn_base_buffer_clear(out);
    return tarn_format_avro_value_to_json(&cursor, parse(schema, &arena), &options, out, &error);
}

static const struct {
    const char *schema;
    TarnText datum;
    bool logical;
    const char *text;
} texts[] = {
    {"\"bytes\"", {"\x00", 1}, false, "\"\""},
    {"\"bytes\"",
     {"\x02"
      "f",
      2},
     false,
     "\"Zg==\""},
    {"\"bytes\"",
     {"\x04"
      "fo",
      3},
     false,
     "\"Zm8=\""},
    {"\"bytes\"",
     {"\x06"
      "foo",
      4},
     false,
     "\"Zm9v\""},
    {"\"bytes\"", {"\x06\xff\xef\xfe", 4}, false, "\"/+/+\""},
    {"\"string\"",
     {"\x04\xff"
      "a",
      3},
     false,
     "\"\xef\xbf\xbd"
     "a\""},
    {"\"float\"", {"\x00\x00\xc0\x7f", 4}, false, "\"NaN\""},
    {"\"float\"", {"\x00\x00\x80\x7f", 4}, false, "\"Infinity\""},
    {"\"float\"", {"\xcd\xcc\xcc\x3d", 4}, false, "0.1"},
    {"\"double\"", {"\x00\x00\x00\x00\x00\x00\xf0\xff", 8}, false, "\"-Infinity\""},
    {"\"null\"", {"", 0}, false, "null"},
    {"{\"type\":\"int\",\"logicalType\":\"date\"}", {"\x02", 1}, false, "1"},
    {"{\"type\":\"int\",\"logicalType\":\"date\"}", {"\x02", 1}, true, "\"1970-01-02\""},
    /* a time of day that is none stays a number */
    {"{\"type\":\"int\",\"logicalType\":\"time-millis\"}", {"\x01", 1}, true, "-1"},
    {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":4}",
     {"\x02\xff", 2},
     true,
     "\"-0.0001\""},
    {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":2}",
     {"\x00", 1},
     true,
     "\"0.00\""},
    {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4}",
     {"\x02\x80", 2},
     true,
     "\"-128\""},
    {"{\"type\":\"fixed\",\"name\":\"u\",\"size\":16,\"logicalType\":\"uuid\"}",
     {"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16},
     true,
     "\"00112233-4455-6677-8899-aabbccddeeff\""},
    {"{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}",
     {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},
     true,
     "\"-292275055-05-16T16:47:04.192Z\""},
    {"{\"type\":\"long\",\"logicalType\":\"timestamp-nanos\"}",
     {"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},
     true,
     "\"2262-04-11T23:47:16.854775807Z\""},
    {"{\"type\":\"long\",\"logicalType\":\"local-timestamp-nanos\"}",
     {"\x01", 1},
     true,
     "\"1969-12-31T23:59:59.999999999\""},
    {"{\"type\":\"map\",\"values\":\"int\"}",
     {"\x02\x04"
      "a\"\x06\x00",
      6},
     false,
     "{\"a\\\"\":3}"},
};

static void json_texts(void) {
    TarnBuffer out;
    tarn_base_buffer_init(&out, TARN_MIB);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        TarnAvroJsonOptions options = {.logical = texts[i].logical};
        CHECK_OK(to_json(texts[i].schema, texts[i].datum, options, &out), &error);
        CHECK_STRING(out.data, texts[i].text);
    }
    tarn_base_buffer_dispose(&out);
}

static void a_decimal_of_any_length(void) {
    TarnBuffer out;
    TarnBuffer datum;
    tarn_base_buffer_init(&out, TARN_MIB);
    tarn_base_buffer_init(&datum, TARN_MIB);
    for (size_t size = 64; size <= 65; size++) {
        tarn_base_buffer_clear(&datum);
        tarn_format_avro_put_long(&datum, (int64_t)size);
        tarn_base_buffer_byte(&datum, 0x80);
        for (size_t i = 1; i < size; i++) tarn_base_buffer_byte(&datum, 0);
        CHECK_OK(to_json("{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":200,"
                         "\"scale\":3}",
                         tarn_base_buffer_view(&datum), (TarnAvroJsonOptions){.logical = true},
                         &out),
                 &error);
        if (size == 64) {
            /* -2^511 / 1000 */
            CHECK_STRING(out.data,
                         "\"-67039039649712985497870124991029230637396829102961966888617807218608"
                         "820150367734884009371490834517138450159290932430254268769414059732849732"
                         "16824503042.048\"");
        } else {
            CHECK(strlen(out.data) == 90 && strncmp(out.data, "\"gAAA", 5) == 0);
        }
    }
    tarn_base_buffer_dispose(&out);
    tarn_base_buffer_dispose(&datum);
}

static void limits_end_the_walk(void) {
    TarnBuffer out;
    TarnBuffer datum;
    tarn_base_buffer_init(&out, 4 * TARN_MIB);
    tarn_base_buffer_init(&datum, TARN_MIB);
    const TarnAvroJsonOptions plain = {.indent = 0};
    /* a chain deeper than anything may nest, then one that just fits */
    static const char chain[] = "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"n\","
                                "\"type\":[\"null\",\"L\"]}]}";
    for (int depth = TARN_LIMIT_NESTING - 1; depth <= TARN_LIMIT_NESTING; depth++) {
        tarn_base_buffer_clear(&datum);
        for (int i = 1; i < depth; i++) tarn_format_avro_put_branch(&datum, 1);
        tarn_format_avro_put_branch(&datum, 0);
        bool done = to_json(chain, tarn_base_buffer_view(&datum), plain, &out);
        CHECK(done == (depth < TARN_LIMIT_NESTING));
        if (!done) CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
        if (!done) CHECK_INT(out.size, 0);
    }
    /* a record that holds itself */
    CHECK_REFUSED(to_json("{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"a\","
                          "\"type\":\"A\"}]}",
                          TARN_TEXT(""), plain, &out),
                  TARN_E_LIMIT_EXCEEDED, "");
    /* nulls without end */
    tarn_base_buffer_clear(&datum);
    tarn_format_avro_put_items_begin(&datum, 1000000000);
    tarn_format_avro_put_items_end(&datum);
    CHECK_REFUSED(to_json("{\"type\":\"array\",\"items\":\"null\"}", tarn_base_buffer_view(&datum),
                          plain, &out),
                  TARN_E_LIMIT_EXCEEDED, "no bytes");
    /* records of nulls within records: two million in no bytes */
    TarnBuffer json;
    tarn_base_buffer_init(&json, TARN_MIB);
    tarn_base_buffer_string(&json, "{\"type\":\"record\",\"name\":\"top\",\"fields\":["
                                   "{\"name\":\"f0\",\"type\":[\"int\",{\"type\":\"record\","
                                   "\"name\":\"r0\",\"fields\":[{\"name\":\"v\",\"type\":\"null\"}"
                                   "]}]}");
    for (int i = 1; i <= 21; i++) {
        tarn_base_buffer_printf(&json,
                                ",{\"name\":\"f%d\",\"type\":[\"int\",{\"type\":\"record\","
                                "\"name\":\"r%d\",\"fields\":[{\"name\":\"a\",\"type\":\"r%d\"},"
                                "{\"name\":\"b\",\"type\":\"r%d\"}]}]}",
                                i, i, i - 1, i - 1);
    }
    tarn_base_buffer_string(&json, "]}");
    tarn_base_buffer_clear(&datum);
    for (int i = 0; i < 21; i++) tarn_base_buffer_text(&datum, (TarnText){"\0\0", 2});
    tarn_format_avro_put_branch(&datum, 1);
    tarn_base_buffer_dispose(&out);
    tarn_base_buffer_init(&out, 64 * TARN_MIB);
    CHECK_REFUSED(to_json(json.data, tarn_base_buffer_view(&datum), plain, &out),
                  TARN_E_LIMIT_EXCEEDED, "no bytes");
    tarn_base_buffer_dispose(&json);
    /* an output that is full takes its part back */
    tarn_base_buffer_dispose(&out);
    tarn_base_buffer_init(&out, 20);
    tarn_base_buffer_string(&out, "before ");
    TarnAvroCursor cursor = tarn_format_avro_cursor(TARN_TEXT("\x20"
                                                              "0123456789abcdef"),
                                                    "datum");
    CHECK_REFUSED(
        tarn_format_avro_value_to_json(&cursor, parse("\"string\"", &arena), NULL, &out, &error),
        TARN_E_LIMIT_EXCEEDED, "");
    CHECK_INT(out.size, 7);
    tarn_base_buffer_dispose(&out);
    tarn_base_buffer_dispose(&datum);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    tarn_base_arena_init(&arena, 256 * TARN_MIB);
    TAP_TEST(golden_files_read_as_expected);
    TAP_TEST(random_data_round_trips);
    TAP_TEST(integers_round_trip_at_their_edges);
    TAP_TEST(values_are_pulled_by_the_schema);
    TAP_TEST(items_are_pulled_run_by_run);
    TAP_TEST(json_texts);
    TAP_TEST(a_decimal_of_any_length);
    TAP_TEST(limits_end_the_walk);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
