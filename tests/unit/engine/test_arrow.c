/* Arrow streams out of results and into SQL. */
#include <errno.h>

#include "engine_test.h"

/* ---- a stream made by hand --------------------------------------------------------------- */

/* Batches of columns: n INTEGER (null where row % 7 = 3), t VARCHAR ("row <i>" or null),
 * s STRUCT(a STRUCT(b BIGINT, c VARCHAR), d DOUBLE) with nulls on both levels, l INTEGER[] of
 * row % 4 elements. */
typedef struct TestStream {
    int64_t batch_rows;
    int64_t batches;
    int64_t batch; /* the next */
    int fail_at;   /* batch that fails; -1 none */
    const char *bad_text;
    bool short_child;
} TestStream;

static int live_batches, live_streams, live_schemas;

static void release_schema(struct ArrowSchema *schema) {
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i]->release != NULL) {
            schema->children[i]->release(schema->children[i]);
        }
        free(schema->children[i]);
    }
    free(schema->children);
    live_schemas--;
    schema->release = NULL;
}

static void make_schema(struct ArrowSchema *schema, const char *format, const char *name,
                        int64_t children) {
    *schema = (struct ArrowSchema){.format = format, .name = name, .flags = ARROW_FLAG_NULLABLE,
                                   .n_children = children, .release = release_schema};
    live_schemas++;
    schema->children = calloc((size_t)children + 1, sizeof(*schema->children));
    for (int64_t i = 0; i < children; i++) schema->children[i] = calloc(1, sizeof(*schema));
}

static int test_schema(struct ArrowArrayStream *self, struct ArrowSchema *out) {
    (void)self;
    make_schema(out, "+s", "", 4);
    make_schema(out->children[0], "i", "n", 0);
    make_schema(out->children[1], "u", "t", 0);
    make_schema(out->children[2], "+s", "s", 2);
    make_schema(out->children[2]->children[0], "+s", "a", 2);
    make_schema(out->children[2]->children[0]->children[0], "l", "b", 0);
    make_schema(out->children[2]->children[0]->children[1], "u", "c", 0);
    make_schema(out->children[2]->children[1], "g", "d", 0);
    make_schema(out->children[3], "+l", "l", 1);
    make_schema(out->children[3]->children[0], "i", "item", 0);
    return 0;
}

static void release_array(struct ArrowArray *array) {
    for (int64_t i = 0; i < array->n_buffers; i++) {
        void *buffer;
        memcpy(&buffer, &array->buffers[i], sizeof(buffer));
        free(buffer);
    }
    free(array->buffers);
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->release != NULL) array->children[i]->release(array->children[i]);
        free(array->children[i]);
    }
    free(array->children);
    if (array->private_data != NULL) live_batches--;
    array->release = NULL;
}

static void make_array(struct ArrowArray *array, int64_t rows, int64_t buffers, int64_t children) {
    *array = (struct ArrowArray){.length = rows, .n_buffers = buffers, .n_children = children,
                                 .release = release_array};
    array->buffers = calloc((size_t)buffers + 1, sizeof(*array->buffers));
    array->children = calloc((size_t)children + 1, sizeof(*array->children));
    for (int64_t i = 0; i < children; i++) array->children[i] = calloc(1, sizeof(*array));
}

static void *buffer_of(struct ArrowArray *array, int index, size_t size) {
    void *buffer = calloc(1, size + 8);
    array->buffers[index] = buffer;
    return buffer;
}

/* every `step`-th row, beginning with `first`, is null */
static void make_nulls(struct ArrowArray *array, int64_t from_row, int64_t step, int64_t first) {
    uint8_t *bits = buffer_of(array, 0, (size_t)array->length / 8 + 1);
    array->null_count = 0;
    for (int64_t i = 0; i < array->length; i++) {
        if ((from_row + i) % step == first) {
            array->null_count++;
        } else {
            bits[i / 8] |= (uint8_t)(1U << (i % 8));
        }
    }
}

