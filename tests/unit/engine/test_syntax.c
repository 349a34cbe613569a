/* Splitting scripts, syntax trees and bound plans. */
#include "engine_test.h"

static TarnArena arena;

/* ---- statements -------------------------------------------------------------------------- */

typedef struct KindCase {
    const char *sql;
    TarnEngineStatementKind kind;
} KindCase;

#define K(name) TARN_ENGINE_STATEMENT_##name

static const KindCase kind_cases[] = {
    {"SELECT 1", K(SELECT)},
    {"(SELECT 1)", K(SELECT)},
    {"FROM t", K(SELECT)},
    {"FROM t SELECT a", K(SELECT)},
    {"VALUES (1), (2)", K(SELECT)},
    {"TABLE t", K(SELECT)},
    {"WITH a AS (SELECT 1) SELECT * FROM a", K(SELECT)},
    {"WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a) FROM a", K(SELECT)},
    {"SELECT 1 UNION SELECT 2", K(SELECT)},
    {"DESCRIBE t", K(SELECT)},
    {"DESCRIBE SELECT 1", K(SELECT)},
    {"SUMMARIZE t", K(SELECT)},
    {"SHOW TABLES", K(SELECT)},
    {"PIVOT t ON k IN ('a', 'b') USING sum(v)", K(SELECT)},
    {"PIVOT t ON k USING sum(v)", K(OTHER)},
    {"UNPIVOT t ON a, b", K(SELECT)},
    {"INSERT INTO t VALUES (1)", K(INSERT)},
    {"insert into t select 1", K(INSERT)},
    {"INSERT OR REPLACE INTO t VALUES (1)", K(INSERT)},
    {"WITH x AS (SELECT 1) INSERT INTO t FROM x", K(INSERT)},
    {"WITH delete AS (SELECT ')' AS a), b(c, d) AS MATERIALIZED (VALUES (1, 2)) UPDATE t SET a = 1",
     K(UPDATE)},
    {"WITH x AS NOT MATERIALIZED (SELECT 1) DELETE FROM t", K(DELETE)},
    {"UPDATE t SET a = 1", K(UPDATE)},
    {"DELETE FROM t", K(DELETE)},
    {"TRUNCATE t", K(TRUNCATE)},
    {"MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE", K(MERGE)},
    {"COPY t TO 'x.csv'", K(COPY)},
    {"COPY (SELECT 1) TO 'x.parquet'", K(COPY)},
    {"CREATE TABLE t (a INTEGER)", K(CREATE)},
    {"CREATE OR REPLACE TEMP VIEW v AS SELECT 1", K(CREATE)},
    {"CREATE SECRET (TYPE s3)", K(CREATE)},
    {"CREATE MACRO m(x) AS x + 1", K(CREATE)},
    {"ALTER TABLE t ADD COLUMN b INTEGER", K(ALTER)},
    {"DROP TABLE IF EXISTS t", K(DROP)},
    {"COMMENT ON TABLE t IS 'x'", K(COMMENT)},
    {"EXPLAIN SELECT 1", K(EXPLAIN)},
    {"EXPLAIN ANALYZE SELECT 1", K(EXPLAIN)},
    {"BEGIN", K(TRANSACTION)},
    {"START TRANSACTION", K(TRANSACTION)},
    {"COMMIT", K(TRANSACTION)},
    {"ROLLBACK", K(TRANSACTION)},
    {"SET threads = 1", K(SET)},
    {"RESET threads", K(SET)},
    {"USE main", K(USE)},
    {"PRAGMA version", K(PRAGMA)},
    {"CALL pragma_version()", K(CALL)},
    {"PREPARE p AS SELECT 1", K(PREPARE)},
    {"EXECUTE p", K(EXECUTE)},
    {"DEALLOCATE p", K(DEALLOCATE)},
    {"ATTACH ':memory:' AS m", K(ATTACH)},
    {"DETACH m", K(DETACH)},
    {"EXPORT DATABASE 'd'", K(EXPORT)},
    {"IMPORT DATABASE 'd'", K(EXPORT)},
    {"LOAD 'x'", K(LOAD)},
    {"INSTALL x", K(LOAD)},
    {"FORCE INSTALL x", K(LOAD)},
    {"UPDATE EXTENSIONS", K(LOAD)},
    {"VACUUM", K(VACUUM)},
    {"ANALYZE", K(VACUUM)},
    {"CHECKPOINT", K(VACUUM)},
    {"FORCE CHECKPOINT", K(VACUUM)},
};

