/* Steps of a changelog: a chain of snapshots, and for each what differs from its parent.
 *
 * Most steps are told by the manifests that the snapshot added: entries of status ADDED and
 * DELETED with its id. That is not enough if deletes changed, for they say of files in any
 * manifest that rows in them went, and if removed files had deletes, for their rows had gone
 * before. It is not believed either if the counts in the manifest lists do not add up to it
 * (some writers leave out DELETED entries). In these cases the plans of both snapshots are
 * compared file by file.
 *
 * What is kept is copied out of the manifests, so that a long range pins none.
 */
#include "table/changelog.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/map.h"
#include "table/scan_private.h"

typedef struct FileList {
    TarnChangelogFile *items;
    size_t count;
    size_t capacity;
} FileList;

typedef struct Builder {
    const TarnScanOptions *options;
    const TarnPredicate *predicate;
    TarnArena *arena;
    TarnChangelog *changelog;
    TarnMap deletes; /* path and offset -> copy of the delete file */
    TarnError *error;
} Builder;

/* What the manifest lists of a snapshot and its parent say. */
typedef struct Outline {
    bool adds_data;
    bool removes_data;
    bool changes_deletes;
    bool has_deletes;        /* the snapshot */
    bool parent_has_deletes;
    bool adds_up;            /* the counts of files do */
} Outline;

/* --- the chain --- */

static bool refuse_start(const Builder *builder, const TarnChangelogRange *range,
                         const TarnSnapshot *oldest) {
    const TarnSnapshot *to = range->to;
    if (range->from == NULL) {
        tarn_base_error_set(builder->error, TARN_E_SNAPSHOT_NOT_FOUND,
                            "the table's beginning is not known: snapshots before %" PRId64
                            " have expired",
                            oldest->id);
    } else {
        tarn_base_error_set(builder->error, TARN_E_SNAPSHOT_NOT_FOUND,
                            "snapshot %" PRId64 " is not an ancestor of snapshot %" PRId64,
                            range->from->id, to->id);
    }
    return tarn_base_error_hint(builder->error,
                                "changes lead from a snapshot to one made from it; the oldest "
                                "known before %" PRId64 " is %" PRId64,
                                to->id, oldest->id);
}

/* The steps of the chain, oldest first, without their files. */
static bool find_steps(Builder *builder, const TarnChangelogRange *range) {
    const TarnTableMetadata *metadata = builder->options->metadata;
    TarnChangelog *changelog = builder->changelog;
    size_t most = metadata->snapshot_count;
    const TarnSnapshot **chain = TARN_NEW_ARRAY(builder->arena, most + 1, const TarnSnapshot *);
    changelog->steps = TARN_NEW_ARRAY(builder->arena, most + 1, TarnChangelogStep);
    size_t count = 0;
    if (!tarn_base_arena_check(builder->arena, builder->error)) return false;
    const TarnSnapshot *at = range->to;
    while (at != NULL && at != range->from && count < most) {
        chain[count++] = at;
        at = at->parent_id != TARN_ABSENT ? tarn_table_metadata_snapshot(metadata, at->parent_id)
                                          : NULL;
    }
    if (at != range->from) return refuse_start(builder, range, chain[count - 1]);
    changelog->from = range->from;
    if (range->from == NULL && count > 0 && chain[count - 1]->parent_id != TARN_ABSENT) {
        /* What the oldest one changed cannot be told without its parent. */
        changelog->from = chain[count - 1];
        if (range->from_beginning) return refuse_start(builder, range, chain[count - 1]);
        count--;
    }
    const TarnSnapshot *parent = changelog->from;
    for (size_t i = count; i > 0; i--) {
        const TarnSnapshot *snapshot = chain[i - 1];
        bool replaces = snapshot->operation != NULL && strcmp(snapshot->operation, "replace") == 0;
        if (!replaces) {
            changelog->steps[changelog->step_count] =
                (TarnChangelogStep){.snapshot = snapshot,
                                    .parent = parent,
                                    .ordinal = (int32_t)changelog->step_count};
            changelog->step_count++;
        }
        parent = snapshot;
    }
    return true;
}

/* --- what the manifest lists say --- */

static void add_count(int64_t *sum, int64_t value) {
    if (*sum == TARN_ABSENT || value < 0 || __builtin_add_overflow(*sum, value, sum)) {
        *sum = TARN_ABSENT;
    }
}

static int64_t count_live(const TarnManifestListPin *list) {
    int64_t live = 0;
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        const TarnManifestFile *manifest = &list->manifests[i];
        if (manifest->is_deletes) continue;
        add_count(&live, manifest->added_files);
        add_count(&live, manifest->existing_files);
    }
    return live;
}

