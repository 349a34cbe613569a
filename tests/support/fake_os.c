/* The members of the simulated TarnOs; the disk itself is in fake_os_private.h, what only tests
 * call in fake_os_doors.c.
 */
#include "fake_os_private.h"

/* ---- members: open files ----------------------------------------------------------------- */

static TarnOsFile *new_handle(FakeOs *fake, size_t inode, TarnOsOpen how) {
    TarnOsFile *file = must(calloc(1, sizeof(TarnOsFile)));
    *file = (TarnOsFile){.inode = inode, .generation = fake->generation, .how = how};
    fake->counts.open_files++;
    return file;
}

static bool open_locked(FakeOs *fake, const char *path, TarnOsOpen how, TarnOsFile **file,
                        TarnError *error) {
    size_t parent;
    char last[256];
    size_t inode = walk(fake, path, &parent, last);
    bool reads = how == TARN_OS_READ || how == TARN_OS_READ_STREAM;
    bool exclusive = how == TARN_OS_CREATE || how == TARN_OS_CREATE_SECRET;
    if (inode != NONE && exclusive) return refuse(error, EEXIST, path);
    if (inode != NONE && fake->inodes[inode].is_directory) return refuse(error, EISDIR, path);
    if (inode == NONE && (reads || parent == NONE)) return refuse(error, ENOENT, path);
    if (inode == NONE) {
        inode = add_inode(fake, false);
        enter_name(fake, parent, last, inode);
    }
    *file = new_handle(fake, inode, how);
    return true;
}

static bool fake_file_open(const TarnOs *os, const char *path, TarnOsOpen how, TarnOsFile **file,
                           TarnError *error) {
    FakeOs *fake = os->state;
    *file = NULL;
    lock_fake(fake);
    bool ok = open_locked(fake, path, how, file, error);
    unlock_fake(fake);
    return ok;
}

static bool fake_file_open_unnamed(const TarnOs *os, const char *directory, TarnOsFile **file,
                                   TarnError *error) {
    FakeOs *fake = os->state;
    *file = NULL;
    if (fake->options.no_unnamed) return true;
    lock_fake(fake);
    size_t inode = find_inode(fake, directory);
    bool ok = inode != NONE && fake->inodes[inode].is_directory;
    if (ok) *file = new_handle(fake, add_inode(fake, false), TARN_OS_CREATE);
    unlock_fake(fake);
    return ok || refuse(error, ENOENT, directory);
}

static bool link_inode(FakeOs *fake, size_t inode, const char *path, TarnError *error) {
    size_t parent;
    char last[256];
    size_t existing = walk(fake, path, &parent, last);
    if (existing != NONE) return refuse(error, EEXIST, path);
    if (parent == NONE) return refuse(error, ENOENT, path);
    enter_name(fake, parent, last, inode);
    return true;
}

static bool alive(const FakeOs *fake, const TarnOsFile *file, TarnError *error) {
    return file->generation == fake->generation || refuse(error, EBADF, "file of before the crash");
}

static bool fake_file_link(const TarnOs *os, TarnOsFile *file, const char *path,
                           TarnError *error) {
    FakeOs *fake = os->state;
    lock_fake(fake);
    bool ok = alive(fake, file, error) && link_inode(fake, file->inode, path, error);
    unlock_fake(fake);
    return ok;
}

static size_t shorten(FakeOs *fake, size_t size) {
    if (!fake->options.short_transfers || size < 2) return size;
    return 1 + (size_t)(draw(&fake->chance) % size);
}

static bool fake_file_read(const TarnOs *os, TarnOsFile *file, uint64_t offset, void *data,
                           size_t size, size_t *got, TarnError *error) {
    FakeOs *fake = os->state;
    *got = 0;
    lock_fake(fake);
    bool ok = alive(fake, file, error);
    const Bytes *seen = &fake->inodes[file->inode].seen;
    if (ok && offset < seen->size) {
        size_t left = seen->size - (size_t)offset;
        *got = shorten(fake, size < left ? size : left);
        memcpy(data, seen->data + offset, *got);
    }
    unlock_fake(fake);
    return ok;
}

static bool fake_file_write(const TarnOs *os, TarnOsFile *file, const void *data, size_t size,
                            size_t *written, TarnError *error) {
    FakeOs *fake = os->state;
    *written = 0;
    lock_fake(fake);
    bool ok = alive(fake, file, error);
    size = shorten(fake, size);
    uint64_t capacity = fake->options.capacity_bytes;
    Inode *inode = &fake->inodes[file->inode];
    uint64_t used = used_bytes(fake) + (inode->links == 0 ? inode->seen.size : 0);
    if (ok && capacity != 0 && used + size > capacity) {
        ok = refuse(error, ENOSPC, "disk");
    } else if (ok) {
        append_bytes(&inode->seen, data, size);
        touch(fake, file->inode);
        *written = size;
    }
    unlock_fake(fake);
    return ok;
}

