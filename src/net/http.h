/* HTTP requests: one call, one request, one response.
 *
 *   tarn_net_client_open(os, NULL, &client, error)
 *   TarnNetRequest request = {.method = "GET", .url = url, .limit = TARN_MIB};
 *   tarn_net_send(client, &request, arena, &response, error)   true for every HTTP status
 *   tarn_net_client_close(client);
 *
 * Promises:
 *  - A request is sent at most once. Nothing is repeated behind the caller's back, also not where
 *    a kept connection turns out to be closed: whoever repeats knows what the request means.
 *  - Only http and https, no redirects (RFC 9110, 15.4: the caller sees the 3xx), certificates
 *    are verified. HTTP/1.1.
 *  - Connections are kept and used again, by any thread.
 *  - Connecting, silence and the whole request have their limits in time.
 *
 * Errors: TARN_E_UNAVAILABLE (not reached, broken off, cut short), TARN_E_TIMEOUT,
 * TARN_E_INTERRUPTED, TARN_E_LIMIT_EXCEEDED (the body of a response of status 2xx; others are
 * cut, since they are read by people), TARN_E_LOCATION_INVALID (a URL that is none).
 * error->outcome_unknown: the server may have received the request. error->retryable: it may work
 * later. No header and no query of a request is ever in a message.
 *
 * libcurl is loaded (dlopen) by the first client, so that a program that never speaks to a server
 * does not pay for it. Threads: a client may be shared.
 */
#ifndef TARN_NET_HTTP_H
#define TARN_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "os/os.h"

typedef struct TarnNetClient TarnNetClient;

/* 0 and NULL = the default of base/limits.h, the system's certificates. */
typedef struct TarnNetOptions {
    int64_t connect_ms;
    int64_t silence_ms; /* a transfer slower than TARN_LIMIT_NET_BYTES_PER_SECOND for so long */
    int64_t request_ms;
    const char *ca_file; /* PEM */
    bool direct;         /* no proxy, whatever the environment says */
} TarnNetOptions;

typedef struct TarnNetHeader {
    const char *name;
    const char *value; /* no control characters */
} TarnNetHeader;

typedef struct TarnNetRequest {
    const char *method; /* GET, HEAD, PUT, POST, DELETE */
    const char *url;
    const TarnNetHeader *headers;
    size_t header_count;
    /* The body of PUT and POST: memory, or `file_size` bytes of a file from `file_offset` on. */
    TarnText body;
    TarnOsFile *file;
    uint64_t file_offset;
    uint64_t file_size;
    size_t limit;       /* bytes of the response's body */
    int64_t request_ms; /* 0 = the client's */
    bool finish;        /* goes on although the user has pressed Ctrl-C: for cleaning up */
} TarnNetRequest;

typedef struct TarnNetResponse {
    int status;
    TarnText body; /* zero-terminated one past its size */
    TarnNetHeader *items; /* names in lower case */
    size_t count;
    size_t capacity;
    bool truncated; /* the body of an error was cut */
} TarnNetResponse;

/* TARN_E_UNAVAILABLE with a hint if libcurl cannot be loaded. */
bool tarn_net_client_open(const TarnOs *os, const TarnNetOptions *options, TarnNetClient **client,
                          TarnError *error) TARN_CHECKED;
void tarn_net_client_close(TarnNetClient *client); /* NULL is fine; no request may be under way */

/* The response and its bytes live in the arena. */
bool tarn_net_send(TarnNetClient *client, const TarnNetRequest *request, TarnArena *arena,
                   TarnNetResponse *response, TarnError *error) TARN_CHECKED;

/* By its name in lower case; NULL if there is none. */
const char *tarn_net_header(const TarnNetResponse *response, const char *name);
/* "Sat, 21 Nov 2026 07:15:00 GMT" (RFC 9110, 5.6.7), as microseconds since 1970. */
bool tarn_net_date_parse(TarnText text, int64_t *us);

#endif
