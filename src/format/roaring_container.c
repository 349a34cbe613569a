/* One container of a roaring bitmap: up to 65,536 values as an array, a bitmap or runs.
 *
 * Arrays and runs grow in place at their end, which is where ascending values arrive; an array
 * that is full becomes a bitmap. Every other change of runs, and ranges into the middle of an
 * array, go through a bitmap on the stack and come back in the form that takes least. The form
 * says nothing about the members: whoever compares containers compares members.
 *
 * Memory is charged before it is asked for, so a bitmap that is full refuses and stays whole.
 */
#include <stdlib.h>
#include <string.h>

#include "format/roaring_private.h"

#define FIRST_ARRAY 8
#define FIRST_RUNS 4

static size_t data_bytes(TarnRoaringKind kind, size_t capacity) {
    switch (kind) {
    case TARN_ROARING_ARRAY: return capacity * sizeof(uint16_t);
    case TARN_ROARING_RUNS: return capacity * sizeof(TarnRoaringRun);
    case TARN_ROARING_BITMAP: break;
    }
    return TARN_ROARING_BITMAP_BYTES;
}

size_t tarn_format__roaring_container_bytes(const TarnRoaringContainer *container) {
    return data_bytes(container->kind, container->capacity);
}

bool tarn_format__roaring_container_new(TarnRoaring *bitmap, TarnRoaringKind kind, size_t capacity,
                                        TarnRoaringContainer *container, TarnError *error) {
    size_t bytes = data_bytes(kind, capacity);
    *container = (TarnRoaringContainer){.kind = kind, .capacity = (uint32_t)capacity};
    if (!tarn_format__roaring_charge(bitmap, bytes, error)) return false;
    container->data = kind == TARN_ROARING_BITMAP ? calloc(1, bytes) : malloc(bytes);
    if (container->data == NULL) {
        tarn_format__roaring_discharge(bitmap, bytes);
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "could not get memory for a bitmap of row positions");
    }
    return true;
}

void tarn_format__roaring_container_dispose(TarnRoaring *bitmap, TarnRoaringContainer *container) {
    if (container->data == NULL) return;
    tarn_format__roaring_discharge(bitmap, tarn_format__roaring_container_bytes(container));
    free(container->data);
    container->data = NULL;
}

static size_t entries(const TarnRoaringContainer *container) {
    return container->kind == TARN_ROARING_RUNS ? container->run_count : container->cardinality;
}

bool tarn_format__roaring_container_copy(TarnRoaring *bitmap, const TarnRoaringContainer *from,
                                         TarnRoaringContainer *container, TarnError *error) {
    size_t count = entries(from);
    if (!tarn_format__roaring_container_new(bitmap, from->kind, count, container, error)) {
        return false;
    }
    memcpy(container->data, from->data, data_bytes(from->kind, count));
    container->cardinality = from->cardinality;
    container->run_count = from->run_count;
    return true;
}

/* Room for `needed` entries of an array or of runs, at most `most` of which ever exist. */
static bool grow(TarnRoaring *bitmap, TarnRoaringContainer *container, size_t needed, size_t most,
                 TarnError *error) {
    if (needed <= container->capacity) return true;
    size_t first = container->kind == TARN_ROARING_ARRAY ? FIRST_ARRAY : FIRST_RUNS;
    size_t capacity = container->capacity < first ? first : (size_t)container->capacity * 2;
    if (capacity > most) capacity = most;
    if (capacity < needed) capacity = needed;
    size_t old_bytes = tarn_format__roaring_container_bytes(container);
    size_t bytes = data_bytes(container->kind, capacity);
    if (!tarn_format__roaring_charge(bitmap, bytes - old_bytes, error)) return false;
    void *data = realloc(container->data, bytes);
    if (data == NULL) {
        tarn_format__roaring_discharge(bitmap, bytes - old_bytes);
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "could not get memory for a bitmap of row positions");
    }
    container->data = data;
    container->capacity = (uint32_t)capacity;
    return true;
}

