/* JSON: what is read, what is refused and where, typed reads, memory. */
#include "base/json.h"

#include "base/limits.h"
#include "tap.h"

#define ARENA_BYTES (64 * TARN_MIB)

/* Each test parses into this one; main() disposes it. */
static TarnArena arena;
static TarnError error;

static TarnJson *parse_text(TarnText text) {
    TarnJson *root = NULL;
    tarn_base_arena_reset(&arena);
    tarn_base_error_clear(&error);
    bool done = tarn_base_json_parse(text, NULL, &arena, &root, &error);
    if (!done) printf("# %u:%u: %s\n", error.line, error.column, error.message);
    return done ? root : NULL;
}

static TarnJson *parse(const char *text) { return parse_text(tarn_base_text(text)); }

static bool text_is(TarnText text, const char *wanted, size_t size) {
    return tarn_base_text_equal(text, (TarnText){wanted, size});
}

#define IS(text, literal) text_is((text), (literal), sizeof(literal) - 1)

/* ---- reading ---- */

static void every_kind_is_read(void) {
    TarnJson *root = parse(" {\"n\":null,\"t\":true,\"f\":false,\"i\":-12,\"s\":\"x\","
                           "\"a\":[1,[],{}]} ");
    REQUIRE(root != NULL);
    CHECK_INT(root->kind, TARN_JSON_OBJECT);
    CHECK_INT(root->count, 6);
    CHECK_INT(tarn_base_json_member(root, "n")->kind, TARN_JSON_NULL);
    bool flag = false;
    CHECK(tarn_base_json_bool(tarn_base_json_member(root, "t"), &flag) && flag);
    CHECK(tarn_base_json_bool(tarn_base_json_member(root, "f"), &flag) && !flag);
    int64_t number = 0;
    CHECK(tarn_base_json_int64(tarn_base_json_member(root, "i"), &number) && number == -12);
    const TarnJson *array = tarn_base_json_member(root, "a");
    CHECK_INT(array->count, 3);
    CHECK_INT(tarn_base_json_at(array, 1)->kind, TARN_JSON_ARRAY);
    CHECK_INT(tarn_base_json_at(array, 2)->kind, TARN_JSON_OBJECT);
    CHECK(tarn_base_json_at(array, 3) == NULL);
    CHECK(tarn_base_json_at(root, 0) == NULL && tarn_base_json_at(NULL, 0) == NULL);
    CHECK(tarn_base_json_member(root, "x") == NULL && tarn_base_json_member(array, "n") == NULL);
    CHECK(tarn_base_json_member(NULL, "n") == NULL);
    size_t count = 0;
    TARN_JSON_EACH(child, root) count++;
    TARN_JSON_EACH(child, (const TarnJson *)NULL) count++;
    CHECK_INT(count, 6);
}

static void order_and_spans_are_kept(void) {
    TarnJson *root = parse("{ \"b\" : [ 1 , 2 ] , \"a\" : \"\\u0041\" }");
    REQUIRE(root != NULL && root->first != NULL);
    CHECK(IS(root->first->key, "b") && IS(root->last->key, "a"));
    CHECK(IS(root->first->source, "[ 1 , 2 ]"));
    CHECK(IS(root->last->source, "\"\\u0041\"") && IS(root->last->text, "A"));
    CHECK(IS(root->source, "{ \"b\" : [ 1 , 2 ] , \"a\" : \"\\u0041\" }"));
    CHECK(root->first->next == root->last && root->last->next == NULL);
}

static void plain_strings_are_views(void) {
    const char *source = "[\"snapshot\", \"with\\nescape\"]";
    TarnJson *root = parse(source);
    REQUIRE(root != NULL);
    CHECK(root->first->text.data == source + 2);
    CHECK(IS(root->last->text, "with\nescape"));
    const char *copy = tarn_base_json_string(root->first, &arena);
    CHECK_STRING(copy, "snapshot");
}

