/* Scan planning.
 *
 * 1. The manifest list names the manifests; each is pruned by its partition summaries under its
 *    own spec. 2. The rest are decoded, several at a time, unless the cache has them. 3. Deletes
 * are indexed. 4. Per manifest and distinct partition tuple the predicate is folded once; files of
 * tuples that cannot match are passed over without being looked at. 5. Column metrics judge what
 * the partition values leave open: first those of some files together, then each file's.
 *
 * The plan points into pinned manifests instead of copying: a plan of all files costs its tasks.
 * Not here: reading data, applying deletes.
 */
#include "table/scan.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "table/manifest_cache_private.h"
#include "table/manifest_stretch_private.h"
#include "table/scan_private.h"

struct TarnScanPins {
    const TarnManifestListPin *list;
    const TarnManifestPin **manifests;
    size_t count;
};

typedef struct Planner {
    const TarnScanOptions *options;
    const TarnPredicate *predicate;
    TarnArena *arena;
    TarnScanPlan *plan;
    TarnSpecFilters filters;
    const TarnManifestFile *files; /* rows of the manifest list */
    size_t file_count;
    bool *wanted;
    const TarnManifestPin **pins;
    TarnManifestReadOptions read;
    TarnDeleteIndex deletes;
    struct {
        TarnScanDelete *items;
        size_t count;
        size_t capacity;
    } all_deletes;
    size_t capacity;  /* of plan->tasks */
    uint64_t *hashes; /* of the tasks' paths */
    size_t hash_count;
    size_t hash_capacity;
} Planner;

/* --- filters by spec --- */

bool tarn_table__spec_filters_init(TarnSpecFilters *filters, const TarnTableMetadata *metadata,
                                   const TarnPredicate *predicate, TarnArena *arena,
                                   TarnError *error) {
    *filters = (TarnSpecFilters){.metadata = metadata, .predicate = predicate, .arena = arena};
    filters->filters = TARN_NEW_ARRAY(arena, metadata->spec_count, TarnPartitionFilter *);
    return tarn_base_arena_check(arena, error);
}

bool tarn_table__spec_filters_get(TarnSpecFilters *filters, const TarnManifestFile *file,
                                  const TarnPartitionFilter **filter,
                                  const TarnPartitionSpec **spec, TarnError *error) {
    *spec = tarn_table_metadata_spec(filters->metadata, file->spec_id);
    if (*spec == NULL) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "manifest \"%.*s\" is of partition spec %" PRId32
                                   ", which the table does not have",
                                   TARN_TEXT_ARG(file->path), file->spec_id);
    }
    size_t at = (size_t)(*spec - filters->metadata->specs);
    if (filters->filters[at] == NULL &&
        !tarn_table_partition_filter_new(filters->predicate, *spec, filters->arena,
                                         &filters->filters[at], error)) {
        return false;
    }
    *filter = filters->filters[at];
    return true;
}

bool tarn_table__manifest_has_live(const TarnManifestFile *file) {
    return file->added_files != 0 || file->existing_files != 0;
}

int64_t tarn_table__entry_sequence(const TarnManifestEntry *entry, const TarnManifest *manifest,
                                   const TarnManifestFile *file) {
    if (manifest->format_version == 1) return 0;
    if (entry->sequence_number != TARN_ABSENT) return entry->sequence_number;
    bool inherits = entry->status == TARN_ENTRY_ADDED || file->sequence_number == 0;
    return inherits ? file->sequence_number : TARN_ABSENT;
}

/* --- which manifests --- */

/* Of what a snapshot changed only the manifests that it added speak. */
static bool may_have_entries(const Planner *planner, const TarnManifestFile *file) {
    TarnScanEntries entries = planner->options->entries;
    if (entries == TARN_SCAN_LIVE) return tarn_table__manifest_has_live(file);
    if (file->is_deletes || file->added_snapshot_id != planner->plan->snapshot_id) return false;
    return (entries == TARN_SCAN_ADDED ? file->added_files : file->deleted_files) != 0;
}

