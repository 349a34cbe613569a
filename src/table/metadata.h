/* Table metadata: metadata.json read, changed and written.
 *
 * Source: Iceberg table specification, "Table Metadata", "Snapshots", "Snapshot References",
 * "Appendix C"; the update and requirement vocabulary is the REST catalog specification's.
 * Lossless: members this program does not know, at any level, are written back as they were.
 * v1 and v2 are read, v2 is written; the model holds v3's members, and a v3 table is read.
 * A format-version above 3 is refused.
 */
#ifndef TARN_TABLE_METADATA_H
#define TARN_TABLE_METADATA_H

#include "base/map.h"
#include "os/os.h"
#include "table/partition.h"
#include "table/schema.h"

#define TARN_ABSENT INT64_MIN /* an optional long that is not there */

typedef struct TarnProperty {
    const char *key;
    const char *value;
} TarnProperty;

typedef struct TarnSnapshot {
    int64_t id;
    int64_t parent_id;       /* TARN_ABSENT = none */
    int64_t sequence_number; /* 0 in v1 */
    int64_t timestamp_ms;
    const char *manifest_list; /* NULL in old v1 snapshots with `manifests` */
    const char *operation;     /* summary.operation: append, replace, overwrite, delete */
    TarnProperty *summary;     /* without operation */
    size_t summary_count;
    int32_t schema_id;    /* -1 = absent */
    int64_t first_row_id; /* v3; TARN_ABSENT */
    int64_t added_rows;   /* v3; TARN_ABSENT */
    TarnText source;      /* JSON as read or as first written */
} TarnSnapshot;

typedef struct TarnSnapshotRef {
    const char *name;
    bool is_tag;
    int64_t snapshot_id;
    int64_t min_snapshots_to_keep; /* TARN_ABSENT */
    int64_t max_snapshot_age_ms;   /* TARN_ABSENT */
    int64_t max_ref_age_ms;        /* TARN_ABSENT */
    const TarnJson *source;        /* as read: unknown members; NULL = made here */
} TarnSnapshotRef;

typedef struct TarnSnapshotLogEntry {
    int64_t timestamp_ms;
    int64_t snapshot_id;
    TarnText source; /* JSON as read; empty = made here */
} TarnSnapshotLogEntry;

typedef struct TarnMetadataLogEntry {
    int64_t timestamp_ms;
    const char *metadata_file;
    TarnText source; /* JSON as read; empty = made here */
} TarnMetadataLogEntry;

/* An entry of `statistics` or `partition-statistics`: carried, not interpreted. */
typedef struct TarnStatisticsFile {
    int64_t snapshot_id;
    TarnText source; /* the JSON object */
} TarnStatisticsFile;

typedef struct TarnTableMetadata {
    int32_t format_version;
    const char *uuid;
    const char *location; /* no trailing slash */
    int64_t last_sequence_number;
    int64_t last_updated_ms;
    int32_t last_column_id;
    int32_t current_schema_id;
    int32_t default_spec_id;
    int32_t last_partition_id;
    int32_t default_sort_order_id;
    int64_t current_snapshot_id; /* TARN_ABSENT = none */
    int64_t next_row_id;         /* v3; 0 */
    TarnSchema *schemas;
    size_t schema_count;
    TarnPartitionSpec *specs;
    size_t spec_count;
    TarnSortOrder *sort_orders;
    size_t sort_order_count;
    TarnProperty *properties;
    size_t property_count;
    TarnSnapshot *snapshots; /* in file order: by time */
    size_t snapshot_count;
    TarnSnapshotRef *refs;
    size_t ref_count;
    TarnSnapshotLogEntry *snapshot_log;
    size_t snapshot_log_count;
    TarnMetadataLogEntry *metadata_log;
    size_t metadata_log_count;
    TarnStatisticsFile *statistics;
    size_t statistics_count;
    TarnStatisticsFile *partition_statistics;
    size_t partition_statistics_count;
    const TarnJson *root; /* as read: unknown members; NULL for a new table */
} TarnTableMetadata;

/* `text` is the file's bytes, already inflated; it must outlive the metadata (views into it).
 * `name` is the file named in errors. */
