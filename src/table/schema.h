/* Schemas: fields with ids, nested types, evolution by id.
 *
 * Source: Iceberg table specification, "Schemas and Data Types", "Schema Evolution", "Column
 * Projection", "Appendix C: JSON serialization". A schema is immutable once built; evolution
 * makes a new one. All memory is in the arena given.
 */
#ifndef TARN_TABLE_SCHEMA_H
#define TARN_TABLE_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "format/literal.h"

typedef struct TarnField TarnField;

typedef struct TarnType {
    TarnPrimitive primitive; /* .kind tells nested kinds too */
    TarnField *fields;       /* STRUCT: its fields; LIST: [element]; MAP: [key, value] */
    size_t field_count;
    TarnText text; /* the JSON name of types with parameters we only carry (geometry(crs)) */
} TarnType;

struct TarnField {
    int32_t id;
    bool required;
    const char *name; /* list: "element"; map: "key", "value" */
    TarnType type;
    const char *doc;                 /* NULL = none */
    const TarnJson *initial_default; /* NULL = none; JSON single-value form */
    const TarnJson *write_default;
};

typedef struct TarnSchema {
    int32_t id;
    TarnField *fields;
    size_t field_count;
    int32_t *identifier_ids;
    size_t identifier_count;
    TarnText source; /* the JSON it was read from, written back unchanged; empty = made here.
                        Who changes a schema that was read, its id included, empties it. */
} TarnSchema;

/* JSON of Appendix C. Errors: TARN_E_METADATA_INVALID with the field named: duplicate ids or
 * names in one struct, unknown types, ids out of range, defaults that are no value of the type,
 * identifier fields the specification forbids, types nested too deeply for metadata around them
 * to stay within TARN_LIMIT_NESTING. Names that differ only in case are accepted here. */
bool tarn_table_schema_from_json(const TarnJson *json, TarnArena *arena, TarnSchema *schema,
                                 TarnError *error) TARN_CHECKED;
void tarn_table_schema_to_json(const TarnSchema *schema, TarnJsonWriter *out);
bool tarn_table_type_from_json(const TarnJson *json, TarnArena *arena, TarnType *type,
                               TarnError *error) TARN_CHECKED;
void tarn_table_type_to_json(const TarnType *type, TarnJsonWriter *out);
/* What tarn demands of a schema that it brings into the world, beyond what it reads: names of one
 * level differ without regard to case (as DuckDB's must), are not empty, UTF-8 without control
 * characters and within TARN_LIMIT_IDENTIFIER_BYTES; there is at least one field on each level;
 * types and defaults exist in the format version; ids are unique. TARN_E_NAME_INVALID,
 * TARN_E_SCHEMA_CHANGE_REFUSED, TARN_E_LIMIT_EXCEEDED. */
bool tarn_table_schema_check_new(const TarnSchema *schema, int32_t format_version, TarnError *error)
    TARN_CHECKED;

/* Lookup. By id: any depth. By name: dotted path from the top ("a.b.element"), exact case first,
 * then without case if that is unique. NULL if absent. */
const TarnField *tarn_table_schema_find(const TarnSchema *schema, int32_t id);
const TarnField *tarn_table_schema_find_name(const TarnSchema *schema, const char *path);
/* The dotted path of a field id; NULL if absent. */
const char *tarn_table_schema_path(const TarnSchema *schema, int32_t id, TarnArena *arena);
int32_t tarn_table_schema_highest_id(const TarnSchema *schema); /* 0 if there are no fields */
/* Equal but for the schema's own id: fields in order with ids, names, types, docs and defaults, and
 * the set of identifier fields. */
bool tarn_table_schema_same(const TarnSchema *a, const TarnSchema *b);
bool tarn_table_type_equal(const TarnType *a, const TarnType *b); /* fields likewise */

/* DuckDB's type for a column ("STRUCT(\"a\" BIGINT, \"b\" VARCHAR[])"), and back from DuckDB type
 * text (as DESCRIBE or typeof print it, or a person writes it: DuckDB's aliases are known). From
 * DuckDB: ids are given from *next_id on, the fields of a level before those below them, as
 * Iceberg's assignment does; *next_id is then the next free one. Everything is optional but map
 * keys. Types Iceberg has no equal for (HUGEINT, UBIGINT, INTERVAL, ...) are refused by name with
 * a hint (cast to ..): TARN_E_SCHEMA_CHANGE_REFUSED; text that is no type: TARN_E_SQL_SYNTAX.
 * UINTEGER becomes long, TINYINT, SMALLINT, UTINYINT, USMALLINT int, ENUM and JSON string,
 * TIMESTAMP_S and _MS timestamp, TIMESTAMP_NS timestamp_ns, "NULL" unknown, T[n] a list. */
void tarn_table_type_to_sql(const TarnType *type, TarnBuffer *out);
bool tarn_table_type_from_sql(TarnText sql, int32_t *next_id, TarnArena *arena, TarnType *type,
                              TarnError *error) TARN_CHECKED;
/* A new schema of optional columns from names and DuckDB types, as a query's result has them: ids
 * from 1 on, *last_column_id the highest; checked as by tarn_table_schema_check_new. */
