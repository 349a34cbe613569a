/* Avro plans on manifests: entries into structs whatever the writer's order, maps merged. The
 * golden entries follow the formulas of avro/generate.py. */
#include "avro_test.h"

static TarnArena arena;
static TarnError error;

/* ---- Manifests ----------------------------------------------------------------------------- */

typedef struct Column {
    int32_t id;
    int64_t size;
    int64_t values;
    int64_t nulls;
    int64_t nans;
    TarnText lower;
    TarnText upper;
} Column;

typedef struct Entry {
    int32_t status;
    int64_t snapshot_id;
    int64_t sequence_number;
    int64_t file_sequence_number;
    struct {
        int32_t content;
        TarnText path;
        TarnText format;
        TarnAvroValue *partition;
        size_t partition_count;
        int64_t record_count;
        int64_t file_size;
        Column *columns;
        size_t column_count;
        TarnText key_metadata;
        int64_t *split_offsets;
        size_t split_offset_count;
        int32_t *equality_ids;
        size_t equality_id_count;
        int32_t sort_order_id;
        TarnText referenced;
    } file;
} Entry;

static const Entry blank_entry = {.snapshot_id = -1,
                                  .sequence_number = -1,
                                  .file_sequence_number = -1,
                                  .file = {.sort_order_id = -1}};
static const Column blank_column = {.size = -1, .values = -1, .nulls = -1, .nans = -1};
static const TarnAvroMerge columns = {.items_offset = offsetof(Entry, file.columns),
                                      .count_offset = offsetof(Entry, file.column_count),
                                      .item_size = sizeof(Column),
                                      .key_offset = offsetof(Column, id),
                                      .blank = &blank_column};

#define FILE_FIELD(id, label, to, member)                                                          \
    { .field_id = (id), .name = (label), .target = (to), .offset = offsetof(Entry, file.member) }
#define FILE_MAP(id, label, kind, key, value, member)                                              \
    {                                                                                              \
        .field_id = (id), .name = (label), .target = TARN_AVRO_TO_MERGED, .item = (kind),          \
        .key_id = (key), .value_id = (value), .merge = &columns,                                   \
        .offset = offsetof(Column, member)                                                         \
    }

static const TarnAvroWant file_wants[] = {
    FILE_FIELD(134, "content", TARN_AVRO_TO_INT32, content),
    {.field_id = 100,
     .name = "file_path",
     .target = TARN_AVRO_TO_TEXT,
     .required = true,
     .offset = offsetof(Entry, file.path)},
    FILE_FIELD(101, "file_format", TARN_AVRO_TO_TEXT, format),
    {.field_id = 102,
     .name = "partition",
     .target = TARN_AVRO_TO_VALUES,
     .offset = offsetof(Entry, file.partition),
     .count_offset = offsetof(Entry, file.partition_count)},
    FILE_FIELD(103, "record_count", TARN_AVRO_TO_INT64, record_count),
    FILE_FIELD(104, "file_size_in_bytes", TARN_AVRO_TO_INT64, file_size),
    FILE_MAP(108, "column_sizes", TARN_AVRO_TO_INT64, 117, 118, size),
    FILE_MAP(109, "value_counts", TARN_AVRO_TO_INT64, 119, 120, values),
    FILE_MAP(110, "null_value_counts", TARN_AVRO_TO_INT64, 121, 122, nulls),
    FILE_MAP(137, "nan_value_counts", TARN_AVRO_TO_INT64, 138, 139, nans),
    FILE_MAP(125, "lower_bounds", TARN_AVRO_TO_TEXT, 126, 127, lower),
    FILE_MAP(128, "upper_bounds", TARN_AVRO_TO_TEXT, 129, 130, upper),
    FILE_FIELD(131, "key_metadata", TARN_AVRO_TO_TEXT, key_metadata),
    {.field_id = 132,
     .name = "split_offsets",
     .target = TARN_AVRO_TO_LIST,
     .item = TARN_AVRO_TO_INT64,
     .offset = offsetof(Entry, file.split_offsets),
     .count_offset = offsetof(Entry, file.split_offset_count)},
    {.field_id = 135,
     .name = "equality_ids",
     .target = TARN_AVRO_TO_LIST,
     .item = TARN_AVRO_TO_INT32,
     .offset = offsetof(Entry, file.equality_ids),
     .count_offset = offsetof(Entry, file.equality_id_count)},
    FILE_FIELD(140, "sort_order_id", TARN_AVRO_TO_INT32, sort_order_id),
    FILE_FIELD(143, "referenced_data_file", TARN_AVRO_TO_TEXT, referenced),
    FILE_FIELD(142, "first_row_id", TARN_AVRO_TO_INT64, record_count), /* not in the files */
};
static const TarnAvroShape file_shape = {.wants = file_wants,
                                         .count = sizeof(file_wants) / sizeof(file_wants[0])};
