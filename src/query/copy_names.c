/* What COPY .. FROM reads from a file, and the names that the file has.
 *
 * CSV goes by place, so its first line is looked at: it is a header if it has the columns' names in
 * their order, or if the statement says so. The engine's own guess takes the first row of a file
 * of texts for a header, and the row is lost. Names in another order would fill the wrong columns,
 * and are refused. JSON and Parquet go by their names.
 */
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "query/copy_private.h"
#include "query/parse_cursor_private.h"

/* --- the function that reads --- */

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

static void put_columns(const TarnCopyFrom *copy, bool as_text, TarnBuffer *sql) {
    TarnBuffer type;
    tarn_base_buffer_init(&type, TARN_MIB);
    tarn_base_buffer_string(sql, ", columns = {");
    for (size_t i = 0; i < copy->field_count; i++) {
        tarn_base_buffer_string(sql, i > 0 ? ", " : "");
        tarn_base_buffer_literal(sql, tarn_base_text(copy->fields[i]->name));
        tarn_base_buffer_string(sql, ": ");
        tarn_base_buffer_clear(&type);
        if (as_text) {
            tarn_base_buffer_string(&type, "VARCHAR");
        } else {
            tarn_table_type_to_sql(&copy->fields[i]->type, &type);
        }
        tarn_base_buffer_literal(sql, tarn_base_buffer_view(&type));
    }
    tarn_base_buffer_byte(sql, '}');
    tarn_base_buffer_dispose(&type);
}

static const TarnCopyOption *find_option(const TarnCopyFrom *copy, const char *name) {
    for (size_t i = 0; i < copy->parsed->copy.options.count; i++) {
        const TarnCopyOption *option = &copy->parsed->copy.options.items[i];
        if (strcmp(option->name, name) == 0) return option;
    }
    return NULL;
}

static bool is_off(const TarnCopyFrom *copy, const TarnCopyOption *option) {
    static const char *const words[] = {"false", "off", "0", "f", "no"};
    if (option == NULL || option->count == 0) return false;
    TarnText value = copy->parsed->tokens.items[option->first].value;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t size = strlen(words[i]);
        if (value.size == size && strncasecmp(value.data, words[i], size) == 0) return true;
    }
    return false;
}

static void put_options(const TarnCopyFrom *copy, TarnCopyReading reading, TarnBuffer *sql) {
    const TarnCopyStatement *statement = &copy->parsed->copy;
    for (size_t i = 0; i < statement->options.count; i++) {
        const TarnCopyOption *option = &statement->options.items[i];
        if (strcmp(option->name, "array") == 0) {
            tarn_base_buffer_printf(sql, ", format = '%s'",
                                    is_off(copy, option) ? "newline_delimited" : "array");
            continue;
        }
        if (strcmp(option->name, "header") == 0) continue;
        tarn_base_buffer_printf(sql, ", %s = ", option->read);
        put_argument(copy->parsed, option, sql);
    }
    if (statement->format != TARN_COPY_CSV) return;
    bool header = reading == TARN_COPY_ROWS && copy->header;
    tarn_base_buffer_string(sql, header ? ", header = true" : ", header = false");
}

/* Nothing to read: columns without rows. */
static void put_no_rows(const TarnCopyFrom *copy, TarnBuffer *sql) {
    for (size_t i = 0; i < copy->field_count; i++) {
        tarn_base_buffer_string(sql, i > 0 ? ", NULL AS " : " FROM (SELECT NULL AS ");
        tarn_base_buffer_identifier(sql, tarn_base_text(copy->fields[i]->name));
    }
    tarn_base_buffer_string(sql, ") WHERE false");
}

