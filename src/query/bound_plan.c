/* One walk over the engine's bound plan, bottom up: each operator's output columns, where they
 * come from, and what the filters on the way say of the tables.
 *
 * The order of an operator's outputs is the engine's own (references are positions in it): joins
 * put the left side before the right, aggregates groups before aggregates, windows and unnests
 * their child before what they add. An operator that is not listed here ends the walk.
 */
#include "query/bound_plan.h"

#include <string.h>

#include "base/limits.h"
#include "query/bound_plan_private.h"

#define DEPTH_MAX 1000
#define COLUMNS_MAX 1000000

bool tarn_query__plan_refuse(TarnPlanWalk *walk, const char *what, TarnText name) {
    tarn_base_error_set(walk->error, TARN_E_STATEMENT_REFUSED,
                        "what the statement reads is not fully understood: %s (%.*s)", what,
                        (int)(name.size < 80 ? name.size : 80), name.data != NULL ? name.data : "");
    return tarn_base_error_hint(walk->error, "please report the statement; writing it another way "
                                             "may work");
}

static bool new_rows(TarnPlanWalk *walk, size_t count, TarnPlanRows *rows) {
    rows->items = count <= COLUMNS_MAX ? TARN_NEW_ARRAY(walk->arena, count + 1, TarnPlanColumn)
                                       : NULL;
    rows->count = count;
    return rows->items != NULL || tarn_base_arena_check(walk->arena, walk->error);
}

static void drop_bases(TarnPlanRows *rows) {
    for (size_t i = 0; i < rows->count; i++) rows->items[i].base = NULL;
}

static bool walk_operator(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows);

static const TarnJson *child_at(const TarnJson *operator, size_t index) {
    return tarn_base_json_at(tarn_base_json_member(operator, "children"), index);
}

/* --- tables --- */

static bool is_table(const TarnJson *operator) {
    const TarnJson *data = tarn_base_json_member(operator, "function_data");
    return data != NULL && data->kind == TARN_JSON_OBJECT &&
           tarn_base_json_member(data, "table") != NULL;
}

/* Tables are numbered, and their columns given bits, before the walk. */
static bool find_tables(TarnPlanWalk *walk, const TarnJson *value, int depth) {
    if (depth > DEPTH_MAX) return tarn_query__plan_refuse(walk, "a plan too deep", TARN_TEXT(""));
    if (tarn_base_text_is(tarn_base_json_member_text(value, "type"), "LOGICAL_GET") &&
        is_table(value)) {
        const TarnJson *data = tarn_base_json_member(value, "function_data");
        TarnPlanTable *table = TARN_PUSH(walk->arena, &walk->tables);
        if (table == NULL) return tarn_base_arena_check(walk->arena, walk->error);
        table->catalog = tarn_base_text_string(walk->arena,
                                               tarn_base_json_member_text(data, "catalog"));
        table->schema = tarn_base_text_string(walk->arena,
                                              tarn_base_json_member_text(data, "schema"));
        table->name = tarn_base_text_string(walk->arena, tarn_base_json_member_text(data, "table"));
        if (!tarn_base_arena_check(walk->arena, walk->error)) return false;
        table->columns = walk->resolve(walk->state, table->catalog, table->schema, table->name);
        const TarnJson *names = tarn_base_json_member(value, "names");
        table->column_count = table->columns != NULL ? table->columns->field_count
                              : names != NULL        ? names->count
                                                     : 0;
        table->used = TARN_NEW_ARRAY(walk->arena, table->column_count + 1, bool);
        table->filter = tarn_table_predicate_constant(TARN_PREDICATE_TRUE);
    }
    for (const TarnJson *child = tarn_base_json_at(tarn_base_json_member(value, "children"), 0);
         child != NULL; child = child->next) {
        if (!find_tables(walk, child, depth + 1)) return false;
    }
    return true;
}

static bool number_columns(TarnPlanWalk *walk) {
    walk->first_bit = TARN_NEW_ARRAY(walk->arena, walk->tables.count + 1, size_t);
    if (walk->first_bit == NULL) return tarn_base_arena_check(walk->arena, walk->error);
    for (size_t i = 0; i < walk->tables.count; i++) {
        walk->first_bit[i] = walk->bit_count;
        walk->bit_count += walk->tables.items[i].column_count;
    }
    return true;
}

