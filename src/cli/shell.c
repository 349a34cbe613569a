/* The shell: lines become statements, statements run, errors are told and the shell goes on.
 *
 * Ctrl-C drops the line being typed or ends the statement that runs, never the shell. Each
 * statement's memory is its own. Results longer than the screen go through the pager.
 */
#include "cli/shell_private.h"

#include <ctype.h>
#include <string.h>

#include "base/limits.h"
#include "cli/line_private.h"
#include "cli/pager_private.h"
#include "cli/sql_private.h"

/* --- what is open at the end of a text --- */

static size_t skip_quoted(TarnText text, size_t at, char quote, bool *closed) {
    *closed = false;
    for (at++; at < text.size; at++) {
        if (text.data[at] != quote) continue;
        *closed = true; /* a doubled quote opens the next piece at once */
        return at + 1;
    }
    return at;
}

static size_t skip_comment(TarnText text, size_t at, bool *closed) {
    size_t depth = 1; /* they nest, as in PostgreSQL */
    for (at += 2; at + 1 < text.size && depth > 0; at++) {
        if (text.data[at] == '/' && text.data[at + 1] == '*') {
            depth++;
            at++;
        } else if (text.data[at] == '*' && text.data[at + 1] == '/') {
            depth--;
            at++;
        }
    }
    *closed = depth == 0;
    return *closed ? at : text.size;
}

/* At a '$': the end of $tag$..$tag$, or `at` if it is none. */
static size_t skip_dollar(TarnText text, size_t at, bool *closed) {
    size_t tag = at + 1;
    *closed = true;
    if (at > 0 && (isalnum((unsigned char)text.data[at - 1]) || text.data[at - 1] == '_')) {
        return at; /* inside of a name: orders$quarantine */
    }
    while (tag < text.size && (isalnum((unsigned char)text.data[tag]) || text.data[tag] == '_')) {
        tag++;
    }
    if (tag >= text.size || text.data[tag] != '$' || isdigit((unsigned char)text.data[at + 1])) {
        return at;
    }
    size_t size = tag + 1 - at;
    for (size_t i = tag + 1; i + size <= text.size; i++) {
        if (memcmp(text.data + i, text.data + at, size) == 0) return i + size;
    }
    *closed = false;
    return text.size;
}

TarnCliOpen tarn_cli__shell_scan(TarnText text) {
    TarnCliOpen open = TARN_CLI_OPEN_NOTHING;
    size_t at = 0;
    while (at < text.size) {
        char c = text.data[at];
        char next = at + 1 < text.size ? text.data[at + 1] : '\0';
        bool closed = true;
        if (c == '-' && next == '-') {
            while (at < text.size && text.data[at] != '\n') at++;
            continue;
        }
        if (c == '/' && next == '*') {
            at = skip_comment(text, at, &closed);
            if (!closed) return TARN_CLI_OPEN_COMMENT;
            continue;
        }
        if (c == '\'' || c == '"') {
            at = skip_quoted(text, at, c, &closed);
            if (!closed) return c == '"' ? TARN_CLI_OPEN_NAME : TARN_CLI_OPEN_STRING;
            open = TARN_CLI_OPEN_STATEMENT;
            continue;
        }
        if (c == '$') {
            size_t end = skip_dollar(text, at, &closed);
            if (!closed) return TARN_CLI_OPEN_DOLLAR;
            open = TARN_CLI_OPEN_STATEMENT;
            at = end > at ? end : at + 1;
            continue;
        }
        if (c == ';') {
            open = TARN_CLI_OPEN_NOTHING;
        } else if (!isspace((unsigned char)c)) {
            open = TARN_CLI_OPEN_STATEMENT;
        }
        at++;
    }
    return open;
}

/* --- running --- */

/* With --json each statement's answer is an object of its own. */
static void end_answer(TarnCli *cli, const TarnError *error) {
    if (cli->format != TARN_CLI_JSON) return;
    tarn_cli__envelope_end(cli, error);
    cli->envelope = (TarnCliEnvelope){0};
}

static void tell_failure(TarnCli *cli, TarnError *error) {
    if (error->code == TARN_E_INTERRUPTED || tarn_os_interrupted()) {
        tarn_os_interrupt_clear();
        if (error->hint[0] == '\0') tarn_base_error_hint(error, "\\q leaves the shell");
    }
    tarn_cli__error_write(error, cli->colour_err, &cli->err);
    tarn_cli__sink_flush(&cli->err);
}

static void run_text(TarnCliShell *shell, TarnText text) {
    TarnCli *cli = shell->lake->cli;
    TarnCliPager pager;
    TarnError error = {0};
    int64_t start = cli->os->monotonic_us(cli->os);
    tarn_cli__pager_begin(&pager, cli);
    bool ok = tarn_cli__sql_script(shell->lake, text, NULL, shell->as_of, &error);
    end_answer(cli, ok ? NULL : &error);
    tarn_cli__pager_end(&pager);
    if (!ok) tell_failure(cli, &error);
    if (shell->timing) {
        tarn_cli__say(cli, "%.3f s", (double)(cli->os->monotonic_us(cli->os) - start) / 1e6);
    }
}

