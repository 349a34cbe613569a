/* Expressions of a bound plan: which input columns they touch, and how.
 *
 * Only the members that hold operands are followed, by class: what else an expression carries
 * (the body of a lambda, a function's private data) has references of its own numbering.
 */
#include <string.h>

#include "base/limits.h"
#include "query/bound_plan_private.h"

/* --- sets --- */

static size_t set_words(const TarnPlanWalk *walk) { return (walk->bit_count + 63) / 64; }

void tarn_query__set_add(TarnPlanWalk *walk, TarnSourceSet *set, size_t bit) {
    uint64_t *words = TARN_NEW_ARRAY(walk->arena, set_words(walk) + 1, uint64_t);
    if (words == NULL) return;
    if (set->words != NULL) memcpy(words, set->words, set_words(walk) * sizeof(uint64_t));
    words[bit / 64] |= UINT64_C(1) << (bit % 64);
    set->words = words;
}

void tarn_query__set_join(TarnPlanWalk *walk, TarnSourceSet *set, TarnSourceSet other) {
    if (other.words == NULL || other.words == set->words) return;
    if (set->words == NULL) {
        *set = other;
        return;
    }
    size_t count = set_words(walk);
    bool inside = true;
    for (size_t i = 0; i < count && inside; i++) inside = (other.words[i] & ~set->words[i]) == 0;
    if (inside) return;
    uint64_t *words = TARN_NEW_ARRAY(walk->arena, count + 1, uint64_t);
    if (words == NULL) return;
    for (size_t i = 0; i < count; i++) words[i] = set->words[i] | other.words[i];
    set->words = words;
}

/* --- operands by class --- */

typedef enum OperandKind {
    OPERAND_ONE,    /* an expression or null */
    OPERAND_LIST,   /* a list of expressions */
    OPERAND_ORDERS, /* a list of {expression} or {orders: [..]} */
    OPERAND_CASES   /* a list of {when_expr, then_expr} */
} OperandKind;

typedef struct Operand {
    const char *class;
    const char *member;
    OperandKind kind;
    bool decides; /* it chooses among values instead of being one */
} Operand;

static const Operand operands[] = {
    {"BOUND_FUNCTION", "children", OPERAND_LIST, false},
    {"BOUND_AGGREGATE", "children", OPERAND_LIST, false},
    {"BOUND_AGGREGATE", "filter", OPERAND_ONE, true},
    {"BOUND_AGGREGATE", "order_bys", OPERAND_ORDERS, true},
    {"BOUND_WINDOW", "children", OPERAND_LIST, false},
    {"BOUND_WINDOW", "partitions", OPERAND_LIST, true},
    {"BOUND_WINDOW", "orders", OPERAND_ORDERS, true},
    {"BOUND_WINDOW", "filters", OPERAND_ONE, true},
    {"BOUND_WINDOW", "start_expr", OPERAND_ONE, true},
    {"BOUND_WINDOW", "end_expr", OPERAND_ONE, true},
    {"BOUND_WINDOW", "offset_expr", OPERAND_ONE, true},
    {"BOUND_WINDOW", "default_expr", OPERAND_ONE, false},
    {"BOUND_WINDOW", "arg_orders", OPERAND_ORDERS, true},
    {"BOUND_CASE", "case_checks", OPERAND_CASES, false},
    {"BOUND_CASE", "else_expr", OPERAND_ONE, false},
    {"BOUND_CAST", "child", OPERAND_ONE, false},
    {"BOUND_COMPARISON", "left", OPERAND_ONE, false},
    {"BOUND_COMPARISON", "right", OPERAND_ONE, false},
    {"BOUND_BETWEEN", "input", OPERAND_ONE, false},
    {"BOUND_BETWEEN", "lower", OPERAND_ONE, false},
    {"BOUND_BETWEEN", "upper", OPERAND_ONE, false},
    {"BOUND_OPERATOR", "children", OPERAND_LIST, false},
    {"BOUND_CONJUNCTION", "children", OPERAND_LIST, false},
    {"BOUND_UNNEST", "child", OPERAND_ONE, false},
};
#define OPERAND_COUNT (sizeof(operands) / sizeof(operands[0]))

static TarnText class_of(const TarnJson *expression) {
    TarnText class = {"", 0};
    if (!tarn_base_json_text(tarn_base_json_member(expression, "expression_class"), &class)) {
        class = (TarnText){"", 0};
    }
    return class;
}

bool tarn_query__expression_index(const TarnJson *expression, size_t count, size_t *index) {
    int64_t value;
    if (!tarn_base_text_is(class_of(expression), "BOUND_REF") ||
        !tarn_base_json_int64(tarn_base_json_member(expression, "index"), &value) || value < 0 ||
        (uint64_t)value >= count) {
        return false;
    }
    *index = (size_t)value;
    return true;
}

/* --- sources --- */

typedef struct Gather {
    TarnPlanWalk *walk;
    const TarnPlanRows *input;
    TarnPlanColumn *column;
    int depth;
} Gather;

static bool gather(Gather *gather_state, const TarnJson *expression, bool decides);