static bool fake_file_writeback(const TarnOs *os, TarnOsFile *file, TarnError *error) {
    FakeOs *fake = os->state;
    lock_fake(fake);
    bool ok = alive(fake, file, error);
    fake->counts.writebacks++;
    if (fake->counts.file_syncs > 0) fake->counts.writebacks_after_sync++;
    unlock_fake(fake);
    return ok;
}

static bool fake_file_sync(const TarnOs *os, TarnOsFile *file, TarnError *error) {
    FakeOs *fake = os->state;
    lock_fake(fake);
    bool ok = alive(fake, file, error) && (sync_inode(fake, &fake->inodes[file->inode]) ||
                                           refuse(error, EIO, "sync"));
    unlock_fake(fake);
    return ok;
}

static void describe(const FakeOs *fake, size_t index, TarnOsStat *stat) {
    const Inode *inode = &fake->inodes[index];
    *stat = (TarnOsStat){.kind = inode->is_directory ? TARN_OS_DIRECTORY : TARN_OS_FILE,
                         .size = inode->seen.size,
                         .mtime_ns = inode->mtime_ns,
                         .inode = index + 1,
                         .device = 1,
                         .links = inode->links};
}

static bool fake_file_stat(const TarnOs *os, TarnOsFile *file, TarnOsStat *stat,
                           TarnError *error) {
    FakeOs *fake = os->state;
    lock_fake(fake);
    bool ok = alive(fake, file, error);
    describe(fake, file->inode, stat);
    unlock_fake(fake);
    return ok;
}

static void drop_lock(FakeOs *fake, TarnOsFile *file) {
    if (file->lock < 0) fake->inodes[file->inode].locks = 0;
    if (file->lock > 0) fake->inodes[file->inode].locks--;
    file->lock = 0;
}

static bool fake_file_try_lock(const TarnOs *os, TarnOsFile *file, bool exclusive, bool *locked,
                               TarnError *error) {
    FakeOs *fake = os->state;
    *locked = false;
    lock_fake(fake);
    bool ok = alive(fake, file, error);
    if (ok) {
        drop_lock(fake, file);
        Inode *inode = &fake->inodes[file->inode];
        *locked = exclusive ? inode->locks == 0 : inode->locks >= 0;
        if (*locked) {
            file->lock = exclusive ? -1 : 1;
            inode->locks = exclusive ? -1 : inode->locks + 1;
        }
    }
    unlock_fake(fake);
    return ok;
}

static bool fake_file_close(const TarnOs *os, TarnOsFile *file, TarnError *error) {
    FakeOs *fake = os->state;
    (void)error;
    if (file == NULL) return true;
    lock_fake(fake);
    if (file->generation == fake->generation) drop_lock(fake, file);
    fake->counts.open_files--;
    unlock_fake(fake);
    free(file);
    return true;
}

/* ---- members: names ---------------------------------------------------------------------- */

static bool fake_stat(const TarnOs *os, const char *path, bool follow, TarnOsStat *stat,
                      TarnError *error) {
    FakeOs *fake = os->state;
    (void)follow;
    (void)error;
    *stat = (TarnOsStat){.kind = TARN_OS_ABSENT};
    lock_fake(fake);
    size_t inode = find_inode(fake, path);
    if (inode != NONE) describe(fake, inode, stat);
    unlock_fake(fake);
    return true;
}

static bool fake_link(const TarnOs *os, const char *from, const char *to, TarnError *error) {
    FakeOs *fake = os->state;
    if (fake->options.no_links) return refuse(error, EOPNOTSUPP, to);
    lock_fake(fake);
    size_t inode = find_inode(fake, from);
    bool ok = inode != NONE ? link_inode(fake, inode, to, error) : refuse(error, ENOENT, from);
    unlock_fake(fake);
    return ok;
}

static bool rename_locked(FakeOs *fake, const char *from, const char *to, bool replace,
                          TarnError *error) {
    size_t from_parent;
    size_t to_parent;
    char from_name[256];
    char to_name[256];
    size_t inode = walk(fake, from, &from_parent, from_name);
    size_t existing = walk(fake, to, &to_parent, to_name);
    if (inode == NONE) return refuse(error, ENOENT, from);
    if (to_parent == NONE) return refuse(error, ENOENT, to);
    if (existing != NONE && !replace) return refuse(error, EEXIST, to);
    if (existing != NONE && fake->inodes[existing].is_directory) return refuse(error, EISDIR, to);
    if (existing == inode) return true;
    if (existing != NONE) fake->inodes[existing].links--;
    enter_name(fake, to_parent, to_name, inode);
    remove_name(&fake->inodes[from_parent].names, from_name);
    fake->inodes[inode].links--;
    touch(fake, from_parent);
    return true;
}

