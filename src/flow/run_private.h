/* Runs on record: what ran, when, with what result, from which inputs. */
#ifndef TARN_FLOW_RUN_PRIVATE_H
#define TARN_FLOW_RUN_PRIVATE_H

#include "flow/build.h"

typedef struct TarnRunModel {
    const char *run_id;
    const char *name;
    const char *status; /* tarn_flow_model_status_name() */
    int64_t rows;
    double seconds;
    int64_t snapshot_id; /* TARN_ABSENT = none */
    const char *inputs;  /* JSON: {"raw.flights": "<snapshot id>"}; NULL = none */
    const char *hash;
    const char *error;
} TarnRunModel;

/* Autocommitted; `run_id` is a UUID of version 7. */
bool tarn_flow__run_begin(TarnDb *db, const TarnOs *os, const char *kind, const char *user,
                          TarnArena *arena, const char **run_id, TarnError *error) TARN_CHECKED;
bool tarn_flow__run_end(TarnDb *db, const TarnOs *os, const char *run_id, const char *status,
                        TarnError *error) TARN_CHECKED;
/* Inserts or replaces; within the caller's transaction, or by itself. */
bool tarn_flow__run_put_model(TarnDb *db, const TarnRunModel *model, int64_t now_ms,
                              TarnError *error) TARN_CHECKED;
bool tarn_flow__run_put_checks(TarnDb *db, const char *run_id, const TarnCheckResults *results,
                               int64_t now_ms, TarnError *error) TARN_CHECKED;
/* The last successful run of a model. */
bool tarn_flow__run_last_success(TarnDb *db, const char *name, TarnArena *arena,
                                 TarnRunModel *model, bool *found, TarnError *error) TARN_CHECKED;
/* Models of the last build that did not succeed; *found false = there was no build. */
bool tarn_flow__run_unfinished(TarnDb *db, TarnArena *arena, const char ***names, size_t *count,
                               bool *found, TarnError *error) TARN_CHECKED;

#endif
