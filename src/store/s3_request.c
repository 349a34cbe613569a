/* One request to S3: signed, sent, repeated where that is safe, and its refusal named.
 *
 * Idea: what may be repeated is decided by the request (`once`), how long by one deadline for the
 * whole call of the store, and how fast by full jitter, so that many writers do not come back in
 * step. Keys that have expired are fetched anew once. A clock that is wrong, a bucket elsewhere, a
 * missing right are told by name, since each has another cure.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/time.h"
#include "store/s3_private.h"

/* ---- waiting ----------------------------------------------------------------------------- */

TarnStoreS3Retry tarn_store__s3_retry_begin(const TarnStoreS3 *s3) {
    int64_t ms = s3->options.retry_ms != 0 ? s3->options.retry_ms : TARN_LIMIT_STORE_RETRY_MS;
    const TarnOs *os = s3->store.os;
    return (TarnStoreS3Retry){.until_us = os->monotonic_us(os) + ms * 1000};
}

/* What the server asks for, in whole seconds; 0 if it does not. */
static int64_t asked_wait_us(const TarnNetResponse *response) {
    const char *text = response != NULL ? tarn_net_header(response, "retry-after") : NULL;
    int64_t seconds;
    if (text == NULL || !tarn_base_text_to_int64(tarn_base_text(text), &seconds)) return 0;
    if (seconds < 0 || seconds > TARN_LIMIT_STORE_RETRY_MS / 1000) return 0;
    return seconds * 1000000;
}

bool tarn_store__s3_retry_wait(const TarnStoreS3 *s3, TarnStoreS3Retry *retry, bool finish,
                               const TarnNetResponse *response, TarnError *error) {
    const TarnOs *os = s3->store.os;
    int64_t left_us = retry->until_us - os->monotonic_us(os);
    int64_t most_us = TARN_LIMIT_STORE_RETRY_FIRST_MS * 1000;
    for (uint32_t i = 0; i < retry->count && most_us < TARN_LIMIT_STORE_RETRY_MOST_MS * 1000; i++) {
        most_us *= 2;
    }
    uint64_t chance = 0;
    if (!os->random(os, &chance, sizeof(chance), NULL)) chance = (uint64_t)retry->until_us;
    int64_t wait_us = (int64_t)(chance % (uint64_t)most_us);
    int64_t asked_us = asked_wait_us(response);
    if (wait_us < asked_us) wait_us = asked_us;
    retry->count++;
    if (left_us <= 0 || wait_us >= left_us) return false;
    if (finish && tarn_os_interrupted()) { /* clean up, but do not keep the user waiting */
        return retry->count < TARN_LIMIT_STORE_RETRY_INTERRUPTED;
    }
    TarnError wake;
    tarn_base_error_clear(&wake);
    if (os->sleep_us(os, wait_us, &wake) || finish) return true;
    wake.outcome_unknown = error != NULL && error->outcome_unknown;
    if (error != NULL) *error = wake;
    return false;
}

/* ---- sending ----------------------------------------------------------------------------- */

bool tarn_store__s3_client(TarnStoreS3 *s3, TarnNetClient **client, TarnError *error) {
    bool ok = true;
    pthread_mutex_lock(&s3->lock);
    if (s3->client == NULL) {
        const TarnOs *os = s3->store.os;
        const char *ca_file = os->environment(os, "AWS_CA_BUNDLE");
        TarnNetOptions options = {.silence_ms = s3->options.silence_ms,
                                  .ca_file = ca_file != NULL && ca_file[0] != '\0' ? ca_file
                                                                                   : NULL};
        ok = tarn_net_client_open(os, &options, &s3->client, error);
    }
    *client = s3->client;
    pthread_mutex_unlock(&s3->lock);
    return ok;
}

static bool hash_file(TarnStoreS3 *s3, const TarnStoreS3Request *request, char hex[65],
                      TarnError *error) {
    const TarnOs *os = s3->store.os;
    TarnSha256 *hash = tarn_base_sha256_new();
    char *buffer = malloc(TARN_MIB);
    bool ok = hash != NULL && buffer != NULL;
    if (!ok) tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory to hash a file");
    for (uint64_t done = 0; ok && done < request->file_size;) {
        uint64_t left = request->file_size - done;
        size_t take = left < TARN_MIB ? (size_t)left : TARN_MIB;
        ok = tarn_os_file_read_exact(os, request->file, request->file_offset + done, buffer, take,
                                     error);
        if (ok) tarn_base_sha256_update(hash, buffer, take);
        done += take;
    }
    if (ok) tarn_base_sha256_hex(hash, hex);
    free(buffer);
    tarn_base_sha256_free(hash);
    return ok;
}

