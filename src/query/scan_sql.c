/* A planned scan as SQL: which files are read how, and what they share.
 *
 *   scan_ids.c       one read_parquet over files by the engine's field-id schema: flat columns, and
 *                    nested ones whose inner fields are the same in every schema the table had
 *   scan_shape.c     the footers are read, files of the same schema are read together, by its
 *                    names. What ids cannot do needs it; a few files like each other gain by it:
 *                    the engine then knows the statistics of their columns
 *   deletes.c        which rows are deleted by position
 *   scan_equality.c  rows deleted by equality
 *
 * Files without deletes are read as if there were none in the table; the others are parts of
 * their own, joined by UNION ALL. A filter of the user's that may fail (a cast, a division) is
 * evaluated on live rows only: the engine does not push such a filter below the SELECT that leaves
 * the deleted ones out.
 */
#include "query/scan_sql.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "query/scan_private.h"
#include "query/transaction_private.h"

/* The columns of files that keep the lineage of rows moved there, by their reserved ids. */
const TarnField tarn_query__scan_lineage[2] = {{.id = TARN_FIELD_ROW_ID,
                                                .name = "__tarn_row_id",
                                                .type = {.primitive = {.kind = TARN_TYPE_LONG}}},
                                               {.id = TARN_FIELD_LAST_UPDATED,
                                                .name = "__tarn_last_updated",
                                                .type = {.primitive = {.kind = TARN_TYPE_LONG}}}};

/* --- shared pieces --- */

void tarn_query__scan_file_list(const TarnScanWriter *scan, const size_t *tasks, size_t count) {
    tarn_base_buffer_byte(scan->out, '[');
    for (size_t i = 0; i < count; i++) {
        const TarnDataFile *file = scan->plan->tasks[tasks[i]].file;
        TarnText path = file->path;
        TarnText local;
        TarnError ignored;
        if (tarn_store_resolve(path, &local, &ignored)) path = local;
        if (i > 0) tarn_base_buffer_byte(scan->out, ',');
        tarn_base_buffer_literal(scan->out, path);
    }
    tarn_base_buffer_byte(scan->out, ']');
}

bool tarn_query__scan_default(const TarnScanWriter *scan, const TarnField *field,
                              TarnLiteral *literal) {
    *literal = (TarnLiteral){.kind = field->type.primitive.kind, .is_null = true};
    if (field->initial_default == NULL || field->initial_default->kind == TARN_JSON_NULL ||
        tarn_format_kind_is_nested(field->type.primitive.kind)) {
        return true;
    }
    return tarn_format_literal_from_json(field->type.primitive, field->initial_default, scan->arena,
                                         literal, scan->error);
}

bool tarn_query__scan_is_virtual(const char *name) {
    static const char *const names[] = {"file_index", "file_row_number", "filename"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(name, names[i]) == 0) return true;
    }
    return false;
}

bool tarn_query__scan_needs_places(const TarnScanWriter *scan) {
    return scan->positions != NULL || scan->options->places || scan->options->lineage ||
           scan->wants_sequence;
}

bool tarn_query__scan_register(const TarnScanWriter *scan, const size_t *tasks, size_t count,
                               int64_t *id) {
    *id = -1;
    if (!tarn_query__scan_needs_places(scan)) return true;
    TarnListedFile *items = TARN_NEW_ARRAY(scan->arena, count + 1, TarnListedFile);
    if (items == NULL) return tarn_base_arena_check(scan->arena, scan->error);
    for (size_t i = 0; i < count; i++) {
        const TarnScanTask *task = &scan->plan->tasks[tasks[i]];
        items[i].deleted = scan->positions != NULL ? scan->positions[tasks[i]] : NULL;
        items[i].only = scan->options->only != NULL && scan->options->only[tasks[i]];
        items[i].facts[TARN_FILE_TASK] = (int64_t)tasks[i];
        /* Ids that the running transaction gave change if it is prepared again: rows of its own
         * get theirs with the last of its statements. */
        bool is_final = !tarn_query__transaction_made(scan->query, task->snapshot_id);
        items[i].facts[TARN_FILE_FIRST_ROW_ID] = is_final ? task->first_row_id : TARN_ABSENT;
        items[i].facts[TARN_FILE_SEQUENCE] = task->sequence_number;
        items[i].facts[TARN_FILE_PARTITION] = scan->partitions != NULL ? scan->partitions[tasks[i]]
                                                                       : 0;
    }
    return tarn_query__file_lists_add(scan->query->file_lists, items, count, id, scan->error);
}

