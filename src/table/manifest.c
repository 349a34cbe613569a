/* Reading manifests: Avro entries by field id into TarnManifestEntry.
 *
 * One decode plan per file, compiled from the file's own schema, so field order, renamed fields
 * and fields never heard of do not matter; metrics of columns nobody asked for are walked over.
 * The partition record is dynamic: its values arrive typed by the file and are brought to the
 * spec's types here (a file older than a widening has the narrower type).
 *
 * The header is believed where the specification demands it and only there: format version,
 * content and spec id. The spec itself comes from the table when it has that id, since writers
 * are known that write a broken schema or spec into the header.
 */
#include "table/manifest.h"

#include <inttypes.h>
#include <stddef.h>

#include "base/limits.h"
#include "table/manifest_private.h"

typedef struct RawEntry {
    TarnManifestEntry entry;
    TarnAvroValue *values; /* the partition record's fields in file order */
    size_t value_count;
    int64_t *equality_ids; /* some writers make longs of them */
    size_t equality_id_count;
} RawEntry;

struct TarnManifestReader {
    const char *path;
    TarnAvroReader *avro;
    TarnAvroPlan *plan;
    TarnAvroPlanOptions plan_options;
    TarnAvroShape shape;
    TarnAvroShape file_shape;
    TarnAvroWant wants[5];
    TarnManifest *head;
    TarnPrimitive *types;   /* of the spec's fields */
    TarnLiteral *partition; /* of the entry handed out */
    size_t *spec_index;     /* per field of the partition record; field_count = not wanted */
    size_t record_fields;
    TarnAvroBlock block;
    bool in_block;
    uint64_t entry_number;
    RawEntry raw;
};

static const TarnColumnMetrics BLANK_METRICS = {.column_size = TARN_ABSENT,
                                                .value_count = TARN_ABSENT,
                                                .null_count = TARN_ABSENT,
                                                .nan_count = TARN_ABSENT};

#define FILE_AT(member) offsetof(RawEntry, entry.file.member)

static const TarnAvroMerge METRICS = {.items_offset = FILE_AT(columns),
                                      .count_offset = FILE_AT(column_count),
                                      .item_size = sizeof(TarnColumnMetrics),
                                      .key_offset = offsetof(TarnColumnMetrics, field_id),
                                      .blank = &BLANK_METRICS};

#define WANT(id, label, to, member)                                                                \
    { .field_id = (id), .name = (label), .target = (to), .offset = FILE_AT(member) }
#define WANT_REQUIRED(id, label, to, member)                                                       \
    {                                                                                              \
        .field_id = (id), .name = (label), .target = (to), .required = true,                       \
        .offset = FILE_AT(member)                                                                  \
    }
#define WANT_LIST(id, label, of, member, counter)                                                  \
    {                                                                                              \
        .field_id = (id), .name = (label), .target = TARN_AVRO_TO_LIST, .item = (of),              \
        .offset = FILE_AT(member), .count_offset = FILE_AT(counter)                                \
    }
#define WANT_METRIC(id, label, of, member, key, value)                                             \
    {                                                                                              \
        .field_id = (id), .name = (label), .target = TARN_AVRO_TO_MERGED, .item = (of),            \
        .merge = &METRICS, .offset = offsetof(TarnColumnMetrics, member), .key_id = (key),         \
        .value_id = (value)                                                                        \
    }

