/* New tables: fresh ids for everything, and creates that come as updates. */
#include "metadata_test.h"

#define FOUR_COLUMNS                                                                               \
    "{\"type\":\"struct\",\"schema-id\":0,\"identifier-field-ids\":[40],\"fields\":["              \
    "{\"id\":40,\"name\":\"id\",\"required\":true,\"type\":\"long\"},"                             \
    "{\"id\":9,\"name\":\"s\",\"required\":false,\"type\":{\"type\":\"struct\",\"fields\":["       \
    "{\"id\":30,\"name\":\"x\",\"required\":false,\"type\":\"string\"}]}},"                        \
    "{\"id\":7,\"name\":\"at\",\"required\":false,\"type\":\"timestamp\"}]}"

static void creates_with_fresh_ids(void) {
    TarnTableMetadata *metadata = NULL;
    const TarnProperty properties[] = {{"owner", "me"}, {"format-version", "2"}, {"a", "b"}};
    begin();
    const TarnPartitionSpec *spec = parse_spec(
        "{\"spec-id\":5,\"fields\":[{\"name\":\"x_tr\",\"transform\":\"truncate[3]\","
        "\"source-id\":30,\"field-id\":2000},{\"name\":\"at_day\",\"transform\":"
        "\"day\",\"source-id\":7,\"field-id\":7}]}");
    const TarnSortOrder *order = parse_order(
        "{\"order-id\":9,\"fields\":[{\"transform\":\"identity\",\"source-id\":40,"
        "\"direction\":\"asc\",\"null-order\":\"nulls-first\"}]}");
    REQUIRE_OK(tarn_table_metadata_create("u-1", "s3://lake/t//", parse_schema(FOUR_COLUMNS), spec,
                                          order, properties, 3, 2, NOW, &arena, &metadata, &error),
               &error);
    metadata = reread(metadata);
    CHECK_STRING(metadata->location, "s3://lake/t");
    CHECK_INT(metadata->last_updated_ms, NOW);
    CHECK_INT(metadata->last_column_id, 4);
    CHECK_INT(metadata->current_schema_id, 0);
    const TarnSchema *schema = tarn_table_metadata_current_schema(metadata);
    CHECK_INT(schema->fields[0].id, 1);
    CHECK_INT(schema->fields[1].id, 2);
    CHECK_INT(schema->fields[2].id, 3);
    CHECK_INT(schema->fields[1].type.fields[0].id, 4);
    CHECK_INT(schema->identifier_ids[0], 1);
    CHECK_INT(metadata->default_spec_id, 0);
    CHECK_INT(metadata->specs[0].fields[0].source_id, 4);
    CHECK_INT(metadata->specs[0].fields[0].field_id, 1000);
    CHECK_INT(metadata->specs[0].fields[1].source_id, 3);
    CHECK_INT(metadata->specs[0].fields[1].field_id, 1001);
    CHECK_INT(metadata->last_partition_id, 1001);
    CHECK_INT(metadata->default_sort_order_id, 1);
    CHECK_INT(metadata->sort_orders[0].fields[0].source_id, 1);
    CHECK_INT(metadata->property_count, 2); /* format-version is not stored */
    CHECK_INT(metadata->snapshot_count + metadata->metadata_log_count + metadata->ref_count, 0);
    CHECK_INT(metadata->current_snapshot_id, TARN_ABSENT);
}

static void creates_the_plainest_table(void) {
    TarnTableMetadata *metadata = NULL;
    begin();
    const TarnSchema *schema = parse_schema(FOUR_COLUMNS);
    for (int32_t version = 1; version <= 3; version++) {
        REQUIRE_OK(tarn_table_metadata_create("u", "/t", schema, NULL, NULL, NULL, 0, version, NOW,
                                              &arena, &metadata, &error),
                   &error);
        metadata = reread(metadata);
        CHECK_INT(metadata->format_version, version);
        CHECK_INT(metadata->last_partition_id, 999);
        CHECK_INT(metadata->default_sort_order_id, 0);
    }
    CHECK(!tarn_table_metadata_create("", "/t", schema, NULL, NULL, NULL, 0, 2, NOW, &arena,
                                      &metadata, &error));
    CHECK(!tarn_table_metadata_create("u", "", schema, NULL, NULL, NULL, 0, 2, NOW, &arena,
                                      &metadata, &error));
    CHECK(!tarn_table_metadata_create("u", "/t", schema, NULL, NULL, NULL, 0, 4, NOW, &arena,
                                      &metadata, &error));
    CHECK_INT(error.code, TARN_E_FORMAT_UNSUPPORTED);
    /* A column that only version 3 has, and two columns that SQL cannot tell apart. */
    schema = parse_schema("{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"v\",\"required\":"
                          "false,\"type\":\"variant\"}]}");
    CHECK(!tarn_table_metadata_create("u", "/t", schema, NULL, NULL, NULL, 0, 2, NOW, &arena,
                                      &metadata, &error));
    CHECK_OK(tarn_table_metadata_create("u", "/t", schema, NULL, NULL, NULL, 0, 3, NOW, &arena,
                                        &metadata, &error),
             &error);
    schema = parse_schema("{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"v\",\"required\":"
                          "false,\"type\":\"int\"},{\"id\":2,\"name\":\"V\",\"required\":false,"
                          "\"type\":\"int\"}]}");
    CHECK(!tarn_table_metadata_create("u", "/t", schema, NULL, NULL, NULL, 0, 2, NOW, &arena,
                                      &metadata, &error));
    CHECK_INT(error.code, TARN_E_NAME_INVALID);
}

static void a_staged_create_needs_everything(void) {
    begin();
    const TarnSchema *schema = parse_schema(FOUR_COLUMNS);
    const TarnPartitionSpec spec = {.id = 0};
    const TarnTableUpdate updates[] = {
        {.kind = TARN_UPDATE_ASSIGN_UUID, .text = "u"},
        {.kind = TARN_UPDATE_SET_LOCATION, .text = "/t"},
        {.kind = TARN_UPDATE_ADD_SCHEMA, .schema = schema, .last_column_id = 50},
        {.kind = TARN_UPDATE_SET_CURRENT_SCHEMA, .integer = -1},
        {.kind = TARN_UPDATE_ADD_SPEC, .spec = &spec},
        {.kind = TARN_UPDATE_SET_DEFAULT_SPEC, .integer = -1},
    };
    static const char *const missing[] = {"no uuid", "no location", "no current schema",
                                          "none was added", "no default partition spec"};
    refuse(NULL, updates, 0, INVALID, missing[0]);
    refuse(NULL, updates, 1, INVALID, missing[1]);
    refuse(NULL, updates, 2, INVALID, missing[2]);
    refuse_one(NULL, updates[3], INVALID, missing[3]);
    refuse(NULL, updates, 4, INVALID, missing[4]);
    TarnTableMetadata *metadata = reread(apply(NULL, updates, 6));
    CHECK_INT(metadata->last_column_id, 50); /* ids are the client's */
    CHECK_INT(tarn_table_metadata_current_schema(metadata)->fields[0].id, 40);
    CHECK_INT(metadata->metadata_log_count, 0);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(creates_with_fresh_ids);
    TAP_TEST(creates_the_plainest_table);
    TAP_TEST(a_staged_create_needs_everything);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
