/* DELETE, UPDATE, MERGE, TRUNCATE: from a statement to a snapshot.
 *
 *   dml_sql.c       the SELECT of the rows that change, with their places and new values
 *   marks.c         notes the places while the engine writes the new values into files
 *   delete_files.c  the places become delete files ("merge-on-read"), or
 *   here            the files they lie in are written anew without them ("copy-on-write")
 *
 * A data file that loses its last row goes as a whole. The snapshot is committed if nothing that
 * the statement read has changed since; if it has, the statement is run again from the start, some
 * times, since nobody has seen anything of it.
 *
 * Table properties, as the reference implementation's: write.delete.mode, write.update.mode,
 * write.merge.mode; write.delete.isolation-level and so on = serializable (default) or snapshot.
 */
#include "query/dml_private.h"

#include <inttypes.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "query/commit_private.h"
#include "query/delete_files_private.h"
#include "query/returning_private.h"
#include "query/scan_private.h"
#include "query/transaction_private.h"

/* How often a statement that lost a conflict runs again. */
#define RERUNS_MAX 20
#define RERUN_WAIT_FIRST_US 2000
#define RERUN_WAIT_LAST_US 500000

typedef struct Dml {
    TarnStatement *statement;
    TarnQuery *query;
    const TarnParsed *parsed;
    const TarnRunOptions *run;
    const char *ref; /* the branch written to; NULL = main */
    const TarnTable *base;
    TarnReference reference; /* of the target in the engine */
    TarnTarget target;
    TarnDmlSql sql;
    TarnPrepared prepared;
    int64_t marks_id;
    TarnIntent intent;
    bool has_intent;
    TarnReturning returning;
    TarnArena *arena;
    TarnWrittenFiles rows;  /* new values */
    TarnWrittenFiles moved; /* rows of files written anew */
    TarnDeleteFiles deletes;
    struct {
        TarnText *items;
        size_t count;
        size_t capacity;
    } removed;
    struct {
        TarnNewDeletes *items;
        size_t count;
        size_t capacity;
    } touched; /* files that keep rows */
    TarnError *error;
} Dml;

/* --- properties --- */

static const char *property_of(const Dml *dml, const char *what) {
    const char *kind = dml->parsed->kind == TARN_STATEMENT_UPDATE  ? "update"
                       : dml->parsed->kind == TARN_STATEMENT_MERGE ? "merge"
                                                                   : "delete";
    const char *key = tarn_base_arena_printf(dml->arena, "write.%s.%s", kind, what);
    return key != NULL ? tarn_table_metadata_property(dml->base->metadata, key) : NULL;
}

static bool copies_on_write(const Dml *dml) {
    const char *mode = property_of(dml, "mode");
    return mode != NULL && strcmp(mode, "copy-on-write") == 0;
}

static bool is_serializable(const Dml *dml) {
    const char *level = property_of(dml, "isolation-level");
    return level == NULL || strcmp(level, "snapshot") != 0;
}

static bool returns(const Dml *dml) { return dml->parsed->returning.data != NULL; }

static bool keeps_lineage(const Dml *dml) { return dml->base->metadata->format_version >= 3; }

/* --- preparing --- */

static bool load_base(Dml *dml) {
    if (tarn_query__table_load(dml->query, dml->parsed->name, &dml->base, dml->error)) {
        return true;
    }
    TarnError told = *dml->error;
    tarn_query__error_at(dml->parsed->tokens.source, dml->parsed->name_offset, told.code,
                         dml->error, "%s", told.message);
    return tarn_base_error_hint(dml->error, "%s", told.hint);
}

static bool name_target(Dml *dml) {
    TarnTableName name = {dml->base->name.ns, NULL};
    name.name = tarn_base_arena_printf(dml->arena, "%s@target", dml->base->name.name);
    if (name.name == NULL) return tarn_base_arena_check(dml->arena, dml->error);
    return tarn_query__reference_of(name, dml->arena, &dml->reference, dml->error);
}

