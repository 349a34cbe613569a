/* Predicates on columns seen through partition transforms.
 *
 * Inclusive projection turns "the row is kept" into something that must then hold of its partition
 * values; strict projection is the other way round. Both follow from three facts: identity (and
 * day of a date) keeps values; truncate, year, month, day and hour are monotone; all of them and
 * bucket are functions of the value that yield null for null alone. Nothing else is assumed: where
 * no fact helps, inclusive says TRUE and strict says FALSE.
 *
 * Two faults of writers are allowed for. Old ones rounded times before 1970 toward zero, so a
 * stored negative year..hour may be one too large. And truncating an integer near the lowest one
 * wraps around to the highest.
 */
#include <stdlib.h>

#include "table/predicate.h"
#include "table/predicate_private.h"

typedef struct Projection {
    const TarnPredicate *leaf;
    const TarnPartitionField *field;
    TarnPrimitive type; /* of the partition values */
    bool strict;
    TarnArena *arena;
} Projection;

static const TarnPredicate *nothing(const Projection *p) {
    return tarn_table_predicate_constant(p->strict ? TARN_PREDICATE_FALSE : TARN_PREDICATE_TRUE);
}

static const TarnPredicate *make(const Projection *p, TarnPredicateKind kind,
                                 const TarnLiteral *literals, size_t count) {
    return tarn_table_predicate_set(kind, p->field->field_id, p->type, literals, count, p->arena);
}

/* What is left when only nulls can be told apart. Strict: NOT NULL does not prove more. */
static const TarnPredicate *not_null_or_nothing(const Projection *p) {
    return p->strict ? nothing(p) : make(p, TARN_PREDICATE_NOT_NULL, NULL, 0);
}

static bool apply(const Projection *p, const TarnLiteral *literal, TarnLiteral *result) {
    return tarn_table_transform_apply(p->field->transform, p->leaf->type, literal, p->arena,
                                      result) &&
           !result->is_null;
}

static bool is_time_transform(const Projection *p) {
    TarnTransformKind kind = p->field->transform.kind;
    return kind == TARN_TRANSFORM_YEAR || kind == TARN_TRANSFORM_MONTH ||
           kind == TARN_TRANSFORM_DAY || kind == TARN_TRANSFORM_HOUR;
}

/* May a stored value be one more than the true one? See the head of this file. */
static bool may_be_rounded(const Projection *p, const TarnLiteral *value) {
    return is_time_transform(p) && value->as.integer < 0;
}

static TarnLiteral shifted(const TarnLiteral *value, int64_t by) {
    TarnLiteral result = *value;
    result.as.integer += by;
    return result;
}

/* --- membership --- */

static int compare_literals(const void *a, const void *b) {
    return tarn_table__value_compare(a, b);
}

/* EQ and IN inclusive, NE and NOT_IN strict: the transformed literals. */
static const TarnPredicate *project_members(const Projection *p) {
    bool positive = p->leaf->kind == TARN_PREDICATE_EQ || p->leaf->kind == TARN_PREDICATE_IN;
    if (positive == p->strict) return not_null_or_nothing(p);
    size_t room = p->leaf->literal_count;
    TarnLiteral *values = TARN_NEW_ARRAY(p->arena, room * 2, TarnLiteral);
    if (values == NULL) return NULL;
    size_t count = 0;
    for (size_t i = 0; i < room; i++) {
        TarnLiteral value;
        if (!apply(p, &p->leaf->literals[i], &value)) return not_null_or_nothing(p);
        values[count++] = value;
        if (may_be_rounded(p, &value)) values[count++] = shifted(&value, 1);
    }
    qsort(values, count, sizeof(*values), compare_literals);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && tarn_table__value_compare(&values[kept - 1], &values[i]) == 0) continue;
        values[kept++] = values[i];
    }
    TarnPredicateKind one = positive ? TARN_PREDICATE_EQ : TARN_PREDICATE_NE;
    TarnPredicateKind many = positive ? TARN_PREDICATE_IN : TARN_PREDICATE_NOT_IN;
    return make(p, kept == 1 ? one : many, values, kept);
}

