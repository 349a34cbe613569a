/* Sets of the paths that table metadata names, as 128-bit hashes: 32 MB for a million of them.
 *
 * A set answers "is this path in it" with certainty in one direction: what was added is always
 * found. A path that was not added is found by chance once in 2^100 cases, so a set of files to
 * keep may keep a file too many and never one too few. Hashes are keyed at random.
 *
 * Paths are compared by what they name: "file:///a//b", "file:/a/b" and "/a/./b" are one file; of
 * the schemes s3, s3a and s3n it is one, and the rest of an object's location is compared byte
 * for byte.
 */
#ifndef TARN_TABLE_PATH_SET_H
#define TARN_TABLE_PATH_SET_H

#include "base/buffer.h"
#include "os/os.h"

typedef struct TarnPathSet {
    uint64_t *slots; /* two words a slot; both 0 = empty */
    size_t slot_count;
    size_t count;
    uint64_t seeds[2];
    TarnBuffer canonical; /* of the path being looked for */
} TarnPathSet;

bool tarn_table_path_set_init(TarnPathSet *set, const TarnOs *os, TarnError *error) TARN_CHECKED;
void tarn_table_path_set_dispose(TarnPathSet *set); /* safe on zeroed memory */
/* *added (may be NULL): it was not in the set. More than TARN_LIMIT_PATH_SET_BYTES is
 * TARN_E_LIMIT_EXCEEDED. */
bool tarn_table_path_set_add(TarnPathSet *set, TarnText path, bool *added,
                             TarnError *error) TARN_CHECKED;
bool tarn_table_path_set_has(TarnPathSet *set, TarnText path, bool *has,
                             TarnError *error) TARN_CHECKED;

/* The one form of all that name the same; replaces the content of `out`. */
void tarn_table_location_canonical(TarnText location, TarnBuffer *out);
/* Where a location lies: "file", "s3://bucket", "hdfs://host:1"; "" = it is relative. Appended. */
void tarn_table_location_authority(TarnText location, TarnBuffer *out);

#endif
