/* What a SELECT's syntax tree refers to. Tables are named; table functions are run only from a
 * list of those that compute and read nothing; a few scalar functions are refused by name.
 */
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "query/query_private.h"

#define DEPTH_MAX 2000

static const char *const table_functions[] = {"range",     "generate_series", "unnest",
                                              "repeat",    "repeat_row",      "generate_subscripts",
                                              "json_each", "json_tree",       "icu_calendar_names"};
/* Scalars that reach beyond their arguments. */
static const char *const refused_functions[] = {
    "current_setting",
    "getenv",
    "query",
    "query_table",
    "read_text",
    "read_blob",
    "json_execute_serialized_sql",
    "write_log",
    "pg_read_file",
    "nextval",
    "currval",
    "getvariable",
    "tarn_alive",
    "tarn_file_fact",
    "tarn_mark"}; /* of scans, and of what a statement changes */

typedef struct Walk {
    TarnText sql;
    TarnArena *arena;
    TarnReferences *references;
    TarnMap ctes;
    TarnError *error;
} Walk;

size_t tarn_query__tree_location(const TarnJson *object) {
    int64_t location;
    bool known = tarn_base_json_int64(tarn_base_json_member(object, "query_location"), &location);
    return known && location >= 0 ? (size_t)location : 0;
}

static bool is_listed(const char *const *names, size_t count, TarnText name) {
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) == name.size && strncasecmp(names[i], name.data, name.size) == 0) {
            return true;
        }
    }
    return false;
}
#define LISTED(names, name) is_listed(names, sizeof(names) / sizeof((names)[0]), name)

static TarnText lower(TarnText text, TarnArena *arena) {
    char *copy = tarn_base_text_string(arena, text);
    for (size_t i = 0; copy != NULL && i < text.size; i++) {
        if (copy[i] >= 'A' && copy[i] <= 'Z') copy[i] = (char)(copy[i] | 32);
    }
    return (TarnText){copy, copy != NULL ? text.size : 0};
}

/* Names of common table expressions anywhere in the statement are not tables of the lake; a
 * bare name could not be one either. */
static void find_ctes(Walk *walk, const TarnJson *value, int depth) {
    if (value == NULL || depth > DEPTH_MAX) return;
    if (tarn_base_text_is(value->key, "cte_map")) {
        TARN_JSON_EACH(entry, tarn_base_json_member(value, "map")) {
            tarn_base_map_put(&walk->ctes,
                              lower(tarn_base_json_member_text(entry, "key"), walk->arena), walk);
        }
    }
    TARN_JSON_EACH(child, value) find_ctes(walk, child, depth + 1);
}

/* A namespace below a zone may itself have dots: raw."a.b".t is namespace raw.a.b. */
bool tarn_query__reference_read(const TarnJson *table, TarnArena *arena, TarnReference *reference,
                                TarnError *error) {
    TarnText levels[3] = {tarn_base_json_member_text(table, "catalog_name"),
                          tarn_base_json_member_text(table, "schema_name"),
                          tarn_base_json_member_text(table, "table_name")};
    size_t first = levels[0].size > 0 ? 0 : 1;
    TarnBuffer ns;
    *reference = (TarnReference){.offset = tarn_query__tree_location(table)};
    tarn_base_buffer_init(&ns, 65536);
    tarn_base_buffer_text(&ns, levels[first]);
    if (first == 0) {
        tarn_base_buffer_byte(&ns, '.');
        tarn_base_buffer_text(&ns, levels[1]);
    }
    reference->name.ns = tarn_base_buffer_keep(&ns, arena);
    reference->name.name = tarn_base_text_string(arena, levels[2]);
    tarn_base_buffer_dispose(&ns);
    reference->catalog = tarn_base_text_string(arena, levels[first]);
    reference->schema = first == 0 ? tarn_base_text_string(arena, levels[1]) : "main";
    reference->table = reference->name.name;
    return tarn_base_arena_check(arena, error);
}

