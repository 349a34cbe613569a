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
    TarnText source; /* the JSON it was read from, written back unchanged; empty = made here */
} TarnSchema;

/* JSON of Appendix C. Errors: TARN_E_METADATA_INVALID with the field named: duplicate ids or
 * names in one struct, unknown types, ids out of range, nesting beyond TARN_LIMIT_NESTING. */
bool tarn_table_schema_from_json(const TarnJson *json, TarnArena *arena, TarnSchema *schema,
                                 TarnError *error) TARN_CHECKED;
void tarn_table_schema_to_json(const TarnSchema *schema, TarnJsonWriter *out);
bool tarn_table_type_from_json(const TarnJson *json, TarnArena *arena, TarnType *type,
                               TarnError *error) TARN_CHECKED;
void tarn_table_type_to_json(const TarnType *type, TarnJsonWriter *out);

/* Lookup. By id: any depth. By name: dotted path from the top ("a.b.element"), exact case first,
 * then without case if that is unique. NULL if absent. */
const TarnField *tarn_table_schema_find(const TarnSchema *schema, int32_t id);
const TarnField *tarn_table_schema_find_name(const TarnSchema *schema, const char *path);
/* The dotted path of a field id; NULL if absent. */
const char *tarn_table_schema_path(const TarnSchema *schema, int32_t id, TarnArena *arena);
int32_t tarn_table_schema_highest_id(const TarnSchema *schema);
bool tarn_table_schema_same(const TarnSchema *a, const TarnSchema *b); /* but for the id */
bool tarn_table_type_equal(const TarnType *a, const TarnType *b);

/* DuckDB's type for a column ("STRUCT(\"a\" BIGINT, \"b\" VARCHAR[])"), and back from DuckDB type
 * text (as DESCRIBE or typeof print it). From DuckDB: ids are given from *next_id on, depth-first
 * by level as Iceberg's assignment does; types Iceberg has no equal for (HUGEINT, UBIGINT,
 * INTERVAL, ...) are refused by name with a hint (cast to ..); UINTEGER becomes long, TINYINT and
 * SMALLINT int, ENUM string, JSON string. */
void tarn_table_type_to_sql(const TarnType *type, TarnBuffer *out);
bool tarn_table_type_from_sql(TarnText sql, int32_t *next_id, TarnArena *arena, TarnType *type,
                              TarnError *error) TARN_CHECKED;
/* DuckDB COPY's FIELD_IDS value for the whole schema: the full tree, list elements and map keys
 * and values included (a list without its element id is illegal Iceberg). */
void tarn_table_schema_to_field_ids(const TarnSchema *schema, TarnBuffer *out);

/* Evolution: a builder folded over a base schema. Paths are dotted. Nested adds address a struct
 * ("address.zip"), the struct in a list ("items.element.price") or in a map ("m.value.x").
 * Rules of the specification: only widening type changes; required columns need a default to be
 * added; required -> optional only; identifier fields and partition or sort sources cannot be
 * dropped (the caller passes ids in use). Errors: TARN_E_SCHEMA_CHANGE_REFUSED,
 * TARN_E_COLUMN_NOT_FOUND with the nearest name. */
typedef struct TarnSchemaUpdate {
    TarnArena *arena;
    TarnSchema schema;    /* the result so far */
    int32_t last_column_id; /* the table's last-column-id, advanced by adds */
    int32_t format_version;
} TarnSchemaUpdate;

typedef enum TarnColumnMove { TARN_MOVE_FIRST, TARN_MOVE_BEFORE, TARN_MOVE_AFTER } TarnColumnMove;

void tarn_table_schema_update_init(TarnSchemaUpdate *update, const TarnSchema *base,
                                   int32_t last_column_id, int32_t format_version,
                                   TarnArena *arena);
/* `parent` NULL or "" = top level. `type` carries any ids; fresh ones are assigned. `initial` and
 * `write` defaults may be NULL; a required column needs `initial` unless the table is empty. */
bool tarn_table_schema_update_add(TarnSchemaUpdate *update, const char *parent, const char *name,
                                  const TarnType *type, bool required, const char *doc,
                                  const TarnJson *initial, const TarnJson *write,
                                  TarnError *error) TARN_CHECKED;
bool tarn_table_schema_update_drop(TarnSchemaUpdate *update, const char *path,
                                   const int32_t *ids_in_use, size_t id_count, TarnError *error)
    TARN_CHECKED;
bool tarn_table_schema_update_rename(TarnSchemaUpdate *update, const char *path,
                                     const char *new_name, TarnError *error) TARN_CHECKED;
bool tarn_table_schema_update_type(TarnSchemaUpdate *update, const char *path,
                                   TarnPrimitive type, TarnError *error) TARN_CHECKED;
bool tarn_table_schema_update_optional(TarnSchemaUpdate *update, const char *path,
                                       TarnError *error) TARN_CHECKED;
bool tarn_table_schema_update_doc(TarnSchemaUpdate *update, const char *path, const char *doc,
                                  TarnError *error) TARN_CHECKED;
bool tarn_table_schema_update_move(TarnSchemaUpdate *update, const char *path,
                                   TarnColumnMove where, const char *anchor, TarnError *error)
    TARN_CHECKED;
/* By-name union with what a new file or query brings: new columns are added as optional, types
 * widened, nothing dropped. *changed tells whether anything was. */
bool tarn_table_schema_update_union(TarnSchemaUpdate *update, const TarnSchema *incoming,
                                    bool *changed, TarnError *error) TARN_CHECKED;

/* Fresh ids for a whole new schema, 1..n, parents before children (Iceberg's assignment). */
void tarn_table_schema_assign_ids(TarnSchema *schema, int32_t *last_column_id);

/* Name mapping (schema.name-mapping.default): for files without field ids. */
bool tarn_table_schema_to_name_mapping(const TarnSchema *schema, TarnBuffer *out);

#endif
