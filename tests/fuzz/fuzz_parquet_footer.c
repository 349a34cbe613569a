/* Parquet footers: the input is the end of a file. What is accepted is a whole tree with chunks
 * inside the file, makes a schema or says why not, and gives metrics that bound in order. */
#include <string.h>

#include "fuzz.h"
#include "table/file_metrics.h"

/* As if a megabyte of column data stood before the input. */
#define DATA_BYTES (1024 * 1024)

static void check_tree(const TarnParquetFooter *footer) {
    size_t leaves = 0;
    FUZZ_CHECK(footer->node_count > 0 && footer->nodes[0].end == footer->node_count);
    for (size_t i = 0; i < footer->node_count; i++) {
        const TarnParquetNode *node = &footer->nodes[i];
        FUZZ_CHECK(node->end > i && node->end <= footer->node_count);
        FUZZ_CHECK(node->parent <= i && footer->nodes[node->parent].end >= node->end);
        FUZZ_CHECK((node->physical == TARN_PARQUET_GROUP) == (node->column < 0));
        if (node->column >= 0) FUZZ_CHECK(footer->columns[leaves++] == i && node->end == i + 1);
    }
    FUZZ_CHECK(leaves == footer->column_count);
    int64_t rows = 0;
    for (size_t g = 0; g < footer->row_group_count; g++) {
        rows += footer->row_groups[g].num_rows;
        for (size_t c = 0; c < footer->column_count; c++) {
            const TarnParquetChunk *chunk = &footer->row_groups[g].chunks[c];
            FUZZ_CHECK(chunk->num_values >= 0 && chunk->total_compressed_size >= 0);
            FUZZ_CHECK((uint64_t)chunk->total_compressed_size <= footer->file_size);
            FUZZ_CHECK(chunk->statistics.null_count <= chunk->num_values);
        }
    }
    FUZZ_CHECK(rows == footer->num_rows);
}

static void check_metrics(const TarnParquetFooter *footer, const TarnSchema *schema,
                          TarnArena *arena) {
    TarnError error = {.code = TARN_OK};
    TarnDataFile file = {.path = {NULL, 0}};
    TarnFileMetricsOptions options = {.schema = schema};
    if (!tarn_table_file_metrics_fill(footer, "fuzz", &options, arena, &file, &error)) {
        fuzz_check_refusal(&error, false);
        return;
    }
    FUZZ_CHECK(file.record_count == footer->num_rows);
    for (size_t i = 0; i < file.split_offset_count; i++) {
        FUZZ_CHECK(file.split_offsets[i] > 0);
        FUZZ_CHECK(i == 0 || file.split_offsets[i] > file.split_offsets[i - 1]);
    }
    for (size_t i = 0; i < file.column_count; i++) {
        const TarnColumnMetrics *column = &file.columns[i];
        const TarnField *field = tarn_table_schema_find(schema, column->field_id);
        TarnLiteral bound;
        FUZZ_CHECK(field != NULL);
        FUZZ_CHECK(i == 0 || column->field_id > file.columns[i - 1].field_id);
        if (column->lower.data != NULL) {
            FUZZ_CHECK(tarn_format_literal_from_bytes(field->type.primitive, column->lower, &bound,
                                                      &error));
        }
        if (column->upper.data != NULL) {
            FUZZ_CHECK(tarn_format_literal_from_bytes(field->type.primitive, column->upper, &bound,
                                                      &error));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    TarnArena arena;
    TarnError error = {.code = TARN_OK};
    TarnParquetFooter *footer = NULL;
    TarnText tail = {(const char *)data, size};
    tarn_base_arena_init(&arena, 64u << 20);
    if (!tarn_format_parquet_footer_parse(tail, DATA_BYTES + size, "fuzz", &arena, &footer,
                                          &error)) {
        FUZZ_CHECK(footer == NULL && error.message[0] != '\0');
    } else {
        check_tree(footer);
        for (int use = TARN_FILE_SCHEMA_LOAD; use <= TARN_FILE_SCHEMA_REGISTER; use++) {
            TarnSchema schema;
            int32_t last = 0;
            bool has_ids = false;
            if (tarn_table_schema_from_footer(footer, "fuzz", (TarnFileSchemaUse)use, &arena,
                                              &schema, &last, &has_ids, &error)) {
                check_metrics(footer, &schema, &arena);
            } else {
                fuzz_check_refusal(&error, false);
            }
        }
    }
    tarn_base_arena_dispose(&arena);
    return 0;
}
