/* A store on S3: opening, reading, and the table of its functions.
 *
 * Idea: an object is durable when the store has said yes, so there is nothing to sync and no folder
 * to prepare. Keys are used byte for byte: "a//b" and "a/b" are two objects, and what is inside the
 * root is decided by the text alone. Writing is in s3_put.c, listing and deleting in s3_list.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "store/s3_private.h"

const char *tarn_store__s3_key(const char *location) {
    const char *bucket = strstr(location, "://");
    const char *slash = bucket != NULL ? strchr(bucket + 3, '/') : NULL;
    return slash != NULL ? slash + 1 : "";
}

static bool s3_check(const TarnStore *store, const char *location, TarnError *error) {
    TarnText path;
    if (!tarn_store_resolve(tarn_base_text(location), &path, error)) return false;
    if (tarn_store_inside(tarn_base_text(store->root), path)) return true;
    return tarn_base_error_set(error, TARN_E_LOCATION_REFUSED,
                               "cannot use \"%s\": it lies outside \"%s\"", location, store->root);
}

static bool s3_contains(TarnStore *store, const char *location, TarnError *error) {
    return s3_check(store, location, error); /* there are no links */
}

static bool s3_prepare(TarnStore *store, const char *directory, TarnError *error) {
    (void)store;
    (void)directory;
    (void)error;
    return true;
}

static bool s3_sync(TarnStore *store, const char *const *locations, size_t count,
                    TarnError *error) {
    (void)store;
    (void)locations;
    (void)count;
    (void)error;
    return true;
}

static const char *s3_local_path(TarnStore *store, const char *location) {
    (void)store;
    return location;
}

/* ---- reading ----------------------------------------------------------------------------- */

/* "bytes 0-9/1234" -> 1234; without it the body is the whole object. */
static uint64_t whole_size(const TarnNetResponse *response) {
    const char *range = tarn_net_header(response, "content-range");
    const char *slash = range != NULL ? strchr(range, '/') : NULL;
    const char *length = tarn_net_header(response, "content-length");
    int64_t size;
    if (slash != NULL && tarn_base_text_to_int64(tarn_base_text(slash + 1), &size) && size >= 0) {
        return (uint64_t)size;
    }
    if (length != NULL && tarn_base_text_to_int64(tarn_base_text(length), &size) && size >= 0) {
        return (uint64_t)size;
    }
    return response->body.size;
}

void tarn_store__s3_describe(const TarnNetResponse *response, TarnStoreObject *object) {
    const char *etag = tarn_net_header(response, "etag");
    const char *modified = tarn_net_header(response, "last-modified");
    object->exists = true;
    object->size = whole_size(response);
    object->etag[0] = '\0';
    if (etag != NULL && strlen(etag) < sizeof(object->etag)) {
        size_t used = 0;
        for (const char *c = etag; *c != '\0'; c++) {
            if (*c != '"') object->etag[used++] = *c;
        }
        object->etag[used] = '\0';
    }
    if (modified == NULL ||
        !tarn_net_date_parse(tarn_base_text(modified), &object->mtime_us)) {
        object->mtime_us = 0;
    }
}

/* An answer to HEAD has no body, so it cannot say why not: asking for one byte can. */
static bool ask_for_a_byte(TarnStoreS3 *s3, const TarnStoreS3Request *head,
                           TarnStoreS3Retry *retry, TarnArena *arena, TarnNetResponse *response,
                           TarnError *error) {
    TarnStoreS3Request get = *head;
    get.method = "GET";
    get.headers[get.header_count++] = (TarnNetHeader){"Range", "bytes=0-0"};
    if (!tarn_store__s3_send(s3, &get, retry, arena, response, error)) return false;
    return response->status < 300 || tarn_store__s3_refuse(s3, head, response, error);
}

bool tarn_store__s3_head(TarnStoreS3 *s3, const char *location, TarnStoreS3Retry *retry,
                         TarnArena *arena, TarnStoreObject *object, const char **id,
                         TarnError *error) {
    TarnStoreS3Request request = {.method = "HEAD", .location = location,
                                  .key = tarn_store__s3_key(location), .limit = TARN_MIB};
    TarnNetResponse response;
    if (!tarn_store__s3_send(s3, &request, retry, arena, &response, error)) return false;
    if (response.status == 404) return true;
    if (response.status >= 300 &&
        !ask_for_a_byte(s3, &request, retry, arena, &response, error)) {
        return false;
    }
    tarn_store__s3_describe(&response, object);
    if (id != NULL) {
        const char *found = tarn_net_header(&response, TARN_STORE_S3_ID_HEADER);
        *id = found != NULL ? found : "";
    }
    return true;
}

