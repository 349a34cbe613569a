/* Predicates over a table's columns, and what can be known of a file from them without reading it.
 *
 * Source: Iceberg table specification, "Scan Planning", "Partition Transforms", "Manifests" (the
 * meaning of bounds and counts). The row semantics are SQL's: three-valued, a row is kept only if
 * the predicate is TRUE for it, so `x <> 3` does not keep a null. Floats have the engine's order:
 * NaN equals itself and is greater than everything else, -0.0 equals 0.0; `x > 3` keeps a NaN.
 *
 * A predicate is a tree of views in an arena: build it, bind it to a schema, then judge files.
 * Judgements reason only monotonically, and what is unknown (absent counts, bounds that do not
 * decode, columns without metrics, transforms not understood) is never taken as evidence.
 */
#ifndef TARN_TABLE_PREDICATE_H
#define TARN_TABLE_PREDICATE_H

#include "table/manifest.h"

typedef enum TarnPredicateKind {
    TARN_PREDICATE_TRUE,
    TARN_PREDICATE_FALSE,
    TARN_PREDICATE_UNKNOWN, /* cannot be judged, also under NOT: keeps the file, proves nothing */
    TARN_PREDICATE_AND,
    TARN_PREDICATE_OR,
    TARN_PREDICATE_NOT,
    TARN_PREDICATE_IS_NULL,
    TARN_PREDICATE_NOT_NULL,
    TARN_PREDICATE_IS_NAN,
    TARN_PREDICATE_NOT_NAN, /* as SQL's NOT isnan(x): not true for a null */
    TARN_PREDICATE_LT,
    TARN_PREDICATE_LE,
    TARN_PREDICATE_GT,
    TARN_PREDICATE_GE,
    TARN_PREDICATE_EQ,
    TARN_PREDICATE_NE,
    TARN_PREDICATE_IN,
    TARN_PREDICATE_NOT_IN,
    TARN_PREDICATE_STARTS_WITH,
    TARN_PREDICATE_NOT_STARTS_WITH
} TarnPredicateKind;

typedef struct TarnPredicate TarnPredicate;
struct TarnPredicate {
    TarnPredicateKind kind;
    int32_t field_id;            /* leaves; of the partition field once projected */
    TarnPrimitive type;          /* of the literals; once bound, the column's */
    const TarnLiteral *literals; /* comparisons and STARTS_WITH: one; IN, NOT_IN: any number */
    size_t literal_count;
    const TarnPredicate *const *children; /* AND, OR: any number; NOT: one */
    size_t child_count;
};

/* What is sure of a file, a partition or a manifest. */
typedef enum TarnMatch {
    TARN_MATCH_NONE, /* no row is kept */
    TARN_MATCH_SOME, /* not known: some rows may be kept and some not */
    TARN_MATCH_ALL   /* each row is kept */
} TarnMatch;

/* --- building: NULL only when the arena failed; NULL children are passed up as NULL --- */

const TarnPredicate *tarn_table_predicate_constant(TarnPredicateKind kind); /* no arena needed */
const TarnPredicate *tarn_table_predicate_unary(TarnPredicateKind kind, int32_t field_id,
                                                TarnArena *arena);
/* LT to NE, STARTS_WITH, NOT_STARTS_WITH. The literal's bytes are not copied. */
const TarnPredicate *tarn_table_predicate_compare(TarnPredicateKind kind, int32_t field_id,
                                                  TarnPrimitive type, const TarnLiteral *literal,
                                                  TarnArena *arena);
/* IN, NOT_IN; null literals have SQL's meaning. */
const TarnPredicate *tarn_table_predicate_set(TarnPredicateKind kind, int32_t field_id,
                                              TarnPrimitive type, const TarnLiteral *literals,
                                              size_t count, TarnArena *arena);
const TarnPredicate *tarn_table_predicate_and(const TarnPredicate *const *children, size_t count,
                                              TarnArena *arena);
const TarnPredicate *tarn_table_predicate_or(const TarnPredicate *const *children, size_t count,
                                             TarnArena *arena);
const TarnPredicate *tarn_table_predicate_not(const TarnPredicate *child, TarnArena *arena);

/* --- binding --- */

/* The normal form all judgements below need: NOT pushed into the leaves, constants folded, AND and
 * OR flat, literals converted exactly to the column's type (`int_column < 2.5` becomes `<= 2`),
 * NaN and null literals resolved, IN lists sorted, unique and longer than one. What cannot be
 * judged becomes UNKNOWN: columns the schema lacks, nested types, columns in lists or maps,
 * conversions that are not exact in the engine either, trees deeper than TARN_LIMIT_NESTING.
 * Only failure: memory. Literal bytes stay views of the given predicate's. */
bool tarn_table_predicate_bind(const TarnPredicate *predicate, const TarnSchema *schema,
                               TarnArena *arena, const TarnPredicate **bound, TarnError *error)
    TARN_CHECKED;
/* The field ids of a bound predicate's leaves, ascending, each once. */
bool tarn_table_predicate_fields(const TarnPredicate *predicate, TarnArena *arena, int32_t **ids,
                                 size_t *count, TarnError *error) TARN_CHECKED;
/* For messages and plans: "(day >= 2026-11-01 AND carrier = 'AA')"; fields by their path in
 * `schema` (NULL: "#3"). Not SQL to run. */
void tarn_table_predicate_to_text(const TarnPredicate *predicate, const TarnSchema *schema,
                                  TarnBuffer *out);

/* Is the bound predicate TRUE for one row? `value` returns the row's value of a field, of the
 * leaf's type. UNKNOWN counts as `unknown`. */
typedef const TarnLiteral *TarnPredicateValue(void *state, int32_t field_id);
bool tarn_table_predicate_keeps(const TarnPredicate *bound, TarnPredicateValue *value, void *state,
                                bool unknown);

/* --- projection onto a partition spec --- */

/* A bound predicate over the spec's field ids (1000 on).
 * Not strict (inclusive): if a row is kept, the projection is TRUE of its partition values.
 * Strict: if the projection is TRUE of partition values, each row with them is kept. */
bool tarn_table_predicate_project(const TarnPredicate *bound, const TarnPartitionSpec *spec,
                                  bool strict, TarnArena *arena, const TarnPredicate **projected,
                                  TarnError *error) TARN_CHECKED;

/* A bound predicate seen through one spec, prepared once and asked often. Read-only after new:
 * threads may share it. `bound` and `spec` must outlive it. */
typedef struct TarnPartitionFilter TarnPartitionFilter;
bool tarn_table_partition_filter_new(const TarnPredicate *bound, const TarnPartitionSpec *spec,
                                     TarnArena *arena, TarnPartitionFilter **filter,
                                     TarnError *error) TARN_CHECKED;
/* May a manifest with these summaries (of the spec's fields, in order) hold a file with rows that
 * are kept? Absent or short summaries: true. */
bool tarn_table_partition_filter_manifest(const TarnPartitionFilter *filter,
                                          const TarnPartitionSummary *summaries, size_t count);
/* What is left to judge for files with these partition values: leaves that the values decide are
 * folded away. The result is TRUE, FALSE or a bound predicate; `bound` itself when nothing is
 * decided. NULL: the arena failed. `values` are one per field of the spec (fewer: not known). */
const TarnPredicate *tarn_table_partition_filter_residual(const TarnPartitionFilter *filter,
                                                          const TarnLiteral *values, size_t count,
                                                          TarnArena *arena);

/* --- judging files --- */

/* By column metrics alone; `bound` may be a residual. */
TarnMatch tarn_table_predicate_on_metrics(const TarnPredicate *bound, const TarnDataFile *file);

#endif
