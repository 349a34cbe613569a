/* A TarnOs in memory: a simulated disk, a clock that stands still, chance from a seed.
 *
 * The disk keeps two states: what a process sees, and what would be there after a power cut. A
 * file's bytes move to the second with file_sync, the names in a folder with directory_sync, and
 * nothing else moves them; file_writeback promises nothing. fake_os_crash() makes the second state
 * the only one. No symbolic links; paths are absolute.
 */
#ifndef TARN_TESTS_FAKE_OS_H
#define TARN_TESTS_FAKE_OS_H

#include "os/os.h"

typedef struct FakeOs FakeOs;

typedef struct FakeOsOptions {
    uint64_t seed;
    bool no_unnamed;        /* no O_TMPFILE, as on NFS */
    bool no_links;          /* no hard links, as on FAT */
    bool short_transfers;   /* reads and writes move a random part of what was asked */
    uint64_t capacity_bytes; /* 0 = no limit; beyond it TARN_E_DISK_FULL */
} FakeOsOptions;

typedef struct FakeOsCounts {
    size_t open_files; /* now */
    size_t file_syncs;
    size_t directory_syncs;
    size_t writebacks;
    size_t writebacks_after_sync; /* since the last fake_os_reset_counts */
} FakeOsCounts;

FakeOs *fake_os_new(const FakeOsOptions *options); /* options NULL = none; aborts without memory */
void fake_os_free(FakeOs *fake);
const TarnOs *fake_os(FakeOs *fake);

/* The same disk once more: what is done to one is not seen by the other. No open files. */
FakeOs *fake_os_clone(FakeOs *fake);

/* A power cut. seed 0: all that was not synced is lost. Otherwise each unsynced name and each
 * unsynced content is, by chance, lost, kept, or (content) kept in part: up to some byte, or in
 * some sectors of 512 bytes and not in others, where zeros or old bytes stand. Open files are
 * dead. */
void fake_os_crash(FakeOs *fake, uint64_t seed);

FakeOsCounts fake_os_counts(FakeOs *fake);
void fake_os_reset_counts(FakeOs *fake);
/* The machine goes on, the process is another one: those before are gone, with their open files. */
void fake_os_restart(FakeOs *fake);
/* The n-th sync of a file from now on fails, and the bytes it was for are never written: as on
 * Linux, a later sync of that file says yes and writes nothing of them. 0 = none. */
void fake_os_fail_sync(FakeOs *fake, long n);
/* Files, by any name, whose name starts with `prefix`. */
size_t fake_os_count_names(FakeOs *fake, const char *prefix);
void fake_os_set_clock_us(FakeOs *fake, int64_t us);
void fake_os_set_environment(FakeOs *fake, const char *name, const char *value); /* one variable */

/* ---- doors for fake_vfs.c: files that are written at any place --------------------------- */

#define FAKE_OS_NO_FILE SIZE_MAX
/* FAKE_OS_NO_FILE if there is none and it is not to be made, or no folder for it. */
size_t fake_os_file_at(FakeOs *fake, const char *path, bool create);
size_t fake_os_file_get(FakeOs *fake, size_t file, uint64_t offset, void *data, size_t size);
/* false: the disk is full. A gap is filled with zeros. */
bool fake_os_file_put(FakeOs *fake, size_t file, uint64_t offset, const void *data, size_t size);
void fake_os_file_cut(FakeOs *fake, size_t file, uint64_t size);
bool fake_os_file_flush(FakeOs *fake, size_t file); /* a sync; see fake_os_fail_sync */
uint64_t fake_os_file_size(FakeOs *fake, size_t file);

#endif
