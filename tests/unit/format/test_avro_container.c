/* Avro containers: what is written is read, and what is damaged is refused at its place. */
#include "avro_test.h"

static TarnArena arena;
static TarnError error;

#define LONG_SCHEMA "\"long\""
static const TarnAvroCodec codecs[] = {TARN_AVRO_CODEC_NULL, TARN_AVRO_CODEC_DEFLATE,
                                       TARN_AVRO_CODEC_SNAPPY, TARN_AVRO_CODEC_ZSTANDARD};
#define CODEC_COUNT (sizeof(codecs) / sizeof(codecs[0]))

/* Reads all longs of a file, checking that they count up from 0; how many, or -1 on error. */
static int64_t count_longs(TarnText bytes) {
    TarnAvroReader *reader = NULL;
    TarnAvroCursor *cursor = NULL;
    TarnArena own;
    int64_t count = 0;
    bool done = false;
    tarn_base_arena_init(&own, 512 * TARN_MIB);
    if (tarn_format_avro_reader_open(bytes, "t.avro", &own, &reader, &error)) {
        while ((done = tarn_format_avro_reader_object(reader, &own, &cursor, &error)) &&
               cursor != NULL) {
            int64_t value = -1;
            if (!tarn_format_avro_cursor_long(cursor, &value, &error)) {
                done = false;
                break;
            }
            CHECK_INT(value, count);
            count++;
        }
    }
    tarn_format_avro_reader_close(reader);
    tarn_base_arena_dispose(&own);
    return done ? count : -1;
}

static void write_longs(TarnAvroCodec codec, int64_t count, size_t block_bytes, TarnBuffer *out) {
    TarnAvroWriter writer;
    TarnAvroPair pair = {TARN_TEXT("who"), TARN_TEXT("a test")};
    TarnAvroWriterOptions options = {.schema = TARN_TEXT(LONG_SCHEMA),
                                     .metadata = &pair,
                                     .metadata_count = 1,
                                     .codec = codec,
                                     .block_bytes = block_bytes};
    memcpy(options.sync_marker, avro_sync, sizeof(avro_sync));
    tarn_base_buffer_init(out, 64 * TARN_MIB);
    REQUIRE_OK(tarn_format_avro_writer_begin(&writer, &options, out, &error), &error);
    for (int64_t i = 0; i < count; i++) {
        tarn_format_avro_put_long(&writer.block, i);
        REQUIRE_OK(tarn_format_avro_writer_object_end(&writer, &error), &error);
    }
    REQUIRE_OK(tarn_format_avro_writer_finish(&writer, &error), &error);
    CHECK_INT(writer.total, count);
    tarn_format_avro_writer_dispose(&writer);
    tarn_format_avro_writer_dispose(&writer);
}

static void all_codecs_round_trip(void) {
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        TarnBuffer file;
        write_longs(codecs[i], 100000, 0, &file);
        CHECK_INT(count_longs(tarn_base_buffer_view(&file)), 100000);
        tarn_base_buffer_dispose(&file);
        write_longs(codecs[i], 0, 0, &file);
        CHECK_INT(count_longs(tarn_base_buffer_view(&file)), 0);
        tarn_base_buffer_dispose(&file);
        write_longs(codecs[i], 100, 1, &file);
        CHECK_INT(count_longs(tarn_base_buffer_view(&file)), 100);
        tarn_base_buffer_dispose(&file);
    }
}

static void blocks_hold_about_the_bytes_asked_for(void) {
    TarnBuffer file;
    TarnAvroReader *reader = NULL;
    TarnAvroBlock block;
    bool more = true;
    size_t blocks = 0;
    write_longs(TARN_AVRO_CODEC_DEFLATE, 100000, 0, &file);
    REQUIRE_OK(
        tarn_format_avro_reader_open(tarn_base_buffer_view(&file), "t", &arena, &reader, &error),
        &error);
    while (tarn_format_avro_reader_block(reader, &arena, &block, &more, &error) && more) {
        size_t raw = (size_t)(block.cursor.end - block.cursor.begin);
        blocks++;
        CHECK(raw >= 64 * TARN_KIB || block.next_offset == file.size);
        CHECK(raw < 64 * TARN_KIB + 16);
    }
    CHECK(!more);
    CHECK(blocks >= 4 && blocks <= 5);
    tarn_format_avro_reader_close(reader);
    tarn_base_buffer_dispose(&file);
}

