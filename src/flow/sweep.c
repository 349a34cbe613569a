/* The sweep of orphan files: what lies in a table's folder and nothing names.
 *
 * First everything that the table needs is collected, then the folder is listed and what is not
 * needed, old enough and not under an intent is written to a plan, a file of JSON lines; nothing
 * is deleted while the listing goes on. Then the table's pointer is read again, and file by file
 * the plan is carried out: what is needed by now, is under an intent by now, or has been written
 * anew since is kept.
 *
 * Paths are compared with those in the metadata. If these are in another scheme or on another
 * host, "not named" would mean nothing, so that is refused; as is a listing in which the table's
 * own metadata file does not show.
 */
#include <inttypes.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "flow/maintain_private.h"

#define RATIO_DEFAULT 0.5
#define AGE_MS_MIN INT64_C(86400000)
#define CHUNK_BYTES (64 * TARN_KIB)

typedef struct Sweep {
    const TarnMaintenance *run;
    TarnArena *arena;
    TarnMaintainResult *result;
    const TarnTable *table;
    TarnReachable reach;
    int64_t before_us; /* files younger than this stay */
    const char **intents;
    size_t intent_count;
    const char *authority; /* of the table's location */
    bool saw_metadata;
    TarnOsFile *plan; /* unnamed where the system can do that: gone with the process */
    const char *plan_path;
    TarnBuffer lines;
    uint64_t plan_bytes;
    int64_t planned;
    TarnMaintainLog log;
} Sweep;

/* --- what must not go --- */

static bool check_authority(void *state, const TarnTableFile *file, TarnError *error) {
    Sweep *sweep = state;
    TarnBuffer authority;
    tarn_base_buffer_init(&authority, 64 * TARN_KIB);
    tarn_table_location_authority(file->path, &authority);
    bool same = tarn_base_text_is(tarn_base_buffer_view(&authority), sweep->authority);
    tarn_base_buffer_dispose(&authority);
    if (same) return true;
    tarn_base_error_set(error, TARN_E_MAINTENANCE_REFUSED,
                        "the table's metadata names \"%.*s\", which is not in \"%s\" as the "
                        "table's folder is: nothing is deleted",
                        TARN_TEXT_ARG(file->path), sweep->authority);
    return tarn_base_error_hint(error, "a file that is named in two ways would be taken for one "
                                       "that nothing names");
}

static bool find_authority(Sweep *sweep, TarnError *error) {
    TarnBuffer authority;
    tarn_base_buffer_init(&authority, 64 * TARN_KIB);
    tarn_table_location_authority(tarn_base_text(sweep->table->metadata->location), &authority);
    sweep->authority = tarn_base_text_string(sweep->arena, tarn_base_buffer_view(&authority));
    tarn_base_buffer_dispose(&authority);
    return tarn_base_arena_check(sweep->arena, error);
}

static bool refuse_shared(const Sweep *sweep, TarnError *error) {
    const char *other = NULL;
    const TarnTable *table = sweep->table;
    if (!tarn_catalog_location_shared(sweep->run->catalog, table->name, table->metadata->location,
                                      sweep->arena, &other, error)) {
        return false;
    }
    if (other == NULL) return true;
    return tarn_base_error_set(error, TARN_E_MAINTENANCE_REFUSED,
                               "cannot sweep \"%s.%s\": the table \"%s\", present or dropped, has "
                               "files in its folder",
                               table->name.ns, table->name.name, other);
}

static bool is_intended(const Sweep *sweep, const char *location) {
    for (size_t i = 0; i < sweep->intent_count; i++) {
        if (strstr(location, sweep->intents[i]) != NULL) return true;
    }
    return false;
}

/* Files that others keep beside a table's: hidden ones, and the hint of catalogs in folders. */
static bool is_foreign(const char *location) {
    const char *slash = strrchr(location, '/');
    const char *name = slash != NULL ? slash + 1 : location;
    if (tarn_store_is_temporary(location)) return false;
    return name[0] == '.' || name[0] == '_' || strcmp(name, "version-hint.text") == 0;
}

