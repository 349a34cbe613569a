/* The scenarios of catalog, table, store and db: whatever changes a lake without an engine.
 */
#include <string.h>

#include "base/limits.h"
#include "torture.h"

#define ROWS(...) (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int)

static bool commit_one(Torture *torture, SmallPart part, TarnError *error) {
    return small_lake_commit(&torture->lake, &part, 1, NULL, NULL, error);
}

static bool append(Torture *torture, const char *table, const int *rows, size_t count,
                   TarnError *error) {
    SmallPart part = {.kind = SMALL_APPEND, .table = table, .rows = rows, .row_count = count};
    return commit_one(torture, part, error);
}

static bool create(Torture *torture, const char *table, TarnError *error) {
    return small_lake_create(&torture->lake, table, NULL, 0, error);
}

/* ---- beginnings -------------------------------------------------------------------------- */

static bool one_table(Torture *torture, TarnError *error) {
    return create(torture, "a", error) && append(torture, "a", ROWS(1, 2), error) &&
           append(torture, "a", ROWS(3), error);
}

static bool merging_table(Torture *torture, TarnError *error) {
    TarnProperty merge = {"commit.manifest.min-count-to-merge", "2"};
    return small_lake_create(&torture->lake, "a", &merge, 1, error) &&
           append(torture, "a", ROWS(1, 2), error) && append(torture, "a", ROWS(3), error);
}

static bool two_tables(Torture *torture, TarnError *error) {
    return one_table(torture, error) && create(torture, "b", error) &&
           append(torture, "b", ROWS(11, 12), error);
}

static bool one_view(Torture *torture, TarnError *error) {
    TarnView view = {.name = {"sandbox", "v"}, .sql = "select 1", .schema_json = "{}"};
    return one_table(torture, error) &&
           tarn_catalog_view_put(torture->lake.catalog, &view, false, error);
}

/* ---- what is done ------------------------------------------------------------------------ */

static bool open_lake(Torture *torture, TarnError *error) {
    return small_lake_open(&torture->lake, &torture->os.os, error);
}

static bool create_b(Torture *torture, TarnError *error) { return create(torture, "b", error); }

static bool append_rows(Torture *torture, TarnError *error) {
    return append(torture, "a", ROWS(4, 5, 6), error);
}

static bool delete_rows(Torture *torture, TarnError *error) {
    SmallPart part = {.kind = SMALL_DELETE, .table = "a", .gone = (const int[]){2, 3},
                      .gone_count = 2};
    return commit_one(torture, part, error);
}

static bool overwrite_rows(Torture *torture, TarnError *error) {
    SmallPart part = {.kind = SMALL_OVERWRITE, .table = "a", .rows = (const int[]){7, 8},
                      .row_count = 2, .gone = (const int[]){1}, .gone_count = 1};
    return commit_one(torture, part, error);
}

static bool compact(Torture *torture, TarnError *error) {
    return commit_one(torture, (SmallPart){.kind = SMALL_COMPACT, .table = "a"}, error);
}

static bool set_property(Torture *torture, TarnError *error) {
    return commit_one(torture, (SmallPart){.kind = SMALL_SET, .table = "a", .value = "new"}, error);
}

static bool add_column(Torture *torture, TarnError *error) {
    const TarnTable *base = NULL;
    if (!tarn_catalog_table_load(torture->lake.catalog, (TarnTableName){"sandbox", "a"}, &base,
                                 error)) {
        return false;
    }
    TarnField fields[2] = {{.id = 1, .name = "id", .type.primitive.kind = TARN_TYPE_LONG},
                           {.id = 2, .name = "more", .type.primitive.kind = TARN_TYPE_STRING}};
    TarnSchema schema = {.fields = fields, .field_count = 2};
    TarnProperty property = {"k", "two columns"};
    TarnTableUpdate updates[] = {
        {.kind = TARN_UPDATE_ADD_SCHEMA, .schema = &schema, .last_column_id = 2},
        {.kind = TARN_UPDATE_SET_CURRENT_SCHEMA, .integer = -1},
        {.kind = TARN_UPDATE_SET_PROPERTIES, .properties = &property, .count = 1}};
    TarnCommitTable table = {
        .name = base->name, .base = base, .updates = updates, .update_count = 3};
    TarnCommit commit = {.tables = &table, .table_count = 1};
    bool ok = tarn_catalog_commit(torture->lake.catalog, &commit, error);
    if (ok) tarn_catalog_table_release(table.committed);
    tarn_catalog_table_release(base);
    return ok;
}

