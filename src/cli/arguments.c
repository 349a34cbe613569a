/* Understanding a command line by the command table.
 *
 * Global flags may stand anywhere; `--name=value` and `--name value` are the same; `--` ends the
 * flags; letters without a value may stand together (-qv), a letter's value may follow at once
 * (-n5). Everything unknown is an error with the nearest known name: a typing mistake must never
 * run something else.
 */
#include "cli/arguments_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"

#define NEAR_NAMES_MAX 256

typedef struct Parse {
    int argc;
    char **argv;
    int at;
    TarnArena *arena;
    TarnCliArguments *arguments;
    const char *noun; /* "table" seen, the verb is still to come */
    bool flags_over;
    size_t operand_room;
    TarnError *error;
} Parse;

static const TarnCliFlag *find_in(const TarnCliFlag *flags, const char *name, size_t size,
                                  char letter) {
    for (; flags != NULL && flags->name != NULL; flags++) {
        if (letter != 0 ? flags->letter == letter
                        : strlen(flags->name) == size && memcmp(flags->name, name, size) == 0) {
            return flags;
        }
    }
    return NULL;
}

/* The flag and where its value goes; the command's own come first. */
static const TarnCliFlag *find_flag(const Parse *parse, const char *name, size_t size, char letter,
                                    TarnCliValue **value) {
    TarnCliArguments *arguments = parse->arguments;
    const TarnCliCommand *command = arguments->command;
    if (command != NULL) {
        const TarnCliFlag *flag = find_in(command->flags, name, size, letter);
        if (flag != NULL) {
            *value = &arguments->values[flag - command->flags];
            return flag;
        }
    }
    const TarnCliFlag *flag = find_in(tarn_cli__global_flags, name, size, letter);
    if (flag != NULL) *value = &arguments->globals[flag - tarn_cli__global_flags];
    return flag;
}

static size_t collect_flags(const TarnCliFlag *flags, const char **names, size_t count) {
    for (; flags != NULL && flags->name != NULL && count < NEAR_NAMES_MAX; flags++) {
        if (!flags->hidden) names[count++] = flags->name;
    }
    return count;
}

static bool refuse_flag(const Parse *parse, const char *shown, const char *name) {
    const TarnCliCommand *command = parse->arguments->command;
    const char *names[NEAR_NAMES_MAX];
    size_t count = collect_flags(command != NULL ? command->flags : NULL, names, 0);
    count = collect_flags(tarn_cli__global_flags, names, count);
    if (command != NULL) {
        tarn_base_error_set(parse->error, TARN_E_USAGE, "\"tarn %s\" has no flag \"%s\"",
                            command->name, shown);
    } else {
        tarn_base_error_set(parse->error, TARN_E_USAGE,
                            "there is no global flag \"%s\"; a command's own flags follow its name",
                            shown);
    }
    const char *nearest =
        name[0] != '\0' && name[1] != '\0' ? tarn_base_text_nearest(name, names, count) : NULL;
    const char *help = command != NULL ? command->name : "";
    if (nearest != NULL) {
        return tarn_base_error_hint(parse->error, "did you mean \"--%s\"? (tarn help%s%s)",
                                    nearest, help[0] != '\0' ? " " : "", help);
    }
    return tarn_base_error_hint(parse->error, "tarn help%s%s lists what there is",
                                help[0] != '\0' ? " " : "", help);
}

static bool refuse_value(const Parse *parse, const TarnCliFlag *flag, const char *value,
                         const char *wanted) {
    return tarn_base_error_set(parse->error, TARN_E_USAGE, "--%s cannot be \"%s\": expected %s",
                               flag->name, value, wanted);
}

static bool take_word(const Parse *parse, const TarnCliFlag *flag, const char *text,
                      TarnCliValue *value) {
    TarnBuffer wanted;
    tarn_base_buffer_init(&wanted, 4096);
    size_t count = 0;
    for (; flag->words[count] != NULL; count++) {
        if (strcmp(flag->words[count], text) == 0) {
            tarn_base_buffer_dispose(&wanted);
            value->integer = (int64_t)count;
            return true;
        }
        tarn_base_buffer_printf(&wanted, "%s%s", count > 0 ? ", " : "", flag->words[count]);
    }
    refuse_value(parse, flag, text, wanted.data != NULL ? wanted.data : "another word");
    tarn_base_buffer_dispose(&wanted);
    const char *nearest = tarn_base_text_nearest(text, flag->words, count);
    if (nearest != NULL) tarn_base_error_hint(parse->error, "did you mean \"%s\"?", nearest);
    return false;
}

