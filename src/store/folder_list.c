/* Listing a folder store: depth first, in the order of the whole locations' bytes.
 *
 * That order is the one an object store answers in. It is not the order of the names in each
 * folder: "a-b" sorts before "a/c", because '-' is less than '/'. So a folder takes part in the
 * sorting with a slash behind its name.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "store/folder_private.h"

#define LOCATION_BYTES_MAX ((size_t)64 * 1024)

typedef struct ListJob {
    const TarnOs *os;
    const char *prefix;
    TarnStoreVisit visit;
    void *state;
    TarnBuffer location; /* of what is being looked at; grows and shrinks with the walk */
} ListJob;

void tarn_store__folder_describe(const TarnOsStat *stat, const char *location,
                                 TarnStoreObject *object) {
    *object = (TarnStoreObject){.location = location,
                                .exists = true,
                                .size = stat->size,
                                .mtime_us = stat->mtime_ns / 1000};
    snprintf(object->etag, sizeof(object->etag), "%llx-%llx-%llx",
             (unsigned long long)stat->inode, (unsigned long long)stat->size,
             (unsigned long long)stat->mtime_ns);
}

/* The byte at `at` of the name as it stands in a location; -1 behind its end. */
static int sort_byte(const TarnOsEntry *entry, size_t size, size_t at) {
    if (at < size) return (unsigned char)entry->name[at];
    return at == size && entry->kind == TARN_OS_DIRECTORY ? '/' : -1;
}

static int compare_in_location(const void *left, const void *right) {
    const TarnOsEntry *a = left;
    const TarnOsEntry *b = right;
    size_t a_size = strlen(a->name);
    size_t b_size = strlen(b->name);
    for (size_t i = 0;; i++) {
        int x = sort_byte(a, a_size, i);
        int y = sort_byte(b, b_size, i);
        if (x != y) return x < y ? -1 : 1;
        if (x < 0) return 0;
    }
}

static void cut_location(TarnBuffer *location, size_t size) {
    location->size = size;
    location->data[size] = '\0';
}

static bool visit_file(ListJob *job, TarnError *error) {
    TarnOsStat stat;
    TarnStoreObject object;
    const char *location = job->location.data;
    if (!job->os->stat(job->os, tarn_store__folder_path(location), false, &stat, error)) {
        return false;
    }
    if (stat.kind != TARN_OS_FILE) return true; /* gone or replaced since the folder was read */
    tarn_store__folder_describe(&stat, location, &object);
    return job->visit(job->state, &object, error);
}

static bool list_folder(ListJob *job, unsigned depth, TarnError *error);

static bool visit_entries(ListJob *job, const TarnOsListing *listing, unsigned depth,
                          TarnError *error) {
    size_t size = job->location.size;
    for (size_t i = 0; i < listing->count; i++) {
        const TarnOsEntry *entry = &listing->items[i];
        if (entry->kind != TARN_OS_FILE && entry->kind != TARN_OS_DIRECTORY) continue;
        if (!tarn_os_interrupt_check(error)) return false;
        if (size == 0 || job->location.data[size - 1] != '/') {
            tarn_base_buffer_byte(&job->location, '/');
        }
        tarn_base_buffer_string(&job->location, entry->name);
        if (!tarn_base_buffer_check(&job->location, error)) return false;
        bool ok = entry->kind == TARN_OS_FILE ? visit_file(job, error)
                                              : list_folder(job, depth + 1, error);
        if (!ok) return false;
        cut_location(&job->location, size);
    }
    return true;
}

static bool list_folder(ListJob *job, unsigned depth, TarnError *error) {
    TarnArena arena;
    TarnOsListing listing;
    TarnError reason;
    if (depth > TARN_LIMIT_NESTING) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "cannot list \"%s\": folders nest more than %d levels",
                                   job->prefix, TARN_LIMIT_NESTING);
    }
    tarn_base_error_clear(&reason);
    tarn_base_arena_init(&arena, TARN_LIMIT_FOLDER_NAMES_BYTES);
    const char *path = tarn_store__folder_path(job->location.data);
    bool ok = job->os->directory_list(job->os, path, &arena, &listing, &reason);
    if (ok) {
        if (listing.count > 1) {
            qsort(listing.items, listing.count, sizeof(*listing.items), compare_in_location);
        }
        ok = visit_entries(job, &listing, depth, error);
    } else if (reason.code == TARN_E_OBJECT_NOT_FOUND) {
        ok = true; /* never was, or gone since */
    } else if (error != NULL) {
        *error = reason;
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

bool tarn_store__folder_list(TarnStore *store, const char *prefix, TarnStoreVisit visit,
                             void *state, TarnError *error) {
    ListJob job = {.os = store->os, .prefix = prefix, .visit = visit, .state = state};
    tarn_base_buffer_init(&job.location, LOCATION_BYTES_MAX);
    size_t size = strlen(prefix);
    size_t least = (size_t)(tarn_store__folder_path(prefix) - prefix) + 1;
    while (size > least && prefix[size - 1] == '/') size--;
    tarn_base_buffer_append(&job.location, prefix, size);
    bool ok = tarn_base_buffer_check(&job.location, error) && list_folder(&job, 1, error);
    tarn_base_buffer_dispose(&job.location);
    return ok;
}
