/* Namespaces: rows of iceberg_namespace_properties, "exists" = "true" as its other clients have
 * it. The first level is a zone, which tarn.yaml declares; below it namespaces are free.
 */
#include <string.h>

#include "base/limits.h"
#include "catalog/catalog_private.h"

static bool refuse_zone(TarnCatalog *catalog, TarnText zone, TarnError *error) {
    const char *names[64];
    size_t count = 0;
    char wanted[TARN_LIMIT_IDENTIFIER_BYTES + 1] = "";
    if (zone.size < sizeof(wanted)) memcpy(wanted, zone.data, zone.size);
    for (; count < catalog->options.zone_count && count < 64; count++) {
        names[count] = catalog->options.zones[count].name;
    }
    tarn_base_error_set(error, TARN_E_ZONE_NOT_FOUND, "zone \"%.*s\" does not exist",
                        TARN_TEXT_ARG(zone));
    const char *near = tarn_base_text_nearest(wanted, names, count);
    if (near != NULL) return tarn_base_error_hint(error, "did you mean \"%s\"?", near);
    return tarn_base_error_hint(error, "zones are declared under \"zones\" in tarn.yaml");
}

bool tarn_catalog_namespace_create(TarnCatalog *catalog, const char *ns, bool if_not_exists,
                                   TarnError *error) {
    TarnText rest;
    TarnText zone = tarn_base_text_split(tarn_base_text(ns), '.', &rest);
    int64_t changed = 0;
    if (tarn_catalog_zone(catalog, zone) == NULL) return refuse_zone(catalog, zone, error);
    if (!tarn_db_execute(catalog->options.db,
                         "insert into iceberg_namespace_properties (catalog_name, namespace,"
                         " property_key, property_value) values ($1, $2, 'exists', 'true')"
                         " on conflict do nothing",
                         TARN_DB_VALUES(tarn_catalog__name(), tarn_db_string(ns)), &changed,
                         error)) {
        return false;
    }
    if (changed > 0 || if_not_exists) return true;
    return tarn_base_error_set(error, TARN_E_TABLE_EXISTS, "namespace \"%s\" exists already", ns);
}

static bool is_empty(TarnCatalog *catalog, const char *ns, bool *empty, TarnError *error) {
    TarnArena arena;
    TarnRelation *relations;
    size_t count = 0;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok = tarn_catalog_list(catalog, ns, &arena, &relations, &count, error);
    *empty = count == 0;
    tarn_base_arena_dispose(&arena);
    return ok;
}

bool tarn_catalog_namespace_drop(TarnCatalog *catalog, const char *ns, TarnError *error) {
    bool empty = false;
    int64_t changed = 0;
    if (strchr(ns, '.') == NULL) {
        tarn_base_error_set(error, TARN_E_ZONE_POLICY, "the zone \"%s\" cannot be dropped", ns);
        return tarn_base_error_hint(error, "zones are declared under \"zones\" in tarn.yaml");
    }
    if (!is_empty(catalog, ns, &empty, error)) return false;
    if (!empty) {
        return tarn_base_error_set(error, TARN_E_TABLE_EXISTS, "namespace \"%s\" is not empty",
                                   ns);
    }
    if (!tarn_db_execute(catalog->options.db,
                         "delete from iceberg_namespace_properties where catalog_name = $1 and"
                         " namespace = $2",
                         TARN_DB_VALUES(tarn_catalog__name(), tarn_db_string(ns)), &changed,
                         error)) {
        return false;
    }
    if (changed > 0) return true;
    return tarn_base_error_set(error, TARN_E_NAMESPACE_NOT_FOUND,
                               "namespace \"%s\" does not exist", ns);
}

bool tarn_catalog_namespace_list(TarnCatalog *catalog, TarnArena *arena, const char ***names,
                                 size_t *count, TarnError *error) {
    return tarn_catalog__texts(catalog,
                               "select namespace from iceberg_namespace_properties where"
                               " catalog_name = $1 union select table_namespace from iceberg_tables"
                               " where catalog_name = $1 order by 1",
                               TARN_DB_VALUES(tarn_catalog__name()), arena, names, count, error);
}
