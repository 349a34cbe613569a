/* From a SELECT's text to an engine that can run it.
 *
 * The tables it refers to become empty tables of the engine; bound against them the plan tells
 * what is read of each; with that the files are pruned, and each empty table gives way to a view
 * over the files that are left. Views of the lake become views of the engine, their tables
 * prepared the same way.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "query/changes_private.h"
#include "query/scan_private.h"
#include "query/transaction_private.h"

/* Views that refer to views; deeper is a circle or a mistake. */
#define VIEW_DEPTH_MAX 16

/* --- names in the engine --- */

void tarn_query__engine_name(const TarnReference *reference, TarnBuffer *out) {
    tarn_base_buffer_identifier(out, tarn_base_text(reference->catalog));
    tarn_base_buffer_byte(out, '.');
    tarn_base_buffer_identifier(out, tarn_base_text(reference->schema));
    tarn_base_buffer_byte(out, '.');
    tarn_base_buffer_identifier(out, tarn_base_text(reference->table));
}

bool tarn_query__reference_of(TarnTableName name, TarnArena *arena, TarnReference *reference,
                              TarnError *error) {
    TarnText rest;
    TarnText zone = tarn_base_text_split(tarn_base_text(name.ns), '.', &rest);
    *reference = (TarnReference){.name = name, .table = name.name};
    reference->catalog = tarn_base_text_string(arena, zone);
    reference->schema = rest.data != NULL ? tarn_base_text_string(arena, rest) : "main";
    return tarn_base_arena_check(arena, error);
}

bool tarn_query__run_script(TarnQuery *query, TarnBuffer *sql, TarnError *error) {
    return tarn_base_buffer_check(sql, error) &&
           tarn_engine_run(query->session, tarn_base_buffer_view(sql), NULL, error);
}

static void write_schema(const TarnReference *reference, TarnBuffer *sql) {
    if (strcmp(reference->schema, "main") == 0) return; /* every database of the engine has it */
    tarn_base_buffer_string(sql, "CREATE SCHEMA IF NOT EXISTS ");
    tarn_base_buffer_identifier(sql, tarn_base_text(reference->catalog));
    tarn_base_buffer_byte(sql, '.');
    tarn_base_buffer_identifier(sql, tarn_base_text(reference->schema));
    tarn_base_buffer_string(sql, "; ");
}

static bool drop_kind(TarnQuery *query, const TarnReference *reference, const char *kind,
                      TarnError *error) {
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, 65536);
    tarn_base_buffer_printf(&sql, "DROP %s IF EXISTS ", kind);
    tarn_query__engine_name(reference, &sql);
    bool ok = tarn_query__run_script(query, &sql, error);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

/* What an earlier statement left under the name: a view, or a table if it failed half-way. DuckDB's
 * IF EXISTS is of one kind only: the other kind is an error, as is a schema that is not there. */
static bool drop_old(TarnQuery *query, const TarnReference *reference, TarnError *error) {
    TarnError first = {0};
    if (drop_kind(query, reference, "VIEW", &first)) return true;
    if (drop_kind(query, reference, "TABLE", error)) return true;
    *error = first;
    return first.code == TARN_E_SQL_BIND || first.code == TARN_E_SQL_EXECUTION;
}

/* --- errors --- */

static bool fail_at(TarnPrepared *prepared, size_t offset, TarnError *error) {
    TarnError told = *error;
    tarn_query__error_at(prepared->rewritten.sql, offset, told.code, error, "%s", told.message);
    if (told.hint[0] != '\0') tarn_base_error_hint(error, "%s", told.hint);
    tarn_query__error_back(&prepared->rewritten, error);
    return false;
}

static bool fail_back(TarnPrepared *prepared, TarnError *error) {
    tarn_query__error_back(&prepared->rewritten, error);
    return false;
}

/* --- binding one reference --- */

static const TarnTravel *travel_of(const TarnPrepared *prepared, const TarnReference *reference) {
    for (size_t i = 0; i < prepared->rewritten.travels.count; i++) {
        const TarnTravel *travel = &prepared->rewritten.travels.items[i];
        if (strcmp(travel->alias, reference->table) == 0) return travel;
    }
    return NULL;
}

