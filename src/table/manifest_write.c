/* Writing manifests: strict version 2 or 3.
 *
 * Entries are encoded straight into the Avro writer's block, deflated about every 64 KB. The
 * manifest list's row is filled on the way: counts, the smallest data sequence number of live
 * files, and per partition field whether nulls and NaNs occur and the bounds of the rest.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/limits.h"
#include "table/manifest.h"
#include "table/manifest_private.h"

typedef struct FieldSummary {
    TarnLiteral lower;
    TarnLiteral upper;
    bool has_value;
    bool has_null;
    bool has_nan;
} FieldSummary;

typedef struct ManifestWriter {
    const TarnPartitionSpec *spec;
    const TarnPrimitive *types;
    const TarnManifestWriteOptions *options;
    TarnManifestFile *file;
    FieldSummary *summaries;
    TarnAvroWriter avro;
    size_t entry_number;
} ManifestWriter;

/* --- values --- */

static void put_optional_long(TarnBuffer *out, int64_t value, int64_t absent) {
    tarn_format_avro_put_branch(out, value != absent ? 1 : 0);
    if (value != absent) tarn_format_avro_put_long(out, value);
}

static void put_optional_text(TarnBuffer *out, TarnText text) {
    tarn_format_avro_put_branch(out, text.data != NULL ? 1 : 0);
    if (text.data != NULL) tarn_format_avro_put_bytes(out, text);
}

static void put_decimal(TarnBuffer *out, TarnInt128 value, int32_t precision) {
    size_t size = tarn_table__decimal_bytes(precision);
    for (size_t i = size; i-- > 0;) tarn_base_buffer_byte(out, (uint8_t)(value >> (8 * i)));
}

static bool fits_decimal(TarnInt128 value, int32_t precision) {
    TarnInt128 limit = 1;
    for (int32_t i = 0; i < precision; i++) limit *= 10;
    return value < limit && value > -limit;
}

static bool put_partition_value(TarnBuffer *out, TarnPrimitive type, const TarnLiteral *value) {
    tarn_format_avro_put_branch(out, value->is_null ? 0 : 1);
    if (value->is_null) return true;
    if (value->kind != type.kind) return false;
    switch (type.kind) {
    case TARN_TYPE_BOOLEAN: tarn_format_avro_put_boolean(out, value->as.boolean); return true;
    case TARN_TYPE_FLOAT: tarn_format_avro_put_float(out, (float)value->as.real); return true;
    case TARN_TYPE_DOUBLE: tarn_format_avro_put_double(out, value->as.real); return true;
    case TARN_TYPE_DECIMAL:
        put_decimal(out, value->as.decimal, type.precision);
        return fits_decimal(value->as.decimal, type.precision);
    case TARN_TYPE_STRING:
    case TARN_TYPE_BINARY: tarn_format_avro_put_bytes(out, value->as.bytes); return true;
    case TARN_TYPE_UUID:
        tarn_format_avro_put_fixed(out, value->as.bytes);
        return value->as.bytes.size == 16;
    case TARN_TYPE_FIXED:
        tarn_format_avro_put_fixed(out, value->as.bytes);
        return value->as.bytes.size == (size_t)type.length;
    case TARN_TYPE_INT:
    case TARN_TYPE_DATE:
        tarn_format_avro_put_long(out, value->as.integer);
        return value->as.integer >= INT32_MIN && value->as.integer <= INT32_MAX;
    default: tarn_format_avro_put_long(out, value->as.integer); return true;
    }
}

/* --- metrics --- */

/* Maps are written empty rather than null: pyiceberg's metadata tables stumble over null. */

typedef int64_t CountOf(const TarnColumnMetrics *metrics);
static int64_t size_of(const TarnColumnMetrics *metrics) { return metrics->column_size; }
static int64_t values_of(const TarnColumnMetrics *metrics) { return metrics->value_count; }
static int64_t nulls_of(const TarnColumnMetrics *metrics) { return metrics->null_count; }
static int64_t nans_of(const TarnColumnMetrics *metrics) { return metrics->nan_count; }
typedef TarnText BoundOf(const TarnColumnMetrics *metrics);
static TarnText lower_of(const TarnColumnMetrics *metrics) { return metrics->lower; }
static TarnText upper_of(const TarnColumnMetrics *metrics) { return metrics->upper; }