static bool select_manifests(Planner *planner, TarnError *error) {
    TarnScanPlan *plan = planner->plan;
    for (size_t i = 0; i < planner->file_count; i++) {
        const TarnManifestFile *file = &planner->files[i];
        const TarnPartitionFilter *filter = NULL;
        const TarnPartitionSpec *spec = NULL;
        if (!tarn_table__spec_filters_get(&planner->filters, file, &filter, &spec, error)) {
            return false;
        }
        /* Some writers may sum up the partitions of live files alone. */
        bool removed = planner->options->entries == TARN_SCAN_REMOVED;
        planner->wanted[i] = may_have_entries(planner, file) &&
                             (removed ||
                              tarn_table_partition_filter_manifest(filter, file->partitions,
                                                                   file->partition_count));
        size_t *total = file->is_deletes ? &plan->delete_manifests_total : &plan->manifests_total;
        size_t *read = file->is_deletes ? &plan->delete_manifests_read : &plan->manifests_read;
        *total += 1;
        *read += planner->wanted[i];
    }
    return true;
}

/* Without data to read no delete needs to be known. */
static void drop_deletes_without_data(Planner *planner) {
    if (planner->plan->manifests_read > 0 || planner->options->all_deletes) return;
    for (size_t i = 0; i < planner->file_count; i++) planner->wanted[i] = false;
    planner->plan->delete_manifests_read = 0;
}

static int compare_ids(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static bool choose_metrics(Planner *planner, TarnError *error) {
    const TarnScanOptions *options = planner->options;
    if (options->all_metrics) return true;
    int32_t *own = NULL;
    size_t own_count = 0;
    if (!tarn_table_predicate_fields(planner->predicate, planner->arena, &own, &own_count, error)) {
        return false;
    }
    size_t count = own_count + options->field_id_count;
    int32_t *ids = TARN_NEW_ARRAY(planner->arena, count, int32_t);
    if (ids == NULL) return tarn_base_arena_check(planner->arena, error);
    if (own_count > 0) memcpy(ids, own, own_count * sizeof(*ids));
    if (options->field_id_count > 0) {
        memcpy(ids + own_count, options->field_ids, options->field_id_count * sizeof(*ids));
    }
    qsort(ids, count, sizeof(*ids), compare_ids);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || ids[kept - 1] != ids[i]) ids[kept++] = ids[i];
    }
    planner->read.field_ids = ids;
    planner->read.field_id_count = kept;
    planner->read.without_metrics = kept == 0;
    return true;
}

/* --- reading them --- */

typedef struct Acquisition {
    TarnManifestCache *cache;
    TarnStore *store;
    const TarnTableMetadata *metadata;
    const TarnManifestFile *manifests;
    const TarnManifestReadOptions *data_options;
    const TarnManifestPin **pins;
    size_t *missing; /* indexes of manifests */
    size_t missing_count;
} Acquisition;

static const int32_t DELETE_FIELDS[] = {TARN_FIELD_DELETE_FILE_PATH};
static const TarnManifestReadOptions DELETE_OPTIONS = {.field_ids = DELETE_FIELDS,
                                                       .field_id_count = 1};

static const TarnManifestReadOptions *options_for(const Acquisition *work, size_t index) {
    return work->manifests[index].is_deletes ? &DELETE_OPTIONS : work->data_options;
}

static bool acquire_one(void *state, size_t index, TarnError *error) {
    Acquisition *work = state;
    size_t at = work->missing[index];
    return tarn_table_manifest_acquire(work->cache, work->store, &work->manifests[at],
                                       work->metadata, options_for(work, at), &work->pins[at],
                                       error);
}

void tarn_table__manifests_release(const TarnManifestPin **pins, size_t count) {
    for (size_t i = 0; i < count; i++) {
        tarn_table_manifest_release(pins[i]);
        pins[i] = NULL;
    }
}

bool tarn_table__manifests_acquire(TarnManifestCache *cache, TarnStore *store,
                                   const TarnTableMetadata *metadata,
                                   const TarnManifestFile *manifests, const bool *wanted,
                                   size_t count, const TarnManifestReadOptions *data_options,
                                   uint32_t threads, TarnArena *arena, const TarnManifestPin **pins,
                                   TarnError *error) {
    Acquisition work = {.cache = cache,
                        .store = store,
                        .metadata = metadata,
                        .manifests = manifests,
                        .data_options = data_options,
                        .pins = pins};
    work.missing = TARN_NEW_ARRAY(arena, count, size_t);
    if (work.missing == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < count; i++) {
        pins[i] = NULL;
        if (!wanted[i]) continue;
        pins[i] = tarn_table__manifest_find(cache, &manifests[i], options_for(&work, i));
        if (pins[i] == NULL) work.missing[work.missing_count++] = i;
    }
    if (work.missing_count == 0) return true;
    if (threads == 0) threads = store->os->processors(store->os);
    if (tarn_os_parallel(threads, work.missing_count, acquire_one, &work, error)) return true;
    tarn_table__manifests_release(pins, count);
    return false;
}

