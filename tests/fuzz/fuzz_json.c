/* JSON from anyone: what is accepted must write back to the same tree, its places and spans must
 * be those of the source, and any bytes at all must quote to a valid string. */
#include "base/json.h"

#include <string.h>

#include "base/limits.h"
#include "fuzz.h"
#include "json_same.h"

/* The naive way to a place, against the parser's running one. */
static void check_place(TarnText source, const char *at, uint32_t line, uint32_t column) {
    uint32_t lines = 1;
    uint32_t columns = 1;
    size_t start = tarn_base_text_starts(source, "\xEF\xBB\xBF") ? 3 : 0;
    for (const char *c = source.data + start; c < at; c++) {
        if (*c == '\n') {
            lines++;
            columns = 1;
        } else if (((unsigned char)*c & 0xC0) != 0x80) {
            columns++;
        }
    }
    FUZZ_CHECK(line == lines && column == columns);
}

static void check_node(TarnText source, const TarnJson *node, TarnArena *arena) {
    const char *end = source.data + source.size;
    FUZZ_CHECK(node->source.data >= source.data && node->source.data < end);
    FUZZ_CHECK(node->source.size > 0 && node->source.size <= (size_t)(end - node->source.data));
    check_place(source, node->source.data, node->line, node->column);
    TarnError error;
    TarnJson *again = NULL;
    FUZZ_CHECK(tarn_base_json_parse(node->source, NULL, arena, &again, &error));
    again->key = node->key;
    FUZZ_CHECK(json_same(node, again));
    int64_t whole;
    double real;
    if (tarn_base_json_int64(node, &whole)) {
        FUZZ_CHECK(node->text.size >= 512 || tarn_base_json_double(node, &real));
        if (node->text.size < 512) FUZZ_CHECK(real == (double)whole);
    }
    uint32_t count = 0;
    TARN_JSON_EACH(child, node) {
        count++;
        if (node->kind == TARN_JSON_OBJECT) {
            FUZZ_CHECK(tarn_base_text_utf8_valid(child->key) == child->key.size);
            FUZZ_CHECK(child->key_line > 0 && child->key_column > 0);
        }
        check_node(source, child, arena);
    }
    FUZZ_CHECK(count == node->count);
    FUZZ_CHECK(tarn_base_text_utf8_valid(node->text) == node->text.size);
}

static void check_round_trip(const TarnJson *root, int indent, TarnArena *arena) {
    TarnError error;
    TarnBuffer out;
    TarnJson *again = NULL;
    tarn_base_buffer_init(&out, 64 * TARN_MIB);
    tarn_base_json_write(root, indent, &out);
    FUZZ_CHECK(!out.failed);
    FUZZ_CHECK(tarn_base_json_parse(tarn_base_buffer_view(&out), NULL, arena, &again, &error));
    FUZZ_CHECK(json_same(root, again));
    tarn_base_buffer_dispose(&out);
}

static void check_quote(TarnText text, TarnArena *arena) {
    TarnError error;
    TarnBuffer out;
    TarnJson *string = NULL;
    tarn_base_buffer_init(&out, 64 * TARN_MIB);
    tarn_base_json_quote(&out, text);
    FUZZ_CHECK(tarn_base_json_parse(tarn_base_buffer_view(&out), NULL, arena, &string, &error));
    FUZZ_CHECK(string->kind == TARN_JSON_STRING);
    bool valid = tarn_base_text_utf8_valid(text) == text.size;
    FUZZ_CHECK(!valid || tarn_base_text_equal(string->text, text));
    tarn_base_buffer_dispose(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    TarnText source = {(const char *)data, size};
    TarnArena arena;
    TarnError error;
    TarnJson *root = NULL;
    tarn_base_arena_init(&arena, 256 * TARN_MIB);
    if (tarn_base_json_parse(source, "f.json", &arena, &root, &error)) {
        if (size <= 4096) check_node(source, root, &arena); /* quadratic */
        check_round_trip(root, 0, &arena);
        check_round_trip(root, 3, &arena);
    } else {
        FUZZ_CHECK(root == NULL);
        fuzz_check_refusal(&error, true);
    }
    check_quote(source, &arena);
    tarn_base_arena_dispose(&arena);
    return 0;
}
