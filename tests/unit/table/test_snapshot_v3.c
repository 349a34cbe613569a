/* Snapshots of format version 3: row ids, deletion vectors, what goes with a data file. */
#include "table_model.h"

static void begin_version_3(const char *properties) {
    begin_table(1, properties);
    upgrade();
}

/* Of the newest file of this path in a plan; TARN_ABSENT if it has none. */
static int64_t first_row_id(TarnText path) {
    TarnScanPlan *plan = plan_all();
    int64_t id = -1;
    for (size_t i = 0; i < plan->task_count; i++) {
        if (!tarn_base_text_equal(plan->tasks[i].file->path, path)) continue;
        id = plan->tasks[i].first_row_id;
    }
    tarn_table_scan_plan_dispose(plan);
    return id;
}

/* --- row ids --- */

static void rows_get_ids_by_inheritance(void) {
    begin_version_3("");
    TarnDataFile files[4] = {bucket_file(0), bucket_file(1), plain_file(), bucket_file(2)};
    files[0].first_row_id = 123; /* not taken over */
    files[1].record_count = 7;
    REQUIRE_OK(append(files, 3), &error);
    CHECK_INT(head()->first_row_id, 0);
    CHECK_INT(head()->added_rows, 27);
    CHECK_INT(table->next_row_id, 27);
    CHECK_INT(first_row_id(files[0].path), 0);
    CHECK_INT(first_row_id(files[1].path), 10);
    CHECK_INT(first_row_id(files[2].path), 17);
    REQUIRE_OK(append(&files[3], 1), &error);
    CHECK_INT(head()->first_row_id, 27);
    CHECK_INT(head()->added_rows, 10);
    CHECK_INT(first_row_id(files[3].path), 27);
    CHECK_INT(first_row_id(files[1].path), 10);
    TarnSnapshotChange nothing = {.operation = TARN_OPERATION_APPEND};
    REQUIRE_OK(commit(&nothing), &error);
    CHECK_INT(head()->first_row_id, 37); /* needed all the same */
    CHECK_INT(head()->added_rows, 0);
    CHECK_INT(table->next_row_id, 37);
}

static void each_attempt_assigns_anew(void) {
    begin_version_3("");
    TarnDataFile ours = bucket_file(0);
    TarnDataFile theirs = bucket_file(1);
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_APPEND, .added = &ours, .added_count = 1};
    Racer racer;
    start(&racer, &change);
    REQUIRE_OK(attempt(&racer), &error);
    CHECK_INT(racer.prepared.snapshot->first_row_id, 0);
    const TarnPreparedSnapshot stale = racer.prepared;
    TarnSnapshot late = *stale.snapshot;
    REQUIRE_OK(append(&theirs, 1), &error);
    /* What was prepared for the old base does not apply any more. */
    late.sequence_number = 2;
    TarnTableUpdate update = {.kind = TARN_UPDATE_ADD_SNAPSHOT, .snapshot = &late};
    TarnTableMetadata *next = NULL;
    CHECK(!tarn_table_metadata_apply(table, NULL, &update, 1, tarn_os_clock_ms(store->os), &arena,
                                     &next, &error));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    CHECK(strstr(error.message, "first-row-id") != NULL);
    REQUIRE_OK(attempt(&racer), &error);
    CHECK_INT(racer.prepared.snapshot->first_row_id, 10);
    CHECK_INT(racer.prepared.manifests_written, 0);
    win(&racer);
    stop(&racer);
    CHECK_INT(first_row_id(theirs.path), 0);
    CHECK_INT(first_row_id(ours.path), 10);
    CHECK_INT(table->next_row_id, 20);
}

