/* What the tests of table metadata share: files, edits of their text, comparison by meaning. */
#ifndef TARN_TESTS_METADATA_TEST_H
#define TARN_TESTS_METADATA_TEST_H

#include "table/metadata.h"
#include "tap.h"

/* Each test file uses some of them. */
#define TEST_HELPER __attribute__((unused)) static

static TarnArena arena;
static TarnError error;

static void begin(void) {
    tarn_base_arena_dispose(&arena);
    tarn_base_arena_init(&arena, 256u << 20);
    tarn_base_error_clear(&error);
}

TEST_HELPER TarnText read_test_file(const char *name) {
    char path[1024];
    snprintf(path, sizeof(path), "%s/metadata/%s", TARN_TEST_DATA, name);
    FILE *file = fopen(path, "rb");
    char *data = tarn_base_arena_alloc(&arena, 64u << 10);
    if (file == NULL || data == NULL) {
        printf("# cannot read %s\n", path);
        exit(1);
    }
    size_t size = fread(data, 1, 64u << 10, file);
    fclose(file);
    return (TarnText){data, size};
}

/* The text with the only occurrence of `from` replaced. */
TEST_HELPER TarnText edit(TarnText text, const char *from, const char *to) {
    char *whole = tarn_base_text_string(&arena, text);
    char *at = strstr(whole, from);
    if (at == NULL || strstr(at + 1, from) != NULL) {
        printf("# the text has not exactly one %s\n", from);
        exit(1);
    }
    size_t before = (size_t)(at - whole);
    char *result = tarn_base_arena_printf(&arena, "%.*s%s%s", (int)before, whole, to,
                                          at + strlen(from));
    return tarn_base_text(result);
}

TEST_HELPER TarnTableMetadata *parse_file(const char *name) {
    TarnTableMetadata *metadata = NULL;
    CHECK_OK(tarn_table_metadata_parse(read_test_file(name), name, &arena, &metadata, &error),
             &error);
    if (metadata == NULL) exit(1);
    return metadata;
}

/* What it writes, in the arena. */
TEST_HELPER TarnText write_text(const TarnTableMetadata *metadata) {
    TarnBuffer out;
    tarn_base_buffer_init(&out, 256u << 20);
    CHECK_OK(tarn_table_metadata_write(metadata, &out, &error), &error);
    TarnText text = {tarn_base_arena_string_n(&arena, out.data, out.size), out.size};
    tarn_base_buffer_dispose(&out);
    return text;
}

/* Writes it and reads it back: whatever a change made must be metadata again. */
TEST_HELPER TarnTableMetadata *reread(const TarnTableMetadata *metadata) {
    TarnTableMetadata *again = NULL;
    TarnText text = write_text(metadata);
    if (!tarn_table_metadata_parse(text, "again", &arena, &again, &error)) {
        CHECK_OK(false, &error);
        printf("# %.*s\n", TARN_TEXT_ARG(text));
        exit(1);
    }
    return again;
}

/* Equal by meaning: members in any order, numbers by value, null like a missing member. */
TEST_HELPER bool same_json(const TarnJson *a, const TarnJson *b) {
    if (a == NULL || b == NULL) {
        const TarnJson *other = a != NULL ? a : b;
        return other == NULL || other->kind == TARN_JSON_NULL;
    }
    if (a->kind != b->kind) return false;
    int64_t x = 0;
    int64_t y = 0;
    switch (a->kind) {
    case TARN_JSON_NULL: return true;
    case TARN_JSON_BOOL: return a->boolean == b->boolean;
    case TARN_JSON_STRING: return tarn_base_text_equal(a->text, b->text);
    case TARN_JSON_NUMBER:
        if (tarn_base_json_int64(a, &x) && tarn_base_json_int64(b, &y)) return x == y;
        return tarn_base_text_equal(a->text, b->text);
    case TARN_JSON_ARRAY:
        if (a->count != b->count) return false;
        for (const TarnJson *l = a->first, *r = b->first; l != NULL; l = l->next, r = r->next) {
            if (!same_json(l, r)) return false;
        }
        return true;
    case TARN_JSON_OBJECT:
    default: break;
    }
    char key[256];
    TARN_JSON_EACH(child, a) {
        snprintf(key, sizeof(key), "%.*s", TARN_TEXT_ARG(child->key));
        if (same_json(child, tarn_base_json_member(b, key))) continue;
        printf("# member %s differs\n", key);
        return false;
    }
    TARN_JSON_EACH(child, b) {
        snprintf(key, sizeof(key), "%.*s", TARN_TEXT_ARG(child->key));
        if (!same_json(child, tarn_base_json_member(a, key))) return false;
    }
    return true;
}

