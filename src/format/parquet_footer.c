/* The footer of a Parquet file: Thrift bytes -> row groups and statistics.
 *
 * One pass over the bytes. What a chunk says is kept as it is said; once the column orders are
 * known (they come last), bounds whose order cannot be trusted are dropped, so that no reader of
 * the footer has to know Parquet's history of wrong statistics. Every text is a view into the
 * caller's bytes.
 *
 * Not read: page indexes, bloom filters, size and geospatial statistics, encodings. Encryption
 * is refused by name rather than half understood.
 */
#include "format/parquet_footer.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "format/parquet_footer_private.h"

#define MAGIC "PAR1"
#define MAGIC_ENCRYPTED "PARE"
#define MAGIC_BYTES 4
/* Enough for the footer of most files, so that one range is read. */
#define FIRST_RANGE_BYTES (64 * TARN_KIB)
/* The fewest bytes of a chunk (file offset, metadata of five numbers) and of a row group. */
#define CHUNK_BYTES_MIN 12
#define ROW_GROUP_BYTES_MIN 7
#define KEY_VALUE_BYTES_MIN 3

typedef enum ColumnOrder {
    ORDER_UNDEFINED,
    ORDER_TYPE,
    ORDER_IEEE754,
    ORDER_OTHER
} ColumnOrder;

typedef struct Parser {
    TarnThriftReader reader;
    TarnArena *arena;
    TarnParquetFooter *footer;
    uint64_t data_end; /* where the footer begins: chunks end before it */
    uint8_t *orders;   /* ColumnOrder of each column; NULL = none stated */
    size_t order_count;
    uint32_t seen; /* bit of each field of FileMetaData */
} Parser;

void tarn_format__parquet_unsupported(TarnThriftReader *reader, const char *what) {
    if (reader->failed) return;
    reader->failed = true;
    tarn_base_error_set(reader->error, TARN_E_FORMAT_UNSUPPORTED, "the Parquet file \"%s\" %s",
                        reader->name, what);
}

void *tarn_format__parquet_array(TarnThriftReader *reader, TarnArena *arena, size_t count,
                                 size_t size) {
    if (reader->failed) return NULL;
    void *array = tarn_base_arena_array(arena, count, size);
    if (!tarn_base_arena_check(arena, reader->error)) reader->failed = true;
    return array;
}

/* ---- column chunks ---- */

typedef struct RawStatistics {
    TarnText old_max;
    TarnText old_min;
    TarnText max;
    TarnText min;
    TarnParquetStatistics result;
} RawStatistics;

static void read_statistics(TarnThriftReader *reader, TarnParquetStatistics *statistics) {
    RawStatistics raw = {.result = *statistics};
    TarnParquetStatistics *result = &raw.result;
    TarnThriftField field = tarn_format__thrift_struct_begin(reader);
    while (tarn_format__thrift_field_next(reader, &field)) {
        switch (field.id) {
        case 1: raw.old_max = tarn_format__thrift_binary(reader, &field); break;
        case 2: raw.old_min = tarn_format__thrift_binary(reader, &field); break;
        case 3: result->null_count = tarn_format__thrift_i64(reader, &field); break;
        case 4: result->distinct_count = tarn_format__thrift_i64(reader, &field); break;
        case 5: raw.max = tarn_format__thrift_binary(reader, &field); break;
        case 6: raw.min = tarn_format__thrift_binary(reader, &field); break;
        case 7: result->max_inexact = !tarn_format__thrift_bool(reader, &field); break;
        case 8: result->min_inexact = !tarn_format__thrift_bool(reader, &field); break;
        case 9: result->nan_count = tarn_format__thrift_i64(reader, &field); break;
        default: tarn_format__thrift_skip(reader, &field); break;
        }
    }
    result->deprecated = raw.min.data == NULL && raw.max.data == NULL;
    result->min = result->deprecated ? raw.old_min : raw.min;
    result->max = result->deprecated ? raw.old_max : raw.max;
    *statistics = raw.result;
}