static void rewriting_and_merging_keep_row_ids(void) {
    begin_version_3("\"commit.manifest.min-count-to-merge\":\"3\"");
    TarnDataFile files[5];
    for (int i = 0; i < 5; i++) files[i] = bucket_file(i % 3);
    REQUIRE_OK(append(files, 3), &error);
    REQUIRE_OK(remove_paths(&files[0].path, 1, NULL, 0), &error); /* a manifest is rewritten */
    CHECK_INT(first_row_id(files[1].path), 10);
    CHECK_INT(first_row_id(files[2].path), 20);
    CHECK_INT(head()->first_row_id, 30);
    CHECK_INT(head()->added_rows, 20); /* room for what exists in the new manifest */
    const TarnManifestListPin *list = list_of(head());
    REQUIRE(list->count == 1);
    CHECK_INT(list->manifests[0].first_row_id, 30);
    tarn_table_manifest_list_release(list);
    for (int i = 3; i < 5; i++) REQUIRE_OK(append(&files[i], 1), &error);
    CHECK_INT(manifest_count(), 1); /* merged */
    CHECK_INT(first_row_id(files[1].path), 10);
    CHECK_INT(first_row_id(files[2].path), 20);
    CHECK_INT(first_row_id(files[3].path), 50);
    CHECK_INT(first_row_id(files[4].path), 60);
}

static void an_upgraded_table_gets_ids_with_its_next_snapshot(void) {
    begin_table(1, "");
    TarnDataFile files[3] = {bucket_file(0), bucket_file(1), bucket_file(2)};
    REQUIRE_OK(append(&files[0], 1), &error);
    REQUIRE_OK(append(&files[1], 1), &error);
    upgrade();
    CHECK_INT(table->next_row_id, 0);
    CHECK_INT(head()->first_row_id, TARN_ABSENT);
    CHECK_INT(first_row_id(files[0].path), TARN_ABSENT);
    REQUIRE_OK(append(&files[2], 1), &error);
    CHECK_INT(head()->first_row_id, 0);
    CHECK_INT(head()->added_rows, 30);
    CHECK_INT(table->next_row_id, 30);
    CHECK_INT(first_row_id(files[2].path), 0); /* the newest manifest comes first */
    CHECK_INT(first_row_id(files[1].path), 10);
    CHECK_INT(first_row_id(files[0].path), 20);
}

/* A manifest that was rewritten or merged before others gave its rows ids must not be used again:
 * it would give them other ones. */
static void ids_given_by_others_meanwhile_are_kept(void) {
    for (int merge = 0; merge < 2; merge++) {
        begin_table(1, merge ? "\"commit.manifest.min-count-to-merge\":\"2\""
                             : "\"commit.manifest.min-count-to-merge\":\"50\"");
        TarnDataFile files[4] = {bucket_file(0), bucket_file(1), bucket_file(2), bucket_file(0)};
        REQUIRE_OK(append(files, 2), &error);
        upgrade();
        TarnSnapshotChange change = {.operation = TARN_OPERATION_DELETE};
        if (merge) {
            change = (TarnSnapshotChange){
                .operation = TARN_OPERATION_APPEND, .added = &files[2], .added_count = 1};
        } else {
            change.removed = &files[0].path;
            change.removed_count = 1;
        }
        Racer racer;
        start(&racer, &change);
        REQUIRE_OK(attempt(&racer), &error);
        REQUIRE_OK(append(&files[3], 1), &error);
        int64_t theirs = first_row_id(files[1].path);
        CHECK(theirs >= 0);
        REQUIRE_OK(attempt(&racer), &error);
        win(&racer);
        stop(&racer);
        CHECK_INT(first_row_id(files[1].path), theirs);
    }
}

/* --- deletion vectors --- */

static bool add_deletes(const TarnDataFile *deletes, size_t count, const TarnRemovedDelete *removed,
                        size_t removed_count) {
    TarnSnapshotChange change = {.operation = TARN_OPERATION_DELETE,
                                 .added = deletes,
                                 .added_count = count,
                                 .removed_deletes = removed,
                                 .removed_delete_count = removed_count};
    return commit(&change);
}

/* The deletes that a scan applies to a data file: how many; the first one. */
static size_t deletes_of(TarnText path, TarnDataFile *first) {
    TarnScanPlan *plan = plan_all();
    size_t count = SIZE_MAX;
    for (size_t i = 0; i < plan->task_count; i++) {
        if (!tarn_base_text_equal(plan->tasks[i].file->path, path)) continue;
        count = plan->tasks[i].delete_count;
        if (count > 0) *first = *plan->tasks[i].deletes[0].file;
    }
    tarn_table_scan_plan_dispose(plan);
    return count;
}