/* ---- words ---- */

void tarn_format__roaring_words_set(uint64_t words[TARN_ROARING_WORDS], uint32_t first,
                                    uint32_t last) {
    uint64_t from = UINT64_MAX << (first & 63);
    uint64_t to = UINT64_MAX >> (63 - (last & 63));
    uint32_t i = first >> 6;
    uint32_t end = last >> 6;
    if (i == end) {
        words[i] |= from & to;
        return;
    }
    words[i++] |= from;
    while (i < end) words[i++] = UINT64_MAX;
    words[end] |= to;
}

uint32_t tarn_format__roaring_words_cardinality(const uint64_t words[TARN_ROARING_WORDS]) {
    uint32_t cardinality = 0;
    for (size_t i = 0; i < TARN_ROARING_WORDS; i++) {
        cardinality += (uint32_t)__builtin_popcountll(words[i]);
    }
    return cardinality;
}

/* A run begins at each bit whose lower neighbour is not set. */
static uint32_t words_run_count(const uint64_t words[TARN_ROARING_WORDS]) {
    uint32_t count = 0;
    uint64_t carry = 0;
    for (size_t i = 0; i < TARN_ROARING_WORDS; i++) {
        count += (uint32_t)__builtin_popcountll(words[i] & ~(words[i] << 1 | carry));
        carry = words[i] >> 63;
    }
    return count;
}

void tarn_format__roaring_container_to_words(const TarnRoaringContainer *container,
                                             uint64_t words[TARN_ROARING_WORDS]) {
    switch (container->kind) {
    case TARN_ROARING_ARRAY:
        for (uint32_t i = 0; i < container->cardinality; i++) {
            words[container->array[i] >> 6] |= (uint64_t)1 << (container->array[i] & 63);
        }
        return;
    case TARN_ROARING_RUNS:
        for (uint32_t i = 0; i < container->run_count; i++) {
            tarn_format__roaring_words_set(words, container->runs[i].first,
                                           container->runs[i].last);
        }
        return;
    case TARN_ROARING_BITMAP: break;
    }
    for (size_t i = 0; i < TARN_ROARING_WORDS; i++) words[i] |= container->words[i];
}

void tarn_format__roaring_words_to_array(const uint64_t words[TARN_ROARING_WORDS],
                                         uint16_t *array) {
    for (uint32_t i = 0; i < TARN_ROARING_WORDS; i++) {
        for (uint64_t left = words[i]; left != 0; left &= left - 1) {
            *array++ = (uint16_t)(i * 64 + (uint32_t)__builtin_ctzll(left));
        }
    }
}

/* The first position at or after `from` whose bit is `wanted`; TARN_ROARING_VALUES if none. */
static uint32_t words_seek(const uint64_t words[TARN_ROARING_WORDS], uint32_t from, bool wanted) {
    uint64_t flip = wanted ? 0 : UINT64_MAX;
    if (from >= TARN_ROARING_VALUES) return TARN_ROARING_VALUES;
    uint32_t i = from >> 6;
    uint64_t left = (words[i] ^ flip) & UINT64_MAX << (from & 63);
    while (left == 0) {
        if (++i == TARN_ROARING_WORDS) return TARN_ROARING_VALUES;
        left = words[i] ^ flip;
    }
    return i * 64 + (uint32_t)__builtin_ctzll(left);
}

void tarn_format__roaring_words_to_runs(const uint64_t words[TARN_ROARING_WORDS],
                                        TarnRoaringRun *runs) {
    uint32_t first = words_seek(words, 0, true);
    while (first < TARN_ROARING_VALUES) {
        uint32_t end = words_seek(words, first, false);
        *runs++ = (TarnRoaringRun){(uint16_t)first, (uint16_t)(end - 1)};
        first = words_seek(words, end, true);
    }
}

