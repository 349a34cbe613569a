/* The SQLite connection: opening, transactions, errors, health.
 *
 * Decisions: the write-ahead log, since a commit then costs one sync instead of three and readers
 * never wait; synchronous=FULL, so that a commit survives a power cut; the schema in the file is
 * not trusted to run functions, and the file's cells are checked when read, since the file may
 * come from elsewhere. Waiting for other processes is done by our own handler: with jitter, on the
 * clock of TarnOs, and ended by Ctrl-C.
 *
 * A commit that failed while writing or syncing the log is neither done nor undone: the log may
 * hold all of it, unseen by anyone until a crash makes the next process recover the log. The next
 * write goes over those very frames, so a small write settles it: see sqlite_settle.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/log.h"
#include "db/sqlite_private.h"

#define BUSY_WAIT_US_MIN 500
#define BUSY_WAIT_US_MAX 20000
#define PATH_BYTES_MAX ((size_t)64 * 1024)

/* ---- errors ------------------------------------------------------------------------------ */

static TarnErrorCode code_of_result(const TarnDbSqlite *sqlite, int result) {
    switch (result) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return TARN_E_OBJECT_EXISTS;
    default: break;
    }
    switch (result & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return tarn_os_interrupted() ? TARN_E_INTERRUPTED : TARN_E_DATABASE_BUSY;
    case SQLITE_INTERRUPT: return TARN_E_INTERRUPTED;
    case SQLITE_FULL: return TARN_E_DISK_FULL;
    case SQLITE_IOERR:
        if (sqlite->handle == NULL || sqlite3_system_errno(sqlite->handle) != ENOSPC) {
            return TARN_E_IO;
        }
        return TARN_E_DISK_FULL;
    case SQLITE_NOMEM: return TARN_E_OUT_OF_MEMORY;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return TARN_E_DENIED_BY_SYSTEM;
    case SQLITE_CANTOPEN: {
        int why = sqlite->handle != NULL ? sqlite3_system_errno(sqlite->handle) : 0;
        bool denied = why == EACCES || why == EPERM || why == EROFS;
        return denied ? TARN_E_DENIED_BY_SYSTEM : TARN_E_DATABASE;
    }
    case SQLITE_TOOBIG: return TARN_E_LIMIT_EXCEEDED;
    default: return TARN_E_DATABASE;
    }
}

static void hint_at(const TarnDbSqlite *sqlite, int result, TarnError *error) {
    switch (result & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        if (error->code != TARN_E_DATABASE_BUSY) break;
        tarn_base_error_hint(error, "another process has been writing for %lld ms; run the command "
                             "again when it has ended",
                             (long long)sqlite->db.options.busy_timeout_ms);
        break;
    case SQLITE_FULL:
        tarn_base_error_hint(error, "free some space and run the command again; nothing half-done "
                                    "was kept");
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        tarn_base_error_hint(error, "run tarn doctor, or restore a backup");
        break;
    case SQLITE_CANTOPEN:
        tarn_base_error_hint(error, "the file and its folder must be readable, and writable too, "
                                    "since SQLite keeps its log beside the file");
        break;
    default: break;
    }
}

bool tarn_db__sqlite_fail(const TarnDbSqlite *sqlite, int result, const char *sql,
                          TarnError *error) {
    TarnError ignored;
    if (error == NULL) error = &ignored;
    const char *text = sqlite->handle != NULL && sqlite3_errcode(sqlite->handle) == result
                           ? sqlite3_errmsg(sqlite->handle)
                           : sqlite3_errstr(result);
    tarn_base_error_set(error, code_of_result(sqlite, result), "metadata database \"%s\": %s",
                        sqlite->path, text);
    hint_at(sqlite, result, error);
    if (sql != NULL) tarn_base_error_detail(error, "%s", sql);
    return false;
}

/* ---- waiting ----------------------------------------------------------------------------- */