static const TarnAvroWant entry_wants[] = {
    {.field_id = 0,
     .name = "status",
     .target = TARN_AVRO_TO_INT32,
     .required = true,
     .offset = offsetof(Entry, status)},
    {.field_id = 1,
     .name = "snapshot_id",
     .target = TARN_AVRO_TO_INT64,
     .offset = offsetof(Entry, snapshot_id)},
    {.field_id = 3,
     .name = "sequence_number",
     .target = TARN_AVRO_TO_INT64,
     .offset = offsetof(Entry, sequence_number)},
    {.field_id = 4,
     .name = "file_sequence_number",
     .target = TARN_AVRO_TO_INT64,
     .offset = offsetof(Entry, file_sequence_number)},
    {.field_id = 2,
     .name = "data_file",
     .target = TARN_AVRO_TO_RECORD,
     .required = true,
     .shape = &file_shape},
};
static const TarnAvroShape entry_shape = {.wants = entry_wants, .count = 5};

static void check_bytes(TarnText got, const void *want, size_t size) {
    CHECK(got.data != NULL && got.size == size && memcmp(got.data, want, size) == 0);
}

static void check_partition(const Entry *entry, int64_t index) {
    static const char *const regions[] = {"eu", "us", NULL, ""};
    REQUIRE(entry->file.partition_count == 3);
    for (size_t i = 0; i < 3; i++) {
        const TarnAvroValue *value = &entry->file.partition[i];
        if (value->field_id == 1000 && index == 2) {
            CHECK_INT(value->type->kind, TARN_AVRO_NULL);
        } else if (value->field_id == 1000) {
            CHECK_INT(value->type->logical, TARN_AVRO_LOGICAL_DATE);
            CHECK_INT(value->as.integer, 19000 + index);
        } else if (value->field_id == 1001 && regions[index % 4] == NULL) {
            CHECK_INT(value->type->kind, TARN_AVRO_NULL);
        } else if (value->field_id == 1001) {
            CHECK_INT(value->type->kind, TARN_AVRO_STRING);
            check_bytes(value->as.bytes, regions[index % 4], strlen(regions[index % 4]));
        } else {
            CHECK_INT(value->field_id, 1002);
            CHECK_INT(value->type->scale, 2);
            uint32_t amount = (uint32_t)(index * 100 - 250);
            const unsigned char bytes[] = {(unsigned char)(amount >> 24),
                                           (unsigned char)(amount >> 16),
                                           (unsigned char)(amount >> 8), (unsigned char)amount};
            check_bytes(value->as.bytes, bytes, 4);
        }
    }
}

