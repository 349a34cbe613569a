/* Completion of the command line: a short script for each shell that asks the program itself.
 *
 * `tarn __words -- WORD..` prints what may stand at the place of the last word, one a line, or
 * ":file" or ":folder" for the shell to complete by itself. So completion is never behind the
 * program, and knows the lake's tables.
 */
#include <string.h>

#include "cli/handlers_private.h"
#include "cli/lake_private.h"

static const char bash_script[] =
    "_tarn() {\n"
    "    local -a found\n"
    "    local word=\"${COMP_WORDS[COMP_CWORD]}\"\n"
    "    [ \"$word\" = \"=\" ] && word=\n"
    "    mapfile -t found < <(\"${COMP_WORDS[0]}\" __words -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" "
    "2>/dev/null)\n"
    "    COMPREPLY=()\n"
    "    case \"${found[0]-}\" in\n"
    "    :file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$word\") ;;\n"
    "    :folder) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$word\") ;;\n"
    "    *) COMPREPLY=(\"${found[@]}\") ;;\n"
    "    esac\n"
    "}\n"
    "complete -F _tarn tarn\n";

static const char zsh_script[] =
    "#compdef tarn\n"
    "_tarn() {\n"
    "    local -a found\n"
    "    found=(\"${(@f)$(${words[1]} __words -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
    "    case \"$found[1]\" in\n"
    "    :file) _files ;;\n"
    "    :folder) _files -/ ;;\n"
    "    *) compadd -a found ;;\n"
    "    esac\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _tarn ]; then _tarn \"$@\"; else compdef _tarn tarn; fi\n";

static const char fish_script[] =
    "function __tarn_words\n"
    "    set -l words (commandline -opc) (commandline -ct)\n"
    "    set -l found ($words[1] __words -- $words[2..-1] 2>/dev/null)\n"
    "    switch \"$found[1]\"\n"
    "        case :file\n"
    "            __fish_complete_path (commandline -ct)\n"
    "        case :folder\n"
    "            __fish_complete_directories (commandline -ct)\n"
    "        case '*'\n"
    "            printf '%s\\n' $found\n"
    "    end\n"
    "end\n"
    "complete -c tarn -f -a '(__tarn_words)'\n";

bool tarn_cli__completion(TarnCli *cli, TarnError *error) {
    static const struct {
        const char *shell;
        const char *script;
    } scripts[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};
    const char *shell = cli->arguments.operands[0];
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        if (strcmp(shell, scripts[i].shell) != 0) continue;
        cli->format = TARN_CLI_TABLE; /* a script, whatever -o says */
        tarn_cli__sink_string(&cli->out, scripts[i].script);
        return true;
    }
    tarn_base_error_set(error, TARN_E_USAGE, "there is no completion for \"%s\"", shell);
    return tarn_base_error_hint(error, "bash, zsh or fish");
}

/* --- what may stand at the last word --- */

typedef struct Words {
    TarnCli *cli;
    const TarnCliCommand *command;
    const char *noun;
    size_t operands;   /* before the last word */
    bool unknown;      /* a word that is no command: nothing can follow */
    const char *start; /* what the last word begins with */
} Words;

static void offer(const Words *words, const char *before, const char *candidate) {
    if (strncmp(candidate, words->start, strlen(words->start)) != 0) return;
    tarn_cli__sink_printf(&words->cli->out, "%s%s\n", before, candidate);
}

static void offer_tables(Words *words) {
    TarnCli *cli = words->cli;
    TarnCliLake lake;
    TarnError ignored;
    TarnRelation *relations;
    const char **names;
    size_t count;
    if (tarn_cli__lake_open(cli, TARN_CLI_LAKE_READ, &lake, &ignored) &&
        tarn_catalog_list(lake.catalog, NULL, &cli->arena, &relations, &count, &ignored)) {
        for (size_t i = 0; i < count; i++) {
            const char *name = tarn_catalog_name_text(relations[i].name, &cli->arena);
            if (name != NULL) offer(words, "", name);
        }
        if (tarn_catalog_namespace_list(lake.catalog, &cli->arena, &names, &count, &ignored)) {
            for (size_t i = 0; i < count; i++) offer(words, "", names[i]);
        }
    }
    tarn_cli__lake_close(&lake);
}

static void offer_value(Words *words, const TarnCliFlag *flag, const char *before) {
    switch (flag->kind) {
    case TARN_CLI_FLAG_FILE: tarn_cli__sink_string(&words->cli->out, ":file\n"); break;
    case TARN_CLI_FLAG_FOLDER: tarn_cli__sink_string(&words->cli->out, ":folder\n"); break;
    case TARN_CLI_FLAG_WORD:
        for (size_t i = 0; flag->words[i] != NULL; i++) offer(words, before, flag->words[i]);
        break;
    default: break;
    }
}

static void offer_flags(Words *words, const TarnCliFlag *flags) {
    for (; flags != NULL && flags->name != NULL; flags++) {
        const char *name = tarn_base_arena_printf(&words->cli->arena, "--%s", flags->name);
        if (name != NULL && !flags->hidden) offer(words, "", name);
    }
}

