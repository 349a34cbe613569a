/* Which rows of a plan's files are deleted by position: deletion vectors and position delete files
 * become one bitmap a data file.
 *
 * The plan says which delete files apply to which data file. A deletion vector is a range of a
 * Puffin file. Position delete files are read by the engine, all of a plan in one query; a row of
 * one is about the data file it names, if that is in the plan and the delete file applies to it.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "format/deletion_vector.h"
#include "query/scan_private.h"

/* More paths than these are not listed in the filter of the query. */
#define PATHS_LISTED_MAX 64

typedef struct Loader {
    TarnQuery *query;
    const TarnTable *table;
    const TarnScanPlan *plan;
    TarnRoaring **positions;
    TarnArena *arena;
    TarnError *error;
    TarnMap known; /* path of a position delete file -> itself */
    struct {
        const TarnDataFile **items;
        size_t count;
        size_t capacity;
    } files;
    TarnMap tasks; /* path of a data file with position deletes -> &task_numbers[task] */
    size_t *task_numbers;
    /* the stretch of rows being read */
    const TarnDataFile *last_file;
    TarnText last_path;
    TarnRoaring *last; /* NULL = the rows do not matter */
} Loader;

static bool own_bitmap(Loader *loader, size_t task, TarnRoaring *bitmap) {
    TarnFileLists *lists = loader->query->file_lists;
    if (!tarn_query__file_lists_own(lists, bitmap, loader->error)) return false;
    loader->positions[task] = bitmap;
    return true;
}

/* --- deletion vectors --- */