/* --- deletes --- */

static bool note_delete(Planner *planner, const TarnDataFile *file, int64_t sequence,
                        TarnError *error) {
    if (!planner->options->all_deletes) return true;
    TarnScanDelete *item = TARN_PUSH(planner->arena, &planner->all_deletes);
    if (item == NULL) return tarn_base_arena_check(planner->arena, error);
    *item = (TarnScanDelete){.file = file, .sequence_number = sequence};
    planner->plan->all_deletes = planner->all_deletes.items;
    planner->plan->all_delete_count = planner->all_deletes.count;
    return true;
}

static bool index_deletes(Planner *planner, size_t index, TarnError *error) {
    const TarnManifestFile *file = &planner->files[index];
    const TarnManifestPin *pin = planner->pins[index];
    const TarnManifest *manifest = pin->manifest;
    const TarnPartitionFilter *filter = NULL;
    const TarnPartitionSpec *spec = NULL;
    if (!tarn_table__spec_filters_get(&planner->filters, file, &filter, &spec, error)) {
        return false;
    }
    for (size_t i = 0; i < manifest->entry_count; i++) {
        const TarnManifestEntry *entry = &manifest->entries[i];
        if (entry->status == TARN_ENTRY_DELETED) continue;
        if (entry->file.content == TARN_CONTENT_DATA) {
            return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                       "manifest \"%.*s\", entry %zu: a data file among deletes",
                                       TARN_TEXT_ARG(file->path), i);
        }
        int64_t sequence = tarn_table__entry_sequence(entry, manifest, file);
        if (sequence == TARN_ABSENT) {
            return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                       "manifest \"%.*s\", entry %zu has no sequence number",
                                       TARN_TEXT_ARG(file->path), i);
        }
        if (!tarn_table__delete_index_add(&planner->deletes, &entry->file, sequence, spec, error) ||
            !note_delete(planner, &entry->file, sequence, error)) {
            return false;
        }
    }
    return true;
}

/* --- tasks --- */

/* What is the same for all files of one partition tuple in a manifest. */
typedef struct TupleMemo {
    const TarnPredicate *residual; /* NULL = not asked for yet */
    TarnDeleteList *deletes;
    bool deletes_known;
} TupleMemo;

typedef struct ManifestScan {
    Planner *planner;
    const TarnManifestFile *file;
    const TarnManifestPin *pin;
    const TarnPartitionFilter *filter;
    const TarnPartitionSpec *spec;
    TupleMemo *memos;
    int64_t next_row_id; /* TARN_ABSENT = not assigned by this manifest */
} ManifestScan;

static void add_saturating(int64_t *sum, int64_t value) {
    if (__builtin_add_overflow(*sum, value, sum)) *sum = INT64_MAX;
}

static bool find_deletes(ManifestScan *scan, uint32_t tuple, TarnScanTask *task, TarnError *error) {
    Planner *planner = scan->planner;
    if (planner->deletes.count == 0) return true;
    TupleMemo *memo = &scan->memos[tuple];
    if (!memo->deletes_known) {
        if (!tarn_table__delete_index_partition(&planner->deletes, scan->spec->id,
                                                task->file->partition, task->file->partition_count,
                                                &memo->deletes, error)) {
            return false;
        }
        memo->deletes_known = true;
    }
    return tarn_table__delete_index_find(&planner->deletes, memo->deletes, task->file,
                                         task->sequence_number, &task->deletes,
                                         &task->delete_count, error);
}