/* The columns of what is merged in. */
static bool describe_source(Dml *dml, TarnSchema *schema) {
    TarnPrepared prepared;
    TarnDmlSql sql = {0};
    TarnText from = dml->parsed->from;
    static const char BEFORE[] = "SELECT * FROM ";
    const char *text = tarn_base_arena_printf(dml->arena, "%s%.*s", BEFORE, TARN_TEXT_ARG(from));
    TarnPiece *piece = TARN_PUSH(dml->arena, &sql.pieces);
    if (!tarn_base_arena_check(dml->arena, dml->error)) return false;
    sql.sql = tarn_base_text(text);
    *piece = (TarnPiece){.start = sizeof(BEFORE) - 1,
                         .end = sql.sql.size,
                         .user = (size_t)(from.data - dml->parsed->tokens.source.data)};
    if (!tarn_query__prepare(dml->query, sql.sql, dml->run, dml->arena, &prepared, dml->error)) {
        tarn_query__dml_error_back(&sql, dml->parsed->tokens.source, dml->error);
        return false;
    }
    bool ok = tarn_query__prepared_schema(&prepared, schema, dml->error);
    tarn_query__prepared_release(&prepared);
    return ok;
}

static bool prepare(Dml *dml) {
    TarnSchema source;
    const TarnSchema *schema = tarn_table_metadata_current_schema(dml->base->metadata);
    bool needs_source = tarn_query__dml_needs_source(dml->parsed);
    TarnRunOptions on_branch = {.branch = dml->ref}; /* what is changed is never of the past */
    TarnDmlInput input = {.query = dml->query,
                          .parsed = dml->parsed,
                          .run = dml->run,
                          .schema = schema,
                          .source = needs_source ? &source : NULL,
                          .target = &dml->reference,
                          .lineage = keeps_lineage(dml),
                          .returning = returns(dml),
                          .arena = dml->arena};
    dml->target = (TarnTarget){.reference = &dml->reference,
                               .table = dml->base,
                               .schema = schema,
                               .lineage = keeps_lineage(dml)};
    bool is_branch = false;
    if (!tarn_query__read_snapshot(dml->base, (TarnText){NULL, 0}, &on_branch,
                                   &dml->target.snapshot, &is_branch, dml->error)) {
        return false;
    }
    if ((needs_source && !describe_source(dml, &source)) ||
        !tarn_query__dml_sql(&input, &dml->sql, dml->error)) {
        return false;
    }
    if (tarn_query__prepare_target(dml->query, dml->sql.sql, dml->run, &dml->target, dml->arena,
                                   &dml->prepared, dml->error)) {
        return true;
    }
    tarn_query__dml_error_back(&dml->sql, dml->parsed->tokens.source, dml->error);
    /* columns that only the SQL made here has are no suggestion */
    if (strstr(dml->error->hint, "__tarn_") != NULL) dml->error->hint[0] = '\0';
    return false;
}

/* --- running --- */

/* " FROM (the statement's SELECT with each row noted) WHERE it is written". The call stands in a
 * SELECT list, where the engine makes it once for each row that the statement's own conditions
 * leave; among conditions it would be made in any order, for rows that are not meant too. */
static void put_marked(const Dml *dml, TarnBuffer *sql) {
    bool none = dml->parsed->kind == TARN_STATEMENT_DELETE && !returns(dml);
    size_t columns = none ? 0 : dml->target.schema->field_count;
    tarn_base_buffer_printf(sql,
                            " FROM (SELECT *, tarn_mark(%" PRId64
                            ", __tarn_action::BIGINT, __tarn_in, __tarn_at) AS __tarn_written "
                            "FROM (\n",
                            dml->marks_id);
    tarn_base_buffer_text(sql, dml->prepared.rewritten.sql);
    tarn_base_buffer_string(sql, "\n) AS __tarn_rows(__tarn_action, __tarn_in, __tarn_at");
    if (dml->sql.first_column == 4) tarn_base_buffer_string(sql, ", __tarn_id");
    for (size_t i = 0; i < columns; i++) tarn_base_buffer_printf(sql, ", __tarn_c%zu", i);
    tarn_base_buffer_string(sql, ")) WHERE __tarn_written");
}