static void a_vector_replaces_the_one_before(void) {
    begin_version_3("");
    TarnDataFile data[3] = {bucket_file(0), bucket_file(1), bucket_file(2)};
    TarnDataFile found = {0};
    REQUIRE_OK(append(data, 3), &error);
    TarnDataFile vectors[2] = {vector_of(&data[0], "/lake/t/data/v1.puffin", 4),
                               vector_of(&data[1], "/lake/t/data/v1.puffin", 50)};
    REQUIRE_OK(add_deletes(vectors, 2, NULL, 0), &error);
    CHECK_STRING(head()->operation, "delete");
    CHECK_SUMMARY("added-dvs", "2");
    CHECK_SUMMARY("added-delete-files", "2");
    CHECK_SUMMARY("added-position-delete-files", NULL);
    CHECK_SUMMARY("added-position-deletes", "4");
    CHECK_SUMMARY("added-files-size", "92"); /* of the vectors, not of the file they lie in */
    CHECK_SUMMARY("total-delete-files", "2");
    CHECK_SUMMARY("total-position-deletes", "4");
    CHECK_INT(head()->added_rows, 0);
    CHECK_INT(deletes_of(data[0].path, &found), 1);
    CHECK_INT(found.content_offset, 4);
    CHECK_INT(deletes_of(data[1].path, &found), 1);
    CHECK_INT(found.content_offset, 50);
    CHECK_INT(deletes_of(data[2].path, &found), 0);
    /* A second one beside it is refused. */
    TarnDataFile more = vector_of(&data[0], "/lake/t/data/v2.puffin", 4);
    CHECK(!add_deletes(&more, 1, NULL, 0));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    CHECK(strstr(error.message, "second") != NULL && strstr(error.message, "f0.parquet") != NULL);
    /* The other vector of that file stays. */
    TarnRemovedDelete old = removed_vector(&vectors[0]);
    REQUIRE_OK(add_deletes(&more, 1, &old, 1), &error);
    CHECK_SUMMARY("added-dvs", "1");
    CHECK_SUMMARY("removed-dvs", "1");
    CHECK_SUMMARY("removed-delete-files", "1");
    CHECK_SUMMARY("removed-files-size", "46");
    CHECK_SUMMARY("total-delete-files", "2");
    CHECK_INT(deletes_of(data[0].path, &found), 1);
    CHECK(tarn_base_text_equal(found.path, more.path));
    CHECK_INT(deletes_of(data[1].path, &found), 1);
    CHECK_INT(found.content_offset, 50);
}

static void a_vector_that_came_meanwhile_is_a_conflict(void) {
    begin_version_3("");
    TarnDataFile data[2] = {bucket_file(0), bucket_file(1)};
    REQUIRE_OK(append(data, 2), &error);
    TarnDataFile ours = vector_of(&data[0], "/lake/t/data/ours.puffin", 4);
    TarnDataFile theirs = vector_of(&data[0], "/lake/t/data/theirs.puffin", 4);
    TarnDataFile elsewhere = vector_of(&data[1], "/lake/t/data/elsewhere.puffin", 4);
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_DELETE, .added = &ours, .added_count = 1};
    Racer racer;
    start(&racer, &change);
    REQUIRE_OK(attempt(&racer), &error);
    REQUIRE_OK(add_deletes(&elsewhere, 1, NULL, 0), &error);
    REQUIRE_OK(attempt(&racer), &error); /* another data file's */
    REQUIRE_OK(add_deletes(&theirs, 1, NULL, 0), &error);
    int64_t culprit = head()->id;
    TarnDataFile more = bucket_file(2);
    REQUIRE_OK(append(&more, 1), &error);
    CHECK(!attempt(&racer));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    CHECK(strstr(error.message, tarn_base_arena_printf(&arena, "%" PRId64, culprit)) != NULL);
    CHECK(error.hint[0] != '\0');
    stop(&racer);
    /* So is one that replaced what this change replaces. */
    TarnRemovedDelete old = removed_vector(&theirs);
    change.removed_deletes = &old;
    change.removed_delete_count = 1;
    start(&racer, &change);
    REQUIRE_OK(attempt(&racer), &error);
    TarnDataFile again = vector_of(&data[0], "/lake/t/data/again.puffin", 4);
    REQUIRE_OK(add_deletes(&again, 1, &old, 1), &error);
    CHECK(!attempt(&racer));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    CHECK(strstr(error.message, tarn_base_arena_printf(&arena, "%" PRId64, head()->id)) != NULL);
    stop(&racer);
    /* One that is simply gone names who removed it. */
    change.added_count = 0;
    old = removed_vector(&again);
    start(&racer, &change);
    REQUIRE_OK(attempt(&racer), &error);
    REQUIRE_OK(add_deletes(NULL, 0, &old, 1), &error);
    CHECK(!attempt(&racer));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    CHECK(strstr(error.message, tarn_base_arena_printf(&arena, "%" PRId64, head()->id)) != NULL);
    stop(&racer);
}

