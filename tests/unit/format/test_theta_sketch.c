/* Theta sketches: the bytes and estimates of Apache DataSketches, merging, and bytes that are
 * wrong. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "format/theta_sketch.h"
#include "tap.h"

#include "theta_sketch/golden.h"

static TarnError error;

static bool add_longs(TarnThetaSketch *sketch, int64_t first, int64_t count) {
    for (int64_t i = first; i < first + count; i++) {
        char bytes[8];
        for (int b = 0; b < 8; b++) bytes[b] = (char)((uint64_t)i >> 8 * b);
        if (!tarn_format_theta_sketch_update(sketch, (TarnText){bytes, 8}, &error)) return false;
    }
    return true;
}

static bool add_strings(TarnThetaSketch *sketch, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        char text[32];
        int size = snprintf(text, sizeof(text), "value-%" PRId64, i);
        if (!tarn_format_theta_sketch_update(sketch, (TarnText){text, (size_t)size}, &error)) {
            return false;
        }
    }
    return true;
}

static TarnThetaSketch *sketch_of_longs(int64_t first, int64_t count) {
    TarnThetaSketch *sketch = NULL;
    if (!tarn_format_theta_sketch_new(&sketch, &error)) return NULL;
    if (!add_longs(sketch, first, count)) tap_fail(__FILE__, __LINE__, error.message);
    return sketch;
}

static TarnText write_sketch(const TarnThetaSketch *sketch, TarnBuffer *out) {
    tarn_base_buffer_init(out, TARN_MIB);
    CHECK_OK(tarn_format_theta_sketch_write(sketch, out, &error), &error);
    return tarn_base_buffer_view(out);
}

static bool same_bytes(const TarnThetaSketch *a, const TarnThetaSketch *b) {
    TarnBuffer first;
    TarnBuffer second;
    bool same = tarn_base_text_equal(write_sketch(a, &first), write_sketch(b, &second));
    tarn_base_buffer_dispose(&first);
    tarn_base_buffer_dispose(&second);
    return same;
}

/* ---- another implementation ---- */

static void check_golden(size_t g) {
    TarnThetaSketch *sketch = NULL;
    TarnThetaSketch *read = NULL;
    TarnBuffer out;
    char digest[TARN_SHA256_HEX_BYTES];
    REQUIRE_OK(tarn_format_theta_sketch_new(&sketch, &error), &error);
    for (int twice = 0; twice < 2; twice++) {
        bool added = goldens[g].is_strings ? add_strings(sketch, goldens[g].count)
                                           : add_longs(sketch, 0, goldens[g].count);
        REQUIRE_OK(added, &error);
        if (goldens[g].count > 50000) break; /* equal values are shown by the smaller ones */
    }
    TarnText bytes = write_sketch(sketch, &out);
    TarnSha256 *hash = tarn_base_sha256_new();
    tarn_base_sha256_update(hash, bytes.data, bytes.size);
    tarn_base_sha256_hex(hash, digest);
    tarn_base_sha256_free(hash);
    CHECK_INT(bytes.size, goldens[g].size);
    CHECK_STRING(digest, goldens[g].sha256);
    CHECK(tarn_format_theta_sketch_estimate(sketch) == goldens[g].estimate);
    CHECK_INT(tarn_format_theta_sketch_ndv(sketch), (int64_t)goldens[g].estimate);
    CHECK_OK(tarn_format_theta_sketch_read(bytes, "t", &read, &error), &error);
    if (read != NULL) {
        CHECK(same_bytes(read, sketch));
        CHECK(tarn_format_theta_sketch_estimate(read) == goldens[g].estimate);
    }
    tarn_format_theta_sketch_free(read);
    tarn_format_theta_sketch_free(sketch);
    tarn_base_buffer_dispose(&out);
}

static void bytes_and_estimates_are_those_of_datasketches(void) {
    for (size_t g = 0; g < sizeof(goldens) / sizeof(goldens[0]); g++) check_golden(g);
}

/* ---- merging ---- */

/* Sketches that have dropped no hash are united exactly; others in any order to the same rate. */
static void merging_is_a_union(void) {
    TarnThetaSketch *a = sketch_of_longs(0, 3000);
    TarnThetaSketch *b = sketch_of_longs(2000, 3000);
    TarnThetaSketch *all = sketch_of_longs(0, 5000);
    REQUIRE(a != NULL && b != NULL && all != NULL);
    CHECK_OK(tarn_format_theta_sketch_merge(a, b, &error), &error);
    CHECK(same_bytes(a, all));
    CHECK_OK(tarn_format_theta_sketch_merge(a, a, &error), &error);
    CHECK(same_bytes(a, all));
    tarn_format_theta_sketch_free(a);
    tarn_format_theta_sketch_free(b);
    tarn_format_theta_sketch_free(all);
}

