/* Running a plan over one object.
 *
 * A loop over steps with a switch; arrays call it again for their items, so the depth of calls is
 * the plan's and not the data's (recursive types are only ever skipped, with their own limit).
 * Every read is checked against the cursor's end by the primitives. What fails leaves a problem
 * in the cursor and the number of its step, which names the field.
 */
#include "format/avro_plan_private.h"

typedef struct Machine {
    TarnAvroPlan *plan;
    TarnAvroCursor *cursor;
    TarnArena *arena;
    uint32_t failed; /* step */
} Machine;

static bool run_steps(Machine *machine, uint32_t first, uint32_t end, unsigned char *object);

static bool skip_varints(TarnAvroCursor *cursor, size_t count) {
    uint64_t value = 0;
    for (; count > 0; count--) {
        const unsigned char *next = tarn_format__avro_varint(cursor->at, cursor->end, &value);
        if (next == NULL) return tarn_format__avro_varint_problem(cursor);
        cursor->at = next;
    }
    return true;
}

static bool skip_items(Machine *machine, uint32_t index) {
    const TarnAvroStep *step = &machine->plan->steps.items[index];
    const TarnAvroSchema *schema = step->as.schema;
    TarnAvroCursor *cursor = machine->cursor;
    uint64_t count = 0;
    const unsigned char *run_end = NULL;
    for (;;) {
        if (!tarn_format__avro_take_run(cursor, tarn_format__avro_item_minimum(schema), &count,
                                        &run_end)) {
            return false;
        }
        if (count == 0) return true;
        if (run_end != NULL) {
            cursor->at = run_end;
        } else if (schema->kind == TARN_AVRO_ARRAY && schema->item->is_constant) {
            cursor->at += count * schema->item->minimum_bytes;
        } else {
            for (; count > 0; count--) {
                if (!run_steps(machine, index + 1, step->jump, NULL)) return false;
            }
        }
    }
}

/* A list's items grow in the arena: exactly as many as the first run says, doubling after it. */
typedef struct Items {
    unsigned char *data;
    size_t count;
    size_t capacity;
} Items;

static bool reserve_items(Machine *machine, const TarnAvroListStep *list, Items *items,
                          uint64_t more) {
    if (more <= items->capacity - items->count) return true;
    size_t capacity = items->capacity * 2;
    if (more > SIZE_MAX / 2 - items->count) return false;
    if (capacity < items->count + more) capacity = items->count + (size_t)more;
    unsigned char *data = tarn_base_arena_array(machine->arena, capacity, list->item_size);
    if (data == NULL) return false;
    if (items->count > 0) memcpy(data, items->data, items->count * list->item_size);
    items->data = data;
    items->capacity = capacity;
    return true;
}

static bool take_list(Machine *machine, uint32_t index, unsigned char *object) {
    const TarnAvroStep *step = &machine->plan->steps.items[index];
    const TarnAvroListStep *list = step->as.list;
    TarnAvroCursor *cursor = machine->cursor;
    Items items = {NULL, 0, 0};
    uint64_t count = 0;
    const unsigned char *run_end = NULL;
    for (;;) {
        if (!tarn_format__avro_take_run(cursor, list->item_minimum, &count, &run_end)) {
            return false;
        }
        if (count == 0) break;
        if (!reserve_items(machine, list, &items, count)) {
            return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_MEMORY);
        }
        for (; count > 0; count--) {
            unsigned char *item = items.data + items.count * list->item_size;
            if (list->blank != NULL) memcpy(item, list->blank, list->item_size);
            if (!run_steps(machine, index + 1, step->jump, item)) return false;
            items.count++;
        }
        if (!tarn_format__avro_end_run(cursor, run_end)) return false;
    }
    /* An empty list is there: its pointer is not NULL. */
    if (items.data == NULL) items.data = tarn_base_arena_alloc(machine->arena, 1);
    if (items.data == NULL) return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_MEMORY);
    memcpy(object + step->offset, &items.data, sizeof(items.data));
    memcpy(object + list->count_offset, &items.count, sizeof(items.count));
    return true;
}

