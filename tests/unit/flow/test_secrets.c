/* The lake's secrets: kept for the owner's eyes, resolved only where they belong, never in an
 * error; and the storage section of tarn.yaml. */
#include "base/limits.h"
#include "flow/lake_config.h"
#include "flow/secrets.h"
#include "support/scratch.h"
#include "support/tap.h"

static Scratch scratch;
static TarnArena arena;

static const TarnOs *os(void) { return tarn_os_posix(); }

static void set_list_remove(void) {
    TarnError error;
    const char *value;
    const char **names;
    size_t count;
    CHECK_OK(tarn_flow_secret_find(os(), scratch.path, "b", &arena, &value, &error), &error);
    CHECK(value == NULL);
    CHECK_OK(tarn_flow_secret_set(os(), scratch.path, "b", TARN_TEXT("one \" \xc3\xbc\n"), &error),
             &error);
    CHECK_OK(tarn_flow_secret_set(os(), scratch.path, "a.x-1_", TARN_TEXT("two"), &error), &error);
    CHECK_OK(tarn_flow_secret_find(os(), scratch.path, "b", &arena, &value, &error), &error);
    CHECK_STRING(value, "one \" \xc3\xbc\n");
    CHECK_OK(tarn_flow_secret_set(os(), scratch.path, "b", TARN_TEXT("three"), &error), &error);
    CHECK_OK(tarn_flow_secret_list(os(), scratch.path, &arena, &names, &count, &error), &error);
    REQUIRE(count == 2);
    CHECK_STRING(names[0], "a.x-1_");
    CHECK_STRING(names[1], "b");
    CHECK_OK(tarn_flow_secret_find(os(), scratch.path, "b", &arena, &value, &error), &error);
    CHECK_STRING(value, "three");
    struct stat stat_of;
    REQUIRE(stat(scratch_at(&scratch, ".tarn/secrets"), &stat_of) == 0);
    CHECK_INT(stat_of.st_mode & 0777, 0600);
    CHECK_OK(tarn_flow_secret_remove(os(), scratch.path, "b", &error), &error);
    CHECK(!tarn_flow_secret_remove(os(), scratch.path, "b", &error));
    CHECK_INT(error.code, TARN_E_SECRET_NOT_FOUND);
    REQUIRE(stat(scratch_at(&scratch, ".tarn/secrets"), &stat_of) == 0);
    CHECK_INT(stat_of.st_mode & 0777, 0600);
}

static void what_is_no_secret(void) {
    static const char *const names[] = {"", "a b", "a/b", "../x", "a:b", "a}", "\xc3\xbc"};
    TarnError error;
    char *large = calloc(1, TARN_LIMIT_SECRET_BYTES + 2);
    REQUIRE(large != NULL);
    memset(large, 'x', TARN_LIMIT_SECRET_BYTES + 1);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CHECK(!tarn_flow_secret_set(os(), scratch.path, names[i], TARN_TEXT("v"), &error));
        CHECK_INT(error.code, TARN_E_NAME_INVALID);
    }
    TarnText values[] = {TARN_TEXT(""), TARN_TEXT("a\0b"), TARN_TEXT("\xff"),
                         {large, TARN_LIMIT_SECRET_BYTES + 1}};
    for (size_t i = 0; i < 4; i++) {
        CHECK(!tarn_flow_secret_set(os(), scratch.path, "n", values[i], &error));
        CHECK_INT(error.code, TARN_E_CONFIG);
    }
    free(large);
    scratch_write(scratch_at(&scratch, ".tarn/secrets"), "{\"a\": \"hidden-value\"");
    const char *value;
    CHECK(!tarn_flow_secret_find(os(), scratch.path, "a", &arena, &value, &error));
    CHECK_INT(error.code, TARN_E_CONFIG);
    CHECK(strstr(error.message, "hidden") == NULL && strstr(error.detail, "hidden") == NULL);
    CHECK(remove(scratch_at(&scratch, ".tarn/secrets")) == 0);
}

static bool read_config(const char *text, TarnLakeConfig **config, TarnError *error) {
    scratch_write(scratch_at(&scratch, "tarn.yaml"), text);
    return tarn_flow_lake_config_read(os(), scratch.path, &arena, config, error);
}