static bool s3_stat(TarnStore *store, const char *location, TarnStoreObject *object,
                    TarnError *error) {
    TarnStoreS3 *s3 = (TarnStoreS3 *)store;
    TarnArena arena;
    TarnStoreS3Retry retry = tarn_store__s3_retry_begin(s3);
    if (tarn_store__s3_key(location)[0] == '\0') return true; /* a bucket is no object */
    tarn_base_arena_init(&arena, 4 * TARN_MIB);
    bool ok = tarn_store__s3_head(s3, location, &retry, &arena, object, NULL, error);
    tarn_base_arena_dispose(&arena);
    return ok;
}

/* The header's text; NULL for the whole object. */
static const char *range_text(TarnStoreRange range, TarnArena *arena) {
    if (range.offset < 0) {
        uint64_t back = 0 - (uint64_t)range.offset;
        return tarn_base_arena_printf(arena, "bytes=-%llu", (unsigned long long)back);
    }
    if (range.size > (uint64_t)INT64_MAX - (uint64_t)range.offset) {
        if (range.offset == 0) return NULL;
        return tarn_base_arena_printf(arena, "bytes=%lld-", (long long)range.offset);
    }
    uint64_t last = (uint64_t)range.offset + range.size - 1;
    return tarn_base_arena_printf(arena, "bytes=%lld-%llu", (long long)range.offset,
                                  (unsigned long long)last);
}

static bool fail_missing(const char *location, TarnError *error) {
    return tarn_base_error_set(error, TARN_E_OBJECT_NOT_FOUND, "the object \"%s\" does not exist",
                               location);
}

/* Ranges that a header cannot say: no bytes at all, and the first of the last bytes. */
static bool settle_range(TarnStoreS3 *s3, const char *location, TarnStoreRange *range,
                         TarnStoreS3Retry *retry, TarnArena *arena, TarnStoreObject *object,
                         bool *done, TarnError *error) {
    bool bounded_tail = range->offset < 0 && range->size < 0 - (uint64_t)range->offset;
    *done = false;
    if (range->size > 0 && !bounded_tail) return true;
    if (!tarn_store__s3_head(s3, location, retry, arena, object, NULL, error)) return false;
    if (!object->exists) return fail_missing(location, error);
    *done = range->size == 0 || object->size == 0;
    if (!*done) {
        uint64_t back = 0 - (uint64_t)range->offset;
        range->offset = back < object->size ? (int64_t)(object->size - back) : 0;
    }
    return true;
}

static bool take_content(TarnStoreS3 *s3, const TarnStoreS3Request *request, TarnStoreRange range,
                         TarnStoreS3Retry *retry, TarnArena *arena,
                         const TarnNetResponse *response, TarnText *content,
                         TarnStoreObject *object, TarnError *error) {
    if (response->status == 416) { /* nothing from there on: is there an object at all? */
        if (!tarn_store__s3_head(s3, request->location, retry, arena, object, NULL, error)) {
            return false;
        }
        return object->exists || fail_missing(request->location, error);
    }
    if (response->status >= 300) return tarn_store__s3_refuse(s3, request, response, error);
    bool whole = range.offset == 0 && range.size == UINT64_MAX;
    if (response->status != 206 && !whole) {
        uint64_t back = 0 - (uint64_t)range.offset;
        bool short_tail = range.offset < 0 && response->body.size <= back;
        bool all = range.offset == 0 && response->body.size <= range.size;
        if (!short_tail && !all) {
            return tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                                       "the object store does not know ranges: it sent all of "
                                       "\"%s\"", request->location);
        }
    }
    tarn_store__s3_describe(response, object);
    *content = response->body;
    return true;
}

