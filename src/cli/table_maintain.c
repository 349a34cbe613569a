/* tarn table optimize, expire and sweep: what is kept, what goes, and in a dry run what would.
 */
#include <inttypes.h>

#include "base/limits.h"
#include "base/time.h"
#include "catalog/dropped.h"
#include "cli/handlers_private.h"
#include "cli/lake_private.h"
#include "cli/rows_private.h"
#include "flow/maintain.h"

enum { MAINTAIN_COLUMNS = 17 };

static const TarnCliColumn maintain_columns[MAINTAIN_COLUMNS] = {
    {.name = "table"},
    {.name = "files_before", .right = true},
    {.name = "files_after", .right = true},
    {.name = "bytes_before", .right = true, .audience = TARN_CLI_FOR_PROGRAMS},
    {.name = "bytes_after", .right = true, .audience = TARN_CLI_FOR_PROGRAMS},
    {.name = "deleted", .right = true},
    {.name = "deleted_bytes", .right = true},
    {.name = "deleted_data", .right = true, .audience = TARN_CLI_FOR_PROGRAMS},
    {.name = "deleted_metadata", .right = true, .audience = TARN_CLI_FOR_PROGRAMS},
    {.name = "kept_outside", .right = true, .audience = TARN_CLI_FOR_PROGRAMS},
    {.name = "resumed", .right = true, .audience = TARN_CLI_FOR_PROGRAMS},
    {.name = "snapshots_expired", .right = true},
    {.name = "refs_removed", .right = true, .audience = TARN_CLI_FOR_PROGRAMS},
    {.name = "schemas_removed", .right = true, .audience = TARN_CLI_FOR_PROGRAMS},
    {.name = "snapshot_id"},
    {.name = "log"},
    {.name = "dry_run"},
};

static void put_result(TarnCliRows *rows, const TarnMaintainResult *result, bool dry_run) {
    TarnArena *arena = &rows->cli->arena;
    const int64_t *kinds = result->deleted_of_kind;
    int64_t data = kinds[TARN_TABLE_FILE_DATA] + kinds[TARN_TABLE_FILE_DELETES];
    const TarnCliCell cells[MAINTAIN_COLUMNS] = {
        tarn_cli__cell_text(result->table),
        tarn_cli__cell_count(arena, result->files_before),
        tarn_cli__cell_count(arena, result->files_after),
        tarn_cli__cell_bytes(arena, result->bytes_before),
        tarn_cli__cell_bytes(arena, result->bytes_after),
        tarn_cli__cell_count(arena, result->deleted),
        tarn_cli__cell_bytes(arena, result->deleted_bytes),
        tarn_cli__cell_count(arena, data),
        tarn_cli__cell_count(arena, result->deleted - data),
        tarn_cli__cell_count(arena, result->kept_outside),
        tarn_cli__cell_count(arena, result->resumed),
        tarn_cli__cell_count(arena, result->snapshots_expired),
        tarn_cli__cell_count(arena, result->refs_removed),
        tarn_cli__cell_count(arena, result->schemas_removed + result->specs_removed),
        tarn_cli__cell_id(arena, result->snapshot_id),
        tarn_cli__cell_text(result->log),
        tarn_cli__cell_bool(dry_run),
    };
    tarn_cli__rows_put(rows, cells);
}

enum { OPTIMIZE_COLUMNS = 15 };

static const TarnCliColumn optimize_columns[OPTIMIZE_COLUMNS] = {
    {.name = "table"},
    {.name = "files_before", .right = true},
    {.name = "files_after", .right = true},
    {.name = "bytes_before", .right = true},
    {.name = "bytes_after", .right = true},
    {.name = "deleted", .right = true},
    {.name = "added", .right = true},
    {.name = "rows", .right = true},
    {.name = "groups", .right = true, .audience = TARN_CLI_FOR_PROGRAMS},
    {.name = "commits", .right = true},
    {.name = "conflicts", .right = true, .audience = TARN_CLI_FOR_PROGRAMS},
    {.name = "snapshot_id"},
    {.name = "dry_run"},
    {.name = "deletes_removed", .right = true},
    {.name = "deletes_added", .right = true},
};

