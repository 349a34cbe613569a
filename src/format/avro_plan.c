/* Compiling wanted fields against a file's schema.
 *
 * The record's fields are taken in the file's order; a wanted one becomes a step that stores, the
 * others become steps that skip. Neighbouring skips join: a run of constant-size fields is one
 * addition. Types that refer to themselves, and what would make the plan too long, are skipped by
 * walking the schema, so that a small hostile schema cannot expand into a large plan.
 *
 * A field is matched by its field-id. Only in a record of which no field has an id are names
 * compared: files exist that were written without ids.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "format/avro_plan_private.h"

/* Skips beyond this are walked instead of compiled. Counted by types visited, not by steps: those
 * of a record within a record within a record join into few. */
#define COMPILED_SKIPS_MAX 65536
#define COMPILED_DEPTH_MAX 32
/* What is wanted is bounded by its table times the file's unions; beyond this they are hostile. */
#define STEPS_MAX (4 * COMPILED_SKIPS_MAX)
#define NO_STEP UINT32_MAX

typedef struct Compiler {
    TarnAvroPlan *plan;
    TarnError *error;
    const TarnAvroField *field; /* being compiled */
    size_t barrier;             /* steps before this one may be the target of a jump */
    unsigned depth;             /* of skips */
    unsigned records;           /* wanted ones around */
    unsigned skips;             /* compiled so far */
    TarnAvroStep nowhere;       /* written to after the arena failed */
} Compiler;

static bool compile_value(Compiler *compiler, const TarnAvroSchema *type, const TarnAvroWant *want,
                          size_t base);
static void compile_skip(Compiler *compiler, const TarnAvroSchema *type);

static bool refuse(Compiler *compiler, const char *format, ...) TARN_PRINTF(2, 3);
static bool refuse(Compiler *compiler, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return tarn_base_error_set(compiler->error, TARN_E_FORMAT_CORRUPT,
                               "the Avro schema does not have what is needed: %s", text);
}

/* ---- Steps --------------------------------------------------------------------------------- */

/* The new step's index; NO_STEP when the arena failed, which the end of the compilation tells. */
static uint32_t add_step(Compiler *compiler, TarnAvroStepCode code) {
    TarnAvroPlan *plan = compiler->plan;
    TarnAvroStep *step = TARN_PUSH(plan->arena, &plan->steps);
    const TarnAvroField **field = TARN_PUSH(plan->arena, &plan->fields);
    if (step == NULL || field == NULL) return NO_STEP;
    step->code = (uint8_t)code;
    *field = compiler->field;
    return (uint32_t)(plan->steps.count - 1);
}

static TarnAvroStep *step_at(Compiler *compiler, uint32_t index) {
    return index != NO_STEP ? &compiler->plan->steps.items[index] : &compiler->nowhere;
}

static void land_jump(Compiler *compiler, uint32_t index) {
    compiler->barrier = compiler->plan->steps.count;
    step_at(compiler, index)->jump = (uint32_t)compiler->barrier;
}

/* Adds to the last step if it is of the same code and no jump ends behind it. */
static void add_skip(Compiler *compiler, TarnAvroStepCode code, size_t size) {
    TarnAvroPlan *plan = compiler->plan;
    size_t count = plan->steps.count;
    if (count > compiler->barrier && plan->steps.items[count - 1].code == code &&
        plan->steps.items[count - 1].as.size < TARN_AVRO_ENDLESS) {
        plan->steps.items[count - 1].as.size += size;
        return;
    }
    step_at(compiler, add_step(compiler, code))->as.size = size;
}

