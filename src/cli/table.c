/* tarn table register: an existing table gets a name in this lake.
 */
#include "cli/handlers_private.h"
#include "cli/lake_private.h"
#include "cli/rows_private.h"
#include "cli/summary_private.h"

static bool register_table(TarnCliLake *lake, TarnError *error) {
    TarnCli *cli = lake->cli;
    const char **operands = cli->arguments.operands;
    TarnTableName name;
    const char *location;
    const TarnTable *table;
    if (!tarn_catalog_name_parse(tarn_base_text(operands[0]), &cli->arena, &name, error) ||
        !cli->os->real_path(cli->os, operands[1], &cli->arena, &location, error) ||
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
