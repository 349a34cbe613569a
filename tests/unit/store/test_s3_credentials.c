/* Where keys for S3 come from: settings, environment, profile files, the services of containers and
 * machines; and that they are fetched anew in time. */
#include "base/limits.h"
#include "fake_s3.h"
#include "scratch.h"
#include "store/s3_private.h"
#include "tap.h"

typedef struct Variable {
    const char *name;
    const char *value;
} Variable;

typedef struct World {
    TarnOs os;
    Variable variables[16];
    size_t count;
    int64_t now_us;
} World;

static World world;

static const char *world_environment(const TarnOs *os, const char *name) {
    (void)os;
    for (size_t i = 0; i < world.count; i++) {
        if (strcmp(world.variables[i].name, name) == 0) return world.variables[i].value;
    }
    return NULL;
}

static int64_t world_clock(const TarnOs *os) {
    (void)os;
    return world.now_us;
}

static void world_begin(void) {
    world = (World){.os = *tarn_os_posix(), .now_us = 1800000000000000};
    world.os.environment = world_environment;
    world.os.clock_us = world_clock;
}

static void set(const char *name, const char *value) {
    world.variables[world.count++] = (Variable){name, value};
}

/* "access/secret/token" of what the chain finds, or "" with the error. */
static const char *find_keys(const TarnStoreS3Options *options, TarnError *error) {
    static char text[256];
    TarnStoreCredentials credentials;
    TarnStoreKeys keys;
    TarnArena arena;
    text[0] = '\0';
    tarn_base_arena_init(&arena, TARN_LIMIT_STORE_PROFILE_BYTES);
    tarn_store__credentials_init(&credentials, &world.os, options);
    tarn_base_error_clear(error);
    if (tarn_store__credentials_get(&credentials, false, &arena, &keys, error)) {
        (void)snprintf(text, sizeof(text), "%s/%s/%s", keys.access_key, keys.secret_key,
                       keys.session_token);
    }
    tarn_store__credentials_dispose(&credentials);
    tarn_base_arena_dispose(&arena);
    return text;
}

static const TarnStoreS3Options nothing;

static void settings_go_before_the_environment(void) {
    TarnError error;
    world_begin();
    set("AWS_ACCESS_KEY_ID", "E");
    set("AWS_SECRET_ACCESS_KEY", "ES");
    set("AWS_SESSION_TOKEN", "ET");
    TarnStoreS3Options given = {.access_key = "G", .secret_key = "GS"};
    CHECK_STRING(find_keys(&given, &error), "G/GS/");
    CHECK_STRING(find_keys(&nothing, &error), "E/ES/ET");
}

static void profiles(void) {
    TarnError error;
    Scratch scratch;
    scratch_make(&scratch);
    REQUIRE(mkdir(scratch_at(&scratch, ".aws"), 0700) == 0);
    scratch_write(scratch_at(&scratch, ".aws/credentials"),
                  "# mine\n[default]\naws_access_key_id = D\naws_secret_access_key=DS=x\n"
                  "\n[work]\r\naws_access_key_id = W\r\naws_secret_access_key = WS\r\n"
                  "aws_session_token = WT\r\n[half]\naws_access_key_id = H\n");
    scratch_write(scratch_at(&scratch, ".aws/config"),
                  "[default]\nregion = eu-north-1\ns3 =\n  region = nested\n"
                  "[profile cfg]\naws_access_key_id = C\naws_secret_access_key = CS\n"
                  "region=us-west-2\nendpoint_url = http://127.0.0.1:9\n[work]\nregion = no\n");
    world_begin();
    set("HOME", scratch.path);
    set("AWS_EC2_METADATA_DISABLED", "true");
    CHECK_STRING(find_keys(&nothing, &error), "D/DS=x/");
    TarnStoreS3Options work = {.profile = "work"};
    CHECK_STRING(find_keys(&work, &error), "W/WS/WT");
    TarnStoreS3Options config = {.profile = "cfg"};
    CHECK_STRING(find_keys(&config, &error), "C/CS/");
    TarnStoreS3Options half = {.profile = "half"};
    CHECK_STRING(find_keys(&half, &error), "");
    CHECK_INT(error.code, TARN_E_DENIED_BY_STORE);
    CHECK(strstr(error.hint, "AWS_ACCESS_KEY_ID") != NULL);
    set("AWS_PROFILE", "work");
    CHECK_STRING(find_keys(&nothing, &error), "W/WS/WT");
    TarnArena arena;
    const char *value;
    tarn_base_arena_init(&arena, 64 * 1024);
    CHECK(tarn_store__profile_value(&world.os, "cfg", "region", &arena, &value, &error));
    CHECK_STRING(value, "us-west-2");
    CHECK(tarn_store__profile_value(&world.os, "default", "region", &arena, &value, &error));
    CHECK_STRING(value, "eu-north-1");
    CHECK(tarn_store__profile_value(&world.os, "work", "region", &arena, &value, &error));
    CHECK(value == NULL); /* the config file wants "profile work" */
    tarn_base_arena_dispose(&arena);
    set("AWS_ACCESS_KEY_ID", "E"); /* a half pair is none */
    CHECK_STRING(find_keys(&nothing, &error), "W/WS/WT");
    scratch_remove(&scratch);
}

