/* The commit: from prepared changes to moved pointers.
 *
 * One attempt takes each table's base, lets the producer write its manifests, folds the updates
 * over the base, writes the new metadata files, makes everything durable, and swaps all pointers
 * in one database transaction that fails if any of them has moved. A lost race starts the next
 * attempt on the newer bases; what cannot be reconciled is a conflict. After the swap nothing can
 * fail: what follows is tidying up.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "catalog/catalog_private.h"

/* Attempts before a commit gives up: with jitter, 16 writers on one table get through. */
#define RETRIES_MAX 100
#define BACKOFF_FIRST_US 1000
#define BACKOFF_LAST_US 200000

/* One table in one attempt. */
typedef struct Part {
    TarnCommitTable *change;
    const TarnTable *base; /* as of this attempt; NULL = to be created */
    TarnStore *store;
    TarnTableMetadata *metadata;
    const char *location; /* of the new metadata file */
    TarnArena arena;      /* of the new metadata */
    bool logged;          /* the base is in its metadata log */
} Part;

typedef struct Attempt {
    TarnCatalog *catalog;
    TarnCommit *commit;
    Part *parts;
    TarnStoreBatch batch;
    bool lost_race;
} Attempt;

/* --- what is to be done to one table --- */

/* Its snapshots in order; NULL where a step is none. */
static TarnSnapshotProducer *producer_at(const TarnCommitTable *change, size_t index) {
    return index == 0 ? change->producer : change->steps[index - 1].producer;
}

static bool adds_snapshots(const TarnCommitTable *change) {
    for (size_t i = 0; i <= change->step_count; i++) {
        if (producer_at(change, i) != NULL) return true;
    }
    return false;
}

static bool has_updates(const TarnCommitTable *change) {
    bool has = change->update_count > 0;
    for (size_t i = 0; i < change->step_count; i++) has |= change->steps[i].update_count > 0;
    return has;
}

/* --- policy --- */

static bool check_evidence(const TarnCatalog *catalog, const TarnCommitTable *change,
                           TarnError *error) {
    const TarnZone *zone = tarn_catalog_zone(catalog, tarn_catalog_name_zone(change->name));
    if (zone == NULL || !adds_snapshots(change)) return true;
    const char *missing = NULL;
    if (zone->requires_schema && !change->evidence.schema_checked) missing = "schema";
    if (zone->requires_checks && !change->evidence.checks_passed) missing = "checks";
    if (missing == NULL) return true;
    tarn_base_error_set(error, TARN_E_ZONE_POLICY,
                        "the zone \"%s\" requires %s, and this write to \"%s.%s\" passed none",
                        zone->name, missing, change->name.ns, change->name.name);
    return tarn_base_error_hint(error, "publish the table with a pipeline and its checks (tarn "
                                       "build), or write to the zone \"sandbox\"");
}

static bool check_operation(const TarnCatalog *catalog, TarnTableName name,
                            const TarnSnapshot *snapshot, TarnError *error) {
    const TarnZone *zone = tarn_catalog_zone(catalog, tarn_catalog_name_zone(name));
    if (zone == NULL || !zone->append_only) return true;
    if (strcmp(snapshot->operation, "append") == 0 || strcmp(snapshot->operation, "replace") == 0) {
        return true;
    }
    tarn_base_error_set(error, TARN_E_ZONE_POLICY,
                        "the zone \"%s\" is append-only: rows of \"%s.%s\" cannot be changed",
                        zone->name, name.ns, name.name);
    return tarn_base_error_hint(error, "refine the rows in a later zone, or set append_only: false "
                                       "for the zone in tarn.yaml");
}

/* --- one table --- */

