/* What an implementation of db.h fills: one table of functions, and the head of its connection and
 * of its rows. The functions of db.c have checked transactions and counts before they call. */
#ifndef TARN_DB_DB_PRIVATE_H
#define TARN_DB_DB_PRIVATE_H

#include "db/db.h"

typedef struct TarnDbClass {
    void (*close)(TarnDb *db);
    bool (*begin)(TarnDb *db, TarnDbMode mode, TarnError *error);
    bool (*commit)(TarnDb *db, TarnError *error); /* on false the transaction is rolled back */
    void (*rollback)(TarnDb *db);
    bool (*settle)(TarnDb *db, TarnError *error);
    bool (*script)(TarnDb *db, const char *sql, TarnError *error);
    bool (*query)(TarnDb *db, const char *sql, const TarnDbValue *values, size_t count,
                  TarnDbRows **rows, TarnError *error);
    bool (*next)(TarnDbRows *rows, bool *more, TarnError *error);
    void (*rows_close)(TarnDbRows *rows);
    size_t (*columns)(const TarnDbRows *rows);
    TarnDbKind (*kind)(TarnDbRows *rows, size_t column);
    int64_t (*int64)(TarnDbRows *rows, size_t column);
    double (*real)(TarnDbRows *rows, size_t column);
    TarnText (*bytes)(TarnDbRows *rows, size_t column);
    int64_t (*changed)(TarnDb *db); /* by the last statement that changes */
    bool (*has_table)(TarnDb *db, const char *name, bool *has, TarnError *error);
    bool (*is_empty)(TarnDb *db, bool *empty, TarnError *error); /* no tables at all */
    bool (*check)(TarnDb *db, TarnDbProblem report, void *state, TarnError *error);
    const char *(*version)(const TarnDb *db);
} TarnDbClass;

struct TarnDb {
    const TarnDbClass *class;
    const TarnOs *os;
    TarnDbOptions options;
    bool in_transaction;
    TarnDbMode mode;
};

struct TarnDbRows {
    TarnDb *db;
};

bool tarn_db__sqlite_open(const TarnOs *os, const char *path, const TarnDbOptions *options,
                          TarnDb **db, TarnError *error);

#endif
