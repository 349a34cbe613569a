/* Puffin files: those of other implementations, both ways, and files that are wrong. */
#include <stdlib.h>

#include "base/limits.h"
#include "format/deletion_vector.h"
#include "format/puffin.h"
#include "tap.h"

#include "puffin/golden.h"

#define SECOND_BLOB                                                                                \
    "some blob \0 binary data \xF0\x9F\xA4\xAF that is not very very very very very very long, "   \
    "is it?"

static TarnArena arena;
static TarnError error;

static void begin(void) {
    tarn_base_arena_dispose(&arena);
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    tarn_base_error_clear(&error);
}

static TarnText golden(const char *name) {
    for (size_t g = 0; g < sizeof(goldens) / sizeof(goldens[0]); g++) {
        if (strcmp(goldens[g].name, name) != 0) continue;
        size_t size = strlen(goldens[g].hex) / 2;
        char *bytes = tarn_base_arena_alloc(&arena, size);
        for (size_t i = 0; i < size; i++) {
            unsigned value = 0;
            if (sscanf(goldens[g].hex + 2 * i, "%2x", &value) != 1) return TARN_TEXT("");
            bytes[i] = (char)value;
        }
        return (TarnText){bytes, size};
    }
    return TARN_TEXT("");
}

static TarnPuffinFooter *parse(TarnText file) {
    TarnPuffinFooter *footer = NULL;
    bool done = tarn_format_puffin_footer_parse(file, file.size, "t.puffin", &arena, &footer,
                                                &error);
    if (done != (footer != NULL)) tap_fail(__FILE__, __LINE__, "a result without its footer");
    return footer;
}

static TarnText decode(TarnText file, const TarnPuffinBlob *blob) {
    TarnText data = {NULL, 0};
    TarnText stored = {file.data + blob->offset, (size_t)blob->length};
    CHECK_OK(tarn_format_puffin_blob_decode(blob, stored, "t.puffin", &arena, &data, &error),
             &error);
    return data;
}

/* ---- files of others ---- */

static void check_sample(const char *name, TarnPuffinCodec codec) {
    begin();
    TarnText file = golden(name);
    TarnPuffinFooter *footer = parse(file);
    CHECK_OK(footer != NULL, &error);
    if (footer == NULL) return;
    CHECK_INT(footer->blob_count, 2);
    CHECK(tarn_base_text_is(
        tarn_format_puffin_property(footer->properties, footer->property_count, "created-by"),
        "Test 1234"));
    CHECK(tarn_format_puffin_property(footer->properties, footer->property_count, "x").data ==
          NULL);
    const char *const types[] = {"some-blob", "some-other-blob"};
    const TarnText contents[] = {TARN_TEXT("abcdefghi"), TARN_TEXT(SECOND_BLOB)};
    for (size_t i = 0; i < footer->blob_count && i < 2; i++) {
        const TarnPuffinBlob *blob = &footer->blobs[i];
        CHECK(tarn_base_text_is(blob->type, types[i]));
        CHECK_INT(blob->field_count, 1);
        CHECK_INT(blob->fields[0], i + 1);
        CHECK_INT(blob->snapshot_id, 2);
        CHECK_INT(blob->sequence_number, 1);
        CHECK_INT(blob->codec, codec);
        CHECK_INT(blob->property_count, 0);
        CHECK(tarn_base_text_equal(decode(file, blob), contents[i]));
    }
}

static void plain_files_are_read(void) { check_sample("plain", TARN_PUFFIN_NONE); }
static void zstd_blobs_are_read(void) { check_sample("zstd", TARN_PUFFIN_ZSTD); }
static void lz4_blobs_and_footers_are_read(void) { check_sample("lz4", TARN_PUFFIN_LZ4); }

static void a_file_without_blobs_is_read(void) {
    begin();
    TarnPuffinFooter *footer = parse(golden("empty"));
    REQUIRE_OK(footer != NULL, &error);
    CHECK_INT(footer->blob_count, 0);
    CHECK_INT(footer->property_count, 0);
}

