/* Puffin files: what is accepted has blobs inside the file, each is decoded or says why not, and
 * written again plainly the file says the same of them. */
#include <string.h>

#include "base/limits.h"
#include "format/deletion_vector.h"
#include "format/puffin.h"
#include "fuzz.h"

static void check_deletion_vector(TarnText data) {
    TarnError error = {.code = TARN_OK};
    TarnRoaring *positions = NULL;
    if (!tarn_format_deletion_vector_read(data, -1, "fuzz", TARN_MIB, &positions, &error)) {
        fuzz_check_refusal(&error, false);
    }
    tarn_format_roaring_free(positions);
}

static void write_again(TarnPuffinWriter *writer, const TarnPuffinBlob *blob, TarnText data) {
    TarnError error = {.code = TARN_OK};
    TarnPuffinBlob copy = *blob;
    copy.codec = TARN_PUFFIN_NONE;
    FUZZ_CHECK(tarn_format_puffin_writer_add(writer, data, &copy, &error));
    FUZZ_CHECK(copy.length == data.size);
}

static void check_blobs(TarnText file, const TarnPuffinFooter *footer, TarnArena *arena,
                        TarnPuffinWriter *writer) {
    for (size_t i = 0; i < footer->blob_count; i++) {
        const TarnPuffinBlob *blob = &footer->blobs[i];
        TarnError error = {.code = TARN_OK};
        TarnText content = {NULL, 0};
        FUZZ_CHECK(blob->offset <= file.size && blob->length <= file.size - blob->offset);
        TarnText stored = {file.data + blob->offset, (size_t)blob->length};
        if (!tarn_format_puffin_blob_decode(blob, stored, "fuzz", arena, &content, &error)) {
            fuzz_check_refusal(&error, false);
            content = TARN_TEXT("");
        }
        check_deletion_vector(content);
        write_again(writer, blob, content);
    }
}

static void check_again(TarnText bytes, const TarnPuffinFooter *footer, TarnArena *arena) {
    TarnError error = {.code = TARN_OK};
    TarnPuffinFooter *again = NULL;
    FUZZ_CHECK(tarn_format_puffin_footer_parse(bytes, bytes.size, "again", arena, &again, &error));
    FUZZ_CHECK(again->blob_count == footer->blob_count);
    for (size_t i = 0; i < footer->blob_count; i++) {
        const TarnPuffinBlob *a = &footer->blobs[i];
        const TarnPuffinBlob *b = &again->blobs[i];
        FUZZ_CHECK(tarn_base_text_equal(a->type, b->type));
        FUZZ_CHECK(a->snapshot_id == b->snapshot_id && a->sequence_number == b->sequence_number);
        FUZZ_CHECK(a->field_count == b->field_count && a->property_count == b->property_count);
        FUZZ_CHECK(a->field_count == 0 ||
                   memcmp(a->fields, b->fields, a->field_count * sizeof(*a->fields)) == 0);
        for (size_t p = 0; p < a->property_count; p++) {
            FUZZ_CHECK(tarn_base_text_equal(a->properties[p].key, b->properties[p].key));
            FUZZ_CHECK(tarn_base_text_equal(a->properties[p].value, b->properties[p].value));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    TarnArena arena;
    TarnBuffer out;
    TarnPuffinWriter writer;
    TarnError error = {.code = TARN_OK};
    TarnPuffinFooter *footer = NULL;
    TarnText file = {(const char *)data, size};
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    tarn_base_buffer_init(&out, 256 * TARN_MIB);
    if (tarn_format_puffin_footer_parse(file, size, "fuzz", &arena, &footer, &error)) {
        FUZZ_CHECK(tarn_format_puffin_writer_begin(&writer, &arena, &out, &error));
        check_blobs(file, footer, &arena, &writer);
        FUZZ_CHECK(tarn_format_puffin_writer_finish(&writer, TARN_TEXT("fuzz"), &error));
        check_again(tarn_base_buffer_view(&out), footer, &arena);
    } else {
        FUZZ_CHECK(footer == NULL);
        fuzz_check_refusal(&error, false);
    }
    tarn_base_buffer_dispose(&out);
    tarn_base_arena_dispose(&arena);
    return 0;
}
