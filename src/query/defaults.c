/* Default values of columns: from the text of a statement to what metadata keeps, and from there to
 * SQL.
 *
 * A default is one value, kept as JSON; it is worked out when the statement runs. So the expression
 * must not read tables, and must not call a function that gives another value next time (now,
 * random): tables of this format have no place for an expression.
 *
 * The default of a struct is null or {}: the latter is made of the defaults of its fields.
 *
 * DEFAULT among the values of an INSERT is replaced in the text by the column's value.
 */
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "query/query_private.h"

/* What the engine evaluates without brackets. */
static const char *const moving_words[] = {"current_date", "current_time", "current_timestamp",
                                           "localtime", "localtimestamp"};

static bool is_moving_word(TarnText text) {
    for (size_t i = 0; i < sizeof(moving_words) / sizeof(moving_words[0]); i++) {
        if (text.size == strlen(moving_words[i]) &&
            strncasecmp(text.data, moving_words[i], text.size) == 0) {
            return true;
        }
    }
    return false;
}

/* The names in front of brackets, as a list of literals. */
static bool collect_calls(TarnText expression, TarnArena *arena, TarnBuffer *names, bool *moving,
                          TarnError *error) {
    TarnTokens tokens;
    if (!tarn_query__lex(expression, arena, &tokens, error)) return false;
    for (size_t i = 0; i + 1 < tokens.count; i++) {
        if (is_moving_word(tokens.items[i].text)) *moving = true;
        if (!tarn_query__token_symbol(&tokens.items[i + 1], "(")) continue;
        if (names->size > 0) tarn_base_buffer_byte(names, ',');
        tarn_base_buffer_literal(names, tokens.items[i].value);
    }
    return tarn_base_buffer_check(names, error);
}

static bool calls_move(TarnQuery *query, const TarnBuffer *names, TarnArena *arena, bool *moving,
                       TarnError *error) {
    TarnBuffer sql;
    TarnText text = {NULL, 0};
    if (names->size == 0 || *moving) return true;
    tarn_base_buffer_init(&sql, TARN_MIB);
    tarn_base_buffer_string(&sql, "SELECT 1 FROM duckdb_functions() WHERE stability <> "
                                  "'CONSISTENT' AND list_contains(list_transform([");
    tarn_base_buffer_text(&sql, tarn_base_buffer_view(names));
    tarn_base_buffer_string(&sql, "], lambda x: lower(x)), lower(function_name)) LIMIT 1");
    bool done = tarn_base_buffer_check(&sql, error) &&
                tarn_engine_query_text(query->session, tarn_base_buffer_view(&sql), NULL, 0, arena,
                                       &text, error);
    tarn_base_buffer_dispose(&sql);
    *moving = text.data != NULL;
    return done;
}

static bool check_constant(TarnQuery *query, TarnText expression, TarnText select, TarnArena *arena,
                           TarnError *error) {
    TarnJson *tree = NULL;
    TarnReferences references;
    TarnBuffer names;
    bool moving = false;
    if (!tarn_engine_parse(query->session, select, arena, &tree, error) ||
        !tarn_query__footprint(select, tree, arena, &references, error)) {
        return false;
    }
    if (references.count > 0) {
        return tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                                   "a default cannot read tables: it is one value");
    }
    tarn_base_buffer_init(&names, TARN_MIB);
    bool done = collect_calls(expression, arena, &names, &moving, error) &&
                calls_move(query, &names, arena, &moving, error);
    tarn_base_buffer_dispose(&names);
    if (!done || !moving) return done;
    tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                        "the default \"%.*s\" is another value each time: a column's default is "
                        "one value",
                        (int)(expression.size < 200 ? expression.size : 200), expression.data);
    return tarn_base_error_hint(error, "give the value in the INSERT instead");
}

