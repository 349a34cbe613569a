/* A planned scan as SQL. See the header for which of two ways a table is read:
 *
 * by ids   one read_parquet over all files with the engine's field-id schema: flat columns, and
 *          nested ones whose inner fields are the same in every schema the table ever had;
 * by shape the footers are read, and files whose SELECT would be the same text are read together.
 */
#include "query/scan_sql.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "format/parquet_footer.h"

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
            access = tarn_base_text_string(scan->arena, tarn_base_buffer_view(&text));
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
    switch (field->type.primitive.kind) {
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

typedef struct RangeReader {
    TarnStore *store;
    const char *location;
} RangeReader;

static bool read_range(void *context, uint64_t offset, size_t size, TarnArena *arena,
                       TarnText *bytes, TarnError *error) {
    RangeReader *reader = context;
    return tarn_store_get(reader->store, reader->location,
                          (TarnStoreRange){(int64_t)offset, size}, size, arena, bytes, NULL,
                          error);
}

/* The columns part of the SELECT that reads a file like this one. */
static bool write_shape(Scan *scan, const TarnDataFile *file, TarnArena *scratch,
                        TarnBuffer *text) {
    TarnBuffer *out = scan->out;
    TarnParquetFooter *footer = NULL;
    RangeReader reader = {.store = scan->table->store,
                          .location = tarn_base_text_string(scratch, file->path)};
    if (reader.location == NULL) return tarn_base_arena_check(scratch, scan->error);
    if (!tarn_format_parquet_footer_read(read_range, &reader, (uint64_t)file->file_size,
                                         reader.location, scratch, &footer, scan->error)) {
        return false;
    }
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
        const char *name = tarn_base_text_string(scratch, tarn_base_buffer_view(&source));
        tarn_base_buffer_dispose(&source);
        if (i > 0) tarn_base_buffer_string(text, ", ");
        ok = name != NULL && write_value(&shape, field, node, name,
                                         mapping_of(scan->mapping, field->id));
        tarn_base_buffer_string(text, " AS ");
        tarn_base_buffer_identifier(text, tarn_base_text(field->name));
    }
    scan->out = out;
    return ok && tarn_base_arena_check(scratch, scan->error);
}

typedef struct Group {
    TarnText select;
    size_t *items;
    size_t count;
    size_t capacity;
} Group;

static bool group_files(Scan *scan, TarnMap *groups) {
    for (size_t i = 0; i < scan->plan->task_count; i++) {
        TarnArena scratch;
        TarnBuffer text;
        tarn_base_arena_init(&scratch, TARN_LIMIT_STATEMENT_ARENA_BYTES);
        tarn_base_buffer_init(&text, TARN_LIMIT_SQL_BYTES);
        bool ok = write_shape(scan, scan->plan->tasks[i].file, &scratch, &text) &&
                  tarn_base_buffer_check(&text, scan->error);
        Group *group = ok ? tarn_base_map_get(groups, tarn_base_buffer_view(&text)) : NULL;
        if (ok && group == NULL) {
            group = TARN_NEW(scan->arena, Group);
            const char *copy = tarn_base_text_string(scan->arena, tarn_base_buffer_view(&text));
            if (group != NULL && copy != NULL) {
                group->select = (TarnText){copy, text.size};
                tarn_base_map_put(groups, group->select, group);
            }
        }
        size_t *item = group != NULL ? TARN_PUSH(scan->arena, group) : NULL;
        if (item != NULL) *item = i;
        tarn_base_buffer_dispose(&text);
        tarn_base_arena_dispose(&scratch);
        if (!ok || !tarn_base_arena_check(scan->arena, scan->error)) return false;
    }
    return true;
}

static bool write_by_shape(Scan *scan) {
    TarnMap groups;
    tarn_base_map_init(&groups, scan->arena);
    if (!group_files(scan, &groups)) return false;
    for (size_t i = 0; i < groups.count; i++) {
        const Group *group = groups.items[i].value;
        tarn_base_buffer_string(scan->out, i > 0 ? " UNION ALL SELECT " : "SELECT ");
        tarn_base_buffer_text(scan->out, group->select);
        tarn_base_buffer_string(scan->out, " FROM read_parquet(");
        write_file_list(scan, group->items, group->count);
        tarn_base_buffer_string(scan->out, ", hive_partitioning = false)");
    }
    return true;
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
    bool ok = refuse_deletes(plan, table, error) && check_paths(&scan) && read_mapping(&scan);
    if (ok && plan->task_count == 0) {
        ok = write_empty(&scan);
    } else if (ok) {
        ok = needs_shapes(&scan) ? write_by_shape(&scan) : write_by_ids(&scan);
    }
    ok = ok && tarn_base_buffer_check(out, error);
    tarn_base_arena_dispose(&arena);
    return ok;
}
