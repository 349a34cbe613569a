/* What the files of schema*.c and type*.c share: places of fields in the tree, checks of names
 * and defaults. Private to table/. */
#ifndef TARN_TABLE_SCHEMA_PRIVATE_H
#define TARN_TABLE_SCHEMA_PRIVATE_H

#include "base/limits.h"
#include "table/schema.h"

/* Ids above are the specification's metadata columns. */
#define TARN_TABLE_FIELD_ID_MAX (INT32_MAX - 200)
/* Levels of JSON that a type may take: table metadata and REST requests nest around it. */
#define TARN_TABLE_TYPE_LEVELS_MAX (TARN_LIMIT_NESTING - 8)
/* A struct is an object with an array of objects, a list or a map one object. */
#define TARN_TABLE_STRUCT_LEVELS 3

/* Where a field is. */
typedef struct TarnFieldPlace {
    TarnField *field;
    TarnField *parent;  /* the struct, list or map field it is in; NULL = top level */
    size_t index;       /* among its siblings */
    bool in_collection; /* in a list or map at any distance */
    bool in_map_key;    /* a key or in one */
    bool in_optional;   /* in an optional struct at any distance */
} TarnFieldPlace;

/* field == NULL if absent (or the name is ambiguous without case). */
TarnFieldPlace tarn_table__field_by_id(const TarnSchema *schema, int32_t id);
TarnFieldPlace tarn_table__field_by_name(const TarnSchema *schema, TarnText path);
/* The sibling of that name without regard to case, but not `except`; NULL if none. */
const TarnField *tarn_table__field_named(const TarnField *fields, size_t count, const char *name,
                                         const TarnField *except);

/* TARN_E_COLUMN_NOT_FOUND with the nearest path as a hint. Returns false. */
bool tarn_table__refuse_column(const TarnSchema *schema, TarnText path, TarnError *error);

/* JSON levels of a type, 0 for primitives; stops counting beyond the maximum. */
int tarn_table__type_levels(const TarnType *type);
/* A deep copy of the fields; names, docs and defaults are shared. Each level has room for
 * tarn_table__field_capacity(count) fields: a builder that only has such levels needs no other
 * note of their capacity. */
size_t tarn_table__field_capacity(size_t count);
TarnField *tarn_table__fields_copy(const TarnField *fields, size_t count, TarnArena *arena);
/* Fresh ids after *last_id for the children of a type, a level before the one below; advances
 * *last_id; false when ids run out. `map` (may be NULL) is told each change. */
typedef void (*TarnIdChange)(void *state, int32_t old_id, int32_t new_id);
bool tarn_table__type_renumber(TarnType *type, int32_t *last_id, TarnIdChange change, void *state);
bool tarn_table__fields_renumber(TarnField *fields, size_t count, int32_t *last_id,
                                 TarnIdChange change, void *state);

/* Equal by meaning: members of objects in any order, numbers by their text. */
bool tarn_table__json_equal(const TarnJson *a, const TarnJson *b);

/* NAME_INVALID unless tarn may give this name to a column. */
bool tarn_table__name_check(const char *name, TarnError *error);
/* Is the JSON a default of the type (null, a value, {} for structs)? `code` is for the error. */
bool tarn_table__default_check(const TarnType *type, const TarnJson *json, TarnErrorCode code,
                               const char *column, TarnError *error);
/* Types and defaults that the format version lacks: SCHEMA_CHANGE_REFUSED. */
bool tarn_table__version_check(const TarnField *field, int32_t format_version, TarnError *error);
/* The engine writes variants as columns, not inside of structs, lists and maps. */
bool tarn_table__variant_check(const TarnField *field, bool is_nested, TarnError *error);
/* Names, count, levels, versions of the fields of one level and all below. */
bool tarn_table__fields_check(const TarnField *fields, size_t count, int32_t format_version,
                              TarnError *error);
/* The specification's rules for identifier fields; the error names the field. */
bool tarn_table__identifiers_check(const TarnSchema *schema, TarnErrorCode code, TarnError *error);

/* For messages: the type as in Iceberg JSON, nested ones as "struct", "list", "map". */
#define TARN_TABLE_TYPE_NAME_BYTES 64
char *tarn_table__type_name(const TarnType *type, char out[TARN_TABLE_TYPE_NAME_BYTES]);

#endif
