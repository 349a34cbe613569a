/* Which files COPY may use, and how a file appears complete or not at all.
 *
 * A name is taken apart with the system's own eyes: its folder is resolved, so that "..", links
 * and links to links are gone before it is compared with the lake's folders, which are resolved
 * the same way. What is resolved is then used, not what was written. A link as the last part is
 * followed to a file that is there; one to nothing is refused, for a file made through it could
 * lie anywhere.
 *
 * The engine writes into the lake's scratch folder, the only place it may write to. The complete
 * file is renamed, or copied beside its final name and then renamed. Beside it lies a file that
 * says who writes: what a killed process left is removed by the next COPY .. TO.
 */
#include <string.h>

#include "base/limits.h"
#include "query/copy_private.h"
#include "store/store.h"

typedef struct Check {
    TarnQuery *query;
    const TarnParsed *parsed;
    const TarnOs *os;
    TarnArena *arena;
    TarnCopyFile *file;
    bool writes;
    TarnError *error;
} Check;

static bool refuse(const Check *check, TarnErrorCode code, const char *what, const char *hint) {
    const TarnCopyStatement *copy = &check->parsed->copy;
    int shown = (int)(copy->path.size < 200 ? copy->path.size : 200);
    tarn_query__error_at(check->parsed->tokens.source, copy->path_offset, code, check->error,
                         "\"%.*s\" %s", shown, copy->path.data, what);
    return hint != NULL ? tarn_base_error_hint(check->error, "%s", hint) : false;
}

/* An error of the system, at the file's name. */
static bool place(const Check *check) {
    TarnError told = *check->error;
    if (told.code == TARN_E_OBJECT_NOT_FOUND) told.code = TARN_E_SOURCE_NOT_FOUND;
    return tarn_query__error_at(check->parsed->tokens.source, check->parsed->copy.path_offset,
                                told.code, check->error, "%s", told.message);
}

/* --- the lake's own folders --- */

static bool is_inside(const char *path, const char *folder) {
    size_t size = strlen(folder);
    while (size > 1 && folder[size - 1] == '/') size--;
    return strncmp(path, folder, size) == 0 &&
           (size == 1 || path[size] == '/' || path[size] == '\0');
}

static bool check_folder(const Check *check, const char *folder) {
    const char *real = NULL;
    if (folder == NULL || folder[0] != '/') return true; /* no folder: a location on S3 */
    TarnError missing;
    if (!check->os->real_path(check->os, folder, check->arena, &real, &missing)) {
        if (missing.code == TARN_E_OBJECT_NOT_FOUND) return true; /* nothing can be inside */
        *check->error = missing;
        return false;
    }
    /* a pattern may lead down into the folder too */
    bool leads_in = !check->writes && strchr(check->file->name, '/') != NULL &&
                    is_inside(real, check->file->folder);
    if (!is_inside(check->file->path, real) && !leads_in) return true;
    return refuse(check, TARN_E_STATEMENT_REFUSED, "lies in a folder of the lake itself",
                  check->writes ? "write it elsewhere"
                                : "read the lake's tables by their names: INSERT .. SELECT");
}

static bool check_outside(const Check *check) {
    const TarnQueryOptions *options = &check->query->options;
    const char **roots = NULL;
    size_t count = 0;
    if (!tarn_catalog_roots(check->query->catalog, check->arena, &roots, &count, check->error)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!check_folder(check, roots[i])) return false;
    }
    return check_folder(check, options->own_folder) &&
           check_folder(check, tarn_catalog_options(check->query->catalog)->warehouse) &&
           check_folder(check, options->engine.temp_directory);
}

/* --- names --- */

static bool check_text(const Check *check) {
    TarnText path = check->parsed->copy.path;
    if (!check->query->options.local_files) {
        return refuse(check, TARN_E_STATEMENT_REFUSED,
                      "is a file of this machine, which statements from elsewhere do not reach",
                      NULL);
    }
    if (path.size == 0 || memchr(path.data, '\0', path.size) != NULL) {
        return refuse(check, TARN_E_SQL_SYNTAX, "is not the name of a file", NULL);
    }
    if (memmem(path.data, path.size, "://", 3) != NULL) {
        return refuse(check, TARN_E_SQL_UNSUPPORTED, "is not a file of this machine",
                      "COPY reads and writes local files");
    }
    return true;
}

