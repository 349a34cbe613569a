/* Arrow batches from C as a table.
 *
 * Purpose: connectors yield Arrow C streams; SQL reads them. DuckDB's own duckdb_arrow_scan is
 * on its way out and leaves the ownership of what it reads unclear, so a table function is
 * registered that takes a number, finds the stream, and turns slices of its batches into chunks
 * with duckdb_data_chunk_from_arrow: numbers are not copied, text is referred to where it lies.
 * The number is worth nothing outside its own session: the connection that binds it is compared.
 * Each stream is read once. One thread reads it unless the engine was opened with
 * any_insertion_order; then as many convert as the engine has threads, and rows may change order.
 * Batches of a stream that is not parallel are taken and cut under a lock, so that all threads
 * share each of them; those of a parallel one belong to the thread that asked for them.
 * What it does not do: push filters into the stream; columns that no one asks for are not
 * converted.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "engine/arrow_private.h"

#define FUNCTION_NAME "tarn_arrow_stream"

/* The batch being cut, shared or a thread's own. */
typedef struct Feed {
    TarnEngineBatch *batch; /* NULL = the next one is to be read */
    int64_t at;
    bool ended;
} Feed;

struct TarnEngineScan {
    TarnEngineSession *session;
    TarnEngineScan *next; /* in the session's list */
    char *view_name;
    uint64_t number;
    atomic_uint references; /* the session's list, and each bound use */
    pthread_mutex_t lock;   /* the stream and what follows */
    struct ArrowArrayStream stream;
    bool started;
    bool parallel; /* get_next is called without the lock */
    Feed feed;     /* not of parallel streams */

    struct ArrowSchema schema;
    int64_t column_count;
    duckdb_arrow_converted_schema *converted; /* per column: a struct of it alone */
    duckdb_logical_type *types;               /* per column */
};

/* ---- life -------------------------------------------------------------------------------- */

static void end_stream(TarnEngineScan *scan) {
    scan->feed.ended = true;
    tarn_engine__batch_release(scan->feed.batch);
    scan->feed.batch = NULL;
    if (scan->stream.release != NULL) scan->stream.release(&scan->stream);
}

static void release_scan(void *state) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    TarnEngineScan *scan = state;
    if (atomic_fetch_sub(&scan->references, 1) != 1) return;
    end_stream(scan);
    for (int64_t i = 0; i < scan->column_count; i++) {
        if (scan->converted != NULL) duck->destroy_arrow_converted_schema(&scan->converted[i]);
        if (scan->types != NULL) duck->destroy_logical_type(&scan->types[i]);
    }
    free(scan->converted);
    free(scan->types);
    if (scan->schema.release != NULL) scan->schema.release(&scan->schema);
    (void)pthread_mutex_destroy(&scan->lock);
    free(scan->view_name);
    free(scan);
}

static void drop_all(TarnEngineSession *session) {
    while (session->scans != NULL) {
        TarnEngineScan *scan = session->scans;
        session->scans = scan->next;
        release_scan(scan);
    }
}

/* ---- types ------------------------------------------------------------------------------- */

static bool fail_conversion(duckdb_error_data data, const char *column, TarnError *error) {
    tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED, "cannot read Arrow column \"%s\": %s",
                        column != NULL ? column : "",
                        tarn_engine__duck.error_data_message(data));
    tarn_engine__duck.destroy_error_data(&data);
    return false;
}

static void keep_schema(struct ArrowSchema *schema) { schema->release = NULL; }
static void keep_array(struct ArrowArray *array) { array->release = NULL; }

/* An array of no rows of a schema, in an arena. The block of zeros stands for every buffer, as
 * offsets are read even where there are no rows. */
static struct ArrowArray *empty_array(const struct ArrowSchema *schema, TarnArena *arena) {
    static const uint64_t zeros[4];
    const size_t buffers_max = 4;
    struct ArrowArray *array = TARN_NEW(arena, struct ArrowArray);
    const void **buffers = TARN_NEW_ARRAY(arena, buffers_max, const void *);
    struct ArrowArray **children =
        TARN_NEW_ARRAY(arena, (size_t)schema->n_children + 1, struct ArrowArray *);
    if (array == NULL || buffers == NULL || children == NULL) return NULL;
    for (size_t i = 1; i < buffers_max; i++) buffers[i] = zeros;
    for (int64_t i = 0; i < schema->n_children; i++) {
        children[i] = empty_array(schema->children[i], arena);
    }
    array->n_buffers = strcmp(schema->format, "n") == 0 ? 0 : 3;
    array->buffers = buffers;
    array->n_children = schema->n_children;
    array->children = children;
    array->release = keep_array;
    return array;
}

