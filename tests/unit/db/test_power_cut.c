/* Power cuts of a real ext4: a file system in a file is shut down without flushing its journal
 * (EXT4_IOC_SHUTDOWN), in the middle of commits, then mounted again.
 *
 * Promise under test: a commit that was acknowledged is there, with all its files whole; a commit
 * that is there at all has all its files whole. As a control, files that nobody synced must be
 * seen to vanish, or the cut was no cut. Needs root, loop devices and mkfs.ext4.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "db/db.h"
#include "scratch.h"
#include "store/store.h"
#include "tap.h"

#define IMAGE_BYTES ((off_t)64 * 1024 * 1024)
#define CYCLES 12
#define SHUTDOWN_WITHOUT_FLUSH 2
#define IOC_SHUTDOWN _IOR('X', 125, __u32)

extern char **environ;

static Scratch scratch;
static TarnArena arena;
static const TarnOs *os;
static const char *root; /* where the file system is mounted */
static char device[32];

static const TarnDbMigration steps[] = {
    {1, "commits", "create table commits (id bigint primary key, folder text not null)"}};

/* ---- the file system --------------------------------------------------------------------- */

static bool make_file_system(const char *image) {
    int fd = open(image, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, IMAGE_BYTES) != 0 || close(fd) != 0) return false;
    char name[] = "mkfs.ext4";
    char quiet[] = "-q";
    char *path = tarn_base_arena_string(&arena, image);
    char *arguments[] = {name, quiet, path, NULL};
    pid_t child;
    int status;
    return posix_spawnp(&child, name, NULL, NULL, arguments, environ) == 0 &&
           waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool attach(const char *image) {
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int number = control >= 0 ? ioctl(control, LOOP_CTL_GET_FREE) : -1;
    if (control >= 0) close(control);
    if (number < 0) return false;
    snprintf(device, sizeof(device), "/dev/loop%d", number);
    int loop = open(device, O_RDWR | O_CLOEXEC);
    int file = open(image, O_RDWR | O_CLOEXEC);
    struct loop_config config = {.fd = (__u32)file};
    bool ok = loop >= 0 && file >= 0 && ioctl(loop, LOOP_CONFIGURE, &config) == 0;
    if (file >= 0) close(file);
    if (loop >= 0) close(loop);
    return ok;
}

static void detach(void) {
    int loop = open(device, O_RDWR | O_CLOEXEC);
    if (loop < 0) return;
    ioctl(loop, LOOP_CLR_FD);
    close(loop);
}

static bool cut_power(void) {
    __u32 flag = SHUTDOWN_WITHOUT_FLUSH;
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    bool ok = ioctl(fd, IOC_SHUTDOWN, &flag) == 0;
    close(fd);
    return ok;
}

static bool unmount(void) {
    for (int i = 0; i < 100; i++) {
        if (umount(root) == 0) return true;
        usleep(20000); /* the killed process is still letting go */
    }
    return false;
}

/* ---- the writer -------------------------------------------------------------------------- */

/* The folder of a commit's files. A commit that did not become one leaves its files behind, so the
 * next attempt at its number needs another folder. */
static const char *folder_of(long id, int cycle, TarnArena *memory) {
    return tarn_base_arena_printf(memory, "%s/lake/t/%ld-%d", root, id, cycle);
}

static const char *control_of(long id, int cycle, TarnArena *memory) {
    return tarn_base_arena_printf(memory, "%s/control-%ld-%d", root, id, cycle);
}

static const char *in_folder(const char *folder, const char *name, TarnArena *memory) {
    return tarn_base_arena_printf(memory, "%s/%s", folder, name);
}

static const char *content_of(long id, const char *name, TarnArena *memory) {
    char *line = tarn_base_arena_printf(memory, "%ld %s, again and again\n", id, name);
    size_t size = strlen(line);
    size_t times = 700;
    char *content = tarn_base_arena_alloc(memory, size * times + 1);
    for (size_t i = 0; i < times; i++) memcpy(content + i * size, line, size);
    return content;
}

static bool write_unsynced(const char *path, const char *content, TarnError *error) {
    TarnOsFile *file;
    return os->file_open(os, path, TARN_OS_CREATE, &file, error) &&
           tarn_os_file_write_all(os, file, content, strlen(content), error) &&
           os->file_close(os, file, error);
}