bool tarn_table_schema_from_sql(const char *const *names, const TarnText *types, size_t count,
                                int32_t format_version, TarnArena *arena, TarnSchema *schema,
                                int32_t *last_column_id, TarnError *error) TARN_CHECKED;
/* DuckDB COPY's FIELD_IDS value for the whole schema: the full tree, list elements and map keys
 * and values included (a list without its element id is illegal Iceberg). Columns of type unknown
 * are left out, as they are from files. */
void tarn_table_schema_to_field_ids(const TarnSchema *schema, TarnBuffer *out);

/* Evolution: a builder folded over a base schema. Paths are dotted. Nested adds address a struct
 * ("address.zip"), the struct in a list ("items.element.price") or in a map ("m.value.x").
 * Rules of the specification: only widening type changes; required columns need a default to be
 * added; required -> optional only; identifier fields and partition or sort sources cannot be
 * dropped (the caller passes ids in use). Errors: TARN_E_SCHEMA_CHANGE_REFUSED,
 * TARN_E_COLUMN_NOT_FOUND with the nearest name. */
typedef struct TarnSchemaUpdate {
    TarnArena *arena;
    TarnSchema schema;      /* the result so far; its id is the base's: the caller gives it one */
    int32_t last_column_id; /* the table's last-column-id, advanced by adds */
    int32_t format_version;
    /* Set after init if wanted: */
    bool table_is_empty;                 /* no rows, so required columns need no default */
    const int32_t *partition_source_ids; /* of all specs: dates among them keep their type */
    size_t partition_source_count;
} TarnSchemaUpdate;

typedef enum TarnColumnMove {
    TARN_MOVE_FIRST,
    TARN_MOVE_BEFORE,
    TARN_MOVE_AFTER
} TarnColumnMove;

/* A change that fails leaves the schema as it was (an exhausted arena spoils the update). The
 * base's memory, and the JSON of defaults, must live as long as the result; other texts are copied.
 * Names are compared without case; map keys cannot be changed in any way. */
void tarn_table_schema_update_init(TarnSchemaUpdate *update, const TarnSchema *base,
                                   int32_t last_column_id, int32_t format_version,
                                   TarnArena *arena);
/* `parent` NULL or "" = top level; a list or map of structs stands for its element or value.
 * `type` carries any ids; fresh ones are assigned. `initial` and `write` defaults may be NULL
 * (`write` is then `initial`) and need format version 3; a required column needs `initial` unless
 * the table is empty. */
bool tarn_table_schema_update_add(TarnSchemaUpdate *update, const char *parent, const char *name,
                                  const TarnType *type, bool required, const char *doc,
                                  const TarnJson *initial, const TarnJson *write, TarnError *error)
    TARN_CHECKED;
bool tarn_table_schema_update_drop(TarnSchemaUpdate *update, const char *path,
                                   const int32_t *ids_in_use, size_t id_count, TarnError *error)
    TARN_CHECKED;
bool tarn_table_schema_update_rename(TarnSchemaUpdate *update, const char *path,
                                     const char *new_name, TarnError *error) TARN_CHECKED;
bool tarn_table_schema_update_type(TarnSchemaUpdate *update, const char *path, TarnPrimitive type,
                                   TarnError *error) TARN_CHECKED;
bool tarn_table_schema_update_optional(TarnSchemaUpdate *update, const char *path, TarnError *error)
    TARN_CHECKED;
/* What later rows get when they are written without the column; NULL = null. Rows there are keep
 * what they read as. Needs format version 3, but for NULL. */
bool tarn_table_schema_update_default(TarnSchemaUpdate *update, const char *path,
                                      const TarnJson *write, TarnError *error) TARN_CHECKED;
bool tarn_table_schema_update_doc(TarnSchemaUpdate *update, const char *path, const char *doc,
                                  TarnError *error) TARN_CHECKED;
/* `anchor`: a path, or the name of a column beside `path`; ignored with TARN_MOVE_FIRST. */
bool tarn_table_schema_update_move(TarnSchemaUpdate *update, const char *path, TarnColumnMove where,
                                   const char *anchor, TarnError *error) TARN_CHECKED;
/* By-name union with what a new file or query brings: new columns are added as optional, types
 * widened, nothing dropped or made optional. A column may bring a narrower type whose values all
 * fit (int for double, int for decimal(12,2)); types that do not meet are refused. *changed tells
 * whether anything was. */
bool tarn_table_schema_update_union(TarnSchemaUpdate *update, const TarnSchema *incoming,
                                    bool *changed, TarnError *error) TARN_CHECKED;

/* Fresh ids for a whole new schema, 1..n, parents before children (Iceberg's assignment).
 * Identifier ids follow their fields; `source` is emptied. */
void tarn_table_schema_assign_ids(TarnSchema *schema, int32_t *last_column_id);

/* Name mapping (schema.name-mapping.default): for files without field ids. False if the buffer
 * failed. */
bool tarn_table_schema_to_name_mapping(const TarnSchema *schema, TarnBuffer *out);

#endif
