/* A predicate seen through one partition spec, prepared for many questions.
 *
 * Beside the whole inclusive projection, for manifests, each leaf keeps its own two projections:
 * a partition tuple then folds each leaf to FALSE (the inclusive one fails), TRUE (the strict one
 * holds) or leaves it, and what is left, the residual, is all that metrics have to judge and all
 * that the reader has to test.
 */
#include "table/predicate.h"
#include "table/predicate_private.h"

typedef struct FilterNode FilterNode;
struct FilterNode {
    const TarnPredicate *bound;
    const TarnPredicate *inclusive; /* leaves */
    const TarnPredicate *strict;    /* leaves */
    FilterNode *children;           /* AND, OR */
};

struct TarnPartitionFilter {
    const TarnPartitionSpec *spec;
    const TarnPredicate *inclusive;
    FilterNode root;
    /* Types the projections expect of the spec's fields; kind UNKNOWN: not asked for. */
    TarnPrimitive *types;
};

static bool build_node(const TarnPredicate *bound, const TarnPartitionSpec *spec, TarnArena *arena,
                       FilterNode *node, TarnError *error) {
    node->bound = bound;
    if (tarn_table__predicate_is_leaf(bound)) {
        return tarn_table_predicate_project(bound, spec, false, arena, &node->inclusive, error) &&
               tarn_table_predicate_project(bound, spec, true, arena, &node->strict, error);
    }
    if (bound->child_count == 0) return true;
    node->children = TARN_NEW_ARRAY(arena, bound->child_count, FilterNode);
    if (node->children == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < bound->child_count; i++) {
        if (!build_node(bound->children[i], spec, arena, &node->children[i], error)) return false;
    }
    return true;
}

static size_t field_index(const TarnPartitionSpec *spec, int32_t field_id) {
    size_t i = 0;
    while (i < spec->field_count && spec->fields[i].field_id != field_id) i++;
    return i;
}

static void collect_types(const TarnPredicate *projected, TarnPartitionFilter *filter) {
    if (tarn_table__predicate_is_leaf(projected)) {
        size_t i = field_index(filter->spec, projected->field_id);
        if (i < filter->spec->field_count) filter->types[i] = projected->type;
    }
    for (size_t i = 0; i < projected->child_count; i++) {
        collect_types(projected->children[i], filter);
    }
}

static void collect_node_types(const FilterNode *node, TarnPartitionFilter *filter) {
    if (node->inclusive != NULL) collect_types(node->inclusive, filter);
    if (node->strict != NULL) collect_types(node->strict, filter);
    if (node->children == NULL) return;
    for (size_t i = 0; i < node->bound->child_count; i++) {
        collect_node_types(&node->children[i], filter);
    }
}

bool tarn_table_partition_filter_new(const TarnPredicate *bound, const TarnPartitionSpec *spec,
                                     TarnArena *arena, TarnPartitionFilter **result,
                                     TarnError *error) {
    TarnPartitionFilter *filter = TARN_NEW(arena, TarnPartitionFilter);
    if (filter == NULL) return tarn_base_arena_check(arena, error);
    filter->spec = spec;
    filter->types = TARN_NEW_ARRAY(arena, spec->field_count, TarnPrimitive);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < spec->field_count; i++) filter->types[i].kind = TARN_TYPE_UNKNOWN;
    if (!tarn_table_predicate_project(bound, spec, false, arena, &filter->inclusive, error) ||
        !build_node(bound, spec, arena, &filter->root, error)) {
        return false;
    }
    collect_node_types(&filter->root, filter);
    *result = filter;
    return true;
}

/* --- manifests --- */

typedef struct SummaryView {
    const TarnPartitionFilter *filter;
    const TarnPartitionSummary *summaries;
    size_t count;
} SummaryView;

