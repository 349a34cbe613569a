/* Rows in the forms of -o, but for the drawn table (box.c).
 */
#include "cli/rows_private.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/time.h"
#include "cli/box_private.h"

/* One row's text: a row of many fields of the largest size is refused before this. */
#define LINE_BYTES_MAX (1 * TARN_GIB)

static bool shown_to_programs(const TarnCliColumn *column) {
    return column->audience != TARN_CLI_FOR_PEOPLE;
}

/* --- csv --- */

static void put_csv_field(TarnBuffer *line, TarnText text) {
    bool quoted = text.size == 0;
    for (size_t i = 0; i < text.size && !quoted; i++) {
        quoted = strchr(",\"\r\n", text.data[i]) != NULL && text.data[i] != '\0';
    }
    /* leading and trailing spaces would be lost to readers that trim */
    quoted = quoted || text.data[0] == ' ' || text.data[text.size - 1] == ' ';
    if (quoted) {
        tarn_base_buffer_identifier(line, text); /* quotes and doubles quotes, as CSV does */
    } else {
        tarn_base_buffer_text(line, text);
    }
}

static void csv_header(TarnCliRows *rows) {
    bool first = true;
    for (size_t i = 0; i < rows->column_count; i++) {
        if (!shown_to_programs(&rows->columns[i])) continue;
        if (!first) tarn_base_buffer_byte(&rows->line, ',');
        first = false;
        put_csv_field(&rows->line, tarn_base_text(rows->columns[i].name));
    }
    tarn_base_buffer_string(&rows->line, "\n");
}

static void csv_row(TarnCliRows *rows, const TarnCliCell *cells) {
    bool first = true;
    for (size_t i = 0; i < rows->column_count; i++) {
        if (!shown_to_programs(&rows->columns[i])) continue;
        if (!first) tarn_base_buffer_byte(&rows->line, ',');
        first = false;
        if (cells[i].kind != TARN_CLI_CELL_NULL) put_csv_field(&rows->line, cells[i].text);
    }
    tarn_base_buffer_string(&rows->line, "\n");
}

/* --- markdown --- */

static void put_md_text(TarnBuffer *line, TarnText text) {
    for (size_t i = 0; i < text.size; i++) {
        switch (text.data[i]) {
        case '|': tarn_base_buffer_string(line, "\\|"); break;
        case '\\': tarn_base_buffer_string(line, "\\\\"); break;
        case '<': tarn_base_buffer_string(line, "&lt;"); break;
        case '\n': tarn_base_buffer_string(line, "<br>"); break;
        case '\r': break;
        default: tarn_base_buffer_byte(line, (uint8_t)text.data[i]);
        }
    }
}

static void md_header(TarnCliRows *rows) {
    for (int pass = 0; pass < 2; pass++) {
        tarn_base_buffer_string(&rows->line, "|");
        for (size_t i = 0; i < rows->column_count; i++) {
            if (!shown_to_programs(&rows->columns[i])) continue;
            if (pass == 0) {
                tarn_base_buffer_string(&rows->line, " ");
                put_md_text(&rows->line, tarn_base_text(rows->columns[i].name));
                tarn_base_buffer_string(&rows->line, " |");
            } else {
                tarn_base_buffer_string(&rows->line, rows->columns[i].right ? "---:|" : "---|");
            }
        }
        tarn_base_buffer_string(&rows->line, "\n");
    }
}

static void md_row(TarnCliRows *rows, const TarnCliCell *cells) {
    tarn_base_buffer_string(&rows->line, "|");
    for (size_t i = 0; i < rows->column_count; i++) {
        if (!shown_to_programs(&rows->columns[i])) continue;
        tarn_base_buffer_string(&rows->line, " ");
        if (cells[i].kind != TARN_CLI_CELL_NULL) put_md_text(&rows->line, cells[i].text);
        tarn_base_buffer_string(&rows->line, " |");
    }
    tarn_base_buffer_string(&rows->line, "\n");
}

/* --- JSON --- */

