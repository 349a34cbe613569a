/* View metadata: what others wrote is read and kept, what is changed becomes a version, what is
 * broken is refused by name. */
#include "table/view_metadata.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "tap.h"

static TarnArena arena;
static TarnError error;

/* As Spark writes it, with members that nobody here knows. */
static const char SPARK[] =
    "{\"view-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\",\"format-version\":1,"
    "\"location\":\"/w/v/\",\"x-unknown\":{\"a\":[1,2]},"
    "\"schemas\":[{\"type\":\"struct\",\"schema-id\":3,\"fields\":[{\"id\":1,\"name\":\"c\","
    "\"required\":false,\"type\":\"long\",\"doc\":\"count\"}]}],"
    "\"current-version-id\":7,\"versions\":[{\"version-id\":7,\"timestamp-ms\":1573518431292,"
    "\"schema-id\":3,\"default-catalog\":\"prod\",\"default-namespace\":[\"a\",\"b\"],"
    "\"summary\":{\"engine-name\":\"Spark\"},\"representations\":[{\"type\":\"sql\",\"sql\":"
    "\"SELECT COUNT(1) AS c\",\"dialect\":\"spark\"},{\"type\":\"plan\",\"plan\":\"...\"}]}],"
    "\"version-log\":[{\"timestamp-ms\":1573518431292,\"version-id\":7}],"
    "\"properties\":{\"comment\":\"daily\"}}";

static TarnViewMetadata *parse(const char *text) {
    TarnViewMetadata *metadata = NULL;
    return tarn_table_view_parse(tarn_base_text(tarn_base_arena_string(&arena, text)), "v", &arena,
                                 &metadata, &error)
               ? metadata
               : NULL;
}

static const char *written(const TarnViewMetadata *metadata) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, 64 * TARN_MIB);
    tarn_table_view_write(metadata, &text);
    const char *copy = tarn_base_text_string(&arena, tarn_base_buffer_view(&text));
    tarn_base_buffer_dispose(&text);
    return copy;
}

static TarnViewMetadata *change(const TarnViewMetadata *base, const char *sql,
                                const char *schema, int64_t now) {
    TarnViewRepresentation one = {.dialect = "duckdb", .sql = sql};
    TarnViewWanted wanted = {.uuid = "u",
                             .location = "/w/u",
                             .ns = "a.b",
                             .schema_json = schema,
                             .representations = &one,
                             .representation_count = 1};
    TarnViewMetadata *next = NULL;
    if (!tarn_table_view_change(base, &wanted, now, &arena, &next, &error)) return NULL;
    return parse(written(next)); /* as the catalog does: through text */
}

static void what_others_wrote_is_kept(void) {
    TarnViewMetadata *metadata = parse(SPARK);
    REQUIRE_OK(metadata != NULL, &error);
    CHECK_STRING(metadata->location, "/w/v");
    CHECK_INT(metadata->current->id, 7);
    CHECK_INT(metadata->current->representation_count, 1);
    CHECK_STRING(tarn_table_view_sql(metadata->current, "SPARK"), "SELECT COUNT(1) AS c");
    CHECK(tarn_table_view_sql(metadata->current, "duckdb") == NULL);
    CHECK_STRING(written(metadata), SPARK);
    metadata = change(metadata, "select 1", NULL, INT64_C(1600000000000));
    REQUIRE_OK(metadata != NULL, &error);
    CHECK_INT(metadata->current->id, 8);
    CHECK_INT(metadata->current->schema_id, 3); /* as before */
    CHECK_STRING(metadata->uuid, "9c12d441-03fe-4693-9a96-a0705ddf69c1");
    const char *text = written(metadata);
    CHECK(strstr(text, "\"x-unknown\":{\"a\":[1,2]}") != NULL);
    CHECK(strstr(text, "{\"type\":\"plan\",\"plan\":\"...\"}") != NULL);
    CHECK(strstr(text, "\"properties\":{\"comment\":\"daily\"}") != NULL);
    CHECK(strstr(text, "\"doc\":\"count\"") != NULL);
    CHECK(strstr(text, "\"default-catalog\":\"prod\",\"default-namespace\":[\"a\",\"b\"]") != NULL);
}

#define SCHEMA(name)                                                                               \
    "{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"" name                  \
    "\",\"required\":false,\"type\":\"int\"}]}"

