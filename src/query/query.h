/* The life of one statement: classify, parse, bind, prune, rewrite, run, commit, record.
 *
 *   tarn_query_open(&options, &query, error)
 *   tarn_query_run(query, text, &run, &statement, error)
 *   while (tarn_query_next(statement, &chunk, error) && chunk != NULL) ...
 *   tarn_query_statement_free(statement); tarn_query_close(query)
 *
 * In the engine each zone is an attached database and each namespace below it a schema, so that
 * users' SQL runs as they wrote it: "raw.flights" is table flights of the database raw, and
 * "raw.crm.accounts" table accounts of schema crm. For binding, a table is an empty table; for
 * running, it is replaced by a view over the files that survive pruning.
 *
 * Which statements run: SELECT in all forms over the lake's tables, views and metadata tables
 * ("t$snapshots"); INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY, CREATE TABLE [AS], ALTER TABLE,
 * DROP, CREATE VIEW, CREATE and DROP SCHEMA, DESCRIBE, SHOW, EXPLAIN. All others, and functions
 * that read anything else, are refused.
 */
#ifndef TARN_QUERY_QUERY_H
#define TARN_QUERY_QUERY_H

#include "catalog/catalog.h"
#include "engine/engine.h"
#include "govern/lineage.h"
#include "query/bound_plan.h"

typedef struct TarnQuery TarnQuery;
typedef struct TarnStatement TarnStatement;

/* What the options point at must outlive the query. */
typedef struct TarnQueryOptions {
    TarnCatalog *catalog;
    TarnEngineOptions engine;
    /* COPY may read and write files of this machine, with the rights of this process: for those
     * whose process it is. Never the lake's own: the warehouse, the roots of registered tables,
     * engine.temp_directory (which COPY .. TO needs) and `own_folder` (NULL = none). */
    bool local_files;
    const char *own_folder;
    /* Called after each statement that ran, for history, lineage and audit; may be NULL. */
    void (*record)(void *state, const TarnStatement *statement);
    void *record_state;
} TarnQueryOptions;

/* Opens an engine of its own and locks it to the warehouse and the catalog's roots. */
bool tarn_query_open(const TarnQueryOptions *options, TarnQuery **query,
                     TarnError *error) TARN_CHECKED;
void tarn_query_close(TarnQuery *query);
/* For loads and pipelines, which feed and run the engine themselves. */
TarnEngineSession *tarn_query_session(TarnQuery *query);
TarnCatalog *tarn_query_catalog(TarnQuery *query);
/* The branch of everything that runs from now on and names none itself (NULL = main); see
 * TarnRunOptions. The text must outlive the query. */
void tarn_query_branch_set(TarnQuery *query, const char *branch);

typedef struct TarnRunOptions {
    const char *as_of; /* snapshot id, time, branch or tag for every table; NULL = now */
    /* Tables are read from this branch where they have it, else from main, and written on it: it
     * is made at main's head where it is missing. NULL = main. Columns are a table's, not a
     * branch's: what ALTER TABLE changes is seen on all branches. */
    const char *branch;
    const char *file;  /* named in errors; NULL = none */
    uint32_t line;     /* where the text starts in the file, 1-based; 0 = 1 */
    uint32_t column;
} TarnRunOptions;

typedef enum TarnStatementKind {
    TARN_STATEMENT_SELECT,
    TARN_STATEMENT_INSERT,
    TARN_STATEMENT_DELETE,
    TARN_STATEMENT_UPDATE,
    TARN_STATEMENT_MERGE,
    TARN_STATEMENT_TRUNCATE,
    TARN_STATEMENT_COPY_FROM,
    TARN_STATEMENT_COPY_TO,
    TARN_STATEMENT_ANALYZE,
    TARN_STATEMENT_BEGIN,
    TARN_STATEMENT_COMMIT,
    TARN_STATEMENT_ROLLBACK,
    TARN_STATEMENT_CREATE_TABLE,
    TARN_STATEMENT_CREATE_TABLE_AS,
    TARN_STATEMENT_ALTER_TABLE,
    TARN_STATEMENT_DROP,
    TARN_STATEMENT_UNDROP,
    TARN_STATEMENT_CREATE_VIEW,
    TARN_STATEMENT_ALTER_VIEW,
    TARN_STATEMENT_CREATE_SCHEMA,
    TARN_STATEMENT_DESCRIBE,
    TARN_STATEMENT_SHOW,
    TARN_STATEMENT_EXPLAIN
} TarnStatementKind;

