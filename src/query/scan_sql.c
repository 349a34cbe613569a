/* A planned scan as SQL. See the header for which of two ways a table is read:
 *
 * by ids   one read_parquet over all files with the engine's field-id schema: flat columns, and
 *          nested ones whose inner fields are the same in every schema the table ever had;
 * by shape the footers are read, files of the same schema are read together, by its names. What ids
 *          cannot do needs it; a few files like each other gain by it: the engine then knows the
 *          statistics of their columns, which by ids it does not.
 */
#include "query/scan_sql.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "query/footer_private.h"

/* Up to so many files of so few schemas are read by shape for their statistics' sake. */
#define STATISTICS_FILES_MAX 32
#define STATISTICS_SHAPES_MAX 4
/* Column chunks in all footers together: reading them must stay a few milliseconds. */
#define STATISTICS_CHUNKS_MAX 50000
#define ROWS_OF_A_GROUP 122880 /* of most writers, or more */

typedef struct Scan {
    const TarnTable *table;
    const TarnScanPlan *plan;
    const TarnSchema *schema;
    const TarnJson *mapping; /* schema.name-mapping.default, an array; NULL = none */
    TarnArena *arena;
    TarnBuffer *out;
    TarnError *error;
} Scan;

static bool refuse_deletes(const TarnScanPlan *plan, const TarnTable *table, TarnError *error) {
    if (!plan->has_deletes) return true;
    tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                        "the table \"%s.%s\" has rows deleted by delete files, which this version "
                        "does not apply",
                        table->name.ns, table->name.name);
    return tarn_base_error_hint(error, "compact the table with the engine that deleted the rows");
}

/* --- shared pieces --- */

static void write_file_list(const Scan *scan, const size_t *tasks, size_t count) {
    tarn_base_buffer_byte(scan->out, '[');
    for (size_t i = 0; i < count; i++) {
        const TarnDataFile *file = scan->plan->tasks[tasks != NULL ? tasks[i] : i].file;
        TarnText path = file->path;
        TarnText local;
        TarnError ignored;
        if (tarn_store_resolve(path, &local, &ignored)) path = local;
        if (i > 0) tarn_base_buffer_byte(scan->out, ',');
        tarn_base_buffer_literal(scan->out, path);
    }
    tarn_base_buffer_byte(scan->out, ']');
}

/* Paths come from metadata that others may have written. */
static bool check_paths(const Scan *scan) {
    for (size_t i = 0; i < scan->plan->task_count; i++) {
        const TarnDataFile *file = scan->plan->tasks[i].file;
        const char *path = NULL;
        const char *location = tarn_base_text_string(scan->arena, file->path);
        if (location == NULL) return tarn_base_arena_check(scan->arena, scan->error);
        if (!tarn_store_local_path(scan->table->store, location, &path, scan->error)) return false;
        if (file->format.size != 7 || strncasecmp(file->format.data, "PARQUET", 7) != 0) {
            return tarn_base_error_set(scan->error, TARN_E_FORMAT_UNSUPPORTED,
                                       "the data file \"%s\" is %.*s: only Parquet is read",
                                       location, TARN_TEXT_ARG(file->format));
        }
    }
    return true;
}

static bool default_literal(const Scan *scan, const TarnField *field, TarnLiteral *literal) {
    *literal = (TarnLiteral){.kind = field->type.primitive.kind, .is_null = true};
    if (field->initial_default == NULL || field->initial_default->kind == TARN_JSON_NULL ||
        tarn_format_kind_is_nested(field->type.primitive.kind)) {
        return true;
    }
    return tarn_format_literal_from_json(field->type.primitive, field->initial_default,
                                         scan->arena, literal, scan->error);
}

/* What a column is in files that lack it, as SQL of the column's type. */
static bool write_default(const Scan *scan, const TarnField *field) {
    TarnLiteral literal;
    if (!default_literal(scan, field, &literal)) return false;
    if (literal.is_null) {
        tarn_base_buffer_string(scan->out, "CAST(NULL AS ");
        tarn_table_type_to_sql(&field->type, scan->out);
        tarn_base_buffer_byte(scan->out, ')');
    } else {
        tarn_format_literal_to_sql(field->type.primitive, &literal, scan->out);
    }
    return true;
}

