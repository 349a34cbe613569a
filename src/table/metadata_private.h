/* Shared by the files of table metadata: read, written, changed. Private to table/. */
#ifndef TARN_TABLE_METADATA_PRIVATE_H
#define TARN_TABLE_METADATA_PRIVATE_H

#include "table/metadata.h"

#define TARN_METADATA_VERSION_MAX 3
#define TARN_METADATA_MAIN "main"
/* last-partition-id of a table that was never partitioned */
#define TARN_METADATA_NO_PARTITION_ID (TARN_PARTITION_FIRST_FIELD_ID - 1)

/* A set of ids that many others are looked up in: metadata may hold 100,000 snapshots. */
typedef struct TarnIdSet {
    int64_t *ids; /* ascending */
    size_t count;
} TarnIdSet;

/* Sorts `ids` in place. */
TarnIdSet tarn_table__id_set(int64_t *ids, size_t count);
bool tarn_table__id_set_has(const TarnIdSet *set, int64_t id);
/* An id that is in it twice; false if none. */
bool tarn_table__id_set_duplicate(const TarnIdSet *set, int64_t *id);
/* Of the metadata's snapshots; arena failure leaves it empty and shows in the arena. */
TarnIdSet tarn_table__metadata_snapshot_ids(const TarnSnapshot *snapshots, size_t count,
                                            TarnArena *arena);

/* A snapshot as one JSON object, made once and then copied by each write. */
void tarn_table__metadata_snapshot_put(const TarnSnapshot *snapshot, int32_t format_version,
                                       TarnJsonWriter *out);
/* The JSON text of a part that is added, which must be an object that can stand in metadata:
 * TARN_E_JSON_SYNTAX, TARN_E_METADATA_INVALID. */
bool tarn_table__metadata_source_parse(TarnText source, TarnArena *arena, const TarnJson **object,
                                       TarnError *error) TARN_CHECKED;
/* The JSON object `source` with the member `key` set to `id`, its other members as they are;
 * `source` itself if it says so already. */
bool tarn_table__metadata_source_with_id(TarnText source, const char *key, int32_t id,
                                         TarnArena *arena, TarnText *result, TarnError *error)
    TARN_CHECKED;
/* The bytes of a buffer as arena text; disposes of the buffer. */
bool tarn_table__metadata_keep(TarnBuffer *buffer, TarnArena *arena, TarnText *text,
                               TarnError *error) TARN_CHECKED;

/* Version 3 has columns in every table that no column may be called like. */
bool tarn_table__metadata_check_lineage(const TarnSchema *schema, int32_t format_version,
                                        TarnError *error) TARN_CHECKED;
/* What a schema, spec or order that is added must fulfil. TARN_E_METADATA_INVALID and the codes of
 * tarn_table_schema_check_new, which a new table's schema must pass too. */
bool tarn_table__metadata_check_schema(const TarnSchema *schema, int32_t format_version,
                                       bool is_new_table, TarnError *error) TARN_CHECKED;
bool tarn_table__metadata_check_spec(const TarnPartitionSpec *spec, const TarnSchema *schema,
                                     TarnError *error) TARN_CHECKED;
/* Only what a change of the schema can break: the sources and their types. */
bool tarn_table__metadata_check_sources(const TarnPartitionSpec *spec, const TarnSchema *schema,
                                        TarnError *error) TARN_CHECKED;
bool tarn_table__metadata_check_order(const TarnSortOrder *order, const TarnSchema *schema,
                                      TarnError *error) TARN_CHECKED;

/* Names of properties that state facts of the table: never stored as properties. */
bool tarn_table__metadata_is_reserved(const char *key);

static inline bool tarn_table__is_main(const char *ref) {
    return strcmp(ref, TARN_METADATA_MAIN) == 0;
}

#endif