static void header_is_kept_in_order(void) {
    TarnAvroWriter writer;
    TarnBuffer file;
    TarnAvroReader *reader = NULL;
    size_t count = 0;
    TarnText value;
    const TarnAvroPair pairs[] = {{TARN_TEXT("z"), TARN_TEXT("1")},
                                  {TARN_TEXT("a"), {"b\0in", 4}},
                                  {TARN_TEXT(""), TARN_TEXT("")}};
    TarnAvroWriterOptions options = {.schema = TARN_TEXT(LONG_SCHEMA),
                                     .metadata = pairs,
                                     .metadata_count = 3,
                                     .codec = TARN_AVRO_CODEC_ZSTANDARD};
    tarn_base_buffer_init(&file, TARN_MIB);
    REQUIRE_OK(tarn_format_avro_writer_begin(&writer, &options, &file, &error), &error);
    REQUIRE_OK(tarn_format_avro_writer_finish(&writer, &error), &error);
    tarn_format_avro_writer_dispose(&writer);
    REQUIRE_OK(
        tarn_format_avro_reader_open(tarn_base_buffer_view(&file), "t", &arena, &reader, &error),
        &error);
    const TarnAvroPair *read = tarn_format_avro_reader_pairs(reader, &count);
    REQUIRE(count == 5);
    CHECK(tarn_base_text_is(read[0].key, "avro.schema"));
    CHECK(tarn_base_text_is(read[1].value, "zstandard"));
    for (size_t i = 0; i < 3; i++) {
        CHECK(tarn_base_text_equal(read[i + 2].key, pairs[i].key));
        CHECK(tarn_base_text_equal(read[i + 2].value, pairs[i].value));
    }
    CHECK(tarn_format_avro_reader_metadata(reader, "a", &value) && value.size == 4);
    CHECK(!tarn_format_avro_reader_metadata(reader, "b", &value));
    CHECK_INT(tarn_format_avro_reader_codec(reader), TARN_AVRO_CODEC_ZSTANDARD);
    CHECK_INT(tarn_format_avro_reader_schema(reader)->kind, TARN_AVRO_LONG);
    tarn_format_avro_reader_close(reader);
    const TarnAvroPair wrong = {TARN_TEXT("avro.codec"), TARN_TEXT("null")};
    options.metadata = &wrong;
    options.metadata_count = 1;
    CHECK_REFUSED(tarn_format_avro_writer_begin(&writer, &options, &file, &error), TARN_E_INTERNAL,
                  "avro.codec");
    tarn_format_avro_writer_dispose(&writer);
    tarn_base_buffer_dispose(&file);
}

static void objects_can_be_cancelled(void) {
    TarnAvroWriter writer;
    TarnBuffer file;
    TarnAvroWriterOptions options = {.schema = TARN_TEXT(LONG_SCHEMA)};
    tarn_base_buffer_init(&file, TARN_MIB);
    REQUIRE_OK(tarn_format_avro_writer_begin(&writer, &options, &file, &error), &error);
    for (int64_t i = 0; i < 10; i++) {
        tarn_format_avro_put_long(&writer.block, i);
        REQUIRE_OK(tarn_format_avro_writer_object_end(&writer, &error), &error);
        tarn_format_avro_put_long(&writer.block, 77777);
        tarn_format_avro_writer_object_cancel(&writer);
    }
    REQUIRE_OK(tarn_format_avro_writer_finish(&writer, &error), &error);
    tarn_format_avro_writer_dispose(&writer);
    CHECK_INT(count_longs(tarn_base_buffer_view(&file)), 10);
    tarn_base_buffer_dispose(&file);
}

static void a_full_output_is_told(void) {
    TarnAvroWriter writer;
    TarnBuffer file;
    TarnAvroWriterOptions options = {.schema = TARN_TEXT(LONG_SCHEMA), .block_bytes = 16};
    size_t header = 0;
    for (size_t limit = 0; limit < 300; limit++) {
        tarn_base_buffer_init(&file, limit);
        bool done = tarn_format_avro_writer_begin(&writer, &options, &file, &error);
        if (done && header == 0) header = limit;
        for (int64_t i = 0; i < 50 && done; i++) {
            tarn_format_avro_put_long(&writer.block, i);
            done = tarn_format_avro_writer_object_end(&writer, &error);
        }
        if (done) done = tarn_format_avro_writer_finish(&writer, &error);
        CHECK(done == !file.failed);
        if (!done) CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
        if (limit == 299) CHECK(done);
        tarn_format_avro_writer_dispose(&writer);
        tarn_base_buffer_dispose(&file);
    }
    CHECK(header > 16 && header < 100);
}

/* ---- Refusals ------------------------------------------------------------------------------ */

static bool open_text(TarnText bytes) {
    TarnAvroReader *reader = NULL;
    bool done = tarn_format_avro_reader_open(bytes, "t.avro", &arena, &reader, &error);
    CHECK(done == (reader != NULL));
    tarn_format_avro_reader_close(reader);
    return done;
}

