/* flow/template: what is rendered, what is refused and where, and the way back to the file. */
#include "flow/template_private.h"

#include "base/limits.h"
#include "base/yaml.h"
#include "support/tap.h"

static TarnArena arena;
static TarnError error;
static TarnTemplate rendered;
static bool incremental;
static const char *vars;

static bool resolve(void *state, TarnTemplateCall call, const char *first, const char *second,
                    TarnTableName *name, TarnError *why) {
    (void)state;
    if (strcmp(second, "missing") == 0) {
        tarn_base_error_set(why, TARN_E_TEMPLATE, "no pipeline is named \"missing\"");
        return tarn_base_error_hint(why, "did you mean \"m\"?");
    }
    const char *ns = first != NULL ? first : call == TARN_TEMPLATE_REF ? "curated" : "raw";
    *name = (TarnTableName){ns, second};
    return true;
}

static bool render(const char *source) {
    TarnJson *tree = NULL;
    if (vars != NULL && !tarn_base_yaml_parse(tarn_base_text(vars), NULL, &arena, &tree, &error)) {
        return false;
    }
    TarnTemplateOptions options = {.file = "m.sql",
                                   .resolve = resolve,
                                   .self = {"curated", "m m"},
                                   .vars = tree,
                                   .incremental = incremental};
    return tarn_flow__template_render(tarn_base_text(source), &options, &arena, &rendered, &error);
}

static void expect(int line, const char *source, const char *sql) {
    static char text[4096];
    if (render(source)) {
        snprintf(text, sizeof(text), "%s", rendered.sql.data);
    } else {
        snprintf(text, sizeof(text), "error: %s %u:%u %s", tarn_base_error_name(error.code),
                 error.line, error.column, error.message);
    }
    tap_string(__FILE__, line, source, text, sql);
}
#define EXPECT(source, sql) expect(__LINE__, source, sql)

static void names_are_put_in(void) {
    EXPECT("select 1", "select 1");
    EXPECT("", "");
    EXPECT("from {{ ref('a') }} x", "from curated.a x");
    EXPECT("from {{ref(\"raw\", 'a')}}", "from raw.a");
    EXPECT("from {{ source( 's' , 'B c' ) }}", "from s.\"B c\"");
    EXPECT("from {{ this }}", "from curated.\"m m\"");
    EXPECT("from {{ ref('a.b', 'c') }}", "from a.b.c");
    EXPECT("from {{ ref('a.b.c', 'd') }}", "from \"a\".\"b.c\".\"d\"");
    EXPECT("{{ ref('a') }}{{ ref('a') }}", "curated.acurated.a");
    CHECK_INT(rendered.references.count, 1);
    EXPECT("select '{' || '}' as x, {'a': 1} as s, '%}' ", "select '{' || '}' as x, {'a': 1} as s,"
                                                           " '%}' ");
}

static void white_space_and_comments(void) {
    EXPECT("a {# b {{ c }} \n #} d", "a  d");
    EXPECT("a \n {#- x -#} \n d", "ad");
    EXPECT("a {{- ' ' if x }}", "error: TEMPLATE 1:7 ref, source, this, var or config is expected"
                                " here");
    EXPECT("a \n {%- if true -%} \n b \n {%- endif -%} \n c", "abc");
    EXPECT("a {{- var('k', 'x') -}} b", "axb");
    EXPECT("a -{{ var('k', -1) }}", "a --1");
    EXPECT("{#", "error: TEMPLATE 1:1 a {# comment is not closed");
    EXPECT("a\n  {{ ref('a')", "error: TEMPLATE 2:3 a {{ is not closed");
    EXPECT("{{ ref('a) }}", "error: TEMPLATE 1:8 a text is not closed");
    EXPECT("{", "{");
    EXPECT("a {", "a {");
}