static bool gather_orders(Gather *state, const TarnJson *orders, bool decides) {
    if (orders != NULL && orders->kind == TARN_JSON_OBJECT) {
        orders = tarn_base_json_member(orders, "orders");
    }
    TARN_JSON_EACH(order, orders) {
        if (!gather(state, tarn_base_json_member(order, "expression"), decides)) return false;
    }
    return true;
}

static bool gather_operand(Gather *state, const TarnJson *expression, const Operand *operand,
                           bool decides) {
    const TarnJson *value = tarn_base_json_member(expression, operand->member);
    decides = decides || operand->decides;
    if (value == NULL || value->kind == TARN_JSON_NULL) return true;
    switch (operand->kind) {
    case OPERAND_ONE: return gather(state, value, decides);
    case OPERAND_ORDERS: return gather_orders(state, value, decides);
    case OPERAND_LIST:
        TARN_JSON_EACH(child, value) {
            if (!gather(state, child, decides)) return false;
        }
        return true;
    case OPERAND_CASES:
        TARN_JSON_EACH(check, value) {
            if (!gather(state, tarn_base_json_member(check, "when_expr"), true) ||
                !gather(state, tarn_base_json_member(check, "then_expr"), decides)) {
                return false;
            }
        }
        return true;
    }
    return true;
}

static bool gather(Gather *state, const TarnJson *expression, bool decides) {
    TarnPlanWalk *walk = state->walk;
    TarnText class = class_of(expression);
    size_t index;
    if (state->depth > TARN_LIMIT_NESTING * 4) {
        return tarn_query__plan_refuse(walk, "an expression nested too deeply", class);
    }
    if (tarn_base_text_is(class, "BOUND_REF")) {
        if (!tarn_query__expression_index(expression, state->input->count, &index)) {
            return tarn_query__plan_refuse(walk, "a reference out of range", class);
        }
        const TarnPlanColumn *from = &state->input->items[index];
        tarn_query__set_join(walk, decides ? &state->column->indirect : &state->column->direct,
                             from->direct);
        tarn_query__set_join(walk, &state->column->indirect, from->indirect);
        return true;
    }
    if (tarn_base_text_is(class, "BOUND_CONSTANT") ||
        tarn_base_text_is(class, "BOUND_PARAMETER")) {
        return true;
    }
    bool known = false;
    state->depth++;
    for (size_t i = 0; i < OPERAND_COUNT; i++) {
        if (!tarn_base_text_is(class, operands[i].class)) continue;
        known = true;
        if (!gather_operand(state, expression, &operands[i], decides)) return false;
    }
    state->depth--;
    return known || tarn_query__plan_refuse(walk, "an expression of a kind not known", class);
}

bool tarn_query__expression_sources(TarnPlanWalk *walk, const TarnJson *expression,
                                    const TarnPlanRows *input, TarnPlanColumn *column) {
    Gather state = {.walk = walk, .input = input, .column = column};
    return gather(&state, expression, false);
}

bool tarn_query__expression_touches(TarnPlanWalk *walk, const TarnJson *expression,
                                    const TarnPlanRows *input, TarnSourceSet *set) {
    TarnPlanColumn column = {0};
    if (!tarn_query__expression_sources(walk, expression, input, &column)) return false;
    tarn_query__set_join(walk, set, column.direct);
    tarn_query__set_join(walk, set, column.indirect);
    return true;
}

/* Casts that map different values to different values in the same order. */
static bool widening(const TarnJson *expression) {
    static const char *const order[] = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"};
    TarnText to = {NULL, 0};
    TarnText from = {NULL, 0};
    const TarnJson *child = tarn_base_json_member(expression, "child");
    const TarnJson *to_type = tarn_base_json_member(expression, "return_type");
    const TarnJson *from_type = tarn_base_json_member(child, "return_type");
    if (!tarn_base_json_text(tarn_base_json_member(to_type, "id"), &to) ||
        !tarn_base_json_text(tarn_base_json_member(from_type, "id"), &from)) {
        return false;
    }
    int from_rank = -1;
    int to_rank = -1;
    for (int i = 0; i < 4; i++) {
        if (tarn_base_text_is(from, order[i])) from_rank = i;
        if (tarn_base_text_is(to, order[i])) to_rank = i;
    }
    bool floats = tarn_base_text_is(from, "FLOAT") && tarn_base_text_is(to, "DOUBLE");
    bool integers = from_rank >= 0 && to_rank >= from_rank;
    bool same_text = tarn_base_text_is(from, "VARCHAR") && tarn_base_text_is(to, "VARCHAR");
    return floats || integers || same_text;
}

const TarnPlanColumn *tarn_query__expression_column(const TarnJson *expression,
                                                    const TarnPlanRows *input) {
    size_t index;
    while (tarn_base_text_is(class_of(expression), "BOUND_CAST") && widening(expression)) {
        expression = tarn_base_json_member(expression, "child");
    }
    return tarn_query__expression_index(expression, input->count, &index) ? &input->items[index]
                                                                          : NULL;
}