static void offer_commands(Words *words) {
    const char *last = "";
    size_t noun = words->noun != NULL ? strlen(words->noun) : 0;
    for (size_t i = 0; i < tarn_cli__command_count; i++) {
        const TarnCliCommand *command = &tarn_cli__commands[i];
        if (command->handler == NULL || command->hidden) continue;
        const char *space = strchr(command->name, ' ');
        if (noun > 0) {
            if (space != NULL && strncmp(command->name, words->noun, noun) == 0 &&
                command->name + noun == space) {
                offer(words, "", space + 1);
            }
            continue;
        }
        size_t size = space != NULL ? (size_t)(space - command->name) : strlen(command->name);
        const char *word = tarn_base_arena_string_n(&words->cli->arena, command->name, size);
        if (word == NULL || strcmp(word, last) == 0) continue;
        offer(words, "", word);
        last = word;
    }
}

static void offer_operand(Words *words) {
    size_t count = tarn_cli__operand_count(words->command);
    if (count == 0) return;
    const TarnCliOperand *operand =
        &words->command->operands[words->operands < count ? words->operands : count - 1];
    switch (operand->kind) {
    case TARN_CLI_OPERAND_FILE: tarn_cli__sink_string(&words->cli->out, ":file\n"); break;
    case TARN_CLI_OPERAND_FOLDER: tarn_cli__sink_string(&words->cli->out, ":folder\n"); break;
    case TARN_CLI_OPERAND_TABLE: offer_tables(words); break;
    case TARN_CLI_OPERAND_COMMAND: offer_commands(words); break;
    case TARN_CLI_OPERAND_WORD:
        for (size_t i = 0; operand->words[i] != NULL; i++) offer(words, "", operand->words[i]);
        break;
    case TARN_CLI_OPERAND_TEXT: break;
    }
}

static const TarnCliFlag *flag_named(const TarnCliCommand *command, const char *word,
                                     size_t size) {
    const TarnCliFlag *tables[] = {command != NULL ? command->flags : NULL,
                                   tarn_cli__global_flags};
    for (size_t i = 0; i < 2; i++) {
        for (const TarnCliFlag *flag = tables[i]; flag != NULL && flag->name != NULL; flag++) {
            bool by_name = size > 2 && strlen(flag->name) == size - 2 && word[1] == '-' &&
                           strncmp(flag->name, word + 2, size - 2) == 0;
            if (by_name || (size == 2 && flag->letter != 0 && word[1] == flag->letter)) {
                return flag;
            }
        }
    }
    return NULL;
}

/* Reads the words before the last one; returns the flag that waits for its value. */
static const TarnCliFlag *walk(Words *words, const char **given, size_t count) {
    const TarnCliFlag *waiting = NULL;
    for (size_t i = 0; i < count; i++) {
        const char *word = given[i];
        if (strcmp(word, "=") == 0) continue; /* bash splits --flag=value in three */
        if (waiting != NULL) {
            if (waiting == &tarn_cli__global_flags[0]) { /* -C: the lake whose tables are offered */
                words->cli->arguments.globals[0] = (TarnCliValue){.given = true, .text = word};
            }
            waiting = NULL;
        } else if (word[0] == '-' && word[1] != '\0') {
            const TarnCliFlag *flag = flag_named(words->command, word, strlen(word));
            if (flag != NULL && flag->kind != TARN_CLI_FLAG_BOOL) waiting = flag;
        } else if (words->command != NULL) {
            words->operands++;
        } else if (words->noun != NULL) {
            const char *name =
                tarn_base_arena_printf(&words->cli->arena, "%s %s", words->noun, word);
            words->command = name != NULL ? tarn_cli__command_find(name) : NULL;
        } else if (tarn_cli__command_is_noun(word)) {
            words->noun = word;
        } else {
            words->command = tarn_cli__command_find(word);
            words->unknown = words->command == NULL;
        }
    }
    return waiting;
}

bool tarn_cli__words(TarnCli *cli, TarnError *error) {
    (void)error;
    const TarnCliArguments *arguments = &cli->arguments;
    Words words = {.cli = cli, .start = ""};
    cli->format = TARN_CLI_TABLE;
    size_t before = arguments->operand_count > 0 ? arguments->operand_count - 1 : 0;
    if (arguments->operand_count > 0) words.start = arguments->operands[before];
    const TarnCliFlag *waiting = walk(&words, arguments->operands, before);
    const char *equals = strchr(words.start, '=');
    if (strcmp(words.start, "=") == 0) words.start = "";
    if (words.unknown) {
        return true;
    }
    if (waiting != NULL) {
        offer_value(&words, waiting, "");
    } else if (words.start[0] == '-' && equals != NULL) {
        size_t size = (size_t)(equals - words.start);
        const TarnCliFlag *flag = flag_named(words.command, words.start, size);
        const char *prefix = tarn_base_arena_string_n(&cli->arena, words.start, size + 1);
        words.start = equals + 1;
        if (flag != NULL && prefix != NULL) offer_value(&words, flag, prefix);
    } else if (words.start[0] == '-') {
        if (words.command != NULL) offer_flags(&words, words.command->flags);
        offer_flags(&words, tarn_cli__global_flags);
    } else if (words.command != NULL) {
        offer_operand(&words);
    } else {
        offer_commands(&words);
    }
    return true;
}
