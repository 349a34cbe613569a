/* The small lake: what `query` and `flow` do around a commit, with files of text for Parquet. */
#include "small_lake.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "table/manifest_cache.h"
#include "table/scan.h"

static const TarnDbMigration migrations[] = {{1, "catalog", tarn_catalog_schema_sql},
                                             {2, "drops", tarn_catalog_drop_schema_sql}};
static const TarnZone zones[] = {{.name = "sandbox"}};

bool small_lake_open(SmallLake *lake, const TarnOs *os, TarnError *error) {
    TarnDbOptions db_options = {.how = TARN_DB_CREATE, .busy_timeout_ms = 2000};
    bool keeps_intents = lake->keeps_intents;
    *lake = (SmallLake){.os = os, .keeps_intents = keeps_intents};
    if (!tarn_os_directory_create_all(os, "/lake", true, error) ||
        !tarn_db_open(os, "sqlite:/lake/catalog.db", &db_options, &lake->db, error) ||
        !tarn_db_migrate(lake->db, migrations, 2, error)) {
        return false;
    }
    TarnCatalogOptions options = {.os = os,
                                  .db = lake->db,
                                  .warehouse = SMALL_LAKE_WAREHOUSE,
                                  .sync = TARN_STORE_SYNC_FULL,
                                  .zones = zones,
                                  .zone_count = 1};
    return tarn_catalog_open(&options, &lake->catalog, error);
}

void small_lake_close(SmallLake *lake) {
    if (lake->next_location != NULL) {
        tarn_catalog_intent_abandon(lake->catalog, &lake->next);
        free(lake->next_location);
    }
    tarn_catalog_table_release(lake->stale);
    tarn_catalog_close(lake->catalog);
    if (lake->db != NULL) tarn_db_close(lake->db);
    *lake = (SmallLake){.keeps_intents = lake->keeps_intents};
}

static TarnTableName name_of(const char *table) {
    return (TarnTableName){"sandbox", table}; /* without its zone */
}