/* Called by SQLite when a lock is taken; `attempt` counts from 0 for each wait. */
static int on_busy(void *state, int attempt) {
    TarnDbSqlite *sqlite = state;
    const TarnOs *os = sqlite->db.os;
    int64_t now = os->monotonic_us(os);
    if (attempt == 0) sqlite->busy_start_us = now;
    if ((now - sqlite->busy_start_us) / 1000 >= sqlite->db.options.busy_timeout_ms) return 0;
    int64_t wait = (int64_t)BUSY_WAIT_US_MIN << (attempt < 6 ? attempt : 6);
    if (wait > BUSY_WAIT_US_MAX) wait = BUSY_WAIT_US_MAX;
    uint16_t chance = 0;
    if (!os->random(os, &chance, sizeof(chance), NULL)) chance = 0;
    /* A random half, so that several waiters do not come back in step. */
    return os->sleep_us(os, wait / 2 + wait * chance / 131072, NULL) ? 1 : 0;
}

/* ---- transactions ------------------------------------------------------------------------ */

static bool run(TarnDbSqlite *sqlite, const char *sql, TarnError *error) {
    int result = sqlite3_exec(sqlite->handle, sql, NULL, NULL, NULL);
    return result == SQLITE_OK || tarn_db__sqlite_fail(sqlite, result, sql, error);
}

/* The statement was prepared when the connection was opened, since what takes back should need no
 * memory; but SQLite may want to prepare it again. */
static void sqlite_rollback(TarnDb *db) {
    TarnDbSqlite *sqlite = (TarnDbSqlite *)db;
    int result = SQLITE_OK;
    /* SQLite has rolled back by itself after some errors. */
    for (int i = 0; i < 2 && sqlite3_get_autocommit(sqlite->handle) == 0; i++) {
        sqlite3_step(sqlite->rollback);
        result = sqlite3_reset(sqlite->rollback);
    }
    if (sqlite3_get_autocommit(sqlite->handle) == 0) {
        tarn_base_log(TARN_LOG_ERROR, "could not roll back: %s", sqlite3_errstr(result));
    }
}

/* Out of memory, "begin" may fail after it has begun, and a rollback before it may have failed. */
static bool sqlite_begin(TarnDb *db, TarnDbMode mode, TarnError *error) {
    sqlite_rollback(db);
    if (run((TarnDbSqlite *)db, mode == TARN_DB_WRITE ? "begin immediate" : "begin", error)) {
        return true;
    }
    sqlite_rollback(db);
    return false;
}

/* Failures before anything was written to the log, or that SQLite defines as not committed. */
static bool is_surely_undone(int result) {
    switch (result & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CONSTRAINT:
    case SQLITE_READONLY:
    case SQLITE_FULL: return true;
    default: return false;
    }
}

static bool sqlite_commit(TarnDb *db, TarnError *error) {
    TarnDbSqlite *sqlite = (TarnDbSqlite *)db;
    int result = sqlite3_exec(sqlite->handle, "commit", NULL, NULL, NULL);
    if (result == SQLITE_OK) return true;
    tarn_db__sqlite_fail(sqlite, result, NULL, error);
    if (error != NULL && db->mode == TARN_DB_WRITE) {
        error->outcome_unknown = !is_surely_undone(result);
    }
    sqlite_rollback(db);
    return false;
}

/* Writes the user version as it is: the smallest transaction that goes over the frames which a
 * failed commit may have left in the log. */
static bool rewrite_user_version(TarnDbSqlite *sqlite, TarnError *error) {
    int64_t version;
    bool found;
    if (!tarn_db_query_int64(&sqlite->db, "pragma user_version", NULL, 0, &version, &found,
                             error)) {
        return false;
    }
    char sql[64];
    snprintf(sql, sizeof(sql), "pragma user_version = %lld", (long long)version);
    return run(sqlite, sql, error);
}

static bool sqlite_settle(TarnDb *db, TarnError *error) {
    TarnDbSqlite *sqlite = (TarnDbSqlite *)db;
    if (!sqlite_begin(db, TARN_DB_WRITE, error)) return false;
    if (rewrite_user_version(sqlite, error) && run(sqlite, "commit", error)) return true;
    sqlite_rollback(db);
    return false;
}

