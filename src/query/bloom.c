/* Bloom filters of data files, as the table's properties ask for them.
 *
 * The engine writes a filter for each column chunk that has a dictionary, and for no other: there
 * is no saying for which columns. Where a column is declared, dictionaries are let grow to as many
 * values as a row group has rows; other columns get dictionaries and filters by it, too, and files
 * grow by about 1.7 bytes a value. What a dictionary may take is reserved for each column before
 * the first row, so row groups are shorter where there are many columns.
 *
 * Properties are the reference implementation's: write.parquet.bloom-filter-enabled.column.X and
 * write.parquet.bloom-filter-fpp.column.X; its ...-ndv and ...-max-bytes have no equal here.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/log.h"
#include "query/write_private.h"

#define ENABLED "write.parquet.bloom-filter-enabled.column."
#define RATIO "write.parquet.bloom-filter-fpp.column."
#define RATIO_DEFAULT 0.01
/* What the engine reserves for a value of a dictionary, measured; and for all columns together. */
#define DICTIONARY_ENTRY_BYTES 32
#define DICTIONARY_BYTES (64 * TARN_MIB)
#define ROW_GROUP_ROWS_MIN 8192
#define ROW_GROUP_ROWS_STEP 2048 /* of the engine's vectors */

static double ratio_of(const TarnTableMetadata *metadata, const char *column, TarnArena *arena) {
    const char *key = tarn_base_arena_printf(arena, RATIO "%s", column);
    const char *text = key != NULL ? tarn_table_metadata_property(metadata, key) : NULL;
    char *end = NULL;
    double ratio = text != NULL ? strtod(text, &end) : RATIO_DEFAULT;
    bool valid = text == NULL || (end != text && *end == '\0' && ratio > 0 && ratio < 1);
    if (valid) return ratio;
    tarn_base_log(TARN_LOG_WARN, "the table property %s is no number between 0 and 1: \"%.40s\"",
                  key, text);
    return RATIO_DEFAULT;
}

static bool add_column(TarnBloomFilters *filters, const TarnWriting *writing, const char *column) {
    const TarnField *field = tarn_table_schema_find_name(writing->schema, column);
    if (field == NULL || tarn_format_kind_is_nested(field->type.primitive.kind)) {
        tarn_base_log(TARN_LOG_WARN, "no Bloom filter for \"%s\": %s", column,
                      field == NULL ? "the table has no such column"
                                    : "it is no column of single values");
        return true;
    }
    TarnBloomColumn *item = TARN_PUSH(writing->arena, filters);
    if (item == NULL) return false;
    *item = (TarnBloomColumn){.field_id = field->id, .name = column};
    double ratio = ratio_of(writing->options->metadata, column, writing->arena);
    if (filters->ratio == 0 || ratio < filters->ratio) filters->ratio = ratio;
    return true;
}

static size_t count_leaves(const TarnField *fields, size_t count) {
    size_t leaves = 0;
    for (size_t i = 0; i < count; i++) {
        const TarnType *type = &fields[i].type;
        bool nested = tarn_format_kind_is_nested(type->primitive.kind);
        leaves += nested ? count_leaves(type->fields, type->field_count) : 1;
    }
    return leaves;
}

bool tarn_query__bloom_init(TarnWriting *writing, TarnBloomFilters *filters, uint64_t rows_most,
                            TarnError *error) {
    const TarnTableMetadata *metadata = writing->options->metadata;
    *filters = (TarnBloomFilters){0};
    for (size_t i = 0; i < metadata->property_count; i++) {
        const TarnProperty *property = &metadata->properties[i];
        if (strncmp(property->key, ENABLED, strlen(ENABLED)) != 0 ||
            strcasecmp(property->value, "true") != 0) {
            continue;
        }
        if (!add_column(filters, writing, property->key + strlen(ENABLED))) {
            return tarn_base_arena_check(writing->arena, error);
        }
    }
    if (filters->count == 0) return true;
    size_t leaves = count_leaves(writing->schema->fields, writing->schema->field_count);
    uint64_t rows = DICTIONARY_BYTES / DICTIONARY_ENTRY_BYTES / (leaves > 0 ? leaves : 1);
    rows -= rows % ROW_GROUP_ROWS_STEP;
    if (rows < ROW_GROUP_ROWS_MIN) rows = ROW_GROUP_ROWS_MIN;
    filters->row_group_rows = rows < rows_most ? rows : rows_most;
    return true;
}

void tarn_query__bloom_look(TarnBloomFilters *filters, const TarnParquetFooter *footer) {
    for (size_t c = 0; c < footer->column_count && filters->count > 0; c++) {
        const TarnParquetNode *node = &footer->nodes[footer->columns[c]];
        for (size_t i = 0; i < filters->count; i++) {
            TarnBloomColumn *column = &filters->items[i];
            if (node->field_id != column->field_id) continue;
            for (size_t g = 0; g < footer->row_group_count; g++) {
                const TarnParquetChunk *chunk = &footer->row_groups[g].chunks[c];
                column->chunks++;
                column->without += chunk->bloom_filter_offset == TARN_PARQUET_ABSENT;
            }
        }
    }
}

void tarn_query__bloom_tell(const TarnBloomFilters *filters) {
    for (size_t i = 0; i < filters->count; i++) {
        const TarnBloomColumn *column = &filters->items[i];
        if (column->without == 0) continue;
        tarn_base_log(TARN_LOG_WARN, "no Bloom filter for column \"%s\" in %zu of %zu row groups: "
                                     "the engine writes one only where it makes a dictionary",
                      column->name, column->without, column->chunks);
    }
}
