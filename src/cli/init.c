/* tarn init: a lake folder ready to use.
 *
 * tarn.yaml is what makes a folder a lake, so it is written under its name in one step, and only
 * if no other is there: two people who run init at once cannot both win.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "cli/example_private.h"
#include "cli/handlers_private.h"
#include "cli/lake_private.h"
#include "cli/rows_private.h"

static const char *quote(TarnCli *cli, const char *text) {
    TarnBuffer quoted;
    tarn_base_buffer_init(&quoted, 64 * TARN_KIB);
    tarn_base_json_quote(&quoted, tarn_base_text(text));
    const char *copy = tarn_base_buffer_keep(&quoted, &cli->arena);
    tarn_base_buffer_dispose(&quoted);
    return copy;
}

/* A name that YAML reads as that text: anything else is quoted. */
static const char *lake_name(TarnCli *cli, const char *folder) {
    const char *slash = strrchr(folder, '/');
    const char *name = slash != NULL && slash[1] != '\0' ? slash + 1 : "lake";
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off"};
    bool plain = isalpha((unsigned char)name[0]);
    for (const char *c = name; *c != '\0'; c++) {
        plain = plain && (isalnum((unsigned char)*c) || *c == '_' || *c == '-');
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        plain = plain && strcasecmp(name, words[i]) != 0;
    }
    return plain ? name : quote(cli, name);
}

/* Writes a file that must not be there; *made false = it was. */
static bool write_new(TarnCli *cli, const char *path, const char *content, bool *made,
                      TarnError *error) {
    TarnOsDraft draft = {0};
    bool ok = tarn_os_draft_begin(cli->os, path, false, &draft, error) &&
              tarn_os_draft_write(&draft, content, strlen(content), error) &&
              tarn_os_draft_sync(&draft, error) && tarn_os_draft_publish(&draft, error);
    tarn_os_draft_abort(&draft);
    *made = ok;
    if (ok || error->code != TARN_E_OBJECT_EXISTS) return ok;
    tarn_base_error_clear(error);
    return true;
}

static bool write_files(TarnCli *cli, const char *folder, TarnError *error) {
    const char *config = tarn_base_arena_printf(&cli->arena, "%s/tarn.yaml", folder);
    const char *ignore = tarn_base_arena_printf(&cli->arena, "%s/.gitignore", folder);
    const char *pipelines = tarn_base_arena_printf(&cli->arena, "%s/pipelines", folder);
    const char *warehouse = tarn_cli__text(&cli->arguments, "warehouse");
    warehouse = warehouse != NULL ? quote(cli, warehouse) : ".tarn/warehouse";
    const char *content =
        tarn_flow_lake_config_template(lake_name(cli, folder), warehouse, &cli->arena);
    bool made = false;
    if (!tarn_base_arena_check(&cli->arena, error) ||
        !cli->os->directory_create(cli->os, pipelines, NULL, error) ||
        !write_new(cli, ignore, ".tarn/\n", &made, error) ||
        !write_new(cli, config, content, &made, error)) {
        return false;
    }
    if (!made) {
        tarn_base_error_set(error, TARN_E_LAKE_EXISTS, "\"%s\" is a lake already", folder);
        return tarn_base_error_hint(error, "tarn -C %s status looks at it", folder);
    }
    return cli->os->directory_sync(cli->os, folder, error);
}

/* A tarn.yaml that somebody wrote, without the state beside it, is a lake to be made. */
static bool refuse_existing(TarnCli *cli, const char *folder, bool *written, TarnError *error) {
    const char *path = tarn_base_arena_printf(&cli->arena, "%s/tarn.yaml", folder);
    const char *state = tarn_base_arena_printf(&cli->arena, "%s/.tarn/catalog.db", folder);
    TarnOsStat stat;
    TarnOsStat made;
    if (!tarn_base_arena_check(&cli->arena, error) ||
        !cli->os->stat(cli->os, path, false, &stat, error) ||
        !cli->os->stat(cli->os, state, true, &made, error)) {
        return false;
    }
    bool given = tarn_cli__text(&cli->arguments, "example") != NULL ||
                 tarn_cli__text(&cli->arguments, "warehouse") != NULL;
    *written = stat.kind != TARN_OS_ABSENT;
    if (!*written || (made.kind == TARN_OS_ABSENT && !given)) return true;
    tarn_base_error_set(error, TARN_E_LAKE_EXISTS, "\"%s\" is a lake already", folder);
    return tarn_base_error_hint(error, "tarn -C %s status looks at it", folder);
}

static void report_lake(TarnCli *cli, const TarnLakeConfig *config, const char *example) {
    if (cli->format == TARN_CLI_TABLE) {
        if (cli->quiet) return;
        tarn_cli__sink_printf(&cli->out, "%s is a lake now: %s/tarn.yaml\n", config->name,
                              config->folder);
        if (example == NULL) {
            tarn_cli__say(cli, "next: tarn -C %s load FILE.csv raw.TABLE", config->folder);
        }
        return;
    }
    static const TarnCliColumn columns[] = {{.name = "name"}, {.name = "folder"},
                                            {.name = "warehouse"}, {.name = "catalog"},
                                            {.name = "example"}};
    TarnCliRows rows;
    tarn_cli__rows_begin(cli, columns, 5, TARN_CLI_ONE, &rows);
    const TarnCliCell cells[] = {
        tarn_cli__cell_text(config->name), tarn_cli__cell_text(config->folder),
        tarn_cli__cell_text(config->warehouse), tarn_cli__cell_text(config->catalog),
        tarn_cli__cell_text(example)};
    tarn_cli__rows_put(&rows, cells);
    tarn_cli__rows_end(&rows, 0, false);
}

bool tarn_cli__init(TarnCli *cli, TarnError *error) {
    const char *given = tarn_cli__operand(&cli->arguments, 0);
    const char *directory = tarn_cli__text(&cli->arguments, "directory");
    const char *example = tarn_cli__text(&cli->arguments, "example");
    if (given == NULL) given = directory != NULL ? directory : ".";
    if (directory != NULL && given[0] != '/' && given != directory) {
        given = tarn_base_arena_printf(&cli->arena, "%s/%s", directory, given);
    }
    const char *folder;
    const char *source = NULL;
    bool written = false;
    if (example != NULL && tarn_cli__text(&cli->arguments, "warehouse") != NULL) {
        return tarn_base_error_set(error, TARN_E_USAGE, "an example brings its own tarn.yaml: "
                                   "--warehouse goes without --example");
    }
    if (!tarn_base_arena_check(&cli->arena, error) ||
        (example != NULL && !tarn_cli__example_find(cli, example, &source, error)) ||
        !tarn_os_directory_create_all(cli->os, given, true, error) ||
        !cli->os->real_path(cli->os, given, &cli->arena, &folder, error) ||
        !refuse_existing(cli, folder, &written, error)) {
        return false;
    }
    if (!written && (source != NULL ? !tarn_cli__example_copy(cli, source, folder, error)
                                    : !write_files(cli, folder, error))) {
        return false;
    }
    TarnCliLake lake;
    bool ok = tarn_cli__lake_open_at(cli, folder, TARN_CLI_LAKE_WRITE, &lake, error);
    if (ok) report_lake(cli, lake.config, example);
    tarn_cli__lake_close(&lake);
    return ok;
}
