/* Signature Version 4 against the signatures that AWS publishes: the examples of the Amazon S3 API
 * reference ("Authenticating Requests: Using the Authorization Header") and cases of the Signature
 * Version 4 test suite. */
#include "net/sigv4.h"

#include "base/limits.h"
#include "tap.h"

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void check_signature(int line, const TarnNetSignature *given, const char *want) {
    TarnError error;
    TarnBuffer out;
    tarn_base_error_clear(&error);
    tarn_base_buffer_init(&out, TARN_LIMIT_NET_ERROR_BODY_BYTES);
    if (!tarn_net_sign(given, &out, &error)) tap_fail(__FILE__, line, error.message);
    const char *got = out.data != NULL ? strstr(out.data, "Signature=") : NULL;
    tap_string(__FILE__, line, "signature", got != NULL ? got + 10 : NULL, want);
    tarn_base_buffer_dispose(&out);
}

/* ---- the examples for S3 ---- */

static TarnNetSignature s3(const char *method, const char *path, const char *query,
                           const TarnNetHeader *headers, size_t count, const char *hash) {
    return (TarnNetSignature){.method = method, .path = path, .query = query, .headers = headers,
                              .header_count = count, .payload_hash = hash, .service = "s3",
                              .region = "us-east-1", .access_key = "AKIAIOSFODNN7EXAMPLE",
                              .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                              .date = "20130524T000000Z"};
}

#define S3_HOST {"Host", "examplebucket.s3.amazonaws.com"}
#define S3_DATE {"x-amz-date", "20130524T000000Z"}

