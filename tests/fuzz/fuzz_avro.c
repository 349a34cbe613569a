/* Avro from anyone. Bytes that begin like a container are read as one; else they are a schema in
 * JSON, a zero byte, and one datum. Whatever is accepted must come to the same end on every way:
 * printed, skipped by the schema, skipped by a plan, decoded by plans that want things, read from
 * memory or through a source. */
#include "format/avro.h"

#include <string.h>

#include "base/limits.h"
#include "fuzz.h"

#define OBJECTS_MAX 300
#define ARENA_BYTES (4 * TARN_MIB)

typedef struct Column {
    int32_t key;
    int64_t number;
    TarnText text;
} Column;

typedef struct Wide {
    bool truth;
    int32_t narrow;
    int64_t wide;
    float single;
    double real;
    TarnText text;
    TarnAvroValue *values;
    size_t value_count;
    int64_t *numbers;
    size_t number_count;
    Column *items;
    size_t item_count;
    Column *columns;
    size_t column_count;
} Wide;

static const TarnAvroMerge merge = {.items_offset = offsetof(Wide, columns),
                                    .count_offset = offsetof(Wide, column_count),
                                    .item_size = sizeof(Column),
                                    .key_offset = offsetof(Column, key)};

static const TarnAvroWant item_wants[] = {
    {.field_id = 5, .name = "key", .target = TARN_AVRO_TO_TEXT, .offset = offsetof(Column, text)},
    {.field_id = 6,
     .name = "value",
     .target = TARN_AVRO_TO_INT64,
     .offset = offsetof(Column, number)},
};
static const TarnAvroShape item_shape = {.wants = item_wants, .count = 2, .size = sizeof(Column)};

