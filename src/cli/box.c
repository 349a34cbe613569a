/* Drawn tables: the first rows are kept and measured, then everything is drawn in those widths.
 *
 * Memory is bounded: after MEASURE_ROWS rows or MEASURE_BYTES the widths are fixed and later rows
 * are drawn as they come (a longer value then only bends its own line). On a terminal a table that
 * is too wide has its widest columns cut with "…"; if that is not enough, columns at the right
 * are left out and said to be. Nothing is ever cut in a pipe.
 */
#include "cli/box_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cli/width_private.h"

#define MEASURE_ROWS 10000
#define MEASURE_BYTES (64 * TARN_MIB)
/* A cut column keeps this many columns of the terminal, or it says nothing. */
#define CUT_MIN 8
#define CELL_EDGE 3 /* "│ " before and " " behind */

#define BAR "\xE2\x94\x82"       /* │ */
#define LINE "\xE2\x94\x80"      /* ─ */
#define ELLIPSIS "\xE2\x80\xA6"  /* … */

typedef struct Kept {
    TarnText text;
    bool null;
    bool right;
    const char *colour; /* of its row; NULL = none */
} Kept;

struct TarnCliBox {
    TarnCliBoxOptions options;
    const TarnCliColumn *columns;
    size_t column_count;
    size_t *shown; /* indexes of the columns that are drawn */
    size_t *widths; /* by position in shown */
    size_t shown_count;
    size_t left_out; /* columns that did not fit */
    TarnArena arena; /* of the kept rows */
    Kept *kept;
    size_t kept_rows;
    size_t kept_room;
    bool measured;
    uint64_t rows; /* given */
    uint64_t drawn;
    TarnBuffer line;
};

static void fail(TarnCliSink *sink) {
    sink->failed = true;
    tarn_base_error_set(&sink->error, TARN_E_OUT_OF_MEMORY, "out of memory");
}

TarnCliBox *tarn_cli__box_new(const TarnCliBoxOptions *options, const TarnCliColumn *columns,
                              size_t column_count) {
    TarnCliBox *box = calloc(1, sizeof(*box));
    if (box != NULL) {
        box->shown = calloc(column_count + 1, sizeof(*box->shown));
        box->widths = calloc(column_count + 1, sizeof(*box->widths));
    }
    if (box == NULL || box->shown == NULL || box->widths == NULL) {
        fail(options->sink);
        if (box != NULL) {
            free(box->shown);
            free(box->widths);
        }
        free(box);
        return NULL;
    }
    box->options = *options;
    box->columns = columns;
    box->column_count = column_count;
    for (size_t i = 0; i < column_count; i++) {
        if (columns[i].audience != TARN_CLI_FOR_PROGRAMS) box->shown[box->shown_count++] = i;
    }
    tarn_base_arena_init(&box->arena, 4 * MEASURE_BYTES);
    tarn_base_buffer_init(&box->line, TARN_GIB);
    return box;
}

/* --- measuring --- */

static size_t total_width(const TarnCliBox *box, size_t cap) {
    size_t total = 1;
    for (size_t i = 0; i < box->shown_count; i++) {
        total += (box->widths[i] < cap ? box->widths[i] : cap) + CELL_EDGE;
    }
    return total;
}

/* Makes the widths fit the terminal, leaving columns out at the right if it must be. */
static void fit(TarnCliBox *box) {
    size_t room = box->options.width;
    if (room == 0 || total_width(box, SIZE_MAX) <= room) return;
    size_t low = CUT_MIN;
    size_t high = room;
    while (low < high) { /* the largest cap that fits */
        size_t middle = (low + high + 1) / 2;
        if (total_width(box, middle) <= room) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    for (size_t i = 0; i < box->shown_count; i++) {
        if (box->widths[i] > low) box->widths[i] = low;
    }
    while (box->shown_count > 1 && total_width(box, SIZE_MAX) + 1 + CELL_EDGE > room &&
           (box->left_out > 0 || total_width(box, SIZE_MAX) > room)) {
        box->shown_count--;
        box->left_out++;
    }
}

static void measure(TarnCliBox *box) {
    for (size_t i = 0; i < box->shown_count; i++) {
        box->widths[i] = tarn_cli__width(tarn_base_text(box->columns[box->shown[i]].name));
        for (size_t row = 0; row < box->kept_rows; row++) {
            size_t width = tarn_cli__width(box->kept[row * box->column_count + box->shown[i]].text);
            if (width > box->widths[i]) box->widths[i] = width;
        }
    }
    fit(box);
}

/* --- drawing --- */

static void dim(TarnCliBox *box, bool on) {
    if (box->options.colour) {
        tarn_base_buffer_string(&box->line, on ? TARN_CLI_DIM : TARN_CLI_PLAIN);
    }
}

static void end_line(TarnCliBox *box) {
    tarn_base_buffer_string(&box->line, "\n");
    if (box->line.failed) fail(box->options.sink);
    tarn_cli__sink_text(box->options.sink, tarn_base_buffer_view(&box->line));
    tarn_base_buffer_clear(&box->line);
}

static void draw_edge(TarnCliBox *box, const char *left, const char *middle, const char *right) {
    dim(box, true);
    tarn_base_buffer_string(&box->line, left);
    size_t count = box->shown_count + (box->left_out > 0);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) tarn_base_buffer_string(&box->line, middle);
        size_t width = i < box->shown_count ? box->widths[i] : 1;
        for (size_t k = 0; k < width + 2; k++) tarn_base_buffer_string(&box->line, LINE);
    }
    tarn_base_buffer_string(&box->line, right);
    dim(box, false);
    end_line(box);
}