static void put_header(TarnBuffer *out, const char *const *pairs, size_t count) {
    tarn_base_buffer_text(out, TARN_TEXT("Obj\x01"));
    tarn_format_avro_put_items_begin(out, count);
    for (size_t i = 0; i < 2 * count; i++) {
        tarn_format_avro_put_bytes(out, tarn_base_text(pairs[i]));
    }
    tarn_format_avro_put_items_end(out);
    tarn_base_buffer_append(out, avro_sync, sizeof(avro_sync));
}

static void headers_that_are_refused(void) {
    static const struct {
        const char *pairs[4];
        size_t count;
        TarnErrorCode code;
        const char *message;
    } cases[] = {
        {{"avro.codec", "null"}, 1, TARN_E_FORMAT_CORRUPT, "no \"avro.schema\""},
        {{NULL}, 0, TARN_E_FORMAT_CORRUPT, "no \"avro.schema\""},
        {{"avro.schema", "{"}, 1, TARN_E_FORMAT_CORRUPT, "reading the header of \"t.avro\""},
        {{"avro.schema", "\"x\""}, 1, TARN_E_FORMAT_CORRUPT, "\"x\" is not declared"},
        {{"avro.schema", "\"int\"", "avro.schema", "\"int\""},
         2,
         TARN_E_FORMAT_CORRUPT,
         "\"avro.schema\" twice"},
        {{"avro.schema", "\"int\"", "avro.codec", "bzip2"},
         2,
         TARN_E_FORMAT_UNSUPPORTED,
         "codec is \"bzip2\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnBuffer file;
        tarn_base_buffer_init(&file, TARN_MIB);
        put_header(&file, cases[i].pairs, cases[i].count);
        CHECK_REFUSED(open_text(tarn_base_buffer_view(&file)), cases[i].code, cases[i].message);
        tarn_base_buffer_dispose(&file);
    }
    CHECK_REFUSED(open_text(TARN_TEXT("")), TARN_E_FORMAT_CORRUPT, "not an Avro file");
    CHECK(strstr(error.hint, "empty") != NULL);
    CHECK_REFUSED(open_text(TARN_TEXT("PAR1xxxxx")), TARN_E_FORMAT_CORRUPT, "not an Avro file");
    CHECK_REFUSED(open_text(TARN_TEXT("Obj\x02xxxxx")), TARN_E_FORMAT_UNSUPPORTED, "version 2");
    CHECK_REFUSED(open_text(TARN_TEXT("Obj\x01")), TARN_E_FORMAT_CORRUPT, "header");
    CHECK_REFUSED(open_text(TARN_TEXT("Obj\x01\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01")),
                  TARN_E_FORMAT_CORRUPT, "larger than the bytes left");
    CHECK_REFUSED(open_text(TARN_TEXT("Obj\x01\x02\x01")), TARN_E_FORMAT_CORRUPT, "items");
    CHECK_REFUSED(open_text(TARN_TEXT("Obj\x01\x02\x01\x00\x00\x00\x00")), TARN_E_FORMAT_CORRUPT,
                  "a size is negative");
    CHECK_REFUSED(open_text(TARN_TEXT("Obj\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")),
                  TARN_E_FORMAT_CORRUPT, "longer than 64 bits");
}

static void a_codec_that_is_empty_or_absent_is_null(void) {
    TarnBuffer file;
    const char *const pairs[] = {"avro.schema", "\"int\"", "avro.codec", ""};
    for (size_t count = 1; count <= 2; count++) {
        tarn_base_buffer_init(&file, TARN_MIB);
        put_header(&file, pairs, count);
        CHECK_INT(count_longs(tarn_base_buffer_view(&file)), 0);
        tarn_base_buffer_dispose(&file);
    }
}

static void metadata_in_runs_with_sizes(void) {
    TarnBuffer file;
    TarnBuffer run;
    tarn_base_buffer_init(&file, TARN_MIB);
    tarn_base_buffer_init(&run, TARN_MIB);
    tarn_format_avro_put_bytes(&run, TARN_TEXT("avro.schema"));
    tarn_format_avro_put_bytes(&run, TARN_TEXT(LONG_SCHEMA));
    tarn_base_buffer_text(&file, TARN_TEXT("Obj\x01"));
    tarn_format_avro_put_long(&file, -1);
    tarn_format_avro_put_bytes(&file, tarn_base_buffer_view(&run));
    tarn_format_avro_put_items_begin(&file, 1);
    tarn_format_avro_put_bytes(&file, TARN_TEXT("k"));
    tarn_format_avro_put_bytes(&file, TARN_TEXT("v"));
    tarn_format_avro_put_items_end(&file);
    tarn_base_buffer_append(&file, avro_sync, sizeof(avro_sync));
    CHECK_INT(count_longs(tarn_base_buffer_view(&file)), 0);
    /* a size that is not the run's */
    file.data[5]++;
    CHECK_INT(count_longs(tarn_base_buffer_view(&file)), -1);
    tarn_base_buffer_dispose(&file);
    tarn_base_buffer_dispose(&run);
}

/* One block behind a header: count, size as given, bytes, marker. */
static int64_t count_of_block(const char *codec, int64_t count, int64_t size, TarnText data,
                              TarnText marker) {
    TarnBuffer file;
    const char *const pairs[] = {"avro.schema", LONG_SCHEMA, "avro.codec", codec};
    tarn_base_buffer_init(&file, TARN_MIB);
    put_header(&file, pairs, 2);
    tarn_format_avro_put_long(&file, count);
    tarn_format_avro_put_long(&file, size);
    tarn_base_buffer_text(&file, data);
    tarn_base_buffer_text(&file, marker);
    error.message[0] = '\0';
    int64_t read = count_longs(tarn_base_buffer_view(&file));
    tarn_base_buffer_dispose(&file);
    return read;
}

/* A block whose count is a number without end. */
static int64_t open_block_of_ones(void) {
    TarnBuffer file;
    const char *const pairs[] = {"avro.schema", LONG_SCHEMA};
    tarn_base_buffer_init(&file, TARN_MIB);
    put_header(&file, pairs, 1);
    for (int i = 0; i < 40; i++) tarn_base_buffer_byte(&file, 0xff);
    int64_t read = count_longs(tarn_base_buffer_view(&file));
    tarn_base_buffer_dispose(&file);
    return read;
}

static void blocks_that_are_refused(void) {
    TarnText marker = {(const char *)avro_sync, sizeof(avro_sync)};
    TarnText two = {"\x00\x02", 2};
    const struct {
        const char *codec;
        int64_t count;
        int64_t size;
        TarnText data;
        TarnText marker;
        TarnErrorCode code;
        const char *message;
    } cases[] = {
        {"null", -1, 2, two, marker, TARN_E_FORMAT_CORRUPT, "has -1 objects in 2 bytes"},
        {"null", 1, -2, two, marker, TARN_E_FORMAT_CORRUPT, "has 1 objects in -2 bytes"},
        {"null", 1, 1, {"", 0}, {"", 0}, TARN_E_FORMAT_CORRUPT, "is cut"},
        {"null", 3, 2, two, marker, TARN_E_FORMAT_CORRUPT, "3 objects, more than its 2 bytes"},
        {"null", INT64_MAX, 2, two, marker, TARN_E_FORMAT_CORRUPT, "more than its 2 bytes"},
        {"null", 1, 2, two, marker, TARN_E_FORMAT_CORRUPT, "left over"},
        {"null", 0, 2, two, marker, TARN_E_FORMAT_CORRUPT, "left over"},
        {"null", 2, 3, two, marker, TARN_E_FORMAT_CORRUPT, "is cut"},
        {"null", 2, INT64_MAX, two, marker, TARN_E_LIMIT_EXCEEDED, "more than 64 MB"},
        {"null", 2, 70000000, two, marker, TARN_E_LIMIT_EXCEEDED, "more than 64 MB"},
        {"null", 2, 1, two, marker, TARN_E_FORMAT_CORRUPT, "no sync marker"},
        {"null", 2, 2, two, TARN_TEXT("0123456789abcd-"), TARN_E_FORMAT_CORRUPT, "is cut"},
        {"null", 2, 2, two, TARN_TEXT("0123456789abcd--"), TARN_E_FORMAT_CORRUPT, "no sync marker"},
        {"null", 2, 2, {"\x00\x80", 2}, marker, TARN_E_FORMAT_CORRUPT, "end within a value"},
        {"deflate", 2, 2, two, marker, TARN_E_FORMAT_CORRUPT, "deflate data is damaged"},
        {"deflate", 2, 0, {"", 0}, marker, TARN_E_FORMAT_CORRUPT, "deflate data is damaged"},
        /* a stored deflate block of two bytes, then five more */
        {"deflate",
         2,
         12,
         {"\x01\x02\x00\xfd\xff\x00\x02.....", 12},
         marker,
         TARN_E_FORMAT_CORRUPT,
         "deflate data is damaged"},
        {"snappy", 2, 2, two, marker, TARN_E_FORMAT_CORRUPT, "snappy data is damaged"},
        {"snappy", 2, 8, {"\x02\x04\x00\x02....", 8}, marker, TARN_E_FORMAT_CORRUPT, "CRC-32"},
        {"snappy",
         2,
         9,
         {"\xff\xff\xff\x7f!....", 9},
         marker,
         TARN_E_LIMIT_EXCEEDED,
         "larger than a block"},
        {"zstandard", 2, 2, two, marker, TARN_E_FORMAT_CORRUPT, "zstandard data is damaged"},
        {"zstandard", 0, 0, {"", 0}, marker, TARN_E_FORMAT_CORRUPT, "zstandard data is damaged"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_REFUSED(count_of_block(cases[i].codec, cases[i].count, cases[i].size, cases[i].data,
                                     cases[i].marker) >= 0,
                      cases[i].code, cases[i].message);
        CHECK(strstr(error.message, "t.avro") != NULL);
    }
    CHECK_REFUSED(open_block_of_ones() >= 0, TARN_E_FORMAT_CORRUPT, "begins with no valid number");
    CHECK_INT(count_of_block("null", 2, 2, two, marker), 2);
    CHECK_INT(count_of_block("null", 0, 0, (TarnText){"", 0}, marker), 0);
    /* what is left of a zlib checksum is tolerated */
    for (size_t rest = 0; rest <= 4; rest++) {
        TarnText stored = {"\x01\x02\x00\xfd\xff\x00\x02....", 7 + rest};
        CHECK_INT(count_of_block("deflate", 2, (int64_t)stored.size, stored, marker), 2);
    }
}

/* A block of one long string of zeroes compresses a thousandfold. */
static void a_bomb_is_refused(void) {
    for (size_t i = 1; i < CODEC_COUNT; i++) {
        TarnBuffer file;
        TarnBuffer raw;
        TarnBuffer stored;
        TarnAvroWriter writer;
        TarnAvroWriterOptions options = {.schema = TARN_TEXT(LONG_SCHEMA), .codec = codecs[i]};
        tarn_base_buffer_init(&file, 128 * TARN_MIB);
        REQUIRE_OK(tarn_format_avro_writer_begin(&writer, &options, &file, &error), &error);
        /* The writer's own limit is the reader's: write behind its back. */
        writer.block.limit = writer.stored.limit = 256 * TARN_MIB;
        tarn_base_buffer_init(&raw, 128 * TARN_MIB);
        tarn_base_buffer_init(&stored, 0);
        REQUIRE(tarn_base_buffer_reserve(&writer.block, 80 * TARN_MIB));
        memset(writer.block.data, 0, 80 * TARN_MIB);
        writer.block.size = 80 * TARN_MIB;
        REQUIRE_OK(tarn_format_avro_writer_object_end(&writer, &error), &error);
        tarn_format_avro_writer_dispose(&writer);
        CHECK(file.size < 10 * TARN_MIB);
        CHECK_REFUSED(count_longs(tarn_base_buffer_view(&file)) >= 0, TARN_E_LIMIT_EXCEEDED,
                      "larger than a block");
        tarn_base_buffer_dispose(&file);
        tarn_base_buffer_dispose(&raw);
    }
}

static void an_object_too_large_is_not_written(void) {
    TarnAvroWriter writer;
    TarnBuffer file;
    TarnAvroWriterOptions options = {.schema = TARN_TEXT("\"bytes\"")};
    tarn_base_buffer_init(&file, TARN_MIB);
    REQUIRE_OK(tarn_format_avro_writer_begin(&writer, &options, &file, &error), &error);
    writer.block.limit = 100;
    tarn_format_avro_put_long(&writer.block, 200);
    for (int i = 0; i < 200; i++) tarn_base_buffer_byte(&writer.block, 0);
    CHECK_REFUSED(tarn_format_avro_writer_object_end(&writer, &error), TARN_E_LIMIT_EXCEEDED,
                  "block cannot hold");
    tarn_format_avro_writer_object_cancel(&writer);
    tarn_format_avro_put_bytes(&writer.block, TARN_TEXT("fits"));
    CHECK_OK(tarn_format_avro_writer_object_end(&writer, &error), &error);
    tarn_format_avro_writer_dispose(&writer);
    tarn_base_buffer_dispose(&file);
}

static void objects_of_no_bytes_are_limited(void) {
    TarnText marker = {(const char *)avro_sync, sizeof(avro_sync)};
    const char *const pairs[] = {"avro.schema", "\"null\""};
    for (int64_t excess = 0; excess <= 1; excess++) {
        TarnBuffer file;
        TarnAvroReader *reader = NULL;
        TarnAvroBlock block;
        bool more = false;
        tarn_base_buffer_init(&file, TARN_MIB);
        put_header(&file, pairs, 1);
        for (int i = 0; i < 2; i++) {
            tarn_format_avro_put_long(&file, TARN_LIMIT_AVRO_EMPTY_VALUES / 2 + excess);
            tarn_format_avro_put_long(&file, 0);
            tarn_base_buffer_text(&file, marker);
        }
        REQUIRE_OK(tarn_format_avro_reader_open(tarn_base_buffer_view(&file), "t", &arena, &reader,
                                                &error),
                   &error);
        CHECK_OK(tarn_format_avro_reader_block(reader, &arena, &block, &more, &error), &error);
        bool done = tarn_format_avro_reader_block(reader, &arena, &block, &more, &error);
        CHECK(done == (excess == 0));
        if (!done) CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
        tarn_format_avro_reader_close(reader);
        tarn_base_buffer_dispose(&file);
    }
}

static void a_cut_file_tells_what_is_good(void) {
    TarnBuffer file;
    write_longs(TARN_AVRO_CODEC_NULL, 100, 40, &file);
    TarnText cut = {file.data, file.size - 20};
    CHECK_REFUSED(count_longs(cut) >= 0, TARN_E_FORMAT_CORRUPT, "is cut: the file ends at byte");
    CHECK(strstr(error.detail, "objects before it are complete") != NULL);
    tarn_base_buffer_dispose(&file);
}

/* ---- Damage anywhere ----------------------------------------------------------------------- */

/* Reads everything there is into JSON; the caller only wants it to end without a fault. */
static bool read_anything(TarnText bytes, size_t arena_limit, size_t *objects) {
    TarnArena own;
    TarnAvroReader *reader = NULL;
    TarnAvroCursor *cursor = NULL;
    TarnBuffer json;
    bool done = false;
    *objects = 0;
    tarn_base_arena_init(&own, arena_limit);
    tarn_base_buffer_init(&json, 16 * TARN_MIB);
    if (tarn_format_avro_reader_open(bytes, "t.avro", &own, &reader, &error)) {
        const TarnAvroSchema *schema = tarn_format_avro_reader_schema(reader);
        while ((done = tarn_format_avro_reader_object(reader, &own, &cursor, &error)) &&
               cursor != NULL) {
            tarn_base_buffer_clear(&json);
            TarnAvroCursor twin = *cursor;
            done = tarn_format_avro_value_to_json(cursor, schema, NULL, &json, &error);
            if (!done) break;
            /* skipping must come to the same place as reading */
            CHECK_OK(tarn_format_avro_cursor_skip(&twin, schema, &error), &error);
            CHECK(twin.at == cursor->at);
            (*objects)++;
        }
    }
    if (!done) CHECK(error.message[0] != '\0' && error.code != TARN_E_INTERNAL);
    tarn_format_avro_reader_close(reader);
    tarn_base_buffer_dispose(&json);
    tarn_base_arena_dispose(&own);
    return done;
}

static const char *const golden_names[] = {"all_types.null.avro", "all_types.deflate.avro",
                                           "all_types.snappy.avro", "all_types.zstandard.avro",
                                           "manifest.deflate.avro"};
#define GOLDEN_COUNT (sizeof(golden_names) / sizeof(golden_names[0]))

/* Where damage begins: the header, the same in all files, is damaged in the first one only. */
static size_t damage_from(size_t index, TarnText file) {
    const char *sync = index > 0 ? memchr(file.data, 0xA0, file.size) : NULL;
    return sync != NULL ? (size_t)(sync - file.data) : 0;
}

static void cut_at_every_byte(void) {
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        TarnText file = avro_golden(golden_names[i], &arena);
        size_t all = 0;
        REQUIRE_OK(read_anything(file, 16 * TARN_MIB, &all), &error);
        size_t wholes = 0;
        for (size_t size = damage_from(i, file); size < file.size; size++) {
            /* an exact copy, so that a read beyond it is seen */
            size_t objects = 0;
            char *copy = malloc(size > 0 ? size : 1);
            REQUIRE(copy != NULL);
            memcpy(copy, file.data, size);
            error.message[0] = '\0';
            if (read_anything((TarnText){copy, size}, 16 * TARN_MIB, &objects)) wholes++;
            CHECK(objects < all);
            free(copy);
        }
        /* The file reads only where a block ends. */
        CHECK(wholes >= 1 && wholes < 12);
    }
}

static void every_bit_flipped(void) {
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        TarnText file = avro_golden(golden_names[i], &arena);
        char *copy = malloc(file.size);
        REQUIRE(copy != NULL);
        memcpy(copy, file.data, file.size);
        size_t refused = 0;
        size_t start = damage_from(i, file);
        for (size_t at = start; at < file.size; at++) {
            char flip = (char)(1 << (at + i) % 8);
            size_t objects = 0;
            copy[at] ^= flip;
            error.message[0] = '\0';
            if (!read_anything((TarnText){copy, file.size}, 16 * TARN_MIB, &objects)) refused++;
            copy[at] ^= flip;
        }
        CHECK(refused > (file.size - start) / 4);
        free(copy);
    }
}

