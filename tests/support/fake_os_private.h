/* The model of the simulated disk, for the files of fake_os: inodes live in a table until the end,
 * so that names, open files and the durable state may refer to them by number; each holds its
 * content twice, as seen and as synced, and a folder its names twice likewise. One mutex guards
 * everything: the fake is for tests, where being right matters more than being fast. A step of the
 * model that runs out of memory aborts.
 */
#ifndef TARN_TESTS_FAKE_OS_PRIVATE_H
#define TARN_TESTS_FAKE_OS_PRIVATE_H

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_os.h"

#define UNUSED __attribute__((unused))

typedef struct Bytes {
    char *data;
    size_t size;
} Bytes;

typedef struct Name {
    char *text;
    size_t inode;
} Name;

typedef struct Names {
    Name *items;
    size_t count;
} Names;

typedef struct Inode {
    bool is_directory;
    Bytes seen;
    Bytes synced;
    Names names;
    Names synced_names;
    uint64_t links;
    int64_t mtime_ns;
    int locks; /* -1 = exclusive, n = shared n times */
    bool is_lost; /* a sync failed: what it was for is never written */
    bool is_random; /* written at any place, also over what was synced */
} Inode;

struct FakeOs {
    TarnOs os;
    FakeOsOptions options;
    pthread_mutex_t lock;
    Inode *inodes;
    size_t inode_count;
    uint64_t chance;
    int64_t now_us;
    uint64_t generation; /* crashes so far: open files of an older one are dead */
    FakeOsCounts counts;
    long syncs_until_failure; /* 0 = none fails */
    char variable[2][256];
};

struct TarnOsFile {
    size_t inode;
    uint64_t generation;
    TarnOsOpen how;
    int lock;
};

#define ROOT ((size_t)0)
#define SECTOR ((size_t)512)
#define NONE SIZE_MAX

UNUSED static void *must(void *memory) {
    if (memory == NULL) abort();
    return memory;
}

UNUSED static void lock_fake(FakeOs *fake) {
    if (pthread_mutex_lock(&fake->lock) != 0) abort();
}

UNUSED static void unlock_fake(FakeOs *fake) { pthread_mutex_unlock(&fake->lock); }

UNUSED static bool refuse(TarnError *error, int errno_value, const char *path) {
    TarnErrorCode code = errno_value == EEXIST                              ? TARN_E_OBJECT_EXISTS
                         : errno_value == ENOENT || errno_value == ENOTDIR ? TARN_E_OBJECT_NOT_FOUND
                         : errno_value == EOPNOTSUPP ? TARN_E_FORMAT_UNSUPPORTED
                                                     : TARN_E_IO;
    return tarn_base_error_set_errno(error, code, errno_value, "fake: \"%s\"", path);
}

/* SplitMix64: every seed gives an own, well mixed sequence. */
UNUSED static uint64_t draw(uint64_t *state) {
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* ---- content and names ------------------------------------------------------------------- */

UNUSED static void set_bytes(Bytes *bytes, const char *data, size_t size) {
    char *copy = must(malloc(size + 1));
    if (size > 0) memcpy(copy, data, size);
    free(bytes->data);
    *bytes = (Bytes){copy, size};
}

UNUSED static void append_bytes(Bytes *bytes, const char *data, size_t size) {
    bytes->data = must(realloc(bytes->data, bytes->size + size + 1));
    if (size > 0) memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

UNUSED static size_t find_name(const Names *names, const char *text, size_t size) {
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->items[i].text;
        if (strlen(name) == size && memcmp(name, text, size) == 0) return i;
    }
    return NONE;
}

UNUSED static void put_name(Names *names, const char *text, size_t inode) {
    size_t at = find_name(names, text, strlen(text));
    if (at == NONE) {
        names->items = must(realloc(names->items, (names->count + 1) * sizeof(Name)));
        at = names->count++;
        names->items[at].text = must(strdup(text));
    }
    names->items[at].inode = inode;
}

UNUSED static void remove_name(Names *names, const char *text) {
    size_t at = find_name(names, text, strlen(text));
    if (at == NONE) return;
    free(names->items[at].text);
    names->items[at] = names->items[--names->count];
}

UNUSED static void clear_names(Names *names) {
    for (size_t i = 0; i < names->count; i++) free(names->items[i].text);
    free(names->items);
    *names = (Names){0};
}

UNUSED static void copy_names(Names *to, const Names *from) {
    clear_names(to);
    for (size_t i = 0; i < from->count; i++) {
        put_name(to, from->items[i].text, from->items[i].inode);
    }
}

UNUSED static size_t add_inode(FakeOs *fake, bool is_directory) {
    fake->inodes = must(realloc(fake->inodes, (fake->inode_count + 1) * sizeof(Inode)));
    fake->inodes[fake->inode_count] =
        (Inode){.is_directory = is_directory, .mtime_ns = fake->now_us * 1000};
    return fake->inode_count++;
}

/* Walks to `path`. *parent is the folder that holds, or would hold, the last name, which is copied
 * to `last`; NONE if the path to it does not exist. */
UNUSED static size_t walk(const FakeOs *fake, const char *path, size_t *parent, char last[256]) {
    size_t at = ROOT;
    *parent = NONE;
    last[0] = '\0';
    for (;;) {
        while (*path == '/') path++;
        size_t size = strcspn(path, "/");
        if (size == 0) return at;
        if (size == 1 && *path == '.') {
            path++;
            continue;
        }
        if (at == NONE || !fake->inodes[at].is_directory || size > 255) {
            *parent = NONE;
            return NONE;
        }
        memcpy(last, path, size);
        last[size] = '\0';
        *parent = at;
        size_t index = find_name(&fake->inodes[at].names, path, size);
        at = index == NONE ? NONE : fake->inodes[at].names.items[index].inode;
        path += size;
    }
}

UNUSED static size_t find_inode(const FakeOs *fake, const char *path) {
    size_t parent;
    char last[256];
    return walk(fake, path, &parent, last);
}

UNUSED static void touch(FakeOs *fake, size_t inode) {
    fake->inodes[inode].mtime_ns = fake->now_us * 1000 + (int64_t)(draw(&fake->chance) % 1000);
}

UNUSED static void enter_name(FakeOs *fake, size_t directory, const char *name, size_t inode) {
    put_name(&fake->inodes[directory].names, name, inode);
    fake->inodes[inode].links++;
    touch(fake, directory);
}

UNUSED static uint64_t used_bytes(const FakeOs *fake) {
    uint64_t used = 0;
    for (size_t i = 0; i < fake->inode_count; i++) {
        if (fake->inodes[i].links > 0) used += fake->inodes[i].seen.size;
    }
    return used;
}

UNUSED static bool sync_inode(FakeOs *fake, Inode *inode) {
    if (fake->syncs_until_failure > 0 && --fake->syncs_until_failure == 0) {
        inode->is_lost = true;
        return false;
    }
    if (!inode->is_lost) set_bytes(&inode->synced, inode->seen.data, inode->seen.size);
    fake->counts.file_syncs++;
    return true;
}

#endif
