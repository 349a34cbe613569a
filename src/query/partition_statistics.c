/* The partition statistics file: a row for each partition of a snapshot, in Parquet.
 *
 * The counts come from the manifests; the engine writes them, sorted by the partition values with
 * nulls first. The partition column is a struct of the fields of all the table's specs, by field
 * id; a row has those of its own spec, the others are null.
 *
 * Source: Iceberg table specification, "Partition Statistics".
 */
#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "query/statistics_private.h"
#include "table/partition.h"
#include "table/scan_inspect.h"

typedef struct Field {
    int32_t id;
    const char *name;
    TarnPrimitive type;
} Field;

typedef struct Writer {
    TarnQuery *query;
    const TarnTable *table;
    const TarnSnapshot *snapshot;
    TarnArena *arena;
    struct {
        Field *items;
        size_t count;
        size_t capacity;
    } fields; /* of all specs, by ascending id */
    TarnPartitionRow *rows;
    size_t row_count;
    TarnError *error;
} Writer;

/* --- the unified partition type --- */

static Field *find_field(const Writer *writer, int32_t id) {
    for (size_t i = 0; i < writer->fields.count; i++) {
        if (writer->fields.items[i].id == id) return &writer->fields.items[i];
    }
    return NULL;
}

/* Newer specs say how a field is called. */
static bool add_field(Writer *writer, const TarnPartitionField *from, TarnPrimitive type) {
    if (from->transform.kind == TARN_TRANSFORM_VOID ||
        from->transform.kind == TARN_TRANSFORM_UNKNOWN) {
        return true;
    }
    Field *field = find_field(writer, from->field_id);
    if (field == NULL) field = TARN_PUSH(writer->arena, &writer->fields);
    if (field == NULL) return tarn_base_arena_check(writer->arena, writer->error);
    *field = (Field){.id = from->field_id, .name = from->name, .type = type};
    size_t at = (size_t)(field - writer->fields.items);
    for (; at > 0 && writer->fields.items[at - 1].id > writer->fields.items[at].id; at--) {
        Field swapped = writer->fields.items[at];
        writer->fields.items[at] = writer->fields.items[at - 1];
        writer->fields.items[at - 1] = swapped;
    }
    return true;
}

static bool collect_fields(Writer *writer) {
    const TarnTableMetadata *metadata = writer->table->metadata;
    const TarnSchema *schema = tarn_table_metadata_current_schema(metadata);
    for (size_t i = 0; i < metadata->spec_count; i++) {
        const TarnPartitionSpec *spec = &metadata->specs[i];
        TarnPrimitive *types = NULL;
        if (!tarn_table_partition_types(spec, schema, writer->arena, &types, writer->error)) {
            return false;
        }
        for (size_t f = 0; f < spec->field_count; f++) {
            if (!add_field(writer, &spec->fields[f], types[f])) return false;
        }
    }
    return true;
}

/* --- rows --- */

static void put_value(const Writer *writer, const TarnPartitionRow *row, const Field *field,
                      TarnBuffer *sql) {
    TarnLiteral value = {.is_null = true, .kind = field->type.kind};
    for (size_t i = 0; i < row->spec->field_count && i < row->value_count; i++) {
        TarnLiteral wide;
        if (row->spec->fields[i].field_id != field->id) continue;
        if (row->values[i].is_null) break;
        value = tarn_format_literal_promote(field->type, &row->values[i], &wide) ? wide
                                                                                 : row->values[i];
    }
    tarn_format_literal_to_sql(field->type, &value, sql);
    (void)writer;
}

static void put_number(int64_t number, TarnBuffer *sql) {
    if (number == TARN_ABSENT) {
        tarn_base_buffer_string(sql, ", NULL");
    } else {
        tarn_base_buffer_printf(sql, ", %" PRId64, number);
    }
}

