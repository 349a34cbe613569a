/* YAML: types, places, references, what is refused and where. */
#include "base/yaml.h"

#include "base/limits.h"
#include "tap.h"

static TarnArena arena;
static TarnError error;

static TarnJson *parse(const char *text) {
    TarnJson *root = NULL;
    tarn_base_arena_reset(&arena);
    tarn_base_error_clear(&error);
    if (tarn_base_yaml_parse(tarn_base_text(text), "t.yaml", &arena, &root, &error)) return root;
    printf("# %u:%u: %s\n", error.line, error.column, error.message);
    return NULL;
}

/* The tree as JSON: the shortest way to say what is expected. */
static const char *as_json(const char *text) {
    static TarnBuffer out;
    TarnJson *root = parse(text);
    if (root == NULL) return "refused";
    tarn_base_buffer_dispose(&out);
    tarn_base_buffer_init(&out, TARN_MIB);
    tarn_base_json_write(root, 0, &out);
    return out.failed ? "failed" : out.data;
}

static void plain_scalars_have_types(void) {
    CHECK_STRING(as_json("[true, false, null, ~, , 0, -1, 1.5e3, -0]"), "refused");
    CHECK_STRING(as_json("[true, false, null, ~, 0, -1, 1.5e3, -0]"),
                 "[true,false,null,null,0,-1,1.5e3,-0]");
    CHECK_STRING(as_json("a:\nb: ''\nc: \"\"\n"), "{\"a\":null,\"b\":\"\",\"c\":\"\"}");
    CHECK_STRING(as_json("[yes, no, on, off, True, NULL, 1%, 7y, 0 2 * * *, 60s, 128MB]"),
                 "[\"yes\",\"no\",\"on\",\"off\",\"True\",\"NULL\",\"1%\",\"7y\",\"0 2 * * *\","
                 "\"60s\",\"128MB\"]");
    CHECK_STRING(as_json("[01, +1, .5, 1., 0x1F, 1_000, .inf, 1:30, 2026-11-21, 1e400]"),
                 "[\"01\",\"+1\",\".5\",\"1.\",\"0x1F\",\"1_000\",\".inf\",\"1:30\","
                 "\"2026-11-21\",1e400]");
}

static void quoted_scalars_are_text(void) {
    CHECK_STRING(as_json("['true', \"null\", '12', \"~\", 'it''s', \"a\\tb\\u00e4\\0\"]"),
                 "[\"true\",\"null\",\"12\",\"~\",\"it's\",\"a\\tb\xC3\xA4\\u0000\"]");
}

static void any_unicode_is_text(void) {
    CHECK_STRING(as_json("a\xC2\xA0: \xF0\x9F\x8C\x8A\n"), "{\"a\xC2\xA0\":\"\xF0\x9F\x8C\x8A\"}");
    CHECK_STRING(as_json("\"\\U0010FFFD ${x}\""), "\"\xF4\x8F\xBF\xBD ${x}\"");
    CHECK_STRING(as_json("'\\U0010'"), "\"\\\\U0010\"");
    CHECK_STRING(as_json("a\\fffe"), "\"a\\\\fffe\"");
    CHECK_STRING(as_json("a\\U0010"), "\"a\\\\U0010\"");
}

static void untyped_nodes_have_no_text(void) {
    TarnJson *root = parse("[~, null, true, false, 1]");
    REQUIRE(root != NULL);
    TARN_JSON_EACH(child, root) CHECK_INT(child->text.size, child == root->last);
}

static void block_scalars_are_text(void) {
    CHECK_STRING(as_json("a: |\n  12\n  x\nb: >-\n  one\n  two\nc: |-\n  true\n"),
                 "{\"a\":\"12\\nx\\n\",\"b\":\"one two\",\"c\":\"true\"}");
}

static void keys_are_text_whatever_they_look_like(void) {
    CHECK_STRING(as_json("{1: a, true: b, null: c, ~: d, 'q r': e, \"\\t\": f, '<<': g}"),
                 "{\"1\":\"a\",\"true\":\"b\",\"null\":\"c\",\"~\":\"d\",\"q r\":\"e\","
                 "\"\\t\":\"f\",\"<<\":\"g\"}");
    CHECK_STRING(as_json("? a\n: 1\n"), "{\"a\":1}");
}

