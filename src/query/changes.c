/* "t$changes": the rows that came and went between two snapshots, as a SELECT.
 *
 * The table core tells the files of each step (changelog.h). Which rows of a file are meant becomes
 * a bitmap: of a new file the rows that live, of one that is gone those that lived, of one whose
 * deletes changed those of which that differs. Equality deletes speak of values, so the files that
 * they apply to are read for their positions here, by the columns compared alone.
 *
 * Two scans come of it. In steps that only add or only remove rows, each row is a change. In the
 * others a row may be there on both sides, copied with its file: these are grouped by all values
 * (and by row id, where rows have ids), and what is on both sides equally often falls out. What is
 * left once on each side under one row id is an update.
 *
 * Not here: what the names of the bounds mean, see ref.c.
 */
#include <inttypes.h>
#include <strings.h>

#include "base/limits.h"
#include "query/changes_private.h"
#include "query/scan_private.h"
#include "query/transaction_private.h"

/* Of two scans: steps of one kind of change, steps of both. */
typedef struct ChangeScan {
    struct {
        TarnScanTask *items;
        size_t count;
        size_t capacity;
    } tasks;
    struct {
        TarnListedFile *items;
        size_t count;
        size_t capacity;
    } facts;
    struct {
        const TarnRoaring **items;
        size_t count;
        size_t capacity;
    } positions;
    struct {
        bool *items;
        size_t count;
        size_t capacity;
    } only;
} ChangeScan;

typedef struct Changes {
    const TarnChangesInput *input;
    TarnQuery *query;
    TarnArena *arena;
    TarnError *error;
    ChangeScan plain;
    ChangeScan mixed;
    bool pairs; /* some step is paired by row ids */
} Changes;

/* A file's rows in one step. */
typedef struct Change {
    const TarnScanTask *task;
    const TarnRoaring *positions; /* NULL = none left out */
    bool only;                    /* the positions are those that are meant */
    bool came;
} Change;

typedef struct ChangeList {
    Change *items;
    size_t count;
    size_t capacity;
} ChangeList;

/* --- bitmaps --- */

static bool own_bitmap(Changes *changes, TarnRoaring **bitmap) {
    return tarn_format_roaring_new(0, bitmap, changes->error) &&
           tarn_query__file_lists_own(changes->query->file_lists, *bitmap, changes->error);
}

/* What is in `a` and not in `b`; NULL stands for none. */
static bool subtract(Changes *changes, const TarnRoaring *a, const TarnRoaring *b,
                     const TarnRoaring **rest) {
    TarnRoaring *made = NULL;
    *rest = a;
    if (a == NULL || b == NULL) return true;
    *rest = NULL;
    if (!own_bitmap(changes, &made) || !tarn_format_roaring_or(made, a, changes->error) ||
        !tarn_format_roaring_andnot(made, b, changes->error)) {
        return false;
    }
    *rest = made;
    return true;
}

static bool is_empty(const TarnRoaring *bitmap) {
    return bitmap == NULL || tarn_format_roaring_cardinality(bitmap) == 0;
}

/* --- positions that equality deletes leave --- */

static bool has_equality(const TarnScanTask *task) {
    for (size_t i = 0; i < task->delete_count; i++) {
        if (task->deletes[i].file->content == TARN_CONTENT_EQUALITY_DELETES) return true;
    }
    return false;
}

static bool read_places(Changes *changes, TarnEngineResult *rows, TarnRoaring **live,
                        size_t count) {
    const TarnEngineChunk *chunk = NULL;
    for (;;) {
        if (!tarn_engine_result_next(rows, &chunk, changes->error)) return false;
        if (chunk == NULL) return true;
        const int64_t *tasks = chunk->columns[0].data;
        const int64_t *positions = chunk->columns[1].data;
        for (uint64_t row = 0; row < chunk->rows; row++) {
            if (tasks[row] < 0 || (uint64_t)tasks[row] >= count || positions[row] < 0) {
                return tarn_base_error_set(changes->error, TARN_E_INTERNAL,
                                           "a row of no file of the scan");
            }
            if (!tarn_format_roaring_add(live[tasks[row]], (uint64_t)positions[row], NULL,
                                         changes->error)) {
                return false;
            }
        }
    }
}

