/* COPY: files of this machine into tables, and rows into such files.
 *
 * FROM is an INSERT whose rows DuckDB reads from the file, in an engine of its own that may open
 * the lake's folders and the file's, and nothing else; the statement's engine stays as it is. CSV
 * is read by place, with the table's types; JSON and Parquet have names, and are read by them: a
 * field that no column takes ends the statement, unless it says which columns it wants.
 * TO is a SELECT that DuckDB writes. copy_file.c says which files, and when they appear.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/fault.h"
#include "base/limits.h"
#include "query/copy_private.h"
#include "query/dml_private.h"
#include "query/functions.h"
#include "query/insert_private.h"
#include "query/parse_cursor_private.h"
#include "query/storage.h"

/* --- options --- */

/* A value as an argument of a function: names are texts there, and lists have square brackets. */
static void put_argument(const TarnParsed *parsed, const TarnCopyOption *option, TarnBuffer *sql) {
    if (option->count == 0) tarn_base_buffer_string(sql, "true");
    for (size_t i = 0; i < option->count; i++) {
        const TarnToken *token = &parsed->tokens.items[option->first + i];
        bool plain = tarn_query__token_is(token, "true") || tarn_query__token_is(token, "false") ||
                     tarn_query__token_is(token, "null");
        if (tarn_query__token_symbol(token, "(")) {
            tarn_base_buffer_byte(sql, '[');
        } else if (tarn_query__token_symbol(token, ")")) {
            tarn_base_buffer_byte(sql, ']');
        } else if (tarn_query__is_name(token) && !plain) {
            tarn_base_buffer_literal(sql, token->value);
        } else {
            tarn_base_buffer_text(sql, token->text);
        }
    }
}

static void put_option(const TarnParsed *parsed, const TarnCopyOption *option, TarnBuffer *sql) {
    tarn_base_buffer_printf(sql, ", %s ", option->name);
    for (size_t i = 0; i < option->count; i++) {
        const TarnToken *token = &parsed->tokens.items[option->first + i];
        tarn_base_buffer_text(sql, token->text);
        tarn_base_buffer_byte(sql, ' ');
    }
}

/* --- COPY .. FROM --- */

typedef struct CopyFrom {
    TarnInsert *write;
    const TarnParsed *parsed;
    const TarnSchema *schema;
    TarnCopyFile file;
    bool *taken; /* per column of the schema */
    const TarnField **fields; /* in the order of the file's columns, for CSV */
    size_t field_count;
    TarnEngine *engine;
    TarnArena *arena;
    TarnError *error;
} CopyFrom;

static bool choose_columns(CopyFrom *copy) {
    const TarnParsed *parsed = copy->parsed;
    const TarnSchema *schema = copy->schema;
    size_t named = parsed->insert_columns.count;
    copy->field_count = named > 0 ? named : schema->field_count;
    copy->fields = TARN_NEW_ARRAY(copy->arena, copy->field_count + 1, const TarnField *);
    copy->taken = TARN_NEW_ARRAY(copy->arena, schema->field_count + 1, bool);
    if (!tarn_base_arena_check(copy->arena, copy->error)) return false;
    for (size_t i = 0; i < copy->field_count; i++) {
        const TarnField *field = &schema->fields[i];
        if (named > 0) {
            TarnText name = parsed->insert_columns.items[i];
            field = tarn_query__find_field(schema, name);
            if (field == NULL) {
                return tarn_query__refuse_column(parsed, schema, name, copy->arena, copy->error);
            }
        }
        bool *taken = &copy->taken[field - schema->fields];
        if (*taken) {
            return tarn_base_error_set(copy->error, TARN_E_SQL_BIND,
                                       "the column \"%s\" is filled twice", field->name);
        }
        *taken = true;
        copy->fields[i] = field;
    }
    return true;
}

