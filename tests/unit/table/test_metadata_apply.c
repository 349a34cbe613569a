/* Changing table metadata: each kind of update and each requirement. */
#include "metadata_test.h"

/* ---- single values ---- */

static void sets_values(void) {
    begin();
    TarnTableMetadata *base = parse_file("v2.json");
    TarnText before = write_text(base);
    TarnTableMetadata *result = apply_one(
        base, (TarnTableUpdate){.kind = TARN_UPDATE_SET_LOCATION, .text = "/new/"});
    CHECK_STRING(result->location, "/new");
    apply_one(base, (TarnTableUpdate){.kind = TARN_UPDATE_ASSIGN_UUID, .text = base->uuid});
    refuse_one(base, (TarnTableUpdate){.kind = TARN_UPDATE_ASSIGN_UUID, .text = "other"}, INVALID,
               "it cannot become \"other\"");
    CHECK(strstr(error.message, "applying update 0, assign-uuid") != NULL);
    refuse_one(base, (TarnTableUpdate){.kind = TARN_UPDATE_ASSIGN_UUID}, INVALID, "empty");
    refuse_one(base, (TarnTableUpdate){.kind = TARN_UPDATE_SET_LOCATION, .text = ""}, INVALID,
               "empty");
    refuse_one(base, (TarnTableUpdate){.kind = (TarnUpdateKind)99}, INVALID, "unknown kind");
    result = apply_one(base, (TarnTableUpdate){.kind = TARN_UPDATE_UPGRADE_FORMAT, .integer = 3});
    result = reread(result);
    CHECK_INT(result->format_version, 3);
    CHECK_INT(result->next_row_id, 0);
    refuse_one(base, (TarnTableUpdate){.kind = TARN_UPDATE_UPGRADE_FORMAT, .integer = 1}, INVALID,
               "cannot become version 1");
    refuse_one(base, (TarnTableUpdate){.kind = TARN_UPDATE_UPGRADE_FORMAT, .integer = 4},
               TARN_E_FORMAT_UNSUPPORTED, "tarn knows 1 to 3");
    CHECK(tarn_base_text_equal(before, write_text(base)));
}

static void upgrades_version_1(void) {
    begin();
    const TarnTableUpdate upgrade = {.kind = TARN_UPDATE_UPGRADE_FORMAT, .integer = 2};
    refuse_one(parse_file("v1.json"), upgrade, TARN_E_FORMAT_UNSUPPORTED,
               "snapshot 76 has no manifest list");
    TarnText old = edit(read_test_file("v1.json"),
                        "\"manifests\": [\"file:/lake/old/metadata/m0.avro\"]",
                        "\"manifest-list\": \"file:/lake/old/metadata/snap-76.avro\"");
    TarnTableMetadata *base = NULL;
    REQUIRE_OK(tarn_table_metadata_parse(edit(old, ", \"field-id\": 1000", ""), "v1", &arena, &base,
                                         &error),
               &error);
    TarnTableMetadata *result = apply_one(base, upgrade);
    TarnText text = write_text(result);
    CHECK(strstr(text.data, "\"field-id\":1000") != NULL);
    TarnJson *root = NULL;
    REQUIRE_OK(tarn_base_json_parse(text, "w", &arena, &root, &error), &error);
    CHECK(tarn_base_json_member(root, "schema") == NULL);
    CHECK(tarn_base_json_member(root, "partition-spec") == NULL);
    const TarnJson *schema = tarn_base_json_at(tarn_base_json_member(root, "schemas"), 0);
    int64_t id = -1;
    CHECK(tarn_base_json_int64(tarn_base_json_member(schema, "schema-id"), &id) && id == 0);
    CHECK(tarn_base_json_member(schema, "x-schema") != NULL);
    TARN_JSON_EACH(snapshot, tarn_base_json_member(root, "snapshots")) {
        id = -1;
        CHECK(tarn_base_json_int64(tarn_base_json_member(snapshot, "sequence-number"), &id));
        CHECK_INT(id, 0);
    }
    result = reread(result);
    CHECK_INT(result->snapshot_count, 2);
    CHECK_INT(result->last_sequence_number, 0);
}

static void properties_are_set_and_removed(void) {
    begin();
    TarnTableMetadata *base = parse_file("v2.json");
    const TarnProperty set[] = {{"owner", "you"}, {"new", "1"}, {"new", "2"}, {"uuid", "x"}};
    TarnTableMetadata *result = apply_one(
        base, (TarnTableUpdate){.kind = TARN_UPDATE_SET_PROPERTIES, .properties = set, .count = 4});
    result = reread(result);
    CHECK_INT(result->property_count, 3);
    CHECK_STRING(tarn_table_metadata_property(result, "owner"), "you");
    CHECK_STRING(tarn_table_metadata_property(result, "new"), "2");
    CHECK(tarn_table_metadata_property(result, "uuid") == NULL);
    const TarnProperty removed[] = {{"owner", NULL}, {"never there", NULL}};
    result = apply_one(result, (TarnTableUpdate){.kind = TARN_UPDATE_REMOVE_PROPERTIES,
                                                 .properties = removed,
                                                 .count = 2});
    CHECK_INT(result->property_count, 2);
    CHECK(tarn_table_metadata_property(result, "owner") == NULL);
    const TarnProperty broken[] = {{NULL, "v"}};
    refuse_one(
        base,
        (TarnTableUpdate){.kind = TARN_UPDATE_SET_PROPERTIES, .properties = broken, .count = 1},
        INVALID, "without a name");
}

