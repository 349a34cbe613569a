/* Listing and deleting on S3.
 *
 * Idea: pages of a thousand, in the byte order of the keys, which is how S3 lists; the memory of
 * one page is given back before the next. Deletions go in batches of a thousand: what the store was
 * too busy for is sent again, what it refuses is counted and named. A store that has no batches
 * gets them one by one. Cleaning up goes on after Ctrl-C.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/time.h"
#include "store/s3_private.h"

/* ---- listing ----------------------------------------------------------------------------- */

typedef struct Listing {
    TarnStoreS3 *s3;
    const char *base; /* "s3://bucket/", as in the caller's prefix */
    size_t base_size;
    const char *prefix;
    TarnStoreVisit visit;
    void *state;
    TarnBuffer token; /* of the next page; empty = the first */
    bool url_encoded;
    bool more;
    TarnError *error;
} Listing;

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place: '+' is a space here, as in forms. */
static bool decode_url(char *text) {
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from != '%') {
            *to++ = *from == '+' ? ' ' : *from;
            continue;
        }
        int high = hex_digit(from[1]);
        int low = high >= 0 ? hex_digit(from[2]) : -1;
        if (low < 0 || high * 16 + low == 0) return false;
        *to++ = (char)(high * 16 + low);
        from += 2;
    }
    *to = '\0';
    return true;
}

static bool visit_object(Listing *listing, TarnText content, TarnArena *arena) {
    const char *raw;
    const char *size_text;
    const char *modified;
    const char *etag;
    int64_t size = 0;
    if (!tarn_store__xml_text(content, "Key", arena, &raw, listing->error) ||
        !tarn_store__xml_text(content, "Size", arena, &size_text, listing->error) ||
        !tarn_store__xml_text(content, "LastModified", arena, &modified, listing->error) ||
        !tarn_store__xml_text(content, "ETag", arena, &etag, listing->error)) {
        return false;
    }
    char *key = tarn_base_arena_string(arena, raw);
    if (key == NULL) return tarn_base_arena_check(arena, listing->error);
    if ((listing->url_encoded && !decode_url(key)) ||
        strncmp(key, listing->prefix, strlen(listing->prefix)) != 0 ||
        !tarn_base_text_to_int64(tarn_base_text(size_text), &size) || size < 0) {
        return tarn_base_error_set(listing->error, TARN_E_FORMAT_CORRUPT,
                                   "the object store lists something that was not asked for");
    }
    size_t key_size = strlen(key);
    if (key_size == 0 || key[key_size - 1] == '/') return true; /* stands for a folder */
    const char *location = tarn_base_arena_printf(arena, "%.*s%s", (int)listing->base_size,
                                                  listing->base, key);
    if (location == NULL) return tarn_base_arena_check(arena, listing->error);
    TarnText path;
    /* A key that no location can name is none that tarn wrote. */
    if (!tarn_store_resolve(tarn_base_text(location), &path, NULL)) return true;
    TarnStoreObject object = {.location = location, .exists = true, .size = (uint64_t)size};
    if (!tarn_base_time_parse_us(tarn_base_text(modified), &object.mtime_us)) object.mtime_us = 0;
    size_t used = 0;
    for (const char *c = etag; *c != '\0' && used + 1 < sizeof(object.etag); c++) {
        if (*c != '"') object.etag[used++] = *c;
    }
    return listing->visit(listing->state, &object, listing->error);
}

static bool read_page(Listing *listing, TarnText document, TarnArena *arena) {
    TarnText content;
    const char *encoding;
    const char *truncated;
    const char *token;
    TarnError *error = listing->error;
    if (!tarn_store__xml_root(document, "ListBucketResult", &content, error) ||
        !tarn_store__xml_text(content, "EncodingType", arena, &encoding, error) ||
        !tarn_store__xml_text(content, "IsTruncated", arena, &truncated, error) ||
        !tarn_store__xml_text(content, "NextContinuationToken", arena, &token, error)) {
        return false;
    }
    listing->url_encoded = strcmp(encoding, "url") == 0;
    listing->more = strcmp(truncated, "true") == 0;
    if (listing->more && (token[0] == '\0' ||
                          tarn_base_text_is(tarn_base_buffer_view(&listing->token), token))) {
        return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                                   "the object store's listing does not go on");
    }
    tarn_base_buffer_clear(&listing->token);
    tarn_base_buffer_string(&listing->token, token);
    bool found = true;
    while (found) {
        TarnText name;
        TarnText inner;
        if (!tarn_store__xml_next(&content, &name, &inner, &found, error)) return false;
        if (found && tarn_base_text_is(name, "Contents") && !visit_object(listing, inner, arena)) {
            return false;
        }
    }
    return tarn_base_buffer_check(&listing->token, error);
}

