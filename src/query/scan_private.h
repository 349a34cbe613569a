/* What the files of a scan's SQL share (scan_sql.c says what is done where). */
#ifndef TARN_QUERY_SCAN_PRIVATE_H
#define TARN_QUERY_SCAN_PRIVATE_H

#include "query/file_lists_private.h"
#include "query/query_private.h"
#include "query/scan_sql.h"

/* Hidden columns of a scan. A user's column of such a name is refused where they are needed. */
#define TARN_SCAN_FILE "__tarn_file"           /* BIGINT: the place among the plan's tasks */
#define TARN_SCAN_POSITION "__tarn_position"   /* BIGINT: the row's number in its file */
#define TARN_SCAN_SEQUENCE "__tarn_sequence"   /* BIGINT: data sequence number of the file */
#define TARN_SCAN_PARTITION "__tarn_partition" /* BIGINT: number of its spec and partition */

typedef struct TarnScanWriter {
    TarnQuery *query;
    const TarnTable *table;
    const TarnScanPlan *plan;
    const TarnScanSqlOptions *options;
    const TarnJson *mapping; /* schema.name-mapping.default, an array; NULL = none */
    TarnArena *arena;
    TarnBuffer *out;
    TarnError *error;
    /* Columns that are read: those of the schema, then hidden ones. */
    const TarnField **columns;
    size_t column_count;
    const TarnRoaring *const *positions; /* per task: deleted; NULL = none of any */
    int64_t *partitions;           /* per task: number of its spec and partition; or NULL */
    bool wants_sequence;           /* and partition: equality deletes apply to the part */
} TarnScanWriter;

/* --- shared pieces (scan_sql.c) --- */

/* Row id and last updated sequence number, where a file stores them. */
extern const TarnField tarn_query__scan_lineage[2];

/* What the engine opens for a file; the location comes from metadata that others may have written.
 * TARN_E_FORMAT_UNSUPPORTED if it is no Parquet. */
bool tarn_query__scan_path(TarnStore *store, const TarnDataFile *file, TarnArena *arena,
                           const char **path, TarnError *error) TARN_CHECKED;
void tarn_query__scan_file_list(const TarnScanWriter *scan, const size_t *tasks, size_t count);
/* What a column is in files that lack it: null, or its initial default as a literal. */
bool tarn_query__scan_default(const TarnScanWriter *scan, const TarnField *field,
                              TarnLiteral *literal);
/* Registers the files if something needs them; *id is -1 if nothing does. */
bool tarn_query__scan_register(const TarnScanWriter *scan, const size_t *tasks, size_t count,
                               int64_t *id);
/* ", <place, lineage, sequence>" behind the columns of a SELECT over registered files; `stored`:
 * SQL of the lineage that the files themselves keep. */
void tarn_query__scan_extras(const TarnScanWriter *scan, int64_t id, const char *const stored[2]);
/* The explicit_cardinality of a read_parquet, so that what is left of it is estimated right. */
int64_t tarn_query__scan_cardinality(const TarnScanWriter *scan, const size_t *tasks, size_t count);
/* " WHERE tarn_alive(..)" if some file has deleted positions. */
void tarn_query__scan_where(const TarnScanWriter *scan, int64_t id, const size_t *tasks,
                            size_t count);
/* Whether the SELECTs use the engine's virtual columns file_index and file_row_number. */
bool tarn_query__scan_needs_places(const TarnScanWriter *scan);
/* Whether a name is one of those virtual columns'. */
bool tarn_query__scan_is_virtual(const char *name);

/* --- SELECTs over some of the plan's tasks --- */

/* One, by the engine's field-id schema (scan_ids.c). */
bool tarn_query__scan_by_ids(const TarnScanWriter *scan, const size_t *tasks, size_t count);
/* Several joined by UNION ALL, one for each shape of files (scan_shape.c). */
bool tarn_query__scan_by_shape(TarnScanWriter *scan, const size_t *tasks, size_t count);
/* The same if the files are few and alike, for their statistics' sake; *written false = not. */
bool tarn_query__scan_few_shapes(TarnScanWriter *scan, const size_t *tasks, size_t count,
                                 bool *written);
/* By ids, or by shape where ids cannot do or shapes are better. */
bool tarn_query__scan_part(TarnScanWriter *scan, const size_t *tasks, size_t count);
/* A part whose files have equality deletes, with those applied (scan_equality.c). */
bool tarn_query__scan_equality(TarnScanWriter *scan, const size_t *tasks, size_t count);

/* --- deletes by position (deletes.c) --- */

/* positions[i] of plan->tasks[i]: what deletion vectors and position delete files delete of it;
 * NULL = nothing. The bitmaps are owned by the query's file lists. *positions NULL = none has any.
 * Errors: TARN_E_FORMAT_CORRUPT, TARN_E_FORMAT_UNSUPPORTED (a delete file that is no Parquet),
 * the store's, the engine's. */
bool tarn_query__deletes_load(TarnQuery *query, const TarnTable *table, const TarnScanPlan *plan,
                              TarnArena *arena, TarnRoaring ***positions,
                              TarnError *error) TARN_CHECKED;

#endif