/* The C interface tells a converted schema's types only through a chunk made with it. */
static bool read_column_type(TarnEngineScan *scan, int64_t column, struct ArrowSchema *alone,
                             TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    TarnArena arena;
    tarn_base_arena_init(&arena, 16 * TARN_MIB);
    struct ArrowArray *empty = empty_array(alone, &arena);
    bool done = tarn_base_arena_check(&arena, error);
    if (done) {
        duckdb_data_chunk chunk = NULL;
        duckdb_error_data data = duck->data_chunk_from_arrow(
            scan->session->connection, empty, scan->converted[column], &chunk);
        if (data != NULL) {
            done = fail_conversion(data, alone->children[0]->name, error);
        } else {
            scan->types[column] = duck->vector_get_column_type(
                duck->data_chunk_get_vector(chunk, 0));
        }
        duck->destroy_data_chunk(&chunk);
    }
    tarn_base_arena_dispose(&arena);
    return done;
}

static bool convert_column(TarnEngineScan *scan, int64_t column, TarnError *error) {
    struct ArrowSchema *children[1] = {scan->schema.children[column]};
    struct ArrowSchema alone = {.format = "+s",
                                .name = "",
                                .n_children = 1,
                                .children = children,
                                .release = keep_schema};
    duckdb_error_data data = tarn_engine__duck.schema_from_arrow(
        scan->session->connection, &alone, &scan->converted[column]);
    if (data != NULL) return fail_conversion(data, children[0]->name, error);
    return read_column_type(scan, column, &alone, error);
}

static bool fail_stream(struct ArrowArrayStream *stream, int failure, TarnError *error) {
    const char *reason = stream->get_last_error != NULL ? stream->get_last_error(stream) : NULL;
    TarnErrorCode code = failure == ECANCELED ? TARN_E_INTERRUPTED : TARN_E_SQL_EXECUTION;
    if (reason == NULL || reason[0] == '\0') {
        return tarn_base_error_set_errno(error, code, failure, "could not read the Arrow stream");
    }
    return tarn_base_error_set(error, code, "%s", reason);
}

static bool read_schema(TarnEngineScan *scan, TarnError *error) {
    int failure = scan->stream.get_schema(&scan->stream, &scan->schema);
    if (failure != 0) {
        scan->schema.release = NULL;
        return fail_stream(&scan->stream, failure, error);
    }
    if (!tarn_engine__arrow_check_schema(&scan->schema, error)) return false;
    size_t count = (size_t)scan->schema.n_children;
    scan->converted = calloc(count, sizeof(*scan->converted));
    scan->types = calloc(count, sizeof(*scan->types));
    if (scan->converted == NULL || scan->types == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for an Arrow stream");
    }
    scan->column_count = scan->schema.n_children;
    for (int64_t i = 0; i < scan->column_count; i++) {
        if (!convert_column(scan, i, error)) return false;
    }
    return true;
}

/* ---- the table function ------------------------------------------------------------------ */

static uint64_t connection_number(duckdb_client_context context) {
    uint64_t number = tarn_engine__duck.client_context_get_connection_id(context);
    tarn_engine__duck.destroy_client_context(&context);
    return number;
}

/* The stream of that number in the session whose connection is binding. */
static TarnEngineScan *find_scan(TarnEngine *engine, duckdb_bind_info info) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    duckdb_client_context context = NULL;
    duck->table_function_get_client_context(info, &context);
    uint64_t connection = connection_number(context);
    duckdb_value value = duck->bind_get_parameter(info, 0);
    uint64_t number = (uint64_t)duck->get_int64(value);
    duck->destroy_value(&value);
    TarnEngineScan *found = NULL;
    pthread_mutex_lock(&engine->scan_lock);
    for (TarnEngineSession *session = engine->scanning; session != NULL && found == NULL;
         session = session->scanning_next) {
        if (session->connection_number != connection) continue;
        for (TarnEngineScan *scan = session->scans; scan != NULL; scan = scan->next) {
            if (scan->number == number) found = scan;
        }
    }
    if (found != NULL) atomic_fetch_add(&found->references, 1);
    pthread_mutex_unlock(&engine->scan_lock);
    return found;
}

