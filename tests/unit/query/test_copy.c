/* query: COPY, which files it reaches, what it leaves when it fails. */
#include <sys/stat.h>

#include "base/fault.h"
#include "query_test.h"

static TarnQuery *locked; /* without local files */
static char scratch[128];

static const char *in_folder(const char *format) {
    static char texts[4][1024];
    static unsigned next;
    char *text = texts[next++ % 4];
    snprintf(text, sizeof(texts[0]), format, folder);
    return text;
}

static void write_text(const char *name, const char *content) {
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    REQUIRE_OK(tarn_os_file_replace(tarn_os_posix(), path, tarn_base_text(content), false, &error),
               &error);
}

static long count_files(const char *name) {
    TarnOsListing listing = {0};
    TarnArena arena;
    TarnError ignored;
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    tarn_base_arena_init(&arena, TARN_MIB);
    bool ok = tarn_os_posix()->directory_list(tarn_os_posix(), path, &arena, &listing, &ignored);
    tarn_base_arena_dispose(&arena);
    return ok ? (long)listing.count : -1;
}

static bool starts(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

static void files_go_in_and_out(void) {
    write_text("in.csv", "id,s\n1,a\n2,\"b,c\"\n");
    RUN("create table sandbox.t (id int not null, s varchar)", "created table sandbox.t");
    RUN(in_folder("copy sandbox.t from '%s/in.csv'"), "copied 2 rows into sandbox.t");
    RUN(in_folder("copy sandbox.t to '%s/out.parquet' (format parquet)"),
        in_folder("copied 2 rows to %s/out.parquet"));
    RUN(in_folder("copy sandbox.t from '%s/out.parquet'"), "copied 2 rows into sandbox.t");
    RUN("select id, s, count(*) from sandbox.t group by all order by all", "1|a|2;2|b,c|2");
    CHECK(count_files("tmp") == 0);
}

/* Values that end a string, names that end a name. */
static void hostile_names_are_names(void) {
    write_text("o'brien $$.csv", "1,'); drop table x; --\n");
    RUN("create table sandbox.\"a'b\"\"c\" (\"x'y\" int, \"z\"\"\" varchar)",
        "created table sandbox.a'b\"c");
    RUN(in_folder("copy sandbox.\"a'b\"\"c\" from '%s/o''brien $$.csv' (header false)"),
        "copied 1 row into sandbox.a'b\"c");
    RUN("select * from sandbox.\"a'b\"\"c\"", "1|'); drop table x; --");
    RUN(in_folder("copy sandbox.\"a'b\"\"c\" (\"z\"\"\", \"x'y\") to '%s/o''brien.csv'"),
        in_folder("copied 1 row to %s/o'brien.csv"));
}

static void statements_from_elsewhere_reach_no_files(void) {
    TarnQuery *own = query;
    query = locked;
    CHECK(starts(run(in_folder("copy sandbox.t from '%s/in.csv'")), "error: STATEMENT_REFUSED"));
    CHECK(starts(run(in_folder("copy sandbox.t to '%s/x.csv'")), "error: STATEMENT_REFUSED"));
    query = own;
    CHECK(access(in_folder("%s/x.csv"), F_OK) != 0);
}

static void what_a_failure_leaves(void) {
    static const char *const points[] = {"query.write.after_copy=error",
                                         "catalog.commit.before_swap=error"};
    RUN("create table sandbox.f (id int, s varchar)", "created table sandbox.f");
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        tarn_base_fault_init(points[i]);
        CHECK(starts(run(in_folder("copy sandbox.f from '%s/in.csv'")), "error: FAULT_INJECTED"));
        tarn_base_fault_init(NULL);
        RUN("select count(*) from sandbox.f", "0");
    }
    write_text("there.csv", "old\n");
    tarn_base_fault_init("query.copy.before_publish=error");
    CHECK(starts(run(in_folder("copy sandbox.t to '%s/there.csv'")), "error: FAULT_INJECTED"));
    tarn_base_fault_init(NULL);
    struct stat stat_of;
    CHECK(stat(in_folder("%s/there.csv"), &stat_of) == 0 && stat_of.st_size == 4);
    CHECK(count_files("tmp") == 0);
    RUN(in_folder("copy sandbox.f from '%s/in.csv'"), "copied 2 rows into sandbox.f");
}

static void text_that_is_no_copy(void) {
    static const char *const texts[] = {
        "copy",
        "copy sandbox.t",
        "copy sandbox.t from",
        "copy sandbox.t from 'x' (",
        "copy sandbox.t from 'x' ()",
        "copy sandbox.t from 'x' (format xml)",
        "copy sandbox.t from 'x' (format)",
        "copy sandbox.t from 'x' (header,)",
        "copy sandbox.t from 'x' (header true false)",
        "copy sandbox.t from 'x' (null 'a' || 'b')",
        "copy sandbox.t from 'x' (null $1)",
        "copy sandbox.t from 'x' (force_not_null (id) (s))",
        "copy sandbox.t from 'x' (columns {'a': 'int'})",
        "copy sandbox.t from 'x' extra",
        "copy sandbox.t () from 'x'",
        "copy (select 1) from 'x'",
        "copy (select 1 to 'x'",
        "copy () to 'x'",
        "copy sandbox.t from ''",
        "copy sandbox.t from E'x'",
        "copy sandbox.t to 'a' to 'b'",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *answer = run(texts[i]);
        bool refused = starts(answer, "error: SQL_SYNTAX") ||
                       starts(answer, "error: SQL_UNSUPPORTED");
        if (!refused) tap_fail(__FILE__, __LINE__, texts[i]);
    }
}

static bool open_both(void) {
    TarnQueryOptions options = {.catalog = catalog};
    snprintf(scratch, sizeof(scratch), "%s/tmp", folder);
    locked = query;
    options.engine.temp_directory = scratch;
    options.local_files = true;
    return tarn_query_open(&options, &query, &error);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    if (!open_lake()) return 1;
    if (!open_both()) {
        printf("Bail out! %s\n", error.message);
        return 1;
    }
    TAP_TEST(files_go_in_and_out);
    TAP_TEST(hostile_names_are_names);
    TAP_TEST(statements_from_elsewhere_reach_no_files);
    TAP_TEST(what_a_failure_leaves);
    TAP_TEST(text_that_is_no_copy);
    tarn_query_close(query);
    query = locked;
    close_lake();
    return tap_end();
}
