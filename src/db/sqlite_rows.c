/* Statements and rows of the SQLite connection.
 *
 * Idea: a statement is prepared once and kept by its text, since parsing costs ten times as much as
 * running a lookup. The rows of a query are the statement itself, so a query allocates nothing. If
 * the same text is asked for while its rows are open, a second statement is made and thrown away
 * with its rows.
 *
 * Parameters are PostgreSQL's $1, $2: SQLite sees names in them, which are looked up once.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "db/sqlite_private.h"

/* No statement of a metadata database has more; SQLite itself takes 250,000. */
#define PARAMETERS_MAX 1000

static void free_rows(TarnDbSqliteRows *rows) {
    sqlite3_finalize(rows->statement);
    free(rows->sql);
    free(rows);
}

void tarn_db__sqlite_rows_dispose(TarnDbSqlite *sqlite) {
    for (size_t i = 0; i < sqlite->cache_count; i++) free_rows(sqlite->cache[i]);
    sqlite->cache_count = 0;
    while (sqlite->uncached != NULL) {
        TarnDbSqliteRows *rows = sqlite->uncached;
        sqlite->uncached = rows->next;
        free_rows(rows);
    }
}

/* ---- preparing --------------------------------------------------------------------------- */

/* "$12" -> 12; 0 for any other form. */
static size_t parameter_number(const char *name) {
    int64_t number;
    if (name == NULL || name[0] != '$' || name[1] == '0') return 0;
    if (!tarn_base_text_to_int64(tarn_base_text(name + 1), &number)) return 0;
    return number > 0 && number <= PARAMETERS_MAX ? (size_t)number : 0;
}

static bool count_parameters(TarnDbSqliteRows *rows, TarnError *error) {
    int count = sqlite3_bind_parameter_count(rows->statement);
    for (int i = 1; i <= count; i++) {
        size_t number = parameter_number(sqlite3_bind_parameter_name(rows->statement, i));
        if (number == 0) {
            tarn_base_error_set(error, TARN_E_INTERNAL, "a parameter of a statement is not one of "
                                "$1 to $%d", PARAMETERS_MAX);
            return tarn_base_error_detail(error, "%s", rows->sql);
        }
        if (number > rows->parameter_count) rows->parameter_count = number;
    }
    return true;
}

static bool compile(TarnDbSqlite *sqlite, TarnDbSqliteRows *rows, TarnError *error) {
    const char *tail = NULL;
    int result = sqlite3_prepare_v3(sqlite->handle, rows->sql, -1, SQLITE_PREPARE_PERSISTENT,
                                    &rows->statement, &tail);
    if (result != SQLITE_OK) return tarn_db__sqlite_fail(sqlite, result, rows->sql, error);
    if (rows->statement == NULL || tail[strspn(tail, " \t\r\n;")] != '\0') {
        tarn_base_error_set(error, TARN_E_INTERNAL, "not exactly one SQL statement");
        return tarn_base_error_detail(error, "%s", rows->sql);
    }
    return count_parameters(rows, error);
}

static TarnDbSqliteRows *prepare(TarnDbSqlite *sqlite, const char *sql, uint64_t hash,
                                 TarnError *error) {
    TarnDbSqliteRows *rows = calloc(1, sizeof(TarnDbSqliteRows));
    if (rows != NULL) rows->sql = strdup(sql);
    if (rows == NULL || rows->sql == NULL) {
        free(rows);
        tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for a statement");
        return NULL;
    }
    rows->rows.db = &sqlite->db;
    rows->hash = hash;
    if (compile(sqlite, rows, error)) return rows;
    free_rows(rows);
    return NULL;
}

/* ---- the cache --------------------------------------------------------------------------- */

static TarnDbSqliteRows *find_cached(const TarnDbSqlite *sqlite, const char *sql, uint64_t hash) {
    for (size_t i = 0; i < sqlite->cache_count; i++) {
        TarnDbSqliteRows *rows = sqlite->cache[i];
        if (rows->hash == hash && !rows->open && strcmp(rows->sql, sql) == 0) return rows;
    }
    return NULL;
}