TEST_HELPER bool same_text(TarnText a, TarnText b) {
    TarnJson *left = NULL;
    TarnJson *right = NULL;
    CHECK_OK(tarn_base_json_parse(a, "a", &arena, &left, &error), &error);
    CHECK_OK(tarn_base_json_parse(b, "b", &arena, &right, &error), &error);
    return same_json(left, right);
}

/* ---- changes ---- */

#define NOW INT64_C(1760000100000)

TEST_HELPER TarnSnapshot snapshot_after(const TarnTableMetadata *base, int64_t id) {
    return (TarnSnapshot){.id = id,
                          .parent_id = base->current_snapshot_id,
                          .sequence_number = base->last_sequence_number + 1,
                          .timestamp_ms = NOW - 5,
                          .manifest_list = "s3://lake/snap.avro",
                          .operation = "append",
                          .schema_id = base->current_schema_id,
                          .first_row_id = base->format_version > 2 ? base->next_row_id
                                                                   : TARN_ABSENT,
                          .added_rows = base->format_version > 2 ? 10 : TARN_ABSENT};
}

TEST_HELPER TarnSnapshotRef branch(const char *name, int64_t id) {
    return (TarnSnapshotRef){.name = name,
                             .snapshot_id = id,
                             .min_snapshots_to_keep = TARN_ABSENT,
                             .max_snapshot_age_ms = TARN_ABSENT,
                             .max_ref_age_ms = TARN_ABSENT};
}

TEST_HELPER TarnSchema *parse_schema(const char *json) {
    TarnJson *root = NULL;
    TarnSchema *schema = TARN_NEW(&arena, TarnSchema);
    CHECK_OK(tarn_base_json_parse(tarn_base_text(json), "schema", &arena, &root, &error), &error);
    CHECK_OK(tarn_table_schema_from_json(root, &arena, schema, &error), &error);
    schema->source = root->source;
    return schema;
}

TEST_HELPER TarnPartitionSpec *parse_spec(const char *json) {
    TarnJson *root = NULL;
    TarnPartitionSpec *spec = TARN_NEW(&arena, TarnPartitionSpec);
    CHECK_OK(tarn_base_json_parse(tarn_base_text(json), "spec", &arena, &root, &error), &error);
    CHECK_OK(tarn_table_partition_spec_from_json(root, &arena, spec, &error), &error);
    spec->source = root->source;
    return spec;
}

TEST_HELPER TarnSortOrder *parse_order(const char *json) {
    TarnJson *root = NULL;
    TarnSortOrder *order = TARN_NEW(&arena, TarnSortOrder);
    CHECK_OK(tarn_base_json_parse(tarn_base_text(json), "order", &arena, &root, &error), &error);
    CHECK_OK(tarn_table_sort_order_from_json(root, &arena, order, &error), &error);
    order->source = root->source;
    return order;
}

TEST_HELPER TarnTableMetadata *apply(const TarnTableMetadata *base, const TarnTableUpdate *updates,
                                     size_t count) {
    TarnTableMetadata *result = NULL;
    CHECK_OK(tarn_table_metadata_apply(base, "s3://lake/base.metadata.json", updates, count, NOW,
                                       &arena, &result, &error),
             &error);
    if (result == NULL) exit(1);
    return result;
}

TEST_HELPER TarnTableMetadata *apply_one(const TarnTableMetadata *base, TarnTableUpdate update) {
    return apply(base, &update, 1);
}

TEST_HELPER void refuse(const TarnTableMetadata *base, const TarnTableUpdate *updates, size_t count,
                        TarnErrorCode code, const char *words) {
    TarnTableMetadata *result = NULL;
    CHECK(!tarn_table_metadata_apply(base, NULL, updates, count, NOW, &arena, &result, &error));
    CHECK(result == NULL);
    CHECK_INT(error.code, code);
    if (strstr(error.message, words) == NULL) CHECK_STRING(error.message, words);
}

TEST_HELPER void refuse_one(const TarnTableMetadata *base, TarnTableUpdate update,
                            TarnErrorCode code, const char *words) {
    refuse(base, &update, 1, code, words);
}

#define INVALID TARN_E_METADATA_INVALID
#define CONFLICT TARN_E_COMMIT_CONFLICT

#endif
