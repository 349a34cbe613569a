/* Updates of snapshots, refs and statistics, and the snapshot log they leave.
 *
 * The log's times are the server's: a snapshot's own timestamp enters it, but never earlier than
 * the entry before nor later than now, since readers refuse a log that runs backwards and a
 * writer's clock may be wrong. When snapshots are removed, the log loses everything up to the
 * last removed one, so that time travel finds no snapshot rather than a wrong one.
 */
#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "table/metadata_apply_private.h"

/* How far the clocks of two writers may differ. */
#define CLOCK_TOLERANCE_MS 60000

/* ---- snapshots ---- */

static bool refuse_stale(TarnMetadataFold *fold, const char *what, int64_t found,
                         int64_t expected) {
    return tarn_base_error_set(fold->error, TARN_E_COMMIT_CONFLICT,
                               "the snapshot's %s %" PRId64 " is behind the table's %" PRId64, what,
                               found, expected);
}

/* v3: rows get ids from the table's next-row-id on. */
static bool check_lineage(TarnMetadataFold *fold, const TarnSnapshot *snapshot) {
    TarnTableMetadata *out = fold->out;
    int64_t next;
    if (out->format_version < 3) return true;
    if (snapshot->first_row_id == TARN_ABSENT || snapshot->added_rows == TARN_ABSENT) {
        return tarn_table__fold_refuse(fold, "a snapshot of format version 3 needs first-row-id "
                                             "and added-rows");
    }
    if (snapshot->first_row_id < out->next_row_id) {
        return refuse_stale(fold, "first-row-id", snapshot->first_row_id, out->next_row_id);
    }
    if (snapshot->added_rows < 0 ||
        __builtin_add_overflow(snapshot->first_row_id, snapshot->added_rows, &next)) {
        return tarn_table__fold_refuse(fold, "added-rows %" PRId64 " is out of range",
                                       snapshot->added_rows);
    }
    out->next_row_id = next;
    return true;
}

static bool check_snapshot(TarnMetadataFold *fold, const TarnSnapshot *snapshot) {
    const TarnTableMetadata *out = fold->out;
    if (snapshot->id < 0) {
        return tarn_table__fold_refuse(fold, "the snapshot id %" PRId64 " is negative",
                                       snapshot->id);
    }
    if (tarn_table_metadata_snapshot(out, snapshot->id) != NULL) {
        return tarn_table__fold_refuse(fold, "the table has a snapshot %" PRId64 " already",
                                       snapshot->id);
    }
    if (snapshot->parent_id != TARN_ABSENT &&
        tarn_table_metadata_snapshot(out, snapshot->parent_id) == NULL) {
        return tarn_table__fold_refuse(
            fold, "the parent %" PRId64 " of snapshot %" PRId64 " is no snapshot",
            snapshot->parent_id, snapshot->id);
    }
    if (snapshot->schema_id >= 0 && tarn_table_metadata_schema(out, snapshot->schema_id) == NULL) {
        return tarn_table__fold_refuse(
            fold, "snapshot %" PRId64 " is of schema %" PRId32 ", which the table does not have",
            snapshot->id, snapshot->schema_id);
    }
    if (snapshot->manifest_list == NULL || snapshot->manifest_list[0] == '\0') {
        return tarn_table__fold_refuse(fold, "snapshot %" PRId64 " has no manifest list",
                                       snapshot->id);
    }
    if (snapshot->operation == NULL || snapshot->operation[0] == '\0') {
        return tarn_table__fold_refuse(fold, "snapshot %" PRId64 " does not say its operation",
                                       snapshot->id);
    }
    if (out->format_version > 1 && snapshot->sequence_number <= out->last_sequence_number) {
        return refuse_stale(fold, "sequence number", snapshot->sequence_number,
                            out->last_sequence_number);
    }
    if (fold->base != NULL &&
        snapshot->timestamp_ms < fold->base->last_updated_ms - CLOCK_TOLERANCE_MS) {
        refuse_stale(fold, "timestamp", snapshot->timestamp_ms, fold->base->last_updated_ms);
        return tarn_base_error_hint(fold->error, "check the clock of the machine that writes");
    }
    return true;
}

