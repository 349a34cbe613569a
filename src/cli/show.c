/* tarn show: one table or view, for people as a page, for programs as Iceberg's own JSON.
 */
#include <string.h>

#include "base/time.h"
#include "base/limits.h"
#include "cli/handlers_private.h"
#include "cli/lake_private.h"
#include "cli/look_private.h"
#include "cli/rows_private.h"
#include "cli/summary_private.h"
#include "cli/width_private.h"

static void begin_json(TarnBuffer *buffer, TarnJsonWriter *writer) {
    tarn_base_buffer_init(buffer, TARN_LIMIT_METADATA_BYTES);
    tarn_base_json_writer_init(writer, buffer, 0);
}

static TarnCliCell schema_cell(TarnCli *cli, const TarnSchema *schema) {
    TarnBuffer json;
    TarnJsonWriter writer;
    begin_json(&json, &writer);
    tarn_table_schema_to_json(schema, &writer);
    return tarn_cli__cell_buffer(&cli->arena, &json);
}

static TarnCliCell spec_cell(TarnCli *cli, const TarnTableMetadata *metadata) {
    TarnBuffer json;
    TarnJsonWriter writer;
    begin_json(&json, &writer);
    tarn_table_partition_spec_to_json(tarn_table_metadata_default_spec(metadata), &writer);
    return tarn_cli__cell_buffer(&cli->arena, &json);
}

static TarnCliCell order_cell(TarnCli *cli, const TarnTableMetadata *metadata) {
    TarnBuffer json;
    TarnJsonWriter writer;
    begin_json(&json, &writer);
    tarn_table_sort_order_to_json(tarn_table_metadata_default_sort_order(metadata), &writer);
    return tarn_cli__cell_buffer(&cli->arena, &json);
}

static TarnCliCell properties_cell(TarnCli *cli, const TarnTableMetadata *metadata) {
    TarnBuffer json;
    TarnJsonWriter writer;
    begin_json(&json, &writer);
    tarn_base_json_object_begin(&writer);
    for (size_t i = 0; i < metadata->property_count; i++) {
        tarn_base_json_key(&writer, metadata->properties[i].key);
        tarn_base_json_put_string(&writer, metadata->properties[i].value);
    }
    tarn_base_json_object_end(&writer);
    return tarn_cli__cell_buffer(&cli->arena, &json);
}

static void put_table(TarnCli *cli, const TarnTable *table) {
    static const TarnCliColumn columns[] = {
        {.name = "name"},        {.name = "kind"},       {.name = "zone"},
        {.name = "format"},      {.name = "format_version"}, {.name = "uuid"},
        {.name = "location"},    {.name = "metadata_location"}, {.name = "snapshot_id"},
        {.name = "schema"},      {.name = "partition_spec"}, {.name = "sort_order"},
        {.name = "properties"},  {.name = "rows"},       {.name = "files"},
        {.name = "bytes"},       {.name = "updated_at"},
    };
    const TarnTableMetadata *metadata = table->metadata;
    const TarnSnapshot *snapshot = tarn_table_metadata_current_snapshot(metadata);
    int64_t none = snapshot == NULL ? 0 : -1; /* a table without a snapshot is known to be empty */
    TarnArena *arena = &cli->arena;
    TarnCliRows rows;
    tarn_cli__rows_begin(cli, columns, sizeof(columns) / sizeof(columns[0]), TARN_CLI_ONE, &rows);
    const TarnCliCell cells[] = {
        tarn_cli__cell_text(tarn_catalog_name_text(table->name, arena)),
        tarn_cli__cell_text("table"),
        tarn_cli__cell_of(tarn_catalog_name_zone(table->name)),
        tarn_cli__cell_text("iceberg"),
        tarn_cli__cell_id(arena, metadata->format_version),
        tarn_cli__cell_text(metadata->uuid),
        tarn_cli__cell_text(metadata->location),
        tarn_cli__cell_text(table->metadata_location),
        tarn_cli__cell_id(arena, metadata->current_snapshot_id),
        schema_cell(cli, tarn_table_metadata_current_schema(metadata)),
        spec_cell(cli, metadata),
        order_cell(cli, metadata),
        properties_cell(cli, metadata),
        tarn_cli__cell_count(arena, tarn_cli__summary_number(snapshot, "total-records", none)),
        tarn_cli__cell_count(arena, tarn_cli__summary_number(snapshot, "total-data-files", none)),
        tarn_cli__cell_bytes(arena, tarn_cli__summary_number(snapshot, "total-files-size", none)),
        tarn_cli__cell_time_ms(arena, metadata->last_updated_ms),
    };
    tarn_cli__rows_put(&rows, cells);
    tarn_cli__rows_end(&rows, 0, false);
}