static size_t pattern_start(TarnText path) {
    size_t i = 0;
    while (i < path.size && strchr("*?[", path.data[i]) == NULL) i++;
    return i;
}

/* Folder and name; of a pattern the folder that it begins with, and the rest. */
static bool resolve(const Check *check) {
    TarnText path = check->parsed->copy.path;
    size_t end = check->writes ? path.size : pattern_start(path);
    size_t start = end;
    while (start > 0 && path.data[start - 1] != '/') start--;
    TarnText folder = start > 0 ? (TarnText){path.data, start} : TARN_TEXT(".");
    const char *text = tarn_base_text_string(check->arena, folder);
    check->file->name = tarn_base_text_string(
        check->arena, (TarnText){path.data + start, path.size - start});
    if (!tarn_base_arena_check(check->arena, check->error)) return false;
    const char *name = check->file->name; /* of a pattern it may have slashes */
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return refuse(check, TARN_E_SQL_SYNTAX, "is a folder, not a file", NULL);
    }
    if (!check->os->real_path(check->os, text, check->arena, &check->file->folder,
                              check->error)) {
        return place(check);
    }
    const char *between = strcmp(check->file->folder, "/") == 0 ? "" : "/";
    check->file->path =
        tarn_base_arena_printf(check->arena, "%s%s%s", check->file->folder, between, name);
    return tarn_base_arena_check(check->arena, check->error);
}

static bool follow_link(const Check *check) {
    TarnOsStat stat;
    const TarnOs *os = check->os;
    /* /dev/stdout is a link to whatever it was redirected to, which is not meant to be replaced */
    if (is_inside(check->file->folder, "/dev") || is_inside(check->file->folder, "/proc")) {
        return refuse(check, TARN_E_SQL_UNSUPPORTED, "is a pipe or a device, not a file", NULL);
    }
    if (!os->stat(os, check->file->path, true, &stat, check->error)) return place(check);
    if (stat.kind == TARN_OS_ABSENT) {
        return refuse(check, TARN_E_SOURCE_NOT_FOUND, "is a link to nothing", NULL);
    }
    const char *real = NULL;
    if (!os->real_path(os, check->file->path, check->arena, &real, check->error)) {
        return place(check);
    }
    check->file->path = real;
    check->file->folder = tarn_base_text_string(check->arena, tarn_os_parent(real));
    return tarn_base_arena_check(check->arena, check->error);
}

static bool check_kind(const Check *check) {
    TarnOsStat stat;
    const TarnOs *os = check->os;
    if (!os->stat(os, check->file->path, true, &stat, check->error)) return place(check);
    switch (stat.kind) {
    case TARN_OS_FILE: check->file->size = stat.size; return true;
    case TARN_OS_ABSENT:
        return check->writes || refuse(check, TARN_E_SOURCE_NOT_FOUND, "does not exist", NULL);
    case TARN_OS_DIRECTORY:
        return refuse(check, TARN_E_SQL_UNSUPPORTED, "is a folder, not a file", NULL);
    default:
        return refuse(check, TARN_E_SQL_UNSUPPORTED, "is a pipe or a device, not a file", NULL);
    }
}

bool tarn_query__copy_file(TarnQuery *query, const TarnParsed *parsed, TarnArena *arena,
                           TarnCopyFile *file, TarnError *error) {
    TarnOsStat stat;
    *file = (TarnCopyFile){0};
    Check check = {.query = query,
                   .parsed = parsed,
                   .os = tarn_catalog_options(query->catalog)->os,
                   .arena = arena,
                   .file = file,
                   .writes = parsed->kind == TARN_STATEMENT_COPY_TO,
                   .error = error};
    if (!check_text(&check) || !resolve(&check)) return false;
    bool pattern = !check.writes && pattern_start(parsed->copy.path) < parsed->copy.path.size;
    file->pattern = pattern;
    if (pattern) return check_outside(&check);
    if (!check.os->stat(check.os, file->path, false, &stat, error)) return place(&check);
    if (stat.kind == TARN_OS_SYMLINK && !follow_link(&check)) return false;
    return check_outside(&check) && check_kind(&check);
}

