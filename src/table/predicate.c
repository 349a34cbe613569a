/* Predicates: building them, their normal form, their text, and their truth for one row.
 *
 * The normal form is what makes pruning simple. Three-valued logic matters only below a NOT, so
 * NOT is pushed into the leaves first (each leaf has its opposite that is TRUE exactly where the
 * leaf is FALSE); what remains is monotone, and a tree of AND and OR over leaves is TRUE exactly
 * where the two-valued tree over "leaf is TRUE" is. NULL literals, NaN literals and literals of
 * another type are resolved here, once, so that judging a file never meets them.
 *
 * Not here: the conversion of literals (predicate_convert.c), projection to partitions
 * (predicate_project.c), evidence from metrics (predicate_judge.c).
 */
#include "table/predicate.h"

#include <math.h>
#include <stdlib.h>

#include "base/limits.h"
#include "table/predicate_convert_private.h"
#include "table/predicate_private.h"

static const TarnPredicate CONSTANT_TRUE = {.kind = TARN_PREDICATE_TRUE};
static const TarnPredicate CONSTANT_FALSE = {.kind = TARN_PREDICATE_FALSE};
static const TarnPredicate CONSTANT_UNKNOWN = {.kind = TARN_PREDICATE_UNKNOWN};

/* --- building --- */

const TarnPredicate *tarn_table_predicate_constant(TarnPredicateKind kind) {
    if (kind == TARN_PREDICATE_TRUE) return &CONSTANT_TRUE;
    return kind == TARN_PREDICATE_FALSE ? &CONSTANT_FALSE : &CONSTANT_UNKNOWN;
}

static const TarnPredicate *new_leaf(TarnPredicateKind kind, int32_t field_id, TarnPrimitive type,
                                     const TarnLiteral *literals, size_t count, TarnArena *arena) {
    TarnPredicate *leaf = TARN_NEW(arena, TarnPredicate);
    if (leaf == NULL) return NULL;
    leaf->kind = kind;
    leaf->field_id = field_id;
    leaf->type = type;
    leaf->literal_count = count;
    if (count == 0) return leaf;
    leaf->literals = tarn_base_arena_copy(arena, literals, count * sizeof(*literals));
    return leaf->literals != NULL ? leaf : NULL;
}

const TarnPredicate *tarn_table_predicate_unary(TarnPredicateKind kind, int32_t field_id,
                                                TarnArena *arena) {
    return new_leaf(kind, field_id, (TarnPrimitive){.kind = TARN_TYPE_UNKNOWN}, NULL, 0, arena);
}

const TarnPredicate *tarn_table_predicate_compare(TarnPredicateKind kind, int32_t field_id,
                                                  TarnPrimitive type, const TarnLiteral *literal,
                                                  TarnArena *arena) {
    return new_leaf(kind, field_id, type, literal, 1, arena);
}

const TarnPredicate *tarn_table_predicate_set(TarnPredicateKind kind, int32_t field_id,
                                              TarnPrimitive type, const TarnLiteral *literals,
                                              size_t count, TarnArena *arena) {
    return new_leaf(kind, field_id, type, literals, count, arena);
}

static const TarnPredicate *new_node(TarnPredicateKind kind, const TarnPredicate *const *children,
                                     size_t count, TarnArena *arena) {
    for (size_t i = 0; i < count; i++) {
        if (children[i] == NULL) return NULL;
    }
    TarnPredicate *node = TARN_NEW(arena, TarnPredicate);
    if (node == NULL) return NULL;
    node->kind = kind;
    node->children = tarn_base_arena_copy(arena, children, count * sizeof(TarnPredicate *));
    node->child_count = count;
    return node->children != NULL ? node : NULL;
}

const TarnPredicate *tarn_table_predicate_and(const TarnPredicate *const *children, size_t count,
                                              TarnArena *arena) {
    return new_node(TARN_PREDICATE_AND, children, count, arena);
}

const TarnPredicate *tarn_table_predicate_or(const TarnPredicate *const *children, size_t count,
                                             TarnArena *arena) {
    return new_node(TARN_PREDICATE_OR, children, count, arena);
}

