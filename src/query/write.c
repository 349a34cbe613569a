/* A SELECT into the data files of a table.
 *
 * The engine writes Parquet with every field id; hidden partitioning is a set of extra columns,
 * one per partition field, that are the transform of their source and are left out of the files.
 * What Iceberg wants to know of a file is then read from its footer, so that bounds and counts
 * are those of the bytes written and not of a text rendering of them.
 */
#include "query/write.h"

#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "format/parquet_footer.h"
#include "table/file_metrics.h"
#include "table/partition.h"

/* write.target-file-size-bytes of the reference implementation. */
#define TARGET_FILE_BYTES (512 * TARN_MIB)
/* Rows of a row group: what DuckDB prefers; its memory is what a load's bound allows. */
#define ROW_GROUP_ROWS 122880
/* Partitions that a write may hold open without its rows being sorted by them. */
#define PARTITIONS_FEW 32
#define PARTITIONS_OF_YEARS 20
/* Sorted rows come partition by partition: little has to be gathered or open. */
#define SORTED_PARTITION_ROWS 32768
#define SORTED_OPEN_FILES 16

typedef struct Writing {
    const TarnWriteOptions *options;
    const TarnSchema *schema;
    const TarnPartitionSpec *spec;
    TarnPrimitive *types; /* of the partition fields */
    const char **columns; /* names of the extra columns */
    bool many;            /* partitions */
    bool sorts;
    TarnArena *arena;
} Writing;

/* --- the SELECT --- */

static bool name_taken(const TarnSchema *schema, const char *name) {
    return tarn_table_schema_find_name(schema, name) != NULL;
}

/* A name for the extra column that no data column has; it shows in the folders' names. */
static bool name_partition_columns(Writing *writing, TarnError *error) {
    const TarnPartitionSpec *spec = writing->spec;
    writing->columns = TARN_NEW_ARRAY(writing->arena, spec->field_count + 1, const char *);
    for (size_t i = 0; writing->columns != NULL && i < spec->field_count; i++) {
        const char *name = spec->fields[i].name;
        for (int n = 1; name != NULL && name_taken(writing->schema, name); n++) {
            name = tarn_base_arena_printf(writing->arena, "%s_%d", spec->fields[i].name, n);
        }
        writing->columns[i] = name;
    }
    return tarn_base_arena_check(writing->arena, error);
}

/* `value`: SQL; NULL = the column of the field's name. */
static void write_column(const TarnField *field, const char *value, TarnBuffer *out) {
    TarnText name = tarn_base_text(field->name);
    tarn_base_buffer_string(out, "CAST(");
    if (value != NULL) {
        tarn_base_buffer_string(out, value);
    } else {
        tarn_base_buffer_identifier(out, name);
    }
    tarn_base_buffer_string(out, " AS ");
    tarn_table_type_to_sql(&field->type, out);
    tarn_base_buffer_string(out, ") AS ");
    tarn_base_buffer_identifier(out, name);
}

static bool write_partition_column(const Writing *writing, size_t index, TarnBuffer *out,
                                   TarnError *error) {
    const TarnPartitionField *field = &writing->spec->fields[index];
    const TarnField *source = tarn_table_schema_find(writing->schema, field->source_id);
    const char *path = tarn_table_schema_path(writing->schema, field->source_id, writing->arena);
    if (source == NULL || path == NULL || tarn_format_kind_is_nested(source->type.primitive.kind)) {
        return tarn_base_error_set(error, TARN_E_PARTITION_INVALID,
                                   "the partition field \"%s\" has no source column any more",
                                   field->name);
    }
    TarnBuffer column;
    tarn_base_buffer_init(&column, TARN_MIB);
    TarnText rest = tarn_base_text(path);
    for (bool first = true; rest.data != NULL; first = false) {
        if (!first) tarn_base_buffer_byte(&column, '.');
        tarn_base_buffer_identifier(&column, tarn_base_text_split(rest, '.', &rest));
    }
    /* The engine makes folder names of the values, and cannot of bytes that are not UTF-8; their
     * text, "\xAB" escapes, is what read_partition understands. */
    bool bytes = writing->types[index].kind == TARN_TYPE_BINARY ||
                 writing->types[index].kind == TARN_TYPE_FIXED;
    if (bytes) tarn_base_buffer_string(out, "CAST(");
    bool known = tarn_table_transform_to_sql(field->transform, source->type.primitive,
                                             tarn_base_buffer_view(&column), out);
    tarn_base_buffer_dispose(&column);
    tarn_base_buffer_string(out, bytes ? " AS VARCHAR) AS " : " AS ");
    tarn_base_buffer_identifier(out, tarn_base_text(writing->columns[index]));
    return known || tarn_base_error_set(error, TARN_E_PARTITION_INVALID,
                                        "the partition field \"%s\" cannot be written: its "
                                        "transform is not known or does not fit its column",
                                        field->name);
}

