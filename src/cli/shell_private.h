/* The interactive shell of `tarn sql`. */
#ifndef TARN_CLI_SHELL_PRIVATE_H
#define TARN_CLI_SHELL_PRIVATE_H

#include "cli/lake_private.h"

/* Until \q or the end of input. Errors of statements are told and the shell goes on; false only
 * when the terminal itself fails. */
bool tarn_cli__shell(TarnCliLake *lake, const char *as_of, TarnError *error) TARN_CHECKED;

typedef struct TarnCliShell {
    TarnCliLake *lake;
    const char *as_of;
    bool timing;
    bool quit;
} TarnCliShell;

/* A line that begins with a backslash or a dot. */
bool tarn_cli__shell_command(TarnCliShell *shell, const char *line, TarnError *error) TARN_CHECKED;

/* What is still open at the end of a text. */
typedef enum TarnCliOpen {
    TARN_CLI_OPEN_NOTHING,   /* white space and comments only, since the last semicolon */
    TARN_CLI_OPEN_STATEMENT,
    TARN_CLI_OPEN_STRING,
    TARN_CLI_OPEN_NAME,
    TARN_CLI_OPEN_DOLLAR,
    TARN_CLI_OPEN_COMMENT
} TarnCliOpen;
TarnCliOpen tarn_cli__shell_scan(TarnText text);

#endif