/* --- order under monotone transforms --- */

typedef struct Limits {
    int64_t lowest;
    int64_t highest;
} Limits;

/* Values one apart, so that "below v" is "at most v - 1". */
static bool is_discrete(TarnTypeKind kind, Limits *limits) {
    switch (kind) {
    case TARN_TYPE_INT:
    case TARN_TYPE_DATE: *limits = (Limits){INT32_MIN, INT32_MAX}; return true;
    case TARN_TYPE_LONG:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS: *limits = (Limits){INT64_MIN, INT64_MAX}; return true;
    default: return false;
    }
}

static bool is_integer_truncate(const Projection *p) {
    TarnTypeKind kind = p->leaf->type.kind;
    return p->field->transform.kind == TARN_TRANSFORM_TRUNCATE &&
           (kind == TARN_TYPE_INT || kind == TARN_TYPE_LONG);
}

/* Partition values above this one are wrapped: they stand for the lowest column values. */
static bool wrap_limit(const Projection *p, TarnLiteral *limit) {
    TarnLiteral highest = {.kind = p->leaf->type.kind};
    highest.as.integer = highest.kind == TARN_TYPE_INT ? INT32_MAX : INT64_MAX;
    return apply(p, &highest, limit);
}

static const TarnPredicate *join_two(const Projection *p, TarnPredicateKind kind,
                                     const TarnPredicate *a, const TarnPredicate *b) {
    const TarnPredicate *pair[2] = {a, b};
    return tarn_table__predicate_join(kind, pair, 2, p->arena);
}

/* Inclusive "value <= limit" for rows at the low end. */
static const TarnPredicate *at_most(const Projection *p, TarnPredicateKind kind,
                                    const TarnLiteral *value) {
    TarnLiteral limit = may_be_rounded(p, value) ? shifted(value, 1) : *value;
    const TarnPredicate *plain = make(p, kind, &limit, 1);
    TarnLiteral wrap;
    if (!is_integer_truncate(p)) return plain;
    if (!wrap_limit(p, &wrap)) return not_null_or_nothing(p);
    return join_two(p, TARN_PREDICATE_OR, plain, make(p, TARN_PREDICATE_GT, &wrap, 1));
}

static bool keeps_boundary(const Projection *p, const TarnLiteral *literal,
                           const TarnLiteral *value) {
    return p->field->transform.kind == TARN_TRANSFORM_TRUNCATE &&
           tarn_table__value_compare(value, literal) == 0;
}

static const TarnPredicate *order_inclusive(const Projection *p, const TarnLiteral *literal,
                                            const TarnLiteral *value) {
    Limits limits;
    bool discrete = is_discrete(p->leaf->type.kind, &limits);
    TarnLiteral neighbour;
    switch (p->leaf->kind) {
    case TARN_PREDICATE_LT:
        if (discrete && literal->as.integer > limits.lowest) {
            TarnLiteral below = shifted(literal, -1);
            if (!apply(p, &below, &neighbour)) return not_null_or_nothing(p);
            if (is_integer_truncate(p) && tarn_table__value_compare(&neighbour, &below) > 0) {
                return not_null_or_nothing(p);
            }
            return at_most(p, TARN_PREDICATE_LE, &neighbour);
        }
        /* Truncation never makes larger, so on a boundary "below" stays "below". */
        return at_most(p, keeps_boundary(p, literal, value) ? TARN_PREDICATE_LT : TARN_PREDICATE_LE,
                       value);
    case TARN_PREDICATE_LE: return at_most(p, TARN_PREDICATE_LE, value);
    case TARN_PREDICATE_GT:
        if (discrete && literal->as.integer < limits.highest) {
            TarnLiteral above = shifted(literal, 1);
            if (!apply(p, &above, &neighbour)) return not_null_or_nothing(p);
            return make(p, TARN_PREDICATE_GE, &neighbour, 1);
        }
        return make(p, TARN_PREDICATE_GE, value, 1);
    default: /* GE */ return make(p, TARN_PREDICATE_GE, value, 1);
    }
}

