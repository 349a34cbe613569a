/* Purging dropped tables: the only place of the catalog that deletes files which were committed.
 *
 * Nothing is deleted by listing a folder: only what the table's metadata names, and of that only
 * what lies in the table's own folder, which no other table may share. The record says that a
 * purge has begun before the first file goes, so that the table cannot be brought back in part;
 * the metadata file goes last, so that an interrupted purge still knows the rest.
 */
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "catalog/catalog_private.h"
#include "catalog/dropped.h"
#include "table/reachable.h"

#define BATCH_FILES 1000 /* what S3 deletes by one request */

typedef struct Purge {
    TarnCatalog *catalog;
    const TarnTable *table;
    bool dry_run;
    TarnPurged *purged;
    TarnTableFileKind kind; /* of the files that are to be deleted together */
    TarnArena arena;        /* of their paths */
    const char *paths[BATCH_FILES];
    int64_t bytes[BATCH_FILES];
    size_t count;
} Purge;

/* --- what must hold --- */

/* Refuses if a row of the statement (namespace, name, metadata location) is of another table and
 * has its metadata inside this one's folder. `skip` NULL = no row is the table's own. */
static bool refuse_sharer(TarnCatalog *catalog, const char *sql, const char *id,
                          const TarnTableName *skip, const TarnTable *table, TarnError *error) {
    TarnDbRows *rows = NULL;
    bool more = false;
    bool ok = tarn_db_query(catalog->options.db, sql,
                            TARN_DB_VALUES(tarn_catalog__name(), tarn_db_string(id)), &rows,
                            error);
    while (ok && (ok = tarn_db_next(rows, &more, error)) && more) {
        TarnText ns = tarn_db_column_text(rows, 0);
        TarnText name = tarn_db_column_text(rows, 1);
        TarnText metadata = tarn_db_column_text(rows, 2);
        bool own = skip != NULL && tarn_base_text_is(ns, skip->ns) &&
                   tarn_base_text_is(name, skip->name);
        if (own || metadata.data == NULL ||
            !tarn_store_inside(tarn_base_text(table->metadata->location), metadata)) {
            continue;
        }
        ok = tarn_base_error_set(error, TARN_E_PURGE_REFUSED,
                                 "the table \"%.*s.%.*s\" has files in the folder of \"%s.%s\": "
                                 "nothing is deleted",
                                 TARN_TEXT_ARG(ns), TARN_TEXT_ARG(name), table->name.ns,
                                 table->name.name);
        tarn_base_error_hint(error, "DROP TABLE without PURGE leaves all files");
    }
    tarn_db_rows_close(rows);
    return ok;
}

/* `id` of the drop, or "" with the name of a table that is still there. */
static bool check_own_folder(TarnCatalog *catalog, const TarnTable *table, const char *id,
                             TarnError *error) {
    return refuse_sharer(catalog,
                         "select table_namespace, table_name, metadata_location from"
                         " iceberg_tables where catalog_name = $1 and $2 is not null",
                         id, id[0] == '\0' ? &table->name : NULL, table, error) &&
           refuse_sharer(catalog,
                         "select ns, name, metadata_location from tarn_dropped where $1 <> '' and"
                         " id <> $2",
                         id, NULL, table, error);
}

static bool in_warehouse(const TarnCatalog *catalog, const TarnTable *table) {
    TarnText warehouse = tarn_base_text(catalog->options.warehouse);
    TarnText location = tarn_base_text(table->metadata->location);
    return tarn_store_inside(warehouse, location) && !tarn_store_inside(location, warehouse);
}

/* --- deleting --- */

