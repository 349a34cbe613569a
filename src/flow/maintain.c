/* What the kinds of maintenance share: loading a table, the log, and deleting in batches.
 *
 * The order within a batch is: the table's pointer is read again, files that became live since are
 * dropped, the lines of the log are written, the files are deleted. So each deleted file has its
 * line, and whoever committed a file a moment ago keeps it.
 */
#include <inttypes.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/time.h"
#include "flow/maintain_private.h"

#define BATCH_FILES 1000
#define LOG_BUFFER_BYTES (64 * TARN_KIB)
/* Of fewer files no part is suspiciously many. */
#define JUDGED_FILES_MIN 100

/* --- the table --- */

bool tarn_flow__maintain_load(const TarnMaintenance *run, const char *what, const TarnTable **table,
                              TarnError *error) {
    if (!tarn_catalog_table_load(run->catalog, run->table, table, error)) return false;
    const TarnTable *loaded = *table;
    const char *gc = tarn_table_metadata_property(loaded->metadata, "gc.enabled");
    const char *warehouse = tarn_catalog_options(run->catalog)->warehouse;
    if (gc != NULL && strcmp(gc, "false") == 0) {
        tarn_base_error_set(error, TARN_E_MAINTENANCE_REFUSED,
                            "cannot %s \"%s.%s\": its property gc.enabled is false, files may "
                            "belong to other tables too",
                            what, loaded->name.ns, loaded->name.name);
    } else if (!run->force && !tarn_store_inside(tarn_base_text(warehouse),
                                                 tarn_base_text(loaded->metadata->location))) {
        tarn_base_error_set(error, TARN_E_MAINTENANCE_REFUSED,
                            "cannot %s \"%s.%s\": it lies outside the warehouse, so another "
                            "catalog may have newer snapshots of it",
                            what, loaded->name.ns, loaded->name.name);
        tarn_base_error_hint(error, "--force, if no other catalog writes to the table");
    } else {
        return true;
    }
    tarn_catalog_table_release(loaded);
    *table = NULL;
    return false;
}

bool tarn_flow__maintain_owns(const TarnTable *table, TarnText path) {
    TarnBuffer own;
    TarnBuffer other;
    tarn_base_buffer_init(&own, 64 * TARN_KIB);
    tarn_base_buffer_init(&other, 64 * TARN_KIB);
    tarn_table_location_canonical(tarn_base_text(table->metadata->location), &own);
    tarn_base_buffer_byte(&own, '/');
    tarn_table_location_canonical(path, &other);
    bool owns = !own.failed && !other.failed && own.size > 1 && other.size > own.size &&
                memcmp(own.data, other.data, own.size) == 0 &&
                strstr(other.data, "/../") == NULL;
    tarn_base_buffer_dispose(&own);
    tarn_base_buffer_dispose(&other);
    return owns;
}

bool tarn_flow__maintain_judge(const TarnMaintenance *run, double ratio_default, int64_t deleted,
                               int64_t all, TarnError *error) {
    double most = run->ratio_max > 0 ? run->ratio_max : ratio_default;
    if (run->force || all < JUDGED_FILES_MIN || (double)deleted <= most * (double)all) return true;
    tarn_base_error_set(error, TARN_E_MAINTENANCE_REFUSED,
                        "%" PRId64 " of %" PRId64 " files would be deleted from \"%s.%s\", more "
                        "than %g %%",
                        deleted, all, run->table.ns, run->table.name, most * 100);
    return tarn_base_error_hint(error, "look at the plan with --dry-run; then --max-ratio, or "
                                       "--force");
}

bool tarn_flow__maintain_cover(const TarnMaintenance *run, TarnReachable *reach,
                               const TarnTable **table, TarnError *error) {
    const TarnTable *newer = NULL;
    const TarnTable *old = *table;
    if (!tarn_catalog_table_load(run->catalog, old->name, &newer, error)) return false;
    bool same = strcmp(newer->metadata_location, old->metadata_location) == 0;
    bool ok = true;
    if (strcmp(newer->metadata->uuid, old->metadata->uuid) != 0) {
        ok = tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT,
                                 "the table \"%s.%s\" was dropped and made again meanwhile",
                                 old->name.ns, old->name.name);
    } else if (!same) {
        ok = tarn_table_reachable_add_table(reach, newer->metadata, newer->metadata_location,
                                            error);
    }
    if (!ok || same) {
        tarn_catalog_table_release(newer);
        return ok;
    }
    tarn_catalog_table_release(old);
    *table = newer;
    return true;
}

/* --- the log --- */

void tarn_flow__log_init(TarnMaintainLog *log, const TarnMaintenance *run, const char *operation) {
    *log = (TarnMaintainLog){.run = run, .operation = operation};
    tarn_base_arena_init(&log->arena, TARN_MIB);
    tarn_base_buffer_init(&log->buffer, 16 * TARN_MIB);
}