/* "00007-<uuid>.metadata.json": the number one above the base's. */
static const char *next_location(const Part *part, const TarnIntent *intent, const char *uuid,
                                 TarnArena *arena) {
    int64_t version = 0;
    if (part->base != NULL) {
        const char *slash = strrchr(part->base->metadata_location, '/');
        const char *name = slash != NULL ? slash + 1 : part->base->metadata_location;
        TarnText rest;
        TarnText digits = tarn_base_text_split(tarn_base_text(name), '-', &rest);
        version = tarn_base_text_to_int64(digits, &version) ? version + 1 : 1;
    }
    /* The intent's id in the name lets a sweep find the file; uuid tells attempts apart. */
    return tarn_base_arena_printf(arena, "%s/metadata/%05lld-%s%s%.8s.metadata.json",
                                  part->metadata->location, (long long)version,
                                  intent != NULL ? intent->id : uuid, intent != NULL ? "-" : "",
                                  intent != NULL ? uuid + 28 : "");
}

static bool write_metadata(Attempt *attempt, Part *part, TarnError *error) {
    char uuid[TARN_OS_UUID_BYTES];
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_LIMIT_METADATA_BYTES);
    bool ok = tarn_os_uuid4(attempt->catalog->options.os, uuid, error) &&
              tarn_table_metadata_write(part->metadata, &text, error) &&
              tarn_base_buffer_check(&text, error);
    if (ok) {
        const TarnIntent *intent = part->change->intent != NULL ? part->change->intent
                                                                : attempt->commit->intent;
        part->location = next_location(part, intent, uuid, &part->arena);
        ok = tarn_base_arena_check(&part->arena, error) &&
             tarn_store_put(part->store, part->location, tarn_base_buffer_view(&text),
                            TARN_STORE_IF_ABSENT, &attempt->batch, error);
    }
    tarn_base_buffer_dispose(&text);
    return ok;
}

/* The base enters the metadata log once, with the first change. */
static const char *log_base(Part *part) {
    const char *location = part->logged || part->base == NULL ? NULL
                                                              : part->base->metadata_location;
    part->logged = true;
    return location;
}

/* Folds one list of requirements and updates over what the part has so far; `exists`: it has been
 * made, by this commit or before. */
static bool fold(Attempt *attempt, Part *part, const TarnCommitStep *step, bool exists,
                 TarnError *error) {
    const TarnTableMetadata *so_far = part->metadata;
    if (!tarn_table_metadata_require(exists ? so_far : NULL, step->requirements,
                                     step->requirement_count, error)) {
        return false;
    }
    return step->update_count == 0 ||
           tarn_table_metadata_apply(so_far, log_base(part), step->updates, step->update_count,
                                     tarn_os_clock_ms(attempt->catalog->options.os), &part->arena,
                                     &part->metadata, error);
}

static TarnStore *part_store(const Attempt *attempt, const Part *part) {
    return part->base != NULL ? part->base->store : attempt->catalog->store;
}

static bool add_data_files(Attempt *attempt, const TarnCommitTable *change, TarnError *error) {
    for (size_t i = 0; i < change->file_count; i++) {
        if (!tarn_store_batch_add(&attempt->batch, change->files[i], error)) return false;
    }
    return true;
}

/* A prepared snapshot lives in its producer; the new table outlives that. */
static const TarnSnapshot *copy_snapshot(const TarnSnapshot *snapshot, TarnArena *arena) {
    TarnSnapshot *copy = tarn_base_arena_copy(arena, snapshot, sizeof(*snapshot));
    if (copy == NULL) return NULL;
    copy->manifest_list = tarn_base_arena_string(arena, snapshot->manifest_list);
    copy->operation = tarn_base_arena_string(arena, snapshot->operation);
    copy->source.data = tarn_base_text_string(arena, snapshot->source);
    copy->summary = TARN_NEW_ARRAY(arena, snapshot->summary_count + 1, TarnProperty);
    for (size_t i = 0; copy->summary != NULL && i < snapshot->summary_count; i++) {
        copy->summary[i].key = tarn_base_arena_string(arena, snapshot->summary[i].key);
        copy->summary[i].value = tarn_base_arena_string(arena, snapshot->summary[i].value);
    }
    return copy;
}

