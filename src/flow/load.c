/* A load from its files to its commit.
 *
 * The order: which files and are they new; what columns; what table (made or evolved in the same
 * commit); an intent; rows into data files, refused rows into those of the quarantine, originals
 * copied; then one commit of both tables whose hook records the files. A load that finds nothing
 * new commits nothing.
 */
#include "flow/load.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/time.h"
#include "flow/load_private.h"
#include "query/functions.h"
#include "query/write.h"
#include "table/file_metrics.h"

typedef struct Target {
    TarnTableName name;
    const TarnTable *base; /* NULL = made by this load */
    TarnTableMetadata *metadata; /* what rows are written under: base with updates, or new */
    TarnTableUpdate updates[2];  /* of the schema */
    size_t update_count;
    TarnTableRequirement requirements[2];
    size_t requirement_count;
    TarnWrittenFiles files;
    TarnSnapshotChange change;
    TarnProducerOptions producer_options;
    TarnSnapshotProducer *producer;
} Target;

typedef struct Load {
    const TarnLoadOptions *options;
    TarnArena *arena;
    TarnError *error;
    TarnLoadResult *result;
    TarnLoadFiles files;
    uint64_t bytes_total;
    TarnColumn *columns;
    size_t column_count;
    TarnCsvDialect csv;
    bool csv_found; /* now, so that it is to be frozen */
    Target target;
    Target quarantine;
    TarnIntent intent;
    bool intent_open;
    TarnRejectSpool *spool;
    TarnEngine *engine;
    TarnEngineSession *session;
    int64_t started_us;
    uint32_t threads;
} Load;

/* --- files --- */

static bool choose_format(Load *load, TarnLoadFile *file) {
    const TarnLoadOptions *options = load->options;
    if (!tarn_source_detect(options->os, file->path, &file->format, &file->compression,
                            load->error)) {
        return false;
    }
    if (options->format != TARN_FILE_UNKNOWN) file->format = options->format;
    return true;
}

static bool find_files(Load *load) {
    const TarnLoadOptions *options = load->options;
    if (!tarn_flow__load_expand(options->os, options->paths, options->path_count, load->arena,
                                &load->files, load->error)) {
        return false;
    }
    for (size_t i = 0; i < load->files.count; i++) {
        TarnLoadFile *file = &load->files.items[i];
        if (!tarn_flow__load_hash(options->os, file, load->error) ||
            !tarn_flow__load_known(tarn_catalog_options(options->catalog)->db, options->table,
                                   file, load->error)) {
            return false;
        }
        for (size_t j = 0; j < i && !file->done_before; j++) {
            file->done_before = strcmp(load->files.items[j].sha256, file->sha256) == 0;
        }
        if (file->done_before) {
            load->result->files_skipped++;
            continue;
        }
        if (!choose_format(load, file)) return false;
        load->bytes_total += file->size;
        load->result->files++;
    }
    load->result->bytes = load->bytes_total;
    return true;
}

static const TarnLoadFile *first_new(const Load *load, TarnFileFormat format) {
    for (size_t i = 0; i < load->files.count; i++) {
        const TarnLoadFile *file = &load->files.items[i];
        if (!file->done_before && (format == TARN_FILE_UNKNOWN || file->format == format)) {
            return file;
        }
    }
    return NULL;
}

/* --- columns --- */

typedef struct RangeReader {
    const TarnOs *os;
    TarnOsFile *file;
} RangeReader;

static bool read_range(void *context, uint64_t offset, size_t size, TarnArena *arena,
                       TarnText *bytes, TarnError *error) {
    RangeReader *reader = context;
    char *data = tarn_base_arena_alloc(arena, size + 1);
    if (data == NULL) return tarn_base_arena_check(arena, error);
    *bytes = (TarnText){data, size};
    return tarn_os_file_read_exact(reader->os, reader->file, offset, data, size, error);
}

static bool parquet_columns(Load *load, const TarnLoadFile *file, TarnColumn **columns,
                            size_t *count) {
    const TarnOs *os = load->options->os;
    RangeReader reader = {.os = os};
    TarnParquetFooter *footer = NULL;
    TarnSchema schema;
    int32_t last_id = 0;
    bool has_ids = false;
    if (!os->file_open(os, file->path, TARN_OS_READ, &reader.file, load->error)) return false;
    bool ok = tarn_format_parquet_footer_read(read_range, &reader, file->size, file->path,
                                              load->arena, &footer, load->error) &&
              tarn_table_schema_from_footer(footer, file->path, TARN_FILE_SCHEMA_LOAD, load->arena,
                                            &schema, &last_id, &has_ids, load->error) &&
              tarn_flow__load_columns(&schema, load->arena, columns, count, load->error);
    tarn_os_file_discard(os, reader.file);
    return ok;
}