static TarnScanTask *push_task(Planner *planner, uint64_t hash) {
    TarnScanPlan *plan = planner->plan;
    struct {
        TarnScanTask *items;
        size_t count;
        size_t capacity;
    } tasks = {plan->tasks, plan->task_count, planner->capacity};
    TarnScanTask *task = TARN_PUSH(planner->arena, &tasks);
    plan->tasks = tasks.items;
    planner->capacity = tasks.capacity;
    struct {
        uint64_t *items;
        size_t count;
        size_t capacity;
    } hashes = {planner->hashes, planner->hash_count, planner->hash_capacity};
    uint64_t *slot = TARN_PUSH(planner->arena, &hashes);
    planner->hashes = hashes.items;
    planner->hash_capacity = hashes.capacity;
    if (task == NULL || slot == NULL) return NULL;
    plan->task_count++;
    planner->hash_count++;
    *slot = hash;
    return task;
}

static bool refuse_entry(const ManifestScan *scan, size_t number, TarnError *error,
                         const char *what) {
    return tarn_base_error_set(error, TARN_E_METADATA_INVALID, "manifest \"%.*s\", entry %zu: %s",
                               TARN_TEXT_ARG(scan->file->path), number, what);
}

static TarnText copy_text(TarnText text, TarnArena *arena) {
    if (text.data == NULL) return text;
    return (TarnText){tarn_base_arena_string_n(arena, text.data, text.size), text.size};
}

/* Without metrics: the manifest goes. */
static bool copy_file(const TarnDataFile *from, TarnArena *arena, const TarnDataFile **result,
                      TarnError *error) {
    TarnDataFile *file = TARN_NEW(arena, TarnDataFile);
    if (file == NULL) return tarn_base_arena_check(arena, error);
    *file = *from;
    file->columns = NULL;
    file->column_count = 0;
    file->split_offsets = NULL;
    file->split_offset_count = 0;
    file->equality_ids = NULL;
    file->equality_id_count = 0;
    file->path = copy_text(from->path, arena);
    file->format = copy_text(from->format, arena);
    file->key_metadata = copy_text(from->key_metadata, arena);
    file->referenced_data_file = copy_text(from->referenced_data_file, arena);
    if (from->partition_count > 0) {
        file->partition = tarn_base_arena_copy(arena, from->partition,
                                               from->partition_count * sizeof(TarnLiteral));
    }
    for (size_t i = 0; file->partition != NULL && i < from->partition_count; i++) {
        TarnLiteral *value = &file->partition[i];
        bool bytes = value->kind == TARN_TYPE_STRING || value->kind == TARN_TYPE_UUID ||
                     value->kind == TARN_TYPE_FIXED || value->kind == TARN_TYPE_BINARY;
        if (bytes && !value->is_null) value->as.bytes = copy_text(value->as.bytes, arena);
    }
    *result = file;
    return tarn_base_arena_check(arena, error);
}

static bool keep_file(ManifestScan *scan, size_t number, const TarnPredicate *residual,
                      TarnMatch match, int64_t first_row_id, TarnError *error) {
    const TarnManifestEntry *entry = &scan->pin->manifest->entries[number];
    int64_t sequence = tarn_table__entry_sequence(entry, scan->pin->manifest, scan->file);
    if (sequence == TARN_ABSENT && entry->status != TARN_ENTRY_DELETED) {
        return refuse_entry(scan, number, error, "an existing file without a sequence number");
    }
    Planner *planner = scan->planner;
    const TarnScanOptions *options = planner->options;
    TarnScanTask task = {.file = &entry->file,
                         .spec = scan->spec,
                         .snapshot_id = entry->snapshot_id != TARN_ABSENT
                                            ? entry->snapshot_id
                                            : scan->file->added_snapshot_id,
                         .sequence_number = sequence,
                         .file_sequence_number = entry->file_sequence_number != TARN_ABSENT
                                                     ? entry->file_sequence_number
                                                     : scan->file->sequence_number,
                         .first_row_id = first_row_id,
                         .residual = residual,
                         .match = match};
    if (!find_deletes(scan, scan->pin->tuple_of_entry[number], &task, error)) return false;
    if (options->select != NULL) {
        if (!options->select(options->select_state, &task)) return true;
        if (!copy_file(&entry->file, planner->arena, &task.file, error)) return false;
    }
    TarnScanTask *kept = push_task(planner, scan->pin->path_hashes[number]);
    if (kept == NULL) return tarn_base_arena_check(planner->arena, error);
    *kept = task;
    if (task.delete_count > 0) planner->plan->has_deletes = true;
    for (size_t i = 0; i < task.delete_count && !planner->plan->has_equality_deletes; i++) {
        planner->plan->has_equality_deletes = task.deletes[i].file->content ==
                                              TARN_CONTENT_EQUALITY_DELETES;
    }
    add_saturating(&planner->plan->rows, entry->file.record_count);
    add_saturating(&planner->plan->bytes, entry->file.file_size);
    return true;
}