/* data_file. The metrics come last, so that a shorter count leaves them out. */
static const TarnAvroWant FILE_WANTS[] = {
    WANT(134, "content", TARN_AVRO_TO_INT32, content),
    WANT_REQUIRED(100, "file_path", TARN_AVRO_TO_TEXT, path),
    WANT_REQUIRED(101, "file_format", TARN_AVRO_TO_TEXT, format),
    {.field_id = 102,
     .name = "partition",
     .target = TARN_AVRO_TO_VALUES,
     .offset = offsetof(RawEntry, values),
     .count_offset = offsetof(RawEntry, value_count)},
    WANT_REQUIRED(103, "record_count", TARN_AVRO_TO_INT64, record_count),
    WANT_REQUIRED(104, "file_size_in_bytes", TARN_AVRO_TO_INT64, file_size),
    WANT(131, "key_metadata", TARN_AVRO_TO_TEXT, key_metadata),
    WANT_LIST(132, "split_offsets", TARN_AVRO_TO_INT64, split_offsets, split_offset_count),
    {.field_id = 135,
     .name = "equality_ids",
     .target = TARN_AVRO_TO_LIST,
     .item = TARN_AVRO_TO_INT64,
     .offset = offsetof(RawEntry, equality_ids),
     .count_offset = offsetof(RawEntry, equality_id_count)},
    WANT(140, "sort_order_id", TARN_AVRO_TO_INT32, sort_order_id),
    WANT(142, "first_row_id", TARN_AVRO_TO_INT64, first_row_id),
    WANT(143, "referenced_data_file", TARN_AVRO_TO_TEXT, referenced_data_file),
    WANT(144, "content_offset", TARN_AVRO_TO_INT64, content_offset),
    WANT(145, "content_size_in_bytes", TARN_AVRO_TO_INT64, content_size),
    WANT_METRIC(108, "column_sizes", TARN_AVRO_TO_INT64, column_size, 117, 118),
    WANT_METRIC(109, "value_counts", TARN_AVRO_TO_INT64, value_count, 119, 120),
    WANT_METRIC(110, "null_value_counts", TARN_AVRO_TO_INT64, null_count, 121, 122),
    WANT_METRIC(137, "nan_value_counts", TARN_AVRO_TO_INT64, nan_count, 138, 139),
    WANT_METRIC(125, "lower_bounds", TARN_AVRO_TO_TEXT, lower, 126, 127),
    WANT_METRIC(128, "upper_bounds", TARN_AVRO_TO_TEXT, upper, 129, 130),
};
#define FILE_WANT_COUNT (sizeof(FILE_WANTS) / sizeof(FILE_WANTS[0]))
#define METRIC_WANT_COUNT 6

/* --- the header --- */

static bool header_int(const TarnManifestReader *reader, const char *key, int64_t otherwise,
                       int64_t *value, TarnError *error) {
    TarnText text;
    *value = otherwise;
    if (!tarn_format_avro_reader_metadata(reader->avro, key, &text)) return true;
    if (tarn_base_text_to_int64(text, value) && *value >= 0 && *value <= INT32_MAX) return true;
    return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                               "manifest \"%s\": header key \"%s\" is no number", reader->path,
                               key);
}

static const TarnAvroField *entry_field(const TarnManifestReader *reader, int32_t id,
                                        const char *name) {
    const TarnAvroSchema *root = tarn_format_avro_reader_schema(reader->avro);
    const TarnAvroField *field = tarn_format_avro_schema_field_by_id(root, id);
    return field != NULL ? field : tarn_format_avro_schema_field(root, tarn_base_text(name));
}

static bool read_versions(TarnManifestReader *reader, int64_t *spec_id, TarnError *error) {
    int64_t version;
    TarnText content;
    /* Without the key: v1 entries have no sequence number, all later ones have. */
    int64_t guess = entry_field(reader, 3, "sequence_number") != NULL ? 2 : 1;
    if (!header_int(reader, "format-version", guess, &version, error) ||
        !header_int(reader, "partition-spec-id", 0, spec_id, error)) {
        return false;
    }
    if (version < 1 || version > 3) {
        return tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                                   "manifest \"%s\" has format version %" PRId64
                                   ", tarn reads up to 3",
                                   reader->path, version);
    }
    reader->head->format_version = (int32_t)version;
    if (tarn_format_avro_reader_metadata(reader->avro, "content", &content)) {
        reader->head->is_deletes = tarn_base_text_is(content, "deletes");
    }
    return true;
}