static void put_columns(const CopyFrom *copy, TarnBuffer *sql) {
    TarnBuffer type;
    tarn_base_buffer_init(&type, TARN_MIB);
    tarn_base_buffer_string(sql, ", columns = {");
    for (size_t i = 0; i < copy->field_count; i++) {
        tarn_base_buffer_string(sql, i > 0 ? ", " : "");
        tarn_base_buffer_literal(sql, tarn_base_text(copy->fields[i]->name));
        tarn_base_buffer_string(sql, ": ");
        tarn_base_buffer_clear(&type);
        tarn_table_type_to_sql(&copy->fields[i]->type, &type);
        tarn_base_buffer_literal(sql, tarn_base_buffer_view(&type));
    }
    tarn_base_buffer_byte(sql, '}');
    tarn_base_buffer_dispose(&type);
}

/* " FROM read_csv('file', ..)"; `whole`: to learn the names of all fields there are. */
static void put_reader(const CopyFrom *copy, bool whole, TarnBuffer *sql) {
    static const char *const names[] = {
        [TARN_COPY_CSV] = "csv", [TARN_COPY_JSON] = "json", [TARN_COPY_PARQUET] = "parquet"};
    const TarnCopyStatement *statement = &copy->parsed->copy;
    TarnCopyFormat format = statement->format;
    tarn_base_buffer_printf(sql, " FROM read_%s(", names[format]);
    tarn_base_buffer_literal(sql, tarn_base_text(copy->file.path));
    tarn_base_buffer_string(sql, ", hive_partitioning = false");
    if (whole && format == TARN_COPY_JSON) {
        tarn_base_buffer_string(sql, ", sample_size = -1, maximum_depth = 1"
                                     ", map_inference_threshold = -1");
    } else if (format != TARN_COPY_PARQUET) {
        put_columns(copy, sql);
    }
    for (size_t i = 0; i < statement->options.count; i++) {
        const TarnCopyOption *option = &statement->options.items[i];
        if (strcmp(option->name, "array") == 0) {
            bool lines = option->count > 0 &&
                         tarn_query__token_is(&copy->parsed->tokens.items[option->first], "false");
            tarn_base_buffer_string(sql, lines ? ", format = 'newline_delimited'"
                                               : ", format = 'array'");
            continue;
        }
        tarn_base_buffer_printf(sql, ", %s = ", option->read);
        put_argument(copy->parsed, option, sql);
    }
    tarn_base_buffer_byte(sql, ')');
}

static bool make_select(CopyFrom *copy) {
    const TarnSchema *schema = copy->schema;
    TarnBuffer sql;
    bool ok = true;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    for (size_t i = 0; ok && i < schema->field_count; i++) {
        TarnText name = tarn_base_text(schema->fields[i].name);
        tarn_base_buffer_string(&sql, i > 0 ? ", " : "SELECT ");
        if (copy->taken[i]) {
            tarn_base_buffer_identifier(&sql, name);
        } else {
            ok = tarn_query__default_write(&schema->fields[i], copy->arena, &sql, copy->error);
        }
        tarn_base_buffer_string(&sql, " AS ");
        tarn_base_buffer_identifier(&sql, name);
    }
    put_reader(copy, false, &sql);
    ok = ok && tarn_base_buffer_check(&sql, copy->error);
    copy->write->select.size = sql.size;
    copy->write->select.data = ok ? tarn_base_buffer_keep(&sql, copy->arena) : NULL;
    tarn_base_buffer_dispose(&sql);
    return ok && tarn_base_arena_check(copy->arena, copy->error);
}

/* --- the names in a file --- */

static bool refuse_field(const CopyFrom *copy, const char *name) {
    tarn_query__error_at(copy->parsed->tokens.source, copy->parsed->copy.path_offset,
                         TARN_E_SQL_BIND, copy->error,
                         "the file has a field \"%s\" that no column takes", name);
    return tarn_base_error_hint(copy->error,
                                copy->parsed->copy.format == TARN_COPY_JSON
                                    ? "name the columns that are wanted: COPY t (a, b) FROM ..; "
                                      "or add the column"
                                    : "INSERT .. SELECT from a table that tarn load makes of it");
}

static bool has_name(const TarnEngineResult *fields, const char *name, bool exact) {
    for (uint32_t i = 0; i < tarn_engine_result_column_count(fields); i++) {
        const char *own = tarn_engine_result_column_name(fields, i);
        if ((exact ? strcmp : strcasecmp)(own, name) == 0) return true;
    }
    return false;
}

