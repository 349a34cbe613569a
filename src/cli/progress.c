/* Progress on standard error: a bar, how fast, how long still. Nothing in a pipe, nothing in the
 * first second, and at most ten times a second, so that it never slows the work it shows.
 */
#include "cli/progress_private.h"

#include <stdio.h>
#include <string.h>

#include "cli/width_private.h"

#define FIRST_US 1000000
#define EVERY_US 100000
#define BAR_CELLS 24
#define LINE_BYTES 1024
#define FULL "\xE2\x96\x88"  /* █ */
#define EMPTY "\xE2\x96\x91" /* ░ */
#define CLEAR_LINE "\r\x1b[K"

void tarn_cli__progress_begin(TarnCliProgress *progress, TarnCli *cli, const char *label) {
    *progress = (TarnCliProgress){.cli = cli, .label = label, .busy = ATOMIC_FLAG_INIT};
    progress->on = cli->err_terminal.is_terminal && !cli->quiet;
    progress->started_us = cli->os->monotonic_us(cli->os);
}

static void put_left(TarnBuffer *out, double part, double seconds) {
    if (part < 0.01 || part >= 1) return;
    double left = seconds * (1 - part) / part;
    if (left >= 3600) {
        tarn_base_buffer_printf(out, ", %.0f h %.0f min left", left / 3600 - 0.5,
                                (left - (double)(int)(left / 3600) * 3600) / 60);
    } else if (left >= 90) {
        tarn_base_buffer_printf(out, ", %.0f min left", left / 60);
    } else {
        tarn_base_buffer_printf(out, ", %.0f s left", left);
    }
}

void tarn_cli__progress_line(const char *label, double part, const char *detail, double seconds,
                             size_t columns, TarnBuffer *out) {
    TarnBuffer line;
    tarn_base_buffer_init(&line, LINE_BYTES);
    tarn_base_buffer_printf(&line, "%s ", label);
    if (part > 1) part = 1;
    if (part >= 0) {
        for (int i = 0; i < BAR_CELLS; i++) {
            tarn_base_buffer_string(&line, i < (int)(part * BAR_CELLS + 0.5) ? FULL : EMPTY);
        }
        tarn_base_buffer_printf(&line, " %3.0f %%", part * 100);
    } else {
        tarn_base_buffer_printf(&line, "%.0f s", seconds);
    }
    if (detail[0] != '\0') tarn_base_buffer_printf(&line, ", %s", detail);
    if (part >= 0) put_left(&line, part, seconds);
    tarn_cli__width_show(tarn_base_buffer_view(&line), columns, out);
    tarn_base_buffer_dispose(&line);
}

void tarn_cli__progress_update(TarnCliProgress *progress, double part, const char *detail) {
    if (!progress->on || atomic_flag_test_and_set(&progress->busy)) return;
    const TarnOs *os = progress->cli->os;
    int64_t now = os->monotonic_us(os);
    if (now - progress->started_us >= FIRST_US && now - progress->drawn_us >= EVERY_US) {
        size_t columns = progress->cli->err_terminal.columns;
        TarnBuffer line;
        tarn_base_buffer_init(&line, LINE_BYTES);
        tarn_cli__progress_line(progress->label, part, detail,
                                (double)(now - progress->started_us) / 1e6,
                                columns > 1 ? columns - 1 : 79, &line);
        tarn_cli__sink_string(&progress->cli->err, CLEAR_LINE);
        tarn_cli__sink_text(&progress->cli->err, tarn_base_buffer_view(&line));
        tarn_cli__sink_flush(&progress->cli->err);
        tarn_base_buffer_dispose(&line);
        progress->drawn_us = now;
        progress->visible = true;
    }
    atomic_flag_clear(&progress->busy);
}

void tarn_cli__progress_end(TarnCliProgress *progress) {
    if (progress->visible) {
        tarn_cli__sink_string(&progress->cli->err, CLEAR_LINE);
        tarn_cli__sink_flush(&progress->cli->err);
    }
    progress->visible = false;
    progress->on = false;
}

void tarn_cli__progress_of_load(void *state, const TarnLoadProgress *load) {
    TarnCliProgress *progress = state;
    if (!progress->on) return;
    const TarnOs *os = progress->cli->os;
    double seconds = (double)(os->monotonic_us(os) - progress->started_us) / 1e6;
    double part = load->bytes_total > 0 ? (double)load->bytes / (double)load->bytes_total : -1;
    char rows[TARN_TEXT_HUMAN_BYTES];
    char rate[TARN_TEXT_HUMAN_BYTES];
    char detail[256];
    double bytes = seconds > 0 ? (double)load->bytes / seconds : 0;
    snprintf(detail, sizeof(detail), "%s rows, %s/s", tarn_base_text_human_count(load->rows, rows),
             tarn_base_text_human_bytes((uint64_t)bytes, rate));
    tarn_cli__progress_update(progress, part, detail);
}

void tarn_cli__progress_of_query(void *state, double percent, uint64_t rows_done,
                                 uint64_t rows_total) {
    TarnCliProgress *progress = state;
    if (!progress->on) return;
    char rows[TARN_TEXT_HUMAN_BYTES];
    char detail[128] = "";
    if (rows_total > 0) {
        snprintf(detail, sizeof(detail), "%s rows", tarn_base_text_human_count(rows_done, rows));
    }
    tarn_cli__progress_update(progress, percent < 0 ? -1 : percent / 100, detail);
}
