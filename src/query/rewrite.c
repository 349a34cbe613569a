/* Rows of a group of files into new files.
 *
 * Clustering orders the rows of a group; the engine then cuts the files at the target size, each a
 * range of the order. For z-order and Hilbert each column becomes a number of 64 bits that orders
 * as the column does (query/cluster.c), spread over its range within the group: what all values
 * have in common says nothing about their order, and would take the place of what does.
 */
#include "query/rewrite.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "query/delete_files_private.h"
#include "query/functions_private.h"
#include "query/query_private.h"
#include "query/scan_private.h"
#include "query/scan_sql.h"

/* More dimensions than this cluster nothing. */
#define CLUSTER_COLUMNS_MAX 8

typedef struct Rewriter {
    const TarnRewriteWork *work;
    const TarnSchema *schema;
    TarnArena *arena;
    TarnBuffer scan; /* SELECT of the group's live rows */
    TarnError *error;
} Rewriter;

/* --- columns --- */

typedef struct ClusterColumn {
    const TarnField *field;
    bool descending;
} ClusterColumn;

static bool find_column(const TarnSchema *schema, const char *text, bool may_descend,
                        ClusterColumn *column, TarnError *error) {
    TarnText name = tarn_base_text_trim(tarn_base_text(text));
    *column = (ClusterColumn){0};
    if (may_descend && name.size > 5 && strncasecmp(name.data + name.size - 5, " desc", 5) == 0) {
        column->descending = true;
        name = tarn_base_text_trim((TarnText){name.data, name.size - 5});
    } else if (may_descend && name.size > 4 &&
               strncasecmp(name.data + name.size - 4, " asc", 4) == 0) {
        name = tarn_base_text_trim((TarnText){name.data, name.size - 4});
    }
    for (size_t i = 0; i < schema->field_count; i++) {
        const char *own = schema->fields[i].name;
        if (strlen(own) == name.size && strncasecmp(own, name.data, name.size) == 0) {
            column->field = &schema->fields[i];
        }
    }
    if (column->field == NULL) {
        return tarn_base_error_set(error, TARN_E_COLUMN_NOT_FOUND,
                                   "the table has no column \"%.*s\" to sort by",
                                   TARN_TEXT_ARG(name));
    }
    if (!tarn_format_kind_is_nested(column->field->type.primitive.kind)) return true;
    return tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                               "the column \"%s\" is nested: files cannot be sorted by it",
                               column->field->name);
}

bool tarn_query_rewrite_check(const TarnTable *table, TarnClustering clustering,
                              const char *const *columns, size_t column_count, TarnError *error) {
    const TarnSchema *schema = tarn_table_metadata_current_schema(table->metadata);
    const TarnSortOrder *order = tarn_table_metadata_default_sort_order(table->metadata);
    bool curve = clustering == TARN_CLUSTER_ZORDER || clustering == TARN_CLUSTER_HILBERT;
    if (clustering == TARN_CLUSTER_SORT && column_count == 0 && order->field_count == 0) {
        tarn_base_error_set(error, TARN_E_USAGE, "the table has no sort order");
        return tarn_base_error_hint(error, "name the columns: --sort-by a,b");
    }
    if (curve && (column_count < 2 || column_count > CLUSTER_COLUMNS_MAX)) {
        return tarn_base_error_set(error, TARN_E_USAGE,
                                   "a curve goes through 2 to %d columns: --sort-by a,b",
                                   CLUSTER_COLUMNS_MAX);
    }
    for (size_t i = 0; i < column_count; i++) {
        ClusterColumn column;
        if (!find_column(schema, columns[i], !curve, &column, error)) return false;
        for (size_t j = 0; j < i; j++) {
            ClusterColumn other;
            if (!find_column(schema, columns[j], !curve, &other, error)) return false;
            if (other.field != column.field) continue;
            return tarn_base_error_set(error, TARN_E_USAGE, "the column \"%s\" is named twice",
                                       column.field->name);
        }
    }
    return true;
}

/* --- the order --- */

/* SQL of the column's 64-bit key before it is spread: tarn_order_key of what orders alike. `of`
 * stands before the column's name. */