static bool keep_json(TarnPrimitive type, const TarnLiteral *literal, TarnArena *arena,
                      const TarnJson **json, TarnError *error) {
    TarnBuffer out;
    TarnJsonWriter writer;
    TarnJson *value = NULL;
    tarn_base_buffer_init(&out, TARN_MIB);
    tarn_base_json_writer_init(&writer, &out, 0);
    tarn_format_literal_to_json(type, literal, &writer);
    bool done = tarn_base_buffer_check(&out, error);
    if (done) {
        const char *copy = tarn_base_text_string(arena, tarn_base_buffer_view(&out));
        done = tarn_base_arena_check(arena, error) &&
               tarn_base_json_parse((TarnText){copy, out.size}, NULL, arena, &value, error);
    }
    tarn_base_buffer_dispose(&out);
    *json = value;
    return done;
}

bool tarn_query__default_json(TarnQuery *query, TarnText expression, const TarnType *type,
                              TarnArena *arena, const TarnJson **json, TarnError *error) {
    TarnBuffer select;
    TarnText text = {NULL, 0};
    TarnLiteral literal;
    *json = NULL;
    if (tarn_format_kind_is_nested(type->primitive.kind)) {
        return tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                                   "a default for a nested column is not supported");
    }
    tarn_base_buffer_init(&select, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_printf(&select, "SELECT CAST(CAST((\n%.*s\n) AS ", TARN_TEXT_ARG(expression));
    tarn_table_type_to_sql(type, &select);
    tarn_base_buffer_string(&select, ") AS VARCHAR)");
    bool done = tarn_base_buffer_check(&select, error) &&
                check_constant(query, expression, tarn_base_buffer_view(&select), arena, error) &&
                tarn_engine_query_text(query->session, tarn_base_buffer_view(&select), NULL, 0,
                                       arena, &text, error);
    tarn_base_buffer_dispose(&select);
    if (!done || text.data == NULL) return done; /* null: no default */
    if (type->primitive.kind >= TARN_TYPE_UNKNOWN) {
        return tarn_base_error_set(error, TARN_E_SCHEMA_CHANGE_REFUSED,
                                   "a column of this type has no default but null");
    }
    return tarn_format_literal_from_text(type->primitive, text, arena, &literal, error) &&
           keep_json(type->primitive, &literal, arena, json, error);
}

/* --- as SQL --- */

typedef struct Writer {
    bool initial; /* initial-default, else write-default */
    TarnArena *arena;
    TarnBuffer *out;
    TarnError *error;
} Writer;

static bool write_json(const Writer *writer, const TarnType *type, const TarnJson *json);

static bool write_struct(const Writer *writer, const TarnType *type) {
    tarn_base_buffer_string(writer->out, "struct_pack(");
    for (size_t i = 0; i < type->field_count; i++) {
        const TarnField *field = &type->fields[i];
        if (i > 0) tarn_base_buffer_string(writer->out, ", ");
        tarn_base_buffer_identifier(writer->out, tarn_base_text(field->name));
        tarn_base_buffer_string(writer->out, " := ");
        if (!write_json(writer, &field->type,
                        writer->initial ? field->initial_default : field->write_default)) {
            return false;
        }
    }
    tarn_base_buffer_byte(writer->out, ')');
    return true;
}

static bool write_items(const Writer *writer, const TarnType *type, const TarnJson *array) {
    const char *separator = "";
    tarn_base_buffer_byte(writer->out, '[');
    TARN_JSON_EACH(item, array) {
        tarn_base_buffer_string(writer->out, separator);
        if (!write_json(writer, type, item)) return false;
        separator = ", ";
    }
    tarn_base_buffer_byte(writer->out, ']');
    return true;
}

static bool write_map(const Writer *writer, const TarnType *type, const TarnJson *json) {
    tarn_base_buffer_string(writer->out, "map(");
    if (!write_items(writer, &type->fields[0].type, tarn_base_json_member(json, "keys"))) {
        return false;
    }
    tarn_base_buffer_string(writer->out, ", ");
    if (!write_items(writer, &type->fields[1].type, tarn_base_json_member(json, "values"))) {
        return false;
    }
    tarn_base_buffer_byte(writer->out, ')');
    return true;
}

