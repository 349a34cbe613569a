/* What the kinds of maintenance share: the log, and deleting in batches. */
#ifndef TARN_FLOW_MAINTAIN_PRIVATE_H
#define TARN_FLOW_MAINTAIN_PRIVATE_H

#include "flow/maintain.h"

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
