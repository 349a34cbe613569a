/* Views: a SELECT under a name, kept as Iceberg view metadata.
 *
 * The pointer is a row of iceberg_tables of the type VIEW, as in the other Iceberg SQL catalogs;
 * the metadata file lies in a folder of the view's own. A change writes the next file and moves
 * the pointer in one transaction that fails if somebody else has moved it. Lakes of older versions
 * kept views in tarn_view: these are read as they are and moved over by the next open for writing.
 */
#include <string.h>
#include <strings.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "catalog/catalog_private.h"

/* How often a change looks again at a view that others keep changing. */
#define TRIES_MAX 20

/* --- finding --- */

/* *location NULL = no such view. The name is corrected to the case in which it is stored. */
static bool read_pointer(TarnCatalog *catalog, TarnTableName *name, TarnArena *arena,
                         const char **location, TarnError *error) {
    TarnDbRows *rows = NULL;
    bool more = false;
    *location = NULL;
    bool ok = tarn_db_query(catalog->options.db,
                            "select metadata_location, table_namespace, table_name from"
                            " iceberg_tables where catalog_name = $1 and iceberg_type = 'VIEW' and"
                            " lower(table_namespace) = lower($2) and lower(table_name) = lower($3)",
                            TARN_DB_VALUES(tarn_catalog__name(), tarn_db_string(name->ns),
                                           tarn_db_string(name->name)),
                            &rows, error) &&
              tarn_db_next(rows, &more, error);
    if (ok && more) {
        *location = tarn_db_column_string(rows, 0, arena);
        name->ns = tarn_db_column_string(rows, 1, arena);
        name->name = tarn_db_column_string(rows, 2, arena);
        if (*location == NULL) *location = "";
    }
    tarn_db_rows_close(rows);
    return ok && tarn_base_arena_check(arena, error);
}