static bool walk_get(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows) {
    const TarnJson *columns = tarn_base_json_member(operator, "column_indexes");
    size_t count = columns != NULL ? columns->count : 0;
    bool known = is_table(operator);
    size_t index = known ? walk->next_table++ : 0;
    if (!new_rows(walk, count, rows)) return false;
    TarnPlanTable *table = known ? &walk->tables.items[index] : NULL;
    const TarnJson *projection = tarn_base_json_member(operator, "projection_ids");
    if (projection != NULL && projection->count > 0) {
        return tarn_query__plan_refuse(walk, "a scan with a projection of its own",
                                       tarn_base_json_member_text(operator, "name"));
    }
    size_t i = 0;
    TARN_JSON_EACH(column, columns) {
        int64_t source;
        TarnPlanColumn *out = &rows->items[i++];
        bool real = tarn_base_json_int64(tarn_base_json_member(column, "index"), &source) &&
                    source >= 0 && table != NULL && (size_t)source < table->column_count;
        if (!real) continue; /* a row id, or a column of a table function */
        table->used[source] = true;
        tarn_query__set_add(walk, &out->direct, walk->first_bit[index] + (size_t)source);
        TarnPlanBase *base = TARN_NEW(walk->arena, TarnPlanBase);
        if (base != NULL) *base = (TarnPlanBase){.table = index, .column = (size_t)source};
        out->base = base;
    }
    return tarn_base_arena_check(walk->arena, walk->error);
}

/* --- one input --- */

static bool apply_map(TarnPlanWalk *walk, const TarnJson *map, TarnPlanRows *rows) {
    if (map == NULL || map->count == 0) return true;
    TarnPlanRows picked = {.decided_by = rows->decided_by};
    if (!new_rows(walk, map->count, &picked)) return false;
    size_t i = 0;
    TARN_JSON_EACH(item, map) {
        int64_t index;
        if (!tarn_base_json_int64(item, &index) || index < 0 || (uint64_t)index >= rows->count) {
            return tarn_query__plan_refuse(walk, "a projection map out of range", TARN_TEXT(""));
        }
        picked.items[i++] = rows->items[index];
    }
    *rows = picked;
    return true;
}

static bool walk_filter(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows) {
    if (!walk_operator(walk, child_at(operator, 0), rows)) return false;
    TARN_JSON_EACH(condition, tarn_base_json_member(operator, "expressions")) {
        if (!tarn_query__expression_touches(walk, condition, rows, &rows->decided_by) ||
            !tarn_query__filter_add(walk, condition, rows)) {
            return false;
        }
    }
    return apply_map(walk, tarn_base_json_member(operator, "projection_map"), rows);
}

/* Columns that expressions over `input` make. */
static bool make_columns(TarnPlanWalk *walk, const TarnJson *expressions, const TarnPlanRows *input,
                         TarnPlanColumn *columns) {
    size_t i = 0;
    TARN_JSON_EACH(expression, expressions) {
        TarnPlanColumn *column = &columns[i++];
        const TarnPlanColumn *same = tarn_query__expression_column(expression, input);
        if (!tarn_query__expression_sources(walk, expression, input, column)) return false;
        column->base = same != NULL ? same->base : NULL;
        column->name = tarn_base_text_string(walk->arena,
                                             tarn_base_json_member_text(expression, "alias"));
    }
    return tarn_base_arena_check(walk->arena, walk->error);
}

static bool walk_projection(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows) {
    TarnPlanRows input = {0};
    const TarnJson *expressions = tarn_base_json_member(operator, "expressions");
    if (!walk_operator(walk, child_at(operator, 0), &input) ||
        !new_rows(walk, expressions != NULL ? expressions->count : 0, rows)) {
        return false;
    }
    rows->decided_by = input.decided_by;
    return make_columns(walk, expressions, &input, rows->items);
}

static bool touch_orders(TarnPlanWalk *walk, const TarnJson *orders, TarnPlanRows *rows) {
    TARN_JSON_EACH(order, orders) {
        if (!tarn_query__expression_touches(walk, tarn_base_json_member(order, "expression"), rows,
                                            &rows->decided_by)) {
            return false;
        }
    }
    return true;
}

static bool walk_order(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows) {
    return walk_operator(walk, child_at(operator, 0), rows) &&
           touch_orders(walk, tarn_base_json_member(operator, "orders"), rows) &&
           apply_map(walk, tarn_base_json_member(operator, "projections"), rows);
}

/* Which rows a limit or sample keeps depends on all others: no filter goes through. */
static bool walk_limit(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows) {
    if (!walk_operator(walk, child_at(operator, 0), rows)) return false;
    if (!touch_orders(walk, tarn_base_json_member(operator, "orders"), rows)) return false;
    drop_bases(rows);
    return true;
}

