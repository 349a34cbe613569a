/* The HTTP client against a server on loopback that answers, breaks off, stalls and lies. */
#include "net/http.h"

#include <pthread.h>
#include <unistd.h>

#include "base/limits.h"
#include "fake_http.h"
#include "tap.h"

typedef struct Server {
    FakeHow how;
    int status;
    size_t body_size;
    unsigned requests;
    unsigned connections;
    char method[16];
    char target[256];
    char seen[256]; /* header X-Test */
    size_t got;     /* bytes of the last body */
    char first;
} Server;

static void handle(void *state, const FakeRequest *request, FakeReply *reply) {
    Server *server = state;
    server->requests++;
    if (request->connection > server->connections) server->connections = request->connection;
    (void)snprintf(server->method, sizeof(server->method), "%s", request->method);
    (void)snprintf(server->target, sizeof(server->target), "%.250s", request->target);
    if (!fake_http_header(request, "x-test", server->seen, sizeof(server->seen))) {
        server->seen[0] = '\0';
    }
    server->got = request->body_size;
    server->first = request->body[0];
    reply->how = server->how;
    reply->status = server->status;
    reply->body = malloc(server->body_size + 1);
    if (reply->body == NULL) abort();
    memset(reply->body, 'x', server->body_size);
    reply->body_size = server->body_size;
    (void)snprintf(reply->headers, sizeof(reply->headers),
                   "X-Answer:  yes \r\nLocation: http://127.0.0.1:1/\r\n");
}

typedef struct Fixture {
    Server server;
    FakeHttp *http;
    TarnNetClient *client;
    TarnArena arena;
    TarnNetResponse response;
    TarnError error;
    char url[128];
} Fixture;