static void the_metadata_log_is_cut(void) {
    begin();
    TarnTableMetadata *base = parse_file("v2.json"); /* three entries, at most three */
    TarnTableMetadata *result = apply(base, NULL, 0);
    CHECK_INT(result->metadata_log_count, 3);
    CHECK_STRING(result->metadata_log[2].metadata_file, "s3://lake/base.metadata.json");
    CHECK_INT(result->metadata_log[2].timestamp_ms, base->last_updated_ms);
    CHECK_STRING(result->metadata_log[0].metadata_file, base->metadata_log[1].metadata_file);
    CHECK(strstr(write_text(result).data, "\"x-old\"") != NULL);
    static const struct {
        const char *most;
        size_t count;
    } cases[] = {{"100", 4}, {"1", 1}, {"0", 1}, {"-3", 1}, {"many", 4}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const TarnProperty most[] = {{"write.metadata.previous-versions-max", cases[i].most}};
        result = apply_one(
            base,
            (TarnTableUpdate){.kind = TARN_UPDATE_SET_PROPERTIES, .properties = most, .count = 1});
        CHECK_INT(result->metadata_log_count, cases[i].count);
    }
    /* A clock that was set back does not make the table younger. */
    TarnTableMetadata *back = NULL;
    REQUIRE_OK(tarn_table_metadata_apply(base, NULL, NULL, 0, 5, &arena, &back, &error), &error);
    CHECK_INT(back->last_updated_ms, base->last_updated_ms);
    CHECK_INT(back->metadata_log_count, 3);
}

/* ---- schemas, specs, orders ---- */

static void adds_schemas(void) {
    begin();
    TarnTableMetadata *base = parse_file("v2.json");
    const TarnSchema *added = parse_schema(
        "{\"type\":\"struct\",\"schema-id\":55,\"x-mine\":[1],\"fields\":["
        "{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"long\"},"
        "{\"id\":2,\"name\":\"at\",\"required\":false,\"type\":\"timestamptz\"},"
        "{\"id\":9,\"name\":\"n\",\"required\":false,\"type\":\"int\"}]}");
    const TarnTableUpdate updates[] = {
        {.kind = TARN_UPDATE_ADD_SCHEMA, .schema = added},
        {.kind = TARN_UPDATE_SET_CURRENT_SCHEMA, .integer = -1},
    };
    TarnTableMetadata *result = reread(apply(base, updates, 2));
    CHECK_INT(result->schema_count, 3);
    CHECK_INT(result->current_schema_id, 2);
    CHECK_INT(result->last_column_id, 9);
    CHECK(strstr(result->schemas[2].source.data, "\"x-mine\":[1]") != NULL);
    /* the same again: nothing new, and -1 means it */
    result = reread(apply(result, updates, 2));
    CHECK_INT(result->schema_count, 3);
    CHECK_INT(result->current_schema_id, 2);
    /* an older one becomes current again */
    const TarnTableUpdate old = {.kind = TARN_UPDATE_SET_CURRENT_SCHEMA, .integer = 1};
    CHECK_INT(apply_one(result, old)->current_schema_id, 1);
    refuse_one(base, updates[1], INVALID, "none was added");
    refuse_one(base, (TarnTableUpdate){.kind = TARN_UPDATE_SET_CURRENT_SCHEMA, .integer = 3},
               INVALID, "no schema has the id 3");
    refuse_one(
        base,
        (TarnTableUpdate){.kind = TARN_UPDATE_SET_CURRENT_SCHEMA, .integer = INT64_C(1) << 40},
        INVALID, "no schema has the id");
    refuse_one(
        base,
        (TarnTableUpdate){.kind = TARN_UPDATE_ADD_SCHEMA, .schema = added, .last_column_id = 2},
        INVALID, "go back from 6 to 2");
    /* schema 0 has no column 2, which the default spec partitions by */
    refuse_one(base, (TarnTableUpdate){.kind = TARN_UPDATE_SET_CURRENT_SCHEMA, .integer = 0},
               INVALID, "partition field \"at_day\" needs the column with id 2");
}