/* What a file itself says its columns are. */
static bool infer_columns(Load *load, const TarnLoadFile *file, TarnColumn **columns,
                          size_t *count) {
    if (file->format == TARN_FILE_PARQUET) return parquet_columns(load, file, columns, count);
    TarnSourceGuess guess;
    const TarnCsvDialect *fixed = load->csv.delimiter != '\0' ? &load->csv : NULL;
    if (!tarn_source_infer(load->options->os, file->path, file->format, file->compression, fixed,
                           load->arena, &guess, load->error)) {
        return false;
    }
    if (file->format == TARN_FILE_CSV && fixed == NULL) {
        load->csv = guess.csv;
        load->csv_found = true;
    }
    *columns = guess.columns;
    *count = guess.column_count;
    return true;
}

static bool choose_dialect(Load *load) {
    const TarnLoadOptions *options = load->options;
    if (options->csv != NULL) {
        load->csv = *options->csv;
        return true;
    }
    bool found = false;
    if (!tarn_flow__dialect_read(tarn_catalog_options(options->catalog)->db, options->table,
                                 load->arena, &load->csv, &found, load->error)) {
        return false;
    }
    const TarnLoadFile *csv = first_new(load, TARN_FILE_CSV);
    if (found || csv == NULL) return true;
    TarnColumn *columns;
    size_t count;
    load->csv.delimiter = '\0';
    return infer_columns(load, csv, &columns, &count);
}

/* --- the target table --- */

static bool build_spec(Load *load, const TarnSchema *schema, TarnPartitionSpec *spec) {
    const TarnLoadOptions *options = load->options;
    int32_t last_id = TARN_PARTITION_FIRST_FIELD_ID - 1;
    TarnPartitionField *fields =
        TARN_NEW_ARRAY(load->arena, options->partition_count + 1, TarnPartitionField);
    if (fields == NULL) return tarn_base_arena_check(load->arena, load->error);
    for (size_t i = 0; i < options->partition_count; i++) {
        if (!tarn_table_partition_parse(schema, tarn_base_text(options->partition_by[i]),
                                        load->arena, &fields[i], load->error)) {
            return false;
        }
    }
    return tarn_table_partition_spec_build(schema, fields, options->partition_count, NULL, 0,
                                           &last_id, load->arena, spec, load->error);
}

static const TarnProperty new_table_properties[] = {
    {"write.metadata.delete-after-commit.enabled", "true"},
    {"write.metadata.previous-versions-max", "100"},
    {"write.parquet.compression-codec", "zstd"},
};

static bool make_metadata(Load *load, Target *target, const TarnSchema *schema,
                          const TarnPartitionSpec *spec) {
    char uuid[TARN_OS_UUID_BYTES];
    const TarnOs *os = load->options->os;
    if (!tarn_os_uuid4(os, uuid, load->error)) return false;
    const char *location = tarn_catalog_table_location(load->options->catalog, target->name, uuid,
                                                       load->arena);
    return tarn_base_arena_check(load->arena, load->error) &&
           tarn_table_metadata_create(
               tarn_base_arena_string(load->arena, uuid), location, schema, spec, NULL,
               new_table_properties, sizeof(new_table_properties) / sizeof(TarnProperty), 2,
               tarn_os_clock_ms(os), load->arena, &target->metadata, load->error);
}

static bool make_target(Load *load) {
    const TarnLoadOptions *options = load->options;
    const TarnLoadFile *file = first_new(load, TARN_FILE_UNKNOWN);
    TarnSchema *schema = TARN_NEW(load->arena, TarnSchema);
    TarnPartitionSpec *spec = TARN_NEW(load->arena, TarnPartitionSpec);
    if (schema == NULL || spec == NULL) return tarn_base_arena_check(load->arena, load->error);
    bool ok = options->schema_file != NULL
                  ? tarn_source_schema_file(options->os, options->schema_file, load->arena,
                                            &load->columns, &load->column_count, load->error)
                  : infer_columns(load, file, &load->columns, &load->column_count);
    load->result->created = true;
    return ok &&
           tarn_flow__load_schema(load->columns, load->column_count, true, load->arena, schema,
                                  load->error) &&
           build_spec(load, schema, spec) && make_metadata(load, &load->target, schema, spec);
}

