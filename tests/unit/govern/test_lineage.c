/* govern/lineage: edges kept and walked: replacing, circles, levels, names without case. */
#include "base/limits.h"
#include "govern/lineage.h"
#include "support/scratch.h"
#include "support/tap.h"

static Scratch scratch;
static TarnArena arena;
static TarnError error;
static TarnDb *db;

static bool start(void) {
    static const TarnDbMigration migrations[] = {{1, "govern", tarn_govern_schema_sql}};
    static char url[PATH_MAX + 64];
    TarnDbOptions options = {.how = TARN_DB_CREATE};
    scratch_make(&scratch);
    snprintf(url, sizeof(url), "sqlite:%s/db", scratch.path);
    return tarn_db_open(tarn_os_posix(), url, &options, &db, &error) &&
           tarn_db_migrate(db, migrations, 1, &error);
}

static bool put(const char *name, const TarnLineageEdge *edges, size_t count) {
    TarnTableName target = {"raw", name};
    return tarn_govern_lineage_replace(db, target, edges, count, "run", 7, &error);
}

static size_t count_edges(const char *table, const char *column, int up, int down) {
    TarnLineageGraph graph = {0};
    CHECK_OK(tarn_govern_lineage_read(db, table, column, up, down, &arena, &graph, &error),
             &error);
    return graph.edge_count;
}

static void edges_are_replaced_per_target(void) {
    TarnLineageEdge two[] = {{.from = "raw.a", .from_column = "x", .to_column = "y"},
                             {.from = "raw.a", .from_column = "z", .to_column = "y",
                              .indirect = true}};
    REQUIRE_OK(put("b", two, 2), &error);
    REQUIRE_OK(put("c", two, 1), &error);
    CHECK_INT(count_edges("raw.b", NULL, 1, 0), 2);
    REQUIRE_OK(put("b", two + 1, 1), &error);
    CHECK_INT(count_edges("raw.b", NULL, 1, 0), 1);
    CHECK_INT(count_edges("raw.c", NULL, 1, 0), 1);
    TarnTableName target = {"raw", "c"};
    REQUIRE_OK(tarn_govern_lineage_forget(db, target, &error), &error);
    CHECK_INT(count_edges("raw.c", NULL, 1, 0), 0);
}

static void direct_wins_over_indirect(void) {
    TarnLineageGraph graph;
    TarnLineageEdge both[] = {
        {.from = "raw.a", .from_column = "x", .to_column = "y", .indirect = true},
        {.from = "raw.a", .from_column = "x", .to_column = "y"},
        {.from = "raw.a", .from_column = "x", .to_column = "y", .indirect = true}};
    REQUIRE_OK(put("d", both, 3), &error);
    REQUIRE_OK(tarn_govern_lineage_read(db, "raw.d", "y", 1, 0, &arena, &graph, &error), &error);
    CHECK_INT(graph.edge_count, 1);
    CHECK(!graph.edges[0].indirect);
    CHECK_STRING(graph.edges[0].run, "run");
}

static void walks_end_and_count_levels(void) {
    TarnLineageEdge one = {.from_column = "k", .to_column = "k"};
    const char *ring[] = {"r0", "r1", "r2", "r3"};
    for (size_t i = 0; i < 4; i++) {
        one.from = tarn_base_arena_printf(&arena, "raw.%s", ring[(i + 3) % 4]);
        REQUIRE_OK(put(ring[i], &one, 1), &error);
    }
    CHECK_INT(count_edges("raw.r0", "k", 1, 0), 1);
    CHECK_INT(count_edges("raw.r0", "K", 2, 0), 2);
    CHECK_INT(count_edges("RAW.R0", "k", 100, 0), 4);
    CHECK_INT(count_edges("raw.r0", "k", 100, 100), 4);
    CHECK_INT(count_edges("raw.r0", "k", 1, 1), 2);
    CHECK_INT(count_edges("raw.r0", "other", 9, 9), 0);
    CHECK_INT(count_edges("raw.r0", "k", 0, 0), 0);
}

static void a_failed_replace_keeps_the_old(void) {
    TarnLineageEdge bad[] = {{.from = "raw.a", .from_column = "x", .to_column = "y"},
                             {.from = NULL}};
    REQUIRE_OK(put("e", bad, 1), &error);
    CHECK(!put("e", bad, 2));
    CHECK_INT(count_edges("raw.e", NULL, 1, 0), 1);
    CHECK(!tarn_db_in_transaction(db));
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    tarn_base_arena_init(&arena, TARN_GIB);
    if (!start()) {
        printf("Bail out! %s\n", error.message);
        return 1;
    }
    TAP_TEST(edges_are_replaced_per_target);
    TAP_TEST(direct_wins_over_indirect);
    TAP_TEST(walks_end_and_count_levels);
    TAP_TEST(a_failed_replace_keeps_the_old);
    tarn_db_close(db);
    tarn_base_arena_dispose(&arena);
    scratch_remove(&scratch);
    return tap_end();
}
