/* Looking things up in table metadata: by id, by name, by time.
 *
 * The lists are searched from front to back: a statement asks a handful of times. Checks that
 * compare whole lists use the sorted id set below, so that hostile metadata of 100,000 snapshots
 * does not cost 100,000 squared.
 *
 * Reading is in metadata_read.c, writing in metadata_write.c, changing in metadata_apply.c.
 */
#include "table/metadata.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "table/metadata_private.h"

/* Names listed in a hint. */
#define NAMES_SHOWN 8

static const TarnSortOrder unsorted = {.id = 0, .fields = NULL, .field_count = 0};

/* ---- sets of ids ---- */

static int compare_ids(const void *left, const void *right) {
    const int64_t *a = left;
    const int64_t *b = right;
    return (*a > *b) - (*a < *b);
}

TarnIdSet tarn_table__id_set(int64_t *ids, size_t count) {
    if (count > 1) qsort(ids, count, sizeof(ids[0]), compare_ids);
    return (TarnIdSet){.ids = ids, .count = ids != NULL ? count : 0};
}

bool tarn_table__id_set_has(const TarnIdSet *set, int64_t id) {
    return set->count > 0 &&
           bsearch(&id, set->ids, set->count, sizeof(set->ids[0]), compare_ids) != NULL;
}

bool tarn_table__id_set_duplicate(const TarnIdSet *set, int64_t *id) {
    for (size_t i = 1; i < set->count; i++) {
        if (set->ids[i] != set->ids[i - 1]) continue;
        *id = set->ids[i];
        return true;
    }
    return false;
}

TarnIdSet tarn_table__metadata_snapshot_ids(const TarnSnapshot *snapshots, size_t count,
                                            TarnArena *arena) {
    int64_t *ids = TARN_NEW_ARRAY(arena, count, int64_t);
    for (size_t i = 0; ids != NULL && i < count; i++) ids[i] = snapshots[i].id;
    return tarn_table__id_set(ids, ids != NULL ? count : 0);
}

/* ---- by id ---- */

const TarnSchema *tarn_table_metadata_schema(const TarnTableMetadata *metadata, int32_t id) {
    for (size_t i = 0; i < metadata->schema_count; i++) {
        if (metadata->schemas[i].id == id) return &metadata->schemas[i];
    }
    return NULL;
}

const TarnSchema *tarn_table_metadata_current_schema(const TarnTableMetadata *metadata) {
    return tarn_table_metadata_schema(metadata, metadata->current_schema_id);
}

const TarnPartitionSpec *tarn_table_metadata_spec(const TarnTableMetadata *metadata, int32_t id) {
    for (size_t i = 0; i < metadata->spec_count; i++) {
        if (metadata->specs[i].id == id) return &metadata->specs[i];
    }
    return NULL;
}

const TarnPartitionSpec *tarn_table_metadata_default_spec(const TarnTableMetadata *metadata) {
    return tarn_table_metadata_spec(metadata, metadata->default_spec_id);
}

const TarnSortOrder *tarn_table_metadata_default_sort_order(const TarnTableMetadata *metadata) {
    for (size_t i = 0; i < metadata->sort_order_count; i++) {
        if (metadata->sort_orders[i].id == metadata->default_sort_order_id) {
            return &metadata->sort_orders[i];
        }
    }
    return &unsorted;
}

const TarnSnapshot *tarn_table_metadata_snapshot(const TarnTableMetadata *metadata, int64_t id) {
    for (size_t i = metadata->snapshot_count; i > 0; i--) { /* the newest are asked for most */
        if (metadata->snapshots[i - 1].id == id) return &metadata->snapshots[i - 1];
    }
    return NULL;
}

const TarnSnapshot *tarn_table_metadata_current_snapshot(const TarnTableMetadata *metadata) {
    if (metadata->current_snapshot_id == TARN_ABSENT) return NULL;
    return tarn_table_metadata_snapshot(metadata, metadata->current_snapshot_id);
}

const TarnSnapshotRef *tarn_table_metadata_ref(const TarnTableMetadata *metadata,
                                               const char *name) {
    for (size_t i = 0; i < metadata->ref_count; i++) {
        if (strcmp(metadata->refs[i].name, name) == 0) return &metadata->refs[i];
    }
    return NULL;
}

/* ---- properties ---- */

const char *tarn_table_metadata_property(const TarnTableMetadata *metadata, const char *key) {
    for (size_t i = 0; i < metadata->property_count; i++) {
        if (strcmp(metadata->properties[i].key, key) == 0) return metadata->properties[i].value;
    }
    return NULL;
}

