/* Functions written in C, and the appender. */
#include <stdatomic.h>

#include "engine_test.h"

static int freed;
static void count_free(void *state) {
    (void)state;
    freed++;
}

/* position in the set given as state: what deletes will use */
static bool is_alive(void *state, const TarnEngineVector *arguments, uint32_t argument_count,
                     TarnEngineOutput *output, TarnError *error) {
    const int64_t *dead = state; /* count, then the positions */
    bool *alive = output->data;
    (void)argument_count;
    (void)error;
    const int64_t *positions = arguments[1].data;
    for (uint64_t row = 0; row < output->rows; row++) {
        alive[row] = true;
        for (int64_t i = 1; i <= dead[0]; i++) alive[row] &= positions[row] != dead[i];
    }
    return true;
}

static void predicate_over_vectors(void) {
    static int64_t dead[] = {3, 5, 2047, 99999};
    static const TarnEngineKind kinds[] = {TARN_ENGINE_UBIGINT, TARN_ENGINE_BIGINT};
    TarnEngineScalar scalar = {.name = "test_alive", .arguments = kinds, .argument_count = 2,
                               .result = TARN_ENGINE_BOOLEAN, .call = is_alive, .state = dead};
    REQUIRE_OK(tarn_engine_scalar_register(session, &scalar, &failure), &failure);
    CHECK_STRING(value("SELECT count(*) FROM range(100000) t(i) WHERE test_alive(0::UBIGINT, i)"),
                 "99997");
    CHECK_STRING(value("SELECT test_alive(0, 5)"), "false");
    CHECK_STRING(value("SELECT test_alive(0, NULL)"), "(null)");
}

/* first || '/' || second, null where the second is 'none' */
static bool join_texts(void *state, const TarnEngineVector *arguments, uint32_t argument_count,
                       TarnEngineOutput *output, TarnError *error) {
    (void)state;
    (void)argument_count;
    (void)error;
    for (uint64_t row = 0; row < output->rows; row++) {
        TarnText first = tarn_engine_vector_text(&arguments[0], row);
        TarnText second = tarn_engine_vector_text(&arguments[1], row);
        char joined[256];
        int size = snprintf(joined, sizeof(joined), "%.*s/%.*s", TARN_TEXT_ARG(first),
                            TARN_TEXT_ARG(second));
        if (tarn_base_text_is(second, "none")) {
            tarn_engine_output_null(output, row);
        } else {
            tarn_engine_output_text(output, row, (TarnText){joined, (size_t)size});
        }
    }
    return true;
}

static void texts_and_nulls(void) {
    static const TarnEngineKind kinds[] = {TARN_ENGINE_VARCHAR, TARN_ENGINE_VARCHAR};
    TarnEngineScalar scalar = {.name = "test_join", .arguments = kinds, .argument_count = 2,
                               .result = TARN_ENGINE_VARCHAR, .call = join_texts};
    REQUIRE_OK(tarn_engine_scalar_register(session, &scalar, &failure), &failure);
    CHECK_STRING(value("SELECT test_join('a rather long text', 'and another one')"),
                 "a rather long text/and another one");
    CHECK_STRING(value("SELECT count(*) FROM (SELECT test_join('x' || i, CASE WHEN i % 3 = 0 THEN "
                       "NULL WHEN i % 3 = 1 THEN 'none' ELSE 'y' END) AS j, i "
                       "FROM range(10000) t(i)) WHERE j IS DISTINCT FROM "
                       "(CASE WHEN i % 3 = 2 THEN 'x' || i || '/y' END)"),
                 "0");
    scalar.sees_nulls = true;
    scalar.name = "test_join_seeing";
    REQUIRE_OK(tarn_engine_scalar_register(session, &scalar, &failure), &failure);
    CHECK_STRING(value("SELECT test_join_seeing('x', NULL)"), "x/");
}

static bool always_fails(void *state, const TarnEngineVector *arguments, uint32_t argument_count,
                         TarnEngineOutput *output, TarnError *error) {
    (void)state;
    (void)arguments;
    (void)argument_count;
    (void)output;
    return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT, "the 100%% wrong %s", "bitmap");
}