static bool walk_distinct(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows) {
    const TarnJson *targets = tarn_base_json_member(operator, "distinct_targets");
    const TarnJson *order_by = tarn_base_json_member(operator, "order_by");
    if (!walk_operator(walk, child_at(operator, 0), rows)) return false;
    bool *kept = TARN_NEW_ARRAY(walk->arena, rows->count + 1, bool);
    if (kept == NULL) return tarn_base_arena_check(walk->arena, walk->error);
    TARN_JSON_EACH(target, targets) {
        size_t index;
        if (tarn_query__expression_index(target, rows->count, &index)) kept[index] = true;
        if (!tarn_query__expression_touches(walk, target, rows, &rows->decided_by)) return false;
    }
    if (order_by != NULL && order_by->kind == TARN_JSON_OBJECT &&
        !touch_orders(walk, tarn_base_json_member(order_by, "orders"), rows)) {
        return false;
    }
    for (size_t i = 0; i < rows->count; i++) {
        if (!kept[i]) rows->items[i].base = NULL;
    }
    return true;
}

/* --- groups and windows --- */

static bool single_grouping(const TarnJson *operator, size_t groups) {
    const TarnJson *sets = tarn_base_json_member(operator, "grouping_sets");
    if (sets == NULL || sets->count == 0) return true;
    return sets->count == 1 && sets->first->count == groups;
}

static bool walk_aggregate(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows) {
    TarnPlanRows input = {0};
    const TarnJson *groups = tarn_base_json_member(operator, "groups");
    const TarnJson *expressions = tarn_base_json_member(operator, "expressions");
    const TarnJson *functions = tarn_base_json_member(operator, "grouping_functions");
    size_t group_count = groups != NULL ? groups->count : 0;
    size_t expression_count = expressions != NULL ? expressions->count : 0;
    size_t function_count = functions != NULL ? functions->count : 0;
    if (!walk_operator(walk, child_at(operator, 0), &input) ||
        !new_rows(walk, group_count + expression_count + function_count, rows)) {
        return false;
    }
    rows->decided_by = input.decided_by;
    if (!make_columns(walk, groups, &input, rows->items) ||
        !make_columns(walk, expressions, &input, rows->items + group_count)) {
        return false;
    }
    TARN_JSON_EACH(group, groups) {
        if (!tarn_query__expression_touches(walk, group, &input, &rows->decided_by)) return false;
    }
    for (size_t i = 0; i < rows->count; i++) {
        if (i >= group_count || !single_grouping(operator, group_count)) rows->items[i].base = NULL;
    }
    return true;
}

static bool in_all_partitions(const TarnJson *windows, size_t index, size_t count) {
    TARN_JSON_EACH(window, windows) {
        bool found = false;
        TARN_JSON_EACH(partition, tarn_base_json_member(window, "partitions")) {
            size_t at;
            found = found || (tarn_query__expression_index(partition, count, &at) && at == index);
        }
        if (!found) return false;
    }
    return true;
}

/* Windows and unnests: the child's columns, then their own. */
static bool walk_append(TarnPlanWalk *walk, const TarnJson *operator, bool is_window,
                        TarnPlanRows *rows) {
    TarnPlanRows input = {0};
    const TarnJson *expressions = tarn_base_json_member(operator, "expressions");
    size_t count = expressions != NULL ? expressions->count : 0;
    if (!walk_operator(walk, child_at(operator, 0), &input) ||
        !new_rows(walk, input.count + count, rows)) {
        return false;
    }
    memcpy(rows->items, input.items, input.count * sizeof(*input.items));
    rows->decided_by = input.decided_by;
    if (!make_columns(walk, expressions, &input, rows->items + input.count)) return false;
    for (size_t i = 0; i < count; i++) {
        rows->items[input.count + i].base = NULL;
        if (!is_window) { /* how many rows there are depends on the lists */
            tarn_query__set_join(walk, &rows->decided_by, rows->items[input.count + i].direct);
        }
    }
    for (size_t i = 0; is_window && i < input.count; i++) {
        if (!in_all_partitions(expressions, i, input.count)) rows->items[i].base = NULL;
    }
    return tarn_base_arena_check(walk->arena, walk->error);
}

/* --- joins --- */

static void make_nullable(TarnPlanWalk *walk, TarnPlanColumn *columns, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const TarnPlanBase *old = columns[i].base;
        columns[i].base = NULL;
        for (; old != NULL; old = old->next) {
            TarnPlanBase *base = TARN_NEW(walk->arena, TarnPlanBase);
            if (base == NULL) return;
            *base = *old;
            base->nullable = true;
            base->next = columns[i].base;
            columns[i].base = base;
        }
    }
}

