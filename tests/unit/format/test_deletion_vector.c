/* Deletion vectors: the bytes of another implementation, both ways, and frames that are wrong. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "format/deletion_vector.h"
#include "tap.h"

#include "roaring/golden.h"

static TarnError error;

static size_t from_hex(const char *hex, unsigned char *bytes) {
    size_t size = strlen(hex) / 2;
    for (size_t i = 0; i < size; i++) {
        unsigned value = 0;
        if (sscanf(hex + 2 * i, "%2x", &value) != 1) return 0;
        bytes[i] = (unsigned char)value;
    }
    return size;
}

static TarnRoaring *build_golden(const Golden *golden) {
    TarnRoaring *positions = NULL;
    if (!tarn_format_roaring_new(0, &positions, &error)) return NULL;
    for (size_t r = 0; r < sizeof(golden->ranges) / sizeof(golden->ranges[0]); r++) {
        const GoldenRange *range = &golden->ranges[r];
        for (uint64_t i = 0; i < range->count; i++) {
            uint64_t value = range->first + i * range->step;
            if (!tarn_format_roaring_add(positions, value, NULL, &error)) {
                tarn_format_roaring_free(positions);
                return NULL;
            }
        }
    }
    return positions;
}

static void check_golden(const Golden *golden) {
    char digest[TARN_SHA256_HEX_BYTES];
    TarnRoaring *positions = build_golden(golden);
    TarnRoaring *read = NULL;
    TarnBuffer out;
    REQUIRE(positions != NULL);
    tarn_base_buffer_init(&out, 64 * TARN_MIB);
    CHECK_OK(tarn_format_deletion_vector_write(positions, &out, &error), &error);
    TarnSha256 *hash = tarn_base_sha256_new();
    tarn_base_sha256_update(hash, out.data, out.size);
    tarn_base_sha256_hex(hash, digest);
    tarn_base_sha256_free(hash);
    CHECK_INT(out.size, golden->size);
    if (strcmp(digest, golden->sha256) != 0) CHECK_STRING(golden->name, "the golden bytes");
    CHECK_OK(tarn_format_deletion_vector_read(tarn_base_buffer_view(&out),
                                              (int64_t)golden->cardinality, golden->name, 0, &read,
                                              &error),
             &error);
    CHECK(read != NULL && tarn_format_roaring_equal(read, positions));
    tarn_format_roaring_free(read);
    tarn_format_roaring_free(positions);
    tarn_base_buffer_dispose(&out);
}

static void bytes_are_those_of_another_implementation(void) {
    for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) check_golden(&goldens[i]);
}

static const Golden *golden_named(const char *name) {
    for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
        if (strcmp(goldens[i].name, name) == 0) return &goldens[i];
    }
    return &goldens[0];
}

static bool read_bytes(const unsigned char *bytes, size_t size, int64_t cardinality) {
    TarnRoaring *positions = NULL;
    TarnText blob = {(const char *)bytes, size};
    tarn_base_error_clear(&error);
    bool done = tarn_format_deletion_vector_read(blob, cardinality, "d.puffin", 0, &positions,
                                                 &error);
    if (!done && positions != NULL) tap_fail(__FILE__, __LINE__, "a refusal leaves something");
    tarn_format_roaring_free(positions);
    return done;
}

static void check_refused(const char *why) {
    CHECK_INT(error.code, TARN_E_FORMAT_CORRUPT);
    if (strstr(error.message, why) == NULL) CHECK_STRING(error.message, why);
    if (strstr(error.message, "\"d.puffin\"") == NULL) CHECK_STRING(error.message, "d.puffin");
}

static void cardinality_is_compared(void) {
    unsigned char bytes[512];
    size_t size = from_hex(golden_named("small_alternating")->hex, bytes);
    CHECK_OK(read_bytes(bytes, size, 5), &error);
    CHECK_OK(read_bytes(bytes, size, -1), &error);
    CHECK(!read_bytes(bytes, size, 4));
    check_refused("holds 5 row positions, its metadata says 4");
    CHECK(!read_bytes(bytes, size, 0));
    check_refused("says 0");
}

static void damage_is_found(void) {
    unsigned char bytes[512];
    size_t size = from_hex(golden_named("all_container_types")->hex, bytes);
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        CHECK(!read_bytes(bytes, size, -1));
        CHECK_INT(error.code, TARN_E_FORMAT_CORRUPT);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    for (size_t less = 0; less < size; less++) {
        CHECK(!read_bytes(bytes, less, -1));
        CHECK_INT(error.code, TARN_E_FORMAT_CORRUPT);
    }
    bytes[size] = 0;
    CHECK(!read_bytes(bytes, size + 1, -1));
    check_refused("says it holds");
    bytes[10] ^= 1;
    CHECK(!read_bytes(bytes, size, -1));
    check_refused("checksum");
    bytes[5] ^= 1;
    CHECK(!read_bytes(bytes, size, -1));
    check_refused("begin");
    CHECK(!read_bytes(bytes, 5, -1));
    check_refused("5 bytes are no deletion vector");
}

static void put_big_endian(uint32_t value, unsigned char *out) {
    for (int i = 0; i < 4; i++) out[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* A frame in order around a vector that is not: the last check is the bitmap's own. */
