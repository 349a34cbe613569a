/* Choosing and packing files to rewrite; see the header for the rules.
 *
 * A group is worth rewriting if it joins so many files, or fills a file, or has a file that is
 * wrong by itself. So a table that was compacted and not written to since has nothing to do.
 */
#include "table/rewrite_plan.h"

#include <stdlib.h>

#include "base/limits.h"
#include "table/scan_private.h"

#define DELETE_RATIO_DEFAULT 0.3

typedef struct Partition {
    const TarnScanTask **items;
    size_t count;
    size_t capacity;
} Partition;

static bool is_small(const TarnRewriteOptions *options, int64_t bytes) {
    return bytes < options->target_bytes / 4 * 3;
}

static bool is_large(const TarnRewriteOptions *options, int64_t bytes) {
    return bytes / 9 > options->target_bytes / 5;
}

/* Rows known to be deleted: those of deletes that are about this file alone. */
static bool has_many_deletes(const TarnRewriteOptions *options, const TarnScanTask *task) {
    double most = options->delete_ratio > 0 ? options->delete_ratio : DELETE_RATIO_DEFAULT;
    double deleted = 0;
    if (task->delete_count > 0 && options->any_deletes) return true;
    for (size_t i = 0; i < task->delete_count; i++) {
        const TarnDataFile *file = task->deletes[i].file;
        bool own = file->content == TARN_CONTENT_POSITION_DELETES &&
                   file->referenced_data_file.data != NULL;
        if (own && file->record_count > 0) deleted += (double)file->record_count;
    }
    return task->file->record_count > 0 && deleted >= most * (double)task->file->record_count;
}

static bool is_skipped(const TarnRewriteOptions *options, const TarnScanTask *task) {
    for (size_t i = 0; i < options->skip_count; i++) {
        if (options->skip_snapshots[i] == task->snapshot_id) return true;
    }
    return false;
}

bool tarn_table_rewrite_wants(const TarnRewriteOptions *options, const TarnScanTask *task) {
    int64_t bytes = task->file->file_size;
    if (is_skipped(options, task)) return false;
    return options->all || is_small(options, bytes) || is_large(options, bytes) ||
           has_many_deletes(options, task);
}

/* --- packing --- */

static int compare_sizes(const void *left, const void *right) {
    const TarnScanTask *a = *(const TarnScanTask *const *)left;
    const TarnScanTask *b = *(const TarnScanTask *const *)right;
    if (a->file->file_size != b->file->file_size) {
        return a->file->file_size > b->file->file_size ? -1 : 1;
    }
    return a < b ? -1 : a > b;
}

static bool is_worth_it(const TarnRewriteOptions *options, const TarnRewriteGroup *group) {
    if (options->all || group->forced) return true;
    return group->count > 1 && ((int64_t)group->count >= options->input_files_min ||
                                !is_small(options, group->bytes));
}

static bool put_task(const TarnRewriteOptions *options, TarnRewriteGroup *group,
                     const TarnScanTask *task, TarnArena *arena, TarnError *error) {
    const TarnScanTask **item = TARN_PUSH(arena, group);
    if (item == NULL) return tarn_base_arena_check(arena, error);
    *item = task;
    group->bytes += task->file->file_size;
    group->rows += task->file->record_count;
    group->forced = group->forced || is_large(options, task->file->file_size) ||
                    has_many_deletes(options, task);
    return true;
}

/* TARN_PUSH counts in `count` and grows `items`: the groups of one partition. */
typedef struct Groups {
    TarnRewriteGroup *items;
    size_t count;
    size_t capacity;
} Groups;

static bool pack_partition(const TarnRewriteOptions *options, const Partition *partition,
                           TarnArena *arena, Groups *all, TarnError *error) {
    size_t first = all->count;
    qsort(partition->items, partition->count, sizeof(*partition->items), compare_sizes);
    for (size_t i = 0; i < partition->count; i++) {
        const TarnScanTask *task = partition->items[i];
        size_t at = first;
        while (at < all->count &&
               task->file->file_size > options->group_bytes - all->items[at].bytes) {
            at++;
        }
        if (at == all->count) {
            TarnRewriteGroup *group = TARN_PUSH(arena, all);
            if (group == NULL) return tarn_base_arena_check(arena, error);
            *group = (TarnRewriteGroup){.spec_id = task->spec->id,
                                        .partition = task->file->partition,
                                        .partition_count = task->file->partition_count};
        }
        if (!put_task(options, &all->items[at], task, arena, error)) return false;
    }
    size_t kept = first;
    for (size_t i = first; i < all->count; i++) {
        if (is_worth_it(options, &all->items[i])) all->items[kept++] = all->items[i];
    }
    all->count = kept;
    return true;
}

/* --- partitions --- */

static bool put_candidate(TarnMap *partitions, const TarnScanTask *task, TarnBuffer *key,
                          TarnArena *arena, TarnError *error) {
    tarn_base_buffer_clear(key);
    if (!tarn_table_partition_key(task->spec->id, task->file->partition,
                                   task->file->partition_count, key, error)) {
        return false;
    }
    Partition *partition = tarn_base_map_get(partitions, tarn_base_buffer_view(key));
    if (partition == NULL) {
        TarnText copy = {tarn_base_arena_copy(arena, key->data, key->size), key->size};
        partition = TARN_NEW(arena, Partition);
        if (!tarn_base_arena_check(arena, error)) return false;
        tarn_base_map_put(partitions, copy, partition);
    }
    const TarnScanTask **item = TARN_PUSH(arena, partition);
    if (item != NULL) *item = task;
    return tarn_base_arena_check(arena, error);
}

bool tarn_table_rewrite_plan(const TarnScanPlan *scan, const TarnRewriteOptions *options,
                             TarnArena *arena, TarnRewritePlan *plan, TarnError *error) {
    TarnMap partitions;
    TarnBuffer key;
    Groups groups = {0};
    *plan = (TarnRewritePlan){0};
    tarn_base_map_init(&partitions, arena);
    tarn_base_buffer_init(&key, TARN_LIMIT_FIELD_BYTES);
    bool ok = true;
    for (size_t i = 0; ok && i < scan->task_count; i++) {
        if (!tarn_table_rewrite_wants(options, &scan->tasks[i])) continue;
        ok = put_candidate(&partitions, &scan->tasks[i], &key, arena, error);
    }
    tarn_base_buffer_dispose(&key);
    for (size_t i = 0; ok && i < partitions.count; i++) {
        ok = pack_partition(options, partitions.items[i].value, arena, &groups, error);
    }
    if (!ok) return false;
    plan->groups = groups.items;
    plan->count = groups.count;
    for (size_t i = 0; i < plan->count; i++) {
        plan->files += (int64_t)plan->groups[i].count;
        plan->bytes += plan->groups[i].bytes;
    }
    return true;
}