static bool leaf_may_match(const SummaryView *view, const TarnPredicate *leaf) {
    size_t i = field_index(view->filter->spec, leaf->field_id);
    if (i >= view->count) return true;
    const TarnPartitionSummary *summary = &view->summaries[i];
    TarnColumnRange range = {
        .no_null = !summary->contains_null,
        .no_nan = !tarn_table__kind_is_real(leaf->type.kind) || summary->contains_nan == 0,
    };
    tarn_table__range_bounds(leaf->type, summary->lower, summary->upper, &range);
    return tarn_table__leaf_judge(leaf, &range) != TARN_MATCH_NONE;
}

static bool may_match(const SummaryView *view, const TarnPredicate *projected) {
    switch (projected->kind) {
    case TARN_PREDICATE_FALSE: return false;
    case TARN_PREDICATE_AND:
        for (size_t i = 0; i < projected->child_count; i++) {
            if (!may_match(view, projected->children[i])) return false;
        }
        return true;
    case TARN_PREDICATE_OR:
        for (size_t i = 0; i < projected->child_count; i++) {
            if (may_match(view, projected->children[i])) return true;
        }
        return false;
    default: return !tarn_table__predicate_is_leaf(projected) || leaf_may_match(view, projected);
    }
}

bool tarn_table_partition_filter_manifest(const TarnPartitionFilter *filter,
                                          const TarnPartitionSummary *summaries, size_t count) {
    SummaryView view = {
        .filter = filter, .summaries = summaries, .count = summaries != NULL ? count : 0};
    return may_match(&view, filter->inclusive);
}

/* --- tuples --- */

typedef struct TupleView {
    const TarnPartitionSpec *spec;
    const TarnLiteral *values;
} TupleView;

static const TarnLiteral *tuple_value(void *state, int32_t field_id) {
    const TupleView *view = state;
    return &view->values[field_index(view->spec, field_id)];
}

static const TarnPredicate *fold_node(const FilterNode *node, TupleView *tuple, TarnArena *arena) {
    const TarnPredicate *bound = node->bound;
    if (tarn_table__predicate_is_leaf(bound)) {
        if (!tarn_table_predicate_keeps(node->inclusive, tuple_value, tuple, true)) {
            return tarn_table_predicate_constant(TARN_PREDICATE_FALSE);
        }
        if (tarn_table_predicate_keeps(node->strict, tuple_value, tuple, false)) {
            return tarn_table_predicate_constant(TARN_PREDICATE_TRUE);
        }
        return bound;
    }
    if (node->children == NULL) return bound;
    const TarnPredicate **children = TARN_NEW_ARRAY(arena, bound->child_count,
                                                    const TarnPredicate *);
    if (children == NULL) return NULL;
    bool changed = false;
    for (size_t i = 0; i < bound->child_count; i++) {
        children[i] = fold_node(&node->children[i], tuple, arena);
        changed |= children[i] != bound->children[i];
    }
    if (!changed) return bound;
    return tarn_table__predicate_join(bound->kind, children, bound->child_count, arena);
}

const TarnPredicate *tarn_table_partition_filter_residual(const TarnPartitionFilter *filter,
                                                          const TarnLiteral *values, size_t count,
                                                          TarnArena *arena) {
    const TarnPartitionSpec *spec = filter->spec;
    if (count < spec->field_count) return filter->root.bound;
    TarnLiteral *promoted = tarn_base_arena_copy(arena, values,
                                                 spec->field_count * sizeof(*values));
    if (promoted == NULL) return NULL;
    for (size_t i = 0; i < spec->field_count; i++) {
        if (filter->types[i].kind == TARN_TYPE_UNKNOWN) continue;
        if (promoted[i].is_null || promoted[i].kind == filter->types[i].kind) continue;
        /* Written before the column was widened; what is no widening is not understood. */
        if (!tarn_format_literal_promote(filter->types[i], &values[i], &promoted[i])) {
            return filter->root.bound;
        }
    }
    TupleView tuple = {.spec = spec, .values = promoted};
    return fold_node(&filter->root, &tuple, arena);
}
