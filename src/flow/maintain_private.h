/* What the kinds of maintenance share: the log, and deleting in batches. */
#ifndef TARN_FLOW_MAINTAIN_PRIVATE_H
#define TARN_FLOW_MAINTAIN_PRIVATE_H

#include "flow/maintain.h"
#include "table/delete_plan.h"

/* JSON lines, one a file. Made when the first line is written. */
typedef struct TarnMaintainLog {
    const TarnMaintenance *run;
    const char *operation;
    const char *path; /* NULL until it is made */
    TarnOsFile *file;
    TarnBuffer buffer;
    TarnArena arena;
} TarnMaintainLog;

void tarn_flow__log_init(TarnMaintainLog *log, const TarnMaintenance *run, const char *operation);
/* `action`: "delete", "would delete", "kept". */
bool tarn_flow__log_put(TarnMaintainLog *log, const char *action, TarnText path, const char *kind,
                        int64_t bytes, const char *reason, TarnError *error) TARN_CHECKED;
/* Hands everything to the system; with `durable` to the device. */
bool tarn_flow__log_flush(TarnMaintainLog *log, bool durable, TarnError *error) TARN_CHECKED;
/* Safe on zeroed memory. */
void tarn_flow__log_close(TarnMaintainLog *log);

/* Reads the table's pointer again and adds what it names to what is reachable. `table` is
 * exchanged for the newer one. TARN_E_COMMIT_CONFLICT if it is another table by now. */
bool tarn_flow__maintain_cover(const TarnMaintenance *run, TarnReachable *reach,
                               const TarnTable **table, TarnError *error) TARN_CHECKED;

/* Deletes files, a batch at a time. */
typedef struct TarnDeleter {
    const TarnMaintenance *run;
    TarnReachable *reach;
    const TarnTable **table; /* see tarn_flow__maintain_cover */
    TarnMaintainLog *log;
    TarnMaintainResult *result;
    int64_t *counter; /* beside the result's own; NULL */
    TarnArena arena;  /* of the batch */
    struct {
        struct TarnDoomedFile *items;
        size_t count;
        size_t capacity;
    } batch;
} TarnDeleter;

void tarn_flow__deleter_init(TarnDeleter *deleter, const TarnMaintenance *run,
                             TarnReachable *reach, const TarnTable **table, TarnMaintainLog *log,
                             TarnMaintainResult *result);
/* Files outside the table's folder are logged as kept. Texts are copied. In a dry run the file is
 * only logged and counted. */
bool tarn_flow__deleter_put(TarnDeleter *deleter, const TarnTableFile *file, const char *reason,
                            TarnError *error) TARN_CHECKED;
bool tarn_flow__deleter_flush(TarnDeleter *deleter, TarnError *error) TARN_CHECKED;
void tarn_flow__deleter_dispose(TarnDeleter *deleter);

/* --- compaction --- */

/* After a conflict, the longer the more of them there were. */
bool tarn_flow__optimize_back_off(const TarnOs *os, uint32_t round, TarnError *error) TARN_CHECKED;
/* Commits a snapshot of the same rows with its files. *committed is the caller's to release; NULL =
 * there was nothing to change. On failure the intent stays the caller's. */
bool tarn_flow__optimize_commit(const TarnMaintenance *run, const TarnTable *table,
                                const TarnSnapshotChange *change, TarnIntent *intent,
                                const char *const *files, size_t file_count,
                                const TarnTable **committed, int64_t *snapshot_id,
                                TarnError *error) TARN_CHECKED;
/* Adds the delete files that a snapshot of the table removed and added. */
void tarn_flow__optimize_count_deletes(const TarnTable *table, int64_t snapshot_id,
                                       TarnMaintainResult *result);
/* Whether there is any delete file; the manifest list tells. */
bool tarn_flow__optimize_has_deletes(const TarnMaintenance *run, const TarnTable *table, bool *has,
                                     TarnError *error) TARN_CHECKED;
/* By the table's properties; see table/delete_plan.h. */
bool tarn_flow__optimize_plan_deletes(const TarnTable *table, const TarnScanPlan *scan,
                                      const TarnRewritePlan *gone, int64_t input_files_min,
                                      TarnArena *arena, TarnDeletePlan *plan,
                                      TarnError *error) TARN_CHECKED;
/* Commits that remove and join delete files (optimize_deletes.c). */
bool tarn_flow__optimize_deletes(const TarnMaintenance *run, const TarnOptimizeOptions *options,
                                 int64_t input_files_min, TarnMaintainResult *result,
                                 TarnError *error) TARN_CHECKED;

/* Loads the table, and refuses what no maintenance may touch: files that the table does not own
 * (gc.enabled = false), tables outside the warehouse, which another catalog may know. */
bool tarn_flow__maintain_load(const TarnMaintenance *run, const char *what, const TarnTable **table,
                              TarnError *error) TARN_CHECKED;
/* TARN_E_MAINTENANCE_REFUSED if deleting so many of so many files is more than the run may. */
bool tarn_flow__maintain_judge(const TarnMaintenance *run, double ratio_default, int64_t deleted,
                               int64_t all, TarnError *error) TARN_CHECKED;
/* Asks the store for the size of a file of the table if the metadata did not tell. */
bool tarn_flow__maintain_size(const TarnTable *table, TarnTableFile *file,
                              TarnError *error) TARN_CHECKED;
/* Below the table's own folder? */
bool tarn_flow__maintain_owns(const TarnTable *table, TarnText path);

#endif
