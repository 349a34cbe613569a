/* Theta sketches: hashing, keeping the smallest hashes, counting from them.
 *
 * A hash is a number that is evenly spread over 0 to 2^63. As long as there is room all hashes are
 * kept, and their count is the answer. When there is none, theta becomes the 4,097th smallest hash
 * and those from it on are dropped; from then on the hashes below theta are a sample of known rate.
 * Room ends where the QuickSelect sketches of DataSketches end it, so the same values leave the
 * same hashes, whatever the order in which equal values came.
 *
 * Bytes are theta_sketch_bytes.c's.
 */
#include <stdlib.h>
#include <string.h>

#include "format/theta_sketch_private.h"

#define FIRST_SLOTS 64
#define SLOTS_MAX (2 * TARN_THETA_SKETCH_NOMINAL)

bool tarn_format_theta_sketch_new(TarnThetaSketch **sketch, TarnError *error) {
    TarnThetaSketch *made = calloc(1, sizeof(*made));
    *sketch = NULL;
    if (made != NULL) made->slots = calloc(FIRST_SLOTS, sizeof(*made->slots));
    if (made == NULL || made->slots == NULL) {
        free(made);
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "could not get memory for a sketch");
    }
    made->slot_count = FIRST_SLOTS;
    made->theta = TARN_THETA_SKETCH_MAX;
    *sketch = made;
    return true;
}

void tarn_format_theta_sketch_free(TarnThetaSketch *sketch) {
    if (sketch == NULL) return;
    free(sketch->slots);
    free(sketch);
}

/* ---- MurmurHash3, x64, 128 bits: the first half of the result ---- */

static inline uint64_t rotate(uint64_t value, unsigned by) {
    return value << by | value >> (64 - by);
}

static inline uint64_t mix_end(uint64_t value) {
    value ^= value >> 33;
    value *= 0xFF51AFD7ED558CCDu;
    value ^= value >> 33;
    value *= 0xC4CEB9FE1A85EC53u;
    return value ^ value >> 33;
}

static inline uint64_t mix_first(uint64_t word) {
    return rotate(word * 0x87C37B91114253D5u, 31) * 0x4CF5AD432745937Fu;
}

static inline uint64_t mix_second(uint64_t word) {
    return rotate(word * 0x4CF5AD432745937Fu, 33) * 0x87C37B91114253D5u;
}

/* Little-endian; compilers make one load of it. */
static inline uint64_t load_long(const unsigned char *bytes) {
    return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
           (uint64_t)bytes[3] << 24 | (uint64_t)bytes[4] << 32 | (uint64_t)bytes[5] << 40 |
           (uint64_t)bytes[6] << 48 | (uint64_t)bytes[7] << 56;
}

/* Of fewer than eight bytes. */
static inline uint64_t load_rest(const unsigned char *bytes, size_t size) {
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++) word |= (uint64_t)bytes[i] << 8 * i;
    return word;
}

static uint64_t hash_bytes(const void *data, size_t size, uint64_t seed) {
    const unsigned char *bytes = data;
    uint64_t first = seed;
    uint64_t second = seed;
    size_t left = size;
    for (; left >= 16; left -= 16, bytes += 16) {
        first ^= mix_first(load_long(bytes));
        first = (rotate(first, 27) + second) * 5 + 0x52DCE729;
        second ^= mix_second(load_long(bytes + 8));
        second = (rotate(second, 31) + first) * 5 + 0x38495AB5;
    }
    if (left > 8) second ^= mix_second(load_rest(bytes + 8, left - 8));
    if (left >= 8) {
        first ^= mix_first(load_long(bytes));
    } else if (left > 0) {
        first ^= mix_first(load_rest(bytes, left));
    }
    first ^= size;
    second ^= size;
    first += second;
    second += first;
    return mix_end(first) + mix_end(second);
}

/* ---- the hashes kept ---- */

/* The slot of a hash, or the free one where it belongs. */
static uint32_t find_slot(const uint64_t *slots, uint32_t slot_count, uint64_t hash) {
    uint32_t mask = slot_count - 1;
    uint32_t step = (uint32_t)(hash >> 32) | 1;
    uint32_t slot = (uint32_t)hash & mask;
    while (slots[slot] != 0 && slots[slot] != hash) slot = (slot + step) & mask;
    return slot;
}

