/* Branches and tags: made, replaced, dropped, moved forward.
 *
 * Each change looks at the table it was given and says in requirements what it relied on: the
 * table's uuid and where each ref stood. The catalog checks them against whatever is current when
 * it commits. Nothing is written here.
 */
#include "table/snapshot_ref.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "table/metadata_private.h"
#include "table/snapshot_ref_private.h"

/* --- names and errors --- */

const char *tarn_table_branch_beside_main(const char *branch) {
    return branch == NULL || tarn_table__is_main(branch) ? NULL : branch;
}

bool tarn_table_ref_name_check(TarnText name, TarnError *error) {
    bool plain = name.size > 0 && tarn_base_text_utf8_valid(name) == name.size;
    for (size_t i = 0; plain && i < name.size; i++) {
        plain = (unsigned char)name.data[i] >= 0x20 && name.data[i] != 0x7F;
    }
    if (plain && name.size <= TARN_LIMIT_IDENTIFIER_BYTES) return true;
    if (name.size > TARN_LIMIT_IDENTIFIER_BYTES) {
        tarn_base_error_set(error, TARN_E_NAME_INVALID,
                            "a branch or tag cannot have a name of %zu bytes", name.size);
        return tarn_base_error_hint(error, "at most %d are allowed", TARN_LIMIT_IDENTIFIER_BYTES);
    }
    return tarn_base_error_set(error, TARN_E_NAME_INVALID,
                               "the name of a branch or tag must be text without control "
                               "characters and not empty");
}

const char *tarn_table__ref_kind(bool is_tag) { return is_tag ? "tag" : "branch"; }

bool tarn_table__ref_missing(const TarnTableMetadata *base, const char *name, bool is_tag,
                             TarnError *error) {
    const char **names = NULL;
    TarnArena arena;
    tarn_base_arena_init(&arena, TARN_LIMIT_METADATA_BYTES);
    names = TARN_NEW_ARRAY(&arena, base->ref_count + 1, const char *);
    for (size_t i = 0; names != NULL && i < base->ref_count; i++) names[i] = base->refs[i].name;
    tarn_base_error_set(error, TARN_E_SNAPSHOT_NOT_FOUND, "the table has no %s \"%.255s\"",
                        tarn_table__ref_kind(is_tag), name);
    const char *near = names != NULL ? tarn_base_text_nearest(name, names, base->ref_count) : NULL;
    if (near != NULL) {
        tarn_base_error_hint(error, "did you mean \"%s\"?", near);
    } else {
        tarn_base_error_hint(error, "its metadata table $refs lists its branches and tags");
    }
    tarn_base_arena_dispose(&arena);
    return false;
}

static bool refuse_kind(const TarnSnapshotRef *ref, TarnError *error) {
    return tarn_base_error_set(error, TARN_E_REF_REFUSED, "\"%s\" is a %s, not a %s", ref->name,
                               tarn_table__ref_kind(ref->is_tag),
                               tarn_table__ref_kind(!ref->is_tag));
}

int64_t tarn_table__branch_head(const TarnTableMetadata *base, const char *branch) {
    const TarnSnapshotRef *ref = tarn_table_metadata_ref(base, branch);
    if (ref != NULL) return ref->snapshot_id;
    return tarn_table__is_main(branch) ? base->current_snapshot_id : TARN_ABSENT;
}

/* --- what is to be committed --- */

typedef struct RefChange {
    TarnTableUpdate *update;
    TarnTableRequirement *requirements;
    size_t requirement_count;
} RefChange;

static bool begin_change(const TarnTableMetadata *base, TarnArena *arena, RefChange *change,
                         TarnError *error) {
    change->update = TARN_NEW(arena, TarnTableUpdate);
    change->requirements = TARN_NEW_ARRAY(arena, 3, TarnTableRequirement);
    if (!tarn_base_arena_check(arena, error)) return false;
    change->requirements[0] = (TarnTableRequirement){.kind = TARN_REQUIRE_UUID, .text = base->uuid};
    change->requirement_count = 1;
    return true;
}

