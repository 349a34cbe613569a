/* flow/check and flow/selector: each check passes and fails, each selector chooses. */
#include "lake_test.h"

static const char *run_check(const char *yaml) {
    static char text[8192];
    char file[4096];
    TarnCheckResults results = {0};
    TarnCheckOptions options = {.config = lake.config, .os = tarn_os_posix(), .query = lake.query};
    snprintf(file, sizeof(file), "table: raw.t\n%s", yaml);
    lake_file("checks/t.yaml", file);
    if (!tarn_flow_check(&options, &lake.arena, &results, &error)) {
        snprintf(text, sizeof(text), "error: %s %u:%u %s", tarn_base_error_name(error.code),
                 error.line, error.column, error.message);
        return text;
    }
    return lake_checks(&results);
}
#define CHECKS(yaml, expected) tap_string(__FILE__, __LINE__, yaml, run_check(yaml), expected)

static bool begin(void) {
    if (!lake_begin()) return false;
    lake_sql("create table raw.t (id bigint, name varchar, d date, ts timestamp, x double)");
    lake_sql("insert into raw.t values (1, 'abc', '2026-01-01', '2026-01-01 00:00:00', 0.5),"
             " (2, 'de', '2026-02-01', '2026-01-02 00:00:00', -1), (2, NULL, NULL, NULL, NULL)");
    lake_sql("create table raw.codes (code varchar)");
    lake_sql("insert into raw.codes values ('abc'), (NULL)");
    return true;
}

static void each_check_passes_and_fails(void) {
    REQUIRE_OK(begin(), &error);
    CHECKS("columns: [{name: id, checks: [unique, not_null]}]\n",
           "not_null(id) pass 0; unique(id) fail 2");
    CHECKS("columns: [{name: name, tests: [unique, not_null]}]\n",
           "not_null(name) fail 1; unique(name) pass 0");
    CHECKS("checks: [{unique: [id, name]}, {unique: {columns: [id, x]}}, {not_null: [id, x]}]\n",
           "not_null(id, x) fail 1; unique(id, name) pass 0; unique(id, x) pass 0");
    CHECKS("columns: [{name: name, checks: [{accepted_values: [abc, de]}, {accepted_values: "
           "{values: [abc]}}]}]\n",
           "accepted_values(name) pass 0; accepted_values(name) fail 1");
    CHECKS("columns: [{name: id, checks: [{accepted_values: [1, 2]}, {accepted_values: [1]}]}]\n",
           "accepted_values(id) pass 0; accepted_values(id) fail 2");
    CHECKS("columns: [{name: name, checks: [{relationships: {to: raw.codes, field: code}}]}]\n",
           "relationships(name) fail 1");
    CHECKS("columns: [{name: name, checks: [{relationships: {to: raw.codes, field: code, where: "
           "id = 1}}]}]\n",
           "relationships(name) pass 0");
    CHECKS("columns: [{name: x, checks: [{range: {min: -1, max: 0.5}}, {range: {min: -1, "
           "inclusive: false}}, {range: {max: 0}}]}]\n",
           "range(x) pass 0; range(x) fail 1; range(x) fail 1");
    CHECKS("columns: [{name: d, checks: [{range: {min: '2026-01-15'}}]}]\n", "range(d) fail 1");
    CHECKS("columns: [{name: name, checks: [{length: {min: 2, max: 3}}, {length: {min: 3}}]}]\n",
           "length(name) pass 0; length(name) fail 1");
    CHECKS("columns: [{name: name, checks: [{pattern: '^[a-z]+$'}, {regex: '^a'}]}]\n",
           "pattern(name) pass 0; regex(name) fail 1");
    CHECKS("checks: [{expression: x >= -1}, {expression: {expression: x > 0 -- positive, name: p, "
           "severity: warn}}]\n",
           "expression(x >= -1) pass 0; p warn 1");
    CHECKS("checks: [{row_count: {min: 3, max: 3}}, {row_count: {min: 4}}, {row_count: {max: 1, "
           "where: name is null}}]\n",
           "row_count pass -1; row_count fail -1; row_count pass -1");
    CHECKS("checks: [{freshness: {column: ts, max_age: 100y}}, {freshness: {column: ts, max_age: "
           "1d}}]\n",
           "freshness(ts) pass -1; freshness(ts) fail -1");
    CHECKS("checks: [{sql: 'select * from {{ this }} where id > 5'}, {sql: {query: 'select t.id "
           "from raw.t left join raw.codes c on c.code = t.name where c.code is null;', name: "
           "orphans}}]\n",
           "sql pass 0; orphans fail 2");
    lake_end();
}

static void checks_that_cannot_run_are_told_apart(void) {
    REQUIRE_OK(begin(), &error);
    lake_build(NULL);
    const char *got = run_check("checks: [{expression: nope > 1}, {row_count: {min: 1}}]\n");
    CHECK(strstr(got, "expression(nope > 1) error -1 ") == got);
    CHECK(strstr(got, "; row_count pass -1") != NULL);
    got = run_check("checks: [{sql: \"select * from read_csv('/etc/passwd')\"}]\n");
    CHECK(strstr(got, "sql error -1 the table function \"read_csv\" is not run here") == got);
    got = run_check("checks: [{expression: \"1 = 1) from raw.t, read_text('/etc/passwd') where "
                    "(true\"}]\n");
    CHECK(strstr(got, " error -1 ") != NULL);
    lake_end();
}

