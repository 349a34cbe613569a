/* What the files of a load share. */
#ifndef TARN_FLOW_LOAD_PRIVATE_H
#define TARN_FLOW_LOAD_PRIVATE_H

#include <pthread.h>

#include "base/hash.h"
#include "flow/load.h"
#include "query/write.h"

/* Columns every loaded row carries after its own. */
#define TARN_INGEST_SOURCE "_ingest_source"
#define TARN_INGEST_FILE "_ingest_file"
#define TARN_INGEST_ROW "_ingest_row"
#define TARN_INGEST_TIME "_ingest_time"
#define TARN_INGEST_BATCH "_ingest_batch"

/* --- files (load_files.c) --- */

typedef struct TarnLoadFile {
    const char *path;
    uint64_t size;
    int64_t mtime_ns;
    uint64_t inode;
    char sha256[TARN_SHA256_HEX_BYTES];
    TarnFileFormat format;
    TarnFileCompression compression;
    bool done_before;     /* loaded by an earlier load */
    const char *refused;  /* why the file as a whole cannot be read; NULL = it can */
    const char *original; /* location of the copy kept; NULL = none */
    uint64_t rows;        /* read, refused ones included */
    uint64_t rejects;
} TarnLoadFile;

typedef struct TarnLoadFiles {
    TarnLoadFile *items;
    size_t count;
    size_t capacity;
} TarnLoadFiles;

/* Expands paths to regular files, sorted within each pattern, each once. TARN_E_SOURCE_NOT_FOUND
 * for a pattern that matches nothing. */
bool tarn_flow__load_expand(const TarnOs *os, const char *const *paths, size_t count,
                            TarnArena *arena, TarnLoadFiles *files, TarnError *error) TARN_CHECKED;
bool tarn_flow__load_hash(const TarnOs *os, TarnLoadFile *file, TarnError *error) TARN_CHECKED;
/* TARN_E_SOURCE_UNREADABLE if the file is not what it was when it was found. */
bool tarn_flow__load_unchanged(const TarnOs *os, const TarnLoadFile *file, TarnError *error)
    TARN_CHECKED;

/* --- refused rows (reject_spool.c) --- */

typedef struct TarnRejectSpool TarnRejectSpool;
bool tarn_flow__spool_new(const TarnOs *os, const char *scratch, TarnRejectSpool **spool,
                          TarnError *error) TARN_CHECKED;
void tarn_flow__spool_free(TarnRejectSpool *spool);
/* Thread-safe. */
bool tarn_flow__spool_add(TarnRejectSpool *spool, uint32_t file, const TarnReject *reject,
                          TarnError *error) TARN_CHECKED;
uint64_t tarn_flow__spool_count(const TarnRejectSpool *spool);
/* The rows as an Arrow stream: file int, reason, column utf8, line, row, offset int64, bytes
 * binary. Reads the spool once; the spool must outlive the stream. */
void tarn_flow__spool_stream(TarnRejectSpool *spool, struct ArrowArrayStream *stream);

/* --- rows (load_stream.c) --- */

typedef struct TarnLoadStream TarnLoadStream;

typedef struct TarnLoadStreamOptions {
    const TarnLoadOptions *load;
    TarnLoadFile *files;
    size_t file_count;
    const TarnColumn *columns;
    size_t column_count;
    TarnCsvDialect csv;
    TarnRejectSpool *spool;
    uint32_t slots;
    uint64_t bytes_total;
} TarnLoadStreamOptions;

/* Rows of the last column are `file index << TARN_LOAD_ROW_BITS | row number`. */
#define TARN_LOAD_ROW_BITS 40

bool tarn_flow__load_stream_new(const TarnLoadStreamOptions *options, TarnLoadStream **stream,
                                TarnError *error) TARN_CHECKED;
void tarn_flow__load_stream_free(TarnLoadStream *stream);
/* Adds the fields that no column took, once the stream has ended. */
void tarn_flow__load_stream_dropped(TarnLoadStream *stream, TarnArena *arena,
                                    TarnSourceDropped *dropped);