/* The shape was checked when the schema was read or made. */
static bool write_json(const Writer *writer, const TarnType *type, const TarnJson *json) {
    TarnLiteral literal;
    bool is_null = json == NULL || json->kind == TARN_JSON_NULL;
    if (!is_null && !tarn_format_kind_is_nested(type->primitive.kind)) {
        if (!tarn_format_literal_from_json(type->primitive, json, writer->arena, &literal,
                                           writer->error)) {
            return false;
        }
        tarn_format_literal_to_sql(type->primitive, &literal, writer->out);
        return true;
    }
    bool done = true;
    tarn_base_buffer_string(writer->out, "CAST(");
    if (is_null) {
        tarn_base_buffer_string(writer->out, "NULL");
    } else if (type->primitive.kind == TARN_TYPE_STRUCT) {
        done = write_struct(writer, type);
    } else if (type->primitive.kind == TARN_TYPE_LIST) {
        done = write_items(writer, &type->fields[0].type, json);
    } else {
        done = write_map(writer, type, json);
    }
    tarn_base_buffer_string(writer->out, " AS ");
    tarn_table_type_to_sql(type, writer->out);
    tarn_base_buffer_byte(writer->out, ')');
    return done;
}

bool tarn_query__default_initial(const TarnField *field, TarnArena *arena, TarnBuffer *sql,
                                 TarnError *error) {
    Writer writer = {.initial = true, .arena = arena, .out = sql, .error = error};
    return write_json(&writer, &field->type, field->initial_default);
}

bool tarn_query__default_write(const TarnField *field, TarnArena *arena, TarnBuffer *sql,
                               TarnError *error) {
    Writer writer = {.arena = arena, .out = sql, .error = error};
    bool is_null = field->write_default == NULL || field->write_default->kind == TARN_JSON_NULL;
    if (field->required && is_null) {
        return tarn_base_error_set(error, TARN_E_SQL_EXECUTION,
                                   "the column \"%s\" must not be null and is not filled",
                                   field->name);
    }
    return write_json(&writer, &field->type, field->write_default);
}

/* --- DEFAULT in an INSERT --- */

typedef struct Filler {
    const TarnParsed *parsed;
    const TarnSchema *schema;
    TarnArena *arena;
    TarnBuffer *out;
    size_t copied; /* of the source, up to here */
    TarnError *error;
} Filler;

static void copy_up_to(Filler *filler, size_t offset) {
    const char *source = filler->parsed->tokens.source.data;
    tarn_base_buffer_append(filler->out, source + filler->copied, offset - filler->copied);
    filler->copied = offset;
}

static const TarnField *nth_field(const Filler *filler, size_t column) {
    const TarnTexts *names = &filler->parsed->insert_columns;
    if (names->count == 0) {
        return column < filler->schema->field_count ? &filler->schema->fields[column] : NULL;
    }
    if (column >= names->count) return NULL;
    for (size_t i = 0; i < filler->schema->field_count; i++) {
        const char *name = filler->schema->fields[i].name;
        if (strlen(name) == names->items[column].size &&
            strncasecmp(name, names->items[column].data, names->items[column].size) == 0) {
            return &filler->schema->fields[i];
        }
    }
    return NULL;
}

static bool replace_default(Filler *filler, size_t token, size_t column) {
    const TarnTokens *tokens = &filler->parsed->tokens;
    const TarnField *field = nth_field(filler, column);
    copy_up_to(filler, tarn_query__token_offset(tokens, token));
    filler->copied += tokens->items[token].text.size;
    if (field == NULL) { /* the count or the name is wrong, which is told later */
        tarn_base_buffer_string(filler->out, "NULL");
        return true;
    }
    return tarn_query__default_write(field, filler->arena, filler->out, filler->error);
}

static bool opens(const TarnToken *token) {
    return tarn_query__token_symbol(token, "(") || tarn_query__token_symbol(token, "[") ||
           tarn_query__token_symbol(token, "{");
}