/* New columns of the files become columns of the table, in the same commit. */
static bool evolve_target(Load *load, const TarnColumn *columns, size_t count) {
    Target *target = &load->target;
    const TarnTableMetadata *base = target->base->metadata;
    TarnSchema incoming;
    TarnSchemaUpdate update;
    bool changed = false;
    tarn_table_schema_update_init(&update, tarn_table_metadata_current_schema(base),
                                  base->last_column_id, base->format_version, load->arena);
    if (!tarn_flow__load_schema(columns, count, false, load->arena, &incoming, load->error) ||
        !tarn_table_schema_update_union(&update, &incoming, &changed, load->error)) {
        return false;
    }
    if (!changed) return true;
    if (load->options->drift == TARN_DRIFT_FREEZE) {
        tarn_base_error_set(load->error, TARN_E_SCHEMA_CHANGE_REFUSED,
                            "the files have columns the table \"%s\" does not have, and drift is "
                            "frozen",
                            load->result->table);
        return tarn_base_error_hint(load->error, "drift: evolve adds them, discard_value drops "
                                                 "the values");
    }
    if (load->options->drift != TARN_DRIFT_EVOLVE) return true;
    TarnSchema *evolved = tarn_base_arena_copy(load->arena, &update.schema, sizeof(TarnSchema));
    if (evolved == NULL) return tarn_base_arena_check(load->arena, load->error);
    target->updates[0] = (TarnTableUpdate){.kind = TARN_UPDATE_ADD_SCHEMA,
                                           .schema = evolved,
                                           .last_column_id = update.last_column_id};
    target->updates[1] =
        (TarnTableUpdate){.kind = TARN_UPDATE_SET_CURRENT_SCHEMA, .integer = -1};
    target->update_count = 2;
    target->requirements[0] = (TarnTableRequirement){.kind = TARN_REQUIRE_CURRENT_SCHEMA_ID,
                                                     .integer = base->current_schema_id};
    target->requirements[1] = (TarnTableRequirement){.kind = TARN_REQUIRE_LAST_COLUMN_ID,
                                                     .integer = base->last_column_id};
    target->requirement_count = 2;
    return tarn_table_metadata_apply(base, target->base->metadata_location, target->updates, 2,
                                     tarn_os_clock_ms(load->options->os), load->arena,
                                     &target->metadata, load->error);
}

static bool use_target(Load *load) {
    Target *target = &load->target;
    target->metadata = (TarnTableMetadata *)(uintptr_t)target->base->metadata;
    if (load->options->partition_count > 0) {
        /* The table's own spec rules; a different wish is told, not ignored. */
        const TarnPartitionSpec *spec = tarn_table_metadata_default_spec(target->metadata);
        TarnPartitionSpec wanted;
        if (!build_spec(load, tarn_table_metadata_current_schema(target->metadata), &wanted)) {
            return false;
        }
        bool same = wanted.field_count == spec->field_count;
        for (size_t i = 0; same && i < spec->field_count; i++) {
            same = wanted.fields[i].source_id == spec->fields[i].source_id &&
                   wanted.fields[i].transform.kind == spec->fields[i].transform.kind &&
                   wanted.fields[i].transform.width == spec->fields[i].transform.width;
        }
        if (!same) {
            tarn_base_error_set(load->error, TARN_E_PARTITION_INVALID,
                                "the table \"%s\" exists and is partitioned differently",
                                load->result->table);
            return tarn_base_error_hint(load->error, "change it with: ALTER TABLE %s SET "
                                                     "PARTITIONED BY (..)",
                                        load->result->table);
        }
    }
    bool declared = load->options->schema_file != NULL;
    for (size_t i = 0; i < load->files.count && !declared; i++) {
        const TarnLoadFile *file = &load->files.items[i];
        TarnColumn *columns;
        size_t count;
        TarnError ignored = *load->error;
        if (file->done_before) continue;
        if (!infer_columns(load, file, &columns, &count)) {
            *load->error = ignored; /* told again, per file, when it is read */
            continue;
        }
        if (!evolve_target(load, columns, count)) return false;
        if (target->update_count > 0) break; /* one evolution a load; later files fill what fits */
    }
    return tarn_flow__load_columns(tarn_table_metadata_current_schema(target->metadata),
                                   load->arena, &load->columns, &load->column_count, load->error);
}

static bool find_target(Load *load) {
    Target *target = &load->target;
    target->name = load->options->table;
    if (!tarn_catalog_table_find(load->options->catalog, target->name, &target->base,
                                 load->error) ||
        !choose_dialect(load)) {
        return false;
    }
    return target->base != NULL ? use_target(load) : make_target(load);
}