/* Compiles each branch of a union by `wanted` (NULL: skipped); false after an error. */
static bool compile_union(Compiler *compiler, const TarnAvroSchema *type, const TarnAvroWant *want,
                          size_t base) {
    TarnArena *arena = compiler->plan->arena;
    TarnAvroJumps *jumps = TARN_NEW(arena, TarnAvroJumps);
    uint32_t *to = TARN_NEW_ARRAY(arena, type->branch_count, uint32_t);
    uint32_t *ends = TARN_NEW_ARRAY(arena, type->branch_count, uint32_t);
    uint32_t index = add_step(compiler, TARN_AVRO_STEP_SWITCH);
    if (jumps == NULL || to == NULL || ends == NULL || index == NO_STEP) return true;
    *jumps = (TarnAvroJumps){to, type->branch_count};
    step_at(compiler, index)->as.jumps = jumps;
    for (size_t i = 0; i < type->branch_count; i++) {
        to[i] = (uint32_t)compiler->plan->steps.count;
        compiler->barrier = to[i];
        if (want == NULL) {
            compile_skip(compiler, type->branches[i]);
        } else if (type->branches[i]->kind == TARN_AVRO_NULL) {
            if (want->required) add_step(compiler, TARN_AVRO_STEP_REFUSE_NULL);
        } else if (!compile_value(compiler, type->branches[i], want, base)) {
            return false;
        }
        ends[i] = add_step(compiler, TARN_AVRO_STEP_JUMP);
    }
    for (size_t i = 0; i < type->branch_count; i++) land_jump(compiler, ends[i]);
    return true;
}

/* The branch that is not null of a union of null and one other; else NULL. */
static const TarnAvroSchema *optional_of(const TarnAvroSchema *type, uint8_t *null_branch) {
    if (type->branch_count != 2) return NULL;
    bool first = type->branches[0]->kind == TARN_AVRO_NULL;
    if (!first && type->branches[1]->kind != TARN_AVRO_NULL) return NULL;
    *null_branch = first ? 0 : 1;
    return type->branches[first ? 1 : 0];
}

/* ---- Skips --------------------------------------------------------------------------------- */

static void compile_skip_kind(Compiler *compiler, const TarnAvroSchema *type) {
    uint32_t index = NO_STEP;
    const TarnAvroSchema *other = NULL;
    uint8_t null_branch = 0;
    switch (type->kind) {
    case TARN_AVRO_INT:
    case TARN_AVRO_LONG:
    case TARN_AVRO_ENUM: add_skip(compiler, TARN_AVRO_STEP_SKIP_VARINTS, 1); return;
    case TARN_AVRO_BYTES:
    case TARN_AVRO_STRING: add_step(compiler, TARN_AVRO_STEP_SKIP_BYTES); return;
    case TARN_AVRO_RECORD:
        for (size_t i = 0; i < type->field_count; i++) {
            compile_skip(compiler, type->fields[i].type);
        }
        return;
    case TARN_AVRO_ARRAY:
    case TARN_AVRO_MAP:
        index = add_step(compiler, TARN_AVRO_STEP_SKIP_ITEMS);
        step_at(compiler, index)->as.schema = type;
        compiler->barrier = compiler->plan->steps.count;
        if (type->kind == TARN_AVRO_MAP) add_step(compiler, TARN_AVRO_STEP_SKIP_BYTES);
        compile_skip(compiler, type->item);
        land_jump(compiler, index);
        return;
    case TARN_AVRO_UNION:
        other = optional_of(type, &null_branch);
        if (other == NULL) {
            (void)compile_union(compiler, type, NULL, 0); /* nothing to refuse */
            return;
        }
        index = add_step(compiler, TARN_AVRO_STEP_OPTIONAL);
        step_at(compiler, index)->null_branch = null_branch;
        compiler->barrier = compiler->plan->steps.count;
        compile_skip(compiler, other);
        land_jump(compiler, index);
        return;
    case TARN_AVRO_NULL:
    case TARN_AVRO_BOOLEAN:
    case TARN_AVRO_FLOAT:
    case TARN_AVRO_DOUBLE:
    case TARN_AVRO_FIXED: return; /* constant */
    }
}

static void compile_skip(Compiler *compiler, const TarnAvroSchema *type) {
    if (type->is_constant) {
        if (type->minimum_bytes > 0) {
            add_skip(compiler, TARN_AVRO_STEP_SKIP_FIXED, type->minimum_bytes);
        }
        return;
    }
    if (type->is_recursive || compiler->depth >= COMPILED_DEPTH_MAX ||
        compiler->skips >= COMPILED_SKIPS_MAX) {
        uint32_t index = add_step(compiler, TARN_AVRO_STEP_SKIP_SCHEMA);
        step_at(compiler, index)->as.schema = type;
        return;
    }
    compiler->skips++;
    compiler->depth++;
    compile_skip_kind(compiler, type);
    compiler->depth--;
}

/* ---- Wanted values ------------------------------------------------------------------------- */