static void forged_vectors_are_refused(void) {
    unsigned char bytes[] = {0, 0, 0, 0, 0xD1, 0xD3, 0x39, 0x64, 1, 0, 0, 0, 0, 0,
                             0, 0, 0, 0, 0,    0x80, 0x3a, 0x30, 0, 0, 1, 0, 0, 0,
                             0, 0, 0, 0, 16,   0,    0,    0,    5, 0, 0, 0, 0, 0};
    const uint32_t length = sizeof(bytes) - 8;
    put_big_endian(length, bytes);
    put_big_endian(tarn_base_crc32(0, bytes + 4, length), bytes + sizeof(bytes) - 4);
    CHECK(!read_bytes(bytes, sizeof(bytes), 1));
    check_refused("9223372036854775813, which is not below 2^63");
    bytes[19] = 0x7F; /* the key below it */
    put_big_endian(tarn_base_crc32(0, bytes + 4, length), bytes + sizeof(bytes) - 4);
    CHECK_OK(read_bytes(bytes, sizeof(bytes), 1), &error);
    bytes[20] = 0;
    put_big_endian(tarn_base_crc32(0, bytes + 4, length), bytes + sizeof(bytes) - 4);
    CHECK(!read_bytes(bytes, sizeof(bytes), 1));
    check_refused("byte 16 of the bitmap");
}

static void positions_beyond_are_not_written(void) {
    TarnRoaring *positions = NULL;
    TarnBuffer out;
    tarn_base_buffer_init(&out, TARN_MIB);
    REQUIRE_OK(tarn_format_roaring_new(0, &positions, &error), &error);
    uint64_t most = (uint64_t)TARN_DELETION_VECTOR_POSITION_MAX;
    REQUIRE_OK(tarn_format_roaring_add(positions, most, NULL, &error), &error);
    CHECK_OK(tarn_format_deletion_vector_write(positions, &out, &error), &error);
    CHECK_OK(read_bytes((const unsigned char *)out.data, out.size, 1), &error);
    REQUIRE_OK(tarn_format_roaring_add(positions, most + 1, NULL, &error), &error);
    CHECK(!tarn_format_deletion_vector_write(positions, &out, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    tarn_format_roaring_free(positions);
    tarn_base_buffer_dispose(&out);
}

/* Blobs of several files lie in one buffer. */
static void a_blob_is_appended(void) {
    TarnRoaring *positions = build_golden(golden_named("small_alternating"));
    TarnBuffer out;
    REQUIRE(positions != NULL);
    tarn_base_buffer_init(&out, TARN_MIB);
    tarn_base_buffer_string(&out, "PFA1");
    CHECK_OK(tarn_format_deletion_vector_write(positions, &out, &error), &error);
    size_t end = out.size;
    CHECK_OK(tarn_format_deletion_vector_write(positions, &out, &error), &error);
    CHECK_INT(out.size - end, end - 4);
    CHECK(memcmp(out.data + 4, out.data + end, end - 4) == 0);
    CHECK_OK(read_bytes((const unsigned char *)out.data + end, out.size - end, 5), &error);
    tarn_base_buffer_dispose(&out);
    tarn_base_buffer_init(&out, 10);
    CHECK(!tarn_format_deletion_vector_write(positions, &out, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    tarn_base_buffer_dispose(&out);
    tarn_format_roaring_free(positions);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(bytes_are_those_of_another_implementation);
    TAP_TEST(cardinality_is_compared);
    TAP_TEST(damage_is_found);
    TAP_TEST(forged_vectors_are_refused);
    TAP_TEST(positions_beyond_are_not_written);
    TAP_TEST(a_blob_is_appended);
    return tap_end();
}