static const TarnWriteConstant *find_constant(const TarnWriteConstant *constants, size_t count,
                                              const TarnField *field) {
    for (size_t i = 0; field != NULL && i < count; i++) {
        if (strcmp(constants[i].name, field->name) == 0) return &constants[i];
    }
    return NULL;
}

/* The engine gathers rows for every partition it meets, in memory. Where a write may meet many,
 * the rows come to it in the order of the partitions, sorted on disk if need be; few of them are
 * then open at a time, and each gets one file. */
static bool may_be_many(const TarnTableMetadata *metadata, const TarnWriteConstant *constants,
                        size_t constant_count) {
    const TarnSchema *schema = tarn_table_metadata_current_schema(metadata);
    const TarnPartitionSpec *spec = tarn_table_metadata_default_spec(metadata);
    uint64_t most = 1;
    for (size_t i = 0; i < spec->field_count; i++) {
        const TarnField *source = tarn_table_schema_find(schema, spec->fields[i].source_id);
        if (find_constant(constants, constant_count, source) != NULL) continue;
        switch (spec->fields[i].transform.kind) {
        case TARN_TRANSFORM_VOID: break;
        case TARN_TRANSFORM_YEAR: most *= PARTITIONS_OF_YEARS; break;
        case TARN_TRANSFORM_BUCKET: most *= (uint64_t)spec->fields[i].transform.width; break;
        default: return true;
        }
        if (most > PARTITIONS_FEW) return true;
    }
    return false;
}

bool tarn_query_write_sorts(const TarnTableMetadata *metadata, const TarnWriteConstant *constants,
                            size_t constant_count) {
    const TarnSortOrder *order = tarn_table_metadata_default_sort_order(metadata);
    return may_be_many(metadata, constants, constant_count) ||
           (order != NULL && order->field_count > 0);
}

/* A constant that neither partitions nor sorts is added behind the sort. */
static const TarnWriteConstant *late_constant(const Writing *writing, const TarnField *field) {
    const TarnWriteOptions *options = writing->options;
    const TarnSortOrder *order = tarn_table_metadata_default_sort_order(options->metadata);
    if (!writing->sorts) return NULL;
    for (size_t i = 0; i < writing->spec->field_count; i++) {
        if (writing->spec->fields[i].source_id == field->id) return NULL;
    }
    for (size_t i = 0; order != NULL && i < order->field_count; i++) {
        if (order->fields[i].source_id == field->id) return NULL;
    }
    return find_constant(options->constants, options->constant_count, field);
}

static void write_order(const Writing *writing, TarnBuffer *out) {
    const TarnSortOrder *order =
        tarn_table_metadata_default_sort_order(writing->options->metadata);
    const char *separator = " ORDER BY ";
    for (size_t i = 0; writing->many && i < writing->spec->field_count; i++) {
        tarn_base_buffer_string(out, separator);
        tarn_base_buffer_identifier(out, tarn_base_text(writing->columns[i]));
        separator = ", ";
    }
    for (size_t i = 0; order != NULL && i < order->field_count; i++) {
        const TarnSortField *field = &order->fields[i];
        const TarnField *source = tarn_table_schema_find(writing->schema, field->source_id);
        TarnBuffer expression;
        TarnBuffer column;
        if (source == NULL) continue;
        tarn_base_buffer_init(&expression, TARN_MIB);
        tarn_base_buffer_init(&column, TARN_MIB);
        tarn_base_buffer_identifier(&column, tarn_base_text(source->name));
        if (tarn_table_transform_to_sql(field->transform, source->type.primitive,
                                        tarn_base_buffer_view(&column), &expression)) {
            tarn_base_buffer_printf(out, "%s%s %s %s", separator, expression.data,
                                    field->descending ? "DESC" : "ASC",
                                    field->nulls_last ? "NULLS LAST" : "NULLS FIRST");
            separator = ", ";
        }
        tarn_base_buffer_dispose(&expression);
        tarn_base_buffer_dispose(&column);
    }
}