static void pad(TarnCliBox *box, size_t count) {
    for (size_t i = 0; i < count; i++) tarn_base_buffer_byte(&box->line, ' ');
}

/* Dim for what is no value, in the colour of its row else. */
static void begin_value(TarnCliBox *box, bool faint, const char *colour) {
    if (faint) dim(box, true);
    if (!faint && colour != NULL) tarn_base_buffer_string(&box->line, colour);
}

static void end_value(TarnCliBox *box, bool faint, const char *colour) {
    if (faint) dim(box, false);
    if (!faint && colour != NULL) tarn_base_buffer_string(&box->line, TARN_CLI_PLAIN);
}

static void draw_cell(TarnCliBox *box, TarnText text, size_t width, bool right, bool faint,
                      const char *colour) {
    dim(box, true);
    tarn_base_buffer_string(&box->line, BAR);
    dim(box, false);
    pad(box, 1);
    size_t limit = box->options.width == 0 ? SIZE_MAX : width;
    size_t own = tarn_cli__width(text);
    size_t before = right && own < width ? width - own : 0;
    pad(box, before);
    begin_value(box, faint, colour);
    size_t used = tarn_cli__width_show(text, limit, &box->line);
    end_value(box, faint, colour);
    pad(box, (used + before < width ? width - used - before : 0) + 1);
}

static void draw_bar_end(TarnCliBox *box) {
    if (box->left_out > 0) draw_cell(box, tarn_base_text(ELLIPSIS), 1, false, true, NULL);
    dim(box, true);
    tarn_base_buffer_string(&box->line, BAR);
    dim(box, false);
    end_line(box);
}

static void draw_header(TarnCliBox *box) {
    draw_edge(box, "\xE2\x94\x8C", "\xE2\x94\xAC", "\xE2\x94\x90"); /* ┌ ┬ ┐ */
    for (size_t i = 0; i < box->shown_count; i++) {
        const TarnCliColumn *column = &box->columns[box->shown[i]];
        draw_cell(box, tarn_base_text(column->name), box->widths[i], column->right, false,
                  NULL);
    }
    draw_bar_end(box);
    draw_edge(box, "\xE2\x94\x9C", "\xE2\x94\xBC", "\xE2\x94\xA4"); /* ├ ┼ ┤ */
}

static void draw_row(TarnCliBox *box, const Kept *row) {
    for (size_t i = 0; i < box->shown_count; i++) {
        const Kept *cell = &row[box->shown[i]];
        draw_cell(box, cell->text, box->widths[i], cell->right, cell->null, cell->colour);
    }
    draw_bar_end(box);
    box->drawn++;
}

static size_t widest_name(const TarnCliBox *box) {
    size_t widest = 0;
    for (size_t i = 0; i < box->shown_count; i++) {
        size_t width = tarn_cli__width(tarn_base_text(box->columns[box->shown[i]].name));
        if (width > widest) widest = width;
    }
    return widest;
}

static void draw_vertical(TarnCliBox *box, const Kept *row) {
    size_t names = widest_name(box);
    box->drawn++;
    if (box->options.footer) { /* a list: each row has its number */
        dim(box, true);
        tarn_base_buffer_printf(&box->line, LINE LINE "[ row %llu ]" LINE LINE,
                                (unsigned long long)box->drawn);
        dim(box, false);
        end_line(box);
    }
    size_t limit = SIZE_MAX;
    if (box->options.width > names + CELL_EDGE + CUT_MIN) {
        limit = box->options.width - names - CELL_EDGE;
    }
    for (size_t i = 0; i < box->shown_count; i++) {
        size_t used = tarn_cli__width_show(tarn_base_text(box->columns[box->shown[i]].name),
                                           SIZE_MAX, &box->line);
        pad(box, names - used + 1);
        dim(box, true);
        tarn_base_buffer_string(&box->line, BAR);
        dim(box, false);
        pad(box, 1);
        const Kept *cell = &row[box->shown[i]];
        begin_value(box, cell->null, cell->colour);
        tarn_cli__width_show(cell->text, limit, &box->line);
        end_value(box, cell->null, cell->colour);
        end_line(box);
    }
}