static void check_near(double got, double wanted, double ratio) {
    CHECK(got > wanted * (1 - ratio) && got < wanted * (1 + ratio));
    printf("# estimate %.1f of %.1f\n", got, wanted);
}

static void large_sketches_are_merged(void) {
    TarnThetaSketch *a = sketch_of_longs(0, 60000);
    TarnThetaSketch *b = sketch_of_longs(40000, 60000);
    TarnThetaSketch *small = sketch_of_longs(-100, 100);
    REQUIRE(a != NULL && b != NULL && small != NULL);
    CHECK_OK(tarn_format_theta_sketch_merge(a, b, &error), &error);
    check_near(tarn_format_theta_sketch_estimate(a), 100000, 0.04);
    check_near(tarn_format_theta_sketch_estimate(a), GOLDEN_UNION_ESTIMATE, 0.03);
    CHECK_OK(tarn_format_theta_sketch_merge(small, a, &error), &error);
    check_near(tarn_format_theta_sketch_estimate(small), 100100, 0.04);
    tarn_format_theta_sketch_free(a);
    tarn_format_theta_sketch_free(b);
    tarn_format_theta_sketch_free(small);
}

/* A hundred parts, each large, give what one sketch of all gives, within the error. */
static void many_parts_are_merged(void) {
    TarnThetaSketch *into = sketch_of_longs(0, 0);
    REQUIRE(into != NULL);
    for (int64_t part = 0; part < 100; part++) {
        TarnThetaSketch *sketch = sketch_of_longs(part * 5000, 10000);
        REQUIRE(sketch != NULL);
        REQUIRE_OK(tarn_format_theta_sketch_merge(into, sketch, &error), &error);
        tarn_format_theta_sketch_free(sketch);
    }
    check_near(tarn_format_theta_sketch_estimate(into), 505000, 0.05);
    tarn_format_theta_sketch_free(into);
}

static void a_value_of_no_bytes_is_left_out(void) {
    TarnThetaSketch *sketch = NULL;
    REQUIRE_OK(tarn_format_theta_sketch_new(&sketch, &error), &error);
    CHECK_OK(tarn_format_theta_sketch_update(sketch, TARN_TEXT(""), &error), &error);
    CHECK_INT(tarn_format_theta_sketch_ndv(sketch), 0);
    CHECK_OK(tarn_format_theta_sketch_update(sketch, (TarnText){"\0", 1}, &error), &error);
    CHECK_INT(tarn_format_theta_sketch_ndv(sketch), 1);
    tarn_format_theta_sketch_free(sketch);
    tarn_format_theta_sketch_free(NULL);
}

