/* Locations as text: hostile metadata is the normal input here. */
#include "store/store.h"
#include "tap.h"

static void check_resolves(TarnText location, const char *path, int line) {
    TarnText got;
    TarnError error;
    tarn_base_error_clear(&error);
    bool ok = tarn_store_resolve(location, &got, &error);
    if (ok != (path != NULL)) tap_fail(__FILE__, line, location.data);
    if (ok && path != NULL && !tarn_base_text_is(got, path)) tap_fail(__FILE__, line, got.data);
    /* never a copy: the very bytes of the location */
    if (ok && (got.data < location.data || got.data > location.data + location.size)) {
        tap_fail(__FILE__, line, "not a part of the location");
    }
    if (!ok) tap_int(__FILE__, line, location.data, error.code, TARN_E_LOCATION_INVALID);
    if (!ok && error.message[0] == '\0') tap_fail(__FILE__, line, "no message");
}
#define RESOLVES(location, path) check_resolves(TARN_TEXT(location), path, __LINE__)
#define REFUSES(location) check_resolves(TARN_TEXT(location), NULL, __LINE__)

static void three_forms_name_a_file(void) {
    RESOLVES("/lake/t/a.parquet", "/lake/t/a.parquet");
    RESOLVES("file:///lake/t/a.parquet", "/lake/t/a.parquet");
    RESOLVES("file:/lake/t/a.parquet", "/lake/t/a.parquet");
    RESOLVES("FILE:///lake", "/lake");
    RESOLVES("/", "/");
    RESOLVES("file:///", "/");
}

static void nothing_is_decoded_or_cleaned(void) {
    RESOLVES("/lake/a%2Fb%00c%2e%2e/x", "/lake/a%2Fb%00c%2e%2e/x");
    RESOLVES("file:///lake/a%20b", "/lake/a%20b");
    RESOLVES("/lake//t/./a", "/lake//t/./a");
    RESOLVES("/lake/day=2026-01-01 00:00/x", "/lake/day=2026-01-01 00:00/x");
    RESOLVES("/lake/...", "/lake/...");
    RESOLVES("/lake/..a/b..", "/lake/..a/b..");
    RESOLVES("/s3://bucket/x", "/s3://bucket/x");
    RESOLVES("/lake/?versionId=1#part", "/lake/?versionId=1#part");
}

static void everything_else_is_refused(void) {
    REFUSES("");
    REFUSES("lake/t");
    REFUSES("./lake");
    REFUSES("..");
    REFUSES("/..");
    REFUSES("/lake/../etc/passwd");
    REFUSES("/lake/..");
    REFUSES("file:///lake/../etc");
    REFUSES("/lake/a\0b");
    REFUSES("/lake\0");
    REFUSES("file:");
    REFUSES("file:lake");
    REFUSES("file:.");
    REFUSES("file://");
    REFUSES("file://host/lake");
    REFUSES("file://localhost/lake");
    REFUSES("gs://bucket/key");
    REFUSES("abfss://c@a/key");
    REFUSES("http://127.0.0.1/latest/meta-data");
    REFUSES("https://example.com/x");
    REFUSES("jar:file:/x!/y");
    REFUSES("C:\\lake");
    REFUSES("~/lake");
    REFUSES(" /lake");
    TarnText path;
    CHECK(!tarn_store_resolve((TarnText){NULL, 0}, &path, NULL));
}

static void the_error_names_the_scheme(void) {
    TarnText path;
    TarnError error;
    CHECK(!tarn_store_resolve(TARN_TEXT("abfss://c@a/x"), &path, &error));
    CHECK(strstr(error.message, "abfss://c@a/x") != NULL);
    CHECK(strstr(error.message, "scheme \"abfss\"") != NULL);
    CHECK(error.hint[0] != '\0');
}

#define INSIDE(prefix, location) tarn_store_inside(TARN_TEXT(prefix), TARN_TEXT(location))