static void put_row(const Writer *writer, const TarnPartitionRow *row, TarnBuffer *sql) {
    bool deletes = row->position_delete_records > 0 || row->equality_delete_records > 0;
    tarn_base_buffer_byte(sql, '(');
    for (size_t i = 0; i < writer->fields.count; i++) {
        put_value(writer, row, &writer->fields.items[i], sql);
        tarn_base_buffer_string(sql, ", ");
    }
    tarn_base_buffer_printf(sql, "%" PRId32, row->spec->id);
    put_number(row->record_count, sql);
    put_number(row->file_count, sql);
    put_number(row->bytes, sql);
    put_number(row->position_delete_records, sql);
    put_number(row->position_delete_files, sql);
    put_number(row->equality_delete_records, sql);
    put_number(row->equality_delete_files, sql);
    put_number(deletes ? TARN_ABSENT : row->record_count, sql);
    put_number(row->last_updated_at_ms, sql);
    put_number(row->last_snapshot_id, sql);
    put_number(row->deletion_vectors, sql);
    tarn_base_buffer_byte(sql, ')');
}

/* Field ids and types are those of the specification's table. */
static const struct {
    int id;
    const char *name;
    const char *type;
    bool v3;
} columns[] = {
    {2, "spec_id", "INTEGER", false},
    {3, "data_record_count", "BIGINT", false},
    {4, "data_file_count", "INTEGER", false},
    {5, "total_data_file_size_in_bytes", "BIGINT", false},
    {6, "position_delete_record_count", "BIGINT", false},
    {7, "position_delete_file_count", "INTEGER", false},
    {8, "equality_delete_record_count", "BIGINT", false},
    {9, "equality_delete_file_count", "INTEGER", false},
    {10, "total_record_count", "BIGINT", false},
    {11, "last_updated_at", "BIGINT", false},
    {12, "last_updated_snapshot_id", "BIGINT", false},
    {13, "dv_count", "INTEGER", true},
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static bool is_written(const Writer *writer, size_t column) {
    return !columns[column].v3 || writer->table->metadata->format_version >= 3;
}

static void write_select(const Writer *writer, TarnBuffer *sql) {
    size_t fields = writer->fields.count;
    tarn_base_buffer_string(sql, "SELECT struct_pack(");
    for (size_t i = 0; i < fields; i++) {
        tarn_base_buffer_string(sql, i > 0 ? ", " : "");
        tarn_base_buffer_identifier(sql, tarn_base_text(writer->fields.items[i].name));
        tarn_base_buffer_printf(sql, " := f%zu", i);
    }
    tarn_base_buffer_string(sql, ") AS \"partition\"");
    for (size_t i = 0; i < COLUMNS; i++) {
        if (!is_written(writer, i)) continue;
        tarn_base_buffer_printf(sql, ", CAST(c%zu AS %s) AS %s", i, columns[i].type,
                                columns[i].name);
    }
    tarn_base_buffer_string(sql, " FROM (VALUES ");
    for (size_t i = 0; i < writer->row_count; i++) {
        tarn_base_buffer_string(sql, i > 0 ? ", " : "");
        put_row(writer, &writer->rows[i], sql);
    }
    tarn_base_buffer_string(sql, ") AS t(");
    for (size_t i = 0; i < fields; i++) tarn_base_buffer_printf(sql, "f%zu, ", i);
    for (size_t i = 0; i < COLUMNS; i++) {
        tarn_base_buffer_printf(sql, "%sc%zu", i > 0 ? ", " : "", i);
    }
    tarn_base_buffer_string(sql, ") ORDER BY ");
    for (size_t i = 0; i < fields; i++) {
        tarn_base_buffer_printf(sql, "f%zu ASC NULLS FIRST, ", i);
    }
    tarn_base_buffer_string(sql, "c0");
}

static const char *field_ids(const Writer *writer) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_MIB);
    tarn_base_buffer_string(&text, "{\"partition\": {__duckdb_field_id: 1");
    for (size_t i = 0; i < writer->fields.count; i++) {
        tarn_base_buffer_string(&text, ", ");
        tarn_base_buffer_identifier(&text, tarn_base_text(writer->fields.items[i].name));
        tarn_base_buffer_printf(&text, ": %" PRId32, writer->fields.items[i].id);
    }
    tarn_base_buffer_byte(&text, '}');
    for (size_t i = 0; i < COLUMNS; i++) {
        if (!is_written(writer, i)) continue;
        tarn_base_buffer_printf(&text, ", %s: %d", columns[i].name, columns[i].id);
    }
    tarn_base_buffer_byte(&text, '}');
    const char *copy = text.failed ? NULL
                                   : tarn_base_text_string(writer->arena,
                                                           tarn_base_buffer_view(&text));
    tarn_base_buffer_dispose(&text);
    return copy;
}