static TarnTableUpdate *copy_updates(const TarnPreparedSnapshot *prepared, TarnArena *arena) {
    TarnTableUpdate *updates = TARN_NEW_ARRAY(arena, prepared->update_count + 1, TarnTableUpdate);
    for (size_t i = 0; updates != NULL && i < prepared->update_count; i++) {
        updates[i] = prepared->updates[i];
        if (updates[i].snapshot != NULL) {
            updates[i].snapshot = copy_snapshot(updates[i].snapshot, arena);
        }
        if (updates[i].ref != NULL) {
            TarnSnapshotRef *ref = tarn_base_arena_copy(arena, updates[i].ref, sizeof(*ref));
            if (ref != NULL) ref->name = tarn_base_arena_string(arena, ref->name);
            updates[i].ref = ref;
        }
        updates[i].text = tarn_base_arena_string(arena, updates[i].text);
    }
    return updates;
}

bool tarn_catalog__snapshot_add(TarnCatalog *catalog, TarnTableName name,
                                TarnSnapshotProducer *producer, const char *base_location,
                                TarnStoreBatch *batch, TarnArena *arena,
                                TarnTableMetadata **metadata, TarnError *error) {
    TarnPreparedSnapshot prepared;
    if (!tarn_table_snapshot_producer_prepare(producer, *metadata, batch, &prepared, error) ||
        !check_operation(catalog, name, prepared.snapshot, error)) {
        return false;
    }
    const TarnTableUpdate *updates = copy_updates(&prepared, arena);
    if (!tarn_base_arena_check(arena, error)) return false;
    return tarn_table_metadata_apply(*metadata, base_location, updates, prepared.update_count,
                                     tarn_os_clock_ms(catalog->options.os), arena, metadata, error);
}

static bool add_snapshot(Attempt *attempt, Part *part, TarnSnapshotProducer *producer,
                         TarnError *error) {
    return tarn_catalog__snapshot_add(attempt->catalog, part->change->name, producer,
                                      log_base(part), &attempt->batch, &part->arena,
                                      &part->metadata, error);
}

static bool take_steps(Attempt *attempt, Part *part, TarnError *error) {
    const TarnCommitTable *change = part->change;
    const TarnCommitStep first = {.requirements = change->requirements,
                                  .requirement_count = change->requirement_count,
                                  .updates = change->updates,
                                  .update_count = change->update_count};
    if (!fold(attempt, part, &first, part->base != NULL, error)) return false;
    if (change->producer != NULL && !add_snapshot(attempt, part, change->producer, error)) {
        return false;
    }
    for (size_t i = 0; i < change->step_count; i++) {
        const TarnCommitStep *step = &change->steps[i];
        if (!(step->producer != NULL ? add_snapshot(attempt, part, step->producer, error)
                                     : fold(attempt, part, step, true, error))) {
            return false;
        }
    }
    return true;
}

