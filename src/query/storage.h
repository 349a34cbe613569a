/* The engine and the lake's stores: a folder it opens by itself, for S3 it needs an extension and
 * keys. */
#ifndef TARN_QUERY_STORAGE_H
#define TARN_QUERY_STORAGE_H

#include "catalog/catalog.h"
#include "engine/engine.h"

/* Before the engine is locked: whatever it needs for the warehouse and for the roots of registered
 * tables. Nothing where all of them are folders. *expires_us (may be NULL): when the first of the
 * keys given expires, INT64_MAX = never. */
bool tarn_query_storage_attach(TarnEngine *engine, TarnCatalog *catalog, int64_t *expires_us,
                               TarnError *error) TARN_CHECKED;
/* Later, before a statement: new keys if those given expire soon. */
bool tarn_query_storage_renew(TarnEngine *engine, TarnCatalog *catalog, int64_t *expires_us,
                              TarnError *error) TARN_CHECKED;

/* s3, s3a, s3n: metadata of others uses any of them for the same object. */
#define TARN_QUERY_S3_SPELLINGS 3
/* The spellings of a root that the engine is to be allowed; `out` has room for all. */
bool tarn_query_storage_spell(const char *location, TarnArena *arena, const char **out,
                              size_t *count, TarnError *error) TARN_CHECKED;

/* tarn_engine_lock to the warehouse, the roots of registered tables, and `folders` (NULLs among
 * them are left out). */
bool tarn_query_storage_lock(TarnEngine *engine, TarnCatalog *catalog,
                             const char *const *folders, size_t folder_count,
                             TarnError *error) TARN_CHECKED;

#endif
