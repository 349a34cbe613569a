/* Sources: bytes from somewhere -> batches of typed columns, with the rows that were refused told
 * apart. A source never knows a table: it gets the columns wanted and yields Arrow batches and
 * rejects.
 *
 * A reader is opened over one input (a file) and read by several threads at once: each thread
 * calls tarn_source_reader_next() with its own slot and gets the next piece; pieces carry their
 * place in the file, so rows keep their line and row numbers whatever the order of arrival.
 * Memory is bounded: a piece is at most about TARN_SOURCE_PIECE_BYTES of input.
 */
#ifndef TARN_SOURCE_SOURCE_H
#define TARN_SOURCE_SOURCE_H

#include "base/arrow.h"
#include "os/os.h"
#include "format/literal.h"

#define TARN_SOURCE_PIECE_BYTES (4 * 1024 * 1024)

/* The type of a column as a source must deliver it; nested for JSON and Avro. */
typedef struct TarnColumn TarnColumn;
struct TarnColumn {
    const char *name;    /* in the table; nested: field name, "element", "key", "value" */
    const char *origin;  /* name in the file; NULL = same as name */
    const char *doc;     /* what the schema says about it, for people; NULL = nothing */
    TarnPrimitive type;  /* kind STRUCT, LIST, MAP with children */
    bool required;       /* null or missing refuses the row */
    TarnColumn *children;
    size_t child_count;
};

typedef enum TarnFileFormat {
    TARN_FILE_UNKNOWN,
    TARN_FILE_CSV,
    TARN_FILE_JSON,   /* one document: an array of objects, or one object */
    TARN_FILE_NDJSON, /* one object a line */
    TARN_FILE_AVRO,
    TARN_FILE_PARQUET
} TarnFileFormat;

typedef enum TarnFileCompression {
    TARN_COMPRESSION_NONE,
    TARN_COMPRESSION_GZIP,
    TARN_COMPRESSION_ZSTD
} TarnFileCompression;

/* CSV dialect, found once and then frozen with the source. */
typedef struct TarnCsvDialect {
    char delimiter;
    char quote;  /* '\0' = none */
    char escape; /* '\0' = quote doubled */
    bool header;
    uint32_t skip_lines;
    const char *const *null_texts; /* unquoted values read as null; default "" */
    size_t null_text_count;
    /* Read as null in columns that are not strings ("NA" among numbers); found by inference. */
    const char *const *typed_null_texts;
    size_t typed_null_text_count;
    const char *date_format;      /* strptime-like; NULL = ISO 8601 */
    const char *timestamp_format; /* NULL = ISO 8601 */
} TarnCsvDialect;

/* One refused row (or a stretch of a file that cannot be read at all). */
typedef struct TarnReject {
    const char *reason; /* "column \"qty\": cannot read \"abc\" as int" */
    const char *column; /* NULL = the row as a whole */
    uint64_t line;      /* 1-based line of the row's first byte; 0 = none (binary formats) */
    uint64_t row;       /* 1-based row in the file, headers not counted; 0 = unknown */
    uint64_t offset;    /* bytes from the file's start (uncompressed) */
    TarnText bytes;     /* the row's original bytes */
} TarnReject;

/* What one piece brought. `array` is a struct array, one child per wanted column, then the row
 * number (uint64 -> int64 "row"); the receiver owns it. Rejects live until the slot's next call. */
typedef struct TarnBatch {
    struct ArrowArray array;
    uint64_t piece; /* 0, 1, 2 ... in file order; a piece of many rejects comes in parts */
    const TarnReject *rejects;
    size_t reject_count;
    uint64_t bytes; /* of input consumed */
} TarnBatch;

/* Fields of files that no column takes, and that had a value in a row that was read: a null, an
 * empty field of CSV, or what a refused row has is not lost. */
#define TARN_SOURCE_DROPPED_NAMES 32
typedef struct TarnSourceDropped {
    const char *names[TARN_SOURCE_DROPPED_NAMES]; /* in order; within a column: "address.zip" */
    size_t name_count;
    bool more;     /* there are others */
    uint64_t rows; /* that had a value in one of them */
} TarnSourceDropped;

typedef struct TarnSourceReader TarnSourceReader;

typedef struct TarnSourceOptions {
    TarnFileFormat format;
    TarnFileCompression compression;
    TarnCsvDialect csv;
    const TarnColumn *columns;
    size_t column_count;
    uint32_t slots; /* threads that will read; >= 1 */
    bool missing_as_null; /* an optional column the file does not have is null, not an error */
    /* A field that the columns do not name and that is not null refuses the row. */
    bool refuse_extra_fields;
    size_t piece_bytes; /* 0 = TARN_SOURCE_PIECE_BYTES; others are for tests */
} TarnSourceOptions;

/* Everything the options point at must outlive the reader. Errors: TARN_E_SOURCE_UNREADABLE when
 * the file as a whole cannot be understood (wrong header, not Avro), with what was expected. */
bool tarn_source_reader_open(const TarnOs *os, const char *path, const TarnSourceOptions *options,
                             TarnSourceReader **reader, TarnError *error) TARN_CHECKED;
/* Thread-safe for different slots. *more = false at the end (batch untouched then). An error is
 * of the file as a whole (I/O, interrupted); rows that do not fit are rejects, not errors. */
bool tarn_source_reader_next(TarnSourceReader *reader, uint32_t slot, TarnBatch *batch, bool *more,
                             TarnError *error) TARN_CHECKED;
/* The Arrow schema of the batches. */
bool tarn_source_reader_schema(TarnSourceReader *reader, struct ArrowSchema *schema,
                               TarnError *error) TARN_CHECKED;
/* Adds what was dropped, names in the arena: once no thread reads any more. Here and below, a
 * failure of the arena shows in it. */
void tarn_source_reader_dropped(const TarnSourceReader *reader, TarnArena *arena,
                                TarnSourceDropped *dropped);
void tarn_source_dropped_add(TarnSourceDropped *dropped, const char *name, TarnArena *arena);
void tarn_source_dropped_join(TarnSourceDropped *dropped, const TarnSourceDropped *other,
                              TarnArena *arena);
void tarn_source_reader_close(TarnSourceReader *reader); /* NULL is fine */

/* Format and compression from the name ("flights.csv.gz") and, if that says nothing, from the
 * first bytes. */
bool tarn_source_detect(const TarnOs *os, const char *path, TarnFileFormat *format,
                        TarnFileCompression *compression, TarnError *error) TARN_CHECKED;

/* Looks at a sample (the first and some later pieces) and says what is there: the dialect and the
 * columns with the narrowest type that reads every sampled value. Names are made unique and
 * non-empty. For Avro the file's own schema decides. */
typedef struct TarnSourceGuess {
    TarnCsvDialect csv;
    TarnColumn *columns;
    size_t column_count;
    uint64_t sampled_rows;
} TarnSourceGuess;
bool tarn_source_infer(const TarnOs *os, const char *path, TarnFileFormat format,
                       TarnFileCompression compression, const TarnCsvDialect *fixed,
                       TarnArena *arena, TarnSourceGuess *guess, TarnError *error) TARN_CHECKED;

/* Declared schemas: an Avro schema file (.avsc) or a JSON Schema (draft 2020-12's types, required,
 * properties, items, format date/date-time/uuid, enum and pattern refused by name). */
bool tarn_source_schema_file(const TarnOs *os, const char *path, TarnArena *arena,
                             TarnColumn **columns, size_t *count, TarnError *error) TARN_CHECKED;

#endif
