/* Scan planning, the manifest cache and the rows of metadata tables. */
#include <errno.h>
#include <pthread.h>

#include "fault_os.h"
#include "table/scan_private.h"
#include "table_model.h"

static const TarnPredicate *always(void) {
    return tarn_table_predicate_constant(TARN_PREDICATE_TRUE);
}

static TarnManifestCacheStats stats(void) {
    TarnManifestCacheStats result;
    tarn_table_manifest_cache_stats(cache, &result);
    return result;
}

static bool in_plan(const TarnScanPlan *plan, TarnText path) {
    for (size_t i = 0; i < plan->task_count; i++) {
        if (tarn_base_text_equal(plan->tasks[i].file->path, path)) return true;
    }
    return false;
}

/* --- the basics --- */

static void an_empty_table_has_an_empty_plan(void) {
    begin_table(1, "");
    TarnScanPlan *plan = plan_all();
    CHECK_INT(plan->snapshot_id, TARN_ABSENT);
    CHECK_INT(plan->task_count, 0);
    CHECK_INT(plan->files_total, 0);
    tarn_table_scan_plan_dispose(plan);
    tarn_table_scan_plan_dispose(plan); /* twice is fine */
    tarn_table_scan_plan_dispose(NULL);
    TarnSnapshot old = {.id = 5};
    TarnScanOptions options = scan_options();
    CHECK(!tarn_table_scan_plan(&options, &old, always(), &arena, &plan, &error));
    CHECK_INT(error.code, TARN_E_FORMAT_UNSUPPORTED);
}

static void counts_what_is_read_and_kept(void) {
    begin_table(1, "");
    for (int i = 0; i < 3; i++) { /* one manifest a bucket */
        TarnDataFile files[2] = {bucket_file(i), bucket_file(i)};
        REQUIRE_OK(append(files, 2), &error);
    }
    /* 34 is in bucket 2017239379 % 3 = 1 */
    TarnScanPlan *plan = plan_scan(compare(TARN_PREDICATE_EQ, 3, integer(TARN_TYPE_LONG, 34)));
    REQUIRE(plan != NULL);
    CHECK_INT(plan->manifests_total, 3);
    CHECK_INT(plan->manifests_read, 1);
    CHECK_INT(plan->files_total, 6);
    CHECK_INT(plan->rows_total, 60);
    CHECK_INT(plan->task_count, 2);
    CHECK_INT(plan->rows, 20);
    CHECK_INT(plan->bytes, 2000);
    CHECK(!plan->has_deletes);
    CHECK(plan->tasks[0].match == TARN_MATCH_SOME);
    CHECK_INT(plan->tasks[0].spec->id, 1);
    tarn_table_scan_plan_dispose(plan);
    plan = plan_all();
    CHECK_INT(plan->task_count, 6);
    CHECK(plan->tasks[0].match == TARN_MATCH_ALL);
    CHECK(plan->tasks[0].residual->kind == TARN_PREDICATE_TRUE);
    tarn_table_scan_plan_dispose(plan);
    plan = plan_scan(tarn_table_predicate_constant(TARN_PREDICATE_FALSE));
    REQUIRE(plan != NULL);
    CHECK_INT(plan->task_count, 0);
    CHECK_INT(plan->manifests_read, 0);
    tarn_table_scan_plan_dispose(plan);
}

static void residuals_leave_out_what_partitions_decide(void) {
    begin_table(2, "");
    TarnLiteral tuple[2] = {integer(TARN_TYPE_DATE, 1), {.kind = TARN_TYPE_STRING}};
    tuple[1].as.bytes = TARN_TEXT("x");
    TarnDataFile file = new_file(2, tuple);
    REQUIRE_OK(append(&file, 1), &error);
    TarnLiteral text = {.kind = TARN_TYPE_STRING};
    text.as.bytes = TARN_TEXT("x");
    const TarnPredicate *parts[3] = {
        compare(TARN_PREDICATE_EQ, 12, text),
        compare(TARN_PREDICATE_LT, 9, integer(TARN_TYPE_TIMESTAMP, 48 * US_PER_HOUR)),
        compare(TARN_PREDICATE_GT, 2, integer(TARN_TYPE_INT, 5))};
    TarnScanPlan *plan = plan_scan(bound(tarn_table_predicate_and(parts, 3, &arena)));
    REQUIRE(plan != NULL && plan->task_count == 1);
    CHECK_INT(plan->tasks[0].residual->kind, TARN_PREDICATE_GT);
    CHECK_INT(plan->tasks[0].residual->field_id, 2);
    tarn_table_scan_plan_dispose(plan);
    plan = plan_scan(bound(tarn_table_predicate_and(parts, 2, &arena)));
    REQUIRE(plan != NULL && plan->task_count == 1);
    CHECK(plan->tasks[0].match == TARN_MATCH_ALL);
    tarn_table_scan_plan_dispose(plan);
}

