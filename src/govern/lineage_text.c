/* A lineage graph for programs (JSON), for drawing (Graphviz dot) and for reading (a tree).
 *
 * The tree repeats what is reached on several ways only by name: below its second mention stands
 * "(above)". Indirect edges are marked, since they are the ones that surprise.
 */
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/map.h"
#include "govern/lineage.h"

static const char *kind_name(const TarnLineageEdge *edge) {
    return edge->indirect ? "indirect" : "direct";
}

static void put_name(TarnJsonWriter *out, const char *key, const char *table, const char *column) {
    char separator = '.';
    TarnBuffer name;
    tarn_base_buffer_init(&name, TARN_MIB);
    tarn_base_buffer_string(&name, table);
    if (column != NULL) {
        tarn_base_buffer_append(&name, &separator, 1);
        tarn_base_buffer_string(&name, column);
    }
    tarn_base_json_key(out, key);
    tarn_base_json_put_text(out, tarn_base_buffer_view(&name));
    tarn_base_buffer_inherit(out->out, &name);
    tarn_base_buffer_dispose(&name);
}

void tarn_govern_lineage_to_json(const TarnLineageGraph *graph, TarnJsonWriter *out) {
    tarn_base_json_object_begin(out);
    tarn_base_json_key(out, "nodes");
    tarn_base_json_array_begin(out);
    for (size_t i = 0; i < graph->node_count; i++) {
        const TarnLineageNode *node = &graph->nodes[i];
        tarn_base_json_object_begin(out);
        tarn_base_json_key(out, "name");
        tarn_base_json_put_string(out, node->name);
        tarn_base_json_key(out, "table");
        tarn_base_json_put_string(out, node->table);
        tarn_base_json_key(out, "column");
        tarn_base_json_put_string(out, node->column);
        tarn_base_json_object_end(out);
    }
    tarn_base_json_array_end(out);
    tarn_base_json_key(out, "edges");
    tarn_base_json_array_begin(out);
    for (size_t i = 0; i < graph->edge_count; i++) {
        const TarnLineageEdge *edge = &graph->edges[i];
        tarn_base_json_object_begin(out);
        put_name(out, "from", edge->from, edge->from_column);
        put_name(out, "to", edge->to, edge->to_column);
        tarn_base_json_key(out, "kind");
        tarn_base_json_put_string(out, kind_name(edge));
        tarn_base_json_key(out, "run");
        tarn_base_json_put_string(out, edge->run);
        tarn_base_json_object_end(out);
    }
    tarn_base_json_array_end(out);
    tarn_base_json_object_end(out);
}

/* --- dot --- */

static void put_quoted(TarnBuffer *out, const char *text) {
    tarn_base_buffer_byte(out, '"');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') tarn_base_buffer_byte(out, '\\');
        tarn_base_buffer_byte(out, (uint8_t)*c);
    }
    tarn_base_buffer_byte(out, '"');
}

static bool first_of_table(const TarnLineageGraph *graph, size_t index) {
    for (size_t i = 0; i < index; i++) {
        if (strcasecmp(graph->nodes[i].table, graph->nodes[index].table) == 0) return false;
    }
    return true;
}

void tarn_govern_lineage_to_dot(const TarnLineageGraph *graph, TarnBuffer *out) {
    tarn_base_buffer_string(out, "digraph lineage {\n  rankdir=LR;\n"
                                 "  node [shape=box, fontname=\"sans-serif\"];\n");
    for (size_t i = 0; i < graph->node_count; i++) {
        if (!first_of_table(graph, i)) continue;
        tarn_base_buffer_string(out, "  subgraph ");
        const char *table = graph->nodes[i].table;
        tarn_base_buffer_printf(out, "\"cluster_%zu\" {\n    label=", i);
        put_quoted(out, table);
        tarn_base_buffer_string(out, ";\n");
        for (size_t n = i; n < graph->node_count; n++) {
            const TarnLineageNode *node = &graph->nodes[n];
            if (strcasecmp(node->table, table) != 0) continue;
            tarn_base_buffer_string(out, "    ");
            put_quoted(out, node->name);
            tarn_base_buffer_string(out, " [label=");
            put_quoted(out, node->column != NULL ? node->column : "*");
            tarn_base_buffer_string(out, "];\n");
        }
        tarn_base_buffer_string(out, "  }\n");
    }
    for (size_t i = 0; i < graph->edge_count; i++) {
        const TarnLineageEdge *edge = &graph->edges[i];
        TarnBuffer name;
        tarn_base_buffer_init(&name, TARN_MIB);
        tarn_base_buffer_printf(&name, "%s%s%s", edge->from, edge->from_column != NULL ? "." : "",
                                edge->from_column != NULL ? edge->from_column : "");
        tarn_base_buffer_string(out, "  ");
        put_quoted(out, name.data != NULL ? name.data : "");
        tarn_base_buffer_inherit(out, &name);
        tarn_base_buffer_clear(&name);
        tarn_base_buffer_printf(&name, "%s%s%s", edge->to, edge->to_column != NULL ? "." : "",
                                edge->to_column != NULL ? edge->to_column : "");
        tarn_base_buffer_string(out, " -> ");
        put_quoted(out, name.data != NULL ? name.data : "");
        tarn_base_buffer_inherit(out, &name);
        tarn_base_buffer_string(out, edge->indirect ? " [style=dashed];\n" : ";\n");
        tarn_base_buffer_dispose(&name);
    }
    tarn_base_buffer_string(out, "}\n");
}

