/* tarn load and tarn ingest: files into tables, once by hand or as tarn.yaml says.
 */
#include "flow/load.h"

#include <string.h>

#include "base/limits.h"
#include "cli/handlers_private.h"
#include "cli/lake_private.h"
#include "cli/progress_private.h"
#include "cli/rows_private.h"

enum { LOAD_COLUMNS = 18 };
/* Of fields that were dropped: a line for people has room for a few. */
enum { NAMES_TOLD = 10 };

static const TarnCliColumn load_columns[LOAD_COLUMNS] = {
    {.name = "table"},          {.name = "rows_in"},       {.name = "rows_loaded"},
    {.name = "rows_quarantined"}, {.name = "rows_skipped"}, {.name = "files"},
    {.name = "files_skipped"},  {.name = "files_refused"}, {.name = "bytes"},
    {.name = "snapshot_id"},    {.name = "created"},       {.name = "batch"},
    {.name = "source"},         {.name = "error"},         {.name = "seconds"},
    {.name = "rows_with_dropped_fields"}, {.name = "dropped_fields"},
    {.name = "dropped_fields_more"},
};

static const char *plural(uint64_t count) { return count == 1 ? "" : "s"; }

/* Fields that the table does not have: a warning, since nothing else tells that they were there. */
static void say_dropped(TarnCli *cli, const TarnLoadResult *result) {
    const TarnSourceDropped *dropped = &result->dropped;
    TarnCliSink *out = &cli->out;
    char rows[TARN_TEXT_HUMAN_BYTES];
    if (dropped->rows == 0) return;
    tarn_cli__sink_printf(out, "  warning: in %s row%s, fields were dropped that the table does "
                               "not have: ",
                          tarn_base_text_human_count(dropped->rows, rows), plural(dropped->rows));
    size_t told = dropped->name_count < NAMES_TOLD ? dropped->name_count : NAMES_TOLD;
    for (size_t i = 0; i < told; i++) {
        tarn_cli__sink_printf(out, "%s\"%s\"", i > 0 ? ", " : "", dropped->names[i]);
    }
    if (dropped->more || told < dropped->name_count) tarn_cli__sink_string(out, " and others");
    tarn_cli__sink_string(out, "\n");
}

static void say_result(TarnCli *cli, const TarnLoadResult *result) {
    TarnCliSink *out = &cli->out;
    char rows[TARN_TEXT_HUMAN_BYTES];
    char bytes[TARN_TEXT_HUMAN_BYTES];
    if (cli->quiet) return;
    if (result->files == 0 && result->files_refused == 0) {
        tarn_cli__sink_printf(out, "%s: nothing new (%llu file%s loaded before)\n", result->table,
                              (unsigned long long)result->files_skipped,
                              plural(result->files_skipped));
        return;
    }
    tarn_cli__sink_printf(out, "%s: %s row%s loaded from %llu file%s (%s) in %.2f s%s\n",
                          result->table, tarn_base_text_human_count(result->rows_loaded, rows),
                          plural(result->rows_loaded), (unsigned long long)result->files,
                          plural(result->files), tarn_base_text_human_bytes(result->bytes, bytes),
                          result->seconds, result->created ? ", table created" : "");
    if (result->files_skipped > 0) {
        tarn_cli__sink_printf(out, "  %llu file%s loaded before: skipped\n",
                              (unsigned long long)result->files_skipped,
                              plural(result->files_skipped));
    }
    if (result->rows_quarantined > 0 || result->files_refused > 0) {
        tarn_cli__sink_printf(out,
                              "  %s row%s and %llu file%s did not fit: see \"%s$quarantine\"\n",
                              tarn_base_text_human_count(result->rows_quarantined, rows),
                              plural(result->rows_quarantined),
                              (unsigned long long)result->files_refused,
                              plural(result->files_refused), result->table);
    }
    if (result->rows_skipped > 0) {
        tarn_cli__sink_printf(out, "  %s row%s did not fit and %s skipped\n",
                              tarn_base_text_human_count(result->rows_skipped, rows),
                              plural(result->rows_skipped),
                              result->rows_skipped == 1 ? "was" : "were");
    }
    say_dropped(cli, result);
}

static TarnCliCell names_cell(TarnArena *arena, const TarnSourceDropped *dropped) {
    TarnBuffer json;
    TarnJsonWriter writer;
    tarn_base_buffer_init(&json, TARN_MIB);
    tarn_base_json_writer_init(&writer, &json, 0);
    tarn_base_json_array_begin(&writer);
    for (size_t i = 0; i < dropped->name_count; i++) {
        tarn_base_json_put_string(&writer, dropped->names[i]);
    }
    tarn_base_json_array_end(&writer);
    return tarn_cli__cell_buffer(arena, &json);
}

