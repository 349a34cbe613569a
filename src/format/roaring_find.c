/* Searching a roaring bitmap, without changing it: any number of threads may.
 *
 * contains_many is on the way of every row of a scan whose file has deletes. Row numbers come as
 * stretches that ascend by one: the length of a stretch is found sixteen values at a time, then
 * the answer is a memset of false with the members written over it, container by container. So
 * what is paid for a row is comparing it with its neighbour; members cost as they occur. Bits of
 * a bitmap container become bytes eight at a time. Where a filter has left gaps, the stretch that
 * the values lie in is answered so, aside, and the values take their answers from it. Values far
 * from each other are looked up one by one from where the last one was found.
 */
#include <string.h>

#include "format/roaring_private.h"

#define BLOCK 16
/* Values looked at together. */
#define PIECE 2048
/* Fewer than this are looked up one by one. */
#define PIECE_LEAST 8
/* How far apart the values of a piece may be: in all, and for each of them. */
#define WINDOW 8192
#define GAP_MOST 64

bool tarn_format_roaring_contains(const TarnRoaring *bitmap, uint64_t value) {
    uint64_t prefix = value >> TARN_ROARING_PREFIX_SHIFT;
    size_t index = tarn_format__roaring_lower(bitmap, prefix);
    return index < bitmap->count && bitmap->prefixes[index] == prefix &&
           tarn_format__roaring_container_contains(&bitmap->containers[index], (uint16_t)value);
}

/* ---- stretches ---- */

/* How many of the values, from the first on, ascend by one. */
static size_t measure_stretch(const int64_t *values, size_t count) {
    uint64_t first = (uint64_t)values[0];
    uint64_t most = (uint64_t)INT64_MAX - first;
    size_t length = 1;
    if (count - 1 > most) count = (size_t)most + 1;
    if (count < 2 || (uint64_t)values[1] != first + 1) return 1;
    while (length + BLOCK <= count) {
        uint64_t differs = 0;
        for (size_t i = 0; i < BLOCK; i++) {
            differs |= (uint64_t)values[length + i] ^ (first + length + i);
        }
        if (differs != 0) break;
        length += BLOCK;
    }
    while (length < count && (uint64_t)values[length] == first + length) length++;
    return length;
}

/* Eight bits to eight bytes of 0 or 1, the lowest bit first. The multiplication copies the bits
 * into each byte, the mask leaves a different one in each, the addition carries it to the top. */
static void spread_bits(uint64_t bits, bool found[8]) {
    uint64_t bytes = bits * 0x0101010101010101u & 0x8040201008040201u;
    bytes = (bytes + 0x7F7F7F7F7F7F7F7Fu) >> 7 & 0x0101010101010101u;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    memcpy(found, &bytes, sizeof(bytes));
}

static void fill_from_bitmap(const uint64_t *words, uint32_t first, uint32_t last, bool *found) {
    uint32_t value = first;
    while (value <= last && (value & 7) != 0) {
        *found++ = (words[value >> 6] >> (value & 63) & 1) != 0;
        value++;
    }
    while (value + 7 <= last) {
        spread_bits(words[value >> 6] >> (value & 63) & 0xFF, found);
        found += 8;
        value += 8;
    }
    while (value <= last) {
        *found++ = (words[value >> 6] >> (value & 63) & 1) != 0;
        value++;
    }
}

static void fill_from_array(const TarnRoaringContainer *container, uint32_t first, uint32_t last,
                            bool *found) {
    const uint16_t *array = container->array;
    uint32_t count = container->cardinality;
    uint32_t i = tarn_format__roaring_array_lower(array, count, 0, (uint16_t)first);
    for (; i < count && array[i] <= last; i++) found[array[i] - first] = true;
}