static void scan_bind(duckdb_bind_info info) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    TarnEngineScan *scan = find_scan(duck->bind_get_extra_info(info), info);
    if (scan == NULL) {
        duck->bind_set_error(info, "there is no Arrow stream of that number in this session");
        return;
    }
    duck->bind_set_bind_data(info, scan, release_scan);
    for (int64_t i = 0; i < scan->column_count; i++) {
        const char *name = scan->schema.children[i]->name;
        duck->bind_add_result_column(info, name != NULL ? name : "", scan->types[i]);
    }
}

static void scan_init(duckdb_init_info info) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    TarnEngineScan *scan = duck->init_get_bind_data(info);
    TarnEngine *engine = scan->session->engine;
    pthread_mutex_lock(&scan->lock);
    bool again = scan->started;
    scan->started = true;
    pthread_mutex_unlock(&scan->lock);
    if (again) {
        duck->init_set_error(info, "an Arrow stream can be read only once");
        return;
    }
    uint32_t threads = engine->threads > 0 ? engine->threads : 64;
    duck->init_set_max_threads(info, engine->any_insertion_order ? threads : 1);
}

/* What one thread keeps: which of the stream's columns fill which vectors, and its batch. */
typedef struct Local {
    Feed feed; /* of parallel streams only */
    idx_t count;
    int64_t columns[]; /* -1: a column of DuckDB's own, not filled */
} Local;

static void free_local(void *state) {
    Local *local = state;
    tarn_engine__batch_release(local->feed.batch);
    free(local);
}

static void scan_local_init(duckdb_init_info info) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    TarnEngineScan *scan = duck->init_get_bind_data(info);
    idx_t count = duck->init_get_column_count(info);
    Local *local = calloc(1, sizeof(*local) + count * sizeof(int64_t));
    if (local == NULL) {
        duck->init_set_error(info, "no memory for an Arrow scan");
        return;
    }
    local->count = count;
    for (idx_t i = 0; i < count; i++) {
        idx_t column = duck->init_get_column_index(info, i);
        local->columns[i] = column < (idx_t)scan->column_count ? (int64_t)column : -1;
    }
    duck->init_set_init_data(info, local, free_local);
}

/* Reads batches until one has rows; false at the end or on failure (then error->code is set). */
static bool next_batch(TarnEngineScan *scan, Feed *feed, TarnError *error) {
    while (!feed->ended) {
        struct ArrowArray array;
        memset(&array, 0, sizeof(array));
        int failure = scan->stream.get_next(&scan->stream, &array);
        if (failure != 0) return fail_stream(&scan->stream, failure, error);
        if (array.release == NULL) {
            feed->ended = true;
            if (!scan->parallel) end_stream(scan); /* else others may still be reading */
            return false;
        }
        bool good = tarn_engine__arrow_check_array(&scan->schema, &array, error);
        TarnEngineBatch *batch = good && array.length > 0 ? tarn_engine__batch_new(&array) : NULL;
        bool lacks_memory = good && array.length > 0 && batch == NULL;
        if (array.release != NULL) array.release(&array);
        if (lacks_memory) {
            return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                       "no memory for an Arrow batch");
        }
        if (!good) return false;
        if (batch == NULL) continue;
        feed->batch = batch;
        feed->at = 0;
        return true;
    }
    return false;
}

typedef struct Cut {
    TarnEngineBatch *batch; /* a reference of its own; NULL = no more rows */
    int64_t start;
    int64_t rows;
} Cut;

