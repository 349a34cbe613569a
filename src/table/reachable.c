/* Walking the snapshots of a table; see the header for what for.
 *
 * Live are the entries that are not DELETED: an entry that says a file was removed does not keep
 * it, and a file that was removed and added again is live by its other entry.
 */
#include "table/reachable.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "table/manifest_private.h"

static const char *const KIND_NAMES[TARN_TABLE_FILE_KIND_COUNT] = {
    "data",       "deletes",  "manifest", "manifest list",
    "statistics", "partition statistics", "metadata"};

const char *tarn_table_file_kind_name(TarnTableFileKind kind) { return KIND_NAMES[kind]; }

bool tarn_table_reachable_init(TarnReachable *reach, const TarnOs *os, TarnStore *store,
                               TarnError *error) {
    *reach = (TarnReachable){.store = store};
    return tarn_table_path_set_init(&reach->live, os, error) &&
           tarn_table_path_set_init(&reach->walked, os, error);
}

void tarn_table_reachable_dispose(TarnReachable *reach) {
    tarn_table_path_set_dispose(&reach->live);
    tarn_table_path_set_dispose(&reach->walked);
    free(reach->spec_ids);
    *reach = (TarnReachable){0};
}

bool tarn_table_reachable_has(TarnReachable *reach, TarnText path, bool *has, TarnError *error) {
    return tarn_table_path_set_has(&reach->live, path, has, error);
}

/* --- manifests and lists --- */

typedef struct Walk {
    TarnStore *store;
    const TarnTableMetadata *metadata;
    int64_t snapshot_id;
    TarnTableFileVisit visit;
    void *state;
    bool with_removed; /* entries that the manifest names as removed are visited too */
    uint64_t live;     /* entries of the manifest */
} Walk;

static bool walk_entries(Walk *walk, TarnManifestReader *reader, TarnArena *scratch,
                         TarnError *error) {
    for (;;) {
        TarnManifestEntry *entry = NULL;
        if (!tarn_table__manifest_reader_next(reader, scratch, true, &entry, error)) return false;
        if (entry == NULL) return true;
        bool is_live = entry->status != TARN_ENTRY_DELETED;
        if (!is_live && !walk->with_removed) continue;
        walk->live += is_live;
        TarnTableFile file = {.path = entry->file.path,
                              .kind = entry->file.content == TARN_CONTENT_DATA
                                          ? TARN_TABLE_FILE_DATA
                                          : TARN_TABLE_FILE_DELETES,
                              .bytes = entry->file.file_size,
                              .snapshot_id = walk->snapshot_id};
        /* A deletion vector is a part of its file. */
        if (entry->file.content_size != TARN_ABSENT && entry->file.content_size > file.bytes) {
            file.bytes = entry->file.content_size;
        }
        if (!walk->visit(walk->state, &file, error)) return false;
    }
}

static bool walk_manifest(Walk *walk, const TarnManifestFile *row, TarnError *error) {
    TarnArena arena;
    TarnArena scratch;
    TarnText bytes;
    TarnManifestReader *reader = NULL;
    TarnManifest *head = NULL;
    TarnManifestReadOptions options = {
        .without_metrics = true, .spec = tarn_table_metadata_spec(walk->metadata, row->spec_id)};
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    tarn_base_arena_init(&scratch, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    const char *path = tarn_base_text_string(&arena, row->path);
    walk->live = 0;
    bool ok = tarn_base_arena_check(&arena, error) &&
              tarn_store_get(walk->store, path, TARN_STORE_WHOLE, TARN_LIMIT_MANIFEST_BYTES,
                             &arena, &bytes, NULL, error) &&
              tarn_table__manifest_reader_open(bytes, path, walk->metadata, &options, &arena,
                                               &reader, &head, error) &&
              walk_entries(walk, reader, &scratch, error);
    tarn_table__manifest_reader_close(reader);
    bool has_live = (row->added_files != TARN_ABSENT && row->added_files > 0) ||
                    (row->existing_files != TARN_ABSENT && row->existing_files > 0);
    if (ok && walk->live == 0 && has_live && !walk->with_removed) {
        ok = tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                 "manifest \"%s\" has no live file, and its manifest list says it "
                                 "has some",
                                 path);
    }
    tarn_base_arena_dispose(&scratch);
    tarn_base_arena_dispose(&arena);
    return ok;
}

