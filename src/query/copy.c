/* COPY: files of this machine into tables, and rows into such files.
 *
 * FROM is an INSERT whose rows DuckDB reads from the file, in an engine of its own that may open
 * the lake's folders and the file's, and nothing else; the statement's engine stays as it is.
 * copy_names.c says what is read and holds its names against the table's.
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

static void put_option(const TarnParsed *parsed, const TarnCopyOption *option, TarnBuffer *sql) {
    tarn_base_buffer_printf(sql, ", %s ", option->name);
    for (size_t i = 0; i < option->count; i++) {
        const TarnToken *token = &parsed->tokens.items[option->first + i];
        tarn_base_buffer_text(sql, token->text);
        tarn_base_buffer_byte(sql, ' ');
    }
}

/* --- COPY .. FROM --- */

static bool choose_columns(TarnCopyFrom *copy) {
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

static bool make_select(TarnCopyFrom *copy) {
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
    tarn_query__copy_reader(copy, TARN_COPY_ROWS, &sql);
    ok = ok && tarn_base_buffer_check(&sql, copy->error);
    copy->write->select.size = sql.size;
    copy->write->select.data = ok ? tarn_base_buffer_keep(&sql, copy->arena) : NULL;
    tarn_base_buffer_dispose(&sql);
    return ok && tarn_base_arena_check(copy->arena, copy->error);
}

/* --- running it --- */

/* One of its own: the statement's engine may not open the file, and cannot be told to any more. */
static bool open_engine(TarnCopyFrom *copy) {
    TarnQuery *query = copy->write->statement->query;
    const char *folders[] = {query->options.engine.temp_directory, copy->file.folder};
    TarnEngineOptions options = query->options.engine;
    options.database = NULL;
    options.immutable_files = false;
    if (!tarn_engine_open(&options, &copy->engine, copy->error) ||
        !tarn_engine_session_open(copy->engine, &copy->session, copy->error)) {
        return false;
    }
    copy->write->session = copy->session;
    tarn_engine_session_watch_as(copy->session, query->session);
    return tarn_query_functions_register(copy->session, copy->error) &&
           tarn_query_storage_attach(copy->engine, query->catalog, NULL, copy->error) &&
           tarn_query_storage_lock(copy->engine, query->catalog, folders, 2, copy->error);
}

static void cut(char *text, const char *at) {
    char *found = strstr(text, at);
    if (found != NULL) *found = '\0';
}

/* "CSV Error on Line: 3; original Line: x; error when ..; column ..; file = ..; delimiter = .." */
static void tell_row(const TarnCopyFrom *copy, const char *after) {
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
    bool known = tarn_base_text_to_int64(tarn_base_text_trim(number), &line);
    tarn_base_error_hint(error, "%s",
                         known && line == 1 && copy->guesses
                             ? "if the first line has names, say so: (HEADER)"
                             : "rows that do not fit are kept by: tarn load --on-error "
                               "quarantine");
    if (known && line > 0 && line <= UINT32_MAX) {
        tarn_base_error_place(error, path, (uint32_t)line, 1);
    }
}

/* What the engine says of a file it cannot read. Its places are of SQL that no user wrote. */
static bool tell(const TarnCopyFrom *copy) {
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

static bool note_lineage(TarnCopyFrom *copy) {
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
    TarnCopyFrom copy = {
        .write = &write, .parsed = parsed, .arena = &statement->arena, .error = error};
    if (!tarn_query__copy_file(statement->query, parsed, copy.arena, &copy.file, error) ||
        !tarn_query__insert_open(&write, run)) {
        return false;
    }
    copy.schema = tarn_table_metadata_current_schema(write.metadata);
    bool ok = choose_columns(&copy) && open_engine(&copy) &&
              ((tarn_query__copy_names(&copy) && make_select(&copy) && note_lineage(&copy) &&
                tarn_query__insert_rows(&write)) ||
               tell(&copy));
    tarn_engine_session_close(copy.session);
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
    tarn_query__statement_reads(statement, &prepared);
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
