/* The S3 behind fake_s3.h: as much of the protocol as the store uses. */
#include "fake_s3.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS_MAX 20000
#define PARTS_MAX 64

typedef struct Object {
    char *key;
    char *data;
    size_t size;
    char id[64];
    char etag[40];
    unsigned made;
    bool there;
} Object;

typedef struct Upload {
    char *key;
    char id[64];
    char *parts[PARTS_MAX];
    size_t sizes[PARTS_MAX];
    bool open;
} Upload;

struct FakeS3 {
    FakeHttp *http;
    char endpoint[64];
    Object *objects;
    unsigned count;
    Upload uploads[256];
    unsigned upload_count;
    FakeFault fault;
    bool faulty;
    unsigned seen;
    bool forget_metadata;
    bool no_batches;
    unsigned busy;
    bool ignore_conditions;
    unsigned page;
    char methods[65536][8];
    unsigned requests;
    char token[256];
    char key_id[128];
};

static void hex_md5(const char *data, size_t size, char out[33]) {
    unsigned char digest[16];
    unsigned length = 0;
    if (EVP_Digest(data, size, digest, &length, EVP_md5(), NULL) != 1) abort();
    for (int i = 0; i < 16; i++) (void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static void url_decode(const char *from, size_t size, char *to) {
    for (size_t i = 0; i < size; i++) {
        unsigned value;
        if (from[i] == '%' && i + 2 < size + 0 && sscanf(from + i + 1, "%2x", &value) == 1) {
            *to++ = (char)value;
            i += 2;
        } else {
            *to++ = from[i];
        }
    }
    *to = '\0';
}

static Object *find(FakeS3 *s3, const char *key) {
    for (unsigned i = 0; i < s3->count; i++) {
        if (strcmp(s3->objects[i].key, key) == 0) return &s3->objects[i];
    }
    return NULL;
}

static void store_object(FakeS3 *s3, const char *key, const char *data, size_t size,
                         const char *id, const char *etag) {
    Object *object = find(s3, key);
    if (object == NULL) {
        if (s3->count == OBJECTS_MAX) abort();
        object = &s3->objects[s3->count++];
        object->key = strdup(key);
    }
    free(object->data);
    object->data = malloc(size + 1);
    if (object->data == NULL) abort();
    memcpy(object->data, data, size);
    object->data[size] = '\0';
    object->size = size;
    object->there = true;
    object->made++;
    (void)snprintf(object->id, sizeof(object->id), "%s", s3->forget_metadata ? "" : id);
    (void)snprintf(object->etag, sizeof(object->etag), "%s", etag);
}

static void error_reply(FakeReply *reply, int status, const char *code, const char *extra) {
    char text[2048];
    (void)snprintf(text, sizeof(text),
                   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code>"
                   "<Message>the fake says &lt;no&gt;</Message>%s</Error>",
                   code, extra != NULL ? extra : "");
    fake_http_text(reply, status, text);
}

static void add_header(FakeReply *reply, const char *name, const char *value) {
    size_t used = strlen(reply->headers);
    (void)snprintf(reply->headers + used, sizeof(reply->headers) - used, "%s: %s\r\n", name, value);
}

/* The value of a query parameter, decoded; false if it is not there. */
static bool parameter(const FakeRequest *request, const char *name, char *out, size_t size) {
    const char *query = strchr(request->target, '?');
    size_t name_size = strlen(name);
    while (query != NULL) {
        query++;
        size_t length = strcspn(query, "&");
        if (strncmp(query, name, name_size) == 0 && query[name_size] == '=') {
            if (length - name_size - 1 >= size) return false;
            url_decode(query + name_size + 1, length - name_size - 1, out);
            return true;
        }
        query = query[length] == '&' ? query + length : NULL;
    }
    return false;
}

/* ---- objects ---- */

static void get_object(FakeS3 *s3, const FakeRequest *request, const char *key, FakeReply *reply) {
    Object *object = find(s3, key);
    char range[128];
    char text[128];
    if (object == NULL || !object->there) {
        error_reply(reply, 404, "NoSuchKey", NULL);
        return;
    }
    unsigned long long first = 0;
    unsigned long long last = object->size;
    bool ranged = fake_http_header(request, "range", range, sizeof(range));
    if (ranged && sscanf(range, "bytes=%llu-%llu", &first, &last) == 2) {
        last = last < object->size ? last + 1 : object->size;
    } else if (ranged && range[6] == '-') {
        unsigned long long back = strtoull(range + 7, NULL, 10);
        first = back < object->size ? object->size - back : 0;
    } else if (ranged) {
        first = strtoull(range + 6, NULL, 10);
    }
    if (ranged && first >= object->size) {
        error_reply(reply, 416, "InvalidRange", NULL);
        return;
    }
    reply->status = ranged ? 206 : 200;
    reply->body_size = (size_t)(last - first);
    reply->body = malloc(reply->body_size + 1);
    if (reply->body == NULL) abort();
    memcpy(reply->body, object->data + first, reply->body_size);
    if (ranged) {
        (void)snprintf(text, sizeof(text), "bytes %llu-%llu/%zu", first, last - 1, object->size);
        add_header(reply, "Content-Range", text);
    }
    (void)snprintf(text, sizeof(text), "\"%s\"", object->etag);
    add_header(reply, "ETag", text);
    add_header(reply, "Last-Modified", "Sat, 21 Nov 2026 07:15:00 GMT");
    if (object->id[0] != '\0') add_header(reply, "x-amz-meta-tarn-put", object->id);
}

static bool refused_as_present(FakeS3 *s3, const FakeRequest *request, const char *key,
                               FakeReply *reply) {
    char value[16];
    Object *object = find(s3, key);
    if (s3->ignore_conditions || object == NULL || !object->there ||
        !fake_http_header(request, "if-none-match", value, sizeof(value))) {
        return false;
    }
    error_reply(reply, 412, "PreconditionFailed", NULL);
    return true;
}

static void put_object(FakeS3 *s3, const FakeRequest *request, const char *key, FakeReply *reply) {
    char id[64] = "";
    char etag[33];
    char quoted[40];
    char number[16];
    char upload_id[64];
    hex_md5(request->body, request->body_size, etag);
    (void)snprintf(quoted, sizeof(quoted), "\"%s\"", etag);
    if (parameter(request, "partNumber", number, sizeof(number)) &&
        parameter(request, "uploadId", upload_id, sizeof(upload_id))) {
        int part = (int)strtol(number, NULL, 10) - 1;
        for (unsigned i = 0; i < s3->upload_count; i++) {
            Upload *upload = &s3->uploads[i];
            if (strcmp(upload->id, upload_id) != 0 || !upload->open || part < 0 ||
                part >= PARTS_MAX) {
                continue;
            }
            free(upload->parts[part]);
            upload->parts[part] = malloc(request->body_size + 1);
            if (upload->parts[part] == NULL) abort();
            memcpy(upload->parts[part], request->body, request->body_size);
            upload->sizes[part] = request->body_size;
            fake_http_text(reply, 200, "");
            add_header(reply, "ETag", quoted);
            return;
        }
        error_reply(reply, 404, "NoSuchUpload", NULL);
        return;
    }
    if (refused_as_present(s3, request, key, reply)) return;
    (void)fake_http_header(request, "x-amz-meta-tarn-put", id, sizeof(id));
    store_object(s3, key, request->body, request->body_size, id, etag);
    fake_http_text(reply, 200, "");
    add_header(reply, "ETag", quoted);
}

/* ---- uploads ---- */

static void begin_upload(FakeS3 *s3, const FakeRequest *request, const char *key,
                         FakeReply *reply) {
    char text[512];
    if (s3->upload_count == 256) abort();
    Upload *upload = &s3->uploads[s3->upload_count++];
    upload->key = strdup(key);
    upload->open = true;
    /* the object's identity travels in the upload's id, for brevity */
    char id[48] = "";
    (void)fake_http_header(request, "x-amz-meta-tarn-put", id, sizeof(id));
    (void)snprintf(upload->id, sizeof(upload->id), "u%u.%s", s3->upload_count, id);
    (void)snprintf(text, sizeof(text),
                   "<InitiateMultipartUploadResult><UploadId>%s</UploadId>"
                   "</InitiateMultipartUploadResult>", upload->id);
    fake_http_text(reply, 200, text);
}

static void finish_upload(FakeS3 *s3, const FakeRequest *request, const char *key,
                          const char *upload_id, FakeReply *reply) {
    for (unsigned i = 0; i < s3->upload_count; i++) {
        Upload *upload = &s3->uploads[i];
        if (strcmp(upload->id, upload_id) != 0 || !upload->open) continue;
        if (strcmp(request->method, "DELETE") == 0) {
            upload->open = false;
            fake_http_text(reply, 204, "");
            return;
        }
        if (refused_as_present(s3, request, key, reply)) return;
        size_t size = 0;
        for (int k = 0; k < PARTS_MAX; k++) size += upload->sizes[k];
        char *all = malloc(size + 1);
        if (all == NULL) abort();
        size = 0;
        for (int k = 0; k < PARTS_MAX; k++) {
            if (upload->parts[k] == NULL) continue;
            memcpy(all + size, upload->parts[k], upload->sizes[k]);
            size += upload->sizes[k];
        }
        store_object(s3, key, all, size, strchr(upload->id, '.') + 1, "parts-1");
        free(all);
        upload->open = false;
        fake_http_text(reply, 200,
                       "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>");
        return;
    }
    error_reply(reply, 404, "NoSuchUpload", NULL);
}

/* ---- the bucket ---- */

static int compare_keys(const void *a, const void *b) {
    return strcmp((*(Object *const *)a)->key, (*(Object *const *)b)->key);
}

static void list_objects(FakeS3 *s3, const FakeRequest *request, FakeReply *reply) {
    char prefix[2048] = "";
    char after[2048] = "";
    Object **sorted = calloc(s3->count + 1, sizeof(*sorted));
    char *text = NULL;
    size_t size = 0;
    unsigned count = 0;
    unsigned shown = 0;
    if (sorted == NULL) abort();
    (void)parameter(request, "prefix", prefix, sizeof(prefix));
    (void)parameter(request, "continuation-token", after, sizeof(after));
    for (unsigned i = 0; i < s3->count; i++) {
        if (!s3->objects[i].there) continue;
        if (strncmp(s3->objects[i].key, prefix, strlen(prefix)) == 0) {
            sorted[count++] = &s3->objects[i];
        }
    }
    qsort(sorted, count, sizeof(*sorted), compare_keys);
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) abort();
    fprintf(out, "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                 "<Name>lake</Name><EncodingType>url</EncodingType>");
    unsigned i = 0;
    while (i < count && after[0] != '\0' && strcmp(sorted[i]->key, after) <= 0) i++;
    for (; i < count && shown < s3->page; i++, shown++) {
        fprintf(out, "<Contents><Key>");
        for (const char *c = sorted[i]->key; *c != '\0'; c++) {
            bool plain = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '/';
            fprintf(out, plain ? "%c" : *c == ' ' ? "+" : "%%%02X", (unsigned char)*c);
        }
        fprintf(out, "</Key><LastModified>2026-11-21T07:15:00.000Z</LastModified>"
                     "<ETag>&quot;%s&quot;</ETag><Size>%zu</Size></Contents>",
                sorted[i]->etag, sorted[i]->size);
    }
    fprintf(out, "<IsTruncated>%s</IsTruncated>", i < count ? "true" : "false");
    if (i < count) {
        fprintf(out, "<NextContinuationToken>");
        for (const char *c = sorted[i - 1]->key; *c != '\0'; c++) {
            if (*c == '&' || *c == '<') {
                fprintf(out, "&#%d;", *c);
            } else {
                fputc(*c, out);
            }
        }
        fprintf(out, "</NextContinuationToken>");
    }
    fprintf(out, "</ListBucketResult>");
    (void)fclose(out);
    fake_http_text(reply, 200, text);
    free(text);
    free(sorted);
}

/* &amp;, &lt; and &gt; back to what they stand for. */
static void unescape(char *text) {
    char *to = text;
    for (const char *from = text; *from != '\0'; to++) {
        bool amp = strncmp(from, "&amp;", 5) == 0;
        bool less = strncmp(from, "&lt;", 4) == 0;
        bool more = strncmp(from, "&gt;", 4) == 0;
        *to = amp ? '&' : less ? '<' : more ? '>' : *from;
        from += amp ? 5 : less || more ? 4 : 1;
    }
    *to = '\0';
}

static void delete_many(FakeS3 *s3, const FakeRequest *request, FakeReply *reply) {
    char digest[64];
    if (s3->no_batches) {
        error_reply(reply, 501, "NotImplemented", NULL);
        return;
    }
    if (!fake_http_header(request, "content-md5", digest, sizeof(digest))) {
        error_reply(reply, 400, "MissingContentMD5", NULL);
        return;
    }
    if (strchr(request->body, (char)0xff) != NULL) {
        error_reply(reply, 400, "MalformedXML", NULL);
        return;
    }
    char refused[6000] = "";
    for (const char *at = strstr(request->body, "<Key>"); at != NULL; at = strstr(at, "<Key>")) {
        at += 5;
        char key[2048];
        size_t size = strcspn(at, "<");
        if (size >= sizeof(key)) abort();
        memcpy(key, at, size);
        key[size] = '\0';
        unescape(key);
        bool denied = strstr(key, "protected") != NULL;
        bool busy = strstr(key, "busy") != NULL && s3->busy > 0;
        if (denied || busy) {
            size_t used = strlen(refused);
            if (busy) s3->busy--;
            (void)snprintf(refused + used, sizeof(refused) - used,
                           "<Error><Key>%.*s</Key><Code>%s</Code></Error>", (int)size, at,
                           denied ? "AccessDenied" : "SlowDown");
            continue;
        }
        Object *object = find(s3, key);
        if (object != NULL) object->there = false;
    }
    char text[8192];
    (void)snprintf(text, sizeof(text), "<DeleteResult>%s</DeleteResult>", refused);
    fake_http_text(reply, 200, text);
}

/* ---- requests ---- */

static void apply(FakeS3 *s3, const FakeRequest *request, const char *key, FakeReply *reply) {
    char upload_id[64];
    bool post = strcmp(request->method, "POST") == 0;
    bool has_upload = parameter(request, "uploadId", upload_id, sizeof(upload_id));
    if (key[0] == '\0') {
        if (post) {
            delete_many(s3, request, reply);
        } else {
            list_objects(s3, request, reply);
        }
    } else if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0) {
        get_object(s3, request, key, reply);
    } else if (post && !has_upload) {
        begin_upload(s3, request, key, reply);
    } else if (has_upload && strcmp(request->method, "PUT") != 0) {
        finish_upload(s3, request, key, upload_id, reply);
    } else if (strcmp(request->method, "PUT") == 0) {
        put_object(s3, request, key, reply);
    } else {
        Object *object = find(s3, key);
        if (object != NULL) object->there = false;
        fake_http_text(reply, 204, "");
    }
}

static bool is_hit(FakeS3 *s3, const FakeRequest *request) {
    const FakeFault *fault = &s3->fault;
    if (!s3->faulty) return false;
    if (fault->method != NULL && fault->method[0] != '\0' &&
        strcmp(fault->method, request->method) != 0) {
        return false;
    }
    if (fault->query != NULL && strstr(request->target, fault->query) == NULL) return false;
    unsigned seen = s3->seen++;
    return seen >= fault->skip && seen < fault->skip + fault->count;
}

static void handle(void *state, const FakeRequest *request, FakeReply *reply) {
    FakeS3 *s3 = state;
    char key[4096] = "";
    char authorization[1024];
    if (s3->requests < 65536) {
        (void)snprintf(s3->methods[s3->requests], 8, "%.7s", request->method);
    }
    s3->requests++;
    const char *path = request->target;
    size_t size = strcspn(path, "?");
    s3->token[0] = '\0';
    (void)fake_http_header(request, "x-amz-security-token", s3->token, sizeof(s3->token));
    s3->key_id[0] = '\0';
    if (!fake_http_header(request, "authorization", authorization, sizeof(authorization))) {
        error_reply(reply, 403, "AccessDenied", NULL);
        return;
    }
    (void)sscanf(authorization, "AWS4-HMAC-SHA256 Credential=%100[^/]", s3->key_id);
    if (strncmp(path, "/lake", 5) != 0 || (size > 5 && path[5] != '/')) {
        error_reply(reply, 404, "NoSuchBucket", NULL);
        return;
    }
    if (size > 6) url_decode(path + 6, size - 6, key);
    bool hit = is_hit(s3, request);
    if (!hit || s3->fault.apply) apply(s3, request, key, reply);
    if (!hit) return;
    reply->how = s3->fault.how;
    if (reply->how == FAKE_ANSWER) {
        reply->headers[0] = '\0';
        error_reply(reply, s3->fault.status, s3->fault.code, s3->fault.extra);
    }
    if (s3->fault.header != NULL) {
        size_t used = strlen(reply->headers);
        (void)snprintf(reply->headers + used, sizeof(reply->headers) - used, "%s",
                       s3->fault.header);
    }
}

/* ---- the test's side ---- */

FakeS3 *fake_s3_start(void) {
    FakeS3 *s3 = calloc(1, sizeof(*s3));
    if (s3 == NULL) abort();
    s3->objects = calloc(OBJECTS_MAX, sizeof(*s3->objects));
    s3->page = 1000;
    s3->http = fake_http_start(handle, s3);
    if (s3->objects == NULL || s3->http == NULL) abort();
    (void)snprintf(s3->endpoint, sizeof(s3->endpoint), "http://127.0.0.1:%d",
                   fake_http_port(s3->http));
    return s3;
}

void fake_s3_stop(FakeS3 *s3) {
    fake_http_stop(s3->http);
    for (unsigned i = 0; i < s3->count; i++) {
        free(s3->objects[i].key);
        free(s3->objects[i].data);
    }
    for (unsigned i = 0; i < s3->upload_count; i++) {
        for (int k = 0; k < PARTS_MAX; k++) free(s3->uploads[i].parts[k]);
        free(s3->uploads[i].key);
    }
    free(s3->objects);
    free(s3);
}

const char *fake_s3_endpoint(const FakeS3 *s3) { return s3->endpoint; }

void fake_s3_fault(FakeS3 *s3, const FakeFault *fault) {
    fake_http_settle(s3->http);
    s3->faulty = fault != NULL;
    s3->seen = 0;
    if (fault != NULL) s3->fault = *fault;
}

void fake_s3_forget_metadata(FakeS3 *s3, bool yes) { s3->forget_metadata = yes; }
void fake_s3_ignore_conditions(FakeS3 *s3, bool yes) { s3->ignore_conditions = yes; }
void fake_s3_busy(FakeS3 *s3, unsigned times) {
    fake_http_settle(s3->http);
    s3->busy = times;
}

void fake_s3_no_batches(FakeS3 *s3, bool yes) { s3->no_batches = yes; }
void fake_s3_page(FakeS3 *s3, unsigned keys) { s3->page = keys; }

unsigned fake_s3_requests(FakeS3 *s3, const char *method) {
    fake_http_settle(s3->http);
    unsigned count = 0;
    for (unsigned i = 0; i < s3->requests && i < 65536; i++) {
        if (method[0] == '\0' || strcmp(s3->methods[i], method) == 0) count++;
    }
    return count;
}

unsigned fake_s3_objects(FakeS3 *s3) {
    fake_http_settle(s3->http);
    unsigned count = 0;
    for (unsigned i = 0; i < s3->count; i++) count += s3->objects[i].there;
    return count;
}

unsigned fake_s3_uploads(FakeS3 *s3) {
    fake_http_settle(s3->http);
    unsigned count = 0;
    for (unsigned i = 0; i < s3->upload_count; i++) count += s3->uploads[i].open;
    return count;
}

unsigned fake_s3_made(FakeS3 *s3, const char *key) {
    fake_http_settle(s3->http);
    Object *object = find(s3, key);
    return object != NULL ? object->made : 0;
}

const char *fake_s3_bytes(FakeS3 *s3, const char *key, size_t *size) {
    fake_http_settle(s3->http);
    Object *object = find(s3, key);
    if (object == NULL || !object->there) return NULL;
    if (size != NULL) *size = object->size;
    return object->data;
}

void fake_s3_plant(FakeS3 *s3, const char *key, const char *bytes) {
    fake_http_settle(s3->http);
    char etag[33];
    hex_md5(bytes, strlen(bytes), etag);
    store_object(s3, key, bytes, strlen(bytes), "", etag);
}

const char *fake_s3_last_token(FakeS3 *s3) {
    fake_http_settle(s3->http);
    return s3->token;
}
const char *fake_s3_last_key_id(FakeS3 *s3) {
    fake_http_settle(s3->http);
    return s3->key_id;
}