static bool has_live_deletes(const TarnManifestListPin *list) {
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        const TarnManifestFile *manifest = &list->manifests[i];
        if (manifest->is_deletes && tarn_table__manifest_has_live(manifest)) return true;
    }
    return false;
}

/* Whether two lists have the same delete manifests. */
static bool same_deletes(Builder *builder, const TarnManifestListPin *a,
                         const TarnManifestListPin *b, bool *same) {
    TarnArena scratch;
    TarnMap paths;
    size_t left = 0;
    tarn_base_arena_init(&scratch, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    tarn_base_map_init(&paths, &scratch);
    for (size_t i = 0; a != NULL && i < a->count; i++) {
        if (!a->manifests[i].is_deletes) continue;
        tarn_base_map_put(&paths, a->manifests[i].path, builder);
        left++;
    }
    *same = true;
    for (size_t i = 0; i < b->count; i++) {
        if (!b->manifests[i].is_deletes) continue;
        if (left == 0 || !tarn_base_map_has(&paths, b->manifests[i].path)) *same = false;
        left -= left > 0;
    }
    if (left > 0) *same = false;
    bool ok = tarn_base_arena_check(&scratch, builder->error);
    tarn_base_arena_dispose(&scratch);
    return ok;
}

static bool outline_lists(Builder *builder, const TarnChangelogStep *step,
                          const TarnManifestListPin *before, const TarnManifestListPin *after,
                          Outline *outline) {
    int64_t live = count_live(before);
    bool same = true;
    *outline = (Outline){.has_deletes = has_live_deletes(after),
                         .parent_has_deletes = has_live_deletes(before)};
    for (size_t i = 0; i < after->count; i++) {
        const TarnManifestFile *manifest = &after->manifests[i];
        if (manifest->is_deletes || manifest->added_snapshot_id != step->snapshot->id) continue;
        outline->adds_data = outline->adds_data || manifest->added_files != 0;
        outline->removes_data = outline->removes_data || manifest->deleted_files != 0;
        add_count(&live, manifest->added_files);
        if (live != TARN_ABSENT && manifest->deleted_files >= 0) live -= manifest->deleted_files;
    }
    /* The counts of version 1 may be missing: then the entries are believed. */
    int64_t now = count_live(after);
    outline->adds_up = live == TARN_ABSENT || now == TARN_ABSENT || live == now;
    if (!same_deletes(builder, before, after, &same)) return false;
    outline->changes_deletes = !same;
    return true;
}

static bool outline_step(Builder *builder, const TarnChangelogStep *step, Outline *outline) {
    const TarnScanOptions *options = builder->options;
    const TarnManifestListPin *before = NULL;
    const TarnManifestListPin *after = NULL;
    if (!tarn_table__snapshot_has_list(step->snapshot, builder->error) ||
        (step->parent != NULL && !tarn_table__snapshot_has_list(step->parent, builder->error)) ||
        !tarn_table_manifest_list_acquire(options->cache, options->store,
                                          step->snapshot->manifest_list, &after, builder->error)) {
        return false;
    }
    bool ok = step->parent == NULL ||
              tarn_table_manifest_list_acquire(options->cache, options->store,
                                               step->parent->manifest_list, &before,
                                               builder->error);
    ok = ok && outline_lists(builder, step, before, after, outline);
    if (before != NULL) tarn_table_manifest_list_release(before);
    tarn_table_manifest_list_release(after);
    return ok;
}

/* --- copies --- */

static TarnText copy_text(Builder *builder, TarnText text) {
    if (text.data == NULL) return text;
    return (TarnText){tarn_base_text_string(builder->arena, text), text.size};
}

static TarnDataFile *copy_file(Builder *builder, const TarnDataFile *file) {
    TarnArena *arena = builder->arena;
    TarnDataFile *copy = tarn_base_arena_copy(arena, file, sizeof(*file));
    if (copy == NULL) return NULL;
    copy->path = copy_text(builder, file->path);
    copy->format = copy_text(builder, file->format);
    copy->referenced_data_file = copy_text(builder, file->referenced_data_file);
    copy->columns = NULL;
    copy->column_count = 0;
    copy->key_metadata = (TarnText){NULL, 0};
    copy->split_offsets = NULL;
    copy->split_offset_count = 0;
    if (file->equality_id_count > 0) {
        copy->equality_ids = tarn_base_arena_copy(arena, file->equality_ids,
                                                  file->equality_id_count * sizeof(int32_t));
    }
    if (file->partition_count == 0) return copy;
    copy->partition = tarn_base_arena_copy(arena, file->partition,
                                           file->partition_count * sizeof(TarnLiteral));
    for (size_t i = 0; copy->partition != NULL && i < file->partition_count; i++) {
        TarnLiteral *value = &copy->partition[i];
        bool has_bytes = value->kind == TARN_TYPE_STRING || value->kind == TARN_TYPE_UUID ||
                         value->kind == TARN_TYPE_FIXED || value->kind == TARN_TYPE_BINARY;
        if (has_bytes && !value->is_null) value->as.bytes = copy_text(builder, value->as.bytes);
    }
    return copy;
}

/* A delete file may apply to many data files, in many steps. */
static const TarnDataFile *copy_delete(Builder *builder, const TarnDataFile *file) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_LIMIT_FIELD_BYTES);
    tarn_base_buffer_append(&text, &file->content_offset, sizeof(file->content_offset));
    tarn_base_buffer_text(&text, file->path);
    TarnDataFile *copy = NULL;
    if (tarn_base_buffer_check(&text, builder->error)) {
        copy = tarn_base_map_get(&builder->deletes, tarn_base_buffer_view(&text));
        if (copy == NULL) {
            TarnText key = {tarn_base_arena_copy(builder->arena, text.data, text.size), text.size};
            copy = copy_file(builder, file);
            if (key.data != NULL) tarn_base_map_put(&builder->deletes, key, copy);
        }
    }
    tarn_base_buffer_dispose(&text);
    return copy;
}

