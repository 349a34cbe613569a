/* DuckDB's logical types as a tree of tarn's, and a type as SQL text.
 *
 * Purpose: other rooms map types (to Iceberg, PostgreSQL, Arrow) without seeing DuckDB's. The
 * tree is copied once per result into its arena, so nothing of DuckDB has to be kept alive.
 * What it does not do: keep what is not needed to read values (collations, coordinate systems).
 * A type DuckDB has and this room does not know becomes TARN_ENGINE_INVALID, whose values can be
 * told to be null or not, and no more.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "engine/engine_private.h"

static TarnEngineKind kind_of(duckdb_type type) {
    switch (type) {
    case DUCKDB_TYPE_BOOLEAN: return TARN_ENGINE_BOOLEAN;
    case DUCKDB_TYPE_TINYINT: return TARN_ENGINE_TINYINT;
    case DUCKDB_TYPE_SMALLINT: return TARN_ENGINE_SMALLINT;
    case DUCKDB_TYPE_INTEGER: return TARN_ENGINE_INTEGER;
    case DUCKDB_TYPE_BIGINT: return TARN_ENGINE_BIGINT;
    case DUCKDB_TYPE_UTINYINT: return TARN_ENGINE_UTINYINT;
    case DUCKDB_TYPE_USMALLINT: return TARN_ENGINE_USMALLINT;
    case DUCKDB_TYPE_UINTEGER: return TARN_ENGINE_UINTEGER;
    case DUCKDB_TYPE_UBIGINT: return TARN_ENGINE_UBIGINT;
    case DUCKDB_TYPE_FLOAT: return TARN_ENGINE_FLOAT;
    case DUCKDB_TYPE_DOUBLE: return TARN_ENGINE_DOUBLE;
    case DUCKDB_TYPE_TIMESTAMP: return TARN_ENGINE_TIMESTAMP;
    case DUCKDB_TYPE_DATE: return TARN_ENGINE_DATE;
    case DUCKDB_TYPE_TIME: return TARN_ENGINE_TIME;
    case DUCKDB_TYPE_INTERVAL: return TARN_ENGINE_INTERVAL;
    case DUCKDB_TYPE_HUGEINT: return TARN_ENGINE_HUGEINT;
    case DUCKDB_TYPE_UHUGEINT: return TARN_ENGINE_UHUGEINT;
    case DUCKDB_TYPE_VARCHAR: return TARN_ENGINE_VARCHAR;
    case DUCKDB_TYPE_BLOB: return TARN_ENGINE_BLOB;
    case DUCKDB_TYPE_DECIMAL: return TARN_ENGINE_DECIMAL;
    case DUCKDB_TYPE_TIMESTAMP_S: return TARN_ENGINE_TIMESTAMP_S;
    case DUCKDB_TYPE_TIMESTAMP_MS: return TARN_ENGINE_TIMESTAMP_MS;
    case DUCKDB_TYPE_TIMESTAMP_NS: return TARN_ENGINE_TIMESTAMP_NS;
    case DUCKDB_TYPE_ENUM: return TARN_ENGINE_ENUM;
    case DUCKDB_TYPE_LIST: return TARN_ENGINE_LIST;
    case DUCKDB_TYPE_STRUCT: return TARN_ENGINE_STRUCT;
    case DUCKDB_TYPE_MAP: return TARN_ENGINE_MAP;
    case DUCKDB_TYPE_ARRAY: return TARN_ENGINE_ARRAY;
    case DUCKDB_TYPE_UUID: return TARN_ENGINE_UUID;
    case DUCKDB_TYPE_UNION: return TARN_ENGINE_UNION;
    case DUCKDB_TYPE_BIT: return TARN_ENGINE_BIT;
    case DUCKDB_TYPE_TIME_TZ: return TARN_ENGINE_TIME_TZ;
    case DUCKDB_TYPE_TIMESTAMP_TZ: return TARN_ENGINE_TIMESTAMP_TZ;
    case DUCKDB_TYPE_BIGNUM: return TARN_ENGINE_BIGNUM;
    case DUCKDB_TYPE_SQLNULL: return TARN_ENGINE_NULL;
    case DUCKDB_TYPE_TIME_NS: return TARN_ENGINE_TIME_NS;
    case DUCKDB_TYPE_GEOMETRY: return TARN_ENGINE_GEOMETRY;
    case DUCKDB_TYPE_VARIANT: return TARN_ENGINE_VARIANT;
    default: return TARN_ENGINE_INVALID;
    }
}

/* Takes a string DuckDB allocated. */
static const char *take_string(TarnArena *arena, char *string) {
    const char *copy = tarn_base_arena_string(arena, string);
    tarn_engine__duck.free(string);
    return copy;
}