static void vectors_go_with_their_data_file(void) {
    begin_version_3("");
    TarnDataFile data[4] = {bucket_file(0), bucket_file(1), bucket_file(2), bucket_file(2)};
    TarnDataFile found = {0};
    REQUIRE_OK(append(data, 4), &error);
    TarnDataFile vectors[4];
    for (int i = 0; i < 4; i++) {
        vectors[i] = vector_of(&data[i], "/lake/t/data/v.puffin", 4 + 46 * i);
    }
    REQUIRE_OK(add_deletes(vectors, 4, NULL, 0), &error);
    /* By path. */
    REQUIRE_OK(remove_paths(&data[0].path, 1, NULL, 0), &error);
    CHECK_SUMMARY("deleted-data-files", "1");
    CHECK_SUMMARY("removed-dvs", "1");
    CHECK_SUMMARY("total-delete-files", "3");
    /* By path, and named too: once is enough. */
    TarnRemovedDelete named = removed_vector(&vectors[1]);
    TarnSnapshotChange both = {.operation = TARN_OPERATION_DELETE,
                               .removed = &data[1].path,
                               .removed_count = 1,
                               .removed_deletes = &named,
                               .removed_delete_count = 1};
    REQUIRE_OK(commit(&both), &error);
    CHECK_SUMMARY("removed-dvs", "1");
    CHECK_INT(deletes_of(data[2].path, &found), 1);
    CHECK_INT(found.content_offset, 96);
    /* By partition, tried twice. */
    TarnDataFile copy = bucket_file(2);
    TarnSnapshotChange replace = {.operation = TARN_OPERATION_OVERWRITE,
                                  .added = &copy,
                                  .added_count = 1,
                                  .replace_partitions = true};
    Racer racer;
    start(&racer, &replace);
    REQUIRE_OK(attempt(&racer), &error);
    TarnDataFile more = bucket_file(0);
    REQUIRE_OK(append(&more, 1), &error);
    REQUIRE_OK(attempt(&racer), &error);
    win(&racer);
    stop(&racer);
    CHECK_SUMMARY("removed-dvs", "2");
    CHECK_SUMMARY("total-delete-files", "0");
    CHECK_SUMMARY("total-position-deletes", "0");
}

static void position_deletes_of_one_file_go_with_it(void) {
    begin_table(1, "");
    static const int32_t PATH_COLUMN = 2147483546;
    TarnDataFile data[3] = {bucket_file(0), bucket_file(0), bucket_file(0)};
    TarnDataFile deletes[4];
    TarnColumnMetrics metrics[2] = {{.field_id = PATH_COLUMN, .column_size = TARN_ABSENT},
                                    {.field_id = PATH_COLUMN, .column_size = TARN_ABSENT}};
    REQUIRE_OK(append(data, 3), &error);
    for (int i = 0; i < 4; i++) {
        deletes[i] = bucket_file(0);
        deletes[i].content = TARN_CONTENT_POSITION_DELETES;
    }
    deletes[0].referenced_data_file = data[0].path;
    metrics[0].lower = metrics[0].upper = metrics[1].lower = data[0].path;
    metrics[1].upper = data[1].path; /* of two files: needed on */
    for (int i = 0; i < 2; i++) {
        metrics[i].value_count = metrics[i].null_count = metrics[i].nan_count = TARN_ABSENT;
        deletes[i + 1].columns = &metrics[i];
        deletes[i + 1].column_count = 1;
    }
    REQUIRE_OK(add_deletes(deletes, 4, NULL, 0), &error);
    CHECK_SUMMARY("total-delete-files", "4");
    REQUIRE_OK(remove_paths(&data[0].path, 1, NULL, 0), &error);
    CHECK_SUMMARY("removed-position-delete-files", "2");
    CHECK_SUMMARY("total-delete-files", "2");
    TarnRemovedDelete named[2] = {{deletes[2].path, TARN_ABSENT}, {deletes[3].path, TARN_ABSENT}};
    REQUIRE_OK(add_deletes(NULL, 0, named, 2), &error);
    CHECK_SUMMARY("total-delete-files", "0");
}

