/* Opening a catalog, its zones and roots, and listing what it holds.
 */
#include "catalog/catalog.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/log.h"
#include "catalog/catalog_private.h"

/* Decoded manifests kept in memory: a plan over 10,000 files needs about 5 MB. */
#define MANIFEST_CACHE_BYTES (128 * TARN_MIB)

/* --- opening --- */

static bool create_zones(TarnCatalog *catalog, TarnError *error) {
    const TarnCatalogOptions *options = &catalog->options;
    for (size_t i = 0; i < options->zone_count; i++) {
        bool found = false;
        int64_t one;
        if (!tarn_db_query_int64(
                options->db,
                "select 1 from iceberg_namespace_properties where catalog_name ="
                " $1 and namespace = $2 and property_key = 'exists'",
                TARN_DB_VALUES(tarn_catalog__name(), tarn_db_string(options->zones[i].name)), &one,
                &found, error)) {
            return false;
        }
        if (!found &&
            !tarn_catalog_namespace_create(catalog, options->zones[i].name, true, error)) {
            return false;
        }
    }
    return true;
}

/* What dead writers left is removed, if it can be: a full disk must not keep anybody from reading,
 * and the records stay for the next time. */
static bool sweep_intents(TarnCatalog *catalog, TarnError *error) {
    int64_t removed = 0;
    if (tarn_catalog_intent_sweep(catalog, &removed, error)) return true;
    if (error->code != TARN_E_DISK_FULL || error->outcome_unknown) return false;
    tarn_base_log(TARN_LOG_WARN, "the disk is full: files of dead writers could not be removed: %s",
                  error->message);
    tarn_base_error_clear(error);
    return true;
}

static bool open_parts(TarnCatalog *catalog, TarnError *error) {
    const TarnCatalogOptions *options = &catalog->options;
    TarnStoreOptions store_options = {
        .sync = options->sync, .create_root = !options->read_only, .s3 = options->s3};
    if (!tarn_store_open(options->os, options->warehouse, &store_options, &catalog->store, error) ||
        !tarn_table_manifest_cache_new(MANIFEST_CACHE_BYTES, &catalog->manifests, error)) {
        return false;
    }
    if (options->read_only) return true;
    if (!tarn_os_owner(options->os, &catalog->arena, &catalog->owner, error) ||
        !options->os->random(options->os, &catalog->jitter, sizeof(catalog->jitter), error) ||
        !create_zones(catalog, error) || !sweep_intents(catalog, error)) {
        return false;
    }
    tarn_catalog__views_adopt(catalog);
    return true;
}

