/* Snapshot expiry: the commit first, then the files that only the expired snapshots named.
 *
 * The plan is made twice: once to be judged and shown, and again within each attempt of the
 * commit, on the metadata of that attempt, since somebody may have made a branch or tag of a
 * snapshot meanwhile; what was not in the first plan is never removed by the second.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "flow/expire_private.h"

#define RATIO_DEFAULT 0.95

typedef struct Expire {
    const TarnMaintenance *run;
    const TarnExpireOptions *options;
    TarnArena *arena;
    TarnMaintainResult *result;
    const TarnTable *planned; /* the table as it was when the plan was made */
    const TarnTable *table;   /* as last seen */
    TarnRetention retention;
    TarnExpiry expiry;    /* of `planned` */
    TarnExpiry committed; /* of the last attempt; a part of `expiry` */
    TarnUnusedLayout unused;
    TarnReachable reach;
    TarnMaintainLog log;
} Expire;

static bool is_retained_by(const Expire *expire, int64_t id) {
    for (size_t i = 0; i < expire->expiry.expired_count; i++) {
        if (expire->expiry.expired[i]->id == id) return false;
    }
    return true;
}

static bool names_ref(const TarnExpiry *expiry, const char *name) {
    for (size_t i = 0; i < expiry->ref_count; i++) {
        if (strcmp(expiry->refs[i], name) == 0) return true;
    }
    return false;
}

/* --- the plan --- */

static bool plan_layout(Expire *expire, const TarnTableMetadata *metadata,
                        const TarnExpiry *expiry, TarnUnusedLayout *unused, TarnError *error) {
    *unused = (TarnUnusedLayout){0};
    if (!expire->options->clean_schemas) return true;
    return tarn_table_retention_unused(metadata, expiry, expire->reach.spec_ids,
                                       expire->reach.spec_count, expire->reach.has_deletes,
                                       expire->arena, unused, error);
}

static bool nothing_to_do(const Expire *expire) {
    return expire->expiry.expired_count == 0 && expire->expiry.ref_count == 0 &&
           expire->unused.schema_count == 0 && expire->unused.spec_count == 0;
}

static bool refuse_empty(const Expire *expire, TarnError *error) {
    const TarnExpiry *expiry = &expire->expiry;
    if (expire->run->force || expiry->expired_count == 0 || expiry->kept_count > 0) return true;
    return tarn_base_error_set(error, TARN_E_MAINTENANCE_REFUSED,
                               "no snapshot of \"%s.%s\" would be left", expire->run->table.ns,
                               expire->run->table.name);
}

/* The numbers of a snapshot that stays tell how many files it must have. */
static bool check_used(const Expire *expire, TarnError *error) {
    const TarnSnapshot *current = tarn_table_metadata_current_snapshot(expire->table->metadata);
    int64_t files = 0;
    for (size_t i = 0; current != NULL && i < current->summary_count; i++) {
        if (strcmp(current->summary[i].key, "total-data-files") != 0) continue;
        if (!tarn_base_text_to_int64(tarn_base_text(current->summary[i].value), &files)) files = 0;
    }
    if (expire->run->force || files <= expire->reach.data_files) return true;
    return tarn_base_error_set(error, TARN_E_MAINTENANCE_REFUSED,
                               "the current snapshot of \"%s.%s\" says it has %" PRId64
                               " data files, and %" PRId64 " were found: nothing is deleted",
                               expire->run->table.ns, expire->run->table.name, files,
                               expire->reach.data_files);
}

typedef struct Count {
    const TarnTable *table;
    int64_t files;
    int64_t bytes;
} Count;

static bool count_file(void *state, const TarnTableFile *file, TarnError *error) {
    Count *count = state;
    TarnTableFile sized = *file;
    if (!tarn_flow__maintain_owns(count->table, file->path)) return true;
    if (!tarn_flow__maintain_size(count->table, &sized, error)) return false;
    count->files++;
    if (sized.bytes > 0 && __builtin_add_overflow(count->bytes, sized.bytes, &count->bytes)) {
        count->bytes = INT64_MAX;
    }
    return true;
}

static bool judge(Expire *expire, TarnError *error) {
    TarnMaintainResult *result = expire->result;
    Count count = {.table = expire->planned};
    size_t missing = 0;
    if (!tarn_table_unreachable_visit(&expire->reach, expire->planned->metadata, expire->run->os,
                                      expire->expiry.expired, expire->expiry.expired_count,
                                      count_file, &count, &missing, error)) {
        return false;
    }
    if (missing > 0) {
        tarn_base_log(TARN_LOG_WARN, "%zu manifests of expired snapshots are missing", missing);
    }
    result->files_after = expire->reach.files;
    result->bytes_after = expire->reach.bytes;
    result->files_before = result->files_after + count.files;
    result->bytes_before = result->bytes_after + count.bytes;
    return tarn_flow__maintain_judge(expire->run, RATIO_DEFAULT, count.files, result->files_before,
                                     error);
}