bool small_lake_create(SmallLake *lake, const char *table, const TarnProperty *properties,
                       size_t property_count, TarnError *error) {
    TarnField field = {.id = 1, .name = "id", .type.primitive.kind = TARN_TYPE_LONG};
    TarnSchema schema = {.fields = &field, .field_count = 1};
    TarnNewTable wanted = {.name = name_of(table),
                           .schema = &schema,
                           .properties = properties,
                           .property_count = property_count};
    TarnTableMetadata *metadata = NULL;
    TarnIntent intent = {{0}};
    TarnArena arena;
    tarn_base_arena_init(&arena, TARN_MIB);
    bool ok = tarn_catalog_table_new(lake->catalog, &wanted, &arena, &metadata, error);
    const char *location = ok ? metadata->location : NULL;
    ok = ok && tarn_catalog_intent_begin(lake->catalog, &location, 1, &intent, error);
    if (ok) {
        TarnCommitTable part = {.name = wanted.name, .create = metadata};
        TarnCommit commit = {.tables = &part, .table_count = 1, .intent = &intent};
        ok = tarn_catalog_commit(lake->catalog, &commit, error);
        if (ok) tarn_catalog_table_release(part.committed);
        if (!ok && !error->outcome_unknown) tarn_catalog_intent_abandon(lake->catalog, &intent);
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

/* ---- files ------------------------------------------------------------------------------- */

typedef struct Rows {
    int *items;
    size_t count;
    size_t capacity;
} Rows;

static bool write_file(SmallLake *lake, const char *path, const Rows *rows, size_t *size,
                       TarnError *error) {
    TarnBuffer text;
    TarnOsFile *file = NULL;
    tarn_base_buffer_init(&text, TARN_MIB);
    for (size_t i = 0; i < rows->count; i++) tarn_base_buffer_printf(&text, "%d\n", rows->items[i]);
    tarn_base_buffer_string(&text, "end\n");
    *size = text.size;
    bool ok = tarn_base_buffer_check(&text, error) &&
              lake->os->file_open(lake->os, path, TARN_OS_CREATE, &file, error);
    if (ok) {
        ok = tarn_os_file_write_all(lake->os, file, text.data, text.size, error);
        ok = lake->os->file_close(lake->os, file, ok ? error : NULL) && ok;
    }
    tarn_base_buffer_dispose(&text);
    return ok;
}

static bool read_file(const TarnTable *table, const TarnDataFile *data, TarnArena *arena,
                      Rows *rows, TarnError *error) {
    TarnText text;
    TarnText rest;
    const char *path = tarn_base_text_string(arena, data->path);
    if (!tarn_base_arena_check(arena, error) ||
        !tarn_store_get(table->store, path, TARN_STORE_WHOLE, TARN_MIB, arena, &text, NULL,
                        error)) {
        return false;
    }
    size_t before = rows->count;
    bool whole = tarn_base_text_ends(text, "end\n") && (int64_t)text.size == data->file_size;
    for (rest = text; rest.size > 4;) {
        int64_t number;
        int *row = TARN_PUSH(arena, rows);
        TarnText line = tarn_base_text_split(rest, '\n', &rest);
        if (row == NULL) return tarn_base_arena_check(arena, error);
        if (!tarn_base_text_to_int64(line, &number)) whole = false;
        *row = (int)number;
    }
    if (whole && (int64_t)(rows->count - before) == data->record_count) return true;
    return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT, "the data file \"%s\" is not whole",
                               path);
}

static bool plan_snapshot(SmallLake *lake, const TarnTable *table, const TarnSnapshot *snapshot,
                          TarnManifestCache *cache, TarnArena *arena, TarnScanPlan **plan,
                          TarnError *error) {
    TarnScanOptions options = {.store = table->store,
                               .cache = cache,
                               .metadata = table->metadata,
                               .threads = 1};
    (void)lake;
    return tarn_table_scan_plan(&options, snapshot, tarn_table_predicate_constant(
                                                        TARN_PREDICATE_TRUE),
                                arena, plan, error);
}

/* ---- commits ----------------------------------------------------------------------------- */

typedef struct Work {
    const SmallPart *part;
    const TarnTable *base;
    TarnScanPlan *plan;
    TarnDataFile added[1];
    const char *added_path[1];
    TarnText *removed;
    size_t removed_count;
    TarnSnapshotChange change;
    TarnProducerOptions options;
    TarnSnapshotProducer *producer;
    TarnProperty property;
    TarnTableUpdate update;
} Work;

static bool is_gone(const SmallPart *part, int row) {
    for (size_t i = 0; i < part->gone_count; i++) {
        if (part->gone[i] == row) return true;
    }
    return false;
}

/* Which files go, and what of their rows stays. */
static bool choose_files(SmallLake *lake, Work *work, TarnArena *arena, Rows *rows,
                         TarnError *error) {
    const SmallPart *part = work->part;
    const TarnSnapshot *head = tarn_table_metadata_current_snapshot(work->base->metadata);
    size_t found = 0;
    if (!plan_snapshot(lake, work->base, head, tarn_catalog_manifest_cache(lake->catalog), arena,
                       &work->plan, error)) {
        return false;
    }
    work->removed = TARN_NEW_ARRAY(arena, work->plan->task_count + 1, TarnText);
    for (size_t i = 0; i < work->plan->task_count && work->removed != NULL; i++) {
        const TarnDataFile *file = work->plan->tasks[i].file;
        Rows held = {0};
        size_t hits = 0;
        if (!read_file(work->base, file, arena, &held, error)) return false;
        for (size_t r = 0; r < held.count; r++) hits += is_gone(part, held.items[r]);
        found += hits;
        if (hits == 0 && part->kind != SMALL_COMPACT) continue;
        work->removed[work->removed_count++] = file->path;
        for (size_t r = 0; r < held.count; r++) {
            int *row = is_gone(part, held.items[r]) ? NULL : TARN_PUSH(arena, rows);
            if (row != NULL) *row = held.items[r];
        }
    }
    if (!tarn_base_arena_check(arena, error)) return false;
    if (found == part->gone_count) return true;
    return tarn_base_error_set(error, TARN_E_TABLE_NOT_FOUND, "a row to be removed is not there");
}

static bool write_rows(SmallLake *lake, Work *work, const TarnIntent *intent, Rows *rows,
                       TarnArena *arena, TarnError *error) {
    const TarnTable *base = work->base;
    size_t size = 0;
    char uuid[TARN_OS_UUID_BYTES];
    const char *folder = tarn_base_arena_printf(arena, "%s/data", base->metadata->location);
    if (!tarn_os_uuid4(lake->os, uuid, error)) return false;
    const char *path = tarn_base_arena_printf(arena, "%s/%s-%.8s.parquet", folder, intent->id,
                                              uuid);
    if (!tarn_base_arena_check(arena, error) ||
        !tarn_store_prepare_directory(base->store, folder, error) ||
        !write_file(lake, path, rows, &size, error)) {
        return false;
    }
    work->added_path[0] = path;
    work->added[0] = (TarnDataFile){.content = TARN_CONTENT_DATA,
                                    .path = tarn_base_text(path),
                                    .format = TARN_TEXT("PARQUET"),
                                    .record_count = (int64_t)rows->count,
                                    .file_size = (int64_t)size,
                                    .sort_order_id = 0,
                                    .first_row_id = TARN_ABSENT,
                                    .content_offset = TARN_ABSENT,
                                    .content_size = TARN_ABSENT};
    return true;
}

static bool prepare_change(SmallLake *lake, Work *work, const TarnIntent *intent, TarnArena *arena,
                           TarnError *error) {
    const SmallPart *part = work->part;
    Rows rows = {0};
    if (part->kind != SMALL_APPEND && !choose_files(lake, work, arena, &rows, error)) return false;
    for (size_t i = 0; i < part->row_count; i++) {
        int *row = TARN_PUSH(arena, &rows);
        if (row != NULL) *row = part->rows[i];
    }
    if (!tarn_base_arena_check(arena, error)) return false;
    bool writes = rows.count > 0;
    if (writes && !write_rows(lake, work, intent, &rows, arena, error)) return false;
    work->change = (TarnSnapshotChange){
        .operation = part->kind == SMALL_APPEND    ? TARN_OPERATION_APPEND
                     : part->kind == SMALL_COMPACT ? TARN_OPERATION_REPLACE
                     : !writes                     ? TARN_OPERATION_DELETE
                                                   : TARN_OPERATION_OVERWRITE,
        .added = work->added,
        .added_count = writes,
        .added_sequence_number = TARN_ABSENT,
        .removed = work->removed,
        .removed_count = work->removed_count,
        .starting_snapshot_id =
            part->kind == SMALL_APPEND ? TARN_ABSENT : work->base->metadata->current_snapshot_id};
    work->options = (TarnProducerOptions){.os = lake->os,
                                          .store = work->base->store,
                                          .cache = tarn_catalog_manifest_cache(lake->catalog),
                                          .commit_id = intent->id};
    return tarn_table_snapshot_producer_new(&work->options, &work->change, &work->producer, error);
}

static bool prepare(SmallLake *lake, Work *work, const TarnIntent *intent, TarnArena *arena,
                    TarnCommitTable *table, TarnError *error) {
    if (work->part->kind == SMALL_SET) {
        work->property = (TarnProperty){"k", work->part->value};
        work->update = (TarnTableUpdate){
            .kind = TARN_UPDATE_SET_PROPERTIES, .properties = &work->property, .count = 1};
    } else if (!prepare_change(lake, work, intent, arena, error)) {
        return false;
    }
    bool sets = work->part->kind == SMALL_SET;
    *table = (TarnCommitTable){.name = work->base->name,
                               .base = work->base,
                               .updates = sets ? &work->update : NULL,
                               .update_count = sets,
                               .producer = work->producer,
                               .files = work->added_path,
                               .file_count = work->added_path[0] != NULL,
                               .evidence = {.schema_checked = true}};
    return true;
}

static bool take_intent(SmallLake *lake, const char *const *locations, size_t count,
                        TarnIntent *intent, TarnError *error) {
    if (lake->next_location != NULL && count == 1 &&
        strcmp(lake->next_location, locations[0]) == 0) {
        *intent = lake->next;
        free(lake->next_location);
        lake->next_location = NULL;
        return true;
    }
    return tarn_catalog_intent_begin(lake->catalog, locations, count, intent, error);
}

static void keep_intent(SmallLake *lake, const char *location, const TarnIntent *intent) {
    if (lake->next_location != NULL) {
        tarn_catalog_intent_abandon(lake->catalog, &lake->next);
        free(lake->next_location);
    }
    lake->next = *intent;
    lake->next_location = strdup(location);
}

static bool run_commit(SmallLake *lake, Work *works, size_t count, TarnCommit *commit,
                       TarnArena *arena, TarnError *error) {
    TarnIntent intent = {{0}};
    TarnIntent next = {{0}};
    const char **locations = TARN_NEW_ARRAY(arena, count, const char *);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < count; i++) {
        works[i].base = lake->stale;
        lake->stale = NULL;
        if (works[i].base == NULL &&
            !tarn_catalog_table_load(lake->catalog, name_of(works[i].part->table), &works[i].base,
                                     error)) {
            return false;
        }
        locations[i] = works[i].base->metadata->location;
    }
    if (!take_intent(lake, locations, count, &intent, error)) return false;
    commit->intent = &intent;
    if (lake->keeps_intents && count == 1) {
        commit->next_intent = &next;
        commit->next_locations = locations;
        commit->next_location_count = 1;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        ok = prepare(lake, &works[i], &intent, arena, &commit->tables[i], error);
    }
    ok = ok && tarn_catalog_commit(lake->catalog, commit, error);
    for (size_t i = 0; ok && i < count; i++) {
        tarn_catalog_table_release(commit->tables[i].committed);
    }
    if (ok && commit->next_intent != NULL) keep_intent(lake, locations[0], &next);
    if (!ok && !error->outcome_unknown) tarn_catalog_intent_abandon(lake->catalog, &intent);
    return ok;
}