bool tarn_catalog_open(const TarnCatalogOptions *options, TarnCatalog **catalog, TarnError *error) {
    *catalog = calloc(1, sizeof(**catalog));
    if (*catalog == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    (*catalog)->options = *options;
    tarn_base_arena_init(&(*catalog)->arena, 64 * TARN_MIB);
    if (open_parts(*catalog, error)) return true;
    tarn_catalog_close(*catalog);
    *catalog = NULL;
    return false;
}

void tarn_catalog_close(TarnCatalog *catalog) {
    if (catalog == NULL) return;
    tarn_catalog__cache_clear(catalog);
    tarn_table_manifest_cache_free(catalog->manifests);
    for (size_t i = 0; i < catalog->root_count; i++) tarn_store_close(catalog->roots[i].store);
    tarn_store_close(catalog->store);
    tarn_base_arena_dispose(&catalog->arena);
    free(catalog);
}

const TarnCatalogOptions *tarn_catalog_options(const TarnCatalog *catalog) {
    return &catalog->options;
}

TarnStore *tarn_catalog_store(TarnCatalog *catalog) { return catalog->store; }

TarnManifestCache *tarn_catalog_manifest_cache(TarnCatalog *catalog) { return catalog->manifests; }

const TarnZone *tarn_catalog_zone(const TarnCatalog *catalog, TarnText zone) {
    for (size_t i = 0; i < catalog->options.zone_count; i++) {
        const char *name = catalog->options.zones[i].name;
        if (strlen(name) == zone.size && strncasecmp(name, zone.data, zone.size) == 0) {
            return &catalog->options.zones[i];
        }
    }
    return NULL;
}

const char *tarn_catalog_table_location(TarnCatalog *catalog, TarnTableName name, const char *uuid,
                                        TarnArena *arena) {
    TarnBuffer path;
    tarn_base_buffer_init(&path, TARN_MIB);
    tarn_base_buffer_string(&path, catalog->options.warehouse);
    TarnText rest = tarn_base_text(name.ns);
    while (rest.data != NULL) {
        TarnText level = tarn_base_text_split(rest, '.', &rest);
        tarn_base_buffer_printf(&path, "/%.*s", TARN_TEXT_ARG(level));
    }
    tarn_base_buffer_printf(&path, "/%s-%.8s", name.name, uuid);
    /* Glob characters in a name would make the engine match other files. */
    for (size_t i = 0; i < path.size; i++) {
        if (i > strlen(catalog->options.warehouse) && strchr("*?[]", path.data[i]) != NULL) {
            path.data[i] = '_';
        }
    }
    const char *location = tarn_base_buffer_keep(&path, arena);
    tarn_base_buffer_dispose(&path);
    return location;
}

/* Metadata files do not pile up. */
static const TarnProperty usual_properties[] = {
    {"write.metadata.delete-after-commit.enabled", "true"},
    {"write.metadata.previous-versions-max", "100"},
    {"write.parquet.compression-codec", "zstd"},
};
#define USUAL_PROPERTIES (sizeof(usual_properties) / sizeof(usual_properties[0]))

static bool is_given(const TarnNewTable *wanted, const char *key) {
    for (size_t i = 0; i < wanted->property_count; i++) {
        if (strcmp(wanted->properties[i].key, key) == 0) return true;
    }
    return false;
}

/* What the property "format-version" asks for; it is not kept as a property. */
static bool choose_version(const TarnNewTable *wanted, int32_t *version, TarnError *error) {
    *version = TARN_CATALOG_FORMAT_VERSION;
    for (size_t i = 0; i < wanted->property_count; i++) {
        int64_t number = 0;
        if (strcmp(wanted->properties[i].key, "format-version") != 0) continue;
        const char *value = wanted->properties[i].value;
        if (tarn_base_text_to_int64(tarn_base_text(value), &number) &&
            (number == 2 || number == 3)) {
            *version = (int32_t)number;
            continue;
        }
        tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                            "format version \"%s\" is not written: tables are made in version 2 "
                            "or 3",
                            value);
        return tarn_base_error_hint(error, "leave \"format-version\" out for version %d",
                                    TARN_CATALOG_FORMAT_VERSION);
    }
    return true;
}

bool tarn_catalog_table_new(TarnCatalog *catalog, const TarnNewTable *wanted, TarnArena *arena,
                            TarnTableMetadata **metadata, TarnError *error) {
    const TarnOs *os = catalog->options.os;
    const TarnSortOrder *order = wanted->order;
    char uuid[TARN_OS_UUID_BYTES];
    size_t used = 0;
    int32_t version = 0;
    if (!choose_version(wanted, &version, error) || !tarn_os_uuid4(os, uuid, error)) return false;
    TarnProperty *properties = TARN_NEW_ARRAY(arena, wanted->property_count + USUAL_PROPERTIES,
                                              TarnProperty);
    const char *location = tarn_catalog_table_location(catalog, wanted->name, uuid, arena);
    const char *own_uuid = tarn_base_arena_string(arena, uuid);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < wanted->property_count; i++) properties[used++] = wanted->properties[i];
    for (size_t i = 0; i < USUAL_PROPERTIES; i++) {
        if (!is_given(wanted, usual_properties[i].key)) properties[used++] = usual_properties[i];
    }
    return tarn_table_metadata_create(own_uuid, location, wanted->schema, wanted->spec,
                                      order != NULL && order->field_count > 0 ? order : NULL,
                                      properties, used, version, tarn_os_clock_ms(os), arena,
                                      metadata, error);
}

/* --- roots --- */

bool tarn_catalog_roots(TarnCatalog *catalog, TarnArena *arena, const char ***roots, size_t *count,
                        TarnError *error) {
    return tarn_catalog__texts(catalog, "select location from tarn_root order by 1", NULL, 0, arena,
                               roots, count, error);
}

bool tarn_catalog_root_store(TarnCatalog *catalog, const char *location, TarnStore **store,
                             TarnError *error) {
    for (size_t i = 0; i < catalog->root_count; i++) {
        if (strcmp(catalog->roots[i].location, location) != 0) continue;
        *store = catalog->roots[i].store;
        return true;
    }
    TarnRoot *roots = TARN_NEW_ARRAY(&catalog->arena, catalog->root_count + 1, TarnRoot);
    const char *copy = tarn_base_arena_string(&catalog->arena, location);
    if (!tarn_base_arena_check(&catalog->arena, error)) return false;
    TarnStoreOptions options = {.sync = catalog->options.sync, .s3 = catalog->options.s3};
    if (!tarn_store_open(catalog->options.os, copy, &options, store, error)) return false;
    if (catalog->root_count > 0) {
        memcpy(roots, catalog->roots, catalog->root_count * sizeof(*roots));
    }
    roots[catalog->root_count++] = (TarnRoot){.location = copy, .store = *store};
    catalog->roots = roots;
    return true;
}