static void a_change_makes_a_version(void) {
    TarnViewMetadata *v = change(NULL, "select 1 as a", SCHEMA("a"), 100);
    REQUIRE_OK(v != NULL, &error);
    CHECK_INT(v->current->id, 1);
    CHECK_INT(v->current->schema_id, 0);
    CHECK_INT(v->current->timestamp_ms, 100);
    CHECK_STRING(v->uuid, "u");
    CHECK(tarn_table_view_is(v, "select 1 as a", SCHEMA("a"), &arena));
    CHECK(!tarn_table_view_is(v, "select 1 as b", SCHEMA("a"), &arena));
    CHECK(!tarn_table_view_is(v, "select 1 as a", SCHEMA("b"), &arena));
    v = change(v, "select 1 as b", SCHEMA("b"), 50); /* a clock that went back */
    REQUIRE_OK(v != NULL, &error);
    CHECK_INT(v->version_count, 2);
    CHECK_INT(v->current->id, 2);
    CHECK_INT(v->current->schema_id, 1);
    CHECK_INT(v->current->timestamp_ms, 100);
    v = change(v, "select 2 as a", SCHEMA("a"), 200);
    REQUIRE_OK(v != NULL, &error);
    CHECK_INT(v->current->schema_id, 0); /* the same columns again */
    CHECK_STRING(tarn_table_view_sql(&v->versions[0], "duckdb"), "select 1 as a");
    CHECK(tarn_table_view_schema(v, v->current) != NULL);
}

static void old_versions_go(void) {
    TarnViewMetadata *v = change(NULL, "select 0", SCHEMA("a"), 1);
    for (int i = 1; i < 30 && v != NULL; i++) {
        char sql[32];
        snprintf(sql, sizeof(sql), "select %d", i);
        v = change(v, sql, SCHEMA("a"), i + 1);
    }
    REQUIRE_OK(v != NULL, &error);
    CHECK_INT(v->version_count, 10);
    CHECK_INT(v->versions[0].id, 21);
    CHECK_INT(v->current->id, 30);
    const TarnJson *log = tarn_base_json_member(v->root, "version-log");
    CHECK_INT(log->count, 10);
}

static void what_is_broken_is_refused(void) {
    static const struct {
        const char *from;
        const char *to;
        TarnErrorCode code;
    } breaks[] = {
        {"\"format-version\":1", "\"format-version\":2", TARN_E_FORMAT_UNSUPPORTED},
        {"\"format-version\":1,", "", TARN_E_METADATA_INVALID},
        {"\"view-uuid\"", "\"no-uuid\"", TARN_E_METADATA_INVALID},
        {"\"location\":\"/w/v/\"", "\"location\":\"\"", TARN_E_METADATA_INVALID},
        {"\"location\":\"/w/v/\"", "\"location\":7", TARN_E_METADATA_INVALID},
        {"\"current-version-id\":7", "\"current-version-id\":8", TARN_E_METADATA_INVALID},
        {"\"current-version-id\":7", "\"current-version-id\":7.5", TARN_E_METADATA_INVALID},
        {"\"versions\":[{", "\"versions\":{\"x\":[{", TARN_E_JSON_SYNTAX},
        {"\"version-id\":7,\"timestamp", "\"id\":7,\"timestamp", TARN_E_METADATA_INVALID},
        {"\"dialect\":\"spark\"", "\"dialect\":null", TARN_E_METADATA_INVALID},
        {"SELECT COUNT(1) AS c", "a\\u0000b", TARN_E_METADATA_INVALID},
        {"\"representations\":[", "\"representation\":[", TARN_E_METADATA_INVALID},
        {"{\"view-uuid\"", "[{\"view-uuid\"", TARN_E_JSON_SYNTAX},
    };
    for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
        const char *at = strstr(SPARK, breaks[i].from);
        REQUIRE(at != NULL);
        const char *text = tarn_base_arena_printf(&arena, "%.*s%s%s", (int)(at - SPARK), SPARK,
                                                  breaks[i].to, at + strlen(breaks[i].from));
        CHECK(parse(text) == NULL);
        CHECK_INT(error.code, breaks[i].code);
    }
    /* Cut anywhere, it is an error and nothing worse. */
    for (size_t n = 0; n < strlen(SPARK); n++) {
        CHECK(parse(tarn_base_arena_string_n(&arena, SPARK, n)) == NULL);
    }
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    tarn_base_arena_init(&arena, TARN_GIB);
    TAP_TEST(what_others_wrote_is_kept);
    TAP_TEST(a_change_makes_a_version);
    TAP_TEST(old_versions_go);
    TAP_TEST(what_is_broken_is_refused);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
