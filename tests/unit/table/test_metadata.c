/* Table metadata: what is read, what is kept, what is refused and where, how things are found. */
#include <zlib.h>

#include "metadata_test.h"

/* ---- reading ---- */

static void reads_version_2(void) {
    begin();
    TarnTableMetadata *metadata = parse_file("v2.json");
    CHECK_INT(metadata->format_version, 2);
    CHECK_STRING(metadata->uuid, "0f5f1b52-6a1c-4d8e-9b1e-2f6f3a9f0c11");
    CHECK_STRING(metadata->location, "s3://lake/raw/flights");
    CHECK_INT(metadata->last_sequence_number, 34);
    CHECK_INT(metadata->last_updated_ms, 1760000003000);
    CHECK_INT(metadata->last_column_id, 6);
    CHECK_INT(metadata->last_partition_id, 1001);
    CHECK_INT(metadata->schema_count, 2);
    CHECK_INT(tarn_table_metadata_current_schema(metadata)->field_count, 4);
    CHECK_INT(tarn_table_metadata_default_spec(metadata)->field_count, 2);
    CHECK_INT(tarn_table_metadata_default_sort_order(metadata)->fields[0].descending, true);
    CHECK_INT(metadata->property_count, 2);
    CHECK_STRING(metadata->properties[1].value, "caf\xC3\xA9 \"ops\"");
    CHECK_INT(metadata->snapshot_count, 3);
    const TarnSnapshot *second = &metadata->snapshots[1];
    CHECK_INT(second->id, 3002);
    CHECK_INT(second->parent_id, 3001);
    CHECK_INT(second->sequence_number, 20);
    CHECK_STRING(second->operation, "overwrite");
    CHECK_INT(second->summary_count, 2);
    CHECK_STRING(second->summary[0].key, "added-records");
    CHECK_STRING(second->summary[1].value, "\xF0\x9F\x98\x80");
    CHECK_INT(second->schema_id, 1);
    CHECK_INT(second->first_row_id, TARN_ABSENT);
    CHECK_INT(metadata->snapshots[0].parent_id, TARN_ABSENT);
    CHECK_INT(metadata->ref_count, 3);
    const TarnSnapshotRef *audit = tarn_table_metadata_ref(metadata, "audit");
    REQUIRE(audit != NULL);
    CHECK_INT(audit->min_snapshots_to_keep, 5);
    CHECK_INT(audit->max_snapshot_age_ms, 86400000);
    CHECK_INT(audit->max_ref_age_ms, 604800000);
    CHECK(!audit->is_tag);
    CHECK(tarn_table_metadata_ref(metadata, "2025-10")->is_tag);
    CHECK_INT(metadata->snapshot_log_count, 3);
    CHECK_INT(metadata->metadata_log_count, 3);
    CHECK_STRING(metadata->metadata_log[2].metadata_file,
                 "s3://lake/raw/flights/metadata/00002.metadata.json");
    CHECK_INT(metadata->statistics_count, 2);
    CHECK_INT(metadata->statistics[1].snapshot_id, 3003);
    CHECK_INT(metadata->partition_statistics_count, 1);
}

static void reads_version_1(void) {
    begin();
    TarnTableMetadata *metadata = parse_file("v1.json");
    CHECK_INT(metadata->schema_count, 1);
    CHECK_INT(metadata->current_schema_id, 0);
    CHECK_INT(metadata->spec_count, 1);
    CHECK_INT(metadata->specs[0].fields[0].field_id, 1000);
    CHECK_INT(metadata->last_partition_id, 1000);
    CHECK_INT(metadata->sort_order_count, 1);
    CHECK_INT(metadata->default_sort_order_id, 0);
    CHECK_INT(metadata->last_sequence_number, 0);
    CHECK(metadata->snapshots[0].manifest_list == NULL);
    CHECK(metadata->snapshots[0].operation == NULL);
    CHECK_INT(metadata->snapshots[1].sequence_number, 0);
    CHECK_INT(metadata->ref_count, 1); /* main, from the current snapshot */
    CHECK_STRING(metadata->refs[0].name, "main");
    CHECK_INT(metadata->refs[0].snapshot_id, 77);
    /* A version 1 without a uuid is legal. */
    TarnText text = edit(read_test_file("v1.json"),
                         "\"table-uuid\": \"d20125c8-7284-442c-9aea-15fee620737c\",", "");
    CHECK_OK(tarn_table_metadata_parse(text, "v1", &arena, &metadata, &error), &error);
    CHECK(metadata->uuid == NULL);
}

