/* The metadata database: SQLite now, PostgreSQL through the same functions.
 *
 * SQL is the subset both understand; parameters are $1, $2, ... Statements are prepared once per
 * connection and kept. A connection belongs to one thread.
 *
 *   tarn_db_open(os, "sqlite:/lake/.tarn/catalog.db", &options, &db, error)
 *   tarn_db_migrate(db, migrations, count, error)
 *   tarn_db_begin(db, TARN_DB_WRITE, error)
 *   tarn_db_execute(db, "update t set v = $1 where k = $2",
 *                   TARN_DB_VALUES(tarn_db_int64(v), tarn_db_string(k)), &changed, error)
 *   tarn_db_commit(db, error)
 *
 *   TarnDbRows *rows; bool more;
 *   tarn_db_query(db, "select k, v from t where v > $1", TARN_DB_VALUES(tarn_db_int64(7)), &rows,
 *                 error)
 *   while ((ok = tarn_db_next(rows, &more, error)) && more) ... tarn_db_column_int64(rows, 1)
 *   tarn_db_rows_close(rows);
 *
 * Durability: a commit that returned true survives a power cut. One that returned false did not
 * happen, unless error->outcome_unknown: then tarn_db_settle() first, and read.
 * Busy: calls wait for other processes at most options.busy_timeout_ms, then
 * TARN_E_DATABASE_BUSY, which is retryable; Ctrl-C ends the wait with TARN_E_INTERRUPTED.
 */
#ifndef TARN_DB_DB_H
#define TARN_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "os/os.h"

typedef struct TarnDb TarnDb;
typedef struct TarnDbRows TarnDbRows;

typedef enum TarnDbOpen {
    TARN_DB_OPEN,     /* must exist: TARN_E_OBJECT_NOT_FOUND */
    TARN_DB_CREATE,   /* made if missing, readable by its owner only */
    TARN_DB_READ_ONLY /* must exist; never waits for writers, never writes */
} TarnDbOpen;

typedef struct TarnDbOptions {
    TarnDbOpen how;
    int64_t busy_timeout_ms; /* 0 = TARN_DB_BUSY_TIMEOUT_MS */
} TarnDbOptions;

#define TARN_DB_BUSY_TIMEOUT_MS 10000

/* `url`: "sqlite:PATH". `os` must outlive the connection. */
bool tarn_db_open(const TarnOs *os, const char *url, const TarnDbOptions *options, TarnDb **db,
                  TarnError *error) TARN_CHECKED;
/* Rolls an open transaction back; ends open rows; NULL is fine. */
void tarn_db_close(TarnDb *db);

/* ---- transactions ------------------------------------------------------------------------ */

typedef enum TarnDbMode {
    TARN_DB_READ, /* one consistent view over several queries; blocks nobody */
    TARN_DB_WRITE /* the only writer from here to the end */
} TarnDbMode;

/* No nesting: TARN_E_INTERNAL. */
bool tarn_db_begin(TarnDb *db, TarnDbMode mode, TarnError *error) TARN_CHECKED;
/* Ends the transaction in any case. */
bool tarn_db_commit(TarnDb *db, TarnError *error) TARN_CHECKED;
/* Nothing happens without a transaction, so it fits every cleanup path. */
void tarn_db_rollback(TarnDb *db);
bool tarn_db_in_transaction(const TarnDb *db);
/* After a commit with outcome_unknown: when this returns true, what can be read now is what is
 * durable, and the lost transaction can no longer appear after a crash. */
bool tarn_db_settle(TarnDb *db, TarnError *error) TARN_CHECKED;

/* ---- statements -------------------------------------------------------------------------- */

typedef enum TarnDbKind {
    TARN_DB_NULL,
    TARN_DB_INT64,
    TARN_DB_DOUBLE,
    TARN_DB_TEXT,
    TARN_DB_BLOB
} TarnDbKind;

typedef struct TarnDbValue {
    TarnDbKind kind;
    union {
        int64_t int64;
        double real;
        TarnText bytes; /* text and blob; need not outlive the call */
    };
} TarnDbValue;

