/* Dangling delete files and small ones, out of a scan plan.
 *
 * The scan has found which deletes apply to which data file, by the rules that reads go by. What
 * no data file names there deletes nothing now, and cannot later: a data file that comes has a
 * new path and a greater sequence number, or takes the place of files that are live. Files are
 * told from one another by where they lie in the plan's manifests, not by their paths: several
 * vectors lie in one Puffin file.
 *
 * Not here: which rows the files delete. They may also be about data files that are gone.
 */
#include "table/delete_plan.h"

#include <stdlib.h>

#include "base/limits.h"
#include "table/scan_private.h"

typedef struct Place {
    const TarnDataFile *file;
    size_t number; /* in scan->all_deletes */
} Place;

typedef struct Planner {
    const TarnScanPlan *scan;
    const TarnDeletePlanOptions *options;
    TarnArena *arena;
    Place *places;    /* of all deletes, by address */
    int64_t *targets; /* per delete: how many data files it applies to */
    TarnDeletePlan *plan;
    struct {
        TarnDeleteGroup *items;
        size_t count;
        size_t capacity;
    } groups;
    TarnError *error;
} Planner;

static int compare_places(const void *a, const void *b) {
    uintptr_t x = (uintptr_t)((const Place *)a)->file;
    uintptr_t y = (uintptr_t)((const Place *)b)->file;
    return (x > y) - (x < y);
}

static const Place *find_place(const Place *places, size_t count, const TarnDataFile *file) {
    Place key = {.file = file};
    return count == 0 ? NULL : bsearch(&key, places, count, sizeof(*places), compare_places);
}

/* --- what is in use --- */

static bool mark_gone(Planner *planner, bool *gone) {
    const TarnRewritePlan *rewrite = planner->options->gone;
    for (size_t i = 0; rewrite != NULL && i < rewrite->count; i++) {
        for (size_t j = 0; j < rewrite->groups[i].count; j++) {
            gone[rewrite->groups[i].items[j] - planner->scan->tasks] = true;
        }
    }
    return true;
}

/* Files of one partition share a list of deletes: it is counted once with a weight. */
static void count_targets(Planner *planner, const bool *gone) {
    const TarnScanPlan *scan = planner->scan;
    size_t count = scan->all_delete_count;
    for (size_t i = 0; i < scan->task_count;) {
        const TarnScanTask *task = &scan->tasks[i];
        int64_t weight = 0;
        do {
            weight += !gone[i];
            i++;
        } while (i < scan->task_count && scan->tasks[i].deletes == task->deletes &&
                 scan->tasks[i].delete_count == task->delete_count);
        for (size_t d = 0; weight > 0 && d < task->delete_count; d++) {
            const Place *place = find_place(planner->places, count, task->deletes[d].file);
            if (place != NULL) planner->targets[place->number] += weight;
        }
    }
}

static bool look_at_tasks(Planner *planner) {
    const TarnScanPlan *scan = planner->scan;
    TarnArena *arena = planner->arena;
    planner->places = TARN_NEW_ARRAY(arena, scan->all_delete_count + 1, Place);
    planner->targets = TARN_NEW_ARRAY(arena, scan->all_delete_count + 1, int64_t);
    bool *gone = TARN_NEW_ARRAY(arena, scan->task_count + 1, bool);
    if (!tarn_base_arena_check(arena, planner->error)) return false;
    for (size_t i = 0; i < scan->all_delete_count; i++) {
        planner->places[i] = (Place){scan->all_deletes[i].file, i};
    }
    qsort(planner->places, scan->all_delete_count, sizeof(Place), compare_places);
    mark_gone(planner, gone);
    count_targets(planner, gone);
    return true;
}

static int64_t bytes_of(const TarnDataFile *file) {
    return tarn_table_file_is_deletion_vector(file) ? file->content_size : file->file_size;
}

static void add_bytes(int64_t *sum, int64_t bytes) {
    if (__builtin_add_overflow(*sum, bytes > 0 ? bytes : 0, sum)) *sum = INT64_MAX;
}

