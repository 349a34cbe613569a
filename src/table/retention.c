/* Snapshot expiry as a plan: what refs and ages keep, and the rest. See the header for the rules.
 *
 * Ids are looked up by going through the metadata's list, once for each step along a branch; a
 * map from id to place makes that cheap for tables of many snapshots.
 */
#include "table/retention.h"

#include <inttypes.h>
#include <stdlib.h>

#define AGE_MS_DEFAULT INT64_C(432000000) /* 5 days, as the reference implementation has it */

typedef struct Place {
    int64_t id;
    size_t index;
} Place;

typedef struct Planner {
    const TarnTableMetadata *metadata;
    const TarnRetention *retention;
    TarnArena *arena;
    Place *places; /* sorted by id */
    bool *kept;    /* by the snapshot's place in the metadata */
    bool *reached; /* an ancestor of some ref's head */
    int64_t older_than_ms;
    int64_t retain_last;
    int64_t max_ref_age_ms;
} Planner;

static int compare_places(const void *left, const void *right) {
    const Place *a = left;
    const Place *b = right;
    return a->id < b->id ? -1 : a->id > b->id;
}

/* SIZE_MAX = there is none. */
static size_t place_of(const Planner *planner, int64_t id) {
    Place key = {.id = id};
    const TarnTableMetadata *metadata = planner->metadata;
    if (id == TARN_ABSENT || metadata->snapshot_count == 0) return SIZE_MAX;
    const Place *found = bsearch(&key, planner->places, metadata->snapshot_count, sizeof(Place),
                                 compare_places);
    return found != NULL ? found->index : SIZE_MAX;
}

static bool planner_init(Planner *planner, TarnError *error) {
    const TarnTableMetadata *metadata = planner->metadata;
    const TarnRetention *retention = planner->retention;
    planner->places = TARN_NEW_ARRAY(planner->arena, metadata->snapshot_count + 1, Place);
    planner->kept = TARN_NEW_ARRAY(planner->arena, metadata->snapshot_count + 1, bool);
    planner->reached = TARN_NEW_ARRAY(planner->arena, metadata->snapshot_count + 1, bool);
    if (!tarn_base_arena_check(planner->arena, error)) return false;
    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        planner->places[i] = (Place){.id = metadata->snapshots[i].id, .index = i};
    }
    qsort(planner->places, metadata->snapshot_count, sizeof(Place), compare_places);
    int64_t age = tarn_table_metadata_property_int64(
        metadata, "history.expire.max-snapshot-age-ms", AGE_MS_DEFAULT);
    planner->older_than_ms = retention->older_than_ms != TARN_ABSENT ? retention->older_than_ms
                             : age >= 0 ? retention->now_ms - age
                                        : INT64_MIN + 1;
    planner->retain_last = retention->retain_last != TARN_ABSENT
                               ? retention->retain_last
                               : tarn_table_metadata_property_int64(
                                     metadata, "history.expire.min-snapshots-to-keep", 1);
    if (planner->retain_last < 1) planner->retain_last = 1;
    planner->max_ref_age_ms = tarn_table_metadata_property_int64(
        metadata, "history.expire.max-ref-age-ms", INT64_MAX);
    return true;
}

/* --- refs --- */

static bool is_main(const TarnSnapshotRef *ref) { return strcmp(ref->name, "main") == 0; }

static bool is_too_old(const Planner *planner, const TarnSnapshotRef *ref, size_t head) {
    int64_t age = ref->max_ref_age_ms != TARN_ABSENT ? ref->max_ref_age_ms
                                                     : planner->max_ref_age_ms;
    int64_t lived;
    if (is_main(ref) || age < 0) return false;
    int64_t made = planner->metadata->snapshots[head].timestamp_ms;
    return !__builtin_sub_overflow(planner->retention->now_ms, made, &lived) && lived > age;
}

/* From the head back, until one is neither young nor among the last. The bound ends a circle. */
static void keep_branch(Planner *planner, size_t head, int64_t older_than_ms, int64_t retain_last) {
    const TarnTableMetadata *metadata = planner->metadata;
    bool keeps = true;
    int64_t count = 0;
    size_t at = head;
    for (size_t i = 0; i <= metadata->snapshot_count && at != SIZE_MAX; i++) {
        const TarnSnapshot *snapshot = &metadata->snapshots[at];
        keeps = keeps && (count < retain_last || snapshot->timestamp_ms >= older_than_ms);
        planner->reached[at] = true;
        if (keeps) planner->kept[at] = true;
        count++;
        at = place_of(planner, snapshot->parent_id);
    }
}