static const TarnPlanBase *join_bases(TarnPlanWalk *walk, const TarnPlanBase *a,
                                      const TarnPlanBase *b) {
    for (; b != NULL; b = b->next) {
        TarnPlanBase *base = TARN_NEW(walk->arena, TarnPlanBase);
        if (base == NULL) return NULL;
        *base = *b;
        base->next = a;
        a = base;
    }
    return a;
}

/* Columns an inner join makes equal are each other's base too: a filter on one prunes both. */
static void share_bases(TarnPlanWalk *walk, const TarnJson *conditions, TarnPlanRows *left,
                        TarnPlanRows *right) {
    TARN_JSON_EACH(condition, conditions) {
        size_t a;
        size_t b;
        if (!tarn_base_text_is(tarn_base_json_member_text(condition, "comparison"),
                               "COMPARE_EQUAL") ||
            !tarn_query__expression_index(tarn_base_json_member(condition, "left"), left->count,
                                          &a) ||
            !tarn_query__expression_index(tarn_base_json_member(condition, "right"), right->count,
                                          &b)) {
            continue;
        }
        const TarnPlanBase *old = left->items[a].base;
        left->items[a].base = join_bases(walk, old, right->items[b].base);
        right->items[b].base = join_bases(walk, right->items[b].base, old);
    }
}

static bool touch_conditions(TarnPlanWalk *walk, const TarnJson *conditions,
                             const TarnPlanRows *left, const TarnPlanRows *right,
                             TarnSourceSet *set) {
    TARN_JSON_EACH(condition, conditions) {
        if (!tarn_query__expression_touches(walk, tarn_base_json_member(condition, "left"), left,
                                            set) ||
            !tarn_query__expression_touches(walk, tarn_base_json_member(condition, "right"), right,
                                            set)) {
            return false;
        }
    }
    return true;
}

typedef enum JoinSide {
    SIDE_KEPT,
    SIDE_NULLABLE,
    SIDE_LOST,
    SIDE_ABSENT
} JoinSide;

typedef struct JoinShape {
    const char *name;
    JoinSide left;
    JoinSide right;
    bool mark; /* one boolean column instead of the right side's */
} JoinShape;

static const JoinShape join_shapes[] = {
    {"INNER", SIDE_KEPT, SIDE_KEPT, false},         {"LEFT", SIDE_KEPT, SIDE_NULLABLE, false},
    {"RIGHT", SIDE_NULLABLE, SIDE_KEPT, false},     {"FULL", SIDE_NULLABLE, SIDE_NULLABLE, false},
    {"OUTER", SIDE_NULLABLE, SIDE_NULLABLE, false}, {"SEMI", SIDE_KEPT, SIDE_ABSENT, false},
    {"ANTI", SIDE_KEPT, SIDE_ABSENT, false},        {"MARK", SIDE_KEPT, SIDE_ABSENT, true},
    {"SINGLE", SIDE_KEPT, SIDE_LOST, false},
};

static void judge_side(TarnPlanWalk *walk, JoinSide side, TarnPlanRows *rows) {
    if (side == SIDE_NULLABLE) make_nullable(walk, rows->items, rows->count);
    if (side == SIDE_LOST) drop_bases(rows);
}

static bool combine_sides(TarnPlanWalk *walk, const TarnJson *operator, const JoinShape * shape,
                          TarnPlanRows *left, TarnPlanRows *right, TarnSourceSet decided_by,
                          TarnPlanRows *rows) {
    judge_side(walk, shape->left, left);
    judge_side(walk, shape->right, right);
    if (!apply_map(walk, tarn_base_json_member(operator, "left_projection_map"), left) ||
        !apply_map(walk, tarn_base_json_member(operator, "right_projection_map"), right)) {
        return false;
    }
    size_t right_count = shape->right == SIDE_ABSENT ? shape->mark : right->count;
    if (!new_rows(walk, left->count + right_count, rows)) return false;
    memcpy(rows->items, left->items, left->count * sizeof(*left->items));
    if (shape->mark) {
        rows->items[left->count].direct = decided_by;
    } else if (shape->right != SIDE_ABSENT) {
        memcpy(rows->items + left->count, right->items, right->count * sizeof(*right->items));
    }
    tarn_query__set_join(walk, &rows->decided_by, left->decided_by);
    tarn_query__set_join(walk, &rows->decided_by, right->decided_by);
    tarn_query__set_join(walk, &rows->decided_by, decided_by);
    return tarn_base_arena_check(walk->arena, walk->error);
}

static const JoinShape *find_shape(const TarnJson *operator) {
    TarnText type = tarn_base_json_member_text(operator, "join_type");
    for (size_t i = 0; i < sizeof(join_shapes) / sizeof(join_shapes[0]); i++) {
        if (tarn_base_text_is(type, join_shapes[i].name)) return &join_shapes[i];
    }
    return NULL;
}

