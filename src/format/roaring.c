/* Roaring bitmaps as a whole: making, changing, uniting, comparing.
 *
 * The containers of a bitmap lie in one list sorted by prefix, the high 48 bits of their values.
 * The 32-bit bitmaps of the portable form are stretches of this list and exist only there. What
 * happens inside of one container is roaring_container.c's, searching is roaring_find.c's, bytes
 * are roaring_bytes.c's. Sets are united through a bitmap of 8 KiB on the stack: two containers of
 * any kinds go in, the form that takes least comes out.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "format/roaring_private.h"

#define FIRST_CONTAINERS 4
#define ENTRY_BYTES (sizeof(uint64_t) + sizeof(TarnRoaringContainer))

bool tarn_format_roaring_new(size_t memory, TarnRoaring **bitmap, TarnError *error) {
    *bitmap = NULL;
    TarnRoaring *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "could not get memory for a bitmap of row positions");
    }
    made->limit = memory > 0 ? memory : TARN_LIMIT_ROARING_BYTES;
    if (!tarn_format__roaring_charge(made, sizeof(*made), error)) {
        free(made);
        return false;
    }
    *bitmap = made;
    return true;
}

void tarn_format_roaring_free(TarnRoaring *bitmap) {
    if (bitmap == NULL) return;
    for (size_t i = 0; i < bitmap->count; i++) free(bitmap->containers[i].data);
    free(bitmap->prefixes);
    free(bitmap->containers);
    free(bitmap);
}

uint64_t tarn_format_roaring_cardinality(const TarnRoaring *bitmap) { return bitmap->cardinality; }

/* ---- the list of containers ---- */

bool tarn_format__roaring_charge(TarnRoaring *bitmap, size_t bytes, TarnError *error) {
    if (bytes > bitmap->limit || bitmap->used > bitmap->limit - bytes) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "a bitmap of row positions takes more than %zu bytes",
                                   bitmap->limit);
    }
    bitmap->used += bytes;
    return true;
}

void tarn_format__roaring_discharge(TarnRoaring *bitmap, size_t bytes) { bitmap->used -= bytes; }

bool tarn_format__roaring_room(TarnRoaring *bitmap, size_t extra, TarnError *error) {
    if (extra <= bitmap->capacity - bitmap->count) return true;
    size_t needed = bitmap->count + extra;
    size_t capacity = bitmap->capacity < FIRST_CONTAINERS ? FIRST_CONTAINERS : bitmap->capacity * 2;
    if (capacity < needed) capacity = needed;
    /* Near the limit, no more than needed. */
    size_t left = (bitmap->limit - bitmap->used) / ENTRY_BYTES;
    if (capacity - bitmap->capacity > left) capacity = needed;
    size_t bytes = (capacity - bitmap->capacity) * ENTRY_BYTES;
    if (!tarn_format__roaring_charge(bitmap, bytes, error)) return false;
    uint64_t *prefixes = realloc(bitmap->prefixes, capacity * sizeof(*prefixes));
    if (prefixes != NULL) bitmap->prefixes = prefixes;
    TarnRoaringContainer *containers = realloc(bitmap->containers,
                                               capacity * sizeof(*bitmap->containers));
    if (containers != NULL) bitmap->containers = containers;
    if (prefixes == NULL || containers == NULL) {
        tarn_format__roaring_discharge(bitmap, bytes);
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "could not get memory for a bitmap of row positions");
    }
    bitmap->capacity = capacity;
    return true;
}

void tarn_format__roaring_insert(TarnRoaring *bitmap, size_t index, uint64_t prefix,
                                 const TarnRoaringContainer *container) {
    size_t behind = bitmap->count - index;
    uint64_t *prefixes = bitmap->prefixes + index;
    TarnRoaringContainer *containers = bitmap->containers + index;
    memmove(prefixes + 1, prefixes, behind * sizeof(*prefixes));
    memmove(containers + 1, containers, behind * sizeof(*containers));
    *prefixes = prefix;
    *containers = *container;
    bitmap->count++;
    bitmap->cardinality += container->cardinality;
}

