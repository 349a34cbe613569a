/* The project: files found, named by their paths, rendered, parsed for what they read, ordered.
 *
 * Names come first, since ref() needs all of them; then each template is rendered both ways (what
 * a model reads when it is incremental counts as well), and DuckDB's parser tells the tables each
 * refers to, so plain names make the same graph as ref(). A circle is told as its path.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "flow/model_private.h"

/* More pipelines than any lake has; bounds the walks below. */
#define MODELS_MAX 10000

typedef struct Files {
    const char **items; /* relative to the lake's folder */
    size_t count;
    size_t capacity;
} Files;

/* --- finding files --- */

static bool find_below(TarnProject *project, const char *folder, int depth, Files *files,
                       TarnError *error) {
    const TarnOs *os = project->os;
    TarnOsListing listing = {0};
    const char *path =
        tarn_base_arena_printf(project->arena, "%s/%s", project->config->folder, folder);
    TarnOsStat stat;
    if (!tarn_base_arena_check(project->arena, error) ||
        !os->stat(os, path, true, &stat, error)) {
        return false;
    }
    if (stat.kind != TARN_OS_DIRECTORY) return true;
    if (depth > TARN_LIMIT_NAMESPACE_LEVELS + 1) {
        return tarn_base_error_set(error, TARN_E_NAME_INVALID,
                                   "\"%s\": folders are nested too deeply", folder);
    }
    if (!os->directory_list(os, path, project->arena, &listing, error)) return false;
    for (size_t i = 0; i < listing.count; i++) {
        const char *name = listing.items[i].name;
        if (name[0] == '.') continue;
        const char *child = tarn_base_arena_printf(project->arena, "%s/%s", folder, name);
        if (!tarn_base_arena_check(project->arena, error)) return false;
        if (listing.items[i].kind == TARN_OS_DIRECTORY) {
            if (!find_below(project, child, depth + 1, files, error)) return false;
            continue;
        }
        const char **slot = TARN_PUSH(project->arena, files);
        if (slot != NULL) *slot = child;
    }
    return tarn_base_arena_check(project->arena, error);
}

static bool read_file(TarnProject *project, const char *file, TarnText *text, TarnError *error) {
    const char *path =
        tarn_base_arena_printf(project->arena, "%s/%s", project->config->folder, file);
    return tarn_base_arena_check(project->arena, error) &&
           tarn_os_file_read_all(project->os, path, TARN_LIMIT_CONFIG_BYTES, project->arena, text,
                                 error);
}

/* --- names --- */

static TarnText lower_key(TarnArena *arena, TarnTableName name) {
    char *key = tarn_base_arena_printf(arena, "%s.%s", name.ns, name.name);
    for (char *c = key; c != NULL && *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c | 32);
    }
    return tarn_base_text(key);
}

TarnModel *tarn_flow__project_find(const TarnProject *project, TarnTableName name) {
    TarnText key = lower_key(project->arena, name);
    if (key.data == NULL) return NULL;
    size_t index = (size_t)(uintptr_t)tarn_base_map_get(&project->by_name, key);
    return index > 0 ? &project->models.items[index - 1] : NULL;
}

/* "pipelines/curated/crm/delays.sql" -> curated.crm.delays */
static bool name_of_file(TarnProject *project, const char *file, const char *suffix,
                         const char *default_zone, TarnTableName *name, TarnError *error) {
    TarnText levels[TARN_LIMIT_NAMESPACE_LEVELS + 3];
    size_t count = 0;
    TarnText rest;
    TarnText whole = tarn_base_text(file);
    whole.size -= strlen(suffix);
    tarn_base_text_split(whole, '/', &rest); /* the folder's own name */
    if (default_zone != NULL && memchr(rest.data, '/', rest.size) == NULL) {
        levels[count++] = tarn_base_text(default_zone);
    }
    while (rest.data != NULL && count < TARN_LIMIT_NAMESPACE_LEVELS + 3) {
        levels[count++] = tarn_base_text_split(rest, '/', &rest);
    }
    if (!tarn_catalog_name_from_levels(levels, count, project->arena, name, error)) {
        if (count < 2) {
            tarn_base_error_hint(error, "put it into a zone's folder: pipelines/<zone>/%.*s.sql",
                                 TARN_TEXT_ARG(levels[0]));
        }
        return tarn_base_error_place(error, file, 1, 1);
    }
    for (size_t i = 0; i < project->config->zone_count; i++) {
        if (tarn_base_text_is(levels[0], project->config->zones[i].name)) return true;
    }
    tarn_base_error_set(error, TARN_E_ZONE_NOT_FOUND,
                        "the folder \"%.*s\" is not named after a zone", TARN_TEXT_ARG(levels[0]));
    tarn_base_error_hint(error, "zones are declared in tarn.yaml; see them with: tarn ls");
    return tarn_base_error_place(error, file, 1, 1);
}

