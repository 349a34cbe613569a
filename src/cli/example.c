/* Example lakes: ordinary folders that are copied, so that a newcomer owns what they change.
 *
 * tarn.yaml is copied last: a copy that was interrupted is no lake yet. State (.tarn) and links
 * are not copied.
 */
#include "cli/example_private.h"

#include <string.h>

#include "base/limits.h"

#define EXAMPLE_FILE_BYTES (256 * TARN_MIB)
#define DEPTH_MAX 16

static bool list_examples(TarnCli *cli, const char *root, TarnOsListing *listing,
                          TarnError *error) {
    TarnOsStat stat;
    *listing = (TarnOsListing){0};
    if (!cli->os->stat(cli->os, root, true, &stat, error)) return false;
    if (stat.kind != TARN_OS_DIRECTORY) return true;
    return cli->os->directory_list(cli->os, root, &cli->arena, listing, error);
}

static bool roots_of(TarnCli *cli, const char *roots[2], TarnError *error) {
    roots[0] = cli->os->environment(cli->os, "TARN_EXAMPLES");
    roots[1] = NULL;
    if (roots[0] != NULL && roots[0][0] != '\0') return true;
    const char *program;
    if (!cli->os->executable_path(cli->os, &cli->arena, &program, error)) return false;
    TarnText place = tarn_os_parent(program);
    roots[0] = tarn_base_arena_printf(&cli->arena, "%.*s/../examples", TARN_TEXT_ARG(place));
    roots[1] = tarn_base_arena_printf(&cli->arena, "%.*s/../share/tarn/examples",
                                      TARN_TEXT_ARG(place));
    return tarn_base_arena_check(&cli->arena, error);
}

static bool is_example(TarnCli *cli, const char *root, const char *name, const char **path,
                       TarnError *error) {
    TarnOsStat stat;
    *path = tarn_base_arena_printf(&cli->arena, "%s/%s", root, name);
    const char *config = tarn_base_arena_printf(&cli->arena, "%s/tarn.yaml", *path);
    if (!tarn_base_arena_check(&cli->arena, error) ||
        !cli->os->stat(cli->os, config, true, &stat, error)) {
        return false;
    }
    if (stat.kind != TARN_OS_FILE) *path = NULL;
    return true;
}

bool tarn_cli__example_find(TarnCli *cli, const char *name, const char **source,
                            TarnError *error) {
    const char *roots[2];
    TarnBuffer known;
    *source = NULL;
    if (strchr(name, '/') != NULL || name[0] == '.' || name[0] == '\0') {
        return tarn_base_error_set(error, TARN_E_USAGE, "\"%s\" is no name of an example", name);
    }
    if (!roots_of(cli, roots, error)) return false;
    tarn_base_buffer_init(&known, 4096);
    bool ok = true;
    for (size_t i = 0; ok && i < 2 && roots[i] != NULL && *source == NULL; i++) {
        TarnOsListing listing;
        ok = list_examples(cli, roots[i], &listing, error);
        for (size_t k = 0; ok && k < listing.count; k++) {
            const char *path;
            ok = is_example(cli, roots[i], listing.items[k].name, &path, error);
            if (!ok || path == NULL) continue;
            tarn_base_buffer_printf(&known, "%s%s", known.size > 0 ? ", " : "",
                                    listing.items[k].name);
            if (strcmp(listing.items[k].name, name) == 0) *source = path;
        }
    }
    if (ok && *source == NULL) {
        ok = tarn_base_error_set(error, TARN_E_OBJECT_NOT_FOUND, "there is no example \"%s\"",
                                 name);
        tarn_base_error_hint(error, known.size > 0 ? "there are: %s" : "no examples were found "
                             "beside the program%s", known.size > 0 ? known.data : "");
    }
    tarn_base_buffer_dispose(&known);
    return ok;
}

static bool copy_file(TarnCli *cli, const char *from, const char *to, TarnError *error) {
    TarnArena arena;
    TarnText content;
    TarnOsDraft draft = {0};
    tarn_base_arena_init(&arena, 2 * EXAMPLE_FILE_BYTES);
    bool ok = tarn_os_file_read_all(cli->os, from, EXAMPLE_FILE_BYTES, &arena, &content, error) &&
              tarn_os_draft_begin(cli->os, to, false, &draft, error) &&
              tarn_os_draft_write(&draft, content.data, content.size, error) &&
              tarn_os_draft_publish(&draft, error);
    tarn_os_draft_abort(&draft);
    tarn_base_arena_dispose(&arena);
    return ok;
}

static bool copy_folder(TarnCli *cli, const char *from, const char *to, int depth,
                        TarnError *error) {
    TarnOsListing listing;
    if (depth > DEPTH_MAX) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED, "\"%s\" is nested too deeply",
                                   from);
    }
    if (!cli->os->directory_list(cli->os, from, &cli->arena, &listing, error)) return false;
    for (size_t i = 0; i < listing.count; i++) {
        const TarnOsEntry *entry = &listing.items[i];
        bool last = depth == 0 && strcmp(entry->name, "tarn.yaml") == 0;
        if (last || strcmp(entry->name, ".tarn") == 0) continue;
        const char *source = tarn_base_arena_printf(&cli->arena, "%s/%s", from, entry->name);
        const char *target = tarn_base_arena_printf(&cli->arena, "%s/%s", to, entry->name);
        bool ok = tarn_base_arena_check(&cli->arena, error);
        if (ok && entry->kind == TARN_OS_DIRECTORY) {
            ok = cli->os->directory_create(cli->os, target, NULL, error) &&
                 copy_folder(cli, source, target, depth + 1, error);
        } else if (ok && entry->kind == TARN_OS_FILE) {
            ok = copy_file(cli, source, target, error);
        }
        if (!ok) return false;
    }
    return true;
}

bool tarn_cli__example_copy(TarnCli *cli, const char *source, const char *folder,
                            TarnError *error) {
    const char *from = tarn_base_arena_printf(&cli->arena, "%s/tarn.yaml", source);
    const char *to = tarn_base_arena_printf(&cli->arena, "%s/tarn.yaml", folder);
    return tarn_base_arena_check(&cli->arena, error) &&
           copy_folder(cli, source, folder, 0, error) && copy_file(cli, from, to, error) &&
           cli->os->directory_sync(cli->os, folder, error);
}