bool small_lake_commit(SmallLake *lake, const SmallPart *parts, size_t count,
                       bool (*hook)(void *state, TarnDb *db, TarnError *error), void *hook_state,
                       TarnError *error) {
    TarnArena arena;
    tarn_base_arena_init(&arena, 16 * TARN_MIB);
    Work *works = TARN_NEW_ARRAY(&arena, count, Work);
    TarnCommitTable *tables = TARN_NEW_ARRAY(&arena, count, TarnCommitTable);
    bool ok = tarn_base_arena_check(&arena, error);
    if (ok) {
        TarnCommit commit = {
            .tables = tables, .table_count = count, .hook = hook, .hook_state = hook_state};
        for (size_t i = 0; i < count; i++) works[i].part = &parts[i];
        ok = run_commit(lake, works, count, &commit, &arena, error);
        for (size_t i = 0; i < count; i++) {
            tarn_table_snapshot_producer_free(works[i].producer);
            tarn_table_scan_plan_dispose(works[i].plan);
            tarn_catalog_table_release(works[i].base);
        }
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

bool small_lake_expire(SmallLake *lake, const char *name, TarnError *error) {
    const TarnTable *base = NULL;
    TarnArena arena;
    size_t count = 0;
    if (!tarn_catalog_table_load(lake->catalog, name_of(name), &base, error)) return false;
    tarn_base_arena_init(&arena, TARN_MIB);
    const TarnTableMetadata *metadata = base->metadata;
    int64_t *ids = TARN_NEW_ARRAY(&arena, metadata->snapshot_count + 1, int64_t);
    for (size_t i = 0; ids != NULL && i < metadata->snapshot_count; i++) {
        int64_t id = metadata->snapshots[i].id;
        if (id != metadata->current_snapshot_id) ids[count++] = id;
    }
    bool ok = tarn_base_arena_check(&arena, error);
    if (ok && count > 0) {
        TarnTableRequirement requirement = {.kind = TARN_REQUIRE_REF_SNAPSHOT_ID,
                                            .text = "main",
                                            .integer = metadata->current_snapshot_id};
        TarnTableUpdate update = {
            .kind = TARN_UPDATE_REMOVE_SNAPSHOTS, .ids = ids, .count = count};
        TarnCommitTable table = {.name = base->name,
                                 .base = base,
                                 .requirements = &requirement,
                                 .requirement_count = 1,
                                 .updates = &update,
                                 .update_count = 1};
        TarnCommit commit = {.tables = &table, .table_count = 1};
        ok = tarn_catalog_commit(lake->catalog, &commit, error);
        if (ok) tarn_catalog_table_release(table.committed);
    }
    tarn_base_arena_dispose(&arena);
    tarn_catalog_table_release(base);
    return ok;
}

/* ---- the judge --------------------------------------------------------------------------- */

static int compare_rows(const void *a, const void *b) {
    int x = *(const int *)a;
    int y = *(const int *)b;
    return (x > y) - (x < y);
}

static bool check_line(const TarnTableMetadata *metadata, TarnError *error) {
    for (size_t i = 1; i < metadata->snapshot_count; i++) {
        const TarnSnapshot *before = &metadata->snapshots[i - 1];
        const TarnSnapshot *snapshot = &metadata->snapshots[i];
        bool follows = snapshot->parent_id == before->id &&
                       snapshot->sequence_number == before->sequence_number + 1;
        if (!follows) {
            return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                       "snapshot %zu does not follow the one before", i);
        }
    }
    size_t count = metadata->snapshot_count;
    if (count == 0 || metadata->snapshots[count - 1].id == metadata->current_snapshot_id) {
        return true;
    }
    return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                               "the current snapshot is not the last");
}

