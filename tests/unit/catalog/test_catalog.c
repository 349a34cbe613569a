/* catalog: names, pointers, commits, intents, zones. Manifests are not needed to move pointers, so
 * most tests commit properties; appends are made with producers of files that are only names. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/limits.h"
#include "catalog/catalog.h"
#include "support/tap.h"

static char folder[64];
static char url[128];
static char warehouse[128];
static TarnError error;
static TarnDb *db;
static TarnCatalog *catalog;
static TarnArena arena;

static const TarnDbMigration migrations[] = {
    {1, "catalog", tarn_catalog_schema_sql}, {2, "catalog drops", tarn_catalog_drop_schema_sql}};

static bool open_lake_as(const TarnOs *os) {
    TarnDbOptions db_options = {.how = TARN_DB_CREATE};
    TarnCatalogOptions options = {.os = os,
                                  .warehouse = warehouse,
                                  .sync = TARN_STORE_SYNC_CATALOG,
                                  .zones = tarn_catalog_default_zones,
                                  .zone_count = tarn_catalog_default_zone_count};
    if (!tarn_db_open(options.os, url, &db_options, &db, &error) ||
        !tarn_db_migrate(db, migrations, 2, &error)) {
        return false;
    }
    options.db = db;
    return tarn_catalog_open(&options, &catalog, &error);
}

static bool open_lake(void) { return open_lake_as(tarn_os_posix()); }

static void close_lake(void) {
    tarn_catalog_close(catalog);
    tarn_db_close(db);
    catalog = NULL;
    db = NULL;
}

static TarnTableName name_of(const char *text) {
    TarnTableName name = {"", ""};
    CHECK_OK(tarn_catalog_name_parse(tarn_base_text(text), &arena, &name, &error), &error);
    return name;
}

static bool create_table(const char *text) {
    static TarnField fields[] = {
        {.id = 1, .name = "id", .type.primitive.kind = TARN_TYPE_LONG}};
    TarnSchema schema = {.fields = fields, .field_count = 1};
    TarnTableName name = name_of(text);
    TarnTableMetadata *metadata = NULL;
    TarnIntent intent;
    char uuid[TARN_OS_UUID_BYTES];
    if (!tarn_os_uuid4(tarn_os_posix(), uuid, &error)) return false;
    const char *location = tarn_catalog_table_location(catalog, name, uuid, &arena);
    if (!tarn_table_metadata_create(uuid, location, &schema, NULL, NULL, NULL, 0, 2,
                                    tarn_os_clock_ms(tarn_os_posix()), &arena, &metadata,
                                    &error) ||
        !tarn_catalog_intent_begin(catalog, &location, 1, &intent, &error)) {
        return false;
    }
    TarnCommitTable table = {.name = name, .create = metadata};
    TarnCommit commit = {.tables = &table, .table_count = 1, .intent = &intent};
    if (!tarn_catalog_commit(catalog, &commit, &error)) {
        tarn_catalog_intent_abandon(catalog, &intent);
        return false;
    }
    tarn_catalog_table_release(table.committed);
    return true;
}

static const char *data_path(const TarnTable *table, const TarnIntent *intent, int number) {
    return tarn_base_arena_printf(&arena, "%s/data/%s-%d.parquet", table->metadata->location,
                                  intent->id, number);
}

/* Appends one data file of an intent. */
static bool commit_file(const TarnTable *base, const TarnIntent *intent, int number) {
    TarnDataFile file = {.content = TARN_CONTENT_DATA,
                         .path = tarn_base_text(data_path(base, intent, number)),
                         .format = TARN_TEXT("PARQUET"),
                         .record_count = 1,
                         .file_size = 100,
                         .sort_order_id = 0,
                         .first_row_id = TARN_ABSENT,
                         .content_offset = TARN_ABSENT,
                         .content_size = TARN_ABSENT};
    TarnSnapshotChange change = {.operation = TARN_OPERATION_APPEND,
                                 .added = &file,
                                 .added_count = 1,
                                 .added_sequence_number = TARN_ABSENT,
                                 .starting_snapshot_id = TARN_ABSENT};
    TarnProducerOptions options = {.os = tarn_os_posix(),
                                   .store = base->store,
                                   .cache = tarn_catalog_manifest_cache(catalog),
                                   .commit_id = intent->id};
    TarnSnapshotProducer *producer = NULL;
    bool ok = tarn_table_snapshot_producer_new(&options, &change, &producer, &error);
    TarnCommitTable table = {.name = base->name,
                             .base = base,
                             .producer = producer,
                             .evidence = {.schema_checked = true}};
    TarnCommit commit = {.tables = &table, .table_count = 1, .intent = intent};
    ok = ok && tarn_catalog_commit(catalog, &commit, &error);
    if (ok) tarn_catalog_table_release(table.committed);
    tarn_table_snapshot_producer_free(producer);
    return ok;
}

