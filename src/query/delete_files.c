/* Deletes by position, written.
 *
 * Format version 2: a position delete file for each data file, so that a reader of one data file
 * reads the deletes of no other; where a statement touches very many data files, one for each
 * partition. The rows are made by the engine out of the bitmaps: the numbers up to the last
 * position, less those that are not deleted.
 *
 * Format version 3: one Puffin file with a deletion vector for each data file. A vector holds all
 * that is deleted by position in its file and takes the place of the one before, and of position
 * delete files about this data file alone.
 *
 * Source: Iceberg table specification, "Position Delete Files", "Deletion Vectors"; the property
 * write.delete.granularity is the reference implementation's.
 */
#include "query/delete_files_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "query/data_file_private.h"
#include "query/footer_private.h"
#include "table/delete_plan.h"
#include "table/file_metrics.h"

/* Beyond so many data files their deletes go into one file a partition. */
#define FILES_OF_THEIR_OWN_MAX 256

typedef TarnDeleteFilesWriter Writer;

/* Files of one partition stand together, in the order of their paths. */
static int compare_deletes(const void *a, const void *b) {
    const TarnDataFile *x = ((const TarnNewDeletes *)a)->task->file;
    const TarnDataFile *y = ((const TarnNewDeletes *)b)->task->file;
    if (x->spec_id != y->spec_id) return x->spec_id < y->spec_id ? -1 : 1;
    size_t size = x->path.size < y->path.size ? x->path.size : y->path.size;
    int order = memcmp(x->path.data, y->path.data, size);
    return order != 0 ? order : (x->path.size > y->path.size) - (x->path.size < y->path.size);
}

static bool last_position(const TarnRoaring *bitmap, uint64_t *last) {
    uint64_t at = 0;
    bool any = false;
    /* Bits are few beside rows; this walks them once more than needed. */
    while (tarn_format_roaring_next(bitmap, &at)) {
        *last = at++;
        any = true;
    }
    return any;
}

/* --- position delete files --- */

static bool write_rows_sql(Writer *writer, const TarnNewDeletes *deletes, size_t count,
                           TarnBuffer *sql) {
    TarnListedFile *listed = TARN_NEW_ARRAY(writer->arena, count + 1, TarnListedFile);
    int64_t id = 0;
    if (listed == NULL) return tarn_base_arena_check(writer->arena, writer->error);
    for (size_t i = 0; i < count; i++) listed[i].deleted = deletes[i].fresh;
    if (!tarn_query__file_lists_add(writer->options->query->file_lists, listed, count, &id,
                                    writer->error)) {
        return false;
    }
    tarn_base_buffer_string(sql, "SELECT file_path, pos FROM (");
    for (size_t i = 0; i < count; i++) {
        uint64_t last = 0;
        if (!last_position(deletes[i].fresh, &last)) continue;
        tarn_base_buffer_string(sql, i > 0 ? " UNION ALL SELECT " : "SELECT ");
        tarn_base_buffer_literal(sql, deletes[i].task->file->path);
        tarn_base_buffer_printf(sql,
                                " AS file_path, range AS pos FROM range(%" PRIu64 ") WHERE NOT "
                                "tarn_alive(%" PRId64 ", %zu::UBIGINT, range)",
                                last + 1, id, i);
    }
    tarn_base_buffer_string(sql, ") ORDER BY file_path, pos");
    return tarn_base_buffer_check(sql, writer->error);
}

static bool copy_rows(Writer *writer, TarnText sql, const char *location, TarnEngineFile **files,
                      size_t *count) {
    TarnStore *store = writer->options->store;
    const char *path = NULL;
    const char *ids = tarn_base_arena_printf(writer->arena, "{file_path: %d, pos: %d}",
                                             TARN_FIELD_DELETE_FILE_PATH, TARN_FIELD_DELETE_POS);
    TarnEngineCopyOptions copy = {.field_ids = ids, .compression = "zstd"};
    if (ids == NULL) return tarn_base_arena_check(writer->arena, writer->error);
    if (!tarn_store_local_path(store, location, &path, writer->error)) return false;
    copy.path = path;
    if (tarn_engine_copy_to_parquet(writer->options->query->session, sql, &copy, writer->arena,
                                    files, count, writer->error)) {
        return true;
    }
    writer->error->line = 0; /* a place in SQL that no user wrote */
    tarn_query__failure_below(store, writer->options->commit_id, writer->error);
    return false;
}

static bool read_metrics(Writer *writer, const char *location, int64_t size, TarnDataFile *file) {
    static TarnField fields[] = {{.id = TARN_FIELD_DELETE_FILE_PATH,
                                  .name = "file_path",
                                  .required = true,
                                  .type = {.primitive = {.kind = TARN_TYPE_STRING}}},
                                 {.id = TARN_FIELD_DELETE_POS,
                                  .name = "pos",
                                  .required = true,
                                  .type = {.primitive = {.kind = TARN_TYPE_LONG}}}};
    static const TarnSchema schema = {.fields = fields, .field_count = 2};
    TarnFileMetricsOptions options = {.schema = &schema};
    TarnParquetFooter *footer = NULL;
    return tarn_query__footer_read(writer->options->store, location, size, writer->arena, &footer,
                                   writer->error) &&
           tarn_table_file_metrics_fill(footer, location, &options, writer->arena, file,
                                        writer->error);
}

