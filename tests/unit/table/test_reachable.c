/* What a table needs and what it does not: by true reachability, whatever the history. */
#include "table/reachable.h"
#include "table_model.h"

typedef struct Names {
    char text[8192];
    size_t used;
    size_t count;
} Names;

/* The number of a data file ("f3"), the kind of others. */
static bool note(void *state, const TarnTableFile *file, TarnError *failure) {
    Names *names = state;
    (void)failure;
    const char *kind = tarn_table_file_kind_name(file->kind);
    TarnText name = file->path;
    while (memchr(name.data, '/', name.size) != NULL) {
        const char *slash = memchr(name.data, '/', name.size);
        name.size -= (size_t)(slash + 1 - name.data);
        name.data = slash + 1;
    }
    bool data = file->kind == TARN_TABLE_FILE_DATA || file->kind == TARN_TABLE_FILE_DELETES;
    names->used += (size_t)snprintf(names->text + names->used, sizeof(names->text) - names->used,
                                    "%s%.*s", names->used > 0 ? " " : "",
                                    data ? (int)name.size - 8 : (int)strlen(kind),
                                    data ? name.data : kind);
    names->count++;
    return true;
}

/* The files of the snapshots of `before` that `table` does not have any more and does not need. */
static const char *rest_of(const TarnTableMetadata *before, size_t *missing) {
    static Names names;
    TarnReachable reach;
    const TarnSnapshot *gone[64];
    const TarnSnapshot *kept[64];
    size_t gone_count = 0;
    size_t kept_count = 0;
    memset(&names, 0, sizeof(names));
    for (size_t i = 0; i < before->snapshot_count; i++) {
        const TarnSnapshot *own = tarn_table_metadata_snapshot(table, before->snapshots[i].id);
        if (own == NULL) gone[gone_count++] = &before->snapshots[i];
    }
    for (size_t i = 0; i < table->snapshot_count; i++) kept[kept_count++] = &table->snapshots[i];
    bool ok = tarn_table_reachable_init(&reach, store->os, store, &error) &&
              tarn_table_reachable_add(&reach, table, kept, kept_count, &error) &&
              tarn_table_unreachable_visit(&reach, before, store->os, gone, gone_count, note,
                                           &names, missing, &error);
    if (!ok) snprintf(names.text, sizeof(names.text), "error: %s", error.message);
    tarn_table_reachable_dispose(&reach);
    return names.text;
}

static void update(TarnTableUpdate update) {
    TarnTableMetadata *next = NULL;
    CHECK_OK(tarn_table_metadata_apply(table, TABLE "/metadata/old.metadata.json", &update, 1,
                                       tarn_os_clock_ms(store->os), &arena, &next, &error),
             &error);
    if (next == NULL) exit(1);
    table = next;
}

static void expire(int64_t id) {
    update((TarnTableUpdate){.kind = TARN_UPDATE_REMOVE_SNAPSHOTS, .ids = &id, .count = 1});
}

static void name_ref(const char *name, bool is_tag, int64_t id) {
    TarnSnapshotRef *ref = TARN_NEW(&arena, TarnSnapshotRef);
    *ref = (TarnSnapshotRef){.name = name,
                             .is_tag = is_tag,
                             .snapshot_id = id,
                             .min_snapshots_to_keep = TARN_ABSENT,
                             .max_snapshot_age_ms = TARN_ABSENT,
                             .max_ref_age_ms = TARN_ABSENT};
    update((TarnTableUpdate){.kind = TARN_UPDATE_SET_SNAPSHOT_REF, .ref = ref});
}

static bool append_to(const char *ref, TarnDataFile file) {
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_APPEND, .added = &file, .added_count = 1, .ref = ref};
    return commit(&change);
}

static void appends_need_everything_but_the_list(void) {
    begin_table(0, "");
    size_t missing = 0;
    TarnDataFile files[] = {plain_file(), plain_file()};
    REQUIRE_OK(append(&files[0], 1), &error);
    int64_t first = head()->id;
    REQUIRE_OK(append(&files[1], 1), &error);
    const TarnTableMetadata *before = table;
    expire(first);
    CHECK_STRING(rest_of(before, &missing), "manifest list");
    CHECK_INT(missing, 0);
}

static void removed_files_go_with_the_last_snapshot_that_has_them(void) {
    begin_table(0, "");
    size_t missing = 0;
    TarnDataFile files[] = {plain_file(), plain_file(), plain_file()};
    REQUIRE_OK(append(files, 2), &error);
    int64_t first = head()->id;
    REQUIRE_OK(remove_paths(&files[0].path, 1, &files[2], 1), &error);
    int64_t second = head()->id;
    TarnDataFile last = plain_file();
    REQUIRE_OK(append(&last, 1), &error);
    const TarnTableMetadata *before = table;
    /* The second says that f0 was deleted: that keeps nothing. */
    expire(first);
    CHECK_STRING(rest_of(before, &missing), "f0 manifest manifest list");
    expire(second);
    CHECK_STRING(rest_of(before, &missing), "f0 manifest manifest list manifest list");
}

