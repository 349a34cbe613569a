/* tarn secret set, ls, rm: the lake's secrets. A value comes from standard input or is asked for
 * without echo; it is never an argument, which other users of the machine could see, and it is
 * never shown. None of them opens the catalog, so they work before the lake does.
 */
#include <errno.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/handlers_private.h"
#include "cli/lake_private.h"
#include "cli/rows_private.h"
#include "flow/secrets.h"

/* Up to the end of the input, or of the line on a terminal. */
static bool read_input(bool one_line, TarnBuffer *value, TarnError *error) {
    for (;;) {
        char byte;
        if (!tarn_os_interrupt_check(error)) return false;
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            return tarn_base_error_set_errno(error, TARN_E_IO, errno,
                                             "could not read the secret from standard input");
        }
        if (got == 0 || (one_line && byte == '\n')) return true;
        tarn_base_buffer_byte(value, (uint8_t)byte);
        if (value->failed) {
            return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                       "a secret has at most %zu bytes", TARN_LIMIT_SECRET_BYTES);
        }
    }
}

static bool ask(TarnCli *cli, const char *name, TarnBuffer *value, TarnError *error) {
    struct termios before;
    tarn_cli__sink_printf(&cli->err, "value of %s (not shown): ", name);
    tarn_cli__sink_flush(&cli->err);
    if (tcgetattr(STDIN_FILENO, &before) != 0) {
        return tarn_base_error_set_errno(error, TARN_E_IO, errno, "could not set up the terminal");
    }
    struct termios quiet = before;
    quiet.c_lflag &= (tcflag_t)~ECHO;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) != 0) {
        return tarn_base_error_set_errno(error, TARN_E_IO, errno, "could not set up the terminal");
    }
    bool ok = read_input(true, value, error);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    tarn_cli__sink_printf(&cli->err, "\n");
    return ok;
}

/* What echo, printf and files put at the end does not belong to the value. */
static TarnText without_newline(const TarnBuffer *value) {
    TarnText text = tarn_base_buffer_view(value);
    if (tarn_base_text_ends(text, "\n")) text.size--;
    if (tarn_base_text_ends(text, "\r")) text.size--;
    return text;
}

bool tarn_cli__secret_set(TarnCli *cli, TarnError *error) {
    const char *name = tarn_cli__operand(&cli->arguments, 0);
    const char *folder;
    TarnBuffer value;
    if (!tarn_flow_secret_check_name(name, error) || !tarn_cli__lake_find(cli, &folder, error)) {
        return false;
    }
    tarn_base_buffer_init(&value, TARN_LIMIT_SECRET_BYTES + 2);
    bool ok = (cli->in_terminal ? ask(cli, name, &value, error)
                                : read_input(false, &value, error)) &&
              tarn_flow_secret_set(cli->os, folder, name, without_newline(&value), error);
    if (value.data != NULL) explicit_bzero(value.data, value.capacity);
    tarn_base_buffer_dispose(&value);
    if (ok) tarn_cli__say(cli, "secret %s is set: ${secret:%s} in tarn.yaml", name, name);
    return ok;
}

bool tarn_cli__secret_ls(TarnCli *cli, TarnError *error) {
    static const TarnCliColumn columns[] = {{.name = "name"}};
    const char *folder;
    const char **names = NULL;
    size_t count = 0;
    TarnCliRows rows;
    if (!tarn_cli__lake_find(cli, &folder, error) ||
        !tarn_flow_secret_list(cli->os, folder, &cli->arena, &names, &count, error)) {
        return false;
    }
    if (count == 0 && cli->format == TARN_CLI_TABLE) {
        tarn_cli__say(cli, "no secrets yet (tarn secret set NAME keeps one)");
        return true;
    }
    tarn_cli__rows_begin(cli, columns, 1, TARN_CLI_MANY, &rows);
    for (size_t i = 0; i < count; i++) {
        const TarnCliCell cell = tarn_cli__cell_text(names[i]);
        tarn_cli__rows_put(&rows, &cell);
    }
    tarn_cli__rows_end(&rows, 0, false);
    return true;
}

bool tarn_cli__secret_rm(TarnCli *cli, TarnError *error) {
    const char *name = tarn_cli__operand(&cli->arguments, 0);
    const char *folder;
    if (!tarn_cli__lake_find(cli, &folder, error) ||
        !tarn_flow_secret_remove(cli->os, folder, name, error)) {
        return false;
    }
    tarn_cli__say(cli, "secret %s is gone", name);
    return true;
}
