/* The HTTP client over libcurl's easy interface.
 *
 * Idea: a pool of easy handles, each with its own kept connections. A request takes one, sets all
 * options anew (easy_reset keeps the connections), and gives it back; so threads share nothing but
 * the pool's list. The body of a response goes straight into the caller's arena.
 *
 * libcurl repeats a request by itself when a kept connection turns out to be closed. Whether a
 * request may be repeated only its caller knows: a body is never rewound, so that libcurl gives up
 * instead, and a POST without a body gets a new connection.
 */
#include "net/http.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/time.h"
#include "net/curl_private.h"

typedef struct PooledHandle {
    CURL *easy;
    struct PooledHandle *next;
} PooledHandle;

struct TarnNetClient {
    const TarnOs *os;
    const TarnNetCurl *curl;
    TarnNetOptions options;
    char *ca_file;
    pthread_mutex_t lock; /* guards `idle` */
    PooledHandle *idle;
};

typedef struct Transfer {
    TarnNetClient *client;
    const TarnNetRequest *request;
    CURL *easy;
    TarnArena *arena;
    TarnNetResponse *response;
    TarnError *error;
    char *data; /* of the response */
    size_t size;
    size_t capacity;
    uint64_t sent;
    bool failed; /* `error` is set by a callback */
    char reason[CURL_ERROR_SIZE];
} Transfer;

/* ---- opening ----------------------------------------------------------------------------- */

bool tarn_net_client_open(const TarnOs *os, const TarnNetOptions *options, TarnNetClient **client,
                          TarnError *error) {
    static const TarnNetOptions defaults;
    const TarnNetCurl *curl;
    *client = NULL;
    if (options == NULL) options = &defaults;
    if (!tarn_net__curl(&curl, error)) return false;
    TarnNetClient *made = calloc(1, sizeof(*made));
    if (made != NULL && options->ca_file != NULL) made->ca_file = strdup(options->ca_file);
    if (made == NULL || (options->ca_file != NULL && made->ca_file == NULL)) {
        free(made);
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for an HTTP client");
    }
    made->os = os;
    made->curl = curl;
    made->options = *options;
    if (made->options.connect_ms == 0) made->options.connect_ms = TARN_LIMIT_NET_CONNECT_MS;
    if (made->options.silence_ms == 0) made->options.silence_ms = TARN_LIMIT_NET_SILENCE_MS;
    if (made->options.request_ms == 0) made->options.request_ms = TARN_LIMIT_NET_REQUEST_MS;
    pthread_mutex_init(&made->lock, NULL);
    *client = made;
    return true;
}

void tarn_net_client_close(TarnNetClient *client) {
    if (client == NULL) return;
    while (client->idle != NULL) {
        PooledHandle *handle = client->idle;
        client->idle = handle->next;
        client->curl->easy_cleanup(handle->easy);
        free(handle);
    }
    pthread_mutex_destroy(&client->lock);
    free(client->ca_file);
    free(client);
}

static PooledHandle *take_handle(TarnNetClient *client) {
    pthread_mutex_lock(&client->lock);
    PooledHandle *handle = client->idle;
    if (handle != NULL) client->idle = handle->next;
    pthread_mutex_unlock(&client->lock);
    if (handle != NULL) return handle;
    handle = calloc(1, sizeof(*handle));
    if (handle == NULL) return NULL;
    handle->easy = client->curl->easy_init();
    if (handle->easy != NULL) return handle;
    free(handle);
    return NULL;
}

static void give_handle(TarnNetClient *client, PooledHandle *handle) {
    client->curl->easy_reset(handle->easy);
    pthread_mutex_lock(&client->lock);
    handle->next = client->idle;
    client->idle = handle;
    pthread_mutex_unlock(&client->lock);
}

/* ---- libcurl's callbacks ----------------------------------------------------------------- */

static bool fail_transfer(Transfer *transfer) {
    transfer->failed = true;
    return false;
}

static bool fail_memory(Transfer *transfer) {
    tarn_base_error_set(transfer->error, TARN_E_OUT_OF_MEMORY, "no memory for a server's answer");
    return fail_transfer(transfer);
}