static bool read_list(TarnStore *store, const TarnSnapshot *snapshot, TarnArena *arena,
                      TarnManifestFile **rows, size_t *count, TarnError *error) {
    TarnText bytes;
    if (snapshot->manifest_list == NULL) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "snapshot %" PRId64 " has no manifest list: it was written by "
                                   "a very old version 1 writer",
                                   snapshot->id);
    }
    return tarn_store_get(store, snapshot->manifest_list, TARN_STORE_WHOLE,
                          TARN_LIMIT_MANIFEST_BYTES, arena, &bytes, NULL, error) &&
           tarn_table_manifest_list_read(bytes, snapshot->manifest_list, arena, rows, count, error);
}

/* --- statistics --- */

typedef struct StatisticsList {
    const TarnStatisticsFile *items;
    size_t count;
    TarnTableFileKind kind;
} StatisticsList;

static bool visit_statistics_file(const TarnStatisticsFile *entry, TarnTableFileKind kind,
                                  TarnTableFileVisit visit, void *state, TarnError *error) {
    TarnArena arena;
    TarnJson *json = NULL;
    TarnTableFile file = {.kind = kind, .bytes = TARN_ABSENT, .snapshot_id = entry->snapshot_id};
    tarn_base_arena_init(&arena, TARN_LIMIT_METADATA_BYTES);
    bool ok = tarn_base_json_parse(entry->source, NULL, &arena, &json, error);
    if (ok && !tarn_base_json_text(tarn_base_json_member(json, "statistics-path"), &file.path)) {
        ok = tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                 "the statistics of snapshot %" PRId64 " have no path",
                                 entry->snapshot_id);
    }
    int64_t bytes;
    if (ok && tarn_base_json_int64(tarn_base_json_member(json, "file-size-in-bytes"), &bytes)) {
        file.bytes = bytes;
    }
    ok = ok && visit(state, &file, error);
    tarn_base_arena_dispose(&arena);
    return ok;
}

/* Of one snapshot; `snapshot` NULL = of all. */
static bool visit_statistics(const TarnTableMetadata *metadata, const TarnSnapshot *snapshot,
                             TarnTableFileVisit visit, void *state, TarnError *error) {
    const StatisticsList lists[] = {
        {metadata->statistics, metadata->statistics_count, TARN_TABLE_FILE_STATISTICS},
        {metadata->partition_statistics, metadata->partition_statistics_count,
         TARN_TABLE_FILE_PARTITION_STATISTICS}};
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l].count; i++) {
            const TarnStatisticsFile *entry = &lists[l].items[i];
            if (snapshot != NULL && entry->snapshot_id != snapshot->id) continue;
            if (!visit_statistics_file(entry, lists[l].kind, visit, state, error)) return false;
        }
    }
    return true;
}

/* --- what is reachable --- */

static bool add_file(void *state, const TarnTableFile *file, TarnError *error) {
    TarnReachable *reach = state;
    bool added = false;
    if (!tarn_table_path_set_add(&reach->live, file->path, &added, error)) return false;
    if (!added) return true;
    reach->files++;
    if (file->kind == TARN_TABLE_FILE_DATA || file->kind == TARN_TABLE_FILE_DELETES) {
        reach->data_files++;
    }
    if (file->bytes > 0 && __builtin_add_overflow(reach->bytes, file->bytes, &reach->bytes)) {
        reach->bytes = INT64_MAX;
    }
    return reach->visit == NULL || reach->visit(reach->visit_state, file, error);
}

