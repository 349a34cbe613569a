/* DESCRIBE, SHOW, EXPLAIN: answers put together from metadata and read back through the engine, so
 * that every statement's rows have one shape.
 */
#include <string.h>

#include "base/limits.h"
#include "query/query_private.h"

/* Rows written as VALUES. */
typedef struct Rows {
    TarnBuffer sql;
    size_t count;
    size_t column;
} Rows;

static void rows_init(Rows *rows) {
    *rows = (Rows){0};
    tarn_base_buffer_init(&rows->sql, TARN_LIMIT_SQL_BYTES);
}

static void begin_cell(Rows *rows) {
    tarn_base_buffer_string(&rows->sql, rows->column++ > 0 ? ", " : rows->count > 0 ? "), (" : "(");
}

static void put_text(Rows *rows, const char *text) {
    begin_cell(rows);
    if (text == NULL) {
        tarn_base_buffer_string(&rows->sql, "CAST(NULL AS VARCHAR)");
    } else {
        tarn_base_buffer_literal(&rows->sql, tarn_base_text(text));
    }
}

static void put_int(Rows *rows, int64_t value, bool known) {
    begin_cell(rows);
    if (known) {
        tarn_base_buffer_printf(&rows->sql, "CAST(%lld AS BIGINT)", (long long)value);
    } else {
        tarn_base_buffer_string(&rows->sql, "CAST(NULL AS BIGINT)");
    }
}

static void end_row(Rows *rows) {
    rows->count++;
    rows->column = 0;
}

/* Runs SELECT * FROM (VALUES ..) t(names); `empty` is the SELECT of no rows. */
static bool run_rows(TarnStatement *statement, Rows *rows, const char *names, const char *empty,
                     TarnError *error) {
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, 2 * TARN_LIMIT_SQL_BYTES);
    if (rows->count == 0) {
        tarn_base_buffer_string(&sql, empty);
    } else {
        tarn_base_buffer_printf(&sql, "SELECT * FROM (VALUES %s)) AS t(%s)", rows->sql.data,
                                names);
    }
    bool ok = tarn_base_buffer_check(&rows->sql, error) && tarn_base_buffer_check(&sql, error) &&
              tarn_engine_query(statement->query->session, tarn_base_buffer_view(&sql), NULL, 0,
                                &statement->rows, error);
    tarn_base_buffer_dispose(&sql);
    tarn_base_buffer_dispose(&rows->sql);
    return ok;
}

/* --- DESCRIBE --- */

static void put_field(Rows *rows, const TarnField *field) {
    TarnBuffer type;
    tarn_base_buffer_init(&type, TARN_MIB);
    tarn_table_type_to_sql(&field->type, &type);
    put_text(rows, field->name);
    put_text(rows, type.data != NULL ? type.data : "");
    put_text(rows, field->required ? "NO" : "YES");
    put_text(rows, field->doc);
    end_row(rows);
    tarn_base_buffer_dispose(&type);
}

static bool describe(TarnStatement *statement, const TarnParsed *parsed, TarnError *error) {
    static const char names[] = "column_name, column_type, \"null\", comment";
    TarnCatalog *catalog = statement->query->catalog;
    const TarnTable *table = NULL;
    TarnView *view = NULL;
    TarnSchema schema = {0};
    Rows rows;
    if (!tarn_catalog_table_find(catalog, parsed->name, &table, error) ||
        !tarn_catalog_view_find(catalog, parsed->name, &statement->arena, &view, error)) {
        return false;
    }
    if (table == NULL && view == NULL) {
        if (tarn_catalog_table_load(catalog, parsed->name, &table, error)) return false;
        TarnError told = *error;
        tarn_query__error_at(parsed->tokens.source, parsed->name_offset, told.code, error, "%s",
                             told.message);
        return tarn_base_error_hint(error, "%s", told.hint);
    }
    if (table != NULL) {
        schema = *tarn_table_metadata_current_schema(table->metadata);
    } else {
        TarnJson *json = NULL;
        if (!tarn_base_json_parse(tarn_base_text(view->schema_json), NULL, &statement->arena,
                                  &json, error) ||
            !tarn_table_schema_from_json(json, &statement->arena, &schema, error)) {
            return false;
        }
    }
    rows_init(&rows);
    for (size_t i = 0; i < schema.field_count; i++) put_field(&rows, &schema.fields[i]);
    bool ok = run_rows(statement, &rows, names, "SELECT 1 WHERE false", error);
    tarn_catalog_table_release(table);
    return ok;
}

/* --- SHOW --- */

static bool show_tables(TarnStatement *statement, const TarnParsed *parsed, TarnError *error) {
    TarnRelation *relations = NULL;
    size_t count = 0;
    Rows rows;
    if (!tarn_catalog_list(statement->query->catalog, parsed->show_from, &statement->arena,
                           &relations, &count, error)) {
        return false;
    }
    rows_init(&rows);
    for (size_t i = 0; i < count; i++) {
        put_text(&rows, tarn_catalog_name_text(relations[i].name, &statement->arena));
        put_text(&rows, relations[i].kind == TARN_RELATION_VIEW ? "view" : "table");
        put_int(&rows, relations[i].rows, relations[i].rows >= 0);
        put_int(&rows, relations[i].bytes, relations[i].bytes >= 0);
        end_row(&rows);
    }
    return run_rows(statement, &rows, "name, kind, \"rows\", bytes",
                    "SELECT ''::VARCHAR AS name, ''::VARCHAR AS kind, 0::BIGINT AS \"rows\", "
                    "0::BIGINT AS bytes WHERE false",
                    error);
}

