/* A SELECT into the data files of a table.
 *
 * The engine writes Parquet with every field id; hidden partitioning is a set of extra columns,
 * one per partition field, that are the transform of their source and are left out of the files.
 * What Iceberg wants to know of a file is then read from its footer, so that bounds and counts
 * are those of the bytes written and not of a text rendering of them.
 *
 * Rows of many partitions are sorted by them (write_select.c); if they may be more than the memory
 * holds, they are first brought together on disk, in buckets.
 */
#include "query/write.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "query/data_file_private.h"
#include "query/footer_private.h"
#include "query/write_private.h"
#include "table/file_metrics.h"

/* write.target-file-size-bytes of the reference implementation. */
#define TARGET_FILE_BYTES (512 * TARN_MIB)
/* Rows of a row group: what DuckDB prefers; its memory is what a load's bound allows. */
#define ROW_GROUP_ROWS 122880
/* Sorted rows come partition by partition: little has to be gathered or open. */
#define SORTED_PARTITION_ROWS 32768
#define SORTED_OPEN_FILES 4
/* What is sorted at a time, in bytes of the source, and its temporary files. */
#define BUCKET_BYTES (32 * TARN_MIB)
#define BUCKETS_MAX 48
#define ORDER_BYTES (512 * TARN_MIB)
#define BUCKET_ROW_GROUP_ROWS 16384
#define BUCKET_ROWS_MAX 1000000
#define BUCKET_DEPTH_MAX 3

/* --- copying --- */

typedef struct FileList {
    TarnEngineFile *items;
    size_t count;
    size_t capacity;
    unsigned folders; /* temporary ones made so far */
} FileList;

static uint64_t target_size(const TarnWriteOptions *options) {
    int64_t property = tarn_table_metadata_property_int64(
        options->metadata, "write.target-file-size-bytes", (int64_t)TARGET_FILE_BYTES);
    if (options->file_size > 0) return options->file_size;
    return property > 0 ? (uint64_t)property : TARGET_FILE_BYTES;
}

/* A place in SQL that no user wrote. */
static void forget_place(TarnError *error) {
    error->line = 0;
    error->detail[0] = '\0';
}

static bool copy_rows(const TarnWriting *writing, TarnText select, const char *field_ids,
                      TarnEngineFile **files, size_t *count, TarnError *error) {
    const TarnWriteOptions *options = writing->options;
    const char *location = options->metadata->location;
    const char *path = NULL;
    bool directory = writing->spec->field_count > 0 || options->large;
    bool asked = writing->bloom->count > 0;
    /* Settings of the session: whoever asks for no number has locked it. */
    bool bounded = writing->spec->field_count > 0 && options->partition_rows > 0;
    const char *data = tarn_base_arena_printf(writing->arena, "%s/data", location);
    const char *file = tarn_base_arena_printf(writing->arena, "%s/data/%05u-%s.parquet", location,
                                              options->sequence, options->commit_id);
    const char *pattern = tarn_base_arena_printf(writing->arena, "%05u-%s-{uuid}",
                                                 options->sequence, options->commit_id);
    if (!tarn_base_arena_check(writing->arena, error) ||
        !tarn_store_prepare_directory(options->store, data, error) ||
        !tarn_store_local_path(options->store, directory ? data : file, &path, error)) {
        return false;
    }
    TarnEngineCopyOptions copy = {
        .path = path,
        .field_ids = field_ids,
        .compression = "zstd",
        .row_group_rows = asked ? writing->bloom->row_group_rows : ROW_GROUP_ROWS,
        .dictionary_values = asked ? writing->bloom->row_group_rows : 0,
        .bloom_filter_ratio = asked ? writing->bloom->ratio : 0,
        /* The engine cuts files or partitions them, not both. */
        .file_size_bytes = options->large && writing->spec->field_count == 0
                               ? target_size(options)
                               : 0,
        .partition_columns = writing->columns,
        .partition_count = writing->spec->field_count,
        .partition_rows = !bounded        ? 0
                          : writing->many ? SORTED_PARTITION_ROWS
                                          : options->partition_rows,
        .open_files_max = bounded && writing->many ? SORTED_OPEN_FILES : 0,
        .drop_partition_columns = writing->spec->field_count > 0,
        .filename_pattern = directory ? pattern : NULL,
    };
    if (tarn_engine_copy_to_parquet(options->session, select, &copy, writing->arena, files, count,
                                    error)) {
        return true;
    }
    forget_place(error);
    tarn_query__failure_below(options->store, options->commit_id, error);
    return false;
}