static bool run_places(Changes *changes, const TarnScanPlan *plan, TarnRoaring **live) {
    TarnScanSqlOptions options = {.schema = changes->input->columns, .places = true};
    TarnEngineResult *rows = NULL;
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, 16 * TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT " TARN_SCAN_FILE ", " TARN_SCAN_POSITION " FROM (");
    bool ok = tarn_query_scan_sql(changes->query, changes->input->table, plan, &options, &sql,
                                  changes->error);
    tarn_base_buffer_string(&sql, ")");
    ok = ok && tarn_base_buffer_check(&sql, changes->error) &&
         tarn_engine_query(changes->query->session, tarn_base_buffer_view(&sql), NULL, 0, &rows,
                           changes->error) &&
         read_places(changes, rows, live, plan->task_count);
    tarn_engine_result_free(rows);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

/* One side of a step: the tasks of the files, with those that are wanted as bitmaps. */
typedef struct Side {
    TarnScanPlan plan;
    size_t *files;      /* of the step, per task */
    TarnRoaring **dead; /* per task, by position; NULL = none of any */
} Side;

static bool make_side(Changes *changes, const TarnChangelogStep *step, bool after,
                      const bool *wanted, Side *side) {
    TarnScanTask *tasks = TARN_NEW_ARRAY(changes->arena, step->file_count + 1, TarnScanTask);
    *side = (Side){.plan = {.tasks = tasks}};
    side->files = TARN_NEW_ARRAY(changes->arena, step->file_count + 1, size_t);
    if (!tarn_base_arena_check(changes->arena, changes->error)) return false;
    for (size_t i = 0; i < step->file_count; i++) {
        const TarnScanTask *task = after ? &step->files[i].after : &step->files[i].before;
        if (task->file == NULL || !wanted[i]) continue;
        side->files[side->plan.task_count] = i;
        tasks[side->plan.task_count++] = *task;
        side->plan.has_deletes = side->plan.has_deletes || task->delete_count > 0;
        side->plan.has_equality_deletes = side->plan.has_equality_deletes || has_equality(task);
    }
    return true;
}

/* per file of the step: the rows that live, for files with equality deletes on some side */
static bool find_live(Changes *changes, const TarnChangelogStep *step, bool after,
                      const bool *wanted, const TarnRoaring **live) {
    Side side;
    if (!make_side(changes, step, after, wanted, &side)) return false;
    if (side.plan.task_count == 0) return true;
    TarnRoaring **made = TARN_NEW_ARRAY(changes->arena, side.plan.task_count, TarnRoaring *);
    if (!tarn_base_arena_check(changes->arena, changes->error)) return false;
    for (size_t i = 0; i < side.plan.task_count; i++) {
        if (!own_bitmap(changes, &made[i])) return false;
        live[side.files[i]] = made[i];
    }
    return run_places(changes, &side.plan, made);
}

static bool find_dead(Changes *changes, const TarnChangelogStep *step, bool after,
                      const bool *wanted, const TarnRoaring **dead) {
    Side side;
    if (!make_side(changes, step, after, wanted, &side)) return false;
    if (!tarn_query__deletes_load(changes->query, changes->input->table, &side.plan,
                                  changes->arena, &side.dead, changes->error)) {
        return false;
    }
    for (size_t i = 0; side.dead != NULL && i < side.plan.task_count; i++) {
        dead[side.files[i]] = side.dead[i];
    }
    return true;
}

/* --- the rows of a step --- */

static bool put_change(Changes *changes, ChangeList *list, const TarnScanTask *task, bool came,
                       const TarnRoaring *positions, bool only) {
    if (only && is_empty(positions)) return true;
    Change *change = TARN_PUSH(changes->arena, list);
    if (change == NULL) return tarn_base_arena_check(changes->arena, changes->error);
    *change = (Change){.task = task, .positions = positions, .only = only, .came = came};
    return true;
}

/* Bitmaps per file: `dead` by position alone, `live` where equality deletes apply. */
typedef struct StepRows {
    bool *by_value; /* equality deletes apply on some side */
    bool *by_place;
    const TarnRoaring **dead[2]; /* before, after */
    const TarnRoaring **live[2];
} StepRows;

static bool load_rows(Changes *changes, const TarnChangelogStep *step, StepRows *rows) {
    TarnArena *arena = changes->arena;
    bool any = false;
    rows->by_value = TARN_NEW_ARRAY(arena, step->file_count + 1, bool);
    rows->by_place = TARN_NEW_ARRAY(arena, step->file_count + 1, bool);
    for (int side = 0; side < 2; side++) {
        rows->dead[side] = TARN_NEW_ARRAY(arena, step->file_count + 1, const TarnRoaring *);
        rows->live[side] = TARN_NEW_ARRAY(arena, step->file_count + 1, const TarnRoaring *);
    }
    if (!tarn_base_arena_check(arena, changes->error)) return false;
    for (size_t i = 0; i < step->file_count; i++) {
        const TarnChangelogFile *file = &step->files[i];
        rows->by_value[i] = (file->before.file != NULL && has_equality(&file->before)) ||
                            (file->after.file != NULL && has_equality(&file->after));
        rows->by_place[i] = !rows->by_value[i];
        any = any || rows->by_value[i];
    }
    for (int side = 0; side < 2; side++) {
        bool after = side == 1;
        if (!find_dead(changes, step, after, rows->by_place, rows->dead[side]) ||
            (any && !find_live(changes, step, after, rows->by_value, rows->live[side]))) {
            return false;
        }
    }
    return true;
}

static bool put_differing(Changes *changes, const TarnChangelogFile *file, const StepRows *rows,
                          size_t i, ChangeList *list) {
    bool by_value = rows->by_value[i];
    const TarnRoaring *before = by_value ? rows->live[0][i] : rows->dead[0][i];
    const TarnRoaring *after = by_value ? rows->live[1][i] : rows->dead[1][i];
    const TarnRoaring *first = NULL;
    const TarnRoaring *second = NULL;
    if (!subtract(changes, before, after, &first) || !subtract(changes, after, before, &second)) {
        return false;
    }
    /* what lived and does no more went, as did what is newly dead */
    return put_change(changes, list, &file->before, false, by_value ? first : second, true) &&
           put_change(changes, list, &file->after, true, by_value ? second : first, true);
}

static bool list_step(Changes *changes, const TarnChangelogStep *step, ChangeList *list) {
    StepRows rows;
    if (!load_rows(changes, step, &rows)) return false;
    for (size_t i = 0; i < step->file_count; i++) {
        const TarnChangelogFile *file = &step->files[i];
        bool ok = true;
        if (file->kind == TARN_CHANGELOG_DELETES) {
            ok = put_differing(changes, file, &rows, i, list);
        } else {
            int side = file->kind == TARN_CHANGELOG_ADDED;
            ok = put_change(changes, list, side ? &file->after : &file->before, side,
                            rows.by_value[i] ? rows.live[side][i] : rows.dead[side][i],
                            rows.by_value[i]);
        }
        if (!ok) return false;
    }
    return true;
}

/* --- the two scans --- */

static bool has_ids(const Changes *changes, const ChangeList *list) {
    if (!changes->input->row_ids) return false;
    for (size_t i = 0; i < list->count; i++) {
        const TarnScanTask *task = list->items[i].task;
        if (task->first_row_id == TARN_ABSENT ||
            tarn_query__transaction_made(changes->query, task->snapshot_id)) {
            return false;
        }
    }
    return true;
}

static bool put_task(Changes *changes, ChangeScan *scan, const TarnChangelogStep *step,
                     const Change *change, bool paired) {
    TarnArena *arena = changes->arena;
    TarnScanTask *task = TARN_PUSH(arena, &scan->tasks);
    TarnListedFile *facts = TARN_PUSH(arena, &scan->facts);
    const TarnRoaring **positions = TARN_PUSH(arena, &scan->positions);
    bool *only = TARN_PUSH(arena, &scan->only);
    if (task == NULL || facts == NULL || positions == NULL || only == NULL) {
        return tarn_base_arena_check(arena, changes->error);
    }
    *task = *change->task;
    task->deletes = NULL; /* the positions say it all */
    task->delete_count = 0;
    facts->facts[TARN_FILE_SIGN] = change->came ? 1 : -1;
    facts->facts[TARN_FILE_ORDINAL] = step->ordinal;
    facts->facts[TARN_FILE_COMMIT] = step->snapshot->id;
    facts->facts[TARN_FILE_PAIRED] = paired;
    *positions = change->positions;
    *only = change->only;
    return true;
}

static bool place_step(Changes *changes, const TarnChangelogStep *step) {
    ChangeList list = {0};
    bool some[2] = {false, false};
    if (!list_step(changes, step, &list)) return false;
    for (size_t i = 0; i < list.count; i++) some[list.items[i].came] = true;
    bool mixed = some[0] && some[1];
    bool paired = mixed && has_ids(changes, &list);
    changes->pairs = changes->pairs || paired;
    for (size_t i = 0; i < list.count; i++) {
        if (!put_task(changes, mixed ? &changes->mixed : &changes->plain, step, &list.items[i],
                      paired)) {
            return false;
        }
    }
    return true;
}

/* --- SQL --- */

static void write_names(const Changes *changes, TarnBuffer *out) {
    for (size_t i = 0; i < changes->input->columns->field_count; i++) {
        if (i > 0) tarn_base_buffer_string(out, ", ");
        tarn_base_buffer_identifier(out, tarn_base_text(changes->input->columns->fields[i].name));
    }
}

static void write_fact(int64_t list, TarnFileFact which, TarnBuffer *out) {
    tarn_base_buffer_printf(out,
                            "tarn_file_fact(%" PRId64 ", %d, CAST(" TARN_SCAN_FILE " AS UBIGINT))",
                            list, which);
}

/* "SELECT <columns>, __tarn_sign, __tarn_ordinal, __tarn_commit[, __tarn_id] FROM (..)" */
static bool write_scan(Changes *changes, ChangeScan *scan, bool ids, TarnBuffer *out) {
    TarnScanPlan plan = {.tasks = scan->tasks.items, .task_count = scan->tasks.count};
    TarnScanSqlOptions options = {.schema = changes->input->columns,
                                  .places = true,
                                  .lineage = ids,
                                  .also_deleted = scan->positions.items,
                                  .only = scan->only.items};
    int64_t list = -1;
    if (!tarn_query__file_lists_add(changes->query->file_lists, scan->facts.items,
                                    scan->facts.count, &list, changes->error)) {
        return false;
    }
    tarn_base_buffer_string(out, "SELECT ");
    write_names(changes, out);
    tarn_base_buffer_string(out, ", ");
    write_fact(list, TARN_FILE_SIGN, out);
    tarn_base_buffer_string(out, " AS __tarn_sign, CAST(");
    write_fact(list, TARN_FILE_ORDINAL, out);
    tarn_base_buffer_string(out, " AS INTEGER) AS __tarn_ordinal, ");
    write_fact(list, TARN_FILE_COMMIT, out);
    tarn_base_buffer_string(out, " AS __tarn_commit");
    if (ids) {
        tarn_base_buffer_string(out, ", CASE WHEN ");
        write_fact(list, TARN_FILE_PAIRED, out);
        tarn_base_buffer_string(out, " = 1 THEN " TARN_SCAN_ROW_ID " END AS __tarn_id");
    }
    tarn_base_buffer_string(out, " FROM (");
    if (!tarn_query_scan_sql(changes->query, changes->input->table, &plan, &options, out,
                             changes->error)) {
        return false;
    }
    tarn_base_buffer_string(out, ")");
    return true;
}

static void write_outputs(const Changes *changes, const char *type, TarnBuffer *out) {
    tarn_base_buffer_string(out, "SELECT ");
    write_names(changes, out);
    tarn_base_buffer_printf(out,
                            ", %s AS " TARN_CHANGE_TYPE ", __tarn_ordinal AS " TARN_CHANGE_ORDINAL
                            ", __tarn_commit AS " TARN_CHANGE_COMMIT " FROM (",
                            type);
}

static bool write_plain(Changes *changes, TarnBuffer *out) {
    write_outputs(changes, "CASE WHEN __tarn_sign > 0 THEN 'INSERT' ELSE 'DELETE' END", out);
    if (!write_scan(changes, &changes->plain, false, out)) return false;
    tarn_base_buffer_string(out, ")");
    return true;
}

/* Rows grouped by all their values, with how much more often they came than went. */
static bool write_groups(Changes *changes, TarnBuffer *out) {
    const char *id = changes->pairs ? ", __tarn_id" : "";
    tarn_base_buffer_string(out, "SELECT ");
    write_names(changes, out);
    tarn_base_buffer_printf(out,
                            ", __tarn_ordinal, __tarn_commit%s, CAST(sum(__tarn_sign) AS BIGINT) AS"
                            " __tarn_count FROM (",
                            id);
    if (!write_scan(changes, &changes->mixed, changes->pairs, out)) return false;
    tarn_base_buffer_string(out, ") GROUP BY ALL HAVING sum(__tarn_sign) <> 0");
    return true;
}

static bool write_mixed(Changes *changes, TarnBuffer *out) {
    static const char one_way[] = "CASE WHEN __tarn_count > 0 THEN 'INSERT' ELSE 'DELETE' END";
    static const char both_ways[] =
        "CASE WHEN __tarn_id IS NOT NULL AND __tarn_rows = 2 AND __tarn_most = 1 AND __tarn_least "
        "= -1 THEN CASE WHEN __tarn_count > 0 THEN 'UPDATE_AFTER' ELSE 'UPDATE_BEFORE' END WHEN "
        "__tarn_count > 0 THEN 'INSERT' ELSE 'DELETE' END";
    write_outputs(changes, changes->pairs ? both_ways : one_way, out);
    if (changes->pairs) {
        tarn_base_buffer_string(out, "SELECT *, count(*) OVER __tarn_w AS __tarn_rows, "
                                     "max(__tarn_count) OVER __tarn_w AS __tarn_most, "
                                     "min(__tarn_count) OVER __tarn_w AS __tarn_least FROM (");
    }
    if (!write_groups(changes, out)) return false;
    if (changes->pairs) {
        tarn_base_buffer_string(out, ") WINDOW __tarn_w AS (PARTITION BY __tarn_ordinal, "
                                     "__tarn_id)");
    }
    /* a row that is there n times came or went n times */
    tarn_base_buffer_string(out, "), range(abs(__tarn_count))");
    return true;
}

static void write_none(const Changes *changes, TarnBuffer *out) {
    tarn_base_buffer_string(out, "SELECT ");
    for (size_t i = 0; i < changes->input->columns->field_count; i++) {
        const TarnField *field = &changes->input->columns->fields[i];
        tarn_base_buffer_string(out, "CAST(NULL AS ");
        tarn_table_type_to_sql(&field->type, out);
        tarn_base_buffer_string(out, ") AS ");
        tarn_base_buffer_identifier(out, tarn_base_text(field->name));
        tarn_base_buffer_string(out, ", ");
    }
    tarn_base_buffer_string(out, "CAST(NULL AS VARCHAR) AS " TARN_CHANGE_TYPE
                                 ", CAST(NULL AS INTEGER) AS " TARN_CHANGE_ORDINAL
                                 ", CAST(NULL AS BIGINT) AS " TARN_CHANGE_COMMIT " WHERE false");
}

static bool write_sql(Changes *changes, TarnBuffer *out) {
    bool plain = changes->plain.tasks.count > 0;
    bool mixed = changes->mixed.tasks.count > 0;
    if (!plain && !mixed) write_none(changes, out);
    if (plain && !write_plain(changes, out)) return false;
    if (plain && mixed) tarn_base_buffer_string(out, " UNION ALL ");
    if (mixed && !write_mixed(changes, out)) return false;
    return tarn_base_buffer_check(out, changes->error);
}

/* --- the whole --- */

static void count_files(const Changes *changes, TarnScanStats *stats) {
    TarnMap seen;
    const ChangeScan *scans[2] = {&changes->plain, &changes->mixed};
    tarn_base_map_init(&seen, changes->arena);
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < scans[s]->tasks.count; i++) {
            const TarnDataFile *file = scans[s]->tasks.items[i].file;
            if (tarn_base_map_has(&seen, file->path)) continue;
            tarn_base_map_put(&seen, file->path, &seen);
            stats->files++;
            stats->bytes += file->file_size;
            stats->rows += file->record_count;
        }
    }
}