static bool is_wanted(const CopyFrom *copy, const char *name, bool exact) {
    for (size_t i = 0; i < copy->field_count; i++) {
        if ((exact ? strcmp : strcasecmp)(copy->fields[i]->name, name) == 0) return true;
    }
    return false;
}

/* Parquet has all columns, in any order; JSON may lack some, which are null then. */
static bool check_fields(const CopyFrom *copy, const TarnEngineResult *fields) {
    bool json = copy->parsed->copy.format == TARN_COPY_JSON;
    for (uint32_t i = 0; i < tarn_engine_result_column_count(fields); i++) {
        const char *name = tarn_engine_result_column_name(fields, i);
        if (!is_wanted(copy, name, json)) return refuse_field(copy, name);
    }
    for (size_t i = 0; !json && i < copy->field_count; i++) {
        const char *name = copy->fields[i]->name;
        if (has_name(fields, name, false)) continue;
        return tarn_query__error_at(copy->parsed->tokens.source, copy->parsed->copy.path_offset,
                                    TARN_E_SQL_BIND, copy->error,
                                    "the file has no column \"%s\"", name);
    }
    return true;
}

static bool compare_names(const CopyFrom *copy) {
    TarnEngineResult *fields = NULL;
    TarnBuffer sql;
    TarnCopyFormat format = copy->parsed->copy.format;
    bool chosen = copy->parsed->insert_columns.count > 0;
    if (format == TARN_COPY_CSV || (format == TARN_COPY_JSON && chosen)) return true;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT *");
    put_reader(copy, true, &sql);
    bool ok = tarn_base_buffer_check(&sql, copy->error) &&
              tarn_engine_describe(copy->write->session, tarn_base_buffer_view(&sql), &fields,
                                   copy->error) &&
              check_fields(copy, fields);
    tarn_engine_result_free(fields);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

/* --- running it --- */

/* One of its own: the statement's engine may not open the file, and cannot be told to any more. */
static bool open_engine(CopyFrom *copy) {
    TarnQuery *query = copy->write->statement->query;
    const char *folders[] = {query->options.engine.temp_directory, copy->file.folder};
    TarnEngineOptions options = query->options.engine;
    options.database = NULL;
    options.immutable_files = false;
    if (!tarn_engine_open(&options, &copy->engine, copy->error) ||
        !tarn_engine_session_open(copy->engine, &copy->write->session, copy->error)) {
        return false;
    }
    tarn_engine_session_watch_as(copy->write->session, query->session);
    return tarn_query_functions_register(copy->write->session, copy->error) &&
           tarn_query_storage_attach(copy->engine, query->catalog, NULL, copy->error) &&
           tarn_query_storage_lock(copy->engine, query->catalog, folders, 2, copy->error);
}

static void cut(char *text, const char *at) {
    char *found = strstr(text, at);
    if (found != NULL) *found = '\0';
}

/* "CSV Error on Line: 3; original Line: x; error when ..; column ..; file = ..; delimiter = .." */
static void tell_row(const CopyFrom *copy, const char *after) {
    TarnError *error = copy->error;
    int64_t line = 0;
    TarnText rest;
    TarnText number = tarn_base_text_split(tarn_base_text(after), ';', &rest);
    const char *file = strstr(after, "; file = ");
    char path[sizeof(error->file)] = "";
    if (file != NULL) (void)snprintf(path, sizeof(path), "%s", file + strlen("; file = "));
    cut(path, ";");
    char reason[sizeof(error->message)];
    (void)snprintf(reason, sizeof(reason), "%.*s", TARN_TEXT_ARG(tarn_base_text_trim(rest)));
    cut(reason, "; file = ");
    cut(reason, "; column ");
    cut(reason, "; possible ");
    tarn_base_error_set(error, TARN_E_ROW_REFUSED, "%s", reason);
    tarn_base_error_hint(error, "rows that do not fit are kept by: tarn load --on-error "
                                "quarantine");
    if (tarn_base_text_to_int64(tarn_base_text_trim(number), &line) && line > 0 &&
        line <= UINT32_MAX) {
        tarn_base_error_place(error, path, (uint32_t)line, 1);
    }
}

/* What the engine says of a file it cannot read. Its places are of SQL that no user wrote. */
static bool tell(const CopyFrom *copy) {
    static const char LINE[] = "CSV Error on Line: ";
    TarnError *error = copy->error;
    bool placed = error->detail[0] != '\0' && strstr(error->detail, "read_") == NULL;
    if (error->code == TARN_E_SQL_BIND && placed) return false; /* the statement's own */
    if (error->code != TARN_E_SQL_EXECUTION && error->code != TARN_E_SQL_BIND) return false;
    error->line = 0;
    error->detail[0] = '\0';
    const char *row = strstr(error->message, LINE);
    if (row != NULL) {
        char after[sizeof(error->message)];
        (void)snprintf(after, sizeof(after), "%s", row + sizeof(LINE) - 1);
        tell_row(copy, after);
    } else if (strstr(error->message, "sniffing file") != NULL) {
        return tarn_query__error_at(copy->parsed->tokens.source, copy->parsed->copy.path_offset,
                                    TARN_E_SOURCE_UNREADABLE, error,
                                    "the file cannot be read as CSV of %zu column%s",
                                    copy->field_count, copy->field_count == 1 ? "" : "s") ||
               tarn_base_error_hint(error, "name the columns that it has, COPY t (a, b) FROM .., "
                                           "or say how it is written: (DELIMITER ';', HEADER)");
    }
    return false;
}

static bool note_lineage(CopyFrom *copy) {
    TarnLineageEdge *edge = TARN_NEW(copy->arena, TarnLineageEdge);
    if (edge == NULL) return tarn_base_arena_check(copy->arena, copy->error);
    edge->from = tarn_base_arena_printf(copy->arena, "source:%s", copy->file.name);
    copy->write->edges = edge;
    copy->write->edge_count = 1;
    return tarn_base_arena_check(copy->arena, copy->error);
}

bool tarn_query__copy_from(TarnStatement *statement, const TarnParsed *parsed,
                           const TarnRunOptions *run, TarnError *error) {
    TarnInsert write = {
        .statement = statement, .parsed = parsed, .name = parsed->name, .error = error};
    CopyFrom copy = {
        .write = &write, .parsed = parsed, .arena = &statement->arena, .error = error};
    if (!tarn_query__copy_file(statement->query, parsed, copy.arena, &copy.file, error) ||
        !tarn_query__insert_open(&write, run)) {
        return false;
    }
    copy.schema = tarn_table_metadata_current_schema(write.metadata);
    bool ok = choose_columns(&copy) && open_engine(&copy) &&
              ((compare_names(&copy) && make_select(&copy) && note_lineage(&copy) &&
                tarn_query__insert_rows(&write)) ||
               tell(&copy));
    tarn_engine_session_close(write.session);
    tarn_engine_close(copy.engine);
    tarn_catalog_table_release(write.base);
    if (!ok) return false;
    statement->message = tarn_base_arena_printf(
        &statement->arena, "copied %" PRId64 " row%s into %s.%s", statement->rows_changed,
        statement->rows_changed == 1 ? "" : "s", parsed->name.ns, parsed->name.name);
    return tarn_base_arena_check(&statement->arena, error);
}

/* --- COPY .. TO --- */

/* SELECT columns FROM table, as a person writes it. */
static bool select_table(const TarnParsed *parsed, TarnArena *arena, TarnText *select,
                         TarnError *error) {
    TarnReference reference;
    TarnBuffer sql;
    if (!tarn_query__reference_of(parsed->name, arena, &reference, error)) return false;
    tarn_base_buffer_init(&sql, TARN_MIB);
    tarn_base_buffer_string(&sql, parsed->insert_columns.count > 0 ? "SELECT " : "SELECT *");
    for (size_t i = 0; i < parsed->insert_columns.count; i++) {
        tarn_base_buffer_string(&sql, i > 0 ? ", " : "");
        tarn_base_buffer_identifier(&sql, parsed->insert_columns.items[i]);
    }
    tarn_base_buffer_string(&sql, " FROM ");
    tarn_base_buffer_identifier(&sql, tarn_base_text(reference.catalog));
    if (strcmp(reference.schema, "main") != 0) { /* it would be taken for a namespace */
        tarn_base_buffer_byte(&sql, '.');
        tarn_base_buffer_identifier(&sql, tarn_base_text(reference.schema));
    }
    tarn_base_buffer_byte(&sql, '.');
    tarn_base_buffer_identifier(&sql, tarn_base_text(reference.table));
    bool ok = tarn_base_buffer_check(&sql, error);
    *select = (TarnText){ok ? tarn_base_buffer_keep(&sql, arena) : NULL, sql.size};
    tarn_base_buffer_dispose(&sql);
    return ok && tarn_base_arena_check(arena, error);
}

static bool prepare_rows(TarnStatement *statement, const TarnParsed *parsed,
                         const TarnRunOptions *run, TarnPrepared *prepared, TarnError *error) {
    TarnText select;
    if (parsed->select.data != NULL) {
        return tarn_query__prepare_inner(statement, parsed, run, prepared, error);
    }
    if (!select_table(parsed, &statement->arena, &select, error)) return false;
    if (tarn_query__prepare(statement->query, select, run, &statement->arena, prepared, error)) {
        return true;
    }
    TarnError told = *error;
    tarn_query__error_at(parsed->tokens.source, parsed->name_offset, told.code, error, "%s",
                         told.message);
    return tarn_base_error_hint(error, "%s", told.hint);
}

static bool write_rows(TarnStatement *statement, const TarnParsed *parsed,
                       const TarnPrepared *prepared, const TarnCopyDraft *draft,
                       TarnError *error) {
    static const char *const names[] = {
        [TARN_COPY_CSV] = "csv", [TARN_COPY_JSON] = "json", [TARN_COPY_PARQUET] = "parquet"};
    TarnText select = prepared->rewritten.sql;
    TarnBuffer sql;
    if (parsed->copy.format != TARN_COPY_PARQUET &&
        !tarn_query__readable(prepared, &select, error)) {
        return false;
    }
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "COPY (\n");
    tarn_base_buffer_text(&sql, select);
    tarn_base_buffer_string(&sql, "\n) TO ");
    tarn_base_buffer_literal(&sql, tarn_base_text(draft->path));
    tarn_base_buffer_printf(&sql, " (FORMAT %s", names[parsed->copy.format]);
    for (size_t i = 0; i < parsed->copy.options.count; i++) {
        put_option(parsed, &parsed->copy.options.items[i], &sql);
    }
    tarn_base_buffer_byte(&sql, ')');
    bool ok = tarn_base_buffer_check(&sql, error) &&
              tarn_engine_run(statement->query->session, tarn_base_buffer_view(&sql),
                              &statement->rows_changed, error);
    if (!ok) {
        error->line = 0; /* the place is in SQL that no user wrote */
        error->detail[0] = '\0';
    }
    tarn_base_buffer_dispose(&sql);
    return ok;
}