/* ---- our own ---- */

static bool write_sample(TarnBuffer *out, TarnPuffinCodec codec) {
    static const int32_t fields[] = {1, 2};
    TarnPuffinWriter writer;
    TarnPuffinBlob first = {.type = TARN_TEXT("some-blob"),
                            .fields = fields,
                            .field_count = 1,
                            .snapshot_id = 2,
                            .sequence_number = 1,
                            .codec = codec};
    TarnPuffinBlob second = first;
    second.type = TARN_TEXT("some-other-blob");
    second.fields = fields + 1;
    return tarn_format_puffin_writer_begin(&writer, &arena, out, &error) &&
           tarn_format_puffin_writer_add(&writer, TARN_TEXT("abcdefghi"), &first, &error) &&
           tarn_format_puffin_writer_add(&writer, TARN_TEXT(SECOND_BLOB), &second, &error) &&
           first.offset == 4 && second.offset == 4 + first.length &&
           tarn_format_puffin_writer_finish(&writer, TARN_TEXT("Test 1234"), &error);
}

static void bytes_are_those_of_java(void) {
    TarnBuffer out;
    TarnPuffinWriter writer;
    begin();
    tarn_base_buffer_init(&out, TARN_MIB);
    CHECK_OK(write_sample(&out, TARN_PUFFIN_NONE), &error);
    CHECK(tarn_base_text_equal(tarn_base_buffer_view(&out), golden("plain")));
    tarn_base_buffer_clear(&out);
    CHECK_OK(tarn_format_puffin_writer_begin(&writer, &arena, &out, &error), &error);
    CHECK_OK(tarn_format_puffin_writer_finish(&writer, TARN_TEXT(""), &error), &error);
    CHECK(tarn_base_text_equal(tarn_base_buffer_view(&out), golden("empty")));
    tarn_base_buffer_dispose(&out);
}

static void zstd_blobs_are_written(void) {
    TarnBuffer out;
    begin();
    tarn_base_buffer_init(&out, TARN_MIB);
    REQUIRE_OK(write_sample(&out, TARN_PUFFIN_ZSTD), &error);
    TarnText file = tarn_base_buffer_view(&out);
    TarnPuffinFooter *footer = parse(file);
    REQUIRE_OK(footer != NULL, &error);
    CHECK_INT(footer->blobs[1].codec, TARN_PUFFIN_ZSTD);
    CHECK(tarn_base_text_is(footer->blobs[1].codec_name, "zstd"));
    CHECK(footer->blobs[1].length < sizeof(SECOND_BLOB));
    CHECK(tarn_base_text_equal(decode(file, &footer->blobs[0]), TARN_TEXT("abcdefghi")));
    CHECK(tarn_base_text_equal(decode(file, &footer->blobs[1]), TARN_TEXT(SECOND_BLOB)));
    tarn_base_buffer_dispose(&out);
    tarn_base_buffer_init(&out, TARN_MIB);
    CHECK(!write_sample(&out, TARN_PUFFIN_LZ4));
    CHECK_INT(error.code, TARN_E_FORMAT_UNSUPPORTED);
    tarn_base_buffer_dispose(&out);
}

#define VECTORS 300

/* One file of many deletion vectors, behind other bytes in the buffer; offset and length lead to
 * each without the footer, and the footer says the same. */
