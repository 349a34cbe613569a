/* Writing Parquet.
 *
 * Purpose: the one way data files of tables are made: COPY (select) TO .. (FORMAT parquet), with
 * field ids, and one record per file that was written, taken from RETURN_STATS (whose column
 * statistics are text and not read: format/ reads them from the footer).
 * The select stands on lines of its own, so that a comment at its end cannot swallow what
 * follows; places in errors are moved back to it.
 * What it does not do: make folders, sync files or clean up after a failure; the caller has
 * recorded what is about to be written.
 */
#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "engine/engine_private.h"

static const char select_prefix[] = "COPY (\n";

static bool copy_is_directory(const TarnEngineCopyOptions *options) {
    return options->partition_count > 0 || options->file_size_bytes > 0;
}

static void append_metadata(const TarnEngineCopyOptions *options, TarnBuffer *sql) {
    if (options->metadata_count == 0) return;
    tarn_base_buffer_string(sql, ", KV_METADATA {");
    for (size_t i = 0; i < options->metadata_count; i++) {
        if (i > 0) tarn_base_buffer_string(sql, ", ");
        tarn_base_buffer_literal(sql, options->metadata[2 * i]);
        tarn_base_buffer_string(sql, ": ");
        tarn_base_buffer_literal(sql, options->metadata[2 * i + 1]);
    }
    tarn_base_buffer_byte(sql, '}');
}

static void append_partitions(const TarnEngineCopyOptions *options, TarnBuffer *sql) {
    if (options->partition_count == 0) return;
    tarn_base_buffer_string(sql, ", PARTITION_BY (");
    for (size_t i = 0; i < options->partition_count; i++) {
        if (i > 0) tarn_base_buffer_string(sql, ", ");
        tarn_base_buffer_identifier(sql, tarn_base_text(options->partition_columns[i]));
    }
    tarn_base_buffer_printf(sql, "), WRITE_PARTITION_COLUMNS %s",
                            options->drop_partition_columns ? "false" : "true");
}

static void append_number(const char *option, uint64_t number, TarnBuffer *sql) {
    if (number > 0) tarn_base_buffer_printf(sql, ", %s %" PRIu64, option, number);
}

static void append_options(const TarnEngineCopyOptions *options, TarnBuffer *sql) {
    tarn_base_buffer_string(sql, "(FORMAT parquet, RETURN_STATS, COMPRESSION ");
    const char *compression = options->compression != NULL ? options->compression : "zstd";
    tarn_base_buffer_literal(sql, tarn_base_text(compression));
    if (options->compression_level != 0) {
        tarn_base_buffer_printf(sql, ", COMPRESSION_LEVEL %d", options->compression_level);
    }
    if (options->field_ids != NULL) {
        tarn_base_buffer_printf(sql, ", FIELD_IDS %s", options->field_ids);
    }
    append_number("ROW_GROUP_SIZE", options->row_group_rows, sql);
    append_number("ROW_GROUP_SIZE_BYTES", options->row_group_bytes, sql);
    append_number("FILE_SIZE_BYTES", options->file_size_bytes, sql);
    append_number("DICTIONARY_SIZE_LIMIT", options->dictionary_values, sql);
    if (options->bloom_filter_ratio > 0) {
        tarn_base_buffer_printf(sql, ", BLOOM_FILTER_FALSE_POSITIVE_RATIO %.9f",
                                options->bloom_filter_ratio);
    }
    if (options->bloom_filters_off) tarn_base_buffer_string(sql, ", WRITE_BLOOM_FILTER false");
    append_partitions(options, sql);
    append_metadata(options, sql);
    if (copy_is_directory(options)) {
        const char *pattern = options->filename_pattern;
        tarn_base_buffer_string(sql, ", APPEND, FILENAME_PATTERN ");
        tarn_base_buffer_literal(sql, tarn_base_text(pattern != NULL ? pattern : "{uuid}"));
    }
    tarn_base_buffer_byte(sql, ')');
}

/* ---- the answer -------------------------------------------------------------------------- */

typedef struct FileList {
    TarnEngineFile *items;
    size_t count;
    size_t capacity;
} FileList;

/* Columns of the answer, by name: their order is not promised. */
typedef struct AnswerColumns {
    uint32_t path;
    uint32_t rows;
    uint32_t size;
    uint32_t footer;
    uint32_t keys;
} AnswerColumns;

static bool find_columns(const TarnEngineResult *result, AnswerColumns *columns,
                         TarnError *error) {
    static const char *const names[] = {"filename", "count", "file_size_bytes",
                                        "footer_size_bytes", "partition_keys"};
    uint32_t *const places[] = {&columns->path, &columns->rows, &columns->size, &columns->footer,
                                &columns->keys};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint32_t at = 0;
        uint32_t count = tarn_engine_result_column_count(result);
        while (at < count && strcmp(tarn_engine_result_column_name(result, at), names[i]) != 0) {
            at++;
        }
        if (at == count) {
            return tarn_base_error_set(error, TARN_E_ENGINE,
                                       "DuckDB's COPY did not tell \"%s\" of the files it wrote",
                                       names[i]);
        }
        *places[i] = at;
    }
    if (tarn_engine_result_column_type(result, columns->keys)->kind == TARN_ENGINE_MAP) {
        return true;
    }
    return tarn_base_error_set(error, TARN_E_ENGINE, "DuckDB's partition keys are no map");
}

