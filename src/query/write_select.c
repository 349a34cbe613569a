/* The SQL of a write: the user's rows in the table's types, their partitions, their order.
 */
#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "query/scan_sql.h"
#include "query/write_private.h"
#include "table/partition.h"

#define PARTITIONS_OF_YEARS 20

static bool name_taken(const TarnSchema *schema, const char *name) {
    return tarn_table_schema_find_name(schema, name) != NULL;
}

/* A name for the extra column that no data column has; it shows in the folders' names. */
static bool name_partition_columns(TarnWriting *writing, TarnError *error) {
    const TarnPartitionSpec *spec = writing->spec;
    writing->columns = TARN_NEW_ARRAY(writing->arena, spec->field_count + 1, const char *);
    for (size_t i = 0; writing->columns != NULL && i < spec->field_count; i++) {
        const char *name = spec->fields[i].name;
        for (int n = 1; name != NULL && name_taken(writing->schema, name); n++) {
            name = tarn_base_arena_printf(writing->arena, "%s_%d", spec->fields[i].name, n);
        }
        writing->columns[i] = name;
    }
    return tarn_base_arena_check(writing->arena, error);
}

/* `value`: SQL; NULL = the column of the field's name. */
static void write_column(const TarnField *field, const char *value, TarnBuffer *out) {
    TarnText name = tarn_base_text(field->name);
    tarn_base_buffer_string(out, "CAST(");
    if (value != NULL) {
        tarn_base_buffer_string(out, value);
    } else {
        tarn_base_buffer_identifier(out, name);
    }
    tarn_base_buffer_string(out, " AS ");
    tarn_table_type_to_sql(&field->type, out);
    tarn_base_buffer_string(out, ") AS ");
    tarn_base_buffer_identifier(out, name);
}

static bool write_partition_column(const TarnWriting *writing, size_t index, TarnBuffer *out,
                                   TarnError *error) {
    const TarnPartitionField *field = &writing->spec->fields[index];
    const TarnField *source = tarn_table_schema_find(writing->schema, field->source_id);
    const char *path = tarn_table_schema_path(writing->schema, field->source_id, writing->arena);
    if (source == NULL || path == NULL || tarn_format_kind_is_nested(source->type.primitive.kind)) {
        return tarn_base_error_set(error, TARN_E_PARTITION_INVALID,
                                   "the partition field \"%s\" has no source column any more",
                                   field->name);
    }
    TarnBuffer column;
    tarn_base_buffer_init(&column, TARN_MIB);
    TarnText rest = tarn_base_text(path);
    for (bool first = true; rest.data != NULL; first = false) {
        if (!first) tarn_base_buffer_byte(&column, '.');
        tarn_base_buffer_identifier(&column, tarn_base_text_split(rest, '.', &rest));
    }
    /* The engine makes folder names of the values, and cannot of bytes that are not UTF-8; their
     * text, "\xAB" escapes, is what read_partition understands. */
    bool bytes = writing->types[index].kind == TARN_TYPE_BINARY ||
                 writing->types[index].kind == TARN_TYPE_FIXED;
    if (bytes) tarn_base_buffer_string(out, "CAST(");
    bool known = tarn_table_transform_to_sql(field->transform, source->type.primitive,
                                             tarn_base_buffer_view(&column), out);
    tarn_base_buffer_dispose(&column);
    tarn_base_buffer_string(out, bytes ? " AS VARCHAR) AS " : " AS ");
    tarn_base_buffer_identifier(out, tarn_base_text(writing->columns[index]));
    return known || tarn_base_error_set(error, TARN_E_PARTITION_INVALID,
                                        "the partition field \"%s\" cannot be written: its "
                                        "transform is not known or does not fit its column",
                                        field->name);
}

static const TarnWriteConstant *find_constant(const TarnWriteConstant *constants, size_t count,
                                              const TarnField *field) {
    for (size_t i = 0; field != NULL && i < count; i++) {
        if (strcmp(constants[i].name, field->name) == 0) return &constants[i];
    }
    return NULL;
}

/* The engine gathers rows for every partition it meets, in memory. Where a write may meet many,
 * the rows come to it in the order of the partitions, sorted on disk if need be; few of them are
 * then open at a time, and each gets one file. */
static bool may_be_many(const TarnTableMetadata *metadata, const TarnWriteConstant *constants,
                        size_t constant_count) {
    const TarnSchema *schema = tarn_table_metadata_current_schema(metadata);
    const TarnPartitionSpec *spec = tarn_table_metadata_default_spec(metadata);
    uint64_t most = 1;
    for (size_t i = 0; i < spec->field_count; i++) {
        const TarnField *source = tarn_table_schema_find(schema, spec->fields[i].source_id);
        if (find_constant(constants, constant_count, source) != NULL) continue;
        switch (spec->fields[i].transform.kind) {
        case TARN_TRANSFORM_VOID: break;
        case TARN_TRANSFORM_YEAR: most *= PARTITIONS_OF_YEARS; break;
        case TARN_TRANSFORM_BUCKET: most *= (uint64_t)spec->fields[i].transform.width; break;
        default: return true;
        }
        if (most > TARN_WRITE_PARTITIONS_FEW) return true;
    }
    return false;
}