static void every_arena_limit_fails_cleanly(void) {
    TarnText file = avro_golden("all_types.deflate.avro", &arena);
    bool done = false;
    size_t limit = 0;
    for (; !done && limit < TARN_MIB; limit += 64) {
        size_t objects = 0;
        error.message[0] = '\0';
        done = read_anything(file, limit, &objects);
        if (!done) REQUIRE(error.code == TARN_E_OUT_OF_MEMORY);
    }
    CHECK(done);
    CHECK(limit > 1024);
}

/* ---- Sources and seeking ------------------------------------------------------------------- */

typedef struct Disk {
    TarnText bytes;
    size_t reads;
    size_t fail_at; /* the read that fails, from 1; 0 = none */
} Disk;

static bool read_disk(void *state, uint64_t offset, void *out, size_t size, TarnError *failure) {
    Disk *disk = state;
    CHECK(offset <= disk->bytes.size && size <= disk->bytes.size - offset);
    if (++disk->reads == disk->fail_at) {
        return tarn_base_error_set(failure, TARN_E_IO, "the disk is gone");
    }
    memcpy(out, disk->bytes.data + offset, size);
    return true;
}

static int64_t count_from_disk(Disk *disk) {
    TarnAvroSource source = {disk, disk->bytes.size, read_disk};
    TarnAvroReader *reader = NULL;
    TarnAvroBlock block;
    TarnAvroCursor *cursor = NULL;
    TarnArena own;
    TarnArena scratch;
    int64_t count = 0;
    bool more = true;
    tarn_base_arena_init(&own, 16 * TARN_MIB);
    tarn_base_arena_init(&scratch, 16 * TARN_MIB);
    bool done = tarn_format_avro_reader_open_source(&source, "disk", &own, &reader, &error);
    while (done && more) {
        tarn_base_arena_reset(&scratch);
        done = tarn_format_avro_reader_block(reader, &scratch, &block, &more, &error);
        if (!done || !more) break;
        CHECK_INT(block.first, count);
        while ((done = tarn_format_avro_block_object(&block, &cursor, &error)) && cursor != NULL) {
            int64_t value = -1;
            CHECK_OK(tarn_format_avro_cursor_long(cursor, &value, &error), &error);
            CHECK_INT(value, count);
            count++;
        }
    }
    TarnText who;
    if (reader != NULL) {
        CHECK(tarn_format_avro_reader_metadata(reader, "who", &who) &&
              tarn_base_text_is(who, "a test"));
    }
    tarn_format_avro_reader_close(reader);
    tarn_base_arena_dispose(&own);
    tarn_base_arena_dispose(&scratch);
    return done ? count : -1;
}