static void a_file_live_twice_is_refused(void) {
    begin_table(1, "");
    TarnDataFile file = bucket_file(0);
    REQUIRE_OK(append(&file, 1), &error);
    REQUIRE_OK(append(&file, 1), &error);
    CHECK(plan_scan(always()) == NULL);
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    CHECK(strstr(error.message, "live twice") != NULL);
    CHECK(strstr(error.message, "f0.parquet") != NULL);
}

static void a_manifest_of_an_unknown_spec_is_refused(void) {
    begin_table(1, "");
    TarnDataFile file = bucket_file(0);
    REQUIRE_OK(append(&file, 1), &error);
    TarnTableMetadata broken = *table;
    broken.spec_count = 1;
    TarnScanOptions options = scan_options();
    TarnScanPlan *plan = NULL;
    options.metadata = &broken;
    CHECK(!tarn_table_scan_plan(&options, head(), always(), &arena, &plan, &error));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    CHECK(strstr(error.message, "partition spec 1") != NULL);
}

/* --- schema evolution --- */

static void partition_values_follow_a_widened_column(void) {
    begin_table(3, "\"commit.manifest.min-count-to-merge\":\"2\"");
    TarnLiteral five[2] = {integer(TARN_TYPE_INT, 0), integer(TARN_TYPE_INT, 5)};
    TarnLiteral six[2] = {integer(TARN_TYPE_INT, 0), integer(TARN_TYPE_INT, 6)};
    TarnDataFile files[3] = {new_file(3, five), new_file(3, six)};
    REQUIRE_OK(append(files, 2), &error);
    tarn_table_scan_plan_dispose(plan_all()); /* into the cache, as ints */
    TarnSchemaUpdate update;
    TarnSchema widened;
    tarn_table_schema_update_init(&update, schema, table->last_column_id, 2, &arena);
    REQUIRE_OK(tarn_table_schema_update_type(&update, "i", (TarnPrimitive){.kind = TARN_TYPE_LONG},
                                             &error),
               &error);
    widened = update.schema;
    TarnTableUpdate updates[2] = {{.kind = TARN_UPDATE_ADD_SCHEMA,
                                   .schema = &widened,
                                   .last_column_id = update.last_column_id},
                                  {.kind = TARN_UPDATE_SET_CURRENT_SCHEMA, .integer = -1}};
    TarnPreparedSnapshot setup = {.updates = updates, .update_count = 2};
    table = apply_to(table, &setup);
    schema = tarn_table_metadata_current_schema(table);
    const TarnPredicate *equal = compare(TARN_PREDICATE_EQ, 2, integer(TARN_TYPE_LONG, 5));
    for (int pass = 0; pass < 3; pass++) {
        TarnScanPlan *plan = plan_scan(equal);
        REQUIRE(plan != NULL);
        CHECK_INT(plan->task_count, pass < 2 ? 1 : 2);
        CHECK(in_plan(plan, files[0].path) && !in_plan(plan, files[1].path));
        CHECK(plan->task_count == 0 || plan->tasks[0].match == TARN_MATCH_ALL);
        tarn_table_scan_plan_dispose(plan);
        if (pass == 0) {
            tarn_table_manifest_cache_free(cache); /* now they are read as longs */
            REQUIRE_OK(tarn_table_manifest_cache_new(1u << 20, &cache, &error), &error);
        } else { /* and merged with a manifest of longs */
            five[1] = integer(TARN_TYPE_LONG, 5);
            files[2] = new_file(3, five);
            REQUIRE_OK(append(&files[2], 1), &error);
        }
    }
}

