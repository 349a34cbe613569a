/* Files read by shape: their footers are read, and files of the same columns go into one SELECT
 * that names those columns and casts them, at every depth, to what the table has now.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "query/data_file_private.h"
#include "query/footer_private.h"
#include "query/scan_private.h"

/* Up to so many files of so few schemas are read by shape for their statistics' sake. */
#define STATISTICS_FILES_MAX 32
#define STATISTICS_SHAPES_MAX 4
/* Column chunks in all footers together: reading them must stay a few milliseconds. */
#define STATISTICS_CHUNKS_MAX 50000
#define ROWS_OF_A_GROUP 122880 /* of most writers, or more */

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
    const TarnScanWriter *scan;
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
        } else if (mapping != NULL
                       ? mapping_names(mapping, node->name)
                       : mappings == NULL && tarn_base_text_is(node->name, field->name)) {
            return i;
        }
    }
    return 0;
}

static bool write_value(Shape *shape, const TarnField *field, uint32_t node, const char *source,
                        const TarnJson *mapping);

static bool write_struct(Shape *shape, const TarnType *type, uint32_t node, const char *source,
                         const TarnJson *mapping) {
    const TarnScanWriter *scan = shape->scan;
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
    const TarnScanWriter *scan = shape->scan;
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
    const TarnScanWriter *scan = shape->scan;
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
    if (!tarn_format_kind_is_nested(type->primitive.kind)) {
        return nodes[node].child_count == 0 || type->primitive.kind == TARN_TYPE_VARIANT;
    }
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
    const TarnScanWriter *scan = shape->scan;
    if (node == 0) return tarn_query__default_initial(field, scan->arena, scan->out, scan->error);
    bool is_group = shape->footer->nodes[node].physical == TARN_PARQUET_GROUP;
    bool nested = tarn_format_kind_is_nested(field->type.primitive.kind);
    bool is_variant = field->type.primitive.kind == TARN_TYPE_VARIANT; /* a group of its own */
    if (is_group != (nested || is_variant)) {
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

static bool read_footer(const TarnScanWriter *scan, size_t task, const TarnFooterTail *tail,
                        TarnArena *arena, TarnParquetFooter **footer) {
    return tarn_query__footer_read_tail(scan->table->store, tail, arena, footer, scan->error) ||
           tarn_query__data_file_explain(scan, &scan->plan->tasks[task], tail->location);
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

static bool write_column(Shape *shape, const TarnField *field, uint32_t node, TarnArena *scratch) {
    const TarnScanWriter *scan = shape->scan;
    TarnBuffer source;
    tarn_base_buffer_init(&source, TARN_MIB);
    if (node != 0) tarn_base_buffer_identifier(&source, shape->footer->nodes[node].name);
    const char *name = tarn_base_buffer_keep(&source, scratch);
    tarn_base_buffer_dispose(&source);
    return name != NULL &&
           write_value(shape, field, node, name, mapping_of(scan->mapping, field->id));
}

/* The columns part of the SELECT that reads a file like this one. */
static bool write_shape(Shape *shape, TarnArena *scratch) {
    const TarnScanWriter *scan = shape->scan;
    for (size_t i = 0; i < scan->column_count; i++) {
        const TarnField *field = scan->columns[i];
        uint32_t node = find_node(shape, 0, field, shape->has_ids ? NULL : scan->mapping);
        if (i > 0) tarn_base_buffer_string(scan->out, ", ");
        if (!write_column(shape, field, node, scratch)) return false;
        tarn_base_buffer_string(scan->out, " AS ");
        tarn_base_buffer_identifier(scan->out, tarn_base_text(field->name));
    }
    return tarn_base_arena_check(scratch, scan->error) &&
           tarn_base_buffer_check(scan->out, scan->error);
}

/* The lineage that the files store, as SQL. */
static bool write_stored(Shape *shape, size_t which, const char **stored) {
    const TarnScanWriter *scan = shape->scan;
    const TarnField *field = &tarn_query__scan_lineage[which];
    uint32_t node = shape->has_ids ? find_node(shape, 0, field, NULL) : 0;
    TarnBuffer text;
    *stored = "NULL";
    if (node == 0) return true;
    tarn_base_buffer_init(&text, TARN_MIB);
    tarn_base_buffer_identifier(&text, shape->footer->nodes[node].name);
    *stored = tarn_base_buffer_keep(&text, scan->arena);
    tarn_base_buffer_dispose(&text);
    return tarn_base_arena_check(scan->arena, scan->error);
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

static bool has_virtual_names(const TarnParquetFooter *footer, TarnArena *scratch) {
    const TarnParquetNode *nodes = footer->nodes;
    for (uint32_t i = 1; i < nodes[0].end; i = nodes[i].end) {
        const char *name = tarn_base_text_string(scratch, nodes[i].name);
        if (name == NULL || tarn_query__scan_is_virtual(name)) return true;
    }
    return false;
}

/* Files read together: the columns part of their SELECT, and which of the plan's tasks. */
typedef struct Group {
    TarnText select;
    const char *stored[2]; /* lineage */
    bool is_plain;         /* every column has an id and a name of its own */
    bool hides_places;     /* a column is called like one of the engine's virtual ones */
    size_t *items;
    size_t count;
    size_t capacity;
} Group;

static bool fill_group(TarnScanWriter *scan, const TarnParquetFooter *footer, TarnArena *scratch,
                       Group *group) {
    TarnBuffer text;
    TarnBuffer *out = scan->out;
    Shape shape = {
        .scan = scan, .footer = footer, .has_ids = tarn_format_parquet_footer_has_ids(footer)};
    tarn_base_buffer_init(&text, TARN_LIMIT_SQL_BYTES);
    scan->out = &text;
    bool ok = write_shape(&shape, scratch) && write_stored(&shape, 0, &group->stored[0]) &&
              write_stored(&shape, 1, &group->stored[1]);
    scan->out = out;
    group->is_plain = shape.has_ids && names_differ(footer);
    group->hides_places = has_virtual_names(footer, scratch);
    group->select = (TarnText){tarn_base_buffer_keep(&text, scan->arena), text.size};
    tarn_base_buffer_dispose(&text);
    return ok && tarn_base_arena_check(scan->arena, scan->error);
}

static Group *new_group(TarnScanWriter *scan, TarnMap *groups, const TarnParquetFooter *footer,
                        TarnText signature, TarnArena *scratch) {
    Group *group = TARN_NEW(scan->arena, Group);
    signature.data = tarn_base_text_string(scan->arena, signature);
    if (!tarn_base_arena_check(scan->arena, scan->error) ||
        !fill_group(scan, footer, scratch, group)) {
        return NULL;
    }
    tarn_base_map_put(groups, signature, group);
    return group;
}

static bool group_file(TarnScanWriter *scan, TarnMap *groups, size_t task,
                       const TarnFooterTail *tail, TarnArena *scratch) {
    TarnParquetFooter *footer = NULL;
    TarnBuffer signature;
    if (!read_footer(scan, task, tail, scratch, &footer)) return false;
    tarn_base_buffer_init(&signature, TARN_LIMIT_SQL_BYTES);
    write_signature(footer, &signature);
    bool ok = tarn_base_buffer_check(&signature, scan->error);
    TarnText key = tarn_base_buffer_view(&signature);
    Group *group = ok ? tarn_base_map_get(groups, key) : NULL;
    if (ok && group == NULL) group = new_group(scan, groups, footer, key, scratch);
    size_t *item = group != NULL ? TARN_PUSH(scan->arena, group) : NULL;
    if (item != NULL) *item = task;
    tarn_base_buffer_dispose(&signature);
    return item != NULL;
}

/* Footers that are fetched together. */
#define TOGETHER_MAX 32

static bool group_some(TarnScanWriter *scan, const size_t *tasks, size_t count, TarnMap *groups) {
    TarnFooterTail tails[TOGETHER_MAX];
    for (size_t i = 0; i < count; i++) {
        const TarnDataFile *file = scan->plan->tasks[tasks[i]].file;
        tails[i] = (TarnFooterTail){.location = tarn_base_text_string(scan->arena, file->path),
                                    .file_size = file->file_size};
    }
    if (!tarn_base_arena_check(scan->arena, scan->error)) return false;
    bool ok = tarn_query__footer_tails_fetch(scan->table->store, tails, count, scan->error);
    for (size_t i = 0; ok && i < count; i++) {
        TarnArena scratch;
        tarn_base_arena_init(&scratch, TARN_LIMIT_STATEMENT_ARENA_BYTES);
        ok = group_file(scan, groups, tasks[i], &tails[i], &scratch) &&
             tarn_base_arena_check(scan->arena, scan->error);
        tarn_base_arena_dispose(&scratch);
    }
    tarn_query__footer_tails_dispose(tails, count);
    return ok;
}

static bool group_files(TarnScanWriter *scan, const size_t *tasks, size_t count, TarnMap *groups) {
    tarn_base_map_init(groups, scan->arena);
    for (size_t done = 0; done < count; done += TOGETHER_MAX) {
        size_t some = count - done < TOGETHER_MAX ? count - done : TOGETHER_MAX;
        if (!group_some(scan, tasks + done, some, groups)) return false;
    }
    return true;
}

/* With union_by_name the engine reads the footers of all files when it binds, and so knows the
 * statistics of the columns; without it only those of a single file. */
static bool write_groups(TarnScanWriter *scan, const TarnMap *groups) {
    bool few = scan->plan->task_count <= STATISTICS_FILES_MAX;
    for (size_t i = 0; i < groups->count; i++) {
        const Group *group = groups->items[i].value;
        int64_t id = -1;
        if (group->hides_places && tarn_query__scan_needs_places(scan)) {
            tarn_base_error_set(scan->error, TARN_E_SQL_UNSUPPORTED,
                                "a data file of \"%s.%s\" has a column named file_index, "
                                "file_row_number or filename, which hides what deletes go by",
                                scan->table->name.ns, scan->table->name.name);
            return tarn_base_error_hint(scan->error, "compact the table with another engine");
        }
        if (!tarn_query__scan_register(scan, group->items, group->count, &id)) return false;
        tarn_base_buffer_string(scan->out, i > 0 ? " UNION ALL SELECT " : "SELECT ");
        tarn_base_buffer_text(scan->out, group->select);
        tarn_query__scan_extras(scan, id, group->stored);
        tarn_base_buffer_string(scan->out, " FROM read_parquet(");
        tarn_query__scan_file_list(scan, group->items, group->count);
        tarn_base_buffer_printf(
            scan->out, ", hive_partitioning = false%s, explicit_cardinality = %" PRId64 ")",
            few && group->count > 1 ? ", union_by_name = true" : "",
            tarn_query__scan_cardinality(scan, group->items, group->count));
        tarn_query__scan_where(scan, id, group->items, group->count);
    }
    return true;
}

bool tarn_query__scan_by_shape(TarnScanWriter *scan, const size_t *tasks, size_t count) {
    TarnMap groups;
    return group_files(scan, tasks, count, &groups) && write_groups(scan, &groups);
}

/* --- few files --- */

static bool footers_are_small(const TarnScanWriter *scan) {
    int64_t groups = 0;
    if (scan->plan->task_count > STATISTICS_FILES_MAX) return false;
    for (size_t i = 0; i < scan->plan->task_count; i++) {
        groups += scan->plan->tasks[i].file->record_count / ROWS_OF_A_GROUP + 1;
    }
    return groups <= STATISTICS_CHUNKS_MAX / ((int64_t)scan->column_count + 1);
}

/* What is wrong with a file is told where it is read by ids; a store that is out of reach is not
 * waited for twice. */
bool tarn_query__scan_few_shapes(TarnScanWriter *scan, const size_t *tasks, size_t count,
                                 bool *written) {
    TarnMap groups;
    TarnError ignored = {0};
    TarnError *error = scan->error;
    *written = false;
    if (!footers_are_small(scan)) return true;
    scan->error = &ignored;
    bool ok = group_files(scan, tasks, count, &groups) && groups.count <= STATISTICS_SHAPES_MAX;
    scan->error = error;
    if (!ok && (ignored.code == TARN_E_UNAVAILABLE || ignored.code == TARN_E_TIMEOUT ||
                ignored.code == TARN_E_INTERRUPTED)) {
        *error = ignored;
        return false;
    }
    for (size_t i = 0; ok && i < groups.count; i++) {
        const Group *group = groups.items[i].value;
        ok = group->is_plain && !(group->hides_places && tarn_query__scan_needs_places(scan));
    }
    if (!ok) return true;
    *written = true;
    return write_groups(scan, &groups);
}
