/* The SELECT that says what DELETE, UPDATE and MERGE do to which row.
 *
 * The target stands in it under a name of its own, as a scan that also yields the place of each
 * row. Conditions and values are the user's text; where each stretch of it went is kept, so that
 * errors point into the statement that was written.
 *
 * The clauses of a MERGE become CASEs over a join of source and target. In clauses about rows that
 * match nothing, names without a table can only mean the source: they are given its name, since
 * beside the target's columns they would be ambiguous.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "query/dml_private.h"
#include "query/scan_private.h"

/* On each row of the source in a full join, to tell it from none. */
#define SOURCE_MARK "__tarn_source"

typedef struct Builder {
    const TarnDmlInput *input;
    TarnDmlSql *out;
    TarnBuffer sql;
    TarnError *error;
} Builder;

/* --- pieces --- */

static void put(Builder *builder, const char *text) {
    tarn_base_buffer_string(&builder->sql, text);
}

static void put_name(Builder *builder, const char *table, const char *column) {
    tarn_base_buffer_identifier(&builder->sql, tarn_base_text(table));
    put(builder, ".");
    tarn_base_buffer_identifier(&builder->sql, tarn_base_text(column));
}

/* A line break ends a comment that the text may end in. */
static bool put_user(Builder *builder, TarnText text) {
    TarnPiece *piece = TARN_PUSH(builder->input->arena, &builder->out->pieces);
    if (piece == NULL) return tarn_base_arena_check(builder->input->arena, builder->error);
    piece->start = builder->sql.size;
    tarn_base_buffer_text(&builder->sql, text);
    piece->end = builder->sql.size;
    piece->user = (size_t)(text.data - builder->input->parsed->tokens.source.data);
    put(builder, "\n");
    return true;
}

void tarn_query__dml_error_back(const TarnDmlSql *sql, TarnText user, TarnError *error) {
    if (error->line == 0) return;
    size_t offset = tarn_query__place_offset(sql->sql, error->line, error->column);
    size_t back = 0;
    for (size_t i = 0; i < sql->pieces.count; i++) {
        const TarnPiece *piece = &sql->pieces.items[i];
        if (offset < piece->start || offset > piece->end) continue;
        back = piece->user + (offset - piece->start);
    }
    tarn_query__place(user, back, &error->line, &error->column);
    tarn_base_error_excerpt(error, user.data, user.size);
}

/* --- names that mean the source --- */

typedef struct Places {
    size_t *items;
    size_t count;
    size_t capacity;
} Places;

static bool is_source_column(const Builder *builder, TarnText name) {
    return builder->input->source != NULL &&
           tarn_query__find_field(builder->input->source, name) != NULL;
}

/* Where in the text bare names of the source's columns begin, in ascending order of the walk. */
static void find_bare(const Builder *builder, const TarnJson *value, size_t skip, Places *places) {
    TarnText class = {"", 0};
    if (value->kind == TARN_JSON_OBJECT) {
        (void)tarn_base_json_text(tarn_base_json_member(value, "class"), &class);
        const TarnJson *names = tarn_base_json_member(value, "column_names");
        TarnText name;
        int64_t at;
        if (tarn_base_text_is(class, "SUBQUERY") || tarn_base_text_is(class, "LAMBDA")) return;
        if (tarn_base_text_is(class, "COLUMN_REF") && names != NULL && names->count == 1 &&
            tarn_base_json_text(tarn_base_json_at(names, 0), &name) &&
            is_source_column(builder, name) &&
            tarn_base_json_int64(tarn_base_json_member(value, "query_location"), &at) &&
            at >= (int64_t)skip) {
            size_t *place = TARN_PUSH(builder->input->arena, places);
            if (place != NULL) *place = (size_t)at - skip;
        }
    }
    TARN_JSON_EACH(child, value) {
        bool nested = child->kind == TARN_JSON_OBJECT || child->kind == TARN_JSON_ARRAY;
        if (nested) find_bare(builder, child, skip, places);
    }
}

static size_t next_place(const Places *places, size_t from) {
    size_t next = SIZE_MAX;
    for (size_t i = 0; i < places->count; i++) {
        if (places->items[i] >= from && places->items[i] < next) next = places->items[i];
    }
    return next;
}