/* Where values will be added, runs are in the way: then only an array or a bitmap will do. */
static bool store_words(TarnRoaring *bitmap, const uint64_t words[TARN_ROARING_WORDS],
                        bool allow_runs, TarnRoaringContainer *container, TarnError *error) {
    uint32_t cardinality = tarn_format__roaring_words_cardinality(words);
    uint32_t run_count = allow_runs ? words_run_count(words) : 0;
    TarnRoaringKind kind = cardinality <= TARN_ROARING_ARRAY_MAX ? TARN_ROARING_ARRAY
                                                                 : TARN_ROARING_BITMAP;
    size_t bytes = data_bytes(kind, cardinality);
    if (allow_runs && data_bytes(TARN_ROARING_RUNS, run_count) < bytes) kind = TARN_ROARING_RUNS;
    if (kind == TARN_ROARING_BITMAP && container->data != NULL &&
        container->kind == TARN_ROARING_BITMAP) {
        memcpy(container->words, words, TARN_ROARING_BITMAP_BYTES);
        container->cardinality = cardinality;
        return true;
    }
    TarnRoaringContainer made;
    size_t capacity = kind == TARN_ROARING_RUNS ? run_count : cardinality;
    if (!tarn_format__roaring_container_new(bitmap, kind, capacity, &made, error)) return false;
    if (kind == TARN_ROARING_ARRAY) tarn_format__roaring_words_to_array(words, made.array);
    if (kind == TARN_ROARING_RUNS) tarn_format__roaring_words_to_runs(words, made.runs);
    if (kind == TARN_ROARING_BITMAP) memcpy(made.words, words, TARN_ROARING_BITMAP_BYTES);
    made.cardinality = cardinality;
    made.run_count = kind == TARN_ROARING_RUNS ? run_count : 0;
    tarn_format__roaring_container_dispose(bitmap, container);
    *container = made;
    return true;
}

bool tarn_format__roaring_container_from_words(TarnRoaring *bitmap,
                                               const uint64_t words[TARN_ROARING_WORDS],
                                               TarnRoaringContainer *container, TarnError *error) {
    return store_words(bitmap, words, true, container, error);
}

uint32_t tarn_format__roaring_container_run_count(const TarnRoaringContainer *container) {
    if (container->kind == TARN_ROARING_RUNS) return container->run_count;
    if (container->kind == TARN_ROARING_BITMAP) return words_run_count(container->words);
    uint32_t count = 1;
    for (uint32_t i = 1; i < container->cardinality; i++) {
        count += container->array[i] != container->array[i - 1] + 1;
    }
    return count;
}

/* ---- searching ---- */

