/* What a load writes to: the dialect and columns of its files, the table they go into (made, or
 * evolved in the same commit), and the quarantine beside it.
 */
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "flow/load_private.h"
#include "table/file_metrics.h"

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

bool tarn_flow__load_parquet(TarnLoad *load, const TarnLoadFile *file, TarnColumn **columns,
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
static bool infer_columns(TarnLoad *load, const TarnLoadFile *file, TarnColumn **columns,
                          size_t *count) {
    if (file->format == TARN_FILE_PARQUET) {
        return tarn_flow__load_parquet(load, file, columns, count);
    }
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

static bool choose_dialect(TarnLoad *load) {
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
    const TarnLoadFile *csv = tarn_flow__load_first(load, TARN_FILE_CSV);
    if (found || csv == NULL) return true;
    TarnColumn *columns;
    size_t count;
    load->csv.delimiter = '\0';
    return infer_columns(load, csv, &columns, &count);
}

/* --- the target table --- */

static bool build_spec(TarnLoad *load, const TarnSchema *schema, TarnPartitionSpec *spec) {
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

static bool make_metadata(TarnLoad *load, TarnLoadTarget *target, const TarnSchema *schema,
                          const TarnPartitionSpec *spec) {
    TarnNewTable wanted = {.name = target->name, .schema = schema, .spec = spec};
    return tarn_catalog_table_new(load->options->catalog, &wanted, load->arena, &target->metadata,
                                  load->error);
}

static bool make_target(TarnLoad *load) {
    const TarnLoadOptions *options = load->options;
    const TarnLoadFile *file = tarn_flow__load_first(load, TARN_FILE_UNKNOWN);
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

/* The columns that the table lacks. Types guessed from text say nothing about columns it has: a
 * value that does not fit is that row's fault, not the table's. */
static bool only_new(TarnLoad *load, TarnColumn **columns, size_t *count) {
    const TarnSchema *schema = tarn_table_metadata_current_schema(load->target.base->metadata);
    TarnColumn *kept = TARN_NEW_ARRAY(load->arena, *count + 1, TarnColumn);
    size_t used = 0;
    if (kept == NULL) return tarn_base_arena_check(load->arena, load->error);
    for (size_t i = 0; i < *count; i++) {
        bool there = false;
        for (size_t f = 0; f < schema->field_count && !there; f++) {
            there = strcasecmp(schema->fields[f].name, (*columns)[i].name) == 0;
        }
        if (!there) kept[used++] = (*columns)[i];
    }
    *columns = kept;
    *count = used;
    return true;
}

/* New columns of the files become columns of the table, in the same commit. */
static bool evolve_target(TarnLoad *load, const TarnColumn *columns, size_t count) {
    TarnLoadTarget *target = &load->target;
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

static bool use_target(TarnLoad *load) {
    TarnLoadTarget *target = &load->target;
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
        bool guessed = file->format != TARN_FILE_PARQUET && file->format != TARN_FILE_AVRO;
        if (guessed && !only_new(load, &columns, &count)) return false;
        if (!evolve_target(load, columns, count)) return false;
        if (target->update_count > 0) break; /* one evolution a load; later files fill what fits */
    }
    return tarn_flow__load_columns(tarn_table_metadata_current_schema(target->metadata),
                                   load->arena, &load->columns, &load->column_count, load->error);
}

static bool find_target(TarnLoad *load) {
    TarnLoadTarget *target = &load->target;
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

bool tarn_flow_quarantine_schema(TarnArena *arena, TarnSchema *schema, TarnError *error) {
    return tarn_flow__load_schema(quarantine_columns, QUARANTINE_COLUMNS, false, arena, schema,
                                  error);
}

static bool find_quarantine(TarnLoad *load) {
    TarnLoadTarget *target = &load->quarantine;
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
    return tarn_flow_quarantine_schema(load->arena, &schema, load->error) &&
           make_metadata(load, target, &schema, NULL);
}

/* --- both --- */

bool tarn_flow__load_targets(TarnLoad *load) {
    return find_target(load) && find_quarantine(load);
}
