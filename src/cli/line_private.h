/* Lines from a person at a terminal: editing, history and completion where libedit is there. */
#ifndef TARN_CLI_LINE_PRIVATE_H
#define TARN_CLI_LINE_PRIVATE_H

#include "cli/lake_private.h"

typedef struct TarnCliLine TarnCliLine;

/* `before` is the statement so far without the line being typed, for columns of its tables. */
typedef struct TarnCliLineOptions {
    TarnCliLake *lake;
    const char *history; /* file; NULL = none */
    const TarnBuffer *before;
} TarnCliLineOptions;

bool tarn_cli__line_open(const TarnCliLineOptions *options, TarnCliLine **line,
                         TarnError *error) TARN_CHECKED;
void tarn_cli__line_close(TarnCliLine *line); /* NULL is fine */

typedef enum TarnCliLineEnd {
    TARN_CLI_LINE_READ,
    TARN_CLI_LINE_INTERRUPTED, /* Ctrl-C: what was typed is dropped */
    TARN_CLI_LINE_OVER         /* Ctrl-D, or the terminal is gone */
} TarnCliLineEnd;

/* Without its line end, appended to `out`. */
TarnCliLineEnd tarn_cli__line_read(TarnCliLine *line, const char *prompt, TarnBuffer *out);
/* Puts it into the history and its file. */
void tarn_cli__line_remember(TarnCliLine *line, TarnText statement);

/* Words that may stand where `word` begins: keywords, zones, tables, columns of the tables that
 * `text` names, each once, in order. In the arena. Pure but for the catalog; for tests. */
bool tarn_cli__line_words(TarnCliLake *lake, TarnText text, TarnText word, TarnArena *arena,
                          const char ***words, size_t *count, TarnError *error) TARN_CHECKED;

#endif
