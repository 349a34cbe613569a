/* File intents: a record, made before the first file is written, that files carrying an id may
 * exist. The swap forgets the record in its own transaction. So a record that is still there
 * means: these files were never committed. When its owner is gone they are removed.
 */
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "catalog/catalog_private.h"

bool tarn_catalog__intent_write(TarnCatalog *catalog, const char *const *locations, size_t count,
                                TarnIntent *intent, TarnError *error) {
    const TarnOs *os = catalog->options.os;
    if (!tarn_os_uuid7(os, intent->id, error)) return false;
    for (size_t i = 0; i < count; i++) {
        if (!tarn_db_execute(catalog->options.db,
                             "insert into tarn_intent (id, location, owner, created_at_ms) values"
                             " ($1, $2, $3, $4) on conflict do nothing",
                             TARN_DB_VALUES(tarn_db_string(intent->id),
                                            tarn_db_string(locations[i]),
                                            tarn_db_string(catalog->owner),
                                            tarn_db_int64(tarn_os_clock_ms(os))),
                             NULL, error)) {
            return false;
        }
    }
    return true;
}

bool tarn_catalog__intent_forget(TarnCatalog *catalog, const TarnIntent *intent,
                                 TarnError *error) {
    return tarn_db_execute(catalog->options.db, "delete from tarn_intent where id = $1",
                           TARN_DB_VALUES(tarn_db_string(intent->id)), NULL, error);
}

bool tarn_catalog_intent_begin(TarnCatalog *catalog, const char *const *locations, size_t count,
                               TarnIntent *intent, TarnError *error) {
    TarnDb *db = catalog->options.db;
    if (catalog->options.read_only) {
        return tarn_base_error_set(error, TARN_E_DENIED_BY_SYSTEM,
                                   "the lake was opened for reading only");
    }
    bool ok = tarn_db_begin(db, TARN_DB_WRITE, error) &&
              tarn_catalog__intent_write(catalog, locations, count, intent, error) &&
              tarn_db_commit(db, error);
    if (!ok) tarn_db_rollback(db);
    return ok && !TARN_FAULT("catalog.intent.after_begin", error);
}

/* --- removing what an intent left --- */

typedef struct Removal {
    TarnStore *store;
    const char *id;
    int64_t removed;
    TarnArena arena;
    struct {
        const char **items;
        size_t count;
        size_t capacity;
    } paths;
} Removal;

static bool collect_file(void *state, const TarnStoreObject *object, TarnError *error) {
    Removal *removal = state;
    if (strstr(object->location, removal->id) == NULL) return true;
    const char **path = TARN_PUSH(&removal->arena, &removal->paths);
    if (path != NULL) *path = tarn_base_arena_string(&removal->arena, object->location);
    return tarn_base_arena_check(&removal->arena, error);
}

static bool remove_files(TarnCatalog *catalog, const char *location, const char *id,
                         int64_t *removed, TarnError *error) {
    Removal removal = {.id = id};
    tarn_base_arena_init(&removal.arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok = tarn_catalog__store_of(catalog, location, &removal.store, error) &&
              tarn_store_list(removal.store, location, collect_file, &removal, error);
    ok = ok && tarn_store_delete_many(removal.store, removal.paths.items, removal.paths.count, NULL,
                                      error);
    if (ok) *removed += (int64_t)removal.paths.count;
    tarn_base_arena_dispose(&removal.arena);
    return ok;
}

typedef struct IntentRow {
    const char *id;
    const char *location;
    const char *owner;
} IntentRow;

typedef struct IntentRows {
    IntentRow *items;
    size_t count;
    size_t capacity;
} IntentRows;

static bool read_intents(TarnCatalog *catalog, const char *id, TarnArena *arena, IntentRows *list,
                         TarnError *error) {
    TarnDbRows *rows = NULL;
    bool more = false;
    bool ok = tarn_db_query(catalog->options.db,
                            "select id, location, owner from tarn_intent where $1 = '' or id = $1"
                            " order by id, location",
                            TARN_DB_VALUES(tarn_db_string(id != NULL ? id : "")), &rows, error);
    while (ok && (ok = tarn_db_next(rows, &more, error)) && more) {
        IntentRow *row = TARN_PUSH(arena, list);
        if (row == NULL) break;
        row->id = tarn_db_column_string(rows, 0, arena);
        row->location = tarn_db_column_string(rows, 1, arena);
        row->owner = tarn_db_column_string(rows, 2, arena);
    }
    tarn_db_rows_close(rows);
    return ok && tarn_base_arena_check(arena, error);
}

static bool sweep_row(TarnCatalog *catalog, const IntentRow *row, int64_t *removed,
                      TarnError *error) {
    return remove_files(catalog, row->location, row->id, removed, error) &&
           tarn_db_execute(catalog->options.db,
                           "delete from tarn_intent where id = $1 and location = $2",
                           TARN_DB_VALUES(tarn_db_string(row->id), tarn_db_string(row->location)),
                           NULL, error);
}

void tarn_catalog_intent_abandon(TarnCatalog *catalog, const TarnIntent *intent) {
    TarnArena arena;
    IntentRows rows = {0};
    TarnError error = {0};
    int64_t removed = 0;
    if (intent->id[0] == '\0') return;
    tarn_base_arena_init(&arena, TARN_MIB);
    bool ok = read_intents(catalog, intent->id, &arena, &rows, &error);
    for (size_t i = 0; ok && i < rows.count; i++) {
        ok = sweep_row(catalog, &rows.items[i], &removed, &error);
    }
    if (!ok) {
        tarn_base_log(TARN_LOG_WARN, "files of an abandoned write stay until the next sweep: %s",
                      error.message);
    }
    tarn_base_arena_dispose(&arena);
}

/* Is the record still there, now that its owner is dead? Between reading the records and looking
 * at the owner it may have committed and ended, and a commit that it died in may be in the
 * database's log, unseen until a crash: so the log is settled, then the record is read again. */
static bool is_abandoned(TarnCatalog *catalog, const IntentRow *row, bool *abandoned,
                         TarnError *error) {
    int64_t one;
    *abandoned = false;
    return tarn_db_settle(catalog->options.db, error) &&
           tarn_db_query_int64(catalog->options.db,
                               "select 1 from tarn_intent where id = $1 and location = $2",
                               TARN_DB_VALUES(tarn_db_string(row->id),
                                              tarn_db_string(row->location)),
                               &one, abandoned, error);
}

bool tarn_catalog_intent_sweep(TarnCatalog *catalog, int64_t *removed, TarnError *error) {
    TarnArena arena;
    IntentRows rows = {0};
    *removed = 0;
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    bool ok = read_intents(catalog, NULL, &arena, &rows, error);
    for (size_t i = 0; ok && i < rows.count; i++) {
        TarnOsOwner state = TARN_OS_OWNER_ELSEWHERE;
        bool abandoned = false;
        ok = tarn_os_owner_state(catalog->options.os, rows.items[i].owner, &state, error);
        if (!ok || state != TARN_OS_OWNER_DEAD) continue;
        ok = is_abandoned(catalog, &rows.items[i], &abandoned, error) &&
             (!abandoned || sweep_row(catalog, &rows.items[i], removed, error));
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}
