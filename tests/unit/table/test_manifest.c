/* Manifests: what is written comes back, what others write is read, what is broken is refused. */
#include "manifest_test.h"

/* --- random entries --- */

static const char *const TRANSFORMS[] = {"identity",    "identity", "identity", "bucket[7]",
                                         "truncate[3]", "year",     "month",    "day",
                                         "hour",        "void"};

static TarnPartitionSpec random_spec(size_t wanted) {
    static const char *const NAMES[] = {"plain", "with space",       "9lives", "\xc3\xa9t\xc3\xa9",
                                        "a.b",   "\xf0\x9f\x98\x80", "_ok",    "x#y"};
    TarnPartitionSpec spec = {.id = (int32_t)chance(5)};
    spec.fields = TARN_NEW_ARRAY(&arena, wanted + 1, TarnPartitionField);
    while (spec.field_count < wanted) {
        TarnPartitionField *field = &spec.fields[spec.field_count];
        TarnPrimitive result;
        *field = (TarnPartitionField){.source_id = model_column(),
                                      .field_id = 1000 + (int32_t)spec.field_count};
        field->name = tarn_base_arena_printf(&arena, "%s%zu", PICK(NAMES), spec.field_count);
        if (tarn_table_transform_parse(tarn_base_text(PICK(TRANSFORMS)), &field->transform) &&
            tarn_table_transform_result(field->transform, model_type(schema, field->source_id),
                                        &result)) {
            spec.field_count++;
        }
    }
    return spec;
}

static TarnText random_text(const char *prefix) {
    char *text = tarn_base_arena_printf(&arena, "%s%u", prefix, chance(1000000));
    return tarn_base_text(text);
}

static int64_t maybe(int64_t value) { return percent(80) ? value : TARN_ABSENT; }

static void random_columns(TarnDataFile *file) {
    file->columns = TARN_NEW_ARRAY(&arena, 8, TarnColumnMetrics);
    int32_t id = 0;
    size_t count = chance(8);
    for (size_t i = 0; i < count; i++) {
        id += 1 + (int32_t)chance(40);
        file->columns[i] = (TarnColumnMetrics){.field_id = id,
                                               .column_size = maybe(chance(1000)),
                                               .value_count = maybe(chance(1000)),
                                               .null_count = maybe(chance(10)),
                                               .nan_count = maybe(chance(3))};
        if (percent(70)) file->columns[i].lower = model_bytes(chance(12), &arena);
        if (percent(70)) file->columns[i].upper = model_bytes(chance(12), &arena);
        /* A column of which nothing is known leaves no trace in the file. */
        if (file->columns[i].column_size == TARN_ABSENT) file->columns[i].column_size = 1;
    }
    file->column_count = count;
}

static TarnManifestEntry random_entry(const TarnPartitionSpec *spec, bool deletes) {
    TarnManifestEntry entry = {.status = (TarnEntryStatus)chance(3),
                               .snapshot_id = maybe(1 + chance(1000)),
                               .sequence_number = maybe(chance(100)),
                               .file_sequence_number = maybe(chance(100))};
    if (entry.status != TARN_ENTRY_ADDED) {
        entry.sequence_number = chance(100);
        entry.file_sequence_number = chance(100);
    }
    TarnDataFile *file = &entry.file;
    *file = (TarnDataFile){.path = random_text("s3://b/data/\xc3\xa9-"),
                           .format = TARN_TEXT("PARQUET"),
                           .spec_id = spec->id,
                           .partition_count = spec->field_count,
                           .record_count = chance(100000),
                           .file_size = chance(1000000),
                           .sort_order_id = percent(50) ? (int32_t)chance(3) : -1,
                           .first_row_id = TARN_ABSENT,
                           .content_offset = TARN_ABSENT,
                           .content_size = TARN_ABSENT};
    if (deletes) {
        file->content = percent(50) ? TARN_CONTENT_POSITION_DELETES : TARN_CONTENT_EQUALITY_DELETES;
        if (percent(50)) file->referenced_data_file = random_text("s3://b/data/");
    }
    if (file->content == TARN_CONTENT_EQUALITY_DELETES) {
        static const int32_t IDS[] = {1, 3};
        file->equality_ids = tarn_base_arena_copy(&arena, IDS, sizeof(IDS));
        file->equality_id_count = 2;
    }
    if (percent(50)) {
        static const int64_t OFFSETS[] = {4, INT64_C(5000000000)};
        file->split_offsets = tarn_base_arena_copy(&arena, OFFSETS, sizeof(OFFSETS));
        file->split_offset_count = 1 + chance(2);
    }
    if (percent(10)) file->key_metadata = model_bytes(5, &arena);
    file->partition = TARN_NEW_ARRAY(&arena, spec->field_count, TarnLiteral);
    for (size_t i = 0; i < spec->field_count; i++) {
        TarnPrimitive type = model_type(schema, spec->fields[i].source_id);
        TarnPrimitive result;
        bool known = tarn_table_transform_result(spec->fields[i].transform, type, &result);
        TarnLiteral value = model_value(type, &arena);
        value.is_null = percent(15);
        CHECK(known);
        if (!tarn_table_transform_apply(spec->fields[i].transform, type, &value, &arena,
                                        &file->partition[i])) {
            file->partition[i] = (TarnLiteral){.is_null = true};
        }
        file->partition[i].kind = result.kind;
    }
    random_columns(file);
    return entry;
}