static bool collect_dangling(Planner *planner) {
    const TarnScanPlan *scan = planner->scan;
    TarnDeletePlan *plan = planner->plan;
    plan->dangling = TARN_NEW_ARRAY(planner->arena, scan->all_delete_count + 1, TarnRemovedDelete);
    if (plan->dangling == NULL) return tarn_base_arena_check(planner->arena, planner->error);
    for (size_t i = 0; i < scan->all_delete_count; i++) {
        const TarnDataFile *file = scan->all_deletes[i].file;
        if (planner->targets[i] > 0) continue;
        plan->dangling[plan->dangling_count++] = (TarnRemovedDelete){
            .path = file->path,
            .content_offset = tarn_table_file_is_deletion_vector(file) ? file->content_offset
                                                                       : TARN_ABSENT};
        add_bytes(&plan->bytes, bytes_of(file));
    }
    return true;
}

/* --- what is joined --- */

typedef struct Kind {
    const TarnScanDelete **items;
    size_t count;
    size_t capacity;
} Kind;

static bool is_candidate(const Planner *planner, size_t number) {
    const TarnDataFile *file = planner->scan->all_deletes[number].file;
    const TarnDeletePlanOptions *options = planner->options;
    if (planner->targets[number] == 0 || file->content != TARN_CONTENT_POSITION_DELETES ||
        tarn_table_file_is_deletion_vector(file)) {
        return false;
    }
    if (options->to_vectors) return true;
    if (options->by_data_file && file->referenced_data_file.data == NULL) return false;
    return file->file_size < options->target_bytes / 4 * 3;
}

static bool put_candidate(Planner *planner, TarnMap *kinds, const TarnScanDelete *item,
                          TarnBuffer *key) {
    const TarnDataFile *file = item->file;
    TarnArena *arena = planner->arena;
    tarn_base_buffer_clear(key);
    if (planner->options->by_data_file && !planner->options->to_vectors) {
        tarn_base_buffer_text(key, file->referenced_data_file);
        if (!tarn_base_buffer_check(key, planner->error)) return false;
    } else if (!tarn_table_partition_key(file->spec_id, file->partition, file->partition_count,
                                         key, planner->error)) {
        return false;
    }
    Kind *kind = tarn_base_map_get(kinds, tarn_base_buffer_view(key));
    if (kind == NULL) {
        TarnText copy = {tarn_base_arena_copy(arena, key->data, key->size), key->size};
        kind = TARN_NEW(arena, Kind);
        if (!tarn_base_arena_check(arena, planner->error)) return false;
        tarn_base_map_put(kinds, copy, kind);
    }
    const TarnScanDelete **place = TARN_PUSH(arena, kind);
    if (place != NULL) *place = item;
    return tarn_base_arena_check(arena, planner->error);
}

static int compare_paths(const void *a, const void *b) {
    TarnText x = (*(const TarnScanDelete *const *)a)->file->path;
    TarnText y = (*(const TarnScanDelete *const *)b)->file->path;
    int order = memcmp(x.data, y.data, x.size < y.size ? x.size : y.size);
    return order != 0 ? order : (x.size > y.size) - (x.size < y.size);
}

static int64_t outputs(const Planner *planner, const TarnDeleteGroup *group) {
    if (planner->options->to_vectors) return group->targets;
    return (group->targets + TARN_DELETE_FILE_TARGETS_MAX - 1) / TARN_DELETE_FILE_TARGETS_MAX;
}

static bool is_worth_it(const Planner *planner, const TarnDeleteGroup *group) {
    if ((int64_t)group->count < planner->options->input_files_min || group->count < 2) return false;
    return planner->options->to_vectors || outputs(planner, group) * 2 <= (int64_t)group->count;
}

static bool pack(Planner *planner, Kind *kind) {
    const TarnDeletePlanOptions *options = planner->options;
    qsort(kind->items, kind->count, sizeof(*kind->items), compare_paths);
    for (size_t i = 0; i < kind->count;) {
        TarnDeleteGroup group = {0};
        for (; i < kind->count; i++) {
            int64_t bytes = kind->items[i]->file->file_size;
            bool full = group.count > 0 && bytes > options->target_bytes - group.bytes;
            if (full && !options->to_vectors) break;
            const TarnScanDelete **item = TARN_PUSH(planner->arena, &group);
            if (item == NULL) return tarn_base_arena_check(planner->arena, planner->error);
            *item = kind->items[i];
            add_bytes(&group.bytes, bytes);
            int64_t targets = planner->targets[kind->items[i] - planner->scan->all_deletes];
            add_bytes(&group.targets, targets);
        }
        if (!is_worth_it(planner, &group)) continue;
        TarnDeleteGroup *kept = TARN_PUSH(planner->arena, &planner->groups);
        if (kept == NULL) return tarn_base_arena_check(planner->arena, planner->error);
        *kept = group;
    }
    return true;
}