static bool run_delete(Dml *dml) {
    TarnBuffer sql;
    TarnText count;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT count(*)");
    put_marked(dml, &sql);
    bool ok = tarn_base_buffer_check(&sql, dml->error) &&
              tarn_engine_query_text(dml->query->session, tarn_base_buffer_view(&sql), NULL, 0,
                                     dml->arena, &count, dml->error);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

static bool take_intent(Dml *dml) {
    if (dml->has_intent) return true;
    dml->has_intent = tarn_query__intent_take(dml->query, dml->base->metadata->location,
                                              &dml->intent, dml->error);
    return dml->has_intent;
}

static bool write_files(Dml *dml, TarnText select, uint32_t sequence, TarnWrittenFiles *files) {
    TarnWriteOptions options = {.session = dml->query->session,
                                .store = dml->base->store,
                                .metadata = dml->base->metadata,
                                .commit_id = dml->intent.id,
                                .sequence = sequence,
                                .select_sql = select,
                                .lineage = keeps_lineage(dml)};
    return tarn_query_write_files(&options, dml->arena, files, dml->error);
}

static bool run_writing(Dml *dml) {
    const TarnSchema *schema = dml->target.schema;
    TarnBuffer sql;
    if (!take_intent(dml)) return false;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    for (size_t i = 0; i < schema->field_count; i++) {
        tarn_base_buffer_printf(&sql, "%s__tarn_c%zu AS ", i > 0 ? ", " : "SELECT ", i);
        tarn_base_buffer_identifier(&sql, tarn_base_text(schema->fields[i].name));
    }
    if (keeps_lineage(dml)) {
        tarn_base_buffer_string(&sql, ", __tarn_id AS \"" TARN_SCAN_ROW_ID "\", "
                                      "CAST(NULL AS BIGINT) AS \"" TARN_SCAN_LAST_UPDATED "\"");
    }
    if (returns(dml)) {
        tarn_base_buffer_printf(&sql, " FROM " TARN_RETURNING_ROWS " WHERE __tarn_action <> %d",
                                TARN_MARK_DELETE);
    } else {
        put_marked(dml, &sql);
    }
    bool ok = tarn_base_buffer_check(&sql, dml->error) &&
              write_files(dml, tarn_base_buffer_view(&sql), 0, &dml->rows);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

/* With RETURNING: first into the table of rows, from there into files. */
static bool keep_returned(Dml *dml) {
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_printf(&sql, "SELECT __tarn_action, %s",
                            dml->sql.first_column == 4 ? "__tarn_id" : "NULL");
    for (size_t i = 0; i < dml->target.schema->field_count; i++) {
        tarn_base_buffer_printf(&sql, ", __tarn_c%zu", i);
    }
    put_marked(dml, &sql);
    bool ok = tarn_base_buffer_check(&sql, dml->error) &&
              tarn_query__returning_keep(&dml->returning, tarn_base_buffer_view(&sql), dml->error);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

/* The last that the engine does for the statement: the next would end the result. */
static bool open_returned(Dml *dml) {
    return !returns(dml) || tarn_query__returning_open(&dml->returning, dml->error);
}

static bool run(Dml *dml) {
    bool once = dml->parsed->kind == TARN_STATEMENT_MERGE;
    size_t tasks = dml->target.plan != NULL ? dml->target.plan->task_count : 0;
    if (!tarn_query__marks_begin(dml->query->marks, tasks, once, returns(dml), &dml->marks_id,
                                 dml->error)) {
        return false;
    }
    bool deletes = dml->parsed->kind == TARN_STATEMENT_DELETE;
    if (returns(dml)) return keep_returned(dml) && (deletes || run_writing(dml));
    return deletes ? run_delete(dml) : run_writing(dml);
}

/* --- what becomes of the files --- */

static bool is_emptied(const TarnScanTask *task, const TarnRoaring *fresh, const TarnRoaring *old) {
    uint64_t dead = tarn_format_roaring_cardinality(fresh);
    /* Rows that are deleted already are not marked again. */
    if (old != NULL) dead += tarn_format_roaring_cardinality(old);
    return dead >= (uint64_t)task->file->record_count;
}

static bool sort_out_files(Dml *dml) {
    for (size_t i = 0; dml->target.plan != NULL && i < dml->target.plan->task_count; i++) {
        const TarnScanTask *task = &dml->target.plan->tasks[i];
        const TarnRoaring *fresh = tarn_query__marks_of(dml->query->marks, i);
        const TarnRoaring *old = dml->target.deleted != NULL ? dml->target.deleted[i] : NULL;
        if (fresh == NULL || tarn_format_roaring_cardinality(fresh) == 0) continue;
        if (is_emptied(task, fresh, old)) {
            TarnText *path = TARN_PUSH(dml->arena, &dml->removed);
            if (path != NULL) *path = task->file->path;
        } else {
            TarnNewDeletes *touched = TARN_PUSH(dml->arena, &dml->touched);
            if (touched != NULL) *touched = (TarnNewDeletes){task, fresh, old};
        }
    }
    return tarn_base_arena_check(dml->arena, dml->error);
}

static bool write_delete_files(Dml *dml) {
    TarnDeleteFilesOptions options = {.query = dml->query,
                                      .store = dml->base->store,
                                      .metadata = dml->base->metadata,
                                      .commit_id = dml->intent.id};
    return tarn_query__delete_files_write(&options, dml->touched.items, dml->touched.count,
                                          dml->arena, &dml->deletes, dml->error);
}

/* The rows that stay of the files touched go into new ones. */
static bool write_moved(Dml *dml) {
    size_t count = dml->touched.count;
    TarnScanPlan plan = *dml->target.plan;
    const TarnRoaring **fresh = TARN_NEW_ARRAY(dml->arena, count + 1, const TarnRoaring *);
    TarnBuffer sql;
    plan.tasks = TARN_NEW_ARRAY(dml->arena, count + 1, TarnScanTask);
    if (!tarn_base_arena_check(dml->arena, dml->error)) return false;
    plan.task_count = count;
    for (size_t i = 0; i < count; i++) {
        plan.tasks[i] = *dml->touched.items[i].task;
        fresh[i] = dml->touched.items[i].fresh;
        TarnText *path = TARN_PUSH(dml->arena, &dml->removed);
        if (path != NULL) *path = plan.tasks[i].file->path;
    }
    TarnScanSqlOptions options = {
        .schema = dml->target.schema, .lineage = keeps_lineage(dml), .also_deleted = fresh};
    tarn_base_buffer_init(&sql, 16 * TARN_LIMIT_SQL_BYTES);
    bool ok = tarn_base_arena_check(dml->arena, dml->error) &&
              tarn_query_scan_sql(dml->query, dml->base, &plan, &options, &sql, dml->error) &&
              write_files(dml, tarn_base_buffer_view(&sql), 1, &dml->moved);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

static bool write_changes(Dml *dml) {
    if (!sort_out_files(dml)) return false;
    if (dml->touched.count == 0) return true;
    if (!take_intent(dml)) return false;
    return copies_on_write(dml) ? write_moved(dml) : write_delete_files(dml);
}

/* --- committing --- */

static bool add_files(Dml *dml, TarnSnapshotChange *change, const char ***locations,
                      size_t *location_count) {
    const TarnWrittenFiles *written[] = {&dml->rows, &dml->moved};
    size_t most = dml->rows.count + dml->moved.count + dml->deletes.count;
    TarnDataFile *added = TARN_NEW_ARRAY(dml->arena, most + 1, TarnDataFile);
    *locations = TARN_NEW_ARRAY(dml->arena, most + 1, const char *);
    if (!tarn_base_arena_check(dml->arena, dml->error)) return false;
    *location_count = 0;
    for (size_t w = 0; w < 2; w++) {
        for (size_t i = 0; i < written[w]->count; i++) {
            added[change->added_count++] = written[w]->items[i];
            (*locations)[(*location_count)++] = written[w]->locations[i];
        }
    }
    for (size_t i = 0; i < dml->deletes.count; i++) {
        added[change->added_count++] = dml->deletes.items[i];
    }
    for (size_t i = 0; i < dml->deletes.location_count; i++) {
        (*locations)[(*location_count)++] = dml->deletes.locations[i];
    }
    change->added = added;
    return true;
}

/* Data files that the deletes are about. */
static bool add_referenced(Dml *dml, TarnSnapshotChange *change) {
    TarnText *paths = TARN_NEW_ARRAY(dml->arena, dml->touched.count + 1, TarnText);
    if (paths == NULL) return tarn_base_arena_check(dml->arena, dml->error);
    if (copies_on_write(dml)) return true; /* they go */
    for (size_t i = 0; i < dml->touched.count; i++)
        paths[i] = dml->touched.items[i].task->file->path;
    change->referenced = paths;
    change->referenced_count = dml->touched.count;
    return true;
}

static bool commit(Dml *dml) {
    TarnSnapshotChange change = {.ref = dml->ref,
                                 .create_ref = dml->ref != NULL,
                                 .added_sequence_number = TARN_ABSENT,
                                 .removed = dml->removed.items,
                                 .removed_count = dml->removed.count,
                                 .removed_deletes = dml->deletes.removed,
                                 .removed_delete_count = dml->deletes.removed_count,
                                 .conflict_filter = dml->target.filter};
    TarnTableWrite write = {
        .name = dml->base->name, .base = dml->base, .intent = &dml->intent, .arena = dml->arena};
    const char **locations = NULL;
    if (!take_intent(dml) || !add_files(dml, &change, &locations, &write.file_count) ||
        !add_referenced(dml, &change)) {
        return false;
    }
    bool adds_rows = dml->rows.count + dml->moved.count > 0;
    change.operation = adds_rows ? TARN_OPERATION_OVERWRITE : TARN_OPERATION_DELETE;
    change.starting_snapshot_id = dml->target.snapshot != NULL ? dml->target.snapshot->id
                                                               : TARN_ABSENT;
    change.refuse_new_data = is_serializable(dml);
    /* What was changed by someone else meanwhile must not be changed on top of the old values. */
    change.refuse_new_deletes = dml->parsed->kind != TARN_STATEMENT_DELETE;
    TarnLineageEdge *edges = NULL;
    if (!tarn_query__dml_lineage(&dml->prepared, &dml->sql, dml->base, dml->target.schema, &edges,
                                 &write.edge_count, dml->error)) {
        return false;
    }
    write.edges = edges;
    write.change = &change;
    write.files = locations;
    write.plan = dml->target.plan;
    if (!tarn_query__write_commit(dml->query, &write, dml->error)) return false;
    dml->target.plan = write.plan;
    dml->has_intent = false;
    dml->statement->snapshot_id = write.snapshot_id;
    return true;
}

static bool commit_truncate(Dml *dml) {
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_DELETE,
        .ref = dml->ref,
        .create_ref = dml->ref != NULL,
        .added_sequence_number = TARN_ABSENT,
        .starting_snapshot_id = TARN_ABSENT,
        .remove_where = tarn_table_predicate_constant(TARN_PREDICATE_TRUE)};
    TarnTableWrite write = {.name = dml->base->name,
                            .base = dml->base,
                            .change = &change,
                            .intent = &dml->intent,
                            .arena = dml->arena};
    if (!take_intent(dml) || !tarn_query__write_commit(dml->query, &write, dml->error)) {
        return false;
    }
    dml->has_intent = false;
    dml->statement->snapshot_id = write.snapshot_id;
    return true;
}

/* --- one attempt after another --- */

static bool attempt_rows(Dml *dml) {
    dml->returning = (TarnReturning){.statement = dml->statement,
                                     .parsed = dml->parsed,
                                     .schema = dml->target.schema,
                                     .arena = dml->arena};
    if (!tarn_query__returning_begin(&dml->returning, dml->error)) {
        tarn_query__prepared_release(&dml->prepared);
        return false;
    }
    bool ok = run(dml);
    if (ok) {
        TarnMarkCounts counts = tarn_query__marks_counts(dml->query->marks);
        dml->statement->rows_changed = counts.deleted + counts.updated + counts.inserted;
        tarn_query__statement_reads(dml->statement, &dml->prepared);
        bool changes = dml->statement->rows_changed > 0;
        ok = (!changes || write_changes(dml)) && open_returned(dml) && (!changes || commit(dml));
    } else {
        dml->error->line = 0; /* the place is in SQL that no user wrote */
        dml->error->detail[0] = '\0';
    }
    tarn_query__prepared_release(&dml->prepared);
    tarn_query__marks_clear(dml->query->marks);
    return ok;
}

/* What is changed and what it is changed by, as they are at one moment. */
static bool open_tables(Dml *dml) {
    if (!tarn_catalog_read_begin(dml->query->catalog, dml->error)) return false;
    bool ok = load_base(dml) && (dml->parsed->kind == TARN_STATEMENT_TRUNCATE ||
                                 (name_target(dml) && prepare(dml)));
    tarn_catalog_read_end(dml->query->catalog);
    return ok;
}

static bool attempt(Dml *dml) {
    bool truncates = dml->parsed->kind == TARN_STATEMENT_TRUNCATE;
    bool ok = open_tables(dml) && (truncates ? commit_truncate(dml) : attempt_rows(dml));
    if (dml->has_intent && !dml->error->outcome_unknown) {
        tarn_catalog_intent_abandon(dml->query->catalog, &dml->intent);
        dml->has_intent = false;
    }
    tarn_catalog_table_release(dml->base);
    dml->base = NULL;
    return ok;
}

static bool wait_for_others(const Dml *dml, int number, TarnError *error) {
    const TarnOs *os = tarn_catalog_options(dml->query->catalog)->os;
    uint64_t chance = 0;
    int64_t most = RERUN_WAIT_FIRST_US << (number < 8 ? number : 8);
    if (most > RERUN_WAIT_LAST_US) most = RERUN_WAIT_LAST_US;
    return os->random(os, &chance, sizeof(chance), error) &&
           os->sleep_us(os, (int64_t)(chance % (uint64_t)most) + 1, error);
}

static void put_message(TarnStatement *statement, const TarnParsed *parsed) {
    static const char *const words[] = {"deleted", "updated", "merged"};
    const char *name = tarn_catalog_name_text(parsed->name, &statement->arena);
    if (parsed->kind == TARN_STATEMENT_TRUNCATE) {
        statement->message = tarn_base_arena_printf(&statement->arena, "truncated %s", name);
        return;
    }
    int word = parsed->kind == TARN_STATEMENT_DELETE ? 0 : parsed->kind == TARN_STATEMENT_UPDATE;
    if (parsed->kind == TARN_STATEMENT_MERGE) word = 2;
    statement->message = tarn_base_arena_printf(&statement->arena, "%s %" PRId64 " row%s %s %s",
                                                words[word], statement->rows_changed,
                                                statement->rows_changed == 1 ? "" : "s",
                                                word == 0   ? "from"
                                                : word == 1 ? "of"
                                                            : "into",
                                                name);
}

bool tarn_query__dml(TarnStatement *statement, const TarnParsed *parsed, const TarnRunOptions *run,
                     TarnError *error) {
    const char *ref = NULL;
    if (!tarn_query__write_ref(run, &ref, error)) return false;
    for (int number = 0;; number++) {
        Dml dml = {.statement = statement,
                   .query = statement->query,
                   .parsed = parsed,
                   .run = run,
                   .ref = ref,
                   .arena = &statement->arena,
                   .error = error};
        if (attempt(&dml)) break;
        if (error->code != TARN_E_COMMIT_CONFLICT || error->outcome_unknown ||
            number == RERUNS_MAX) {
            return false;
        }
        tarn_base_log(TARN_LOG_INFO, "run again: %s", error->message);
        tarn_base_error_clear(error);
        if (!wait_for_others(&dml, number, error)) return false;
    }
    put_message(statement, parsed);
    return tarn_base_arena_check(&statement->arena, error);
}
