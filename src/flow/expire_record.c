/* Records of expiries under way: small JSON files in <state>/maintenance.
 *
 * A record names snapshots by their manifest lists, from which all their files can be found again.
 * Nothing is deleted on its word: a file goes only if the table's snapshots of that moment do not
 * name it.
 */
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "flow/expire_private.h"

#define RECORD_PREFIX "expire-"

static bool has_snapshot(const TarnExpiry *expiry, int64_t id) {
    for (size_t i = 0; i < expiry->expired_count; i++) {
        if (expiry->expired[i]->id == id) return true;
    }
    return false;
}

static void put_statistics(TarnJsonWriter *writer, const char *key, const TarnStatisticsFile *files,
                           size_t count, const TarnExpiry *expiry) {
    tarn_base_json_key(writer, key);
    tarn_base_json_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        if (has_snapshot(expiry, files[i].snapshot_id)) {
            tarn_base_json_put_raw(writer, files[i].source);
        }
    }
    tarn_base_json_array_end(writer);
}

static void put_record(TarnJsonWriter *writer, const char *owner, const TarnMaintenance *run,
                       const TarnTableMetadata *metadata, const TarnExpiry *expiry,
                       TarnArena *arena) {
    tarn_base_json_object_begin(writer);
    tarn_base_json_key(writer, "table");
    tarn_base_json_put_string(writer, tarn_catalog_name_text(run->table, arena));
    tarn_base_json_key(writer, "uuid");
    tarn_base_json_put_string(writer, metadata->uuid);
    tarn_base_json_key(writer, "owner");
    tarn_base_json_put_string(writer, owner);
    tarn_base_json_key(writer, "snapshots");
    tarn_base_json_array_begin(writer);
    for (size_t i = 0; i < expiry->expired_count; i++) {
        tarn_base_json_object_begin(writer);
        tarn_base_json_key(writer, "id");
        tarn_base_json_put_int64(writer, expiry->expired[i]->id);
        tarn_base_json_key(writer, "manifest_list");
        tarn_base_json_put_string(writer, expiry->expired[i]->manifest_list);
        tarn_base_json_object_end(writer);
    }
    tarn_base_json_array_end(writer);
    put_statistics(writer, "statistics", metadata->statistics, metadata->statistics_count, expiry);
    put_statistics(writer, "partition_statistics", metadata->partition_statistics,
                   metadata->partition_statistics_count, expiry);
    tarn_base_json_object_end(writer);
}

bool tarn_flow__expire_record_write(const TarnMaintenance *run, const TarnTableMetadata *metadata,
                                    const TarnExpiry *expiry, TarnArena *arena, const char **path,
                                    TarnError *error) {
    TarnBuffer text;
    TarnJsonWriter writer;
    char uuid[TARN_OS_UUID_BYTES];
    const char *owner = NULL;
    const char *folder = tarn_base_arena_printf(arena, "%s/maintenance", run->state);
    if (!tarn_os_uuid7(run->os, uuid, error) || !tarn_os_owner(run->os, arena, &owner, error)) {
        return false;
    }
    *path = tarn_base_arena_printf(arena, "%s/" RECORD_PREFIX "%s.json", folder, uuid);
    tarn_base_buffer_init(&text, TARN_LIMIT_METADATA_BYTES);
    tarn_base_json_writer_init(&writer, &text, 0);
    put_record(&writer, owner, run, metadata, expiry, arena);
    bool ok = tarn_base_arena_check(arena, error) && tarn_base_buffer_check(&text, error) &&
              tarn_os_directory_create_all(run->os, folder, true, error) &&
              tarn_os_file_replace(run->os, *path, tarn_base_buffer_view(&text), true, error);
    tarn_base_buffer_dispose(&text);
    return ok;
}

void tarn_flow__expire_record_remove(const TarnMaintenance *run, const char *path) {
    TarnError error = {0};
    if (!run->os->unlink(run->os, path, NULL, &error)) {
        tarn_base_log(TARN_LOG_WARN, "could not remove \"%s\": %s", path, error.message);
    }
}

/* --- reading --- */