static long response_status(Transfer *transfer) {
    long status = 0;
    (void)transfer->client->curl->easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* The length that the server announced; 0 if it did not. */
static uint64_t announced_size(Transfer *transfer) {
    curl_off_t announced = -1;
    (void)transfer->client->curl->easy_getinfo(transfer->easy,
                                               CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    return announced > 0 ? (uint64_t)announced : 0;
}

/* Room for `extra` more bytes and a zero. The length that the server announced is taken at once. */
static bool reserve_body(Transfer *transfer, size_t extra) {
    size_t needed = transfer->size + extra + 1;
    if (needed <= transfer->capacity) return true;
    uint64_t announced = announced_size(transfer);
    size_t capacity = transfer->capacity * 2;
    if (capacity == 0 && announced <= transfer->request->limit) capacity = (size_t)announced + 1;
    if (capacity < needed) capacity = needed + 4 * TARN_KIB;
    char *data = tarn_base_arena_alloc(transfer->arena, capacity);
    if (data == NULL) return fail_memory(transfer);
    if (transfer->size > 0) memcpy(data, transfer->data, transfer->size);
    transfer->data = data;
    transfer->capacity = capacity;
    return true;
}

static size_t on_body(char *data, size_t one, size_t size, void *state) {
    Transfer *transfer = state;
    (void)one;
    long status = response_status(transfer);
    size_t take = size;
    if (status < 200 || status >= 300) { /* text about an error: its beginning is enough */
        size_t room = TARN_LIMIT_NET_ERROR_BODY_BYTES - transfer->size;
        if (take > room) take = room;
        transfer->response->truncated = transfer->response->truncated || take < size;
    } else if (size > transfer->request->limit - transfer->size ||
               announced_size(transfer) > transfer->request->limit) {
        tarn_base_error_set(transfer->error, TARN_E_LIMIT_EXCEEDED,
                            "the server sent more than %zu bytes", transfer->request->limit);
        fail_transfer(transfer);
        return 0;
    }
    if (take > 0) {
        if (!reserve_body(transfer, take)) return 0;
        memcpy(transfer->data + transfer->size, data, take);
        transfer->size += take;
    }
    return size;
}

static size_t on_header(char *data, size_t one, size_t size, void *state) {
    Transfer *transfer = state;
    TarnNetResponse *response = transfer->response;
    TarnText value;
    (void)one;
    if (size > 5 && memcmp(data, "HTTP/", 5) == 0) response->count = 0; /* after a 100 Continue */
    TarnText name = tarn_base_text_split((TarnText){data, size}, ':', &value);
    if (value.data == NULL || name.size == 0) return size;
    if (response->count >= TARN_LIMIT_NET_HEADERS) {
        tarn_base_error_set(transfer->error, TARN_E_LIMIT_EXCEEDED,
                            "the server sent more than %d headers", TARN_LIMIT_NET_HEADERS);
        fail_transfer(transfer);
        return 0;
    }
    TarnNetHeader *header = TARN_PUSH(transfer->arena, response);
    char *lower = tarn_base_text_string(transfer->arena, name);
    char *copy = tarn_base_text_string(transfer->arena, tarn_base_text_trim(value));
    if (header == NULL || lower == NULL || copy == NULL) {
        fail_memory(transfer);
        return 0;
    }
    for (char *c = lower; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c | 0x20);
    }
    *header = (TarnNetHeader){lower, copy};
    return size;
}

static uint64_t body_size(const TarnNetRequest *request) {
    return request->file != NULL ? request->file_size : request->body.size;
}

static size_t on_read(char *out, size_t one, size_t room, void *state) {
    Transfer *transfer = state;
    const TarnNetRequest *request = transfer->request;
    (void)one;
    uint64_t left = body_size(request) - transfer->sent;
    size_t take = left < room ? (size_t)left : room;
    if (take == 0) return 0;
    if (request->file != NULL) {
        if (!tarn_os_file_read_exact(transfer->client->os, request->file,
                                     request->file_offset + transfer->sent, out, take,
                                     transfer->error)) {
            fail_transfer(transfer);
            return CURL_READFUNC_ABORT;
        }
    } else {
        memcpy(out, request->body.data + transfer->sent, take);
    }
    transfer->sent += take;
    return take;
}

/* Bytes that were sent are not sent again. */
static int on_seek(void *state, curl_off_t offset, int origin) {
    Transfer *transfer = state;
    bool there = origin == SEEK_SET && offset >= 0 && (uint64_t)offset == transfer->sent;
    return there ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

static int on_progress(void *state, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                       curl_off_t up) {
    Transfer *transfer = state;
    (void)down_all;
    (void)down;
    (void)up_all;
    (void)up;
    return tarn_os_interrupted() && !transfer->request->finish ? 1 : 0;
}

/* ---- one request ------------------------------------------------------------------------- */

static bool is_clean(const char *text) {
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) return false;
    }
    return true;
}