static void put_result(TarnCliRows *rows, const TarnLoadResult *result, const char *source,
                       const TarnError *failure) {
    TarnArena *arena = &rows->cli->arena;
    const TarnCliCell cells[LOAD_COLUMNS] = {
        tarn_cli__cell_text(result->table),
        tarn_cli__cell_int64(arena, (int64_t)result->rows_in),
        tarn_cli__cell_int64(arena, (int64_t)result->rows_loaded),
        tarn_cli__cell_int64(arena, (int64_t)result->rows_quarantined),
        tarn_cli__cell_int64(arena, (int64_t)result->rows_skipped),
        tarn_cli__cell_int64(arena, (int64_t)result->files),
        tarn_cli__cell_int64(arena, (int64_t)result->files_skipped),
        tarn_cli__cell_int64(arena, (int64_t)result->files_refused),
        tarn_cli__cell_bytes(arena, (int64_t)result->bytes),
        tarn_cli__cell_id(arena, result->snapshot_id),
        tarn_cli__cell_bool(result->created),
        tarn_cli__cell_text(result->batch),
        tarn_cli__cell_text(source),
        tarn_cli__cell_text(failure != NULL ? failure->message : NULL),
        tarn_cli__cell_seconds(arena, result->seconds),
        tarn_cli__cell_int64(arena, (int64_t)result->dropped.rows),
        names_cell(arena, &result->dropped),
        tarn_cli__cell_bool(result->dropped.more),
    };
    tarn_cli__rows_put(rows, cells);
}

static bool run_load(TarnCli *cli, TarnLoadOptions *options, TarnLoadResult *result,
                     TarnError *error) {
    TarnCliProgress progress;
    tarn_cli__progress_begin(&progress, cli, "loading");
    options->progress = tarn_cli__progress_of_load;
    options->progress_state = &progress;
    bool ok = tarn_flow_load(options, &cli->arena, result, error);
    tarn_cli__progress_end(&progress);
    if (!ok && error->code == TARN_E_INTERRUPTED && error->hint[0] == '\0') {
        tarn_base_error_hint(error, "nothing of this load was kept; run it again");
    }
    return ok;
}

/* The flags of `load` in the words of flow. Order of the words is that of the table. */
static void read_flags(const TarnCliArguments *arguments, TarnLoadOptions *options) {
    static const TarnOnError on_errors[] = {TARN_ON_ERROR_FAIL, TARN_ON_ERROR_QUARANTINE,
                                            TARN_ON_ERROR_SKIP};
    static const TarnDrift drifts[] = {TARN_DRIFT_EVOLVE, TARN_DRIFT_FREEZE,
                                       TARN_DRIFT_DISCARD_ROW, TARN_DRIFT_DISCARD_VALUE};
    static const TarnFileFormat formats[] = {TARN_FILE_UNKNOWN, TARN_FILE_CSV,  TARN_FILE_JSON,
                                             TARN_FILE_NDJSON,  TARN_FILE_AVRO, TARN_FILE_PARQUET};
    static const TarnLoadMode modes[] = {TARN_LOAD_APPEND, TARN_LOAD_OVERWRITE, TARN_LOAD_MERGE};
    const TarnCliValue *partition = tarn_cli__value(arguments, "partition-by");
    const TarnCliValue *rate = tarn_cli__value(arguments, "max-error-rate");
    options->mode = modes[tarn_cli__value(arguments, "mode")->integer];
    options->on_error = on_errors[tarn_cli__value(arguments, "on-error")->integer];
    options->drift = drifts[tarn_cli__value(arguments, "drift")->integer];
    options->format = formats[tarn_cli__value(arguments, "format")->integer];
    options->schema_file = tarn_cli__text(arguments, "schema");
    options->source = tarn_cli__text(arguments, "source");
    options->branch = tarn_cli__text(arguments, "branch");
    options->partition_by = partition->items;
    options->partition_count = partition->count;
    options->max_error_rate = rate->given ? rate->rate : 1;
}

bool tarn_cli__load(TarnCli *cli, TarnError *error) {
    const TarnCliArguments *arguments = &cli->arguments;
    TarnLoadOptions options = {.os = cli->os};
    read_flags(arguments, &options);
    if (tarn_cli__value(arguments, "key")->given || options.mode == TARN_LOAD_MERGE) {
        tarn_base_error_set(error, TARN_E_USAGE, "--mode merge comes with a later version");
        return tarn_base_error_hint(error, "load into a table of its own and merge in a pipeline: "
                                    "config(strategy = 'merge', unique_key = ..)");
    }
    options.paths = arguments->operands;
    options.path_count = arguments->operand_count - 1;
    const char *table = arguments->operands[arguments->operand_count - 1];
    TarnCliLake lake = {0};
    TarnLoadResult result = {0};
    bool ok = tarn_catalog_name_parse(tarn_base_text(table), &cli->arena, &options.table, error) &&
              tarn_cli__lake_open(cli, TARN_CLI_LAKE_WRITE, &lake, error);
    if (ok) {
        options.catalog = lake.catalog;
        options.scratch = lake.scratch;
        ok = run_load(cli, &options, &result, error);
    }
    if (ok && cli->format == TARN_CLI_TABLE) {
        say_result(cli, &result);
    } else if (ok) {
        TarnCliRows rows;
        tarn_cli__rows_begin(cli, load_columns, LOAD_COLUMNS, TARN_CLI_ONE, &rows);
        put_result(&rows, &result, options.source, NULL);
        tarn_cli__rows_end(&rows, 0, false);
    }
    tarn_cli__lake_close(&lake);
    return ok;
}

