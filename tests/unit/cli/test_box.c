/* Rows drawn as tables and written as csv, md and JSON; widths; sinks; progress. */
#include "base/limits.h"
#include "cli/box_private.h"
#include "cli/progress_private.h"
#include "cli/width_private.h"
#include "tap.h"

typedef struct Drawing {
    TarnCliSink sink;
    TarnBuffer text;
    TarnCliBox *box;
} Drawing;

static const TarnCliColumn two[] = {{.name = "name"}, {.name = "rows", .right = true}};

static void begin(Drawing *drawing, TarnCliBoxOptions options, const TarnCliColumn *columns,
                  size_t count) {
    tarn_base_buffer_init(&drawing->text, 16 * TARN_MIB);
    tarn_cli__sink_open_memory(&drawing->sink, &drawing->text);
    options.sink = &drawing->sink;
    drawing->box = tarn_cli__box_new(&options, columns, count);
}

static void put(Drawing *drawing, const char *name, const char *rows) {
    const TarnCliCell cells[] = {tarn_cli__cell_text(name), tarn_cli__cell_text(rows)};
    tarn_cli__box_put(drawing->box, cells);
}

static void end(Drawing *drawing) {
    tarn_cli__box_end(drawing->box, 0, false);
    CHECK(!drawing->sink.failed);
}

static void boxes_fit_what_is_in_them(void) {
    Drawing drawing;
    begin(&drawing, (TarnCliBoxOptions){0}, two, 2);
    put(&drawing, "raw.t", "12");
    put(&drawing, NULL, "3");
    end(&drawing);
    CHECK_STRING(drawing.text.data, "┌───────┬──────┐\n"
                                    "│ name  │ rows │\n"
                                    "├───────┼──────┤\n"
                                    "│ raw.t │   12 │\n"
                                    "│ NULL  │    3 │\n"
                                    "└───────┴──────┘\n");
    tarn_base_buffer_dispose(&drawing.text);
}

static void wide_characters_take_two_columns(void) {
    Drawing drawing;
    begin(&drawing, (TarnCliBoxOptions){0}, two, 2);
    put(&drawing, "日本", "1");
    put(&drawing, "e\xCC\x81", "2"); /* e and a combining accent */
    put(&drawing, "a\x1b[31m\nb", "3");
    end(&drawing);
    CHECK(strstr(drawing.text.data, "│ 日本         │    1 │\n") != NULL);
    CHECK(strstr(drawing.text.data, "│ e\xCC\x81            │    2 │\n") != NULL);
    CHECK(strstr(drawing.text.data, "│ a\\x1b[31m\\nb │    3 │\n") != NULL);
    tarn_base_buffer_dispose(&drawing.text);
}

static void check_no_line_is_wider(const TarnBuffer *text, size_t columns) {
    TarnText rest = tarn_base_buffer_view(text);
    while (rest.size > 0) {
        TarnText line = tarn_base_text_split(rest, '\n', &rest);
        CHECK(tarn_cli__width(line) <= columns);
    }
}

static void tables_are_cut_to_the_terminal(void) {
    for (size_t width = 27; width < 60; width++) { /* below, the foot is wider */
        Drawing drawing;
        begin(&drawing, (TarnCliBoxOptions){.width = width, .footer = true}, two, 2);
        put(&drawing, "a value that is much too long for this terminal", "123456789");
        put(&drawing, "日本語の長い文字列です。これは切られます", "1");
        end(&drawing);
        check_no_line_is_wider(&drawing.text, width);
        CHECK(strstr(drawing.text.data, "…") != NULL);
        tarn_base_buffer_dispose(&drawing.text);
    }
}

static void columns_that_do_not_fit_are_told(void) {
    static TarnCliColumn many[40];
    TarnCliCell cells[40];
    for (size_t i = 0; i < 40; i++) {
        many[i].name = "a_long_column_name";
        cells[i] = tarn_cli__cell_text("a value of some length");
    }
    Drawing drawing;
    begin(&drawing, (TarnCliBoxOptions){.width = 80, .footer = true}, many, 40);
    tarn_cli__box_put(drawing.box, cells);
    end(&drawing);
    check_no_line_is_wider(&drawing.text, 80);
    CHECK(strstr(drawing.text.data, "columns not shown") != NULL);
    tarn_base_buffer_dispose(&drawing.text);
}

