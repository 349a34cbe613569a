/* The query engine: DuckDB 1.5.5 behind one door.
 *
 * No other room sees a DuckDB type. The library is dlopened at the first tarn_engine_open() or
 * tarn_engine_library_load(), so that commands which only read metadata never pay for it. Every
 * DuckDB function the room may call is in one table (library_private.h); each of them catches its
 * own C++ exceptions.
 *
 *   TarnEngine *engine; TarnEngineSession *session; TarnEngineResult *result;
 *   tarn_engine_open(&options, &engine, error)
 *   tarn_engine_session_open(engine, &session, error)
 *   tarn_engine_lock(engine, directories, count, error)           once, before foreign SQL
 *   tarn_engine_query(session, sql, NULL, 0, &result, error)
 *   while (tarn_engine_result_next(result, &chunk, error) && chunk != NULL) ...
 *   tarn_engine_result_free(result); tarn_engine_session_close(session); tarn_engine_close(engine)
 *
 * Threads: an engine may be shared; a session, its results, appenders and streams belong to one
 * thread at a time; only tarn_engine_session_interrupt() may be called from another thread. A
 * session has at most one open result: a new statement ends the former one's stream.
 * Errors: SQL errors carry line and column (in code points) of the SQL given, the source line
 * with a caret in `detail`, DuckDB's suggestion in `hint`.
 * An internal (FATAL) error of DuckDB makes the engine dead: every later call returns
 * TARN_E_ENGINE until it is closed and opened again.
 */
#ifndef TARN_ENGINE_ENGINE_H
#define TARN_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/arrow.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "os/os.h"

typedef struct TarnEngine TarnEngine;
typedef struct TarnEngineSession TarnEngineSession;
typedef struct TarnEngineResult TarnEngineResult;
typedef struct TarnEngineAppender TarnEngineAppender;

/* ---- the library ------------------------------------------------------------------------- */

/* Finds and loads libduckdb.so; does nothing the second time. Places, in order: the file named by
 * TARN_DUCKDB_LIBRARY (then no other); beside the executable: ../lib, deps/duckdb-1.5.5/lib,
 * lib, the directory itself; the prefix given at build time; the dynamic loader's own path.
 * TARN_E_ENGINE_MISSING lists what was looked at. Another version than 1.5.5 is refused unless
 * TARN_DUCKDB_ANY_VERSION is set. Thread-safe. */
bool tarn_engine_library_load(TarnError *error) TARN_CHECKED;
bool tarn_engine_library_loaded(void);
const char *tarn_engine_library_version(void); /* "v1.5.5"; NULL before load */
const char *tarn_engine_library_path(void);    /* file loaded; NULL before load */

/* ---- engine ------------------------------------------------------------------------------ */

typedef struct TarnEngineOptions {
    const char *database;              /* file; NULL = in memory */
    uint64_t memory_limit_bytes;       /* 0 = DuckDB's own (80 % of the machine) */
    uint32_t threads;                  /* 0 = one per core */
    const char *temp_directory;        /* where operators spill; NULL = no spilling */
    uint64_t temp_directory_bytes_max; /* 0 = DuckDB's own (90 % of free space) */
    const char *extension_directory;   /* NULL = one that does not exist: nothing is installed */
    const char *const *extensions;     /* files to LOAD, in order (signed, exact version) */
    size_t extension_count;
    /* Bulk writing: false lets COPY and INSERT keep fewer rows in memory. Zero-initialised
     * options keep the order. */
    bool any_insertion_order;
    /* Files never change once written, so cached remote data need not be validated. */
    bool immutable_files;
} TarnEngineOptions;

/* NULL options = all zero. Extension auto-install and auto-load are off, persistent secrets are
 * off, TimeZone is UTC. */
bool tarn_engine_open(const TarnEngineOptions *options, TarnEngine **engine,
                      TarnError *error) TARN_CHECKED;
void tarn_engine_close(TarnEngine *engine); /* sessions first; NULL is fine */
bool tarn_engine_dead(const TarnEngine *engine);

/* What opens the objects of one prefix on S3. */
typedef struct TarnEngineS3 {
    const char *const *scopes; /* "s3://bucket/prefix/", in each spelling that is used */
    size_t scope_count;
    const char *host; /* "127.0.0.1:9000" */
    bool secure;
    bool path_style;
    const char *region;
    const char *access_key;
    const char *secret_key;
    const char *session_token; /* "" = none */
} TarnEngineS3;

