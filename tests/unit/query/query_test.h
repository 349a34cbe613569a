/* A lake in a temporary folder and statements against it, their answers as text. */
#ifndef TARN_TESTS_QUERY_TEST_H
#define TARN_TESTS_QUERY_TEST_H

#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "catalog/catalog.h"
#include "query/query.h"
#include "support/tap.h"

static char folder[64];
static TarnError error;
static TarnDb *db;
static TarnCatalog *catalog;
static TarnQuery *query;
static char url[128];
static char warehouse[128];

static const TarnDbMigration migrations[] = {{1, "catalog", tarn_catalog_schema_sql},
                                             {2, "govern", tarn_govern_schema_sql},
                                             {3, "drops", tarn_catalog_drop_schema_sql}};

static bool start(void) {
    TarnDbOptions db_options = {.how = TARN_DB_CREATE};
    snprintf(url, sizeof(url), "sqlite:%s/catalog.db", folder);
    snprintf(warehouse, sizeof(warehouse), "%s/warehouse", folder);
    TarnCatalogOptions options = {.os = tarn_os_posix(),
                                  .warehouse = warehouse,
                                  .sync = TARN_STORE_SYNC_CATALOG,
                                  .zones = tarn_catalog_default_zones,
                                  .zone_count = tarn_catalog_default_zone_count};
    if (!tarn_db_open(options.os, url, &db_options, &db, &error) ||
        !tarn_db_migrate(db, migrations, 3, &error)) {
        return false;
    }
    options.db = db;
    if (!tarn_catalog_open(&options, &catalog, &error)) return false;
    TarnQueryOptions query_options = {.catalog = catalog};
    return tarn_query_open(&query_options, &query, &error);
}

/* The rows as text: "a|b;c|d", or "error: CODE line:column message". */
static const char *run_as_of(const char *sql, const char *as_of) {
    static char text[65536];
    TarnStatement *statement = NULL;
    TarnRunOptions options = {.as_of = as_of};
    TarnBuffer out;
    tarn_base_buffer_init(&out, sizeof(text) - 1);
    if (!tarn_query_run(query, tarn_base_text(sql), &options, &statement, &error)) {
        snprintf(text, sizeof(text), "error: %s %u:%u %s", tarn_base_error_name(error.code),
                 error.line, error.column, error.message);
        return text;
    }
    const TarnEngineChunk *chunk = NULL;
    bool first = true;
    while (statement->rows != NULL &&
           tarn_engine_result_next(statement->rows, &chunk, &error) && chunk != NULL) {
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
static const char *run(const char *sql) { return run_as_of(sql, NULL); }

static bool open_lake(void) {
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof(folder), "%.40s/tarn-query-XXXXXX", parent != NULL ? parent : "/tmp");
    if (mkdtemp(folder) != NULL && start()) return true;
    printf("Bail out! %s\n", error.message);
    return false;
}

static void close_lake(void) {
    tarn_query_close(query);
    tarn_catalog_close(catalog);
    tarn_db_close(db);
}

#define RUN(sql, expected) tap_string(__FILE__, __LINE__, sql, run(sql), expected)

#endif
