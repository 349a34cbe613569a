/* The outside world: files, directories, clocks, randomness, environment, processes.
 *
 * TarnOs is ONE struct of functions plus their state, handed down from main(). Tests hand down
 * another one: tests/support/fake_os.h is a simulated disk that forgets on crash() what was not
 * synced; tests/support/fault_os.h fails the n-th call of whatever it wraps.
 *
 * Call the members directly: os->file_sync(os, file, error). Functions with the prefix tarn_os_
 * are built from the members only, so they work on every TarnOs.
 *
 * Rules of all members:
 *  - Paths are zero-terminated bytes, used as they are. The path is in the message of an error.
 *  - Missing file or directory: TARN_E_OBJECT_NOT_FOUND. Name taken: TARN_E_OBJECT_EXISTS. No
 *    space: TARN_E_DISK_FULL. No right: TARN_E_DENIED_BY_SYSTEM. All else: TARN_E_IO.
 *  - A call interrupted by a signal is repeated; waits (sleep, lock) end with TARN_E_INTERRUPTED
 *    when tarn_os_interrupted().
 *  - `error` may be NULL where the caller cannot do anything about a failure.
 *  - Thread-safe, except that one TarnOsFile belongs to one thread at a time.
 *  - Descriptors are closed on exec.
 */
#ifndef TARN_OS_OS_H
#define TARN_OS_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

typedef struct TarnOs TarnOs;
typedef struct TarnOsFile TarnOsFile; /* an open file; each TarnOs defines its own */

typedef enum TarnOsOpen {
    TARN_OS_READ,          /* a regular file only: a pipe or device is refused, never waited for */
    TARN_OS_READ_STREAM,   /* whatever it is: a pipe, standard input's path, a device */
    TARN_OS_CREATE,        /* must not exist, not even as a dangling symbolic link; read, write */
    TARN_OS_CREATE_SECRET, /* the same, readable by the owner only */
    TARN_OS_APPEND,        /* made if missing; writes go to the end; not through a final symlink */
    TARN_OS_LOCK           /* made if missing, empty, to lock; not through a final symlink */
} TarnOsOpen;

typedef enum TarnOsKind {
    TARN_OS_ABSENT,
    TARN_OS_FILE,
    TARN_OS_DIRECTORY,
    TARN_OS_SYMLINK, /* only where links are not followed */
    TARN_OS_OTHER
} TarnOsKind;

typedef struct TarnOsStat {
    TarnOsKind kind;
    uint64_t size;
    int64_t mtime_ns; /* since 1970 */
    uint64_t inode;
    uint64_t device;
    uint64_t links;
} TarnOsStat;

typedef struct TarnOsEntry {
    const char *name;
    TarnOsKind kind; /* of the entry itself: a link is TARN_OS_SYMLINK */
} TarnOsEntry;

typedef struct TarnOsListing {
    TarnOsEntry *items; /* sorted by the bytes of the name; no "." and ".." */
    size_t count;
    size_t capacity;
} TarnOsListing;

typedef struct TarnOsVolume {
    uint64_t free_bytes; /* for this user */
    uint64_t total_bytes;
    bool read_only;
} TarnOsVolume;

typedef enum TarnOsStream { TARN_OS_STDIN, TARN_OS_STDOUT, TARN_OS_STDERR } TarnOsStream;

typedef struct TarnOsTerminal {
    bool is_terminal;
    uint32_t columns; /* 0 = not known */
    uint32_t rows;
} TarnOsTerminal;

struct TarnOs {
    void *state;

