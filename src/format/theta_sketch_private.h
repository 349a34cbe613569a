/* What theta_sketch.c and theta_sketch_bytes.c share. */
#ifndef TARN_FORMAT_THETA_SKETCH_PRIVATE_H
#define TARN_FORMAT_THETA_SKETCH_PRIVATE_H

#include "format/theta_sketch.h"

#define TARN_THETA_SKETCH_SEED 9001
/* Its hash with the seed 0, the low 16 bits: stands in the bytes. */
#define TARN_THETA_SKETCH_SEED_HASH 0x93CC
#define TARN_THETA_SKETCH_MAX ((uint64_t)INT64_MAX) /* theta of a sketch that kept every hash */
#define TARN_THETA_SKETCH_NOMINAL 4096              /* 2^lg_k */

struct TarnThetaSketch {
    uint64_t *slots;     /* hashes by open addressing; 0 is a free slot, and a hash never kept */
    uint32_t slot_count; /* a power of two */
    uint32_t count;
    uint64_t theta; /* every hash kept is below it; those seen above are not kept */
};

/* Keeps a hash unless it is kept already or too large. */
bool tarn_format__theta_sketch_keep(TarnThetaSketch *sketch, uint64_t hash, TarnError *error)
    TARN_CHECKED;
/* The hashes kept, ascending; `out` has room for `count` of them. */
void tarn_format__theta_sketch_sorted(const TarnThetaSketch *sketch, uint64_t *out);
void tarn_format__theta_sketch_sort(uint64_t *hashes, size_t count);

#endif
