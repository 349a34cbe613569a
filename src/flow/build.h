/* Running pipelines: every model in dependency order, its checks before it is published.
 *
 * A model is one SELECT in pipelines/<zone>/[<namespace>/..]<name>.sql and becomes a table, a view
 * or is added to incrementally. Its rows are written, checked while nobody can see them, then
 * published in one commit together with the record of the run, the results of the checks and the
 * lineage. A failed check of severity error publishes nothing: the last good table stays. Rows of
 * severity quarantine go to <table>$quarantine; a build that makes the whole table replaces those
 * that earlier builds of the model put there. A model whose text, settings and input snapshots are
 * those of its last successful run is not run again.
 *
 * Seeds: seeds/<zone>/<name>.csv (seeds/<name>.csv: zone sandbox) are loaded as tables first, and
 * checked before they are published like models.
 *
 * config(materialized = 'table' | 'view' | 'incremental', strategy = 'append' | 'merge' |
 * 'overwrite_partitions' | 'replace_where', unique_key = 'id' | ['a', 'b'],
 * replace_where = 'predicate', dedupe = 'what to order twins by', partition_by = [..],
 * sort_by = [..], tags = [..], engine = 'duckdb')
 */
#ifndef TARN_FLOW_BUILD_H
#define TARN_FLOW_BUILD_H

#include "flow/check.h"
#include "govern/lineage.h"

typedef enum TarnModelStatus {
    TARN_MODEL_PENDING,   /* not reached */
    TARN_MODEL_PLANNED,   /* a dry run: would be run */
    TARN_MODEL_SUCCESS,   /* published */
    TARN_MODEL_UNCHANGED, /* nothing to do since the last run */
    TARN_MODEL_FAILED,    /* an error or a failed check: nothing was published */
    TARN_MODEL_SKIPPED    /* something it depends on failed */
} TarnModelStatus;

typedef struct TarnModelResult {
    const char *name;         /* "curated.delays" */
    const char *materialized; /* "table", "view", "incremental", "seed" */
    const char *file;         /* as in errors: "pipelines/curated/delays.sql" */
    TarnModelStatus status;
    const char *why;     /* for people: "new", "the SQL changed", "input raw.flights changed" */
    int64_t rows;        /* written; -1 = does not apply */
    int64_t quarantined; /* rows taken out by checks */
    double seconds;
    int64_t snapshot_id; /* TARN_ABSENT = none */
    int64_t input_files; /* read, after pruning */
    int64_t input_bytes;
    TarnCheckResults checks;
    TarnError *error;        /* FAILED; NULL = none */
    const char *sql;         /* with explain: rendered */
    const char *explanation; /* with explain: the engine's plan; NULL = inputs do not exist yet */
} TarnModelResult;

typedef struct TarnBuildResult {
    const char *run_id; /* NULL for a dry run, or if no model was chosen */
    bool ok;            /* nothing failed */
    TarnModelResult *models; /* in the order they ran */
    size_t model_count;
    double seconds;
} TarnBuildResult;

typedef struct TarnBuildVar {
    const char *name;
    const char *value; /* JSON scalars are typed (3, true), all else is text */
} TarnBuildVar;

typedef struct TarnBuildOptions {
    const TarnLakeConfig *config;
    const TarnOs *os;
    TarnQuery *query; /* open on the lake's catalog */
    const char *const *select; /* dbt's selectors; none = everything */
    size_t select_count;
    const char *const *exclude;
    size_t exclude_count;
    const TarnBuildVar *vars;
    size_t var_count;
    bool full_refresh; /* tables are rebuilt as if new; columns may be dropped */
    bool from_failure; /* only what did not succeed in the last build */
    bool dry_run;
    bool explain;          /* with dry_run: SQL and plans */
    const char *backfill; /* "A..B": variables start and end; NULL = none */
    /* Inputs are read from this branch where they have it, and everything is published on it;
     * query's own branch is set to it. Views have no branches and are refused. NULL = main. */
    const char *branch;
    const char *scratch;  /* folder for spilling (seeds) */
    const char *user;     /* recorded; NULL = none */
    /* Called as a model begins (status PENDING) and ends; may be NULL. */
    void (*progress)(void *state, const TarnModelResult *model, size_t index, size_t count);
    void *progress_state;
} TarnBuildOptions;

/* True if the run took place, also when models failed: see result->ok and
 * tarn_flow_build_verdict(). False, before anything ran: a file that is wrong (with its place),
 * TARN_E_PIPELINE_CYCLE, TARN_E_PIPELINE_NOT_FOUND for a selector that matches nothing; or the
 * metadata database failed. Everything in the arena. */
bool tarn_flow_build(const TarnBuildOptions *options, TarnArena *arena, TarnBuildResult *result,
                     TarnError *error) TARN_CHECKED;
/* False with TARN_E_CHECK_FAILED or TARN_E_RUN_FAILED, and the first failure's own place, if the
 * run is not ok. */
bool tarn_flow_build_verdict(const TarnBuildResult *result, TarnError *error) TARN_CHECKED;

const char *tarn_flow_model_status_name(TarnModelStatus status); /* "success", .. */
/* {"run_id","status","seconds","models":[{"name","status","rows","seconds","snapshot_id","why",
 * "checks":[{"name","status","severity","failing_rows"}],"error"}]} */
void tarn_flow_build_to_json(const TarnBuildResult *result, TarnJsonWriter *out);

#endif
