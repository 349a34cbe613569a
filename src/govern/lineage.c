/* Lineage in the metadata database: one row an edge, replaced per target, and walks over it.
 *
 * A walk goes level by level: the edges into (or out of) all columns of one level, then those of
 * the next, until the levels asked for are used up or nothing new turns up. Circles end by
 * themselves, since a node is expanded once. Both directions start from the asked-for node and do
 * not mix: what else an input feeds is not part of where a table comes from.
 */
#include "govern/lineage.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "catalog/dropped.h"

const char tarn_govern_schema_sql[] =
    "create table tarn_lineage ("
    "  target text not null, target_column text not null,"
    "  source text not null, source_column text not null,"
    "  indirect bigint not null, run text, written_at_ms bigint not null,"
    "  primary key (target, target_column, source, source_column));"
    "create index tarn_lineage_source on tarn_lineage (source, source_column);";

typedef struct Walk {
    TarnDb *db;
    TarnArena *arena;
    TarnLineageGraph *graph;
    TarnMap nodes; /* lower-case node name -> TarnLineageNode index + 1 */
    TarnMap edges; /* seen */
    bool up;
    TarnError *error;
} Walk;

typedef struct Names {
    const TarnLineageNode **items;
    size_t count;
    size_t capacity;
} Names;

/* --- writing --- */

static const char *or_empty(const char *text) { return text != NULL ? text : ""; }

bool tarn_govern_lineage_forget(TarnDb *db, TarnTableName target, TarnError *error) {
    TarnArena arena;
    tarn_base_arena_init(&arena, TARN_MIB);
    const char *name = tarn_catalog_name_text(target, &arena);
    bool ok = tarn_base_arena_check(&arena, error) &&
              tarn_db_execute(db, "delete from tarn_lineage where target = $1",
                              TARN_DB_VALUES(tarn_db_string(name)), NULL, error);
    tarn_base_arena_dispose(&arena);
    return ok;
}

static bool move_names(TarnDb *db, const char *from, const char *to, bool sources,
                       TarnError *error) {
    return tarn_db_execute(db, "delete from tarn_lineage where target = $1",
                           TARN_DB_VALUES(tarn_db_string(to)), NULL, error) &&
           tarn_db_execute(db, "update tarn_lineage set target = $2 where target = $1",
                           TARN_DB_VALUES(tarn_db_string(from), tarn_db_string(to)), NULL,
                           error) &&
           (!sources ||
            (tarn_db_execute(db,
                             "delete from tarn_lineage where source = $1 and exists (select 1 from"
                             " tarn_lineage o where o.target = tarn_lineage.target and"
                             " o.target_column = tarn_lineage.target_column and o.source = $2 and"
                             " o.source_column = tarn_lineage.source_column)",
                             TARN_DB_VALUES(tarn_db_string(from), tarn_db_string(to)), NULL,
                             error) &&
             tarn_db_execute(db, "update tarn_lineage set source = $2 where source = $1",
                             TARN_DB_VALUES(tarn_db_string(from), tarn_db_string(to)), NULL,
                             error)));
}

bool tarn_govern_lineage_move(TarnDb *db, TarnTableName from, TarnTableName to,
                              TarnError *error) {
    TarnArena arena;
    tarn_base_arena_init(&arena, TARN_MIB);
    const char *old = tarn_catalog_name_text(from, &arena);
    const char *now = tarn_catalog_name_text(to, &arena);
    bool sources = !tarn_catalog_name_is_dropped(from) && !tarn_catalog_name_is_dropped(to);
    bool ok = tarn_base_arena_check(&arena, error) &&
              (strcmp(old, now) == 0 || move_names(db, old, now, sources, error));
    tarn_base_arena_dispose(&arena);
    return ok;
}

static bool insert_edges(TarnDb *db, const char *target, const TarnLineageEdge *edges,
                         size_t count, const char *run_id, int64_t now_ms, TarnError *error) {
    for (size_t i = 0; i < count; i++) {
        const TarnLineageEdge *edge = &edges[i];
        /* A column that gives its value and decides about rows too is a direct one. */
        if (!tarn_db_execute(
                db,
                "insert into tarn_lineage (target, target_column, source, source_column, indirect,"
                " run, written_at_ms) values ($1, $2, $3, $4, $5, $6, $7) on conflict (target,"
                " target_column, source, source_column) do update set indirect ="
                " case when $5 = 0 then 0 else tarn_lineage.indirect end",
                TARN_DB_VALUES(tarn_db_string(target), tarn_db_string(or_empty(edge->to_column)),
                               tarn_db_string(edge->from),
                               tarn_db_string(or_empty(edge->from_column)),
                               tarn_db_int64(edge->indirect), tarn_db_string(run_id),
                               tarn_db_int64(now_ms)),
                NULL, error)) {
            return false;
        }
    }
    return true;
}