/* The text is what will be written: it must speak of the same snapshot. */
static bool check_snapshot_source(TarnMetadataFold *fold, const TarnSnapshot *snapshot) {
    const TarnJson *object = NULL;
    int64_t id;
    if (!tarn_table__metadata_source_parse(snapshot->source, fold->arena, &object, fold->error)) {
        return false;
    }
    if (tarn_base_json_int64(tarn_base_json_member(object, "snapshot-id"), &id) &&
        id == snapshot->id) {
        return true;
    }
    return tarn_table__fold_refuse(fold, "the JSON text of snapshot %" PRId64 " is of another one",
                                   snapshot->id);
}

bool tarn_table__fold_add_snapshot(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    TarnTableMetadata *out = fold->out;
    const TarnSnapshot *snapshot = update->snapshot;
    if (snapshot == NULL) return tarn_table__fold_refuse(fold, "the snapshot is missing");
    if (!check_snapshot(fold, snapshot) || !check_lineage(fold, snapshot)) return false;
    TarnSnapshot *added = &out->snapshots[out->snapshot_count++];
    *added = *snapshot;
    out->last_sequence_number = snapshot->sequence_number;
    fold->added_ids[fold->added_count++] = snapshot->id;
    if (snapshot->source.size > 0) return check_snapshot_source(fold, snapshot);
    TarnBuffer text;
    TarnJsonWriter writer;
    tarn_base_buffer_init(&text, TARN_LIMIT_METADATA_BYTES);
    tarn_base_json_writer_init(&writer, &text, 0);
    tarn_table__metadata_snapshot_put(snapshot, out->format_version, &writer);
    return tarn_table__metadata_keep(&text, fold->arena, &added->source, fold->error);
}

/* ---- statistics ---- */

static void choose_statistics(TarnMetadataFold *fold, TarnUpdateKind kind,
                              TarnStatisticsFile **files, size_t **count) {
    bool partition = kind == TARN_UPDATE_SET_PARTITION_STATISTICS ||
                     kind == TARN_UPDATE_REMOVE_PARTITION_STATISTICS;
    TarnTableMetadata *out = fold->out;
    *files = partition ? out->partition_statistics : out->statistics;
    *count = partition ? &out->partition_statistics_count : &out->statistics_count;
}

bool tarn_table__fold_set_statistics(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    TarnStatisticsFile *files;
    size_t *count;
    const TarnJson *json = NULL;
    int64_t id;
    choose_statistics(fold, update->kind, &files, &count);
    TarnText text = tarn_base_text(update->text != NULL ? update->text : "");
    if (!tarn_table__metadata_source_parse(text, fold->arena, &json, fold->error)) return false;
    if (!tarn_base_json_int64(tarn_base_json_member(json, "snapshot-id"), &id) ||
        id != update->integer) {
        return tarn_table__fold_refuse(fold, "the statistics are not of snapshot %" PRId64,
                                       update->integer);
    }
    if (tarn_table_metadata_snapshot(fold->out, id) == NULL) {
        return tarn_table__fold_refuse(
            fold, "statistics of the snapshot %" PRId64 ", which the table does not have", id);
    }
    size_t place = 0;
    while (place < *count && files[place].snapshot_id != id) place++;
    if (place == *count) ++*count;
    files[place] = (TarnStatisticsFile){.snapshot_id = id, .source = json->source};
    return true;
}

static void filter_statistics(TarnStatisticsFile *files, size_t *count, const TarnIdSet *removed) {
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (!tarn_table__id_set_has(removed, files[i].snapshot_id)) files[kept++] = files[i];
    }
    *count = kept;
}

bool tarn_table__fold_remove_statistics(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    TarnStatisticsFile *files;
    size_t *count;
    int64_t id = update->integer;
    TarnIdSet removed = {.ids = &id, .count = 1};
    choose_statistics(fold, update->kind, &files, &count);
    filter_statistics(files, count, &removed);
    return true;
}