/* Appends one data file that exists in name only. */
static bool append_file(const char *text, int number) {
    const TarnTable *base = NULL;
    TarnIntent intent;
    if (!tarn_catalog_table_load(catalog, name_of(text), &base, &error)) return false;
    const char *location = base->metadata->location;
    bool ok = tarn_catalog_intent_begin(catalog, &location, 1, &intent, &error) &&
              commit_file(base, &intent, number);
    tarn_catalog_table_release(base);
    return ok;
}

static size_t snapshot_count(const char *text) {
    const TarnTable *table = NULL;
    if (!tarn_catalog_table_load(catalog, name_of(text), &table, &error)) return 0;
    size_t count = table->metadata->snapshot_count;
    tarn_catalog_table_release(table);
    return count;
}

static void names_are_checked(void) {
    TarnTableName name;
    CHECK(tarn_catalog_name_parse(TARN_TEXT("raw.\"a \"\"b\"\".c\""), &arena, &name, &error) ==
          false); /* a dot inside a level */
    REQUIRE_OK(tarn_catalog_name_parse(TARN_TEXT("raw.crm.\"a \"\"b\""), &arena, &name, &error),
               &error);
    CHECK_STRING(name.ns, "raw.crm");
    CHECK_STRING(name.name, "a \"b");
    CHECK_STRING(tarn_catalog_name_text(name, &arena), "raw.crm.\"a \"\"b\"");
    static const char *const bad[] = {"t", "", "raw.", "raw..t", ".t", "raw.a/b", "raw.\"a",
                                      "raw.\"a\"b", "raw.a\x01", "raw.\xFF"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(!tarn_catalog_name_parse(tarn_base_text(bad[i]), &arena, &name, &error));
        CHECK_INT(error.code, TARN_E_NAME_INVALID);
    }
}

static void a_table_is_found_without_case_and_suggested(void) {
    const TarnTable *table = NULL;
    REQUIRE_OK(create_table("sandbox.Orders"), &error);
    REQUIRE_OK(tarn_catalog_table_load(catalog, name_of("SANDBOX.orders"), &table, &error), &error);
    CHECK_STRING(table->name.name, "Orders");
    tarn_catalog_table_release(table);
    CHECK(!create_table("sandbox.ORDERS"));
    CHECK_INT(error.code, TARN_E_TABLE_EXISTS);
    CHECK(!tarn_catalog_table_load(catalog, name_of("sandbox.ordrs"), &table, &error));
    CHECK_INT(error.code, TARN_E_TABLE_NOT_FOUND);
    CHECK_STRING(error.hint, "did you mean \"sandbox.Orders\"? (tarn ls sandbox)");
}

static void appends_make_snapshots_and_numbers(void) {
    TarnRelation *relations = NULL;
    size_t count = 0;
    REQUIRE_OK(create_table("sandbox.a"), &error);
    for (int i = 0; i < 40; i++) REQUIRE_OK(append_file("sandbox.a", i), &error);
    CHECK_INT(snapshot_count("sandbox.a"), 40);
    REQUIRE_OK(tarn_catalog_list(catalog, "sandbox", &arena, &relations, &count, &error), &error);
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(relations[i].name.name, "a") != 0) continue;
        found = true;
        CHECK_INT(relations[i].rows, 40);
        CHECK_INT(relations[i].files, 40);
        CHECK_INT(relations[i].bytes, 4000);
    }
    CHECK(found);
}