static void write_key(const ClusterColumn *column, const char *of, TarnBuffer *out) {
    const char *before = "tarn_order_key(CAST(";
    const char *after = " AS BIGINT))";
    switch (column->field->type.primitive.kind) {
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
    case TARN_TYPE_DECIMAL: after = " AS DOUBLE))"; break;
    case TARN_TYPE_DATE: before = "tarn_order_key(CAST(epoch_us("; after = ") AS BIGINT))"; break;
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ: before = "tarn_order_key(epoch_us("; after = "))"; break;
    case TARN_TYPE_TIMESTAMP_NS: before = "tarn_order_key(epoch_ns("; after = "))"; break;
    case TARN_TYPE_STRING: before = "tarn_order_key(encode("; after = "))"; break;
    case TARN_TYPE_UUID:
        before = "tarn_order_key(encode(CAST(";
        after = " AS VARCHAR)))";
        break;
    case TARN_TYPE_BINARY:
    case TARN_TYPE_FIXED: before = "tarn_order_key("; after = ")"; break;
    default: break;
    }
    tarn_base_buffer_string(out, before);
    tarn_base_buffer_string(out, of);
    tarn_base_buffer_identifier(out, tarn_base_text(column->field->name));
    tarn_base_buffer_string(out, after);
}

static bool is_text(const ClusterColumn *column) {
    TarnTypeKind kind = column->field->type.primitive.kind;
    return kind == TARN_TYPE_STRING || kind == TARN_TYPE_UUID || kind == TARN_TYPE_BINARY ||
           kind == TARN_TYPE_FIXED;
}

/* For texts the key is of what follows the bytes that all values begin with. */
static void write_spread_key(const ClusterColumn *column, size_t index, TarnBuffer *out) {
    TarnBuffer key;
    tarn_base_buffer_init(&key, TARN_MIB);
    write_key(column, "\"__w\".", &key);
    TarnText text = tarn_base_buffer_view(&key);
    if (is_text(column) && text.size > 0) {
        tarn_base_buffer_printf(out, "tarn_order_spread(%.*s, \"__r\".s%zu), \"__r\".l%zu, "
                                     "\"__r\".h%zu)",
                                (int)text.size - 1, text.data, index, index, index);
    } else {
        tarn_base_buffer_printf(out, "tarn_order_spread(%.*s, \"__r\".l%zu, \"__r\".h%zu)",
                                TARN_TEXT_ARG(text), index, index);
    }
    tarn_base_buffer_dispose(&key);
}

/* s: bytes that all texts of the column share; l, h: the least and greatest key. */
static void write_ranges(const ClusterColumn *columns, size_t count, TarnText rows,
                         TarnBuffer *out) {
    tarn_base_buffer_string(out, "(SELECT *");
    for (size_t i = 0; i < count; i++) {
        TarnBuffer key;
        tarn_base_buffer_init(&key, TARN_MIB);
        write_key(&columns[i], "", &key);
        TarnText text = tarn_base_buffer_view(&key);
        if (is_text(&columns[i]) && text.size > 0) {
            /* The bounds of the texts are those of their keys. */
            tarn_base_buffer_printf(out, ", tarn_order_key(a%zu, s%zu) AS l%zu, "
                                         "tarn_order_key(z%zu, s%zu) AS h%zu",
                                    i, i, i, i, i, i);
        }
        tarn_base_buffer_dispose(&key);
    }
    tarn_base_buffer_string(out, " FROM (SELECT *");
    for (size_t i = 0; i < count; i++) {
        if (is_text(&columns[i])) {
            tarn_base_buffer_printf(out, ", tarn_order_shared(a%zu, z%zu) AS s%zu", i, i, i);
        }
    }
    tarn_base_buffer_string(out, " FROM (SELECT ");
    for (size_t i = 0; i < count; i++) {
        TarnBuffer key;
        tarn_base_buffer_init(&key, TARN_MIB);
        write_key(&columns[i], "", &key);
        TarnText text = tarn_base_buffer_view(&key);
        tarn_base_buffer_string(out, i > 0 ? ", " : "");
        if (is_text(&columns[i])) {
            /* What the key is made of: without "tarn_order_key(" and ")". */
            TarnText inner = {text.data + strlen("tarn_order_key("),
                              text.size - strlen("tarn_order_key(") - 1};
            tarn_base_buffer_printf(out, "min(%.*s) AS a%zu, max(%.*s) AS z%zu",
                                    TARN_TEXT_ARG(inner), i, TARN_TEXT_ARG(inner), i);
        } else {
            tarn_base_buffer_printf(out, "min(%.*s) AS l%zu, max(%.*s) AS h%zu",
                                    TARN_TEXT_ARG(text), i, TARN_TEXT_ARG(text), i);
        }
        tarn_base_buffer_dispose(&key);
    }
    tarn_base_buffer_string(out, " FROM (");
    tarn_base_buffer_text(out, rows);
    tarn_base_buffer_string(out, ")))) AS \"__r\"");
}