bool tarn_table_metadata_parse(TarnText text, const char *name, TarnArena *arena,
                               TarnTableMetadata **metadata, TarnError *error) TARN_CHECKED;
bool tarn_table_metadata_write(const TarnTableMetadata *metadata, TarnBuffer *out, TarnError *error)
    TARN_CHECKED;
/* Files named *.gz.metadata.json or *.metadata.json.gz, or starting with the gzip magic. */
bool tarn_table_metadata_inflate(TarnText bytes, const char *name, TarnArena *arena, TarnText *text,
                                 TarnError *error) TARN_CHECKED;

const TarnSchema *tarn_table_metadata_schema(const TarnTableMetadata *metadata, int32_t id);
const TarnSchema *tarn_table_metadata_current_schema(const TarnTableMetadata *metadata);
const TarnPartitionSpec *tarn_table_metadata_spec(const TarnTableMetadata *metadata, int32_t id);
const TarnPartitionSpec *tarn_table_metadata_default_spec(const TarnTableMetadata *metadata);
/* Never NULL: a table without its order 0 is unsorted. */
const TarnSortOrder *tarn_table_metadata_default_sort_order(const TarnTableMetadata *metadata);
const TarnSnapshot *tarn_table_metadata_snapshot(const TarnTableMetadata *metadata, int64_t id);
const TarnSnapshot *tarn_table_metadata_current_snapshot(const TarnTableMetadata *metadata);
const TarnSnapshotRef *tarn_table_metadata_ref(const TarnTableMetadata *metadata, const char *name);
/* NULL if the property is not set */
const char *tarn_table_metadata_property(const TarnTableMetadata *metadata, const char *key);
int64_t tarn_table_metadata_property_int64(const TarnTableMetadata *metadata, const char *key,
                                           int64_t otherwise);
/* The snapshot that was current on main at a time: the last snapshot-log entry at or before it.
 * NULL if none. */
const TarnSnapshot *tarn_table_metadata_snapshot_at(const TarnTableMetadata *metadata,
                                                    int64_t timestamp_ms);
/* "123" (id), an ISO time, a branch or a tag. TARN_E_SNAPSHOT_NOT_FOUND with what there is. */
bool tarn_table_metadata_snapshot_named(const TarnTableMetadata *metadata, TarnText name,
                                        const TarnSnapshot **snapshot, TarnError *error)
    TARN_CHECKED;

/* --- changes: a builder folded over a base (REST catalog updates and requirements) --- */

typedef enum TarnUpdateKind {
    TARN_UPDATE_ASSIGN_UUID,        /* text */
    TARN_UPDATE_UPGRADE_FORMAT,     /* integer */
    TARN_UPDATE_ADD_SCHEMA,         /* schema; its id is assigned unless it equals a known one */
    TARN_UPDATE_SET_CURRENT_SCHEMA, /* integer; -1 = last added */
    TARN_UPDATE_ADD_SPEC,           /* spec */
    TARN_UPDATE_SET_DEFAULT_SPEC,   /* integer; -1 = last added */
    TARN_UPDATE_ADD_SORT_ORDER,     /* sort_order */
    TARN_UPDATE_SET_DEFAULT_SORT_ORDER,      /* integer; -1 = last added */
    TARN_UPDATE_ADD_SNAPSHOT,                /* snapshot */
    TARN_UPDATE_SET_SNAPSHOT_REF,            /* ref */
    TARN_UPDATE_REMOVE_SNAPSHOTS,            /* ids */
    TARN_UPDATE_REMOVE_SNAPSHOT_REF,         /* text */
    TARN_UPDATE_SET_LOCATION,                /* text */
    TARN_UPDATE_SET_PROPERTIES,              /* properties */
    TARN_UPDATE_REMOVE_PROPERTIES,           /* properties: keys */
    TARN_UPDATE_SET_STATISTICS,              /* integer = snapshot id, text = JSON object */
    TARN_UPDATE_REMOVE_STATISTICS,           /* integer = snapshot id */
    TARN_UPDATE_SET_PARTITION_STATISTICS,    /* as SET_STATISTICS */
    TARN_UPDATE_REMOVE_PARTITION_STATISTICS, /* integer = snapshot id */
    TARN_UPDATE_REMOVE_SPECS,                /* ids */
    TARN_UPDATE_REMOVE_SCHEMAS               /* ids */
} TarnUpdateKind;