static bool take_rate(const Parse *parse, const TarnCliFlag *flag, const char *text,
                      TarnCliValue *value) {
    TarnText number = tarn_base_text(text);
    double scale = 1;
    if (tarn_base_text_ends(number, "%")) {
        number.size--;
        scale = 100;
    }
    if (!tarn_base_text_to_double(number, &value->rate) || !(value->rate >= 0) ||
        value->rate > scale) {
        return refuse_value(parse, flag, text, "a part of one, as 1% or 0.01");
    }
    value->rate /= scale;
    return true;
}

/* "bucket(16, id), day(ts)" has two items. */
static bool take_list(const Parse *parse, const TarnCliFlag *flag, const char *text,
                      TarnCliValue *value) {
    size_t depth = 0;
    const char *start = text;
    size_t room = 1;
    for (const char *c = text; *c != '\0'; c++) room += *c == ',';
    const char **items = TARN_NEW_ARRAY(parse->arena, value->count + room, const char *);
    if (items == NULL) return tarn_base_arena_check(parse->arena, parse->error);
    if (value->count > 0) memcpy(items, value->items, value->count * sizeof(*items));
    value->items = items;
    for (const char *c = text;; c++) {
        if (*c == '(') depth++;
        if (*c == ')' && depth > 0) depth--;
        if (*c != '\0' && (*c != ',' || depth > 0)) continue;
        TarnText item = tarn_base_text_trim((TarnText){start, (size_t)(c - start)});
        if (item.size == 0) {
            return refuse_value(parse, flag, text, "names separated by commas");
        }
        items[value->count++] = tarn_base_text_string(parse->arena, item);
        if (*c == '\0') return tarn_base_arena_check(parse->arena, parse->error);
        start = c + 1;
    }
}

static bool take_value(const Parse *parse, const TarnCliFlag *flag, const char *text,
                       TarnCliValue *value) {
    value->text = text;
    switch (flag->kind) {
    case TARN_CLI_FLAG_BOOL: value->integer = 1; return true;
    case TARN_CLI_FLAG_TEXT:
    case TARN_CLI_FLAG_FILE:
    case TARN_CLI_FLAG_FOLDER: return true;
    case TARN_CLI_FLAG_WORD: return take_word(parse, flag, text, value);
    case TARN_CLI_FLAG_COUNT:
        if (tarn_base_text_to_int64(tarn_base_text(text), &value->integer) && value->integer >= 0) {
            return true;
        }
        return refuse_value(parse, flag, text, "a number from 0 on");
    case TARN_CLI_FLAG_RATE: return take_rate(parse, flag, text, value);
    case TARN_CLI_FLAG_DURATION:
        if (tarn_base_text_to_duration_ms(tarn_base_text(text), &value->integer)) return true;
        return refuse_value(parse, flag, text, "a duration, as 60s, 5m or 2h");
    case TARN_CLI_FLAG_LIST: return take_list(parse, flag, text, value);
    }
    return tarn_base_error_set(parse->error, TARN_E_INTERNAL, "flag --%s has no kind", flag->name);
}

/* A flag that may be given once only would hide the first value; lists add up. */
static bool set_value(Parse *parse, const TarnCliFlag *flag, TarnCliValue *value,
                      const char *text) {
    if (value->given && flag->kind != TARN_CLI_FLAG_LIST && flag->kind != TARN_CLI_FLAG_BOOL) {
        return tarn_base_error_set(parse->error, TARN_E_USAGE, "--%s is given twice: \"%s\" and "
                                   "\"%s\"", flag->name, value->text, text);
    }
    if (!value->given) *value = (TarnCliValue){0};
    value->given = true;
    return take_value(parse, flag, text, value);
}

static bool next_value(Parse *parse, const TarnCliFlag *flag, const char **text) {
    if (parse->at + 1 < parse->argc) {
        *text = parse->argv[++parse->at];
        return true;
    }
    tarn_base_error_set(parse->error, TARN_E_USAGE, "--%s needs a value", flag->name);
    if (flag->kind == TARN_CLI_FLAG_WORD) {
        return tarn_base_error_hint(parse->error, "for instance --%s %s", flag->name,
                                    flag->words[0]);
    }
    return tarn_base_error_hint(parse->error, "--%s %s", flag->name,
                                flag->value != NULL ? flag->value : "VALUE");
}

