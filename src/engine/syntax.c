/* Syntax trees and bound plans, as JSON.
 *
 * Purpose: query/ and flow/ read what a statement means from DuckDB's own trees:
 * json_serialize_sql (parsed), json_deserialize_sql (back to text), json_serialize_plan (bound
 * against the session's tables, not optimised: the optimiser would prune empty shadow tables
 * away). The options skip_null, skip_empty and skip_default are never used: index 0 and empty
 * lists would vanish with them.
 * These are scalar functions that put an error into their JSON instead of raising it; here it
 * becomes an error with a place.
 */
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "engine/engine_private.h"

/* The answer's own report of an error. */
typedef struct AnswerError {
    TarnText type;
    TarnText message;
    TarnText position; /* the rest may be absent */
    TarnText subtype;
} AnswerError;

static void put_member(TarnJsonWriter *writer, const char *key, TarnText text) {
    tarn_base_json_key(writer, key);
    tarn_base_json_put_text(writer, text);
}

/* In the shape failure.c reads. */
static bool fail_from_answer(TarnEngineSession *session, const AnswerError *answer, TarnText sql,
                             TarnError *error) {
    TarnBuffer buffer;
    TarnJsonWriter writer;
    tarn_base_buffer_init(&buffer, TARN_MIB);
    tarn_base_json_writer_init(&writer, &buffer, 0);
    tarn_base_json_object_begin(&writer);
    put_member(&writer, "exception_type", answer->type);
    put_member(&writer, "exception_message", answer->message);
    if (answer->position.size > 0) put_member(&writer, "position", answer->position);
    if (answer->subtype.size > 0) put_member(&writer, "error_subtype", answer->subtype);
    tarn_base_json_object_end(&writer);
    if (tarn_base_buffer_check(&buffer, error)) {
        tarn_engine__failure_set(session, buffer.data, sql, error);
    }
    tarn_base_buffer_dispose(&buffer);
    return false;
}

/* "parser" -> "Parser": the answer's spelling is in small letters. */
static TarnText type_spelling(TarnText type) {
    static const char *const spellings[] = {
        "Parser",        "Syntax",  "Binder",        "Catalog",      "Not implemented",
        "Unknown Type",  "IO",      "Permission",    "Invalid Input", "Conversion",
        "Mismatch Type", "INTERNAL", "Out of Memory", "Out of Range", "Invalid type",
        "Missing Extension", "Extension Autoloading", "Parameter Not Resolved",
        "Parameter Not Allowed", "Planner", "HTTP", "FATAL", "Serialization", "Expression",
        "INTERRUPT", "Divide by Zero", "Dependency", "Constraint", "Sequence",
    };
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        TarnText spelling = tarn_base_text(spellings[i]);
        if (spelling.size == type.size &&
            strncasecmp(spelling.data, type.data, type.size) == 0) {
            return spelling;
        }
    }
    return type;
}

static bool check_answer(TarnEngineSession *session, const TarnJson *root, TarnText sql,
                         TarnError *error) {
    bool failed = false;
    if (!tarn_base_json_bool(tarn_base_json_member(root, "error"), &failed)) {
        return tarn_base_error_set(error, TARN_E_ENGINE,
                                   "DuckDB's syntax tree has not the shape of version 1.5");
    }
    if (!failed) return true;
    AnswerError answer = {0};
    (void)tarn_base_json_text(tarn_base_json_member(root, "error_type"), &answer.type);
    (void)tarn_base_json_text(tarn_base_json_member(root, "error_message"), &answer.message);
    (void)tarn_base_json_text(tarn_base_json_member(root, "position"), &answer.position);
    (void)tarn_base_json_text(tarn_base_json_member(root, "error_subtype"), &answer.subtype);
    answer.type = type_spelling(answer.type);
    return fail_from_answer(session, &answer, sql, error);
}

static char *blanked_copy(TarnArena *arena, TarnText sql) {
    char *copy = tarn_base_text_string(arena, sql);
    if (copy != NULL) tarn_engine__sql_blank(copy, sql.size);
    return copy;
}

/* Asks one of the functions and reads the JSON it answers. */
static bool ask(TarnEngineSession *session, duckdb_prepared_statement *kept,
                const char *question, TarnText sql, TarnArena *arena, TarnJson **root,
                TarnError *error) {
    *root = NULL;
    if (!tarn_engine__sql_check(sql, error)) return false;
    TarnText text = {blanked_copy(arena, sql), sql.size};
    if (!tarn_base_arena_check(arena, error)) return false;
    TarnEngineParam param = tarn_engine_param_text(text);
    TarnText answer;
    TarnEngineResult *result;
    if (!tarn_engine__query_kept(session, kept, question, &param, &result, error) ||
        !tarn_engine__first_text(result, arena, &answer, error)) {
        return false;
    }
    if (answer.data == NULL) {
        return tarn_base_error_set(error, TARN_E_ENGINE, "DuckDB gave no syntax tree");
    }
    if (!tarn_base_json_parse_deep(answer, TARN_LIMIT_SYNTAX_NESTING, arena, root, error)) {
        if (error->code == TARN_E_LIMIT_EXCEEDED || error->code == TARN_E_JSON_SYNTAX) {
            tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                                "the statement is nested too deeply to be understood");
        }
        return false;
    }
    return check_answer(session, *root, sql, error);
}

