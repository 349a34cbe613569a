/* Manifest lists: what is written comes back, old ones and those of others are read. */
#include "manifest_test.h"

static void reads_manifest_lists_of_pyiceberg(void) {
    for (int version = 1; version <= 2; version++) {
        begin();
        TarnManifestFile *rows = NULL;
        size_t count = 0;
        char name[64];
        snprintf(name, sizeof(name), "pyiceberg-list-v%d.avro", version);
        REQUIRE_OK(
            tarn_table_manifest_list_read(read_golden(name), name, &arena, &rows, &count, &error),
            &error);
        REQUIRE(count == 1);
        CHECK(tarn_base_text_is(rows[0].path, "s3://b/metadata/m.avro"));
        CHECK_INT(rows[0].spec_id, 4);
        CHECK_INT(rows[0].sequence_number, version == 1 ? 0 : 12);
        CHECK_INT(rows[0].added_snapshot_id, 99);
        CHECK_INT(rows[0].added_files, 2);
        CHECK_INT(rows[0].added_rows, 201);
        CHECK(!rows[0].is_deletes);
        REQUIRE(rows[0].partition_count == 22);
        CHECK(rows[0].partitions[1].contains_null);
        CHECK(same_text(rows[0].partitions[1].lower, (TarnText){"\xf9\xff\xff\xff", 4}));
    }
}

/* Old list: other names, version 1's gaps, the union's null last, a field never heard of. */
static void reads_old_manifest_lists(void) {
    begin();
    static const char SCHEMA[] =
        "{\"type\":\"record\",\"name\":\"manifest_file\",\"fields\":["
        "{\"name\":\"unheard\",\"type\":\"string\",\"field-id\":9999},"
        "{\"name\":\"manifest_path\",\"type\":\"string\",\"field-id\":500},"
        "{\"name\":\"manifest_length\",\"type\":\"long\",\"field-id\":501},"
        "{\"name\":\"partition_spec_id\",\"type\":\"int\",\"field-id\":502},"
        "{\"name\":\"added_data_files_count\",\"type\":[\"int\",\"null\"],\"field-id\":504},"
        "{\"name\":\"existing_data_files_count\",\"type\":[\"null\",\"int\"],\"field-id\":505},"
        "{\"name\":\"added_snapshot_id\",\"type\":[\"null\",\"long\"],\"field-id\":503}]}";
    TarnBuffer object;
    tarn_base_buffer_init(&object, 1024);
    tarn_format_avro_put_bytes(&object, TARN_TEXT("?"));
    tarn_format_avro_put_bytes(&object, TARN_TEXT("/t/metadata/old.avro"));
    tarn_format_avro_put_long(&object, 321);
    tarn_format_avro_put_long(&object, 3);
    tarn_format_avro_put_branch(&object, 0);
    tarn_format_avro_put_long(&object, 12);
    tarn_format_avro_put_branch(&object, 0); /* existing: unknown */
    tarn_format_avro_put_branch(&object, 0);
    TarnManifestFile *rows = NULL;
    size_t count = 0;
    REQUIRE_OK(tarn_table_manifest_list_read(container(SCHEMA, &object, NULL, NULL), "list", &arena,
                                             &rows, &count, &error),
               &error);
    tarn_base_buffer_dispose(&object);
    REQUIRE(count == 1);
    CHECK_INT(rows[0].length, 321);
    CHECK_INT(rows[0].spec_id, 3);
    CHECK_INT(rows[0].added_files, 12);
    CHECK_INT(rows[0].existing_files, TARN_ABSENT);
    CHECK_INT(rows[0].deleted_rows, TARN_ABSENT);
    CHECK_INT(rows[0].added_snapshot_id, TARN_ABSENT);
    CHECK_INT(rows[0].sequence_number, 0);
    CHECK(!rows[0].is_deletes && rows[0].partitions == NULL);
}

static void round_trips_manifest_lists(void) {
    begin();
    TarnPartitionSummary summaries[2] = {
        {.contains_null = true, .contains_nan = -1, .lower = TARN_TEXT("a"), .upper = {0}},
        {.contains_nan = 1, .lower = {0}, .upper = TARN_TEXT("")}};
    TarnManifestFile rows[3] = {{.path = TARN_TEXT("/t/m1.avro"),
                                 .length = 10,
                                 .spec_id = 2,
                                 .sequence_number = TARN_ABSENT,
                                 .min_sequence_number = TARN_ABSENT,
                                 .added_snapshot_id = 5,
                                 .added_files = 1,
                                 .added_rows = 100,
                                 .partitions = summaries,
                                 .partition_count = 2,
                                 .first_row_id = TARN_ABSENT},
                                {.path = TARN_TEXT("/t/m2.avro"),
                                 .length = 20,
                                 .is_deletes = true,
                                 .sequence_number = 4,
                                 .min_sequence_number = 3,
                                 .added_snapshot_id = 6,
                                 .existing_files = 2,
                                 .deleted_files = 3,
                                 .existing_rows = INT64_C(5000000000),
                                 .deleted_rows = 7,
                                 .key_metadata = TARN_TEXT("k"),
                                 .first_row_id = TARN_ABSENT},
                                {.path = TARN_TEXT("/t/m3.avro"),
                                 .sequence_number = TARN_ABSENT,
                                 .min_sequence_number = 2,
                                 .partitions = summaries,
                                 .first_row_id = TARN_ABSENT}};
    TarnBuffer out;
    const uint8_t marker[16] = {9};
    tarn_base_buffer_init(&out, 1u << 20);
    REQUIRE_OK(tarn_table_manifest_list_write(rows, 3, 99, TARN_ABSENT, 8, 2, marker, &out, &error),
               &error);
    TarnManifestFile *got = NULL;
    size_t count = 0;
    REQUIRE_OK(tarn_table_manifest_list_read(tarn_base_buffer_view(&out), "list", &arena, &got,
                                             &count, &error),
               &error);
    REQUIRE(count == 3);
    CHECK_INT(got[0].sequence_number, 8);
    CHECK_INT(got[0].min_sequence_number, 8);
    REQUIRE(got[0].partition_count == 2);
    CHECK(got[0].partitions[0].contains_null && !got[0].partitions[1].contains_null);
    CHECK_INT(got[0].partitions[0].contains_nan, -1);
    CHECK_INT(got[0].partitions[1].contains_nan, 1);
    CHECK(same_text(got[0].partitions[0].lower, TARN_TEXT("a")));
    CHECK(same_text(got[0].partitions[0].upper, (TarnText){0}));
    CHECK(same_text(got[0].partitions[1].upper, TARN_TEXT("")));
    CHECK(got[1].is_deletes && got[1].sequence_number == 4 && got[1].min_sequence_number == 3);
    CHECK_INT(got[1].existing_rows, INT64_C(5000000000));
    CHECK(same_text(got[1].key_metadata, TARN_TEXT("k")));
    CHECK_INT(got[2].min_sequence_number, 2);
    CHECK(got[2].partitions != NULL && got[2].partition_count == 0);
    CHECK(got[1].partitions == NULL);

    rows[1].deleted_files = TARN_ABSENT; /* version 2 wants counts */
    CHECK(!tarn_table_manifest_list_write(rows, 3, 99, 98, 8, 2, marker, &out, &error));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    tarn_base_buffer_dispose(&out);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(reads_manifest_lists_of_pyiceberg);
    TAP_TEST(reads_old_manifest_lists);
    TAP_TEST(round_trips_manifest_lists);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
