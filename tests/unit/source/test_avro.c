/* Avro files: every type, promotions, what is refused, damaged blocks, several threads. */
#include "format/avro.h"
#include "source_test.h"

static TarnSourceOptions avro_options(const char *columns) {
    TarnSourceOptions options = {.format = TARN_FILE_AVRO, .slots = 1, .missing_as_null = true};
    options.columns = columns_of(columns, &options.column_count);
    return options;
}

typedef struct Draft {
    TarnBuffer out;
    TarnAvroWriter writer;
} Draft;

static TarnBuffer *begin(Draft *draft, const char *schema, TarnAvroCodec codec,
                         size_t block_bytes) {
    TarnAvroWriterOptions options = {.schema = tarn_base_text(schema), .codec = codec,
                                     .block_bytes = block_bytes};
    memcpy(options.sync_marker, "a sync marker 16", 16);
    memset(draft, 0, sizeof(*draft));
    tarn_base_buffer_init(&draft->out, 64 * TARN_MIB);
    CHECK_OK(tarn_format_avro_writer_begin(&draft->writer, &options, &draft->out, &failure),
             &failure);
    return &draft->writer.block;
}

static void end_object(Draft *draft) {
    CHECK_OK(tarn_format_avro_writer_object_end(&draft->writer, &failure), &failure);
}

