/* A statement's change of a table, committed.
 *
 * The intent of a write is recorded by the commit before it where the table is the same, so a run
 * of small statements costs one database transaction each.
 */
#include "query/commit_private.h"

#include <stdlib.h>
#include <string.h>

#include "query/transaction_private.h"

bool tarn_query__intent_take(TarnQuery *query, const char *location, TarnIntent *intent,
                             TarnError *error) {
    if (query->intent_location != NULL && strcmp(query->intent_location, location) == 0) {
        *intent = query->intent;
        free(query->intent_location);
        query->intent_location = NULL;
        return true;
    }
    return tarn_catalog_intent_begin(query->catalog, &location, 1, intent, error);
}

static void keep_intent(TarnQuery *query, const char *location, const TarnIntent *intent) {
    if (query->intent_location != NULL) {
        tarn_catalog_intent_abandon(query->catalog, &query->intent);
        free(query->intent_location);
    }
    query->intent = *intent;
    query->intent_location = strdup(location);
}

bool tarn_query__write_record(TarnQuery *query, const TarnTableWrite *write, TarnDb *db,
                              TarnError *error) {
    const TarnOs *os = tarn_catalog_options(query->catalog)->os;
    /* A new table forgets what led into one of its name before. */
    bool replaces = write->base == NULL || write->replaces;
    if (write->edge_count == 0 && !replaces) return true;
    return (replaces ? tarn_govern_lineage_replace
                   : tarn_govern_lineage_add)(db, write->name, write->edges, write->edge_count,
                                              write->intent->id, tarn_os_clock_ms(os), error);
}

typedef struct Hook {
    TarnQuery *query;
    const TarnTableWrite *write;
} Hook;

static bool record(void *state, TarnDb *db, TarnError *error) {
    const Hook *hook = state;
    return tarn_query__write_record(hook->query, hook->write, db, error);
}

bool tarn_query__write_producer(TarnQuery *query, const TarnTableWrite *write,
                                TarnSnapshotProducer **producer, TarnError *error) {
    TarnProducerOptions options = {
        .os = tarn_catalog_options(query->catalog)->os,
        .store = write->base != NULL ? write->base->store : tarn_catalog_store(query->catalog),
        .cache = tarn_catalog_manifest_cache(query->catalog),
        .commit_id = write->intent->id};
    *producer = NULL;
    return write->change == NULL ||
           tarn_table_snapshot_producer_new(&options, write->change, producer, error);
}

bool tarn_query__write_commit(TarnQuery *query, TarnTableWrite *write, TarnError *error) {
    TarnSnapshotProducer *producer = NULL;
    TarnIntent next = {{0}};
    Hook hook = {query, write};
    bool is_new = write->base == NULL;
    if (query->transaction != NULL) return tarn_query__transaction_stage(query, write, error);
    if (!tarn_query__write_producer(query, write, &producer, error)) return false;
    const char *location = is_new ? write->create->location : write->base->metadata->location;
    TarnCommitTable table = {.name = write->name,
                             .base = write->base,
                             .create = write->create,
                             .producer = producer,
                             .files = write->files,
                             .file_count = write->file_count,
                             .evidence = {.schema_checked = true}};
    TarnCommit commit = {.tables = &table,
                         .table_count = 1,
                         .intent = write->intent,
                         .hook = record,
                         .hook_state = &hook,
                         .next_intent = is_new ? NULL : &next,
                         .next_locations = &location,
                         .next_location_count = 1};
    bool ok = tarn_catalog_commit(query->catalog, &commit, error);
    write->snapshot_id = TARN_ABSENT;
    if (ok) {
        if (!is_new) keep_intent(query, location, &next);
        if (producer != NULL) write->snapshot_id = tarn_table_snapshot_producer_id(producer);
        tarn_catalog_table_release(table.committed);
    }
    tarn_table_snapshot_producer_free(producer);
    return ok;
}