static bool read_type(duckdb_logical_type type, TarnArena *arena, unsigned depth,
                      TarnEngineType *out, TarnError *error);

typedef duckdb_logical_type (*ChildType)(duckdb_logical_type type);

static bool read_only_child(duckdb_logical_type type, ChildType child_type, TarnArena *arena,
                            unsigned depth, TarnEngineType *out, TarnError *error) {
    duckdb_logical_type child = child_type(type);
    bool done = read_type(child, arena, depth + 1, out, error);
    tarn_engine__duck.destroy_logical_type(&child);
    return done;
}

static bool make_children(TarnEngineType *out, idx_t count, TarnArena *arena, TarnError *error) {
    if (count > UINT32_MAX / sizeof(TarnEngineVector)) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED, "a type of %" PRIu64 " fields",
                                   count);
    }
    out->child_count = (uint32_t)count;
    out->children = TARN_NEW_ARRAY(arena, count, TarnEngineType);
    return tarn_base_arena_check(arena, error);
}

static bool read_fields(duckdb_logical_type type, TarnArena *arena, unsigned depth,
                        TarnEngineType *out, TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    bool is_union = out->kind == TARN_ENGINE_UNION;
    idx_t count = is_union ? duck->union_type_member_count(type)
                           : duck->struct_type_child_count(type);
    if (!make_children(out, count, arena, error)) return false;
    const char **names = TARN_NEW_ARRAY(arena, count, const char *);
    if (!tarn_base_arena_check(arena, error)) return false;
    out->names = names;
    for (idx_t i = 0; i < count; i++) {
        names[i] = take_string(arena, is_union ? duck->union_type_member_name(type, i)
                                               : duck->struct_type_child_name(type, i));
        duckdb_logical_type child = is_union ? duck->union_type_member_type(type, i)
                                             : duck->struct_type_child_type(type, i);
        bool done = read_type(child, arena, depth + 1, &out->children[i], error);
        duck->destroy_logical_type(&child);
        if (!done) return false;
    }
    return true;
}

static bool read_words(duckdb_logical_type type, TarnArena *arena, TarnEngineType *out,
                       TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    switch (duck->enum_internal_type(type)) {
    case DUCKDB_TYPE_UTINYINT: out->enum_bytes = 1; break;
    case DUCKDB_TYPE_USMALLINT: out->enum_bytes = 2; break;
    default: out->enum_bytes = 4; break;
    }
    uint32_t count = duck->enum_dictionary_size(type);
    TarnText *words = TARN_NEW_ARRAY(arena, count, TarnText);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (uint32_t i = 0; i < count; i++) {
        words[i] = tarn_base_text(take_string(arena, duck->enum_dictionary_value(type, i)));
    }
    out->words = words;
    out->word_count = count;
    return true;
}

static bool read_map(duckdb_logical_type type, TarnArena *arena, unsigned depth,
                     TarnEngineType *out, TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    return make_children(out, 2, arena, error) &&
           read_only_child(type, duck->map_type_key_type, arena, depth, &out->children[0],
                           error) &&
           read_only_child(type, duck->map_type_value_type, arena, depth, &out->children[1],
                           error);
}

static bool read_array(duckdb_logical_type type, TarnArena *arena, unsigned depth,
                       TarnEngineType *out, TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    out->array_size = (uint32_t)duck->array_type_array_size(type); /* below 100,000 by DuckDB */
    return make_children(out, 1, arena, error) &&
           read_only_child(type, duck->array_type_child_type, arena, depth, &out->children[0],
                           error);
}

