/* What is sure of several files of a manifest at once: a predicate that no row of the stretch can
 * fulfil is found out without looking at its files. */
#ifndef TARN_TABLE_MANIFEST_STRETCH_PRIVATE_H
#define TARN_TABLE_MANIFEST_STRETCH_PRIVATE_H

#include "table/manifest.h"
#include "table/schema.h"

/* Entries in a row that are judged together; the last stretch of a manifest may be shorter. Small
 * enough that time-ordered loads do not blur, large enough that judging stretches costs little. */
#define TARN_MANIFEST_STRETCH 32

typedef struct TarnManifestStretch {
    TarnDataFile joined;     /* metrics that hold for all live entries; nothing else is set */
    int64_t rows_without_id; /* v3: of live entries that take row ids from the manifest */
} TarnManifestStretch;

/* Joins the metrics that the entries hold of the columns `ids` (sorted). The schema tells how
 * bounds are ordered; of columns that it does not have nothing is known. All memory is in the
 * arena. */
bool tarn_table__stretch_join(const TarnManifestEntry *entries, size_t count, const int32_t *ids,
                              size_t id_count, const TarnSchema *schema, TarnArena *arena,
                              TarnManifestStretch *stretch, TarnError *error) TARN_CHECKED;

#endif