static void read_partition(const TarnEngineVector *keys, uint64_t row, TarnArena *arena,
                           TarnEngineFile *file) {
    uint64_t offset, length;
    tarn_engine_vector_list(keys, row, &offset, &length);
    const TarnEngineVector *names = &keys->children[0].children[0];
    const TarnEngineVector *values = &keys->children[0].children[1];
    file->partition_count = (size_t)length;
    file->partition_names = TARN_NEW_ARRAY(arena, length, const char *);
    file->partition_values = TARN_NEW_ARRAY(arena, length, TarnText);
    if (tarn_base_arena_failed(arena)) return;
    for (uint64_t i = 0; i < length; i++) {
        TarnText name = tarn_engine_vector_text(names, offset + i);
        file->partition_names[i] = tarn_base_text_string(arena, name);
        if (tarn_engine_vector_null(values, offset + i)) continue;
        TarnText value = tarn_engine_vector_text(values, offset + i);
        file->partition_values[i] = (TarnText){tarn_base_text_string(arena, value), value.size};
    }
}

static void read_file(const TarnEngineChunk *chunk, const AnswerColumns *columns, uint64_t row,
                      TarnArena *arena, TarnEngineFile *file) {
    TarnText path = tarn_engine_vector_text(&chunk->columns[columns->path], row);
    file->path = tarn_base_text_string(arena, path);
    (void)tarn_engine_vector_int64(&chunk->columns[columns->rows], row, &file->row_count);
    (void)tarn_engine_vector_int64(&chunk->columns[columns->size], row, &file->file_size_bytes);
    (void)tarn_engine_vector_int64(&chunk->columns[columns->footer], row,
                                   &file->footer_size_bytes);
    read_partition(&chunk->columns[columns->keys], row, arena, file);
}

static bool read_files(TarnEngineResult *result, TarnArena *arena, FileList *list,
                       TarnError *error) {
    AnswerColumns columns;
    const TarnEngineChunk *chunk;
    if (!find_columns(result, &columns, error)) return false;
    for (;;) {
        if (!tarn_engine_result_next(result, &chunk, error)) return false;
        if (chunk == NULL) return true;
        for (uint64_t row = 0; row < chunk->rows; row++) {
            TarnEngineFile *file = TARN_PUSH(arena, list);
            if (file == NULL) return tarn_base_arena_check(arena, error);
            read_file(chunk, &columns, row, arena, file);
        }
    }
}

/* An error in the select keeps its place; one in what stands around it has none. */
static void unwrap_place(TarnText select_sql, TarnError *error) {
    if (error->line == 0) return;
    if (error->line == 1) {
        tarn_base_error_place(error, error->file, 0, 0);
        tarn_base_error_detail(error, "%s", "");
        return;
    }
    uint32_t line = error->line - 1; /* the prefix is the first line */
    tarn_base_error_place(error, error->file, line, error->column);
    tarn_base_error_excerpt(error, select_sql.data, select_sql.size);
}

/* A setting of the session for one copy; 0 puts DuckDB's own back. */
static bool set_number(TarnEngineSession *session, const char *name, uint64_t number,
                       TarnError *error) {
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_KIB);
    if (number > 0) {
        tarn_base_buffer_printf(&sql, "SET SESSION %s = %" PRIu64, name, number);
    } else {
        tarn_base_buffer_printf(&sql, "RESET SESSION %s", name);
    }
    bool done = tarn_engine__run_own(session, &sql, error);
    tarn_base_buffer_dispose(&sql);
    return done;
}

static const char open_files_setting[] = "partitioned_write_max_open_files";
static const char rows_setting[] = "partitioned_write_flush_threshold";

static bool set_bounds(TarnEngineSession *session, const TarnEngineCopyOptions *options,
                       TarnError *error) {
    return (options->open_files_max == 0 ||
            set_number(session, open_files_setting, options->open_files_max, error)) &&
           (options->partition_rows == 0 ||
            set_number(session, rows_setting, options->partition_rows, error));
}

static void reset_bounds(TarnEngineSession *session, const TarnEngineCopyOptions *options) {
    TarnError ignored;
    if (options->open_files_max > 0) {
        (void)set_number(session, open_files_setting, 0, &ignored);
    }
    if (options->partition_rows > 0) (void)set_number(session, rows_setting, 0, &ignored);
}

bool tarn_engine_copy_to_parquet(TarnEngineSession *session, TarnText select_sql,
                                 const TarnEngineCopyOptions *options, TarnArena *arena,
                                 TarnEngineFile **files, size_t *count, TarnError *error) {
    *files = NULL;
    *count = 0;
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, select_prefix);
    tarn_base_buffer_text(&sql, select_sql);
    tarn_base_buffer_string(&sql, "\n) TO ");
    tarn_base_buffer_literal(&sql, tarn_base_text(options->path));
    tarn_base_buffer_byte(&sql, ' ');
    append_options(options, &sql);
    TarnEngineResult *result = NULL;
    FileList list = {0};
    bool done = tarn_base_buffer_check(&sql, error) && set_bounds(session, options, error);
    if (done) {
        done = tarn_engine_query(session, tarn_base_buffer_view(&sql), NULL, 0, &result, error);
        if (!done) unwrap_place(select_sql, error);
    }
    done = done && read_files(result, arena, &list, error) && tarn_base_arena_check(arena, error);
    tarn_engine_result_free(result);
    tarn_base_buffer_dispose(&sql);
    reset_bounds(session, options);
    *files = list.items;
    *count = list.count;
    return done;
}