/* --- describing --- */

static bool read_partition(const TarnWriting *writing, const TarnEngineFile *written,
                           TarnDataFile *file, TarnError *error) {
    const TarnWriteOptions *options = writing->options;
    const TarnPartitionSpec *spec = tarn_table_metadata_default_spec(options->metadata);
    size_t count = options->one_partition ? spec->field_count : writing->spec->field_count;
    file->spec_id = writing->spec->id;
    file->partition_count = count;
    file->partition = TARN_NEW_ARRAY(writing->arena, count + 1, TarnLiteral);
    if (file->partition == NULL) return tarn_base_arena_check(writing->arena, error);
    if (options->one_partition) {
        for (size_t i = 0; i < count; i++) file->partition[i] = options->partition[i];
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        TarnLiteral *value = &file->partition[i];
        TarnText text = i < written->partition_count ? written->partition_values[i]
                                                     : (TarnText){NULL, 0};
        value->kind = writing->types[i].kind;
        value->is_null = text.data == NULL;
        if (!value->is_null && !tarn_format_literal_from_text(writing->types[i], text,
                                                              writing->arena, value, error)) {
            return tarn_base_error_context(error, "while reading the partition of \"%s\"",
                                           written->path);
        }
    }
    return true;
}

/* The engine writes every column as optional: a null in a required one shows in its counts. */
static bool check_required(const TarnWriting *writing, const TarnDataFile *file, TarnError *error) {
    for (size_t i = 0; i < writing->schema->field_count; i++) {
        const TarnField *field = &writing->schema->fields[i];
        for (size_t c = 0; field->required && c < file->column_count; c++) {
            if (file->columns[c].field_id != field->id || file->columns[c].null_count <= 0) {
                continue;
            }
            return tarn_base_error_set(error, TARN_E_SQL_EXECUTION,
                                       "the column \"%s\" must not be null", field->name);
        }
    }
    return true;
}

/* Bounds are views into the footer, which is many times their size. */
static bool keep_bounds(const TarnWriting *writing, TarnDataFile *file, TarnError *error) {
    for (size_t i = 0; i < file->column_count; i++) {
        TarnText *bounds[] = {&file->columns[i].lower, &file->columns[i].upper};
        for (size_t b = 0; b < 2; b++) {
            if (bounds[b]->data == NULL) continue;
            bounds[b]->data = tarn_base_text_string(writing->arena, *bounds[b]);
        }
    }
    return tarn_base_arena_check(writing->arena, error);
}