static void write_fact(const TarnScanWriter *scan, int64_t id, TarnFileFact which) {
    tarn_base_buffer_printf(scan->out, "tarn_file_fact(%" PRId64 ", %d, file_index)", id, which);
}

void tarn_query__scan_extras(const TarnScanWriter *scan, int64_t id, const char *const stored[2]) {
    if (scan->options->places) {
        tarn_base_buffer_string(scan->out, ", ");
        write_fact(scan, id, TARN_FILE_TASK);
        tarn_base_buffer_string(scan->out,
                                " AS " TARN_SCAN_FILE ", file_row_number AS " TARN_SCAN_POSITION);
    }
    if (scan->options->lineage) {
        tarn_base_buffer_printf(scan->out, ", COALESCE(%s, ", stored[0]);
        write_fact(scan, id, TARN_FILE_FIRST_ROW_ID);
        tarn_base_buffer_printf(
            scan->out, " + file_row_number) AS \"" TARN_SCAN_ROW_ID "\", COALESCE(%s, ", stored[1]);
        write_fact(scan, id, TARN_FILE_SEQUENCE);
        tarn_base_buffer_string(scan->out, ") AS \"" TARN_SCAN_LAST_UPDATED "\"");
    }
    if (scan->wants_sequence) {
        tarn_base_buffer_string(scan->out, ", ");
        write_fact(scan, id, TARN_FILE_SEQUENCE);
        tarn_base_buffer_string(scan->out, " AS " TARN_SCAN_SEQUENCE ", ");
        write_fact(scan, id, TARN_FILE_PARTITION);
        tarn_base_buffer_string(scan->out, " AS " TARN_SCAN_PARTITION);
    }
}

static bool any_deleted(const TarnScanWriter *scan, const size_t *tasks, size_t count) {
    for (size_t i = 0; scan->positions != NULL && i < count; i++) {
        if (scan->positions[tasks[i]] != NULL) return true;
    }
    return false;
}

/* The engine takes one row in five to pass a condition it knows nothing of; here nearly all do. */
#define ROWS_FOR_ONE_THAT_PASSES 5

int64_t tarn_query__scan_cardinality(const TarnScanWriter *scan, const size_t *tasks,
                                     size_t count) {
    int64_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        const TarnRoaring *deleted = scan->positions != NULL ? scan->positions[tasks[i]] : NULL;
        bool only = scan->options->only != NULL && scan->options->only[tasks[i]];
        int64_t listed = deleted != NULL ? (int64_t)tarn_format_roaring_cardinality(deleted) : 0;
        rows += only ? listed : scan->plan->tasks[tasks[i]].file->record_count - listed;
    }
    if (rows < 1) return 1;
    bool fits = rows < INT64_MAX / ROWS_FOR_ONE_THAT_PASSES;
    return fits && any_deleted(scan, tasks, count) ? rows * ROWS_FOR_ONE_THAT_PASSES : rows;
}

void tarn_query__scan_where(const TarnScanWriter *scan, int64_t id, const size_t *tasks,
                            size_t count) {
    if (!any_deleted(scan, tasks, count)) return;
    tarn_base_buffer_printf(scan->out,
                            " WHERE tarn_alive(%" PRId64 ", file_index, file_row_number)", id);
}

/* --- a scan of no files --- */

static void write_null(const TarnScanWriter *scan, const char *type, const char *name) {
    tarn_base_buffer_printf(scan->out, ", CAST(NULL AS %s) AS ", type);
    tarn_base_buffer_identifier(scan->out, tarn_base_text(name));
}