bool tarn_catalog__store_of(TarnCatalog *catalog, const char *location, TarnStore **store,
                            TarnError *error) {
    TarnText path;
    if (!tarn_store_resolve(tarn_base_text(location), &path, error)) return false;
    *store = catalog->store;
    if (tarn_store_inside(tarn_base_text(catalog->options.warehouse), tarn_base_text(location))) {
        return true;
    }
    TarnArena arena;
    const char **roots;
    size_t count;
    tarn_base_arena_init(&arena, TARN_MIB);
    bool ok = tarn_catalog_roots(catalog, &arena, &roots, &count, error);
    for (size_t i = 0; ok && i < count; i++) {
        if (!tarn_store_inside(tarn_base_text(roots[i]), tarn_base_text(location))) continue;
        ok = tarn_catalog_root_store(catalog, roots[i], store, error);
        break;
    }
    tarn_base_arena_dispose(&arena);
    return ok; /* outside all roots: the warehouse's store refuses it by name */
}

/* --- listing --- */

typedef struct RelationList {
    TarnRelation *items;
    size_t count;
    size_t capacity;
} RelationList;

static bool in_prefix(TarnText prefix, TarnText ns) {
    if (prefix.size == 0) return true;
    return ns.size >= prefix.size && strncasecmp(ns.data, prefix.data, prefix.size) == 0 &&
           (ns.size == prefix.size || ns.data[prefix.size] == '.');
}

static bool list_rows(TarnCatalog *catalog, const char *sql, TarnRelationKind kind,
                      const char *prefix, TarnArena *arena, RelationList *list, TarnError *error) {
    TarnDbRows *rows = NULL;
    bool more = false;
    bool ok = tarn_db_query(catalog->options.db, sql, TARN_DB_VALUES(tarn_catalog__name()), &rows,
                            error);
    while (ok && (ok = tarn_db_next(rows, &more, error)) && more) {
        if (!in_prefix(tarn_base_text(prefix), tarn_db_column_text(rows, 0))) continue;
        TarnRelation *relation = TARN_PUSH(arena, list);
        if (relation == NULL) break;
        bool known = tarn_db_column_kind(rows, 2) != TARN_DB_NULL;
        relation->kind = kind;
        const TarnRelation *before = list->count > 1 ? relation - 1 : NULL;
        if (before != NULL && tarn_base_text_is(tarn_db_column_text(rows, 0), before->name.ns)) {
            relation->name.ns = before->name.ns; /* most rows are of the namespace before */
        } else {
            relation->name.ns = tarn_db_column_string(rows, 0, arena);
        }
        relation->name.name = tarn_db_column_string(rows, 1, arena);
        relation->rows = known ? tarn_db_column_int64(rows, 2) : -1;
        relation->bytes = known ? tarn_db_column_int64(rows, 3) : -1;
        relation->files = known ? tarn_db_column_int64(rows, 4) : -1;
        relation->updated_at_ms = tarn_db_column_int64(rows, 5);
    }
    tarn_db_rows_close(rows);
    return ok && tarn_base_arena_check(arena, error);
}

/* Room for all at once: growing by doubling would touch three times the memory. */
static bool reserve_relations(TarnCatalog *catalog, TarnArena *arena, RelationList *list,
                              TarnError *error) {
    int64_t tables = 0;
    bool found = false;
    if (!tarn_db_query_int64(catalog->options.db, "select count(*) from iceberg_tables", NULL, 0,
                             &tables, &found, error)) {
        return false;
    }
    list->capacity = found && tables > 0 ? (size_t)tables : 1;
    list->items = TARN_NEW_ARRAY(arena, list->capacity, TarnRelation);
    return tarn_base_arena_check(arena, error);
}

static int compare_relations(const void *a, const void *b) {
    const TarnRelation *x = a;
    const TarnRelation *y = b;
    int order = strcmp(x->name.ns, y->name.ns);
    return order != 0 ? order : strcmp(x->name.name, y->name.name);
}