static void run_command(TarnCliShell *shell, const char *line) {
    TarnCli *cli = shell->lake->cli;
    TarnCliPager pager;
    TarnError error = {0};
    tarn_cli__pager_begin(&pager, cli);
    bool ok = tarn_cli__shell_command(shell, line, &error);
    if (cli->envelope.begun) end_answer(cli, ok ? NULL : &error);
    tarn_cli__pager_end(&pager);
    if (!ok) tell_failure(cli, &error);
}

static const char *choose_prompt(TarnText text) {
    switch (tarn_cli__shell_scan(text)) {
    case TARN_CLI_OPEN_NOTHING: return "tarn> ";
    case TARN_CLI_OPEN_STRING: return "   '> ";
    case TARN_CLI_OPEN_NAME: return "   \"> ";
    case TARN_CLI_OPEN_DOLLAR: return "   $> ";
    case TARN_CLI_OPEN_COMMENT: return "   *> ";
    case TARN_CLI_OPEN_STATEMENT: break;
    }
    return "   -> ";
}

static bool is_command(const TarnBuffer *statement, TarnText line) {
    return statement->size == 0 && line.size > 1 &&
           (line.data[0] == '\\' ||
            (line.data[0] == '.' && isalpha((unsigned char)line.data[1])));
}

static void take_line(TarnCliShell *shell, TarnCliLine *reader, TarnBuffer *statement,
                      const TarnBuffer *line) {
    TarnText text = tarn_base_text_trim(tarn_base_buffer_view(line));
    if (is_command(statement, text)) {
        tarn_cli__line_remember(reader, text);
        char *copy = tarn_base_arena_string_n(&shell->lake->cli->arena, text.data, text.size);
        if (copy != NULL) run_command(shell, copy);
        return;
    }
    static const char *const ends[] = {"exit", "quit", "exit;", "quit;"};
    for (size_t i = 0; statement->size == 0 && i < sizeof(ends) / sizeof(ends[0]); i++) {
        shell->quit = shell->quit || tarn_base_text_is(text, ends[i]);
    }
    if (shell->quit || (statement->size == 0 && text.size == 0)) return;
    tarn_base_buffer_text(statement, tarn_base_buffer_view(line));
    tarn_base_buffer_byte(statement, '\n');
    if (statement->failed) {
        tarn_cli__warn(shell->lake->cli, "the statement is longer than 16 MB and was dropped");
        tarn_base_buffer_clear(statement);
        return;
    }
    if (tarn_cli__shell_scan(tarn_base_buffer_view(statement)) != TARN_CLI_OPEN_NOTHING) return;
    tarn_cli__line_remember(reader, tarn_base_buffer_view(statement));
    run_text(shell, tarn_base_buffer_view(statement));
    tarn_base_buffer_clear(statement);
}

bool tarn_cli__shell(TarnCliLake *lake, const char *as_of, TarnError *error) {
    TarnCli *cli = lake->cli;
    TarnCliShell shell = {.lake = lake, .as_of = as_of};
    TarnBuffer statement;
    TarnBuffer line;
    TarnCliLine *reader;
    tarn_base_buffer_init(&statement, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_init(&line, TARN_LIMIT_SQL_BYTES);
    const TarnCliLineOptions options = {
        .lake = lake,
        .history = tarn_base_arena_printf(&cli->arena, "%s/.tarn/history", lake->config->folder),
        .before = &statement,
    };
    if (!tarn_cli__line_open(&options, &reader, error)) return false;
    cli->more_hint = ".maxrows 0 shows all";
    tarn_cli__say(cli,
                  "tarn " TARN_VERSION ", lake %s. \\? lists the shell's commands, \\q leaves.",
                  lake->config->name);
    while (!shell.quit && !tarn_cli__sink_done(&cli->out)) {
        tarn_base_buffer_clear(&line);
        TarnCliLineEnd end = tarn_cli__line_read(
            reader, choose_prompt(tarn_base_buffer_view(&statement)), &line);
        if (end == TARN_CLI_LINE_OVER) break;
        if (end == TARN_CLI_LINE_INTERRUPTED) {
            tarn_cli__sink_string(&cli->err, "^C\n");
            tarn_cli__sink_flush(&cli->err);
            tarn_base_buffer_clear(&statement);
            continue;
        }
        take_line(&shell, reader, &statement, &line);
    }
    tarn_cli__line_close(reader);
    tarn_base_buffer_dispose(&line);
    tarn_base_buffer_dispose(&statement);
    cli->format = TARN_CLI_TABLE; /* every statement has had its own answer */
    return true;
}