static bool read_snapshots(const TarnJson *list, TarnArena *arena, TarnExpireRecord *record) {
    size_t count = list != NULL ? list->count : 0;
    record->snapshots = TARN_NEW_ARRAY(arena, count + 1, const TarnSnapshot *);
    if (record->snapshots == NULL) return false;
    TARN_JSON_EACH(item, list) {
        TarnSnapshot *snapshot = TARN_NEW(arena, TarnSnapshot);
        if (snapshot == NULL) return false;
        *snapshot = (TarnSnapshot){.parent_id = TARN_ABSENT, .schema_id = -1};
        if (!tarn_base_json_int64(tarn_base_json_member(item, "id"), &snapshot->id)) return false;
        snapshot->manifest_list =
            tarn_base_json_string(tarn_base_json_member(item, "manifest_list"), arena);
        record->snapshots[record->snapshot_count++] = snapshot;
    }
    return true;
}

static bool read_statistics(const TarnJson *list, TarnArena *arena, TarnStatisticsFile **files,
                            size_t *count) {
    *files = TARN_NEW_ARRAY(arena, (list != NULL ? list->count : 0) + 1, TarnStatisticsFile);
    if (*files == NULL) return false;
    TARN_JSON_EACH(item, list) {
        TarnStatisticsFile *file = &(*files)[(*count)++];
        file->source = item->source;
        if (!tarn_base_json_int64(tarn_base_json_member(item, "snapshot-id"),
                                  &file->snapshot_id)) {
            return false;
        }
    }
    return true;
}

static bool read_record(const TarnMaintenance *run, const char *path, TarnArena *arena,
                        TarnExpireRecord *record, TarnError *error) {
    TarnText text;
    TarnJson *root = NULL;
    *record = (TarnExpireRecord){.path = path};
    if (!tarn_os_file_read_all(run->os, path, TARN_LIMIT_METADATA_BYTES, arena, &text, error) ||
        !tarn_base_json_parse(text, path, arena, &root, error)) {
        return false;
    }
    record->uuid = tarn_base_json_string(tarn_base_json_member(root, "uuid"), arena);
    record->owner = tarn_base_json_string(tarn_base_json_member(root, "owner"), arena);
    TarnTableMetadata *statistics = &record->statistics;
    if (record->uuid != NULL && record->owner != NULL &&
        read_snapshots(tarn_base_json_member(root, "snapshots"), arena, record) &&
        read_statistics(tarn_base_json_member(root, "statistics"), arena, &statistics->statistics,
                        &statistics->statistics_count) &&
        read_statistics(tarn_base_json_member(root, "partition_statistics"), arena,
                        &statistics->partition_statistics,
                        &statistics->partition_statistics_count)) {
        return true;
    }
    return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT, "\"%s\" is no record of an expiry",
                               path);
}

static bool is_record_name(const char *name) {
    return strncmp(name, RECORD_PREFIX, strlen(RECORD_PREFIX)) == 0 &&
           tarn_base_text_ends(tarn_base_text(name), ".json");
}

bool tarn_flow__expire_records_read(const TarnMaintenance *run, const char *uuid, TarnArena *arena,
                                    TarnExpireRecord **records, size_t *count, TarnError *error) {
    TarnOsListing listing = {0};
    const char *folder = tarn_base_arena_printf(arena, "%s/maintenance", run->state);
    *records = NULL;
    *count = 0;
    if (!tarn_base_arena_check(arena, error)) return false;
    if (!run->os->directory_list(run->os, folder, arena, &listing, error)) {
        if (error->code != TARN_E_OBJECT_NOT_FOUND) return false;
        tarn_base_error_clear(error);
        return true;
    }
    *records = TARN_NEW_ARRAY(arena, listing.count + 1, TarnExpireRecord);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < listing.count; i++) {
        TarnError failure = {0};
        TarnExpireRecord *record = &(*records)[*count];
        if (!is_record_name(listing.items[i].name)) continue;
        const char *path = tarn_base_arena_printf(arena, "%s/%s", folder, listing.items[i].name);
        if (!tarn_base_arena_check(arena, error)) return false;
        if (!read_record(run, path, arena, record, &failure)) {
            /* Gone: another run has finished it. */
            if (failure.code != TARN_E_OBJECT_NOT_FOUND) {
                tarn_base_log(TARN_LOG_WARN, "%s", failure.message);
            }
            continue;
        }
        if (strcmp(record->uuid, uuid != NULL ? uuid : "") == 0) ++*count;
    }
    return true;
}
