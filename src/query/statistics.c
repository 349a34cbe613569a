/* ANALYZE: how many distinct values the columns of a snapshot have, as theta sketches.
 *
 * The rows are read once, as any SELECT reads them, and each value goes into its column's sketch
 * as the bytes of its single-value serialization. The sketches become one Puffin file, which the
 * table's metadata names for the snapshot; those of columns that the statement does not name are
 * taken over from the file before. The commit changes no row: it holds as long as the table has the
 * snapshot, whatever others commit.
 *
 * Source: Puffin specification, "apache-datasketches-theta-v1 blob type"; Iceberg table
 * specification, "Table Statistics". Not here: histograms, and anything that reads statistics.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "format/literal.h"
#include "format/puffin.h"
#include "format/theta_sketch.h"
#include "query/statistics_private.h"

typedef struct Column {
    const TarnField *field;
    TarnThetaSketch *sketch;
} Column;

typedef struct Analysis {
    TarnStatement *statement;
    const TarnParsed *parsed;
    TarnArena *arena;
    TarnPrepared prepared;
    const TarnTable *table; /* the binding's, as read */
    const TarnSnapshot *snapshot;
    Column *columns;
    size_t column_count;
    int64_t rows;
    TarnIntent intent;
    TarnNewStatistics sketches;
    TarnNewStatistics partitions;
    TarnError *error;
} Analysis;

/* --- columns --- */

static bool can_be_counted(const TarnField *field) {
    TarnTypeKind kind = field->type.primitive.kind;
    return !tarn_format_kind_is_nested(kind) && kind != TARN_TYPE_UNKNOWN &&
           kind != TARN_TYPE_VARIANT && kind != TARN_TYPE_GEOMETRY && kind != TARN_TYPE_GEOGRAPHY;
}

static bool refuse_column(const Analysis *analysis, TarnText name, const TarnField *field) {
    TarnText source = analysis->parsed->tokens.source;
    /* A name with quotes in it is no part of the source. */
    bool inside = name.data >= source.data && name.data < source.data + source.size;
    size_t offset = inside ? (size_t)(name.data - source.data) : analysis->parsed->name_offset;
    if (field == NULL) {
        return tarn_query__error_at(source, offset, TARN_E_COLUMN_NOT_FOUND, analysis->error,
                                    "no column \"%.*s\" in %s.%s", TARN_TEXT_ARG(name),
                                    analysis->parsed->name.ns, analysis->parsed->name.name);
    }
    return tarn_query__error_at(source, offset, TARN_E_SQL_UNSUPPORTED, analysis->error,
                                "column \"%s\": values of its type are not counted", field->name);
}

static bool add_column(Analysis *analysis, const TarnField *field) {
    for (size_t i = 0; i < analysis->column_count; i++) {
        if (analysis->columns[i].field == field) return true;
    }
    Column *column = &analysis->columns[analysis->column_count++];
    column->field = field;
    return tarn_format_theta_sketch_new(&column->sketch, analysis->error);
}

static bool choose_columns(Analysis *analysis, const TarnSchema *schema) {
    const TarnTexts *named = &analysis->parsed->insert_columns;
    analysis->columns = TARN_NEW_ARRAY(analysis->arena, schema->field_count + 1, Column);
    if (analysis->columns == NULL) {
        return tarn_base_arena_check(analysis->arena, analysis->error);
    }
    for (size_t i = 0; named->count == 0 && i < schema->field_count; i++) {
        const TarnField *field = &schema->fields[i];
        if (can_be_counted(field) && !add_column(analysis, field)) return false;
    }
    for (size_t i = 0; i < named->count; i++) {
        const char *name = tarn_base_text_string(analysis->arena, named->items[i]);
        if (name == NULL) return tarn_base_arena_check(analysis->arena, analysis->error);
        const TarnField *field = tarn_table_schema_find_name(schema, name);
        if (field == NULL || !can_be_counted(field)) {
            return refuse_column(analysis, named->items[i], field);
        }
        if (!add_column(analysis, field)) return false;
    }
    return true;
}