/* --- the quarantine --- */

bool tarn_flow_quarantine_name(TarnTableName table, TarnArena *arena, TarnTableName *quarantine,
                               TarnError *error) {
    quarantine->ns = table.ns;
    quarantine->name = tarn_base_arena_printf(arena, "%s$quarantine", table.name);
    return tarn_base_arena_check(arena, error);
}

static const TarnColumn quarantine_columns[] = {
    {.name = "reason", .type = {.kind = TARN_TYPE_STRING}},
    {.name = "column", .type = {.kind = TARN_TYPE_STRING}},
    {.name = "file", .type = {.kind = TARN_TYPE_STRING}},
    {.name = "line", .type = {.kind = TARN_TYPE_LONG}},
    {.name = "row", .type = {.kind = TARN_TYPE_LONG}},
    {.name = "byte_offset", .type = {.kind = TARN_TYPE_LONG}},
    {.name = "original", .type = {.kind = TARN_TYPE_BINARY}},
    {.name = "source", .type = {.kind = TARN_TYPE_STRING}},
    {.name = "batch", .type = {.kind = TARN_TYPE_STRING}},
    {.name = "time", .type = {.kind = TARN_TYPE_TIMESTAMPTZ}},
};
#define QUARANTINE_COLUMNS (sizeof(quarantine_columns) / sizeof(quarantine_columns[0]))

static bool find_quarantine(Load *load) {
    Target *target = &load->quarantine;
    if (!tarn_flow_quarantine_name(load->options->table, load->arena, &target->name,
                                   load->error) ||
        !tarn_catalog_table_find(load->options->catalog, target->name, &target->base,
                                 load->error)) {
        return false;
    }
    if (target->base != NULL) {
        target->metadata = (TarnTableMetadata *)(uintptr_t)target->base->metadata;
        return true;
    }
    TarnSchema schema;
    return tarn_flow__load_schema(quarantine_columns, QUARANTINE_COLUMNS, false, load->arena,
                                  &schema, load->error) &&
           make_metadata(load, target, &schema, NULL);
}

/* --- rows --- */

static bool open_engine(Load *load) {
    const TarnLoadOptions *options = load->options;
    load->threads = options->threads != 0 ? options->threads
                                          : options->os->processors(options->os);
    TarnEngineOptions engine = {
        .memory_limit_bytes = options->memory_bytes != 0 ? options->memory_bytes
                                                         : TARN_LIMIT_LOAD_ENGINE_BYTES,
        .threads = load->threads,
        .temp_directory = options->scratch,
        .any_insertion_order = true};
    return tarn_engine_open(&engine, &load->engine, load->error) &&
           tarn_engine_session_open(load->engine, &load->session, load->error) &&
           tarn_query_functions_register(load->session, load->error);
}

static void put_file_names(const Load *load, TarnBuffer *sql) {
    tarn_base_buffer_byte(sql, '[');
    for (size_t i = 0; i < load->files.count; i++) {
        if (i > 0) tarn_base_buffer_byte(sql, ',');
        tarn_base_buffer_literal(sql, tarn_base_text(load->files.items[i].path));
    }
    tarn_base_buffer_byte(sql, ']');
}

/* The ingest columns; `row_sql` is the row's number, `file_sql` its file's name. */
static void put_ingest(const Load *load, const char *row_sql, const char *file_sql,
                       TarnBuffer *sql) {
    char time[TARN_TIME_TEXT_BYTES];
    const char *source = load->options->source != NULL ? load->options->source
                                                       : load->options->table.name;
    tarn_base_buffer_string(sql, ", ");
    tarn_base_buffer_literal(sql, tarn_base_text(source));
    tarn_base_buffer_printf(sql, " AS " TARN_INGEST_SOURCE ", %s AS " TARN_INGEST_FILE
                                 ", %s AS " TARN_INGEST_ROW ", TIMESTAMPTZ '%s' AS "
                                 TARN_INGEST_TIME ", '%s' AS " TARN_INGEST_BATCH,
                            file_sql, row_sql, tarn_base_time_format_us(load->started_us, time),
                            load->intent.id);
}