static bool parse_long(Parse *parse, const char *argument) {
    const char *name = argument + 2;
    const char *equals = strchr(name, '=');
    size_t size = equals != NULL ? (size_t)(equals - name) : strlen(name);
    TarnCliValue *value = NULL;
    const TarnCliFlag *flag = find_flag(parse, name, size, 0, &value);
    if (flag == NULL) {
        char *shown = tarn_base_arena_string_n(parse->arena, argument, size + 2);
        if (shown == NULL) return tarn_base_arena_check(parse->arena, parse->error);
        return refuse_flag(parse, shown, shown + 2);
    }
    const char *text = equals != NULL ? equals + 1 : NULL;
    if (flag->kind == TARN_CLI_FLAG_BOOL) {
        if (text == NULL) return set_value(parse, flag, value, "true");
        return tarn_base_error_set(parse->error, TARN_E_USAGE, "--%s takes no value", flag->name);
    }
    if (text == NULL && !next_value(parse, flag, &text)) return false;
    return set_value(parse, flag, value, text);
}

static bool parse_letters(Parse *parse, const char *argument) {
    for (const char *letter = argument + 1; *letter != '\0'; letter++) {
        TarnCliValue *value = NULL;
        const TarnCliFlag *flag = find_flag(parse, NULL, 0, *letter, &value);
        if (flag == NULL) {
            char shown[3] = {'-', *letter, '\0'};
            return refuse_flag(parse, shown, "");
        }
        if (flag->kind == TARN_CLI_FLAG_BOOL) {
            if (!set_value(parse, flag, value, "true")) return false;
            continue;
        }
        const char *text = letter[1] != '\0' ? letter + 1 : NULL;
        if (text == NULL && !next_value(parse, flag, &text)) return false;
        return set_value(parse, flag, value, text);
    }
    return true;
}

/* Defaults first, so that a handler reads one value whether it was given or not. */
static TarnCliValue *make_values(Parse *parse, const TarnCliFlag *flags) {
    size_t count = tarn_cli__flag_count(flags);
    TarnCliValue *values = TARN_NEW_ARRAY(parse->arena, count + 1, TarnCliValue);
    for (size_t i = 0; values != NULL && i < count; i++) {
        if (flags[i].otherwise != NULL &&
            !take_value(parse, &flags[i], flags[i].otherwise, &values[i])) {
            return NULL;
        }
    }
    return values;
}

static bool refuse_command(const Parse *parse, const char *name) {
    tarn_base_error_set(parse->error, TARN_E_USAGE, "there is no command \"%s\"", name);
    const char *nearest = tarn_cli__command_nearest(name);
    if (nearest != NULL) {
        return tarn_base_error_hint(parse->error, "did you mean \"tarn %s\"?", nearest);
    }
    return tarn_base_error_hint(parse->error, "tarn help lists the commands");
}

static bool choose_command(Parse *parse, const char *name) {
    TarnCliArguments *arguments = parse->arguments;
    arguments->command = tarn_cli__command_find(name);
    if (arguments->command == NULL) return refuse_command(parse, name);
    if (arguments->command->handler == NULL) {
        tarn_base_error_set(parse->error, TARN_E_USAGE,
                            "\"tarn %s\" (%s) comes with a later version", name,
                            arguments->command->summary);
        return tarn_base_error_hint(parse->error, "tarn help lists what this version does");
    }
    arguments->values = make_values(parse, arguments->command->flags);
    return arguments->values != NULL || tarn_base_arena_check(parse->arena, parse->error);
}

static bool parse_word(Parse *parse, const char *word) {
    TarnCliArguments *arguments = parse->arguments;
    if (arguments->command != NULL) {
        arguments->operands[arguments->operand_count++] = word;
        return true;
    }
    if (parse->noun != NULL) {
        char *name = tarn_base_arena_printf(parse->arena, "%s %s", parse->noun, word);
        if (name == NULL) return tarn_base_arena_check(parse->arena, parse->error);
        /* "tarn erase SUBJECT" is a command beside "tarn erase verify". */
        if (tarn_cli__command_find(name) == NULL &&
            tarn_cli__command_find(parse->noun) != NULL) {
            if (!choose_command(parse, parse->noun)) return false;
            return parse_word(parse, word);
        }
        parse->noun = NULL;
        return choose_command(parse, name);
    }
    if (tarn_cli__command_is_noun(word)) {
        parse->noun = word;
        return true;
    }
    return choose_command(parse, word);
}

