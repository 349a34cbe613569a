/* The manual page and the reference of the commands, from the command table.
 *
 * `tarn man` writes troff and `tarn reference` writes markdown; the build and `make gen` run them,
 * so that what is printed can never differ from what is parsed.
 */
#include <string.h>

#include "base/limits.h"
#include "cli/handlers_private.h"
#include "cli/help_private.h"

#define TEXT_MAX 16384

static const struct {
    int code;
    const char *meaning;
} exits[] = {
    {0, "done"},
    {1, "a run, test or check failed"},
    {2, "usage or configuration"},
    {3, "not found"},
    {4, "denied"},
    {5, "conflict"},
    {6, "unavailable or timed out"},
    {7, "data refused (validation)"},
    {130, "interrupted"},
};

static bool is_shown(const TarnCliCommand *command) { return !command->hidden; }

/* --- troff --- */

/* Backslashes, dashes and a leading dot or quote mean something to troff. */
static void put_roff(TarnCliSink *out, const char *text) {
    if (text[0] == '.' || text[0] == '\'') tarn_cli__sink_string(out, "\\&");
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\\') {
            tarn_cli__sink_string(out, "\\e");
        } else if (*c == '-') {
            tarn_cli__sink_string(out, "\\-");
        } else if (*c == '\'') {
            tarn_cli__sink_string(out, "\\(aq");
        } else if (*c == '~') {
            tarn_cli__sink_string(out, "\\(ti");
        } else {
            tarn_cli__sink_write(out, c, 1);
        }
    }
}

static void roff_line(TarnCliSink *out, const char *macro, const char *text) {
    tarn_cli__sink_string(out, macro);
    put_roff(out, text);
    tarn_cli__sink_string(out, "\n");
}

static void roff_flags(TarnCliSink *out, const TarnCliFlag *flags) {
    for (; flags != NULL && flags->name != NULL; flags++) {
        if (flags->hidden) continue;
        TarnBuffer name;
        tarn_base_buffer_init(&name, TEXT_MAX);
        tarn_cli__help_flag(flags, &name);
        tarn_cli__sink_string(out, ".TP\n");
        roff_line(out, ".B ", name.data != NULL ? name.data : "");
        put_roff(out, flags->help);
        if (flags->otherwise != NULL) {
            tarn_cli__sink_string(out, " (default ");
            put_roff(out, flags->otherwise);
            tarn_cli__sink_string(out, ")");
        }
        tarn_cli__sink_string(out, "\n");
        tarn_base_buffer_dispose(&name);
    }
}

static void roff_command(TarnCliSink *out, const TarnCliCommand *command) {
    TarnBuffer usage;
    tarn_base_buffer_init(&usage, TEXT_MAX);
    tarn_base_buffer_printf(&usage, "tarn %s", command->name);
    tarn_cli__help_operands(command, &usage);
    if (command->flags != NULL) tarn_base_buffer_string(&usage, " [flags]");
    roff_line(out, ".SS ", usage.data != NULL ? usage.data : "");
    tarn_base_buffer_dispose(&usage);
    roff_line(out, "", command->summary);
    if (command->description != NULL) {
        tarn_cli__sink_string(out, ".PP\n");
        roff_line(out, "", command->description);
    }
    roff_flags(out, command->flags);
    for (size_t i = 0; i < TARN_CLI_EXAMPLES_MAX && command->examples[i].command != NULL; i++) {
        tarn_cli__sink_string(out, ".PP\n");
        roff_line(out, "", command->examples[i].what);
        tarn_cli__sink_string(out, ".RS\n.EX\n");
        roff_line(out, "", command->examples[i].command);
        tarn_cli__sink_string(out, ".EE\n.RE\n");
    }
}

bool tarn_cli__man(TarnCli *cli, TarnError *error) {
    (void)error;
    TarnCliSink *out = &cli->out;
    cli->format = TARN_CLI_TABLE;
    tarn_cli__sink_string(out, ".TH TARN 1 \"\" \"tarn " TARN_VERSION "\" \"User Commands\"\n"
                               ".SH NAME\ntarn \\- a data lake in one program\n"
                               ".SH SYNOPSIS\n.B tarn\n[global flags] command [arguments]\n"
                               ".SH DESCRIPTION\n");
    roff_line(out, "",
              "tarn brings files into open tables (Apache Iceberg over Parquet), refines them by "
              "SQL pipelines, checks them and answers queries. A lake is a folder with a "
              "tarn.yaml. Data goes to standard output, everything else to standard error.");
    tarn_cli__sink_string(out, ".SH COMMANDS\n");
    for (size_t i = 0; i < tarn_cli__command_count; i++) {
        const TarnCliCommand *command = &tarn_cli__commands[i];
        if (is_shown(command) && command->handler != NULL) roff_command(out, command);
    }
    tarn_cli__sink_string(out, ".SH GLOBAL FLAGS\n");
    roff_flags(out, tarn_cli__global_flags);
    tarn_cli__sink_string(out, ".SH EXIT STATUS\n");
    for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) {
        tarn_cli__sink_printf(out, ".TP\n%d\n%s\n", exits[i].code, exits[i].meaning);
    }
    tarn_cli__sink_string(out, ".SH ENVIRONMENT\n.TP\nNO_COLOR\nno colour if it is set\n"
                               ".TP\nPAGER\nshows long results in the shell of tarn sql\n"
                               ".TP\nTARN_DUCKDB_LIBRARY\nthe DuckDB library to load\n"
                               ".TP\nTARN_EXAMPLES\nfolder of the examples of tarn init\n"
                               ".SH FILES\n.TP\ntarn.yaml\nthe one file that makes a lake\n"
                               ".TP\n\\&.tarn/\nits state: catalog, warehouse, shell history\n");
    return true;
}