static void inside_is_by_segments(void) {
    CHECK(INSIDE("/a/b", "/a/b"));
    CHECK(INSIDE("/a/b", "/a/b/c"));
    CHECK(INSIDE("/a/b/", "/a/b/c"));
    CHECK(INSIDE("/a/b", "/a/b/"));
    CHECK(INSIDE("/a/b", "file:///a/b/c"));
    CHECK(INSIDE("file:/a/b", "/a/b/c"));
    CHECK(INSIDE("/a//./b", "//a/b/./c"));
    CHECK(INSIDE("/", "/a"));
    CHECK(!INSIDE("/a/b", "/a/bc"));
    CHECK(!INSIDE("/a/b", "/a"));
    CHECK(!INSIDE("/a/b", "/a/c/b"));
    CHECK(!INSIDE("/a/b", "/a/b/../c"));
    CHECK(!INSIDE("/a/b", "a/b/c"));
    CHECK(!INSIDE("/a/b", "s3://a/b/c"));
    CHECK(!INSIDE("gs://a/b", "gs://a/b/c")); /* not understood is not inside */
    CHECK(!INSIDE("", "/a"));
    CHECK(!INSIDE("/a/b", "/A/b"));
    CHECK(!INSIDE("/a/b", "/a%2Fb/c"));
}

/* Keys are bytes: what a file system would clean away makes another object there. */
static void s3_is_taken_byte_for_byte(void) {
    RESOLVES("s3://bucket", "s3://bucket");
    RESOLVES("s3://bucket/", "s3://bucket/");
    RESOLVES("s3a://my.bucket_1/a b/d=1/%2F/x?y#z", "s3a://my.bucket_1/a b/d=1/%2F/x?y#z");
    RESOLVES("s3n://b/k//x/", "s3n://b/k//x/");
    RESOLVES("s3://b/..a/b../...", "s3://b/..a/b../...");
    REFUSES("s3://");
    REFUSES("s3:///key");
    REFUSES("s3:bucket/key");
    REFUSES("s3:/bucket/key");
    REFUSES("S3://bucket/key");
    REFUSES("s3://b/a/../c");
    REFUSES("s3://b/..");
    REFUSES("s3://b/./c");
    REFUSES("s3://..");
    REFUSES("s3://u@h/x");
    REFUSES("s3://h:9000/x");
    REFUSES("s3://b?x/y");
    REFUSES("s3://b/a\nb");
    REFUSES("s3://b/a\0b");
    CHECK(INSIDE("s3://b/p", "s3://b/p"));
    CHECK(INSIDE("s3://b/p", "s3a://b/p/x"));
    CHECK(INSIDE("s3n://b/p/", "s3://b/p/x"));
    CHECK(INSIDE("s3://b", "s3://b/x"));
    CHECK(INSIDE("s3://b/", "s3://b"));
    CHECK(INSIDE("s3://b/p", "s3://b/p//x"));
    CHECK(!INSIDE("s3://b/p", "s3://b//p/x"));
    CHECK(!INSIDE("s3://b/p", "s3://b/px"));
    CHECK(!INSIDE("s3://b/p", "s3://b/P/x"));
    CHECK(!INSIDE("s3://b/p", "s3://b2/p/x"));
    CHECK(!INSIDE("s3://b", "s3://b2/x"));
    CHECK(!INSIDE("s3://b/p", "s3://b/p/../q"));
    CHECK(!INSIDE("s3://b/p", "/b/p/x"));
    CHECK(!INSIDE("/", "s3://b/p"));
}

static void temporary_names(void) {
    CHECK(tarn_store_is_temporary("/a/.tarn-draft-00ff"));
    CHECK(tarn_store_is_temporary(".tarn-draft-00ff"));
    CHECK(!tarn_store_is_temporary("/a/.tarn-draft-00ff/x"));
    CHECK(!tarn_store_is_temporary("/a/x.tarn-draft-00ff"));
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(three_forms_name_a_file);
    TAP_TEST(nothing_is_decoded_or_cleaned);
    TAP_TEST(everything_else_is_refused);
    TAP_TEST(the_error_names_the_scheme);
    TAP_TEST(inside_is_by_segments);
    TAP_TEST(s3_is_taken_byte_for_byte);
    TAP_TEST(temporary_names);
    return tap_end();
}