static void branches(void) {
    static const char source[] = "a{% if is_incremental() %}b{% else %}c{% endif %}d";
    EXPECT(source, "acd");
    CHECK(rendered.incremental_used);
    incremental = true;
    EXPECT(source, "abd");
    EXPECT("{% if not is_incremental() %}x{% endif %}", "");
    incremental = false;
    vars = "{mode: full, n: 3, off: false, empty: ''}";
    EXPECT("{% if var('mode') == 'full' %}x{% elif true %}y{% else %}z{% endif %}", "x");
    EXPECT("{% if var('mode') != 'full' %}x{% elif var('n') == 3 %}y{% else %}z{% endif %}", "y");
    EXPECT("{% if var('off') or var('empty') %}x{% else %}z{% endif %}", "z");
    EXPECT("{% if not (var('off') or var('n') == 3.0) and true %}x{% else %}z{% endif %}", "z");
    EXPECT("{% if var('n') %}{% if false %}a{% else %}b{% endif %}{% endif %}", "b");
    EXPECT("{% if false %}{{ ref('missing') }}{{ var('missing') }}{{ config(a = 1) }}{% endif %}x",
           "x");
    CHECK_INT(rendered.config->count, 0);
    EXPECT("{% if false %}{{ nonsense() }}{% endif %}",
           "error: TEMPLATE 1:18 unknown name \"nonsense\" in a template");
    EXPECT("{% if true %}a{% elif var('missing') %}b{% endif %}", "a");
    EXPECT("x {% if true %} y", "error: TEMPLATE 1:3 an if has no endif");
    EXPECT("x {% endif %} y", "error: TEMPLATE 1:3 endif without an if");
    EXPECT("{% if 1 %}{% else %}{% elif 1 %}{% endif %}",
           "error: TEMPLATE 1:21 elif after else");
    EXPECT("{% for x in y %}", "error: TEMPLATE 1:4 unknown statement \"for\" in a template");
    EXPECT("{% endiff %}", "error: TEMPLATE 1:4 unknown statement \"endiff\" in a template");
    CHECK_STRING(error.hint, "did you mean \"endif\"?");
    vars = NULL;
}

static void variables(void) {
    vars = "{a: text, n: 12, l: [1], 'quote': \"it's\"}";
    EXPECT("{{ var('a') }} {{ var('n') }} {{ var('b', true) }} {{ var('c', none) }}",
           "text 12 true null");
    EXPECT("'{{ var(\"quote\") }}'", "'it's'");
    EXPECT("{{ var('zz') }}", "error: TEMPLATE 1:4 the variable \"zz\" is not set");
    EXPECT("{{ var('l') }}", "error: TEMPLATE 1:4 the variable is a list or a mapping: only texts,"
                             " numbers and booleans can be put into SQL");
    EXPECT("{{ var(a) }}", "error: TEMPLATE 1:8 var takes a name in quotes");
    vars = NULL;
}

static void configs(void) {
    TarnBuffer out;
    REQUIRE_OK(render("{{ config(materialized='incremental', unique_key=['a', \"b\"], n = -1.5,"
                      " ok=True, d={'x': {'y': []}}, v=var('k', [1, 2])) }}select 1"),
               &error);
    CHECK_STRING(rendered.sql.data, "select 1");
    tarn_base_buffer_init(&out, TARN_MIB);
    tarn_base_json_write(rendered.config, 0, &out);
    CHECK_STRING(out.data, "{\"materialized\":\"incremental\",\"unique_key\":[\"a\",\"b\"],"
                           "\"n\":-1.5,\"ok\":true,\"d\":{\"x\":{\"y\":[]}},\"v\":[1,2]}");
    tarn_base_buffer_dispose(&out);
    const TarnJson *key = tarn_base_json_member(rendered.config, "unique_key");
    CHECK_INT(key->line, 1);
    CHECK_INT(key->column, 50);
    CHECK_INT(key->key_column, 39);
    EXPECT("{{ config({'a': 1}) }}", "error: TEMPLATE 1:11 config takes key = value, .. here");
    EXPECT("{{ config(a=1) }}\n{{ config(a=2) }}",
           "error: TEMPLATE 2:11 the setting \"a\" is given twice");
    EXPECT("{{ config(d={'a':{}}) }}x", "x");
    EXPECT("{{ config(d={'a': 1, 'a': 2}) }}", "error: TEMPLATE 1:22 the key \"a\" is given twice");
}

