/* What a transaction over several statements needs: the catalog as it was when it began, and tables
 * as its own statements leave them, before anybody else may see them.
 */
#include "base/limits.h"
#include "catalog/catalog_private.h"

bool tarn_catalog_pointers(TarnCatalog *catalog, TarnArena *arena, TarnPointer **pointers,
                           size_t *count, TarnError *error) {
    struct {
        TarnPointer *items;
        size_t count;
        size_t capacity;
    } list = {0};
    TarnDbRows *rows = NULL;
    bool more = false;
    bool ok = tarn_db_query(catalog->options.db,
                            "select table_namespace, table_name, metadata_location from"
                            " iceberg_tables where catalog_name = $1 and"
                            " coalesce(iceberg_type, 'TABLE') = 'TABLE'",
                            TARN_DB_VALUES(tarn_catalog__name()), &rows, error);
    while (ok && (ok = tarn_db_next(rows, &more, error)) && more) {
        TarnPointer *pointer = TARN_PUSH(arena, &list);
        if (pointer == NULL) break;
        pointer->name.ns = tarn_db_column_string(rows, 0, arena);
        pointer->name.name = tarn_db_column_string(rows, 1, arena);
        pointer->metadata_location = tarn_db_column_string(rows, 2, arena);
    }
    tarn_db_rows_close(rows);
    *pointers = list.items;
    *count = list.count;
    return ok && tarn_base_arena_check(arena, error);
}

bool tarn_catalog_table_at(TarnCatalog *catalog, const TarnPointer *pointer,
                           const TarnTable **table, TarnError *error) {
    return tarn_catalog__table_at(catalog, pointer->name, pointer->metadata_location, table, error);
}

bool tarn_catalog_table_stage_updates(TarnCatalog *catalog, const TarnTable *base,
                                      const TarnCommitStep *step, const TarnTable **staged,
                                      TarnError *error) {
    TarnTableMetadata *metadata = NULL;
    TarnArena arena;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    if (!tarn_table_metadata_require(base->metadata, step->requirements, step->requirement_count,
                                     error) ||
        !tarn_table_metadata_apply(base->metadata, NULL, step->updates, step->update_count,
                                   tarn_os_clock_ms(catalog->options.os), &arena, &metadata,
                                   error)) {
        tarn_base_arena_dispose(&arena);
        return false;
    }
    return tarn_catalog__table_wrap(catalog, base->name, base->metadata_location, metadata, base,
                                    &arena, base->store, staged, error);
}

bool tarn_catalog_table_stage_create(TarnCatalog *catalog, TarnTableName name,
                                     const TarnTableMetadata *metadata, const TarnTable **staged,
                                     TarnError *error) {
    TarnArena arena;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    return tarn_catalog__table_wrap(catalog, name, "", metadata, NULL, &arena, catalog->store,
                                    staged, error);
}

bool tarn_catalog_table_stage(TarnCatalog *catalog, const TarnTable *base,
                              TarnSnapshotProducer *producer, const TarnTable **staged,
                              TarnError *error) {
    TarnTableMetadata *metadata = (TarnTableMetadata *)(uintptr_t)base->metadata;
    TarnStoreBatch batch; /* never synced: the commit registers the files again */
    TarnArena arena;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    tarn_store_batch_init(&batch, base->store);
    bool ok = tarn_catalog__snapshot_add(catalog, base->name, producer, NULL, &batch, &arena,
                                         &metadata, error);
    tarn_store_batch_dispose(&batch);
    if (!ok) {
        tarn_base_arena_dispose(&arena);
        return false;
    }
    return tarn_catalog__table_wrap(catalog, base->name, base->metadata_location, metadata, base,
                                    &arena, base->store, staged, error);
}
