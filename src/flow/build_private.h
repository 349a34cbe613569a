/* One model on its way from a SELECT to a published table; shared by the files of build. */
#ifndef TARN_FLOW_BUILD_PRIVATE_H
#define TARN_FLOW_BUILD_PRIVATE_H

#include "flow/model_private.h"
#include "flow/run_private.h"
#include "govern/lineage.h"
#include "query/write.h"

typedef struct TarnBuild {
    const TarnBuildOptions *options;
    TarnProject *project;
    TarnCatalog *catalog;
    TarnDb *db;
    TarnArena *arena; /* of the result */
    const char *run_id;
} TarnBuild;

/* A table that the model's commit writes: its own, or its quarantine. */
typedef struct TarnBuildTarget {
    TarnTableName name;
    const TarnTable *base;             /* NULL = made by this run */
    const TarnTableMetadata *metadata; /* what rows are written under: base with updates, or new */
    TarnTableUpdate updates[8];
    size_t update_count;
    TarnTableRequirement requirements[4];
    size_t requirement_count;
    TarnWrittenFiles files;
    const TarnText *removed; /* paths of files that go; of the quarantine */
    size_t removed_count;
    TarnSnapshotChange change;
    TarnProducerOptions producer_options;
    TarnSnapshotProducer *producer;
    bool checks_passed;
} TarnBuildTarget;

typedef struct TarnModelRun {
    TarnBuild *build;
    const TarnModel *model;
    TarnModelResult *result;
    TarnError *error;
    TarnArena arena; /* of this model's run */
    const TarnTemplate *rendered;
    TarnSelectInfo info;
    const char *inputs; /* JSON for the record */
    bool incremental;   /* adds to what is there */
    bool staged;        /* the new rows lie in TARN_BUILD_STAGE */
    bool nothing_new;   /* no rows came: nothing to publish */
    TarnBuildTarget target;
    TarnBuildTarget quarantine;
    TarnIntent intent;
    bool intent_open;
    int64_t started_us; /* monotonic */
    TarnLineageEdge *edges;
    size_t edge_count;
} TarnModelRun;

/* A temporary table of the engine that holds the rows of merge and replace_where. */
#define TARN_BUILD_STAGE "temp.main.\"__tarn_new\""

/* What the run reads and replaces of a table: the head of its branch, else main's; NULL = none. */
const TarnSnapshot *tarn_flow__build_head(const TarnBuild *build,
                                          const TarnTableMetadata *metadata);
/* The same as an id; TARN_ABSENT = none. */
int64_t tarn_flow__build_head_id(const TarnBuild *build, const TarnTableMetadata *metadata);

/* --- one model (build_model.c) --- */

/* Runs it to its end and fills the result; false only when the whole run cannot go on (Ctrl-C, the
 * metadata database). */
bool tarn_flow__build_model(TarnBuild *build, const TarnModel *model, TarnModelResult *result,
                            TarnError *error) TARN_CHECKED;
/* Dry: fills why, the inputs' numbers and, with explain, SQL and plan. */
bool tarn_flow__build_plan(TarnBuild *build, const TarnModel *model, TarnModelResult *result,
                           TarnError *error) TARN_CHECKED;

/* --- the table to write (build_target.c) --- */

/* New metadata, or the base's with columns, partitioning and order as the model wants them. */
bool tarn_flow__build_target(TarnModelRun *run) TARN_CHECKED;
/* The quarantine if there is one, or if `make`; base and metadata are else NULL. */
bool tarn_flow__build_quarantine_target(TarnModelRun *run, bool make) TARN_CHECKED;
/* Publishes what was written, with the record of the run, in one commit. */
bool tarn_flow__build_commit(TarnModelRun *run) TARN_CHECKED;
/* The record of a success, in a transaction that is open. */
bool tarn_flow__build_put_record(TarnModelRun *run, TarnDb *db, TarnError *error) TARN_CHECKED;
/* The record alone, for runs that publish nothing new. */
bool tarn_flow__build_record(TarnModelRun *run) TARN_CHECKED;
/* What becomes visible if the commit happens, or the new files alone, as a SELECT. */
bool tarn_flow__build_content(TarnModelRun *run, bool new_files_only, const char **sql)
    TARN_CHECKED;

/* --- rows (build_rows.c) --- */

bool tarn_flow__build_write_files(TarnModelRun *run, TarnBuildTarget *target, uint32_t sequence,
                                  TarnText select, bool large, TarnWrittenFiles *files)
    TARN_CHECKED;
/* Writes the model's new rows into files that nothing refers to yet. */
bool tarn_flow__build_write(TarnModelRun *run) TARN_CHECKED;
/* Checks what would be published; takes rows out into the quarantine if checks say so. A failed
 * check is an error of the run: TARN_E_CHECK_FAILED. */
bool tarn_flow__build_gate(TarnModelRun *run) TARN_CHECKED;

/* --- the quarantine (build_quarantine.c) --- */

/* When the table is made anew: what earlier builds of the model put aside goes in its commit. */
bool tarn_flow__build_quarantine_clean(TarnModelRun *run) TARN_CHECKED;

#endif