/* Of a lake that was never opened for writing since views have metadata files. */
static bool read_legacy(TarnCatalog *catalog, TarnTableName name, TarnArena *arena,
                        TarnView **view, TarnError *error) {
    TarnDbRows *rows = NULL;
    bool more = false;
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

static bool read_metadata(TarnCatalog *catalog, const char *location, TarnArena *arena,
                          TarnViewMetadata **metadata, TarnError *error) {
    TarnStore *store = NULL;
    TarnText bytes;
    TarnText text;
    return tarn_catalog__store_of(catalog, location, &store, error) &&
           tarn_store_get(store, location, TARN_STORE_WHOLE, TARN_LIMIT_METADATA_BYTES, arena,
                          &bytes, NULL, error) &&
           tarn_table_metadata_inflate(bytes, location, arena, &text, error) &&
           tarn_table_view_parse(text, location, arena, metadata, error);
}

static bool fill_view(TarnView *view, TarnArena *arena, TarnError *error) {
    const TarnViewMetadata *metadata = view->metadata;
    const TarnJson *schema = tarn_table_view_schema(metadata, metadata->current);
    TarnBuffer json;
    view->sql = tarn_table_view_sql(metadata->current, TARN_VIEW_DIALECT);
    view->created_at_ms = metadata->versions[0].timestamp_ms;
    if (schema == NULL) return true;
    tarn_base_buffer_init(&json, TARN_LIMIT_METADATA_BYTES);
    tarn_base_json_write(schema, 0, &json);
    view->schema_json = tarn_base_buffer_keep(&json, arena);
    bool ok = tarn_base_buffer_check(&json, error) && tarn_base_arena_check(arena, error);
    tarn_base_buffer_dispose(&json);
    return ok;
}

bool tarn_catalog_view_find(TarnCatalog *catalog, TarnTableName name, TarnArena *arena,
                            TarnView **view, TarnError *error) {
    const char *location = NULL;
    TarnViewMetadata *metadata = NULL;
    *view = NULL;
    if (!read_pointer(catalog, &name, arena, &location, error)) return false;
    if (location == NULL) return read_legacy(catalog, name, arena, view, error);
    TarnView *found = TARN_NEW(arena, TarnView);
    if (found == NULL) return tarn_base_arena_check(arena, error);
    if (!read_metadata(catalog, location, arena, &metadata, error)) {
        return tarn_base_error_context(error, "while loading the view \"%s.%s\"", name.ns,
                                       name.name);
    }
    *found = (TarnView){.name = name, .metadata_location = location, .metadata = metadata};
    *view = found;
    return fill_view(found, arena, error);
}

bool tarn_catalog__view_exists(TarnCatalog *catalog, TarnTableName name, bool *exists,
                               TarnError *error) {
    TarnArena arena;
    const char *location = NULL;
    TarnView *view = NULL;
    tarn_base_arena_init(&arena, 16 * TARN_MIB);
    bool ok = read_pointer(catalog, &name, &arena, &location, error) &&
              (location != NULL || read_legacy(catalog, name, &arena, &view, error));
    *exists = location != NULL || view != NULL;
    tarn_base_arena_dispose(&arena);
    return ok;
}

static bool refuse_missing(TarnTableName name, TarnError *error) {
    return tarn_base_error_set(error, TARN_E_TABLE_NOT_FOUND, "view \"%s.%s\" does not exist",
                               name.ns, name.name);
}

/* --- committing --- */

typedef struct ViewCommit {
    TarnCatalog *catalog;
    TarnTableName name;
    const char *base; /* the metadata location that must be current; NULL = a new view */
    const TarnViewMetadata *metadata;
    const char *location; /* of the new file */
    TarnIntent intent;
    bool legacy; /* takes the place of a row of tarn_view */
    bool lost_race;
} ViewCommit;

static bool write_file(ViewCommit *commit, TarnArena *arena, TarnError *error) {
    TarnBuffer text;
    TarnStore *store = NULL;
    TarnStoreBatch batch;
    int64_t version = 0;
    if (commit->base != NULL) {
        const char *slash = strrchr(commit->base, '/');
        TarnText rest;
        TarnText digits = tarn_base_text_split(
            tarn_base_text(slash != NULL ? slash + 1 : commit->base), '-', &rest);
        version = tarn_base_text_to_int64(digits, &version) ? version + 1 : 1;
    }
    commit->location = tarn_base_arena_printf(arena, "%s/metadata/%05lld-%s.metadata.json",
                                              commit->metadata->location, (long long)version,
                                              commit->intent.id);
    if (!tarn_base_arena_check(arena, error) ||
        !tarn_catalog__store_of(commit->catalog, commit->location, &store, error)) {
        return false;
    }
    tarn_base_buffer_init(&text, TARN_LIMIT_METADATA_BYTES);
    tarn_store_batch_init(&batch, store);
    tarn_table_view_write(commit->metadata, &text);
    bool ok = tarn_base_buffer_check(&text, error) &&
              tarn_store_put(store, commit->location, tarn_base_buffer_view(&text),
                             TARN_STORE_IF_ABSENT, &batch, error) &&
              tarn_store_batch_sync(&batch, error) &&
              !TARN_FAULT("catalog.view.after_metadata", error);
    tarn_store_batch_dispose(&batch);
    tarn_base_buffer_dispose(&text);
    return ok;
}

static bool insert_row(ViewCommit *commit, TarnError *error) {
    TarnCatalog *catalog = commit->catalog;
    TarnDb *db = catalog->options.db;
    TarnTableName name = commit->name;
    if (commit->legacy) {
        if (!tarn_db_execute(db, "delete from tarn_view where ns = $1 and name = $2",
                             TARN_DB_VALUES(tarn_db_string(name.ns), tarn_db_string(name.name)),
                             NULL, error)) {
            return false;
        }
    } else if (!tarn_catalog__check_free(catalog, name, error) ||
               !tarn_catalog_namespace_create(catalog, name.ns, true, error)) {
        return false;
    }
    return tarn_db_execute(db,
                           "insert into iceberg_tables (catalog_name, table_namespace, table_name,"
                           " metadata_location, iceberg_type) values ($1, $2, $3, $4, 'VIEW')",
                           TARN_DB_VALUES(tarn_catalog__name(), tarn_db_string(name.ns),
                                          tarn_db_string(name.name),
                                          tarn_db_string(commit->location)),
                           NULL, error);
}

static bool move_row(ViewCommit *commit, TarnError *error) {
    int64_t changed = 0;
    TarnTableName name = commit->name;
    if (!tarn_db_execute(commit->catalog->options.db,
                         "update iceberg_tables set metadata_location = $4,"
                         " previous_metadata_location = $5 where catalog_name = $1 and"
                         " table_namespace = $2 and table_name = $3 and metadata_location = $5 and"
                         " iceberg_type = 'VIEW'",
                         TARN_DB_VALUES(tarn_catalog__name(), tarn_db_string(name.ns),
                                        tarn_db_string(name.name),
                                        tarn_db_string(commit->location),
                                        tarn_db_string(commit->base)),
                         &changed, error)) {
        return false;
    }
    commit->lost_race = changed == 0;
    return changed > 0 || tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT,
                                              "the view \"%s.%s\" was changed by others meanwhile",
                                              name.ns, name.name);
}

