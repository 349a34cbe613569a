/* Help, made from the command table. */
#ifndef TARN_CLI_HELP_PRIVATE_H
#define TARN_CLI_HELP_PRIVATE_H

#include "cli/cli_private.h"

/* All commands of this version by group, on standard output. */
void tarn_cli__help_overview(TarnCli *cli);
/* One command: examples, usage, description, flags. */
void tarn_cli__help_command(TarnCli *cli, const TarnCliCommand *command);
/* "SRC.. TABLE", "[DIR]" */
void tarn_cli__help_operands(const TarnCliCommand *command, TarnBuffer *out);
/* "--mode append|overwrite", "-n, --rows N" */
void tarn_cli__help_flag(const TarnCliFlag *flag, TarnBuffer *out);

#endif
