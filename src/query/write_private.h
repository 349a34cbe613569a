/* What the files of a write share: write.c copies and describes, write_select.c makes the SQL. */
#ifndef TARN_QUERY_WRITE_PRIVATE_H
#define TARN_QUERY_WRITE_PRIVATE_H

#include "format/parquet_footer.h"
#include "query/write.h"

/* A column that the table's properties ask a Bloom filter for. */
typedef struct TarnBloomColumn {
    const char *name;
    int32_t field_id;
    size_t chunks; /* written */
    size_t without;
} TarnBloomColumn;

typedef struct TarnBloomFilters {
    TarnBloomColumn *items; /* none: dictionaries are the engine's to choose */
    size_t count;
    size_t capacity;
    double ratio; /* of false positives: the least that a column asks for */
    uint64_t row_group_rows;
} TarnBloomFilters;

typedef struct TarnWriting {
    const TarnWriteOptions *options;
    const TarnSchema *schema;
    const TarnPartitionSpec *spec;
    TarnPrimitive *types; /* of the partition fields */
    const char **columns; /* names of the extra columns */
    bool many;            /* partitions */
    bool sorts;
    bool adds_constants; /* behind the rows, see TarnWriteOptions */
    TarnBloomFilters *bloom;
    TarnArena *arena;
} TarnWriting;

/* --- Bloom filters (bloom.c) --- */

/* `rows_most`: of a row group. What a property asks for and cannot be is told as a warning. */
bool tarn_query__bloom_init(TarnWriting *writing, TarnBloomFilters *filters, uint64_t rows_most,
                            TarnError *error) TARN_CHECKED;
/* Notes which chunks of a file have their filter; at the end what has none is told. */
void tarn_query__bloom_look(TarnBloomFilters *filters, const TarnParquetFooter *footer);
void tarn_query__bloom_tell(const TarnBloomFilters *filters);

/* Names and types of the partition columns, and whether the rows are sorted. */
bool tarn_query__writing_init(TarnWriting *writing, TarnError *error) TARN_CHECKED;
/* What a copy into the table's files reads: columns, partition columns, in order. */
bool tarn_query__write_select(const TarnWriting *writing, TarnBuffer *out,
                              TarnError *error) TARN_CHECKED;
/* The same rows in no order, without what is added behind the sort, and with a column
 * TARN_WRITE_BUCKET: a number below `buckets` that is the same for all rows of a partition where
 * there are many; another `seed` makes it another number. */
#define TARN_WRITE_BUCKET "__tarn_bucket"
bool tarn_query__write_bucket_select(const TarnWriting *writing, uint64_t buckets, int seed,
                                     TarnBuffer *out, TarnError *error) TARN_CHECKED;
/* How many partitions the rows are of: one row, one column. */
bool tarn_query__write_partition_count(const TarnWriting *writing, TarnBuffer *out,
                                       TarnError *error) TARN_CHECKED;
/* Partitions that a write may hold open without its rows being sorted by them. */
#define TARN_WRITE_PARTITIONS_FEW 32

#endif
