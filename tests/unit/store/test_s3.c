/* The S3 store against a server that fails in every way S3 and what lies before it can: no object
 * is lost, none is written twice, and no outcome is guessed. */
#include "base/fault.h"
#include "base/limits.h"
#include "fake_s3.h"
#include "scratch.h"
#include "store/s3.h"
#include "tap.h"

typedef struct Fixture {
    FakeS3 *fake;
    TarnStore *store;
    TarnArena arena;
    TarnError error;
} Fixture;

static void begin(Fixture *f) {
    *f = (Fixture){.fake = fake_s3_start()};
    tarn_base_arena_init(&f->arena, 256 * TARN_MIB);
    TarnStoreS3Options s3 = {.endpoint = fake_s3_endpoint(f->fake), .region = "eu-west-1",
                             .access_key = "AKID", .secret_key = "no-one-may-see-this",
                             .retry_ms = 2000, .silence_ms = 1000, .part_bytes = 10000};
    TarnStoreOptions options = {.s3 = &s3};
    CHECK_OK(tarn_store_open(tarn_os_posix(), "s3://lake/p", &options, &f->store, &f->error),
             &f->error);
}

static void end(Fixture *f) {
    tarn_store_close(f->store);
    fake_s3_stop(f->fake);
    tarn_base_arena_dispose(&f->arena);
}

static bool put(Fixture *f, const char *location, const char *content, TarnStorePut how) {
    tarn_base_error_clear(&f->error);
    return tarn_store_put(f->store, location, tarn_base_text(content), how, NULL, &f->error);
}

static const char *get(Fixture *f, const char *location) {
    TarnText content;
    tarn_base_error_clear(&f->error);
    return tarn_store_get(f->store, location, TARN_STORE_WHOLE, 100000, &f->arena, &content, NULL,
                          &f->error)
               ? content.data
               : NULL;
}

#define X "s3://lake/p/x"

static const FakeFault passing[] = {
    {.count = 2, .how = FAKE_ANSWER, .status = 500, .code = "InternalError"},
    {.count = 3, .how = FAKE_ANSWER, .status = 503, .code = "SlowDown"},
    {.count = 1, .how = FAKE_ANSWER, .status = 503, .code = "SlowDown",
     .header = "Retry-After: 1\r\n"},
    {.count = 2, .how = FAKE_ANSWER, .status = 429, .code = "TooManyRequests"},
    {.count = 2, .how = FAKE_ANSWER, .status = 400, .code = "RequestTimeout"},
    {.count = 1, .how = FAKE_ANSWER, .status = 502, .code = ""},
    {.count = 2, .how = FAKE_DROP},
    {.count = 2, .how = FAKE_RESET},
    {.count = 1, .how = FAKE_TRUNCATE, .apply = true},
    {.count = 1, .how = FAKE_STALL},
};

static void what_passes_is_waited_out(void) {
    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
        Fixture f;
        begin(&f);
        fake_s3_plant(f.fake, "p/x", "some bytes of some object");
        fake_s3_fault(f.fake, &passing[i]);
        CHECK_STRING(get(&f, X), "some bytes of some object");
        CHECK_INT(fake_s3_requests(f.fake, "GET"), passing[i].count + 1);
        fake_s3_fault(f.fake, &passing[i]);
        CHECK_OK(put(&f, X, "new", TARN_STORE_REPLACE), &f.error);
        fake_s3_fault(f.fake, NULL);
        CHECK_STRING(get(&f, X), "new");
        end(&f);
    }
}

static void trying_has_an_end(void) {
    Fixture f;
    begin(&f);
    FakeFault fault = {.count = 100000, .status = 503, .code = "SlowDown"};
    fake_s3_fault(f.fake, &fault);
    int64_t start = tarn_os_posix()->monotonic_us(tarn_os_posix());
    CHECK(get(&f, X) == NULL);
    int64_t took = tarn_os_posix()->monotonic_us(tarn_os_posix()) - start;
    CHECK_INT(f.error.code, TARN_E_UNAVAILABLE);
    CHECK(f.error.retryable);
    CHECK(strstr(f.error.message, X) != NULL);
    CHECK(took < 6000000);
    CHECK(fake_s3_requests(f.fake, "") > 3);
    end(&f);
}

/* ---- exclusive puts ---- */