/* --- comparing --- */

static void check_same_file(const TarnDataFile *got, const TarnDataFile *want) {
    CHECK_INT(got->content, want->content);
    CHECK(same_text(got->path, want->path));
    CHECK(same_text(got->format, want->format));
    CHECK_INT(got->spec_id, want->spec_id);
    CHECK_INT(got->record_count, want->record_count);
    CHECK_INT(got->file_size, want->file_size);
    CHECK(same_text(got->key_metadata, want->key_metadata));
    CHECK_INT(got->sort_order_id, want->sort_order_id);
    CHECK(same_text(got->referenced_data_file, want->referenced_data_file));
    REQUIRE(got->split_offset_count == want->split_offset_count);
    for (size_t i = 0; i < want->split_offset_count; i++) {
        CHECK_INT(got->split_offsets[i], want->split_offsets[i]);
    }
    REQUIRE(got->equality_id_count == want->equality_id_count);
    for (size_t i = 0; i < want->equality_id_count; i++) {
        CHECK_INT(got->equality_ids[i], want->equality_ids[i]);
    }
    REQUIRE(got->partition_count == want->partition_count);
    for (size_t i = 0; i < want->partition_count; i++) {
        CHECK(got->partition[i].kind == want->partition[i].kind);
        CHECK(tarn_format_literal_equal(&got->partition[i], &want->partition[i]));
    }
    REQUIRE(got->column_count == want->column_count);
    for (size_t i = 0; i < want->column_count; i++) {
        const TarnColumnMetrics *a = &got->columns[i];
        const TarnColumnMetrics *b = &want->columns[i];
        CHECK(a->field_id == b->field_id && a->column_size == b->column_size &&
              a->value_count == b->value_count && a->null_count == b->null_count &&
              a->nan_count == b->nan_count);
        CHECK(same_text(a->lower, b->lower) && same_text(a->upper, b->upper));
    }
}

static const TarnManifestWriteOptions OPTIONS = {
    .format_version = 2, .snapshot_id = 4711, .sync_marker = {1, 2, 3, 4, 5, 6, 7, 8, 9}};

static TarnText write_entries(const TarnManifestEntry *entries, size_t count,
                              const TarnPartitionSpec *spec, bool deletes, TarnManifestFile *row) {
    TarnBuffer out;
    TarnManifestWriteOptions options = OPTIONS;
    options.is_deletes = deletes;
    tarn_base_buffer_init(&out, 256u << 20);
    *row = (TarnManifestFile){.path = TARN_TEXT("/t/metadata/m0.avro")};
    CHECK_OK(tarn_table_manifest_write(entries, count, schema, spec, &options, &out, &arena, row,
                                       &error),
             &error);
    TarnText bytes = {tarn_base_arena_copy(&arena, out.data, out.size), out.size};
    tarn_base_buffer_dispose(&out);
    return bytes;
}

static TarnManifest *read_bytes(TarnText bytes, const TarnManifestReadOptions *options) {
    TarnManifest *manifest = NULL;
    CHECK_OK(tarn_table_manifest_read(bytes, "m.avro", NULL, options, &arena, &manifest, &error),
             &error);
    if (manifest == NULL) exit(1);
    return manifest;
}

static void round_trips_random_entries(void) {
    printf("# seed 5\n");
    model_state = 5;
    for (int round = 0; round < 150 && tap_current_failures == 0; round++) {
        begin();
        bool deletes = percent(30);
        TarnPartitionSpec spec = random_spec(chance(6));
        size_t count = chance(round % 10 == 0 ? 2000 : 20);
        TarnManifestEntry *entries = TARN_NEW_ARRAY(&arena, count, TarnManifestEntry);
        for (size_t i = 0; i < count; i++) entries[i] = random_entry(&spec, deletes);
        TarnManifestFile row;
        TarnText bytes = write_entries(entries, count, &spec, deletes, &row);
        CHECK_INT(row.length, bytes.size);
        TarnManifest *manifest = read_bytes(bytes, NULL);
        CHECK_INT(manifest->format_version, 2);
        CHECK(manifest->is_deletes == deletes);
        CHECK_INT(manifest->spec.id, spec.id);
        REQUIRE(manifest->entry_count == count);
        for (size_t i = 0; i < count && tap_current_failures == 0; i++) {
            const TarnManifestEntry *got = &manifest->entries[i];
            CHECK_INT(got->status, entries[i].status);
            CHECK_INT(got->snapshot_id,
                      entries[i].snapshot_id != TARN_ABSENT ? entries[i].snapshot_id : 4711);
            CHECK_INT(got->sequence_number, entries[i].sequence_number);
            CHECK_INT(got->file_sequence_number, entries[i].file_sequence_number);
            check_same_file(&got->file, &entries[i].file);
        }
    }
}