/* SELECT *, transforms FROM (SELECT casts FROM (user's select)) ORDER BY .. */
static bool write_rows(const Writing *writing, TarnBuffer *out, TarnError *error) {
    const TarnSchema *schema = writing->schema;
    const char *separator = "";
    tarn_base_buffer_string(out, "SELECT *");
    for (size_t i = 0; i < writing->spec->field_count; i++) {
        tarn_base_buffer_string(out, ", ");
        if (!write_partition_column(writing, i, out, error)) return false;
    }
    tarn_base_buffer_string(out, " FROM (SELECT ");
    for (size_t i = 0; i < schema->field_count; i++) {
        if (late_constant(writing, &schema->fields[i]) != NULL) continue;
        tarn_base_buffer_string(out, separator);
        write_column(&schema->fields[i], NULL, out);
        separator = ", ";
    }
    tarn_base_buffer_string(out, " FROM (");
    tarn_base_buffer_text(out, writing->options->select_sql);
    tarn_base_buffer_string(out, "))");
    write_order(writing, out);
    return true;
}

static bool write_select(const Writing *writing, TarnBuffer *out, TarnError *error) {
    const TarnSchema *schema = writing->schema;
    bool any_late = false;
    for (size_t i = 0; i < schema->field_count; i++) {
        any_late = any_late || late_constant(writing, &schema->fields[i]) != NULL;
    }
    if (!any_late) return write_rows(writing, out, error) && tarn_base_buffer_check(out, error);
    tarn_base_buffer_string(out, "SELECT ");
    for (size_t i = 0; i < schema->field_count; i++) {
        const TarnWriteConstant *late = late_constant(writing, &schema->fields[i]);
        if (i > 0) tarn_base_buffer_string(out, ", ");
        write_column(&schema->fields[i], late != NULL ? late->sql : NULL, out);
    }
    for (size_t i = 0; i < writing->spec->field_count; i++) {
        tarn_base_buffer_string(out, ", ");
        tarn_base_buffer_identifier(out, tarn_base_text(writing->columns[i]));
    }
    tarn_base_buffer_string(out, " FROM (");
    if (!write_rows(writing, out, error)) return false;
    tarn_base_buffer_byte(out, ')');
    return tarn_base_buffer_check(out, error);
}

/* --- copying --- */

static uint64_t target_size(const TarnWriteOptions *options) {
    int64_t property = tarn_table_metadata_property_int64(
        options->metadata, "write.target-file-size-bytes", (int64_t)TARGET_FILE_BYTES);
    if (options->file_size > 0) return options->file_size;
    return property > 0 ? (uint64_t)property : TARGET_FILE_BYTES;
}

