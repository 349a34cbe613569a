/* The shell's own commands, in psql's spelling and in DuckDB's and SQLite's.
 */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "cli/handlers_private.h"
#include "cli/look_private.h"
#include "cli/rows_private.h"
#include "cli/shell_private.h"
#include "cli/sql_private.h"

typedef bool (*Action)(TarnCliShell *shell, const char *argument, TarnError *error);

static bool do_list(TarnCliShell *shell, const char *argument, TarnError *error) {
    return tarn_cli__look_list(shell->lake, argument, error);
}

static bool do_describe(TarnCliShell *shell, const char *argument, TarnError *error) {
    if (argument == NULL) return tarn_cli__look_list(shell->lake, NULL, error);
    return tarn_cli__look_show(shell->lake, argument, error);
}

static bool put_namespaces(TarnCliShell *shell, bool zones_only, TarnError *error) {
    TarnCli *cli = shell->lake->cli;
    static const TarnCliColumn columns[] = {{.name = "name"}, {.name = "kind"}};
    const char **names;
    size_t count;
    if (!tarn_catalog_namespace_list(shell->lake->catalog, &cli->arena, &names, &count, error)) {
        return false;
    }
    TarnCliRows rows;
    tarn_cli__rows_begin(cli, columns, 2, TARN_CLI_MANY, &rows);
    for (size_t i = 0; i < count; i++) {
        bool zone = tarn_catalog_zone(shell->lake->catalog, tarn_base_text(names[i])) != NULL;
        if (zones_only && !zone) continue;
        const TarnCliCell cells[] = {tarn_cli__cell_text(names[i]),
                                     tarn_cli__cell_text(zone ? "zone" : "namespace")};
        tarn_cli__rows_put(&rows, cells);
    }
    tarn_cli__rows_end(&rows, 0, false);
    return true;
}

static bool do_zones(TarnCliShell *shell, const char *argument, TarnError *error) {
    (void)argument;
    return put_namespaces(shell, true, error);
}

static bool do_namespaces(TarnCliShell *shell, const char *argument, TarnError *error) {
    (void)argument;
    return put_namespaces(shell, false, error);
}

static bool take_switch(const char *argument, bool *value, TarnError *error) {
    if (argument == NULL) {
        *value = !*value;
    } else if (strcmp(argument, "on") == 0 || strcmp(argument, "off") == 0) {
        *value = strcmp(argument, "on") == 0;
    } else {
        return tarn_base_error_set(error, TARN_E_USAGE, "\"%s\" is neither on nor off", argument);
    }
    return true;
}

static bool do_timing(TarnCliShell *shell, const char *argument, TarnError *error) {
    if (!take_switch(argument, &shell->timing, error)) return false;
    tarn_cli__say(shell->lake->cli, "timing is %s", shell->timing ? "on" : "off");
    return true;
}

static bool do_expanded(TarnCliShell *shell, const char *argument, TarnError *error) {
    if (!take_switch(argument, &shell->lake->cli->expanded, error)) return false;
    tarn_cli__say(shell->lake->cli, "expanded display is %s",
                  shell->lake->cli->expanded ? "on" : "off");
    return true;
}

static bool do_mode(TarnCliShell *shell, const char *argument, TarnError *error) {
    static const char *const names[] = {"table", "json", "ndjson", "csv", "md"};
    static const TarnCliFormat formats[] = {TARN_CLI_TABLE, TARN_CLI_JSON, TARN_CLI_NDJSON,
                                            TARN_CLI_CSV, TARN_CLI_MD};
    TarnCli *cli = shell->lake->cli;
    for (size_t i = 0; argument != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(argument, names[i]) != 0) continue;
        cli->format = formats[i];
        return true;
    }
    tarn_base_error_set(error, TARN_E_USAGE, "there is no mode \"%s\"",
                        argument != NULL ? argument : "");
    return tarn_base_error_hint(error, "table, json, ndjson, csv or md");
}

static bool do_rows(TarnCliShell *shell, const char *argument, TarnError *error) {
    int64_t rows;
    if (argument == NULL || !tarn_base_text_to_int64(tarn_base_text(argument), &rows) ||
        rows < 0) {
        return tarn_base_error_set(error, TARN_E_USAGE, "a number of rows is wanted, 0 for all");
    }
    shell->lake->cli->rows_max = (uint64_t)rows;
    return true;
}