static void keeps_only_wanted_metrics(void) {
    begin();
    model_state = 9;
    TarnPartitionSpec spec = random_spec(1);
    TarnManifestEntry entry = random_entry(&spec, false);
    static TarnColumnMetrics columns[4];
    for (int32_t i = 0; i < 4; i++) {
        columns[i] = (TarnColumnMetrics){.field_id = i * 2 + 1,
                                         .column_size = i,
                                         .value_count = 9,
                                         .null_count = TARN_ABSENT,
                                         .nan_count = TARN_ABSENT,
                                         .lower = TARN_TEXT("a"),
                                         .upper = TARN_TEXT("")};
    }
    entry.file.columns = columns;
    entry.file.column_count = 4;
    TarnManifestFile row;
    TarnText bytes = write_entries(&entry, 1, &spec, false, &row);
    static const int32_t IDS[] = {2, 3, 7};
    TarnManifestReadOptions some = {.field_ids = IDS, .field_id_count = 3};
    TarnManifest *manifest = read_bytes(bytes, &some);
    REQUIRE(manifest->entries[0].file.column_count == 2);
    CHECK_INT(manifest->entries[0].file.columns[0].field_id, 3);
    CHECK_INT(manifest->entries[0].file.columns[1].field_id, 7);
    CHECK_INT(manifest->entries[0].file.columns[1].column_size, 3);
    CHECK(manifest->entries[0].file.columns[1].upper.data != NULL); /* empty is not absent */
    CHECK_INT(manifest->entries[0].file.columns[1].upper.size, 0);
    TarnManifestReadOptions none = {.without_metrics = true};
    CHECK_INT(read_bytes(bytes, &none)->entries[0].file.column_count, 0);
}

/* --- the header and the schema, as readers elsewhere need them --- */

static void writes_the_names_and_ids_readers_need(void) {
    begin();
    model_state = 3;
    TarnPartitionSpec spec = {.id = 6, .field_count = 3};
    TarnPartitionField fields[3] = {{.source_id = 13, .field_id = 1000, .name = "u 1"},
                                    {.source_id = 13, .field_id = 1001, .name = "2u"},
                                    {.source_id = 6, .field_id = 1002, .name = "dec"}};
    spec.fields = fields;
    TarnManifestEntry entry = random_entry(&spec, false);
    TarnManifestFile row;
    TarnText bytes = write_entries(&entry, 1, &spec, false, &row);
    TarnAvroReader *reader = NULL;
    REQUIRE_OK(tarn_format_avro_reader_open(bytes, "m", &arena, &reader, &error), &error);
    const char *const KEYS[][2] = {
        {"schema-id", "0"},
        {"partition-spec-id", "6"},
        {"format-version", "2"},
        {"content", "data"},
        {"partition-spec",
         "[{\"name\":\"u 1\",\"transform\":\"identity\",\"source-id\":13,\"field-id\":1000},"
         "{\"name\":\"2u\",\"transform\":\"identity\",\"source-id\":13,\"field-id\":1001},"
         "{\"name\":\"dec\",\"transform\":\"identity\",\"source-id\":6,\"field-id\":1002}]"}};
    for (size_t i = 0; i < 5; i++) {
        TarnText value = {0};
        CHECK(tarn_format_avro_reader_metadata(reader, KEYS[i][0], &value));
        CHECK_STRING(tarn_base_text_string(&arena, value), KEYS[i][1]);
    }
    const TarnAvroSchema *root = tarn_format_avro_reader_schema(reader);
    CHECK(tarn_base_text_is(root->full_name, "manifest_entry"));
    const TarnAvroField *file = tarn_format_avro_schema_field_by_id(root, 2);
    REQUIRE(file != NULL);
    CHECK(tarn_base_text_is(file->type->full_name, "r2"));
    const TarnAvroField *partition = tarn_format_avro_schema_field_by_id(file->type, 102);
    REQUIRE(partition != NULL && partition->type->field_count == 3);
    CHECK(tarn_base_text_is(partition->type->full_name, "r102"));
    CHECK(tarn_base_text_is(partition->type->fields[0].name, "u_x201"));
    CHECK(tarn_base_text_is(partition->type->fields[1].name, "_2u"));
    const TarnAvroSchema *decimal = tarn_format_avro_schema_required(
        partition->type->fields[2].type);
    CHECK(decimal->kind == TARN_AVRO_FIXED && decimal->size == 4 && decimal->precision == 9);
    const TarnAvroField *bounds = tarn_format_avro_schema_field_by_id(file->type, 125);
    REQUIRE(bounds != NULL);
    const TarnAvroSchema *map = tarn_format_avro_schema_required(bounds->type);
    CHECK(map->kind == TARN_AVRO_ARRAY && map->logical == TARN_AVRO_LOGICAL_MAP);
    CHECK(tarn_base_text_is(map->item->full_name, "k126_v127"));
    CHECK_INT(map->item->fields[0].field_id, 126);
    CHECK_INT(map->item->fields[1].field_id, 127);
    tarn_format_avro_reader_close(reader);
}