/* Strict "value > limit": neither a value that was rounded up nor a wrapped one may pass. */
static const TarnPredicate *surely_above(const Projection *p, TarnPredicateKind kind,
                                         const TarnLiteral *value) {
    TarnLiteral limit = may_be_rounded(p, value) ? shifted(value, 1) : *value;
    const TarnPredicate *plain = make(p, kind, &limit, 1);
    TarnLiteral wrap;
    if (!is_integer_truncate(p)) return plain;
    if (!wrap_limit(p, &wrap)) return nothing(p);
    return join_two(p, TARN_PREDICATE_AND, plain, make(p, TARN_PREDICATE_LE, &wrap, 1));
}

static const TarnPredicate *order_strict(const Projection *p, const TarnLiteral *literal,
                                         const TarnLiteral *value) {
    Limits limits;
    bool discrete = is_discrete(p->leaf->type.kind, &limits);
    TarnLiteral neighbour;
    switch (p->leaf->kind) {
    case TARN_PREDICATE_LT: return make(p, TARN_PREDICATE_LT, value, 1);
    case TARN_PREDICATE_LE:
        if (discrete && literal->as.integer < limits.highest) {
            TarnLiteral above = shifted(literal, 1);
            if (!apply(p, &above, &neighbour)) return nothing(p);
            return make(p, TARN_PREDICATE_LT, &neighbour, 1);
        }
        return make(p, TARN_PREDICATE_LT, value, 1);
    case TARN_PREDICATE_GT: return surely_above(p, TARN_PREDICATE_GT, value);
    default: /* GE */
        if (discrete && literal->as.integer > limits.lowest) {
            TarnLiteral below = shifted(literal, -1);
            if (!apply(p, &below, &neighbour)) return nothing(p);
            if (is_integer_truncate(p) && tarn_table__value_compare(&neighbour, &below) > 0) {
                return nothing(p);
            }
            return surely_above(p, TARN_PREDICATE_GT, &neighbour);
        }
        return surely_above(
            p, keeps_boundary(p, literal, value) ? TARN_PREDICATE_GE : TARN_PREDICATE_GT, value);
    }
}

static const TarnPredicate *project_order(const Projection *p) {
    const TarnLiteral *literal = p->leaf->literals;
    TarnLiteral value;
    if (!apply(p, literal, &value)) return not_null_or_nothing(p);
    if (is_integer_truncate(p) && tarn_table__value_compare(&value, literal) > 0) {
        return not_null_or_nothing(p); /* wrapped: not monotone here */
    }
    return p->strict ? order_strict(p, literal, &value) : order_inclusive(p, literal, &value);
}

/* --- prefixes under truncate(W) of strings --- */

static const TarnPredicate *project_prefix(const Projection *p) {
    const TarnLiteral *prefix = p->leaf->literals;
    size_t width = p->field->transform.width > 0 ? (size_t)p->field->transform.width : 0;
    size_t length = tarn_base_text_utf8_count(prefix->as.bytes);
    bool positive = p->leaf->kind == TARN_PREDICATE_STARTS_WITH;
    TarnLiteral value;
    if (p->field->transform.kind != TARN_TRANSFORM_TRUNCATE || !apply(p, prefix, &value)) {
        return not_null_or_nothing(p);
    }
    if (length < width) return make(p, p->leaf->kind, prefix, 1); /* exact both ways */
    TarnPredicateKind kind = positive ? TARN_PREDICATE_EQ : TARN_PREDICATE_NE;
    if (length == width || positive != p->strict) return make(p, kind, &value, 1);
    return not_null_or_nothing(p);
}

/* --- one leaf through one partition field --- */

static bool keeps_values(const Projection *p) {
    TarnTransformKind kind = p->field->transform.kind;
    return kind == TARN_TRANSFORM_IDENTITY ||
           (kind == TARN_TRANSFORM_DAY && p->leaf->type.kind == TARN_TYPE_DATE);
}