static void a_file_is_read_in_pieces(void) {
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        TarnBuffer file;
        write_longs(codecs[i], 300000, i == 0 ? 4 * TARN_MIB : 5000, &file);
        Disk disk = {tarn_base_buffer_view(&file), 0, 0};
        CHECK_INT(count_from_disk(&disk), 300000);
        /* reading ahead: far fewer reads than blocks */
        CHECK(disk.reads < 20);
        for (size_t fail = 1; fail <= disk.reads; fail++) {
            Disk broken = {disk.bytes, 0, fail};
            CHECK_REFUSED(count_from_disk(&broken) >= 0, TARN_E_IO, "the disk is gone");
        }
        tarn_base_buffer_dispose(&file);
    }
}

static void a_header_longer_than_one_read(void) {
    TarnAvroWriter writer;
    TarnBuffer file;
    TarnBuffer value;
    tarn_base_buffer_init(&value, 4 * TARN_MIB);
    for (int i = 0; i < 200000; i++) tarn_base_buffer_string(&value, "0123456789");
    const TarnAvroPair pairs[] = {{TARN_TEXT("long"), tarn_base_buffer_view(&value)},
                                  {TARN_TEXT("who"), TARN_TEXT("a test")}};
    TarnAvroWriterOptions options = {
        .schema = TARN_TEXT(LONG_SCHEMA), .metadata = pairs, .metadata_count = 2};
    tarn_base_buffer_init(&file, 4 * TARN_MIB);
    REQUIRE_OK(tarn_format_avro_writer_begin(&writer, &options, &file, &error), &error);
    tarn_format_avro_put_long(&writer.block, 0);
    REQUIRE_OK(tarn_format_avro_writer_object_end(&writer, &error), &error);
    REQUIRE_OK(tarn_format_avro_writer_finish(&writer, &error), &error);
    tarn_format_avro_writer_dispose(&writer);
    Disk disk = {tarn_base_buffer_view(&file), 0, 0};
    CHECK_INT(count_from_disk(&disk), 1);
    disk.bytes.size = file.size / 2;
    CHECK_REFUSED(count_from_disk(&disk) >= 0, TARN_E_FORMAT_CORRUPT, "header");
    tarn_base_buffer_dispose(&file);
    tarn_base_buffer_dispose(&value);
}

