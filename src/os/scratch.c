/* Folders for files that are of use to one process only: spilled rows, files sorted into buckets,
 * outputs that are not complete.
 *
 * The name of such a folder is its owner's word (tarn_os_owner), so it needs not be made before
 * somebody needs it, and whoever comes later can tell whether the process lives. Of processes that
 * nobody here can know of (before a restart, on another machine) the folders go by age.
 */
#include <string.h>

#include "base/limits.h"
#include "os/os.h"

#define DEPTH_MAX 8 /* of folders within a scratch folder; deeper ones are not ours */
#define DAY_MS INT64_C(86400000)
#define UNKNOWN_OWNER_AGE_MS (7 * DAY_MS) /* longer than any statement is thought to run */

bool tarn_os_scratch_path(const TarnOs *os, const char *root, TarnArena *arena, const char **path,
                          TarnError *error) {
    const char *owner = NULL;
    *path = NULL;
    if (!tarn_os_owner(os, arena, &owner, error)) return false;
    *path = tarn_base_arena_printf(arena, "%s/%s", root, owner);
    return tarn_base_arena_check(arena, error);
}

/* Links are removed, never followed. */
static void remove_entry(const TarnOs *os, const char *path, TarnOsKind kind, int depth,
                         TarnArena *arena) {
    TarnOsListing listing = {0};
    if (kind != TARN_OS_DIRECTORY) {
        (void)os->unlink(os, path, NULL, NULL);
        return;
    }
    if (depth == 0 || !os->directory_list(os, path, arena, &listing, NULL)) return;
    for (size_t i = 0; i < listing.count; i++) {
        const char *inner = tarn_base_arena_printf(arena, "%s/%s", path, listing.items[i].name);
        if (inner == NULL) return;
        remove_entry(os, inner, listing.items[i].kind, depth - 1, arena);
    }
    (void)os->directory_remove(os, path, NULL, NULL);
}

static bool is_abandoned(const TarnOs *os, const char *path, const char *name) {
    TarnOsOwner owner = TARN_OS_OWNER_ELSEWHERE;
    TarnOsStat stat;
    if (!tarn_os_owner_state(os, name, &owner, NULL)) return false;
    if (owner != TARN_OS_OWNER_ELSEWHERE) return owner == TARN_OS_OWNER_DEAD;
    return os->stat(os, path, false, &stat, NULL) && stat.kind != TARN_OS_ABSENT &&
           stat.mtime_ns / 1000000 < tarn_os_clock_ms(os) - UNKNOWN_OWNER_AGE_MS;
}

void tarn_os_scratch_sweep(const TarnOs *os, const char *root) {
    TarnArena arena;
    TarnOsListing listing = {0};
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok = os->directory_list(os, root, &arena, &listing, NULL);
    for (size_t i = 0; ok && i < listing.count; i++) {
        const char *name = listing.items[i].name;
        const char *path = tarn_base_arena_printf(&arena, "%s/%s", root, name);
        if (path == NULL || !is_abandoned(os, path, name)) continue;
        remove_entry(os, path, listing.items[i].kind, DEPTH_MAX, &arena);
    }
    tarn_base_arena_dispose(&arena);
}

void tarn_os_scratch_end(const TarnOs *os, const char *path) {
    if (path != NULL) (void)os->directory_remove(os, path, NULL, NULL);
}