static bool write_curve(const Rewriter *rewriter, const ClusterColumn *columns, TarnBuffer *out) {
    const TarnRewriteWork *work = rewriter->work;
    TarnText rows = tarn_base_buffer_view(&rewriter->scan);
    tarn_base_buffer_string(out, "SELECT \"__w\".* FROM (");
    tarn_base_buffer_text(out, rows);
    tarn_base_buffer_string(out, ") AS \"__w\", ");
    write_ranges(columns, work->column_count, rows, out);
    tarn_base_buffer_printf(out, " ORDER BY %s(", work->clustering == TARN_CLUSTER_HILBERT
                                                      ? "tarn_hilbert"
                                                      : "tarn_zorder");
    for (size_t i = 0; i < work->column_count; i++) {
        if (i > 0) tarn_base_buffer_string(out, ", ");
        write_spread_key(&columns[i], i, out);
    }
    tarn_base_buffer_byte(out, ')');
    return tarn_base_buffer_check(out, rewriter->error);
}

static bool write_sorted(const Rewriter *rewriter, const ClusterColumn *columns, TarnBuffer *out) {
    tarn_base_buffer_string(out, "SELECT * FROM (");
    tarn_base_buffer_text(out, tarn_base_buffer_view(&rewriter->scan));
    tarn_base_buffer_byte(out, ')');
    for (size_t i = 0; i < rewriter->work->column_count; i++) {
        tarn_base_buffer_string(out, i > 0 ? ", " : " ORDER BY ");
        tarn_base_buffer_identifier(out, tarn_base_text(columns[i].field->name));
        tarn_base_buffer_string(out, columns[i].descending ? " DESC NULLS LAST"
                                                           : " ASC NULLS FIRST");
    }
    return tarn_base_buffer_check(out, rewriter->error);
}

static bool write_select(const Rewriter *rewriter, TarnBuffer *out) {
    const TarnRewriteWork *work = rewriter->work;
    bool curve = work->clustering == TARN_CLUSTER_ZORDER ||
                 work->clustering == TARN_CLUSTER_HILBERT;
    ClusterColumn *columns = TARN_NEW_ARRAY(rewriter->arena, work->column_count + 1,
                                            ClusterColumn);
    if (columns == NULL) return tarn_base_arena_check(rewriter->arena, rewriter->error);
    for (size_t i = 0; i < work->column_count; i++) {
        if (!find_column(rewriter->schema, work->columns[i], !curve, &columns[i],
                         rewriter->error)) {
            return false;
        }
    }
    return curve ? write_curve(rewriter, columns, out) : write_sorted(rewriter, columns, out);
}

/* --- the rows --- */

/* Rows of version 3 keep their ids and the number of their last change. */
static bool keeps_lineage(const TarnRewriteWork *work) {
    return work->table->metadata->format_version >= 3;
}

