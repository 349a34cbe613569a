/* What tests do to the simulated disk: power cuts, copies, counts, and files that are written at
 * any place, for fake_vfs.c.
 */
#include "fake_os_private.h"

FakeOs *fake_os_clone(FakeOs *fake) {
    FakeOs *copy = fake_os_new(&fake->options);
    lock_fake(fake);
    copy->inodes = must(realloc(copy->inodes, fake->inode_count * sizeof(Inode)));
    copy->inode_count = fake->inode_count;
    for (size_t i = 0; i < fake->inode_count; i++) {
        const Inode *from = &fake->inodes[i];
        Inode *to = &copy->inodes[i];
        *to = *from;
        to->locks = 0;
        to->seen = to->synced = (Bytes){0};
        to->names = to->synced_names = (Names){0};
        set_bytes(&to->seen, from->seen.data, from->seen.size);
        set_bytes(&to->synced, from->synced.data, from->synced.size);
        copy_names(&to->names, &from->names);
        copy_names(&to->synced_names, &from->synced_names);
    }
    copy->chance = fake->chance;
    copy->now_us = fake->now_us;
    copy->generation = fake->generation;
    memcpy(copy->variable, fake->variable, sizeof(copy->variable));
    unlock_fake(fake);
    return copy;
}

void fake_os_fail_sync(FakeOs *fake, long n) {
    lock_fake(fake);
    fake->syncs_until_failure = n;
    unlock_fake(fake);
}

/* ---- files that are written at any place ------------------------------------------------- */

size_t fake_os_file_at(FakeOs *fake, const char *path, bool create) {
    size_t parent;
    char last[256];
    lock_fake(fake);
    size_t inode = walk(fake, path, &parent, last);
    if (inode != NONE && fake->inodes[inode].is_directory) inode = NONE;
    if (inode == NONE && create && parent != NONE) {
        inode = add_inode(fake, false);
        enter_name(fake, parent, last, inode);
    }
    unlock_fake(fake);
    return inode;
}

size_t fake_os_file_get(FakeOs *fake, size_t file, uint64_t offset, void *data, size_t size) {
    lock_fake(fake);
    const Bytes *seen = &fake->inodes[file].seen;
    size_t there = offset < seen->size ? seen->size - (size_t)offset : 0;
    if (there > size) there = size;
    if (there > 0) memcpy(data, seen->data + offset, there);
    unlock_fake(fake);
    return there;
}

bool fake_os_file_put(FakeOs *fake, size_t file, uint64_t offset, const void *data, size_t size) {
    lock_fake(fake);
    Inode *inode = &fake->inodes[file];
    uint64_t end = offset + size;
    uint64_t grows = end > inode->seen.size ? end - inode->seen.size : 0;
    uint64_t capacity = fake->options.capacity_bytes;
    bool ok = capacity == 0 || grows == 0 || used_bytes(fake) + grows <= capacity;
    if (ok) {
        if (grows > 0) {
            inode->seen.data = must(realloc(inode->seen.data, end + 1));
            memset(inode->seen.data + inode->seen.size, 0, grows);
            inode->seen.size = end;
        }
        memcpy(inode->seen.data + offset, data, size);
        inode->is_random = true;
        touch(fake, file);
    }
    unlock_fake(fake);
    return ok;
}

void fake_os_file_cut(FakeOs *fake, size_t file, uint64_t size) {
    lock_fake(fake);
    Inode *inode = &fake->inodes[file];
    if (size < inode->seen.size) inode->seen.size = size;
    inode->is_random = true;
    unlock_fake(fake);
}

bool fake_os_file_flush(FakeOs *fake, size_t file) {
    lock_fake(fake);
    bool ok = sync_inode(fake, &fake->inodes[file]);
    unlock_fake(fake);
    return ok;
}

uint64_t fake_os_file_size(FakeOs *fake, size_t file) {
    lock_fake(fake);
    uint64_t size = fake->inodes[file].seen.size;
    unlock_fake(fake);
    return size;
}

/* Chooses, name by name, between the synced and the seen state of a folder. */
static void settle_names(Inode *inode, uint64_t *chance) {
    Names result = {0};
    for (size_t i = 0; i < inode->synced_names.count; i++) {
        const Name *old = &inode->synced_names.items[i];
        size_t at = find_name(&inode->names, old->text, strlen(old->text));
        bool keep_old = *chance == 0 || draw(chance) % 2 == 0;
        if (keep_old) {
            put_name(&result, old->text, old->inode);
        } else if (at != NONE) {
            put_name(&result, old->text, inode->names.items[at].inode);
        }
    }
    for (size_t i = 0; i < inode->names.count; i++) {
        const Name *new = &inode->names.items[i];
        bool known = find_name(&inode->synced_names, new->text, strlen(new->text)) != NONE;
        if (!known && *chance != 0 && draw(chance) % 2 == 0) {
            put_name(&result, new->text, new->inode);
        }
    }
    copy_names(&inode->names, &result);
    copy_names(&inode->synced_names, &result);
    clear_names(&result);
}

