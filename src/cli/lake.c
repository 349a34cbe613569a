/* Finding and opening a lake: tarn.yaml, the metadata database with its migrations, the catalog,
 * and on demand the engine with what queries need.
 *
 * Reading opens the database read-only, so that looking around never waits for a load. A lake that
 * was just cloned has no .tarn yet, and one of an older version lacks migrations: both are
 * brought up to date by opening for writing once.
 */
#include "cli/lake_private.h"

#include <string.h>

#include "flow/load.h"
#include "govern/lineage.h"
#include "store/s3.h"
#include "table/snapshot_ref.h"

const TarnDbMigration tarn_cli__migrations[] = {
    {1, "catalog", tarn_catalog_schema_sql},
    {2, "flow", tarn_flow_schema_sql},
    {3, "govern", tarn_govern_schema_sql},
    {4, "flow branches", tarn_flow_branch_schema_sql},
    {5, "catalog drops", tarn_catalog_drop_schema_sql},
};
const size_t tarn_cli__migration_count =
    sizeof(tarn_cli__migrations) / sizeof(tarn_cli__migrations[0]);

/* What goes with a table when it is renamed, dropped or brought back. */
static const TarnCatalogFollower followers[] = {
    {.move = tarn_govern_lineage_move, .forget = tarn_govern_lineage_forget},
    {.move = tarn_flow_load_move, .forget = tarn_flow_load_forget},
};

#define LAKE_FILE "tarn.yaml"

static bool has_lake_file(const TarnOs *os, const char *folder, TarnArena *arena, bool *found,
                          TarnError *error) {
    const char *path = tarn_base_arena_printf(arena, "%s/" LAKE_FILE, folder);
    if (!tarn_base_arena_check(arena, error)) return false;
    TarnOsStat stat;
    if (!os->stat(os, path, true, &stat, error)) return false;
    *found = stat.kind == TARN_OS_FILE;
    return true;
}

bool tarn_cli__lake_find(TarnCli *cli, const char **folder, TarnError *error) {
    const TarnOs *os = cli->os;
    const char *given = tarn_cli__text(&cli->arguments, "directory");
    bool found = false;
    if (given != NULL) {
        if (!os->real_path(os, given, &cli->arena, folder, error)) {
            if (error->code == TARN_E_OBJECT_NOT_FOUND) {
                tarn_base_error_set(error, TARN_E_NOT_A_LAKE, "there is no folder \"%s\"", given);
                tarn_base_error_hint(error, "tarn init %s makes a lake there", given);
            }
            return false;
        }
        if (!has_lake_file(os, *folder, &cli->arena, &found, error)) return false;
        if (found) return true;
        tarn_base_error_set(error, TARN_E_NOT_A_LAKE, "\"%s\" is not a lake: it has no " LAKE_FILE,
                            given);
        return tarn_base_error_hint(error, "tarn init %s makes it one", given);
    }
    if (!os->current_directory(os, &cli->arena, folder, error)) return false;
    for (;;) {
        if (!has_lake_file(os, *folder, &cli->arena, &found, error)) return false;
        if (found) return true;
        if (strcmp(*folder, "/") == 0) break;
        *folder = tarn_base_text_string(&cli->arena, tarn_os_parent(*folder));
        if (!tarn_base_arena_check(&cli->arena, error)) return false;
    }
    tarn_base_error_set(error, TARN_E_NOT_A_LAKE, "neither this folder nor one above it is a lake: "
                                                  "there is no " LAKE_FILE);
    return tarn_base_error_hint(error, "tarn init makes one here; -C DIR names another folder");
}

static const char *scratch_root(const TarnCliLake *lake) {
    return tarn_base_arena_printf(&lake->cli->arena, "%s/.tarn/tmp", lake->config->folder);
}

static bool make_folders(TarnCliLake *lake, TarnError *error) {
    const TarnOs *os = lake->cli->os;
    static const char prefix[] = "sqlite:";
    if (strncmp(lake->config->catalog, prefix, strlen(prefix)) == 0) {
        TarnText parent = tarn_os_parent(lake->config->catalog + strlen(prefix));
        const char *folder = tarn_base_text_string(&lake->cli->arena, parent);
        if (!tarn_base_arena_check(&lake->cli->arena, error) ||
            !tarn_os_directory_create_all(os, folder, true, error)) {
            return false;
        }
    }
    const char *root = scratch_root(lake);
    if (!tarn_base_arena_check(&lake->cli->arena, error) ||
        !tarn_os_directory_create_all(os, root, false, error)) {
        return false;
    }
    tarn_os_scratch_sweep(os, root);
    return true;
}

/* A lake on S3 that has no catalog yet: its store is tried out before anything refers to it. */
static bool try_warehouse(TarnCliLake *lake, TarnError *error) {
    const TarnOs *os = lake->cli->os;
    const TarnLakeConfig *config = lake->config;
    const char *catalog = strchr(config->catalog, ':');
    TarnStoreOptions options = {.s3 = &config->storage};
    TarnStore *store;
    TarnOsStat stat;
    if (!tarn_store_is_s3(tarn_base_text(config->warehouse)) || catalog == NULL) return true;
    if (!os->stat(os, catalog + 1, true, &stat, error)) return false;
    if (stat.kind != TARN_OS_ABSENT) return true;
    if (!tarn_store_open(os, config->warehouse, &options, &store, error)) return false;
    bool ok = tarn_store_probe(store, error);
    tarn_store_close(store);
    return ok;
}