static bool counts_calls(void *state, const TarnEngineVector *arguments, uint32_t argument_count,
                         TarnEngineOutput *output, TarnError *error) {
    atomic_int *calls = state;
    (void)arguments;
    (void)argument_count;
    (void)error;
    atomic_fetch_add(calls, 1);
    for (uint64_t row = 0; row < output->rows; row++) ((int64_t *)output->data)[row] = 7;
    return true;
}

static void failures_and_volatility(void) {
    static atomic_int calls;
    TarnEngineScalar scalar = {.name = "test_fails", .result = TARN_ENGINE_INTEGER,
                               .call = always_fails, .is_volatile = true};
    REQUIRE_OK(tarn_engine_scalar_register(session, &scalar, &failure), &failure);
    CHECK_CODE(code_of("SELECT test_fails() FROM range(10)"), TARN_E_SQL_EXECUTION);
    CHECK_STRING(failure.message, "the 100% wrong bitmap");
    scalar = (TarnEngineScalar){.name = "test_counts", .result = TARN_ENGINE_BIGINT,
                                .call = counts_calls, .state = &calls, .is_volatile = true};
    REQUIRE_OK(tarn_engine_scalar_register(session, &scalar, &failure), &failure);
    CHECK_STRING(value("SELECT sum(test_counts()) FROM range(10000)"), "70000");
    CHECK(atomic_load(&calls) >= 5);
    scalar.name = "test_wrong_type";
    scalar.result = TARN_ENGINE_LIST;
    scalar.state_free = count_free;
    freed = 0;
    CHECK(!tarn_engine_scalar_register(session, &scalar, &failure));
    CHECK_INT(freed, 1);
}

static void state_is_freed_with_the_engine(void) {
    TarnEngine *other;
    TarnEngineSession *in;
    static atomic_int calls;
    TarnEngineScalar scalar = {.name = "test_kept", .result = TARN_ENGINE_BIGINT,
                               .call = counts_calls, .state = &calls, .state_free = count_free};
    freed = 0;
    REQUIRE_OK(tarn_engine_open(NULL, &other, &failure), &failure);
    REQUIRE_OK(tarn_engine_session_open(other, &in, &failure), &failure);
    REQUIRE_OK(tarn_engine_scalar_register(in, &scalar, &failure), &failure);
    CHECK_STRING(value_in(in, "SELECT test_kept()"), "7");
    tarn_engine_session_close(in);
    CHECK_INT(freed, 0);
    tarn_engine_close(other);
    CHECK_INT(freed, 1);
}

/* ---- appender ---------------------------------------------------------------------------- */

static void put(TarnEngineAppender *appender, TarnEngineParam param) {
    tarn_engine_appender_put(appender, &param);
}

static void rows_are_appended(void) {
    TarnEngineAppender *appender;
    REQUIRE(run("CREATE OR REPLACE TABLE rows (i INTEGER, d DOUBLE, t VARCHAR, b BLOB, "
                "f BOOLEAN)"));
    REQUIRE_OK(tarn_engine_appender_open(session, "main", "rows", &appender, &failure), &failure);
    for (int i = 0; i < 5000; i++) {
        put(appender, i % 10 == 0 ? tarn_engine_param_null() : tarn_engine_param_int64(i));
        put(appender, tarn_engine_param_double(i / 2.0));
        put(appender, tarn_engine_param_text(TARN_TEXT("it's ü")));
        put(appender, tarn_engine_param_blob((TarnText){"\0\xFF", 2}));
        put(appender, tarn_engine_param_bool(i % 2 == 0));
        CHECK_OK(tarn_engine_appender_end_row(appender, &failure), &failure);
    }
    REQUIRE_OK(tarn_engine_appender_close(appender, &failure), &failure);
    CHECK_STRING(value("SELECT count(*) || ' ' || count(i) || ' ' || sum(d) || ' ' || "
                       "min(t) || ' ' || min(b)::VARCHAR || ' ' || sum(f::INTEGER) FROM rows"),
                 "5000 4500 6248750.0 it's ü \\x00\\xFF 2500");
}