static bool copy_rows(const Writing *writing, TarnText select, const char *field_ids,
                      TarnEngineFile **files, size_t *count, TarnError *error) {
    const TarnWriteOptions *options = writing->options;
    const char *location = options->metadata->location;
    const char *path = NULL;
    bool directory = writing->spec->field_count > 0 || options->large;
    /* Settings of the session: whoever asks for no number has locked it. */
    bool bounded = writing->spec->field_count > 0 && options->partition_rows > 0;
    const char *data = tarn_base_arena_printf(writing->arena, "%s/data", location);
    const char *file = tarn_base_arena_printf(writing->arena, "%s/data/%05u-%s.parquet", location,
                                              options->sequence, options->commit_id);
    const char *pattern = tarn_base_arena_printf(writing->arena, "%05u-%s-{uuid}",
                                                 options->sequence, options->commit_id);
    if (!tarn_base_arena_check(writing->arena, error) ||
        !tarn_store_prepare_directory(options->store, data, error) ||
        !tarn_store_local_path(options->store, directory ? data : file, &path, error)) {
        return false;
    }
    TarnEngineCopyOptions copy = {
        .path = path,
        .field_ids = field_ids,
        .compression = "zstd",
        .row_group_rows = ROW_GROUP_ROWS,
        /* The engine cuts files or partitions them, not both. */
        .file_size_bytes = options->large && writing->spec->field_count == 0
                               ? target_size(options)
                               : 0,
        .partition_columns = writing->columns,
        .partition_count = writing->spec->field_count,
        .partition_rows = !bounded        ? 0
                          : writing->many ? SORTED_PARTITION_ROWS
                                          : options->partition_rows,
        .open_files_max = bounded && writing->many ? SORTED_OPEN_FILES : 0,
        .drop_partition_columns = writing->spec->field_count > 0,
        .filename_pattern = directory ? pattern : NULL,
    };
    if (tarn_engine_copy_to_parquet(options->session, select, &copy, writing->arena, files, count,
                                    error)) {
        return true;
    }
    error->line = 0; /* a place in SQL that no user wrote */
    error->detail[0] = '\0';
    return false;
}

/* --- describing --- */

typedef struct RangeReader {
    TarnStore *store;
    const char *location;
} RangeReader;

static bool read_range(void *context, uint64_t offset, size_t size, TarnArena *arena,
                       TarnText *bytes, TarnError *error) {
    RangeReader *reader = context;
    return tarn_store_get(reader->store, reader->location,
                          (TarnStoreRange){(int64_t)offset, size}, size, arena, bytes, NULL,
                          error);
}

static bool read_partition(const Writing *writing, const TarnEngineFile *written,
                           TarnDataFile *file, TarnError *error) {
    size_t count = writing->spec->field_count;
    file->spec_id = writing->spec->id;
    file->partition_count = count;
    file->partition = TARN_NEW_ARRAY(writing->arena, count + 1, TarnLiteral);
    if (file->partition == NULL) return tarn_base_arena_check(writing->arena, error);
    for (size_t i = 0; i < count; i++) {
        TarnLiteral *value = &file->partition[i];
        TarnText text = i < written->partition_count ? written->partition_values[i]
                                                     : (TarnText){NULL, 0};
        value->kind = writing->types[i].kind;
        value->is_null = text.data == NULL;
        if (!value->is_null && !tarn_format_literal_from_text(writing->types[i], text,
                                                              writing->arena, value, error)) {
            return tarn_base_error_context(error, "while reading the partition of \"%s\"",
                                           written->path);
        }
    }
    return true;
}

/* The engine writes every column as optional: a null in a required one shows in its counts. */
static bool check_required(const Writing *writing, const TarnDataFile *file, TarnError *error) {
    for (size_t i = 0; i < writing->schema->field_count; i++) {
        const TarnField *field = &writing->schema->fields[i];
        for (size_t c = 0; field->required && c < file->column_count; c++) {
            if (file->columns[c].field_id != field->id || file->columns[c].null_count <= 0) {
                continue;
            }
            return tarn_base_error_set(error, TARN_E_SQL_EXECUTION,
                                       "the column \"%s\" must not be null", field->name);
        }
    }
    return true;
}

/* Bounds are views into the footer, which is many times their size. */
static bool keep_bounds(const Writing *writing, TarnDataFile *file, TarnError *error) {
    for (size_t i = 0; i < file->column_count; i++) {
        TarnText *bounds[] = {&file->columns[i].lower, &file->columns[i].upper};
        for (size_t b = 0; b < 2; b++) {
            if (bounds[b]->data == NULL) continue;
            bounds[b]->data = tarn_base_text_string(writing->arena, *bounds[b]);
        }
    }
    return tarn_base_arena_check(writing->arena, error);
}