static void put_counts(TarnBuffer *out, const TarnDataFile *file, CountOf *get) {
    size_t count = 0;
    for (size_t i = 0; i < file->column_count; i++) count += get(&file->columns[i]) != TARN_ABSENT;
    tarn_format_avro_put_branch(out, 1);
    if (count > 0) tarn_format_avro_put_items_begin(out, count);
    for (size_t i = 0; i < file->column_count; i++) {
        int64_t value = get(&file->columns[i]);
        if (value == TARN_ABSENT) continue;
        tarn_format_avro_put_long(out, file->columns[i].field_id);
        tarn_format_avro_put_long(out, value);
    }
    tarn_format_avro_put_items_end(out);
}

static void put_bounds(TarnBuffer *out, const TarnDataFile *file, BoundOf *get) {
    size_t count = 0;
    for (size_t i = 0; i < file->column_count; i++) count += get(&file->columns[i]).data != NULL;
    tarn_format_avro_put_branch(out, 1);
    if (count > 0) tarn_format_avro_put_items_begin(out, count);
    for (size_t i = 0; i < file->column_count; i++) {
        TarnText value = get(&file->columns[i]);
        if (value.data == NULL) continue;
        tarn_format_avro_put_long(out, file->columns[i].field_id);
        tarn_format_avro_put_bytes(out, value);
    }
    tarn_format_avro_put_items_end(out);
}

static void put_lists(TarnBuffer *out, const TarnDataFile *file) {
    tarn_format_avro_put_branch(out, file->split_offset_count > 0 ? 1 : 0);
    if (file->split_offset_count > 0) {
        tarn_format_avro_put_items_begin(out, file->split_offset_count);
        for (size_t i = 0; i < file->split_offset_count; i++) {
            tarn_format_avro_put_long(out, file->split_offsets[i]);
        }
        tarn_format_avro_put_items_end(out);
    }
    tarn_format_avro_put_branch(out, file->equality_id_count > 0 ? 1 : 0);
    if (file->equality_id_count > 0) {
        tarn_format_avro_put_items_begin(out, file->equality_id_count);
        for (size_t i = 0; i < file->equality_id_count; i++) {
            tarn_format_avro_put_long(out, file->equality_ids[i]);
        }
        tarn_format_avro_put_items_end(out);
    }
}

/* --- entries --- */

static bool refuse_file(const ManifestWriter *writer, const TarnDataFile *file, TarnError *error,
                        const char *what) {
    return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                               "cannot write file \"%.*s\" into a manifest (entry %zu): %s",
                               TARN_TEXT_ARG(file->path), writer->entry_number, what);
}

static bool check_entry(const ManifestWriter *writer, const TarnManifestEntry *entry,
                        TarnError *error) {
    const TarnDataFile *file = &entry->file;
    bool deletes = file->content != TARN_CONTENT_DATA;
    if (file->path.size == 0) return refuse_file(writer, file, error, "its path is empty");
    if (file->record_count < 0 || file->file_size < 0) {
        return refuse_file(writer, file, error, "its record count or size is negative");
    }
    if (deletes != writer->options->is_deletes) {
        return refuse_file(writer, file, error,
                           deletes ? "deletes do not go into a manifest of data"
                                   : "data does not go into a manifest of deletes");
    }
    if (file->partition_count != writer->spec->field_count) {
        return refuse_file(writer, file, error,
                           "it has not one partition value for each field of the spec");
    }
    if (entry->status != TARN_ENTRY_ADDED &&
        (entry->sequence_number == TARN_ABSENT || entry->file_sequence_number == TARN_ABSENT)) {
        return refuse_file(writer, file, error, "it is not added here and has no sequence number");
    }
    if (tarn_table_file_is_deletion_vector(file) && writer->options->format_version < 3) {
        return refuse_file(writer, file, error, "deletion vectors came with format version 3");
    }
    for (size_t i = 1; i < file->column_count; i++) {
        if (file->columns[i - 1].field_id < file->columns[i].field_id) continue;
        return refuse_file(writer, file, error, "its column metrics are not sorted by field id");
    }
    return true;
}