static void json_begin(TarnCliRows *rows) {
    TarnArena *arena = &rows->arena;
    TarnBuffer key;
    tarn_base_buffer_init(&key, LINE_BYTES_MAX);
    rows->keys = TARN_NEW_ARRAY(arena, rows->column_count, const char *);
    bool first = true;
    for (size_t i = 0; rows->keys != NULL && i < rows->column_count; i++) {
        if (!shown_to_programs(&rows->columns[i])) continue;
        tarn_base_buffer_clear(&key);
        tarn_base_buffer_byte(&key, first ? '{' : ',');
        first = false;
        tarn_base_json_quote(&key, tarn_base_text(rows->columns[i].name));
        tarn_base_buffer_byte(&key, ':');
        rows->keys[i] = tarn_base_buffer_keep(&key, arena);
    }
    tarn_base_buffer_dispose(&key);
    if (tarn_base_arena_failed(arena)) rows->line.failed = true;
}

static void json_row(TarnCliRows *rows, const TarnCliCell *cells) {
    TarnBuffer *line = &rows->line;
    bool any = false;
    for (size_t i = 0; i < rows->column_count && !line->failed; i++) {
        if (!shown_to_programs(&rows->columns[i])) continue;
        any = true;
        tarn_base_buffer_string(line, rows->keys[i]);
        switch (cells[i].kind) {
        case TARN_CLI_CELL_NULL: tarn_base_buffer_string(line, "null"); break;
        case TARN_CLI_CELL_TEXT: tarn_base_json_quote(line, cells[i].text); break;
        case TARN_CLI_CELL_NUMBER:
        case TARN_CLI_CELL_BOOL:
        case TARN_CLI_CELL_JSON: tarn_base_buffer_text(line, cells[i].text); break;
        }
    }
    tarn_base_buffer_string(line, any ? "}" : "{}");
}

/* --- the common part --- */

static void flush_line(TarnCliRows *rows) {
    TarnCli *cli = rows->cli;
    if (rows->line.failed) {
        cli->out.failed = true;
        tarn_base_error_set(&cli->out.error, TARN_E_LIMIT_EXCEEDED,
                            "a row is larger than a gigabyte as text");
        return;
    }
    if (rows->format == TARN_CLI_JSON) {
        tarn_cli__envelope_put(cli, tarn_base_buffer_view(&rows->line));
    } else {
        tarn_cli__sink_text(&cli->out, tarn_base_buffer_view(&rows->line));
    }
    tarn_base_buffer_clear(&rows->line);
}

static TarnCliBox *begin_box(TarnCliRows *rows) {
    TarnCli *cli = rows->cli;
    TarnCliBoxOptions options = {
        .sink = &cli->out,
        .width = cli->out_terminal.is_terminal ? cli->out_terminal.columns : 0,
        .colour = cli->colour_out,
        .vertical = cli->expanded || rows->shape == TARN_CLI_ONE,
        .row_colour = cli->row_colour,
        .rows_max = cli->out_terminal.is_terminal ? cli->rows_max : 0,
        .footer = cli->out_terminal.is_terminal && rows->shape == TARN_CLI_MANY,
        .more_hint = cli->more_hint,
    };
    return tarn_cli__box_new(&options, rows->columns, rows->column_count);
}