/* The path is a copy of what the schema says; a chunk of another column must not pass. */
static void read_path(TarnThriftReader *reader, const TarnThriftField *field,
                      const TarnParquetFooter *footer, size_t column) {
    TarnText parts[TARN_LIMIT_NESTING];
    size_t count = tarn_format__thrift_list(reader, field, TARN_THRIFT_BINARY, 1);
    if (count > TARN_LIMIT_NESTING) {
        tarn_format__thrift_refuse(reader, "a column path of %zu names", count);
        return;
    }
    for (size_t i = 0; i < count; i++) parts[i] = tarn_format__thrift_binary_element(reader);
    if (reader->failed) return;
    uint32_t node = footer->columns[column];
    for (; count > 0 && node != 0; count--, node = footer->nodes[node].parent) {
        if (!tarn_base_text_equal(parts[count - 1], footer->nodes[node].name)) break;
    }
    if (count > 0 || node != 0) {
        tarn_format__thrift_refuse(reader, "the chunk is not of column %zu of the schema", column);
    }
}

#define CHUNK_REQUIRED 0xFA /* fields 1 3 4 5 6 7; 2 (encodings) is not needed */

static void read_chunk_metadata(Parser *parser, size_t column, TarnParquetChunk *chunk) {
    TarnThriftReader *reader = &parser->reader;
    int32_t type = -1;
    unsigned seen = 0;
    TarnThriftField field = tarn_format__thrift_struct_begin(reader);
    while (tarn_format__thrift_field_next(reader, &field)) {
        if (field.id >= 1 && field.id <= 9) seen |= 1u << field.id;
        switch (field.id) {
        case 1: type = tarn_format__thrift_i32(reader, &field); break;
        case 3: read_path(reader, &field, parser->footer, column); break;
        case 4: chunk->codec = tarn_format__thrift_i32(reader, &field); break;
        case 5: chunk->num_values = tarn_format__thrift_i64(reader, &field); break;
        case 6: chunk->total_uncompressed_size = tarn_format__thrift_i64(reader, &field); break;
        case 7: chunk->total_compressed_size = tarn_format__thrift_i64(reader, &field); break;
        case 9: chunk->data_page_offset = tarn_format__thrift_i64(reader, &field); break;
        case 11: chunk->dictionary_page_offset = tarn_format__thrift_i64(reader, &field); break;
        case 12:
            tarn_format__thrift_expect_struct(reader, &field);
            read_statistics(reader, &chunk->statistics);
            break;
        case 14: chunk->bloom_filter_offset = tarn_format__thrift_i64(reader, &field); break;
        default: tarn_format__thrift_skip(reader, &field); break;
        }
    }
    if ((seen & CHUNK_REQUIRED) != CHUNK_REQUIRED || (seen & 1u << 9) == 0) {
        tarn_format__thrift_refuse(reader, "the chunk's metadata lacks a required field");
    }
    const TarnParquetFooter *footer = parser->footer;
    if (!reader->failed && type != (int32_t)footer->nodes[footer->columns[column]].physical) {
        tarn_format__thrift_refuse(reader, "the chunk is of type %d, its column is not", type);
    }
}

/* A writer that does not know a count says -1; one that is impossible is not known either. */
static int64_t checked_count(int64_t count, int64_t num_values) {
    return count >= 0 && count <= num_values ? count : TARN_PARQUET_ABSENT;
}

static void check_chunk(Parser *parser, const TarnParquetNode *node, int64_t num_rows,
                        TarnParquetChunk *chunk) {
    TarnThriftReader *reader = &parser->reader;
    if (reader->failed) return;
    int64_t start = chunk->data_page_offset;
    int64_t dictionary = chunk->dictionary_page_offset;
    if (dictionary > 0 && dictionary < start) start = dictionary;
    if (chunk->num_values < 0 || chunk->total_compressed_size < 0 ||
        chunk->total_uncompressed_size < 0 || start < 0) {
        tarn_format__thrift_refuse(reader, "the chunk has a negative size or offset");
    } else if ((uint64_t)start > parser->data_end ||
               (uint64_t)chunk->total_compressed_size > parser->data_end - (uint64_t)start) {
        tarn_format__thrift_refuse(reader,
                                   "the chunk's %" PRId64 " bytes from %" PRId64
                                   " on do not lie before the footer",
                                   chunk->total_compressed_size, start);
    } else if (node->repetition_max == 0 && chunk->num_values != num_rows) {
        tarn_format__thrift_refuse(reader, "the chunk has %" PRId64 " values in %" PRId64 " rows",
                                   chunk->num_values, num_rows);
    }
    TarnParquetStatistics *statistics = &chunk->statistics;
    statistics->null_count = checked_count(statistics->null_count, chunk->num_values);
    statistics->nan_count = checked_count(statistics->nan_count, chunk->num_values);
    statistics->distinct_count = checked_count(statistics->distinct_count, chunk->num_values);
}