static const char *make_path(const TarnStoreS3 *s3, const char *key, TarnArena *arena) {
    TarnBuffer path;
    tarn_base_buffer_init(&path, 64 * TARN_KIB);
    tarn_base_buffer_byte(&path, '/');
    if (s3->path_style) {
        tarn_net_encode(&path, tarn_base_text(s3->bucket), false);
        if (key[0] != '\0') tarn_base_buffer_byte(&path, '/');
    }
    tarn_net_encode(&path, tarn_base_text(key), true);
    const char *copy = tarn_base_buffer_keep(&path, arena);
    tarn_base_buffer_dispose(&path);
    return copy;
}

typedef struct Signed {
    TarnNetHeader headers[TARN_STORE_S3_HEADERS + 5];
    size_t count;
    const char *url;
    char hash[65];
    char date[TARN_NET_AMZ_DATE_BYTES];
} Signed;

static bool sign(TarnStoreS3 *s3, const TarnStoreS3Request *request, const TarnStoreKeys *keys,
                 TarnArena *arena, Signed *out, TarnError *error) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_MIB);
    bool ok = tarn_net_query(request->parameters, request->parameter_count, &text, error);
    const char *query = tarn_base_buffer_keep(&text, arena);
    const char *path = make_path(s3, request->key, arena);
    tarn_base_buffer_clear(&text);
    if (path == NULL || query == NULL) {
        tarn_base_buffer_dispose(&text);
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for a request");
    }
    tarn_net_amz_date(s3->store.os->clock_us(s3->store.os), out->date);
    out->count = 0;
    out->headers[out->count++] = (TarnNetHeader){"Host", s3->host};
    out->headers[out->count++] = (TarnNetHeader){"x-amz-content-sha256", out->hash};
    out->headers[out->count++] = (TarnNetHeader){"x-amz-date", out->date};
    if (keys->session_token[0] != '\0') {
        out->headers[out->count++] = (TarnNetHeader){"x-amz-security-token", keys->session_token};
    }
    for (size_t i = 0; i < request->header_count; i++) {
        out->headers[out->count++] = request->headers[i];
    }
    TarnNetSignature signature = {.method = request->method, .path = path, .query = query,
                                  .headers = out->headers, .header_count = out->count,
                                  .payload_hash = out->hash, .service = "s3",
                                  .region = s3->region, .access_key = keys->access_key,
                                  .secret_key = keys->secret_key, .date = out->date};
    ok = ok && tarn_net_sign(&signature, &text, error);
    const char *authorization = tarn_base_buffer_keep(&text, arena);
    tarn_base_buffer_dispose(&text);
    out->headers[out->count++] = (TarnNetHeader){"Authorization", authorization};
    out->url = tarn_base_arena_printf(arena, "%s://%s%s%s%s", s3->secure ? "https" : "http",
                                      s3->host, path, query[0] != '\0' ? "?" : "", query);
    return ok && tarn_base_arena_check(arena, error);
}

static bool send_once(TarnStoreS3 *s3, const TarnStoreS3Request *request,
                      const TarnStoreKeys *keys, const char hash[65], TarnArena *arena,
                      TarnNetResponse *response, TarnError *error) {
    TarnNetClient *client;
    Signed out;
    memcpy(out.hash, hash, sizeof(out.hash));
    if (!tarn_store__s3_client(s3, &client, error) ||
        !sign(s3, request, keys, arena, &out, error)) {
        return false;
    }
    TarnNetRequest net = {.method = request->method, .url = out.url, .headers = out.headers,
                          .header_count = out.count, .body = request->body,
                          .file = request->file, .file_offset = request->file_offset,
                          .file_size = request->file_size, .limit = request->limit,
                          .finish = request->finish};
    if (tarn_net_send(client, &net, arena, response, error)) return true;
    if (error != NULL && error->code == TARN_E_LIMIT_EXCEEDED) {
        error->outcome_unknown = false;
        tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                            "cannot read \"%s\": it has more than %zu bytes", request->location,
                            request->limit);
    }
    return false;
}

static bool is_code(const char *code, const char *const *list) {
    for (size_t i = 0; list[i] != NULL; i++) {
        if (strcmp(code, list[i]) == 0) return true;
    }
    return false;
}

/* Refused before anything was done: repeating is always safe. */
static bool is_throttled(int status, const char *code) {
    static const char *const codes[] = {"RequestTimeout", "Throttling", "ThrottlingException",
                                        "RequestLimitExceeded", "TooManyRequests", NULL};
    return status == 429 || is_code(code, codes);
}

bool tarn_store__s3_code_passes(const char *code) {
    static const char *const codes[] = {"SlowDown", "InternalError", "ServiceUnavailable",
                                        "OperationAborted", "Busy", NULL};
    return is_code(code, codes) || is_throttled(0, code);
}

static bool is_failure(int status) { return status >= 500 && status != 501; }