static bool end_noun(Parse *parse) {
    if (parse->noun == NULL || parse->arguments->command != NULL) return true;
    if (tarn_cli__command_find(parse->noun) != NULL) return choose_command(parse, parse->noun);
    tarn_base_error_set(parse->error, TARN_E_USAGE, "\"tarn %s\" needs one more word",
                        parse->noun);
    TarnBuffer verbs;
    tarn_base_buffer_init(&verbs, 4096);
    size_t size = strlen(parse->noun);
    for (size_t i = 0; i < tarn_cli__command_count; i++) {
        const char *name = tarn_cli__commands[i].name;
        if (strncmp(name, parse->noun, size) != 0 || name[size] != ' ') continue;
        if (tarn_cli__commands[i].handler == NULL) continue;
        tarn_base_buffer_printf(&verbs, "%s%s", verbs.size > 0 ? ", " : "", name + size + 1);
    }
    tarn_base_error_hint(parse->error, "one of: %s",
                         verbs.data != NULL ? verbs.data : "those of a later version");
    tarn_base_buffer_dispose(&verbs);
    return false;
}

static bool check_operands(const Parse *parse) {
    const TarnCliArguments *arguments = parse->arguments;
    const TarnCliCommand *command = arguments->command;
    size_t known = tarn_cli__operand_count(command);
    size_t needed = 0;
    bool repeated = false;
    const char *missing = NULL;
    for (size_t i = 0; i < known; i++) {
        repeated = repeated || command->operands[i].repeated;
        if (command->operands[i].optional) continue;
        if (++needed > arguments->operand_count && missing == NULL) {
            missing = command->operands[i].name;
        }
    }
    if (missing != NULL) {
        tarn_base_error_set(parse->error, TARN_E_USAGE, "\"tarn %s\" needs %s", command->name,
                            missing);
    } else if (!repeated && arguments->operand_count > known) {
        tarn_base_error_set(parse->error, TARN_E_USAGE, "\"tarn %s\" does not take \"%s\"",
                            command->name, arguments->operands[known]);
    } else {
        return true;
    }
    if (command->examples[0].command != NULL) {
        tarn_base_error_hint(parse->error, "for instance: %s (tarn help %s)",
                             command->examples[0].command, command->name);
    }
    return false;
}

/* -h and --version count wherever they stand, also beside what would be an error. */
static void look_for_help(Parse *parse) {
    for (int i = 1; i < parse->argc && strcmp(parse->argv[i], "--") != 0; i++) {
        const char *argument = parse->argv[i];
        if (strcmp(argument, "-h") == 0 || strcmp(argument, "--help") == 0) {
            parse->arguments->help = true;
        } else if (strcmp(argument, "--version") == 0) {
            parse->arguments->version = true;
        }
    }
}

static bool parse_all(Parse *parse) {
    for (parse->at = 1; parse->at < parse->argc; parse->at++) {
        const char *argument = parse->argv[parse->at];
        bool ok;
        if (parse->flags_over || argument[0] != '-' || argument[1] == '\0') {
            ok = parse_word(parse, argument);
        } else if (strcmp(argument, "--") == 0) {
            parse->flags_over = true;
            ok = true;
        } else if (argument[1] == '-') {
            ok = parse_long(parse, argument);
        } else {
            ok = parse_letters(parse, argument);
        }
        if (!ok) return false;
    }
    return end_noun(parse);
}

bool tarn_cli__arguments_parse(int argc, char **argv, TarnArena *arena,
                               TarnCliArguments *arguments, TarnError *error) {
    *arguments = (TarnCliArguments){0};
    Parse parse = {.argc = argc, .argv = argv, .arena = arena, .arguments = arguments,
                   .error = error};
    arguments->operands = TARN_NEW_ARRAY(arena, (size_t)(argc > 0 ? argc : 1), const char *);
    arguments->globals = make_values(&parse, tarn_cli__global_flags);
    if (!tarn_base_arena_check(arena, error)) return false;
    look_for_help(&parse);
    bool ok = parse_all(&parse);
    if (arguments->help || arguments->version) {
        tarn_base_error_clear(error);
        return true;
    }
    if (!ok) return false;
    return arguments->command == NULL || check_operands(&parse);
}

const TarnCliValue *tarn_cli__value(const TarnCliArguments *arguments, const char *name) {
    size_t size = strlen(name);
    if (arguments->command != NULL) {
        const TarnCliFlag *flag = find_in(arguments->command->flags, name, size, 0);
        if (flag != NULL) return &arguments->values[flag - arguments->command->flags];
    }
    const TarnCliFlag *flag = find_in(tarn_cli__global_flags, name, size, 0);
    assert(flag != NULL);
    return &arguments->globals[flag - tarn_cli__global_flags];
}

const char *tarn_cli__operand(const TarnCliArguments *arguments, size_t index) {
    return index < arguments->operand_count ? arguments->operands[index] : NULL;
}