/* Rows of tarn_table tell listings when a relation last changed; a view has no numbers. */
static bool write_time(ViewCommit *commit, TarnError *error) {
    TarnTableName name = commit->name;
    return tarn_db_execute(
        commit->catalog->options.db,
        "insert into tarn_table (ns, name, metadata_location, table_uuid, rows, bytes, files,"
        " updated_at_ms) values ($1, $2, $3, $4, -1, -1, -1, $5) on conflict (ns, name) do update"
        " set metadata_location = $3, table_uuid = $4, updated_at_ms = $5",
        TARN_DB_VALUES(tarn_db_string(name.ns), tarn_db_string(name.name),
                       tarn_db_string(commit->location), tarn_db_string(commit->metadata->uuid),
                       tarn_db_int64(commit->metadata->current->timestamp_ms)),
        NULL, error);
}

/* The answer to COMMIT was lost: the transaction that moved the pointer forgot the intent. */
static bool settle(ViewCommit *commit, TarnError *error) {
    TarnError lost = *error;
    TarnDb *db = commit->catalog->options.db;
    int64_t one = 0;
    bool found = false;
    bool known = tarn_db_settle(db, error) &&
                 tarn_db_query_int64(db, "select 1 from tarn_intent where id = $1",
                                     TARN_DB_VALUES(tarn_db_string(commit->intent.id)), &one,
                                     &found, error);
    if (known && !found) return true;
    *error = lost;
    if (known) error->outcome_unknown = false;
    return false;
}

static bool swap(ViewCommit *commit, TarnError *error) {
    TarnDb *db = commit->catalog->options.db;
    bool ok = tarn_db_begin(db, TARN_DB_WRITE, error) &&
              (commit->base != NULL ? move_row(commit, error) : insert_row(commit, error)) &&
              write_time(commit, error) &&
              tarn_catalog__intent_forget(commit->catalog, &commit->intent, error);
    if (!ok) {
        tarn_db_rollback(db);
        return false;
    }
    return tarn_db_commit(db, error) || (error->outcome_unknown && settle(commit, error));
}

static bool commit_view(ViewCommit *commit, TarnError *error) {
    TarnArena arena;
    const char *location = commit->metadata->location;
    if (commit->catalog->options.read_only) {
        return tarn_base_error_set(error, TARN_E_DENIED_BY_SYSTEM,
                                   "the lake was opened for reading only");
    }
    if (!tarn_catalog_intent_begin(commit->catalog, &location, 1, &commit->intent, error)) {
        return false;
    }
    tarn_base_arena_init(&arena, TARN_MIB);
    bool ok = write_file(commit, &arena, error) && swap(commit, error);
    if (!ok && !error->outcome_unknown) {
        tarn_catalog_intent_abandon(commit->catalog, &commit->intent);
    }
    commit->location = NULL;
    tarn_base_arena_dispose(&arena);
    return ok;
}

/* --- creating and replacing --- */

static bool create_view(TarnCatalog *catalog, const TarnView *view, bool legacy, TarnArena *arena,
                        bool *again, TarnError *error) {
    char uuid[TARN_OS_UUID_BYTES];
    TarnViewMetadata *metadata = NULL;
    TarnViewRepresentation sql = {.dialect = TARN_VIEW_DIALECT, .sql = view->sql};
    TarnViewWanted wanted = {.ns = view->name.ns,
                             .schema_json = view->schema_json,
                             .representations = &sql,
                             .representation_count = 1};
    int64_t now = legacy ? view->created_at_ms : tarn_os_clock_ms(catalog->options.os);
    if (!tarn_os_uuid4(catalog->options.os, uuid, error)) return false;
    wanted.uuid = uuid;
    wanted.location = tarn_catalog_table_location(catalog, view->name, uuid, arena);
    if (!tarn_base_arena_check(arena, error) ||
        !tarn_table_view_change(NULL, &wanted, now, arena, &metadata, error)) {
        return false;
    }
    ViewCommit commit = {
        .catalog = catalog, .name = view->name, .metadata = metadata, .legacy = legacy};
    *again = false;
    return commit_view(&commit, error);
}

/* The version after `old`, unless it would be the same. */
static bool next_version(TarnCatalog *catalog, const TarnView *old, const TarnViewWanted *wanted,
                         TarnArena *arena, bool *again, TarnError *error) {
    TarnViewMetadata *metadata = NULL;
    if (!tarn_table_view_change(old->metadata, wanted,
                                tarn_os_clock_ms(catalog->options.os), arena, &metadata, error)) {
        return false;
    }
    ViewCommit commit = {.catalog = catalog,
                         .name = old->name,
                         .base = old->metadata_location,
                         .metadata = metadata};
    bool ok = commit_view(&commit, error);
    *again = commit.lost_race;
    return ok;
}