static bool write_scan(Rewriter *rewriter) {
    const TarnRewriteWork *work = rewriter->work;
    const TarnRewriteGroup *group = work->group;
    TarnScanPlan plan = {.snapshot_id = work->scan->snapshot_id,
                         .task_count = group->count,
                         .rows = group->rows,
                         .bytes = group->bytes};
    plan.tasks = TARN_NEW_ARRAY(rewriter->arena, group->count + 1, TarnScanTask);
    if (plan.tasks == NULL) return tarn_base_arena_check(rewriter->arena, rewriter->error);
    for (size_t i = 0; i < group->count; i++) {
        plan.tasks[i] = *group->items[i];
        /* Which files are rewritten is a matter of the condition; which of their rows is not. */
        plan.tasks[i].residual = tarn_table_predicate_constant(TARN_PREDICATE_TRUE);
        plan.tasks[i].match = TARN_MATCH_ALL;
        plan.has_deletes = plan.has_deletes || plan.tasks[i].delete_count > 0;
        for (size_t d = 0; d < plan.tasks[i].delete_count; d++) {
            plan.has_equality_deletes = plan.has_equality_deletes ||
                                        plan.tasks[i].deletes[d].file->content ==
                                            TARN_CONTENT_EQUALITY_DELETES;
        }
    }
    TarnScanSqlOptions options = {.schema = rewriter->schema, .lineage = keeps_lineage(work)};
    return tarn_query_scan_sql(work->query, work->table, &plan, &options, &rewriter->scan,
                               rewriter->error);
}

static bool check_rows(const TarnRewriteWork *work, const TarnWrittenFiles *files,
                       TarnError *error) {
    bool deletes = false;
    for (size_t i = 0; i < work->group->count; i++) {
        deletes = deletes || work->group->items[i]->delete_count > 0;
    }
    if (files->rows == work->group->rows || (deletes && files->rows < work->group->rows)) {
        return true;
    }
    return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                               "files that say they have %" PRId64 " rows have %" PRId64
                               ": they are left as they are",
                               work->group->rows, files->rows);
}

static bool write_files(const Rewriter *rewriter, TarnText select, TarnArena *arena,
                        TarnWrittenFiles *files) {
    const TarnRewriteWork *work = rewriter->work;
    const TarnRewriteGroup *group = work->group;
    bool own_order = work->clustering == TARN_CLUSTER_NONE || work->column_count == 0;
    TarnTableMetadata metadata = *work->table->metadata;
    if (!own_order) {
        /* The order is in the SELECT, and is none of the table's. */
        metadata.default_sort_order_id = 0;
        metadata.sort_order_count = 0;
    }
    bool same_spec = group->spec_id == metadata.default_spec_id;
    TarnWriteOptions options = {.session = tarn_query_session(work->query),
                                .store = work->table->store,
                                .metadata = &metadata,
                                .commit_id = work->commit_id,
                                .sequence = work->sequence,
                                .select_sql = select,
                                .lineage = keeps_lineage(work),
                                .large = group->bytes > work->target_bytes,
                                .one_partition = same_spec,
                                .partition = group->partition,
                                .file_size = (uint64_t)work->target_bytes};
    return tarn_query_write_files(&options, arena, files, rewriter->error) &&
           check_rows(work, files, rewriter->error);
}

static bool register_functions(const TarnRewriteWork *work, TarnError *error) {
    bool curve = work->clustering == TARN_CLUSTER_ZORDER ||
                 work->clustering == TARN_CLUSTER_HILBERT;
    if (!curve || work->query->clusters) return true;
    work->query->clusters = true;
    return tarn_query__cluster_register(work->query->session, error);
}