static void summarise_value(FieldSummary *summary, const TarnLiteral *value) {
    if (value->is_null) {
        summary->has_null = true;
        return;
    }
    bool real = value->kind == TARN_TYPE_FLOAT || value->kind == TARN_TYPE_DOUBLE;
    if (real && isnan(value->as.real)) {
        summary->has_nan = true;
        return;
    }
    if (!summary->has_value || tarn_format_literal_compare(value, &summary->lower) < 0) {
        summary->lower = *value;
    }
    if (!summary->has_value || tarn_format_literal_compare(value, &summary->upper) > 0) {
        summary->upper = *value;
    }
    summary->has_value = true;
}

static bool put_partition(ManifestWriter *writer, const TarnDataFile *file, TarnError *error) {
    for (size_t i = 0; i < file->partition_count; i++) {
        const TarnLiteral *value = &file->partition[i];
        if (!put_partition_value(&writer->avro.block, writer->types[i], value)) {
            return tarn_base_error_set(
                error, TARN_E_METADATA_INVALID,
                "cannot write file \"%.*s\" into a manifest: its value of partition field \"%s\" "
                "does not fit the field's type",
                TARN_TEXT_ARG(file->path), writer->spec->fields[i].name);
        }
        summarise_value(&writer->summaries[i], value);
    }
    return true;
}

static bool put_file(ManifestWriter *writer, const TarnDataFile *file, TarnError *error) {
    TarnBuffer *out = &writer->avro.block;
    tarn_format_avro_put_long(out, file->content);
    tarn_format_avro_put_bytes(out, file->path);
    tarn_format_avro_put_bytes(out, file->format);
    if (!put_partition(writer, file, error)) return false;
    tarn_format_avro_put_long(out, file->record_count);
    tarn_format_avro_put_long(out, file->file_size);
    put_counts(out, file, size_of);
    put_counts(out, file, values_of);
    put_counts(out, file, nulls_of);
    put_counts(out, file, nans_of);
    put_bounds(out, file, lower_of);
    put_bounds(out, file, upper_of);
    put_optional_text(out, file->key_metadata);
    put_lists(out, file);
    put_optional_long(out, file->sort_order_id, -1);
    if (writer->options->format_version < 3) {
        put_optional_text(out, file->referenced_data_file);
        return true;
    }
    bool is_data = file->content == TARN_CONTENT_DATA;
    bool is_vector = tarn_table_file_is_deletion_vector(file);
    put_optional_long(out, is_data ? file->first_row_id : TARN_ABSENT, TARN_ABSENT);
    put_optional_text(out, file->referenced_data_file);
    put_optional_long(out, is_vector ? file->content_offset : TARN_ABSENT, TARN_ABSENT);
    put_optional_long(out, is_vector ? file->content_size : TARN_ABSENT, TARN_ABSENT);
    return true;
}

static void count_entry(TarnManifestFile *file, const TarnManifestEntry *entry) {
    int64_t rows = entry->file.record_count;
    switch (entry->status) {
    case TARN_ENTRY_ADDED:
        file->added_files++;
        file->added_rows += rows;
        break;
    case TARN_ENTRY_EXISTING:
        file->existing_files++;
        file->existing_rows += rows;
        break;
    default:
        file->deleted_files++;
        file->deleted_rows += rows;
        return;
    }
    if (entry->sequence_number == TARN_ABSENT) return;
    if (file->min_sequence_number == TARN_ABSENT ||
        entry->sequence_number < file->min_sequence_number) {
        file->min_sequence_number = entry->sequence_number;
    }
}

