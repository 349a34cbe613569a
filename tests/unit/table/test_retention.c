/* Which snapshots expire: ages, counts, refs, ids; and which schemas and specs with them. */
#include "table/retention.h"
#include "metadata_test.h"

#define DAY INT64_C(86400000)
#define TODAY (100 * DAY)

/* Snapshots are "id parent day"; id 1 has schema 0, others schema 1. */
typedef struct Snap {
    int id;
    int parent; /* 0 = none */
    int day;
} Snap;

static TarnTableMetadata *make(const Snap *snaps, size_t count, const char *refs, int current,
                               const char *properties) {
    TarnTableMetadata *metadata = NULL;
    TarnBuffer text;
    tarn_base_buffer_init(&text, 1u << 20);
    tarn_base_buffer_printf(
        &text,
        "{\"format-version\":2,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\","
        "\"location\":\"/lake/t\",\"last-sequence-number\":99,\"last-updated-ms\":1,"
        "\"last-column-id\":2,\"current-schema-id\":1,\"schemas\":["
        "{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
        "{\"id\":1,\"name\":\"a\",\"required\":false,\"type\":\"int\"}]},"
        "{\"type\":\"struct\",\"schema-id\":1,\"fields\":["
        "{\"id\":2,\"name\":\"b\",\"required\":false,\"type\":\"int\"}]}],"
        "\"default-spec-id\":0,\"last-partition-id\":1000,\"partition-specs\":["
        "{\"spec-id\":0,\"fields\":[]},{\"spec-id\":1,\"fields\":["
        "{\"name\":\"a\",\"transform\":\"identity\",\"source-id\":1,\"field-id\":1000}]}],"
        "\"default-sort-order-id\":0,\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],"
        "\"properties\":{%s},\"current-snapshot-id\":%d,\"refs\":{%s},\"snapshot-log\":[],"
        "\"metadata-log\":[],\"snapshots\":[",
        properties, current, refs);
    for (size_t i = 0; i < count; i++) {
        tarn_base_buffer_printf(&text, "%s{\"snapshot-id\":%d,", i > 0 ? "," : "", snaps[i].id);
        if (snaps[i].parent != 0) {
            tarn_base_buffer_printf(&text, "\"parent-snapshot-id\":%d,", snaps[i].parent);
        }
        tarn_base_buffer_printf(&text,
                                "\"sequence-number\":%zu,\"timestamp-ms\":%lld,"
                                "\"manifest-list\":\"/lake/t/metadata/snap-%d.avro\","
                                "\"summary\":{\"operation\":\"append\"},\"schema-id\":%d}",
                                i + 1, (long long)(snaps[i].day * DAY), snaps[i].id,
                                snaps[i].id == 1 ? 0 : 1);
    }
    tarn_base_buffer_string(&text, "]}");
    TarnText copy = {tarn_base_arena_string_n(&arena, text.data, text.size), text.size};
    tarn_base_buffer_dispose(&text);
    CHECK_OK(tarn_table_metadata_parse(copy, "t", &arena, &metadata, &error), &error);
    if (metadata == NULL) exit(1);
    return metadata;
}

/* "1 2 / tag": expired ids and removed refs. */
static const char *expired(const TarnTableMetadata *metadata, TarnRetention retention) {
    static char text[2048];
    TarnExpiry expiry;
    size_t used = 0;
    retention.now_ms = TODAY;
    if (!tarn_table_retention_plan(metadata, &retention, &arena, &expiry, &error)) {
        snprintf(text, sizeof(text), "error: %s", error.message);
        return text;
    }
    text[0] = '\0';
    for (size_t i = 0; i < expiry.expired_count; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%lld", i > 0 ? " " : "",
                                 (long long)expiry.expired[i]->id);
    }
    for (size_t i = 0; i < expiry.ref_count; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? " " : " / ",
                                 expiry.refs[i]);
    }
    CHECK_INT(expiry.expired_count + expiry.kept_count, metadata->snapshot_count);
    return text;
}

#define DEFAULT ((TarnRetention){.older_than_ms = TARN_ABSENT, .retain_last = TARN_ABSENT})
#define OLDER(day, last)                                                                           \
    ((TarnRetention){.older_than_ms = (day)*DAY, .retain_last = (last)})

static const Snap LINE[] = {{1, 0, 10}, {2, 1, 20}, {3, 2, 30}, {4, 3, 97}, {5, 4, 99}};
#define MAIN "\"main\":{\"snapshot-id\":5,\"type\":\"branch\"}"

static void ages_and_counts(void) {
    begin();
    const TarnTableMetadata *metadata = make(LINE, 5, MAIN, 5, "");
    CHECK_STRING(expired(metadata, DEFAULT), "1 2 3");
    CHECK_STRING(expired(metadata, OLDER(100, TARN_ABSENT)), "1 2 3 4");
    CHECK_STRING(expired(metadata, OLDER(100, 4)), "1");
    CHECK_STRING(expired(metadata, OLDER(1, 1)), "");
    CHECK_STRING(expired(metadata, OLDER(20, 0)), "1");
    metadata = make(LINE, 5, MAIN, 5, "\"history.expire.max-snapshot-age-ms\":\"86400001\","
                                      "\"history.expire.min-snapshots-to-keep\":\"2\"");
    CHECK_STRING(expired(metadata, DEFAULT), "1 2 3");
    metadata = make(LINE, 5, "", 5, ""); /* a current snapshot without refs */
    CHECK_STRING(expired(metadata, DEFAULT), "1 2 3");
}