/* Loads DuckDB's httpfs from beside libduckdb.so (TARN_DUCKDB_HTTPFS names another file), before
 * the engine is locked. TARN_E_ENGINE_MISSING if it is not there. */
bool tarn_engine_s3_load(TarnEngine *engine, const TarnOs *os, TarnError *error) TARN_CHECKED;
/* Makes or replaces the secret `name`; also once the engine is locked. */
bool tarn_engine_s3_secret(TarnEngine *engine, const char *name, const TarnEngineS3 *s3,
                           TarnError *error) TARN_CHECKED;

/* From here on, for all sessions: SQL reads and writes only below `directories` (paths or URLs;
 * none = no files at all), no ATTACH, INSTALL, LOAD, and no setting can be changed. Does not
 * guard tables of the instance from one another: which statements run is query/'s decision.
 * Session settings (tarn_engine_session_set) must be made before. */
bool tarn_engine_lock(TarnEngine *engine, const char *const *directories, size_t count,
                      TarnError *error) TARN_CHECKED;

/* ---- session ----------------------------------------------------------------------------- */

bool tarn_engine_session_open(TarnEngine *engine, TarnEngineSession **session,
                              TarnError *error) TARN_CHECKED;
void tarn_engine_session_close(TarnEngineSession *session); /* NULL is fine */
/* From any thread: the running statement of the session ends with TARN_E_INTERRUPTED. Nothing
 * happens when none is running. */
void tarn_engine_session_interrupt(TarnEngineSession *session);

/* Who watches the statements of a session; all zero at first. */
typedef struct TarnEngineWatch {
    /* Called about ten times a second while a statement computes; percent is -1 while unknown.
     * It comes from another thread, but only while the session's own thread waits inside an
     * engine call, so it never runs beside the caller's code. Neither callback may call the
     * engine. */
    void (*progress)(void *state, double percent, uint64_t rows_done, uint64_t rows_total);
    /* Called from that thread every few milliseconds: true stops the statement. NULL =
     * tarn_os_interrupted(), that is Ctrl-C. */
    bool (*interrupted)(void *state);
    void *state;
    int64_t timeout_ms; /* 0 = none; from a statement's start to its last row: TARN_E_TIMEOUT */
} TarnEngineWatch;
void tarn_engine_session_watch(TarnEngineSession *session, const TarnEngineWatch *watch);
/* As another one is watched, which may be of another engine: for one statement run by two. */
void tarn_engine_session_watch_as(TarnEngineSession *session, const TarnEngineSession *other);

/* Sets a DuckDB setting of this session: SET SESSION name = 'value'. */
bool tarn_engine_session_set(TarnEngineSession *session, const char *name, const char *value,
                             TarnError *error) TARN_CHECKED;

/* ---- types and values -------------------------------------------------------------------- */

