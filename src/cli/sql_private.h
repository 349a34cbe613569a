/* Statements and scripts, run and shown. */
#ifndef TARN_CLI_SQL_PRIVATE_H
#define TARN_CLI_SQL_PRIVATE_H

#include "cli/lake_private.h"

/* One statement without its semicolon, from its text to its last row. */
bool tarn_cli__sql_run(TarnCliLake *lake, TarnText text, const TarnRunOptions *options,
                       TarnError *error) TARN_CHECKED;
/* Statements separated by semicolons, each with its result in the form of -o; stops at the first
 * error. `file` is named in errors; NULL = none. With --json: one statement gives its object, any
 * other number a list of them. */
bool tarn_cli__sql_script(TarnCliLake *lake, TarnText script, const char *file, const char *as_of,
                          TarnError *error) TARN_CHECKED;
/* A script's text, from a file, pipe or device; `shown` is its name in errors. */
bool tarn_cli__sql_read(TarnCli *cli, const char *path, const char *shown, TarnText *script,
                        TarnError *error) TARN_CHECKED;

#endif