bool tarn_catalog_list(TarnCatalog *catalog, const char *prefix, TarnArena *arena,
                       TarnRelation **relations, size_t *count, TarnError *error) {
    RelationList list = {0};
    bool ok = reserve_relations(catalog, arena, &list, error) &&
              list_rows(catalog,
                        "select i.table_namespace, i.table_name, t.rows, t.bytes, t.files,"
                        " coalesce(t.updated_at_ms, 0)"
                        " from iceberg_tables i left join tarn_table t on t.ns ="
                        " i.table_namespace and t.name = i.table_name and t.metadata_location ="
                        /* "+": in the order of the rows, not of the key; one look-up less each */
                        " i.metadata_location where +i.catalog_name = $1"
                        " and (i.iceberg_type is null or i.iceberg_type = 'TABLE')",
                        TARN_RELATION_TABLE, prefix, arena, &list, error) &&
              list_rows(catalog,
                        "select i.table_namespace, i.table_name, null, null, null,"
                        " coalesce(t.updated_at_ms, 0) from iceberg_tables i left join tarn_table"
                        " t on t.ns = i.table_namespace and t.name = i.table_name"
                        " where i.catalog_name = $1 and i.iceberg_type = 'VIEW'",
                        TARN_RELATION_VIEW, prefix, arena, &list, error) &&
              list_rows(catalog,
                        "select ns, name, null, null, null, created_at_ms from tarn_view"
                        " where $1 is not null",
                        TARN_RELATION_VIEW, prefix, arena, &list, error);
    if (ok && list.count > 1) {
        qsort(list.items, list.count, sizeof(*list.items), compare_relations);
    }
    *relations = list.items;
    *count = list.count;
    return ok;
}

/* --- names: drop, rename, register --- */

bool tarn_catalog_drop(TarnCatalog *catalog, TarnTableName name, TarnRelationKind kind,
                       TarnError *error) {
    TarnDb *db = catalog->options.db;
    TarnArena arena;
    const char *location = NULL;
    char id[TARN_OS_UUID_BYTES];
    tarn_base_arena_init(&arena, TARN_MIB);
    bool ok = tarn_db_begin(db, TARN_DB_WRITE, error);
    if (ok && kind == TARN_RELATION_VIEW) {
        ok = tarn_catalog__view_drop(catalog, name, error);
    } else if (ok) {
        ok = tarn_catalog__pointer_read(catalog, &name, &arena, &location, error) &&
             (location != NULL || tarn_catalog__refuse_missing(catalog, name, error)) &&
             tarn_catalog__drop_table(catalog, name, location, id, error);
    }
    ok = ok && tarn_db_commit(db, error);
    if (!ok) tarn_db_rollback(db);
    tarn_base_arena_dispose(&arena);
    return ok;
}