/* --- for people --- */

/* "month(flight_date), bucket(16, id)" */
static void write_partitioning(const TarnTableMetadata *metadata, TarnBuffer *out) {
    const TarnPartitionSpec *spec = tarn_table_metadata_default_spec(metadata);
    const TarnSchema *schema = tarn_table_metadata_current_schema(metadata);
    for (size_t i = 0; spec != NULL && i < spec->field_count; i++) {
        const TarnPartitionField *field = &spec->fields[i];
        const TarnField *source = tarn_table_schema_find(schema, field->source_id);
        const char *name = source != NULL ? source->name : field->name;
        if (i > 0) tarn_base_buffer_string(out, ", ");
        TarnBuffer transform;
        tarn_base_buffer_init(&transform, 1024);
        tarn_table_transform_write(field->transform, &transform);
        if (field->transform.kind == TARN_TRANSFORM_IDENTITY) {
            tarn_base_buffer_string(out, name);
        } else if (field->transform.kind == TARN_TRANSFORM_BUCKET ||
                   field->transform.kind == TARN_TRANSFORM_TRUNCATE) {
            tarn_base_buffer_printf(
                out, "%s(%d, %s)",
                field->transform.kind == TARN_TRANSFORM_BUCKET ? "bucket" : "truncate",
                field->transform.width, name);
        } else {
            tarn_base_buffer_printf(out, "%.*s(%s)",
                                    TARN_TEXT_ARG(tarn_base_buffer_view(&transform)), name);
        }
        tarn_base_buffer_dispose(&transform);
    }
}

static void put_line(TarnCli *cli, const char *name, const char *value) {
    TarnBuffer safe;
    tarn_base_buffer_init(&safe, TARN_MIB);
    tarn_cli__width_show(tarn_base_text(value), SIZE_MAX, &safe);
    tarn_cli__sink_printf(&cli->out, "%s%-12s%s %.*s\n",
                          tarn_cli__colour(cli->colour_out, TARN_CLI_DIM), name,
                          tarn_cli__colour(cli->colour_out, TARN_CLI_PLAIN),
                          TARN_TEXT_ARG(tarn_base_buffer_view(&safe)));
    tarn_base_buffer_dispose(&safe);
}

/* What INSERT puts in when it is not told: as JSON has it, a text without its quotes. */
static TarnCliCell default_cell(const TarnField *field, TarnArena *arena) {
    const TarnJson *value = field->write_default;
    if (value == NULL) return tarn_cli__cell_text("");
    if (value->kind == TARN_JSON_STRING) return tarn_cli__cell_of(value->text);
    TarnBuffer json;
    tarn_base_buffer_init(&json, TARN_MIB);
    tarn_base_json_write(value, 0, &json);
    const char *text = tarn_base_buffer_keep(&json, arena);
    tarn_base_buffer_dispose(&json);
    return tarn_cli__cell_text(text);
}

/* Defaults and descriptions are columns of their own where there are any. */
static void put_columns(TarnCli *cli, const TarnSchema *schema) {
    TarnCliColumn columns[5] = {{.name = "column"}, {.name = "type"}, {.name = "null"}};
    bool defaults = false;
    bool docs = false;
    for (size_t i = 0; i < schema->field_count; i++) {
        defaults = defaults || schema->fields[i].write_default != NULL;
        docs = docs || schema->fields[i].doc != NULL;
    }
    size_t count = 3;
    if (defaults) columns[count++] = (TarnCliColumn){.name = "default"};
    if (docs) columns[count++] = (TarnCliColumn){.name = "description"};
    TarnCliRows rows;
    tarn_cli__rows_begin(cli, columns, count, TARN_CLI_MANY, &rows);
    for (size_t i = 0; i < schema->field_count; i++) {
        const TarnField *field = &schema->fields[i];
        TarnBuffer type;
        tarn_base_buffer_init(&type, TARN_MIB);
        tarn_table_type_to_sql(&field->type, &type);
        TarnCliCell cells[5] = {tarn_cli__cell_text(field->name),
                                tarn_cli__cell_of(tarn_base_buffer_view(&type)),
                                tarn_cli__cell_text(field->required ? "no" : "yes")};
        size_t at = 3;
        if (defaults) cells[at++] = default_cell(field, &cli->arena);
        if (docs) cells[at++] = tarn_cli__cell_text(field->doc != NULL ? field->doc : "");
        tarn_cli__rows_put(&rows, cells);
        tarn_base_buffer_dispose(&type);
    }
    tarn_cli__rows_end(&rows, 0, false);
}

