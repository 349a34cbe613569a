/* Lists of files for the functions that a scan's SQL calls.
 *
 * SQL can carry numbers only, so what the functions need is registered here under a number that is
 * never used twice: a view that outlived its statement finds nothing instead of another table's
 * files. Everything is written by the session's own thread before the engine runs the statement
 * and only read while it does, so there is no lock.
 */
#include "query/file_lists_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct FileList {
    TarnListedFile *items;
    size_t count;
} FileList;

struct TarnFileLists {
    int64_t first_id; /* of lists[0] */
    struct {
        FileList *items;
        size_t count;
        size_t capacity;
    } lists;
    struct {
        TarnRoaring **items;
        size_t count;
        size_t capacity;
    } bitmaps;
};

/* --- the registry --- */

static bool make_room(void **items, size_t count, size_t *capacity, size_t size, TarnError *error) {
    if (count < *capacity) return true;
    size_t wanted = *capacity == 0 ? 16 : *capacity * 2;
    void *grown = realloc(*items, wanted * size);
    if (grown == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory for a scan");
    }
    *items = grown;
    *capacity = wanted;
    return true;
}

void tarn_query__file_lists_clear(TarnFileLists *lists) {
    for (size_t i = 0; i < lists->lists.count; i++) free(lists->lists.items[i].items);
    for (size_t i = 0; i < lists->bitmaps.count; i++) {
        tarn_format_roaring_free(lists->bitmaps.items[i]);
    }
    lists->first_id += (int64_t)lists->lists.count;
    lists->lists.count = 0;
    lists->bitmaps.count = 0;
}

bool tarn_query__file_lists_add(TarnFileLists *lists, const TarnListedFile *items, size_t count,
                                int64_t *id, TarnError *error) {
    if (!make_room((void **)&lists->lists.items, lists->lists.count, &lists->lists.capacity,
                   sizeof(FileList), error)) {
        return false;
    }
    FileList list = {.items = malloc((count + 1) * sizeof(*items)), .count = count};
    if (list.items == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory for a scan");
    }
    memcpy(list.items, items, count * sizeof(*items));
    *id = lists->first_id + (int64_t)lists->lists.count;
    lists->lists.items[lists->lists.count++] = list;
    return true;
}

bool tarn_query__file_lists_own(TarnFileLists *lists, TarnRoaring *bitmap, TarnError *error) {
    if (!make_room((void **)&lists->bitmaps.items, lists->bitmaps.count, &lists->bitmaps.capacity,
                   sizeof(TarnRoaring *), error)) {
        tarn_format_roaring_free(bitmap);
        return false;
    }
    lists->bitmaps.items[lists->bitmaps.count++] = bitmap;
    return true;
}

static void free_lists(void *state) {
    TarnFileLists *lists = state;
    tarn_query__file_lists_clear(lists);
    free(lists->lists.items);
    free(lists->bitmaps.items);
    free(lists);
}

/* --- the functions --- */

static bool find_list(const TarnFileLists *lists, int64_t id, const FileList **list,
                      TarnError *error) {
    int64_t place = id - lists->first_id;
    if (place < 0 || place >= (int64_t)lists->lists.count) {
        return tarn_base_error_set(error, TARN_E_SQL_EXECUTION,
                                   "the scan %" PRId64 " is of a statement that has ended", id);
    }
    *list = &lists->lists.items[place];
    return true;
}

static bool find_file(const FileList *list, uint64_t index, const TarnListedFile **file,
                      TarnError *error) {
    if (index >= list->count) {
        return tarn_base_error_set(error, TARN_E_SQL_EXECUTION,
                                   "a scan of %zu files has no file %" PRIu64, list->count, index);
    }
    *file = &list->items[index];
    return true;
}

/* How many rows, from the first on, are of one file. */
static size_t rows_of_file(const uint64_t *files, size_t count) {
    size_t same = 1;
    if (memcmp(files, files + 1, (count - 1) * sizeof(*files)) == 0) return count;
    while (files[same] == files[0]) same++;
    return same;
}

