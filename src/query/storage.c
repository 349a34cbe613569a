/* What the engine needs to open the lake's objects on S3: the extension, and a secret for each root
 * with the keys of the root's store. A lake of folders alone needs nothing and pays nothing.
 */
#include "query/storage.h"

#include <stdio.h>

#include "base/limits.h"
#include "store/s3.h"

/* The engine's secrets are found by the text of a location: each spelling of the scheme. */
static bool write_scopes(const char *root, TarnArena *arena, const char ***scopes,
                         TarnError *error) {
    const char *rest = strstr(root, "://");
    *scopes = TARN_NEW_ARRAY(arena, TARN_QUERY_S3_SPELLINGS, const char *);
    if (*scopes == NULL) return tarn_base_arena_check(arena, error);
    (*scopes)[0] = tarn_base_arena_printf(arena, "s3%s/", rest);
    (*scopes)[1] = tarn_base_arena_printf(arena, "s3a%s/", rest);
    (*scopes)[2] = tarn_base_arena_printf(arena, "s3n%s/", rest);
    return tarn_base_arena_check(arena, error);
}

static bool make_secret(TarnEngine *engine, TarnStore *store, size_t number, TarnArena *arena,
                        int64_t *expires_us, TarnError *error) {
    TarnStoreS3Access access;
    TarnEngineS3 s3 = {.scope_count = TARN_QUERY_S3_SPELLINGS};
    const char **scopes;
    char name[40];
    (void)snprintf(name, sizeof(name), "tarn_%zu", number);
    if (!tarn_store_s3_access(store, arena, &access, error) ||
        !write_scopes(store->root, arena, &scopes, error)) {
        return false;
    }
    s3.scopes = scopes;
    s3.host = access.host;
    s3.secure = access.secure;
    s3.path_style = access.path_style;
    s3.region = access.region;
    s3.access_key = access.access_key;
    s3.secret_key = access.secret_key;
    s3.session_token = access.session_token;
    if (access.expires_us < *expires_us) *expires_us = access.expires_us;
    return tarn_engine_s3_secret(engine, name, &s3, error);
}

static bool attach_roots(TarnEngine *engine, TarnCatalog *catalog, bool loaded, TarnArena *arena,
                         int64_t *expires_us, TarnError *error) {
    const TarnCatalogOptions *options = tarn_catalog_options(catalog);
    const char **roots = NULL;
    size_t count = 0;
    *expires_us = INT64_MAX;
    if (!tarn_catalog_roots(catalog, arena, &roots, &count, error)) return false;
    for (size_t i = 0; i <= count; i++) {
        TarnStore *store = tarn_catalog_store(catalog);
        const char *location = i == 0 ? options->warehouse : roots[i - 1];
        if (!tarn_store_is_s3(tarn_base_text(location))) continue;
        if (i > 0 && !tarn_catalog_root_store(catalog, location, &store, error)) return false;
        if (!loaded && !tarn_engine_s3_load(engine, options->os, error)) return false;
        loaded = true;
        if (!make_secret(engine, store, i, arena, expires_us, error)) return false;
    }
    return true;
}

static bool attach(TarnEngine *engine, TarnCatalog *catalog, bool loaded, int64_t *expires_us,
                   TarnError *error) {
    TarnArena arena;
    tarn_base_arena_init(&arena, TARN_MIB);
    bool ok = attach_roots(engine, catalog, loaded, &arena, expires_us, error);
    tarn_base_arena_dispose(&arena);
    return ok;
}

bool tarn_query_storage_attach(TarnEngine *engine, TarnCatalog *catalog, int64_t *expires_us,
                               TarnError *error) {
    int64_t ignored;
    return attach(engine, catalog, false, expires_us != NULL ? expires_us : &ignored, error);
}

bool tarn_query_storage_renew(TarnEngine *engine, TarnCatalog *catalog, int64_t *expires_us,
                              TarnError *error) {
    const TarnOs *os = tarn_catalog_options(catalog)->os;
    int64_t early_us = TARN_LIMIT_STORE_KEYS_EARLY_MS * INT64_C(1000);
    if (*expires_us == INT64_MAX || os->clock_us(os) < *expires_us - early_us) return true;
    return attach(engine, catalog, true, expires_us, error);
}

bool tarn_query_storage_spell(const char *location, TarnArena *arena, const char **out,
                              size_t *count, TarnError *error) {
    *count = 1;
    out[0] = location;
    if (!tarn_store_is_s3(tarn_base_text(location))) return true;
    const char **scopes;
    if (!write_scopes(location, arena, &scopes, error)) return false;
    *count = TARN_QUERY_S3_SPELLINGS;
    for (size_t i = 0; i < TARN_QUERY_S3_SPELLINGS; i++) out[i] = scopes[i];
    return true;
}

bool tarn_query_storage_lock(TarnEngine *engine, TarnCatalog *catalog,
                             const char *const *folders, size_t folder_count, TarnError *error) {
    const TarnCatalogOptions *options = tarn_catalog_options(catalog);
    TarnArena arena;
    const char **roots = NULL;
    size_t count = 0;
    tarn_base_arena_init(&arena, TARN_MIB);
    bool ok = tarn_catalog_roots(catalog, &arena, &roots, &count, error);
    const char **directories = TARN_NEW_ARRAY(
        &arena, (count + 1) * TARN_QUERY_S3_SPELLINGS + folder_count + 1, const char *);
    ok = ok && tarn_base_arena_check(&arena, error);
    size_t used = 0;
    for (size_t i = 0; ok && i <= count; i++) {
        size_t more = 0;
        ok = tarn_query_storage_spell(i == 0 ? options->warehouse : roots[i - 1], &arena,
                                      directories + used, &more, error);
        used += more;
    }
    for (size_t i = 0; ok && i < folder_count; i++) {
        if (folders[i] != NULL) directories[used++] = folders[i];
    }
    ok = ok && tarn_engine_lock(engine, directories, used, error);
    tarn_base_arena_dispose(&arena);
    return ok;
}