/* --- drafts --- */

bool tarn_query__copy_draft_begin(TarnQuery *query, const TarnCopyFile *file, TarnArena *arena,
                                  TarnCopyDraft *draft, TarnError *error) {
    char id[TARN_OS_UUID_BYTES];
    const char *scratch = query->options.engine.temp_directory;
    *draft = (TarnCopyDraft){.os = tarn_catalog_options(query->catalog)->os};
    if (scratch == NULL) {
        return tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                                   "COPY .. TO needs a folder for temporary files");
    }
    if (!tarn_os_uuid4(draft->os, id, error) ||
        !tarn_os_directory_create_all(draft->os, scratch, false, error)) {
        return false;
    }
    const char *folder = tarn_base_arena_printf(arena, "%s/copy-%s", scratch, id);
    /* the engine learns the compression from the ending of the name */
    draft->path = tarn_base_arena_printf(arena, "%s/%s", folder, file->name);
    if (!tarn_base_arena_check(arena, error)) return false;
    if (!draft->os->directory_create(draft->os, folder, NULL, error)) return false;
    draft->folder = folder;
    return true;
}

void tarn_query__copy_draft_end(TarnCopyDraft *draft) {
    if (draft->folder == NULL) return;
    (void)draft->os->unlink(draft->os, draft->path, NULL, NULL);
    (void)draft->os->directory_remove(draft->os, draft->folder, NULL, NULL);
    draft->folder = NULL;
}

static bool copy_bytes(const TarnOs *os, TarnOsFile *from, TarnOsDraft *to, TarnError *error) {
    static const size_t piece = TARN_MIB;
    TarnArena arena;
    tarn_base_arena_init(&arena, 2 * TARN_MIB);
    char *buffer = tarn_base_arena_alloc(&arena, piece);
    bool ok = tarn_base_arena_check(&arena, error);
    size_t got = 1;
    for (uint64_t at = 0; ok && got > 0; at += got) {
        ok = tarn_os_interrupt_check(error) &&
             os->file_read(os, from, at, buffer, piece, &got, error) &&
             (got == 0 || tarn_os_draft_write(to, buffer, got, error));
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

/* To another file system. */
static bool publish_copy(TarnCopyDraft *draft, const TarnCopyFile *file, TarnOsFile *from,
                         TarnError *error) {
    TarnOsDraft copy;
    if (!tarn_os_draft_begin(draft->os, file->path, true, &copy, error)) return false;
    if (copy_bytes(draft->os, from, &copy, error) && tarn_os_draft_sync(&copy, error)) {
        return tarn_os_draft_publish(&copy, error);
    }
    tarn_os_draft_abort(&copy);
    return false;
}

bool tarn_query__copy_draft_publish(TarnCopyDraft *draft, const TarnCopyFile *file,
                                    TarnError *error) {
    const TarnOs *os = draft->os;
    TarnOsStat here;
    TarnOsStat there;
    TarnOsFile *from = NULL;
    if (!os->stat(os, file->folder, true, &there, error) ||
        !os->file_open(os, draft->path, TARN_OS_READ, &from, error)) {
        return false;
    }
    bool ok = os->file_stat(os, from, &here, error);
    if (ok && here.device == there.device) {
        ok = os->file_sync(os, from, error) &&
             os->rename(os, draft->path, file->path, true, error);
    } else if (ok) {
        ok = publish_copy(draft, file, from, error);
    }
    tarn_os_file_discard(os, from);
    return ok && os->directory_sync(os, file->folder, error);
}