/* v3: assigned in the order of the manifest to the files that have none of their own. */
static int64_t next_row_id(ManifestScan *scan, const TarnManifestEntry *entry) {
    if (entry->file.first_row_id != TARN_ABSENT || scan->next_row_id == TARN_ABSENT) {
        return entry->file.first_row_id;
    }
    int64_t assigned = scan->next_row_id;
    add_saturating(&scan->next_row_id, entry->file.record_count);
    return assigned;
}

/* Whether an entry is one that is asked for. */
static bool is_meant(const ManifestScan *scan, const TarnManifestEntry *entry) {
    TarnScanEntries entries = scan->planner->options->entries;
    if (entries == TARN_SCAN_LIVE) return entry->status != TARN_ENTRY_DELETED;
    int64_t snapshot_id = entry->snapshot_id != TARN_ABSENT ? entry->snapshot_id
                                                            : scan->file->added_snapshot_id;
    return snapshot_id == scan->planner->plan->snapshot_id &&
           entry->status ==
               (entries == TARN_SCAN_ADDED ? TARN_ENTRY_ADDED : TARN_ENTRY_DELETED);
}

static bool scan_entry(ManifestScan *scan, size_t number, TarnError *error) {
    const TarnManifestPin *pin = scan->pin;
    TupleMemo *memo = &scan->memos[pin->tuple_of_entry[number]];
    bool lineage = scan->next_row_id != TARN_ABSENT;
    if (memo->residual != NULL && memo->residual->kind == TARN_PREDICATE_FALSE && !lineage) {
        return true;
    }
    const TarnManifestEntry *entry = &pin->manifest->entries[number];
    bool removed = entry->status == TARN_ENTRY_DELETED;
    int64_t first_row_id = removed ? entry->file.first_row_id : next_row_id(scan, entry);
    if (!is_meant(scan, entry)) return true;
    if (entry->file.content != TARN_CONTENT_DATA) {
        return refuse_entry(scan, number, error, "a delete file among data files");
    }
    if (memo->residual == NULL) {
        memo->residual = tarn_table_partition_filter_residual(
            scan->filter, entry->file.partition, entry->file.partition_count, scan->planner->arena);
        if (memo->residual == NULL) return tarn_base_arena_check(scan->planner->arena, error);
    }
    TarnMatch match = tarn_table_predicate_on_metrics(memo->residual, &entry->file);
    if (match == TARN_MATCH_NONE) return true;
    return keep_file(scan, number, memo->residual, match, first_row_id, error);
}

/* Whether none of the rows of a stretch can match. */
static bool pass_over(ManifestScan *scan, size_t number) {
    /* Stretches are about live files only. */
    bool removed = scan->planner->options->entries == TARN_SCAN_REMOVED;
    if (scan->pin->stretches == NULL || removed) return false;
    const TarnManifestStretch *stretch = &scan->pin->stretches[number];
    if (tarn_table_predicate_on_metrics(scan->planner->predicate, &stretch->joined) !=
        TARN_MATCH_NONE) {
        return false;
    }
    if (scan->next_row_id != TARN_ABSENT) {
        add_saturating(&scan->next_row_id, stretch->rows_without_id);
    }
    return true;
}