static bool flush(Purge *purge, TarnError *error) {
    bool removed[BATCH_FILES];
    size_t count = purge->count;
    purge->count = 0;
    bool ok = purge->dry_run ||
              tarn_store_delete_many(purge->table->store, purge->paths, count, removed, error);
    for (size_t i = 0; i < count; i++) {
        if (!purge->dry_run && !removed[i]) continue;
        purge->purged->files++;
        purge->purged->bytes += purge->bytes[i];
    }
    tarn_base_arena_dispose(&purge->arena);
    tarn_base_arena_init(&purge->arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    return ok && (purge->dry_run || count == 0 || !TARN_FAULT("catalog.purge.after_batch", error));
}

static bool delete_later(Purge *purge, const char *location, int64_t bytes, TarnError *error) {
    TarnStoreObject object = {.exists = true};
    if ((purge->dry_run || bytes == TARN_ABSENT) &&
        !tarn_store_stat(purge->table->store, location, &object, error)) {
        return false;
    }
    if (!object.exists) return true;
    if (!tarn_store_contains(purge->table->store, location, error)) return false;
    purge->paths[purge->count] = location;
    purge->bytes[purge->count++] = bytes == TARN_ABSENT ? (int64_t)object.size : bytes;
    return purge->count < BATCH_FILES || flush(purge, error);
}

/* Files of one kind go before what leads to them may be deleted too. */
static bool delete_file(void *state, const TarnTableFile *file, TarnError *error) {
    Purge *purge = state;
    if (file->path.size == 0) return true;
    if (!tarn_store_inside(tarn_base_text(purge->table->metadata->location), file->path)) {
        purge->purged->kept++;
        return true;
    }
    if (file->kind != purge->kind && !flush(purge, error)) return false;
    purge->kind = file->kind;
    const char *location = tarn_base_text_string(&purge->arena, file->path);
    return tarn_base_arena_check(&purge->arena, error) &&
           delete_later(purge, location, file->bytes, error);
}

/* What an interrupted purge has deleted already is no error. */
static bool delete_snapshots(Purge *purge, TarnArena *arena, TarnError *error) {
    const TarnOs *os = purge->catalog->options.os;
    TarnTableMetadata metadata = *purge->table->metadata;
    TarnReachable nothing = {0};
    size_t missing = 0;
    const TarnSnapshot **all = TARN_NEW_ARRAY(arena, metadata.snapshot_count + 1,
                                              const TarnSnapshot *);
    metadata.statistics_count = metadata.partition_statistics_count = 0; /* delete_rest */
    for (size_t i = 0; all != NULL && i < metadata.snapshot_count; i++) {
        all[i] = &metadata.snapshots[i];
    }
    bool ok = tarn_base_arena_check(arena, error) &&
              tarn_table_reachable_init(&nothing, os, purge->table->store, error);
    nothing.with_removed = true;
    ok = ok && tarn_table_unreachable_visit(&nothing, &metadata, os, all, metadata.snapshot_count,
                                            delete_file, purge, &missing, error);
    tarn_table_reachable_dispose(&nothing);
    return ok;
}

static bool delete_but_metadata(void *state, const TarnTableFile *file, TarnError *error) {
    const Purge *purge = state;
    return tarn_base_text_is(file->path, purge->table->metadata_location) ||
           delete_file(state, file, error);
}

/* Statistics, also those of snapshots that are gone, and older metadata files. */
static bool delete_rest(Purge *purge, TarnError *error) {
    TarnTableMetadata metadata = *purge->table->metadata;
    TarnReachable rest = {0};
    metadata.snapshot_count = 0;
    bool ok = tarn_table_reachable_init(&rest, purge->catalog->options.os, purge->table->store,
                                        error);
    rest.visit = delete_but_metadata;
    rest.visit_state = purge;
    ok = ok && tarn_table_reachable_add_table(&rest, &metadata, purge->table->metadata_location,
                                              error);
    tarn_table_reachable_dispose(&rest);
    return ok;
}

/* In an order in which what is left always leads to the rest. */
static bool delete_all(Purge *purge, TarnArena *arena, TarnError *error) {
    TarnTableFile last = {.path = tarn_base_text(purge->table->metadata_location),
                          .kind = TARN_TABLE_FILE_METADATA,
                          .bytes = TARN_ABSENT};
    return delete_snapshots(purge, arena, error) && delete_rest(purge, error) &&
           flush(purge, error) && delete_file(purge, &last, error) && flush(purge, error);
}

static bool delete_files(Purge *purge, TarnError *error) {
    TarnArena arena;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    tarn_base_arena_init(&purge->arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok = delete_all(purge, &arena, error);
    tarn_base_arena_dispose(&purge->arena);
    tarn_base_arena_dispose(&arena);
    return ok;
}

/* --- one dropped table --- */

/* In one transaction with the check that nobody else has files there: from here on the table cannot
 * be brought back. *is_there false = it was brought back, or purged, meanwhile. */
static bool mark_begun(TarnCatalog *catalog, const TarnTable *table, const char *id,
                       bool *is_there, TarnError *error) {
    TarnDb *db = catalog->options.db;
    int64_t changed = 0;
    bool ok = tarn_db_begin(db, TARN_DB_WRITE, error) &&
              tarn_db_execute(db,
                              "update tarn_dropped set purge_started_at_ms ="
                              " coalesce(purge_started_at_ms, $2) where id = $1",
                              TARN_DB_VALUES(tarn_db_string(id),
                                             tarn_db_int64(tarn_os_clock_ms(catalog->options.os))),
                              &changed, error) &&
              (changed == 0 || check_own_folder(catalog, table, id, error)) &&
              tarn_db_commit(db, error);
    if (!ok) tarn_db_rollback(db);
    *is_there = changed > 0;
    return ok;
}

static bool forget(TarnCatalog *catalog, const char *id, TarnError *error) {
    TarnDb *db = catalog->options.db;
    bool ok = tarn_db_begin(db, TARN_DB_WRITE, error) &&
              tarn_db_execute(db, "delete from tarn_dropped where id = $1",
                              TARN_DB_VALUES(tarn_db_string(id)), NULL, error) &&
              tarn_catalog__followers_forget(catalog, tarn_catalog__dropped_name(id), error) &&
              tarn_db_commit(db, error);
    if (!ok) tarn_db_rollback(db);
    return ok;
}

static bool purge_table(TarnCatalog *catalog, const TarnDropped *dropped, const TarnTable *table,
                        bool force, bool dry_run, TarnPurged *purged, TarnError *error) {
    Purge purge = {.catalog = catalog, .table = table, .dry_run = dry_run, .purged = purged};
    bool own = in_warehouse(catalog, table);
    if (TARN_FAULT("catalog.purge.before_begin", error)) return false;
    if (own || force) {
        bool is_there = true;
        if (!(dry_run ? check_own_folder(catalog, table, dropped->id, error)
                      : mark_begun(catalog, table, dropped->id, &is_there, error))) {
            return false;
        }
        if (!is_there) return true;
        if (!delete_files(&purge, error)) return false;
    }
    purged->tables += own || force;
    purged->left += !own && !force;
    return dry_run || forget(catalog, dropped->id, error);
}

static bool purge_row(TarnCatalog *catalog, const TarnDropped *dropped, bool force, bool dry_run,
                      TarnPurged *purged, TarnError *error) {
    const TarnTable *table = NULL;
    if (!tarn_catalog__table_at(catalog, dropped->name, dropped->metadata_location, &table,
                                error)) {
        if (error->code != TARN_E_OBJECT_NOT_FOUND) return false;
        tarn_base_error_clear(error); /* there is nothing left that would tell of files */
        purged->tables++;
        return dry_run || forget(catalog, dropped->id, error);
    }
    bool ok = purge_table(catalog, dropped, table, force, dry_run, purged, error);
    tarn_catalog_table_release(table);
    return ok || tarn_base_error_context(error, "while the dropped table \"%s.%s\" was purged",
                                         dropped->name.ns, dropped->name.name);
}

bool tarn_catalog_dropped_purge(TarnCatalog *catalog, int64_t before_ms, bool dry_run,
                                TarnPurged *purged, TarnError *error) {
    TarnArena arena;
    TarnDropped *dropped = NULL;
    size_t count = 0;
    *purged = (TarnPurged){0};
    if (catalog->options.read_only && !dry_run) {
        return tarn_base_error_set(error, TARN_E_DENIED_BY_SYSTEM,
                                   "the lake was opened for reading only");
    }
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok = tarn_catalog_dropped_list(catalog, NULL, &arena, &dropped, &count, error);
    TarnError first = {0};
    for (size_t i = ok ? count : 0; i > 0; i--) { /* the oldest first */
        TarnError failure = {0};
        const TarnDropped *one = &dropped[i - 1];
        if (one->dropped_at_ms >= before_ms && !one->purging) continue;
        if (tarn_os_interrupt_check(&failure) &&
            purge_row(catalog, one, false, dry_run, purged, &failure)) {
            continue;
        }
        if (ok) first = failure;
        ok = false;
        if (failure.code == TARN_E_INTERRUPTED) break;
    }
    if (!ok && first.code != TARN_OK) *error = first;
    tarn_base_arena_dispose(&arena);
    return ok;
}

/* --- DROP TABLE .. PURGE --- */

static bool check_purge(TarnCatalog *catalog, TarnTableName *name, bool force, TarnError *error) {
    const TarnTable *table = NULL;
    if (!tarn_catalog_table_load(catalog, *name, &table, error)) return false;
    bool ok = force || in_warehouse(catalog, table);
    if (!ok) {
        tarn_base_error_set(error, TARN_E_PURGE_REFUSED,
                            "the table \"%s.%s\" lies outside the warehouse, in \"%s\": its files "
                            "may be others' too",
                            name->ns, name->name, table->metadata->location);
        tarn_base_error_hint(error, "DROP TABLE without PURGE forgets the name; PURGE FORCE "
                                    "deletes the files");
    }
    ok = ok && check_own_folder(catalog, table, "", error);
    tarn_catalog_table_release(table);
    return ok;
}

bool tarn_catalog_drop_purge(TarnCatalog *catalog, TarnTableName name, bool force,
                             TarnPurged *purged, TarnError *error) {
    TarnDb *db = catalog->options.db;
    TarnArena arena;
    TarnDropped dropped = {0};
    char id[TARN_OS_UUID_BYTES];
    *purged = (TarnPurged){0};
    if (!check_purge(catalog, &name, force, error)) return false;
    tarn_base_arena_init(&arena, TARN_MIB);
    bool ok = tarn_db_begin(db, TARN_DB_WRITE, error) &&
              tarn_catalog__pointer_read(catalog, &name, &arena, &dropped.metadata_location,
                                         error) &&
              (dropped.metadata_location != NULL ||
               tarn_catalog__refuse_missing(catalog, name, error)) &&
              tarn_catalog__drop_table(catalog, name, dropped.metadata_location, id, error) &&
              tarn_db_commit(db, error);
    if (!ok) tarn_db_rollback(db);
    if (ok) {
        dropped.id = id;
        dropped.name = name;
        ok = purge_row(catalog, &dropped, force, false, purged, error);
        if (!ok && error->hint[0] == '\0') {
            tarn_base_error_hint(error, "the table is dropped; maintenance deletes what is left");
        }
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}