bool tarn_query__changes_sql(TarnQuery *query, const TarnChangesInput *input, TarnArena *arena,
                             TarnBuffer *out, TarnScanStats *stats, TarnError *error) {
    Changes changes = {.input = input, .query = query, .arena = arena, .error = error};
    const TarnTable *table = input->table;
    TarnChangelog *changelog = NULL;
    TarnScanOptions options = {.store = table->store,
                               .cache = tarn_catalog_manifest_cache(query->catalog),
                               .metadata = table->metadata};
    if (!tarn_table_changelog_plan(&options, &input->range, input->predicate, arena, &changelog,
                                   error)) {
        return false;
    }
    for (size_t i = 0; i < changelog->step_count; i++) {
        if (!place_step(&changes, &changelog->steps[i])) return false;
    }
    *stats = (TarnScanStats){.table = table->name,
                             .snapshot_id = input->range.to != NULL ? input->range.to->id
                                                                    : TARN_ABSENT,
                             .files_total = changelog->files_total};
    count_files(&changes, stats);
    return write_sql(&changes, out) && tarn_base_arena_check(arena, error);
}

bool tarn_query__changes_columns(const TarnTable *table, const TarnSchema *columns,
                                 TarnArena *arena, TarnSchema *wider, TarnError *error) {
    static const struct {
        const char *name;
        TarnTypeKind kind;
    } added[] = {{TARN_CHANGE_TYPE, TARN_TYPE_STRING},
                 {TARN_CHANGE_ORDINAL, TARN_TYPE_INT},
                 {TARN_CHANGE_COMMIT, TARN_TYPE_LONG}};
    *wider = *columns;
    wider->fields = TARN_NEW_ARRAY(arena, columns->field_count + 3, TarnField);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < columns->field_count; i++) {
        wider->fields[i] = columns->fields[i];
        for (size_t a = 0; a < 3; a++) {
            if (strcasecmp(columns->fields[i].name, added[a].name) != 0) continue;
            return tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                                       "the column \"%s\" of \"%s.%s\" has the name of one that "
                                       "its changes have",
                                       columns->fields[i].name, table->name.ns, table->name.name);
        }
    }
    for (size_t a = 0; a < 3; a++) {
        wider->fields[wider->field_count++] =
            (TarnField){.id = INT32_MAX - (int32_t)a,
                        .name = added[a].name,
                        .type = {.primitive = {.kind = added[a].kind}}};
    }
    return true;
}