/* The right side of a delim join reads the left side's distinct values through delim gets. */
static bool walk_right(TarnPlanWalk *walk, const TarnJson *operator, const TarnPlanRows * left,
                       TarnPlanRows *right) {
    const TarnJson *columns = tarn_base_json_member(operator, "duplicate_eliminated_columns");
    TarnDelim delim = {.outer = walk->delims};
    if (!new_rows(walk, columns != NULL ? columns->count : 0, &delim.columns) ||
        !make_columns(walk, columns, left, delim.columns.items)) {
        return false;
    }
    drop_bases(&delim.columns);
    delim.columns.decided_by = left->decided_by;
    walk->delims = &delim;
    bool ok = walk_operator(walk, child_at(operator, 1), right);
    walk->delims = delim.outer;
    return ok;
}

static bool walk_join(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows) {
    TarnPlanRows left = {0};
    TarnPlanRows right = {0};
    TarnSourceSet decided_by = {0};
    TarnText type = tarn_base_json_member_text(operator, "type");
    const JoinShape *shape = find_shape(operator);
    const TarnJson *conditions = tarn_base_json_member(operator, "conditions");
    bool asof = tarn_base_text_is(type, "LOGICAL_ASOF_JOIN");
    bool is_delim = tarn_base_text_is(type, "LOGICAL_DELIM_JOIN");
    if (shape == NULL) {
        return tarn_query__plan_refuse(walk, "a join of a kind not known",
                                       tarn_base_json_member_text(operator, "join_type"));
    }
    if (!walk_operator(walk, child_at(operator, 0), &left) ||
        !(is_delim ? walk_right(walk, operator, & left, &right)
                   : walk_operator(walk, child_at(operator, 1), &right)) ||
        !touch_conditions(walk, conditions, &left, &right, &decided_by)) {
        return false;
    }
    const TarnJson *predicate = tarn_base_json_member(operator, "predicate");
    if (predicate != NULL && predicate->kind == TARN_JSON_OBJECT) {
        return tarn_query__plan_refuse(walk, "a join with a condition apart", type);
    }
    if (shape->left == SIDE_KEPT && shape->right == SIDE_KEPT && !asof && !is_delim) {
        share_bases(walk, conditions, &left, &right);
    }
    /* Which row an ASOF join picks depends on the other rows of the right side. */
    if (asof) drop_bases(&right);
    return combine_sides(walk, operator, shape, &left, &right, decided_by, rows);
}

static const JoinShape cross_shape = {"CROSS", SIDE_KEPT, SIDE_KEPT, false};
static const JoinShape positional_shape = {"POSITIONAL", SIDE_LOST, SIDE_LOST, false};

static bool walk_product(TarnPlanWalk *walk, const TarnJson *operator, const JoinShape * shape,
                         TarnPlanRows *rows) {
    TarnPlanRows left = {0};
    TarnPlanRows right = {0};
    return walk_operator(walk, child_at(operator, 0), &left) &&
           walk_operator(walk, child_at(operator, 1), &right) &&
           combine_sides(walk, operator, shape, &left, &right, (TarnSourceSet){0}, rows);
}

/* A join on any condition, whose references count over both sides. */
static bool walk_any_join(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows) {
    TarnPlanRows left = {0};
    TarnPlanRows right = {0};
    TarnPlanRows all = {0};
    TarnSourceSet decided_by = {0};
    const JoinShape *shape = find_shape(operator);
    if (shape == NULL) {
        return tarn_query__plan_refuse(walk, "a join of a kind not known",
                                       tarn_base_json_member_text(operator, "join_type"));
    }
    if (!walk_operator(walk, child_at(operator, 0), &left) ||
        !walk_operator(walk, child_at(operator, 1), &right) ||
        !new_rows(walk, left.count + right.count, &all)) {
        return false;
    }
    memcpy(all.items, left.items, left.count * sizeof(*left.items));
    memcpy(all.items + left.count, right.items, right.count * sizeof(*right.items));
    return tarn_query__expression_touches(walk, tarn_base_json_member(operator, "condition"), &all,
                                          &decided_by) &&
           combine_sides(walk, operator, shape, &left, &right, decided_by, rows);
}

/* --- sets --- */

