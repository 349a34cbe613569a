/* Which files a load reads: patterns expanded, hashes taken, changes noticed.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "flow/load_private.h"

#define HASH_PIECE_BYTES (1024 * 1024)
/* Folders below a pattern's start; a loop of links cannot go on for ever. */
#define DEPTH_MAX 64

typedef struct Expansion {
    const TarnOs *os;
    TarnArena *arena;
    TarnLoadFiles *files;
    TarnError *error;
} Expansion;

static bool has_wildcard(TarnText text) {
    for (size_t i = 0; i < text.size; i++) {
        if (strchr("*?[", text.data[i]) != NULL) return true;
    }
    return false;
}

static bool add_file(Expansion *expansion, const char *path, const TarnOsStat *stat) {
    for (size_t i = 0; i < expansion->files->count; i++) {
        if (strcmp(expansion->files->items[i].path, path) == 0) return true;
    }
    TarnLoadFile *file = TARN_PUSH(expansion->arena, expansion->files);
    if (file == NULL) return tarn_base_arena_check(expansion->arena, expansion->error);
    file->path = tarn_base_arena_string(expansion->arena, path);
    file->size = stat->size;
    file->mtime_ns = stat->mtime_ns;
    file->inode = stat->inode;
    return tarn_base_arena_check(expansion->arena, expansion->error);
}

static bool add_folder(Expansion *expansion, const char *folder, int depth);

/* A path that exists: a file is taken, a folder with all its files. */
static bool add_path(Expansion *expansion, const char *path, int depth) {
    TarnOsStat stat;
    if (!expansion->os->stat(expansion->os, path, true, &stat, expansion->error)) return false;
    if (stat.kind == TARN_OS_FILE) return add_file(expansion, path, &stat);
    return stat.kind != TARN_OS_DIRECTORY || add_folder(expansion, path, depth + 1);
}

static bool add_folder(Expansion *expansion, const char *folder, int depth) {
    TarnOsListing listing = {0};
    if (depth > DEPTH_MAX) return true;
    if (!expansion->os->directory_list(expansion->os, folder, expansion->arena, &listing,
                                       expansion->error)) {
        return false;
    }
    for (size_t i = 0; i < listing.count; i++) {
        const char *name = listing.items[i].name;
        if (name[0] == '.' || name[0] == '_') continue; /* hidden; _SUCCESS and the like */
        const char *path = tarn_base_arena_printf(expansion->arena, "%s/%s", folder, name);
        if (path == NULL || !add_path(expansion, path, depth)) {
            return tarn_base_arena_check(expansion->arena, expansion->error) && path != NULL;
        }
    }
    return true;
}

/* Matches the pattern's next component in `folder` ("" = root or current), then the rest. */
static bool match_below(Expansion *expansion, const char *folder, TarnText pattern, int depth) {
    TarnText rest;
    TarnText part = tarn_base_text_split(pattern, '/', &rest);
    TarnOsListing listing = {0};
    if (depth > DEPTH_MAX) return true;
    char *glob = tarn_base_text_string(expansion->arena, part);
    if (glob == NULL) return tarn_base_arena_check(expansion->arena, expansion->error);
    bool any_depth = strcmp(glob, "**") == 0;
    if (any_depth && !(rest.data != NULL ? match_below(expansion, folder, rest, depth + 1)
                                         : add_folder(expansion, folder, depth))) {
        return false;
    }
    const char *listed = folder[0] != '\0' ? folder : ".";
    TarnOsStat stat;
    if (!expansion->os->stat(expansion->os, listed, true, &stat, expansion->error)) return false;
    if (stat.kind != TARN_OS_DIRECTORY) return true;
    if (!expansion->os->directory_list(expansion->os, listed, expansion->arena, &listing,
                                       expansion->error)) {
        return false;
    }
    for (size_t i = 0; i < listing.count; i++) {
        const char *name = listing.items[i].name;
        if (fnmatch(any_depth ? "*" : glob, name, FNM_PERIOD) != 0) continue;
        const char *path = folder[0] == '\0' ? name
                           : tarn_base_arena_printf(expansion->arena, "%s%s%s", folder,
                                                    strcmp(folder, "/") == 0 ? "" : "/", name);
        if (path == NULL) return tarn_base_arena_check(expansion->arena, expansion->error);
        bool ok = any_depth            ? match_below(expansion, path, pattern, depth + 1)
                  : rest.data != NULL  ? match_below(expansion, path, rest, depth + 1)
                                       : add_path(expansion, path, depth);
        if (!ok) return false;
    }
    return true;
}