static void make_texts(struct ArrowArray *array, int64_t from_row, const char *text) {
    make_array(array, array->length, 3, 0);
    int32_t *offsets = buffer_of(array, 1, (size_t)(array->length + 1) * sizeof(int32_t));
    char *data = buffer_of(array, 2, (size_t)array->length * 32 + 1);
    for (int64_t i = 0; i < array->length; i++) {
        int size = snprintf(data + offsets[i], 32, "%s %" PRId64, text, from_row + i);
        offsets[i + 1] = offsets[i] + size;
    }
}

static void make_batch(const TestStream *stream, int64_t from_row, struct ArrowArray *out) {
    int64_t rows = stream->batch_rows;
    make_array(out, rows, 1, 4);
    out->private_data = &live_batches;
    live_batches++;

    struct ArrowArray *n = out->children[0];
    make_array(n, stream->short_child ? rows - 1 : rows, 2, 0);
    make_nulls(n, from_row, 7, 3);
    int32_t *numbers = buffer_of(n, 1, (size_t)rows * sizeof(int32_t));
    for (int64_t i = 0; i < rows; i++) numbers[i] = (int32_t)(from_row + i);

    struct ArrowArray *t = out->children[1];
    t->length = rows;
    make_texts(t, from_row, stream->bad_text != NULL ? stream->bad_text : "row");
    make_nulls(t, from_row, 5, 1);

    struct ArrowArray *s = out->children[2];
    make_array(s, rows, 1, 2);
    make_nulls(s, from_row, 11, 2);
    struct ArrowArray *a = s->children[0];
    make_array(a, rows, 1, 2);
    make_nulls(a, from_row, 13, 5);
    make_array(a->children[0], rows, 2, 0);
    int64_t *bigs = buffer_of(a->children[0], 1, (size_t)rows * sizeof(int64_t));
    for (int64_t i = 0; i < rows; i++) bigs[i] = (from_row + i) * 1000;
    a->children[1]->length = rows;
    make_texts(a->children[1], from_row, "a text longer than twelve");
    struct ArrowArray *d = s->children[1];
    make_array(d, rows, 2, 0);
    double *reals = buffer_of(d, 1, (size_t)rows * sizeof(double));
    for (int64_t i = 0; i < rows; i++) reals[i] = (double)(from_row + i) / 4;

    struct ArrowArray *l = out->children[3];
    make_array(l, rows, 2, 1);
    int32_t *offsets = buffer_of(l, 1, (size_t)(rows + 1) * sizeof(int32_t));
    for (int64_t i = 0; i < rows; i++) offsets[i + 1] = offsets[i] + (int32_t)((from_row + i) % 4);
    make_array(l->children[0], offsets[rows], 2, 0);
    int32_t *items = buffer_of(l->children[0], 1, (size_t)(offsets[rows] + 1) * sizeof(int32_t));
    for (int64_t i = 0; i < rows; i++) {
        for (int32_t k = offsets[i]; k < offsets[i + 1]; k++) items[k] = (int32_t)(from_row + i);
    }
}

static int test_next(struct ArrowArrayStream *self, struct ArrowArray *out) {
    TestStream *stream = self->private_data;
    memset(out, 0, sizeof(*out));
    if (stream->batch == stream->fail_at) return EIO;
    if (stream->batch >= stream->batches) return 0;
    make_batch(stream, stream->batch * stream->batch_rows, out);
    stream->batch++;
    return 0;
}

static const char *test_error(struct ArrowArrayStream *self) {
    TestStream *stream = self->private_data;
    return stream->batch == stream->fail_at ? "the wire broke" : NULL;
}

static void test_release(struct ArrowArrayStream *self) {
    free(self->private_data);
    live_streams--;
    self->release = NULL;
}