static void refuses_delete_files_of_the_wrong_kind(void) {
    begin_table(1, "");
    TarnDataFile data = bucket_file(0);
    REQUIRE_OK(append(&data, 1), &error);
    TarnDataFile vector = vector_of(&data, "/lake/t/data/v.puffin", 4);
    CHECK(!add_deletes(&vector, 1, NULL, 0));
    CHECK_INT(error.code, TARN_E_FORMAT_UNSUPPORTED);
    upgrade();
    TarnDataFile positions = bucket_file(0);
    positions.content = TARN_CONTENT_POSITION_DELETES;
    CHECK(!add_deletes(&positions, 1, NULL, 0));
    CHECK_INT(error.code, TARN_E_FORMAT_UNSUPPORTED);
    TarnDataFile two[2] = {vector, vector};
    two[1].content_offset = 50;
    CHECK(!add_deletes(two, 2, NULL, 0));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    two[0].content_offset = TARN_ABSENT;
    CHECK(!add_deletes(two, 1, NULL, 0));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    TarnRemovedDelete twice[2] = {removed_vector(&vector), removed_vector(&vector)};
    CHECK(!add_deletes(NULL, 0, twice, 2));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    CHECK(!add_deletes(NULL, 0, twice, 1)); /* not live */
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    TarnSnapshotChange both = {.operation = TARN_OPERATION_OVERWRITE,
                               .added = &vector,
                               .added_count = 1,
                               .removed = &data.path,
                               .removed_count = 1};
    CHECK(!commit(&both));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    REQUIRE_OK(add_deletes(&vector, 1, NULL, 0), &error);
}

/* Version 2 and a race with an upgrade: what was prepared before it does not pass after it. */
static void position_deletes_do_not_slip_through_an_upgrade(void) {
    begin_table(1, "");
    TarnDataFile data = bucket_file(0);
    REQUIRE_OK(append(&data, 1), &error);
    TarnDataFile positions = bucket_file(0);
    positions.content = TARN_CONTENT_POSITION_DELETES;
    positions.referenced_data_file = data.path;
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_DELETE, .added = &positions, .added_count = 1};
    Racer racer;
    start(&racer, &change);
    REQUIRE_OK(attempt(&racer), &error);
    upgrade();
    CHECK(!attempt(&racer));
    CHECK_INT(error.code, TARN_E_FORMAT_UNSUPPORTED);
    stop(&racer);
}

static void deletes_need_their_data_files(void) {
    begin_version_3("");
    TarnDataFile data[3] = {bucket_file(0), bucket_file(1), bucket_file(2)};
    REQUIRE_OK(append(data, 3), &error);
    TarnDataFile vector = vector_of(&data[0], "/lake/t/data/v.puffin", 4);
    TarnSnapshotChange change = {.operation = TARN_OPERATION_DELETE,
                                 .added = &vector,
                                 .added_count = 1,
                                 .referenced = &data[1].path,
                                 .referenced_count = 1};
    for (int i = 0; i < 2; i++) { /* by referenced_data_file; by change->referenced */
        Racer racer;
        const TarnTableMetadata *before = table;
        start(&racer, &change);
        REQUIRE_OK(attempt(&racer), &error);
        TarnDataFile copy = bucket_file(2);
        REQUIRE_OK(remove_paths(&data[2].path, 1, &copy, 1), &error);
        REQUIRE_OK(attempt(&racer), &error); /* not one of ours */
        REQUIRE_OK(remove_paths(&data[i].path, 1, NULL, 0), &error);
        int64_t culprit = head()->id;
        TarnDataFile more = bucket_file(2);
        REQUIRE_OK(append(&more, 1), &error);
        CHECK(!attempt(&racer));
        CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
        CHECK(strstr(error.message, tarn_base_arena_printf(&arena, "%" PRId64, culprit)) != NULL);
        stop(&racer);
        table = before;
    }
    /* A data file of the same change needs nobody's leave. */
    TarnDataFile pair[2] = {bucket_file(0), {0}};
    pair[1] = vector_of(&pair[0], "/lake/t/data/pair.puffin", 4);
    TarnSnapshotChange own = {
        .operation = TARN_OPERATION_OVERWRITE, .added = pair, .added_count = 2};
    TarnDataFile found = {0};
    REQUIRE_OK(commit(&own), &error);
    CHECK_INT(deletes_of(pair[0].path, &found), 1);
}