static const FakeFault lost[] = {
    {.method = "PUT", .count = 1, .apply = true, .how = FAKE_DROP},
    {.method = "PUT", .count = 1, .apply = true, .how = FAKE_RESET},
    {.method = "PUT", .count = 1, .apply = true, .how = FAKE_TRUNCATE},
    {.method = "PUT", .count = 1, .apply = true, .how = FAKE_STALL},
    {.method = "PUT", .count = 1, .apply = true, .status = 500, .code = "InternalError"},
    {.method = "PUT", .count = 1, .apply = true, .status = 503, .code = "SlowDown"},
    {.method = "PUT", .count = 1, .apply = true, .status = 504, .code = ""},
    {.method = "PUT", .count = 1, .apply = true, .status = 412, .code = "PreconditionFailed"},
};

static void a_lost_answer_is_found_out(void) {
    for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
        for (int forget = 0; forget < 2; forget++) {
            Fixture f;
            begin(&f);
            fake_s3_forget_metadata(f.fake, forget == 1);
            fake_s3_fault(f.fake, &lost[i]);
            CHECK_OK(put(&f, X, "mine", TARN_STORE_IF_ABSENT), &f.error);
            CHECK_INT(fake_s3_made(f.fake, "p/x"), 1);
            CHECK_STRING(fake_s3_bytes(f.fake, "p/x", NULL), "mine");
            CHECK_INT(fake_s3_requests(f.fake, "PUT"), 1);
            CHECK_INT(fake_s3_requests(f.fake, "HEAD"), 1);
            end(&f);
        }
    }
}

/* The same answers where nothing was done: once more, and there is one object. */
static void a_request_that_did_nothing_is_repeated(void) {
    for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
        Fixture f;
        FakeFault fault = lost[i];
        fault.apply = false;
        begin(&f);
        fake_s3_fault(f.fake, &fault);
        CHECK_OK(put(&f, X, "mine", TARN_STORE_IF_ABSENT), &f.error);
        CHECK_INT(fake_s3_made(f.fake, "p/x"), 1);
        CHECK_INT(fake_s3_requests(f.fake, "PUT"), 2);
        end(&f);
    }
}

static void anothers_object_is_not_taken_for_ours(void) {
    Fixture f;
    begin(&f);
    /* the same bytes, but by another writer of ours: its id tells */
    CHECK_OK(put(&f, X, "same", TARN_STORE_IF_ABSENT), &f.error);
    CHECK(!put(&f, X, "same", TARN_STORE_IF_ABSENT));
    CHECK_INT(f.error.code, TARN_E_OBJECT_EXISTS);
    FakeFault fault = {.method = "PUT", .count = 1, .how = FAKE_DROP};
    fake_s3_fault(f.fake, &fault);
    CHECK(!put(&f, X, "same", TARN_STORE_IF_ABSENT));
    CHECK_INT(f.error.code, TARN_E_OBJECT_EXISTS);
    CHECK(!f.error.outcome_unknown);
    fake_s3_fault(f.fake, &fault);
    fake_s3_plant(f.fake, "p/foreign", "other");
    CHECK(!put(&f, "s3://lake/p/foreign", "mine!", TARN_STORE_IF_ABSENT));
    CHECK_INT(f.error.code, TARN_E_OBJECT_EXISTS);
    CHECK_STRING(fake_s3_bytes(f.fake, "p/foreign", NULL), "other");
    CHECK_INT(fake_s3_made(f.fake, "p/x"), 1);
    end(&f);
}

static void what_cannot_be_learned_is_said(void) {
    Fixture f;
    begin(&f);
    FakeFault fault = {.count = 100000, .apply = true, .how = FAKE_DROP};
    fake_s3_fault(f.fake, &fault); /* also the answers to HEAD are lost */
    CHECK(!put(&f, X, "mine", TARN_STORE_IF_ABSENT));
    CHECK(f.error.outcome_unknown);
    CHECK_INT(f.error.code, TARN_E_UNAVAILABLE);
    CHECK_INT(fake_s3_requests(f.fake, "PUT"), 1);
    end(&f);
    begin(&f);
    FakeFault denied = {.count = 100000, .status = 403, .code = "AccessDenied"};
    fake_s3_fault(f.fake, &denied);
    CHECK(!put(&f, X, "mine", TARN_STORE_IF_ABSENT));
    CHECK(!f.error.outcome_unknown);
    end(&f);
}