static bool read_metrics(const TarnWriting *writing, const TarnEngineFile *written,
                         const TarnFileMetricsOptions *metrics, TarnDataFile *file,
                         TarnError *error) {
    TarnParquetFooter *footer = NULL;
    TarnArena scratch;
    tarn_base_arena_init(&scratch, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok =
        tarn_query__footer_read(writing->options->store, written->path, written->file_size_bytes,
                                &scratch, &footer, error) &&
        tarn_table_file_metrics_fill(footer, written->path, metrics, writing->arena, file, error) &&
        keep_bounds(writing, file, error);
    if (ok) tarn_query__bloom_look(writing->bloom, footer);
    tarn_base_arena_dispose(&scratch);
    return ok;
}

static bool describe_file(const TarnWriting *writing, const TarnEngineFile *written,
                          TarnDataFile *file, TarnError *error) {
    const TarnTableMetadata *metadata = writing->options->metadata;
    TarnFileMetricsOptions metrics = {.schema = tarn_table_metadata_current_schema(metadata),
                                      .properties = metadata->properties,
                                      .property_count = metadata->property_count,
                                      .sort_order =
                                          tarn_table_metadata_default_sort_order(metadata)};
    *file = (TarnDataFile){.content = TARN_CONTENT_DATA,
                           .path = tarn_base_text(written->path),
                           .format = TARN_TEXT("PARQUET"),
                           .sort_order_id = metadata->default_sort_order_id,
                           .first_row_id = TARN_ABSENT,
                           .content_offset = TARN_ABSENT,
                           .content_size = TARN_ABSENT};
    return read_metrics(writing, written, &metrics, file, error) &&
           check_required(writing, file, error) &&
           read_partition(writing, written, file, error);
}

static bool describe_files(const TarnWriting *writing, const TarnEngineFile *written, size_t count,
                           TarnWrittenFiles *files, TarnError *error) {
    files->items = TARN_NEW_ARRAY(writing->arena, count + 1, TarnDataFile);
    files->locations = TARN_NEW_ARRAY(writing->arena, count + 1, const char *);
    if (!tarn_base_arena_check(writing->arena, error)) return false;
    for (size_t i = 0; i < count; i++) {
        if (written[i].row_count == 0) {
            if (!tarn_store_delete(writing->options->store, written[i].path, NULL, error)) {
                return false;
            }
            continue;
        }
        TarnDataFile *file = &files->items[files->count];
        if (!describe_file(writing, &written[i], file, error)) return false;
        files->locations[files->count++] = written[i].path;
        files->rows += file->record_count;
        files->bytes += file->file_size;
    }
    return true;
}

/* Copies what `writing` selects, and adds the files to `files`. */
static bool write_selected(const TarnWriting *writing, FileList *files, TarnError *error) {
    TarnBuffer select;
    TarnBuffer field_ids;
    TarnEngineFile *written = NULL;
    size_t count = 0;
    tarn_base_buffer_init(&select, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_init(&field_ids, TARN_LIMIT_SQL_BYTES);
    tarn_table_schema_to_field_ids(writing->schema, &field_ids);
    bool ok = tarn_query__write_select(writing, &select, error) &&
              tarn_base_buffer_check(&field_ids, error) &&
              copy_rows(writing, tarn_base_buffer_view(&select), field_ids.data, &written, &count,
                        error);
    for (size_t i = 0; ok && i < count; i++) {
        TarnEngineFile *file = TARN_PUSH(writing->arena, files);
        if (file != NULL) *file = written[i];
    }
    tarn_base_buffer_dispose(&select);
    tarn_base_buffer_dispose(&field_ids);
    return ok && tarn_base_arena_check(writing->arena, error);
}

/* --- buckets --- */

static bool count_partitions(const TarnWriting *writing, int64_t *count, TarnError *error) {
    TarnBuffer sql;
    TarnText text = {0};
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    bool ok = tarn_query__write_partition_count(writing, &sql, error) &&
              tarn_engine_query_text(writing->options->session, tarn_base_buffer_view(&sql), NULL,
                                     0, writing->arena, &text, error);
    tarn_base_buffer_dispose(&sql);
    if (!ok) return false;
    return tarn_base_text_to_int64(text, count) ||
           tarn_base_error_set(error, TARN_E_ENGINE, "DuckDB did not count the partitions");
}

static bool write_in_buckets(const TarnWriting *writing, uint64_t wanted, int depth,
                             FileList *files, TarnError *error);

/* Rows of few partitions need no sorting, however many they are. Many rows of many partitions are
 * divided again: in the end a large partition has a bucket almost for itself. */
static bool write_bucket_rows(TarnWriting *bucket, int64_t rows, int depth, FileList *files,
                              TarnError *error) {
    int64_t partitions = 0;
    if (!bucket->many) return write_selected(bucket, files, error);
    if (!count_partitions(bucket, &partitions, error)) return false;
    if (partitions <= TARN_WRITE_PARTITIONS_FEW) {
        bucket->many = false;
    } else if (rows > BUCKET_ROWS_MAX && depth < BUCKET_DEPTH_MAX) {
        return write_in_buckets(bucket, BUCKETS_MAX, depth + 1, files, error);
    }
    return write_selected(bucket, files, error);
}

/* The rows of one bucket, from the files with its number, which are then deleted. */
static bool write_bucket(const TarnWriting *writing, const TarnEngineFile *buckets, size_t count,
                         TarnText number, int depth, FileList *files, TarnError *error) {
    const TarnOs *os = writing->options->os;
    TarnWriteOptions options = *writing->options;
    TarnWriting bucket = *writing;
    TarnBuffer sql;
    int64_t rows = 0;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT * FROM read_parquet([");
    for (size_t i = 0; i < count; i++) {
        if (!tarn_base_text_equal(buckets[i].partition_values[0], number)) continue;
        tarn_base_buffer_string(&sql, rows > 0 ? ", " : "");
        tarn_base_buffer_literal(&sql, tarn_base_text(buckets[i].path));
        rows += buckets[i].row_count;
    }
    tarn_base_buffer_string(&sql, "], hive_partitioning = false)");
    options.select_sql = tarn_base_buffer_view(&sql);
    bucket.options = &options;
    bool ok = tarn_base_buffer_check(&sql, error) &&
              write_bucket_rows(&bucket, rows, depth, files, error);
    for (size_t i = 0; ok && i < count; i++) {
        if (!tarn_base_text_equal(buckets[i].partition_values[0], number)) continue;
        ok = os->unlink(os, buckets[i].path, NULL, error);
    }
    tarn_base_buffer_dispose(&sql);
    return ok;
}

static bool is_first_of_bucket(const TarnEngineFile *buckets, size_t index) {
    for (size_t i = 0; i < index; i++) {
        if (tarn_base_text_equal(buckets[i].partition_values[0],
                                 buckets[index].partition_values[0])) {
            return false;
        }
    }
    return true;
}

/* What a failure or the last bucket leaves of a temporary folder, `depth` levels down. What cannot
 * be removed now goes with the scratch folder, when this process has ended. */
static void remove_folder(const TarnWriting *writing, const char *folder, int depth) {
    const TarnOs *os = writing->options->os;
    TarnOsListing listing = {0};
    TarnError ignored;
    if (!os->directory_list(os, folder, writing->arena, &listing, &ignored)) return;
    for (size_t i = 0; i < listing.count; i++) {
        const char *path = tarn_base_arena_printf(writing->arena, "%s/%s", folder,
                                                  listing.items[i].name);
        if (path == NULL) return;
        if (listing.items[i].kind == TARN_OS_DIRECTORY && depth > 0) {
            remove_folder(writing, path, depth - 1);
        } else {
            (void)os->unlink(os, path, NULL, &ignored);
        }
    }
    (void)os->directory_remove(os, folder, NULL, &ignored);
}

static bool copy_buckets(const TarnWriting *writing, const char *folder, uint64_t count, int depth,
                         TarnEngineFile **buckets, size_t *bucket_count, TarnError *error) {
    static const char *const columns[] = {TARN_WRITE_BUCKET};
    TarnBuffer select;
    TarnEngineCopyOptions copy = {.path = folder,
                                  .compression = "lz4_raw",
                                  .row_group_rows = BUCKET_ROW_GROUP_ROWS,
                                  .partition_columns = columns,
                                  .partition_count = 1,
                                  .partition_rows = SORTED_PARTITION_ROWS,
                                  .drop_partition_columns = true,
                                  .filename_pattern = "{uuid}",
                                  .bloom_filters_off = true};
    tarn_base_buffer_init(&select, TARN_LIMIT_SQL_BYTES);
    bool ok = tarn_query__write_bucket_select(writing, count, depth, &select, error) &&
              tarn_engine_copy_to_parquet(writing->options->session,
                                          tarn_base_buffer_view(&select), &copy, writing->arena,
                                          buckets, bucket_count, error);
    if (!ok) forget_place(error);
    tarn_base_buffer_dispose(&select);
    return ok;
}

/* How many buckets of rows that can be sorted at a time; 0 = the rows need no buckets. A table's
 * sort order is that of each file: buckets of it are as large as can be, so that files are few. */
static uint64_t buckets_wanted(const TarnWriting *writing) {
    const TarnWriteOptions *options = writing->options;
    uint64_t size = writing->many ? BUCKET_BYTES : ORDER_BYTES;
    if (!writing->sorts || options->scratch == NULL || options->bytes < size) return 0;
    uint64_t count = options->bytes / size + 1;
    return count < BUCKETS_MAX ? count : BUCKETS_MAX;
}

static bool set_threads(const TarnWriteOptions *options, uint32_t count, TarnError *error) {
    char sql[64];
    snprintf(sql, sizeof(sql), "SET GLOBAL threads = %u", count);
    return tarn_engine_run(options->session, tarn_base_text(sql), NULL, error);
}

/* Sorting takes memory for each piece that it merges, so that there is a size for every limit
 * beyond which it fails. Rows of the same partition are first brought together, on disk, in pieces
 * that fit. */
static bool write_in_buckets(const TarnWriting *writing, uint64_t wanted, int depth,
                             FileList *files, TarnError *error) {
    const TarnWriteOptions *options = writing->options;
    TarnEngineFile *buckets = NULL;
    size_t count = 0;
    const char *folder =
        tarn_base_arena_printf(writing->arena, "%s/buckets-%s-%u-%u", options->scratch,
                               options->commit_id, options->sequence, files->folders++);
    if (!tarn_base_arena_check(writing->arena, error) ||
        !tarn_os_directory_create_all(options->os, options->scratch, false, error)) {
        return false;
    }
    bool ok = copy_buckets(writing, folder, wanted, depth, &buckets, &count, error) &&
              set_threads(options, 1, error); /* each would sort, and hold files open, at once */
    for (size_t i = 0; ok && i < count; i++) {
        if (!is_first_of_bucket(buckets, i)) continue;
        ok = write_bucket(writing, buckets, count, buckets[i].partition_values[0], depth, files,
                          error);
    }
    remove_folder(writing, folder, 1);
    return ok;
}

bool tarn_query_write_files(const TarnWriteOptions *options, TarnArena *arena,
                            TarnWrittenFiles *files, TarnError *error) {
    TarnBloomFilters bloom;
    TarnWriting writing = {.options = options, .bloom = &bloom, .arena = arena};
    FileList written = {0};
    *files = (TarnWrittenFiles){0};
    if (!tarn_query__writing_init(&writing, error) ||
        !tarn_query__bloom_init(&writing, &bloom, ROW_GROUP_ROWS, error)) {
        return false;
    }
    const TarnPartitionSpec unpartitioned = {.id = writing.spec->id};
    if (options->one_partition) {
        writing.spec = &unpartitioned;
        writing.many = false;
    }
    uint64_t buckets = buckets_wanted(&writing);
    bool ok = buckets > 0 ? write_in_buckets(&writing, buckets, 0, &written, error) &&
                                set_threads(options, options->threads, error)
                          : write_selected(&writing, &written, error);
    ok = ok && !TARN_FAULT("query.write.after_copy", error) &&
         describe_files(&writing, written.items, written.count, files, error);
    if (ok) tarn_query__bloom_tell(&bloom);
    return ok;
}