static bool refuse_type(Compiler *compiler, const TarnAvroSchema *type, const TarnAvroWant *want) {
    return refuse(compiler, "the field \"%s\" (field id %" PRId32 ") has the type %s", want->name,
                  want->field_id, tarn_format_avro_kind_name(type->kind));
}

static bool compile_scalar(Compiler *compiler, const TarnAvroSchema *type, const TarnAvroWant *want,
                           size_t base) {
    static const struct {
        TarnAvroTarget target;
        TarnAvroKind kind;
        TarnAvroStepCode code;
    } fits[] = {
        {TARN_AVRO_TO_BOOL, TARN_AVRO_BOOLEAN, TARN_AVRO_STEP_BOOL},
        {TARN_AVRO_TO_INT32, TARN_AVRO_INT, TARN_AVRO_STEP_INT32},
        {TARN_AVRO_TO_INT64, TARN_AVRO_INT, TARN_AVRO_STEP_INT64},
        {TARN_AVRO_TO_INT64, TARN_AVRO_LONG, TARN_AVRO_STEP_INT64},
        {TARN_AVRO_TO_FLOAT, TARN_AVRO_FLOAT, TARN_AVRO_STEP_FLOAT},
        {TARN_AVRO_TO_DOUBLE, TARN_AVRO_DOUBLE, TARN_AVRO_STEP_DOUBLE},
        {TARN_AVRO_TO_DOUBLE, TARN_AVRO_FLOAT, TARN_AVRO_STEP_DOUBLE_OF_FLOAT},
        {TARN_AVRO_TO_TEXT, TARN_AVRO_STRING, TARN_AVRO_STEP_TEXT},
        {TARN_AVRO_TO_TEXT, TARN_AVRO_BYTES, TARN_AVRO_STEP_TEXT},
        {TARN_AVRO_TO_TEXT, TARN_AVRO_FIXED, TARN_AVRO_STEP_TEXT_FIXED},
        {TARN_AVRO_TO_TEXT, TARN_AVRO_ENUM, TARN_AVRO_STEP_TEXT_SYMBOL},
    };
    for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
        if (fits[i].target != want->target || fits[i].kind != type->kind) continue;
        uint32_t index = add_step(compiler, fits[i].code);
        TarnAvroStep *step = step_at(compiler, index);
        step->offset = (uint32_t)(base + want->offset);
        if (type->kind == TARN_AVRO_FIXED) step->as.size = type->size;
        if (type->kind == TARN_AVRO_ENUM) step->as.schema = type;
        return true;
    }
    return refuse_type(compiler, type, want);
}

static bool has_ids(const TarnAvroSchema *record) {
    for (size_t i = 0; i < record->field_count; i++) {
        if (record->fields[i].field_id != TARN_AVRO_NO_ID) return true;
    }
    return false;
}

static bool is_wanted(const TarnAvroField *field, const TarnAvroWant *want, bool by_id) {
    if (by_id) return want->field_id >= 0 && want->field_id == field->field_id;
    return want->name != NULL && tarn_base_text_is(field->name, want->name);
}

static bool check_wants(Compiler *compiler, const TarnAvroSchema *record,
                        const TarnAvroShape *shape) {
    bool by_id = has_ids(record);
    for (size_t w = 0; w < shape->count; w++) {
        const TarnAvroWant *want = &shape->wants[w];
        size_t found = 0;
        for (size_t i = 0; i < record->field_count; i++) {
            if (is_wanted(&record->fields[i], want, by_id)) found++;
        }
        if (found > 1) {
            return refuse(compiler, "the field id %" PRId32 " is there %zu times", want->field_id,
                          found);
        }
        if (found == 0 && want->required) {
            return refuse(compiler, "the field \"%s\" (field id %" PRId32 ") is absent", want->name,
                          want->field_id);
        }
    }
    return true;
}

static TarnAvroRows *find_rows(const TarnAvroPlan *plan, const TarnAvroMerge *merge) {
    for (size_t i = 0; i < plan->rows.count; i++) {
        if (plan->rows.items[i]->merge == merge) return plan->rows.items[i];
    }
    return NULL;
}