static bool add_model(TarnProject *project, const char *file, const char *suffix,
                      const char *default_zone, int materialized, TarnError *error) {
    TarnTableName name;
    if (!name_of_file(project, file, suffix, default_zone, &name, error)) return false;
    const TarnModel *other = tarn_flow__project_find(project, name);
    if (other != NULL) {
        tarn_base_error_set(error, TARN_E_TABLE_EXISTS, "\"%s\" and \"%s\" make the same table",
                            other->file, file);
        return tarn_base_error_place(error, file, 1, 1);
    }
    if (project->models.count == MODELS_MAX) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED, "more than %d pipelines",
                                   MODELS_MAX);
    }
    TarnModel *model = TARN_PUSH(project->arena, &project->models);
    if (model == NULL) return tarn_base_arena_check(project->arena, error);
    model->name = name;
    model->full = tarn_catalog_name_text(name, project->arena);
    model->file = file;
    model->path = tarn_base_arena_printf(project->arena, "%s/%s", project->config->folder, file);
    model->config.materialized = materialized;
    tarn_base_map_put(&project->by_name, lower_key(project->arena, name),
                      (void *)(uintptr_t)project->models.count);
    return tarn_base_arena_check(project->arena, error);
}

static bool ends(const char *file, const char *suffix) {
    return tarn_base_text_ends(tarn_base_text(file), suffix);
}

static bool add_models(TarnProject *project, const Files *pipelines, const Files *seeds,
                       TarnError *error) {
    for (size_t i = 0; i < seeds->count; i++) {
        if (ends(seeds->items[i], ".csv") &&
            !add_model(project, seeds->items[i], ".csv", "sandbox", TARN_MATERIALIZED_SEED,
                       error)) {
            return false;
        }
    }
    for (size_t i = 0; i < pipelines->count; i++) {
        if (ends(pipelines->items[i], ".sql") &&
            !add_model(project, pipelines->items[i], ".sql", NULL, TARN_MATERIALIZED_TABLE,
                       error)) {
            return false;
        }
    }
    return true;
}

/* --- what ref() and source() mean --- */

static bool refuse_reference(const TarnProject *project, const char *first, const char *second,
                             TarnError *error) {
    const char **names =
        TARN_NEW_ARRAY(project->arena, 2 * project->models.count + 1, const char *);
    size_t count = 0;
    if (names == NULL) return tarn_base_arena_check(project->arena, error);
    for (size_t i = 0; i < project->models.count; i++) {
        names[count++] = project->models.items[i].full;
        names[count++] = project->models.items[i].name.name;
    }
    const char *wanted = first != NULL
                             ? tarn_base_arena_printf(project->arena, "%s.%s", first, second)
                             : second;
    if (wanted == NULL) return tarn_base_arena_check(project->arena, error);
    tarn_base_error_set(error, TARN_E_TEMPLATE, "no pipeline or seed is named \"%.200s\"", wanted);
    const char *near = tarn_base_text_nearest(wanted, names, count);
    if (near != NULL) return tarn_base_error_hint(error, "did you mean \"%s\"?", near);
    return tarn_base_error_hint(error, "a table that no pipeline makes is written plainly: "
                                       "<zone>.<table>, or source('zone', 'table')");
}

static bool resolve_ref(const TarnProject *project, const char *first, const char *second,
                        TarnTableName *name, TarnError *error) {
    const TarnModel *found = NULL;
    if (first != NULL || strchr(second, '.') != NULL) {
        TarnTableName wanted = {first, second};
        if (first == NULL && !tarn_catalog_name_parse(tarn_base_text(second), project->arena,
                                                      &wanted, error)) {
            return false;
        }
        found = tarn_flow__project_find(project, wanted);
    }
    for (size_t i = 0; found == NULL && first == NULL && i < project->models.count; i++) {
        const TarnModel *model = &project->models.items[i];
        if (strcmp(model->name.name, second) != 0) continue;
        for (size_t j = i + 1; j < project->models.count; j++) {
            if (strcmp(project->models.items[j].name.name, second) != 0) continue;
            tarn_base_error_set(error, TARN_E_TEMPLATE,
                                "\"%s\" is the name of \"%s\" and of \"%s\"", second,
                                model->full, project->models.items[j].full);
            return tarn_base_error_hint(error, "write the zone too: ref('%s')", model->full);
        }
        found = model;
    }
    if (found == NULL) return refuse_reference(project, first, second, error);
    *name = found->name;
    return true;
}

