/* What an expiry leaves on disk while it is under way. */
#ifndef TARN_FLOW_EXPIRE_PRIVATE_H
#define TARN_FLOW_EXPIRE_PRIVATE_H

#include "flow/maintain_private.h"

/* Which snapshots are about to go, written before the commit that removes them and deleted when
 * their files are gone: a run that was killed in between is finished by the next one. */
typedef struct TarnExpireRecord {
    const char *path;
    const char *uuid;  /* of the table */
    const char *owner; /* the process, see tarn_os_owner */
    const TarnSnapshot **snapshots; /* id and manifest list */
    size_t snapshot_count;
    TarnTableMetadata statistics; /* only the statistics of these snapshots */
} TarnExpireRecord;

bool tarn_flow__expire_record_write(const TarnMaintenance *run, const TarnTableMetadata *metadata,
                                    const TarnExpiry *expiry, TarnArena *arena, const char **path,
                                    TarnError *error) TARN_CHECKED;
/* All that are on disk and of the table; one that cannot be read is passed over with a warning. */
bool tarn_flow__expire_records_read(const TarnMaintenance *run, const char *uuid, TarnArena *arena,
                                    TarnExpireRecord **records, size_t *count,
                                    TarnError *error) TARN_CHECKED;
/* Best effort: a record too many costs the next run some reading. */
void tarn_flow__expire_record_remove(const TarnMaintenance *run, const char *path);

#endif