static void deletion_vectors_are_written(void) {
    TarnBuffer out;
    TarnPuffinWriter writer;
    uint64_t offsets[VECTORS];
    uint64_t lengths[VECTORS];
    char path[64];
    begin();
    tarn_base_buffer_init(&out, 16 * TARN_MIB);
    tarn_base_buffer_string(&out, "before");
    REQUIRE_OK(tarn_format_puffin_writer_begin(&writer, &arena, &out, &error), &error);
    for (uint64_t i = 0; i < VECTORS; i++) {
        TarnRoaring *positions = NULL;
        REQUIRE_OK(tarn_format_roaring_new(0, &positions, &error), &error);
        REQUIRE_OK(tarn_format_roaring_add_range(positions, i * 1000, i + 1, &error), &error);
        snprintf(path, sizeof(path), "file:/w/\"data\"/\xC3\xA4%03d.parquet", (int)i);
        REQUIRE_OK(tarn_format_puffin_writer_add_deletion_vector(
                       &writer, positions, tarn_base_text(path), &offsets[i], &lengths[i], &error),
                   &error);
        tarn_format_roaring_free(positions);
    }
    REQUIRE_OK(tarn_format_puffin_writer_finish(&writer, TARN_TEXT("tarn test"), &error), &error);
    TarnText file = {out.data + 6, out.size - 6};
    TarnPuffinFooter *footer = parse(file);
    REQUIRE_OK(footer != NULL, &error);
    CHECK_INT(footer->blob_count, VECTORS);
    for (size_t i = 0; i < VECTORS; i++) {
        const TarnPuffinBlob *blob = &footer->blobs[i];
        TarnRoaring *positions = NULL;
        TarnText bytes = {file.data + offsets[i], (size_t)lengths[i]};
        REQUIRE(blob->offset == offsets[i] && blob->length == lengths[i]);
        REQUIRE(blob->field_count == 1 && blob->fields[0] == 2147483645);
        REQUIRE(blob->snapshot_id == -1 && blob->sequence_number == -1);
        REQUIRE(blob->codec == TARN_PUFFIN_NONE && blob->codec_name.data == NULL);
        snprintf(path, sizeof(path), "file:/w/\"data\"/\xC3\xA4%03d.parquet", (int)i);
        CHECK(tarn_base_text_is(tarn_format_puffin_property(blob->properties, blob->property_count,
                                                            "referenced-data-file"),
                                path));
        int64_t cardinality = -1;
        CHECK(tarn_base_text_to_int64(
            tarn_format_puffin_property(blob->properties, blob->property_count, "cardinality"),
            &cardinality));
        CHECK_INT(cardinality, i + 1);
        REQUIRE_OK(tarn_format_deletion_vector_read(bytes, cardinality, "t", 0, &positions, &error),
                   &error);
        CHECK(tarn_format_roaring_contains(positions, i * 1000 + i));
        tarn_format_roaring_free(positions);
    }
    tarn_base_buffer_dispose(&out);
}

static void a_path_that_is_no_utf8_is_refused(void) {
    TarnBuffer out;
    TarnPuffinWriter writer;
    TarnRoaring *positions = NULL;
    uint64_t offset = 0;
    uint64_t length = 0;
    begin();
    tarn_base_buffer_init(&out, TARN_MIB);
    REQUIRE_OK(tarn_format_roaring_new(0, &positions, &error), &error);
    REQUIRE_OK(tarn_format_puffin_writer_begin(&writer, &arena, &out, &error), &error);
    CHECK(!tarn_format_puffin_writer_add_deletion_vector(&writer, positions, TARN_TEXT("a\xFF"),
                                                         &offset, &length, &error));
    CHECK_INT(error.code, TARN_E_LOCATION_INVALID);
    tarn_format_roaring_free(positions);
    tarn_base_buffer_dispose(&out);
}

static void a_small_buffer_or_arena_is_refused(void) {
    TarnBuffer out;
    for (size_t limit = 0; limit < golden("plain").size; limit += 7) {
        begin();
        tarn_base_buffer_init(&out, limit);
        CHECK(!write_sample(&out, TARN_PUFFIN_NONE));
        CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
        tarn_base_buffer_dispose(&out);
    }
    tarn_base_arena_dispose(&arena);
    tarn_base_arena_init(&arena, 16);
    tarn_base_buffer_init(&out, TARN_MIB);
    CHECK(!write_sample(&out, TARN_PUFFIN_NONE));
    CHECK_INT(error.code, TARN_E_OUT_OF_MEMORY);
    tarn_base_buffer_dispose(&out);
}

/* ---- ranges ---- */

typedef struct RangeLog {
    TarnText file;
    size_t reads;
    size_t bytes;
} RangeLog;