/* Reads every file of a snapshot; the rows in order. */
static bool read_snapshot(SmallLake *lake, const TarnTable *table, const TarnSnapshot *snapshot,
                          TarnManifestCache *cache, TarnArena *arena, Rows *rows,
                          TarnError *error) {
    TarnScanPlan *plan = NULL;
    if (!plan_snapshot(lake, table, snapshot, cache, arena, &plan, error)) return false;
    bool ok = true;
    for (size_t i = 0; ok && i < plan->task_count; i++) {
        ok = read_file(table, plan->tasks[i].file, arena, rows, error);
    }
    tarn_table_scan_plan_dispose(plan);
    if (rows->count > 1) qsort(rows->items, rows->count, sizeof(int), compare_rows);
    return ok;
}

static bool describe_table(SmallLake *lake, TarnTableName name, TarnArena *arena, TarnBuffer *out,
                           TarnError *error) {
    const TarnTable *table = NULL;
    TarnManifestCache *cache = NULL;
    Rows rows = {0};
    if (!tarn_catalog_table_load(lake->catalog, name, &table, error)) return false;
    const TarnTableMetadata *metadata = table->metadata;
    bool ok = tarn_table_manifest_cache_new(TARN_MIB, &cache, error) && check_line(metadata, error);
    for (size_t i = 0; ok && i < metadata->snapshot_count; i++) {
        rows = (Rows){0};
        ok = read_snapshot(lake, table, &metadata->snapshots[i], cache, arena, &rows, error);
    }
    if (ok) {
        const char *k = tarn_table_metadata_property(metadata, "k");
        tarn_base_buffer_printf(out, "%s k=%s:", name.name, k != NULL ? k : "");
        for (size_t i = 0; i < rows.count; i++) tarn_base_buffer_printf(out, " %d", rows.items[i]);
        tarn_base_buffer_string(out, "; ");
    }
    tarn_table_manifest_cache_free(cache);
    tarn_catalog_table_release(table);
    return ok;
}