static void reads_version_3(void) {
    begin();
    TarnTableMetadata *metadata = parse_file("v3.json");
    CHECK_INT(metadata->next_row_id, 1000);
    CHECK_INT(metadata->snapshots[0].first_row_id, 0);
    CHECK_INT(metadata->snapshots[0].added_rows, 1000);
    CHECK_INT(metadata->sort_order_count, 0);
    CHECK_INT(tarn_table_metadata_default_sort_order(metadata)->field_count, 0);
    CHECK(tarn_table_metadata_current_schema(metadata)->fields[0].initial_default != NULL);
}

static void tolerates_what_writers_do(void) {
    TarnTableMetadata *metadata = NULL;
    begin();
    TarnText v2 = read_test_file("v2.json");
    /* no refs: main is the current snapshot */
    TarnText text = edit(v2, "\"refs\"", "\"x-refs\"");
    REQUIRE_OK(tarn_table_metadata_parse(text, "t", &arena, &metadata, &error), &error);
    CHECK_INT(metadata->ref_count, 1);
    CHECK_INT(metadata->refs[0].snapshot_id, 3003);
    /* no current snapshot, but main */
    static const char *const none[] = {"\"current-snapshot-id\": -1,",
                                       "\"current-snapshot-id\": null,", ""};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        text = edit(v2, "\"current-snapshot-id\": 3003,", none[i]);
        REQUIRE_OK(tarn_table_metadata_parse(text, "t", &arena, &metadata, &error), &error);
        CHECK_INT(metadata->current_snapshot_id, 3003);
        text = edit(text, "\"main\"", "\"other\"");
        REQUIRE_OK(tarn_table_metadata_parse(text, "t", &arena, &metadata, &error), &error);
        CHECK_INT(metadata->current_snapshot_id, TARN_ABSENT);
        CHECK(tarn_table_metadata_current_snapshot(metadata) == NULL);
        CHECK(tarn_table_metadata_ref(metadata, "main") == NULL);
    }
    /* a parent of -1, a last-partition-id that forgot an older spec */
    text = edit(v2, "\"snapshot-id\": 3002, \"parent-snapshot-id\": 3001",
                "\"snapshot-id\": 3002, \"parent-snapshot-id\": -1");
    text = edit(text, "\"last-partition-id\": 1001", "\"last-partition-id\": 999");
    REQUIRE_OK(tarn_table_metadata_parse(text, "t", &arena, &metadata, &error), &error);
    CHECK_INT(metadata->snapshots[1].parent_id, TARN_ABSENT);
    CHECK_INT(metadata->last_partition_id, 1001);
}

/* ---- writing ---- */

static void keeps_what_it_does_not_know(void) {
    static const char *const names[] = {"v1.json", "v2.json", "v3.json", "pyiceberg.json"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        begin();
        TarnText text = read_test_file(names[i]);
        TarnTableMetadata *metadata = parse_file(names[i]);
        TarnText written = write_text(metadata);
        TarnTableMetadata *again = reread(metadata);
        CHECK(same_text(written, write_text(again)));
        /* What the writer adds on purpose, taken off both. */
        if (i == 0) {
            TarnJson *root = NULL;
            REQUIRE_OK(tarn_base_json_parse(written, "w", &arena, &root, &error), &error);
            CHECK(tarn_base_json_member(root, "refs") != NULL);
            CHECK(tarn_base_json_member(root, "last-sequence-number") == NULL);
            const TarnJson *schema = tarn_base_json_member(root, "schema");
            CHECK(tarn_base_json_member(schema, "x-schema") != NULL);
            const TarnJson *schemas = tarn_base_json_member(root, "schemas");
            CHECK(tarn_base_json_member(tarn_base_json_at(schemas, 0), "x-schema") != NULL);
            CHECK_INT(tarn_base_json_member(root, "partition-spec")->count, 1);
            continue;
        }
        if (i == 1) text = edit(text, "s3://lake/raw/flights/\"", "s3://lake/raw/flights\"");
        CHECK(same_text(text, written));
    }
}