static bool choose_snapshot(TarnPrepared *prepared, const TarnTravel *travel,
                            const TarnTable *table, const TarnSnapshot **snapshot, bool *now,
                            TarnError *error) {
    TarnText wanted = {NULL, 0};
    if (travel != NULL) wanted = travel->version.data != NULL ? travel->version : travel->time;
    return tarn_query__read_snapshot(table, wanted, prepared->run, snapshot, now, error);
}

static bool make_shadow(TarnPrepared *prepared, const TarnBinding *binding, TarnError *error) {
    TarnBuffer sql;
    if (!drop_old(prepared->query, binding->reference, error)) return false;
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    write_schema(binding->reference, &sql);
    tarn_base_buffer_string(&sql, "CREATE TABLE ");
    tarn_query__engine_name(binding->reference, &sql);
    tarn_base_buffer_byte(&sql, '(');
    for (size_t i = 0; i < binding->schema->field_count; i++) {
        const TarnField *field = &binding->schema->fields[i];
        if (i > 0) tarn_base_buffer_string(&sql, ", ");
        tarn_base_buffer_identifier(&sql, tarn_base_text(field->name));
        tarn_base_buffer_byte(&sql, ' ');
        tarn_table_type_to_sql(&field->type, &sql);
    }
    tarn_base_buffer_byte(&sql, ')');
    bool ok = tarn_query__run_script(prepared->query, &sql, error);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

static bool bind_references(TarnPrepared *prepared, const TarnReferences *references,
                            TarnError *error);

static bool bind_view(TarnPrepared *prepared, const TarnReference *reference,
                      const TarnView *view, TarnError *error) {
    TarnReferences inner;
    TarnJson *tree = NULL;
    TarnBuffer sql;
    TarnQuery *query = prepared->query;
    if (prepared->depth >= VIEW_DEPTH_MAX) {
        return tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                                   "the view \"%s.%s\" refers to views more than %d deep",
                                   view->name.ns, view->name.name, VIEW_DEPTH_MAX);
    }
    if (view->sql == NULL) {
        tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                            "the view \"%s.%s\" has no SQL of the dialect \"" TARN_VIEW_DIALECT
                            "\"",
                            view->name.ns, view->name.name);
        return tarn_base_error_hint(error, "add it: ALTER VIEW %s.%s ADD DIALECT "
                                           TARN_VIEW_DIALECT " AS SELECT ..",
                                    view->name.ns, view->name.name);
    }
    prepared->depth++;
    TarnText text = tarn_base_text(view->sql);
    TarnTextEdit *edits = NULL;
    size_t edit_count = 0;
    bool ok = tarn_engine_parse(query->session, text, prepared->arena, &tree, error) &&
              tarn_query__row_ids_find(prepared, text, tree, &edits, &edit_count, error);
    if (ok && edit_count > 0) {
        ok = tarn_query__text_edit(text, edits, edit_count, prepared->arena, &text, error) &&
             tarn_engine_parse(query->session, text, prepared->arena, &tree, error);
    }
    ok = ok && tarn_query__footprint(text, tree, prepared->arena, &inner, error) &&
              bind_references(prepared, &inner, error) && drop_old(query, reference, error);
    prepared->depth--;
    if (!ok) {
        error->line = 0; /* the place is in the view's text, not in the statement's */
        return tarn_base_error_context(error, "in the view \"%s.%s\"", view->name.ns,
                                       view->name.name);
    }
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    write_schema(reference, &sql);
    tarn_base_buffer_string(&sql, "CREATE VIEW ");
    tarn_query__engine_name(reference, &sql);
    tarn_base_buffer_string(&sql, " AS ");
    tarn_base_buffer_text(&sql, text);
    ok = tarn_query__run_script(query, &sql, error);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

/* Columns that only a scan has are fields too, so that the plan can be read; no file knows their
 * ids, so no metrics speak of them. */