bool tarn_table__fold_remove_snapshots(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    TarnTableMetadata *out = fold->out;
    int64_t *ids = tarn_base_arena_copy(fold->arena, update->ids, update->count * sizeof(int64_t));
    if (!tarn_base_arena_check(fold->arena, fold->error)) return false;
    TarnIdSet removed = tarn_table__id_set(ids, update->count);
    size_t kept = 0;
    for (size_t i = 0; i < out->snapshot_count; i++) {
        if (tarn_table__id_set_has(&removed, out->snapshots[i].id)) continue;
        out->snapshots[kept++] = out->snapshots[i];
    }
    fold->removed_snapshots = fold->removed_snapshots || kept < out->snapshot_count;
    out->snapshot_count = kept;
    filter_statistics(out->statistics, &out->statistics_count, &removed);
    filter_statistics(out->partition_statistics, &out->partition_statistics_count, &removed);
    kept = 0;
    for (size_t i = 0; i < out->ref_count; i++) {
        /* main is judged at the end: losing it must be said, not implied. */
        if (!tarn_table__is_main(out->refs[i].name) &&
            tarn_table__id_set_has(&removed, out->refs[i].snapshot_id)) {
            continue;
        }
        out->refs[kept++] = out->refs[i];
    }
    out->ref_count = kept;
    return true;
}

/* ---- refs ---- */

static bool was_added(const TarnMetadataFold *fold, int64_t id) {
    for (size_t i = 0; i < fold->added_count; i++) {
        if (fold->added_ids[i] == id) return true;
    }
    return false;
}

static void append_snapshot_log(TarnMetadataFold *fold, const TarnSnapshot *snapshot) {
    TarnTableMetadata *out = fold->out;
    int64_t time = was_added(fold, snapshot->id) ? snapshot->timestamp_ms : fold->now_ms;
    if (time > fold->now_ms) time = fold->now_ms;
    if (out->snapshot_log_count > 0) {
        int64_t before = out->snapshot_log[out->snapshot_log_count - 1].timestamp_ms;
        if (time < before) time = before;
    }
    out->snapshot_log[out->snapshot_log_count++] = (TarnSnapshotLogEntry){
        .timestamp_ms = time, .snapshot_id = snapshot->id};
}

static bool check_ref(TarnMetadataFold *fold, const TarnSnapshotRef *ref) {
    bool is_main = tarn_table__is_main(ref->name);
    if (ref->is_tag && is_main) return tarn_table__fold_refuse(fold, "main cannot be a tag");
    if (strlen(ref->name) > TARN_LIMIT_IDENTIFIER_BYTES) {
        return tarn_base_error_set(fold->error, TARN_E_NAME_INVALID,
                                   "the ref \"%.40s...\" has more than %d bytes", ref->name,
                                   TARN_LIMIT_IDENTIFIER_BYTES);
    }
    if ((ref->min_snapshots_to_keep != TARN_ABSENT && ref->min_snapshots_to_keep <= 0) ||
        (ref->max_snapshot_age_ms != TARN_ABSENT && ref->max_snapshot_age_ms <= 0) ||
        (ref->max_ref_age_ms != TARN_ABSENT && ref->max_ref_age_ms <= 0)) {
        return tarn_table__fold_refuse(fold, "the retention of \"%s\" is not above zero",
                                       ref->name);
    }
    if (ref->is_tag &&
        (ref->min_snapshots_to_keep != TARN_ABSENT || ref->max_snapshot_age_ms != TARN_ABSENT)) {
        return tarn_table__fold_refuse(fold, "the tag \"%s\" cannot retain other snapshots",
                                       ref->name);
    }
    return true;
}

static bool equal_refs(const TarnSnapshotRef *a, const TarnSnapshotRef *b) {
    return a->is_tag == b->is_tag && a->snapshot_id == b->snapshot_id &&
           a->min_snapshots_to_keep == b->min_snapshots_to_keep &&
           a->max_snapshot_age_ms == b->max_snapshot_age_ms &&
           a->max_ref_age_ms == b->max_ref_age_ms;
}