static bool write_commit(TarnStore *store, TarnDb *db, long id, int cycle, TarnError *error) {
    TarnArena memory;
    TarnStoreBatch batch;
    tarn_base_arena_init(&memory, TARN_MIB);
    tarn_store_batch_init(&batch, store);
    const char *folder = folder_of(id, cycle, &memory);
    const char *data = in_folder(folder, "data", &memory);
    const char *manifest = in_folder(folder, "manifest", &memory);
    TarnText text = tarn_base_text(content_of(id, "manifest", &memory));
    bool ok = tarn_store_prepare_directory(store, folder, error) &&
              write_unsynced(data, content_of(id, "data", &memory), error) &&
              tarn_store_batch_add(&batch, data, error) &&
              tarn_store_put(store, manifest, text, TARN_STORE_IF_ABSENT, &batch, error) &&
              tarn_store_batch_sync(&batch, error) &&
              write_unsynced(control_of(id, cycle, &memory), "unsynced", error) &&
              tarn_db_begin(db, TARN_DB_WRITE, error) &&
              tarn_db_execute(db, "insert into commits values ($1, $2)",
                              TARN_DB_VALUES(tarn_db_int64(id), tarn_db_string(folder)), NULL,
                              error) &&
              tarn_db_commit(db, error);
    tarn_store_batch_dispose(&batch);
    tarn_base_arena_dispose(&memory);
    return ok;
}

/* Commits from `first` on until it is killed; each acknowledged id goes into the pipe. */
static void write_until_killed(long first, int cycle, int acknowledge) {
    TarnError error;
    TarnStore *store;
    TarnDb *db;
    TarnStoreOptions store_options = {.create_root = true};
    TarnDbOptions db_options = {.how = TARN_DB_CREATE};
    const char *lake = tarn_base_arena_printf(&arena, "%s/lake", root);
    const char *url = tarn_base_arena_printf(&arena, "sqlite:%s/catalog.db", root);
    if (!tarn_store_open(os, lake, &store_options, &store, &error) ||
        !tarn_db_open(os, url, &db_options, &db, &error) ||
        !tarn_db_migrate(db, steps, 1, &error)) {
        printf("# %s\n", error.message);
        fflush(stdout);
        _exit(1);
    }
    for (long id = first;; id++) {
        if (!write_commit(store, db, id, cycle, &error)) _exit(0); /* the power is gone */
        if (write(acknowledge, &id, sizeof(id)) != sizeof(id)) _exit(1);
    }
}

/* ---- the judge --------------------------------------------------------------------------- */

static bool is_whole(const char *folder, long id, const char *name) {
    TarnText content;
    TarnArena memory;
    tarn_base_arena_init(&memory, TARN_MIB);
    bool ok = tarn_os_file_read_all(os, in_folder(folder, name, &memory), TARN_MIB, &memory,
                                    &content, NULL) &&
              tarn_base_text_is(content, content_of(id, name, &memory));
    tarn_base_arena_dispose(&memory);
    return ok;
}

static bool count_problem(void *state, const char *problem, TarnError *error) {
    (void)error;
    printf("# %s\n", problem);
    ++*(int *)state;
    return true;
}

/* Every row has its files; rows are gapless up to *last, which is at least the acknowledged. */
static void check_rows(TarnDb *db, long acknowledged, long *last) {
    TarnError error;
    TarnDbRows *rows;
    bool more = false;
    long expected = 1;
    REQUIRE_OK(tarn_db_query(db, "select id, folder from commits order by id", NULL, 0, &rows,
                             &error), &error);
    while (tarn_db_next(rows, &more, &error) && more) {
        long id = (long)tarn_db_column_int64(rows, 0);
        CHECK_INT(id, expected++);
        const char *folder = tarn_db_column_string(rows, 1, &arena);
        CHECK(folder != NULL && is_whole(folder, id, "data") && is_whole(folder, id, "manifest"));
    }
    tarn_db_rows_close(rows);
    *last = expected - 1;
    CHECK(*last >= acknowledged);
}

