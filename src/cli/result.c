/* From the engine's columns to rows in the form of -o.
 *
 * Rows are written as they come; only a drawn table waits for its first rows. On a terminal a
 * table shows the first rows and the rest is only counted, for a moment, not formatted.
 */
#include "cli/result_private.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "cli/rows_private.h"

/* Counting what is not shown may take this long; then it is "at least". */
#define COUNT_US 2000000
#define VALUES_BYTES_MAX (1 * TARN_GIB)

typedef struct Writer {
    TarnCli *cli;
    TarnStatement *statement;
    const TarnCliResultOptions *options;
    uint32_t column_count;
    TarnCliColumn *columns;
    TarnCliCell *cells;
    size_t *ends;      /* of each cell's text in `values` */
    TarnBuffer values; /* of one row */
    uint64_t rows;
    uint64_t uncounted; /* rows beyond the limit */
    bool at_least;
} Writer;

static bool is_number(TarnEngineKind kind) {
    return (kind >= TARN_ENGINE_TINYINT && kind <= TARN_ENGINE_DECIMAL) ||
           kind == TARN_ENGINE_BIGNUM;
}

static void put_row(Writer *writer, TarnCliRows *rows, const TarnEngineChunk *chunk,
                    uint64_t row) {
    bool json = writer->cli->format == TARN_CLI_NDJSON;
    tarn_base_buffer_clear(&writer->values);
    for (uint32_t i = 0; i < writer->column_count; i++) {
        TarnCliCell *cell = &writer->cells[i];
        const TarnEngineVector *vector = &chunk->columns[i];
        *cell = (TarnCliCell){.kind = json ? TARN_CLI_CELL_JSON : TARN_CLI_CELL_TEXT};
        if (tarn_engine_vector_null(vector, row)) {
            cell->kind = TARN_CLI_CELL_NULL;
        } else if (json) {
            tarn_engine_value_json(vector, row, &writer->values);
        } else if (!tarn_engine_value_text(vector, row, &writer->values)) {
            cell->kind = TARN_CLI_CELL_NULL;
        }
        writer->ends[i] = writer->values.size;
    }
    /* Only now: the buffer may have moved while it grew. */
    for (uint32_t i = 0; i < writer->column_count; i++) {
        size_t start = i > 0 ? writer->ends[i - 1] : 0;
        if (writer->ends[i] < start || writer->values.data == NULL) {
            writer->cells[i].text = TARN_TEXT("");
        } else {
            writer->cells[i].text =
                (TarnText){writer->values.data + start, writer->ends[i] - start};
        }
    }
    tarn_cli__rows_put(rows, writer->cells);
}

static bool next_rows(Writer *writer, const TarnEngineChunk **chunk, TarnError *error) {
    if (tarn_engine_result_next(writer->statement->rows, chunk, error)) return true;
    tarn_query_failure(writer->statement->query, error);
    return false;
}

/* The rest of a table whose first rows are enough. */
static bool count_rest(Writer *writer, TarnError *error) {
    TarnCli *cli = writer->cli;
    int64_t start = cli->os->monotonic_us(cli->os);
    const TarnEngineChunk *chunk = NULL;
    for (;;) {
        if (!next_rows(writer, &chunk, error)) return false;
        if (chunk == NULL) return true;
        writer->uncounted += chunk->rows;
        if (cli->os->monotonic_us(cli->os) - start > COUNT_US) {
            writer->at_least = true;
            return true;
        }
    }
}

static bool copy_rows(Writer *writer, TarnCliRows *rows, TarnError *error) {
    TarnCli *cli = writer->cli;
    bool limited = cli->format == TARN_CLI_TABLE && cli->out_terminal.is_terminal &&
                   cli->rows_max > 0;
    const TarnEngineChunk *chunk = NULL;
    for (;;) {
        if (!next_rows(writer, &chunk, error)) return false;
        if (writer->options->progress != NULL && cli->out_terminal.is_terminal) {
            tarn_cli__progress_end(writer->options->progress);
        }
        if (chunk == NULL || tarn_cli__rows_done(rows)) return true;
        for (uint64_t i = 0; i < chunk->rows; i++) {
            if (limited && writer->rows >= cli->rows_max) {
                writer->uncounted += chunk->rows - i;
                return count_rest(writer, error);
            }
            put_row(writer, rows, chunk, i);
            writer->rows++;
            if (writer->values.failed) {
                return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                           "a row is larger than a gigabyte as text");
            }
        }
    }
}

static bool prepare(Writer *writer, TarnError *error) {
    TarnArena *arena = &writer->statement->arena;
    const TarnEngineResult *result = writer->statement->rows;
    writer->column_count = tarn_engine_result_column_count(result);
    writer->columns = TARN_NEW_ARRAY(arena, writer->column_count + 1U, TarnCliColumn);
    writer->cells = TARN_NEW_ARRAY(arena, writer->column_count + 1U, TarnCliCell);
    writer->ends = TARN_NEW_ARRAY(arena, writer->column_count + 1U, size_t);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (uint32_t i = 0; i < writer->column_count; i++) {
        writer->columns[i].name = tarn_engine_result_column_name(result, i);
        writer->columns[i].right = is_number(tarn_engine_result_column_type(result, i)->kind);
    }
    tarn_base_buffer_init(&writer->values, VALUES_BYTES_MAX);
    return true;
}

static bool write_rows(Writer *writer, TarnError *error) {
    TarnCliRows rows;
    if (!prepare(writer, error)) return false;
    tarn_cli__rows_begin(writer->cli, writer->columns, writer->column_count, TARN_CLI_MANY, &rows);
    bool ok = copy_rows(writer, &rows, error);
    tarn_cli__rows_end(&rows, writer->uncounted, writer->at_least);
    tarn_base_buffer_dispose(&writer->values);
    return ok;
}