static bool next_cut(TarnEngineScan *scan, Feed *feed, Cut *cut, TarnError *error) {
    memset(cut, 0, sizeof(*cut));
    if (feed->batch == NULL && !next_batch(scan, feed, error)) return error->code == TARN_OK;
    int64_t left = feed->batch->array.length - feed->at;
    cut->batch = feed->batch;
    cut->start = feed->at;
    cut->rows = left < TARN_ENGINE_CHUNK_ROWS ? left : TARN_ENGINE_CHUNK_ROWS;
    feed->at += cut->rows;
    if (cut->rows == left) {
        feed->batch = NULL; /* its reference goes to the cut */
    } else {
        atomic_fetch_add(&cut->batch->references, 1);
    }
    return true;
}

static bool take_cut(TarnEngineScan *scan, Local *local, Cut *cut, TarnError *error) {
    if (scan->parallel) return next_cut(scan, &local->feed, cut, error);
    pthread_mutex_lock(&scan->lock);
    bool done = next_cut(scan, &scan->feed, cut, error);
    pthread_mutex_unlock(&scan->lock);
    return done;
}

static bool fill_vector(TarnEngineScan *scan, const Cut *cut, int64_t column,
                        duckdb_vector vector, TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    struct ArrowArray slice;
    if (!tarn_engine__batch_slice(cut->batch, &scan->schema, column, cut->start, cut->rows,
                                  &slice)) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for an Arrow batch");
    }
    duckdb_data_chunk chunk = NULL;
    duckdb_error_data data = duck->data_chunk_from_arrow(scan->session->connection, &slice,
                                                         scan->converted[column], &chunk);
    if (data != NULL) {
        if (slice.release != NULL) slice.release(&slice);
        return fail_conversion(data, scan->schema.children[column]->name, error);
    }
    duck->vector_reference_vector(vector, duck->data_chunk_get_vector(chunk, 0));
    duck->destroy_data_chunk(&chunk);
    return true;
}

static void scan_read(duckdb_function_info info, duckdb_data_chunk output) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    TarnEngineScan *scan = duck->function_get_bind_data(info);
    Local *local = duck->function_get_local_init_data(info);
    TarnError error;
    Cut cut;
    tarn_base_error_clear(&error);
    bool done = take_cut(scan, local, &cut, &error);
    for (idx_t i = 0; done && cut.batch != NULL && i < local->count; i++) {
        if (local->columns[i] < 0) continue;
        done = fill_vector(scan, &cut, local->columns[i],
                           duck->data_chunk_get_vector(output, i), &error);
    }
    if (done) {
        duck->data_chunk_set_size(output, (idx_t)cut.rows);
    } else {
        duck->function_set_error(info, error.message);
    }
    tarn_engine__batch_release(cut.batch);
}

static bool register_function(TarnEngine *engine, TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    duckdb_table_function function = duck->create_table_function();
    duckdb_logical_type number = duck->create_logical_type(DUCKDB_TYPE_BIGINT);
    duck->table_function_set_name(function, FUNCTION_NAME);
    duck->table_function_add_parameter(function, number);
    duck->table_function_set_extra_info(function, engine, NULL);
    duck->table_function_set_bind(function, scan_bind);
    duck->table_function_set_init(function, scan_init);
    duck->table_function_set_local_init(function, scan_local_init);
    duck->table_function_set_function(function, scan_read);
    duck->table_function_supports_projection_pushdown(function, true);
    bool done = duck->register_table_function(engine->control->connection, function) ==
                DuckDBSuccess;
    duck->destroy_logical_type(&number);
    duck->destroy_table_function(&function);
    return done || tarn_base_error_set(error, TARN_E_ENGINE,
                                       "DuckDB refused the table function for Arrow streams");
}

/* ---- registration ------------------------------------------------------------------------ */

/* The session joins the list of those whose streams can be found. */
static bool join_scanning(TarnEngineSession *session, TarnError *error) {
    TarnEngine *engine = session->engine;
    bool done = true;
    pthread_mutex_lock(&engine->scan_lock);
    if (!engine->scans_ready) {
        done = register_function(engine, error);
        engine->scans_ready = done;
    }
    if (done && session->connection_number == 0) {
        duckdb_client_context context = NULL;
        tarn_engine__duck.connection_get_client_context(session->connection, &context);
        session->connection_number = connection_number(context);
        session->scanning_next = engine->scanning;
        engine->scanning = session;
    }
    pthread_mutex_unlock(&engine->scan_lock);
    return done;
}

