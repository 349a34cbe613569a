/* tarn build and tarn check: pipelines and quality checks, with what happened to each.
 */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "cli/handlers_private.h"
#include "cli/lake_private.h"
#include "cli/progress_private.h"
#include "cli/rows_private.h"
#include "flow/build.h"
#include "flow/check.h"

/* --- build --- */

static bool is_watched(const TarnCli *cli) {
    return !cli->quiet && (cli->err_terminal.is_terminal || cli->verbose);
}

static const char *status_colour(TarnCli *cli, TarnModelStatus status) {
    if (!cli->colour_err) return "";
    switch (status) {
    case TARN_MODEL_SUCCESS: return TARN_CLI_GREEN;
    case TARN_MODEL_FAILED: return TARN_CLI_RED;
    case TARN_MODEL_SKIPPED: return TARN_CLI_YELLOW;
    default: return TARN_CLI_DIM;
    }
}

/* "2 passed, 1 warned, 1 quarantined, 1 failed", each if there are any; NULL without checks. A
 * check that could not be run counts as failed, as it does for the exit code. */
static const char *checks_text(TarnArena *arena, const TarnCheckResults *checks) {
    static const char *const words[] = {"passed", "warned", "quarantined", "failed"};
    static const size_t word_of[] = {[TARN_CHECK_PASSED] = 0,
                                     [TARN_CHECK_WARNED] = 1,
                                     [TARN_CHECK_QUARANTINED] = 2,
                                     [TARN_CHECK_FAILED] = 3,
                                     [TARN_CHECK_BROKEN] = 3};
    size_t counts[4] = {0};
    char text[160] = "";
    size_t used = 0;
    if (checks->count == 0) return NULL;
    for (size_t i = 0; i < checks->count; i++) counts[word_of[checks->items[i].status]]++;
    for (size_t i = 0; i < 4; i++) {
        if (counts[i] == 0) continue;
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%zu %s",
                                 used > 0 ? ", " : "", counts[i], words[i]);
    }
    return tarn_base_arena_string(arena, text);
}

/* One line a model, as it ends: a person watches a long run while it goes. */
static void on_model(void *state, const TarnModelResult *model, size_t index, size_t count) {
    TarnCli *cli = state;
    if (!is_watched(cli) || model->status == TARN_MODEL_PENDING) return;
    tarn_cli__sink_printf(&cli->err, "%3zu/%zu %s%-9s%s %s", index + 1, count,
                          status_colour(cli, model->status),
                          tarn_flow_model_status_name(model->status),
                          tarn_cli__colour(cli->colour_err, TARN_CLI_PLAIN), model->name);
    if (model->rows >= 0) {
        char rows[TARN_TEXT_HUMAN_BYTES];
        tarn_cli__sink_printf(&cli->err, "  %s rows",
                              tarn_base_text_human_count((uint64_t)model->rows, rows));
    }
    if (model->seconds > 0) tarn_cli__sink_printf(&cli->err, "  %.2f s", model->seconds);
    const char *checks = checks_text(&cli->arena, &model->checks);
    if (checks != NULL) tarn_cli__sink_printf(&cli->err, "  checks: %s", checks);
    if (model->why != NULL) tarn_cli__sink_printf(&cli->err, "  (%s)", model->why);
    tarn_cli__sink_string(&cli->err, "\n");
    tarn_cli__sink_flush(&cli->err);
}

static void put_models(TarnCli *cli, const TarnBuildResult *result) {
    static const TarnCliColumn columns[] = {
        {.name = "model"},   {.name = "materialized"}, {.name = "status"},
        {.name = "rows"},    {.name = "checks"},       {.name = "seconds"},
        {.name = "why"},
    };
    TarnCliRows rows;
    TarnArena *arena = &cli->arena;
    tarn_cli__rows_begin(cli, columns, 7, TARN_CLI_MANY, &rows);
    for (size_t i = 0; i < result->model_count; i++) {
        const TarnModelResult *model = &result->models[i];
        const TarnCliCell cells[] = {
            tarn_cli__cell_text(model->name),
            tarn_cli__cell_text(model->materialized),
            tarn_cli__cell_text(tarn_flow_model_status_name(model->status)),
            tarn_cli__cell_count(arena, model->rows),
            tarn_cli__cell_text(checks_text(arena, &model->checks)),
            tarn_cli__cell_seconds(arena, model->seconds),
            tarn_cli__cell_text(model->why),
        };
        tarn_cli__rows_put(&rows, cells);
    }
    tarn_cli__rows_end(&rows, 0, false);
}