static void places_count_lines_and_code_points(void) {
    TarnJson *root = parse("\xEF\xBB\xBF{\"k\xC3\xA4\": 1,\r\n"
                           "  \"\xF0\x9F\x8C\x8A\xE2\x82\xAC\": [\n"
                           "\ttrue, \"\xC3\xBC\\u00fc\", null\n]}");
    REQUIRE(root != NULL && root->count == 2);
    CHECK(root->line == 1 && root->column == 1);
    CHECK(root->first->key_line == 1 && root->first->key_column == 2);
    CHECK(root->first->line == 1 && root->first->column == 8);
    CHECK(root->last->key_line == 2 && root->last->key_column == 3);
    CHECK(root->last->line == 2 && root->last->column == 9);
    const TarnJson *null = root->last->last;
    CHECK(null->line == 3 && null->column == 19);
}

static void escapes_are_decoded(void) {
    TarnJson *root = parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000"
                           "\\u00e9\\u20AC\\uD83C\\uDF0A|\xC3\xA9\"");
    REQUIRE(root != NULL);
    CHECK(IS(root->text, "\"\\/\b\f\n\r\t\0\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8C\x8A|\xC3\xA9"));
    CHECK(tarn_base_json_string(root, &arena) == NULL); /* holds U+0000 */
    root = parse("{\"a\\u0000b\":\"\\udbff\\udfff\"}");
    REQUIRE(root != NULL);
    CHECK(IS(root->first->key, "a\0b") && IS(root->first->text, "\xF4\x8F\xBF\xBF"));
    root = parse("\"\\uD800\\uDC00\\uD7FF\\uE000\"");
    REQUIRE(root != NULL);
    CHECK(IS(root->text, "\xF0\x90\x80\x80\xED\x9F\xBF\xEE\x80\x80"));
}

/* The fast scan takes eight bytes: a special byte at each position of each size. */
static void strings_of_every_size_and_position(void) {
    for (size_t size = 0; size < 40; size++) {
        for (size_t at = 0; at <= size; at++) {
            char source[64] = "\"";
            memset(source + 1, 'x', size);
            memcpy(source + 1 + at, "\\n\xC3\xA9", 4);
            memset(source + 5 + at, 'y', size - at);
            source[5 + size] = '"';
            TarnJson *root = parse_text((TarnText){source, size + 6});
            REQUIRE(root != NULL);
            CHECK_INT(root->text.size, size + 3);
            CHECK(memcmp(root->text.data + at, "\n\xC3\xA9", 3) == 0);
        }
    }
}

static void scalars_stand_alone(void) {
    static const char *const sources[] = {"null", "true", " 0 ", "\"\"", "\t\r\n[]", "{}", "-0"};
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        CHECK(parse(sources[i]) != NULL);
    }
}

static void numbers_keep_their_text(void) {
    static const char *const numbers[] = {
        "0", "-0", "-0.0", "1e400", "-1E+400", "1e-999", "18446744073709551616", "0.1", "1.0",
        "9223372036854775807", "-9223372036854775808", "123456789012345678901234567890.5e-10"};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        TarnJson *root = parse(numbers[i]);
        REQUIRE(root != NULL);
        CHECK_INT(root->kind, TARN_JSON_NUMBER);
        CHECK(tarn_base_text_is(root->text, numbers[i]));
        CHECK(tarn_base_text_is(root->source, numbers[i]));
    }
}

typedef struct IntegerCase {
    const char *source;
    bool fits;
    int64_t value;
} IntegerCase;

static void integers_are_exact_or_refused(void) {
    static const IntegerCase cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"-0.0e5", true, 0},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775808", true, INT64_MIN},
        {"-9223372036854775809", false, 0},
        {"18446744073709551616", false, 0},
        {"1.0", true, 1},
        {"17e2", true, 1700},
        {"1.25E+2", true, 125},
        {"-1.7320000e+4", true, -17320},
        {"1.25e1", false, 0},
        {"0.5", false, 0},
        {"1200e-2", true, 12},
        {"1250e-2", false, 0},
        {"9223372036854775807.00", true, INT64_MAX},
        {"-9223372036854775808.0", true, INT64_MIN},
        {"9223372036854775808.0", false, 0},
        {"922337203685477580.7e1", true, INT64_MAX},
        {"0e300", true, 0},
        {"1e18", true, 1000000000000000000},
        {"1e19", false, 0},
        {"1e400", false, 0},
        {"1e401", false, 0},
        {"0e-401", false, 0},
        {"1e99999999999999999999", false, 0},
        {"1e-400", false, 0},
        {"\"12\"", false, 0},
        {"true", false, 0},
        {"null", false, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t value = 0;
        TarnJson *root = parse(cases[i].source);
        REQUIRE(root != NULL);
        bool fits = tarn_base_json_int64(root, &value);
        if (fits != cases[i].fits) printf("# %s\n", cases[i].source);
        CHECK(fits == cases[i].fits);
        if (fits) CHECK_INT(value, cases[i].value);
    }
    int64_t value;
    CHECK(!tarn_base_json_int64(NULL, &value));
}