static bool s3_get(TarnStore *store, const char *location, TarnStoreRange range, size_t limit,
                   TarnArena *arena, TarnText *content, TarnStoreObject *object,
                   TarnError *error) {
    TarnStoreS3 *s3 = (TarnStoreS3 *)store;
    TarnStoreS3Retry retry = tarn_store__s3_retry_begin(s3);
    TarnStoreS3Request request = {.method = "GET", .location = location,
                                  .key = tarn_store__s3_key(location), .limit = limit};
    TarnNetResponse response;
    bool done;
    *content = (TarnText){"", 0};
    if (request.key[0] == '\0') return fail_missing(location, error);
    if (!settle_range(s3, location, &range, &retry, arena, object, &done, error)) return false;
    if (done) return true;
    const char *bytes = range_text(range, arena);
    if (bytes != NULL) {
        request.headers[request.header_count++] = (TarnNetHeader){"Range", bytes};
    }
    return tarn_base_arena_check(arena, error) &&
           tarn_store__s3_send(s3, &request, &retry, arena, &response, error) &&
           take_content(s3, &request, range, &retry, arena, &response, content, object, error);
}

/* ---- opening ----------------------------------------------------------------------------- */

static void s3_close(TarnStore *store) {
    TarnStoreS3 *s3 = (TarnStoreS3 *)store;
    tarn_net_client_close(s3->client);
    tarn_store__credentials_dispose(&s3->credentials);
    pthread_mutex_destroy(&s3->lock);
    tarn_base_arena_dispose(&s3->arena);
    free(s3);
}

static const TarnStoreClass s3_class = {
    .name = "s3",
    .close = s3_close,
    .check = s3_check,
    .get = s3_get,
    .stat = s3_stat,
    .put = tarn_store__s3_put,
    .put_file = tarn_store__s3_put_file,
    .remove = tarn_store__s3_remove,
    .remove_many = tarn_store__s3_remove_many,
    .list = tarn_store__s3_list,
    .contains = s3_contains,
    .prepare = s3_prepare,
    .sync = s3_sync,
    .local_path = s3_local_path,
};

