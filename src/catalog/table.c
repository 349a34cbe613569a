/* Tables by name: reading the pointer, loading metadata, and the cache of loaded tables.
 *
 * A loaded table is immutable and reference-counted. After a commit the new table is not parsed
 * again but built on its predecessor, whose memory it keeps alive; now and then (CHAIN_MAX) it is
 * parsed afresh, so that the chain, and the memory behind it, stays short.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "catalog/catalog_private.h"

#define CHAIN_MAX 32

/* --- the pointer --- */

static bool find_pointer(TarnCatalog *catalog, const char *sql, TarnTableName *name,
                         TarnArena *arena, const char **location, TarnError *error) {
    TarnDbRows *rows = NULL;
    bool more = false;
    bool ok = tarn_db_query(catalog->options.db, sql,
                            TARN_DB_VALUES(tarn_catalog__name(), tarn_db_string(name->ns),
                                           tarn_db_string(name->name)),
                            &rows, error) &&
              tarn_db_next(rows, &more, error);
    if (ok && more) {
        *location = tarn_db_column_string(rows, 0, arena);
        name->ns = tarn_db_column_string(rows, 1, arena);
        name->name = tarn_db_column_string(rows, 2, arena);
        ok = tarn_base_arena_check(arena, error);
    }
    tarn_db_rows_close(rows);
    return ok;
}

bool tarn_catalog__pointer_read(TarnCatalog *catalog, TarnTableName *name, TarnArena *arena,
                                const char **location, TarnError *error) {
    *location = NULL;
    /* First as written, by the primary key; without case only when that finds nothing. */
    return find_pointer(catalog,
                        "select metadata_location, table_namespace, table_name from iceberg_tables"
                        " where catalog_name = $1 and table_namespace = $2 and table_name = $3"
                        " and (iceberg_type is null or iceberg_type = 'TABLE')",
                        name, arena, location, error) &&
           (*location != NULL ||
            find_pointer(catalog,
                         "select metadata_location, table_namespace, table_name"
                         " from iceberg_tables where catalog_name = $1"
                         " and lower(table_namespace) = lower($2)"
                         " and lower(table_name) = lower($3)"
                         " and (iceberg_type is null or iceberg_type = 'TABLE')",
                         name, arena, location, error));
}

bool tarn_catalog__refuse_missing(TarnCatalog *catalog, TarnTableName name, TarnError *error) {
    TarnArena arena;
    TarnRelation *relations = NULL;
    size_t count = 0;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    const char *wanted = tarn_catalog_name_text(name, &arena);
    if (tarn_catalog_list(catalog, NULL, &arena, &relations, &count, error)) {
        const char **names = TARN_NEW_ARRAY(&arena, count + 1, const char *);
        for (size_t i = 0; names != NULL && i < count; i++) {
            names[i] = tarn_catalog_name_text(relations[i].name, &arena);
        }
        tarn_base_error_set(error, TARN_E_TABLE_NOT_FOUND, "table \"%s\" does not exist", wanted);
        const char *near = names != NULL ? tarn_base_text_nearest(wanted, names, count) : NULL;
        TarnText zone = tarn_catalog_name_zone(name);
        if (near != NULL && strcasecmp(near, wanted) == 0) {
            tarn_base_error_hint(error, "\"%s\" is a view (tarn show %s)", near, near);
        } else if (near != NULL) {
            tarn_base_error_hint(error, "did you mean \"%s\"? (tarn ls %.*s)", near,
                                 TARN_TEXT_ARG(zone));
        } else {
            tarn_base_error_hint(error, "see what there is: tarn ls");
        }
    }
    tarn_base_arena_dispose(&arena);
    return false;
}

/* --- loading --- */

static void free_table(TarnLoadedTable *loaded) {
    TarnArena arena = loaded->arena; /* the table itself lives in it */
    tarn_base_arena_dispose(&arena);
}

void tarn_catalog_table_release(const TarnTable *table) {
    TarnLoadedTable *loaded = (TarnLoadedTable *)(uintptr_t)table;
    while (loaded != NULL && atomic_fetch_sub(&loaded->references, 1) == 1) {
        TarnLoadedTable *base = loaded->base;
        free_table(loaded);
        loaded = base;
    }
}