static void two_at_once_are_told_to_come_again(void) {
    Fixture f;
    begin(&f);
    FakeFault fault = {.method = "PUT", .count = 2, .status = 409,
                       .code = "ConditionalRequestConflict"};
    fake_s3_fault(f.fake, &fault);
    CHECK_OK(put(&f, X, "mine", TARN_STORE_IF_ABSENT), &f.error);
    CHECK_INT(fake_s3_requests(f.fake, "PUT"), 3);
    CHECK_INT(fake_s3_made(f.fake, "p/x"), 1);
    end(&f);
}

/* A store that takes If-None-Match for decoration: the probe must see it. */
static void a_store_without_exclusive_puts_is_refused(void) {
    Fixture f;
    begin(&f);
    fake_s3_ignore_conditions(f.fake, true);
    CHECK(!tarn_store_probe(f.store, &f.error));
    CHECK_INT(f.error.code, TARN_E_FORMAT_UNSUPPORTED);
    CHECK_INT(fake_s3_objects(f.fake), 0);
    fake_s3_ignore_conditions(f.fake, false);
    CHECK_OK(tarn_store_probe(f.store, &f.error), &f.error);
    CHECK_INT(fake_s3_objects(f.fake), 0);
    end(&f);
}

/* ---- parts ---- */

static const char *write_source(const Scratch *scratch, size_t size) {
    const char *path = scratch_at(scratch, "source");
    FILE *file = fopen(path, "wb");
    if (file == NULL) abort();
    for (size_t i = 0; i < size; i++) fputc('a' + (int)(i % 23), file);
    fclose(file);
    return path;
}

static bool is_whole(Fixture *f, size_t size) {
    size_t got = 0;
    const char *bytes = fake_s3_bytes(f->fake, "p/x", &got);
    if (bytes == NULL || got != size) return false;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 'a' + (int)(i % 23)) return false;
    }
    return true;
}

static const FakeFault in_parts[] = {
    {.count = 0},
    {.query = "uploads", .count = 1, .how = FAKE_DROP},
    {.query = "uploads", .count = 1, .status = 503, .code = "SlowDown"},
    {.query = "partNumber=2", .count = 2, .how = FAKE_RESET},
    {.query = "partNumber=4", .count = 1, .how = FAKE_DROP, .apply = true},
    {.query = "partNumber=1", .count = 1, .status = 500, .code = "InternalError"},
    {.method = "POST", .query = "uploadId", .count = 1, .how = FAKE_DROP, .apply = true},
    {.method = "POST", .query = "uploadId", .count = 1, .how = FAKE_DROP},
    {.method = "POST", .query = "uploadId", .count = 1, .status = 500, .code = "InternalError",
     .apply = true},
    {.method = "POST", .query = "uploadId", .count = 1, .status = 200, .code = "InternalError"},
    {.method = "POST", .query = "uploadId", .count = 1, .status = 200, .code = "InternalError",
     .apply = true},
    {.method = "POST", .query = "uploadId", .count = 1, .status = 409,
     .code = "ConditionalRequestConflict"},
};

static void large_files_arrive_whole_or_not_at_all(void) {
    Scratch scratch;
    scratch_make(&scratch);
    const char *source = write_source(&scratch, 45000);
    for (size_t i = 0; i < sizeof(in_parts) / sizeof(in_parts[0]); i++) {
        for (int how = 0; how < 2; how++) {
            Fixture f;
            begin(&f);
            fake_s3_fault(f.fake, &in_parts[i]);
            tarn_base_error_clear(&f.error);
            bool ok = tarn_store_put_file(f.store, X, source,
                                          how == 0 ? TARN_STORE_IF_ABSENT : TARN_STORE_REPLACE,
                                          NULL, &f.error);
            bool replayed = how == 1 && in_parts[i].apply && in_parts[i].method != NULL;
            if (replayed) { /* the upload is gone: nobody can say whether it was completed */
                CHECK(ok || f.error.outcome_unknown);
            } else {
                CHECK_OK(ok, &f.error);
            }
            CHECK(is_whole(&f, 45000));
            CHECK_INT(fake_s3_made(f.fake, "p/x"), 1);
            end(&f);
        }
    }
    scratch_remove(&scratch);
}