static void read_chunk(Parser *parser, size_t column, TarnParquetChunk *chunk) {
    TarnThriftReader *reader = &parser->reader;
    bool has_metadata = false;
    chunk->dictionary_page_offset = TARN_PARQUET_ABSENT;
    chunk->bloom_filter_offset = TARN_PARQUET_ABSENT;
    chunk->statistics.null_count = TARN_PARQUET_ABSENT;
    chunk->statistics.nan_count = TARN_PARQUET_ABSENT;
    chunk->statistics.distinct_count = TARN_PARQUET_ABSENT;
    TarnThriftField field = tarn_format__thrift_struct_begin(reader);
    while (tarn_format__thrift_field_next(reader, &field)) {
        switch (field.id) {
        case 1:
            if (tarn_format__thrift_binary(reader, &field).size == 0) break;
            tarn_format__parquet_unsupported(reader, "keeps column data in another file");
            break;
        case 3:
            tarn_format__thrift_expect_struct(reader, &field);
            read_chunk_metadata(parser, column, chunk);
            has_metadata = true;
            break;
        case 8:
        case 9: tarn_format__parquet_unsupported(reader, "has encrypted columns"); break;
        default: tarn_format__thrift_skip(reader, &field); break;
        }
    }
    if (!has_metadata) tarn_format__thrift_refuse(reader, "the chunk has no metadata");
}

/* ---- row groups ---- */

static bool read_chunks(Parser *parser, const TarnThriftField *field, TarnParquetRowGroup *group) {
    TarnThriftReader *reader = &parser->reader;
    const TarnParquetFooter *footer = parser->footer;
    size_t count = tarn_format__thrift_list(reader, field, TARN_THRIFT_STRUCT, CHUNK_BYTES_MIN);
    if (group->chunks != NULL || (!reader->failed && count != footer->column_count)) {
        tarn_format__thrift_refuse(reader, "%zu column chunks, the schema has %zu columns", count,
                                   footer->column_count);
    }
    group->chunks = tarn_format__parquet_array(reader, parser->arena, count,
                                               sizeof(TarnParquetChunk));
    for (size_t i = 0; i < count && !reader->failed; i++) {
        read_chunk(parser, i, &group->chunks[i]);
        if (reader->failed) tarn_base_error_context(reader->error, "reading column chunk %zu", i);
    }
    return !reader->failed;
}

/* num_rows may follow the columns, so the chunks are checked at the end of the group. */
static void check_row_group(Parser *parser, const TarnParquetRowGroup *group) {
    const TarnParquetFooter *footer = parser->footer;
    if (parser->reader.failed) return;
    if (group->num_rows < 0 || group->total_byte_size < 0) {
        tarn_format__thrift_refuse(&parser->reader, "a row group of negative size");
    }
    for (size_t i = 0; i < footer->column_count && !parser->reader.failed; i++) {
        check_chunk(parser, &footer->nodes[footer->columns[i]], group->num_rows, &group->chunks[i]);
    }
}

static void read_row_group(Parser *parser, TarnParquetRowGroup *group) {
    TarnThriftReader *reader = &parser->reader;
    unsigned seen = 0;
    group->total_compressed_size = TARN_PARQUET_ABSENT;
    group->file_offset = TARN_PARQUET_ABSENT;
    TarnThriftField field = tarn_format__thrift_struct_begin(reader);
    while (tarn_format__thrift_field_next(reader, &field)) {
        if (field.id >= 1 && field.id <= 3) seen |= 1u << field.id;
        switch (field.id) {
        case 1: read_chunks(parser, &field, group); break;
        case 2: group->total_byte_size = tarn_format__thrift_i64(reader, &field); break;
        case 3: group->num_rows = tarn_format__thrift_i64(reader, &field); break;
        case 5: group->file_offset = tarn_format__thrift_i64(reader, &field); break;
        case 6: group->total_compressed_size = tarn_format__thrift_i64(reader, &field); break;
        default: tarn_format__thrift_skip(reader, &field); break;
        }
    }
    if (seen != 0xE) tarn_format__thrift_refuse(reader, "a row group lacks a required field");
    check_row_group(parser, group);
}