/* A row of either side: a predicate on the result's column holds for both sides' columns. */
static bool walk_set(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows) {
    TarnPlanRows left = {0};
    TarnPlanRows right = {0};
    const TarnJson *children = tarn_base_json_member(operator, "children");
    bool is_union = tarn_base_text_is(tarn_base_json_member_text(operator, "type"),
                                      "LOGICAL_UNION");
    if (children == NULL || children->count < 2 ||
        !walk_operator(walk, child_at(operator, 0), &left)) {
        return tarn_query__plan_refuse(walk, "a set operation without two sides", TARN_TEXT(""));
    }
    for (size_t side = 1; side < children->count; side++) {
        if (!walk_operator(walk, child_at(operator, side), &right)) return false;
        if (left.count != right.count || !new_rows(walk, left.count, rows)) {
            return tarn_query__plan_refuse(walk, "a set operation of unequal sides", TARN_TEXT(""));
        }
        for (size_t i = 0; i < left.count; i++) {
            TarnPlanColumn *column = &rows->items[i];
            *column = left.items[i];
            TarnSourceSet *set = is_union ? &column->direct : &column->indirect;
            tarn_query__set_join(walk, set, right.items[i].direct);
            tarn_query__set_join(walk, &column->indirect, right.items[i].indirect);
            column->base = join_bases(walk, left.items[i].base, right.items[i].base);
        }
        rows->decided_by = left.decided_by;
        tarn_query__set_join(walk, &rows->decided_by, right.decided_by);
        left = *rows;
    }
    return tarn_base_arena_check(walk->arena, walk->error);
}

/* --- common table expressions --- */

static int64_t count_references(const TarnJson *operator, int64_t index, int depth) {
    int64_t own;
    int64_t count = 0;
    if (operator== NULL || depth> DEPTH_MAX) return 2;
    if (tarn_base_text_is(tarn_base_json_member_text(operator, "type"), "LOGICAL_CTE_REF") &&
        tarn_base_json_int64(tarn_base_json_member(operator, "cte_index"), &own) && own == index) {
        return 1;
    }
    TARN_JSON_EACH(child, tarn_base_json_member(operator, "children")) {
        count += count_references(child, index, depth + 1);
    }
    return count;
}

static bool add_cte(TarnPlanWalk *walk, int64_t index, int64_t references, TarnPlanRows rows) {
    TarnPlanCte *cte = TARN_NEW(walk->arena, TarnPlanCte);
    if (cte == NULL) return tarn_base_arena_check(walk->arena, walk->error);
    *cte = (TarnPlanCte){
        .next = walk->ctes, .index = index, .references = references, .rows = rows};
    walk->ctes = cte;
    return true;
}

static bool walk_cte(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows) {
    TarnPlanRows definition = {0};
    int64_t index;
    if (!tarn_base_json_int64(tarn_base_json_member(operator, "table_index"), &index) ||
        !walk_operator(walk, child_at(operator, 0), &definition)) {
        return walk->error->code != TARN_OK
                   ? false
                   : tarn_query__plan_refuse(walk, "a CTE without a number", TARN_TEXT(""));
    }
    int64_t references = count_references(walk->root, index, 0);
    return add_cte(walk, index, references, definition) &&
           walk_operator(walk, child_at(operator, 1), rows);
}

/* The recursive part sees the rows of both parts: sources grow until they stay the same. */
static bool walk_recursive(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows) {
    TarnPlanRows step = {0};
    int64_t index;
    if (!tarn_base_json_int64(tarn_base_json_member(operator, "table_index"), &index)) {
        return tarn_query__plan_refuse(walk, "a CTE without a number", TARN_TEXT(""));
    }
    if (!walk_operator(walk, child_at(operator, 0), rows)) return false;
    drop_bases(rows);
    size_t first_table = walk->next_table;
    for (size_t round = 0; round <= rows->count + 1; round++) {
        TarnPlanCte *before = walk->ctes;
        walk->next_table = first_table;
        if (!add_cte(walk, index, 2, *rows) || !walk_operator(walk, child_at(operator, 1), &step)) {
            return false;
        }
        walk->ctes = before;
        if (step.count != rows->count) {
            return tarn_query__plan_refuse(walk, "a recursion of unequal sides", TARN_TEXT(""));
        }
        for (size_t i = 0; i < rows->count; i++) {
            tarn_query__set_join(walk, &rows->items[i].direct, step.items[i].direct);
            tarn_query__set_join(walk, &rows->items[i].indirect, step.items[i].indirect);
        }
        tarn_query__set_join(walk, &rows->decided_by, step.decided_by);
    }
    return tarn_base_arena_check(walk->arena, walk->error);
}

static bool walk_cte_ref(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows) {
    int64_t index;
    if (!tarn_base_json_int64(tarn_base_json_member(operator, "cte_index"), &index)) index = -1;
    for (const TarnPlanCte *cte = walk->ctes; cte != NULL; cte = cte->next) {
        if (cte->index != index) continue;
        if (!new_rows(walk, cte->rows.count, rows)) return false;
        memcpy(rows->items, cte->rows.items, cte->rows.count * sizeof(*rows->items));
        rows->decided_by = cte->rows.decided_by;
        /* Rows that one reference does not want another may. */
        if (cte->references != 1) drop_bases(rows);
        return true;
    }
    return tarn_query__plan_refuse(walk, "a reference to an unknown CTE", TARN_TEXT(""));
}