static bool make_plan(Expire *expire, TarnError *error) {
    const TarnTableMetadata *metadata = expire->planned->metadata;
    TarnMaintainResult *result = expire->result;
    if (!tarn_table_retention_plan(metadata, &expire->retention, expire->arena, &expire->expiry,
                                   error) ||
        !refuse_empty(expire, error) ||
        !tarn_table_reachable_add(&expire->reach, metadata, expire->expiry.kept,
                                  expire->expiry.kept_count, error) ||
        !check_used(expire, error) ||
        !plan_layout(expire, metadata, &expire->expiry, &expire->unused, error)) {
        return false;
    }
    result->snapshots_before = (int64_t)metadata->snapshot_count;
    result->snapshots_expired = (int64_t)expire->expiry.expired_count;
    result->refs_removed = (int64_t)expire->expiry.ref_count;
    result->schemas_removed = (int64_t)expire->unused.schema_count;
    result->specs_removed = (int64_t)expire->unused.spec_count;
    return judge(expire, error);
}

/* --- the commit --- */

/* The plan on the base of this attempt, less what the first plan did not have. */
static bool plan_attempt(void *state, const TarnTableMetadata *base, TarnCommitTable *change,
                         TarnError *error) {
    Expire *expire = state;
    TarnExpiry now;
    if (!tarn_table_retention_plan(base, &expire->retention, expire->arena, &now, error)) {
        return false;
    }
    size_t expired = 0;
    for (size_t i = 0; i < now.expired_count; i++) {
        const TarnSnapshot *snapshot = now.expired[i];
        if (!is_retained_by(expire, snapshot->id)) {
            now.expired[expired++] = snapshot;
        } else {
            now.kept[now.kept_count++] = snapshot; /* there is room: together they are all */
        }
    }
    now.expired_count = expired;
    size_t refs = 0;
    for (size_t i = 0; i < now.ref_count; i++) {
        if (names_ref(&expire->expiry, now.refs[i])) now.refs[refs++] = now.refs[i];
    }
    now.ref_count = refs;
    expire->committed = now;
    return tarn_table_reachable_add(&expire->reach, base, now.kept, now.kept_count, error) &&
           plan_layout(expire, base, &now, &expire->unused, error) &&
           tarn_table_retention_updates(base, &now, &expire->unused, expire->arena,
                                        &change->updates, &change->update_count, error);
}

static bool commit(Expire *expire, TarnError *error) {
    const TarnTable *table = expire->planned;
    const TarnTableRequirement requirement = {TARN_REQUIRE_UUID, table->metadata->uuid, 0};
    TarnCommitTable change = {.name = table->name,
                              .base = table,
                              .requirements = &requirement,
                              .requirement_count = 1,
                              .plan = plan_attempt,
                              .plan_state = expire,
                              .evidence = {.schema_checked = true, .checks_passed = true}};
    TarnCommit swap = {.tables = &change, .table_count = 1};
    if (TARN_FAULT("flow.expire.before_commit", error) ||
        !tarn_catalog_commit(expire->run->catalog, &swap, error)) {
        return false;
    }
    if (change.committed != NULL) {
        tarn_catalog_table_release(expire->table);
        expire->table = change.committed;
    }
    expire->result->snapshots_expired = (int64_t)expire->committed.expired_count;
    expire->result->refs_removed = (int64_t)expire->committed.ref_count;
    expire->result->schemas_removed = (int64_t)expire->unused.schema_count;
    expire->result->specs_removed = (int64_t)expire->unused.spec_count;
    return !TARN_FAULT("flow.expire.after_commit", error);
}

/* --- the files --- */

static bool delete_file(void *state, const TarnTableFile *file, TarnError *error) {
    char reason[96];
    snprintf(reason, sizeof(reason), "only expired snapshots name it, such as %" PRId64,
             file->snapshot_id);
    return tarn_flow__deleter_put(state, file, reason, error);
}

/* Files of these snapshots that nothing needs. `statistics` has the snapshots' statistics. */
static bool delete_files(Expire *expire, const TarnTableMetadata *statistics,
                         const TarnSnapshot *const *snapshots, size_t count, int64_t *counter,
                         TarnError *error) {
    TarnDeleter deleter;
    size_t missing = 0;
    TarnTableMetadata metadata = *expire->planned->metadata; /* the other may be exchanged */
    metadata.statistics = statistics->statistics;
    metadata.statistics_count = statistics->statistics_count;
    metadata.partition_statistics = statistics->partition_statistics;
    metadata.partition_statistics_count = statistics->partition_statistics_count;
    tarn_flow__deleter_init(&deleter, expire->run, &expire->reach, &expire->table, &expire->log,
                            expire->result);
    deleter.counter = counter;
    bool ok = tarn_table_unreachable_visit(&expire->reach, &metadata, expire->run->os, snapshots,
                                           count, delete_file, &deleter, &missing, error) &&
              (expire->run->dry_run || tarn_flow__deleter_flush(&deleter, error));
    tarn_flow__deleter_dispose(&deleter);
    return ok;
}