static void keep_ref(Planner *planner, const TarnSnapshotRef *ref, size_t head) {
    int64_t older_than = planner->older_than_ms;
    int64_t last = planner->retain_last;
    if (ref->is_tag) {
        planner->kept[head] = true;
        planner->reached[head] = true;
        return;
    }
    if (ref->max_snapshot_age_ms != TARN_ABSENT) {
        older_than = planner->retention->now_ms - ref->max_snapshot_age_ms;
    }
    if (ref->min_snapshots_to_keep != TARN_ABSENT) last = ref->min_snapshots_to_keep;
    keep_branch(planner, head, older_than, last);
}

static bool keep_refs(Planner *planner, TarnExpiry *expiry, TarnError *error) {
    const TarnTableMetadata *metadata = planner->metadata;
    bool ages = planner->retention->snapshot_id_count == 0;
    expiry->refs = TARN_NEW_ARRAY(planner->arena, metadata->ref_count + 1, const char *);
    if (!tarn_base_arena_check(planner->arena, error)) return false;
    for (size_t i = 0; i < metadata->ref_count; i++) {
        const TarnSnapshotRef *ref = &metadata->refs[i];
        size_t head = place_of(planner, ref->snapshot_id);
        if (head == SIZE_MAX) {
            return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                       "\"%s\" points to snapshot %" PRId64
                                       ", which the table does not have",
                                       ref->name, ref->snapshot_id);
        }
        if (ages && is_too_old(planner, ref, head)) {
            expiry->refs[expiry->ref_count++] = ref->name;
        } else {
            keep_ref(planner, ref, head);
        }
    }
    /* Version 1 metadata may have a current snapshot and no refs. */
    size_t current = place_of(planner, metadata->current_snapshot_id);
    if (current != SIZE_MAX) {
        keep_branch(planner, current, planner->older_than_ms, planner->retain_last);
    }
    return true;
}

/* --- snapshots given by id --- */

static const char *ref_at(const TarnTableMetadata *metadata, int64_t id) {
    for (size_t i = 0; i < metadata->ref_count; i++) {
        if (metadata->refs[i].snapshot_id == id) return metadata->refs[i].name;
    }
    return metadata->current_snapshot_id == id ? "main" : NULL;
}

static bool expire_given(Planner *planner, TarnError *error) {
    const TarnRetention *retention = planner->retention;
    for (size_t i = 0; i < planner->metadata->snapshot_count; i++) planner->kept[i] = true;
    for (size_t i = 0; i < retention->snapshot_id_count; i++) {
        int64_t id = retention->snapshot_ids[i];
        size_t at = place_of(planner, id);
        if (at == SIZE_MAX) {
            tarn_base_error_set(error, TARN_E_SNAPSHOT_NOT_FOUND,
                                "no snapshot %" PRId64 " in this table", id);
            return tarn_base_error_hint(error, "tarn history TABLE lists them");
        }
        const char *ref = ref_at(planner->metadata, id);
        if (ref != NULL) {
            tarn_base_error_set(error, TARN_E_SNAPSHOT_NOT_FOUND,
                                "snapshot %" PRId64 " cannot expire: \"%s\" points to it", id, ref);
            return tarn_base_error_hint(error, "move or drop the branch or tag first");
        }
        planner->kept[at] = false;
    }
    return true;
}

static bool expire_by_age(Planner *planner, TarnExpiry *expiry, TarnError *error) {
    const TarnTableMetadata *metadata = planner->metadata;
    if (!keep_refs(planner, expiry, error)) return false;
    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        if (planner->reached[i]) continue;
        planner->kept[i] = metadata->snapshots[i].timestamp_ms >= planner->older_than_ms;
    }
    return true;
}

bool tarn_table_retention_plan(const TarnTableMetadata *metadata, const TarnRetention *retention,
                               TarnArena *arena, TarnExpiry *expiry, TarnError *error) {
    Planner planner = {.metadata = metadata, .retention = retention, .arena = arena};
    *expiry = (TarnExpiry){0};
    if (!planner_init(&planner, error)) return false;
    bool given = retention->snapshot_id_count > 0;
    if (!(given ? expire_given(&planner, error) : expire_by_age(&planner, expiry, error))) {
        return false;
    }
    size_t count = metadata->snapshot_count;
    expiry->expired = TARN_NEW_ARRAY(arena, count + 1, const TarnSnapshot *);
    expiry->kept = TARN_NEW_ARRAY(arena, count + 1, const TarnSnapshot *);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < count; i++) {
        const TarnSnapshot *snapshot = &metadata->snapshots[i];
        if (planner.kept[i]) {
            expiry->kept[expiry->kept_count++] = snapshot;
        } else {
            expiry->expired[expiry->expired_count++] = snapshot;
        }
    }
    return true;
}

