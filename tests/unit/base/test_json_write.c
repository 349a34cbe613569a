/* Making trees by hand and writing them: the output reads back as what went in. */
#include "base/json.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "json_same.h"
#include "tap.h"

/* Each test parses into this one; main() disposes it. */
static TarnArena arena;
static TarnError error;

static TarnJson *parse(const char *text) {
    TarnJson *root = NULL;
    tarn_base_arena_reset(&arena);
    tarn_base_error_clear(&error);
    bool done = tarn_base_json_parse(tarn_base_text(text), NULL, &arena, &root, &error);
    if (!done) printf("# %u:%u: %s\n", error.line, error.column, error.message);
    return done ? root : NULL;
}

static const char *const sample =
    "{\"format-version\":2,\"location\":\"s3:\\/\\/b\\/t\",\"l\":[1,2,[3,[4,{\"x\":null}]]],"
    "\"m\":{\"a\":\"\\u00e4\",\"b\":\"c\",\"d\":true,\"e\":false,\"f\":-1.5e10}}";

/* ---- making ---- */

static void trees_are_made_by_hand(void) {
    tarn_base_arena_reset(&arena);
    TarnJson *root = tarn_base_json_new(&arena, TARN_JSON_OBJECT);
    TarnJson *array = tarn_base_json_new(&arena, TARN_JSON_ARRAY);
    char name[] = "list";
    tarn_base_json_set(&arena, root, name, array);
    name[0] = 'X'; /* names and texts are copies */
    char text[] = "txt";
    tarn_base_json_append(array, tarn_base_json_new_string(&arena, tarn_base_text(text)));
    text[0] = 'X';
    tarn_base_json_append(array, tarn_base_json_new_int64(&arena, INT64_MIN));
    tarn_base_json_append(array, tarn_base_json_new_bool(&arena, true));
    tarn_base_json_append(array, tarn_base_json_new(&arena, TARN_JSON_NULL));
    tarn_base_json_set(&arena, root, "b", tarn_base_json_new_int64(&arena, 1));
    tarn_base_json_set(&arena, root, "c", tarn_base_json_new_int64(&arena, 2));
    /* first, middle and last replaced in place */
    tarn_base_json_set(&arena, root, "b", tarn_base_json_new_int64(&arena, 10));
    tarn_base_json_set(&arena, root, "c", tarn_base_json_new_int64(&arena, 20));
    tarn_base_json_set(&arena, root, "list", tarn_base_json_copy(&arena, array));
    tarn_base_json_set(&arena, root, "d", tarn_base_json_new_bool(&arena, false));
    CHECK_INT(root->count, 4);
    TarnBuffer out;
    tarn_base_buffer_init(&out, 1000);
    tarn_base_json_write(root, 0, &out);
    CHECK_STRING(out.data, "{\"list\":[\"txt\",-9223372036854775808,true,null],\"b\":10,\"c\":20,"
                           "\"d\":false}");
    tarn_base_buffer_dispose(&out);
    tarn_base_json_append(NULL, root);
    tarn_base_json_set(&arena, NULL, "x", root);
    tarn_base_json_append(root, NULL);
    CHECK_INT(root->count, 4);
    CHECK(tarn_base_json_copy(&arena, NULL) == NULL);
}

static void copies_leave_their_tree(void) {
    TarnJson *from = parse("{\"a\":[1,2],\"b\":3}");
    REQUIRE(from != NULL);
    TarnJson *to = tarn_base_json_new(&arena, TARN_JSON_ARRAY);
    tarn_base_json_append(to, tarn_base_json_copy(&arena, from->first));
    tarn_base_json_append(to, tarn_base_json_copy(&arena, from->last));
    TarnBuffer out;
    tarn_base_buffer_init(&out, 1000);
    tarn_base_json_write(to, 0, &out);
    CHECK_STRING(out.data, "[[1,2],3]");
    tarn_base_buffer_clear(&out);
    tarn_base_json_write(from, 0, &out);
    CHECK_STRING(out.data, "{\"a\":[1,2],\"b\":3}");
    tarn_base_buffer_dispose(&out);
}

static void making_without_memory_shows_in_the_arena(void) {
    TarnArena none;
    tarn_base_arena_init(&none, 0);
    CHECK(tarn_base_json_new(&none, TARN_JSON_ARRAY) == NULL);
    CHECK(tarn_base_json_new_int64(&none, 1) == NULL);
    CHECK(tarn_base_json_new_bool(&none, true) == NULL);
    CHECK(tarn_base_json_new_string(&none, TARN_TEXT("x")) == NULL);
    CHECK(tarn_base_arena_failed(&none));
    tarn_base_arena_dispose(&none);
}

/* ---- writing ---- */