size_t tarn_format__roaring_lower(const TarnRoaring *bitmap, uint64_t prefix) {
    size_t low = 0;
    size_t high = bitmap->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bitmap->prefixes[middle] < prefix) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Where the container of `prefix` is or belongs: mostly at the one changed last, or behind it. */
static size_t find_place(const TarnRoaring *bitmap, uint64_t prefix) {
    size_t recent = bitmap->recent;
    if (recent < bitmap->count) {
        if (bitmap->prefixes[recent] == prefix) return recent;
        bool is_behind = bitmap->prefixes[recent] < prefix;
        bool is_last = recent + 1 == bitmap->count;
        if (is_behind && (is_last || bitmap->prefixes[recent + 1] >= prefix)) return recent + 1;
    }
    return tarn_format__roaring_lower(bitmap, prefix);
}

static bool has_prefix_at(const TarnRoaring *bitmap, size_t index, uint64_t prefix) {
    return index < bitmap->count && bitmap->prefixes[index] == prefix;
}

/* ---- adding ---- */

static bool add_first(TarnRoaring *bitmap, size_t index, uint64_t value, TarnError *error) {
    TarnRoaringContainer container;
    if (!tarn_format__roaring_room(bitmap, 1, error) ||
        !tarn_format__roaring_container_new(bitmap, TARN_ROARING_ARRAY, 1, &container, error)) {
        return false;
    }
    container.array[0] = (uint16_t)value;
    container.cardinality = 1;
    tarn_format__roaring_insert(bitmap, index, value >> TARN_ROARING_PREFIX_SHIFT, &container);
    return true;
}

/* What most calls come to: a bit of the container changed last, or one more value behind its array.
 * False: the long way has to be gone. */
static inline bool add_fast(TarnRoaring *bitmap, uint64_t value, bool *added) {
    size_t recent = bitmap->recent;
    uint16_t low = (uint16_t)value;
    if (recent >= bitmap->count) return false;
    if (bitmap->prefixes[recent] != value >> TARN_ROARING_PREFIX_SHIFT) return false;
    TarnRoaringContainer *container = &bitmap->containers[recent];
    uint32_t count = container->cardinality;
    if (container->kind == TARN_ROARING_BITMAP) {
        uint64_t *word = &container->words[low >> 6];
        uint64_t bit = (uint64_t)1 << (low & 63);
        *added = (*word & bit) == 0;
        *word |= bit;
    } else {
        bool has_room = container->kind == TARN_ROARING_ARRAY && count < container->capacity;
        if (!has_room || container->array[count - 1] >= low) return false;
        container->array[count] = low;
        *added = true;
    }
    container->cardinality += *added;
    bitmap->cardinality += *added;
    return true;
}

bool tarn_format_roaring_add(TarnRoaring *bitmap, uint64_t value, bool *added, TarnError *error) {
    bool is_new = false;
    if (__builtin_expect(add_fast(bitmap, value, &is_new), 1)) {
        if (added != NULL) *added = is_new;
        return true;
    }
    uint64_t prefix = value >> TARN_ROARING_PREFIX_SHIFT;
    size_t index = find_place(bitmap, prefix);
    uint64_t before = bitmap->cardinality;
    if (!has_prefix_at(bitmap, index, prefix)) {
        if (!add_first(bitmap, index, value, error)) return false;
    } else {
        TarnRoaringContainer *container = &bitmap->containers[index];
        uint32_t had = container->cardinality;
        if (!tarn_format__roaring_container_add(bitmap, container, (uint16_t)value, error)) {
            return false;
        }
        bitmap->cardinality += container->cardinality - had;
    }
    bitmap->recent = index;
    if (added != NULL) *added = bitmap->cardinality != before;
    return true;
}

