/* Guessing at CSV: dialect, header, names, types, null markers; what is guessed reads. */
#include "source_test.h"

static const char *infer_bytes(TarnText content, const TarnCsvDialect *fixed,
                               TarnSourceGuess *guess) {
    const char *path = write_file("i.csv", content.data, content.size);
    tarn_base_error_clear(&failure);
    if (!tarn_source_infer(tarn_os_posix(), path, TARN_FILE_CSV, TARN_COMPRESSION_NONE, fixed,
                           &test_arena, guess, &failure)) {
        return failure.message;
    }
    return text_of_columns(guess->columns, guess->column_count);
}

/* The columns, and then that all of the file reads with them. */
static void check_guess(const char *file, int line, const char *content, const char *wanted) {
    TarnSourceGuess guess = {0};
    const char *got = infer_bytes(tarn_base_text(content), NULL, &guess);
    tap_string(file, line, content, got, wanted);
    TarnSourceOptions options = {.format = TARN_FILE_CSV, .csv = guess.csv, .slots = 1,
                                 .columns = guess.columns, .column_count = guess.column_count};
    (void)read_file(scratch_at(&scratch, "i.csv"), &options);
    tap_int(file, line, "rows refused", (int64_t)got_rejects, 0);
    tap_int(file, line, "rows", (int64_t)got_rows, (int64_t)guess.sampled_rows);
}
#define CHECK_GUESS(content, wanted) check_guess(__FILE__, __LINE__, content, wanted)

static void types(void) {
    CHECK_GUESS("a,b,c,d\n1,1.5,x,true\n2,-3,y,FALSE\n", "a long, b double, c string, d boolean");
    CHECK_GUESS("a,b,c,d\n2024-01-01,2024-01-01 10:00:00,2024-01-01T10:00:00Z,10:00:00\n",
                "a date, b timestamp, c timestamptz, d time");
    CHECK_GUESS("a\n2024-01-01\n2024-01-01 10:00:00\n", "a timestamp");
    CHECK_GUESS("a,b\n007,9223372036854775808\n008,1\n", "a string, b string");
    CHECK_GUESS("a,b\n0.12345678901234567890,1e5\n", "a string, b double");
    CHECK_GUESS("a,b\n0,0.5\n-1,-0\n", "a long, b double");
    CHECK_GUESS("a,b\n1,\n,x\n", "a long, b string");
    CHECK_GUESS("a,b\n\"1\",\"x\"\n", "a long, b string");
    CHECK_GUESS("a,b\n,\n,\n", "a string, b string"); /* nothing is known of them */
}

static void null_markers(void) {
    TarnSourceGuess guess;
    CHECK_GUESS("a,b,c\n1,NA,NA\nNA,x,y\n", "a long, b string, c string");
    const char *got = infer_bytes(TARN_TEXT("a,b\nNA,NA\n1,x\n"), NULL, &guess);
    CHECK_STRING(got, "a long, b string");
    CHECK_INT(guess.csv.typed_null_text_count, 1);
    CHECK_STRING(guess.csv.typed_null_texts[0], "NA");
    CHECK_GUESS("a\n1.5\nNaN\n\\N\n-\n", "a double");
}

static void headers(void) {
    TarnSourceGuess guess;
    CHECK_GUESS("1,x\n2,y\n", "column0 long, column1 string");
    CHECK_GUESS(",a\n1,x\n", "column0 long, a string");
    CHECK_GUESS("a,a,A,a_1\n1,2,3,4\n", "a long, a_1 long, A_2 long, a_1_1 long");
    CHECK_GUESS("\xEF\xBB\xBF" "a,b\r\n1,2\r\n", "a long, b long");
    CHECK_GUESS("name\nx\n", "name string");
    CHECK(strstr(infer_bytes(TARN_TEXT(""), NULL, &guess), "the file is empty") != NULL);
    CHECK_STRING(infer_bytes(TARN_TEXT("a,b"), NULL, &guess), "a string, b string");
    TarnBuffer wide;
    tarn_base_buffer_init(&wide, TARN_MIB);
    for (int i = 0; i < TARN_LIMIT_COLUMNS + 1; i++) tarn_base_buffer_string(&wide, "a,");
    (void)infer_bytes(tarn_base_buffer_view(&wide), NULL, &guess);
    CHECK_INT(failure.code, TARN_E_LIMIT_EXCEEDED);
    wide.size -= 6;
    CHECK(strncmp(infer_bytes(tarn_base_buffer_view(&wide), NULL, &guess),
                  "a string, a_1 string, a_2 string", 32) == 0);
    tarn_base_buffer_dispose(&wide);
}

static void dialects(void) {
    static const struct {
        const char *content;
        char delimiter;
    } files[] = {{"a;b\n1,5;x\n2,5;y\n", ';'}, {"a\tb\n1\tx, y\n", '\t'}, {"a|b\n1|2\n", '|'},
                 {"a,b\n\"x;y;z\",\"1;2;3\"\n", ','}, {"a\n1\n", ','}};
    TarnSourceGuess guess;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)infer_bytes(tarn_base_text(files[i].content), NULL, &guess);
        CHECK_INT(guess.csv.delimiter, files[i].delimiter);
    }
    TarnCsvDialect fixed = {.delimiter = ';', .quote = '"', .header = true, .skip_lines = 1,
                            .date_format = "%d.%m.%Y"};
    CHECK_STRING(infer_bytes(TARN_TEXT("made by x\na;b\n31.12.2023;1\n"), &fixed, &guess),
                 "a date, b long");
}

/* A wrong row among many must not make its columns text, nor a broken one hide the others. */
static void rows_of_a_wrong_width_say_nothing(void) {
    TarnSourceGuess guess;
    CHECK_STRING(infer_bytes(TARN_TEXT("a,b\n1,2\noops\n3,4\n\"x\n5,6\n"), NULL, &guess),
                 "a long, b long");
    CHECK_INT(guess.sampled_rows, 3);
}

/* Types that only the end of a large file tells. */
static void later_parts_are_looked_at(void) {
    TarnBuffer file;
    TarnSourceGuess guess;
    tarn_base_buffer_init(&file, 64 * TARN_MIB);
    tarn_base_buffer_string(&file, "a,b,c\n");
    for (int i = 0; file.size < 40 * TARN_MIB; i++) {
        bool late = file.size > 30 * TARN_MIB;
        tarn_base_buffer_printf(&file, "%d%s,%s,some text to fill the row\n", i, late ? ".5" : "",
                                late ? "NA" : "7");
    }
    const char *got = infer_bytes(tarn_base_buffer_view(&file), NULL, &guess);
    CHECK_STRING(got, "a double, b long, c string");
    CHECK_INT(guess.csv.typed_null_text_count, 1);
    tarn_base_buffer_dispose(&file);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    start_source();
    TAP_TEST(types);
    TAP_TEST(null_markers);
    TAP_TEST(headers);
    TAP_TEST(dialects);
    TAP_TEST(later_parts_are_looked_at);
    TAP_TEST(rows_of_a_wrong_width_say_nothing);
    return end_source();
}