static bool add_reference(Walk *walk, const TarnJson *table) {
    TarnText name = tarn_base_json_member_text(table, "table_name");
    TarnReference reference;
    if (tarn_base_json_member_text(table, "catalog_name").size == 0 &&
        tarn_base_json_member_text(table, "schema_name").size == 0) {
        if (tarn_base_map_has(&walk->ctes, lower(name, walk->arena))) return true;
        tarn_query__error_at(walk->sql, tarn_query__tree_location(table), TARN_E_NAME_INVALID,
                             walk->error, "the table \"%.*s\" has no zone", TARN_TEXT_ARG(name));
        return tarn_base_error_hint(walk->error,
                                    "write <zone>.<table>; files are loaded first: tarn load FILE "
                                    "<zone>.<table>");
    }
    if (!tarn_query__reference_read(table, walk->arena, &reference, walk->error)) return false;
    for (size_t i = 0; i < walk->references->count; i++) {
        if (tarn_catalog_name_equal(walk->references->items[i].name, reference.name)) return true;
    }
    TarnReference *slot = TARN_PUSH(walk->arena, walk->references);
    if (slot != NULL) *slot = reference;
    return tarn_base_arena_check(walk->arena, walk->error);
}

static bool refuse_function(Walk *walk, const TarnJson *function, const char *kind) {
    TarnText name = tarn_base_json_member_text(function, "function_name");
    tarn_query__error_at(walk->sql, tarn_query__tree_location(function), TARN_E_STATEMENT_REFUSED,
                         walk->error, "the %s function \"%.*s\" is not run here", kind,
                         TARN_TEXT_ARG(name));
    return tarn_base_error_hint(walk->error, "statements read tables of the lake only; load files "
                                             "with: tarn load FILE <zone>.<table>");
}

static bool walk_value(Walk *walk, const TarnJson *value, int depth) {
    if (depth > DEPTH_MAX) {
        return tarn_base_error_set(walk->error, TARN_E_LIMIT_EXCEEDED,
                                   "the statement is nested too deeply");
    }
    if (value->kind == TARN_JSON_OBJECT) {
        TarnText type = tarn_base_json_member_text(value, "type");
        const TarnJson *function = tarn_base_json_member(value, "function");
        if (tarn_base_text_is(type, "BASE_TABLE") && !add_reference(walk, value)) return false;
        if (tarn_base_text_is(type, "TABLE_FUNCTION")) {
            if (!LISTED(table_functions, tarn_base_json_member_text(function, "function_name"))) {
                return refuse_function(walk, function != NULL ? function : value, "table");
            }
        } else if (tarn_base_text_is(tarn_base_json_member_text(value, "class"), "FUNCTION") &&
                   LISTED(refused_functions, tarn_base_json_member_text(value, "function_name"))) {
            return refuse_function(walk, value, "scalar");
        } else if (tarn_base_text_is(type, "SHOW_REF") &&
                   tarn_base_json_member_text(value, "table_name").size > 0) {
            return tarn_base_error_set(walk->error, TARN_E_SQL_UNSUPPORTED,
                                       "SHOW inside a query is not run here");
        }
    }
    TARN_JSON_EACH(child, value) {
        bool nested = child->kind == TARN_JSON_OBJECT || child->kind == TARN_JSON_ARRAY;
        if (nested && !walk_value(walk, child, depth + 1)) return false;
    }
    return true;
}

bool tarn_query__footprint(TarnText sql, const TarnJson *tree, TarnArena *arena,
                           TarnReferences *references, TarnError *error) {
    Walk walk = {.sql = sql, .arena = arena, .references = references, .error = error};
    *references = (TarnReferences){0};
    tarn_base_map_init(&walk.ctes, arena);
    find_ctes(&walk, tree, 0);
    return walk_value(&walk, tree, 0) && tarn_base_arena_check(arena, error);
}