/* ---- services ---- */

typedef struct Service {
    char target[256];
    char authorization[64];
    char token[64];
    unsigned answers;
    const char *expiration;
    int status;
} Service;

static void serve(void *state, const FakeRequest *request, FakeReply *reply) {
    Service *service = state;
    char text[512];
    (void)snprintf(service->target, sizeof(service->target), "%.250s", request->target);
    service->authorization[0] = service->token[0] = '\0';
    (void)fake_http_header(request, "authorization", service->authorization, 64);
    (void)fake_http_header(request, "x-aws-ec2-metadata-token", service->token, 64);
    if (service->status != 0) {
        fake_http_text(reply, service->status, "no");
    } else if (strcmp(request->target, "/latest/api/token") == 0) {
        fake_http_text(reply, strcmp(request->method, "PUT") == 0 ? 200 : 405, "session-1");
    } else if (strstr(request->target, "/security-credentials/") != NULL &&
               strcmp(service->token, "session-1") != 0) {
        fake_http_text(reply, 401, "no token");
    } else if (request->target[strlen(request->target) - 1] == '/') {
        fake_http_text(reply, 200, "role-a\nrole-b\n");
    } else {
        service->answers++;
        (void)snprintf(text, sizeof(text),
                       "{\"Code\":\"Success\",\"AccessKeyId\":\"S%u\",\"SecretAccessKey\":\"SS\","
                       "\"Token\":\"ST%u\",\"Expiration\":\"%s\"}",
                       service->answers, service->answers, service->expiration);
        fake_http_text(reply, 200, text);
    }
}

static void containers(void) {
    TarnError error;
    char url[64];
    Service service = {.expiration = "2030-01-01T00:00:00Z"};
    FakeHttp *http = fake_http_start(serve, &service);
    REQUIRE(http != NULL);
    world_begin();
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/v2/creds", fake_http_port(http));
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer abc");
    CHECK_STRING(find_keys(&nothing, &error), "S1/SS/ST1");
    CHECK_STRING(service.target, "/v2/creds");
    CHECK_STRING(service.authorization, "Bearer abc");
    service.status = 500;
    CHECK_STRING(find_keys(&nothing, &error), "");
    CHECK_INT(error.code, TARN_E_UNAVAILABLE);
    world_begin();
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/creds");
    CHECK_STRING(find_keys(&nothing, &error), "");
    CHECK_INT(error.code, TARN_E_CONFIG);
    fake_http_stop(http);
}

static void machines(void) {
    TarnError error;
    char url[64];
    Service service = {.expiration = "2030-01-01T00:00:00Z"};
    FakeHttp *http = fake_http_start(serve, &service);
    REQUIRE(http != NULL);
    world_begin();
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d", fake_http_port(http));
    set("AWS_EC2_METADATA_SERVICE_ENDPOINT", url);
    CHECK_STRING(find_keys(&nothing, &error), "S1/SS/ST1");
    CHECK_STRING(service.target, "/latest/meta-data/iam/security-credentials/role-a");
    service.status = 404;
    CHECK_STRING(find_keys(&nothing, &error), "");
    CHECK_INT(error.code, TARN_E_DENIED_BY_STORE);
    CHECK(strstr(error.detail, "404") != NULL);
    fake_http_stop(http);
}