static bool prepare_part(Attempt *attempt, Part *part, TarnError *error) {
    TarnCommitTable *change = part->change;
    tarn_base_arena_init(&part->arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    part->store = part_store(attempt, part);
    const TarnTableMetadata *start = part->base != NULL ? part->base->metadata : change->create;
    part->metadata = (TarnTableMetadata *)(uintptr_t)start;
    if (!add_data_files(attempt, change, error)) return false;
    if (change->plan != NULL &&
        !change->plan(change->plan_state, part->metadata, change, error)) {
        return false;
    }
    part->logged = false;
    return take_steps(attempt, part, error) && write_metadata(attempt, part, error) &&
           !TARN_FAULT("catalog.commit.after_metadata", error);
}

/* --- the swap --- */

static bool create_pointer(Attempt *attempt, const Part *part, TarnError *error) {
    TarnCatalog *catalog = attempt->catalog;
    TarnTableName name = part->change->name;
    return tarn_catalog__check_free(catalog, name, error) &&
           tarn_catalog_namespace_create(catalog, name.ns, true, error) &&
           tarn_db_execute(catalog->options.db,
                           "insert into iceberg_tables (catalog_name, table_namespace, table_name,"
                           " metadata_location, iceberg_type) values ($1, $2, $3, $4, 'TABLE')",
                           TARN_DB_VALUES(tarn_catalog__name(), tarn_db_string(name.ns),
                                          tarn_db_string(name.name),
                                          tarn_db_string(part->location)),
                           NULL, error);
}

static bool move_pointer(Attempt *attempt, const Part *part, TarnError *error) {
    int64_t changed = 0;
    TarnTableName name = part->base->name;
    const char *old = part->base->metadata_location;
    if (!tarn_db_execute(attempt->catalog->options.db,
                         "update iceberg_tables set metadata_location = $4,"
                         " previous_metadata_location = $5 where catalog_name = $1 and"
                         " table_namespace = $2 and table_name = $3 and metadata_location = $5",
                         TARN_DB_VALUES(tarn_catalog__name(), tarn_db_string(name.ns),
                                        tarn_db_string(name.name), tarn_db_string(part->location),
                                        tarn_db_string(old)),
                         &changed, error)) {
        return false;
    }
    if (changed == 1) return true;
    attempt->lost_race = true;
    return tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT,
                               "another commit to \"%s.%s\" got in between", name.ns, name.name);
}

static int64_t summary_number(const TarnSnapshot *snapshot, const char *key) {
    int64_t value = 0;
    for (size_t i = 0; snapshot != NULL && i < snapshot->summary_count; i++) {
        if (strcmp(snapshot->summary[i].key, key) != 0) continue;
        return tarn_base_text_to_int64(tarn_base_text(snapshot->summary[i].value), &value) ? value
                                                                                           : -1;
    }
    return snapshot == NULL ? 0 : -1;
}

bool tarn_catalog__numbers_write(TarnCatalog *catalog, TarnTableName name, const char *location,
                                 const TarnTableMetadata *metadata, TarnError *error) {
    const TarnSnapshot *snapshot = tarn_table_metadata_current_snapshot(metadata);
    return tarn_db_execute(
        catalog->options.db,
        "insert into tarn_table (ns, name, metadata_location, table_uuid, rows, bytes, files,"
        " updated_at_ms) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (ns, name) do update"
        " set metadata_location = $3, table_uuid = $4, rows = $5, bytes = $6, files = $7,"
        " updated_at_ms = $8",
        TARN_DB_VALUES(tarn_db_string(name.ns), tarn_db_string(name.name), tarn_db_string(location),
                       tarn_db_string(metadata->uuid),
                       tarn_db_int64(summary_number(snapshot, "total-records")),
                       tarn_db_int64(summary_number(snapshot, "total-files-size")),
                       tarn_db_int64(summary_number(snapshot, "total-data-files")),
                       tarn_db_int64(metadata->last_updated_ms)),
        NULL, error);
}

static bool drop_table(TarnCatalog *catalog, const TarnCommitDrop *drop, TarnError *error) {
    TarnArena arena;
    TarnTableName name = drop->name;
    const char *location = NULL;
    char id[TARN_OS_UUID_BYTES];
    tarn_base_arena_init(&arena, TARN_MIB);
    bool ok = tarn_catalog__pointer_read(catalog, &name, &arena, &location, error);
    bool same = ok && location != NULL && strcmp(location, drop->metadata_location) == 0;
    if (ok && !same) {
        ok = tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT,
                                 "the table \"%s.%s\", which is to be dropped, was changed "
                                 "meanwhile",
                                 name.ns, name.name);
    }
    ok = ok && tarn_catalog__drop_table(catalog, name, location, id, error);
    tarn_base_arena_dispose(&arena);
    return ok;
}