/* Sector by sector what was synced or what was seen; beyond what was synced, zeros or seen. */
static void settle_sectors(Inode *inode, uint64_t *chance) {
    Bytes seen = inode->seen;
    const Bytes *synced = &inode->synced;
    size_t size = draw(chance) % 2 == 0 ? seen.size : synced->size;
    char *data = must(calloc(1, size + 1));
    for (size_t at = 0; at < size; at += SECTOR) {
        const Bytes *from = draw(chance) % 2 == 0 ? &seen : synced;
        size_t length = size - at < SECTOR ? size - at : SECTOR;
        size_t there = from->size > at ? from->size - at : 0;
        if (there > 0) memcpy(data + at, from->data + at, there < length ? there : length);
    }
    free(inode->seen.data);
    inode->seen = (Bytes){data, size};
    set_bytes(&inode->synced, data, size);
}

static bool same_bytes(const Bytes *a, const Bytes *b) {
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static void settle_content(Inode *inode, uint64_t *chance) {
    uint64_t choice = *chance == 0 ? 0 : draw(chance) % 4;
    inode->is_lost = false;
    if (same_bytes(&inode->seen, &inode->synced)) return;
    if (choice == 3 || (choice == 2 && inode->is_random)) {
        settle_sectors(inode, chance);
        return;
    }
    Bytes seen = inode->seen;
    inode->seen = (Bytes){0};
    size_t size = choice == 0 ? inode->synced.size : seen.size;
    /* What was synced is never cut: these files only grow. */
    if (choice == 2 && seen.size > inode->synced.size) {
        size = inode->synced.size + (size_t)(draw(chance) % (seen.size - inode->synced.size));
    }
    set_bytes(&inode->seen, choice == 0 ? inode->synced.data : seen.data, size);
    set_bytes(&inode->synced, inode->seen.data, size);
    free(seen.data);
}

void fake_os_crash(FakeOs *fake, uint64_t seed) {
    lock_fake(fake);
    uint64_t chance = seed;
    for (size_t i = 0; i < fake->inode_count; i++) {
        Inode *inode = &fake->inodes[i];
        if (inode->is_directory) {
            settle_names(inode, &chance);
        } else {
            settle_content(inode, &chance);
        }
        inode->locks = 0;
        inode->links = 0;
    }
    for (size_t i = 0; i < fake->inode_count; i++) {
        const Names *names = &fake->inodes[i].names;
        for (size_t k = 0; k < names->count; k++) fake->inodes[names->items[k].inode].links++;
    }
    fake->generation++;
    unlock_fake(fake);
}

void fake_os_restart(FakeOs *fake) {
    lock_fake(fake);
    for (size_t i = 0; i < fake->inode_count; i++) fake->inodes[i].locks = 0;
    fake->generation++;
    unlock_fake(fake);
}

FakeOsCounts fake_os_counts(FakeOs *fake) {
    lock_fake(fake);
    FakeOsCounts counts = fake->counts;
    unlock_fake(fake);
    return counts;
}

void fake_os_reset_counts(FakeOs *fake) {
    lock_fake(fake);
    fake->counts = (FakeOsCounts){.open_files = fake->counts.open_files};
    unlock_fake(fake);
}

size_t fake_os_count_names(FakeOs *fake, const char *prefix) {
    lock_fake(fake);
    size_t count = 0;
    for (size_t i = 0; i < fake->inode_count; i++) {
        const Names *names = &fake->inodes[i].names;
        for (size_t k = 0; k < names->count; k++) {
            bool is_file = !fake->inodes[names->items[k].inode].is_directory;
            if (is_file && strncmp(names->items[k].text, prefix, strlen(prefix)) == 0) count++;
        }
    }
    unlock_fake(fake);
    return count;
}

void fake_os_set_clock_us(FakeOs *fake, int64_t us) {
    lock_fake(fake);
    fake->now_us = us;
    unlock_fake(fake);
}

void fake_os_set_environment(FakeOs *fake, const char *name, const char *value) {
    snprintf(fake->variable[0], sizeof(fake->variable[0]), "%s", name);
    snprintf(fake->variable[1], sizeof(fake->variable[1]), "%s", value);
}
