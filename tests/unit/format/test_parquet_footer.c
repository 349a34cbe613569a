/* Parquet footers: files of two real writers against what a third reader says of them, and
 * footers no writer makes against the refusal they deserve. */
#include <inttypes.h>

#include "format/parquet_footer.h"
#include "parquet_build.h"

static TarnArena arena;
static TarnError error;

static void begin(void) {
    tarn_base_arena_dispose(&arena);
    tarn_base_arena_init(&arena, 64u << 20);
    tarn_base_error_clear(&error);
}

static TarnText read_test_file(const char *name) {
    char path[1024];
    snprintf(path, sizeof(path), "%s/parquet_footer/%s", TARN_TEST_DATA, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) return (TarnText){NULL, 0};
    char *data = tarn_base_arena_alloc(&arena, 1u << 20);
    size_t size = fread(data, 1, 1u << 20, file);
    fclose(file);
    return (TarnText){data, size};
}

static bool parse(TarnText file, TarnParquetFooter **footer) {
    return tarn_format_parquet_footer_parse(file, file.size, "t.parquet", &arena, footer, &error);
}

/* ---- real files ---- */

static const char *physical_name(const TarnParquetNode *node, char out[40]) {
    static const char *const names[] = {"BOOLEAN", "INT32",  "INT64",      "INT96",
                                        "FLOAT",   "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"};
    snprintf(out, 40, "%s", names[node->physical]);
    if (node->physical == TARN_PARQUET_FIXED) {
        snprintf(out, 40, "%s(%" PRId32 ")", names[node->physical], node->type_length);
    }
    return out;
}

static void put_count(TarnBuffer *out, const char *name, int64_t count) {
    if (count == TARN_PARQUET_ABSENT) {
        tarn_base_buffer_printf(out, " %s -", name);
    } else {
        tarn_base_buffer_printf(out, " %s %" PRId64, name, count);
    }
}

static void put_hex(TarnBuffer *out, const char *name, TarnText bytes) {
    tarn_base_buffer_printf(out, " %s ", name);
    for (size_t i = 0; i < bytes.size; i++) {
        tarn_base_buffer_printf(out, "%02x", (unsigned char)bytes.data[i]);
    }
}

static void put_chunk(TarnBuffer *out, const char *path, const TarnParquetChunk *chunk) {
    tarn_base_buffer_printf(out, "chunk %s values %" PRId64 " compressed %" PRId64, path,
                            chunk->num_values, chunk->total_compressed_size);
    put_count(out, "data", chunk->data_page_offset);
    put_count(out, "dictionary", chunk->dictionary_page_offset);
    put_count(out, "nulls", chunk->statistics.null_count);
    if (chunk->statistics.min.data != NULL) put_hex(out, "min", chunk->statistics.min);
    if (chunk->statistics.max.data != NULL) put_hex(out, "max", chunk->statistics.max);
    tarn_base_buffer_byte(out, '\n');
}

static void dump(const TarnParquetFooter *footer, TarnBuffer *out) {
    char type[40];
    tarn_base_buffer_printf(out, "rows %" PRId64 " groups %zu columns %zu\ncreated %.*s\n",
                            footer->num_rows, footer->row_group_count, footer->column_count,
                            TARN_TEXT_ARG(footer->created_by));
    for (size_t i = 0; i < footer->column_count; i++) {
        const TarnParquetNode *node = &footer->nodes[footer->columns[i]];
        CHECK_INT(node->column, i);
        tarn_base_buffer_printf(out, "column %s %s def %d rep %d\n",
                                tarn_format_parquet_footer_path(footer, footer->columns[i], &arena),
                                physical_name(node, type), node->definition_max,
                                node->repetition_max);
    }
    for (size_t g = 0; g < footer->row_group_count; g++) {
        const TarnParquetRowGroup *group = &footer->row_groups[g];
        tarn_base_buffer_printf(out, "group %zu rows %" PRId64 " bytes %" PRId64 "\n", g,
                                group->num_rows, group->total_byte_size);
        for (size_t i = 0; i < footer->column_count; i++) {
            put_chunk(out, tarn_format_parquet_footer_path(footer, footer->columns[i], &arena),
                      &group->chunks[i]);
        }
    }
}