typedef enum TarnEngineKind { /* in comments: the element type of TarnEngineVector.data */
    TARN_ENGINE_INVALID,      /* a type tarn does not know: only NULL or not can be told */
    TARN_ENGINE_NULL,         /* the type of a bare NULL: every row is null */
    TARN_ENGINE_BOOLEAN,      /* bool (1 byte) */
    TARN_ENGINE_TINYINT,      /* int8_t */
    TARN_ENGINE_SMALLINT,     /* int16_t */
    TARN_ENGINE_INTEGER,      /* int32_t */
    TARN_ENGINE_BIGINT,       /* int64_t */
    TARN_ENGINE_HUGEINT,      /* TarnEngineInt128 */
    TARN_ENGINE_UTINYINT,     /* uint8_t */
    TARN_ENGINE_USMALLINT,    /* uint16_t */
    TARN_ENGINE_UINTEGER,     /* uint32_t */
    TARN_ENGINE_UBIGINT,      /* uint64_t */
    TARN_ENGINE_UHUGEINT,     /* TarnEngineInt128, both halves unsigned */
    TARN_ENGINE_FLOAT,        /* float */
    TARN_ENGINE_DOUBLE,       /* double */
    TARN_ENGINE_DECIMAL,      /* unscaled: width <= 4 int16_t, <= 9 int32_t, <= 18 int64_t, else
                                 TarnEngineInt128 */
    TARN_ENGINE_DATE,         /* int32_t days since 1970-01-01; INT32_MAX, -INT32_MAX infinite */
    TARN_ENGINE_TIME,         /* int64_t microseconds of the day, 0..86400000000 */
    TARN_ENGINE_TIME_NS,      /* int64_t nanoseconds of the day */
    TARN_ENGINE_TIME_TZ,      /* uint64_t: microseconds << 24 | (16*60*60-1 - offset seconds) */
    TARN_ENGINE_TIMESTAMP,    /* int64_t microseconds; INT64_MAX, -INT64_MAX infinite */
    TARN_ENGINE_TIMESTAMP_S,  /* int64_t seconds */
    TARN_ENGINE_TIMESTAMP_MS, /* int64_t milliseconds */
    TARN_ENGINE_TIMESTAMP_NS, /* int64_t nanoseconds */
    TARN_ENGINE_TIMESTAMP_TZ, /* int64_t microseconds in UTC */
    TARN_ENGINE_INTERVAL,     /* TarnEngineInterval */
    TARN_ENGINE_VARCHAR,      /* tarn_engine_vector_text(); UTF-8 */
    TARN_ENGINE_BLOB,         /* tarn_engine_vector_text(); bytes */
    TARN_ENGINE_BIT,          /* tarn_engine_vector_text(): padding count, then the bits */
    TARN_ENGINE_BIGNUM,       /* tarn_engine_vector_text(): DuckDB's own encoding */
    TARN_ENGINE_GEOMETRY,     /* tarn_engine_vector_text(): WKB */
    TARN_ENGINE_UUID,         /* TarnEngineInt128 with the top bit flipped */
    TARN_ENGINE_ENUM,         /* uint8_t, uint16_t or uint32_t by enum_bytes: index of a word;
                                 tarn_engine_vector_text() gives the word */
    TARN_ENGINE_LIST,         /* tarn_engine_vector_list(); children[0] = elements */
    TARN_ENGINE_ARRAY,        /* rows * array_size elements in children[0] */
    TARN_ENGINE_MAP,          /* a list of structs: children[0].children[0] keys, [1] values */
    TARN_ENGINE_STRUCT,       /* one child per field */
    TARN_ENGINE_VARIANT,      /* only NULL or not can be told: the SQL casts it to JSON */
    TARN_ENGINE_UNION,        /* children[0] = tag (uint8_t), then one child per member */
    TARN_ENGINE_KIND_COUNT
} TarnEngineKind;

typedef struct TarnEngineInt128 { /* two's complement unless the kind is unsigned */
    uint64_t lower;
    int64_t upper;
} TarnEngineInt128;

typedef struct TarnEngineInterval {
    int32_t months;
    int32_t days;
    int64_t micros;
} TarnEngineInterval;

typedef struct TarnEngineType TarnEngineType;
struct TarnEngineType {
    TarnEngineKind kind;
    uint8_t width; /* DECIMAL: digits */
    uint8_t scale; /* DECIMAL */
    uint8_t enum_bytes;
    uint32_t array_size;
    const char *alias;     /* "JSON" (its kind is VARCHAR), names of user types; or NULL */
    uint32_t child_count;  /* LIST, ARRAY 1; MAP 2 (key, value); STRUCT fields; UNION members */
    TarnEngineType *children;
    const char *const *names; /* STRUCT, UNION: one per child; else NULL */
    uint32_t word_count;      /* ENUM */
    const TarnText *words;
};
/* The type as SQL: DECIMAL(10,2), STRUCT(a INTEGER, "b c" VARCHAR[]), MAP(VARCHAR, BIGINT). */
void tarn_engine_type_write(const TarnEngineType *type, TarnBuffer *out);

/* A column of a chunk. Valid as long as its chunk. Values of null rows are undefined. */
typedef struct TarnEngineVector TarnEngineVector;
struct TarnEngineVector {
    const TarnEngineType *type;
    const uint64_t *validity; /* bit (row % 64) of word (row / 64): 1 = there; NULL = all there */
    const void *data;         /* by kind; NULL for STRUCT, UNION and ARRAY */
    uint64_t rows;
    TarnEngineVector *children; /* see TarnEngineKind; MAP has one child: the STRUCT of its type */
    uint32_t child_count;
};

