/* The rows of a load on their way into data files: text formats and Avro through the readers,
 * Parquet by the engine itself, refused rows from the spool.
 */
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/time.h"
#include "flow/load_private.h"
#include "query/functions.h"
#include "query/storage.h"

/* Wide rows of two threads fit the engine's memory; the engine's own choice, four times as many,
 * makes it write them to temporary files and read them again. */
#define PARTITION_ROWS 131072

/* --- rows --- */

static bool open_engine(TarnLoad *load) {
    const TarnLoadOptions *options = load->options;
    load->threads = options->threads != 0 ? options->threads
                                          : options->os->processors(options->os);
    uint64_t memory = tarn_query_write_sorts(load->target.metadata, load->constants,
                                             load->constant_count)
                          ? TARN_LIMIT_LOAD_SORT_BYTES
                          : TARN_LIMIT_LOAD_ENGINE_BYTES;
    const TarnSortOrder *order = tarn_table_metadata_default_sort_order(load->target.metadata);
    TarnEngineOptions engine = {
        .memory_limit_bytes = options->memory_bytes != 0 ? options->memory_bytes : memory,
        .threads = load->threads,
        .temp_directory = options->scratch,
        /* Threads that write one file in turn would break the order that it is said to have. */
        .any_insertion_order = order == NULL || order->field_count == 0};
    return tarn_engine_open(&engine, &load->engine, load->error) &&
           tarn_engine_session_open(load->engine, &load->session, load->error) &&
           tarn_query_functions_register(load->session, load->error) &&
           tarn_query_storage_attach(load->engine, options->catalog, NULL, load->error);
}

static void put_file_names(const TarnLoad *load, TarnBuffer *sql) {
    tarn_base_buffer_byte(sql, '[');
    for (size_t i = 0; i < load->files.count; i++) {
        if (i > 0) tarn_base_buffer_byte(sql, ',');
        tarn_base_buffer_literal(sql, tarn_base_text(load->files.items[i].path));
    }
    tarn_base_buffer_byte(sql, ']');
}

/* The ingest columns that are the same in every row. */
static bool make_constants(TarnLoad *load) {
    TarnBuffer source;
    char time[TARN_TIME_TEXT_BYTES];
    const TarnLoadOptions *options = load->options;
    tarn_base_buffer_init(&source, TARN_MIB);
    tarn_base_buffer_literal(&source, tarn_base_text(options->source != NULL
                                                         ? options->source
                                                         : options->table.name));
    const TarnWriteConstant constants[] = {
        {TARN_INGEST_SOURCE, tarn_base_buffer_keep(&source, load->arena)},
        {TARN_INGEST_TIME,
         tarn_base_arena_printf(load->arena, "TIMESTAMPTZ '%s'",
                                tarn_base_time_format_us(load->started_us, time))},
        {TARN_INGEST_BATCH, tarn_base_arena_printf(load->arena, "'%s'", load->intent.id)}};
    tarn_base_buffer_dispose(&source);
    load->constant_count = sizeof(constants) / sizeof(constants[0]);
    load->constants = tarn_base_arena_copy(load->arena, constants, sizeof(constants));
    return tarn_base_arena_check(load->arena, load->error);
}

/* The ingest columns; `row_sql` is the row's number, `file_sql` its file's name. */
static void put_ingest(const TarnLoad *load, const char *row_sql, const char *file_sql,
                       TarnBuffer *sql) {
    tarn_base_buffer_printf(sql, ", %s AS " TARN_INGEST_FILE ", %s AS " TARN_INGEST_ROW, file_sql,
                            row_sql);
    for (size_t i = 0; i < load->constant_count; i++) {
        tarn_base_buffer_printf(sql, ", %s AS %s", load->constants[i].sql,
                                load->constants[i].name);
    }
}

static bool write_rows(TarnLoad *load, TarnLoadTarget *target, uint32_t sequence,
                       const TarnBuffer *sql, TarnWrittenFiles *files) {
    TarnWriteOptions write = {.session = load->session,
                              .store = target->base != NULL
                                           ? target->base->store
                                           : tarn_catalog_store(load->options->catalog),
                              .metadata = target->metadata,
                              .commit_id = load->intent.id,
                              .sequence = sequence,
                              .select_sql = tarn_base_buffer_view(sql),
                              .constants = load->constants,
                              .constant_count = load->constant_count,
                              .large = load->bytes_total > 64 * TARN_MIB,
                              .os = load->options->os,
                              .scratch = load->options->scratch,
                              .bytes = load->bytes_total,
                              .threads = load->threads,
                              .partition_rows = PARTITION_ROWS};
    return tarn_base_buffer_check(sql, load->error) &&
           tarn_query_write_files(&write, load->arena, files, load->error);
}