static bool write_empty(const Scan *scan) {
    tarn_base_buffer_string(scan->out, "SELECT ");
    for (size_t i = 0; i < scan->schema->field_count; i++) {
        const TarnField *field = &scan->schema->fields[i];
        if (i > 0) tarn_base_buffer_string(scan->out, ", ");
        tarn_base_buffer_string(scan->out, "CAST(NULL AS ");
        tarn_table_type_to_sql(&field->type, scan->out);
        tarn_base_buffer_string(scan->out, ") AS ");
        tarn_base_buffer_identifier(scan->out, tarn_base_text(field->name));
    }
    tarn_base_buffer_string(scan->out, " WHERE false");
    return true;
}

/* --- by ids --- */

static void write_type_literal(const Scan *scan, const TarnType *type) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_MIB);
    tarn_table_type_to_sql(type, &text);
    tarn_base_buffer_literal(scan->out, tarn_base_buffer_view(&text));
    tarn_base_buffer_dispose(&text);
}

/* read_parquet wants one type for all defaults: text, which it casts to the column's. */
static bool write_default_text(const Scan *scan, const TarnField *field) {
    TarnLiteral literal;
    TarnBuffer sql;
    if (!default_literal(scan, field, &literal)) return false;
    if (literal.is_null) {
        tarn_base_buffer_string(scan->out, "CAST(NULL AS VARCHAR)");
        return true;
    }
    tarn_base_buffer_init(&sql, TARN_MIB);
    tarn_format_literal_to_sql(field->type.primitive, &literal, &sql);
    tarn_base_buffer_printf(scan->out, "CAST(%s AS VARCHAR)", sql.data != NULL ? sql.data : "NULL");
    tarn_base_buffer_dispose(&sql);
    return true;
}

static bool write_by_ids(const Scan *scan) {
    const TarnSchema *schema = scan->schema;
    tarn_base_buffer_string(scan->out, "SELECT ");
    for (size_t i = 0; i < schema->field_count; i++) {
        if (i > 0) tarn_base_buffer_string(scan->out, ", ");
        tarn_base_buffer_identifier(scan->out, tarn_base_text(schema->fields[i].name));
    }
    tarn_base_buffer_string(scan->out, " FROM read_parquet(");
    write_file_list(scan, NULL, scan->plan->task_count);
    tarn_base_buffer_string(scan->out, ", hive_partitioning = false, schema = MAP {");
    for (size_t i = 0; i < schema->field_count; i++) {
        const TarnField *field = &schema->fields[i];
        tarn_base_buffer_printf(scan->out, "%s%d: {'name': ", i > 0 ? ", " : "", field->id);
        tarn_base_buffer_literal(scan->out, tarn_base_text(field->name));
        tarn_base_buffer_string(scan->out, ", 'type': ");
        write_type_literal(scan, &field->type);
        tarn_base_buffer_string(scan->out, ", 'default_value': ");
        if (!write_default_text(scan, field)) return false;
        tarn_base_buffer_byte(scan->out, '}');
    }
    /* With a schema given the engine opens no file when it binds, so it cannot know how large the
     * table is, which decides the order of joins; the manifests do. */
    tarn_base_buffer_printf(scan->out, "}, explicit_cardinality = %" PRId64 ")",
                            scan->plan->rows > 0 ? scan->plan->rows : 1);
    return true;
}

/* --- by shape --- */

static const TarnJson *mapping_of(const TarnJson *mappings, int32_t field_id) {
    TARN_JSON_EACH(mapping, mappings) {
        int64_t id;
        if (tarn_base_json_int64(tarn_base_json_member(mapping, "field-id"), &id) &&
            id == field_id) {
            return mapping;
        }
    }
    return NULL;
}

static bool mapping_names(const TarnJson *mapping, TarnText name) {
    TARN_JSON_EACH(item, tarn_base_json_member(mapping, "names")) {
        TarnText text;
        if (tarn_base_json_text(item, &text) && tarn_base_text_equal(text, name)) return true;
    }
    return false;
}

/* One file's footer, and how its columns are told. */
typedef struct Shape {
    const Scan *scan;
    const TarnParquetFooter *footer;
    bool has_ids;
    int depth;
} Shape;

/* The node below `parent` that is the field; 0 (the root) = the file has none. */
static uint32_t find_node(const Shape *shape, uint32_t parent, const TarnField *field,
                          const TarnJson *mappings) {
    const TarnParquetFooter *footer = shape->footer;
    const TarnJson *mapping = mapping_of(mappings, field->id);
    for (uint32_t i = parent + 1; i < footer->nodes[parent].end; i = footer->nodes[i].end) {
        const TarnParquetNode *node = &footer->nodes[i];
        if (shape->has_ids) {
            if (node->field_id == field->id) return i;
        } else if (mapping != NULL ? mapping_names(mapping, node->name)
                                   : mappings == NULL &&
                                         tarn_base_text_is(node->name, field->name)) {
            return i;
        }
    }
    return 0;
}