static bool add_columns(TarnPrepared *prepared, const TarnSchema *schema, const char *const *names,
                        size_t count, TarnSchema *wider, TarnError *error) {
    *wider = *schema;
    wider->fields = TARN_NEW_ARRAY(prepared->arena, schema->field_count + count, TarnField);
    if (!tarn_base_arena_check(prepared->arena, error)) return false;
    if (schema->field_count > 0) {
        memcpy(wider->fields, schema->fields, schema->field_count * sizeof(TarnField));
    }
    for (size_t i = 0; i < count; i++) {
        wider->fields[wider->field_count++] =
            (TarnField){.id = INT32_MAX - (int32_t)i,
                        .name = names[i],
                        .type = {.primitive = {.kind = TARN_TYPE_LONG}}};
    }
    return true;
}

static bool bind_changes(TarnPrepared *prepared, TarnBinding *binding, const TarnTravel *travel,
                         TarnError *error) {
    TarnSchema *wider = TARN_NEW(prepared->arena, TarnSchema);
    if (wider == NULL) return tarn_base_arena_check(prepared->arena, error);
    binding->changes = true;
    binding->schema = wider;
    if (travel != NULL && travel->from.data != NULL &&
        !tarn_query__range_start(binding->table, travel->from, travel->from_time, &binding->from,
                                 &binding->from_beginning, error)) {
        return false;
    }
    return tarn_query__changes_columns(binding->table, binding->columns, prepared->arena, wider,
                                       error) &&
           make_shadow(prepared, binding, error);
}

static bool bind_table(TarnPrepared *prepared, const TarnReference *reference,
                       const TarnTable *table, const TarnTravel *travel, const char *kind,
                       TarnError *error) {
    TarnBinding *binding = TARN_PUSH(prepared->arena, &prepared->bindings);
    if (binding == NULL) {
        tarn_catalog_table_release(table);
        return tarn_base_arena_check(prepared->arena, error);
    }
    *binding = (TarnBinding){.reference = reference, .table = table};
    bool now = true;
    if (!choose_snapshot(prepared, travel, table, &binding->snapshot, &now, error)) return false;
    bool changes = kind == tarn_query__changes_kind;
    if (travel != NULL && travel->from.data != NULL && !changes) {
        return tarn_base_error_set(error, TARN_E_SQL_UNSUPPORTED,
                                   "FROM .. TO is of the changes of a table: \"%s$changes\"",
                                   table->name.name);
    }
    if (kind != NULL && !changes) {
        return drop_old(prepared->query, reference, error) &&
               tarn_query__metadata_fill(prepared->query, reference, kind, table,
                                         binding->snapshot, error);
    }
    /* Time travel reads with the schema of its time, also of the newest snapshot: the answer must
     * not change when there is a newer one. A branch is read with the table's current schema. */
    const TarnSchema *own =
        !now && binding->snapshot != NULL && binding->snapshot->schema_id >= 0
            ? tarn_table_metadata_schema(table->metadata, binding->snapshot->schema_id)
            : NULL;
    binding->schema = own != NULL ? own : tarn_table_metadata_current_schema(table->metadata);
    binding->columns = binding->schema;
    if (changes) return bind_changes(prepared, binding, travel, error);
    if (travel != NULL && travel->row_ids) {
        static const char *const names[] = {TARN_SCAN_ROW_ID, TARN_SCAN_LAST_UPDATED};
        TarnSchema *wider = TARN_NEW(prepared->arena, TarnSchema);
        if (wider == NULL) return tarn_base_arena_check(prepared->arena, error);
        if (!add_columns(prepared, binding->columns, names, 2, wider, error)) return false;
        binding->schema = wider;
        binding->row_ids = true;
    }
    return make_shadow(prepared, binding, error);
}

static bool bind_target(TarnPrepared *prepared, const TarnReference *reference,
                        TarnError *error) {
    static const char *const names[] = {TARN_SCAN_FILE, TARN_SCAN_POSITION, TARN_SCAN_ROW_ID,
                                        TARN_SCAN_LAST_UPDATED};
    TarnTarget *target = prepared->target;
    TarnBinding *binding = TARN_PUSH(prepared->arena, &prepared->bindings);
    if (binding == NULL) return tarn_base_arena_check(prepared->arena, error);
    if (!add_columns(prepared, target->schema, names, target->lineage ? 4 : 2, &target->bound,
                     error)) {
        return false;
    }
    *binding = (TarnBinding){.reference = reference,
                             .table = tarn_catalog_table_acquire(target->table),
                             .snapshot = target->snapshot,
                             .schema = &target->bound,
                             .columns = target->schema};
    return make_shadow(prepared, binding, error);
}