static bool fake_rename(const TarnOs *os, const char *from, const char *to, bool replace,
                        TarnError *error) {
    FakeOs *fake = os->state;
    lock_fake(fake);
    bool ok = rename_locked(fake, from, to, replace, error);
    unlock_fake(fake);
    return ok;
}

static bool remove_locked(FakeOs *fake, const char *path, bool directory, bool *existed,
                          TarnError *error) {
    size_t parent;
    char last[256];
    size_t inode = walk(fake, path, &parent, last);
    if (existed != NULL) *existed = inode != NONE;
    if (inode == NONE) return true;
    if (fake->inodes[inode].is_directory != directory) {
        return refuse(error, directory ? ENOTDIR : EISDIR, path);
    }
    if (fake->inodes[inode].names.count > 0) return refuse(error, ENOTEMPTY, path);
    remove_name(&fake->inodes[parent].names, last);
    fake->inodes[inode].links--;
    touch(fake, parent);
    return true;
}

static bool fake_unlink(const TarnOs *os, const char *path, bool *existed, TarnError *error) {
    FakeOs *fake = os->state;
    lock_fake(fake);
    bool ok = remove_locked(fake, path, false, existed, error);
    unlock_fake(fake);
    return ok;
}

static bool fake_directory_remove(const TarnOs *os, const char *path, bool *existed,
                                  TarnError *error) {
    FakeOs *fake = os->state;
    lock_fake(fake);
    bool ok = remove_locked(fake, path, true, existed, error);
    unlock_fake(fake);
    return ok;
}

static bool create_directory(FakeOs *fake, const char *path, bool *created, TarnError *error) {
    size_t parent;
    char last[256];
    size_t inode = walk(fake, path, &parent, last);
    if (created != NULL) *created = inode == NONE;
    if (inode != NONE) return fake->inodes[inode].is_directory || refuse(error, EEXIST, path);
    if (parent == NONE) return refuse(error, ENOENT, path);
    inode = add_inode(fake, true);
    enter_name(fake, parent, last, inode);
    return true;
}

static bool fake_directory_create(const TarnOs *os, const char *path, bool *created,
                                  TarnError *error) {
    FakeOs *fake = os->state;
    lock_fake(fake);
    bool ok = create_directory(fake, path, created, error);
    unlock_fake(fake);
    return ok;
}

static bool fake_directory_sync(const TarnOs *os, const char *path, TarnError *error) {
    FakeOs *fake = os->state;
    lock_fake(fake);
    size_t index = find_inode(fake, path);
    bool ok = index != NONE && fake->inodes[index].is_directory;
    if (ok) {
        copy_names(&fake->inodes[index].synced_names, &fake->inodes[index].names);
        fake->counts.directory_syncs++;
    }
    unlock_fake(fake);
    return ok || refuse(error, ENOENT, path);
}

static int compare_entries(const void *a, const void *b) {
    return strcmp(((const TarnOsEntry *)a)->name, ((const TarnOsEntry *)b)->name);
}

static bool fake_directory_list(const TarnOs *os, const char *path, TarnArena *arena,
                                TarnOsListing *listing, TarnError *error) {
    FakeOs *fake = os->state;
    *listing = (TarnOsListing){0};
    lock_fake(fake);
    size_t index = find_inode(fake, path);
    bool ok = index != NONE && fake->inodes[index].is_directory;
    if (!ok) refuse(error, index == NONE ? ENOENT : ENOTDIR, path);
    for (size_t i = 0; ok && i < fake->inodes[index].names.count; i++) {
        const Name *name = &fake->inodes[index].names.items[i];
        TarnOsEntry *entry = TARN_PUSH(arena, listing);
        if (entry == NULL) break;
        entry->name = tarn_base_arena_string(arena, name->text);
        entry->kind = fake->inodes[name->inode].is_directory ? TARN_OS_DIRECTORY : TARN_OS_FILE;
    }
    unlock_fake(fake);
    if (!ok || !tarn_base_arena_check(arena, error)) return false;
    if (listing->count > 1) {
        qsort(listing->items, listing->count, sizeof(*listing->items), compare_entries);
    }
    return true;
}

static bool fake_real_path(const TarnOs *os, const char *path, TarnArena *arena, const char **real,
                           TarnError *error) {
    FakeOs *fake = os->state;
    *real = NULL;
    lock_fake(fake);
    size_t inode = find_inode(fake, path);
    unlock_fake(fake);
    if (inode == NONE) return refuse(error, ENOENT, path);
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/') size--;
    *real = tarn_base_arena_string_n(arena, path, size);
    return tarn_base_arena_check(arena, error);
}

