/* The footer of a Parquet file: schema, row groups and statistics of the column chunks.
 *
 * Source: Apache Parquet format, "File format", "Metadata" (parquet.thrift), "Logical types".
 * A file ends with the Thrift-encoded FileMetaData, its length in four bytes (little endian) and
 * "PAR1". The caller reads ranges of the file; nothing here does I/O. Column data, page headers,
 * page indexes and Bloom filters are not read.
 *
 * Hostile input is expected: counts and sizes are checked against the bytes that are left, the
 * chunks against the file's size, the row groups against the schema. Refused by name, with
 * TARN_E_FORMAT_UNSUPPORTED: encrypted footers, encrypted columns, columns in other files.
 */
#ifndef TARN_FORMAT_PARQUET_FOOTER_H
#define TARN_FORMAT_PARQUET_FOOTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#define TARN_PARQUET_ABSENT INT64_MIN /* an optional number that is not there */
#define TARN_PARQUET_TAIL_BYTES 8     /* length and magic */

/* Values of parquet.thrift's Type. */
typedef enum TarnParquetPhysical {
    TARN_PARQUET_BOOLEAN = 0,
    TARN_PARQUET_INT32 = 1,
    TARN_PARQUET_INT64 = 2,
    TARN_PARQUET_INT96 = 3,
    TARN_PARQUET_FLOAT = 4,
    TARN_PARQUET_DOUBLE = 5,
    TARN_PARQUET_BYTE_ARRAY = 6,
    TARN_PARQUET_FIXED = 7, /* FIXED_LEN_BYTE_ARRAY */
    TARN_PARQUET_GROUP = 8  /* not in the file: a node with children */
} TarnParquetPhysical;

typedef enum TarnParquetRepetition {
    TARN_PARQUET_REQUIRED = 0,
    TARN_PARQUET_OPTIONAL = 1,
    TARN_PARQUET_REPEATED = 2
} TarnParquetRepetition;

/* The annotation of a node: LogicalType, or the older ConvertedType said in its words. */
typedef enum TarnParquetLogicalKind {
    TARN_PARQUET_LOGICAL_NONE,
    TARN_PARQUET_LOGICAL_STRING,
    TARN_PARQUET_LOGICAL_MAP,
    TARN_PARQUET_LOGICAL_LIST,
    TARN_PARQUET_LOGICAL_ENUM,
    TARN_PARQUET_LOGICAL_DECIMAL,
    TARN_PARQUET_LOGICAL_DATE,
    TARN_PARQUET_LOGICAL_TIME,
    TARN_PARQUET_LOGICAL_TIMESTAMP,
    TARN_PARQUET_LOGICAL_INTEGER,
    TARN_PARQUET_LOGICAL_NULL, /* only nulls are stored */
    TARN_PARQUET_LOGICAL_JSON,
    TARN_PARQUET_LOGICAL_BSON,
    TARN_PARQUET_LOGICAL_UUID,
    TARN_PARQUET_LOGICAL_FLOAT16,
    TARN_PARQUET_LOGICAL_VARIANT,
    TARN_PARQUET_LOGICAL_GEOMETRY,
    TARN_PARQUET_LOGICAL_GEOGRAPHY,
    TARN_PARQUET_LOGICAL_INTERVAL,
    TARN_PARQUET_LOGICAL_MAP_KEY_VALUE, /* converted type only: MAP by old writers */
    TARN_PARQUET_LOGICAL_OTHER          /* newer than this program */
} TarnParquetLogicalKind;

typedef enum TarnParquetUnit {
    TARN_PARQUET_MILLIS = 1,
    TARN_PARQUET_MICROS = 2,
    TARN_PARQUET_NANOS = 3
} TarnParquetUnit;

typedef struct TarnParquetLogical {
    TarnParquetLogicalKind kind;
    TarnParquetUnit unit;   /* TIME, TIMESTAMP */
    bool adjusted_to_utc;   /* TIME, TIMESTAMP; what the converted type implies: true */
    bool from_converted;    /* said by the converted type only */
    bool is_signed;         /* INTEGER */
    int32_t bit_width;      /* INTEGER: 8 16 32 64 */
    int32_t precision;      /* DECIMAL */
    int32_t scale;          /* DECIMAL */
    TarnText crs;           /* GEOMETRY, GEOGRAPHY; data NULL = absent */
    int32_t edge_algorithm; /* GEOGRAPHY: parquet.thrift's number; -1 = absent */
} TarnParquetLogical;

/* A node of the schema. Nodes stand depth-first in one array: the first child of node i is i + 1,
 * its next sibling `end`; children of the root are the file's top-level columns. */
