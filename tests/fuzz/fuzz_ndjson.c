/* NDJSON and JSON documents from anyone. The first two bytes choose which, and the size of pieces.
 * A single line is also shown to the tree parser: both must agree about what JSON is. */
#include "base/json.h"

#include "fuzz_source.h"

static TarnColumn fields[] = {
    {.name = "x", .type = {.kind = TARN_TYPE_INT}, .required = true},
    {.name = "y", .type = {.kind = TARN_TYPE_STRING}},
};
static TarnColumn element[] = {
    {.name = "element", .type = {.kind = TARN_TYPE_STRUCT}, .children = fields, .child_count = 2}};
static TarnColumn entry[] = {
    {.name = "key", .type = {.kind = TARN_TYPE_STRING}, .required = true},
    {.name = "value", .type = {.kind = TARN_TYPE_LONG}},
};
static TarnColumn columns[] = {
    {.name = "a", .type = {.kind = TARN_TYPE_LONG}},
    {.name = "b", .type = {.kind = TARN_TYPE_STRING}},
    {.name = "c", .type = {.kind = TARN_TYPE_DECIMAL, .precision = 9, .scale = 2}},
    {.name = "l", .type = {.kind = TARN_TYPE_LIST}, .children = element, .child_count = 1},
    {.name = "m", .type = {.kind = TARN_TYPE_MAP}, .children = entry, .child_count = 2},
    {.name = "z", .type = {.kind = TARN_TYPE_BINARY}},
};

static void infer_and_read(const char *path, TarnFileFormat format, const uint8_t *data,
                           size_t size) {
    TarnArena arena;
    TarnSourceGuess guess;
    TarnError error = {0};
    tarn_base_arena_init(&arena, 256 * TARN_MIB);
    if (tarn_source_infer(tarn_os_posix(), path, format, TARN_COMPRESSION_NONE, NULL, &arena,
                          &guess, &error)) {
        TarnSourceOptions options = {.format = format, .columns = guess.columns,
                                     .column_count = guess.column_count, .slots = 1,
                                     .piece_bytes = 65536};
        FuzzReading reading = fuzz_read(path, &options, data, size, true);
        FUZZ_CHECK(reading.opened);
    } else {
        fuzz_check_refusal(&error, false);
    }
    tarn_base_arena_dispose(&arena);
}

/* Without columns, a line is a row if and only if it is an object. */
static void agree_with_tree(const char *path, const uint8_t *data, size_t size) {
    TarnArena arena;
    TarnJson *root;
    TarnError error = {0};
    if (size == 0 || memchr(data, '\n', size) != NULL || data[0] == 0xEF) return;
    tarn_base_arena_init(&arena, 256 * TARN_MIB);
    bool is_tree = tarn_base_json_parse((TarnText){(const char *)data, size}, NULL, &arena, &root,
                                        &error);
    bool is_object = is_tree && root->kind == TARN_JSON_OBJECT;
    bool twice = !is_tree && strstr(error.message, "twice") != NULL;
    TarnSourceOptions options = {.format = TARN_FILE_NDJSON, .slots = 1, .piece_bytes = 65536};
    FuzzReading reading = fuzz_read(path, &options, data, size, true);
    FUZZ_CHECK(!reading.opened || twice || (reading.rows == 1) == is_object);
    tarn_base_arena_dispose(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    TarnFileFormat format = (data[0] & 1) != 0 ? TARN_FILE_JSON : TARN_FILE_NDJSON;
    TarnSourceOptions options = {.format = format,
                                 .columns = columns,
                                 .column_count = sizeof(columns) / sizeof(columns[0]),
                                 .slots = 1,
                                 .refuse_extra_fields = (data[0] & 2) != 0};
    size_t piece_bytes = 1 + (size_t)data[1];
    const char *path = fuzz_file(data + 2, size - 2);
    fuzz_read_twice(path, options, piece_bytes, data + 2, size - 2);
    infer_and_read(path, format, data + 2, size - 2);
    if (format == TARN_FILE_NDJSON) agree_with_tree(path, data + 2, size - 2);
    return 0;
}