static void fills_the_row_of_the_list(void) {
    begin();
    model_state = 4;
    TarnPartitionField fields[1] = {{.source_id = 5, .field_id = 1000, .name = "d"}};
    TarnPartitionSpec spec = {.id = 1, .fields = fields, .field_count = 1};
    TarnManifestEntry entries[6];
    const double values[6] = {1.5, -0.0, NAN, 0, 0.0, 7};
    for (size_t i = 0; i < 6; i++) {
        entries[i] = random_entry(&spec, false);
        entries[i].status = TARN_ENTRY_EXISTING;
        entries[i].sequence_number = entries[i].file_sequence_number = 20 + (int64_t)i;
        entries[i].file.record_count = 10;
        entries[i].file.partition[0] = (TarnLiteral){.kind = TARN_TYPE_DOUBLE, .is_null = i == 3};
        entries[i].file.partition[0].as.real = values[i];
    }
    entries[0].status = TARN_ENTRY_DELETED;
    entries[0].sequence_number = 2; /* deleted: not in the minimum */
    entries[5].status = TARN_ENTRY_ADDED;
    entries[5].sequence_number = entries[5].file_sequence_number = TARN_ABSENT;
    TarnManifestFile row;
    write_entries(entries, 6, &spec, false, &row);
    CHECK_INT(row.added_files, 1);
    CHECK_INT(row.existing_files, 4);
    CHECK_INT(row.deleted_files, 1);
    CHECK_INT(row.existing_rows, 40);
    CHECK_INT(row.min_sequence_number, 21);
    CHECK_INT(row.sequence_number, TARN_ABSENT);
    CHECK_INT(row.added_snapshot_id, 4711);
    REQUIRE(row.partition_count == 1);
    CHECK(row.partitions[0].contains_null);
    CHECK_INT(row.partitions[0].contains_nan, 1);
    CHECK(same_text(row.partitions[0].lower, (TarnText){"\0\0\0\0\0\0\0\x80", 8}));   /* -0.0 */
    CHECK(same_text(row.partitions[0].upper, (TarnText){"\0\0\0\0\0\0\x1c\x40", 8})); /* 7.0 */
}

static void refuses_entries_that_do_not_belong(void) {
    begin();
    model_state = 6;
    TarnPartitionSpec spec = random_spec(1);
    TarnManifestFile row = {.path = TARN_TEXT("m")};
    TarnBuffer out;
    tarn_base_buffer_init(&out, 1u << 20);
    for (int fault = 0; fault < 6; fault++) {
        TarnManifestEntry entry = random_entry(&spec, false);
        TarnManifestWriteOptions options = OPTIONS;
        TarnErrorCode code = TARN_E_METADATA_INVALID;
        entry.status = TARN_ENTRY_ADDED;
        if (fault == 0) entry.file.content = TARN_CONTENT_POSITION_DELETES;
        if (fault == 1) entry.file.partition_count = 0;
        if (fault == 2) {
            entry.status = TARN_ENTRY_EXISTING;
            entry.sequence_number = TARN_ABSENT;
        }
        if (fault == 3) entry.file.record_count = -1;
        if (fault == 4) {
            entry.file.partition[0] = (TarnLiteral){.kind = TARN_TYPE_VARIANT};
        }
        if (fault == 5) {
            options.format_version = 4;
            code = TARN_E_FORMAT_UNSUPPORTED;
        }
        tarn_base_error_clear(&error);
        CHECK(!tarn_table_manifest_write(&entry, 1, schema, &spec, &options, &out, &arena, &row,
                                         &error));
        CHECK_INT(error.code, code);
    }
    tarn_base_buffer_dispose(&out);
}

/* --- what others write --- */

