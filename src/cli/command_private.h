/* The command table: what the program understands, declared once.
 *
 * From it come parsing, help, completion, the manual page and the reference. A command that is
 * known but not built yet is in the table without a handler: it answers that it comes with a
 * later version.
 */
#ifndef TARN_CLI_COMMAND_PRIVATE_H
#define TARN_CLI_COMMAND_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct TarnCli TarnCli;

typedef enum TarnCliFlagKind {
    TARN_CLI_FLAG_BOOL,
    TARN_CLI_FLAG_TEXT,
    TARN_CLI_FLAG_FILE,     /* text, completed as a file */
    TARN_CLI_FLAG_FOLDER,   /* text, completed as a folder */
    TARN_CLI_FLAG_WORD,     /* one of `words` */
    TARN_CLI_FLAG_COUNT,    /* an integer from 0 on */
    TARN_CLI_FLAG_RATE,     /* "1%" or "0.01" */
    TARN_CLI_FLAG_DURATION, /* "60s", "5m" */
    TARN_CLI_FLAG_LIST      /* comma-separated; commas inside parentheses do not separate */
} TarnCliFlagKind;

typedef struct TarnCliFlag {
    const char *name; /* without the dashes */
    char letter;      /* 0 = none */
    TarnCliFlagKind kind;
    const char *value;        /* "FILE": how the value is called; NULL for BOOL and WORD */
    const char *const *words; /* WORD: NULL-terminated */
    const char *otherwise;    /* default, in the value's own form; NULL = none */
    const char *help;
    bool hidden; /* for the build, not for people */
} TarnCliFlag;

typedef enum TarnCliOperandKind {
    TARN_CLI_OPERAND_TEXT,
    TARN_CLI_OPERAND_FILE,
    TARN_CLI_OPERAND_FOLDER,
    TARN_CLI_OPERAND_TABLE, /* or view, zone, namespace: what `tarn ls` lists */
    TARN_CLI_OPERAND_COMMAND,
    TARN_CLI_OPERAND_WORD /* one of `words` */
} TarnCliOperandKind;

typedef struct TarnCliOperand {
    const char *name; /* "TABLE" */
    TarnCliOperandKind kind;
    bool optional;
    bool repeated; /* only one of a command */
    const char *const *words;
} TarnCliOperand;

typedef struct TarnCliExample {
    const char *command;
    const char *what;
} TarnCliExample;

typedef bool (*TarnCliHandler)(TarnCli *cli, TarnError *error);

#define TARN_CLI_OPERANDS_MAX 4
#define TARN_CLI_EXAMPLES_MAX 5

typedef struct TarnCliCommand {
    const char *name; /* "load", "table rollback" */
    const char *group;
    const char *summary;     /* one line, lower case, no full stop */
    const char *description; /* sentences; NULL = the summary says all */
    TarnCliOperand operands[TARN_CLI_OPERANDS_MAX];
    const TarnCliFlag *flags; /* ends with a NULL name; NULL = none */
    TarnCliExample examples[TARN_CLI_EXAMPLES_MAX];
    TarnCliHandler handler; /* NULL = comes with a later version */
    bool hidden;            /* for the build, not for people */
} TarnCliCommand;

extern const TarnCliCommand tarn_cli__commands[];
extern const size_t tarn_cli__command_count;
extern const TarnCliFlag tarn_cli__global_flags[]; /* ends with a NULL name */
/* In the order in which help shows them; ends with NULL. */
extern const char *const tarn_cli__groups[];

const TarnCliCommand *tarn_cli__command_find(const char *name); /* NULL = none */
/* The nearest command of this version, or NULL. */
const char *tarn_cli__command_nearest(const char *name);
/* Whether there are commands "noun verb". */
bool tarn_cli__command_is_noun(const char *word);
size_t tarn_cli__flag_count(const TarnCliFlag *flags); /* NULL has none */
size_t tarn_cli__operand_count(const TarnCliCommand *command);

#endif