static void put_explanations(TarnCli *cli, const TarnBuildResult *result) {
    for (size_t i = 0; i < result->model_count; i++) {
        const TarnModelResult *model = &result->models[i];
        if (model->sql != NULL) {
            tarn_cli__sink_printf(&cli->out, "\n-- %s\n%s\n", model->name, model->sql);
        }
        if (model->explanation != NULL) {
            tarn_cli__sink_printf(&cli->out, "%s\n", model->explanation);
        }
    }
}

/* Every failure but the first, which is the command's own error. */
static void tell_failures(TarnCli *cli, const TarnBuildResult *result) {
    bool first = true;
    for (size_t i = 0; i < result->model_count; i++) {
        if (result->models[i].error == NULL) continue;
        if (!first) tarn_cli__error_write(result->models[i].error, cli->colour_err, &cli->err);
        first = false;
    }
}

static bool read_vars(TarnCli *cli, TarnBuildVar **vars, size_t *count, TarnError *error) {
    const TarnCliValue *given = tarn_cli__value(&cli->arguments, "var");
    *count = given->count;
    *vars = TARN_NEW_ARRAY(&cli->arena, given->count + 1, TarnBuildVar);
    for (size_t i = 0; *vars != NULL && i < given->count; i++) {
        const char *equals = strchr(given->items[i], '=');
        if (equals == NULL || equals == given->items[i]) {
            return tarn_base_error_set(error, TARN_E_USAGE, "--var \"%s\" is not NAME=VALUE",
                                       given->items[i]);
        }
        (*vars)[i].name = tarn_base_arena_string_n(&cli->arena, given->items[i],
                                                   (size_t)(equals - given->items[i]));
        (*vars)[i].value = equals + 1;
    }
    return tarn_base_arena_check(&cli->arena, error);
}

static bool run_build(TarnCliLake *lake, TarnBuildOptions *options, TarnError *error) {
    TarnCli *cli = lake->cli;
    TarnBuildResult result = {0};
    options->config = lake->config;
    options->scratch = lake->scratch;
    if (!tarn_cli__lake_branch(lake, options->branch, error) ||
        !tarn_cli__lake_query(lake, &options->query, error) ||
        !tarn_flow_build(options, &cli->arena, &result, error)) {
        return false;
    }
    if (cli->format == TARN_CLI_JSON) {
        TarnBuffer json;
        TarnJsonWriter writer;
        tarn_base_buffer_init(&json, TARN_GIB);
        tarn_base_json_writer_init(&writer, &json, 0);
        tarn_flow_build_to_json(&result, &writer);
        bool whole = tarn_base_buffer_check(&json, error);
        tarn_cli__envelope_put(cli, tarn_base_buffer_view(&json));
        tarn_base_buffer_dispose(&json);
        if (!whole) return false;
    } else {
        /* the lines of a watched run have said it all on the same screen */
        bool said = is_watched(cli) && cli->out_terminal.is_terminal;
        if (cli->format != TARN_CLI_TABLE || !said) put_models(cli, &result);
        if (cli->format == TARN_CLI_TABLE) put_explanations(cli, &result);
        tell_failures(cli, &result);
    }
    return tarn_flow_build_verdict(&result, error);
}