static void refs_keep_what_they_lead_to(void) {
    begin();
    static const Snap TREE[] = {{1, 0, 10}, {2, 1, 20}, {3, 1, 21}, {4, 3, 22},
                                {5, 2, 99}, {6, 2, 15}, {7, 0, 98}};
    const TarnTableMetadata *metadata =
        make(TREE, 7, MAIN ",\"old\":{\"snapshot-id\":2,\"type\":\"tag\"},"
                           "\"b\":{\"snapshot-id\":4,\"type\":\"branch\"}",
             5, "");
    /* 6 and 7 lead nowhere: the old one goes, the young one stays. */
    CHECK_STRING(expired(metadata, DEFAULT), "1 3 6");
    metadata = make(TREE, 7, MAIN ",\"b\":{\"snapshot-id\":4,\"type\":\"branch\","
                                  "\"min-snapshots-to-keep\":3}",
                    5, "");
    CHECK_STRING(expired(metadata, DEFAULT), "2 6");
    metadata = make(TREE, 7, MAIN ",\"b\":{\"snapshot-id\":4,\"type\":\"branch\","
                                  "\"max-snapshot-age-ms\":6825600000}",
                    5, ""); /* 79 days: 3 and 4 */
    CHECK_STRING(expired(metadata, DEFAULT), "1 2 6");
}

static void refs_have_an_age(void) {
    begin();
    const TarnTableMetadata *metadata =
        make(LINE, 5, MAIN ",\"t\":{\"snapshot-id\":2,\"type\":\"tag\",\"max-ref-age-ms\":1000},"
                           "\"u\":{\"snapshot-id\":1,\"type\":\"tag\"}",
             5, "");
    CHECK_STRING(expired(metadata, DEFAULT), "2 3 / t");
    metadata = make(LINE, 5, MAIN ",\"u\":{\"snapshot-id\":1,\"type\":\"tag\"}", 5,
                    "\"history.expire.max-ref-age-ms\":\"1000\"");
    CHECK_STRING(expired(metadata, DEFAULT), "1 2 3 / u");
}

static void ids_are_exact(void) {
    begin();
    const TarnTableMetadata *metadata =
        make(LINE, 5, MAIN ",\"t\":{\"snapshot-id\":2,\"type\":\"tag\",\"max-ref-age-ms\":1}", 5,
             "");
    static const int64_t four[] = {4};
    static const int64_t two[] = {2};
    static const int64_t none[] = {77};
    TarnRetention retention = DEFAULT;
    retention.snapshot_id_count = 1;
    retention.snapshot_ids = four;
    CHECK_STRING(expired(metadata, retention), "4");
    retention.snapshot_ids = two;
    CHECK_STRING(expired(metadata, retention),
                 "error: snapshot 2 cannot expire: \"t\" points to it");
    retention.snapshot_ids = none;
    CHECK_STRING(expired(metadata, retention), "error: no snapshot 77 in this table");
}

static void hostile_history_ends(void) {
    begin();
    static const Snap CIRCLE[] = {{1, 2, 10}, {2, 1, 20}};
    const TarnTableMetadata *metadata =
        make(CIRCLE, 2, "\"main\":{\"snapshot-id\":2,\"type\":\"branch\"}", 2, "");
    CHECK_STRING(expired(metadata, OLDER(15, 1)), "1");
}

static void layouts_go_when_nothing_refers_to_them(void) {
    begin();
    static const int32_t both[] = {0, 1};
    TarnExpiry expiry;
    TarnUnusedLayout unused;
    const TarnTableMetadata *metadata = make(LINE, 5, MAIN, 5, "");
    TarnRetention retention = DEFAULT;
    retention.now_ms = TODAY;
    CHECK_OK(tarn_table_retention_plan(metadata, &retention, &arena, &expiry, &error), &error);
    CHECK_OK(tarn_table_retention_unused(metadata, &expiry, both, 1, false, &arena, &unused,
                                         &error),
             &error);
    CHECK_INT(unused.spec_count, 1);
    CHECK_INT(unused.spec_ids[0], 1);
    CHECK_INT(unused.schema_count, 1);
    CHECK_INT(unused.schema_ids[0], 0);
    /* Spec 1 is of a column that only schema 0 has. */
    CHECK_OK(tarn_table_retention_unused(metadata, &expiry, both, 2, false, &arena, &unused,
                                         &error),
             &error);
    CHECK_INT(unused.spec_count + unused.schema_count, 0);
    CHECK_OK(tarn_table_retention_unused(metadata, &expiry, both, 1, true, &arena, &unused,
                                         &error),
             &error);
    CHECK_INT(unused.schema_count, 0);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(ages_and_counts);
    TAP_TEST(refs_keep_what_they_lead_to);
    TAP_TEST(refs_have_an_age);
    TAP_TEST(ids_are_exact);
    TAP_TEST(hostile_history_ends);
    TAP_TEST(layouts_go_when_nothing_refers_to_them);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