static bool parse_header_json(const TarnManifestReader *reader, const char *key, TarnArena *arena,
                              TarnJson **json, TarnError *error) {
    TarnText text;
    if (!tarn_format_avro_reader_metadata(reader->avro, key, &text)) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "manifest \"%s\" has no header key \"%s\"", reader->path, key);
    }
    if (tarn_base_json_parse(text, NULL, arena, json, error)) return true;
    return tarn_base_error_context(error, "reading the header key \"%s\" of manifest \"%s\"", key,
                                   reader->path);
}

static bool read_spec(TarnManifestReader *reader, const TarnTableMetadata *table,
                      const TarnManifestReadOptions *options, int64_t spec_id, TarnArena *arena,
                      TarnError *error) {
    TarnPartitionSpec *spec = &reader->head->spec;
    const TarnPartitionSpec *known = options != NULL ? options->spec : NULL;
    if (known == NULL && table != NULL) {
        known = tarn_table_metadata_spec(table, (int32_t)spec_id);
    }
    if (known != NULL) {
        *spec = *known;
        return true;
    }
    TarnJson *json;
    return parse_header_json(reader, "partition-spec", arena, &json, error) &&
           tarn_table_partition_fields_from_json(json, (int32_t)spec_id, arena, spec, error);
}

void tarn_table__partition_types(const TarnPartitionSpec *spec, const TarnTableMetadata *table,
                                 const TarnSchema *schema, TarnPrimitive *types) {
    const TarnSchema *current = table != NULL ? tarn_table_metadata_current_schema(table) : NULL;
    size_t others = table != NULL ? table->schema_count : 0;
    for (size_t i = 0; i < spec->field_count; i++) {
        int32_t source = spec->fields[i].source_id;
        const TarnField *field = schema != NULL ? tarn_table_schema_find(schema, source) : NULL;
        if (field == NULL && current != NULL) field = tarn_table_schema_find(current, source);
        for (size_t j = others; field == NULL && j > 0; j--) { /* the newest that had it */
            field = tarn_table_schema_find(&table->schemas[j - 1], source);
        }
        types[i] = (TarnPrimitive){.kind = TARN_TYPE_UNKNOWN};
        TarnPrimitive result;
        if (field != NULL && tarn_table_transform_result(spec->fields[i].transform,
                                                         field->type.primitive, &result)) {
            types[i] = result;
        }
    }
}

static bool has_unknown(const TarnPrimitive *types, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (types[i].kind == TARN_TYPE_UNKNOWN) return true;
    }
    return false;
}

static bool resolve_types(TarnManifestReader *reader, const TarnTableMetadata *table,
                          TarnArena *arena, TarnError *error) {
    const TarnPartitionSpec *spec = &reader->head->spec;
    reader->types = TARN_NEW_ARRAY(arena, spec->field_count, TarnPrimitive);
    reader->partition = TARN_NEW_ARRAY(arena, spec->field_count, TarnLiteral);
    if (!tarn_base_arena_check(arena, error)) return false;
    tarn_table__partition_types(spec, table, NULL, reader->types);
    if (!has_unknown(reader->types, spec->field_count)) return true;
    TarnJson *json;
    TarnSchema schema;
    TarnError ignored; /* without a schema the file's own types are taken */
    if (parse_header_json(reader, "schema", arena, &json, &ignored) &&
        tarn_table_schema_from_json(json, arena, &schema, &ignored)) {
        tarn_table__partition_types(spec, table, table == NULL ? &schema : NULL, reader->types);
        for (size_t i = 0; i < spec->field_count; i++) {
            if (reader->types[i].kind != TARN_TYPE_UNKNOWN) continue;
            TarnPartitionSpec one = {.id = spec->id, .fields = &spec->fields[i], .field_count = 1};
            tarn_table__partition_types(&one, NULL, &schema, &reader->types[i]);
        }
    }
    return tarn_base_arena_check(arena, error);
}

/* --- the decode plan --- */

/* Which field of the spec each field of the file's partition record is: by id; by name only in
 * files without ids. */