bool tarn_query__copy_to(TarnStatement *statement, const TarnParsed *parsed,
                         const TarnRunOptions *run, TarnError *error) {
    TarnPrepared prepared;
    TarnCopyFile file;
    TarnCopyDraft draft = {0};
    TarnArena *arena = &statement->arena;
    if (!tarn_query__copy_file(statement->query, parsed, arena, &file, error) ||
        !prepare_rows(statement, parsed, run, &prepared, error)) {
        return false;
    }
    statement->scans = prepared.scans;
    statement->scan_count = prepared.scan_count;
    statement->plan = prepared.plan;
    bool ok = tarn_query__copy_draft_begin(statement->query, &file, arena, &draft, error) &&
              write_rows(statement, parsed, &prepared, &draft, error) &&
              !TARN_FAULT("query.copy.before_publish", error) &&
              tarn_query__copy_draft_publish(&draft, &file, error);
    tarn_query__copy_draft_end(&draft);
    tarn_query__prepared_release(&prepared);
    if (!ok) return false;
    statement->message = tarn_base_arena_printf(
        arena, "copied %" PRId64 " row%s to %.*s", statement->rows_changed,
        statement->rows_changed == 1 ? "" : "s", TARN_TEXT_ARG(parsed->copy.path));
    return tarn_base_arena_check(arena, error);
}