static void check_lake(long acknowledged, long *last) {
    TarnError error;
    TarnDb *db;
    int problems = 0;
    const char *url = tarn_base_arena_printf(&arena, "sqlite:%s/catalog.db", root);
    TarnDbOptions options = {.how = TARN_DB_CREATE};
    REQUIRE_OK(tarn_db_open(os, url, &options, &db, &error), &error);
    CHECK_OK(tarn_db_migrate(db, steps, 1, &error), &error);
    CHECK_OK(tarn_db_check(db, count_problem, &problems, &error), &error);
    CHECK_INT(problems, 0);
    check_rows(db, acknowledged, last);
    tarn_db_close(db);
}

static size_t count_lost_controls(long from, long to, int cycle) {
    size_t lost = 0;
    for (long id = from; id <= to; id++) {
        TarnOsStat stat;
        TarnError error;
        const char *path = control_of(id, cycle, &arena);
        if (os->stat(os, path, true, &stat, &error) && stat.size == 0) lost++;
    }
    return lost;
}

/* The last commit acknowledged so far. What is acknowledged while the power goes does not count:
 * a real cut lets nobody say anything, but a sync that runs into a shutdown may return success. */
static long read_acknowledged(int pipe_end, long last, size_t *acknowledgements) {
    long id;
    struct pollfd ready = {.fd = pipe_end, .events = POLLIN};
    while (poll(&ready, 1, 0) == 1 && read(pipe_end, &id, sizeof(id)) == sizeof(id)) {
        last = id;
        ++*acknowledgements;
    }
    return last;
}

/* One life of the machine: commits, a cut at a moment of chance, the next start. */
static void live_and_die(int cycle, long *last, size_t *acknowledgements, size_t *lost) {
    int pipes[2];
    uint16_t chance;
    TarnError error;
    REQUIRE(pipe(pipes) == 0);
    REQUIRE_OK(os->random(os, &chance, sizeof(chance), &error), &error);
    pid_t child = fork();
    if (child == 0) {
        close(pipes[0]);
        write_until_killed(*last + 1, cycle, pipes[1]);
    }
    close(pipes[1]);
    struct pollfd first = {.fd = pipes[0], .events = POLLIN};
    if (cycle % 4 != 0) poll(&first, 1, 5000); /* now and then not even the first commit */
    usleep(chance % 60000);
    long acknowledged = read_acknowledged(pipes[0], *last, acknowledgements);
    CHECK(cut_power());
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(pipes[0]);
    REQUIRE(unmount());
    REQUIRE(mount(device, root, "ext4", 0, NULL) == 0);
    long before = *last;
    check_lake(acknowledged, last);
    *lost += count_lost_controls(before + 1, *last, cycle);
    tarn_base_arena_reset(&arena);
}

static void live(void) {
    long last = 0;
    size_t acknowledgements = 0;
    size_t lost = 0;
    for (int cycle = 0; cycle < CYCLES; cycle++) {
        live_and_die(cycle, &last, &acknowledgements, &lost);
    }
    printf("# %d power cuts, %zu acknowledged commits, %ld found, %zu unsynced files lost\n",
           CYCLES, acknowledgements, last, lost);
    CHECK(acknowledgements > 0);
    CHECK(lost > 0); /* the cut was a cut */
}

static void acknowledged_commits_survive_power_cuts(void) {
    if (geteuid() != 0) TAP_SKIP("mounting a file system needs root");
    const char *image = tarn_base_arena_string(&arena, scratch_at(&scratch, "image"));
    static char mounted[PATH_MAX];
    snprintf(mounted, sizeof(mounted), "%s", scratch_at(&scratch, "disk"));
    root = mounted;
    REQUIRE(mkdir(root, 0700) == 0);
    if (!make_file_system(image)) TAP_SKIP("mkfs.ext4 is missing or failed");
    if (!attach(image)) TAP_SKIP("there is no free loop device");
    if (mount(device, root, "ext4", 0, NULL) != 0) {
        detach();
        TAP_SKIP("the file system could not be mounted");
    }
    live();
    unmount();
    detach();
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    os = tarn_os_posix();
    signal(SIGPIPE, SIG_IGN);
    scratch_make(&scratch);
    tarn_base_arena_init(&arena, 16 * TARN_MIB);
    TAP_TEST(acknowledged_commits_survive_power_cuts);
    tarn_base_arena_dispose(&arena);
    scratch_remove(&scratch);
    return tap_end();
}