static void removes_schemas_and_specs(void) {
    begin();
    TarnTableMetadata *base = parse_file("v2.json");
    const int64_t zero[] = {0, 12};
    const int64_t one[] = {1};
    TarnTableMetadata *result = apply_one(
        base, (TarnTableUpdate){.kind = TARN_UPDATE_REMOVE_SCHEMAS, .ids = zero, .count = 2});
    CHECK_INT(reread(result)->schema_count, 1);
    result = apply_one(
        base, (TarnTableUpdate){.kind = TARN_UPDATE_REMOVE_SPECS, .ids = zero, .count = 2});
    CHECK_INT(reread(result)->spec_count, 1);
    refuse_one(base, (TarnTableUpdate){.kind = TARN_UPDATE_REMOVE_SCHEMAS, .ids = one, .count = 1},
               INVALID, "current schema 1 cannot be removed");
    refuse_one(base, (TarnTableUpdate){.kind = TARN_UPDATE_REMOVE_SPECS, .ids = one, .count = 1},
               INVALID, "default partition spec 1 cannot be removed");
}

static TarnTableUpdate add_spec(const char *json) {
    return (TarnTableUpdate){.kind = TARN_UPDATE_ADD_SPEC, .spec = parse_spec(json)};
}

static void adds_specs(void) {
    begin();
    TarnTableMetadata *base = parse_file("v2.json");
    TarnPartitionField fields[] = {
        {.source_id = 1, .field_id = 0, .name = "b", .transform = {TARN_TRANSFORM_BUCKET, 16, {0}}},
        {.source_id = 6, .field_id = -1, .name = "code", .transform = {0}},
    };
    const TarnPartitionSpec spec = {.id = 0, .fields = fields, .field_count = 2};
    const TarnTableUpdate updates[] = {
        {.kind = TARN_UPDATE_ADD_SPEC, .spec = &spec},
        {.kind = TARN_UPDATE_SET_DEFAULT_SPEC, .integer = -1},
    };
    TarnTableMetadata *result = reread(apply(base, updates, 2));
    CHECK_INT(result->default_spec_id, 2);
    CHECK_INT(result->specs[2].fields[0].field_id, 1001); /* bucket(16, id) had it */
    CHECK_INT(result->specs[2].fields[1].field_id, 1002);
    CHECK_INT(result->last_partition_id, 1002);
    CHECK_INT(fields[0].field_id, 0); /* the caller's spec is not changed */
    result = reread(apply(result, updates, 2));
    CHECK_INT(result->spec_count, 3);
    /* known by fields, whatever its id says */
    result = apply_one(base, add_spec("{\"spec-id\":9,\"fields\":[]}"));
    CHECK_INT(result->spec_count, 2);
    result = apply_one(base, add_spec("{\"spec-id\":9,\"x-s\":1,\"fields\":[{\"name\":\"y\","
                                      "\"transform\":\"year\",\"source-id\":2,"
                                      "\"field-id\":1007}]}"));
    CHECK_INT(reread(result)->specs[2].id, 2);
    CHECK_INT(result->last_partition_id, 1007);
    CHECK(strstr(result->specs[2].source.data, "\"x-s\":1") != NULL);
}

static void refuses_broken_specs(void) {
    static const struct {
        const char *fields;
        const char *words;
    } cases[] = {
        {"{\"name\":\"a\",\"transform\":\"day\",\"source-id\":99,\"field-id\":1009}",
         "needs the column with id 99"},
        {"{\"name\":\"a\",\"transform\":\"day\",\"source-id\":1,\"field-id\":1009}",
         "the transform day does not apply to \"id\""},
        {"{\"name\":\"a\",\"transform\":\"identity\",\"source-id\":4,\"field-id\":1009}",
         "no single value"},
        {"{\"name\":\"a\",\"transform\":\"identity\",\"source-id\":5,\"field-id\":1009}",
         "no single value"},
        {"{\"name\":\"a\",\"transform\":\"zorder\",\"source-id\":1,\"field-id\":1009}",
         "the transform zorder does not apply"},
        {"{\"name\":\"tags\",\"transform\":\"identity\",\"source-id\":1,\"field-id\":1009}",
         "has the name of a column"},
        {"{\"name\":\"at\",\"transform\":\"day\",\"source-id\":2,\"field-id\":1009}",
         "has the name of a column"},
        {"{\"name\":\"a\",\"transform\":\"identity\",\"source-id\":1,\"field-id\":1000}",
         "the partition field id 1000 of \"a\" means \"at_day\" already"},
    };
    begin();
    TarnTableMetadata *base = parse_file("v2.json");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *json = tarn_base_arena_printf(&arena, "{\"spec-id\":9,\"fields\":[%s]}",
                                                  cases[i].fields);
        refuse_one(base, add_spec(json), INVALID, cases[i].words);
    }
    TarnPartitionField twice[] = {
        {.source_id = 1, .field_id = 1009, .name = "a", .transform = {0}},
        {.source_id = 6, .field_id = 1009, .name = "b", .transform = {0}},
    };
    TarnPartitionSpec spec = {.fields = twice, .field_count = 2};
    const TarnTableUpdate update = {.kind = TARN_UPDATE_ADD_SPEC, .spec = &spec};
    refuse_one(base, update, INVALID, "share the id 1009");
    twice[1].name = "a";
    refuse_one(base, update, INVALID, "two partition fields are named \"a\"");
    refuse_one(base, (TarnTableUpdate){.kind = TARN_UPDATE_SET_DEFAULT_SPEC, .integer = 8}, INVALID,
               "no partition spec has the id 8");
    TarnTableMetadata *v1 = parse_file("v1.json");
    refuse_one(v1,
               add_spec("{\"spec-id\":1,\"fields\":[{\"name\":\"yy\",\"transform\":\"identity\","
                        "\"source-id\":2,\"field-id\":1001}]}"),
               INVALID, "without gaps");
}