static bool swap_rows(Attempt *attempt, TarnError *error) {
    TarnCatalog *catalog = attempt->catalog;
    TarnCommit *commit = attempt->commit;
    for (size_t i = 0; i < commit->drop_count; i++) {
        if (!drop_table(catalog, &commit->drops[i], error)) return false;
    }
    if (commit->hook != NULL && !commit->hook(commit->hook_state, catalog->options.db, error)) {
        return false;
    }
    for (size_t i = 0; i < commit->table_count; i++) {
        Part *part = &attempt->parts[i];
        TarnTableName name = part->base != NULL ? part->base->name : part->change->name;
        bool moved = part->base != NULL ? move_pointer(attempt, part, error)
                                        : create_pointer(attempt, part, error);
        if (!moved ||
            !tarn_catalog__numbers_write(catalog, name, part->location, part->metadata, error)) {
            return false;
        }
    }
    if (commit->intent != NULL && !tarn_catalog__intent_forget(catalog, commit->intent, error)) {
        return false;
    }
    for (size_t i = 0; i < commit->more_intent_count; i++) {
        if (!tarn_catalog__intent_forget(catalog, &commit->more_intents[i], error)) return false;
    }
    return commit->next_intent == NULL ||
           tarn_catalog__intent_write(catalog, commit->next_locations, commit->next_location_count,
                                      commit->next_intent, error);
}

/* Is a metadata file the table's current one, or one that others have built upon since? */
static bool is_in_history(Attempt *attempt, const Part *part, bool *yes, TarnError *error) {
    TarnTableName name = part->base != NULL ? part->base->name : part->change->name;
    const TarnTable *table = NULL;
    *yes = false;
    if (!tarn_catalog_table_find(attempt->catalog, name, &table, error)) return false;
    if (table == NULL) return true;
    *yes = strcmp(table->metadata_location, part->location) == 0;
    for (size_t i = 0; !*yes && i < table->metadata->metadata_log_count; i++) {
        *yes = strcmp(table->metadata->metadata_log[i].metadata_file, part->location) == 0;
    }
    tarn_catalog_table_release(table);
    return true;
}

/* The swap forgets the intent in its own transaction, so the record tells for sure, also when
 * others have moved the pointers on since. Without one, the table's history tells. */
static bool has_happened(Attempt *attempt, bool *happened, TarnError *error) {
    const TarnIntent *intent = attempt->commit->intent;
    int64_t one;
    bool found = false;
    if (intent == NULL) return is_in_history(attempt, &attempt->parts[0], happened, error);
    bool ok = tarn_db_query_int64(attempt->catalog->options.db,
                                  "select 1 from tarn_intent where id = $1 limit 1",
                                  TARN_DB_VALUES(tarn_db_string(intent->id)), &one, &found, error);
    *happened = !found;
    return ok;
}

/* The answer to COMMIT was lost. */
static bool settle(Attempt *attempt, TarnError *error) {
    TarnError lost = *error;
    bool happened = false;
    bool known = tarn_db_settle(attempt->catalog->options.db, error) &&
                 has_happened(attempt, &happened, error);
    if (known && happened) return true;
    *error = lost;
    if (known) {
        error->outcome_unknown = false;
        return false;
    }
    tarn_base_error_set(error, TARN_E_COMMIT_UNKNOWN,
                        "the outcome of a commit could not be settled: %s", lost.message);
    return tarn_base_error_hint(error, "nothing was deleted; look at the table's history before "
                                       "trying again");
}

static bool swap(Attempt *attempt, TarnError *error) {
    TarnDb *db = attempt->catalog->options.db;
    if (TARN_FAULT("catalog.commit.before_swap", error)) return false;
    bool ok = tarn_db_begin(db, TARN_DB_WRITE, error) && swap_rows(attempt, error);
    if (!ok) {
        tarn_db_rollback(db);
        return false;
    }
    if (tarn_db_commit(db, error)) return true;
    return error->outcome_unknown && settle(attempt, error);
}

/* --- attempts --- */