/* --- pruning against a model of rows --- */

typedef struct ScanTally {
    long files, kept, sure;
} ScanTally;

static ScanTally tally;

static void check_plan(const TarnPredicate *predicate, const TarnScanPlan *plan, ModelFile *files,
                       size_t count) {
    for (size_t i = 0; i < count; i++) {
        const TarnScanTask *task = NULL;
        for (size_t j = 0; j < plan->task_count; j++) {
            if (tarn_base_text_equal(plan->tasks[j].file->path, files[i].file.path)) {
                task = &plan->tasks[j];
            }
        }
        for (size_t j = 0; j < files[i].row_count; j++) {
            ModelRow *row = &files[i].rows[j];
            Truth low = model_truth(schema, predicate, row, TRUTH_FALSE);
            Truth high = model_truth(schema, predicate, row, TRUTH_TRUE);
            bool may = low == TRUTH_TRUE || high == TRUTH_TRUE;
            bool must = low == TRUTH_TRUE && high == TRUTH_TRUE;
            CHECK(!may || task != NULL);
            if (task == NULL) continue;
            CHECK(task->match != TARN_MATCH_ALL || must);
            bool left = tarn_table_predicate_keeps(task->residual, model_row_value, row, true);
            CHECK(!may || left);
        }
        tally.files++;
        tally.kept += task != NULL;
        tally.sure += task != NULL && task->match == TARN_MATCH_ALL;
    }
}

static void plans_never_lose_a_row(void) {
    printf("# seed 77\n");
    tally = (ScanTally){0};
    for (int round = 0; round < 60 && tap_current_failures == 0; round++) {
        static ModelFile files[24];
        begin_table(0, round % 2 ? "\"commit.manifest.min-count-to-merge\":\"3\"" : "");
        model_state = 77 + (uint64_t)round;
        size_t count = 0;
        while (count < 24) {
            TarnDataFile batch[4];
            size_t size = 1 + chance(4);
            if (size > 24 - count) size = 24 - count;
            const TarnPartitionSpec *spec = &table->specs[chance((uint32_t)table->spec_count)];
            for (size_t i = 0; i < size; i++) {
                ModelFile *file = &files[count + i];
                random_file(spec, file);
                for (size_t j = 0; j < spec->field_count; j++) {
                    TarnPrimitive result;
                    TarnPrimitive source = model_type(schema, spec->fields[j].source_id);
                    if (tarn_table_transform_result(spec->fields[j].transform, source, &result)) {
                        file->tuple[j].kind = result.kind;
                    }
                }
                TarnDataFile named = new_file(spec->id, file->tuple);
                file->file.path = named.path;
                file->file.format = named.format;
                file->file.spec_id = spec->id;
                file->file.sort_order_id = 0;
                file->file.partition = named.partition;
                batch[i] = file->file;
            }
            REQUIRE_OK(append(batch, size), &error);
            count += size;
        }
        for (int i = 0; i < 40 && tap_current_failures == 0; i++) {
            static const int32_t LIKELY[] = {2, 3, 5, 9, 12};
            const TarnPredicate *predicate = model_predicate(schema, LIKELY, 5, chance(4), &arena);
            TarnScanPlan *plan = plan_scan(bound(predicate));
            REQUIRE(plan != NULL);
            CHECK_INT(plan->files_total, 24);
            check_plan(predicate, plan, files, count);
            tarn_table_scan_plan_dispose(plan);
        }
    }
    printf("# %ld files judged, %ld kept, %ld wholly\n", tally.files, tally.kept, tally.sure);
    CHECK(tally.kept < tally.files * 3 / 4);
    CHECK(tally.sure > tally.files / 20);
}

/* --- deletes, against the rules written down once more --- */

typedef struct ModelDelete {
    TarnDataFile file;
    int64_t sequence;
} ModelDelete;

static bool same_partition(const TarnDataFile *a, const TarnDataFile *b) {
    if (a->spec_id != b->spec_id) return false;
    for (size_t i = 0; i < a->partition_count; i++) {
        if (!tarn_format_literal_equal(&a->partition[i], &b->partition[i])) return false;
    }
    return true;
}