static bool sqlite_script(TarnDb *db, const char *sql, TarnError *error) {
    return run((TarnDbSqlite *)db, sql, error);
}

static int64_t sqlite_changed(TarnDb *db) {
    return sqlite3_changes64(((TarnDbSqlite *)db)->handle);
}

/* ---- looking ----------------------------------------------------------------------------- */

static bool exists(TarnDb *db, const char *sql, const TarnDbValue *values, size_t count,
                   bool *yes, TarnError *error) {
    int64_t value;
    return tarn_db_query_int64(db, sql, values, count, &value, yes, error);
}

static bool sqlite_has_table(TarnDb *db, const char *name, bool *has, TarnError *error) {
    return exists(db, "select 1 from sqlite_schema where type = 'table' and name = $1",
                  TARN_DB_VALUES(tarn_db_string(name)), has, error);
}

static bool sqlite_is_empty(TarnDb *db, bool *empty, TarnError *error) {
    bool any;
    *empty = false;
    if (!exists(db, "select 1 from sqlite_schema limit 1", NULL, 0, &any, error)) return false;
    *empty = !any;
    return true;
}

static bool report_problems(TarnDb *db, const char *sql, bool is_integrity, TarnDbProblem report,
                            void *state, TarnError *error) {
    TarnDbRows *rows;
    bool more;
    bool ok;
    char problem[512];
    if (!tarn_db_query(db, sql, NULL, 0, &rows, error)) return false;
    while ((ok = tarn_db_next(rows, &more, error)) && more) {
        TarnText text = tarn_db_column_text(rows, 0);
        if (is_integrity && tarn_base_text_is(text, "ok")) continue;
        if (is_integrity) {
            snprintf(problem, sizeof(problem), "%.*s", TARN_TEXT_ARG(text));
        } else {
            TarnText parent = tarn_db_column_text(rows, 2);
            snprintf(problem, sizeof(problem), "row %lld of \"%.*s\" refers to no row of \"%.*s\"",
                     (long long)tarn_db_column_int64(rows, 1), TARN_TEXT_ARG(text),
                     TARN_TEXT_ARG(parent));
        }
        ok = report(state, problem, error);
        if (!ok) break;
    }
    tarn_db_rows_close(rows);
    return ok;
}

static bool sqlite_check(TarnDb *db, TarnDbProblem report, void *state, TarnError *error) {
    TarnError reason;
    tarn_base_error_clear(&reason);
    bool ok = report_problems(db, "pragma integrity_check(100)", true, report, state, &reason) &&
              report_problems(db, "select * from pragma_foreign_key_check limit 100", false, report,
                              state, &reason);
    if (ok) return true;
    /* Damage that ends the check itself is a finding, not a failure of the check. */
    int result = sqlite3_errcode(((TarnDbSqlite *)db)->handle) & 0xFF;
    if (reason.code == TARN_E_DATABASE && (result == SQLITE_CORRUPT || result == SQLITE_NOTADB)) {
        return report(state, reason.message, error);
    }
    if (error != NULL) *error = reason;
    return false;
}

static const char *sqlite_version(const TarnDb *db) {
    static const char text[] = "SQLite " SQLITE_VERSION;
    (void)db;
    return sqlite3_libversion_number() == SQLITE_VERSION_NUMBER ? text : sqlite3_libversion();
}

/* ---- closing ----------------------------------------------------------------------------- */

static void sqlite_close(TarnDb *db) {
    TarnDbSqlite *sqlite = (TarnDbSqlite *)db;
    tarn_db__sqlite_rows_dispose(sqlite);
    sqlite3_finalize(sqlite->rollback);
    int result = sqlite3_close(sqlite->handle);
    if (result != SQLITE_OK) {
        tarn_base_log(TARN_LOG_ERROR, "could not close \"%s\": %s", sqlite->path,
                      sqlite3_errstr(result));
    }
    free(sqlite->path);
    free(sqlite);
}

