/* Conditions of a plan as predicates over the tables' columns.
 *
 * A condition over an operator's columns is seen from each table that one of its columns goes
 * back to: leaves over that table's columns are translated, everything else is UNKNOWN, and the
 * tree above combines them by three-valued logic. Rewrites of functions (a cast to date,
 * date_trunc, year) become ranges of the column only where they are exact.
 */
#include <string.h>

#include "base/limits.h"
#include "base/time.h"
#include "query/bound_plan_private.h"

#define US_PER_DAY INT64_C(86400000000)

typedef struct View {
    TarnPlanWalk *walk;
    const TarnPlanRows *input;
    size_t table;
    bool nullable; /* some column used may be null where the table's is not */
    int depth;
} View;

static const TarnPredicate *unknown(void) {
    return tarn_table_predicate_constant(TARN_PREDICATE_UNKNOWN);
}

/* The table's field that an expression is, seen from the view's table; NULL if it is not one. */
static const TarnField *field_of(View *view, const TarnJson *expression) {
    const TarnPlanColumn *column = tarn_query__expression_column(expression, view->input);
    for (const TarnPlanBase *base = column != NULL ? column->base : NULL; base != NULL;
         base = base->next) {
        if (base->table != view->table) continue;
        const TarnPlanTable *table = &view->walk->tables.items[base->table];
        if (table->columns == NULL || base->column >= table->columns->field_count) return NULL;
        view->nullable = view->nullable || base->nullable;
        return &table->columns->fields[base->column];
    }
    return NULL;
}

static const TarnPredicate *compare(View *view, TarnPredicateKind kind, const TarnField *field,
                                    TarnPrimitive type, TarnLiteral literal) {
    TarnArena *arena = view->walk->arena;
    const TarnLiteral *copy = tarn_base_arena_copy(arena, &literal, sizeof(literal));
    if (copy == NULL || tarn_format_kind_is_nested(field->type.primitive.kind)) return unknown();
    return tarn_table_predicate_compare(kind, field->id, type, copy, arena);
}

static const TarnPredicate *both(View *view, const TarnPredicate *a, const TarnPredicate *b) {
    const TarnPredicate *children[] = {a, b};
    return tarn_table_predicate_and(children, 2, view->walk->arena);
}

/* --- functions of times as ranges --- */

typedef enum Grain {
    GRAIN_NONE,
    GRAIN_HOUR,
    GRAIN_DAY,
    GRAIN_MONTH,
    GRAIN_YEAR
} Grain;

static int64_t floor_div(int64_t value, int64_t by) { return value / by - (value % by < 0); }

/* The start of the grain that holds `us`, `step` grains on. */
static bool grain_start(Grain grain, int64_t us, int step, int64_t *start) {
    int64_t days = floor_div(us, US_PER_DAY);
    int64_t year;
    unsigned month;
    unsigned day;
    if (grain == GRAIN_HOUR) {
        int64_t hour = US_PER_DAY / 24;
        return !__builtin_mul_overflow(floor_div(us, hour) + step, hour, start);
    }
    if (grain != GRAIN_DAY) {
        tarn_base_time_civil_from_days(days, &year, &month, &day);
        int64_t months = grain == GRAIN_YEAR ? (year + step) * 12
                                             : year * 12 + (int64_t)month - 1 + step;
        days = tarn_base_time_days_from_civil(
            floor_div(months, 12), (unsigned)(months - floor_div(months, 12) * 12) + 1, 1);
    } else {
        days += step;
    }
    return !__builtin_mul_overflow(days, US_PER_DAY, start);
}

/* A value of a date or timestamp column from microseconds, aligned to days for dates. */
static TarnLiteral time_literal(const TarnField *field, int64_t us) {
    TarnTypeKind kind = field->type.primitive.kind;
    return (TarnLiteral){.kind = kind,
                         .as.integer = kind == TARN_TYPE_DATE ? floor_div(us, US_PER_DAY) : us};
}