const TarnPredicate *tarn_table_predicate_not(const TarnPredicate *child, TarnArena *arena) {
    return new_node(TARN_PREDICATE_NOT, &child, 1, arena);
}

const TarnPredicate *tarn_table__predicate_join(TarnPredicateKind kind,
                                                const TarnPredicate *const *children, size_t count,
                                                TarnArena *arena) {
    bool is_and = kind == TARN_PREDICATE_AND;
    TarnPredicateKind neutral = is_and ? TARN_PREDICATE_TRUE : TARN_PREDICATE_FALSE;
    TarnPredicateKind final = is_and ? TARN_PREDICATE_FALSE : TARN_PREDICATE_TRUE;
    size_t room = 0;
    for (size_t i = 0; i < count; i++) {
        if (children[i] == NULL) return NULL;
        if (children[i]->kind == final) return children[i];
        room += children[i]->kind == kind ? children[i]->child_count : 1;
    }
    const TarnPredicate **kept = TARN_NEW_ARRAY(arena, room, const TarnPredicate *);
    if (kept == NULL) return NULL;
    size_t kept_count = 0;
    for (size_t i = 0; i < count; i++) {
        const TarnPredicate *child = children[i];
        if (child->kind == neutral) continue;
        if (child->kind != kind) {
            kept[kept_count++] = child;
            continue;
        }
        for (size_t j = 0; j < child->child_count; j++) kept[kept_count++] = child->children[j];
    }
    if (kept_count == 0) return tarn_table_predicate_constant(neutral);
    if (kept_count == 1) return kept[0];
    TarnPredicate *node = TARN_NEW(arena, TarnPredicate);
    if (node == NULL) return NULL;
    node->kind = kind;
    node->children = kept;
    node->child_count = kept_count;
    return node;
}

/* --- values --- */