static bool is_expired(const char *code) {
    static const char *const codes[] = {"ExpiredToken", "TokenRefreshRequired", NULL};
    return is_code(code, codes);
}

bool tarn_store__s3_send(TarnStoreS3 *s3, const TarnStoreS3Request *request,
                         TarnStoreS3Retry *retry, TarnArena *arena, TarnNetResponse *response,
                         TarnError *error) {
    char hash[65];
    bool renew = false;
    bool renewed = false;
    TarnError ignored;
    tarn_base_error_clear(&ignored);
    if (error == NULL) error = &ignored;
    if (request->file != NULL ? !hash_file(s3, request, hash, error)
                              : !tarn_net_sha256(request->body, hash, error)) {
        return false;
    }
    for (;;) {
        TarnStoreKeys keys;
        if (!tarn_store__credentials_get(&s3->credentials, renew, arena, &keys, error)) {
            return false;
        }
        renew = false;
        if (!send_once(s3, request, &keys, hash, arena, response, error)) {
            if (!error->retryable || (request->once && error->outcome_unknown)) return false;
            if (!tarn_store__s3_retry_wait(s3, retry, request->finish, NULL, error)) return false;
            continue;
        }
        if (response->status < 300 || response->status == 404) return true;
        const char *code = tarn_store__s3_code(response, arena);
        if (is_expired(code) && !renewed) {
            renew = renewed = true;
            continue;
        }
        bool throttled = is_throttled(response->status, code);
        if (!throttled && !is_failure(response->status)) return true;
        tarn_store__s3_refuse(s3, request, response, error);
        error->outcome_unknown = !throttled;
        if (request->once && !throttled) return false;
        if (!tarn_store__s3_retry_wait(s3, retry, request->finish, response, error)) return false;
    }
}

/* ---- what a refusal means ---------------------------------------------------------------- */

const char *tarn_store__s3_code(const TarnNetResponse *response, TarnArena *arena) {
    TarnText content;
    const char *code = "";
    if (response->truncated || response->body.size == 0 ||
        !tarn_store__xml_root(response->body, NULL, &content, NULL) ||
        !tarn_store__xml_text(content, "Code", arena, &code, NULL)) {
        return "";
    }
    return code;
}

typedef struct Refusal {
    const TarnStoreS3 *s3;
    const char *location;
    const TarnNetResponse *response;
    TarnText xml;
    const char *code;
    const char *message;
    TarnArena arena;
    TarnError *error;
} Refusal;

static bool refuse_clock(Refusal *refusal) {
    const TarnOs *os = refusal->s3->store.os;
    char ours[TARN_TIME_TEXT_BYTES];
    char theirs[TARN_TIME_TEXT_BYTES];
    const char *date = tarn_net_header(refusal->response, "date");
    const char *server_time = "";
    int64_t us = 0;
    bool known = (tarn_store__xml_text(refusal->xml, "ServerTime", &refusal->arena, &server_time,
                                       NULL) &&
                  tarn_base_time_parse_us(tarn_base_text(server_time), &us)) ||
                 (date != NULL && tarn_net_date_parse(tarn_base_text(date), &us));
    tarn_base_time_format_us(os->clock_us(os) / 1000000 * 1000000, ours);
    tarn_base_error_set(refusal->error, TARN_E_DENIED_BY_STORE,
                        "the object store refuses the request, since the clocks differ too much: "
                        "here it is %s, there %s",
                        ours, known ? tarn_base_time_format_us(us, theirs) : "another time");
    return tarn_base_error_hint(refusal->error, "set this machine's clock (timedatectl)");
}

static bool refuse_region(Refusal *refusal) {
    const char *region = tarn_net_header(refusal->response, "x-amz-bucket-region");
    const char *in_body = "";
    if (region == NULL) {
        bool read = tarn_store__xml_text(refusal->xml, "Region", &refusal->arena, &in_body, NULL);
        region = read ? in_body : "";
    }
    tarn_base_error_set(refusal->error, TARN_E_DENIED_BY_STORE,
                        "the bucket \"%s\" is not in the region \"%s\"%s%s%s",
                        refusal->s3->bucket, refusal->s3->region,
                        region[0] != '\0' ? " but in \"" : "", region,
                        region[0] != '\0' ? "\"" : "");
    return tarn_base_error_hint(refusal->error,
                                "set storage.region in tarn.yaml, or AWS_REGION%s%s",
                                region[0] != '\0' ? ", to " : "", region);
}