/* A place in the cache: a free one, or that of the statement not used for longest. */
static TarnDbSqliteRows **find_place(TarnDbSqlite *sqlite) {
    if (sqlite->cache_count < TARN_DB_SQLITE_CACHE) return &sqlite->cache[sqlite->cache_count++];
    TarnDbSqliteRows **oldest = NULL;
    for (size_t i = 0; i < sqlite->cache_count; i++) {
        TarnDbSqliteRows **place = &sqlite->cache[i];
        if ((*place)->open) continue;
        if (oldest == NULL || (*place)->last_use < (*oldest)->last_use) oldest = place;
    }
    if (oldest != NULL) free_rows(*oldest);
    return oldest;
}

static bool is_open_already(const TarnDbSqlite *sqlite, const char *sql, uint64_t hash) {
    for (size_t i = 0; i < sqlite->cache_count; i++) {
        const TarnDbSqliteRows *rows = sqlite->cache[i];
        if (rows->hash == hash && rows->open && strcmp(rows->sql, sql) == 0) return true;
    }
    return false;
}

static TarnDbSqliteRows *acquire(TarnDbSqlite *sqlite, const char *sql, TarnError *error) {
    uint64_t hash = tarn_base_hash64(sql, strlen(sql), 0);
    TarnDbSqliteRows *rows = find_cached(sqlite, sql, hash);
    if (rows != NULL) return rows;
    rows = prepare(sqlite, sql, hash, error);
    if (rows == NULL) return NULL;
    TarnDbSqliteRows **place = is_open_already(sqlite, sql, hash) ? NULL : find_place(sqlite);
    rows->cached = place != NULL;
    if (place != NULL) {
        *place = rows;
    } else {
        rows->next = sqlite->uncached;
        sqlite->uncached = rows;
    }
    return rows;
}

static void release(TarnDbSqlite *sqlite, TarnDbSqliteRows *rows) {
    rows->open = false;
    sqlite3_reset(rows->statement); /* repeats the error of the last step, which was told then */
    sqlite3_clear_bindings(rows->statement);
    if (rows->cached) return;
    TarnDbSqliteRows **at = &sqlite->uncached;
    while (*at != rows) at = &(*at)->next;
    *at = rows->next;
    free_rows(rows);
}

/* ---- binding ----------------------------------------------------------------------------- */

static bool check_text(const TarnDbValue *value, size_t number, TarnError *error) {
    TarnText text = value->bytes;
    if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL) {
        return tarn_base_error_set(error, TARN_E_NAME_INVALID, "a text for the metadata database "
                                   "has a NUL byte (value %zu)", number);
    }
    if (tarn_base_text_utf8_valid(text) == text.size) return true;
    return tarn_base_error_set(error, TARN_E_NAME_INVALID, "a text for the metadata database is "
                               "not UTF-8 (value %zu)", number);
}

static int bind_value(sqlite3_stmt *statement, int index, const TarnDbValue *value) {
    const char *data = value->bytes.data != NULL ? value->bytes.data : "";
    switch (value->kind) {
    case TARN_DB_INT64: return sqlite3_bind_int64(statement, index, value->int64);
    case TARN_DB_DOUBLE: return sqlite3_bind_double(statement, index, value->real);
    case TARN_DB_TEXT:
        return sqlite3_bind_text64(statement, index, data, value->bytes.size, SQLITE_TRANSIENT,
                                   SQLITE_UTF8);
    case TARN_DB_BLOB:
        return sqlite3_bind_blob64(statement, index, data, value->bytes.size, SQLITE_TRANSIENT);
    case TARN_DB_NULL: break;
    }
    return sqlite3_bind_null(statement, index);
}