/* --- what an earlier run left --- */

static bool resume_record(Expire *expire, const TarnExpireRecord *record, TarnError *error) {
    TarnOsOwner owner = TARN_OS_OWNER_ELSEWHERE;
    size_t gone = 0;
    if (!tarn_os_owner_state(expire->run->os, record->owner, &owner, error)) return false;
    if (owner == TARN_OS_OWNER_ALIVE) return true; /* it will finish itself */
    for (size_t i = 0; i < record->snapshot_count; i++) {
        int64_t id = record->snapshots[i]->id;
        if (tarn_table_metadata_snapshot(expire->table->metadata, id) != NULL) continue;
        record->snapshots[gone++] = record->snapshots[i];
    }
    if (gone > 0 && !delete_files(expire, &record->statistics, record->snapshots, gone,
                                  &expire->result->resumed, error)) {
        return false;
    }
    bool over = owner == TARN_OS_OWNER_DEAD || gone > 0;
    if (over && !expire->run->dry_run) tarn_flow__expire_record_remove(expire->run, record->path);
    return true;
}

static bool resume(Expire *expire, TarnError *error) {
    TarnExpireRecord *records = NULL;
    size_t count = 0;
    if (!tarn_flow__expire_records_read(expire->run, expire->table->metadata->uuid, expire->arena,
                                        &records, &count, error)) {
        return false;
    }
    if (count == 0) return true;
    if (!tarn_table_reachable_add_table(&expire->reach, expire->table->metadata,
                                        expire->table->metadata_location, error)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!resume_record(expire, &records[i], error)) return false;
    }
    /* What was added to be safe would keep the files of snapshots that are to expire now. */
    tarn_table_reachable_dispose(&expire->reach);
    return tarn_table_reachable_init(&expire->reach, expire->run->os, expire->table->store, error);
}

/* --- all of it --- */

static bool execute(Expire *expire, TarnError *error) {
    const char *record = NULL;
    if (!tarn_flow__expire_record_write(expire->run, expire->planned->metadata, &expire->expiry,
                                        expire->arena, &record, error)) {
        return false;
    }
    if (!commit(expire, error)) {
        /* If the outcome is not known, the record tells the next run what to look for. */
        if (!error->outcome_unknown) tarn_flow__expire_record_remove(expire->run, record);
        return false;
    }
    /* The metadata files too must not go, whatever an expired snapshot calls its data. */
    if (!tarn_table_reachable_add_table(&expire->reach, expire->table->metadata,
                                        expire->table->metadata_location, error) ||
        !delete_files(expire, expire->planned->metadata, expire->committed.expired,
                      expire->committed.expired_count, NULL, error)) {
        return tarn_base_error_hint(error, "the snapshots are expired; the next run deletes what "
                                           "is left of their files");
    }
    tarn_flow__expire_record_remove(expire->run, record);
    return true;
}

static bool run_expire(Expire *expire, TarnError *error) {
    if (!resume(expire, error) || !make_plan(expire, error)) return false;
    if (nothing_to_do(expire)) return true;
    if (!expire->run->dry_run) return execute(expire, error);
    return delete_files(expire, expire->planned->metadata, expire->expiry.expired,
                        expire->expiry.expired_count, NULL, error);
}

bool tarn_flow_expire(const TarnMaintenance *run, const TarnExpireOptions *options,
                      TarnArena *arena, TarnMaintainResult *result, TarnError *error) {
    Expire expire = {.run = run, .options = options, .arena = arena, .result = result};
    TarnError ignored = {0};
    *result = (TarnMaintainResult){.snapshot_id = TARN_ABSENT};
    if (!tarn_flow__maintain_load(run, "expire snapshots of", &expire.table, error)) return false;
    expire.planned = tarn_catalog_table_acquire(expire.table);
    expire.retention = (TarnRetention){.now_ms = tarn_os_clock_ms(run->os),
                                       .older_than_ms = options->older_than_ms,
                                       .retain_last = options->retain_last,
                                       .snapshot_ids = options->snapshot_ids,
                                       .snapshot_id_count = options->snapshot_id_count};
    tarn_flow__log_init(&expire.log, run, "expire");
    bool ok = tarn_table_reachable_init(&expire.reach, run->os, expire.table->store, error) &&
              run_expire(&expire, error);
    result->table = tarn_catalog_name_text(expire.planned->name, arena);
    result->snapshot_id = expire.table->metadata->current_snapshot_id;
    ok = tarn_flow__log_flush(&expire.log, false, ok ? error : &ignored) && ok;
    result->log = tarn_base_arena_string(arena, expire.log.path);
    tarn_flow__log_close(&expire.log);
    tarn_table_reachable_dispose(&expire.reach);
    tarn_catalog_table_release(expire.planned);
    tarn_catalog_table_release(expire.table);
    return ok;
}