bool tarn_query_write_sorts(const TarnTableMetadata *metadata, const TarnWriteConstant *constants,
                            size_t constant_count) {
    const TarnSortOrder *order = tarn_table_metadata_default_sort_order(metadata);
    return may_be_many(metadata, constants, constant_count) ||
           (order != NULL && order->field_count > 0);
}

/* A constant that neither partitions nor sorts is added behind the sort. */
static const TarnWriteConstant *late_constant(const TarnWriting *writing, const TarnField *field) {
    const TarnWriteOptions *options = writing->options;
    const TarnSortOrder *order = tarn_table_metadata_default_sort_order(options->metadata);
    if (!writing->adds_constants) return NULL;
    for (size_t i = 0; i < writing->spec->field_count; i++) {
        if (writing->spec->fields[i].source_id == field->id) return NULL;
    }
    for (size_t i = 0; order != NULL && i < order->field_count; i++) {
        if (order->fields[i].source_id == field->id) return NULL;
    }
    return find_constant(options->constants, options->constant_count, field);
}

static void write_order(const TarnWriting *writing, TarnBuffer *out) {
    const TarnSortOrder *order =
        tarn_table_metadata_default_sort_order(writing->options->metadata);
    const char *separator = " ORDER BY ";
    for (size_t i = 0; writing->many && i < writing->spec->field_count; i++) {
        tarn_base_buffer_string(out, separator);
        tarn_base_buffer_identifier(out, tarn_base_text(writing->columns[i]));
        separator = ", ";
    }
    for (size_t i = 0; order != NULL && i < order->field_count; i++) {
        const TarnSortField *field = &order->fields[i];
        const TarnField *source = tarn_table_schema_find(writing->schema, field->source_id);
        TarnBuffer expression;
        TarnBuffer column;
        if (source == NULL) continue;
        tarn_base_buffer_init(&expression, TARN_MIB);
        tarn_base_buffer_init(&column, TARN_MIB);
        tarn_base_buffer_identifier(&column, tarn_base_text(source->name));
        if (tarn_table_transform_to_sql(field->transform, source->type.primitive,
                                        tarn_base_buffer_view(&column), &expression)) {
            tarn_base_buffer_printf(out, "%s%s %s %s", separator, expression.data,
                                    field->descending ? "DESC" : "ASC",
                                    field->nulls_last ? "NULLS LAST" : "NULLS FIRST");
            separator = ", ";
        }
        tarn_base_buffer_dispose(&expression);
        tarn_base_buffer_dispose(&column);
    }
}

/* Columns of type unknown are null wherever they are read, and not in files. */
static bool is_stored(const TarnField *field) {
    return field->type.primitive.kind != TARN_TYPE_UNKNOWN;
}

/* SELECT *, transforms FROM (SELECT casts FROM (user's select)) */
static bool write_rows(const TarnWriting *writing, TarnBuffer *out, TarnError *error) {
    const TarnSchema *schema = writing->schema;
    const char *separator = "";
    tarn_base_buffer_string(out, "SELECT *");
    for (size_t i = 0; i < writing->spec->field_count; i++) {
        tarn_base_buffer_string(out, ", ");
        if (!write_partition_column(writing, i, out, error)) return false;
    }
    tarn_base_buffer_string(out, " FROM (SELECT ");
    for (size_t i = 0; i < schema->field_count; i++) {
        if (late_constant(writing, &schema->fields[i]) != NULL) continue;
        if (!is_stored(&schema->fields[i])) continue;
        tarn_base_buffer_string(out, separator);
        write_column(&schema->fields[i], NULL, out);
        separator = ", ";
    }
    tarn_base_buffer_string(out, " FROM (");
    tarn_base_buffer_text(out, writing->options->select_sql);
    tarn_base_buffer_string(out, "))");
    return true;
}

static bool write_sorted_rows(const TarnWriting *writing, TarnBuffer *out, TarnError *error) {
    if (!write_rows(writing, out, error)) return false;
    write_order(writing, out);
    return tarn_base_buffer_check(out, error);
}

bool tarn_query__write_select(const TarnWriting *writing, TarnBuffer *out, TarnError *error) {
    const TarnSchema *schema = writing->schema;
    bool any_late = false;
    for (size_t i = 0; i < schema->field_count; i++) {
        any_late = any_late || late_constant(writing, &schema->fields[i]) != NULL;
    }
    if (!any_late) return write_sorted_rows(writing, out, error);
    const char *separator = "";
    tarn_base_buffer_string(out, "SELECT ");
    for (size_t i = 0; i < schema->field_count; i++) {
        const TarnWriteConstant *late = late_constant(writing, &schema->fields[i]);
        if (!is_stored(&schema->fields[i])) continue;
        tarn_base_buffer_string(out, separator);
        separator = ", ";
        write_column(&schema->fields[i], late != NULL ? late->sql : NULL, out);
    }
    for (size_t i = 0; i < writing->spec->field_count; i++) {
        tarn_base_buffer_string(out, ", ");
        tarn_base_buffer_identifier(out, tarn_base_text(writing->columns[i]));
    }
    tarn_base_buffer_string(out, " FROM (");
    if (!write_sorted_rows(writing, out, error)) return false;
    tarn_base_buffer_byte(out, ')');
    return tarn_base_buffer_check(out, error);
}

