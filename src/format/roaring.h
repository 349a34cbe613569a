/* Compressed sets of row positions: roaring bitmaps of 64-bit values.
 *
 * Source: RoaringFormatSpec, "General layout" and "Extension for 64-bit implementations": a count
 * of 32-bit bitmaps (8 bytes), then each behind its key (4 bytes), all little-endian. In memory a
 * bitmap is a sorted list of containers of 65,536 values each: an array, a bitmap or runs.
 *
 * A bitmap has one owner while it changes; any number of threads may read one that does not. It
 * takes at most `memory` bytes, counted as what it asks of the system; 0 means
 * TARN_LIMIT_ROARING_BYTES. Beyond that calls end with TARN_E_LIMIT_EXCEEDED, without memory of
 * the system with TARN_E_OUT_OF_MEMORY. After a call that failed a bitmap may hold a part of
 * what the call was to do: it can be freed and nothing else.
 */
#ifndef TARN_FORMAT_ROARING_H
#define TARN_FORMAT_ROARING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

typedef struct TarnRoaring TarnRoaring;

/* On failure *bitmap is NULL. */
bool tarn_format_roaring_new(size_t memory, TarnRoaring **bitmap, TarnError *error) TARN_CHECKED;
void tarn_format_roaring_free(TarnRoaring *bitmap); /* NULL is fine */

/* *added (may be NULL): whether the value is new. Fastest for ascending values. */
bool tarn_format_roaring_add(TarnRoaring *bitmap, uint64_t value, bool *added, TarnError *error)
    TARN_CHECKED;
/* Adds first, first + 1, ... `count` values; a range that ends beyond 2^64 is refused. */
bool tarn_format_roaring_add_range(TarnRoaring *bitmap, uint64_t first, uint64_t count,
                                   TarnError *error) TARN_CHECKED;
/* Adds the members of `other`, or takes them away. `other` may be `into`. */
bool tarn_format_roaring_or(TarnRoaring *into, const TarnRoaring *other, TarnError *error)
    TARN_CHECKED;
bool tarn_format_roaring_andnot(TarnRoaring *into, const TarnRoaring *other, TarnError *error)
    TARN_CHECKED;

bool tarn_format_roaring_contains(const TarnRoaring *bitmap, uint64_t value);
/* found[i] = whether values[i] is a member, for each i < count; negative values are none. Made
 * for row numbers of a scan: ascending by one costs a fraction of a nanosecond a value, ascending
 * with gaps about one. */
void tarn_format_roaring_contains_many(const TarnRoaring *bitmap, const int64_t *values,
                                       size_t count, bool *found);
uint64_t tarn_format_roaring_cardinality(const TarnRoaring *bitmap);
/* The same members, however they are stored. */
bool tarn_format_roaring_equal(const TarnRoaring *a, const TarnRoaring *b);
/* *value in: where to start, inclusive; out: the first member at or after it. False: there is
 * none, *value is untouched. All members: start at 0, then at one more than the last. */
bool tarn_format_roaring_next(const TarnRoaring *bitmap, uint64_t *value);

/* Appends the portable form, each container in the smallest of its three forms (runs only if
 * strictly smaller, as Java's runOptimize does). The buffer's own limit applies. */
bool tarn_format_roaring_write(const TarnRoaring *bitmap, TarnBuffer *out, TarnError *error)
    TARN_CHECKED;
/* The whole of `bytes` is one bitmap; `name` is the file, for messages. Nothing is believed:
 * keys ascend, cardinalities and offsets are right, values and runs ascend, no byte is left.
 * Tolerated: 32-bit bitmaps without members (Java's writer fills gaps between keys with them),
 * runs that touch. On failure *bitmap is NULL; TARN_E_FORMAT_CORRUPT says what and at which
 * byte. */
bool tarn_format_roaring_read(TarnText bytes, const char *name, size_t memory, TarnRoaring **bitmap,
                              TarnError *error) TARN_CHECKED;

#endif