static bool refuse_keys(Refusal *refusal) {
    static const struct {
        const char *code;
        const char *message;
        const char *hint;
    } cases[] = {
        {"ExpiredToken", "the credentials for the object store have expired",
         "get new ones (aws sso login, or whatever made them), then run again"},
        {"TokenRefreshRequired", "the credentials for the object store have expired",
         "get new ones, then run again"},
        {"InvalidToken", "the object store does not know the session token",
         "check storage.session_token in tarn.yaml, or AWS_SESSION_TOKEN"},
        {"InvalidAccessKeyId", "the object store does not know the access key",
         "check storage.access_key in tarn.yaml, or AWS_ACCESS_KEY_ID"},
        {"XAdminUserNotFound", "the object store does not know the access key", /* versitygw */
         "check storage.access_key in tarn.yaml, or AWS_ACCESS_KEY_ID"},
        {"SignatureDoesNotMatch", "the secret key does not belong to the access key",
         "check storage.secret_key in tarn.yaml, or AWS_SECRET_ACCESS_KEY"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (strcmp(refusal->code, cases[i].code) != 0) continue;
        tarn_base_error_set(refusal->error, TARN_E_DENIED_BY_STORE, "%s (\"%s\")",
                            cases[i].message, refusal->location);
        return tarn_base_error_hint(refusal->error, "%s", cases[i].hint);
    }
    tarn_base_error_set(refusal->error, TARN_E_DENIED_BY_STORE,
                        "the object store denies access to \"%s\"", refusal->location);
    tarn_base_error_detail(refusal->error, "it says: %s%s%.300s", refusal->code,
                           refusal->code[0] != '\0' ? ": " : "", refusal->message);
    return tarn_base_error_hint(refusal->error, "the keys in use need rights to list, read, write "
                                                "and delete below the bucket's prefix");
}

static bool refuse_otherwise(Refusal *refusal) {
    int status = refusal->response->status;
    bool busy = is_failure(status) || is_throttled(status, refusal->code);
    tarn_base_error_set(refusal->error, busy ? TARN_E_UNAVAILABLE : TARN_E_IO,
                        "the object store %s \"%s\": status %d%s%s",
                        busy ? "could not serve" : "refuses a request for", refusal->location,
                        status, refusal->code[0] != '\0' ? ", " : "", refusal->code);
    if (refusal->message[0] != '\0') {
        tarn_base_error_detail(refusal->error, "it says: %.300s", refusal->message);
    }
    refusal->error->retryable = busy;
    return false;
}

static bool name_refusal(Refusal *refusal) {
    static const char *const regions[] = {"PermanentRedirect", "AuthorizationHeaderMalformed",
                                          "IllegalLocationConstraintException",
                                          "IncorrectEndpoint", NULL};
    static const char *const keys[] = {"ExpiredToken", "TokenRefreshRequired", "InvalidToken",
                                       "InvalidAccessKeyId", "SignatureDoesNotMatch",
                                       "XAdminUserNotFound", NULL};
    static const char *const missing[] = {"", "NoSuchKey", "NoSuchVersion", "NoSuchUpload",
                                          "NotFound", NULL};
    int status = refusal->response->status;
    if (strcmp(refusal->code, "RequestTimeTooSkewed") == 0) return refuse_clock(refusal);
    if (status == 301 || is_code(refusal->code, regions)) return refuse_region(refusal);
    if (strcmp(refusal->code, "NoSuchBucket") == 0) {
        tarn_base_error_set(refusal->error, TARN_E_OBJECT_NOT_FOUND,
                            "the bucket \"%s\" does not exist at \"%s\"", refusal->s3->bucket,
                            refusal->s3->endpoint_host);
        return tarn_base_error_hint(refusal->error, "make it first, or check warehouse and "
                                                    "storage.endpoint in tarn.yaml");
    }
    if (status == 401 || status == 403 || is_code(refusal->code, keys)) {
        return refuse_keys(refusal);
    }
    /* A 404 for another reason proves nothing about the object. */
    if (status == 404 && is_code(refusal->code, missing)) {
        return tarn_base_error_set(refusal->error, TARN_E_OBJECT_NOT_FOUND,
                                   "the object \"%s\" does not exist", refusal->location);
    }
    return refuse_otherwise(refusal);
}

bool tarn_store__s3_refuse(const TarnStoreS3 *s3, const TarnStoreS3Request *request,
                           const TarnNetResponse *response, TarnError *error) {
    Refusal refusal = {.s3 = s3, .location = request->location, .response = response,
                       .xml = {"", 0}, .code = "", .message = "", .error = error};
    if (error == NULL) return false;
    tarn_base_error_clear(error);
    tarn_base_arena_init(&refusal.arena, TARN_MIB);
    if (!response->truncated && response->body.size > 0 &&
        tarn_store__xml_root(response->body, "Error", &refusal.xml, NULL)) {
        refusal.code = tarn_store__s3_code(response, &refusal.arena);
        if (!tarn_store__xml_text(refusal.xml, "Message", &refusal.arena, &refusal.message,
                                  NULL)) {
            refusal.message = "";
        }
    }
    bool result = name_refusal(&refusal);
    tarn_base_arena_dispose(&refusal.arena);
    return result;
}
