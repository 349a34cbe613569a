/* What the files of DELETE, UPDATE, MERGE share (dml.c says who does what). */
#ifndef TARN_QUERY_DML_PRIVATE_H
#define TARN_QUERY_DML_PRIVATE_H

#include "query/marks_private.h"
#include "query/query_private.h"
#include "query/write.h"

/* A stretch of the SQL made here that is the user's own text. */
typedef struct TarnPiece {
    size_t start; /* in the SQL */
    size_t end;
    size_t user; /* in the user's statement */
} TarnPiece;

/* The SELECT of what a statement changes. Its columns, in order: action (TarnMarkAction), task and
 * position of the row in the target, with lineage the row's id, then the columns of the table as
 * they will be; DELETE has the first three only. With `returning`, rows that go have the columns
 * as they were. */
typedef struct TarnDmlSql {
    TarnText sql;
    struct {
        TarnPiece *items;
        size_t count;
        size_t capacity;
    } pieces;
    size_t first_column; /* of the table's */
    bool *assigned;      /* per column of the table: some clause gives it a value */
    bool deletes;        /* some clause deletes rows */
} TarnDmlSql;

typedef struct TarnDmlInput {
    TarnQuery *query;
    const TarnParsed *parsed;
    const TarnRunOptions *run;
    const TarnSchema *schema;  /* of the table */
    const TarnSchema *source;  /* MERGE: columns of what is merged in; NULL = not asked for */
    const TarnReference *target; /* the table's name in the engine */
    bool lineage;
    bool returning;
    TarnArena *arena;
} TarnDmlInput;

bool tarn_query__dml_sql(const TarnDmlInput *input, TarnDmlSql *out, TarnError *error) TARN_CHECKED;
/* Whether a MERGE's SQL needs to know the columns of its source. */
bool tarn_query__dml_needs_source(const TarnParsed *parsed);
/* An error placed in the SQL, placed in the user's statement, or at its start. */
void tarn_query__dml_error_back(const TarnDmlSql *sql, TarnText user, TarnError *error);
/* Where the values come from that a statement gives, and which columns decide about the rows it
 * deletes: edges into the table, or into columns of it. What a column has of itself, or a table, is
 * none: UPDATE t SET a = a + b leads from b to a. (lineage.c) */
bool tarn_query__dml_lineage(const TarnPrepared *prepared, const TarnDmlSql *sql,
                             const TarnTable *table, const TarnSchema *schema,
                             TarnLineageEdge **edges, size_t *count,
                             TarnError *error) TARN_CHECKED;
/* The field of a name, whatever its case; NULL = none. Refusing names what is near. */
const TarnField *tarn_query__find_field(const TarnSchema *schema, TarnText name);
bool tarn_query__refuse_column(const TarnParsed *parsed, const TarnSchema *schema, TarnText name,
                               TarnArena *arena, TarnError *error);

#endif