static bool map_partition(TarnManifestReader *reader, TarnArena *arena, TarnError *error) {
    const TarnPartitionSpec *spec = &reader->head->spec;
    const TarnAvroField *file = entry_field(reader, 2, "data_file");
    const TarnAvroSchema *record = file != NULL ? file->type : NULL;
    const TarnAvroField *partition = NULL;
    if (record != NULL) {
        partition = tarn_format_avro_schema_field_by_id(record, 102);
        if (partition == NULL) {
            partition = tarn_format_avro_schema_field(record, TARN_TEXT("partition"));
        }
    }
    if (partition == NULL) return true;
    record = tarn_format_avro_schema_required(partition->type);
    if (record == NULL || record->kind != TARN_AVRO_RECORD) return true; /* the plan refuses it */
    reader->record_fields = record->field_count;
    reader->spec_index = TARN_NEW_ARRAY(arena, record->field_count, size_t);
    if (reader->spec_index == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < record->field_count; i++) {
        const TarnAvroField *field = &record->fields[i];
        size_t found = 0;
        for (; found < spec->field_count; found++) {
            if (field->field_id != TARN_AVRO_NO_ID
                    ? field->field_id == spec->fields[found].field_id
                    : tarn_base_text_is(field->name, spec->fields[found].name)) {
                break;
            }
        }
        reader->spec_index[i] = found;
    }
    return true;
}

static bool compile_plan(TarnManifestReader *reader, const TarnManifestReadOptions *options,
                         TarnArena *arena, TarnError *error) {
    bool without = options != NULL && options->without_metrics;
    reader->file_shape = (TarnAvroShape){
        .wants = FILE_WANTS, .count = FILE_WANT_COUNT - (without ? METRIC_WANT_COUNT : 0)};
    size_t base = offsetof(RawEntry, entry);
    const TarnAvroWant wants[] = {
        {.field_id = 0,
         .name = "status",
         .target = TARN_AVRO_TO_INT32,
         .required = true,
         .offset = base + offsetof(TarnManifestEntry, status)},
        {.field_id = 1,
         .name = "snapshot_id",
         .target = TARN_AVRO_TO_INT64,
         .offset = base + offsetof(TarnManifestEntry, snapshot_id)},
        {.field_id = 3,
         .name = "sequence_number",
         .target = TARN_AVRO_TO_INT64,
         .offset = base + offsetof(TarnManifestEntry, sequence_number)},
        {.field_id = 4,
         .name = "file_sequence_number",
         .target = TARN_AVRO_TO_INT64,
         .offset = base + offsetof(TarnManifestEntry, file_sequence_number)},
        {.field_id = 2,
         .name = "data_file",
         .target = TARN_AVRO_TO_RECORD,
         .required = true,
         .shape = &reader->file_shape},
    };
    memcpy(reader->wants, wants, sizeof(wants));
    reader->shape = (TarnAvroShape){.wants = reader->wants,
                                    .count = sizeof(wants) / sizeof(wants[0]),
                                    .size = sizeof(RawEntry)};
    if (options != NULL && options->field_ids != NULL) {
        reader->plan_options.keys = options->field_ids;
        reader->plan_options.key_count = options->field_id_count;
    }
    return tarn_format_avro_plan_compile(tarn_format_avro_reader_schema(reader->avro),
                                         &reader->shape, &reader->plan_options, arena,
                                         &reader->plan, error);
}

bool tarn_table__manifest_reader_open(TarnText bytes, const char *path,
                                      const TarnTableMetadata *table,
                                      const TarnManifestReadOptions *options, TarnArena *arena,
                                      TarnManifestReader **result, TarnManifest **head,
                                      TarnError *error) {
    *result = NULL;
    TarnManifestReader *reader = TARN_NEW(arena, TarnManifestReader);
    TarnManifest *manifest = TARN_NEW(arena, TarnManifest);
    if (!tarn_base_arena_check(arena, error)) return false;
    reader->path = path;
    reader->head = manifest;
    int64_t spec_id = 0;
    if (!tarn_format_avro_reader_open(bytes, path, arena, &reader->avro, error)) return false;
    if (!read_versions(reader, &spec_id, error) ||
        !read_spec(reader, table, options, spec_id, arena, error) ||
        !resolve_types(reader, table, arena, error) || !map_partition(reader, arena, error) ||
        !compile_plan(reader, options, arena, error)) {
        tarn_format_avro_reader_close(reader->avro);
        return false;
    }
    *result = reader;
    *head = manifest;
    return true;
}