/* Ends each merge that may have maps in this record, once. */
static void compile_merge_ends(Compiler *compiler, const TarnAvroShape *shape, size_t base) {
    for (size_t w = 0; w < shape->count; w++) {
        const TarnAvroMerge *merge = shape->wants[w].merge;
        if (shape->wants[w].target != TARN_AVRO_TO_MERGED) continue;
        bool is_done = false;
        for (size_t i = 0; i < w; i++) is_done = is_done || shape->wants[i].merge == merge;
        TarnAvroRows *rows = find_rows(compiler->plan, merge);
        if (is_done || rows == NULL) continue;
        uint32_t index = add_step(compiler, TARN_AVRO_STEP_MERGE_END);
        step_at(compiler, index)->as.rows = rows;
        step_at(compiler, index)->offset = (uint32_t)base;
    }
}

static bool compile_record(Compiler *compiler, const TarnAvroSchema *record,
                           const TarnAvroShape *shape, size_t base) {
    if (!check_wants(compiler, record, shape)) return false;
    if (compiler->records >= TARN_LIMIT_NESTING || compiler->plan->steps.count >= STEPS_MAX) {
        return tarn_base_error_set(compiler->error, TARN_E_LIMIT_EXCEEDED,
                                   "the Avro schema's wanted fields are too many or too deep");
    }
    bool by_id = has_ids(record);
    const TarnAvroField *outer = compiler->field;
    compiler->records++;
    for (size_t i = 0; i < record->field_count; i++) {
        const TarnAvroField *field = &record->fields[i];
        const TarnAvroWant *want = NULL;
        for (size_t w = 0; w < shape->count && want == NULL; w++) {
            if (is_wanted(field, &shape->wants[w], by_id)) want = &shape->wants[w];
        }
        compiler->field = field;
        if (want == NULL) {
            compile_skip(compiler, field->type);
        } else if (!compile_value(compiler, field->type, want, base)) {
            return false;
        }
    }
    compile_merge_ends(compiler, shape, base);
    compiler->records--;
    compiler->field = outer;
    return true;
}

static size_t size_of_target(TarnAvroTarget target) {
    switch (target) {
    case TARN_AVRO_TO_BOOL: return sizeof(bool);
    case TARN_AVRO_TO_INT32: return sizeof(int32_t);
    case TARN_AVRO_TO_INT64: return sizeof(int64_t);
    case TARN_AVRO_TO_FLOAT: return sizeof(float);
    case TARN_AVRO_TO_DOUBLE: return sizeof(double);
    case TARN_AVRO_TO_TEXT: return sizeof(TarnText);
    case TARN_AVRO_TO_RECORD:
    case TARN_AVRO_TO_LIST:
    case TARN_AVRO_TO_VALUES:
    case TARN_AVRO_TO_MERGED: break;
    }
    return 0;
}

/* A map's items are records of two fields in their encoding, and compiled as such. */
static bool compile_item(Compiler *compiler, const TarnAvroSchema *list, const TarnAvroWant *want) {
    if (list->kind == TARN_AVRO_MAP) {
        return compile_record(compiler, list, want->shape, 0);
    }
    return compile_value(compiler, list->item, want, 0);
}

static bool compile_list(Compiler *compiler, const TarnAvroSchema *type, const TarnAvroWant *want,
                         size_t base) {
    bool of_records = want->item == TARN_AVRO_TO_RECORD;
    if ((type->kind != TARN_AVRO_ARRAY && type->kind != TARN_AVRO_MAP) ||
        (type->kind == TARN_AVRO_MAP && !of_records)) {
        return refuse_type(compiler, type, want);
    }
    TarnAvroListStep *list = TARN_NEW(compiler->plan->arena, TarnAvroListStep);
    if (list == NULL) return true;
    list->count_offset = base + want->count_offset;
    list->item_size = of_records ? want->shape->size : size_of_target(want->item);
    list->item_minimum = tarn_format__avro_item_minimum(type);
    list->blank = of_records ? want->shape->blank : NULL;
    uint32_t index = add_step(compiler, TARN_AVRO_STEP_LIST);
    step_at(compiler, index)->offset = (uint32_t)(base + want->offset);
    step_at(compiler, index)->as.list = list;
    compiler->barrier = compiler->plan->steps.count;
    TarnAvroWant item = {.field_id = want->field_id,
                         .name = want->name,
                         .target = want->item,
                         .required = !of_records,
                         .shape = want->shape};
    if (!compile_item(compiler, type, &item)) return false;
    land_jump(compiler, index);
    return true;
}

