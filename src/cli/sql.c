/* tarn sql and tarn head: statements and scripts. The shell is in shell.c.
 */
#include <string.h>

#include "base/limits.h"
#include "cli/handlers_private.h"
#include "cli/lake_private.h"
#include "cli/progress_private.h"
#include "cli/result_private.h"
#include "cli/shell_private.h"
#include "cli/sql_private.h"

/* One statement, from its text to its last row. */
bool tarn_cli__sql_run(TarnCliLake *lake, TarnText text, const TarnRunOptions *options,
                       TarnError *error) {
    TarnQuery *query;
    TarnStatement *statement = NULL;
    TarnCliProgress progress;
    if (!tarn_cli__lake_query(lake, &query, error)) return false;
    tarn_cli__progress_begin(&progress, lake->cli, "running");
    TarnEngineWatch watch = {
        .progress = progress.on ? tarn_cli__progress_of_query : NULL, /* it costs the engine */
        .state = &progress,
        .timeout_ms = tarn_cli__value(&lake->cli->arguments, "timeout")->integer,
    };
    tarn_engine_session_watch(tarn_query_session(query), &watch);
    const TarnCliResultOptions result = {.progress = &progress};
    bool ok = tarn_query_run(query, text, options, &statement, error) &&
              tarn_cli__result_write(lake->cli, statement, &result, error);
    tarn_cli__progress_end(&progress);
    tarn_query_statement_free(statement);
    tarn_engine_session_watch(tarn_query_session(query), &(TarnEngineWatch){0});
    return ok;
}

/* An error's line is one of the script, so the line quoted must be too. */
static void quote_script(TarnText script, const char *file, TarnError *error) {
    bool ours = error->file[0] == '\0' || (file != NULL && strcmp(error->file, file) == 0);
    if (ours && error->line > 0) tarn_base_error_excerpt(error, script.data, script.size);
}

bool tarn_cli__sql_script(TarnCliLake *lake, TarnText script, const char *file, const char *as_of,
                          TarnError *error) {
    TarnCli *cli = lake->cli;
    TarnArena arena;
    TarnScriptPart *parts = NULL;
    size_t count = 0;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok = tarn_query_split(script, &arena, &parts, &count, error);
    if (!ok && file != NULL && error->file[0] == '\0' && error->line > 0) {
        tarn_base_error_place(error, file, error->line, error->column);
    }
    bool list = cli->format == TARN_CLI_JSON && count != 1;
    if (ok && list) tarn_cli__envelope_put(cli, TARN_TEXT("["));
    for (size_t i = 0; ok && i < count; i++) {
        const TarnRunOptions options = {.as_of = as_of, .file = file, .line = parts[i].line,
                                        .column = parts[i].column};
        if (list && i > 0) tarn_cli__envelope_put(cli, TARN_TEXT(","));
        size_t before = cli->envelope.data.size;
        bool streamed = cli->envelope.streamed;
        ok = tarn_os_interrupt_check(error) &&
             tarn_cli__sql_run(lake, parts[i].text, &options, error);
        /* a statement that failed before its first row has written nothing */
        if (!ok && list && i > 0 && cli->envelope.data.size == before &&
            cli->envelope.streamed == streamed) {
            tarn_cli__envelope_put(cli, TARN_TEXT("null"));
        }
        if (!ok) quote_script(script, file, error);
    }
    if (list && cli->envelope.begun) tarn_cli__envelope_put(cli, TARN_TEXT("]"));
    tarn_base_arena_dispose(&arena);
    return ok;
}