static void write_empty(const TarnScanWriter *scan) {
    const TarnSchema *schema = scan->options->schema;
    tarn_base_buffer_string(scan->out, "SELECT ");
    for (size_t i = 0; i < schema->field_count; i++) {
        const TarnField *field = &schema->fields[i];
        if (i > 0) tarn_base_buffer_string(scan->out, ", ");
        tarn_base_buffer_string(scan->out, "CAST(NULL AS ");
        tarn_table_type_to_sql(&field->type, scan->out);
        tarn_base_buffer_string(scan->out, ") AS ");
        tarn_base_buffer_identifier(scan->out, tarn_base_text(field->name));
    }
    if (scan->options->places) {
        write_null(scan, "BIGINT", TARN_SCAN_FILE);
        write_null(scan, "BIGINT", TARN_SCAN_POSITION);
    }
    if (scan->options->lineage) {
        write_null(scan, "BIGINT", TARN_SCAN_ROW_ID);
        write_null(scan, "BIGINT", TARN_SCAN_LAST_UPDATED);
    }
    tarn_base_buffer_string(scan->out, " WHERE false");
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

static bool needs_shapes(const TarnScanWriter *scan) {
    if (scan->mapping != NULL) return true;
    for (size_t i = 0; i < scan->options->schema->field_count; i++) {
        const TarnField *field = &scan->options->schema->fields[i];
        bool nested = tarn_format_kind_is_nested(field->type.primitive.kind);
        if (nested && field->initial_default != NULL) return true;
        if (nested_changed(scan->table->metadata, field)) return true;
    }
    return false;
}

bool tarn_query__scan_part(TarnScanWriter *scan, const size_t *tasks, size_t count) {
    bool written = false;
    if (needs_shapes(scan)) return tarn_query__scan_by_shape(scan, tasks, count);
    if (!tarn_query__scan_few_shapes(scan, tasks, count, &written)) return false;
    return written || tarn_query__scan_by_ids(scan, tasks, count);
}

static bool has_equality(const TarnScanTask *task) {
    for (size_t i = 0; i < task->delete_count; i++) {
        if (task->deletes[i].file->content == TARN_CONTENT_EQUALITY_DELETES) return true;
    }
    return false;
}

/* 0: no deletes, 1: by position alone, 2: by equality, perhaps by position too. */
static int kind_of(const TarnScanWriter *scan, size_t task) {
    if (has_equality(&scan->plan->tasks[task])) return 2;
    return scan->positions != NULL && scan->positions[task] != NULL ? 1 : 0;
}

static bool write_parts(TarnScanWriter *scan) {
    size_t *tasks = TARN_NEW_ARRAY(scan->arena, scan->plan->task_count + 1, size_t);
    const TarnRoaring *const *positions = scan->positions;
    bool some = false;
    if (tasks == NULL) return tarn_base_arena_check(scan->arena, scan->error);
    for (int kind = 0; kind <= 2; kind++) {
        size_t count = 0;
        for (size_t i = 0; i < scan->plan->task_count; i++) {
            scan->positions = positions;
            if (kind_of(scan, i) == kind) tasks[count++] = i;
        }
        if (count == 0) continue;
        if (some) tarn_base_buffer_string(scan->out, " UNION ALL ");
        some = true;
        if (kind == 0) scan->positions = NULL;
        if (!(kind == 2 ? tarn_query__scan_equality(scan, tasks, count)
                        : tarn_query__scan_part(scan, tasks, count))) {
            return false;
        }
    }
    return true;
}

/* --- preparing --- */

bool tarn_query__scan_path(TarnStore *store, const TarnDataFile *file, TarnArena *arena,
                           const char **path, TarnError *error) {
    const char *location = tarn_base_text_string(arena, file->path);
    if (location == NULL) return tarn_base_arena_check(arena, error);
    if (!tarn_store_local_path(store, location, path, error)) return false;
    if (file->format.size == 7 && strncasecmp(file->format.data, "PARQUET", 7) == 0) return true;
    return tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                               "the %s file \"%s\" is %.*s: only Parquet is read",
                               file->content == TARN_CONTENT_DATA ? "data" : "delete", location,
                               TARN_TEXT_ARG(file->format));
}