bool tarn_cli__build(TarnCli *cli, TarnError *error) {
    const TarnCliArguments *arguments = &cli->arguments;
    const TarnCliValue *exclude = tarn_cli__value(arguments, "exclude");
    TarnBuildOptions options = {
        .os = cli->os,
        .select = arguments->operands,
        .select_count = arguments->operand_count,
        .exclude = exclude->items,
        .exclude_count = exclude->count,
        .full_refresh = tarn_cli__is_set(arguments, "full-refresh"),
        .from_failure = tarn_cli__is_set(arguments, "from-failure"),
        .dry_run = tarn_cli__is_set(arguments, "dry-run"),
        .explain = tarn_cli__is_set(arguments, "explain"),
        .backfill = tarn_cli__text(arguments, "backfill"),
        .branch = tarn_cli__text(arguments, "branch"),
        .user = cli->os->environment(cli->os, "USER"),
        .progress = on_model,
        .progress_state = cli,
    };
    if (options.explain && !options.dry_run) {
        return tarn_base_error_set(error, TARN_E_USAGE, "--explain goes with --dry-run");
    }
    TarnBuildVar *vars;
    TarnCliLake lake = {0};
    if (!read_vars(cli, &vars, &options.var_count, error)) return false;
    options.vars = vars;
    bool ok = tarn_cli__lake_open(cli, TARN_CLI_LAKE_WRITE, &lake, error) &&
              run_build(&lake, &options, error);
    if (!ok && error->code == TARN_E_INTERRUPTED && error->hint[0] == '\0') {
        tarn_base_error_hint(error, "the tables published before are kept; tarn build "
                                    "--from-failure goes on");
    }
    tarn_cli__lake_close(&lake);
    return ok;
}

/* --- check --- */

static void put_checks(TarnCli *cli, const TarnCheckResults *results) {
    static const TarnCliColumn columns[] = {
        {.name = "table"},    {.name = "check"}, {.name = "status"},
        {.name = "severity"}, {.name = "value"}, {.name = "expected"},
        {.name = "failing_rows", .right = true},
    };
    TarnCliRows rows;
    tarn_cli__rows_begin(cli, columns, 7, TARN_CLI_MANY, &rows);
    for (size_t i = 0; i < results->count; i++) {
        const TarnCheckResult *check = &results->items[i];
        const TarnCliCell cells[] = {
            tarn_cli__cell_text(check->table),
            tarn_cli__cell_text(check->name),
            tarn_cli__cell_text(tarn_flow_check_status_name(check->status)),
            tarn_cli__cell_text(tarn_flow_check_severity_name(check->severity)),
            tarn_cli__cell_text(check->status == TARN_CHECK_BROKEN ? check->error_text
                                                                   : check->value),
            tarn_cli__cell_text(check->expected),
            tarn_cli__cell_count(&cli->arena, check->failing_rows),
        };
        tarn_cli__rows_put(&rows, cells);
    }
    tarn_cli__rows_end(&rows, 0, false);
}

static bool run_checks(TarnCliLake *lake, TarnError *error) {
    TarnCli *cli = lake->cli;
    TarnCheckResults results = {0};
    TarnCheckOptions options = {
        .config = lake->config,
        .os = cli->os,
        .tables = cli->arguments.operands,
        .table_count = cli->arguments.operand_count,
        .user = cli->os->environment(cli->os, "USER"),
    };
    if (!tarn_cli__lake_branch(lake, tarn_cli__text(&cli->arguments, "branch"), error) ||
        !tarn_cli__lake_query(lake, &options.query, error) ||
        !tarn_flow_check(&options, &cli->arena, &results, error)) {
        return false;
    }
    if (results.count == 0 && cli->format == TARN_CLI_TABLE) {
        tarn_cli__say(cli, "no table has checks (pipelines/ZONE/NAME.yaml or checks/*.yaml "
                           "declare them)");
    } else {
        put_checks(cli, &results);
    }
    return tarn_flow_check_verdict(&results, error);
}

bool tarn_cli__check(TarnCli *cli, TarnError *error) {
    TarnCliLake lake;
    bool ok = tarn_cli__lake_open(cli, TARN_CLI_LAKE_WRITE, &lake, error) &&
              run_checks(&lake, error);
    tarn_cli__lake_close(&lake);
    return ok;
}