static bool show_schemas(TarnStatement *statement, TarnError *error) {
    const char **names = NULL;
    size_t count = 0;
    Rows rows;
    if (!tarn_catalog_namespace_list(statement->query->catalog, &statement->arena, &names, &count,
                                     error)) {
        return false;
    }
    rows_init(&rows);
    for (size_t i = 0; i < count; i++) {
        put_text(&rows, names[i]);
        end_row(&rows);
    }
    return run_rows(statement, &rows, "name", "SELECT ''::VARCHAR AS name WHERE false", error);
}

/* --- EXPLAIN --- */

static bool explain(TarnStatement *statement, const TarnParsed *parsed, const TarnRunOptions *run,
                    TarnError *error) {
    TarnPrepared prepared;
    Rows rows;
    TarnArena *arena = &statement->arena;
    if (!tarn_query__prepare_inner(statement, parsed, run, &prepared, error)) {
        return false;
    }
    rows_init(&rows);
    for (size_t i = 0; i < prepared.scan_count; i++) {
        const TarnScanStats *stats = &prepared.scans[i];
        put_text(&rows, tarn_catalog_name_text(stats->table, arena));
        put_int(&rows, stats->snapshot_id, stats->snapshot_id != TARN_ABSENT);
        put_int(&rows, stats->files, true);
        put_int(&rows, stats->files_total, stats->files_total != TARN_ABSENT);
        put_int(&rows, stats->bytes, true);
        put_int(&rows, stats->rows, true);
        put_text(&rows, prepared.filters[i]);
        end_row(&rows);
    }
    tarn_query__prepared_release(&prepared);
    return run_rows(statement, &rows,
                    "\"table\", snapshot_id, files, files_total, bytes, \"rows\", filter",
                    "SELECT ''::VARCHAR AS \"table\", 0::BIGINT AS snapshot_id, 0::BIGINT AS files,"
                    " 0::BIGINT AS files_total, 0::BIGINT AS bytes, 0::BIGINT AS \"rows\","
                    " ''::VARCHAR AS filter WHERE false",
                    error);
}

/* The engine's account of a run, a row for each line. */
static bool put_lines(Rows *rows, TarnEngineResult *account, TarnError *error) {
    const TarnEngineChunk *chunk = NULL;
    TarnText line;
    while (tarn_engine_result_next(account, &chunk, error)) {
        if (chunk == NULL) return true;
        for (uint64_t row = 0; row < chunk->rows; row++) {
            TarnText rest = tarn_engine_vector_text(&chunk->columns[chunk->column_count - 1], row);
            while (rest.size > 0) {
                line = tarn_base_text_split(rest, '\n', &rest);
                begin_cell(rows);
                tarn_base_buffer_literal(&rows->sql, line);
                end_row(rows);
            }
        }
    }
    return false;
}

/* EXPLAIN ANALYZE: the SELECT is run, its rows are counted and thrown away. */
static bool explain_analyze(TarnStatement *statement, const TarnParsed *parsed,
                            const TarnRunOptions *run, TarnError *error) {
    TarnPrepared prepared;
    TarnBuffer sql;
    Rows rows;
    TarnEngineResult *account = NULL;
    if (!tarn_query__prepare_inner(statement, parsed, run, &prepared, error)) return false;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "EXPLAIN ANALYZE\n");
    tarn_base_buffer_text(&sql, prepared.rewritten.sql);
    bool ok = tarn_base_buffer_check(&sql, error) &&
              tarn_engine_query(statement->query->session, tarn_base_buffer_view(&sql), NULL, 0,
                                &account, error);
    if (!ok && error->line > 1) error->line--;
    if (!ok) tarn_query__error_back(&prepared.rewritten, error);
    rows_init(&rows);
    ok = ok && put_lines(&rows, account, error);
    tarn_engine_result_free(account);
    tarn_query__prepared_release(&prepared);
    tarn_base_buffer_dispose(&sql);
    if (ok) {
        return run_rows(statement, &rows, "plan", "SELECT ''::VARCHAR AS plan WHERE false", error);
    }
    tarn_base_buffer_dispose(&rows.sql);
    return false;
}

static bool show_dropped(TarnStatement *statement, const TarnParsed *parsed, TarnError *error) {
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    bool ok = tarn_query__dropped_sql(statement, parsed->show_from, &sql, error) &&
              tarn_engine_query(statement->query->session, tarn_base_buffer_view(&sql), NULL, 0,
                                &statement->rows, error);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

bool tarn_query__look(TarnStatement *statement, const TarnParsed *parsed,
                      const TarnRunOptions *run, TarnError *error) {
    if (parsed->kind == TARN_STATEMENT_EXPLAIN) {
        return parsed->analyze ? explain_analyze(statement, parsed, run, error)
                               : explain(statement, parsed, run, error);
    }
    if (parsed->kind == TARN_STATEMENT_DESCRIBE) return describe(statement, parsed, error);
    if (parsed->show == TARN_SHOW_DROPPED) return show_dropped(statement, parsed, error);
    return parsed->show == TARN_SHOW_SCHEMAS ? show_schemas(statement, error)
                                             : show_tables(statement, parsed, error);
}