static void every_kind_is_told(void) {
    for (size_t i = 0; i < sizeof(kind_cases) / sizeof(kind_cases[0]); i++) {
        TarnEngineStatement *list;
        size_t count;
        char sql[512];
        snprintf(sql, sizeof(sql), "/* c; */ %s -- d;\n;", kind_cases[i].sql);
        tarn_base_error_clear(&failure);
        if (!tarn_engine_statements(session, sql_text(sql), &arena, &list, &count, &failure)) {
            printf("# %s\n# %s\n", sql, failure.message);
            tap_fail(__FILE__, __LINE__, "was refused");
            continue;
        }
        CHECK_INT(count, 1);
        if (list[0].kind != kind_cases[i].kind) {
            printf("# %s: %s\n", kind_cases[i].sql, tarn_engine_statement_name(list[0].kind));
            tap_fail(__FILE__, __LINE__, "wrong kind");
        }
        CHECK(tarn_base_text_is(list[0].text, kind_cases[i].sql));
        CHECK_INT(list[0].offset, 9);
    }
}

static void scripts_are_split_where_duckdb_splits(void) {
    static const char script[] =
        "SELECT ';', \";\", $$;$$, $a$;$$;$a$, E'\\';', 'it''s;' ; ;\n"
        "  /* ; /* nested ; */ ; */ SELECT 1e5, a$b$c, $1 -- ; '\n"
        "\xC2\xA0;\xE3\x80\x80INSERT INTO t VALUES ('ü');\n\tSELECT x'00', 1.5e-3;";
    TarnEngineStatement *list;
    size_t count;
    REQUIRE_OK(tarn_engine_statements(session, sql_text(script), &arena, &list, &count, &failure),
               &failure);
    REQUIRE(count == 4);
    CHECK(tarn_base_text_starts(list[0].text, "SELECT ';'"));
    CHECK(tarn_base_text_ends(list[0].text, "'it''s;'"));
    CHECK_INT(list[1].line, 2);
    CHECK_INT(list[1].column, 28);
    CHECK(tarn_base_text_ends(list[1].text, "$1"));
    CHECK_INT(list[2].kind, TARN_ENGINE_STATEMENT_INSERT);
    CHECK_INT(list[2].line, 3);
    CHECK_INT(list[2].column, 4);
    CHECK_INT(list[3].line, 4);
    CHECK_INT(list[3].column, 2);
    CHECK(list[3].text.data == script + list[3].offset);
    REQUIRE_OK(tarn_engine_statements(session, TARN_TEXT(" ;; -- x\n/* y */"), &arena, &list,
                                      &count, &failure),
               &failure);
    CHECK_INT(count, 0);
}

static void wrong_statement_has_its_place_in_the_script(void) {
    TarnEngineStatement *list;
    size_t count;
    CHECK(!tarn_engine_statements(session, TARN_TEXT("SELECT 1;\n\n  SELECT 'ü' FROMM x y z"),
                                  &arena, &list, &count, &failure));
    CHECK_CODE(failure.code, TARN_E_SQL_SYNTAX);
    CHECK_INT(failure.line, 3);
    CHECK_INT(failure.column, 20);
    CHECK(strstr(failure.detail, "FROMM") != NULL);
}

