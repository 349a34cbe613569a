/* A lake, opened: the only place that wires the rooms' parts together.
 *
 * Everything beyond the catalog is opened when it is first asked for, so that a command which
 * only reads metadata never loads the engine.
 */
#ifndef TARN_CLI_LAKE_PRIVATE_H
#define TARN_CLI_LAKE_PRIVATE_H

#include "catalog/catalog.h"
#include "cli/cli_private.h"
#include "db/db.h"
#include "flow/lake_config.h"
#include "query/query.h"

typedef struct TarnCliLake {
    TarnCli *cli;
    TarnLakeConfig *config;
    const char *scratch; /* this process' folder for temporary files, made when needed */
    TarnDb *db;
    TarnCatalog *catalog;
    bool read_only;
    TarnQuery *query; /* NULL until tarn_cli__lake_query */
    const char *branch; /* that statements read and write; NULL = main */
} TarnCliLake;

typedef enum TarnCliLakeUse {
    TARN_CLI_LAKE_READ, /* never waits for writers; a lake without a catalog gets one first */
    TARN_CLI_LAKE_WRITE
} TarnCliLakeUse;

/* The lake's folder: -C DIR, else the nearest folder upwards with a tarn.yaml. In the run's
 * arena. TARN_E_NOT_A_LAKE. */
bool tarn_cli__lake_find(TarnCli *cli, const char **folder, TarnError *error) TARN_CHECKED;
/* The lake of this run. */
bool tarn_cli__lake_open(TarnCli *cli, TarnCliLakeUse use, TarnCliLake *lake,
                         TarnError *error) TARN_CHECKED;
/* The lake in a folder, for init. */
bool tarn_cli__lake_open_at(TarnCli *cli, const char *folder, TarnCliLakeUse use,
                            TarnCliLake *lake, TarnError *error) TARN_CHECKED;
void tarn_cli__lake_close(TarnCliLake *lake); /* safe on zeroed memory */

/* The query room, with the run's --timeout and progress on its session. */
bool tarn_cli__lake_query(TarnCliLake *lake, TarnQuery **query, TarnError *error) TARN_CHECKED;

/* Everything the query room runs from now on reads and writes this branch; NULL = main.
 * TARN_E_NAME_INVALID. */
bool tarn_cli__lake_branch(TarnCliLake *lake, const char *branch, TarnError *error) TARN_CHECKED;

/* A table by the name a person typed. Release it. */
bool tarn_cli__lake_table(TarnCliLake *lake, const char *name, const TarnTable **table,
                          TarnError *error) TARN_CHECKED;

/* What the database of a lake consists of, in order. */
extern const TarnDbMigration tarn_cli__migrations[];
extern const size_t tarn_cli__migration_count;

#endif