/* The user's text, bare names of the source's columns qualified. What does not parse is left as it
 * is: binding the whole says what is wrong with it. */
static bool put_source_text(Builder *builder, TarnText text) {
    static const char BEFORE[] = "SELECT ";
    const TarnDmlInput *input = builder->input;
    Places places = {0};
    TarnJson *tree = NULL;
    TarnError ignored = {0};
    char *sql = tarn_base_arena_printf(input->arena, "%s%.*s", BEFORE, TARN_TEXT_ARG(text));
    if (sql == NULL) return tarn_base_arena_check(input->arena, builder->error);
    if (tarn_engine_parse(input->query->session, tarn_base_text(sql), input->arena, &tree,
                          &ignored)) {
        find_bare(builder, tree, sizeof(BEFORE) - 1, &places);
    }
    size_t done = 0;
    for (size_t at = next_place(&places, 0); at < text.size; at = next_place(&places, at + 1)) {
        if (at > done && !put_user(builder, (TarnText){text.data + done, at - done})) return false;
        tarn_base_buffer_identifier(&builder->sql, tarn_base_text(input->parsed->source));
        put(builder, ".");
        done = at;
    }
    return put_user(builder, (TarnText){text.data + done, text.size - done});
}

/* --- values --- */

static bool is_default(TarnText value) {
    return value.size == 7 && strncasecmp(value.data, "DEFAULT", 7) == 0;
}

static void put_cast(Builder *builder) { put(builder, "CAST("); }

static void put_cast_end(Builder *builder, const TarnField *field) {
    put(builder, " AS ");
    tarn_table_type_to_sql(&field->type, &builder->sql);
    put(builder, ")");
}

static bool put_missing(Builder *builder, const TarnField *field) {
    return tarn_query__default_write(field, builder->input->arena, &builder->sql, builder->error);
}

static const TarnAssignment *assignment_of(const TarnAssignments *assignments,
                                           const TarnField *field) {
    for (size_t i = 0; i < assignments->count; i++) {
        TarnText name = assignments->items[i].column;
        if (strlen(field->name) == name.size &&
            strncasecmp(field->name, name.data, name.size) == 0) {
            return &assignments->items[i];
        }
    }
    return NULL;
}

static bool check_assignments(Builder *builder, const TarnAssignments *assignments) {
    const TarnDmlInput *input = builder->input;
    for (size_t i = 0; i < assignments->count; i++) {
        const TarnAssignment *item = &assignments->items[i];
        if (item->column.data == NULL) continue;
        const TarnField *field = tarn_query__find_field(input->schema, item->column);
        if (field == NULL) {
            return tarn_query__refuse_column(input->parsed, input->schema, item->column,
                                             input->arena, builder->error);
        }
        if (assignment_of(assignments, field) == item) continue;
        return tarn_base_error_set(builder->error, TARN_E_SQL_BIND,
                                   "the column \"%s\" is set twice", field->name);
    }
    return true;
}

/* What an UPDATE leaves in a column. */
static bool put_updated(Builder *builder, const TarnAssignments *assignments,
                        const TarnField *field) {
    const TarnAssignment *item = assignment_of(assignments, field);
    put_cast(builder);
    if (item == NULL) {
        put_name(builder, builder->input->parsed->alias, field->name);
    } else if (is_default(item->value)) {
        if (!put_missing(builder, field)) return false;
    } else if (!put_user(builder, item->value)) {
        return false;
    }
    put_cast_end(builder, field);
    return true;
}

/* What a row has in a column. */
static void put_old(Builder *builder, const TarnField *field) {
    put_cast(builder);
    put_name(builder, builder->input->parsed->alias, field->name);
    put_cast_end(builder, field);
}

static void put_source_column(Builder *builder, const TarnField *field) {
    const TarnField *source = tarn_query__find_field(builder->input->source,
                                                     tarn_base_text(field->name));
    put_cast(builder);
    put_name(builder, builder->input->parsed->source, source->name);
    put_cast_end(builder, field);
}

/* --- DELETE and UPDATE --- */

