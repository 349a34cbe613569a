/* What earlier builds of a model put into its quarantine goes when the table is made anew: the rows
 * belong to the table they were taken out of, and the build that replaces it says itself which rows
 * are missing. A table of several days would else have the same bad row once a build.
 *
 * Rows of builds are those with the model as their source and no file; loads name one. Files are
 * removed whole. One that holds other rows too, as a program that joins files may leave it, is
 * written again without ours. An incremental run adds to the table, and so to the quarantine.
 */
#include <string.h>

#include "base/limits.h"
#include "flow/build_private.h"
#include "query/scan_sql.h"

typedef struct Cleaning {
    TarnModelRun *run;
    TarnText *removed; /* paths of files with rows of ours */
    size_t removed_count;
    TarnScanTask *mixed; /* those that have others too */
    size_t mixed_count;
} Cleaning;

static const TarnTableMetadata *metadata_of(const TarnModelRun *run) {
    return run->quarantine.base->metadata;
}

/* True of each row that a build of the model put there, never null. */
static void put_ours(const TarnModelRun *run, TarnBuffer *sql) {
    tarn_base_buffer_string(sql, "(\"file\" IS NULL AND \"source\" IS NOT DISTINCT FROM ");
    tarn_base_buffer_literal(sql, tarn_base_text(run->model->full));
    tarn_base_buffer_byte(sql, ')');
}

static bool put_scan(TarnModelRun *run, TarnScanTask *tasks, size_t count, TarnBuffer *sql) {
    const TarnSchema *schema = tarn_table_metadata_current_schema(metadata_of(run));
    TarnScanPlan plan = {.tasks = tasks, .task_count = count};
    for (size_t i = 0; i < count; i++) plan.has_deletes |= tasks[i].delete_count > 0;
    tarn_base_buffer_byte(sql, '(');
    TarnScanSqlOptions options = {.schema = schema};
    bool ok = tarn_query_scan_sql(run->build->options->query, run->quarantine.base, &plan, &options,
                                  sql, run->error);
    tarn_base_buffer_byte(sql, ')');
    return ok;
}

static bool count_ours(TarnModelRun *run, TarnScanTask *task, int64_t *ours) {
    TarnBuffer sql;
    TarnText text;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT count(*) FROM ");
    bool ok = put_scan(run, task, 1, &sql);
    tarn_base_buffer_string(&sql, " WHERE ");
    put_ours(run, &sql);
    ok = ok && tarn_base_buffer_check(&sql, run->error) &&
         tarn_engine_query_text(tarn_query_session(run->build->options->query),
                                tarn_base_buffer_view(&sql), NULL, 0,
                                &run->arena, &text, run->error);
    tarn_base_buffer_dispose(&sql);
    return ok && (tarn_base_text_to_int64(text, ours) ||
                  tarn_base_error_set(run->error, TARN_E_INTERNAL, "a count is no number"));
}

static bool judge_files(Cleaning *cleaning, const TarnScanPlan *plan) {
    TarnModelRun *run = cleaning->run;
    cleaning->removed = TARN_NEW_ARRAY(&run->arena, plan->task_count + 1, TarnText);
    cleaning->mixed = TARN_NEW_ARRAY(&run->arena, plan->task_count + 1, TarnScanTask);
    if (!tarn_base_arena_check(&run->arena, run->error)) return false;
    for (size_t i = 0; i < plan->task_count; i++) {
        TarnScanTask *task = &plan->tasks[i];
        TarnText path = task->file->path;
        int64_t ours = 0;
        if (!tarn_os_interrupt_check(run->error) || !count_ours(run, task, &ours)) return false;
        if (ours == 0) continue;
        if (ours < task->file->record_count) cleaning->mixed[cleaning->mixed_count++] = *task;
        cleaning->removed[cleaning->removed_count++] =
            (TarnText){tarn_base_text_string(&run->arena, path), path.size};
    }
    return tarn_base_arena_check(&run->arena, run->error);
}