static bool read_range(void *context, uint64_t offset, size_t size, TarnArena *into,
                       TarnText *bytes, TarnError *unused) {
    RangeLog *log = context;
    (void)unused;
    if (offset > log->file.size || size > log->file.size - offset) abort();
    log->reads++;
    log->bytes += size;
    *bytes = (TarnText){tarn_base_arena_copy(into, log->file.data + offset, size), size};
    return true;
}

static void a_footer_takes_one_range_or_two(void) {
    TarnBuffer out;
    TarnPuffinWriter writer;
    TarnPuffinFooter *footer = NULL;
    TarnPuffinBlob blob = {.type = TARN_TEXT("x")};
    begin();
    RangeLog log = {.file = golden("plain")};
    CHECK_OK(tarn_format_puffin_footer_read(read_range, &log, log.file.size, "t", &arena, &footer,
                                            &error),
             &error);
    CHECK(footer != NULL && footer->blob_count == 2 && log.reads == 1);
    tarn_base_buffer_init(&out, 16 * TARN_MIB);
    REQUIRE_OK(tarn_format_puffin_writer_begin(&writer, &arena, &out, &error), &error);
    for (int i = 0; i < 2000; i++) {
        REQUIRE_OK(tarn_format_puffin_writer_add(&writer, TARN_TEXT("0123456789"), &blob, &error),
                   &error);
    }
    REQUIRE_OK(tarn_format_puffin_writer_finish(&writer, TARN_TEXT("t"), &error), &error);
    log = (RangeLog){.file = tarn_base_buffer_view(&out)};
    CHECK_OK(tarn_format_puffin_footer_read(read_range, &log, log.file.size, "t", &arena, &footer,
                                            &error),
             &error);
    CHECK(footer != NULL && footer->blob_count == 2000 && log.reads == 2);
    log = (RangeLog){.file = TARN_TEXT("")};
    CHECK(!tarn_format_puffin_footer_read(read_range, &log, 0, "t", &arena, &footer, &error));
    CHECK(footer == NULL && error.code == TARN_E_FORMAT_CORRUPT);
    tarn_base_buffer_dispose(&out);
}

/* ---- wrong files ---- */

/* A file of ten bytes of blobs and this footer. */
static TarnText file_with(const char *json, unsigned flags) {
    size_t size = strlen(json);
    char *bytes = tarn_base_arena_alloc(&arena, 14 + 4 + size + 12);
    memcpy(bytes, "PFA10123456789PFA1", 18);
    memcpy(bytes + 18, json, size);
    const unsigned char tail[8] = {(unsigned char)size,  (unsigned char)(size >> 8), 0, 0,
                                   (unsigned char)flags, (unsigned char)(flags >> 8)};
    memcpy(bytes + 18 + size, tail, 8);
    memcpy(bytes + 18 + size + 8, "PFA1", 4);
    return (TarnText){bytes, 18 + size + 12};
}

static void check_refused(TarnText file, TarnErrorCode code, const char *why) {
    CHECK(parse(file) == NULL);
    CHECK_INT(error.code, code);
    if (strstr(error.message, why) == NULL) CHECK_STRING(error.message, why);
    if (strstr(error.message, "\"t.puffin\"") == NULL) CHECK_STRING(error.message, "t.puffin");
}

static void check_json_refused(const char *json, const char *why) {
    begin();
    check_refused(file_with(json, 0), TARN_E_FORMAT_CORRUPT, why);
}

#define BLOB(fields, numbers) "{\"blobs\":[{\"type\":\"t\",\"fields\":" fields "," numbers "}]}"
#define IDS "\"snapshot-id\":1,\"sequence-number\":1,"

