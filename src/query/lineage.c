/* Lineage edges of a SELECT, out of its bound plan. Tables of the plan have the engine's names:
 * zone, schema and table; a table read as of another time has its alias, which begins with its
 * name. Table functions and values have no edges.
 */
#include <string.h>
#include <strings.h>

#include "query/dml_private.h"

static const char *table_text(const TarnPlanTable *table, const TarnScanStats *scans,
                              size_t scan_count, TarnArena *arena) {
    bool main = strcmp(table->schema, "main") == 0;
    const char *ns = main ? table->catalog
                          : tarn_base_arena_printf(arena, "%s.%s", table->catalog, table->schema);
    TarnTableName name = {ns, table->name};
    if (ns == NULL) return NULL;
    for (size_t i = 0; i < scan_count; i++) {
        /* the catalog's own case, and the table behind "flights@3" */
        size_t size = strlen(scans[i].table.name);
        if (strcasecmp(scans[i].table.ns, ns) != 0 ||
            strncasecmp(scans[i].table.name, table->name, size) != 0) {
            continue;
        }
        size_t kind = strlen(tarn_query__changes_kind);
        const char *rest = table->name + size; /* or "flights$changes": rows of the table too */
        if (*rest == '$' && strncasecmp(rest + 1, tarn_query__changes_kind, kind) == 0) {
            rest += kind + 1;
        }
        bool same = *rest == '\0' || *rest == '@';
        if (same) return tarn_catalog_name_text(scans[i].table, arena);
    }
    return tarn_catalog_name_text(name, arena);
}

bool tarn_query_lineage_edges(const TarnBoundPlan *plan, const TarnScanStats *scans,
                              size_t scan_count, TarnArena *arena, TarnLineageEdge **edges,
                              size_t *count, TarnError *error) {
    size_t total = 0;
    for (size_t i = 0; i < plan->output_count; i++) total += plan->outputs[i].source_count;
    const char **names = TARN_NEW_ARRAY(arena, plan->table_count + 1, const char *);
    bool *seen = TARN_NEW_ARRAY(arena, plan->table_count + 1, bool);
    *edges = TARN_NEW_ARRAY(arena, total + plan->table_count + 1, TarnLineageEdge);
    *count = 0;
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < plan->table_count; i++) {
        if (plan->tables[i].columns == NULL) continue; /* a table function: no table of the lake */
        names[i] = table_text(&plan->tables[i], scans, scan_count, arena);
    }
    for (size_t i = 0; i < plan->output_count; i++) {
        const TarnPlanOutput *output = &plan->outputs[i];
        for (size_t s = 0; s < output->source_count; s++) {
            const TarnLineageSource *source = &output->sources[s];
            const TarnPlanTable *table = &plan->tables[source->table];
            if (names[source->table] == NULL) continue;
            seen[source->table] = true;
            (*edges)[(*count)++] =
                (TarnLineageEdge){.from = names[source->table],
                                  .from_column = table->columns->fields[source->column].name,
                                  .to_column = output->name,
                                  .indirect = source->kind == TARN_LINEAGE_INDIRECT};
        }
    }
    /* Read for its rows alone (count(*)): the table as a whole. */
    for (size_t i = 0; i < plan->table_count; i++) {
        if (names[i] == NULL || seen[i]) continue;
        (*edges)[(*count)++] = (TarnLineageEdge){.from = names[i], .indirect = true};
    }
    return tarn_base_arena_check(arena, error);
}

/* --- statements that change rows --- */

/* What decides about the rows that go: an output of no name, for the table as a whole. */
static bool deciding_output(const TarnBoundPlan *plan, TarnArena *arena, TarnPlanOutput *output,
                            TarnError *error) {
    const TarnPlanOutput *action = &plan->outputs[0];
    *output = *action;
    output->name = NULL;
    output->sources = TARN_NEW_ARRAY(arena, action->source_count + 1, TarnLineageSource);
    if (output->sources == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < action->source_count; i++) {
        output->sources[i] = action->sources[i];
        output->sources[i].kind = TARN_LINEAGE_INDIRECT;
    }
    return true;
}

/* Of a column to itself, of the table to itself, or of a place of a row. */
static bool is_own(const TarnLineageEdge *edge, const char *table, const TarnSchema *schema) {
    if (strcmp(edge->from, table) != 0) return false;
    return edge->to_column == NULL || edge->from_column == NULL ||
           strcmp(edge->from_column, edge->to_column) == 0 ||
           tarn_query__find_field(schema, tarn_base_text(edge->from_column)) == NULL;
}

bool tarn_query__dml_lineage(const TarnPrepared *prepared, const TarnDmlSql *sql,
                             const TarnTable *table, const TarnSchema *schema,
                             TarnLineageEdge **edges, size_t *count, TarnError *error) {
    const TarnBoundPlan *plan = prepared->plan;
    TarnArena *arena = prepared->arena;
    TarnBoundPlan given = *plan;
    const char *name = tarn_catalog_name_text(table->name, arena);
    size_t all = 0;
    given.output_count = 0;
    given.outputs = TARN_NEW_ARRAY(arena, schema->field_count + 2, TarnPlanOutput);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < schema->field_count; i++) {
        size_t from = sql->first_column + i;
        if (!sql->assigned[i] || from >= plan->output_count) continue;
        given.outputs[given.output_count] = plan->outputs[from];
        given.outputs[given.output_count++].name = schema->fields[i].name;
    }
    if (sql->deletes &&
        !deciding_output(plan, arena, &given.outputs[given.output_count++], error)) {
        return false;
    }
    if (!tarn_query_lineage_edges(&given, prepared->scans, prepared->scan_count, arena, edges,
                                  &all, error)) {
        return false;
    }
    *count = 0;
    for (size_t i = 0; i < all; i++) {
        if (!is_own(&(*edges)[i], name, schema)) (*edges)[(*count)++] = (*edges)[i];
    }
    return true;
}