static void nothing_is_a_null_node(void) {
    static const char *const sources[] = {"", "\n\n", "# only a comment", "---\n", "---\n...\n"};
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        CHECK_STRING(as_json(sources[i]), "null");
    }
    CHECK_STRING(as_json("\xEF\xBB\xBF" "a: 1"), "{\"a\":1}");
    CHECK_STRING(as_json("%YAML 1.1\n---\na: 1\n...\n"), "{\"a\":1}");
    TarnJson *root = NULL;
    CHECK_OK(tarn_base_yaml_parse((TarnText){NULL, 0}, NULL, &arena, &root, &error), &error);
    CHECK(root != NULL && root->kind == TARN_JSON_NULL);
}

static void places_are_kept(void) {
    TarnJson *root = parse("# c\r\n\xC3\xA4\xE2\x82\xAC: [1, {b: |\r\n x\r\n }]\n");
    CHECK(root == NULL); /* a block scalar has no place in [ ] */
    root = parse("# c\r\n\xC3\xA4\xE2\x82\xAC: [1, {b: x}]\r\nd:\r\n  - \"\xC3\xA4\": ${env:E}\r\n"
                 "    e:    |\r\n      text\r\n  -\r\nz: [${a}, q]");
    REQUIRE(root != NULL && root->count == 3);
    CHECK(root->line == 2 && root->column == 1 && root->source.size == 0);
    const TarnJson *list = root->first;
    CHECK(list->key_line == 2 && list->key_column == 1 && list->line == 2 && list->column == 5);
    const TarnJson *inner = list->last->first;
    CHECK(inner->key_column == 10 && inner->column == 13 && inner->line == 2);
    const TarnJson *item = list->next->first;
    CHECK(item->line == 4 && item->column == 5);
    CHECK(item->first->line == 4 && item->first->column == 10 && item->first->key_column == 5);
    CHECK(item->last->key_line == 5 && item->last->line == 5 && item->last->column == 11);
    CHECK(item->next->line == 7 && item->next->kind == TARN_JSON_NULL);
    CHECK(root->last->last->line == 8 && root->last->last->column == 11); /* behind a reference */
}

static void references_stand_anywhere(void) {
    CHECK_STRING(as_json("a: ${secret:crm_url}\n"), "{\"a\":\"${secret:crm_url}\"}");
    CHECK_STRING(as_json("s: { a: ${secret:s3-key}, b: x${env:A.B}y${c}, ${d}: [${e}] }"),
                 "{\"s\":{\"a\":\"${secret:s3-key}\",\"b\":\"x${env:A.B}y${c}\",\"${d}\":"
                 "[\"${e}\"]}}");
    CHECK_STRING(as_json("['${a}', \"${b}\\n\"]\n# ${c}"), "[\"${a}\",\"${b}\\n\"]");
    CHECK_STRING(as_json("a: |\n  ${a}\n  $ {b} ${} ${c\n"),
                 "{\"a\":\"${a}\\n$ {b} ${} ${c\\n\"}");
    CHECK_STRING(as_json("${a}"), "\"${a}\"");
    CHECK_STRING(as_json("[${azAZ09_-.:}]"), "[\"${azAZ09_-.:}\"]");
    CHECK_STRING(as_json("a: ${b"), "{\"a\":\"${b\"}");
    CHECK_STRING(as_json("a: $5\nb: 10$\nc: ${"), "{\"a\":\"$5\",\"b\":\"10$\",\"c\":\"${\"}");
}