static bool add_run(TarnRoaring *bitmap, uint64_t prefix, uint16_t first, uint16_t last,
                    TarnError *error) {
    size_t index = find_place(bitmap, prefix);
    if (has_prefix_at(bitmap, index, prefix)) {
        TarnRoaringContainer *container = &bitmap->containers[index];
        uint32_t had = container->cardinality;
        if (!tarn_format__roaring_container_add_range(bitmap, container, first, last, error)) {
            return false;
        }
        bitmap->cardinality += container->cardinality - had;
    } else {
        TarnRoaringContainer container;
        if (!tarn_format__roaring_room(bitmap, 1, error) ||
            !tarn_format__roaring_container_new(bitmap, TARN_ROARING_RUNS, 1, &container, error)) {
            return false;
        }
        container.runs[0] = (TarnRoaringRun){first, last};
        container.run_count = 1;
        container.cardinality = (uint32_t)last - first + 1;
        tarn_format__roaring_insert(bitmap, index, prefix, &container);
    }
    bitmap->recent = index;
    return true;
}

bool tarn_format_roaring_add_range(TarnRoaring *bitmap, uint64_t first, uint64_t count,
                                   TarnError *error) {
    if (count == 0) return true;
    if (count - 1 > UINT64_MAX - first) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "cannot add row positions beyond 2^64");
    }
    uint64_t last = first + (count - 1);
    uint64_t last_prefix = last >> TARN_ROARING_PREFIX_SHIFT;
    for (uint64_t prefix = first >> TARN_ROARING_PREFIX_SHIFT; prefix <= last_prefix; prefix++) {
        bool is_last = prefix == last_prefix;
        uint16_t end = is_last ? (uint16_t)last : TARN_ROARING_VALUES - 1;
        if (!add_run(bitmap, prefix, (uint16_t)first, end, error)) return false;
        first = (prefix + 1) << TARN_ROARING_PREFIX_SHIFT;
    }
    return true;
}

/* ---- two bitmaps ---- */

static bool unite_containers(TarnRoaring *into, TarnRoaringContainer *container,
                             const TarnRoaringContainer *other, TarnError *error) {
    uint64_t words[TARN_ROARING_WORDS] = {0};
    tarn_format__roaring_container_to_words(container, words);
    tarn_format__roaring_container_to_words(other, words);
    into->cardinality -= container->cardinality;
    if (!tarn_format__roaring_container_from_words(into, words, container, error)) return false;
    into->cardinality += container->cardinality;
    return true;
}

static size_t count_new_prefixes(const TarnRoaring *into, const TarnRoaring *other) {
    size_t fresh = 0;
    size_t i = 0;
    for (size_t j = 0; j < other->count; j++) {
        while (i < into->count && into->prefixes[i] < other->prefixes[j]) i++;
        if (!has_prefix_at(into, i, other->prefixes[j])) fresh++;
    }
    return fresh;
}

/* From the end, so that each container moves once: `hole` is where the next one goes, and between
 * `i` and `hole` lie as many free places as containers are still to come. */
static bool merge_containers(TarnRoaring *into, const TarnRoaring *other, size_t fresh,
                             TarnError *error) {
    size_t i = into->count;
    size_t j = other->count;
    size_t hole = into->count + fresh;
    while (j > 0) {
        uint64_t prefix = other->prefixes[j - 1];
        if (i > 0 && into->prefixes[i - 1] >= prefix) {
            bool is_same = into->prefixes[i - 1] == prefix;
            TarnRoaringContainer *container = &into->containers[i - 1];
            if (is_same && !unite_containers(into, container, &other->containers[j - 1], error)) {
                break;
            }
            if (is_same) j--;
            i--;
            hole--;
            into->prefixes[hole] = into->prefixes[i];
            into->containers[hole] = into->containers[i];
            continue;
        }
        TarnRoaringContainer copy;
        if (!tarn_format__roaring_container_copy(into, &other->containers[j - 1], &copy, error)) {
            break;
        }
        hole--;
        j--;
        into->prefixes[hole] = prefix;
        into->containers[hole] = copy;
        into->cardinality += copy.cardinality;
    }
    /* After a failure the places between i and hole hold nothing that is owned twice. */
    size_t end = into->count + fresh;
    memmove(into->prefixes + i, into->prefixes + hole, (end - hole) * sizeof(*into->prefixes));
    memmove(into->containers + i, into->containers + hole,
            (end - hole) * sizeof(*into->containers));
    into->count = end - (hole - i);
    return j == 0;
}

