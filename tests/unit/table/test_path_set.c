/* Sets of paths: what is the same file, what is not, and that nothing that was added is lost. */
#include "base/limits.h"
#include "table/path_set.h"
#include "tap.h"

static TarnError error;

static const char *canonical(const char *location) {
    static char text[512];
    TarnBuffer out;
    tarn_base_buffer_init(&out, 4096);
    tarn_table_location_canonical(tarn_base_text(location), &out);
    snprintf(text, sizeof(text), "%.*s", TARN_TEXT_ARG(tarn_base_buffer_view(&out)));
    tarn_base_buffer_dispose(&out);
    return text;
}

static const char *authority(const char *location) {
    static char text[512];
    TarnBuffer out;
    tarn_base_buffer_init(&out, 4096);
    tarn_table_location_authority(tarn_base_text(location), &out);
    snprintf(text, sizeof(text), "%.*s", TARN_TEXT_ARG(tarn_base_buffer_view(&out)));
    tarn_base_buffer_dispose(&out);
    return text;
}

static void one_form_of_each_file(void) {
    CHECK_STRING(canonical("/a/b"), "/a/b");
    CHECK_STRING(canonical("file:/a/b"), "/a/b");
    CHECK_STRING(canonical("FILE:///a//./b"), "/a/b");
    CHECK_STRING(canonical("file://localhost/a/b"), "/a/b");
    CHECK_STRING(canonical("file://other/a"), "//other/a");
    CHECK_STRING(canonical("s3a://b/x//y"), "s3://b/x//y");
    CHECK_STRING(canonical("S3N://b/x"), "s3://b/x");
    CHECK_STRING(canonical("hdfs://h:1/x"), "hdfs://h:1/x");
    CHECK_STRING(canonical("data/a b"), "data/a b");
    CHECK_STRING(authority("/a"), "file");
    CHECK_STRING(authority("file:///a"), "file");
    CHECK_STRING(authority("s3a://bucket/x"), "s3://bucket");
    CHECK_STRING(authority("s3://other/x"), "s3://other");
    CHECK_STRING(authority("data/x"), "");
}

static void what_is_added_is_found(void) {
    enum { PATHS = 200000 };
    TarnPathSet set;
    char path[64];
    bool added = false;
    bool has = false;
    size_t found = 0;
    size_t strangers = 0;
    CHECK_OK(tarn_table_path_set_init(&set, tarn_os_posix(), &error), &error);
    CHECK(tarn_table_path_set_has(&set, TARN_TEXT("/x"), &has, &error) && !has);
    for (int i = 0; i < PATHS; i++) {
        snprintf(path, sizeof(path), "/lake/t/data/f%d.parquet", i);
        if (!tarn_table_path_set_add(&set, tarn_base_text(path), &added, &error) || !added) break;
    }
    CHECK_INT(set.count, PATHS);
    for (int i = 0; i < PATHS; i++) {
        snprintf(path, sizeof(path), "file:///lake//t/data/f%d.parquet", i);
        found += tarn_table_path_set_has(&set, tarn_base_text(path), &has, &error) && has;
        snprintf(path, sizeof(path), "/lake/t/data/g%d.parquet", i);
        strangers += !tarn_table_path_set_has(&set, tarn_base_text(path), &has, &error) || has;
    }
    CHECK_INT(found, PATHS);
    CHECK_INT(strangers, 0);
    CHECK(tarn_table_path_set_add(&set, TARN_TEXT("/lake/t/data/f7.parquet"), &added, &error) &&
          !added);
    CHECK(set.slot_count * 16 <= 8 * TARN_MIB);
    tarn_table_path_set_dispose(&set);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(one_form_of_each_file);
    TAP_TEST(what_is_added_is_found);
    return tap_end();
}