typedef struct TarnTableUpdate {
    TarnUpdateKind kind;
    int64_t integer;
    const char *text;
    const TarnSchema *schema;
    int32_t last_column_id; /* with ADD_SCHEMA */
    const TarnPartitionSpec *spec;
    const TarnSortOrder *sort_order;
    const TarnSnapshot *snapshot;
    const TarnSnapshotRef *ref;
    const TarnProperty *properties;
    const int64_t *ids;
    size_t count; /* of properties or ids */
} TarnTableUpdate;

typedef enum TarnRequirementKind {
    TARN_REQUIRE_CREATE,
    TARN_REQUIRE_UUID,            /* text */
    TARN_REQUIRE_REF_SNAPSHOT_ID, /* text = ref, integer = id or TARN_ABSENT */
    TARN_REQUIRE_LAST_COLUMN_ID,  /* integer, likewise below */
    TARN_REQUIRE_CURRENT_SCHEMA_ID,
    TARN_REQUIRE_LAST_PARTITION_ID,
    TARN_REQUIRE_DEFAULT_SPEC_ID,
    TARN_REQUIRE_DEFAULT_SORT_ORDER_ID
} TarnRequirementKind;

typedef struct TarnTableRequirement {
    TarnRequirementKind kind;
    const char *text;
    int64_t integer;
} TarnTableRequirement;

/* A new table's metadata: field ids are reassigned 1..n, partition field ids from 1000 on; spec
 * and order may be NULL. Property names that are reserved for the table's own facts
 * ("format-version", "uuid", ...) are not stored. */
bool tarn_table_metadata_create(const char *uuid, const char *location, const TarnSchema *schema,
                                const TarnPartitionSpec *spec, const TarnSortOrder *sort_order,
                                const TarnProperty *properties, size_t property_count,
                                int32_t format_version, int64_t now_ms, TarnArena *arena,
                                TarnTableMetadata **metadata, TarnError *error) TARN_CHECKED;
/* The base with updates folded over it; the base is unchanged, and it and whatever the updates
 * point at must outlive the result. `base` NULL: a new table from updates alone (a staged create).
 * `base_location` (NULL for a create) enters the metadata log, which is cut to
 * write.metadata.previous-versions-max (default 100). Refuses what a catalog must refuse:
 * sequence numbers not above last, unknown parents, timestamps going back more than a minute
 * (TARN_E_COMMIT_CONFLICT: a rebased commit may pass), ids that do not exist, a current snapshot
 * that is removed (TARN_E_METADATA_INVALID). A ref other than main goes with its snapshot. */
bool tarn_table_metadata_apply(const TarnTableMetadata *base, const char *base_location,
                               const TarnTableUpdate *updates, size_t count, int64_t now_ms,
                               TarnArena *arena, TarnTableMetadata **metadata, TarnError *error)
    TARN_CHECKED;
/* The updates that bring a table to a format version; none if it has it. Errors:
 * TARN_E_FORMAT_UNSUPPORTED (no such version), TARN_E_SCHEMA_CHANGE_REFUSED (an older one). */
#define TARN_METADATA_UPGRADE_UPDATES 2
bool tarn_table_metadata_upgrade(const TarnTableMetadata *metadata, int64_t version,
                                 const TarnOs *os, TarnArena *arena,
                                 TarnTableUpdate updates[TARN_METADATA_UPGRADE_UPDATES],
                                 size_t *count, TarnError *error) TARN_CHECKED;
/* TARN_E_COMMIT_CONFLICT naming the requirement that does not hold. base NULL = no table yet. */
bool tarn_table_metadata_require(const TarnTableMetadata *base,
                                 const TarnTableRequirement *requirements, size_t count,
                                 TarnError *error) TARN_CHECKED;

#endif
