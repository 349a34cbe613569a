/* Deletion vectors: the input is the roaring bitmap, which is also put into a frame in order, or
 * the whole blob. What is accepted counts as many members as it has, in order, answers alike
 * one by one and many at once, and comes back the same from its own bytes. */
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "format/deletion_vector.h"
#include "fuzz.h"

#define MEMORY (4 * TARN_MIB)
#define MEMBERS_WALKED 200000
#define MANY 300

static void check_answers(const TarnRoaring *bitmap, uint64_t value) {
    int64_t values[MANY];
    bool found[MANY];
    uint64_t start = value < MANY / 2 ? 0 : value - MANY / 2;
    for (size_t i = 0; i < MANY; i++) values[i] = (int64_t)(start + i);
    tarn_format_roaring_contains_many(bitmap, values, MANY, found);
    for (size_t i = 0; i < MANY; i++) {
        bool is_member = tarn_format_roaring_contains(bitmap, start + i);
        FUZZ_CHECK(found[i] == (values[i] >= 0 && is_member));
    }
}

static void check_members(const TarnRoaring *bitmap) {
    uint64_t cardinality = tarn_format_roaring_cardinality(bitmap);
    uint64_t value = 0;
    uint64_t count = 0;
    while (count < MEMBERS_WALKED && tarn_format_roaring_next(bitmap, &value)) {
        FUZZ_CHECK(tarn_format_roaring_contains(bitmap, value));
        if (count % 1000 < 2) check_answers(bitmap, value);
        count++;
        if (value++ == UINT64_MAX) break;
    }
    FUZZ_CHECK(count == (cardinality < MEMBERS_WALKED ? cardinality : MEMBERS_WALKED));
}

static void check_bitmap(TarnRoaring *bitmap) {
    TarnError error = {.code = TARN_OK};
    TarnRoaring *again = NULL;
    TarnBuffer out;
    check_members(bitmap);
    tarn_base_buffer_init(&out, 64 * TARN_MIB);
    FUZZ_CHECK(tarn_format_roaring_write(bitmap, &out, &error));
    FUZZ_CHECK(tarn_format_roaring_read(tarn_base_buffer_view(&out), "fuzz", 0, &again, &error));
    FUZZ_CHECK(tarn_format_roaring_equal(bitmap, again));
    /* Neither of these can need more than the two together. */
    FUZZ_CHECK(tarn_format_roaring_or(again, bitmap, &error));
    FUZZ_CHECK(tarn_format_roaring_equal(bitmap, again));
    FUZZ_CHECK(tarn_format_roaring_andnot(again, bitmap, &error));
    FUZZ_CHECK(tarn_format_roaring_cardinality(again) == 0);
    tarn_format_roaring_free(again);
    tarn_base_buffer_dispose(&out);
}

static void check_blob(TarnText blob, int64_t cardinality) {
    TarnError error = {.code = TARN_OK};
    TarnRoaring *positions = NULL;
    if (!tarn_format_deletion_vector_read(blob, cardinality, "fuzz", MEMORY, &positions, &error)) {
        FUZZ_CHECK(positions == NULL);
        fuzz_check_refusal(&error, false);
        return;
    }
    uint64_t beyond = (uint64_t)1 << 63;
    FUZZ_CHECK(!tarn_format_roaring_next(positions, &beyond));
    tarn_format_roaring_free(positions);
}

static void check_framed(TarnText vector, int64_t cardinality) {
    TarnBuffer blob;
    uint32_t length = (uint32_t)vector.size + 4;
    const uint8_t head[] = {(uint8_t)(length >> 24),
                            (uint8_t)(length >> 16),
                            (uint8_t)(length >> 8),
                            (uint8_t)length,
                            0xD1,
                            0xD3,
                            0x39,
                            0x64};
    tarn_base_buffer_init(&blob, vector.size + 64);
    tarn_base_buffer_append(&blob, head, sizeof(head));
    tarn_base_buffer_text(&blob, vector);
    uint32_t crc = tarn_base_crc32(0, blob.data + 4, length);
    for (int shift = 24; shift >= 0; shift -= 8) {
        tarn_base_buffer_byte(&blob, (uint8_t)(crc >> shift));
    }
    check_blob(tarn_base_buffer_view(&blob), cardinality);
    tarn_base_buffer_dispose(&blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    TarnError error = {.code = TARN_OK};
    TarnRoaring *bitmap = NULL;
    TarnText bytes = {(const char *)data, size};
    int64_t cardinality = -1;
    if (tarn_format_roaring_read(bytes, "fuzz", MEMORY, &bitmap, &error)) {
        check_bitmap(bitmap);
        cardinality = (int64_t)tarn_format_roaring_cardinality(bitmap);
        tarn_format_roaring_free(bitmap);
    } else {
        FUZZ_CHECK(bitmap == NULL);
        fuzz_check_refusal(&error, false);
    }
    check_framed(bytes, cardinality);
    check_blob(bytes, -1);
    return 0;
}
