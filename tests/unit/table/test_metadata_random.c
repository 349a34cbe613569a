/* Random sequences of updates: whatever is applied is metadata that reads back the same, keeps what
 * nobody knows, and never goes back; whatever is refused changes nothing. */
#include "metadata_test.h"

static uint64_t random_state;

static uint64_t random_next(void) {
    random_state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = random_state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static size_t random_below(size_t limit) { return (size_t)(random_next() % limit); }

static int64_t random_snapshot(const TarnTableMetadata *base) {
    if (base->snapshot_count == 0 || random_below(12) == 0) return (int64_t)random_below(100);
    return base->snapshots[random_below(base->snapshot_count)].id;
}

static const char *random_name(void) {
    static const char *const names[] = {"main", "audit", "b1", "b2", "t1", "2025-10"};
    return names[random_below(sizeof(names) / sizeof(names[0]))];
}

/* The current schema with one more column, or one column fewer. */
static TarnSchema *random_schema(const TarnTableMetadata *base) {
    const TarnSchema *current = tarn_table_metadata_current_schema(base);
    TarnSchema *schema = TARN_NEW(&arena, TarnSchema);
    schema->fields = TARN_NEW_ARRAY(&arena, current->field_count + 1, TarnField);
    size_t skipped = random_below(current->field_count * 3);
    for (size_t i = 0; i < current->field_count; i++) {
        if (i != skipped || current->field_count < 2) {
            schema->fields[schema->field_count++] = current->fields[i];
        }
    }
    if (random_below(2) == 0) {
        static const TarnTypeKind kinds[] = {TARN_TYPE_INT, TARN_TYPE_STRING, TARN_TYPE_DATE,
                                             TARN_TYPE_VARIANT};
        int32_t id = base->last_column_id + 1;
        TarnField *field = &schema->fields[schema->field_count++];
        *field = (TarnField){.id = id, .name = tarn_base_arena_printf(&arena, "c%d", id)};
        field->type.primitive.kind = kinds[random_below(4)];
    }
    return schema;
}

static void random_layout(const TarnTableMetadata *base, TarnTableUpdate *update) {
    const TarnSchema *schema = tarn_table_metadata_current_schema(base);
    const TarnField *field = &schema->fields[random_below(schema->field_count)];
    TarnTransform transform = {.kind = (TarnTransformKind)random_below(8), .width = 4};
    if (random_below(2) == 0) {
        TarnPartitionField *fields = TARN_NEW_ARRAY(&arena, 1, TarnPartitionField);
        TarnPartitionSpec *spec = TARN_NEW(&arena, TarnPartitionSpec);
        *fields = (TarnPartitionField){
            .source_id = field->id,
            .name = tarn_base_arena_printf(&arena, "p%zu", random_below(5)),
            .transform = transform};
        *spec = (TarnPartitionSpec){.fields = fields, .field_count = random_below(2)};
        *update = (TarnTableUpdate){.kind = TARN_UPDATE_ADD_SPEC, .spec = spec};
    } else {
        TarnSortField *fields = TARN_NEW_ARRAY(&arena, 1, TarnSortField);
        TarnSortOrder *order = TARN_NEW(&arena, TarnSortOrder);
        *fields = (TarnSortField){.source_id = field->id, .transform = transform};
        *order = (TarnSortOrder){.fields = fields, .field_count = random_below(2)};
        *update = (TarnTableUpdate){.kind = TARN_UPDATE_ADD_SORT_ORDER, .sort_order = order};
    }
}

static void random_history(const TarnTableMetadata *base, TarnTableUpdate *update) {
    TarnSnapshot *snapshot = TARN_NEW(&arena, TarnSnapshot);
    TarnSnapshotRef *ref = TARN_NEW(&arena, TarnSnapshotRef);
    int64_t *ids = TARN_NEW_ARRAY(&arena, 2, int64_t);
    switch (random_below(4)) {
    case 0:
        *snapshot = snapshot_after(base, (int64_t)(random_next() >> 1));
        snapshot->timestamp_ms += (int64_t)random_below(3) * 100000 - 100000;
        if (random_below(4) == 0) snapshot->parent_id = random_snapshot(base);
        *update = (TarnTableUpdate){.kind = TARN_UPDATE_ADD_SNAPSHOT, .snapshot = snapshot};
        break;
    case 1:
        *ref = branch(random_name(), random_snapshot(base));
        ref->is_tag = random_below(4) == 0;
        *update = (TarnTableUpdate){.kind = TARN_UPDATE_SET_SNAPSHOT_REF, .ref = ref};
        break;
    case 2:
        ids[0] = random_snapshot(base);
        ids[1] = random_snapshot(base);
        *update = (TarnTableUpdate){
            .kind = TARN_UPDATE_REMOVE_SNAPSHOTS, .ids = ids, .count = 1 + random_below(2)};
        break;
    default:
        *update = (TarnTableUpdate){.kind = TARN_UPDATE_REMOVE_SNAPSHOT_REF, .text = random_name()};
        break;
    }
}

static void random_update(const TarnTableMetadata *base, TarnTableUpdate *update) {
    static const TarnUpdateKind setters[] = {TARN_UPDATE_SET_CURRENT_SCHEMA,
                                             TARN_UPDATE_SET_DEFAULT_SPEC,
                                             TARN_UPDATE_SET_DEFAULT_SORT_ORDER};
    TarnProperty *property = TARN_NEW(&arena, TarnProperty);
    *property = (TarnProperty){random_name(), "value"};
    switch (random_below(12)) {
    case 0:
        *update = (TarnTableUpdate){.kind = TARN_UPDATE_ADD_SCHEMA, .schema = random_schema(base)};
        break;
    case 1:
    case 2:
        *update = (TarnTableUpdate){.kind = setters[random_below(3)],
                                    .integer = (int64_t)random_below(5) - 1};
        break;
    case 3:
    case 4: random_layout(base, update); break;
    case 5:
        *update = (TarnTableUpdate){.kind = random_below(2) == 0 ? TARN_UPDATE_SET_PROPERTIES
                                                                 : TARN_UPDATE_REMOVE_PROPERTIES,
                                    .properties = property,
                                    .count = 1};
        break;
    case 6:
        *update = (TarnTableUpdate){.kind = TARN_UPDATE_UPGRADE_FORMAT,
                                    .integer = 2 + (int64_t)(random_below(20) == 0)};
        break;
    default: random_history(base, update); break;
    }
}

static void check_invariants(const TarnTableMetadata *before, const TarnTableMetadata *after) {
    CHECK(after->last_sequence_number >= before->last_sequence_number);
    CHECK(after->last_column_id >= before->last_column_id);
    CHECK(after->last_partition_id >= before->last_partition_id);
    CHECK(after->last_updated_ms >= before->last_updated_ms);
    CHECK(after->next_row_id >= before->next_row_id);
    CHECK(after->metadata_log_count <= 3);
    CHECK_STRING(after->uuid, before->uuid);
    for (size_t i = 1; i < after->snapshot_log_count; i++) {
        CHECK(after->snapshot_log[i].timestamp_ms >= after->snapshot_log[i - 1].timestamp_ms);
    }
    for (size_t i = 0; i < after->snapshot_log_count; i++) {
        CHECK(tarn_table_metadata_snapshot(after, after->snapshot_log[i].snapshot_id) != NULL);
    }
    for (size_t i = 0; i < after->ref_count; i++) {
        CHECK(tarn_table_metadata_snapshot(after, after->refs[i].snapshot_id) != NULL);
    }
    const TarnSnapshotRef *main_ref = tarn_table_metadata_ref(after, "main");
    CHECK((main_ref == NULL) == (after->current_snapshot_id == TARN_ABSENT));
    if (main_ref != NULL && after->current_snapshot_id != before->current_snapshot_id) {
        REQUIRE(after->snapshot_log_count > 0);
        CHECK_INT(after->snapshot_log[after->snapshot_log_count - 1].snapshot_id,
                  after->current_snapshot_id);
    }
}

/* Any sequence leaves metadata that reads back as the same metadata, and the base as it was. */
static void random_sequences_keep_the_rules(void) {
    static const char *const kept[] = {"\"x-first\"",  "\"x-last\"", "\"x-spec\"", "\"x-order\"",
                                       "\"x-schema\"", "\"x-part\"", "\"x-field\""};
    size_t applied = 0;
    size_t refused = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        begin();
        random_state = seed;
        TarnTableMetadata *base = parse_file("v2.json");
        int failures = tap_current_failures;
        for (int step = 0; step < 40; step++) {
            TarnTableUpdate updates[4];
            TarnTableMetadata *after = NULL;
            size_t count = 1 + random_below(3);
            TarnText before = write_text(base);
            for (size_t i = 0; i < count; i++) random_update(base, &updates[i]);
            bool done = tarn_table_metadata_apply(base, "s3://m.json", updates, count,
                                                  NOW + step * 1000, &arena, &after, &error);
            CHECK(tarn_base_text_equal(before, write_text(base)));
            if (!done) {
                refused++;
                CHECK(error.message[0] != '\0' && error.code != TARN_E_INTERNAL);
                continue;
            }
            applied++;
            TarnTableMetadata *again = reread(after);
            CHECK(same_text(write_text(after), write_text(again)));
            check_invariants(base, again);
            TarnText text = write_text(again);
            for (size_t k = 0; k < sizeof(kept) / sizeof(kept[0]); k++) {
                CHECK(strstr(text.data, kept[k]) != NULL);
            }
            base = again;
        }
        if (tap_current_failures > failures) printf("# seed %llu\n", (unsigned long long)seed);
    }
    printf("# %zu applied, %zu refused\n", applied, refused);
    CHECK(applied > 600 && refused > 200);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(random_sequences_keep_the_rules);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