static bool add_files(TarnModelRun *run, const TarnWrittenFiles *more) {
    TarnWrittenFiles *all = &run->quarantine.files;
    size_t count = all->count + more->count;
    TarnDataFile *items = TARN_NEW_ARRAY(&run->arena, count + 1, TarnDataFile);
    const char **locations = TARN_NEW_ARRAY(&run->arena, count + 1, const char *);
    if (!tarn_base_arena_check(&run->arena, run->error)) return false;
    for (size_t i = 0; i < count; i++) {
        bool old = i < all->count;
        items[i] = old ? all->items[i] : more->items[i - all->count];
        locations[i] = old ? all->locations[i] : more->locations[i - all->count];
    }
    all->items = items;
    all->locations = locations;
    all->count = count;
    all->rows += more->rows;
    all->bytes += more->bytes;
    return true;
}

/* The rows of others, in files of their own. */
static bool write_others(Cleaning *cleaning) {
    TarnModelRun *run = cleaning->run;
    TarnWrittenFiles files;
    TarnBuffer sql;
    if (cleaning->mixed_count == 0) return true;
    tarn_base_buffer_init(&sql, 16 * TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT * FROM ");
    bool ok = put_scan(run, cleaning->mixed, cleaning->mixed_count, &sql);
    tarn_base_buffer_string(&sql, " WHERE NOT ");
    put_ours(run, &sql);
    ok = ok && tarn_base_buffer_check(&sql, run->error) &&
         tarn_flow__build_write_files(run, &run->quarantine, 3, tarn_base_buffer_view(&sql), false,
                                      &files) &&
         add_files(run, &files);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

/* Files that may have rows of ours: their metrics tell the rest. */
static bool plan_files(TarnModelRun *run, TarnScanPlan **plan) {
    const TarnTable *base = run->quarantine.base;
    const TarnSchema *schema = tarn_table_metadata_current_schema(base->metadata);
    const TarnField *source = tarn_table_schema_find_name(schema, "source");
    const TarnPredicate *bound = tarn_table_predicate_constant(TARN_PREDICATE_TRUE);
    TarnLiteral *name = TARN_NEW(&run->arena, TarnLiteral);
    if (name == NULL) return tarn_base_arena_check(&run->arena, run->error);
    *name = (TarnLiteral){.kind = TARN_TYPE_STRING, .as.bytes = tarn_base_text(run->model->full)};
    if (source != NULL) {
        const TarnPredicate *ours = tarn_table_predicate_compare(
            TARN_PREDICATE_EQ, source->id, source->type.primitive, name, &run->arena);
        if (!tarn_base_arena_check(&run->arena, run->error) ||
            !tarn_table_predicate_bind(ours, schema, &run->arena, &bound, run->error)) {
            return false;
        }
    }
    TarnScanOptions options = {.store = base->store,
                               .cache = tarn_catalog_manifest_cache(run->build->catalog),
                               .metadata = base->metadata};
    return tarn_table_scan_plan(&options, tarn_flow__build_head(run->build, base->metadata), bound,
                                &run->arena, plan, run->error);
}

/* Where rows may only be added, they stay. */
static bool is_append_only(const TarnModelRun *run) {
    const TarnZone *zone = tarn_catalog_zone(run->build->catalog,
                                             tarn_catalog_name_zone(run->quarantine.name));
    return zone != NULL && zone->append_only;
}

bool tarn_flow__build_quarantine_clean(TarnModelRun *run) {
    Cleaning cleaning = {.run = run};
    TarnScanPlan *plan = NULL;
    if (run->incremental || run->quarantine.base == NULL || is_append_only(run)) return true;
    bool ok = plan_files(run, &plan) && judge_files(&cleaning, plan) && write_others(&cleaning);
    tarn_table_scan_plan_dispose(plan);
    run->quarantine.removed = cleaning.removed;
    run->quarantine.removed_count = cleaning.removed_count;
    if (ok) return true;
    run->error->line = 0; /* of statements nobody wrote */
    return tarn_base_error_context(run->error, "while rows of earlier builds were taken out of "
                                               "\"%s$quarantine\"",
                                   run->model->full);
}
