/* The fold of updates over table metadata. Private to metadata_apply*.c. */
#ifndef TARN_TABLE_METADATA_APPLY_PRIVATE_H
#define TARN_TABLE_METADATA_APPLY_PRIVATE_H

#include "table/metadata_private.h"

#define TARN_METADATA_NONE_ADDED INT32_MIN

typedef struct TarnMetadataFold {
    const TarnTableMetadata *base; /* NULL = a new table */
    TarnTableMetadata *out;        /* its lists have room for every update */
    TarnArena *arena;
    TarnError *error;
    int64_t now_ms;
    int32_t last_schema_id; /* last added, or equal to what was to be added */
    int32_t last_spec_id;
    int32_t last_order_id;
    bool layout_changed; /* current schema, default spec or default order */
    bool removed_snapshots;
    int64_t *added_ids; /* snapshots of this fold */
    size_t added_count;
    int64_t *heads; /* what main was set to in this fold */
    size_t head_count;
} TarnMetadataFold;

typedef bool (*TarnUpdateApply)(TarnMetadataFold *fold, const TarnTableUpdate *update);

/* TARN_E_METADATA_INVALID: an update that refers to what is not there. */
bool tarn_table__fold_refuse(TarnMetadataFold *fold, const char *format, ...) TARN_PRINTF(2, 3);

/* metadata_apply_layout.c */
bool tarn_table__fold_add_schema(TarnMetadataFold *fold, const TarnTableUpdate *update);
bool tarn_table__fold_set_schema(TarnMetadataFold *fold, const TarnTableUpdate *update);
bool tarn_table__fold_remove_schemas(TarnMetadataFold *fold, const TarnTableUpdate *update);
bool tarn_table__fold_add_spec(TarnMetadataFold *fold, const TarnTableUpdate *update);
bool tarn_table__fold_set_spec(TarnMetadataFold *fold, const TarnTableUpdate *update);
bool tarn_table__fold_remove_specs(TarnMetadataFold *fold, const TarnTableUpdate *update);
bool tarn_table__fold_add_order(TarnMetadataFold *fold, const TarnTableUpdate *update);
bool tarn_table__fold_set_order(TarnMetadataFold *fold, const TarnTableUpdate *update);
/* The current schema, default spec and default order exist and fit each other. */
bool tarn_table__fold_check_layout(TarnMetadataFold *fold);

/* metadata_apply_history.c */
bool tarn_table__fold_add_snapshot(TarnMetadataFold *fold, const TarnTableUpdate *update);
bool tarn_table__fold_remove_snapshots(TarnMetadataFold *fold, const TarnTableUpdate *update);
bool tarn_table__fold_set_ref(TarnMetadataFold *fold, const TarnTableUpdate *update);
bool tarn_table__fold_remove_ref(TarnMetadataFold *fold, const TarnTableUpdate *update);
bool tarn_table__fold_set_statistics(TarnMetadataFold *fold, const TarnTableUpdate *update);
bool tarn_table__fold_remove_statistics(TarnMetadataFold *fold, const TarnTableUpdate *update);
/* The snapshot log without what this fold removed or passed over. */
bool tarn_table__fold_finish_history(TarnMetadataFold *fold);

#endif