bool small_lake_describe(SmallLake *lake, TarnArena *arena, const char **text, TarnError *error) {
    TarnRelation *relations = NULL;
    size_t count = 0;
    TarnBuffer out;
    tarn_base_buffer_init(&out, TARN_MIB);
    bool ok = tarn_catalog_list(lake->catalog, NULL, arena, &relations, &count, error);
    for (size_t i = 0; ok && i < count; i++) {
        if (relations[i].kind == TARN_RELATION_TABLE) {
            ok = describe_table(lake, relations[i].name, arena, &out, error);
        } else {
            TarnView *view = NULL;
            ok = tarn_catalog_view_find(lake->catalog, relations[i].name, arena, &view, error);
            if (ok && view != NULL) {
                tarn_base_buffer_printf(&out, "%s: %s; ", view->name.name, view->sql);
            }
        }
    }
    ok = ok && tarn_base_buffer_check(&out, error);
    *text = ok ? tarn_base_text_string(arena, tarn_base_buffer_view(&out)) : NULL;
    tarn_base_buffer_dispose(&out);
    return ok && tarn_base_arena_check(arena, error);
}

/* ---- files that nothing refers to -------------------------------------------------------- */

static void refer(TarnMap *known, const char *path) {
    static char yes;
    tarn_base_map_put(known, tarn_base_text(path), &yes);
}