/* --- ingest --- */

static bool load_source(TarnCliLake *lake, const TarnSourceConfig *source, TarnLoadResult *result,
                        TarnError *error) {
    TarnCli *cli = lake->cli;
    *result = (TarnLoadResult){.table = source->into, .snapshot_id = TARN_ABSENT};
    if (strcmp(source->from, "file") != 0) {
        tarn_base_error_set(error, TARN_E_CONFIG,
                            "source \"%s\": from: %s comes with a later version", source->name,
                            source->from);
        return tarn_base_error_place(error, lake->config->path, source->line, 1);
    }
    const char *path = source->path[0] == '/'
                           ? source->path
                           : tarn_base_arena_printf(&cli->arena, "%s/%s", lake->config->folder,
                                                    source->path);
    const char *schema = source->schema;
    if (schema != NULL && schema[0] != '/') {
        schema = tarn_base_arena_printf(&cli->arena, "%s/%s", lake->config->folder, schema);
    }
    TarnLoadOptions options = {
        .os = cli->os,
        .catalog = lake->catalog,
        .paths = &path,
        .path_count = 1,
        .source = source->name,
        .schema_file = schema,
        .partition_by = source->partition_by,
        .partition_count = source->partition_count,
        .on_error = source->on_error,
        .max_error_rate = source->max_error_rate,
        .drift = source->drift,
        .format = source->format,
        .csv = source->csv_given ? &source->csv : NULL,
        .scratch = lake->scratch,
    };
    return tarn_base_arena_check(&cli->arena, error) &&
           tarn_catalog_name_parse(tarn_base_text(source->into), &cli->arena, &options.table,
                                   error) &&
           run_load(cli, &options, result, error);
}

static bool is_wanted(const TarnCliArguments *arguments, const char *name) {
    for (size_t i = 0; i < arguments->operand_count; i++) {
        if (strcmp(arguments->operands[i], name) == 0) return true;
    }
    return arguments->operand_count == 0;
}

static bool check_names(const TarnCliArguments *arguments, const TarnLakeConfig *config,
                        TarnArena *arena, TarnError *error) {
    const char **names = TARN_NEW_ARRAY(arena, config->source_count + 1, const char *);
    if (names == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < config->source_count; i++) names[i] = config->sources[i].name;
    for (size_t i = 0; i < arguments->operand_count; i++) {
        const char *wanted = arguments->operands[i];
        bool found = false;
        for (size_t k = 0; k < config->source_count; k++) {
            found = found || strcmp(names[k], wanted) == 0;
        }
        if (found) continue;
        tarn_base_error_set(error, TARN_E_SOURCE_NOT_FOUND, "tarn.yaml has no source \"%s\"",
                            wanted);
        const char *nearest = tarn_base_text_nearest(wanted, names, config->source_count);
        if (nearest == NULL) return false;
        return tarn_base_error_hint(error, "did you mean \"%s\"?", nearest);
    }
    return true;
}

/* Every wanted source runs, whatever happens to another; the first failure is the command's. */
static bool ingest_all(TarnCliLake *lake, TarnError *error) {
    TarnCli *cli = lake->cli;
    const TarnLakeConfig *config = lake->config;
    TarnCliRows rows;
    bool drawn = cli->format != TARN_CLI_TABLE;
    bool ok = true;
    if (drawn) tarn_cli__rows_begin(cli, load_columns, LOAD_COLUMNS, TARN_CLI_MANY, &rows);
    for (size_t i = 0; i < config->source_count; i++) {
        if (!is_wanted(&cli->arguments, config->sources[i].name)) continue;
        TarnLoadResult result;
        TarnError failure = {0};
        bool loaded = load_source(lake, &config->sources[i], &result, &failure);
        if (drawn) {
            put_result(&rows, &result, config->sources[i].name, loaded ? NULL : &failure);
        } else if (loaded) {
            say_result(cli, &result);
        }
        if (loaded) continue;
        if (ok) {
            *error = failure;
            ok = false;
        } else {
            tarn_cli__error_write(&failure, cli->colour_err, &cli->err);
        }
        if (failure.code == TARN_E_INTERRUPTED) break;
    }
    if (drawn) tarn_cli__rows_end(&rows, 0, false);
    return ok;
}

bool tarn_cli__ingest(TarnCli *cli, TarnError *error) {
    TarnCliLake lake = {0};
    bool ok = tarn_cli__lake_open(cli, TARN_CLI_LAKE_WRITE, &lake, error) &&
              check_names(&cli->arguments, lake.config, &cli->arena, error);
    if (ok && lake.config->source_count == 0) {
        tarn_base_error_set(error, TARN_E_SOURCE_NOT_FOUND, "tarn.yaml has no sources");
        ok = tarn_base_error_hint(error, "add one below \"sources:\", or load files by hand: tarn "
                                  "load FILE raw.TABLE");
    }
    ok = ok && ingest_all(&lake, error);
    tarn_cli__lake_close(&lake);
    return ok;
}