static void check_golden(const char *name, int32_t version) {
    TarnManifest *manifest = read_bytes(read_golden(name), NULL);
    CHECK_INT(manifest->format_version, version);
    CHECK(!manifest->is_deletes);
    CHECK_INT(manifest->spec.id, 4);
    REQUIRE(manifest->spec.field_count == 22 && manifest->entry_count == 2);
    const TarnManifestEntry *entry = &manifest->entries[0];
    CHECK_INT(entry->status, TARN_ENTRY_ADDED);
    CHECK_INT(entry->snapshot_id, 99);
    CHECK_INT(entry->sequence_number, TARN_ABSENT);
    CHECK_STRING(tarn_base_text_string(&arena, entry->file.path), "s3://b/\xc3\xa9/0.parquet");
    CHECK_STRING(tarn_base_text_string(&arena, entry->file.format), "PARQUET");
    CHECK_INT(entry->file.record_count, 100);
    CHECK_INT(entry->file.file_size, 1000);
    REQUIRE(entry->file.column_count == 2 && entry->file.split_offset_count == 2);
    CHECK_INT(entry->file.columns[0].null_count, TARN_ABSENT);
    CHECK_INT(entry->file.columns[1].null_count, 0);
    CHECK(same_text(entry->file.columns[1].lower, (TarnText){"\xf9\xff\xff\xff", 4}));
    const TarnLiteral *p = entry->file.partition;
    CHECK(p[0].kind == TARN_TYPE_BOOLEAN && p[0].as.boolean);
    CHECK(p[1].kind == TARN_TYPE_INT && p[1].as.integer == -7);
    CHECK(p[2].kind == TARN_TYPE_LONG && p[2].as.integer == INT64_C(-5000000000));
    CHECK(p[3].kind == TARN_TYPE_FLOAT && p[3].as.real == -1.5);
    CHECK(p[4].kind == TARN_TYPE_DOUBLE && p[4].as.real == 0.25);
    CHECK(p[5].kind == TARN_TYPE_DECIMAL && p[5].as.decimal == -1420);
    CHECK(p[6].kind == TARN_TYPE_DATE && p[6].as.integer == -1);
    CHECK(p[7].kind == TARN_TYPE_TIME && p[7].as.integer == INT64_C(81068000000));
    CHECK(p[8].kind == TARN_TYPE_TIMESTAMP && p[8].as.integer == -1);
    CHECK(p[9].kind == TARN_TYPE_TIMESTAMPTZ && p[9].as.integer == INT64_C(1510871468000000));
    CHECK(p[10].kind == TARN_TYPE_STRING &&
          tarn_base_text_is(p[10].as.bytes, "\xc3\xa9\xf0\x9f\x98\x80xyz"));
    CHECK(p[11].kind == TARN_TYPE_UUID && p[11].as.bytes.size == 16 &&
          memcmp(p[11].as.bytes.data, "\xf7\x9c\x3e\x09", 4) == 0);
    CHECK(p[12].kind == TARN_TYPE_FIXED && tarn_base_text_is(p[12].as.bytes, "abcd"));
    CHECK(p[13].kind == TARN_TYPE_BINARY && p[13].as.bytes.size == 4);
    CHECK(p[14].kind == TARN_TYPE_INT && p[14].as.integer == 5);                     /* bucket */
    CHECK(p[15].kind == TARN_TYPE_LONG && p[15].as.integer == INT64_C(-5000000000)); /* truncate */
    CHECK(p[16].kind == TARN_TYPE_DATE && p[16].as.integer == -1);                   /* day */
    CHECK(p[17].as.integer == -1 && p[18].as.integer == -1 && p[19].as.integer == 47);
    CHECK(tarn_base_text_is(p[20].as.bytes, "\xc3\xa9\xf0\x9f\x98\x80"));
    CHECK(p[21].is_null);
    for (size_t i = 0; i < 22; i++) CHECK(manifest->entries[1].file.partition[i].is_null);
}

static void reads_manifests_of_pyiceberg(void) {
    begin();
    check_golden("pyiceberg-v1.avro", 1);
    check_golden("pyiceberg-v2.avro", 2);
}

#define FOREIGN_HEAD                                                                               \
    "{\"type\":\"record\",\"name\":\"other\",\"fields\":["                                         \
    "{\"name\":\"df\",\"field-id\":2,\"type\":{\"type\":\"record\",\"name\":\"whatever\","         \
    "\"fields\":[{\"name\":\"fmt\",\"type\":\"string\",\"field-id\":101},"                         \
    "{\"name\":\"where\",\"type\":\"string\",\"field-id\":100},"                                   \
    "{\"name\":\"part\",\"field-id\":102,\"type\":{\"type\":\"record\",\"name\":\"p\","            \
    "\"fields\":["
#define FOREIGN_TAIL                                                                               \
    "]}},"                                                                                         \
    "{\"name\":\"rows\",\"type\":\"long\",\"field-id\":103},"                                      \
    "{\"name\":\"bytes\",\"type\":\"long\",\"field-id\":104}]}},"                                  \
    "{\"name\":\"st\",\"type\":\"int\",\"field-id\":0}]}"

/* Fields in another order under other names; the day as a plain int; a partition field the spec
 * does not have; one of the spec's missing. */