/* Replacing would leave the other dialects with the SQL of another view. */
static bool refuse_loss(const TarnView *old, TarnError *error) {
    TarnText allowed;
    const TarnViewVersion *version = old->metadata->current;
    const TarnJson *properties = tarn_base_json_member(old->metadata->root, "properties");
    if (tarn_base_json_text(tarn_base_json_member(properties, "replace.drop-dialect.allowed"),
                            &allowed) &&
        tarn_base_text_is(allowed, "true")) {
        return true;
    }
    for (size_t i = 0; i < version->representation_count; i++) {
        const char *dialect = version->representations[i].dialect;
        if (strcasecmp(dialect, TARN_VIEW_DIALECT) == 0) continue;
        tarn_base_error_set(error, TARN_E_SCHEMA_CHANGE_REFUSED,
                            "the view \"%s.%s\" has SQL of the dialect \"%s\" too, which would be "
                            "that of another view",
                            old->name.ns, old->name.name, dialect);
        return tarn_base_error_hint(error, "ALTER VIEW .. DROP DIALECT %s first, and add it again "
                                           "afterwards", dialect);
    }
    return true;
}

static bool replace_view(TarnCatalog *catalog, const TarnView *old, const TarnView *view,
                         TarnArena *arena, bool *again, TarnError *error) {
    TarnViewRepresentation sql = {.dialect = TARN_VIEW_DIALECT, .sql = view->sql};
    TarnViewWanted wanted = {.ns = view->name.ns,
                             .schema_json = view->schema_json,
                             .representations = &sql,
                             .representation_count = 1};
    if (tarn_table_view_is(old->metadata, view->sql, view->schema_json, arena)) return true;
    return refuse_loss(old, error) && next_version(catalog, old, &wanted, arena, again, error);
}

