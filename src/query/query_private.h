/* What the files of a statement's life share. */
#ifndef TARN_QUERY_QUERY_PRIVATE_H
#define TARN_QUERY_QUERY_PRIVATE_H

#include "query/file_lists_private.h"
#include "query/marks_private.h"
#include "query/parse_private.h"
#include "query/query.h"
#include "table/scan.h"

struct TarnQuery {
    TarnQueryOptions options;
    TarnCatalog *catalog;
    TarnEngine *engine;
    TarnEngineSession *session;
    /* An intent recorded by the last commit for the next one, and where its files would go. */
    TarnIntent intent;
    char *intent_location; /* NULL = none */
    int64_t keys_expire_us; /* of those for S3 that the engine has; INT64_MAX = never */
    bool keeps_footers;    /* the engine does: see prepare.c */
    bool clusters;         /* the functions of cluster.c are registered */
    bool has_returned;     /* tables of returning.c are there */
    const char *branch;    /* of runs that name none; NULL = main */
    TarnFileLists *file_lists; /* of the statement prepared last; the engine frees it */
    TarnMarks *marks;          /* of the statement that runs; likewise */
    struct TarnTransaction *transaction; /* NULL = each statement is one of its own */
};

/* --- places (time_travel.c) --- */

/* A stretch of the engine's text that stands for another of the user's. */
typedef struct TarnEdit {
    size_t new_start;
    size_t new_end;
    size_t old_start;
    size_t old_end;
} TarnEdit;

typedef struct TarnTravel {
    TarnTableName name;  /* as the user wrote it */
    const char *alias;   /* name of the table in the engine: "flights@3" */
    TarnText version;    /* snapshot id, branch or tag; data NULL = by time */
    TarnText time;
    TarnText from;       /* FROM .. TO: where the range begins; data NULL = no range */
    bool from_time;      /* it is a time */
    size_t offset; /* in the user's text */
    bool row_ids;  /* read with its hidden columns; then perhaps of no other time */
} TarnTravel;

/* Another text for a stretch of one, which may be empty. */
typedef struct TarnTextEdit {
    size_t start;
    size_t end;
    const char *text;
} TarnTextEdit;

typedef struct TarnRewritten {
    TarnText user; /* as given */
    TarnText sql;  /* for the engine */
    struct {
        TarnEdit *items;
        size_t count;
        size_t capacity;
    } edits;
    struct {
        TarnTravel *items;
        size_t count;
        size_t capacity;
    } travels;
} TarnRewritten;

/* Takes AT (..) and FOR .. AS OF .. out of the text. */
bool tarn_query__rewrite(TarnText text, TarnArena *arena, TarnRewritten *out,
                         TarnError *error) TARN_CHECKED;
/* Changes the engine's text; `edits` by ascending place, none overlapping another. */
bool tarn_query__rewrite_more(TarnRewritten *rewritten, const TarnTextEdit *edits, size_t count,
                              TarnArena *arena, TarnError *error) TARN_CHECKED;
bool tarn_query__text_edit(TarnText text, const TarnTextEdit *edits, size_t count,
                           TarnArena *arena, TarnText *edited, TarnError *error) TARN_CHECKED;
/* An error placed in the engine's text, placed in the user's. */
void tarn_query__error_back(const TarnRewritten *rewritten, TarnError *error);

/* --- footprint (footprint.c) --- */

typedef struct TarnReference {
    TarnTableName name;  /* resolved into zone and namespace; ns "" = a bare name */
    const char *catalog; /* names as the engine will look them up */
    const char *schema;
    const char *table;
    size_t offset; /* in the engine's text */
} TarnReference;

typedef struct TarnReferences {
    TarnReference *items;
    size_t count;
    size_t capacity;
} TarnReferences;

/* Every table a parsed SELECT refers to, each name once; refuses functions that read anything
 * else. */
bool tarn_query__footprint(TarnText sql, const TarnJson *tree, TarnArena *arena,
                           TarnReferences *references, TarnError *error) TARN_CHECKED;

/* Where a node of the tree stands in the SQL; 0 if not known. */
size_t tarn_query__tree_location(const TarnJson *node);
/* The name of a BASE_TABLE of the tree that has a zone. */
bool tarn_query__reference_read(const TarnJson *table, TarnArena *arena, TarnReference *reference,
                                TarnError *error) TARN_CHECKED;

/* --- preparing (prepare.c) --- */

typedef struct TarnBinding {
    const TarnReference *reference;
    const TarnTable *table; /* NULL = a view or a metadata table */
    const TarnSnapshot *snapshot;
    const TarnSchema *schema;  /* as the engine sees it */
    const TarnSchema *columns; /* those of the table among them */
    bool row_ids;              /* the others are the hidden ones */
    bool changes;              /* it is "t$changes", `snapshot` its end */
    const TarnSnapshot *from;  /* its start; NULL = as far back as is known */
    bool from_beginning;       /* no: the table's first snapshot */
} TarnBinding;

/* The table a statement changes, which stands in its SELECT under a name of its own and yields the
 * places of its rows too. */