uint32_t tarn_format__roaring_array_lower(const uint16_t *array, uint32_t count, uint32_t from,
                                          uint16_t value) {
    /* Steps that double find a near place fast, and a far one in twice the steps of halving. */
    uint32_t step = 1;
    uint32_t low = from;
    uint32_t high = from;
    while (high < count && array[high] < value) {
        low = high + 1;
        high += step;
        step *= 2;
    }
    if (high > count) high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (array[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t tarn_format__roaring_runs_lower(const TarnRoaringRun *runs, uint32_t count, uint32_t from,
                                         uint16_t value) {
    uint32_t step = 1;
    uint32_t low = from;
    uint32_t high = from;
    while (high < count && runs[high].last < value) {
        low = high + 1;
        high += step;
        step *= 2;
    }
    if (high > count) high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (runs[middle].last < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool tarn_format__roaring_container_contains(const TarnRoaringContainer *container,
                                             uint16_t value) {
    if (container->kind == TARN_ROARING_BITMAP) {
        return (container->words[value >> 6] >> (value & 63) & 1) != 0;
    }
    if (container->kind == TARN_ROARING_ARRAY) {
        uint32_t count = container->cardinality;
        uint32_t at = tarn_format__roaring_array_lower(container->array, count, 0, value);
        return at < count && container->array[at] == value;
    }
    uint32_t count = container->run_count;
    uint32_t at = tarn_format__roaring_runs_lower(container->runs, count, 0, value);
    return at < count && container->runs[at].first <= value;
}

/* ---- adding ---- */

static void set_bit(TarnRoaringContainer *container, uint16_t value) {
    uint64_t *word = &container->words[value >> 6];
    uint64_t bit = (uint64_t)1 << (value & 63);
    container->cardinality += (*word & bit) == 0;
    *word |= bit;
}

/* Makes an array that is full, or runs, a container that a value can be added to. */
static bool open_up(TarnRoaring *bitmap, TarnRoaringContainer *container, uint16_t value,
                    TarnError *error) {
    uint64_t words[TARN_ROARING_WORDS] = {0};
    tarn_format__roaring_container_to_words(container, words);
    tarn_format__roaring_words_set(words, value, value);
    return store_words(bitmap, words, false, container, error);
}

static bool add_to_array(TarnRoaring *bitmap, TarnRoaringContainer *container, uint16_t value,
                         TarnError *error) {
    uint32_t count = container->cardinality;
    uint32_t at = count;
    if (container->array[count - 1] >= value) {
        at = tarn_format__roaring_array_lower(container->array, count, 0, value);
        if (container->array[at] == value) return true;
    }
    if (count == TARN_ROARING_ARRAY_MAX) return open_up(bitmap, container, value, error);
    if (!grow(bitmap, container, (size_t)count + 1, TARN_ROARING_ARRAY_MAX, error)) return false;
    memmove(container->array + at + 1, container->array + at,
            (count - at) * sizeof(*container->array));
    container->array[at] = value;
    container->cardinality++;
    return true;
}

bool tarn_format__roaring_container_add(TarnRoaring *bitmap, TarnRoaringContainer *container,
                                        uint16_t value, TarnError *error) {
    if (container->kind == TARN_ROARING_BITMAP) {
        set_bit(container, value);
        return true;
    }
    if (container->kind == TARN_ROARING_ARRAY) {
        return add_to_array(bitmap, container, value, error);
    }
    if (tarn_format__roaring_container_contains(container, value)) return true;
    return open_up(bitmap, container, value, error);
}

/* At the end of an array that stays one, or of runs that stay few. */
static bool append_range(TarnRoaring *bitmap, TarnRoaringContainer *container, uint16_t first,
                         uint16_t last, bool *appended, TarnError *error) {
    uint32_t extra = (uint32_t)last - first + 1;
    uint32_t count = container->cardinality;
    *appended = false;
    if (container->kind == TARN_ROARING_ARRAY) {
        if (container->array[count - 1] >= first || count + extra > TARN_ROARING_ARRAY_MAX) {
            return true;
        }
        if (!grow(bitmap, container, count + extra, TARN_ROARING_ARRAY_MAX, error)) return false;
        for (uint32_t i = 0; i < extra; i++) container->array[count + i] = (uint16_t)(first + i);
    } else {
        TarnRoaringRun *end = &container->runs[container->run_count - 1];
        if (end->last >= first) return true;
        bool touches = end->last + 1 == first;
        if (touches) {
            end->last = last;
        } else {
            if (container->run_count == TARN_ROARING_RUNS_MAX) return true;
            size_t needed = (size_t)container->run_count + 1;
            if (!grow(bitmap, container, needed, TARN_ROARING_RUNS_MAX, error)) return false;
            container->runs[container->run_count++] = (TarnRoaringRun){first, last};
        }
    }
    container->cardinality += extra;
    *appended = true;
    return true;
}

bool tarn_format__roaring_container_add_range(TarnRoaring *bitmap, TarnRoaringContainer *container,
                                              uint16_t first, uint16_t last, TarnError *error) {
    bool appended = false;
    if (first == last) return tarn_format__roaring_container_add(bitmap, container, first, error);
    if (container->kind != TARN_ROARING_BITMAP &&
        !append_range(bitmap, container, first, last, &appended, error)) {
        return false;
    }
    if (appended) return true;
    uint64_t words[TARN_ROARING_WORDS] = {0};
    tarn_format__roaring_container_to_words(container, words);
    tarn_format__roaring_words_set(words, first, last);
    return store_words(bitmap, words, true, container, error);
}
