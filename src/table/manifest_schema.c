/* The Avro schemas of manifests and manifest lists, as the reference implementation names them.
 *
 * Names matter to some readers (a root record of another name is a class cast error there), ids
 * matter to all: every record field has its field-id, arrays their element-id, and maps with int
 * keys are arrays of {key, value} records named k<id>_v<id>. Names of partition fields are made
 * Avro names; the true name stays in the attribute iceberg-field-name.
 */
#include <inttypes.h>
#include <stdio.h>

#include "table/manifest_private.h"

/* One field a line: */
/* clang-format off */

/* --- manifest lists: one text --- */

#define OPTIONAL_FIELD(id, name, type)                                                             \
    "{\"name\":\"" name "\",\"type\":[\"null\"," type "],\"default\":null,\"field-id\":" #id "}"
#define FIELD(id, name, type) "{\"name\":\"" name "\",\"type\":\"" type "\",\"field-id\":" #id "}"

#define LIST_FIELDS                                                                                \
    "{\"type\":\"record\",\"name\":\"manifest_file\",\"fields\":["                                 \
    FIELD(500, "manifest_path", "string") ","                                                      \
    FIELD(501, "manifest_length", "long") ","                                                      \
    FIELD(502, "partition_spec_id", "int") ","                                                     \
    FIELD(517, "content", "int") ","                                                               \
    FIELD(515, "sequence_number", "long") ","                                                      \
    FIELD(516, "min_sequence_number", "long") ","                                                  \
    FIELD(503, "added_snapshot_id", "long") ","                                                    \
    FIELD(504, "added_files_count", "int") ","                                                     \
    FIELD(505, "existing_files_count", "int") ","                                                  \
    FIELD(506, "deleted_files_count", "int") ","                                                   \
    FIELD(512, "added_rows_count", "long") ","                                                     \
    FIELD(513, "existing_rows_count", "long") ","                                                  \
    FIELD(514, "deleted_rows_count", "long") ","                                                   \
    "{\"name\":\"partitions\",\"type\":[\"null\",{\"type\":\"array\",\"items\":"                   \
    "{\"type\":\"record\",\"name\":\"r508\",\"fields\":["                                          \
    FIELD(509, "contains_null", "boolean") ","                                                     \
    OPTIONAL_FIELD(518, "contains_nan", "\"boolean\"") ","                                         \
    OPTIONAL_FIELD(510, "lower_bound", "\"bytes\"") ","                                            \
    OPTIONAL_FIELD(511, "upper_bound", "\"bytes\"")                                                \
    "]},\"element-id\":508}],\"default\":null,\"field-id\":507},"                                  \
    OPTIONAL_FIELD(519, "key_metadata", "\"bytes\"")

static const char LIST_V2[] = LIST_FIELDS "]}";
static const char LIST_V3[] = LIST_FIELDS "," OPTIONAL_FIELD(520, "first_row_id", "\"long\"") "]}";

/* --- manifests: around the partition record --- */

static const char ENTRY_HEAD[] =
    "{\"type\":\"record\",\"name\":\"manifest_entry\",\"fields\":["
    FIELD(0, "status", "int") ","
    OPTIONAL_FIELD(1, "snapshot_id", "\"long\"") ","
    OPTIONAL_FIELD(3, "sequence_number", "\"long\"") ","
    OPTIONAL_FIELD(4, "file_sequence_number", "\"long\"") ","
    "{\"name\":\"data_file\",\"field-id\":2,\"type\":{\"type\":\"record\",\"name\":\"r2\","
    "\"fields\":["
    FIELD(134, "content", "int") ","
    FIELD(100, "file_path", "string") ","
    FIELD(101, "file_format", "string") ","
    "{\"name\":\"partition\",\"field-id\":102,\"type\":{\"type\":\"record\",\"name\":\"r102\","
    "\"fields\":[";

#define INT_MAP(id, name, key, value, type)                                                        \
    OPTIONAL_FIELD(id, name,                                                                       \
                   "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"k" #key "_v"     \
                   #value "\",\"fields\":[" FIELD(key, "key", "int") ","                           \
                   FIELD(value, "value", type) "]},\"logicalType\":\"map\"}")