typedef struct TarnTarget {
    const TarnReference *reference;
    const TarnTable *table;
    const TarnSnapshot *snapshot; /* that is changed; NULL = the table is empty */
    const TarnSchema *schema;     /* the table's columns */
    bool lineage;                 /* and the rows' ids */
    /* Out, until the prepared statement is released: */
    TarnSchema bound;            /* the columns with those of the places */
    TarnScanPlan *plan;          /* the tasks that the places are of */
    const TarnRoaring **deleted; /* per task: positions that are deleted already; NULL = none */
    const TarnPredicate *filter; /* bound: no other row can be changed */
} TarnTarget;

typedef struct TarnPrepared {
    TarnQuery *query;
    TarnArena *arena;
    const TarnRunOptions *run;
    TarnTarget *target; /* NULL = none */
    TarnRewritten rewritten;
    struct {
        TarnBinding *items;
        size_t count;
        size_t capacity;
    } bindings;
    const TarnBoundPlan *plan;
    TarnScanStats *scans;
    const char **filters; /* per scan, for people */
    size_t scan_count;
    size_t files; /* to be read */
    int depth;    /* of views */
} TarnPrepared;

/* Binds, plans and puts the views in place; the engine can run prepared->rewritten.sql. */
bool tarn_query__prepare(TarnQuery *query, TarnText text, const TarnRunOptions *run,
                         TarnArena *arena, TarnPrepared *prepared, TarnError *error) TARN_CHECKED;
/* The same for a SELECT that reads `target` too. */
bool tarn_query__prepare_target(TarnQuery *query, TarnText text, const TarnRunOptions *run,
                                TarnTarget *target, TarnArena *arena, TarnPrepared *prepared,
                                TarnError *error) TARN_CHECKED;
/* What a prepared SELECT reads is what the statement reads. */
void tarn_query__statement_reads(TarnStatement *statement, const TarnPrepared *prepared);
/* The SELECT of a statement, its errors placed in the whole statement; tells what it reads. */
bool tarn_query__prepare_inner(TarnStatement *statement, const TarnParsed *parsed,
                               const TarnRunOptions *run, TarnPrepared *prepared,
                               TarnError *error) TARN_CHECKED;
void tarn_query__prepared_release(TarnPrepared *prepared);
/* The columns a prepared SELECT yields, as an Iceberg schema with ids from 1 on. */
bool tarn_query__prepared_schema(TarnPrepared *prepared, TarnSchema *schema,
                                 TarnError *error) TARN_CHECKED;
/* "zone"."schema"."table" for the engine, and the parts of a name. */
void tarn_query__engine_name(const TarnReference *reference, TarnBuffer *out);
bool tarn_query__reference_of(TarnTableName name, TarnArena *arena, TarnReference *reference,
                              TarnError *error) TARN_CHECKED;
bool tarn_query__run_script(TarnQuery *query, TarnBuffer *sql, TarnError *error) TARN_CHECKED;

/* A DEFAULT's value: evaluated by the engine, read as the type. *json NULL = it is null. Refuses
 * what is not one value for ever: TARN_E_SQL_UNSUPPORTED. (defaults.c) */
bool tarn_query__default_json(TarnQuery *query, TarnText expression, const TarnType *type,
                              TarnArena *arena, const TarnJson **json,
                              TarnError *error) TARN_CHECKED;
/* What a column is in files without it, and what a row gets that is written without it, as SQL of
 * its type. _write: TARN_E_SQL_EXECUTION for a required column without a default. */
bool tarn_query__default_initial(const TarnField *field, TarnArena *arena, TarnBuffer *sql,
                                 TarnError *error) TARN_CHECKED;
bool tarn_query__default_write(const TarnField *field, TarnArena *arena, TarnBuffer *sql,
                               TarnError *error) TARN_CHECKED;
/* An INSERT with its DEFAULTs replaced by the columns' values; without any, the same. */
bool tarn_query__default_fill(const TarnParsed *parsed, const TarnSchema *schema, TarnArena *arena,
                              TarnParsed *filled, TarnError *error) TARN_CHECKED;

/* The SQL whose rows can be shown: the prepared one, or around it a SELECT that makes JSON of
 * VARIANT columns; its first line is then the wrapper's. (variant.c) */
bool tarn_query__readable(const TarnPrepared *prepared, TarnText *sql, TarnError *error)
    TARN_CHECKED;

/* The same for any SQL that the engine can run as it is. */
bool tarn_query__readable_sql(TarnEngineSession *session, TarnText *sql, TarnArena *arena,
                              TarnError *error) TARN_CHECKED;

/* --- branches (ref.c) --- */

/* The snapshot of a table that a statement reads (NULL = none yet): `wanted` (time travel; data
 * NULL = none), else the run's as_of, else the run's branch if the table has it, else main's.
 * *is_branch: it is the head of a branch, which is read with the table's current columns.
 * TARN_E_SNAPSHOT_NOT_FOUND; TARN_E_REF_REFUSED if the run's branch is a tag of this table. */
bool tarn_query__read_snapshot(const TarnTable *table, TarnText wanted, const TarnRunOptions *run,
                               const TarnSnapshot **snapshot, bool *is_branch,
                               TarnError *error) TARN_CHECKED;
