/* INSERT and CREATE TABLE: rows into files, files into a commit.
 *
 * INSERT OVERWRITE replaces the partitions that the new rows are of, in a table without partitions
 * all rows.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "query/commit_private.h"
#include "query/dml_private.h"
#include "query/insert_private.h"
#include "query/returning_private.h"
#include "query/transaction_private.h"
#include "query/write.h"

/* --- writing and committing --- */

static TarnStore *store_of(const TarnInsert *write) {
    return write->base != NULL ? write->base->store
                               : tarn_catalog_store(write->statement->query->catalog);
}

/* Where the rows come from; `columns` are the names the outputs get in the table. */
static bool find_lineage(TarnInsert *write, TarnPrepared *prepared, const TarnSchema *columns) {
    const TarnBoundPlan *plan = prepared->plan;
    TarnLineageEdge *edges = NULL;
    for (size_t i = 0; i < plan->output_count && i < columns->field_count; i++) {
        plan->outputs[i].name = columns->fields[i].name;
    }
    bool ok = tarn_query_lineage_edges(plan, prepared->scans, prepared->scan_count, prepared->arena,
                                       &edges, &write->edge_count, write->error);
    write->edges = edges;
    return ok;
}

static bool commit_files(TarnInsert *write, const TarnWrittenFiles *files,
                         const TarnIntent *intent) {
    const TarnParsed *parsed = write->parsed;
    TarnSnapshotChange change = {.operation = TARN_OPERATION_APPEND,
                                 .ref = write->ref,
                                 .create_ref = write->ref != NULL,
                                 .added = files->items,
                                 .added_count = files->count,
                                 .added_sequence_number = TARN_ABSENT,
                                 .starting_snapshot_id = TARN_ABSENT};
    if (parsed->overwrite) {
        bool partitioned = tarn_table_metadata_default_spec(write->metadata)->field_count > 0;
        change.operation = TARN_OPERATION_OVERWRITE;
        change.replace_partitions = partitioned;
        if (!partitioned) {
            change.remove_where = tarn_table_predicate_constant(TARN_PREDICATE_TRUE);
        }
    }
    /* on a branch the rows of main stay, and what they come from */
    bool replaces = parsed->overwrite && !change.replace_partitions && write->ref == NULL;
    TarnTableWrite commit = {.name = write->name,
                             .base = write->base,
                             .create = write->base == NULL ? write->metadata : NULL,
                             .change = write->select.data != NULL ? &change : NULL,
                             .files = files->locations,
                             .file_count = files->count,
                             .edges = write->edges,
                             .edge_count = write->edge_count,
                             .replaces = replaces,
                             .intent = intent,
                             .arena = &write->statement->arena};
    if (!tarn_query__write_commit(write->statement->query, &commit, write->error)) return false;
    write->statement->snapshot_id = commit.snapshot_id;
    return true;
}

bool tarn_query__insert_rows(TarnInsert *write) {
    TarnStatement *statement = write->statement;
    TarnQuery *query = statement->query;
    TarnIntent intent;
    TarnWrittenFiles files = {0};
    if (!tarn_query__intent_take(query, write->metadata->location, &intent, write->error))
        return false;
    TarnWriteOptions options = {.session = write->session != NULL ? write->session
                                                                 : query->session,
                                .store = store_of(write),
                                .metadata = write->metadata,
                                .commit_id = intent.id,
                                .select_sql = write->select};
    bool ok = (write->select.data == NULL ||
               tarn_query_write_files(&options, &statement->arena, &files, write->error)) &&
              (write->returning == NULL ||
               tarn_query__returning_open(write->returning, write->error)) &&
              commit_files(write, &files, &intent);
    if (!ok && !write->error->outcome_unknown) {
        tarn_catalog_intent_abandon(query->catalog, &intent);
    }
    if (ok && write->select.data != NULL) statement->rows_changed = files.rows;
    return ok;
}

/* --- INSERT --- */