/* `shuffled`: the lower bounds hold any four of the five columns */
static void check_columns(const Entry *entry, int64_t index, bool shuffled) {
    REQUIRE(entry->file.column_count == (index == 4 ? 6 : 5));
    size_t lowers = 0;
    for (size_t i = 0; i < entry->file.column_count; i++) {
        const Column *column = &entry->file.columns[i];
        char upper[16];
        if (column->id == 9) {
            CHECK_INT(column->nans, 3);
            CHECK_INT(column->size, -1);
            CHECK(column->lower.data == NULL && column->upper.data == NULL);
            continue;
        }
        CHECK_INT(column->id, i + 1);
        CHECK_INT(column->size, column->id * 100 + index);
        CHECK_INT(column->values, 1000 + index);
        CHECK_INT(column->nulls, index % 2 ? column->id : -1);
        CHECK_INT(column->nans, -1);
        int64_t lower = column->id - index;
        if (column->lower.data != NULL) {
            check_bytes(column->lower, &lower, sizeof(lower));
            lowers++;
        }
        if (!shuffled) CHECK((column->lower.data != NULL) == (column->id < 5));
        snprintf(upper, sizeof(upper), "upper %d", (int)column->id);
        check_bytes(column->upper, upper, strlen(upper));
    }
    CHECK_INT(lowers, 4);
}

static void check_entry(const Entry *entry, int64_t index) {
    char path[64];
    CHECK_INT(entry->status, index % 3);
    CHECK_INT(entry->snapshot_id, index % 4 == 3 ? -1 : 3051729675574597004 + index);
    CHECK_INT(entry->sequence_number, index % 3 == 1 ? -1 : 34);
    CHECK_INT(entry->file_sequence_number, index % 3 == 1 ? -1 : 35);
    snprintf(path, sizeof(path), "s3://bucket/data/%05d.parquet", (int)index);
    check_bytes(entry->file.path, path, strlen(path));
    check_bytes(entry->file.format, "PARQUET", 7);
    CHECK_INT(entry->file.record_count, index * 1000);
    CHECK_INT(entry->file.file_size, 12345 + index);
    CHECK_INT(entry->file.sort_order_id, index % 2 ? 0 : -1);
    CHECK(entry->file.referenced.data == NULL);
    check_partition(entry, index);
    check_columns(entry, index, index >= 6);
    if (index == 5) {
        check_bytes(entry->file.key_metadata, "\0key", 4);
    } else {
        CHECK(entry->file.key_metadata.data == NULL);
    }
    CHECK((entry->file.equality_ids != NULL) == (index == 3));
    CHECK_INT(entry->file.equality_id_count, 0);
    if (index % 2 == 1) {
        REQUIRE(entry->file.split_offset_count == 2);
        CHECK_INT(entry->file.split_offsets[0], 4);
        CHECK_INT(entry->file.split_offsets[1], 1000000 + index);
    } else {
        CHECK(entry->file.split_offsets == NULL);
    }
}

/* Decodes the entries of a file; how many, -1 on error. `check` may be NULL. */
static int64_t decode_entries(TarnText bytes, const TarnAvroPlanOptions *options, TarnArena *own,
                              void (*check)(const Entry *, int64_t)) {
    TarnAvroReader *reader = NULL;
    TarnAvroPlan *plan = NULL;
    TarnAvroCursor *cursor = NULL;
    int64_t count = 0;
    bool done = tarn_format_avro_reader_open(bytes, "m.avro", own, &reader, &error) &&
                tarn_format_avro_plan_compile(tarn_format_avro_reader_schema(reader), &entry_shape,
                                              options, own, &plan, &error);
    while (done) {
        done = tarn_format_avro_reader_object(reader, own, &cursor, &error);
        if (!done || cursor == NULL) break;
        Entry entry = blank_entry;
        done = tarn_format_avro_plan_decode(plan, cursor, &entry, own, &error);
        if (done && check != NULL) check(&entry, count);
        count++;
    }
    tarn_format_avro_reader_close(reader);
    return done ? count : -1;
}

static void manifests_decode_in_any_order(void) {
    static const char *const names[] = {"manifest.null.avro", "manifest.deflate.avro",
                                        "other_order.avro"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        TarnText bytes = avro_golden(names[i], &arena);
        int64_t count = decode_entries(bytes, NULL, &arena, check_entry);
        if (count < 0) CHECK_STRING(error.message, names[i]);
        CHECK_INT(count, 12);
    }
}

