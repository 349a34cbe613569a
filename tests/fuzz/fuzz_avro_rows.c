/* Avro files from anyone, as rows: with the columns they have themselves, and with others. */
#include "fuzz_source.h"

static TarnColumn columns[] = {
    {.name = "a", .type = {.kind = TARN_TYPE_INT}},
    {.name = "b", .type = {.kind = TARN_TYPE_STRING}},
    {.name = "c", .type = {.kind = TARN_TYPE_DECIMAL, .precision = 9, .scale = 2}},
    {.name = "d", .type = {.kind = TARN_TYPE_TIMESTAMP}},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    TarnArena arena;
    TarnSourceGuess guess;
    TarnError error = {0};
    const char *path = fuzz_file(data, size);
    TarnSourceOptions options = {.format = TARN_FILE_AVRO, .columns = columns, .column_count = 4,
                                 .slots = 1, .missing_as_null = true};
    (void)fuzz_read(path, &options, data, size, false);
    tarn_base_arena_init(&arena, 256 * TARN_MIB);
    if (tarn_source_infer(tarn_os_posix(), path, TARN_FILE_AVRO, TARN_COMPRESSION_NONE, NULL,
                          &arena, &guess, &error)) {
        options.columns = guess.columns;
        options.column_count = guess.column_count;
        FuzzReading reading = fuzz_read(path, &options, data, size, false);
        FUZZ_CHECK(reading.opened);
    } else {
        fuzz_check_refusal(&error, false);
    }
    tarn_base_arena_dispose(&arena);
    return 0;
}