const TarnField *tarn_query__find_field(const TarnSchema *schema, TarnText name) {
    for (size_t i = 0; i < schema->field_count; i++) {
        const char *own = schema->fields[i].name;
        if (strlen(own) == name.size && strncasecmp(own, name.data, name.size) == 0) {
            return &schema->fields[i];
        }
    }
    return NULL;
}

bool tarn_query__refuse_column(const TarnParsed *parsed, const TarnSchema *schema, TarnText name,
                               TarnArena *arena, TarnError *error) {
    const char **names = TARN_NEW_ARRAY(arena, schema->field_count + 1, const char *);
    const char *wanted = tarn_base_text_string(arena, name);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < schema->field_count; i++) names[i] = schema->fields[i].name;
    size_t offset = name.data >= parsed->tokens.source.data
                        ? (size_t)(name.data - parsed->tokens.source.data)
                        : 0;
    tarn_query__error_at(parsed->tokens.source, offset, TARN_E_COLUMN_NOT_FOUND, error,
                         "the table \"%s.%s\" has no column \"%s\"", parsed->name.ns,
                         parsed->name.name, wanted);
    const char *near = tarn_base_text_nearest(wanted, names, schema->field_count);
    if (near != NULL) tarn_base_error_hint(error, "did you mean \"%s\"?", near);
    return false;
}

/* For each of the table's columns: which column of the SELECT fills it, -1 = none. */
static bool match_columns(const TarnParsed *parsed, const TarnSchema *schema,
                          const TarnSchema *given, TarnArena *arena, int32_t *sources,
                          TarnError *error) {
    size_t count = parsed->by_name                    ? given->field_count
                   : parsed->insert_columns.count > 0 ? parsed->insert_columns.count
                                                      : schema->field_count;
    for (size_t i = 0; i < schema->field_count; i++) sources[i] = -1;
    if (!parsed->by_name && given->field_count != count) {
        return tarn_base_error_set(error, TARN_E_SQL_BIND,
                                   "%zu columns are to be filled and the SELECT yields %zu", count,
                                   given->field_count);
    }
    for (size_t i = 0; i < count; i++) {
        TarnText name = parsed->by_name                    ? tarn_base_text(given->fields[i].name)
                        : parsed->insert_columns.count > 0 ? parsed->insert_columns.items[i]
                                                           : tarn_base_text(schema->fields[i].name);
        const TarnField *field = tarn_query__find_field(schema, name);
        if (field == NULL) return tarn_query__refuse_column(parsed, schema, name, arena, error);
        size_t index = (size_t)(field - schema->fields);
        if (sources[index] >= 0) {
            return tarn_base_error_set(error, TARN_E_SQL_BIND, "the column \"%s\" is filled twice",
                                       field->name);
        }
        sources[index] = (int32_t)i;
    }
    return true;
}

/* The SELECT with the table's columns in the table's order. */
static bool wrap_select(TarnInsert *write, TarnPrepared *prepared, const TarnParsed *parsed) {
    const TarnSchema *schema = tarn_table_metadata_current_schema(write->metadata);
    TarnError *error = write->error;
    TarnText *select = &write->select;
    TarnSchema given;
    TarnBuffer sql;
    TarnArena *arena = prepared->arena;
    int32_t *sources = TARN_NEW_ARRAY(arena, schema->field_count + 1, int32_t);
    if (sources == NULL) return tarn_base_arena_check(arena, error);
    if (!tarn_query__prepared_schema(prepared, &given, error) ||
        !match_columns(parsed, schema, &given, arena, sources, error)) {
        return false;
    }
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT ");
    bool ok = true;
    for (size_t i = 0; ok && i < schema->field_count; i++) {
        if (i > 0) tarn_base_buffer_string(&sql, ", ");
        if (sources[i] >= 0) {
            tarn_base_buffer_printf(&sql, "\"__c%d\"", sources[i]);
        } else {
            ok = tarn_query__default_write(&schema->fields[i], arena, &sql, error);
        }
        tarn_base_buffer_string(&sql, " AS ");
        tarn_base_buffer_identifier(&sql, tarn_base_text(schema->fields[i].name));
    }
    tarn_base_buffer_string(&sql, " FROM (\n");
    tarn_base_buffer_text(&sql, prepared->rewritten.sql);
    tarn_base_buffer_string(&sql, "\n) AS \"__insert\"(");
    for (size_t i = 0; i < given.field_count; i++) {
        tarn_base_buffer_printf(&sql, "%s\"__c%zu\"", i > 0 ? ", " : "", i);
    }
    tarn_base_buffer_byte(&sql, ')');
    ok = ok && tarn_base_buffer_check(&sql, error);
    select->size = sql.size;
    select->data = ok ? tarn_base_buffer_keep(&sql, arena) : NULL;
    tarn_base_buffer_dispose(&sql);
    for (size_t i = 0; i < schema->field_count; i++) {
        if (sources[i] >= 0) given.fields[sources[i]].name = schema->fields[i].name;
    }
    return ok && tarn_base_arena_check(arena, error) && find_lineage(write, prepared, &given);
}

