/* One line of progress on a terminal, after a second of work. */
#ifndef TARN_CLI_PROGRESS_PRIVATE_H
#define TARN_CLI_PROGRESS_PRIVATE_H

#include <stdatomic.h>

#include "cli/cli_private.h"
#include "flow/load.h"

typedef struct TarnCliProgress {
    TarnCli *cli;
    const char *label; /* "loading" */
    bool on;           /* there is a terminal and it is wanted */
    int64_t started_us;
    int64_t drawn_us;
    bool visible;
    atomic_flag busy; /* callbacks come from several threads: one draws, the others go on */
} TarnCliProgress;

void tarn_cli__progress_begin(TarnCliProgress *progress, TarnCli *cli, const char *label);
/* Any thread. `part` is 0..1, or below 0 while it is not known; `detail` may be "". */
void tarn_cli__progress_update(TarnCliProgress *progress, double part, const char *detail);
/* Takes the line away; no callbacks may come after it. */
void tarn_cli__progress_end(TarnCliProgress *progress);

/* The shapes that rooms call back with; state = the TarnCliProgress. */
void tarn_cli__progress_of_load(void *state, const TarnLoadProgress *load);
void tarn_cli__progress_of_query(void *state, double percent, uint64_t rows_done,
                                 uint64_t rows_total);

/* The line itself, for tests: bar, percent, detail and time left, at most `columns` wide. */
void tarn_cli__progress_line(const char *label, double part, const char *detail, double seconds,
                             size_t columns, TarnBuffer *out);

#endif