static void rows_beyond_the_limit_are_counted(void) {
    Drawing drawing;
    begin(&drawing,
          (TarnCliBoxOptions){.rows_max = 2, .footer = true, .more_hint = "ask for more"}, two, 2);
    for (int i = 0; i < 1236; i++) put(&drawing, "x", "1");
    end(&drawing);
    CHECK(strstr(drawing.text.data, "… 1,234 more rows (ask for more)\n") != NULL);
    tarn_base_buffer_dispose(&drawing.text);
}

static void long_tables_stream(void) {
    Drawing drawing;
    begin(&drawing, (TarnCliBoxOptions){0}, two, 2);
    for (int i = 0; i < 10000; i++) put(&drawing, "x", "1");
    size_t before = drawing.text.size;
    CHECK(before > 0); /* drawn without waiting for the end */
    put(&drawing, "wider than what was measured", "1");
    CHECK(drawing.text.size > before);
    end(&drawing);
    CHECK(strstr(drawing.text.data, "│ wider than what was measured │    1 │\n") != NULL);
    tarn_base_buffer_dispose(&drawing.text);
}

static void vertical_rows(void) {
    Drawing drawing;
    begin(&drawing, (TarnCliBoxOptions){.vertical = true}, two, 2);
    put(&drawing, "raw.t", NULL);
    end(&drawing);
    CHECK_STRING(drawing.text.data, "name │ raw.t\nrows │ NULL\n");
    tarn_base_buffer_dispose(&drawing.text);
}

static void no_colour_unless_asked(void) {
    Drawing drawing;
    begin(&drawing, (TarnCliBoxOptions){.colour = true}, two, 2);
    put(&drawing, NULL, "1");
    end(&drawing);
    CHECK(strstr(drawing.text.data, TARN_CLI_DIM "NULL" TARN_CLI_PLAIN) != NULL);
    tarn_base_buffer_dispose(&drawing.text);
}

static const char *red_if_gone(const TarnCliCell *cells) {
    return tarn_base_text_is(cells[0].text, "gone") ? TARN_CLI_RED : TARN_CLI_GREEN;
}

static void rows_have_colours_of_their_own(void) {
    Drawing drawing;
    begin(&drawing, (TarnCliBoxOptions){.colour = true, .row_colour = red_if_gone}, two, 2);
    put(&drawing, "gone", "1");
    put(&drawing, "come", NULL);
    end(&drawing);
    CHECK(strstr(drawing.text.data, TARN_CLI_RED "gone" TARN_CLI_PLAIN) != NULL);
    CHECK(strstr(drawing.text.data, TARN_CLI_RED "1" TARN_CLI_PLAIN) != NULL);
    CHECK(strstr(drawing.text.data, TARN_CLI_GREEN "come" TARN_CLI_PLAIN) != NULL);
    CHECK(strstr(drawing.text.data, TARN_CLI_DIM "NULL" TARN_CLI_PLAIN) != NULL);
    tarn_base_buffer_dispose(&drawing.text);
    begin(&drawing, (TarnCliBoxOptions){.row_colour = red_if_gone}, two, 2);
    put(&drawing, "gone", "1");
    end(&drawing);
    CHECK(strstr(drawing.text.data, TARN_CLI_RED) == NULL);
    tarn_base_buffer_dispose(&drawing.text);
}

static void write_as(TarnCliFormat format, const char *wanted) {
    static const TarnCliColumn columns[] = {
        {.name = "a"}, {.name = "b|c", .right = true},
        {.name = "seen", .audience = TARN_CLI_FOR_PEOPLE}};
    TarnBuffer text;
    TarnCli cli = {.format = format};
    tarn_base_buffer_init(&text, TARN_MIB);
    tarn_cli__sink_open_memory(&cli.out, &text);
    TarnCliRows rows;
    tarn_cli__rows_begin(&cli, columns, 3, TARN_CLI_MANY, &rows);
    const TarnCliCell first[] = {tarn_cli__cell_text("x,\"y\"\n|"),
                                 {.kind = TARN_CLI_CELL_NUMBER, .text = TARN_TEXT("7")},
                                 tarn_cli__cell_text("people")};
    const TarnCliCell second[] = {tarn_cli__cell_text(""), tarn_cli__cell_null(),
                                  tarn_cli__cell_text("people")};
    tarn_cli__rows_put(&rows, first);
    tarn_cli__rows_put(&rows, second);
    tarn_cli__rows_end(&rows, 0, false);
    if (format == TARN_CLI_JSON) tarn_cli__envelope_end(&cli, NULL);
    CHECK_STRING(text.data, wanted);
    tarn_base_buffer_dispose(&text);
}