static bool copy_task(Builder *builder, const TarnScanTask *task, TarnScanTask *copy) {
    TarnArena *arena = builder->arena;
    *copy = *task;
    copy->residual = NULL;
    copy->file = copy_file(builder, task->file);
    TarnScanDelete *deletes = TARN_NEW_ARRAY(arena, task->delete_count + 1, TarnScanDelete);
    if (!tarn_base_arena_check(arena, builder->error)) return false;
    for (size_t i = 0; i < task->delete_count; i++) {
        deletes[i].sequence_number = task->deletes[i].sequence_number;
        deletes[i].file = copy_delete(builder, task->deletes[i].file);
        if (deletes[i].file == NULL) {
            return builder->error->code != TARN_OK ? false
                                                   : tarn_base_arena_check(arena, builder->error);
        }
    }
    copy->deletes = deletes;
    return tarn_base_arena_check(arena, builder->error);
}

static bool put_file(Builder *builder, FileList *list, TarnChangelogKind kind,
                     const TarnScanTask *before, const TarnScanTask *after) {
    TarnChangelogFile *file = TARN_PUSH(builder->arena, list);
    if (file == NULL) return tarn_base_arena_check(builder->arena, builder->error);
    *file = (TarnChangelogFile){.kind = kind};
    return (before == NULL || copy_task(builder, before, &file->before)) &&
           (after == NULL || copy_task(builder, after, &file->after));
}

/* --- a step by its own manifests --- */

/* *enough false: something is missing there. */
static bool read_own(Builder *builder, const TarnChangelogStep *step, const Outline *outline,
                     const TarnPredicate *predicate, FileList *list, bool *enough) {
    TarnScanOptions options = *builder->options;
    bool has_ids = step->parent != NULL && step->parent->first_row_id != TARN_ABSENT;
    TarnArena scratch;
    *enough = true;
    for (int removed = 0; removed <= 1; removed++) {
        TarnScanPlan *plan = NULL;
        if (!(removed ? outline->removes_data : outline->adds_data)) continue;
        options.entries = removed ? TARN_SCAN_REMOVED : TARN_SCAN_ADDED;
        tarn_base_arena_init(&scratch, TARN_LIMIT_STATEMENT_ARENA_BYTES);
        bool ok = tarn_table_scan_plan(&options, step->snapshot, predicate, &scratch, &plan,
                                       builder->error);
        for (size_t i = 0; ok && *enough && i < plan->task_count; i++) {
            const TarnScanTask *task = &plan->tasks[i];
            if (removed) {
                *enough = !has_ids || task->first_row_id != TARN_ABSENT;
                ok = !*enough || put_file(builder, list, TARN_CHANGELOG_REMOVED, task, NULL);
            } else { /* of older data that moved here, older deletes may speak */
                bool is_new = task->sequence_number == step->snapshot->sequence_number;
                *enough = is_new || !outline->has_deletes;
                ok = !*enough || put_file(builder, list, TARN_CHANGELOG_ADDED, NULL, task);
            }
        }
        if (ok) tarn_table_scan_plan_dispose(plan);
        tarn_base_arena_dispose(&scratch);
        if (!ok || !*enough) return ok;
    }
    return true;
}

/* --- a step by two plans --- */

static bool same_delete_files(const TarnScanTask *a, const TarnScanTask *b) {
    if (a->delete_count != b->delete_count) return false;
    for (size_t i = 0; i < a->delete_count; i++) {
        if (a->deletes[i].sequence_number != b->deletes[i].sequence_number ||
            a->deletes[i].file->content_offset != b->deletes[i].file->content_offset ||
            !tarn_base_text_equal(a->deletes[i].file->path, b->deletes[i].file->path)) {
            return false;
        }
    }
    return true;
}

