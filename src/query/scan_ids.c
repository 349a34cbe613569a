/* Files read by field id: the engine matches columns by the ids in the files' footers, and opens
 * none of them to bind the statement.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "query/data_file_private.h"
#include "query/scan_private.h"

static void write_type_literal(const TarnScanWriter *scan, const TarnType *type) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_MIB);
    tarn_table_type_to_sql(type, &text);
    tarn_base_buffer_literal(scan->out, tarn_base_buffer_view(&text));
    tarn_base_buffer_dispose(&text);
}

/* read_parquet wants one type for all defaults: text, which it casts to the column's. */
static bool write_default_text(const TarnScanWriter *scan, const TarnField *field) {
    TarnLiteral literal;
    TarnBuffer sql;
    if (!tarn_query__scan_default(scan, field, &literal)) return false;
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

/* A column may be called like one of the engine's virtual ones, which it would hide. */
static void write_inner_name(const TarnScanWriter *scan, const TarnField *field, bool is_literal) {
    const char *name = field->name;
    char hidden[40];
    if (tarn_query__scan_is_virtual(name)) {
        snprintf(hidden, sizeof(hidden), "__tarn_column_%" PRId32, field->id);
        name = hidden;
    }
    (is_literal ? tarn_base_buffer_literal : tarn_base_buffer_identifier)(scan->out,
                                                                          tarn_base_text(name));
}

static void write_columns(const TarnScanWriter *scan) {
    for (size_t i = 0; i < scan->column_count; i++) {
        if (i > 0) tarn_base_buffer_string(scan->out, ", ");
        write_inner_name(scan, scan->columns[i], false);
        if (!tarn_query__scan_is_virtual(scan->columns[i]->name)) continue;
        tarn_base_buffer_string(scan->out, " AS ");
        tarn_base_buffer_identifier(scan->out, tarn_base_text(scan->columns[i]->name));
    }
}

static bool write_field(const TarnScanWriter *scan, const TarnField *field, bool is_first) {
    tarn_base_buffer_printf(scan->out, "%s%d: {'name': ", is_first ? "" : ", ", field->id);
    write_inner_name(scan, field, true);
    tarn_base_buffer_string(scan->out, ", 'type': ");
    write_type_literal(scan, &field->type);
    tarn_base_buffer_string(scan->out, ", 'default_value': ");
    if (!write_default_text(scan, field)) return false;
    tarn_base_buffer_byte(scan->out, '}');
    return true;
}

static bool write_schema(const TarnScanWriter *scan) {
    tarn_base_buffer_string(scan->out, ", hive_partitioning = false, schema = MAP {");
    for (size_t i = 0; i < scan->column_count; i++) {
        if (!write_field(scan, scan->columns[i], i == 0)) return false;
    }
    for (size_t i = 0; scan->options->lineage && i < 2; i++) {
        if (!write_field(scan, &tarn_query__scan_lineage[i], false)) return false;
    }
    tarn_base_buffer_byte(scan->out, '}');
    return true;
}

bool tarn_query__scan_by_ids(const TarnScanWriter *scan, const size_t *tasks, size_t count) {
    const char *stored[2] = {tarn_query__scan_lineage[0].name, tarn_query__scan_lineage[1].name};
    int64_t id = -1;
    if (!tarn_query__data_files_check(scan, tasks, count) ||
        !tarn_query__scan_register(scan, tasks, count, &id)) {
        return false;
    }
    tarn_base_buffer_string(scan->out, "SELECT ");
    write_columns(scan);
    tarn_query__scan_extras(scan, id, stored);
    tarn_base_buffer_string(scan->out, " FROM read_parquet(");
    tarn_query__scan_file_list(scan, tasks, count);
    if (!write_schema(scan)) return false;
    /* With a schema given the engine opens no file when it binds, so it cannot know how large the
     * table is, which decides the order of joins; the manifests do. */
    tarn_base_buffer_printf(scan->out, ", explicit_cardinality = %" PRId64 ")",
                            tarn_query__scan_cardinality(scan, tasks, count));
    tarn_query__scan_where(scan, id, tasks, count);
    return true;
}