static void require_ref(RefChange *change, const TarnTableMetadata *base, const char *name) {
    change->requirements[change->requirement_count++] =
        (TarnTableRequirement){.kind = TARN_REQUIRE_REF_SNAPSHOT_ID,
                               .text = name,
                               .integer = tarn_table__branch_head(base, name)};
}

static void end_change(const RefChange *change, size_t update_count, const TarnSnapshot *snapshot,
                       TarnPreparedSnapshot *prepared) {
    *prepared = (TarnPreparedSnapshot){.snapshot = snapshot,
                                       .updates = change->update,
                                       .update_count = update_count,
                                       .requirements = change->requirements,
                                       .requirement_count = change->requirement_count};
}

bool tarn_table__ref_move(const TarnTableMetadata *base, const char *branch, const char *source,
                          int64_t snapshot_id, TarnArena *arena, TarnPreparedSnapshot *prepared,
                          TarnError *error) {
    RefChange change;
    const TarnSnapshotRef *known = tarn_table_metadata_ref(base, branch);
    TarnSnapshotRef *ref = TARN_NEW(arena, TarnSnapshotRef);
    const char *name = tarn_base_arena_string(arena, branch);
    const char *from = tarn_base_arena_string(arena, source);
    if (!begin_change(base, arena, &change, error)) return false;
    *ref = known != NULL ? *known
                         : (TarnSnapshotRef){.min_snapshots_to_keep = TARN_ABSENT,
                                             .max_snapshot_age_ms = TARN_ABSENT,
                                             .max_ref_age_ms = TARN_ABSENT};
    ref->name = name;
    ref->snapshot_id = snapshot_id;
    ref->source = NULL;
    *change.update = (TarnTableUpdate){.kind = TARN_UPDATE_SET_SNAPSHOT_REF, .ref = ref};
    require_ref(&change, base, name);
    if (from != NULL) require_ref(&change, base, from);
    end_change(&change, tarn_table__branch_head(base, name) == snapshot_id ? 0 : 1,
               tarn_table_metadata_snapshot(base, snapshot_id), prepared);
    return true;
}

/* --- create, replace --- */

static bool check_wish(const TarnTableMetadata *base, const TarnRefWish *wish, TarnError *error) {
    const TarnSnapshotRef *known = tarn_table_metadata_ref(base, wish->name);
    bool is_main = tarn_table__is_main(wish->name);
    if (!tarn_table_ref_name_check(tarn_base_text(wish->name), error)) return false;
    if (is_main && wish->is_tag) {
        return tarn_base_error_set(error, TARN_E_REF_REFUSED, "main is a branch: it cannot be "
                                                              "made a tag");
    }
    if (wish->is_tag && (wish->min_snapshots_to_keep != TARN_ABSENT ||
                         wish->max_snapshot_age_ms != TARN_ABSENT)) {
        return tarn_base_error_set(error, TARN_E_REF_REFUSED,
                                   "a tag keeps one snapshot: only branches retain others");
    }
    if ((known != NULL || is_main) && wish->when == TARN_REF_CREATE) {
        const char *kind = tarn_table__ref_kind(known != NULL && known->is_tag);
        tarn_base_error_set(error, TARN_E_REF_EXISTS, "the table has a %s \"%s\" already", kind,
                            wish->name);
        return tarn_base_error_hint(error, "replace it, or choose another name");
    }
    if (known == NULL && wish->when == TARN_REF_REPLACE) {
        return tarn_table__ref_missing(base, wish->name, wish->is_tag, error);
    }
    if (known != NULL && known->is_tag != wish->is_tag) return refuse_kind(known, error);
    if (is_main && wish->snapshot_id != TARN_ABSENT &&
        wish->snapshot_id != base->current_snapshot_id) {
        tarn_base_error_set(error, TARN_E_REF_REFUSED, "main is not moved by replacing it");
        return tarn_base_error_hint(error, "tarn table rollback and fast-forward move it");
    }
    return true;
}

