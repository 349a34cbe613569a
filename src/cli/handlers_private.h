/* What each command of the table runs. */
#ifndef TARN_CLI_HANDLERS_PRIVATE_H
#define TARN_CLI_HANDLERS_PRIVATE_H

#include "cli/cli_private.h"

bool tarn_cli__build(TarnCli *cli, TarnError *error);
bool tarn_cli__check(TarnCli *cli, TarnError *error);
bool tarn_cli__completion(TarnCli *cli, TarnError *error);
bool tarn_cli__connect(TarnCli *cli, TarnError *error);
bool tarn_cli__diff(TarnCli *cli, TarnError *error);
bool tarn_cli__doctor(TarnCli *cli, TarnError *error);
bool tarn_cli__head(TarnCli *cli, TarnError *error);
bool tarn_cli__help(TarnCli *cli, TarnError *error);
bool tarn_cli__history(TarnCli *cli, TarnError *error);
bool tarn_cli__ingest(TarnCli *cli, TarnError *error);
bool tarn_cli__init(TarnCli *cli, TarnError *error);
bool tarn_cli__lineage(TarnCli *cli, TarnError *error);
bool tarn_cli__load(TarnCli *cli, TarnError *error);
bool tarn_cli__ls(TarnCli *cli, TarnError *error);
bool tarn_cli__man(TarnCli *cli, TarnError *error);
bool tarn_cli__reference(TarnCli *cli, TarnError *error);
bool tarn_cli__secret_ls(TarnCli *cli, TarnError *error);
bool tarn_cli__secret_rm(TarnCli *cli, TarnError *error);
bool tarn_cli__secret_set(TarnCli *cli, TarnError *error);
bool tarn_cli__show(TarnCli *cli, TarnError *error);
bool tarn_cli__sql(TarnCli *cli, TarnError *error);
bool tarn_cli__status(TarnCli *cli, TarnError *error);
bool tarn_cli__table_branch(TarnCli *cli, TarnError *error);
bool tarn_cli__table_cherry_pick(TarnCli *cli, TarnError *error);
bool tarn_cli__table_expire(TarnCli *cli, TarnError *error);
bool tarn_cli__table_fast_forward(TarnCli *cli, TarnError *error);
bool tarn_cli__table_optimize(TarnCli *cli, TarnError *error);
bool tarn_cli__table_register(TarnCli *cli, TarnError *error);
bool tarn_cli__table_rollback(TarnCli *cli, TarnError *error);
bool tarn_cli__table_sweep(TarnCli *cli, TarnError *error);
bool tarn_cli__table_tag(TarnCli *cli, TarnError *error);
bool tarn_cli__table_upgrade(TarnCli *cli, TarnError *error);
bool tarn_cli__version(TarnCli *cli, TarnError *error);
bool tarn_cli__words(TarnCli *cli, TarnError *error);

#endif