static void wrong_footers_are_refused(void) {
    check_json_refused("", "not JSON");
    check_json_refused("{", "not JSON");
    check_json_refused("[]", "no list of blobs");
    check_json_refused("{}", "no list of blobs");
    check_json_refused("{\"blobs\":{}}", "no list of blobs");
    check_json_refused("{\"blobs\":[1]}", "lacks a required field");
    check_json_refused("{\"blobs\":[],\"properties\":[]}", "no JSON object");
    check_json_refused("{\"blobs\":[],\"properties\":{\"a\":null}}", "no JSON string");
    check_json_refused(BLOB("[1]", "\"offset\":4,\"length\":1"), "lacks a required field");
    check_json_refused(BLOB("1", IDS "\"offset\":4,\"length\":1"), "lacks a required field");
    check_json_refused(BLOB("[\"1\"]", IDS "\"offset\":4,\"length\":1"), "lacks a required");
    check_json_refused(BLOB("[2147483648]", IDS "\"offset\":4,\"length\":1"), "lacks a required");
    check_json_refused(BLOB("[]", IDS "\"offset\":\"4\",\"length\":1"), "lacks a required");
    check_json_refused(BLOB("[]", IDS "\"offset\":3,\"length\":1"), "1 bytes at 3 is not between");
    check_json_refused(BLOB("[]", IDS "\"offset\":-4,\"length\":1"), "is not between");
    check_json_refused(BLOB("[]", IDS "\"offset\":4,\"length\":-1"), "is not between");
    check_json_refused(BLOB("[]", IDS "\"offset\":4,\"length\":11"), "is not between");
    check_json_refused(BLOB("[]", IDS "\"offset\":15,\"length\":0"), "is not between");
    check_json_refused(BLOB("[]", IDS "\"offset\":9223372036854775807,\"length\":"
                                      "9223372036854775807"),
                       "is not between");
    check_json_refused(BLOB("[]", IDS "\"offset\":4,\"length\":1,\"compression-codec\":1"),
                       "lacks a required field");
    begin();
    CHECK_OK(parse(file_with(BLOB("[]", IDS "\"offset\":14,\"length\":0"), 0)) != NULL, &error);
    CHECK_OK(parse(file_with(BLOB("[]", IDS "\"offset\":4,\"length\":10"), 0)) != NULL, &error);
}

static void unknown_codecs_hinder_one_blob_only(void) {
    begin();
    TarnText file = file_with(BLOB("[]",
                                   IDS "\"offset\":4,\"length\":10,\"compression-codec\":\"rot13\","
                                       "\"properties\":{\"cardinality\":12}"),
                              0);
    TarnPuffinFooter *footer = parse(file);
    TarnText data = {NULL, 0};
    REQUIRE_OK(footer != NULL, &error);
    CHECK(tarn_base_text_is(tarn_format_puffin_property(footer->blobs[0].properties,
                                                        footer->blobs[0].property_count,
                                                        "cardinality"),
                            "12"));
    TarnText stored = {file.data + 4, 10};
    CHECK(!tarn_format_puffin_blob_decode(&footer->blobs[0], stored, "t.puffin", &arena, &data,
                                          &error));
    CHECK_INT(error.code, TARN_E_FORMAT_UNSUPPORTED);
    CHECK(strstr(error.message, "rot13") != NULL);
}

static void wrong_ends_are_refused(void) {
    begin();
    TarnText file = golden("plain");
    check_refused(file_with("{\"blobs\":[]}", 2), TARN_E_FORMAT_UNSUPPORTED, "flags, 0x00000002");
    check_refused(file_with("{\"blobs\":[]}", 0x101), TARN_E_FORMAT_UNSUPPORTED, "0x00000101");
    check_refused(file_with("{\"blobs\":[]}", 1), TARN_E_FORMAT_CORRUPT, "no whole LZ4 frame");
    char *bytes = tarn_base_arena_copy(&arena, file.data, file.size);
    file.data = bytes;
    const size_t places[] = {0, file.size - 4, 96};
    const char *const why[] = {"does not begin with PFA1", "does not end with PFA1",
                               "footer does not begin"};
    for (size_t i = 0; i < 3; i++) {
        bytes[places[i]] = 'Q';
        check_refused(file, TARN_E_FORMAT_CORRUPT, why[i]);
        bytes[places[i]] = 'P';
    }
    CHECK_OK(parse(file) != NULL, &error);
    bytes[file.size - 9] = 0x7F; /* the size's highest byte */
    check_refused(file, TARN_E_FORMAT_CORRUPT, "larger than the file");
    bytes[file.size - 9] = 0;
    for (size_t cut = 1; cut < file.size; cut++) {
        CHECK(parse((TarnText){file.data + cut, file.size - cut}) == NULL);
        CHECK(parse((TarnText){file.data, file.size - cut}) == NULL);
        CHECK_INT(error.code, TARN_E_FORMAT_CORRUPT);
    }
}