static void copies_unchanged_parts_byte_for_byte(void) {
    begin();
    TarnTableMetadata *metadata = parse_file("v2.json");
    TarnText written = write_text(metadata);
    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        CHECK(strstr(written.data, tarn_base_text_string(&arena, metadata->snapshots[i].source)));
    }
    CHECK(strstr(written.data, "\"x-last\":1e400") != NULL);
    CHECK(strstr(written.data, "\"x-first\":{\"kept\": [1, 2.50, \"three\"]}") != NULL);
    CHECK(strstr(written.data, "\"format-version\":2,\"table-uuid\"") != NULL);
}

static void a_full_buffer_is_reported(void) {
    begin();
    TarnTableMetadata *metadata = parse_file("v2.json");
    size_t size = write_text(metadata).size;
    for (size_t limit = 0; limit < size; limit += 97) {
        TarnBuffer out;
        tarn_base_buffer_init(&out, limit);
        CHECK(!tarn_table_metadata_write(metadata, &out, &error));
        tarn_base_buffer_dispose(&out);
    }
}

/* ---- refusals ---- */

typedef struct Refusal {
    const char *from;
    const char *to;
    const char *words;
    unsigned line; /* 0 = not checked */
    unsigned column;
} Refusal;

static void refuse_all(const char *name, const Refusal *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        TarnTableMetadata *metadata = NULL;
        begin();
        TarnText text = edit(read_test_file(name), cases[i].from, cases[i].to);
        CHECK(!tarn_table_metadata_parse(text, name, &arena, &metadata, &error));
        CHECK(metadata == NULL);
        if (strstr(error.message, cases[i].words) == NULL) {
            CHECK_STRING(error.message, cases[i].words);
        }
        CHECK_INT(error.code, TARN_E_METADATA_INVALID);
        CHECK_STRING(error.file, name);
        CHECK(error.line > 0 && error.column > 0);
        if (cases[i].line > 0) {
            CHECK_INT(error.line, cases[i].line);
            CHECK_INT(error.column, cases[i].column);
        }
    }
}

static void refuses_broken_members(void) {
    static const Refusal cases[] = {
        {"\"format-version\": 2,", "", "\"format-version\" is missing", 1, 1},
        {"\"format-version\": 2", "\"format-version\": 0", "no such version", 2, 21},
        {"\"format-version\": 2", "\"format-version\": \"2\"", "is not a 32-bit integer", 2, 21},
        {"\"table-uuid\": \"0f5f1b52-6a1c-4d8e-9b1e-2f6f3a9f0c11\",", "",
         "\"table-uuid\" is missing", 1, 1},
        {"0f5f1b52-6a1c-4d8e-9b1e-2f6f3a9f0c11", "", "\"table-uuid\" is empty", 3, 17},
        {"s3://lake/raw/flights/\",", "\",", "\"location\" is empty", 4, 15},
        {"\"s3://lake/raw/flights/\",", "[],", "\"location\" is not a text", 4, 15},
        {"\"last-sequence-number\": 34,", "", "\"last-sequence-number\" is missing", 1, 1},
        {"\"last-sequence-number\": 34", "\"last-sequence-number\": -1", "is negative", 5, 27},
        {"\"last-updated-ms\": 1760000003000", "\"last-updated-ms\": 1.5", "64-bit integer", 6, 22},
        {"\"last-column-id\": 6", "\"last-column-id\": 5", "a column has the id 6", 7, 21},
        {"\"last-column-id\": 6", "\"last-column-id\": 9000000000", "is not a 32-bit", 7, 21},
        {"\"schemas\": [", "\"schemas2\": [", "\"schemas\" is missing", 1, 1},
        {"\"schemas\": [", "\"schemas\": 7, \"x\": [", "\"schemas\" is not a list", 10, 14},
        {"\"schemas\": [", "\"schemas\": [7,", "\"schemas[0]\" is not an object", 10, 15},
        {"\"current-schema-id\": 1", "\"current-schema-id\": 2", "which no schema has", 9, 24},
        {"\"schema-id\": 0,\n", "\"schema-id\": 1,\n", "two schemas with the id 1", 10, 14},
        {"\"default-spec-id\": 1", "\"default-spec-id\": 4", "which no partition spec has", 0, 0},
        {"\"spec-id\": 0", "\"spec-id\": 1", "two specs with the id 1", 0, 0},
        {"\"last-partition-id\": 1001,", "", "\"last-partition-id\" is missing", 1, 1},
        {"\"default-sort-order-id\": 1", "\"default-sort-order-id\": 3", "no sort order has", 0, 0},
        {"\"order-id\": 0", "\"order-id\": 1", "two orders with the id 1", 0, 0},
        {"\"properties\": {", "\"properties\": [], \"y\": {", "is not an object", 0, 0},
        {"\"3\",", "3,", "\"properties\" has a value that is not a text", 0, 0},
    };
    refuse_all("v2.json", cases, sizeof(cases) / sizeof(cases[0]));
}

