/* tarn table register: an existing table gets a name in this lake. tarn table upgrade: to a newer
 * format version.
 */
#include <string.h>

#include "cli/handlers_private.h"
#include "cli/lake_private.h"
#include "cli/rows_private.h"
#include "cli/summary_private.h"
#include "store/s3.h"

/* A path as people write it becomes absolute; a location on S3 is that already. */
static bool find_metadata(TarnCli *cli, const char *given, const char **location,
                          TarnError *error) {
    *location = given;
    return tarn_store_is_s3(tarn_base_text(given)) ||
           cli->os->real_path(cli->os, given, &cli->arena, location, error);
}

static bool register_table(TarnCliLake *lake, TarnError *error) {
    TarnCli *cli = lake->cli;
    const char **operands = cli->arguments.operands;
    TarnTableName name;
    const char *location;
    const TarnTable *table;
    if (!tarn_catalog_name_parse(tarn_base_text(operands[0]), &cli->arena, &name, error) ||
        !find_metadata(cli, operands[1], &location, error) ||
        !tarn_catalog_register(lake->catalog, name, location, error) ||
        !tarn_catalog_table_load(lake->catalog, name, &table, error)) {
        return false;
    }
    static const TarnCliColumn columns[] = {{.name = "table"}, {.name = "metadata_location"},
                                            {.name = "location"}, {.name = "snapshot_id"},
                                            {.name = "rows"}};
    const TarnSnapshot *snapshot = tarn_table_metadata_current_snapshot(table->metadata);
    TarnCliRows rows;
    tarn_cli__rows_begin(cli, columns, 5, TARN_CLI_ONE, &rows);
    const TarnCliCell cells[] = {
        tarn_cli__cell_text(tarn_catalog_name_text(table->name, &cli->arena)),
        tarn_cli__cell_text(table->metadata_location),
        tarn_cli__cell_text(table->metadata->location),
        tarn_cli__cell_id(&cli->arena, table->metadata->current_snapshot_id),
        tarn_cli__cell_count(&cli->arena,
                             tarn_cli__summary_number(snapshot, "total-records", -1)),
    };
    tarn_cli__rows_put(&rows, cells);
    tarn_cli__rows_end(&rows, 0, false);
    tarn_catalog_table_release(table);
    return true;
}

bool tarn_cli__table_register(TarnCli *cli, TarnError *error) {
    TarnCliLake lake;
    bool ok = tarn_cli__lake_open(cli, TARN_CLI_LAKE_WRITE, &lake, error) &&
              register_table(&lake, error);
    tarn_cli__lake_close(&lake);
    return ok;
}

static bool commit_upgrade(TarnCliLake *lake, const TarnTable *table,
                           const TarnTableUpdate *updates, size_t count, TarnError *error) {
    const TarnTableRequirement requirement = {TARN_REQUIRE_UUID, table->metadata->uuid, 0};
    TarnCommitTable change = {.name = table->name,
                              .base = table,
                              .requirements = &requirement,
                              .requirement_count = table->metadata->uuid != NULL ? 1 : 0,
                              .updates = updates,
                              .update_count = count};
    TarnCommit commit = {.tables = &change, .table_count = 1};
    if (count == 0) return true;
    if (!tarn_catalog_commit(lake->catalog, &commit, error)) return false;
    tarn_catalog_table_release(change.committed);
    return true;
}

static bool upgrade_table(TarnCliLake *lake, const TarnTable *table, TarnError *error) {
    static const TarnCliColumn columns[] = {
        {.name = "table"}, {.name = "previous_format_version"}, {.name = "format_version"}};
    TarnCli *cli = lake->cli;
    const char *wanted = tarn_cli__text(&cli->arguments, "format-version");
    TarnTableUpdate updates[TARN_METADATA_UPGRADE_UPDATES];
    size_t count = 0;
    int64_t version = strcmp(wanted, "2") == 0 ? 2 : 3;
    if (!tarn_table_metadata_upgrade(table->metadata, version, cli->os, &cli->arena, updates,
                                     &count, error) ||
        !commit_upgrade(lake, table, updates, count, error)) {
        return false;
    }
    TarnCliRows rows;
    tarn_cli__rows_begin(cli, columns, 3, TARN_CLI_ONE, &rows);
    const TarnCliCell cells[] = {
        tarn_cli__cell_text(tarn_catalog_name_text(table->name, &cli->arena)),
        tarn_cli__cell_id(&cli->arena, table->metadata->format_version),
        tarn_cli__cell_id(&cli->arena, version),
    };
    tarn_cli__rows_put(&rows, cells);
    tarn_cli__rows_end(&rows, 0, false);
    if (count == 0) tarn_cli__say(cli, "the table has that format version already");
    return true;
}

bool tarn_cli__table_upgrade(TarnCli *cli, TarnError *error) {
    TarnCliLake lake;
    const TarnTable *table = NULL;
    bool ok = tarn_cli__lake_open(cli, TARN_CLI_LAKE_WRITE, &lake, error) &&
              tarn_cli__lake_table(&lake, cli->arguments.operands[0], &table, error) &&
              upgrade_table(&lake, table, error);
    tarn_catalog_table_release(table);
    tarn_cli__lake_close(&lake);
    return ok;
}