static void begin(Fixture *f, const TarnNetOptions *options) {
    *f = (Fixture){.server = {.status = 200, .body_size = 5}};
    f->http = fake_http_start(handle, &f->server);
    if (f->http == NULL) abort();
    (void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d/path?q=1", fake_http_port(f->http));
    tarn_base_arena_init(&f->arena, 64 * TARN_MIB);
    CHECK_OK(tarn_net_client_open(tarn_os_posix(), options, &f->client, &f->error), &f->error);
}

static void end(Fixture *f) {
    tarn_net_client_close(f->client);
    fake_http_stop(f->http);
    tarn_base_arena_dispose(&f->arena);
}

static bool ask(Fixture *f, const char *method, TarnText body, size_t limit) {
    TarnNetHeader header = {"X-Test", "a b"};
    TarnNetRequest request = {.method = method, .url = f->url, .headers = &header,
                              .header_count = 1, .body = body, .limit = limit};
    tarn_base_error_clear(&f->error);
    bool ok = tarn_net_send(f->client, &request, &f->arena, &f->response, &f->error);
    fake_http_settle(f->http);
    return ok;
}

static void gets_and_keeps_the_connection(void) {
    Fixture f;
    begin(&f, NULL);
    for (int i = 0; i < 5; i++) REQUIRE_OK(ask(&f, "GET", TARN_TEXT(""), 100), &f.error);
    CHECK_INT(f.response.status, 200);
    CHECK_STRING(f.response.body.data, "xxxxx");
    CHECK_STRING(tarn_net_header(&f.response, "x-answer"), "yes");
    CHECK(tarn_net_header(&f.response, "x-none") == NULL);
    CHECK_STRING(f.server.target, "/path?q=1");
    CHECK_STRING(f.server.seen, "a b");
    CHECK_INT(f.server.requests, 5);
    CHECK_INT(f.server.connections, 1);
    end(&f);
}

static void puts_memory_and_files(void) {
    Fixture f;
    begin(&f, NULL);
    char *big = malloc(3 * TARN_MIB);
    REQUIRE(big != NULL);
    memset(big, 'b', 3 * TARN_MIB);
    REQUIRE_OK(ask(&f, "PUT", (TarnText){big, 3 * TARN_MIB}, 100), &f.error);
    CHECK_INT(f.server.got, 3 * TARN_MIB);
    REQUIRE_OK(ask(&f, "PUT", TARN_TEXT(""), 100), &f.error);
    CHECK_INT(f.server.got, 0);
    CHECK_STRING(f.server.method, "PUT");
    REQUIRE_OK(ask(&f, "POST", TARN_TEXT("hello"), 100), &f.error);
    CHECK_INT(f.server.got, 5);
    CHECK_STRING(f.server.method, "POST");
    free(big);
    /* this program's own file: from its second byte on, "ELF" */
    const TarnOs *os = tarn_os_posix();
    TarnOsFile *file;
    REQUIRE_OK(os->file_open(os, "/proc/self/exe", TARN_OS_READ, &file, &f.error), &f.error);
    TarnNetRequest request = {.method = "PUT", .url = f.url, .file = file, .file_offset = 1,
                              .file_size = 20000, .limit = 100};
    CHECK_OK(tarn_net_send(f.client, &request, &f.arena, &f.response, &f.error), &f.error);
    CHECK_INT(f.server.got, 20000);
    CHECK_INT(f.server.first, 'E');
    tarn_os_file_discard(os, file);
    end(&f);
}

static void head_has_no_body_and_redirects_are_not_followed(void) {
    Fixture f;
    begin(&f, NULL);
    REQUIRE_OK(ask(&f, "HEAD", TARN_TEXT(""), 100), &f.error);
    CHECK_INT(f.response.body.size, 0);
    CHECK_STRING(tarn_net_header(&f.response, "content-length"), "5");
    REQUIRE_OK(ask(&f, "DELETE", TARN_TEXT(""), 100), &f.error);
    CHECK_STRING(f.server.method, "DELETE");
    f.server.status = 302;
    REQUIRE_OK(ask(&f, "GET", TARN_TEXT(""), 100), &f.error);
    CHECK_INT(f.response.status, 302);
    CHECK_INT(f.server.requests, 3);
    end(&f);
}

static void a_body_beyond_the_limit_is_refused(void) {
    Fixture f;
    begin(&f, NULL);
    f.server.body_size = 2 * TARN_MIB;
    REQUIRE_OK(ask(&f, "GET", TARN_TEXT(""), 2 * TARN_MIB), &f.error);
    CHECK_INT(f.response.body.size, 2 * TARN_MIB);
    CHECK(!ask(&f, "GET", TARN_TEXT(""), 2 * TARN_MIB - 1));
    CHECK_INT(f.error.code, TARN_E_LIMIT_EXCEEDED);
    CHECK(!f.error.retryable);
    f.server.status = 500; /* what a server says about an error is cut */
    REQUIRE_OK(ask(&f, "GET", TARN_TEXT(""), 10), &f.error);
    CHECK_INT(f.response.body.size, TARN_LIMIT_NET_ERROR_BODY_BYTES);
    CHECK(f.response.truncated);
    end(&f);
}

static void broken_answers_are_errors(void) {
    static const FakeHow hows[] = {FAKE_DROP, FAKE_RESET, FAKE_TRUNCATE};
    for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
        Fixture f;
        begin(&f, NULL);
        REQUIRE_OK(ask(&f, "GET", TARN_TEXT(""), 100), &f.error);
        f.server.how = hows[i];
        f.server.body_size = 1000;
        CHECK(!ask(&f, "PUT", TARN_TEXT("bytes"), 10000));
        CHECK_INT(f.error.code, TARN_E_UNAVAILABLE);
        CHECK(f.error.retryable);
        CHECK(f.error.outcome_unknown);
        /* a kept connection that broke is no reason to send a body twice */
        CHECK_INT(f.server.requests, 2);
        CHECK(strstr(f.error.message, "127.0.0.1") != NULL);
        CHECK(strstr(f.error.message, "q=1") == NULL);
        end(&f);
    }
}

static void a_post_without_a_body_is_sent_once(void) {
    Fixture f;
    begin(&f, NULL);
    REQUIRE_OK(ask(&f, "GET", TARN_TEXT(""), 100), &f.error);
    f.server.how = FAKE_DROP;
    CHECK(!ask(&f, "POST", TARN_TEXT(""), 100));
    CHECK(f.error.outcome_unknown);
    CHECK_INT(f.server.requests, 2);
    end(&f);
}

static void nobody_there(void) {
    Fixture f;
    begin(&f, NULL);
    (void)snprintf(f.url, sizeof(f.url), "http://127.0.0.1:1/secret?token=1");
    CHECK(!ask(&f, "PUT", TARN_TEXT("x"), 100));
    CHECK_INT(f.error.code, TARN_E_UNAVAILABLE);
    CHECK(f.error.retryable);
    CHECK(!f.error.outcome_unknown);
    CHECK(strstr(f.error.message, "token") == NULL);
    (void)snprintf(f.url, sizeof(f.url), "http://no-such-host.invalid/");
    CHECK(!ask(&f, "GET", TARN_TEXT(""), 100));
    CHECK_INT(f.error.code, TARN_E_UNAVAILABLE);
    CHECK(!f.error.outcome_unknown);
    end(&f);
}

