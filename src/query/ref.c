/* Branches in a statement: which snapshot of a table is read, which branch is written, and the
 * statements that make and drop branches and tags.
 *
 * A run on a branch (write, audit, publish) reads each table from the branch if the table has it,
 * else from main, and writes to the branch, which is made at main's head by its first write. So a
 * run sees what it wrote itself, and others see nothing until the branch is published.
 */
#include "base/time.h"
#include "catalog/ref.h"
#include "query/transaction_private.h"

/* --- resolution --- */

bool tarn_query__write_ref(const TarnRunOptions *run, const char **ref, TarnError *error) {
    *ref = NULL;
    if (run == NULL || run->branch == NULL) return true;
    if (!tarn_table_ref_name_check(tarn_base_text(run->branch), error)) return false;
    *ref = tarn_table_branch_beside_main(run->branch);
    return true;
}

bool tarn_query__read_snapshot(const TarnTable *table, TarnText wanted, const TarnRunOptions *run,
                               const TarnSnapshot **snapshot, bool *is_branch, TarnError *error) {
    const TarnTableMetadata *metadata = table->metadata;
    const char *branch = NULL;
    if (wanted.data == NULL && run != NULL) wanted = tarn_base_text(run->as_of);
    if (wanted.data != NULL) {
        if (!tarn_table_metadata_snapshot_named(metadata, wanted, snapshot, error)) return false;
        *is_branch = false;
        for (size_t i = 0; i < metadata->ref_count && !*is_branch; i++) {
            const TarnSnapshotRef *ref = &metadata->refs[i];
            *is_branch = !ref->is_tag && ref->snapshot_id == (*snapshot)->id &&
                         tarn_base_text_is(wanted, ref->name);
        }
        return true;
    }
    *is_branch = true;
    *snapshot = tarn_table_metadata_current_snapshot(metadata);
    if (!tarn_query__write_ref(run, &branch, error)) return false;
    const TarnSnapshotRef *ref = branch != NULL ? tarn_table_metadata_ref(metadata, branch) : NULL;
    if (ref == NULL) return true;
    if (ref->is_tag) {
        return tarn_base_error_set(error, TARN_E_REF_REFUSED,
                                   "\"%s\" is a tag of \"%s.%s\", not a branch", branch,
                                   table->name.ns, table->name.name);
    }
    *snapshot = tarn_table_metadata_snapshot(metadata, ref->snapshot_id);
    return true;
}

/* A time before all snapshots is the empty table, if the first of them is still known: else what
 * the table was then cannot be told. That is seen when the range is walked. */
bool tarn_query__range_start(const TarnTable *table, TarnText wanted, bool is_time,
                             const TarnSnapshot **from, bool *from_beginning, TarnError *error) {
    const TarnTableMetadata *metadata = table->metadata;
    int64_t time_us = 0;
    *from_beginning = false;
    if (is_time && tarn_base_time_parse_us(wanted, &time_us)) {
        bool before = metadata->snapshot_log_count == 0 ||
                      time_us / 1000 < metadata->snapshot_log[0].timestamp_ms;
        *from = NULL;
        *from_beginning = before;
        if (before) return true;
    }
    return tarn_table_metadata_snapshot_named(metadata, wanted, from, error);
}

/* --- ALTER TABLE .. BRANCH, TAG --- */

static bool make_wish(const TarnRefStatement *ref, const TarnTable *table, const char *name,
                      TarnRefWish *wish, TarnError *error) {
    static const TarnRefWhen whens[] = {
        [TARN_REF_VERB_CREATE] = TARN_REF_CREATE,
        [TARN_REF_VERB_REPLACE] = TARN_REF_REPLACE,
        [TARN_REF_VERB_CREATE_OR_REPLACE] = TARN_REF_CREATE_OR_REPLACE};
    const TarnSnapshot *snapshot = NULL;
    *wish = (TarnRefWish){.name = name,
                          .is_tag = ref->is_tag,
                          .when = whens[ref->verb],
                          .snapshot_id = TARN_ABSENT,
                          .max_ref_age_ms = ref->max_ref_age_ms,
                          .min_snapshots_to_keep = ref->min_snapshots_to_keep,
                          .max_snapshot_age_ms = ref->max_snapshot_age_ms};
    if (ref->version.data == NULL) return true;
    if (!tarn_table_metadata_snapshot_named(table->metadata, ref->version, &snapshot, error)) {
        return false;
    }
    wish->snapshot_id = snapshot->id;
    return true;
}

static bool prepare_ref(const TarnRefStatement *ref, const TarnTable *table, const char *name,
                        TarnArena *arena, TarnPreparedSnapshot *prepared, TarnError *error) {
    TarnRefWish wish;
    if (ref->verb == TARN_REF_VERB_DROP) {
        return tarn_table_ref_drop(table->metadata, name, ref->is_tag, arena, prepared, error);
    }
    return make_wish(ref, table, name, &wish, error) &&
           tarn_table_ref_set(table->metadata, &wish, arena, prepared, error);
}

static bool commit_ref(TarnQuery *query, const TarnTable *table,
                       const TarnPreparedSnapshot *prepared, TarnArena *arena, TarnError *error) {
    const TarnCommitStep step = {.requirements = prepared->requirements,
                                 .requirement_count = prepared->requirement_count,
                                 .updates = prepared->updates,
                                 .update_count = prepared->update_count};
    if (query->transaction == NULL) {
        return tarn_catalog_ref_commit(query->catalog, table, prepared, NULL, error);
    }
    return prepared->update_count == 0 ||
           tarn_query__transaction_update(query, table->name, &step, arena, error);
}

/* IF EXISTS and IF NOT EXISTS: nothing to do is no error. */
static bool is_done(const TarnRefStatement *ref, const TarnTable *table, const char *name) {
    bool known = tarn_table_metadata_ref(table->metadata, name) != NULL;
    return ref->tolerant && known == (ref->verb == TARN_REF_VERB_CREATE);
}

bool tarn_query__alter_ref(TarnStatement *statement, const TarnParsed *parsed,
                           const TarnTable *table, TarnError *error) {
    static const char *const done[] = {[TARN_REF_VERB_CREATE] = "created",
                                       [TARN_REF_VERB_REPLACE] = "replaced",
                                       [TARN_REF_VERB_CREATE_OR_REPLACE] = "set",
                                       [TARN_REF_VERB_DROP] = "dropped"};
    const TarnRefStatement *ref = &parsed->ref;
    TarnArena *arena = &statement->arena;
    const char *kind = ref->is_tag ? "tag" : "branch";
    TarnPreparedSnapshot prepared;
    if (!tarn_table_ref_name_check(ref->name, error)) {
        TarnError told = *error;
        tarn_query__error_at(parsed->tokens.source, ref->offset, told.code, error, "%s",
                             told.message);
        return tarn_base_error_hint(error, "%s", told.hint);
    }
    const char *name = tarn_base_text_string(arena, ref->name);
    if (!tarn_base_arena_check(arena, error)) return false;
    bool nothing = is_done(ref, table, name);
    if (!nothing && (!prepare_ref(ref, table, name, arena, &prepared, error) ||
                     !commit_ref(statement->query, table, &prepared, arena, error))) {
        return false;
    }
    const char *verb = nothing ? "nothing to do for" : done[ref->verb];
    statement->message = tarn_base_arena_printf(arena, "%s %s %s of %s.%s", verb, kind, name,
                                                table->name.ns, table->name.name);
    return tarn_base_arena_check(arena, error);
}
