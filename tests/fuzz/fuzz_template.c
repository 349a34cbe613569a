/* Pipeline templates from anyone: what is accepted renders the same twice, has spans in order and
 * inside both texts, and every place of the SQL leads to a place of the file. */
#include "flow/template_private.h"

#include <string.h>

#include "base/limits.h"
#include "fuzz.h"

static bool resolve(void *state, TarnTemplateCall call, const char *first, const char *second,
                    TarnTableName *name, TarnError *error) {
    (void)state;
    (void)call;
    if (second[0] == '\0') return tarn_base_error_set(error, TARN_E_TEMPLATE, "no such name");
    *name = (TarnTableName){first != NULL ? first : "zone", second};
    return true;
}

static bool render(TarnText source, bool incremental, TarnArena *arena, TarnTemplate *rendered,
                   TarnError *error) {
    TarnTemplateOptions options = {.file = "f.sql",
                                   .resolve = resolve,
                                   .self = {"zone", "this one"},
                                   .incremental = incremental};
    return tarn_flow__template_render(source, &options, arena, rendered, error);
}

static void check_rendered(TarnText source, const TarnTemplate *rendered) {
    size_t last = 0;
    FUZZ_CHECK(rendered->sql.data[rendered->sql.size] == '\0');
    FUZZ_CHECK(tarn_base_text_utf8_valid(rendered->sql) == rendered->sql.size);
    for (size_t i = 0; i < rendered->spans.count; i++) {
        const TarnTemplateSpan *span = &rendered->spans.items[i];
        FUZZ_CHECK(span->out >= last && span->out <= rendered->sql.size);
        FUZZ_CHECK(span->in <= source.size);
        last = span->out;
    }
    size_t step = rendered->sql.size / 64 + 1;
    for (size_t at = 0; at <= rendered->sql.size; at += step) {
        TarnError told = {0};
        size_t origin = tarn_flow__template_origin(rendered, at);
        FUZZ_CHECK(origin <= source.size);
        tarn_base_error_set(&told, TARN_E_SQL_BIND, "no");
        tarn_flow__text_place(rendered->sql, at, &told.line, &told.column);
        tarn_flow__template_place(rendered, &told);
        FUZZ_CHECK(strcmp(told.file, "f.sql") == 0 && told.line > 0 && told.column > 0);
    }
    FUZZ_CHECK(rendered->config != NULL && rendered->config->kind == TARN_JSON_OBJECT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    TarnText source = {(const char *)data, size};
    for (int incremental = 0; incremental < 2; incremental++) {
        TarnArena arena;
        TarnError error;
        TarnTemplate rendered;
        TarnTemplate again;
        tarn_base_arena_init(&arena, 256 * TARN_MIB);
        if (render(source, incremental != 0, &arena, &rendered, &error)) {
            check_rendered(source, &rendered);
            FUZZ_CHECK(render(source, incremental != 0, &arena, &again, &error));
            FUZZ_CHECK(tarn_base_text_equal(rendered.sql, again.sql));
        } else {
            fuzz_check_refusal(&error, size <= TARN_LIMIT_CONFIG_BYTES);
        }
        tarn_base_arena_dispose(&arena);
    }
    return 0;
}