static void adds_sort_orders(void) {
    begin();
    TarnTableMetadata *base = parse_file("v2.json");
    const TarnTableUpdate updates[] = {
        {.kind = TARN_UPDATE_ADD_SORT_ORDER,
         .sort_order = parse_order("{\"order-id\":7,\"x-o\":2,\"fields\":[{\"transform\":"
                                   "\"bucket[4]\",\"source-id\":2,\"direction\":\"asc\","
                                   "\"null-order\":\"nulls-first\"}]}")},
        {.kind = TARN_UPDATE_SET_DEFAULT_SORT_ORDER, .integer = -1},
    };
    TarnTableMetadata *result = reread(apply(base, updates, 2));
    CHECK_INT(result->default_sort_order_id, 2);
    CHECK(strstr(result->sort_orders[2].source.data, "\"x-o\":2") != NULL);
    result = reread(apply(result, updates, 2));
    CHECK_INT(result->sort_order_count, 3);
    const TarnSortOrder unsorted = {.id = 4};
    const TarnTableUpdate back[] = {
        {.kind = TARN_UPDATE_ADD_SORT_ORDER, .sort_order = &unsorted},
        {.kind = TARN_UPDATE_SET_DEFAULT_SORT_ORDER, .integer = -1},
    };
    CHECK_INT(reread(apply(result, back, 2))->default_sort_order_id, 0);
    /* v3.json lists no orders: 0 exists all the same */
    TarnTableMetadata *v3 = parse_file("v3.json");
    CHECK_INT(reread(apply(v3, back, 2))->sort_order_count, 1);
    apply_one(v3, (TarnTableUpdate){.kind = TARN_UPDATE_SET_DEFAULT_SORT_ORDER, .integer = 0});
    refuse_one(base, (TarnTableUpdate){.kind = TARN_UPDATE_SET_DEFAULT_SORT_ORDER, .integer = 5},
               INVALID, "no sort order has the id 5");
    refuse_one(base,
               (TarnTableUpdate){.kind = TARN_UPDATE_ADD_SORT_ORDER,
                                 .sort_order = parse_order(
                                     "{\"order-id\":7,\"fields\":[{\"transform\":\"identity\","
                                     "\"source-id\":3,\"direction\":\"asc\",\"null-order\":"
                                     "\"nulls-first\"}]}")},
               INVALID, "sort field 1 is of \"tags\", which is no single value");
}

/* ---- snapshots and refs ---- */

static void commits_a_snapshot(void) {
    begin();
    TarnTableMetadata *base = parse_file("v2.json");
    const TarnProperty summary[] = {{"added-records", "5"}, {"q", "\"\n"}};
    TarnSnapshot snapshot = snapshot_after(base, 4000);
    snapshot.summary = (TarnProperty *)(uintptr_t)summary;
    snapshot.summary_count = 2;
    TarnSnapshotRef ref = branch("main", 4000);
    const TarnTableUpdate updates[] = {
        {.kind = TARN_UPDATE_ADD_SNAPSHOT, .snapshot = &snapshot},
        {.kind = TARN_UPDATE_SET_SNAPSHOT_REF, .ref = &ref},
    };
    TarnTableMetadata *result = apply(base, updates, 2);
    CHECK(result->snapshots[3].source.size > 0); /* formatted once */
    result = reread(result);
    CHECK_INT(result->current_snapshot_id, 4000);
    CHECK_INT(result->last_sequence_number, 35);
    const TarnSnapshot *added = tarn_table_metadata_current_snapshot(result);
    REQUIRE(added != NULL);
    CHECK_INT(added->parent_id, 3003);
    CHECK_INT(added->timestamp_ms, NOW - 5);
    CHECK_STRING(added->operation, "append");
    CHECK_INT(added->summary_count, 2);
    CHECK_STRING(added->summary[1].value, "\"\n");
    CHECK_INT(added->schema_id, 1);
    CHECK_INT(result->snapshot_log_count, 4);
    CHECK_INT(result->snapshot_log[3].timestamp_ms, NOW - 5);
    CHECK(strstr(write_text(result).data, "\"x-ref\"") != NULL); /* of the ref that moved */
}