/* A conflict names the other snapshot; of which table only who commits several can say. */
static bool name_conflict(const Part *part, TarnError *error) {
    TarnTableName name = part->base != NULL ? part->base->name : part->change->name;
    if (error->code != TARN_E_COMMIT_CONFLICT) return false;
    return tarn_base_error_context(error, "while committing to \"%s.%s\"", name.ns, name.name);
}

static bool run_attempt(Attempt *attempt, TarnError *error) {
    bool any = attempt->commit->table_count > 0;
    tarn_store_batch_init(&attempt->batch, any ? part_store(attempt, &attempt->parts[0])
                                               : attempt->catalog->store);
    bool ok = true;
    for (size_t i = 0; ok && i < attempt->commit->table_count; i++) {
        TarnStore *store = part_store(attempt, &attempt->parts[i]);
        /* A batch belongs to one store: what is in it is synced before it changes hands. */
        if (store != attempt->batch.store) {
            ok = tarn_store_batch_sync(&attempt->batch, error);
            attempt->batch.store = store;
        }
        ok = ok && (prepare_part(attempt, &attempt->parts[i], error) ||
                    name_conflict(&attempt->parts[i], error));
    }
    ok = ok && tarn_store_batch_sync(&attempt->batch, error) && swap(attempt, error);
    tarn_store_batch_dispose(&attempt->batch);
    return ok;
}

/* Removes the metadata files of an attempt that surely did not happen. */
static void discard_attempt(Attempt *attempt) {
    for (size_t i = 0; i < attempt->commit->table_count; i++) {
        Part *part = &attempt->parts[i];
        TarnError ignored = {0};
        if (part->location != NULL &&
            !tarn_store_delete(part->store, part->location, NULL, &ignored)) {
            tarn_base_log(TARN_LOG_WARN, "could not remove \"%s\"", part->location);
        }
        part->location = NULL;
        tarn_base_arena_dispose(&part->arena);
    }
}

static bool reload(Attempt *attempt, TarnError *error) {
    for (size_t i = 0; i < attempt->commit->table_count; i++) {
        Part *part = &attempt->parts[i];
        if (part->base == NULL) continue;
        const TarnTable *newer = NULL;
        if (!tarn_catalog_table_load(attempt->catalog, part->base->name, &newer, error)) {
            return false;
        }
        if (strcmp(newer->metadata->uuid, part->base->metadata->uuid) != 0) {
            tarn_catalog_table_release(newer);
            return tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT,
                                       "the table \"%s.%s\" was dropped and made again meanwhile",
                                       part->base->name.ns, part->base->name.name);
        }
        tarn_catalog_table_release(part->base);
        part->base = newer;
    }
    return true;
}

static bool back_off(TarnCatalog *catalog, uint32_t attempt, TarnError *error) {
    int64_t most = BACKOFF_FIRST_US << (attempt < 8 ? attempt : 8);
    if (most > BACKOFF_LAST_US) most = BACKOFF_LAST_US;
    catalog->jitter = catalog->jitter * UINT64_C(6364136223846793005) + 1442695040888963407u;
    int64_t wait = (int64_t)(catalog->jitter >> 33) % most + 1;
    return catalog->options.os->sleep_us(catalog->options.os, wait, error);
}

static void delete_garbage(const Part *part, bool committed) {
    TarnError ignored = {0};
    for (size_t p = 0; p <= part->change->step_count; p++) {
        const char *const *paths = NULL;
        size_t count = 0;
        if (producer_at(part->change, p) == NULL) continue;
        tarn_table_snapshot_producer_garbage(producer_at(part->change, p), committed, &paths,
                                             &count);
        for (size_t i = 0; i < count; i++) {
            if (tarn_store_delete(part->store, paths[i], NULL, &ignored)) continue;
            tarn_base_log(TARN_LOG_WARN, "could not remove \"%s\"", paths[i]);
        }
    }
}

