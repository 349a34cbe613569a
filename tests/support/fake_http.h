/* An HTTP/1.1 server on loopback whose every answer a test decides.
 *
 *   FakeHttp *server = fake_http_start(handler, state);
 *   ... http://127.0.0.1:fake_http_port(server)/ ...
 *   fake_http_stop(server);
 *
 * One thread a connection; the handler is called under one lock, so its state needs none. */
#ifndef TARN_TESTS_FAKE_HTTP_H
#define TARN_TESTS_FAKE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct FakeHttp FakeHttp;

typedef struct FakeRequest {
    char method[16];
    char target[8192]; /* path and query as sent */
    const char *head;  /* all headers, lines end with CRLF */
    const char *body;  /* zero-terminated one past its size */
    size_t body_size;
    unsigned connection; /* counts from 1 */
} FakeRequest;

typedef enum FakeHow {
    FAKE_ANSWER,
    FAKE_DROP,     /* closes without an answer */
    FAKE_RESET,    /* the same with a TCP reset */
    FAKE_TRUNCATE, /* sends the headers and half of the body */
    FAKE_STALL,    /* says nothing until the client gives up */
    FAKE_CLOSE     /* answers, then closes the connection without saying so before */
} FakeHow;

typedef struct FakeReply {
    int status;
    char headers[2048]; /* more of them, each ends with CRLF */
    char *body;         /* malloc; freed by the server */
    size_t body_size;
    size_t length; /* what Content-Length says, if not body_size (for HEAD) */
    FakeHow how;
} FakeReply;

typedef void (*FakeHandler)(void *state, const FakeRequest *request, FakeReply *reply);

FakeHttp *fake_http_start(FakeHandler handler, void *state); /* NULL if it cannot */
int fake_http_port(const FakeHttp *server);
void fake_http_stop(FakeHttp *server);
/* The value of a header into `out`; false if it is not there. */
bool fake_http_header(const FakeRequest *request, const char *name, char *out, size_t size);
/* What handlers did for requests that were answered or broken off may be read after it. */
void fake_http_settle(FakeHttp *server);
void fake_http_text(FakeReply *reply, int status, const char *text);

#endif
