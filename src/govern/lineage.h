/* Lineage: which column comes from which, as the last successful write of each table left it.
 *
 * Edges lead from a column of an input to a column of a table; `indirect` means that the input
 * decides about rows (filters, joins, grouping, order) without its value arriving. A write replaces
 * all edges into its target, in the transaction of its commit. An input that is no table of the
 * lake (a load's files) is named "source:<name>" and may have no column.
 *
 *   tarn_govern_lineage_replace(db, target, edges, count, run_id, now_ms, error)     in the hook
 *   tarn_govern_lineage_read(db, "curated.delays", "carrier", 3, 0, arena, &graph, error)
 *   tarn_govern_lineage_to_json(&graph, &writer)
 */
#ifndef TARN_GOVERN_LINEAGE_H
#define TARN_GOVERN_LINEAGE_H

#include "base/json.h"
#include "catalog/name.h"
#include "db/db.h"

/* Levels in one direction when the asker names none: all there are in any sane lake. */
#define TARN_LINEAGE_ALL_LEVELS 100
/* Edges of one answer; beyond it the answer would help nobody: TARN_E_LIMIT_EXCEEDED. */
#define TARN_LINEAGE_EDGES_MAX 100000

typedef struct TarnLineageEdge {
    const char *from;        /* "raw.flights", "source:flights" */
    const char *from_column; /* NULL = the input as a whole */
    const char *to;
    const char *to_column; /* NULL = the table as a whole */
    bool indirect;
    const char *run; /* that wrote it; may be NULL */
} TarnLineageEdge;

typedef struct TarnLineageNode {
    const char *name; /* "raw.flights.carrier"; of a whole table "raw.flights" */
    const char *table;
    const char *column; /* NULL = whole */
} TarnLineageNode;

typedef struct TarnLineageGraph {
    const char *root; /* what was asked for, as a node's name */
    TarnLineageNode *nodes; /* each once, in the order found, the asked ones first */
    size_t node_count;
    size_t node_capacity;
    TarnLineageEdge *edges; /* each once */
    size_t edge_count;
    size_t edge_capacity;
} TarnLineageGraph;

/* govern's tables in the metadata database. */
extern const char tarn_govern_schema_sql[];

/* Replaces all edges into `target`. Only `from`, `from_column`, `to_column`, `indirect` of an edge
 * are read. Inside the caller's transaction, or by itself. */
bool tarn_govern_lineage_replace(TarnDb *db, TarnTableName target, const TarnLineageEdge *edges,
                                 size_t count, const char *run_id, int64_t now_ms,
                                 TarnError *error) TARN_CHECKED;
/* The same for rows that are added to those there are: the edges join the target's others. */
bool tarn_govern_lineage_add(TarnDb *db, TarnTableName target, const TarnLineageEdge *edges,
                             size_t count, const char *run_id, int64_t now_ms,
                             TarnError *error) TARN_CHECKED;
/* A table has another name: what led into it moves, and what led out of it, except from and to the
 * names of dropped tables, whose descendants go on to name what they came from. */
bool tarn_govern_lineage_move(TarnDb *db, TarnTableName from, TarnTableName to,
                              TarnError *error) TARN_CHECKED;
/* A table is gone for good: what led into it is forgotten. */
bool tarn_govern_lineage_forget(TarnDb *db, TarnTableName target, TarnError *error) TARN_CHECKED;

/* The edges within `up` levels before and `down` levels after a table (column NULL) or a column.
 * `table` as tarn_catalog_name_text writes it, or "source:<name>". A name without edges gives a
 * graph of one node. Names are compared without case. */
bool tarn_govern_lineage_read(TarnDb *db, const char *table, const char *column, int up, int down,
                              TarnArena *arena, TarnLineageGraph *graph,
                              TarnError *error) TARN_CHECKED;

/* {"nodes":[{"name","table","column"}],"edges":[{"from","to","kind","run"}]} */
void tarn_govern_lineage_to_json(const TarnLineageGraph *graph, TarnJsonWriter *out);
/* Graphviz: a box a table with its columns as ports. */
void tarn_govern_lineage_to_dot(const TarnLineageGraph *graph, TarnBuffer *out);
/* A tree for people: what the asked-for comes from, then what comes from it. */
bool tarn_govern_lineage_to_text(const TarnLineageGraph *graph, TarnArena *arena, TarnBuffer *out,
                                 TarnError *error) TARN_CHECKED;

#endif