static void declarations_are_refused_with_their_place(void) {
    REQUIRE_OK(begin(), &error);
    CHECKS("columns: [{name: id, checks: [uniqe]}]\n",
           "error: CONFIG 2:31 unknown check \"uniqe\"");
    CHECK_STRING(error.hint, "did you mean \"unique\"?");
    CHECK_STRING(error.file, "checks/t.yaml");
    CHECKS("checks: [unique]\n", "error: CONFIG 2:10 the check \"unique\" needs column");
    CHECKS("checks: [{row_count: {mn: 1}}]\n", "error: CONFIG 2:23 unknown key \"mn\" in a check");
    CHECKS("checks: [{row_count: {min: x}}]\n",
           "error: CONFIG 2:28 \"min\" must be a whole number");
    CHECKS("checks: [{row_count: 5}]\n",
           "error: CONFIG 2:22 the check \"row_count\" takes a mapping");
    CHECKS("checks: [{row_count: {min: 1, severity: quarantine}}]\n",
           "error: CONFIG 2:10 the check \"row_count\" cannot quarantine: it does not tell which"
           " rows fail");
    CHECKS("columns: [{name: id, checks: [{row_count: {min: 1}}]}]\n",
           "error: CONFIG 2:31 the check \"row_count\" is about the table, not a column");
    CHECKS("checks: [{not_null: {column: id, max: 1}}]\n",
           "error: CONFIG 2:10 the check \"not_null\" does not take min or max");
    CHECKS("chekcs: []\n", "error: CONFIG 2:1 unknown key \"chekcs\" in a file of checks");
    lake_end();
}

static const char *choose(const char *select, const char *exclude) {
    static char text[4096];
    TarnBuildOptions options = {.dry_run = true,
                                .select = &select,
                                .select_count = select != NULL,
                                .exclude = &exclude,
                                .exclude_count = exclude != NULL};
    size_t used = 0;
    text[0] = '\0';
    const char *got = lake_build(&options);
    if (strncmp(got, "error", 5) == 0) return got;
    for (size_t i = 0; i < lake.result.model_count; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? " " : "",
                                 lake.result.models[i].name + strlen("sandbox."));
    }
    return text;
}
#define CHOOSE(select, exclude, expected)                                                          \
    tap_string(__FILE__, __LINE__, select, choose(select, exclude), expected)

static void selectors_choose(void) {
    REQUIRE_OK(begin(), &error);
    lake_file("pipelines/sandbox/a.sql", "{{ config(tags=['daily']) }}select id from raw.t");
    lake_file("pipelines/sandbox/b.sql", "select * from {{ ref('a') }}");
    lake_file("pipelines/sandbox/c.sql", "{{ config(tags='daily') }}select * from {{ ref('b') }}");
    lake_file("pipelines/sandbox/d.sql", "select * from {{ ref('c') }}");
    lake_file("pipelines/sandbox/e.sql", "select code from raw.codes");
    CHOOSE(NULL, NULL, "a b c d e");
    CHOOSE("b", NULL, "b");
    CHOOSE("sandbox.b", NULL, "b");
    CHOOSE("sandbox.*", "c", "a b d e");
    CHOOSE("+c", NULL, "a b c");
    CHOOSE("1+c", NULL, "b c");
    CHOOSE("c+", NULL, "c d");
    CHOOSE("a+1", NULL, "a b");
    CHOOSE("2+d", NULL, "b c d");
    CHOOSE("+b+", NULL, "a b c d");
    CHOOSE("tag:daily", NULL, "a c");
    CHOOSE("tag:daily,+b", NULL, "a");
    CHOOSE("e tag:daily,c", NULL, "c e");
    CHOOSE("source:raw.t", NULL, "a");
    CHOOSE("source:raw.t+", NULL, "a b c d");
    CHOOSE("path:pipelines/sandbox", "path:pipelines/sandbox/[ab].sql", "c d e");
    CHOOSE("bb", NULL, "error: PIPELINE_NOT_FOUND no pipeline matches \"bb\"");
    CHOOSE("tga:x", NULL, "error: USAGE the selector \"tga:x\" has an unknown method");
    CHOOSE("@a", NULL, "error: USAGE the selector \"@a\" uses @, which is not known");
    CHOOSE("+", NULL, "error: USAGE the selector \"+\" names nothing");
    BUILD(NULL, "sandbox.a success; sandbox.b success; sandbox.c success; sandbox.d success;"
                " sandbox.e success");
    CHOOSE("state:modified", NULL, "");
    lake_file("pipelines/sandbox/c.sql", "select *, 1 as n from {{ ref('b') }}");
    CHOOSE("state:modified", NULL, "c");
    CHOOSE("state:modified+", NULL, "c d");
    lake_end();
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(each_check_passes_and_fails);
    TAP_TEST(checks_that_cannot_run_are_told_apart);
    TAP_TEST(declarations_are_refused_with_their_place);
    TAP_TEST(selectors_choose);
    return tap_end();
}