static const TarnPredicate *project_field(const Projection *p) {
    TarnTransformKind transform = p->field->transform.kind;
    const TarnPredicate *leaf = p->leaf;
    if (keeps_values(p)) {
        TarnLiteral *literals = tarn_base_arena_copy(p->arena, leaf->literals,
                                                     leaf->literal_count * sizeof(*literals));
        if (literals == NULL) return NULL;
        for (size_t i = 0; i < leaf->literal_count; i++) literals[i].kind = p->type.kind;
        return make(p, leaf->kind, literals, leaf->literal_count);
    }
    switch (leaf->kind) {
    case TARN_PREDICATE_IS_NULL:
    case TARN_PREDICATE_NOT_NULL: return make(p, leaf->kind, NULL, 0);
    case TARN_PREDICATE_EQ:
    case TARN_PREDICATE_NE:
    case TARN_PREDICATE_IN:
    case TARN_PREDICATE_NOT_IN: return project_members(p);
    case TARN_PREDICATE_LT:
    case TARN_PREDICATE_LE:
    case TARN_PREDICATE_GT:
    case TARN_PREDICATE_GE:
        if (transform == TARN_TRANSFORM_BUCKET) return not_null_or_nothing(p);
        return project_order(p);
    case TARN_PREDICATE_STARTS_WITH:
    case TARN_PREDICATE_NOT_STARTS_WITH: return project_prefix(p);
    default: return nothing(p);
    }
}

static const TarnPredicate *project_leaf(const TarnPredicate *leaf, const TarnPartitionSpec *spec,
                                         bool strict, TarnArena *arena) {
    Projection p = {.leaf = leaf, .strict = strict, .arena = arena};
    const TarnPredicate *result = nothing(&p);
    for (size_t i = 0; i < spec->field_count; i++) {
        p.field = &spec->fields[i];
        TarnTransformKind kind = p.field->transform.kind;
        if (p.field->source_id != leaf->field_id || kind == TARN_TRANSFORM_VOID ||
            kind == TARN_TRANSFORM_UNKNOWN ||
            !tarn_table_transform_result(p.field->transform, leaf->type, &p.type)) {
            continue;
        }
        result = join_two(&p, strict ? TARN_PREDICATE_OR : TARN_PREDICATE_AND, result,
                          project_field(&p));
        if (result == NULL) return NULL;
    }
    return result;
}

static const TarnPredicate *project_tree(const TarnPredicate *bound, const TarnPartitionSpec *spec,
                                         bool strict, TarnArena *arena) {
    if (tarn_table__predicate_is_leaf(bound)) return project_leaf(bound, spec, strict, arena);
    if (bound->kind == TARN_PREDICATE_TRUE || bound->kind == TARN_PREDICATE_FALSE) return bound;
    if (bound->kind != TARN_PREDICATE_AND && bound->kind != TARN_PREDICATE_OR) {
        return tarn_table_predicate_constant(strict ? TARN_PREDICATE_FALSE : TARN_PREDICATE_TRUE);
    }
    const TarnPredicate **children = TARN_NEW_ARRAY(arena, bound->child_count,
                                                    const TarnPredicate *);
    if (children == NULL) return NULL;
    for (size_t i = 0; i < bound->child_count; i++) {
        children[i] = project_tree(bound->children[i], spec, strict, arena);
    }
    return tarn_table__predicate_join(bound->kind, children, bound->child_count, arena);
}

bool tarn_table_predicate_project(const TarnPredicate *bound, const TarnPartitionSpec *spec,
                                  bool strict, TarnArena *arena, const TarnPredicate **projected,
                                  TarnError *error) {
    *projected = project_tree(bound, spec, strict, arena);
    if (*projected != NULL) return true;
    if (!tarn_base_arena_check(arena, error)) return false;
    return tarn_base_error_set(error, TARN_E_INTERNAL, "no predicate to project");
}
