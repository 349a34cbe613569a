/* Dropped tables on record: dropped, brought back, listed. Deleting their files is in purge.c.
 */
#include "catalog/dropped.h"

#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "catalog/catalog_private.h"

/* No namespace: names of zones have no such character. */
#define DROPPED_NS "$dropped"

bool tarn_catalog_name_is_dropped(TarnTableName name) { return strcmp(name.ns, DROPPED_NS) == 0; }

TarnTableName tarn_catalog__dropped_name(const char *id) {
    return (TarnTableName){.ns = DROPPED_NS, .name = id};
}

/* --- what others keep by a table's name --- */

bool tarn_catalog__followers_move(TarnCatalog *catalog, TarnTableName from, TarnTableName to,
                                  TarnError *error) {
    for (size_t i = 0; i < catalog->options.follower_count; i++) {
        if (!catalog->options.followers[i].move(catalog->options.db, from, to, error)) {
            return false;
        }
    }
    return true;
}

bool tarn_catalog__followers_forget(TarnCatalog *catalog, TarnTableName name, TarnError *error) {
    for (size_t i = 0; i < catalog->options.follower_count; i++) {
        if (!catalog->options.followers[i].forget(catalog->options.db, name, error)) return false;
    }
    return true;
}

/* --- drop --- */

bool tarn_catalog__drop_table(TarnCatalog *catalog, TarnTableName name, const char *location,
                              char id[TARN_OS_UUID_BYTES], TarnError *error) {
    TarnDb *db = catalog->options.db;
    const TarnOs *os = catalog->options.os;
    return tarn_os_uuid7(os, id, error) &&
           tarn_db_execute(db,
                           "insert into tarn_dropped (id, ns, name, metadata_location, table_uuid,"
                           " dropped_at_ms, dropped_by) values ($1, $2, $3, $4, coalesce((select"
                           " table_uuid from tarn_table where ns = $2 and name = $3), ''), $5, $6)",
                           TARN_DB_VALUES(tarn_db_string(id), tarn_db_string(name.ns),
                                          tarn_db_string(name.name), tarn_db_string(location),
                                          tarn_db_int64(tarn_os_clock_ms(os)),
                                          tarn_db_string(catalog->options.user)),
                           NULL, error) &&
           tarn_db_execute(db,
                           "delete from iceberg_tables where catalog_name = $1 and"
                           " table_namespace = $2 and table_name = $3",
                           TARN_DB_VALUES(tarn_catalog__name(), tarn_db_string(name.ns),
                                          tarn_db_string(name.name)),
                           NULL, error) &&
           tarn_db_execute(db, "delete from tarn_table where ns = $1 and name = $2",
                           TARN_DB_VALUES(tarn_db_string(name.ns), tarn_db_string(name.name)),
                           NULL, error) &&
           tarn_catalog__followers_move(catalog, name, tarn_catalog__dropped_name(id), error);
}

/* --- listing --- */

static bool in_prefix(TarnText prefix, TarnText ns) {
    if (prefix.size == 0) return true;
    return ns.size >= prefix.size && strncasecmp(ns.data, prefix.data, prefix.size) == 0 &&
           (ns.size == prefix.size || ns.data[prefix.size] == '.');
}

bool tarn_catalog_dropped_list(TarnCatalog *catalog, const char *prefix, TarnArena *arena,
                               TarnDropped **dropped, size_t *count, TarnError *error) {
    struct {
        TarnDropped *items;
        size_t count;
        size_t capacity;
    } list = {0};
    TarnDbRows *rows = NULL;
    bool more = false;
    bool ok = tarn_db_query(catalog->options.db,
                            "select id, ns, name, metadata_location, table_uuid, dropped_at_ms,"
                            " dropped_by, purge_started_at_ms is not null from tarn_dropped"
                            " order by dropped_at_ms desc, id desc",
                            NULL, 0, &rows, error);
    while (ok && (ok = tarn_db_next(rows, &more, error)) && more) {
        if (!in_prefix(tarn_base_text(prefix), tarn_db_column_text(rows, 1))) continue;
        TarnDropped *one = TARN_PUSH(arena, &list);
        if (one == NULL) break;
        *one = (TarnDropped){.id = tarn_db_column_string(rows, 0, arena),
                             .name = {tarn_db_column_string(rows, 1, arena),
                                      tarn_db_column_string(rows, 2, arena)},
                             .metadata_location = tarn_db_column_string(rows, 3, arena),
                             .uuid = tarn_db_column_string(rows, 4, arena),
                             .dropped_at_ms = tarn_db_column_int64(rows, 5),
                             .by = tarn_db_column_string(rows, 6, arena),
                             .purging = tarn_db_column_int64(rows, 7) != 0};
    }
    tarn_db_rows_close(rows);
    *dropped = list.items;
    *count = list.count;
    return ok && tarn_base_arena_check(arena, error);
}

/* --- undrop --- */

static bool refuse_unknown(TarnTableName name, bool purging, TarnError *error) {
    if (purging) {
        return tarn_base_error_set(error, TARN_E_OBJECT_NOT_FOUND,
                                   "the dropped table \"%s.%s\" is being purged: some of its files "
                                   "are gone",
                                   name.ns, name.name);
    }
    tarn_base_error_set(error, TARN_E_TABLE_NOT_FOUND,
                        "no dropped table \"%s.%s\" is on record", name.ns, name.name);
    return tarn_base_error_hint(error, "see what there is: tarn ls --dropped");
}

