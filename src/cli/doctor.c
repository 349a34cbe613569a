/* tarn doctor: what could be wrong with this lake or this machine, one line a thing, with what to
 * do about it. A finding never ends the search for others.
 */
#include <string.h>

#include "base/limits.h"
#include "cli/handlers_private.h"
#include "cli/lake_private.h"
#include "cli/rows_private.h"
#include "engine/engine.h"

/* Less than this is not enough for a load and its spilling. */
#define FREE_BYTES_LOW (1 * TARN_GIB)
/* A clock before the program existed, 2026-01-01, is not set. */
#define CLOCK_MIN_MS 1767225600000
/* Machines that write one lake should agree on the time to this. */
#define CLOCK_AHEAD_MS 300000

typedef enum Finding { FINE, WARNING, BROKEN } Finding;

typedef struct Doctor {
    TarnCli *cli;
    TarnCliRows rows;
    TarnCliLake lake;
    unsigned warnings;
    unsigned broken;
} Doctor;

static void tell(Doctor *doctor, Finding finding, const char *check, const char *message,
                 const char *hint) {
    static const char *const words[] = {"ok", "warning", "broken"};
    if (finding == WARNING) doctor->warnings++;
    if (finding == BROKEN) doctor->broken++;
    const TarnCliCell cells[] = {tarn_cli__cell_text(check), tarn_cli__cell_text(words[finding]),
                                 tarn_cli__cell_text(message), tarn_cli__cell_text(hint)};
    tarn_cli__rows_put(&doctor->rows, cells);
}

static void tell_error(Doctor *doctor, const char *check, const TarnError *error) {
    const char *message = error->message;
    if (error->file[0] != '\0') {
        message = tarn_base_arena_printf(&doctor->cli->arena, "%s:%u:%u: %s", error->file,
                                         error->line, error->column, error->message);
    }
    tell(doctor, BROKEN, check, message, error->hint);
}

static void check_engine(Doctor *doctor) {
    TarnError error = {0};
    if (!tarn_engine_library_load(&error)) {
        tell_error(doctor, "engine", &error);
        return;
    }
    tell(doctor, FINE, "engine",
         tarn_base_arena_printf(&doctor->cli->arena, "DuckDB %s, %s",
                                tarn_engine_library_version(), tarn_engine_library_path()),
         "");
}

static void check_space(Doctor *doctor) {
    TarnCli *cli = doctor->cli;
    TarnOsVolume volume;
    TarnError error = {0};
    char free_text[TARN_TEXT_HUMAN_BYTES];
    if (!cli->os->volume(cli->os, doctor->lake.config->folder, &volume, &error)) {
        tell_error(doctor, "space", &error);
        return;
    }
    const char *message = tarn_base_arena_printf(
        &cli->arena, "%s free", tarn_base_text_human_bytes(volume.free_bytes, free_text));
    if (volume.read_only) {
        tell(doctor, BROKEN, "space", "the file system is read-only", "mount it for writing");
    } else if (volume.free_bytes < FREE_BYTES_LOW) {
        tell(doctor, WARNING, "space", message, "free some space: a load needs room for its files");
    } else {
        tell(doctor, FINE, "space", message, "");
    }
}

static void check_settings(Doctor *doctor) {
    const TarnLakeConfig *config = doctor->lake.config;
    for (size_t i = 0; i < config->unused_count; i++) {
        tell(doctor, WARNING, "settings",
             tarn_base_arena_printf(&doctor->cli->arena, "%s:%u: \"%s\" has no effect yet",
                                    config->path, config->unused[i].line, config->unused[i].key),
             "it comes with a later version");
    }
    if (config->unused_count == 0) tell(doctor, FINE, "settings", "all have an effect", "");
}

static bool on_problem(void *state, const char *problem, TarnError *error) {
    (void)error;
    tell(state, BROKEN, "catalog", problem, "keep the file; restore it from a backup");
    return true;
}

static void check_catalog(Doctor *doctor) {
    unsigned before = doctor->broken;
    TarnError error = {0};
    if (!tarn_db_check(doctor->lake.db, on_problem, doctor, &error)) {
        tell_error(doctor, "catalog", &error);
    } else if (doctor->broken == before) {
        tell(doctor, FINE, "catalog",
             tarn_base_arena_printf(&doctor->cli->arena, "whole, version %zu, %s",
                                    tarn_cli__migration_count,
                                    tarn_db_version(doctor->lake.db)),
             "");
    }
}