static TestStream *make_stream(struct ArrowArrayStream *stream, int64_t batch_rows,
                               int64_t batches) {
    TestStream *state = calloc(1, sizeof(*state));
    *state = (TestStream){.batch_rows = batch_rows, .batches = batches, .fail_at = -1};
    *stream = (struct ArrowArrayStream){test_schema, test_next, test_error, test_release, state};
    live_streams++;
    return state;
}

/* What the hand-made stream must contain, in SQL. */
static const char expected[] =
    "SELECT CASE WHEN i % 7 = 3 THEN NULL ELSE i END::INTEGER AS n, "
    "CASE WHEN i % 5 = 1 THEN NULL ELSE 'row ' || i END AS t, "
    "CASE WHEN i % 11 = 2 THEN NULL ELSE {'a': CASE WHEN i % 13 = 5 THEN NULL ELSE "
    "{'b': (i * 1000)::BIGINT, 'c': 'a text longer than twelve ' || i} END, 'd': i / 4.0::DOUBLE} "
    "END AS s, list_transform(range(i % 4), lambda x: i::INTEGER)::INTEGER[] AS l "
    "FROM range(%d) r(i)";

static void check_same_rows(const char *view, int rows) {
    char want[2048], sql[8192];
    /* the text above has % of its own */
    char count[16];
    snprintf(count, sizeof(count), "%d", rows);
    const char *mark = strstr(expected, "%d)");
    snprintf(want, sizeof(want), "%.*s%s%s", (int)(mark - expected), expected, count, mark + 2);
    snprintf(sql, sizeof(sql),
             "CREATE OR REPLACE TEMP TABLE got AS FROM %s; CREATE OR REPLACE TEMP TABLE want AS %s",
             view, want);
    CHECK_OK(tarn_engine_run(session, sql_text(sql), NULL, &failure), &failure);
    CHECK_STRING(value("SELECT count(*) FROM got"), count);
    CHECK_STRING(value("SELECT count(*) FROM (FROM got EXCEPT ALL FROM want)"), "0");
    CHECK_STRING(value("SELECT count(*) FROM (FROM want EXCEPT ALL FROM got)"), "0");
    CHECK_STRING(value("SELECT count(*) FROM got g POSITIONAL JOIN want w WHERE "
                       "g.l IS DISTINCT FROM w.l OR g.t IS DISTINCT FROM w.t"),
                 "0"); /* in order, too */
}

static void batches_of_any_size_are_read(void) {
    static const int64_t sizes[][2] = {{1, 1}, {1, 50}, {100, 3}, {2048, 2}, {2049, 2},
                                       {10007, 3}, {70000, 1}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct ArrowArrayStream stream;
        make_stream(&stream, sizes[i][0], sizes[i][1]);
        REQUIRE_OK(tarn_engine_arrow_scan(session, "my stream", &stream, &failure), &failure);
        check_same_rows("\"my stream\"", (int)(sizes[i][0] * sizes[i][1]));
        CHECK_INT(live_streams, 0); /* released at its end */
        CHECK_INT(live_batches, 0);
        CHECK_OK(tarn_engine_arrow_drop(session, "my stream", &failure), &failure);
        CHECK_INT(live_schemas, 0);
    }
}

static void streams_may_be_empty(void) {
    struct ArrowArrayStream stream;
    make_stream(&stream, 10, 0);
    REQUIRE_OK(tarn_engine_arrow_scan(session, "e", &stream, &failure), &failure);
    check_same_rows("e", 0);
    make_stream(&stream, 0, 3); /* batches without rows */
    REQUIRE_OK(tarn_engine_arrow_scan(session, "e", &stream, &failure), &failure);
    check_same_rows("e", 0);
    CHECK_OK(tarn_engine_arrow_drop(session, "e", &failure), &failure);
    CHECK(!tarn_engine_arrow_drop(session, "e", &failure));
    CHECK(live_streams == 0 && live_batches == 0 && live_schemas == 0);
}

