/* What the files of predicate*.c share. */
#ifndef TARN_TABLE_PREDICATE_PRIVATE_H
#define TARN_TABLE_PREDICATE_PRIVATE_H

#include "table/predicate.h"

/* The engine's order of two values of one kind, neither null: NaN greatest, -0.0 equal to 0.0. */
int tarn_table__value_compare(const TarnLiteral *a, const TarnLiteral *b);
static inline bool tarn_table__kind_is_real(TarnTypeKind kind) {
    return kind == TARN_TYPE_FLOAT || kind == TARN_TYPE_DOUBLE;
}
/* Does text or bytes `value` begin with `prefix`? */
bool tarn_table__value_starts(const TarnLiteral *value, const TarnLiteral *prefix);
/* The first literal of a sorted list that is not below `value`; literal_count if none. */
size_t tarn_table__literal_lower_bound(const TarnPredicate *leaf, const TarnLiteral *value);
static inline bool tarn_table__predicate_is_leaf(const TarnPredicate *predicate) {
    return predicate->kind >= TARN_PREDICATE_IS_NULL;
}
/* A leaf of a bound predicate on one value. */
bool tarn_table__leaf_keeps(const TarnPredicate *leaf, const TarnLiteral *value);
/* AND or OR of children already bound, constants folded, nested ones of the same kind opened. */
const TarnPredicate *tarn_table__predicate_join(TarnPredicateKind kind,
                                                const TarnPredicate *const *children, size_t count,
                                                TarnArena *arena);

/* What is known of the values of one column in a file, or of a partition field in a manifest. */
typedef struct TarnColumnRange {
    bool no_null;  /* surely */
    bool all_null; /* surely */
    bool no_nan;
    bool only_nan;  /* each value that is not null is NaN */
    bool has_lower; /* of the values that are neither null nor NaN */
    bool has_upper;
    TarnLiteral lower;
    TarnLiteral upper;
} TarnColumnRange;

TarnMatch tarn_table__leaf_judge(const TarnPredicate *leaf, const TarnColumnRange *range);
/* An upper bound this long may have been cut: it covers each value that begins with it. */
bool tarn_table__upper_may_be_cut(const TarnLiteral *upper);
/* What a file says of a column; NULL if nothing. */
const TarnColumnMetrics *tarn_table__file_metrics(const TarnDataFile *file, int32_t field_id);
/* Decodes bounds; those that do not decode, are NaN or contradict each other are left out. */
void tarn_table__range_bounds(TarnPrimitive type, TarnText lower, TarnText upper,
                              TarnColumnRange *range);

#endif