static bool write_value(Shape *shape, const TarnField *field, uint32_t node, const char *source,
                        const TarnJson *mapping);

static bool write_struct(Shape *shape, const TarnType *type, uint32_t node, const char *source,
                         const TarnJson *mapping) {
    const Scan *scan = shape->scan;
    const TarnJson *inner = tarn_base_json_member(mapping, "fields");
    tarn_base_buffer_printf(scan->out, "CASE WHEN %s IS NULL THEN NULL ELSE struct_pack(", source);
    for (size_t i = 0; i < type->field_count; i++) {
        const TarnField *field = &type->fields[i];
        uint32_t child = find_node(shape, node, field, inner);
        const char *access = "NULL";
        if (child != 0) {
            TarnBuffer text;
            tarn_base_buffer_init(&text, TARN_MIB);
            tarn_base_buffer_printf(&text, "struct_extract(%s, ", source);
            tarn_base_buffer_literal(&text, shape->footer->nodes[child].name);
            tarn_base_buffer_byte(&text, ')');
            access = tarn_base_buffer_keep(&text, scan->arena);
            tarn_base_buffer_dispose(&text);
        }
        tarn_base_buffer_string(scan->out, i > 0 ? ", " : "");
        tarn_base_buffer_identifier(scan->out, tarn_base_text(field->name));
        tarn_base_buffer_string(scan->out, " := ");
        if (!tarn_base_arena_check(scan->arena, scan->error) ||
            !write_value(shape, field, child, access, mapping_of(inner, field->id))) {
            return false;
        }
    }
    tarn_base_buffer_string(scan->out, ") END");
    return true;
}

/* The node of a list's elements: below the repeated group, or that itself in old files. */
static uint32_t element_node(const Shape *shape, uint32_t list) {
    const TarnParquetNode *nodes = shape->footer->nodes;
    uint32_t repeated = list + 1;
    bool three_levels = nodes[list].child_count == 1 && nodes[repeated].child_count == 1;
    return three_levels ? repeated + 1 : repeated;
}

static bool write_list(Shape *shape, const TarnType *type, uint32_t node, const char *source,
                       const TarnJson *mapping) {
    const Scan *scan = shape->scan;
    const TarnField *element = &type->fields[0];
    const char *variable = tarn_base_arena_printf(scan->arena, "x%d", shape->depth++);
    if (variable == NULL) return tarn_base_arena_check(scan->arena, scan->error);
    tarn_base_buffer_printf(scan->out, "list_transform(%s, lambda %s: ", source, variable);
    bool ok = write_value(shape, element, element_node(shape, node), variable,
                          mapping_of(tarn_base_json_member(mapping, "fields"), element->id));
    tarn_base_buffer_byte(scan->out, ')');
    return ok;
}

static bool write_map(Shape *shape, const TarnType *type, uint32_t node, const char *source,
                      const TarnJson *mapping) {
    const Scan *scan = shape->scan;
    const TarnJson *inner = tarn_base_json_member(mapping, "fields");
    const TarnParquetNode *nodes = shape->footer->nodes;
    uint32_t key = node + 2; /* below the repeated key_value group */
    uint32_t value = nodes[key].end;
    int depth = shape->depth++;
    if (nodes[node].child_count != 1 || nodes[node + 1].child_count != 2) {
        return tarn_base_error_set(scan->error, TARN_E_FORMAT_CORRUPT,
                                   "a map column of a data file is not built as a Parquet map");
    }
    const char *key_source = tarn_base_arena_printf(scan->arena, "x%d.key", depth);
    const char *value_source = tarn_base_arena_printf(scan->arena, "x%d.value", depth);
    if (value_source == NULL) return tarn_base_arena_check(scan->arena, scan->error);
    tarn_base_buffer_printf(scan->out,
                            "CASE WHEN %s IS NULL THEN NULL ELSE map_from_entries(list_transform("
                            "map_entries(%s), lambda x%d: struct_pack(key := ",
                            source, source, depth);
    bool ok = write_value(shape, &type->fields[0], key, key_source,
                          mapping_of(inner, type->fields[0].id));
    tarn_base_buffer_string(scan->out, ", value := ");
    ok = ok && write_value(shape, &type->fields[1], value, value_source,
                           mapping_of(inner, type->fields[1].id));
    tarn_base_buffer_string(scan->out, "))) END");
    return ok;
}