static void only_what_is_asked_for_is_converted(void) {
    struct ArrowArrayStream stream;
    make_stream(&stream, 5000, 2);
    REQUIRE_OK(tarn_engine_arrow_scan(session, "p", &stream, &failure), &failure);
    CHECK_STRING(value("SELECT count(*) FROM p"), "10000");
    make_stream(&stream, 5000, 2);
    REQUIRE_OK(tarn_engine_arrow_scan(session, "p", &stream, &failure), &failure);
    CHECK_STRING(value("SELECT sum(s.a.b) FROM p WHERE n % 2 = 0"),
                 value("SELECT sum(i * 1000) FROM range(10000) r(i) WHERE i % 2 = 0 AND "
                       "i % 7 <> 3 AND i % 11 <> 2 AND i % 13 <> 5"));
    make_stream(&stream, 5000, 200);
    REQUIRE_OK(tarn_engine_arrow_scan(session, "p", &stream, &failure), &failure);
    CHECK_STRING(value("SELECT t FROM p LIMIT 1"), "row 0"); /* the rest is never read */
    CHECK_OK(tarn_engine_arrow_drop(session, "p", &failure), &failure);
    CHECK(live_streams == 0 && live_batches == 0);
}

static void stream_is_read_once_and_by_its_session(void) {
    struct ArrowArrayStream stream;
    TarnEngineSession *other;
    make_stream(&stream, 10, 1);
    REQUIRE_OK(tarn_engine_arrow_scan(session, "once", &stream, &failure), &failure);
    REQUIRE_OK(tarn_engine_session_open(engine, &other, &failure), &failure);
    for (int number = 0; number < 20; number++) {
        char sql[128];
        snprintf(sql, sizeof(sql), "SELECT * FROM tarn_arrow_stream(%d)", number);
        CHECK(code_in(other, sql) == TARN_E_SQL_BIND);
    }
    CHECK_CODE(code_of("SELECT * FROM once a, once b"), TARN_E_SQL_EXECUTION);
    make_stream(&stream, 10, 1);
    REQUIRE_OK(tarn_engine_arrow_scan(session, "once", &stream, &failure), &failure);
    CHECK_STRING(value("SELECT count(n) FROM once"), "9");
    CHECK_CODE(code_of("FROM once"), TARN_E_SQL_EXECUTION);
    CHECK(strstr(failure.message, "only once") != NULL);
    tarn_engine_session_close(other);
    CHECK_OK(tarn_engine_arrow_drop(session, "once", &failure), &failure);
    CHECK(live_streams == 0 && live_batches == 0 && live_schemas == 0);
}

static void failures_of_a_stream_are_told(void) {
    struct ArrowArrayStream stream;
    make_stream(&stream, 100, 5)->fail_at = 3;
    REQUIRE_OK(tarn_engine_arrow_scan(session, "f", &stream, &failure), &failure);
    CHECK_CODE(code_of("SELECT sum(n) FROM f"), TARN_E_SQL_EXECUTION);
    CHECK_STRING(failure.message, "the wire broke");
    make_stream(&stream, 100, 1)->bad_text = "\xC3(";
    REQUIRE_OK(tarn_engine_arrow_scan(session, "f", &stream, &failure), &failure);
    CHECK_CODE(code_of("SELECT max(t) FROM f"), TARN_E_SQL_EXECUTION);
    CHECK(strstr(failure.message, "not UTF-8") != NULL);
    make_stream(&stream, 100, 1)->short_child = true;
    REQUIRE_OK(tarn_engine_arrow_scan(session, "f", &stream, &failure), &failure);
    CHECK_CODE(code_of("SELECT max(t) FROM f"), TARN_E_SQL_EXECUTION);
    CHECK(strstr(failure.message, "too few rows") != NULL);
    CHECK_OK(tarn_engine_arrow_drop(session, "f", &failure), &failure);
    CHECK(live_streams == 0 && live_batches == 0 && live_schemas == 0);
}

