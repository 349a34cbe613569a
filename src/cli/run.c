/* One run: the command line is parsed, its handler runs, its end is reported.
 *
 * A handler either succeeds or fills an error; here the error becomes text on standard error, or
 * a member of the one object of --json, and the exit code of errors.def.
 */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "cli/cli_private.h"
#include "cli/help_private.h"
#include "cli/width_private.h"

#define RUN_ARENA_BYTES (1 * TARN_GIB)
/* Rows of a table drawn on a terminal, unless the shell is told otherwise. */
#define INTERACTIVE_ROWS 100

static bool wants_colour(const TarnCli *cli, const TarnOsTerminal *terminal) {
    if (!terminal->is_terminal) return false;
    const char *no_color = cli->os->environment(cli->os, "NO_COLOR");
    if (no_color != NULL && no_color[0] != '\0') return false;
    const char *term = cli->os->environment(cli->os, "TERM");
    return term != NULL && strcmp(term, "dumb") != 0;
}

static bool choose_format(TarnCli *cli, TarnError *error) {
    const TarnCliArguments *arguments = &cli->arguments;
    const TarnCliValue *output = tarn_cli__value(arguments, "output");
    static const struct {
        const char *word;
        TarnCliFormat format;
    } formats[] = {
        {"table", TARN_CLI_TABLE},   {"json", TARN_CLI_JSON},
        {"ndjson", TARN_CLI_NDJSON}, {"csv", TARN_CLI_CSV},
        {"md", TARN_CLI_MD},         {"arrow", TARN_CLI_ARROW},
        {"dot", TARN_CLI_DOT},       {"openlineage", TARN_CLI_OPENLINEAGE},
    };
    /* A command may have its own -o; one given before the command's name is the global one. */
    for (size_t i = 0; !output->given && tarn_cli__global_flags[i].name != NULL; i++) {
        if (strcmp(tarn_cli__global_flags[i].name, "output") == 0) {
            output = &arguments->globals[i];
            break;
        }
    }
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(output->text, formats[i].word) == 0) cli->format = formats[i].format;
    }
    bool json = tarn_cli__is_set(arguments, "json");
    if (json && output->given && cli->format != TARN_CLI_JSON) {
        cli->format = TARN_CLI_JSON;
        return tarn_base_error_set(error, TARN_E_USAGE, "--json and -o %s contradict each other",
                                   output->text);
    }
    if (json) cli->format = TARN_CLI_JSON;
    if (cli->format == TARN_CLI_ARROW) {
        tarn_base_error_set(error, TARN_E_USAGE, "-o arrow comes with a later version");
        return tarn_base_error_hint(error, "-o ndjson and -o csv write any number of rows");
    }
    return true;
}

static bool apply_globals(TarnCli *cli, TarnError *error) {
    const TarnCliArguments *arguments = &cli->arguments;
    cli->quiet = tarn_cli__is_set(arguments, "quiet");
    cli->verbose = tarn_cli__is_set(arguments, "verbose");
    if (tarn_cli__is_set(arguments, "no-color")) cli->colour_out = cli->colour_err = false;
    if (cli->verbose) tarn_base_log_level(TARN_LOG_INFO);
    if (cli->quiet) tarn_base_log_level(TARN_LOG_ERROR);
    if (tarn_cli__text(arguments, "server") != NULL) {
        tarn_base_error_set(error, TARN_E_SERVER_MISSING,
                            "--server comes with a later version: this one opens folders only");
        return tarn_base_error_hint(error, "use -C DIR");
    }
    if (tarn_cli__text(arguments, "profile") != NULL) {
        return tarn_base_error_set(error, TARN_E_USAGE, "--profile comes with a later version");
    }
    return choose_format(cli, error);
}

/* An error on the command line itself may come before --json was understood. */
static void guess_format(TarnCli *cli, int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "-ojson") == 0 ||
            strcmp(argv[i], "--output=json") == 0 ||
            ((strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "--output") == 0) && i + 1 < argc &&
             strcmp(argv[i + 1], "json") == 0)) {
            cli->format = TARN_CLI_JSON;
        }
    }
}

static bool run_command(TarnCli *cli, int argc, char **argv, TarnError *error) {
    guess_format(cli, argc, argv);
    if (!tarn_cli__arguments_parse(argc, argv, &cli->arena, &cli->arguments, error)) return false;
    if (cli->arguments.version) {
        cli->format = TARN_CLI_TABLE;
        tarn_cli__sink_string(&cli->out, "tarn " TARN_VERSION "\n");
        return true;
    }
    if (cli->arguments.help || cli->arguments.command == NULL) {
        cli->format = TARN_CLI_TABLE;
        if (tarn_cli__is_set(&cli->arguments, "no-color")) cli->colour_out = false;
        if (cli->arguments.command != NULL) {
            tarn_cli__help_command(cli, cli->arguments.command);
        } else {
            tarn_cli__help_overview(cli);
        }
        return true;
    }
    return apply_globals(cli, error) && cli->arguments.command->handler(cli, error);
}

static int report(TarnCli *cli, bool ok, TarnError *error) {
    if (!ok && error->code == TARN_OK) {
        tarn_base_error_set(error, TARN_E_INTERNAL, "a command failed without saying why");
    }
    if (cli->format == TARN_CLI_JSON) tarn_cli__envelope_end(cli, ok ? NULL : error);
    TarnError output_error = {0};
    if (!tarn_cli__sink_finish(&cli->out, &output_error) && ok) {
        ok = false;
        *error = output_error;
        cli->format = TARN_CLI_TABLE; /* nobody can read an object now */
    }
    /* A reader who left has what it wanted; the rest of the work was done. */
    if (!ok && cli->format != TARN_CLI_JSON) {
        tarn_cli__error_write(error, cli->colour_err, &cli->err);
    }
    TarnError ignored;
    if (!tarn_cli__sink_finish(&cli->err, &ignored)) {
        /* there is nowhere left to say so */
    }
    return ok ? 0 : tarn_base_error_exit_code(error->code);
}

int tarn_cli__run(const TarnOs *os, int argc, char **argv, int out_fd, int err_fd) {
    TarnCli cli = {.os = os, .rows_max = INTERACTIVE_ROWS};
    cli.started_us = os->monotonic_us(os);
    tarn_cli__width_setup();
    tarn_base_arena_init(&cli.arena, RUN_ARENA_BYTES);
    tarn_cli__sink_open(&cli.out, out_fd, "standard output");
    tarn_cli__sink_open(&cli.err, err_fd, "standard error");
    cli.out_terminal = os->terminal(os, TARN_OS_STDOUT);
    cli.err_terminal = os->terminal(os, TARN_OS_STDERR);
    cli.in_terminal = os->terminal(os, TARN_OS_STDIN).is_terminal;
    cli.colour_out = wants_colour(&cli, &cli.out_terminal);
    cli.colour_err = wants_colour(&cli, &cli.err_terminal);
    TarnError error = {0};
    bool ok = run_command(&cli, argc, argv, &error);
    int code = report(&cli, ok, &error);
    tarn_base_arena_dispose(&cli.arena);
    return code;
}