/* Moves the hashes below theta to a table of `slot_count`. */
static bool move_hashes(TarnThetaSketch *sketch, uint32_t slot_count, uint64_t theta,
                        TarnError *error) {
    uint64_t *slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "could not get memory for a sketch");
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < sketch->slot_count; i++) {
        uint64_t hash = sketch->slots[i];
        if (hash == 0 || hash >= theta) continue;
        slots[find_slot(slots, slot_count, hash)] = hash;
        count++;
    }
    free(sketch->slots);
    sketch->slots = slots;
    sketch->slot_count = slot_count;
    sketch->count = count;
    sketch->theta = theta;
    return true;
}

static int compare_hashes(const void *a, const void *b) {
    const uint64_t *first = a;
    const uint64_t *second = b;
    return (*first > *second) - (*first < *second);
}

void tarn_format__theta_sketch_sort(uint64_t *hashes, size_t count) {
    qsort(hashes, count, sizeof(*hashes), compare_hashes);
}

void tarn_format__theta_sketch_sorted(const TarnThetaSketch *sketch, uint64_t *out) {
    size_t count = 0;
    for (uint32_t i = 0; i < sketch->slot_count; i++) {
        if (sketch->slots[i] != 0) out[count++] = sketch->slots[i];
    }
    tarn_format__theta_sketch_sort(out, count);
}

/* One hash more than there may be: all but the smallest are dropped. */
static bool shrink(TarnThetaSketch *sketch, TarnError *error) {
    uint64_t hashes[SLOTS_MAX];
    tarn_format__theta_sketch_sorted(sketch, hashes);
    return move_hashes(sketch, SLOTS_MAX, hashes[TARN_THETA_SKETCH_NOMINAL], error);
}

bool tarn_format__theta_sketch_keep(TarnThetaSketch *sketch, uint64_t hash, TarnError *error) {
    if (hash == 0 || hash >= sketch->theta) return true;
    uint32_t slot = find_slot(sketch->slots, sketch->slot_count, hash);
    if (sketch->slots[slot] == hash) return true;
    if (sketch->slot_count < SLOTS_MAX && sketch->count >= sketch->slot_count / 2) {
        uint32_t slot_count = sketch->slot_count * 4 < SLOTS_MAX ? sketch->slot_count * 4
                                                                 : SLOTS_MAX;
        if (!move_hashes(sketch, slot_count, sketch->theta, error)) return false;
        slot = find_slot(sketch->slots, sketch->slot_count, hash);
    }
    sketch->slots[slot] = hash;
    sketch->count++;
    return sketch->count <= TARN_THETA_SKETCH_EXACT || shrink(sketch, error);
}

bool tarn_format_theta_sketch_update(TarnThetaSketch *sketch, TarnText value, TarnError *error) {
    if (value.size == 0) return true;
    uint64_t hash = hash_bytes(value.data, value.size, TARN_THETA_SKETCH_SEED) >> 1;
    return tarn_format__theta_sketch_keep(sketch, hash, error);
}

bool tarn_format_theta_sketch_merge(TarnThetaSketch *into, const TarnThetaSketch *other,
                                    TarnError *error) {
    if (into == other) return true;
    if (other->theta < into->theta && !move_hashes(into, into->slot_count, other->theta, error)) {
        return false;
    }
    for (uint32_t i = 0; i < other->slot_count; i++) {
        if (!tarn_format__theta_sketch_keep(into, other->slots[i], error)) return false;
    }
    return true;
}

/* ---- the answer ---- */

double tarn_format_theta_sketch_estimate(const TarnThetaSketch *sketch) {
    if (sketch->theta == TARN_THETA_SKETCH_MAX) return sketch->count;
    return sketch->count / ((double)sketch->theta / (double)TARN_THETA_SKETCH_MAX);
}

uint64_t tarn_format_theta_sketch_ndv(const TarnThetaSketch *sketch) {
    return (uint64_t)tarn_format_theta_sketch_estimate(sketch);
}