static bool must_apply(const ModelDelete *delete, const TarnScanTask *task) {
    const TarnDataFile *file = &delete->file;
    if (file->content == TARN_CONTENT_EQUALITY_DELETES) {
        return task->sequence_number < delete->sequence &&
               (file->spec_id == 0 || same_partition(file, task->file));
    }
    if (task->sequence_number > delete->sequence) return false;
    if (file->referenced_data_file.data != NULL &&
        !tarn_base_text_equal(file->referenced_data_file, task->file->path)) {
        return false;
    }
    return same_partition(file, task->file);
}

static void check_deletes(const TarnScanTask *task, const ModelDelete *deletes, size_t count) {
    size_t expected = 0;
    for (size_t i = 0; i < count; i++) {
        if (!must_apply(&deletes[i], task)) continue;
        expected++;
        bool found = false;
        for (size_t j = 0; j < task->delete_count; j++) {
            found |= tarn_base_text_equal(task->deletes[j].file->path, deletes[i].file.path) &&
                     task->deletes[j].sequence_number == deletes[i].sequence;
        }
        CHECK(found);
    }
    CHECK_INT(task->delete_count, expected);
    for (size_t j = 1; j < task->delete_count; j++) {
        CHECK(task->deletes[j - 1].sequence_number <= task->deletes[j].sequence_number);
    }
}

static TarnDataFile random_delete(TarnText about) {
    TarnDataFile file = percent(40) ? plain_file() : bucket_file(chance(3));
    static const int32_t IDS[] = {3};
    if (percent(50)) {
        file.content = TARN_CONTENT_EQUALITY_DELETES;
        file.equality_ids = tarn_base_arena_copy(&arena, IDS, sizeof(IDS));
        file.equality_id_count = 1;
        return file;
    }
    file.content = TARN_CONTENT_POSITION_DELETES;
    if (about.data == NULL || percent(50)) return file;
    file.referenced_data_file = about;
    return file;
}

static void deletes_apply_by_the_rules(void) {
    printf("# seed 31\n");
    long applied = 0;
    for (int round = 0; round < 40 && tap_current_failures == 0; round++) {
        static ModelDelete deletes[64];
        size_t delete_count = 0;
        begin_table(1, round % 2 ? "\"commit.manifest.min-count-to-merge\":\"4\"" : "");
        model_state = 31 + (uint64_t)round;
        TarnDataFile last = {0};
        for (int i = 0; i < 25; i++) {
            /* A commit of data, of deletes, or of both: then they have one sequence number. */
            TarnDataFile added[2];
            size_t count = 0;
            bool has_data = percent(60);
            if (has_data) {
                last = percent(30) ? plain_file() : bucket_file(chance(3));
                added[count++] = last;
            }
            if (!has_data || percent(25)) {
                TarnDataFile file = random_delete(last.path);
                if (file.referenced_data_file.data != NULL) {
                    file.spec_id = last.spec_id; /* a writer puts it where its data file is */
                    file.partition = last.partition;
                    file.partition_count = last.partition_count;
                }
                added[count++] = file;
                deletes[delete_count++].file = file;
            }
            TarnSnapshotChange change = {
                .operation = TARN_OPERATION_OVERWRITE, .added = added, .added_count = count};
            REQUIRE_OK(commit(&change), &error);
            if (added[count - 1].content != TARN_CONTENT_DATA) {
                deletes[delete_count - 1].sequence = head()->sequence_number;
            }
        }
        TarnScanPlan *plan = plan_all();
        for (size_t i = 0; i < plan->task_count; i++) {
            check_deletes(&plan->tasks[i], deletes, delete_count);
            applied += (long)plan->tasks[i].delete_count;
        }
        tarn_table_scan_plan_dispose(plan);
    }
    CHECK(applied > 300);
}