static void raced_appends_all_land(void) {
    REQUIRE_OK(create_table("sandbox.race"), &error);
    close_lake();
    pid_t children[4];
    for (int c = 0; c < 4; c++) {
        children[c] = fork();
        if (children[c] == 0) {
            bool ok = open_lake();
            for (int i = 0; ok && i < 15; i++) ok = append_file("sandbox.race", c * 100 + i);
            if (!ok) fprintf(stderr, "# %s\n", error.message);
            _exit(ok ? 0 : 1);
        }
    }
    for (int c = 0; c < 4; c++) {
        int status = 0;
        waitpid(children[c], &status, 0);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    REQUIRE_OK(open_lake(), &error);
    CHECK_INT(snapshot_count("sandbox.race"), 60);
}

/* By another connection than the test's. */
static bool append_elsewhere(const char *text, int number) {
    TarnDb *own_db = db;
    TarnCatalog *own = catalog;
    bool ok = open_lake() && append_file(text, number);
    close_lake();
    db = own_db;
    catalog = own;
    return ok;
}

static void a_read_sees_all_tables_at_one_moment(void) {
    REQUIRE_OK(create_table("sandbox.one"), &error);
    REQUIRE_OK(create_table("sandbox.two"), &error);
    REQUIRE_OK(tarn_catalog_read_begin(catalog, &error), &error);
    CHECK_INT(snapshot_count("sandbox.one"), 0);
    REQUIRE_OK(append_elsewhere("sandbox.one", 1), &error);
    REQUIRE_OK(tarn_catalog_read_begin(catalog, &error), &error);
    REQUIRE_OK(append_elsewhere("sandbox.two", 1), &error);
    CHECK_INT(snapshot_count("sandbox.two"), 0);
    tarn_catalog_read_end(catalog);
    CHECK_INT(snapshot_count("sandbox.two"), 0);
    CHECK_INT(snapshot_count("sandbox.one"), 0);
    tarn_catalog_read_end(catalog);
    CHECK_INT(snapshot_count("sandbox.one"), 1);
    CHECK_INT(snapshot_count("sandbox.two"), 1);
    REQUIRE_OK(append_file("sandbox.one", 2), &error);
}

static void a_stale_requirement_is_a_conflict(void) {
    const TarnTable *base = NULL;
    REQUIRE_OK(create_table("sandbox.req"), &error);
    REQUIRE_OK(tarn_catalog_table_load(catalog, name_of("sandbox.req"), &base, &error), &error);
    TarnProperty property = {"k", "v"};
    TarnTableUpdate update = {
        .kind = TARN_UPDATE_SET_PROPERTIES, .properties = &property, .count = 1};
    TarnTableRequirement requirement = {.kind = TARN_REQUIRE_CURRENT_SCHEMA_ID, .integer = 7};
    TarnCommitTable table = {.name = base->name,
                             .base = base,
                             .requirements = &requirement,
                             .requirement_count = 1,
                             .updates = &update,
                             .update_count = 1};
    TarnCommit commit = {.tables = &table, .table_count = 1};
    CHECK(!tarn_catalog_commit(catalog, &commit, &error));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    requirement.integer = base->metadata->current_schema_id;
    REQUIRE_OK(tarn_catalog_commit(catalog, &commit, &error), &error);
    CHECK_STRING(tarn_table_metadata_property(table.committed->metadata, "k"), "v");
    tarn_catalog_table_release(table.committed);
    tarn_catalog_table_release(base);
}

static bool refuse_in_hook(void *state, TarnDb *hook_db, TarnError *hook_error) {
    (void)state;
    (void)hook_db;
    return tarn_base_error_set(hook_error, TARN_E_CHECK_FAILED, "no");
}

static void a_hook_that_fails_leaves_nothing(void) {
    const TarnTable *base = NULL;
    REQUIRE_OK(create_table("sandbox.hook"), &error);
    REQUIRE_OK(tarn_catalog_table_load(catalog, name_of("sandbox.hook"), &base, &error), &error);
    TarnProperty property = {"k", "v"};
    TarnTableUpdate update = {
        .kind = TARN_UPDATE_SET_PROPERTIES, .properties = &property, .count = 1};
    TarnCommitTable table = {
        .name = base->name, .base = base, .updates = &update, .update_count = 1};
    TarnCommit commit = {.tables = &table, .table_count = 1, .hook = refuse_in_hook};
    CHECK(!tarn_catalog_commit(catalog, &commit, &error));
    CHECK_INT(error.code, TARN_E_CHECK_FAILED);
    tarn_catalog_table_release(base);
    REQUIRE_OK(tarn_catalog_table_load(catalog, name_of("sandbox.hook"), &base, &error), &error);
    CHECK(tarn_table_metadata_property(base->metadata, "k") == NULL);
    tarn_catalog_table_release(base);
}

static bool count_object(void *state, const TarnStoreObject *object, TarnError *ignored) {
    (void)object;
    (void)ignored;
    ++*(int *)state;
    return true;
}

static int object_count(const char *text) {
    const TarnTable *table = NULL;
    int count = 0;
    if (!tarn_catalog_table_load(catalog, name_of(text), &table, &error)) return -1;
    CHECK_OK(tarn_store_list(table->store, table->metadata->location, count_object, &count, &error),
             &error);
    tarn_catalog_table_release(table);
    return count;
}

/* Each fault point of a commit, with a kill: the lake opens, nothing is lost or doubled, and the
 * files of the dead commit are gone. */
static void a_killed_commit_leaves_nothing_behind(void) {
    static const char *const points[] = {
        "catalog.intent.after_begin",      "table.produce.after_manifest",
        "table.produce.after_manifest_list", "catalog.commit.after_metadata",
        "catalog.commit.before_swap",      "db.commit.before",
        "db.commit.after"};
    REQUIRE_OK(create_table("sandbox.kill"), &error);
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        size_t before = snapshot_count("sandbox.kill");
        int objects = object_count("sandbox.kill");
        close_lake();
        pid_t child = fork();
        if (child == 0) {
            char plan[128];
            bool ok = open_lake();
            /* The intent is a transaction of its own: the second commit is the swap. */
            bool swap = strncmp(points[i], "db.", 3) == 0;
            snprintf(plan, sizeof(plan), "%s=kill%s", points[i], swap ? "@2" : "");
            tarn_base_fault_init(plan);
            ok = ok && append_file("sandbox.kill", (int)i);
            _exit(ok ? 0 : 1);
        }
        int status = 0;
        waitpid(child, &status, 0);
        CHECK(WIFSIGNALED(status));
        REQUIRE_OK(open_lake(), &error);
        bool committed = strcmp(points[i], "db.commit.after") == 0;
        CHECK_INT(snapshot_count("sandbox.kill"), before + committed);
        if (!committed) CHECK_INT(object_count("sandbox.kill"), objects);
        int64_t left = 0;
        bool found = false;
        CHECK_OK(tarn_db_query_int64(db, "select count(*) from tarn_intent", NULL, 0, &left,
                                     &found, &error),
                 &error);
        CHECK_INT(left, 0);
    }
}