static bool load_vector(Loader *loader, size_t task, const TarnDataFile *file) {
    TarnArena scratch;
    TarnText blob;
    TarnRoaring *bitmap = NULL;
    tarn_base_arena_init(&scratch, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    const char *location = tarn_base_text_string(&scratch, file->path);
    bool ok = tarn_base_arena_check(&scratch, loader->error);
    if (ok && (strncasecmp(file->format.data, "PUFFIN", file->format.size) != 0 ||
               file->content_offset < 0 || file->content_size <= 0)) {
        ok = tarn_base_error_set(loader->error, TARN_E_METADATA_INVALID,
                                 "the deletion vector in \"%s\" has no valid place in its file",
                                 location);
    }
    ok = ok &&
         tarn_store_get(loader->table->store, location,
                        (TarnStoreRange){file->content_offset, (uint64_t)file->content_size},
                        (size_t)file->content_size, &scratch, &blob, NULL, loader->error) &&
         tarn_format_deletion_vector_read(blob, file->record_count, location, 0, &bitmap,
                                          loader->error) &&
         own_bitmap(loader, task, bitmap);
    tarn_base_arena_dispose(&scratch);
    return ok;
}

/* --- position delete files --- */

static bool note_file(Loader *loader, size_t task, const TarnDataFile *file) {
    loader->task_numbers[task] = task;
    tarn_base_map_put(&loader->tasks, loader->plan->tasks[task].file->path,
                      &loader->task_numbers[task]);
    if (tarn_base_map_has(&loader->known, file->path)) return true;
    tarn_base_map_put(&loader->known, file->path, &loader->known);
    const TarnDataFile **item = TARN_PUSH(loader->arena, &loader->files);
    if (item != NULL) *item = file;
    return tarn_base_arena_check(loader->arena, loader->error);
}

static bool collect(Loader *loader) {
    for (size_t i = 0; i < loader->plan->task_count; i++) {
        const TarnScanTask *task = &loader->plan->tasks[i];
        for (size_t d = 0; d < task->delete_count; d++) {
            const TarnDataFile *file = task->deletes[d].file;
            if (file->content != TARN_CONTENT_POSITION_DELETES) continue;
            bool vector = tarn_table_file_is_deletion_vector(file);
            if (!(vector ? load_vector : note_file)(loader, i, file)) {
                return false;
            }
        }
    }
    return true;
}

static bool write_query(const Loader *loader, TarnBuffer *sql) {
    tarn_base_buffer_string(sql, "SELECT file_index, file_path, pos FROM read_parquet([");
    for (size_t i = 0; i < loader->files.count; i++) {
        const char *path = NULL;
        if (!tarn_query__scan_path(loader->table->store, loader->files.items[i], loader->arena,
                                   &path, loader->error)) {
            return false;
        }
        tarn_base_buffer_string(sql, i > 0 ? ", " : "");
        tarn_base_buffer_literal(sql, tarn_base_text(path));
    }
    tarn_base_buffer_printf(sql,
                            "], hive_partitioning = false, schema = MAP {%d: {'name': 'file_path', "
                            "'type': 'VARCHAR', 'default_value': NULL}, %d: {'name': 'pos', "
                            "'type': 'BIGINT', 'default_value': NULL}})",
                            TARN_FIELD_DELETE_FILE_PATH, TARN_FIELD_DELETE_POS);
    for (size_t i = 0; loader->tasks.count <= PATHS_LISTED_MAX && i < loader->tasks.count; i++) {
        tarn_base_buffer_string(sql, i > 0 ? ", " : " WHERE file_path IS NULL OR file_path IN (");
        tarn_base_buffer_literal(sql, loader->tasks.items[i].key);
    }
    if (loader->tasks.count <= PATHS_LISTED_MAX) tarn_base_buffer_byte(sql, ')');
    return tarn_base_buffer_check(sql, loader->error);
}

static bool applies(const TarnScanTask *task, const TarnDataFile *file) {
    for (size_t i = 0; i < task->delete_count; i++) {
        if (task->deletes[i].file->content == TARN_CONTENT_POSITION_DELETES &&
            tarn_base_text_equal(task->deletes[i].file->path, file->path)) {
            return true;
        }
    }
    return false;
}

/* Where the rows of one delete file about one data file go. */
static bool turn_to(Loader *loader, const TarnDataFile *file, TarnText path) {
    const size_t *task = tarn_base_map_get(&loader->tasks, path);
    loader->last_file = file;
    loader->last_path = path;
    loader->last = NULL;
    if (task == NULL) return true;
    loader->last_path = loader->plan->tasks[*task].file->path; /* lives longer than the row */
    if (!applies(&loader->plan->tasks[*task], file)) return true;
    if (loader->positions[*task] == NULL) {
        TarnRoaring *bitmap = NULL;
        if (!tarn_format_roaring_new(0, &bitmap, loader->error) ||
            !own_bitmap(loader, *task, bitmap)) {
            return false;
        }
    }
    loader->last = loader->positions[*task];
    return true;
}

static bool take_row(Loader *loader, const TarnEngineChunk *chunk, uint64_t row) {
    uint64_t number = ((const uint64_t *)chunk->columns[0].data)[row];
    int64_t position = ((const int64_t *)chunk->columns[2].data)[row];
    bool missing = tarn_engine_vector_null(&chunk->columns[1], row) ||
                   tarn_engine_vector_null(&chunk->columns[2], row);
    const TarnDataFile *file = number < loader->files.count ? loader->files.items[number] : NULL;
    if (file == NULL) {
        return tarn_base_error_set(loader->error, TARN_E_INTERNAL, "a delete file of no number");
    }
    if (missing || position < 0) {
        return tarn_base_error_set(loader->error, TARN_E_FORMAT_CORRUPT,
                                   "the delete file \"%.*s\" has a row without a file path or a "
                                   "valid position",
                                   TARN_TEXT_ARG(file->path));
    }
    TarnText path = tarn_engine_vector_text(&chunk->columns[1], row);
    bool same = file == loader->last_file && tarn_base_text_equal(path, loader->last_path);
    if (!same && !turn_to(loader, file, path)) return false;
    return loader->last == NULL ||
           tarn_format_roaring_add(loader->last, (uint64_t)position, NULL, loader->error);
}

static bool read_rows(Loader *loader, TarnEngineResult *rows) {
    const TarnEngineChunk *chunk = NULL;
    for (;;) {
        if (!tarn_engine_result_next(rows, &chunk, loader->error)) return false;
        if (chunk == NULL) return true;
        for (uint64_t row = 0; row < chunk->rows; row++) {
            if (!take_row(loader, chunk, row)) return false;
        }
        loader->last_file = NULL; /* its path may be a view into the chunk */
    }
}

static bool read_files(Loader *loader) {
    TarnEngineResult *rows = NULL;
    TarnBuffer sql;
    if (loader->files.count == 0) return true;
    tarn_base_buffer_init(&sql, 16 * TARN_LIMIT_SQL_BYTES);
    bool ok = write_query(loader, &sql) &&
              tarn_engine_query(loader->query->session, tarn_base_buffer_view(&sql), NULL, 0, &rows,
                                loader->error) &&
              read_rows(loader, rows);
    tarn_engine_result_free(rows);
    tarn_base_buffer_dispose(&sql);
    return ok ||
           tarn_base_error_context(loader->error, "while reading position deletes of \"%s.%s\"",
                                   loader->table->name.ns, loader->table->name.name);
}

bool tarn_query__deletes_load(TarnQuery *query, const TarnTable *table, const TarnScanPlan *plan,
                              TarnArena *arena, TarnRoaring ***positions, TarnError *error) {
    *positions = NULL;
    if (!plan->has_deletes) return true;
    Loader loader = {.query = query, .table = table, .plan = plan, .arena = arena, .error = error};
    loader.positions = TARN_NEW_ARRAY(arena, plan->task_count + 1, TarnRoaring *);
    loader.task_numbers = TARN_NEW_ARRAY(arena, plan->task_count + 1, size_t);
    tarn_base_map_init(&loader.known, arena);
    tarn_base_map_init(&loader.tasks, arena);
    if (!tarn_base_arena_check(arena, error) || !collect(&loader) || !read_files(&loader)) {
        return false;
    }
    *positions = loader.positions;
    return true;
}