static void position_deletes_are_narrowed_by_their_path_bounds(void) {
    begin_table(1, "");
    TarnDataFile files[3] = {bucket_file(0), bucket_file(0), bucket_file(0)};
    REQUIRE_OK(append(files, 3), &error);
    /* Exact bounds of f0; bounds cut to 16 bytes ("/lake/t/data/f0."); none. */
    TarnDataFile deletes[3] = {bucket_file(0), bucket_file(0), bucket_file(0)};
    static TarnColumnMetrics metrics[2];
    for (size_t i = 0; i < 3; i++) deletes[i].content = TARN_CONTENT_POSITION_DELETES;
    for (size_t i = 0; i < 2; i++) {
        TarnText path = {files[0].path.data, i == 0 ? files[0].path.size : 16};
        metrics[i] = unknown_metrics(2147483546);
        metrics[i].lower = metrics[i].upper = path;
        deletes[i].columns = &metrics[i];
        deletes[i].column_count = 1;
    }
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_DELETE, .added = deletes, .added_count = 3};
    REQUIRE_OK(commit(&change), &error);
    TarnScanPlan *plan = plan_all();
    REQUIRE(plan->task_count == 3);
    CHECK(plan->has_deletes && !plan->has_equality_deletes);
    for (size_t i = 0; i < 3; i++) {
        bool first = tarn_base_text_equal(plan->tasks[i].file->path, files[0].path);
        CHECK_INT(plan->tasks[i].delete_count, first ? 3 : 1);
    }
    tarn_table_scan_plan_dispose(plan);
}

/* Only version 3 can write vectors, so the index is asked directly. */
static void a_vector_stands_in_for_position_deletes(void) {
    begin_table(1, "");
    TarnDataFile data = bucket_file(0);
    TarnDataFile files[4] = {bucket_file(0), bucket_file(0), bucket_file(0), bucket_file(0)};
    static const int64_t SEQUENCES[4] = {6, 7, 8, 4};
    TarnDeleteIndex index;
    TarnDeleteList *partition = NULL;
    const TarnScanDelete *found = NULL;
    size_t count = 0;
    files[0].content = TARN_CONTENT_POSITION_DELETES; /* of the partition */
    files[1].content = TARN_CONTENT_POSITION_DELETES; /* the vector */
    files[1].format = TARN_TEXT("puffin");
    files[1].referenced_data_file = data.path;
    files[1].content_offset = 4;
    files[1].content_size = 40;
    files[2].content = TARN_CONTENT_EQUALITY_DELETES;
    files[3] = files[1]; /* a vector older than the data file says nothing about it */
    files[3].path = TARN_TEXT("/lake/t/data/old.puffin");
    tarn_table__delete_index_init(&index, &arena);
    for (size_t i = 0; i < 4; i++) {
        REQUIRE_OK(
            tarn_table__delete_index_add(&index, &files[i], SEQUENCES[i], &table->specs[1], &error),
            &error);
    }
    REQUIRE_OK(tarn_table__delete_index_partition(&index, 1, data.partition, 1, &partition, &error),
               &error);
    REQUIRE_OK(tarn_table__delete_index_find(&index, partition, &data, 5, &found, &count, &error),
               &error);
    REQUIRE(count == 2);
    CHECK(found[0].file == &files[1] && found[1].file == &files[2]);
    REQUIRE_OK(tarn_table__delete_index_add(&index, &files[1], 9, &table->specs[1], &error),
               &error);
    CHECK(!tarn_table__delete_index_find(&index, partition, &data, 5, &found, &count, &error));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    CHECK(strstr(error.message, "more than one deletion vector") != NULL);
}

/* --- sameness --- */

static void fill_table(int commits) {
    begin_table(1, "");
    for (int i = 0; i < commits; i++) {
        TarnDataFile files[3] = {bucket_file(i % 3), bucket_file((i + 1) % 3), bucket_file(0)};
        REQUIRE_OK(append(files, 3), &error);
    }
}

static void plans_are_the_same_each_time(void) {
    fill_table(12);
    TarnScanOptions options = scan_options();
    TarnScanPlan *first = plan_all();
    for (uint32_t threads = 0; threads <= 8; threads += 4) {
        for (int cached = 0; cached < 2; cached++) {
            TarnScanPlan *plan = NULL;
            options.threads = threads;
            options.cache = cached ? cache : NULL;
            REQUIRE_OK(tarn_table_scan_plan(&options, head(), always(), &arena, &plan, &error),
                       &error);
            REQUIRE(plan->task_count == first->task_count);
            for (size_t i = 0; i < plan->task_count; i++) {
                CHECK(tarn_base_text_equal(plan->tasks[i].file->path, first->tasks[i].file->path));
            }
            tarn_table_scan_plan_dispose(plan);
        }
    }
    tarn_table_scan_plan_dispose(first);
}