/* A second process, as far as the catalog can tell, with its own connection. */
enum { WRITER_PROCESS = 99999999 };
static TarnDb *writer_db;
static TarnCatalog *writer;
static const TarnTable *writer_base;
static TarnIntent writer_intent;
static bool writer_committed;

static int64_t writer_id(const TarnOs *os) {
    (void)os;
    return WRITER_PROCESS;
}

static int64_t writer_started(const TarnOs *os, int64_t process_id) {
    return process_id == WRITER_PROCESS ? 7 : tarn_os_posix()->process_started(os, process_id);
}

static void swap_with_writer(void) {
    TarnDb *own_db = db;
    TarnCatalog *own = catalog;
    db = writer_db;
    catalog = writer;
    writer_db = own_db;
    writer = own;
}

/* The writer has an intent and a file, and has not committed yet. */
static void start_writer(const TarnOs *os) {
    swap_with_writer();
    REQUIRE_OK(open_lake_as(os), &error);
    REQUIRE_OK(tarn_catalog_table_load(catalog, name_of("sandbox.sweep"), &writer_base, &error),
               &error);
    const char *location = writer_base->metadata->location;
    REQUIRE_OK(tarn_catalog_intent_begin(catalog, &location, 1, &writer_intent, &error), &error);
    CHECK_OK(tarn_store_put(writer_base->store, data_path(writer_base, &writer_intent, 1),
                            TARN_TEXT("rows"), TARN_STORE_IF_ABSENT, NULL, &error),
             &error);
    swap_with_writer();
}