bool tarn_query__insert_open(TarnInsert *write, const TarnRunOptions *run) {
    const TarnParsed *parsed = write->parsed;
    TarnError *error = write->error;
    if (!tarn_query__write_ref(run, &write->ref, error)) return false;
    if (!tarn_query__table_load(write->statement->query, parsed->name, &write->base, error)) {
        TarnError told = *error;
        tarn_query__error_at(parsed->tokens.source, parsed->name_offset, told.code, error, "%s",
                             told.message);
        return tarn_base_error_hint(error, "%s", told.hint);
    }
    write->metadata = write->base->metadata;
    return true;
}

/* With RETURNING the rows are written from a table that they are kept in. */
static bool keep_returned(TarnInsert *write, const TarnParsed *parsed, TarnReturning *returning) {
    const TarnSchema *schema = tarn_table_metadata_current_schema(write->metadata);
    TarnArena *arena = &write->statement->arena;
    TarnBuffer rows;
    TarnBuffer files;
    if (parsed->returning.data == NULL) return true;
    *returning = (TarnReturning){
        .statement = write->statement, .parsed = parsed, .schema = schema, .arena = arena};
    if (!tarn_query__returning_begin(returning, write->error)) return false;
    tarn_base_buffer_init(&rows, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_init(&files, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_printf(&rows, "SELECT %d, NULL", TARN_MARK_INSERT);
    for (size_t i = 0; i < schema->field_count; i++) {
        TarnText name = tarn_base_text(schema->fields[i].name);
        tarn_base_buffer_string(&rows, ", CAST(");
        tarn_base_buffer_identifier(&rows, name);
        tarn_base_buffer_string(&rows, " AS ");
        tarn_table_type_to_sql(&schema->fields[i].type, &rows);
        tarn_base_buffer_byte(&rows, ')');
        tarn_base_buffer_printf(&files, "%s__tarn_c%zu AS ", i > 0 ? ", " : "SELECT ", i);
        tarn_base_buffer_identifier(&files, name);
    }
    tarn_base_buffer_string(&rows, " FROM (\n");
    tarn_base_buffer_text(&rows, write->select);
    tarn_base_buffer_byte(&rows, ')');
    tarn_base_buffer_string(&files, " FROM " TARN_RETURNING_ROWS);
    bool ok = tarn_base_buffer_check(&rows, write->error) &&
              tarn_base_buffer_check(&files, write->error) &&
              tarn_query__returning_keep(returning, tarn_base_buffer_view(&rows), write->error);
    write->returning = returning;
    write->select = (TarnText){tarn_base_buffer_keep(&files, arena), files.size};
    tarn_base_buffer_dispose(&rows);
    tarn_base_buffer_dispose(&files);
    return ok && tarn_base_arena_check(arena, write->error);
}

bool tarn_query__insert(TarnStatement *statement, const TarnParsed *parsed,
                        const TarnRunOptions *run, TarnError *error) {
    TarnPrepared prepared;
    TarnInsert write = {
        .statement = statement, .parsed = parsed, .name = parsed->name, .error = error};
    if (!tarn_query__insert_open(&write, run)) return false;
    TarnParsed filled;
    TarnReturning returning;
    bool ok = tarn_query__default_fill(parsed, tarn_table_metadata_current_schema(write.metadata),
                                       &statement->arena, &filled, error);
    parsed = &filled;
    ok = ok && tarn_query__prepare_inner(statement, parsed, run, &prepared, error);
    if (ok) {
        ok = wrap_select(&write, &prepared, parsed) && keep_returned(&write, parsed, &returning) &&
             tarn_query__insert_rows(&write);
        tarn_query__prepared_release(&prepared);
    }
    tarn_catalog_table_release(write.base);
    if (!ok) return false;
    statement->message = tarn_base_arena_printf(
        &statement->arena, "inserted %lld row%s into %s.%s", (long long)statement->rows_changed,
        statement->rows_changed == 1 ? "" : "s", parsed->name.ns, parsed->name.name);
    return true;
}

/* --- CREATE TABLE --- */

/* A DEFAULT's value as JSON: evaluated by the engine, read as the column's type. */
static bool default_json(TarnQuery *query, const TarnColumnDefinition *column, TarnPrimitive type,
                         TarnArena *arena, const TarnJson **json, TarnError *error) {
    TarnBuffer sql;
    TarnText text;
    TarnLiteral literal;
    TarnJson *value = NULL;
    tarn_base_buffer_init(&sql, TARN_MIB);
    tarn_base_buffer_printf(&sql, "SELECT CAST(CAST(%.*s AS %.*s) AS VARCHAR)",
                            TARN_TEXT_ARG(column->initial), TARN_TEXT_ARG(column->type));
    bool ok = tarn_base_buffer_check(&sql, error) &&
              tarn_engine_query_text(query->session, tarn_base_buffer_view(&sql), NULL, 0, arena,
                                     &text, error);
    tarn_base_buffer_dispose(&sql);
    if (!ok || text.data == NULL) return ok;
    TarnBuffer out;
    TarnJsonWriter writer;
    tarn_base_buffer_init(&out, TARN_MIB);
    tarn_base_json_writer_init(&writer, &out, 0);
    ok = tarn_format_literal_from_text(type, text, arena, &literal, error);
    if (ok) {
        tarn_format_literal_to_json(type, &literal, &writer);
        const char *copy = tarn_base_buffer_keep(&out, arena);
        ok = tarn_base_arena_check(arena, error) &&
             tarn_base_json_parse((TarnText){copy, out.size}, NULL, arena, &value, error);
    }
    tarn_base_buffer_dispose(&out);
    *json = value;
    return ok;
}

static bool declared_schema(TarnQuery *query, const TarnParsed *parsed, TarnArena *arena,
                            TarnSchema *schema, TarnError *error) {
    int32_t next_id = 1;
    int32_t last_id = 0;
    *schema = (TarnSchema){.field_count = parsed->columns.count};
    schema->fields = TARN_NEW_ARRAY(arena, parsed->columns.count + 1, TarnField);
    if (schema->fields == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < parsed->columns.count; i++) {
        const TarnColumnDefinition *column = &parsed->columns.items[i];
        TarnField *field = &schema->fields[i];
        field->id = next_id++;
        field->name = column->name;
        field->required = column->required;
        field->doc = column->comment;
        if (!tarn_table_type_from_sql(column->type, &next_id, arena, &field->type, error)) {
            TarnError told = *error;
            tarn_query__error_at(parsed->tokens.source, column->offset, told.code, error, "%s",
                                 told.message);
            return tarn_base_error_hint(error, "%s", told.hint);
        }
        if (column->initial.data != NULL) {
            if (tarn_format_kind_is_nested(field->type.primitive.kind)) {
                return tarn_query__error_at(parsed->tokens.source, column->offset,
                                            TARN_E_SQL_UNSUPPORTED, error,
                                            "a default for a nested column is not supported");
            }
            if (!default_json(query, column, field->type.primitive, arena, &field->write_default,
                              error)) {
                return false;
            }
        }
        for (size_t j = 0; j < i; j++) {
            if (strcasecmp(schema->fields[j].name, field->name) != 0) continue;
            return tarn_query__error_at(parsed->tokens.source, column->offset, TARN_E_SQL_BIND,
                                        error, "the column \"%s\" is declared twice", field->name);
        }
    }
    tarn_table_schema_assign_ids(schema, &last_id);
    return true;
}

static bool new_metadata(TarnInsert *write, const TarnParsed *parsed, const TarnSchema *schema) {
    TarnStatement *statement = write->statement;
    TarnArena *arena = &statement->arena;
    TarnPartitionSpec *spec = TARN_NEW(arena, TarnPartitionSpec);
    TarnSortOrder *order = TARN_NEW(arena, TarnSortOrder);
    size_t count = parsed->settings.count;
    TarnProperty *properties = TARN_NEW_ARRAY(arena, count + 1, TarnProperty);
    TarnTableMetadata *metadata = NULL;
    if (!tarn_base_arena_check(arena, write->error)) return false;
    for (size_t i = 0; i < count; i++) {
        properties[i] = (TarnProperty){parsed->settings.items[i].key,
                                       parsed->settings.items[i].value};
    }
    TarnNewTable wanted = {.name = write->name,
                           .schema = schema,
                           .spec = spec,
                           .order = order,
                           .properties = properties,
                           .property_count = count};
    if (!tarn_query__partition_spec(parsed, schema, NULL, arena, spec, write->error) ||
        !tarn_query__sort_order(parsed, schema, arena, order, write->error) ||
        !tarn_catalog_table_new(statement->query->catalog, &wanted, arena, &metadata,
                                write->error)) {
        return false;
    }
    write->metadata = metadata;
    return true;
}

static bool already_there(TarnStatement *statement, const TarnParsed *parsed, bool *done,
                          TarnError *error) {
    const TarnTable *table = NULL;
    *done = false;
    if (!tarn_query__table_find(statement->query, parsed->name, &table, error)) {
        return false;
    }
    if (table == NULL) return true;
    tarn_catalog_table_release(table);
    if (!parsed->if_not_exists) {
        return tarn_query__error_at(parsed->tokens.source, parsed->name_offset, TARN_E_TABLE_EXISTS,
                                    error, "table \"%s.%s\" exists already", parsed->name.ns,
                                    parsed->name.name);
    }
    *done = true;
    statement->message = tarn_base_arena_printf(&statement->arena, "%s.%s exists already",
                                                parsed->name.ns, parsed->name.name);
    return true;
}

bool tarn_query__create_table(TarnStatement *statement, const TarnParsed *parsed,
                              const TarnRunOptions *run, TarnError *error) {
    TarnQuery *query = statement->query;
    TarnInsert write = {
        .statement = statement, .parsed = parsed, .name = parsed->name, .error = error};
    TarnSchema schema;
    TarnPrepared prepared;
    bool done = false;
    if (!tarn_query__write_ref(run, &write.ref, error) ||
        !already_there(statement, parsed, &done, error)) {
        return false;
    }
    if (done) return true;
    bool as_select = parsed->kind == TARN_STATEMENT_CREATE_TABLE_AS;
    bool ok = true;
    if (as_select) {
        ok = tarn_query__prepare_inner(statement, parsed, run, &prepared, error);
        if (!ok) return false;
        write.select = prepared.rewritten.sql;
        ok = tarn_query__prepared_schema(&prepared, &schema, error) &&
             find_lineage(&write, &prepared, &schema);
    } else {
        ok = declared_schema(query, parsed, &statement->arena, &schema, error);
    }
    ok = ok && new_metadata(&write, parsed, &schema) && tarn_query__insert_rows(&write);
    if (as_select) tarn_query__prepared_release(&prepared);
    if (!ok) return false;
    statement->message = tarn_base_arena_printf(&statement->arena, "created table %s.%s",
                                                parsed->name.ns, parsed->name.name);
    return true;
}
