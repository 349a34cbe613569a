/* Table metadata: whatever is accepted is written, read again as the same, and can take a commit;
 * a refusal gives its place. */
#include <string.h>

#include "fuzz.h"
#include "table/metadata.h"

static void write_metadata(const TarnTableMetadata *metadata, TarnBuffer *out) {
    TarnError error = {.code = TARN_OK};
    tarn_base_buffer_init(out, 64u << 20);
    FUZZ_CHECK(tarn_table_metadata_write(metadata, out, &error));
}

/* Writing what was just read changes nothing more: one reading settles every spelling. */
static void check_round_trip(const TarnTableMetadata *metadata, TarnArena *arena) {
    TarnError error = {.code = TARN_OK};
    TarnTableMetadata *again = NULL;
    TarnBuffer first;
    TarnBuffer second;
    write_metadata(metadata, &first);
    if (!tarn_table_metadata_parse(tarn_base_buffer_view(&first), "again", arena, &again, &error)) {
        fprintf(stderr, "%s\n%s\n", error.message, first.data);
        FUZZ_CHECK(error.code == TARN_E_OUT_OF_MEMORY);
        tarn_base_buffer_dispose(&first);
        return;
    }
    write_metadata(again, &second);
    FUZZ_CHECK(again->snapshot_count == metadata->snapshot_count);
    FUZZ_CHECK(again->ref_count == metadata->ref_count);
    FUZZ_CHECK(again->current_snapshot_id == metadata->current_snapshot_id);
    FUZZ_CHECK(again->last_partition_id == metadata->last_partition_id);
    FUZZ_CHECK(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    tarn_base_buffer_dispose(&first);
    tarn_base_buffer_dispose(&second);
}

static void check_commit(const TarnTableMetadata *metadata, TarnArena *arena) {
    TarnError error = {.code = TARN_OK};
    TarnTableMetadata *after = NULL;
    TarnSnapshot snapshot = {.id = 424242,
                             .parent_id = metadata->current_snapshot_id,
                             .sequence_number = metadata->last_sequence_number,
                             .timestamp_ms = metadata->last_updated_ms,
                             .manifest_list = "m",
                             .operation = "append",
                             .schema_id = metadata->current_schema_id,
                             .first_row_id = metadata->next_row_id,
                             .added_rows = 1};
    TarnSnapshotRef ref = {.name = "main",
                           .snapshot_id = snapshot.id,
                           .min_snapshots_to_keep = TARN_ABSENT,
                           .max_snapshot_age_ms = TARN_ABSENT,
                           .max_ref_age_ms = TARN_ABSENT};
    if (snapshot.sequence_number < INT64_MAX) snapshot.sequence_number++;
    const TarnTableUpdate updates[] = {
        {.kind = TARN_UPDATE_ADD_SNAPSHOT, .snapshot = &snapshot},
        {.kind = TARN_UPDATE_SET_SNAPSHOT_REF, .ref = &ref},
        {.kind = TARN_UPDATE_ADD_SCHEMA, .schema = tarn_table_metadata_current_schema(metadata)},
        {.kind = TARN_UPDATE_SET_CURRENT_SCHEMA, .integer = -1},
        {.kind = TARN_UPDATE_REMOVE_SNAPSHOTS, .ids = &metadata->current_snapshot_id, .count = 1},
    };
    if (!tarn_table_metadata_apply(metadata, "base", updates, 5, metadata->last_updated_ms, arena,
                                   &after, &error)) {
        fuzz_check_refusal(&error, false);
        return;
    }
    FUZZ_CHECK(after->current_snapshot_id == snapshot.id);
    check_round_trip(after, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    TarnArena arena;
    TarnError error = {.code = TARN_OK};
    TarnTableMetadata *metadata = NULL;
    TarnText text = {(const char *)data, size};
    tarn_base_arena_init(&arena, 64u << 20);
    if (!tarn_table_metadata_inflate((TarnText){(const char *)data, size}, "fuzz", &arena, &text,
                                     &error)) {
        fuzz_check_refusal(&error, false);
    } else if (tarn_table_metadata_parse(text, "fuzz", &arena, &metadata, &error)) {
        check_round_trip(metadata, &arena);
        check_commit(metadata, &arena);
    } else {
        FUZZ_CHECK(metadata == NULL);
        fuzz_check_refusal(&error, true);
    }
    tarn_base_arena_dispose(&arena);
    return 0;
}