typedef struct TarnEngineChunk {
    uint64_t rows;
    uint32_t column_count;
    const TarnEngineVector *columns;
} TarnEngineChunk;

static inline bool tarn_engine_vector_null(const TarnEngineVector *vector, uint64_t row) {
    return vector->validity != NULL && (vector->validity[row / 64] >> (row % 64) & 1) == 0;
}
/* VARCHAR, BLOB, BIT, BIGNUM, GEOMETRY, ENUM; empty for other kinds. */
TarnText tarn_engine_vector_text(const TarnEngineVector *vector, uint64_t row);
/* LIST, MAP, ARRAY: elements offset .. offset + length - 1 of children[0]. */
void tarn_engine_vector_list(const TarnEngineVector *vector, uint64_t row, uint64_t *offset,
                             uint64_t *length);
/* Any integer, BOOLEAN, DATE, TIME, TIMESTAMP*, DECIMAL (unscaled): false if null, of another
 * kind or beyond int64. */
bool tarn_engine_vector_int64(const TarnEngineVector *vector, uint64_t row, int64_t *value);
/* FLOAT, DOUBLE, DECIMAL, any integer and what int64 takes: false if null or of another kind. */
bool tarn_engine_vector_double(const TarnEngineVector *vector, uint64_t row, double *value);

/* What DuckDB's CAST(value AS VARCHAR) gives under TimeZone UTC. false = the row is null and
 * nothing was written (a null inside a list, struct or map is written as NULL). */
bool tarn_engine_value_text(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out);
/* One JSON value. Numbers are exact (integers, HUGEINT, DECIMAL as their digits; FLOAT, DOUBLE
 * shortest that reads back), NaN and infinities are strings; dates, times, timestamps ISO 8601
 * strings, with "Z" for TIMESTAMP WITH TIME ZONE; BLOB base64; lists arrays; structs objects;
 * maps objects if the keys are strings, else arrays of {"key":..,"value":..}; unions the value of
 * the member; the JSON type is embedded as it is when it is valid JSON, else a string. */
void tarn_engine_value_json(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out);

/* ---- running SQL ------------------------------------------------------------------------- */

typedef enum TarnEngineParamKind {
    TARN_ENGINE_PARAM_NULL,
    TARN_ENGINE_PARAM_BOOL,
    TARN_ENGINE_PARAM_INT64,
    TARN_ENGINE_PARAM_DOUBLE,
    TARN_ENGINE_PARAM_TEXT, /* must be UTF-8 */
    TARN_ENGINE_PARAM_BLOB
} TarnEngineParamKind;

typedef struct TarnEngineParam {
    TarnEngineParamKind kind;
    bool boolean;
    int64_t int64;
    double real;
    TarnText text; /* TEXT, BLOB */
} TarnEngineParam;

static inline TarnEngineParam tarn_engine_param_null(void) {
    return (TarnEngineParam){.kind = TARN_ENGINE_PARAM_NULL};
}
static inline TarnEngineParam tarn_engine_param_bool(bool value) {
    return (TarnEngineParam){.kind = TARN_ENGINE_PARAM_BOOL, .boolean = value};
}
static inline TarnEngineParam tarn_engine_param_int64(int64_t value) {
    return (TarnEngineParam){.kind = TARN_ENGINE_PARAM_INT64, .int64 = value};
}
static inline TarnEngineParam tarn_engine_param_double(double value) {
    return (TarnEngineParam){.kind = TARN_ENGINE_PARAM_DOUBLE, .real = value};
}
static inline TarnEngineParam tarn_engine_param_text(TarnText value) {
    return (TarnEngineParam){.kind = TARN_ENGINE_PARAM_TEXT, .text = value};
}
static inline TarnEngineParam tarn_engine_param_blob(TarnText value) {
    return (TarnEngineParam){.kind = TARN_ENGINE_PARAM_BLOB, .text = value};
}