/* What does not close must never swallow or reveal a statement: refused, or one piece. */
static void open_quotes_hide_nothing(void) {
    static const char *const scripts[] = {
        "SELECT 'a; DROP TABLE t",      "SELECT \"a; DROP TABLE t",
        "SELECT $$a; DROP TABLE t",     "SELECT E'a\\'; DROP TABLE t",
        "SELECT /* a; DROP TABLE t",    "SELECT $x$ a; $X$ DROP TABLE t",
        "SELECT 1e'\\'; DROP TABLE t",
    };
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        TarnEngineStatement *list;
        size_t count;
        tarn_base_error_clear(&failure);
        CHECK(!tarn_engine_statements(session, sql_text(scripts[i]), &arena, &list, &count,
                                      &failure));
        CHECK_CODE(failure.code, TARN_E_SQL_SYNTAX);
    }
}

/* Random scripts of awkward tokens: DuckDB must see the same number of statements as the split,
 * told by running each piece and the whole through its parser. */
static void split_agrees_with_duckdb(void) {
    static const char *const tokens[] = {
        "'", "''", "\"", "$$", "$a$", "$1", "a$b", "E'", "e'x'", "\\", "--", "\n", "/*", "*/",
        ";", " ", "SELECT ", "1", "1e", "x", ",", "(", ")", "'a'", "\"b\"", "U&'", "||", "-", "/",
        "\xC3\xBC", "\xC2\xA0", "*",
    };
    uint64_t state = 7;
    unsigned accepted = 0;
    for (int turn = 0; turn < 3000; turn++) {
        char script[256] = "SELECT ";
        size_t size = 7;
        for (int i = 0; i < 12; i++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
            const char *token = tokens[(state >> 33) % (sizeof(tokens) / sizeof(tokens[0]))];
            size_t length = strlen(token);
            memcpy(script + size, token, length + 1);
            size += length;
        }
        TarnEngineStatement *list;
        size_t count;
        TarnEngineParam param = tarn_engine_param_text((TarnText){script, size});
        TarnText told;
        tarn_base_arena_reset(&arena);
        if (!tarn_engine_query_text(session,
                                    TARN_TEXT("SELECT json_array_length(json_serialize_sql("
                                              "$1::VARCHAR), '$.statements')"),
                                    &param, 1, &arena, &told, &failure) ||
            told.data == NULL) {
            continue;
        }
        tarn_base_error_clear(&failure);
        if (!tarn_engine_statements(session, (TarnText){script, size}, &arena, &list, &count,
                                    &failure)) {
            printf("# %s\n# %s\n", script, failure.message);
            tap_fail(__FILE__, __LINE__, "DuckDB accepts it, the split does not");
            continue;
        }
        accepted++;
        CHECK_INT(count, strtoll(told.data, NULL, 10));
    }
    printf("# %u of 3000 scripts were valid\n", accepted);
    CHECK(accepted > 50);
}

/* ---- trees ------------------------------------------------------------------------------- */