/* Whole paths: a reader tells by them which data files the deletes are about. */
static void set_path_bounds(TarnDataFile *file, TarnText first, TarnText last) {
    for (size_t i = 0; i < file->column_count; i++) {
        if (file->columns[i].field_id != TARN_FIELD_DELETE_FILE_PATH) continue;
        file->columns[i].lower = first;
        file->columns[i].upper = last;
    }
}

static bool write_group(Writer *writer, const TarnNewDeletes *deletes, size_t count) {
    const TarnDataFile *first = deletes[0].task->file;
    TarnDeleteFiles *files = writer->files;
    TarnBuffer sql;
    TarnEngineFile *written = NULL;
    size_t written_count = 0;
    const char *location = tarn_base_arena_printf(writer->arena, "%s/data/%05zu-%s-deletes.parquet",
                                                  writer->options->metadata->location, files->count,
                                                  writer->options->commit_id);
    if (location == NULL) return tarn_base_arena_check(writer->arena, writer->error);
    tarn_base_buffer_init(&sql, 16 * TARN_LIMIT_SQL_BYTES);
    bool ok = write_rows_sql(writer, deletes, count, &sql) &&
              copy_rows(writer, tarn_base_buffer_view(&sql), location, &written, &written_count);
    tarn_base_buffer_dispose(&sql);
    if (!ok) return false;
    TarnDataFile *file = &files->items[files->count++];
    *file = (TarnDataFile){.path = tarn_base_text(location),
                           .format = TARN_TEXT("PARQUET"),
                           .spec_id = first->spec_id,
                           .partition = first->partition,
                           .partition_count = first->partition_count,
                           .sort_order_id = -1,
                           .first_row_id = TARN_ABSENT,
                           .content_offset = TARN_ABSENT,
                           .content_size = TARN_ABSENT};
    files->locations[files->location_count++] = location;
    ok = written_count == 1
             ? read_metrics(writer, location, written[0].file_size_bytes, file)
             : tarn_base_error_set(writer->error, TARN_E_ENGINE,
                                   "DuckDB wrote %zu files for one of deletes", written_count);
    file->content = TARN_CONTENT_POSITION_DELETES;
    if (count == 1) file->referenced_data_file = first->path;
    set_path_bounds(file, first->path, deletes[count - 1].task->file->path);
    return ok;
}

static bool same_partition(Writer *writer, const TarnDataFile *a, const TarnDataFile *b,
                           bool *same) {
    TarnBuffer keys[2];
    bool ok = true;
    for (size_t i = 0; i < 2; i++) {
        const TarnDataFile *file = i == 0 ? a : b;
        tarn_base_buffer_init(&keys[i], TARN_LIMIT_FIELD_BYTES);
        ok = ok && tarn_table_partition_key(file->spec_id, file->partition, file->partition_count,
                                            &keys[i], writer->error);
    }
    *same = ok &&
            tarn_base_text_equal(tarn_base_buffer_view(&keys[0]), tarn_base_buffer_view(&keys[1]));
    tarn_base_buffer_dispose(&keys[0]);
    tarn_base_buffer_dispose(&keys[1]);
    return ok;
}

/* Paths of one partition lie together, since its folder is in them; where they do not, a partition
 * gets several files. */
static bool write_position_deletes(Writer *writer, const TarnNewDeletes *deletes, size_t count) {
    const char *granularity = tarn_table_metadata_property(writer->options->metadata,
                                                           "write.delete.granularity");
    bool by_partition = granularity != NULL ? strcmp(granularity, "partition") == 0
                                            : count > FILES_OF_THEIR_OWN_MAX ||
                                                  writer->options->joined;
    size_t end;
    for (size_t start = 0; start < count; start = end) {
        bool same = by_partition;
        for (end = start + 1; same && end < count && end - start < TARN_DELETE_FILE_TARGETS_MAX;
             end += same) {
            if (!same_partition(writer, deletes[start].task->file, deletes[end].task->file,
                                &same)) {
                return false;
            }
        }
        if (!write_group(writer, deletes + start, end - start)) return false;
    }
    return true;
}

bool tarn_query__delete_files_write(const TarnDeleteFilesOptions *options, TarnNewDeletes *deletes,
                                    size_t count, TarnArena *arena, TarnDeleteFiles *files,
                                    TarnError *error) {
    Writer writer = {.options = options, .arena = arena, .files = files, .error = error};
    *files = (TarnDeleteFiles){0};
    if (count == 0) return true;
    files->items = TARN_NEW_ARRAY(arena, count, TarnDataFile);
    files->locations = TARN_NEW_ARRAY(arena, count, const char *);
    const char *data = tarn_base_arena_printf(arena, "%s/data", options->metadata->location);
    if (!tarn_base_arena_check(arena, error) ||
        !tarn_store_prepare_directory(options->store, data, error)) {
        return false;
    }
    qsort(deletes, count, sizeof(*deletes), compare_deletes);
    bool vectors = options->metadata->format_version >= 3;
    return (vectors ? tarn_query__deletion_vectors_write : write_position_deletes)(&writer, deletes,
                                                                                   count) &&
           !TARN_FAULT("query.dml.after_delete_files", error);
}
