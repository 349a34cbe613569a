/* flow/build and govern/lineage: edges as the builds of real statements leave them. */
#include "lake_test.h"

/* "from->to from~>to" in the order found; ~ is indirect */
static const char *edges(const char *table, const char *column, int up, int down) {
    static char text[8192];
    TarnLineageGraph graph;
    size_t used = 0;
    text[0] = '\0';
    if (!tarn_govern_lineage_read(lake.db, table, column, up, down, &lake.arena, &graph, &error)) {
        return error.message;
    }
    for (size_t i = 0; i < graph.edge_count; i++) {
        const TarnLineageEdge *edge = &graph.edges[i];
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s%s%s%s%s%s",
                                 i > 0 ? " " : "", edge->from,
                                 edge->from_column != NULL ? "." : "",
                                 edge->from_column != NULL ? edge->from_column : "",
                                 edge->indirect ? "~>" : "->", edge->to,
                                 edge->to_column != NULL ? "." : "",
                                 edge->to_column != NULL ? edge->to_column : "");
    }
    return text;
}
#define EDGES(table, column, up, down, expected)                                                   \
    tap_string(__FILE__, __LINE__, table, edges(table, column, up, down), expected)

static bool begin(void) {
    if (!lake_begin()) return false;
    lake_sql("create table raw.f (id bigint, carrier varchar, delay double, ok boolean)");
    lake_sql("create table raw.p (tail varchar, carrier varchar)");
    lake_sql("insert into raw.f values (1, 'AA', 5, true)");
    lake_sql("insert into raw.p values ('N1', 'AA')");
    lake_file("pipelines/sandbox/late.sql",
              "with a as (select carrier as c, sum(delay) as s from raw.f where ok group by 1)\n"
              "select p.tail as plane, a.s * 2 as twice from a join raw.p on p.carrier = a.c");
    lake_file("pipelines/sandbox/v.sql",
              "{{ config(materialized='view') }} select plane as aircraft, twice from"
              " {{ ref('late') }}");
    lake_file("pipelines/sandbox/top.sql", "select aircraft from sandbox.v");
    lake_file("pipelines/sandbox/n.sql", "select count(*) as n from raw.p");
    return true;
}

static void lineage_goes_through_statements(void) {
    REQUIRE_OK(begin(), &error);
    BUILD(NULL, "sandbox.late success; sandbox.n success; sandbox.v success; sandbox.top success");
    EDGES("sandbox.late", "twice", 1, 0,
          "raw.f.delay->sandbox.late.twice raw.f.carrier~>sandbox.late.twice"
          " raw.f.ok~>sandbox.late.twice raw.p.carrier~>sandbox.late.twice");
    EDGES("sandbox.top", "aircraft", 1, 0, "sandbox.late.plane->sandbox.top.aircraft");
    EDGES("sandbox.top", NULL, 2, 0,
          "sandbox.late.plane->sandbox.top.aircraft raw.p.tail->sandbox.late.plane"
          " raw.f.carrier~>sandbox.late.plane raw.f.ok~>sandbox.late.plane"
          " raw.p.carrier~>sandbox.late.plane");
    EDGES("raw.p", "TAIL", 0, 9,
          "raw.p.tail->sandbox.late.plane sandbox.late.plane->sandbox.top.aircraft"
          " sandbox.late.plane->sandbox.v.aircraft");
    EDGES("sandbox.n", NULL, 9, 0, "raw.p~>sandbox.n");
    EDGES("raw.nothing", NULL, 9, 9, "");
    lake_end();
}

static void a_new_run_replaces_and_a_failed_one_keeps(void) {
    REQUIRE_OK(begin(), &error);
    lake_build(NULL);
    lake_file("pipelines/sandbox/top.sql", "select cast(tail || 'x' as bigint) as aircraft from"
                                           " raw.p");
    lake_build(NULL);
    CHECK_INT(lake_model("sandbox.top")->status, TARN_MODEL_FAILED);
    EDGES("sandbox.top", NULL, 1, 0, "sandbox.late.plane->sandbox.top.aircraft");
    lake_file("pipelines/sandbox/top.sql", "select carrier as aircraft from raw.p");
    lake_build(NULL);
    EDGES("sandbox.top", NULL, 1, 0, "raw.p.carrier->sandbox.top.aircraft");
    lake_end();
}

static void it_is_written_in_three_ways(void) {
    TarnLineageGraph graph;
    TarnBuffer out;
    TarnJsonWriter writer;
    REQUIRE_OK(begin(), &error);
    lake_file("pipelines/sandbox/late.sql", "select tail as plane, 1 as twice from raw.p");
    lake_build(NULL);
    REQUIRE_OK(tarn_govern_lineage_read(lake.db, "sandbox.late", NULL, 5, 5, &lake.arena, &graph,
                                        &error),
               &error);
    tarn_base_buffer_init(&out, TARN_MIB);
    REQUIRE_OK(tarn_govern_lineage_to_text(&graph, &lake.arena, &out, &error), &error);
    CHECK_STRING(out.data, "sandbox.late\n  <- [plane] raw.p.tail\n"
                           "  -> [plane] sandbox.top.aircraft\n"
                           "  -> [plane] sandbox.v.aircraft\n  -> [twice] sandbox.v.twice\n");
    tarn_base_buffer_clear(&out);
    tarn_govern_lineage_to_dot(&graph, &out);
    CHECK(strstr(out.data, "\"raw.p.tail\" -> \"sandbox.late.plane\";") != NULL);
    CHECK(strstr(out.data, "label=\"raw.p\";") != NULL);
    tarn_base_buffer_clear(&out);
    tarn_base_json_writer_init(&writer, &out, 0);
    tarn_govern_lineage_to_json(&graph, &writer);
    TarnJson *tree = NULL;
    REQUIRE_OK(tarn_base_json_parse(tarn_base_buffer_view(&out), NULL, &lake.arena, &tree, &error),
               &error);
    const TarnJson *edge = tarn_base_json_at(tarn_base_json_member(tree, "edges"), 0);
    CHECK_STRING(tarn_base_json_string(tarn_base_json_member(edge, "from"), &lake.arena),
                 "raw.p.tail");
    CHECK_STRING(tarn_base_json_string(tarn_base_json_member(edge, "to"), &lake.arena),
                 "sandbox.late.plane");
    CHECK_STRING(tarn_base_json_string(tarn_base_json_member(edge, "kind"), &lake.arena), "direct");
    tarn_base_buffer_clear(&out);
    tarn_base_json_writer_init(&writer, &out, 0);
    tarn_flow_build_to_json(&lake.result, &writer);
    REQUIRE_OK(tarn_base_json_parse(tarn_base_buffer_view(&out), NULL, &lake.arena, &tree, &error),
               &error);
    CHECK_INT(tarn_base_json_member(tree, "models")->count, 4);
    tarn_base_buffer_dispose(&out);
    lake_end();
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(lineage_goes_through_statements);
    TAP_TEST(a_new_run_replaces_and_a_failed_one_keeps);
    TAP_TEST(it_is_written_in_three_ways);
    return tap_end();
}