static void reads_by_field_id_alone(void) {
    begin();
    TarnBuffer object;
    tarn_base_buffer_init(&object, 1024);
    tarn_format_avro_put_bytes(&object, TARN_TEXT("parquet"));
    tarn_format_avro_put_bytes(&object, TARN_TEXT("/t/a.parquet"));
    tarn_format_avro_put_bytes(&object, TARN_TEXT("noise"));
    tarn_format_avro_put_branch(&object, 1);
    tarn_format_avro_put_long(&object, 17486);
    tarn_format_avro_put_long(&object, 5);
    tarn_format_avro_put_long(&object, 50);
    tarn_format_avro_put_long(&object, 1);
    TarnText bytes = container(
        FOREIGN_HEAD
        "{\"name\":\"n\",\"type\":\"string\",\"field-id\":1077},"
        "{\"name\":\"day_of\",\"type\":[\"null\",\"int\"],\"field-id\":1003}" FOREIGN_TAIL,
        &object, "1",
        /* the object form of the spec */
        "{\"spec-id\":0,\"fields\":["
        "{\"name\":\"i\",\"transform\":\"identity\",\"source-id\":2,\"field-id\":1002},"
        "{\"name\":\"ts_day\",\"transform\":\"day\",\"source-id\":9,\"field-id\":1003}]}");
    tarn_base_buffer_dispose(&object);
    TarnManifest *manifest = read_bytes(bytes, NULL);
    REQUIRE(manifest->entry_count == 1 && manifest->spec.field_count == 2);
    const TarnDataFile *file = &manifest->entries[0].file;
    CHECK(tarn_base_text_is(file->path, "/t/a.parquet"));
    CHECK_INT(file->record_count, 5);
    CHECK_INT(file->sort_order_id, -1);
    CHECK(file->partition[0].is_null && file->partition[0].kind == TARN_TYPE_INT);
    CHECK(file->partition[1].kind == TARN_TYPE_DATE && file->partition[1].as.integer == 17486);
}

typedef struct Foreign {
    int64_t status, rows, size;
    const char *path;
    const char *expected;
} Foreign;

static void refuses_broken_entries(void) {
    static const Foreign CASES[] = {{7, 1, 1, "/a", "its status is not 0, 1 or 2"},
                                    {1, -1, 1, "/a", "its record count is negative"},
                                    {1, 1, -5, "/a", "its file size is negative"},
                                    {1, 1, 1, "", "its file path is empty"}};
    for (size_t i = 0; i < 4; i++) {
        begin();
        TarnBuffer object;
        TarnManifest *manifest = NULL;
        tarn_base_buffer_init(&object, 1024);
        tarn_format_avro_put_bytes(&object, TARN_TEXT("parquet"));
        tarn_format_avro_put_bytes(&object, tarn_base_text(CASES[i].path));
        tarn_format_avro_put_long(&object, CASES[i].rows);
        tarn_format_avro_put_long(&object, CASES[i].size);
        tarn_format_avro_put_long(&object, CASES[i].status);
        TarnText bytes = container(FOREIGN_HEAD FOREIGN_TAIL, &object, "2", "[]");
        tarn_base_buffer_dispose(&object);
        CHECK(
            !tarn_table_manifest_read(bytes, "broken.avro", NULL, NULL, &arena, &manifest, &error));
        CHECK_INT(error.code, TARN_E_METADATA_INVALID);
        CHECK(strstr(error.message, CASES[i].expected) != NULL);
        CHECK(strstr(error.message, "broken.avro") != NULL);
    }
    begin();
    TarnBuffer object;
    TarnManifest *manifest = NULL;
    tarn_base_buffer_init(&object, 16);
    CHECK(!tarn_table_manifest_read(container(FOREIGN_HEAD FOREIGN_TAIL, &object, "4", "[]"), "m",
                                    NULL, NULL, &arena, &manifest, &error));
    CHECK_INT(error.code, TARN_E_FORMAT_UNSUPPORTED);
    tarn_base_buffer_dispose(&object);
}

static void a_partition_value_of_the_wrong_type_is_named(void) {
    begin();
    TarnBuffer object;
    TarnManifest *manifest = NULL;
    tarn_base_buffer_init(&object, 1024);
    tarn_format_avro_put_bytes(&object, TARN_TEXT("parquet"));
    tarn_format_avro_put_bytes(&object, TARN_TEXT("/a"));
    tarn_format_avro_put_bytes(&object, TARN_TEXT("text"));
    for (int i = 0; i < 3; i++) tarn_format_avro_put_long(&object, 1);
    TarnText bytes = container(
        FOREIGN_HEAD "{\"name\":\"i\",\"type\":\"string\",\"field-id\":1000}" FOREIGN_TAIL, &object,
        "2", "[{\"name\":\"i\",\"transform\":\"identity\",\"source-id\":2,\"field-id\":1000}]");
    tarn_base_buffer_dispose(&object);
    CHECK(!tarn_table_manifest_read(bytes, "m", NULL, NULL, &arena, &manifest, &error));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    CHECK(strstr(error.message, "partition field \"i\"") != NULL);
}

/* --- version 3 --- */

static bool write_version_3(const TarnManifestEntry *entry, bool is_deletes, TarnManifest **got) {
    TarnPartitionSpec spec = {.id = 0};
    TarnManifestWriteOptions options = {
        .format_version = 3, .is_deletes = is_deletes, .snapshot_id = 1};
    TarnManifestFile row = {.path = TARN_TEXT("m")};
    TarnBuffer out;
    tarn_base_buffer_init(&out, 1u << 20);
    bool done = tarn_table_manifest_write(entry, 1, schema, &spec, &options, &out, &arena, &row,
                                          &error);
    TarnText bytes = {tarn_base_arena_copy(&arena, out.data, out.size), out.size};
    tarn_base_buffer_dispose(&out);
    return done && tarn_table_manifest_read(bytes, "m", NULL, NULL, &arena, got, &error);
}

