/* A command line, understood. */
#ifndef TARN_CLI_ARGUMENTS_PRIVATE_H
#define TARN_CLI_ARGUMENTS_PRIVATE_H

#include "base/arena.h"
#include "cli/command_private.h"

typedef struct TarnCliValue {
    bool given;       /* on the command line */
    const char *text; /* as written; the flag's default otherwise; NULL = no value */
    int64_t integer;  /* COUNT; DURATION in milliseconds; BOOL 1 = set; WORD: index */
    double rate;      /* RATE: 0..1 */
    const char **items; /* LIST */
    size_t count;
} TarnCliValue;

typedef struct TarnCliArguments {
    const TarnCliCommand *command; /* NULL = none was named */
    bool help;
    bool version;
    const char **operands;
    size_t operand_count;
    TarnCliValue *globals; /* parallel to tarn_cli__global_flags */
    TarnCliValue *values;  /* parallel to command->flags */
} TarnCliArguments;

/* argv as main got it. Everything in `arguments` lives in the arena or points at argv.
 * TARN_E_USAGE with the nearest known name. With --help or --version the rest is not checked. On
 * failure `command` and `globals` hold what was understood before. */
bool tarn_cli__arguments_parse(int argc, char **argv, TarnArena *arena,
                               TarnCliArguments *arguments, TarnError *error) TARN_CHECKED;

/* Of a flag that the table has (asserted): the command's own or a global one. */
const TarnCliValue *tarn_cli__value(const TarnCliArguments *arguments, const char *name);
static inline const char *tarn_cli__text(const TarnCliArguments *arguments, const char *name) {
    return tarn_cli__value(arguments, name)->text;
}
static inline bool tarn_cli__is_set(const TarnCliArguments *arguments, const char *name) {
    return tarn_cli__value(arguments, name)->integer != 0;
}
/* NULL if there are fewer. */
const char *tarn_cli__operand(const TarnCliArguments *arguments, size_t index);

#endif