static const TarnDbClass sqlite_class = {
    .close = sqlite_close,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .settle = sqlite_settle,
    .script = sqlite_script,
    .query = tarn_db__sqlite_query,
    .next = tarn_db__sqlite_next,
    .rows_close = tarn_db__sqlite_rows_close,
    .columns = tarn_db__sqlite_columns,
    .kind = tarn_db__sqlite_kind,
    .int64 = tarn_db__sqlite_int64,
    .real = tarn_db__sqlite_real,
    .bytes = tarn_db__sqlite_bytes,
    .changed = sqlite_changed,
    .has_table = sqlite_has_table,
    .is_empty = sqlite_is_empty,
    .check = sqlite_check,
    .version = sqlite_version,
};

/* ---- opening ----------------------------------------------------------------------------- */

/* Makes the file ourselves, since SQLite would let others read it, and its name durable. */
static bool make_file(const TarnOs *os, const char *path, TarnError *error) {
    TarnOsFile *file;
    TarnError reason;
    tarn_base_error_clear(&reason);
    if (os->file_open(os, path, TARN_OS_CREATE_SECRET, &file, &reason)) {
        if (!os->file_close(os, file, error)) return false;
    } else if (reason.code != TARN_E_OBJECT_EXISTS) {
        if (error != NULL) *error = reason;
        return false;
    }
    TarnText parent = tarn_os_parent(path);
    char *folder = strndup(parent.data, parent.size);
    if (folder == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory");
    bool ok = os->directory_sync(os, folder, error);
    free(folder);
    return ok;
}

static bool check_file(const TarnOs *os, const char *path, TarnDbOpen how, TarnError *error) {
    TarnOsStat stat;
    if (!os->stat(os, path, true, &stat, error)) return false;
    /* An empty file may be another process's that has not made its name durable yet. */
    bool is_new = stat.kind == TARN_OS_ABSENT || (stat.kind == TARN_OS_FILE && stat.size == 0);
    if (how == TARN_DB_CREATE && is_new) return make_file(os, path, error);
    if (stat.kind == TARN_OS_FILE) return true;
    if (stat.kind == TARN_OS_ABSENT) {
        return tarn_base_error_set(error, TARN_E_OBJECT_NOT_FOUND,
                                   "the metadata database \"%s\" does not exist", path);
    }
    return tarn_base_error_set(error, TARN_E_DATABASE,
                               "the metadata database \"%s\" is not a regular file", path);
}

/* On a volume that nobody can write to, SQLite can keep no log and needs none. The path goes into
 * a URI then: RFC 3986, with all but the plainest characters in percent form. */
static bool write_immutable_uri(const char *path, TarnBuffer *uri, TarnError *error) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789/._-";
    tarn_base_buffer_string(uri, "file:");
    for (const char *at = path; *at != '\0'; at++) {
        if (strchr(plain, *at) != NULL) {
            tarn_base_buffer_byte(uri, (uint8_t)*at);
        } else {
            tarn_base_buffer_printf(uri, "%%%02X", (unsigned)(unsigned char)*at);
        }
    }
    tarn_base_buffer_string(uri, "?immutable=1");
    return tarn_base_buffer_check(uri, error);
}

