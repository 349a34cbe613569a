/* Reading lines at a terminal, through libedit (BSD licence) where the program was built with it,
 * else as the terminal itself gives them.
 *
 * Characters are read here, not by libedit: Ctrl-C only sets a flag in this program, and a wait
 * that ends by it must give the line up instead of asking again.
 */
#include "cli/line_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"

#define LINE_ARENA_BYTES (64 * TARN_MIB)

#ifdef TARN_HAVE_LIBEDIT

#include <ctype.h>
#include <histedit.h>
#include <strings.h>

#define HISTORY_LINES 2000
#define LISTED_MAX 60

struct TarnCliLine {
    TarnCliLineOptions options;
    EditLine *edit;
    History *history;
    const char *prompt;
};

static char *give_prompt(EditLine *edit) {
    static char none[] = "";
    static char shown[64];
    TarnCliLine *line = NULL;
    if (el_get(edit, EL_CLIENTDATA, &line) != 0 || line == NULL) return none;
    snprintf(shown, sizeof(shown), "%s", line->prompt);
    return shown;
}

/* One byte of the terminal: 1, 0 at the end, -1 when interrupted. */
static int read_byte(unsigned char *byte) {
    for (;;) {
        if (tarn_os_interrupted()) {
            errno = EINTR;
            return -1;
        }
        ssize_t got = read(STDIN_FILENO, byte, 1);
        if (got < 0 && errno == EINTR) continue; /* a resized window; Ctrl-C shows above */
        return got < 0 ? 0 : (int)got;
    }
}

static int read_character(EditLine *edit, wchar_t *out) {
    (void)edit;
    char bytes[4];
    size_t size = 0;
    for (;;) {
        unsigned char byte;
        int got = read_byte(&byte);
        if (got <= 0) return got;
        bytes[size++] = (char)byte;
        size_t offset = 0;
        int32_t c = tarn_base_text_utf8_next((TarnText){bytes, size}, &offset);
        if (c >= 0) {
            *out = (wchar_t)c;
            return 1;
        }
        size_t wanted = (unsigned char)bytes[0] >= 0xF0   ? 4
                        : (unsigned char)bytes[0] >= 0xE0 ? 3
                        : (unsigned char)bytes[0] >= 0xC0 ? 2
                                                          : 1;
        if (size >= wanted) size = 0; /* no UTF-8: dropped */
    }
}

/* --- completion --- */

static size_t word_start(const char *text, size_t at) {
    while (at > 0 && (isalnum((unsigned char)text[at - 1]) || (text[at - 1] & 0x80) != 0 ||
                      strchr("_$.\"", text[at - 1]) != NULL)) {
        at--;
    }
    return at;
}

static void list_words(const char **words, size_t count) {
    fputc('\n', stdout);
    for (size_t i = 0; i < count && i < LISTED_MAX; i++) {
        fprintf(stdout, "%s%s", i > 0 ? "   " : "", words[i]);
    }
    if (count > LISTED_MAX) fprintf(stdout, "   ... %zu more", count - LISTED_MAX);
    fputc('\n', stdout);
}

static size_t common_prefix(const char **words, size_t count) {
    size_t size = strlen(words[0]);
    for (size_t i = 1; i < count; i++) {
        while (size > 0 && strncasecmp(words[0], words[i], size) != 0) size--;
    }
    while (size > 0 && (words[0][size] & 0xC0) == 0x80) size--; /* a whole character */
    return size;
}

static unsigned char complete_words(TarnCliLine *line, EditLine *edit, TarnArena *arena) {
    const LineInfo *info = el_line(edit);
    size_t at = (size_t)(info->cursor - info->buffer);
    size_t start = word_start(info->buffer, at);
    const char **words;
    size_t count;
    TarnError ignored;
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_text(&text, tarn_base_buffer_view(line->options.before));
    tarn_base_buffer_byte(&text, ' ');
    tarn_base_buffer_append(&text, info->buffer, (size_t)(info->lastchar - info->buffer));
    const char *typed = tarn_base_arena_string_n(arena, info->buffer + start, at - start);
    bool ok = typed != NULL &&
              tarn_cli__line_words(line->options.lake, tarn_base_buffer_view(&text),
                                   tarn_base_text(typed), arena, &words, &count, &ignored);
    tarn_base_buffer_dispose(&text);
    if (!ok || count == 0) return CC_ERROR;
    size_t prefix = common_prefix(words, count);
    if (prefix > at - start || (count == 1 && prefix == at - start)) {
        /* the candidate's own spelling replaces what was typed */
        char *insert = tarn_base_arena_printf(
            arena, "%.*s%s", (int)prefix, words[0],
            count == 1 && words[0][prefix - 1] != '(' && words[0][prefix - 1] != '.' ? " " : "");
        if (insert == NULL) return CC_ERROR;
        el_deletestr(edit, (int)tarn_base_text_utf8_count(tarn_base_text(typed)));
        return el_insertstr(edit, insert) == 0 ? CC_REFRESH : CC_ERROR;
    }
    list_words(words, count);
    return CC_REDISPLAY;
}