static bool resolve_source(const TarnProject *project, const char *first, const char *second,
                           TarnTableName *name, TarnError *error) {
    const TarnLakeConfig *config = project->config;
    for (size_t i = 0; i < config->source_count; i++) {
        if (strcmp(config->sources[i].name, first) != 0) continue;
        TarnTableName into;
        if (!tarn_catalog_name_parse(tarn_base_text(config->sources[i].into), project->arena,
                                     &into, error)) {
            return false;
        }
        if (strcmp(into.name, second) == 0) {
            *name = into;
            return true;
        }
        tarn_base_error_set(error, TARN_E_TEMPLATE, "the source \"%s\" loads \"%s\", not \"%s\"",
                            first, config->sources[i].into, second);
        return tarn_base_error_hint(error, "write source('%s', '%s')", first, into.name);
    }
    TarnText rest;
    TarnText zone = tarn_base_text_split(tarn_base_text(first), '.', &rest);
    for (size_t i = 0; i < config->zone_count; i++) {
        if (!tarn_base_text_is(zone, config->zones[i].name)) continue;
        const char *full = tarn_base_arena_printf(project->arena, "%s.%s", first, second);
        return tarn_base_arena_check(project->arena, error) &&
               tarn_catalog_name_parse(tarn_base_text(full), project->arena, name, error);
    }
    tarn_base_error_set(error, TARN_E_TEMPLATE,
                        "\"%.100s\" is neither a source of tarn.yaml nor a zone", first);
    return tarn_base_error_hint(error, "write source('<zone>', '%.100s')", second);
}

static bool resolve(void *state, TarnTemplateCall call, const char *first, const char *second,
                    TarnTableName *name, TarnError *error) {
    return call == TARN_TEMPLATE_REF ? resolve_ref(state, first, second, name, error)
                                     : resolve_source(state, first, second, name, error);
}

/* --- reading one model --- */

/* The files beside it with the same stem. */
static bool read_sidecar(TarnProject *project, TarnModel *model, const Files *files,
                         TarnText *yaml, const char **yaml_file, TarnError *error) {
    size_t stem = strlen(model->file) - 4; /* .sql and .csv */
    *yaml = (TarnText){NULL, 0};
    for (size_t i = 0; i < files->count; i++) {
        const char *file = files->items[i];
        bool same = strncmp(file, model->file, stem) == 0 &&
                    (strcmp(file + stem, ".yaml") == 0 || strcmp(file + stem, ".yml") == 0);
        if (!same) continue;
        if (yaml->data != NULL) {
            return tarn_base_error_set(error, TARN_E_CONFIG,
                                       "\"%s\" and \"%s\" are about the same pipeline", *yaml_file,
                                       file);
        }
        *yaml_file = file;
        if (!read_file(project, file, yaml, error)) return false;
        TarnText *slot = TARN_PUSH(project->arena, &model->texts);
        if (slot != NULL) *slot = *yaml;
    }
    return tarn_base_arena_check(project->arena, error);
}

/* One statement; its semicolon is not the engine's business. */
static void trim_sql(TarnTemplate *rendered) {
    while (rendered->sql.size > 0 &&
           memchr("; \t\r\n", rendered->sql.data[rendered->sql.size - 1], 5) != NULL) {
        rendered->sql.size--;
    }
}