static void refuses_broken_snapshots(void) {
    begin();
    TarnTableMetadata *base = parse_file("v2.json");
    TarnSnapshot snapshot = snapshot_after(base, 4000);
    const TarnTableUpdate update = {.kind = TARN_UPDATE_ADD_SNAPSHOT, .snapshot = &snapshot};
    snapshot.id = 3001;
    refuse_one(base, update, INVALID, "has a snapshot 3001 already");
    snapshot.id = -5;
    refuse_one(base, update, INVALID, "is negative");
    snapshot = snapshot_after(base, 4000);
    snapshot.parent_id = 17;
    refuse_one(base, update, INVALID, "the parent 17 of snapshot 4000 is no snapshot");
    snapshot = snapshot_after(base, 4000);
    snapshot.sequence_number = 34;
    refuse_one(base, update, CONFLICT, "sequence number 34 is behind the table's 34");
    snapshot = snapshot_after(base, 4000);
    snapshot.timestamp_ms = base->last_updated_ms - 60001;
    refuse_one(base, update, CONFLICT, "timestamp");
    snapshot.timestamp_ms = base->last_updated_ms - 60000;
    apply_one(base, update);
    snapshot.schema_id = 9;
    refuse_one(base, update, INVALID, "is of schema 9");
    snapshot = snapshot_after(base, 4000);
    snapshot.manifest_list = NULL;
    refuse_one(base, update, INVALID, "no manifest list");
    snapshot = snapshot_after(base, 4000);
    snapshot.operation = NULL;
    refuse_one(base, update, INVALID, "does not say its operation");
}

static void counts_rows_in_version_3(void) {
    begin();
    TarnTableMetadata *base = parse_file("v3.json");
    TarnSnapshot snapshot = snapshot_after(base, 4000);
    const TarnTableUpdate update = {.kind = TARN_UPDATE_ADD_SNAPSHOT, .snapshot = &snapshot};
    CHECK_INT(reread(apply_one(base, update))->next_row_id, 1010);
    snapshot.first_row_id = 1005; /* leaves a gap */
    TarnTableMetadata *result = reread(apply_one(base, update));
    CHECK_INT(result->next_row_id, 1015);
    CHECK_INT(result->snapshots[1].first_row_id, 1005);
    CHECK_INT(result->snapshots[1].added_rows, 10);
    snapshot.first_row_id = 999;
    refuse_one(base, update, CONFLICT, "first-row-id 999 is behind the table's 1000");
    snapshot.first_row_id = INT64_MAX - 1;
    refuse_one(base, update, INVALID, "out of range");
    snapshot.first_row_id = TARN_ABSENT;
    refuse_one(base, update, INVALID, "needs first-row-id and added-rows");
}

static void moves_and_removes_refs(void) {
    begin();
    TarnTableMetadata *base = parse_file("v2.json");
    TarnSnapshotRef ref = branch("main", 3001); /* a rollback */
    const TarnTableUpdate set = {.kind = TARN_UPDATE_SET_SNAPSHOT_REF, .ref = &ref};
    TarnTableMetadata *result = reread(apply_one(base, set));
    CHECK_INT(result->current_snapshot_id, 3001);
    CHECK_INT(result->snapshot_log_count, 4);
    CHECK_INT(result->snapshot_log[3].timestamp_ms, NOW); /* the time of the rollback */
    result = reread(apply_one(result, set));
    CHECK_INT(result->snapshot_log_count, 4); /* no change */
    ref = branch("release", 3002);
    ref.is_tag = true;
    ref.max_ref_age_ms = 1;
    result = reread(apply_one(base, set));
    CHECK_INT(result->ref_count, 4);
    CHECK(tarn_table_metadata_ref(result, "release")->is_tag);
    const TarnTableUpdate drop = {.kind = TARN_UPDATE_REMOVE_SNAPSHOT_REF, .text = "release"};
    CHECK_INT(reread(apply_one(result, drop))->ref_count, 3);
    const TarnTableUpdate drop_main = {.kind = TARN_UPDATE_REMOVE_SNAPSHOT_REF, .text = "main"};
    result = reread(apply_one(base, drop_main));
    CHECK_INT(result->current_snapshot_id, TARN_ABSENT);
    ref.min_snapshots_to_keep = 4;
    refuse_one(base, set, INVALID, "cannot retain other snapshots");
    ref.is_tag = false;
    ref.max_ref_age_ms = 0;
    refuse_one(base, set, INVALID, "not above zero");
    ref = branch("main", 3002);
    ref.is_tag = true;
    refuse_one(base, set, INVALID, "main cannot be a tag");
    ref = branch("b", 5);
    refuse_one(base, set, INVALID, "which is no snapshot");
    ref = branch("", 3001);
    refuse_one(base, set, INVALID, "name is missing");
    char name[300];
    memset(name, 'n', 299);
    name[299] = '\0';
    ref = branch(name, 3001);
    refuse_one(base, set, TARN_E_NAME_INVALID, "more than 255 bytes");
}