static bool check_request(const TarnNetRequest *request, TarnError *error) {
    TarnText url = tarn_base_text(request->url);
    bool secure = tarn_base_text_starts(url, "https://");
    if (!secure && !tarn_base_text_starts(url, "http://")) {
        return tarn_base_error_set(error, TARN_E_LOCATION_INVALID,
                                   "a URL must begin with http:// or https://");
    }
    size_t scheme = secure ? 8 : 7;
    size_t authority = strcspn(request->url + scheme, "/?#");
    if (authority == 0 || memchr(request->url + scheme, '@', authority) != NULL ||
        !is_clean(request->url) || strchr(request->url, ' ') != NULL) {
        return tarn_base_error_set(error, TARN_E_LOCATION_INVALID,
                                   "a URL has no host, a user name in it, or a space");
    }
    for (size_t i = 0; i < request->header_count; i++) {
        if (is_clean(request->headers[i].value)) continue;
        return tarn_base_error_set(error, TARN_E_LOCATION_INVALID,
                                   "the header \"%s\" has a control character",
                                   request->headers[i].name);
    }
    return true;
}

static bool make_headers(const TarnNetClient *client, const TarnNetRequest *request,
                         struct curl_slist **list, TarnError *error) {
    static const char *const fixed[] = {"Expect:", "User-Agent: tarn/" TARN_VERSION};
    bool ok = true;
    *list = NULL;
    for (size_t i = 0; ok && i < request->header_count + 2; i++) {
        TarnBuffer line;
        tarn_base_buffer_init(&line, TARN_MIB);
        if (i < 2) {
            tarn_base_buffer_string(&line, fixed[i]);
        } else {
            const TarnNetHeader *header = &request->headers[i - 2];
            bool empty = header->value[0] == '\0'; /* libcurl writes an empty header for ';' */
            tarn_base_buffer_printf(&line, "%s%s%s", header->name, empty ? ";" : ": ",
                                    header->value);
        }
        struct curl_slist *longer =
            line.failed ? NULL : client->curl->slist_append(*list, line.data);
        if (longer != NULL) *list = longer;
        ok = longer != NULL;
        tarn_base_buffer_dispose(&line);
    }
    return ok || tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for headers");
}

static void set_body(Transfer *transfer) {
    const TarnNetCurl *curl = transfer->client->curl;
    const TarnNetRequest *request = transfer->request;
    CURL *easy = transfer->easy;
    bool upload = strcmp(request->method, "PUT") == 0 || strcmp(request->method, "POST") == 0;
    if (strcmp(request->method, "HEAD") == 0) (void)curl->easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (upload) {
        (void)curl->easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        (void)curl->easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)body_size(request));
        (void)curl->easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
        (void)curl->easy_setopt(easy, CURLOPT_READDATA, transfer);
        (void)curl->easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
        (void)curl->easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
        if (body_size(request) == 0) (void)curl->easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    }
    (void)curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_limits(Transfer *transfer) {
    const TarnNetClient *client = transfer->client;
    const TarnNetCurl *curl = client->curl;
    const TarnNetOptions *options = &client->options;
    CURL *easy = transfer->easy;
    int64_t request_ms = transfer->request->request_ms;
    if (request_ms == 0) request_ms = options->request_ms;
    long silence = (long)((options->silence_ms + 999) / 1000);
    (void)curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_ms);
    (void)curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request_ms);
    (void)curl->easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)TARN_LIMIT_NET_BYTES_PER_SECOND);
    (void)curl->easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, silence);
    if (client->ca_file != NULL) {
        (void)curl->easy_setopt(easy, CURLOPT_CAINFO, client->ca_file);
    }
    if (options->direct) (void)curl->easy_setopt(easy, CURLOPT_NOPROXY, "*");
}

static void set_options(Transfer *transfer, struct curl_slist *headers) {
    const TarnNetCurl *curl = transfer->client->curl;
    CURL *easy = transfer->easy;
    (void)curl->easy_setopt(easy, CURLOPT_URL, transfer->request->url);
    (void)curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl->easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl->easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* a key may hold what looks like ".." */
    (void)curl->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl->easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    (void)curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->reason);
    (void)curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl->easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    (void)curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl->easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    (void)curl->easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    (void)curl->easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl->easy_setopt(easy, CURLOPT_XFERINFODATA, transfer);
    set_limits(transfer);
    set_body(transfer);
}

/* What the message names: the host, which tells the reader where to look; never the query. */
static TarnText find_host(const char *url) {
    const char *start = strstr(url, "://");
    start = start != NULL ? start + 3 : url;
    return (TarnText){start, strcspn(start, "/?#")};
}

static bool before_sending(CURLcode code) {
    return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
           code == CURLE_COULDNT_CONNECT || code == CURLE_SSL_CONNECT_ERROR ||
           code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_SSL_CERTPROBLEM || code == CURLE_URL_MALFORMAT ||
           code == CURLE_UNSUPPORTED_PROTOCOL;
}

