/* Quality checks: what a table's rows must be like, and whether they are.
 *
 * Checks are declared in YAML beside a pipeline (pipelines/curated/delays.yaml), or by table in
 * checks/<any>.yaml. In `columns: [{name, checks: [..]}]` they are about that column, in `checks:`
 * about the table. A check is a word or a mapping of one word to its arguments:
 *
 *   unique | not_null                            unique: [a, b] for several columns
 *   accepted_values: [a, b]                      relationships: {to: raw.carriers, field: code}
 *   range: {min: 0, max: 10, inclusive: true}    length: {min: 1, max: 3}
 *   pattern: '^[A-Z]+$'                          expression: delay >= 0      true for each row
 *   row_count: {min: 1, max: 100}                freshness: {column: ts, max_age: 1d}
 *   sql: select * from {{ this }} where ..       each row it yields is a failure
 *
 * Each takes name, severity (warn | error | quarantine) and where in its mapping. Without a
 * severity, quality.default_action of tarn.yaml decides if it is there: quarantine takes rows out
 * where the check can tell which, all else is an error. `data_tests` and
 * `tests` are understood for `checks`, so dbt's properties read as they are. A null passes all but
 * not_null. Checks that look at one row at a time are answered by one scan together.
 *
 * A pipeline's checks run over rows that are written but not published; see build.h.
 */
#ifndef TARN_FLOW_CHECK_H
#define TARN_FLOW_CHECK_H

#include "flow/lake_config.h"
#include "query/query.h"

typedef enum TarnCheckSeverity {
    TARN_CHECK_ERROR,     /* a failure keeps the rows from being published */
    TARN_CHECK_WARN,      /* a failure is told and recorded */
    TARN_CHECK_QUARANTINE /* rows that fail go to <table>$quarantine; for checks of single rows */
} TarnCheckSeverity;

typedef enum TarnCheckStatus {
    TARN_CHECK_PASSED,
    TARN_CHECK_FAILED,
    TARN_CHECK_WARNED,      /* failed, severity warn */
    TARN_CHECK_QUARANTINED, /* rows were taken out, the others are fine */
    TARN_CHECK_BROKEN       /* the check itself could not be run: see error_text */
} TarnCheckStatus;

typedef struct TarnCheckResult {
    const char *table; /* "curated.delays" */
    const char *name;  /* "not_null(carrier)", or as declared */
    TarnCheckStatus status;
    TarnCheckSeverity severity;
    const char *value;    /* what was found: "3 rows", "12"; NULL = not known */
    const char *expected; /* "no nulls", "1 .. 100" */
    int64_t failing_rows; /* -1 = does not apply (row_count, freshness) */
    const char *error_text; /* BROKEN: why */
    const char *file;     /* where it is declared */
    uint32_t line;
} TarnCheckResult;

typedef struct TarnCheckResults {
    TarnCheckResult *items;
    size_t count;
    size_t capacity;
} TarnCheckResults;

typedef struct TarnCheckOptions {
    const TarnLakeConfig *config; /* its folder holds pipelines/ and checks/ */
    const TarnOs *os;
    TarnQuery *query;
    const char *const *tables; /* "zone.table"; none = every table that has checks */
    size_t table_count;
    const char *user; /* recorded; NULL = none */
} TarnCheckOptions;

/* Runs the checks of published tables and records the results as a run of kind "check". True even
 * if checks failed: look at the results, or ask tarn_flow_check_verdict(). TARN_E_TABLE_NOT_FOUND
 * for a table that does not exist or, asked for by name, has no checks. */
bool tarn_flow_check(const TarnCheckOptions *options, TarnArena *arena, TarnCheckResults *results,
                     TarnError *error) TARN_CHECKED;
/* False with TARN_E_CHECK_FAILED naming the first failure if any check failed or is broken. */
bool tarn_flow_check_verdict(const TarnCheckResults *results, TarnError *error) TARN_CHECKED;

const char *tarn_flow_check_status_name(TarnCheckStatus status);       /* "pass", "fail", .. */
const char *tarn_flow_check_severity_name(TarnCheckSeverity severity); /* "error", "warn", .. */
/* [{"table","check","status","severity","value","expected","failing_rows"}] */
void tarn_flow_check_to_json(const TarnCheckResults *results, TarnJsonWriter *out);

#endif