static void typed_reads_refuse_other_kinds(void) {
    double number = 0;
    CHECK(tarn_base_json_double(parse("-2.5e3"), &number) && number == -2500.0);
    CHECK(tarn_base_json_double(parse("1e308"), &number) && number == 1e308);
    CHECK(!tarn_base_json_double(parse("1e400"), &number));
    CHECK(!tarn_base_json_double(parse("\"1\""), &number));
    CHECK(!tarn_base_json_double(NULL, &number));
    bool flag;
    TarnText text;
    CHECK(!tarn_base_json_bool(parse("0"), &flag) && !tarn_base_json_bool(NULL, &flag));
    CHECK(!tarn_base_json_text(parse("null"), &text) && !tarn_base_json_text(NULL, &text));
    CHECK(tarn_base_json_text(parse("\"a\""), &text) && IS(text, "a"));
    CHECK(tarn_base_json_string(parse("1"), &arena) == NULL);
    CHECK(tarn_base_json_string(NULL, &arena) == NULL);
    CHECK_STRING(tarn_base_json_string(parse("\"\""), &arena), "");
}

/* ---- refusals ---- */

typedef struct Refusal {
    TarnText source;
    uint32_t line;
    uint32_t column;
    const char *part; /* of the message */
} Refusal;

#define SOURCE(literal) {(literal), sizeof(literal) - 1}