static bool join_files(TarnLoad *load, TarnWrittenFiles *all, const TarnWrittenFiles *more) {
    size_t count = all->count + more->count;
    TarnDataFile *items = TARN_NEW_ARRAY(load->arena, count + 1, TarnDataFile);
    const char **locations = TARN_NEW_ARRAY(load->arena, count + 1, const char *);
    if (!tarn_base_arena_check(load->arena, load->error)) return false;
    for (size_t i = 0; i < count; i++) {
        bool old = i < all->count;
        items[i] = old ? all->items[i] : more->items[i - all->count];
        locations[i] = old ? all->locations[i] : more->locations[i - all->count];
    }
    *all = (TarnWrittenFiles){.items = items,
                              .locations = locations,
                              .count = count,
                              .rows = all->rows + more->rows,
                              .bytes = all->bytes + more->bytes};
    return true;
}

static void put_columns(const TarnLoad *load, TarnBuffer *sql) {
    tarn_base_buffer_string(sql, "SELECT ");
    for (size_t i = 0; i < load->column_count; i++) {
        if (i > 0) tarn_base_buffer_string(sql, ", ");
        tarn_base_buffer_identifier(sql, tarn_base_text(load->columns[i].name));
    }
}

/* CSV, JSON, Avro: through the readers. */
static bool write_read_rows(TarnLoad *load) {
    bool any = false;
    for (size_t i = 0; i < load->files.count; i++) {
        const TarnLoadFile *file = &load->files.items[i];
        any = any || (!file->done_before && file->format != TARN_FILE_PARQUET);
    }
    if (!any) return true;
    TarnLoadStream *stream = NULL;
    struct ArrowArrayStream arrow;
    TarnLoadStreamOptions options = {.load = load->options,
                                     .files = load->files.items,
                                     .file_count = load->files.count,
                                     .columns = load->columns,
                                     .column_count = load->column_count,
                                     .csv = load->csv,
                                     .spool = load->spool,
                                     .slots = load->threads,
                                     .bytes_total = load->bytes_total};
    if (!tarn_flow__load_stream_new(&options, &stream, load->error)) return false;
    TarnBuffer sql;
    TarnBuffer name;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_init(&name, TARN_LIMIT_SQL_BYTES);
    put_file_names(load, &name);
    tarn_base_buffer_printf(&name, "[(\"row\" >> %d) + 1]", TARN_LOAD_ROW_BITS);
    put_columns(load, &sql);
    const char *row = tarn_base_arena_printf(load->arena, "\"row\" & %lld",
                                             (1LL << TARN_LOAD_ROW_BITS) - 1);
    put_ingest(load, row, name.data, &sql);
    tarn_base_buffer_string(&sql, " FROM tarn_load");
    tarn_flow__load_stream_arrow(stream, &arrow);
    bool ok = tarn_base_arena_check(load->arena, load->error) &&
              tarn_base_buffer_check(&name, load->error) &&
              tarn_engine_arrow_scan_parallel(load->session, "tarn_load", &arrow, load->error) &&
              write_rows(load, &load->target, 0, &sql, &load->target.files);
    if (ok) tarn_flow__load_stream_dropped(stream, load->arena, &load->result->dropped);
    if (!ok) tarn_flow__load_stream_error(stream, load->error);
    tarn_base_buffer_dispose(&sql);
    tarn_base_buffer_dispose(&name);
    if (!ok) {
        /* The engine may still hold the stream: it lets go with its session. */
        tarn_engine_session_close(load->session);
        load->session = NULL;
    }
    tarn_flow__load_stream_free(stream);
    return ok;
}

/* The columns of a Parquet file that the table does not take. */
static bool find_untaken(const TarnLoad *load, TarnColumn *own, size_t *own_count) {
    size_t count = 0;
    for (size_t i = 0; i < *own_count; i++) {
        bool taken = false;
        for (size_t j = 0; j < load->column_count && !taken; j++) {
            taken = strcasecmp(load->columns[j].name, own[i].name) == 0;
        }
        if (!taken) own[count++] = own[i];
    }
    *own_count = count;
    return count > 0;
}

/* How many rows, and which of these columns, have values: the engine counts. */
static bool count_untaken(TarnLoad *load, const TarnLoadFile *file, const TarnColumn *columns,
                          size_t count) {
    TarnSourceDropped dropped = {0};
    TarnEngineResult *result = NULL;
    const TarnEngineChunk *chunk = NULL;
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT count(*) FILTER (WHERE ");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) tarn_base_buffer_string(&sql, " OR ");
        tarn_base_buffer_identifier(&sql, tarn_base_text(columns[i].name));
        tarn_base_buffer_string(&sql, " IS NOT NULL");
    }
    tarn_base_buffer_byte(&sql, ')');
    for (size_t i = 0; i < count; i++) {
        tarn_base_buffer_string(&sql, ", count(");
        tarn_base_buffer_identifier(&sql, tarn_base_text(columns[i].name));
        tarn_base_buffer_byte(&sql, ')');
    }
    tarn_base_buffer_string(&sql, " FROM read_parquet(");
    tarn_base_buffer_literal(&sql, tarn_base_text(file->path));
    tarn_base_buffer_string(&sql, ", hive_partitioning = false)");
    bool ok = tarn_base_buffer_check(&sql, load->error) &&
              tarn_engine_query(load->session, tarn_base_buffer_view(&sql), NULL, 0, &result,
                                load->error) &&
              tarn_engine_result_next(result, &chunk, load->error);
    for (size_t i = 0; ok && chunk != NULL && i <= count; i++) {
        int64_t rows = 0;
        if (!tarn_engine_vector_int64(&chunk->columns[i], 0, &rows) || rows == 0) continue;
        if (i == 0) dropped.rows = (uint64_t)rows;
        if (i > 0) tarn_source_dropped_add(&dropped, columns[i - 1].name, load->arena);
    }
    tarn_engine_result_free(result);
    tarn_base_buffer_dispose(&sql);
    tarn_source_dropped_join(&load->result->dropped, &dropped, load->arena);
    return ok && tarn_base_arena_check(load->arena, load->error);
}