static void put_page(TarnCli *cli, const TarnTable *table) {
    const TarnTableMetadata *metadata = table->metadata;
    const TarnSnapshot *snapshot = tarn_table_metadata_current_snapshot(metadata);
    int64_t none = snapshot == NULL ? 0 : -1;
    TarnArena *arena = &cli->arena;
    char text[TARN_TIME_TEXT_BYTES];
    put_line(cli, "table", tarn_catalog_name_text(table->name, arena));
    TarnCliCell rows = tarn_cli__cell_count(
        arena, tarn_cli__summary_number(snapshot, "total-records", none));
    TarnCliCell files = tarn_cli__cell_count(
        arena, tarn_cli__summary_number(snapshot, "total-data-files", none));
    TarnCliCell bytes = tarn_cli__cell_bytes(
        arena, tarn_cli__summary_number(snapshot, "total-files-size", none));
    if (rows.kind != TARN_CLI_CELL_NULL && files.kind != TARN_CLI_CELL_NULL) {
        char human[3][TARN_TEXT_HUMAN_BYTES];
        const char *size = tarn_base_arena_printf(
            arena, "%.*s in %.*s file%s%s%.*s",
            TARN_TEXT_ARG(tarn_cli__cell_shown(&rows, human[0])),
            TARN_TEXT_ARG(tarn_cli__cell_shown(&files, human[1])), files.number == 1 ? "" : "s",
            bytes.kind != TARN_CLI_CELL_NULL ? ", " : "",
            TARN_TEXT_ARG(tarn_cli__cell_shown(&bytes, human[2])));
        if (size != NULL) put_line(cli, "rows", size);
    }
    TarnBuffer partitioning;
    tarn_base_buffer_init(&partitioning, TARN_MIB);
    write_partitioning(metadata, &partitioning);
    if (partitioning.size > 0) put_line(cli, "partitioned", partitioning.data);
    tarn_base_buffer_dispose(&partitioning);
    put_line(cli, "updated", tarn_base_time_format_ms(metadata->last_updated_ms, text));
    if (snapshot != NULL) {
        const char *id = tarn_base_arena_printf(arena, "%lld", (long long)snapshot->id);
        if (id != NULL) put_line(cli, "snapshot", id);
    }
    const char *format = tarn_base_arena_printf(arena, "Iceberg v%d", metadata->format_version);
    if (format != NULL) put_line(cli, "format", format);
    put_line(cli, "location", metadata->location);
    for (size_t i = 0; i < metadata->property_count; i++) {
        const char *pair = tarn_base_arena_printf(arena, "%s = %s", metadata->properties[i].key,
                                                  metadata->properties[i].value);
        if (pair != NULL) put_line(cli, i == 0 ? "properties" : "", pair);
    }
    put_columns(cli, tarn_table_metadata_current_schema(metadata));
}

/* --- views --- */

static void put_versions(TarnCli *cli, const TarnViewMetadata *metadata) {
    static const TarnCliColumn columns[] = {
        {.name = "version", .right = true}, {.name = "committed_at"}, {.name = "dialects"},
        {.name = "sql"}};
    TarnCliRows rows;
    TarnArena *arena = &cli->arena;
    tarn_cli__rows_begin(cli, columns, 4, TARN_CLI_MANY, &rows);
    for (size_t i = metadata->version_count; i > 0; i--) {
        const TarnViewVersion *version = &metadata->versions[i - 1];
        TarnBuffer dialects;
        tarn_base_buffer_init(&dialects, TARN_MIB);
        for (size_t r = 0; r < version->representation_count; r++) {
            if (r > 0) tarn_base_buffer_string(&dialects, ", ");
            tarn_base_buffer_string(&dialects, version->representations[r].dialect);
        }
        const char *names = tarn_base_buffer_keep(&dialects, arena);
        tarn_base_buffer_dispose(&dialects);
        const TarnCliCell cells[] = {
            tarn_cli__cell_id(arena, version->id),
            tarn_cli__cell_time_ms(arena, version->timestamp_ms),
            tarn_cli__cell_text(names),
            tarn_cli__cell_text(tarn_table_view_sql(version, TARN_VIEW_DIALECT)),
        };
        tarn_cli__rows_put(&rows, cells);
    }
    tarn_cli__rows_end(&rows, 0, false);
}