/* --- values --- */

static uint64_t real_bits(double value) {
    uint64_t bits;
    if (value == 0) value = 0; /* -0.0 is no other value */
    if (isnan(value)) value = (double)NAN;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static uint32_t single_bits(float value) {
    uint32_t bits;
    if (value == 0) value = 0;
    if (isnan(value)) value = NAN;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static size_t decimal_value(const TarnEngineVector *vector, uint64_t row, unsigned char out[16]) {
    int64_t small = 0;
    if (vector->type->width > 18) {
        TarnEngineInt128 wide = ((const TarnEngineInt128 *)vector->data)[row];
        TarnInt128 value = (TarnInt128)wide.upper * ((TarnInt128)1 << 64) + wide.lower;
        return tarn_format_decimal_bytes(value, out);
    }
    (void)tarn_engine_vector_int64(vector, row, &small);
    return tarn_format_decimal_bytes(small, out);
}

static void uuid_value(TarnEngineInt128 value, unsigned char out[16]) {
    uint64_t upper = (uint64_t)value.upper ^ (UINT64_C(1) << 63);
    for (size_t i = 0; i < 8; i++) {
        out[i] = (unsigned char)(upper >> (56 - 8 * i));
        out[8 + i] = (unsigned char)(value.lower >> (56 - 8 * i));
    }
}

/* The bytes of a value that is there: a view of the chunk, or in `out`. *size 0 = not one that the
 * column's type has. */
static TarnText value_bytes(TarnTypeKind kind, const TarnEngineVector *vector, uint64_t row,
                            unsigned char out[16]) {
    size_t size = 0;
    int64_t number = 0;
    switch (kind) {
    case TARN_TYPE_STRING:
    case TARN_TYPE_BINARY:
    case TARN_TYPE_FIXED: return tarn_engine_vector_text(vector, row);
    case TARN_TYPE_BOOLEAN:
        out[0] = ((const bool *)vector->data)[row];
        size = 1;
        break;
    case TARN_TYPE_FLOAT: {
        uint32_t bits = single_bits(((const float *)vector->data)[row]);
        for (size = 0; size < 4; size++) out[size] = (unsigned char)(bits >> (8 * size));
        break;
    }
    case TARN_TYPE_DOUBLE: number = (int64_t)real_bits(((const double *)vector->data)[row]); break;
    case TARN_TYPE_DECIMAL: size = decimal_value(vector, row, out); break;
    case TARN_TYPE_UUID:
        uuid_value(((const TarnEngineInt128 *)vector->data)[row], out);
        size = 16;
        break;
    default: (void)tarn_engine_vector_int64(vector, row, &number); break;
    }
    if (size == 0) {
        size = kind == TARN_TYPE_INT || kind == TARN_TYPE_DATE ? 4 : 8;
        for (size_t i = 0; i < size; i++) out[i] = (unsigned char)((uint64_t)number >> (8 * i));
    }
    return (TarnText){(const char *)out, size};
}

static bool take_chunk(Analysis *analysis, const TarnEngineChunk *chunk) {
    unsigned char bytes[16];
    for (size_t i = 0; i < analysis->column_count; i++) {
        const Column *column = &analysis->columns[i];
        const TarnEngineVector *vector = &chunk->columns[i];
        TarnTypeKind kind = column->field->type.primitive.kind;
        for (uint64_t row = 0; row < chunk->rows; row++) {
            if (tarn_engine_vector_null(vector, row)) continue;
            if (!tarn_format_theta_sketch_update(column->sketch,
                                                 value_bytes(kind, vector, row, bytes),
                                                 analysis->error)) {
                return false;
            }
        }
    }
    analysis->rows += (int64_t)chunk->rows;
    return true;
}

static bool read_rows(Analysis *analysis) {
    TarnEngineResult *rows = NULL;
    const TarnEngineChunk *chunk = NULL;
    if (analysis->column_count == 0) return true;
    bool ok = tarn_engine_query(analysis->statement->query->session,
                                analysis->prepared.rewritten.sql, NULL, 0, &rows, analysis->error);
    while (ok && (ok = tarn_engine_result_next(rows, &chunk, analysis->error)) && chunk != NULL) {
        ok = take_chunk(analysis, chunk);
    }
    tarn_engine_result_free(rows);
    if (!ok) analysis->error->line = 0; /* a place in SQL that no user wrote */
    return ok;
}

/* --- the file --- */

static bool is_analysed(const Analysis *analysis, int32_t field_id) {
    for (size_t i = 0; i < analysis->column_count; i++) {
        if (analysis->columns[i].field->id == field_id) return true;
    }
    return false;
}

/* Of the snapshot's file before, the sketches of columns that are not counted now. What cannot be
 * read of it is left behind: it can be counted again. */
static bool carry_over(const Analysis *analysis, TarnPuffinWriter *puffin, TarnError *error) {
    const TarnTableMetadata *metadata = analysis->table->metadata;
    const TarnStatisticsFile *before = NULL;
    TarnJson *json = NULL;
    TarnText path;
    TarnText bytes;
    TarnPuffinFooter *footer = NULL;
    for (size_t i = 0; i < metadata->statistics_count; i++) {
        if (metadata->statistics[i].snapshot_id == analysis->snapshot->id) {
            before = &metadata->statistics[i];
        }
    }
    if (before == NULL) return true;
    if (!tarn_base_json_parse(before->source, NULL, analysis->arena, &json, error) ||
        !tarn_base_json_text(tarn_base_json_member(json, "statistics-path"), &path)) {
        return false;
    }
    const char *location = tarn_base_text_string(analysis->arena, path);
    if (!tarn_base_arena_check(analysis->arena, error) ||
        !tarn_store_get(analysis->table->store, location, TARN_STORE_WHOLE,
                        TARN_LIMIT_PUFFIN_BLOB_BYTES, analysis->arena, &bytes, NULL, error) ||
        !tarn_format_puffin_footer_parse(bytes, bytes.size, location, analysis->arena, &footer,
                                         error)) {
        return false;
    }
    for (size_t i = 0; i < footer->blob_count; i++) {
        TarnPuffinBlob blob = footer->blobs[i];
        TarnText data;
        if (blob.field_count != 1 || !tarn_base_text_is(blob.type, TARN_PUFFIN_THETA_SKETCH) ||
            is_analysed(analysis, blob.fields[0])) {
            continue;
        }
        TarnText stored = {bytes.data + blob.offset, (size_t)blob.length};
        if (!tarn_format_puffin_blob_decode(&blob, stored, location, analysis->arena, &data,
                                            error)) {
            return false;
        }
        blob.codec = TARN_PUFFIN_ZSTD;
        if (!tarn_format_puffin_writer_add(puffin, data, &blob, error)) return false;
    }
    return true;
}

static bool add_sketch(const Analysis *analysis, const Column *column, TarnPuffinWriter *puffin) {
    TarnBuffer bytes;
    const char *ndv = tarn_base_arena_printf(analysis->arena, "%" PRIu64,
                                             tarn_format_theta_sketch_ndv(column->sketch));
    if (ndv == NULL) return tarn_base_arena_check(analysis->arena, analysis->error);
    TarnPuffinProperty property = {TARN_TEXT("ndv"), tarn_base_text(ndv)};
    TarnPuffinBlob blob = {.type = TARN_TEXT(TARN_PUFFIN_THETA_SKETCH),
                           .fields = &column->field->id,
                           .field_count = 1,
                           .snapshot_id = analysis->snapshot->id,
                           .sequence_number = analysis->snapshot->sequence_number,
                           .codec = TARN_PUFFIN_ZSTD,
                           .properties = &property,
                           .property_count = 1};
    tarn_base_buffer_init(&bytes, TARN_MIB);
    bool ok = tarn_format_theta_sketch_write(column->sketch, &bytes, analysis->error) &&
              tarn_format_puffin_writer_add(puffin, tarn_base_buffer_view(&bytes), &blob,
                                            analysis->error);
    tarn_base_buffer_dispose(&bytes);
    return ok;
}

static void put_blob(TarnJsonWriter *json, const TarnPuffinBlob *blob) {
    tarn_base_json_object_begin(json);
    tarn_base_json_key(json, "type");
    tarn_base_json_put_text(json, blob->type);
    tarn_base_json_key(json, "snapshot-id");
    tarn_base_json_put_int64(json, blob->snapshot_id);
    tarn_base_json_key(json, "sequence-number");
    tarn_base_json_put_int64(json, blob->sequence_number);
    tarn_base_json_key(json, "fields");
    tarn_base_json_array_begin(json);
    for (size_t i = 0; i < blob->field_count; i++) tarn_base_json_put_int64(json, blob->fields[i]);
    tarn_base_json_array_end(json);
    tarn_base_json_key(json, "properties");
    tarn_base_json_object_begin(json);
    for (size_t i = 0; i < blob->property_count; i++) {
        tarn_base_json_key_text(json, blob->properties[i].key);
        tarn_base_json_put_text(json, blob->properties[i].value);
    }
    tarn_base_json_object_end(json);
    tarn_base_json_object_end(json);
}

/* The entry of the metadata's `statistics`. */
static bool describe(Analysis *analysis, const TarnPuffinWriter *puffin, TarnText bytes) {
    TarnBuffer text;
    TarnJsonWriter json;
    uint64_t footer = 0;
    if (!tarn_format_puffin_footer_size(bytes, bytes.size, analysis->sketches.location, &footer,
                                        analysis->error)) {
        return false;
    }
    tarn_base_buffer_init(&text, TARN_LIMIT_METADATA_BYTES);
    tarn_base_json_writer_init(&json, &text, 0);
    tarn_base_json_object_begin(&json);
    tarn_base_json_key(&json, "snapshot-id");
    tarn_base_json_put_int64(&json, analysis->snapshot->id);
    tarn_base_json_key(&json, "statistics-path");
    tarn_base_json_put_string(&json, analysis->sketches.location);
    tarn_base_json_key(&json, "file-size-in-bytes");
    tarn_base_json_put_int64(&json, (int64_t)bytes.size);
    tarn_base_json_key(&json, "file-footer-size-in-bytes");
    tarn_base_json_put_int64(&json, (int64_t)footer);
    tarn_base_json_key(&json, "blob-metadata");
    tarn_base_json_array_begin(&json);
    for (size_t i = 0; i < puffin->blobs.count; i++) put_blob(&json, &puffin->blobs.items[i]);
    tarn_base_json_array_end(&json);
    tarn_base_json_object_end(&json);
    bool ok = tarn_base_buffer_check(&text, analysis->error);
    if (ok) {
        analysis->sketches.json = tarn_base_text_string(analysis->arena,
                                                        tarn_base_buffer_view(&text));
        ok = tarn_base_arena_check(analysis->arena, analysis->error);
    }
    tarn_base_buffer_dispose(&text);
    return ok;
}

/* Made durable with the commit. */
static bool put_file(const Analysis *analysis, TarnText bytes) {
    TarnStoreBatch batch;
    tarn_store_batch_init(&batch, analysis->table->store);
    bool ok = tarn_store_put(analysis->table->store, analysis->sketches.location, bytes,
                             TARN_STORE_IF_ABSENT, &batch, analysis->error);
    tarn_store_batch_dispose(&batch);
    return ok;
}

static bool write_sketches(Analysis *analysis) {
    TarnPuffinWriter puffin;
    TarnBuffer bytes;
    TarnError ignored = {0};
    if (analysis->column_count == 0) return true;
    analysis->sketches.location = tarn_base_arena_printf(
        analysis->arena, "%s/metadata/%" PRId64 "-%s.stats", analysis->table->metadata->location,
        analysis->snapshot->id, analysis->intent.id);
    if (analysis->sketches.location == NULL) {
        return tarn_base_arena_check(analysis->arena, analysis->error);
    }
    tarn_base_buffer_init(&bytes, TARN_LIMIT_PUFFIN_BLOB_BYTES);
    bool ok = tarn_format_puffin_writer_begin(&puffin, analysis->arena, &bytes, analysis->error);
    for (size_t i = 0; ok && i < analysis->column_count; i++) {
        ok = add_sketch(analysis, &analysis->columns[i], &puffin);
    }
    size_t own = puffin.blobs.count;
    size_t size = bytes.size;
    if (ok && !carry_over(analysis, &puffin, &ignored)) {
        tarn_base_log(TARN_LOG_WARN, "statistics of other columns are left behind: %s",
                      ignored.message);
        puffin.blobs.count = own;
        bytes.size = size;
    }
    ok = ok && tarn_format_puffin_writer_finish(&puffin, TARN_TEXT("tarn " TARN_VERSION),
                                                analysis->error) &&
         tarn_base_buffer_check(&bytes, analysis->error) &&
         describe(analysis, &puffin, tarn_base_buffer_view(&bytes)) &&
         put_file(analysis, tarn_base_buffer_view(&bytes));
    tarn_base_buffer_dispose(&bytes);
    return ok;
}

/* --- the commit --- */

static bool plan_commit(void *state, const TarnTableMetadata *base, TarnCommitTable *change,
                        TarnError *error) {
    const Analysis *analysis = state;
    (void)change;
    if (tarn_table_metadata_snapshot(base, analysis->snapshot->id) != NULL) return true;
    tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT,
                        "snapshot %" PRId64 ", which was analyzed, expired meanwhile",
                        analysis->snapshot->id);
    return tarn_base_error_hint(error, "run ANALYZE again");
}

static bool commit(Analysis *analysis) {
    TarnTableUpdate updates[2];
    const char *files[2];
    size_t count = 0;
    const TarnNewStatistics *all[] = {&analysis->sketches, &analysis->partitions};
    for (size_t i = 0; i < 2; i++) {
        if (all[i]->location == NULL) continue;
        files[count] = all[i]->location;
        updates[count++] = (TarnTableUpdate){.kind = i == 0 ? TARN_UPDATE_SET_STATISTICS
                                                            : TARN_UPDATE_SET_PARTITION_STATISTICS,
                                             .integer = analysis->snapshot->id,
                                             .text = all[i]->json};
    }
    TarnTableRequirement uuid = {.kind = TARN_REQUIRE_UUID,
                                 .text = analysis->table->metadata->uuid};
    TarnCommitTable table = {.name = analysis->table->name,
                             .base = analysis->table,
                             .requirements = &uuid,
                             .requirement_count = 1,
                             .updates = updates,
                             .update_count = count,
                             .plan = plan_commit,
                             .plan_state = analysis,
                             .files = files,
                             .file_count = count,
                             /* no row is changed: what there is had it */
                             .evidence = {.schema_checked = true, .checks_passed = true}};
    TarnCommit change = {.tables = &table, .table_count = 1, .intent = &analysis->intent};
    if (TARN_FAULT("query.analyze.before_commit", analysis->error) ||
        !tarn_catalog_commit(analysis->statement->query->catalog, &change, analysis->error)) {
        return false;
    }
    tarn_catalog_table_release(table.committed);
    return true;
}

static bool write_and_commit(Analysis *analysis) {
    TarnCatalog *catalog = analysis->statement->query->catalog;
    const char *location = analysis->table->metadata->location;
    if (!tarn_catalog_intent_begin(catalog, &location, 1, &analysis->intent, analysis->error)) {
        return false;
    }
    bool ok = write_sketches(analysis) &&
              tarn_query__partition_statistics_write(
                  analysis->statement->query, analysis->table, analysis->snapshot,
                  analysis->intent.id, analysis->arena, &analysis->partitions, analysis->error);
    if (ok && analysis->sketches.location == NULL && analysis->partitions.location == NULL) {
        tarn_catalog_intent_abandon(catalog, &analysis->intent);
        return true;
    }
    ok = ok && commit(analysis);
    if (!ok && !analysis->error->outcome_unknown) {
        tarn_catalog_intent_abandon(catalog, &analysis->intent);
    }
    return ok;
}

/* --- the statement --- */

/* A SELECT of the columns; its binding tells which snapshot is read. */
static bool prepare(Analysis *analysis, const TarnTable *table, const TarnRunOptions *run) {
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT ");
    for (size_t i = 0; i < analysis->column_count; i++) {
        tarn_base_buffer_string(&sql, i > 0 ? ", " : "");
        tarn_base_buffer_identifier(&sql, tarn_base_text(analysis->columns[i].field->name));
    }
    tarn_base_buffer_string(&sql, analysis->column_count > 0 ? " FROM " : "1 FROM ");
    for (TarnText rest = tarn_base_text(table->name.ns); rest.data != NULL;) {
        tarn_base_buffer_identifier(&sql, tarn_base_text_split(rest, '.', &rest));
        tarn_base_buffer_byte(&sql, '.');
    }
    tarn_base_buffer_identifier(&sql, tarn_base_text(table->name.name));
    const char *text = tarn_base_text_string(analysis->arena, tarn_base_buffer_view(&sql));
    bool ok = tarn_base_buffer_check(&sql, analysis->error) &&
              tarn_base_arena_check(analysis->arena, analysis->error);
    tarn_base_buffer_dispose(&sql);
    ok = ok && tarn_query__prepare(analysis->statement->query, tarn_base_text(text), run,
                                   analysis->arena, &analysis->prepared, analysis->error);
    if (!ok) analysis->error->line = 0;
    return ok;
}

static bool analyze(Analysis *analysis) {
    TarnStatement *statement = analysis->statement;
    const TarnPrepared *prepared = &analysis->prepared;
    if (prepared->bindings.count != 1 || prepared->bindings.items[0].table == NULL) {
        return tarn_base_error_set(analysis->error, TARN_E_INTERNAL, "ANALYZE reads no table");
    }
    analysis->table = prepared->bindings.items[0].table;
    analysis->snapshot = prepared->bindings.items[0].snapshot;
    statement->scans = prepared->scans;
    statement->scan_count = prepared->scan_count;
    if (analysis->snapshot == NULL) {
        statement->message = tarn_base_arena_printf(analysis->arena,
                                                    "%s.%s has no snapshot to analyze",
                                                    analysis->table->name.ns,
                                                    analysis->table->name.name);
        return tarn_base_arena_check(analysis->arena, analysis->error);
    }
    if (!read_rows(analysis) || !write_and_commit(analysis)) return false;
    statement->message = tarn_base_arena_printf(
        analysis->arena, "analyzed %zu column%s of %s.%s: %" PRId64 " row%s",
        analysis->column_count, analysis->column_count == 1 ? "" : "s", analysis->table->name.ns,
        analysis->table->name.name, analysis->rows, analysis->rows == 1 ? "" : "s");
    return tarn_base_arena_check(analysis->arena, analysis->error);
}

bool tarn_query__analyze(TarnStatement *statement, const TarnParsed *parsed,
                         const TarnRunOptions *run, TarnError *error) {
    Analysis analysis = {
        .statement = statement, .parsed = parsed, .arena = &statement->arena, .error = error};
    const TarnTable *table = NULL;
    if (statement->query->transaction != NULL) {
        tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                            "ANALYZE does not run inside a transaction");
        return tarn_base_error_hint(error, "COMMIT first: what it finds is of a snapshot that is "
                                           "committed");
    }
    if (!tarn_catalog_table_load(statement->query->catalog, parsed->name, &table, error)) {
        TarnError told = *error;
        tarn_query__error_at(parsed->tokens.source, parsed->name_offset, told.code, error, "%s",
                             told.message);
        return tarn_base_error_hint(error, "%s", told.hint);
    }
    bool ok = choose_columns(&analysis, tarn_table_metadata_current_schema(table->metadata));
    if (ok) {
        ok = prepare(&analysis, table, run);
        if (ok) {
            ok = analyze(&analysis);
            tarn_query__prepared_release(&analysis.prepared);
        }
    }
    for (size_t i = 0; i < analysis.column_count; i++) {
        tarn_format_theta_sketch_free(analysis.columns[i].sketch);
    }
    tarn_catalog_table_release(table);
    return ok;
}

