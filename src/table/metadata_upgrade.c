/* A table's way to a newer format version.
 *
 * The upgrade itself is one update. A table of version 1 may have no uuid, which later versions
 * demand; it gets one on the way. Rows get their ids with the first snapshot after an upgrade to
 * version 3, not here.
 */
#include <inttypes.h>

#include "table/metadata_private.h"

bool tarn_table_metadata_upgrade(const TarnTableMetadata *metadata, int64_t version,
                                 const TarnOs *os, TarnArena *arena,
                                 TarnTableUpdate updates[TARN_METADATA_UPGRADE_UPDATES],
                                 size_t *count, TarnError *error) {
    char uuid[TARN_OS_UUID_BYTES];
    *count = 0;
    if (version < 1 || version > TARN_METADATA_VERSION_MAX) {
        return tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                                   "format version %" PRId64 " is not known: tarn knows 1 to %d",
                                   version, TARN_METADATA_VERSION_MAX);
    }
    if (version < metadata->format_version) {
        return tarn_base_error_set(
            error, TARN_E_SCHEMA_CHANGE_REFUSED,
            "a table of format version %" PRId32 " cannot go back to version %" PRId64,
            metadata->format_version, version);
    }
    if (version == metadata->format_version) return true;
    updates[(*count)++] = (TarnTableUpdate){.kind = TARN_UPDATE_UPGRADE_FORMAT, .integer = version};
    if (metadata->uuid != NULL) return true;
    if (!tarn_os_uuid4(os, uuid, error)) return false;
    updates[(*count)++] = (TarnTableUpdate){.kind = TARN_UPDATE_ASSIGN_UUID,
                                            .text = tarn_base_arena_string(arena, uuid)};
    return tarn_base_arena_check(arena, error);
}