static bool take_merge(Machine *machine, uint32_t index) {
    const TarnAvroStep *step = &machine->plan->steps.items[index];
    const TarnAvroMergeStep *merge = step->as.merge;
    TarnAvroCursor *cursor = machine->cursor;
    uint64_t count = 0;
    const unsigned char *run_end = NULL;
    merge->rows->next = 0;
    for (;;) {
        if (!tarn_format__avro_take_run(cursor, merge->item_minimum, &count, &run_end)) {
            return false;
        }
        if (count == 0) return true;
        if (merge->is_plain) {
            if (!tarn_format__avro_merge_plain(machine->plan, merge, cursor, count)) return false;
            count = 0;
        }
        for (; count > 0; count--) {
            TarnAvroMergeItem item = {.key = 0};
            if (!run_steps(machine, index + 1, step->jump, (unsigned char *)&item)) return false;
            if (!tarn_format__avro_merge_item(machine->plan, merge, &item)) {
                return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_MEMORY);
            }
        }
        if (!tarn_format__avro_end_run(cursor, run_end)) return false;
    }
}

static bool take_values(Machine *machine, const TarnAvroStep *step, unsigned char *object) {
    const TarnAvroValuesStep *values = step->as.values;
    const TarnAvroSchema *record = values->record;
    for (size_t i = 0; i < record->field_count; i++) {
        values->values[i].field_id = record->fields[i].field_id;
        if (!tarn_format__avro_take_scalar(machine->cursor, record->fields[i].type,
                                           &values->values[i])) {
            return false;
        }
    }
    memcpy(object + step->offset, &values->values, sizeof(TarnAvroValue *));
    memcpy(object + values->count_offset, &record->field_count, sizeof(size_t));
    return true;
}

/* Single values; false with a problem in the cursor. */
static bool take_scalar(TarnAvroCursor *cursor, const TarnAvroStep *step, unsigned char *to) {
    bool truth = false;
    int32_t narrow = 0;
    int64_t wide = 0;
    float real = 0;
    double precise = 0;
    TarnText text = {NULL, 0};
    size_t symbol = 0;
    switch ((TarnAvroStepCode)step->code) {
    case TARN_AVRO_STEP_BOOL:
        if (!tarn_format__avro_take_boolean(cursor, &truth)) return false;
        memcpy(to, &truth, sizeof(truth));
        return true;
    case TARN_AVRO_STEP_INT32:
        if (!tarn_format__avro_take_int(cursor, &narrow)) return false;
        memcpy(to, &narrow, sizeof(narrow));
        return true;
    case TARN_AVRO_STEP_INT64:
        if (!tarn_format__avro_take_long(cursor, &wide)) return false;
        memcpy(to, &wide, sizeof(wide));
        return true;
    case TARN_AVRO_STEP_FLOAT:
    case TARN_AVRO_STEP_DOUBLE_OF_FLOAT:
        if (!tarn_format__avro_take_float(cursor, &real)) return false;
        precise = (double)real;
        if (step->code == TARN_AVRO_STEP_FLOAT) {
            memcpy(to, &real, sizeof(real));
        } else {
            memcpy(to, &precise, sizeof(precise));
        }
        return true;
    case TARN_AVRO_STEP_DOUBLE:
        if (!tarn_format__avro_take_double(cursor, &precise)) return false;
        memcpy(to, &precise, sizeof(precise));
        return true;
    case TARN_AVRO_STEP_TEXT:
        if (!tarn_format__avro_take_bytes(cursor, &text)) return false;
        memcpy(to, &text, sizeof(text));
        return true;
    case TARN_AVRO_STEP_TEXT_FIXED:
        if (!tarn_format__avro_take_fixed(cursor, step->as.size, &text)) return false;
        memcpy(to, &text, sizeof(text));
        return true;
    case TARN_AVRO_STEP_TEXT_SYMBOL:
        if (!tarn_format__avro_take_index(cursor, step->as.schema->symbol_count,
                                          TARN_AVRO_PROBLEM_SYMBOL, &symbol)) {
            return false;
        }
        memcpy(to, &step->as.schema->symbols[symbol], sizeof(text));
        return true;
    default: return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_NONE);
    }
}