static void fill_from_runs(const TarnRoaringContainer *container, uint32_t first, uint32_t last,
                           bool *found) {
    const TarnRoaringRun *runs = container->runs;
    uint32_t count = container->run_count;
    uint32_t i = tarn_format__roaring_runs_lower(runs, count, 0, (uint16_t)first);
    for (; i < count && runs[i].first <= last; i++) {
        uint32_t from = runs[i].first > first ? runs[i].first : first;
        uint32_t to = runs[i].last < last ? runs[i].last : last;
        memset(found + (from - first), true, (size_t)to - from + 1);
    }
}

/* found[i] for the values first, first + 1, ..: `index` is the first container that may matter;
 * the last one looked at is returned. */
static size_t fill_stretch(const TarnRoaring *bitmap, size_t index, uint64_t first, size_t length,
                           bool *found) {
    uint64_t last = first + (length - 1);
    memset(found, false, length);
    while (index < bitmap->count) {
        uint64_t base = bitmap->prefixes[index] << TARN_ROARING_PREFIX_SHIFT;
        if (base > last) break;
        const TarnRoaringContainer *container = &bitmap->containers[index];
        uint64_t from = base > first ? base : first;
        uint64_t top = base + (TARN_ROARING_VALUES - 1);
        uint32_t low = (uint32_t)(from - base);
        uint32_t high = (uint32_t)((top < last ? top : last) - base);
        bool *place = found + (from - first);
        switch (container->kind) {
        case TARN_ROARING_ARRAY: fill_from_array(container, low, high, place); break;
        case TARN_ROARING_RUNS: fill_from_runs(container, low, high, place); break;
        case TARN_ROARING_BITMAP: fill_from_bitmap(container->words, low, high, place); break;
        }
        if (top >= last) break;
        index++;
    }
    return index;
}

/* ---- one by one ---- */

typedef struct Place {
    size_t index;    /* of the first container whose prefix is not below `prefix` */
    uint64_t prefix; /* of the value looked up last */
    uint32_t entry;  /* in that container's array or runs: no smaller value is before it .. */
    uint16_t value;  /* .. as long as values are not below this one */
    bool is_set;
} Place;

static void move_place(const TarnRoaring *bitmap, uint64_t prefix, Place *place) {
    if (place->is_set && place->prefix == prefix) return;
    bool is_next = place->is_set && place->prefix < prefix && place->index < bitmap->count &&
                   bitmap->prefixes[place->index] >= prefix;
    if (!is_next) place->index = tarn_format__roaring_lower(bitmap, prefix);
    place->prefix = prefix;
    place->entry = 0;
    place->value = 0;
    place->is_set = true;
}

static bool contains_near(const TarnRoaring *bitmap, uint64_t value, Place *place) {
    uint64_t prefix = value >> TARN_ROARING_PREFIX_SHIFT;
    uint16_t low = (uint16_t)value;
    move_place(bitmap, prefix, place);
    if (place->index == bitmap->count || bitmap->prefixes[place->index] != prefix) return false;
    const TarnRoaringContainer *container = &bitmap->containers[place->index];
    if (container->kind == TARN_ROARING_BITMAP) {
        return (container->words[low >> 6] >> (low & 63) & 1) != 0;
    }
    uint32_t from = low >= place->value ? place->entry : 0;
    place->value = low;
    if (container->kind == TARN_ROARING_ARRAY) {
        uint32_t count = container->cardinality;
        place->entry = tarn_format__roaring_array_lower(container->array, count, from, low);
        return place->entry < count && container->array[place->entry] == low;
    }
    uint32_t count = container->run_count;
    place->entry = tarn_format__roaring_runs_lower(container->runs, count, from, low);
    return place->entry < count && container->runs[place->entry].first <= low;
}

/* ---- many ---- */

/* How many values, from the first on, probably lie near enough to each other for a window. */
static size_t measure_piece(const int64_t *values, size_t count) {
    size_t most = count < PIECE ? count : PIECE;
    while (most >= PIECE_LEAST) {
        uint64_t span = (uint64_t)values[most - 1] - (uint64_t)values[0];
        bool ascends = values[most - 1] >= values[0];
        if (ascends && span < WINDOW && span <= most * GAP_MOST) break;
        most /= 2;
    }
    return most;
}