typedef enum TarnEngineStatementKind {
    TARN_ENGINE_STATEMENT_OTHER, /* parsed by DuckDB, but not one of these */
    TARN_ENGINE_STATEMENT_SELECT, /* also VALUES, FROM, DESCRIBE, SUMMARIZE, SHOW of a query */
    TARN_ENGINE_STATEMENT_INSERT,
    TARN_ENGINE_STATEMENT_UPDATE,
    TARN_ENGINE_STATEMENT_DELETE,
    TARN_ENGINE_STATEMENT_MERGE,
    TARN_ENGINE_STATEMENT_TRUNCATE,
    TARN_ENGINE_STATEMENT_COPY,
    TARN_ENGINE_STATEMENT_CREATE,
    TARN_ENGINE_STATEMENT_ALTER,
    TARN_ENGINE_STATEMENT_DROP,
    TARN_ENGINE_STATEMENT_COMMENT,
    TARN_ENGINE_STATEMENT_EXPLAIN,
    TARN_ENGINE_STATEMENT_TRANSACTION, /* BEGIN, COMMIT, ROLLBACK and their synonyms */
    TARN_ENGINE_STATEMENT_SET,         /* SET, RESET */
    TARN_ENGINE_STATEMENT_USE,
    TARN_ENGINE_STATEMENT_SHOW, /* SHOW that is no query: SHOW TABLES, SHOW setting */
    TARN_ENGINE_STATEMENT_PRAGMA,
    TARN_ENGINE_STATEMENT_CALL,
    TARN_ENGINE_STATEMENT_PREPARE,
    TARN_ENGINE_STATEMENT_EXECUTE,
    TARN_ENGINE_STATEMENT_DEALLOCATE,
    TARN_ENGINE_STATEMENT_ATTACH,
    TARN_ENGINE_STATEMENT_DETACH,
    TARN_ENGINE_STATEMENT_EXPORT, /* EXPORT, IMPORT DATABASE */
    TARN_ENGINE_STATEMENT_LOAD,   /* LOAD, INSTALL, UPDATE EXTENSIONS */
    TARN_ENGINE_STATEMENT_VACUUM, /* VACUUM, ANALYZE, CHECKPOINT */
    TARN_ENGINE_STATEMENT_KIND_COUNT
} TarnEngineStatementKind;
const char *tarn_engine_statement_name(TarnEngineStatementKind kind); /* "SELECT" */

/* Runs one statement; its rows are computed as they are fetched, so memory stays bounded.
 * Parameters fill $1.. or ?.. in order; their number must fit. The result is the caller's to
 * free. TARN_E_SQL_SYNTAX, SQL_BIND, SQL_EXECUTION, SQL_UNSUPPORTED, STATEMENT_REFUSED (the lock
 * refuses), INTERRUPTED, TIMEOUT, OUT_OF_MEMORY, DISK_FULL, IO, ENGINE. */
bool tarn_engine_query(TarnEngineSession *session, TarnText sql, const TarnEngineParam *params,
                       size_t param_count, TarnEngineResult **result,
                       TarnError *error) TARN_CHECKED;
/* The columns a statement without parameters yields, without running it: a result of no rows. */
bool tarn_engine_describe(TarnEngineSession *session, TarnText sql, TarnEngineResult **result,
                          TarnError *error) TARN_CHECKED;
/* Runs a script of any number of statements to its end and forgets the rows; *rows_changed (may
 * be NULL) is the last statement's count. */
bool tarn_engine_run(TarnEngineSession *session, TarnText sql, int64_t *rows_changed,
                     TarnError *error) TARN_CHECKED;
/* One row, one column: its text as of tarn_engine_value_text in the arena; *text.data is NULL for
 * no row or null. */
bool tarn_engine_query_text(TarnEngineSession *session, TarnText sql,
                            const TarnEngineParam *params, size_t param_count, TarnArena *arena,
                            TarnText *text, TarnError *error) TARN_CHECKED;

uint32_t tarn_engine_result_column_count(const TarnEngineResult *result);
const char *tarn_engine_result_column_name(const TarnEngineResult *result, uint32_t column);
const TarnEngineType *tarn_engine_result_column_type(const TarnEngineResult *result,
                                                     uint32_t column);
/* Rows an INSERT, UPDATE, DELETE, MERGE or COPY changed; -1 for other statements. */
int64_t tarn_engine_result_rows_changed(const TarnEngineResult *result);
/* The next rows (at most 2048), valid until the next call or free; *chunk = NULL at the end. */
bool tarn_engine_result_next(TarnEngineResult *result, const TarnEngineChunk **chunk,
                             TarnError *error) TARN_CHECKED;
void tarn_engine_result_free(TarnEngineResult *result); /* stops what still runs; NULL is fine */