static bool refer_snapshot(SmallLake *lake, const TarnTable *table, const TarnSnapshot *snapshot,
                           TarnMap *known, TarnArena *arena, TarnError *error) {
    TarnManifestCache *cache = tarn_catalog_manifest_cache(lake->catalog);
    TarnScanPlan *plan = NULL;
    const TarnManifestListPin *list = NULL;
    if (!plan_snapshot(lake, table, snapshot, cache, arena, &plan, error)) return false;
    for (size_t i = 0; i < plan->task_count; i++) {
        refer(known, tarn_base_text_string(arena, plan->tasks[i].file->path));
    }
    tarn_table_scan_plan_dispose(plan);
    refer(known, tarn_base_arena_string(arena, snapshot->manifest_list));
    if (!tarn_table_manifest_list_acquire(cache, table->store, snapshot->manifest_list, &list,
                                          error)) {
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        refer(known, tarn_base_text_string(arena, list->manifests[i].path));
    }
    tarn_table_manifest_list_release(list);
    return tarn_base_arena_check(arena, error);
}

typedef struct Orphans {
    TarnMap known;
    TarnArena *arena;
    size_t count;
    const char *first;
} Orphans;

static bool visit_object(void *state, const TarnStoreObject *object, TarnError *error) {
    Orphans *orphans = state;
    (void)error;
    if (tarn_base_map_has(&orphans->known, tarn_base_text(object->location))) return true;
    if (orphans->count++ == 0) {
        orphans->first = tarn_base_arena_string(orphans->arena, object->location);
    }
    return true;
}

static bool refer_table(SmallLake *lake, TarnTableName name, Orphans *orphans, TarnError *error) {
    const TarnTable *table = NULL;
    TarnArena *arena = orphans->arena;
    if (!tarn_catalog_table_load(lake->catalog, name, &table, error)) return false;
    const TarnTableMetadata *metadata = table->metadata;
    refer(&orphans->known, tarn_base_arena_string(arena, table->metadata_location));
    for (size_t i = 0; i < metadata->metadata_log_count; i++) {
        refer(&orphans->known,
              tarn_base_arena_string(arena, metadata->metadata_log[i].metadata_file));
    }
    bool ok = true;
    for (size_t i = 0; ok && i < metadata->snapshot_count; i++) {
        ok = refer_snapshot(lake, table, &metadata->snapshots[i], &orphans->known, arena, error);
    }
    tarn_catalog_table_release(table);
    return ok;
}

static bool refer_view(SmallLake *lake, TarnTableName name, Orphans *orphans, TarnError *error) {
    TarnView *view = NULL;
    if (!tarn_catalog_view_find(lake->catalog, name, orphans->arena, &view, error)) return false;
    if (view != NULL) refer(&orphans->known, view->metadata_location);
    return true;
}

bool small_lake_orphans(SmallLake *lake, TarnArena *arena, size_t *count, const char **first,
                        TarnError *error) {
    Orphans orphans = {.arena = arena};
    TarnRelation *relations = NULL;
    tarn_base_map_init(&orphans.known, arena);
    size_t relation_count = 0;
    bool ok = tarn_catalog_list(lake->catalog, NULL, arena, &relations, &relation_count, error);
    for (size_t i = 0; ok && i < relation_count; i++) {
        ok = relations[i].kind == TARN_RELATION_TABLE
                 ? refer_table(lake, relations[i].name, &orphans, error)
                 : refer_view(lake, relations[i].name, &orphans, error);
    }
    ok = ok && tarn_store_list(tarn_catalog_store(lake->catalog), SMALL_LAKE_WAREHOUSE,
                               visit_object, &orphans, error);
    *count = orphans.count;
    *first = orphans.first;
    return ok;
}

int64_t small_lake_intents(SmallLake *lake) {
    int64_t count = -1;
    bool found = false;
    if (!tarn_db_query_int64(lake->db, "select count(*) from tarn_intent", NULL, 0, &count, &found,
                             NULL)) {
        return -1;
    }
    return count;
}
