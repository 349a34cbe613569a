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

/* The answer's own report of an error, in the shape failure.c reads. */
static bool fail_from_answer(TarnEngineSession *session, TarnText type, TarnText message,
                             TarnText position, TarnText sql, TarnError *error) {
    TarnBuffer buffer;
    TarnJsonWriter writer;
    tarn_base_buffer_init(&buffer, TARN_MIB);
    tarn_base_json_writer_init(&writer, &buffer, 0);
    tarn_base_json_object_begin(&writer);
    tarn_base_json_key(&writer, "exception_type");
    tarn_base_json_put_text(&writer, type);
    tarn_base_json_key(&writer, "exception_message");
    tarn_base_json_put_text(&writer, message);
    if (position.size > 0) {
        tarn_base_json_key(&writer, "position");
        tarn_base_json_put_text(&writer, position);
    }
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
    TarnText type = {0}, message = {0}, position = {0};
    (void)tarn_base_json_text(tarn_base_json_member(root, "error_type"), &type);
    (void)tarn_base_json_text(tarn_base_json_member(root, "error_message"), &message);
    (void)tarn_base_json_text(tarn_base_json_member(root, "position"), &position);
    return fail_from_answer(session, type_spelling(type), message, position, sql, error);
}

static char *blanked_copy(TarnArena *arena, TarnText sql) {
    char *copy = tarn_base_text_string(arena, sql);
    if (copy != NULL) tarn_engine__sql_blank(copy, sql.size);
    return copy;
}

/* Asks one of the functions and reads the JSON it answers. */
static bool ask(TarnEngineSession *session, TarnText question, TarnText sql, TarnArena *arena,
                TarnJson **root, TarnError *error) {
    *root = NULL;
    if (!tarn_engine__sql_check(sql, error)) return false;
    TarnText text = {blanked_copy(arena, sql), sql.size};
    if (!tarn_base_arena_check(arena, error)) return false;
    TarnEngineParam param = tarn_engine_param_text(text);
    TarnText answer;
    if (!tarn_engine_query_text(session, question, &param, 1, arena, &answer, error)) {
        return false;
    }
    if (answer.data == NULL) {
        return tarn_base_error_set(error, TARN_E_ENGINE, "DuckDB gave no syntax tree");
    }
    if (!tarn_base_json_parse(answer, NULL, arena, root, error)) {
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
    return ask(session, TARN_TEXT("SELECT json_serialize_sql($1::VARCHAR)"), sql, arena, tree,
               error);
}

bool tarn_engine_plan(TarnEngineSession *session, TarnText sql, TarnArena *arena, TarnJson **plan,
                      TarnError *error) {
    return ask(session, TARN_TEXT("SELECT json_serialize_plan($1::VARCHAR)"), sql, arena, plan,
               error);
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
    "json_array_length(t, '$.statements') FROM (SELECT json_serialize_sql($1::VARCHAR) AS t)";

typedef struct ProbeAnswer {
    TarnText type;
    TarnText message;
    TarnText position;
    int64_t statements;
} ProbeAnswer;

static bool read_probe(const TarnEngineChunk *chunk, ProbeAnswer *answer) {
    if (chunk == NULL || chunk->rows != 1 || chunk->column_count != 4) return false;
    answer->type = tarn_engine_vector_text(&chunk->columns[0], 0);
    answer->message = tarn_engine_vector_text(&chunk->columns[1], 0);
    answer->position = tarn_engine_vector_text(&chunk->columns[2], 0);
    if (!tarn_engine_vector_int64(&chunk->columns[3], 0, &answer->statements)) {
        answer->statements = 0;
    }
    return true;
}

static bool judge_probe(TarnEngineSession *session, const ProbeAnswer *answer, TarnText sql,
                        bool *is_select, TarnError *error) {
    if (answer->type.size == 0) {
        *is_select = answer->statements == 1;
        if (*is_select) return true;
        tarn_base_error_set(error, TARN_E_SQL_SYNTAX,
                            "cannot tell where the statement begins and ends");
        tarn_engine__failure_place(error, sql, 0);
        return false;
    }
    *is_select = false;
    TarnText type = type_spelling(answer->type);
    if (tarn_base_text_is(type, "Not implemented")) return true;
    return fail_from_answer(session, type, answer->message, answer->position, sql, error);
}

bool tarn_engine__syntax_probe(TarnEngineSession *session, TarnText sql, bool *is_select,
                               TarnError *error) {
    TarnArena arena;
    TarnEngineResult *result = NULL;
    const TarnEngineChunk *chunk = NULL;
    ProbeAnswer answer = {0};
    tarn_base_arena_init(&arena, TARN_LIMIT_SQL_BYTES + TARN_MIB);
    TarnText text = {blanked_copy(&arena, sql), sql.size};
    TarnEngineParam param = tarn_engine_param_text(text);
    bool done = tarn_base_arena_check(&arena, error) &&
                tarn_engine_query(session, tarn_base_text(probe_question), &param, 1, &result,
                                  error) &&
                tarn_engine_result_next(result, &chunk, error);
    if (done && !read_probe(chunk, &answer)) {
        done = tarn_base_error_set(error, TARN_E_ENGINE, "DuckDB gave no syntax tree");
    }
    done = done && judge_probe(session, &answer, sql, is_select, error);
    tarn_engine_result_free(result);
    tarn_base_arena_dispose(&arena);
    return done;
}