static bool open_catalog(TarnCliLake *lake, TarnCliLakeUse use, TarnError *error) {
    const TarnLakeConfig *config = lake->config;
    TarnDbOptions db_options = {.how = use == TARN_CLI_LAKE_READ ? TARN_DB_READ_ONLY
                                                                 : TARN_DB_CREATE};
    if (use == TARN_CLI_LAKE_WRITE &&
        (!try_warehouse(lake, error) || !make_folders(lake, error))) {
        return false;
    }
    if (!tarn_db_open(lake->cli->os, config->catalog, &db_options, &lake->db, error) ||
        !tarn_db_migrate(lake->db, tarn_cli__migrations, tarn_cli__migration_count, error)) {
        return false;
    }
    TarnCatalogOptions options = {
        .os = lake->cli->os,
        .db = lake->db,
        .warehouse = config->warehouse,
        .s3 = &config->storage,
        .sync = config->sync_full ? TARN_STORE_SYNC_FULL : TARN_STORE_SYNC_CATALOG,
        .zones = config->zones,
        .zone_count = config->zone_count,
        .read_only = use == TARN_CLI_LAKE_READ,
        .user = lake->cli->os->environment(lake->cli->os, "USER"),
        .followers = followers,
        .follower_count = sizeof(followers) / sizeof(followers[0]),
    };
    lake->read_only = options.read_only;
    return tarn_catalog_open(&options, &lake->catalog, error);
}

static void close_catalog(TarnCliLake *lake) {
    tarn_catalog_close(lake->catalog);
    lake->catalog = NULL;
    tarn_db_close(lake->db);
    lake->db = NULL;
}

bool tarn_cli__lake_open_at(TarnCli *cli, const char *folder, TarnCliLakeUse use,
                            TarnCliLake *lake, TarnError *error) {
    *lake = (TarnCliLake){.cli = cli};
    if (!tarn_flow_lake_config_read(cli->os, folder, &cli->arena, &lake->config, error)) {
        return false;
    }
    if (!tarn_os_scratch_path(cli->os, scratch_root(lake), &cli->arena, &lake->scratch, error)) {
        return false;
    }
    if (open_catalog(lake, use, error)) return true;
    close_catalog(lake);
    /* What reading cannot mend, writing may: no catalog yet, or one of an older version. */
    if (use == TARN_CLI_LAKE_READ &&
        (error->code == TARN_E_OBJECT_NOT_FOUND || error->code == TARN_E_DATABASE)) {
        tarn_base_error_clear(error);
        if (open_catalog(lake, TARN_CLI_LAKE_WRITE, error)) return true;
        close_catalog(lake);
    }
    return false;
}

bool tarn_cli__lake_open(TarnCli *cli, TarnCliLakeUse use, TarnCliLake *lake, TarnError *error) {
    *lake = (TarnCliLake){0};
    const char *folder;
    return tarn_cli__lake_find(cli, &folder, error) &&
           tarn_cli__lake_open_at(cli, folder, use, lake, error);
}

void tarn_cli__lake_close(TarnCliLake *lake) {
    tarn_query_close(lake->query);
    lake->query = NULL;
    close_catalog(lake);
    if (lake->scratch != NULL) tarn_os_scratch_end(lake->cli->os, lake->scratch);
}

bool tarn_cli__lake_query(TarnCliLake *lake, TarnQuery **query, TarnError *error) {
    if (lake->query == NULL) {
        /* What runs here is the work of whoever started the program. */
        const char *own = tarn_base_arena_printf(&lake->cli->arena, "%s/.tarn",
                                                 lake->config->folder);
        TarnQueryOptions options = {
            .catalog = lake->catalog,
            .engine = {.temp_directory = lake->scratch, .immutable_files = true},
            .local_files = true,
            .own_folder = own,
        };
        if (!tarn_base_arena_check(&lake->cli->arena, error)) return false;
        if (!tarn_query_open(&options, &lake->query, error)) return false;
        tarn_query_branch_set(lake->query, lake->branch);
    }
    *query = lake->query;
    return true;
}

bool tarn_cli__lake_branch(TarnCliLake *lake, const char *branch, TarnError *error) {
    if (branch != NULL && !tarn_table_ref_name_check(tarn_base_text(branch), error)) return false;
    lake->branch = branch;
    if (lake->query != NULL) tarn_query_branch_set(lake->query, branch);
    return true;
}

bool tarn_cli__lake_table(TarnCliLake *lake, const char *name, const TarnTable **table,
                          TarnError *error) {
    TarnTableName parsed;
    TarnView *view = NULL;
    *table = NULL;
    if (!tarn_catalog_name_parse(tarn_base_text(name), &lake->cli->arena, &parsed, error) ||
        !tarn_catalog_view_find(lake->catalog, parsed, &lake->cli->arena, &view, error)) {
        return false;
    }
    if (view == NULL) return tarn_catalog_table_load(lake->catalog, parsed, table, error);
    tarn_base_error_set(error, TARN_E_TABLE_NOT_FOUND, "\"%s\" is a view, and a table is wanted",
                        name);
    return tarn_base_error_hint(error, "tarn show %s shows its SQL", name);
}