static void read_row_groups(Parser *parser, const TarnThriftField *field) {
    TarnThriftReader *reader = &parser->reader;
    TarnParquetFooter *footer = parser->footer;
    if (footer->nodes == NULL || footer->row_groups != NULL) {
        tarn_format__thrift_refuse(reader, "row groups before the schema, or twice");
    }
    size_t count = tarn_format__thrift_list(reader, field, TARN_THRIFT_STRUCT, ROW_GROUP_BYTES_MIN);
    footer->row_groups = tarn_format__parquet_array(reader, parser->arena, count,
                                                    sizeof(TarnParquetRowGroup));
    footer->row_group_count = count;
    for (size_t i = 0; i < count && !reader->failed; i++) {
        read_row_group(parser, &footer->row_groups[i]);
        if (reader->failed) tarn_base_error_context(reader->error, "reading row group %zu", i);
    }
}

/* ---- the rest of FileMetaData ---- */

static void read_key_values(Parser *parser, const TarnThriftField *field) {
    TarnThriftReader *reader = &parser->reader;
    TarnParquetFooter *footer = parser->footer;
    size_t count = tarn_format__thrift_list(reader, field, TARN_THRIFT_STRUCT, KEY_VALUE_BYTES_MIN);
    footer->key_values = tarn_format__parquet_array(reader, parser->arena, count,
                                                    sizeof(TarnParquetKeyValue));
    footer->key_value_count = count;
    for (size_t i = 0; i < count && !reader->failed; i++) {
        TarnParquetKeyValue *pair = &footer->key_values[i];
        TarnThriftField member = tarn_format__thrift_struct_begin(reader);
        while (tarn_format__thrift_field_next(reader, &member)) {
            if (member.id == 1) {
                pair->key = tarn_format__thrift_binary(reader, &member);
            } else if (member.id == 2) {
                pair->value = tarn_format__thrift_binary(reader, &member);
            } else {
                tarn_format__thrift_skip(reader, &member);
            }
        }
        if (pair->key.data == NULL) tarn_format__thrift_refuse(reader, "a value without its key");
    }
}

static void read_orders(Parser *parser, const TarnThriftField *field) {
    TarnThriftReader *reader = &parser->reader;
    size_t count = tarn_format__thrift_list(reader, field, TARN_THRIFT_STRUCT, 1);
    parser->orders = tarn_format__parquet_array(reader, parser->arena, count, 1);
    parser->order_count = count;
    for (size_t i = 0; i < count && !reader->failed; i++) {
        ColumnOrder order = ORDER_OTHER;
        TarnThriftField member = tarn_format__thrift_struct_begin(reader);
        while (tarn_format__thrift_field_next(reader, &member)) {
            order = member.id == 1 ? ORDER_TYPE : member.id == 2 ? ORDER_IEEE754 : ORDER_OTHER;
            tarn_format__thrift_skip(reader, &member);
        }
        if (!reader->failed) parser->orders[i] = (uint8_t)order;
    }
}

static void refuse_encryption(TarnThriftReader *reader) {
    int algorithm = 0;
    TarnThriftField field = tarn_format__thrift_struct_begin(reader);
    while (tarn_format__thrift_field_next(reader, &field)) {
        algorithm = field.id;
        tarn_format__thrift_skip(reader, &field);
    }
    tarn_format__parquet_unsupported(reader, algorithm == 1   ? "is encrypted with AES_GCM_V1"
                                             : algorithm == 2 ? "is encrypted with AES_GCM_CTR_V1"
                                                              : "is encrypted");
}

#define FILE_REQUIRED 0x1E /* fields 1 to 4 */

static void read_file(Parser *parser) {
    TarnThriftReader *reader = &parser->reader;
    TarnParquetFooter *footer = parser->footer;
    TarnThriftField field = tarn_format__thrift_struct_begin(reader);
    while (tarn_format__thrift_field_next(reader, &field)) {
        if (field.id >= 1 && field.id <= 9) parser->seen |= 1u << field.id;
        switch (field.id) {
        case 2: tarn_format__parquet_schema_read(reader, &field, parser->arena, footer); break;
        case 3: footer->num_rows = tarn_format__thrift_i64(reader, &field); break;
        case 4: read_row_groups(parser, &field); break;
        case 5: read_key_values(parser, &field); break;
        case 6: footer->created_by = tarn_format__thrift_binary(reader, &field); break;
        case 7: read_orders(parser, &field); break;
        case 8:
            tarn_format__thrift_expect_struct(reader, &field);
            refuse_encryption(reader);
            break;
        default: tarn_format__thrift_skip(reader, &field); break;
        }
    }
    if ((parser->seen & FILE_REQUIRED) != FILE_REQUIRED) {
        tarn_format__thrift_refuse(reader, "a required field is missing");
    }
}

