/* A table on a simulated disk, for tests of scans and snapshots: the columns of predicate_model.h,
 * several partition specs, and commits without a catalog. */
#ifndef TARN_TESTS_TABLE_MODEL_H
#define TARN_TESTS_TABLE_MODEL_H

#include "fake_os.h"
#include "predicate_files.h"
#include "table/scan.h"
#include "table/scan_inspect.h"
#include "table/snapshot_producer.h"

#define TABLE "/lake/t"

static FakeOs *disk;
static TarnStore *store;
static TarnManifestCache *cache;
static const TarnTableMetadata *table;
static uint32_t commit_number;
static uint32_t file_number;

/* Spec 0: none. 1: bucket[3] of l. 2: day of ts, identity of s. 3: bucket[3] of l, identity of i.
 * 4: identity of d. 5: identity of l, void of s. */
static const char TABLE_JSON[] =
    "{\"format-version\":%s,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\","
    "\"location\":\"" TABLE "\",\"last-sequence-number\":0,\"last-updated-ms\":1,"
    "\"last-column-id\":19,\"current-schema-id\":0,\"schemas\":[%s],"
    "\"default-spec-id\":%d,\"last-partition-id\":1007,\"partition-specs\":["
    "{\"spec-id\":0,\"fields\":[]},"
    "{\"spec-id\":1,\"fields\":["
    "{\"name\":\"l_bucket\",\"transform\":\"bucket[3]\",\"source-id\":3,\"field-id\":1000}]},"
    "{\"spec-id\":2,\"fields\":["
    "{\"name\":\"ts_day\",\"transform\":\"day\",\"source-id\":9,\"field-id\":1001},"
    "{\"name\":\"s\",\"transform\":\"identity\",\"source-id\":12,\"field-id\":1002}]},"
    "{\"spec-id\":3,\"fields\":["
    "{\"name\":\"l_bucket\",\"transform\":\"bucket[3]\",\"source-id\":3,\"field-id\":1000},"
    "{\"name\":\"i\",\"transform\":\"identity\",\"source-id\":2,\"field-id\":1003}]},"
    "{\"spec-id\":4,\"fields\":["
    "{\"name\":\"d\",\"transform\":\"identity\",\"source-id\":5,\"field-id\":1004}]},"
    "{\"spec-id\":5,\"fields\":["
    "{\"name\":\"l\",\"transform\":\"identity\",\"source-id\":3,\"field-id\":1005},"
    "{\"name\":\"s_void\",\"transform\":\"void\",\"source-id\":12,\"field-id\":1006}]}],"
    "\"default-sort-order-id\":0,\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],"
    "\"properties\":{%s},\"current-snapshot-id\":null,\"snapshots\":[],\"snapshot-log\":[],"
    "\"metadata-log\":[],\"refs\":{}}";

/* The model's columns but for the one that version 2 does not have. */
UNUSED static const char *table_schema_text(void) {
    char *text = tarn_base_arena_string(&arena, MODEL_SCHEMA);
    char *ns = strstr(text, "timestamp_ns");
    return tarn_base_arena_printf(&arena, "%.*stimestamp%s", (int)(ns - text), text,
                                  ns + strlen("timestamp_ns"));
}

UNUSED static const TarnTableMetadata *parse_table(const char *version, int spec_id,
                                                   const char *properties) {
    TarnTableMetadata *metadata = NULL;
    char *json = tarn_base_arena_printf(&arena, TABLE_JSON, version, table_schema_text(), spec_id,
                                        properties);
    CHECK_OK(tarn_table_metadata_parse(tarn_base_text(json), "t", &arena, &metadata, &error),
             &error);
    if (metadata == NULL) exit(1);
    return metadata;
}

UNUSED static void close_table(void) {
    tarn_table_manifest_cache_free(cache);
    tarn_store_close(store);
    if (disk != NULL) fake_os_free(disk);
    cache = NULL;
    store = NULL;
    disk = NULL;
    tarn_base_arena_dispose(&arena);
}

UNUSED static void open_store(const TarnOs *os) {
    TarnStoreOptions options = {.sync = TARN_STORE_SYNC_FULL, .create_root = true};
    tarn_store_close(store);
    CHECK_OK(tarn_store_open(os, "/lake", &options, &store, &error), &error);
    if (store == NULL) exit(1);
}

UNUSED static void begin_table(int spec_id, const char *properties) {
    close_table();
    tarn_base_arena_init(&arena, 1u << 30);
    tarn_base_error_clear(&error);
    FakeOsOptions options = {.seed = 42};
    disk = fake_os_new(&options);
    fake_os_set_clock_us(disk, INT64_C(1700000000000000));
    open_store(fake_os(disk));
    CHECK_OK(tarn_table_manifest_cache_new(64u << 20, &cache, &error), &error);
    table = parse_table("2", spec_id, properties);
    schema = tarn_table_metadata_current_schema(table);
    commit_number = 0;
    file_number = 0;
}