static bool try_put(TarnCatalog *catalog, const TarnView *view, bool or_replace, bool *again,
                    TarnError *error) {
    TarnArena arena;
    TarnView *old = NULL;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok = tarn_catalog_view_find(catalog, view->name, &arena, &old, error);
    if (ok && old != NULL && !or_replace) {
        ok = tarn_base_error_set(error, TARN_E_TABLE_EXISTS, "view \"%s.%s\" exists already",
                                 view->name.ns, view->name.name);
    } else if (ok && old != NULL && old->metadata != NULL) {
        ok = replace_view(catalog, old, view, &arena, again, error);
    } else if (ok) {
        ok = create_view(catalog, view, old != NULL, &arena, again, error);
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

bool tarn_catalog_view_put(TarnCatalog *catalog, const TarnView *view, bool or_replace,
                           TarnError *error) {
    for (int i = 0;; i++) {
        bool again = false;
        if (try_put(catalog, view, or_replace, &again, error)) return true;
        if (!again || i >= TRIES_MAX) return false;
        tarn_base_error_clear(error);
    }
}

/* --- dialects --- */

static bool change_dialect(TarnCatalog *catalog, const TarnView *old, const char *dialect,
                           const char *sql, TarnArena *arena, bool *again, TarnError *error) {
    const TarnViewVersion *version = old->metadata->current;
    TarnViewWanted wanted = {0};
    TarnViewRepresentation *list =
        TARN_NEW_ARRAY(arena, version->representation_count + 1, TarnViewRepresentation);
    if (list == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < version->representation_count; i++) {
        if (strcasecmp(version->representations[i].dialect, dialect) == 0) continue;
        list[wanted.representation_count++] = version->representations[i];
    }
    bool known = wanted.representation_count < version->representation_count;
    if (sql == NULL && (!known || wanted.representation_count == 0)) {
        return tarn_base_error_set(error, TARN_E_SCHEMA_CHANGE_REFUSED,
                                   known ? "the view \"%s.%s\" has SQL of \"%s\" only"
                                         : "the view \"%s.%s\" has no SQL of the dialect \"%s\"",
                                   old->name.ns, old->name.name, dialect);
    }
    if (sql != NULL) {
        list[wanted.representation_count++] =
            (TarnViewRepresentation){.dialect = dialect, .sql = sql};
    }
    wanted.representations = list;
    return next_version(catalog, old, &wanted, arena, again, error);
}

bool tarn_catalog_view_dialect(TarnCatalog *catalog, TarnTableName name, const char *dialect,
                               const char *sql, TarnError *error) {
    for (int i = 0;; i++) {
        TarnArena arena;
        TarnView *old = NULL;
        bool again = false;
        tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
        bool ok = tarn_catalog_view_find(catalog, name, &arena, &old, error) &&
                  ((old != NULL && old->metadata != NULL) || refuse_missing(name, error)) &&
                  change_dialect(catalog, old, dialect, sql, &arena, &again, error);
        tarn_base_arena_dispose(&arena);
        if (ok || !again || i >= TRIES_MAX) return ok;
        tarn_base_error_clear(error);
    }
}

/* --- drop, rename --- */

bool tarn_catalog__view_drop(TarnCatalog *catalog, TarnTableName name, TarnError *error) {
    TarnDb *db = catalog->options.db;
    int64_t pointers = 0;
    int64_t legacy = 0;
    const TarnDbValue values[] = {tarn_db_string(name.ns), tarn_db_string(name.name)};
    const TarnDbValue named[] = {tarn_catalog__name(), values[0], values[1]};
    if (!tarn_db_execute(db,
                         "delete from tarn_table where lower(ns) = lower($2) and lower(name) ="
                         " lower($3) and exists (select 1 from iceberg_tables i where"
                         " i.catalog_name = $1 and i.iceberg_type = 'VIEW' and i.table_namespace ="
                         " tarn_table.ns and i.table_name = tarn_table.name)",
                         named, 3, NULL, error) ||
        !tarn_db_execute(db,
                         "delete from iceberg_tables where catalog_name = $1 and iceberg_type ="
                         " 'VIEW' and lower(table_namespace) = lower($2) and lower(table_name) ="
                         " lower($3)",
                         named, 3, &pointers, error) ||
        !tarn_db_execute(db,
                         "delete from tarn_view where lower(ns) = lower($1) and lower(name) ="
                         " lower($2)",
                         values, 2, &legacy, error) ||
        !tarn_catalog__followers_forget(catalog, name, error)) {
        return false;
    }
    return pointers + legacy > 0 || refuse_missing(name, error);
}

bool tarn_catalog_view_rename(TarnCatalog *catalog, TarnTableName from, TarnTableName to,
                              TarnError *error) {
    TarnDb *db = catalog->options.db;
    TarnArena arena;
    const char *location = NULL;
    tarn_base_arena_init(&arena, TARN_MIB);
    bool same = tarn_catalog_name_equal(from, to); /* only the case changes */
    bool ok = tarn_db_begin(db, TARN_DB_WRITE, error) &&
              read_pointer(catalog, &from, &arena, &location, error) &&
              (location != NULL || refuse_missing(from, error)) &&
              (same || tarn_catalog__check_free(catalog, to, error)) &&
              tarn_catalog__rename_rows(catalog, from, to, error) && tarn_db_commit(db, error);
    if (!ok) tarn_db_rollback(db);
    tarn_base_arena_dispose(&arena);
    return ok;
}

/* --- lakes of older versions --- */

static bool read_names(TarnCatalog *catalog, TarnArena *arena, TarnTableName **names,
                       size_t *count, TarnError *error) {
    struct {
        TarnTableName *items;
        size_t count;
        size_t capacity;
    } list = {0};
    TarnDbRows *rows = NULL;
    bool more = false;
    bool ok = tarn_db_query(catalog->options.db, "select ns, name from tarn_view", NULL, 0, &rows,
                            error);
    while (ok && (ok = tarn_db_next(rows, &more, error)) && more) {
        TarnTableName *name = TARN_PUSH(arena, &list);
        if (name == NULL) break;
        *name = (TarnTableName){tarn_db_column_string(rows, 0, arena),
                                tarn_db_column_string(rows, 1, arena)};
    }
    tarn_db_rows_close(rows);
    *names = list.items;
    *count = list.count;
    return ok && tarn_base_arena_check(arena, error);
}

void tarn_catalog__views_adopt(TarnCatalog *catalog) {
    TarnArena arena;
    TarnError error = {0};
    TarnTableName *names = NULL;
    size_t count = 0;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok = read_names(catalog, &arena, &names, &count, &error);
    for (size_t i = 0; ok && i < count; i++) {
        TarnView *view = NULL;
        bool again = false;
        ok = read_legacy(catalog, names[i], &arena, &view, &error) &&
             (view == NULL || create_view(catalog, view, true, &arena, &again, &error));
    }
    if (!ok) {
        tarn_base_log(TARN_LOG_WARN, "views stay as an older version kept them: %s",
                      error.message);
    }
    tarn_base_arena_dispose(&arena);
}