/* false = some value lies before the first one or behind the last one: nothing is known. */
static bool find_in_window(const TarnRoaring *bitmap, const int64_t *values, size_t count,
                           Place *place, bool *found) {
    bool window[WINDOW];
    uint64_t first = (uint64_t)values[0];
    uint64_t span = (uint64_t)values[count - 1] - first;
    bool outside = false;
    move_place(bitmap, first >> TARN_ROARING_PREFIX_SHIFT, place);
    (void)fill_stretch(bitmap, place->index, first, (size_t)span + 1, window);
    for (size_t i = 0; i < count; i++) {
        uint64_t offset = (uint64_t)values[i] - first;
        outside |= offset > span;
        found[i] = window[offset > span ? 0 : offset];
    }
    return !outside;
}

static void find_each(const TarnRoaring *bitmap, const int64_t *values, size_t count, Place *place,
                      bool *found) {
    for (size_t i = 0; i < count; i++) {
        found[i] = values[i] >= 0 && contains_near(bitmap, (uint64_t)values[i], place);
    }
}

void tarn_format_roaring_contains_many(const TarnRoaring *bitmap, const int64_t *values,
                                       size_t count, bool *found) {
    Place place = {.is_set = false};
    if (bitmap->count == 0) {
        memset(found, false, count);
        return;
    }
    while (count > 0) {
        size_t some = values[0] >= 0 ? measure_piece(values, count) : 1;
        if (some < PIECE_LEAST) {
            some = count < PIECE_LEAST ? count : PIECE_LEAST;
            find_each(bitmap, values, some, &place, found);
        } else if (measure_stretch(values, some) == some) {
            move_place(bitmap, (uint64_t)values[0] >> TARN_ROARING_PREFIX_SHIFT, &place);
            (void)fill_stretch(bitmap, place.index, (uint64_t)values[0], some, found);
        } else if (!find_in_window(bitmap, values, some, &place, found)) {
            find_each(bitmap, values, some, &place, found);
        }
        values += some;
        found += some;
        count -= some;
    }
}

/* ---- in order ---- */

/* The first member at or after `from`, if there is one. */
static bool next_in_container(const TarnRoaringContainer *container, uint16_t from,
                              uint16_t *member) {
    if (container->kind == TARN_ROARING_ARRAY) {
        uint32_t count = container->cardinality;
        uint32_t at = tarn_format__roaring_array_lower(container->array, count, 0, from);
        if (at < count) *member = container->array[at];
        return at < count;
    }
    if (container->kind == TARN_ROARING_RUNS) {
        uint32_t count = container->run_count;
        uint32_t at = tarn_format__roaring_runs_lower(container->runs, count, 0, from);
        if (at == count) return false;
        *member = container->runs[at].first > from ? container->runs[at].first : from;
        return true;
    }
    uint32_t i = from >> 6;
    uint64_t left = container->words[i] & UINT64_MAX << (from & 63);
    while (left == 0) {
        if (++i == TARN_ROARING_WORDS) return false;
        left = container->words[i];
    }
    *member = (uint16_t)(i * 64 + (uint32_t)__builtin_ctzll(left));
    return true;
}

bool tarn_format_roaring_next(const TarnRoaring *bitmap, uint64_t *value) {
    uint64_t prefix = *value >> TARN_ROARING_PREFIX_SHIFT;
    size_t index = tarn_format__roaring_lower(bitmap, prefix);
    for (; index < bitmap->count; index++) {
        uint16_t from = bitmap->prefixes[index] == prefix ? (uint16_t)*value : 0;
        uint16_t member = 0;
        if (next_in_container(&bitmap->containers[index], from, &member)) {
            *value = bitmap->prefixes[index] << TARN_ROARING_PREFIX_SHIFT | member;
            return true;
        }
    }
    return false;
}