static void removes_snapshots(void) {
    begin();
    TarnTableMetadata *base = parse_file("v2.json");
    const int64_t second[] = {3002, 4711};
    const int64_t first[] = {3001};
    const int64_t current[] = {3003, 3002};
    TarnTableUpdate update = {.kind = TARN_UPDATE_REMOVE_SNAPSHOTS, .ids = second, .count = 2};
    TarnTableMetadata *result = reread(apply_one(base, update));
    CHECK_INT(result->snapshot_count, 2);
    CHECK(tarn_table_metadata_ref(result, "audit") == NULL); /* it pointed there */
    CHECK(tarn_table_metadata_ref(result, "2025-10") != NULL);
    CHECK_INT(result->statistics_count, 1);
    CHECK_INT(result->statistics[0].snapshot_id, 3003);
    CHECK_INT(result->partition_statistics_count, 1);
    CHECK_INT(result->snapshot_log_count, 1); /* all up to the removed one is gone */
    CHECK_INT(result->snapshot_log[0].snapshot_id, 3003);
    update.ids = first;
    update.count = 1;
    result = reread(apply_one(base, update));
    CHECK_INT(result->snapshot_log_count, 2);
    CHECK_INT(result->partition_statistics_count, 0);
    CHECK_INT(result->snapshots[0].parent_id, 3001); /* says whence it came, though that is gone */
    update.ids = current;
    update.count = 2;
    refuse_one(base, update, INVALID, "the current snapshot 3003 would be removed");
    CHECK(error.hint[0] != '\0');
    TarnSnapshotRef ref = branch("main", 3001); /* in either order */
    const TarnTableUpdate both[] = {update, {.kind = TARN_UPDATE_SET_SNAPSHOT_REF, .ref = &ref}};
    result = reread(apply(base, both, 2));
    CHECK_INT(result->snapshot_count, 1);
    CHECK_INT(result->current_snapshot_id, 3001);
    CHECK_INT(result->snapshot_log_count, 1);
    CHECK_INT(result->snapshot_log[0].timestamp_ms, NOW);
}

static void passes_over_intermediate_snapshots(void) {
    begin();
    TarnTableMetadata *base = parse_file("v2.json");
    TarnSnapshot one = snapshot_after(base, 4001);
    TarnSnapshot two = snapshot_after(base, 4002);
    two.parent_id = 4001;
    two.sequence_number++;
    TarnSnapshotRef first = branch("main", 4001);
    TarnSnapshotRef second = branch("main", 4002);
    const TarnTableUpdate updates[] = {
        {.kind = TARN_UPDATE_ADD_SNAPSHOT, .snapshot = &one},
        {.kind = TARN_UPDATE_SET_SNAPSHOT_REF, .ref = &first},
        {.kind = TARN_UPDATE_ADD_SNAPSHOT, .snapshot = &two},
        {.kind = TARN_UPDATE_SET_SNAPSHOT_REF, .ref = &second},
    };
    TarnTableMetadata *result = reread(apply(base, updates, 4));
    CHECK_INT(result->snapshot_count, 5);
    CHECK_INT(result->snapshot_log_count, 4);
    CHECK_INT(result->snapshot_log[3].snapshot_id, 4002);
    /* A writer's clock that runs ahead does not run ahead in the log. */
    one.timestamp_ms = NOW + 1000000;
    result = apply(base, updates, 2);
    CHECK_INT(result->snapshot_log[3].timestamp_ms, NOW);
}

static void statistics_follow_their_snapshots(void) {
    begin();
    TarnTableMetadata *base = parse_file("v2.json");
    TarnTableUpdate update = {.kind = TARN_UPDATE_SET_STATISTICS,
                              .integer = 3002,
                              .text = "{\"snapshot-id\":3002,\"statistics-path\":\"new\"}"};
    TarnTableMetadata *result = reread(apply_one(base, update));
    CHECK_INT(result->statistics_count, 2);
    CHECK(strstr(result->statistics[0].source.data, "new") != NULL);
    update.kind = TARN_UPDATE_SET_PARTITION_STATISTICS;
    result = reread(apply_one(result, update));
    CHECK_INT(result->partition_statistics_count, 2);
    update.kind = TARN_UPDATE_REMOVE_STATISTICS;
    result = reread(apply_one(result, update));
    CHECK_INT(result->statistics_count, 1);
    update.kind = TARN_UPDATE_REMOVE_PARTITION_STATISTICS;
    CHECK_INT(reread(apply_one(result, update))->partition_statistics_count, 1);
    update.kind = TARN_UPDATE_SET_STATISTICS;
    update.integer = 3001;
    refuse_one(base, update, INVALID, "not of snapshot 3001");
    update.integer = 8;
    update.text = "{\"snapshot-id\":8}";
    refuse_one(base, update, INVALID, "which the table does not have");
    update.text = "{";
    refuse_one(base, update, TARN_E_JSON_SYNTAX, "");
}