/* "expire-20261121T071500-1a2b3c4d.jsonl" */
static bool open_log(TarnMaintainLog *log, TarnError *error) {
    const TarnOs *os = log->run->os;
    char uuid[TARN_OS_UUID_BYTES];
    char time[TARN_TIME_TEXT_BYTES];
    char compact[TARN_TIME_TEXT_BYTES];
    size_t used = 0;
    tarn_base_time_format_ms(tarn_os_clock_ms(os), time);
    for (const char *at = time; *at != '\0' && *at != '.' && *at != 'Z'; at++) {
        if (*at != '-' && *at != ':') compact[used++] = *at;
    }
    compact[used] = '\0';
    if (!tarn_os_uuid4(os, uuid, error)) return false;
    const char *folder = tarn_base_arena_printf(&log->arena, "%s/logs", log->run->state);
    log->path = tarn_base_arena_printf(&log->arena, "%s/%s-%s-%.8s%s.jsonl", folder,
                                       log->operation, compact, uuid,
                                       log->run->dry_run ? "-plan" : "");
    bool ok = tarn_base_arena_check(&log->arena, error) &&
              tarn_os_directory_create_all(os, folder, false, error) &&
              os->file_open(os, log->path, TARN_OS_CREATE, &log->file, error);
    if (!ok) log->path = NULL;
    return ok;
}

static bool write_log(TarnMaintainLog *log, TarnError *error) {
    if (!tarn_base_buffer_check(&log->buffer, error)) return false;
    if (log->buffer.size == 0) return true;
    if (log->file == NULL && !open_log(log, error)) return false;
    bool ok = tarn_os_file_write_all(log->run->os, log->file, log->buffer.data, log->buffer.size,
                                     error);
    tarn_base_buffer_clear(&log->buffer);
    return ok;
}

bool tarn_flow__log_put(TarnMaintainLog *log, const char *action, TarnText path, const char *kind,
                        int64_t bytes, const char *reason, TarnError *error) {
    TarnJsonWriter writer;
    char time[TARN_TIME_TEXT_BYTES];
    TarnArena arena;
    tarn_base_arena_init(&arena, TARN_MIB);
    tarn_base_json_writer_init(&writer, &log->buffer, 0);
    tarn_base_json_object_begin(&writer);
    tarn_base_json_key(&writer, "time");
    tarn_base_json_put_string(&writer,
                              tarn_base_time_format_ms(tarn_os_clock_ms(log->run->os), time));
    tarn_base_json_key(&writer, "operation");
    tarn_base_json_put_string(&writer, log->operation);
    tarn_base_json_key(&writer, "table");
    tarn_base_json_put_string(&writer, tarn_catalog_name_text(log->run->table, &arena));
    tarn_base_json_key(&writer, "action");
    tarn_base_json_put_string(&writer, action);
    tarn_base_json_key(&writer, "path");
    tarn_base_json_put_text(&writer, path);
    tarn_base_json_key(&writer, "kind");
    tarn_base_json_put_string(&writer, kind);
    if (bytes != TARN_ABSENT) {
        tarn_base_json_key(&writer, "bytes");
        tarn_base_json_put_int64(&writer, bytes);
    }
    tarn_base_json_key(&writer, "reason");
    tarn_base_json_put_string(&writer, reason);
    tarn_base_json_object_end(&writer);
    tarn_base_buffer_byte(&log->buffer, '\n');
    tarn_base_arena_dispose(&arena);
    return log->buffer.size < LOG_BUFFER_BYTES || write_log(log, error);
}

bool tarn_flow__log_flush(TarnMaintainLog *log, bool durable, TarnError *error) {
    if (!write_log(log, error)) return false;
    return !durable || log->file == NULL || log->run->os->file_sync(log->run->os, log->file, error);
}

void tarn_flow__log_close(TarnMaintainLog *log) {
    TarnError ignored = {0};
    if (log->run == NULL) return;
    (void)write_log(log, &ignored);
    if (log->file != NULL) tarn_os_file_discard(log->run->os, log->file);
    tarn_base_buffer_dispose(&log->buffer);
    tarn_base_arena_dispose(&log->arena);
    *log = (TarnMaintainLog){0};
}

/* --- deleting --- */

typedef struct TarnDoomedFile {
    TarnTableFile file;
    const char *reason;
} TarnDoomedFile;