static bool is_same(const Shape *shape, const TarnType *type, uint32_t node);

static bool is_same_field(const Shape *shape, const TarnField *field, uint32_t node,
                          bool is_named) {
    const TarnParquetNode *self = &shape->footer->nodes[node];
    bool is_called_so = !is_named || tarn_base_text_is(self->name, field->name);
    return self->field_id == field->id && is_called_so && is_same(shape, &field->type, node);
}

/* Whether the file has the fields of a type as they are: ids, names and order, at every depth. */
static bool is_same(const Shape *shape, const TarnType *type, uint32_t node) {
    const TarnParquetNode *nodes = shape->footer->nodes;
    if (!tarn_format_kind_is_nested(type->primitive.kind)) return nodes[node].child_count == 0;
    if (type->primitive.kind == TARN_TYPE_LIST) {
        return nodes[node].child_count == 1 &&
               is_same_field(shape, &type->fields[0], element_node(shape, node), false);
    }
    if (type->primitive.kind == TARN_TYPE_MAP) {
        return nodes[node].child_count == 1 && nodes[node + 1].child_count == 2 &&
               is_same_field(shape, &type->fields[0], node + 2, false) &&
               is_same_field(shape, &type->fields[1], nodes[node + 2].end, false);
    }
    if (nodes[node].child_count != type->field_count) return false;
    uint32_t child = node + 1;
    for (size_t i = 0; i < type->field_count; i++, child = nodes[child].end) {
        if (!is_same_field(shape, &type->fields[i], child, true)) return false;
    }
    return true;
}

static bool write_value(Shape *shape, const TarnField *field, uint32_t node, const char *source,
                        const TarnJson *mapping) {
    const Scan *scan = shape->scan;
    if (node == 0) return write_default(scan, field);
    bool is_group = shape->footer->nodes[node].physical == TARN_PARQUET_GROUP;
    bool nested = tarn_format_kind_is_nested(field->type.primitive.kind);
    if (is_group != nested) {
        return tarn_base_error_set(scan->error, TARN_E_FORMAT_CORRUPT,
                                   "the column \"%s\" of a data file is %snested and the table's "
                                   "is %s",
                                   field->name, is_group ? "" : "not ", nested ? "" : "not");
    }
    tarn_base_buffer_string(scan->out, "CAST(");
    bool ok = true;
    TarnTypeKind kind = field->type.primitive.kind;
    if (nested && is_same(shape, &field->type, node)) kind = TARN_TYPE_UNKNOWN; /* as it is */
    switch (kind) {
    case TARN_TYPE_STRUCT: ok = write_struct(shape, &field->type, node, source, mapping); break;
    case TARN_TYPE_LIST: ok = write_list(shape, &field->type, node, source, mapping); break;
    case TARN_TYPE_MAP: ok = write_map(shape, &field->type, node, source, mapping); break;
    default: tarn_base_buffer_string(scan->out, source); break;
    }
    tarn_base_buffer_string(scan->out, " AS ");
    tarn_table_type_to_sql(&field->type, scan->out);
    tarn_base_buffer_byte(scan->out, ')');
    return ok;
}

static bool read_footer(const Scan *scan, const TarnDataFile *file, TarnArena *arena,
                        TarnParquetFooter **footer) {
    const char *location = tarn_base_text_string(arena, file->path);
    if (location == NULL) return tarn_base_arena_check(arena, scan->error);
    return tarn_query__footer_read(scan->table->store, location, file->file_size, arena, footer,
                                   scan->error);
}

/* Files of equal signatures have the same columns, in the same types. */
static void write_signature(const TarnParquetFooter *footer, TarnBuffer *out) {
    for (size_t i = 0; i < footer->node_count; i++) {
        const TarnParquetNode *node = &footer->nodes[i];
        const TarnParquetLogical *logical = &node->logical;
        tarn_base_buffer_literal(out, node->name);
        tarn_base_buffer_printf(out, "%" PRId64 ",%d,%d,%d,%u,%d,%d,%d,%d,%d,%d,%d", node->field_id,
                                node->physical, node->type_length, node->repetition,
                                node->child_count, logical->kind, logical->unit,
                                logical->adjusted_to_utc, logical->is_signed, logical->bit_width,
                                logical->precision, logical->scale);
    }
}