/* A timeout while connecting has sent nothing either. */
static bool was_connected(Transfer *transfer, CURLcode code) {
    if (before_sending(code)) return false;
    curl_off_t began_us = 0;
    (void)transfer->client->curl->easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T,
                                               &began_us);
    return began_us > 0 || code != CURLE_OPERATION_TIMEDOUT;
}

static bool set_failure(Transfer *transfer, CURLcode code) {
    TarnError *error = transfer->error;
    TarnText host = find_host(transfer->request->url);
    const char *reason = transfer->reason[0] != '\0'
                             ? transfer->reason
                             : transfer->client->curl->easy_strerror(code);
    bool trust = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
    if (error == NULL) return false;
    if (!transfer->failed) {
        if (code == CURLE_ABORTED_BY_CALLBACK) {
            tarn_base_error_set(error, TARN_E_INTERRUPTED, "interrupted");
        } else if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
            tarn_base_error_set(error, TARN_E_LOCATION_INVALID, "cannot use a URL: %s", reason);
        } else if (code == CURLE_OPERATION_TIMEDOUT) {
            tarn_base_error_set(error, TARN_E_TIMEOUT, "\"%.*s\" did not answer in time: %s",
                                TARN_TEXT_ARG(host), reason);
        } else {
            tarn_base_error_set(error, TARN_E_UNAVAILABLE, "could not %s \"%.*s\": %s",
                                before_sending(code) ? "reach" : "finish a request to",
                                TARN_TEXT_ARG(host), reason);
        }
        if (trust) {
            tarn_base_error_hint(error, "its certificate is not trusted; AWS_CA_BUNDLE names a "
                                        "file of certificates to trust instead");
        }
        error->retryable = !trust && (error->code == TARN_E_TIMEOUT ||
                                      error->code == TARN_E_UNAVAILABLE);
    }
    error->outcome_unknown = was_connected(transfer, code);
    return false;
}

static bool perform(Transfer *transfer) {
    const TarnNetCurl *curl = transfer->client->curl;
    struct curl_slist *headers;
    if (!make_headers(transfer->client, transfer->request, &headers, transfer->error)) {
        curl->slist_free_all(headers);
        return false;
    }
    set_options(transfer, headers);
    CURLcode code = curl->easy_perform(transfer->easy);
    curl->slist_free_all(headers);
    if (code != CURLE_OK) return set_failure(transfer, code);
    transfer->response->status = (int)response_status(transfer);
    if (transfer->data == NULL) {
        transfer->response->body = (TarnText){"", 0};
    } else {
        transfer->data[transfer->size] = '\0';
        transfer->response->body = (TarnText){transfer->data, transfer->size};
    }
    return true;
}

bool tarn_net_send(TarnNetClient *client, const TarnNetRequest *request, TarnArena *arena,
                   TarnNetResponse *response, TarnError *error) {
    TarnError ignored;
    *response = (TarnNetResponse){0};
    if (error == NULL) {
        tarn_base_error_clear(&ignored);
        error = &ignored;
    }
    if (!check_request(request, error)) return false;
    if (!request->finish && !tarn_os_interrupt_check(error)) return false;
    PooledHandle *handle = take_handle(client);
    if (handle == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for a request");
    }
    Transfer transfer = {.client = client, .request = request, .easy = handle->easy,
                         .arena = arena, .response = response, .error = error};
    bool ok = perform(&transfer);
    give_handle(client, handle);
    return ok;
}

/* ---- headers ----------------------------------------------------------------------------- */

const char *tarn_net_header(const TarnNetResponse *response, const char *name) {
    for (size_t i = 0; i < response->count; i++) {
        if (strcmp(response->items[i].name, name) == 0) return response->items[i].value;
    }
    return NULL;
}

bool tarn_net_date_parse(TarnText text, int64_t *us) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char copy[40];
    char month[4];
    unsigned day;
    int year;
    unsigned hour;
    unsigned minute;
    unsigned second;
    if (text.size >= sizeof(copy)) return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (sscanf(copy, "%*3[A-Za-z], %2u %3[A-Za-z] %4d %2u:%2u:%2u GMT", &day, month, &year, &hour,
               &minute, &second) != 6) {
        return false;
    }
    const char *found = strstr(months, month);
    if (strlen(month) != 3 || found == NULL || (found - months) % 3 != 0 || day < 1 || day > 31 ||
        hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    int64_t days = tarn_base_time_days_from_civil(year, (unsigned)(found - months) / 3 + 1, day);
    *us = (days * 86400 + hour * 3600 + minute * 60 + second) * 1000000;
    return true;
}