#define WANT(its_target, ...)                                                                      \
    { .target = TARN_AVRO_TO_##its_target, __VA_ARGS__ }
/* One want for each target. The fuzzer finds fields of fitting types by their ids and names. */
static const TarnAvroWant wants[] = {
    WANT(BOOL, .field_id = 1, .name = "a", .offset = offsetof(Wide, truth)),
    WANT(INT32, .field_id = 2, .name = "b", .offset = offsetof(Wide, narrow)),
    WANT(INT64, .field_id = 3, .name = "c", .offset = offsetof(Wide, wide)),
    WANT(FLOAT, .field_id = 4, .name = "d", .offset = offsetof(Wide, single)),
    WANT(DOUBLE, .field_id = 5, .name = "e", .offset = offsetof(Wide, real)),
    WANT(TEXT, .field_id = 6, .name = "f", .offset = offsetof(Wide, text)),
    WANT(VALUES, .field_id = 7, .name = "g", .offset = offsetof(Wide, values),
         .count_offset = offsetof(Wide, value_count)),
    WANT(LIST, .field_id = 8, .name = "h", .item = TARN_AVRO_TO_INT64,
         .offset = offsetof(Wide, numbers), .count_offset = offsetof(Wide, number_count)),
    WANT(LIST, .field_id = 9, .name = "i", .item = TARN_AVRO_TO_RECORD, .shape = &item_shape,
         .offset = offsetof(Wide, items), .count_offset = offsetof(Wide, item_count)),
    WANT(MERGED, .field_id = 10, .name = "j", .item = TARN_AVRO_TO_INT64, .key_id = 11,
         .value_id = 12, .merge = &merge, .offset = offsetof(Column, number)),
    WANT(MERGED, .field_id = 13, .name = "k", .item = TARN_AVRO_TO_TEXT, .key_id = 14,
         .value_id = 15, .merge = &merge, .offset = offsetof(Column, text)),
};
#define WANT_COUNT (sizeof(wants) / sizeof(wants[0]))
/* All of it once more, one record deeper. */
static const TarnAvroShape inner_shape = {.wants = wants, .count = WANT_COUNT};

typedef struct Plans {
    TarnAvroPlan *none;
    TarnAvroPlan *single[WANT_COUNT];
    TarnAvroPlan *deep;
} Plans;

static uint64_t touched; /* keeps reads of decoded memory alive */

static void touch_text(TarnText text) {
    for (size_t i = 0; i < text.size; i++) touched += (unsigned char)text.data[i];
}

static void touch_wide(const Wide *wide) {
    touch_text(wide->text);
    for (size_t i = 0; i < wide->value_count; i++) touched += (uint64_t)wide->values[i].type->kind;
    for (size_t i = 0; i < wide->number_count; i++) touched += (uint64_t)wide->numbers[i];
    for (size_t i = 0; i < wide->item_count; i++) touch_text(wide->items[i].text);
    for (size_t i = 0; i < wide->column_count; i++) {
        FUZZ_CHECK(i == 0 || wide->columns[i - 1].key < wide->columns[i].key);
        touch_text(wide->columns[i].text);
    }
}

static bool is_refusal(bool done, const TarnError *error) {
    if (!done) fuzz_check_refusal(error, false);
    return !done;
}

static void compile_plans(const TarnAvroSchema *schema, TarnArena *arena, Plans *plans) {
    TarnError error;
    const TarnAvroShape nothing = {.count = 0};
    const TarnAvroWant record = {
        .field_id = 20, .name = "r", .target = TARN_AVRO_TO_RECORD, .shape = &inner_shape};
    TarnAvroShape *shapes = TARN_NEW_ARRAY(arena, WANT_COUNT + 1, TarnAvroShape);
    memset(plans, 0, sizeof(*plans));
    if (shapes == NULL) return;
    is_refusal(tarn_format_avro_plan_compile(schema, &nothing, NULL, arena, &plans->none, &error),
               &error);
    for (size_t i = 0; i < WANT_COUNT; i++) {
        shapes[i] = (TarnAvroShape){.wants = &wants[i], .count = 1};
        is_refusal(tarn_format_avro_plan_compile(schema, &shapes[i], NULL, arena, &plans->single[i],
                                                 &error),
                   &error);
    }
    TarnAvroWant *kept = tarn_base_arena_copy(arena, &record, sizeof(record));
    if (kept == NULL) return;
    shapes[WANT_COUNT] = (TarnAvroShape){.wants = kept, .count = 1};
    is_refusal(tarn_format_avro_plan_compile(schema, &shapes[WANT_COUNT], NULL, arena, &plans->deep,
                                             &error),
               &error);
}

/* A plan reads no more than skipping does; it may refuse more. */
static void run_plan(TarnAvroPlan *plan, TarnAvroCursor cursor, const unsigned char *end,
                     TarnArena *arena) {
    TarnError error;
    Wide wide = {.truth = false};
    if (plan == NULL) return;
    if (is_refusal(tarn_format_avro_plan_decode(plan, &cursor, &wide, arena, &error), &error)) {
        return;
    }
    if (end != NULL) FUZZ_CHECK(cursor.at == end);
    touch_wide(&wide);
}

/* Moves the cursor behind the object; false if it is damaged. */
static bool check_object(TarnAvroCursor *cursor, const TarnAvroSchema *schema, const Plans *plans,
                         TarnArena *arena) {
    TarnError error;
    TarnBuffer text;
    TarnAvroCursor skipper = *cursor;
    TarnAvroCursor planner = *cursor;
    TarnAvroCursor start = *cursor;
    tarn_base_buffer_init(&text, 64 * TARN_KIB);
    TarnAvroJsonOptions options = {.hex = cursor->object % 2 == 0,
                                   .logical = cursor->object % 3 != 0};
    bool printed = !is_refusal(
        tarn_format_avro_value_to_json(cursor, schema, &options, &text, &error), &error);
    bool skipped = !is_refusal(tarn_format_avro_cursor_skip(&skipper, schema, &error), &error);
    if (printed) FUZZ_CHECK(skipped && skipper.at == cursor->at);
    if (skipped && plans->none != NULL) {
        bool planned = !is_refusal(
            tarn_format_avro_plan_decode(plans->none, &planner, NULL, arena, &error), &error);
        FUZZ_CHECK(planned && planner.at == skipper.at);
    }
    const unsigned char *end = skipped ? skipper.at : NULL;
    for (size_t i = 0; i < WANT_COUNT; i++) run_plan(plans->single[i], start, end, arena);
    run_plan(plans->deep, start, end, arena);
    tarn_base_buffer_dispose(&text);
    *cursor = skipper;
    return skipped;
}

/* Reads a container to its end, its first damage, or OBJECTS_MAX; the number of objects. */
static size_t read_container(TarnAvroReader *reader, TarnArena *arena, bool check, bool *ended) {
    TarnError error;
    TarnAvroCursor *cursor = NULL;
    const TarnAvroSchema *schema = tarn_format_avro_reader_schema(reader);
    Plans plans = {NULL, {NULL}, NULL};
    size_t count = 0;
    *ended = false;
    if (check) compile_plans(schema, arena, &plans);
    for (; count < OBJECTS_MAX; count++) {
        if (is_refusal(tarn_format_avro_reader_object(reader, arena, &cursor, &error), &error)) {
            return count;
        }
        if (cursor == NULL) break;
        if (check ? !check_object(cursor, schema, &plans, arena)
                  : !tarn_format_avro_cursor_skip(cursor, schema, &error)) {
            return count;
        }
    }
    *ended = true;
    return count;
}

static bool read_bytes(void *state, uint64_t offset, void *out, size_t size, TarnError *error) {
    const TarnText *bytes = state;
    (void)error;
    FUZZ_CHECK(offset <= bytes->size && size <= bytes->size - offset);
    if (size > 0) memcpy(out, bytes->data + offset, size);
    return true;
}

static void check_container(TarnText bytes) {
    TarnArena arena;
    TarnError error;
    TarnAvroReader *reader = NULL;
    TarnAvroSource source = {&bytes, bytes.size, read_bytes};
    size_t counts[2] = {0, 0};
    bool ended[2] = {false, false};
    bool opened[2];
    bool starved = false;
    for (int way = 0; way < 2; way++) {
        tarn_base_arena_init(&arena, ARENA_BYTES);
        opened[way] = way == 0
                          ? tarn_format_avro_reader_open(bytes, "fuzz", &arena, &reader, &error)
                          : tarn_format_avro_reader_open_source(&source, "fuzz", &arena, &reader,
                                                                &error);
        if (!is_refusal(opened[way], &error)) {
            counts[way] = read_container(reader, &arena, way == 0, &ended[way]);
        }
        starved = starved || tarn_base_arena_failed(&arena);
        tarn_format_avro_reader_close(reader);
        tarn_base_arena_dispose(&arena);
    }
    if (starved) return;
    FUZZ_CHECK(opened[0] == opened[1] && counts[0] == counts[1] && ended[0] == ended[1]);
}

static void check_datum(TarnText json, TarnText datum) {
    TarnArena arena;
    TarnError error;
    const TarnAvroSchema *schema = NULL;
    Plans plans;
    tarn_base_arena_init(&arena, ARENA_BYTES);
    if (!is_refusal(tarn_format_avro_schema_parse(json, NULL, &arena, &schema, &error), &error)) {
        TarnAvroCursor cursor = tarn_format_avro_cursor(datum, "fuzz");
        compile_plans(schema, &arena, &plans);
        check_object(&cursor, schema, &plans, &arena);
    }
    tarn_base_arena_dispose(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    TarnText bytes = {(const char *)data, size};
    if (tarn_base_text_starts(bytes, "Obj")) {
        check_container(bytes);
        return 0;
    }
    const char *zero = size > 0 ? memchr(bytes.data, 0, size) : NULL;
    if (zero == NULL) return 0;
    size_t split = (size_t)(zero - bytes.data);
    check_datum((TarnText){bytes.data, split}, (TarnText){zero + 1, size - split - 1});
    return 0;
}