/* --- the plan --- */

static bool write_plan(Sweep *sweep, TarnError *error) {
    if (!tarn_base_buffer_check(&sweep->lines, error)) return false;
    bool ok = tarn_os_file_write_all(sweep->run->os, sweep->plan, sweep->lines.data,
                                     sweep->lines.size, error);
    sweep->plan_bytes += sweep->lines.size;
    tarn_base_buffer_clear(&sweep->lines);
    return ok;
}

static bool plan_file(Sweep *sweep, const TarnStoreObject *object, TarnError *error) {
    TarnJsonWriter writer;
    sweep->planned++;
    tarn_base_json_writer_init(&writer, &sweep->lines, 0);
    tarn_base_json_array_begin(&writer);
    tarn_base_json_put_string(&writer, object->location);
    tarn_base_json_put_int64(&writer, (int64_t)object->size);
    tarn_base_json_put_int64(&writer, object->mtime_us);
    tarn_base_json_array_end(&writer);
    tarn_base_buffer_byte(&sweep->lines, '\n');
    return sweep->lines.size < CHUNK_BYTES || write_plan(sweep, error);
}

/* A name that is not UTF-8 cannot be a line of the plan; no table names such a file either. */
static bool is_plannable(const char *location) {
    TarnText text = tarn_base_text(location);
    return tarn_base_text_utf8_valid(text) == text.size;
}

static bool look_at(void *state, const TarnStoreObject *object, TarnError *error) {
    Sweep *sweep = state;
    bool live = false;
    sweep->result->files_before++;
    sweep->result->bytes_before += (int64_t)object->size;
    if (!tarn_table_reachable_has(&sweep->reach, tarn_base_text(object->location), &live, error)) {
        return false;
    }
    if (live && !sweep->saw_metadata) {
        TarnBuffer one;
        TarnBuffer two;
        tarn_base_buffer_init(&one, 64 * TARN_KIB);
        tarn_base_buffer_init(&two, 64 * TARN_KIB);
        tarn_table_location_canonical(tarn_base_text(object->location), &one);
        tarn_table_location_canonical(tarn_base_text(sweep->table->metadata_location), &two);
        sweep->saw_metadata = tarn_base_text_equal(tarn_base_buffer_view(&one),
                                                   tarn_base_buffer_view(&two));
        tarn_base_buffer_dispose(&one);
        tarn_base_buffer_dispose(&two);
    }
    if (live || object->mtime_us > sweep->before_us || is_foreign(object->location) ||
        is_intended(sweep, object->location) || !is_plannable(object->location)) {
        return true;
    }
    return plan_file(sweep, object, error);
}

static bool open_plan(Sweep *sweep, TarnError *error) {
    const TarnOs *os = sweep->run->os;
    char uuid[TARN_OS_UUID_BYTES];
    const char *folder = tarn_base_arena_printf(sweep->arena, "%s/maintenance",
                                                sweep->run->state);
    if (!tarn_base_arena_check(sweep->arena, error) || !tarn_os_uuid7(os, uuid, error) ||
        !tarn_os_directory_create_all(os, folder, false, error) ||
        !os->file_open_unnamed(os, folder, &sweep->plan, error)) {
        return false;
    }
    if (sweep->plan != NULL) return true;
    sweep->plan_path = tarn_base_arena_printf(sweep->arena, "%s/sweep-%s.jsonl", folder, uuid);
    return tarn_base_arena_check(sweep->arena, error) &&
           os->file_open(os, sweep->plan_path, TARN_OS_CREATE, &sweep->plan, error);
}

static bool refuse_blind(const Sweep *sweep, TarnError *error) {
    const TarnTable *table = sweep->table;
    bool inside = tarn_flow__maintain_owns(table, tarn_base_text(table->metadata_location));
    if (sweep->saw_metadata || !inside || sweep->result->files_before == 0) return true;
    return tarn_base_error_set(error, TARN_E_MAINTENANCE_REFUSED,
                               "the listing of \"%s\" does not show the table's own metadata file "
                               "\"%s\": nothing is deleted",
                               table->metadata->location, table->metadata_location);
}