/* The file that the documentation shows: its flow mappings hold references, times and ports. */
static void the_documented_lake_file_is_read(void) {
    TarnJson *root = parse(
        "version: 1\n"
        "name: flights\n"
        "warehouse: .tarn/warehouse            # or s3://bucket/prefix\n"
        "catalog: sqlite:.tarn/catalog.db      # or postgresql://..\n"
        "storage: { endpoint: null, region: null, path_style: false, "
        "access_key: ${secret:s3_key}, secret_key: ${secret:s3_secret} }\n"
        "zones:\n"
        "  raw:         { retention: 7y, keep_originals: true }\n"
        "  curated:     { retention: 2y, requires: [schema, checks], file_size: 128MB }\n"
        "sources:\n"
        "  - name: flights\n"
        "    from: file                         # file | rest\n"
        "    path: data/flights*.csv\n"
        "    partition_by: [month(flight_date)]\n"
        "    max_error_rate: 1%\n"
        "  - name: orders\n"
        "    brokers: localhost:9092\n"
        "    registry: http://localhost:8081\n"
        "    buffer: { size: 128MB, interval: 60s }\n"
        "schedules:\n"
        "  - { select: \"tag:daily+\", cron: \"0 2 * * *\", retries: 3, retry_delay: 60s }\n"
        "lifecycle: [ { zone: raw, after: 30d, tier: infrequent } ]\n"
        "alerts: { ops: { webhook: ${secret:ops_webhook} } }\n"
        "engines: { trino: { url: .. }, spark: { url: .. } }\n"
        "serve: { http: 127.0.0.1:8181, pg: 127.0.0.1:5433, tls: off }\n");
    REQUIRE(root != NULL);
    const TarnJson *storage = tarn_base_json_member(root, "storage");
    CHECK_STRING(tarn_base_json_string(tarn_base_json_member(storage, "secret_key"), &arena),
                 "${secret:s3_secret}");
    CHECK_INT(tarn_base_json_member(storage, "endpoint")->kind, TARN_JSON_NULL);
    const TarnJson *serve = tarn_base_json_member(root, "serve");
    CHECK_STRING(tarn_base_json_string(tarn_base_json_member(serve, "pg"), &arena),
                 "127.0.0.1:5433");
    CHECK_INT(tarn_base_json_member(root, "sources")->count, 2);
    CHECK_INT(root->count, 12);
}

/* ---- refusals ---- */

typedef struct Refusal {
    TarnText source;
    uint32_t line;
    uint32_t column;
    const char *part;
} Refusal;

#define SOURCE(literal) {(literal), sizeof(literal) - 1}