/* Metadata files that fell out of the log, where the table says so. */
static void delete_old_metadata(const Part *part) {
    const char *wanted = tarn_table_metadata_property(part->metadata,
                                                      "write.metadata.delete-after-commit.enabled");
    if (part->base == NULL || wanted == NULL || strcmp(wanted, "true") != 0) return;
    const TarnTableMetadata *old = part->base->metadata;
    const TarnTableMetadata *now = part->metadata;
    TarnError ignored = {0};
    for (size_t i = 0; i < old->metadata_log_count; i++) {
        const char *file = old->metadata_log[i].metadata_file;
        bool kept = now->metadata_log_count > 0 &&
                    strcmp(now->metadata_log[0].metadata_file, file) == 0;
        if (kept) break; /* the log is in order of time: the rest is kept too */
        if (!tarn_store_delete(part->store, file, NULL, &ignored)) {
            tarn_base_log(TARN_LOG_WARN, "could not remove \"%s\"", file);
        }
    }
}

/* After the swap: nothing here can make the commit fail. */
static void finish(Attempt *attempt) {
    for (size_t i = 0; i < attempt->commit->table_count; i++) {
        Part *part = &attempt->parts[i];
        TarnError ignored = {0};
        TarnTableName name = part->base != NULL ? part->base->name : part->change->name;
        delete_garbage(part, true);
        delete_old_metadata(part);
        /* The memory of a create or of given updates is not ours to keep: that is read back. */
        bool shares = part->change->create != NULL || has_updates(part->change);
        bool ok = shares
                      ? tarn_catalog__table_at(attempt->catalog, name, part->location,
                                               &part->change->committed, &ignored)
                      : tarn_catalog__table_adopt(attempt->catalog, name, part->location,
                                                  part->metadata, part->base, &part->arena,
                                                  part->store, &part->change->committed, &ignored);
        if (!ok) tarn_base_log(TARN_LOG_WARN, "committed, but: %s", ignored.message);
        tarn_base_arena_dispose(&part->arena);
    }
}

static bool run_attempts(Attempt *attempt, TarnError *error) {
    TarnCatalog *catalog = attempt->catalog;
    uint32_t most = catalog->options.commit_retries_max;
    if (most == 0) most = RETRIES_MAX;
    for (uint32_t i = 0;; i++) {
        attempt->lost_race = false;
        if (run_attempt(attempt, error)) return true;
        if (error->outcome_unknown) return false; /* nothing may be deleted */
        discard_attempt(attempt);
        if (!attempt->lost_race || i >= most) return false;
        if (!back_off(catalog, i, error) || !reload(attempt, error)) return false;
        tarn_base_error_clear(error);
    }
}

bool tarn_catalog_commit(TarnCatalog *catalog, TarnCommit *commit, TarnError *error) {
    if (catalog->options.read_only) {
        return tarn_base_error_set(error, TARN_E_DENIED_BY_SYSTEM,
                                   "the lake was opened for reading only");
    }
    Attempt attempt = {.catalog = catalog, .commit = commit};
    attempt.parts = calloc(commit->table_count + 1, sizeof(*attempt.parts));
    if (attempt.parts == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    }
    bool ok = true;
    for (size_t i = 0; i < commit->table_count; i++) {
        TarnCommitTable *change = &commit->tables[i];
        ok = ok && check_evidence(catalog, change, error);
        change->committed = NULL;
        attempt.parts[i].change = change;
        attempt.parts[i].base = change->base;
        attempt.parts[i].store = catalog->store;
        if (change->base != NULL) tarn_catalog_table_acquire(change->base);
    }
    ok = ok && run_attempts(&attempt, error);
    if (ok) {
        finish(&attempt);
    } else if (!error->outcome_unknown) {
        for (size_t i = 0; i < commit->table_count; i++) delete_garbage(&attempt.parts[i], false);
    }
    for (size_t i = 0; i < commit->table_count; i++) {
        tarn_catalog_table_release(attempt.parts[i].base);
        tarn_base_arena_dispose(&attempt.parts[i].arena);
    }
    free(attempt.parts);
    return ok;
}
