/* The walk over a bound plan: what its files share. */
#ifndef TARN_QUERY_BOUND_PLAN_PRIVATE_H
#define TARN_QUERY_BOUND_PLAN_PRIVATE_H

#include "query/bound_plan.h"

/* A set of source columns: bits numbered over all tables of the plan. Immutable once shared. */
typedef struct TarnSourceSet {
    uint64_t *words; /* NULL = empty */
} TarnSourceSet;

/* A column of a table that a column of some operator is, unchanged, row for row: rows of the
 * table that fail a predicate on it are exactly rows that this column's operator loses. */
typedef struct TarnPlanBase TarnPlanBase;
struct TarnPlanBase {
    const TarnPlanBase *next; /* each entry holds by itself */
    size_t table;
    size_t column;
    bool nullable; /* an outer join may put nulls in its place: only predicates that nulls fail */
};

typedef struct TarnPlanColumn {
    TarnSourceSet direct;
    TarnSourceSet indirect;
    const TarnPlanBase *base; /* NULL = none */
    const char *name;
} TarnPlanColumn;

/* What an operator puts out. */
typedef struct TarnPlanRows {
    TarnPlanColumn *items;
    size_t count;
    TarnSourceSet decided_by; /* columns that decide which rows there are */
} TarnPlanRows;

typedef struct TarnPlanCte {
    struct TarnPlanCte *next;
    int64_t index;
    int64_t references;
    TarnPlanRows rows;
} TarnPlanCte;

typedef struct TarnPlanWalk {
    TarnPlanResolve resolve;
    void *state;
    TarnArena *arena;
    TarnError *error;
    struct {
        TarnPlanTable *items;
        size_t count;
        size_t capacity;
    } tables;
    size_t *first_bit; /* of each table */
    size_t bit_count;
    size_t next_table; /* in the order of the walk */
    TarnPlanCte *ctes;
    const TarnJson *root;
    struct TarnDelim *delims; /* enclosing delim joins, innermost first */
    int depth;
} TarnPlanWalk;

typedef struct TarnDelim {
    struct TarnDelim *outer;
    TarnPlanRows columns; /* the duplicate-eliminated ones */
} TarnDelim;

bool tarn_query__plan_refuse(TarnPlanWalk *walk, const char *what, TarnText name);

/* --- sets (plan_expression.c) --- */
void tarn_query__set_add(TarnPlanWalk *walk, TarnSourceSet *set, size_t bit);
void tarn_query__set_join(TarnPlanWalk *walk, TarnSourceSet *set, TarnSourceSet other);

/* --- expressions (plan_expression.c) --- */
/* Adds the sources of an expression over `input` to a column. */
bool tarn_query__expression_sources(TarnPlanWalk *walk, const TarnJson *expression,
                                    const TarnPlanRows *input, TarnPlanColumn *column);
/* Everything the expression touches, into one set. */
bool tarn_query__expression_touches(TarnPlanWalk *walk, const TarnJson *expression,
                                    const TarnPlanRows *input, TarnSourceSet *set);
/* The input column an expression is, through casts that keep every value apart; NULL if it
 * computes anything. */
const TarnPlanColumn *tarn_query__expression_column(const TarnJson *expression,
                                                    const TarnPlanRows *input);
bool tarn_query__expression_index(const TarnJson *expression, size_t count, size_t *index);

/* --- filters (plan_filter.c) --- */
/* A condition that holds for the rows of an operator: adds what it says of each table to that
 * table's filter. */
bool tarn_query__filter_add(TarnPlanWalk *walk, const TarnJson *condition,
                            const TarnPlanRows *input);

/* --- constants (plan_value.c) --- */
/* False: not a constant this program can evaluate exactly (no error). */
bool tarn_query__constant(const TarnJson *expression, TarnArena *arena, TarnPrimitive *type,
                          TarnLiteral *literal);

#endif