static void version_3_entries_come_back(void) {
    begin();
    TarnManifest *got = NULL;
    TarnManifestEntry entry = {.status = TARN_ENTRY_EXISTING,
                               .snapshot_id = 4,
                               .sequence_number = 2,
                               .file_sequence_number = 2,
                               .file = {.path = TARN_TEXT("/t/f.parquet"),
                                        .format = TARN_TEXT("PARQUET"),
                                        .record_count = 3,
                                        .sort_order_id = -1,
                                        .first_row_id = 70,
                                        .content_offset = TARN_ABSENT,
                                        .content_size = TARN_ABSENT}};
    REQUIRE_OK(write_version_3(&entry, false, &got), &error);
    CHECK_INT(got->format_version, 3);
    CHECK_INT(got->entries[0].file.first_row_id, 70);
    CHECK_INT(got->entries[0].file.content_offset, TARN_ABSENT);
    CHECK(got->entries[0].file.referenced_data_file.data == NULL);
    entry.file.first_row_id = TARN_ABSENT;
    REQUIRE_OK(write_version_3(&entry, false, &got), &error);
    CHECK_INT(got->entries[0].file.first_row_id, TARN_ABSENT);
    entry.file.content = TARN_CONTENT_POSITION_DELETES;
    entry.file.path = TARN_TEXT("/t/d.puffin");
    entry.file.format = TARN_TEXT("PUFFIN");
    entry.file.referenced_data_file = TARN_TEXT("/t/f.parquet");
    entry.file.content_offset = 4;
    entry.file.content_size = 58;
    entry.file.first_row_id = 70; /* a delete file has none */
    REQUIRE_OK(write_version_3(&entry, true, &got), &error);
    CHECK(tarn_table_file_is_deletion_vector(&got->entries[0].file));
    CHECK(tarn_base_text_is(got->entries[0].file.referenced_data_file, "/t/f.parquet"));
    CHECK_INT(got->entries[0].file.content_offset, 4);
    CHECK_INT(got->entries[0].file.content_size, 58);
    CHECK_INT(got->entries[0].file.first_row_id, TARN_ABSENT);
    entry.file.content_size = TARN_ABSENT; /* nobody could read it */
    CHECK(!write_version_3(&entry, true, &got));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
}

static void deletion_vectors_are_told_by_their_format(void) {
    TarnDataFile file = {.content = TARN_CONTENT_POSITION_DELETES, .format = TARN_TEXT("Puffin")};
    CHECK(tarn_table_file_is_deletion_vector(&file));
    file.format = TARN_TEXT("PARQUET");
    CHECK(!tarn_table_file_is_deletion_vector(&file));
    file.format = TARN_TEXT("puffins");
    CHECK(!tarn_table_file_is_deletion_vector(&file));
    file.format = TARN_TEXT("puffin");
    file.content = TARN_CONTENT_DATA;
    CHECK(!tarn_table_file_is_deletion_vector(&file));
}

/* --- inheritance --- */

static TarnManifestEntry plain_entry(TarnEntryStatus status, int64_t sequence, int64_t rows) {
    TarnManifestEntry entry = {.status = status,
                               .snapshot_id = TARN_ABSENT,
                               .sequence_number = sequence,
                               .file_sequence_number = sequence};
    entry.file.record_count = rows;
    entry.file.first_row_id = TARN_ABSENT;
    return entry;
}

static void inherits_from_the_list(void) {
    begin();
    TarnManifestEntry entries[4] = {plain_entry(TARN_ENTRY_ADDED, TARN_ABSENT, 10),
                                    plain_entry(TARN_ENTRY_DELETED, TARN_ABSENT, 100),
                                    plain_entry(TARN_ENTRY_EXISTING, 3, 20),
                                    plain_entry(TARN_ENTRY_ADDED, 2, 5)};
    TarnManifestFile row = {.path = TARN_TEXT("m"),
                            .sequence_number = 9,
                            .added_snapshot_id = 77,
                            .first_row_id = 1000};
    TarnManifest manifest = {.format_version = 2, .entries = entries, .entry_count = 4};
    entries[2].file.first_row_id = 500;
    REQUIRE_OK(tarn_table_manifest_inherit(&manifest, &row, &error), &error);
    CHECK_INT(entries[0].sequence_number, 9);
    CHECK_INT(entries[0].file_sequence_number, 9);
    CHECK_INT(entries[0].snapshot_id, 77);
    CHECK_INT(entries[1].sequence_number, TARN_ABSENT); /* never inherited */
    CHECK_INT(entries[2].sequence_number, 3);
    CHECK_INT(entries[3].sequence_number, 2);
    CHECK_INT(entries[0].file.first_row_id, 1000);
    CHECK_INT(entries[1].file.first_row_id, TARN_ABSENT);
    CHECK_INT(entries[2].file.first_row_id, 500);
    CHECK_INT(entries[3].file.first_row_id, 1010);

    entries[2] = plain_entry(TARN_ENTRY_EXISTING, TARN_ABSENT, 1);
    CHECK(!tarn_table_manifest_inherit(&manifest, &row, &error));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    manifest.format_version = 1; /* inside a version 2 table: everything is as old as can be */
    row.sequence_number = 0;
    REQUIRE_OK(tarn_table_manifest_inherit(&manifest, &row, &error), &error);
    for (size_t i = 0; i < 4; i++) CHECK_INT(entries[i].sequence_number, 0);
}