/* What is added as text must be readable where it will stand. */
static void added_texts_are_checked(void) {
    begin();
    TarnTableMetadata *base = parse_file("v2.json");
    TarnSnapshot snapshot = snapshot_after(base, 4000);
    const TarnTableUpdate add = {.kind = TARN_UPDATE_ADD_SNAPSHOT, .snapshot = &snapshot};
    snapshot.source = TARN_TEXT("{\"snapshot-id\":4001}");
    refuse_one(base, add, INVALID, "the JSON text of snapshot 4000 is of another one");
    static const char *const broken[] = {"{\"snapshot-id\":4000", "{},{}", "4000", "{}],[{}"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        TarnTableMetadata *result = NULL;
        snapshot.source = tarn_base_text(broken[i]);
        CHECK(!tarn_table_metadata_apply(base, NULL, &add, 1, NOW, &arena, &result, &error));
    }
    for (int depth = 120; depth < 130; depth++) {
        TarnBuffer text;
        tarn_base_buffer_init(&text, 4096);
        tarn_base_buffer_string(&text, "{\"sequence-number\":35,\"snapshot-id\":4000,"
                                       "\"timestamp-ms\":1,\"manifest-list\":\"m\",\"x\":");
        for (int i = 1; i < depth; i++) tarn_base_buffer_byte(&text, '[');
        for (int i = 1; i < depth; i++) tarn_base_buffer_byte(&text, ']');
        tarn_base_buffer_byte(&text, '}');
        TarnTableMetadata *result = NULL;
        snapshot.source = tarn_base_buffer_view(&text);
        bool done = tarn_table_metadata_apply(base, NULL, &add, 1, NOW, &arena, &result, &error);
        CHECK_INT(done, depth <= 126);
        if (done) reread(result);
        tarn_base_buffer_dispose(&text);
    }
    /* a schema whose text does not say the id it gets, though its struct does */
    TarnSchema *schema = parse_schema("{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"id\","
                                      "\"required\":true,\"type\":\"long\"}],\"x\":5}");
    const TarnTableUpdate updates[] = {
        {.kind = TARN_UPDATE_ASSIGN_UUID, .text = "u"},
        {.kind = TARN_UPDATE_SET_LOCATION, .text = "/t"},
        {.kind = TARN_UPDATE_ADD_SCHEMA, .schema = schema},
        {.kind = TARN_UPDATE_SET_CURRENT_SCHEMA, .integer = -1},
        {.kind = TARN_UPDATE_ADD_SPEC, .spec = parse_spec("{\"spec-id\":5,\"fields\":[],\"y\":6}")},
        {.kind = TARN_UPDATE_SET_DEFAULT_SPEC, .integer = -1},
    };
    TarnText text = write_text(apply(NULL, updates, 6));
    CHECK(strstr(text.data, "{\"schema-id\":0,\"type\":\"struct\"") != NULL);
    CHECK(strstr(text.data, "\"x\":5") != NULL);
    CHECK(strstr(text.data, "{\"spec-id\":0,\"fields\":[],\"y\":6}") != NULL);
}

/* ---- requirements ---- */

static void requirements_name_both_sides(void) {
    static const struct {
        TarnTableRequirement requirement;
        const char *words; /* NULL = it holds */
    } cases[] = {
        {{TARN_REQUIRE_UUID, "0f5f1b52-6a1c-4d8e-9b1e-2f6f3a9f0c11", 0}, NULL},
        {{TARN_REQUIRE_UUID, "other", 0}, "the table uuid other, the table has 0f5f1b52"},
        {{TARN_REQUIRE_REF_SNAPSHOT_ID, "main", 3003}, NULL},
        {{TARN_REQUIRE_REF_SNAPSHOT_ID, "main", 3001},
         "the branch \"main\" at snapshot 3001, the table has 3003"},
        {{TARN_REQUIRE_REF_SNAPSHOT_ID, "main", TARN_ABSENT}, "none, the table has 3003"},
        {{TARN_REQUIRE_REF_SNAPSHOT_ID, "new", TARN_ABSENT}, NULL},
        {{TARN_REQUIRE_REF_SNAPSHOT_ID, "new", 3001}, "3001, the table has none"},
        {{TARN_REQUIRE_REF_SNAPSHOT_ID, "2025-10", 3003}, "the tag \"2025-10\""},
        {{TARN_REQUIRE_LAST_COLUMN_ID, NULL, 6}, NULL},
        {{TARN_REQUIRE_LAST_COLUMN_ID, NULL, 5}, "the last column id 5, the table has 6"},
        {{TARN_REQUIRE_CURRENT_SCHEMA_ID, NULL, 1}, NULL},
        {{TARN_REQUIRE_CURRENT_SCHEMA_ID, NULL, 0}, "the current schema 0, the table has 1"},
        {{TARN_REQUIRE_LAST_PARTITION_ID, NULL, 1001}, NULL},
        {{TARN_REQUIRE_LAST_PARTITION_ID, NULL, 1000}, "field id 1000, the table has 1001"},
        {{TARN_REQUIRE_DEFAULT_SPEC_ID, NULL, 1}, NULL},
        {{TARN_REQUIRE_DEFAULT_SPEC_ID, NULL, 0}, "partition spec 0, the table has 1"},
        {{TARN_REQUIRE_DEFAULT_SORT_ORDER_ID, NULL, 1}, NULL},
        {{TARN_REQUIRE_DEFAULT_SORT_ORDER_ID, NULL, 0}, "sort order 0, the table has 1"},
        {{TARN_REQUIRE_CREATE, NULL, 0}, "expects no table yet"},
        {{(TarnRequirementKind)77, NULL, 0}, "unknown kind 77"},
    };
    begin();
    TarnTableMetadata *base = parse_file("v2.json");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool holds = tarn_table_metadata_require(base, &cases[i].requirement, 1, &error);
        CHECK_INT(holds, cases[i].words == NULL);
        if (holds) continue;
        CHECK_INT(error.code, CONFLICT);
        if (strstr(error.message, cases[i].words) == NULL) {
            CHECK_STRING(error.message, cases[i].words);
        }
    }
    const TarnTableRequirement create = {TARN_REQUIRE_CREATE, NULL, 0};
    CHECK_OK(tarn_table_metadata_require(NULL, &create, 1, &error), &error);
    CHECK(!tarn_table_metadata_require(NULL, &cases[0].requirement, 1, &error));
    CHECK(strstr(error.message, "there is none") != NULL);
    const TarnTableRequirement two[] = {cases[0].requirement, cases[1].requirement};
    CHECK(!tarn_table_metadata_require(base, two, 2, &error));
}