static bool check_paths(const TarnScanWriter *scan) {
    for (size_t i = 0; i < scan->plan->task_count; i++) {
        const char *path = NULL;
        if (!tarn_query__scan_path(scan->table->store, scan->plan->tasks[i].file, scan->arena,
                                   &path, scan->error)) {
            return false;
        }
    }
    return true;
}

static bool read_mapping(TarnScanWriter *scan) {
    const char *text = tarn_table_metadata_property(scan->table->metadata,
                                                    "schema.name-mapping.default");
    TarnJson *root = NULL;
    if (text == NULL) return true;
    if (!tarn_base_json_parse(tarn_base_text(text), "schema.name-mapping.default", scan->arena,
                              &root, scan->error)) {
        return false;
    }
    scan->mapping = root;
    return true;
}

static bool choose_columns(TarnScanWriter *scan) {
    const TarnSchema *schema = scan->options->schema;
    bool needs_names = tarn_query__scan_needs_places(scan) || scan->plan->has_equality_deletes;
    scan->columns = TARN_NEW_ARRAY(scan->arena, schema->field_count + 1, const TarnField *);
    if (scan->columns == NULL) return tarn_base_arena_check(scan->arena, scan->error);
    for (size_t i = 0; i < schema->field_count; i++) {
        const char *name = schema->fields[i].name;
        scan->columns[scan->column_count++] = &schema->fields[i];
        bool is_lineage = scan->options->lineage && (strcasecmp(name, TARN_SCAN_ROW_ID) == 0 ||
                                                     strcasecmp(name, TARN_SCAN_LAST_UPDATED) == 0);
        if (is_lineage) {
            return tarn_base_error_set(scan->error, TARN_E_SQL_UNSUPPORTED,
                                       "the column \"%s\" has the name of row lineage's", name);
        }
        if (!needs_names || strncasecmp(name, "__tarn_", 7) != 0) continue;
        tarn_base_error_set(scan->error, TARN_E_SQL_UNSUPPORTED,
                            "the column \"%s\" has a name that reading deleted rows needs itself",
                            name);
        return tarn_base_error_hint(scan->error, "rename the column: ALTER TABLE .. RENAME");
    }
    return true;
}

/* What the table's deletes and the caller's are together. */
static bool join_positions(TarnScanWriter *scan, TarnRoaring **loaded) {
    const TarnScanSqlOptions *options = scan->options;
    size_t count = scan->plan->task_count;
    TarnArena *arena = options->deleted != NULL ? options->arena : scan->arena;
    const TarnRoaring **all = NULL;
    if (options->deleted != NULL) *options->deleted = NULL;
    if (loaded == NULL && options->also_deleted == NULL) return true;
    all = TARN_NEW_ARRAY(arena, count + 1, const TarnRoaring *);
    if (all == NULL) return tarn_base_arena_check(arena, scan->error);
    for (size_t i = 0; i < count; i++) {
        const TarnRoaring *also = options->also_deleted != NULL ? options->also_deleted[i] : NULL;
        TarnRoaring *own = loaded != NULL ? loaded[i] : NULL;
        if (own != NULL && also != NULL && !tarn_format_roaring_or(own, also, scan->error)) {
            return false;
        }
        all[i] = own != NULL ? own : also;
    }
    scan->positions = all;
    if (options->deleted != NULL) *options->deleted = all;
    return true;
}

bool tarn_query_scan_sql(TarnQuery *query, const TarnTable *table, const TarnScanPlan *plan,
                         const TarnScanSqlOptions *options, TarnBuffer *out, TarnError *error) {
    TarnArena arena;
    TarnRoaring **loaded = NULL;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    TarnScanWriter scan = {.query = query,
                           .table = table,
                           .plan = plan,
                           .options = options,
                           .arena = &arena,
                           .out = out,
                           .error = error};
    bool ok = check_paths(&scan) &&
              tarn_query__deletes_load(query, table, plan, &arena, &loaded, error) &&
              join_positions(&scan, loaded);
    ok = ok && read_mapping(&scan) && choose_columns(&scan);
    if (ok && plan->task_count == 0) write_empty(&scan);
    ok = ok && (plan->task_count == 0 || write_parts(&scan)) && tarn_base_buffer_check(out, error);
    tarn_base_arena_dispose(&arena);
    return ok;
}
