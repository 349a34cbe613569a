/* Transactions over several statements and tables. The header says how they go.
 */
#include "query/transaction_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fault.h"
#include "base/limits.h"

/* What one statement did to a table. */
typedef struct Step {
    TarnTableWrite write;
    TarnSnapshotChange change;
    TarnIntent intent;
    TarnSnapshotProducer *producer;
    TarnScanPlan *plan; /* NULL = none */
} Step;

/* A table the transaction has read or written. */
typedef struct Member {
    const TarnTable *base; /* as it was when the transaction began */
    const TarnTable *now;  /* with the steps; a reference of its own */
    struct {
        Step **items;
        size_t count;
        size_t capacity;
    } steps;
} Member;

struct TarnTransaction {
    TarnArena arena;
    TarnPointer *pointers; /* all tables, when it began */
    size_t pointer_count;
    struct {
        Member *items;
        size_t count;
        size_t capacity;
    } members;
    struct {
        TarnArena *items;
        size_t count;
        size_t capacity;
    } kept; /* memory of its statements */
};

/* --- tables --- */

static Member *find_member(const TarnTransaction *transaction, TarnTableName name) {
    for (size_t i = 0; i < transaction->members.count; i++) {
        Member *member = &transaction->members.items[i];
        if (tarn_catalog_name_equal(member->base->name, name)) return member;
    }
    return NULL;
}

static const TarnPointer *find_pointer(const TarnTransaction *transaction, TarnTableName name) {
    const TarnPointer *found = NULL;
    for (size_t i = 0; i < transaction->pointer_count; i++) {
        const TarnPointer *pointer = &transaction->pointers[i];
        if (strcmp(pointer->name.ns, name.ns) == 0 && strcmp(pointer->name.name, name.name) == 0) {
            return pointer;
        }
        if (strcasecmp(pointer->name.ns, name.ns) == 0 &&
            strcasecmp(pointer->name.name, name.name) == 0) {
            found = pointer;
        }
    }
    return found;
}

static bool find_pinned(TarnQuery *query, TarnTableName name, Member **member, TarnError *error) {
    TarnTransaction *transaction = query->transaction;
    const TarnPointer *pointer = find_pointer(transaction, name);
    *member = pointer != NULL ? find_member(transaction, pointer->name) : NULL;
    if (pointer == NULL || *member != NULL) return true;
    Member *made = TARN_PUSH(&transaction->arena, &transaction->members);
    if (made == NULL) return tarn_base_arena_check(&transaction->arena, error);
    if (!tarn_catalog_table_at(query->catalog, pointer, &made->base, error)) {
        transaction->members.count--;
        return false;
    }
    made->now = tarn_catalog_table_acquire(made->base);
    *member = made;
    return true;
}

bool tarn_query__table_find(TarnQuery *query, TarnTableName name, const TarnTable **table,
                            TarnError *error) {
    Member *member = NULL;
    *table = NULL;
    if (query->transaction == NULL) {
        return tarn_catalog_table_find(query->catalog, name, table, error);
    }
    if (!find_pinned(query, name, &member, error)) return false;
    if (member != NULL) *table = tarn_catalog_table_acquire(member->now);
    return true;
}

bool tarn_query__table_load(TarnQuery *query, TarnTableName name, const TarnTable **table,
                            TarnError *error) {
    if (query->transaction == NULL) {
        return tarn_catalog_table_load(query->catalog, name, table, error);
    }
    if (!tarn_query__table_find(query, name, table, error)) return false;
    if (*table != NULL) return true;
    const TarnTable *newer = NULL;
    if (!tarn_catalog_table_load(query->catalog, name, &newer, error)) return false;
    tarn_catalog_table_release(newer);
    tarn_base_error_set(error, TARN_E_TABLE_NOT_FOUND,
                        "table \"%s.%s\" was not there when the transaction began", name.ns,
                        name.name);
    return tarn_base_error_hint(error, "COMMIT or ROLLBACK, and begin again");
}

bool tarn_query__transaction_made(const TarnQuery *query, int64_t snapshot_id) {
    const TarnTransaction *transaction = query->transaction;
    for (size_t i = 0; transaction != NULL && i < transaction->members.count; i++) {
        const Member *member = &transaction->members.items[i];
        for (size_t s = 0; s < member->steps.count; s++) {
            const TarnSnapshotProducer *producer = member->steps.items[s]->producer;
            if (tarn_table_snapshot_producer_id(producer) == snapshot_id) return true;
        }
    }
    return false;
}

/* --- staging --- */