/* Shapes that SQL of pipelines takes; tables s and t exist in `prepare_tables`. */
static const char *const shapes[] = {
    "SELECT a, b AS c FROM s",
    "SELECT s.a, t.x FROM s JOIN t ON s.a = t.a",
    "SELECT * FROM s LEFT JOIN t USING (a)",
    "SELECT * FROM s, t WHERE s.a = t.a AND t.x > 1.5",
    "SELECT * FROM s SEMI JOIN t USING (a)",
    "SELECT * FROM s ANTI JOIN t USING (a)",
    "SELECT * FROM s POSITIONAL JOIN t",
    "SELECT * FROM s ASOF JOIN t ON s.a >= t.a",
    "SELECT * FROM s CROSS JOIN LATERAL (SELECT s.a + 1 AS l)",
    "SELECT a, count(*) FILTER (WHERE b IS NOT NULL) FROM s GROUP BY ALL HAVING count(*) > 0",
    "SELECT a, b, sum(d) FROM s GROUP BY GROUPING SETS ((a), (b), ())",
    "SELECT a, sum(d) FROM s GROUP BY ROLLUP (a)",
    "SELECT DISTINCT ON (a) a, b FROM s ORDER BY a, d DESC NULLS FIRST LIMIT 3 OFFSET 1",
    ("SELECT a, row_number() OVER (PARTITION BY b ORDER BY d ROWS BETWEEN 1 PRECEDING AND CURRENT "
     "ROW) AS r FROM s QUALIFY r = 1"),
    "WITH x AS (SELECT a FROM s), y AS MATERIALIZED (SELECT a FROM x) SELECT * FROM y",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT * FROM n",
    "SELECT a FROM s UNION ALL SELECT a FROM t EXCEPT SELECT 3 INTERSECT SELECT 4",
    "SELECT a FROM s UNION BY NAME SELECT x FROM t",
    "SELECT (SELECT max(x) FROM t WHERE t.a = s.a) FROM s",
    "SELECT a FROM s WHERE a IN (SELECT a FROM t) AND EXISTS (SELECT 1 FROM t WHERE t.a = s.a)",
    "SELECT a FROM s WHERE d > ALL (SELECT x FROM t)",
    "SELECT CASE WHEN a > 1 THEN 'x' WHEN a IS NULL THEN 'y' ELSE b END FROM s",
    "SELECT a::VARCHAR, TRY_CAST(b AS INTEGER), b LIKE '%x%', b ~ 'y', a BETWEEN 1 AND 2 FROM s",
    "SELECT unnest(l) FROM s",
    "SELECT u FROM s, unnest(s.l) AS q(u)",
    "SELECT list_transform(l, lambda v: v + 1) AS p, [v * 2 FOR v IN l IF v > 1] AS q FROM s",
    "SELECT st.f, st['f'], {'k': a, 'v': [b]}, MAP {b: a} FROM s",
    "SELECT l[1], l[1:2], l[-1] FROM s",
    "SELECT * EXCLUDE (b) REPLACE (a + 1 AS a) RENAME (d AS e) FROM s",
    "SELECT COLUMNS('a|d') + 1 FROM s",
    "SELECT $1, $2::INTEGER FROM s WHERE false",
    "PIVOT s ON b IN ('x', 'y') USING sum(d) GROUP BY a",
    "UNPIVOT (SELECT a, d FROM s) ON a, d INTO NAME n VALUE v",
    "SUMMARIZE s",
    "DESCRIBE s",
    "SELECT * FROM range(3) r(i)",
    "SELECT * FROM (VALUES (1, 'x'), (2, NULL)) v(i, j)",
    "SELECT * FROM s TABLESAMPLE reservoir(5 ROWS) REPEATABLE (1)",
    "SELECT * FROM v",
    "SELECT date_trunc('month', ts) AT TIME ZONE 'Europe/Berlin', ts - INTERVAL '1 day' FROM s",
    "FROM s WHERE a = 1 ORDER BY ALL",
    "SELECT sum(DISTINCT a ORDER BY a), string_agg(b, ',' ORDER BY b) FROM s",
    "SELECT 170141183460469231731687303715884105727, 1e300, -0.0, 'q''', NULL, true, x'00ff'::BLOB",
    "SELECT a, first_value(d IGNORE NULLS) OVER w FROM s WINDOW w AS (ORDER BY a)",
};

static bool plan_is_expected(const char *sql) {
    return strstr(sql, "$1") == NULL; /* parameters have no values here */
}

static void prepare_tables(void) {
    REQUIRE(run("CREATE OR REPLACE TABLE s (a INTEGER, b VARCHAR, d DOUBLE, l INTEGER[], "
                "st STRUCT(f INTEGER), ts TIMESTAMPTZ);"
                "CREATE OR REPLACE TABLE t (a INTEGER, x DOUBLE);"
                "CREATE OR REPLACE VIEW v AS SELECT a, upper(b) AS u FROM s"));
}

static size_t count_members(const TarnJson *tree, const char *key, const char *want) {
    size_t count = 0;
    TARN_JSON_EACH(child, tree) {
        if (tarn_base_text_is(child->key, key) && child->kind == TARN_JSON_STRING &&
            tarn_base_text_is(child->text, want)) {
            count++;
        }
        count += count_members(child, key, want);
    }
    return count;
}

