/* Views: a SELECT under a name.
 */
#include "base/limits.h"
#include "catalog/catalog_private.h"

bool tarn_catalog_view_find(TarnCatalog *catalog, TarnTableName name, TarnArena *arena,
                            TarnView **view, TarnError *error) {
    TarnDbRows *rows = NULL;
    bool more = false;
    *view = NULL;
    bool ok = tarn_db_query(catalog->options.db,
                            "select ns, name, sql, schema_json, created_at_ms from tarn_view where"
                            " lower(ns) = lower($1) and lower(name) = lower($2)",
                            TARN_DB_VALUES(tarn_db_string(name.ns), tarn_db_string(name.name)),
                            &rows, error) &&
              tarn_db_next(rows, &more, error);
    if (ok && more && (*view = TARN_NEW(arena, TarnView)) != NULL) {
        (*view)->name.ns = tarn_db_column_string(rows, 0, arena);
        (*view)->name.name = tarn_db_column_string(rows, 1, arena);
        (*view)->sql = tarn_db_column_string(rows, 2, arena);
        (*view)->schema_json = tarn_db_column_string(rows, 3, arena);
        (*view)->created_at_ms = tarn_db_column_int64(rows, 4);
    }
    tarn_db_rows_close(rows);
    return ok && tarn_base_arena_check(arena, error);
}

static bool check_no_table(TarnCatalog *catalog, TarnTableName name, TarnError *error) {
    TarnArena arena;
    const char *location = NULL;
    tarn_base_arena_init(&arena, TARN_MIB);
    bool ok = tarn_catalog__pointer_read(catalog, &name, &arena, &location, error);
    if (ok && location != NULL) {
        ok = tarn_base_error_set(error, TARN_E_TABLE_EXISTS, "table \"%s.%s\" exists already",
                                 name.ns, name.name);
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

static bool put_row(TarnCatalog *catalog, const TarnView *view, bool or_replace,
                    TarnError *error) {
    TarnDb *db = catalog->options.db;
    int64_t now = tarn_os_clock_ms(catalog->options.os);
    if (or_replace &&
        !tarn_db_execute(db,
                         "delete from tarn_view where lower(ns) = lower($1) and lower(name) ="
                         " lower($2)",
                         TARN_DB_VALUES(tarn_db_string(view->name.ns),
                                        tarn_db_string(view->name.name)),
                         NULL, error)) {
        return false;
    }
    if (tarn_db_execute(db,
                        "insert into tarn_view (ns, name, sql, schema_json, created_at_ms) values"
                        " ($1, $2, $3, $4, $5)",
                        TARN_DB_VALUES(tarn_db_string(view->name.ns),
                                       tarn_db_string(view->name.name),
                                       tarn_db_string(view->sql),
                                       tarn_db_string(view->schema_json), tarn_db_int64(now)),
                        NULL, error)) {
        return true;
    }
    if (error->code != TARN_E_OBJECT_EXISTS) return false;
    return tarn_base_error_set(error, TARN_E_TABLE_EXISTS, "view \"%s.%s\" exists already",
                               view->name.ns, view->name.name);
}

bool tarn_catalog_view_put(TarnCatalog *catalog, const TarnView *view, bool or_replace,
                           TarnError *error) {
    TarnDb *db = catalog->options.db;
    bool ok = tarn_db_begin(db, TARN_DB_WRITE, error) &&
              check_no_table(catalog, view->name, error) &&
              tarn_catalog_namespace_create(catalog, view->name.ns, true, error) &&
              put_row(catalog, view, or_replace, error) && tarn_db_commit(db, error);
    if (!ok) tarn_db_rollback(db);
    return ok;
}