/* Parquet: the engine reads it itself, one file at a time, since each may lack columns. */
static bool write_parquet_rows(TarnLoad *load, TarnLoadFile *file, uint32_t sequence) {
    TarnColumn *own;
    size_t own_count;
    TarnBuffer sql;
    TarnWrittenFiles files;
    if (!tarn_flow__load_parquet(load, file, &own, &own_count)) return false;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT ");
    for (size_t i = 0; i < load->column_count; i++) {
        bool there = false;
        for (size_t j = 0; j < own_count && !there; j++) {
            there = strcasecmp(own[j].name, load->columns[i].name) == 0;
        }
        if (i > 0) tarn_base_buffer_string(&sql, ", ");
        if (!there) tarn_base_buffer_string(&sql, "NULL AS ");
        tarn_base_buffer_identifier(&sql, tarn_base_text(load->columns[i].name));
    }
    TarnBuffer name;
    tarn_base_buffer_init(&name, TARN_MIB);
    tarn_base_buffer_literal(&name, tarn_base_text(file->path));
    put_ingest(load, "file_row_number + 1", name.data, &sql);
    tarn_base_buffer_printf(&sql, " FROM read_parquet(%s, hive_partitioning = false)", name.data);
    bool ok = tarn_base_buffer_check(&name, load->error) &&
              write_rows(load, &load->target, sequence, &sql, &files) &&
              join_files(load, &load->target.files, &files);
    if (ok) file->rows = (uint64_t)files.rows;
    if (ok && find_untaken(load, own, &own_count)) ok = count_untaken(load, file, own, own_count);
    tarn_base_buffer_dispose(&sql);
    tarn_base_buffer_dispose(&name);
    return ok;
}

static bool refuse_parquet(TarnLoad *load, TarnLoadFile *file, uint32_t index) {
    TarnError why = *load->error;
    bool corrupt = why.code == TARN_E_FORMAT_CORRUPT || why.code == TARN_E_FORMAT_UNSUPPORTED;
    bool aside = load->options->on_error != TARN_ON_ERROR_FAIL && load->files.count > 1;
    if (!corrupt || !aside) return false;
    tarn_base_error_clear(load->error);
    file->refused = tarn_base_arena_string(load->arena, why.message);
    TarnReject reject = {.reason = file->refused != NULL ? file->refused : "unreadable",
                         .bytes = {"", 0}};
    return load->options->on_error == TARN_ON_ERROR_SKIP ||
           tarn_flow__spool_add(load->spool, index, &reject, load->error);
}

static bool write_all_rows(TarnLoad *load) {
    if (!write_read_rows(load)) return false;
    uint32_t sequence = 1;
    for (size_t i = 0; i < load->files.count; i++) {
        TarnLoadFile *file = &load->files.items[i];
        if (file->done_before || file->format != TARN_FILE_PARQUET) continue;
        if (!write_parquet_rows(load, file, sequence++) &&
            !refuse_parquet(load, file, (uint32_t)i)) {
            return false;
        }
    }
    return true;
}

bool tarn_flow__load_rejects(TarnLoad *load) {
    struct ArrowArrayStream arrow;
    TarnBuffer sql;
    char time[TARN_TIME_TEXT_BYTES];
    const char *source = load->options->source != NULL ? load->options->source
                                                       : load->options->table.name;
    if (tarn_flow__spool_count(load->spool) == 0) return true;
    tarn_flow__spool_stream(load->spool, &arrow);
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT reason, \"column\", ");
    put_file_names(load, &sql);
    tarn_base_buffer_string(&sql, "[file + 1] AS file, line, nullif(\"row\", 0) AS \"row\", "
                                  "\"offset\" AS byte_offset, bytes AS original, ");
    tarn_base_buffer_literal(&sql, tarn_base_text(source));
    tarn_base_buffer_printf(&sql,
                            " AS source, '%s' AS batch, TIMESTAMPTZ '%s' AS time FROM tarn_rejects",
                            load->intent.id, tarn_base_time_format_us(load->started_us, time));
    bool ok = tarn_engine_arrow_scan(load->session, "tarn_rejects", &arrow, load->error) &&
              write_rows(load, &load->quarantine, 0, &sql, &load->quarantine.files);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

bool tarn_flow__load_rows(TarnLoad *load) {
    return make_constants(load) && open_engine(load) && write_all_rows(load);
}
