/* What a group of a Parquet schema stands for: struct, list, map or variant.
 *
 * Lists have had several encodings; the rules of Parquet's "Logical types", backward
 * compatibility of lists and maps, tell them apart by names and counts of children. A repeated
 * node without any annotation is a list of its own, as old protobuf and Avro writers made them.
 */
#include <stdio.h>
#include <string.h>

#include "table/file_metrics_private.h"

static const TarnFileShape broken = {.kind = TARN_FILE_SHAPE_BROKEN};

/* "<list>_tuple": a name by which old Thrift writers marked the element itself. */
static bool is_tuple_name(TarnText repeated, TarnText list) {
    static const char suffix[] = "_tuple";
    size_t size = sizeof(suffix) - 1;
    return repeated.size == list.size + size && memcmp(repeated.data, list.data, list.size) == 0 &&
           memcmp(repeated.data + list.size, suffix, size) == 0;
}

static TarnFileShape list_shape(const TarnParquetFooter *footer, uint32_t node) {
    const TarnParquetNode *list = &footer->nodes[node];
    const TarnParquetNode *repeated = &footer->nodes[node + 1];
    if (list->child_count != 1 || repeated->repetition != TARN_PARQUET_REPEATED) return broken;
    TarnFileShape shape = {.kind = TARN_FILE_SHAPE_LIST, .element = node + 1, .is_legacy = true};
    if (repeated->physical != TARN_PARQUET_GROUP || repeated->child_count != 1) return shape;
    /* A repeated group that is a list or map by its annotation is the element too. */
    if (repeated->logical.kind != TARN_PARQUET_LOGICAL_NONE) return shape;
    if (footer->nodes[node + 2].repetition == TARN_PARQUET_REPEATED ||
        tarn_base_text_is(repeated->name, "array") || is_tuple_name(repeated->name, list->name)) {
        return shape;
    }
    shape.element = node + 2;
    shape.is_legacy = false;
    return shape;
}

static TarnFileShape map_shape(const TarnParquetFooter *footer, uint32_t node) {
    const TarnParquetNode *map = &footer->nodes[node];
    const TarnParquetNode *entry = &footer->nodes[node + 1];
    if (map->child_count != 1 || entry->repetition != TARN_PARQUET_REPEATED ||
        entry->physical != TARN_PARQUET_GROUP || entry->child_count != 2) {
        return broken;
    }
    uint32_t key = node + 2;
    uint32_t value = footer->nodes[key].end;
    if (footer->nodes[key].repetition == TARN_PARQUET_REPEATED ||
        footer->nodes[value].repetition == TARN_PARQUET_REPEATED) {
        return broken;
    }
    return (TarnFileShape){.kind = TARN_FILE_SHAPE_MAP, .key = key, .value = value};
}

TarnFileShape tarn_table__file_shape(const TarnParquetFooter *footer, uint32_t node,
                                     bool as_element) {
    const TarnParquetNode *self = &footer->nodes[node];
    if (self->repetition == TARN_PARQUET_REPEATED && !as_element) {
        return (TarnFileShape){.kind = TARN_FILE_SHAPE_LIST, .element = node, .is_legacy = true};
    }
    if (self->physical != TARN_PARQUET_GROUP) {
        return (TarnFileShape){.kind = TARN_FILE_SHAPE_PRIMITIVE};
    }
    switch (self->logical.kind) {
    case TARN_PARQUET_LOGICAL_LIST:
        return self->child_count > 0 ? list_shape(footer, node) : broken;
    case TARN_PARQUET_LOGICAL_MAP:
    case TARN_PARQUET_LOGICAL_MAP_KEY_VALUE:
        return self->child_count > 0 ? map_shape(footer, node) : broken;
    case TARN_PARQUET_LOGICAL_VARIANT: return (TarnFileShape){.kind = TARN_FILE_SHAPE_VARIANT};
    default: return (TarnFileShape){.kind = TARN_FILE_SHAPE_STRUCT};
    }
}

char *tarn_table__file_type_name(const TarnParquetNode *node, char out[TARN_FILE_TYPE_BYTES]) {
    static const char *const physical[] = {
        "BOOLEAN", "INT32",  "INT64",      "INT96",
        "FLOAT",   "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY",
        "group"};
    static const char *const logical[] = {"",         "STRING",        "MAP",
                                          "LIST",     "ENUM",          "DECIMAL",
                                          "DATE",     "TIME",          "TIMESTAMP",
                                          "INTEGER",  "NULL",          "JSON",
                                          "BSON",     "UUID",          "FLOAT16",
                                          "VARIANT",  "GEOMETRY",      "GEOGRAPHY",
                                          "INTERVAL", "MAP_KEY_VALUE", "of an unknown kind"};
    const TarnParquetLogical *type = &node->logical;
    const char *space = type->kind == TARN_PARQUET_LOGICAL_NONE ? "" : " ";
    int used = snprintf(out, TARN_FILE_TYPE_BYTES, "%s%s%s", physical[node->physical], space,
                        logical[type->kind]);
    size_t left = TARN_FILE_TYPE_BYTES - (size_t)used;
    if (type->kind == TARN_PARQUET_LOGICAL_DECIMAL) {
        snprintf(out + used, left, "(%d,%d)", type->precision, type->scale);
    } else if (type->kind == TARN_PARQUET_LOGICAL_INTEGER) {
        snprintf(out + used, left, "(%s%d)", type->is_signed ? "" : "U", type->bit_width);
    }
    return out;
}