static bool make_plan(Sweep *sweep, TarnError *error) {
    const TarnTable *table = sweep->table;
    sweep->reach.visit = check_authority;
    sweep->reach.visit_state = sweep;
    return tarn_table_reachable_add_table(&sweep->reach, table->metadata,
                                          table->metadata_location, error) &&
           tarn_catalog_intent_ids(sweep->run->catalog, sweep->arena, &sweep->intents,
                                   &sweep->intent_count, error) &&
           open_plan(sweep, error) &&
           tarn_store_list(table->store, table->metadata->location, look_at, sweep, error) &&
           write_plan(sweep, error) && refuse_blind(sweep, error) &&
           tarn_flow__maintain_judge(sweep->run, RATIO_DEFAULT, sweep->planned,
                                     sweep->result->files_before, error) &&
           !TARN_FAULT("flow.sweep.after_plan", error);
}

/* --- carrying it out --- */

static TarnTableFileKind kind_of(TarnText path) {
    if (tarn_base_text_ends(path, ".avro")) return TARN_TABLE_FILE_MANIFEST;
    if (tarn_base_text_ends(path, ".metadata.json") ||
        tarn_base_text_ends(path, ".metadata.json.gz")) {
        return TARN_TABLE_FILE_METADATA;
    }
    if (tarn_base_text_ends(path, ".stats") || tarn_base_text_ends(path, ".puffin")) {
        return TARN_TABLE_FILE_STATISTICS;
    }
    return TARN_TABLE_FILE_DATA;
}