bool tarn_catalog__check_free(TarnCatalog *catalog, TarnTableName name, TarnError *error) {
    TarnArena arena;
    const char *location = NULL;
    bool is_view = false;
    tarn_base_arena_init(&arena, TARN_MIB);
    bool ok = tarn_catalog__pointer_read(catalog, &name, &arena, &location, error) &&
              tarn_catalog__view_exists(catalog, name, &is_view, error);
    if (ok && (location != NULL || is_view)) {
        ok = tarn_base_error_set(error, TARN_E_TABLE_EXISTS, "%s \"%s.%s\" exists already",
                                 is_view ? "view" : "table", name.ns, name.name);
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

bool tarn_catalog__rename_rows(TarnCatalog *catalog, TarnTableName from, TarnTableName to,
                               TarnError *error) {
    TarnDb *db = catalog->options.db;
    return tarn_catalog_namespace_create(catalog, to.ns, true, error) &&
           tarn_db_execute(db,
                           "update iceberg_tables set table_namespace = $4, table_name = $5 where"
                           " catalog_name = $1 and table_namespace = $2 and table_name = $3",
                           TARN_DB_VALUES(tarn_catalog__name(), tarn_db_string(from.ns),
                                          tarn_db_string(from.name), tarn_db_string(to.ns),
                                          tarn_db_string(to.name)),
                           NULL, error) &&
           tarn_db_execute(db,
                           "update tarn_table set ns = $3, name = $4 where ns = $1 and name = $2",
                           TARN_DB_VALUES(tarn_db_string(from.ns), tarn_db_string(from.name),
                                          tarn_db_string(to.ns), tarn_db_string(to.name)),
                           NULL, error) &&
           tarn_catalog__followers_move(catalog, from, to, error);
}

bool tarn_catalog_rename(TarnCatalog *catalog, TarnTableName from, TarnTableName to,
                         TarnError *error) {
    TarnDb *db = catalog->options.db;
    TarnArena arena;
    const char *location = NULL;
    tarn_base_arena_init(&arena, TARN_MIB);
    bool same = tarn_catalog_name_equal(from, to); /* only the case changes */
    bool ok = tarn_db_begin(db, TARN_DB_WRITE, error) &&
              tarn_catalog__pointer_read(catalog, &from, &arena, &location, error) &&
              (location != NULL || tarn_catalog__refuse_missing(catalog, from, error)) &&
              (same || tarn_catalog__check_free(catalog, to, error)) &&
              tarn_catalog__rename_rows(catalog, from, to, error) && tarn_db_commit(db, error);
    if (!ok) tarn_db_rollback(db);
    tarn_base_arena_dispose(&arena);
    return ok;
}

/* The folder a registered table's files lie in: its metadata file's, and that above if it is
 * called "metadata". */
static const char *root_of(const char *metadata_location, TarnArena *arena) {
    const char *slash = strrchr(metadata_location, '/');
    size_t size = slash != NULL ? (size_t)(slash - metadata_location) : 0;
    TarnText folder = {metadata_location, size};
    if (tarn_base_text_ends(folder, "/metadata")) folder.size -= strlen("/metadata");
    return tarn_base_text_string(arena, folder);
}

static bool register_rows(TarnCatalog *catalog, TarnTableName name, const TarnTable *table,
                          TarnError *error) {
    return tarn_catalog_namespace_create(catalog, name.ns, true, error) &&
           tarn_db_execute(catalog->options.db,
                           "insert into iceberg_tables (catalog_name, table_namespace, table_name,"
                           " metadata_location, iceberg_type) values ($1, $2, $3, $4, 'TABLE')",
                           TARN_DB_VALUES(tarn_catalog__name(), tarn_db_string(name.ns),
                                          tarn_db_string(name.name),
                                          tarn_db_string(table->metadata_location)),
                           NULL, error) &&
           tarn_catalog__numbers_write(catalog, name, table->metadata_location, table->metadata,
                                       error);
}

bool tarn_catalog__texts(TarnCatalog *catalog, const char *sql, const TarnDbValue *values,
                         size_t value_count, TarnArena *arena, const char ***texts, size_t *count,
                         TarnError *error) {
    struct {
        const char **items;
        size_t count;
        size_t capacity;
    } list = {0};
    TarnDbRows *rows = NULL;
    bool more = false;
    bool ok = tarn_db_query(catalog->options.db, sql, values, value_count, &rows, error);
    while (ok && (ok = tarn_db_next(rows, &more, error)) && more) {
        const char **item = TARN_PUSH(arena, &list);
        if (item == NULL) break;
        *item = tarn_db_column_string(rows, 0, arena);
    }
    tarn_db_rows_close(rows);
    *texts = list.items;
    *count = list.count;
    return ok && tarn_base_arena_check(arena, error);
}

static bool add_root(TarnCatalog *catalog, const char *location, TarnError *error) {
    if (tarn_store_inside(tarn_base_text(catalog->options.warehouse), tarn_base_text(location))) {
        return true;
    }
    return tarn_db_execute(catalog->options.db,
                           "insert into tarn_root (location) values ($1) on conflict do nothing",
                           TARN_DB_VALUES(tarn_db_string(location)), NULL, error);
}

bool tarn_catalog_register(TarnCatalog *catalog, TarnTableName name, const char *metadata_location,
                           TarnError *error) {
    TarnDb *db = catalog->options.db;
    TarnArena arena;
    TarnText path;
    const TarnTable *table = NULL;
    if (!tarn_store_resolve(tarn_base_text(metadata_location), &path, error)) return false;
    tarn_base_arena_init(&arena, TARN_MIB);
    const char *root = root_of(metadata_location, &arena);
    bool ok = tarn_base_arena_check(&arena, error) && tarn_db_begin(db, TARN_DB_WRITE, error) &&
              tarn_catalog__check_free(catalog, name, error) && add_root(catalog, root, error) &&
              tarn_catalog__table_at(catalog, name, metadata_location, &table, error) &&
              add_root(catalog, table->metadata->location, error) &&
              register_rows(catalog, name, table, error) && tarn_db_commit(db, error);
    if (!ok) tarn_db_rollback(db);
    tarn_catalog_table_release(table);
    tarn_base_arena_dispose(&arena);
    return ok;
}