/* A result of which only a part was read must not take along what follows it. */
static void nothing_is_lost_behind_an_unread_result(void) {
    static atomic_int calls;
    TarnEngineResult *result;
    const TarnEngineChunk *chunk;
    TarnEngineAppender *appender;
    TarnEngineScalar scalar = {.name = "test_behind", .result = TARN_ENGINE_BIGINT,
                               .call = counts_calls, .state = &calls};
    REQUIRE(run("CREATE OR REPLACE TABLE behind (i INTEGER)"));
    for (int turn = 0; turn < 2; turn++) {
        REQUIRE_OK(tarn_engine_query(session, TARN_TEXT("FROM range(1000000)"), NULL, 0, &result,
                                     &failure),
                   &failure);
        CHECK_OK(tarn_engine_result_next(result, &chunk, &failure), &failure);
        if (turn == 0) tarn_engine_result_free(result); /* else freed while the next is open */
        REQUIRE_OK(tarn_engine_appender_open(session, NULL, "behind", &appender, &failure),
                   &failure);
        put(appender, tarn_engine_param_int64(turn));
        CHECK_OK(tarn_engine_appender_end_row(appender, &failure), &failure);
        CHECK_OK(tarn_engine_appender_close(appender, &failure), &failure);
        CHECK_OK(tarn_engine_scalar_register(session, &scalar, &failure), &failure);
        if (turn == 1) tarn_engine_result_free(result);
        CHECK_STRING(value("SELECT test_behind()"), "7");
    }
    CHECK_STRING(value("SELECT count(*) FROM behind"), "2");
}

static void wrong_rows_are_refused(void) {
    TarnEngineAppender *appender;
    REQUIRE(run("CREATE OR REPLACE TABLE two (a TINYINT, b VARCHAR NOT NULL)"));
    CHECK(!tarn_engine_appender_open(session, NULL, "no such table", &appender, &failure));
    CHECK_CODE(failure.code, TARN_E_SQL_BIND);

    REQUIRE_OK(tarn_engine_appender_open(session, NULL, "two", &appender, &failure), &failure);
    put(appender, tarn_engine_param_int64(1));
    CHECK(!tarn_engine_appender_end_row(appender, &failure)); /* too few */
    CHECK(!tarn_engine_appender_close(appender, &failure));

    REQUIRE_OK(tarn_engine_appender_open(session, NULL, "two", &appender, &failure), &failure);
    for (int i = 0; i < 3; i++) put(appender, tarn_engine_param_int64(1)); /* too many */
    CHECK(!tarn_engine_appender_end_row(appender, &failure));
    CHECK(!tarn_engine_appender_close(appender, &failure));

    REQUIRE_OK(tarn_engine_appender_open(session, NULL, "two", &appender, &failure), &failure);
    put(appender, tarn_engine_param_int64(1000)); /* does not fit */
    put(appender, tarn_engine_param_text(TARN_TEXT("x")));
    CHECK(!tarn_engine_appender_end_row(appender, &failure));
    CHECK(!tarn_engine_appender_close(appender, &failure));

    REQUIRE_OK(tarn_engine_appender_open(session, NULL, "two", &appender, &failure), &failure);
    put(appender, tarn_engine_param_int64(1));
    put(appender, tarn_engine_param_text(TARN_TEXT("\xFF\xFE")));
    CHECK(!tarn_engine_appender_end_row(appender, &failure));
    CHECK(!tarn_engine_appender_close(appender, &failure));

    REQUIRE_OK(tarn_engine_appender_open(session, NULL, "two", &appender, &failure), &failure);
    put(appender, tarn_engine_param_int64(1));
    put(appender, tarn_engine_param_null()); /* NOT NULL shows when it is written */
    bool done = tarn_engine_appender_end_row(appender, &failure);
    CHECK(!tarn_engine_appender_close(appender, &failure) || !done);
    CHECK_STRING(value("SELECT count(*) FROM two"), "0");
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    if (!start_engine(NULL)) return 0;
    TAP_TEST(predicate_over_vectors);
    TAP_TEST(texts_and_nulls);
    TAP_TEST(failures_and_volatility);
    TAP_TEST(state_is_freed_with_the_engine);
    TAP_TEST(rows_are_appended);
    TAP_TEST(nothing_is_lost_behind_an_unread_result);
    TAP_TEST(wrong_rows_are_refused);
    return end_engine();
}
