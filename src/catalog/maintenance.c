/* What maintenance of tables asks of the catalog: which files may still be written, and who else
 * has files in a table's folder.
 */
#include <string.h>

#include "catalog/catalog_private.h"

bool tarn_catalog_intent_ids(TarnCatalog *catalog, TarnArena *arena, const char ***ids,
                             size_t *count, TarnError *error) {
    return tarn_catalog__texts(catalog, "select distinct id from tarn_intent order by 1", NULL, 0,
                               arena, ids, count, error);
}

/* Rows of namespace, name and metadata location. */
static bool find_inside(TarnCatalog *catalog, const char *sql, TarnTableName name, bool skip_own,
                        const char *location, TarnArena *arena, const char **other,
                        TarnError *error) {
    TarnDbRows *rows = NULL;
    bool more = false;
    bool ok = tarn_db_query(catalog->options.db, sql, TARN_DB_VALUES(tarn_catalog__name()), &rows,
                            error);
    while (ok && *other == NULL && (ok = tarn_db_next(rows, &more, error)) && more) {
        TarnTableName found = {tarn_db_column_string(rows, 0, arena),
                               tarn_db_column_string(rows, 1, arena)};
        const char *metadata = tarn_db_column_string(rows, 2, arena);
        ok = tarn_base_arena_check(arena, error);
        if (!ok || metadata == NULL || (skip_own && tarn_catalog_name_equal(found, name))) continue;
        if (!tarn_store_inside(tarn_base_text(location), tarn_base_text(metadata))) continue;
        *other = tarn_catalog_name_text(found, arena);
    }
    tarn_db_rows_close(rows);
    return ok && tarn_base_arena_check(arena, error);
}

bool tarn_catalog_location_shared(TarnCatalog *catalog, TarnTableName name, const char *location,
                                  TarnArena *arena, const char **other, TarnError *error) {
    *other = NULL;
    return find_inside(catalog,
                       "select table_namespace, table_name, metadata_location from iceberg_tables"
                       " where catalog_name = $1",
                       name, true, location, arena, other, error) &&
           find_inside(catalog,
                       "select ns, name, metadata_location from tarn_dropped where $1 <> ''", name,
                       false, location, arena, other, error);
}