static void session_may_close_with_streams(void) {
    struct ArrowArrayStream stream;
    TarnEngineSession *other;
    TarnEngineResult *result;
    const TarnEngineChunk *chunk;
    REQUIRE_OK(tarn_engine_session_open(engine, &other, &failure), &failure);
    make_stream(&stream, 5000, 50);
    REQUIRE_OK(tarn_engine_arrow_scan(other, "c", &stream, &failure), &failure);
    REQUIRE_OK(tarn_engine_query(other, TARN_TEXT("FROM c"), NULL, 0, &result, &failure),
               &failure);
    CHECK_OK(tarn_engine_result_next(result, &chunk, &failure), &failure);
    CHECK(chunk != NULL);
    CHECK(run_in(other, "PREPARE kept AS FROM c"));
    tarn_engine_result_free(result);
    tarn_engine_session_close(other);
    CHECK(live_streams == 0 && live_batches == 0 && live_schemas == 0);
}

/* ---- out and in again -------------------------------------------------------------------- */

static const char *const round_trips[] = {
    "SELECT CASE WHEN i % 9 = 0 THEN NULL ELSE i % 2 = 0 END AS v FROM range(5000) r(i)",
    "SELECT i::TINYINT AS a, i::SMALLINT AS b, i::UTINYINT AS c, i::UINTEGER AS d, i::UBIGINT AS e "
    "FROM range(100) r(i)",
    "SELECT i::FLOAT / 3 AS f, i::DOUBLE / 3 AS d, i::HUGEINT AS h FROM range(3000) r(i)",
    "SELECT (i / 100.0)::DECIMAL(4,2) AS a, (i * 1.5)::DECIMAL(18,3) AS b, "
    "(i * 1000000000000)::DECIMAL(38,5) AS c FROM range(100) r(i)",
    "SELECT DATE '2000-01-01' + i::INTEGER AS d, TIME '00:00:00' + to_seconds(i) AS t, "
    "TIMESTAMP '2000-01-01' + to_seconds(i) AS ts, (TIMESTAMP '2000-01-01' + to_seconds(i))"
    "::TIMESTAMPTZ AS tz, (TIMESTAMP '2000-01-01' + to_seconds(i))::TIMESTAMP_NS AS ns, "
    "to_months(i::INTEGER) AS iv FROM range(5000) r(i)",
    "SELECT 'text ' || i AS t, CASE WHEN i % 3 = 0 THEN NULL ELSE md5(i::VARCHAR)::BLOB END AS b, "
    "md5(i::VARCHAR)::UUID AS u FROM range(5000) r(i)",
    "SELECT [i, NULL, i] AS l, [[i::VARCHAR], NULL, []] AS ll, {'a': i, 'b': [{'c': i}]} AS s, "
    "MAP {'k' || i: i} AS m, [i, i + 1]::BIGINT[2] AS arr FROM range(5000) r(i)",
    "SELECT CASE WHEN i % 2 = 0 THEN {'x': {'y': {'z': i}}} END AS deep FROM range(5000) r(i)",
};

static void results_survive_the_way_out_and_in(void) {
    TarnEngineSession *other;
    REQUIRE_OK(tarn_engine_session_open(engine, &other, &failure), &failure);
    for (size_t i = 0; i < sizeof(round_trips) / sizeof(round_trips[0]); i++) {
        TarnEngineResult *result;
        struct ArrowArrayStream stream;
        char sql[4096];
        REQUIRE_OK(tarn_engine_query(session, sql_text(round_trips[i]), NULL, 0, &result,
                                     &failure),
                   &failure);
        REQUIRE_OK(tarn_engine_result_arrow_stream(result, &stream, &failure), &failure);
        bool scanned = tarn_engine_arrow_scan(other, "r", &stream, &failure);
        if (!scanned) printf("# %s\n", round_trips[i]);
        CHECK_OK(scanned, &failure);
        if (!scanned) continue;
        snprintf(sql, sizeof(sql), "CREATE OR REPLACE TEMP TABLE got AS FROM r; "
                                   "CREATE OR REPLACE TEMP TABLE want AS %s", round_trips[i]);
        CHECK_OK(tarn_engine_run(other, sql_text(sql), NULL, &failure), &failure);
        CHECK_STRING(value_in(other, "SELECT count(*) FROM (FROM got EXCEPT ALL FROM want)"), "0");
        CHECK_STRING(value_in(other, "SELECT count(*) FROM (FROM want EXCEPT ALL FROM got)"), "0");
        CHECK_STRING(value_in(other, "SELECT string_agg(typeof(COLUMNS(*)), ',') FROM got "
                                     "USING SAMPLE 1"),
                     value_in(other, "SELECT string_agg(typeof(COLUMNS(*)), ',') FROM want "
                                     "USING SAMPLE 1"));
    }
    tarn_engine_session_close(other);
}