static void compare_golden(const char *name) {
    char file_name[64];
    TarnParquetFooter *footer = NULL;
    TarnBuffer out;
    begin();
    tarn_base_buffer_init(&out, 1u << 20);
    snprintf(file_name, sizeof(file_name), "%s.parquet", name);
    TarnText file = read_test_file(file_name);
    snprintf(file_name, sizeof(file_name), "%s.txt", name);
    TarnText expected = read_test_file(file_name);
    REQUIRE(file.size > 0 && expected.size > 0);
    REQUIRE_OK(parse(file, &footer), &error);
    dump(footer, &out);
    CHECK_STRING(out.data, tarn_base_text_string(&arena, expected));
    tarn_base_buffer_dispose(&out);
}

static void a_file_of_duckdb(void) { compare_golden("duckdb"); }
static void a_file_of_pyarrow(void) { compare_golden("pyarrow"); }
static void a_file_without_rows(void) { compare_golden("empty"); }

static const TarnParquetNode *node_named(const TarnParquetFooter *footer, const char *name) {
    for (size_t i = 0; i < footer->node_count; i++) {
        if (tarn_base_text_is(footer->nodes[i].name, name)) return &footer->nodes[i];
    }
    return NULL;
}

static void logical_types_and_ids(void) {
    static const struct {
        const char *name;
        TarnParquetLogicalKind kind;
        int unit;
        int utc;
        int precision;
        int scale;
        int bits;
    } cases[] = {
        {"u8", TARN_PARQUET_LOGICAL_INTEGER, 0, 0, 0, 0, 8},
        {"u64", TARN_PARQUET_LOGICAL_INTEGER, 0, 0, 0, 0, 64},
        {"ms", TARN_PARQUET_LOGICAL_TIMESTAMP, TARN_PARQUET_MILLIS, 0, 0, 0, 0},
        {"us", TARN_PARQUET_LOGICAL_TIMESTAMP, TARN_PARQUET_MICROS, 1, 0, 0, 0},
        {"ns", TARN_PARQUET_LOGICAL_TIMESTAMP, TARN_PARQUET_NANOS, 0, 0, 0, 0},
        {"t64n", TARN_PARQUET_LOGICAL_TIME, TARN_PARQUET_NANOS, 0, 0, 0, 0},
        {"d5", TARN_PARQUET_LOGICAL_DECIMAL, 0, 0, 5, 2, 0},
        {"d38", TARN_PARQUET_LOGICAL_DECIMAL, 0, 0, 38, 0, 0},
        {"str", TARN_PARQUET_LOGICAL_STRING, 0, 0, 0, 0, 0},
        {"l", TARN_PARQUET_LOGICAL_LIST, 0, 0, 0, 0, 0},
        {"m", TARN_PARQUET_LOGICAL_MAP, 0, 0, 0, 0, 0},
        {"nul", TARN_PARQUET_LOGICAL_NONE, 0, 0, 0, 0, 0},
    };
    TarnParquetFooter *footer = NULL;
    begin();
    REQUIRE_OK(parse(read_test_file("pyarrow.parquet"), &footer), &error);
    CHECK(!tarn_format_parquet_footer_has_ids(footer));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const TarnParquetNode *node = node_named(footer, cases[i].name);
        REQUIRE(node != NULL);
        CHECK_INT(node->logical.kind, cases[i].kind);
        CHECK_INT(node->logical.unit, cases[i].unit);
        CHECK_INT(node->logical.adjusted_to_utc, cases[i].utc);
        CHECK_INT(node->logical.precision, cases[i].precision);
        CHECK_INT(node->logical.scale, cases[i].scale);
        CHECK_INT(node->logical.bit_width, cases[i].bits);
        CHECK(!node->logical.is_signed);
    }
    REQUIRE_OK(parse(read_test_file("duckdb.parquet"), &footer), &error);
    CHECK(tarn_format_parquet_footer_has_ids(footer));
    CHECK_INT(node_named(footer, "li")->field_id, 17);
    CHECK_INT(node_named(footer, "element")->field_id, 18);
    CHECK_INT(node_named(footer, "list")->field_id, TARN_PARQUET_ABSENT);
    CHECK_INT(node_named(footer, "c")->field_id, 25);
    CHECK_INT(footer->row_groups[0].chunks[5].statistics.max_inexact, 1); /* 300 bytes cut */
    CHECK_INT(footer->row_groups[0].chunks[4].statistics.max_inexact, 0);
    /* the tree: li > list > element, then mp */
    const TarnParquetNode *li = node_named(footer, "li");
    CHECK_INT(footer->nodes[li->end].field_id, 19);
    CHECK_INT(li->end - (uint32_t)(li - footer->nodes), 3);
}