static const char ENTRY_TAIL[] =
    "]}},"
    FIELD(103, "record_count", "long") ","
    FIELD(104, "file_size_in_bytes", "long") ","
    INT_MAP(108, "column_sizes", 117, 118, "long") ","
    INT_MAP(109, "value_counts", 119, 120, "long") ","
    INT_MAP(110, "null_value_counts", 121, 122, "long") ","
    INT_MAP(137, "nan_value_counts", 138, 139, "long") ","
    INT_MAP(125, "lower_bounds", 126, 127, "bytes") ","
    INT_MAP(128, "upper_bounds", 129, 130, "bytes") ","
    OPTIONAL_FIELD(131, "key_metadata", "\"bytes\"") ","
    OPTIONAL_FIELD(132, "split_offsets",
                   "{\"type\":\"array\",\"items\":\"long\",\"element-id\":133}") ","
    OPTIONAL_FIELD(135, "equality_ids",
                   "{\"type\":\"array\",\"items\":\"int\",\"element-id\":136}") ","
    OPTIONAL_FIELD(140, "sort_order_id", "\"int\"") ",";

static const char TAIL_V2[] =
    OPTIONAL_FIELD(143, "referenced_data_file", "\"string\"")
    "]}}]}";

static const char TAIL_V3[] =
    OPTIONAL_FIELD(142, "first_row_id", "\"long\"") ","
    OPTIONAL_FIELD(143, "referenced_data_file", "\"string\"") ","
    OPTIONAL_FIELD(144, "content_offset", "\"long\"") ","
    OPTIONAL_FIELD(145, "content_size_in_bytes", "\"long\"")
    "]}}]}";

/* clang-format on */

TarnText tarn_table__manifest_list_schema(int32_t format_version) {
    return tarn_base_text(format_version > 2 ? LIST_V3 : LIST_V2);
}

static bool is_letter(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }

/* UTF-16 units, as the reference implementation sees characters. */
static void write_escaped_unit(uint32_t unit, TarnBuffer *out) {
    tarn_base_buffer_printf(out, "_x%" PRIX32, unit);
}

static void write_escaped(int32_t code_point, TarnBuffer *out) {
    if (code_point < 0x10000) {
        write_escaped_unit((uint32_t)code_point, out);
        return;
    }
    uint32_t rest = (uint32_t)code_point - 0x10000;
    write_escaped_unit(0xD800 + (rest >> 10), out);
    write_escaped_unit(0xDC00 + (rest & 0x3FF), out);
}

/* [A-Za-z_][A-Za-z0-9_]*: other characters become _x and their hex, a first digit gets a _. */
static bool write_avro_name(const char *name, TarnBuffer *out) {
    TarnText text = tarn_base_text(name);
    size_t offset = 0;
    bool changed = text.size == 0;
    if (text.size == 0) tarn_base_buffer_byte(out, '_');
    while (offset < text.size) {
        unsigned char c = (unsigned char)text.data[offset];
        bool first = offset == 0;
        if (is_letter(c) || is_digit(c)) {
            if (first && is_digit(c)) {
                tarn_base_buffer_byte(out, '_');
                changed = true;
            }
            tarn_base_buffer_byte(out, c);
            offset++;
            continue;
        }
        changed = true;
        int32_t code_point = tarn_base_text_utf8_next(text, &offset);
        if (code_point < 0) {
            code_point = 0xFFFD;
            offset++;
        }
        write_escaped(code_point, out);
    }
    return changed;
}

size_t tarn_table__decimal_bytes(int32_t precision) {
    TarnInt128 largest = 1;
    for (int32_t i = 0; i < precision; i++) largest *= 10;
    largest -= 1;
    size_t bytes = 1;
    while (bytes < 16 && largest >> (8 * bytes - 1) != 0) bytes++;
    return bytes;
}

static bool same_named_type(TarnPrimitive a, TarnPrimitive b) {
    if (a.kind != b.kind) return false;
    if (a.kind == TARN_TYPE_DECIMAL) return a.precision == b.precision && a.scale == b.scale;
    return a.kind != TARN_TYPE_FIXED || a.length == b.length;
}

