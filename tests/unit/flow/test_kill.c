/* flow/build: a process killed at each point of a build, then the build again: the same tables. */
#include <sys/wait.h>

#include "lake_test.h"

static void write_project(void) {
    lake_file("pipelines/sandbox/all.sql", "select id, v from raw.t");
    lake_file("pipelines/sandbox/inc.sql",
              "{{ config(materialized='incremental', unique_key='id') }} select id, v from raw.t"
              " {% if is_incremental() %} where id > 1 {% endif %}");
    lake_file("pipelines/sandbox/add.sql",
              "{{ config(materialized='incremental') }} select id, v from sandbox.all"
              " {% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}");
    lake_file("pipelines/sandbox/inc.yaml", "columns: [{name: id, checks: [unique]}]\n");
}

static const char *tables(void) {
    static char text[4096];
    size_t used = 0;
    static const char *const names[] = {"all", "inc", "add"};
    for (size_t i = 0; i < 3; i++) {
        char sql[256];
        snprintf(sql, sizeof(sql), "select id, v from sandbox.\"%s\" order by id, v", names[i]);
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s: %s\n", names[i],
                                 lake_sql(sql));
    }
    return text;
}

/* Runs a build in a process of its own that dies where the plan says. */
static int build_in_child(const char *plan) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        tarn_base_fault_init(plan);
        bool ok = lake_open() && strncmp(lake_build(NULL), "error", 5) != 0;
        _exit(ok ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

static void expect_same_after(const char *plan, const char *expected) {
    char got[4096];
    if (!lake_begin()) {
        tap_fail(__FILE__, __LINE__, error.message);
        return;
    }
    lake_sql("create table raw.t (id bigint, v varchar)");
    lake_sql("insert into raw.t values (1, 'a'), (2, 'b')");
    write_project();
    lake_build(NULL);
    lake_sql("insert into raw.t values (2, 'new'), (3, 'c')");
    /* two rows have id 2 now: the merge takes the last one */
    lake_file("pipelines/sandbox/inc.sql",
              "{{ config(materialized='incremental', unique_key='id', dedupe='v desc') }} select"
              " id, v from raw.t {% if is_incremental() %} where id > 1 {% endif %}");
    lake_close();
    int status = build_in_child(plan);
    if (plan != NULL && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) {
        printf("# %s: the process was not killed (status %d)\n", plan, status);
        tap_current_failures++;
    }
    if (!lake_open()) {
        tap_fail(__FILE__, __LINE__, error.message);
        return;
    }
    const char *built = lake_build(NULL);
    if (strstr(built, "failed") != NULL || strncmp(built, "error", 5) == 0) {
        printf("# %s: %s\n", plan != NULL ? plan : "", built);
        tap_current_failures++;
    }
    snprintf(got, sizeof(got), "%s", tables());
    tap_string(__FILE__, __LINE__, plan != NULL ? plan : "no kill", got, expected);
    int64_t left = -1;
    bool found = false;
    CHECK_OK(tarn_db_query_int64(lake.db,
                                 "select count(*) from tarn_intent where location like"
                                 " '%/sandbox/%'",
                                 NULL, 0, &left, &found, &error),
             &error);
    CHECK_INT(left, 0);
    CHECK_STRING(lake_build(NULL),
                 "sandbox.all unchanged; sandbox.add unchanged; sandbox.inc unchanged");
    lake_end();
}

static void a_killed_build_runs_again_to_the_same_tables(void) {
    static const char expected[] = "all: 1|a;2|b;2|new;3|c\ninc: 1|a;2|new;3|c\n"
                                   "add: 1|a;2|b;3|c\n";
    expect_same_after(NULL, expected);
    static const char *const points[] = {"flow.build.after_write", "flow.build.before_commit",
                                         "catalog.commit.after_metadata",
                                         "catalog.commit.before_swap", "flow.build.after_commit"};
    for (size_t p = 0; p < sizeof(points) / sizeof(points[0]); p++) {
        for (int hit = 1; hit <= 3; hit++) {
            char plan[96];
            snprintf(plan, sizeof(plan), "%s=kill@%d", points[p], hit);
            expect_same_after(plan, expected);
        }
    }
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(a_killed_build_runs_again_to_the_same_tables);
    return tap_end();
}