/* For tarn_engine_arrow_scan_parallel: get_next may be called by several threads. */
void tarn_flow__load_stream_arrow(TarnLoadStream *stream, struct ArrowArrayStream *arrow);
/* The error that ended the stream, if one did: better than what the engine makes of it. */
bool tarn_flow__load_stream_error(TarnLoadStream *stream, TarnError *error);

/* --- schema (load_schema.c) --- */

/* The table's fields as the columns a reader must deliver, ingest columns left out. */
bool tarn_flow__load_columns(const TarnSchema *schema, TarnArena *arena, TarnColumn **columns,
                             size_t *count, TarnError *error) TARN_CHECKED;
/* Columns of a file as a table's schema, ingest columns added; ids from 1 on. */
bool tarn_flow__load_schema(const TarnColumn *columns, size_t count, bool with_ingest,
                            TarnArena *arena, TarnSchema *schema, TarnError *error) TARN_CHECKED;
bool tarn_flow__load_is_ingest(const char *name);

/* --- the load itself --- */

/* A table the load writes to. */
typedef struct TarnLoadTarget {
    TarnTableName name;
    const TarnTable *base; /* NULL = made by this load */
    TarnTableMetadata *metadata; /* what rows are written under: base with updates, or new */
    TarnTableUpdate updates[2];  /* of the schema */
    size_t update_count;
    TarnTableRequirement requirements[2];
    size_t requirement_count;
    TarnWrittenFiles files;
    TarnSnapshotChange change;
    TarnProducerOptions producer_options;
    TarnSnapshotProducer *producer;
} TarnLoadTarget;

typedef struct TarnLoad {
    const TarnLoadOptions *options;
    TarnArena *arena;
    TarnError *error;
    TarnLoadResult *result;
    TarnLoadFiles files;
    uint64_t bytes_total;
    TarnColumn *columns;
    size_t column_count;
    const TarnWriteConstant *constants; /* ingest columns */
    size_t constant_count;
    TarnCsvDialect csv;
    bool csv_found; /* now, so that it is to be frozen */
    bool checked;   /* by the gate */
    TarnLoadTarget target;
    TarnLoadTarget quarantine;
    TarnIntent intent;
    bool intent_open;
    TarnRejectSpool *spool;
    TarnEngine *engine;
    TarnEngineSession *session;
    int64_t started_us;
    uint32_t threads;
} TarnLoad;

/* The first file that was not loaded before; UNKNOWN = of any format. NULL = none. */
const TarnLoadFile *tarn_flow__load_first(const TarnLoad *load, TarnFileFormat format);
/* What a Parquet file says its columns are. */
bool tarn_flow__load_parquet(TarnLoad *load, const TarnLoadFile *file, TarnColumn **columns,
                             size_t *count) TARN_CHECKED;
/* Dialect, columns, the table (made or evolved) and its quarantine (load_target.c). */
bool tarn_flow__load_targets(TarnLoad *load) TARN_CHECKED;
/* Rows and refused rows into data files (load_rows.c). */
bool tarn_flow__load_rows(TarnLoad *load) TARN_CHECKED;
bool tarn_flow__load_rejects(TarnLoad *load) TARN_CHECKED;

/* --- records (load_record.c) --- */

/* Sets done_before: the table has the file on the branch that is loaded onto. */
bool tarn_flow__load_known(const TarnLoad *load, TarnLoadFile *file) TARN_CHECKED;
/* Of all files of the branch: their rows are overwritten. */
bool tarn_flow__load_forget(const TarnLoad *load, TarnDb *db, TarnError *error) TARN_CHECKED;
bool tarn_flow__load_record(const TarnLoad *load, TarnDb *db, const TarnLoadFile *file,
                            TarnError *error) TARN_CHECKED;
bool tarn_flow__dialect_read(TarnDb *db, TarnTableName table, TarnArena *arena,
                             TarnCsvDialect *dialect, bool *found, TarnError *error) TARN_CHECKED;
bool tarn_flow__dialect_write(TarnDb *db, TarnTableName table, const TarnCsvDialect *dialect,
                              TarnError *error) TARN_CHECKED;

#endif
