/* What the tests of manifests and of manifest lists share. */
#ifndef TARN_TESTS_MANIFEST_TEST_H
#define TARN_TESTS_MANIFEST_TEST_H

#include "format/avro.h"
#include "predicate_model.h"
#include "table/manifest.h"

static TarnArena arena;
static TarnError error;
static const TarnSchema *schema;

UNUSED static void begin(void) {
    tarn_base_arena_dispose(&arena);
    tarn_base_arena_init(&arena, 512u << 20);
    tarn_base_error_clear(&error);
    schema = model_schema(&arena);
}

UNUSED static TarnText read_golden(const char *name) {
    char path[1024];
    snprintf(path, sizeof(path), "%s/manifest/%s", TARN_TEST_DATA, name);
    FILE *file = fopen(path, "rb");
    char *data = tarn_base_arena_alloc(&arena, 64u << 10);
    if (file == NULL || data == NULL) {
        printf("# cannot read %s\n", path);
        exit(1);
    }
    size_t size = fread(data, 1, 64u << 10, file);
    fclose(file);
    return (TarnText){data, size};
}

UNUSED static bool same_text(TarnText a, TarnText b) {
    return (a.data == NULL) == (b.data == NULL) && tarn_base_text_equal(a, b);
}

/* A container of one object with a schema of the test's own. */
UNUSED static TarnText container(const char *avro_schema, const TarnBuffer *object,
                                 const char *version, const char *fields) {
    TarnBuffer out;
    TarnAvroPair pairs[] = {{TARN_TEXT("format-version"), tarn_base_text(version)},
                            {TARN_TEXT("partition-spec"), tarn_base_text(fields)},
                            {TARN_TEXT("partition-spec-id"), TARN_TEXT("0")},
                            {TARN_TEXT("schema"), tarn_base_text(MODEL_SCHEMA)}};
    TarnAvroWriterOptions options = {.schema = tarn_base_text(avro_schema),
                                     .metadata = pairs,
                                     .metadata_count = version != NULL ? 4 : 0};
    TarnAvroWriter writer = {0};
    tarn_base_buffer_init(&out, 1u << 20);
    CHECK_OK(tarn_format_avro_writer_begin(&writer, &options, &out, &error), &error);
    tarn_base_buffer_append(&writer.block, object->data, object->size);
    CHECK_OK(tarn_format_avro_writer_object_end(&writer, &error) &&
                 tarn_format_avro_writer_finish(&writer, &error),
             &error);
    tarn_format_avro_writer_dispose(&writer);
    TarnText bytes = {tarn_base_arena_copy(&arena, out.data, out.size), out.size};
    tarn_base_buffer_dispose(&out);
    return bytes;
}

#endif