/* Distinct values of an outer join's columns. With several joins around, which one is meant is
 * not said: the innermost of the right width, and the sources of the others for safety. */
static bool walk_delim_get(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows) {
    const TarnJson *types = tarn_base_json_member(operator, "chunk_types");
    size_t count = types != NULL ? types->count : 0;
    bool found = false;
    if (!new_rows(walk, count, rows)) return false;
    for (const TarnDelim *delim = walk->delims; delim != NULL; delim = delim->outer) {
        found = true;
        tarn_query__set_join(walk, &rows->decided_by, delim->columns.decided_by);
        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j < delim->columns.count; j++) {
                if (delim->columns.count == count && j != i) continue;
                tarn_query__set_join(walk, &rows->items[i].direct, delim->columns.items[j].direct);
                tarn_query__set_join(walk, &rows->items[i].indirect,
                                     delim->columns.items[j].indirect);
            }
        }
    }
    return found || tarn_query__plan_refuse(walk, "a delim get outside a join", TARN_TEXT(""));
}

/* --- constants --- */

static bool walk_expression_get(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows) {
    TarnPlanRows input = {0};
    const TarnJson *types = tarn_base_json_member(operator, "expr_types");
    if (!walk_operator(walk, child_at(operator, 0), &input) ||
        !new_rows(walk, types != NULL ? types->count : 0, rows)) {
        return false;
    }
    TARN_JSON_EACH(list, tarn_base_json_member(operator, "expressions")) {
        size_t i = 0;
        TARN_JSON_EACH(expression, list) {
            if (i >= rows->count) break;
            if (!tarn_query__expression_sources(walk, expression, &input, &rows->items[i++])) {
                return false;
            }
        }
    }
    return true;
}

static bool walk_no_input(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows) {
    const TarnJson *types = tarn_base_json_member(operator, "chunk_types");
    if (types == NULL) types = tarn_base_json_member(operator, "return_types");
    return new_rows(walk, types != NULL && types->count > 0 ? types->count : 1, rows);
}

/* --- dispatch --- */

static bool dispatch(TarnPlanWalk *walk, const TarnJson *operator, TarnText type,
                     TarnPlanRows *rows) {
    static const struct {
        const char *type;
        bool (*walk)(TarnPlanWalk *, const TarnJson *, TarnPlanRows *);
    } walks[] = {{"LOGICAL_GET", walk_get},
                 {"LOGICAL_FILTER", walk_filter},
                 {"LOGICAL_PROJECTION", walk_projection},
                 {"LOGICAL_AGGREGATE_AND_GROUP_BY", walk_aggregate},
                 {"LOGICAL_COMPARISON_JOIN", walk_join},
                 {"LOGICAL_ASOF_JOIN", walk_join},
                 {"LOGICAL_DELIM_JOIN", walk_join},
                 {"LOGICAL_ANY_JOIN", walk_any_join},
                 {"LOGICAL_ORDER_BY", walk_order},
                 {"LOGICAL_LIMIT", walk_limit},
                 {"LOGICAL_TOP_N", walk_limit},
                 {"LOGICAL_SAMPLE", walk_limit},
                 {"LOGICAL_DISTINCT", walk_distinct},
                 {"LOGICAL_UNION", walk_set},
                 {"LOGICAL_EXCEPT", walk_set},
                 {"LOGICAL_INTERSECT", walk_set},
                 {"LOGICAL_MATERIALIZED_CTE", walk_cte},
                 {"LOGICAL_RECURSIVE_CTE", walk_recursive},
                 {"LOGICAL_CTE_REF", walk_cte_ref},
                 {"LOGICAL_DELIM_GET", walk_delim_get},
                 {"LOGICAL_EXPRESSION_GET", walk_expression_get},
                 {"LOGICAL_DUMMY_SCAN", walk_no_input},
                 {"LOGICAL_CHUNK_GET", walk_no_input},
                 {"LOGICAL_EMPTY_RESULT", walk_no_input}};
    for (size_t i = 0; i < sizeof(walks) / sizeof(walks[0]); i++) {
        if (tarn_base_text_is(type, walks[i].type)) return walks[i].walk(walk, operator, rows);
    }
    if (tarn_base_text_is(type, "LOGICAL_WINDOW")) return walk_append(walk, operator, true, rows);
    if (tarn_base_text_is(type, "LOGICAL_UNNEST")) return walk_append(walk, operator, false, rows);
    if (tarn_base_text_is(type, "LOGICAL_CROSS_PRODUCT")) {
        return walk_product(walk, operator, & cross_shape, rows);
    }
    if (tarn_base_text_is(type, "LOGICAL_POSITIONAL_JOIN")) {
        return walk_product(walk, operator, & positional_shape, rows);
    }
    return tarn_query__plan_refuse(walk, "an operator of a kind not known", type);
}