static void check_warehouse(Doctor *doctor) {
    TarnError error = {0};
    if (!tarn_store_probe(tarn_catalog_store(doctor->lake.catalog), &error)) {
        tell_error(doctor, "warehouse", &error);
    } else {
        tell(doctor, FINE, "warehouse", "writable, and one of several writers wins", "");
    }
}

/* Opening for writing has swept the intents of the dead: what is left belongs to the living, or to
 * another machine that nobody here can ask. */
static void check_intents(Doctor *doctor) {
    int64_t count = 0;
    bool found;
    TarnError error = {0};
    if (!tarn_db_query_int64(doctor->lake.db, "select count(*) from tarn_intent", NULL, 0, &count,
                             &found, &error)) {
        tell_error(doctor, "intents", &error);
    } else if (count > 0) {
        tell(doctor, WARNING, "intents",
             tarn_base_arena_printf(&doctor->cli->arena,
                                    "%lld write(s) are under way or belong to another machine",
                                    (long long)count),
             "look again when no load runs");
    } else {
        tell(doctor, FINE, "intents", "no unfinished work", "");
    }
}

static void check_tables(Doctor *doctor) {
    TarnCli *cli = doctor->cli;
    TarnRelation *relations;
    size_t count;
    size_t good = 0;
    int64_t newest = 0;
    TarnError error = {0};
    if (!tarn_catalog_list(doctor->lake.catalog, NULL, &cli->arena, &relations, &count, &error)) {
        tell_error(doctor, "tables", &error);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const TarnTable *table = NULL;
        if (relations[i].updated_at_ms > newest) newest = relations[i].updated_at_ms;
        if (relations[i].kind == TARN_RELATION_VIEW ||
            tarn_catalog_table_load(doctor->lake.catalog, relations[i].name, &table, &error)) {
            good++;
        } else {
            tell_error(doctor, "tables", &error);
        }
        tarn_catalog_table_release(table);
    }
    tell(doctor, FINE, "tables",
         tarn_base_arena_printf(&cli->arena, "%zu of %zu can be read", good, count), "");
    int64_t now = tarn_os_clock_ms(cli->os);
    if (now < CLOCK_MIN_MS) {
        tell(doctor, BROKEN, "clock", "the system's clock is not set", "set it: commits carry it");
    } else if (newest > now + CLOCK_AHEAD_MS) {
        tell(doctor, WARNING, "clock", "a table was changed later than now",
             "a machine that writes this lake has a wrong clock");
    } else {
        tell(doctor, FINE, "clock", "not behind the newest commit", "");
    }
}

static void check_lake(Doctor *doctor) {
    TarnCli *cli = doctor->cli;
    TarnError error = {0};
    const char *folder;
    if (!tarn_cli__lake_find(cli, &folder, &error)) {
        tell_error(doctor, "lake", &error);
        return;
    }
    bool opened = tarn_cli__lake_open_at(cli, folder, TARN_CLI_LAKE_WRITE, &doctor->lake, &error);
    if (doctor->lake.config == NULL) {
        tell_error(doctor, "lake", &error);
        return;
    }
    tell(doctor, FINE, "lake", doctor->lake.config->path, "");
    check_settings(doctor);
    check_space(doctor);
    if (!opened) {
        tell_error(doctor, "catalog", &error);
        return;
    }
    check_catalog(doctor);
    check_warehouse(doctor);
    check_intents(doctor);
    check_tables(doctor);
}

bool tarn_cli__doctor(TarnCli *cli, TarnError *error) {
    static const TarnCliColumn columns[] = {{.name = "check"}, {.name = "status"},
                                            {.name = "message"}, {.name = "hint"}};
    Doctor doctor = {.cli = cli};
    tarn_cli__rows_begin(cli, columns, 4, TARN_CLI_MANY, &doctor.rows);
    check_engine(&doctor);
    check_lake(&doctor);
    tarn_cli__rows_end(&doctor.rows, 0, false);
    tarn_cli__lake_close(&doctor.lake);
    if (doctor.broken > 0) {
        return tarn_base_error_set(error, TARN_E_CHECK_FAILED, "%u thing%s broken", doctor.broken,
                                   doctor.broken == 1 ? " is" : "s are");
    }
    return true;
}