/* --- a model: random changes, raced and upgraded under way; ids never change and never meet --- */

typedef struct LiveFile {
    TarnText path;
    int64_t rows;
    int64_t id; /* TARN_ABSENT until it has one */
    TarnDataFile file;
    bool has_vector;
    TarnRemovedDelete vector;
} LiveFile;

static LiveFile live[4000];
static size_t live_files;
static bool *taken; /* row ids that some row ever had */
#define IDS_MAX 2000000

static LiveFile *find_live(TarnText path) {
    for (size_t i = 0; i < live_files; i++) {
        if (tarn_base_text_equal(live[i].path, path)) return &live[i];
    }
    return NULL;
}

static void claim_ids(LiveFile *file, int64_t id) {
    file->id = id;
    REQUIRE(id >= 0 && id + file->rows <= table->next_row_id && table->next_row_id < IDS_MAX);
    for (int64_t i = id; i < id + file->rows; i++) {
        CHECK(!taken[i]);
        taken[i] = true;
    }
}

static void check_model(void) {
    TarnScanPlan *plan = plan_all();
    CHECK_INT(plan->task_count, live_files);
    for (size_t i = 0; i < plan->task_count && tap_current_failures == 0; i++) {
        const TarnScanTask *task = &plan->tasks[i];
        LiveFile *file = find_live(task->file->path);
        REQUIRE(file != NULL);
        if (table->format_version < 3 || head()->first_row_id == TARN_ABSENT) {
            CHECK_INT(task->first_row_id, TARN_ABSENT);
        } else if (file->id == TARN_ABSENT) {
            claim_ids(file, task->first_row_id);
        } else {
            CHECK_INT(task->first_row_id, file->id);
        }
        CHECK_INT(task->delete_count, file->has_vector ? 1 : 0);
        if (!file->has_vector || task->delete_count != 1) continue;
        CHECK(tarn_base_text_equal(task->deletes[0].file->path, file->vector.path));
        CHECK_INT(task->deletes[0].file->content_offset, file->vector.content_offset);
    }
    size_t vectors = 0;
    for (size_t i = 0; i < live_files; i++) vectors += live[i].has_vector;
    CHECK_SUMMARY("total-delete-files", tarn_base_arena_printf(&arena, "%zu", vectors));
    tarn_table_scan_plan_dispose(plan);
}

static void model_add(const TarnDataFile *file) {
    live[live_files++] = (LiveFile){
        .path = file->path, .rows = file->record_count, .id = TARN_ABSENT, .file = *file};
}

static TarnDataFile added[8];
static TarnText removed[8];
static TarnRemovedDelete removed_deletes[8];

static void random_files(TarnSnapshotChange *change) {
    change->added_count = 1 + chance(3);
    for (size_t i = 0; i < change->added_count; i++) {
        added[i] = bucket_file(chance(3));
        added[i].record_count = chance(20);
    }
}

static void random_removal(TarnSnapshotChange *change) {
    size_t first = chance((uint32_t)live_files);
    change->operation = change->added_count > 0 ? TARN_OPERATION_OVERWRITE : TARN_OPERATION_DELETE;
    change->removed_count = 1 + chance(3);
    for (size_t i = 0; i < change->removed_count; i++) {
        removed[i] = live[(first + i) % live_files].path;
    }
}