bool tarn_engine_parse(TarnEngineSession *session, TarnText sql, TarnArena *arena,
                       TarnJson **tree, TarnError *error) {
    return ask(session, &session->kept_parse, "SELECT json_serialize_sql($1::VARCHAR)", sql, arena,
               tree, error);
}

bool tarn_engine_plan(TarnEngineSession *session, TarnText sql, TarnArena *arena, TarnJson **plan,
                      TarnError *error) {
    return ask(session, &session->kept_plan, "SELECT json_serialize_plan($1::VARCHAR)", sql, arena,
               plan, error);
}

bool tarn_engine_deparse(TarnEngineSession *session, const TarnJson *tree, TarnArena *arena,
                         TarnText *sql, TarnError *error) {
    TarnBuffer buffer;
    tarn_base_buffer_init(&buffer, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    tarn_base_json_write(tree, 0, &buffer);
    bool done = tarn_base_buffer_check(&buffer, error);
    if (done) {
        TarnEngineParam param = tarn_engine_param_text(tarn_base_buffer_view(&buffer));
        done = tarn_engine_query_text(session, TARN_TEXT("SELECT json_deserialize_sql($1::JSON)"),
                                      &param, 1, arena, sql, error);
    }
    tarn_base_buffer_dispose(&buffer);
    if (done && sql->data == NULL) {
        return tarn_base_error_set(error, TARN_E_ENGINE, "DuckDB gave no text for the tree");
    }
    return done;
}

/* Only what is needed is taken out of the answer, by DuckDB itself: the tree of a large SELECT is
 * many times its text. */
static const char probe_question[] =
    "SELECT t ->> '$.error_type', t ->> '$.error_message', t ->> '$.position', "
    "t ->> '$.error_subtype', json_array_length(t, '$.statements') "
    "FROM (SELECT json_serialize_sql($1::VARCHAR) AS t)";

static bool read_probe(const TarnEngineChunk *chunk, AnswerError *answer, int64_t *statements) {
    if (chunk == NULL || chunk->rows != 1 || chunk->column_count != 5) return false;
    answer->type = type_spelling(tarn_engine_vector_text(&chunk->columns[0], 0));
    answer->message = tarn_engine_vector_text(&chunk->columns[1], 0);
    answer->position = tarn_engine_vector_text(&chunk->columns[2], 0);
    answer->subtype = tarn_engine_vector_text(&chunk->columns[3], 0);
    if (!tarn_engine_vector_int64(&chunk->columns[4], 0, statements)) *statements = 0;
    return true;
}

static bool judge_probe(TarnEngineSession *session, const AnswerError *answer, int64_t statements,
                        TarnText sql, bool *is_select, TarnError *error) {
    if (answer->type.size == 0) {
        *is_select = statements == 1;
        if (*is_select) return true;
        tarn_base_error_set(error, TARN_E_SQL_SYNTAX,
                            "cannot tell where the statement begins and ends");
        tarn_engine__failure_place(error, sql, 0);
        return false;
    }
    *is_select = false;
    if (tarn_base_text_is(answer->type, "Not implemented")) return true;
    return fail_from_answer(session, answer, sql, error);
}

bool tarn_engine__syntax_probe(TarnEngineSession *session, TarnText sql, bool *is_select,
                               TarnError *error) {
    TarnArena arena;
    TarnEngineResult *result = NULL;
    const TarnEngineChunk *chunk = NULL;
    AnswerError answer = {0};
    int64_t statements = 0;
    tarn_base_arena_init(&arena, TARN_LIMIT_SQL_BYTES + TARN_MIB);
    TarnText text = {blanked_copy(&arena, sql), sql.size};
    TarnEngineParam param = tarn_engine_param_text(text);
    bool done = tarn_base_arena_check(&arena, error) &&
                tarn_engine_query(session, tarn_base_text(probe_question), &param, 1, &result,
                                  error) &&
                tarn_engine_result_next(result, &chunk, error);
    if (done && !read_probe(chunk, &answer, &statements)) {
        done = tarn_base_error_set(error, TARN_E_ENGINE, "DuckDB gave no syntax tree");
    }
    done = done && judge_probe(session, &answer, statements, sql, is_select, error);
    tarn_engine_result_free(result);
    tarn_base_arena_dispose(&arena);
    return done;
}
