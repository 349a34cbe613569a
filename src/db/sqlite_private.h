/* The SQLite connection: what its files share. */
#ifndef TARN_DB_SQLITE_PRIVATE_H
#define TARN_DB_SQLITE_PRIVATE_H

#include <sqlite3.h>

#include "db/db_private.h"

/* Statements kept per connection: the catalog has fewer. */
#define TARN_DB_SQLITE_CACHE 128

typedef struct TarnDbSqliteRows TarnDbSqliteRows;

/* A prepared statement and, while `open`, the rows it gives. */
struct TarnDbSqliteRows {
    TarnDbRows rows;
    sqlite3_stmt *statement;
    char *sql;
    uint64_t hash;
    uint64_t last_use;
    size_t parameter_count; /* the n of the highest $n */
    bool open;
    bool cached;
    TarnDbSqliteRows *next; /* in the list of those that are not cached */
};

typedef struct TarnDbSqlite {
    TarnDb db;
    sqlite3 *handle;
    sqlite3_stmt *rollback;
    char *path; /* for messages */
    int64_t busy_start_us;
    TarnDbSqliteRows *cache[TARN_DB_SQLITE_CACHE];
    size_t cache_count;
    uint64_t uses;
    TarnDbSqliteRows *uncached;
} TarnDbSqlite;

/* Fills the error from SQLite's last one; false. `sql` may be NULL. */
bool tarn_db__sqlite_fail(const TarnDbSqlite *sqlite, int result, const char *sql,
                          TarnError *error);

/* sqlite_rows.c */
bool tarn_db__sqlite_query(TarnDb *db, const char *sql, const TarnDbValue *values, size_t count,
                           TarnDbRows **rows, TarnError *error);
bool tarn_db__sqlite_next(TarnDbRows *rows, bool *more, TarnError *error);
void tarn_db__sqlite_rows_close(TarnDbRows *rows);
size_t tarn_db__sqlite_columns(const TarnDbRows *rows);
TarnDbKind tarn_db__sqlite_kind(TarnDbRows *rows, size_t column);
int64_t tarn_db__sqlite_int64(TarnDbRows *rows, size_t column);
double tarn_db__sqlite_real(TarnDbRows *rows, size_t column);
TarnText tarn_db__sqlite_bytes(TarnDbRows *rows, size_t column);
void tarn_db__sqlite_rows_dispose(TarnDbSqlite *sqlite);

#endif