static bool read_type(duckdb_logical_type type, TarnArena *arena, unsigned depth,
                      TarnEngineType *out, TarnError *error) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    if (depth > TARN_LIMIT_NESTING) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "a type nested deeper than %d levels", TARN_LIMIT_NESTING);
    }
    out->kind = kind_of(duck->get_type_id(type));
    out->alias = type != NULL ? take_string(arena, duck->logical_type_get_alias(type)) : NULL;
    switch (out->kind) {
    case TARN_ENGINE_DECIMAL:
        out->width = duck->decimal_width(type);
        out->scale = duck->decimal_scale(type);
        return true;
    case TARN_ENGINE_ENUM: return read_words(type, arena, out, error);
    case TARN_ENGINE_LIST:
        return make_children(out, 1, arena, error) &&
               read_only_child(type, duck->list_type_child_type, arena, depth, out->children,
                               error);
    case TARN_ENGINE_ARRAY: return read_array(type, arena, depth, out, error);
    case TARN_ENGINE_MAP: return read_map(type, arena, depth, out, error);
    case TARN_ENGINE_STRUCT:
    case TARN_ENGINE_UNION: return read_fields(type, arena, depth, out, error);
    default: return true;
    }
}

bool tarn_engine__type_read(duckdb_logical_type type, TarnArena *arena, TarnEngineType *out,
                            TarnError *error) {
    memset(out, 0, sizeof(*out));
    return read_type(type, arena, 0, out, error) && tarn_base_arena_check(arena, error);
}

/* ---- as SQL ------------------------------------------------------------------------------ */

static const char *const kind_names[TARN_ENGINE_KIND_COUNT] = {
    [TARN_ENGINE_INVALID] = "INVALID",
    [TARN_ENGINE_NULL] = "\"NULL\"",
    [TARN_ENGINE_BOOLEAN] = "BOOLEAN",
    [TARN_ENGINE_TINYINT] = "TINYINT",
    [TARN_ENGINE_SMALLINT] = "SMALLINT",
    [TARN_ENGINE_INTEGER] = "INTEGER",
    [TARN_ENGINE_BIGINT] = "BIGINT",
    [TARN_ENGINE_HUGEINT] = "HUGEINT",
    [TARN_ENGINE_UTINYINT] = "UTINYINT",
    [TARN_ENGINE_USMALLINT] = "USMALLINT",
    [TARN_ENGINE_UINTEGER] = "UINTEGER",
    [TARN_ENGINE_UBIGINT] = "UBIGINT",
    [TARN_ENGINE_UHUGEINT] = "UHUGEINT",
    [TARN_ENGINE_FLOAT] = "FLOAT",
    [TARN_ENGINE_DOUBLE] = "DOUBLE",
    [TARN_ENGINE_DATE] = "DATE",
    [TARN_ENGINE_TIME] = "TIME",
    [TARN_ENGINE_TIME_NS] = "TIME_NS",
    [TARN_ENGINE_TIME_TZ] = "TIME WITH TIME ZONE",
    [TARN_ENGINE_TIMESTAMP] = "TIMESTAMP",
    [TARN_ENGINE_TIMESTAMP_S] = "TIMESTAMP_S",
    [TARN_ENGINE_TIMESTAMP_MS] = "TIMESTAMP_MS",
    [TARN_ENGINE_TIMESTAMP_NS] = "TIMESTAMP_NS",
    [TARN_ENGINE_TIMESTAMP_TZ] = "TIMESTAMP WITH TIME ZONE",
    [TARN_ENGINE_INTERVAL] = "INTERVAL",
    [TARN_ENGINE_VARCHAR] = "VARCHAR",
    [TARN_ENGINE_BLOB] = "BLOB",
    [TARN_ENGINE_BIT] = "BIT",
    [TARN_ENGINE_BIGNUM] = "BIGNUM",
    [TARN_ENGINE_GEOMETRY] = "GEOMETRY",
    [TARN_ENGINE_UUID] = "UUID",
    [TARN_ENGINE_VARIANT] = "VARIANT",
};