static const Refusal refusals[] = {
    {SOURCE(""), 1, 1, "ends where a value"},
    {SOURCE(" \n  "), 2, 3, "ends where a value"},
    {SOURCE("\xEF\xBB\xBF"), 1, 1, "ends where a value"},
    {SOURCE("\xEF\xBB\xBF?"), 1, 1, "no JSON value"},
    {SOURCE("nul"), 1, 1, "no JSON value"},
    {SOURCE("[1, NaN]"), 1, 5, "no JSON value"},
    {SOURCE("[1,\n Infinity]"), 2, 2, "no JSON value"},
    {SOURCE("'a'"), 1, 1, "no JSON value"},
    {SOURCE("// c\n1"), 1, 1, "no JSON value"},
    {SOURCE("True"), 1, 1, "no JSON value"},
    {SOURCE("\0"), 1, 1, "no JSON value"},
    {SOURCE("[1,\0]"), 1, 4, "no JSON value"},
    {SOURCE("\xC2\xA0[]"), 1, 1, "no JSON value"},
    {SOURCE("nullx"), 1, 5, "more text follows"},
    {SOURCE("1 2"), 1, 3, "more text follows"},
    {SOURCE("{} \n\xC3\xA4"), 2, 1, "more text follows"},
    {SOURCE("[]\0"), 1, 3, "more text follows"},
    {SOURCE("[1,]"), 1, 4, "no JSON value"},
    {SOURCE("[,1]"), 1, 2, "no JSON value"},
    {SOURCE("[1 2]"), 1, 4, "\",\" or \"]\""},
    {SOURCE("[1}"), 1, 3, "\",\" or \"]\""},
    {SOURCE("[ [1, 2\n"), 1, 3, "array is never closed"},
    {SOURCE("["), 1, 1, "array is never closed"},
    {SOURCE("[1,"), 1, 1, "array is never closed"},
    {SOURCE("{"), 1, 1, "object is never closed"},
    {SOURCE("{\"a\":1"), 1, 1, "object is never closed"},
    {SOURCE("{\"a\":1,"), 1, 1, "object is never closed"},
    {SOURCE("{\"a\""), 1, 5, "\":\""},
    {SOURCE("{\"a\" 1}"), 1, 6, "\":\""},
    {SOURCE("{\"a\":"), 1, 6, "ends where a value"},
    {SOURCE("{\"a\":}"), 1, 6, "no JSON value"},
    {SOURCE("{\"a\":1,}"), 1, 8, "name must stand here"},
    {SOURCE("{a:1}"), 1, 2, "name must stand here"},
    {SOURCE("{1:1}"), 1, 2, "name must stand here"},
    {SOURCE("{\"a\":1 \"b\":2}"), 1, 8, "\",\" or \"}\""},
    {SOURCE("-"), 1, 1, "digits"},
    {SOURCE("[-a]"), 1, 2, "digits"},
    {SOURCE("1."), 1, 1, "digits"},
    {SOURCE("1.e5"), 1, 1, "digits"},
    {SOURCE("[0, 1e]"), 1, 5, "digits"},
    {SOURCE("1e+"), 1, 1, "digits"},
    {SOURCE("01"), 1, 1, "leading zero"},
    {SOURCE("[-00]"), 1, 2, "leading zero"},
    {SOURCE("+1"), 1, 1, "no JSON value"},
    {SOURCE(".5"), 1, 1, "no JSON value"},
    {SOURCE("0x10"), 1, 2, "more text follows"},
    {SOURCE("\""), 1, 1, "never closed"},
    {SOURCE("[\"abc"), 1, 2, "never closed"},
    {SOURCE("\"abc\\"), 1, 1, "never closed"},
    {SOURCE("\"abc\\\""), 1, 1, "never closed"},
    {SOURCE("[\"a\nb\"]"), 1, 4, "control character"},
    {SOURCE("\"a\tb\""), 1, 3, "control character"},
    {SOURCE("\"abcdefgh\0\""), 1, 10, "control character"},
    {SOURCE("\"\x1F\""), 1, 2, "control character"},
    {SOURCE("\"\\\n\""), 1, 3, "control character"},
    {SOURCE("\"\xC3\xA4\\x41\""), 1, 3, "no such escape"},
    {SOURCE("\"\\'\""), 1, 2, "no such escape"},
    {SOURCE("\"\\\xC3\xA4\""), 1, 2, "no such escape"},
    {SOURCE("\"\\u12\""), 1, 2, "four hexadecimal"},
    {SOURCE("\"\\u12g4\""), 1, 2, "four hexadecimal"},
    {SOURCE("\"\\u+123\""), 1, 2, "four hexadecimal"},
    {SOURCE("\"ab\\ud800\""), 1, 4, "surrogate"},
    {SOURCE("\"\\udc00\""), 1, 2, "surrogate"},
    {SOURCE("\"\\ud800\\ud800\""), 1, 2, "surrogate"},
    {SOURCE("\"\\udfff\""), 1, 2, "surrogate"},
    {SOURCE("\"\\udc00\\udc00\""), 1, 2, "surrogate"},
    {SOURCE("\"\\ud800\\ue000\""), 1, 2, "surrogate"},
    {SOURCE("\"\\ud800xudc00\""), 1, 2, "surrogate"},
    {SOURCE("\"\\ud800\\ndc00\""), 1, 2, "surrogate"},
    {SOURCE("\"\\ud800\\n\""), 1, 2, "surrogate"},
    {SOURCE("\"\\ud800\\u12\""), 1, 2, "surrogate"},
    {SOURCE("\"\\ud800x\""), 1, 2, "surrogate"},
    {SOURCE("{\"\\ud800\":1}"), 1, 3, "surrogate"},
    {SOURCE("\"\x80\""), 1, 2, "not UTF-8"},
    {SOURCE("\"a\xC3\""), 1, 3, "not UTF-8"},
    {SOURCE("\"\xC0\xAF\""), 1, 2, "not UTF-8"},
    {SOURCE("\"\xC3\xA4\xED\xA0\x80\""), 1, 3, "not UTF-8"},
    {SOURCE("\"\xF4\x90\x80\x80\""), 1, 2, "not UTF-8"},
    {SOURCE("\"\xE2\x82"), 1, 2, "not UTF-8"},
    {SOURCE("{\"a\":1,\n \"b\":2, \"a\":3}"), 2, 9, "\"a\" is given twice, first at line 1"},
    {SOURCE("{\"\xC3\xA4\":{\"x\":1,\"\\u0078\":2}}"), 1, 13, "\"x\" is given twice"},
    {SOURCE("{\"\":1,\"\":2}"), 1, 7, "\"\" is given twice"},
    {SOURCE("{\"a\\u001bb\":1,\"a\\u001bb\":2}"), 1, 15, "\"a?b\" is given twice"},
};