static bool skip_fixed(TarnAvroCursor *cursor, size_t size) {
    TarnText text;
    return tarn_format__avro_take_fixed(cursor, size, &text);
}

static bool skip_bytes(TarnAvroCursor *cursor) {
    TarnText text;
    return tarn_format__avro_take_bytes(cursor, &text);
}

/* Runs one step; *next is the one after it. */
static inline bool run_step(Machine *machine, uint32_t index, unsigned char *object,
                            uint32_t *next) {
    const TarnAvroStep *step = &machine->plan->steps.items[index];
    TarnAvroCursor *cursor = machine->cursor;
    size_t branch = 0;
    *next = index + 1;
    switch ((TarnAvroStepCode)step->code) {
    case TARN_AVRO_STEP_SKIP_FIXED: return skip_fixed(cursor, step->as.size);
    case TARN_AVRO_STEP_SKIP_VARINTS: return skip_varints(cursor, step->as.size);
    case TARN_AVRO_STEP_SKIP_BYTES: return skip_bytes(cursor);
    case TARN_AVRO_STEP_SKIP_SCHEMA: return tarn_format__avro_skip(cursor, step->as.schema, 0);
    case TARN_AVRO_STEP_SKIP_ITEMS: *next = step->jump; return skip_items(machine, index);
    case TARN_AVRO_STEP_OPTIONAL:
        if (!tarn_format__avro_take_index(cursor, 2, TARN_AVRO_PROBLEM_BRANCH, &branch)) {
            return false;
        }
        if (branch != step->null_branch) return true;
        *next = step->jump;
        return !step->refuse_null || tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_NULL);
    case TARN_AVRO_STEP_SWITCH:
        if (!tarn_format__avro_take_index(cursor, step->as.jumps->count, TARN_AVRO_PROBLEM_BRANCH,
                                          &branch)) {
            return false;
        }
        *next = step->as.jumps->to[branch];
        return true;
    case TARN_AVRO_STEP_JUMP: *next = step->jump; return true;
    case TARN_AVRO_STEP_REFUSE_NULL:
        return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_NULL);
    case TARN_AVRO_STEP_LIST: *next = step->jump; return take_list(machine, index, object);
    case TARN_AVRO_STEP_MERGE: *next = step->jump; return take_merge(machine, index);
    case TARN_AVRO_STEP_MERGE_END:
        return tarn_format__avro_merge_end(step->as.rows, object + step->offset, machine->arena) ||
               tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_MEMORY);
    case TARN_AVRO_STEP_VALUES: return take_values(machine, step, object);
    default: return take_scalar(cursor, step, object + step->offset);
    }
}

static bool run_steps(Machine *machine, uint32_t first, uint32_t end, unsigned char *object) {
    uint32_t index = first;
    while (index < end) {
        uint32_t next = 0;
        if (!run_step(machine, index, object, &next)) {
            if (machine->failed == UINT32_MAX) machine->failed = index;
            return false;
        }
        index = next;
    }
    return true;
}

bool tarn_format_avro_plan_decode(TarnAvroPlan *plan, TarnAvroCursor *cursor, void *object,
                                  TarnArena *arena, TarnError *error) {
    Machine machine = {plan, cursor, arena, UINT32_MAX};
    cursor->problem = TARN_AVRO_PROBLEM_NONE;
    for (size_t i = 0; i < plan->rows.count; i++) {
        tarn_format__avro_rows_reset(plan->rows.items[i]);
    }
    if (run_steps(&machine, 0, (uint32_t)plan->steps.count, object)) return true;
    const TarnAvroField *field = machine.failed != UINT32_MAX ? plan->fields.items[machine.failed]
                                                              : NULL;
    if (cursor->problem == TARN_AVRO_PROBLEM_MEMORY) {
        if (!tarn_base_arena_check(arena, error)) return false;
        if (!tarn_base_arena_check(plan->arena, error)) return false;
    }
    return tarn_format__avro_fail(cursor, field != NULL ? &field->name : NULL, error);
}
