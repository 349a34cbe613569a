/* Checks of published tables: those that stand beside pipelines and those of checks/, recorded as
 * a run of their own. The project is read as a build reads it, so a wrong file is found here too;
 * nothing is written but the record.
 */
#include <string.h>

#include "base/limits.h"
#include "flow/model_private.h"
#include "flow/run_private.h"

typedef struct Checking {
    const TarnCheckOptions *options;
    TarnProject *project;
    TarnDb *db;
    TarnArena *arena;
    TarnCheckResults *results;
    const char *run_id;
    TarnError *error;
} Checking;

static bool check_table(Checking *checking, TarnTableName name, const TarnCheckList *checks) {
    TarnCheckContent content = {.table = name};
    TarnCheckResults own = {0};
    if (!tarn_flow__check_run(checking->options->query, &content, checks, checking->arena, &own,
                              checking->error)) {
        return false;
    }
    for (size_t i = 0; i < own.count; i++) {
        /* Published rows cannot be put aside any more: they are there. */
        if (own.items[i].status == TARN_CHECK_QUARANTINED) own.items[i].status = TARN_CHECK_FAILED;
        TarnCheckResult *slot = TARN_PUSH(checking->arena, checking->results);
        if (slot != NULL) *slot = own.items[i];
    }
    return tarn_base_arena_check(checking->arena, checking->error) &&
           tarn_flow__run_put_checks(checking->db, checking->run_id, &own,
                                     tarn_os_clock_ms(checking->options->os), checking->error);
}

static bool exists(Checking *checking, TarnTableName name, bool *there) {
    TarnCatalog *catalog = tarn_query_catalog(checking->options->query);
    const TarnTable *table = NULL;
    TarnView *view = NULL;
    if (!tarn_catalog_table_find(catalog, name, &table, checking->error) ||
        !tarn_catalog_view_find(catalog, name, checking->arena, &view, checking->error)) {
        return false;
    }
    *there = table != NULL || view != NULL;
    tarn_catalog_table_release(table);
    return true;
}

static const TarnCheckList *find_checks(const TarnProject *project, TarnTableName name) {
    const TarnModel *model = tarn_flow__project_find(project, name);
    if (model != NULL && model->checks.count > 0) return &model->checks;
    for (size_t i = 0; i < project->others.count; i++) {
        if (tarn_catalog_name_equal(project->others.items[i].table, name)) {
            return &project->others.items[i].checks;
        }
    }
    return NULL;
}

static bool check_named(Checking *checking, const char *text) {
    TarnTableName name;
    bool there = false;
    const TarnTable *table = NULL;
    if (!tarn_catalog_name_parse(tarn_base_text(text), checking->arena, &name, checking->error) ||
        !exists(checking, name, &there)) {
        return false;
    }
    if (!there) { /* says what is near */
        return tarn_catalog_table_load(tarn_query_catalog(checking->options->query), name, &table,
                                       checking->error);
    }
    const TarnCheckList *checks = find_checks(checking->project, name);
    if (checks != NULL) return check_table(checking, name, checks);
    tarn_base_error_set(checking->error, TARN_E_TABLE_NOT_FOUND, "the table \"%s\" has no checks",
                        text);
    return tarn_base_error_hint(checking->error, "declare them in checks/%s.yaml: table: %s",
                                name.name, text);
}

static bool check_all(Checking *checking) {
    const TarnProject *project = checking->project;
    for (size_t i = 0; i < project->models.count; i++) {
        const TarnModel *model = &project->models.items[project->order[i]];
        bool there = false;
        if (model->checks.count == 0) continue;
        if (!exists(checking, model->name, &there)) return false;
        if (there && !check_table(checking, model->name, &model->checks)) return false;
    }
    for (size_t i = 0; i < project->others.count; i++) {
        const TarnTableChecks *other = &project->others.items[i];
        if (!check_table(checking, other->table, &other->checks)) return false;
    }
    return true;
}

bool tarn_flow_check(const TarnCheckOptions *options, TarnArena *arena, TarnCheckResults *results,
                     TarnError *error) {
    Checking checking = {.options = options,
                         .db = tarn_catalog_options(tarn_query_catalog(options->query))->db,
                         .arena = arena,
                         .results = results,
                         .error = error};
    const TarnJson *vars = NULL;
    TarnError ignored = {0};
    *results = (TarnCheckResults){0};
    tarn_base_error_clear(error);
    if (!tarn_flow__project_vars(NULL, 0, arena, &vars, error) ||
        !tarn_flow__project_read(options->config, options->os, options->query, vars, arena,
                                 &checking.project, error) ||
        !tarn_flow__run_begin(checking.db, options->os, "check", options->user, arena,
                              &checking.run_id, error)) {
        return false;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < options->table_count; i++) {
        ok = check_named(&checking, options->tables[i]);
    }
    if (options->table_count == 0) ok = check_all(&checking);
    bool passed = ok && tarn_flow_check_verdict(results, &ignored);
    return tarn_flow__run_end(checking.db, options->os, checking.run_id,
                              passed ? "success" : "failed", ok ? error : &ignored) &&
           ok;
}