static void put_view_page(TarnCli *cli, const TarnView *view, const char *name) {
    const TarnViewMetadata *metadata = view->metadata;
    put_line(cli, "view", name);
    if (metadata != NULL) put_line(cli, "location", metadata->location);
    if (view->sql != NULL) tarn_cli__sink_printf(&cli->out, "\n%s\n", view->sql);
    if (metadata == NULL) return;
    for (size_t i = 0; i < metadata->current->representation_count; i++) {
        const TarnViewRepresentation *one = &metadata->current->representations[i];
        if (one->sql == view->sql) continue;
        tarn_cli__sink_printf(&cli->out, "\n-- %s\n%s\n", one->dialect, one->sql);
    }
    if (metadata->version_count > 1) {
        tarn_cli__sink_printf(&cli->out, "\n");
        put_versions(cli, metadata);
    }
}

/* All that the metadata file says of a member, as it is there. */
static TarnCliCell member_cell(TarnCli *cli, const TarnView *view, const char *member) {
    const TarnJson *value =
        view->metadata != NULL ? tarn_base_json_member(view->metadata->root, member) : NULL;
    TarnBuffer json;
    if (value == NULL) return tarn_cli__cell_null();
    tarn_base_buffer_init(&json, TARN_LIMIT_METADATA_BYTES);
    tarn_base_json_write(value, 0, &json);
    return tarn_cli__cell_buffer(&cli->arena, &json);
}

static bool put_view(TarnCli *cli, const TarnView *view) {
    static const TarnCliColumn columns[] = {
        {.name = "name"},       {.name = "kind"},     {.name = "zone"},
        {.name = "sql"},        {.name = "schema"},   {.name = "created_at"},
        {.name = "uuid"},       {.name = "location"}, {.name = "metadata_location"},
        {.name = "version_id"}, {.name = "versions"}, {.name = "properties"}};
    const char *name = tarn_catalog_name_text(view->name, &cli->arena);
    const TarnViewMetadata *metadata = view->metadata;
    if (cli->format == TARN_CLI_TABLE) {
        put_view_page(cli, view, name);
        return true;
    }
    TarnCliRows rows;
    tarn_cli__rows_begin(cli, columns, 12, TARN_CLI_ONE, &rows);
    const TarnCliCell cells[] = {
        tarn_cli__cell_text(name),
        tarn_cli__cell_text("view"),
        tarn_cli__cell_of(tarn_catalog_name_zone(view->name)),
        tarn_cli__cell_text(view->sql),
        view->schema_json != NULL ? tarn_cli__cell_json(tarn_base_text(view->schema_json))
                                  : tarn_cli__cell_null(),
        tarn_cli__cell_time_ms(&cli->arena, view->created_at_ms),
        tarn_cli__cell_text(metadata != NULL ? metadata->uuid : NULL),
        tarn_cli__cell_text(metadata != NULL ? metadata->location : NULL),
        tarn_cli__cell_text(view->metadata_location),
        tarn_cli__cell_id(&cli->arena, metadata != NULL ? metadata->current->id : TARN_ABSENT),
        member_cell(cli, view, "versions"),
        member_cell(cli, view, "properties"),
    };
    tarn_cli__rows_put(&rows, cells);
    tarn_cli__rows_end(&rows, 0, false);
    return true;
}

bool tarn_cli__look_show(TarnCliLake *lake, const char *text, TarnError *error) {
    TarnCli *cli = lake->cli;
    TarnTableName name;
    TarnView *view = NULL;
    if (!tarn_catalog_name_parse(tarn_base_text(text), &cli->arena, &name, error) ||
        !tarn_catalog_view_find(lake->catalog, name, &cli->arena, &view, error)) {
        return false;
    }
    if (view != NULL) return put_view(cli, view);
    const TarnTable *table;
    if (!tarn_catalog_table_load(lake->catalog, name, &table, error)) return false;
    if (cli->format == TARN_CLI_TABLE) {
        put_page(cli, table);
    } else {
        put_table(cli, table);
    }
    tarn_catalog_table_release(table);
    return true;
}

bool tarn_cli__show(TarnCli *cli, TarnError *error) {
    TarnCliLake lake;
    bool ok = tarn_cli__lake_open(cli, TARN_CLI_LAKE_READ, &lake, error) &&
              tarn_cli__look_show(&lake, cli->arguments.operands[0], error);
    tarn_cli__lake_close(&lake);
    return ok;
}