static bool closes(const TarnToken *token) {
    return tarn_query__token_symbol(token, ")") || tarn_query__token_symbol(token, "]") ||
           tarn_query__token_symbol(token, "}");
}

/* VALUES (1, DEFAULT), (DEFAULT, 2): only where DEFAULT is all there is of a value. */
static bool replace_in_values(Filler *filler, size_t first) {
    const TarnTokens *tokens = &filler->parsed->tokens;
    int depth = 0;
    size_t column = 0;
    for (size_t i = first; i + 1 < tokens->count; i++) {
        const TarnToken *token = &tokens->items[i];
        if (depth == 0) column = 0;
        if (depth == 1 && tarn_query__token_symbol(token, ",")) column++;
        depth += opens(token) - closes(token);
        const TarnToken *next = &tokens->items[i + 1];
        bool begins = depth == 1 && (opens(token) || tarn_query__token_symbol(token, ","));
        if (!begins || !tarn_query__token_is(next, "DEFAULT") || i + 2 >= tokens->count) continue;
        if (!tarn_query__token_symbol(next + 1, ",") && !closes(next + 1)) continue;
        if (!replace_default(filler, i + 1, column)) return false;
    }
    return true;
}

/* DEFAULT VALUES: one row, all of it defaults. */
static bool write_default_row(Filler *filler, size_t first) {
    copy_up_to(filler, tarn_query__token_offset(&filler->parsed->tokens, first));
    tarn_base_buffer_string(filler->out, "VALUES (");
    for (size_t i = 0; i < filler->schema->field_count; i++) {
        if (i > 0) tarn_base_buffer_string(filler->out, ", ");
        if (!tarn_query__default_write(&filler->schema->fields[i], filler->arena, filler->out,
                                       filler->error)) {
            return false;
        }
    }
    tarn_base_buffer_byte(filler->out, ')');
    const TarnText *select = &filler->parsed->select; /* RETURNING may follow */
    filler->copied = (size_t)(select->data + select->size - filler->parsed->tokens.source.data);
    tarn_base_buffer_byte(filler->out, ' ');
    return true;
}

static bool says_default(const TarnParsed *parsed, size_t *first) {
    const TarnTokens *tokens = &parsed->tokens;
    bool found = false;
    *first = 0;
    while (*first < tokens->count &&
           tarn_query__token_offset(tokens, *first) <
               (size_t)(parsed->select.data - tokens->source.data)) {
        ++*first;
    }
    for (size_t i = *first; i < tokens->count; i++) {
        found = found || tarn_query__token_is(&tokens->items[i], "DEFAULT");
    }
    return found && *first < tokens->count;
}

bool tarn_query__default_fill(const TarnParsed *parsed, const TarnSchema *schema, TarnArena *arena,
                              TarnParsed *filled, TarnError *error) {
    size_t first;
    TarnBuffer text;
    *filled = *parsed;
    if (!says_default(parsed, &first)) return true;
    const TarnToken *token = &parsed->tokens.items[first];
    bool whole = tarn_query__token_is(token, "DEFAULT");
    if (!whole && !tarn_query__token_is(token, "VALUES")) return true;
    tarn_base_buffer_init(&text, TARN_LIMIT_SQL_BYTES);
    Filler filler = {
        .parsed = parsed, .schema = schema, .arena = arena, .out = &text, .error = error};
    bool done = whole ? write_default_row(&filler, first) : replace_in_values(&filler, first);
    if (done && filler.copied > 0) {
        copy_up_to(&filler, parsed->tokens.source.size);
        const char *copy = tarn_base_text_string(arena, tarn_base_buffer_view(&text));
        done = tarn_base_buffer_check(&text, error) && tarn_base_arena_check(arena, error) &&
               tarn_query__parse((TarnText){copy, text.size}, arena, filled, error);
    }
    tarn_base_buffer_dispose(&text);
    return done;
}