void tarn_query__copy_reader(const TarnCopyFrom *copy, TarnCopyReading reading, TarnBuffer *sql) {
    static const char *const names[] = {
        [TARN_COPY_CSV] = "csv", [TARN_COPY_JSON] = "json", [TARN_COPY_PARQUET] = "parquet"};
    TarnCopyFormat format = copy->parsed->copy.format;
    if (copy->empty) {
        put_no_rows(copy, sql);
        return;
    }
    tarn_base_buffer_printf(sql, " FROM read_%s(", names[format]);
    tarn_base_buffer_literal(sql, tarn_base_text(copy->file.path));
    tarn_base_buffer_string(sql, ", hive_partitioning = false");
    if (reading == TARN_COPY_NAMES && format == TARN_COPY_JSON) {
        tarn_base_buffer_string(sql, ", sample_size = -1, maximum_depth = 1"
                                     ", map_inference_threshold = -1");
    } else if (format != TARN_COPY_PARQUET) {
        put_columns(copy, reading == TARN_COPY_NAMES, sql);
    }
    put_options(copy, reading, sql);
    tarn_base_buffer_byte(sql, ')');
}

/* --- errors --- */

static bool fail(const TarnCopyFrom *copy, TarnErrorCode code, const char *what, const char *name) {
    return tarn_query__error_at(copy->parsed->tokens.source, copy->parsed->copy.path_offset, code,
                                copy->error, what, name);
}

/* --- names of JSON and Parquet --- */