/* Frames cut, doubled or changed, and one that holds more than is allowed. */
static void check_frames(const char *name) {
    begin();
    TarnText file = golden(name);
    TarnPuffinFooter *footer = parse(file);
    REQUIRE_OK(footer != NULL, &error);
    TarnPuffinBlob blob = footer->blobs[1];
    TarnText data = {NULL, 0};
    size_t length = (size_t)blob.length;
    char *twice = tarn_base_arena_alloc(&arena, 2 * length);
    memcpy(twice, file.data + blob.offset, length);
    memcpy(twice + length, twice, length);
    for (size_t size = 0; size <= 2 * length; size++) {
        if (size == length) continue;
        blob.length = size;
        CHECK(!tarn_format_puffin_blob_decode(&blob, (TarnText){twice, size}, "t.puffin", &arena,
                                              &data, &error));
        CHECK_INT(error.code, TARN_E_FORMAT_CORRUPT);
    }
    blob.length = 1;
    CHECK(!tarn_format_puffin_blob_decode(&blob, (TarnText){twice, 2}, "t", &arena, &data, &error));
    CHECK_INT(error.code, TARN_E_INTERNAL);
}

static void wrong_zstd_frames_are_refused(void) { check_frames("zstd"); }
static void wrong_lz4_frames_are_refused(void) { check_frames("lz4"); }

static void a_blob_that_inflates_too_far_is_refused(void) {
    TarnBuffer out;
    TarnPuffinWriter writer;
    TarnPuffinBlob blob = {.type = TARN_TEXT("zeros"), .codec = TARN_PUFFIN_ZSTD};
    TarnText data = {NULL, 0};
    size_t size = TARN_LIMIT_PUFFIN_BLOB_BYTES + 1;
    char *zeros = calloc(1, size);
    begin();
    REQUIRE(zeros != NULL);
    tarn_base_buffer_init(&out, 2 * size);
    REQUIRE_OK(tarn_format_puffin_writer_begin(&writer, &arena, &out, &error), &error);
    REQUIRE_OK(tarn_format_puffin_writer_add(&writer, (TarnText){zeros, size}, &blob, &error),
               &error);
    TarnText stored = {out.data + blob.offset, (size_t)blob.length};
    CHECK(!tarn_format_puffin_blob_decode(&blob, stored, "t.puffin", &arena, &data, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    free(zeros);
    tarn_base_buffer_dispose(&out);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(plain_files_are_read);
    TAP_TEST(zstd_blobs_are_read);
    TAP_TEST(lz4_blobs_and_footers_are_read);
    TAP_TEST(a_file_without_blobs_is_read);
    TAP_TEST(bytes_are_those_of_java);
    TAP_TEST(zstd_blobs_are_written);
    TAP_TEST(deletion_vectors_are_written);
    TAP_TEST(a_path_that_is_no_utf8_is_refused);
    TAP_TEST(a_small_buffer_or_arena_is_refused);
    TAP_TEST(a_footer_takes_one_range_or_two);
    TAP_TEST(wrong_footers_are_refused);
    TAP_TEST(unknown_codecs_hinder_one_blob_only);
    TAP_TEST(wrong_ends_are_refused);
    TAP_TEST(wrong_zstd_frames_are_refused);
    TAP_TEST(wrong_lz4_frames_are_refused);
    TAP_TEST(a_blob_that_inflates_too_far_is_refused);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
