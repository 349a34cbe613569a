/* Help from the command table: what people look for first is an example, so examples stand first.
 */
#include "cli/help_private.h"

#include <string.h>

#include "cli/handlers_private.h"
#include "cli/width_private.h"

#define HELP_WIDTH 96
#define TEXT_MAX 8192

void tarn_cli__help_operands(const TarnCliCommand *command, TarnBuffer *out) {
    for (size_t i = 0; i < tarn_cli__operand_count(command); i++) {
        const TarnCliOperand *operand = &command->operands[i];
        tarn_base_buffer_printf(out, " %s%s%s%s", operand->optional ? "[" : "", operand->name,
                                operand->repeated ? ".." : "", operand->optional ? "]" : "");
    }
}

void tarn_cli__help_flag(const TarnCliFlag *flag, TarnBuffer *out) {
    if (flag->letter != 0) tarn_base_buffer_printf(out, "-%c, ", flag->letter);
    tarn_base_buffer_printf(out, "--%s", flag->name);
    if (flag->kind == TARN_CLI_FLAG_WORD) {
        for (size_t i = 0; flag->words[i] != NULL; i++) {
            tarn_base_buffer_printf(out, "%s%s", i == 0 ? " " : "|", flag->words[i]);
        }
    } else if (flag->value != NULL) {
        tarn_base_buffer_printf(out, " %s", flag->value);
    }
}

/* Words of `text` in lines of HELP_WIDTH, each after `indent` spaces. */
static void put_wrapped(TarnCliSink *out, const char *text, size_t indent) {
    TarnText rest = tarn_base_text(text);
    size_t used = HELP_WIDTH;
    bool first = true;
    while (rest.size > 0) {
        TarnText word = tarn_base_text_split(rest, ' ', &rest);
        size_t width = tarn_cli__width(word);
        if (used + 1 + width > HELP_WIDTH) {
            if (!first) tarn_cli__sink_string(out, "\n");
            tarn_cli__sink_repeat(out, " ", indent);
            used = indent;
        } else {
            tarn_cli__sink_string(out, " ");
            used++;
        }
        tarn_cli__sink_text(out, word);
        used += width;
        first = false;
    }
    tarn_cli__sink_string(out, "\n");
}

static void put_flags(TarnCli *cli, const TarnCliFlag *flags) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, TEXT_MAX);
    for (; flags != NULL && flags->name != NULL; flags++) {
        if (flags->hidden) continue;
        tarn_base_buffer_clear(&text);
        tarn_base_buffer_string(&text, flags->help);
        if (flags->otherwise != NULL) {
            tarn_base_buffer_printf(&text, " (default %s)", flags->otherwise);
        }
        TarnBuffer name;
        tarn_base_buffer_init(&name, TEXT_MAX);
        tarn_cli__help_flag(flags, &name);
        tarn_cli__sink_string(&cli->out, flags->letter != 0 ? "  " : "      ");
        tarn_cli__sink_text(&cli->out, tarn_base_buffer_view(&name));
        tarn_cli__sink_string(&cli->out, "\n");
        put_wrapped(&cli->out, text.data != NULL ? text.data : "", 10);
        tarn_base_buffer_dispose(&name);
    }
    tarn_base_buffer_dispose(&text);
}

static void put_title(TarnCli *cli, const char *title) {
    tarn_cli__sink_printf(&cli->out, "\n%s%s%s\n", tarn_cli__colour(cli->colour_out, TARN_CLI_BOLD),
                          title, tarn_cli__colour(cli->colour_out, TARN_CLI_PLAIN));
}