static bool compile_values(Compiler *compiler, const TarnAvroSchema *type, const TarnAvroWant *want,
                           size_t base) {
    if (type->kind != TARN_AVRO_RECORD) return refuse_type(compiler, type, want);
    for (size_t i = 0; i < type->field_count; i++) {
        const TarnAvroField *field = &type->fields[i];
        const TarnAvroSchema *value = field->type;
        size_t branches = value->kind == TARN_AVRO_UNION ? value->branch_count : 1;
        for (size_t b = 0; b < branches; b++) {
            TarnAvroKind kind = value->kind == TARN_AVRO_UNION ? value->branches[b]->kind
                                                               : value->kind;
            if (kind != TARN_AVRO_RECORD && kind != TARN_AVRO_ARRAY && kind != TARN_AVRO_MAP) {
                continue;
            }
            return refuse(compiler, "the field \"%.*s\" of \"%s\" is not a single value",
                          TARN_TEXT_ARG(field->name), want->name);
        }
    }
    TarnAvroValuesStep *values = TARN_NEW(compiler->plan->arena, TarnAvroValuesStep);
    if (values == NULL) return true;
    values->record = type;
    values->values = TARN_NEW_ARRAY(compiler->plan->arena, type->field_count, TarnAvroValue);
    values->count_offset = base + want->count_offset;
    uint32_t index = add_step(compiler, TARN_AVRO_STEP_VALUES);
    step_at(compiler, index)->offset = (uint32_t)(base + want->offset);
    step_at(compiler, index)->as.values = values;
    return true;
}

/* ---- Merged maps --------------------------------------------------------------------------- */

static TarnAvroRows *make_rows(Compiler *compiler, const TarnAvroMerge *merge) {
    TarnAvroPlan *plan = compiler->plan;
    TarnAvroRows *rows = find_rows(plan, merge);
    if (rows != NULL) return rows;
    rows = TARN_NEW(plan->arena, TarnAvroRows);
    TarnAvroRows **place = TARN_PUSH(plan->arena, &plan->rows);
    if (rows == NULL || place == NULL) return NULL;
    rows->merge = merge;
    *place = rows;
    return rows;
}

/* A number for the map of `want`: the same one if a union has the map in several branches. */
static bool number_map(Compiler *compiler, TarnAvroRows *rows, const TarnAvroWant *want,
                       uint32_t *map) {
    const size_t most = sizeof(rows->members) / sizeof(rows->members[0]);
    for (*map = 0; *map < rows->maps; ++*map) {
        if (rows->members[*map].offset == want->offset) return true;
    }
    if (rows->maps == most) {
        return tarn_base_error_set(compiler->error, TARN_E_INTERNAL,
                                   "more than %zu Avro maps were to be merged", most);
    }
    rows->members[rows->maps].offset = (uint32_t)want->offset;
    rows->members[rows->maps].size = (uint32_t)size_of_target(want->item);
    rows->maps++;
    return true;
}

static bool is_plain_item(const TarnAvroSchema *item, bool is_text) {
    if (item->field_count != 2 || item->fields[0].type->kind != TARN_AVRO_INT) return false;
    TarnAvroKind kind = item->fields[1].type->kind;
    if (is_text) return kind == TARN_AVRO_BYTES || kind == TARN_AVRO_STRING;
    return kind == TARN_AVRO_LONG || kind == TARN_AVRO_INT;
}

