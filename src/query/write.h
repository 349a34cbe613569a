/* Writing rows into a table's data files: a SELECT becomes Parquet files, partitioned as the
 * table's default spec says, each described as Iceberg wants it. Nothing is committed here.
 *
 * Used by INSERT, CREATE TABLE AS, loads and pipelines.
 */
#ifndef TARN_QUERY_WRITE_H
#define TARN_QUERY_WRITE_H

#include "catalog/catalog.h"
#include "engine/engine.h"

/* A column that is the same in every row of a write. */
typedef struct TarnWriteConstant {
    const char *name;
    const char *sql; /* its value */
} TarnWriteConstant;

typedef struct TarnWriteOptions {
    TarnEngineSession *session;
    TarnStore *store;
    const TarnTableMetadata *metadata; /* current schema, default spec, sort order, properties */
    const char *commit_id;             /* the intent's: in every file name */
    uint32_t sequence;                 /* of this write among those of the commit: in file names */
    TarnText select_sql; /* yields the schema's columns by name; casts are added here */
    bool
        lineage; /* and row ids: "_row_id" and "_last_updated_sequence_number", kept in the files */
    const TarnWriteConstant *constants; /* columns of select_sql that need not be sorted along */
    size_t constant_count;
    /* All rows are of one partition of the default spec, whose values these are (NULL for none):
     * nothing is partitioned, the files are said to be of it. */
    bool one_partition;
    const TarnLiteral *partition;
    bool large;              /* may be more than one file: cut at the target size, order not kept */
    uint64_t partition_rows; /* gathered by a thread before they go to the partitions' files, as in
                                the engine's options: the session must not be locked; 0 = many */
    /* To write many partitions of more rows than fit the memory, with partition_rows: where to put
     * temporary files (NULL = they are sorted all at once), and how many bytes, about. */
    const TarnOs *os;
    const char *scratch;
    uint64_t bytes;
    uint32_t threads;   /* of the engine, which is given one while it sorts */
    uint64_t file_size; /* target bytes; 0 = the table's property or its zone's or the default */
} TarnWriteOptions;

/* Whether rows are sorted before they are written, which takes memory beyond the engine's limit:
 * the table has a sort order, or partitions of which a write may meet many. */
bool tarn_query_write_sorts(const TarnTableMetadata *metadata, const TarnWriteConstant *constants,
                            size_t constant_count);

typedef struct TarnWrittenFiles {
    TarnDataFile *items;
    const char **locations; /* zero-terminated, in the order of items */
    size_t count;
    int64_t rows;
    int64_t bytes;
} TarnWrittenFiles;

/* Files without rows are deleted again and not listed. On an error the caller abandons the
 * intent, which removes what was written. Memory in the arena. */
bool tarn_query_write_files(const TarnWriteOptions *options, TarnArena *arena,
                            TarnWrittenFiles *files, TarnError *error) TARN_CHECKED;

#endif
