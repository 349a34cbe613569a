/* A statement's rows and message, written in the form of -o. */
#ifndef TARN_CLI_RESULT_PRIVATE_H
#define TARN_CLI_RESULT_PRIVATE_H

#include "cli/lake_private.h"
#include "cli/progress_private.h"

typedef struct TarnCliResultOptions {
    TarnCliProgress *progress; /* taken away before the first row; NULL = none */
} TarnCliResultOptions;

/* Reads the statement to its end. What was read before a failure is written, and the form is
 * closed properly, so that the error can follow. */
bool tarn_cli__result_write(TarnCli *cli, TarnStatement *statement,
                            const TarnCliResultOptions *options, TarnError *error) TARN_CHECKED;

#endif