/* --- files --- */

UNUSED static TarnDataFile new_file(int32_t spec_id, const TarnLiteral *partition) {
    const TarnPartitionSpec *spec = tarn_table_metadata_spec(table, spec_id);
    char *path = tarn_base_arena_printf(&arena, TABLE "/data/f%u.parquet", file_number++);
    TarnDataFile file = {.path = tarn_base_text(path),
                         .format = TARN_TEXT("PARQUET"),
                         .spec_id = spec_id,
                         .partition_count = spec->field_count,
                         .record_count = 10,
                         .file_size = 1000,
                         .sort_order_id = 0,
                         .first_row_id = TARN_ABSENT,
                         .content_offset = TARN_ABSENT,
                         .content_size = TARN_ABSENT};
    if (spec->field_count > 0) {
        file.partition = tarn_base_arena_copy(&arena, partition,
                                              spec->field_count * sizeof(TarnLiteral));
    }
    return file;
}

UNUSED static TarnLiteral integer(TarnTypeKind kind, int64_t value) {
    TarnLiteral literal = {.kind = kind};
    literal.as.integer = value;
    return literal;
}

/* Under spec 1. */
UNUSED static TarnDataFile bucket_file(int64_t bucket) {
    TarnLiteral value = integer(TARN_TYPE_INT, bucket);
    return new_file(1, &value);
}

UNUSED static TarnDataFile plain_file(void) { return new_file(0, NULL); }

/* --- commits --- */

UNUSED static const char *next_commit_id(void) {
    return tarn_base_arena_printf(&arena, "%08u-0000-4000-8000-000000000000", ++commit_number);
}

UNUSED static TarnProducerOptions producer_options(void) {
    return (TarnProducerOptions){
        .os = store->os, .store = store, .cache = cache, .commit_id = next_commit_id()};
}

UNUSED static const TarnTableMetadata *apply_to(const TarnTableMetadata *base,
                                                const TarnPreparedSnapshot *prepared) {
    TarnTableMetadata *next = NULL;
    CHECK_OK(tarn_table_metadata_require(base, prepared->requirements, prepared->requirement_count,
                                         &error),
             &error);
    CHECK_OK(tarn_table_metadata_apply(base, TABLE "/metadata/old.metadata.json", prepared->updates,
                                       prepared->update_count, tarn_os_clock_ms(store->os), &arena,
                                       &next, &error),
             &error);
    if (next == NULL) exit(1);
    /* As the catalog does: through text, so that nothing of the producer is left in it. */
    TarnBuffer text;
    tarn_base_buffer_init(&text, 64u << 20);
    CHECK_OK(tarn_table_metadata_write(next, &text, &error), &error);
    TarnText copy = {tarn_base_arena_string_n(&arena, text.data, text.size), text.size};
    tarn_base_buffer_dispose(&text);
    CHECK_OK(tarn_table_metadata_parse(copy, "t", &arena, &next, &error), &error);
    return next;
}

/* One attempt on `table`, which moves on. false with `error` set. */
UNUSED static bool commit(const TarnSnapshotChange *change) {
    TarnProducerOptions options = producer_options();
    TarnSnapshotProducer *producer = NULL;
    TarnPreparedSnapshot prepared;
    TarnStoreBatch batch;
    tarn_store_batch_init(&batch, store);
    bool done = tarn_table_snapshot_producer_new(&options, change, &producer, &error) &&
                tarn_table_snapshot_producer_prepare(producer, table, &batch, &prepared, &error) &&
                tarn_store_batch_sync(&batch, &error);
    if (done) table = apply_to(table, &prepared);
    tarn_store_batch_dispose(&batch);
    tarn_table_snapshot_producer_free(producer);
    return done;
}

UNUSED static bool append(const TarnDataFile *files, size_t count) {
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_APPEND, .added = files, .added_count = count};
    return commit(&change);
}

UNUSED static const TarnSnapshot *head(void) { return tarn_table_metadata_current_snapshot(table); }

UNUSED static const char *summary_of(const TarnSnapshot *snapshot, const char *key) {
    for (size_t i = 0; i < snapshot->summary_count; i++) {
        if (strcmp(snapshot->summary[i].key, key) == 0) return snapshot->summary[i].value;
    }
    return NULL;
}

UNUSED static TarnScanOptions scan_options(void) {
    return (TarnScanOptions){.store = store, .cache = cache, .metadata = table, .threads = 1};
}

UNUSED static TarnScanPlan *plan_scan(const TarnPredicate *bound) {
    TarnScanOptions options = scan_options();
    TarnScanPlan *plan = NULL;
    if (!tarn_table_scan_plan(&options, head(), bound, &arena, &plan, &error)) return NULL;
    return plan;
}

UNUSED static TarnScanPlan *plan_all(void) {
    TarnScanPlan *plan = plan_scan(tarn_table_predicate_constant(TARN_PREDICATE_TRUE));
    if (plan == NULL) {
        printf("# planning failed: %s\n", error.message);
        exit(1);
    }
    return plan;
}

