/* Manifests and manifest lists: whatever is accepted and can be written comes back as it was. */
#include <string.h>

#include "fuzz.h"
#include "table/manifest.h"

static const TarnManifestWriteOptions OPTIONS = {.format_version = 2, .snapshot_id = 7};

static bool same_text(TarnText a, TarnText b) {
    return (a.data == NULL) == (b.data == NULL) && tarn_base_text_equal(a, b);
}

static void check_same_entry(const TarnManifestEntry *a, const TarnManifestEntry *b) {
    FUZZ_CHECK(a->status == b->status);
    FUZZ_CHECK(a->sequence_number == b->sequence_number);
    FUZZ_CHECK(same_text(a->file.path, b->file.path));
    FUZZ_CHECK(a->file.record_count == b->file.record_count);
    FUZZ_CHECK(a->file.column_count >= b->file.column_count); /* empty ones leave no trace */
    FUZZ_CHECK(a->file.partition_count == b->file.partition_count);
    for (size_t i = 0; i < a->file.partition_count; i++) {
        FUZZ_CHECK(tarn_format_literal_equal(&a->file.partition[i], &b->file.partition[i]));
    }
}

static void check_manifest(TarnText bytes, TarnArena *arena) {
    TarnError error = {.code = TARN_OK};
    TarnManifest *manifest = NULL;
    TarnManifest *again = NULL;
    TarnSchema schema = {0}; /* partition types come from the values */
    TarnManifestFile row = {.path = TARN_TEXT("m")};
    TarnBuffer out;
    if (!tarn_table_manifest_read(bytes, "m", NULL, NULL, arena, &manifest, &error)) {
        FUZZ_CHECK(error.code != TARN_OK && error.message[0] != '\0');
        return;
    }
    TarnManifestWriteOptions options = OPTIONS;
    options.is_deletes = manifest->is_deletes;
    options.format_version = bytes.size % 2 ? 2 : 3;
    tarn_base_buffer_init(&out, 64u << 20);
    if (tarn_table_manifest_write(manifest->entries, manifest->entry_count, &schema,
                                  &manifest->spec, &options, &out, arena, &row, &error)) {
        bool done = tarn_table_manifest_read(tarn_base_buffer_view(&out), "again", NULL, NULL,
                                             arena, &again, &error);
        if (!done) fprintf(stderr, "%s\n", error.message);
        FUZZ_CHECK(done || error.code == TARN_E_OUT_OF_MEMORY);
        FUZZ_CHECK(!done || again->entry_count == manifest->entry_count);
        for (size_t i = 0; done && i < again->entry_count; i++) {
            check_same_entry(&manifest->entries[i], &again->entries[i]);
        }
    }
    row.sequence_number = 9;
    row.first_row_id = 100;
    if (!tarn_table_manifest_inherit(manifest, &row, &error)) FUZZ_CHECK(error.message[0] != '\0');
    tarn_base_buffer_dispose(&out);
}

static void check_list(TarnText bytes, TarnArena *arena) {
    TarnError error = {.code = TARN_OK};
    TarnManifestFile *rows = NULL;
    TarnManifestFile *again = NULL;
    size_t count = 0;
    size_t again_count = 0;
    TarnManifestListWriteOptions options = {.format_version = bytes.size % 2 ? 2 : 3,
                                            .snapshot_id = 1,
                                            .parent_id = 2,
                                            .sequence_number = 3,
                                            .sync_marker = {1}};
    TarnBuffer out;
    if (!tarn_table_manifest_list_read(bytes, "l", arena, &rows, &count, &error)) {
        FUZZ_CHECK(error.code != TARN_OK && error.message[0] != '\0');
        return;
    }
    tarn_base_buffer_init(&out, 64u << 20);
    if (tarn_table_manifest_list_write(rows, count, &options, &out, &error)) {
        bool done = tarn_table_manifest_list_read(tarn_base_buffer_view(&out), "again", arena,
                                                  &again, &again_count, &error);
        FUZZ_CHECK(done || error.code == TARN_E_OUT_OF_MEMORY);
        FUZZ_CHECK(!done || again_count == count);
        for (size_t i = 0; done && i < count; i++) {
            FUZZ_CHECK(same_text(rows[i].path, again[i].path));
            FUZZ_CHECK(rows[i].added_files == again[i].added_files);
            FUZZ_CHECK(rows[i].partition_count == again[i].partition_count);
        }
    }
    tarn_base_buffer_dispose(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    TarnArena arena;
    TarnText bytes = {(const char *)data, size};
    tarn_base_arena_init(&arena, 256u << 20);
    check_manifest(bytes, &arena);
    tarn_base_arena_reset(&arena);
    check_list(bytes, &arena);
    tarn_base_arena_dispose(&arena);
    return 0;
}