static void written_trees_read_back_equal(void) {
    static const char *const sources[] = {
        "[]", "{}", "[[],{},[{}]]", "-0", "[1e400,0.10,18446744073709551616,-0.0]",
        "\"\\u0000\\u001f\\\"\\\\\\/\xC3\xA4\xF0\x9F\x8C\x8A\\u2028\x7F\"",
        "{\"a\\nb\":[null,true,false,{\"\":\"\"}]}"};
    for (size_t i = 0; i <= sizeof(sources) / sizeof(sources[0]); i++) {
        const char *source = i == sizeof(sources) / sizeof(sources[0]) ? sample : sources[i];
        TarnJson *root = parse(source);
        REQUIRE(root != NULL);
        for (int indent = 0; indent <= 40; indent += indent == 4 ? 36 : 1) {
            TarnBuffer out;
            TarnJson *again = NULL;
            tarn_base_buffer_init(&out, TARN_MIB);
            tarn_base_json_write(root, indent, &out);
            REQUIRE_OK(tarn_base_json_parse(tarn_base_buffer_view(&out), NULL, &arena, &again,
                                            &error), &error);
            CHECK(json_same(root, again));
            tarn_base_buffer_dispose(&out);
        }
    }
}

static void indentation_is_what_people_expect(void) {
    TarnJson *root = parse("{\"a\":[1,{\"b\":[]}],\"c\":{}}");
    TarnBuffer out;
    tarn_base_buffer_init(&out, 1000);
    tarn_base_json_write(root, 2, &out);
    CHECK_STRING(out.data, "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n"
                           "  \"c\": {}\n}");
    tarn_base_buffer_clear(&out);
    tarn_base_json_write(NULL, 0, &out);
    CHECK_STRING(out.data, "null");
    tarn_base_buffer_dispose(&out);
}

static const char *quoted(TarnText text) {
    static TarnBuffer out;
    tarn_base_buffer_dispose(&out);
    tarn_base_buffer_init(&out, 1000);
    tarn_base_json_quote(&out, text);
    return out.failed ? "failed" : out.data;
}