static int64_t either(int64_t given, int64_t otherwise) {
    return given != TARN_ABSENT ? given : otherwise;
}

static bool choose_snapshot(const TarnTableMetadata *base, const TarnRefWish *wish,
                            const TarnSnapshot **snapshot, TarnError *error) {
    int64_t id = either(wish->snapshot_id, base->current_snapshot_id);
    if (id == TARN_ABSENT) {
        tarn_base_error_set(error, TARN_E_SNAPSHOT_NOT_FOUND,
                            "the table has no snapshot yet that a %s could name",
                            tarn_table__ref_kind(wish->is_tag));
        return tarn_base_error_hint(error, "add rows first, or write them on the branch "
                                           "(tarn sql --branch), which makes it");
    }
    *snapshot = tarn_table_metadata_snapshot(base, id);
    if (*snapshot != NULL) return true;
    return tarn_base_error_set(error, TARN_E_SNAPSHOT_NOT_FOUND,
                               "no snapshot %" PRId64 " in this table", id);
}

bool tarn_table_ref_set(const TarnTableMetadata *base, const TarnRefWish *wish, TarnArena *arena,
                        TarnPreparedSnapshot *prepared, TarnError *error) {
    RefChange change;
    const TarnSnapshot *snapshot = NULL;
    if (!check_wish(base, wish, error) || !choose_snapshot(base, wish, &snapshot, error)) {
        return false;
    }
    const TarnSnapshotRef *known = tarn_table_metadata_ref(base, wish->name);
    static const TarnSnapshotRef none = {.min_snapshots_to_keep = TARN_ABSENT,
                                         .max_snapshot_age_ms = TARN_ABSENT,
                                         .max_ref_age_ms = TARN_ABSENT};
    const TarnSnapshotRef *old = known != NULL ? known : &none;
    TarnSnapshotRef *ref = TARN_NEW(arena, TarnSnapshotRef);
    const char *name = tarn_base_arena_string(arena, wish->name);
    if (!begin_change(base, arena, &change, error)) return false;
    *ref = (TarnSnapshotRef){
        .name = name,
        .is_tag = wish->is_tag,
        .snapshot_id = snapshot->id,
        .min_snapshots_to_keep = either(wish->min_snapshots_to_keep, old->min_snapshots_to_keep),
        .max_snapshot_age_ms = either(wish->max_snapshot_age_ms, old->max_snapshot_age_ms),
        .max_ref_age_ms = either(wish->max_ref_age_ms, old->max_ref_age_ms)};
    *change.update = (TarnTableUpdate){.kind = TARN_UPDATE_SET_SNAPSHOT_REF, .ref = ref};
    require_ref(&change, base, name);
    end_change(&change, 1, snapshot, prepared);
    return true;
}

/* --- drop --- */

bool tarn_table_ref_drop(const TarnTableMetadata *base, const char *name, bool is_tag,
                         TarnArena *arena, TarnPreparedSnapshot *prepared, TarnError *error) {
    RefChange change;
    const TarnSnapshotRef *known = tarn_table_metadata_ref(base, name);
    if (tarn_table__is_main(name)) {
        return tarn_base_error_set(error, TARN_E_REF_REFUSED, "main cannot be dropped");
    }
    if (known == NULL) return tarn_table__ref_missing(base, name, is_tag, error);
    if (known->is_tag != is_tag) return refuse_kind(known, error);
    const char *copy = tarn_base_arena_string(arena, name);
    if (!begin_change(base, arena, &change, error)) return false;
    *change.update = (TarnTableUpdate){.kind = TARN_UPDATE_REMOVE_SNAPSHOT_REF, .text = copy};
    require_ref(&change, base, copy);
    end_change(&change, 1, tarn_table_metadata_snapshot(base, known->snapshot_id), prepared);
    return true;
}

