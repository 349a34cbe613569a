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
    TarnManifestListWriteOptions options = {
        .format_version = 2, .snapshot_id = 99, .parent_id = TARN_ABSENT, .sequence_number = 8};
    tarn_base_buffer_init(&out, 1u << 20);
    REQUIRE_OK(tarn_table_manifest_list_write(rows, 3, &options, &out, &error), &error);
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
    options.parent_id = 98;
    CHECK(!tarn_table_manifest_list_write(rows, 3, &options, &out, &error));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    options.format_version = 1;
    CHECK(!tarn_table_manifest_list_write(rows, 3, &options, &out, &error));
    CHECK_INT(error.code, TARN_E_FORMAT_UNSUPPORTED);
    tarn_base_buffer_dispose(&out);
}

/* --- row ids (version 3) --- */

static TarnManifestFile counted_row(const char *path, int64_t added, int64_t existing) {
    return (TarnManifestFile){.path = tarn_base_text(path),
                              .sequence_number = 1,
                              .min_sequence_number = 1,
                              .added_rows = added,
                              .existing_rows = existing,
                              .first_row_id = TARN_ABSENT};
}

/* The specification's example: "Row lineage example". */
static void data_manifests_get_row_ids_in_their_order(void) {
    TarnManifestFile rows[5] = {
        counted_row("/t/existing.avro", 75, 0), counted_row("/t/added1.avro", 100, 25),
        counted_row("/t/deletes.avro", 10, 0), counted_row("/t/added2.avro", 0, 100),
        counted_row("/t/added3.avro", 125, 25)};
    int64_t assigned = 0;
    rows[0].first_row_id = 925;
    rows[2].is_deletes = true;
    REQUIRE_OK(tarn_table_manifests_assign_row_ids(rows, 5, 1000, &assigned, &error), &error);
    CHECK_INT(assigned, 375);
    CHECK_INT(rows[0].first_row_id, 925);
    CHECK_INT(rows[1].first_row_id, 1000);
    CHECK_INT(rows[2].first_row_id, TARN_ABSENT);
    CHECK_INT(rows[3].first_row_id, 1125);
    CHECK_INT(rows[4].first_row_id, 1225);
    TarnManifestFile full = counted_row("/t/full.avro", INT64_MAX, 1);
    CHECK(!tarn_table_manifests_assign_row_ids(&full, 1, 0, &assigned, &error));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    full = counted_row("/t/unknown.avro", TARN_ABSENT, 1);
    CHECK(!tarn_table_manifests_assign_row_ids(&full, 1, 0, &assigned, &error));
}

static void version_3_lists_carry_row_ids(void) {
    TarnManifestFile rows[2] = {counted_row("/t/data.avro", 5, 0),
                                counted_row("/t/deletes.avro", 1, 0)};
    TarnManifestListWriteOptions options = {.format_version = 3,
                                            .snapshot_id = 7,
                                            .parent_id = 6,
                                            .sequence_number = 2,
                                            .first_row_id = 40};
    TarnBuffer out;
    tarn_base_buffer_init(&out, 1u << 20);
    rows[1].is_deletes = true;
    rows[1].first_row_id = 12; /* delete manifests have none */
    CHECK(!tarn_table_manifest_list_write(rows, 2, &options, &out, &error));
    CHECK(strstr(error.message, "first row id") != NULL);
    tarn_base_buffer_clear(&out);
    rows[0].first_row_id = 40;
    REQUIRE_OK(tarn_table_manifest_list_write(rows, 2, &options, &out, &error), &error);
    TarnManifestFile *got = NULL;
    size_t count = 0;
    REQUIRE_OK(tarn_table_manifest_list_read(tarn_base_buffer_view(&out), "list", &arena, &got,
                                             &count, &error),
               &error);
    REQUIRE(count == 2);
    CHECK_INT(got[0].first_row_id, 40);
    CHECK_INT(got[1].first_row_id, TARN_ABSENT);
    TarnAvroReader *reader = NULL;
    TarnText value = {0};
    REQUIRE_OK(
        tarn_format_avro_reader_open(tarn_base_buffer_view(&out), "list", &arena, &reader, &error),
        &error);
    CHECK(tarn_format_avro_reader_metadata(reader, "first-row-id", &value) &&
          tarn_base_text_is(value, "40"));
    CHECK(tarn_format_avro_reader_metadata(reader, "format-version", &value) &&
          tarn_base_text_is(value, "3"));
    tarn_format_avro_reader_close(reader);
    rows[0].first_row_id = -5;
    tarn_base_buffer_clear(&out);
    REQUIRE_OK(tarn_table_manifest_list_write(rows, 2, &options, &out, &error), &error);
    CHECK(!tarn_table_manifest_list_read(tarn_base_buffer_view(&out), "list", &arena, &got, &count,
                                         &error));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    tarn_base_buffer_dispose(&out);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(reads_manifest_lists_of_pyiceberg);
    TAP_TEST(reads_old_manifest_lists);
    TAP_TEST(round_trips_manifest_lists);
    TAP_TEST(data_manifests_get_row_ids_in_their_order);
    TAP_TEST(version_3_lists_carry_row_ids);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