/* What the change started from is the table as it was when the transaction began. */
static bool set_start(TarnTransaction *transaction, const Member *member, Step *step,
                      TarnError *error) {
    const TarnTableMetadata *metadata = member->base->metadata;
    TarnSnapshotChange *change = &step->change;
    const TarnSnapshotRef *ref = change->ref != NULL
                                     ? tarn_table_metadata_ref(metadata, change->ref)
                                     : NULL;
    int64_t start = ref != NULL ? ref->snapshot_id : metadata->current_snapshot_id;
    int64_t *own = TARN_NEW_ARRAY(&transaction->arena, member->steps.count + 1, int64_t);
    if (own == NULL) return tarn_base_arena_check(&transaction->arena, error);
    for (size_t i = 0; i < member->steps.count; i++) {
        own[i] = tarn_table_snapshot_producer_id(member->steps.items[i]->producer);
    }
    change->starting_snapshot_id = start;
    change->starts_empty = start == TARN_ABSENT;
    change->own_snapshots = own;
    change->own_snapshot_count = member->steps.count;
    return true;
}

static bool new_step(TarnQuery *query, Member *member, const TarnTableWrite *write, Step **result,
                     TarnError *error) {
    TarnTransaction *transaction = query->transaction;
    Step *step = TARN_NEW(&transaction->arena, Step);
    if (step == NULL) return tarn_base_arena_check(&transaction->arena, error);
    step->write = *write;
    step->change = *write->change;
    step->intent = *write->intent;
    step->write.change = &step->change;
    step->write.intent = &step->intent;
    step->write.arena = NULL;
    *result = step;
    return set_start(transaction, member, step, error) &&
           tarn_query__write_producer(query, &step->write, &step->producer, error);
}

