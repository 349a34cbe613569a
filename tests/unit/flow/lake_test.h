/* A lake in a scratch folder, opened as the program opens it, with the few things tests of
 * pipelines say: files written, statements run, builds and their outcome as one line of text. */
#ifndef TARN_TESTS_LAKE_TEST_H
#define TARN_TESTS_LAKE_TEST_H

#include "base/fault.h"
#include "base/limits.h"
#include "flow/build.h"
#include "flow/load.h"
#include "govern/lineage.h"
#include "support/scratch.h"
#include "support/tap.h"

typedef struct Lake {
    Scratch scratch;
    TarnArena arena;
    TarnLakeConfig *config;
    TarnDb *db;
    TarnCatalog *catalog;
    TarnQuery *query;
    TarnBuildResult result; /* of the last build */
} Lake;

static Lake lake;
static TarnError error;

static const char lake_yaml[] =
    "version: 1\nname: t\nsync: catalog\nzones:\n  raw: {}\n  cleansed: { requires: [schema] }\n"
    "  curated: { requires: [schema, checks] }\n  sandbox: {}\n"
    "sources:\n  - { name: trips, from: file, path: '*.csv', into: raw.trips }\n";

__attribute__((unused)) static void lake_file(const char *name, const char *content) {
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s", scratch_at(&lake.scratch, name));
    for (char *slash = strchr(path + strlen(lake.scratch.path) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    scratch_write(path, content);
}

__attribute__((unused)) static bool lake_open(void) {
    static const TarnDbMigration migrations[] = {{1, "catalog", tarn_catalog_schema_sql},
                                                 {2, "flow", tarn_flow_schema_sql},
                                                 {3, "govern", tarn_govern_schema_sql},
                                                 {4, "flow branches",
                                                  tarn_flow_branch_schema_sql},
                                                 {5, "catalog drops",
                                                  tarn_catalog_drop_schema_sql}};
    static const TarnCatalogFollower followers[] = {
        {.move = tarn_govern_lineage_move, .forget = tarn_govern_lineage_forget},
        {.move = tarn_flow_load_move, .forget = tarn_flow_load_forget}};
    static char url[PATH_MAX + 64];
    const TarnOs *os = tarn_os_posix();
    TarnDbOptions db_options = {.how = TARN_DB_CREATE};
    tarn_base_arena_init(&lake.arena, TARN_GIB);
    lake_file(".tarn/warehouse/.keep", "");
    snprintf(url, sizeof(url), "sqlite:%s/.tarn/catalog.db", lake.scratch.path);
    if (!tarn_flow_lake_config_read(os, lake.scratch.path, &lake.arena, &lake.config, &error) ||
        !tarn_db_open(os, url, &db_options, &lake.db, &error) ||
        !tarn_db_migrate(lake.db, migrations, sizeof(migrations) / sizeof(migrations[0]),
                         &error)) {
        return false;
    }
    TarnCatalogOptions options = {.os = os,
                                  .db = lake.db,
                                  .warehouse = lake.config->warehouse,
                                  .sync = TARN_STORE_SYNC_CATALOG,
                                  .zones = lake.config->zones,
                                  .zone_count = lake.config->zone_count,
                                  .user = "tester",
                                  .followers = followers,
                                  .follower_count = 2};
    if (!tarn_catalog_open(&options, &lake.catalog, &error)) return false;
    TarnQueryOptions query = {.catalog = lake.catalog, .engine = {.threads = 2}};
    return tarn_query_open(&query, &lake.query, &error);
}

__attribute__((unused)) static void lake_close(void) {
    tarn_query_close(lake.query);
    tarn_catalog_close(lake.catalog);
    tarn_db_close(lake.db);
    tarn_base_arena_dispose(&lake.arena);
    lake.query = NULL;
    lake.catalog = NULL;
    lake.db = NULL;
}

__attribute__((unused)) static bool lake_begin(void) {
    memset(&lake, 0, sizeof(lake));
    scratch_make(&lake.scratch);
    lake_file("tarn.yaml", lake_yaml);
    return lake_open();
}

__attribute__((unused)) static void lake_end(void) {
    lake_close();
    scratch_remove(&lake.scratch);
}

/* Rows as "a|b;c|d", a message, or "error: CODE message". */
__attribute__((unused)) static const char *lake_sql(const char *sql) {
    static char text[65536];
    TarnStatement *statement = NULL;
    TarnBuffer out;
    tarn_base_buffer_init(&out, sizeof(text) - 1);
    if (!tarn_query_run(lake.query, tarn_base_text(sql), NULL, &statement, &error)) {
        snprintf(text, sizeof(text), "error: %s %s", tarn_base_error_name(error.code),
                 error.message);
        return text;
    }
    const TarnEngineChunk *chunk = NULL;
    bool first = true;
    while (statement->rows != NULL && tarn_engine_result_next(statement->rows, &chunk, &error) &&
           chunk != NULL) {
        for (uint64_t row = 0; row < chunk->rows; row++) {
            tarn_base_buffer_string(&out, first ? "" : ";");
            first = false;
            for (uint32_t c = 0; c < chunk->column_count; c++) {
                if (c > 0) tarn_base_buffer_byte(&out, '|');
                if (!tarn_engine_value_text(&chunk->columns[c], row, &out)) {
                    tarn_base_buffer_string(&out, "NULL");
                }
            }
        }
    }
    if (statement->message != NULL) tarn_base_buffer_string(&out, statement->message);
    snprintf(text, sizeof(text), "%s", out.data != NULL ? out.data : "");
    tarn_base_buffer_dispose(&out);
    tarn_query_statement_free(statement);
    return text;
}
#define SQL(sql, expected) tap_string(__FILE__, __LINE__, sql, lake_sql(sql), expected)

/* "raw.a success; curated.b failed: CHECK_FAILED"; before anything ran: "error: CODE message". */
__attribute__((unused)) static const char *lake_build(const TarnBuildOptions *given) {
    static char text[65536];
    TarnBuildOptions options = given != NULL ? *given : (TarnBuildOptions){0};
    size_t used = 0;
    options.config = lake.config;
    options.os = tarn_os_posix();
    options.query = lake.query;
    options.scratch = lake.scratch.path;
    text[0] = '\0';
    if (!tarn_flow_build(&options, &lake.arena, &lake.result, &error)) {
        snprintf(text, sizeof(text), "error: %s %s", tarn_base_error_name(error.code),
                 error.message);
        return text;
    }
    for (size_t i = 0; i < lake.result.model_count; i++) {
        const TarnModelResult *model = &lake.result.models[i];
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s%s%s%s%s",
                                 i > 0 ? "; " : "", model->name,
                                 tarn_flow_model_status_name(model->status),
                                 model->error != NULL ? ": " : "",
                                 model->error != NULL ? tarn_base_error_name(model->error->code)
                                                      : "",
                                 model->error != NULL ? " " : "",
                                 model->error != NULL ? model->error->message : "");
    }
    return text;
}
#define BUILD(options, expected)                                                                   \
    tap_string(__FILE__, __LINE__, "build", lake_build(options), expected)

__attribute__((unused)) static const TarnModelResult *lake_model(const char *name) {
    static const TarnModelResult none = {.name = "(none)", .snapshot_id = TARN_ABSENT};
    for (size_t i = 0; i < lake.result.model_count; i++) {
        if (strcmp(lake.result.models[i].name, name) == 0) return &lake.result.models[i];
    }
    return &none;
}

/* "not_null(id) pass 0; row_count fail -1" */
__attribute__((unused)) static const char *lake_checks(const TarnCheckResults *results) {
    static char text[8192];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < results->count; i++) {
        const TarnCheckResult *check = &results->items[i];
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s %lld%s%s",
                                 i > 0 ? "; " : "", check->name,
                                 tarn_flow_check_status_name(check->status),
                                 (long long)check->failing_rows,
                                 check->error_text != NULL ? " " : "",
                                 check->error_text != NULL ? check->error_text : "");
    }
    return text;
}

#endif