static void refusals_name_the_place(void) {
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const Refusal *refusal = &refusals[i];
        TarnJson *root = (TarnJson *)&error; /* must be cleared */
        tarn_base_arena_reset(&arena);
        tarn_base_error_clear(&error);
        /* an exact copy on the heap: the address sanitizer sees a read behind it */
        char *copy = malloc(refusal->source.size + (refusal->source.size == 0));
        REQUIRE(copy != NULL);
        memcpy(copy, refusal->source.data, refusal->source.size);
        TarnText source = {copy, refusal->source.size};
        bool done = tarn_base_json_parse(source, "t.json", &arena, &root, &error);
        free(copy);
        bool right = !done && root == NULL && error.code == TARN_E_JSON_SYNTAX &&
                     error.line == refusal->line && error.column == refusal->column &&
                     strcmp(error.file, "t.json") == 0 &&
                     strstr(error.message, refusal->part) != NULL;
        if (!right) {
            printf("# case %zu: %.*s\n# got %u:%u: %s\n", i, TARN_TEXT_ARG(refusal->source),
                   error.line, error.column, error.message);
        }
        CHECK(right);
    }
}

typedef struct HintCase {
    const char *source;
    const char *part; /* of the hint; "" = none */
} HintCase;

static void refusals_say_what_to_do(void) {
    static const HintCase cases[] = {
        {"['a']", "double quotes"},      {"[NaN]", "null or a text"},
        {"[Infinity]", "null or a text"}, {"True", "true, false and null"},
        {"False", "true, false and null"}, {"None", "true, false and null"},
        {"/* */ 1", "no comments"},      {"# 1", "no comments"},
        {"[1,]", "remove the comma"},    {"{\"a\":}", "add the value"},
        {"+1", "begin with a digit"},    {".5", "begin with a digit"},
        {"?", ""},                       {"{\"a\":1,}", "remove the comma"},
        {"{a:1}", ""},                   {"\"a\n\"", "close the quote"},
        {"\"a\t\"", "escape"},           {"[1 2]", ""}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnJson *root;
        TarnText source = tarn_base_text(cases[i].source);
        CHECK(!tarn_base_json_parse(source, NULL, &arena, &root, &error));
        if (cases[i].part[0] == '\0') CHECK_STRING(error.hint, "");
        if (strstr(error.hint, cases[i].part) == NULL) CHECK_STRING(error.hint, cases[i].part);
    }
}

static void names_in_messages_are_cut_and_safe(void) {
    TarnJson *root;
    TarnText source = TARN_TEXT("{\"\x7F\xC2\x80\xC2\xA0 \":1,\"\x7F\xC2\x80\xC2\xA0 \":2}");
    CHECK(!tarn_base_json_parse(source, "f", &arena, &root, &error));
    CHECK(strstr(error.message, "\"??\xC2\xA0 \" is given twice") != NULL);
    CHECK(strchr(error.detail, '^') != NULL);
    CHECK(!tarn_base_json_parse(source, NULL, &arena, &root, &error));
    CHECK_STRING(error.detail, "");
    char name[401] = "";
    for (size_t i = 0; i < 400; i += 4) memcpy(name + i, "\xF0\x9F\x8C\x8A", 4);
    TarnBuffer buffer;
    tarn_base_buffer_init(&buffer, TARN_MIB);
    tarn_base_buffer_printf(&buffer, "{\"%s\":1,\"%s\":2}", name, name);
    CHECK(!tarn_base_json_parse(tarn_base_buffer_view(&buffer), NULL, &arena, &root, &error));
    const char *cut = strstr(error.message, "...\" is given twice");
    REQUIRE(cut != NULL);
    CHECK_INT(cut - error.message, strlen("the member \"") + 60 * 4);
    tarn_base_buffer_dispose(&buffer);
}