static bool write_file(Writer *writer, const char *location, int64_t *size) {
    TarnBuffer sql;
    TarnEngineFile *files = NULL;
    size_t count = 0;
    TarnStore *store = writer->table->store;
    const char *folder = tarn_base_arena_printf(writer->arena, "%s/metadata",
                                                writer->table->metadata->location);
    TarnEngineCopyOptions copy = {.field_ids = field_ids(writer), .compression = "zstd"};
    if (copy.field_ids == NULL || folder == NULL) {
        return tarn_base_error_set(writer->error, TARN_E_OUT_OF_MEMORY,
                                   "out of memory for partition statistics");
    }
    if (!tarn_store_prepare_directory(store, folder, writer->error) ||
        !tarn_store_local_path(store, location, &copy.path, writer->error)) {
        return false;
    }
    tarn_base_buffer_init(&sql, 64 * TARN_LIMIT_SQL_BYTES);
    write_select(writer, &sql);
    bool ok = tarn_base_buffer_check(&sql, writer->error) &&
              tarn_engine_copy_to_parquet(writer->query->session, tarn_base_buffer_view(&sql),
                                          &copy, writer->arena, &files, &count, writer->error);
    tarn_base_buffer_dispose(&sql);
    if (!ok) {
        writer->error->line = 0; /* a place in SQL that no user wrote */
        return false;
    }
    *size = count == 1 ? files[0].file_size_bytes : 0;
    return true;
}

bool tarn_query__partition_statistics_write(TarnQuery *query, const TarnTable *table,
                                            const TarnSnapshot *snapshot, const char *id,
                                            TarnArena *arena, TarnNewStatistics *statistics,
                                            TarnError *error) {
    Writer writer = {
        .query = query, .table = table, .snapshot = snapshot, .arena = arena, .error = error};
    TarnInspectOptions options = {.store = table->store,
                                  .cache = tarn_catalog_manifest_cache(query->catalog),
                                  .metadata = table->metadata};
    int64_t size = 0;
    *statistics = (TarnNewStatistics){0};
    if (!collect_fields(&writer)) return false;
    if (writer.fields.count == 0) return true;
    if (!tarn_table_partitions(&options, snapshot, arena, &writer.rows, &writer.row_count,
                               error)) {
        return false;
    }
    if (writer.row_count == 0) return true;
    const char *location = tarn_base_arena_printf(
        arena, "%s/metadata/partition-stats-%" PRId64 "-%s.parquet", table->metadata->location,
        snapshot->id, id);
    if (location == NULL) return tarn_base_arena_check(arena, error);
    if (!write_file(&writer, location, &size)) return false;
    TarnBuffer text;
    TarnJsonWriter json;
    tarn_base_buffer_init(&text, TARN_MIB);
    tarn_base_json_writer_init(&json, &text, 0);
    tarn_base_json_object_begin(&json);
    tarn_base_json_key(&json, "snapshot-id");
    tarn_base_json_put_int64(&json, snapshot->id);
    tarn_base_json_key(&json, "statistics-path");
    tarn_base_json_put_string(&json, location);
    tarn_base_json_key(&json, "file-size-in-bytes");
    tarn_base_json_put_int64(&json, size);
    tarn_base_json_object_end(&json);
    bool ok = tarn_base_buffer_check(&text, error);
    if (ok) statistics->json = tarn_base_text_string(arena, tarn_base_buffer_view(&text));
    tarn_base_buffer_dispose(&text);
    statistics->location = location;
    return ok && tarn_base_arena_check(arena, error);
}
