/* tarn lineage: the recorded edges around a table or one of its columns.
 */
#include "govern/lineage.h"

#include <string.h>

#include "base/limits.h"
#include "cli/handlers_private.h"
#include "cli/lake_private.h"
#include "cli/rows_private.h"

typedef struct Asked {
    const char *table;  /* as recorded */
    const char *column; /* NULL = the whole table */
} Asked;

static bool exists(TarnCliLake *lake, TarnTableName name, bool *found, TarnError *error) {
    TarnRelation *relations;
    size_t count;
    *found = false;
    if (!tarn_catalog_list(lake->catalog, name.ns, &lake->cli->arena, &relations, &count, error)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        *found = *found || tarn_catalog_name_equal(relations[i].name, name);
    }
    return true;
}

/* "curated.delays" is a table; "curated.delays.carrier" is its column, unless a table of that
 * name exists in the namespace curated.delays. */
static bool understand(TarnCliLake *lake, const char *text, Asked *asked, TarnError *error) {
    TarnArena *arena = &lake->cli->arena;
    *asked = (Asked){.table = text};
    if (strncmp(text, "source:", 7) == 0) return true;
    TarnTableName whole;
    TarnTableName table;
    TarnTableName column;
    bool found;
    if (!tarn_catalog_name_parse(tarn_base_text(text), arena, &whole, error) ||
        !exists(lake, whole, &found, error)) {
        return false;
    }
    if (found) {
        asked->table = tarn_catalog_name_text(whole, arena);
        return tarn_base_arena_check(arena, error);
    }
    /* The last level as a column: what is before it must be a table. */
    TarnError ignored;
    column = whole;
    if (strchr(whole.ns, '.') != NULL &&
        tarn_catalog_name_parse(tarn_base_text(whole.ns), arena, &table, &ignored)) {
        if (!exists(lake, table, &found, error)) return false;
        if (found) {
            asked->table = tarn_catalog_name_text(table, arena);
            asked->column = column.name;
            return tarn_base_arena_check(arena, error);
        }
    }
    const TarnTable *nothing;
    if (tarn_catalog_table_load(lake->catalog, whole, &nothing, error)) {
        tarn_catalog_table_release(nothing);
        return true;
    }
    return false; /* with the nearest name */
}

static void put_edges(TarnCli *cli, const TarnLineageGraph *graph) {
    static const TarnCliColumn columns[] = {{.name = "from"}, {.name = "to"}, {.name = "kind"}};
    TarnCliRows rows;
    tarn_cli__rows_begin(cli, columns, 3, TARN_CLI_MANY, &rows);
    for (size_t i = 0; i < graph->edge_count; i++) {
        const TarnLineageEdge *edge = &graph->edges[i];
        const char *from = edge->from_column == NULL
                               ? edge->from
                               : tarn_base_arena_printf(&cli->arena, "%s.%s", edge->from,
                                                        edge->from_column);
        const char *to = edge->to_column == NULL
                             ? edge->to
                             : tarn_base_arena_printf(&cli->arena, "%s.%s", edge->to,
                                                      edge->to_column);
        const TarnCliCell cells[] = {tarn_cli__cell_text(from), tarn_cli__cell_text(to),
                                     tarn_cli__cell_text(edge->indirect ? "indirect" : "direct")};
        tarn_cli__rows_put(&rows, cells);
    }
    tarn_cli__rows_end(&rows, 0, false);
}

static bool write_graph(TarnCli *cli, const TarnLineageGraph *graph, TarnError *error) {
    TarnBuffer text;
    TarnJsonWriter writer;
    bool ok = true;
    tarn_base_buffer_init(&text, TARN_GIB);
    switch (cli->format) {
    case TARN_CLI_JSON:
        tarn_base_json_writer_init(&writer, &text, 0);
        tarn_govern_lineage_to_json(graph, &writer);
        tarn_cli__envelope_put(cli, tarn_base_buffer_view(&text));
        break;
    case TARN_CLI_DOT:
        tarn_govern_lineage_to_dot(graph, &text);
        tarn_cli__sink_text(&cli->out, tarn_base_buffer_view(&text));
        break;
    case TARN_CLI_TABLE:
        ok = tarn_govern_lineage_to_text(graph, &cli->arena, &text, error);
        if (ok) tarn_cli__sink_text(&cli->out, tarn_base_buffer_view(&text));
        break;
    default: put_edges(cli, graph);
    }
    ok = ok && tarn_base_buffer_check(&text, error);
    tarn_base_buffer_dispose(&text);
    return ok;
}

bool tarn_cli__lineage(TarnCli *cli, TarnError *error) {
    const TarnCliValue *up = tarn_cli__value(&cli->arguments, "up");
    const TarnCliValue *down = tarn_cli__value(&cli->arguments, "down");
    if (cli->format == TARN_CLI_OPENLINEAGE) {
        return tarn_base_error_set(error, TARN_E_USAGE,
                                   "-o openlineage comes with a later version");
    }
    if (up->integer > TARN_LINEAGE_ALL_LEVELS || down->integer > TARN_LINEAGE_ALL_LEVELS) {
        return tarn_base_error_set(error, TARN_E_USAGE, "--up and --down go to %d",
                                   TARN_LINEAGE_ALL_LEVELS);
    }
    /* one direction named: only that one */
    int up_levels = up->given ? (int)up->integer : down->given ? 0 : TARN_LINEAGE_ALL_LEVELS;
    int down_levels = down->given ? (int)down->integer : up->given ? 0 : TARN_LINEAGE_ALL_LEVELS;
    TarnCliLake lake;
    Asked asked;
    TarnLineageGraph graph;
    bool ok = tarn_cli__lake_open(cli, TARN_CLI_LAKE_READ, &lake, error) &&
              understand(&lake, cli->arguments.operands[0], &asked, error) &&
              tarn_govern_lineage_read(lake.db, asked.table, asked.column, up_levels, down_levels,
                                       &cli->arena, &graph, error) &&
              write_graph(cli, &graph, error);
    tarn_cli__lake_close(&lake);
    return ok;
}