static void check_rows(Parser *parser) {
    const TarnParquetFooter *footer = parser->footer;
    int64_t rows = 0;
    bool overflow = false;
    for (size_t i = 0; i < footer->row_group_count && !overflow; i++) {
        overflow = __builtin_add_overflow(rows, footer->row_groups[i].num_rows, &rows);
    }
    if (overflow || rows != footer->num_rows) {
        tarn_format__thrift_refuse(&parser->reader,
                                   "the row groups have %" PRId64 " rows, the file says %" PRId64,
                                   rows, footer->num_rows);
    }
}

/* ---- which bounds can be trusted ---- */

/* Ordered as signed numbers: there the deprecated fields were right too. */
static bool is_signed_number(const TarnParquetNode *node) {
    switch (node->physical) {
    case TARN_PARQUET_BOOLEAN:
    case TARN_PARQUET_FLOAT:
    case TARN_PARQUET_DOUBLE: return true;
    case TARN_PARQUET_INT32:
    case TARN_PARQUET_INT64:
        return node->logical.kind != TARN_PARQUET_LOGICAL_INTEGER || node->logical.is_signed;
    default: return false;
    }
}

static bool has_defined_order(const TarnParquetNode *node) {
    switch (node->logical.kind) {
    case TARN_PARQUET_LOGICAL_INTERVAL:
    case TARN_PARQUET_LOGICAL_VARIANT:
    case TARN_PARQUET_LOGICAL_GEOMETRY:
    case TARN_PARQUET_LOGICAL_GEOGRAPHY:
    case TARN_PARQUET_LOGICAL_OTHER: return false;
    default: return node->physical != TARN_PARQUET_INT96;
    }
}

static bool can_trust(const TarnParquetNode *node, ColumnOrder order, bool deprecated) {
    if (!has_defined_order(node)) return false;
    if (deprecated) return is_signed_number(node);
    switch (order) {
    case ORDER_TYPE: return true;
    case ORDER_IEEE754:
        return node->physical == TARN_PARQUET_FLOAT || node->physical == TARN_PARQUET_DOUBLE ||
               node->logical.kind == TARN_PARQUET_LOGICAL_FLOAT16;
    case ORDER_UNDEFINED: return is_signed_number(node);
    case ORDER_OTHER:
    default: return false;
    }
}

static void drop_bounds(Parser *parser) {
    const TarnParquetFooter *footer = parser->footer;
    bool stated = parser->orders != NULL && parser->order_count == footer->column_count;
    for (size_t c = 0; c < footer->column_count; c++) {
        const TarnParquetNode *node = &footer->nodes[footer->columns[c]];
        ColumnOrder order = stated ? (ColumnOrder)parser->orders[c] : ORDER_UNDEFINED;
        for (size_t g = 0; g < footer->row_group_count; g++) {
            TarnParquetStatistics *statistics = &footer->row_groups[g].chunks[c].statistics;
            if (can_trust(node, order, statistics->deprecated)) continue;
            statistics->min = (TarnText){NULL, 0};
            statistics->max = (TarnText){NULL, 0};
        }
    }
}

/* ---- the file's tail ---- */