void tarn_cli__rows_begin(TarnCli *cli, const TarnCliColumn *columns, size_t count,
                          TarnCliShape shape, TarnCliRows *rows) {
    *rows = (TarnCliRows){.cli = cli, .format = cli->format, .shape = shape, .columns = columns,
                          .column_count = count};
    tarn_base_buffer_init(&rows->line, LINE_BYTES_MAX);
    tarn_base_arena_init(&rows->arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    if (rows->format == TARN_CLI_TABLE) rows->box = begin_box(rows);
    if (rows->format == TARN_CLI_JSON || rows->format == TARN_CLI_NDJSON) json_begin(rows);
    if (rows->format == TARN_CLI_CSV) csv_header(rows);
    if (rows->format == TARN_CLI_MD) md_header(rows);
    if (rows->format == TARN_CLI_JSON && shape == TARN_CLI_MANY) {
        tarn_base_buffer_byte(&rows->line, '[');
    }
    flush_line(rows);
}

void tarn_cli__rows_put(TarnCliRows *rows, const TarnCliCell *cells) {
    rows->count++;
    switch (rows->format) {
    case TARN_CLI_CSV: csv_row(rows, cells); break;
    case TARN_CLI_MD: md_row(rows, cells); break;
    case TARN_CLI_JSON:
        if (rows->count > 1) tarn_base_buffer_byte(&rows->line, ',');
        json_row(rows, cells);
        break;
    case TARN_CLI_NDJSON:
        json_row(rows, cells);
        tarn_base_buffer_byte(&rows->line, '\n');
        break;
    default:
        if (rows->box != NULL) tarn_cli__box_put(rows->box, cells);
        return;
    }
    flush_line(rows);
}

bool tarn_cli__rows_done(const TarnCliRows *rows) { return tarn_cli__sink_done(&rows->cli->out); }

void tarn_cli__rows_end(TarnCliRows *rows, uint64_t more, bool at_least) {
    if (rows->format == TARN_CLI_JSON && rows->shape == TARN_CLI_MANY) {
        tarn_base_buffer_byte(&rows->line, ']');
        flush_line(rows);
    }
    if (rows->box != NULL) tarn_cli__box_end(rows->box, more, at_least);
    rows->box = NULL;
    tarn_base_buffer_dispose(&rows->line);
    tarn_base_arena_dispose(&rows->arena);
}

/* --- cells --- */

static TarnText text_in(TarnArena *arena, const char *text) {
    char *copy = tarn_base_arena_string(arena, text);
    return copy != NULL ? tarn_base_text(copy) : TARN_TEXT("");
}

TarnCliCell tarn_cli__cell_id(TarnArena *arena, int64_t value) {
    if (value == INT64_MIN) return tarn_cli__cell_null();
    char text[TARN_TEXT_UINT64_BYTES + 1] = "-";
    size_t sign = value < 0;
    uint64_t amount = value < 0 ? (uint64_t)-value : (uint64_t)value;
    size_t size = sign + tarn_base_text_put_uint64(amount, 1, text + sign);
    char *copy = tarn_base_arena_string_n(arena, text, size);
    return (TarnCliCell){.kind = TARN_CLI_CELL_NUMBER,
                         .text = {copy != NULL ? copy : "", copy != NULL ? size : 0}};
}

TarnCliCell tarn_cli__cell_int64(TarnArena *arena, int64_t value) {
    TarnCliCell cell = tarn_cli__cell_id(arena, value);
    if (cell.kind == TARN_CLI_CELL_NULL || value < 0) return cell;
    cell.human = TARN_CLI_COUNT;
    cell.number = (uint64_t)value;
    return cell;
}

TarnCliCell tarn_cli__cell_count(TarnArena *arena, int64_t value) {
    return value < 0 ? tarn_cli__cell_null() : tarn_cli__cell_int64(arena, value);
}

TarnCliCell tarn_cli__cell_bytes(TarnArena *arena, int64_t value) {
    TarnCliCell cell = tarn_cli__cell_count(arena, value);
    if (cell.kind != TARN_CLI_CELL_NULL) cell.human = TARN_CLI_BYTES;
    return cell;
}

TarnText tarn_cli__cell_shown(const TarnCliCell *cell, char out[TARN_TEXT_HUMAN_BYTES]) {
    switch (cell->human) {
    case TARN_CLI_COUNT: return tarn_base_text(tarn_base_text_human_count(cell->number, out));
    case TARN_CLI_BYTES: return tarn_base_text(tarn_base_text_human_bytes(cell->number, out));
    case TARN_CLI_AS_IT_IS: break;
    }
    return cell->text;
}

TarnCliCell tarn_cli__cell_time_ms(TarnArena *arena, int64_t ms) {
    if (ms == INT64_MIN) return tarn_cli__cell_null();
    char text[TARN_TIME_TEXT_BYTES];
    return tarn_cli__cell_of(text_in(arena, tarn_base_time_format_ms(ms, text)));
}

TarnCliCell tarn_cli__cell_seconds(TarnArena *arena, double seconds) {
    char text[64];
    snprintf(text, sizeof(text), "%.3f", seconds);
    return (TarnCliCell){.kind = TARN_CLI_CELL_NUMBER, .text = text_in(arena, text)};
}

TarnCliCell tarn_cli__cell_buffer(TarnArena *arena, TarnBuffer *json) {
    char *copy = tarn_base_arena_string_n(arena, json->data != NULL ? json->data : "", json->size);
    TarnCliCell cell = copy != NULL && !json->failed
                           ? tarn_cli__cell_json((TarnText){copy, json->size})
                           : tarn_cli__cell_null();
    tarn_base_buffer_dispose(json);
    return cell;
}