static void storage_is_read(void) {
    TarnError error;
    TarnLakeConfig *config;
    CHECK_OK(tarn_flow_secret_set(os(), scratch.path, "k", TARN_TEXT("hidden-key"), &error),
             &error);
    REQUIRE_OK(read_config("version: 1\nwarehouse: s3://bucket/a b/\nstorage: { endpoint: "
                           "\"http://h:9\", region: r, access_key: ${secret:k}, secret_key: "
                           "\"x${secret:k}y\", session_token: t, profile: p }\n",
                           &config, &error), &error);
    CHECK_STRING(config->warehouse, "s3://bucket/a b");
    CHECK_STRING(config->storage.endpoint, "http://h:9");
    CHECK_STRING(config->storage.region, "r");
    CHECK_STRING(config->storage.access_key, "hidden-key");
    CHECK_STRING(config->storage.secret_key, "xhidden-keyy");
    CHECK_STRING(config->storage.session_token, "t");
    CHECK_STRING(config->storage.profile, "p");
    CHECK_INT(config->storage.style, TARN_STORE_S3_STYLE_AUTO);
    CHECK_INT(config->unused_count, 0);
    REQUIRE_OK(read_config("version: 1\nstorage: { path_style: false }\n", &config, &error),
               &error);
    CHECK_INT(config->storage.style, TARN_STORE_S3_STYLE_VIRTUAL);
    REQUIRE_OK(read_config("version: 1\nstorage: { path_style: true, region: null }\n", &config,
                           &error), &error);
    CHECK_INT(config->storage.style, TARN_STORE_S3_STYLE_PATH);
    CHECK(config->storage.region == NULL);
}

/* An error in the section, or about it, shows nothing of what stands there. */
static void errors_show_no_secret(void) {
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"version: 1\nname: ${secret:k}\n", "here"},
        {"version: 1\nwarehouse: s3://${secret:k}/x\n", "here"},
        {"version: 1\nstorage: { region: \"${secret:k}\" }\n", "here"},
        {"version: 1\nstorage: { access_key: ${secret:none}, secret_key: hidden-plain }\n",
         "no secret \"none\""},
        {"version: 1\nstorage: { secret_key: hidden-plain }\n", "secret_key without"},
        {"version: 1\nstorage: { secret_key: hidden-plain, acess_key: x }\n", "acess_key"},
        {"version: 1\nstorage:\n  path_style: maybe\n  secret_key: hidden-plain\n", "path_style"},
        {"version: 1\nstorage: { access_key: \"${secret:a b}\" }\n", "name of a secret"},
        {"version: 1\nstorage: { access_key: \"${other:a}\" }\n", "cannot resolve"},
        {"version: 1\nwarehouse: gs://b/x\n", "neither"},
        {"version: 1\nwarehouse: s3://b/../x\n", "neither"},
        {"version: 1\nwarehouse: s3://\n", "neither"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnError error;
        TarnLakeConfig *config;
        CHECK(!read_config(cases[i].text, &config, &error));
        CHECK_INT(tarn_base_error_exit_code(error.code), 2);
        if (strstr(error.message, cases[i].message) == NULL) {
            tap_fail(__FILE__, __LINE__, error.message);
        }
        CHECK(strstr(error.message, "hidden") == NULL);
        CHECK(strstr(error.detail, "hidden") == NULL);
        CHECK(strstr(error.hint, "hidden") == NULL);
    }
}

static bool set_one(void *state, size_t index, TarnError *error) {
    char name[16];
    (void)state;
    (void)snprintf(name, sizeof(name), "n%zu", index % 100);
    return tarn_flow_secret_set(os(), scratch.path, name, TARN_TEXT("value"), error);
}

static void writers_lose_nothing_of_each_other(void) {
    TarnError error;
    const char **names;
    size_t count;
    CHECK_OK(tarn_os_parallel(8, 16, set_one, NULL, &error), &error);
    CHECK_OK(tarn_flow_secret_list(os(), scratch.path, &arena, &names, &count, &error), &error);
    CHECK_INT(count, 17);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    scratch_make(&scratch);
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    TAP_TEST(set_list_remove);
    TAP_TEST(what_is_no_secret);
    TAP_TEST(storage_is_read);
    TAP_TEST(errors_show_no_secret);
    TAP_TEST(writers_lose_nothing_of_each_other);
    tarn_base_arena_dispose(&arena);
    scratch_remove(&scratch);
    return tap_end();
}