static bool write_edges(TarnDb *db, TarnTableName target, bool replace,
                        const TarnLineageEdge *edges, size_t count, const char *run_id,
                        int64_t now_ms, TarnError *error) {
    TarnArena arena;
    bool own = !tarn_db_in_transaction(db);
    tarn_base_arena_init(&arena, TARN_MIB);
    const char *name = tarn_catalog_name_text(target, &arena);
    bool ok = tarn_base_arena_check(&arena, error) &&
              (!own || tarn_db_begin(db, TARN_DB_WRITE, error)) &&
              (!replace || tarn_govern_lineage_forget(db, target, error)) &&
              insert_edges(db, name, edges, count, run_id, now_ms, error) &&
              (!own || tarn_db_commit(db, error));
    if (!ok && own) tarn_db_rollback(db);
    tarn_base_arena_dispose(&arena);
    return ok;
}

bool tarn_govern_lineage_replace(TarnDb *db, TarnTableName target, const TarnLineageEdge *edges,
                                 size_t count, const char *run_id, int64_t now_ms,
                                 TarnError *error) {
    return write_edges(db, target, true, edges, count, run_id, now_ms, error);
}

bool tarn_govern_lineage_add(TarnDb *db, TarnTableName target, const TarnLineageEdge *edges,
                             size_t count, const char *run_id, int64_t now_ms,
                             TarnError *error) {
    return write_edges(db, target, false, edges, count, run_id, now_ms, error);
}

/* --- reading --- */

static TarnText lower_key(const char *text, TarnArena *arena) {
    char *copy = tarn_base_arena_string(arena, text);
    size_t size = copy != NULL ? strlen(copy) : 0;
    for (size_t i = 0; i < size; i++) {
        if (copy[i] >= 'A' && copy[i] <= 'Z') copy[i] = (char)(copy[i] | 32);
    }
    return (TarnText){copy, size};
}

static const char *node_name(TarnArena *arena, const char *table, const char *column) {
    return column != NULL && column[0] != '\0' ? tarn_base_arena_printf(arena, "%s.%s", table,
                                                                        column)
                                               : tarn_base_arena_string(arena, table);
}

/* *fresh tells whether the node was not in the graph before. */
static bool add_node(Walk *walk, const char *table, const char *column, bool *fresh,
                     size_t *index) {
    TarnArena *arena = walk->arena;
    const char *name = node_name(arena, table, column);
    TarnText key = lower_key(name, arena);
    if (!tarn_base_arena_check(arena, walk->error)) return false;
    uintptr_t known = (uintptr_t)tarn_base_map_get(&walk->nodes, key);
    *fresh = known == 0;
    *index = known - 1;
    if (known != 0) return true;
    TarnLineageGraph *graph = walk->graph;
    TarnLineageNode *node;
    if (graph->node_count == graph->node_capacity &&
        !tarn_base_arena_push_room(arena, (void **)&graph->nodes, graph->node_count,
                                   &graph->node_capacity, sizeof(*graph->nodes))) {
        return tarn_base_arena_check(arena, walk->error);
    }
    *index = graph->node_count;
    node = &graph->nodes[graph->node_count++];
    node->name = name;
    node->table = tarn_base_arena_string(arena, table);
    node->column = column != NULL && column[0] != '\0' ? tarn_base_arena_string(arena, column)
                                                       : NULL;
    tarn_base_map_put(&walk->nodes, key, (void *)(uintptr_t)graph->node_count);
    return tarn_base_arena_check(arena, walk->error);
}

static bool add_edge(Walk *walk, const TarnLineageEdge *edge) {
    TarnArena *arena = walk->arena;
    TarnLineageGraph *graph = walk->graph;
    const char *text = tarn_base_arena_printf(arena, "%s\n%s\n%s\n%s", edge->from,
                                              or_empty(edge->from_column), edge->to,
                                              or_empty(edge->to_column));
    TarnText key = lower_key(text, arena);
    if (!tarn_base_arena_check(arena, walk->error)) return false;
    if (tarn_base_map_has(&walk->edges, key)) return true;
    if (graph->edge_count >= TARN_LINEAGE_EDGES_MAX) {
        tarn_base_error_set(walk->error, TARN_E_LIMIT_EXCEEDED,
                            "the lineage of \"%s\" has more than %d edges", graph->root,
                            TARN_LINEAGE_EDGES_MAX);
        return tarn_base_error_hint(walk->error, "ask for one column, or for fewer levels: "
                                                 "--up 1 --down 1");
    }
    tarn_base_map_put(&walk->edges, key, walk);
    if (graph->edge_count == graph->edge_capacity &&
        !tarn_base_arena_push_room(arena, (void **)&graph->edges, graph->edge_count,
                                   &graph->edge_capacity, sizeof(*graph->edges))) {
        return tarn_base_arena_check(arena, walk->error);
    }
    graph->edges[graph->edge_count++] = *edge;
    return true;
}