/* ---- ranged reads ---- */

typedef struct Ranges {
    TarnText file;
    int calls;
    bool fail;
} Ranges;

static bool read_range(void *context, uint64_t offset, size_t size, TarnArena *memory,
                       TarnText *bytes, TarnError *failure) {
    Ranges *ranges = context;
    ranges->calls++;
    if (ranges->fail) return tarn_base_error_set(failure, TARN_E_IO, "could not read");
    if (offset > ranges->file.size || size > ranges->file.size - offset) return false;
    *bytes = (TarnText){tarn_base_arena_copy(memory, ranges->file.data + offset, size), size};
    return true;
}

static void reads_one_range_or_two(void) {
    Build build;
    TarnParquetFooter *footer = NULL;
    begin();
    Ranges small = {.file = read_test_file("duckdb.parquet")};
    CHECK_OK(tarn_format_parquet_footer_read(read_range, &small, small.file.size, "f", &arena,
                                             &footer, &error),
             &error);
    CHECK_INT(small.calls, 1);
    small.fail = true;
    CHECK(!tarn_format_parquet_footer_read(read_range, &small, small.file.size, "f", &arena,
                                           &footer, &error));
    CHECK_INT(error.code, TARN_E_IO);
    /* 70,000 bytes of key and value make the footer larger than the first range. */
    char *large = calloc(1, 70001);
    REQUIRE(large != NULL);
    memset(large, 'x', 70000);
    build_init(&build);
    build_begin(&build);
    build_i32(&build, 1, 2);
    build_list(&build, 2, 12, 1);
    build_group(&build, "schema", -1, 0);
    build_i64(&build, 3, 0);
    build_list(&build, 4, 12, 0);
    build_list(&build, 5, 12, 1);
    build_begin(&build);
    build_text(&build, 1, "big");
    build_text(&build, 2, large);
    build_end(&build);
    build_end(&build);
    Ranges two = {.calls = 0};
    char *file = build_file(&build, &two.file.size);
    two.file.data = file;
    CHECK_OK(tarn_format_parquet_footer_read(read_range, &two, two.file.size, "f", &arena, &footer,
                                             &error),
             &error);
    CHECK_INT(two.calls, 2);
    CHECK_INT(tarn_format_parquet_footer_key_value(footer, "big").size, 70000);
    CHECK(tarn_format_parquet_footer_key_value(footer, "none").data == NULL);
    tarn_base_buffer_dispose(&build.bytes);
    free(file);
    free(large);
}

/* ---- refusals ---- */

