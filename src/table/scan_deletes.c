/* Which delete files apply to which data files.
 *
 * The rules are the specification's ("Scan Planning"): a deletion vector applies to its one data
 * file; a position delete file to data files of its partition that are not newer; an equality
 * delete file to data files of its partition (or of all, if its spec has no fields) that are
 * older. A data file with a deletion vector has no position deletes beside it.
 *
 * Deletes that name their data file are found by its path alone. Others are found by partition,
 * and position deletes among them are left out when the bounds of their path column exclude the
 * data file; those bounds may be cut to 16 characters, with or without an incremented upper one.
 */
#include <math.h>
#include <stdlib.h>

#include "base/limits.h"
#include "table/scan_private.h"

void tarn_table__delete_index_init(TarnDeleteIndex *index, TarnArena *arena) {
    *index = (TarnDeleteIndex){.arena = arena};
    tarn_base_map_init(&index->by_path, arena);
    tarn_base_map_init(&index->by_partition, arena);
}

/* --- keys of partitions --- */

static void put_literal(TarnBuffer *out, const TarnLiteral *literal) {
    tarn_base_buffer_byte(out, literal->is_null ? 0 : 1);
    if (literal->is_null) return;
    switch (literal->kind) {
    case TARN_TYPE_STRING:
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY: {
        uint64_t size = literal->as.bytes.size;
        tarn_base_buffer_append(out, &size, sizeof(size));
        tarn_base_buffer_append(out, literal->as.bytes.data, literal->as.bytes.size);
        return;
    }
    case TARN_TYPE_BOOLEAN: tarn_base_buffer_byte(out, literal->as.boolean); return;
    case TARN_TYPE_DECIMAL:
        tarn_base_buffer_append(out, &literal->as.decimal, sizeof(literal->as.decimal));
        return;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE: {
        double real = isnan(literal->as.real) ? (double)NAN : literal->as.real;
        tarn_base_buffer_append(out, &real, sizeof(real));
        return;
    }
    default:
        tarn_base_buffer_append(out, &literal->as.integer, sizeof(literal->as.integer));
        return;
    }
}

bool tarn_table_partition_key(int32_t spec_id, const TarnLiteral *values, size_t count,
                               TarnBuffer *key, TarnError *error) {
    tarn_base_buffer_append(key, &spec_id, sizeof(spec_id));
    for (size_t i = 0; i < count; i++) put_literal(key, &values[i]);
    return tarn_base_buffer_check(key, error);
}

/* --- building --- */

bool tarn_table_spec_is_unpartitioned(const TarnPartitionSpec *spec) {
    for (size_t i = 0; i < spec->field_count; i++) {
        if (spec->fields[i].transform.kind != TARN_TRANSFORM_VOID) return false;
    }
    return true;
}

/* The list of a key; the map keeps the key's bytes, so a new one is copied. */
static TarnDeleteList *list_of(TarnDeleteIndex *index, TarnMap *map, TarnText key) {
    TarnDeleteList *list = tarn_base_map_get(map, key);
    if (list != NULL) return list;
    list = TARN_NEW(index->arena, TarnDeleteList);
    TarnText copy = {tarn_base_arena_copy(index->arena, key.data, key.size), key.size};
    if (list == NULL || copy.data == NULL) return NULL;
    tarn_base_map_put(map, copy, list);
    return tarn_base_arena_failed(index->arena) ? NULL : list;
}

bool tarn_table__delete_index_add(TarnDeleteIndex *index, const TarnDataFile *file,
                                  int64_t sequence_number, const TarnPartitionSpec *spec,
                                  TarnError *error) {
    TarnArena *arena = index->arena;
    TarnDeleteList *list = NULL;
    if (file->content == TARN_CONTENT_EQUALITY_DELETES && tarn_table_spec_is_unpartitioned(spec)) {
        list = &index->everywhere;
    } else if (file->content == TARN_CONTENT_POSITION_DELETES &&
               file->referenced_data_file.data != NULL) {
        list = list_of(index, &index->by_path, file->referenced_data_file);
    } else {
        TarnBuffer key;
        tarn_base_buffer_init(&key, TARN_LIMIT_FIELD_BYTES);
        bool done = tarn_table_partition_key(spec->id, file->partition, file->partition_count,
                                              &key, error);
        if (done) list = list_of(index, &index->by_partition, tarn_base_buffer_view(&key));
        tarn_base_buffer_dispose(&key);
        if (!done) return false;
    }
    TarnScanDelete *item = list != NULL ? TARN_PUSH(arena, list) : NULL;
    if (item == NULL) return tarn_base_arena_check(arena, error);
    *item = (TarnScanDelete){.file = file, .sequence_number = sequence_number};
    list->sorted = false;
    index->count++;
    return true;
}

bool tarn_table__delete_index_partition(TarnDeleteIndex *index, int32_t spec_id,
                                        const TarnLiteral *values, size_t count,
                                        TarnDeleteList **list, TarnError *error) {
    *list = NULL;
    if (index->by_partition.count == 0) return true;
    TarnBuffer key;
    tarn_base_buffer_init(&key, TARN_LIMIT_FIELD_BYTES);
    bool done = tarn_table_partition_key(spec_id, values, count, &key, error);
    if (done) *list = tarn_base_map_get(&index->by_partition, tarn_base_buffer_view(&key));
    tarn_base_buffer_dispose(&key);
    return done;
}