static void random_vectors(TarnSnapshotChange *change) {
    size_t first = chance((uint32_t)live_files);
    char *path = tarn_base_arena_printf(&arena, "/lake/t/data/v%u.puffin", file_number++);
    change->operation = TARN_OPERATION_DELETE;
    change->added_count = 1 + chance(3);
    for (size_t i = 0; i < change->added_count; i++) {
        const LiveFile *file = &live[(first + i) % live_files];
        added[i] = vector_of(&file->file, path, 4 + 46 * (int64_t)i);
        if (!file->has_vector) continue;
        removed_deletes[change->removed_delete_count++] = file->vector;
    }
}

static TarnSnapshotChange random_change(void) {
    TarnSnapshotChange change = {.operation = TARN_OPERATION_APPEND,
                                 .added = added,
                                 .removed = removed,
                                 .removed_deletes = removed_deletes};
    uint32_t what = chance(10);
    if (what < 5 || live_files < 8) {
        random_files(&change);
    } else if (what < 8) {
        if (percent(50)) random_files(&change);
        random_removal(&change);
    } else if (table->format_version > 2) {
        random_vectors(&change);
    }
    return change;
}

static void follow_change(const TarnSnapshotChange *change) {
    for (size_t i = 0; i < change->removed_count; i++) {
        LiveFile *file = find_live(change->removed[i]);
        *file = live[--live_files];
    }
    for (size_t i = 0; i < change->added_count; i++) {
        const TarnDataFile *file = &change->added[i];
        if (file->content == TARN_CONTENT_DATA) {
            model_add(file);
            continue;
        }
        LiveFile *about = find_live(file->referenced_data_file);
        about->has_vector = true;
        about->vector = removed_vector(file);
    }
}

static void random_round(void) {
    TarnSnapshotChange change = random_change();
    Racer racer;
    start(&racer, &change);
    CHECK_OK(attempt(&racer), &error);
    for (uint32_t lost = chance(3); lost > 0 && tap_current_failures == 0; lost--) {
        TarnDataFile theirs = bucket_file(chance(3)); /* others come first */
        theirs.record_count = chance(20);
        CHECK_OK(append(&theirs, 1), &error);
        model_add(&theirs);
        check_model();
        CHECK_OK(attempt(&racer), &error);
    }
    if (tap_current_failures == 0) {
        int64_t next = table->next_row_id;
        win(&racer);
        follow_change(&change);
        check_model();
        if (table->format_version > 2) {
            CHECK_INT(head()->first_row_id, next);
            CHECK_INT(table->next_row_id, next + head()->added_rows);
        }
    }
    stop(&racer);
}

static void row_ids_are_unique_and_stay(void) {
    printf("# seed 7\n");
    model_state = 7;
    taken = calloc(IDS_MAX, sizeof(bool));
    begin_table(1, "\"commit.manifest.min-count-to-merge\":\"5\","
                   "\"commit.manifest.target-size-bytes\":\"16384\"");
    live_files = 0;
    for (int round = 0; round < 250 && tap_current_failures == 0; round++) {
        if (round == 20) upgrade();
        random_round();
    }
    printf("# %zu live files, next row id %" PRId64 "\n", live_files, table->next_row_id);
    free(taken);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(rows_get_ids_by_inheritance);
    TAP_TEST(each_attempt_assigns_anew);
    TAP_TEST(rewriting_and_merging_keep_row_ids);
    TAP_TEST(an_upgraded_table_gets_ids_with_its_next_snapshot);
    TAP_TEST(ids_given_by_others_meanwhile_are_kept);
    TAP_TEST(a_vector_replaces_the_one_before);
    TAP_TEST(a_vector_that_came_meanwhile_is_a_conflict);
    TAP_TEST(vectors_go_with_their_data_file);
    TAP_TEST(position_deletes_of_one_file_go_with_it);
    TAP_TEST(refuses_delete_files_of_the_wrong_kind);
    TAP_TEST(position_deletes_do_not_slip_through_an_upgrade);
    TAP_TEST(deletes_need_their_data_files);
    TAP_TEST(row_ids_are_unique_and_stay);
    close_table();
    return tap_end();
}