UNUSED static const TarnPredicate *bound(const TarnPredicate *predicate) {
    const TarnPredicate *result = NULL;
    CHECK_OK(tarn_table_predicate_bind(predicate, schema, &arena, &result, &error), &error);
    if (result == NULL) exit(1);
    return result;
}

UNUSED static const TarnPredicate *compare(TarnPredicateKind kind, int32_t id,
                                           TarnLiteral literal) {
    TarnPrimitive type = {.kind = literal.kind};
    return bound(tarn_table_predicate_compare(kind, id, type, &literal, &arena));
}

/* --- looking and changing --- */

UNUSED static const TarnManifestListPin *list_of(const TarnSnapshot *snapshot) {
    const TarnManifestListPin *pin = NULL;
    CHECK_OK(tarn_table_manifest_list_acquire(NULL, store, snapshot->manifest_list, &pin, &error),
             &error);
    if (pin == NULL) exit(1);
    return pin;
}

UNUSED static size_t manifest_count(void) {
    const TarnManifestListPin *pin = list_of(head());
    size_t count = pin->count;
    tarn_table_manifest_list_release(pin);
    return count;
}

UNUSED static bool is_live(TarnText path) {
    TarnScanPlan *plan = plan_all();
    bool found = false;
    for (size_t i = 0; i < plan->task_count; i++) {
        found |= tarn_base_text_equal(plan->tasks[i].file->path, path);
    }
    tarn_table_scan_plan_dispose(plan);
    return found;
}

UNUSED static size_t live_count(void) {
    TarnScanPlan *plan = plan_all();
    size_t count = plan->task_count;
    tarn_table_scan_plan_dispose(plan);
    return count;
}

#define CHECK_SUMMARY(key, value) CHECK_STRING(summary_of(head(), key), value)

UNUSED static bool remove_paths(const TarnText *paths, size_t count, const TarnDataFile *added,
                                size_t added_count) {
    TarnSnapshotChange change = {.operation = added_count > 0 ? TARN_OPERATION_OVERWRITE
                                                              : TARN_OPERATION_DELETE,
                                 .removed = paths,
                                 .removed_count = count,
                                 .added = added,
                                 .added_count = added_count};
    return commit(&change);
}

UNUSED static bool roll_back(int64_t snapshot_id, bool must_be_ancestor) {
    TarnPreparedSnapshot moved;
    if (!tarn_table_snapshot_move_ref(table, NULL, snapshot_id, must_be_ancestor, &arena, &moved,
                                      &error)) {
        return false;
    }
    table = apply_to(table, &moved);
    return true;
}

/* --- version 3 --- */

UNUSED static void upgrade(void) {
    TarnTableUpdate update = {.kind = TARN_UPDATE_UPGRADE_FORMAT, .integer = 3};
    TarnPreparedSnapshot prepared = {.updates = &update, .update_count = 1};
    table = apply_to(table, &prepared);
}

UNUSED static TarnDataFile vector_of(const TarnDataFile *data, const char *path,
                                     int64_t offset) {
    TarnDataFile file = *data;
    file.content = TARN_CONTENT_POSITION_DELETES;
    file.path = tarn_base_text(path);
    file.format = TARN_TEXT("PUFFIN");
    file.sort_order_id = -1;
    file.record_count = 2;
    file.file_size = 500;
    file.referenced_data_file = data->path;
    file.content_offset = offset;
    file.content_size = 46;
    return file;
}

UNUSED static TarnRemovedDelete removed_vector(const TarnDataFile *file) {
    return (TarnRemovedDelete){.path = file->path, .content_offset = file->content_offset};
}

/* --- a change that is tried again and again --- */

typedef struct Racer {
    TarnProducerOptions options;
    TarnSnapshotProducer *producer;
    TarnStoreBatch batch;
    TarnPreparedSnapshot prepared;
} Racer;

UNUSED static void start(Racer *racer, const TarnSnapshotChange *change) {
    racer->options = producer_options();
    racer->producer = NULL;
    tarn_store_batch_init(&racer->batch, store);
    CHECK_OK(tarn_table_snapshot_producer_new(&racer->options, change, &racer->producer, &error),
             &error);
    if (racer->producer == NULL) exit(1);
}

UNUSED static bool attempt(Racer *racer) {
    return tarn_table_snapshot_producer_prepare(racer->producer, table, &racer->batch,
                                                &racer->prepared, &error);
}

UNUSED static void win(Racer *racer) {
    CHECK_OK(tarn_store_batch_sync(&racer->batch, &error), &error);
    table = apply_to(table, &racer->prepared);
}

UNUSED static void stop(Racer *racer) {
    tarn_store_batch_dispose(&racer->batch);
    tarn_table_snapshot_producer_free(racer->producer);
}

#endif
