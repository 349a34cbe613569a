/* A lake without an engine: the real catalog, table layer, store and database on whatever TarnOs,
 * with data files that hold the numbers of their rows as text. For tests of faults and races.
 *
 * Its one kind of table has a column "id"; rows are integers. A data file is written as the engine
 * would: not synced, that is the commit's affair.
 */
#ifndef TARN_TESTS_SMALL_LAKE_H
#define TARN_TESTS_SMALL_LAKE_H

#include "catalog/catalog.h"

#define SMALL_LAKE_WAREHOUSE "/lake/warehouse"

typedef struct SmallLake {
    const TarnOs *os;
    TarnDb *db;
    TarnCatalog *catalog;
    TarnIntent next; /* recorded by the last commit for the next one, if `keeps_intents` */
    char *next_location;
    bool keeps_intents;
    const TarnTable *stale; /* if set, the base of the next commit, instead of the current one */
} SmallLake;

/* Makes /lake on an empty disk. Opening makes the database and sweeps. */
bool small_lake_open(SmallLake *lake, const TarnOs *os, TarnError *error);
void small_lake_close(SmallLake *lake); /* safe on zeroed memory */

bool small_lake_create(SmallLake *lake, const char *table, const TarnProperty *properties,
                       size_t property_count, TarnError *error);

typedef enum SmallKind {
    SMALL_APPEND,    /* adds `rows` */
    SMALL_DELETE,    /* removes `gone`: files that hold one of them are written again without */
    SMALL_OVERWRITE, /* both */
    SMALL_COMPACT,   /* the files of at most `rows_count` becomes one */
    SMALL_SET        /* sets the property "k" to `value`; no snapshot */
} SmallKind;

typedef struct SmallPart {
    SmallKind kind;
    const char *table;
    const int *rows;
    size_t row_count;
    const int *gone; /* each must be there, or TARN_E_TABLE_NOT_FOUND */
    size_t gone_count;
    const char *value;
} SmallPart;

/* One commit over all parts, each of another table. After false nothing is left, unless
 * error->outcome_unknown. `hook` may be NULL; it runs in the swap's transaction. */
bool small_lake_commit(SmallLake *lake, const SmallPart *parts, size_t count,
                       bool (*hook)(void *state, TarnDb *db, TarnError *error), void *hook_state,
                       TarnError *error);
/* Removes all snapshots but the current one from the metadata. Files stay. */
bool small_lake_expire(SmallLake *lake, const char *table, TarnError *error);

/* All there is, as text: tables with their rows in order and the property "k", views. Every file of
 * every snapshot was read and is whole; snapshots form one line. In `arena`. */
bool small_lake_describe(SmallLake *lake, TarnArena *arena, const char **text, TarnError *error);
/* Files in the warehouse that no table refers to, with its snapshots and metadata log; the first
 * one's name in `arena`. */
bool small_lake_orphans(SmallLake *lake, TarnArena *arena, size_t *count, const char **first,
                        TarnError *error);
/* Records of intents. */
int64_t small_lake_intents(SmallLake *lake);

#endif
