/* What the files around a model say of it: config(..), the YAML beside it, files of checks; and
 * tarn.yaml, of checks that name no severity.
 *
 * Each is read by a table of keys, so that an unknown key, a wrong type or a setting without effect
 * is an error at its place. What this version does not do is refused by name.
 */
#include <stddef.h>
#include <string.h>

#include "base/limits.h"
#include "base/yaml.h"
#include "flow/model_private.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const materialized_words[] = {"table", "view", "incremental", NULL};
/* The last two are dbt's words for overwrite_partitions and replace_where. */
static const char *const strategy_words[] = {
    "append", "merge", "overwrite_partitions", "replace_where", "insert_overwrite", NULL};
static const char *const engine_words[] = {"duckdb", "trino", "spark", "ray", NULL};

static const TarnConfigKey config_keys[] = {
    {"materialized", TARN_CONFIG_ENUM, offsetof(TarnModelConfig, materialized), false,
     materialized_words},
    {"strategy", TARN_CONFIG_ENUM, offsetof(TarnModelConfig, strategy), false, strategy_words},
    {"incremental_strategy", TARN_CONFIG_ENUM, offsetof(TarnModelConfig, strategy), false,
     strategy_words},
    {"unique_key", TARN_CONFIG_TEXTS, offsetof(TarnModelConfig, unique_key), false, NULL},
    {"replace_where", TARN_CONFIG_TEXT, offsetof(TarnModelConfig, replace_where), false, NULL},
    {"dedupe", TARN_CONFIG_TEXT, offsetof(TarnModelConfig, dedupe), false, NULL},
    {"partition_by", TARN_CONFIG_TEXTS, offsetof(TarnModelConfig, partition_by), false, NULL},
    {"sort_by", TARN_CONFIG_TEXTS, offsetof(TarnModelConfig, sort_by), false, NULL},
    {"tags", TARN_CONFIG_TEXTS, offsetof(TarnModelConfig, tags), false, NULL},
    {"engine", TARN_CONFIG_ENUM, offsetof(TarnModelConfig, engine), false, engine_words},
};

typedef struct ModelEntry {
    const char *description;
    const char *owner;
    const TarnJson *columns;
    const TarnJson *checks;
    const TarnJson *tests;
    const TarnJson *data_tests;
    const TarnJson *config;
    const TarnJson *access;
    TarnConfigTexts tags;
    const char *table;
} ModelEntry;

static const TarnConfigKey model_keys[] = {
    {"description", TARN_CONFIG_TEXT, offsetof(ModelEntry, description), false, NULL},
    {"owner", TARN_CONFIG_TEXT, offsetof(ModelEntry, owner), false, NULL},
    {"columns", TARN_CONFIG_TREE, offsetof(ModelEntry, columns), false, NULL},
    {"checks", TARN_CONFIG_TREE, offsetof(ModelEntry, checks), false, NULL},
    {"tests", TARN_CONFIG_TREE, offsetof(ModelEntry, tests), false, NULL},
    {"data_tests", TARN_CONFIG_TREE, offsetof(ModelEntry, data_tests), false, NULL},
    {"config", TARN_CONFIG_TREE, offsetof(ModelEntry, config), false, NULL},
    {"access", TARN_CONFIG_TREE, offsetof(ModelEntry, access), false, NULL},
    {"tags", TARN_CONFIG_TEXTS, offsetof(ModelEntry, tags), false, NULL},
};

static const TarnConfigKey checks_keys[] = {
    {"table", TARN_CONFIG_TEXT, offsetof(ModelEntry, table), true, NULL},
    {"description", TARN_CONFIG_TEXT, offsetof(ModelEntry, description), false, NULL},
    {"columns", TARN_CONFIG_TREE, offsetof(ModelEntry, columns), false, NULL},
    {"checks", TARN_CONFIG_TREE, offsetof(ModelEntry, checks), false, NULL},
    {"tests", TARN_CONFIG_TREE, offsetof(ModelEntry, tests), false, NULL},
    {"data_tests", TARN_CONFIG_TREE, offsetof(ModelEntry, data_tests), false, NULL},
};

