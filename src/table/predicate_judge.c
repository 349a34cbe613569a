/* Judging a bound predicate by statistics: none, some or all rows are kept.
 *
 * A column's statistics are first brought into one shape, TarnColumnRange, that says only what is
 * sure; then each leaf is judged against it. Whatever a writer left out, wrote in a form that does
 * not decode, or wrote with the bounds the wrong way round counts as not known.
 *
 * Long text and byte bounds get no full trust: writers are known that cut an upper bound without
 * incrementing it. So from the length at which truncation starts on, an upper bound covers each
 * value that begins with it. That costs next to no pruning and makes such files readable.
 */
#include <math.h>

#include "table/predicate.h"
#include "table/predicate_private.h"

/* metrics mode truncate(16), the default of all writers: code points, so at least 16 bytes */
#define SHORTEST_TRUNCATED_BYTES 16

bool tarn_table__upper_may_be_cut(const TarnLiteral *upper) {
    TarnTypeKind kind = upper->kind;
    return (kind == TARN_TYPE_STRING || kind == TARN_TYPE_BINARY || kind == TARN_TYPE_FIXED) &&
           upper->as.bytes.size >= SHORTEST_TRUNCATED_BYTES;
}

static bool upper_may_be_cut(const TarnColumnRange *range) {
    return tarn_table__upper_may_be_cut(&range->upper);
}

/* Each of the four: surely all values that are not null and not NaN are on that side. */
static bool all_below(const TarnColumnRange *range, const TarnLiteral *literal) {
    if (!range->has_upper || tarn_table__value_compare(&range->upper, literal) >= 0) return false;
    return !upper_may_be_cut(range) || !tarn_table__value_starts(literal, &range->upper);
}

static bool all_at_most(const TarnColumnRange *range, const TarnLiteral *literal) {
    if (range->has_upper && upper_may_be_cut(range)) return all_below(range, literal);
    return range->has_upper && tarn_table__value_compare(&range->upper, literal) <= 0;
}

static bool all_above(const TarnColumnRange *range, const TarnLiteral *literal) {
    return range->has_lower && tarn_table__value_compare(&range->lower, literal) > 0;
}

static bool all_at_least(const TarnColumnRange *range, const TarnLiteral *literal) {
    return range->has_lower && tarn_table__value_compare(&range->lower, literal) >= 0;
}

/* Surely one single value, beside nulls and NaNs. */
static bool is_constant(const TarnColumnRange *range) {
    return range->has_lower && range->has_upper && !upper_may_be_cut(range) &&
           tarn_table__value_compare(&range->lower, &range->upper) == 0;
}

static TarnMatch verdict(bool none, bool all) {
    if (none) return TARN_MATCH_NONE;
    return all ? TARN_MATCH_ALL : TARN_MATCH_SOME;
}

static TarnMatch judge_order(const TarnPredicate *leaf, const TarnColumnRange *range) {
    const TarnLiteral *literal = leaf->literals;
    bool no_value = range->all_null || range->only_nan;
    bool plain = range->no_null && range->no_nan;
    switch (leaf->kind) {
    case TARN_PREDICATE_LT:
        return verdict(no_value || all_at_least(range, literal),
                       plain && all_below(range, literal));
    case TARN_PREDICATE_LE:
        return verdict(no_value || all_above(range, literal), plain && all_at_most(range, literal));
    case TARN_PREDICATE_GT: /* NaN is greater than any literal */
        return verdict(range->all_null || (range->no_nan && all_at_most(range, literal)),
                       range->no_null && (range->only_nan || all_above(range, literal)));
    default: /* GE */
        return verdict(range->all_null || (range->no_nan && all_below(range, literal)),
                       range->no_null && (range->only_nan || all_at_least(range, literal)));
    }
}

/* EQ, NE, IN, NOT_IN: all are membership in a sorted list. */
static TarnMatch judge_members(const TarnPredicate *leaf, const TarnColumnRange *range) {
    size_t count = leaf->literal_count;
    size_t first = range->has_lower ? tarn_table__literal_lower_bound(leaf, &range->lower) : 0;
    /* Literals that may occur: from `first` on, up to the last not above all values. */
    bool may_occur = first < count && !all_below(range, &leaf->literals[first]);
    bool constant_in = is_constant(range) && first < count &&
                       tarn_table__value_compare(&leaf->literals[first], &range->lower) == 0;
    bool positive = leaf->kind == TARN_PREDICATE_EQ || leaf->kind == TARN_PREDICATE_IN;
    if (positive) {
        return verdict(range->all_null || range->only_nan || !may_occur,
                       range->no_null && range->no_nan && constant_in);
    }
    return verdict(range->all_null || (range->no_nan && constant_in),
                   range->no_null && (range->only_nan || !may_occur));
}

static TarnMatch judge_prefix(const TarnPredicate *leaf, const TarnColumnRange *range) {
    const TarnLiteral *prefix = leaf->literals;
    bool outside = all_below(range, prefix);
    if (range->has_lower && !outside) {
        /* Above all strings with the prefix: greater, and not beginning with it. */
        outside = tarn_table__value_compare(&range->lower, prefix) > 0 &&
                  !tarn_table__value_starts(&range->lower, prefix);
    }
    bool inside = range->has_lower && range->has_upper &&
                  tarn_table__value_starts(&range->lower, prefix) &&
                  tarn_table__value_starts(&range->upper, prefix);
    if (leaf->kind == TARN_PREDICATE_STARTS_WITH) {
        return verdict(range->all_null || outside, range->no_null && inside);
    }
    return verdict(range->all_null || inside, range->no_null && outside);
}