static bool do_schema(TarnCliShell *shell, const char *argument, TarnError *error) {
    TarnCli *cli = shell->lake->cli;
    const TarnTable *table;
    if (argument == NULL) return tarn_cli__look_list(shell->lake, NULL, error);
    if (!tarn_cli__lake_table(shell->lake, argument, &table, error)) return false;
    const TarnSchema *schema = tarn_table_metadata_current_schema(table->metadata);
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_GIB);
    tarn_base_buffer_string(&text, "create table ");
    tarn_catalog_name_write(table->name, &text);
    tarn_base_buffer_string(&text, " (");
    for (size_t i = 0; i < schema->field_count; i++) {
        tarn_base_buffer_string(&text, i > 0 ? ",\n    " : "\n    ");
        tarn_base_buffer_identifier(&text, tarn_base_text(schema->fields[i].name));
        tarn_base_buffer_byte(&text, ' ');
        tarn_table_type_to_sql(&schema->fields[i].type, &text);
        if (schema->fields[i].required) tarn_base_buffer_string(&text, " not null");
    }
    tarn_base_buffer_string(&text, "\n);\n");
    tarn_cli__sink_text(&cli->out, tarn_base_buffer_view(&text));
    tarn_base_buffer_dispose(&text);
    tarn_catalog_table_release(table);
    return true;
}

static bool do_include(TarnCliShell *shell, const char *argument, TarnError *error) {
    TarnText script;
    if (argument == NULL) return tarn_base_error_set(error, TARN_E_USAGE, "\\i needs a file");
    return tarn_cli__sql_read(shell->lake->cli, argument, argument, &script, error) &&
           tarn_cli__sql_script(shell->lake, script, argument, shell->as_of, error);
}

static bool do_quit(TarnCliShell *shell, const char *argument, TarnError *error) {
    (void)argument;
    (void)error;
    shell->quit = true;
    return true;
}

static bool do_help(TarnCliShell *shell, const char *argument, TarnError *error);

static const struct {
    const char *name;
    const char *argument;
    const char *help;
    Action action;
} actions[] = {
    {"\\d", "[TABLE]", "the tables and views, or one of them", do_describe},
    {"\\dt", "[ZONE]", "the tables and views", do_list},
    {"\\l", "", "the zones", do_zones},
    {"\\dn", "", "the zones and namespaces", do_namespaces},
    {".tables", "[ZONE]", "the tables and views", do_list},
    {".schema", "TABLE", "the table as a CREATE TABLE statement", do_schema},
    {"\\i", "FILE", "run a script", do_include},
    {".read", "FILE", "run a script", do_include},
    {".mode", "MODE", "table, json, ndjson, csv or md", do_mode},
    {".maxrows", "N", "show at most N rows of a table; 0 shows all", do_rows},
    {"\\x", "[on|off]", "one line a value", do_expanded},
    {"\\timing", "[on|off]", "how long each statement took", do_timing},
    {"\\?", "", "this list", do_help},
    {".help", "", "this list", do_help},
    {"\\q", "", "leave; so do Ctrl-D, .quit, exit and quit", do_quit},
    {".quit", "", "leave", do_quit},
    {".exit", "", "leave", do_quit},
};
#define ACTION_COUNT (sizeof(actions) / sizeof(actions[0]))

static bool do_help(TarnCliShell *shell, const char *argument, TarnError *error) {
    (void)argument;
    (void)error;
    TarnCliSink *out = &shell->lake->cli->out;
    tarn_cli__sink_string(out, "A statement ends with a semicolon. Ctrl-C ends what runs.\n\n");
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        tarn_cli__sink_printf(out, "  %-9s %-9s %s\n", actions[i].name, actions[i].argument,
                              actions[i].help);
    }
    return true;
}

bool tarn_cli__shell_command(TarnCliShell *shell, const char *line, TarnError *error) {
    TarnText rest;
    TarnText name = tarn_base_text_split(tarn_base_text(line), ' ', &rest);
    rest = tarn_base_text_trim(rest.data != NULL ? rest : TARN_TEXT(""));
    if (tarn_base_text_ends(rest, ";")) rest.size--;
    if (rest.size == 0 && tarn_base_text_ends(name, ";")) name.size--;
    TarnArena *arena = &shell->lake->cli->arena;
    const char *argument = rest.size > 0 ? tarn_base_text_string(arena, rest) : NULL;
    const char *names[ACTION_COUNT];
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        names[i] = actions[i].name;
        if (tarn_base_text_is(name, names[i])) return actions[i].action(shell, argument, error);
    }
    const char *wanted = tarn_base_text_string(arena, name);
    if (wanted == NULL) return tarn_base_arena_check(arena, error);
    tarn_base_error_set(error, TARN_E_USAGE, "the shell has no command \"%s\"", wanted);
    const char *nearest = tarn_base_text_nearest(wanted, names, ACTION_COUNT);
    if (nearest != NULL && strlen(wanted) > 2) {
        return tarn_base_error_hint(error, "did you mean \"%s\"? (\\? lists them)", nearest);
    }
    return tarn_base_error_hint(error, "\\? lists them");
}