void tarn_table__manifest_reader_close(TarnManifestReader *reader) {
    if (reader != NULL) tarn_format_avro_reader_close(reader->avro);
}

/* --- partition values --- */

static TarnPrimitive type_of_value(const TarnAvroSchema *type) {
    switch (type->kind) {
    case TARN_AVRO_BOOLEAN: return (TarnPrimitive){.kind = TARN_TYPE_BOOLEAN};
    case TARN_AVRO_INT:
        return (TarnPrimitive){.kind = type->logical == TARN_AVRO_LOGICAL_DATE ? TARN_TYPE_DATE
                                                                               : TARN_TYPE_INT};
    case TARN_AVRO_LONG:
        switch (type->logical) {
        case TARN_AVRO_LOGICAL_TIME_MICROS: return (TarnPrimitive){.kind = TARN_TYPE_TIME};
        case TARN_AVRO_LOGICAL_TIMESTAMP_MICROS:
            return (TarnPrimitive){.kind = type->adjust_to_utc == 1 ? TARN_TYPE_TIMESTAMPTZ
                                                                    : TARN_TYPE_TIMESTAMP};
        default: return (TarnPrimitive){.kind = TARN_TYPE_LONG};
        }
    case TARN_AVRO_FLOAT: return (TarnPrimitive){.kind = TARN_TYPE_FLOAT};
    case TARN_AVRO_DOUBLE: return (TarnPrimitive){.kind = TARN_TYPE_DOUBLE};
    case TARN_AVRO_STRING: return (TarnPrimitive){.kind = TARN_TYPE_STRING};
    case TARN_AVRO_FIXED:
    case TARN_AVRO_BYTES:
        if (type->logical == TARN_AVRO_LOGICAL_DECIMAL) {
            return (TarnPrimitive){
                .kind = TARN_TYPE_DECIMAL, .precision = type->precision, .scale = type->scale};
        }
        if (type->logical == TARN_AVRO_LOGICAL_UUID) {
            return (TarnPrimitive){.kind = TARN_TYPE_UUID};
        }
        if (type->kind == TARN_AVRO_BYTES) return (TarnPrimitive){.kind = TARN_TYPE_BINARY};
        return (TarnPrimitive){.kind = TARN_TYPE_FIXED, .length = (int32_t)type->size};
    default: return (TarnPrimitive){.kind = TARN_TYPE_UNKNOWN};
    }
}

/* Nanoseconds in one unit of a time point as the file stores it; 0 = a plain number. */
static int64_t stored_unit_ns(TarnAvroLogical logical) {
    switch (logical) {
    case TARN_AVRO_LOGICAL_TIMESTAMP_MILLIS:
    case TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_MILLIS: return 1000000;
    case TARN_AVRO_LOGICAL_TIMESTAMP_MICROS:
    case TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_MICROS: return 1000;
    case TARN_AVRO_LOGICAL_TIMESTAMP_NANOS:
    case TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_NANOS: return 1;
    case TARN_AVRO_LOGICAL_DATE: return INT64_C(86400000000000);
    default: return 0;
    }
}

static bool convert_integer(const TarnAvroValue *value, TarnPrimitive type, TarnLiteral *literal) {
    if (value->type->kind != TARN_AVRO_INT && value->type->kind != TARN_AVRO_LONG) return false;
    literal->as.integer = value->as.integer;
    int64_t unit = 0;
    switch (type.kind) {
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ: unit = 1000; break;
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS: unit = 1; break;
    case TARN_TYPE_INT:
    case TARN_TYPE_DATE: return value->as.integer >= INT32_MIN && value->as.integer <= INT32_MAX;
    default: return true;
    }
    int64_t stored = stored_unit_ns(value->type->logical);
    if (stored == 0 || stored == unit) return true;
    return stored % unit == 0 &&
           !__builtin_mul_overflow(value->as.integer, stored / unit, &literal->as.integer);
}