bool tarn_format_roaring_or(TarnRoaring *into, const TarnRoaring *other, TarnError *error) {
    if (into == other || other->count == 0) return true;
    size_t fresh = count_new_prefixes(into, other);
    if (fresh > 0 && !tarn_format__roaring_room(into, fresh, error)) return false;
    return merge_containers(into, other, fresh, error);
}

/* *is_empty: nothing is left and the container's data is gone. */
static bool subtract_container(TarnRoaring *into, TarnRoaringContainer *container,
                               const TarnRoaringContainer *other, bool *is_empty,
                               TarnError *error) {
    uint64_t words[TARN_ROARING_WORDS] = {0};
    uint64_t gone[TARN_ROARING_WORDS] = {0};
    tarn_format__roaring_container_to_words(container, words);
    tarn_format__roaring_container_to_words(other, gone);
    uint64_t changed = 0;
    for (size_t i = 0; i < TARN_ROARING_WORDS; i++) {
        changed |= words[i] & gone[i];
        words[i] &= ~gone[i];
    }
    *is_empty = false;
    if (changed == 0) return true;
    uint32_t left = tarn_format__roaring_words_cardinality(words);
    uint32_t had = container->cardinality;
    if (left == 0) {
        tarn_format__roaring_container_dispose(into, container);
        *is_empty = true;
    } else if (!tarn_format__roaring_container_from_words(into, words, container, error)) {
        return false;
    }
    into->cardinality -= had - left;
    return true;
}

static void clear(TarnRoaring *bitmap) {
    for (size_t i = 0; i < bitmap->count; i++) {
        tarn_format__roaring_container_dispose(bitmap, &bitmap->containers[i]);
    }
    bitmap->count = 0;
    bitmap->cardinality = 0;
}

bool tarn_format_roaring_andnot(TarnRoaring *into, const TarnRoaring *other, TarnError *error) {
    if (into == other) {
        clear(into);
        return true;
    }
    size_t kept = 0;
    size_t j = 0;
    bool done = true;
    for (size_t i = 0; i < into->count; i++) {
        bool is_empty = false;
        while (j < other->count && other->prefixes[j] < into->prefixes[i]) j++;
        if (done && has_prefix_at(other, j, into->prefixes[i])) {
            done = subtract_container(into, &into->containers[i], &other->containers[j], &is_empty,
                                      error);
        }
        if (is_empty) continue;
        into->prefixes[kept] = into->prefixes[i];
        into->containers[kept] = into->containers[i];
        kept++;
    }
    into->count = kept;
    return done;
}

static bool containers_equal(const TarnRoaringContainer *a, const TarnRoaringContainer *b) {
    if (a->cardinality != b->cardinality) return false;
    if (a->kind == b->kind && a->kind == TARN_ROARING_RUNS && a->run_count != b->run_count) {
        return false;
    }
    if (a->kind == b->kind) {
        size_t bytes = a->kind == TARN_ROARING_ARRAY  ? a->cardinality * sizeof(*a->array)
                       : a->kind == TARN_ROARING_RUNS ? a->run_count * sizeof(*a->runs)
                                                      : TARN_ROARING_BITMAP_BYTES;
        return memcmp(a->data, b->data, bytes) == 0;
    }
    uint64_t words[2][TARN_ROARING_WORDS] = {{0}};
    tarn_format__roaring_container_to_words(a, words[0]);
    tarn_format__roaring_container_to_words(b, words[1]);
    return memcmp(words[0], words[1], sizeof(words[0])) == 0;
}

bool tarn_format_roaring_equal(const TarnRoaring *a, const TarnRoaring *b) {
    if (a->cardinality != b->cardinality || a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++) {
        if (a->prefixes[i] != b->prefixes[i]) return false;
        if (!containers_equal(&a->containers[i], &b->containers[i])) return false;
    }
    return true;
}