/* --- schemas and specs --- */

static bool is_spec_used(const TarnTableMetadata *metadata, int32_t id, const int32_t *live,
                         size_t live_count) {
    if (id == metadata->default_spec_id) return true;
    for (size_t i = 0; i < live_count; i++) {
        if (live[i] == id) return true;
    }
    return false;
}

static bool is_schema_used(const TarnTableMetadata *metadata, const TarnExpiry *expiry,
                           int32_t id) {
    if (id == metadata->current_schema_id) return true;
    for (size_t i = 0; i < expiry->kept_count; i++) {
        if (expiry->kept[i]->schema_id == id) return true;
    }
    return false;
}

/* Is each source column of the specs that stay in a schema that stays? */
static bool knows_sources(const TarnTableMetadata *metadata, const TarnExpiry *expiry,
                          const int32_t *live, size_t live_count) {
    for (size_t i = 0; i < metadata->spec_count; i++) {
        const TarnPartitionSpec *spec = &metadata->specs[i];
        if (!is_spec_used(metadata, spec->id, live, live_count)) continue;
        for (size_t f = 0; f < spec->field_count; f++) {
            bool known = false;
            for (size_t s = 0; s < metadata->schema_count && !known; s++) {
                const TarnSchema *schema = &metadata->schemas[s];
                known = is_schema_used(metadata, expiry, schema->id) &&
                        tarn_table_schema_find(schema, spec->fields[f].source_id) != NULL;
            }
            if (!known) return false;
        }
    }
    return true;
}

bool tarn_table_retention_unused(const TarnTableMetadata *metadata, const TarnExpiry *expiry,
                                 const int32_t *live_spec_ids, size_t live_spec_count,
                                 bool has_deletes, TarnArena *arena, TarnUnusedLayout *unused,
                                 TarnError *error) {
    *unused = (TarnUnusedLayout){0};
    unused->schema_ids = TARN_NEW_ARRAY(arena, metadata->schema_count + 1, int64_t);
    unused->spec_ids = TARN_NEW_ARRAY(arena, metadata->spec_count + 1, int64_t);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < metadata->spec_count; i++) {
        int32_t id = metadata->specs[i].id;
        if (is_spec_used(metadata, id, live_spec_ids, live_spec_count)) continue;
        unused->spec_ids[unused->spec_count++] = id;
    }
    if (has_deletes || !knows_sources(metadata, expiry, live_spec_ids, live_spec_count)) {
        return true;
    }
    for (size_t i = 0; i < metadata->schema_count; i++) {
        int32_t id = metadata->schemas[i].id;
        if (is_schema_used(metadata, expiry, id)) continue;
        unused->schema_ids[unused->schema_count++] = id;
    }
    return true;
}

/* --- the commit --- */

bool tarn_table_retention_updates(const TarnTableMetadata *metadata, const TarnExpiry *expiry,
                                  const TarnUnusedLayout *unused, TarnArena *arena,
                                  const TarnTableUpdate **result, size_t *update_count,
                                  TarnError *error) {
    (void)metadata;
    TarnTableUpdate *updates = TARN_NEW_ARRAY(arena, expiry->ref_count + 4, TarnTableUpdate);
    int64_t *ids = TARN_NEW_ARRAY(arena, expiry->expired_count + 1, int64_t);
    if (!tarn_base_arena_check(arena, error)) return false;
    size_t count = 0;
    for (size_t i = 0; i < expiry->ref_count; i++) {
        updates[count++] = (TarnTableUpdate){.kind = TARN_UPDATE_REMOVE_SNAPSHOT_REF,
                                             .text = expiry->refs[i]};
    }
    for (size_t i = 0; i < expiry->expired_count; i++) ids[i] = expiry->expired[i]->id;
    if (expiry->expired_count > 0) {
        updates[count++] = (TarnTableUpdate){.kind = TARN_UPDATE_REMOVE_SNAPSHOTS,
                                             .ids = ids,
                                             .count = expiry->expired_count};
    }
    if (unused != NULL && unused->spec_count > 0) {
        updates[count++] = (TarnTableUpdate){
            .kind = TARN_UPDATE_REMOVE_SPECS, .ids = unused->spec_ids, .count = unused->spec_count};
    }
    if (unused != NULL && unused->schema_count > 0) {
        updates[count++] = (TarnTableUpdate){.kind = TARN_UPDATE_REMOVE_SCHEMAS,
                                             .ids = unused->schema_ids,
                                             .count = unused->schema_count};
    }
    *result = updates;
    *update_count = count;
    return true;
}