/* ---- Arrow ------------------------------------------------------------------------------- */

/* The result as a stream of batches. The stream owns the result from here on (also when this
 * fails); release it before the session closes. */
bool tarn_engine_result_arrow_stream(TarnEngineResult *result, struct ArrowArrayStream *stream,
                                     TarnError *error) TARN_CHECKED;
/* Makes `view_name` (a temporary view of this session) read the stream: once, by one statement,
 * columns by name. The engine owns the stream from here on (also when this fails) and releases
 * it when it is read to its end, dropped, or the session closes. Rows beyond 2048 a batch are
 * cut by the engine; zero-copy for batches up to that. */
bool tarn_engine_arrow_scan(TarnEngineSession *session, const char *view_name,
                            struct ArrowArrayStream *stream, TarnError *error) TARN_CHECKED;
/* The same for a stream whose get_next may be called by several threads at once: each takes its
 * own batches and is told the end of the stream itself. As many threads read as the engine has if
 * it was opened with any_insertion_order, else one. The stream is released when it is dropped or
 * the session closes, not at its end. get_last_error must be safe to call from the thread whose
 * get_next failed while others read. */
bool tarn_engine_arrow_scan_parallel(TarnEngineSession *session, const char *view_name,
                                     struct ArrowArrayStream *stream,
                                     TarnError *error) TARN_CHECKED;
bool tarn_engine_arrow_drop(TarnEngineSession *session, const char *view_name,
                            TarnError *error) TARN_CHECKED;

/* ---- appender ---------------------------------------------------------------------------- */

/* Rows into a table of the instance (not of the lake). A failed append shows at end_row. */
bool tarn_engine_appender_open(TarnEngineSession *session, const char *schema, const char *table,
                               TarnEngineAppender **appender, TarnError *error) TARN_CHECKED;
void tarn_engine_appender_put(TarnEngineAppender *appender, const TarnEngineParam *value);
bool tarn_engine_appender_end_row(TarnEngineAppender *appender, TarnError *error) TARN_CHECKED;
/* Writes what is buffered and frees the appender, also when it fails (then rows are missing). */
bool tarn_engine_appender_close(TarnEngineAppender *appender, TarnError *error) TARN_CHECKED;

/* ---- syntax trees ------------------------------------------------------------------------ */

typedef struct TarnEngineStatement {
    TarnEngineStatementKind kind;
    TarnText text;   /* within the script, without the semicolon and outer space and comments */
    size_t offset;   /* bytes from the script's start to text */
    uint32_t line;   /* of text in the script, 1-based */
    uint32_t column; /* in code points, 1-based */
} TarnEngineStatement;

/* Splits a script; nothing is bound or run. SELECT is told by DuckDB's own parser, the others
 * by their leading words after DuckDB has accepted their syntax. */
bool tarn_engine_statements(TarnEngineSession *session, TarnText sql, TarnArena *arena,
                            TarnEngineStatement **statements, size_t *count,
                            TarnError *error) TARN_CHECKED;
/* The syntax tree of SELECT statements as DuckDB's json_serialize_sql gives it (the whole
 * answer: member "statements" is an array of {"node":..,"named_param_map":..}). TARN_E_SQL_SYNTAX
 * with place, TARN_E_SQL_UNSUPPORTED for statements that are not SELECT. */
bool tarn_engine_parse(TarnEngineSession *session, TarnText sql, TarnArena *arena,
                       TarnJson **tree, TarnError *error) TARN_CHECKED;
/* The reverse: SQL text in the arena. */
bool tarn_engine_deparse(TarnEngineSession *session, const TarnJson *tree, TarnArena *arena,
                         TarnText *sql, TarnError *error) TARN_CHECKED;
/* The bound, unoptimised plan of SELECT statements against the session's tables
 * (json_serialize_plan: member "plans"). */
bool tarn_engine_plan(TarnEngineSession *session, TarnText sql, TarnArena *arena, TarnJson **plan,
                      TarnError *error) TARN_CHECKED;

/* ---- writing Parquet --------------------------------------------------------------------- */

