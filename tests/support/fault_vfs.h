/* A layer under SQLite that asks a hook (fault_os.h) before each call that can fail: the default
 * VFS of the moment of registering stays below it, be it the system's or fake_vfs.h's.
 *
 * The names it asks with begin with "sqlite_": sqlite_open, _delete, _access, _read, _write,
 * _truncate, _sync, _size, _lock, _shm_map, _shm_lock. Closing and unlocking cannot fail.
 */
#ifndef TARN_TESTS_FAULT_VFS_H
#define TARN_TESTS_FAULT_VFS_H

#include "fault_os.h"

void fault_vfs_register(void);
/* The hook of connections opened from now on; NULL = none. */
void fault_vfs_use(FaultHook hook, void *state);
/* Whether a refused write says that the disk is full (false: an error of the device). */
void fault_vfs_full(bool full);

#endif