static void shapes_have_trees_and_plans(void) {
    prepare_tables();
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        TarnJson *tree, *plan;
        TarnText text;
        TarnText sql = sql_text(shapes[i]);
        tarn_base_arena_reset(&arena);
        tarn_base_error_clear(&failure);
        bool parsed = tarn_engine_parse(session, sql, &arena, &tree, &failure);
        if (!parsed) printf("# %s\n", shapes[i]);
        CHECK_OK(parsed, &failure);
        if (!parsed) continue;
        const TarnJson *statements = tarn_base_json_member(tree, "statements");
        CHECK(statements != NULL && statements->count == 1);
        CHECK_OK(tarn_engine_deparse(session, tree, &arena, &text, &failure), &failure);
        TarnJson *again;
        bool same = tarn_engine_parse(session, text, &arena, &again, &failure);
        if (!same) printf("# %s\n# became %s\n", shapes[i], text.data);
        CHECK_OK(same, &failure);
        if (!plan_is_expected(shapes[i])) continue;
        bool planned = tarn_engine_plan(session, sql, &arena, &plan, &failure);
        if (!planned) printf("# %s\n", shapes[i]);
        CHECK_OK(planned, &failure);
        if (!planned) continue;
        const TarnJson *plans = tarn_base_json_member(plan, "plans");
        CHECK(plans != NULL && plans->count == 1);
    }
}

/* Deparsed text must mean the same: compare what both forms give on real rows. */
static void deparsed_text_gives_the_same_rows(void) {
    prepare_tables();
    REQUIRE(run("INSERT INTO s SELECT i, 'n' || i % 3, i / 7.0, [i, i + 1], {'f': i}, "
                "TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_hours(i) FROM range(20) r(i);"
                "INSERT INTO t SELECT i, i * 1.5 FROM range(5, 15) r(i)"));
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        TarnJson *tree;
        TarnText text;
        char before[4096], after[8192];
        if (!plan_is_expected(shapes[i]) || strstr(shapes[i], "TABLESAMPLE") != NULL) continue;
        tarn_base_arena_reset(&arena);
        REQUIRE_OK(tarn_engine_parse(session, sql_text(shapes[i]), &arena, &tree, &failure),
                   &failure);
        REQUIRE_OK(tarn_engine_deparse(session, tree, &arena, &text, &failure), &failure);
        snprintf(before, sizeof(before), "SELECT md5(list(x ORDER BY x)::VARCHAR) FROM "
                                         "(SELECT q::VARCHAR AS x FROM (%s) q)", shapes[i]);
        snprintf(after, sizeof(after), "SELECT md5(list(x ORDER BY x)::VARCHAR) FROM "
                                       "(SELECT q::VARCHAR AS x FROM (%.*s) q)",
                 TARN_TEXT_ARG(text));
        const char *first = value(before);
        REQUIRE(first != NULL);
        if (strncmp(first, "error", 5) == 0) printf("# %s: %s\n", shapes[i], first);
        CHECK(strncmp(first, "error", 5) != 0);
        const char *second = value(after);
        if (strcmp(first, second) != 0) printf("# %s\n# became %s\n", shapes[i], text.data);
        CHECK_STRING(second, first);
    }
}

static void plan_names_what_is_read(void) {
    TarnJson *plan;
    prepare_tables();
    tarn_base_arena_reset(&arena);
    REQUIRE_OK(tarn_engine_plan(session,
                                TARN_TEXT("WITH x AS (SELECT a, b FROM s WHERE d > 1) "
                                          "SELECT x.b, t.x FROM x JOIN t USING (a)"),
                                &arena, &plan, &failure),
               &failure);
    CHECK_INT(count_members(plan, "type", "LOGICAL_GET"), 2);
    CHECK(count_members(plan, "table", "s") == 1 && count_members(plan, "table", "t") == 1);
    CHECK(count_members(plan, "type", "LOGICAL_FILTER") >= 1); /* not optimised away */
}