bool tarn_query_rewrite(const TarnRewriteWork *work, TarnArena *arena, TarnWrittenFiles *files,
                        TarnError *error) {
    Rewriter rewriter = {.work = work,
                         .schema = tarn_table_metadata_current_schema(work->table->metadata),
                         .arena = arena,
                         .error = error};
    TarnBuffer select;
    tarn_base_buffer_init(&rewriter.scan, 16 * TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_init(&select, 64 * TARN_LIMIT_SQL_BYTES);
    bool ordered = work->clustering != TARN_CLUSTER_NONE && work->column_count > 0;
    bool ok = register_functions(work, error) && write_scan(&rewriter) &&
              (!ordered || write_select(&rewriter, &select)) &&
              write_files(&rewriter, tarn_base_buffer_view(ordered ? &select : &rewriter.scan),
                          arena, files);
    tarn_query__file_lists_clear(work->query->file_lists);
    tarn_base_buffer_dispose(&select);
    tarn_base_buffer_dispose(&rewriter.scan);
    return ok;
}

/* --- deletes --- */

/* *locations: a Puffin file with many vectors is there once. */
static bool write_deletes(const TarnRewriteDeletesWork *work, TarnNewDeletes *deletes,
                          size_t count, TarnArena *arena, TarnRewrittenDeletes *files,
                          TarnError *error) {
    TarnDeleteFiles written;
    TarnDeleteFilesOptions options = {.query = work->query,
                                      .store = work->table->store,
                                      .metadata = work->table->metadata,
                                      .commit_id = work->commit_id,
                                      .joined = true};
    if (!tarn_query__delete_files_write(&options, deletes, count, arena, &written, error)) {
        return false;
    }
    files->items = written.items;
    files->count = written.count;
    files->locations = written.locations;
    files->location_count = written.location_count;
    for (size_t i = 0; i < written.count; i++) {
        const TarnDataFile *file = &written.items[i];
        files->rows += file->record_count;
        files->bytes += tarn_table_file_is_deletion_vector(file) ? file->content_size
                                                                 : file->file_size;
    }
    return true;
}

bool tarn_query_rewrite_deletes(const TarnRewriteDeletesWork *work, TarnArena *arena,
                                TarnRewrittenDeletes *files, TarnError *error) {
    TarnScanPlan plan = {
        .tasks = work->tasks, .task_count = work->task_count, .has_deletes = true};
    TarnRoaring **positions = NULL;
    *files = (TarnRewrittenDeletes){0};
    TarnNewDeletes *deletes = TARN_NEW_ARRAY(arena, work->task_count + 1, TarnNewDeletes);
    if (deletes == NULL) return tarn_base_arena_check(arena, error);
    bool ok = tarn_query__deletes_load(work->query, work->table, &plan, arena, &positions, error);
    size_t count = 0;
    for (size_t i = 0; ok && i < work->task_count; i++) {
        if (positions[i] == NULL || tarn_format_roaring_cardinality(positions[i]) == 0) continue;
        deletes[count++] = (TarnNewDeletes){.task = &work->tasks[i], .fresh = positions[i]};
    }
    ok = ok && write_deletes(work, deletes, count, arena, files, error);
    tarn_query__file_lists_clear(work->query->file_lists);
    return ok;
}

/* --- conditions --- */

bool tarn_query_predicate(TarnQuery *query, const TarnTable *table, const char *where,
                          TarnArena *arena, const TarnPredicate **bound, TarnError *error) {
    TarnBuffer sql;
    TarnPrepared prepared;
    TarnRunOptions run = {0};
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT 1 FROM ");
    for (TarnText rest = tarn_base_text(table->name.ns); rest.data != NULL;) {
        tarn_base_buffer_identifier(&sql, tarn_base_text_split(rest, '.', &rest));
        tarn_base_buffer_byte(&sql, '.');
    }
    tarn_base_buffer_identifier(&sql, tarn_base_text(table->name.name));
    tarn_base_buffer_string(&sql, " WHERE (");
    tarn_base_buffer_string(&sql, where);
    tarn_base_buffer_string(&sql, "\n)");
    const char *text = tarn_base_text_string(arena, tarn_base_buffer_view(&sql));
    bool ok = tarn_base_buffer_check(&sql, error) && tarn_base_arena_check(arena, error);
    tarn_base_buffer_dispose(&sql);
    if (!ok || !tarn_query__prepare(query, tarn_base_text(text), &run, arena, &prepared, error)) {
        if (ok) error->line = 0; /* the place is in a text that no user wrote */
        return false;
    }
    if (prepared.plan->table_count != 1 || prepared.bindings.count != 1) {
        ok = tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                                 "the condition is not one on columns of the table alone");
    } else {
        ok = tarn_table_predicate_bind(prepared.plan->tables[0].filter,
                                       tarn_table_metadata_current_schema(table->metadata), arena,
                                       bound, error);
    }
    tarn_query__prepared_release(&prepared);
    return ok;
}