const TarnTable *tarn_catalog_table_acquire(const TarnTable *table) {
    TarnLoadedTable *loaded = (TarnLoadedTable *)(uintptr_t)table;
    atomic_fetch_add(&loaded->references, 1);
    return table;
}

static void cache_put(TarnCatalog *catalog, TarnLoadedTable *loaded) {
    tarn_catalog_table_acquire(&loaded->table);
    TarnLoadedTable *last = catalog->cached[TARN_CATALOG_CACHED_TABLES - 1];
    if (last != NULL) tarn_catalog_table_release(&last->table);
    memmove(&catalog->cached[1], &catalog->cached[0],
            (TARN_CATALOG_CACHED_TABLES - 1) * sizeof(catalog->cached[0]));
    catalog->cached[0] = loaded;
}

static TarnLoadedTable *cache_find(TarnCatalog *catalog, TarnTableName name, const char *location) {
    for (size_t i = 0; i < TARN_CATALOG_CACHED_TABLES; i++) {
        TarnLoadedTable *loaded = catalog->cached[i];
        if (loaded == NULL) break;
        if (strcmp(loaded->table.metadata_location, location) != 0 ||
            !tarn_catalog_name_equal(loaded->table.name, name)) {
            continue;
        }
        memmove(&catalog->cached[1], &catalog->cached[0], i * sizeof(catalog->cached[0]));
        catalog->cached[0] = loaded;
        return loaded;
    }
    return NULL;
}

void tarn_catalog__cache_clear(TarnCatalog *catalog) {
    for (size_t i = 0; i < TARN_CATALOG_CACHED_TABLES && catalog->cached[i] != NULL; i++) {
        tarn_catalog_table_release(&catalog->cached[i]->table);
        catalog->cached[i] = NULL;
    }
}

/* A table in an arena of its own, which moves into it. */
static TarnLoadedTable *make_table(TarnCatalog *catalog, TarnTableName name, const char *location,
                                   TarnArena *arena) {
    TarnLoadedTable *loaded = TARN_NEW(arena, TarnLoadedTable);
    if (loaded == NULL) return NULL;
    loaded->table.name.ns = tarn_base_arena_string(arena, name.ns);
    loaded->table.name.name = tarn_base_arena_string(arena, name.name);
    loaded->table.metadata_location = tarn_base_arena_string(arena, location);
    loaded->table.zone = tarn_catalog_zone(catalog, tarn_catalog_name_zone(name));
    atomic_init(&loaded->references, 1);
    return loaded;
}

/* The metadata file that the catalog points at is what all else hangs on. */
static bool fail_loading(TarnTableName name, const char *location, TarnError *error) {
    bool named = strstr(error->message, location) != NULL;
    bool damaged = error->code == TARN_E_FORMAT_CORRUPT || error->code == TARN_E_JSON_SYNTAX ||
                   error->code == TARN_E_OBJECT_NOT_FOUND;
    if (damaged && error->hint[0] == '\0') {
        tarn_base_error_hint(error, "bring the file back from a backup or from an older version "
                                    "in the bucket");
    }
    return tarn_base_error_context(error, "while loading the table \"%s.%s\"%s%s%s", name.ns,
                                   name.name, named ? "" : " from \"", named ? "" : location,
                                   named ? "" : "\"");
}

static bool read_table(TarnCatalog *catalog, TarnTableName name, const char *location,
                       TarnArena *arena, TarnLoadedTable **out, TarnError *error) {
    TarnText bytes;
    TarnText text;
    TarnTableMetadata *metadata;
    TarnLoadedTable *loaded = make_table(catalog, name, location, arena);
    if (loaded == NULL) return tarn_base_arena_check(arena, error);
    if (!tarn_catalog__store_of(catalog, location, &loaded->table.store, error) ||
        !tarn_store_get(loaded->table.store, location, TARN_STORE_WHOLE, TARN_LIMIT_METADATA_BYTES,
                        arena, &bytes, NULL, error) ||
        !tarn_table_metadata_inflate(bytes, location, arena, &text, error) ||
        !tarn_table_metadata_parse(text, location, arena, &metadata, error)) {
        return fail_loading(name, location, error);
    }
    loaded->table.metadata = metadata;
    *out = loaded;
    return tarn_base_arena_check(arena, error);
}

