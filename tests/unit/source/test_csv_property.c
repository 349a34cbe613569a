/* Random tables written as CSV with random quoting, line ends and damage read back as they were:
 * in any number of threads, with pieces of any size, each row under its number and each damaged
 * one refused with exactly its bytes. The seed is printed; `prog NAME SEED` repeats one. */
#include "source_test.h"

static uint64_t state;

static uint32_t chance(uint32_t below) {
    state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t mixed = (state ^ (state >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    return (uint32_t)(((mixed ^ (mixed >> 27)) >> 16) % below);
}

typedef struct Table {
    TarnSourceOptions options;
    const char *newline;
    bool single_return;
    TarnBuffer file;
    TarnBuffer rows;    /* as read_file writes them */
    TarnBuffer rejects;
    uint64_t line;
    uint64_t row;
} Table;

static const char *const words[] = {
    "x", "", "a b", "lorem ipsum dolor sit amet", "\xC3\xA4\xE2\x82\xAC", "NULL", "0", " ", "\"",
    "\"\"", ",", ",,", "\n", "\r\n", "\n\n", "'", ";", "=", "\\", "a\"b", "a,b", "line\nline"};

static void random_text(TarnBuffer *out) {
    uint32_t parts = chance(8) == 0 ? chance(30) : chance(3);
    for (uint32_t i = 0; i <= parts; i++) {
        tarn_base_buffer_string(out, words[chance(sizeof(words) / sizeof(words[0]))]);
    }
}

static void put_quoted(Table *table, TarnText text) {
    char escape = table->options.csv.escape != '\0' ? table->options.csv.escape : '"';
    tarn_base_buffer_byte(&table->file, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"' || text.data[i] == escape) {
            tarn_base_buffer_byte(&table->file, (uint8_t)escape);
        }
        tarn_base_buffer_byte(&table->file, (uint8_t)text.data[i]);
    }
    tarn_base_buffer_byte(&table->file, '"');
}

/* Anything that must be quoted is, the rest by chance. */
static void put_text(Table *table, TarnText text) {
    bool must = text.size == 0 || text.data[0] == '"';
    for (size_t i = 0; i < text.size; i++) {
        must = must || strchr(",\n\r", text.data[i]) != NULL;
    }
    if (must || chance(3) == 0) {
        put_quoted(table, text);
    } else {
        tarn_base_buffer_text(&table->file, text);
    }
}

static uint64_t count_lines(const Table *table, size_t from) {
    uint64_t lines = 0;
    for (size_t i = from; i < table->file.size; i++) {
        lines += table->file.data[i] == (table->single_return ? '\r' : '\n');
    }
    return lines;
}

static void write_field(Table *table, const TarnColumn *column, TarnBuffer *row) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_MIB);
    if (chance(6) == 0) { /* null */
        tarn_base_buffer_string(row, "null");
    } else if (column->type.kind == TARN_TYPE_STRING) {
        random_text(&text);
        for (size_t i = 0; table->single_return && i < text.size; i++) {
            if (text.data[i] == '\n') text.data[i] = '.'; /* else it would be the newline */
        }
        put_text(table, tarn_base_buffer_view(&text));
        tarn_base_buffer_byte(row, '\'');
        write_bytes(tarn_base_buffer_view(&text).data, text.size, row);
        tarn_base_buffer_byte(row, '\'');
    } else {
        tarn_base_buffer_printf(&text, "%d", (int)chance(2000000) - 1000000);
        if (column->type.kind == TARN_TYPE_DECIMAL) {
            tarn_base_buffer_printf(&text, ".%02u", chance(100));
        }
        put_text(table, tarn_base_buffer_view(&text));
        tarn_base_buffer_text(row, tarn_base_buffer_view(&text));
    }
    tarn_base_buffer_dispose(&text);
}

static void add_reject(Table *table, size_t start, uint64_t line, const char *reason) {
    tarn_base_buffer_printf(&table->rejects, "! row %llu line %llu at %zu [",
                            (unsigned long long)table->row, (unsigned long long)line, start);
    write_bytes(table->file.data + start, table->file.size - start, &table->rejects);
    tarn_base_buffer_printf(&table->rejects, "] %s\n", reason);
}