/* `grain_floor(column) op us` as a range of the column. */
static const TarnPredicate *grain_range(View *view, const TarnField *field, Grain grain,
                                        TarnPredicateKind kind, int64_t us) {
    int64_t start;
    int64_t next;
    TarnPrimitive type = field->type.primitive;
    if (!grain_start(grain, us, 0, &start) || !grain_start(grain, us, 1, &next)) return unknown();
    bool aligned = start == us;
    TarnLiteral low = time_literal(field, start);
    TarnLiteral high = time_literal(field, next);
    switch (kind) {
    case TARN_PREDICATE_EQ:
        if (!aligned) return unknown();
        return both(view, compare(view, TARN_PREDICATE_GE, field, type, low),
                    compare(view, TARN_PREDICATE_LT, field, type, high));
    case TARN_PREDICATE_LT:
        return compare(view, TARN_PREDICATE_LT, field, type, aligned ? low : high);
    case TARN_PREDICATE_LE: return compare(view, TARN_PREDICATE_LT, field, type, high);
    case TARN_PREDICATE_GT: return compare(view, TARN_PREDICATE_GE, field, type, high);
    case TARN_PREDICATE_GE:
        return compare(view, TARN_PREDICATE_GE, field, type, aligned ? low : high);
    default: return unknown();
    }
}

static Grain grain_named(TarnText name) {
    if (tarn_base_text_is(name, "hour")) return GRAIN_HOUR;
    if (tarn_base_text_is(name, "day")) return GRAIN_DAY;
    if (tarn_base_text_is(name, "month")) return GRAIN_MONTH;
    return tarn_base_text_is(name, "year") ? GRAIN_YEAR : GRAIN_NONE;
}

static bool is_time_kind(TarnTypeKind kind) {
    return kind == TARN_TYPE_DATE || kind == TARN_TYPE_TIMESTAMP || kind == TARN_TYPE_TIMESTAMPTZ;
}

static bool microseconds(TarnPrimitive type, const TarnLiteral *literal, int64_t *us) {
    if (literal->is_null || !is_time_kind(type.kind)) return false;
    *us = literal->as.integer;
    return type.kind != TARN_TYPE_DATE || !__builtin_mul_overflow(*us, US_PER_DAY, us);
}

/* CAST(ts AS DATE), CAST(date AS TIMESTAMP). */
static const TarnPredicate *compare_cast(View *view, const TarnJson *cast, TarnPredicateKind kind,
                                         TarnPrimitive type, const TarnLiteral *literal) {
    const TarnField *field = field_of(view, tarn_base_json_member(cast, "child"));
    int64_t us;
    bool try_cast = false;
    if (field == NULL || !is_time_kind(field->type.primitive.kind) ||
        !microseconds(type, literal, &us) ||
        !tarn_base_json_bool(tarn_base_json_member(cast, "try_cast"), &try_cast)) {
        return unknown();
    }
    TarnText to = tarn_base_json_member_text(tarn_base_json_member(cast, "return_type"), "id");
    bool from_date = field->type.primitive.kind == TARN_TYPE_DATE;
    if (tarn_base_text_is(to, "DATE") && !from_date) {
        return grain_range(view, field, GRAIN_DAY, kind, us);
    }
    bool to_timestamp = tarn_base_text_is(to, "TIMESTAMP") ||
                        tarn_base_text_is(to, "TIMESTAMP WITH TIME ZONE");
    if (!from_date || !to_timestamp) return unknown();
    /* A date compared with a moment: midnight of the date is. */
    int64_t day = floor_div(us, US_PER_DAY);
    bool midnight = day * US_PER_DAY == us;
    TarnLiteral at = {.kind = TARN_TYPE_DATE, .as.integer = day};
    TarnPrimitive date = field->type.primitive;
    switch (kind) {
    case TARN_PREDICATE_EQ:
    case TARN_PREDICATE_NE: return midnight ? compare(view, kind, field, date, at) : unknown();
    case TARN_PREDICATE_LT:
        return compare(view, midnight ? TARN_PREDICATE_LT : TARN_PREDICATE_LE, field, date, at);
    case TARN_PREDICATE_LE: return compare(view, TARN_PREDICATE_LE, field, date, at);
    case TARN_PREDICATE_GT: return compare(view, TARN_PREDICATE_GT, field, date, at);
    case TARN_PREDICATE_GE:
        return compare(view, midnight ? TARN_PREDICATE_GE : TARN_PREDICATE_GT, field, date, at);
    default: return unknown();
    }
}