bool tarn_catalog__table_at(TarnCatalog *catalog, TarnTableName name, const char *location,
                            const TarnTable **table, TarnError *error) {
    TarnLoadedTable *loaded = cache_find(catalog, name, location);
    if (loaded == NULL) {
        TarnArena arena;
        tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
        if (!read_table(catalog, name, location, &arena, &loaded, error)) {
            tarn_base_arena_dispose(&arena);
            return false;
        }
        loaded->arena = arena;
        cache_put(catalog, loaded);
    } else {
        tarn_catalog_table_acquire(&loaded->table);
    }
    *table = &loaded->table;
    return true;
}

bool tarn_catalog__table_wrap(TarnCatalog *catalog, TarnTableName name, const char *location,
                              const TarnTableMetadata *metadata, const TarnTable *base,
                              TarnArena *arena, TarnStore *store, const TarnTable **table,
                              TarnError *error) {
    TarnLoadedTable *base_loaded = (TarnLoadedTable *)(uintptr_t)base;
    TarnLoadedTable *loaded = make_table(catalog, name, location, arena);
    if (loaded == NULL || !tarn_base_arena_check(arena, error)) {
        tarn_base_arena_dispose(arena);
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    }
    loaded->table.metadata = metadata;
    loaded->table.store = store;
    loaded->base = base_loaded;
    if (base_loaded != NULL) {
        loaded->chain = base_loaded->chain + 1;
        tarn_catalog_table_acquire(base);
    }
    loaded->arena = *arena;
    memset(arena, 0, sizeof(*arena));
    *table = &loaded->table;
    return true;
}

bool tarn_catalog__table_adopt(TarnCatalog *catalog, TarnTableName name, const char *location,
                               const TarnTableMetadata *metadata, const TarnTable *base,
                               TarnArena *arena, TarnStore *store, const TarnTable **table,
                               TarnError *error) {
    TarnLoadedTable *base_loaded = (TarnLoadedTable *)(uintptr_t)base;
    if (base_loaded != NULL && base_loaded->chain >= CHAIN_MAX) {
        /* The location may live in the arena: it goes last. */
        bool ok = tarn_catalog__table_at(catalog, name, location, table, error);
        tarn_base_arena_dispose(arena);
        return ok;
    }
    if (!tarn_catalog__table_wrap(catalog, name, location, metadata, base, arena, store, table,
                                  error)) {
        return false;
    }
    cache_put(catalog, (TarnLoadedTable *)(uintptr_t)*table);
    return true;
}

bool tarn_catalog_read_begin(TarnCatalog *catalog, TarnError *error) {
    if (catalog->readers == 0 && !tarn_db_begin(catalog->options.db, TARN_DB_READ, error)) {
        return false;
    }
    catalog->readers++;
    return true;
}

void tarn_catalog_read_end(TarnCatalog *catalog) {
    if (--catalog->readers == 0) tarn_db_rollback(catalog->options.db);
}

bool tarn_catalog_table_find(TarnCatalog *catalog, TarnTableName name, const TarnTable **table,
                             TarnError *error) {
    TarnArena arena;
    const char *location = NULL;
    *table = NULL;
    tarn_base_arena_init(&arena, TARN_MIB);
    bool ok = tarn_catalog__pointer_read(catalog, &name, &arena, &location, error) &&
              (location == NULL || tarn_catalog__table_at(catalog, name, location, table, error));
    tarn_base_arena_dispose(&arena);
    return ok;
}

bool tarn_catalog_table_load(TarnCatalog *catalog, TarnTableName name, const TarnTable **table,
                             TarnError *error) {
    if (!tarn_catalog_table_find(catalog, name, table, error)) return false;
    return *table != NULL || tarn_catalog__refuse_missing(catalog, name, error);
}
