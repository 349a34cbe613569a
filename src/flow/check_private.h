/* Checks as declared, and what running them needs. */
#ifndef TARN_FLOW_CHECK_PRIVATE_H
#define TARN_FLOW_CHECK_PRIVATE_H

#include "flow/check.h"
#include "flow/config_reader_private.h"

typedef enum TarnCheckKind {
    TARN_CHECK_UNIQUE,
    TARN_CHECK_NOT_NULL,
    TARN_CHECK_ACCEPTED_VALUES,
    TARN_CHECK_RELATIONSHIPS,
    TARN_CHECK_RANGE,
    TARN_CHECK_LENGTH,
    TARN_CHECK_PATTERN,
    TARN_CHECK_EXPRESSION,
    TARN_CHECK_ROW_COUNT,
    TARN_CHECK_FRESHNESS,
    TARN_CHECK_SQL
} TarnCheckKind;

typedef struct TarnCheck {
    TarnCheckKind kind;
    TarnCheckSeverity severity;
    bool severity_given; /* in its own declaration */
    const char *name;
    const char *where; /* rows it is about; NULL = all */
    TarnConfigTexts columns;
    const TarnJson *values; /* ACCEPTED_VALUES: an array of scalars */
    TarnTableName to;       /* RELATIONSHIPS */
    const char *field;
    const TarnJson *min; /* scalars; NULL = none */
    const TarnJson *max;
    bool exclusive; /* RANGE: the ends do not belong to it */
    int64_t max_age_ms;
    const char *text; /* PATTERN, EXPRESSION, SQL */
    const char *file;
    uint32_t line;
} TarnCheck;

typedef struct TarnCheckList {
    TarnCheck *items;
    size_t count;
    size_t capacity;
} TarnCheckList;

/* `list`: the YAML list; `column` NULL = about the table. Appends. */
bool tarn_flow__check_read(const TarnConfigReader *reader, const TarnJson *list,
                           const char *column, TarnCheckList *checks) TARN_CHECKED;

/* Can it tell which rows fail, so that they can be put aside? */
bool tarn_flow__check_can_quarantine(const TarnCheck *check);

/* --- as SQL (check_sql.c) --- */

/* Of single rows: the scan decides each row by itself. */
bool tarn_flow__check_is_of_rows(const TarnCheck *check);
/* A boolean expression, never null, that is true for a row that fails. UNIQUE: by a window. */
void tarn_flow__check_failure_sql(const TarnCheck *check, TarnBuffer *out);
/* One SELECT over `from` whose columns are the numbers of the checks that have a slot: one BIGINT
 * each (failing rows; rows for ROW_COUNT; microseconds since 1970 or null for FRESHNESS). */
void tarn_flow__check_scan_sql(const TarnCheck *const *checks, size_t count, TarnTableName table,
                               TarnBuffer *out);
/* UNIQUE, SQL: a SELECT of one BIGINT. False if it is of the scan. */
bool tarn_flow__check_own_sql(const TarnCheck *check, TarnTableName table, TarnArena *arena,
                              TarnBuffer *out);
/* What is expected, for people. */
const char *tarn_flow__check_expected(const TarnCheck *check, TarnArena *arena);

/* --- running (check_run.c) --- */

/* Rows that are not published: shown to checks in place of the table. */
typedef struct TarnCheckContent {
    TarnTableName table;
    const char *sql;  /* a SELECT for the engine; NULL = the published table */
    const char *lake; /* a SELECT over the lake's tables that `sql` rests on; NULL = none */
} TarnCheckContent;

/* Appends one result a check. False only if the machinery fails; a check that cannot be run is
 * BROKEN. */
bool tarn_flow__check_run(TarnQuery *query, const TarnCheckContent *content,
                          const TarnCheckList *checks, TarnArena *arena,
                          TarnCheckResults *results, TarnError *error) TARN_CHECKED;
/* Makes the engine able to run `sql`: views for what it refers to, the content for its table. The
 * statement is vetted as any user's. */
bool tarn_flow__check_prepare(TarnQuery *query, const TarnCheckContent *content, TarnText sql,
                              TarnArena *arena, TarnError *error) TARN_CHECKED;

#endif
