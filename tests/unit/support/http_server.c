/* SPDX-License-Identifier: Apache-2.0 */
#include "support/http_server.h"

#include "base/own.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEAD_BYTES ((size_t)64 << 10)

struct http_connection {
    struct http_server *server;
    int fd;
    struct http_connection *next;
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

struct input {
    int fd;
    struct buf bytes; /* received, and not taken yet */
};

static bool receive(struct input *input)
{
    char piece[65536];
    ssize_t n = recv(input->fd, piece, sizeof(piece), 0);

    if (n <= 0)
        return false;
    buf_append(&input->bytes, piece, (size_t)n);
    return true;
}

static void take(struct input *input, size_t size, struct buf *out)
{
    struct buf *bytes = &input->bytes;

    if (out)
        buf_append(out, bytes->data, size);
    memmove(bytes->data, bytes->data + size, bytes->size - size + 1);
    bytes->size -= size;
}

/* Up to and with `end`. */
static bool take_until(struct input *input, const char *end, struct buf *out)
{
    char *at;

    while (!input->bytes.data || !(at = strstr(input->bytes.data, end)))
        if (!receive(input))
            return false;
    take(input, (size_t)(at - input->bytes.data) + strlen(end), out);
    return true;
}

static bool take_bytes(struct input *input, size_t size, struct buf *out)
{
    while (input->bytes.size < size)
        if (!receive(input))
            return false;
    if (size > 0)
        take(input, size, out);
    return true;
}

static bool take_chunks(struct input *input, struct buf *out)
{
    for (;;) {
        CLEANUP(buf_deinit) struct buf line = BUF_INIT(HEAD_BYTES);
        size_t size;

        if (!take_until(input, "\r\n", &line))
            return false;
        size = strtoul(line.data, NULL, 16);
        if (!take_bytes(input, size, out) || !take_until(input, "\r\n", NULL))
            return false;
        if (size == 0)
            return true;
    }
}

void http_call_header(const struct http_call *call, const char *name, char *out, size_t size)
{
    char search[128];
    const char *at;

    snprintf(search, sizeof(search), "\r\n%s:", name);
    at = strcasestr(call->head.data, search);
    at = at ? at + strlen(search) : "";
    at += strspn(at, " ");
    snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
}

void http_call_parameter(const struct http_call *call, const char *name, char *out, size_t size)
{
    const char *at = strchr(call->path, '?');
    size_t n = 0;

    for (; at; at = strchr(at + 1, '&'))
        if (strncmp(at + 1, name, strlen(name)) == 0 && at[1 + strlen(name)] == '=')
            break;
    at = at ? at + strlen(name) + 2 : "";
    for (; *at && *at != '&' && n + 1 < size; n++) {
        unsigned code = (unsigned char)*at;

        at += *at == '%' && sscanf(at + 1, "%2x", &code) == 1 ? 3 : 1;
        out[n] = (char)code;
    }
    out[n] = '\0';
}

static bool read_request(struct input *input, struct http_call *call)
{
    char text[64];

    if (!take_until(input, "\r\n\r\n", &call->head) ||
        sscanf(call->head.data, "%15s %2047s", call->method, call->path) != 2)
        return false;
    http_call_header(call, "Expect", text, sizeof(text));
    if (*text)
        (void)!send(input->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL);
    http_call_header(call, "Transfer-Encoding", text, sizeof(text));
    if (strcasecmp(text, "chunked") == 0)
        return take_chunks(input, &call->body);
    http_call_header(call, "Content-Length", text, sizeof(text));
    return take_bytes(input, strtoul(text, NULL, 10), &call->body);
}

static bool send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

static bool send_response(int fd, const struct http_call *call)
{
    CLEANUP(buf_deinit) struct buf head = BUF_INIT(HEAD_BYTES + HTTP_SERVER_BODY_BYTES);
    bool is_head = strcmp(call->method, "HEAD") == 0;

    buf_printf(&head, "HTTP/1.1 %d Text\r\n%s", call->status,
               call->headers.data ? call->headers.data : "");
    if (!strcasestr(head.data, "\r\nContent-Length:") && call->status != 204)
        buf_printf(&head, "Content-Length: %zu\r\n", call->reply.size);
    buf_append_str(&head, "\r\n");
    if (!is_head && call->reply.size > 0)
        buf_append(&head, call->reply.data, call->reply.size); /* one packet where it fits */
    return send_all(fd, head.data, head.size);
}

static bool serve_one(struct http_server *server, struct input *input)
{
    struct http_call call = {.head = BUF_INIT(HEAD_BYTES),
                             .body = BUF_INIT(HTTP_SERVER_BODY_BYTES),
                             .status = 200,
                             .headers = BUF_INIT(HEAD_BYTES),
                             .reply = BUF_INIT(HTTP_SERVER_BODY_BYTES)};
    bool ok = read_request(input, &call);

    if (ok) {
        server->serve(server->arg, &call);
        while (call.hang && receive(input))
            continue;
        ok = !call.hang && !call.reset && send_response(input->fd, &call);
    }
    buf_deinit(&call.head);
    buf_deinit(&call.body);
    buf_deinit(&call.headers);
    buf_deinit(&call.reply);
    return ok;
}

static void *connection_run(void *arg)
{
    struct http_connection *connection = arg, **at;
    struct http_server *server = connection->server;
    struct input input = {connection->fd, BUF_INIT(HTTP_SERVER_BODY_BYTES)};

    while (serve_one(server, &input))
        continue;
    buf_deinit(&input.bytes);
    LOCK_SCOPE(&server->lock);
    for (at = &server->connections; *at != connection; at = &(*at)->next)
        continue;
    *at = connection->next;
    close(connection->fd);
    free(connection);
    pthread_cond_broadcast(&server->changed);
    return NULL;
}

static void start_connection(struct http_server *server, int fd)
{
    struct http_connection *connection = calloc(1, sizeof(*connection));
    pthread_t thread;
    LOCK_SCOPE(&server->lock);

    must(connection != NULL);
    connection->server = server;
    connection->fd = fd;
    connection->next = server->connections;
    server->connections = connection;
    if (server->stopping)
        shutdown(fd, SHUT_RDWR);
    must(pthread_create(&thread, NULL, connection_run, connection) == 0);
    pthread_detach(thread);
}

static void *acceptor_run(void *arg)
{
    struct http_server *server = arg;
    int fd;

    while ((fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        start_connection(server, fd);
    return NULL;
}

static void listen_unix(struct http_server *server)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char directory[] = "/tmp/test_http.XXXXXX";

    must(mkdtemp(directory));
    snprintf(server->address, sizeof(server->address), "%s/socket", directory);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(server->listener, (struct sockaddr *)&address, sizeof(address)) == 0);
}

static void listen_loopback(struct http_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(server->listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
         getsockname(server->listener, (struct sockaddr *)&address, &size) == 0);
    snprintf(server->address, sizeof(server->address), "127.0.0.1:%u", ntohs(address.sin_port));
}

void http_server_start(struct http_server *server, bool is_unix, http_serve *serve, void *arg)
{
    *server = (struct http_server){.serve = serve, .arg = arg, .is_unix = is_unix};
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    if (is_unix)
        listen_unix(server);
    else
        listen_loopback(server);
    must(listen(server->listener, 32) == 0);
    must(pthread_create(&server->acceptor, NULL, acceptor_run, server) == 0);
}

void http_server_stop(struct http_server *server)
{
    char *slash;

    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->acceptor, NULL);
    close(server->listener);
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    for (struct http_connection *at = server->connections; at; at = at->next)
        shutdown(at->fd, SHUT_RDWR);
    while (server->connections)
        pthread_cond_wait(&server->changed, &server->lock);
    pthread_mutex_unlock(&server->lock);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    if (!server->is_unix)
        return;
    unlink(server->address);
    slash = strrchr(server->address, '/');
    *slash = '\0';
    rmdir(server->address);
}