static bool fake_volume(const TarnOs *os, const char *path, TarnOsVolume *volume,
                        TarnError *error) {
    FakeOs *fake = os->state;
    (void)path;
    (void)error;
    lock_fake(fake);
    uint64_t total = fake->options.capacity_bytes != 0 ? fake->options.capacity_bytes : UINT64_MAX;
    *volume = (TarnOsVolume){.free_bytes = total - used_bytes(fake), .total_bytes = total};
    unlock_fake(fake);
    return true;
}

/* ---- members: the rest ------------------------------------------------------------------- */

static int64_t fake_clock_us(const TarnOs *os) {
    FakeOs *fake = os->state;
    lock_fake(fake);
    int64_t now = fake->now_us;
    unlock_fake(fake);
    return now;
}

static bool fake_sleep_us(const TarnOs *os, int64_t us, TarnError *error) {
    FakeOs *fake = os->state;
    if (!tarn_os_interrupt_check(error)) return false;
    lock_fake(fake);
    fake->now_us += us > 0 ? us : 0;
    unlock_fake(fake);
    return true;
}

static bool fake_random(const TarnOs *os, void *data, size_t size, TarnError *error) {
    FakeOs *fake = os->state;
    (void)error;
    lock_fake(fake);
    for (size_t i = 0; i < size; i++) ((uint8_t *)data)[i] = (uint8_t)draw(&fake->chance);
    unlock_fake(fake);
    return true;
}

static const char *fake_environment(const TarnOs *os, const char *name) {
    const FakeOs *fake = os->state;
    return strcmp(fake->variable[0], name) == 0 ? fake->variable[1] : NULL;
}

static bool fake_current_directory(const TarnOs *os, TarnArena *arena, const char **path,
                                   TarnError *error) {
    (void)os;
    *path = tarn_base_arena_string(arena, "/");
    return tarn_base_arena_check(arena, error);
}

static bool fake_executable_path(const TarnOs *os, TarnArena *arena, const char **path,
                                 TarnError *error) {
    (void)os;
    *path = tarn_base_arena_string(arena, "/bin/tarn");
    return tarn_base_arena_check(arena, error);
}

static TarnOsTerminal fake_terminal(const TarnOs *os, TarnOsStream stream) {
    (void)os;
    (void)stream;
    return (TarnOsTerminal){0};
}

static uint32_t fake_processors(const TarnOs *os) {
    (void)os;
    return 2;
}

static int64_t fake_process_id(const TarnOs *os) {
    (void)os;
    return 100;
}

/* After each crash the next process has the next start time, the ones before are gone. */
static int64_t fake_process_started(const TarnOs *os, int64_t process_id) {
    const FakeOs *fake = os->state;
    return process_id == 100 ? 1000 + (int64_t)fake->generation : 0;
}

static bool fake_process_space(const TarnOs *os, TarnArena *arena, const char **space,
                               TarnError *error) {
    (void)os;
    *space = tarn_base_arena_string(arena, "fake");
    return tarn_base_arena_check(arena, error);
}

/* ---- the test's own doors ---------------------------------------------------------------- */

FakeOs *fake_os_new(const FakeOsOptions *options) {
    FakeOs *fake = must(calloc(1, sizeof(FakeOs)));
    if (options != NULL) fake->options = *options;
    fake->chance = fake->options.seed;
    fake->now_us = 1767225600000000; /* 2026-01-01 */
    pthread_mutex_init(&fake->lock, NULL);
    add_inode(fake, true);
#define TAKE(name) .name = fake_##name
    fake->os = (TarnOs){
        .state = fake, TAKE(file_open), TAKE(file_open_unnamed), TAKE(file_link),
        TAKE(file_read), TAKE(file_write), TAKE(file_writeback), TAKE(file_sync),
        TAKE(file_stat), TAKE(file_try_lock), TAKE(file_close), TAKE(stat), TAKE(link),
        TAKE(rename), TAKE(unlink), TAKE(directory_create), TAKE(directory_remove),
        TAKE(directory_sync), TAKE(directory_list), TAKE(real_path), TAKE(volume),
        TAKE(clock_us), .monotonic_us = fake_clock_us, TAKE(sleep_us), TAKE(random),
        TAKE(environment), TAKE(current_directory), TAKE(executable_path), TAKE(terminal),
        TAKE(processors), TAKE(process_id), TAKE(process_started), TAKE(process_space)};
    return fake;
}

void fake_os_free(FakeOs *fake) {
    for (size_t i = 0; i < fake->inode_count; i++) {
        free(fake->inodes[i].seen.data);
        free(fake->inodes[i].synced.data);
        clear_names(&fake->inodes[i].names);
        clear_names(&fake->inodes[i].synced_names);
    }
    free(fake->inodes);
    pthread_mutex_destroy(&fake->lock);
    free(fake);
}

const TarnOs *fake_os(FakeOs *fake) { return &fake->os; }