static bool bind_values(TarnDbSqlite *sqlite, TarnDbSqliteRows *rows, const TarnDbValue *values,
                        size_t count, TarnError *error) {
    if (count != rows->parameter_count) {
        tarn_base_error_set(error, TARN_E_INTERNAL, "%zu values for a statement with %zu "
                            "parameters", count, rows->parameter_count);
        return tarn_base_error_detail(error, "%s", rows->sql);
    }
    for (size_t i = 0; i < count; i++) {
        if (values[i].kind == TARN_DB_TEXT && !check_text(&values[i], i + 1, error)) return false;
    }
    int parameters = sqlite3_bind_parameter_count(rows->statement);
    for (int index = 1; index <= parameters; index++) {
        size_t number = parameter_number(sqlite3_bind_parameter_name(rows->statement, index));
        int result = bind_value(rows->statement, index, &values[number - 1]);
        if (result != SQLITE_OK) return tarn_db__sqlite_fail(sqlite, result, rows->sql, error);
    }
    return true;
}

bool tarn_db__sqlite_query(TarnDb *db, const char *sql, const TarnDbValue *values, size_t count,
                           TarnDbRows **out, TarnError *error) {
    TarnDbSqlite *sqlite = (TarnDbSqlite *)db;
    TarnDbSqliteRows *rows = acquire(sqlite, sql, error);
    if (rows == NULL) return false;
    rows->open = true;
    rows->last_use = ++sqlite->uses;
    if (!bind_values(sqlite, rows, values, count, error)) {
        release(sqlite, rows);
        return false;
    }
    *out = &rows->rows;
    return true;
}

/* ---- rows -------------------------------------------------------------------------------- */

bool tarn_db__sqlite_next(TarnDbRows *base, bool *more, TarnError *error) {
    TarnDbSqliteRows *rows = (TarnDbSqliteRows *)base;
    int result = sqlite3_step(rows->statement);
    *more = result == SQLITE_ROW;
    if (result == SQLITE_ROW || result == SQLITE_DONE) return true;
    return tarn_db__sqlite_fail((TarnDbSqlite *)base->db, result, rows->sql, error);
}

void tarn_db__sqlite_rows_close(TarnDbRows *base) {
    release((TarnDbSqlite *)base->db, (TarnDbSqliteRows *)base);
}

static sqlite3_stmt *statement_of(const TarnDbRows *base) {
    return ((const TarnDbSqliteRows *)base)->statement;
}

size_t tarn_db__sqlite_columns(const TarnDbRows *rows) {
    int count = sqlite3_data_count(statement_of(rows)); /* 0 without a current row */
    return count > 0 ? (size_t)count : 0;
}

TarnDbKind tarn_db__sqlite_kind(TarnDbRows *rows, size_t column) {
    switch (sqlite3_column_type(statement_of(rows), (int)column)) {
    case SQLITE_INTEGER: return TARN_DB_INT64;
    case SQLITE_FLOAT: return TARN_DB_DOUBLE;
    case SQLITE_TEXT: return TARN_DB_TEXT;
    case SQLITE_BLOB: return TARN_DB_BLOB;
    default: return TARN_DB_NULL;
    }
}

int64_t tarn_db__sqlite_int64(TarnDbRows *rows, size_t column) {
    return sqlite3_column_int64(statement_of(rows), (int)column);
}

double tarn_db__sqlite_real(TarnDbRows *rows, size_t column) {
    return sqlite3_column_double(statement_of(rows), (int)column);
}

TarnText tarn_db__sqlite_bytes(TarnDbRows *rows, size_t column) {
    sqlite3_stmt *statement = statement_of(rows);
    bool is_text = sqlite3_column_type(statement, (int)column) == SQLITE_TEXT;
    const void *data = is_text ? (const void *)sqlite3_column_text(statement, (int)column)
                               : sqlite3_column_blob(statement, (int)column);
    int size = sqlite3_column_bytes(statement, (int)column);
    return (TarnText){data != NULL ? data : "", data != NULL && size > 0 ? (size_t)size : 0};
}