static bool refuse_field(const TarnCopyFrom *copy, const char *name) {
    bool json = copy->parsed->copy.format == TARN_COPY_JSON;
    return fail(copy, TARN_E_SQL_BIND, "the file has a field \"%s\" that no column takes", name) ||
           tarn_base_error_hint(copy->error,
                                json ? "name the columns that are wanted: COPY t (a, b) FROM ..; "
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

static bool is_wanted(const TarnCopyFrom *copy, const char *name, bool exact) {
    for (size_t i = 0; i < copy->field_count; i++) {
        if ((exact ? strcmp : strcasecmp)(copy->fields[i]->name, name) == 0) return true;
    }
    return false;
}

/* Parquet has all columns, in any order. JSON may lack some, which are null then, but not those
 * that the statement names; and may have more than those. */
static bool check_fields(const TarnCopyFrom *copy, const TarnEngineResult *fields) {
    bool json = copy->parsed->copy.format == TARN_COPY_JSON;
    bool named = copy->parsed->insert_columns.count > 0;
    for (uint32_t i = 0; i < tarn_engine_result_column_count(fields); i++) {
        const char *name = tarn_engine_result_column_name(fields, i);
        if (!(json && named) && !is_wanted(copy, name, json)) return refuse_field(copy, name);
    }
    for (size_t i = 0; (!json || named) && i < copy->field_count; i++) {
        const char *name = copy->fields[i]->name;
        if (has_name(fields, name, json)) continue;
        return fail(copy, TARN_E_SQL_BIND,
                    json ? "the file has no field \"%s\"" : "the file has no column \"%s\"", name);
    }
    return true;
}

/* The engine tells a file without objects by one column "json", which may also be a field. */
static bool find_empty(TarnCopyFrom *copy, const TarnEngineResult *fields) {
    TarnText count;
    TarnBuffer sql;
    bool sign = copy->parsed->copy.format == TARN_COPY_JSON &&
                tarn_engine_result_column_count(fields) == 1 &&
                strcmp(tarn_engine_result_column_name(fields, 0), "json") == 0;
    if (!sign) return true;
    tarn_base_buffer_init(&sql, TARN_MIB);
    tarn_base_buffer_string(&sql, "SELECT count(*)");
    tarn_query__copy_reader(copy, TARN_COPY_NAMES, &sql);
    bool ok = tarn_base_buffer_check(&sql, copy->error) &&
              tarn_engine_query_text(copy->session, tarn_base_buffer_view(&sql), NULL, 0,
                                     copy->arena, &count, copy->error);
    copy->empty = ok && tarn_base_text_is(count, "0");
    tarn_base_buffer_dispose(&sql);
    return ok;
}

static bool compare_fields(TarnCopyFrom *copy) {
    TarnEngineResult *fields = NULL;
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT *");
    tarn_query__copy_reader(copy, TARN_COPY_NAMES, &sql);
    bool ok = tarn_base_buffer_check(&sql, copy->error) &&
              tarn_engine_describe(copy->session, tarn_base_buffer_view(&sql), &fields,
                                   copy->error) &&
              find_empty(copy, fields) && (copy->empty || check_fields(copy, fields));
    tarn_engine_result_free(fields);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

/* --- the first line of CSV --- */

static bool is_name_of(const TarnCopyFrom *copy, size_t field, TarnText text) {
    const char *name = copy->fields[field]->name;
    return text.data != NULL && strlen(name) == text.size &&
           strncasecmp(name, text.data, text.size) == 0;
}

/* Whether the texts are the columns' names: in order, or all of them in another one. */
static void compare_line(const TarnCopyFrom *copy, const TarnText *texts, bool *same,
                         bool *shuffled) {
    size_t places = 0;
    size_t names = 0;
    for (size_t i = 0; i < copy->field_count; i++) {
        places += is_name_of(copy, i, texts[i]);
        for (size_t j = 0; j < copy->field_count; j++) names += is_name_of(copy, i, texts[j]);
    }
    *same = places == copy->field_count;
    *shuffled = !*same && names == copy->field_count;
}

static bool read_line(TarnCopyFrom *copy, TarnText *texts) {
    TarnEngineResult *rows = NULL;
    const TarnEngineChunk *chunk = NULL;
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT *");
    tarn_query__copy_reader(copy, TARN_COPY_NAMES, &sql);
    tarn_base_buffer_string(&sql, " LIMIT 1");
    bool ok = tarn_base_buffer_check(&sql, copy->error) &&
              tarn_engine_query(copy->session, tarn_base_buffer_view(&sql), NULL, 0, &rows,
                                copy->error) &&
              tarn_engine_result_next(rows, &chunk, copy->error);
    copy->empty = ok && (chunk == NULL || chunk->rows == 0);
    for (uint32_t i = 0; ok && !copy->empty && i < chunk->column_count; i++) {
        if (i >= copy->field_count || tarn_engine_vector_null(&chunk->columns[i], 0)) continue;
        TarnText text = tarn_engine_vector_text(&chunk->columns[i], 0);
        texts[i] = (TarnText){tarn_base_text_string(copy->arena, text), text.size};
    }
    tarn_engine_result_free(rows);
    tarn_base_buffer_dispose(&sql);
    return ok && tarn_base_arena_check(copy->arena, copy->error);
}

static bool find_header(TarnCopyFrom *copy) {
    const TarnCopyOption *option = find_option(copy, "header");
    TarnText *texts = TARN_NEW_ARRAY(copy->arena, copy->field_count + 1, TarnText);
    bool same = false;
    bool shuffled = false;
    if (texts == NULL) return tarn_base_arena_check(copy->arena, copy->error);
    copy->header = option != NULL && !is_off(copy, option);
    copy->guesses = option == NULL;
    if (copy->file.pattern) {
        if (option != NULL) return true;
        (void)fail(copy, TARN_E_SQL_SYNTAX, "whether %s files begin with a header is to be said",
                   "several");
        return tarn_base_error_hint(copy->error, "write (HEADER) or (HEADER false)");
    }
    if (option != NULL && !copy->header) return true;
    if (!read_line(copy, texts)) return false;
    if (!copy->empty) compare_line(copy, texts, &same, &shuffled);
    if (option == NULL) copy->header = same;
    if (!shuffled) return true;
    (void)fail(copy, TARN_E_SQL_BIND, "the file has the columns in another %s", "order");
    return tarn_base_error_hint(copy->error, "name them in the file's: COPY t (b, a) FROM ..");
}

bool tarn_query__copy_names(TarnCopyFrom *copy) {
    if (copy->file.size == 0 && !copy->file.pattern) {
        copy->empty = copy->parsed->copy.format != TARN_COPY_PARQUET;
        if (copy->empty) return true;
    }
    return copy->parsed->copy.format == TARN_COPY_CSV ? find_header(copy) : compare_fields(copy);
}