static bool fetch_page(Listing *listing, TarnArena *arena) {
    TarnStoreS3Retry retry = tarn_store__s3_retry_begin(listing->s3);
    TarnStoreS3Request request = {.method = "GET", .location = listing->base, .key = "",
                                  .limit = TARN_LIMIT_STORE_LIST_BYTES};
    TarnNetResponse response;
    request.parameters[request.parameter_count++] = (TarnNetParameter){"list-type", "2"};
    request.parameters[request.parameter_count++] = (TarnNetParameter){"encoding-type", "url"};
    request.parameters[request.parameter_count++] = (TarnNetParameter){"prefix", listing->prefix};
    if (listing->token.size > 0) {
        request.parameters[request.parameter_count++] =
            (TarnNetParameter){"continuation-token", listing->token.data};
    }
    if (!tarn_store__s3_send(listing->s3, &request, &retry, arena, &response, listing->error)) {
        return false;
    }
    if (response.status >= 300) {
        return tarn_store__s3_refuse(listing->s3, &request, &response, listing->error);
    }
    return read_page(listing, response.body, arena);
}

bool tarn_store__s3_list(TarnStore *store, const char *prefix, TarnStoreVisit visit, void *state,
                         TarnError *error) {
    TarnArena names;
    const char *key = tarn_store__s3_key(prefix);
    size_t key_size = strlen(key);
    while (key_size > 0 && key[key_size - 1] == '/') key_size--;
    tarn_base_arena_init(&names, TARN_MIB);
    size_t base_size = strcspn(strstr(prefix, "://") + 3, "/") +
                       (size_t)(strstr(prefix, "://") + 3 - prefix);
    Listing listing = {.s3 = (TarnStoreS3 *)store, .visit = visit, .state = state, .more = true,
                       .base_size = base_size + 1, .error = error};
    listing.base = tarn_base_arena_printf(&names, "%.*s/", (int)base_size, prefix);
    listing.prefix = tarn_base_arena_printf(&names, "%.*s%s", (int)key_size, key,
                                            key_size > 0 ? "/" : "");
    tarn_base_buffer_init(&listing.token, TARN_MIB);
    bool ok = tarn_base_arena_check(&names, error);
    while (ok && listing.more) {
        TarnArena arena;
        tarn_base_arena_init(&arena, 8 * TARN_LIMIT_STORE_LIST_BYTES);
        ok = fetch_page(&listing, &arena);
        tarn_base_arena_dispose(&arena);
    }
    tarn_base_buffer_dispose(&listing.token);
    tarn_base_arena_dispose(&names);
    return ok;
}

/* ---- deleting ---------------------------------------------------------------------------- */

