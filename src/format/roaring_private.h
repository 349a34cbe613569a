/* The inside of roaring bitmaps: what roaring.c, roaring_container.c, roaring_find.c and
 * roaring_bytes.c share.
 *
 * A container holds the low 16 bits of the values that have the same high 48 bits (its prefix).
 * No container is empty. Array: at most TARN_ROARING_ARRAY_MAX values. Runs: first and last value
 * of each, ascending, with at least one value between two runs, at most TARN_ROARING_RUNS_MAX.
 */
#ifndef TARN_FORMAT_ROARING_PRIVATE_H
#define TARN_FORMAT_ROARING_PRIVATE_H

#include "format/roaring.h"

#define TARN_ROARING_VALUES 65536 /* a container can hold */
#define TARN_ROARING_WORDS (TARN_ROARING_VALUES / 64)
#define TARN_ROARING_BITMAP_BYTES (TARN_ROARING_VALUES / 8)
/* Where an array would be larger than a bitmap, and runs too: 2 + 4 * 2047 < 8192. */
#define TARN_ROARING_ARRAY_MAX 4096
#define TARN_ROARING_RUNS_MAX 2047
#define TARN_ROARING_PREFIX_SHIFT 16

typedef enum TarnRoaringKind {
    TARN_ROARING_ARRAY,
    TARN_ROARING_BITMAP,
    TARN_ROARING_RUNS
} TarnRoaringKind;

typedef struct TarnRoaringRun {
    uint16_t first;
    uint16_t last; /* inclusive */
} TarnRoaringRun;

typedef struct TarnRoaringContainer {
    union {
        uint16_t *array;
        uint64_t *words; /* TARN_ROARING_WORDS of them */
        TarnRoaringRun *runs;
        void *data;
    };
    uint32_t cardinality; /* 1 to TARN_ROARING_VALUES */
    uint32_t run_count;   /* RUNS only */
    uint32_t capacity;    /* values of an array, or runs, that data has room for */
    TarnRoaringKind kind;
} TarnRoaringContainer;

struct TarnRoaring {
    uint64_t *prefixes; /* ascending, one a container */
    TarnRoaringContainer *containers;
    size_t count;
    size_t capacity;
    size_t recent; /* index of the container changed last: values often ascend */
    uint64_t cardinality;
    size_t used; /* bytes of all of it */
    size_t limit;
};

/* ---- roaring.c ---- */

/* Takes `bytes` from the limit, or gives them back. */
bool tarn_format__roaring_charge(TarnRoaring *bitmap, size_t bytes, TarnError *error) TARN_CHECKED;
void tarn_format__roaring_discharge(TarnRoaring *bitmap, size_t bytes);
/* The first index whose prefix is not below `prefix`; `count` if there is none. */
size_t tarn_format__roaring_lower(const TarnRoaring *bitmap, uint64_t prefix);
/* Room for `extra` more containers. */
bool tarn_format__roaring_room(TarnRoaring *bitmap, size_t extra, TarnError *error) TARN_CHECKED;
/* Puts a container in place `index`, which takes over its data and counts its values. There must
 * be room. */
void tarn_format__roaring_insert(TarnRoaring *bitmap, size_t index, uint64_t prefix,
                                 const TarnRoaringContainer *container);

/* ---- roaring_container.c: memory is charged to `bitmap`, whose cardinality they leave alone */

bool tarn_format__roaring_container_new(TarnRoaring *bitmap, TarnRoaringKind kind, size_t capacity,
                                        TarnRoaringContainer *container, TarnError *error)
    TARN_CHECKED;
void tarn_format__roaring_container_dispose(TarnRoaring *bitmap, TarnRoaringContainer *container);
bool tarn_format__roaring_container_copy(TarnRoaring *bitmap, const TarnRoaringContainer *from,
                                         TarnRoaringContainer *container, TarnError *error)
    TARN_CHECKED;
size_t tarn_format__roaring_container_bytes(const TarnRoaringContainer *container); /* of data */
bool tarn_format__roaring_container_add(TarnRoaring *bitmap, TarnRoaringContainer *container,
                                        uint16_t value, TarnError *error) TARN_CHECKED;
bool tarn_format__roaring_container_add_range(TarnRoaring *bitmap, TarnRoaringContainer *container,
                                              uint16_t first, uint16_t last, TarnError *error)
    TARN_CHECKED;
bool tarn_format__roaring_container_contains(const TarnRoaringContainer *container, uint16_t value);
/* Sets the container's members in `words`, which the caller zeroed or filled. */
void tarn_format__roaring_container_to_words(const TarnRoaringContainer *container,
                                             uint64_t words[TARN_ROARING_WORDS]);
/* Makes the members of `words`, of which there is at least one, the container's, in the form that
 * takes least. The container's former data is freed; one without data (NULL) may be given. */
bool tarn_format__roaring_container_from_words(TarnRoaring *bitmap,
                                               const uint64_t words[TARN_ROARING_WORDS],
                                               TarnRoaringContainer *container, TarnError *error)
    TARN_CHECKED;
/* How many runs the members form. */
uint32_t tarn_format__roaring_container_run_count(const TarnRoaringContainer *container);
uint32_t tarn_format__roaring_words_cardinality(const uint64_t words[TARN_ROARING_WORDS]);
void tarn_format__roaring_words_set(uint64_t words[TARN_ROARING_WORDS], uint32_t first,
                                    uint32_t last);
/* All values, or all runs, ascending; the caller knows how many there are. */
void tarn_format__roaring_words_to_array(const uint64_t words[TARN_ROARING_WORDS], uint16_t *array);
void tarn_format__roaring_words_to_runs(const uint64_t words[TARN_ROARING_WORDS],
                                        TarnRoaringRun *runs);
/* The first index of an ascending array whose value is not below `value`, searched from `from`. */
uint32_t tarn_format__roaring_array_lower(const uint16_t *array, uint32_t count, uint32_t from,
                                          uint16_t value);
/* The first run that does not end before `value`, searched from `from`. */
uint32_t tarn_format__roaring_runs_lower(const TarnRoaringRun *runs, uint32_t count, uint32_t from,
                                         uint16_t value);

#endif