/* A source without end of metadata: one value of nearly all of the file, which is zeroes. */
static bool read_zeroes(void *state, uint64_t offset, void *out, size_t size, TarnError *failure) {
    const TarnBuffer *start = state;
    (void)failure;
    memset(out, 0, size);
    if (offset < start->size) {
        size_t there = start->size - (size_t)offset;
        memcpy(out, start->data + offset, there < size ? there : size);
    }
    return true;
}

static void a_header_larger_than_the_limit(void) {
    TarnBuffer start;
    TarnAvroReader *reader = NULL;
    TarnArena own;
    tarn_base_arena_init(&own, 16 * TARN_MIB);
    tarn_base_buffer_init(&start, TARN_KIB);
    tarn_base_buffer_text(&start, TARN_TEXT("Obj\x01"));
    tarn_format_avro_put_items_begin(&start, 1);
    tarn_format_avro_put_bytes(&start, TARN_TEXT("key"));
    tarn_format_avro_put_long(&start, (int64_t)TARN_LIMIT_AVRO_HEADER_BYTES);
    TarnAvroSource source = {&start, 2 * TARN_LIMIT_AVRO_HEADER_BYTES, read_zeroes};
    CHECK_REFUSED(tarn_format_avro_reader_open_source(&source, "zeroes", &own, &reader, &error),
                  TARN_E_LIMIT_EXCEEDED, "header is larger than 64 MB");
    CHECK(reader == NULL);
    tarn_base_buffer_dispose(&start);
    tarn_base_arena_dispose(&own);
}