static bool put_entry(ManifestWriter *writer, const TarnManifestEntry *entry, TarnError *error) {
    TarnBuffer *out = &writer->avro.block;
    if (!check_entry(writer, entry, error)) return false;
    int64_t snapshot_id = entry->snapshot_id != TARN_ABSENT ? entry->snapshot_id
                                                            : writer->options->snapshot_id;
    tarn_format_avro_put_long(out, entry->status);
    put_optional_long(out, snapshot_id, TARN_ABSENT);
    put_optional_long(out, entry->sequence_number, TARN_ABSENT);
    put_optional_long(out, entry->file_sequence_number, TARN_ABSENT);
    if (!put_file(writer, &entry->file, error)) return false;
    count_entry(writer->file, entry);
    writer->entry_number++;
    return tarn_format_avro_writer_object_end(&writer->avro, error);
}

/* --- the file --- */

static bool begin_file(ManifestWriter *writer, const TarnSchema *schema, TarnBuffer *out,
                       TarnError *error) {
    TarnBuffer avro_schema;
    TarnBuffer table_schema;
    TarnBuffer fields;
    char schema_id[16];
    char spec_id[16];
    tarn_base_buffer_init(&avro_schema, TARN_LIMIT_METADATA_BYTES);
    tarn_base_buffer_init(&table_schema, TARN_LIMIT_METADATA_BYTES);
    tarn_base_buffer_init(&fields, TARN_LIMIT_METADATA_BYTES);
    TarnJsonWriter json;
    tarn_base_json_writer_init(&json, &table_schema, 0);
    tarn_table_schema_to_json(schema, &json);
    tarn_base_json_writer_init(&json, &fields, 0);
    tarn_table_partition_fields_to_json(writer->spec, &json);
    tarn_table__manifest_schema_write(writer->spec, writer->types, writer->options->format_version,
                                      &avro_schema);
    snprintf(schema_id, sizeof(schema_id), "%" PRId32, schema->id);
    snprintf(spec_id, sizeof(spec_id), "%" PRId32, writer->spec->id);
    const TarnAvroPair pairs[] = {
        {TARN_TEXT("schema"), tarn_base_buffer_view(&table_schema)},
        {TARN_TEXT("schema-id"), tarn_base_text(schema_id)},
        {TARN_TEXT("partition-spec"), tarn_base_buffer_view(&fields)},
        {TARN_TEXT("partition-spec-id"), tarn_base_text(spec_id)},
        {TARN_TEXT("format-version"),
         writer->options->format_version > 2 ? TARN_TEXT("3") : TARN_TEXT("2")},
        {TARN_TEXT("content"), tarn_base_text(writer->options->is_deletes ? "deletes" : "data")},
    };
    TarnAvroWriterOptions options = {.schema = tarn_base_buffer_view(&avro_schema),
                                     .metadata = pairs,
                                     .metadata_count = sizeof(pairs) / sizeof(pairs[0]),
                                     .codec = TARN_AVRO_CODEC_DEFLATE};
    memcpy(options.sync_marker, writer->options->sync_marker, sizeof(options.sync_marker));
    bool done = tarn_base_buffer_check(&avro_schema, error) &&
                tarn_base_buffer_check(&table_schema, error) &&
                tarn_base_buffer_check(&fields, error) &&
                tarn_format_avro_writer_begin(&writer->avro, &options, out, error);
    tarn_base_buffer_dispose(&avro_schema);
    tarn_base_buffer_dispose(&table_schema);
    tarn_base_buffer_dispose(&fields);
    return done;
}

static bool copy_bound(const TarnLiteral *literal, TarnArena *arena, TarnText *bound,
                       TarnError *error) {
    TarnBuffer bytes;
    tarn_base_buffer_init(&bytes, TARN_LIMIT_FIELD_BYTES);
    tarn_format_literal_to_bytes(literal, &bytes);
    bool done = tarn_base_buffer_check(&bytes, error);
    if (done) {
        bound->data = tarn_base_arena_string_n(arena, bytes.data, bytes.size);
        bound->size = bytes.size;
        done = tarn_base_arena_check(arena, error);
    }
    tarn_base_buffer_dispose(&bytes);
    return done;
}