static void refuses_broken_history(void) {
    static const Refusal cases[] = {
        {"\"current-snapshot-id\": 3003", "\"current-snapshot-id\": 3002",
         "is 3002, the ref main says 3003", 0, 0},
        {"\"main\": {\"snapshot-id\": 3003", "\"main\": {\"snapshot-id\": 9",
         "\"refs.main.snapshot-id\" is 9, which no snapshot has", 0, 0},
        {"\"main\": {\"snapshot-id\": 3003, \"type\": \"branch\"",
         "\"main\": {\"snapshot-id\": 3003, \"type\": \"tag\"", "a tag named main", 0, 0},
        {"\"type\": \"tag\"", "\"type\": \"label\"",
         "\"refs.2025-10.type\" is neither branch nor tag", 0, 0},
        {"\"max-ref-age-ms\": 99", "\"max-ref-age-ms\": 0", "is not above zero", 0, 0},
        {"\"audit\"", "\"\"", "is no name for a ref", 0, 0},
        {"\"audit\"", "\"a\\u0000b\"", "is no name for a ref", 0, 0},
        {"\"snapshot-id\": 3002, \"parent-snapshot-id\"",
         "\"snapshot-id\": 3001, \"parent-snapshot-id\"", "two snapshots with the id 3001", 0, 0},
        {"\"snapshot-id\": 3002, \"parent-snapshot-id\"", "\"parent-snapshot-id\"",
         "\"snapshots[1].snapshot-id\" is missing", 68, 5},
        {"\"sequence-number\": 34, \"snap", "\"sequence-number\": 35, \"snap",
         "\"snapshots[2].sequence-number\" is 35, above the table's", 0, 0},
        {"\"timestamp-ms\": 1760000001000,\n", "\"timestamp-ms\": true,\n",
         "\"snapshots[0].timestamp-ms\" is not a 64-bit integer", 0, 0},
        {"\"manifest-list\": \"s3://lake/raw/flights/metadata/snap-3001.avro\",", "",
         "\"snapshots[0].manifest-list\" is missing", 0, 0},
        {"\"x\": \"\\ud83d\\ude00\"", "\"x\": 1",
         "\"snapshots[1].summary\" has a value that is not a text: \"x\"", 0, 0},
        {"\"snapshot-id\": 3002, \"x-log\"", "\"x-log\"",
         "\"snapshot-log[1].snapshot-id\" is missing", 0, 0},
        {"\"metadata-file\": \"s3://lake/raw/flights/metadata/00001.metadata.json\"",
         "\"metadata-file\": 1", "\"metadata-log[1].metadata-file\" is not a text", 0, 0},
        {"{\"snapshot-id\": 3002, \"statistics-path\"", "{\"statistics-path\"",
         "\"statistics[0].snapshot-id\" is missing", 0, 0},
    };
    refuse_all("v2.json", cases, sizeof(cases) / sizeof(cases[0]));
    static const Refusal v1[] = {
        {"\"schema\": {", "\"x\": {", "\"schema\" is missing", 1, 1},
        {"\"partition-spec\": [", "\"x\": [", "\"partition-spec\" is missing", 1, 1},
        {"\"manifests\": [", "\"x\": [", "\"snapshots[0].manifest-list\" is missing", 0, 0},
        {"\"current-snapshot-id\": 77", "\"current-snapshot-id\": 78", "no snapshot has", 0, 0},
    };
    refuse_all("v1.json", v1, sizeof(v1) / sizeof(v1[0]));
    static const Refusal v3[] = {
        {"\"next-row-id\": 1000,", "", "\"next-row-id\" is missing", 1, 1},
        {"\"next-row-id\": 1000", "\"next-row-id\": -4", "is negative", 0, 0},
    };
    refuse_all("v3.json", v3, sizeof(v3) / sizeof(v3[0]));
}