bool tarn_cli__sql_read(TarnCli *cli, const char *path, const char *shown, TarnText *script,
                        TarnError *error) {
    TarnOsFile *handle;
    if (!cli->os->file_open(cli->os, path, TARN_OS_READ_STREAM, &handle, error)) return false;
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_LIMIT_SQL_BYTES);
    bool ok = true;
    size_t got = 1;
    uint64_t offset = 0;
    while (ok && got > 0 && !text.failed) {
        char piece[8192];
        ok = tarn_os_interrupt_check(error) &&
             cli->os->file_read(cli->os, handle, offset, piece, sizeof(piece), &got, error);
        if (ok) tarn_base_buffer_append(&text, piece, got);
        offset += ok ? got : 0;
    }
    tarn_os_file_discard(cli->os, handle);
    if (ok && text.failed) {
        ok = tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED, "%s is longer than 16 MB", shown);
    }
    *script = (TarnText){tarn_base_arena_string_n(&cli->arena, text.data != NULL ? text.data : "",
                                                  text.size), text.size};
    tarn_base_buffer_dispose(&text);
    return ok && tarn_base_arena_check(&cli->arena, error);
}

/* The script and the name that errors give it. */
static bool read_script(TarnCli *cli, TarnText *script, const char **file, TarnError *error) {
    const char *command = tarn_cli__text(&cli->arguments, "command");
    const char *path = tarn_cli__text(&cli->arguments, "file");
    *file = NULL;
    if (command != NULL) {
        *script = tarn_base_text(command);
        if (script->size <= TARN_LIMIT_SQL_BYTES) return true;
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED, "the text is longer than 16 MB");
    }
    bool standard = path == NULL || strcmp(path, "-") == 0;
    *file = standard ? "standard input" : path;
    return tarn_cli__sql_read(cli, standard ? "/dev/stdin" : path, *file, script, error);
}

bool tarn_cli__sql(TarnCli *cli, TarnError *error) {
    const TarnCliArguments *arguments = &cli->arguments;
    const char *as_of = tarn_cli__text(arguments, "as-of");
    bool command = tarn_cli__value(arguments, "command")->given;
    bool file = tarn_cli__value(arguments, "file")->given;
    if (command && file) {
        return tarn_base_error_set(error, TARN_E_USAGE, "-c and -f contradict each other");
    }
    const char *branch = tarn_cli__text(arguments, "branch");
    if (branch != NULL && as_of != NULL) {
        return tarn_base_error_set(error, TARN_E_USAGE,
                                   "--branch and --as-of contradict each other");
    }
    TarnCliLake lake;
    TarnText script = {0};
    const char *name = NULL;
    bool shell = !command && !file && cli->in_terminal;
    cli->more_hint = "-o csv writes all";
    /* The script first: a file that is missing is said before a lake is opened. */
    bool ok = (shell || read_script(cli, &script, &name, error));
    lake = (TarnCliLake){0};
    ok = ok && tarn_cli__lake_open(cli, TARN_CLI_LAKE_WRITE, &lake, error);
    ok = ok && tarn_cli__lake_branch(&lake, branch, error);
    if (ok && shell) {
        ok = tarn_cli__shell(&lake, as_of, error);
    } else if (ok) {
        ok = tarn_cli__sql_script(&lake, script, name, as_of, error);
    }
    tarn_cli__lake_close(&lake);
    return ok;
}

bool tarn_cli__head(TarnCli *cli, TarnError *error) {
    TarnTableName name;
    if (!tarn_catalog_name_parse(tarn_base_text(cli->arguments.operands[0]), &cli->arena, &name,
                                 error)) {
        return false;
    }
    const char *sql = tarn_base_arena_printf(
        &cli->arena, "select * from %s limit %lld", tarn_catalog_name_text(name, &cli->arena),
        (long long)tarn_cli__value(&cli->arguments, "rows")->integer);
    if (!tarn_base_arena_check(&cli->arena, error)) return false;
    TarnCliLake lake;
    cli->rows_max = 0; /* how many was said already */
    bool ok = tarn_cli__lake_open(cli, TARN_CLI_LAKE_WRITE, &lake, error);
    if (ok) {
        const TarnRunOptions options = {.as_of = tarn_cli__text(&cli->arguments, "as-of")};
        ok = tarn_cli__sql_run(&lake, tarn_base_text(sql), &options, error);
        /* the text is ours: its place would only puzzle */
        if (!ok && error->file[0] == '\0') {
            error->line = error->column = 0;
            error->detail[0] = '\0';
        }
    }
    tarn_cli__lake_close(&lake);
    return ok;
}
