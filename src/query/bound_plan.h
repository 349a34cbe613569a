/* What a statement reads and where its columns come from, taken from the engine's bound plan.
 *
 * The plan is json_serialize_plan's, unoptimised, bound against empty tables that have the lake's
 * names and types. One walk over it yields, for each table read: the columns used and the filter
 * that holds for its rows; and for each output column: the columns it comes from. Authorisation,
 * pruning and lineage all rest on this one account, so an operator or expression that is not
 * known is an error (TARN_E_STATEMENT_REFUSED), never a guess.
 */
#ifndef TARN_QUERY_BOUND_PLAN_H
#define TARN_QUERY_BOUND_PLAN_H

#include "base/json.h"
#include "table/predicate.h"

/* One place in the plan where a table is read. */
typedef struct TarnPlanTable {
    const char *catalog; /* names of the table bound: zone, schema, table */
    const char *schema;
    const char *name;
    const TarnSchema *columns; /* as the resolver gave them; NULL = not one of its tables */
    bool *used;                /* per top-level column: read at all (filters, joins, output) */
    size_t column_count;
    /* What surely holds for the rows this place contributes: unbound, over top-level field ids of
     * `columns`; TRUE when nothing is known. Rows that it does not keep cannot matter. */
    const TarnPredicate *filter;
} TarnPlanTable;

typedef enum TarnLineageKind {
    TARN_LINEAGE_DIRECT,  /* the value comes from it */
    TARN_LINEAGE_INDIRECT /* it decides about rows or groups: filters, joins, grouping, order */
} TarnLineageKind;

typedef struct TarnLineageSource {
    size_t table;  /* index in tables */
    size_t column; /* top-level column of it */
    TarnLineageKind kind;
} TarnLineageSource;

typedef struct TarnPlanOutput {
    const char *name;
    TarnLineageSource *sources; /* each once; direct before indirect */
    size_t source_count;
} TarnPlanOutput;

typedef struct TarnBoundPlan {
    TarnPlanTable *tables;
    size_t table_count;
    TarnPlanOutput *outputs;
    size_t output_count;
} TarnBoundPlan;

/* The columns of a table of the plan by its bound names; NULL = unknown to the caller (a table
 * function, a temporary table): read without an account of its own. */
typedef const TarnSchema *(*TarnPlanResolve)(void *state, const char *catalog, const char *schema,
                                             const char *name);

/* `plan`: tarn_engine_plan's answer for one SELECT. `names`: the statement's output names, may be
 * NULL. Everything in the arena. */
bool tarn_query_bound_plan_read(const TarnJson *plan, TarnPlanResolve resolve, void *state,
                                const char *const *names, size_t name_count, TarnArena *arena,
                                TarnBoundPlan **bound, TarnError *error) TARN_CHECKED;

#endif