static bool render_model(TarnProject *project, TarnModel *model, TarnError *error) {
    TarnText source;
    TarnTemplateOptions options = {.file = model->file,
                                   .resolve = resolve,
                                   .state = project,
                                   .self = model->name,
                                   .vars = project->vars};
    if (!read_file(project, model->file, &source, error)) return false;
    TarnText *slot = TARN_PUSH(project->arena, &model->texts);
    if (slot == NULL) return tarn_base_arena_check(project->arena, error);
    *slot = source;
    if (model->config.materialized == TARN_MATERIALIZED_SEED) return true;
    if (!tarn_flow__template_render(source, &options, project->arena, &model->full_sql, error)) {
        return false;
    }
    trim_sql(&model->full_sql);
    model->incremental_sql = model->full_sql;
    if (model->full_sql.incremental_used) {
        options.incremental = true;
        if (!tarn_flow__template_render(source, &options, project->arena, &model->incremental_sql,
                                        error)) {
            return false;
        }
        trim_sql(&model->incremental_sql);
    }
    if (model->full_sql.sql.size > 0) return true;
    tarn_base_error_set(error, TARN_E_SQL_SYNTAX, "the pipeline has no SELECT");
    return tarn_base_error_place(error, model->file, 1, 1);
}

static bool hash_model(TarnProject *project, TarnModel *model, TarnError *error) {
    TarnBuffer vars;
    TarnSha256 *hash = tarn_base_sha256_new();
    if (hash == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    bool uses_vars = false;
    for (size_t i = 0; i < model->texts.count; i++) {
        TarnText text = model->texts.items[i];
        uses_vars = uses_vars || memmem(text.data, text.size, "var", 3) != NULL;
        tarn_base_sha256_update(hash, &text.size, sizeof(text.size));
        tarn_base_sha256_update(hash, text.data, text.size);
    }
    for (size_t i = 0; i < model->checks.count; i++) {
        const TarnCheck *check = &model->checks.items[i];
        if (check->severity_given || check->severity == TARN_CHECK_ERROR) continue;
        tarn_base_sha256_update(hash, &check->severity, sizeof(check->severity)); /* tarn.yaml's */
    }
    tarn_base_buffer_init(&vars, TARN_LIMIT_CONFIG_BYTES);
    if (uses_vars && project->vars != NULL) tarn_base_json_write(project->vars, 0, &vars);
    tarn_base_sha256_update(hash, vars.data != NULL ? vars.data : "", vars.size);
    tarn_base_buffer_dispose(&vars);
    tarn_base_sha256_hex(hash, model->hash);
    tarn_base_sha256_free(hash);
    return true;
}

/* --- the graph --- */

static bool add_parent(TarnProject *project, TarnModel *model, size_t parent, TarnError *error) {
    for (size_t i = 0; i < model->parent_count; i++) {
        if (model->parents[i] == parent) return true;
    }
    size_t *grown = TARN_NEW_ARRAY(project->arena, model->parent_count + 1, size_t);
    if (grown == NULL) return tarn_base_arena_check(project->arena, error);
    for (size_t i = 0; i < model->parent_count; i++) grown[i] = model->parents[i];
    grown[model->parent_count++] = parent;
    model->parents = grown;
    return true;
}

static bool add_input(TarnProject *project, TarnModel *model, TarnTableName name,
                      TarnError *error) {
    if (tarn_catalog_name_equal(name, model->name)) {
        model->reads_itself = true;
        return true;
    }
    for (size_t i = 0; i < model->input_count; i++) {
        if (tarn_catalog_name_equal(model->inputs[i], name)) return true;
    }
    TarnTableName *grown = TARN_NEW_ARRAY(project->arena, model->input_count + 1, TarnTableName);
    if (grown == NULL) return tarn_base_arena_check(project->arena, error);
    for (size_t i = 0; i < model->input_count; i++) grown[i] = model->inputs[i];
    grown[model->input_count++] = name;
    model->inputs = grown;
    const TarnModel *parent = tarn_flow__project_find(project, name);
    if (parent == NULL && strchr(name.name, '$') != NULL) {
        /* a metadata table of a model, or its quarantine */
        TarnText rest;
        TarnText base = tarn_base_text_split(tarn_base_text(name.name), '$', &rest);
        TarnTableName of = {name.ns, tarn_base_text_string(project->arena, base)};
        if (of.name != NULL) parent = tarn_flow__project_find(project, of);
    }
    if (parent == NULL || parent == model) return true;
    return add_parent(project, model, (size_t)(parent - project->models.items), error);
}

static bool check_single(TarnProject *project, const TarnTemplate *rendered, TarnError *error) {
    TarnScriptPart *parts = NULL;
    size_t count = 0;
    if (!tarn_query_split(rendered->sql, project->arena, &parts, &count, error)) {
        return tarn_flow__template_place(rendered, error);
    }
    if (count <= 1) return true;
    tarn_base_error_set(error, TARN_E_SQL_SYNTAX, "a pipeline is one SELECT, and this has %zu "
                                                  "statements",
                        count);
    error->line = parts[1].line;
    error->column = parts[1].column;
    return tarn_flow__template_place(rendered, error);
}

static bool read_references(TarnProject *project, TarnModel *model, const TarnTemplate *rendered,
                            TarnError *error) {
    TarnTableName *names = NULL;
    size_t count = 0;
    if (!check_single(project, rendered, error)) return false;
    if (!tarn_query_references(project->query, rendered->sql, project->arena, &names, &count,
                               error)) {
        return tarn_flow__template_place(rendered, error);
    }
    for (size_t i = 0; i < count; i++) {
        if (!add_input(project, model, names[i], error)) return false;
    }
    return true;
}

/* What a check compares with is published first. */
static bool link_checks(TarnProject *project, TarnModel *model, TarnError *error) {
    for (size_t i = 0; i < model->checks.count; i++) {
        const TarnCheck *check = &model->checks.items[i];
        const TarnModel *to = check->kind == TARN_CHECK_RELATIONSHIPS
                                  ? tarn_flow__project_find(project, check->to)
                                  : NULL;
        if (to != NULL && to != model &&
            !add_parent(project, model, (size_t)(to - project->models.items), error)) {
            return false;
        }
    }
    return true;
}

static bool link_model(TarnProject *project, TarnModel *model, TarnError *error) {
    if (!link_checks(project, model, error)) return false;
    if (model->config.materialized == TARN_MATERIALIZED_SEED) return true;
    if (!read_references(project, model, &model->full_sql, error) ||
        (model->full_sql.incremental_used &&
         !read_references(project, model, &model->incremental_sql, error))) {
        return false;
    }
    if (model->reads_itself && model->config.materialized != TARN_MATERIALIZED_INCREMENTAL) {
        tarn_base_error_set(error, TARN_E_PIPELINE_CYCLE, "\"%s\" reads itself", model->full);
        tarn_base_error_hint(error, "only an incremental model may read what it made before: "
                                    "config(materialized = 'incremental')");
        return tarn_base_error_place(error, model->file, 1, 1);
    }
    return true;
}

static bool refuse_cycle(TarnProject *project, const size_t *stack, size_t depth, size_t again,
                         TarnError *error) {
    TarnBuffer path;
    size_t first = 0;
    while (first < depth && stack[first] != again) first++;
    tarn_base_buffer_init(&path, 65536);
    for (size_t i = depth; i > first; i--) {
        tarn_base_buffer_printf(&path, "%s -> ", project->models.items[stack[i - 1]].full);
    }
    /* the stack runs against the data's way: told from input to what is made of it */
    tarn_base_buffer_string(&path, project->models.items[stack[depth - 1]].full);
    tarn_base_error_set(error, TARN_E_PIPELINE_CYCLE, "pipelines depend on each other in a circle: "
                                                      "%.800s",
                        path.data != NULL ? path.data : "");
    tarn_base_buffer_dispose(&path);
    return tarn_base_error_place(error, project->models.items[again].file, 1, 1);
}

/* Depth first, with a stack of its own: a chain of pipelines may be long. */
static bool order_models(TarnProject *project, TarnError *error) {
    enum { NEW, OPEN, DONE };
    size_t total = project->models.count;
    size_t *stack = TARN_NEW_ARRAY(project->arena, total + 1, size_t);
    size_t *next = TARN_NEW_ARRAY(project->arena, total + 1, size_t);
    uint8_t *state = TARN_NEW_ARRAY(project->arena, total + 1, uint8_t);
    size_t ordered = 0;
    project->order = TARN_NEW_ARRAY(project->arena, total + 1, size_t);
    if (!tarn_base_arena_check(project->arena, error)) return false;
    for (size_t root = 0; root < total; root++) {
        size_t depth = 0;
        if (state[root] != NEW) continue;
        stack[depth++] = root;
        state[root] = OPEN;
        while (depth > 0) {
            size_t at = stack[depth - 1];
            const TarnModel *model = &project->models.items[at];
            if (next[at] == model->parent_count) {
                state[at] = DONE;
                project->order[ordered++] = at;
                depth--;
                continue;
            }
            size_t parent = model->parents[next[at]++];
            if (state[parent] == OPEN) return refuse_cycle(project, stack, depth, parent, error);
            if (state[parent] == DONE) continue;
            state[parent] = OPEN;
            stack[depth++] = parent;
        }
    }
    return true;
}

/* --- the whole --- */

static bool check_sidecars(const TarnProject *project, const Files *files, TarnError *error) {
    for (size_t i = 0; i < files->count; i++) {
        const char *file = files->items[i];
        size_t cut = ends(file, ".yaml") ? 5 : ends(file, ".yml") ? 4 : 0;
        bool found = cut == 0;
        size_t stem = strlen(file) - cut;
        for (size_t m = 0; !found && m < project->models.count; m++) {
            const char *own = project->models.items[m].file;
            found = strlen(own) == stem + 4 && strncmp(own, file, stem) == 0;
        }
        if (found) continue;
        tarn_base_error_set(error, TARN_E_CONFIG, "no pipeline stands beside \"%s\"", file);
        tarn_base_error_hint(error, "it describes %.*s.sql; checks of other tables go to checks/",
                             (int)stem, file);
        return tarn_base_error_place(error, file, 1, 1);
    }
    return true;
}

static bool read_models(TarnProject *project, const Files *pipelines, const Files *seeds,
                        const Files *checks, TarnError *error) {
    for (size_t i = 0; i < project->models.count; i++) {
        TarnModel *model = &project->models.items[i];
        bool seed = model->config.materialized == TARN_MATERIALIZED_SEED;
        TarnText yaml;
        const char *yaml_file = NULL;
        if (!render_model(project, model, error) ||
            !read_sidecar(project, model, seed ? seeds : pipelines, &yaml, &yaml_file, error) ||
            !tarn_flow__model_read(project, model, yaml, yaml_file, error)) {
            return false;
        }
    }
    for (size_t i = 0; i < checks->count; i++) {
        TarnText yaml;
        if (!ends(checks->items[i], ".yaml") && !ends(checks->items[i], ".yml")) continue;
        if (!read_file(project, checks->items[i], &yaml, error) ||
            !tarn_flow__model_read_checks(project, yaml, checks->items[i], error)) {
            return false;
        }
    }
    if (!tarn_flow__model_settle_checks(project, error)) return false;
    for (size_t i = 0; i < project->models.count; i++) {
        if (!hash_model(project, &project->models.items[i], error) ||
            !link_model(project, &project->models.items[i], error)) {
            return false;
        }
    }
    return true;
}

bool tarn_flow__project_read(const TarnLakeConfig *config, const TarnOs *os, TarnQuery *query,
                             const TarnJson *vars, TarnArena *arena, TarnProject **project,
                             TarnError *error) {
    Files pipelines = {0};
    Files seeds = {0};
    Files checks = {0};
    TarnProject *made = TARN_NEW(arena, TarnProject);
    *project = made;
    if (made == NULL) return tarn_base_arena_check(arena, error);
    *made = (TarnProject){
        .config = config, .os = os, .query = query, .arena = arena, .vars = vars};
    tarn_base_map_init(&made->by_name, arena);
    return find_below(made, "pipelines", 0, &pipelines, error) &&
           find_below(made, "seeds", 0, &seeds, error) &&
           find_below(made, "checks", 0, &checks, error) &&
           add_models(made, &pipelines, &seeds, error) &&
           check_sidecars(made, &pipelines, error) && check_sidecars(made, &seeds, error) &&
           read_models(made, &pipelines, &seeds, &checks, error) && order_models(made, error);
}

bool tarn_flow__project_vars(const TarnBuildVar *vars, size_t count, TarnArena *arena,
                             const TarnJson **object, TarnError *error) {
    TarnJson *made = tarn_base_json_new(arena, TARN_JSON_OBJECT);
    for (size_t i = 0; made != NULL && i < count; i++) {
        TarnJson *value = NULL;
        TarnError ignored = {0};
        TarnText text = tarn_base_text(tarn_base_arena_string(arena, vars[i].value));
        if (text.data == NULL ||
            !tarn_base_json_parse(text, NULL, arena, &value, &ignored) ||
            (value->kind != TARN_JSON_NUMBER && value->kind != TARN_JSON_BOOL)) {
            value = tarn_base_json_new_string(arena, text);
        }
        tarn_base_json_set(arena, made, vars[i].name, value);
    }
    *object = made;
    return tarn_base_arena_check(arena, error);
}