static const char *partition_names(const TarnWriting *writing) {
    TarnBuffer names;
    tarn_base_buffer_init(&names, TARN_MIB);
    for (size_t i = 0; i < writing->spec->field_count; i++) {
        tarn_base_buffer_string(&names, i > 0 ? ", " : "");
        tarn_base_buffer_identifier(&names, tarn_base_text(writing->columns[i]));
    }
    const char *copy = tarn_base_buffer_keep(&names, writing->arena);
    tarn_base_buffer_dispose(&names);
    return copy;
}

bool tarn_query__write_bucket_select(const TarnWriting *writing, uint64_t buckets, int seed,
                                     TarnBuffer *out, TarnError *error) {
    const char *names = partition_names(writing);
    if (names == NULL) return tarn_base_arena_check(writing->arena, error);
    tarn_base_buffer_string(out, "SELECT *");
    if (names[0] != '\0') tarn_base_buffer_printf(out, " EXCLUDE (%s)", names);
    if (writing->many) {
        tarn_base_buffer_printf(out, ", hash(%s, %d) %% %" PRIu64, names, seed, buckets);
    } else {
        tarn_base_buffer_printf(out, ", CAST(floor(random() * %" PRIu64 ") AS BIGINT)", buckets);
    }
    tarn_base_buffer_string(out, " AS " TARN_WRITE_BUCKET " FROM (");
    if (!write_rows(writing, out, error)) return false;
    tarn_base_buffer_byte(out, ')');
    return tarn_base_buffer_check(out, error);
}

bool tarn_query__write_partition_count(const TarnWriting *writing, TarnBuffer *out,
                                       TarnError *error) {
    const char *names = partition_names(writing);
    if (names == NULL) return tarn_base_arena_check(writing->arena, error);
    tarn_base_buffer_printf(out, "SELECT count(*) FROM (SELECT DISTINCT %s FROM (", names);
    if (!write_rows(writing, out, error)) return false;
    tarn_base_buffer_string(out, "))");
    return tarn_base_buffer_check(out, error);
}

/* The columns that keep the lineage of rows moved into the files. */
static const TarnSchema *add_lineage(const TarnSchema *schema, TarnArena *arena) {
    static const TarnField fields[] = {
        {.id = TARN_FIELD_ROW_ID,
         .name = TARN_SCAN_ROW_ID,
         .type = {.primitive = {.kind = TARN_TYPE_LONG}}},
        {.id = TARN_FIELD_LAST_UPDATED,
         .name = TARN_SCAN_LAST_UPDATED,
         .type = {.primitive = {.kind = TARN_TYPE_LONG}}}};
    TarnSchema *wide = tarn_base_arena_copy(arena, schema, sizeof(*schema));
    if (wide == NULL) return schema;
    wide->fields = TARN_NEW_ARRAY(arena, schema->field_count + 2, TarnField);
    if (wide->fields == NULL) return schema;
    memcpy(wide->fields, schema->fields, schema->field_count * sizeof(TarnField));
    memcpy(wide->fields + schema->field_count, fields, sizeof(fields));
    wide->field_count += 2;
    return wide;
}

/* The engine would write these in another type without a word. */
static bool check_types(const TarnField *fields, size_t count, TarnError *error) {
    for (size_t i = 0; i < count; i++) {
        TarnTypeKind kind = fields[i].type.primitive.kind;
        if (kind == TARN_TYPE_TIMESTAMPTZ_NS || kind == TARN_TYPE_GEOGRAPHY) {
            tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                                "the column \"%s\" is of the type %s, which is read but not "
                                "written",
                                fields[i].name,
                                kind == TARN_TYPE_GEOGRAPHY ? "geography" : "timestamptz_ns");
            return tarn_base_error_hint(error, "write this table with the engine that made it");
        }
        if (!check_types(fields[i].type.fields, fields[i].type.field_count, error)) return false;
    }
    return true;
}

bool tarn_query__writing_init(TarnWriting *writing, TarnError *error) {
    const TarnWriteOptions *options = writing->options;
    writing->schema = tarn_table_metadata_current_schema(options->metadata);
    if (options->lineage) writing->schema = add_lineage(writing->schema, writing->arena);
    writing->spec = tarn_table_metadata_default_spec(options->metadata);
    writing->many = may_be_many(options->metadata, options->constants, options->constant_count);
    writing->sorts = tarn_query_write_sorts(options->metadata, options->constants,
                                            options->constant_count);
    writing->adds_constants = writing->sorts;
    return check_types(writing->schema->fields, writing->schema->field_count, error) &&
           tarn_table_partition_types(writing->spec, writing->schema, writing->arena,
                                      &writing->types, error) &&
           name_partition_columns(writing, error);
}