static void put_optimized(TarnCliRows *rows, const TarnMaintainResult *result, bool dry_run) {
    TarnArena *arena = &rows->cli->arena;
    const TarnCliCell cells[OPTIMIZE_COLUMNS] = {
        tarn_cli__cell_text(result->table),
        tarn_cli__cell_count(arena, result->files_before),
        tarn_cli__cell_count(arena, result->files_after),
        tarn_cli__cell_bytes(arena, result->bytes_before),
        tarn_cli__cell_bytes(arena, result->bytes_after),
        tarn_cli__cell_count(arena, result->deleted),
        tarn_cli__cell_count(arena, result->added),
        tarn_cli__cell_count(arena, result->rows),
        tarn_cli__cell_count(arena, result->groups),
        tarn_cli__cell_count(arena, result->commits),
        tarn_cli__cell_count(arena, result->conflicts),
        tarn_cli__cell_id(arena, result->snapshot_id),
        tarn_cli__cell_bool(dry_run),
        tarn_cli__cell_count(arena, result->deletes_removed),
        tarn_cli__cell_count(arena, result->deletes_added),
    };
    tarn_cli__rows_put(rows, cells);
}

/* One kind of maintenance over one table, and how its result is shown; `state` is its own. */
typedef struct Maintain {
    bool (*run)(void *state, const TarnMaintenance *run, TarnArena *arena,
                TarnMaintainResult *result, TarnError *error);
    void *state;
    const TarnCliColumn *columns;
    size_t column_count;
    void (*put)(TarnCliRows *rows, const TarnMaintainResult *result, bool dry_run);
} Maintain;

static bool maintain_table(TarnCliLake *lake, TarnMaintenance *run, const char *name,
                           const Maintain *maintain, TarnMaintainResult *result,
                           TarnError *error) {
    const TarnTable *table = NULL;
    if (!tarn_cli__lake_table(lake, name, &table, error)) return false;
    run->table = table->name;
    bool ok = maintain->run(maintain->state, run, &lake->cli->arena, result, error);
    tarn_catalog_table_release(table);
    return ok;
}

/* All tables, whatever happens to one of them; the first failure is the command's. */
static bool maintain_tables(TarnCliLake *lake, TarnMaintenance *run, const Maintain *maintain,
                            TarnError *error) {
    TarnCli *cli = lake->cli;
    TarnCliRows rows;
    const TarnCliArguments *arguments = &cli->arguments;
    bool one = arguments->operand_count == 1;
    bool ok = true;
    if (!one) {
        tarn_cli__rows_begin(cli, maintain->columns, maintain->column_count, TARN_CLI_MANY, &rows);
    }
    for (size_t i = 0; i < arguments->operand_count; i++) {
        TarnMaintainResult result;
        TarnError failure = {0};
        if (maintain_table(lake, run, arguments->operands[i], maintain, &result, &failure)) {
            if (one) {
                tarn_cli__rows_begin(cli, maintain->columns, maintain->column_count, TARN_CLI_ONE,
                                     &rows);
            }
            maintain->put(&rows, &result, run->dry_run);
            continue;
        }
        if (ok) {
            *error = failure;
            ok = false;
        } else {
            tarn_cli__error_write(&failure, cli->colour_err, &cli->err);
        }
        if (failure.code == TARN_E_INTERRUPTED) break;
    }
    if (!one || ok) tarn_cli__rows_end(&rows, 0, false);
    return ok;
}

static bool open_run(TarnCli *cli, TarnCliLake *lake, TarnMaintenance *run, TarnError *error) {
    const TarnCliArguments *arguments = &cli->arguments;
    bool dry_run = tarn_cli__is_set(arguments, "dry-run");
    *run = (TarnMaintenance){.os = cli->os, .dry_run = dry_run};
    if (!tarn_cli__lake_open(cli, dry_run ? TARN_CLI_LAKE_READ : TARN_CLI_LAKE_WRITE, lake,
                             error)) {
        return false;
    }
    run->catalog = lake->catalog;
    run->state = tarn_base_arena_printf(&cli->arena, "%s/.tarn", lake->config->folder);
    return tarn_base_arena_check(&cli->arena, error);
}