static bool add_spec(TarnReachable *reach, int32_t id, TarnError *error) {
    for (size_t i = 0; i < reach->spec_count; i++) {
        if (reach->spec_ids[i] == id) return true;
    }
    if (reach->spec_count == reach->spec_capacity) {
        size_t capacity = reach->spec_capacity * 2 + 8;
        int32_t *ids = realloc(reach->spec_ids, capacity * sizeof(*ids));
        if (ids == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
        reach->spec_ids = ids;
        reach->spec_capacity = capacity;
    }
    reach->spec_ids[reach->spec_count++] = id;
    return true;
}

static bool add_manifest(TarnReachable *reach, const TarnTableMetadata *metadata,
                         const TarnSnapshot *snapshot, const TarnManifestFile *row,
                         TarnError *error) {
    bool first = false;
    TarnTableFile file = {.path = row->path,
                          .kind = TARN_TABLE_FILE_MANIFEST,
                          .bytes = row->length,
                          .snapshot_id = snapshot->id};
    Walk walk = {.store = reach->store,
                 .metadata = metadata,
                 .snapshot_id = snapshot->id,
                 .visit = add_file,
                 .state = reach};
    reach->has_deletes = reach->has_deletes || row->is_deletes;
    if (!add_spec(reach, row->spec_id, error) || !add_file(reach, &file, error) ||
        !tarn_table_path_set_add(&reach->walked, row->path, &first, error)) {
        return false;
    }
    return !first || walk_manifest(&walk, row, error);
}

static bool add_snapshot(TarnReachable *reach, const TarnTableMetadata *metadata,
                         const TarnSnapshot *snapshot, TarnError *error) {
    TarnArena arena;
    TarnManifestFile *rows = NULL;
    size_t count = 0;
    bool first = false;
    if (!visit_statistics(metadata, snapshot, add_file, reach, error)) return false;
    if (snapshot->manifest_list != NULL &&
        !tarn_table_path_set_add(&reach->walked, tarn_base_text(snapshot->manifest_list), &first,
                                 error)) {
        return false;
    }
    if (snapshot->manifest_list != NULL && !first) return true;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok = read_list(reach->store, snapshot, &arena, &rows, &count, error);
    TarnTableFile file = {.path = tarn_base_text(snapshot->manifest_list),
                          .kind = TARN_TABLE_FILE_MANIFEST_LIST,
                          .bytes = TARN_ABSENT,
                          .snapshot_id = snapshot->id};
    ok = ok && add_file(reach, &file, error);
    for (size_t i = 0; ok && i < count; i++) {
        ok = tarn_os_interrupt_check(error) &&
             add_manifest(reach, metadata, snapshot, &rows[i], error);
    }
    tarn_base_arena_dispose(&arena);
    return ok || tarn_base_error_context(error, "in snapshot %" PRId64, snapshot->id);
}

bool tarn_table_reachable_add(TarnReachable *reach, const TarnTableMetadata *metadata,
                              const TarnSnapshot *const *snapshots, size_t count,
                              TarnError *error) {
    for (size_t i = 0; i < count; i++) {
        if (!add_snapshot(reach, metadata, snapshots[i], error)) return false;
    }
    return true;
}

bool tarn_table_reachable_add_table(TarnReachable *reach, const TarnTableMetadata *metadata,
                                    const char *location, TarnError *error) {
    TarnTableFile file = {.path = tarn_base_text(location),
                          .kind = TARN_TABLE_FILE_METADATA,
                          .bytes = TARN_ABSENT,
                          .snapshot_id = TARN_ABSENT};
    if (!add_file(reach, &file, error)) return false;
    for (size_t i = 0; i < metadata->metadata_log_count; i++) {
        file.path = tarn_base_text(metadata->metadata_log[i].metadata_file);
        if (!add_file(reach, &file, error)) return false;
    }
    /* Those of snapshots that are gone are in the metadata all the same. */
    if (!visit_statistics(metadata, NULL, add_file, reach, error)) return false;
    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        if (!add_snapshot(reach, metadata, &metadata->snapshots[i], error)) return false;
    }
    return true;
}

/* --- what is not --- */

typedef struct Rest {
    TarnReachable *reach;
    const TarnTableMetadata *metadata;
    TarnPathSet seen; /* files visited and manifests read */
    TarnTableFileVisit visit;
    void *state;
    size_t *missing;
} Rest;

static bool visit_rest(void *state, const TarnTableFile *file, TarnError *error) {
    Rest *rest = state;
    bool live = false;
    bool first = false;
    if (!tarn_table_path_set_has(&rest->reach->live, file->path, &live, error)) return false;
    if (live) return true;
    if (!tarn_table_path_set_add(&rest->seen, file->path, &first, error)) return false;
    return !first || rest->visit(rest->state, file, error);
}