static void refuses_what_is_no_parquet_file(void) {
    static const struct {
        const char *bytes;
        size_t size;
        uint64_t file_size;
        TarnErrorCode code;
    } cases[] = {
        {"", 0, 0, TARN_E_FORMAT_CORRUPT},
        {"PAR1PAR1", 8, 8, TARN_E_FORMAT_CORRUPT},
        {"\0\0\0\0PARX", 8, 100, TARN_E_FORMAT_CORRUPT},
        {"\0\0\0\0PARE", 8, 100, TARN_E_FORMAT_UNSUPPORTED},
        {"\xff\xff\xff\xffPAR1", 8, 100, TARN_E_FORMAT_CORRUPT},
        {"\x59\0\0\0PAR1", 8, 100, TARN_E_FORMAT_CORRUPT}, /* one byte too long */
        {"\x00\x00\x00\x7fPAR1", 8, UINT64_C(1) << 40, TARN_E_LIMIT_EXCEEDED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t size = 0;
        begin();
        TarnText tail = {cases[i].bytes, cases[i].size};
        CHECK(!tarn_format_parquet_footer_size(tail, cases[i].file_size, "f", &size, &error));
        CHECK_INT(error.code, cases[i].code);
    }
    uint64_t size = 0;
    TarnText tail = {"\x58\0\0\0PAR1", 8};
    CHECK_OK(tarn_format_parquet_footer_size(tail, 100, "f", &size, &error), &error);
    CHECK_INT(size, 96);
    TarnParquetFooter *footer = NULL; /* fewer bytes than asked for: the caller's mistake */
    CHECK(!tarn_format_parquet_footer_parse(tail, 100, "f", &arena, &footer, &error));
    CHECK_INT(error.code, TARN_E_INTERNAL);
}

/* A footer of one INT32 column "a" of ten values; a test breaks one thing of it. */
typedef struct Recipe {
    BuildChunk chunk;
    int64_t file_rows;
    int64_t group_rows;
    int repetition;
    int order;       /* of column_orders; 0 = the field is missing */
    int extra;       /* an extra field of FileMetaData: 8 = encryption */
    int chunk_extra; /* 1 = file path, 8 = crypto metadata */
    bool without_schema;
    bool without_chunks;
    bool logical_unsigned;
} Recipe;

static const Recipe plain = {
    .chunk = {.type = 1, .path = "a", .values = 10, .offset = 4, .size = 50},
    .file_rows = 10,
    .group_rows = 10,
};

static void build_recipe_schema(Build *build, const Recipe *recipe) {
    build_list(build, 2, 12, 2);
    build_group(build, "schema", -1, 1);
    build_begin(build);
    build_i32(build, 1, recipe->chunk.type);
    if (recipe->chunk.type == 7) build_i32(build, 2, 4);
    build_i32(build, 3, recipe->repetition);
    build_text(build, 4, "a");
    if (recipe->logical_unsigned) build_i32(build, 6, 13); /* UINT_32 */
    build_end(build);
}

static bool parse_recipe(const Recipe *recipe, TarnParquetFooter **footer) {
    Build build;
    begin();
    build_init(&build);
    build_begin(&build);
    build_i32(&build, 1, 2);
    if (!recipe->without_schema) build_recipe_schema(&build, recipe);
    build_i64(&build, 3, recipe->file_rows);
    build_list(&build, 4, 12, 1);
    build_begin(&build);
    build_list(&build, 1, 12, recipe->without_chunks ? 0 : 1);
    if (!recipe->without_chunks) build_chunk(&build, &recipe->chunk);
    build_i64(&build, 2, 500);
    build_i64(&build, 3, recipe->group_rows);
    build_end(&build);
    if (recipe->order > 0) {
        build_list(&build, 7, 12, 1);
        build_begin(&build);
        build_struct(&build, recipe->order);
        build_end(&build);
        build_end(&build);
    }
    if (recipe->extra > 0) {
        build_struct(&build, 8);
        build_struct(&build, recipe->extra);
        build_end(&build);
        build_end(&build);
    }
    build_end(&build);
    size_t size = 0;
    char *file = build_file(&build, &size);
    char *copy = tarn_base_arena_copy(&arena, file, size);
    free(file);
    tarn_base_buffer_dispose(&build.bytes);
    return parse((TarnText){copy, size}, footer);
}

static void expect_refusal(const Recipe *recipe, TarnErrorCode code, const char *words) {
    TarnParquetFooter *footer = NULL;
    CHECK(!parse_recipe(recipe, &footer));
    CHECK(footer == NULL);
    CHECK_INT(error.code, code);
    if (strstr(error.message, words) == NULL) CHECK_STRING(error.message, words);
    CHECK(strstr(error.message, "t.parquet") != NULL);
}

static void refuses_broken_footers(void) {
    TarnParquetFooter *footer = NULL;
    CHECK_OK(parse_recipe(&plain, &footer), &error);
    Recipe recipe = plain;
    recipe.file_rows = 11;
    expect_refusal(&recipe, TARN_E_FORMAT_CORRUPT, "have 10 rows, the file says 11");
    recipe = plain;
    recipe.group_rows = recipe.file_rows = -1;
    expect_refusal(&recipe, TARN_E_FORMAT_CORRUPT, "negative size");
    recipe = plain;
    recipe.chunk.values = 9;
    expect_refusal(&recipe, TARN_E_FORMAT_CORRUPT, "9 values in 10 rows");
    recipe = plain;
    recipe.chunk.size = 101; /* four bytes of magic and a hundred of data */
    expect_refusal(&recipe, TARN_E_FORMAT_CORRUPT, "do not lie before the footer");
    recipe = plain;
    recipe.chunk.offset = INT64_MAX;
    expect_refusal(&recipe, TARN_E_FORMAT_CORRUPT, "do not lie before the footer");
    recipe = plain;
    recipe.chunk.offset = -5;
    expect_refusal(&recipe, TARN_E_FORMAT_CORRUPT, "negative size or offset");
    recipe = plain;
    recipe.chunk.path = "b";
    expect_refusal(&recipe, TARN_E_FORMAT_CORRUPT, "not of column 0");
    recipe = plain;
    recipe.without_schema = true;
    expect_refusal(&recipe, TARN_E_FORMAT_CORRUPT, "before the schema");
    recipe = plain;
    recipe.without_chunks = true;
    expect_refusal(&recipe, TARN_E_FORMAT_CORRUPT, "0 column chunks, the schema has 1");
    recipe = plain;
    recipe.repetition = 3;
    expect_refusal(&recipe, TARN_E_FORMAT_CORRUPT, "no valid repetition");
    recipe = plain;
    recipe.chunk.type = 8;
    expect_refusal(&recipe, TARN_E_FORMAT_CORRUPT, "unknown type 8");
    recipe = plain;
    recipe.extra = 1;
    expect_refusal(&recipe, TARN_E_FORMAT_UNSUPPORTED, "AES_GCM_V1");
    recipe.extra = 2;
    expect_refusal(&recipe, TARN_E_FORMAT_UNSUPPORTED, "AES_GCM_CTR_V1");
}

/* ---- which bounds are trusted ---- */

static bool has_bounds(int type, bool is_unsigned, bool deprecated, int order) {
    TarnParquetFooter *footer = NULL;
    Recipe recipe = plain;
    recipe.chunk.type = type;
    recipe.chunk.min = recipe.chunk.max = "abcd";
    recipe.chunk.bound = 4;
    recipe.chunk.deprecated = deprecated;
    recipe.logical_unsigned = is_unsigned;
    recipe.order = order;
    CHECK_OK(parse_recipe(&recipe, &footer), &error);
    if (footer == NULL) return false;
    const TarnParquetStatistics *statistics = &footer->row_groups[0].chunks[0].statistics;
    CHECK((statistics->min.data == NULL) == (statistics->max.data == NULL));
    return statistics->min.data != NULL;
}

static void drops_bounds_of_doubtful_order(void) {
    /* TYPE_ORDER = 1, IEEE_754_TOTAL_ORDER = 2, INT96 order = 3 */
    CHECK(has_bounds(1, false, false, 1));
    CHECK(has_bounds(1, false, false, 0)); /* signed numbers: every order was this one */
    CHECK(has_bounds(1, false, true, 0));
    CHECK(has_bounds(1, true, false, 1));
    CHECK(!has_bounds(1, true, true, 1)); /* unsigned numbers were compared as signed */
    CHECK(!has_bounds(1, true, false, 0));
    CHECK(has_bounds(6, false, false, 1));
    CHECK(!has_bounds(6, false, true, 1)); /* so were the bytes of texts */
    CHECK(!has_bounds(6, false, false, 0));
    CHECK(has_bounds(7, false, false, 1));
    CHECK(!has_bounds(7, false, true, 1));
    CHECK(!has_bounds(3, false, false, 1)); /* INT96 has no order of its type */
    CHECK(!has_bounds(3, false, false, 3));
    CHECK(has_bounds(4, false, false, 2));
    CHECK(!has_bounds(1, false, false, 2));
    CHECK(!has_bounds(1, false, false, 9)); /* an order from the future */
}

/* ---- hostile bytes ---- */

static void every_beginning_is_refused(void) {
    begin();
    TarnText file = read_test_file("duckdb.parquet");
    uint64_t size = 0;
    REQUIRE_OK(tarn_format_parquet_footer_size(file, file.size, "f", &size, &error), &error);
    size_t length = (size_t)size - 8;
    const char *footer_bytes = file.data + file.size - size;
    for (size_t i = 0; i < length; i++) {
        TarnArena small;
        TarnParquetFooter *footer = NULL;
        tarn_base_arena_init(&small, 16u << 20);
        char *cut = malloc(i + 8);
        REQUIRE(cut != NULL);
        memcpy(cut, footer_bytes, i);
        for (int k = 0; k < 4; k++) cut[i + (size_t)k] = (char)(uint8_t)(i >> (8 * k));
        memcpy(cut + i + 4, "PAR1", 4);
        TarnText tail = {cut, i + 8};
        CHECK(!tarn_format_parquet_footer_parse(tail, file.size, "f", &small, &footer, &error));
        CHECK_INT(error.code, TARN_E_FORMAT_CORRUPT);
        free(cut);
        tarn_base_arena_dispose(&small);
    }
}

/* Whatever one wrong bit makes of it: an answer, and what is accepted keeps its promises. */
static void every_flipped_bit(void) {
    static const char *const names[] = {"duckdb.parquet", "pyarrow.parquet", "empty.parquet"};
    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        begin();
        TarnText file = read_test_file(names[n]);
        uint64_t size = 0;
        REQUIRE_OK(tarn_format_parquet_footer_size(file, file.size, "f", &size, &error), &error);
        char *tail = malloc((size_t)size);
        REQUIRE(tail != NULL);
        memcpy(tail, file.data + file.size - size, (size_t)size);
        size_t accepted = 0;
        for (size_t bit = 0; bit < (size_t)size * 8; bit++) {
            TarnArena small;
            TarnParquetFooter *footer = NULL;
            tarn_base_arena_init(&small, 16u << 20);
            tail[bit / 8] = (char)(tail[bit / 8] ^ (1 << (bit % 8)));
            if (tarn_format_parquet_footer_parse((TarnText){tail, (size_t)size}, file.size, "f",
                                                 &small, &footer, &error)) {
                accepted++;
                CHECK(footer->nodes[0].end == footer->node_count);
            } else {
                CHECK(error.code == TARN_E_FORMAT_CORRUPT ||
                      error.code == TARN_E_FORMAT_UNSUPPORTED ||
                      error.code == TARN_E_LIMIT_EXCEEDED || error.code == TARN_E_INTERNAL);
            }
            tail[bit / 8] = (char)(tail[bit / 8] ^ (1 << (bit % 8)));
            tarn_base_arena_dispose(&small);
        }
        CHECK(accepted > 0); /* bits of names and bounds change the file, not its shape */
        free(tail);
    }
}