/* date_trunc('unit', column), year(column). */
static const TarnPredicate *compare_function(View *view, const TarnJson *function,
                                             TarnPredicateKind kind, TarnPrimitive type,
                                             const TarnLiteral *literal) {
    TarnText name = tarn_base_json_member_text(function, "name");
    const TarnJson *first = tarn_base_json_at(tarn_base_json_member(function, "children"), 0);
    const TarnJson *second = tarn_base_json_at(tarn_base_json_member(function, "children"), 1);
    int64_t us;
    if (tarn_base_text_is(name, "year") && second == NULL) {
        const TarnField *field = field_of(view, first);
        bool year = type.kind == TARN_TYPE_LONG || type.kind == TARN_TYPE_INT;
        if (field == NULL || !is_time_kind(field->type.primitive.kind) || !year ||
            literal->is_null || literal->as.integer < -4000 || literal->as.integer > 9999) {
            return unknown();
        }
        us = tarn_base_time_days_from_civil(literal->as.integer, 1, 1) * US_PER_DAY;
        return grain_range(view, field, GRAIN_YEAR, kind, us);
    }
    TarnPrimitive unit_type;
    TarnLiteral unit;
    if (!tarn_base_text_is(name, "date_trunc") || second == NULL ||
        !tarn_query__constant(first, view->walk->arena, &unit_type, &unit) || unit.is_null ||
        unit_type.kind != TARN_TYPE_STRING || !microseconds(type, literal, &us)) {
        return unknown();
    }
    const TarnField *field = field_of(view, second);
    Grain grain = grain_named(unit.as.bytes);
    if (field == NULL || grain == GRAIN_NONE || !is_time_kind(field->type.primitive.kind) ||
        (grain == GRAIN_HOUR && field->type.primitive.kind == TARN_TYPE_DATE)) {
        return unknown();
    }
    return grain_range(view, field, grain, kind, us);
}

/* --- leaves --- */

static TarnPredicateKind comparison_kind(TarnText type) {
    static const struct {
        const char *name;
        TarnPredicateKind kind;
    } kinds[] = {{"COMPARE_EQUAL", TARN_PREDICATE_EQ},
                 {"COMPARE_NOTEQUAL", TARN_PREDICATE_NE},
                 {"COMPARE_LESSTHAN", TARN_PREDICATE_LT},
                 {"COMPARE_LESSTHANOREQUALTO", TARN_PREDICATE_LE},
                 {"COMPARE_GREATERTHAN", TARN_PREDICATE_GT},
                 {"COMPARE_GREATERTHANOREQUALTO", TARN_PREDICATE_GE}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (tarn_base_text_is(type, kinds[i].name)) return kinds[i].kind;
    }
    return TARN_PREDICATE_UNKNOWN;
}

static TarnPredicateKind mirrored(TarnPredicateKind kind) {
    switch (kind) {
    case TARN_PREDICATE_LT: return TARN_PREDICATE_GT;
    case TARN_PREDICATE_LE: return TARN_PREDICATE_GE;
    case TARN_PREDICATE_GT: return TARN_PREDICATE_LT;
    case TARN_PREDICATE_GE: return TARN_PREDICATE_LE;
    default: return kind;
    }
}

