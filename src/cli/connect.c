/* tarn connect: the lines that open this lake in another tool, ready to paste.
 *
 * The catalog is an Iceberg SQL catalog in SQLite and every table is plain Iceberg, so pyiceberg
 * opens the lake itself; DuckDB's own shell reads each table's current metadata file.
 */
#include <string.h>

#include "base/limits.h"
#include "cli/handlers_private.h"
#include "cli/lake_private.h"
#include "store/s3.h"

/* Known by name; they need a server. */
static const char *const later_tools[] = {
    "psql",     "jdbc",     "spark",   "trino",   "ray",     "flink",
    "superset", "metabase", "tableau", "powerbi", "grafana", "mcp",
};

/* A text of Python or SQL: both double or escape in their own way, and paths rarely need it. */
static void put_python(TarnBuffer *out, const char *text) {
    tarn_base_json_quote(out, tarn_base_text(text)); /* a JSON string is a Python string */
}

static const char *database_path(const TarnLakeConfig *config) {
    static const char prefix[] = "sqlite:";
    return config->catalog + (strncmp(config->catalog, prefix, strlen(prefix)) == 0
                                  ? strlen(prefix)
                                  : 0);
}

/* What is set in tarn.yaml, but for secrets: the clients find keys as tarn does. */
static void put_python_storage(const TarnStoreS3Options *storage, TarnBuffer *out) {
    const char *const settings[][2] = {{"s3.endpoint", storage->endpoint},
                                       {"s3.region", storage->region}};
    for (size_t i = 0; i < 2; i++) {
        if (settings[i][1] == NULL) continue;
        tarn_base_buffer_printf(out, ",\n                  **{\"%s\": ", settings[i][0]);
        put_python(out, settings[i][1]);
        tarn_base_buffer_string(out, "}");
    }
}

static void write_python(TarnCliLake *lake, const TarnRelation *tables, size_t count,
                         TarnBuffer *out) {
    TarnArena *arena = &lake->cli->arena;
    const char *url =
        tarn_base_arena_printf(arena, "sqlite:///%s", database_path(lake->config));
    bool s3 = tarn_store_is_s3(tarn_base_text(lake->config->warehouse));
    const char *warehouse = tarn_base_arena_printf(arena, "%s%s", s3 ? "" : "file://",
                                                   lake->config->warehouse);
    tarn_base_buffer_string(out, "# pip install 'pyiceberg[sql-sqlite,pyarrow]'\n"
                                 "from pyiceberg.catalog.sql import SqlCatalog\n\n"
                                 "lake = SqlCatalog(\"" TARN_CATALOG_NAME "\", uri=");
    put_python(out, url != NULL ? url : "");
    tarn_base_buffer_string(out, ",\n                  warehouse=");
    put_python(out, warehouse != NULL ? warehouse : "");
    if (s3) put_python_storage(&lake->config->storage, out);
    tarn_base_buffer_string(out, ")\nfor namespace in lake.list_namespaces():\n"
                                 "    print(namespace, lake.list_tables(namespace))\n");
    for (size_t i = 0; i < count; i++) {
        if (tables[i].kind != TARN_RELATION_TABLE) continue;
        tarn_base_buffer_string(out, "table = lake.load_table((");
        TarnText rest = tarn_base_text(tables[i].name.ns);
        while (rest.data != NULL) {
            TarnText level = tarn_base_text_split(rest, '.', &rest);
            tarn_base_json_quote(out, level);
            tarn_base_buffer_string(out, ", ");
        }
        put_python(out, tables[i].name.name);
        tarn_base_buffer_string(out, "))\nprint(table.scan(limit=5).to_arrow())\n");
        break;
    }
}

static void put_duckdb_secret(const TarnStoreS3Options *storage, TarnBuffer *out) {
    const char *endpoint = storage->endpoint;
    tarn_base_buffer_string(out, "install httpfs;\nload httpfs;\ninstall aws;\nload aws;\n"
                                 "create or replace secret lake (type s3, provider "
                                 "credential_chain");
    if (storage->region != NULL) {
        tarn_base_buffer_string(out, ", region ");
        tarn_base_buffer_literal(out, tarn_base_text(storage->region));
    }
    if (endpoint != NULL) {
        const char *host = strstr(endpoint, "://");
        tarn_base_buffer_string(out, ", endpoint ");
        tarn_base_buffer_literal(out, tarn_base_text(host != NULL ? host + 3 : endpoint));
        if (strncmp(endpoint, "http://", 7) == 0) tarn_base_buffer_string(out, ", use_ssl false");
        if (storage->style != TARN_STORE_S3_STYLE_VIRTUAL) {
            tarn_base_buffer_string(out, ", url_style 'path'");
        }
    }
    tarn_base_buffer_string(out, ");\n");
}