void tarn_cli__help_command(TarnCli *cli, const TarnCliCommand *command) {
    TarnCliSink *out = &cli->out;
    tarn_cli__sink_printf(out, "tarn %s: %s\n", command->name, command->summary);
    if (command->handler == NULL) {
        tarn_cli__sink_string(out, "\nThis command comes with a later version.\n");
        return;
    }
    if (command->examples[0].command != NULL) put_title(cli, "Examples");
    for (size_t i = 0; i < TARN_CLI_EXAMPLES_MAX && command->examples[i].command != NULL; i++) {
        tarn_cli__sink_printf(out, "  %s%s%s\n      %s\n",
                              tarn_cli__colour(cli->colour_out, TARN_CLI_CYAN),
                              command->examples[i].command,
                              tarn_cli__colour(cli->colour_out, TARN_CLI_PLAIN),
                              command->examples[i].what);
    }
    put_title(cli, "Usage");
    TarnBuffer usage;
    tarn_base_buffer_init(&usage, TEXT_MAX);
    tarn_cli__help_operands(command, &usage);
    tarn_cli__sink_printf(out, "  tarn %s%s%s\n", command->name,
                          usage.data != NULL ? usage.data : "",
                          command->flags != NULL ? " [flags]" : "");
    tarn_base_buffer_dispose(&usage);
    if (command->description != NULL) {
        tarn_cli__sink_string(out, "\n");
        put_wrapped(out, command->description, 2);
    }
    if (command->flags != NULL) put_title(cli, "Flags");
    put_flags(cli, command->flags);
    put_title(cli, "Global flags");
    put_flags(cli, tarn_cli__global_flags);
}

static void put_group(TarnCli *cli, const char *group) {
    bool titled = false;
    for (size_t i = 0; i < tarn_cli__command_count; i++) {
        const TarnCliCommand *command = &tarn_cli__commands[i];
        if (command->hidden || command->handler == NULL || strcmp(command->group, group) != 0) {
            continue;
        }
        if (!titled) put_title(cli, group);
        titled = true;
        TarnBuffer usage;
        tarn_base_buffer_init(&usage, TEXT_MAX);
        tarn_base_buffer_string(&usage, command->name);
        tarn_cli__help_operands(command, &usage);
        tarn_cli__sink_printf(&cli->out, "  %-32s %s\n", usage.data != NULL ? usage.data : "",
                              command->summary);
        tarn_base_buffer_dispose(&usage);
    }
}

void tarn_cli__help_overview(TarnCli *cli) {
    tarn_cli__sink_string(&cli->out,
                          "tarn " TARN_VERSION ": a data lake in one program\n"
                          "\n"
                          "  tarn init flights && cd flights\n"
                          "  tarn load ../flights.csv raw.flights\n"
                          "  tarn sql -c 'select count(*) from raw.flights'\n");
    for (size_t i = 0; tarn_cli__groups[i] != NULL; i++) put_group(cli, tarn_cli__groups[i]);
    tarn_cli__sink_string(&cli->out,
                          "\nEvery command: -C DIR, -o table|json|ndjson|csv|md, --json, -q, -h\n"
                          "tarn help COMMAND shows examples and flags.\n");
}

bool tarn_cli__help(TarnCli *cli, TarnError *error) {
    TarnCliFormat format = cli->format;
    cli->format = TARN_CLI_TABLE;
    const TarnCliArguments *arguments = &cli->arguments;
    if (arguments->operand_count == 0) {
        tarn_cli__help_overview(cli);
        return true;
    }
    const char *name = arguments->operands[0];
    if (arguments->operand_count > 1) {
        name = tarn_base_arena_printf(&cli->arena, "%s %s", name, arguments->operands[1]);
        if (name == NULL) return tarn_base_arena_check(&cli->arena, error);
    }
    const TarnCliCommand *command = tarn_cli__command_find(name);
    if (command != NULL) {
        tarn_cli__help_command(cli, command);
        return true;
    }
    bool found = false;
    size_t size = strlen(name);
    for (size_t i = 0; i < tarn_cli__command_count; i++) {
        const TarnCliCommand *verb = &tarn_cli__commands[i];
        if (strncmp(verb->name, name, size) != 0 || verb->name[size] != ' ') continue;
        tarn_cli__sink_printf(&cli->out, "  tarn %-24s %s%s\n", verb->name, verb->summary,
                              verb->handler == NULL ? " (comes with a later version)" : "");
        found = true;
    }
    if (found) return true;
    cli->format = format;
    tarn_base_error_set(error, TARN_E_USAGE, "there is no command \"%s\"", name);
    const char *nearest = tarn_cli__command_nearest(name);
    if (nearest != NULL) {
        return tarn_base_error_hint(error, "did you mean \"tarn help %s\"?", nearest);
    }
    return tarn_base_error_hint(error, "tarn help lists the commands");
}