static bool is_target(const TarnPrepared *prepared, const TarnReference *reference) {
    return prepared->target != NULL &&
           tarn_catalog_name_equal(reference->name, prepared->target->reference->name);
}

static bool bind_reference(TarnPrepared *prepared, const TarnReference *reference,
                           TarnError *error) {
    TarnCatalog *catalog = prepared->query->catalog;
    const TarnTravel *travel = travel_of(prepared, reference);
    TarnTableName name = travel != NULL ? travel->name : reference->name;
    const TarnTable *table = NULL;
    TarnView *view = NULL;
    const char *kind = NULL;
    const char *base_name = NULL;
    for (size_t i = 0; i < prepared->bindings.count; i++) {
        const TarnReference *bound = prepared->bindings.items[i].reference;
        if (tarn_catalog_name_equal(bound->name, reference->name)) return true;
    }
    if (tarn_catalog_zone(catalog, tarn_catalog_name_zone(name)) == NULL) {
        TarnText zone = tarn_catalog_name_zone(name);
        tarn_base_error_set(error, TARN_E_ZONE_NOT_FOUND, "zone \"%.*s\" does not exist",
                            TARN_TEXT_ARG(zone));
        return tarn_base_error_hint(error, "see the zones with: tarn ls");
    }
    if (is_target(prepared, reference)) return bind_target(prepared, reference, error);
    if (!tarn_query__table_find(prepared->query, name, &table, error)) return false;
    if (table != NULL) return bind_table(prepared, reference, table, travel, NULL, error);
    if (!tarn_catalog_view_find(catalog, name, prepared->arena, &view, error)) return false;
    if (view != NULL) return bind_view(prepared, reference, view, error);
    if (tarn_query__metadata_name(name.name, prepared->arena, &base_name, &kind)) {
        TarnTableName base = {name.ns, base_name};
        if (!tarn_query__table_load(prepared->query, base, &table, error)) return false;
        return bind_table(prepared, reference, table, travel, kind, error);
    }
    return tarn_query__table_load(prepared->query, name, &table, error); /* says what is near */
}

static bool bind_references(TarnPrepared *prepared, const TarnReferences *references,
                            TarnError *error) {
    for (size_t i = 0; i < references->count; i++) {
        if (!bind_reference(prepared, &references->items[i], error)) {
            return prepared->depth > 0 ? false
                                       : fail_at(prepared, references->items[i].offset, error);
        }
    }
    return true;
}

/* --- planning --- */

static const TarnBinding *binding_of(const TarnPrepared *prepared, const char *catalog,
                                     const char *schema, const char *name) {
    for (size_t i = 0; i < prepared->bindings.count; i++) {
        const TarnBinding *binding = &prepared->bindings.items[i];
        if (strcasecmp(binding->reference->catalog, catalog) == 0 &&
            strcasecmp(binding->reference->schema, schema) == 0 &&
            strcasecmp(binding->reference->table, name) == 0) {
            return binding;
        }
    }
    return NULL;
}

static const TarnSchema *resolve_schema(void *state, const char *catalog, const char *schema,
                                        const char *name) {
    const TarnBinding *binding = binding_of(state, catalog, schema, name);
    return binding != NULL ? binding->schema : NULL;
}

/* What holds for every place the table is read at: the OR of their filters. */
static const TarnPredicate *filter_of(const TarnPrepared *prepared, const TarnBinding *binding) {
    const TarnPredicate **parts =
        TARN_NEW_ARRAY(prepared->arena, prepared->plan->table_count + 1, const TarnPredicate *);
    size_t count = 0;
    for (size_t i = 0; parts != NULL && i < prepared->plan->table_count; i++) {
        const TarnPlanTable *table = &prepared->plan->tables[i];
        if (binding_of(prepared, table->catalog, table->schema, table->name) == binding) {
            parts[count++] = table->filter;
        }
    }
    if (count == 0) return tarn_table_predicate_constant(TARN_PREDICATE_TRUE);
    return count == 1 ? parts[0] : tarn_table_predicate_or(parts, count, prepared->arena);
}