/* With several refs the difference to the next snapshot tells nothing. */
static void what_another_ref_needs_stays(void) {
    begin_table(0, "");
    size_t missing = 0;
    TarnDataFile files[] = {plain_file(), plain_file(), plain_file(), plain_file()};
    REQUIRE_OK(append(files, 2), &error);
    int64_t first = head()->id;
    name_ref("audit", false, first);
    REQUIRE_OK(append_to("audit", files[2]), &error);
    REQUIRE_OK(remove_paths(&files[0].path, 1, &files[3], 1), &error);
    const TarnTableMetadata *before = table;
    expire(first);
    CHECK_STRING(rest_of(before, &missing), "manifest list"); /* audit has f0 still */
    name_ref("kept", true, head()->id);
    update((TarnTableUpdate){.kind = TARN_UPDATE_REMOVE_SNAPSHOT_REF, .text = "audit"});
    for (size_t i = 0; i < before->snapshot_count; i++) {
        const TarnSnapshot *snapshot = &before->snapshots[i];
        if (snapshot->id != first && snapshot->id != head()->id) expire(snapshot->id);
    }
    CHECK_STRING(rest_of(before, &missing),
                 "f0 f2 manifest manifest manifest list manifest list");
}

static void a_path_that_comes_back_stays(void) {
    begin_table(0, "");
    size_t missing = 0;
    TarnDataFile files[] = {plain_file(), plain_file()};
    REQUIRE_OK(append(&files[0], 1), &error);
    int64_t first = head()->id;
    REQUIRE_OK(remove_paths(&files[0].path, 1, &files[1], 1), &error);
    int64_t second = head()->id;
    REQUIRE_OK(append(&files[0], 1), &error); /* the same path again */
    const TarnTableMetadata *before = table;
    expire(first);
    expire(second);
    CHECK_STRING(rest_of(before, &missing), "manifest manifest manifest list manifest list");
    CHECK(is_live(files[0].path));
}

static void set_statistics(TarnUpdateKind kind, int64_t id, const char *path) {
    const char *json = tarn_base_arena_printf(
        &arena, "{\"snapshot-id\":%" PRId64 ",\"statistics-path\":\"%s\","
                "\"file-size-in-bytes\":7,\"file-footer-size-in-bytes\":3,\"blob-metadata\":[]}",
        id, path);
    update((TarnTableUpdate){.kind = kind, .integer = id, .text = json});
}

static void statistics_belong_to_their_snapshot(void) {
    begin_table(0, "");
    size_t missing = 0;
    TarnReachable reach;
    bool has = false;
    TarnDataFile files[] = {plain_file(), plain_file()};
    REQUIRE_OK(append(&files[0], 1), &error);
    int64_t first = head()->id;
    set_statistics(TARN_UPDATE_SET_STATISTICS, first, TABLE "/metadata/one.stats");
    set_statistics(TARN_UPDATE_SET_PARTITION_STATISTICS, first, TABLE "/metadata/p.parquet");
    REQUIRE_OK(append(&files[1], 1), &error);
    set_statistics(TARN_UPDATE_SET_STATISTICS, head()->id, TABLE "/metadata/two.stats");
    REQUIRE_OK(tarn_table_reachable_init(&reach, store->os, store, &error), &error);
    CHECK_OK(tarn_table_reachable_add_table(&reach, table, TABLE "/metadata/v9.metadata.json",
                                            &error),
             &error);
    static const char *const named[] = {
        TABLE "/metadata/one.stats",     TABLE "/metadata/p.parquet",
        TABLE "/metadata/two.stats",     TABLE "/metadata/v9.metadata.json",
        TABLE "/metadata/old.metadata.json", "file://" TABLE "/data/f0.parquet"};
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        CHECK(tarn_table_reachable_has(&reach, tarn_base_text(named[i]), &has, &error) && has);
    }
    CHECK(tarn_table_reachable_has(&reach, TARN_TEXT(TABLE "/metadata/x.stats"), &has, &error) &&
          !has);
    tarn_table_reachable_dispose(&reach);
    const TarnTableMetadata *before = table;
    expire(first);
    CHECK_STRING(rest_of(before, &missing), "statistics partition statistics manifest list");
}

static void delete_path(const char *path) {
    bool existed = false;
    CHECK_OK(tarn_store_delete(store, path, &existed, &error), &error);
    CHECK(existed);
}

static void what_is_missing_is_an_error_where_it_is_needed(void) {
    begin_table(0, "");
    size_t missing = 0;
    TarnDataFile files[] = {plain_file(), plain_file(), plain_file()};
    REQUIRE_OK(append(&files[0], 1), &error);
    const TarnSnapshot *first = head();
    REQUIRE_OK(remove_paths(&files[0].path, 1, &files[1], 1), &error);
    const TarnTableMetadata *before = table;
    expire(first->id);
    const TarnManifestListPin *pin = list_of(first);
    const char *manifest = tarn_base_text_string(&arena, pin->manifests[0].path);
    tarn_table_manifest_list_release(pin);
    delete_path(manifest); /* an earlier run was interrupted here */
    CHECK_STRING(rest_of(before, &missing), "manifest manifest list");
    CHECK_INT(missing, 1);
    delete_path(first->manifest_list);
    CHECK_STRING(rest_of(before, &missing), "manifest list");
    CHECK_INT(missing, 1);
    const char *own = head()->manifest_list;
    delete_path(own);
    rest_of(before, &missing);
    CHECK_INT(error.code, TARN_E_OBJECT_NOT_FOUND);
    CHECK(strstr(error.message, own) != NULL);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(appends_need_everything_but_the_list);
    TAP_TEST(removed_files_go_with_the_last_snapshot_that_has_them);
    TAP_TEST(what_another_ref_needs_stays);
    TAP_TEST(a_path_that_comes_back_stays);
    TAP_TEST(statistics_belong_to_their_snapshot);
    TAP_TEST(what_is_missing_is_an_error_where_it_is_needed);
    close_table();
    return tap_end();
}