static bool commit_two(Torture *torture, TarnError *error) {
    SmallPart parts[] = {
        {.kind = SMALL_APPEND, .table = "a", .rows = (const int[]){4}, .row_count = 1},
        {.kind = SMALL_OVERWRITE, .table = "b", .rows = (const int[]){14}, .row_count = 1,
         .gone = (const int[]){11}, .gone_count = 1}};
    return small_lake_commit(&torture->lake, parts, 2, NULL, NULL, error);
}

static bool append_with_kept_intent(Torture *torture, TarnError *error) {
    torture->lake.keeps_intents = true;
    bool ok = append(torture, "a", ROWS(4, 5, 6), error);
    torture->lake.keeps_intents = false;
    return ok;
}

/* The second of two, whose intent came with the first. */
static bool keep_intent(Torture *torture, TarnError *error) {
    torture->lake.keeps_intents = true;
    bool ok = append(torture, "a", ROWS(9), error);
    torture->lake.keeps_intents = false;
    return ok;
}

/* The lake loads the table before another process commits: the first swap is lost, the next one
 * wins. */
static bool fall_behind(Torture *torture, TarnError *error) {
    SmallLake other = {0};
    SmallPart part = {.kind = SMALL_APPEND, .table = "a", .rows = (const int[]){9}, .row_count = 1};
    bool ok = tarn_catalog_table_load(torture->lake.catalog, (TarnTableName){"sandbox", "a"},
                                      &torture->lake.stale, error) &&
              small_lake_open(&other, fake_os(torture->disk), error) &&
              small_lake_commit(&other, &part, 1, NULL, NULL, error);
    small_lake_close(&other);
    return ok;
}

static bool drop_table(Torture *torture, TarnError *error) {
    return tarn_catalog_drop(torture->lake.catalog, (TarnTableName){"sandbox", "a"},
                             TARN_RELATION_TABLE, error);
}

static bool rename_table(Torture *torture, TarnError *error) {
    return tarn_catalog_rename(torture->lake.catalog, (TarnTableName){"sandbox", "a"},
                               (TarnTableName){"sandbox", "z"}, error);
}

/* Gives the metadata of "a" a second name. */
static bool register_table(Torture *torture, TarnError *error) {
    const TarnTable *base = NULL;
    if (!tarn_catalog_table_load(torture->lake.catalog, (TarnTableName){"sandbox", "a"}, &base,
                                 error)) {
        return false;
    }
    bool ok = tarn_catalog_register(torture->lake.catalog, (TarnTableName){"sandbox", "again"},
                                    base->metadata_location, error);
    tarn_catalog_table_release(base);
    return ok;
}

static bool put_view(Torture *torture, TarnError *error) {
    TarnView view = {.name = {"sandbox", "v"}, .sql = "select 2", .schema_json = "{}"};
    return tarn_catalog_view_put(torture->lake.catalog, &view, true, error);
}

static bool drop_view(Torture *torture, TarnError *error) {
    return tarn_catalog_drop(torture->lake.catalog, (TarnTableName){"sandbox", "v"},
                             TARN_RELATION_VIEW, error);
}

static bool make_namespace(Torture *torture, TarnError *error) {
    return tarn_catalog_namespace_create(torture->lake.catalog, "sandbox.deep", true, error);
}

static bool expire(Torture *torture, TarnError *error) {
    return small_lake_expire(&torture->lake, "a", error);
}