static bool write_duckdb(TarnCliLake *lake, const TarnRelation *tables, size_t count,
                         TarnBuffer *out, TarnError *error) {
    tarn_base_buffer_string(out, "-- each view is the table as it is now; run this again later\n"
                                 "install iceberg;\nload iceberg;\n");
    if (tarn_store_is_s3(tarn_base_text(lake->config->warehouse))) {
        put_duckdb_secret(&lake->config->storage, out);
    }
    TarnText schema = {0};
    for (size_t i = 0; i < count; i++) {
        const TarnTable *table;
        if (tables[i].kind != TARN_RELATION_TABLE) continue;
        if (!tarn_catalog_table_load(lake->catalog, tables[i].name, &table, error)) return false;
        if (!tarn_base_text_equal(schema, tarn_base_text(tables[i].name.ns))) {
            schema = tarn_base_text(tables[i].name.ns);
            tarn_base_buffer_string(out, "create schema if not exists ");
            tarn_base_buffer_identifier(out, schema);
            tarn_base_buffer_string(out, ";\n");
        }
        tarn_base_buffer_string(out, "create or replace view ");
        tarn_base_buffer_identifier(out, schema);
        tarn_base_buffer_string(out, ".");
        tarn_base_buffer_identifier(out, tarn_base_text(tables[i].name.name));
        tarn_base_buffer_string(out, " as\n    select * from iceberg_scan(");
        tarn_base_buffer_literal(out, tarn_base_text(table->metadata_location));
        tarn_base_buffer_string(out, ");\n");
        tarn_catalog_table_release(table);
    }
    return true;
}

static bool refuse_tool(const char *tool, TarnError *error) {
    static const char *const now[] = {"duckdb", "python"};
    size_t count = sizeof(later_tools) / sizeof(later_tools[0]);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tool, later_tools[i]) != 0) continue;
        tarn_base_error_set(error, TARN_E_SERVER_MISSING,
                            "\"tarn connect %s\" needs a server, which comes with a later version",
                            tool);
        return tarn_base_error_hint(error, "tarn connect python and tarn connect duckdb work "
                                           "without one");
    }
    tarn_base_error_set(error, TARN_E_USAGE, "tarn cannot connect \"%s\"", tool);
    const char *nearest = tarn_base_text_nearest(tool, now, 2);
    if (nearest != NULL) return tarn_base_error_hint(error, "did you mean \"%s\"?", nearest);
    return tarn_base_error_hint(error, "this version knows duckdb and python");
}

static void put_snippet(TarnCli *cli, const char *tool, const TarnBuffer *text) {
    if (cli->format != TARN_CLI_JSON && cli->format != TARN_CLI_NDJSON) {
        tarn_cli__sink_text(&cli->out, tarn_base_buffer_view(text));
        return;
    }
    TarnBuffer json;
    TarnJsonWriter writer;
    tarn_base_buffer_init(&json, 2 * text->limit);
    tarn_base_json_writer_init(&writer, &json, 0);
    tarn_base_json_object_begin(&writer);
    tarn_base_json_key(&writer, "tool");
    tarn_base_json_put_string(&writer, tool);
    tarn_base_json_key(&writer, "snippet");
    tarn_base_json_put_text(&writer, tarn_base_buffer_view(text));
    tarn_base_json_object_end(&writer);
    if (cli->format == TARN_CLI_JSON) {
        tarn_cli__envelope_put(cli, tarn_base_buffer_view(&json));
    } else {
        tarn_cli__sink_text(&cli->out, tarn_base_buffer_view(&json));
        tarn_cli__sink_string(&cli->out, "\n");
    }
    tarn_base_buffer_dispose(&json);
}

bool tarn_cli__connect(TarnCli *cli, TarnError *error) {
    const char *tool = cli->arguments.operands[0];
    bool python = strcmp(tool, "python") == 0;
    if (!python && strcmp(tool, "duckdb") != 0) return refuse_tool(tool, error);
    TarnCliLake lake;
    TarnRelation *relations = NULL;
    size_t count = 0;
    TarnBuffer text;
    tarn_base_buffer_init(&text, 64 * TARN_MIB);
    bool ok = tarn_cli__lake_open(cli, TARN_CLI_LAKE_READ, &lake, error) &&
              tarn_catalog_list(lake.catalog, NULL, &cli->arena, &relations, &count, error);
    if (ok && python) write_python(&lake, relations, count, &text);
    if (ok && !python) ok = write_duckdb(&lake, relations, count, &text, error);
    ok = ok && tarn_base_buffer_check(&text, error);
    if (ok) put_snippet(cli, tool, &text);
    tarn_base_buffer_dispose(&text);
    tarn_cli__lake_close(&lake);
    return ok;
}
