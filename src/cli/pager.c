/* A pager for long results: the child reads a pipe; Ctrl-C belongs to it while it runs.
 */
#include "cli/pager_private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"

#define KEPT_BYTES (256 * TARN_MIB)

extern char **environ;

void tarn_cli__pager_begin(TarnCliPager *pager, TarnCli *cli) {
    pager->cli = cli;
    tarn_base_buffer_init(&pager->kept, KEPT_BYTES);
    tarn_cli__sink_flush(&cli->out);
    pager->out = cli->out;
    tarn_cli__sink_open_memory(&cli->out, &pager->kept);
}

static size_t count_lines(const TarnBuffer *text) {
    size_t lines = 0;
    for (size_t i = 0; i < text->size; i++) lines += text->data[i] == '\n';
    return lines;
}

/* `sh -c COMMAND`, reading from `fd`. */
static bool spawn(const char *command, int fd, pid_t *child) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    char shell[] = "sh";
    char flag[] = "-c";
    char *text = strdup(command);
    if (text == NULL) return false;
    char *const argv[] = {shell, flag, text, NULL};
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    int failed = posix_spawnp(child, shell, &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(text);
    return failed == 0;
}

/* false = nothing was shown. */
static bool page(const TarnBuffer *text, const char *command) {
    int ends[2];
    pid_t child;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    sigaction(SIGINT, &ignore, &before);
    bool ok = spawn(command, ends[0], &child);
    close(ends[0]);
    if (ok) {
        size_t at = 0;
        while (at < text->size) {
            ssize_t written = write(ends[1], text->data + at, text->size - at);
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) break; /* the reader left the pager: that is fine */
            at += (size_t)written;
        }
    }
    close(ends[1]);
    int status = 0;
    while (ok && waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    sigaction(SIGINT, &before, NULL);
    /* 127 = the shell found no such program */
    return ok && !(WIFEXITED(status) && WEXITSTATUS(status) == 127);
}

void tarn_cli__pager_end(TarnCliPager *pager) {
    TarnCli *cli = pager->cli;
    TarnError error = cli->out.error;
    bool failed = cli->out.failed;
    cli->out = pager->out;
    bool shown = false;
    size_t rows = cli->out_terminal.rows;
    if (cli->out_terminal.is_terminal && cli->in_terminal && rows > 0 &&
        count_lines(&pager->kept) + 1 > rows) {
        const char *command = cli->os->environment(cli->os, "PAGER");
        if (command == NULL || command[0] == '\0') command = "LESS=-FRSX less";
        shown = page(&pager->kept, command);
    }
    if (!shown) tarn_cli__sink_text(&cli->out, tarn_base_buffer_view(&pager->kept));
    tarn_cli__sink_flush(&cli->out);
    if (failed) tarn_cli__error_write(&error, cli->colour_err, &cli->err);
    tarn_base_buffer_dispose(&pager->kept);
}