/* Words that DuckDB's grammar reserves: a field of such a name must be quoted. */
static const char *const reserved_words[] = {
    "all",        "analyse",  "analyze",   "and",      "any",        "array",      "as",
    "asc",        "asymmetric", "both",    "case",     "cast",       "check",      "collate",
    "column",     "constraint", "create",  "default",  "deferrable", "desc",       "describe",
    "distinct",   "do",       "else",      "end",      "except",     "false",      "fetch",
    "for",        "foreign",  "from",      "group",    "having",     "in",         "initially",
    "intersect",  "into",     "lambda",    "lateral",  "leading",    "limit",      "not",
    "null",       "offset",   "on",        "only",     "or",         "order",      "pivot",
    "pivot_longer", "pivot_wider", "placing", "primary", "qualify",  "references", "returning",
    "select",     "show",     "some",      "summarize", "symmetric", "table",      "then",
    "to",         "trailing", "true",      "union",    "unique",     "unpivot",    "using",
    "variadic",   "when",     "where",     "window",   "with",
};

static bool name_is_plain(const char *name) {
    if (!(name[0] >= 'a' && name[0] <= 'z') && name[0] != '_') return false;
    for (const char *at = name; *at != '\0'; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_';
        if (!plain) return false;
    }
    for (size_t i = 0; i < sizeof(reserved_words) / sizeof(reserved_words[0]); i++) {
        if (strcmp(name, reserved_words[i]) == 0) return false;
    }
    return true;
}

static void write_name(const char *name, TarnBuffer *out) {
    if (name_is_plain(name)) {
        tarn_base_buffer_string(out, name);
    } else {
        tarn_base_buffer_identifier(out, tarn_base_text(name));
    }
}

static void write_fields(const TarnEngineType *type, const char *word, TarnBuffer *out) {
    tarn_base_buffer_string(out, word);
    for (uint32_t i = 0; i < type->child_count; i++) {
        if (i > 0) tarn_base_buffer_string(out, ", ");
        if (type->names[i] != NULL && type->names[i][0] != '\0') {
            write_name(type->names[i], out);
            tarn_base_buffer_byte(out, ' ');
        }
        tarn_engine_type_write(&type->children[i], out);
    }
    tarn_base_buffer_byte(out, ')');
}

static void write_words(const TarnEngineType *type, TarnBuffer *out) {
    tarn_base_buffer_string(out, "ENUM(");
    for (uint32_t i = 0; i < type->word_count; i++) {
        if (i > 0) tarn_base_buffer_string(out, ", ");
        tarn_base_buffer_literal(out, type->words[i]);
    }
    tarn_base_buffer_byte(out, ')');
}

void tarn_engine_type_write(const TarnEngineType *type, TarnBuffer *out) {
    if (type->alias != NULL) {
        tarn_base_buffer_string(out, type->alias);
        return;
    }
    switch (type->kind) {
    case TARN_ENGINE_DECIMAL:
        tarn_base_buffer_printf(out, "DECIMAL(%u,%u)", type->width, type->scale);
        break;
    case TARN_ENGINE_LIST:
        tarn_engine_type_write(type->children, out);
        tarn_base_buffer_string(out, "[]");
        break;
    case TARN_ENGINE_ARRAY:
        tarn_engine_type_write(type->children, out);
        tarn_base_buffer_printf(out, "[%" PRIu32 "]", type->array_size);
        break;
    case TARN_ENGINE_MAP:
        tarn_base_buffer_string(out, "MAP(");
        tarn_engine_type_write(&type->children[0], out);
        tarn_base_buffer_string(out, ", ");
        tarn_engine_type_write(&type->children[1], out);
        tarn_base_buffer_byte(out, ')');
        break;
    case TARN_ENGINE_STRUCT: write_fields(type, "STRUCT(", out); break;
    case TARN_ENGINE_UNION: write_fields(type, "UNION(", out); break;
    case TARN_ENGINE_ENUM: write_words(type, out); break;
    default: tarn_base_buffer_string(out, kind_names[type->kind]); break;
    }
}