static void quoting_is_minimal_and_always_valid(void) {
    CHECK_STRING(quoted(TARN_TEXT("")), "\"\"");
    CHECK_STRING(quoted((TarnText){NULL, 0}), "\"\"");
    CHECK_STRING(quoted(TARN_TEXT("a\"b\\c/d")), "\"a\\\"b\\\\c/d\"");
    CHECK_STRING(quoted(TARN_TEXT("\b\t\n\v\f\r\x1F\x7F")),
                 "\"\\b\\t\\n\\u000b\\f\\r\\u001f\x7F\"");
    CHECK_STRING(quoted(TARN_TEXT("a\0b")), "\"a\\u0000b\"");
    CHECK_STRING(quoted(TARN_TEXT("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x8C\x8A!")),
                 "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x8C\x8A!\"");
    CHECK_STRING(quoted(TARN_TEXT("a\xFFz")), "\"a\xEF\xBF\xBDz\"");
    CHECK_STRING(quoted(TARN_TEXT("\xC3")), "\"\xEF\xBF\xBD\"");
    CHECK_STRING(quoted(TARN_TEXT("\xED\xA0\x80")), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void the_streaming_writer_keeps_commas(void) {
    TarnBuffer out;
    TarnJsonWriter writer;
    tarn_base_buffer_init(&out, 1000);
    tarn_base_json_writer_init(&writer, &out, 0);
    tarn_base_json_object_begin(&writer);
    tarn_base_json_key(&writer, "ok");
    tarn_base_json_put_bool(&writer, true);
    tarn_base_json_key_text(&writer, TARN_TEXT("d"));
    tarn_base_json_array_begin(&writer);
    tarn_base_json_put_int64(&writer, INT64_MAX);
    tarn_base_json_put_null(&writer);
    tarn_base_json_put_string(&writer, NULL);
    tarn_base_json_put_string(&writer, "s");
    tarn_base_json_put_text(&writer, TARN_TEXT("t"));
    tarn_base_json_put_raw(&writer, TARN_TEXT("{\"raw\":1}"));
    tarn_base_json_put_tree(&writer, parse("[1,{\"x\":2}]"));
    tarn_base_json_object_begin(&writer);
    tarn_base_json_object_end(&writer);
    tarn_base_json_array_end(&writer);
    tarn_base_json_object_end(&writer);
    CHECK_STRING(out.data, "{\"ok\":true,\"d\":[9223372036854775807,null,null,\"s\",\"t\","
                           "{\"raw\":1},[1,{\"x\":2}],{}]}");
    tarn_base_buffer_dispose(&out);
}

/* Each a wrong order of calls; a child process shows whether the writer noticed. */
static void misuse(int which, TarnJsonWriter *writer) {
    switch (which) {
    case 0: tarn_base_json_put_null(writer), tarn_base_json_put_null(writer); break;
    case 1: tarn_base_json_object_begin(writer), tarn_base_json_put_null(writer); break;
    case 2: tarn_base_json_array_begin(writer), tarn_base_json_key(writer, "k"); break;
    case 3: tarn_base_json_key(writer, "k"); break;
    case 4: tarn_base_json_array_end(writer); break;
    case 5: tarn_base_json_array_begin(writer), tarn_base_json_object_end(writer); break;
    case 6:
        tarn_base_json_object_begin(writer);
        tarn_base_json_key(writer, "k");
        tarn_base_json_object_end(writer);
        break;
    case 7:
        tarn_base_json_object_begin(writer);
        tarn_base_json_key(writer, "k");
        tarn_base_json_key(writer, "l");
        break;
    default: tarn_base_json_put_tree(writer, &(TarnJson){.kind = TARN_JSON_NUMBER}); break;
    }
}

static void misuse_of_the_writer_is_noticed(void) {
    for (int which = 0; which <= 8; which++) {
        fflush(stdout);
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            TarnBuffer out;
            TarnJsonWriter writer;
            signal(SIGABRT, SIG_DFL);
            fclose(stderr);
            tarn_base_buffer_init(&out, 100);
            tarn_base_json_writer_init(&writer, &out, 0);
            misuse(which, &writer);
            _exit(0);
        }
        int status = 0;
        CHECK(waitpid(child, &status, 0) == child);
        if (!WIFSIGNALED(status)) printf("# case %d\n", which);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
}

static const char *written_double(double value) {
    static TarnBuffer out;
    TarnJsonWriter writer;
    tarn_base_buffer_dispose(&out);
    tarn_base_buffer_init(&out, 100);
    tarn_base_json_writer_init(&writer, &out, 0);
    tarn_base_json_put_double(&writer, value);
    return out.data;
}

static void doubles_read_back_exactly(void) {
    CHECK_STRING(written_double(0.1), "0.1");
    CHECK_STRING(written_double(-0.0), "-0.0");
    CHECK_STRING(written_double(3), "3.0");
    CHECK_STRING(written_double(1e300), "1e+300");
    CHECK_STRING(written_double(1.0 / 0.0), "null");
    CHECK_STRING(written_double(0.0 / 0.0), "null");
    uint64_t bits = 88172645463325252u; /* xorshift, the same doubles in each run */
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (value != value || value - value != 0) continue;
        double again = 0;
        CHECK(tarn_base_json_double(parse(written_double(value)), &again));
        CHECK(memcmp(&value, &again, sizeof(value)) == 0);
    }
}

static void a_full_buffer_and_deep_trees_fail_the_buffer(void) {
    TarnJson *root = parse(sample);
    for (size_t limit = 0; limit < strlen(sample) - 10; limit++) {
        TarnBuffer out;
        tarn_base_buffer_init(&out, limit);
        tarn_base_json_write(root, 0, &out);
        CHECK(out.failed || out.size <= limit);
        if (limit < 100) CHECK(!tarn_base_buffer_check(&out, &error));
        tarn_base_buffer_dispose(&out);
    }
    TarnJson *deep = tarn_base_json_new(&arena, TARN_JSON_ARRAY);
    for (int depth = 1; depth < TARN_LIMIT_NESTING; depth++) {
        TarnJson *outer = tarn_base_json_new(&arena, TARN_JSON_ARRAY);
        tarn_base_json_append(outer, deep);
        deep = outer;
    }
    TarnBuffer out;
    tarn_base_buffer_init(&out, TARN_MIB);
    tarn_base_json_write(deep, 1, &out);
    CHECK(!out.failed);
    for (int depth = 0; depth < 100000; depth++) {
        TarnJson *outer = tarn_base_json_new(&arena, TARN_JSON_ARRAY);
        tarn_base_json_append(outer, deep);
        deep = outer;
    }
    tarn_base_buffer_clear(&out);
    tarn_base_json_write(deep, 0, &out);
    CHECK(out.failed);
    tarn_base_buffer_dispose(&out);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    TAP_TEST(trees_are_made_by_hand);
    TAP_TEST(copies_leave_their_tree);
    TAP_TEST(making_without_memory_shows_in_the_arena);
    TAP_TEST(written_trees_read_back_equal);
    TAP_TEST(indentation_is_what_people_expect);
    TAP_TEST(quoting_is_minimal_and_always_valid);
    TAP_TEST(the_streaming_writer_keeps_commas);
    TAP_TEST(misuse_of_the_writer_is_noticed);
    TAP_TEST(doubles_read_back_exactly);
    TAP_TEST(a_full_buffer_and_deep_trees_fail_the_buffer);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