static void refuses_what_is_not_metadata(void) {
    TarnTableMetadata *metadata = NULL;
    begin();
    TarnText text = read_test_file("v2.json");
    text = edit(text, "\"format-version\": 2", "\"format-version\": 4");
    CHECK(!tarn_table_metadata_parse(text, "t", &arena, &metadata, &error));
    CHECK_INT(error.code, TARN_E_FORMAT_UNSUPPORTED);
    CHECK_INT(error.line, 2);
    CHECK(!tarn_table_metadata_parse(TARN_TEXT("[]"), "t", &arena, &metadata, &error));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    CHECK(!tarn_table_metadata_parse(TARN_TEXT("{\"a\":"), "t", &arena, &metadata, &error));
    CHECK_INT(error.code, TARN_E_JSON_SYNTAX);
    CHECK(!tarn_table_metadata_parse(TARN_TEXT(""), "t", &arena, &metadata, &error));
    CHECK_INT(error.code, TARN_E_JSON_SYNTAX);
    /* A refusal of a schema says where in the metadata it was. */
    text = edit(read_test_file("v2.json"), "\"timestamptz\"", "\"moment\"");
    CHECK(!tarn_table_metadata_parse(text, "t", &arena, &metadata, &error));
    CHECK_INT(error.code, TARN_E_METADATA_INVALID);
    CHECK(strstr(error.message, "schemas[1]") != NULL);
    CHECK(error.line > 0);
    CHECK_STRING(error.file, "t");
}

static void memory_may_run_out_anywhere(void) {
    begin();
    TarnText text = read_test_file("v2.json");
    bool done = false;
    for (size_t limit = 0; limit < (1u << 20) && !done; limit += 128) {
        TarnArena small;
        TarnTableMetadata *metadata = NULL;
        tarn_base_arena_init(&small, limit);
        done = tarn_table_metadata_parse(text, "t", &small, &metadata, &error);
        if (!done) {
            CHECK_INT(error.code, TARN_E_OUT_OF_MEMORY);
            CHECK(metadata == NULL);
        }
        tarn_base_arena_dispose(&small);
    }
    CHECK(done);
}

/* ---- finding ---- */

static void finds_by_time(void) {
    static const struct {
        int64_t ms;
        int64_t id; /* 0 = none */
    } cases[] = {
        {0, 0},
        {1760000000999, 0},
        {1760000001000, 3001},
        {1760000001999, 3001},
        {1760000002000, 3002},
        {1760000003000, 3003},
        {INT64_MAX, 3003},
    };
    begin();
    TarnTableMetadata *metadata = parse_file("v2.json");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const TarnSnapshot *snapshot = tarn_table_metadata_snapshot_at(metadata, cases[i].ms);
        CHECK_INT(snapshot != NULL ? snapshot->id : 0, cases[i].id);
    }
}

static void finds_by_name(void) {
    static const struct {
        const char *name;
        int64_t id; /* 0 = none */
    } cases[] = {
        {"3002", 3002},
        {"main", 3003},
        {"audit", 3002},
        {"2025-10", 3001}, /* a tag, though it begins like a date */
        {"2025-10-09T08:53:21Z", 3001},
        {"2025-10-09 08:53:22.5", 3002},
        {"2025-10-10", 3003},
        {"2025-10-09", 0},
        {"9999", 0},
        {"nobody", 0},
        {"", 0},
    };
    begin();
    TarnTableMetadata *metadata = parse_file("v2.json");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const TarnSnapshot *snapshot = NULL;
        bool found = tarn_table_metadata_snapshot_named(metadata, tarn_base_text(cases[i].name),
                                                        &snapshot, &error);
        CHECK_INT(found, cases[i].id != 0);
        CHECK_INT(snapshot != NULL ? snapshot->id : 0, cases[i].id);
        if (found) continue;
        CHECK_INT(error.code, TARN_E_SNAPSHOT_NOT_FOUND);
        CHECK(strstr(error.message, cases[i].name) != NULL);
        CHECK(error.hint[0] != '\0');
    }
    CHECK(strstr(error.hint, "main, audit, 2025-10") != NULL);
    CHECK(strstr(error.hint, "3 snapshots") != NULL);
    CHECK(tarn_table_metadata_schema(metadata, 7) == NULL);
    CHECK(tarn_table_metadata_spec(metadata, 7) == NULL);
    CHECK(tarn_table_metadata_snapshot(metadata, 7) == NULL);
}