static void put_target(Builder *builder) {
    const TarnReference *target = builder->input->target;
    tarn_base_buffer_identifier(&builder->sql, tarn_base_text(target->catalog));
    put(builder, ".");
    /* as a person writes it: "main" would be taken for a namespace */
    if (strcmp(target->schema, "main") != 0) {
        tarn_base_buffer_identifier(&builder->sql, tarn_base_text(target->schema));
        put(builder, ".");
    }
    tarn_base_buffer_identifier(&builder->sql, tarn_base_text(target->table));
    put(builder, " AS ");
    tarn_base_buffer_identifier(&builder->sql, tarn_base_text(builder->input->parsed->alias));
}

static void put_places(Builder *builder, bool is_delete) {
    const char *alias = builder->input->parsed->alias;
    put_name(builder, alias, TARN_SCAN_FILE);
    put(builder, ", ");
    put_name(builder, alias, TARN_SCAN_POSITION);
    builder->out->first_column = 3;
    if (!builder->input->lineage || is_delete) return;
    put(builder, ", ");
    put_name(builder, alias, TARN_SCAN_ROW_ID);
    builder->out->first_column = 4;
}

static bool put_from(Builder *builder) {
    const TarnParsed *parsed = builder->input->parsed;
    put(builder, " FROM ");
    put_target(builder);
    if (parsed->from.data != NULL) {
        put(builder, ", ");
        if (!put_user(builder, parsed->from)) return false;
    }
    if (parsed->condition.data == NULL) return true;
    put(builder, " WHERE ");
    return put_user(builder, parsed->condition);
}

static bool build_delete(Builder *builder) {
    builder->out->deletes = true;
    tarn_base_buffer_printf(&builder->sql, "SELECT %d, ", TARN_MARK_DELETE);
    put_places(builder, true);
    for (size_t i = 0; builder->input->returning && i < builder->input->schema->field_count; i++) {
        put(builder, ", ");
        put_old(builder, &builder->input->schema->fields[i]);
    }
    return put_from(builder);
}

static bool build_update(Builder *builder) {
    const TarnDmlInput *input = builder->input;
    if (!check_assignments(builder, &input->parsed->assignments)) return false;
    tarn_base_buffer_printf(&builder->sql, "SELECT %d, ", TARN_MARK_UPDATE);
    put_places(builder, false);
    for (size_t i = 0; i < input->schema->field_count; i++) {
        const TarnField *field = &input->schema->fields[i];
        put(builder, ", ");
        builder->out->assigned[i] = assignment_of(&input->parsed->assignments, field) != NULL;
        if (!put_updated(builder, &input->parsed->assignments, field)) {
            return false;
        }
    }
    return put_from(builder);
}

/* --- MERGE --- */

static bool has_match(const TarnParsed *parsed, TarnMergeMatch match) {
    for (size_t i = 0; i < parsed->clauses.count; i++) {
        if (parsed->clauses.items[i].match == match) return true;
    }
    return false;
}

bool tarn_query__dml_needs_source(const TarnParsed *parsed) {
    for (size_t i = 0; i < parsed->clauses.count; i++) {
        const TarnMergeClause *clause = &parsed->clauses.items[i];
        if (clause->by_name || clause->match == TARN_MERGE_NOT_MATCHED) return true;
    }
    return false;
}

/* Which rows a clause is about, of those that no clause before it took. */
static bool put_match(Builder *builder, const TarnMergeClause *clause) {
    const TarnParsed *parsed = builder->input->parsed;
    bool full = has_match(parsed, TARN_MERGE_NOT_MATCHED_BY_SOURCE);
    put(builder, " WHEN ");
    put_name(builder, parsed->alias, TARN_SCAN_POSITION);
    put(builder, clause->match == TARN_MERGE_NOT_MATCHED ? " IS NULL" : " IS NOT NULL");
    if (full && clause->match != TARN_MERGE_NOT_MATCHED) {
        put(builder, " AND ");
        put_name(builder, parsed->source, SOURCE_MARK);
        put(builder, clause->match == TARN_MERGE_MATCHED ? " IS NOT NULL" : " IS NULL");
    }
    if (clause->condition.data != NULL) {
        put(builder, " AND (");
        bool bare = clause->match == TARN_MERGE_NOT_MATCHED;
        if (!(bare ? put_source_text : put_user)(builder, clause->condition)) return false;
        put(builder, ")");
    }
    put(builder, " THEN ");
    return true;
}