typedef struct TarnEngineCopyOptions {
    const char *path;            /* one file; or the directory when there are partitions or
                                    file_size_bytes (missing parents are the caller's to make) */
    const char *field_ids;       /* SQL of FIELD_IDS, e.g. {id:1, l:{__duckdb_field_id:2,
                                    element:3}}; NULL = none */
    const char *compression;     /* NULL = zstd */
    int compression_level;       /* zstd; 0 = DuckDB's default */
    uint64_t row_group_rows;     /* 0 = DuckDB's default */
    uint64_t row_group_bytes;    /* 0 = none; needs an engine with any_insertion_order */
    uint64_t file_size_bytes;    /* start a new file about here; 0 = one file per thread or path */
    const char *const *partition_columns; /* columns of the select to partition by */
    size_t partition_count;
    bool drop_partition_columns; /* leave them out of the files (Iceberg wants them in) */
    const TarnText *metadata;    /* key, value, key, value, .. for the footer */
    size_t metadata_count;       /* pairs */
    const char *filename_pattern; /* "data_{uuidv7}"; NULL = "{uuid}"; needs a directory */
    bool bloom_filters_off;
    /* A column chunk with so many distinct values still gets a dictionary, and with it a Bloom
     * filter. 0 = DuckDB's default, a part of the row group's. 32 bytes for each are reserved for
     * each column. */
    uint64_t dictionary_values;
    double bloom_filter_ratio; /* of false positives; 0 = DuckDB's default, 0.01 */
    /* Memory and number of files of a partitioned copy; see README.md for figures. */
    uint32_t open_files_max; /* partitions written at once: beyond it files are closed and new
                                ones begun, so unsorted rows of more partitions than this become
                                a flood of small files; 0 = 100. Sorted rows need one. */
    uint64_t partition_rows; /* rows a thread gathers before it gives them to the partitions'
                                files; 0 = 524288. A row group is kept in memory per open file. */
} TarnEngineCopyOptions;

typedef struct TarnEngineFile {
    const char *path; /* as the engine wrote it */
    int64_t row_count;
    int64_t file_size_bytes;
    int64_t footer_size_bytes;
    size_t partition_count;
    const char **partition_names;
    TarnText *partition_values; /* text; data == NULL for a null partition */
} TarnEngineFile;

/* COPY (select_sql) TO .. (FORMAT parquet, ..): one record per file written. A failed copy leaves
 * files behind: the caller has recorded the intent and sweeps. Durable only after the caller has
 * synced them. An empty select writes one file without rows, or none when partitioned.
 * open_files_max and partition_rows are settings of the session, which a locked engine refuses to
 * change. */
bool tarn_engine_copy_to_parquet(TarnEngineSession *session, TarnText select_sql,
                                 const TarnEngineCopyOptions *options, TarnArena *arena,
                                 TarnEngineFile **files, size_t *count,
                                 TarnError *error) TARN_CHECKED;

/* ---- scalar functions in C --------------------------------------------------------------- */

/* Where a scalar function puts its values. */
typedef struct TarnEngineOutput TarnEngineOutput;
struct TarnEngineOutput {
    TarnEngineKind kind;
    uint64_t rows;
    void *data; /* rows elements by kind; not for VARCHAR and BLOB */
    void *vector;
};
void tarn_engine_output_null(TarnEngineOutput *output, uint64_t row);
void tarn_engine_output_text(TarnEngineOutput *output, uint64_t row, TarnText text);

/* Computes `output` for every row. Runs in DuckDB's threads, several at once. false = the
 * statement fails with the error's message as TARN_E_SQL_EXECUTION. */
typedef bool (*TarnEngineScalarCall)(void *state, const TarnEngineVector *arguments,
                                     uint32_t argument_count, TarnEngineOutput *output,
                                     TarnError *error);

typedef struct TarnEngineScalar {
    const char *name;
    const TarnEngineKind *arguments; /* kinds BOOLEAN..BLOB without DECIMAL */
    uint32_t argument_count;
    TarnEngineKind result;
    bool sees_nulls;  /* false: a null argument makes a null without a call for that row's value */
    bool is_volatile; /* not folded, called for every row */
    TarnEngineScalarCall call;
    void *state;
    void (*state_free)(void *state); /* when the engine is closed; NULL = none */
} TarnEngineScalar;
/* For all sessions of the session's engine. Owns state from here on, also when it fails. */
bool tarn_engine_scalar_register(TarnEngineSession *session, const TarnEngineScalar *scalar,
                                 TarnError *error) TARN_CHECKED;

#endif