    /* ---- open files ---- */
    bool (*file_open)(const TarnOs *os, const char *path, TarnOsOpen how, TarnOsFile **file,
                      TarnError *error);
    /* A file without a name in `directory`, gone when closed unless file_link names it. True with
     * *file NULL where the file system cannot do that. */
    bool (*file_open_unnamed)(const TarnOs *os, const char *directory, TarnOsFile **file,
                              TarnError *error);
    /* Names an unnamed file; atomic, refuses an existing name (TARN_E_OBJECT_EXISTS). */
    bool (*file_link)(const TarnOs *os, TarnOsFile *file, const char *path, TarnError *error);
    /* May read less than asked; *got 0 = end of file. `offset` is ignored for streams. */
    bool (*file_read)(const TarnOs *os, TarnOsFile *file, uint64_t offset, void *data,
                      size_t size, size_t *got, TarnError *error);
    /* After what was written before; may write less than asked, but at least one byte. */
    bool (*file_write)(const TarnOs *os, TarnOsFile *file, const void *data, size_t size,
                       size_t *written, TarnError *error);
    /* Asks the system to begin writing to the device, without waiting and without a promise. */
    bool (*file_writeback)(const TarnOs *os, TarnOsFile *file, TarnError *error);
    /* Data and size are on the device when this returns true. After false they may never be:
     * do not retry and then claim success. */
    bool (*file_sync)(const TarnOs *os, TarnOsFile *file, TarnError *error);
    bool (*file_stat)(const TarnOs *os, TarnOsFile *file, TarnOsStat *stat, TarnError *error);
    /* Advisory lock on the open file, gone with it or with the process. *locked false = taken. */
    bool (*file_try_lock)(const TarnOs *os, TarnOsFile *file, bool exclusive, bool *locked,
                          TarnError *error);
    /* Frees `file` whatever the result; NULL is fine. */
    bool (*file_close)(const TarnOs *os, TarnOsFile *file, TarnError *error);

    /* ---- names ---- */
    /* Kind TARN_OS_ABSENT with true when there is nothing (a dangling link, if followed). */
    bool (*stat)(const TarnOs *os, const char *path, bool follow_links, TarnOsStat *stat,
                 TarnError *error);
    /* Hard link; atomic, refuses an existing name (TARN_E_OBJECT_EXISTS). Where the file system
     * has no hard links: TARN_E_FORMAT_UNSUPPORTED. */
    bool (*link)(const TarnOs *os, const char *from, const char *to, TarnError *error);
    /* Atomic. With `replace` an existing file is replaced, without it is TARN_E_OBJECT_EXISTS. */
    bool (*rename)(const TarnOs *os, const char *from, const char *to, bool replace,
                   TarnError *error);
    /* Missing is fine; *existed may be NULL. A directory is refused. */
    bool (*unlink)(const TarnOs *os, const char *path, bool *existed, TarnError *error);
    /* One level. An existing directory is fine (*created false; may be NULL). */
    bool (*directory_create)(const TarnOs *os, const char *path, bool *created, TarnError *error);
    /* Must be empty; missing is fine. */
    bool (*directory_remove)(const TarnOs *os, const char *path, bool *existed, TarnError *error);
    /* Names created, renamed and removed in it are on the device. */
    bool (*directory_sync)(const TarnOs *os, const char *path, TarnError *error);
    bool (*directory_list)(const TarnOs *os, const char *path, TarnArena *arena,
                           TarnOsListing *listing, TarnError *error);
    /* Absolute, without links, "." and "..". */
    bool (*real_path)(const TarnOs *os, const char *path, TarnArena *arena, const char **real,
                      TarnError *error);
    bool (*volume)(const TarnOs *os, const char *path, TarnOsVolume *volume, TarnError *error);

    /* ---- clocks and chance ---- */
    int64_t (*clock_us)(const TarnOs *os);     /* since 1970, UTC */
    int64_t (*monotonic_us)(const TarnOs *os); /* never goes back; for durations */
    bool (*sleep_us)(const TarnOs *os, int64_t us, TarnError *error);
    bool (*random)(const TarnOs *os, void *data, size_t size, TarnError *error);