/* The branch a statement writes, for TarnSnapshotChange.ref; *ref NULL = main. To be set together
 * with create_ref, for the table may not have it yet. TARN_E_NAME_INVALID. */
bool tarn_query__write_ref(const TarnRunOptions *run, const char **ref,
                           TarnError *error) TARN_CHECKED;
/* Where a range of snapshots that ends at `to` begins; *from NULL, *from_beginning: before the
 * table's first snapshot. `is_time`: `wanted` is a time. TARN_E_SNAPSHOT_NOT_FOUND. */
bool tarn_query__range_start(const TarnTable *table, TarnText wanted, bool is_time,
                             const TarnSnapshot **from, bool *from_beginning,
                             TarnError *error) TARN_CHECKED;
bool tarn_query__alter_ref(TarnStatement *statement, const TarnParsed *parsed,
                           const TarnTable *table, TarnError *error) TARN_CHECKED;

/* --- hidden columns (row_ids.c) --- */

/* What has to change in a SELECT so that the row ids it names are there: the tables get names of
 * their own, noted as travels of `prepared`, and "*" leaves the ids out. `tree` is the syntax tree
 * of `sql`. No edits: it names none. TARN_E_SQL_UNSUPPORTED for a table that has no row ids. */
bool tarn_query__row_ids_find(TarnPrepared *prepared, TarnText sql, const TarnJson *tree,
                              TarnTextEdit **edits, size_t *count, TarnError *error) TARN_CHECKED;

/* --- metadata tables (metadata_tables.c) --- */

/* The kind of "t$changes". */
extern const char tarn_query__changes_kind[];
/* Splits "flights$snapshots"; false if the name is no metadata table's. */
bool tarn_query__metadata_name(const char *name, TarnArena *arena, const char **table,
                               const char **kind);
/* Makes a table of the engine with the rows. */
bool tarn_query__metadata_fill(TarnQuery *query, const TarnReference *reference, const char *kind,
                               const TarnTable *table, const TarnSnapshot *snapshot,
                               TarnError *error) TARN_CHECKED;

/* --- statements --- */

bool tarn_query__select(TarnStatement *statement, const TarnParsed *parsed,
                        const TarnRunOptions *run, TarnError *error) TARN_CHECKED;
bool tarn_query__dml(TarnStatement *statement, const TarnParsed *parsed,
                     const TarnRunOptions *run, TarnError *error) TARN_CHECKED;
bool tarn_query__insert(TarnStatement *statement, const TarnParsed *parsed,
                        const TarnRunOptions *run, TarnError *error) TARN_CHECKED;
bool tarn_query__copy_from(TarnStatement *statement, const TarnParsed *parsed,
                           const TarnRunOptions *run, TarnError *error) TARN_CHECKED;
bool tarn_query__copy_to(TarnStatement *statement, const TarnParsed *parsed,
                         const TarnRunOptions *run, TarnError *error) TARN_CHECKED;
bool tarn_query__analyze(TarnStatement *statement, const TarnParsed *parsed,
                         const TarnRunOptions *run, TarnError *error) TARN_CHECKED;
bool tarn_query__create_table(TarnStatement *statement, const TarnParsed *parsed,
                              const TarnRunOptions *run, TarnError *error) TARN_CHECKED;
bool tarn_query__alter(TarnStatement *statement, const TarnParsed *parsed,
                       TarnError *error) TARN_CHECKED;
bool tarn_query__define(TarnStatement *statement, const TarnParsed *parsed,
                        const TarnRunOptions *run, TarnError *error) TARN_CHECKED;
bool tarn_query__look(TarnStatement *statement, const TarnParsed *parsed,
                      const TarnRunOptions *run, TarnError *error) TARN_CHECKED;

bool tarn_query__create_view(TarnStatement *statement, const TarnParsed *parsed,
                             const TarnRunOptions *run, TarnError *error) TARN_CHECKED;
bool tarn_query__alter_view(TarnStatement *statement, const TarnParsed *parsed,
                            const TarnRunOptions *run, TarnError *error) TARN_CHECKED;
/* Tables that go and come back (undrop.c). */
bool tarn_query__drop_purge(TarnStatement *statement, const TarnParsed *parsed,
                            TarnError *error) TARN_CHECKED;
bool tarn_query__undrop(TarnStatement *statement, const TarnParsed *parsed,
                        TarnError *error) TARN_CHECKED;
/* SHOW DROPPED TABLES as a SELECT; `ns` NULL = all. */
bool tarn_query__dropped_sql(TarnStatement *statement, const char *ns, TarnBuffer *sql,
                             TarnError *error) TARN_CHECKED;

/* Partition and sort expressions against a schema. */
bool tarn_query__partition_spec(const TarnParsed *parsed, const TarnSchema *schema,
                                const TarnTableMetadata *base, TarnArena *arena,
                                TarnPartitionSpec *spec, TarnError *error) TARN_CHECKED;
bool tarn_query__sort_order(const TarnParsed *parsed, const TarnSchema *schema, TarnArena *arena,
                            TarnSortOrder *order, TarnError *error) TARN_CHECKED;

#endif
