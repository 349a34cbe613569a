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
    TarnTableWrite write; /* of rows, or what is made; else only `updates` counts */
    TarnSnapshotChange change;
    TarnIntent intent;
    bool has_intent;
    TarnSnapshotProducer *producer; /* NULL = none: no rows */
    TarnCommitStep updates;         /* of ALTER */
    TarnScanPlan *plan;             /* NULL = none */
} Step;

/* A table the transaction has read, written, made or dropped. */
typedef struct Member {
    TarnTableName name;
    const TarnTable *base;           /* as it was when the transaction began; NULL = made in it */
    const TarnTableMetadata *create; /* of one that was made */
    const TarnTable *now;            /* with the steps; a reference of its own */
    bool dropped;                    /* the steps are for nothing then */
    TarnIntent drop_intent;          /* so that the commit knows whether it has happened */
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

/* The last of the name: a table may be dropped and made again. */
static Member *find_member(const TarnTransaction *transaction, TarnTableName name) {
    for (size_t i = transaction->members.count; i > 0; i--) {
        Member *member = &transaction->members.items[i - 1];
        if (tarn_catalog_name_equal(member->name, name)) return member;
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

static Member *new_member(TarnTransaction *transaction, TarnTableName name) {
    Member *made = TARN_PUSH(&transaction->arena, &transaction->members);
    if (made == NULL) return NULL;
    *made = (Member){.name = {tarn_base_arena_string(&transaction->arena, name.ns),
                              tarn_base_arena_string(&transaction->arena, name.name)}};
    if (!tarn_base_arena_failed(&transaction->arena)) return made;
    transaction->members.count--;
    return NULL;
}

/* *member NULL = no such table; one that was dropped is found. */
static bool find_pinned(TarnQuery *query, TarnTableName name, Member **member, TarnError *error) {
    TarnTransaction *transaction = query->transaction;
    const TarnPointer *pointer = NULL;
    *member = find_member(transaction, name);
    if (*member == NULL) pointer = find_pointer(transaction, name);
    if (pointer == NULL) return true;
    Member *made = new_member(transaction, pointer->name);
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
    if (member != NULL && !member->dropped) *table = tarn_catalog_table_acquire(member->now);
    return true;
}

bool tarn_query__table_load(TarnQuery *query, TarnTableName name, const TarnTable **table,
                            TarnError *error) {
    if (query->transaction == NULL) {
        return tarn_catalog_table_load(query->catalog, name, table, error);
    }
    if (!tarn_query__table_find(query, name, table, error)) return false;
    if (*table != NULL) return true;
    if (find_member(query->transaction, name) != NULL) {
        return tarn_base_error_set(error, TARN_E_TABLE_NOT_FOUND,
                                   "table \"%s.%s\" was dropped by this transaction", name.ns,
                                   name.name);
    }
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
            if (producer != NULL && tarn_table_snapshot_producer_id(producer) == snapshot_id) {
                return true;
            }
        }
    }
    return false;
}

/* --- staging --- */

/* What the change started from is the table as it was when the transaction began. */
static bool set_start(TarnTransaction *transaction, const Member *member, Step *step,
                      TarnError *error) {
    const TarnTableMetadata *metadata = member->base != NULL ? member->base->metadata
                                                             : member->create;
    TarnSnapshotChange *change = &step->change;
    const TarnSnapshotRef *ref = change->ref != NULL
                                     ? tarn_table_metadata_ref(metadata, change->ref)
                                     : NULL;
    int64_t start = ref != NULL ? ref->snapshot_id : metadata->current_snapshot_id;
    int64_t *own = TARN_NEW_ARRAY(&transaction->arena, member->steps.count + 1, int64_t);
    size_t count = 0;
    if (own == NULL) return tarn_base_arena_check(&transaction->arena, error);
    for (size_t i = 0; i < member->steps.count; i++) {
        const TarnSnapshotProducer *producer = member->steps.items[i]->producer;
        if (producer != NULL) own[count++] = tarn_table_snapshot_producer_id(producer);
    }
    change->starting_snapshot_id = start;
    change->starts_empty = start == TARN_ABSENT;
    change->own_snapshots = own;
    change->own_snapshot_count = count;
    return true;
}

static bool new_step(TarnQuery *query, Member *member, const TarnTableWrite *write, Step **result,
                     TarnError *error) {
    TarnTransaction *transaction = query->transaction;
    Step *step = TARN_NEW(&transaction->arena, Step);
    if (step == NULL) return tarn_base_arena_check(&transaction->arena, error);
    step->write = *write;
    step->intent = *write->intent;
    step->has_intent = true;
    step->write.intent = &step->intent;
    step->write.arena = NULL;
    *result = step;
    if (write->change == NULL) return true; /* made without rows */
    step->change = *write->change;
    step->write.change = &step->change;
    return set_start(transaction, member, step, error) &&
           tarn_query__write_producer(query, &step->write, &step->producer, error);
}

/* The step becomes the member's last; the memory in `arena` is the transaction's then. */
static bool keep_step(TarnTransaction *transaction, Member *member, Step *step,
                      const TarnTable *staged, TarnArena *arena, TarnError *error) {
    TarnArena *kept = TARN_PUSH(&transaction->arena, &transaction->kept);
    Step **slot = TARN_PUSH(&transaction->arena, &member->steps);
    if (!tarn_base_arena_check(&transaction->arena, error)) {
        if (slot != NULL) member->steps.count--;
        if (kept != NULL) transaction->kept.count--;
        tarn_catalog_table_release(staged);
        return false;
    }
    *slot = step;
    *kept = *arena;
    tarn_base_arena_init(arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    tarn_catalog_table_release(member->now);
    member->now = staged;
    return true;
}

static bool stage_member(TarnQuery *query, const TarnTableWrite *write, Member **member,
                         TarnError *error) {
    TarnTransaction *transaction = query->transaction;
    *member = find_member(transaction, write->name);
    if (write->base != NULL) {
        return (*member != NULL && write->change != NULL) ||
               tarn_base_error_set(error, TARN_E_INTERNAL, "a change of no table is staged");
    }
    *member = new_member(transaction, write->name);
    if (*member == NULL) return tarn_base_arena_check(&transaction->arena, error);
    (*member)->create = write->create;
    if (tarn_catalog_table_stage_create(query->catalog, (*member)->name, write->create,
                                        &(*member)->now, error)) {
        return true;
    }
    transaction->members.count--;
    return false;
}

bool tarn_query__transaction_stage(TarnQuery *query, TarnTableWrite *write, TarnError *error) {
    TarnTransaction *transaction = query->transaction;
    Member *member = NULL;
    Step *step = NULL;
    const TarnTable *staged = NULL;
    if (!stage_member(query, write, &member, error)) return false;
    bool ok = new_step(query, member, write, &step, error);
    if (ok && step->producer == NULL) {
        staged = tarn_catalog_table_acquire(member->now);
    } else if (ok) {
        ok = tarn_catalog_table_stage(query->catalog, member->now, step->producer, &staged, error);
    }
    if (!ok || !keep_step(transaction, member, step, staged, write->arena, error)) {
        if (step != NULL) tarn_table_snapshot_producer_free(step->producer);
        if (write->base == NULL) { /* the caller abandons its files */
            tarn_catalog_table_release(member->now);
            transaction->members.count--;
        }
        return false;
    }
    step->plan = write->plan;
    write->plan = NULL;
    write->snapshot_id = step->producer != NULL ? tarn_table_snapshot_producer_id(step->producer)
                                                : TARN_ABSENT;
    return true;
}

/* The lists are often on a stack; what they point at is in the statement's arena. */
static bool copy_updates(const TarnCommitStep *updates, TarnArena *arena, TarnCommitStep *copy,
                         TarnError *error) {
    size_t count = updates->requirement_count;
    TarnTableRequirement *requirements = TARN_NEW_ARRAY(arena, count + 1, TarnTableRequirement);
    TarnTableUpdate *list = TARN_NEW_ARRAY(arena, updates->update_count + 1, TarnTableUpdate);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < count; i++) requirements[i] = updates->requirements[i];
    for (size_t i = 0; i < updates->update_count; i++) list[i] = updates->updates[i];
    *copy = (TarnCommitStep){.requirements = requirements,
                             .requirement_count = count,
                             .updates = list,
                             .update_count = updates->update_count};
    return true;
}

bool tarn_query__transaction_update(TarnQuery *query, TarnTableName name,
                                    const TarnCommitStep *updates, TarnArena *arena,
                                    TarnError *error) {
    TarnTransaction *transaction = query->transaction;
    Member *member = find_member(transaction, name);
    const TarnTable *staged = NULL;
    Step *step = TARN_NEW(&transaction->arena, Step);
    if (member == NULL || step == NULL) {
        return tarn_base_arena_check(&transaction->arena, error) &&
               tarn_base_error_set(error, TARN_E_INTERNAL, "a change of no table is staged");
    }
    return copy_updates(updates, &transaction->arena, &step->updates, error) &&
           tarn_catalog_table_stage_updates(query->catalog, member->now, &step->updates, &staged,
                                            error) &&
           keep_step(transaction, member, step, staged, arena, error);
}

bool tarn_query__transaction_drop(TarnQuery *query, TarnTableName name, TarnError *error) {
    const TarnTable *table = NULL;
    if (!tarn_query__table_load(query, name, &table, error)) return false;
    Member *member = find_member(query->transaction, name);
    const char *location = table->metadata->location;
    bool ok = member->base == NULL ||
              tarn_catalog_intent_begin(query->catalog, &location, 1, &member->drop_intent, error);
    member->dropped = ok;
    tarn_catalog_table_release(table);
    return ok;
}

/* --- ending --- */

typedef enum End { END_UNDONE, END_DONE, END_UNKNOWN } End; /* unknown: nothing may be deleted */

static void free_transaction(TarnQuery *query, End end) {
    TarnTransaction *transaction = query->transaction;
    query->transaction = NULL;
    for (size_t i = 0; i < transaction->members.count; i++) {
        Member *member = &transaction->members.items[i];
        for (size_t s = 0; s < member->steps.count; s++) {
            Step *step = member->steps.items[s];
            tarn_table_snapshot_producer_free(step->producer);
            tarn_table_scan_plan_dispose(step->plan);
            bool useless = end == END_UNDONE || (end == END_DONE && member->dropped);
            if (useless && step->has_intent) {
                tarn_catalog_intent_abandon(query->catalog, &step->intent);
            }
        }
        if (end == END_UNDONE && member->dropped && member->base != NULL) {
            tarn_catalog_intent_abandon(query->catalog, &member->drop_intent);
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
    if (query->transaction != NULL) free_transaction(query, END_UNDONE);
}

/* --- committing --- */

static bool record_all(void *state, TarnDb *db, TarnError *error) {
    TarnQuery *query = state;
    const TarnTransaction *transaction = query->transaction;
    for (size_t i = 0; i < transaction->members.count; i++) {
        const Member *member = &transaction->members.items[i];
        for (size_t s = 0; s < member->steps.count && !member->dropped; s++) {
            const Step *step = member->steps.items[s];
            if (step->has_intent && !tarn_query__write_record(query, &step->write, db, error)) {
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
    TarnCommitStep *steps = TARN_NEW_ARRAY(arena, count + 1, TarnCommitStep);
    const char **files = TARN_NEW_ARRAY(arena, file_count + 1, const char *);
    if (!tarn_base_arena_check(arena, error)) return false;
    *table = (TarnCommitTable){.name = member->name,
                               .base = member->base,
                               .create = member->create,
                               .steps = steps,
                               .files = files,
                               .evidence = {.schema_checked = true}};
    for (size_t s = 0; s < count; s++) {
        const Step *step = member->steps.items[s];
        if (table->intent == NULL && step->has_intent) table->intent = &step->intent;
        if (step->producer != NULL) {
            steps[table->step_count++] = (TarnCommitStep){.producer = step->producer};
        } else if (step->updates.update_count > 0) {
            steps[table->step_count++] = step->updates;
        }
        for (size_t f = 0; f < step->write.file_count; f++) {
            files[table->file_count++] = step->write.files[f];
        }
    }
    return true;
}

static size_t list_intents(const TarnTransaction *transaction, TarnIntent *intents) {
    size_t count = 0;
    for (size_t i = 0; i < transaction->members.count; i++) {
        const Member *member = &transaction->members.items[i];
        if (member->dropped && member->base != NULL) intents[count++] = member->drop_intent;
        for (size_t s = 0; s < member->steps.count && !member->dropped; s++) {
            const Step *step = member->steps.items[s];
            if (step->has_intent) intents[count++] = step->intent;
        }
    }
    return count;
}

static bool fill_commit(TarnTransaction *transaction, TarnCommit *commit, TarnError *error) {
    TarnArena *arena = &transaction->arena;
    size_t most = transaction->members.count;
    TarnCommitDrop *drops = TARN_NEW_ARRAY(arena, most + 1, TarnCommitDrop);
    commit->tables = TARN_NEW_ARRAY(arena, most + 1, TarnCommitTable);
    for (size_t i = 0; i < transaction->members.count; i++) {
        most += transaction->members.items[i].steps.count;
    }
    TarnIntent *intents = TARN_NEW_ARRAY(arena, most + 1, TarnIntent);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < transaction->members.count; i++) {
        const Member *member = &transaction->members.items[i];
        if (member->dropped) {
            if (member->base == NULL) continue;
            drops[commit->drop_count++] =
                (TarnCommitDrop){member->name, member->base->metadata_location};
        } else if ((member->steps.count > 0 || member->create != NULL) &&
                   !fill_table(transaction, member, &commit->tables[commit->table_count++],
                               error)) {
            return false;
        }
    }
    size_t count = list_intents(transaction, intents);
    commit->drops = drops;
    commit->intent = count > 0 ? intents : NULL;
    commit->more_intents = intents + 1;
    commit->more_intent_count = count > 0 ? count - 1 : 0;
    return true;
}

static bool commit_transaction(TarnQuery *query, size_t *tables, TarnError *error) {
    TarnTransaction *transaction = query->transaction;
    TarnCommit commit = {.hook = record_all, .hook_state = query};
    bool ok = fill_commit(transaction, &commit, error);
    *tables = commit.table_count + commit.drop_count;
    if (ok && *tables > 0) {
        ok = !TARN_FAULT("query.transaction.before_commit", error) &&
             tarn_catalog_commit(query->catalog, &commit, error);
    }
    for (size_t i = 0; ok && i < commit.table_count; i++) {
        tarn_catalog_table_release(commit.tables[i].committed);
    }
    free_transaction(query, ok ? END_DONE : error->outcome_unknown ? END_UNKNOWN : END_UNDONE);
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