/* --- broken files and small memory --- */

static void truncated_files_are_refused_at_each_byte(void) {
    begin();
    model_state = 12;
    TarnPartitionSpec spec = random_spec(3);
    TarnManifestEntry entries[3];
    for (size_t i = 0; i < 3; i++) entries[i] = random_entry(&spec, false);
    TarnManifestFile row;
    TarnText bytes = write_entries(entries, 3, &spec, false, &row);
    for (size_t size = 0; size < bytes.size; size++) {
        TarnArena small;
        TarnManifest *manifest = NULL;
        char *copy = malloc(size > 0 ? size : 1); /* exact, so that the sanitizer sees the end */
        memcpy(copy, bytes.data, size);
        tarn_base_arena_init(&small, 16u << 20);
        bool done = tarn_table_manifest_read((TarnText){copy, size}, "m", NULL, NULL, &small,
                                             &manifest, &error);
        /* A file may end behind its header: an empty manifest. */
        if (done) CHECK_INT(manifest->entry_count, 0);
        tarn_base_arena_dispose(&small);
        free(copy);
    }
}

static void flipped_bits_do_not_crash(void) {
    begin();
    model_state = 13;
    TarnPartitionSpec spec = random_spec(3);
    TarnManifestEntry entries[3];
    for (size_t i = 0; i < 3; i++) entries[i] = random_entry(&spec, false);
    TarnManifestFile row;
    TarnText bytes = write_entries(entries, 3, &spec, false, &row);
    char *copy = malloc(bytes.size);
    size_t refused = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        TarnArena small;
        TarnManifest *manifest = NULL;
        memcpy(copy, bytes.data, bytes.size);
        copy[i] = (char)(copy[i] ^ (1 << chance(8)));
        tarn_base_arena_init(&small, 64u << 20);
        refused += !tarn_table_manifest_read((TarnText){copy, bytes.size}, "m", NULL, NULL, &small,
                                             &manifest, &error);
        tarn_base_arena_dispose(&small);
    }
    free(copy);
    CHECK(refused > bytes.size / 10);
}

static void small_arenas_fail_cleanly(void) {
    begin();
    TarnText manifest_bytes = read_golden("pyiceberg-v2.avro");
    TarnText list_bytes = read_golden("pyiceberg-list-v2.avro");
    bool passed = false;
    for (size_t limit = 0; limit < (1u << 20) && !passed; limit += 512) {
        TarnArena small;
        TarnManifest *manifest = NULL;
        TarnManifestFile *rows = NULL;
        TarnManifestFile row = {.path = TARN_TEXT("m")};
        size_t count = 0;
        TarnBuffer out;
        tarn_base_arena_init(&small, limit);
        tarn_base_buffer_init(&out, 1u << 20);
        tarn_base_error_clear(&error);
        passed = tarn_table_manifest_list_read(list_bytes, "l", &small, &rows, &count, &error) &&
                 tarn_table_manifest_read(manifest_bytes, "m", NULL, NULL, &small, &manifest,
                                          &error);
        if (passed) {
            TarnSchema other = *schema; /* without the columns: types come from the values */
            other.field_count = 0;
            manifest->spec.field_count = 5;
            for (size_t i = 0; i < manifest->entry_count; i++) {
                manifest->entries[i].file.partition_count = 5;
            }
            passed = tarn_table_manifest_write(manifest->entries, manifest->entry_count, &other,
                                               &manifest->spec, &OPTIONS, &out, &small, &row,
                                               &error);
        }
        if (!passed) CHECK_INT(error.code, TARN_E_OUT_OF_MEMORY);
        tarn_base_buffer_dispose(&out);
        tarn_base_arena_dispose(&small);
    }
    CHECK(passed);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(round_trips_random_entries);
    TAP_TEST(keeps_only_wanted_metrics);
    TAP_TEST(writes_the_names_and_ids_readers_need);
    TAP_TEST(fills_the_row_of_the_list);
    TAP_TEST(refuses_entries_that_do_not_belong);
    TAP_TEST(reads_manifests_of_pyiceberg);
    TAP_TEST(reads_by_field_id_alone);
    TAP_TEST(refuses_broken_entries);
    TAP_TEST(a_partition_value_of_the_wrong_type_is_named);
    TAP_TEST(version_3_entries_come_back);
    TAP_TEST(deletion_vectors_are_told_by_their_format);
    TAP_TEST(inherits_from_the_list);
    TAP_TEST(truncated_files_are_refused_at_each_byte);
    TAP_TEST(flipped_bits_do_not_crash);
    TAP_TEST(small_arenas_fail_cleanly);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