static const TarnConfigKey column_keys[] = {
    {"name", TARN_CONFIG_TEXT, offsetof(ModelEntry, table), true, NULL},
    {"description", TARN_CONFIG_TEXT, offsetof(ModelEntry, description), false, NULL},
    {"checks", TARN_CONFIG_TREE, offsetof(ModelEntry, checks), false, NULL},
    {"tests", TARN_CONFIG_TREE, offsetof(ModelEntry, tests), false, NULL},
    {"data_tests", TARN_CONFIG_TREE, offsetof(ModelEntry, data_tests), false, NULL},
};

const char *tarn_flow__materialized_name(int materialized) {
    return materialized == TARN_MATERIALIZED_SEED ? "seed" : materialized_words[materialized];
}

static const char *read_environment(void *state, const char *name) {
    const TarnOs *os = state;
    return os->environment(os, name);
}

void tarn_flow__model_reader(const TarnProject *project, const char *file, TarnError *error,
                             TarnConfigReader *reader) {
    *reader = (TarnConfigReader){.arena = project->arena,
                                 .file = file,
                                 .error = error,
                                 .variable = read_environment,
                                 .variable_state = (void *)(uintptr_t)project->os};
}

/* --- config --- */

static const TarnJson *member_or(const TarnJson *object, const char *key) {
    const TarnJson *member = tarn_base_json_member(object, key);
    return member != NULL ? member : object;
}

static bool refuse_without(const TarnConfigReader *reader, const TarnJson *config,
                           const char *setting, const char *needs) {
    return tarn_flow__config_refuse(reader, member_or(config, setting),
                                    "\"%s\" has no effect without %s", setting, needs);
}

static bool check_config(const TarnConfigReader *reader, const TarnJson *tree,
                         TarnModelConfig *config) {
    bool incremental = config->materialized == TARN_MATERIALIZED_INCREMENTAL;
    bool view = config->materialized == TARN_MATERIALIZED_VIEW;
    if (config->engine != 0) {
        tarn_flow__config_refuse(reader, member_or(tree, "engine"),
                                 "the engine \"%s\" comes with a later version",
                                 engine_words[config->engine]);
        return tarn_base_error_hint(reader->error, "leave it out: pipelines run in duckdb");
    }
    if (config->strategy == 4) config->strategy = TARN_STRATEGY_OVERWRITE_PARTITIONS;
    if (config->strategy < 0 && incremental) {
        config->strategy = config->unique_key.count > 0      ? TARN_STRATEGY_MERGE
                           : config->replace_where != NULL ? TARN_STRATEGY_REPLACE_WHERE
                                                           : TARN_STRATEGY_APPEND;
    }
    if (config->strategy >= 0 && !incremental) {
        return refuse_without(reader, tree, "strategy", "materialized = 'incremental'");
    }
    bool merge = config->strategy == TARN_STRATEGY_MERGE;
    bool replace = config->strategy == TARN_STRATEGY_REPLACE_WHERE;
    if (merge && config->unique_key.count == 0) {
        return tarn_flow__config_refuse(reader, member_or(tree, "strategy"),
                                        "the strategy \"merge\" needs unique_key");
    }
    if (replace && config->replace_where == NULL) {
        return tarn_flow__config_refuse(reader, member_or(tree, "strategy"),
                                        "the strategy \"replace_where\" needs replace_where");
    }
    if (!merge && config->unique_key.count > 0) {
        return refuse_without(reader, tree, "unique_key", "strategy = 'merge'");
    }
    if (!merge && config->dedupe != NULL) {
        return refuse_without(reader, tree, "dedupe", "strategy = 'merge'");
    }
    if (!replace && config->replace_where != NULL) {
        return refuse_without(reader, tree, "replace_where", "strategy = 'replace_where'");
    }
    if (view && config->partition_by.count + config->sort_by.count > 0) {
        return refuse_without(
            reader, tree, config->partition_by.count > 0 ? "partition_by" : "sort_by", "a table");
    }
    return true;
}

