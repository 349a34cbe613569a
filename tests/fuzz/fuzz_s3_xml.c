/* Answers of an object store from anyone: what is accepted lies inside the document, in order, and
 * its texts are UTF-8 without a NUL. */
#include "fuzz.h"
#include "store/s3_private.h"

static void walk(TarnText content, int depth, TarnArena *arena) {
    TarnText rest = content;
    bool found = true;
    while (found) {
        TarnText name;
        TarnText inner;
        const char *text;
        const char *before = rest.data;
        if (!tarn_store__xml_next(&rest, &name, &inner, &found, NULL)) return;
        if (!found) return;
        FUZZ_CHECK(rest.data >= before && rest.data + rest.size == content.data + content.size);
        FUZZ_CHECK(name.size > 0 && name.data >= content.data);
        if (inner.size > 0) {
            FUZZ_CHECK(inner.data >= content.data && inner.data + inner.size <= rest.data);
        }
        if (tarn_store__xml_decode(inner, arena, &text, NULL)) {
            TarnText decoded = tarn_base_text(text);
            FUZZ_CHECK(decoded.size <= inner.size);
            FUZZ_CHECK(tarn_base_text_utf8_valid(decoded) == decoded.size);
        }
        if (depth < 4) walk(inner, depth + 1, arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    TarnArena arena;
    TarnText content;
    tarn_base_arena_init(&arena, (size_t)256 * 1024 * 1024);
    if (tarn_store__xml_root((TarnText){(const char *)data, size}, NULL, &content, NULL)) {
        walk(content, 0, &arena);
    }
    tarn_base_arena_dispose(&arena);
    return 0;
}