/* Of the kinds that delete. */
static void read_limits(const TarnCli *cli, TarnMaintenance *run) {
    const TarnCliValue *ratio = tarn_cli__value(&cli->arguments, "max-ratio");
    run->force = tarn_cli__is_set(&cli->arguments, "force");
    run->ratio_max = ratio->given ? ratio->rate : 0;
}

static Maintain deletion(bool (*run)(void *, const TarnMaintenance *, TarnArena *,
                                     TarnMaintainResult *, TarnError *),
                         void *state) {
    return (Maintain){.run = run,
                      .state = state,
                      .columns = maintain_columns,
                      .column_count = MAINTAIN_COLUMNS,
                      .put = put_result};
}

static bool run_deletion(TarnCli *cli, Maintain maintain, TarnError *error) {
    TarnCliLake lake = {0};
    TarnMaintenance run;
    bool ok = open_run(cli, &lake, &run, error);
    if (ok) {
        read_limits(cli, &run);
        ok = maintain_tables(&lake, &run, &maintain, error);
    }
    tarn_cli__lake_close(&lake);
    return ok;
}

/* --- expire --- */

static bool expire(void *state, const TarnMaintenance *run, TarnArena *arena,
                   TarnMaintainResult *result, TarnError *error) {
    return tarn_flow_expire(run, state, arena, result, error);
}

/* "5d" before now, or a time. */
static bool read_older_than(TarnCli *cli, TarnExpireOptions *options, TarnError *error) {
    const TarnCliValue *value = tarn_cli__value(&cli->arguments, "older-than");
    int64_t number;
    if (!value->given) return true;
    TarnText text = tarn_base_text(value->text);
    int64_t now_ms = tarn_os_clock_ms(cli->os);
    if (tarn_base_text_to_duration_ms(text, &number) &&
        !__builtin_sub_overflow(now_ms, number, &options->older_than_ms)) {
        return true;
    }
    if (!tarn_base_time_parse_us(text, &number)) {
        tarn_base_error_set(error, TARN_E_USAGE, "\"%s\" is neither a duration nor a time",
                            value->text);
        return tarn_base_error_hint(error, "as 5d, 12h or 2026-11-01T07:00");
    }
    options->older_than_ms = number / 1000;
    return true;
}

static bool read_snapshots(TarnCli *cli, TarnExpireOptions *options, TarnError *error) {
    const TarnCliValue *value = tarn_cli__value(&cli->arguments, "snapshot");
    int64_t *ids = TARN_NEW_ARRAY(&cli->arena, value->count + 1, int64_t);
    if (ids == NULL) return tarn_base_arena_check(&cli->arena, error);
    for (size_t i = 0; i < value->count; i++) {
        if (tarn_base_text_to_int64(tarn_base_text(value->items[i]), &ids[i])) continue;
        return tarn_base_error_set(error, TARN_E_USAGE, "\"%s\" is no snapshot id",
                                   value->items[i]);
    }
    options->snapshot_ids = ids;
    options->snapshot_id_count = value->count;
    return true;
}

/* --- expire --dropped --- */

static bool check_dropped_flags(TarnCli *cli, TarnError *error) {
    static const char *const others[] = {"snapshot", "retain-last", "clean-schemas", "max-ratio",
                                         "force"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (!tarn_cli__value(&cli->arguments, others[i])->given) continue;
        return tarn_base_error_set(error, TARN_E_USAGE, "--%s is of snapshots, and does not go "
                                                        "with --dropped",
                                   others[i]);
    }
    if (cli->arguments.operand_count == 0) return true;
    return tarn_base_error_set(error, TARN_E_USAGE,
                               "--dropped is about all dropped tables: name no table");
}