static bool compile_merged(Compiler *compiler, const TarnAvroSchema *type,
                           const TarnAvroWant *want) {
    const TarnAvroSchema *item = type->kind == TARN_AVRO_ARRAY ? type->item : type;
    if (item->kind != TARN_AVRO_RECORD || type->kind != TARN_AVRO_ARRAY) {
        return refuse_type(compiler, type, want);
    }
    bool is_text = want->item == TARN_AVRO_TO_TEXT;
    TarnAvroRows *rows = make_rows(compiler, want->merge);
    TarnAvroMergeStep *merge = TARN_NEW(compiler->plan->arena, TarnAvroMergeStep);
    if (rows == NULL || merge == NULL) return true;
    uint32_t map = 0;
    if (!number_map(compiler, rows, want, &map)) return false;
    *merge = (TarnAvroMergeStep){
        .rows = rows, .map = map, .is_text = is_text, .item_minimum = item->minimum_bytes};
    uint32_t index = add_step(compiler, TARN_AVRO_STEP_MERGE);
    step_at(compiler, index)->as.merge = merge;
    compiler->barrier = compiler->plan->steps.count;
    const TarnAvroWant wants[] = {
        {.field_id = want->key_id,
         .name = "key",
         .target = TARN_AVRO_TO_INT32,
         .required = true,
         .offset = offsetof(TarnAvroMergeItem, key)},
        {.field_id = want->value_id,
         .name = "value",
         .target = want->item,
         .required = true,
         .offset = is_text ? offsetof(TarnAvroMergeItem, text)
                           : offsetof(TarnAvroMergeItem, integer)},
    };
    const TarnAvroShape shape = {.wants = wants, .count = 2};
    if (!compile_record(compiler, item, &shape, 0)) return false;
    land_jump(compiler, index);
    /* compile_record has made sure that both fields are there; their order is left. */
    bool key_first = is_wanted(&item->fields[0], &wants[0], has_ids(item));
    merge->is_plain = key_first && is_plain_item(item, is_text);
    return true;
}

static bool compile_nested(Compiler *compiler, const TarnAvroSchema *type, const TarnAvroWant *want,
                           size_t base) {
    switch (want->target) {
    case TARN_AVRO_TO_RECORD:
        if (type->kind != TARN_AVRO_RECORD) return refuse_type(compiler, type, want);
        return compile_record(compiler, type, want->shape, base + want->offset);
    case TARN_AVRO_TO_LIST: return compile_list(compiler, type, want, base);
    case TARN_AVRO_TO_VALUES: return compile_values(compiler, type, want, base);
    case TARN_AVRO_TO_MERGED: return compile_merged(compiler, type, want);
    case TARN_AVRO_TO_BOOL:
    case TARN_AVRO_TO_INT32:
    case TARN_AVRO_TO_INT64:
    case TARN_AVRO_TO_FLOAT:
    case TARN_AVRO_TO_DOUBLE:
    case TARN_AVRO_TO_TEXT: break;
    }
    return compile_scalar(compiler, type, want, base);
}

static bool compile_value(Compiler *compiler, const TarnAvroSchema *type, const TarnAvroWant *want,
                          size_t base) {
    uint8_t null_branch = 0;
    const TarnAvroSchema *other = NULL;
    switch (type->kind) {
    case TARN_AVRO_NULL:
        if (want->required) add_step(compiler, TARN_AVRO_STEP_REFUSE_NULL);
        return true;
    case TARN_AVRO_UNION:
        other = optional_of(type, &null_branch);
        if (other == NULL) return compile_union(compiler, type, want, base);
        break;
    default: return compile_nested(compiler, type, want, base);
    }
    uint32_t index = add_step(compiler, TARN_AVRO_STEP_OPTIONAL);
    step_at(compiler, index)->null_branch = null_branch;
    step_at(compiler, index)->refuse_null = want->required;
    compiler->barrier = compiler->plan->steps.count;
    if (!compile_nested(compiler, other, want, base)) return false;
    land_jump(compiler, index);
    return true;
}

bool tarn_format_avro_plan_compile(const TarnAvroSchema *schema, const TarnAvroShape *shape,
                                   const TarnAvroPlanOptions *options, TarnArena *arena,
                                   TarnAvroPlan **plan, TarnError *error) {
    *plan = NULL;
    TarnAvroPlan *made = TARN_NEW(arena, TarnAvroPlan);
    if (made == NULL) return tarn_base_arena_check(arena, error);
    made->arena = arena;
    if (options != NULL && options->keys != NULL) {
        made->has_keys = true;
        made->keys = options->keys;
        made->key_count = options->key_count;
    }
    Compiler compiler = {.plan = made, .error = error};
    if (schema->kind != TARN_AVRO_RECORD) {
        return refuse(&compiler, "it is of the type %s, not a record",
                      tarn_format_avro_kind_name(schema->kind));
    }
    if (!compile_record(&compiler, schema, shape, 0)) return false;
    if (!tarn_base_arena_check(arena, error)) return false;
    *plan = made;
    return true;
}