static bool write_rows(Load *load, Target *target, uint32_t sequence, const TarnBuffer *sql,
                       TarnWrittenFiles *files) {
    TarnWriteOptions write = {.session = load->session,
                              .store = target->base != NULL
                                           ? target->base->store
                                           : tarn_catalog_store(load->options->catalog),
                              .metadata = target->metadata,
                              .commit_id = load->intent.id,
                              .sequence = sequence,
                              .select_sql = tarn_base_buffer_view(sql),
                              .large = load->bytes_total > 64 * TARN_MIB};
    return tarn_base_buffer_check(sql, load->error) &&
           tarn_query_write_files(&write, load->arena, files, load->error);
}

static bool join_files(Load *load, TarnWrittenFiles *all, const TarnWrittenFiles *more) {
    size_t count = all->count + more->count;
    TarnDataFile *items = TARN_NEW_ARRAY(load->arena, count + 1, TarnDataFile);
    const char **locations = TARN_NEW_ARRAY(load->arena, count + 1, const char *);
    if (!tarn_base_arena_check(load->arena, load->error)) return false;
    for (size_t i = 0; i < count; i++) {
        bool old = i < all->count;
        items[i] = old ? all->items[i] : more->items[i - all->count];
        locations[i] = old ? all->locations[i] : more->locations[i - all->count];
    }
    *all = (TarnWrittenFiles){.items = items,
                              .locations = locations,
                              .count = count,
                              .rows = all->rows + more->rows,
                              .bytes = all->bytes + more->bytes};
    return true;
}

static void put_columns(const Load *load, TarnBuffer *sql) {
    tarn_base_buffer_string(sql, "SELECT ");
    for (size_t i = 0; i < load->column_count; i++) {
        if (i > 0) tarn_base_buffer_string(sql, ", ");
        tarn_base_buffer_identifier(sql, tarn_base_text(load->columns[i].name));
    }
}

/* CSV, JSON, Avro: through the readers. */
static bool write_read_rows(Load *load) {
    bool any = false;
    for (size_t i = 0; i < load->files.count; i++) {
        const TarnLoadFile *file = &load->files.items[i];
        any = any || (!file->done_before && file->format != TARN_FILE_PARQUET);
    }
    if (!any) return true;
    TarnLoadStream *stream = NULL;
    struct ArrowArrayStream arrow;
    TarnLoadStreamOptions options = {.load = load->options,
                                     .files = load->files.items,
                                     .file_count = load->files.count,
                                     .columns = load->columns,
                                     .column_count = load->column_count,
                                     .csv = load->csv,
                                     .spool = load->spool,
                                     .slots = load->threads,
                                     .bytes_total = load->bytes_total};
    if (!tarn_flow__load_stream_new(&options, &stream, load->error)) return false;
    TarnBuffer sql;
    TarnBuffer name;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_init(&name, TARN_LIMIT_SQL_BYTES);
    put_file_names(load, &name);
    tarn_base_buffer_printf(&name, "[(\"row\" >> %d) + 1]", TARN_LOAD_ROW_BITS);
    put_columns(load, &sql);
    const char *row = tarn_base_arena_printf(load->arena, "\"row\" & %lld",
                                             (1LL << TARN_LOAD_ROW_BITS) - 1);
    put_ingest(load, row, name.data, &sql);
    tarn_base_buffer_string(&sql, " FROM tarn_load");
    tarn_flow__load_stream_arrow(stream, &arrow);
    bool ok = tarn_base_arena_check(load->arena, load->error) &&
              tarn_base_buffer_check(&name, load->error) &&
              tarn_engine_arrow_scan_parallel(load->session, "tarn_load", &arrow, load->error) &&
              write_rows(load, &load->target, 0, &sql, &load->target.files);
    if (!ok) tarn_flow__load_stream_error(stream, load->error);
    tarn_base_buffer_dispose(&sql);
    tarn_base_buffer_dispose(&name);
    if (!ok) {
        /* The engine may still hold the stream: it lets go with its session. */
        tarn_engine_session_close(load->session);
        load->session = NULL;
    }
    tarn_flow__load_stream_free(stream);
    return ok;
}