bool tarn_query__transaction_stage(TarnQuery *query, TarnTableWrite *write, TarnError *error) {
    TarnTransaction *transaction = query->transaction;
    Member *member = find_member(transaction, write->name);
    Step *step = NULL;
    const TarnTable *staged = NULL;
    if (member == NULL || write->change == NULL) {
        return tarn_base_error_set(error, TARN_E_INTERNAL, "a change of no table is staged");
    }
    if (!new_step(query, member, write, &step, error)) return false;
    TarnArena *kept = TARN_PUSH(&transaction->arena, &transaction->kept);
    Step **slot = TARN_PUSH(&transaction->arena, &member->steps);
    bool ok = tarn_base_arena_check(&transaction->arena, error) &&
              tarn_catalog_table_stage(query->catalog, member->now, step->producer, &staged, error);
    if (!ok) {
        if (slot != NULL) member->steps.count--;
        if (kept != NULL) transaction->kept.count--;
        tarn_table_snapshot_producer_free(step->producer);
        return false;
    }
    *slot = step;
    *kept = *write->arena;
    tarn_base_arena_init(write->arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    step->plan = write->plan;
    write->plan = NULL;
    tarn_catalog_table_release(member->now);
    member->now = staged;
    write->snapshot_id = tarn_table_snapshot_producer_id(step->producer);
    return true;
}

/* --- ending --- */

static void free_transaction(TarnQuery *query, bool abandon) {
    TarnTransaction *transaction = query->transaction;
    query->transaction = NULL;
    for (size_t i = 0; i < transaction->members.count; i++) {
        Member *member = &transaction->members.items[i];
        for (size_t s = 0; s < member->steps.count; s++) {
            Step *step = member->steps.items[s];
            tarn_table_snapshot_producer_free(step->producer);
            tarn_table_scan_plan_dispose(step->plan);
            if (abandon) tarn_catalog_intent_abandon(query->catalog, &step->intent);
        }
        tarn_catalog_table_release(member->now);
        tarn_catalog_table_release(member->base);
    }
    for (size_t i = 0; i < transaction->kept.count; i++) {
        tarn_base_arena_dispose(&transaction->kept.items[i]);
    }
    tarn_base_arena_dispose(&transaction->arena);
    free(transaction);
}

void tarn_query__transaction_end(TarnQuery *query) {
    if (query->transaction != NULL) free_transaction(query, true);
}

/* --- committing --- */

static bool record_all(void *state, TarnDb *db, TarnError *error) {
    TarnQuery *query = state;
    const TarnTransaction *transaction = query->transaction;
    for (size_t i = 0; i < transaction->members.count; i++) {
        const Member *member = &transaction->members.items[i];
        for (size_t s = 0; s < member->steps.count; s++) {
            if (!tarn_query__write_record(query, &member->steps.items[s]->write, db, error)) {
                return false;
            }
        }
    }
    return true;
}

static bool fill_table(TarnTransaction *transaction, const Member *member, TarnCommitTable *table,
                       TarnError *error) {
    TarnArena *arena = &transaction->arena;
    size_t count = member->steps.count;
    size_t file_count = 0;
    for (size_t s = 0; s < count; s++) file_count += member->steps.items[s]->write.file_count;
    TarnSnapshotProducer **more = TARN_NEW_ARRAY(arena, count + 1, TarnSnapshotProducer *);
    const char **files = TARN_NEW_ARRAY(arena, file_count + 1, const char *);
    if (!tarn_base_arena_check(arena, error)) return false;
    *table = (TarnCommitTable){.name = member->base->name,
                               .base = member->base,
                               .producer = member->steps.items[0]->producer,
                               .more_producers = more,
                               .more_producer_count = count - 1,
                               .intent = &member->steps.items[0]->intent,
                               .files = files,
                               .evidence = {.schema_checked = true}};
    for (size_t s = 0; s < count; s++) {
        const Step *step = member->steps.items[s];
        if (s > 0) more[s - 1] = step->producer;
        for (size_t f = 0; f < step->write.file_count; f++) {
            files[table->file_count++] = step->write.files[f];
        }
    }
    return true;
}

static bool fill_commit(TarnTransaction *transaction, TarnCommit *commit, TarnError *error) {
    TarnArena *arena = &transaction->arena;
    size_t steps = 0;
    for (size_t i = 0; i < transaction->members.count; i++) {
        steps += transaction->members.items[i].steps.count;
    }
    TarnIntent *intents = TARN_NEW_ARRAY(arena, steps + 1, TarnIntent);
    commit->tables = TARN_NEW_ARRAY(arena, transaction->members.count + 1, TarnCommitTable);
    if (!tarn_base_arena_check(arena, error)) return false;
    size_t count = 0;
    for (size_t i = 0; i < transaction->members.count; i++) {
        const Member *member = &transaction->members.items[i];
        if (member->steps.count == 0) continue;
        if (!fill_table(transaction, member, &commit->tables[commit->table_count++], error)) {
            return false;
        }
        for (size_t s = 0; s < member->steps.count; s++) {
            intents[count++] = member->steps.items[s]->intent;
        }
    }
    commit->intent = intents;
    commit->more_intents = intents + 1;
    commit->more_intent_count = count > 0 ? count - 1 : 0;
    return true;
}

static bool commit_transaction(TarnQuery *query, size_t *tables, TarnError *error) {
    TarnTransaction *transaction = query->transaction;
    TarnCommit commit = {.hook = record_all, .hook_state = query};
    bool ok = fill_commit(transaction, &commit, error);
    *tables = commit.table_count;
    if (ok && commit.table_count > 0) {
        ok = !TARN_FAULT("query.transaction.before_commit", error) &&
             tarn_catalog_commit(query->catalog, &commit, error);
    }
    for (size_t i = 0; ok && i < commit.table_count; i++) {
        tarn_catalog_table_release(commit.tables[i].committed);
    }
    free_transaction(query, !ok && !error->outcome_unknown);
    if (ok || error->outcome_unknown) return ok;
    if (error->code == TARN_E_COMMIT_CONFLICT) {
        tarn_base_error_hint(error, "nothing of the transaction was kept: run it again");
    }
    return tarn_base_error_context(error,
                                   "while committing the transaction, which was rolled back");
}

/* --- statements --- */

static bool begin(TarnStatement *statement, TarnError *error) {
    TarnQuery *query = statement->query;
    if (query->transaction != NULL) {
        tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED, "a transaction has begun already");
        return tarn_base_error_hint(error, "COMMIT or ROLLBACK it first");
    }
    TarnTransaction *transaction = calloc(1, sizeof(*transaction));
    if (transaction == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    }
    tarn_base_arena_init(&transaction->arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    query->transaction = transaction;
    if (!tarn_catalog_pointers(query->catalog, &transaction->arena, &transaction->pointers,
                               &transaction->pointer_count, error)) {
        tarn_query__transaction_end(query);
        return false;
    }
    statement->message = "began a transaction";
    return true;
}

bool tarn_query__transaction_run(TarnStatement *statement, const TarnParsed *parsed,
                                 TarnError *error) {
    TarnQuery *query = statement->query;
    size_t tables = 0;
    if (parsed->kind == TARN_STATEMENT_BEGIN) return begin(statement, error);
    if (query->transaction == NULL) {
        tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED, "no transaction has begun");
        return tarn_base_error_hint(error, "each statement is committed by itself; begin one with "
                                           "BEGIN");
    }
    if (parsed->kind == TARN_STATEMENT_ROLLBACK) {
        tarn_query__transaction_end(query);
        statement->message = "rolled back";
        return true;
    }
    if (!commit_transaction(query, &tables, error)) return false;
    statement->message = tarn_base_arena_printf(&statement->arena, "committed %zu table%s", tables,
                                                tables == 1 ? "" : "s");
    return tarn_base_arena_check(&statement->arena, error);
}