int64_t tarn_table_metadata_property_int64(const TarnTableMetadata *metadata, const char *key,
                                           int64_t otherwise) {
    const char *text = tarn_table_metadata_property(metadata, key);
    int64_t value;
    if (text == NULL || !tarn_base_text_to_int64(tarn_base_text(text), &value)) return otherwise;
    return value;
}

/* The list the reference implementation keeps: clients send them with a create. */
bool tarn_table__metadata_is_reserved(const char *key) {
    static const char *const reserved[] = {
        "format-version",           "uuid",
        "snapshot-count",           "current-snapshot-id",
        "current-snapshot-summary", "current-snapshot-timestamp-ms",
        "current-schema",           "default-partition-spec",
        "default-sort-order",
    };
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strcmp(reserved[i], key) == 0) return true;
    }
    return false;
}

/* ---- by time and by name ---- */

const TarnSnapshot *tarn_table_metadata_snapshot_at(const TarnTableMetadata *metadata,
                                                    int64_t timestamp_ms) {
    for (size_t i = metadata->snapshot_log_count; i > 0; i--) {
        const TarnSnapshotLogEntry *entry = &metadata->snapshot_log[i - 1];
        if (entry->timestamp_ms > timestamp_ms) continue;
        return tarn_table_metadata_snapshot(metadata, entry->snapshot_id);
    }
    return NULL;
}

/* Microseconds to the millisecond they lie in, before 1970 too. */
static int64_t floor_ms(int64_t us) { return us / 1000 - (us % 1000 < 0); }

static bool refuse_time(const TarnTableMetadata *metadata, TarnText name, TarnError *error) {
    char first[TARN_TIME_TEXT_BYTES];
    tarn_base_error_set(error, TARN_E_SNAPSHOT_NOT_FOUND,
                        "the table had no current snapshot at \"%.*s\"", TARN_TEXT_ARG(name));
    if (metadata->snapshot_log_count == 0) {
        return tarn_base_error_hint(error, "the table keeps no log of its snapshots: name a "
                                           "snapshot, branch or tag");
    }
    tarn_base_time_format_ms(metadata->snapshot_log[0].timestamp_ms, first);
    return tarn_base_error_hint(error, "its history begins at %s (tarn history lists it)", first);
}

static bool refuse_name(const TarnTableMetadata *metadata, TarnText name, TarnError *error) {
    char list[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < metadata->ref_count && i < NAMES_SHOWN; i++) {
        const char *ref = metadata->refs[i].name;
        size_t size = strlen(ref);
        if (used + size + 5 > sizeof(list)) break;
        if (used > 0) memcpy(list + used, ", ", 2), used += 2;
        memcpy(list + used, ref, size + 1);
        used += size;
    }
    tarn_base_error_set(error, TARN_E_SNAPSHOT_NOT_FOUND,
                        "the table has no snapshot, branch or tag \"%.*s\"", TARN_TEXT_ARG(name));
    if (metadata->snapshot_count == 0) {
        return tarn_base_error_hint(error, "the table has no snapshots yet");
    }
    return tarn_base_error_hint(error, "it has %zu snapshots, the newest %" PRId64 "%s%s",
                                metadata->snapshot_count,
                                metadata->snapshots[metadata->snapshot_count - 1].id,
                                used > 0 ? ", and the refs " : "", list);
}

/* Ids come first since they are exact; a tag may well be named like a date, so times come last. */
bool tarn_table_metadata_snapshot_named(const TarnTableMetadata *metadata, TarnText name,
                                        const TarnSnapshot **snapshot, TarnError *error) {
    int64_t number;
    *snapshot = NULL;
    if (tarn_base_text_to_int64(name, &number)) {
        *snapshot = tarn_table_metadata_snapshot(metadata, number);
        if (*snapshot != NULL) return true;
    }
    for (size_t i = 0; i < metadata->ref_count; i++) {
        if (!tarn_base_text_is(name, metadata->refs[i].name)) continue;
        *snapshot = tarn_table_metadata_snapshot(metadata, metadata->refs[i].snapshot_id);
        if (*snapshot != NULL) return true;
    }
    if (tarn_base_time_parse_us(name, &number)) {
        *snapshot = tarn_table_metadata_snapshot_at(metadata, floor_ms(number));
        return *snapshot != NULL || refuse_time(metadata, name, error);
    }
    return refuse_name(metadata, name, error);
}