static bool put_actions(Builder *builder) {
    const TarnParsed *parsed = builder->input->parsed;
    put(builder, "SELECT CASE");
    for (size_t i = 0; i < parsed->clauses.count; i++) {
        const TarnMergeClause *clause = &parsed->clauses.items[i];
        if (!put_match(builder, clause)) return false;
        switch (clause->action) {
        case TARN_MERGE_UPDATE:
            tarn_base_buffer_printf(&builder->sql, "%d", TARN_MARK_UPDATE);
            break;
        case TARN_MERGE_DELETE:
            builder->out->deletes = true;
            tarn_base_buffer_printf(&builder->sql, "%d", TARN_MARK_DELETE);
            break;
        case TARN_MERGE_INSERT:
            tarn_base_buffer_printf(&builder->sql, "%d", TARN_MARK_INSERT);
            break;
        case TARN_MERGE_NOTHING: put(builder, "NULL"); break;
        }
    }
    put(builder, " END, ");
    put_places(builder, false);
    return true;
}

static bool put_inserted(Builder *builder, const TarnMergeClause *clause, size_t index) {
    const TarnDmlInput *input = builder->input;
    const TarnField *field = &input->schema->fields[index];
    const TarnAssignment *item = NULL;
    if (clause->by_name) {
        if (tarn_query__find_field(input->source, tarn_base_text(field->name)) != NULL) {
            put_source_column(builder, field);
            return true;
        }
    } else if (clause->assignments.items[0].column.data == NULL) {
        if (index < clause->assignments.count) item = &clause->assignments.items[index];
    } else {
        item = assignment_of(&clause->assignments, field);
    }
    put_cast(builder);
    bool missing = item == NULL || is_default(item->value);
    if (!(missing ? put_missing(builder, field) : put_source_text(builder, item->value))) {
        return false;
    }
    put_cast_end(builder, field);
    return true;
}

/* Columns that an INSERT leaves out get their default, which comes from nowhere. */
static bool is_assigned(const Builder *builder, const TarnMergeClause *clause, size_t index) {
    const TarnDmlInput *input = builder->input;
    const TarnField *field = &input->schema->fields[index];
    bool changes = clause->action == TARN_MERGE_INSERT || clause->action == TARN_MERGE_UPDATE;
    bool by_place = clause->assignments.count > 0 &&
                    clause->assignments.items[0].column.data == NULL;
    if (!changes || by_place) return changes;
    return clause->by_name
               ? tarn_query__find_field(input->source, tarn_base_text(field->name)) != NULL
               : assignment_of(&clause->assignments, field) != NULL;
}

static bool put_merged(Builder *builder, const TarnMergeClause *clause, size_t index) {
    const TarnDmlInput *input = builder->input;
    const TarnField *field = &input->schema->fields[index];
    switch (clause->action) {
    case TARN_MERGE_INSERT: return put_inserted(builder, clause, index);
    case TARN_MERGE_UPDATE:
        if (clause->by_name &&
            tarn_query__find_field(input->source, tarn_base_text(field->name)) != NULL) {
            put_source_column(builder, field);
            return true;
        }
        return put_updated(builder, &clause->assignments, field);
    case TARN_MERGE_DELETE:
        if (!input->returning) break;
        put_old(builder, field);
        return true;
    case TARN_MERGE_NOTHING: break;
    }
    put(builder, "NULL");
    return true;
}

static bool check_clause(Builder *builder, const TarnMergeClause *clause) {
    const TarnDmlInput *input = builder->input;
    bool by_place = clause->action == TARN_MERGE_INSERT && clause->assignments.count > 0 &&
                    clause->assignments.items[0].column.data == NULL;
    if (by_place && clause->assignments.count != input->schema->field_count) {
        return tarn_base_error_set(builder->error, TARN_E_SQL_BIND,
                                   "the table has %zu columns and VALUES gives %zu",
                                   input->schema->field_count, clause->assignments.count);
    }
    return check_assignments(builder, &clause->assignments);
}

