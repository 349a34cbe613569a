/* Migrations: bringing a database to this program's version, one recorded step at a time.
 *
 * Idea: what is applied is read twice. Once without a lock, which is all that the usual start
 * costs; and again as the only writer before each step, since another process may have taken that
 * step meanwhile. A step and its record are one transaction, so a step is never half done and never
 * done twice. Versions count 1, 2, 3, so that the number of records tells which step is next.
 */
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/time.h"
#include "db/db_private.h"

static bool check_list(const TarnDbMigration *migrations, size_t count, TarnError *error) {
    for (size_t i = 0; i < count; i++) {
        if (migrations[i].version != (int64_t)i + 1) {
            return tarn_base_error_set(error, TARN_E_INTERNAL,
                                       "migration \"%s\" has the version %lld instead of %zu",
                                       migrations[i].name, (long long)migrations[i].version, i + 1);
        }
    }
    return true;
}

/* One record against the list. */
static bool check_record(int64_t version, TarnText name, size_t index,
                         const TarnDbMigration *migrations, size_t count, TarnError *error) {
    if (index >= count) {
        tarn_base_error_set(error, TARN_E_CATALOG_TOO_NEW,
                            "the catalog has version %lld (\"%.*s\"); this program knows %zu",
                            (long long)version, TARN_TEXT_ARG(name), count);
        return tarn_base_error_hint(error, "run the newer tarn that wrote it, or restore a backup "
                                           "made before");
    }
    if (version == migrations[index].version && tarn_base_text_is(name, migrations[index].name)) {
        return true;
    }
    tarn_base_error_set(error, TARN_E_DATABASE,
                        "the catalog's version %lld is \"%.*s\", but this program's version %lld "
                        "is \"%s\"",
                        (long long)version, TARN_TEXT_ARG(name),
                        (long long)migrations[index].version, migrations[index].name);
    return tarn_base_error_hint(error, "another program has changed this database");
}

/* How many steps are applied; refuses a database that this program cannot have made. */
static bool read_applied(TarnDb *db, const TarnDbMigration *migrations, size_t count,
                         size_t *applied, bool *has_table, TarnError *error) {
    TarnDbRows *rows;
    bool more;
    bool ok;
    *applied = 0;
    if (!db->class->has_table(db, "tarn_migrations", has_table, error)) return false;
    if (TARN_FAULT("db.migrate.look", error)) return false;
    if (!*has_table) {
        bool empty;
        if (!db->class->is_empty(db, &empty, error)) return false;
        if (empty) return true;
        return tarn_base_error_set(error, TARN_E_DATABASE, "the database has tables, but it is not "
                                   "a catalog of tarn");
    }
    if (!tarn_db_query(db, "select version, name from tarn_migrations order by version", NULL, 0,
                       &rows, error)) {
        return false;
    }
    while ((ok = tarn_db_next(rows, &more, error)) && more) {
        ok = check_record(tarn_db_column_int64(rows, 0), tarn_db_column_text(rows, 1), *applied,
                          migrations, count, error);
        if (!ok) break;
        ++*applied;
    }
    tarn_db_rows_close(rows);
    return ok;
}

static bool apply(TarnDb *db, const TarnDbMigration *migration, bool has_table, TarnError *error) {
    char now[TARN_TIME_TEXT_BYTES];
    tarn_base_time_format_us(db->os->clock_us(db->os), now);
    if (!has_table &&
        !tarn_db_script(db, "create table tarn_migrations (version bigint primary key, "
                            "name text not null, applied_at text not null)", error)) {
        return false;
    }
    return tarn_db_script(db, migration->sql, error) &&
           tarn_db_execute(db, "insert into tarn_migrations (version, name, applied_at) "
                               "values ($1, $2, $3)",
                           TARN_DB_VALUES(tarn_db_int64(migration->version),
                                          tarn_db_string(migration->name), tarn_db_string(now)),
                           NULL, error) &&
           !TARN_FAULT("db.migrate.before_commit", error);
}

/* One step as the only writer; nothing to do if another process has taken the last one. */
static bool take_step(TarnDb *db, const TarnDbMigration *migrations, size_t count,
                      size_t *applied, TarnError *error) {
    bool has_table;
    if (!tarn_db_begin(db, TARN_DB_WRITE, error)) return false;
    bool ok = read_applied(db, migrations, count, applied, &has_table, error);
    if (!ok || *applied == count) {
        tarn_db_rollback(db);
        return ok;
    }
    const TarnDbMigration *next = &migrations[*applied];
    ok = apply(db, next, has_table, error) && tarn_db_commit(db, error);
    if (!ok) {
        tarn_db_rollback(db);
        return tarn_base_error_context(error, "bringing the catalog to version %lld \"%s\"",
                                       (long long)next->version, next->name);
    }
    ++*applied;
    return true;
}

/* Several queries, so one transaction: another process may be making the database just now. */
static bool look(TarnDb *db, const TarnDbMigration *migrations, size_t count, size_t *applied,
                 TarnError *error) {
    bool has_table;
    if (!tarn_db_begin(db, TARN_DB_READ, error)) return false;
    bool ok = read_applied(db, migrations, count, applied, &has_table, error);
    tarn_db_rollback(db);
    return ok;
}

bool tarn_db_migrate(TarnDb *db, const TarnDbMigration *migrations, size_t count,
                     TarnError *error) {
    size_t applied;
    if (!check_list(migrations, count, error) ||
        !look(db, migrations, count, &applied, error)) {
        return false;
    }
    if (applied < count && db->options.how == TARN_DB_READ_ONLY) {
        tarn_base_error_set(error, TARN_E_DATABASE,
                            "the catalog has version %zu, this program needs %zu", applied, count);
        return tarn_base_error_hint(error, "run a command that may write, it brings the catalog up "
                                           "to date");
    }
    while (applied < count) {
        if (!take_step(db, migrations, count, &applied, error)) return false;
    }
    return true;
}