static bool scan_manifest(Planner *planner, size_t index, TarnError *error) {
    ManifestScan scan = {
        .planner = planner, .file = &planner->files[index], .pin = planner->pins[index]};
    scan.next_row_id = scan.file->first_row_id;
    scan.memos = TARN_NEW_ARRAY(planner->arena, scan.pin->tuple_count, TupleMemo);
    if (!tarn_base_arena_check(planner->arena, error) ||
        !tarn_table__spec_filters_get(&planner->filters, scan.file, &scan.filter, &scan.spec,
                                      error)) {
        return false;
    }
    size_t count = scan.pin->manifest->entry_count;
    for (size_t start = 0; start < count; start += TARN_MANIFEST_STRETCH) {
        if (pass_over(&scan, start / TARN_MANIFEST_STRETCH)) continue;
        size_t end = count - start < TARN_MANIFEST_STRETCH ? count : start + TARN_MANIFEST_STRETCH;
        for (size_t i = start; i < end; i++) {
            if (!scan_entry(&scan, i, error)) return false;
        }
    }
    return true;
}

/* --- a few manifests at a time --- */

/* As many as there are threads to read them with. */
#define BLOCK_MANIFESTS 4

/* `wanted` of data manifests was kept back when those of deletes were read. */
static bool scan_blocks(Planner *planner, TarnError *error) {
    const TarnScanOptions *options = planner->options;
    bool ok = true;
    for (size_t i = 0; ok && i < planner->file_count; i += BLOCK_MANIFESTS) {
        size_t left = planner->file_count - i;
        size_t count = left < BLOCK_MANIFESTS ? left : BLOCK_MANIFESTS;
        const TarnManifestPin *pins[BLOCK_MANIFESTS] = {NULL};
        bool wanted[BLOCK_MANIFESTS];
        TarnArena scratch;
        for (size_t j = 0; j < count; j++) {
            wanted[j] = planner->wanted[i + j] && !planner->files[i + j].is_deletes;
        }
        tarn_base_arena_init(&scratch, TARN_MIB);
        if (!tarn_table__manifests_acquire(NULL, options->store, options->metadata,
                                           planner->files + i, wanted, count, &planner->read,
                                           options->threads, &scratch, pins, error)) {
            tarn_base_arena_dispose(&scratch);
            return false;
        }
        for (size_t j = 0; ok && j < count; j++) {
            if (pins[j] == NULL) continue;
            planner->pins[i + j] = pins[j];
            ok = scan_manifest(planner, i + j, error);
            planner->pins[i + j] = NULL;
        }
        tarn_table__manifests_release(pins, count);
        tarn_base_arena_dispose(&scratch);
    }
    return ok;
}

/* --- the whole --- */

/* A file that is live twice would be read twice. */
static bool refuse_duplicates(Planner *planner, TarnError *error) {
    const TarnScanPlan *plan = planner->plan;
    size_t slot_count = 16;
    while (slot_count < plan->task_count * 2) slot_count *= 2;
    uint32_t *slots = calloc(slot_count, sizeof(uint32_t));
    if (slots == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "out of memory while planning a scan of %zu files",
                                   plan->task_count);
    }
    bool done = true;
    for (size_t i = 0; done && i < plan->task_count; i++) {
        size_t at = planner->hashes[i] & (slot_count - 1);
        for (; slots[at] != 0; at = (at + 1) & (slot_count - 1)) {
            size_t other = slots[at] - 1;
            if (planner->hashes[other] != planner->hashes[i] ||
                !tarn_base_text_equal(plan->tasks[other].file->path, plan->tasks[i].file->path)) {
                continue;
            }
            done = tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                       "data file \"%.*s\" is live twice in snapshot %" PRId64,
                                       TARN_TEXT_ARG(plan->tasks[i].file->path), plan->snapshot_id);
            break;
        }
        slots[at] = (uint32_t)(i + 1);
    }
    free(slots);
    return done;
}

static void count_totals(Planner *planner) {
    TarnScanPlan *plan = planner->plan;
    for (size_t i = 0; i < planner->file_count; i++) {
        const TarnManifestFile *file = &planner->files[i];
        if (file->is_deletes) continue;
        bool known = plan->files_total != TARN_ABSENT && file->added_files >= 0 &&
                     file->existing_files >= 0;
        if (known) {
            add_saturating(&plan->files_total, file->added_files);
            add_saturating(&plan->files_total, file->existing_files);
        } else {
            plan->files_total = TARN_ABSENT;
        }
        known = plan->rows_total != TARN_ABSENT && file->added_rows >= 0 &&
                file->existing_rows >= 0;
        if (known) {
            add_saturating(&plan->rows_total, file->added_rows);
            add_saturating(&plan->rows_total, file->existing_rows);
        } else {
            plan->rows_total = TARN_ABSENT;
        }
    }
}

