/* SQLite on the simulated disk of fake_os.h: its files lie there, lose at a power cut what was not
 * synced, and share their locks and the memory of the write-ahead log among all connections of
 * this process, whoever they stand for. One thread at a time.
 */
#ifndef TARN_TESTS_FAKE_VFS_H
#define TARN_TESTS_FAKE_VFS_H

#include "fake_os.h"

/* SQLite's default from now on. */
void fake_vfs_register(void);
/* The disk of connections opened from now on. All connections to the one before are closed. */
void fake_vfs_mount(FakeOs *disk);

#endif