/* Gone already: an interrupted deletion, or a table that was damaged before. */
static bool pass_missing(Rest *rest, TarnError *error) {
    if (error->code != TARN_E_OBJECT_NOT_FOUND) return false;
    tarn_base_error_clear(error);
    ++*rest->missing;
    return true;
}

static bool visit_manifest_rest(Rest *rest, const TarnSnapshot *snapshot,
                                const TarnManifestFile *row, bool files, TarnError *error) {
    bool live = false;
    bool first = false;
    Walk walk = {.store = rest->reach->store,
                 .metadata = rest->metadata,
                 .snapshot_id = snapshot->id,
                 .visit = visit_rest,
                 .state = rest,
                 .with_removed = rest->reach->with_removed};
    TarnTableFile file = {.path = row->path,
                          .kind = TARN_TABLE_FILE_MANIFEST,
                          .bytes = row->length,
                          .snapshot_id = snapshot->id};
    if (!files) return visit_rest(rest, &file, error);
    if (!tarn_table_path_set_has(&rest->reach->live, row->path, &live, error)) return false;
    if (live) return true;
    if (!tarn_table_path_set_add(&rest->reach->walked, row->path, &first, error)) return false;
    if (!first) return true;
    return walk_manifest(&walk, row, error) || pass_missing(rest, error);
}

static bool visit_manifests_rest(Rest *rest, const TarnSnapshot *snapshot, bool files,
                                 TarnError *error) {
    TarnArena arena;
    TarnManifestFile *rows = NULL;
    size_t count = 0;
    bool live = false;
    if (snapshot->manifest_list == NULL) return true; /* nothing of it can be found */
    if (!tarn_table_path_set_has(&rest->reach->live, tarn_base_text(snapshot->manifest_list),
                                 &live, error)) {
        return false;
    }
    if (live) return true;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok = read_list(rest->reach->store, snapshot, &arena, &rows, &count, error);
    if (!ok) {
        count = 0;
        ok = pass_missing(rest, error);
    }
    for (size_t i = 0; ok && i < count; i++) {
        ok = tarn_os_interrupt_check(error) &&
             visit_manifest_rest(rest, snapshot, &rows[i], files, error);
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

static bool visit_last(Rest *rest, const TarnSnapshot *snapshot, TarnError *error) {
    TarnTableFile file = {.path = tarn_base_text(snapshot->manifest_list),
                          .kind = TARN_TABLE_FILE_MANIFEST_LIST,
                          .bytes = TARN_ABSENT,
                          .snapshot_id = snapshot->id};
    return visit_statistics(rest->metadata, snapshot, visit_rest, rest, error) &&
           (snapshot->manifest_list == NULL || visit_rest(rest, &file, error));
}

bool tarn_table_unreachable_visit(TarnReachable *reach, const TarnTableMetadata *metadata,
                                  const TarnOs *os, const TarnSnapshot *const *snapshots,
                                  size_t count, TarnTableFileVisit visit, void *state,
                                  size_t *missing, TarnError *error) {
    Rest rest = {.reach = reach,
                 .metadata = metadata,
                 .visit = visit,
                 .state = state,
                 .missing = missing};
    TarnPathSet walked = reach->walked; /* what was read for what stays, and is not of interest */
    *missing = 0;
    bool ok = tarn_table_path_set_init(&rest.seen, os, error) &&
              tarn_table_path_set_init(&reach->walked, os, error);
    for (size_t i = 0; ok && i < count; i++) {
        ok = visit_manifests_rest(&rest, snapshots[i], true, error);
    }
    size_t ignored = 0;
    rest.missing = &ignored;
    for (size_t i = 0; ok && i < count; i++) {
        ok = visit_manifests_rest(&rest, snapshots[i], false, error);
    }
    for (size_t i = 0; ok && i < count; i++) ok = visit_last(&rest, snapshots[i], error);
    tarn_table_path_set_dispose(&rest.seen);
    tarn_table_path_set_dispose(&reach->walked);
    reach->walked = walked;
    return ok;
}
