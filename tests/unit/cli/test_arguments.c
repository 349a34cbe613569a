/* The command table is sound, and command lines are understood by it. */
#include "cli/arguments_private.h"

#include "base/limits.h"
#include "base/text.h"
#include "tap.h"

#define ARGUMENTS_MAX 32

typedef struct Line {
    TarnArena arena;
    TarnCliArguments arguments;
    TarnError error;
    char words[ARGUMENTS_MAX][64];
    char *argv[ARGUMENTS_MAX + 1];
    int argc;
} Line;

/* Words by spaces; '_' stands for a space inside of a word. */
static bool parse(Line *line, const char *text) {
    memset(line, 0, sizeof(*line));
    tarn_base_arena_init(&line->arena, TARN_MIB);
    TarnText rest = tarn_base_text(text);
    while (rest.data != NULL && line->argc < ARGUMENTS_MAX) {
        TarnText word = tarn_base_text_split(rest, ' ', &rest);
        char *copy = line->words[line->argc];
        snprintf(copy, sizeof(line->words[0]), "%.*s", TARN_TEXT_ARG(word));
        for (char *c = copy; *c != '\0'; c++) {
            if (*c == '_') *c = ' ';
        }
        line->argv[line->argc++] = copy;
    }
    return tarn_cli__arguments_parse(line->argc, line->argv, &line->arena, &line->arguments,
                                     &line->error);
}

static void done(Line *line) { tarn_base_arena_dispose(&line->arena); }

static void flags_stand_anywhere(void) {
    Line line;
    REQUIRE_OK(parse(&line, "tarn -C dir load --mode=overwrite a -q b raw.t --max-error-rate 1%"),
               &line.error);
    CHECK_STRING(line.arguments.command->name, "load");
    CHECK_INT(line.arguments.operand_count, 3);
    CHECK_STRING(tarn_cli__operand(&line.arguments, 2), "raw.t");
    CHECK(tarn_cli__operand(&line.arguments, 3) == NULL);
    CHECK_STRING(tarn_cli__text(&line.arguments, "directory"), "dir");
    CHECK_STRING(tarn_cli__text(&line.arguments, "mode"), "overwrite");
    CHECK_INT(tarn_cli__value(&line.arguments, "mode")->integer, 1);
    CHECK(tarn_cli__is_set(&line.arguments, "quiet"));
    CHECK(!tarn_cli__is_set(&line.arguments, "verbose"));
    CHECK(tarn_cli__value(&line.arguments, "max-error-rate")->rate == 0.01);
    done(&line);
}

static void letters_and_values(void) {
    Line line;
    REQUIRE_OK(parse(&line, "tarn -qv head raw.t -n5"), &line.error);
    CHECK(tarn_cli__is_set(&line.arguments, "quiet"));
    CHECK(tarn_cli__is_set(&line.arguments, "verbose"));
    CHECK_INT(tarn_cli__value(&line.arguments, "rows")->integer, 5);
    done(&line);
    REQUIRE_OK(parse(&line, "tarn head raw.t"), &line.error);
    CHECK_INT(tarn_cli__value(&line.arguments, "rows")->integer, 10);
    CHECK(!tarn_cli__value(&line.arguments, "rows")->given);
    done(&line);
    REQUIRE_OK(parse(&line, "tarn sql -c -1 --timeout 2m"), &line.error);
    CHECK_STRING(tarn_cli__text(&line.arguments, "command"), "-1");
    CHECK_INT(tarn_cli__value(&line.arguments, "timeout")->integer, 120000);
    done(&line);
}

static void lists_keep_parentheses(void) {
    Line line;
    REQUIRE_OK(parse(&line, "tarn load a raw.t --partition-by bucket(16,_id),day(ts) "
                            "--partition-by x"),
               &line.error);
    const TarnCliValue *value = tarn_cli__value(&line.arguments, "partition-by");
    REQUIRE(value->count == 3);
    CHECK_STRING(value->items[0], "bucket(16, id)");
    CHECK_STRING(value->items[1], "day(ts)");
    CHECK_STRING(value->items[2], "x");
    done(&line);
    CHECK(!parse(&line, "tarn load a raw.t --partition-by a,,b"));
    CHECK_INT(line.error.code, TARN_E_USAGE);
    done(&line);
}

static void a_double_dash_ends_flags(void) {
    Line line;
    REQUIRE_OK(parse(&line, "tarn load -- -a --mode"), &line.error);
    CHECK_INT(line.arguments.operand_count, 2);
    CHECK_STRING(tarn_cli__operand(&line.arguments, 1), "--mode");
    done(&line);
}

static void nouns_and_verbs(void) {
    Line line;
    REQUIRE_OK(parse(&line, "tarn table -q rollback raw.t 7"), &line.error);
    CHECK_STRING(line.arguments.command->name, "table rollback");
    CHECK_INT(line.arguments.operand_count, 2);
    done(&line);
    CHECK(!parse(&line, "tarn table"));
    CHECK(strstr(line.error.hint, "rollback") != NULL);
    done(&line);
}

static void help_wins_over_mistakes(void) {
    Line line;
    CHECK_OK(parse(&line, "tarn load --mode nonsense -h"), &line.error);
    CHECK(line.arguments.help);
    CHECK_STRING(line.arguments.command->name, "load");
    done(&line);
    CHECK_OK(parse(&line, "tarn serve --help"), &line.error);
    CHECK(line.arguments.help);
    done(&line);
}

