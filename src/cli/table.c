/* tarn table rollback and register: commits that touch metadata only.
 */
#include <string.h>

#include "cli/handlers_private.h"
#include "cli/lake_private.h"
#include "cli/rows_private.h"
#include "cli/summary_private.h"

static void put_move(TarnCli *cli, const TarnTable *table, const TarnSnapshot *from,
                     const TarnSnapshot *to, bool dry_run) {
    static const TarnCliColumn columns[] = {
        {.name = "table"},        {.name = "previous_snapshot_id"}, {.name = "snapshot_id"},
        {.name = "committed_at"}, {.name = "rows_before"},          {.name = "rows_after"},
        {.name = "dry_run"},
    };
    TarnArena *arena = &cli->arena;
    TarnCliRows rows;
    tarn_cli__rows_begin(cli, columns, 7, TARN_CLI_ONE, &rows);
    const TarnCliCell cells[] = {
        tarn_cli__cell_text(tarn_catalog_name_text(table->name, arena)),
        tarn_cli__cell_id(arena, from != NULL ? from->id : TARN_ABSENT),
        tarn_cli__cell_id(arena, to->id),
        tarn_cli__cell_time_ms(arena, to->timestamp_ms),
        tarn_cli__cell_count(arena, tarn_cli__summary_number(from, "total-records", -1)),
        tarn_cli__cell_count(arena, tarn_cli__summary_number(to, "total-records", -1)),
        tarn_cli__cell_bool(dry_run),
    };
    tarn_cli__rows_put(&rows, cells);
    tarn_cli__rows_end(&rows, 0, false);
}

static bool move_main(TarnCliLake *lake, const TarnTable *table, const TarnSnapshot *to,
                      TarnError *error) {
    const TarnTableMetadata *metadata = table->metadata;
    const TarnSnapshotRef *main_ref = tarn_table_metadata_ref(metadata, "main");
    TarnSnapshotRef ref = {.name = "main",
                           .snapshot_id = to->id,
                           .min_snapshots_to_keep = TARN_ABSENT,
                           .max_snapshot_age_ms = TARN_ABSENT,
                           .max_ref_age_ms = TARN_ABSENT};
    if (main_ref != NULL) {
        ref = *main_ref;
        ref.snapshot_id = to->id;
        ref.source = NULL;
    }
    const TarnTableUpdate update = {.kind = TARN_UPDATE_SET_SNAPSHOT_REF, .ref = &ref};
    const TarnTableRequirement requirements[] = {
        {TARN_REQUIRE_UUID, metadata->uuid, 0},
        {TARN_REQUIRE_REF_SNAPSHOT_ID, "main", metadata->current_snapshot_id},
    };
    TarnCommitTable change = {
        .name = table->name,
        .base = table,
        .requirements = requirements,
        .requirement_count = 2,
        .updates = &update,
        .update_count = 1,
        /* the snapshot was published once: it had its evidence then */
        .evidence = {.schema_checked = true, .checks_passed = true},
    };
    TarnCommit commit = {.tables = &change, .table_count = 1};
    if (!tarn_catalog_commit(lake->catalog, &commit, error)) return false;
    tarn_catalog_table_release(change.committed);
    return true;
}

bool tarn_cli__table_rollback(TarnCli *cli, TarnError *error) {
    const char **operands = cli->arguments.operands;
    bool dry_run = tarn_cli__is_set(&cli->arguments, "dry-run");
    TarnCliLake lake;
    const TarnTable *table = NULL;
    const TarnSnapshot *to = NULL;
    bool ok = tarn_cli__lake_open(cli, dry_run ? TARN_CLI_LAKE_READ : TARN_CLI_LAKE_WRITE, &lake,
                                  error) &&
              tarn_cli__lake_table(&lake, operands[0], &table, error) &&
              tarn_table_metadata_snapshot_named(table->metadata, tarn_base_text(operands[1]), &to,
                                                 error);
    if (ok) {
        const TarnSnapshot *from = tarn_table_metadata_current_snapshot(table->metadata);
        if (!dry_run && to != from) ok = move_main(&lake, table, to, error);
        if (ok) put_move(cli, table, from, to, dry_run);
        if (ok && to == from) tarn_cli__say(cli, "that snapshot is the current one already");
    }
    tarn_catalog_table_release(table);
    tarn_cli__lake_close(&lake);
    return ok;
}

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