/* A row; one in fifteen is damaged in a way that is known by its reason. */
static void write_row(Table *table) {
    TarnBuffer row;
    size_t start = table->file.size;
    uint32_t damage = chance(15);
    tarn_base_buffer_init(&row, TARN_MIB);
    table->row++;
    tarn_base_buffer_printf(&row, "%llu: ", (unsigned long long)table->row);
    size_t count = table->options.column_count;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) tarn_base_buffer_byte(&table->file, ',');
        if (i > 0) tarn_base_buffer_byte(&row, '|');
        if (damage == 0 && i == 0) {
            tarn_base_buffer_string(&table->file, "oops");
        } else if (i == 0) { /* never null: a row of one null would be a blank line */
            tarn_base_buffer_printf(&table->file, "%u", (unsigned)table->row);
            tarn_base_buffer_printf(&row, "%u", (unsigned)table->row);
        } else {
            write_field(table, &table->options.columns[i], &row);
        }
    }
    if (damage == 1) tarn_base_buffer_string(&table->file, ",x");
    if (damage == 2) tarn_base_buffer_string(&table->file, ",\"x\"y");
    tarn_base_buffer_string(&table->file, table->newline);
    uint64_t line = table->line;
    table->line += count_lines(table, start);
    char width[80];
    snprintf(width, sizeof(width), "the row has %zu fields, the header has %zu", count + 1, count);
    if (damage == 0) {
        add_reject(table, start, line, "column \"c0\": \"oops\" is not of that type (int)");
    } else if (damage == 1) {
        add_reject(table, start, line, width);
    } else if (damage == 2) {
        add_reject(table, start, line, table->line - line > 1 ? "(several lines)"
                                                              : "text follows a closing quote");
    } else {
        tarn_base_buffer_text(&table->rows, tarn_base_buffer_view(&row));
        tarn_base_buffer_byte(&table->rows, '\n');
    }
    tarn_base_buffer_dispose(&row);
}

static void make_table(Table *table) {
    static const char *const schemas[] = {
        "c0 int", "c0 int, c1 string", "c0 int, c1 string, c2 long, c3 decimal(12,2)",
        "c0 int, c1 string, c2 string, c3 string, c4 string, c5 long"};
    static const char *const newlines[] = {"\n", "\r\n", "\r"};
    *table = (Table){.options = {.format = TARN_FILE_CSV,
                                 .csv = {.delimiter = ',', .quote = '"', .header = true}},
                     .line = 1};
    uint32_t newline = chance(3);
    table->newline = newlines[newline];
    table->single_return = newline == 2;
    if (chance(4) == 0) table->options.csv.escape = '\\';
    table->options.columns = columns_of(schemas[chance(4)], &table->options.column_count);
    tarn_base_buffer_init(&table->file, 64 * TARN_MIB);
    tarn_base_buffer_init(&table->rows, 64 * TARN_MIB);
    tarn_base_buffer_init(&table->rejects, 64 * TARN_MIB);
    if (chance(4) == 0) tarn_base_buffer_string(&table->file, "\xEF\xBB\xBF");
    for (size_t i = 0; i < table->options.column_count; i++) {
        tarn_base_buffer_printf(&table->file, "%s%s", i > 0 ? "," : "",
                                table->options.columns[i].name);
    }
    tarn_base_buffer_string(&table->file, table->newline);
    table->line++;
    uint32_t rows = 1 + chance(chance(10) == 0 ? 3000 : 60);
    for (uint32_t i = 0; i < rows; i++) {
        bool blank = chance(20) == 0;
        if (blank) tarn_base_buffer_string(&table->file, table->newline);
        table->line += blank;
        write_row(table);
    }
}

static bool check_table(Table *table, const char *path) {
    const char *got = read_file(path, &table->options);
    tarn_base_buffer_text(&table->rows, tarn_base_buffer_view(&table->rejects));
    table->rejects.size = 0;
    CHECK_INT(got_rows + got_rejects, table->row);
    bool same = tarn_base_text_is(tarn_base_buffer_view(&table->rows), got);
    if (same) return true;
    size_t at = 0;
    while (got[at] != '\0' && got[at] == table->rows.data[at]) at++;
    while (at > 0 && got[at - 1] != '\n') at--;
    printf("# pieces of %zu bytes, %u slots: got\n#   %.300s\n# expected\n#   %.300s\n",
           table->options.piece_bytes, table->options.slots, got + at, table->rows.data + at);
    return false;
}

static uint64_t only_seed;

static void tables_read_back_as_they_were(void) {
    uint64_t rounds = only_seed != 0 ? 1 : 600;
    for (uint64_t round = 0; round < rounds; round++) {
        uint64_t seed = only_seed != 0 ? only_seed : round + 1;
        Table table;
        state = seed;
        tarn_base_arena_reset(&test_arena);
        make_table(&table);
        const char *path = write_file("p.csv", table.file.data, table.file.size);
        bool same = strstr(table.rejects.data != NULL ? table.rejects.data : "",
                           "(several lines)") != NULL; /* judged by the tests of such lines */
        for (int i = 0; i < 4 && !same; i++) {
            table.options.slots = 1 + chance(4);
            table.options.piece_bytes = i == 0 ? 0 : 1 + chance(i == 1 ? 40 : 4000);
            if (!check_table(&table, path)) {
                printf("# seed %llu\n", (unsigned long long)seed);
                tap_fail(__FILE__, __LINE__, "a table came back changed");
                break;
            }
        }
        tarn_base_buffer_dispose(&table.file);
        tarn_base_buffer_dispose(&table.rows);
        tarn_base_buffer_dispose(&table.rejects);
    }
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    if (argc > 2) only_seed = strtoull(argv[2], NULL, 10);
    start_source();
    TAP_TEST(tables_read_back_as_they_were);
    return end_source();
}