static bool convert_bytes(const TarnAvroValue *value, TarnPrimitive type, TarnArena *arena,
                          TarnLiteral *literal) {
    const TarnAvroSchema *stored = value->type;
    TarnError ignored; /* the caller's message names the field and entry */
    literal->as.bytes = value->as.bytes;
    if (stored->kind == TARN_AVRO_STRING) {
        if (type.kind == TARN_TYPE_UUID) {
            return tarn_format_literal_from_text(type, value->as.bytes, arena, literal, &ignored);
        }
        return type.kind == TARN_TYPE_STRING;
    }
    if (stored->kind != TARN_AVRO_BYTES && stored->kind != TARN_AVRO_FIXED) return false;
    switch (type.kind) {
    case TARN_TYPE_DECIMAL:
        if (stored->logical == TARN_AVRO_LOGICAL_DECIMAL && stored->scale != type.scale) {
            return false;
        }
        return tarn_format_literal_from_bytes(type, value->as.bytes, literal, &ignored);
    case TARN_TYPE_UUID: return value->as.bytes.size == 16;
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY: return true;
    default: return false;
    }
}

static bool convert_value(const TarnAvroValue *value, TarnPrimitive type, TarnArena *arena,
                          TarnLiteral *literal) {
    if (value->type->kind == TARN_AVRO_NULL) return true;
    if (type.kind == TARN_TYPE_UNKNOWN) type = type_of_value(value->type);
    literal->kind = type.kind;
    literal->is_null = false;
    switch (type.kind) {
    case TARN_TYPE_BOOLEAN:
        if (value->type->kind != TARN_AVRO_BOOLEAN) return false;
        literal->as.boolean = value->as.boolean;
        return true;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
        if (value->type->kind != TARN_AVRO_FLOAT &&
            (value->type->kind != TARN_AVRO_DOUBLE || type.kind != TARN_TYPE_DOUBLE)) {
            return false;
        }
        literal->as.real = value->as.real;
        return true;
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
    case TARN_TYPE_DATE:
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS: return convert_integer(value, type, literal);
    default: return convert_bytes(value, type, arena, literal);
    }
}

static bool refuse_entry(const TarnManifestReader *reader, TarnError *error, const char *what) {
    return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                               "manifest \"%s\", entry %" PRIu64 ": %s", reader->path,
                               reader->entry_number, what);
}

static bool read_partition(TarnManifestReader *reader, TarnArena *arena, TarnError *error) {
    const TarnPartitionSpec *spec = &reader->head->spec;
    TarnDataFile *file = &reader->raw.entry.file;
    file->spec_id = spec->id;
    file->partition_count = spec->field_count;
    if (spec->field_count == 0) return true;
    file->partition = reader->partition;
    for (size_t i = 0; i < spec->field_count; i++) {
        reader->partition[i] = (TarnLiteral){.kind = reader->types[i].kind, .is_null = true};
    }
    if (reader->raw.value_count > reader->record_fields) {
        return refuse_entry(reader, error, "its partition has more values than fields");
    }
    for (size_t i = 0; i < reader->raw.value_count; i++) {
        size_t at = reader->spec_index[i];
        if (at >= spec->field_count) continue;
        if (convert_value(&reader->raw.values[i], reader->types[at], arena,
                          &reader->partition[at])) {
            continue;
        }
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "manifest \"%s\", entry %" PRIu64
                                   ": the value of partition field \"%s\" (%s) does not fit its "
                                   "type",
                                   reader->path, reader->entry_number, spec->fields[at].name,
                                   tarn_format_avro_kind_name(reader->raw.values[i].type->kind));
    }
    return true;
}

/* --- entries --- */