/* --- the cache --- */

static void a_warm_plan_reads_nothing(void) {
    fill_table(6);
    tarn_table_manifest_cache_free(cache);
    REQUIRE_OK(tarn_table_manifest_cache_new(8u << 20, &cache, &error), &error);
    tarn_table_scan_plan_dispose(plan_all());
    TarnManifestCacheStats cold = stats();
    CHECK_INT(cold.misses, 7);
    CHECK_INT(cold.hits, 0);
    FaultOs dead;
    fault_os_init(&dead, fake_os(disk), 1, FAULT_OS_FROM_NOW_ON, EIO);
    store->os = &dead.os;
    tarn_table_scan_plan_dispose(plan_all());
    store->os = fake_os(disk);
    CHECK(!dead.fired);
    TarnManifestCacheStats warm = stats();
    CHECK_INT(warm.misses, 7);
    CHECK_INT(warm.hits, 7);
    CHECK_INT(warm.bytes, cold.bytes);
}

static void columns_are_added_to_what_is_cached(void) {
    begin_table(0, "");
    TarnDataFile file = plain_file();
    static TarnColumnMetrics columns[3];
    for (int32_t i = 0; i < 3; i++) {
        columns[i] = unknown_metrics(i + 2);
        columns[i].null_count = 0;
    }
    file.columns = columns;
    file.column_count = 3;
    REQUIRE_OK(append(&file, 1), &error);
    const TarnManifestListPin *list = NULL;
    REQUIRE_OK(tarn_table_manifest_list_acquire(cache, store, head()->manifest_list, &list, &error),
               &error);
    static const int32_t IDS[] = {2, 3, 4};
    static const size_t EXPECTED[] = {1, 2, 2, 3, 3};
    const TarnManifestPin *pins[5];
    for (size_t i = 0; i < 5; i++) {
        TarnManifestReadOptions options = {.field_ids = i < 2 ? &IDS[i] : IDS, .field_id_count = 1};
        if (i == 2) options = (TarnManifestReadOptions){.without_metrics = true};
        if (i == 3) options = (TarnManifestReadOptions){0};
        REQUIRE_OK(tarn_table_manifest_acquire(cache, store, &list->manifests[0], table, &options,
                                               &pins[i], &error),
                   &error);
        CHECK_INT(pins[i]->manifest->entries[0].file.column_count, EXPECTED[i]);
    }
    CHECK(pins[1] == pins[2] && pins[3] == pins[4] && pins[0] != pins[1]);
    for (size_t i = 0; i < 5; i++) tarn_table_manifest_release(pins[i]);
    tarn_table_manifest_list_release(list);
}

static void the_least_recently_used_go_first(void) {
    fill_table(8);
    tarn_table_scan_plan_dispose(plan_all());
    size_t all = stats().bytes;
    tarn_table_manifest_cache_free(cache);
    REQUIRE_OK(tarn_table_manifest_cache_new(all / 2, &cache, &error), &error);
    TarnScanPlan *plan = plan_all(); /* pins more than the cache may hold */
    CHECK(stats().bytes <= all / 2);
    TarnScanPlan *second = plan_all();
    CHECK_INT(second->task_count, plan->task_count);
    tarn_table_scan_plan_dispose(plan);
    for (size_t i = 0; i < second->task_count; i++) {
        CHECK(tarn_base_text_starts(second->tasks[i].file->path, TABLE)); /* still readable */
    }
    tarn_table_scan_plan_dispose(second);
    CHECK(stats().bytes <= all / 2);
    tarn_table_manifest_cache_free(cache);
    REQUIRE_OK(tarn_table_manifest_cache_new(0, &cache, &error), &error);
    tarn_table_scan_plan_dispose(plan_all());
    CHECK_INT(stats().bytes, 0);
}

#define THREADS 4

