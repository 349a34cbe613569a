/* A stream that several of the engine's threads read at once. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "engine_test.h"

#define BATCHES 400
#define BATCH_ROWS 3000

static atomic_int next_batch, live_batches, inside, most_inside, ends_told;
static int fail_at = -1;

static void release_schema(struct ArrowSchema *schema) {
    if (schema->n_children > 0) schema->children[0]->release(schema->children[0]);
    schema->release = NULL;
}

static int give_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out) {
    static struct ArrowSchema column;
    static struct ArrowSchema *columns[1] = {&column};
    (void)stream;
    column = (struct ArrowSchema){.format = "l", .name = "n", .release = release_schema};
    *out = (struct ArrowSchema){.format = "+s", .name = "", .n_children = 1, .children = columns,
                                .release = release_schema};
    return 0;
}

typedef struct Batch {
    struct ArrowArray column;
    struct ArrowArray *columns[1];
    const void *no_buffers[1];
    const void *buffers[2];
    int64_t values[BATCH_ROWS];
} Batch;

static void release_column(struct ArrowArray *array) { array->release = NULL; }

static void release_batch(struct ArrowArray *array) {
    free(array->private_data);
    atomic_fetch_sub(&live_batches, 1);
    array->release = NULL;
}

static void make_batch(int number, struct ArrowArray *out) {
    Batch *batch = calloc(1, sizeof(*batch));
    for (int i = 0; i < BATCH_ROWS; i++) batch->values[i] = (int64_t)number * BATCH_ROWS + i;
    batch->buffers[1] = batch->values;
    batch->columns[0] = &batch->column;
    batch->column = (struct ArrowArray){.length = BATCH_ROWS, .n_buffers = 2,
                                        .buffers = batch->buffers, .release = release_column};
    *out = (struct ArrowArray){.length = BATCH_ROWS, .n_buffers = 1, .n_children = 1,
                               .buffers = batch->no_buffers, .children = batch->columns,
                               .release = release_batch, .private_data = batch};
    atomic_fetch_add(&live_batches, 1);
}

static int give_batch(struct ArrowArrayStream *stream, struct ArrowArray *out) {
    (void)stream;
    int now = atomic_fetch_add(&inside, 1) + 1;
    int most = atomic_load(&most_inside);
    while (now > most && !atomic_compare_exchange_weak(&most_inside, &most, now)) {
    }
    int number = atomic_fetch_add(&next_batch, 1);
    int status = number == fail_at ? EIO : 0;
    out->release = NULL;
    if (status == 0 && number < BATCHES) make_batch(number, out);
    if (number >= BATCHES) atomic_fetch_add(&ends_told, 1);
    usleep(200); /* work: others come in meanwhile */
    atomic_fetch_sub(&inside, 1);
    return status;
}

static const char *give_error(struct ArrowArrayStream *stream) {
    (void)stream;
    return "the wire broke";
}

static int live_streams;

static void release_stream(struct ArrowArrayStream *stream) {
    live_streams--;
    stream->release = NULL;
}

static bool scan(void) {
    struct ArrowArrayStream stream = {give_schema, give_batch, give_error, release_stream, NULL};
    live_streams++;
    atomic_store(&next_batch, 0);
    atomic_store(&most_inside, 0);
    atomic_store(&ends_told, 0);
    fail_at = -1;
    return tarn_engine_arrow_scan_parallel(session, "p", &stream, &failure);
}

static void every_row_comes_once(void) {
    REQUIRE_OK(scan(), &failure);
    CHECK(run("CREATE OR REPLACE TEMP TABLE got AS FROM p"));
    CHECK_STRING(value("SELECT count(*) FROM got"), "1200000");
    CHECK_STRING(value("SELECT count(DISTINCT n) FROM got"), "1200000");
    CHECK_STRING(value("SELECT max(n) FROM got"), "1199999");
    CHECK(atomic_load(&most_inside) >= 2);
    CHECK_INT(live_streams, 1); /* other threads might still have been in it */
    CHECK_INT(atomic_load(&live_batches), 0);
    CHECK_OK(tarn_engine_arrow_drop(session, "p", &failure), &failure);
    CHECK_INT(live_streams, 0);
}

static void each_thread_is_told_the_end(void) {
    REQUIRE_OK(scan(), &failure);
    CHECK_STRING(value("SELECT sum(n) FROM p"), "719999400000");
    CHECK(atomic_load(&ends_told) >= 1 && atomic_load(&ends_told) <= 4);
    CHECK_OK(tarn_engine_arrow_drop(session, "p", &failure), &failure);
}

static void one_failure_ends_the_statement(void) {
    REQUIRE_OK(scan(), &failure);
    fail_at = 100;
    CHECK_CODE(code_of("SELECT sum(n) FROM p"), TARN_E_SQL_EXECUTION);
    CHECK_STRING(failure.message, "the wire broke");
    CHECK(atomic_load(&next_batch) < BATCHES);
    CHECK_OK(tarn_engine_arrow_drop(session, "p", &failure), &failure);
    CHECK(live_streams == 0 && atomic_load(&live_batches) == 0);
}

static void reading_may_stop_early(void) {
    REQUIRE_OK(scan(), &failure);
    CHECK_STRING(value("SELECT count(*) FROM (FROM p LIMIT 5)"), "5");
    CHECK(atomic_load(&next_batch) < BATCHES);
    CHECK_OK(tarn_engine_arrow_drop(session, "p", &failure), &failure);
    CHECK(live_streams == 0 && atomic_load(&live_batches) == 0);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TarnEngineOptions options = {.threads = 4, .any_insertion_order = true};
    if (!start_engine(&options)) return 0;
    TAP_TEST(every_row_comes_once);
    TAP_TEST(each_thread_is_told_the_end);
    TAP_TEST(one_failure_ends_the_statement);
    TAP_TEST(reading_may_stop_early);
    return end_engine();
}