static unsigned char complete(EditLine *edit, int key) {
    (void)key;
    TarnCliLine *line = NULL;
    if (el_get(edit, EL_CLIENTDATA, &line) != 0 || line == NULL) return CC_ERROR;
    TarnArena arena;
    tarn_base_arena_init(&arena, LINE_ARENA_BYTES);
    unsigned char answer = complete_words(line, edit, &arena);
    tarn_base_arena_dispose(&arena);
    return answer;
}

/* --- opening and reading --- */

static bool open_history(TarnCliLine *line) {
    HistEvent event;
    line->history = history_init();
    if (line->history == NULL) return false;
    history(line->history, &event, H_SETSIZE, HISTORY_LINES);
    history(line->history, &event, H_SETUNIQUE, 1);
    if (line->options.history != NULL) {
        history(line->history, &event, H_LOAD, line->options.history); /* missing is fine */
    }
    return true;
}

static void save_history(TarnCliLine *line) {
    HistEvent event;
    if (line->options.history != NULL) {
        history(line->history, &event, H_SAVE, line->options.history);
    }
}

bool tarn_cli__line_open(const TarnCliLineOptions *options, TarnCliLine **out, TarnError *error) {
    TarnCliLine *line = calloc(1, sizeof(*line));
    *out = line;
    if (line == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    line->options = *options;
    FILE *shown = options->lake->cli->out_terminal.is_terminal ? stdout : stderr;
    line->edit = el_init("tarn", stdin, shown, stderr);
    if (line->edit == NULL || !open_history(line)) {
        tarn_cli__line_close(line);
        *out = NULL;
        return tarn_base_error_set(error, TARN_E_IO, "could not set the terminal up for editing");
    }
    el_set(line->edit, EL_CLIENTDATA, line);
    el_set(line->edit, EL_PROMPT, give_prompt);
    el_set(line->edit, EL_EDITOR, "emacs");
    el_set(line->edit, EL_GETCFN, read_character);
    el_set(line->edit, EL_HIST, history, line->history);
    el_set(line->edit, EL_ADDFN, "tarn-complete", "complete the word", complete);
    el_set(line->edit, EL_BIND, "^I", "tarn-complete", NULL);
    el_set(line->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(line->edit, NULL); /* ~/.editrc */
    return true;
}

void tarn_cli__line_close(TarnCliLine *line) {
    if (line == NULL) return;
    if (line->edit != NULL) el_end(line->edit);
    if (line->history != NULL) history_end(line->history);
    free(line);
}

TarnCliLineEnd tarn_cli__line_read(TarnCliLine *line, const char *prompt, TarnBuffer *out) {
    int count = 0;
    line->prompt = prompt;
    el_resize(line->edit);
    const char *text = el_gets(line->edit, &count);
    if (tarn_os_interrupted()) {
        tarn_os_interrupt_clear();
        el_reset(line->edit);
        return TARN_CLI_LINE_INTERRUPTED;
    }
    if (text == NULL || count <= 0) return TARN_CLI_LINE_OVER;
    size_t size = (size_t)count;
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r')) size--;
    tarn_base_buffer_append(out, text, size);
    return TARN_CLI_LINE_READ;
}

void tarn_cli__line_remember(TarnCliLine *line, TarnText statement) {
    HistEvent event;
    statement = tarn_base_text_trim(statement);
    if (statement.size == 0 || statement.size > TARN_MIB) return;
    char *copy = malloc(statement.size + 1);
    if (copy == NULL) return;
    memcpy(copy, statement.data, statement.size);
    copy[statement.size] = '\0';
    /* One line is easier to edit again; a comment to the line's end needs its line end. */
    bool one_line = strstr(copy, "--") == NULL;
    for (char *c = copy; *c != '\0' && one_line; c++) {
        if (*c == '\n') *c = ' ';
    }
    history(line->history, &event, H_ENTER, copy);
    free(copy);
    save_history(line); /* now: a window that is closed takes the process with it */
}

#else

struct TarnCliLine {
    TarnCli *cli;
};

bool tarn_cli__line_open(const TarnCliLineOptions *options, TarnCliLine **out, TarnError *error) {
    *out = calloc(1, sizeof(**out));
    if (*out == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    (*out)->cli = options->lake->cli;
    return true;
}

void tarn_cli__line_close(TarnCliLine *line) { free(line); }

TarnCliLineEnd tarn_cli__line_read(TarnCliLine *line, const char *prompt, TarnBuffer *out) {
    tarn_cli__sink_string(&line->cli->out, prompt);
    tarn_cli__sink_flush(&line->cli->out);
    for (;;) {
        char byte;
        if (tarn_os_interrupted()) {
            tarn_os_interrupt_clear();
            return TARN_CLI_LINE_INTERRUPTED;
        }
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return TARN_CLI_LINE_OVER;
        if (byte == '\n') return TARN_CLI_LINE_READ;
        tarn_base_buffer_append(out, &byte, 1);
    }
}

void tarn_cli__line_remember(TarnCliLine *line, TarnText statement) {
    (void)line;
    (void)statement;
}

#endif
