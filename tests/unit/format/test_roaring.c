/* Roaring bitmaps against a plain array of flags, bytes of another implementation, and bytes that
 * no implementation writes. Random parts print their seed. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "format/roaring.h"
#include "tap.h"

#include "roaring/golden.h"

static TarnError error;

/* ---- random numbers (xorshift), the same on every machine ---- */

static uint64_t random_state = 88172645463325252u;

static uint64_t random_next(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint64_t random_below(uint64_t limit) { return random_next() % limit; }

/* ---- a model: flags over a few windows of three containers each ---- */

#define WINDOWS 5
#define WINDOW (3 * 65536)

static const uint64_t bases[WINDOWS] = {0, 65536 * 9, 0xFFFFFFFFu - 65535 - 65536,
                                        (uint64_t)1 << 40, (uint64_t)INT64_MAX - WINDOW + 1};

typedef struct Model {
    bool has[WINDOWS][WINDOW];
} Model;

static uint64_t model_cardinality(const Model *model) {
    uint64_t count = 0;
    for (size_t w = 0; w < WINDOWS; w++) {
        for (size_t i = 0; i < WINDOW; i++) count += model->has[w][i];
    }
    return count;
}

static bool model_equal(const Model *model, const TarnRoaring *bitmap) {
    uint64_t value = 0;
    uint64_t count = 0;
    if (tarn_format_roaring_cardinality(bitmap) != model_cardinality(model)) return false;
    for (size_t w = 0; w < WINDOWS; w++) {
        for (size_t i = 0; i < WINDOW; i++) {
            if (!model->has[w][i]) continue;
            if (!tarn_format_roaring_next(bitmap, &value) || value != bases[w] + i) return false;
            value++;
            count++;
        }
    }
    return !tarn_format_roaring_next(bitmap, &value) &&
           count == tarn_format_roaring_cardinality(bitmap);
}

/* Singles, ascending stretches, ranges: each in several densities. */
static bool change(Model *model, TarnRoaring *bitmap) {
    size_t w = (size_t)random_below(WINDOWS);
    uint64_t start = random_below(WINDOW);
    uint64_t most = WINDOW - start;
    switch (random_below(4)) {
    case 0: {
        bool added = false;
        if (!tarn_format_roaring_add(bitmap, bases[w] + start, &added, &error)) return false;
        if (added == model->has[w][start]) return false;
        model->has[w][start] = true;
        return true;
    }
    case 1: {
        uint64_t step = 1 + random_below(1 + random_below(100));
        uint64_t count = random_below(6000);
        for (uint64_t i = 0; i < count && start + i * step < WINDOW; i++) {
            uint64_t value = start + i * step;
            if (!tarn_format_roaring_add(bitmap, bases[w] + value, NULL, &error)) return false;
            model->has[w][value] = true;
        }
        return true;
    }
    default: break;
    }
    uint64_t count = random_below(random_below(3) == 0 ? most + 1 : 40);
    if (count > most) count = most;
    if (!tarn_format_roaring_add_range(bitmap, bases[w] + start, count, &error)) return false;
    memset(model->has[w] + start, true, count);
    return true;
}

static bool same_bytes_again(const TarnRoaring *bitmap) {
    TarnBuffer first;
    TarnBuffer second;
    TarnRoaring *again = NULL;
    tarn_base_buffer_init(&first, 64 * TARN_MIB);
    tarn_base_buffer_init(&second, 64 * TARN_MIB);
    bool done = tarn_format_roaring_write(bitmap, &first, &error) &&
                tarn_format_roaring_read(tarn_base_buffer_view(&first), "test", 0, &again,
                                         &error) &&
                tarn_format_roaring_equal(bitmap, again) &&
                tarn_format_roaring_equal(again, bitmap) &&
                tarn_format_roaring_write(again, &second, &error) &&
                tarn_base_text_equal(tarn_base_buffer_view(&first), tarn_base_buffer_view(&second));
    tarn_format_roaring_free(again);
    tarn_base_buffer_dispose(&first);
    tarn_base_buffer_dispose(&second);
    return done;
}

static void random_changes_are_those_of_a_model(void) {
    Model *models = calloc(2, sizeof(*models));
    REQUIRE(models != NULL);
    printf("# seed %" PRIu64 "\n", random_state);
    for (int round = 0; round < 12; round++) {
        TarnRoaring *bitmaps[2] = {NULL, NULL};
        memset(models, 0, 2 * sizeof(*models));
        for (int b = 0; b < 2; b++) {
            REQUIRE_OK(tarn_format_roaring_new(0, &bitmaps[b], &error), &error);
            uint64_t changes = 1 + random_below(60);
            for (uint64_t i = 0; i < changes; i++) REQUIRE(change(&models[b], bitmaps[b]));
            REQUIRE(model_equal(&models[b], bitmaps[b]));
            REQUIRE(same_bytes_again(bitmaps[b]));
        }
        bool *mine = models[0].has[0];
        const bool *others = models[1].has[0];
        bool is_or = round % 2 == 0;
        if (is_or) {
            REQUIRE_OK(tarn_format_roaring_or(bitmaps[0], bitmaps[1], &error), &error);
        } else {
            REQUIRE_OK(tarn_format_roaring_andnot(bitmaps[0], bitmaps[1], &error), &error);
        }
        for (size_t i = 0; i < (size_t)WINDOWS * WINDOW; i++) {
            mine[i] = is_or ? mine[i] || others[i] : mine[i] && !others[i];
        }
        REQUIRE(model_equal(&models[0], bitmaps[0]));
        REQUIRE(model_equal(&models[1], bitmaps[1]));
        /* It goes on working after that. */
        for (int i = 0; i < 5; i++) REQUIRE(change(&models[0], bitmaps[0]));
        REQUIRE(model_equal(&models[0], bitmaps[0]));
        REQUIRE(same_bytes_again(bitmaps[0]));
        tarn_format_roaring_free(bitmaps[0]);
        tarn_format_roaring_free(bitmaps[1]);
    }
    free(models);
}

/* ---- contains_many ---- */

#define MANY 2048

static bool many_as_one_by_one(const TarnRoaring *bitmap, const int64_t *values, size_t count) {
    bool found[MANY + 1];
    memset(found, 2, sizeof(found)); /* every answer must be written, and nothing behind it */
    tarn_format_roaring_contains_many(bitmap, values, count, found);
    unsigned char bytes[MANY + 1];
    memcpy(bytes, found, sizeof(bytes));
    if (bytes[count] != 2) return false;
    for (size_t i = 0; i < count; i++) {
        bool wanted = values[i] >= 0 && tarn_format_roaring_contains(bitmap, (uint64_t)values[i]);
        if (bytes[i] != (wanted ? 1 : 0)) return false;
    }
    return true;
}

static void fill_values(int64_t *values, size_t count, uint64_t base, int shape) {
    uint64_t value = base + random_below(WINDOW);
    for (size_t i = 0; i < count; i++) {
        values[i] = (int64_t)value;
        switch (shape) {
        case 0: value++; break;                              /* a scan */
        case 1: value += 1 + (random_below(20) == 0); break; /* a filter */
        case 2: value += 1 + random_below(300); break;
        case 3: value = base + random_below(WINDOW); break; /* no order */
        case 4: value--; break;
        default: value = random_below(4) == 0 ? random_next() : value + 1; break;
        }
    }
}

static void many_answers_are_those_of_one(void) {
    Model *model = calloc(1, sizeof(*model));
    REQUIRE(model != NULL);
    int64_t values[MANY];
    printf("# seed %" PRIu64 "\n", random_state);
    for (int round = 0; round < 20; round++) {
        TarnRoaring *bitmap = NULL;
        memset(model, 0, sizeof(*model));
        REQUIRE_OK(tarn_format_roaring_new(0, &bitmap, &error), &error);
        for (int i = 0; i < round * 3; i++) REQUIRE(change(model, bitmap));
        for (int i = 0; i < 200; i++) {
            uint64_t base = bases[random_below(WINDOWS)];
            if (base > 65536) base -= random_below(65536);
            size_t count = i % 3 == 0 ? MANY : (size_t)random_below(MANY + 1);
            fill_values(values, count, base, i % 6);
            REQUIRE(many_as_one_by_one(bitmap, values, count));
        }
        tarn_format_roaring_free(bitmap);
    }
    free(model);
}

/* Negative values are no rows, even where a bitmap holds the number they would be unsigned. */
static void negative_values_are_not_found(void) {
    TarnRoaring *bitmap = NULL;
    int64_t values[20];
    bool found[20];
    REQUIRE_OK(tarn_format_roaring_new(0, &bitmap, &error), &error);
    uint64_t first = (uint64_t)INT64_MAX - 9;
    REQUIRE_OK(tarn_format_roaring_add_range(bitmap, first, 20, &error), &error);
    REQUIRE_OK(tarn_format_roaring_add_range(bitmap, 0, 10, &error), &error);
    REQUIRE_OK(tarn_format_roaring_add_range(bitmap, UINT64_MAX - 9, 10, &error), &error);
    CHECK_INT(tarn_format_roaring_cardinality(bitmap), 40);
    CHECK(tarn_format_roaring_contains(bitmap, UINT64_MAX));
    for (uint64_t i = 0; i < 20; i++) values[i] = (int64_t)(first + i);
    tarn_format_roaring_contains_many(bitmap, values, 20, found);
    for (size_t i = 0; i < 20; i++) CHECK_INT(found[i], i < 10);
    for (int64_t i = 0; i < 20; i++) values[i] = i - 10;
    tarn_format_roaring_contains_many(bitmap, values, 20, found);
    for (size_t i = 0; i < 20; i++) CHECK_INT(found[i], i >= 10);
    tarn_format_roaring_free(bitmap);
}

/* ---- edges ---- */

static void nothing_is_in_an_empty_bitmap(void) {
    TarnRoaring *bitmap = NULL;
    TarnRoaring *other = NULL;
    uint64_t value = 0;
    int64_t values[3] = {0, 1, -1};
    bool found[3] = {true, true, true};
    REQUIRE_OK(tarn_format_roaring_new(0, &bitmap, &error), &error);
    REQUIRE_OK(tarn_format_roaring_new(0, &other, &error), &error);
    CHECK(!tarn_format_roaring_contains(bitmap, 0));
    CHECK(!tarn_format_roaring_next(bitmap, &value));
    tarn_format_roaring_contains_many(bitmap, values, 3, found);
    CHECK(!found[0] && !found[1] && !found[2]);
    CHECK_OK(tarn_format_roaring_add_range(bitmap, UINT64_MAX, 0, &error), &error);
    CHECK_OK(tarn_format_roaring_or(bitmap, other, &error), &error);
    CHECK_OK(tarn_format_roaring_andnot(bitmap, other, &error), &error);
    CHECK_INT(tarn_format_roaring_cardinality(bitmap), 0);
    CHECK(tarn_format_roaring_equal(bitmap, other));
    CHECK(same_bytes_again(bitmap));
    tarn_format_roaring_free(bitmap);
    tarn_format_roaring_free(other);
    tarn_format_roaring_free(NULL);
}

static void a_bitmap_may_meet_itself(void) {
    TarnRoaring *bitmap = NULL;
    REQUIRE_OK(tarn_format_roaring_new(0, &bitmap, &error), &error);
    REQUIRE_OK(tarn_format_roaring_add_range(bitmap, 5, 200000, &error), &error);
    CHECK_OK(tarn_format_roaring_or(bitmap, bitmap, &error), &error);
    CHECK_INT(tarn_format_roaring_cardinality(bitmap), 200000);
    CHECK(tarn_format_roaring_equal(bitmap, bitmap));
    CHECK_OK(tarn_format_roaring_andnot(bitmap, bitmap, &error), &error);
    CHECK_INT(tarn_format_roaring_cardinality(bitmap), 0);
    CHECK_OK(tarn_format_roaring_add(bitmap, 7, NULL, &error), &error);
    CHECK_INT(tarn_format_roaring_cardinality(bitmap), 1);
    tarn_format_roaring_free(bitmap);
}

static void a_range_ends_at_the_last_value(void) {
    TarnRoaring *bitmap = NULL;
    REQUIRE_OK(tarn_format_roaring_new(0, &bitmap, &error), &error);
    CHECK_OK(tarn_format_roaring_add_range(bitmap, UINT64_MAX - 70000, 70001, &error), &error);
    CHECK_INT(tarn_format_roaring_cardinality(bitmap), 70001);
    CHECK(!tarn_format_roaring_add_range(bitmap, UINT64_MAX, 2, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    CHECK_INT(tarn_format_roaring_cardinality(bitmap), 70001);
    tarn_format_roaring_free(bitmap);
}

/* The same members in other containers: written as runs, read as runs, made one by one. */
static void equality_looks_at_members(void) {
    TarnRoaring *a = NULL;
    TarnRoaring *b = NULL;
    REQUIRE_OK(tarn_format_roaring_new(0, &a, &error), &error);
    REQUIRE_OK(tarn_format_roaring_new(0, &b, &error), &error);
    REQUIRE_OK(tarn_format_roaring_add_range(a, 100, 9000, &error), &error);
    for (uint64_t i = 9100; i-- > 100;) {
        REQUIRE_OK(tarn_format_roaring_add(b, i, NULL, &error), &error);
    }
    CHECK(tarn_format_roaring_equal(a, b) && tarn_format_roaring_equal(b, a));
    REQUIRE_OK(tarn_format_roaring_add(a, 20000, NULL, &error), &error);
    REQUIRE_OK(tarn_format_roaring_add(b, 20001, NULL, &error), &error);
    CHECK(!tarn_format_roaring_equal(a, b) && !tarn_format_roaring_equal(b, a));
    tarn_format_roaring_free(a);
    tarn_format_roaring_free(b);
}

/* ---- memory ---- */

static bool build_within(size_t memory, uint64_t *cardinality) {
    TarnRoaring *bitmap = NULL;
    TarnRoaring *other = NULL;
    bool done = tarn_format_roaring_new(memory, &bitmap, &error) &&
                tarn_format_roaring_new(memory, &other, &error);
    for (uint64_t i = 0; done && i < 3000; i++) {
        done = tarn_format_roaring_add(bitmap, i * 37, NULL, &error) &&
               tarn_format_roaring_add_range(other, i * 64, 1 + i % 40, &error);
    }
    done = done && tarn_format_roaring_or(bitmap, other, &error) &&
           tarn_format_roaring_add(bitmap, (uint64_t)1 << 50, NULL, &error) &&
           tarn_format_roaring_andnot(bitmap, other, &error);
    if (done) *cardinality = tarn_format_roaring_cardinality(bitmap);
    tarn_format_roaring_free(bitmap);
    tarn_format_roaring_free(other);
    return done;
}

static void memory_is_refused_or_enough(void) {
    uint64_t wanted = 0;
    uint64_t got = 0;
    size_t refused = 0;
    REQUIRE_OK(build_within(0, &wanted), &error);
    size_t memory = 1;
    while (!build_within(memory, &got)) {
        REQUIRE(error.code == TARN_E_LIMIT_EXCEEDED);
        refused++;
        memory += memory < 4096 ? 16 : 512;
    }
    CHECK_INT(got, wanted);
    CHECK(refused > 50);
    printf("# %zu limits refused, %zu bytes were enough\n", refused, memory);
}

/* A few bytes that say "very many rows": memory stays small, or is refused. */
static void a_range_of_all_rows_is_refused(void) {
    TarnRoaring *bitmap = NULL;
    REQUIRE_OK(tarn_format_roaring_new(TARN_MIB, &bitmap, &error), &error);
    CHECK(!tarn_format_roaring_add_range(bitmap, 0, (uint64_t)INT64_MAX, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    tarn_format_roaring_free(bitmap);
    REQUIRE_OK(tarn_format_roaring_new(TARN_MIB, &bitmap, &error), &error);
    CHECK_OK(tarn_format_roaring_add_range(bitmap, 0, 1000000000, &error), &error);
    CHECK_INT(tarn_format_roaring_cardinality(bitmap), 1000000000);
    CHECK(same_bytes_again(bitmap));
    tarn_format_roaring_free(bitmap);
}

static void a_small_buffer_is_refused(void) {
    TarnRoaring *bitmap = NULL;
    TarnBuffer out;
    REQUIRE_OK(tarn_format_roaring_new(0, &bitmap, &error), &error);
    REQUIRE_OK(tarn_format_roaring_add_range(bitmap, 3, 10, &error), &error);
    tarn_base_buffer_init(&out, 20);
    CHECK(!tarn_format_roaring_write(bitmap, &out, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    tarn_base_buffer_dispose(&out);
    tarn_format_roaring_free(bitmap);
}

/* ---- bytes ---- */

static size_t from_hex(const char *hex, unsigned char *bytes) {
    size_t size = 0;
    for (; hex[0] != '\0'; hex++) {
        unsigned value = 0;
        if (hex[0] == ' ') continue;
        if (sscanf(hex, "%2x", &value) != 1) return 0;
        bytes[size++] = (unsigned char)value;
        hex++;
    }
    return size;
}

static TarnRoaring *read_hex(const char *hex) {
    unsigned char bytes[512];
    TarnRoaring *bitmap = NULL;
    size_t size = from_hex(hex, bytes);
    TarnText text = {(const char *)bytes, size};
    tarn_base_error_clear(&error);
    if (!tarn_format_roaring_read(text, "t.puffin", 0, &bitmap, &error)) return NULL;
    return bitmap;
}

static void check_members(const char *hex, const uint64_t *members, size_t count) {
    TarnRoaring *bitmap = read_hex(hex);
    uint64_t value = 0;
    CHECK_OK(bitmap != NULL, &error);
    if (bitmap == NULL) return;
    CHECK_INT(tarn_format_roaring_cardinality(bitmap), count);
    for (size_t i = 0; i < count; i++, value++) {
        CHECK(tarn_format_roaring_next(bitmap, &value));
        CHECK_INT(value, members[i]);
    }
    tarn_format_roaring_free(bitmap);
}

/* Java keeps a bitmap for each key up to the greatest, and writes the empty ones too. */
static void empty_bitmaps_between_keys_are_read(void) {
    static const uint64_t members[] = {(uint64_t)2 << 32 | 5};
    check_members("0300000000000000"
                  "00000000 3a300000 00000000"
                  "01000000 3a300000 00000000"
                  "02000000 3a300000 01000000 0000 0000 10000000 0500",
                  members, 1);
}

static void runs_that_touch_are_one(void) {
    static const uint64_t members[] = {4, 5, 6, 7, 9};
    const char *hex = "0100000000000000 00000000 3b300000 01 0000 0400 0300"
                      "0400 0100 0600 0100 0900 0000";
    check_members(hex, members, 5);
    TarnRoaring *bitmap = read_hex(hex);
    REQUIRE(bitmap != NULL);
    CHECK(same_bytes_again(bitmap));
    tarn_format_roaring_free(bitmap);
}

/* More runs than a container in memory has, each of one value: as many bytes as a bitmap and
 * more. */
static void a_container_of_very_many_runs_is_read(void) {
    enum {
        RUNS = 5000
    };
    static const uint8_t head[] = {1,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0x3b,
                                   0x30,
                                   0,
                                   0,
                                   1,
                                   0,
                                   0,
                                   (RUNS - 1) & 255,
                                   (RUNS - 1) >> 8,
                                   RUNS & 255,
                                   RUNS >> 8};
    TarnBuffer bytes;
    TarnRoaring *bitmap = NULL;
    tarn_base_buffer_init(&bytes, TARN_MIB);
    tarn_base_buffer_append(&bytes, head, sizeof(head));
    for (unsigned i = 0; i < RUNS; i++) {
        const uint8_t run[] = {(uint8_t)(i * 2), (uint8_t)(i * 2 >> 8), 0, 0};
        tarn_base_buffer_append(&bytes, run, sizeof(run));
    }
    CHECK_OK(tarn_format_roaring_read(tarn_base_buffer_view(&bytes), "t", 0, &bitmap, &error),
             &error);
    if (bitmap != NULL) {
        CHECK_INT(tarn_format_roaring_cardinality(bitmap), RUNS);
        CHECK(tarn_format_roaring_contains(bitmap, 9998));
        CHECK(!tarn_format_roaring_contains(bitmap, 9999));
        CHECK(same_bytes_again(bitmap));
    }
    tarn_format_roaring_free(bitmap);
    tarn_base_buffer_dispose(&bytes);
}

static void check_refused(const char *hex, const char *why) {
    TarnRoaring *bitmap = read_hex(hex);
    CHECK(bitmap == NULL);
    CHECK_INT(error.code, TARN_E_FORMAT_CORRUPT);
    if (strstr(error.message, why) == NULL) CHECK_STRING(error.message, why);
    if (strstr(error.message, "t.puffin") == NULL) CHECK_STRING(error.message, "t.puffin");
    tarn_format_roaring_free(bitmap);
}

static void wrong_bytes_are_refused(void) {
    check_refused("", "a count of 8 bytes, 0 are left");
    check_refused("01000000000000", "a count of 8 bytes, 7 are left");
    check_refused("ffffffffffffffff", "bitmaps in 0 bytes");
    check_refused("0000000000000000 00", "1 bytes behind the last container");
    check_refused("0100000000000000 00000000 3a300000 00000000 00", "behind the last");
    check_refused("0100000000000000 00000000 39300000 00000000", "cookie");
    check_refused("0100000000000000 00000000 3a300100 00000000", "cookie");
    check_refused("0100000000000000 00000000 3a300000 01000100", "65537 containers");
    check_refused("0100000000000000 00000000 3a300000 ffffffff", "4294967295 containers");
    check_refused("0100000000000000 00000000 3a300000 00000100", "descriptors of 262144 bytes");
    check_refused("0100000000000000 00000000 3b30ffff 00000000", "the flags of runs of 8192 bytes");
    check_refused("0100000000000000 00000000 3a300000 01000000 0000 0000 1000", "offsets of 4");
}

static void wrong_containers_are_refused(void) {
    /* an array of two */
    check_refused("0100000000000000 00000000 3a300000 01000000 0000 0100 10000000 0500 0500",
                  "do not ascend");
    check_refused("0100000000000000 00000000 3a300000 01000000 0000 0100 10000000 0500 0400",
                  "do not ascend");
    check_refused("0100000000000000 00000000 3a300000 01000000 0000 0100 10000000 0500",
                  "an array of 4 bytes, 2 are left");
    check_refused("0100000000000000 00000000 3a300000 01000000 0000 0100 11000000 0500 0600",
                  "a container is at 17");
    /* a bitmap by its cardinality, an array by its bytes */
    check_refused("0100000000000000 00000000 3a300000 01000000 0000 0010 10000000 0500",
                  "a bitmap of 8192 bytes, 2 are left");
    /* keys */
    check_refused("0100000000000000 00000000 3a300000 02000000 0100 0000 0100 0000 18000000"
                  "1a000000 0500 0600",
                  "containers' keys do not ascend");
    check_refused("0200000000000000 01000000 3a300000 00000000 01000000 3a300000 00000000",
                  "the keys do not ascend");
    check_refused("0200000000000000 01000000 3a300000 00000000 00000000 3a300000 00000000",
                  "the keys do not ascend");
    /* runs */
    check_refused("0100000000000000 00000000 3b300000 01 0000 0000 0000",
                  "runs have 0 members, their header says 1");
    check_refused("0100000000000000 00000000 3b300000 01 0000 0000 0200 0400 0000",
                  "runs of 8 bytes, 4 are left");
    check_refused("0100000000000000 00000000 3b300000 01 0000 0200 0200 0400 0100 0500 0000",
                  "runs do not ascend");
    check_refused("0100000000000000 00000000 3b300000 01 0000 0000 0100 ffff 0100",
                  "a run ends behind its container");
    check_refused("0100000000000000 00000000 3b300000 01 0000 0200 0100 0400 0100",
                  "runs have 2 members, their header says 3");
}

static void a_bitmap_with_other_members_is_refused(void) {
    static unsigned char bytes[32 + 8192] = {1, 0, 0, 0, 0, 0, 0, 0, 0,    0,    0,  0, 0x3a, 0x30,
                                             0, 0, 1, 0, 0, 0, 0, 0, 0xff, 0xff, 16, 0, 0,    0};
    TarnText text = {(const char *)bytes, 28 + 8192};
    TarnRoaring *bitmap = NULL;
    memset(bytes + 28, 0xFF, 8192);
    CHECK_OK(tarn_format_roaring_read(text, "t", 0, &bitmap, &error), &error);
    tarn_format_roaring_free(bitmap);
    bytes[100] = 0x7F;
    CHECK(!tarn_format_roaring_read(text, "t", 0, &bitmap, &error));
    CHECK(bitmap == NULL && error.code == TARN_E_FORMAT_CORRUPT);
    CHECK(strstr(error.message, "65535 members, its header says 65536") != NULL);
}

/* ---- another implementation ---- */

static bool build_golden(const Golden *golden, TarnRoaring *bitmap) {
    for (size_t r = 0; r < sizeof(golden->ranges) / sizeof(golden->ranges[0]); r++) {
        const GoldenRange *range = &golden->ranges[r];
        if (range->step == 1) {
            if (!tarn_format_roaring_add_range(bitmap, range->first, range->count, &error)) {
                return false;
            }
            continue;
        }
        for (uint64_t i = range->count; i-- > 0;) {
            uint64_t value = range->first + i * range->step;
            if (!tarn_format_roaring_add(bitmap, value, NULL, &error)) return false;
        }
    }
    return tarn_format_roaring_cardinality(bitmap) == golden->cardinality;
}

/* The goldens are deletion vectors: what is inside of their frame of 8 and 4 bytes is compared;
 * those kept as a digest only are compared in test_deletion_vector.c. */
static void bytes_are_those_of_another_implementation(void) {
    for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
        unsigned char bytes[512];
        TarnRoaring *bitmap = NULL;
        TarnRoaring *read = NULL;
        TarnBuffer out;
        if (goldens[i].hex == NULL) continue;
        REQUIRE_OK(tarn_format_roaring_new(0, &bitmap, &error), &error);
        REQUIRE(build_golden(&goldens[i], bitmap));
        tarn_base_buffer_init(&out, TARN_MIB);
        REQUIRE_OK(tarn_format_roaring_write(bitmap, &out, &error), &error);
        size_t size = from_hex(goldens[i].hex, bytes);
        TarnText golden = {(const char *)bytes + 8, size - 12};
        if (!tarn_base_text_equal(golden, tarn_base_buffer_view(&out))) {
            CHECK_STRING("another form", goldens[i].name);
        }
        CHECK_OK(tarn_format_roaring_read(golden, goldens[i].name, 0, &read, &error), &error);
        CHECK(read != NULL && tarn_format_roaring_equal(read, bitmap));
        tarn_format_roaring_free(bitmap);
        tarn_format_roaring_free(read);
        tarn_base_buffer_dispose(&out);
    }
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(nothing_is_in_an_empty_bitmap);
    TAP_TEST(a_bitmap_may_meet_itself);
    TAP_TEST(a_range_ends_at_the_last_value);
    TAP_TEST(equality_looks_at_members);
    TAP_TEST(random_changes_are_those_of_a_model);
    TAP_TEST(many_answers_are_those_of_one);
    TAP_TEST(negative_values_are_not_found);
    TAP_TEST(memory_is_refused_or_enough);
    TAP_TEST(a_range_of_all_rows_is_refused);
    TAP_TEST(a_small_buffer_is_refused);
    TAP_TEST(empty_bitmaps_between_keys_are_read);
    TAP_TEST(runs_that_touch_are_one);
    TAP_TEST(a_container_of_very_many_runs_is_read);
    TAP_TEST(wrong_bytes_are_refused);
    TAP_TEST(wrong_containers_are_refused);
    TAP_TEST(a_bitmap_with_other_members_is_refused);
    TAP_TEST(bytes_are_those_of_another_implementation);
    return tap_end();
}