/* An empty column stands for the table as a whole: NULL outside. */
static const char *column_at(TarnDbRows *rows, size_t column, TarnArena *arena) {
    const char *text = tarn_db_column_string(rows, column, arena);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static bool read_edge(Walk *walk, TarnDbRows *rows, Names *next) {
    TarnArena *arena = walk->arena;
    TarnLineageEdge edge = {.from = tarn_db_column_string(rows, 0, arena),
                            .from_column = column_at(rows, 1, arena),
                            .to = tarn_db_column_string(rows, 2, arena),
                            .to_column = column_at(rows, 3, arena),
                            .indirect = tarn_db_column_int64(rows, 4) != 0,
                            .run = tarn_db_column_string(rows, 5, arena)};
    bool fresh;
    bool ignored;
    size_t index;
    size_t other;
    if (!tarn_base_arena_check(arena, walk->error)) return false;
    const char *table = walk->up ? edge.from : edge.to;
    const char *column = walk->up ? edge.from_column : edge.to_column;
    const char *near_table = walk->up ? edge.to : edge.from;
    const char *near_column = walk->up ? edge.to_column : edge.from_column;
    if (!add_edge(walk, &edge) || !add_node(walk, near_table, near_column, &ignored, &other) ||
        !add_node(walk, table, column, &fresh, &index)) {
        return false;
    }
    if (!fresh) return true;
    const TarnLineageNode **slot = TARN_PUSH(arena, next);
    /* nodes may move as they grow: keep a copy */
    if (slot != NULL) {
        *slot = tarn_base_arena_copy(arena, &walk->graph->nodes[index], sizeof(TarnLineageNode));
    }
    return tarn_base_arena_check(arena, walk->error);
}

/* A whole table is what all its columns are: asked for, it means each of them. */
static bool expand(Walk *walk, const TarnLineageNode *node, Names *next) {
    static const char by_target[] =
        "select source, source_column, target, target_column, indirect, run from tarn_lineage"
        " where lower(target) = lower($1) and ($2 = '' or lower(target_column) = lower($2))"
        " order by target_column, indirect, source, source_column";
    static const char by_source[] =
        "select source, source_column, target, target_column, indirect, run from tarn_lineage"
        " where lower(source) = lower($1) and ($2 = '' or lower(source_column) = lower($2))"
        " order by target, target_column, indirect, source_column";
    TarnDbRows *rows = NULL;
    bool more = false;
    bool ok = tarn_db_query(walk->db, walk->up ? by_target : by_source,
                            TARN_DB_VALUES(tarn_db_string(node->table),
                                           tarn_db_string(or_empty(node->column))),
                            &rows, walk->error);
    while (ok && (ok = tarn_db_next(rows, &more, walk->error)) && more) {
        ok = read_edge(walk, rows, next);
    }
    tarn_db_rows_close(rows);
    return ok;
}

static bool walk_levels(Walk *walk, const TarnLineageNode *root, bool up, int levels) {
    Names now = {0};
    const TarnLineageNode **slot = TARN_PUSH(walk->arena, &now);
    walk->up = up;
    if (slot == NULL) return tarn_base_arena_check(walk->arena, walk->error);
    *slot = root;
    for (int level = 0; level < levels && now.count > 0; level++) {
        Names next = {0};
        for (size_t i = 0; i < now.count; i++) {
            if (!expand(walk, now.items[i], &next)) return false;
        }
        now = next;
    }
    return true;
}

bool tarn_govern_lineage_read(TarnDb *db, const char *table, const char *column, int up, int down,
                              TarnArena *arena, TarnLineageGraph *graph, TarnError *error) {
    Walk walk = {.db = db, .arena = arena, .graph = graph, .error = error};
    bool fresh;
    size_t index;
    *graph = (TarnLineageGraph){.root = node_name(arena, table, column)};
    if (!tarn_base_arena_check(arena, error)) return false;
    tarn_base_map_init(&walk.nodes, arena);
    tarn_base_map_init(&walk.edges, arena);
    if (!add_node(&walk, table, column, &fresh, &index)) return false;
    TarnLineageNode *root = tarn_base_arena_copy(arena, &graph->nodes[0], sizeof(*root));
    return tarn_base_arena_check(arena, error) && walk_levels(&walk, root, true, up) &&
           walk_levels(&walk, root, false, down);
}