static void a_failed_upload_is_aborted(void) {
    Scratch scratch;
    Fixture f;
    scratch_make(&scratch);
    begin(&f);
    const char *source = write_source(&scratch, 45000);
    FakeFault fault = {.query = "partNumber=3", .count = 1000, .status = 403,
                       .code = "AccessDenied"};
    fake_s3_fault(f.fake, &fault);
    CHECK(!tarn_store_put_file(f.store, X, source, TARN_STORE_IF_ABSENT, NULL, &f.error));
    CHECK_INT(f.error.code, TARN_E_DENIED_BY_STORE);
    CHECK_INT(fake_s3_uploads(f.fake), 0);
    CHECK_INT(fake_s3_objects(f.fake), 0);
    fake_s3_fault(f.fake, NULL);
    tarn_base_fault_init("store.s3.before_complete=error");
    CHECK(!tarn_store_put_file(f.store, X, source, TARN_STORE_IF_ABSENT, NULL, &f.error));
    CHECK_INT(f.error.code, TARN_E_FAULT_INJECTED);
    tarn_base_fault_init(NULL);
    CHECK_INT(fake_s3_uploads(f.fake), 0);
    CHECK_INT(fake_s3_objects(f.fake), 0);
    fake_s3_plant(f.fake, "p/x", "there");
    CHECK(!tarn_store_put_file(f.store, X, source, TARN_STORE_IF_ABSENT, NULL, &f.error));
    CHECK_INT(f.error.code, TARN_E_OBJECT_EXISTS);
    CHECK_INT(fake_s3_uploads(f.fake), 0);
    end(&f);
    scratch_remove(&scratch);
}

/* ---- what a refusal is called ---- */

static void refusals_have_names(void) {
    static const struct {
        int status;
        const char *code;
        const char *extra;
        const char *header;
        TarnErrorCode want;
        const char *message;
        const char *hint;
    } cases[] = {
        {403, "AccessDenied", NULL, NULL, TARN_E_DENIED_BY_STORE, "denies access", "rights"},
        {403, "InvalidAccessKeyId", NULL, NULL, TARN_E_DENIED_BY_STORE, "access key",
         "AWS_ACCESS_KEY_ID"},
        {403, "SignatureDoesNotMatch", "<StringToSign>x</StringToSign>", NULL,
         TARN_E_DENIED_BY_STORE, "secret key", "storage.secret_key"},
        {400, "ExpiredToken", NULL, NULL, TARN_E_DENIED_BY_STORE, "have expired", "new ones"},
        {400, "InvalidToken", NULL, NULL, TARN_E_DENIED_BY_STORE, "session token", "AWS_SESSION"},
        {403, "RequestTimeTooSkewed", "<ServerTime>2026-11-21T01:02:03Z</ServerTime>", NULL,
         TARN_E_DENIED_BY_STORE, "there 2026-11-21T01:02:03Z", "clock"},
        {403, "RequestTimeTooSkewed", NULL, "Date: Sat, 21 Nov 2026 01:02:04 GMT\r\n",
         TARN_E_DENIED_BY_STORE, "there 2026-11-21T01:02:04Z", "clock"},
        {301, "PermanentRedirect", NULL, "x-amz-bucket-region: ap-south-1\r\n",
         TARN_E_DENIED_BY_STORE, "ap-south-1", "ap-south-1"},
        {400, "AuthorizationHeaderMalformed", "<Region>ap-south-2</Region>", NULL,
         TARN_E_DENIED_BY_STORE, "ap-south-2", "storage.region"},
        {404, "NoSuchBucket", NULL, NULL, TARN_E_OBJECT_NOT_FOUND, "bucket \"lake\"", "endpoint"},
        {400, "InvalidArgument", NULL, NULL, TARN_E_IO, "InvalidArgument", ""},
        {404, "NoSuchKey", NULL, NULL, TARN_E_OBJECT_NOT_FOUND, X, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        Fixture f;
        begin(&f);
        FakeFault fault = {.count = 100, .status = cases[i].status, .code = cases[i].code,
                           .extra = cases[i].extra, .header = cases[i].header};
        fake_s3_fault(f.fake, &fault);
        CHECK(get(&f, X) == NULL);
        CHECK_INT(f.error.code, cases[i].want);
        if (strstr(f.error.message, cases[i].message) == NULL) {
            tap_fail(__FILE__, __LINE__, f.error.message);
        }
        if (strstr(f.error.hint, cases[i].hint) == NULL) {
            tap_fail(__FILE__, __LINE__, f.error.hint);
        }
        CHECK(strstr(f.error.message, "no-one-may-see") == NULL);
        CHECK(strstr(f.error.detail, "no-one-may-see") == NULL);
        if (cases[i].status == 403) { /* HEAD has no body, yet the reason is found */
            TarnStoreObject object;
            CHECK(!tarn_store_stat(f.store, X, &object, &f.error));
            CHECK(strstr(f.error.message, cases[i].message) != NULL);
        }
        end(&f);
    }
}

static void answers_that_make_no_sense(void) {
    static const char *const codes[] = {
        "</Code><Code>", "&bomb;", "<!DOCTYPE x [<!ENTITY a 'b'>]>", "<![CDATA[x]]>", "<<<",
        "&#0;", "&#xD800;"};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        Fixture f;
        begin(&f);
        FakeFault fault = {.count = 100, .status = 400, .code = codes[i]};
        fake_s3_fault(f.fake, &fault);
        CHECK(get(&f, X) == NULL);
        CHECK_INT(f.error.code, TARN_E_IO);
        end(&f);
    }
}