    /* ---- process ---- */
    const char *(*environment)(const TarnOs *os, const char *name); /* NULL if not set */
    bool (*current_directory)(const TarnOs *os, TarnArena *arena, const char **path,
                              TarnError *error);
    bool (*executable_path)(const TarnOs *os, TarnArena *arena, const char **path,
                            TarnError *error);
    TarnOsTerminal (*terminal)(const TarnOs *os, TarnOsStream stream);
    uint32_t (*processors)(const TarnOs *os); /* usable by this process; at least 1 */
    int64_t (*process_id)(const TarnOs *os);
    /* The ticks since boot at which a process started; 0 if there is no such process (a zombie
     * counts as none), -1 if there is one that may not be examined. */
    int64_t (*process_started)(const TarnOs *os, int64_t process_id);
    /* Where process ids mean something: boot and process namespace in one word; "unknown". */
    bool (*process_space)(const TarnOs *os, TarnArena *arena, const char **space,
                          TarnError *error);
};

/* The real one; lives as long as the process. */
const TarnOs *tarn_os_posix(void);

/* ---- files (os/file.c) ------------------------------------------------------------------- */

/* A whole regular file into the arena, zero-terminated one past its size. More than `limit`
 * bytes: TARN_E_LIMIT_EXCEEDED. */
bool tarn_os_file_read_all(const TarnOs *os, const char *path, size_t limit, TarnArena *arena,
                           TarnText *content, TarnError *error) TARN_CHECKED;
/* Exactly `size` bytes; a file that ends earlier is TARN_E_FORMAT_CORRUPT. */
bool tarn_os_file_read_exact(const TarnOs *os, TarnOsFile *file, uint64_t offset, void *data,
                             size_t size, TarnError *error) TARN_CHECKED;
bool tarn_os_file_write_all(const TarnOs *os, TarnOsFile *file, const void *data, size_t size,
                            TarnError *error) TARN_CHECKED;
/* Waits at most timeout_ms, then TARN_E_DATABASE_BUSY (retryable). */
bool tarn_os_file_lock(const TarnOs *os, TarnOsFile *file, bool exclusive, int64_t timeout_ms,
                       const char *path, TarnError *error) TARN_CHECKED;
/* Closes without anyone to tell: on the way out of another error, or after reading. */
void tarn_os_file_discard(const TarnOs *os, TarnOsFile *file);
/* `path` and what is missing above it. With `durable` the parent of each directory that was made
 * is synced. */
bool tarn_os_directory_create_all(const TarnOs *os, const char *path, bool durable,
                                  TarnError *error) TARN_CHECKED;

/* The folder of a path: "/a/b" -> "/a", "/a" -> "/", "a" -> ".". A trailing slash is ignored. */
TarnText tarn_os_parent(const char *path);

/* ---- drafts (os/draft.c): files that appear complete or not at all -------------------------- */

/* Names of files still being written, where the file system cannot hide them. A process that was
 * killed leaves them; a sweeper may delete old ones. */
#define TARN_OS_DRAFT_PREFIX ".tarn-draft-"

typedef struct TarnOsDraft {
    const TarnOs *os;
    const char *path;   /* the caller's */
    TarnOsFile *file;   /* NULL = no draft */
    TarnBuffer name;    /* where it is meanwhile; empty = nowhere */
    bool replace;
} TarnOsDraft;

/* Begins a file that will be `path`, in the same folder, which must exist. `path` must live as
 * long as the draft. */
bool tarn_os_draft_begin(const TarnOs *os, const char *path, bool replace, TarnOsDraft *draft,
                         TarnError *error) TARN_CHECKED;
bool tarn_os_draft_write(TarnOsDraft *draft, const void *data, size_t size,
                         TarnError *error) TARN_CHECKED;
bool tarn_os_draft_sync(TarnOsDraft *draft, TarnError *error) TARN_CHECKED;
/* Gives the draft its name in one step: with `replace` in place of what is there (a symbolic link
 * itself, not its target), without only if the name is free (TARN_E_OBJECT_EXISTS). Ends the
 * draft in any case; after false there is nothing. The name is durable after directory_sync. */