static void signs_a_ranged_get(void) {
    TarnNetHeader headers[] = {S3_HOST, {"Range", "bytes=0-9"},
                               {"x-amz-content-sha256", EMPTY_HASH}, S3_DATE};
    TarnNetSignature given = s3("GET", "/test.txt", "", headers, 4, EMPTY_HASH);
    check_signature(__LINE__, &given,
                    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void signs_a_put_whose_key_has_a_dollar(void) {
    const char *hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    TarnNetHeader headers[] = {S3_HOST, {"Date", "Fri, 24 May 2013 00:00:00 GMT"}, S3_DATE,
                               {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                               {"x-amz-content-sha256", hash}};
    TarnBuffer path;
    tarn_base_buffer_init(&path, 1000);
    tarn_net_encode(&path, TARN_TEXT("/test$file.text"), true);
    TarnNetSignature given = s3("PUT", path.data, "", headers, 5, hash);
    check_signature(__LINE__, &given,
                    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
    tarn_base_buffer_dispose(&path);
}

static void signs_a_query_of_one_name(void) {
    TarnError error;
    TarnBuffer query;
    tarn_base_buffer_init(&query, 1000);
    TarnNetParameter lifecycle = {"lifecycle", ""};
    REQUIRE_OK(tarn_net_query(&lifecycle, 1, &query, &error), &error);
    TarnNetHeader headers[] = {S3_HOST, S3_DATE, {"x-amz-content-sha256", EMPTY_HASH}};
    TarnNetSignature given = s3("GET", "/", query.data, headers, 3, EMPTY_HASH);
    check_signature(__LINE__, &given,
                    "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    tarn_base_buffer_dispose(&query);
}

static void signs_a_listing(void) {
    TarnError error;
    TarnBuffer query;
    tarn_base_buffer_init(&query, 1000);
    TarnNetParameter parameters[] = {{"prefix", "J"}, {"max-keys", "2"}}; /* sorted by us */
    REQUIRE_OK(tarn_net_query(parameters, 2, &query, &error), &error);
    TarnNetHeader headers[] = {S3_HOST, S3_DATE, {"x-amz-content-sha256", EMPTY_HASH}};
    TarnNetSignature given = s3("GET", "/", query.data, headers, 3, EMPTY_HASH);
    check_signature(__LINE__, &given,
                    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    tarn_base_buffer_dispose(&query);
}

/* ---- the test suite ---- */

static TarnNetSignature suite(const char *method, const char *path, const char *query,
                              const TarnNetHeader *headers, size_t count) {
    return (TarnNetSignature){.method = method, .path = path, .query = query, .headers = headers,
                              .header_count = count, .payload_hash = EMPTY_HASH,
                              .service = "service", .region = "us-east-1",
                              .access_key = "AKIDEXAMPLE",
                              .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                              .date = "20150830T123600Z"};
}

#define SUITE_HOST {"Host", "example.amazonaws.com"}
#define SUITE_DATE {"X-Amz-Date", "20150830T123600Z"}

static void get_vanilla(void) {
    TarnNetHeader headers[] = {SUITE_HOST, SUITE_DATE};
    TarnNetSignature given = suite("GET", "/", "", headers, 2);
    check_signature(__LINE__, &given,
                    "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

static void get_vanilla_query_order_key_case(void) {
    TarnError error;
    TarnBuffer query;
    tarn_base_buffer_init(&query, 1000);
    TarnNetParameter parameters[] = {{"Param2", "value2"}, {"Param1", "value1"}};
    REQUIRE_OK(tarn_net_query(parameters, 2, &query, &error), &error);
    TarnNetHeader headers[] = {SUITE_HOST, SUITE_DATE};
    TarnNetSignature given = suite("GET", "/", query.data, headers, 2);
    check_signature(__LINE__, &given,
                    "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
    tarn_base_buffer_dispose(&query);
}

static void get_utf8(void) {
    TarnBuffer path;
    tarn_base_buffer_init(&path, 1000);
    tarn_net_encode(&path, TARN_TEXT("/\xe1\x88\xb4"), true);
    CHECK_STRING(path.data, "/%E1%88%B4");
    TarnNetHeader headers[] = {SUITE_HOST, SUITE_DATE};
    TarnNetSignature given = suite("GET", path.data, "", headers, 2);
    check_signature(__LINE__, &given,
                    "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
    tarn_base_buffer_dispose(&path);
}

static void post_sts_header_before(void) {
    TarnNetHeader headers[] = {
        SUITE_HOST, SUITE_DATE,
        {"X-Amz-Security-Token",
         "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwA"
         "eMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8p"
         "hUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT"
         "38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabI"
         "Qwj2ICCR/oLxBA=="}};
    TarnNetSignature given = suite("POST", "/", "", headers, 3);
    check_signature(__LINE__, &given,
                    "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
}

static void values_are_trimmed_and_squeezed(void) {
    TarnNetHeader loose[] = {SUITE_HOST, {"My-Header1", "  a   b \t"}, SUITE_DATE};
    TarnNetHeader tight[] = {SUITE_DATE, SUITE_HOST, {"my-header1", "a b"}};
    TarnError error;
    TarnBuffer a;
    TarnBuffer b;
    tarn_base_buffer_init(&a, 4096);
    tarn_base_buffer_init(&b, 4096);
    TarnNetSignature one = suite("GET", "/", "", loose, 3);
    TarnNetSignature two = suite("GET", "/", "", tight, 3);
    REQUIRE_OK(tarn_net_sign(&one, &a, &error), &error);
    REQUIRE_OK(tarn_net_sign(&two, &b, &error), &error);
    CHECK_STRING(a.data, b.data);
    tarn_base_buffer_dispose(&a);
    tarn_base_buffer_dispose(&b);
}

/* libcurl 7.88's own signer fails on these keys. */
static void keys_are_encoded_once(void) {
    static const struct {
        const char *key;
        const char *path;
    } cases[] = {
        {"/data/day=2013-01-01/a+b c.parquet", "/data/day%3D2013-01-01/a%2Bb%20c.parquet"},
        {"/%20", "/%2520"},
        {"/a//b/../c", "/a//b/../c"},
        {"/M\xc3\xbcnchen/~x_y-z.0", "/M%C3%BCnchen/~x_y-z.0"},
        {"/q?x=1&y#z", "/q%3Fx%3D1%26y%23z"},
        {"/'(!)*,;:@", "/%27%28%21%29%2A%2C%3B%3A%40"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnBuffer out;
        tarn_base_buffer_init(&out, 1000);
        tarn_net_encode(&out, tarn_base_text(cases[i].key), true);
        CHECK_STRING(out.data, cases[i].path);
        tarn_base_buffer_dispose(&out);
    }
}

static void dates_and_digests(void) {
    char date[TARN_NET_AMZ_DATE_BYTES];
    tarn_net_amz_date(1440938160000000, date);
    CHECK_STRING(date, "20150830T123600Z");
    char hex[65];
    TarnError error;
    REQUIRE_OK(tarn_net_sha256(TARN_TEXT(""), hex, &error), &error);
    CHECK_STRING(hex, EMPTY_HASH);
    unsigned char md5[TARN_NET_MD5_BYTES];
    REQUIRE(tarn_net_md5(TARN_TEXT("hello"), md5));
    TarnBuffer out;
    tarn_base_buffer_init(&out, 1000);
    tarn_net_base64(&out, md5, sizeof(md5));
    CHECK_STRING(out.data, "XUFAKrxLKna5cZ2REBfFkg==");
    tarn_base_buffer_clear(&out);
    tarn_net_base64(&out, (const unsigned char *)"ab", 2);
    tarn_net_base64(&out, (const unsigned char *)"abc", 3);
    CHECK_STRING(out.data, "YWI=YWJj");
    tarn_base_buffer_dispose(&out);
    int64_t us = 0;
    CHECK(tarn_net_date_parse(TARN_TEXT("Sun, 30 Aug 2015 12:36:00 GMT"), &us));
    CHECK_INT(us, 1440938160000000);
    CHECK(!tarn_net_date_parse(TARN_TEXT("Sun, 30 Xug 2015 12:36:00 GMT"), &us));
    CHECK(!tarn_net_date_parse(TARN_TEXT("yesterday"), &us));
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(signs_a_ranged_get);
    TAP_TEST(signs_a_put_whose_key_has_a_dollar);
    TAP_TEST(signs_a_query_of_one_name);
    TAP_TEST(signs_a_listing);
    TAP_TEST(get_vanilla);
    TAP_TEST(get_vanilla_query_order_key_case);
    TAP_TEST(get_utf8);
    TAP_TEST(post_sts_header_before);
    TAP_TEST(values_are_trimmed_and_squeezed);
    TAP_TEST(keys_are_encoded_once);
    TAP_TEST(dates_and_digests);
    return tap_end();
}