static void mistakes_are_named(void) {
    static const char *const wrong[][2] = {
        {"tarn lod", "tarn load"},          {"tarn load --mod x a b", "--mode"},
        {"tarn --quite ls", "--quiet"},     {"tarn load a raw.t --mode apend", "append"},
        {"tarn table rolback a b", "table rollback"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        Line line;
        CHECK(!parse(&line, wrong[i][0]));
        CHECK_INT(line.error.code, TARN_E_USAGE);
        CHECK(strstr(line.error.hint, wrong[i][1]) != NULL);
        done(&line);
    }
    static const char *const refused[] = {
        "tarn ls a b",        "tarn load a",           "tarn head",      "tarn head t -n x",
        "tarn ls -o",         "tarn ls --quiet=yes",   "tarn serve",     "tarn -z",
        "tarn ls -n 1",       "tarn sql -c a -c b",    "tarn sql --timeout soon",
        "tarn load a b --max-error-rate 101%",         "tarn load a b --max-error-rate nan",
        "tarn ls -q -",       "tarn  ls",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        Line line;
        bool ok = parse(&line, refused[i]);
        if (ok && strcmp(refused[i], "tarn ls -q -") == 0) ok = line.arguments.operand_count != 1;
        if (ok) printf("# accepted: %s\n", refused[i]);
        CHECK(!ok);
        done(&line);
    }
}

static void check_flags(const TarnCliCommand *command) {
    for (size_t i = 0; i < tarn_cli__flag_count(command->flags); i++) {
        const TarnCliFlag *flag = &command->flags[i];
        CHECK(flag->help != NULL && flag->help[0] != '\0');
        CHECK((flag->kind == TARN_CLI_FLAG_WORD) == (flag->words != NULL));
        CHECK(flag->kind == TARN_CLI_FLAG_BOOL || flag->kind == TARN_CLI_FLAG_WORD ||
              flag->value != NULL);
        for (size_t k = i + 1; k < tarn_cli__flag_count(command->flags); k++) {
            CHECK(strcmp(flag->name, command->flags[k].name) != 0);
            CHECK(flag->letter == 0 || flag->letter != command->flags[k].letter);
        }
        /* A letter must mean the same before and after the command's name. */
        for (const TarnCliFlag *global = tarn_cli__global_flags; global->name != NULL; global++) {
            bool same = strcmp(global->name, flag->name) == 0;
            CHECK(flag->letter == 0 || same == (flag->letter == global->letter));
        }
    }
}

static bool known_group(const char *group) {
    for (size_t i = 0; tarn_cli__groups[i] != NULL; i++) {
        if (strcmp(tarn_cli__groups[i], group) == 0) return true;
    }
    return false;
}

static void the_table_is_sound(void) {
    for (size_t i = 0; i < tarn_cli__command_count; i++) {
        const TarnCliCommand *command = &tarn_cli__commands[i];
        CHECK(known_group(command->group));
        CHECK(command->summary[0] != '\0' && command->summary[strlen(command->summary) - 1] != '.');
        if (command->handler != NULL && !command->hidden) CHECK(command->examples[0].what != NULL);
        check_flags(command);
        for (size_t k = i + 1; k < tarn_cli__command_count; k++) {
            CHECK(strcmp(command->name, tarn_cli__commands[k].name) != 0);
        }
        bool repeated = false;
        for (size_t k = 0; k < tarn_cli__operand_count(command); k++) {
            CHECK(!(repeated && command->operands[k].repeated));
            repeated = repeated || command->operands[k].repeated;
        }
    }
}

/* Up to where the shell takes over: a pipe, a redirection. */
static void parse_example(const char *example) {
    char text[256];
    size_t size = 0;
    bool quoted = false;
    for (const char *c = example; *c != '\0' && size < sizeof(text) - 1; c++) {
        if (*c == '\'') {
            quoted = !quoted;
            continue;
        }
        if (!quoted && (*c == '|' || *c == '>' || *c == '(')) break;
        text[size++] = quoted && *c == ' ' ? '_' : *c;
    }
    while (size > 0 && text[size - 1] == ' ') size--;
    text[size] = '\0';
    Line line;
    bool ok = parse(&line, text);
    if (!ok) printf("# example: %s\n", text);
    CHECK_OK(ok, &line.error);
    done(&line);
}

static void every_example_parses(void) {
    for (size_t i = 0; i < tarn_cli__command_count; i++) {
        const TarnCliCommand *command = &tarn_cli__commands[i];
        for (size_t k = 0; k < TARN_CLI_EXAMPLES_MAX; k++) {
            if (command->examples[k].command == NULL) break;
            if (strncmp(command->examples[k].command, "tarn ", 5) == 0) {
                parse_example(command->examples[k].command);
            }
        }
    }
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(flags_stand_anywhere);
    TAP_TEST(letters_and_values);
    TAP_TEST(lists_keep_parentheses);
    TAP_TEST(a_double_dash_ends_flags);
    TAP_TEST(nouns_and_verbs);
    TAP_TEST(help_wins_over_mistakes);
    TAP_TEST(mistakes_are_named);
    TAP_TEST(the_table_is_sound);
    TAP_TEST(every_example_parses);
    return tap_end();
}