void tarn_engine__scan_leave(TarnEngineSession *session) {
    TarnEngine *engine = session->engine;
    pthread_mutex_lock(&engine->scan_lock);
    TarnEngineSession **link = &engine->scanning;
    while (*link != NULL && *link != session) link = &(*link)->scanning_next;
    if (*link == session) *link = session->scanning_next;
    pthread_mutex_unlock(&engine->scan_lock);
    drop_all(session);
}

static TarnEngineScan *new_scan(TarnEngineSession *session, const char *view_name,
                                struct ArrowArrayStream *stream) {
    TarnEngineScan *scan = calloc(1, sizeof(*scan));
    char *name = strdup(view_name);
    if (scan == NULL || name == NULL || pthread_mutex_init(&scan->lock, NULL) != 0) {
        free(scan);
        free(name);
        return NULL;
    }
    scan->session = session;
    scan->view_name = name;
    atomic_init(&scan->references, 1);
    scan->stream = *stream;
    stream->release = NULL;
    return scan;
}

/* Takes the scan of a view out of the session's list; NULL if there is none. */
static TarnEngineScan *unlink_scan(TarnEngineSession *session, const char *view_name) {
    TarnEngineScan **link = &session->scans;
    pthread_mutex_lock(&session->engine->scan_lock);
    while (*link != NULL && strcmp((*link)->view_name, view_name) != 0) link = &(*link)->next;
    TarnEngineScan *found = *link;
    if (found != NULL) *link = found->next;
    pthread_mutex_unlock(&session->engine->scan_lock);
    return found;
}

static bool make_view(TarnEngineSession *session, TarnEngineScan *scan, TarnError *error) {
    pthread_mutex_lock(&session->engine->scan_lock);
    scan->number = ++session->scan_count;
    scan->next = session->scans;
    session->scans = scan;
    pthread_mutex_unlock(&session->engine->scan_lock);
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_MIB);
    tarn_base_buffer_string(&sql, "CREATE OR REPLACE TEMP VIEW ");
    tarn_base_buffer_identifier(&sql, tarn_base_text(scan->view_name));
    tarn_base_buffer_printf(&sql, " AS SELECT * FROM " FUNCTION_NAME "(%" PRIu64 ")",
                            scan->number);
    bool done = tarn_engine__run_own(session, &sql, error);
    tarn_base_buffer_dispose(&sql);
    if (!done) release_scan(unlink_scan(session, scan->view_name));
    return done;
}

static bool add_scan(TarnEngineSession *session, const char *view_name,
                     struct ArrowArrayStream *stream, bool parallel, TarnError *error) {
    TarnEngineScan *scan = new_scan(session, view_name, stream);
    if (scan == NULL) {
        if (stream->release != NULL) stream->release(stream);
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for an Arrow stream");
    }
    scan->parallel = parallel;
    tarn_engine__result_detach(session);
    TarnEngineScan *before = unlink_scan(session, view_name);
    if (before != NULL) release_scan(before);
    if (!tarn_engine__failure_alive(session->engine, error) || !join_scanning(session, error) ||
        !read_schema(scan, error)) {
        release_scan(scan);
        return false;
    }
    return make_view(session, scan, error);
}

bool tarn_engine_arrow_scan(TarnEngineSession *session, const char *view_name,
                            struct ArrowArrayStream *stream, TarnError *error) {
    return add_scan(session, view_name, stream, false, error);
}

bool tarn_engine_arrow_scan_parallel(TarnEngineSession *session, const char *view_name,
                                     struct ArrowArrayStream *stream, TarnError *error) {
    return add_scan(session, view_name, stream, true, error);
}

bool tarn_engine_arrow_drop(TarnEngineSession *session, const char *view_name,
                            TarnError *error) {
    TarnEngineScan *scan = unlink_scan(session, view_name);
    if (scan == NULL) {
        return tarn_base_error_set(error, TARN_E_INTERNAL,
                                   "there is no Arrow stream named \"%s\"", view_name);
    }
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_MIB);
    tarn_base_buffer_string(&sql, "DROP VIEW IF EXISTS temp.");
    tarn_base_buffer_identifier(&sql, tarn_base_text(view_name));
    bool done = tarn_engine__run_own(session, &sql, error);
    tarn_base_buffer_dispose(&sql);
    release_scan(scan);
    return done;
}