static void nesting_ends(void) {
    for (int levels = 126; levels <= 130; levels++) {
        Build build;
        TarnParquetFooter *footer = NULL;
        begin();
        build_init(&build);
        build_begin(&build);
        build_i32(&build, 1, 2);
        build_list(&build, 2, 12, (size_t)levels + 1);
        build_group(&build, "schema", -1, 1);
        for (int i = 1; i < levels; i++) build_group(&build, "g", 1, 1);
        build_leaf(&build, "leaf", 1, 1);
        build_i64(&build, 3, 0);
        build_list(&build, 4, 12, 0);
        build_end(&build);
        size_t size = 0;
        char *file = build_file(&build, &size);
        bool parsed = parse((TarnText){file, size}, &footer);
        CHECK_INT(parsed, levels <= 128);
        if (!parsed) CHECK(strstr(error.message, "nested deeper") != NULL);
        tarn_base_buffer_dispose(&build.bytes);
        free(file);
    }
    /* Unknown fields nest too: lists of lists, 0x19 = one element, a list. */
    Build build;
    TarnParquetFooter *footer = NULL;
    begin();
    build_init(&build);
    build_begin(&build);
    build_field(&build, 15, 9);
    for (int i = 0; i < 1000; i++) tarn_base_buffer_byte(&build.bytes, 0x19);
    size_t size = 0;
    char *file = build_file(&build, &size);
    CHECK(!parse((TarnText){file, size}, &footer));
    CHECK(strstr(error.message, "nested deeper") != NULL);
    tarn_base_buffer_dispose(&build.bytes);
    free(file);
}