static bool compare_plans(Builder *builder, const TarnScanPlan *before, const TarnScanPlan *after,
                          TarnArena *scratch, FileList *list) {
    TarnMap paths;
    bool *kept = TARN_NEW_ARRAY(scratch, before->task_count + 1, bool);
    tarn_base_map_init(&paths, scratch);
    for (size_t i = 0; i < before->task_count; i++) {
        tarn_base_map_put(&paths, before->tasks[i].file->path, &before->tasks[i]);
    }
    if (!tarn_base_arena_check(scratch, builder->error)) return false;
    for (size_t i = 0; i < after->task_count; i++) {
        const TarnScanTask *task = &after->tasks[i];
        const TarnScanTask *old = tarn_base_map_get(&paths, task->file->path);
        bool ok = true;
        if (old != NULL) kept[old - before->tasks] = true;
        if (old == NULL) {
            ok = put_file(builder, list, TARN_CHANGELOG_ADDED, NULL, task);
        } else if (!same_delete_files(old, task)) {
            ok = put_file(builder, list, TARN_CHANGELOG_DELETES, old, task);
        }
        if (!ok) return false;
    }
    for (size_t i = 0; i < before->task_count; i++) {
        if (kept[i]) continue;
        if (!put_file(builder, list, TARN_CHANGELOG_REMOVED, &before->tasks[i], NULL)) return false;
    }
    return true;
}

static bool compare_step(Builder *builder, const TarnChangelogStep *step,
                         const TarnPredicate *predicate, FileList *list) {
    const TarnScanOptions *options = builder->options;
    TarnScanPlan *before = NULL;
    TarnScanPlan *after = NULL;
    TarnArena scratch;
    tarn_base_arena_init(&scratch, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok = tarn_table_scan_plan(options, step->parent, predicate, &scratch, &before,
                                   builder->error);
    if (ok) {
        ok = tarn_table_scan_plan(options, step->snapshot, predicate, &scratch, &after,
                                  builder->error);
        if (ok) {
            ok = compare_plans(builder, before, after, &scratch, list);
            tarn_table_scan_plan_dispose(after);
        }
        tarn_table_scan_plan_dispose(before);
    }
    tarn_base_arena_dispose(&scratch);
    return ok;
}

/* --- the whole --- */

static bool plan_step(Builder *builder, TarnChangelogStep *step) {
    Outline outline = {0};
    FileList list = {0};
    bool enough = false;
    if (!outline_step(builder, step, &outline)) return false;
    bool by_itself = !outline.changes_deletes && outline.adds_up &&
                     !(outline.removes_data && outline.parent_has_deletes);
    /* A row that came and one that went may be one row, changed: whether the other half is kept
     * by the predicate says nothing of this one. */
    bool pairs = builder->options->metadata->format_version >= 3 && outline.adds_data &&
                 (outline.removes_data || !by_itself);
    const TarnPredicate *predicate =
        pairs ? tarn_table_predicate_constant(TARN_PREDICATE_TRUE) : builder->predicate;
    if (by_itself && !read_own(builder, step, &outline, predicate, &list, &enough)) return false;
    if (!enough) {
        list.count = 0;
        if (!compare_step(builder, step, predicate, &list)) return false;
    }
    step->files = list.items;
    step->file_count = list.count;
    return true;
}

static bool count_files(Builder *builder, const TarnSnapshot *snapshot) {
    const TarnManifestListPin *list = NULL;
    builder->changelog->files_total = 0;
    if (snapshot == NULL) return true;
    if (!tarn_table__snapshot_has_list(snapshot, builder->error) ||
        !tarn_table_manifest_list_acquire(builder->options->cache, builder->options->store,
                                          snapshot->manifest_list, &list, builder->error)) {
        return false;
    }
    builder->changelog->files_total = count_live(list);
    tarn_table_manifest_list_release(list);
    return true;
}

bool tarn_table_changelog_plan(const TarnScanOptions *options, const TarnChangelogRange *range,
                               const TarnPredicate *predicate, TarnArena *arena,
                               TarnChangelog **changelog, TarnError *error) {
    Builder builder = {.options = options, .predicate = predicate, .arena = arena, .error = error};
    tarn_base_error_clear(error);
    *changelog = TARN_NEW(arena, TarnChangelog);
    if (*changelog == NULL) return tarn_base_arena_check(arena, error);
    builder.changelog = *changelog;
    tarn_base_map_init(&builder.deletes, arena);
    if (!find_steps(&builder, range) || !count_files(&builder, range->to)) return false;
    for (size_t i = 0; i < (*changelog)->step_count; i++) {
        if (!plan_step(&builder, &(*changelog)->steps[i])) return false;
    }
    return true;
}