/* Parquet: the engine reads it itself, one file at a time, since each may lack columns. */
static bool write_parquet_rows(Load *load, TarnLoadFile *file, uint32_t sequence) {
    TarnColumn *own;
    size_t own_count;
    TarnBuffer sql;
    TarnWrittenFiles files;
    if (!parquet_columns(load, file, &own, &own_count)) return false;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT ");
    for (size_t i = 0; i < load->column_count; i++) {
        bool there = false;
        for (size_t j = 0; j < own_count && !there; j++) {
            there = strcasecmp(own[j].name, load->columns[i].name) == 0;
        }
        if (i > 0) tarn_base_buffer_string(&sql, ", ");
        if (!there) tarn_base_buffer_string(&sql, "NULL AS ");
        tarn_base_buffer_identifier(&sql, tarn_base_text(load->columns[i].name));
    }
    TarnBuffer name;
    tarn_base_buffer_init(&name, TARN_MIB);
    tarn_base_buffer_literal(&name, tarn_base_text(file->path));
    put_ingest(load, "file_row_number + 1", name.data, &sql);
    tarn_base_buffer_printf(&sql, " FROM read_parquet(%s, hive_partitioning = false)", name.data);
    bool ok = tarn_base_buffer_check(&name, load->error) &&
              write_rows(load, &load->target, sequence, &sql, &files) &&
              join_files(load, &load->target.files, &files);
    if (ok) file->rows = (uint64_t)files.rows;
    tarn_base_buffer_dispose(&sql);
    tarn_base_buffer_dispose(&name);
    return ok;
}

static bool refuse_parquet(Load *load, TarnLoadFile *file, uint32_t index) {
    TarnError why = *load->error;
    bool corrupt = why.code == TARN_E_FORMAT_CORRUPT || why.code == TARN_E_FORMAT_UNSUPPORTED;
    bool aside = load->options->on_error != TARN_ON_ERROR_FAIL && load->files.count > 1;
    if (!corrupt || !aside) return false;
    tarn_base_error_clear(load->error);
    file->refused = tarn_base_arena_string(load->arena, why.message);
    TarnReject reject = {.reason = file->refused != NULL ? file->refused : "unreadable",
                         .bytes = {"", 0}};
    return load->options->on_error == TARN_ON_ERROR_SKIP ||
           tarn_flow__spool_add(load->spool, index, &reject, load->error);
}

static bool write_all_rows(Load *load) {
    if (!write_read_rows(load)) return false;
    uint32_t sequence = 1;
    for (size_t i = 0; i < load->files.count; i++) {
        TarnLoadFile *file = &load->files.items[i];
        if (file->done_before || file->format != TARN_FILE_PARQUET) continue;
        if (!write_parquet_rows(load, file, sequence++) &&
            !refuse_parquet(load, file, (uint32_t)i)) {
            return false;
        }
    }
    return true;
}

static bool write_quarantine(Load *load) {
    struct ArrowArrayStream arrow;
    TarnBuffer sql;
    char time[TARN_TIME_TEXT_BYTES];
    const char *source = load->options->source != NULL ? load->options->source
                                                       : load->options->table.name;
    if (tarn_flow__spool_count(load->spool) == 0) return true;
    tarn_flow__spool_stream(load->spool, &arrow);
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT reason, \"column\", ");
    put_file_names(load, &sql);
    tarn_base_buffer_string(&sql, "[file + 1] AS file, line, nullif(\"row\", 0) AS \"row\", "
                                  "\"offset\" AS byte_offset, bytes AS original, ");
    tarn_base_buffer_literal(&sql, tarn_base_text(source));
    tarn_base_buffer_printf(&sql,
                            " AS source, '%s' AS batch, TIMESTAMPTZ '%s' AS time FROM tarn_rejects",
                            load->intent.id, tarn_base_time_format_us(load->started_us, time));
    bool ok = tarn_engine_arrow_scan(load->session, "tarn_rejects", &arrow, load->error) &&
              write_rows(load, &load->quarantine, 0, &sql, &load->quarantine.files);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

/* --- counting --- */

static bool count_rows(Load *load) {
    TarnLoadResult *result = load->result;
    uint64_t rejects = 0;
    for (size_t i = 0; i < load->files.count; i++) {
        result->rows_in += load->files.items[i].rows;
        rejects += load->files.items[i].rejects;
        result->files_refused += load->files.items[i].refused != NULL;
    }
    result->rows_loaded = (uint64_t)load->target.files.rows;
    bool aside = load->options->on_error == TARN_ON_ERROR_QUARANTINE;
    result->rows_quarantined = aside ? rejects : 0;
    result->rows_skipped = aside ? 0 : rejects;
    if (result->rows_loaded + rejects != result->rows_in) {
        return tarn_base_error_set(load->error, TARN_E_INTERNAL,
                                   "a load does not add up: %llu rows read, %llu written, %llu "
                                   "refused; nothing was committed",
                                   (unsigned long long)result->rows_in,
                                   (unsigned long long)result->rows_loaded,
                                   (unsigned long long)rejects);
    }
    if ((double)rejects <= load->options->max_error_rate * (double)result->rows_in) return true;
    tarn_base_error_set(load->error, TARN_E_TOO_MANY_BAD_ROWS,
                        "%llu of %llu rows were refused, more than the max_error_rate of %g %% "
                        "allows; nothing was loaded",
                        (unsigned long long)rejects, (unsigned long long)result->rows_in,
                        load->options->max_error_rate * 100);
    return tarn_base_error_hint(load->error, "see why with --on-error fail, or raise "
                                             "--max-error-rate");
}