static void errors_quote_the_users_line_only(void) {
    TarnJson *root;
    TarnText source = TARN_TEXT("{\n  \"a\": 1,\n\t\"\xC3\xA4\": tru\n}");
    CHECK(!tarn_base_json_parse(source, "a/b.json", &arena, &root, &error));
    CHECK_STRING(error.detail, "3 |  \"\xC3\xA4\": tru\n  |       ^");
    CHECK(!tarn_base_json_parse(source, NULL, &arena, &root, &error));
    CHECK_STRING(error.detail, "");
    CHECK_STRING(error.file, "");
    CHECK_INT(error.line, 3);
    CHECK(!tarn_base_json_parse(source, "x", &arena, &root, NULL)); /* no one wants the reason */
}

static void long_lines_are_cut_around_the_place(void) {
    char source[1000];
    memset(source, ' ', sizeof(source));
    source[0] = '[';
    source[500] = '?';
    memset(source + 900, 0x1B, 100);
    TarnJson *root;
    CHECK(!tarn_base_json_parse((TarnText){source, sizeof(source)}, "x", &arena, &root, &error));
    CHECK_INT(error.column, 501);
    char *newline = strchr(error.detail, '\n');
    REQUIRE(newline != NULL);
    char *mark = strchr(error.detail, '?');
    REQUIRE(mark != NULL);
    CHECK(strncmp(error.detail, "1 | ...", 7) == 0 && strncmp(newline - 3, "...", 3) == 0);
    CHECK_INT(strchr(newline, '^') - newline - 1, mark - error.detail);
    CHECK(newline - error.detail < 100);
}

static size_t nest(char *out, uint32_t depth, const char *open, const char *middle,
                   const char *close) {
    TarnBuffer buffer;
    tarn_base_buffer_init(&buffer, 8 * TARN_LIMIT_NESTING);
    for (uint32_t i = 0; i < depth; i++) tarn_base_buffer_string(&buffer, open);
    tarn_base_buffer_string(&buffer, middle);
    for (uint32_t i = 0; i < depth; i++) tarn_base_buffer_string(&buffer, close);
    size_t size = buffer.size;
    memcpy(out, buffer.data, size);
    tarn_base_buffer_dispose(&buffer);
    return size;
}