static bool read_metrics(const Writing *writing, const TarnEngineFile *written,
                         const TarnFileMetricsOptions *metrics, TarnDataFile *file,
                         TarnError *error) {
    RangeReader reader = {.store = writing->options->store, .location = written->path};
    TarnParquetFooter *footer = NULL;
    TarnArena scratch;
    tarn_base_arena_init(&scratch, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok =
        tarn_format_parquet_footer_read(read_range, &reader, (uint64_t)written->file_size_bytes,
                                        written->path, &scratch, &footer, error) &&
        tarn_table_file_metrics_fill(footer, written->path, metrics, writing->arena, file, error) &&
        keep_bounds(writing, file, error);
    tarn_base_arena_dispose(&scratch);
    return ok;
}

static bool describe_file(const Writing *writing, const TarnEngineFile *written,
                          TarnDataFile *file, TarnError *error) {
    const TarnTableMetadata *metadata = writing->options->metadata;
    TarnFileMetricsOptions metrics = {.schema = writing->schema,
                                      .properties = metadata->properties,
                                      .property_count = metadata->property_count,
                                      .sort_order =
                                          tarn_table_metadata_default_sort_order(metadata)};
    *file = (TarnDataFile){.content = TARN_CONTENT_DATA,
                           .path = tarn_base_text(written->path),
                           .format = TARN_TEXT("PARQUET"),
                           .sort_order_id = metadata->default_sort_order_id,
                           .first_row_id = TARN_ABSENT,
                           .content_offset = TARN_ABSENT,
                           .content_size = TARN_ABSENT};
    return read_metrics(writing, written, &metrics, file, error) &&
           check_required(writing, file, error) &&
           read_partition(writing, written, file, error);
}

static bool describe_files(const Writing *writing, const TarnEngineFile *written, size_t count,
                           TarnWrittenFiles *files, TarnError *error) {
    files->items = TARN_NEW_ARRAY(writing->arena, count + 1, TarnDataFile);
    files->locations = TARN_NEW_ARRAY(writing->arena, count + 1, const char *);
    if (!tarn_base_arena_check(writing->arena, error)) return false;
    for (size_t i = 0; i < count; i++) {
        if (written[i].row_count == 0) {
            if (!tarn_store_delete(writing->options->store, written[i].path, NULL, error)) {
                return false;
            }
            continue;
        }
        TarnDataFile *file = &files->items[files->count];
        if (!describe_file(writing, &written[i], file, error)) return false;
        files->locations[files->count++] = written[i].path;
        files->rows += file->record_count;
        files->bytes += file->file_size;
    }
    return true;
}

bool tarn_query_write_files(const TarnWriteOptions *options, TarnArena *arena,
                            TarnWrittenFiles *files, TarnError *error) {
    Writing writing = {.options = options,
                       .schema = tarn_table_metadata_current_schema(options->metadata),
                       .spec = tarn_table_metadata_default_spec(options->metadata),
                       .arena = arena};
    writing.many =
        may_be_many(options->metadata, options->constants, options->constant_count);
    writing.sorts = tarn_query_write_sorts(options->metadata, options->constants,
                                           options->constant_count);
    TarnBuffer select;
    TarnBuffer field_ids;
    TarnEngineFile *written = NULL;
    size_t count = 0;
    *files = (TarnWrittenFiles){0};
    tarn_base_buffer_init(&select, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_init(&field_ids, TARN_LIMIT_SQL_BYTES);
    tarn_table_schema_to_field_ids(writing.schema, &field_ids);
    bool ok = tarn_table_partition_types(writing.spec, writing.schema, arena, &writing.types,
                                         error) &&
              name_partition_columns(&writing, error) && write_select(&writing, &select, error) &&
              tarn_base_buffer_check(&field_ids, error) &&
              copy_rows(&writing, tarn_base_buffer_view(&select), field_ids.data, &written, &count,
                        error) &&
              !TARN_FAULT("query.write.after_copy", error) &&
              describe_files(&writing, written, count, files, error);
    tarn_base_buffer_dispose(&select);
    tarn_base_buffer_dispose(&field_ids);
    return ok;
}