/* --- originals --- */

static bool keep_originals(Load *load, TarnStoreBatch *batch) {
    const TarnLoadOptions *options = load->options;
    const TarnZone *zone = tarn_catalog_zone(options->catalog,
                                             tarn_catalog_name_zone(options->table));
    char date[TARN_TIME_TEXT_BYTES];
    if (zone == NULL || !zone->keep_originals) return true;
    tarn_base_time_format_date(load->started_us / 86400000000, date);
    const char *source = options->source != NULL ? options->source : options->table.name;
    for (size_t i = 0; i < load->files.count; i++) {
        TarnLoadFile *file = &load->files.items[i];
        if (file->done_before) continue;
        const char *slash = strrchr(file->path, '/');
        file->original = tarn_base_arena_printf(
            load->arena, "%s/%s/_originals/%s/%s/%s/%zu-%s",
            tarn_catalog_options(options->catalog)->warehouse, zone->name, source, date,
            load->intent.id, i, slash != NULL ? slash + 1 : file->path);
        if (!tarn_base_arena_check(load->arena, load->error) ||
            !tarn_store_put_file(tarn_catalog_store(options->catalog), file->original, file->path,
                                 TARN_STORE_IF_ABSENT, batch, load->error)) {
            return false;
        }
    }
    return true;
}

/* --- committing --- */

static bool record_load(void *state, TarnDb *db, TarnError *error) {
    Load *load = state;
    for (size_t i = 0; i < load->files.count; i++) {
        const TarnLoadFile *file = &load->files.items[i];
        if (file->done_before || file->refused != NULL) continue;
        if (!tarn_flow__load_record(db, load->options->table, load->intent.id, file,
                                    load->started_us / 1000, error)) {
            return false;
        }
    }
    return !load->csv_found ||
           tarn_flow__dialect_write(db, load->options->table, &load->csv, error);
}

static bool make_producer(Load *load, Target *target, TarnSnapshotOperation operation) {
    const TarnLoadOptions *options = load->options;
    target->change = (TarnSnapshotChange){.operation = operation,
                                          .added = target->files.items,
                                          .added_count = target->files.count,
                                          .added_sequence_number = TARN_ABSENT,
                                          .starting_snapshot_id = TARN_ABSENT};
    if (operation == TARN_OPERATION_OVERWRITE) {
        target->change.remove_where = tarn_table_predicate_constant(TARN_PREDICATE_TRUE);
    }
    TarnProperty *summary = TARN_NEW_ARRAY(load->arena, 2, TarnProperty);
    if (summary == NULL) return tarn_base_arena_check(load->arena, load->error);
    summary[0] = (TarnProperty){"tarn.batch", load->intent.id};
    summary[1] = (TarnProperty){"tarn.source", options->source != NULL ? options->source
                                                                       : options->table.name};
    target->change.summary = summary;
    target->change.summary_count = 2;
    target->producer_options =
        (TarnProducerOptions){.os = options->os,
                              .store = target->base != NULL ? target->base->store
                                                            : tarn_catalog_store(options->catalog),
                              .cache = tarn_catalog_manifest_cache(options->catalog),
                              .commit_id = load->intent.id};
    return tarn_table_snapshot_producer_new(&target->producer_options, &target->change,
                                            &target->producer, load->error);
}

static TarnCommitTable commit_table(const Target *target) {
    return (TarnCommitTable){.name = target->name,
                             .base = target->base,
                             .create = target->base == NULL ? target->metadata : NULL,
                             .requirements = target->requirements,
                             .requirement_count = target->requirement_count,
                             .updates = target->updates,
                             .update_count = target->update_count,
                             .producer = target->producer,
                             .files = target->files.locations,
                             .file_count = target->files.count,
                             .evidence = {.schema_checked = true}};
}

