/* What the Avro tests share: golden files, comparing JSON by value, and a container in one call. */
#ifndef TARN_TESTS_AVRO_TEST_H
#define TARN_TESTS_AVRO_TEST_H

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "format/avro.h"
#include "tap.h"

static const unsigned char avro_sync[TARN_AVRO_SYNC_BYTES] = "0123456789abcde";

/* A file of tests/unit/format/avro/, in the arena; size 0 and a failed check if it is missing. */
__attribute__((unused)) static TarnText avro_golden(const char *name, TarnArena *arena) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/avro/%s", TARN_TEST_DATA, name);
    FILE *file = fopen(path, "rb");
    TarnText bytes = {"", 0};
    if (file != NULL) {
        const size_t most = 1 << 20;
        char *data = tarn_base_arena_alloc(arena, most);
        if (data != NULL) bytes = (TarnText){data, fread(data, 1, most, file)};
        fclose(file);
    }
    if (bytes.size == 0) tap_fail(__FILE__, __LINE__, path);
    return bytes;
}

__attribute__((unused)) static bool avro_is_whole(TarnText number) {
    for (size_t i = 0; i < number.size; i++) {
        if (memchr(".eE", number.data[i], 3) != NULL) return false;
    }
    return true;
}

/* The same value; numbers by what they are, not how they are written. */
__attribute__((unused)) static bool avro_json_alike(const TarnJson *a, const TarnJson *b) {
    if (a->kind != b->kind || a->count != b->count || a->boolean != b->boolean) return false;
    if (!tarn_base_text_equal(a->key, b->key)) return false;
    if (a->kind == TARN_JSON_NUMBER) {
        double u;
        double v;
        if (avro_is_whole(a->text) && avro_is_whole(b->text)) {
            return tarn_base_text_equal(a->text, b->text);
        }
        if (!tarn_base_json_double(a, &u) || !tarn_base_json_double(b, &v)) return false;
        return u == v || (float)u == (float)v;
    }
    if (!tarn_base_text_equal(a->text, b->text)) return false;
    const TarnJson *y = b->first;
    for (const TarnJson *x = a->first; x != NULL; x = x->next, y = y->next) {
        if (!avro_json_alike(x, y)) return false;
    }
    return true;
}

__attribute__((unused)) static bool avro_json_text_alike(TarnText a, TarnText b) {
    TarnArena arena;
    TarnError error;
    TarnJson *x = NULL;
    TarnJson *y = NULL;
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    bool alike = tarn_base_json_parse(a, NULL, &arena, &x, &error) &&
                 tarn_base_json_parse(b, NULL, &arena, &y, &error) && avro_json_alike(x, y);
    tarn_base_arena_dispose(&arena);
    return alike;
}

/* A container around objects that are encoded already. */
__attribute__((unused)) static void avro_contain(const char *schema, TarnAvroCodec codec,
                                                 const TarnText *objects, size_t count,
                                                 TarnBuffer *out) {
    TarnAvroWriter writer;
    TarnError error;
    TarnAvroWriterOptions options = {.schema = tarn_base_text(schema), .codec = codec};
    memcpy(options.sync_marker, avro_sync, sizeof(avro_sync));
    CHECK_OK(tarn_format_avro_writer_begin(&writer, &options, out, &error), &error);
    for (size_t i = 0; i < count; i++) {
        tarn_base_buffer_text(&writer.block, objects[i]);
        CHECK_OK(tarn_format_avro_writer_object_end(&writer, &error), &error);
    }
    CHECK_OK(tarn_format_avro_writer_finish(&writer, &error), &error);
    tarn_format_avro_writer_dispose(&writer);
}

/* A call must fail with this code, and its message must hold this text. */
#define CHECK_REFUSED(call, want, text)                                                            \
    do {                                                                                           \
        error.message[0] = '\0';                                                                   \
        CHECK(!(call));                                                                            \
        CHECK_STRING(tarn_base_error_name(error.code), tarn_base_error_name(want));                \
        if (strstr(error.message, (text)) == NULL) CHECK_STRING(error.message, (text));            \
    } while (0)

#endif