/* --- markdown --- */

static void put_cell(TarnCliSink *out, const char *text) {
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '|') tarn_cli__sink_string(out, "\\");
        tarn_cli__sink_write(out, c, 1);
    }
}

static void md_flags(TarnCliSink *out, const TarnCliFlag *flags) {
    if (tarn_cli__flag_count(flags) == 0) return;
    tarn_cli__sink_string(out, "\n| flag | default | meaning |\n|---|---|---|\n");
    for (; flags->name != NULL; flags++) {
        if (flags->hidden) continue;
        TarnBuffer name;
        tarn_base_buffer_init(&name, TEXT_MAX);
        tarn_cli__help_flag(flags, &name);
        tarn_cli__sink_string(out, "| `");
        put_cell(out, name.data != NULL ? name.data : "");
        tarn_cli__sink_string(out, "` | ");
        if (flags->otherwise != NULL) tarn_cli__sink_printf(out, "`%s`", flags->otherwise);
        tarn_cli__sink_string(out, " | ");
        put_cell(out, flags->help);
        tarn_cli__sink_string(out, " |\n");
        tarn_base_buffer_dispose(&name);
    }
}

static void md_command(TarnCliSink *out, const TarnCliCommand *command) {
    tarn_cli__sink_printf(out, "\n### tarn %s\n\n", command->name);
    put_cell(out, command->summary);
    tarn_cli__sink_string(out, ".\n\n```sh\n");
    for (size_t i = 0; i < TARN_CLI_EXAMPLES_MAX && command->examples[i].command != NULL; i++) {
        tarn_cli__sink_printf(out, "%s  # %s\n", command->examples[i].command,
                              command->examples[i].what);
    }
    TarnBuffer usage;
    tarn_base_buffer_init(&usage, TEXT_MAX);
    tarn_cli__help_operands(command, &usage);
    tarn_cli__sink_printf(out, "```\n\nUsage: `tarn %s%s%s`\n", command->name,
                          usage.data != NULL ? usage.data : "",
                          command->flags != NULL ? " [flags]" : "");
    tarn_base_buffer_dispose(&usage);
    if (command->description != NULL) {
        tarn_cli__sink_printf(out, "\n%s\n", command->description);
    }
    md_flags(out, command->flags);
}

static void md_commands(TarnCliSink *out) {
    tarn_cli__sink_string(out,
                          "# Commands\n\nMade from the program's command table by `make gen`."
                          "\n\n`tarn [global flags] COMMAND [arguments]`\n\n## Global flags\n");
    md_flags(out, tarn_cli__global_flags);
    for (size_t g = 0; tarn_cli__groups[g] != NULL; g++) {
        bool titled = false;
        for (size_t i = 0; i < tarn_cli__command_count; i++) {
            const TarnCliCommand *command = &tarn_cli__commands[i];
            if (!is_shown(command) || command->handler == NULL ||
                strcmp(command->group, tarn_cli__groups[g]) != 0) {
                continue;
            }
            if (!titled) {
                tarn_cli__sink_printf(out, "\n## %s\n", tarn_cli__groups[g]);
                titled = true;
            }
            md_command(out, command);
        }
    }
    tarn_cli__sink_string(out, "\n## Commands of later versions\n\nKnown by name; they end with "
                               "exit code 2 and say so.\n\n| command | what it will do |\n"
                               "|---|---|\n");
    for (size_t i = 0; i < tarn_cli__command_count; i++) {
        const TarnCliCommand *command = &tarn_cli__commands[i];
        if (is_shown(command) && command->handler == NULL) {
            tarn_cli__sink_printf(out, "| `tarn %s` | %s |\n", command->name, command->summary);
        }
    }
}

bool tarn_cli__reference(TarnCli *cli, TarnError *error) {
    (void)error;
    cli->format = TARN_CLI_TABLE;
    md_commands(&cli->out);
    return true;
}