bool tarn_os_draft_publish(TarnOsDraft *draft, TarnError *error) TARN_CHECKED;
void tarn_os_draft_abort(TarnOsDraft *draft); /* safe on zeroed memory and after publish */

/* All of the above: replaces the content of `path` atomically. `durable` = survives a power cut
 * once this has returned. */
bool tarn_os_file_replace(const TarnOs *os, const char *path, TarnText content, bool durable,
                          TarnError *error) TARN_CHECKED;

/* ---- identifiers (os/identity.c) --------------------------------------------------------- */

#define TARN_OS_UUID_BYTES 37 /* with the zero at the end */
/* RFC 9562: version 4 is random; version 7 begins with the time, so names sort by it. */
bool tarn_os_uuid4(const TarnOs *os, char out[TARN_OS_UUID_BYTES], TarnError *error) TARN_CHECKED;
bool tarn_os_uuid7(const TarnOs *os, char out[TARN_OS_UUID_BYTES], TarnError *error) TARN_CHECKED;
/* A random integer below 2^63, never 0: snapshot ids and the like. */
bool tarn_os_random_id(const TarnOs *os, int64_t *id, TarnError *error) TARN_CHECKED;
int64_t tarn_os_clock_ms(const TarnOs *os);

/* Who writes: recorded beside an intent, so that a sweeper can tell whether the writer lives. */
typedef enum TarnOsOwner {
    TARN_OS_OWNER_ALIVE,
    TARN_OS_OWNER_DEAD,
    TARN_OS_OWNER_ELSEWHERE /* another host, boot or container: cannot know */
} TarnOsOwner;
bool tarn_os_owner(const TarnOs *os, TarnArena *arena, const char **owner,
                   TarnError *error) TARN_CHECKED;
/* A text that is not an owner is TARN_OS_OWNER_ELSEWHERE. */
bool tarn_os_owner_state(const TarnOs *os, const char *owner, TarnOsOwner *state,
                         TarnError *error) TARN_CHECKED;

/* ---- scratch folders (os/scratch.c) -------------------------------------------------------- */

/* The folder below `root` for temporary files of this process. It is not made here: who needs it
 * makes it, with `root`, and names within it are told apart by UUIDs. */
bool tarn_os_scratch_path(const TarnOs *os, const char *root, TarnArena *arena, const char **path,
                          TarnError *error) TARN_CHECKED;
/* Removes those of processes that are dead, and of processes nobody here knows of after 7 days, as
 * far as it goes: what stays does no harm but for its size. */
void tarn_os_scratch_sweep(const TarnOs *os, const char *root);
/* Removes the folder of this process if nothing is left in it. NULL is fine. */
void tarn_os_scratch_end(const TarnOs *os, const char *path);

/* ---- threads (os/parallel.c) ------------------------------------------------------------- */

/* Runs run(state, i, error) for i = 0..count-1 over at most `threads` threads, the caller's
 * included (0 or 1: in order, in the caller's thread). No task starts after one has failed; when
 * all started ones have ended, the error of the lowest failed index is returned. Threads that
 * cannot be made are done without. */
typedef bool (*TarnOsTask)(void *state, size_t index, TarnError *error);
bool tarn_os_parallel(uint32_t threads, size_t count, TarnOsTask run, void *state,
                      TarnError *error) TARN_CHECKED;

/* ---- signals (os/signals.c) -------------------------------------------------------------- */

/* SIGINT and SIGTERM set a flag; the second one ends the process at once. SIGPIPE is ignored, so
 * that a closed pipe is an error of the write. Call once, from main. */
bool tarn_os_signals_install(TarnError *error) TARN_CHECKED;
bool tarn_os_interrupted(void);
/* false and TARN_E_INTERRUPTED when interrupted: for loops to call now and then. */
bool tarn_os_interrupt_check(TarnError *error) TARN_CHECKED;
void tarn_os_interrupt(void);       /* as if a signal had come; async-signal-safe */
void tarn_os_interrupt_clear(void); /* a shell goes on after Ctrl-C */

#endif
