/* Between a table's schema and the columns a reader delivers.
 */
#include <string.h>
#include <strings.h>

#include "flow/load_private.h"

static const TarnField ingest_fields[] = {
    {.name = TARN_INGEST_SOURCE,
     .type = {.primitive = {.kind = TARN_TYPE_STRING}},
     .doc = "name of the source that brought the row"},
    {.name = TARN_INGEST_FILE,
     .type = {.primitive = {.kind = TARN_TYPE_STRING}},
     .doc = "file the row was read from"},
    {.name = TARN_INGEST_ROW,
     .type = {.primitive = {.kind = TARN_TYPE_LONG}},
     .doc = "number of the row in its file, from 1 on, headers not counted"},
    {.name = TARN_INGEST_TIME,
     .type = {.primitive = {.kind = TARN_TYPE_TIMESTAMPTZ}},
     .doc = "when the load began"},
    {.name = TARN_INGEST_BATCH,
     .type = {.primitive = {.kind = TARN_TYPE_STRING}},
     .doc = "the load"},
};
#define INGEST_COUNT (sizeof(ingest_fields) / sizeof(ingest_fields[0]))

bool tarn_flow__load_is_ingest(const char *name) {
    for (size_t i = 0; i < INGEST_COUNT; i++) {
        if (strcasecmp(ingest_fields[i].name, name) == 0) return true;
    }
    return false;
}

static bool field_to_column(const TarnField *field, TarnArena *arena, TarnColumn *column,
                            TarnError *error) {
    *column = (TarnColumn){.name = field->name,
                           .type = field->type.primitive,
                           .doc = field->doc,
                           .required = field->required,
                           .child_count = field->type.field_count};
    if (column->child_count == 0) return true;
    column->children = TARN_NEW_ARRAY(arena, column->child_count, TarnColumn);
    if (column->children == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < column->child_count; i++) {
        if (!field_to_column(&field->type.fields[i], arena, &column->children[i], error)) {
            return false;
        }
    }
    return true;
}

bool tarn_flow__load_columns(const TarnSchema *schema, TarnArena *arena, TarnColumn **columns,
                             size_t *count, TarnError *error) {
    *count = 0;
    *columns = TARN_NEW_ARRAY(arena, schema->field_count + 1, TarnColumn);
    if (*columns == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < schema->field_count; i++) {
        if (tarn_flow__load_is_ingest(schema->fields[i].name)) continue;
        if (!field_to_column(&schema->fields[i], arena, &(*columns)[(*count)++], error)) {
            return false;
        }
    }
    return true;
}

static bool column_to_field(const TarnColumn *column, TarnArena *arena, TarnField *field,
                            TarnError *error) {
    *field = (TarnField){.name = column->name,
                         .doc = column->doc,
                         .required = column->required,
                         .type = {.primitive = column->type, .field_count = column->child_count}};
    if (column->child_count == 0) return true;
    field->type.fields = TARN_NEW_ARRAY(arena, column->child_count, TarnField);
    if (field->type.fields == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < column->child_count; i++) {
        if (!column_to_field(&column->children[i], arena, &field->type.fields[i], error)) {
            return false;
        }
    }
    return true;
}

bool tarn_flow__load_schema(const TarnColumn *columns, size_t count, bool with_ingest,
                            TarnArena *arena, TarnSchema *schema, TarnError *error) {
    int32_t last_id = 0;
    *schema = (TarnSchema){0};
    schema->fields = TARN_NEW_ARRAY(arena, count + INGEST_COUNT, TarnField);
    if (schema->fields == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < count; i++) {
        if (tarn_flow__load_is_ingest(columns[i].name)) {
            return tarn_base_error_set(error, TARN_E_NAME_INVALID,
                                       "a column of the file is named \"%s\", which tarn keeps for "
                                       "itself",
                                       columns[i].name);
        }
        if (!column_to_field(&columns[i], arena, &schema->fields[schema->field_count++], error)) {
            return false;
        }
    }
    for (size_t i = 0; with_ingest && i < INGEST_COUNT; i++) {
        schema->fields[schema->field_count++] = ingest_fields[i];
    }
    tarn_table_schema_assign_ids(schema, &last_id);
    return true;
}