bool tarn_table__fold_set_ref(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    TarnTableMetadata *out = fold->out;
    const TarnSnapshotRef *ref = update->ref;
    if (ref == NULL || ref->name == NULL || ref->name[0] == '\0') {
        return tarn_table__fold_refuse(fold, "the ref or its name is missing");
    }
    if (!check_ref(fold, ref)) return false;
    const TarnSnapshot *snapshot = tarn_table_metadata_snapshot(out, ref->snapshot_id);
    if (snapshot == NULL) {
        return tarn_table__fold_refuse(fold, "\"%s\" is set to %" PRId64 ", which is no snapshot",
                                       ref->name, ref->snapshot_id);
    }
    size_t place = 0;
    while (place < out->ref_count && strcmp(out->refs[place].name, ref->name) != 0) place++;
    if (place < out->ref_count && equal_refs(&out->refs[place], ref)) return true;
    /* Members of the old ref that nobody here knows stay with it. */
    const TarnJson *source = place < out->ref_count ? out->refs[place].source : NULL;
    if (place == out->ref_count) out->ref_count++;
    out->refs[place] = *ref;
    if (ref->source == NULL) out->refs[place].source = source;
    if (!tarn_table__is_main(ref->name)) return true;
    if (out->current_snapshot_id == ref->snapshot_id) return true; /* its retention only */
    out->current_snapshot_id = ref->snapshot_id;
    fold->heads[fold->head_count++] = ref->snapshot_id;
    append_snapshot_log(fold, snapshot);
    return true;
}

bool tarn_table__fold_remove_ref(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    TarnTableMetadata *out = fold->out;
    size_t kept = 0;
    if (update->text == NULL) return tarn_table__fold_refuse(fold, "the ref's name is missing");
    for (size_t i = 0; i < out->ref_count; i++) {
        if (strcmp(out->refs[i].name, update->text) != 0) out->refs[kept++] = out->refs[i];
    }
    out->ref_count = kept;
    if (tarn_table__is_main(update->text)) out->current_snapshot_id = TARN_ABSENT;
    return true;
}

/* ---- the log ---- */

/* A snapshot that was main's head only between two updates of one commit never was current. */
static bool was_passed(const TarnMetadataFold *fold, int64_t id) {
    if (id == fold->out->current_snapshot_id || !was_added(fold, id)) return false;
    for (size_t i = 0; i < fold->head_count; i++) {
        if (fold->heads[i] == id) return true;
    }
    return false;
}

static void trim_snapshot_log(TarnMetadataFold *fold, const TarnIdSet *ids) {
    TarnTableMetadata *out = fold->out;
    size_t kept = 0;
    for (size_t i = 0; i < out->snapshot_log_count; i++) {
        const TarnSnapshotLogEntry *entry = &out->snapshot_log[i];
        if (fold->removed_snapshots && !tarn_table__id_set_has(ids, entry->snapshot_id)) {
            kept = 0; /* what came before would seem to have lasted until what comes after */
        } else if (!was_passed(fold, entry->snapshot_id)) {
            out->snapshot_log[kept++] = *entry;
        }
    }
    out->snapshot_log_count = kept;
}

bool tarn_table__fold_finish_history(TarnMetadataFold *fold) {
    TarnTableMetadata *out = fold->out;
    if (out->current_snapshot_id != TARN_ABSENT &&
        tarn_table_metadata_snapshot(out, out->current_snapshot_id) == NULL) {
        tarn_table__fold_refuse(fold, "the current snapshot %" PRId64 " would be removed",
                                out->current_snapshot_id);
        return tarn_base_error_hint(fold->error,
                                    "set main to another snapshot, or remove the ref main, in "
                                    "the same commit");
    }
    if (!fold->removed_snapshots && fold->head_count < 2) return true;
    TarnIdSet ids = tarn_table__metadata_snapshot_ids(out->snapshots, out->snapshot_count,
                                                      fold->arena);
    if (!tarn_base_arena_check(fold->arena, fold->error)) return false;
    trim_snapshot_log(fold, &ids);
    return true;
}
