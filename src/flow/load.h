/* Loading files into a table.
 *
 * Every row of every file ends in exactly one place: the table, its quarantine, or (on_error skip)
 * a count. A file is loaded once: its SHA-256 is on record with the table. Everything a load does
 * becomes visible in one commit or not at all: rows, quarantined rows, the record of the files,
 * the originals kept.
 *
 * Memory is bounded whatever the files' sizes: pieces of a file are parsed by the engine's own
 * threads as they ask for rows, refused rows wait in an unnamed file.
 */
#ifndef TARN_FLOW_LOAD_H
#define TARN_FLOW_LOAD_H

#include "catalog/catalog.h"
#include "engine/engine.h"
#include "flow/lake_config.h"
#include "os/os.h"
#include "source/source.h"

typedef enum TarnLoadMode {
    TARN_LOAD_APPEND,
    TARN_LOAD_OVERWRITE, /* replaces the table's rows */
    TARN_LOAD_MERGE      /* by key: not in this version */
} TarnLoadMode;

typedef struct TarnLoadProgress {
    uint64_t bytes;
    uint64_t bytes_total;
    uint64_t rows;
    uint64_t rejects;
    const char *file; /* being read */
} TarnLoadProgress;

struct TarnWrittenFiles;

/* What stands between a load's rows and those who read them. */
typedef struct TarnLoadGate {
    /* The rows are written and nobody can see them; false publishes nothing. *checked: checks were
     * made and passed, as a zone may require. */
    bool (*look)(void *state, const TarnTableMetadata *metadata,
                 const struct TarnWrittenFiles *files, bool *checked, TarnError *error);
    /* In the transaction that publishes them; may be called more than once. */
    bool (*record)(void *state, TarnDb *db, int64_t snapshot_id, TarnError *error);
    void *state;
} TarnLoadGate;

typedef struct TarnLoadOptions {
    const TarnOs *os;
    TarnCatalog *catalog;
    const char *const *paths; /* files, folders, globs (* ? [] and ** for folders) */
    size_t path_count;
    TarnTableName table;
    TarnLoadMode mode;
    const char *branch; /* rows go to this branch, made if missing; NULL = main */
    bool again; /* files that were loaded before are loaded like others; for overwriting */
    const TarnLoadGate *gate; /* NULL = none */
    const char *source;      /* name for the ingest columns; NULL = the table's name */
    const char *schema_file; /* NULL = infer, or the table's own if it exists */
    const char *const *partition_by;
    size_t partition_count; /* of a table that is made; else ignored unless different: an error */
    TarnOnError on_error;
    double max_error_rate;
    TarnDrift drift;
    TarnFileFormat format;     /* UNKNOWN = each file's own */
    const TarnCsvDialect *csv; /* NULL = found once, then frozen with the table */
    const char *scratch;       /* folder for spilling */
    uint64_t memory_bytes;     /* of the engine; 0 = TARN_LIMIT_LOAD_ENGINE_BYTES */
    uint32_t threads;          /* 0 = one per core */
    void (*progress)(void *state, const TarnLoadProgress *progress); /* any thread; may be NULL */
    void *progress_state;
} TarnLoadOptions;

typedef struct TarnLoadResult {
    const char *table; /* as text */
    const char *batch; /* the load's id: in the ingest columns and file names */
    uint64_t rows_in;
    uint64_t rows_loaded;
    uint64_t rows_quarantined;
    uint64_t rows_skipped;
    uint64_t files;         /* read */
    uint64_t files_skipped; /* loaded before */
    uint64_t files_refused; /* unreadable as a whole, in quarantine */
    uint64_t bytes;         /* of the source files */
    /* What no column of the table took; of Parquet files whole columns only. */
    TarnSourceDropped dropped;
    int64_t snapshot_id;    /* TARN_ABSENT = nothing new was there */
    bool created;
    double seconds;
} TarnLoadResult;

bool tarn_flow_load(const TarnLoadOptions *options, TarnArena *arena, TarnLoadResult *result,
                    TarnError *error) TARN_CHECKED;

/* "orders$quarantine" beside "orders" */
bool tarn_flow_quarantine_name(TarnTableName table, TarnArena *arena, TarnTableName *quarantine,
                               TarnError *error) TARN_CHECKED;
/* The columns of every quarantine, whoever puts rows aside. */
bool tarn_flow_quarantine_schema(TarnArena *arena, TarnSchema *schema,
                                 TarnError *error) TARN_CHECKED;

/* flow's own tables in the metadata database: loaded files, dialects, runs, checks. */
extern const char tarn_flow_schema_sql[];
/* What they gained with branches: files loaded onto one are on record with it. */
extern const char tarn_flow_branch_schema_sql[];

/* A table has another name, or is gone for good: its loaded files and dialect go with it. */
bool tarn_flow_load_move(TarnDb *db, TarnTableName from, TarnTableName to,
                         TarnError *error) TARN_CHECKED;
bool tarn_flow_load_forget(TarnDb *db, TarnTableName name, TarnError *error) TARN_CHECKED;

/* A branch of a table was published on another (NULL = main): files loaded onto the one now count
 * as loaded onto the other. For the hook of the commit that publishes. */
bool tarn_flow_load_published(TarnDb *db, TarnTableName table, const char *branch,
                              const char *target, TarnError *error) TARN_CHECKED;

#endif