bool tarn_format_parquet_footer_size(TarnText tail, uint64_t file_size, const char *name,
                                     uint64_t *size, TarnError *error) {
    if (tail.size < TARN_PARQUET_TAIL_BYTES || file_size < TARN_PARQUET_TAIL_BYTES + MAGIC_BYTES) {
        return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                                   "\"%s\" is not a Parquet file: it has %" PRIu64 " bytes", name,
                                   file_size);
    }
    const uint8_t *last = (const uint8_t *)tail.data + tail.size - TARN_PARQUET_TAIL_BYTES;
    if (memcmp(last + 4, MAGIC_ENCRYPTED, MAGIC_BYTES) == 0) {
        return tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                                   "the Parquet file \"%s\" has an encrypted footer", name);
    }
    if (memcmp(last + 4, MAGIC, MAGIC_BYTES) != 0) {
        tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                            "\"%s\" is not a Parquet file, or it is cut short: it does not end "
                            "with PAR1",
                            name);
        return false;
    }
    uint64_t length = (uint64_t)last[0] | (uint64_t)last[1] << 8 | (uint64_t)last[2] << 16 |
                      (uint64_t)last[3] << 24;
    if (length > file_size - TARN_PARQUET_TAIL_BYTES - MAGIC_BYTES) {
        return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                                   "the Parquet footer of \"%s\" has %" PRIu64
                                   " bytes, the file only %" PRIu64,
                                   name, length, file_size);
    }
    if (length > TARN_LIMIT_PARQUET_FOOTER_BYTES) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "the Parquet footer of \"%s\" has %" PRIu64
                                   " bytes, the limit is %zu",
                                   name, length, TARN_LIMIT_PARQUET_FOOTER_BYTES);
    }
    *size = length + TARN_PARQUET_TAIL_BYTES;
    return true;
}

bool tarn_format_parquet_footer_parse(TarnText tail, uint64_t file_size, const char *name,
                                      TarnArena *arena, TarnParquetFooter **footer,
                                      TarnError *error) {
    uint64_t size = 0;
    *footer = NULL;
    if (!tarn_format_parquet_footer_size(tail, file_size, name, &size, error)) return false;
    if (size > tail.size) {
        return tarn_base_error_set(error, TARN_E_INTERNAL,
                                   "the Parquet footer of \"%s\" takes %" PRIu64
                                   " bytes, %zu were read",
                                   name, size, tail.size);
    }
    TarnParquetFooter *result = TARN_NEW(arena, TarnParquetFooter);
    if (!tarn_base_arena_check(arena, error)) return false;
    Parser parser = {.arena = arena, .footer = result, .data_end = file_size - size};
    TarnText bytes = {tail.data + (tail.size - (size_t)size),
                      (size_t)size - TARN_PARQUET_TAIL_BYTES};
    tarn_format__thrift_init(&parser.reader, bytes, parser.data_end, name, error);
    result->file_size = file_size;
    read_file(&parser);
    if (!parser.reader.failed) check_rows(&parser);
    if (parser.reader.failed) return false;
    drop_bounds(&parser);
    *footer = result;
    return true;
}

bool tarn_format_parquet_footer_read(TarnParquetRange range, void *context, uint64_t file_size,
                                     const char *name, TarnArena *arena, TarnParquetFooter **footer,
                                     TarnError *error) {
    *footer = NULL;
    TarnText tail = {"", 0};
    size_t first = file_size < FIRST_RANGE_BYTES ? (size_t)file_size : FIRST_RANGE_BYTES;
    uint64_t size = 0;
    if (first > 0 && !range(context, file_size - first, first, arena, &tail, error)) return false;
    if (!tarn_format_parquet_footer_size(tail, file_size, name, &size, error)) return false;
    if (size > tail.size && !range(context, file_size - size, (size_t)size, arena, &tail, error)) {
        return false;
    }
    return tarn_format_parquet_footer_parse(tail, file_size, name, arena, footer, error);
}

/* ---- lookup ---- */

TarnText tarn_format_parquet_footer_key_value(const TarnParquetFooter *footer, const char *key) {
    for (size_t i = 0; i < footer->key_value_count; i++) {
        if (tarn_base_text_is(footer->key_values[i].key, key)) return footer->key_values[i].value;
    }
    return (TarnText){NULL, 0};
}

bool tarn_format_parquet_footer_has_ids(const TarnParquetFooter *footer) {
    for (size_t i = 1; i < footer->node_count; i++) {
        if (footer->nodes[i].field_id != TARN_PARQUET_ABSENT) return true;
    }
    return false;
}

const char *tarn_format_parquet_footer_path(const TarnParquetFooter *footer, uint32_t node,
                                            TarnArena *arena) {
    const char *path = "";
    for (uint32_t i = node; i != 0; i = footer->nodes[i].parent) {
        TarnText name = footer->nodes[i].name;
        path = tarn_base_arena_printf(arena, "%.*s%s%s", TARN_TEXT_ARG(name), i == node ? "" : ".",
                                      path);
        if (path == NULL) return "";
    }
    return path;
}
