/* Codecs of format/ without memory: the n-th allocation fails, for every n, once or from then on.
 * Each run ends with TARN_E_OUT_OF_MEMORY or with the right answer, and frees what it had (the
 * address sanitizer tells). */
#include <stdlib.h>

#include "base/limits.h"
#include "fault_alloc.h"
#include "format/deletion_vector.h"
#include "format/puffin.h"
#include "format/theta_sketch.h"
#include "tap.h"

typedef bool (*Scenario)(TarnError *error);

/* ---- row positions in a file ---- */

static bool fill_positions(TarnRoaring *positions, TarnRoaring *others, TarnError *error) {
    for (uint64_t i = 0; i < 5000; i++) {
        if (!tarn_format_roaring_add(positions, i * 2, NULL, error)) return false;
    }
    for (uint64_t i = 0; i < 20; i++) {
        if (!tarn_format_roaring_add_range(others, i * 20000, 300 + i, error) ||
            !tarn_format_roaring_add(others, i * 20000 + 7000, NULL, error)) {
            return false;
        }
    }
    return tarn_format_roaring_or(positions, others, error) &&
           tarn_format_roaring_add(others, 1000000, NULL, error) &&
           tarn_format_roaring_andnot(others, positions, error);
}

static bool write_file(const TarnRoaring *positions, TarnArena *arena, TarnBuffer *out,
                       uint64_t *offset, uint64_t *length, TarnError *error) {
    TarnPuffinWriter writer;
    TarnPuffinBlob blob = {.type = TARN_TEXT("text"), .codec = TARN_PUFFIN_ZSTD};
    return tarn_format_puffin_writer_begin(&writer, arena, out, error) &&
           tarn_format_puffin_writer_add_deletion_vector(
               &writer, positions, TARN_TEXT("file:/a.parquet"), offset, length, error) &&
           tarn_format_puffin_writer_add(&writer, TARN_TEXT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                                         &blob, error) &&
           tarn_format_puffin_writer_finish(&writer, TARN_TEXT("test"), error);
}

static bool read_file(TarnText file, TarnArena *arena, TarnRoaring **positions, TarnError *error) {
    TarnPuffinFooter *footer = NULL;
    TarnText text = {NULL, 0};
    if (!tarn_format_puffin_footer_parse(file, file.size, "t", arena, &footer, error)) return false;
    const TarnPuffinBlob *blobs = footer->blobs;
    TarnText vector = {file.data + blobs[0].offset, (size_t)blobs[0].length};
    TarnText stored = {file.data + blobs[1].offset, (size_t)blobs[1].length};
    return tarn_format_puffin_blob_decode(&blobs[1], stored, "t", arena, &text, error) &&
           tarn_format_deletion_vector_read(vector, -1, "t", 0, positions, error);
}

static bool positions_in_a_file(TarnError *error) {
    TarnArena arena;
    TarnBuffer out;
    TarnRoaring *positions = NULL;
    TarnRoaring *others = NULL;
    TarnRoaring *read = NULL;
    uint64_t offset = 0;
    uint64_t length = 0;
    tarn_base_arena_init(&arena, 16 * TARN_MIB);
    tarn_base_buffer_init(&out, 16 * TARN_MIB);
    bool done = tarn_format_roaring_new(0, &positions, error) &&
                tarn_format_roaring_new(0, &others, error) &&
                fill_positions(positions, others, error) &&
                write_file(positions, &arena, &out, &offset, &length, error) &&
                read_file(tarn_base_buffer_view(&out), &arena, &read, error);
    if (done) CHECK(tarn_format_roaring_equal(positions, read));
    if (done) CHECK_INT(tarn_format_roaring_cardinality(others), 1);
    tarn_format_roaring_free(positions);
    tarn_format_roaring_free(others);
    tarn_format_roaring_free(read);
    tarn_base_buffer_dispose(&out);
    tarn_base_arena_dispose(&arena);
    return done;
}

/* ---- sketches ---- */

static bool fill_sketch(TarnThetaSketch *sketch, uint64_t first, uint64_t count, TarnError *error) {
    for (uint64_t i = first; i < first + count; i++) {
        TarnText value = {(const char *)&i, sizeof(i)};
        if (!tarn_format_theta_sketch_update(sketch, value, error)) return false;
    }
    return true;
}

static bool sketches(TarnError *error) {
    TarnBuffer out;
    TarnThetaSketch *a = NULL;
    TarnThetaSketch *b = NULL;
    TarnThetaSketch *read = NULL;
    tarn_base_buffer_init(&out, 16 * TARN_MIB);
    bool done = tarn_format_theta_sketch_new(&a, error) &&
                tarn_format_theta_sketch_new(&b, error) && fill_sketch(a, 0, 9000, error) &&
                fill_sketch(b, 5000, 9000, error) && tarn_format_theta_sketch_merge(a, b, error) &&
                tarn_format_theta_sketch_write(a, &out, error) &&
                tarn_format_theta_sketch_read(tarn_base_buffer_view(&out), "t", &read, error);
    if (done) {
        CHECK(tarn_format_theta_sketch_ndv(a) == tarn_format_theta_sketch_ndv(read));
        CHECK(tarn_format_theta_sketch_ndv(a) > 13500 && tarn_format_theta_sketch_ndv(a) < 14500);
    }
    tarn_format_theta_sketch_free(a);
    tarn_format_theta_sketch_free(b);
    tarn_format_theta_sketch_free(read);
    tarn_base_buffer_dispose(&out);
    return done;
}

/* ---- every n ---- */

static void fail_each(Scenario scenario, bool from_then_on) {
    long n = 1;
    for (;; n++) {
        TarnError error = {.code = TARN_OK};
        fault_alloc_arm(n, from_then_on);
        bool done = scenario(&error);
        bool fired = fault_alloc_fired();
        fault_alloc_disarm();
        if (!fired) {
            CHECK_OK(done, &error);
            break;
        }
        /* An arena that gets no large block takes a small one: then the answer is checked. */
        if (done && from_then_on) tap_fail(__FILE__, __LINE__, "it cannot have worked");
        if (!done) CHECK_INT(error.code, TARN_E_OUT_OF_MEMORY);
        if (tap_current_failures > 0) break;
    }
    printf("# %ld allocations\n", n - 1);
    CHECK(n > 10);
}

static void positions_without_memory(void) { fail_each(positions_in_a_file, false); }
static void positions_when_memory_has_ended(void) { fail_each(positions_in_a_file, true); }
static void sketches_without_memory(void) { fail_each(sketches, false); }
static void sketches_when_memory_has_ended(void) { fail_each(sketches, true); }

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(positions_without_memory);
    TAP_TEST(positions_when_memory_has_ended);
    TAP_TEST(sketches_without_memory);
    TAP_TEST(sketches_when_memory_has_ended);
    return tap_end();
}