static bool read_config(const TarnConfigReader *reader, const TarnJson *tree,
                        TarnModelConfig *config) {
    /* YAML's `tags:` may stand outside: config adds to nothing then, it replaces. */
    return tarn_flow__config_read(reader, tree, "config", config_keys, COUNT(config_keys), config);
}

/* --- columns and checks --- */

static bool read_check_lists(const TarnConfigReader *reader, const ModelEntry *entry,
                             const char *column, TarnCheckList *checks) {
    return tarn_flow__check_read(reader, entry->checks, column, checks) &&
           tarn_flow__check_read(reader, entry->tests, column, checks) &&
           tarn_flow__check_read(reader, entry->data_tests, column, checks);
}

static bool read_columns(const TarnConfigReader *reader, const TarnJson *list,
                         TarnCheckList *checks, TarnField **columns, size_t *count) {
    *count = 0;
    *columns = NULL;
    if (list == NULL) return true;
    if (list->kind != TARN_JSON_ARRAY) {
        return tarn_flow__config_refuse(reader, list, "\"columns\" must be a list");
    }
    *columns = TARN_NEW_ARRAY(reader->arena, list->count + 1, TarnField);
    if (*columns == NULL) return tarn_base_arena_check(reader->arena, reader->error);
    TARN_JSON_EACH(item, list) {
        ModelEntry entry = {0};
        if (!tarn_flow__config_read(reader, item, "a column", column_keys, COUNT(column_keys),
                                    &entry) ||
            !read_check_lists(reader, &entry, entry.table, checks)) {
            return false;
        }
        (*columns)[(*count)++] = (TarnField){.name = entry.table, .doc = entry.description};
    }
    return true;
}

static bool read_yaml(TarnProject *project, TarnModel *model, TarnText yaml, const char *file,
                      TarnError *error) {
    TarnConfigReader reader;
    TarnJson *root = NULL;
    ModelEntry entry = {0};
    TarnField *columns = NULL;
    tarn_flow__model_reader(project, file, error, &reader);
    if (!tarn_base_yaml_parse(yaml, file, project->arena, &root, error)) return false;
    if (root->kind == TARN_JSON_NULL) return true;
    if (!tarn_flow__config_read(&reader, root, "a pipeline", model_keys, COUNT(model_keys),
                                &entry)) {
        return false;
    }
    if (entry.access != NULL) {
        return tarn_flow__config_refuse(&reader, entry.access,
                                        "\"access\" comes with a later version: nothing enforces "
                                        "it yet");
    }
    model->description = entry.description;
    model->owner = entry.owner;
    model->config.tags = entry.tags;
    if (!read_columns(&reader, entry.columns, &model->checks, &columns, &model->column_count) ||
        !read_check_lists(&reader, &entry, NULL, &model->checks)) {
        return false;
    }
    model->columns = columns;
    return entry.config == NULL || (read_config(&reader, entry.config, &model->config) &&
                                    check_config(&reader, entry.config, &model->config));
}

bool tarn_flow__model_read(TarnProject *project, TarnModel *model, TarnText yaml,
                           const char *yaml_file, TarnError *error) {
    TarnConfigReader reader;
    const TarnJson *tree = model->full_sql.config;
    bool seed = model->config.materialized == TARN_MATERIALIZED_SEED;
    model->config.strategy = -1;
    if (yaml.data != NULL && !read_yaml(project, model, yaml, yaml_file, error)) return false;
    if (seed) {
        model->config.materialized = TARN_MATERIALIZED_SEED;
        return true;
    }
    tarn_flow__model_reader(project, model->file, error, &reader);
    return read_config(&reader, tree, &model->config) &&
           check_config(&reader, tree, &model->config);
}

/* --- checks/ --- */

static bool find_list(TarnProject *project, TarnTableName name, TarnText yaml,
                      TarnCheckList **checks, TarnError *error) {
    TarnModel *model = tarn_flow__project_find(project, name);
    if (model != NULL) {
        TarnText *slot = TARN_PUSH(project->arena, &model->texts);
        if (slot != NULL) *slot = yaml;
        *checks = &model->checks;
        return tarn_base_arena_check(project->arena, error);
    }
    for (size_t i = 0; i < project->others.count; i++) {
        if (!tarn_catalog_name_equal(project->others.items[i].table, name)) continue;
        *checks = &project->others.items[i].checks;
        return true;
    }
    TarnTableChecks *other = TARN_PUSH(project->arena, &project->others);
    if (other == NULL) return tarn_base_arena_check(project->arena, error);
    other->table = name;
    *checks = &other->checks;
    return true;
}