static void silence_ends(void) {
    Fixture f;
    TarnNetOptions options = {.silence_ms = 1000};
    begin(&f, &options);
    f.server.how = FAKE_STALL;
    int64_t start = tarn_os_posix()->monotonic_us(tarn_os_posix());
    CHECK(!ask(&f, "PUT", TARN_TEXT("x"), 100));
    int64_t took = tarn_os_posix()->monotonic_us(tarn_os_posix()) - start;
    CHECK_INT(f.error.code, TARN_E_TIMEOUT);
    CHECK(f.error.retryable);
    CHECK(f.error.outcome_unknown);
    CHECK(took > 500000 && took < 10000000);
    end(&f);
    options = (TarnNetOptions){.request_ms = 300};
    begin(&f, &options);
    f.server.how = FAKE_STALL;
    CHECK(!ask(&f, "GET", TARN_TEXT(""), 100));
    CHECK_INT(f.error.code, TARN_E_TIMEOUT);
    end(&f);
}

static void *interrupt_soon(void *state) {
    (void)state;
    usleep(200000);
    tarn_os_interrupt();
    return NULL;
}

static void an_interrupt_ends_a_request(void) {
    Fixture f;
    pthread_t thread;
    begin(&f, NULL);
    f.server.how = FAKE_STALL;
    REQUIRE(pthread_create(&thread, NULL, interrupt_soon, NULL) == 0);
    int64_t start = tarn_os_posix()->monotonic_us(tarn_os_posix());
    CHECK(!ask(&f, "PUT", TARN_TEXT("x"), 100));
    CHECK(tarn_os_posix()->monotonic_us(tarn_os_posix()) - start < 5000000);
    CHECK_INT(f.error.code, TARN_E_INTERRUPTED);
    CHECK(f.error.outcome_unknown);
    pthread_join(thread, NULL);
    f.server.how = FAKE_ANSWER;
    CHECK(!ask(&f, "GET", TARN_TEXT(""), 100));
    CHECK_INT(f.error.code, TARN_E_INTERRUPTED);
    CHECK(!f.error.outcome_unknown);
    TarnNetRequest request = {.method = "DELETE", .url = f.url, .limit = 100, .finish = true};
    CHECK_OK(tarn_net_send(f.client, &request, &f.arena, &f.response, &f.error), &f.error);
    tarn_os_interrupt_clear();
    end(&f);
}

static void strange_urls_are_refused(void) {
    static const char *const urls[] = {"ftp://h/",     "file:///etc/passwd", "http:///x",
                                       "http://u@h/",  "http://h/a b",       "http://h/\r\nX: y",
                                       "gopher://h/1", ""};
    Fixture f;
    begin(&f, NULL);
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        TarnNetRequest request = {.method = "GET", .url = urls[i], .limit = 10};
        CHECK(!tarn_net_send(f.client, &request, &f.arena, &f.response, &f.error));
        CHECK_INT(f.error.code, TARN_E_LOCATION_INVALID);
    }
    TarnNetHeader header = {"X-Test", "a\r\nX-Evil: 1"};
    TarnNetRequest request = {.method = "GET", .url = f.url, .headers = &header,
                              .header_count = 1, .limit = 10};
    CHECK(!tarn_net_send(f.client, &request, &f.arena, &f.response, &f.error));
    CHECK_INT(f.error.code, TARN_E_LOCATION_INVALID);
    CHECK_INT(f.server.requests, 0);
    end(&f);
}

static Fixture shared;

static void *ask_often(void *state) {
    unsigned *good = state;
    TarnArena arena;
    TarnError error;
    tarn_base_arena_init(&arena, TARN_MIB);
    for (int i = 0; i < 50; i++) {
        TarnNetResponse response;
        TarnNetRequest request = {.method = "PUT", .url = shared.url, .body = TARN_TEXT("abc"),
                                  .limit = 100};
        if (tarn_net_send(shared.client, &request, &arena, &response, &error) &&
            response.status == 200 && response.body.size == 5) {
            (*good)++;
        }
    }
    tarn_base_arena_dispose(&arena);
    return NULL;
}

static void threads_share_a_client(void) {
    pthread_t threads[4];
    unsigned good[4] = {0};
    begin(&shared, NULL);
    for (int i = 0; i < 4; i++) {
        REQUIRE(pthread_create(&threads[i], NULL, ask_often, &good[i]) == 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(good[i], 50);
    }
    CHECK_INT(shared.server.requests, 200);
    CHECK(shared.server.connections <= 4);
    end(&shared);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(gets_and_keeps_the_connection);
    TAP_TEST(puts_memory_and_files);
    TAP_TEST(head_has_no_body_and_redirects_are_not_followed);
    TAP_TEST(a_body_beyond_the_limit_is_refused);
    TAP_TEST(broken_answers_are_errors);
    TAP_TEST(a_post_without_a_body_is_sent_once);
    TAP_TEST(nobody_there);
    TAP_TEST(silence_ends);
    TAP_TEST(an_interrupt_ends_a_request);
    TAP_TEST(strange_urls_are_refused);
    TAP_TEST(threads_share_a_client);
    return tap_end();
}