/* The columns part of the SELECT that reads a file like this one. */
static bool write_shape(Scan *scan, const TarnParquetFooter *footer, TarnArena *scratch,
                        TarnBuffer *text) {
    TarnBuffer *out = scan->out;
    Shape shape = {.scan = scan,
                   .footer = footer,
                   .has_ids = tarn_format_parquet_footer_has_ids(footer)};
    scan->out = text;
    bool ok = true;
    for (size_t i = 0; ok && i < scan->schema->field_count; i++) {
        const TarnField *field = &scan->schema->fields[i];
        uint32_t node = find_node(&shape, 0, field, shape.has_ids ? NULL : scan->mapping);
        TarnBuffer source;
        tarn_base_buffer_init(&source, TARN_MIB);
        if (node != 0) tarn_base_buffer_identifier(&source, footer->nodes[node].name);
        const char *name = tarn_base_buffer_keep(&source, scratch);
        tarn_base_buffer_dispose(&source);
        if (i > 0) tarn_base_buffer_string(text, ", ");
        ok = name != NULL && write_value(&shape, field, node, name,
                                         mapping_of(scan->mapping, field->id));
        tarn_base_buffer_string(text, " AS ");
        tarn_base_buffer_identifier(text, tarn_base_text(field->name));
    }
    scan->out = out;
    return ok && tarn_base_arena_check(scratch, scan->error) &&
           tarn_base_buffer_check(text, scan->error);
}

/* The engine finds columns by name, whatever their case. */
static bool names_differ(const TarnParquetFooter *footer) {
    const TarnParquetNode *nodes = footer->nodes;
    for (uint32_t i = 1; i < nodes[0].end; i = nodes[i].end) {
        for (uint32_t j = nodes[i].end; j < nodes[0].end; j = nodes[j].end) {
            if (nodes[i].name.size == nodes[j].name.size &&
                strncasecmp(nodes[i].name.data, nodes[j].name.data, nodes[i].name.size) == 0) {
                return false;
            }
        }
    }
    return true;
}

/* Files read together: the columns part of their SELECT, and which of the plan's tasks. */
typedef struct Group {
    TarnText select;
    bool is_plain; /* every column has an id and a name of its own */
    int64_t rows;
    size_t *items;
    size_t count;
    size_t capacity;
} Group;

static Group *new_group(Scan *scan, TarnMap *groups, const TarnParquetFooter *footer,
                        TarnText signature, TarnArena *scratch) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_LIMIT_SQL_BYTES);
    Group *group = NULL;
    if (write_shape(scan, footer, scratch, &text)) group = TARN_NEW(scan->arena, Group);
    if (group != NULL) {
        group->is_plain = tarn_format_parquet_footer_has_ids(footer) && names_differ(footer);
        group->select =
            (TarnText){tarn_base_buffer_keep(&text, scan->arena), text.size};
        signature.data = tarn_base_text_string(scan->arena, signature);
        if (tarn_base_arena_check(scan->arena, scan->error)) {
            tarn_base_map_put(groups, signature, group);
        }
    }
    tarn_base_buffer_dispose(&text);
    return group;
}

static bool group_file(Scan *scan, TarnMap *groups, size_t task, TarnArena *scratch) {
    const TarnDataFile *file = scan->plan->tasks[task].file;
    TarnParquetFooter *footer = NULL;
    TarnBuffer signature;
    if (!read_footer(scan, file, scratch, &footer)) return false;
    tarn_base_buffer_init(&signature, TARN_LIMIT_SQL_BYTES);
    write_signature(footer, &signature);
    bool ok = tarn_base_buffer_check(&signature, scan->error);
    TarnText key = tarn_base_buffer_view(&signature);
    Group *group = ok ? tarn_base_map_get(groups, key) : NULL;
    if (ok && group == NULL) group = new_group(scan, groups, footer, key, scratch);
    size_t *item = group != NULL ? TARN_PUSH(scan->arena, group) : NULL;
    if (item != NULL) {
        *item = task;
        group->rows += file->record_count;
    }
    tarn_base_buffer_dispose(&signature);
    return item != NULL;
}

static bool group_files(Scan *scan, TarnMap *groups) {
    for (size_t i = 0; i < scan->plan->task_count; i++) {
        TarnArena scratch;
        tarn_base_arena_init(&scratch, TARN_LIMIT_STATEMENT_ARENA_BYTES);
        bool ok = group_file(scan, groups, i, &scratch);
        tarn_base_arena_dispose(&scratch);
        if (!tarn_base_arena_check(scan->arena, scan->error) || !ok) return false;
    }
    return true;
}