static bool put_merged_column(Builder *builder, size_t index) {
    const TarnParsed *parsed = builder->input->parsed;
    put(builder, ", CASE");
    for (size_t i = 0; i < parsed->clauses.count; i++) {
        const TarnMergeClause *clause = &parsed->clauses.items[i];
        bool *assigned = &builder->out->assigned[index];
        *assigned = *assigned || is_assigned(builder, clause, index);
        if (!put_match(builder, clause) || !put_merged(builder, clause, index)) return false;
    }
    put(builder, " END");
    return true;
}

static bool put_using(Builder *builder) {
    const TarnParsed *parsed = builder->input->parsed;
    for (size_t i = 0; i < parsed->using_columns.count; i++) {
        const char *name = tarn_base_text_string(builder->input->arena,
                                                 parsed->using_columns.items[i]);
        if (name == NULL) return tarn_base_arena_check(builder->input->arena, builder->error);
        /* as it was written: with its quotes, if it has some */
        put(builder, i > 0 ? " AND " : "");
        tarn_base_buffer_identifier(&builder->sql, tarn_base_text(parsed->alias));
        tarn_base_buffer_printf(&builder->sql, ".%s = ", name);
        tarn_base_buffer_identifier(&builder->sql, tarn_base_text(parsed->source));
        tarn_base_buffer_printf(&builder->sql, ".%s", name);
    }
    return true;
}

static bool put_join(Builder *builder) {
    const TarnParsed *parsed = builder->input->parsed;
    bool full = has_match(parsed, TARN_MERGE_NOT_MATCHED_BY_SOURCE);
    bool left = has_match(parsed, TARN_MERGE_NOT_MATCHED);
    put(builder, " FROM ");
    if (full) put(builder, "(SELECT *, TRUE AS " SOURCE_MARK " FROM ");
    if (!put_user(builder, parsed->from)) return false;
    if (full) {
        put(builder, ") AS ");
        tarn_base_buffer_identifier(&builder->sql, tarn_base_text(parsed->source));
    }
    put(builder, full ? " FULL JOIN " : left ? " LEFT JOIN " : " JOIN ");
    put_target(builder);
    put(builder, " ON ");
    if (parsed->condition.data == NULL) return put_using(builder);
    put(builder, "(");
    bool ok = put_user(builder, parsed->condition);
    put(builder, ")");
    return ok;
}

static bool build_merge(Builder *builder) {
    const TarnDmlInput *input = builder->input;
    for (size_t i = 0; i < input->parsed->clauses.count; i++) {
        if (!check_clause(builder, &input->parsed->clauses.items[i])) return false;
    }
    if (!put_actions(builder)) return false;
    for (size_t i = 0; i < input->schema->field_count; i++) {
        if (!put_merged_column(builder, i)) return false;
    }
    return put_join(builder);
}

bool tarn_query__dml_sql(const TarnDmlInput *input, TarnDmlSql *out, TarnError *error) {
    Builder builder = {.input = input, .out = out, .error = error};
    *out = (TarnDmlSql){0};
    out->assigned = TARN_NEW_ARRAY(input->arena, input->schema->field_count + 1, bool);
    if (out->assigned == NULL) return tarn_base_arena_check(input->arena, error);
    tarn_base_buffer_init(&builder.sql, TARN_LIMIT_SQL_BYTES);
    bool ok = true;
    switch (input->parsed->kind) {
    case TARN_STATEMENT_DELETE: ok = build_delete(&builder); break;
    case TARN_STATEMENT_UPDATE: ok = build_update(&builder); break;
    default: ok = build_merge(&builder); break;
    }
    ok = ok && tarn_base_buffer_check(&builder.sql, error);
    out->sql.size = builder.sql.size;
    out->sql.data = ok ? tarn_base_buffer_keep(&builder.sql, input->arena) : NULL;
    tarn_base_buffer_dispose(&builder.sql);
    return ok && tarn_base_arena_check(input->arena, error);
}