static bool carry_out(Sweep *sweep, TarnDeleter *deleter, TarnText line, TarnError *error) {
    TarnArena arena;
    TarnJson *json = NULL;
    TarnStoreObject object = {0};
    TarnTableFile file = {.snapshot_id = TARN_ABSENT};
    int64_t mtime_us = 0;
    tarn_base_arena_init(&arena, TARN_MIB);
    bool ok = tarn_base_json_parse(line, NULL, &arena, &json, error);
    bool whole = ok && tarn_base_json_text(tarn_base_json_at(json, 0), &file.path) &&
                 tarn_base_json_int64(tarn_base_json_at(json, 1), &file.bytes) &&
                 tarn_base_json_int64(tarn_base_json_at(json, 2), &mtime_us);
    if (ok && !whole) {
        ok = tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT, "the plan of a sweep is damaged");
    }
    const char *location = ok ? tarn_base_text_string(&arena, file.path) : NULL;
    ok = ok && tarn_base_arena_check(&arena, error) &&
         tarn_store_stat(sweep->table->store, location, &object, error);
    if (ok && object.exists && object.mtime_us == mtime_us && !is_intended(sweep, location)) {
        file.kind = kind_of(file.path);
        ok = tarn_flow__deleter_put(deleter, &file, "nothing in the table's metadata names it",
                                    error);
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

/* The plan's lines, a piece at a time; what is left of a line waits for the next piece. */
static bool carry_out_all(Sweep *sweep, TarnDeleter *deleter, TarnError *error) {
    const TarnOs *os = sweep->run->os;
    TarnBuffer text;
    uint64_t offset = 0;
    bool ok = true;
    tarn_base_buffer_init(&text, 16 * TARN_MIB);
    while (ok && offset < sweep->plan_bytes) {
        uint64_t left = sweep->plan_bytes - offset;
        size_t size = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
        size_t start = text.size;
        if (!tarn_base_buffer_reserve(&text, size)) break;
        ok = tarn_os_file_read_exact(os, sweep->plan, offset, text.data + start, size, error);
        if (!ok) break;
        text.size += size;
        offset += size;
        size_t used = 0;
        for (size_t i = start; ok && i < text.size; i++) {
            if (text.data[i] != '\n') continue;
            ok = carry_out(sweep, deleter, (TarnText){text.data + used, i - used}, error);
            used = i + 1;
        }
        memmove(text.data, text.data + used, text.size - used);
        text.size -= used;
    }
    ok = ok && tarn_base_buffer_check(&text, error);
    tarn_base_buffer_dispose(&text);
    return ok;
}

static bool execute(Sweep *sweep, TarnError *error) {
    TarnDeleter deleter;
    sweep->reach.visit = NULL;
    tarn_flow__deleter_init(&deleter, sweep->run, &sweep->reach, &sweep->table, &sweep->log,
                            sweep->result);
    /* In this order: a writer forgets its intent when the pointer has moved, not before. */
    bool ok = tarn_catalog_intent_ids(sweep->run->catalog, sweep->arena, &sweep->intents,
                                      &sweep->intent_count, error) &&
              tarn_flow__maintain_cover(sweep->run, &sweep->reach, &sweep->table, error) &&
              carry_out_all(sweep, &deleter, error) &&
              (sweep->run->dry_run || tarn_flow__deleter_flush(&deleter, error));
    tarn_flow__deleter_dispose(&deleter);
    return ok;
}

static void close_plan(Sweep *sweep) {
    const TarnOs *os = sweep->run->os;
    TarnError ignored = {0};
    if (sweep->plan != NULL) tarn_os_file_discard(os, sweep->plan);
    if (sweep->plan_path != NULL) (void)os->unlink(os, sweep->plan_path, NULL, &ignored);
    tarn_base_buffer_dispose(&sweep->lines);
}

static bool check_age(const TarnMaintenance *run, int64_t age_ms, TarnError *error) {
    if (run->force || age_ms >= AGE_MS_MIN) return true;
    tarn_base_error_set(error, TARN_E_MAINTENANCE_REFUSED,
                        "files younger than a day may belong to a commit that is under way");
    return tarn_base_error_hint(error, "--force, if nobody writes to the table, not even another "
                                       "program");
}

bool tarn_flow_sweep(const TarnMaintenance *run, int64_t age_ms, TarnArena *arena,
                     TarnMaintainResult *result, TarnError *error) {
    Sweep sweep = {.run = run, .arena = arena, .result = result};
    TarnError ignored = {0};
    *result = (TarnMaintainResult){.snapshot_id = TARN_ABSENT};
    if (!check_age(run, age_ms, error) ||
        !tarn_flow__maintain_load(run, "sweep", &sweep.table, error)) {
        return false;
    }
    int64_t now_ms = tarn_os_clock_ms(run->os);
    int64_t before_ms;
    if (__builtin_sub_overflow(now_ms, age_ms, &before_ms) || before_ms < 0) before_ms = 0;
    sweep.before_us = before_ms * 1000;
    tarn_base_buffer_init(&sweep.lines, 16 * TARN_MIB);
    tarn_flow__log_init(&sweep.log, run, "sweep");
    bool ok = find_authority(&sweep, error) && refuse_shared(&sweep, error) &&
              tarn_table_reachable_init(&sweep.reach, run->os, sweep.table->store, error) &&
              make_plan(&sweep, error) && execute(&sweep, error);
    result->table = tarn_catalog_name_text(sweep.table->name, arena);
    result->snapshot_id = sweep.table->metadata->current_snapshot_id;
    result->files_after = result->files_before - result->deleted;
    result->bytes_after = result->bytes_before - result->deleted_bytes;
    result->snapshots_before = (int64_t)sweep.table->metadata->snapshot_count;
    ok = tarn_flow__log_flush(&sweep.log, false, ok ? error : &ignored) && ok;
    result->log = tarn_base_arena_string(arena, sweep.log.path);
    close_plan(&sweep);
    tarn_flow__log_close(&sweep.log);
    tarn_table_reachable_dispose(&sweep.reach);
    tarn_catalog_table_release(sweep.table);
    return ok;
}