/* ---- memory ---- */

static void memory_may_run_out_anywhere(void) {
    begin();
    TarnTableMetadata *base = parse_file("v2.json");
    TarnSnapshot snapshot = snapshot_after(base, 4000);
    TarnSnapshotRef ref = branch("main", 4000);
    const int64_t removed[] = {3001};
    const TarnProperty set[] = {{"owner", "you"}, {"new", "1"}};
    const TarnTableUpdate updates[] = {
        {.kind = TARN_UPDATE_ADD_SCHEMA, .schema = &base->schemas[0]},
        {.kind = TARN_UPDATE_SET_PROPERTIES, .properties = set, .count = 2},
        {.kind = TARN_UPDATE_REMOVE_PROPERTIES, .properties = set, .count = 1},
        {.kind = TARN_UPDATE_ADD_SNAPSHOT, .snapshot = &snapshot},
        {.kind = TARN_UPDATE_SET_SNAPSHOT_REF, .ref = &ref},
        {.kind = TARN_UPDATE_REMOVE_SNAPSHOTS, .ids = removed, .count = 1},
        {.kind = TARN_UPDATE_SET_STATISTICS, .integer = 4000, .text = "{\"snapshot-id\":4000}"},
        {.kind = TARN_UPDATE_SET_LOCATION, .text = "/x"},
    };
    bool done = false;
    for (size_t limit = 0; limit < (1u << 20) && !done; limit += 64) {
        TarnArena small;
        TarnTableMetadata *result = NULL;
        tarn_base_arena_init(&small, limit);
        done = tarn_table_metadata_apply(base, "m", updates, 8, NOW, &small, &result, &error);
        if (!done) CHECK_INT(error.code, TARN_E_OUT_OF_MEMORY);
        tarn_base_arena_dispose(&small);
    }
    CHECK(done);
    const TarnSchema *schema = tarn_table_metadata_current_schema(base);
    done = false;
    for (size_t limit = 0; limit < (1u << 20) && !done; limit += 64) {
        TarnArena small;
        TarnTableMetadata *result = NULL;
        tarn_base_arena_init(&small, limit);
        done = tarn_table_metadata_create("u", "/t", schema, &base->specs[1], &base->sort_orders[1],
                                          set, 2, 2, NOW, &small, &result, &error);
        if (!done) CHECK_INT(error.code, TARN_E_OUT_OF_MEMORY);
        tarn_base_arena_dispose(&small);
    }
    CHECK(done);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(sets_values);
    TAP_TEST(upgrades_version_1);
    TAP_TEST(properties_are_set_and_removed);
    TAP_TEST(the_metadata_log_is_cut);
    TAP_TEST(adds_schemas);
    TAP_TEST(removes_schemas_and_specs);
    TAP_TEST(adds_specs);
    TAP_TEST(refuses_broken_specs);
    TAP_TEST(adds_sort_orders);
    TAP_TEST(commits_a_snapshot);
    TAP_TEST(refuses_broken_snapshots);
    TAP_TEST(counts_rows_in_version_3);
    TAP_TEST(moves_and_removes_refs);
    TAP_TEST(removes_snapshots);
    TAP_TEST(passes_over_intermediate_snapshots);
    TAP_TEST(statistics_follow_their_snapshots);
    TAP_TEST(added_texts_are_checked);
    TAP_TEST(requirements_name_both_sides);
    TAP_TEST(memory_may_run_out_anywhere);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