static bool collect_groups(Planner *planner) {
    const TarnScanPlan *scan = planner->scan;
    TarnMap kinds;
    TarnBuffer key;
    bool ok = true;
    tarn_base_map_init(&kinds, planner->arena);
    tarn_base_buffer_init(&key, TARN_LIMIT_METADATA_BYTES);
    for (size_t i = 0; ok && i < scan->all_delete_count; i++) {
        ok = !is_candidate(planner, i) ||
             put_candidate(planner, &kinds, &scan->all_deletes[i], &key);
    }
    tarn_base_buffer_dispose(&key);
    for (size_t i = 0; ok && i < kinds.count; i++) ok = pack(planner, kinds.items[i].value);
    planner->plan->groups = planner->groups.items;
    planner->plan->group_count = planner->groups.count;
    for (size_t i = 0; ok && i < planner->groups.count; i++) {
        const TarnDeleteGroup *group = &planner->groups.items[i];
        planner->plan->files += (int64_t)group->count;
        add_bytes(&planner->plan->bytes, group->bytes);
        add_bytes(&planner->plan->added, outputs(planner, group));
    }
    return ok;
}

bool tarn_table_delete_plan(const TarnScanPlan *scan, const TarnDeletePlanOptions *options,
                            TarnArena *arena, TarnDeletePlan *plan, TarnError *error) {
    Planner planner = {
        .scan = scan, .options = options, .arena = arena, .plan = plan, .error = error};
    *plan = (TarnDeletePlan){0};
    if (scan->all_delete_count == 0) return true;
    return look_at_tasks(&planner) && collect_dangling(&planner) && collect_groups(&planner);
}

/* --- the data files of groups --- */

/* The chosen ones of a task's deletes; those of tasks that share a list are shared too. */
typedef struct Filtered {
    const TarnScanDelete *of;
    size_t of_count;
    TarnScanDelete *deletes;
    size_t count;
} Filtered;

static bool filter(const TarnScanTask *task, const Place *chosen, size_t count, TarnArena *arena,
                   Filtered *filtered, TarnError *error) {
    if (filtered->of == task->deletes && filtered->of_count == task->delete_count) return true;
    *filtered = (Filtered){.of = task->deletes, .of_count = task->delete_count};
    size_t hits = 0;
    for (size_t d = 0; d < task->delete_count; d++) {
        hits += find_place(chosen, count, task->deletes[d].file) != NULL;
    }
    if (hits == 0) return true;
    filtered->deletes = TARN_NEW_ARRAY(arena, hits, TarnScanDelete);
    if (filtered->deletes == NULL) return tarn_base_arena_check(arena, error);
    for (size_t d = 0; d < task->delete_count; d++) {
        if (find_place(chosen, count, task->deletes[d].file) == NULL) continue;
        filtered->deletes[filtered->count++] = task->deletes[d];
    }
    return true;
}

bool tarn_table_delete_plan_tasks(const TarnScanPlan *scan, const TarnDeleteGroup *groups,
                                  size_t count, TarnArena *arena, TarnScanTask **tasks,
                                  size_t *task_count, int64_t *sequence_number, TarnError *error) {
    struct {
        TarnScanTask *items;
        size_t count;
        size_t capacity;
    } found = {0};
    size_t files = 0;
    for (size_t i = 0; i < count; i++) files += groups[i].count;
    Place *chosen = TARN_NEW_ARRAY(arena, files + 1, Place);
    if (chosen == NULL) return tarn_base_arena_check(arena, error);
    files = 0;
    *sequence_number = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < groups[i].count; j++) {
            const TarnScanDelete *item = groups[i].items[j];
            chosen[files++] = (Place){.file = item->file};
            if (item->sequence_number > *sequence_number) *sequence_number = item->sequence_number;
        }
    }
    qsort(chosen, files, sizeof(*chosen), compare_places);
    Filtered filtered = {0};
    for (size_t i = 0; i < scan->task_count; i++) {
        if (scan->tasks[i].delete_count == 0) continue;
        if (!filter(&scan->tasks[i], chosen, files, arena, &filtered, error)) return false;
        if (filtered.count == 0) continue;
        TarnScanTask *task = TARN_PUSH(arena, &found);
        if (task == NULL) return tarn_base_arena_check(arena, error);
        *task = scan->tasks[i];
        task->deletes = filtered.deletes;
        task->delete_count = filtered.count;
    }
    *tasks = found.items;
    *task_count = found.count;
    return true;
}