static const char *finish(Draft *draft, const char *name) {
    CHECK_OK(tarn_format_avro_writer_finish(&draft->writer, &failure), &failure);
    const char *path = write_file(name, draft->out.data, draft->out.size);
    tarn_format_avro_writer_dispose(&draft->writer);
    tarn_base_buffer_dispose(&draft->out);
    return path;
}

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"r\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define LOGICAL(type, logical) "{\"type\":\"" type "\",\"logicalType\":\"" logical "\"}"

static const char *infer(const char *path) {
    TarnSourceGuess guess;
    tarn_base_error_clear(&failure);
    if (!tarn_source_infer(tarn_os_posix(), path, TARN_FILE_AVRO, TARN_COMPRESSION_NONE, NULL,
                           &test_arena, &guess, &failure)) {
        return failure.message;
    }
    return text_of_columns(guess.columns, guess.column_count);
}

static void scalars(void) {
    static const char schema[] = RECORD(
        FIELD("a", "\"boolean\"") "," FIELD("b", "\"int\"") "," FIELD("c", "\"long\"") ","
        FIELD("d", "\"float\"") "," FIELD("e", "\"double\"") "," FIELD("f", "\"bytes\"") ","
        FIELD("g", "\"string\"") "," FIELD("h", "[\"null\",\"long\"]") ","
        FIELD("i", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"X\",\"Y\"]}") ","
        FIELD("j", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":2}") ","
        FIELD("k", "[\"int\",\"string\",\"null\"]") "," FIELD("l", "\"null\""));
    Draft draft;
    TarnBuffer *out = begin(&draft, schema, TARN_AVRO_CODEC_NULL, 0);
    for (int i = 0; i < 2; i++) {
        tarn_format_avro_put_boolean(out, i == 0);
        tarn_format_avro_put_long(out, -1 - i);
        tarn_format_avro_put_long(out, INT64_MIN + i);
        tarn_format_avro_put_float(out, 0.5F);
        tarn_format_avro_put_double(out, 0.1);
        tarn_format_avro_put_bytes(out, TARN_TEXT("\x01z"));
        tarn_format_avro_put_bytes(out, TARN_TEXT("t"));
        tarn_format_avro_put_branch(out, (size_t)i);
        if (i == 1) tarn_format_avro_put_long(out, 7);
        tarn_format_avro_put_long(out, 1);
        tarn_format_avro_put_fixed(out, TARN_TEXT("ab"));
        tarn_format_avro_put_branch(out, (size_t)i);
        if (i == 0) tarn_format_avro_put_long(out, 5);
        if (i == 1) tarn_format_avro_put_bytes(out, TARN_TEXT("five"));
        end_object(&draft);
    }
    const char *path = finish(&draft, "a.avro");
    CHECK_STRING(infer(path), "a boolean, b int, c long, d float, e double, f binary, g string, "
                              "h long, i string, j fixed[2], k string, l string");
    TarnSourceOptions options = avro_options(
        "a boolean!, B int!, c long, d float, e double, f binary, g string, h long, i string, "
        "j fixed[2], k string, l string");
    CHECK_STRING(read_file(path, &options),
                 "1: true|-1|-9223372036854775808|0.5|0.1|'\\x01z'|'t'|null|'Y'|'ab'|'5'|null\n"
                 "2: false|-2|-9223372036854775807|0.5|0.1|'\\x01z'|'t'|7|'Y'|'ab'|'five'|null\n");
}

static void promotions(void) {
    Draft draft;
    TarnBuffer *out = begin(&draft, RECORD(FIELD("i", "\"int\"") "," FIELD("l", "\"long\"") ","
                                           FIELD("d", "\"double\"")),
                            TARN_AVRO_CODEC_DEFLATE, 0);
    static const int64_t longs[] = {5, 3000000000, INT64_C(9007199254740993)};
    static const double reals[] = {0.5, 0.1, 1};
    for (int i = 0; i < 3; i++) {
        tarn_format_avro_put_long(out, i);
        tarn_format_avro_put_long(out, longs[i]);
        tarn_format_avro_put_double(out, reals[i]);
        end_object(&draft);
    }
    const char *path = finish(&draft, "a.avro");
    TarnSourceOptions options = avro_options("i long, l decimal(12,2), d double, z string");
    CHECK(tarn_base_text_starts(tarn_base_text(read_file(path, &options)),
                  "1: 0|5.00|0.5|null\n2: 1|3000000000.00|0.1|null\n! row 3 line 0 at"));
    options = avro_options("i double, l int, d float");
    const char *got = read_file(path, &options);
    CHECK(tarn_base_text_starts(tarn_base_text(got), "1: 0.0|5|0.5\n! row 2 line 0 at"));
    CHECK(strstr(got, "[{\"i\":1,\"l\":3000000000,\"d\":0.1}] column \"l\": \"3000000000\" is out "
                      "of range (int)\n") != NULL);
    options = avro_options("d float");
    CHECK(strstr(read_file(path, &options), "\"0.1\" has more digits than the type keeps") != NULL);
    options = avro_options("l double");
    CHECK(strstr(read_file(path, &options), "1: 5.0\n2: 3000000000.0\n! row 3") != NULL);
    options = avro_options("l date");
    (void)read_file(path, &options);
    CHECK_INT(got_rejects, 3);
}

static void logical_types(void) {
    static const char schema[] = RECORD(
        FIELD("a", LOGICAL("int", "date")) "," FIELD("b", LOGICAL("int", "time-millis")) ","
        FIELD("c", LOGICAL("long", "timestamp-millis")) ","
        FIELD("d", LOGICAL("long", "local-timestamp-micros")) ","
        FIELD("e", LOGICAL("long", "timestamp-nanos")) ","
        FIELD("f", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,"
                   "\"scale\":2}") ","
        FIELD("g", "{\"type\":\"fixed\",\"name\":\"u\",\"size\":16,\"logicalType\":\"uuid\"}") ","
        FIELD("h", "{\"type\":\"fixed\",\"name\":\"d\",\"size\":12,"
                   "\"logicalType\":\"duration\"}"));
    Draft draft;
    TarnBuffer *out = begin(&draft, schema, TARN_AVRO_CODEC_SNAPPY, 0);
    tarn_format_avro_put_long(out, 19000);
    tarn_format_avro_put_long(out, 1500);
    tarn_format_avro_put_long(out, 1700000000123);
    tarn_format_avro_put_long(out, 1700000000123456);
    tarn_format_avro_put_long(out, 1700000000123456000);
    tarn_format_avro_put_bytes(out, TARN_TEXT("\xFF\x38"));
    tarn_format_avro_put_fixed(out, (TarnText){"\x00\x11\x22\x33\x44\x55\x66\x77"
                                               "\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF", 16});
    tarn_format_avro_put_fixed(out, (TarnText){"\1\0\0\0\2\0\0\0\3\0\0\0", 12});
    end_object(&draft);
    const char *path = finish(&draft, "a.avro");
    CHECK_STRING(infer(path), "a date, b time, c timestamptz, d timestamp, e timestamptz_ns, "
                              "f decimal(9,2), g uuid, h string");
    TarnSourceOptions options = avro_options(infer(path));
    CHECK_STRING(read_file(path, &options),
                 "1: 2022-01-08|00:00:01.500|2023-11-14T22:13:20.123Z|2023-11-14T22:13:20.123456|"
                 "2023-11-14T22:13:20.123456Z|-2.00|'00112233-4455-6677-8899-aabbccddeeff'|"
                 "'P1M2DT0.003S'\n");
    options = avro_options("a int, b long, c timestamp_ns, d string, e timestamptz, f "
                           "decimal(4,0), g binary");
    CHECK_STRING(read_file(path, &options),
                 "1: 19000|1500|2023-11-14T22:13:20.123|'2023-11-14T22:13:20.123456'|"
                 "2023-11-14T22:13:20.123456Z|-2|"
                 "'\\x00\\x11\"3DUfw\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF'\n");
}

static void nested_types(void) {
    static const char schema[] = RECORD(
        FIELD("l", "{\"type\":\"array\",\"items\":[\"null\",{\"type\":\"record\",\"name\":\"p\","
                   "\"fields\":[{\"name\":\"x\",\"type\":\"string\"},{\"name\":\"y\",\"type\":"
                   "\"int\"}]}]}") ","
        FIELD("m", "{\"type\":\"map\",\"values\":{\"type\":\"array\",\"items\":\"long\"}}"));
    Draft draft;
    TarnBuffer *out = begin(&draft, schema, TARN_AVRO_CODEC_ZSTANDARD, 0);
    for (int i = 0; i < 2; i++) {
        tarn_format_avro_put_items_begin(out, 2);
        tarn_format_avro_put_branch(out, 0);
        tarn_format_avro_put_branch(out, 1);
        tarn_format_avro_put_bytes(out, i == 0 ? TARN_TEXT("12") : TARN_TEXT("q"));
        tarn_format_avro_put_long(out, 9);
        tarn_format_avro_put_items_end(out);
        tarn_format_avro_put_items_begin(out, 1);
        tarn_format_avro_put_bytes(out, TARN_TEXT("k"));
        tarn_format_avro_put_items_begin(out, 2);
        tarn_format_avro_put_long(out, 1);
        tarn_format_avro_put_long(out, 2);
        tarn_format_avro_put_items_end(out);
        tarn_format_avro_put_items_end(out);
        end_object(&draft);
    }
    const char *path = finish(&draft, "a.avro");
    CHECK_STRING(infer(path), "l list<struct<x string, y int>>, m map<string!, list<long>>");
    TarnSourceOptions options = avro_options(infer(path));
    CHECK_STRING(read_file(path, &options), "1: [null {x='12' y=9}]|{'k':[1 2]}\n"
                                            "2: [null {x='q' y=9}]|{'k':[1 2]}\n");
    options = avro_options("m string, l list<struct<y long, x int, z int>>");
    const char *got = read_file(path, &options);
    CHECK(tarn_base_text_starts(tarn_base_text(got),
                                "1: '{\"k\":[1,2]}'|[null {y=9 x=12 z=null}]\n! row 2"));
    CHECK(strstr(got, "column \"l[1].x\": \"q\" is not of that type (int)") != NULL);
    options = avro_options("l list<struct<x string>>");
    CHECK_STRING(read_file(path, &options), "1: [null {x='12'}]\n2: [null {x='q'}]\n");
    CHECK_STRING(dropped_text(), "2: l.element.y, m");
    options = avro_options("l int, m list<int>");
    (void)read_file(path, &options);
    CHECK_INT(got_rejects, 2);
    options = avro_options("l list<struct<x string>!>");
    CHECK(strstr(read_file(path, &options), "column \"l[0]\" is required and has no value") !=
          NULL);
}

static void files_that_do_not_fit(void) {
    Draft draft;
    TarnBuffer *out = begin(&draft, RECORD(FIELD("a", "\"int\"") "," FIELD("b", "[\"null\","
                                                                               "\"int\"]")),
                            TARN_AVRO_CODEC_NULL, 0);
    for (int i = 0; i < 2; i++) {
        tarn_format_avro_put_long(out, i);
        tarn_format_avro_put_branch(out, (size_t)i);
        if (i == 1) tarn_format_avro_put_long(out, 3);
        end_object(&draft);
    }
    const char *path = finish(&draft, "a.avro");
    TarnSourceOptions options = avro_options("a int, c int!");
    CHECK(strstr(read_file(path, &options), "the field \"c\" is missing") != NULL);
    options = avro_options("a int, c int");
    options.missing_as_null = false;
    CHECK(strstr(read_file(path, &options), "the field \"c\" is missing") != NULL);
    options = avro_options("a int");
    options.refuse_extra_fields = true;
    const char *got = read_file(path, &options);
    CHECK(tarn_base_text_starts(tarn_base_text(got), "1: 0\n! row 2"));
    CHECK(strstr(got, "the field \"b\" is not a column of the table") != NULL);
    CHECK_STRING(dropped_text(), "0:");
    options.refuse_extra_fields = false;
    CHECK_STRING(read_file(path, &options), "1: 0\n2: 1\n");
    CHECK_STRING(dropped_text(), "1: b");
    (void)read_file(write_file("b.avro", "Obj\x01\x02", 5), &options);
    CHECK_INT(failure.code, TARN_E_SOURCE_UNREADABLE);
    (void)read_file(write_file("b.avro", "", 0), &options);
    CHECK_INT(failure.code, TARN_E_SOURCE_UNREADABLE);
    options.compression = TARN_COMPRESSION_GZIP;
    (void)read_file(path, &options);
    CHECK_INT(failure.code, TARN_E_FORMAT_UNSUPPORTED);
}

/* ---- many blocks --------------------------------------------------------------------------- */

#define ROWS 20000

static const char *write_blocks(TarnAvroCodec codec) {
    Draft draft;
    TarnBuffer *out = begin(&draft, RECORD(FIELD("a", "\"long\"") "," FIELD("t", "\"string\"")),
                            codec, 1000);
    for (int i = 0; i < ROWS; i++) {
        char text[32];
        snprintf(text, sizeof(text), "text %d", i);
        tarn_format_avro_put_long(out, i);
        tarn_format_avro_put_bytes(out, tarn_base_text(text));
        end_object(&draft);
    }
    return finish(&draft, "a.avro");
}

static void blocks_are_read_by_all_threads(void) {
    for (uint32_t slots = 1; slots <= 4; slots++) {
        const char *path = write_blocks((TarnAvroCodec)(slots - 1));
        TarnSourceOptions options = avro_options("a long, t string");
        options.slots = slots;
        const char *got = read_file(path, &options);
        CHECK_INT(got_rows, ROWS);
        CHECK_INT(got_rejects, 0);
        const char *at = got;
        bool same = true;
        for (int i = 0; i < ROWS && same; i++) {
            char line[80];
            int size = snprintf(line, sizeof(line), "%d: %d|'text %d'\n", i + 1, i, i);
            same = strncmp(at, line, (size_t)size) == 0;
            at += size;
        }
        CHECK(same && *at == '\0');
    }
}

/* Changes bytes of the file, reads it and says how many rows and rejects there are. */
static void read_damaged(const char *content, size_t size, size_t at, size_t length, char with) {
    char *copy = malloc(size);
    memcpy(copy, content, size);
    memset(copy + at, with, length);
    TarnSourceOptions options = avro_options("a long, t string");
    options.slots = 2;
    (void)read_file(write_file("d.avro", copy, size), &options);
    free(copy);
}

static void damaged_blocks_are_refused_alone(void) {
    TarnArena arena;
    TarnText file;
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    const char *path = write_blocks(TARN_AVRO_CODEC_NULL);
    REQUIRE_OK(tarn_os_file_read_all(tarn_os_posix(), path, 64 * TARN_MIB, &arena, &file,
                                     &failure),
               &failure);
    size_t most_in_block = 200;
    /* in the middle of a block: lengths run wild, or texts are no text */
    read_damaged(file.data, file.size, 50000, 300, (char)0xFF);
    CHECK_INT(got_rejects, 1);
    CHECK(got_rows < ROWS && got_rows > ROWS - 2 * most_in_block);
    CHECK(failure.code == TARN_OK);
    /* the marker between two blocks */
    const char *marker = memmem(file.data + 50000, 2000, "a sync marker 16", 16);
    read_damaged(file.data, file.size, (size_t)(marker - file.data), 16, 'x');
    CHECK_INT(got_rejects, 1);
    CHECK(got_rows < ROWS && got_rows > ROWS - 3 * most_in_block);
    /* a block's header */
    read_damaged(file.data, file.size, (size_t)(marker - file.data) + 16, 4, (char)0xFF);
    CHECK_INT(got_rejects, 1);
    CHECK(got_rows < ROWS && got_rows > ROWS - 2 * most_in_block);
    /* cut off */
    TarnSourceOptions options = avro_options("a long, t string");
    const char *got = read_file(write_file("d.avro", file.data, 60000), &options);
    CHECK_INT(got_rejects, 1);
    CHECK(got_rows > 3000 && tarn_base_text_starts(tarn_base_text(got), "1: 0|'text 0'\n2: 1|"));
    CHECK(strstr(got, "bytes are damaged: no Avro block begins there") != NULL);
    tarn_base_arena_dispose(&arena);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    start_source();
    TAP_TEST(scalars);
    TAP_TEST(promotions);
    TAP_TEST(logical_types);
    TAP_TEST(nested_types);
    TAP_TEST(files_that_do_not_fit);
    TAP_TEST(blocks_are_read_by_all_threads);
    TAP_TEST(damaged_blocks_are_refused_alone);
    return end_source();
}