typedef struct TarnParquetNode {
    TarnText name;
    int64_t field_id; /* TARN_PARQUET_ABSENT; else an int32 */
    TarnParquetPhysical physical;
    int32_t type_length;              /* FIXED: bytes of a value */
    TarnParquetRepetition repetition; /* of the root: REQUIRED */
    TarnParquetLogical logical;
    uint32_t parent;
    uint32_t end;            /* one past the last node below it */
    uint32_t child_count;    /* 0 for columns */
    int32_t column;          /* index of a leaf in each row group's chunks; -1 = group */
    uint16_t definition_max; /* 0 = never null */
    uint16_t repetition_max; /* above 0 = inside a list or map */
} TarnParquetNode;

/* Bounds in PLAIN encoding, byte arrays without their length. They are left out (data NULL) where
 * they cannot be trusted: a column order this program does not know, or the deprecated fields of
 * a type that is not ordered as signed numbers. */
typedef struct TarnParquetStatistics {
    TarnText min;
    TarnText max;
    int64_t null_count; /* TARN_PARQUET_ABSENT, likewise below */
    int64_t nan_count;
    int64_t distinct_count;
    bool min_inexact; /* stated to be a bound only, not a value of the column */
    bool max_inexact;
    bool deprecated; /* from the fields `min` and `max` */
} TarnParquetStatistics;

typedef struct TarnParquetChunk {
    TarnParquetStatistics statistics;
    int64_t num_values; /* nulls included */
    int64_t total_compressed_size;
    int64_t total_uncompressed_size;
    int64_t data_page_offset;
    int64_t dictionary_page_offset; /* TARN_PARQUET_ABSENT */
    int64_t bloom_filter_offset;    /* TARN_PARQUET_ABSENT; not checked */
    int32_t codec;                  /* parquet.thrift's CompressionCodec */
} TarnParquetChunk;

typedef struct TarnParquetRowGroup {
    int64_t num_rows;
    int64_t total_byte_size;
    int64_t total_compressed_size; /* TARN_PARQUET_ABSENT */
    int64_t file_offset;           /* TARN_PARQUET_ABSENT */
    TarnParquetChunk *chunks;      /* one for each column, in the schema's order */
} TarnParquetRowGroup;

typedef struct TarnParquetKeyValue {
    TarnText key;
    TarnText value; /* data NULL = absent */
} TarnParquetKeyValue;

typedef struct TarnParquetFooter {
    uint64_t file_size;
    int64_t num_rows;
    TarnText created_by;    /* data NULL = absent */
    TarnParquetNode *nodes; /* [0] is the root */
    size_t node_count;
    uint32_t *columns; /* node of each leaf */
    size_t column_count;
    TarnParquetRowGroup *row_groups;
    size_t row_group_count;
    TarnParquetKeyValue *key_values;
    size_t key_value_count;
} TarnParquetFooter;

/* `tail`: the last bytes of the file, eight or more. *size is what the footer takes at the end of
 * the file, those eight bytes included, so that the caller can read that range. */
bool tarn_format_parquet_footer_size(TarnText tail, uint64_t file_size, const char *name,
                                     uint64_t *size, TarnError *error) TARN_CHECKED;
/* `tail`: the last bytes of the file, at least as many as the call above says. Texts of the
 * result are views into it: it must outlive the footer. `name` is the file named in errors.
 * Errors: TARN_E_FORMAT_CORRUPT, TARN_E_FORMAT_UNSUPPORTED, TARN_E_LIMIT_EXCEEDED,
 * TARN_E_OUT_OF_MEMORY. */
bool tarn_format_parquet_footer_parse(TarnText tail, uint64_t file_size, const char *name,
                                      TarnArena *arena, TarnParquetFooter **footer,
                                      TarnError *error) TARN_CHECKED;

/* Reads `size` bytes at `offset` into memory that lives as long as the arena. */
typedef bool (*TarnParquetRange)(void *context, uint64_t offset, size_t size, TarnArena *arena,
                                 TarnText *bytes, TarnError *error);
/* Both steps over a caller's reader: one range for most files, two for a large footer. */
bool tarn_format_parquet_footer_read(TarnParquetRange range, void *context, uint64_t file_size,
                                     const char *name, TarnArena *arena, TarnParquetFooter **footer,
                                     TarnError *error) TARN_CHECKED;

/* The value of a key of the file's own metadata; data NULL = absent. */
TarnText tarn_format_parquet_footer_key_value(const TarnParquetFooter *footer, const char *key);
/* Whether any node below the root carries a field id. */
bool tarn_format_parquet_footer_has_ids(const TarnParquetFooter *footer);
/* "a.list.element", in the arena. */
const char *tarn_format_parquet_footer_path(const TarnParquetFooter *footer, uint32_t node,
                                            TarnArena *arena);

#endif