static void check_two_columns(const Entry *entry, int64_t index) {
    REQUIRE(entry->file.column_count == 2);
    CHECK_INT(entry->file.columns[0].id, 2);
    CHECK_INT(entry->file.columns[1].id, 5);
    CHECK_INT(entry->file.columns[1].size, 500 + index);
    CHECK_INT(entry->file.columns[0].values, 1000 + index);
    CHECK(entry->file.columns[0].upper.data != NULL);
}

static void check_no_columns(const Entry *entry, int64_t index) {
    (void)index;
    CHECK(entry->file.columns == NULL && entry->file.column_count == 0);
}

static void only_wanted_keys_are_kept(void) {
    const int32_t keys[] = {-7, 2, 5, 100};
    TarnAvroPlanOptions options = {.keys = keys, .key_count = 4};
    TarnText bytes = avro_golden("manifest.deflate.avro", &arena);
    CHECK_INT(decode_entries(bytes, &options, &arena, check_two_columns), 12);
    options.key_count = 1;
    CHECK_INT(decode_entries(bytes, &options, &arena, check_no_columns), 12);
}

/* ---- Merging ------------------------------------------------------------------------------- */

#define KV "{\"type\":\"record\",\"name\":\"kv%d\",\"fields\":[%s]}"
#define KEY "{\"name\":\"key\",\"type\":\"int\"}"
#define LONG_VALUE "{\"name\":\"value\",\"type\":\"long\"}"

static const TarnAvroWant merge_wants[] = {
    {.field_id = TARN_AVRO_NO_ID,
     .name = "a",
     .target = TARN_AVRO_TO_MERGED,
     .item = TARN_AVRO_TO_INT64,
     .merge = &columns,
     .offset = offsetof(Column, size)},
    {.field_id = TARN_AVRO_NO_ID,
     .name = "b",
     .target = TARN_AVRO_TO_MERGED,
     .item = TARN_AVRO_TO_INT64,
     .merge = &columns,
     .offset = offsetof(Column, values)},
};
static const TarnAvroShape merge_shape = {.wants = merge_wants, .count = 2};

static bool same_column(const Column *a, const Column *b) {
    return a->id == b->id && a->size == b->size && a->values == b->values && a->nulls == b->nulls &&
           a->nans == b->nans && a->lower.data == b->lower.data;
}

static const char *const merge_layouts[] = {
    KEY "," LONG_VALUE,
    LONG_VALUE "," KEY,
    "{\"name\":\"x\",\"type\":\"boolean\"}," KEY "," LONG_VALUE,
    KEY ",{\"name\":\"value\",\"type\":[\"null\",\"int\"]}",
};
#define LAYOUTS (sizeof(merge_layouts) / sizeof(merge_layouts[0]))

static TarnAvroPlan *merge_plan(size_t layout, TarnArena *own) {
    char json[1024];
    char items[2][400];
    const TarnAvroSchema *schema = NULL;
    TarnAvroPlan *plan = NULL;
    for (int i = 0; i < 2; i++) snprintf(items[i], sizeof(items[i]), KV, i, merge_layouts[layout]);
    snprintf(json, sizeof(json),
             "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":"
             "{\"type\":\"array\",\"items\":%s}},{\"name\":\"b\",\"type\":{\"type\":\"array\","
             "\"items\":%s}}]}",
             items[0], items[1]);
    CHECK_OK(tarn_format_avro_schema_parse(tarn_base_text(json), NULL, own, &schema, &error) &&
                 tarn_format_avro_plan_compile(schema, &merge_shape, NULL, own, &plan, &error),
             &error);
    return plan;
}

static void put_merge_item(TarnBuffer *datum, size_t layout, int32_t key, int64_t value) {
    if (layout == 2) tarn_format_avro_put_boolean(datum, true);
    if (layout != 1) tarn_format_avro_put_long(datum, key);
    if (layout == 3) tarn_format_avro_put_branch(datum, 1);
    tarn_format_avro_put_long(datum, value);
    if (layout == 1) tarn_format_avro_put_long(datum, key);
}

