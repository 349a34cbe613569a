/* Theta sketches: how many distinct values there are, from a few kilobytes.
 *
 * Source: Puffin specification, "apache-datasketches-theta-v1 blob type"; the layout is that of
 * the compact theta sketch of Apache DataSketches, serial version 3. Values go in as the bytes of
 * Iceberg's single-value serialization (literal.h) and are hashed by MurmurHash3 x64 128 with the
 * seed 9001; the smallest hashes are kept. Up to TARN_THETA_SKETCH_EXACT distinct values the
 * count is exact, beyond it the standard error is about 1.6 % (lg_k 12). Sketches can be merged in
 * any order. A value of no bytes is left out, as DataSketches for Java leaves it out.
 *
 * A sketch has one owner while it changes. It takes at most 64 KiB, and starts with half of one.
 */
#ifndef TARN_FORMAT_THETA_SKETCH_H
#define TARN_FORMAT_THETA_SKETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

#define TARN_THETA_SKETCH_EXACT 7680

typedef struct TarnThetaSketch TarnThetaSketch;

/* The only error of these four: TARN_E_OUT_OF_MEMORY. On failure *sketch is NULL, or the sketch is
 * as it was (update) or lacks a part (merge: free it). */
bool tarn_format_theta_sketch_new(TarnThetaSketch **sketch, TarnError *error) TARN_CHECKED;
void tarn_format_theta_sketch_free(TarnThetaSketch *sketch); /* NULL is fine */
bool tarn_format_theta_sketch_update(TarnThetaSketch *sketch, TarnText value, TarnError *error)
    TARN_CHECKED;
/* Adds what `other` has seen; it may be `into`. */
bool tarn_format_theta_sketch_merge(TarnThetaSketch *into, const TarnThetaSketch *other,
                                    TarnError *error) TARN_CHECKED;

double tarn_format_theta_sketch_estimate(const TarnThetaSketch *sketch);
/* The blob's property `ndv`: the estimate without its fraction. */
uint64_t tarn_format_theta_sketch_ndv(const TarnThetaSketch *sketch);

/* Appends the compact, ordered form: at most 24 bytes and eight for each of up to 7,680 hashes. */
bool tarn_format_theta_sketch_write(const TarnThetaSketch *sketch, TarnBuffer *out,
                                    TarnError *error) TARN_CHECKED;
/* The whole of `bytes` is one compact sketch, ordered or not, of any size: a larger one is reduced
 * to what is kept here. `name` is the file, for messages. On failure *sketch is NULL:
 * TARN_E_FORMAT_CORRUPT, TARN_E_FORMAT_UNSUPPORTED (other versions, families, seeds) or
 * TARN_E_OUT_OF_MEMORY. */
bool tarn_format_theta_sketch_read(TarnText bytes, const char *name, TarnThetaSketch **sketch,
                                   TarnError *error) TARN_CHECKED;

#endif
