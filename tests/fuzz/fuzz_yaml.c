/* YAML from anyone: what is accepted has places inside its source, typed scalars that are what
 * their kind says, and reads back from its JSON form as the same tree. */
#include "base/yaml.h"

#include <string.h>

#include "base/limits.h"
#include "fuzz.h"
#include "json_same.h"

static uint32_t count_lines(TarnText source) {
    uint32_t lines = 1;
    for (size_t i = 0; i < source.size; i++) lines += source.data[i] == '\n';
    return lines;
}

/* libyaml adds a line end to a source without one, so the end may lie one line behind. */
static void check_node(const TarnJson *node, bool member, uint32_t lines) {
    FUZZ_CHECK(node->line > 0 && node->line <= lines + 1 && node->column > 0);
    FUZZ_CHECK(!member || (node->key.size > 0 && node->key_line > 0 && node->key_column > 0));
    FUZZ_CHECK(tarn_base_text_utf8_valid(node->text) == node->text.size);
    uint32_t count = 0;
    TARN_JSON_EACH(child, node) {
        count++;
        check_node(child, node->kind == TARN_JSON_OBJECT, lines);
    }
    FUZZ_CHECK(count == node->count);
    FUZZ_CHECK(count == 0 || node->kind >= TARN_JSON_ARRAY);
}

static void check_as_json(const TarnJson *root, TarnArena *arena) {
    TarnError error;
    TarnBuffer out;
    TarnJson *again = NULL;
    tarn_base_buffer_init(&out, 256 * TARN_MIB);
    tarn_base_json_write(root, 1, &out);
    FUZZ_CHECK(!out.failed);
    FUZZ_CHECK(tarn_base_json_parse(tarn_base_buffer_view(&out), NULL, arena, &again, &error));
    FUZZ_CHECK(json_same(root, again));
    tarn_base_buffer_dispose(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    TarnText source = {(const char *)data, size};
    TarnArena arena;
    TarnError error;
    TarnJson *root = NULL;
    tarn_base_arena_init(&arena, 1 * TARN_GIB);
    if (tarn_base_yaml_parse(source, "f.yaml", &arena, &root, &error)) {
        check_node(root, false, count_lines(source));
        check_as_json(root, &arena);
    } else {
        FUZZ_CHECK(root == NULL);
        fuzz_check_refusal(&error, size <= TARN_LIMIT_CONFIG_BYTES);
    }
    tarn_base_arena_dispose(&arena);
    return 0;
}