/* --- finding --- */

static int compare_deletes(const void *a, const void *b) {
    const TarnScanDelete *x = a;
    const TarnScanDelete *y = b;
    if (x->sequence_number != y->sequence_number) {
        return x->sequence_number < y->sequence_number ? -1 : 1;
    }
    /* A total order, so that plans are the same each time. */
    size_t common = x->file->path.size < y->file->path.size ? x->file->path.size
                                                            : y->file->path.size;
    int order = memcmp(x->file->path.data, y->file->path.data, common);
    if (order != 0) return order;
    return (x->file->path.size > y->file->path.size) - (x->file->path.size < y->file->path.size);
}

static void sort_list(TarnDeleteList *list) {
    if (list->sorted) return;
    if (list->count > 1) qsort(list->items, list->count, sizeof(*list->items), compare_deletes);
    list->sorted = true;
}

static const TarnColumnMetrics *path_metrics(const TarnDataFile *file) {
    for (size_t i = 0; i < file->column_count; i++) {
        if (file->columns[i].field_id == TARN_FIELD_DELETE_FILE_PATH) return &file->columns[i];
    }
    return NULL;
}

static int compare_text(TarnText a, TarnText b) {
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static bool bounds_exclude(const TarnDataFile *deletes, TarnText path) {
    const TarnColumnMetrics *metrics = path_metrics(deletes);
    if (metrics == NULL) return false;
    if (metrics->lower.data != NULL && compare_text(path, metrics->lower) < 0) return true;
    if (metrics->upper.data == NULL || compare_text(path, metrics->upper) <= 0) return false;
    return path.size < metrics->upper.size ||
           memcmp(path.data, metrics->upper.data, metrics->upper.size) != 0;
}

static bool applies(const TarnScanDelete *item, const TarnDataFile *file, int64_t sequence_number,
                    bool has_vector) {
    if (item->file->content == TARN_CONTENT_EQUALITY_DELETES) {
        return sequence_number < item->sequence_number;
    }
    if (sequence_number > item->sequence_number) return false;
    if (tarn_table_file_is_deletion_vector(item->file)) return true;
    return !has_vector && !bounds_exclude(item->file, file->path);
}

typedef struct Found {
    TarnScanDelete *items; /* NULL: only counting */
    size_t count;
    size_t first; /* where in the list the first that applies is */
} Found;

static void collect(TarnDeleteList *list, const TarnDataFile *file, int64_t sequence_number,
                    bool has_vector, Found *found) {
    if (list == NULL) return;
    sort_list(list);
    /* Deletes older than the file are at the front, and there may be very many. */
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->items[middle].sequence_number < sequence_number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (size_t i = low; i < list->count; i++) {
        if (!applies(&list->items[i], file, sequence_number, has_vector)) continue;
        if (found->count == 0) found->first = i;
        if (found->items != NULL) found->items[found->count] = list->items[i];
        found->count++;
    }
}

static bool find_vector(const TarnDeleteList *list, const TarnDataFile *file,
                        int64_t sequence_number, bool *has_vector, TarnError *error) {
    *has_vector = false;
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        const TarnScanDelete *item = &list->items[i];
        if (!tarn_table_file_is_deletion_vector(item->file) ||
            item->sequence_number < sequence_number) {
            continue;
        }
        if (*has_vector) {
            return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                       "data file \"%.*s\" has more than one deletion vector",
                                       TARN_TEXT_ARG(file->path));
        }
        *has_vector = true;
    }
    return true;
}

bool tarn_table__delete_index_find(TarnDeleteIndex *index, TarnDeleteList *partition,
                                   const TarnDataFile *file, int64_t sequence_number,
                                   const TarnScanDelete **deletes, size_t *count,
                                   TarnError *error) {
    TarnDeleteList *lists[3] = {tarn_base_map_get(&index->by_path, file->path), partition,
                                &index->everywhere};
    bool has_vector = false;
    if (!find_vector(lists[0], file, sequence_number, &has_vector, error)) return false;
    Found found = {0};
    const TarnDeleteList *only = NULL;
    for (size_t i = 0; i < 3; i++) {
        size_t before = found.count;
        collect(lists[i], file, sequence_number, has_vector, &found);
        if (found.count == before) continue;
        only = before == 0 ? lists[i] : NULL;
    }
    *deletes = NULL;
    *count = found.count;
    if (found.count == 0) return true;
    if (only != NULL && only->count - found.first == found.count) {
        /* The rest of one list: shared by all files that it applies to. */
        *deletes = &only->items[found.first];
        return true;
    }
    Found copy = {.items = TARN_NEW_ARRAY(index->arena, found.count, TarnScanDelete)};
    if (copy.items == NULL) return tarn_base_arena_check(index->arena, error);
    for (size_t i = 0; i < 3; i++) collect(lists[i], file, sequence_number, has_vector, &copy);
    qsort(copy.items, copy.count, sizeof(*copy.items), compare_deletes);
    *deletes = copy.items;
    return true;
}