static void draw_one(TarnCliBox *box, const Kept *row) {
    if (box->options.vertical) {
        draw_vertical(box, row);
    } else {
        draw_row(box, row);
    }
}

static void draw_kept(TarnCliBox *box) {
    if (!box->measured && !box->options.vertical) {
        measure(box);
        draw_header(box);
    }
    box->measured = true;
    for (size_t i = 0; i < box->kept_rows; i++) draw_one(box, &box->kept[i * box->column_count]);
    box->kept_rows = 0;
    box->kept_room = 0;
    box->kept = NULL;
    tarn_base_arena_reset(&box->arena);
}

/* --- rows come in --- */

static bool make_room(TarnCliBox *box) {
    if (box->kept_rows < box->kept_room) return true;
    size_t room = box->kept_room == 0 ? 16 : box->kept_room * 2;
    Kept *kept = TARN_NEW_ARRAY(&box->arena, room * box->column_count + 1, Kept);
    if (kept == NULL) return false;
    if (box->kept_rows > 0) {
        memcpy(kept, box->kept, box->kept_rows * box->column_count * sizeof(*kept));
    }
    box->kept = kept;
    box->kept_room = room;
    return true;
}

void tarn_cli__box_put(TarnCliBox *box, const TarnCliCell *cells) {
    uint64_t max = box->options.rows_max;
    box->rows++;
    if (max > 0 && box->rows > max) return;
    if (!make_room(box)) {
        fail(box->options.sink);
        return;
    }
    Kept *row = &box->kept[box->kept_rows++ * box->column_count];
    bool coloured = box->options.colour && box->options.row_colour != NULL;
    const char *colour = coloured ? box->options.row_colour(cells) : NULL;
    for (size_t i = 0; i < box->column_count; i++) {
        const TarnCliCell *cell = &cells[i];
        row[i].right = cell->kind == TARN_CLI_CELL_NUMBER || box->columns[i].right;
        row[i].null = cell->kind == TARN_CLI_CELL_NULL;
        row[i].colour = colour;
        char human[TARN_TEXT_HUMAN_BYTES];
        TarnText text = tarn_cli__cell_shown(cell, human);
        if (row[i].null) text = TARN_TEXT("NULL");
        /* No more than could be shown; a cut character shows as one bad byte beyond the edge. */
        size_t most = box->options.width * 8 + 64;
        if (box->options.width > 0 && text.size > most) text.size = most;
        char *copy = tarn_base_arena_string_n(&box->arena, text.data != NULL ? text.data : "",
                                              text.size);
        row[i].text = (TarnText){copy != NULL ? copy : "", copy != NULL ? text.size : 0};
    }
    if (tarn_base_arena_failed(&box->arena)) fail(box->options.sink);
    if (box->measured || box->kept_rows >= MEASURE_ROWS || box->arena.used >= MEASURE_BYTES) {
        draw_kept(box);
    }
}

static void draw_footer(TarnCliBox *box, uint64_t more, bool at_least) {
    char text[TARN_TEXT_HUMAN_BYTES];
    uint64_t hidden = box->rows - box->drawn + more;
    dim(box, true);
    if (hidden > 0) {
        tarn_base_buffer_printf(&box->line, ELLIPSIS " %s%s more row%s",
                                at_least ? "at least " : "",
                                tarn_base_text_human_count(hidden, text), hidden == 1 ? "" : "s");
        if (box->options.more_hint != NULL) {
            tarn_base_buffer_printf(&box->line, " (%s)", box->options.more_hint);
        }
    } else {
        tarn_base_buffer_printf(&box->line, "%s row%s",
                                tarn_base_text_human_count(box->drawn, text),
                                box->drawn == 1 ? "" : "s");
    }
    if (box->left_out > 0) {
        tarn_base_buffer_printf(&box->line, ", %zu column%s not shown", box->left_out,
                                box->left_out == 1 ? "" : "s");
    }
    dim(box, false);
    end_line(box);
}

void tarn_cli__box_end(TarnCliBox *box, uint64_t more, bool at_least) {
    draw_kept(box);
    if (!box->options.vertical) {
        draw_edge(box, "\xE2\x94\x94", "\xE2\x94\xB4", "\xE2\x94\x98"); /* └ ┴ ┘ */
    }
    if (box->options.footer || more > 0) draw_footer(box, more, at_least);
    tarn_base_buffer_dispose(&box->line);
    tarn_base_arena_dispose(&box->arena);
    free(box->shown);
    free(box->widths);
    free(box);
}