static void result_stream_tells_errors_and_can_end_early(void) {
    TarnEngineResult *result;
    struct ArrowArrayStream stream;
    struct ArrowArray array;
    struct ArrowSchema schema;
    TarnText sql = TARN_TEXT("SELECT CASE WHEN i = 500000 THEN error('late') ELSE i END AS v "
                             "FROM range(1000000) r(i)");
    REQUIRE_OK(tarn_engine_query(session, sql, NULL, 0, &result, &failure), &failure);
    REQUIRE_OK(tarn_engine_result_arrow_stream(result, &stream, &failure), &failure);
    CHECK_INT(stream.get_schema(&stream, &schema), 0);
    CHECK_STRING(schema.children[0]->name, "v");
    schema.release(&schema);
    int status;
    int64_t rows = 0;
    while ((status = stream.get_next(&stream, &array)) == 0 && array.release != NULL) {
        rows += array.length;
        array.release(&array);
    }
    CHECK(status != 0 && rows > 0);
    CHECK(strstr(stream.get_last_error(&stream), "late") != NULL);
    stream.release(&stream);

    REQUIRE_OK(tarn_engine_query(session, TARN_TEXT("FROM range(100000000)"), NULL, 0, &result,
                                 &failure),
               &failure);
    REQUIRE_OK(tarn_engine_result_arrow_stream(result, &stream, &failure), &failure);
    CHECK_INT(stream.get_next(&stream, &array), 0);
    array.release(&array);
    stream.release(&stream);
    CHECK_STRING(value("SELECT 1"), "1");
}

/* ---- what is refused --------------------------------------------------------------------- */

static const char *odd_format;

static int odd_schema(struct ArrowArrayStream *self, struct ArrowSchema *out) {
    (void)self;
    make_schema(out, odd_format, "", odd_format[0] == '+' ? 1 : 0);
    if (odd_format[0] == '+') make_schema(out->children[0], "+us:0", "u", 0);
    return 0;
}

static void odd_schemas_are_refused(void) {
    static const char *const formats[] = {"i", "+s", "+l"};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct ArrowArrayStream stream;
        make_stream(&stream, 10, 1);
        stream.get_schema = odd_schema;
        odd_format = formats[i];
        CHECK(!tarn_engine_arrow_scan(session, "odd", &stream, &failure));
        CHECK(failure.code == TARN_E_FORMAT_UNSUPPORTED || failure.code == TARN_E_FORMAT_CORRUPT);
        CHECK(stream.release == NULL);
    }
    CHECK(live_streams == 0 && live_schemas == 0);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    if (!start_engine(NULL)) return 0;
    TAP_TEST(batches_of_any_size_are_read);
    TAP_TEST(streams_may_be_empty);
    TAP_TEST(only_what_is_asked_for_is_converted);
    TAP_TEST(stream_is_read_once_and_by_its_session);
    TAP_TEST(failures_of_a_stream_are_told);
    TAP_TEST(session_may_close_with_streams);
    TAP_TEST(results_survive_the_way_out_and_in);
    TAP_TEST(result_stream_tells_errors_and_can_end_early);
    TAP_TEST(odd_schemas_are_refused);
    return end_engine();
}
