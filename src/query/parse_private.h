/* Statements that DuckDB's serialised syntax tree does not cover, parsed by hand: INSERT, CREATE,
 * ALTER, DROP, DESCRIBE, SHOW, EXPLAIN. Everything inside them that is a SELECT, a type or an
 * expression stays text and goes to the engine. */
#ifndef TARN_QUERY_PARSE_PRIVATE_H
#define TARN_QUERY_PARSE_PRIVATE_H

#include "catalog/name.h"
#include "query/lexer_private.h"
#include "query/query.h"

typedef struct TarnColumnDefinition {
    const char *name;
    TarnText type;    /* SQL text */
    TarnText initial; /* DEFAULT's expression; data NULL = none */
    bool required;
    const char *comment;
    size_t offset;
} TarnColumnDefinition;

typedef struct TarnTexts {
    TarnText *items;
    size_t count;
    size_t capacity;
} TarnTexts;

typedef struct TarnSetting {
    const char *key;
    const char *value;
} TarnSetting;

typedef enum TarnAlterKind {
    TARN_ALTER_ADD_COLUMN,
    TARN_ALTER_DROP_COLUMN,
    TARN_ALTER_RENAME_COLUMN,
    TARN_ALTER_COLUMN_TYPE,
    TARN_ALTER_DROP_NOT_NULL,
    TARN_ALTER_SET_DEFAULT, /* column.initial */
    TARN_ALTER_DROP_DEFAULT,
    TARN_ALTER_COMMENT,
    TARN_ALTER_MOVE,
    TARN_ALTER_RENAME_TABLE,
    TARN_ALTER_SET_PROPERTIES,
    TARN_ALTER_RESET_PROPERTIES,
    TARN_ALTER_SET_PARTITIONS,
    TARN_ALTER_ADD_PARTITION,
    TARN_ALTER_DROP_PARTITION,
    TARN_ALTER_REPLACE_PARTITION, /* partitions: the old one, the new one */
    TARN_ALTER_SET_SORT,
    TARN_ALTER_REF /* `ref` says what */
} TarnAlterKind;

typedef enum TarnRefVerb {
    TARN_REF_VERB_CREATE,
    TARN_REF_VERB_REPLACE,
    TARN_REF_VERB_CREATE_OR_REPLACE,
    TARN_REF_VERB_DROP
} TarnRefVerb;

/* Of a branch or a tag. */
typedef struct TarnRefStatement {
    TarnRefVerb verb;
    bool is_tag;
    bool tolerant; /* IF EXISTS of DROP, IF NOT EXISTS of CREATE */
    TarnText name;
    size_t offset;    /* of the name */
    TarnText version; /* data NULL = main as it is */
    int64_t max_ref_age_ms; /* TARN_ABSENT = not given, likewise below */
    int64_t min_snapshots_to_keep;
    int64_t max_snapshot_age_ms;
} TarnRefStatement;
/* SET column = value */
typedef struct TarnAssignment {
    TarnText column;
    TarnText value; /* SQL; "DEFAULT" = the column's default */
} TarnAssignment;

typedef struct TarnAssignments {
    TarnAssignment *items;
    size_t count;
    size_t capacity;
} TarnAssignments;

typedef enum TarnMergeMatch {
    TARN_MERGE_MATCHED,
    TARN_MERGE_NOT_MATCHED, /* rows of the source without one of the target */
    TARN_MERGE_NOT_MATCHED_BY_SOURCE
} TarnMergeMatch;

typedef enum TarnMergeAction {
    TARN_MERGE_UPDATE, /* assignments; none = all columns of the source's names */
    TARN_MERGE_DELETE,
    TARN_MERGE_INSERT, /* assignments without columns fill the table's in order; none = all */
    TARN_MERGE_NOTHING
} TarnMergeAction;

/* WHEN match [AND condition] THEN action */
typedef struct TarnMergeClause {
    TarnMergeMatch match;
    TarnText condition; /* data NULL = none */
    TarnMergeAction action;
    bool by_name; /* INSERT *, UPDATE SET * */
    TarnAssignments assignments;
} TarnMergeClause;

