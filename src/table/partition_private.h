/* What partition*.c and sort_order.c share. */
#ifndef TARN_TABLE_PARTITION_PRIVATE_H
#define TARN_TABLE_PARTITION_PRIVATE_H

#include "table/partition.h"

/* Reads the member `transform` and `source-id` (or v3's `source-ids`) of a partition or sort
 * field. Several sources are a transform unknown to tarn: the first one's id is kept. `what` is
 * for messages. */
bool tarn_table__transform_from_json(const TarnJson *object, const char *what, TarnArena *arena,
                                     TarnTransform *transform, int32_t *source_id,
                                     TarnError *error);
void tarn_table__transform_to_json(TarnTransform transform, TarnJsonWriter *out);

#endif