static void refusals(void) {
    EXPECT("\n  {{ rfe('a') }}", "error: TEMPLATE 2:6 unknown name \"rfe\" in a template");
    CHECK_STRING(error.hint, "did you mean \"ref\"?");
    CHECK_STRING(error.file, "m.sql");
    CHECK_STRING(error.detail, "2 |   {{ rfe('a') }}\n  |      ^");
    EXPECT("{{ env_var('HOME') }}", "error: TEMPLATE 1:4 unknown name \"env_var\" in a template");
    EXPECT("{{ ref() }}", "error: TEMPLATE 1:8 ref takes one or two names in quotes");
    EXPECT("{{ ref('a','b','c') }}", "error: TEMPLATE 1:16 ref takes one or two names in quotes");
    EXPECT("{{ ref('a', v=2) }}", "error: TEMPLATE 1:13 ref takes one or two names in quotes");
    EXPECT("{{ source('a') }}", "error: TEMPLATE 1:14 source takes two names in quotes");
    EXPECT("{{ ref('a') | upper }}",
           "error: TEMPLATE 1:13 expected the end of the tag, \"}}\", here");
    EXPECT("{{ this.schema }}",
           "error: TEMPLATE 1:8 expected the end of the tag, \"}}\", here");
    EXPECT("äö {{ ref('missing') }}", "error: TEMPLATE 1:7 no pipeline is named \"missing\"");
    EXPECT("{{ is_incremental() }}",
           "error: TEMPLATE 1:4 is_incremental() stands in {% if is_incremental() %}");
    EXPECT("a\xff", "error: TEMPLATE 1:2 the file is not valid UTF-8");
    EXPECT("{% if ((((((((((((((((((((((((((((((((((((1)))))))))))))))))))))))))))))))))))) %}",
           "error: TEMPLATE 1:40 conditions are nested more than 32 deep");
    EXPECT("{{ config(a=[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]) }}",
           "error: TEMPLATE 1:46 values are nested more than 32 deep");
}

/* An error at "line:column" of the SQL, where is it in the file? */
static void expect_place(int line, const char *source, uint32_t sql_line, uint32_t sql_column,
                         const char *place) {
    char text[512];
    TarnError told = {0};
    if (!render(source)) {
        tap_fail(__FILE__, line, error.message);
        return;
    }
    tarn_base_error_set(&told, TARN_E_SQL_BIND, "no");
    told.line = sql_line;
    told.column = sql_column;
    tarn_flow__template_place(&rendered, &told);
    snprintf(text, sizeof(text), "%s:%u:%u", told.file, told.line, told.column);
    tap_string(__FILE__, line, source, text, place);
}

static void places_lead_back(void) {
#define PLACE(source, line, column, place) expect_place(__LINE__, source, line, column, place)
    PLACE("select x", 1, 8, "m.sql:1:8");
    PLACE("{{ config(a=1) }}\nselect x", 2, 8, "m.sql:2:8");
    PLACE("{#\n\n#}select x", 1, 8, "m.sql:3:10");
    PLACE("select * from {{ ref('abc') }} where y", 1, 15, "m.sql:1:15");
    PLACE("select * from {{ ref('abc') }} where y", 1, 20, "m.sql:1:15");
    PLACE("select * from {{ ref('abc') }} where y", 1, 33, "m.sql:1:38");
    PLACE("a {% if true %}\nb {% endif %}\nc", 3, 1, "m.sql:3:1");
    PLACE("ä {{ var('k', 'x') }} y", 1, 5, "m.sql:1:23");
    PLACE("a", 1, 99, "m.sql:1:2");
    PLACE("a", 99, 1, "m.sql:1:2");
    PLACE("a", 0, 0, "m.sql:0:0");
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    tarn_base_arena_init(&arena, TARN_GIB);
    TAP_TEST(names_are_put_in);
    TAP_TEST(white_space_and_comments);
    TAP_TEST(branches);
    TAP_TEST(variables);
    TAP_TEST(configs);
    TAP_TEST(refusals);
    TAP_TEST(places_lead_back);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
