/* The front of the metadata database: chooses the implementation by the address, keeps the rules
 * of transactions, and offers the short forms built on queries.
 */
#include "db/db.h"

#include "base/fault.h"
#include "db/db_private.h"

#define SQLITE_SCHEME "sqlite:"

bool tarn_db_open(const TarnOs *os, const char *url, const TarnDbOptions *options, TarnDb **db,
                  TarnError *error) {
    TarnDbOptions filled = options != NULL ? *options : (TarnDbOptions){.how = TARN_DB_OPEN};
    *db = NULL;
    if (filled.busy_timeout_ms <= 0) filled.busy_timeout_ms = TARN_DB_BUSY_TIMEOUT_MS;
    TarnText text = tarn_base_text(url);
    if (tarn_base_text_starts(text, SQLITE_SCHEME) && text.size > sizeof(SQLITE_SCHEME) - 1) {
        return tarn_db__sqlite_open(os, url + sizeof(SQLITE_SCHEME) - 1, &filled, db, error);
    }
    /* An address may hold a password: only its scheme is shown. */
    TarnText rest;
    TarnText scheme = tarn_base_text_split(text, ':', &rest);
    tarn_base_error_set(error, TARN_E_CONFIG, "this program has no metadata database for \"%.*s\"",
                        rest.data != NULL ? (int)scheme.size : 0, scheme.data);
    return tarn_base_error_hint(error, "use sqlite:PATH, for example sqlite:.tarn/catalog.db");
}

void tarn_db_close(TarnDb *db) {
    if (db == NULL) return;
    tarn_db_rollback(db);
    db->class->close(db);
}

/* ---- transactions ------------------------------------------------------------------------ */

bool tarn_db_begin(TarnDb *db, TarnDbMode mode, TarnError *error) {
    if (db->in_transaction) {
        return tarn_base_error_set(error, TARN_E_INTERNAL, "a transaction is open already");
    }
    if (!db->class->begin(db, mode, error)) return false;
    db->in_transaction = true;
    db->mode = mode;
    return true;
}

bool tarn_db_commit(TarnDb *db, TarnError *error) {
    if (!db->in_transaction) {
        return tarn_base_error_set(error, TARN_E_INTERNAL, "no transaction is open");
    }
    bool writes = db->mode == TARN_DB_WRITE;
    if (writes && TARN_FAULT("db.commit.before", error)) {
        tarn_db_rollback(db);
        return false;
    }
    db->in_transaction = false;
    if (!db->class->commit(db, error)) return false;
    if (writes && TARN_FAULT("db.commit.after", error)) { /* done, but the answer is lost */
        if (error != NULL) error->outcome_unknown = true;
        return false;
    }
    return true;
}

void tarn_db_rollback(TarnDb *db) {
    if (!db->in_transaction) return;
    db->in_transaction = false;
    db->class->rollback(db);
}

bool tarn_db_in_transaction(const TarnDb *db) { return db->in_transaction; }

bool tarn_db_settle(TarnDb *db, TarnError *error) {
    if (db->in_transaction) {
        return tarn_base_error_set(error, TARN_E_INTERNAL, "a transaction is open");
    }
    return db->class->settle(db, error);
}

/* ---- statements -------------------------------------------------------------------------- */

bool tarn_db_script(TarnDb *db, const char *sql, TarnError *error) {
    return db->class->script(db, sql, error);
}

bool tarn_db_query(TarnDb *db, const char *sql, const TarnDbValue *values, size_t count,
                   TarnDbRows **rows, TarnError *error) {
    *rows = NULL;
    return db->class->query(db, sql, values, count, rows, error);
}

bool tarn_db_next(TarnDbRows *rows, bool *more, TarnError *error) {
    *more = false;
    return rows->db->class->next(rows, more, error);
}

void tarn_db_rows_close(TarnDbRows *rows) {
    if (rows != NULL) rows->db->class->rows_close(rows);
}

bool tarn_db_execute(TarnDb *db, const char *sql, const TarnDbValue *values, size_t count,
                     int64_t *changed, TarnError *error) {
    TarnDbRows *rows;
    bool more;
    if (changed != NULL) *changed = 0;
    if (!tarn_db_query(db, sql, values, count, &rows, error)) return false;
    bool ok = tarn_db_next(rows, &more, error);
    if (ok && more) {
        ok = tarn_base_error_set(error, TARN_E_INTERNAL, "a statement that should only change the "
                                 "metadata database gave rows");
        tarn_base_error_detail(error, "%s", sql);
    }
    if (ok && changed != NULL) *changed = db->class->changed(db);
    tarn_db_rows_close(rows);
    return ok;
}

bool tarn_db_query_int64(TarnDb *db, const char *sql, const TarnDbValue *values, size_t count,
                         int64_t *value, bool *found, TarnError *error) {
    TarnDbRows *rows;
    bool more;
    *value = 0;
    *found = false;
    if (!tarn_db_query(db, sql, values, count, &rows, error)) return false;
    bool ok = tarn_db_next(rows, &more, error);
    if (ok && more && tarn_db_column_kind(rows, 0) == TARN_DB_INT64) {
        *value = tarn_db_column_int64(rows, 0);
        *found = true;
    }
    tarn_db_rows_close(rows);
    return ok;
}

/* ---- columns ----------------------------------------------------------------------------- */

size_t tarn_db_columns(const TarnDbRows *rows) { return rows->db->class->columns(rows); }

TarnDbKind tarn_db_column_kind(TarnDbRows *rows, size_t column) {
    return column < tarn_db_columns(rows) ? rows->db->class->kind(rows, column) : TARN_DB_NULL;
}

int64_t tarn_db_column_int64(TarnDbRows *rows, size_t column) {
    TarnDbKind kind = tarn_db_column_kind(rows, column);
    return kind == TARN_DB_INT64 ? rows->db->class->int64(rows, column) : 0;
}

double tarn_db_column_double(TarnDbRows *rows, size_t column) {
    TarnDbKind kind = tarn_db_column_kind(rows, column);
    if (kind == TARN_DB_INT64) return (double)rows->db->class->int64(rows, column);
    return kind == TARN_DB_DOUBLE ? rows->db->class->real(rows, column) : 0;
}

TarnText tarn_db_column_text(TarnDbRows *rows, size_t column) {
    TarnDbKind kind = tarn_db_column_kind(rows, column);
    bool has_bytes = kind == TARN_DB_TEXT || kind == TARN_DB_BLOB;
    return has_bytes ? rows->db->class->bytes(rows, column) : (TarnText){NULL, 0};
}

char *tarn_db_column_string(TarnDbRows *rows, size_t column, TarnArena *arena) {
    TarnText text = tarn_db_column_text(rows, column);
    return text.data != NULL ? tarn_base_text_string(arena, text) : NULL;
}

/* ---- health ------------------------------------------------------------------------------ */

bool tarn_db_check(TarnDb *db, TarnDbProblem report, void *state, TarnError *error) {
    return db->class->check(db, report, state, error);
}

const char *tarn_db_version(const TarnDb *db) { return db->class->version(db); }