static bool read_table_checks(TarnProject *project, const TarnConfigReader *reader,
                              const TarnJson *object, TarnText yaml) {
    ModelEntry entry = {0};
    TarnTableName name;
    TarnCheckList *checks = NULL;
    TarnField *columns = NULL;
    size_t count = 0;
    if (!tarn_flow__config_read(reader, object, "a file of checks", checks_keys,
                                COUNT(checks_keys), &entry)) {
        return false;
    }
    if (!tarn_catalog_name_parse(tarn_base_text(entry.table), reader->arena, &name,
                                 reader->error)) {
        const TarnJson *at = member_or(object, "table");
        return tarn_base_error_place(reader->error, reader->file, at->line, at->column);
    }
    return find_list(project, name, yaml, &checks, reader->error) &&
           read_columns(reader, entry.columns, checks, &columns, &count) &&
           read_check_lists(reader, &entry, NULL, checks);
}

bool tarn_flow__model_read_checks(TarnProject *project, TarnText yaml, const char *file,
                                  TarnError *error) {
    TarnConfigReader reader;
    TarnJson *root = NULL;
    tarn_flow__model_reader(project, file, error, &reader);
    if (!tarn_base_yaml_parse(yaml, file, project->arena, &root, error)) return false;
    if (root->kind == TARN_JSON_NULL) return true;
    if (root->kind != TARN_JSON_ARRAY) return read_table_checks(project, &reader, root, yaml);
    TARN_JSON_EACH(item, root) {
        if (!read_table_checks(project, &reader, item, yaml)) return false;
    }
    return true;
}

/* --- severities --- */

/* A view has no rows of its own, and a seed is a file that somebody can correct. */
static bool takes_rows_out(const TarnModel *model) {
    return model->config.materialized != TARN_MATERIALIZED_VIEW &&
           model->config.materialized != TARN_MATERIALIZED_SEED;
}

/* Where no row can be taken out, or nobody knows which, a failure is an error. So it is for
 * `skip`, since a check never drops rows without keeping them. */
static void take_default(const TarnProject *project, TarnCheckList *checks) {
    bool quarantine = project->config->quality_given &&
                      project->config->quality_default == TARN_ON_ERROR_QUARANTINE;
    for (size_t i = 0; quarantine && i < checks->count; i++) {
        TarnCheck *check = &checks->items[i];
        if (check->severity_given || !tarn_flow__check_can_quarantine(check)) continue;
        check->severity = TARN_CHECK_QUARANTINE;
    }
}

static bool refuse_quarantine(const TarnModel *model, TarnError *error) {
    bool seed = model->config.materialized == TARN_MATERIALIZED_SEED;
    for (size_t i = 0; i < model->checks.count; i++) {
        const TarnCheck *check = &model->checks.items[i];
        if (check->severity != TARN_CHECK_QUARANTINE) continue;
        tarn_base_error_set(error, TARN_E_CONFIG, "the check \"%s\" cannot quarantine rows of a %s",
                            check->name, seed ? "seed" : "view");
        if (seed) tarn_base_error_hint(error, "correct %s, or make the check warn", model->file);
        return tarn_base_error_place(error, check->file, check->line, 1);
    }
    return true;
}

bool tarn_flow__model_settle_checks(TarnProject *project, TarnError *error) {
    for (size_t i = 0; i < project->models.count; i++) {
        TarnModel *model = &project->models.items[i];
        if (takes_rows_out(model)) {
            take_default(project, &model->checks);
        } else if (!refuse_quarantine(model, error)) {
            return false;
        }
    }
    for (size_t i = 0; i < project->others.count; i++) {
        take_default(project, &project->others.items[i].checks);
    }
    return true;
}