static bool find_dropped(TarnCatalog *catalog, TarnTableName name, TarnArena *arena,
                         TarnDropped *found, TarnError *error) {
    TarnDropped *items = NULL;
    size_t count = 0;
    bool purging = false;
    if (!tarn_catalog_dropped_list(catalog, name.ns, arena, &items, &count, error)) return false;
    for (size_t i = 0; i < count; i++) {
        if (!tarn_catalog_name_equal(items[i].name, name)) continue;
        purging = items[i].purging;
        if (purging) continue;
        *found = items[i];
        return true;
    }
    return refuse_unknown(name, purging, error);
}

/* Two names for the files of one table: the writes of one would be lost to the other. */
static bool refuse_second_name(TarnCatalog *catalog, const TarnDropped *dropped,
                               TarnError *error) {
    TarnDbRows *rows = NULL;
    bool more = false;
    bool ok = tarn_db_query(catalog->options.db,
                            "select t.ns, t.name from tarn_table t join iceberg_tables i on"
                            " i.table_namespace = t.ns and i.table_name = t.name and"
                            " i.catalog_name = $2 where t.table_uuid = $1 and $1 <> ''",
                            TARN_DB_VALUES(tarn_db_string(dropped->uuid), tarn_catalog__name()),
                            &rows, error) &&
              tarn_db_next(rows, &more, error);
    if (ok && more) {
        ok = tarn_base_error_set(error, TARN_E_TABLE_EXISTS,
                                 "the dropped table \"%s.%s\" is a table of this lake again, by "
                                 "the name \"%.*s.%.*s\"",
                                 dropped->name.ns, dropped->name.name,
                                 TARN_TEXT_ARG(tarn_db_column_text(rows, 0)),
                                 TARN_TEXT_ARG(tarn_db_column_text(rows, 1)));
    }
    tarn_db_rows_close(rows);
    return ok;
}

/* A table whose snapshot cannot be read is no table. */
static bool check_files(const TarnTable *table, TarnError *error) {
    const TarnSnapshot *snapshot = tarn_table_metadata_current_snapshot(table->metadata);
    TarnStoreObject object = {0};
    if (snapshot == NULL || snapshot->manifest_list == NULL) return true;
    if (!tarn_store_stat(table->store, snapshot->manifest_list, &object, error)) return false;
    return object.exists || tarn_base_error_set(error, TARN_E_OBJECT_NOT_FOUND,
                                                "the manifest list \"%s\" is gone",
                                                snapshot->manifest_list);
}

static bool restore_rows(TarnCatalog *catalog, const TarnDropped *dropped, TarnTableName name,
                         const TarnTable *table, TarnError *error) {
    TarnDb *db = catalog->options.db;
    return tarn_catalog_namespace_create(catalog, name.ns, true, error) &&
           tarn_db_execute(db,
                           "insert into iceberg_tables (catalog_name, table_namespace, table_name,"
                           " metadata_location, iceberg_type) values ($1, $2, $3, $4, 'TABLE')",
                           TARN_DB_VALUES(tarn_catalog__name(), tarn_db_string(name.ns),
                                          tarn_db_string(name.name),
                                          tarn_db_string(dropped->metadata_location)),
                           NULL, error) &&
           tarn_catalog__numbers_write(catalog, name, dropped->metadata_location, table->metadata,
                                       error) &&
           tarn_db_execute(db, "delete from tarn_dropped where id = $1",
                           TARN_DB_VALUES(tarn_db_string(dropped->id)), NULL, error) &&
           tarn_catalog__followers_move(catalog, tarn_catalog__dropped_name(dropped->id), name,
                                        error);
}

bool tarn_catalog_undrop(TarnCatalog *catalog, TarnTableName name, const TarnTableName *as,
                         TarnArena *arena, TarnDropped *restored, TarnError *error) {
    TarnDb *db = catalog->options.db;
    const TarnTable *table = NULL;
    if (catalog->options.read_only) {
        return tarn_base_error_set(error, TARN_E_DENIED_BY_SYSTEM,
                                   "the lake was opened for reading only");
    }
    bool ok = tarn_db_begin(db, TARN_DB_WRITE, error) &&
              find_dropped(catalog, name, arena, restored, error);
    TarnTableName target = as != NULL ? *as : ok ? restored->name : name;
    ok = ok && tarn_catalog__check_free(catalog, target, error) &&
         refuse_second_name(catalog, restored, error);
    if (ok) {
        ok = tarn_catalog__table_at(catalog, target, restored->metadata_location, &table, error) &&
             check_files(table, error);
        if (!ok) {
            tarn_base_error_context(error, "while the dropped table \"%s.%s\" was brought back",
                                    name.ns, name.name);
        }
    }
    ok = ok && restore_rows(catalog, restored, target, table, error) && tarn_db_commit(db, error);
    if (!ok) tarn_db_rollback(db);
    tarn_catalog_table_release(table);
    return ok;
}