TarnMatch tarn_table__leaf_judge(const TarnPredicate *leaf, const TarnColumnRange *range) {
    switch (leaf->kind) {
    case TARN_PREDICATE_IS_NULL: return verdict(range->no_null, range->all_null);
    case TARN_PREDICATE_NOT_NULL: return verdict(range->all_null, range->no_null);
    case TARN_PREDICATE_IS_NAN:
        return verdict(range->all_null || range->no_nan, range->no_null && range->only_nan);
    case TARN_PREDICATE_NOT_NAN:
        return verdict(range->all_null || range->only_nan, range->no_null && range->no_nan);
    case TARN_PREDICATE_LT:
    case TARN_PREDICATE_LE:
    case TARN_PREDICATE_GT:
    case TARN_PREDICATE_GE: return judge_order(leaf, range);
    case TARN_PREDICATE_EQ:
    case TARN_PREDICATE_NE:
    case TARN_PREDICATE_IN:
    case TARN_PREDICATE_NOT_IN: return judge_members(leaf, range);
    case TARN_PREDICATE_STARTS_WITH:
    case TARN_PREDICATE_NOT_STARTS_WITH: return judge_prefix(leaf, range);
    default: return TARN_MATCH_SOME;
    }
}

static bool decode_bound(TarnPrimitive type, TarnText bytes, TarnLiteral *bound) {
    if (bytes.data == NULL) return false;
    TarnError ignored; /* a bound that does not decode is no evidence, and no reason to fail */
    if (!tarn_format_literal_from_bytes(type, bytes, bound, &ignored)) return false;
    return !bound->is_null && !(tarn_table__kind_is_real(bound->kind) && isnan(bound->as.real));
}

static bool has_order(TarnTypeKind kind) { return kind <= TARN_TYPE_BINARY; }

void tarn_table__range_bounds(TarnPrimitive type, TarnText lower, TarnText upper,
                              TarnColumnRange *range) {
    range->has_lower = has_order(type.kind) && decode_bound(type, lower, &range->lower);
    range->has_upper = has_order(type.kind) && decode_bound(type, upper, &range->upper);
    if (range->has_lower && range->has_upper &&
        tarn_table__value_compare(&range->lower, &range->upper) > 0) {
        /* Compared in another order by who wrote them (signed UUIDs): they bound nothing here. */
        range->has_lower = false;
        range->has_upper = false;
    }
}

const TarnColumnMetrics *tarn_table__file_metrics(const TarnDataFile *file, int32_t field_id) {
    size_t low = 0;
    size_t high = file->column_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (file->columns[middle].field_id < field_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == file->column_count || file->columns[low].field_id != field_id) return NULL;
    return &file->columns[low];
}

/* TARN_ABSENT, or nonsense, is not known. */
static bool known(int64_t count) { return count >= 0; }

static void read_metrics(const TarnPredicate *leaf, const TarnDataFile *file,
                         const TarnColumnMetrics *metrics, TarnColumnRange *range) {
    /* Both counts must agree before "all": some writers leave nulls out of value_count. */
    int64_t rows = file->record_count > metrics->value_count ? file->record_count
                                                             : metrics->value_count;
    int64_t nulls = metrics->null_count;
    int64_t nans = metrics->nan_count;
    bool real = tarn_table__kind_is_real(leaf->type.kind);
    range->no_null = nulls == 0;
    range->all_null = known(nulls) && nulls >= rows;
    range->no_nan = !real || nans == 0;
    range->only_nan = real && known(nans) && nans > 0 && known(nulls) && nans >= rows - nulls;
    tarn_table__range_bounds(leaf->type, metrics->lower, metrics->upper, range);
}

static TarnMatch judge_leaf_on_metrics(const TarnPredicate *leaf, const TarnDataFile *file) {
    const TarnColumnMetrics *metrics = tarn_table__file_metrics(file, leaf->field_id);
    if (metrics == NULL) return TARN_MATCH_SOME;
    TarnColumnRange range;
    read_metrics(leaf, file, metrics, &range);
    return tarn_table__leaf_judge(leaf, &range);
}

TarnMatch tarn_table_predicate_on_metrics(const TarnPredicate *bound, const TarnDataFile *file) {
    switch (bound->kind) {
    case TARN_PREDICATE_TRUE: return TARN_MATCH_ALL;
    case TARN_PREDICATE_FALSE: return TARN_MATCH_NONE;
    case TARN_PREDICATE_UNKNOWN:
    case TARN_PREDICATE_NOT: return TARN_MATCH_SOME;
    case TARN_PREDICATE_AND:
    case TARN_PREDICATE_OR: {
        bool is_and = bound->kind == TARN_PREDICATE_AND;
        TarnMatch decisive = is_and ? TARN_MATCH_NONE : TARN_MATCH_ALL;
        TarnMatch result = is_and ? TARN_MATCH_ALL : TARN_MATCH_NONE;
        for (size_t i = 0; i < bound->child_count; i++) {
            TarnMatch child = tarn_table_predicate_on_metrics(bound->children[i], file);
            if (child == decisive) return decisive;
            if (child == TARN_MATCH_SOME) result = TARN_MATCH_SOME;
        }
        return result;
    }
    default: return judge_leaf_on_metrics(bound, file);
    }
}