bool tarn_table_file_is_deletion_vector(const TarnDataFile *file) {
    static const char PUFFIN[] = "puffin";
    if (file->content != TARN_CONTENT_POSITION_DELETES || file->format.size != strlen(PUFFIN)) {
        return false;
    }
    for (size_t i = 0; i < file->format.size; i++) {
        if ((file->format.data[i] | 0x20) != PUFFIN[i]) return false;
    }
    return true;
}

static bool read_equality_ids(TarnManifestReader *reader, TarnArena *arena, TarnError *error) {
    TarnDataFile *file = &reader->raw.entry.file;
    size_t count = reader->raw.equality_id_count;
    if (count == 0) return true;
    file->equality_ids = TARN_NEW_ARRAY(arena, count, int32_t);
    if (file->equality_ids == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < count; i++) {
        int64_t id = reader->raw.equality_ids[i];
        if (id < 0 || id > INT32_MAX) {
            return refuse_entry(reader, error, "an equality id is no field id");
        }
        file->equality_ids[i] = (int32_t)id;
    }
    file->equality_id_count = count;
    return true;
}

static bool check_entry(const TarnManifestReader *reader, TarnError *error) {
    const TarnManifestEntry *entry = &reader->raw.entry;
    const TarnDataFile *file = &entry->file;
    if ((int)entry->status < TARN_ENTRY_EXISTING || entry->status > TARN_ENTRY_DELETED) {
        return refuse_entry(reader, error, "its status is not 0, 1 or 2");
    }
    if ((int)file->content < TARN_CONTENT_DATA || file->content > TARN_CONTENT_EQUALITY_DELETES) {
        return refuse_entry(reader, error, "its content is not 0, 1 or 2");
    }
    if (file->path.size == 0) return refuse_entry(reader, error, "its file path is empty");
    if (memchr(file->path.data, '\0', file->path.size) != NULL) {
        return refuse_entry(reader, error, "its file path holds a zero byte");
    }
    if (file->record_count < 0) return refuse_entry(reader, error, "its record count is negative");
    if (file->file_size < 0) return refuse_entry(reader, error, "its file size is negative");
    if (file->first_row_id != TARN_ABSENT && file->first_row_id < 0) {
        return refuse_entry(reader, error, "its first row id is negative");
    }
    if (entry->status != TARN_ENTRY_DELETED && tarn_table_file_is_deletion_vector(file) &&
        (file->referenced_data_file.data == NULL || file->content_offset < 0 ||
         file->content_size <= 0)) {
        return refuse_entry(reader, error,
                            "a deletion vector that does not say of which data file it is, or "
                            "where it begins and how long it is");
    }
    return true;
}

static bool next_object(TarnManifestReader *reader, TarnArena *scratch, bool reuse,
                        TarnAvroCursor **cursor, TarnError *error) {
    for (;;) {
        *cursor = NULL;
        if (reader->in_block) {
            if (!tarn_format_avro_block_object(&reader->block, cursor, error)) return false;
            if (*cursor != NULL) return true;
            reader->in_block = false;
        }
        if (reuse) tarn_base_arena_reset(scratch);
        bool more = false;
        if (!tarn_format_avro_reader_block(reader->avro, scratch, &reader->block, &more, error)) {
            return false;
        }
        if (!more) return true;
        reader->in_block = true;
    }
}

bool tarn_table__manifest_reader_next(TarnManifestReader *reader, TarnArena *scratch, bool reuse,
                                      TarnManifestEntry **entry, TarnError *error) {
    static const RawEntry BLANK = {.entry = {.snapshot_id = TARN_ABSENT,
                                             .sequence_number = TARN_ABSENT,
                                             .file_sequence_number = TARN_ABSENT,
                                             .file = {.sort_order_id = -1,
                                                      .first_row_id = TARN_ABSENT,
                                                      .content_offset = TARN_ABSENT,
                                                      .content_size = TARN_ABSENT}}};
    TarnAvroCursor *cursor;
    *entry = NULL;
    if (!next_object(reader, scratch, reuse, &cursor, error)) return false;
    if (cursor == NULL) return true;
    reader->raw = BLANK;
    if (!tarn_format_avro_plan_decode(reader->plan, cursor, &reader->raw, scratch, error) ||
        !read_partition(reader, scratch, error) || !read_equality_ids(reader, scratch, error) ||
        !check_entry(reader, error)) {
        return false;
    }
    reader->entry_number++;
    *entry = &reader->raw.entry;
    return true;
}