static void *scan_often(void *state) {
    long *wrong = state;
    TarnArena own;
    TarnError mine;
    for (int i = 0; i < 60; i++) {
        TarnScanPlan *plan = NULL;
        TarnScanOptions options = scan_options();
        int32_t ids[] = {2, 3, 4, 5};
        options.field_ids = ids + i % 4;
        options.field_id_count = 1;
        options.threads = 1 + (uint32_t)(i % 2);
        tarn_base_arena_init(&own, 16u << 20);
        if (tarn_table_scan_plan(&options, head(), always(), &own, &plan, &mine)) {
            if (plan->task_count != 30) (*wrong)++;
            for (size_t j = 0; j < plan->task_count; j++) {
                if (!tarn_base_text_starts(plan->tasks[j].file->path, TABLE)) (*wrong)++;
            }
            tarn_table_scan_plan_dispose(plan);
        } else {
            (*wrong)++;
        }
        tarn_base_arena_dispose(&own);
    }
    return NULL;
}

static void threads_share_a_small_cache(void) {
    fill_table(10);
    tarn_table_scan_plan_dispose(plan_all());
    size_t all = stats().bytes;
    tarn_table_manifest_cache_free(cache);
    REQUIRE_OK(tarn_table_manifest_cache_new(all * 2 / 3, &cache, &error), &error);
    open_store(fake_os(disk));
    pthread_t threads[THREADS];
    long wrong[THREADS] = {0};
    for (int i = 0; i < THREADS; i++) {
        REQUIRE(pthread_create(&threads[i], NULL, scan_often, &wrong[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(wrong[i], 0);
    }
    CHECK(stats().bytes <= all * 2 / 3);
    CHECK(stats().hits > 0);
}

/* --- failures --- */

static void each_system_call_may_fail(void) {
    fill_table(4);
    TarnDataFile deletes = bucket_file(0);
    deletes.content = TARN_CONTENT_POSITION_DELETES;
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_DELETE, .added = &deletes, .added_count = 1};
    REQUIRE_OK(commit(&change), &error);
    long calls = 0;
    long failed = 0;
    for (long n = 1; n < 10000 && calls == 0; n++) {
        FaultOs fault;
        tarn_table_manifest_cache_free(cache);
        REQUIRE_OK(tarn_table_manifest_cache_new(1u << 20, &cache, &error), &error);
        fault_os_init(&fault, fake_os(disk), n, FAULT_OS_BEFORE, EIO);
        store->os = &fault.os;
        tarn_base_error_clear(&error);
        TarnScanPlan *plan = plan_scan(always());
        store->os = fake_os(disk);
        if (!fault.fired) calls = n;
        failed += plan == NULL;
        CHECK(plan != NULL || error.code == TARN_E_IO);
        if (plan != NULL) CHECK_INT(plan->task_count, 12); /* closing after reading may fail */
        tarn_table_scan_plan_dispose(plan);
    }
    printf("# %ld calls\n", calls);
    CHECK(failed >= 18); /* six files, opened and looked at and read */
}

static void each_limit_of_memory_fails_cleanly(void) {
    fill_table(4);
    bool passed = false;
    for (size_t limit = 1; limit < (1u << 20) && !passed; limit += 512) {
        TarnArena small;
        TarnScanOptions options = scan_options();
        TarnScanPlan *plan = NULL;
        tarn_base_arena_init(&small, limit);
        tarn_base_error_clear(&error);
        passed = tarn_table_scan_plan(&options, head(),
                                      compare(TARN_PREDICATE_GT, 3, integer(TARN_TYPE_LONG, 3)),
                                      &small, &plan, &error);
        if (passed) {
            CHECK_INT(plan->task_count, 12);
            tarn_table_scan_plan_dispose(plan);
        } else {
            CHECK_INT(error.code, TARN_E_OUT_OF_MEMORY);
        }
        tarn_base_arena_dispose(&small);
    }
    CHECK(passed);
}

/* --- metadata tables --- */

static void entries_and_files_are_listed(void) {
    begin_table(1, "");
    TarnDataFile files[3] = {bucket_file(0), bucket_file(1), bucket_file(2)};
    REQUIRE_OK(append(files, 3), &error);
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_DELETE, .removed = &files[1].path, .removed_count = 1};
    REQUIRE_OK(commit(&change), &error);
    TarnInspectOptions options = {.store = store, .cache = cache, .metadata = table};
    for (int kind = TARN_ENTRIES_FILES; kind <= TARN_ENTRIES_ALL; kind++) {
        TarnEntryCursor *cursor = NULL;
        const TarnEntryRow *row = NULL;
        size_t count = 0;
        REQUIRE_OK(
            tarn_table_entries_open(&options, head(), (TarnEntriesKind)kind, &cursor, &error),
            &error);
        for (;;) {
            CHECK_OK(tarn_table_entries_next(cursor, &row, &error), &error);
            if (row == NULL) break;
            count++;
            CHECK_INT(row->entry.sequence_number, 1);
            CHECK_INT(row->spec->id, 1);
            CHECK(kind == TARN_ENTRIES_ALL || row->entry.status != TARN_ENTRY_DELETED);
            if (row->entry.status == TARN_ENTRY_DELETED) {
                CHECK_INT(row->entry.snapshot_id, head()->id);
                CHECK(tarn_base_text_equal(row->entry.file.path, files[1].path));
            }
        }
        CHECK_INT(count, kind == TARN_ENTRIES_FILES ? 2 : 3);
        tarn_table_entries_close(cursor);
    }
    TarnEntryCursor *empty = NULL;
    const TarnEntryRow *row = NULL;
    REQUIRE_OK(tarn_table_entries_open(&options, NULL, TARN_ENTRIES_ALL, &empty, &error), &error);
    CHECK_OK(tarn_table_entries_next(empty, &row, &error), &error);
    CHECK(row == NULL);
    tarn_table_entries_close(empty);
}

static void partitions_are_summed_up(void) {
    begin_table(1, "");
    TarnDataFile files[3] = {bucket_file(0), bucket_file(1), bucket_file(0)};
    REQUIRE_OK(append(files, 3), &error);
    fake_os_set_clock_us(disk, INT64_C(1700000009000000));
    TarnDataFile more[2] = {bucket_file(1), bucket_file(1)};
    more[1].content = TARN_CONTENT_POSITION_DELETES;
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_OVERWRITE, .added = more, .added_count = 2};
    REQUIRE_OK(commit(&change), &error);
    TarnInspectOptions options = {.store = store, .cache = cache, .metadata = table};
    TarnPartitionRow *rows = NULL;
    size_t count = 0;
    REQUIRE_OK(tarn_table_partitions(&options, head(), &arena, &rows, &count, &error), &error);
    REQUIRE(count == 2);
    const TarnPartitionRow *one = rows[0].values[0].as.integer == 1 ? &rows[0] : &rows[1];
    const TarnPartitionRow *zero = one == &rows[0] ? &rows[1] : &rows[0];
    CHECK_INT(zero->file_count, 2);
    CHECK_INT(zero->record_count, 20);
    CHECK_INT(zero->last_updated_at_ms, 1700000000000);
    CHECK_INT(one->file_count, 2);
    CHECK_INT(one->bytes, 2000);
    CHECK_INT(one->position_delete_files, 1);
    CHECK_INT(one->position_delete_records, 10);
    CHECK_INT(one->last_snapshot_id, head()->id);
    CHECK_INT(one->last_updated_at_ms, 1700000009000);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(an_empty_table_has_an_empty_plan);
    TAP_TEST(counts_what_is_read_and_kept);
    TAP_TEST(residuals_leave_out_what_partitions_decide);
    TAP_TEST(a_file_live_twice_is_refused);
    TAP_TEST(a_manifest_of_an_unknown_spec_is_refused);
    TAP_TEST(partition_values_follow_a_widened_column);
    TAP_TEST(plans_never_lose_a_row);
    TAP_TEST(deletes_apply_by_the_rules);
    TAP_TEST(position_deletes_are_narrowed_by_their_path_bounds);
    TAP_TEST(a_vector_stands_in_for_position_deletes);
    TAP_TEST(plans_are_the_same_each_time);
    TAP_TEST(a_warm_plan_reads_nothing);
    TAP_TEST(columns_are_added_to_what_is_cached);
    TAP_TEST(the_least_recently_used_go_first);
    TAP_TEST(threads_share_a_small_cache);
    TAP_TEST(each_system_call_may_fail);
    TAP_TEST(each_limit_of_memory_fails_cleanly);
    TAP_TEST(entries_and_files_are_listed);
    TAP_TEST(partitions_are_summed_up);
    close_table();
    return tap_end();
}