int tarn_table__value_compare(const TarnLiteral *a, const TarnLiteral *b) {
    switch (a->kind) {
    case TARN_TYPE_BOOLEAN: return (int)a->as.boolean - (int)b->as.boolean;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE: {
        bool a_nan = isnan(a->as.real);
        bool b_nan = isnan(b->as.real);
        if (a_nan || b_nan) return (int)a_nan - (int)b_nan;
        return (a->as.real > b->as.real) - (a->as.real < b->as.real);
    }
    case TARN_TYPE_DECIMAL:
        return (a->as.decimal > b->as.decimal) - (a->as.decimal < b->as.decimal);
    case TARN_TYPE_STRING:
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY: {
        TarnText x = a->as.bytes;
        TarnText y = b->as.bytes;
        size_t common = x.size < y.size ? x.size : y.size;
        int order = common > 0 ? memcmp(x.data, y.data, common) : 0;
        return order != 0 ? order : (x.size > y.size) - (x.size < y.size);
    }
    default: return (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
    }
}

bool tarn_table__value_starts(const TarnLiteral *value, const TarnLiteral *prefix) {
    size_t size = prefix->as.bytes.size;
    if (size == 0) return true;
    return value->as.bytes.size >= size &&
           memcmp(value->as.bytes.data, prefix->as.bytes.data, size) == 0;
}

size_t tarn_table__literal_lower_bound(const TarnPredicate *leaf, const TarnLiteral *value) {
    size_t low = 0;
    size_t high = leaf->literal_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tarn_table__value_compare(&leaf->literals[middle], value) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool list_has(const TarnPredicate *leaf, const TarnLiteral *value) {
    size_t at = tarn_table__literal_lower_bound(leaf, value);
    return at < leaf->literal_count && tarn_table__value_compare(&leaf->literals[at], value) == 0;
}

bool tarn_table__leaf_keeps(const TarnPredicate *leaf, const TarnLiteral *value) {
    if (value->is_null) return leaf->kind == TARN_PREDICATE_IS_NULL;
    bool is_nan = tarn_table__kind_is_real(value->kind) && isnan(value->as.real);
    const TarnLiteral *literal = leaf->literals;
    switch (leaf->kind) {
    case TARN_PREDICATE_IS_NULL: return false;
    case TARN_PREDICATE_NOT_NULL: return true;
    case TARN_PREDICATE_IS_NAN: return is_nan;
    case TARN_PREDICATE_NOT_NAN: return !is_nan;
    case TARN_PREDICATE_LT: return tarn_table__value_compare(value, literal) < 0;
    case TARN_PREDICATE_LE: return tarn_table__value_compare(value, literal) <= 0;
    case TARN_PREDICATE_GT: return tarn_table__value_compare(value, literal) > 0;
    case TARN_PREDICATE_GE: return tarn_table__value_compare(value, literal) >= 0;
    case TARN_PREDICATE_EQ: return tarn_table__value_compare(value, literal) == 0;
    case TARN_PREDICATE_NE: return tarn_table__value_compare(value, literal) != 0;
    case TARN_PREDICATE_IN: return list_has(leaf, value);
    case TARN_PREDICATE_NOT_IN: return !list_has(leaf, value);
    case TARN_PREDICATE_STARTS_WITH: return tarn_table__value_starts(value, literal);
    case TARN_PREDICATE_NOT_STARTS_WITH: return !tarn_table__value_starts(value, literal);
    default: return false;
    }
}

bool tarn_table_predicate_keeps(const TarnPredicate *bound, TarnPredicateValue *value, void *state,
                                bool unknown) {
    switch (bound->kind) {
    case TARN_PREDICATE_TRUE: return true;
    case TARN_PREDICATE_FALSE: return false;
    case TARN_PREDICATE_AND:
        for (size_t i = 0; i < bound->child_count; i++) {
            if (!tarn_table_predicate_keeps(bound->children[i], value, state, unknown)) {
                return false;
            }
        }
        return true;
    case TARN_PREDICATE_OR:
        for (size_t i = 0; i < bound->child_count; i++) {
            if (tarn_table_predicate_keeps(bound->children[i], value, state, unknown)) return true;
        }
        return false;
    case TARN_PREDICATE_UNKNOWN:
    case TARN_PREDICATE_NOT: /* not in the normal form */ return unknown;
    default: return tarn_table__leaf_keeps(bound, value(state, bound->field_id));
    }
}

/* --- the normal form --- */

typedef struct Binder {
    const TarnSchema *schema;
    TarnArena *arena;
} Binder;

static const TarnPredicate *make_leaf(Binder *binder, TarnPredicateKind kind,
                                      const TarnField *field, const TarnLiteral *literals,
                                      size_t count) {
    return new_leaf(kind, field->id, field->type.primitive, literals, count, binder->arena);
}

/* Through structs only: one value a row, null where a struct above is null. */
static const TarnField *find_scalar(const TarnField *fields, size_t count, int32_t id,
                                    unsigned depth) {
    if (depth > TARN_LIMIT_NESTING) return NULL;
    for (size_t i = 0; i < count; i++) {
        const TarnField *field = &fields[i];
        bool nested = tarn_format_kind_is_nested(field->type.primitive.kind);
        if (field->id == id) return nested ? NULL : field;
        if (field->type.primitive.kind != TARN_TYPE_STRUCT) continue;
        const TarnField *found = find_scalar(field->type.fields, field->type.field_count, id,
                                             depth + 1);
        if (found != NULL) return found;
    }
    return NULL;
}

static TarnPredicateKind opposite(TarnPredicateKind kind) {
    switch (kind) {
    case TARN_PREDICATE_TRUE: return TARN_PREDICATE_FALSE;
    case TARN_PREDICATE_FALSE: return TARN_PREDICATE_TRUE;
    case TARN_PREDICATE_AND: return TARN_PREDICATE_OR;
    case TARN_PREDICATE_OR: return TARN_PREDICATE_AND;
    case TARN_PREDICATE_IS_NULL: return TARN_PREDICATE_NOT_NULL;
    case TARN_PREDICATE_NOT_NULL: return TARN_PREDICATE_IS_NULL;
    case TARN_PREDICATE_IS_NAN: return TARN_PREDICATE_NOT_NAN;
    case TARN_PREDICATE_NOT_NAN: return TARN_PREDICATE_IS_NAN;
    case TARN_PREDICATE_LT: return TARN_PREDICATE_GE;
    case TARN_PREDICATE_LE: return TARN_PREDICATE_GT;
    case TARN_PREDICATE_GT: return TARN_PREDICATE_LE;
    case TARN_PREDICATE_GE: return TARN_PREDICATE_LT;
    case TARN_PREDICATE_EQ: return TARN_PREDICATE_NE;
    case TARN_PREDICATE_NE: return TARN_PREDICATE_EQ;
    case TARN_PREDICATE_IN: return TARN_PREDICATE_NOT_IN;
    case TARN_PREDICATE_NOT_IN: return TARN_PREDICATE_IN;
    case TARN_PREDICATE_STARTS_WITH: return TARN_PREDICATE_NOT_STARTS_WITH;
    case TARN_PREDICATE_NOT_STARTS_WITH: return TARN_PREDICATE_STARTS_WITH;
    default: return kind;
    }
}

/* A comparison with NaN, the greatest value. */
static const TarnPredicate *bind_nan(Binder *binder, TarnPredicateKind kind,
                                     const TarnField *field) {
    bool real = tarn_table__kind_is_real(field->type.primitive.kind);
    switch (kind) {
    case TARN_PREDICATE_LE: return make_leaf(binder, TARN_PREDICATE_NOT_NULL, field, NULL, 0);
    case TARN_PREDICATE_LT:
    case TARN_PREDICATE_NE:
        return make_leaf(binder, real ? TARN_PREDICATE_NOT_NAN : TARN_PREDICATE_NOT_NULL, field,
                         NULL, 0);
    case TARN_PREDICATE_GE:
    case TARN_PREDICATE_EQ:
        return real ? make_leaf(binder, TARN_PREDICATE_IS_NAN, field, NULL, 0) : &CONSTANT_FALSE;
    default: return &CONSTANT_FALSE;
    }
}

/* A comparison with a literal that lies above (or below) every value but NaN. */
static const TarnPredicate *bind_outside(Binder *binder, TarnPredicateKind kind,
                                         const TarnField *field, bool above) {
    bool holds = kind == TARN_PREDICATE_NE ||
                 (above ? kind == TARN_PREDICATE_LT || kind == TARN_PREDICATE_LE
                        : kind == TARN_PREDICATE_GT || kind == TARN_PREDICATE_GE);
    return holds ? make_leaf(binder, TARN_PREDICATE_NOT_NULL, field, NULL, 0) : &CONSTANT_FALSE;
}

/* A comparison with a literal between `floor` and the next value of the column's type. */
static const TarnPredicate *bind_between(Binder *binder, TarnPredicateKind kind,
                                         const TarnField *field, const TarnLiteral *floor) {
    switch (kind) {
    case TARN_PREDICATE_LT:
    case TARN_PREDICATE_LE: return make_leaf(binder, TARN_PREDICATE_LE, field, floor, 1);
    case TARN_PREDICATE_GT:
    case TARN_PREDICATE_GE: return make_leaf(binder, TARN_PREDICATE_GT, field, floor, 1);
    case TARN_PREDICATE_NE: return make_leaf(binder, TARN_PREDICATE_NOT_NULL, field, NULL, 0);
    default: return &CONSTANT_FALSE;
    }
}

static const TarnPredicate *bind_compare(Binder *binder, const TarnPredicate *leaf,
                                         TarnPredicateKind kind, const TarnField *field) {
    if (leaf->literal_count != 1) return &CONSTANT_UNKNOWN;
    if (leaf->literals->is_null) return &CONSTANT_FALSE;
    TarnLiteral literal;
    switch (
        tarn_table__literal_convert(leaf->type, leaf->literals, field->type.primitive, &literal)) {
    case TARN_CONVERTED: return make_leaf(binder, kind, field, &literal, 1);
    case TARN_CONVERTED_BETWEEN: return bind_between(binder, kind, field, &literal);
    case TARN_CONVERTED_NAN: return bind_nan(binder, kind, field);
    case TARN_CONVERTED_ABOVE: return bind_outside(binder, kind, field, true);
    case TARN_CONVERTED_BELOW: return bind_outside(binder, kind, field, false);
    default: return &CONSTANT_UNKNOWN;
    }
}

static const TarnPredicate *bind_prefix(Binder *binder, const TarnPredicate *leaf,
                                        TarnPredicateKind kind, const TarnField *field) {
    if (leaf->literal_count != 1 || field->type.primitive.kind != TARN_TYPE_STRING ||
        leaf->literals->kind != TARN_TYPE_STRING) {
        return &CONSTANT_UNKNOWN;
    }
    if (leaf->literals->is_null) return &CONSTANT_FALSE;
    if (leaf->literals->as.bytes.size > 0) return make_leaf(binder, kind, field, leaf->literals, 1);
    return kind == TARN_PREDICATE_STARTS_WITH
               ? make_leaf(binder, TARN_PREDICATE_NOT_NULL, field, NULL, 0)
               : &CONSTANT_FALSE;
}

static int compare_literals(const void *a, const void *b) {
    return tarn_table__value_compare(a, b);
}

static size_t sort_unique(TarnLiteral *literals, size_t count) {
    if (count == 0) return 0;
    qsort(literals, count, sizeof(*literals), compare_literals);
    size_t kept = 1;
    for (size_t i = 1; i < count; i++) {
        if (tarn_table__value_compare(&literals[kept - 1], &literals[i]) == 0) continue;
        literals[kept++] = literals[i];
    }
    return kept;
}

/* IN and NOT IN over literals already sorted out. */
static const TarnPredicate *bind_members(Binder *binder, bool negated, const TarnField *field,
                                         const TarnLiteral *literals, size_t count, bool has_nan) {
    const TarnPredicate *members;
    if (count == 0) {
        members = negated ? make_leaf(binder, TARN_PREDICATE_NOT_NULL, field, NULL, 0)
                          : &CONSTANT_FALSE;
    } else if (count == 1) {
        members = make_leaf(binder, negated ? TARN_PREDICATE_NE : TARN_PREDICATE_EQ, field,
                            literals, 1);
    } else {
        members = make_leaf(binder, negated ? TARN_PREDICATE_NOT_IN : TARN_PREDICATE_IN, field,
                            literals, count);
    }
    if (!has_nan) return members;
    const TarnPredicate *pair[2] = {
        members, bind_nan(binder, negated ? TARN_PREDICATE_NE : TARN_PREDICATE_EQ, field)};
    return tarn_table__predicate_join(negated ? TARN_PREDICATE_AND : TARN_PREDICATE_OR, pair, 2,
                                      binder->arena);
}

static const TarnPredicate *bind_set(Binder *binder, const TarnPredicate *leaf,
                                     TarnPredicateKind kind, const TarnField *field) {
    bool negated = kind == TARN_PREDICATE_NOT_IN;
    if (leaf->literal_count == 0) return negated ? &CONSTANT_TRUE : &CONSTANT_FALSE;
    TarnLiteral *literals = TARN_NEW_ARRAY(binder->arena, leaf->literal_count, TarnLiteral);
    if (literals == NULL) return NULL;
    size_t count = 0;
    bool has_nan = false;
    for (size_t i = 0; i < leaf->literal_count; i++) {
        if (leaf->literals[i].is_null) {
            /* x NOT IN (.., NULL) is never TRUE; x IN (.., NULL) is as without it. */
            if (negated) return &CONSTANT_FALSE;
            continue;
        }
        switch (tarn_table__literal_convert(leaf->type, &leaf->literals[i], field->type.primitive,
                                            &literals[count])) {
        case TARN_CONVERTED: count++; break;
        case TARN_CONVERTED_NAN: has_nan = true; break;
        case TARN_CONVERTED_BETWEEN:
        case TARN_CONVERTED_ABOVE:
        case TARN_CONVERTED_BELOW: break; /* equal to no value of the column */
        default: return &CONSTANT_UNKNOWN;
        }
    }
    count = sort_unique(literals, count);
    return bind_members(binder, negated, field, literals, count, has_nan);
}

static const TarnPredicate *bind_leaf(Binder *binder, const TarnPredicate *leaf, bool negate) {
    TarnPredicateKind kind = negate ? opposite(leaf->kind) : leaf->kind;
    const TarnField *field = find_scalar(binder->schema->fields, binder->schema->field_count,
                                         leaf->field_id, 0);
    if (field == NULL) return &CONSTANT_UNKNOWN;
    TarnTypeKind type = field->type.primitive.kind;
    if (type == TARN_TYPE_UNKNOWN) return &CONSTANT_UNKNOWN;
    switch (kind) {
    case TARN_PREDICATE_IS_NULL:
    case TARN_PREDICATE_NOT_NULL: return make_leaf(binder, kind, field, NULL, 0);
    case TARN_PREDICATE_IS_NAN:
        if (!tarn_table__kind_is_real(type)) return &CONSTANT_FALSE;
        return make_leaf(binder, kind, field, NULL, 0);
    case TARN_PREDICATE_NOT_NAN:
        return make_leaf(binder, tarn_table__kind_is_real(type) ? kind : TARN_PREDICATE_NOT_NULL,
                         field, NULL, 0);
    case TARN_PREDICATE_IN:
    case TARN_PREDICATE_NOT_IN: return bind_set(binder, leaf, kind, field);
    case TARN_PREDICATE_STARTS_WITH:
    case TARN_PREDICATE_NOT_STARTS_WITH: return bind_prefix(binder, leaf, kind, field);
    default: return bind_compare(binder, leaf, kind, field);
    }
}

static const TarnPredicate *bind_tree(Binder *binder, const TarnPredicate *predicate, bool negate,
                                      unsigned depth) {
    if (depth > TARN_LIMIT_NESTING) return &CONSTANT_UNKNOWN;
    switch (predicate->kind) {
    case TARN_PREDICATE_TRUE:
    case TARN_PREDICATE_FALSE:
    case TARN_PREDICATE_UNKNOWN:
        return tarn_table_predicate_constant(negate ? opposite(predicate->kind) : predicate->kind);
    case TARN_PREDICATE_NOT:
        if (predicate->child_count != 1) return &CONSTANT_UNKNOWN;
        return bind_tree(binder, predicate->children[0], !negate, depth + 1);
    case TARN_PREDICATE_AND:
    case TARN_PREDICATE_OR: {
        size_t count = predicate->child_count;
        const TarnPredicate **children = TARN_NEW_ARRAY(binder->arena, count,
                                                        const TarnPredicate *);
        if (children == NULL) return NULL;
        for (size_t i = 0; i < count; i++) {
            children[i] = bind_tree(binder, predicate->children[i], negate, depth + 1);
        }
        return tarn_table__predicate_join(negate ? opposite(predicate->kind) : predicate->kind,
                                          children, count, binder->arena);
    }
    default: return bind_leaf(binder, predicate, negate);
    }
}

bool tarn_table_predicate_bind(const TarnPredicate *predicate, const TarnSchema *schema,
                               TarnArena *arena, const TarnPredicate **bound, TarnError *error) {
    Binder binder = {.schema = schema, .arena = arena};
    *bound = predicate != NULL ? bind_tree(&binder, predicate, false, 0) : NULL;
    if (*bound != NULL) return true;
    if (!tarn_base_arena_check(arena, error)) return false;
    return tarn_base_error_set(error, TARN_E_INTERNAL, "no predicate to bind");
}

/* --- fields --- */

typedef struct IdList {
    int32_t *items;
    size_t count;
    size_t capacity;
} IdList;

static void collect_fields(const TarnPredicate *predicate, TarnArena *arena, IdList *ids) {
    if (tarn_table__predicate_is_leaf(predicate)) {
        int32_t *id = TARN_PUSH(arena, ids);
        if (id != NULL) *id = predicate->field_id;
        return;
    }
    for (size_t i = 0; i < predicate->child_count; i++) {
        collect_fields(predicate->children[i], arena, ids);
    }
}

static int compare_ids(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

bool tarn_table_predicate_fields(const TarnPredicate *predicate, TarnArena *arena, int32_t **ids,
                                 size_t *count, TarnError *error) {
    IdList list = {0};
    collect_fields(predicate, arena, &list);
    if (!tarn_base_arena_check(arena, error)) return false;
    if (list.count > 1) qsort(list.items, list.count, sizeof(*list.items), compare_ids);
    size_t kept = 0;
    for (size_t i = 0; i < list.count; i++) {
        if (kept > 0 && list.items[kept - 1] == list.items[i]) continue;
        list.items[kept++] = list.items[i];
    }
    *ids = list.items;
    *count = kept;
    return true;
}
