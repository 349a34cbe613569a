/* Example lakes, found beside the program. */
#ifndef TARN_CLI_EXAMPLE_PRIVATE_H
#define TARN_CLI_EXAMPLE_PRIVATE_H

#include "cli/cli_private.h"

/* The folder of an example that holds a tarn.yaml: below TARN_EXAMPLES if that is set, else
 * ../examples or ../share/tarn/examples beside the program. TARN_E_OBJECT_NOT_FOUND with the
 * examples there are. */
bool tarn_cli__example_find(TarnCli *cli, const char *name, const char **source,
                            TarnError *error) TARN_CHECKED;
/* Copies its files; one that is there already ends the copy (TARN_E_OBJECT_EXISTS). */
bool tarn_cli__example_copy(TarnCli *cli, const char *source, const char *folder,
                            TarnError *error) TARN_CHECKED;

#endif