static void keys_are_renewed_before_they_expire(void) {
    char url[64];
    TarnError error;
    TarnArena arena;
    TarnStoreKeys keys;
    TarnStoreCredentials credentials;
    Service service = {.expiration = "2027-01-15T09:00:00Z"}; /* 1,800,003,600 */
    FakeHttp *http = fake_http_start(serve, &service);
    REQUIRE(http != NULL);
    world_begin();
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/c", fake_http_port(http));
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    tarn_base_arena_init(&arena, 1024 * 1024);
    tarn_store__credentials_init(&credentials, &world.os, &nothing);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(tarn_store__credentials_get(&credentials, false, &arena, &keys, &error), &error);
    }
    CHECK_STRING(keys.access_key, "S1");
    CHECK_INT(service.answers, 1);
    world.now_us += 3400LL * 1000000; /* 200 s before the end */
    CHECK_OK(tarn_store__credentials_get(&credentials, false, &arena, &keys, &error), &error);
    CHECK_STRING(keys.access_key, "S2");
    service.status = 500; /* the old ones still work */
    CHECK_OK(tarn_store__credentials_get(&credentials, false, &arena, &keys, &error), &error);
    CHECK_STRING(keys.access_key, "S2");
    CHECK(!tarn_store__credentials_get(&credentials, true, &arena, &keys, &error));
    world.now_us += 300LL * 1000000;
    CHECK(!tarn_store__credentials_get(&credentials, false, &arena, &keys, &error));
    CHECK_INT(error.code, TARN_E_UNAVAILABLE);
    tarn_store__credentials_dispose(&credentials);
    tarn_base_arena_dispose(&arena);
    fake_http_stop(http);
}

/* The store says that they have expired: once anew, then the error. */
static void refused_keys_are_fetched_anew_once(void) {
    char url[64];
    TarnError error;
    TarnArena arena;
    TarnText content;
    TarnStore *store;
    Service service = {.expiration = "2030-01-01T00:00:00Z"};
    FakeHttp *http = fake_http_start(serve, &service);
    FakeS3 *fake = fake_s3_start();
    REQUIRE(http != NULL);
    world_begin();
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/c", fake_http_port(http));
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    set("AWS_ENDPOINT_URL_S3", fake_s3_endpoint(fake));
    set("AWS_DEFAULT_REGION", "eu-central-1");
    tarn_base_arena_init(&arena, 1024 * 1024);
    REQUIRE_OK(tarn_store_open(&world.os, "s3://lake/p", NULL, &store, &error), &error);
    fake_s3_plant(fake, "p/x", "text");
    FakeFault expired = {.count = 1, .status = 400, .code = "ExpiredToken"};
    fake_s3_fault(fake, &expired);
    CHECK_OK(tarn_store_get(store, "s3://lake/p/x", TARN_STORE_WHOLE, 100, &arena, &content, NULL,
                            &error), &error);
    CHECK_STRING(fake_s3_last_key_id(fake), "S2");
    CHECK_STRING(fake_s3_last_token(fake), "ST2");
    /* also where the first to hear of it is HEAD, whose answer has no body */
    TarnStoreObject object;
    expired.count = 2;
    fake_s3_fault(fake, &expired);
    CHECK_OK(tarn_store_stat(store, "s3://lake/p/x", &object, &error), &error);
    CHECK(object.exists && object.size == 4);
    expired.count = 100;
    fake_s3_fault(fake, &expired);
    CHECK(!tarn_store_get(store, "s3://lake/p/x", TARN_STORE_WHOLE, 100, &arena, &content, NULL,
                          &error));
    CHECK_INT(error.code, TARN_E_DENIED_BY_STORE);
    CHECK(strstr(error.message, "expired") != NULL);
    tarn_store_close(store);
    tarn_base_arena_dispose(&arena);
    fake_s3_stop(fake);
    fake_http_stop(http);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(settings_go_before_the_environment);
    TAP_TEST(profiles);
    TAP_TEST(containers);
    TAP_TEST(machines);
    TAP_TEST(keys_are_renewed_before_they_expire);
    TAP_TEST(refused_keys_are_fetched_anew_once);
    return tap_end();
}