/* A writer that died with a file and an intent. */
static bool refuse(void *state, TarnDb *db, TarnError *error) {
    (void)state;
    (void)db;
    tarn_base_error_set(error, TARN_E_COMMIT_UNKNOWN, "as good as dead");
    return false;
}

static bool die_in_commit(Torture *torture, TarnError *error) {
    SmallPart part = {.kind = SMALL_APPEND, .table = "a", .rows = (const int[]){4}, .row_count = 1};
    if (!one_table(torture, error)) return false;
    if (small_lake_commit(&torture->lake, &part, 1, refuse, NULL, error)) return false;
    small_lake_close(&torture->lake);
    fake_os_restart(torture->disk); /* its process id is another's now */
    return true;
}

static bool sweep(Torture *torture, TarnError *error) {
    return small_lake_open(&torture->lake, &torture->os.os, error);
}

static bool say_no(void *state, TarnDb *db, TarnError *error) {
    (void)state;
    (void)db;
    return tarn_base_error_set(error, TARN_E_CHECK_FAILED, "no");
}

/* A commit that is refused at the last moment: it must take back its files. */
static bool abandon(Torture *torture, TarnError *error) {
    SmallPart part = {.kind = SMALL_APPEND, .table = "a", .rows = (const int[]){4}, .row_count = 1};
    bool ok = small_lake_commit(&torture->lake, &part, 1, say_no, NULL, error);
    if (ok || error->code != TARN_E_CHECK_FAILED) return false;
    tarn_base_error_clear(error);
    return true;
}

static bool look(Torture *torture, TarnError *error) {
    const char *text = NULL;
    TarnArena arena; /* one that fails stays failed, and the judge needs his own */
    tarn_base_arena_init(&arena, TARN_MIB);
    bool ok = small_lake_describe(&torture->lake, &arena, &text, error);
    tarn_base_arena_dispose(&arena);
    return ok;
}

const TortureScenario torture_catalog[] = {
    {.name = "open a new lake", .run = open_lake, .opens = true, .no_lake = true},
    {.name = "open a lake", .setup = two_tables, .run = open_lake, .opens = true},
    {.name = "sweep", .setup = die_in_commit, .run = sweep, .opens = true},
    {.name = "look", .setup = two_tables, .run = look},
    {.name = "create a table", .setup = one_table, .run = create_b},
    {.name = "append", .setup = one_table, .run = append_rows},
    {.name = "append and merge manifests", .setup = merging_table, .run = append_rows},
    {.name = "append with an intent kept for the next", .setup = one_table, .begin = keep_intent,
     .run = append_with_kept_intent},
    {.name = "append after a lost race", .setup = one_table, .begin = fall_behind,
     .run = append_rows},
    {.name = "delete rows", .setup = one_table, .run = delete_rows},
    {.name = "overwrite", .setup = one_table, .run = overwrite_rows},
    {.name = "overwrite and merge manifests", .setup = merging_table, .run = overwrite_rows},
    {.name = "compact", .setup = one_table, .run = compact},
    {.name = "expire snapshots", .setup = one_table, .run = expire, .again = true,
     .leaves_files = true},
    {.name = "set a property", .setup = one_table, .run = set_property, .again = true},
    {.name = "add a column", .setup = one_table, .run = add_column, .again = true,
     .leaves_files = true} /* without an intent, as ALTER does it */,
    {.name = "commit over two tables", .setup = two_tables, .run = commit_two},
    {.name = "abandon a commit", .setup = one_table, .run = abandon, .again = true},
    {.name = "rename a table", .setup = one_table, .run = rename_table},
    {.name = "drop a table", .setup = two_tables, .run = drop_table, .leaves_files = true},
    {.name = "register a table", .setup = one_table, .run = register_table},
    {.name = "replace a view", .setup = one_view, .run = put_view, .again = true},
    {.name = "drop a view", .setup = one_view, .run = drop_view},
    {.name = "make a namespace", .setup = one_table, .run = make_namespace, .again = true},
};
const size_t torture_catalog_count = sizeof(torture_catalog) / sizeof(torture_catalog[0]);
