/* Where the keys for S3 come from.
 *
 * Idea: the order of Amazon's own clients: what the lake's settings say, the environment, the
 * profile files, the container's service, the machine's (IMDSv2: a token first, so that a forged
 * request through some proxy gets nothing). Keys that expire are fetched anew some minutes before;
 * if that fails while the old ones still work, the old ones are used.
 *
 * The mutex is held while a metadata service is asked: other threads would need its answer too, and
 * asking is bounded by a short limit. Secrets are wiped when they are freed, and enter no message.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/time.h"
#include "store/s3_private.h"

#define NEVER INT64_MAX
#define ECS_HOST "http://169.254.170.2"
#define IMDS_HOST "http://169.254.169.254"
#define IMDS_ROLES "/latest/meta-data/iam/security-credentials/"

/* ---- keys -------------------------------------------------------------------------------- */

static void wipe(char **text) {
    if (*text != NULL) OPENSSL_cleanse(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

void tarn_store__keys_dispose(TarnStoreKeys *keys) {
    wipe(&keys->access_key);
    wipe(&keys->secret_key);
    wipe(&keys->session_token);
}

bool tarn_store__keys_set(TarnStoreKeys *keys, TarnText access_key, TarnText secret_key,
                          TarnText session_token, int64_t expires_us) {
    TarnStoreKeys made = {.access_key = strndup(access_key.data, access_key.size),
                          .secret_key = strndup(secret_key.data, secret_key.size),
                          .session_token = strndup(session_token.data, session_token.size),
                          .expires_us = expires_us};
    if (made.access_key == NULL || made.secret_key == NULL || made.session_token == NULL) {
        tarn_store__keys_dispose(&made);
        return false;
    }
    tarn_store__keys_dispose(keys);
    *keys = made;
    return true;
}

static bool fail_memory(TarnError *error) {
    return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for credentials");
}

static bool set_strings(TarnStoreKeys *keys, const char *access_key, const char *secret_key,
                        const char *session_token, TarnError *error) {
    return tarn_store__keys_set(keys, tarn_base_text(access_key), tarn_base_text(secret_key),
                                tarn_base_text(session_token != NULL ? session_token : ""),
                                NEVER) ||
           fail_memory(error);
}

static const char *environment(const TarnOs *os, const char *name) {
    const char *value = os->environment(os, name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* ---- profile files ----------------------------------------------------------------------- */

static bool read_profile(TarnStoreCredentials *credentials, TarnStoreKeys *keys,
                         TarnError *error) {
    const TarnOs *os = credentials->os;
    const char *profile = credentials->options->profile;
    const char *access_key;
    const char *secret_key;
    const char *token;
    TarnArena arena;
    tarn_base_arena_init(&arena, 4 * TARN_MIB);
    bool ok = tarn_store__profile_value(os, profile, "aws_access_key_id", &arena, &access_key,
                                        error) &&
              tarn_store__profile_value(os, profile, "aws_secret_access_key", &arena, &secret_key,
                                        error) &&
              tarn_store__profile_value(os, profile, "aws_session_token", &arena, &token, error);
    if (ok && access_key != NULL && secret_key != NULL) {
        ok = set_strings(keys, access_key, secret_key, token, error);
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

/* ---- metadata services ------------------------------------------------------------------- */

static bool ask(TarnStoreCredentials *credentials, const char *method, const char *url,
                const TarnNetHeader *header, TarnArena *arena, TarnText *body, TarnError *error) {
    if (credentials->metadata_client == NULL) {
        TarnNetOptions options = {.connect_ms = TARN_LIMIT_STORE_METADATA_CONNECT_MS,
                                  .request_ms = TARN_LIMIT_STORE_METADATA_MS,
                                  .direct = true};
        if (!tarn_net_client_open(credentials->os, &options, &credentials->metadata_client,
                                  error)) {
            return false;
        }
    }
    TarnNetRequest request = {.method = method, .url = url, .headers = header,
                              .header_count = header != NULL ? 1 : 0, .limit = 64 * TARN_KIB};
    TarnNetResponse response;
    if (!tarn_net_send(credentials->metadata_client, &request, arena, &response, error)) {
        return false;
    }
    *body = response.body;
    if (response.status == 200) return true;
    return tarn_base_error_set(error, TARN_E_UNAVAILABLE,
                               "the service for credentials answered with status %d",
                               response.status);
}

/* The names of the fields are those of both services. */
static bool read_answer(TarnText body, TarnArena *arena, TarnStoreKeys *keys, TarnError *error) {
    TarnJson *root;
    TarnText access_key;
    TarnText secret_key;
    TarnText token = {"", 0};
    TarnText expiration;
    int64_t expires_us = NEVER;
    if (!tarn_base_json_parse(body, NULL, arena, &root, NULL) ||
        !tarn_base_json_text(tarn_base_json_member(root, "AccessKeyId"), &access_key) ||
        !tarn_base_json_text(tarn_base_json_member(root, "SecretAccessKey"), &secret_key)) {
        return tarn_base_error_set(error, TARN_E_UNAVAILABLE,
                                   "the service for credentials did not answer with any");
    }
    if (!tarn_base_json_text(tarn_base_json_member(root, "Token"), &token)) token.size = 0;
    if (tarn_base_json_text(tarn_base_json_member(root, "Expiration"), &expiration) &&
        !tarn_base_time_parse_us(expiration, &expires_us)) {
        expires_us = NEVER;
    }
    return tarn_store__keys_set(keys, access_key, secret_key, token, expires_us) ||
           fail_memory(error);
}

/* Plain HTTP only to this machine and to the addresses that containers' hosts use. */
static bool is_allowed_service(const char *url) {
    static const char *const allowed[] = {"https://", "http://127.0.0.1:", "http://127.0.0.1/",
                                          "http://localhost:", "http://localhost/", "http://[::1]",
                                          "http://169.254.170.2/", "http://169.254.170.23/",
                                          "http://[fd00:ec2::23]/"};
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        if (tarn_base_text_starts(tarn_base_text(url), allowed[i])) return true;
    }
    return false;
}

static bool container_token(const TarnOs *os, TarnArena *arena, const char **token,
                            TarnError *error) {
    const char *file = environment(os, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    TarnText content;
    *token = environment(os, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (file == NULL) return true;
    if (!tarn_os_file_read_all(os, file, 64 * TARN_KIB, arena, &content, error)) return false;
    *token = tarn_base_text_string(arena, tarn_base_text_trim(content));
    return tarn_base_arena_check(arena, error);
}

static bool ask_container(TarnStoreCredentials *credentials, const char *url, TarnArena *arena,
                          TarnStoreKeys *keys, TarnError *error) {
    const char *token;
    TarnText body;
    if (!is_allowed_service(url)) {
        return tarn_base_error_set(error, TARN_E_CONFIG,
                                   "AWS_CONTAINER_CREDENTIALS_FULL_URI names another machine "
                                   "without TLS");
    }
    if (!container_token(credentials->os, arena, &token, error)) return false;
    TarnNetHeader header = {"Authorization", token};
    return ask(credentials, "GET", url, token != NULL ? &header : NULL, arena, &body, error) &&
           read_answer(body, arena, keys, error);
}

static bool ask_machine(TarnStoreCredentials *credentials, const char *host, TarnArena *arena,
                        TarnStoreKeys *keys, TarnError *error) {
    TarnNetHeader lifetime = {"X-aws-ec2-metadata-token-ttl-seconds", "21600"};
    TarnText body;
    const char *url = tarn_base_arena_printf(arena, "%s/latest/api/token", host);
    if (url == NULL) return fail_memory(error);
    if (!ask(credentials, "PUT", url, &lifetime, arena, &body, error)) return false;
    TarnNetHeader token = {"X-aws-ec2-metadata-token", tarn_base_text_string(arena, body)};
    url = tarn_base_arena_printf(arena, "%s" IMDS_ROLES, host);
    if (url == NULL || token.value == NULL) return fail_memory(error);
    if (!ask(credentials, "GET", url, &token, arena, &body, error)) return false;
    TarnText rest;
    TarnText role = tarn_base_text_trim(tarn_base_text_split(body, '\n', &rest));
    url = tarn_base_arena_printf(arena, "%s" IMDS_ROLES "%.*s", host, TARN_TEXT_ARG(role));
    if (url == NULL) return fail_memory(error);
    return ask(credentials, "GET", url, &token, arena, &body, error) &&
           read_answer(body, arena, keys, error);
}

/* ---- the chain --------------------------------------------------------------------------- */

static bool fail_none(const TarnError *machine, TarnError *error) {
    tarn_base_error_set(error, TARN_E_DENIED_BY_STORE,
                        "there are no credentials for the object store");
    if (machine->code != TARN_OK) {
        tarn_base_error_detail(error, "the machine's own service: %.300s", machine->message);
    }
    return tarn_base_error_hint(error, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                                       "AWS_PROFILE, or storage.access_key and secret_key in "
                                       "tarn.yaml (${secret:NAME} and tarn secret set NAME keep "
                                       "them out of the file)");
}

static bool ask_services(TarnStoreCredentials *credentials, TarnArena *arena, TarnStoreKeys *keys,
                         TarnError *error) {
    const TarnOs *os = credentials->os;
    const char *full = environment(os, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *relative = environment(os, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *disabled = environment(os, "AWS_EC2_METADATA_DISABLED");
    const char *host = environment(os, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    TarnError machine;
    tarn_base_error_clear(&machine);
    if (relative != NULL) {
        full = tarn_base_arena_printf(arena, ECS_HOST "%s", relative);
        if (full == NULL) return fail_memory(error);
    }
    if (full != NULL) return ask_container(credentials, full, arena, keys, error);
    if (disabled != NULL && strcmp(disabled, "true") == 0) return fail_none(&machine, error);
    if (ask_machine(credentials, host != NULL ? host : IMDS_HOST, arena, keys, &machine)) {
        return true;
    }
    return fail_none(&machine, error);
}

static bool fetch(TarnStoreCredentials *credentials, TarnStoreKeys *keys, TarnError *error) {
    const TarnOs *os = credentials->os;
    const TarnStoreS3Options *options = credentials->options;
    if (options->access_key != NULL) {
        return set_strings(keys, options->access_key, options->secret_key,
                           options->session_token, error);
    }
    const char *access_key = environment(os, "AWS_ACCESS_KEY_ID");
    const char *secret_key = environment(os, "AWS_SECRET_ACCESS_KEY");
    bool named = options->profile != NULL; /* a profile by name goes before the environment */
    if (!named && access_key != NULL && secret_key != NULL) {
        return set_strings(keys, access_key, secret_key, environment(os, "AWS_SESSION_TOKEN"),
                           error);
    }
    if (!read_profile(credentials, keys, error)) return false;
    if (keys->access_key != NULL) return true;
    TarnArena arena;
    tarn_base_arena_init(&arena, 4 * TARN_MIB);
    bool ok = ask_services(credentials, &arena, keys, error);
    tarn_base_arena_dispose(&arena);
    return ok;
}

static bool refresh(TarnStoreCredentials *credentials, bool renew, TarnError *error) {
    int64_t now_us = credentials->os->clock_us(credentials->os);
    int64_t expires_us = credentials->keys.expires_us;
    bool have = credentials->keys.access_key != NULL;
    bool fresh = have && (expires_us == NEVER ||
                          now_us < expires_us - TARN_LIMIT_STORE_KEYS_EARLY_MS * 1000);
    TarnStoreKeys keys = {0};
    TarnError failure;
    if (fresh && !renew) return true;
    tarn_base_error_clear(&failure);
    if (fetch(credentials, &keys, &failure)) {
        tarn_store__keys_dispose(&credentials->keys);
        credentials->keys = keys;
        return true;
    }
    tarn_store__keys_dispose(&keys);
    if (have && !renew && now_us < expires_us) return true;
    if (error != NULL) *error = failure;
    return false;
}

static bool copy_keys(const TarnStoreKeys *from, TarnArena *arena, TarnStoreKeys *keys,
                      TarnError *error) {
    keys->access_key = tarn_base_arena_string(arena, from->access_key);
    keys->secret_key = tarn_base_arena_string(arena, from->secret_key);
    keys->session_token = tarn_base_arena_string(arena, from->session_token);
    keys->expires_us = from->expires_us;
    return tarn_base_arena_check(arena, error);
}

bool tarn_store__credentials_get(TarnStoreCredentials *credentials, bool renew, TarnArena *arena,
                                 TarnStoreKeys *keys, TarnError *error) {
    pthread_mutex_lock(&credentials->lock);
    bool ok = refresh(credentials, renew, error) &&
              copy_keys(&credentials->keys, arena, keys, error);
    pthread_mutex_unlock(&credentials->lock);
    return ok;
}

void tarn_store__credentials_init(TarnStoreCredentials *credentials, const TarnOs *os,
                                  const TarnStoreS3Options *options) {
    *credentials = (TarnStoreCredentials){.os = os, .options = options};
    pthread_mutex_init(&credentials->lock, NULL);
}

void tarn_store__credentials_dispose(TarnStoreCredentials *credentials) {
    tarn_net_client_close(credentials->metadata_client);
    tarn_store__keys_dispose(&credentials->keys);
    pthread_mutex_destroy(&credentials->lock);
}
