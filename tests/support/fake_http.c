/* The server behind fake_http.h: blocking sockets, a thread a connection. */
#include "fake_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 4096

struct FakeHttp {
    FakeHandler handler;
    void *state;
    int listener;
    int port;
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_t threads[CONNECTIONS_MAX];
    int sockets[CONNECTIONS_MAX]; /* -1 = closed */
    unsigned count;
    atomic_bool stopping;
};

typedef struct Connection {
    FakeHttp *server;
    unsigned index;
    int socket;
    char *data;
    size_t size;
    size_t capacity;
} Connection;

static bool receive(Connection *connection) {
    if (connection->size + 65536 >= connection->capacity) { /* a zero follows the bytes */
        connection->capacity = connection->capacity * 2 + 131072;
        connection->data = realloc(connection->data, connection->capacity);
        if (connection->data == NULL) abort();
    }
    ssize_t got = recv(connection->socket, connection->data + connection->size, 65536, 0);
    if (got <= 0) return false;
    connection->size += (size_t)got;
    connection->data[connection->size] = '\0';
    return true;
}

static void send_all(int socket, const char *data, size_t size) {
    while (size > 0) {
        ssize_t sent = send(socket, data, size, MSG_NOSIGNAL);
        if (sent <= 0) return;
        data += sent;
        size -= (size_t)sent;
    }
}

/* Whether the connection goes on. */
static bool answer(Connection *connection, const FakeRequest *request, FakeReply *reply) {
    if (reply->how == FAKE_STALL) {
        struct pollfd one = {.fd = connection->socket, .events = POLLIN};
        while (poll(&one, 1, 100) == 0 && !connection->server->stopping) {}
        return false;
    }
    if (reply->how == FAKE_RESET) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(connection->socket, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    if (reply->how == FAKE_RESET || reply->how == FAKE_DROP) return false;
    char head[4096];
    size_t length = reply->length > 0 ? reply->length : reply->body_size;
    if (reply->how == FAKE_TRUNCATE && length == 0) length = 100;
    int size = snprintf(head, sizeof(head), "HTTP/1.1 %d Fake\r\nContent-Length: %zu\r\n%s\r\n",
                        reply->status, length, reply->headers);
    send_all(connection->socket, head, (size_t)size);
    size_t body = reply->how == FAKE_TRUNCATE ? reply->body_size / 2 : reply->body_size;
    if (strcmp(request->method, "HEAD") != 0) send_all(connection->socket, reply->body, body);
    return reply->how == FAKE_ANSWER;
}

static bool serve_one(Connection *connection) {
    char *end;
    while (connection->size == 0 || (end = strstr(connection->data, "\r\n\r\n")) == NULL) {
        if (!receive(connection)) return false;
    }
    FakeRequest request = {.connection = connection->index + 1};
    if (sscanf(connection->data, "%15s %8191s", request.method, request.target) != 2) return false;
    size_t head_size = (size_t)(end + 4 - connection->data);
    char length[32];
    char *head = strndup(connection->data, head_size);
    request.head = head;
    size_t body_size = fake_http_header(&request, "content-length", length, sizeof(length))
                           ? strtoul(length, NULL, 10)
                           : 0;
    bool ok = true;
    while (ok && connection->size < head_size + body_size) ok = receive(connection);
    if (ok) {
        char *body = malloc(body_size + 1);
        if (body == NULL) abort();
        memcpy(body, connection->data + head_size, body_size);
        body[body_size] = '\0';
        request.body = body;
        request.body_size = body_size;
        FakeReply reply = {.status = 500};
        pthread_mutex_lock(&connection->server->lock);
        connection->server->handler(connection->server->state, &request, &reply);
        pthread_mutex_unlock(&connection->server->lock);
        ok = answer(connection, &request, &reply);
        free(reply.body);
        free(body);
        connection->size -= head_size + body_size;
        memmove(connection->data, connection->data + head_size + body_size, connection->size);
        connection->data[connection->size] = '\0';
    }
    free(head);
    return ok;
}

static void *run_connection(void *state) {
    Connection *connection = state;
    FakeHttp *server = connection->server;
    while (serve_one(connection)) {}
    pthread_mutex_lock(&server->lock);
    close(connection->socket);
    server->sockets[connection->index] = -1;
    pthread_mutex_unlock(&server->lock);
    free(connection->data);
    free(connection);
    return NULL;
}

static void *run_acceptor(void *state) {
    FakeHttp *server = state;
    for (;;) {
        int one = accept(server->listener, NULL, NULL);
        int yes = 1;
        if (one >= 0) (void)setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        pthread_mutex_lock(&server->lock);
        bool ending = one < 0 || server->stopping || server->count >= CONNECTIONS_MAX;
        Connection *connection = ending ? NULL : calloc(1, sizeof(*connection));
        if (connection != NULL) {
            *connection = (Connection){.server = server, .index = server->count, .socket = one};
            server->sockets[server->count] = one;
            if (pthread_create(&server->threads[server->count], NULL, run_connection,
                               connection) != 0) {
                abort();
            }
            server->count++;
        } else if (one >= 0) {
            close(one);
        }
        pthread_mutex_unlock(&server->lock);
        if (ending) return NULL;
    }
}

FakeHttp *fake_http_start(FakeHandler handler, void *state) {
    FakeHttp *server = calloc(1, sizeof(*server));
    if (server == NULL) return NULL;
    server->handler = handler;
    server->state = state;
    pthread_mutex_init(&server->lock, NULL);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 ||
        bind(server->listener, (struct sockaddr *)&address, size) != 0 ||
        listen(server->listener, 128) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &size) != 0 ||
        pthread_create(&server->acceptor, NULL, run_acceptor, server) != 0) {
        free(server);
        return NULL;
    }
    server->port = ntohs(address.sin_port);
    return server;
}

int fake_http_port(const FakeHttp *server) { return server->port; }

void fake_http_settle(FakeHttp *server) {
    pthread_mutex_lock(&server->lock);
    pthread_mutex_unlock(&server->lock);
}

void fake_http_stop(FakeHttp *server) {
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    (void)shutdown(server->listener, SHUT_RDWR);
    for (unsigned i = 0; i < server->count; i++) {
        if (server->sockets[i] >= 0) (void)shutdown(server->sockets[i], SHUT_RDWR);
    }
    pthread_mutex_unlock(&server->lock);
    pthread_join(server->acceptor, NULL);
    for (unsigned i = 0; i < server->count; i++) pthread_join(server->threads[i], NULL);
    close(server->listener);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

bool fake_http_header(const FakeRequest *request, const char *name, char *out, size_t size) {
    size_t name_size = strlen(name);
    for (const char *line = strstr(request->head, "\r\n"); line != NULL;
         line = strstr(line + 2, "\r\n")) {
        const char *start = line + 2;
        if (strncasecmp(start, name, name_size) != 0 || start[name_size] != ':') continue;
        start += name_size + 1;
        while (*start == ' ') start++;
        size_t length = strcspn(start, "\r\n");
        if (length >= size) return false;
        memcpy(out, start, length);
        out[length] = '\0';
        return true;
    }
    return false;
}

void fake_http_text(FakeReply *reply, int status, const char *text) {
    free(reply->body);
    reply->status = status;
    reply->body = strdup(text);
    reply->body_size = strlen(text);
}