static const TarnPredicate *compare_side(View *view, const TarnJson *side, TarnPredicateKind kind,
                                         const TarnJson *other) {
    TarnPrimitive type;
    TarnLiteral literal;
    if (!tarn_query__constant(other, view->walk->arena, &type, &literal)) return NULL;
    const TarnField *field = field_of(view, side);
    if (field != NULL) return compare(view, kind, field, type, literal);
    TarnText class = tarn_base_json_member_text(side, "expression_class");
    if (tarn_base_text_is(class, "BOUND_CAST")) {
        return compare_cast(view, side, kind, type, &literal);
    }
    if (tarn_base_text_is(class, "BOUND_FUNCTION")) {
        return compare_function(view, side, kind, type, &literal);
    }
    return NULL;
}

static const TarnPredicate *translate_comparison(View *view, const TarnJson *left,
                                                 TarnPredicateKind kind, const TarnJson *right) {
    if (kind == TARN_PREDICATE_UNKNOWN) return unknown();
    const TarnPredicate *predicate = compare_side(view, left, kind, right);
    if (predicate == NULL) predicate = compare_side(view, right, mirrored(kind), left);
    return predicate != NULL ? predicate : unknown();
}

static const TarnPredicate *translate_in(View *view, const TarnJson *children, bool negated) {
    const TarnJson *first = tarn_base_json_at(children, 0);
    const TarnField *field = first != NULL ? field_of(view, first) : NULL;
    if (field == NULL || children->count < 2 ||
        tarn_format_kind_is_nested(field->type.primitive.kind)) {
        return unknown();
    }
    TarnLiteral *literals = TARN_NEW_ARRAY(view->walk->arena, children->count, TarnLiteral);
    TarnPrimitive type = {0};
    size_t count = 0;
    for (const TarnJson *child = first->next; child != NULL && literals != NULL;
         child = child->next) {
        TarnPrimitive own;
        if (!tarn_query__constant(child, view->walk->arena, &own, &literals[count])) {
            return unknown();
        }
        if (count > 0 && !tarn_format_primitive_equal(own, type)) return unknown();
        type = own;
        count++;
    }
    return tarn_table_predicate_set(negated ? TARN_PREDICATE_NOT_IN : TARN_PREDICATE_IN, field->id,
                                    type, literals, count, view->walk->arena);
}

/* LIKE 'abc%': exact if nothing but a single % follows the prefix, else weaker than the prefix
 * test, so that it may only stand where weaker is safe. */
static const TarnPredicate *translate_like(View *view, const TarnJson *children, bool is_pattern,
                                           bool positive) {
    const TarnField *field = field_of(view, tarn_base_json_at(children, 0));
    TarnPrimitive type;
    TarnLiteral literal;
    if (field == NULL || field->type.primitive.kind != TARN_TYPE_STRING ||
        !tarn_query__constant(tarn_base_json_at(children, 1), view->walk->arena, &type, &literal) ||
        literal.is_null || type.kind != TARN_TYPE_STRING) {
        return unknown();
    }
    if (is_pattern) {
        TarnText pattern = literal.as.bytes;
        size_t size = 0;
        while (size < pattern.size && pattern.data[size] != '%' && pattern.data[size] != '_') {
            size++;
        }
        bool exact = size + 1 == pattern.size && pattern.data[size] == '%';
        if (size == pattern.size) return compare(view, TARN_PREDICATE_EQ, field, type, literal);
        if (size == 0 || (!exact && !positive)) return unknown();
        literal.as.bytes.size = size;
    }
    return compare(view, TARN_PREDICATE_STARTS_WITH, field, type, literal);
}

/* --- trees --- */

static const TarnPredicate *translate(View *view, const TarnJson *expression, bool positive);