/* Never before the time in which a drop can be taken back is over. */
static bool read_dropped_before(TarnCli *cli, int64_t retention_ms, int64_t *before_ms,
                                TarnError *error) {
    TarnExpireOptions options = {.older_than_ms = TARN_ABSENT};
    int64_t now_ms = tarn_os_clock_ms(cli->os);
    if (!read_older_than(cli, &options, error)) return false;
    if (__builtin_sub_overflow(now_ms, retention_ms, before_ms)) *before_ms = INT64_MIN;
    if (options.older_than_ms == TARN_ABSENT) return true;
    if (options.older_than_ms > *before_ms) {
        tarn_base_error_set(error, TARN_E_MAINTENANCE_REFUSED,
                            "dropped tables can be brought back for longer than that");
        return tarn_base_error_hint(error, "drop.retention in tarn.yaml says how long");
    }
    *before_ms = options.older_than_ms;
    return true;
}

static void put_purged(TarnCli *cli, const TarnPurged *purged, bool dry_run) {
    static const TarnCliColumn columns[] = {
        {.name = "tables", .right = true},  {.name = "tables_left", .right = true},
        {.name = "deleted", .right = true}, {.name = "deleted_bytes", .right = true},
        {.name = "kept_outside", .right = true, .audience = TARN_CLI_FOR_PROGRAMS},
        {.name = "dry_run"}};
    TarnArena *arena = &cli->arena;
    TarnCliRows rows;
    tarn_cli__rows_begin(cli, columns, 6, TARN_CLI_ONE, &rows);
    const TarnCliCell cells[] = {
        tarn_cli__cell_count(arena, purged->tables), tarn_cli__cell_count(arena, purged->left),
        tarn_cli__cell_count(arena, purged->files),  tarn_cli__cell_bytes(arena, purged->bytes),
        tarn_cli__cell_count(arena, purged->kept),   tarn_cli__cell_bool(dry_run),
    };
    tarn_cli__rows_put(&rows, cells);
    tarn_cli__rows_end(&rows, 0, false);
}

static bool expire_dropped(TarnCli *cli, TarnError *error) {
    TarnCliLake lake = {0};
    TarnMaintenance run;
    TarnPurged purged;
    int64_t before_ms = 0;
    bool ok = check_dropped_flags(cli, error) && open_run(cli, &lake, &run, error) &&
              read_dropped_before(cli, lake.config->drop_retention_ms, &before_ms, error) &&
              tarn_catalog_dropped_purge(lake.catalog, before_ms, run.dry_run, &purged, error);
    if (ok) put_purged(cli, &purged, run.dry_run);
    tarn_cli__lake_close(&lake);
    return ok;
}

bool tarn_cli__table_expire(TarnCli *cli, TarnError *error) {
    if (tarn_cli__is_set(&cli->arguments, "dropped")) return expire_dropped(cli, error);
    if (cli->arguments.operand_count == 0) {
        tarn_base_error_set(error, TARN_E_USAGE, "\"tarn table expire\" needs TABLE");
        return tarn_base_error_hint(error, "or --dropped: tables that were dropped long ago");
    }
    const TarnCliValue *last = tarn_cli__value(&cli->arguments, "retain-last");
    TarnExpireOptions options = {
        .older_than_ms = TARN_ABSENT,
        .retain_last = last->given ? last->integer : TARN_ABSENT,
        .clean_schemas = tarn_cli__is_set(&cli->arguments, "clean-schemas")};
    bool ok = read_older_than(cli, &options, error) && read_snapshots(cli, &options, error);
    if (ok && options.snapshot_id_count > 0 && cli->arguments.operand_count > 1) {
        ok = tarn_base_error_set(error, TARN_E_USAGE,
                                 "--snapshot is of one table, and several are named");
    }
    return ok && run_deletion(cli, deletion(expire, &options), error);
}

/* --- sweep --- */

static bool sweep(void *state, const TarnMaintenance *run, TarnArena *arena,
                  TarnMaintainResult *result, TarnError *error) {
    const int64_t *age_ms = state;
    return tarn_flow_sweep(run, *age_ms, arena, result, error);
}