void tarn_flow__deleter_init(TarnDeleter *deleter, const TarnMaintenance *run,
                             TarnReachable *reach, const TarnTable **table, TarnMaintainLog *log,
                             TarnMaintainResult *result) {
    *deleter = (TarnDeleter){
        .run = run, .reach = reach, .table = table, .log = log, .result = result};
    tarn_base_arena_init(&deleter->arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
}

void tarn_flow__deleter_dispose(TarnDeleter *deleter) {
    tarn_base_arena_dispose(&deleter->arena);
}

static void count_deleted(TarnDeleter *deleter, const TarnTableFile *file) {
    TarnMaintainResult *result = deleter->result;
    result->deleted++;
    result->deleted_of_kind[file->kind]++;
    if (deleter->counter != NULL) ++*deleter->counter;
    if (file->bytes > 0 && __builtin_add_overflow(result->deleted_bytes, file->bytes,
                                                  &result->deleted_bytes)) {
        result->deleted_bytes = INT64_MAX;
    }
}

/* Manifest lists and metadata files: nothing tells their size but the store. */
bool tarn_flow__maintain_size(const TarnTable *table, TarnTableFile *file, TarnError *error) {
    TarnStoreObject object = {0};
    TarnArena arena;
    if (file->bytes != TARN_ABSENT) return true;
    tarn_base_arena_init(&arena, TARN_MIB);
    const char *location = tarn_base_text_string(&arena, file->path);
    bool ok = tarn_base_arena_check(&arena, error) &&
              tarn_store_stat(table->store, location, &object, error);
    if (ok && object.exists) file->bytes = (int64_t)object.size;
    tarn_base_arena_dispose(&arena);
    return ok;
}

bool tarn_flow__deleter_put(TarnDeleter *deleter, const TarnTableFile *given, const char *reason,
                            TarnError *error) {
    const char *kind = tarn_table_file_kind_name(given->kind);
    TarnTableFile sized = *given;
    const TarnTableFile *file = &sized;
    if (!tarn_flow__maintain_owns(*deleter->table, file->path)) {
        deleter->result->kept_outside++;
        return tarn_flow__log_put(deleter->log, "kept", file->path, kind, file->bytes,
                                  "it lies outside the table's folder", error);
    }
    if (!tarn_flow__maintain_size(*deleter->table, &sized, error)) return false;
    if (deleter->run->dry_run) {
        count_deleted(deleter, file);
        return tarn_flow__log_put(deleter->log, "would delete", file->path, kind, file->bytes,
                                  reason, error);
    }
    TarnDoomedFile *doomed = TARN_PUSH(&deleter->arena, &deleter->batch);
    if (doomed == NULL) return tarn_base_arena_check(&deleter->arena, error);
    *doomed = (TarnDoomedFile){.file = *file,
                               .reason = tarn_base_arena_string(&deleter->arena, reason)};
    doomed->file.path.data = tarn_base_text_string(&deleter->arena, file->path);
    if (!tarn_base_arena_check(&deleter->arena, error)) return false;
    return deleter->batch.count < BATCH_FILES || tarn_flow__deleter_flush(deleter, error);
}

static bool delete_batch(TarnDeleter *deleter, TarnError *error) {
    size_t most = deleter->batch.count;
    const char **paths = TARN_NEW_ARRAY(&deleter->arena, most, const char *);
    size_t *indexes = TARN_NEW_ARRAY(&deleter->arena, most, size_t);
    bool *removed = TARN_NEW_ARRAY(&deleter->arena, most, bool);
    size_t count = 0;
    if (!tarn_base_arena_check(&deleter->arena, error)) return false;
    for (size_t i = 0; i < most; i++) {
        if (deleter->batch.items[i].reason == NULL) continue;
        paths[count] = deleter->batch.items[i].file.path.data;
        indexes[count++] = i;
    }
    bool ok = tarn_store_delete_many((*deleter->table)->store, paths, count, removed, error);
    for (size_t i = 0; i < count; i++) {
        if (removed[i]) count_deleted(deleter, &deleter->batch.items[indexes[i]].file);
    }
    return ok;
}

bool tarn_flow__deleter_flush(TarnDeleter *deleter, TarnError *error) {
    if (deleter->batch.count == 0) return true;
    if (!tarn_os_interrupt_check(error) ||
        !tarn_flow__maintain_cover(deleter->run, deleter->reach, deleter->table, error)) {
        return false;
    }
    for (size_t i = 0; i < deleter->batch.count; i++) {
        TarnDoomedFile *doomed = &deleter->batch.items[i];
        bool live = false;
        if (!tarn_table_reachable_has(deleter->reach, doomed->file.path, &live, error)) {
            return false;
        }
        const char *kind = tarn_table_file_kind_name(doomed->file.kind);
        if (!tarn_flow__log_put(deleter->log, live ? "kept" : "delete", doomed->file.path, kind,
                                doomed->file.bytes,
                                live ? "it became part of the table meanwhile" : doomed->reason,
                                error)) {
            return false;
        }
        if (live) doomed->reason = NULL;
    }
    bool ok = tarn_flow__log_flush(deleter->log, false, error) &&
              !TARN_FAULT("flow.maintain.before_delete", error) && delete_batch(deleter, error) &&
              !TARN_FAULT("flow.maintain.after_delete", error);
    deleter->batch.items = NULL;
    deleter->batch.count = deleter->batch.capacity = 0;
    tarn_base_arena_reset(&deleter->arena);
    return ok;
}