static void nesting_ends_at_the_limit(void) {
    static char source[8 * TARN_LIMIT_NESTING];
    TarnJson *root;
    size_t size = nest(source, TARN_LIMIT_NESTING, "[", "", "]");
    CHECK(parse_text((TarnText){source, size}) != NULL);
    size = nest(source, TARN_LIMIT_NESTING, "{\"a\":", "1", "}");
    CHECK(parse_text((TarnText){source, size}) != NULL);
    size = nest(source, TARN_LIMIT_NESTING + 1, "[", "", "]");
    CHECK(!tarn_base_json_parse((TarnText){source, size}, NULL, &arena, &root, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    CHECK_INT(error.column, TARN_LIMIT_NESTING + 1);
    size = nest(source, TARN_LIMIT_NESTING + 1, "{\"a\":", "1", "}");
    CHECK(!tarn_base_json_parse((TarnText){source, size}, NULL, &arena, &root, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    /* siblings are not depth */
    CHECK(parse("[[],[[]],[],{},{\"a\":{}},[[[]]]]") != NULL);
}

static void a_megabyte_of_brackets_is_refused(void) {
    size_t size = TARN_MIB;
    char *source = malloc(size);
    REQUIRE(source != NULL);
    memset(source, '[', size);
    TarnJson *root;
    CHECK(!tarn_base_json_parse((TarnText){source, size}, NULL, &arena, &root, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    free(source);
}

/* Objects around the size where the search for duplicates changes its way, and far beyond. */
static void duplicates_are_found_in_objects_of_any_size(void) {
    static const unsigned sizes[] = {2, 3, 31, 32, 33, 64, 65, 1000, 50000};
    TarnBuffer buffer;
    tarn_base_buffer_init(&buffer, 16 * TARN_MIB);
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        tarn_base_buffer_clear(&buffer);
        for (unsigned i = 0; i < sizes[s]; i++) {
            tarn_base_buffer_printf(&buffer, "%s\"m%u\":%u", i == 0 ? "{" : ",", i, i);
        }
        size_t size = buffer.size;
        tarn_base_buffer_string(&buffer, "}");
        CHECK(parse_text(tarn_base_buffer_view(&buffer)) != NULL);
        for (unsigned twice = 0; twice < sizes[s]; twice += sizes[s] / 3 + 1) {
            buffer.size = size;
            tarn_base_buffer_printf(&buffer, ",\"m%u\":0}", twice);
            TarnJson *root;
            tarn_base_arena_reset(&arena);
            CHECK(!tarn_base_json_parse(tarn_base_buffer_view(&buffer), NULL, &arena, &root,
                                        &error));
            char wanted[32];
            snprintf(wanted, sizeof(wanted), "\"m%u\" is given twice", twice);
            CHECK(strstr(error.message, wanted) != NULL);
            CHECK_INT(error.column, size + 2);
        }
    }
    tarn_base_buffer_dispose(&buffer);
}

/* ---- memory ---- */

static const char *const sample =
    "{\"format-version\":2,\"location\":\"s3:\\/\\/b\\/t\",\"l\":[1,2,[3,[4,{\"x\":null}]]],"
    "\"m\":{\"a\":\"\\u00e4\",\"b\":\"c\",\"d\":true,\"e\":false,\"f\":-1.5e10}}";

/* Enough members for the table of names too. */
static void build_large_sample(TarnBuffer *buffer) {
    tarn_base_buffer_printf(buffer, "[%s,{", sample);
    for (int i = 0; i < 200; i++) tarn_base_buffer_printf(buffer, "\"k%d\":\"\\t%d\",", i, i);
    tarn_base_buffer_string(buffer, "\"end\":[]}]");
}

static void every_memory_limit_fails_cleanly(void) {
    TarnBuffer buffer;
    tarn_base_buffer_init(&buffer, TARN_MIB);
    build_large_sample(&buffer);
    bool done = false;
    size_t refused = 0;
    for (size_t limit = 0; !done && limit < 4 * TARN_MIB; limit += limit < 4200 ? 1 : 16) {
        TarnArena small;
        TarnJson *root = NULL;
        tarn_base_arena_init(&small, limit);
        done = tarn_base_json_parse(tarn_base_buffer_view(&buffer), "f", &small, &root, &error);
        if (!done) {
            refused++;
            CHECK_INT(error.code, TARN_E_OUT_OF_MEMORY);
            CHECK(root == NULL);
        } else {
            CHECK(root != NULL && root->count == 2 && !tarn_base_arena_failed(&small));
        }
        tarn_base_arena_dispose(&small);
    }
    CHECK(done);
    CHECK(refused > 100);
    tarn_base_buffer_dispose(&buffer);
}

static void nodes_stay_small(void) { CHECK_INT(sizeof(TarnJson), 96); }

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    tarn_base_arena_init(&arena, ARENA_BYTES);
    TAP_TEST(every_kind_is_read);
    TAP_TEST(order_and_spans_are_kept);
    TAP_TEST(plain_strings_are_views);
    TAP_TEST(places_count_lines_and_code_points);
    TAP_TEST(escapes_are_decoded);
    TAP_TEST(strings_of_every_size_and_position);
    TAP_TEST(scalars_stand_alone);
    TAP_TEST(numbers_keep_their_text);
    TAP_TEST(integers_are_exact_or_refused);
    TAP_TEST(typed_reads_refuse_other_kinds);
    TAP_TEST(refusals_name_the_place);
    TAP_TEST(refusals_say_what_to_do);
    TAP_TEST(names_in_messages_are_cut_and_safe);
    TAP_TEST(errors_quote_the_users_line_only);
    TAP_TEST(long_lines_are_cut_around_the_place);
    TAP_TEST(nesting_ends_at_the_limit);
    TAP_TEST(a_megabyte_of_brackets_is_refused);
    TAP_TEST(duplicates_are_found_in_objects_of_any_size);
    TAP_TEST(every_memory_limit_fails_cleanly);
    TAP_TEST(nodes_stay_small);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