/* The file and the options of COPY. */
typedef enum TarnCopyFormat {
    TARN_COPY_CSV = 1, /* bits: options are of several formats */
    TARN_COPY_JSON = 2,
    TARN_COPY_PARQUET = 4
} TarnCopyFormat;

/* Its value is literals, names, and lists of them: nothing that could read or compute. */
typedef struct TarnCopyOption {
    const char *name; /* in small letters, as DuckDB's COPY has it */
    const char *read; /* as its functions that read files have it */
    size_t first;     /* tokens of the value; none = it is switched on */
    size_t count;
} TarnCopyOption;

typedef struct TarnCopyStatement {
    TarnText path;
    size_t path_offset;
    TarnCopyFormat format;
    struct {
        TarnCopyOption *items;
        size_t count;
        size_t capacity;
    } options;
} TarnCopyStatement;

typedef struct TarnParsed {
    TarnStatementKind kind;
    TarnTokens tokens;
    TarnTableName name; /* of the table, view or schema (ns only) */
    size_t name_offset;
    bool if_exists;
    bool if_not_exists;
    bool or_replace;
    enum { TARN_OBJECT_TABLE, TARN_OBJECT_VIEW, TARN_OBJECT_SCHEMA } object;
    bool purge;      /* DROP TABLE: the files too */
    bool force;      /* PURGE: also outside the warehouse */
    bool analyze;    /* EXPLAIN: run it too */
    bool has_as;     /* UNDROP: `new_name` is given */
    TarnText select; /* data NULL = none */
    /* CREATE TABLE */
    struct {
        TarnColumnDefinition *items;
        size_t count;
        size_t capacity;
    } columns;
    TarnTexts partitions; /* expressions */
    TarnTexts sort;       /* "expression [ASC|DESC] [NULLS FIRST|LAST]" */
    struct {
        TarnSetting *items;
        size_t count;
        size_t capacity;
    } settings;
    /* INSERT, ANALYZE */
    TarnTexts insert_columns;
    bool by_name;
    bool overwrite;
    /* Of INSERT, UPDATE, DELETE, MERGE: what stands behind RETURNING; data NULL = nothing */
    TarnText returning;
    /* COPY: insert_columns too; from a query: `select` */
    TarnCopyStatement copy;
    /* DELETE, UPDATE, MERGE */
    const char *alias;   /* of the table; its name if none was given; of INSERT too */
    TarnText from;       /* what stands behind USING or FROM; data NULL = nothing */
    const char *source;  /* MERGE: the name of what is merged in */
    TarnText condition;  /* WHERE, or MERGE's ON; data NULL = none */
    TarnTexts using_columns;
    TarnAssignments assignments;
    struct {
        TarnMergeClause *items;
        size_t count;
        size_t capacity;
    } clauses;
    /* ALTER VIEW: `target` is the dialect, `select` the SQL */
    enum {
        TARN_VIEW_AS,
        TARN_VIEW_ADD_DIALECT,
        TARN_VIEW_DROP_DIALECT,
        TARN_VIEW_RENAME
    } view;
    /* ALTER */
    TarnAlterKind alter;
    TarnRefStatement ref;
    const char *path;   /* dotted column path */
    const char *target; /* new name, anchor column */
    TarnTableName new_name;
    TarnColumnDefinition column;
    enum { TARN_WHERE_NONE, TARN_WHERE_FIRST, TARN_WHERE_AFTER, TARN_WHERE_BEFORE } where;
    /* SHOW */
    enum { TARN_SHOW_TABLES, TARN_SHOW_SCHEMAS, TARN_SHOW_COLUMNS, TARN_SHOW_DROPPED } show;
    const char *show_from; /* a namespace; NULL = all */
} TarnParsed;

/* SELECT (in all its forms) is told from the rest by its first word and left unparsed. */
bool tarn_query__parse(TarnText text, TarnArena *arena, TarnParsed *parsed,
                       TarnError *error) TARN_CHECKED;

#endif