/* fixed, decimal and uuid are named types in Avro: defined once, then referred to. */
static void write_named_type(TarnPrimitive type, bool defined, TarnBuffer *out) {
    char name[40];
    size_t size = 16;
    switch (type.kind) {
    case TARN_TYPE_UUID: snprintf(name, sizeof(name), "uuid_fixed"); break;
    case TARN_TYPE_DECIMAL:
        snprintf(name, sizeof(name), "decimal_%" PRId32 "_%" PRId32, type.precision, type.scale);
        size = tarn_table__decimal_bytes(type.precision);
        break;
    default:
        snprintf(name, sizeof(name), "fixed_%" PRId32, type.length);
        size = (size_t)type.length;
        break;
    }
    if (defined) {
        tarn_base_buffer_printf(out, "\"%s\"", name);
        return;
    }
    tarn_base_buffer_printf(out, "{\"type\":\"fixed\",\"name\":\"%s\",\"size\":%zu", name, size);
    if (type.kind == TARN_TYPE_UUID) {
        tarn_base_buffer_string(out, ",\"logicalType\":\"uuid\"");
    } else if (type.kind == TARN_TYPE_DECIMAL) {
        tarn_base_buffer_printf(
            out, ",\"logicalType\":\"decimal\",\"precision\":%" PRId32 ",\"scale\":%" PRId32,
            type.precision, type.scale);
    }
    tarn_base_buffer_byte(out, '}');
}

static const char *plain_type(TarnTypeKind kind) {
    switch (kind) {
    case TARN_TYPE_BOOLEAN: return "\"boolean\"";
    case TARN_TYPE_INT: return "\"int\"";
    case TARN_TYPE_LONG: return "\"long\"";
    case TARN_TYPE_FLOAT: return "\"float\"";
    case TARN_TYPE_DOUBLE: return "\"double\"";
    case TARN_TYPE_DATE: return "{\"type\":\"int\",\"logicalType\":\"date\"}";
    case TARN_TYPE_TIME: return "{\"type\":\"long\",\"logicalType\":\"time-micros\"}";
    case TARN_TYPE_TIMESTAMP:
        return "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":false}";
    case TARN_TYPE_TIMESTAMPTZ:
        return "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":true}";
    case TARN_TYPE_TIMESTAMP_NS:
        return "{\"type\":\"long\",\"logicalType\":\"timestamp-nanos\",\"adjust-to-utc\":false}";
    case TARN_TYPE_TIMESTAMPTZ_NS:
        return "{\"type\":\"long\",\"logicalType\":\"timestamp-nanos\",\"adjust-to-utc\":true}";
    case TARN_TYPE_BINARY: return "\"bytes\"";
    default: return "\"string\"";
    }
}

static bool is_named_type(TarnTypeKind kind) {
    return kind == TARN_TYPE_UUID || kind == TARN_TYPE_FIXED || kind == TARN_TYPE_DECIMAL;
}

static void write_partition_field(const TarnPartitionSpec *spec, const TarnPrimitive *types,
                                  size_t index, TarnBuffer *out) {
    const TarnPartitionField *field = &spec->fields[index];
    tarn_base_buffer_string(out, "{\"name\":\"");
    bool changed = write_avro_name(field->name, out);
    tarn_base_buffer_string(out, "\",\"type\":[\"null\",");
    if (is_named_type(types[index].kind)) {
        bool defined = false;
        for (size_t i = 0; i < index; i++) defined |= same_named_type(types[i], types[index]);
        write_named_type(types[index], defined, out);
    } else {
        tarn_base_buffer_string(out, plain_type(types[index].kind));
    }
    tarn_base_buffer_printf(out, "],\"default\":null,\"field-id\":%" PRId32, field->field_id);
    if (changed) {
        tarn_base_buffer_string(out, ",\"iceberg-field-name\":");
        tarn_base_json_quote(out, tarn_base_text(field->name));
    }
    tarn_base_buffer_byte(out, '}');
}

void tarn_table__manifest_schema_write(const TarnPartitionSpec *spec, const TarnPrimitive *types,
                                       int32_t format_version, TarnBuffer *out) {
    tarn_base_buffer_string(out, ENTRY_HEAD);
    for (size_t i = 0; i < spec->field_count; i++) {
        if (i > 0) tarn_base_buffer_byte(out, ',');
        write_partition_field(spec, types, i, out);
    }
    tarn_base_buffer_string(out, ENTRY_TAIL);
    tarn_base_buffer_string(out, format_version > 2 ? TAIL_V3 : TAIL_V2);
}