static void deleting_tells_what_stayed(void) {
    Fixture f;
    begin(&f);
    fake_s3_plant(f.fake, "p/a", "x");
    fake_s3_plant(f.fake, "p/protected", "x");
    fake_s3_plant(f.fake, "p/protected too", "x");
    fake_s3_plant(f.fake, "p/z", "x");
    const char *all[] = {"s3://lake/p/a", "s3://lake/p/protected", "s3://lake/p/protected too",
                         "s3://lake/p/z"};
    bool removed[4] = {false, true, true, false};
    CHECK(!tarn_store_delete_many(f.store, all, 4, removed, &f.error));
    CHECK_INT(f.error.code, TARN_E_DENIED_BY_STORE);
    CHECK(strstr(f.error.message, "did not delete 2 of 4 objects") != NULL);
    CHECK(strstr(f.error.message, "\"s3://lake/p/protected\": AccessDenied") != NULL);
    CHECK(removed[0] && !removed[1] && !removed[2] && removed[3]);
    CHECK_INT(fake_s3_objects(f.fake), 2);
    CHECK_INT(fake_s3_requests(f.fake, "POST"), 1);
    end(&f);
}

/* Under "200 OK" each object may have an answer of its own. */
static void what_a_busy_store_kept_is_deleted_later(void) {
    Fixture f;
    begin(&f);
    const char *all[] = {"s3://lake/p/a", "s3://lake/p/busy <&>", "s3://lake/p/busy2"};
    bool removed[3] = {false};
    for (int i = 0; i < 3; i++) fake_s3_plant(f.fake, all[i] + strlen("s3://lake/"), "x");
    fake_s3_busy(f.fake, 3);
    CHECK_OK(tarn_store_delete_many(f.store, all, 3, removed, &f.error), &f.error);
    CHECK(removed[0] && removed[1] && removed[2]);
    CHECK_INT(fake_s3_objects(f.fake), 0);
    CHECK_INT(fake_s3_requests(f.fake, "POST"), 3);
    for (int i = 0; i < 3; i++) fake_s3_plant(f.fake, all[i] + strlen("s3://lake/"), "x");
    fake_s3_busy(f.fake, 1000000);
    CHECK(!tarn_store_delete_many(f.store, all, 3, removed, &f.error));
    CHECK_INT(f.error.code, TARN_E_UNAVAILABLE);
    CHECK(f.error.retryable && strstr(f.error.message, "2 of 3 objects") != NULL);
    CHECK(removed[0] && !removed[1] && !removed[2]);
    end(&f);
}

/* Bytes that XML cannot carry may stand in a URL. */
static void names_that_no_batch_can_carry(void) {
    Fixture f;
    begin(&f);
    const char *all[] = {"s3://lake/p/a", "s3://lake/p/\xff"};
    for (int i = 0; i < 2; i++) fake_s3_plant(f.fake, all[i] + strlen("s3://lake/"), "x");
    CHECK_OK(tarn_store_delete_many(f.store, all, 2, NULL, &f.error), &f.error);
    CHECK_INT(fake_s3_objects(f.fake), 0);
    CHECK_INT(fake_s3_requests(f.fake, "DELETE"), 2);
    end(&f);
}

/* More keys than one batch holds. */
static void two_thousand_objects(void) {
    Fixture f;
    begin(&f);
    const char **all = calloc(2100, sizeof(*all));
    REQUIRE(all != NULL);
    for (int i = 0; i < 2100; i++) {
        char key[32];
        snprintf(key, sizeof(key), "p/%05d", i);
        fake_s3_plant(f.fake, key, "x");
        all[i] = tarn_base_arena_printf(&f.arena, "s3://lake/%s", key);
    }
    CHECK_OK(tarn_store_delete_many(f.store, all, 2100, NULL, &f.error), &f.error);
    CHECK_INT(fake_s3_objects(f.fake), 0);
    CHECK_INT(fake_s3_requests(f.fake, "POST"), 3);
    free(all);
    end(&f);
}