static bool commit_load(Load *load) {
    TarnCommitTable tables[2];
    bool quarantined = load->quarantine.files.count > 0;
    TarnSnapshotOperation operation = load->options->mode == TARN_LOAD_OVERWRITE &&
                                              load->target.base != NULL
                                          ? TARN_OPERATION_OVERWRITE
                                          : TARN_OPERATION_APPEND;
    if (!make_producer(load, &load->target, operation) ||
        (quarantined && !make_producer(load, &load->quarantine, TARN_OPERATION_APPEND))) {
        return false;
    }
    tables[0] = commit_table(&load->target);
    if (quarantined) tables[1] = commit_table(&load->quarantine);
    TarnCommit commit = {.tables = tables,
                         .table_count = quarantined ? 2 : 1,
                         .intent = &load->intent,
                         .hook = record_load,
                         .hook_state = load};
    if (!tarn_catalog_commit(load->options->catalog, &commit, load->error)) return false;
    load->intent_open = false;
    load->result->snapshot_id = tarn_table_snapshot_producer_id(load->target.producer);
    for (size_t i = 0; i < commit.table_count; i++) {
        tarn_catalog_table_release(tables[i].committed);
    }
    return true;
}

/* --- the whole --- */

static bool begin_intent(Load *load) {
    const char *locations[3] = {load->target.metadata->location,
                                load->quarantine.metadata->location};
    size_t count = 2;
    const TarnZone *zone = tarn_catalog_zone(load->options->catalog,
                                             tarn_catalog_name_zone(load->options->table));
    if (zone != NULL && zone->keep_originals) {
        locations[count++] = tarn_base_arena_printf(
            load->arena, "%s/%s/_originals/%s",
            tarn_catalog_options(load->options->catalog)->warehouse, zone->name,
            load->options->source != NULL ? load->options->source : load->options->table.name);
    }
    if (!tarn_base_arena_check(load->arena, load->error)) return false;
    load->intent_open = tarn_catalog_intent_begin(load->options->catalog, locations, count,
                                                  &load->intent, load->error);
    return load->intent_open;
}

static bool check_unchanged(Load *load) {
    for (size_t i = 0; i < load->files.count; i++) {
        const TarnLoadFile *file = &load->files.items[i];
        if (!file->done_before &&
            !tarn_flow__load_unchanged(load->options->os, file, load->error)) {
            return false;
        }
    }
    return true;
}

static bool run_load(Load *load) {
    const TarnLoadOptions *options = load->options;
    if (!find_files(load)) return false;
    if (load->result->files == 0) return true;
    if (!find_target(load) || !find_quarantine(load) || !begin_intent(load) ||
        !tarn_flow__spool_new(options->os, options->scratch, &load->spool, load->error) ||
        !open_engine(load) || !write_all_rows(load) || !count_rows(load) ||
        !write_quarantine(load)) {
        return false;
    }
    TarnStoreBatch batch;
    tarn_store_batch_init(&batch, tarn_catalog_store(options->catalog));
    bool ok = keep_originals(load, &batch) && check_unchanged(load) &&
              tarn_store_batch_sync(&batch, load->error) &&
              !TARN_FAULT("flow.load.before_commit", load->error) && commit_load(load);
    tarn_store_batch_dispose(&batch);
    return ok;
}

static void free_target(Target *target) {
    tarn_table_snapshot_producer_free(target->producer);
    tarn_catalog_table_release(target->base);
}

bool tarn_flow_load(const TarnLoadOptions *options, TarnArena *arena, TarnLoadResult *result,
                    TarnError *error) {
    Load load = {.options = options, .arena = arena, .error = error, .result = result};
    *result = (TarnLoadResult){.table = tarn_catalog_name_text(options->table, arena),
                               .snapshot_id = TARN_ABSENT};
    tarn_base_error_clear(error);
    if (options->mode == TARN_LOAD_MERGE) {
        tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                            "loading with merge by key comes with a later version");
        return tarn_base_error_hint(error, "load with append and merge in a pipeline: "
                                           "config(materialized = incremental, strategy = merge)");
    }
    load.started_us = options->os->clock_us(options->os);
    int64_t started = options->os->monotonic_us(options->os);
    bool ok = run_load(&load);
    if (!ok && load.intent_open && !error->outcome_unknown) {
        tarn_catalog_intent_abandon(options->catalog, &load.intent);
    }
    tarn_engine_session_close(load.session);
    tarn_engine_close(load.engine);
    tarn_flow__spool_free(load.spool);
    free_target(&load.target);
    free_target(&load.quarantine);
    result->batch = tarn_base_arena_string(arena, load.intent.id);
    result->seconds = (double)(options->os->monotonic_us(options->os) - started) / 1e6;
    return ok;
}