static void memory_may_run_out_anywhere(void) {
    begin();
    TarnText file = read_test_file("pyarrow.parquet");
    bool done = false;
    for (size_t limit = 0; limit < (1u << 20) && !done; limit += 64) {
        TarnArena small;
        TarnParquetFooter *footer = NULL;
        tarn_base_arena_init(&small, limit);
        done = tarn_format_parquet_footer_parse(file, file.size, "f", &small, &footer, &error);
        if (!done) {
            CHECK_INT(error.code, TARN_E_OUT_OF_MEMORY);
            CHECK(footer == NULL);
        }
        tarn_base_arena_dispose(&small);
    }
    CHECK(done);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(a_file_of_duckdb);
    TAP_TEST(a_file_of_pyarrow);
    TAP_TEST(a_file_without_rows);
    TAP_TEST(logical_types_and_ids);
    TAP_TEST(reads_one_range_or_two);
    TAP_TEST(refuses_what_is_no_parquet_file);
    TAP_TEST(refuses_broken_footers);
    TAP_TEST(drops_bounds_of_doubtful_order);
    TAP_TEST(every_beginning_is_refused);
    TAP_TEST(every_flipped_bit);
    TAP_TEST(nesting_ends);
    TAP_TEST(memory_may_run_out_anywhere);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