static uint64_t next_random(uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

#define KEYS 48

/* One map of some keys, ascending, shuffled a little or wholly; into the datum and the model. */
static void put_random_map(TarnBuffer *datum, uint64_t *seed, size_t layout, bool is_second,
                           Column *model) {
    int32_t keys[KEYS];
    size_t count = 0;
    for (int32_t key = 0; key < KEYS; key++) {
        if (next_random(seed) % 3 > 0) keys[count++] = key;
    }
    size_t swaps = next_random(seed) % 3 * (next_random(seed) % (count + 1));
    for (size_t i = 0; i < swaps && count > 0; i++) {
        size_t a = next_random(seed) % count;
        size_t b = next_random(seed) % count;
        int32_t kept = keys[a];
        keys[a] = keys[b];
        keys[b] = kept;
    }
    tarn_format_avro_put_items_begin(datum, count);
    for (size_t i = 0; i < count; i++) {
        int64_t value = (int64_t)next_random(seed) % 1000;
        put_merge_item(datum, layout, keys[i], value);
        model[keys[i]].id = keys[i];
        *(is_second ? &model[keys[i]].values : &model[keys[i]].size) = value;
    }
    tarn_format_avro_put_items_end(datum);
}

/* Two maps of random keys, orders and layouts, against a table filled by hand. */
static void merging_is_right_for_any_order(void) {
    uint64_t seed = 20260703;
    for (size_t round = 0; round < 4000; round++) {
        TarnArena own;
        TarnBuffer datum;
        Column model[KEYS];
        for (int i = 0; i < KEYS; i++) model[i] = blank_column;
        tarn_base_arena_init(&own, TARN_MIB);
        tarn_base_buffer_init(&datum, TARN_MIB);
        put_random_map(&datum, &seed, round % LAYOUTS, false, model);
        put_random_map(&datum, &seed, round % LAYOUTS, true, model);
        TarnAvroPlan *plan = merge_plan(round % LAYOUTS, &own);
        REQUIRE(plan != NULL);
        for (int again = 0; again < 2; again++) {
            Entry entry = blank_entry;
            TarnAvroCursor cursor = tarn_format_avro_cursor(tarn_base_buffer_view(&datum), "datum");
            REQUIRE_OK(tarn_format_avro_plan_decode(plan, &cursor, &entry, &own, &error), &error);
            REQUIRE(cursor.at == cursor.end);
            size_t at = 0;
            for (int key = 0; key < KEYS; key++) {
                if (model[key].size < 0 && model[key].values < 0) continue;
                REQUIRE(at < entry.file.column_count);
                REQUIRE(same_column(&entry.file.columns[at++], &model[key]));
            }
            REQUIRE(at == entry.file.column_count);
        }
        tarn_base_buffer_dispose(&datum);
        tarn_base_arena_dispose(&own);
    }
}

/* One object with a map of very many keys: its rows outgrow any small arena. */
static void a_large_map_needs_its_memory(void) {
    TarnBuffer datum;
    const int32_t count = 20000;
    size_t limit = 64 * TARN_KIB;
    bool done = false;
    tarn_base_buffer_init(&datum, TARN_MIB);
    tarn_format_avro_put_items_begin(&datum, (size_t)count);
    for (int32_t key = 0; key < count; key++) put_merge_item(&datum, 0, count - key, key);
    tarn_format_avro_put_items_end(&datum);
    tarn_format_avro_put_items_end(&datum);
    TarnText bytes = tarn_base_buffer_view(&datum);
    for (; !done && limit < 64 * TARN_MIB; limit += limit / 2) {
        TarnArena plan_arena;
        TarnArena own;
        Entry entry = blank_entry;
        tarn_base_arena_init(&plan_arena, limit);
        tarn_base_arena_init(&own, limit);
        TarnAvroPlan *plan = merge_plan(0, &plan_arena);
        TarnAvroCursor cursor = tarn_format_avro_cursor(bytes, "datum");
        if (plan != NULL) {
            done = tarn_format_avro_plan_decode(plan, &cursor, &entry, &own, &error);
            if (!done) CHECK_INT(error.code, TARN_E_OUT_OF_MEMORY);
            if (done) CHECK_INT(entry.file.column_count, count);
            if (done) CHECK_INT(entry.file.columns[count - 1].id, count);
        }
        tarn_base_arena_dispose(&plan_arena);
        tarn_base_arena_dispose(&own);
    }
    CHECK(done && limit > TARN_MIB);
    tarn_base_buffer_dispose(&datum);
}

static void a_key_given_twice_comes_once(void) {
    static const int32_t orders[][4] = {{1, 1, 2, 2}, {2, 1, 2, 1}, {1, 2, 1, 2}, {3, 3, 1, 1}};
    for (size_t i = 0; i < 4 * LAYOUTS; i++) {
        TarnBuffer datum;
        Entry entry = blank_entry;
        tarn_base_buffer_init(&datum, TARN_MIB);
        for (int map = 0; map < 2; map++) {
            tarn_format_avro_put_items_begin(&datum, 4);
            for (int k = 0; k < 4; k++) {
                put_merge_item(&datum, i / 4, orders[i % 4][k], 10 * orders[i % 4][k]);
            }
            tarn_format_avro_put_items_end(&datum);
        }
        TarnAvroPlan *plan = merge_plan(i / 4, &arena);
        REQUIRE(plan != NULL);
        TarnAvroCursor cursor = tarn_format_avro_cursor(tarn_base_buffer_view(&datum), "datum");
        REQUIRE_OK(tarn_format_avro_plan_decode(plan, &cursor, &entry, &arena, &error), &error);
        REQUIRE(entry.file.column_count == 2);
        CHECK_INT(entry.file.columns[0].id, 1);
        for (int k = 0; k < 2; k++) {
            CHECK_INT(entry.file.columns[k].size, 10 * entry.file.columns[k].id);
            CHECK_INT(entry.file.columns[k].values, 10 * entry.file.columns[k].id);
        }
        tarn_base_buffer_dispose(&datum);
    }
}

static void every_arena_limit_fails_cleanly(void) {
    TarnText bytes = avro_golden("manifest.deflate.avro", &arena);
    int64_t count = -1;
    size_t limit = 0;
    for (; count < 0 && limit < 4 * TARN_MIB; limit += 128) {
        TarnArena own;
        tarn_base_arena_init(&own, limit);
        count = decode_entries(bytes, NULL, &own, NULL);
        if (count < 0) REQUIRE(error.code == TARN_E_OUT_OF_MEMORY);
        tarn_base_arena_dispose(&own);
    }
    CHECK_INT(count, 12);
    CHECK(limit > 4096);
}

static void damaged_manifests_do_no_harm(void) {
    static const char *const names[] = {"manifest.null.avro", "other_order.avro"};
    for (size_t n = 0; n < 2; n++) {
        TarnText bytes = avro_golden(names[n], &arena);
        char *copy = malloc(bytes.size);
        REQUIRE(copy != NULL);
        memcpy(copy, bytes.data, bytes.size);
        size_t refused = 0;
        for (size_t at = 0; at < 2 * bytes.size; at++) {
            char flip = (char)(at % 2 ? 1 << at % 8 : 0x80);
            TarnArena own;
            tarn_base_arena_init(&own, 8 * TARN_MIB);
            copy[at / 2] ^= flip;
            if (decode_entries((TarnText){copy, bytes.size}, NULL, &own, NULL) < 0) refused++;
            copy[at / 2] ^= flip;
            tarn_base_arena_dispose(&own);
        }
        CHECK(refused > bytes.size / 4);
        free(copy);
    }
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    tarn_base_arena_init(&arena, 256 * TARN_MIB);
    TAP_TEST(manifests_decode_in_any_order);
    TAP_TEST(only_wanted_keys_are_kept);
    TAP_TEST(merging_is_right_for_any_order);
    TAP_TEST(a_large_map_needs_its_memory);
    TAP_TEST(a_key_given_twice_comes_once);
    TAP_TEST(every_arena_limit_fails_cleanly);
    TAP_TEST(damaged_manifests_do_no_harm);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