static bool open_handle(TarnDbSqlite *sqlite, TarnError *error) {
    const TarnOs *os = sqlite->db.os;
    bool read_only = sqlite->db.options.how == TARN_DB_READ_ONLY;
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE |
                (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    TarnOsVolume volume = {0};
    if (read_only && !os->volume(os, sqlite->path, &volume, error)) return false;
    TarnBuffer name;
    tarn_base_buffer_init(&name, PATH_BYTES_MAX);
    if (volume.read_only) {
        flags |= SQLITE_OPEN_URI;
        if (!write_immutable_uri(sqlite->path, &name, error)) {
            tarn_base_buffer_dispose(&name);
            return false;
        }
    }
    int result = sqlite3_open_v2(volume.read_only ? name.data : sqlite->path, &sqlite->handle,
                                 flags, NULL);
    tarn_base_buffer_dispose(&name);
    return result == SQLITE_OK || tarn_db__sqlite_fail(sqlite, result, NULL, error);
}

static bool configure(TarnDbSqlite *sqlite, TarnError *error) {
    static const struct {
        int option;
        int value;
    } switches[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0}, /* "x" is a name, never a text, as in PostgreSQL */
        {SQLITE_DBCONFIG_DQS_DDL, 0},
    };
    sqlite3_busy_handler(sqlite->handle, on_busy, sqlite);
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        int result = sqlite3_db_config(sqlite->handle, switches[i].option, switches[i].value, NULL);
        if (result != SQLITE_OK) return tarn_db__sqlite_fail(sqlite, result, NULL, error);
    }
    sqlite3_limit(sqlite->handle, SQLITE_LIMIT_ATTACHED, 0);
    int prepared = sqlite3_prepare_v3(sqlite->handle, "rollback", -1, SQLITE_PREPARE_PERSISTENT,
                                      &sqlite->rollback, NULL);
    if (prepared != SQLITE_OK) return tarn_db__sqlite_fail(sqlite, prepared, NULL, error);
    return run(sqlite, "pragma synchronous = full; pragma cell_size_check = on; "
                       "pragma temp_store = memory", error);
}

/* Turning on the log needs the file for itself for a moment, and SQLite does not always ask the
 * handler when it does not get it: two processes that make a database at once meet here. */
static bool turn_on_log(TarnDbSqlite *sqlite, TarnError *error) {
    for (int attempt = 0;; attempt++) {
        TarnError reason;
        tarn_base_error_clear(&reason);
        TarnDbRows *rows;
        bool more = false;
        bool is_on = false;
        bool ok = tarn_db_query(&sqlite->db, "pragma journal_mode = wal", NULL, 0, &rows, &reason);
        if (ok) {
            ok = tarn_db_next(rows, &more, &reason);
            is_on = ok && more && tarn_base_text_is(tarn_db_column_text(rows, 0), "wal");
            tarn_db_rows_close(rows);
        }
        if (is_on) return true;
        if (ok) {
            tarn_base_error_set(error, TARN_E_DATABASE, "metadata database \"%s\": SQLite cannot "
                                "keep a write-ahead log here", sqlite->path);
            return tarn_base_error_hint(error, "put the catalog on a disk of this machine");
        }
        if (reason.code != TARN_E_DATABASE_BUSY || on_busy(sqlite, attempt) == 0) {
            if (error != NULL) *error = reason;
            return false;
        }
    }
}

static bool open_connection(TarnDbSqlite *sqlite, TarnError *error) {
    const TarnDbOptions *options = &sqlite->db.options;
    return check_file(sqlite->db.os, sqlite->path, options->how, error) &&
           open_handle(sqlite, error) && configure(sqlite, error) &&
           (options->how == TARN_DB_READ_ONLY || turn_on_log(sqlite, error));
}

bool tarn_db__sqlite_open(const TarnOs *os, const char *path, const TarnDbOptions *options,
                          TarnDb **db, TarnError *error) {
    TarnDbSqlite *sqlite = calloc(1, sizeof(TarnDbSqlite));
    /* A relative path must not be taken for "file:" or ":memory:", which mean something else. */
    size_t size = strlen(path) + 3;
    if (sqlite != NULL) sqlite->path = malloc(size);
    if (sqlite == NULL || sqlite->path == NULL) {
        free(sqlite);
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for a connection");
    }
    snprintf(sqlite->path, size, "%s%s", path[0] == '/' ? "" : "./", path);
    sqlite->db = (TarnDb){.class = &sqlite_class, .os = os, .options = *options};
    if (!open_connection(sqlite, error)) {
        sqlite_close(&sqlite->db);
        return false;
    }
    *db = &sqlite->db;
    return true;
}