static bool make_tasks(Planner *planner, TarnError *error) {
    for (size_t i = 0; i < planner->file_count; i++) {
        if (planner->pins[i] == NULL || !planner->files[i].is_deletes) continue;
        if (!index_deletes(planner, i, error)) return false;
    }
    if (planner->options->select != NULL) {
        return scan_blocks(planner, error) && refuse_duplicates(planner, error);
    }
    for (size_t i = 0; i < planner->file_count; i++) {
        if (planner->pins[i] == NULL || planner->files[i].is_deletes) continue;
        if (!scan_manifest(planner, i, error)) return false;
    }
    return refuse_duplicates(planner, error);
}

static bool plan_files(Planner *planner, const TarnManifestListPin *list, TarnError *error) {
    const TarnScanOptions *options = planner->options;
    planner->files = list->manifests;
    planner->file_count = list->count;
    planner->wanted = TARN_NEW_ARRAY(planner->arena, list->count, bool);
    planner->pins = TARN_NEW_ARRAY(planner->arena, list->count, const TarnManifestPin *);
    if (!tarn_base_arena_check(planner->arena, error) ||
        !tarn_table__spec_filters_init(&planner->filters, options->metadata, planner->predicate,
                                       planner->arena, error) ||
        !select_manifests(planner, error) || !choose_metrics(planner, error)) {
        return false;
    }
    drop_deletes_without_data(planner);
    count_totals(planner);
    bool *now = options->select != NULL ? TARN_NEW_ARRAY(planner->arena, list->count, bool)
                                        : planner->wanted;
    if (now == NULL) return tarn_base_arena_check(planner->arena, error);
    for (size_t i = 0; options->select != NULL && i < list->count; i++) {
        now[i] = planner->wanted[i] && planner->files[i].is_deletes;
    }
    if (!tarn_table__manifests_acquire(options->cache, options->store, options->metadata,
                                       planner->files, now, planner->file_count,
                                       &planner->read, options->threads, planner->arena,
                                       planner->pins, error)) {
        return false;
    }
    tarn_table__delete_index_init(&planner->deletes, planner->arena);
    if (make_tasks(planner, error)) return true;
    tarn_table__manifests_release(planner->pins, planner->file_count);
    return false;
}

bool tarn_table__snapshot_has_list(const TarnSnapshot *snapshot, TarnError *error) {
    if (snapshot->manifest_list != NULL) return true;
    tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                        "snapshot %" PRId64 " has no manifest list: it was written by a very old "
                        "version 1 writer",
                        snapshot->id);
    return tarn_base_error_hint(error, "commit once more with an engine that reads it: new "
                                       "snapshots have manifest lists");
}

bool tarn_table_scan_plan(const TarnScanOptions *options, const TarnSnapshot *snapshot,
                          const TarnPredicate *predicate, TarnArena *arena, TarnScanPlan **result,
                          TarnError *error) {
    Planner planner = {.options = options, .predicate = predicate, .arena = arena};
    TarnScanPlan *plan = TARN_NEW(arena, TarnScanPlan);
    struct TarnScanPins *pins = TARN_NEW(arena, struct TarnScanPins);
    if (!tarn_base_arena_check(arena, error)) return false;
    planner.plan = plan;
    plan->pins = pins;
    plan->snapshot_id = snapshot != NULL ? snapshot->id : TARN_ABSENT;
    *result = plan;
    if (snapshot == NULL) return true;
    if (!tarn_table__snapshot_has_list(snapshot, error)) return false;
    if (!tarn_table_manifest_list_acquire(options->cache, options->store, snapshot->manifest_list,
                                          &pins->list, error)) {
        return false;
    }
    if (!plan_files(&planner, pins->list, error)) {
        tarn_table_manifest_list_release(pins->list);
        return false;
    }
    pins->manifests = planner.pins;
    pins->count = planner.file_count;
    return true;
}

void tarn_table_scan_plan_dispose(TarnScanPlan *plan) {
    if (plan == NULL || plan->pins == NULL) return;
    tarn_table__manifests_release(plan->pins->manifests, plan->pins->count);
    tarn_table_manifest_list_release(plan->pins->list);
    plan->pins = NULL;
}