static const Refusal refusals[] = {
    {SOURCE("a: 1\nb: 2\na: 3\n"), 3, 1, "\"a\" is given twice, first at line 1"},
    {SOURCE("x: {\xC3\xA4: 1, '\xC3\xA4': 2}"), 1, 11, "is given twice"},
    {SOURCE("- {1: a, \"1\": b}"), 1, 10, "\"1\" is given twice"},
    {SOURCE("a: &x 1\n"), 1, 4, "anchors"},
    {SOURCE("a: &x\n  b: 1\n"), 1, 4, "anchors"},
    {SOURCE("a: &x [1]\n"), 1, 4, "anchors"},
    {SOURCE("&x a: 1\n"), 1, 1, "anchors"},
    {SOURCE("a: *x\n"), 1, 4, "aliases"},
    {SOURCE("*x : 1\n"), 1, 1, "aliases"},
    {SOURCE("a: !!str 1\n"), 1, 4, "tags"},
    {SOURCE("a: ! 1\n"), 1, 4, "tags"},
    {SOURCE("a: !x [1]\n"), 1, 4, "tags"},
    {SOURCE("a: !!map {b: 1}\n"), 1, 4, "tags"},
    {SOURCE("%TAG ! tag:x,2000:\n---\na: 1\n"), 1, 1, "tags"},
    {SOURCE("a: 1\n---\nb: 2\n"), 2, 1, "second document"},
    {SOURCE("---\n---\n"), 2, 1, "second document"},
    {SOURCE("a: 1\n<<: {b: 2}\n"), 2, 1, "merge keys"},
    {SOURCE("? [a, b]\n: 1\n"), 1, 3, "a key must be a text"},
    {SOURCE("{{a: b}: c}\n"), 1, 2, "a key must be a text"},
    {SOURCE("a: 1\n: 2\n"), 2, 1, "a key must stand here"},
    {SOURCE("?\n: 2\n"), 1, 2, "without a key"},
    {SOURCE("'': 2\n"), 1, 1, "without a key"},
    {SOURCE("a: b: c\n"), 1, 5, "no key can stand"},
    {SOURCE("a: 1\n b: 2\n"), 2, 3, "no key can stand"},
    {SOURCE("a:\n\t- b\n"), 2, 1, "begins with this character"},
    {SOURCE("a: @x\n"), 1, 4, "begins with this character"},
    {SOURCE("a: `x`\n"), 1, 4, "begins with this character"},
    {SOURCE("a: [1, 2\n"), 1, 4, "expected \",\" or \"]\""},
    {SOURCE("a: [1, 2}\nb: 1\n"), 1, 9, "expected \",\" or \"]\""},
    {SOURCE("a: {b: 1\n"), 1, 4, "expected \",\" or \"}\""},
    {SOURCE("x: y\na: \"b\n  c: d\n"), 2, 4, "never closed"},
    {SOURCE("a: \"\\q\"\n"), 1, 5, "no such escape"},
    {SOURCE("- a\n-b\n"), 2, 1, "a key without its"},
    {SOURCE("a: 1\n- b\n"), 2, 1, "a key must stand here"},
    {SOURCE("- a\nb: 1\n"), 2, 1, "an item of the list must begin here"},
    {SOURCE("a: 1\nb: x\0y\n"), 2, 5, "control character"},
    {SOURCE("a: \x1B[31m\n"), 1, 4, "control character"},
    {SOURCE("a: \x7F\n"), 1, 4, "control character"},
    {SOURCE("a: \xC2\x85\n"), 1, 4, "control character"},
    {SOURCE("a: 1\rb: 2\n"), 1, 5, "carriage return"},
    {SOURCE("\xC3\xA4: \xFF\n"), 1, 4, "not UTF-8"},
    {SOURCE("a: x\xC3"), 1, 5, "not UTF-8"},
    {SOURCE("a: \xED\xA0\x80\n"), 1, 4, "not UTF-8"},
    {SOURCE("\xFF\xFE" "a\0"), 1, 1, "not UTF-8"},
    {SOURCE("a:\xE2\x80\xA8x\n"), 1, 3, "line separator"},
    {SOURCE("a: x\xEF\xBB\xBFy\n"), 1, 5, "byte order mark"},
    {SOURCE("a: \xF4\x8F\xBF\xBEx\xF4\x8F\xBF\xBF\n"), 1, 4, "no character"},
    {SOURCE("a: \"$\\U0010FFFEx\\U0010FFFF ${b}\"\n"), 1, 6, "no character"},
    {SOURCE("a: \"$\\U0010fffex\"\n"), 1, 6, "no character"},
    {SOURCE("a: \"\\U0010ffff\"\n"), 1, 5, "no character"},
    {SOURCE("%\n"), 1, 2, "directive"}, /* libyaml's own words */
    {SOURCE("{a: ${}}\n"), 1, 6, "expected \",\" or \"}\""},
    {SOURCE("{a: ${b c}}\n"), 1, 6, "expected \",\" or \"}\""},
    {SOURCE("a: \xEF\xBF\xBF\n"), 1, 4, "no character"},
    {SOURCE("{a: $ {b}}\n"), 1, 7, "expected \",\" or \"}\""},
};

static void refusals_name_the_place(void) {
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const Refusal *refusal = &refusals[i];
        TarnJson *root = (TarnJson *)&error; /* must be cleared */
        tarn_base_arena_reset(&arena);
        tarn_base_error_clear(&error);
        char *copy = malloc(refusal->source.size); /* exact: a read behind it is seen */
        REQUIRE(copy != NULL);
        memcpy(copy, refusal->source.data, refusal->source.size);
        bool done = tarn_base_yaml_parse((TarnText){copy, refusal->source.size}, "t.yaml", &arena,
                                         &root, &error);
        free(copy);
        bool right = !done && root == NULL && error.code == TARN_E_YAML_SYNTAX &&
                     error.line == refusal->line && error.column == refusal->column &&
                     strcmp(error.file, "t.yaml") == 0 &&
                     strstr(error.message, refusal->part) != NULL;
        if (!right) {
            printf("# case %zu: %.*s\n# got %u:%u: %s\n", i, TARN_TEXT_ARG(refusal->source),
                   error.line, error.column, error.message);
        }
        CHECK(right);
    }
}