static void a_small_buffer_is_refused(void) {
    TarnThetaSketch *sketch = sketch_of_longs(0, 3);
    TarnBuffer out;
    REQUIRE(sketch != NULL);
    tarn_base_buffer_init(&out, 20);
    CHECK(!tarn_format_theta_sketch_write(sketch, &out, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    tarn_base_buffer_dispose(&out);
    tarn_format_theta_sketch_free(sketch);
}

/* ---- bytes ---- */

static TarnThetaSketch *read_hex(const char *hex) {
    static char bytes[512];
    TarnThetaSketch *sketch = NULL;
    size_t size = 0;
    for (; hex[0] != '\0'; hex++) {
        unsigned value = 0;
        if (hex[0] == ' ') continue;
        if (sscanf(hex, "%2x", &value) != 1) return NULL;
        bytes[size++] = (char)value;
        hex++;
    }
    tarn_base_error_clear(&error);
    if (!tarn_format_theta_sketch_read((TarnText){bytes, size}, "s.puffin", &sketch, &error)) {
        return NULL;
    }
    return sketch;
}

static void check_estimate(const char *hex, double estimate) {
    TarnThetaSketch *sketch = read_hex(hex);
    CHECK_OK(sketch != NULL, &error);
    if (sketch == NULL) return;
    CHECK(tarn_format_theta_sketch_estimate(sketch) == estimate);
    tarn_format_theta_sketch_free(sketch);
}

static void forms_of_other_writers_are_read(void) {
    check_estimate("01030300001e0000", 0); /* Java: no hash of the seed where there is no value */
    check_estimate("01030300003acc93 e56b61eec8804420", 1); /* Java: one value */
    check_estimate("01030300001ccc93", 0);
    check_estimate("02030300001acc93 020000000000803f 15f97dcbbd86a105 e56b61eec8804420", 2);
    check_estimate("02030300000acc93 0200000000000000 e56b61eec8804420 15f97dcbbd86a105", 2);
    check_estimate("02030300001acc93 0000000000000000", 0);
    check_estimate("03030300001acc93 0100000000000000 ffffffffffffff3f 15f97dcbbd86a105",
                   1 / ((double)0x3FFFFFFFFFFFFFFF / (double)INT64_MAX));
    check_estimate("03030300001acc93 0000000000000000 ffffffffffffff3f", 0);
}

static void check_refused(const char *hex, TarnErrorCode code, const char *why) {
    CHECK(read_hex(hex) == NULL);
    CHECK_INT(error.code, code);
    if (strstr(error.message, why) == NULL) CHECK_STRING(error.message, why);
    if (strstr(error.message, "\"s.puffin\"") == NULL) CHECK_STRING(error.message, "s.puffin");
}

static void wrong_bytes_are_refused(void) {
    const TarnErrorCode corrupt = TARN_E_FORMAT_CORRUPT;
    const TarnErrorCode unsupported = TARN_E_FORMAT_UNSUPPORTED;
    check_refused("", corrupt, "too short");
    check_refused("01030300001ecc", corrupt, "too short");
    check_refused("00030300001acc93", corrupt, "wrong length");
    check_refused("04030300001acc93", corrupt, "wrong length");
    check_refused("01040300001acc93", unsupported, "version 4");
    check_refused("01030200001acc93", unsupported, "family 2");
    check_refused("01030300001bcc93", unsupported, "flags 27");
    check_refused("010303000012cc93", unsupported, "flags 18");
    check_refused("01030300001acd93 e56b61eec8804420", unsupported, "seed, 37837");
    check_refused("01030300001acc93", corrupt, "other bytes than its count");
    check_refused("01030300001ecc93 e56b61eec8804420", corrupt, "other bytes than its count");
    check_refused("02030300001acc93", corrupt, "too short");
    check_refused("02030300001ecc93 0100000000000000 15f97dcbbd86a105", corrupt, "empty with");
    check_refused("02030300001acc93 ffffffff00000000 15f97dcbbd86a105", corrupt, "other bytes");
    check_refused("02030300001acc93 0100000000000000 15f97dcbbd86a1", corrupt, "other bytes");
    check_refused("02030300001acc93 0200000000000000 e56b61eec8804420 15f97dcbbd86a105", corrupt,
                  "do not ascend");
    check_refused("02030300000acc93 0200000000000000 15f97dcbbd86a105 15f97dcbbd86a105", corrupt,
                  "do not ascend");
    check_refused("02030300001acc93 0100000000000000 0000000000000000", corrupt, "do not ascend");
    check_refused("02030300001acc93 0100000000000000 ffffffffffffff7f", corrupt, "below theta");
    check_refused("03030300001acc93 0100000000000000 15f97dcbbd86a105 15f97dcbbd86a105", corrupt,
                  "below theta");
    check_refused("03030300001acc93 0000000000000000 0000000000000000", corrupt, "out of range");
    check_refused("03030300001acc93 0000000000000000 0000000000000080", corrupt, "out of range");
}

/* A sketch of 100,000 hashes, more than are kept: reduced, and still right. */
static void a_larger_sketch_is_reduced(void) {
    enum {
        HASHES = 100000
    };
    static const uint8_t preamble[] = {
        2, 3, 3, 0, 0, 0x1A, 0xCC, 0x93, HASHES & 255, HASHES >> 8 & 255, HASHES >> 16,
        0, 0, 0, 0, 0};
    TarnBuffer bytes;
    TarnThetaSketch *sketch = NULL;
    tarn_base_buffer_init(&bytes, TARN_MIB);
    tarn_base_buffer_append(&bytes, preamble, sizeof(preamble));
    for (uint64_t i = 1; i <= HASHES; i++) {
        uint64_t hash = i * ((uint64_t)INT64_MAX / (HASHES + 1));
        for (int b = 0; b < 8; b++) tarn_base_buffer_byte(&bytes, (uint8_t)(hash >> 8 * b));
    }
    REQUIRE_OK(tarn_format_theta_sketch_read(tarn_base_buffer_view(&bytes), "t", &sketch, &error),
               &error);
    check_near(tarn_format_theta_sketch_estimate(sketch), HASHES, 0.001);
    tarn_format_theta_sketch_free(sketch);
    tarn_base_buffer_dispose(&bytes);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(bytes_and_estimates_are_those_of_datasketches);
    TAP_TEST(merging_is_a_union);
    TAP_TEST(large_sketches_are_merged);
    TAP_TEST(many_parts_are_merged);
    TAP_TEST(a_value_of_no_bytes_is_left_out);
    TAP_TEST(a_small_buffer_is_refused);
    TAP_TEST(forms_of_other_writers_are_read);
    TAP_TEST(wrong_bytes_are_refused);
    TAP_TEST(a_larger_sketch_is_reduced);
    return tap_end();
}