/* Whoever looks for the writer lets it commit and end first: the worst moment for a sweep, which
 * has read the writer's intent by then. */
static int64_t look_for_writer(const TarnOs *os, int64_t process_id) {
    if (process_id != WRITER_PROCESS) return tarn_os_posix()->process_started(os, process_id);
    if (!writer_committed) {
        swap_with_writer();
        writer_committed = commit_file(writer_base, &writer_intent, 1);
        CHECK_OK(writer_committed, &error);
        tarn_catalog_table_release(writer_base);
        close_lake();
        swap_with_writer();
    }
    return 0;
}

static void a_writer_that_commits_and_ends_during_a_sweep_keeps_its_files(void) {
    TarnOs writing = *tarn_os_posix();
    TarnOs sweeping = *tarn_os_posix();
    TarnStoreObject object = {0};
    int64_t removed = -1;
    writing.process_id = writer_id;
    writing.process_started = writer_started;
    sweeping.process_started = writer_started;
    REQUIRE_OK(create_table("sandbox.sweep"), &error);
    close_lake();
    REQUIRE_OK(open_lake_as(&sweeping), &error);
    start_writer(&writing);
    sweeping.process_started = look_for_writer;
    CHECK_OK(tarn_catalog_intent_sweep(catalog, &removed, &error), &error);
    CHECK(writer_committed);
    CHECK_INT(removed, 0);
    const TarnTable *table = NULL;
    REQUIRE_OK(tarn_catalog_table_load(catalog, name_of("sandbox.sweep"), &table, &error), &error);
    CHECK_INT(table->metadata->snapshot_count, 1);
    CHECK_OK(tarn_store_stat(table->store, data_path(table, &writer_intent, 1), &object, &error),
             &error);
    CHECK(object.exists);
    tarn_catalog_table_release(table);
    close_lake();
    REQUIRE_OK(open_lake(), &error);
}

/* Waits until the table has a snapshot, then adds another; for a child process. */
static bool append_after_first(const char *text) {
    for (int i = 0; i < 500; i++) {
        if (snapshot_count(text) > 0) return append_file(text, 2);
        usleep(10000);
    }
    return false;
}

static bool set_property(const char *text, const char *value) {
    const TarnTable *base = NULL;
    if (!tarn_catalog_table_load(catalog, name_of(text), &base, &error)) return false;
    TarnProperty property = {"k", value};
    TarnTableUpdate update = {
        .kind = TARN_UPDATE_SET_PROPERTIES, .properties = &property, .count = 1};
    TarnCommitTable table = {
        .name = base->name, .base = base, .updates = &update, .update_count = 1};
    TarnCommit commit = {.tables = &table, .table_count = 1};
    bool ok = tarn_catalog_commit(catalog, &commit, &error);
    if (ok) tarn_catalog_table_release(table.committed);
    tarn_catalog_table_release(base);
    return ok;
}

/* Another process commits on top of a commit whose answer is lost, before that is settled. */
static void lose_answer(const char *text, bool with_intent) {
    REQUIRE_OK(create_table(text), &error);
    if (!with_intent) REQUIRE_OK(append_file(text, 0), &error);
    close_lake();
    pid_t child = fork();
    if (child == 0) {
        bool ok = open_lake();
        while (ok && !with_intent) { /* the property is set before this one is */
            const TarnTable *table = NULL;
            if (!tarn_catalog_table_load(catalog, name_of(text), &table, &error)) _exit(1);
            bool set = tarn_table_metadata_property(table->metadata, "k") != NULL;
            tarn_catalog_table_release(table);
            if (set) break;
            usleep(10000);
        }
        _exit(ok && append_after_first(text) ? 0 : 1);
    }
    REQUIRE_OK(open_lake(), &error);
    tarn_base_fault_init(with_intent ? "db.commit.after=sleep:700@2;db.commit.after=error@2"
                                     : "db.commit.after=sleep:700;db.commit.after=error@1");
    CHECK_OK(with_intent ? append_file(text, 1) : set_property(text, "mine"), &error);
    tarn_base_fault_init(NULL);
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_INT(snapshot_count(text), 2);
    CHECK_OK(append_file(text, 3), &error); /* which reads all manifests' list */
    CHECK_INT(snapshot_count(text), 3);
}