static bool fill_summaries(ManifestWriter *writer, TarnArena *arena, TarnError *error) {
    size_t count = writer->spec->field_count;
    TarnManifestFile *file = writer->file;
    file->partitions = TARN_NEW_ARRAY(arena, count, TarnPartitionSummary);
    file->partition_count = count;
    if (file->partitions == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < count; i++) {
        const FieldSummary *summary = &writer->summaries[i];
        TarnPartitionSummary *out = &file->partitions[i];
        out->contains_null = summary->has_null;
        out->contains_nan = summary->has_nan;
        if (!summary->has_value) continue;
        if (!copy_bound(&summary->lower, arena, &out->lower, error) ||
            !copy_bound(&summary->upper, arena, &out->upper, error)) {
            return false;
        }
    }
    return true;
}

bool tarn_table__manifest_write(const TarnManifestEntry *entries, size_t count,
                                const TarnSchema *schema, const TarnPartitionSpec *spec,
                                const TarnPrimitive *types, const TarnManifestWriteOptions *options,
                                TarnBuffer *out, TarnArena *arena, TarnManifestFile *file,
                                TarnError *error) {
    if (options->format_version != 2 && options->format_version != 3) {
        return tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                                   "manifests of format version %" PRId32 " cannot be written",
                                   options->format_version);
    }
    TarnText path = file->path;
    *file = (TarnManifestFile){.path = path,
                               .spec_id = spec->id,
                               .is_deletes = options->is_deletes,
                               .sequence_number = TARN_ABSENT,
                               .min_sequence_number = TARN_ABSENT,
                               .added_snapshot_id = options->snapshot_id,
                               .first_row_id = TARN_ABSENT};
    ManifestWriter writer = {.spec = spec, .types = types, .options = options, .file = file};
    writer.summaries = TARN_NEW_ARRAY(arena, spec->field_count, FieldSummary);
    if (!tarn_base_arena_check(arena, error)) return false;
    size_t start = out->size;
    bool done = begin_file(&writer, schema, out, error);
    for (size_t i = 0; done && i < count; i++) done = put_entry(&writer, &entries[i], error);
    done = done && tarn_format_avro_writer_finish(&writer.avro, error) &&
           tarn_base_buffer_check(out, error) && fill_summaries(&writer, arena, error);
    tarn_format_avro_writer_dispose(&writer.avro);
    file->length = (int64_t)(out->size - start);
    return done;
}

bool tarn_table__partition_type_of(const TarnManifestEntry *entries, size_t count, size_t field,
                                   TarnPrimitive *type) {
    *type = (TarnPrimitive){.kind = TARN_TYPE_STRING};
    for (size_t i = 0; i < count; i++) {
        if (field >= entries[i].file.partition_count) continue;
        const TarnLiteral *value = &entries[i].file.partition[field];
        if (value->is_null) continue;
        type->kind = value->kind;
        if (value->kind == TARN_TYPE_FIXED) type->length = (int32_t)value->as.bytes.size;
        return value->kind != TARN_TYPE_DECIMAL; /* its scale is not in the value */
    }
    return true;
}

bool tarn_table_manifest_write(const TarnManifestEntry *entries, size_t count,
                               const TarnSchema *schema, const TarnPartitionSpec *spec,
                               const TarnManifestWriteOptions *options, TarnBuffer *out,
                               TarnArena *arena, TarnManifestFile *file, TarnError *error) {
    TarnPrimitive *types = TARN_NEW_ARRAY(arena, spec->field_count, TarnPrimitive);
    if (!tarn_base_arena_check(arena, error)) return false;
    tarn_table__partition_types(spec, NULL, schema, types);
    for (size_t i = 0; i < spec->field_count; i++) {
        if (types[i].kind != TARN_TYPE_UNKNOWN) continue;
        if (!tarn_table__partition_type_of(entries, count, i, &types[i])) {
            return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                       "cannot write a manifest: the schema has no source column "
                                       "for partition field \"%s\"",
                                       spec->fields[i].name);
        }
    }
    return tarn_table__manifest_write(entries, count, schema, spec, types, options, out, arena,
                                      file, error);
}