/* Eight at a time: a bool is a byte of 0 or 1. */
static void invert(bool *values, size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        uint64_t eight;
        memcpy(&eight, values + i, sizeof(eight));
        eight ^= 0x0101010101010101u;
        memcpy(values + i, &eight, sizeof(eight));
    }
    for (; i < count; i++) values[i] = !values[i];
}

/* Rows come file by file: each stretch of one file is looked up at once. */
static bool call_alive(void *state, const TarnEngineVector *arguments, uint32_t argument_count,
                       TarnEngineOutput *output, TarnError *error) {
    (void)argument_count;
    const FileList *list = NULL;
    const uint64_t *files = arguments[1].data;
    const int64_t *positions = arguments[2].data;
    bool *alive = output->data;
    if (output->rows == 0) return true;
    if (!find_list(state, ((const int64_t *)arguments[0].data)[0], &list, error)) return false;
    for (uint64_t start = 0, end; start < output->rows; start = end) {
        const TarnListedFile *file = NULL;
        end = start + rows_of_file(files + start, output->rows - start);
        if (!find_file(list, files[start], &file, error)) return false;
        if (file->deleted == NULL) {
            memset(alive + start, true, end - start);
            continue;
        }
        tarn_format_roaring_contains_many(file->deleted, positions + start, end - start,
                                          alive + start);
        if (!file->only) invert(alive + start, end - start);
    }
    return true;
}

static bool call_fact(void *state, const TarnEngineVector *arguments, uint32_t argument_count,
                      TarnEngineOutput *output, TarnError *error) {
    (void)argument_count;
    const FileList *list = NULL;
    const uint64_t *files = arguments[2].data;
    int64_t *facts = output->data;
    if (output->rows == 0) return true;
    int64_t which = ((const int64_t *)arguments[1].data)[0];
    if (which < 0 || which >= TARN_FILE_FACT_COUNT) {
        return tarn_base_error_set(error, TARN_E_SQL_EXECUTION, "files have no fact %" PRId64,
                                   which);
    }
    if (!find_list(state, ((const int64_t *)arguments[0].data)[0], &list, error)) return false;
    for (uint64_t row = 0; row < output->rows; row++) {
        const TarnListedFile *file = NULL;
        if (!find_file(list, files[row], &file, error)) return false;
        facts[row] = file->facts[which];
        if (which == TARN_FILE_FIRST_ROW_ID && facts[row] < 0) tarn_engine_output_null(output, row);
    }
    return true;
}

/* The engine owns a state from the moment its function is registered; only one function does. */
bool tarn_query__file_lists_open(TarnEngineSession *session, TarnFileLists **result,
                                 TarnError *error) {
    static const TarnEngineKind alive[] = {TARN_ENGINE_BIGINT, TARN_ENGINE_UBIGINT,
                                           TARN_ENGINE_BIGINT};
    static const TarnEngineKind fact[] = {TARN_ENGINE_BIGINT, TARN_ENGINE_BIGINT,
                                          TARN_ENGINE_UBIGINT};
    TarnFileLists *lists = calloc(1, sizeof(*lists));
    if (lists == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory for scans");
    }
    lists->first_id = 1;
    TarnEngineScalar scalar = {.name = "tarn_alive",
                               .arguments = alive,
                               .argument_count = 3,
                               .result = TARN_ENGINE_BOOLEAN,
                               .call = call_alive,
                               .state = lists,
                               .state_free = free_lists};
    if (!tarn_engine_scalar_register(session, &scalar, error)) return false;
    scalar = (TarnEngineScalar){.name = "tarn_file_fact",
                                .arguments = fact,
                                .argument_count = 3,
                                .result = TARN_ENGINE_BIGINT,
                                .call = call_fact,
                                .state = lists};
    *result = lists;
    return tarn_engine_scalar_register(session, &scalar, error);
}
