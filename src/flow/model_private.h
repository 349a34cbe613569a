/* The project: models read from pipelines/, seeds/ and checks/, and the graph between them. */
#ifndef TARN_FLOW_MODEL_PRIVATE_H
#define TARN_FLOW_MODEL_PRIVATE_H

#include "base/hash.h"
#include "base/map.h"
#include "flow/build.h"
#include "flow/check_private.h"
#include "flow/template_private.h"

typedef enum TarnMaterialized {
    TARN_MATERIALIZED_TABLE,
    TARN_MATERIALIZED_VIEW,
    TARN_MATERIALIZED_INCREMENTAL,
    TARN_MATERIALIZED_SEED /* not a word of config: seeds/ makes it */
} TarnMaterialized;

typedef enum TarnStrategy {
    TARN_STRATEGY_APPEND,
    TARN_STRATEGY_MERGE,
    TARN_STRATEGY_OVERWRITE_PARTITIONS,
    TARN_STRATEGY_REPLACE_WHERE
} TarnStrategy;

/* What config(..) and the YAML's `config:` say. */
typedef struct TarnModelConfig {
    int materialized; /* TarnMaterialized */
    int strategy;     /* TarnStrategy; -1 = not given */
    TarnConfigTexts unique_key;
    const char *replace_where;
    const char *dedupe; /* ORDER BY that puts the row to keep first; NULL = two are an error */
    TarnConfigTexts partition_by;
    TarnConfigTexts sort_by;
    TarnConfigTexts tags;
    int engine;
} TarnModelConfig;

typedef struct TarnModel {
    TarnTableName name;
    const char *full; /* "curated.delays" */
    const char *file; /* relative to the lake: "pipelines/curated/delays.sql" */
    const char *path; /* absolute */
    TarnModelConfig config;
    const char *description;
    const char *owner;
    const TarnField *columns; /* names and docs that the YAML gives */
    size_t column_count;
    TarnCheckList checks;
    TarnTemplate full_sql;        /* is_incremental() false */
    TarnTemplate incremental_sql; /* true; the same if the template does not ask */
    struct {
        TarnText *items; /* texts it is made of: template, YAML, files of checks */
        size_t count;
        size_t capacity;
    } texts;
    char hash[TARN_SHA256_HEX_BYTES]; /* of the texts and the variables */
    size_t *parents;                  /* indexes of models it reads */
    size_t parent_count;
    TarnTableName *inputs; /* everything it reads, itself left out */
    size_t input_count;
    bool reads_itself;
} TarnModel;

typedef struct TarnTableChecks {
    TarnTableName table; /* of checks/: no model makes it */
    TarnCheckList checks;
} TarnTableChecks;

typedef struct TarnProject {
    const TarnLakeConfig *config;
    const TarnOs *os;
    TarnQuery *query;
    TarnArena *arena;
    const TarnJson *vars;
    struct {
        TarnModel *items; /* sorted by file until ordered */
        size_t count;
        size_t capacity;
    } models;
    struct {
        TarnTableChecks *items;
        size_t count;
        size_t capacity;
    } others;
    TarnMap by_name; /* lower-case full name -> index + 1 */
    size_t *order;   /* indexes, parents first */
} TarnProject;

/* Reads everything, renders each template both ways, and orders the graph. */
bool tarn_flow__project_read(const TarnLakeConfig *config, const TarnOs *os, TarnQuery *query,
                             const TarnJson *vars, TarnArena *arena, TarnProject **project,
                             TarnError *error) TARN_CHECKED;
/* NULL if there is none. */
TarnModel *tarn_flow__project_find(const TarnProject *project, TarnTableName name);
/* Variables as a JSON object: values that are JSON scalars become those, all else text. */
bool tarn_flow__project_vars(const TarnBuildVar *vars, size_t count, TarnArena *arena,
                             const TarnJson **object, TarnError *error) TARN_CHECKED;

/* --- one model (model.c) --- */

/* Config of the template and of the YAML beside it (data NULL = none). */
bool tarn_flow__model_read(TarnProject *project, TarnModel *model, TarnText yaml,
                           const char *yaml_file, TarnError *error) TARN_CHECKED;
/* A file of checks/: adds to models, or to the project's others. */
bool tarn_flow__model_read_checks(TarnProject *project, TarnText yaml, const char *file,
                                  TarnError *error) TARN_CHECKED;
/* Once all files are read: what checks do that name no severity. */
bool tarn_flow__model_settle_checks(TarnProject *project, TarnError *error) TARN_CHECKED;
const char *tarn_flow__materialized_name(int materialized);
/* For reading YAML of the lake's files: ${env:X} is known. */
void tarn_flow__model_reader(const TarnProject *project, const char *file, TarnError *error,
                             TarnConfigReader *reader);

#endif
