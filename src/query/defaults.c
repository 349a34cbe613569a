/* Default values of columns, from the text of a statement to what metadata keeps.
 *
 * A default is one value, kept as JSON; it is worked out when the statement runs. So the expression
 * must not read tables, and must not call a function that gives another value next time (now,
 * random): tables of this format have no place for an expression.
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