static const char *filter_text(TarnPrepared *prepared, const TarnPredicate *filter,
                               const TarnSchema *schema) {
    TarnBuffer text;
    if (filter->kind == TARN_PREDICATE_TRUE) return "";
    tarn_base_buffer_init(&text, 65536);
    tarn_table_predicate_to_text(filter, schema, &text);
    const char *copy = tarn_base_buffer_keep(&text, prepared->arena);
    tarn_base_buffer_dispose(&text);
    return copy;
}

/* DuckDB binds a statement again when it runs it, and reads the files' footers each time unless it
 * keeps them. Those of few files it may; it thinks them much smaller in memory than they are. */
#define FOOTERS_KEPT_MAX 64

static bool keep_footers(TarnQuery *query, bool keep, TarnError *error) {
    if (query->keeps_footers == keep) return true;
    query->keeps_footers = keep;
    return tarn_engine_session_set(query->session, "parquet_metadata_cache",
                                   keep ? "true" : "false", error);
}

/* "DROP TABLE ..; CREATE VIEW .. AS ", to be followed by what the view selects. */
static void begin_view(const TarnBinding *binding, TarnBuffer *sql) {
    tarn_base_buffer_init(sql, 16 * TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(sql, "DROP TABLE ");
    tarn_query__engine_name(binding->reference, sql);
    tarn_base_buffer_string(sql, "; CREATE VIEW ");
    tarn_query__engine_name(binding->reference, sql);
    tarn_base_buffer_string(sql, " AS ");
}

static bool place_view(TarnPrepared *prepared, const TarnBinding *binding,
                       const TarnScanPlan *plan, TarnError *error) {
    TarnBuffer sql;
    begin_view(binding, &sql);
    TarnScanSqlOptions options = {.schema = binding->columns, .lineage = binding->row_ids};
    if (is_target(prepared, binding->reference)) {
        options = (TarnScanSqlOptions){.schema = prepared->target->schema,
                                       .places = true,
                                       .lineage = prepared->target->lineage,
                                       .deleted = &prepared->target->deleted,
                                       .arena = prepared->arena};
    }
    bool ok = tarn_query_scan_sql(prepared->query, binding->table, plan, &options, &sql, error) &&
              tarn_query__run_script(prepared->query, &sql, error);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

/* Metadata that cannot be read: whose it is, and what can be done. */
static bool fail_planning(const TarnBinding *binding, TarnError *error) {
    TarnTableName name = binding->table->name;
    bool damaged = error->code == TARN_E_OBJECT_NOT_FOUND || error->code == TARN_E_FORMAT_CORRUPT;
    if (binding->snapshot == NULL) return false;
    tarn_base_error_context(error, "while reading the metadata of \"%s.%s\" at snapshot %" PRId64,
                            name.ns, name.name, binding->snapshot->id);
    if (damaged && error->hint[0] == '\0') {
        tarn_base_error_hint(error, "bring the file back from a backup or from an older version "
                                    "in the bucket; without it: tarn table rollback %s.%s to a "
                                    "snapshot before %" PRId64,
                             name.ns, name.name, binding->snapshot->id);
    }
    return false;
}

static bool place_changes(TarnPrepared *prepared, const TarnBinding *binding,
                          const TarnPredicate *bound, TarnScanStats *stats, TarnError *error) {
    TarnChangesInput input = {.table = binding->table,
                              .range = {.from = binding->from,
                                        .to = binding->snapshot,
                                        .from_beginning = binding->from_beginning},
                              .columns = binding->columns,
                              .predicate = bound,
                              .row_ids = binding->table->metadata->format_version >= 3};
    TarnBuffer sql;
    begin_view(binding, &sql);
    for (size_t i = 0; i < binding->columns->field_count; i++) {
        const char *name = binding->columns->fields[i].name;
        bool taken = strcasecmp(name, TARN_SCAN_ROW_ID) == 0 ||
                     strcasecmp(name, TARN_SCAN_LAST_UPDATED) == 0;
        if (taken) input.row_ids = false;
    }
    bool ok = tarn_query__changes_sql(prepared->query, &input, prepared->arena, &sql, stats,
                                      error);
    prepared->files += (size_t)stats->files;
    ok = ok && keep_footers(prepared->query, prepared->files <= FOOTERS_KEPT_MAX, error) &&
         tarn_query__run_script(prepared->query, &sql, error);
    tarn_base_buffer_dispose(&sql);
    return ok;
}

static bool place_scan(TarnPrepared *prepared, const TarnBinding *binding,
                       const TarnPredicate *bound, TarnScanStats *stats, TarnError *error) {
    TarnScanPlan *plan = NULL;
    TarnScanOptions options = {.store = binding->table->store,
                               .cache = tarn_catalog_manifest_cache(prepared->query->catalog),
                               .metadata = binding->table->metadata};
    if (!tarn_table_scan_plan(&options, binding->snapshot, bound, prepared->arena, &plan, error)) {
        return fail_planning(binding, error);
    }
    *stats = (TarnScanStats){.table = binding->table->name,
                             .snapshot_id = plan->snapshot_id,
                             .files_total = plan->files_total,
                             .files = (int64_t)plan->task_count,
                             .bytes = plan->bytes,
                             .rows = plan->rows};
    prepared->files += plan->task_count;
    bool ok = keep_footers(prepared->query, prepared->files <= FOOTERS_KEPT_MAX, error) &&
              place_view(prepared, binding, plan, error);
    if (is_target(prepared, binding->reference)) {
        prepared->target->plan = plan;
        prepared->target->filter = bound;
    } else {
        tarn_table_scan_plan_dispose(plan);
    }
    return ok;
}

static bool plan_table(TarnPrepared *prepared, const TarnBinding *binding, TarnError *error) {
    const TarnPredicate *bound = NULL;
    const TarnPredicate *filter = filter_of(prepared, binding);
    if (filter == NULL) return tarn_base_arena_check(prepared->arena, error);
    if (!tarn_table_predicate_bind(filter, binding->schema, prepared->arena, &bound, error)) {
        return false;
    }
    TarnScanStats *stats = &prepared->scans[prepared->scan_count];
    prepared->filters[prepared->scan_count++] = filter_text(prepared, bound, binding->schema);
    return (binding->changes ? place_changes : place_scan)(prepared, binding, bound, stats, error);
}

static bool plan_tables(TarnPrepared *prepared, TarnError *error) {
    size_t count = prepared->bindings.count;
    prepared->scans = TARN_NEW_ARRAY(prepared->arena, count + 1, TarnScanStats);
    prepared->filters = TARN_NEW_ARRAY(prepared->arena, count + 1, const char *);
    if (!tarn_base_arena_check(prepared->arena, error)) return false;
    for (size_t i = 0; i < count; i++) {
        const TarnBinding *binding = &prepared->bindings.items[i];
        if (binding->schema == NULL || plan_table(prepared, binding, error)) continue;
        /* A range that is none is told only when it is walked. */
        bool is_range = binding->changes && error->code == TARN_E_SNAPSHOT_NOT_FOUND;
        return is_range ? fail_at(prepared, binding->reference->offset, error) : false;
    }
    return true;
}

static bool bind_plan(TarnPrepared *prepared, TarnError *error) {
    TarnJson *plan = NULL;
    TarnBoundPlan *bound = NULL;
    if (!tarn_engine_plan(prepared->query->session, prepared->rewritten.sql, prepared->arena,
                          &plan, error)) {
        return fail_back(prepared, error);
    }
    if (!tarn_query_bound_plan_read(plan, resolve_schema, prepared, NULL, 0, prepared->arena,
                                    &bound, error)) {
        return false;
    }
    prepared->plan = bound;
    return true;
}

/* The syntax tree of the text that the engine will run. */
static bool parse_select(TarnPrepared *prepared, TarnJson **tree, TarnError *error) {
    TarnRewritten *rewritten = &prepared->rewritten;
    TarnEngineSession *session = prepared->query->session;
    TarnTextEdit *edits = NULL;
    size_t count = 0;
    if (!tarn_engine_parse(session, rewritten->sql, prepared->arena, tree, error) ||
        !tarn_query__row_ids_find(prepared, rewritten->sql, *tree, &edits, &count, error)) {
        return false;
    }
    if (count == 0) return true;
    return tarn_query__rewrite_more(rewritten, edits, count, prepared->arena, error) &&
           tarn_engine_parse(session, rewritten->sql, prepared->arena, tree, error);
}

bool tarn_query__prepare(TarnQuery *query, TarnText text, const TarnRunOptions *run,
                         TarnArena *arena, TarnPrepared *prepared, TarnError *error) {
    return tarn_query__prepare_target(query, text, run, NULL, arena, prepared, error);
}

/* The tables the statement names, all as they are at one moment. */
static bool bind_tables(TarnPrepared *prepared, TarnError *error) {
    TarnReferences *references = TARN_NEW(prepared->arena, TarnReferences);
    TarnJson *tree = NULL;
    if (references == NULL) return tarn_base_arena_check(prepared->arena, error);
    if (!parse_select(prepared, &tree, error) ||
        !tarn_query__footprint(prepared->rewritten.sql, tree, prepared->arena, references,
                               error)) {
        return fail_back(prepared, error);
    }
    /* Parsing has ended the statement before. */
    tarn_query__file_lists_clear(prepared->query->file_lists);
    return bind_references(prepared, references, error);
}

bool tarn_query__prepare_target(TarnQuery *query, TarnText text, const TarnRunOptions *run,
                                TarnTarget *target, TarnArena *arena, TarnPrepared *prepared,
                                TarnError *error) {
    *prepared = (TarnPrepared){.query = query, .arena = arena, .run = run, .target = target};
    if (!tarn_query__rewrite(text, arena, &prepared->rewritten, error)) return false;
    if (!tarn_catalog_read_begin(query->catalog, error)) return false;
    bool bound = bind_tables(prepared, error);
    tarn_catalog_read_end(query->catalog);
    if (bound && bind_plan(prepared, error) && plan_tables(prepared, error)) {
        return true;
    }
    tarn_query__prepared_release(prepared);
    return false;
}

void tarn_query__prepared_release(TarnPrepared *prepared) {
    for (size_t i = 0; i < prepared->bindings.count; i++) {
        tarn_catalog_table_release(prepared->bindings.items[i].table);
    }
    prepared->bindings.count = 0;
    if (prepared->target == NULL) return;
    tarn_table_scan_plan_dispose(prepared->target->plan);
    prepared->target->plan = NULL;
}

/* --- output columns --- */

bool tarn_query__prepared_schema(TarnPrepared *prepared, TarnSchema *schema, TarnError *error) {
    TarnEngineResult *rows = NULL;
    TarnBuffer sql;
    int32_t next_id = 1;
    /* A derived table gives columns of the same name names of their own. */
    tarn_base_buffer_init(&sql, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_string(&sql, "SELECT * FROM (\n");
    tarn_base_buffer_text(&sql, prepared->rewritten.sql);
    tarn_base_buffer_string(&sql, "\n)");
    bool ok = tarn_base_buffer_check(&sql, error) &&
              tarn_engine_describe(prepared->query->session, tarn_base_buffer_view(&sql), &rows,
                                   error);
    tarn_base_buffer_dispose(&sql);
    if (!ok) return false;
    uint32_t count = tarn_engine_result_column_count(rows);
    *schema = (TarnSchema){.field_count = count};
    schema->fields = TARN_NEW_ARRAY(prepared->arena, count + 1, TarnField);
    ok = tarn_base_arena_check(prepared->arena, error);
    for (uint32_t i = 0; ok && i < count; i++) {
        TarnBuffer type;
        TarnField *field = &schema->fields[i];
        tarn_base_buffer_init(&type, TARN_MIB);
        tarn_engine_type_write(tarn_engine_result_column_type(rows, i), &type);
        field->id = next_id++;
        field->name =
            tarn_base_arena_string(prepared->arena, tarn_engine_result_column_name(rows, i));
        ok = tarn_table_type_from_sql(tarn_base_buffer_view(&type), &next_id, prepared->arena,
                                      &field->type, error);
        tarn_base_buffer_dispose(&type);
        if (!ok) tarn_base_error_context(error, "for the column \"%s\"", field->name);
    }
    tarn_engine_result_free(rows);
    if (!ok) return false;
    int32_t last_id = 0;
    tarn_table_schema_assign_ids(schema, &last_id);
    return tarn_base_arena_check(prepared->arena, error);
}