/* --- tree --- */

typedef struct Tree {
    const TarnLineageGraph *graph;
    TarnArena *arena;
    TarnBuffer *out;
    bool up;
    TarnMap shown;
} Tree;

static bool same_column(const char *a, const char *b) {
    if (a == NULL || b == NULL) return a == b;
    return strcasecmp(a, b) == 0;
}

static void put_children(Tree *tree, const char *table, const char *column, bool whole,
                         int depth) {
    if (depth > TARN_LIMIT_NESTING) return; /* levels are limited; circles end by `shown` */
    for (size_t i = 0; i < tree->graph->edge_count; i++) {
        const TarnLineageEdge *edge = &tree->graph->edges[i];
        const char *near_table = tree->up ? edge->to : edge->from;
        const char *near_column = tree->up ? edge->to_column : edge->from_column;
        const char *far_table = tree->up ? edge->from : edge->to;
        const char *far_column = tree->up ? edge->from_column : edge->to_column;
        if (strcasecmp(near_table, table) != 0) continue;
        if (!whole && !same_column(near_column, column)) continue;
        tarn_base_buffer_printf(tree->out, "%*s%s ", depth * 2, "", tree->up ? "<-" : "->");
        if (whole && near_column != NULL) tarn_base_buffer_printf(tree->out, "[%s] ", near_column);
        tarn_base_buffer_printf(tree->out, "%s%s%s%s", far_table, far_column != NULL ? "." : "",
                                far_column != NULL ? far_column : "",
                                edge->indirect ? " (indirect)" : "");
        const char *key = tarn_base_arena_printf(tree->arena, "%d %s.%s", tree->up, far_table,
                                                 far_column != NULL ? far_column : "");
        if (key == NULL) return;
        bool again = tarn_base_map_has(&tree->shown, tarn_base_text(key));
        tarn_base_map_put(&tree->shown, tarn_base_text(key), tree);
        bool deeper = false;
        for (size_t n = 0; n < tree->graph->edge_count && !deeper; n++) {
            const TarnLineageEdge *next = &tree->graph->edges[n];
            deeper = strcasecmp(tree->up ? next->to : next->from, far_table) == 0 &&
                     same_column(tree->up ? next->to_column : next->from_column, far_column);
        }
        tarn_base_buffer_string(tree->out, again && deeper ? " (above)\n" : "\n");
        if (!again) put_children(tree, far_table, far_column, false, depth + 1);
    }
}

bool tarn_govern_lineage_to_text(const TarnLineageGraph *graph, TarnArena *arena, TarnBuffer *out,
                                 TarnError *error) {
    Tree tree = {.graph = graph, .arena = arena, .out = out};
    const TarnLineageNode *root = &graph->nodes[0];
    tarn_base_map_init(&tree.shown, arena);
    tarn_base_buffer_printf(out, "%s\n", root->name);
    if (graph->edge_count == 0) tarn_base_buffer_string(out, "  no lineage is recorded\n");
    for (int up = 1; up >= 0; up--) {
        tree.up = up != 0;
        put_children(&tree, root->table, root->column, root->column == NULL, 1);
    }
    return tarn_base_buffer_check(out, error) && tarn_base_arena_check(arena, error);
}
