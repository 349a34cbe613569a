/* Lists and pages that the shell shows too. */
#ifndef TARN_CLI_LOOK_PRIVATE_H
#define TARN_CLI_LOOK_PRIVATE_H

#include "cli/lake_private.h"

/* Tables and views below a zone or namespace, or one by name; NULL = all. */
bool tarn_cli__look_list(TarnCliLake *lake, const char *prefix, TarnError *error) TARN_CHECKED;
/* One table or view. */
bool tarn_cli__look_show(TarnCliLake *lake, const char *name, TarnError *error) TARN_CHECKED;

#endif