typedef struct EntryList {
    TarnManifestEntry *items;
    size_t count;
    size_t capacity;
} EntryList;

static bool read_entries(TarnManifestReader *reader, TarnArena *arena, EntryList *list,
                         TarnError *error) {
    for (;;) {
        TarnManifestEntry *entry;
        if (!tarn_table__manifest_reader_next(reader, arena, false, &entry, error)) return false;
        if (entry == NULL) return true;
        TarnManifestEntry *copy = TARN_PUSH(arena, list);
        if (copy == NULL) return tarn_base_arena_check(arena, error);
        *copy = *entry;
        size_t values = entry->file.partition_count;
        if (values == 0) continue;
        copy->file.partition = tarn_base_arena_copy(arena, entry->file.partition,
                                                    values * sizeof(TarnLiteral));
        if (copy->file.partition == NULL) return tarn_base_arena_check(arena, error);
    }
}

bool tarn_table_manifest_read(TarnText bytes, const char *path, const TarnTableMetadata *table,
                              const TarnManifestReadOptions *options, TarnArena *arena,
                              TarnManifest **manifest, TarnError *error) {
    TarnManifestReader *reader;
    TarnManifest *head;
    if (!tarn_table__manifest_reader_open(bytes, path, table, options, arena, &reader, &head,
                                          error)) {
        return false;
    }
    EntryList list = {0};
    bool done = read_entries(reader, arena, &list, error);
    tarn_table__manifest_reader_close(reader);
    if (!done) return false;
    head->entries = list.items;
    head->entry_count = list.count;
    *manifest = head;
    return true;
}

/* --- inheritance --- */

static bool inherit_entry(TarnManifestEntry *entry, const TarnManifestFile *file, bool v1,
                          size_t number, TarnError *error) {
    if (entry->snapshot_id == TARN_ABSENT) entry->snapshot_id = file->added_snapshot_id;
    if (v1) {
        entry->sequence_number = 0;
        entry->file_sequence_number = 0;
        return true;
    }
    bool may = entry->status == TARN_ENTRY_ADDED || file->sequence_number == 0;
    if (may && entry->sequence_number == TARN_ABSENT) {
        entry->sequence_number = file->sequence_number;
    }
    if (may && entry->file_sequence_number == TARN_ABSENT) {
        entry->file_sequence_number = file->sequence_number;
    }
    if (entry->status == TARN_ENTRY_DELETED || entry->sequence_number != TARN_ABSENT) return true;
    return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                               "manifest \"%.*s\", entry %zu: an existing file without a sequence "
                               "number",
                               TARN_TEXT_ARG(file->path), number);
}

bool tarn_table_manifest_inherit(TarnManifest *manifest, const TarnManifestFile *file,
                                 TarnError *error) {
    int64_t next_row_id = file->first_row_id;
    for (size_t i = 0; i < manifest->entry_count; i++) {
        TarnManifestEntry *entry = &manifest->entries[i];
        if (!inherit_entry(entry, file, manifest->format_version == 1, i, error)) return false;
        if (next_row_id == TARN_ABSENT || manifest->is_deletes ||
            entry->status == TARN_ENTRY_DELETED || entry->file.first_row_id != TARN_ABSENT) {
            continue;
        }
        entry->file.first_row_id = next_row_id;
        if (__builtin_add_overflow(next_row_id, entry->file.record_count, &next_row_id)) {
            return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                       "manifest \"%.*s\": row ids beyond what a long holds",
                                       TARN_TEXT_ARG(file->path));
        }
    }
    return true;
}