/* --- fast-forward --- */

static size_t count_steps(const TarnTableMetadata *base, int64_t from, int64_t to) {
    size_t steps = 0;
    /* The bound ends a circle in hostile metadata. */
    while (to != from && to != TARN_ABSENT && steps < base->snapshot_count) {
        const TarnSnapshot *snapshot = tarn_table_metadata_snapshot(base, to);
        if (snapshot == NULL) break;
        steps++;
        to = snapshot->parent_id;
    }
    return steps;
}

/* The oldest snapshot of target's history that source does not have: where they parted. */
static const TarnSnapshot *find_parting(const TarnTableMetadata *base, int64_t target,
                                        int64_t source) {
    const TarnSnapshot *parting = NULL;
    for (size_t i = 0; i <= base->snapshot_count && target != TARN_ABSENT; i++) {
        if (tarn_table_snapshot_is_ancestor(base, source, target)) break;
        const TarnSnapshot *snapshot = tarn_table_metadata_snapshot(base, target);
        if (snapshot == NULL) break;
        parting = snapshot;
        target = snapshot->parent_id;
    }
    return parting;
}

static bool refuse_parted(const TarnTableMetadata *base, const char *target, int64_t target_head,
                          const char *source, int64_t source_head, TarnError *error) {
    const TarnSnapshot *parting = find_parting(base, target_head, source_head);
    tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT,
                        "\"%s\" cannot be fast-forwarded to \"%s\": \"%s\" has snapshot %" PRId64
                        " (%s), which \"%s\" does not have",
                        target, source, target, parting != NULL ? parting->id : target_head,
                        parting != NULL && parting->operation != NULL ? parting->operation
                                                                      : "unknown operation",
                        source);
    if (tarn_table_snapshot_is_ancestor(base, target_head, source_head)) {
        return tarn_base_error_hint(error, "\"%s\" has all of \"%s\" already", target, source);
    }
    return tarn_base_error_hint(error, "cherry-pick the snapshots of \"%s\", or write them again "
                                       "on a branch made now", source);
}

bool tarn_table_ref_fast_forward(const TarnTableMetadata *base, const char *target,
                                 const char *source, TarnArena *arena,
                                 TarnPreparedSnapshot *prepared, size_t *steps,
                                 TarnError *error) {
    const TarnSnapshotRef *to = tarn_table_metadata_ref(base, target);
    const TarnSnapshotRef *from = tarn_table_metadata_ref(base, source);
    *steps = 0;
    if (from == NULL) return tarn_table__ref_missing(base, source, false, error);
    if (to == NULL && !tarn_table__is_main(target)) {
        return tarn_table__ref_missing(base, target, false, error);
    }
    if (to != NULL && to->is_tag) return refuse_kind(to, error);
    int64_t head = tarn_table__branch_head(base, target);
    if (head != TARN_ABSENT && !tarn_table_snapshot_is_ancestor(base, from->snapshot_id, head)) {
        return refuse_parted(base, target, head, source, from->snapshot_id, error);
    }
    *steps = count_steps(base, head, from->snapshot_id);
    return tarn_table__ref_move(base, target, source, from->snapshot_id, arena, prepared, error);
}

bool tarn_table_ref_had(const TarnTableMetadata *metadata, const char *branch,
                        int64_t snapshot_id) {
    int64_t head = tarn_table__branch_head(metadata, branch);
    if (tarn_table_snapshot_is_ancestor(metadata, head, snapshot_id)) return true;
    for (size_t i = 0; tarn_table__is_main(branch) && i < metadata->snapshot_log_count; i++) {
        if (metadata->snapshot_log[i].snapshot_id == snapshot_id) return true;
    }
    return false;
}