/* --- JSON: one object a statement --- */

static void put_columns_json(Writer *writer, TarnBuffer *out) {
    tarn_base_buffer_string(out, "{\"columns\":[");
    for (uint32_t i = 0; i < writer->column_count; i++) {
        tarn_base_buffer_string(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        tarn_base_json_quote(out, tarn_base_text(writer->columns[i].name));
        tarn_base_buffer_string(out, ",\"type\":");
        TarnBuffer type;
        tarn_base_buffer_init(&type, TARN_MIB);
        tarn_engine_type_write(tarn_engine_result_column_type(writer->statement->rows, i), &type);
        tarn_base_json_quote(out, tarn_base_buffer_view(&type));
        tarn_base_buffer_dispose(&type);
        tarn_base_buffer_byte(out, '}');
    }
    tarn_base_buffer_string(out, "],\"rows\":[");
}

static void put_row_json(Writer *writer, const TarnEngineChunk *chunk, uint64_t row) {
    TarnBuffer *out = &writer->values;
    tarn_base_buffer_string(out, writer->rows > 0 ? ",[" : "[");
    for (uint32_t i = 0; i < writer->column_count; i++) {
        if (i > 0) tarn_base_buffer_byte(out, ',');
        if (tarn_engine_vector_null(&chunk->columns[i], row)) {
            tarn_base_buffer_string(out, "null");
        } else {
            tarn_engine_value_json(&chunk->columns[i], row, out);
        }
    }
    tarn_base_buffer_byte(out, ']');
}

static bool flush_json(Writer *writer, TarnError *error) {
    if (writer->values.failed) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "2048 rows are larger than a gigabyte as text");
    }
    tarn_cli__envelope_put(writer->cli, tarn_base_buffer_view(&writer->values));
    tarn_base_buffer_clear(&writer->values);
    return true;
}

static bool copy_json(Writer *writer, TarnError *error) {
    const TarnEngineChunk *chunk = NULL;
    for (;;) {
        if (!next_rows(writer, &chunk, error)) return false;
        if (chunk == NULL || tarn_cli__sink_done(&writer->cli->out)) return true;
        for (uint64_t i = 0; i < chunk->rows; i++) {
            put_row_json(writer, chunk, i);
            writer->rows++;
        }
        if (!flush_json(writer, error)) return false;
    }
}

/* The members after the rows. */
static void put_facts_json(Writer *writer) {
    const TarnStatement *statement = writer->statement;
    TarnCli *cli = writer->cli;
    int64_t files = 0;
    int64_t bytes = 0;
    TarnBuffer ids;
    tarn_base_buffer_init(&ids, TARN_MIB);
    for (size_t i = 0; i < statement->scan_count; i++) {
        const TarnScanStats *scan = &statement->scans[i];
        files += scan->files;
        bytes += scan->bytes;
        tarn_base_buffer_string(&ids, ids.size > 0 ? "," : "");
        tarn_base_json_quote(&ids,
                             tarn_base_text(tarn_catalog_name_text(scan->table, &cli->arena)));
        if (scan->snapshot_id == TARN_ABSENT) {
            tarn_base_buffer_string(&ids, ":null");
        } else {
            tarn_base_buffer_printf(&ids, ":%lld", (long long)scan->snapshot_id);
        }
    }
    TarnBuffer *out = &writer->values;
    tarn_base_buffer_printf(out,
                            "],\"row_count\":%llu,\"files_scanned\":%lld,\"bytes_scanned\":%lld,"
                            "\"snapshot_ids\":{%.*s},\"cached\":false,\"seconds\":%.6f",
                            (unsigned long long)writer->rows, (long long)files, (long long)bytes,
                            TARN_TEXT_ARG(tarn_base_buffer_view(&ids)),
                            (double)(cli->os->clock_us(cli->os) - statement->started_us) / 1e6);
    tarn_base_buffer_dispose(&ids);
    if (statement->rows_changed >= 0) {
        tarn_base_buffer_printf(out, ",\"rows_changed\":%lld", (long long)statement->rows_changed);
    }
    if (statement->snapshot_id != TARN_ABSENT) {
        tarn_base_buffer_printf(out, ",\"snapshot_id\":%lld", (long long)statement->snapshot_id);
    }
    if (statement->message != NULL) {
        tarn_base_buffer_string(out, ",\"message\":");
        tarn_base_json_quote(out, tarn_base_text(statement->message));
    }
    tarn_base_buffer_byte(out, '}');
}

static bool write_json(Writer *writer, TarnError *error) {
    TarnError ignored;
    bool ok = true;
    if (writer->statement->rows != NULL) {
        if (!prepare(writer, error)) return false;
    } else {
        tarn_base_buffer_init(&writer->values, VALUES_BYTES_MAX);
    }
    put_columns_json(writer, &writer->values);
    if (writer->statement->rows != NULL) {
        ok = flush_json(writer, error) && copy_json(writer, error);
        /* rows of the chunk that failed are whole, so the object stays one */
    }
    put_facts_json(writer);
    if (!flush_json(writer, ok ? error : &ignored)) ok = false;
    tarn_base_buffer_dispose(&writer->values);
    return ok;
}

bool tarn_cli__result_write(TarnCli *cli, TarnStatement *statement,
                            const TarnCliResultOptions *options, TarnError *error) {
    Writer writer = {.cli = cli, .statement = statement, .options = options};
    if (cli->format == TARN_CLI_JSON) return write_json(&writer, error);
    if (statement->rows != NULL && !write_rows(&writer, error)) return false;
    if (options->progress != NULL) tarn_cli__progress_end(options->progress);
    if (statement->message != NULL) tarn_cli__say(cli, "%s", statement->message);
    return true;
}