static void several_statements_are_one_tree(void) {
    TarnJson *tree;
    REQUIRE_OK(tarn_engine_parse(session, TARN_TEXT("SELECT 1; SELECT 2;"), &arena, &tree,
                                 &failure),
               &failure);
    CHECK_INT(tarn_base_json_member(tree, "statements")->count, 2);
}

static void refusals_have_code_and_place(void) {
    TarnJson *tree;
    CHECK(!tarn_engine_parse(session, TARN_TEXT("SELECT 1,\n 'ü' frm x y"), &arena, &tree,
                             &failure));
    CHECK_CODE(failure.code, TARN_E_SQL_SYNTAX);
    CHECK_INT(failure.line, 2);
    CHECK_INT(failure.column, 10);
    CHECK(!tarn_engine_parse(session, TARN_TEXT("CREATE TABLE x (a INTEGER)"), &arena, &tree,
                             &failure));
    CHECK_CODE(failure.code, TARN_E_SQL_UNSUPPORTED);
    CHECK(!tarn_engine_plan(session, TARN_TEXT("SELECT nope\nFROM s"), &arena, &tree, &failure));
    CHECK_CODE(failure.code, TARN_E_SQL_BIND);
    CHECK_INT(failure.column, 8);
    CHECK(!tarn_engine_plan(session, TARN_TEXT("SELECT * FROM missing_table"), &arena, &tree,
                            &failure));
    CHECK_CODE(failure.code, TARN_E_SQL_BIND);
    CHECK_INT(failure.column, 15);
    CHECK(!tarn_engine_parse(session, TARN_TEXT("SELECT '\xC3'"), &arena, &tree, &failure));
    CHECK_CODE(failure.code, TARN_E_SQL_SYNTAX);
    TarnJson *wrong = tarn_base_json_new(&arena, TARN_JSON_OBJECT);
    TarnText text;
    CHECK(!tarn_engine_deparse(session, wrong, &arena, &text, &failure));
}

/* Long chains nest as deep as they are long. */
static void deep_expressions(void) {
    TarnBuffer sql;
    TarnJson *tree;
    tarn_base_arena_reset(&arena);
    tarn_base_buffer_init(&sql, TARN_MIB);
    tarn_base_buffer_string(&sql, "SELECT md5(b");
    for (int i = 0; i < 40; i++) tarn_base_buffer_string(&sql, " || coalesce(b, '')");
    tarn_base_buffer_string(&sql, ") FROM s");
    CHECK_OK(tarn_engine_parse(session, tarn_base_buffer_view(&sql), &arena, &tree, &failure),
             &failure);
    tarn_base_buffer_clear(&sql);
    tarn_base_buffer_string(&sql, "SELECT 1");
    for (int i = 0; i < 5000; i++) tarn_base_buffer_string(&sql, " + 1");
    CHECK(!tarn_engine_parse(session, tarn_base_buffer_view(&sql), &arena, &tree, &failure));
    CHECK(failure.code == TARN_E_SQL_UNSUPPORTED || failure.code == TARN_E_SQL_SYNTAX);
    tarn_base_buffer_dispose(&sql);
    CHECK_STRING(value("SELECT 1"), "1");
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    if (!start_engine(NULL)) return 0;
    tarn_base_arena_init(&arena, TARN_GIB);
    TAP_TEST(every_kind_is_told);
    TAP_TEST(scripts_are_split_where_duckdb_splits);
    TAP_TEST(wrong_statement_has_its_place_in_the_script);
    TAP_TEST(open_quotes_hide_nothing);
    TAP_TEST(split_agrees_with_duckdb);
    TAP_TEST(shapes_have_trees_and_plans);
    TAP_TEST(deparsed_text_gives_the_same_rows);
    TAP_TEST(plan_names_what_is_read);
    TAP_TEST(several_statements_are_one_tree);
    TAP_TEST(refusals_have_code_and_place);
    TAP_TEST(deep_expressions);
    tarn_base_arena_dispose(&arena);
    return end_engine();
}