static void finds_properties(void) {
    begin();
    TarnTableMetadata *metadata = parse_file("v2.json");
    CHECK_INT(
        tarn_table_metadata_property_int64(metadata, "write.metadata.previous-versions-max", 100),
        3);
    CHECK_INT(tarn_table_metadata_property_int64(metadata, "owner", 100), 100);
    CHECK_INT(tarn_table_metadata_property_int64(metadata, "none", -7), -7);
    CHECK(tarn_table_metadata_property(metadata, "none") == NULL);
}

/* ---- gzip ---- */

static TarnText gzip(TarnText text) {
    size_t room = (text.size < (1u << 20) ? text.size : (1u << 20)) + 1024;
    char *out = tarn_base_arena_alloc(&arena, room);
    z_stream stream = {.next_in = NULL};
    if (deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) exit(1);
    stream.next_in = (z_const Bytef *)(uintptr_t)text.data;
    stream.avail_in = (uInt)text.size;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)room;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) exit(1);
    size_t size = room - stream.avail_out;
    deflateEnd(&stream);
    return (TarnText){out, size};
}

static void inflates_gzip(void) {
    static const char *const names[] = {"v1.gz.metadata.json", "v1.metadata.json.gz",
                                        "v1.metadata.json"};
    TarnText text = {NULL, 0};
    begin();
    TarnText plain = read_test_file("v2.json");
    TarnText packed = gzip(plain);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        REQUIRE_OK(tarn_table_metadata_inflate(packed, names[i], &arena, &text, &error), &error);
        CHECK(tarn_base_text_equal(text, plain));
    }
    REQUIRE_OK(tarn_table_metadata_inflate(plain, "a.metadata.json", &arena, &text, &error),
               &error);
    CHECK(text.data == plain.data); /* nothing to do */
    CHECK(!tarn_table_metadata_inflate(plain, "a.gz.metadata.json", &arena, &text, &error));
    CHECK_INT(error.code, TARN_E_FORMAT_CORRUPT);
    /* two members in a row are one text */
    TarnText half = {plain.data, 1000};
    TarnText rest = {plain.data + 1000, plain.size - 1000};
    TarnText first = gzip(half);
    TarnText second = gzip(rest);
    char *both = tarn_base_arena_alloc(&arena, first.size + second.size);
    memcpy(both, first.data, first.size);
    memcpy(both + first.size, second.data, second.size);
    TarnText joined = {both, first.size + second.size};
    REQUIRE_OK(tarn_table_metadata_inflate(joined, "a", &arena, &text, &error), &error);
    CHECK(tarn_base_text_equal(text, plain));
    for (size_t cut = 2; cut < packed.size; cut++) {
        TarnText part = {packed.data, cut};
        CHECK(!tarn_table_metadata_inflate(part, "a", &arena, &text, &error));
        CHECK_INT(error.code, TARN_E_FORMAT_CORRUPT);
    }
}

static void a_bomb_is_stopped(void) {
    begin();
    size_t size = 300u << 20; /* of zeros: 300 KB packed */
    char *zeros = calloc(1, size);
    TarnText text = {NULL, 0};
    REQUIRE(zeros != NULL);
    TarnText packed = gzip((TarnText){zeros, size});
    free(zeros);
    CHECK(!tarn_table_metadata_inflate(packed, "bomb", &arena, &text, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(reads_version_2);
    TAP_TEST(reads_version_1);
    TAP_TEST(reads_version_3);
    TAP_TEST(tolerates_what_writers_do);
    TAP_TEST(keeps_what_it_does_not_know);
    TAP_TEST(copies_unchanged_parts_byte_for_byte);
    TAP_TEST(a_full_buffer_is_reported);
    TAP_TEST(refuses_broken_members);
    TAP_TEST(refuses_broken_history);
    TAP_TEST(refuses_what_is_not_metadata);
    TAP_TEST(memory_may_run_out_anywhere);
    TAP_TEST(finds_by_time);
    TAP_TEST(finds_by_name);
    TAP_TEST(finds_properties);
    TAP_TEST(inflates_gzip);
    TAP_TEST(a_bomb_is_stopped);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