static const TarnPredicate *translate_list(View *view, const TarnJson *children, bool is_and,
                                           bool positive) {
    size_t count = children != NULL ? children->count : 0;
    const TarnPredicate **parts = TARN_NEW_ARRAY(view->walk->arena, count + 1,
                                                 const TarnPredicate *);
    size_t i = 0;
    if (parts == NULL) return NULL;
    TARN_JSON_EACH(child, children) parts[i++] = translate(view, child, positive);
    return is_and ? tarn_table_predicate_and(parts, count, view->walk->arena)
                  : tarn_table_predicate_or(parts, count, view->walk->arena);
}

static const TarnPredicate *translate_operator(View *view, const TarnJson *expression,
                                               bool positive) {
    TarnText type = tarn_base_json_member_text(expression, "type");
    const TarnJson *children = tarn_base_json_member(expression, "children");
    const TarnJson *first = tarn_base_json_at(children, 0);
    if (first == NULL) return unknown();
    if (tarn_base_text_is(type, "OPERATOR_NOT")) {
        return tarn_table_predicate_not(translate(view, first, !positive), view->walk->arena);
    }
    if (tarn_base_text_is(type, "COMPARE_IN")) return translate_in(view, children, false);
    if (tarn_base_text_is(type, "COMPARE_NOT_IN")) return translate_in(view, children, true);
    bool is_null = tarn_base_text_is(type, "OPERATOR_IS_NULL");
    if (!is_null && !tarn_base_text_is(type, "OPERATOR_IS_NOT_NULL")) return unknown();
    const TarnField *field = field_of(view, first);
    if (field == NULL || tarn_format_kind_is_nested(field->type.primitive.kind)) return unknown();
    return tarn_table_predicate_unary(is_null ? TARN_PREDICATE_IS_NULL : TARN_PREDICATE_NOT_NULL,
                                      field->id, view->walk->arena);
}

static const TarnPredicate *translate_between(View *view, const TarnJson *expression) {
    const TarnJson *input = tarn_base_json_member(expression, "input");
    bool lower_in = false;
    bool upper_in = false;
    if (!tarn_base_json_bool(tarn_base_json_member(expression, "lower_inclusive"), &lower_in) ||
        !tarn_base_json_bool(tarn_base_json_member(expression, "upper_inclusive"), &upper_in)) {
        return unknown();
    }
    return both(view,
                translate_comparison(view, input, lower_in ? TARN_PREDICATE_GE : TARN_PREDICATE_GT,
                                     tarn_base_json_member(expression, "lower")),
                translate_comparison(view, input, upper_in ? TARN_PREDICATE_LE : TARN_PREDICATE_LT,
                                     tarn_base_json_member(expression, "upper")));
}

static const TarnPredicate *translate(View *view, const TarnJson *expression, bool positive) {
    TarnText class = tarn_base_json_member_text(expression, "expression_class");
    const TarnJson *children = tarn_base_json_member(expression, "children");
    if (view->depth > TARN_LIMIT_NESTING) return unknown();
    view->depth++;
    const TarnPredicate *result = unknown();
    if (tarn_base_text_is(class, "BOUND_CONJUNCTION")) {
        bool is_and = tarn_base_text_is(tarn_base_json_member_text(expression, "type"),
                                        "CONJUNCTION_AND");
        result = translate_list(view, children, is_and, positive);
    } else if (tarn_base_text_is(class, "BOUND_COMPARISON")) {
        result = translate_comparison(
            view, tarn_base_json_member(expression, "left"),
            comparison_kind(tarn_base_json_member_text(expression, "type")),
            tarn_base_json_member(expression, "right"));
    } else if (tarn_base_text_is(class, "BOUND_OPERATOR")) {
        result = translate_operator(view, expression, positive);
    } else if (tarn_base_text_is(class, "BOUND_BETWEEN")) {
        result = translate_between(view, expression);
    } else if (tarn_base_text_is(class, "BOUND_FUNCTION")) {
        TarnText name = tarn_base_json_member_text(expression, "name");
        bool like = tarn_base_text_is(name, "~~");
        bool prefix = tarn_base_text_is(name, "prefix") || tarn_base_text_is(name, "starts_with") ||
                      tarn_base_text_is(name, "^@");
        if (like || prefix) result = translate_like(view, children, like, positive);
    } else if (tarn_base_text_is(class, "BOUND_REF")) {
        const TarnField *field = field_of(view, expression);
        if (field != NULL && field->type.primitive.kind == TARN_TYPE_BOOLEAN) {
            TarnLiteral yes = {.kind = TARN_TYPE_BOOLEAN, .as.boolean = true};
            result = compare(view, TARN_PREDICATE_EQ, field, field->type.primitive, yes);
        }
    }
    view->depth--;
    return result;
}

