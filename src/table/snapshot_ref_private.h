/* What the files of branches and tags share. */
#ifndef TARN_TABLE_SNAPSHOT_REF_PRIVATE_H
#define TARN_TABLE_SNAPSHOT_REF_PRIVATE_H

#include "table/snapshot_ref.h"

const char *tarn_table__ref_kind(bool is_tag); /* "branch", "tag" */
/* TARN_E_SNAPSHOT_NOT_FOUND with the nearest name. */
bool tarn_table__ref_missing(const TarnTableMetadata *base, const char *name, bool is_tag,
                             TarnError *error);
/* Of a branch or tag; TARN_ABSENT if it is not there or main has no snapshot. */
int64_t tarn_table__branch_head(const TarnTableMetadata *base, const char *branch);
/* A branch set to a snapshot; asserts where it stands now and, unless NULL, where `source` does. */
bool tarn_table__ref_move(const TarnTableMetadata *base, const char *branch, const char *source,
                          int64_t snapshot_id, TarnArena *arena, TarnPreparedSnapshot *prepared,
                          TarnError *error) TARN_CHECKED;

#endif