bool tarn_store__s3_remove(TarnStore *store, const char *location, bool *existed,
                           TarnError *error) {
    TarnStoreS3 *s3 = (TarnStoreS3 *)store;
    TarnArena arena;
    TarnStoreS3Retry retry = tarn_store__s3_retry_begin(s3);
    TarnNetResponse response;
    TarnStoreS3Request request = {.method = "DELETE", .location = location,
                                  .key = tarn_store__s3_key(location), .limit = TARN_MIB,
                                  .finish = true};
    if (request.key[0] == '\0') {
        return tarn_base_error_set(error, TARN_E_LOCATION_INVALID,
                                   "cannot delete \"%s\": it names a bucket", location);
    }
    tarn_base_arena_init(&arena, 4 * TARN_MIB);
    bool ok = true;
    if (existed != NULL) {
        TarnStoreObject object = {.location = location};
        ok = tarn_store__s3_head(s3, location, &retry, &arena, &object, NULL, error);
        *existed = object.exists;
    }
    ok = ok && tarn_store__s3_send(s3, &request, &retry, &arena, &response, error);
    if (ok && response.status >= 300 && response.status != 404) {
        ok = tarn_store__s3_refuse(s3, &request, &response, error);
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

/* ---- many at once ------------------------------------------------------------------------ */

typedef enum Fate { PENDING, GONE, REFUSED } Fate;

/* One batch, and what has become of each of its objects. */
typedef struct Removal {
    TarnStoreS3 *s3;
    const char *const *locations;
    size_t count;
    Fate fates[TARN_LIMIT_STORE_DELETE_BATCH];
    size_t refused;
    size_t first_refused;
    char code[64];   /* of the first that was refused, or of the last that has to wait */
    bool known;      /* false = the store has no batches, or cannot read this one */
    TarnArena arena; /* of one request */
    TarnStoreS3Retry retry;
    TarnError *error;
} Removal;

static size_t find_key(const Removal *removal, const char *key) {
    size_t i = 0;
    while (i < removal->count && strcmp(tarn_store__s3_key(removal->locations[i]), key) != 0) i++;
    return i;
}

static void note_failure(Removal *removal, size_t i, const char *code) {
    bool waits = tarn_store__s3_code_passes(code);
    removal->fates[i] = waits ? PENDING : REFUSED;
    if (waits ? removal->refused == 0 : removal->refused++ == 0) {
        removal->first_refused = i;
        (void)snprintf(removal->code, sizeof(removal->code), "%s", code);
    }
}

/* In quiet mode S3 names only what it did not delete. */
static bool read_deleted(Removal *removal, TarnText document) {
    TarnArena *arena = &removal->arena;
    TarnError *error = removal->error;
    TarnText content;
    bool found = true;
    if (!tarn_store__xml_root(document, "DeleteResult", &content, error)) return false;
    for (size_t i = 0; i < removal->count; i++) {
        if (removal->fates[i] == PENDING) removal->fates[i] = GONE;
    }
    while (found) {
        TarnText name;
        TarnText inner;
        const char *key;
        const char *code;
        if (!tarn_store__xml_next(&content, &name, &inner, &found, error)) return false;
        if (!found || !tarn_base_text_is(name, "Error")) continue;
        if (!tarn_store__xml_text(inner, "Key", arena, &key, error) ||
            !tarn_store__xml_text(inner, "Code", arena, &code, error)) {
            return false;
        }
        size_t i = find_key(removal, key);
        if (i == removal->count) {
            return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                                       "the object store answers about \"%s\", which it was not "
                                       "asked to delete", key);
        }
        if (strcmp(code, "NoSuchKey") != 0) note_failure(removal, i, code);
    }
    return true;
}

static size_t count_pending(const Removal *removal) {
    size_t pending = 0;
    for (size_t i = 0; i < removal->count; i++) pending += removal->fates[i] == PENDING;
    return pending;
}

static bool fail_removal(Removal *removal, size_t undone) {
    bool denied = strcmp(removal->code, "AccessDenied") == 0;
    TarnErrorCode code = removal->refused == 0 ? TARN_E_UNAVAILABLE
                         : denied              ? TARN_E_DENIED_BY_STORE
                                               : TARN_E_IO;
    tarn_base_error_set(removal->error, code,
                        "the object store did not delete %zu of %zu objects, the first of them is "
                        "\"%s\": %s", undone, removal->count,
                        removal->locations[removal->first_refused], removal->code);
    if (removal->error != NULL) removal->error->retryable = removal->refused == 0;
    return denied ? tarn_base_error_hint(removal->error, "the keys in use need the right to delete "
                                                         "below the bucket's prefix")
                  : false;
}

static void write_batch(const Removal *removal, TarnBuffer *body) {
    tarn_base_buffer_string(body, "<Delete><Quiet>true</Quiet>");
    for (size_t i = 0; i < removal->count; i++) {
        if (removal->fates[i] != PENDING) continue;
        tarn_base_buffer_string(body, "<Object><Key>");
        tarn_store__xml_escape(body, tarn_store__s3_key(removal->locations[i]));
        tarn_base_buffer_string(body, "</Key></Object>");
    }
    tarn_base_buffer_string(body, "</Delete>");
}

/* 400 MalformedXML: a name that XML cannot carry; one by one it can be deleted. */
static bool has_no_batches(const TarnNetResponse *response, TarnArena *arena) {
    return response->status == 501 || response->status == 405 ||
           (response->status == 400 &&
            strcmp(tarn_store__s3_code(response, arena), "MalformedXML") == 0);
}

static bool send_batch(Removal *removal, TarnText body, const char *digest) {
    TarnNetResponse response;
    TarnStoreS3Request request = {.method = "POST", .location = removal->locations[0], .key = "",
                                  .body = body, .finish = true,
                                  .limit = TARN_LIMIT_STORE_LIST_BYTES};
    request.parameters[request.parameter_count++] = (TarnNetParameter){"delete", ""};
    request.headers[request.header_count++] = (TarnNetHeader){"Content-MD5", digest};
    if (!tarn_store__s3_send(removal->s3, &request, &removal->retry, &removal->arena, &response,
                             removal->error)) {
        return false;
    }
    removal->known = !has_no_batches(&response, &removal->arena);
    if (!removal->known) return true;
    return response.status < 300
               ? read_deleted(removal, response.body)
               : tarn_store__s3_refuse(removal->s3, &request, &response, removal->error);
}

static bool send_pending(Removal *removal) {
    TarnBuffer body;
    TarnBuffer digest;
    unsigned char md5[TARN_NET_MD5_BYTES];
    tarn_base_buffer_init(&body, TARN_LIMIT_STORE_LIST_BYTES);
    tarn_base_buffer_init(&digest, TARN_KIB);
    tarn_base_arena_init(&removal->arena, 2 * TARN_LIMIT_STORE_LIST_BYTES);
    write_batch(removal, &body);
    bool ok = tarn_base_buffer_check(&body, removal->error);
    removal->known = tarn_net_md5(tarn_base_buffer_view(&body), md5);
    if (ok && removal->known) {
        tarn_net_base64(&digest, md5, sizeof(md5));
        ok = tarn_base_buffer_check(&digest, removal->error) &&
             send_batch(removal, tarn_base_buffer_view(&body), digest.data);
    }
    tarn_base_arena_dispose(&removal->arena);
    tarn_base_buffer_dispose(&digest);
    tarn_base_buffer_dispose(&body);
    return ok;
}

/* Until nothing waits: what the store was too busy for is asked for again, alone. */
static bool remove_batch(Removal *removal) {
    removal->retry = tarn_store__s3_retry_begin(removal->s3);
    for (;;) {
        if (!send_pending(removal)) return false;
        size_t pending = removal->known ? count_pending(removal) : 0;
        if (pending == 0) break;
        if (tarn_store__s3_retry_wait(removal->s3, &removal->retry, true, NULL, NULL)) continue;
        return fail_removal(removal, pending + removal->refused);
    }
    return removal->refused == 0 || fail_removal(removal, removal->refused);
}

static bool remove_singly(Removal *removal) {
    for (size_t i = 0; i < removal->count; i++) {
        if (removal->fates[i] != PENDING) continue;
        if (!tarn_store__s3_remove(&removal->s3->store, removal->locations[i], NULL,
                                   removal->error)) {
            return false;
        }
        removal->fates[i] = GONE;
    }
    return true;
}

bool tarn_store__s3_remove_many(TarnStore *store, const char *const *locations, size_t count,
                                bool *removed, TarnError *error) {
    bool known = true;
    bool ok = true;
    for (size_t done = 0; ok && done < count;) {
        size_t left = count - done;
        Removal removal = {.s3 = (TarnStoreS3 *)store, .locations = locations + done,
                           .error = error};
        removal.count = left < TARN_LIMIT_STORE_DELETE_BATCH ? left : TARN_LIMIT_STORE_DELETE_BATCH;
        removal.known = known && removal.count > 1;
        if (removal.known) {
            ok = remove_batch(&removal);
            known = removal.known;
        }
        if (ok && !removal.known) ok = remove_singly(&removal);
        for (size_t i = 0; removed != NULL && i < removal.count; i++) {
            removed[done + i] = removal.fates[i] == GONE;
        }
        done += removal.count;
    }
    return ok;
}