static void reading_resumes_at_any_block(void) {
    TarnBuffer file;
    TarnAvroReader *reader = NULL;
    TarnAvroReader *second = NULL;
    TarnAvroBlock block;
    bool more = true;
    write_longs(TARN_AVRO_CODEC_DEFLATE, 1000, 100, &file);
    TarnText bytes = tarn_base_buffer_view(&file);
    Disk disk = {bytes, 0, 0};
    TarnAvroSource source = {&disk, bytes.size, read_disk};
    REQUIRE_OK(tarn_format_avro_reader_open(bytes, "t", &arena, &reader, &error), &error);
    REQUIRE_OK(tarn_format_avro_reader_open_source(&source, "t", &arena, &second, &error), &error);
    while (tarn_format_avro_reader_block(reader, &arena, &block, &more, &error) && more) {
        TarnAvroCursor *cursor = NULL;
        int64_t value = -1;
        REQUIRE_OK(tarn_format_avro_reader_seek(second, block.offset, block.first, &error), &error);
        REQUIRE_OK(tarn_format_avro_reader_object(second, &arena, &cursor, &error), &error);
        REQUIRE(cursor != NULL);
        CHECK_OK(tarn_format_avro_cursor_long(cursor, &value, &error), &error);
        CHECK_INT(value, block.first);
        CHECK_INT(cursor->object, block.first);
        CHECK_REFUSED(tarn_format_avro_reader_seek(second, block.offset + 1, 0, &error),
                      TARN_E_FORMAT_CORRUPT, "no block begins");
    }
    TarnAvroCursor *cursor = NULL;
    CHECK_OK(tarn_format_avro_reader_seek(second, bytes.size, 1000, &error), &error);
    CHECK_OK(tarn_format_avro_reader_object(second, &arena, &cursor, &error), &error);
    CHECK(cursor == NULL);
    CHECK(!tarn_format_avro_reader_seek(second, 0, 0, &error));
    CHECK(!tarn_format_avro_reader_seek(second, bytes.size + 1, 0, &error));
    CHECK(!tarn_format_avro_reader_seek(second, UINT64_MAX, 0, &error));
    tarn_format_avro_reader_close(reader);
    tarn_format_avro_reader_close(second);
    tarn_base_buffer_dispose(&file);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    tarn_base_arena_init(&arena, 256 * TARN_MIB);
    TAP_TEST(all_codecs_round_trip);
    TAP_TEST(blocks_hold_about_the_bytes_asked_for);
    TAP_TEST(header_is_kept_in_order);
    TAP_TEST(objects_can_be_cancelled);
    TAP_TEST(a_full_output_is_told);
    TAP_TEST(headers_that_are_refused);
    TAP_TEST(a_codec_that_is_empty_or_absent_is_null);
    TAP_TEST(metadata_in_runs_with_sizes);
    TAP_TEST(blocks_that_are_refused);
    TAP_TEST(a_bomb_is_refused);
    TAP_TEST(an_object_too_large_is_not_written);
    TAP_TEST(objects_of_no_bytes_are_limited);
    TAP_TEST(a_cut_file_tells_what_is_good);
    TAP_TEST(cut_at_every_byte);
    TAP_TEST(every_bit_flipped);
    TAP_TEST(every_arena_limit_fails_cleanly);
    TAP_TEST(a_file_is_read_in_pieces);
    TAP_TEST(a_header_longer_than_one_read);
    TAP_TEST(a_header_larger_than_the_limit);
    TAP_TEST(reading_resumes_at_any_block);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