/* Splits off the part of a pattern before its first wildcard component. */
static bool expand_pattern(Expansion *expansion, const char *pattern) {
    TarnText whole = tarn_base_text(pattern);
    size_t start = 0;
    for (size_t i = 0; i < whole.size && !has_wildcard((TarnText){whole.data, i + 1}); i++) {
        if (whole.data[i] == '/') start = i + 1;
    }
    size_t folder_size = start > 1 ? start - 1 : start;
    const char *folder =
        tarn_base_text_string(expansion->arena, (TarnText){whole.data, folder_size});
    if (folder == NULL) return tarn_base_arena_check(expansion->arena, expansion->error);
    return match_below(expansion, folder, (TarnText){whole.data + start, whole.size - start}, 0);
}

static bool expand_one(Expansion *expansion, const char *path) {
    TarnOsStat stat;
    size_t before = expansion->files->count;
    if (!expansion->os->stat(expansion->os, path, true, &stat, expansion->error)) return false;
    if (stat.kind != TARN_OS_ABSENT) {
        /* An existing name wins over its reading as a pattern. */
        if (!add_path(expansion, path, 0)) return false;
    } else if (has_wildcard(tarn_base_text(path)) && !expand_pattern(expansion, path)) {
        return false;
    }
    if (expansion->files->count > before || stat.kind == TARN_OS_DIRECTORY) return true;
    tarn_base_error_set(expansion->error, TARN_E_SOURCE_NOT_FOUND,
                        stat.kind == TARN_OS_ABSENT ? "no file matches \"%s\""
                                                    : "\"%s\" is not a regular file",
                        path);
    return tarn_base_error_hint(expansion->error, "paths are relative to where the command runs; "
                                                  "those in tarn.yaml to the lake's folder");
}

bool tarn_flow__load_expand(const TarnOs *os, const char *const *paths, size_t count,
                            TarnArena *arena, TarnLoadFiles *files, TarnError *error) {
    Expansion expansion = {.os = os, .arena = arena, .files = files, .error = error};
    for (size_t i = 0; i < count; i++) {
        if (!expand_one(&expansion, paths[i])) return false;
    }
    return true;
}

bool tarn_flow__load_hash(const TarnOs *os, TarnLoadFile *file, TarnError *error) {
    TarnOsFile *open_file = NULL;
    uint8_t *piece = malloc(HASH_PIECE_BYTES);
    TarnSha256 *hash = tarn_base_sha256_new();
    uint64_t offset = 0;
    size_t got = 1;
    bool ok = piece != NULL && hash != NULL;
    if (!ok) tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    ok = ok && os->file_open(os, file->path, TARN_OS_READ, &open_file, error);
    while (ok && got > 0) {
        ok = tarn_os_interrupt_check(error) &&
             os->file_read(os, open_file, offset, piece, HASH_PIECE_BYTES, &got, error);
        if (ok) tarn_base_sha256_update(hash, piece, got);
        offset += ok ? got : 0;
    }
    if (ok) tarn_base_sha256_hex(hash, file->sha256);
    if (ok && file->sha256[0] == '\0') {
        ok = tarn_base_error_set(error, TARN_E_INTERNAL, "the hash of \"%s\" failed", file->path);
    }
    if (open_file != NULL) tarn_os_file_discard(os, open_file);
    tarn_base_sha256_free(hash);
    free(piece);
    return ok;
}

bool tarn_flow__load_unchanged(const TarnOs *os, const TarnLoadFile *file, TarnError *error) {
    TarnOsStat stat;
    if (!os->stat(os, file->path, true, &stat, error)) return false;
    if (stat.kind == TARN_OS_FILE && stat.size == file->size && stat.mtime_ns == file->mtime_ns &&
        stat.inode == file->inode) {
        return true;
    }
    tarn_base_error_set(error, TARN_E_SOURCE_UNREADABLE,
                        "\"%s\" changed while it was being read; nothing was loaded", file->path);
    return tarn_base_error_hint(error, "load it again when its writer is done");
}