/* With union_by_name the engine reads the footers of all files when it binds, and so knows the
 * statistics of the columns; without it only those of a single file. */
static void write_by_shape(Scan *scan, const TarnMap *groups) {
    bool few = scan->plan->task_count <= STATISTICS_FILES_MAX;
    for (size_t i = 0; i < groups->count; i++) {
        const Group *group = groups->items[i].value;
        tarn_base_buffer_string(scan->out, i > 0 ? " UNION ALL SELECT " : "SELECT ");
        tarn_base_buffer_text(scan->out, group->select);
        tarn_base_buffer_string(scan->out, " FROM read_parquet(");
        write_file_list(scan, group->items, group->count);
        tarn_base_buffer_printf(scan->out,
                                ", hive_partitioning = false%s, explicit_cardinality = %" PRId64
                                ")",
                                few && group->count > 1 ? ", union_by_name = true" : "",
                                group->rows > 0 ? group->rows : 1);
    }
}

/* --- which way --- */

static bool nested_changed(const TarnTableMetadata *metadata, const TarnField *field) {
    if (!tarn_format_kind_is_nested(field->type.primitive.kind)) return false;
    for (size_t i = 0; i < metadata->schema_count; i++) {
        const TarnField *other = tarn_table_schema_find(&metadata->schemas[i], field->id);
        if (other != NULL && !tarn_table_type_equal(&other->type, &field->type)) return true;
    }
    return false;
}

static bool needs_shapes(const Scan *scan) {
    if (scan->mapping != NULL) return true;
    for (size_t i = 0; i < scan->schema->field_count; i++) {
        if (nested_changed(scan->table->metadata, &scan->schema->fields[i])) return true;
    }
    return false;
}

static bool read_mapping(Scan *scan) {
    const char *text =
        tarn_table_metadata_property(scan->table->metadata, "schema.name-mapping.default");
    TarnJson *root = NULL;
    if (text == NULL) return true;
    if (!tarn_base_json_parse(tarn_base_text(text), "schema.name-mapping.default", scan->arena,
                              &root, scan->error)) {
        return false;
    }
    scan->mapping = root;
    return true;
}

static bool footers_are_small(const Scan *scan) {
    int64_t groups = 0;
    if (scan->plan->task_count > STATISTICS_FILES_MAX) return false;
    for (size_t i = 0; i < scan->plan->task_count; i++) {
        groups += scan->plan->tasks[i].file->record_count / ROWS_OF_A_GROUP + 1;
    }
    return groups <= STATISTICS_CHUNKS_MAX / ((int64_t)scan->schema->field_count + 1);
}

/* By shape although ids would do. What is wrong with a file is left to the engine to tell. */
static bool prefer_shapes(Scan *scan, TarnMap *groups) {
    TarnError ignored = {0};
    TarnError *error = scan->error;
    if (!footers_are_small(scan)) return false;
    scan->error = &ignored;
    bool ok = group_files(scan, groups) && groups->count <= STATISTICS_SHAPES_MAX;
    scan->error = error;
    for (size_t i = 0; ok && i < groups->count; i++) {
        ok = ((const Group *)groups->items[i].value)->is_plain;
    }
    return ok;
}

static bool write_scan(Scan *scan) {
    TarnMap groups;
    tarn_base_map_init(&groups, scan->arena);
    if (scan->plan->task_count == 0) return write_empty(scan);
    if (needs_shapes(scan)) {
        if (!group_files(scan, &groups)) return false;
    } else if (!prefer_shapes(scan, &groups)) {
        return write_by_ids(scan);
    }
    write_by_shape(scan, &groups);
    return true;
}

bool tarn_query_scan_sql(const TarnTable *table, const TarnScanPlan *plan,
                         const TarnSchema *schema, TarnBuffer *out, TarnError *error) {
    TarnArena arena;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    Scan scan = {.table = table,
                 .plan = plan,
                 .schema = schema,
                 .arena = &arena,
                 .out = out,
                 .error = error};
    bool ok = refuse_deletes(plan, table, error) && check_paths(&scan) && read_mapping(&scan) &&
              write_scan(&scan) && tarn_base_buffer_check(out, error);
    tarn_base_arena_dispose(&arena);
    return ok;
}