static void a_lost_answer_that_others_built_upon_is_a_success(void) {
    lose_answer("sandbox.lost_append", true);
    lose_answer("sandbox.lost_property", false);
}

static void drop_rename_register(void) {
    const TarnTable *table = NULL;
    REQUIRE_OK(create_table("sandbox.r1"), &error);
    REQUIRE_OK(tarn_catalog_rename(catalog, name_of("sandbox.r1"), name_of("sandbox.r2"), &error),
               &error);
    REQUIRE_OK(tarn_catalog_table_load(catalog, name_of("sandbox.r2"), &table, &error), &error);
    const char *location = tarn_base_arena_string(&arena, table->metadata_location);
    tarn_catalog_table_release(table);
    REQUIRE_OK(tarn_catalog_drop(catalog, name_of("sandbox.r2"), TARN_RELATION_TABLE, &error),
               &error);
    CHECK(!tarn_catalog_table_load(catalog, name_of("sandbox.r2"), &table, &error));
    REQUIRE_OK(tarn_catalog_register(catalog, name_of("sandbox.r3"), location, &error), &error);
    REQUIRE_OK(tarn_catalog_table_load(catalog, name_of("sandbox.r3"), &table, &error), &error);
    tarn_catalog_table_release(table);
    CHECK(!tarn_catalog_register(catalog, name_of("sandbox.r3"), location, &error));
    CHECK_INT(error.code, TARN_E_TABLE_EXISTS);
    CHECK(!tarn_catalog_register(catalog, name_of("sandbox.r4"), "/nowhere/x.metadata.json",
                                 &error));
}

static void namespaces_and_zones(void) {
    CHECK_OK(tarn_catalog_namespace_create(catalog, "raw.crm", false, &error), &error);
    CHECK(!tarn_catalog_namespace_create(catalog, "raw.crm", false, &error));
    CHECK(!tarn_catalog_namespace_create(catalog, "rww", false, &error));
    CHECK_STRING(error.hint, "did you mean \"raw\"?");
    CHECK_OK(tarn_catalog_namespace_drop(catalog, "raw.crm", &error), &error);
    CHECK(!tarn_catalog_namespace_drop(catalog, "raw", &error));
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    tarn_base_arena_init(&arena, TARN_GIB);
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof(folder), "%.40s/tarn-catalog-XXXXXX", parent != NULL ? parent : "/tmp");
    if (mkdtemp(folder) == NULL) return 1;
    snprintf(url, sizeof(url), "sqlite:%s/catalog.db", folder);
    snprintf(warehouse, sizeof(warehouse), "%s/warehouse", folder);
    if (!open_lake()) {
        printf("Bail out! %s\n", error.message);
        return 1;
    }
    TAP_TEST(names_are_checked);
    TAP_TEST(a_table_is_found_without_case_and_suggested);
    TAP_TEST(appends_make_snapshots_and_numbers);
    TAP_TEST(raced_appends_all_land);
    TAP_TEST(a_read_sees_all_tables_at_one_moment);
    TAP_TEST(a_stale_requirement_is_a_conflict);
    TAP_TEST(a_hook_that_fails_leaves_nothing);
    TAP_TEST(a_killed_commit_leaves_nothing_behind);
    TAP_TEST(a_writer_that_commits_and_ends_during_a_sweep_keeps_its_files);
    TAP_TEST(a_lost_answer_that_others_built_upon_is_a_success);
    TAP_TEST(drop_rename_register);
    TAP_TEST(namespaces_and_zones);
    close_lake();
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