static inline TarnDbValue tarn_db_null(void) { return (TarnDbValue){.kind = TARN_DB_NULL}; }
static inline TarnDbValue tarn_db_int64(int64_t value) {
    return (TarnDbValue){.kind = TARN_DB_INT64, .int64 = value};
}
static inline TarnDbValue tarn_db_double(double value) {
    return (TarnDbValue){.kind = TARN_DB_DOUBLE, .real = value};
}
static inline TarnDbValue tarn_db_text(TarnText value) {
    return (TarnDbValue){.kind = TARN_DB_TEXT, .bytes = value};
}
static inline TarnDbValue tarn_db_blob(const void *data, size_t size) {
    return (TarnDbValue){.kind = TARN_DB_BLOB, .bytes = {(const char *)data, size}};
}
/* NULL pointer = null */
static inline TarnDbValue tarn_db_string(const char *value) {
    return value == NULL ? tarn_db_null() : tarn_db_text(tarn_base_text(value));
}

/* Two arguments: the values and their count. None: NULL, 0. */
#define TARN_DB_VALUES(...)                                                                        \
    (const TarnDbValue[]){__VA_ARGS__}, sizeof((TarnDbValue[]){__VA_ARGS__}) / sizeof(TarnDbValue)

/* One statement without rows. *changed (may be NULL) = rows inserted, updated or deleted. The
 * number of values must be the number of parameters. A broken constraint is TARN_E_DATABASE with
 * the constraint in its message, except uniqueness: TARN_E_OBJECT_EXISTS. */
bool tarn_db_execute(TarnDb *db, const char *sql, const TarnDbValue *values, size_t count,
                     int64_t *changed, TarnError *error) TARN_CHECKED;
/* A script of statements without parameters. */
bool tarn_db_script(TarnDb *db, const char *sql, TarnError *error) TARN_CHECKED;

/* Rows come one at a time from the database. Several may be open at once, also of the same SQL.
 * Close before the transaction's commit. */
bool tarn_db_query(TarnDb *db, const char *sql, const TarnDbValue *values, size_t count,
                   TarnDbRows **rows, TarnError *error) TARN_CHECKED;
/* Moves to the next row; *more false = there is none. */
bool tarn_db_next(TarnDbRows *rows, bool *more, TarnError *error) TARN_CHECKED;
void tarn_db_rows_close(TarnDbRows *rows); /* NULL is fine */

/* Of the current row; `column` from 0, below tarn_db_columns(). Views live until the next
 * tarn_db_next() or close. A null gives 0, "" or data NULL; look with kind. A value of another
 * kind is not converted but gives the same, except an integer read as double. */
size_t tarn_db_columns(const TarnDbRows *rows);
TarnDbKind tarn_db_column_kind(TarnDbRows *rows, size_t column);
int64_t tarn_db_column_int64(TarnDbRows *rows, size_t column);
double tarn_db_column_double(TarnDbRows *rows, size_t column);
TarnText tarn_db_column_text(TarnDbRows *rows, size_t column); /* text and blob */
/* A copy; NULL for null. */
char *tarn_db_column_string(TarnDbRows *rows, size_t column, TarnArena *arena);

/* The first column of the first row as an integer; *found false without a row or if null. */
bool tarn_db_query_int64(TarnDb *db, const char *sql, const TarnDbValue *values, size_t count,
                         int64_t *value, bool *found, TarnError *error) TARN_CHECKED;

/* ---- migrations -------------------------------------------------------------------------- */

typedef struct TarnDbMigration {
    int64_t version; /* 1, 2, 3, ... without gaps */
    const char *name;
    const char *sql; /* a script; runs in one transaction with its record */
} TarnDbMigration;

/* Brings the database to the last version; each migration is recorded in
 * tarn_migrations(version, name, applied_at). Any number of processes may do so at once. One
 * query if there is nothing to do. A database with versions unknown here: TARN_E_CATALOG_TOO_NEW;
 * a version recorded under another name, or a database of another program: TARN_E_DATABASE. On a
 * read-only connection: checks, and refuses an older database. */
bool tarn_db_migrate(TarnDb *db, const TarnDbMigration *migrations, size_t count,
                     TarnError *error) TARN_CHECKED;

/* ---- health ------------------------------------------------------------------------------ */

typedef bool (*TarnDbProblem)(void *state, const char *problem, TarnError *error);
/* Reads everything and reports each problem found (at most 100); true = the check itself ran. */
bool tarn_db_check(TarnDb *db, TarnDbProblem report, void *state, TarnError *error) TARN_CHECKED;

/* "SQLite 3.40.1", for doctor and error reports. */
const char *tarn_db_version(const TarnDb *db);

#endif