static void places_that_cannot_be(void) {
    static const struct {
        const char *root;
        TarnStoreS3Options options;
        TarnErrorCode code;
    } cases[] = {
        {"s3://", {0}, TARN_E_LOCATION_INVALID},
        {"s3:/lake", {0}, TARN_E_LOCATION_INVALID},
        {"s3://a@b/x", {0}, TARN_E_LOCATION_INVALID},
        {"s3://lake/a/../b", {0}, TARN_E_LOCATION_INVALID},
        {"s3://lake/a\nb", {0}, TARN_E_LOCATION_INVALID},
        {"S3://lake/a", {0}, TARN_E_LOCATION_INVALID},
        {"s3://lake", {.endpoint = "http://"}, TARN_E_CONFIG},
        {"s3://lake", {.endpoint = "http://h/path"}, TARN_E_CONFIG},
        {"s3://lake", {.endpoint = "http://u:p@h"}, TARN_E_CONFIG},
        {"s3://lake", {.access_key = "a"}, TARN_E_CONFIG},
        {"s3://lake", {.secret_key = "a"}, TARN_E_CONFIG},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnStore *store;
        TarnError error;
        TarnStoreOptions options = {.s3 = &cases[i].options};
        CHECK(!tarn_store_open(tarn_os_posix(), cases[i].root, &options, &store, &error));
        CHECK_INT(error.code, cases[i].code);
    }
}

static void styles(void) {
    static const struct {
        const char *root;
        const char *endpoint;
        TarnStoreS3Style style;
        const char *host;
        bool path_style;
        bool secure;
    } cases[] = {
        {"s3://lake/x/", NULL, 0, "s3.eu-west-3.amazonaws.com", false, true},
        {"s3://la.ke/x", NULL, 0, "s3.eu-west-3.amazonaws.com", true, true},
        {"s3://lake", NULL, TARN_STORE_S3_STYLE_PATH, "s3.eu-west-3.amazonaws.com", true, true},
        {"s3n://lake", "http://h:9000/", 0, "h:9000", true, false},
        {"s3a://lake/", "h:9000", TARN_STORE_S3_STYLE_VIRTUAL, "h:9000", false, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnStore *store;
        TarnError error;
        TarnArena arena;
        TarnStoreS3Access access;
        TarnStoreS3Options s3 = {.endpoint = cases[i].endpoint, .region = "eu-west-3",
                                 .style = cases[i].style, .access_key = "a", .secret_key = "b",
                                 .session_token = "c"};
        TarnStoreOptions options = {.s3 = &s3};
        tarn_base_arena_init(&arena, TARN_MIB);
        REQUIRE_OK(tarn_store_open(tarn_os_posix(), cases[i].root, &options, &store, &error),
                   &error);
        CHECK_OK(tarn_store_s3_access(store, &arena, &access, &error), &error);
        CHECK_STRING(access.host, cases[i].host);
        CHECK_INT(access.path_style, cases[i].path_style);
        CHECK_INT(access.secure, cases[i].secure);
        CHECK_STRING(access.session_token, "c");
        CHECK(store->root[strlen(store->root) - 1] != '/');
        tarn_store_close(store);
        tarn_base_arena_dispose(&arena);
    }
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(what_passes_is_waited_out);
    TAP_TEST(trying_has_an_end);
    TAP_TEST(a_lost_answer_is_found_out);
    TAP_TEST(a_request_that_did_nothing_is_repeated);
    TAP_TEST(anothers_object_is_not_taken_for_ours);
    TAP_TEST(what_cannot_be_learned_is_said);
    TAP_TEST(two_at_once_are_told_to_come_again);
    TAP_TEST(a_store_without_exclusive_puts_is_refused);
    TAP_TEST(large_files_arrive_whole_or_not_at_all);
    TAP_TEST(a_failed_upload_is_aborted);
    TAP_TEST(refusals_have_names);
    TAP_TEST(answers_that_make_no_sense);
    TAP_TEST(deleting_tells_what_stayed);
    TAP_TEST(what_a_busy_store_kept_is_deleted_later);
    TAP_TEST(names_that_no_batch_can_carry);
    TAP_TEST(two_thousand_objects);
    TAP_TEST(places_that_cannot_be);
    TAP_TEST(styles);
    return tap_end();
}