static bool walk_operator(TarnPlanWalk *walk, const TarnJson *operator, TarnPlanRows * rows) {
    if (operator== NULL || walk->depth> DEPTH_MAX) {
        return tarn_query__plan_refuse(walk, "a plan without its input, or too deep",
                                       TARN_TEXT(""));
    }
    *rows = (TarnPlanRows){0};
    walk->depth++;
    bool ok = dispatch(walk, operator, tarn_base_json_member_text(operator, "type"), rows);
    walk->depth--;
    return ok;
}

/* --- the account --- */

static bool list_sources(const TarnPlanWalk *walk, const TarnPlanColumn *column,
                         TarnSourceSet decided_by, TarnPlanOutput *output) {
    struct {
        TarnLineageSource *items;
        size_t count;
        size_t capacity;
    } list = {0};
    for (int pass = 0; pass < 2; pass++) {
        for (size_t t = 0; t < walk->tables.count; t++) {
            for (size_t c = 0; c < walk->tables.items[t].column_count; c++) {
                size_t bit = walk->first_bit[t] + c;
                uint64_t mask = UINT64_C(1) << (bit % 64);
                size_t word = bit / 64;
                bool direct = column->direct.words != NULL && (column->direct.words[word] & mask);
                bool indirect = (column->indirect.words != NULL &&
                                 (column->indirect.words[word] & mask)) ||
                                (decided_by.words != NULL && (decided_by.words[word] & mask));
                if (pass == 0 ? !direct : direct || !indirect) continue;
                TarnLineageSource *source = TARN_PUSH(walk->arena, &list);
                if (source == NULL) return tarn_base_arena_check(walk->arena, walk->error);
                *source = (TarnLineageSource){.table = t,
                                              .column = c,
                                              .kind = pass == 0 ? TARN_LINEAGE_DIRECT
                                                                : TARN_LINEAGE_INDIRECT};
            }
        }
    }
    output->sources = list.items;
    output->source_count = list.count;
    return true;
}

static bool list_outputs(TarnPlanWalk *walk, const TarnPlanRows *rows, const char *const *names,
                         size_t name_count, TarnBoundPlan *bound) {
    bound->outputs = TARN_NEW_ARRAY(walk->arena, rows->count + 1, TarnPlanOutput);
    bound->output_count = rows->count;
    if (bound->outputs == NULL) return tarn_base_arena_check(walk->arena, walk->error);
    for (size_t i = 0; i < rows->count; i++) {
        const char *name = names != NULL && i < name_count ? names[i] : rows->items[i].name;
        bound->outputs[i].name = name != NULL ? name : "";
        if (!list_sources(walk, &rows->items[i], rows->decided_by, &bound->outputs[i])) {
            return false;
        }
    }
    return true;
}

bool tarn_query_bound_plan_read(const TarnJson *plan, TarnPlanResolve resolve, void *state,
                                const char *const *names, size_t name_count, TarnArena *arena,
                                TarnBoundPlan **bound, TarnError *error) {
    TarnPlanWalk walk = {.resolve = resolve, .state = state, .arena = arena, .error = error};
    const TarnJson *plans = tarn_base_json_member(plan, "plans");
    TarnPlanRows rows;
    tarn_base_error_clear(error);
    if (plans == NULL || plans->count != 1) {
        return tarn_query__plan_refuse(&walk, "not one plan", TARN_TEXT(""));
    }
    walk.root = plans->first;
    *bound = TARN_NEW(arena, TarnBoundPlan);
    if (*bound == NULL || !find_tables(&walk, walk.root, 0) || !number_columns(&walk) ||
        !walk_operator(&walk, walk.root, &rows) ||
        !list_outputs(&walk, &rows, names, name_count, *bound)) {
        return error->code != TARN_OK ? false : tarn_base_arena_check(arena, error);
    }
    if (walk.next_table != walk.tables.count) {
        return tarn_query__plan_refuse(&walk, "a table outside the walk", TARN_TEXT(""));
    }
    (*bound)->tables = walk.tables.items;
    (*bound)->table_count = walk.tables.count;
    return tarn_base_arena_check(arena, error);
}