static const char *environment(const TarnOs *os, const char *name) {
    const char *value = os->environment(os, name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The option, else the first variable that is set, else the profile's setting. */
static bool look_up(TarnStoreS3 *s3, const char *given, const char *first, const char *second,
                    const char *key, const char **value, TarnError *error) {
    const TarnOs *os = s3->store.os;
    *value = given;
    if (*value == NULL) *value = environment(os, first);
    if (*value == NULL) *value = environment(os, second);
    if (*value != NULL) {
        *value = tarn_base_arena_string(&s3->arena, *value);
        return tarn_base_arena_check(&s3->arena, error);
    }
    return tarn_store__profile_value(os, s3->options.profile, key, &s3->arena, value, error);
}

static bool set_endpoint(TarnStoreS3 *s3, const char *endpoint, TarnError *error) {
    TarnText rest = tarn_base_text(endpoint);
    s3->secure = true;
    if (tarn_base_text_starts(rest, "http://")) {
        s3->secure = false;
        rest = (TarnText){rest.data + 7, rest.size - 7};
    } else if (tarn_base_text_starts(rest, "https://")) {
        rest = (TarnText){rest.data + 8, rest.size - 8};
    }
    while (tarn_base_text_ends(rest, "/")) rest.size--;
    bool strange = rest.size == 0;
    for (size_t i = 0; i < rest.size; i++) {
        strange = strange || strchr("/?#@ %\\\"'", rest.data[i]) != NULL ||
                  (unsigned char)rest.data[i] < 0x21;
    }
    if (strange) {
        tarn_base_error_set(error, TARN_E_CONFIG, "\"%.200s\" is not the endpoint of an object "
                            "store", endpoint);
        return tarn_base_error_hint(error, "it is like https://s3.example.com or "
                                           "http://127.0.0.1:9000");
    }
    s3->endpoint_host = tarn_base_text_string(&s3->arena, rest);
    return tarn_base_arena_check(&s3->arena, error);
}

/* Certificates of virtual hosts cover one name without dots. */
static bool fits_host_name(const char *bucket) {
    for (const char *c = bucket; *c != '\0'; c++) {
        bool fits = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-';
        if (!fits) return false;
    }
    return true;
}

static bool set_place(TarnStoreS3 *s3, TarnError *error) {
    const TarnStoreS3Options *options = &s3->options;
    const char *endpoint;
    const char *region;
    if (!look_up(s3, options->region, "AWS_REGION", "AWS_DEFAULT_REGION", "region", &region,
                 error) ||
        !look_up(s3, options->endpoint, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "endpoint_url",
                 &endpoint, error)) {
        return false;
    }
    s3->region = region != NULL ? region : "us-east-1";
    bool own = endpoint != NULL;
    if (!own) {
        endpoint = tarn_base_arena_printf(&s3->arena, "https://s3.%s.amazonaws.com", s3->region);
        if (endpoint == NULL) return tarn_base_arena_check(&s3->arena, error);
    }
    if (!set_endpoint(s3, endpoint, error)) return false;
    s3->path_style = options->style == TARN_STORE_S3_STYLE_PATH ||
                     (options->style == TARN_STORE_S3_STYLE_AUTO &&
                      (own || !fits_host_name(s3->bucket)));
    s3->host = s3->path_style ? s3->endpoint_host
                              : tarn_base_arena_printf(&s3->arena, "%s.%s", s3->bucket,
                                                       s3->endpoint_host);
    return tarn_base_arena_check(&s3->arena, error);
}

static bool check_keys(const TarnStoreS3Options *options, TarnError *error) {
    if ((options->access_key == NULL) == (options->secret_key == NULL)) return true;
    tarn_base_error_set(error, TARN_E_CONFIG, "the storage has %s without %s",
                        options->access_key != NULL ? "an access key" : "a secret key",
                        options->access_key != NULL ? "a secret key" : "an access key");
    return tarn_base_error_hint(error, "give storage.access_key and storage.secret_key, or none");
}

static bool copy_options(TarnStoreS3 *s3, const TarnStoreS3Options *given, TarnError *error) {
    TarnArena *arena = &s3->arena;
    TarnStoreS3Options *own = &s3->options;
    if (given != NULL) *own = *given;
    own->endpoint = tarn_base_arena_string(arena, own->endpoint);
    own->region = tarn_base_arena_string(arena, own->region);
    own->access_key = tarn_base_arena_string(arena, own->access_key);
    own->secret_key = tarn_base_arena_string(arena, own->secret_key);
    own->session_token = tarn_base_arena_string(arena, own->session_token);
    own->profile = tarn_base_arena_string(arena, own->profile);
    if (own->part_bytes == 0) own->part_bytes = TARN_LIMIT_STORE_PART_BYTES;
    return tarn_base_arena_check(arena, error) && check_keys(own, error);
}

static bool set_root(TarnStoreS3 *s3, const char *root, TarnError *error) {
    size_t size = strlen(root);
    while (size > 0 && root[size - 1] == '/' && strchr(strstr(root, "://") + 3, '/') != NULL &&
           root + size - 1 >= strchr(strstr(root, "://") + 3, '/')) {
        size--;
    }
    char *copy = tarn_base_arena_string_n(&s3->arena, root, size);
    if (copy == NULL) return tarn_base_arena_check(&s3->arena, error);
    const char *bucket = strstr(copy, "://") + 3;
    s3->store.root = copy;
    s3->bucket = tarn_base_arena_string_n(&s3->arena, bucket, strcspn(bucket, "/"));
    return tarn_base_arena_check(&s3->arena, error);
}

bool tarn_store__s3_open(const TarnOs *os, const char *root, const TarnStoreOptions *options,
                         TarnStore **store, TarnError *error) {
    TarnStoreS3 *s3 = calloc(1, sizeof(*s3));
    if (s3 == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for a store");
    }
    s3->store = (TarnStore){.class = &s3_class, .os = os, .sync = options->sync};
    tarn_base_arena_init(&s3->arena, 4 * TARN_MIB);
    pthread_mutex_init(&s3->lock, NULL);
    tarn_store__credentials_init(&s3->credentials, os, &s3->options);
    if (copy_options(s3, options->s3, error) && set_root(s3, root, error) &&
        set_place(s3, error)) {
        *store = &s3->store;
        return true;
    }
    s3_close(&s3->store);
    return false;
}

bool tarn_store_s3_access(TarnStore *store, TarnArena *arena, TarnStoreS3Access *access,
                          TarnError *error) {
    TarnStoreS3 *s3 = (TarnStoreS3 *)store;
    TarnStoreKeys keys;
    if (store->class != &s3_class) {
        return tarn_base_error_set(error, TARN_E_INTERNAL, "\"%s\" is not on S3", store->root);
    }
    if (!tarn_store__credentials_get(&s3->credentials, false, arena, &keys, error)) return false;
    *access = (TarnStoreS3Access){.host = s3->endpoint_host, .secure = s3->secure,
                                  .path_style = s3->path_style, .region = s3->region,
                                  .access_key = keys.access_key, .secret_key = keys.secret_key,
                                  .session_token = keys.session_token,
                                  .expires_us = keys.expires_us};
    return true;
}