/* --- as a metadata table --- */

static bool add_rows(const TarnTableMetadata *metadata, const TarnStatisticsFile *file,
                     TarnArena *arena, TarnStatisticsRow *row, size_t *count) {
    TarnJson *json = NULL;
    TarnText path = {NULL, 0};
    TarnError ignored;
    if (!tarn_base_json_parse(file->source, NULL, arena, &json, &ignored)) return false;
    const TarnJson *blobs = tarn_base_json_member(json, "blob-metadata");
    tarn_base_json_text(tarn_base_json_member(json, "statistics-path"), &path);
    if (blobs == NULL || blobs->kind != TARN_JSON_ARRAY) return true;
    TARN_JSON_EACH(blob, blobs) {
        const TarnJson *fields = tarn_base_json_member(blob, "fields");
        const TarnJson *properties = tarn_base_json_member(blob, "properties");
        TarnStatisticsRow *out = row != NULL ? &row[*count] : NULL;
        (*count)++;
        if (out == NULL) continue;
        *out = (TarnStatisticsRow){.snapshot_id = file->snapshot_id,
                                   .field_id = TARN_ABSENT,
                                   .ndv = TARN_ABSENT,
                                   .path = path};
        TarnText ndv;
        int64_t number;
        tarn_base_json_text(tarn_base_json_member(blob, "type"), &out->type);
        if (fields != NULL && fields->kind == TARN_JSON_ARRAY && fields->count == 1) {
            TARN_JSON_EACH(id, fields) {
                if (tarn_base_json_int64(id, &number)) out->field_id = number;
            }
        }
        if (properties != NULL && properties->kind == TARN_JSON_OBJECT &&
            tarn_base_json_text(tarn_base_json_member(properties, "ndv"), &ndv) &&
            tarn_base_text_to_int64(ndv, &number)) {
            out->ndv = number;
        }
        if (out->field_id >= 0 && out->field_id <= INT32_MAX) {
            out->column = tarn_table_schema_path(tarn_table_metadata_current_schema(metadata),
                                                 (int32_t)out->field_id, arena);
        }
    }
    return true;
}

bool tarn_query__statistics_rows(const TarnTableMetadata *metadata, TarnArena *arena,
                                 TarnStatisticsRow **rows, size_t *count, TarnError *error) {
    size_t most = 0;
    for (size_t i = 0; i < metadata->statistics_count; i++) {
        (void)add_rows(metadata, &metadata->statistics[i], arena, NULL, &most);
    }
    *rows = TARN_NEW_ARRAY(arena, most + 1, TarnStatisticsRow);
    *count = 0;
    if (*rows == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < metadata->statistics_count; i++) {
        (void)add_rows(metadata, &metadata->statistics[i], arena, *rows, count);
    }
    return tarn_base_arena_check(arena, error);
}