static void every_form_escapes(void) {
    write_as(TARN_CLI_CSV, "a,b|c\n\"x,\"\"y\"\"\n|\",7\n\"\",\n");
    write_as(TARN_CLI_MD, "| a | b\\|c |\n|---|---:|\n| x,\"y\"<br>\\| | 7 |\n|  |  |\n");
    write_as(TARN_CLI_NDJSON,
             "{\"a\":\"x,\\\"y\\\"\\n|\",\"b|c\":7}\n{\"a\":\"\",\"b|c\":null}\n");
    write_as(TARN_CLI_JSON, "{\"ok\":true,\"data\":[{\"a\":\"x,\\\"y\\\"\\n|\",\"b|c\":7},"
                            "{\"a\":\"\",\"b|c\":null}]}\n");
}

static void large_answers_stay_one_object(void) {
    TarnBuffer text;
    TarnCli cli = {.format = TARN_CLI_JSON};
    tarn_base_buffer_init(&text, 64 * TARN_MIB);
    tarn_cli__sink_open_memory(&cli.out, &text);
    char piece[4096];
    memset(piece, ' ', sizeof(piece));
    tarn_cli__envelope_put(&cli, TARN_TEXT("[1"));
    for (int i = 0; i < 4000; i++) tarn_cli__envelope_put(&cli, (TarnText){piece, sizeof(piece)});
    CHECK(text.size > TARN_MIB); /* it did not wait for the end */
    tarn_cli__envelope_put(&cli, TARN_TEXT("]"));
    TarnError error = {.code = TARN_E_IO, .message = "late"};
    tarn_cli__envelope_end(&cli, &error);
    TarnArena arena;
    TarnJson *root;
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    REQUIRE_OK(tarn_base_json_parse(tarn_base_buffer_view(&text), "answer", &arena, &root, &error),
               &error);
    bool ok = true;
    CHECK(tarn_base_json_bool(tarn_base_json_member(root, "ok"), &ok) && !ok);
    CHECK_STRING(tarn_base_json_string(
                     tarn_base_json_member(tarn_base_json_member(root, "error"), "code"), &arena),
                 "IO");
    tarn_base_arena_dispose(&arena);
    tarn_base_buffer_dispose(&text);
}

static void errors_cannot_steer_the_terminal(void) {
    TarnBuffer text;
    TarnCliSink sink;
    tarn_base_buffer_init(&text, TARN_MIB);
    tarn_cli__sink_open_memory(&sink, &text);
    TarnError error = {.code = TARN_E_IO, .file = "a.sql", .line = 7, .column = 12};
    snprintf(error.message, sizeof(error.message), "bad \x1b[2J name");
    snprintf(error.detail, sizeof(error.detail), "7 | from x\n  |      ^");
    snprintf(error.hint, sizeof(error.hint), "look");
    tarn_cli__error_write(&error, false, &sink);
    CHECK_STRING(text.data, "error: a.sql:7:12: bad ?[2J name\n"
                            "  7 | from x\n"
                            "    |      ^\n"
                            "hint: look\n");
    tarn_base_buffer_dispose(&text);
}

static void progress_lines(void) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_MIB);
    tarn_cli__progress_line("loading", 0.5, "1,000 rows, 5 MB/s", 10, 200, &text);
    CHECK(strstr(text.data, "loading ████████████░░░░░░░░░░░░  50 %, 1,000 rows") != NULL);
    CHECK(strstr(text.data, ", 10 s left") != NULL);
    for (size_t columns = 0; columns < 80; columns++) {
        tarn_base_buffer_clear(&text);
        tarn_cli__progress_line("loading", 2, "x", 100000, columns, &text);
        CHECK(tarn_cli__width(tarn_base_buffer_view(&text)) <= columns);
    }
    tarn_base_buffer_clear(&text);
    tarn_cli__progress_line("running", -1, "", 3, 80, &text);
    CHECK_STRING(text.data, "running 3 s");
    tarn_base_buffer_dispose(&text);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    tarn_cli__width_setup();
    TAP_TEST(boxes_fit_what_is_in_them);
    TAP_TEST(wide_characters_take_two_columns);
    TAP_TEST(tables_are_cut_to_the_terminal);
    TAP_TEST(columns_that_do_not_fit_are_told);
    TAP_TEST(rows_beyond_the_limit_are_counted);
    TAP_TEST(long_tables_stream);
    TAP_TEST(vertical_rows);
    TAP_TEST(no_colour_unless_asked);
    TAP_TEST(rows_have_colours_of_their_own);
    TAP_TEST(every_form_escapes);
    TAP_TEST(large_answers_stay_one_object);
    TAP_TEST(errors_cannot_steer_the_terminal);
    TAP_TEST(progress_lines);
    return tap_end();
}