/* What was planned and read for one table of a statement. */
typedef struct TarnScanStats {
    TarnTableName table;
    int64_t snapshot_id; /* TARN_ABSENT = empty table */
    int64_t files_total;
    int64_t files;
    int64_t bytes;
    int64_t rows; /* in those files */
} TarnScanStats;

struct TarnStatement {
    TarnStatementKind kind;
    TarnText text;
    TarnEngineResult *rows; /* NULL = the statement has none */
    int64_t rows_changed;   /* -1 = does not apply */
    int64_t snapshot_id;    /* committed by it; TARN_ABSENT = none */
    const char *message;    /* what was done, for people: "created table raw.t"; NULL = only rows */
    TarnScanStats *scans;
    size_t scan_count;
    const TarnBoundPlan *plan; /* of the SELECT in it; NULL = none */
    int64_t started_us;
    TarnArena arena;
    TarnQuery *query;
};

/* Runs one statement (without its semicolon). SELECTs have not been read yet when it returns. */
bool tarn_query_run(TarnQuery *query, TarnText text, const TarnRunOptions *options,
                    TarnStatement **statement, TarnError *error) TARN_CHECKED;
void tarn_query_statement_free(TarnStatement *statement); /* NULL is fine */
/* After reading a statement's rows failed: if the error is about a data file, its store is asked
 * what is the matter, and the error names that, the file and the table. tarn_query_run() does so
 * itself. */
void tarn_query_failure(TarnQuery *query, TarnError *error);
/* A transaction has begun and has not ended; closing the query rolls it back. */
bool tarn_query_in_transaction(const TarnQuery *query);

/* A script's statements: text without the semicolon, and where each begins. */
typedef struct TarnScriptPart {
    TarnText text;
    uint32_t line;
    uint32_t column;
} TarnScriptPart;
bool tarn_query_split(TarnText script, TarnArena *arena, TarnScriptPart **parts, size_t *count,
                      TarnError *error) TARN_CHECKED;

/* Binds a SELECT without running it: output columns as Iceberg types (ids from 1 on), tables read
 * and lineage; for pipelines, views and checks. The engine is left able to run `select_sql` by
 * tarn_engine_query on tarn_query_session() until the next call. */
typedef struct TarnSelectInfo {
    TarnSchema schema;
    const TarnBoundPlan *plan;
    TarnScanStats *scans;
    size_t scan_count;
    TarnText sql; /* what to run: the given text with time travel resolved */
} TarnSelectInfo;
bool tarn_query_prepare_select(TarnQuery *query, TarnText select_sql,
                               const TarnRunOptions *options, TarnArena *arena,
                               TarnSelectInfo *info, TarnError *error) TARN_CHECKED;
/* The lineage of a SELECT that was written into a table, for tarn_govern_lineage_replace().
 * Statements record theirs by themselves, with their commit. */
bool tarn_query_lineage_edges(const TarnBoundPlan *plan, const TarnScanStats *scans,
                              size_t scan_count, TarnArena *arena, TarnLineageEdge **edges,
                              size_t *count, TarnError *error) TARN_CHECKED;
/* The names of tables and views a SELECT refers to, found by parsing alone (nothing needs to
 * exist): the edges of a pipeline's graph. */
bool tarn_query_references(TarnQuery *query, TarnText select_sql, TarnArena *arena,
                           TarnTableName **names, size_t *count, TarnError *error) TARN_CHECKED;

#endif