static void errors_show_the_line_and_a_way_out(void) {
    CHECK(parse("a: 1\nurl: http: //x\n") == NULL);
    CHECK_STRING(error.detail, "2 | url: http: //x\n  |          ^");
    CHECK(strstr(error.hint, "quotes") != NULL);
    TarnJson *root;
    CHECK(!tarn_base_yaml_parse(TARN_TEXT("a: *b"), NULL, &arena, &root, &error));
    CHECK_STRING(error.detail, "");
    CHECK(!tarn_base_yaml_parse(TARN_TEXT("a: [${x}, *b]"), "f", &arena, &root, &error));
    CHECK_STRING(error.detail, "1 | a: [${x}, *b]\n  |           ^");
    CHECK(!tarn_base_yaml_parse(TARN_TEXT("a: *b"), "f", &arena, &root, NULL));
}

static void nesting_ends_at_the_limit(void) {
    char source[2 * TARN_LIMIT_NESTING + 8];
    TarnJson *root;
    for (size_t extra = 0; extra < 2; extra++) {
        size_t depth = TARN_LIMIT_NESTING + extra;
        memset(source, '[', depth);
        memset(source + depth, ']', depth);
        bool done = tarn_base_yaml_parse((TarnText){source, 2 * depth}, NULL, &arena, &root,
                                         &error);
        CHECK(done == (extra == 0));
    }
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    CHECK_INT(error.column, TARN_LIMIT_NESTING + 1);
}

static void sources_end_at_the_limit(void) {
    size_t size = TARN_LIMIT_CONFIG_BYTES + 1;
    char *source = malloc(size);
    REQUIRE(source != NULL);
    memset(source, '\n', size);
    TarnJson *root;
    tarn_base_arena_reset(&arena);
    CHECK_OK(tarn_base_yaml_parse((TarnText){source, size - 1}, NULL, &arena, &root, &error),
             &error);
    CHECK(!tarn_base_yaml_parse((TarnText){source, size}, NULL, &arena, &root, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    free(source);
}

static void every_memory_limit_fails_cleanly(void) {
    TarnBuffer buffer;
    tarn_base_buffer_init(&buffer, TARN_MIB);
    tarn_base_buffer_string(&buffer, "a: {b: ${c}, d: [1, true, ~]}\ntext: |\n  one\n  two\nm:\n");
    for (int i = 0; i < 100; i++) tarn_base_buffer_printf(&buffer, "  key%d: [value]\n", i);
    bool done = false;
    size_t refused = 0;
    for (size_t limit = 0; !done && limit < 4 * TARN_MIB; limit += limit < 4200 ? 7 : 16) {
        TarnArena small;
        TarnJson *root = NULL;
        tarn_base_arena_init(&small, limit);
        done = tarn_base_yaml_parse(tarn_base_buffer_view(&buffer), "f", &small, &root, &error);
        if (!done) {
            refused++;
            CHECK_INT(error.code, TARN_E_OUT_OF_MEMORY);
            CHECK(root == NULL);
        } else {
            CHECK(root != NULL && root->count == 3 && !tarn_base_arena_failed(&small));
        }
        tarn_base_arena_dispose(&small);
    }
    CHECK(done);
    CHECK(refused > 100);
    tarn_base_buffer_dispose(&buffer);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    TAP_TEST(plain_scalars_have_types);
    TAP_TEST(quoted_scalars_are_text);
    TAP_TEST(any_unicode_is_text);
    TAP_TEST(untyped_nodes_have_no_text);
    TAP_TEST(block_scalars_are_text);
    TAP_TEST(keys_are_text_whatever_they_look_like);
    TAP_TEST(nothing_is_a_null_node);
    TAP_TEST(places_are_kept);
    TAP_TEST(references_stand_anywhere);
    TAP_TEST(the_documented_lake_file_is_read);
    TAP_TEST(refusals_name_the_place);
    TAP_TEST(errors_show_the_line_and_a_way_out);
    TAP_TEST(nesting_ends_at_the_limit);
    TAP_TEST(sources_end_at_the_limit);
    TAP_TEST(every_memory_limit_fails_cleanly);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
