/* CSV from anyone. The first two bytes choose dialect and size of pieces. */
#include "fuzz_source.h"

static TarnColumn columns[] = {
    {.name = "a", .type = {.kind = TARN_TYPE_INT}},
    {.name = "b", .type = {.kind = TARN_TYPE_STRING}},
    {.name = "c", .type = {.kind = TARN_TYPE_DECIMAL, .precision = 9, .scale = 2}},
    {.name = "d", .type = {.kind = TARN_TYPE_TIMESTAMPTZ}},
    {.name = "e", .type = {.kind = TARN_TYPE_DOUBLE}},
    {.name = "f", .type = {.kind = TARN_TYPE_DATE}},
};

static void infer_and_read(const char *path, const uint8_t *data, size_t size) {
    TarnArena arena;
    TarnSourceGuess guess;
    TarnError error = {0};
    tarn_base_arena_init(&arena, 256 * TARN_MIB);
    if (tarn_source_infer(tarn_os_posix(), path, TARN_FILE_CSV, TARN_COMPRESSION_NONE, NULL,
                          &arena, &guess, &error)) {
        TarnSourceOptions options = {.format = TARN_FILE_CSV, .csv = guess.csv,
                                     .columns = guess.columns,
                                     .column_count = guess.column_count, .slots = 1,
                                     .piece_bytes = 65536};
        FuzzReading reading = fuzz_read(path, &options, data, size, true);
        FUZZ_CHECK(reading.opened); /* what was inferred opens */
    } else {
        fuzz_check_refusal(&error, false);
    }
    tarn_base_arena_dispose(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    TarnSourceOptions options = {
        .format = TARN_FILE_CSV,
        .csv = {.delimiter = (data[0] & 1) != 0 ? ';' : ',',
                .quote = (data[0] & 2) != 0 ? '\0' : '"',
                .escape = (data[0] & 4) != 0 ? '\\' : '\0',
                .header = (data[0] & 8) == 0,
                .skip_lines = (data[0] >> 4) & 1},
        .columns = columns,
        .column_count = (data[0] & 32) != 0 ? 2 : sizeof(columns) / sizeof(columns[0]),
        .slots = 1,
        .missing_as_null = true,
        .refuse_extra_fields = (data[0] & 64) != 0};
    size_t piece_bytes = 1 + (size_t)data[1];
    const char *path = fuzz_file(data + 2, size - 2);
    fuzz_read_twice(path, options, piece_bytes, data + 2, size - 2);
    infer_and_read(path, data + 2, size - 2);
    return 0;
}