bool tarn_cli__table_sweep(TarnCli *cli, TarnError *error) {
    const TarnCliValue *age = tarn_cli__value(&cli->arguments, "older-than");
    int64_t age_ms = age->given ? age->integer : TARN_SWEEP_AGE_MS_DEFAULT;
    return run_deletion(cli, deletion(sweep, &age_ms), error);
}

/* --- optimize --- */

static bool optimize(void *state, const TarnMaintenance *run, TarnArena *arena,
                     TarnMaintainResult *result, TarnError *error) {
    return tarn_flow_optimize(run, state, arena, result, error);
}

static bool read_bytes(TarnCli *cli, const char *name, int64_t *bytes, TarnError *error) {
    const TarnCliValue *value = tarn_cli__value(&cli->arguments, name);
    uint64_t number;
    if (!value->given) return true;
    if (tarn_base_text_to_bytes(tarn_base_text(value->text), &number) && number > 0 &&
        number <= INT64_MAX / 16) {
        *bytes = (int64_t)number;
        return true;
    }
    return tarn_base_error_set(error, TARN_E_USAGE, "--%s: \"%s\" is no size, as 512MB", name,
                               value->text);
}

/* Bounded, unlike that of questions: maintenance runs beside them. */
static bool open_query(TarnCliLake *lake, TarnQuery **query, TarnError *error) {
    TarnQueryOptions options = {
        .catalog = lake->catalog,
        .engine = {.temp_directory = lake->scratch,
                   .memory_limit_bytes = TARN_LIMIT_REWRITE_ENGINE_BYTES,
                   .immutable_files = true},
    };
    if (!tarn_query_open(&options, &lake->query, error)) return false;
    *query = lake->query;
    return true;
}

static bool read_optimize(TarnCli *cli, TarnOptimizeOptions *options, TarnError *error) {
    static const TarnClustering strategies[] = {TARN_CLUSTER_NONE, TARN_CLUSTER_SORT,
                                                TARN_CLUSTER_ZORDER, TARN_CLUSTER_HILBERT};
    const TarnCliArguments *arguments = &cli->arguments;
    const TarnCliValue *columns = tarn_cli__value(arguments, "sort-by");
    const TarnCliValue *strategy = tarn_cli__value(arguments, "strategy");
    *options = (TarnOptimizeOptions){
        .where = tarn_cli__text(arguments, "where"),
        .clustering = strategies[strategy->integer],
        .columns = columns->items,
        .column_count = columns->count,
        .input_files_min = tarn_cli__value(arguments, "min-input-files")->integer,
        .deletes = tarn_cli__is_set(arguments, "deletes")};
    if (columns->given && !strategy->given) options->clustering = TARN_CLUSTER_SORT;
    if (columns->given && options->clustering == TARN_CLUSTER_NONE) {
        return tarn_base_error_set(error, TARN_E_USAGE,
                                   "--sort-by goes with --strategy sort, zorder or hilbert");
    }
    return read_bytes(cli, "target-size", &options->target_bytes, error) &&
           read_bytes(cli, "max-group-size", &options->group_bytes_max, error);
}

static bool optimize_manifests(void *state, const TarnMaintenance *run, TarnArena *arena,
                               TarnMaintainResult *result, TarnError *error) {
    (void)state;
    return tarn_flow_optimize_manifests(run, arena, result, error);
}

bool tarn_cli__table_optimize(TarnCli *cli, TarnError *error) {
    TarnCliLake lake = {0};
    TarnMaintenance run;
    TarnOptimizeOptions options;
    bool manifests = tarn_cli__is_set(&cli->arguments, "manifests");
    bool ok = read_optimize(cli, &options, error) && open_run(cli, &lake, &run, error) &&
              (manifests || open_query(&lake, &options.query, error));
    if (ok) {
        Maintain maintain = {.run = manifests ? optimize_manifests : optimize,
                             .state = &options,
                             .columns = optimize_columns,
                             .column_count = OPTIMIZE_COLUMNS,
                             .put = put_optimized};
        ok = maintain_tables(&lake, &run, &maintain, error);
    }
    tarn_cli__lake_close(&lake);
    return ok;
}
