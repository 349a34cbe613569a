/* Places on curves: keys that order as values do, and what is near stays near. */
#include "query/functions_private.h"
#include "support/tap.h"

static void keys_order_as_doubles_do(void) {
    static const double ascending[] = {-1e300, -2, -1, -1e-300, 0, 1e-300, 1, 2, 1e300};
    size_t count = sizeof(ascending) / sizeof(ascending[0]);
    for (size_t i = 1; i < count; i++) {
        CHECK(tarn_query__order_key_double(ascending[i - 1]) <
              tarn_query__order_key_double(ascending[i]));
    }
    CHECK(tarn_query__order_key_double(-0.0) == tarn_query__order_key_double(0.0));
    CHECK(tarn_query__order_key_double(1e308 * 10) < UINT64_MAX);
    CHECK(tarn_query__order_key_double(0.0 * (1e308 * 10)) == UINT64_MAX); /* NaN */
    CHECK(tarn_query__order_key_double(-1e308 * 10) > 0); /* null comes before */
}

static void keys_are_spread_in_order(void) {
    CHECK(tarn_query__order_spread(5, 5, 9) == 0);
    CHECK(tarn_query__order_spread(0, 5, 9) == 0); /* null */
    CHECK(tarn_query__order_spread(9, 5, 9) == UINT64_C(4) << 61);
    CHECK(tarn_query__order_spread(99, 5, 9) == UINT64_C(4) << 61);
    CHECK(tarn_query__order_spread(7, 7, 7) == 0);
    CHECK(tarn_query__order_spread(UINT64_MAX, 0, UINT64_MAX) == UINT64_MAX);
    for (uint64_t key = 100; key < 1000; key++) {
        CHECK(tarn_query__order_spread(key, 100, 1000) <
              tarn_query__order_spread(key + 1, 100, 1000));
    }
}

static void zorder_takes_bits_in_turn(void) {
    unsigned char place[24];
    const uint64_t keys[] = {UINT64_C(1) << 63, 0, UINT64_MAX};
    tarn_query__zorder(keys, 3, place);
    CHECK_INT(place[0], 0xA4); /* 101 001 00, then 1 001 001 0 */
    CHECK_INT(place[1], 0x92);
    const uint64_t last[] = {1, 0};
    tarn_query__zorder(last, 2, place);
    CHECK_INT(place[15], 2);
    CHECK_INT(place[14], 0);
}

typedef struct Place {
    unsigned char bytes[24];
    int at[3];
} Place;

static int compare(const void *a, const void *b) {
    return memcmp(((const Place *)a)->bytes, ((const Place *)b)->bytes, 24);
}

/* Steps along Hilbert's curve are of length one; each cell is met once. */
static void hilbert_keeps_neighbours(void) {
    enum { SIDE = 16 };
    static Place places[SIDE * SIDE * SIDE];
    for (size_t dimensions = 2; dimensions <= 3; dimensions++) {
        size_t count = 0;
        for (int i = 0; i < SIDE * SIDE * (dimensions == 3 ? SIDE : 1); i++) {
            Place *place = &places[count++];
            uint64_t keys[3];
            memset(place, 0, sizeof(*place));
            for (int d = 0, rest = i; d < 3; d++, rest /= SIDE) {
                place->at[d] = rest % SIDE;
                keys[d] = (uint64_t)(rest % SIDE) << 60;
            }
            tarn_query__hilbert(keys, dimensions, place->bytes);
        }
        qsort(places, count, sizeof(Place), compare);
        size_t far = 0;
        for (size_t i = 1; i < count; i++) {
            int distance = 0;
            for (int d = 0; d < 3; d++) distance += abs(places[i].at[d] - places[i - 1].at[d]);
            far += distance != 1;
        }
        CHECK_INT(far, 0);
    }
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(keys_order_as_doubles_do);
    TAP_TEST(keys_are_spread_in_order);
    TAP_TEST(zorder_takes_bits_in_turn);
    TAP_TEST(hilbert_keeps_neighbours);
    return tap_end();
}