/* --- what a predicate says of a row of nulls --- */

static bool can_be(const TarnPredicate *predicate, bool wanted) {
    bool any = false;
    switch (predicate->kind) {
    case TARN_PREDICATE_TRUE:
    case TARN_PREDICATE_IS_NULL: return wanted;
    case TARN_PREDICATE_FALSE:
    case TARN_PREDICATE_NOT_NULL: return !wanted;
    case TARN_PREDICATE_UNKNOWN: return true;
    case TARN_PREDICATE_NOT: return can_be(predicate->children[0], !wanted);
    case TARN_PREDICATE_AND:
    case TARN_PREDICATE_OR: {
        /* AND is true if all are, false if any is; OR the other way round. */
        bool all_needed = (predicate->kind == TARN_PREDICATE_AND) == wanted;
        for (size_t i = 0; i < predicate->child_count; i++) {
            bool child = can_be(predicate->children[i], wanted);
            if (all_needed && !child) return false;
            any = any || child;
        }
        return all_needed || any;
    }
    default: return false; /* comparisons of nulls are neither true nor false */
    }
}

/* --- adding --- */

static bool add_for_table(TarnPlanWalk *walk, const TarnJson *condition, const TarnPlanRows *input,
                          size_t table) {
    View view = {.walk = walk, .input = input, .table = table};
    const TarnPredicate *predicate = translate(&view, condition, true);
    if (predicate == NULL) return tarn_base_arena_check(walk->arena, walk->error);
    if (predicate->kind == TARN_PREDICATE_UNKNOWN) return true;
    if (view.nullable && can_be(predicate, true)) return true;
    TarnPlanTable *target = &walk->tables.items[table];
    const TarnPredicate *parts[] = {target->filter, predicate};
    bool first = target->filter->kind == TARN_PREDICATE_TRUE;
    const TarnPredicate *joined = first ? predicate
                                        : tarn_table_predicate_and(parts, 2, walk->arena);
    if (joined == NULL) return tarn_base_arena_check(walk->arena, walk->error);
    target->filter = joined;
    return true;
}

/* The tables that columns of the condition go back to. */
static void mark_tables(const TarnPlanWalk *walk, const TarnPlanRows *input,
                        const TarnJson *expression, bool *marked, int depth) {
    size_t index;
    if (expression == NULL || depth > TARN_LIMIT_NESTING * 2) return;
    if (tarn_query__expression_index(expression, input->count, &index)) {
        for (const TarnPlanBase *base = input->items[index].base; base != NULL; base = base->next) {
            if (base->table < walk->tables.count) marked[base->table] = true;
        }
        return;
    }
    TARN_JSON_EACH(child, expression) mark_tables(walk, input, child, marked, depth + 1);
}

bool tarn_query__filter_add(TarnPlanWalk *walk, const TarnJson *condition,
                            const TarnPlanRows *input) {
    bool *marked = TARN_NEW_ARRAY(walk->arena, walk->tables.count + 1, bool);
    if (marked == NULL) return tarn_base_arena_check(walk->arena, walk->error);
    mark_tables(walk, input, condition, marked, 0);
    for (size_t i = 0; i < walk->tables.count; i++) {
        if (marked[i] && !add_for_table(walk, condition, input, i)) return false;
    }
    return true;
}
